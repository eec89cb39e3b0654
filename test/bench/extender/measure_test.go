package main

import (
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
