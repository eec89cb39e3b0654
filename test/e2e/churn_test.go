package e2e

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/c-sched/c-sched/test/e2e/cluster"
)

// Pods are deleted and created again under the same name while they are being bound. Afterwards the nodes are
// filled to the brim, which only works if nothing of those pods is still counted and nothing was forgotten.
func TestChurn(t *testing.T) {
	e := begin(t)
	e.burstNodes()
	s := e.startScheduler(cluster.SchedulerOptions{})
	random := rand.New(rand.NewPCG(1, 2))
	order := random.Perm(3 * 200)
	e.must(cluster.Parallel(8, len(order), func(i int) error {
		return e.replacePod(fmt.Sprintf("pod-%d", order[i]%200))
	}))
	pods := e.waitBound(200, time.Minute)
	e.notOvercommitted(pods)
	e.burst("fill", burstPods-200, "100m", "100Mi")
	e.wantFull(e.waitBound(burstPods, time.Minute))
	if !s.Running() {
		t.Error("the scheduler ended")
	}
}

// replacePod creates a pod, after it deleted the one of the same name, if there is one.
func (e *test) replacePod(name string) error {
	pods := e.Admin.CoreV1().Pods(e.ns)
	for {
		if err := pods.Delete(e.ctx, name, cluster.ForceDelete()); err != nil && !apierrors.IsNotFound(err) {
			return err
		}
		pod := cluster.Pod(e.ns, name, schedulerName, "100m", "100Mi")
		_, err := pods.Create(e.ctx, pod, metav1.CreateOptions{})
		if !apierrors.IsAlreadyExists(err) {
			return err
		}
	}
}

// wantFull checks that every CPU of the burst's nodes is taken, and none twice.
func (e *test) wantFull(pods []corev1.Pod) {
	e.Helper()
	e.notOvercommitted(pods)
	if bound := cluster.Bound(pods); bound != burstPods || len(pods) != burstPods {
		e.Errorf("%d of %d pods are bound, not %d", bound, len(pods), burstPods)
	}
}

// Somebody else binds some of the pods while c-sched is at it. Its own attempts fail with a conflict; what it
// then knows is what is stored: the rest fits exactly.
func TestRivalBindings(t *testing.T) {
	e := begin(t)
	e.burstNodes()
	e.startScheduler(cluster.SchedulerOptions{})
	var rivals []*corev1.Pod
	for i := range 100 {
		rivals = append(rivals, cluster.Pod(e.ns, fmt.Sprintf("rival-%d", i), schedulerName, "100m", "100Mi"))
	}
	lost := 0
	for i, pod := range rivals {
		stored, err := e.Admin.CoreV1().Pods(e.ns).Create(e.ctx, pod, metav1.CreateOptions{})
		e.must(err)
		// Every tenth to each node, whose room it cannot exhaust.
		err = e.bind(stored, fmt.Sprintf("%s-node-%d", e.ns, i%burstNodes))
		if apierrors.IsConflict(err) {
			lost++
		} else {
			e.must(err)
		}
	}
	t.Logf("the rival lost %d of %d races", lost, len(rivals))
	e.waitBound(len(rivals), 30*time.Second)
	e.burst("fill", burstPods-len(rivals), "100m", "100Mi")
	e.wantFull(e.waitBound(burstPods, time.Minute))
}

func (e *test) bind(pod *corev1.Pod, node string) error {
	return e.Admin.CoreV1().Pods(pod.Namespace).Bind(e.ctx, &corev1.Binding{
		ObjectMeta: metav1.ObjectMeta{Namespace: pod.Namespace, Name: pod.Name, UID: pod.UID},
		Target:     corev1.ObjectReference{Kind: "Node", Name: node},
	}, metav1.CreateOptions{})
}

// Nodes are deleted and created again under the same name, with other sizes, while pods are being bound.
func TestNodesReplaced(t *testing.T) {
	e := begin(t)
	e.nodes(1, big("keep"))
	name := e.nodes(1, big("swap"))[0]
	e.startScheduler(cluster.SchedulerOptions{})
	for round := range 5 {
		e.burst(fmt.Sprintf("round-%d", round), 6, "100m", "100Mi")
		e.must(e.Admin.CoreV1().Nodes().Delete(e.ctx, name, metav1.DeleteOptions{}))
		e.nodes(1, cluster.Node{Name: "swap", CPU: fmt.Sprint(2 + round), Memory: "8Gi", Pods: 110})
	}
	e.waitBound(30, 30*time.Second)
	// The swapped node has 6 CPU now, and still the pods that were bound to it before.
	pods, err := e.ListPods(e.ctx, e.ns)
	e.must(err)
	free := map[string]int{e.ns + "-keep-0": 40, name: 60}
	for _, pod := range pods {
		free[pod.Spec.NodeName]--
	}
	e.burst("fill", free[name]+free[e.ns+"-keep-0"], "100m", "100Mi")
	e.notOvercommitted(e.waitBound(100, time.Minute))
	e.pod("too-many", "100m", "", nil)
	message := e.waitRejected("too-many", 10*time.Second).condition.Message
	if upToPostFilter(message) != "0/2 nodes are available: 2 Insufficient cpu." {
		t.Error(message)
	}
}

// A namespace is deleted while its pods are being bound: their Bindings and Events fail in every way there
// is, and nothing of it stays.
func TestNamespaceDeleted(t *testing.T) {
	e := begin(t)
	e.burstNodes()
	s := e.startScheduler(cluster.SchedulerOptions{QPS: slowly})
	victim := e.ns + "-victim"
	e.terminating = victim
	e.must(e.CreateNamespace(e.ctx, victim))
	var pods []*corev1.Pod
	for i := range 200 {
		pods = append(pods, cluster.Pod(victim, fmt.Sprintf("pod-%d", i), schedulerName, "100m", "100Mi"))
	}
	e.must(e.CreatePods(e.ctx, pods))
	e.must(e.Admin.CoreV1().Namespaces().Delete(e.ctx, victim, metav1.DeleteOptions{}))
	e.must(e.DeletePods(e.ctx, victim))
	e.burst("pod", burstPods, "100m", "100Mi")
	e.wantFull(e.waitBound(burstPods, time.Minute))
	if !s.Running() {
		t.Error("the scheduler ended")
	}
}

// What c-sched counts about itself is what happened.
func TestMetrics(t *testing.T) {
	e := begin(t)
	e.needsCSched()
	e.nodes(1, cluster.Node{Name: "node", CPU: "1", Memory: "8Gi", Pods: 110})
	s := e.startScheduler(cluster.SchedulerOptions{Args: []string{"--logging-format=json"}})
	e.burst("pod", 5, "100m", "")
	e.waitBound(5, 10*time.Second)
	e.pod("too-big", "2", "", nil)
	e.waitRejected("too-big", 10*time.Second)
	text, err := s.Read("/metrics")
	e.must(err)
	for _, line := range []string{
		`scheduler_schedule_attempts_total{result="scheduled",profile="c-sched"} 5`,
		`scheduler_schedule_attempts_total{result="unschedulable",profile="c-sched"} 1`,
		`scheduler_pending_pods{queue="unschedulable"} 1`,
	} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("/metrics does not say %s", line)
		}
	}
	e.wantJSONLog(s)
}
