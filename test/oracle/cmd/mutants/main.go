// mutants puts faults of one line into a copy of the tree, one at a time, and compares until kube-scheduler's code
// disagrees. It prints a table; the exit status is 1 if a fault was not found.
//
// Usage: mutants [-n DECISIONS] [-seed FIRST] [-only EXPRESSION] ROOT
package main

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"time"

	"github.com/c-sched/c-sched/test/oracle/mutants"
)

func main() {
	n := flag.Int("n", 2000, "how many decisions may be needed")
	seed := flag.Uint64("seed", uint64(time.Now().UnixNano())/1000, "of the first cluster")
	only := flag.String("only", "", "those whose file or rule a regular `expression` matches")
	flag.Parse()
	if flag.NArg() != 1 {
		flag.Usage()
		os.Exit(2)
	}
	missed, err := run(flag.Arg(0), *only, *n, *seed)
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(2)
	}
	if missed > 0 {
		os.Exit(1)
	}
}

func run(root, only string, n int, seed uint64) (missed int, err error) {
	wanted, err := regexp.Compile(only)
	if err != nil {
		return 0, err
	}
	folder, err := os.MkdirTemp("", "mutants-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(folder)
	tree, err := mutants.NewTree(root, folder)
	if err != nil {
		return 0, err
	}
	if err := tree.Check(n, seed); err != nil {
		return 0, err
	}
	fmt.Printf("from seed %d, at most %d decisions each\n", seed, n)
	tried := 0
	for _, mutant := range mutants.All {
		if !wanted.MatchString(mutant.File + " " + mutant.Rule) {
			continue
		}
		outcome, err := tree.Try(mutant, n, seed)
		if err != nil {
			return missed, err
		}
		tried++
		verdict := fmt.Sprintf("found in %4d decisions", outcome.Decisions)
		if !outcome.Found {
			missed++
			verdict = "NOT FOUND            "
		}
		fmt.Printf("%2d  %s  %2.0f s  %s  %s\n", tried, verdict, outcome.Took.Seconds(), mutant.Rule, outcome.By)
	}
	fmt.Printf("%d of %d faults found\n", tried-missed, tried)
	return missed, nil
}
