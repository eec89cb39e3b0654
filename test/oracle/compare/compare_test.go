package compare

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/c-sched/c-sched/test/oracle/generate"
	"github.com/c-sched/c-sched/test/oracle/oracle"
)

func env(name, fallback string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return fallback
}

func number64(t *testing.T, name, fallback string) uint64 {
	t.Helper()
	value, err := strconv.ParseUint(env(name, fallback), 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return value
}

// TestDecisions compares CSCHED_DECISIONS (2000) decisions of clusters from CSCHED_SEED (fresh) on.
func TestDecisions(t *testing.T) {
	seed := number64(t, "CSCHED_SEED", fmt.Sprint(time.Now().UnixNano()/1000))
	count := int(number64(t, "CSCHED_DECISIONS", "2000"))
	program := filepath.Join(env("CSCHED_ROOT", "../../.."), "build", env("CSCHED_VARIANT", "gcc"), "c-sched")
	fmt.Printf("oracle: %d decisions, CSCHED_SEED=%d\n", count, seed)
	result, err := Many(Options{Program: program, Shapes: generate.Shapes, Seed: seed, Decisions: count, Most: 20})
	if err != nil {
		t.Fatal(err)
	}
	var table strings.Builder
	result.Tally.Print(&table)
	for line := range strings.Lines(table.String()) {
		fmt.Print("oracle: ", line)
	}
	for _, c := range result.Different {
		t.Errorf("shape %s, seed %d, pod %s:\n  %s", c.Made.Shape, c.Made.Seed, c.Pod, strings.Join(c.Lines, "\n  "))
	}
	fmt.Printf("oracle: %d decisions in %d clusters, %d clusters differ\n", result.Decisions, result.Clusters,
		len(result.Different))
}

// TestUnreadable: what an API server would not let pass is in no cluster that is made.
func TestUnreadable(t *testing.T) {
	root := env("CSCHED_ROOT", "../../..")
	text, err := os.ReadFile(filepath.Join(root, "test/integration/simulate/unreadable.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var cluster oracle.Cluster
	if err := cluster.Read(text); err != nil {
		t.Fatal(err)
	}
	profiles, err := oracle.Profiles(nil)
	if err != nil {
		t.Fatal(err)
	}
	c := &Case{}
	if c.Want, err = oracle.Decide(&cluster, profiles); err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "cluster.yaml"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := simulate(filepath.Join(root, "build", env("CSCHED_VARIANT", "gcc"), "c-sched"), folder, false)
	if err != nil {
		t.Fatal(err)
	}
	if c.compare(got); c.Lines != nil || len(c.Want) == 0 {
		t.Errorf("%d pods; %s:\n  %s", len(c.Want), c.Pod, strings.Join(c.Lines, "\n  "))
	}
}

// TestEveryPluginHasWork: in the shape made for it a plugin rejects, is skipped and decides the winner, if it can at all, in
// at least 1 % of the decisions.
func TestEveryPluginHasWork(t *testing.T) {
	const rejects, skips, decides = 1, 2, 4
	tally := NewTally()
	for i := range uint64(350) {
		shape := generate.Shapes[i%uint64(len(generate.Shapes))]
		made, err := generate.Cluster(shape, i)
		if err != nil {
			t.Fatal(err)
		}
		decisions, err := ask(made)
		if err != nil {
			t.Fatalf("shape %s, seed %d: %v", shape, i, err)
		}
		tally.Add(shape, decisions)
	}
	for _, row := range []struct {
		plugin, shape string
		can           int
	}{
		{"SchedulingGates", "mixed", rejects},
		{"NodeUnschedulable", "nodes", rejects},
		{"TaintToleration", "nodes", rejects | decides},
		{"NodeAffinity", "nodes", rejects | skips | decides},
		{"NodePorts", "ports", rejects | skips},
		{"NodeResourcesFit", "resources", rejects | decides},
		{"NodeResourcesFit", "dense", rejects | decides},
		{"NodeResourcesBalancedAllocation", "resources", skips | decides},
		{"PodTopologySpread", "spread", rejects | skips | decides},
		{"InterPodAffinity", "affinity", rejects | skips | decides},
		{"NodeDeclaredFeatures", "nodes", rejects | skips},
		{"ImageLocality", "ports", decides},
	} {
		counts, least := tally.at(row.shape, row.plugin), tally.Decisions[row.shape]/100
		for what, count := range map[int]int{rejects: counts.Rejected, skips: counts.Skipped, decides: counts.Decided} {
			if row.can&what != 0 && count < least {
				t.Errorf("%s in shape %s: %+v of %d decisions", row.plugin, row.shape, *counts, tally.Decisions[row.shape])
			}
		}
	}
}

// TestSameSeedSameCluster: a seed that is printed must be of use.
func TestSameSeedSameCluster(t *testing.T) {
	for i, shape := range generate.Shapes {
		var texts [2]string
		for n := range texts {
			made, err := generate.Cluster(shape, uint64(i))
			if err != nil {
				t.Fatal(err)
			}
			text, err := made.Text()
			if err != nil {
				t.Fatal(err)
			}
			texts[n] = string(text) + string(made.Config)
		}
		if texts[0] != texts[1] {
			t.Errorf("shape %s: two clusters of one seed differ", shape)
		}
	}
}

// TestSameClusterSameDecisions: what kube-scheduler's code says of a file depends on nothing else.
func TestSameClusterSameDecisions(t *testing.T) {
	for i := range uint64(28) {
		made, err := generate.Cluster(generate.Shapes[i%7], i)
		if err != nil {
			t.Fatal(err)
		}
		first, err := ask(made)
		if err != nil {
			t.Fatal(err)
		}
		second, err := ask(made)
		if err != nil {
			t.Fatal(err)
		}
		c := Case{Want: first}
		if c.compare(second); c.Lines != nil {
			t.Errorf("shape %s, seed %d, pod %s: %v", made.Shape, made.Seed, c.Pod, c.Lines)
		}
	}
}

// TestDiff: each field that can differ is seen.
func TestDiff(t *testing.T) {
	total := func(n int64) *int64 { return &n }
	base := func() oracle.Decision {
		return oracle.Decision{Pod: "a/b", Result: oracle.Scheduled, Node: "n", Message: "m", Feasible: 1, Nodes: []oracle.Node{
			{Name: "n", Scores: map[string]int64{"P": 1}, Total: total(1)},
			{Name: "o", Code: "Unschedulable", Plugin: "P", Reasons: []string{"x"}}}}
	}
	if lines := Diff(base(), base()); lines != nil {
		t.Errorf("equal decisions differ: %v", lines)
	}
	for name, change := range map[string]func(d *oracle.Decision){
		"pod":                func(d *oracle.Decision) { d.Pod = "a/c" },
		"result":             func(d *oracle.Decision) { d.Result = oracle.Gated },
		"node":               func(d *oracle.Decision) { d.Node = "" },
		"message":            func(d *oracle.Decision) { d.Message = "m " },
		"feasible":           func(d *oracle.Decision) { d.Feasible = 2 },
		"nodes":              func(d *oracle.Decision) { d.Nodes = d.Nodes[:1] },
		"nodes[n].scores[P]": func(d *oracle.Decision) { d.Nodes[0].Scores["P"] = 0 },
		"nodes[n].scores[Q]": func(d *oracle.Decision) { d.Nodes[0].Scores["Q"] = 0 },
		"nodes[n].total":     func(d *oracle.Decision) { d.Nodes[0].Total = nil },
		"nodes[o].code":      func(d *oracle.Decision) { d.Nodes[1].Code = "UnschedulableAndUnresolvable" },
		"nodes[o].plugin":    func(d *oracle.Decision) { d.Nodes[1].Plugin = "" },
		"nodes[o].reasons":   func(d *oracle.Decision) { d.Nodes[1].Reasons = nil },
	} {
		changed := base()
		change(&changed)
		if lines := Diff(base(), changed); len(lines) != 1 || !strings.HasPrefix(lines[0], name+":") {
			t.Errorf("a difference in %s gives %v", name, lines)
		}
	}
}
