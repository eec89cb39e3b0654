// Package live has kube-scheduler and c-sched decide the same pods on a real API server, beside each other: what
// they write about an unschedulable pod is the same, up to what PostFilter appends, and is what the oracle says.
//
// CSCHED_ROOT is the repository (../../..), CSCHED_VARIANT the build to test (gcc), CSCHED_SEED makes a run repeatable,
// CSCHED_PODS is how many pods to compare (200). `make e2e` builds what is needed.
package live

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/kubernetes/pkg/scheduler/apis/config"

	"github.com/c-sched/c-sched/test/e2e/cluster"
	"github.com/c-sched/c-sched/test/oracle/generate"
	"github.com/c-sched/c-sched/test/oracle/oracle"
)

// The profiles' names: each pod is there twice.
const (
	theirs = "default-scheduler"
	ours   = "c-sched"
)

func env(name, fallback string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return fallback
}

type live struct {
	*testing.T
	*cluster.Cluster
	ctx      context.Context
	profiles []config.KubeSchedulerProfile
	csched   *cluster.Scheduler
}

func (l *live) must(err error) {
	l.Helper()
	if err != nil {
		l.Fatal(err)
	}
}

func TestMessages(t *testing.T) {
	seed, err := strconv.ParseUint(env("CSCHED_SEED", fmt.Sprint(time.Now().UnixNano()/1000)), 10, 64)
	if err != nil {
		t.Fatal("CSCHED_SEED: ", err)
	}
	wanted, err := strconv.Atoi(env("CSCHED_PODS", "200"))
	if err != nil {
		t.Fatal("CSCHED_PODS: ", err)
	}
	fmt.Printf("live: %d pods, CSCHED_SEED=%d\n", wanted, seed)
	l := start(t)
	compared, clusters := 0, 0
	for ; compared < wanted; clusters++ {
		shape := generate.Shapes[clusters%len(generate.Shapes)]
		compared += l.one(shape, seed+uint64(clusters), wanted-compared)
	}
	fmt.Printf("live: %d pods in %d clusters\n", compared, clusters)
}

// start brings up a control plane with both schedulers.
func start(t *testing.T) *live {
	t.Helper()
	root := env("CSCHED_ROOT", "../../..")
	c, err := cluster.Start(cluster.Options{Dir: t.TempDir(), BinDir: filepath.Join(root, "build/e2e/bin")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Stop)
	l := &live{T: t, Cluster: c, ctx: context.Background()}
	l.profiles, err = oracle.Profiles(nil)
	l.must(err)
	kubeconfig, err := c.Kubeconfig(cluster.UserAdmin)
	l.must(err)
	kube, err := c.StartKubeScheduler(cluster.SchedulerOptions{LogName: "kube-scheduler", Identity: theirs,
		Binary: c.Binary("kube-scheduler"), Kubeconfig: kubeconfig, Lease: "kube-scheduler"})
	l.must(err)
	t.Cleanup(kube.Kill)
	csched, err := c.StartCSched(cluster.SchedulerOptions{LogName: "c-sched", Kubeconfig: kubeconfig,
		Binary: filepath.Join(root, "build", env("CSCHED_VARIANT", "gcc"), "c-sched")})
	l.must(err)
	t.Cleanup(csched.Kill)
	account := &v1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "default"}}
	_, err = c.Admin.CoreV1().ServiceAccounts(v1.NamespaceDefault).Create(l.ctx, account, metav1.CreateOptions{})
	l.must(err)
	l.must(kube.WaitReady(time.Minute))
	l.must(csched.WaitReady(time.Minute))
	l.csched = csched
	return l
}

// one compares at most `most` pods of the cluster of a seed, and leaves nothing of it behind.
func (l *live) one(shape string, seed uint64, most int) int {
	l.Helper()
	made, err := generate.Cluster(shape, seed)
	l.must(err)
	var waiting []*v1.Pod
	for _, object := range made.Objects {
		if pod, ok := object.(*v1.Pod); ok && pod.Spec.NodeName == "" {
			waiting = append(waiting, plain(pod))
		} else {
			l.create(object)
		}
	}
	defer l.clear()
	messages := map[string]string{} // what the oracle says of pods that fit nowhere
	world := l.world()
	l.waitSeen(world)
	for _, pod := range waiting {
		if len(messages) == most {
			break
		}
		if message := l.unschedulable(world, pod); message != "" {
			messages[pod.Namespace+"/"+pod.Name] = message
			l.create(named(pod, theirs))
			l.create(named(pod, ours))
		}
	}
	for name, message := range messages {
		l.compare(fmt.Sprintf("shape %s, seed %d, pod %s", shape, seed, name), name, message)
	}
	return len(messages)
}

