package e2e

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/c-sched/c-sched/test/e2e/cluster"
)

// nodes creates n nodes like the model, named after the test.
func (e *test) nodes(n int, model cluster.Node) []string {
	e.Helper()
	var names []string
	var nodes []cluster.Node
	for i := range n {
		node := model
		node.Name = fmt.Sprintf("%s-%s-%d", e.ns, model.Name, i)
		names, nodes = append(names, node.Name), append(nodes, node)
	}
	e.must(e.CreateNodes(e.ctx, nodes))
	return names
}

// pod creates one pod; change may edit it before.
func (e *test) pod(name, cpu, memory string, change func(*corev1.Pod)) {
	e.Helper()
	pod := cluster.Pod(e.ns, name, schedulerName, cpu, memory)
	if change != nil {
		change(pod)
	}
	e.must(e.CreatePods(e.ctx, []*corev1.Pod{pod}))
}

// burst creates n equal pods.
func (e *test) burst(prefix string, n int, cpu, memory string) {
	e.Helper()
	var pods []*corev1.Pod
	for i := range n {
		pods = append(pods, cluster.Pod(e.ns, fmt.Sprintf("%s-%d", prefix, i), schedulerName, cpu, memory))
	}
	e.must(e.CreatePods(e.ctx, pods))
}

// waitPods waits until check is content with the namespace's pods, and returns them. A failing list is waited
// out as well: some tests take the API server away.
func (e *test) waitPods(limit time.Duration, check func([]corev1.Pod) error) []corev1.Pod {
	e.Helper()
	var pods []corev1.Pod
	e.must(cluster.Eventually(limit, func() error {
		var err error
		if pods, err = e.ListPods(e.ctx, e.ns); err != nil {
			return err
		}
		return check(pods)
	}))
	return pods
}

// waitBound waits until at least n pods of the namespace are bound.
func (e *test) waitBound(n int, limit time.Duration) []corev1.Pod {
	e.Helper()
	return e.waitPods(limit, func(pods []corev1.Pod) error {
		if bound := cluster.Bound(pods); bound < n {
			return fmt.Errorf("%d of %d pods are bound", bound, n)
		}
		return nil
	})
}

func (e *test) getPod(name string) *corev1.Pod {
	e.Helper()
	pod, err := e.Admin.CoreV1().Pods(e.ns).Get(e.ctx, name, metav1.GetOptions{})
	e.must(err)
	return pod
}

// rejection is how a pod that was not scheduled is told so.
type rejection struct {
	condition corev1.PodCondition
	event     eventsv1.Event
}

// waitRejected waits for a pod's PodScheduled=False condition and its FailedScheduling event.
func (e *test) waitRejected(name string, limit time.Duration) rejection {
	e.Helper()
	var r rejection
	e.must(cluster.Eventually(limit, func() error {
		pod := e.getPod(name)
		if pod.Spec.NodeName != "" {
			return cluster.Stop(fmt.Errorf("pod %s was bound to %s", name, pod.Spec.NodeName))
		}
		condition := scheduledCondition(pod)
		if condition == nil || condition.Status != corev1.ConditionFalse {
			return fmt.Errorf("pod %s has no condition PodScheduled=False", name)
		}
		r.condition = *condition
		events := e.events(name, "FailedScheduling")
		if len(events) == 0 {
			return fmt.Errorf("pod %s has no event FailedScheduling", name)
		}
		r.event = events[len(events)-1]
		return nil
	}))
	return r
}

func scheduledCondition(pod *corev1.Pod) *corev1.PodCondition {
	for i := range pod.Status.Conditions {
		if pod.Status.Conditions[i].Type == corev1.PodScheduled {
			return &pod.Status.Conditions[i]
		}
	}
	return nil
}

// events lists the events about a pod with the given reason.
func (e *test) events(pod, reason string) []eventsv1.Event {
	e.Helper()
	list, err := e.Admin.EventsV1().Events(e.ns).List(e.ctx, metav1.ListOptions{})
	e.must(err)
	var found []eventsv1.Event
	for _, event := range list.Items {
		if event.Regarding.Name == pod && event.Reason == reason {
			found = append(found, event)
		}
	}
	return found
}

// boundOnce holds the audit log to one successful Binding per pod at most.
func (e *test) boundOnce() {
	e.Helper()
	bindings, err := e.AuditSince(e.mark, func(r cluster.Request) bool {
		return r.Is("create", "pods/binding") && r.ResponseStatus.Code == 201 && r.ObjectRef.Namespace == e.ns
	})
	e.must(err)
	if len(bindings) == 0 {
		e.Error("the audit log has no binding at all")
	}
	seen := map[string]bool{}
	for _, binding := range bindings {
		if seen[binding.ObjectRef.Name] {
			e.Errorf("pod %s was bound twice", binding.ObjectRef.Name)
		}
		seen[binding.ObjectRef.Name] = true
	}
}

// notOvercommitted adds up what is bound to each node.
func (e *test) notOvercommitted(pods []corev1.Pod) {
	e.Helper()
	nodes, err := e.Admin.CoreV1().Nodes().List(e.ctx, metav1.ListOptions{})
	e.must(err)
	for _, node := range nodes.Items {
		var cpu, memory resource.Quantity
		count := int64(0)
		for _, pod := range pods {
			if pod.Spec.NodeName == node.Name {
				requests := pod.Spec.Containers[0].Resources.Requests
				cpu.Add(*requests.Cpu())
				memory.Add(*requests.Memory())
				count++
			}
		}
		free := node.Status.Allocatable
		if cpu.Cmp(*free.Cpu()) > 0 || memory.Cmp(*free.Memory()) > 0 || count > free.Pods().Value() {
			e.Errorf("node %s has %s CPU, %s memory, %s pods and was given %s, %s, %d",
				node.Name, free.Cpu(), free.Memory(), free.Pods(), &cpu, &memory, count)
		}
	}
}

// upToPostFilter cuts a message before what the PostFilter plugins (claims, preemption) append.
func upToPostFilter(message string) string {
	for _, start := range []string{" no new claims to deallocate", " preemption: "} {
		message, _, _ = strings.Cut(message, start)
	}
	return message
}

func quantity(text string) *resource.Quantity {
	q := resource.MustParse(text)
	return &q
}

// request replaces what the pod's container asks for.
func request(p *corev1.Pod, cpu, memory string) {
	p.Spec.Containers[0].Resources.Requests = cluster.Pod("", "", "", cpu, memory).Spec.Containers[0].Resources.Requests
}

// wantJSONLog checks that each line of the log is an object with time and message.
func (e *test) wantJSONLog(s *cluster.Scheduler) {
	e.Helper()
	lines := strings.Split(strings.TrimSpace(s.Log()), "\n")
	for _, line := range lines {
		var entry struct {
			TS  float64
			Msg string
		}
		if err := json.Unmarshal([]byte(line), &entry); err != nil || entry.TS == 0 || entry.Msg == "" {
			e.Errorf("not a log entry (%v): %s", err, line)
		}
	}
	if len(lines) < 5 {
		e.Errorf("only %d lines of log", len(lines))
	}
}
