package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/c-sched/c-sched/test/e2e/cluster"
)

func big(name string) cluster.Node {
	return cluster.Node{Name: name, CPU: "4", Memory: "8Gi", Pods: 110}
}

// The demo's Deployments go in through kubectl, kube-controller-manager makes the pods, c-sched binds them
// and says so in an event; then one is scaled up.
func TestDeployments(t *testing.T) {
	e := begin(t)
	e.nodes(3, big("node"))
	e.startScheduler(cluster.SchedulerOptions{})
	// The manifests say where they belong, as a user would apply them.
	e.ns = metav1.NamespaceDefault
	e.Cleanup(func() { e.must(e.DeleteWorkloads(e.ctx, metav1.NamespaceDefault)) })
	_, err := e.Kubectl("", "apply", "-f", filepath.Join(root, "manifests/examples"))
	e.must(err)
	pods := e.waitBound(6, 30*time.Second)
	perNode := map[string]int{}
	for _, pod := range pods {
		perNode[pod.Spec.NodeName]++
		e.wantScheduledEvent(pod)
	}
	if len(perNode) != 3 {
		t.Errorf("6 small pods on 3 equal nodes: %v", perNode)
	}

	_, err = e.Kubectl("", "scale", "--replicas=9", "deployment/my-app")
	e.must(err)
	e.waitBound(12, 30*time.Second)
	// kubectl's own words for it, as a user would look.
	described, err := e.Kubectl("", "describe", "pod", pods[0].Name)
	e.must(err)
	if !strings.Contains(described, "Successfully assigned default/"+pods[0].Name) {
		t.Errorf("kubectl describe does not show the event:\n%s", described)
	}
}

func (e *test) wantScheduledEvent(pod corev1.Pod) {
	e.Helper()
	e.must(cluster.Eventually(10*time.Second, func() error {
		events := e.events(pod.Name, "Scheduled")
		if len(events) != 1 {
			return fmt.Errorf("pod %s has %d events Scheduled", pod.Name, len(events))
		}
		want := fmt.Sprintf("Successfully assigned %s/%s to %s", pod.Namespace, pod.Name, pod.Spec.NodeName)
		host, _ := os.Hostname()
		event := events[0]
		if event.Note != want || event.Action != "Binding" || event.Type != "Normal" ||
			event.Regarding.UID != pod.UID || event.Regarding.Kind != "Pod" ||
			event.ReportingController != schedulerName || event.ReportingInstance != schedulerName+"-"+host {
			return cluster.Stop(fmt.Errorf("event of pod %s: %+v", pod.Name, event))
		}
		return nil
	}))
}

// Tainted, cordoned and full nodes get nothing but what tolerates them; what remains is used up exactly.
func TestTaintedAndFullNodes(t *testing.T) {
	e := begin(t)
	free := e.nodes(2, cluster.Node{Name: "free", CPU: "1", Memory: "2Gi", Pods: 110})
	tainted := e.nodes(1, cluster.Node{
		Name: "tainted", CPU: "8", Memory: "8Gi", Pods: 110,
		Taints: []corev1.Taint{{Key: "dedicated", Value: "gpu", Effect: corev1.TaintEffectNoSchedule}},
	})
	e.nodes(1, cluster.Node{Name: "cordoned", CPU: "8", Memory: "8Gi", Pods: 110, Unschedulable: true})
	full := e.nodes(1, cluster.Node{Name: "full", CPU: "1", Memory: "2Gi", Pods: 110})
	// It was there before the scheduler: what a node carries is known from the first decision on.
	e.pod("filler", "900m", "1Gi", func(p *corev1.Pod) { p.Spec.NodeName = full[0] })
	e.burst("small", 4, "500m", "")
	e.pod("tolerant", "4", "", func(p *corev1.Pod) {
		p.Spec.Tolerations = []corev1.Toleration{{Key: "dedicated", Operator: corev1.TolerationOpExists}}
	})
	e.startScheduler(cluster.SchedulerOptions{})
	pods := e.waitBound(6, 30*time.Second)
	e.notOvercommitted(pods)
	perNode := map[string]int{}
	for _, pod := range pods {
		perNode[pod.Spec.NodeName]++
	}
	if perNode[free[0]] != 2 || perNode[free[1]] != 2 || perNode[tainted[0]] != 1 || perNode[full[0]] != 1 {
		t.Errorf("pods per node: %v", perNode)
	}
	e.pod("late", "500m", "", nil)
	got := e.waitRejected("late", 10*time.Second)
	want := "0/5 nodes are available: 1 node(s) had untolerated taint(s), 1 node(s) were unschedulable, 3 Insufficient cpu."
	if upToPostFilter(got.condition.Message) != want {
		t.Errorf("got  %q\nwant %q", got.condition.Message, want)
	}

	// Room is made; the pod takes it without being touched.
	e.must(e.Admin.CoreV1().Pods(e.ns).Delete(e.ctx, "small-0", cluster.ForceDelete()))
	e.waitPods(30*time.Second, func(pods []corev1.Pod) error {
		if bound := cluster.Bound(pods); bound != 6 {
			return fmt.Errorf("%d of 6 pods are bound", bound)
		}
		return nil
	})
}

