package observe

import (
	"os"
	"testing"
	"time"
)

func at(seconds float64) time.Time { return time.Unix(1000, 0).Add(time.Duration(seconds * 1e9)) }

// steady grows by rate per second, after a start of 50 s in which nothing happens.
func steady(n int, rate float64) Curve {
	var c Curve
	for i := range n {
		c = append(c, at(50+float64(i)/rate))
	}
	return c
}

func TestMiddle(t *testing.T) {
	c := steady(1000, 100)
	if rate := c.Middle(); rate < 99.9 || rate > 100.1 {
		t.Errorf("a steady 100/s is %.1f/s", rate)
	}
	// A slow first and last tenth do not count.
	for i := range 100 {
		c[i] = c[i].Add(-time.Duration(100-i) * time.Second)
		c[999-i] = c[999-i].Add(time.Duration(100-i) * time.Second)
	}
	if rate := c.Middle(); rate < 98 || rate > 101 {
		t.Errorf("with slow ends: %.1f/s", rate)
	}
	if rate := (Curve{}).Middle(); rate != 0 {
		t.Errorf("nothing is %.1f/s", rate)
	}
}

func TestBehind(t *testing.T) {
	fast, slow := steady(1000, 100), steady(900, 50)
	if both := fast.Behind(slow); len(both) != 900 || !both[899].Equal(slow[899]) {
		t.Errorf("%d steps, the last at %s", len(both), both[len(both)-1])
	}
	if both := slow.Behind(fast); !both[899].Equal(slow[899]) {
		t.Error("the slower of the two does not count")
	}
}

func TestGrow(t *testing.T) {
	var c Curve
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
	if _, err := CPUTime(os.Getpid()); err != nil {
		t.Error(err)
	}
	if rss, err := PeakRSS(os.Getpid()); err != nil || rss < 1<<20 {
		t.Errorf("%d bytes, %v", rss, err)
	}
}
