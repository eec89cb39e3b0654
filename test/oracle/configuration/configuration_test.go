// Package configuration compares what c-sched check-config says of configurations with kube-scheduler's validation.
package configuration

import (
	"bytes"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/kubernetes/pkg/scheduler/apis/config"
	"k8s.io/kubernetes/pkg/scheduler/apis/config/scheme"
	"k8s.io/kubernetes/pkg/scheduler/apis/config/validation"
)

func env(name, fallback string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return fallback
}

func lines(err error) []string {
	var all utilerrors.Aggregate
	if err == nil {
		return nil
	}
	if !errors.As(err, &all) {
		return []string{err.Error()}
	}
	var list []string
	for _, e := range all.Errors() {
		list = append(list, lines(e)...)
	}
	return list
}

// fits are the errors of NodeResourcesFit's arguments, which kube-scheduler looks at when it makes the plugin.
func fits(read *config.KubeSchedulerConfiguration) []string {
	var list []string
	for i, profile := range read.Profiles {
		for k, plugin := range profile.PluginConfig {
			path := field.NewPath("profiles").Index(i).Child("pluginConfig").Index(k).Child("args")
			if args, ok := plugin.Args.(*config.NodeResourcesFitArgs); ok {
				list = append(list, lines(validation.ValidateNodeResourcesFitArgs(path, args))...)
			}
		}
	}
	return list
}

// theirs are kube-scheduler's errors.
func theirs(t *testing.T, text []byte) []string {
	t.Helper()
	made, version, err := scheme.Codecs.UniversalDecoder().Decode(text, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	read := made.(*config.KubeSchedulerConfiguration)
	read.APIVersion = version.GroupVersion().String() // as kube-scheduler's options do
	list := fits(read)
	if all := validation.ValidateKubeSchedulerConfiguration(read); all != nil {
		list = append(list, lines(all)...)
	}
	return list
}

// ours are c-sched's errors.
func ours(t *testing.T, text []byte) []string {
	t.Helper()
	root := env("CSCHED_ROOT", "../../..")
	file := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	var words bytes.Buffer
	command := exec.Command(filepath.Join(root, "build", env("CSCHED_VARIANT", "gcc"), "c-sched"), "check-config", file)
	command.Stderr = &words
	if err := command.Run(); err == nil {
		return nil // what stands there are warnings
	} else if _, exited := err.(*exec.ExitError); !exited {
		t.Fatal(err)
	}
	var list []string
	for line := range strings.Lines(words.String()) {
		list = append(list, strings.TrimSuffix(strings.TrimPrefix(line, "c-sched: "+file+": "), "\n"))
	}
	return list
}

// atStart is what kube-scheduler finds out as it starts, after its validation.
func atStart(line string) bool {
	return strings.Contains(line, "times retryPeriod") || strings.Contains(line, "multiPoint.enabled[0].name: unknown plugin")
}

// TestErrors: each error of CSCHED_CONFIGURATIONS (100) configurations, with its path and in kube-scheduler's words.
func TestErrors(t *testing.T) {
	count, err := strconv.Atoi(env("CSCHED_CONFIGURATIONS", "100"))
	if err != nil {
		t.Fatal(err)
	}
	taken, refused := 0, 0
	for seed := range uint64(count) {
		text, err := json.Marshal(maker{rand.New(rand.NewPCG(seed, 36))}.configuration())
		if err != nil {
			t.Fatal(err)
		}
		want, got := theirs(t, text), slices.DeleteFunc(ours(t, text), atStart)
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(want, got) {
			t.Errorf("seed %d: %s\nkube-scheduler:\n  %s\nc-sched:\n  %s", seed, text, strings.Join(want, "\n  "), strings.Join(got, "\n  "))
		}
		if len(want) == 0 {
			taken++
		} else {
			refused++
		}
	}
	if taken < count/10 || refused < count/3 {
		t.Errorf("too few of a kind: %d are taken, %d refused", taken, refused)
	}
}
