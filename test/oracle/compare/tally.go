package compare

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"

	"github.com/c-sched/c-sched/test/oracle/oracle"
)

// Counts say in how many decisions a plugin did something.
type Counts struct{ Rejected, Skipped, Decided int }

// Tally counts what plugins did, by shape.
type Tally struct {
	Decisions map[string]int
	Plugins   map[string]map[string]*Counts // by shape and plugin
}

// NewTally is an empty one.
func NewTally() *Tally {
	return &Tally{Decisions: map[string]int{}, Plugins: map[string]map[string]*Counts{}}
}

// Add counts the decisions of a cluster.
func (t *Tally) Add(shape string, decisions []oracle.Decision) {
	for _, decision := range decisions {
		t.Decisions[shape]++
		for _, plugin := range rejecters(decision) {
			t.at(shape, plugin).Rejected++
		}
		for _, plugin := range skipped(decision) {
			t.at(shape, plugin).Skipped++
		}
		for _, plugin := range deciders(decision) {
			t.at(shape, plugin).Decided++
		}
	}
}

func (t *Tally) at(shape, plugin string) *Counts {
	if t.Plugins[shape] == nil {
		t.Plugins[shape] = map[string]*Counts{}
	}
	if t.Plugins[shape][plugin] == nil {
		t.Plugins[shape][plugin] = &Counts{}
	}
	return t.Plugins[shape][plugin]
}

func rejecters(decision oracle.Decision) []string {
	var plugins []string
	if decision.Result == oracle.Gated {
		plugins = append(plugins, "SchedulingGates")
	}
	for _, node := range decision.Nodes {
		if node.Plugin != "" && !slices.Contains(plugins, node.Plugin) {
			plugins = append(plugins, node.Plugin)
		}
	}
	return plugins
}

// skipped at either extension point.
func skipped(decision oracle.Decision) []string {
	list := slices.Concat(decision.Skipped["Filter"], decision.Skipped["Score"])
	slices.Sort(list)
	return slices.Compact(list)
}

// deciders are the plugins without whose score another node had won.
func deciders(decision oracle.Decision) []string {
	var plugins []string
	for plugin, weight := range decision.Weights {
		winner, most := "", int64(0)
		for _, node := range decision.Nodes {
			if node.Total == nil {
				continue
			}
			if rest := *node.Total - node.Scores[plugin]*weight; winner == "" || rest > most {
				winner, most = node.Name, rest
			}
		}
		if winner != "" && winner != decision.Node {
			plugins = append(plugins, plugin)
		}
	}
	return plugins
}

// Plugins are those whose decisions count here. NodeName never rejects: a pending pod names no node.
var Plugins = []string{"SchedulingGates", "NodeUnschedulable", "TaintToleration", "NodeAffinity", "NodePorts",
	"NodeResourcesFit", "PodTopologySpread", "InterPodAffinity", "NodeDeclaredFeatures",
	"NodeResourcesBalancedAllocation", "ImageLocality"}

// Print writes a table: percent of the decisions of a shape in which a plugin rejected a node, was skipped, decided
// the winner.
func (t *Tally) Print(to io.Writer) {
	table := tabwriter.NewWriter(to, 0, 8, 2, ' ', 0)
	fmt.Fprint(table, "percent of decisions: rejected a node / was skipped / decided the winner\nplugin")
	shapes := slices.Sorted(maps.Keys(t.Plugins))
	for _, shape := range shapes {
		fmt.Fprintf(table, "\t%s", shape)
	}
	fmt.Fprint(table, "\ndecisions")
	for _, shape := range shapes {
		fmt.Fprintf(table, "\t%d", t.Decisions[shape])
	}
	fmt.Fprintln(table)
	for _, plugin := range Plugins {
		fmt.Fprint(table, plugin)
		for _, shape := range shapes {
			counts, percent := t.at(shape, plugin), 100/float64(t.Decisions[shape])
			fmt.Fprintf(table, "\t%.1f / %.1f / %.1f", float64(counts.Rejected)*percent, float64(counts.Skipped)*percent,
				float64(counts.Decided)*percent)
		}
		fmt.Fprintln(table)
	}
	table.Flush()
}
