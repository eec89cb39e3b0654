package generate

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// workload is what its pods have in common.
type workload struct {
	name  string
	pod   v1.Pod // a valid one without a name of its own
	owner *metav1.OwnerReference
	set   runtime.Object // the owner itself, if it is in the cluster
}

func (w *workload) owners() []runtime.Object {
	if w.set == nil {
		return nil
	}
	return []runtime.Object{w.set}
}

func (g *generator) workload(i int) (*workload, error) {
	var err error
	for range 200 {
		w := &workload{name: fmt.Sprintf("%s-%d", pick(g, []string{"web", "db", "job", "cache"}), i)}
		w.pod.TypeMeta = metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"}
		w.pod.Name = w.name
		w.pod.Namespace = pick(g, append([]string{"default", "default"}, namespaces...))
		w.pod.Labels = g.podLabels()
		g.spec(&w.pod)
		if _, err = admitPod(&w.pod); err != nil {
			continue
		}
		if g.chance(g.owned) {
			if err = g.own(w, i); err != nil {
				continue
			}
		}
		return w, nil
	}
	return nil, fmt.Errorf("no valid workload after 200 attempts: %w", err)
}

var (
	appNames = []string{"a", "b", "c"}
	tiers    = []string{"front", "back", ""}
	versions = []string{"1", "2", "10"}
)

func (g *generator) podLabels() map[string]string {
	labels := map[string]string{}
	if g.chance(0.85) {
		labels["app"] = pick(g, appNames)
	}
	if g.chance(0.5) {
		labels["tier"] = pick(g, tiers)
	}
	if g.chance(0.4) {
		labels["example.com/version"] = pick(g, versions)
	}
	return labels
}

func (g *generator) own(w *workload, i int) error {
	meta := metav1.ObjectMeta{Name: w.name, Namespace: w.pod.Namespace, UID: uid("owner", i)}
	selector := g.ownSelector(w)
	template := v1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: w.pod.Labels},
		Spec: v1.PodSpec{Containers: []v1.Container{{Name: "c", Image: "nginx"}}}}
	none, yes := int32(0), true
	w.owner = &metav1.OwnerReference{APIVersion: "apps/v1", Name: w.name, UID: meta.UID, Controller: &yes}
	switch g.IntN(5) {
	case 0:
		w.owner.Kind, w.owner.APIVersion = "ReplicationController", "v1"
		set := &v1.ReplicationController{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: w.owner.Kind}, ObjectMeta: meta}
		set.Spec = v1.ReplicationControllerSpec{Replicas: &none, Selector: selector.MatchLabels, Template: &template}
		w.set = set
		if err := admitController(set); err != nil {
			return err
		}
	case 1, 2:
		w.owner.Kind = "ReplicaSet"
		set := &appsv1.ReplicaSet{TypeMeta: metav1.TypeMeta{APIVersion: "apps/v1", Kind: w.owner.Kind}, ObjectMeta: meta}
		set.Spec = appsv1.ReplicaSetSpec{Replicas: &none, Selector: selector, Template: template}
		w.set = set
		if err := admitReplicaSet(set); err != nil {
			return err
		}
	case 3:
		w.owner.Kind = "StatefulSet"
		set := &appsv1.StatefulSet{TypeMeta: metav1.TypeMeta{APIVersion: "apps/v1", Kind: w.owner.Kind}, ObjectMeta: meta}
		set.Spec = appsv1.StatefulSetSpec{Replicas: &none, Selector: selector, Template: template, ServiceName: "x"}
		w.set = set
		if err := admitStatefulSet(set); err != nil {
			return err
		}
	case 4:
		w.owner.Kind, w.owner.APIVersion = "Job", "batch/v1"
	}
	switch g.IntN(20) {
	case 0:
		w.owner.APIVersion = "apps/v1beta1" // not the kind the scheduler asks for
	case 1:
		w.set = nil // deleted already
	case 2:
		w.owner.Controller = nil
	}
	return nil
}

func (g *generator) ownSelector(w *workload) *metav1.LabelSelector {
	selector := &metav1.LabelSelector{MatchLabels: map[string]string{}}
	for key, value := range sorted(w.pod.Labels) {
		if g.chance(0.7) {
			selector.MatchLabels[key] = value
		}
	}
	if _, labelled := w.pod.Labels["app"]; labelled && g.chance(0.2) {
		selector.MatchExpressions = []metav1.LabelSelectorRequirement{{Key: "app", Operator: metav1.LabelSelectorOpExists}}
	}
	return selector
}

func (g *generator) services() ([]runtime.Object, error) {
	var objects []runtime.Object
	if !g.chance(g.owned * 1.5) {
		return nil, nil
	}
	for i := range 1 + g.IntN(5) {
		service := &v1.Service{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Service"}}
		service.Name, service.Namespace = fmt.Sprintf("service-%d", i), pick(g, namespaces)
		if g.chance(0.9) {
			service.Spec.Selector = g.podLabels()
			if g.chance(0.5) {
				service.Namespace = "default"
			}
		}
		service.Spec.ClusterIP, service.Spec.ClusterIPs = "None", []string{"None"}
		service.Spec.Ports = []v1.ServicePort{{Name: "http", Port: 80}}
		if err := admitService(service); err != nil {
			return nil, err
		}
		objects = append(objects, service)
	}
	return objects, nil
}