// A pod nothing fits waits, and is bound as soon as a node is added.
func TestNodeAdded(t *testing.T) {
	e := begin(t)
	e.startScheduler(cluster.SchedulerOptions{})
	e.pod("waiting", "3", "1Gi", nil)
	if got := e.waitRejected("waiting", 10*time.Second); got.condition.Message != "no nodes available to schedule pods" {
		t.Errorf("in an empty cluster: %q", got.condition.Message)
	}
	e.nodes(1, cluster.Node{Name: "small", CPU: "1", Memory: "8Gi", Pods: 110})
	e.must(cluster.Eventually(20*time.Second, func() error {
		message := scheduledCondition(e.getPod("waiting")).Message
		if upToPostFilter(message) != "0/1 nodes are available: 1 Insufficient cpu." {
			return fmt.Errorf("after a node that is too small: %q", message)
		}
		return nil
	}))
	added := e.nodes(1, big("big"))
	pods := e.waitBound(1, 20*time.Second)
	if pods[0].Spec.NodeName != added[0] {
		t.Errorf("bound to %s", pods[0].Spec.NodeName)
	}
	if condition := scheduledCondition(&pods[0]); condition.Status != corev1.ConditionTrue {
		t.Errorf("the condition says %+v", condition)
	}
}

// Changes of a node wake the pods it may take: its taint goes, its labels come, it grows, it is uncordoned.
func TestNodeChanges(t *testing.T) {
	changes := map[string]struct {
		node   cluster.Node
		pod    func(*corev1.Pod)
		change string
		status bool
	}{
		"taint": {
			node: cluster.Node{CPU: "4", Memory: "8Gi", Pods: 110, Taints: []corev1.Taint{
				{Key: "node.kubernetes.io/not-ready", Effect: corev1.TaintEffectNoSchedule},
			}},
			change: `{"spec":{"taints":[]}}`,
		},
		"label": {
			node:   cluster.Node{CPU: "4", Memory: "8Gi", Pods: 110},
			pod:    func(p *corev1.Pod) { p.Spec.NodeSelector = map[string]string{"disk": "ssd"} },
			change: `{"metadata":{"labels":{"disk":"ssd"}}}`,
		},
		"allocatable": {
			node:   cluster.Node{CPU: "100m", Memory: "8Gi", Pods: 110},
			change: `{"status":{"allocatable":{"cpu":"2"},"capacity":{"cpu":"2"}}}`, status: true,
		},
		"uncordon": {
			node:   cluster.Node{CPU: "4", Memory: "8Gi", Pods: 110, Unschedulable: true},
			change: `{"spec":{"unschedulable":false}}`,
		},
	}
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			e := begin(t)
			names := e.nodes(1, change.node)
			e.startScheduler(cluster.SchedulerOptions{})
			e.pod("waiting", "1", "1Gi", change.pod)
			e.waitRejected("waiting", 10*time.Second)
			args := []string{"patch", "node", names[0], "--type=merge", "--patch=" + change.change}
			if change.status {
				args = append(args, "--subresource=status")
			}
			_, err := e.Kubectl("", args...)
			e.must(err)
			e.waitBound(1, 15*time.Second)
		})
	}
}

// A gated pod costs nothing until its last gate is taken away.
func TestSchedulingGates(t *testing.T) {
	e := begin(t)
	e.nodes(1, big("node"))
	e.startScheduler(cluster.SchedulerOptions{})
	mark := e.AuditMark()
	e.pod("gated", "100m", "", func(p *corev1.Pod) {
		p.Spec.SchedulingGates = []corev1.PodSchedulingGate{{Name: "example.com/quota"}}
	})
	time.Sleep(2 * time.Second)
	for _, request := range e.schedulerRequests(mark) {
		t.Errorf("a gated pod made the scheduler ask: %s", request)
	}
	_, err := e.Admin.CoreV1().Pods(e.ns).Patch(e.ctx, "gated", "application/merge-patch+json",
		[]byte(`{"spec":{"schedulingGates":[]}}`), metav1.PatchOptions{})
	e.must(err)
	e.waitBound(1, 10*time.Second)
}

// Pods of other schedulers are left alone, and count where they are bound.
func TestForeignPods(t *testing.T) {
	e := begin(t)
	names := e.nodes(1, cluster.Node{Name: "node", CPU: "1", Memory: "8Gi", Pods: 110})
	e.startScheduler(cluster.SchedulerOptions{})
	e.pod("foreign", "100m", "", func(p *corev1.Pod) { p.Spec.SchedulerName = "another-scheduler" })
	e.pod("foreign-bound", "800m", "", func(p *corev1.Pod) {
		p.Spec.SchedulerName = "another-scheduler"
		p.Spec.NodeName = names[0]
	})
	// A pod in between shows that the scheduler has seen the ones before it.
	e.pod("own", "100m", "", nil)
	e.waitBound(2, 10*time.Second)
	e.pod("too-big", "200m", "", nil)
	e.waitRejected("too-big", 10*time.Second)
	if foreign := e.getPod("foreign"); foreign.Spec.NodeName != "" || len(foreign.Status.Conditions) > 0 {
		t.Errorf("the other scheduler's pod was touched: %+v", foreign.Status)
	}
}
