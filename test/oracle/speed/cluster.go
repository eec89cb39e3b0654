// Package speed measures what a decision costs, in c-sched and in kube-scheduler's own code, about the same
// clusters.
package speed

import (
	"fmt"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
)

const (
	namespace = "default"
	zones     = 3
	// PodsPerNode are bound before the first decision.
	PodsPerNode = 30
	hostname    = v1.LabelHostname
	zone        = v1.LabelTopologyZone
)

// Shape is a kind of pods to decide about, and what the pods that are there already look like.
type Shape struct {
	Name string
	// ask adds what such a pod asks; app is the value of its label "app", one per workload.
	ask func(pod *v1.Pod, app string)
	// owned: the pods belong to a ReplicaSet that a Service selects, so that default spreading applies.
	owned bool
	// carriers: a tenth of the pods that are there carry pod (anti-)affinity.
	carriers bool
}

// Shapes are the rows of the table.
var Shapes = []Shape{
	{Name: "bare pod", ask: func(*v1.Pod, string) {}},
	{Name: "pod of a Deployment, default spreading", ask: func(*v1.Pod, string) {}, owned: true},
	{Name: "node affinity, required and preferred", ask: askNodes},
	{Name: "tolerations among taints", ask: askTaints},
	{Name: "required pod affinity and anti-affinity", ask: askPods, carriers: true},
	{Name: "preferred pod affinity and anti-affinity", ask: preferPods, carriers: true},
	{Name: "hard spread", ask: spread(v1.DoNotSchedule)},
	{Name: "soft spread", ask: spread(v1.ScheduleAnyway)},
	{Name: "all together", ask: askAll, owned: true, carriers: true},
}

func expression(key string, operator v1.NodeSelectorOperator, values ...string) v1.NodeSelectorTerm {
	return v1.NodeSelectorTerm{MatchExpressions: []v1.NodeSelectorRequirement{
		{Key: key, Operator: operator, Values: values}}}
}

func affinity(pod *v1.Pod) *v1.Affinity {
	if pod.Spec.Affinity == nil {
		pod.Spec.Affinity = &v1.Affinity{}
	}
	return pod.Spec.Affinity
}

func askNodes(pod *v1.Pod, _ string) {
	affinity(pod).NodeAffinity = &v1.NodeAffinity{
		RequiredDuringSchedulingIgnoredDuringExecution: &v1.NodeSelector{NodeSelectorTerms: []v1.NodeSelectorTerm{
			expression(zone, v1.NodeSelectorOpIn, "zone-0", "zone-1")}},
		PreferredDuringSchedulingIgnoredDuringExecution: []v1.PreferredSchedulingTerm{
			{Weight: 10, Preference: expression("disk", v1.NodeSelectorOpIn, "ssd")},
			{Weight: 5, Preference: expression(zone, v1.NodeSelectorOpNotIn, "zone-0")}},
	}
}

func askTaints(pod *v1.Pod, _ string) {
	pod.Spec.Tolerations = []v1.Toleration{
		{Key: "dedicated", Operator: v1.TolerationOpEqual, Value: "batch", Effect: v1.TaintEffectNoSchedule}}
}

func term(app, key string) v1.PodAffinityTerm {
	return v1.PodAffinityTerm{TopologyKey: key, LabelSelector: selector(app)}
}

func selector(app string) *metav1.LabelSelector {
	return &metav1.LabelSelector{MatchLabels: map[string]string{"app": app}}
}

// askPods wants the zone of a workload that is there, and no node with a pod of its own.
func askPods(pod *v1.Pod, app string) {
	a := affinity(pod)
	a.PodAffinity = &v1.PodAffinity{
		RequiredDuringSchedulingIgnoredDuringExecution: []v1.PodAffinityTerm{term("there-0", zone)}}
	a.PodAntiAffinity = &v1.PodAntiAffinity{
		RequiredDuringSchedulingIgnoredDuringExecution: []v1.PodAffinityTerm{term(app, hostname)}}
}

