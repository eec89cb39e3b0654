package oracle

import (
	"encoding/json"
	"strings"
	"testing"
)

const cluster = `
apiVersion: v1
kind: Node
metadata: {name: n1, labels: {zone: a}}
status: {capacity: {cpu: 4, memory: 8Gi, pods: 10}}
---
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: Node
  metadata: {name: n2}
  status: {capacity: {cpu: 2, memory: 8Gi, pods: 10}}
`

// decide is the decisions about pods of the cluster above, as lines.
func decide(t *testing.T, pods ...string) []string {
	t.Helper()
	var read Cluster
	if err := read.Read([]byte(cluster + strings.Join(append([]string{""}, pods...), "---\n"))); err != nil {
		t.Fatal(err)
	}
	profiles, err := Profiles(nil)
	if err != nil {
		t.Fatal(err)
	}
	decisions, err := Decide(&read, profiles)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, decision := range decisions {
		line, err := json.Marshal(decision)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, string(line))
	}
	return lines
}

func pod(name, spec string) string {
	return "apiVersion: v1\nkind: Pod\nmetadata: {name: " + name + "}\nspec: {" + spec + "}\n"
}

func containers(cpu string) string {
	return "containers: [{name: c, image: x, resources: {requests: {cpu: " + cpu + "}}}]"
}

// TestLines holds the format in README.md to what the program prints.
func TestLines(t *testing.T) {
	for name, row := range map[string]struct{ spec, status, line string }{
		"two feasible": {spec: containers("1"), line: `{"pod":"default/p","result":"scheduled","node":"n1","feasible":2,"nodes":[` +
			`{"name":"n1","scores":{"ImageLocality":0,"NodeResourcesBalancedAllocation":68,"NodeResourcesFit":86,"TaintToleration":100},"total":454},` +
			`{"name":"n2","scores":{"ImageLocality":0,"NodeResourcesBalancedAllocation":62,"NodeResourcesFit":73,"TaintToleration":100},"total":435}]}`},
		"one feasible": {spec: containers("3"), line: `{"pod":"default/p","result":"scheduled","node":"n1","feasible":1,"nodes":[` +
			`{"name":"n1"},{"name":"n2","code":"UnschedulableAndUnresolvable","plugin":"NodeResourcesFit","reasons":["Insufficient cpu"]}]}`},
		"none": {spec: "nodeSelector: {zone: b}, " + containers("1"), line: `{"pod":"default/p","result":"unschedulable",` +
			`"message":"0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector.","feasible":0,"nodes":[` +
			`{"name":"n1","code":"UnschedulableAndUnresolvable","plugin":"NodeAffinity","reasons":["node(s) didn't match Pod's node affinity/selector"]},` +
			`{"name":"n2","code":"UnschedulableAndUnresolvable","plugin":"NodeAffinity","reasons":["node(s) didn't match Pod's node affinity/selector"]}]}`},
		"gated": {spec: "schedulingGates: [{name: b}, {name: a}], " + containers("1"),
			line: `{"pod":"default/p","result":"gated","message":"waiting for scheduling gates: [b a]","feasible":0}`},
		"pinned": {spec: pin("[n2]") + containers("1"), line: `{"pod":"default/p","result":"scheduled","node":"n2","feasible":1,"nodes":[` +
			`{"name":"n1","code":"UnschedulableAndUnresolvable","reasons":["node(s) didn't satisfy plugin(s) [NodeAffinity]"]},{"name":"n2"}]}`},
		"pinned to none": {spec: pin("[gone]") + containers("1"), line: `{"pod":"default/p","result":"unschedulable",` +
			`"message":"0/2 nodes are available: 2 node(s) didn't satisfy plugin(s) [NodeAffinity].","feasible":0,"nodes":[` +
			`{"name":"n1","code":"UnschedulableAndUnresolvable","reasons":["node(s) didn't satisfy plugin(s) [NodeAffinity]"]},` +
			`{"name":"n2","code":"UnschedulableAndUnresolvable","reasons":["node(s) didn't satisfy plugin(s) [NodeAffinity]"]}]}`},
		"nominated": {spec: containers("1"), status: "status: {nominatedNodeName: n2}\n",
			line: `{"pod":"default/p","result":"scheduled","node":"n2","feasible":1,"nodes":[{"name":"n2"}]}`},
	} {
		lines := decide(t, pod("p", row.spec)+row.status)
		if len(lines) != 1 || lines[0] != row.line {
			t.Errorf("%s:\nwant %s\ngot  %s", name, row.line, strings.Join(lines, "\n"))
		}
	}
}

func pin(names string) string {
	return "affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: " +
		"[{matchFields: [{key: metadata.name, operator: In, values: " + names + "}]}]}}}, "
}

// TestOrder: priority, then age, then place in the input; each pod sees those before it.
func TestOrder(t *testing.T) {
	aged := strings.Replace(pod("old", containers("1")), "name: old", `name: old, creationTimestamp: "2026-01-01T00:00:00Z"`, 1)
	young := strings.Replace(pod("young", containers("1")), "name: young", `name: young, creationTimestamp: "2026-01-01T00:00:01Z"`, 1)
	lines := decide(t, young, aged, pod("second", containers("1")), pod("high", "priority: 5, "+containers("4")), pod("first", containers("2")))
	var order []string
	for _, line := range lines {
		var decision Decision
		if err := json.Unmarshal([]byte(line), &decision); err != nil {
			t.Fatal(err)
		}
		order = append(order, strings.TrimPrefix(decision.Pod, "default/")+"="+decision.Node)
	}
	if got := strings.Join(order, " "); got != "high=n1 second=n2 first= old=n2 young=" {
		t.Error(got)
	}
}
