package mutants

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/c-sched/c-sched/test/oracle/generate"
)

// TestTable: each fault has its line in the tree as it is.
func TestTable(t *testing.T) {
	root := os.Getenv("CSCHED_ROOT")
	if root == "" {
		root = "../../.."
	}
	for _, mutant := range All {
		if !slices.Contains(generate.Shapes, mutant.Shape) {
			t.Errorf("%s: no shape is called %q", mutant.Rule, mutant.Shape)
		}
		text, err := os.ReadFile(filepath.Join(root, mutant.File))
		if err != nil {
			t.Error(err)
			continue
		}
		if _, err := mutant.Apply(string(text)); err != nil {
			t.Errorf("%s: %v", mutant.Rule, err)
		}
	}
	if len(All) < 40 {
		t.Errorf("%d faults are fewer than 40", len(All))
	}
}

func TestApply(t *testing.T) {
	mutant := Mutant{File: "f", From: "a;", To: "b;"}
	if text, err := mutant.Apply("x\n\ta;\ny"); err != nil || text != "x\n\tb;\ny" {
		t.Errorf("%q, %v", text, err)
	}
	for _, text := range []string{"", "a;\na;", "a; // more"} {
		if _, err := mutant.Apply(text); err == nil {
			t.Errorf("%q has the line once", text)
		}
	}
}
