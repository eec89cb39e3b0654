package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/c-sched/c-sched/test/e2e/cluster"
)

// The workloads of this test, a document each, in the order in which they are created, and how many
// pods their controllers make on three nodes of which one is tainted.
const workloadsFile = "testdata/simulate/workloads.yaml"

var workloadPods = []int{5, 3, 2, 2, 2, 2}

// c-sched simulate sees the same of workloads whose pods it makes up itself as of those that
// kube-controller-manager made: as many pods, and for each, node by node, the same scores and reasons.
func TestSimulatedWorkloads(t *testing.T) {
	e := begin(t)
	e.nodes(2, cluster.Node{Name: "free", CPU: "4", Memory: "8Gi", Pods: 110})
	e.nodes(1, cluster.Node{Name: "tainted", CPU: "4", Memory: "8Gi", Pods: 110,
		Taints: []corev1.Taint{{Key: "dedicated", Value: "gpu", Effect: corev1.TaintEffectNoSchedule}}})
	total := e.applyOneByOne()

	made := e.simulate("pods,services,rc,rs,sts,deploy,ds,jobs")
	// Without the pods, and without the ReplicaSet that the Deployment's controller made.
	own := e.simulate("services,rc,sts,deploy,ds,jobs", "rs/bare")
	if len(made) != total {
		t.Errorf("%d of %d pods are decided", len(made), total)
	}
	if !slices.Equal(made, own) {
		t.Errorf("pods of kube-controller-manager:\n%s\npods of c-sched simulate:\n%s",
			strings.Join(made, "\n"), strings.Join(own, "\n"))
	}
}

// applyOneByOne creates each workload a second after the one before, so that the queue's order is theirs.
func (e *test) applyOneByOne() int {
	e.Helper()
	text, err := os.ReadFile(filepath.Join(root, "test/e2e", workloadsFile))
	e.must(err)
	total := 0
	for i, document := range strings.Split(string(text), "\n---\n") {
		_, err := e.Kubectl(document, "apply", "-n", e.ns, "-f", "-")
		e.must(err)
		total += workloadPods[i]
		e.waitPods(30*time.Second, func(pods []corev1.Pod) error {
			if len(pods) != total {
				return fmt.Errorf("%d pods of %d", len(pods), total)
			}
			return nil
		})
		time.Sleep(1100 * time.Millisecond)
	}
	return total
}

// What controllers draw at random, or make of a hash: suffixes of names.
var drawn = regexp.MustCompile(`(-[a-z0-9]{8,10})?-[bcdfghjklmnpqrstvwxz2456789]{5}$`)

// simulate feeds what kubectl gets to c-sched simulate, and returns its lines without random names, sorted.
func (e *test) simulate(kinds ...string) []string {
	e.Helper()
	everywhere, err := e.Kubectl("", "get", "nodes,priorityclasses,namespaces", "-o", "yaml")
	e.must(err)
	args := []string{"simulate", "-o", "json", "--explain", "all", "-f", "-"}
	for i, what := range kinds {
		here, err := e.Kubectl("", "get", "-n", e.ns, what, "-o", "json")
		e.must(err)
		file := filepath.Join(e.TempDir(), fmt.Sprintf("%d.json", i))
		e.must(os.WriteFile(file, []byte(here), 0o600))
		args = append(args, "-f", file)
	}
	stdout, stderr, status, err := cluster.RunOnce(time.Minute, nil, everywhere, built("c-sched"), args...)
	e.must(err)
	if status == 2 || stderr != "" {
		e.Fatalf("c-sched simulate: exit status %d: %s", status, stderr)
	}
	var lines []string
	for line := range strings.Lines(stdout) {
		decision := map[string]any{}
		e.must(json.Unmarshal([]byte(line), &decision))
		if decision["result"] == "error" {
			e.Errorf("not understood: %s", line)
		}
		decision["pod"] = drawn.ReplaceAllString(decision["pod"].(string), "")
		text, err := json.Marshal(decision)
		e.must(err)
		lines = append(lines, string(text))
	}
	slices.Sort(lines)
	return lines
}
