// compare runs c-sched simulate and kube-scheduler's own code on random clusters and prints where they differ.
//
// Usage: compare [-n DECISIONS] [-seed FIRST] [-shape SHAPE] [-keep FOLDER] [-most CLUSTERS] PROGRAM
//
// Clusters have the seeds FIRST, FIRST+1, ...; without -seed FIRST is new each time. The exit status is 1 if anything
// differed. -keep saves the files of clusters that differ.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/c-sched/c-sched/test/oracle/compare"
	"github.com/c-sched/c-sched/test/oracle/generate"
)

func main() {
	n := flag.Int("n", 2000, "how many decisions")
	seed := flag.Uint64("seed", uint64(time.Now().UnixNano())/1000, "of the first cluster")
	shape := flag.String("shape", "", "one shape instead of all in turn")
	keep := flag.String("keep", "", "a folder for clusters that differ")
	most := flag.Int("most", 10, "stop after so many clusters that differ")
	flag.Parse()
	if flag.NArg() != 1 {
		flag.Usage()
		os.Exit(2)
	}
	options := compare.Options{Program: flag.Arg(0), Decisions: *n, Seed: *seed, Most: *most, Shapes: generate.Shapes}
	if *shape != "" {
		options.Shapes = []string{*shape}
	}
	started := time.Now()
	result, err := compare.Many(options)
	if err != nil {
		fmt.Fprintln(os.Stderr, "compare:", err)
		os.Exit(2)
	}
	result.Tally.Print(os.Stdout)
	for _, c := range result.Different {
		fmt.Printf("\nDIFFERENT: shape %s seed %d pod %s\n  %s\n", c.Made.Shape, c.Made.Seed, c.Pod, strings.Join(c.Lines, "\n  "))
		if *keep != "" {
			if err := c.Made.Write(filepath.Join(*keep, fmt.Sprintf("%s-%d", c.Made.Shape, c.Made.Seed))); err != nil {
				fmt.Fprintln(os.Stderr, "compare:", err)
			}
		}
	}
	fmt.Printf("\n%d decisions in %d clusters from seed %d in %.0f s: %d clusters differ\n", result.Decisions, result.Clusters,
		*seed, time.Since(started).Seconds(), len(result.Different))
	if len(result.Different) > 0 {
		os.Exit(1)
	}
}
