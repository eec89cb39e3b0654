package cluster

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Node describes a node; zero values are left out of the object.
type Node struct {
	Name          string
	CPU, Memory   string
	Pods          int
	InternalIP    string
	Labels        map[string]string
	Annotations   map[string]string
	Taints        []corev1.Taint
	Unschedulable bool
}

// Object is the node as a kubelet would report it: ready, with all capacity allocatable.
func (n Node) Object() *corev1.Node {
	capacity := corev1.ResourceList{
		corev1.ResourceCPU:    resource.MustParse(n.CPU),
		corev1.ResourceMemory: resource.MustParse(n.Memory),
		corev1.ResourcePods:   resource.MustParse(strconv.Itoa(n.Pods)),
	}
	labels := map[string]string{corev1.LabelHostname: n.Name, corev1.LabelOSStable: "linux"}
	for key, value := range n.Labels {
		labels[key] = value
	}
	var addresses []corev1.NodeAddress
	if n.InternalIP != "" {
		addresses = append(addresses, corev1.NodeAddress{Type: corev1.NodeInternalIP, Address: n.InternalIP})
	}
	return &corev1.Node{
		TypeMeta:   metav1.TypeMeta{Kind: "Node", APIVersion: "v1"},
		ObjectMeta: metav1.ObjectMeta{Name: n.Name, Labels: labels, Annotations: n.Annotations},
		Spec:       corev1.NodeSpec{Taints: n.Taints, Unschedulable: n.Unschedulable},
		Status: corev1.NodeStatus{
			Capacity: capacity, Allocatable: capacity, Addresses: addresses,
			Conditions: []corev1.NodeCondition{{
				Type: corev1.NodeReady, Status: corev1.ConditionTrue, Reason: "KubeletReady",
				LastHeartbeatTime: metav1.Now(), LastTransitionTime: metav1.Now(),
			}},
		},
	}
}

// Pod is a pod of one container for the given scheduler. Empty amounts are not requested.
func Pod(namespace, name, scheduler, cpu, memory string) *corev1.Pod {
	requests := corev1.ResourceList{}
	if cpu != "" {
		requests[corev1.ResourceCPU] = resource.MustParse(cpu)
	}
	if memory != "" {
		requests[corev1.ResourceMemory] = resource.MustParse(memory)
	}
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Labels: map[string]string{"app": "test"}},
		Spec: corev1.PodSpec{
			SchedulerName: scheduler,
			Containers: []corev1.Container{{
				Name: "main", Image: "registry.k8s.io/pause:3.10",
				Resources: corev1.ResourceRequirements{Requests: requests},
			}},
		},
	}
}

// CreateNamespace creates a namespace and its default ServiceAccount, without which no pod is admitted; where
// kube-controller-manager runs it may have been faster.
func (c *Cluster) CreateNamespace(ctx context.Context, name string) error {
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
	if _, err := c.Admin.CoreV1().Namespaces().Create(ctx, namespace, metav1.CreateOptions{}); err != nil {
		return err
	}
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "default", Namespace: name}}
	_, err := c.Admin.CoreV1().ServiceAccounts(name).Create(ctx, account, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	return err
}

// CreateNodes creates nodes, many at a time.
func (c *Cluster) CreateNodes(ctx context.Context, nodes []Node) error {
	return Parallel(32, len(nodes), func(i int) error {
		_, err := c.Admin.CoreV1().Nodes().Create(ctx, nodes[i].Object(), metav1.CreateOptions{})
		return err
	})
}

// CreatePods creates pods, many at a time.
func (c *Cluster) CreatePods(ctx context.Context, pods []*corev1.Pod) error {
	return Parallel(32, len(pods), func(i int) error {
		_, err := c.Admin.CoreV1().Pods(pods[i].Namespace).Create(ctx, pods[i], metav1.CreateOptions{})
		return err
	})
}

