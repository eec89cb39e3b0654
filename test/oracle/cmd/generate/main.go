// generate writes the random cluster of a seed into a folder: cluster.yaml, and config.yaml if it has a configuration.
//
// Usage: generate SHAPE SEED FOLDER
package main

import (
	"fmt"
	"os"
	"strconv"

	"github.com/c-sched/c-sched/test/oracle/generate"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(2)
	}
}

func run(args []string) error {
	if len(args) != 3 {
		return fmt.Errorf("usage: generate SHAPE SEED FOLDER")
	}
	seed, err := strconv.ParseUint(args[1], 10, 64)
	if err != nil {
		return err
	}
	made, err := generate.Cluster(args[0], seed)
	if err != nil {
		return err
	}
	return made.Write(args[2])
}
