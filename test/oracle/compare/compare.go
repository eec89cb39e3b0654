// Package compare runs c-sched simulate and kube-scheduler's own code on the same random clusters.
package compare

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/c-sched/c-sched/test/oracle/generate"
	"github.com/c-sched/c-sched/test/oracle/oracle"
)

// Case is a cluster that both sides decided.
type Case struct {
	Made *generate.Made
	Want []oracle.Decision
	// Pod and Lines tell of the first decision that differs; what follows it may differ because of it.
	Pod   string
	Lines []string
}

// Run makes a cluster and compares. The folder is for its files.
func Run(program, shape string, seed uint64, folder string) (*Case, error) {
	made, err := generate.Cluster(shape, seed)
	if err != nil {
		return nil, fmt.Errorf("shape %s, seed %d: %w", shape, seed, err)
	}
	c := &Case{Made: made}
	if err := os.RemoveAll(filepath.Join(folder, "config.yaml")); err != nil {
		return nil, err
	}
	if err := made.Write(folder); err != nil {
		return nil, err
	}
	if c.Want, err = ask(made); err != nil {
		return nil, fmt.Errorf("shape %s, seed %d: %w", shape, seed, err)
	}
	got, err := simulate(program, folder, made.Config != nil)
	if err != nil {
		c.Lines = []string{err.Error()}
		return c, nil
	}
	c.compare(got)
	return c, nil
}

// ask puts the cluster before kube-scheduler's code, as its file says it.
func ask(made *generate.Made) ([]oracle.Decision, error) {
	text, err := made.Text()
	if err != nil {
		return nil, err
	}
	var cluster oracle.Cluster
	if err := cluster.Read(text); err != nil {
		return nil, err
	}
	profiles, err := oracle.Profiles(made.Config)
	if err != nil {
		return nil, err
	}
	return oracle.Decide(&cluster, profiles)
}

func simulate(program, folder string, configured bool) ([]oracle.Decision, error) {
	args := []string{"simulate", "-f", filepath.Join(folder, "cluster.yaml"), "--output", "json", "--explain", "all"}
	if configured {
		args = append(args, "--config", filepath.Join(folder, "config.yaml"))
	}
	var out, errors bytes.Buffer
	command := exec.Command(program, args...)
	command.Stdout, command.Stderr = &out, &errors
	// 1 says that a pod found no node.
	if err := command.Run(); err != nil && (command.ProcessState == nil || command.ProcessState.ExitCode() != 1) {
		return nil, fmt.Errorf("c-sched simulate: %w: %s", err, strings.TrimSpace(errors.String()))
	}
	return decode(out.Bytes())
}

func decode(text []byte) ([]oracle.Decision, error) {
	var list []oracle.Decision
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	for {
		var decision oracle.Decision
		if err := decoder.Decode(&decision); errors.Is(err, io.EOF) {
			return list, nil
		} else if err != nil {
			return nil, fmt.Errorf("c-sched simulate printed what is no decision: %w", err)
		}
		list = append(list, decision)
	}
}

func (c *Case) compare(got []oracle.Decision) {
	for i, want := range c.Want {
		if i >= len(got) {
			c.Pod, c.Lines = want.Pod, []string{fmt.Sprintf("c-sched decided %d of %d pods", len(got), len(c.Want))}
			return
		}
		if lines := Diff(want, got[i]); lines != nil {
			c.Pod, c.Lines = want.Pod, lines
			return
		}
	}
	if len(got) > len(c.Want) {
		c.Pod, c.Lines = got[len(c.Want)].Pod, []string{"only c-sched decided it"}
	}
}
