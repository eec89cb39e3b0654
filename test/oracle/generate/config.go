package generate

import (
	"fmt"
	"slices"

	"github.com/c-sched/c-sched/test/oracle/oracle"
	"sigs.k8s.io/yaml"
)

type object = map[string]any

// Of the default plugins: those which score, and which filter without a PreFilter that others would miss.
var (
	scorers = []string{"TaintToleration", "NodeAffinity", "NodeResourcesFit", "NodeResourcesBalancedAllocation",
		"PodTopologySpread", "InterPodAffinity", "ImageLocality"}
	filterers = []string{"NodeUnschedulable", "NodeName", "TaintToleration", "NodeAffinity", "NodePorts",
		"NodeResourcesFit", "PodTopologySpread", "InterPodAffinity", "NodeDeclaredFeatures"}
)

// configuration is a valid KubeSchedulerConfiguration and its profiles' names.
func (g *generator) configuration() ([]byte, []string, error) {
	var err error
	for range 50 {
		text, names := g.tryConfiguration()
		if _, err = oracle.Profiles(text); err == nil {
			return text, names, nil
		}
	}
	return nil, nil, fmt.Errorf("no valid configuration after 50 attempts: %w", err)
}

func (g *generator) tryConfiguration() ([]byte, []string) {
	names := []string{"c-sched"}
	if g.chance(0.5) {
		names = append(names, "other-profile")
	}
	var profiles []object
	for _, name := range names {
		profiles = append(profiles, g.profile(name))
	}
	text, err := yaml.Marshal(object{"apiVersion": "kubescheduler.config.k8s.io/v1",
		"kind": "KubeSchedulerConfiguration", "profiles": profiles})
	if err != nil {
		panic(err) // it is made of strings and numbers
	}
	return text, names
}

func (g *generator) profile(name string) object {
	profile := object{"schedulerName": name}
	if g.chance(0.6) {
		profile["plugins"] = g.plugins()
	}
	var args []object
	add := func(plugin string, made object) {
		made["apiVersion"], made["kind"] = "kubescheduler.config.k8s.io/v1", plugin+"Args"
		args = append(args, object{"name": plugin, "args": made})
	}
	if g.chance(0.6) {
		add("NodeResourcesFit", g.fitArgs())
	}
	if g.chance(0.3) {
		add("NodeResourcesBalancedAllocation", object{"resources": g.resourceSpecs(1)})
	}
	if g.chance(0.4) {
		add("InterPodAffinity", object{"hardPodAffinityWeight": pick(g, []int{0, 1, 5, 100}),
			"ignorePreferredTermsOfExistingPods": g.chance(0.5)})
	}
	if g.chance(0.3) {
		add("NodeAffinity", object{"addedAffinity": g.addedAffinity()})
	}
	if g.chance(0.4) {
		add("PodTopologySpread", g.spreadArgs())
	}
	if args != nil {
		profile["pluginConfig"] = args
	}
	return profile
}

func named(names []string) []object {
	list := []object{}
	for _, name := range names {
		list = append(list, object{"name": name})
	}
	return list
}

func (g *generator) weightedNames(names []string) []object {
	list := named(names)
	for _, entry := range list {
		entry["weight"] = pick(g, []int{1, 2, 3, 7, 50, 100})
	}
	return list
}

// plugins never enables at one extension point what is off at the others: c-sched refuses that.
func (g *generator) plugins() object {
	plugins := object{}
	var off []string
	if g.chance(0.5) {
		off = some(g, filterers, 2)
		plugins["multiPoint"] = object{"enabled": g.weightedNames(some(g, scorers, 2)), "disabled": named(off)}
	}
	on := func(names []string) []string {
		return slices.DeleteFunc(names, func(name string) bool { return slices.Contains(off, name) })
	}
	if g.chance(0.5) {
		plugins["score"] = object{"enabled": g.weightedNames(on(some(g, scorers, 3))), "disabled": named(some(g, scorers, 2))}
	}
	if g.chance(0.2) {
		plugins["filter"] = object{"enabled": named(on(some(g, filterers, 2)))}
	}
	return plugins
}

func (g *generator) resourceSpecs(weights int) []object {
	list := []object{}
	for _, name := range append(some(g, []string{"memory", "ephemeral-storage", gpu, dongle, huge}, 3), "cpu") {
		spec := object{"name": name}
		if weights > 1 || g.chance(0.3) {
			spec["weight"] = 1 + g.IntN(weights)
		}
		list = append(list, spec)
	}
	return list
}

func (g *generator) fitArgs() object {
	args := object{}
	if g.chance(0.2) {
		args["ignoredResources"] = some(g, []string{gpu, dongle}, 2)
	}
	if g.chance(0.2) {
		args["ignoredResourceGroups"] = some(g, []string{"example.com", "other.example.org"}, 2)
	}
	strategy := object{"type": pick(g, []string{"LeastAllocated", "MostAllocated", "RequestedToCapacityRatio", "RequestedToCapacityRatio"}),
		"resources": g.resourceSpecs(10)}
	if strategy["type"] == "RequestedToCapacityRatio" {
		strategy["requestedToCapacityRatio"] = object{"shape": g.ratioShape()}
	}
	if g.chance(0.9) {
		args["scoringStrategy"] = strategy
	}
	return args
}

func (g *generator) ratioShape() []object {
	var points []object
	at := g.IntN(20)
	for at <= 100 {
		points = append(points, object{"utilization": at, "score": max(0, g.IntN(16)-5)})
		at += 1 + g.IntN(60)
	}
	return points
}

func (g *generator) addedAffinity() object {
	added := object{}
	term := func() object {
		return object{"matchExpressions": []any{g.nodeRequirement()}}
	}
	if g.chance(0.5) {
		added["requiredDuringSchedulingIgnoredDuringExecution"] = object{"nodeSelectorTerms": []any{term()}}
	}
	if g.chance(0.7) {
		added["preferredDuringSchedulingIgnoredDuringExecution"] = []any{object{"weight": 1 + g.IntN(100), "preference": term()}}
	}
	return added
}

func (g *generator) spreadArgs() object {
	if g.chance(0.3) {
		return object{"defaultingType": "System"}
	}
	list := []object{}
	for i := range g.IntN(3) {
		list = append(list, object{"maxSkew": 1 + g.IntN(4), "topologyKey": pick(g, []string{zone, hostname, rack, fmt.Sprintf("key-%d", i)}),
			"whenUnsatisfiable": pick(g, []string{"DoNotSchedule", "ScheduleAnyway", "ScheduleAnyway"})})
	}
	return object{"defaultingType": "List", "defaultConstraints": list}
}
