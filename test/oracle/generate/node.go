package generate

import (
	"fmt"
	"slices"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	zone     = "topology.kubernetes.io/zone"
	region   = "topology.kubernetes.io/region"
	hostname = "kubernetes.io/hostname"
	rack     = "example.com/rack"
	gpu      = "example.com/gpu"
	dongle   = "other.example.org/dongle"
	huge     = "hugepages-2Mi"
)

var (
	topologies = []string{zone, zone, hostname, hostname, rack, region, "nowhere"}
	disks      = []string{"ssd", "hdd", ""}
	numbers    = []string{"1", "5", "10", "3", "007", "x1", "9223372036854775807", "9223372036854775808"}
	taintKeys  = []string{"dedicated", "example.com/special", "node.kubernetes.io/unschedulable", "node.kubernetes.io/not-ready"}
	taintWords = []string{"", "a", "b"}
	effects    = []v1.TaintEffect{v1.TaintEffectNoSchedule, v1.TaintEffectNoExecute, v1.TaintEffectPreferNoSchedule}
	features   = []string{"ExtendWebSocketsToKubelet", "RestartAllContainersOnContainerExits", "UserNamespacesHostNetworkSupport"}
	images     = []string{
		"nginx", "nginx:latest", "nginx:1.27", "registry.example.com:5000/app", "registry.example.com:5000/app:latest",
		"registry.example.com:5000/team/app:v1", "docker.io/library/nginx:latest",
		"app@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	}
	namespaces = []string{"default", "team-a", "team-b", "prod"}
)

func (g *generator) node(i int) (*v1.Node, error) {
	for range 50 {
		node := g.tryNode(i)
		if admitNode(node) {
			return node, nil
		}
	}
	return nil, fmt.Errorf("no valid node after 50 attempts")
}

func (g *generator) tryNode(i int) *v1.Node {
	name := fmt.Sprintf("%s-%d", pick(g, []string{"node", "worker", "n"}), i)
	node := &v1.Node{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Node"}}
	node.Name, node.UID = name, uid("node", i)
	node.Labels = g.nodeLabels(name)
	node.Spec.Unschedulable = g.chance(g.cordoned)
	if g.chance(g.taints) {
		node.Spec.Taints = g.someTaints()
	}
	g.capacity(node)
	if g.chance(g.knobs.images) {
		node.Status.Images = g.nodeImages()
	}
	if g.chance(g.declared) {
		node.Status.DeclaredFeatures = some(g, features, 3)
		slices.Sort(node.Status.DeclaredFeatures)
	}
	return node
}

func (g *generator) nodeLabels(name string) map[string]string {
	labels := map[string]string{}
	if g.chance(0.95) {
		labels[hostname] = name
	} else if g.chance(0.5) {
		labels[hostname] = "shared"
	}
	if g.chance(0.85) {
		labels[zone] = pick(g, []string{"z1", "z2", "z3"})
	}
	if g.chance(0.6) {
		labels[region] = pick(g, []string{"r1", "r2"})
	}
	if g.chance(0.6) {
		labels[rack] = pick(g, []string{"a", "b", "c", "d", ""})
	}
	if g.chance(0.7) {
		labels["disk"] = pick(g, disks)
	}
	if g.chance(0.6) {
		labels["generation"] = pick(g, numbers)
	}
	return labels
}

func (g *generator) someTaints() []v1.Taint {
	var taints []v1.Taint
	if g.chance(0.4) { // nothing but preferences, so many that scores have to be rounded
		for _, key := range append(some(g, taintKeys, len(taintKeys)-1), "one-more") {
			taints = append(taints, v1.Taint{Key: key, Value: pick(g, taintWords), Effect: v1.TaintEffectPreferNoSchedule})
		}
		return taints
	}
	for range 1 + g.IntN(3) {
		taints = append(taints, v1.Taint{Key: pick(g, taintKeys), Value: pick(g, taintWords), Effect: pick(g, effects)})
	}
	return taints
}

func (g *generator) capacity(node *v1.Node) {
	c := v1.ResourceList{
		v1.ResourceCPU:    resource.MustParse(pick(g, []string{"2", "4", "8", "16", "3900m"})),
		v1.ResourceMemory: resource.MustParse(pick(g, []string{"4Gi", "8Gi", "16Gi", "32Gi", "7900Mi"})),
		v1.ResourcePods:   resource.MustParse(pick(g, []string{"4", "8", "15", "30", "110", "110", "110"})),
	}
	if g.chance(0.7) {
		c[v1.ResourceEphemeralStorage] = resource.MustParse(pick(g, []string{"1Gi", "10Gi", "100Gi"}))
	}
	if g.chance(g.extended * 1.5) {
		c[gpu] = resource.MustParse(pick(g, []string{"0", "1", "2", "8"}))
	}
	if g.chance(g.extended) {
		c[dongle] = resource.MustParse(pick(g, []string{"1", "3", "1k"}))
	}
	if g.chance(g.extended) {
		c[huge] = resource.MustParse(pick(g, []string{"0", "4Mi", "64Mi"}))
	}
	node.Status.Capacity = c
	if g.chance(g.oddNode) {
		g.oddCapacity(node)
	}
}

// oddCapacity has fractions, zeros, holes and what allocatable does not say.
func (g *generator) oddCapacity(node *v1.Node) {
	allocatable := node.Status.Capacity.DeepCopy()
	switch g.IntN(7) {
	case 0:
		allocatable[v1.ResourceCPU] = resource.MustParse(pick(g, []string{"0", "1500u", "100m", "1999m", "3.9995"}))
	case 1:
		allocatable[v1.ResourceMemory] = resource.MustParse(pick(g, []string{"0", "1500m", "1.5Gi", "1e9", "80Pi", "100Ti", "4294967297"}))
	case 2:
		delete(allocatable, v1.ResourcePods)
	case 3:
		allocatable[v1.ResourcePods] = resource.MustParse(pick(g, []string{"0", "1"}))
	case 4:
		delete(allocatable, v1.ResourceCPU)
	case 5:
		allocatable = v1.ResourceList{}
	case 6:
		node.Status.Capacity = nil
	}
	node.Status.Allocatable = allocatable
}

func (g *generator) nodeImages() []v1.ContainerImage {
	var list []v1.ContainerImage
	for range 1 + g.IntN(5) {
		list = append(list, v1.ContainerImage{
			Names:     append(some(g, images, 2), pick(g, images)),
			SizeBytes: pick(g, []int64{0, 1 << 20, 23 << 20, 24 << 20, 100 << 20, 333333333, 999 << 20, 3 << 30, 20 << 30}),
		})
	}
	return list
}

func (g *generator) namespace(name string) *v1.Namespace {
	namespace := &v1.Namespace{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Namespace"}}
	namespace.Name = name
	namespace.Labels = map[string]string{}
	if g.chance(0.7) {
		namespace.Labels["team"] = pick(g, []string{"a", "b"})
	}
	if g.chance(0.4) {
		namespace.Labels["env"] = pick(g, []string{"prod", "test"})
	}
	return namespace
}
