package oracle

import (
	"cmp"
	"slices"
	"strings"

	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/names"
)

// The results.
const (
	Scheduled     = "scheduled"
	Unschedulable = "unschedulable"
	Gated         = "gated"
	Failed        = "error"
)

// Decision is a line of the output; see README.md, "Format".
type Decision struct {
	Pod      string `json:"pod"`
	Result   string `json:"result"`
	Node     string `json:"node,omitempty"`
	Message  string `json:"message,omitempty"`
	Feasible int    `json:"feasible"`
	Nodes    []Node `json:"nodes,omitempty"`

	// Skipped are the plugins that had nothing to do for the pod, by extension point.
	Skipped map[string][]string `json:"-"`
	// Weights of the plugins in Nodes' scores.
	Weights map[string]int64 `json:"-"`
}

// Node is what a decision says of a node.
type Node struct {
	Name    string           `json:"name"`
	Code    string           `json:"code,omitempty"`
	Plugin  string           `json:"plugin,omitempty"`
	Reasons []string         `json:"reasons,omitempty"`
	Scores  map[string]int64 `json:"scores,omitempty"`
	Total   *int64           `json:"total,omitempty"`
}

func rejected(name string, status *fwk.Status) Node {
	reasons := slices.Clone(status.Reasons())
	slices.Sort(reasons)
	return Node{Name: name, Code: status.Code().String(), Plugin: status.Plugin(), Reasons: reasons}
}

func feasible(name string) Node { return Node{Name: name} }

func scored(scores fwk.NodePluginScores, weights map[string]int64) Node {
	node := Node{Name: scores.Name, Scores: map[string]int64{}}
	total := scores.TotalScore
	for _, score := range scores.Scores {
		if score.Name == names.DynamicResources {
			total -= score.Score
			continue
		}
		node.Scores[score.Name] = score.Score / weights[score.Name]
	}
	node.Total = &total
	return node
}

func sortNodes(nodes []Node) {
	slices.SortFunc(nodes, func(a, b Node) int { return strings.Compare(a.Name, b.Name) })
}

// best is the lowest name of the best total.
func best(nodes []Node) string {
	winner, most := "", int64(0)
	for _, node := range nodes {
		if node.Code != "" {
			continue
		}
		var total int64
		if node.Total != nil {
			total = *node.Total
		}
		if winner == "" || cmp.Compare(total, most) > 0 || total == most && node.Name < winner {
			winner, most = node.Name, total
		}
	}
	return winner
}
