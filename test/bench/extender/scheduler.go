package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"text/tabwriter"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/c-sched/c-sched/test/bench/observe"
	"github.com/c-sched/c-sched/test/e2e/cluster"
)

const schedulerConfig = `apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
clientConnection: {kubeconfig: %s, qps: -1, burst: 1}
leaderElection: {leaderElect: false}
profiles: [{schedulerName: bench}]
`

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

const annotatedConfig = `apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
leaderElection: {leaderElect: false}
profiles: [{schedulerName: c-sched}]
clientConnection: {kubeconfig: %s}
---
apiVersion: config.c-sched.io/v1alpha1
kind: LoadConfiguration
sources:
- {name: notes, type: NodeAnnotations, metrics: [cpu, memory]}
`

// schedulerSide is a kube-scheduler with or without an extender, which it starts.
type schedulerSide struct {
	name string
	// start returns the extender's address, "" for none, and its process.
	start func(w *schedulerWorld) (address string, pid int, end func(), err error)
	rates []float64
	// CPU per pod
	schedulerCPU, extenderCPU time.Duration
}

// schedulerWorld is a real control plane with nodes that say what they carry.
type schedulerWorld struct {
	*world
	*cluster.Cluster
	runs int
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
	w := &schedulerWorld{world: &world{options: o, dir: dir}, Cluster: c}
	defer w.stop()
	if err := w.createNodes(); err != nil {
		return err
	}
	sides := []*schedulerSide{
		{name: "no extender", start: (*schedulerWorld).startNothing},
		{name: "plain Go", start: (*schedulerWorld).startGo},
		{name: "c-sched", start: (*schedulerWorld).startCSchedExtender},
	}
	for range rounds {
		for _, s := range sides {
			if err := w.runSide(s); err != nil {
				return fmt.Errorf("kube-scheduler with %s: %w", s.name, err)
			}
		}
	}
	return printSides(os.Stdout, o, sides)
}

func printSides(out io.Writer, o options, sides []*schedulerSide) error {
	fmt.Fprintf(out, "\nkube-scheduler, %d nodes, %d pods, names alone (nodeCacheCapable), median of %d\n",
		o.schedulerNodes, o.pods, rounds)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "extender\tpods/s\tof each run\tkube-scheduler's CPU/pod\textender's CPU/pod")
	for _, s := range sides {
		perRun := fmt.Sprintf("%.0f", s.rates)
		slices.Sort(s.rates)
		fmt.Fprintf(w, "%s\t%.0f\t%s\t%d us\t%d us\n", s.name, s.rates[len(s.rates)/2], perRun,
			(s.schedulerCPU / time.Duration(len(s.rates))).Microseconds(),
			(s.extenderCPU / time.Duration(len(s.rates))).Microseconds())
	}
	return w.Flush()
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

func (w *schedulerWorld) startNothing() (string, int, func(), error) { return "", 0, func() {}, nil }

func (w *schedulerWorld) startGo() (string, int, func(), error) {
	os.Remove(w.file("address"))
	if err := w.startGoExtender(); err != nil {
		return "", 0, nil, err
	}
	process := w.goExtender
	return w.goAddress, process.Process.Pid, func() { process.Process.Kill() }, nil
}

func (w *schedulerWorld) startCSchedExtender() (string, int, func(), error) {
	kubeconfig, err := w.Kubeconfig(cluster.UserScheduler)
	if err != nil {
		return "", 0, nil, err
	}
	args, err := w.extenderArgs()
	if err != nil {
		return "", 0, nil, err
	}
	s, err := w.StartWithConfig(cluster.SchedulerOptions{
		LogName: fmt.Sprintf("c-sched-%d", w.runs), Binary: w.options.program("c-sched"), Args: args,
	}, fmt.Sprintf(annotatedConfig, kubeconfig))
	if err != nil {
		return "", 0, nil, err
	}
	return w.cAddress, s.Pid(), s.Kill, s.WaitReady(patience)
}

// runSide binds pods that all exist before kube-scheduler starts.
func (w *schedulerWorld) runSide(s *schedulerSide) error {
	ctx := context.Background()
	w.runs++
	namespace := fmt.Sprintf("run-%d", w.runs)
	if err := w.createPods(ctx, namespace); err != nil {
		return err
	}
	address, extender, end, err := s.start(w)
	if err != nil {
		return err
	}
	defer end()
	// The API server has garbage to collect.
	time.Sleep(2 * time.Second)
	if err := w.bindAll(s, namespace, address, extender); err != nil {
		return err
	}
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

func (w *schedulerWorld) bindAll(s *schedulerSide, namespace, address string, extender int) error {
	progress, err := observe.Follow(w.Cluster, namespace)
	if err != nil {
		return err
	}
	defer progress.End()
	before, err := cpuOf(extender)
	if err != nil {
		return err
	}
	scheduler, err := w.startKubeScheduler(address)
	if err != nil {
		return err
	}
	defer scheduler.Kill()
	if err := progress.Wait(w.options.pods, false); err != nil {
		return fmt.Errorf("%w\n%s", err, scheduler.LogTail(10))
	}
	after, err := cpuOf(extender)
	if err != nil {
		return err
	}
	cpu, err := observe.CPUTime(scheduler.Pid())
	if err != nil {
		return err
	}
	bound, _ := progress.Curves()
	s.rates = append(s.rates, bound.Middle())
	s.schedulerCPU += cpu / time.Duration(w.options.pods)
	s.extenderCPU += (after - before) / time.Duration(w.options.pods)
	fmt.Fprintf(os.Stderr, "kube-scheduler with %s: %.0f pods/s\n", s.name, bound.Middle())
	return nil
}

// cpuOf is nothing where there is no process.
func cpuOf(pid int) (time.Duration, error) {
	if pid == 0 {
		return 0, nil
	}
	return observe.CPUTime(pid)
}

func (w *schedulerWorld) startKubeScheduler(extender string) (*cluster.Scheduler, error) {
	kubeconfig, err := w.Kubeconfig(cluster.UserScheduler)
	if err != nil {
		return nil, err
	}
	text := fmt.Sprintf(schedulerConfig, kubeconfig)
	if extender != "" {
		text += fmt.Sprintf(extendersConfig, extender, w.file("ca.crt"), w.file("server.crt"), w.file("server.key"))
	}
	return w.StartWithConfig(cluster.SchedulerOptions{
		LogName: fmt.Sprintf("kube-scheduler-%d", w.runs), Binary: w.Binary("kube-scheduler"),
	}, text)
}