// waitSeen waits until both schedulers have seen what is there: c-sched says so, kube-scheduler has half a second.
func (l *live) waitSeen(world *oracle.Cluster) {
	l.Helper()
	time.Sleep(500 * time.Millisecond)
	living := 0 // nobody watches the others
	for _, pod := range world.Pods {
		if pod.Status.Phase != v1.PodSucceeded && pod.Status.Phase != v1.PodFailed {
			living++
		}
	}
	l.must(cluster.Eventually(20*time.Second, func() error {
		text, err := l.csched.Read("/debug/cluster")
		if err != nil {
			return err
		}
		var seen struct{ Nodes, Pods int }
		if err := json.Unmarshal([]byte(text), &seen); err != nil {
			return err
		}
		if seen.Nodes != len(world.Nodes) || seen.Pods != living {
			return fmt.Errorf("c-sched knows %d nodes and %d pods, of %d and %d", seen.Nodes, seen.Pods,
				len(world.Nodes), living)
		}
		return nil
	}))
}

// plain is the pod without what admission would refuse (classes that do not exist) or the cluster is not to have
// (preemption, nominations: they would change it).
func plain(from *v1.Pod) *v1.Pod {
	pod := from.DeepCopy()
	pod.UID, pod.CreationTimestamp, pod.OwnerReferences = "", metav1.Time{}, nil
	pod.DeletionTimestamp, pod.DeletionGracePeriodSeconds = nil, nil
	pod.Spec.Priority, pod.Spec.PreemptionPolicy, pod.Spec.SchedulingGates = nil, nil, nil
	pod.Spec.Overhead, pod.Spec.RuntimeClassName = nil, nil
	pod.Status = v1.PodStatus{}
	forgetLabelKeys(pod)
	return pod
}

// forgetLabelKeys: they are in the selectors already, and the API server would not take them twice.
func forgetLabelKeys(pod *v1.Pod) {
	for i := range pod.Spec.TopologySpreadConstraints {
		pod.Spec.TopologySpreadConstraints[i].MatchLabelKeys = nil
	}
	forget := func(term *v1.PodAffinityTerm) { term.MatchLabelKeys, term.MismatchLabelKeys = nil, nil }
	forgetAll := func(required []v1.PodAffinityTerm, preferred []v1.WeightedPodAffinityTerm) {
		for i := range required {
			forget(&required[i])
		}
		for i := range preferred {
			forget(&preferred[i].PodAffinityTerm)
		}
	}
	if pod.Spec.Affinity == nil {
		return
	}
	if a := pod.Spec.Affinity.PodAffinity; a != nil {
		forgetAll(a.RequiredDuringSchedulingIgnoredDuringExecution, a.PreferredDuringSchedulingIgnoredDuringExecution)
	}
	if a := pod.Spec.Affinity.PodAntiAffinity; a != nil {
		forgetAll(a.RequiredDuringSchedulingIgnoredDuringExecution, a.PreferredDuringSchedulingIgnoredDuringExecution)
	}
}

func named(from *v1.Pod, scheduler string) *v1.Pod {
	pod := from.DeepCopy()
	pod.Name, pod.Spec.SchedulerName = from.Name+"-"+scheduler, scheduler
	return pod
}

// create puts an object there. Owners are left out: a pod without one has its Services' defaults all the same.
func (l *live) create(object runtime.Object) {
	l.Helper()
	core, options := l.Admin.CoreV1(), metav1.CreateOptions{}
	var err error
	switch o := object.(type) {
	case *v1.Node:
		node := o.DeepCopy()
		node.UID = ""
		_, err = core.Nodes().Create(l.ctx, node, options)
	case *v1.Namespace:
		err = l.namespace(o)
	case *v1.Service:
		l.must(l.namespace(&v1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: o.Namespace}}))
		_, err = core.Services(o.Namespace).Create(l.ctx, o, options)
	case *v1.Pod:
		l.must(l.namespace(&v1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: o.Namespace}}))
		pod := o
		if pod.Spec.NodeName != "" {
			pod = plain(o)
			pod.Spec.SchedulerName = "another"
		}
		_, err = core.Pods(pod.Namespace).Create(l.ctx, pod, options)
	}
	l.must(err)
}

