package compare

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/c-sched/c-sched/test/oracle/oracle"
)

// Diff says how two decisions about a pod differ, one line for each field; nothing if they do not.
func Diff(want, got oracle.Decision) []string {
	d := &differ{}
	d.field("pod", want.Pod, got.Pod)
	d.field("result", want.Result, got.Result)
	d.field("node", want.Node, got.Node)
	d.field("message", want.Message, got.Message)
	d.field("feasible", want.Feasible, got.Feasible)
	d.nodes(want.Nodes, got.Nodes)
	return d.lines
}

type differ struct{ lines []string }

func (d *differ) field(path string, want, got any) {
	if w, g := fmt.Sprintf("%q", fmt.Sprint(want)), fmt.Sprintf("%q", fmt.Sprint(got)); w != g {
		d.lines = append(d.lines, fmt.Sprintf("%s: kube-scheduler %s, c-sched %s", path, w, g))
	}
}

func names(nodes []oracle.Node) string {
	var list []string
	for _, node := range nodes {
		list = append(list, node.Name)
	}
	return strings.Join(list, " ")
}

func (d *differ) nodes(want, got []oracle.Node) {
	if names(want) != names(got) {
		d.field("nodes", names(want), names(got))
		return
	}
	for i := range want {
		d.node("nodes["+want[i].Name+"].", want[i], got[i])
	}
}

func (d *differ) node(path string, want, got oracle.Node) {
	d.field(path+"code", want.Code, got.Code)
	d.field(path+"plugin", want.Plugin, got.Plugin)
	d.field(path+"reasons", strings.Join(want.Reasons, "; "), strings.Join(got.Reasons, "; "))
	plugins := maps.Clone(want.Scores)
	if plugins == nil {
		plugins = map[string]int64{}
	}
	maps.Copy(plugins, got.Scores)
	for _, plugin := range slices.Sorted(maps.Keys(plugins)) {
		d.field(path+"scores["+plugin+"]", number(want.Scores, plugin), number(got.Scores, plugin))
	}
	d.field(path+"total", total(want), total(got))
}

func number(scores map[string]int64, plugin string) string {
	if score, scored := scores[plugin]; scored {
		return fmt.Sprint(score)
	}
	return "none"
}

func total(node oracle.Node) string {
	if node.Total == nil {
		return "none"
	}
	return fmt.Sprint(*node.Total)
}
