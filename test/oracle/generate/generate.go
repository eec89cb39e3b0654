// Package generate makes valid random clusters: nodes, pods bound and pending, and what surrounds them, such that every
// plugin has work, every operator occurs, and rules meet. The same seed makes the same cluster.
package generate

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"
)

// Made is a cluster and perhaps a configuration.
type Made struct {
	Seed    uint64
	Shape   string
	Objects []runtime.Object
	Config  []byte // nil: the built-in profiles
	yaml    bool
}

// Cluster makes the cluster of a seed.
func Cluster(shape string, seed uint64) (*Made, error) {
	knobs, known := shapes[shape]
	if !known {
		return nil, fmt.Errorf("no shape is called %q", shape)
	}
	g := &generator{Rand: rand.New(rand.NewPCG(seed, 0x6f7261636c65)), knobs: knobs}
	made := &Made{Seed: seed, Shape: shape, yaml: g.chance(0.2)}
	g.profiles = []string{"c-sched", "default-scheduler"}
	if g.chance(knobs.config) {
		var err error
		if made.Config, g.profiles, err = g.configuration(); err != nil {
			return nil, err
		}
	}
	objects, err := g.cluster()
	made.Objects = objects
	return made, err
}

// Text is the cluster as a file: a List in JSON, or YAML documents.
func (m *Made) Text() ([]byte, error) { return Text(m.Objects, m.yaml) }

// Text writes objects as kubectl get does.
func Text(objects []runtime.Object, documents bool) ([]byte, error) {
	var out bytes.Buffer
	if !documents {
		out.WriteString(`{"apiVersion":"v1","kind":"List","items":[`)
	}
	for i, object := range objects {
		text, err := json.Marshal(object)
		if err != nil {
			return nil, err
		}
		if documents {
			if text, err = yaml.JSONToYAML(text); err != nil {
				return nil, err
			}
			out.WriteString("---\n")
		} else if i > 0 {
			out.WriteString(",\n")
		}
		out.Write(text)
	}
	if !documents {
		out.WriteString("]}\n")
	}
	return out.Bytes(), nil
}

type generator struct {
	*rand.Rand
	knobs
	profiles  []string
	nodes     []*v1.Node
	workloads []*workload
	count     int // of pods, for names
}

func (g *generator) chance(p float64) bool { return g.Float64() < p }

func pick[T any](g *generator, from []T) T { return from[g.IntN(len(from))] }

// some are up to `most` different ones, in random order.
func some[T any](g *generator, from []T, most int) []T {
	shuffled := slices.Clone(from)
	g.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
	return shuffled[:min(g.IntN(most+1), len(shuffled))]
}

func (g *generator) between(bounds [2]int) int { return bounds[0] + g.IntN(bounds[1]-bounds[0]+1) }

func (g *generator) cluster() ([]runtime.Object, error) {
	var objects []runtime.Object
	for i := range g.between(g.knobs.nodes) {
		node, err := g.node(i)
		if err != nil {
			return nil, err
		}
		g.nodes = append(g.nodes, node)
		objects = append(objects, node)
	}
	for _, namespace := range namespaces {
		if g.chance(0.97) {
			objects = append(objects, g.namespace(namespace))
		}
	}
	for i := range 2 + g.IntN(6) {
		made, err := g.workload(i)
		if err != nil {
			return nil, err
		}
		g.workloads = append(g.workloads, made)
		objects = append(objects, made.owners()...)
	}
	services, err := g.services()
	if err != nil {
		return nil, err
	}
	objects = append(objects, services...)
	pods, err := g.pods()
	if err != nil {
		return nil, err
	}
	objects = append(objects, pods...)
	if g.chance(0.3) { // the order of kinds is free
		g.Shuffle(len(objects), func(i, j int) { objects[i], objects[j] = objects[j], objects[i] })
	}
	return objects, nil
}

func (g *generator) pods() ([]runtime.Object, error) {
	var objects []runtime.Object
	bound := g.between(g.knobs.bound)
	if len(g.nodes) == 0 {
		bound = 0
	}
	for i := range bound + g.between(g.knobs.pending) {
		pod, err := g.pod(i < bound)
		if err != nil {
			return nil, err
		}
		objects = append(objects, pod)
	}
	return objects, nil
}

// Write puts cluster.yaml, and config.yaml if there is a configuration, into a folder.
func (m *Made) Write(folder string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	text, err := m.Text()
	if err != nil {
		return err
	}
	if m.Config != nil {
		if err := os.WriteFile(filepath.Join(folder, "config.yaml"), m.Config, 0o644); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(folder, "cluster.yaml"), text, 0o644)
}
