// Package mutants has faults of one line for the plugins and what is below them. The comparison with kube-scheduler's
// code must find each: a fault that it does not find is a rule that nothing tests.
package mutants

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/c-sched/c-sched/test/oracle/compare"
	"github.com/c-sched/c-sched/test/oracle/generate"
)

// Mutant is a fault: one line of a file, once in it, replaced by another.
type Mutant struct {
	Rule     string // which then does not hold
	Shape    string // of the clusters in which the rule matters often
	File     string
	From, To string // without the space around them
}

// Apply returns the text of the mutant's file with its fault.
func (m Mutant) Apply(text string) (string, error) {
	lines, found := strings.Split(text, "\n"), 0
	for i, line := range lines {
		if strings.TrimSpace(line) == m.From {
			lines[i] = strings.Replace(line, m.From, m.To, 1)
			found++
		}
	}
	if found != 1 || m.From == m.To {
		return "", fmt.Errorf("%s: the line %q is there %d times, not once", m.File, m.From, found)
	}
	return strings.Join(lines, "\n"), nil
}

// Outcome is what became of a mutant.
type Outcome struct {
	Mutant
	Found     bool
	Decisions int // until it was found
	By        string
	Took      time.Duration
}

// Tree is a copy of the repository in which faults are built.
type Tree struct{ folder string }

// NewTree copies what c-sched is built from and builds it, so that a build with a fault is a short one.
func NewTree(root, folder string) (*Tree, error) {
	args := []string{"-a"}
	for _, part := range []string{"Makefile", "include", "lib", "cmd", "hack"} {
		args = append(args, filepath.Join(root, part))
	}
	if out, err := exec.Command("cp", append(args, folder)...).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("cp: %w: %s", err, out)
	}
	tree := &Tree{folder: folder}
	if out, err := tree.build(); err != nil {
		return nil, fmt.Errorf("the tree does not build without a fault: %w: %s", err, out)
	}
	return tree, nil
}

// Check fails if c-sched differs without a fault: then nothing could be said of faults.
func (t *Tree) Check(n int, seed uint64) error {
	result, err := t.compare(generate.Shapes, n, seed)
	if err == nil && len(result.Different) > 0 {
		c := result.Different[0]
		err = fmt.Errorf("without a fault shape %s, seed %d differs: %s", c.Made.Shape, c.Made.Seed, c.Lines[0])
	}
	return err
}

func (t *Tree) compare(shapes []string, n int, seed uint64) (*compare.Result, error) {
	return compare.Many(compare.Options{Program: filepath.Join(t.folder, "build/gcc/c-sched"),
		Shapes: shapes, Seed: seed, Decisions: n, Most: 1})
}

func (t *Tree) build() ([]byte, error) {
	command := exec.Command("make", "-s", "-j2", "build/gcc/c-sched")
	command.Dir = t.folder
	command.Env = append(os.Environ(), "CFLAGS=-O1 -Wno-error")
	return command.CombinedOutput()
}

// Try builds a fault, compares at most n decisions, and takes the fault out again.
func (t *Tree) Try(m Mutant, n int, seed uint64) (outcome Outcome, err error) {
	started := time.Now()
	path := filepath.Join(t.folder, m.File)
	text, err := os.ReadFile(path)
	if err != nil {
		return outcome, err
	}
	mutated, err := m.Apply(string(text))
	if err != nil {
		return outcome, err
	}
	if err := os.WriteFile(path, []byte(mutated), 0o644); err != nil {
		return outcome, err
	}
	defer func() {
		if restored := os.WriteFile(path, text, 0o644); err == nil {
			err = restored
		}
	}()
	if out, err := t.build(); err != nil {
		return outcome, fmt.Errorf("%s: %q does not build: %w: %s", m.File, m.To, err, out)
	}
	result, err := t.compare([]string{m.Shape}, n, seed)
	if err != nil {
		return outcome, err
	}
	outcome = Outcome{Mutant: m, Found: len(result.Different) > 0, Decisions: result.Decisions, Took: time.Since(started)}
	if outcome.Found {
		c := result.Different[0]
		outcome.By = fmt.Sprintf("%s seed %d: %s", c.Made.Shape, c.Made.Seed, c.Lines[0])
	}
	return outcome, nil
}
