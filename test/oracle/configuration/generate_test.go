package configuration

import (
	"math/rand/v2"
	"strings"
)

type object = map[string]any

// maker makes configurations whose values are mostly right: what is wrong in one is then few things.
type maker struct{ *rand.Rand }

var (
	names = []any{"cpu", "memory", "ephemeral-storage", "hugepages-2Mi", "example.com/gpu", "nvidia.com/gpu"}
	keys  = []any{"zone", "kubernetes.io/hostname", "a.b/c", "disk"}
	// No label keys, each in a way of its own.
	badKeys = []any{"", "a/b/c", "-a", "a b", "/x", "x/", "/", "A_B.c/d", "é", strings.Repeat("a", 64), "a..b/c",
		"example.com/" + strings.Repeat("a", 64), strings.Repeat("a", 254) + "/x", strings.Repeat("A", 254) + "/-", `a"b`, `a\b`, "a\tb"}
	removed = []any{"AzureDiskLimits", "CinderLimits", "EBSLimits", "GCEPDLimits"}
)

func (m maker) often() bool  { return m.IntN(10) < 7 }
func (m maker) seldom() bool { return m.IntN(10) == 0 }

func one(m maker, list ...any) any { return list[m.IntN(len(list))] }

// pick is one of the good ones, now and then one of the bad ones.
func pick(m maker, good, bad []any) any {
	if m.seldom() {
		return one(m, bad...)
	}
	return one(m, good...)
}

func some(m maker, most int, make func() any) []any {
	list := []any{}
	for range m.IntN(most + 1) {
		list = append(list, make())
	}
	return list
}

// fields is an object with some of these fields.
func fields(m maker, all map[string]func() any, sorted ...string) object {
	made := object{}
	for _, name := range sorted {
		if m.often() {
			made[name] = all[name]()
		}
	}
	return made
}

func (m maker) resource() any {
	made := object{"name": pick(m, names, badKeys[1:])}
	if m.often() {
		made["weight"] = pick(m, []any{1, 1, 1, 2, 100}, []any{0, -1, 101})
	}
	return made
}

func (m maker) shape() any {
	points, at := []any{}, 0
	for range 1 + m.IntN(3) {
		points = append(points, object{"utilization": at, "score": pick(m, []any{0, 5, 10}, []any{-1, 11})})
		at += 1 + m.IntN(33)
	}
	if m.seldom() {
		return one(m, []any{}, append(points, points...), []any{object{}}, []any{object{"utilization": 101, "score": -1}},
			[]any{object{"utilization": -1}})
	}
	return points
}

func (m maker) fit() object {
	name := func() any { return pick(m, names, badKeys) }
	group := func() any { return pick(m, []any{"example.com", "nvidia.com"}, badKeys) }
	kind := pick(m, []any{"LeastAllocated", "MostAllocated", "RequestedToCapacityRatio"}, []any{"Best", "", "leastAllocated"})
	return fields(m, map[string]func() any{
		"ignoredResources":      func() any { return some(m, 2, name) },
		"ignoredResourceGroups": func() any { return some(m, 2, group) },
		"scoringStrategy": func() any {
			strategy := object{"resources": some(m, 3, m.resource)}
			if !m.seldom() {
				strategy["type"] = kind
			}
			if (kind == "RequestedToCapacityRatio") != m.seldom() {
				strategy["requestedToCapacityRatio"] = pick(m, []any{object{"shape": m.shape()}}, []any{object{}})
			}
			return strategy
		},
	}, "ignoredResources", "ignoredResourceGroups", "scoringStrategy")
}

var values = map[any][2][]any{
	"In":           {{[]any{"a"}, []any{"a", "b"}}, {[]any{}, []any{""}, []any{"-x"}, []any{strings.Repeat("a", 64)}, []any{"a", `q"`}, []any{"é"}}},
	"NotIn":        {{[]any{"a"}}, {[]any{}, []any{"a b", "c d"}}},
	"Exists":       {{[]any{}}, {[]any{"a"}, []any{"", " "}}},
	"DoesNotExist": {{[]any{}}, {[]any{"a"}}},
	"Gt":           {{[]any{"5"}, []any{"-1"}}, {[]any{}, []any{"x"}, []any{"1", "y"}, []any{"9223372036854775808"}, []any{"1.5"}}},
	"Lt":           {{[]any{"0"}}, {[]any{"+1", "z"}, []any{" 1"}}},
	"Between":      {{[]any{"a"}}, {[]any{}}},
}

// expression leaves an empty list of values away, as protobuf does: kube-scheduler prints it as null.
func expression(key, op, values any) any {
	if len(values.([]any)) == 0 {
		return object{"key": key, "operator": op}
	}
	return object{"key": key, "operator": op, "values": values}
}

func (m maker) expression() any {
	op := pick(m, []any{"In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"}, []any{"Between"})
	return expression(pick(m, keys, badKeys), op, pick(m, values[op][0], values[op][1]))
}

func (m maker) fieldExpression() any {
	return expression(pick(m, []any{"metadata.name"}, []any{"metadata.namespace", ""}),
		pick(m, []any{"In", "NotIn"}, []any{"Exists", ""}), pick(m, []any{[]any{"n1"}}, []any{[]any{}, []any{"a", "b"}, []any{"A b"}}))
}

func (m maker) term() any {
	return object{"matchExpressions": some(m, 2, m.expression), "matchFields": some(m, 1, m.fieldExpression)}
}

