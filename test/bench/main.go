// Bench measures c-sched beside kube-scheduler: the same pods, nodes and API server, one after the other, rate
// limits off in both. A bare loop of the same writes shows what the API server takes at most.
//
// All pods exist before a side starts. A pod is done when it is bound and, in row (a), its Event is stored;
// rates are over the middle 80 % of the pods; CPU and memory are the whole process's, start included.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
)

type options struct {
	root, variant string
	nodes         []int
	pods, repeat  int
	// only limits the run to some of the sides, for work on one of them.
	only string
	// profiles is where the API server's CPU profile of each run goes; "" = none is taken.
	profiles string
}

func (o options) tools() string  { return filepath.Join(o.root, "build/e2e/bin") }
func (o options) cSched() string { return filepath.Join(o.root, "build", o.variant, "c-sched") }

func parse() (options, error) {
	var o options
	nodes := flag.String("nodes", "1000,5000", "cluster sizes, one after the other")
	flag.IntVar(&o.pods, "pods", 10000, "pods to bind")
	flag.IntVar(&o.repeat, "repeat", 3, "how often to run each side; the run of median rate is shown")
	flag.StringVar(&o.root, "root", "../..", "the repository")
	flag.StringVar(&o.variant, "variant", "gcc", "the build of c-sched")
	flag.StringVar(&o.only, "only", "", "run only sides whose name contains this")
	flag.StringVar(&o.profiles, "profiles", "", "a directory for the API server's CPU profile of each run")
	flag.Parse()
	for _, text := range strings.Split(*nodes, ",") {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return o, fmt.Errorf("-nodes: %q is not a number of nodes", text)
		}
		o.nodes = append(o.nodes, n)
	}
	if o.pods < 10 || o.repeat < 1 {
		return o, fmt.Errorf("-pods must be at least 10 and -repeat at least 1")
	}
	return o, nil
}

func main() {
	o, err := parse()
	if err == nil {
		err = benchmark(o)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func benchmark(o options) error {
	fmt.Printf("%d cores; kube-apiserver, etcd (no fsync), scheduler and this program share them\n", runtime.NumCPU())
	for _, nodes := range o.nodes {
		if err := benchmarkSize(o, nodes); err != nil {
			return fmt.Errorf("%d nodes: %w", nodes, err)
		}
	}
	return nil
}

// benchmarkSize runs all sides on one control plane and prints what they did. The sides take turns, so that
// a server that gets slower or faster with time does so for all.
func benchmarkSize(o options, nodes int) error {
	dir, err := os.MkdirTemp("", "c-sched-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b, err := newBench(o, dir, nodes)
	if err != nil {
		return err
	}
	defer b.Stop()
	rows := newTable()
	for range o.repeat {
		for i := range rows {
			if !strings.Contains(rows[i].side.name, o.only) {
				continue
			}
			r, err := b.run(rows[i].side)
			if err != nil {
				return err
			}
			fmt.Fprintf(os.Stderr, "%d nodes: %s %s: %.0f pods/s\n", nodes, rows[i].row, rows[i].side.name, r.rate)
			rows[i].results = append(rows[i].results, r)
		}
	}
	fmt.Printf("\n%d nodes, %d pods (100m, 500Mi), median of %d\n", nodes, o.pods, o.repeat)
	rows.print(os.Stdout)
	return nil
}
