package generate

import (
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// sorted walks a map in an order that is the same in every run.
func sorted[V any](from map[string]V) iter.Seq2[string, V] {
	return func(yield func(string, V) bool) {
		for _, key := range slices.Sorted(maps.Keys(from)) {
			if !yield(key, from[key]) {
				return
			}
		}
	}
}

// pod is one of a workload's, or one alone.
func (g *generator) pod(bound bool) (*v1.Pod, error) {
	var err error
	for range 50 {
		w := pick(g, g.workloads)
		if g.chance(0.15) {
			if w, err = g.workload(1000 + g.count); err != nil {
				return nil, err
			}
			w.owner = nil
		}
		pod := w.pod.DeepCopy()
		g.identity(pod, w)
		if bound {
			g.bind(pod)
		} else {
			g.wait(pod)
		}
		var admitted *v1.Pod
		if admitted, err = admitPod(pod); err == nil {
			g.count++
			if g.chance(0.2) && !hasLabelKeys(pod) {
				return pod, nil // defaults are for the reader to fill in
			}
			return admitted, nil
		}
	}
	return nil, fmt.Errorf("no valid pod after 50 attempts: %w", err)
}

// hasLabelKeys: the API server merges these into selectors when the pod is created.
func hasLabelKeys(pod *v1.Pod) bool {
	if pod.Spec.Affinity == nil {
		return false
	}
	var terms []v1.PodAffinityTerm
	if a := pod.Spec.Affinity.PodAffinity; a != nil {
		terms = append(terms, a.RequiredDuringSchedulingIgnoredDuringExecution...)
		for _, term := range a.PreferredDuringSchedulingIgnoredDuringExecution {
			terms = append(terms, term.PodAffinityTerm)
		}
	}
	if a := pod.Spec.Affinity.PodAntiAffinity; a != nil {
		terms = append(terms, a.RequiredDuringSchedulingIgnoredDuringExecution...)
		for _, term := range a.PreferredDuringSchedulingIgnoredDuringExecution {
			terms = append(terms, term.PodAffinityTerm)
		}
	}
	return slices.ContainsFunc(terms, func(t v1.PodAffinityTerm) bool {
		return len(t.MatchLabelKeys)+len(t.MismatchLabelKeys) > 0
	})
}

func (g *generator) identity(pod *v1.Pod, w *workload) {
	pod.Name = fmt.Sprintf("%s-%d", w.name, g.count)
	pod.UID = uid("pod", g.count)
	pod.CreationTimestamp = metav1.NewTime(time.Date(2026, 1, 1, 0, 0, g.IntN(5), 0, time.UTC))
	if w.owner != nil {
		pod.OwnerReferences = []metav1.OwnerReference{*w.owner}
	}
	if g.chance(0.15) {
		pod.Labels["example.com/version"] = pick(g, versions)
	}
	pod.Spec.SchedulerName = pick(g, g.profiles)
	if g.chance(0.03) {
		pod.Spec.SchedulerName = "another"
	}
	zero := int32(0)
	pod.Spec.Priority = &zero
	if g.chance(g.priority) {
		priority := pick(g, []int32{-10, 0, 1, 100, 2000000000, -2147483648})
		pod.Spec.Priority = &priority
	}
}

func (g *generator) bind(pod *v1.Pod) {
	pod.Spec.NodeName = pick(g, g.nodes).Name
	if g.chance(g.ghost) {
		pod.Spec.NodeName = "gone"
	}
	pod.Status.Phase = pick(g, []v1.PodPhase{v1.PodRunning, v1.PodRunning, v1.PodRunning, v1.PodPending})
	if g.chance(0.05) {
		pod.Status.Phase = pick(g, []v1.PodPhase{v1.PodSucceeded, v1.PodFailed, v1.PodUnknown})
	}
	if g.chance(g.terminating) {
		now, grace := metav1.NewTime(time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)), int64(30)
		pod.DeletionTimestamp, pod.DeletionGracePeriodSeconds = &now, &grace
	}
	if g.chance(g.resized) {
		g.resize(pod)
	}
}

