package main

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"
)

// entry is a line of the table: one side in one row of the comparison.
type entry struct {
	row     string
	side    side
	results []*result
}

type table []entry

// The lines of the table, by index.
const (
	kubeA = iota
	oursA
	loopA
	oursB
	loopB
	watchB
)

// newTable lists the sides in the order they run. kube-scheduler cannot leave its Events out: row (b) compares
// with the rate of its Bindings.
func newTable() table {
	return table{
		kubeA: {row: "(a)", side: kubeScheduler()},
		oursA: {row: "(a)", side: cSched(true)},
		loopA: {row: "(a)", side: bareLoop(true)},
		oursB: {row: "(b)", side: cSched(false)},
		loopB: {row: "(b)", side: bareLoop(false)},
		// What a scheduler can reach at most: it cannot do without the watch.
		watchB: {row: "(b)", side: watchingLoop(false)},
	}
}

// median is the run of median rate, nil where the side was not run.
func (e entry) median() *result {
	if len(e.results) == 0 {
		return nil
	}
	sorted := slices.Clone(e.results)
	slices.SortFunc(sorted, func(a, b *result) int { return int(a.rate - b.rate) })
	return sorted[len(sorted)/2]
}

func (t table) print(out io.Writer) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "row\tside\tpods/s\tall runs\tbound/s\tCPU/pod\tpeak RSS\tEvents\tAPI server CPU/pod\tetcd CPU/pod")
	for _, e := range t {
		if r := e.median(); r != nil {
			fmt.Fprintf(w, "%s\t%s\t%.0f\t%s\t%.0f\t%s\t%s\t%s\t%s\t%s\n", e.row, e.side.name, r.rate, e.rates(),
				r.boundRate, micros(r.schedulerCPU), megabytes(r.rss), e.events(r),
				micros(r.apiServerCPU), micros(r.etcdCPU))
		}
	}
	w.Flush()
	t.printTargets(out)
}

func (e entry) rates() string {
	text := ""
	for i, r := range e.results {
		if i > 0 {
			text += " "
		}
		text += fmt.Sprintf("%.0f", r.rate)
	}
	return text
}

// events says whether every pod has its Event.
func (e entry) events(r *result) string {
	switch {
	case !e.side.events:
		return "-"
	case r.events == r.pods:
		return fmt.Sprintf("%d = pods", r.events)
	default:
		return fmt.Sprintf("%d, %d LOST", r.events, r.pods-r.events)
	}
}

func micros(d time.Duration) string {
	if d == 0 {
		return "-"
	}
	return fmt.Sprintf("%d us", d.Microseconds())
}

func megabytes(n int64) string {
	if n == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f MB", float64(n)/1e6)
}

// printTargets compares the medians with what was to be reached.
func (t table) printTargets(out io.Writer) {
	kube, a, ceilingA := t[kubeA].median(), t[oursA].median(), t[loopA].median()
	b, ceilingB := t[oursB].median(), t[loopB].median()
	if kube == nil || a == nil || b == nil || ceilingA == nil || ceilingB == nil {
		return
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	atLeast := func(what string, ratio, target float64) {
		fmt.Fprintf(w, "%s\t%.2f\tat least %.2f\t%s\n", what, ratio, target, met(ratio >= target))
	}
	atMost := func(what string, ratio, target float64) {
		fmt.Fprintf(w, "%s\t1/%.1f\tat most 1/%.0f\t%s\n", what, 1/ratio, 1/target, met(ratio <= target))
	}
	atLeast("(a) pods/s, of the bare loop's", a.rate/ceilingA.rate, 0.95)
	atLeast("(a) pods/s, times kube-scheduler's", a.rate/kube.rate, 2.5)
	atLeast("(b) pods/s, of the bare loop's", b.rate/ceilingB.rate, 0.95)
	atLeast("(b) pods/s, times kube-scheduler's bound/s", b.rate/kube.boundRate, 4)
	atMost("(a) CPU per pod, of kube-scheduler's", float64(a.schedulerCPU)/float64(kube.schedulerCPU), 1.0/15)
	atMost("(a) peak RSS, of kube-scheduler's", float64(a.rss)/float64(kube.rss), 1.0/15)
	if watching := t[watchB].median(); watching != nil {
		fmt.Fprintf(w, "(b) pods/s, of the bare loop's that watches pods\t%.2f\t\t\n", b.rate/watching.rate)
	}
	w.Flush()
}

func met(ok bool) string {
	if ok {
		return "met"
	}
	return "NOT MET"
}
