package e2e

import (
	"fmt"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/c-sched/c-sched/test/e2e/cluster"
)

// takeover is leaseDuration and two retries with their jitter (15 s + 2 * 2.2 * 2 s).
const takeover = 24 * time.Second

func (e *test) lease() *coordinationv1.Lease {
	lease, err := e.Admin.CoordinationV1().Leases(metav1.NamespaceSystem).Get(e.ctx, leaseName(), metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return &coordinationv1.Lease{}
	}
	e.must(err)
	return lease
}

func (e *test) holder() string {
	if holder := e.lease().Spec.HolderIdentity; holder != nil {
		return *holder
	}
	return ""
}

// freeLease deletes the lease that an earlier test left: it would have to run out first.
func (e *test) freeLease() {
	e.Helper()
	err := e.Admin.CoordinationV1().Leases(metav1.NamespaceSystem).Delete(e.ctx, leaseName(), metav1.DeleteOptions{})
	if !apierrors.IsNotFound(err) {
		e.must(err)
	}
}

// waitHolder waits until somebody else than the given one holds the lease.
func (e *test) waitHolder(notThis string, limit time.Duration) string {
	e.Helper()
	holder := ""
	e.must(cluster.Eventually(limit, func() error {
		if holder = e.holder(); holder == "" || holder == notThis {
			return fmt.Errorf("the lease is held by %q", holder)
		}
		return nil
	}))
	return holder
}

// twoReplicas starts a leader and a standby and returns them with the leader's identity.
func (e *test) twoReplicas(qps int) (leader, standby *cluster.Scheduler, identity string) {
	e.Helper()
	e.freeLease()
	leader = e.startScheduler(cluster.SchedulerOptions{LogName: "leader", LeaderElect: true, QPS: qps})
	identity = e.waitHolder("", 10*time.Second)
	standby = e.startScheduler(cluster.SchedulerOptions{LogName: "standby", LeaderElect: true, QPS: qps})
	return leader, standby, identity
}

// The leader is killed in mid-burst: the standby takes over in time, and nothing is bound twice.
func TestLeaderKilled(t *testing.T) {
	e := begin(t)
	e.burstNodes()
	leader, _, identity := e.twoReplicas(slowly)
	e.burst("pod", burstPods, "100m", "100Mi")
	e.waitBound(burstPods/5, time.Minute)
	if e.holder() != identity {
		t.Fatal("the standby took the lease from a living leader")
	}
	leader.Kill()
	killed := time.Now()
	bound := cluster.Bound(e.waitBound(0, 0))
	if bound == burstPods {
		t.Fatal("the burst was over before the kill")
	}
	e.waitHolder(identity, takeover)
	e.waitBound(bound+1, takeover)
	t.Logf("the standby was at work %.1f s after the kill", time.Since(killed).Seconds())
	e.wantBurst(time.Minute)
	if transitions := e.lease().Spec.LeaseTransitions; transitions == nil || *transitions != 1 {
		t.Errorf("leaseTransitions is %v", transitions)
	}
}

// endsWithin ends a scheduler with SIGTERM, which is no failure.
func (e *test) endsWithin(s *cluster.Scheduler, limit time.Duration) {
	e.Helper()
	if status, ended := s.Terminate(limit); !ended || status != 0 {
		e.Errorf("%s: ended within %s of SIGTERM: %t, exit status %d", s.Name, limit, ended, status)
	}
}

// A leader that is asked to end gives the lease back, so that the standby need not wait for it to run out.
func TestLeaderStops(t *testing.T) {
	e := begin(t)
	e.nodes(1, big("node"))
	leader, standby, identity := e.twoReplicas(0)
	e.endsWithin(leader, 2*time.Second)
	ended := time.Now()
	e.waitHolder(identity, 8*time.Second)
	if waited := time.Since(ended); waited > 14*time.Second {
		t.Errorf("the standby waited %s, until the lease would have run out", waited)
	}
	e.pod("pod", "100m", "", nil)
	e.waitBound(1, 10*time.Second)
	e.endsWithin(standby, 2*time.Second)
	if holder := e.holder(); holder != "" {
		t.Errorf("the lease is still held by %s", holder)
	}
}

// A leader whose lease was taken binds nothing any more and ends with status 1.
func TestLeaseLost(t *testing.T) {
	e := begin(t)
	e.nodes(1, big("node"))
	leader, standby, identity := e.twoReplicas(0)
	standby.Kill()
	e.must(cluster.Eventually(5*time.Second, func() error {
		lease := e.lease()
		thief := "thief"
		lease.Spec.HolderIdentity = &thief
		_, err := e.Admin.CoordinationV1().Leases(metav1.NamespaceSystem).Update(e.ctx, lease, metav1.UpdateOptions{})
		return err
	}))
	// renewDeadline is 10 s, and it may have renewed just before.
	status, ended := leader.Wait(14 * time.Second)
	if !ended || status != 1 {
		t.Errorf("ended: %t, exit status %d", ended, status)
	}
	if e.holder() != "thief" {
		t.Errorf("%s took the lease back", identity)
	}
	e.pod("pod", "100m", "", nil)
	time.Sleep(time.Second)
	if pod := e.getPod("pod"); pod.Spec.NodeName != "" {
		t.Error("a pod was bound without a leader")
	}
}