func (m maker) affinity() object {
	preferred := func() any {
		return object{"weight": pick(m, []any{1, 100}, []any{0, -1, 101}), "preference": m.term()}
	}
	return object{"addedAffinity": fields(m, map[string]func() any{
		"requiredDuringSchedulingIgnoredDuringExecution":  func() any { return object{"nodeSelectorTerms": some(m, 2, m.term)} },
		"preferredDuringSchedulingIgnoredDuringExecution": func() any { return some(m, 2, preferred) },
	}, "requiredDuringSchedulingIgnoredDuringExecution", "preferredDuringSchedulingIgnoredDuringExecution")}
}

func (m maker) spread() object {
	constraint := func() any {
		made := object{"maxSkew": pick(m, []any{1, 5}, []any{0, -1}), "topologyKey": pick(m, keys, badKeys),
			"whenUnsatisfiable": pick(m, []any{"DoNotSchedule", "ScheduleAnyway"}, []any{"", "Never"})}
		if m.seldom() {
			made["labelSelector"] = object{}
		}
		return made
	}
	return fields(m, map[string]func() any{
		"defaultConstraints": func() any { return some(m, 3, constraint) },
		"defaultingType":     func() any { return pick(m, []any{"List", "List", "System"}, []any{"", "Some"}) },
	}, "defaultConstraints", "defaultingType")
}

// arguments are the arguments of a plugin by its name.
func (m maker) arguments(plugin string) object {
	of := func(name string, good, bad []any) object {
		return fields(m, map[string]func() any{name: func() any { return pick(m, good, bad) }}, name)
	}
	switch plugin {
	case "NodeResourcesFit":
		return m.fit()
	case "NodeAffinity":
		return m.affinity()
	case "PodTopologySpread":
		return m.spread()
	case "NodeResourcesBalancedAllocation":
		return object{"resources": some(m, 3, m.resource)}
	case "InterPodAffinity":
		return of("hardPodAffinityWeight", []any{0, 1, 100}, []any{-1, 101})
	case "DefaultPreemption":
		made := of("minCandidateNodesPercentage", []any{0, 10, 100}, []any{-1, 101})
		made["minCandidateNodesAbsolute"] = pick(m, []any{0, 100}, []any{-1})
		return made
	case "VolumeBinding":
		made := of("bindTimeoutSeconds", []any{0, 600}, []any{-1})
		if m.seldom() {
			made["shape"] = m.shape()
		}
		return made
	default:
		made := of("filterTimeout", []any{"0s", "10s"}, []any{"-1s", "-1.5s"})
		made["bindingTimeout"] = pick(m, []any{"1s", "10m"}, []any{"0s", "1ms", "-2m"})
		return made
	}
}

func (m maker) profile(name string) any {
	made, config := object{"schedulerName": name}, []any{}
	plugins := []string{"NodeResourcesFit", "NodeAffinity", "PodTopologySpread", "NodeResourcesBalancedAllocation", "InterPodAffinity",
		"DefaultPreemption", "VolumeBinding", "DynamicResources"}
	for _, i := range m.Perm(len(plugins))[:m.IntN(4)] {
		config = append(config, object{"name": plugins[i], "args": m.arguments(plugins[i])})
		if m.seldom() {
			config = append(config, object{"name": plugins[i]})
		}
	}
	if m.seldom() {
		config = append(config, object{"name": one(m, removed...)})
	}
	made["pluginConfig"] = config
	if m.seldom() {
		made["plugins"] = object{one(m, "filter", "score", "reserve", "multiPoint").(string): object{"enabled": []any{object{"name": one(m, removed...)}}}}
	} else if m.seldom() {
		made["plugins"] = object{"queueSort": one(m, object{}, object{"disabled": []any{object{"name": "Other"}}},
			object{"enabled": []any{object{"name": "PrioritySort", "weight": 2}}})}
	}
	if m.seldom() {
		made["percentageOfNodesToScore"] = pick(m, []any{0, 100}, []any{-1, 101})
	}
	if m.seldom() && m.seldom() {
		made["schedulerName"] = ""
	}
	return made
}

// configuration is a whole one. Its times of election keep the rule that kube-scheduler looks at when it starts only.
func (m maker) configuration() object {
	made := fields(m, map[string]func() any{
		"parallelism":              func() any { return pick(m, []any{1, 16}, []any{0, -1}) },
		"percentageOfNodesToScore": func() any { return pick(m, []any{0, 100}, []any{-1, 101}) },
		"podInitialBackoffSeconds": func() any { return pick(m, []any{1, 2}, []any{0, -1, 20}) },
		"podMaxBackoffSeconds":     func() any { return pick(m, []any{5, 10}, []any{0, -1}) },
		"clientConnection":         func() any { return object{"burst": pick(m, []any{0, 100}, []any{-5})} },
		"leaderElection": func() any {
			return object{"leaderElect": one(m, true, false), "leaseDuration": pick(m, []any{"15s", "1h"}, []any{"-1s", "10s", "0s"}),
				"retryPeriod": pick(m, []any{"2s"}, []any{"-1s", "0s"}), "resourceLock": pick(m, []any{"leases", ""}, []any{"endpoints"})}
		},
	}, "parallelism", "percentageOfNodesToScore", "podInitialBackoffSeconds", "podMaxBackoffSeconds", "clientConnection", "leaderElection")
	made["apiVersion"], made["kind"] = "kubescheduler.config.k8s.io/v1", "KubeSchedulerConfiguration"
	profiles := []any{}
	for _, name := range []string{"a", "b", "c"}[:1+m.IntN(3)] {
		profiles = append(profiles, m.profile(name))
	}
	made["profiles"] = profiles
	return made
}