// namespace makes it be there, with these labels if it has any.
func (l *live) namespace(wanted *v1.Namespace) error {
	namespaces := l.Admin.CoreV1().Namespaces()
	there, err := namespaces.Get(l.ctx, wanted.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		if err := l.CreateNamespace(l.ctx, wanted.Name); err != nil {
			return err
		}
		there, err = namespaces.Get(l.ctx, wanted.Name, metav1.GetOptions{})
	}
	if err != nil || len(wanted.Labels) == 0 {
		return err
	}
	there.Labels = wanted.Labels
	_, err = namespaces.Update(l.ctx, there, metav1.UpdateOptions{})
	return err
}

// world is the cluster as the API server has it.
func (l *live) world() *oracle.Cluster {
	l.Helper()
	var world oracle.Cluster
	core, all := l.Admin.CoreV1(), metav1.ListOptions{}
	nodes, err := core.Nodes().List(l.ctx, all)
	l.must(err)
	for i := range nodes.Items {
		world.Nodes = append(world.Nodes, &nodes.Items[i])
	}
	pods, err := core.Pods("").List(l.ctx, all)
	l.must(err)
	for i := range pods.Items {
		world.Pods = append(world.Pods, &pods.Items[i])
	}
	found, err := core.Namespaces().List(l.ctx, all)
	l.must(err)
	for i := range found.Items {
		world.Namespaces = append(world.Namespaces, &found.Items[i])
	}
	services, err := core.Services("").List(l.ctx, all)
	l.must(err)
	for i := range services.Items {
		world.Services = append(world.Services, &services.Items[i])
	}
	return &world
}

// unschedulable is what the oracle says of a pod as the API server would admit it; "" if it fits somewhere.
func (l *live) unschedulable(world *oracle.Cluster, pod *v1.Pod) string {
	l.Helper()
	l.must(l.namespace(&v1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: pod.Namespace}}))
	admitted, err := l.Admin.CoreV1().Pods(pod.Namespace).Create(l.ctx, named(pod, theirs),
		metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	l.must(err)
	with := *world
	with.Pods = append([]*v1.Pod{admitted}, world.Pods...)
	decisions, err := oracle.Decide(&with, l.profiles)
	l.must(err)
	if len(decisions) != 1 || decisions[0].Result != oracle.Unschedulable {
		return ""
	}
	return decisions[0].Message
}

// compare waits until both schedulers' conditions say what the oracle says.
func (l *live) compare(where, pod, message string) {
	l.Helper()
	namespace, name, _ := strings.Cut(pod, "/")
	err := cluster.Eventually(20*time.Second, func() error {
		for _, scheduler := range []string{theirs, ours} {
			said, err := l.condition(namespace, name+"-"+scheduler)
			if err != nil {
				return err
			}
			if said != message {
				return fmt.Errorf("the oracle says %q, %s %q", message, scheduler, said)
			}
		}
		return nil
	})
	if err != nil {
		l.Errorf("%s: %v", where, err)
	}
}

func (l *live) condition(namespace, name string) (string, error) {
	pod, err := l.Admin.CoreV1().Pods(namespace).Get(l.ctx, name, metav1.GetOptions{})
	if err != nil {
		return "", err
	}
	if pod.Spec.NodeName != "" {
		return "", cluster.Stop(fmt.Errorf("%s is bound to %s", name, pod.Spec.NodeName))
	}
	for _, condition := range pod.Status.Conditions {
		if condition.Type == v1.PodScheduled && condition.Reason == v1.PodReasonUnschedulable {
			return upToPostFilter(condition.Message), nil
		}
	}
	return "", fmt.Errorf("%s has no condition PodScheduled", name)
}

// upToPostFilter cuts what the plugins for claims and preemption append.
func upToPostFilter(message string) string {
	for _, start := range []string{" no new claims to deallocate", " preemption: "} {
		message, _, _ = strings.Cut(message, start)
	}
	return strings.TrimSuffix(message, " not found") // claims had no turn
}

func (l *live) clear() {
	all := metav1.ListOptions{}
	l.must(l.Admin.CoreV1().Nodes().DeleteCollection(l.ctx, metav1.DeleteOptions{}, all))
	world := l.world()
	for _, service := range world.Services {
		if service.Name != "kubernetes" {
			l.must(l.Admin.CoreV1().Services(service.Namespace).Delete(l.ctx, service.Name, metav1.DeleteOptions{}))
		}
	}
	for _, namespace := range world.Namespaces {
		l.must(l.DeletePods(l.ctx, namespace.Name))
	}
}
