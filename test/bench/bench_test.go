package main

import (
	"os"
	"strings"
	"testing"
	"time"
)

func at(seconds float64) time.Time { return time.Unix(1000, 0).Add(time.Duration(seconds * 1e9)) }

// steady grows by rate per second, after a start of 50 s in which nothing happens.
func steady(n int, rate float64) curve {
	var c curve
	for i := range n {
		c = append(c, at(50+float64(i)/rate))
	}
	return c
}

func TestMiddle(t *testing.T) {
	c := steady(1000, 100)
	if rate := c.middle(); rate < 99.9 || rate > 100.1 {
		t.Errorf("a steady 100/s is %.1f/s", rate)
	}
	// A slow first and last tenth do not count.
	for i := range 100 {
		c[i] = c[i].Add(-time.Duration(100-i) * time.Second)
		c[999-i] = c[999-i].Add(time.Duration(100-i) * time.Second)
	}
	if rate := c.middle(); rate < 98 || rate > 101 {
		t.Errorf("with slow ends: %.1f/s", rate)
	}
	if rate := (curve{}).middle(); rate != 0 {
		t.Errorf("nothing is %.1f/s", rate)
	}
}

func TestBehind(t *testing.T) {
	fast, slow := steady(1000, 100), steady(900, 50)
	if both := fast.behind(slow); len(both) != 900 || !both[899].Equal(slow[899]) {
		t.Errorf("%d steps, the last at %s", len(both), both[len(both)-1])
	}
	if both := slow.behind(fast); !both[899].Equal(slow[899]) {
		t.Error("the slower of the two does not count")
	}
}

func TestGrow(t *testing.T) {
	var c curve
	c.grow(at(0), 0, at(1))
	c.grow(at(1), 4, at(2))
	c.grow(at(2), 4, at(3))
	c.grow(at(3), 5, at(4))
	want := []time.Time{at(1.25), at(1.5), at(1.75), at(2), at(4)}
	if len(c) != len(want) {
		t.Fatalf("%d steps", len(c))
	}
	for i := range want {
		if !c[i].Equal(want[i]) {
			t.Errorf("step %d at %s, not %s", i, c[i], want[i])
		}
	}
}

func TestProcess(t *testing.T) {
	cpu, err := parseStat([]byte("12 (a) b (c)) S 1 12 12 0 -1 4194560 1 0 0 0 150 25 0 0 20 0 1 0 1 1 1\n"))
	if err != nil || cpu != 1750*time.Millisecond {
		t.Errorf("%s, %v", cpu, err)
	}
	if _, err := parseStat([]byte("12 (a) S 1")); err == nil {
		t.Error("a short line is accepted")
	}
	if _, err := cpuTime(os.Getpid()); err != nil {
		t.Error(err)
	}
	if rss, err := peakRSS(os.Getpid()); err != nil || rss < 1<<20 {
		t.Errorf("%d bytes, %v", rss, err)
	}
}

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