// ForceDelete is what stands in for a kubelet that confirms the end of a bound pod.
func ForceDelete() metav1.DeleteOptions {
	none := int64(0)
	return metav1.DeleteOptions{GracePeriodSeconds: &none}
}

// Clear deletes all nodes, and the namespace with all its pods, and waits until they are gone.
func (c *Cluster) Clear(ctx context.Context, namespace string) error {
	err := c.Admin.CoreV1().Namespaces().Delete(ctx, namespace, metav1.DeleteOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		return err
	}
	err = c.Admin.CoreV1().Nodes().DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{})
	if err != nil {
		return err
	}
	// From here on nothing new can be created in the namespace, so that this comes to an end.
	return c.DeletePods(ctx, namespace)
}

// DeleteWorkloads empties a namespace that stays. No garbage collector runs: what a Deployment owns has to be
// deleted, too, from the top down.
func (c *Cluster) DeleteWorkloads(ctx context.Context, namespace string) error {
	all, now := metav1.ListOptions{}, metav1.DeleteOptions{}
	if err := c.Admin.AppsV1().Deployments(namespace).DeleteCollection(ctx, now, all); err != nil {
		return err
	}
	if err := c.Admin.AppsV1().ReplicaSets(namespace).DeleteCollection(ctx, now, all); err != nil {
		return err
	}
	return c.DeletePods(ctx, namespace)
}

// Empty deletes a namespace's pods and Events; the namespace stays.
func (c *Cluster) Empty(ctx context.Context, namespace string) error {
	if err := c.DeletePods(ctx, namespace); err != nil {
		return err
	}
	return c.Admin.EventsV1().Events(namespace).DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{})
}

// DeletePods deletes a namespace's pods until none is left.
func (c *Cluster) DeletePods(ctx context.Context, namespace string) error {
	return Eventually(time.Minute, func() error {
		pods := c.Admin.CoreV1().Pods(namespace)
		if err := pods.DeleteCollection(ctx, ForceDelete(), metav1.ListOptions{}); err != nil {
			return err
		}
		left, err := pods.List(ctx, metav1.ListOptions{})
		if err == nil && len(left.Items) > 0 {
			err = fmt.Errorf("%d pods are left in namespace %s", len(left.Items), namespace)
		}
		return err
	})
}

// ListPods lists a namespace's pods as they are stored now.
func (c *Cluster) ListPods(ctx context.Context, namespace string) ([]corev1.Pod, error) {
	list, err := c.Admin.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	return list.Items, nil
}

// Bound counts the pods that have a node.
func Bound(pods []corev1.Pod) int {
	bound := 0
	for i := range pods {
		if pods[i].Spec.NodeName != "" {
			bound++
		}
	}
	return bound
}

// stopError ends Eventually before its time.
type stopError struct{ error }

func (s stopError) Unwrap() error { return s.error }

// Stop marks an error as one that waiting will not cure.
func Stop(err error) error { return stopError{err} }

// patience is how much longer everything may take than on a machine with time to spare, where the tests' limits
// are many times what is needed. They are for what never comes true.
const patience = 4

// Eventually asks again and again until check succeeds; after limit its last error is returned.
func Eventually(limit time.Duration, check func() error) error {
	limit *= patience
	deadline := time.Now().Add(limit)
	for {
		err := check()
		if err == nil {
			return nil
		}
		var stop stopError
		if errors.As(err, &stop) {
			return stop.error
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("not within %s: %w", limit, err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// Parallel calls work for 0..n-1 from the given number of goroutines and returns the first error.
func Parallel(workers, n int, work func(i int) error) error {
	next := make(chan int)
	failed := make(chan error, workers)
	var group sync.WaitGroup
	for range workers {
		group.Go(func() {
			for i := range next {
				if err := work(i); err != nil {
					select {
					case failed <- err:
					default:
					}
				}
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	group.Wait()
	close(failed)
	return <-failed
}
