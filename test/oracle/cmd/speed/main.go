// speed prints what one decision costs: c-sched's engine beside kube-scheduler's own framework, about the same
// clusters, each on one core.
//
// Usage: speed [-nodes 1000,5000] [-decisions 200] -program build/gcc/test/bench/decide/decide
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"text/tabwriter"

	"k8s.io/apimachinery/pkg/runtime"

	"github.com/c-sched/c-sched/test/oracle/speed"
)

// From so many nodes on, shapes share a cluster where they can: making and reading one takes longer than all else.
const large = 20000

var (
	nodes     = flag.String("nodes", "1000,5000", "cluster sizes")
	decisions = flag.Int("decisions", 200, "pods of a workload each, and replicas of one")
	program   = flag.String("program", "../../build/gcc/test/bench/decide/decide", "the C side")
	only      = flag.String("only", "", "rows whose name contains this")
	memory    = flag.Int("memory", 5000, "nodes, and Deployments, of the memory row; 0: none")
	theirs    = flag.Bool("kube-scheduler", true, "measure kube-scheduler too")
	// What this program calls itself with, for a process of its own with one thread.
	file       = flag.String("file", "", "measure kube-scheduler on this file alone")
	percentage = flag.Int("percentage", 0, "percentageOfNodesToScore; 0: kube-scheduler's own choice")
)

func main() {
	flag.Parse()
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "speed:", err)
		os.Exit(1)
	}
}

func run() error {
	if *file != "" {
		samples, err := speed.KubeScheduler(*file, *percentage)
		if err != nil {
			return err
		}
		return json.NewEncoder(os.Stdout).Encode(samples)
	}
	folder, err := os.MkdirTemp("", "speed-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	cluster := filepath.Join(folder, "cluster")
	for _, text := range strings.Split(*nodes, ",") {
		n, err := strconv.Atoi(text)
		if err != nil || n < 4 {
			return fmt.Errorf("-nodes: %q is no number of nodes", text)
		}
		if err := table(cluster, n); err != nil {
			return err
		}
	}
	if *memory == 0 {
		return nil
	}
	return memoryRow(cluster)
}

func table(file string, n int) error {
	count := min(*decisions, n/4)
	fmt.Printf("\n%d nodes, %d pods bound; microseconds per decision, median of %d\n", n, n*speed.PodsPerNode, count)
	out := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(out, "pods\tclass\tarrival\tremembered\tc-sched\tkube-scheduler\ttimes\tkube-scheduler, 100 %\ttimes")
	var shapes []speed.Shape
	for _, shape := range speed.Shapes {
		if strings.Contains(shape.Name, *only) {
			shapes = append(shapes, shape)
		}
	}
	groups := speed.ByCluster(shapes)
	if n < large {
		groups = nil
		for _, shape := range shapes {
			groups = append(groups, []speed.Shape{shape})
		}
	}
	for _, group := range groups {
		err := speed.Write(file, func(tell func(runtime.Object) error) error { return speed.Cluster(group, n, count, tell) })
		if err != nil {
			return err
		}
		if err := rows(out, file, group); err != nil {
			return fmt.Errorf("%s: %w", group[0].Name, err)
		}
	}
	return out.Flush()
}

// rows prints those of the shapes of one file.
func rows(out *tabwriter.Writer, file string, group []speed.Shape) error {
	ours, _, err := speed.CSched(*program, file)
	if err != nil {
		return err
	}
	var usual, all []speed.Sample
	if *theirs {
		if usual, err = kubeScheduler(file, 0); err != nil {
			return err
		}
		if all, err = kubeScheduler(file, 100); err != nil {
			return err
		}
	}
	for i, our := range ours {
		fmt.Fprintf(out, "%s\t%s\t%.1f\t%.1f\t%.1f\t%s\t%s\n", group[i/2].Name, strings.TrimRight(our.Class, "0123456789"),
			our.Arrival, our.Remembered, our.Median, beside(our, usual, i), beside(our, all, i))
	}
	return out.Flush()
}

// beside is kube-scheduler's i-th sample, and how many times ours that is.
func beside(our speed.Sample, theirs []speed.Sample, i int) string {
	if theirs == nil {
		return "left out\t"
	}
	return fmt.Sprintf("%.0f\t%.0f", theirs[i].Median, theirs[i].Median/our.Median)
}

// kubeScheduler measures in a process of its own, whose Go runtime has one thread for Go code.
func kubeScheduler(file string, percentage int) ([]speed.Sample, error) {
	command := exec.Command(os.Args[0], "-file", file, "-percentage", strconv.Itoa(percentage))
	command.Env = append(os.Environ(), "GOMAXPROCS=1")
	command.Stderr = os.Stderr
	out, err := command.Output()
	if err != nil {
		return nil, err
	}
	var samples []speed.Sample
	return samples, json.Unmarshal(out, &samples)
}

func memoryRow(file string) error {
	n := *memory
	err := speed.Write(file, func(tell func(runtime.Object) error) error { return speed.Deployments(n, tell) })
	if err != nil {
		return err
	}
	_, memory, err := speed.CSched(*program, file)
	if err != nil {
		return err
	}
	fmt.Printf("\nmemory, %d pods of %d Deployments, each with a Service and hostname anti-affinity, on %d nodes: "+
		"%.0f MB of heap, %.0f MB resident; at most 150\n",
		memory.Pods, n, n, float64(memory.Heap)/1e6, float64(memory.Resident)/1e6)
	return nil
}
