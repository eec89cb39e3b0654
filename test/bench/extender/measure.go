package main

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/c-sched/c-sched/test/bench/observe"
)

// warmUp requests come before those that count.
const warmUp = 5

type side struct {
	name, address string
	pid           int
}

func (w *world) goSide() side {
	return side{"plain Go", w.goAddress, w.goExtender.Process.Pid}
}

func (w *world) cSchedSide() side {
	return side{"c-sched", w.cAddress, w.cPid}
}

type result struct {
	requests             int
	elapsed              time.Duration
	cpu                  time.Duration
	times                []time.Duration
	requestSize, peakRSS int64
}

// measure calls one verb again and again, about one pod after the other.
func (w *world) measure(s side, verb string, bodies [][]byte) (*result, error) {
	client, err := w.client()
	if err != nil {
		return nil, err
	}
	defer client.CloseIdleConnections()
	r := &result{requestSize: int64(len(bodies[0]))}
	call := func(i int) error {
		response, err := client.Post("https://"+s.address+"/"+verb, "application/json",
			bytes.NewReader(bodies[i%len(bodies)]))
		if err != nil {
			return err
		}
		_, err = drain(response)
		return err
	}
	for i := range warmUp {
		if err := call(i); err != nil {
			return nil, err
		}
	}
	before, err := observe.CPUTime(s.pid)
	if err != nil {
		return nil, err
	}
	begin := time.Now()
	for time.Since(begin) < w.options.seconds {
		start := time.Now()
		if err := call(r.requests); err != nil {
			return nil, err
		}
		r.times = append(r.times, time.Since(start))
		r.requests++
	}
	r.elapsed = time.Since(begin)
	after, err := observe.CPUTime(s.pid)
	if err != nil {
		return nil, err
	}
	r.cpu = after - before
	r.peakRSS, err = observe.PeakRSS(s.pid)
	return r, err
}

func (r *result) merge(other *result) {
	r.requests += other.requests
	r.elapsed += other.elapsed
	r.cpu += other.cpu
	r.times = append(r.times, other.times...)
	r.peakRSS = max(r.peakRSS, other.peakRSS)
}

func (r *result) cpuPerRequest() time.Duration { return r.cpu / time.Duration(r.requests) }

func (r *result) quantile(q float64) time.Duration {
	return r.times[min(int(q*float64(len(r.times))), len(r.times)-1)]
}

type row struct {
	side, verb string
	*result
}

type table struct {
	title string
	rows  []row
}

func newTable(title string) *table { return &table{title: title} }

// add takes a result in, with those of the same side and verb.
func (t *table) add(side, verb string, r *result) {
	for _, known := range t.rows {
		if known.side == side && known.verb == verb {
			known.merge(r)
			return
		}
	}
	t.rows = append(t.rows, row{side, verb, r})
}

func (t *table) print(out io.Writer) {
	fmt.Fprintf(out, "\n%s, a request of %.0f KB\n", t.title, float64(t.rows[0].requestSize)/1e3)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "side\tverb\trequests/s\tCPU/request\tp50\tp99\tpeak RSS")
	for _, r := range t.rows {
		slices.Sort(r.times)
		fmt.Fprintf(w, "%s\t%s\t%.0f\t%d us\t%.2f ms\t%.2f ms\t%.1f MB\n", r.side, r.verb,
			float64(r.requests)/r.elapsed.Seconds(), r.cpuPerRequest().Microseconds(), milliseconds(r.quantile(0.5)),
			milliseconds(r.quantile(0.99)), float64(r.peakRSS)/1e6)
	}
	w.Flush()
	t.printShares(out)
}

// printShares says what share of the Go extender's CPU c-sched needs.
func (t *table) printShares(out io.Writer) {
	for _, ours := range t.rows {
		for _, theirs := range t.rows {
			if ours.side == "c-sched" && theirs.side != "c-sched" && ours.verb == theirs.verb && ours.cpu > 0 {
				fmt.Fprintf(out, "%s: 1/%.1f of the Go extender's CPU\n", ours.verb,
					float64(theirs.cpuPerRequest())/float64(ours.cpuPerRequest()))
			}
		}
	}
}

func milliseconds(d time.Duration) float64 { return float64(d) / 1e6 }
