package main

import (
	"strings"
	"testing"
	"time"
)

func TestTargets(t *testing.T) {
	rows := newTable()
	add := func(i int, rate float64, cpu time.Duration, rss int64, events int) {
		rows[i].results = append(rows[i].results, &result{
			pods: 1000, rate: rate, boundRate: rate, schedulerCPU: cpu, rss: rss, events: events, bound: 1000,
		})
	}
	for _, rate := range []float64{200, 300, 1000} {
		add(kubeA, rate, 3*time.Millisecond, 300e6, 990)
	}
	add(oursA, 900, 100*time.Microsecond, 30e6, 1000)
	add(loopA, 1000, 0, 0, 1000)
	add(oursB, 1500, 100*time.Microsecond, 30e6, 0)
	add(loopB, 1500, 0, 0, 0)
	add(watchB, 1000, 0, 0, 0)
	var out strings.Builder
	rows.print(&out)
	for _, line := range []string{
		"of the bare loop's             0.90   at least 0.95  NOT MET", // (a)
		"times kube-scheduler's         3.00   at least 2.50  met",
		"of the bare loop's             1.00   at least 0.95  met", // (b)
		"times kube-scheduler's bound/s  5.00   at least 4.00  met",
		"CPU per pod, of kube-scheduler's  1/30.0  at most 1/15  met",
		"peak RSS, of kube-scheduler's  1/10.0  at most 1/15  NOT MET",
		"of the bare loop's that watches pods  1.50",
		"10 LOST", "1000 = pods",
	} {
		if !strings.Contains(strings.Join(strings.Fields(out.String()), " "), strings.Join(strings.Fields(line), " ")) {
			t.Errorf("missing %q in\n%s", line, out.String())
		}
	}
}
