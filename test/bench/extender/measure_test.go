package main

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestTable(t *testing.T) {
	rows := newTable("2 node names")
	for i := range 2 {
		rows.add("plain Go", "filter", &result{requests: 100, elapsed: time.Second, cpu: 400 * time.Millisecond,
			times: []time.Duration{4 * time.Millisecond, 2 * time.Millisecond}, peakRSS: int64(i) * 1e6})
		rows.add("c-sched", "filter", &result{requests: 300, elapsed: time.Second, cpu: 300 * time.Millisecond,
			times: []time.Duration{time.Millisecond}, peakRSS: 5e6})
	}
	var out strings.Builder
	rows.print(&out)
	for _, want := range []string{
		"plain Go  filter  100         4000 us      4.00 ms  4.00 ms  1.0 MB",
		"c-sched   filter  300         1000 us      1.00 ms  1.00 ms  5.0 MB",
		"filter: 1/4.0 of the Go extender's CPU",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in\n%s", want, out.String())
		}
	}
}

func TestAlgorithmTime(t *testing.T) {
	text := "# TYPE scheduler_scheduling_algorithm_duration_seconds histogram\n" +
		"scheduler_scheduling_algorithm_duration_seconds_bucket{le=\"0.001\"} 1\n" +
		"scheduler_scheduling_algorithm_duration_seconds_sum 0.25\n" +
		"scheduler_scheduling_algorithm_duration_seconds_count 10\n"
	took, n, err := algorithmTime(text)
	if err != nil || took != 250*time.Millisecond || n != 10 {
		t.Errorf("got %v, %d, %v", took, n, err)
	}
	if _, _, err := algorithmTime("another_sum 1\n"); err == nil {
		t.Error("metrics without it are no error")
	}
}

func TestSpread(t *testing.T) {
	runs := []schedulerRun{{rate: 30}, {rate: 10}, {rate: 20}}
	got := spread(runs, func(r schedulerRun) float64 { return r.rate }, func(v float64) string { return fmt.Sprint(v) })
	if got != "20 (10-30)" {
		t.Errorf("got %q", got)
	}
}
