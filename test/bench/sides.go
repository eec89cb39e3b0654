package main

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/c-sched/c-sched/test/e2e/cluster"
)

// schedulerName is in all pods: both schedulers answer to it, one after the other.
const schedulerName = "c-sched"

// inFlight is how many pods the bare loop binds at a time.
const inFlight = 64

// All sides present the same user to the API server, so that authorisation and priority cost the same.
const user = cluster.UserScheduler

func kubeScheduler() side {
	return side{name: "kube-scheduler", events: true, start: func(b *bench, _ string) (int, func(), error) {
		o, err := b.schedulerOptions("kube-scheduler", b.Binary("kube-scheduler"))
		if err != nil {
			return 0, nil, err
		}
		o.Identity, o.Lease = schedulerName, "kube-scheduler"
		return started(b.StartKubeScheduler(o))
	}}
}

func cSched(events bool) side {
	return side{name: "c-sched", events: events, start: func(b *bench, _ string) (int, func(), error) {
		o, err := b.schedulerOptions("c-sched", b.options.cSched())
		if err != nil {
			return 0, nil, err
		}
		o.Args = []string{fmt.Sprintf("--emit-events=%t", events)}
		return started(b.StartCSched(o))
	}}
}

func (b *bench) schedulerOptions(name, binary string) (cluster.SchedulerOptions, error) {
	kubeconfig, err := b.Kubeconfig(user)
	return cluster.SchedulerOptions{
		LogName: fmt.Sprintf("%s-%d", name, b.runs), Binary: binary, Kubeconfig: kubeconfig,
	}, err
}

func started(s *cluster.Scheduler, err error) (int, func(), error) {
	if err != nil {
		return 0, nil, err
	}
	return s.Pid(), s.Kill, nil
}

// bareLoop makes the scheduler's writes and nothing else: what it reaches is what the API server takes.
func bareLoop(events bool) side { return loop("bare loop", events, false) }

// watchingLoop also watches all pods, as any scheduler must, and does nothing with what it is told.
func watchingLoop(events bool) side { return loop("bare loop that watches", events, true) }

func loop(name string, events, watches bool) side {
	return side{name: name, events: events, start: func(b *bench, namespace string) (int, func(), error) {
		client, err := kubernetes.NewForConfig(b.RESTConfig(user))
		if err != nil {
			return 0, nil, err
		}
		pods, err := b.ListPods(context.Background(), namespace)
		if err != nil {
			return 0, nil, err
		}
		stop := func() {}
		if watches {
			if stop, err = watchPods(client); err != nil {
				return 0, nil, err
			}
		}
		w := &writer{client: client, pods: pods, nodes: b.nodes, events: events}
		var group sync.WaitGroup
		group.Go(func() {
			if err := cluster.Parallel(inFlight, len(pods), w.write); err != nil {
				fmt.Fprintln(os.Stderr, "bare loop:", err)
			}
		})
		return 0, func() { group.Wait(); stop() }, nil
	}}
}

func watchPods(client kubernetes.Interface) (stop func(), err error) {
	watcher, err := client.CoreV1().Pods("").Watch(context.Background(), metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	go func() {
		for range watcher.ResultChan() {
		}
	}()
	return watcher.Stop, nil
}

type writer struct {
	client kubernetes.Interface
	pods   []corev1.Pod
	nodes  []string
	events bool
}

// write binds one pod and says so, with what a scheduler would send.
func (w *writer) write(i int) error {
	ctx := context.Background()
	pod, node := &w.pods[i], w.nodes[i%len(w.nodes)]
	err := w.client.CoreV1().Pods(pod.Namespace).Bind(ctx, &corev1.Binding{
		ObjectMeta: metav1.ObjectMeta{Namespace: pod.Namespace, Name: pod.Name, UID: pod.UID},
		Target:     corev1.ObjectReference{Kind: "Node", Name: node},
	}, metav1.CreateOptions{})
	if err != nil || !w.events {
		return err
	}
	now := time.Now()
	_, err = w.client.EventsV1().Events(pod.Namespace).Create(ctx, &eventsv1.Event{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: pod.Namespace, Name: fmt.Sprintf("%s.%x", pod.Name, now.UnixNano()),
		},
		EventTime: metav1.NewMicroTime(now), Type: corev1.EventTypeNormal,
		Reason: "Scheduled", Action: "Binding",
		Note:                fmt.Sprintf("Successfully assigned %s/%s to %s", pod.Namespace, pod.Name, node),
		ReportingController: schedulerName, ReportingInstance: schedulerName + "-bench",
		Regarding: corev1.ObjectReference{
			APIVersion: "v1", Kind: "Pod", Namespace: pod.Namespace, Name: pod.Name, UID: pod.UID,
			ResourceVersion: pod.ResourceVersion,
		},
	}, metav1.CreateOptions{})
	return err
}
