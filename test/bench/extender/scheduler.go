package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/c-sched/c-sched/test/bench/observe"
	"github.com/c-sched/c-sched/test/e2e/cluster"
)

// schedulerRounds are many short runs, so that what else the machine does falls on all sides alike.
const schedulerRounds = 5

const extendersConfig = `extenders:
- urlPrefix: https://%s
  filterVerb: filter
  prioritizeVerb: prioritize
  weight: 1
  httpTimeout: 5s
  nodeCacheCapable: true
  enableHTTPS: true
  tlsConfig: {caFile: %s, certFile: %s, keyFile: %s}
`

// annotationSource keeps figures as long as the benchmark takes.
const annotationSource = `- {name: notes, type: NodeAnnotations, metrics: [cpu, memory]}
metrics:
- {name: cpu, timeToLive: 1h}
- {name: memory, timeToLive: 1h}
`

// sides are kube-scheduler without an extender, and with each of them.
var sides = []string{"no extender", "plain Go", "c-sched"}

// schedulerRun is what one run showed, of the middle 80 % of its pods.
type schedulerRun struct {
	rate float64 // pods/s
	// per pod; the algorithm is what kube-scheduler says of itself: filters, scores, and the extender's answers
	algorithm, schedulerCPU, extenderCPU time.Duration
}

// schedulerWorld is a real control plane with nodes that say what they carry, and both extenders.
type schedulerWorld struct {
	*world
	*cluster.Cluster
	runs    int
	results map[string][]schedulerRun
}

// benchmarkScheduler measures the real kube-scheduler on the real API server: alone, with the plain Go extender
// and with c-sched, in turns.
func benchmarkScheduler(o options) error {
	dir, err := os.MkdirTemp("", "c-sched-scheduler-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := writeCertificates(dir); err != nil {
		return err
	}
	c, err := cluster.Start(cluster.Options{Dir: dir, BinDir: filepath.Join(o.root, "build/e2e/bin")})
	if err != nil {
		return err
	}
	defer c.Stop()
	w := &schedulerWorld{world: &world{options: o, dir: dir}, Cluster: c, results: map[string][]schedulerRun{}}
	defer w.stop()
	end, err := w.bringUp()
	if err != nil {
		return err
	}
	defer end()
	for round := range schedulerRounds {
		for i := range sides {
			if err := w.run(sides[(round+i)%len(sides)]); err != nil {
				return err
			}
		}
	}
	return w.print(os.Stdout)
}

// bringUp creates the nodes and starts the extenders.
func (w *schedulerWorld) bringUp() (end func(), err error) {
	if err := w.createNodes(); err != nil {
		return nil, err
	}
	if err := w.startGoExtender(); err != nil {
		return nil, err
	}
	kubeconfig, err := w.Kubeconfig(cluster.UserScheduler)
	if err != nil {
		return nil, err
	}
	args, err := w.extenderArgs()
	if err != nil {
		return nil, err
	}
	s, err := w.StartWithConfig(cluster.SchedulerOptions{
		LogName: "c-sched", Binary: w.options.program("c-sched"), Args: args,
	}, cSchedConfig(kubeconfig, annotationSource))
	if err != nil {
		return nil, err
	}
	w.cPid = s.Pid()
	return s.Kill, s.WaitReady(patience)
}

func (w *schedulerWorld) createNodes() error {
	nodes := make([]cluster.Node, w.options.schedulerNodes)
	now := time.Now().UTC().Format(time.RFC3339)
	for i := range nodes {
		nodes[i] = cluster.Node{
			Name: fmt.Sprintf("node-%d", i), CPU: "4", Memory: "32Gi", Pods: 110,
			Annotations: map[string]string{
				"load.c-sched.io/cpu":    fmt.Sprintf("%d@%s", i*37%4000, now),
				"load.c-sched.io/memory": fmt.Sprintf("%d@%s", i*53%32<<30, now),
			},
		}
	}
	return w.CreateNodes(context.Background(), nodes)
}

// run binds pods that all exist before kube-scheduler starts.
func (w *schedulerWorld) run(side string) error {
	ctx := context.Background()
	w.runs++
	namespace := fmt.Sprintf("run-%d", w.runs)
	if err := w.createPods(ctx, namespace); err != nil {
		return err
	}
	progress, err := observe.Follow(w.Cluster, namespace)
	if err != nil {
		return err
	}
	defer progress.End()
	r, err := w.measureRun(side, progress)
	if err != nil {
		return fmt.Errorf("kube-scheduler with %s: %w", side, err)
	}
	fmt.Fprintf(os.Stderr, "kube-scheduler with %s: %.0f pods/s\n", side, r.rate)
	w.results[side] = append(w.results[side], *r)
	return w.Empty(ctx, namespace)
}

func (w *schedulerWorld) createPods(ctx context.Context, namespace string) error {
	if err := w.CreateNamespace(ctx, namespace); err != nil {
		return err
	}
	pods := make([]*corev1.Pod, w.options.pods)
	for i := range pods {
		pods[i] = cluster.Pod(namespace, fmt.Sprintf("pod-%d", i), "bench", "100m", "500Mi")
	}
	return w.CreatePods(ctx, pods)
}

