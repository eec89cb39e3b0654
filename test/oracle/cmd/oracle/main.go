// oracle prints kube-scheduler's decisions about the pending pods of a cluster in files.
//
// Usage: oracle -f FILE [-f FILE...] [--config FILE]
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"

	"github.com/c-sched/c-sched/test/oracle/oracle"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "oracle:", err)
		os.Exit(2)
	}
}

func run() error {
	var cluster oracle.Cluster
	flag.Func("f", "a `file` of objects", cluster.ReadFile)
	configuration := flag.String("config", "", "a KubeSchedulerConfiguration `file`")
	flag.Parse()
	var text []byte
	if *configuration != "" {
		var err error
		if text, err = os.ReadFile(*configuration); err != nil {
			return err
		}
	}
	profiles, err := oracle.Profiles(text)
	if err != nil {
		return err
	}
	decisions, err := oracle.Decide(&cluster, profiles)
	if err != nil {
		return err
	}
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	for _, decision := range decisions {
		if err := out.Encode(decision); err != nil {
			return err
		}
	}
	return nil
}
