package e2e

import (
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/c-sched/c-sched/test/e2e/cluster"
)

// settle is how long after the last expected request further ones would have shown up.
const settle = 3 * time.Second

// wantRequests compares what the scheduler asked since the mark, in any order, watches aside: they are opened
// again from time to time.
func (e *test) wantRequests(mark int64, want ...string) {
	e.Helper()
	var got []string
	for _, request := range e.schedulerRequests(mark) {
		if request.Verb == "watch" {
			continue
		}
		resource := request.ObjectRef.Resource
		if request.ObjectRef.Subresource != "" {
			resource += "/" + request.ObjectRef.Subresource
		}
		got = append(got, request.Verb+" "+resource)
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		e.Errorf("requests:\ngot  %s\nwant %s", strings.Join(got, ", "), strings.Join(want, ", "))
	}
}

// What a pod costs the API server is what it costs with kube-scheduler.
func TestRequestsPerPod(t *testing.T) {
	e := begin(t)
	e.nodes(2, big("node"))
	mark := e.AuditMark()
	e.startScheduler(cluster.SchedulerOptions{})
	for _, request := range e.schedulerRequests(mark) {
		// WatchList sends what a list would: one code path, and no gap between the two.
		if request.Verb != "watch" && request.Verb != "get" || strings.HasPrefix(request.ObjectRef.Resource, "pods/") {
			t.Errorf("at start: %s", request)
		}
	}

	t.Run("idle", func(t *testing.T) {
		mark := e.AuditMark()
		time.Sleep(settle)
		e.with(t).wantRequests(mark)
	})
	t.Run("bound", func(t *testing.T) {
		e := e.with(t)
		mark := e.AuditMark()
		e.pod("bound", "100m", "", nil)
		e.wantScheduledEvent(e.waitBound(1, 10*time.Second)[0])
		time.Sleep(settle)
		e.wantRequests(mark, "create pods/binding", "create events")
		mark = e.AuditMark()
		e.must(e.Admin.CoreV1().Pods(e.ns).Delete(e.ctx, "bound", cluster.ForceDelete()))
		time.Sleep(settle)
		e.wantRequests(mark)
	})
	t.Run("unschedulable", func(t *testing.T) {
		e := e.with(t)
		mark := e.AuditMark()
		e.pod("too-big", "100", "", nil)
		e.waitRejected("too-big", 10*time.Second)
		time.Sleep(settle)
		e.wantRequests(mark, "patch pods/status", "create events")
	})
}

// with is the same test as seen by a subtest.
func (e *test) with(t *testing.T) *test {
	sub := *e
	sub.T = t
	return &sub
}

// An idle leader renews its lease every 2 s and asks nothing else.
func TestRequestsOfIdleLeader(t *testing.T) {
	e := begin(t)
	e.nodes(1, big("node"))
	e.freeLease()
	e.startScheduler(cluster.SchedulerOptions{LeaderElect: true})
	e.waitHolder("", 10*time.Second)
	// The first renewal and the event about the new leader come after the lease was taken.
	time.Sleep(settle)
	begin := time.Now()
	mark := e.AuditMark()
	time.Sleep(10 * time.Second)
	renewals := 0
	for _, request := range e.schedulerRequests(mark) {
		if request.Is("update", "leases") && request.ResponseStatus.Code == 200 {
			renewals++
		} else if request.Verb != "watch" {
			t.Errorf("an idle leader asked: %s", request)
		}
	}
	// Never sooner than 2 s after the last one; a starved machine may be late.
	if took := time.Since(begin).Seconds(); renewals < 2 || float64(renewals) > took/2+1 {
		t.Errorf("%d renewals in %.1f s", renewals, took)
	}
}

// A second failure of the same pod for the same reason changes nothing that a client would see.
func TestRepeatedFailure(t *testing.T) {
	e := begin(t)
	e.nodes(1, cluster.Node{Name: "small", CPU: "1", Memory: "8Gi", Pods: 110})
	e.startScheduler(cluster.SchedulerOptions{})
	e.pod("too-big", "100", "", nil)
	e.waitRejected("too-big", 10*time.Second)
	before := e.getPod("too-big")
	mark := e.AuditMark()
	// Room made by a pod's deletion wakes the others.
	e.pod("small", "1", "", func(p *corev1.Pod) { p.Spec.NodeName = e.ns + "-small-0" })
	e.must(e.Admin.CoreV1().Pods(e.ns).Delete(e.ctx, "small", cluster.ForceDelete()))
	time.Sleep(settle)
	after := e.getPod("too-big")
	if before.ResourceVersion != after.ResourceVersion {
		t.Errorf("the pod was written again: %+v, before %+v", after.Status.Conditions, before.Status.Conditions)
	}
	for _, request := range e.schedulerRequests(mark) {
		if request.Is("patch", "pods/status") {
			t.Errorf("%s", request)
		}
	}
}