func preferPods(pod *v1.Pod, app string) {
	a := affinity(pod)
	a.PodAffinity = &v1.PodAffinity{PreferredDuringSchedulingIgnoredDuringExecution: []v1.WeightedPodAffinityTerm{
		{Weight: 50, PodAffinityTerm: term("there-0", zone)}}}
	a.PodAntiAffinity = &v1.PodAntiAffinity{PreferredDuringSchedulingIgnoredDuringExecution: []v1.WeightedPodAffinityTerm{
		{Weight: 100, PodAffinityTerm: term(app, hostname)}}}
}

func spread(action v1.UnsatisfiableConstraintAction) func(*v1.Pod, string) {
	return func(pod *v1.Pod, app string) {
		for _, key := range []string{hostname, zone} {
			pod.Spec.TopologySpreadConstraints = append(pod.Spec.TopologySpreadConstraints, v1.TopologySpreadConstraint{
				MaxSkew: 2, TopologyKey: key, WhenUnsatisfiable: action, LabelSelector: selector(app)})
		}
	}
}

func askAll(pod *v1.Pod, app string) {
	askNodes(pod, app)
	askTaints(pod, app)
	askPods(pod, app)
	preferred := &v1.Pod{}
	preferPods(preferred, app)
	a := affinity(pod)
	a.PodAffinity.PreferredDuringSchedulingIgnoredDuringExecution =
		preferred.Spec.Affinity.PodAffinity.PreferredDuringSchedulingIgnoredDuringExecution
	a.PodAntiAffinity.PreferredDuringSchedulingIgnoredDuringExecution =
		preferred.Spec.Affinity.PodAntiAffinity.PreferredDuringSchedulingIgnoredDuringExecution
	// Two zones are out of reach by node affinity and required affinity: a skew that still fits.
	spread(v1.ScheduleAnyway)(pod, app)
	spread(v1.DoNotSchedule)(pod, app)
	pod.Spec.TopologySpreadConstraints = pod.Spec.TopologySpreadConstraints[:3]
}

func node(i int) *v1.Node {
	name := fmt.Sprintf("node-%d", i)
	made := &v1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: name, UID: types.UID(name), Labels: map[string]string{
			hostname: name, zone: fmt.Sprintf("zone-%d", i%zones)}},
		Status: v1.NodeStatus{Allocatable: v1.ResourceList{
			v1.ResourceCPU:    resource.MustParse(fmt.Sprintf("%d", 16+i%4*8)),
			v1.ResourceMemory: resource.MustParse(fmt.Sprintf("%dGi", 64+i%3*32)),
			v1.ResourcePods:   resource.MustParse("110")}},
	}
	if i%2 == 0 {
		made.Labels["disk"] = "ssd"
	}
	if i%50 == 0 {
		made.Spec.Taints = append(made.Spec.Taints, v1.Taint{Key: "dedicated", Value: "batch", Effect: v1.TaintEffectNoSchedule})
	}
	if i%7 == 0 {
		made.Spec.Taints = append(made.Spec.Taints, v1.Taint{Key: "old", Effect: v1.TaintEffectPreferNoSchedule})
	}
	made.Status.Capacity = made.Status.Allocatable
	return made
}

func pod(name, app string, milli int) *v1.Pod {
	requests := v1.ResourceList{
		v1.ResourceCPU:    *resource.NewMilliQuantity(int64(milli), resource.DecimalSI),
		v1.ResourceMemory: resource.MustParse("64Mi")}
	return &v1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name,
			UID: types.UID(fmt.Sprintf("11111111-2222-3333-4444-%s", name)), ResourceVersion: "1",
			Labels: map[string]string{"app": app}},
		Spec: v1.PodSpec{SchedulerName: "c-sched", Containers: []v1.Container{
			{Name: "c", Image: "registry.example/" + app, Resources: v1.ResourceRequirements{Requests: requests}}}},
	}
}

func own(pod *v1.Pod, app string) {
	yes := true
	pod.OwnerReferences = []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "ReplicaSet", Name: app,
		UID: types.UID(app), Controller: &yes}}
}

