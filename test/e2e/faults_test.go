package e2e

import (
	"testing"
	"time"

	"github.com/c-sched/c-sched/test/e2e/cluster"
)

// The nodes of these tests hold exactly the pods of the burst: a pod lost, counted twice or placed on a full
// node shows.
const (
	burstNodes = 10
	burstPods  = burstNodes * 40
	// slowly is a rate limit at which a burst takes some ten seconds: time enough to disturb it, however
	// slowly a busy machine creates the pods.
	slowly = 40
)

func (e *test) burstNodes() {
	e.Helper()
	e.nodes(burstNodes, cluster.Node{Name: "node", CPU: "4", Memory: "8Gi", Pods: 110})
}

// wantBurst waits for the whole burst and checks it.
func (e *test) wantBurst(limit time.Duration) {
	e.Helper()
	pods := e.waitBound(burstPods, limit)
	if len(pods) != burstPods {
		e.Errorf("%d pods, not %d", len(pods), burstPods)
	}
	e.boundOnce()
	if !standIn {
		// kube-scheduler takes a Binding whose answer got lost for a failed one, and may give its room away.
		e.notOvercommitted(pods)
	}
}

// c-sched is killed twice in mid-burst. Its successor finds what was bound, and binds the rest.
func TestKilledInBurst(t *testing.T) {
	e := begin(t)
	e.burstNodes()
	e.burst("pod", burstPods, "100m", "100Mi")
	for _, part := range []int{burstPods / 5, burstPods / 2} {
		s := e.startScheduler(cluster.SchedulerOptions{QPS: slowly})
		e.waitBound(part, time.Minute)
		s.Kill()
		if bound := cluster.Bound(e.waitBound(part, 0)); bound == burstPods {
			t.Fatal("the burst was over before the kill")
		}
	}
	e.startScheduler(cluster.SchedulerOptions{})
	e.wantBurst(time.Minute)
}

// The API server dies in mid-burst and comes back; c-sched, the same process, goes on, and sees what happens
// afterwards.
func TestAPIServerRestart(t *testing.T) {
	e := begin(t)
	e.duringBurst(func() error { return e.RestartAPI(2 * time.Second) })
}

// The same with etcd: the API server stays up and answers errors meanwhile.
func TestEtcdRestart(t *testing.T) {
	e := begin(t)
	e.duringBurst(func() error { return e.RestartEtcd(2 * time.Second) })
}

func (e *test) duringBurst(disturb func() error) {
	e.Helper()
	e.burstNodes()
	s := e.startScheduler(cluster.SchedulerOptions{QPS: slowly})
	e.burst("pod", burstPods, "100m", "100Mi")
	if bound := cluster.Bound(e.waitBound(burstPods/5, time.Minute)); bound == burstPods {
		e.Fatal("the burst was over before the restart")
	}
	e.must(disturb())
	// Until it has read the roles again, a starting API server refuses what they allow.
	e.authorised = e.AuditMark()
	// Its back-off may have grown to half a minute at most while nothing answered.
	e.wantBurst(2 * time.Minute)

	// All watches must be alive again: a pod is seen, a node is seen, a deletion is seen.
	e.pod("after", "200m", "", nil)
	e.waitRejected("after", 30*time.Second)
	e.nodes(1, cluster.Node{Name: "added", CPU: "200m", Memory: "1Gi", Pods: 10})
	e.waitBound(burstPods+1, 30*time.Second)
	e.pod("last", "200m", "", nil)
	e.must(e.Admin.CoreV1().Pods(e.ns).Delete(e.ctx, "after", cluster.ForceDelete()))
	e.waitBound(burstPods+1, 30*time.Second)
	if !s.Running() {
		e.Error("the scheduler ended")
	}
}
