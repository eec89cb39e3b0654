// Extender measures c-sched as kube-scheduler's extender beside a plain Go one (net/http, encoding/json, all
// nodes and constant scores): the same requests, one after the other over one TLS connection that stays.
//
// c-sched watches kubesim, which tells it of nodes, of pods that nobody binds, and of load; both run beside it.
// Further: what calls cost while all pods are listed again, and how fast the real kube-scheduler binds on the real
// API server without an extender, with the plain one and with c-sched.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// rounds are taken in turns, so that a machine that gets slower or faster with time does so for both sides.
const rounds = 3

type options struct {
	root, variant string
	seconds       time.Duration
	relist        int // running pods
	// of the runs with kube-scheduler
	schedulerNodes, pods int
}

func (o options) program(name string) string {
	return filepath.Join(o.root, "build", o.variant, name)
}

func main() {
	var o options
	what := flag.String("what", "requests,relist,scheduler",
		"measure requests alone, requests during a relist, the real kube-scheduler on the real API server")
	nodes := flag.String("nodes", "100,1000,5000", "node names in a request, one after the other")
	serve := flag.String("serve", "", "be the plain Go extender with the certificates of this directory")
	flag.StringVar(&o.root, "root", "../../..", "the repository")
	flag.StringVar(&o.variant, "variant", "gcc", "the build of c-sched")
	flag.DurationVar(&o.seconds, "time", 2*time.Second, "how long to measure each verb, three times")
	flag.IntVar(&o.relist, "relist", 150000, "running pods that are listed again")
	flag.IntVar(&o.schedulerNodes, "scheduler-nodes", 1000, "kube-scheduler's nodes")
	flag.IntVar(&o.pods, "pods", 300, "pods for kube-scheduler to bind in a run")
	flag.Parse()
	var err error
	if *serve != "" {
		err = serveGo(*serve)
	} else {
		err = benchmark(o, *what, *nodes)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func benchmark(o options, what, nodes string) error {
	parts := map[string]func() error{
		"requests":  func() error { return benchmarkRequests(o, nodes) },
		"relist":    func() error { return benchmarkRelist(o) },
		"scheduler": func() error { return benchmarkScheduler(o) },
	}
	for _, name := range strings.Split(what, ",") {
		part, known := parts[name]
		if !known {
			return fmt.Errorf("-what: %q is none of requests, relist and scheduler", name)
		}
		if err := part(); err != nil {
			return err
		}
	}
	return nil
}

func benchmarkRequests(o options, nodes string) error {
	for _, text := range strings.Split(nodes, ",") {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return fmt.Errorf("-nodes: %q is not a number of nodes", text)
		}
		if err := benchmarkSize(o, n); err != nil {
			return fmt.Errorf("%d nodes: %w", n, err)
		}
	}
	return nil
}

// benchmarkSize measures both sides with that many node names, and with as many whole nodes.
func benchmarkSize(o options, n int) error {
	dir, err := os.MkdirTemp("", "c-sched-extender-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := writeCertificates(dir); err != nil {
		return err
	}
	w, err := newWorld(o, dir, n)
	if err != nil {
		return err
	}
	defer w.stop()
	rows := newTable(fmt.Sprintf("%d node names", n))
	for range rounds {
		for _, verb := range []string{"filter", "prioritize"} {
			for _, s := range []side{w.goSide(), w.cSchedSide()} {
				r, err := w.measure(s, verb, w.nameBodies)
				if err != nil {
					return fmt.Errorf("%s, %s: %w", s.name, verb, err)
				}
				rows.add(s.name, verb, r)
			}
		}
	}
	rows.print(os.Stdout)
	whole := newTable(fmt.Sprintf("%d whole nodes of 10 KB", n))
	for _, s := range []side{w.goSide(), w.cSchedSide()} {
		r, err := w.measure(s, "filter", w.wholeBodies)
		if err != nil {
			return fmt.Errorf("%s, whole nodes: %w", s.name, err)
		}
		whole.add(s.name, "filter", r)
	}
	whole.print(os.Stdout)
	return nil
}