func (g *generator) wait(pod *v1.Pod) {
	pod.Status.Phase = v1.PodPending
	if g.chance(g.gated) {
		for _, name := range some(g, []string{"example.com/a", "example.com/b", "c"}, 3) {
			pod.Spec.SchedulingGates = append(pod.Spec.SchedulingGates, v1.PodSchedulingGate{Name: name})
		}
	}
	if g.chance(g.nominated) && len(g.nodes) > 0 {
		pod.Status.NominatedNodeName = pick(g, g.nodes).Name
		if g.chance(0.1) {
			pod.Status.NominatedNodeName = "gone"
		}
	} else if g.chance(0.01) {
		now, grace := metav1.NewTime(time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)), int64(30)
		pod.DeletionTimestamp, pod.DeletionGracePeriodSeconds = &now, &grace
	}
}

// spec is what a workload's pods ask for.
func (g *generator) spec(pod *v1.Pod) {
	g.containers(pod)
	g.resources(pod)
	if g.chance(g.ports) {
		g.hostPorts(pod)
	}
	if g.chance(g.tolerations) {
		pod.Spec.Tolerations = g.someTolerations()
	}
	if g.chance(g.selector) {
		pod.Spec.NodeSelector = g.nodeSelector()
	}
	g.nodeAffinity(pod)
	g.interPod(pod)
	if g.chance(g.hard) {
		g.constrain(pod, v1.DoNotSchedule)
	}
	if g.chance(g.soft) {
		g.constrain(pod, v1.ScheduleAnyway)
	}
	if g.chance(g.features) {
		never := v1.ContainerRestartPolicyNever
		pod.Spec.Containers[0].RestartPolicy = &never
		pod.Spec.Containers[0].RestartPolicyRules = []v1.ContainerRestartRule{{
			Action:    v1.ContainerRestartRuleActionRestartAllContainers,
			ExitCodes: &v1.ContainerRestartRuleOnExitCodes{Operator: "In", Values: []int32{42}},
		}}
	}
}

func (g *generator) containers(pod *v1.Pod) {
	count := 1
	if g.chance(0.3) {
		count += 1 + g.IntN(2)
	}
	for i := range count {
		pod.Spec.Containers = append(pod.Spec.Containers, v1.Container{Name: fmt.Sprintf("c%d", i), Image: pick(g, images)})
	}
	if !g.chance(g.inits) {
		return
	}
	for i := range 1 + g.IntN(3) {
		container := v1.Container{Name: fmt.Sprintf("i%d", i), Image: pick(g, images)}
		if g.chance(0.5) {
			always := v1.ContainerRestartPolicyAlways
			container.RestartPolicy = &always
		}
		pod.Spec.InitContainers = append(pod.Spec.InitContainers, container)
	}
}

func (g *generator) hostPorts(pod *v1.Pod) {
	pod.Spec.HostNetwork = g.chance(0.1)
	add := func(containers []v1.Container) {
		for i := range containers {
			for range g.IntN(3) {
				port := v1.ContainerPort{ContainerPort: pick(g, []int32{80, 8080, 9090}), HostPort: pick(g, []int32{0, 80, 8080, 8080, 9090}),
					HostIP:   pick(g, []string{"", "", "0.0.0.0", "127.0.0.1", "10.0.0.1", "::", "::1"}),
					Protocol: pick(g, []v1.Protocol{"", v1.ProtocolTCP, v1.ProtocolTCP, v1.ProtocolUDP, v1.ProtocolSCTP})}
				if pod.Spec.HostNetwork {
					port.HostPort = pick(g, []int32{0, port.ContainerPort})
				}
				containers[i].Ports = append(containers[i].Ports, port)
			}
		}
	}
	add(pod.Spec.Containers)
	add(pod.Spec.InitContainers)
}