func (w *schedulerWorld) measureRun(side string, progress *observe.Progress) (*schedulerRun, error) {
	address, extender := map[string]string{"plain Go": w.goAddress, "c-sched": w.cAddress}[side], w.pidOf(side)
	scheduler, err := w.startKubeScheduler(address)
	if err != nil {
		return nil, err
	}
	defer scheduler.Kill()
	// The start and the end are left out: caches that fill, goroutines that write the last Bindings.
	from, err := w.look(progress, w.options.pods/10, scheduler, extender)
	var to *reading
	if err == nil {
		to, err = w.look(progress, w.options.pods*9/10, scheduler, extender)
	}
	if err == nil {
		err = progress.Wait(w.options.pods, false)
	}
	if err != nil {
		return nil, fmt.Errorf("%w\n%s", err, scheduler.LogTail(10))
	}
	if to.decisions == from.decisions || to.bound == from.bound {
		return nil, errors.New("too few pods to measure between two looks")
	}
	bound := time.Duration(to.bound - from.bound)
	curve, _ := progress.Curves()
	return &schedulerRun{
		rate:         curve.Middle(),
		algorithm:    (to.algorithm - from.algorithm) / time.Duration(to.decisions-from.decisions),
		schedulerCPU: (to.schedulerCPU - from.schedulerCPU) / bound,
		extenderCPU:  (to.extenderCPU - from.extenderCPU) / bound,
	}, nil
}

// pidOf is 0 where there is no process.
func (w *schedulerWorld) pidOf(side string) int {
	switch side {
	case "plain Go":
		return w.goExtender.Process.Pid
	case "c-sched":
		return w.cPid
	default:
		return 0
	}
}

func (w *schedulerWorld) startKubeScheduler(extender string) (*cluster.Scheduler, error) {
	kubeconfig, err := w.Kubeconfig(cluster.UserScheduler)
	if err != nil {
		return nil, err
	}
	text := fmt.Sprintf(schedulerConfig, "bench", kubeconfig)
	if extender != "" {
		text += fmt.Sprintf(extendersConfig, extender, w.file("ca.crt"), w.file("server.crt"), w.file("server.key"))
	}
	return w.StartWithConfig(cluster.SchedulerOptions{
		LogName: fmt.Sprintf("kube-scheduler-%d", w.runs), Binary: w.Binary("kube-scheduler"),
		Args: []string{"--authorization-always-allow-paths=/metrics"},
	}, text)
}

// ---- what is read in a run ----

// reading is how far everything has come at a moment.
type reading struct {
	bound, decisions                     int
	algorithm, schedulerCPU, extenderCPU time.Duration
}

// look waits for so many bound pods.
func (w *schedulerWorld) look(progress *observe.Progress, bound int, scheduler *cluster.Scheduler, extender int) (*reading, error) {
	if err := progress.Wait(bound, false); err != nil {
		return nil, err
	}
	curve, _ := progress.Curves()
	r := &reading{bound: len(curve)}
	var err error
	if r.schedulerCPU, err = observe.CPUTime(scheduler.Pid()); err != nil {
		return nil, err
	}
	if extender != 0 {
		if r.extenderCPU, err = observe.CPUTime(extender); err != nil {
			return nil, err
		}
	}
	text, err := scheduler.Read("/metrics")
	if err != nil {
		return nil, err
	}
	r.algorithm, r.decisions, err = algorithmTime(text)
	return r, err
}

// algorithmTime is what kube-scheduler's metrics say of the time its decisions have taken, and how many there were.
func algorithmTime(metrics string) (time.Duration, int, error) {
	const name = "scheduler_scheduling_algorithm_duration_seconds"
	var sum, count float64
	found := 0
	for line := range strings.Lines(metrics) {
		for suffix, to := range map[string]*float64{"_sum ": &sum, "_count ": &count} {
			text, ours := strings.CutPrefix(line, name+suffix)
			if !ours {
				continue
			}
			value, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
			if err != nil {
				return 0, 0, err
			}
			*to = value
			found++
		}
	}
	if found != 2 {
		return 0, 0, fmt.Errorf("kube-scheduler's /metrics has no %s", name)
	}
	return time.Duration(sum * float64(time.Second)), int(count), nil
}

// ---- the table ----

// spread is a median with the least and the greatest.
func spread[T float64 | time.Duration](runs []schedulerRun, get func(schedulerRun) T, format func(T) string) string {
	values := make([]T, len(runs))
	for i, r := range runs {
		values[i] = get(r)
	}
	slices.Sort(values)
	return fmt.Sprintf("%s (%s-%s)", format(values[len(values)/2]), format(values[0]), format(values[len(values)-1]))
}

func (w *schedulerWorld) print(out io.Writer) error {
	fmt.Fprintf(out, "\nkube-scheduler, %d nodes, %d pods, names alone (nodeCacheCapable), medians of %d runs in turns "+
		"(least-greatest)\n", w.options.schedulerNodes, w.options.pods, schedulerRounds)
	perSecond := func(v float64) string { return fmt.Sprintf("%.0f", v) }
	ms := func(d time.Duration) string { return fmt.Sprintf("%.2f", milliseconds(d)) }
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "extender\tpods/s\tms per decision\tkube-scheduler's CPU, ms/pod\textender's CPU, ms/pod")
	for _, side := range sides {
		runs := w.results[side]
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", side,
			spread(runs, func(r schedulerRun) float64 { return r.rate }, perSecond),
			spread(runs, func(r schedulerRun) time.Duration { return r.algorithm }, ms),
			spread(runs, func(r schedulerRun) time.Duration { return r.schedulerCPU }, ms),
			spread(runs, func(r schedulerRun) time.Duration { return r.extenderCPU }, ms))
	}
	return table.Flush()
}
