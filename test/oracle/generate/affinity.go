package generate

import (
	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func (g *generator) someTolerations() []v1.Toleration {
	var list []v1.Toleration
	for range 1 + g.IntN(3) {
		t := v1.Toleration{Key: pick(g, taintKeys), Effect: pick(g, append([]v1.TaintEffect{""}, effects...))}
		switch g.IntN(4) {
		case 0:
			t.Operator = v1.TolerationOpExists
			if g.chance(0.3) {
				t.Key = ""
			}
		case 1:
			t.Value = pick(g, taintWords) // operator "": Equal
		default:
			t.Operator, t.Value = v1.TolerationOpEqual, pick(g, taintWords)
		}
		if t.Effect == v1.TaintEffectNoExecute && g.chance(0.4) {
			seconds := int64(300)
			t.TolerationSeconds = &seconds
		}
		list = append(list, t)
	}
	return list
}

func (g *generator) nodeSelector() map[string]string {
	selector := map[string]string{}
	switch g.IntN(4) {
	case 0:
		selector["disk"] = pick(g, disks)
	case 1:
		selector[zone] = pick(g, []string{"z1", "z2", "z4"})
	case 2:
		selector["generation"] = pick(g, []string{"1", "5", "007"})
	case 3:
		selector["disk"], selector[region] = pick(g, disks), "r1"
	}
	return selector
}

func (g *generator) nodeAffinity(pod *v1.Pod) {
	affinity := &v1.NodeAffinity{}
	if g.chance(g.required) {
		required := &v1.NodeSelector{}
		for range 1 + g.IntN(2) {
			required.NodeSelectorTerms = append(required.NodeSelectorTerms, g.nodeTerm())
		}
		affinity.RequiredDuringSchedulingIgnoredDuringExecution = required
	}
	if len(g.nodes) > 0 && g.chance(g.pinned) {
		affinity.RequiredDuringSchedulingIgnoredDuringExecution = g.pins()
	}
	if g.chance(g.preferred) {
		for range g.IntN(4) {
			affinity.PreferredDuringSchedulingIgnoredDuringExecution = append(
				affinity.PreferredDuringSchedulingIgnoredDuringExecution,
				v1.PreferredSchedulingTerm{Weight: 1 + g.Int32N(100), Preference: g.nodeTerm()})
		}
	}
	if affinity.RequiredDuringSchedulingIgnoredDuringExecution != nil ||
		affinity.PreferredDuringSchedulingIgnoredDuringExecution != nil || g.chance(0.02) {
		g.affinity(pod).NodeAffinity = affinity
	}
}

func (g *generator) affinity(pod *v1.Pod) *v1.Affinity {
	if pod.Spec.Affinity == nil {
		pod.Spec.Affinity = &v1.Affinity{}
	}
	return pod.Spec.Affinity
}

func (g *generator) nodeTerm() v1.NodeSelectorTerm {
	var term v1.NodeSelectorTerm
	count := 1 + g.IntN(2)
	if g.chance(0.04) {
		count = 0
	}
	for range count {
		term.MatchExpressions = append(term.MatchExpressions, g.nodeRequirement())
	}
	if len(g.nodes) > 0 && g.chance(0.08) {
		term.MatchFields = append(term.MatchFields, g.field())
	}
	return term
}

func (g *generator) nodeRequirement() v1.NodeSelectorRequirement {
	keys := map[string][]string{
		"disk": disks, zone: {"z1", "z2", "z3", "z4"}, region: {"r1", "r2"}, rack: {"a", "b", "c", "d", ""}, "generation": numbers,
	}
	r := v1.NodeSelectorRequirement{Key: pick(g, []string{"disk", zone, region, rack, "generation", "absent"})}
	r.Operator = pick(g, []v1.NodeSelectorOperator{v1.NodeSelectorOpIn, v1.NodeSelectorOpIn, v1.NodeSelectorOpNotIn,
		v1.NodeSelectorOpExists, v1.NodeSelectorOpDoesNotExist, v1.NodeSelectorOpGt, v1.NodeSelectorOpLt})
	switch r.Operator {
	case v1.NodeSelectorOpGt, v1.NodeSelectorOpLt:
		r.Key = pick(g, []string{"generation", "generation", "generation", rack})
		r.Values = []string{pick(g, []string{"0", "3", "5", "7", "-1", "007"})}
		if g.chance(0.02) {
			r.Values = []string{pick(g, []string{"x1", "9223372036854775808", ""})} // does not parse
		}
	case v1.NodeSelectorOpIn, v1.NodeSelectorOpNotIn:
		values := keys[r.Key]
		if values == nil {
			values = []string{"x"}
		}
		r.Values = append(some(g, values, 2), pick(g, values))
	}
	return r
}

func (g *generator) field() v1.NodeSelectorRequirement {
	name := pick(g, g.nodes).Name
	if g.chance(0.1) {
		name = "gone"
	}
	return v1.NodeSelectorRequirement{Key: metav1.ObjectNameField, Values: []string{name},
		Operator: pick(g, []v1.NodeSelectorOperator{v1.NodeSelectorOpIn, v1.NodeSelectorOpIn, v1.NodeSelectorOpNotIn})}
}

// pins names nodes as a DaemonSet's pods do, and less simply.
func (g *generator) pins() *v1.NodeSelector {
	selector := &v1.NodeSelector{}
	pin := func() v1.NodeSelectorRequirement {
		requirement := g.field()
		requirement.Operator = v1.NodeSelectorOpIn
		return requirement
	}
	terms := 1
	if g.chance(0.4) {
		terms = 2 + g.IntN(2)
	}
	for range terms {
		term := v1.NodeSelectorTerm{MatchFields: []v1.NodeSelectorRequirement{pin()}}
		if g.chance(0.15) {
			term.MatchFields = append(term.MatchFields, pin()) // mostly a contradiction
		}
		if g.chance(0.3) {
			term.MatchExpressions = append(term.MatchExpressions, g.nodeRequirement())
		}
		selector.NodeSelectorTerms = append(selector.NodeSelectorTerms, term)
	}
	return selector
}

// ---- pods that look at pods ----

func (g *generator) interPod(pod *v1.Pod) {
	if g.chance(g.podAffinity) {
		terms := g.podTerms(pod, 2)
		g.affinity(pod).PodAffinity = &v1.PodAffinity{RequiredDuringSchedulingIgnoredDuringExecution: terms}
	}
	if g.chance(g.podAnti) {
		terms := g.podTerms(pod, 2)
		g.affinity(pod).PodAntiAffinity = &v1.PodAntiAffinity{RequiredDuringSchedulingIgnoredDuringExecution: terms}
	}
	if !g.chance(g.preferredAffinity) {
		return
	}
	affinity := g.affinity(pod)
	if affinity.PodAffinity == nil && g.chance(0.6) {
		affinity.PodAffinity = &v1.PodAffinity{}
	}
	if affinity.PodAntiAffinity == nil && g.chance(0.6) {
		affinity.PodAntiAffinity = &v1.PodAntiAffinity{}
	}
	if affinity.PodAffinity != nil {
		affinity.PodAffinity.PreferredDuringSchedulingIgnoredDuringExecution = g.weighted(pod)
	}
	if affinity.PodAntiAffinity != nil {
		affinity.PodAntiAffinity.PreferredDuringSchedulingIgnoredDuringExecution = g.weighted(pod)
	}
}

func (g *generator) weighted(pod *v1.Pod) []v1.WeightedPodAffinityTerm {
	var list []v1.WeightedPodAffinityTerm
	for _, term := range g.podTerms(pod, 3) {
		list = append(list, v1.WeightedPodAffinityTerm{Weight: pick(g, []int32{1, 2, 10, 50, 100}), PodAffinityTerm: term})
	}
	return list
}

func (g *generator) podTerms(pod *v1.Pod, most int) []v1.PodAffinityTerm {
	var terms []v1.PodAffinityTerm
	for range 1 + g.IntN(most) {
		terms = append(terms, g.podTerm(pod))
	}
	return terms
}

func (g *generator) podTerm(pod *v1.Pod) v1.PodAffinityTerm {
	term := v1.PodAffinityTerm{TopologyKey: pick(g, topologies), LabelSelector: g.podSelector(pod)}
	if g.chance(0.25) {
		term.Namespaces = some(g, append([]string{"nowhere"}, namespaces...), 3)
	}
	if g.chance(0.25) {
		term.NamespaceSelector = g.namespaceSelector()
	}
	if term.LabelSelector == nil || !g.chance(0.15) {
		return term
	}
	key := pick(g, []string{"example.com/version", "tier"})
	if uses(term.LabelSelector, key) {
		return term
	}
	if g.chance(0.5) {
		term.MatchLabelKeys = []string{key}
	} else {
		term.MismatchLabelKeys = []string{key}
	}
	return term
}

func uses(selector *metav1.LabelSelector, key string) bool {
	_, used := selector.MatchLabels[key]
	for _, expression := range selector.MatchExpressions {
		used = used || expression.Key == key
	}
	return used
}

// podSelector often means the pod itself: series of pods that repel or attract each other.
func (g *generator) podSelector(pod *v1.Pod) *metav1.LabelSelector {
	switch n := g.IntN(100); {
	case n < 3:
		return nil
	case n < 8:
		return &metav1.LabelSelector{}
	case n < 45 && pod.Labels["app"] != "":
		return &metav1.LabelSelector{MatchLabels: map[string]string{"app": pod.Labels["app"]}}
	}
	selector := &metav1.LabelSelector{MatchLabels: map[string]string{}}
	if g.chance(0.6) {
		selector.MatchLabels["app"] = pick(g, appNames)
	}
	if g.chance(0.25) {
		selector.MatchLabels["tier"] = pick(g, tiers)
	}
	values := map[string][]string{"app": appNames, "tier": tiers, "example.com/version": versions}
	if len(selector.MatchLabels) == 0 || g.chance(0.3) {
		selector.MatchExpressions = append(selector.MatchExpressions,
			g.expression(values, []string{"app", "tier", "example.com/version"}))
	}
	return selector
}

func (g *generator) namespaceSelector() *metav1.LabelSelector {
	selector := &metav1.LabelSelector{}
	switch g.IntN(4) {
	case 0:
	case 1:
		selector.MatchLabels = map[string]string{"team": pick(g, []string{"a", "b"})}
	default:
		values := map[string][]string{"team": {"a", "b"}, "env": {"prod", "test"}, "kubernetes.io/metadata.name": namespaces}
		selector.MatchExpressions = append(selector.MatchExpressions,
			g.expression(values, []string{"team", "env", "kubernetes.io/metadata.name"}))
	}
	return selector
}

func (g *generator) expression(values map[string][]string, keys []string) metav1.LabelSelectorRequirement {
	r := metav1.LabelSelectorRequirement{Key: pick(g, keys)}
	r.Operator = pick(g, []metav1.LabelSelectorOperator{metav1.LabelSelectorOpIn, metav1.LabelSelectorOpNotIn,
		metav1.LabelSelectorOpExists, metav1.LabelSelectorOpDoesNotExist})
	if r.Operator == metav1.LabelSelectorOpIn || r.Operator == metav1.LabelSelectorOpNotIn {
		r.Values = append(some(g, values[r.Key], 1), pick(g, values[r.Key]))
	}
	return r
}

// ---- spreading ----

func (g *generator) constrain(pod *v1.Pod, action v1.UnsatisfiableConstraintAction) {
	for range 1 + g.IntN(2) {
		constraint := v1.TopologySpreadConstraint{MaxSkew: 1 + g.Int32N(3), TopologyKey: pick(g, topologies),
			WhenUnsatisfiable: action, LabelSelector: g.podSelector(pod)}
		if action == v1.DoNotSchedule && g.chance(0.25) {
			domains := 1 + g.Int32N(5)
			constraint.MinDomains = &domains
		}
		if g.chance(0.1) {
			constraint.LabelSelector = &metav1.LabelSelector{}
		}
		policies := []v1.NodeInclusionPolicy{v1.NodeInclusionPolicyHonor, v1.NodeInclusionPolicyIgnore}
		if g.chance(0.3) {
			policy := pick(g, policies)
			constraint.NodeAffinityPolicy = &policy
		}
		if g.chance(0.4) {
			policy := pick(g, policies)
			constraint.NodeTaintsPolicy = &policy
		}
		if constraint.LabelSelector != nil && g.chance(0.2) && !uses(constraint.LabelSelector, "example.com/version") {
			constraint.MatchLabelKeys = []string{"example.com/version"}
		}
		pod.Spec.TopologySpreadConstraints = append(pod.Spec.TopologySpreadConstraints, constraint)
	}
}
