package e2e

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/c-sched/c-sched/test/e2e/cluster"
)

const (
	noSchedule = corev1.TaintEffectNoSchedule
	noExecute  = corev1.TaintEffectNoExecute
)

// unschedulable is a pod that fits nowhere in mixedNodes.
var unschedulable = map[string]func(*corev1.Pod){
	"cpu":        func(p *corev1.Pod) { request(p, "64", "") },
	"memory":     func(p *corev1.Pod) { request(p, "", "512Gi") },
	"cpu-memory": func(p *corev1.Pod) { request(p, "3", "6Gi") },
	"selector": func(p *corev1.Pod) {
		p.Spec.NodeSelector = map[string]string{"disk": "ssd", "rack": "7"}
	},
	"tolerates-one": func(p *corev1.Pod) {
		request(p, "64", "")
		p.Spec.Tolerations = []corev1.Toleration{{Key: "dedicated", Operator: corev1.TolerationOpEqual, Value: "gpu"}}
	},
	"tolerates-cordon": func(p *corev1.Pod) {
		request(p, "64", "")
		p.Spec.Tolerations = []corev1.Toleration{{Key: "node.kubernetes.io/unschedulable", Operator: corev1.TolerationOpExists}}
	},
	"tolerates-all": func(p *corev1.Pod) {
		request(p, "64", "512Gi")
		p.Spec.Tolerations = []corev1.Toleration{{Operator: corev1.TolerationOpExists}}
	},
	"ephemeral-storage": func(p *corev1.Pod) {
		p.Spec.Containers[0].Resources.Requests = corev1.ResourceList{
			corev1.ResourceEphemeralStorage: *quantity("1Gi"),
		}
	},
	"limits-only": func(p *corev1.Pod) {
		request(p, "", "")
		p.Spec.Containers[0].Resources.Limits = corev1.ResourceList{corev1.ResourceCPU: *quantity("17")}
	},
	"init-container": func(p *corev1.Pod) {
		init := p.Spec.Containers[0]
		init.Name = "init"
		init.Resources.Requests = corev1.ResourceList{corev1.ResourceMemory: *quantity("100Gi")}
		p.Spec.InitContainers = []corev1.Container{init}
	},
}

func (e *test) mixedNodes() {
	e.nodes(2, cluster.Node{Name: "plain", CPU: "2", Memory: "4Gi", Pods: 110})
	e.nodes(1, cluster.Node{Name: "wide", CPU: "16", Memory: "4Gi", Pods: 110, Labels: map[string]string{"disk": "ssd"}})
	e.nodes(3, cluster.Node{Name: "gpu", CPU: "2", Memory: "4Gi", Pods: 110, Taints: []corev1.Taint{
		{Key: "dedicated", Value: "gpu", Effect: noSchedule},
	}})
	e.nodes(1, cluster.Node{Name: "leaving", CPU: "2", Memory: "4Gi", Pods: 110, Taints: []corev1.Taint{
		{Key: "leaving", Effect: noExecute}, {Key: "soft", Effect: corev1.TaintEffectPreferNoSchedule},
	}})
	e.nodes(2, cluster.Node{Name: "cordoned", CPU: "2", Memory: "4Gi", Pods: 110, Unschedulable: true})
	e.nodes(1, cluster.Node{Name: "podless", CPU: "2", Memory: "4Gi", Pods: 0})
}

// What c-sched tells about a pod it cannot place is word for word what the real kube-scheduler tells about
// the same pod at the same time, up to what PostFilter appends.
func TestMessagesAreKubeSchedulers(t *testing.T) {
	e := begin(t)
	e.mixedNodes()
	e.startScheduler(cluster.SchedulerOptions{})
	e.startReference()
	var pods []*corev1.Pod
	for name, change := range unschedulable {
		for _, side := range []string{schedulerName, corev1.DefaultSchedulerName} {
			pod := cluster.Pod(e.ns, name+"."+side, side, "1", "")
			change(pod)
			pods = append(pods, pod)
		}
	}
	e.must(e.CreatePods(e.ctx, pods))
	for name := range unschedulable {
		t.Run(name, func(t *testing.T) {
			e.with(t).sameRejection(name)
		})
	}
}

// startReference starts kube-scheduler as itself, for pods of the default scheduler.
func (e *test) startReference() *cluster.Scheduler {
	e.Helper()
	kubeconfig, err := e.Kubeconfig(cluster.UserScheduler)
	e.must(err)
	s, err := e.StartKubeScheduler(cluster.SchedulerOptions{
		LogName: e.ns + "-reference", Binary: tool("kube-scheduler"), Kubeconfig: kubeconfig,
		Identity: corev1.DefaultSchedulerName, Lease: "kube-scheduler",
		Args: []string{"--authentication-kubeconfig=" + kubeconfig, "--authorization-kubeconfig=" + kubeconfig,
			"--authentication-skip-lookup"},
	})
	e.must(err)
	e.Cleanup(s.Kill)
	e.must(s.WaitReady(30 * time.Second))
	return s
}

func (e *test) sameRejection(name string) {
	got := e.waitRejected(name+"."+schedulerName, 20*time.Second)
	want := e.waitRejected(name+"."+corev1.DefaultSchedulerName, 20*time.Second)
	same := func(what, got, want string) {
		if got != want {
			e.Errorf("%s\ngot  %q\nwant %q", what, got, want)
		}
	}
	same("condition message", upToPostFilter(got.condition.Message), upToPostFilter(want.condition.Message))
	same("condition reason", got.condition.Reason, want.condition.Reason)
	same("event note", upToPostFilter(got.event.Note), upToPostFilter(want.event.Note))
	same("event action", got.event.Action, want.event.Action)
	same("event type", got.event.Type, want.event.Type)
	same("event controller", got.event.ReportingController, schedulerName)
	if got.condition.ObservedGeneration != want.condition.ObservedGeneration {
		e.Errorf("observedGeneration is %d, not %d", got.condition.ObservedGeneration, want.condition.ObservedGeneration)
	}
	if got.event.Regarding.Kind != "Pod" || got.event.Regarding.UID == "" || got.event.Related != nil {
		e.Errorf("the event is about %+v, related %+v", got.event.Regarding, got.event.Related)
	}
}
