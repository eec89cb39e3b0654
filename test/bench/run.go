package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/c-sched/c-sched/test/bench/observe"
	"github.com/c-sched/c-sched/test/e2e/cluster"
)

// side is who binds: a scheduler, or the bare loop.
type side struct {
	name   string
	events bool
	// start begins binding the pods of a namespace; the returned function ends it. The pid is 0 where it is
	// this process itself.
	start func(b *bench, namespace string) (pid int, end func(), err error)
}

// result is what one run showed. CPU is per pod.
type result struct {
	pods          int
	rate          float64 // pods/s, bound and with their Event stored where there are Events
	boundRate     float64 // pods/s, bound
	schedulerCPU  time.Duration
	apiServerCPU  time.Duration
	etcdCPU       time.Duration
	rss           int64
	events, bound int
}

// bench is one control plane with its nodes.
type bench struct {
	*cluster.Cluster
	options options
	nodes   []string
	runs    int
}

// newBench starts a control plane and creates the nodes.
func newBench(o options, dir string, nodes int) (*bench, error) {
	c, err := cluster.Start(cluster.Options{Dir: dir, BinDir: o.tools()})
	if err != nil {
		return nil, err
	}
	b := &bench{Cluster: c, options: o}
	models := make([]cluster.Node, nodes)
	for i := range models {
		// The node of upstream's own scheduler benchmark.
		models[i] = cluster.Node{Name: fmt.Sprintf("node-%d", i), CPU: "4", Memory: "32Gi", Pods: 110}
		b.nodes = append(b.nodes, models[i].Name)
	}
	if err := c.CreateNodes(context.Background(), models); err != nil {
		c.Stop()
		return nil, err
	}
	return b, nil
}

// run lets one side bind all pods, which exist before it starts, and cleans up.
func (b *bench) run(s side) (*result, error) {
	ctx := context.Background()
	b.runs++
	namespace := fmt.Sprintf("run-%d", b.runs)
	if err := b.createPods(ctx, namespace); err != nil {
		return nil, err
	}
	p, err := observe.Follow(b.Cluster, namespace)
	if err != nil {
		return nil, err
	}
	defer p.End()
	// Creating the pods left garbage to the API server; a pause lets it clean up before the clock starts.
	time.Sleep(2 * time.Second)
	r, err := b.measure(s, namespace, p)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.name, err)
	}
	p.End()
	r.events, err = b.scheduledEvents(ctx, namespace)
	if err != nil {
		return nil, err
	}
	return r, b.Empty(ctx, namespace)
}

func (b *bench) createPods(ctx context.Context, namespace string) error {
	if err := b.CreateNamespace(ctx, namespace); err != nil {
		return err
	}
	pods := make([]*corev1.Pod, b.options.pods)
	for i := range pods {
		pods[i] = cluster.Pod(namespace, fmt.Sprintf("pod-%d", i), schedulerName, "100m", "500Mi")
	}
	return b.CreatePods(ctx, pods)
}

func (b *bench) measure(s side, namespace string, p *observe.Progress) (*result, error) {
	before, err := b.serverCPU()
	if err != nil {
		return nil, err
	}
	pid, end, err := s.start(b, namespace)
	if err != nil {
		return nil, err
	}
	defer end()
	if b.options.profiles != "" {
		go b.profile(s)
	}
	if err := p.Wait(b.options.pods, s.events); err != nil {
		return nil, err
	}
	after, err := b.serverCPU()
	if err != nil {
		return nil, err
	}
	r := &result{pods: b.options.pods}
	perPod := func(d time.Duration) time.Duration { return d / time.Duration(r.pods) }
	r.apiServerCPU = perPod(after["kube-apiserver"] - before["kube-apiserver"])
	r.etcdCPU = perPod(after["etcd"] - before["etcd"])
	bound, events := p.Curves()
	r.bound, r.boundRate = len(bound), bound.Middle()
	r.rate = r.boundRate
	if s.events {
		r.rate = bound.Behind(events).Middle()
	}
	if pid == 0 {
		return r, nil
	}
	cpu, err := observe.CPUTime(pid)
	if err != nil {
		return nil, err
	}
	r.schedulerCPU = perPod(cpu)
	r.rss, err = observe.PeakRSS(pid)
	return r, err
}

// profile saves what the API server's CPU did for five seconds in the middle of a run.
func (b *bench) profile(s side) {
	time.Sleep(3 * time.Second)
	data, err := b.Admin.Discovery().RESTClient().Get().AbsPath("/debug/pprof/profile").Param("seconds", "5").
		DoRaw(context.Background())
	if err == nil {
		name := fmt.Sprintf("%s-%d-events=%t.pb.gz", strings.ReplaceAll(s.name, " ", "-"), b.runs, s.events)
		err = os.WriteFile(filepath.Join(b.options.profiles, name), data, 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "no profile:", err)
	}
}

// serverCPU is what the control plane has used so far, by program.
func (b *bench) serverCPU() (map[string]time.Duration, error) {
	used := map[string]time.Duration{}
	for _, process := range b.Processes() {
		cpu, err := observe.CPUTime(process.Pid())
		if err != nil {
			return nil, err
		}
		used[process.Name] = cpu
	}
	return used, nil
}

// scheduledEvents counts the pods of a namespace that an Event tells to be scheduled.
func (b *bench) scheduledEvents(ctx context.Context, namespace string) (int, error) {
	told := map[string]bool{}
	options := metav1.ListOptions{Limit: 1000}
	for {
		list, err := b.Admin.EventsV1().Events(namespace).List(ctx, options)
		if err != nil {
			return 0, err
		}
		for _, event := range list.Items {
			if event.Reason == "Scheduled" {
				told[event.Regarding.Name] = true
			}
		}
		if options.Continue = list.Continue; options.Continue == "" {
			return len(told), nil
		}
	}
}
