package generate

import (
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

var (
	cpus       = []string{"10m", "50m", "100m", "100m", "250m", "500m", "1"}
	oddCPUs    = []string{"0", "1u", "500u", "333u", "1500u", "999999u", "1m", "3", "1n", "100", "0.1", "250500u", "33333u"}
	memories   = []string{"16Mi", "64Mi", "128Mi", "200Mi", "256Mi", "512Mi", "1Gi"}
	oddMemory  = []string{"0", "1", "1500m", "1.5Gi", "100M", "123456789", "0.1Ki", "1e9", "1001m", "1Ti", "1.0000001Gi", "333333333m", "100.5Mi"}
	storages   = []string{"0", "1Mi", "100Mi", "1Gi", "1500m"}
	extendeds  = []string{"0", "1", "1", "2", "5"}
	hugeSizes  = []string{"0", "2Mi", "4Mi", "32Mi"}
	podCPUs    = []string{"0", "1", "2", "2500m", "3000500u", "4"}
	podMemory  = []string{"0", "1Gi", "1.5Gi", "3Gi", "4Gi"}
	strategies = []v1.PodResizeStatus{"Deferred", "Infeasible"}
)

func (g *generator) quantity(plain, odd []string) resource.Quantity {
	if g.chance(g.odd * 0.6) {
		return resource.MustParse(pick(g, odd))
	}
	return resource.MustParse(pick(g, plain))
}

func set(list *v1.ResourceList, name v1.ResourceName, value resource.Quantity) {
	if *list == nil {
		*list = v1.ResourceList{}
	}
	(*list)[name] = value
}

func (g *generator) resources(pod *v1.Pod) {
	if !g.chance(g.best) {
		for i := range pod.Spec.Containers {
			pod.Spec.Containers[i].Resources = g.container()
		}
		for i := range pod.Spec.InitContainers {
			pod.Spec.InitContainers[i].Resources = g.container()
		}
	}
	if g.chance(g.odd * 0.1) {
		g.nextToNothing(pod)
	}
	if g.chance(g.podLevel) {
		g.podResources(pod)
	}
	if g.chance(g.overhead) {
		class := "kata"
		pod.Spec.RuntimeClassName = &class
		set(&pod.Spec.Overhead, v1.ResourceCPU, g.quantity(cpus, oddCPUs))
		if g.chance(0.6) {
			set(&pod.Spec.Overhead, v1.ResourceMemory, g.quantity(memories, oddMemory))
		}
	}
}

// nextToNothing asks for less than a milli-CPU, or than a byte, in all.
func (g *generator) nextToNothing(pod *v1.Pod) {
	name, amounts := v1.ResourceCPU, []string{"0", "1u", "300u"}
	if g.chance(0.5) {
		name, amounts = v1.ResourceMemory, []string{"0", "1m", "300m"}
	}
	for i := range pod.Spec.Containers {
		pod.Spec.Containers[i].Resources = v1.ResourceRequirements{
			Requests: v1.ResourceList{name: resource.MustParse(pick(g, amounts))}}
	}
}

func (g *generator) container() v1.ResourceRequirements {
	var r v1.ResourceRequirements
	if g.chance(0.75) {
		set(&r.Requests, v1.ResourceCPU, g.quantity(cpus, oddCPUs))
	}
	if g.chance(0.7) {
		set(&r.Requests, v1.ResourceMemory, g.quantity(memories, oddMemory))
	}
	if g.chance(0.15) {
		set(&r.Requests, v1.ResourceEphemeralStorage, resource.MustParse(pick(g, storages)))
	}
	if g.chance(0.25) {
		set(&r.Limits, v1.ResourceCPU, g.quantity(cpus, oddCPUs))
	}
	if g.chance(0.2) {
		set(&r.Limits, v1.ResourceMemory, g.quantity(memories, oddMemory))
	}
	if g.chance(g.extended * 0.7) {
		g.whole(&r)
	}
	return r
}

// whole resources must be asked for as much as they are limited to.
func (g *generator) whole(r *v1.ResourceRequirements) {
	name, value := v1.ResourceName(pick(g, []string{gpu, gpu, dongle})), resource.MustParse(pick(g, extendeds))
	if g.chance(0.25) {
		name, value = huge, resource.MustParse(pick(g, hugeSizes))
	}
	set(&r.Limits, name, value)
	if g.chance(0.7) {
		set(&r.Requests, name, value)
	}
}

func (g *generator) podResources(pod *v1.Pod) {
	r := &v1.ResourceRequirements{}
	if g.chance(0.6) {
		set(&r.Requests, v1.ResourceCPU, resource.MustParse(pick(g, podCPUs)))
	}
	if g.chance(0.6) {
		set(&r.Requests, v1.ResourceMemory, resource.MustParse(pick(g, podMemory)))
	}
	if g.chance(0.4) {
		set(&r.Limits, v1.ResourceCPU, resource.MustParse(pick(g, podCPUs)))
	}
	if g.chance(0.4) {
		set(&r.Limits, v1.ResourceMemory, resource.MustParse(pick(g, podMemory)))
	}
	if g.chance(g.extended * 0.3) {
		value := resource.MustParse(pick(g, hugeSizes))
		set(&r.Limits, huge, value)
		set(&r.Requests, huge, value)
	}
	pod.Spec.Resources = r
}

// resize gives a bound pod the status of a resize in flight.
func (g *generator) resize(pod *v1.Pod) {
	status := func(containers []v1.Container) []v1.ContainerStatus {
		var list []v1.ContainerStatus
		for _, container := range containers {
			if g.chance(0.1) {
				continue // not started yet
			}
			one := v1.ContainerStatus{Name: container.Name, Image: container.Image, ImageID: "x"}
			if g.chance(0.8) {
				actual := g.container()
				one.Resources = &actual
			}
			if g.chance(0.7) {
				one.AllocatedResources = g.container().Requests
			}
			list = append(list, one)
		}
		return list
	}
	pod.Status.ContainerStatuses = status(pod.Spec.Containers)
	pod.Status.InitContainerStatuses = status(pod.Spec.InitContainers)
	if g.chance(0.5) {
		pod.Status.Conditions = append(pod.Status.Conditions, v1.PodCondition{
			Type: v1.PodResizePending, Status: v1.ConditionTrue, Reason: string(pick(g, strategies))})
	}
	if pod.Spec.Resources != nil && g.chance(0.6) {
		pod.Status.AllocatedResources = v1.ResourceList{v1.ResourceCPU: resource.MustParse(pick(g, podCPUs))}
		pod.Status.Resources = &v1.ResourceRequirements{Requests: v1.ResourceList{
			v1.ResourceCPU:    resource.MustParse(pick(g, podCPUs)),
			v1.ResourceMemory: resource.MustParse(pick(g, podMemory))}}
	}
}
