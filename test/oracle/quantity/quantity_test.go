// Package quantity compares lib/kube/quantity.c with upstream's parser on random strings.
//
// CSCHED_ROOT is the repository (../../..), CSCHED_VARIANT the build to test (gcc), CSCHED_SEED makes a run
// repeatable, CSCHED_COUNT is the number of strings.
package quantity

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

const defaultCount = 1_200_000

func env(name, fallback string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return fallback
}

func TestQuantity(t *testing.T) {
	seed, err := strconv.ParseUint(env("CSCHED_SEED", fmt.Sprint(time.Now().UnixNano())), 10, 64)
	if err != nil {
		t.Fatal("CSCHED_SEED: ", err)
	}
	count, err := strconv.Atoi(env("CSCHED_COUNT", fmt.Sprint(defaultCount)))
	if err != nil {
		t.Fatal("CSCHED_COUNT: ", err)
	}
	fmt.Printf("quantity: %d strings, CSCHED_SEED=%d\n", count, seed)
	g := generator{rand.New(rand.NewPCG(seed, 0))}
	texts := append([]string(nil), corners...)
	for len(texts) < count {
		if text := g.text(); upstreamCanTell(text) {
			texts = append(texts, text)
		}
	}
	answers := ask(t, texts)
	valid, capped, wrong := 0, 0, 0
	for i, text := range texts {
		want := expect(text)
		if want.ok {
			valid++
		}
		if want.capped {
			capped++
		}
		if answers[i] != want.line {
			t.Errorf("%q: upstream says %q, we say %q", text, want.line, answers[i])
			if wrong++; wrong == 20 {
				t.Fatal("and so on")
			}
		}
	}
	fmt.Printf("quantity: %d valid, %d of them beyond int64\n", valid, capped)
	if valid < count/4 || count-valid < count/10 || capped < count/100 {
		t.Error("the strings are too much of one sort to prove anything")
	}
}

// ask returns our program's answer to each text.
func ask(t *testing.T, texts []string) []string {
	program := filepath.Join(env("CSCHED_ROOT", "../../.."), "build", env("CSCHED_VARIANT", "gcc"),
		"test/oracle/quantity")
	ours := exec.Command(program)
	ours.Stderr = os.Stderr
	ours.Stdin = strings.NewReader(strings.Join(texts, "\x00") + "\x00")
	out, err := ours.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := ours.Start(); err != nil {
		t.Fatal(err)
	}
	answers := make([]string, 0, len(texts))
	for lines := bufio.NewScanner(out); lines.Scan(); {
		answers = append(answers, lines.Text())
	}
	if err := ours.Wait(); err != nil {
		t.Fatal(err)
	}
	if len(answers) != len(texts) {
		t.Fatalf("%d answers to %d strings", len(answers), len(texts))
	}
	return answers
}
