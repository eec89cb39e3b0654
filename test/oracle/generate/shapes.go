package generate

// knobs are the chances of a shape, of a node, a pod or a cluster to have something.
type knobs struct {
	nodes, bound, pending [2]int

	config float64 // a cluster has a configuration

	// of a node
	taints, cordoned, oddNode, images, declared float64

	// of a workload
	tolerations, selector, required, preferred, pinned float64
	podAffinity, podAnti, preferredAffinity            float64
	hard, soft, owned                                  float64
	ports, features                                    float64
	odd, inits, overhead, podLevel, extended, best     float64

	// of a pod
	resized, nominated, terminating, ghost, gated, priority float64
}

// Shapes are the names of the shapes.
var Shapes = []string{"dense", "affinity", "spread", "ports", "resources", "nodes", "mixed"}

func base() knobs {
	return knobs{
		nodes: [2]int{3, 14}, bound: [2]int{0, 40}, pending: [2]int{8, 24}, config: 0.2,
		taints: 0.1, cordoned: 0.04, oddNode: 0.1, images: 0.3, declared: 0.7,
		tolerations: 0.15, selector: 0.06, required: 0.06, preferred: 0.1, pinned: 0.03,
		podAffinity: 0.05, podAnti: 0.05, preferredAffinity: 0.07, hard: 0.06, soft: 0.08, owned: 0.3,
		ports: 0.06, features: 0.03, odd: 0.2, inits: 0.15, overhead: 0.05, podLevel: 0.08, extended: 0.1, best: 0.15,
		resized: 0.05, nominated: 0.03, terminating: 0.05, ghost: 0.03, gated: 0.02, priority: 0.3,
	}
}

func with(change func(k *knobs)) knobs {
	k := base()
	change(&k)
	return k
}

var shapes = map[string]knobs{
	"dense": with(func(k *knobs) {
		k.nodes, k.bound, k.pending = [2]int{2, 9}, [2]int{10, 70}, [2]int{15, 50}
	}),
	"affinity": with(func(k *knobs) {
		k.podAffinity, k.podAnti, k.preferredAffinity = 0.3, 0.3, 0.45
		k.bound, k.nominated = [2]int{0, 30}, 0.06
	}),
	"spread": with(func(k *knobs) {
		k.hard, k.soft, k.owned = 0.4, 0.4, 0.6
		k.bound, k.required, k.selector, k.taints = [2]int{0, 40}, 0.12, 0.1, 0.3
	}),
	"ports": with(func(k *knobs) {
		k.ports, k.images, k.nominated = 0.7, 0.7, 0.06
	}),
	"resources": with(func(k *knobs) {
		k.odd, k.inits, k.overhead, k.podLevel, k.extended, k.resized = 0.6, 0.4, 0.2, 0.3, 0.4, 0.3
		k.bound, k.config, k.oddNode, k.best = [2]int{0, 30}, 0.35, 0.4, 0.08
		k.nominated = 0.06
	}),
	"nodes": with(func(k *knobs) {
		k.taints, k.cordoned, k.images, k.declared = 0.5, 0.12, 0.6, 0.6
		k.tolerations, k.selector, k.required, k.preferred, k.pinned = 0.6, 0.3, 0.35, 0.5, 0.12
		k.features = 0.2
	}),
	"mixed": with(func(k *knobs) {
		k.nodes, k.config = [2]int{0, 18}, 0.3
		k.taints, k.tolerations, k.selector, k.required, k.preferred = 0.25, 0.4, 0.12, 0.12, 0.25
		k.podAffinity, k.podAnti, k.preferredAffinity = 0.15, 0.15, 0.25
		k.hard, k.soft, k.ports, k.images = 0.15, 0.2, 0.2, 0.5
		k.nominated, k.terminating, k.gated = 0.08, 0.1, 0.04
	}),
}