func workload(app string) []runtime.Object {
	meta := metav1.ObjectMeta{Namespace: namespace, Name: app, UID: types.UID(app)}
	return []runtime.Object{
		&appsv1.ReplicaSet{ObjectMeta: meta, Spec: appsv1.ReplicaSetSpec{Selector: selector(app)}},
		&v1.Service{ObjectMeta: meta, Spec: v1.ServiceSpec{Selector: map[string]string{"app": app},
			Ports: []v1.ServicePort{{Port: 80, TargetPort: intstr.FromInt32(8080)}}}},
	}
}

// there is the i-th pod that is bound before the first decision; there are as many workloads as nodes.
func there(i, nodes int, carriers bool) *v1.Pod {
	app := fmt.Sprintf("there-%d", i%nodes)
	made := pod(fmt.Sprintf("there-%d", i), app, 50+i%nodes%50)
	// Each node gets pods of PodsPerNode workloads, and no two of one workload.
	made.Spec.NodeName = fmt.Sprintf("node-%d", (i+i/nodes)%nodes)
	if carriers && i%nodes%10 == 0 {
		affinity(made).PodAntiAffinity = &v1.PodAntiAffinity{
			RequiredDuringSchedulingIgnoredDuringExecution: []v1.PodAffinityTerm{term(app, hostname)}}
		affinity(made).PodAffinity = &v1.PodAffinity{
			PreferredDuringSchedulingIgnoredDuringExecution: []v1.WeightedPodAffinityTerm{
				{Weight: 10, PodAffinityTerm: term("new0-0", zone)}}}
	}
	return made
}

// Cluster tells of every object of a cluster for the shapes, which all have carriers or none: nodes, bound pods,
// and for the k-th shape pods to decide: `decisions` of a workload each ("new<k>-…") and as many replicas of one
// ("replica<k>-…"; the first is a new demand again).
func Cluster(shapes []Shape, nodes, decisions int, tell func(runtime.Object) error) error {
	for i := range nodes {
		if err := tell(node(i)); err != nil {
			return err
		}
	}
	for i := range nodes * PodsPerNode {
		if err := tell(there(i, nodes, shapes[0].carriers)); err != nil {
			return err
		}
	}
	for k, shape := range shapes {
		for _, kind := range []string{"new", "replica"} {
			for i := range decisions {
				if err := shape.pending(fmt.Sprintf("%s%d", kind, k), i, tell); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (s Shape) pending(class string, i int, tell func(runtime.Object) error) error {
	app := fmt.Sprintf("%s-%d", class, i)
	milli := 100 + i
	if isReplica(class) {
		app, milli = class, 100
	}
	made := pod(fmt.Sprintf("%s-%d", class, i), app, milli)
	s.ask(made, app)
	if s.owned {
		own(made, app)
		if !isReplica(class) || i == 0 {
			for _, object := range workload(app) {
				if err := tell(object); err != nil {
					return err
				}
			}
		}
	}
	return tell(made)
}

func isReplica(class string) bool {
	return strings.HasPrefix(class, "replica")
}

// ByCluster groups the shapes that can share a cluster: it takes minutes to make one of 100,000 nodes.
func ByCluster(shapes []Shape) [][]Shape {
	var groups [][]Shape
	for _, carriers := range []bool{false, true} {
		var group []Shape
		for _, shape := range shapes {
			if shape.carriers == carriers {
				group = append(group, shape)
			}
		}
		if group != nil {
			groups = append(groups, group)
		}
	}
	return groups
}

// Deployments tells of the cluster whose memory is measured: each pod bound, of as many Deployments as nodes,
// each with a Service and hostname anti-affinity.
func Deployments(nodes int, tell func(runtime.Object) error) error {
	for i := range nodes {
		for _, object := range append(workload(fmt.Sprintf("there-%d", i)), node(i)) {
			if err := tell(object); err != nil {
				return err
			}
		}
	}
	for i := range nodes * PodsPerNode {
		made := there(i, nodes, false)
		app := made.Labels["app"]
		own(made, app)
		affinity(made).PodAntiAffinity = &v1.PodAntiAffinity{
			RequiredDuringSchedulingIgnoredDuringExecution: []v1.PodAffinityTerm{term(app, hostname)}}
		if err := tell(made); err != nil {
			return err
		}
	}
	return nil
}
