// Package oracle asks kube-scheduler's own code what c-sched simulate is asked.
package oracle

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	appsv1 "k8s.io/api/apps/v1"
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	_ "k8s.io/kubernetes/pkg/apis/apps/install" // defaults
	_ "k8s.io/kubernetes/pkg/apis/core/install" // defaults
)

// Cluster is what a file says of a cluster, with the API server's defaults.
type Cluster struct {
	Nodes                  []*v1.Node
	Pods                   []*v1.Pod
	Namespaces             []*v1.Namespace
	Services               []*v1.Service
	ReplicationControllers []*v1.ReplicationController
	ReplicaSets            []*appsv1.ReplicaSet
	StatefulSets           []*appsv1.StatefulSet
}

// ReadFile adds a file of YAML documents, JSON objects and Lists to the cluster.
func (c *Cluster) ReadFile(name string) error {
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	if err := c.Read(text); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// Read is ReadFile of what stands in the file.
func (c *Cluster) Read(text []byte) error {
	decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(text), 4096)
	for {
		var raw runtime.RawExtension
		if err := decoder.Decode(&raw); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if len(raw.Raw) == 0 || bytes.Equal(raw.Raw, []byte("null")) {
			continue
		}
		if err := c.decode(raw.Raw); err != nil {
			return err
		}
	}
}

func (c *Cluster) decode(text []byte) error {
	object, _, err := legacyscheme.Codecs.UniversalDeserializer().Decode(text, nil, nil)
	if err != nil {
		return err
	}
	if list, ok := object.(*v1.List); ok {
		for _, item := range list.Items {
			if err := c.decode(item.Raw); err != nil {
				return err
			}
		}
		return nil
	}
	c.Add(object)
	return nil
}

// Add takes an object of an API version and fills in its defaults.
func (c *Cluster) Add(object runtime.Object) {
	legacyscheme.Scheme.Default(object)
	switch o := object.(type) {
	case *v1.Node:
		c.Nodes = append(c.Nodes, o)
	case *v1.Pod:
		if o.Namespace == "" {
			o.Namespace = v1.NamespaceDefault
		}
		if o.UID == "" {
			o.UID = types.UID(o.Namespace + "/" + o.Name)
		}
		c.Pods = append(c.Pods, o)
	case *v1.Namespace:
		c.Namespaces = append(c.Namespaces, o)
	case *v1.Service:
		c.Services = append(c.Services, o)
	case *v1.ReplicationController:
		c.ReplicationControllers = append(c.ReplicationControllers, o)
	case *appsv1.ReplicaSet:
		c.ReplicaSets = append(c.ReplicaSets, o)
	case *appsv1.StatefulSet:
		c.StatefulSets = append(c.StatefulSets, o)
	}
}
