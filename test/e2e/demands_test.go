package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/c-sched/c-sched/test/e2e/cluster"
)

// What /debug/cluster says of the model.
type modelCounts struct {
	Nodes, Pods, Assumed, Demands int
	Queue                         map[string]int
}

func (e *test) modelCounts(s *cluster.Scheduler) (counts modelCounts, err error) {
	text, err := s.Read("/debug/cluster")
	if err == nil {
		err = json.Unmarshal([]byte(text), &counts)
	}
	return counts, err
}

// waitDemands waits until c-sched knows so many pods, and holds it to what they ask being so many things.
func (e *test) waitDemands(s *cluster.Scheduler, limit time.Duration, pods, demands int) {
	e.Helper()
	before, err := e.modelCounts(s)
	e.must(err)
	e.must(cluster.Eventually(limit, func() error {
		counts, err := e.modelCounts(s)
		if err != nil {
			return err
		}
		if counts.Pods < pods {
			return fmt.Errorf("c-sched knows %d of %d pods, and %d before", counts.Pods, pods, before.Pods)
		}
		if counts.Pods > pods || counts.Demands != demands {
			return cluster.Stop(fmt.Errorf("%d pods that ask for %d things, expected %d and %d: %+v",
				counts.Pods, counts.Demands, pods, demands, counts))
		}
		return nil
	}))
}

// template is of pods that fit nowhere: bound ones ask for nothing any more.
func (e *test) template(app, cpu string) (*metav1.LabelSelector, corev1.PodTemplateSpec) {
	labels := map[string]string{"app": app}
	spec := cluster.Pod(e.ns, app, schedulerName, cpu, "1Mi").Spec
	spec.RestartPolicy = corev1.RestartPolicyAlways
	return &metav1.LabelSelector{MatchLabels: labels},
		corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: spec}
}

func (e *test) createDeployment(name, cpu string, replicas int32) {
	e.Helper()
	selector, template := e.template(name, cpu)
	_, err := e.Admin.AppsV1().Deployments(e.ns).Create(e.ctx, &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec:       appsv1.DeploymentSpec{Replicas: &replicas, Selector: selector, Template: template},
	}, metav1.CreateOptions{})
	e.must(err)
}

func (e *test) createDaemonSet(name, cpu string) {
	e.Helper()
	selector, template := e.template(name, cpu)
	_, err := e.Admin.AppsV1().DaemonSets(e.ns).Create(e.ctx, &appsv1.DaemonSet{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec:       appsv1.DaemonSetSpec{Selector: selector, Template: template},
	}, metav1.CreateOptions{})
	e.must(err)
}

// However many replicas a Deployment has and however many nodes a DaemonSet, what kube-controller-manager makes
// of each asks for one thing: the pods of a workload are decided from what is known of the first.
// CSCHED_E2E_FULL=1 makes 10,000 replicas and 5,000 nodes: 250 s on two busy cores, most of it the API server's
// and kube-controller-manager's, which is why it is not the rule.
func TestOneDemandPerWorkload(t *testing.T) {
	nodes, replicas, limit := 250, 1000, time.Minute
	if os.Getenv("CSCHED_E2E_FULL") != "" {
		nodes, replicas, limit = 5000, 10000, 10*time.Minute
	}
	e := begin(t)
	e.needsCSched()
	e.Cleanup(func() {
		e.must(e.Admin.AppsV1().DaemonSets(e.ns).DeleteCollection(e.ctx, metav1.DeleteOptions{}, metav1.ListOptions{}))
		e.must(e.DeleteWorkloads(e.ctx, e.ns))
	})
	s := e.startScheduler(cluster.SchedulerOptions{})
	started := time.Now()
	e.nodes(nodes, cluster.Node{Name: "node", CPU: "2", Memory: "4Gi", Pods: 110})
	e.Logf("%d nodes made in %.0f s", nodes, time.Since(started).Seconds())
	counts, err := e.modelCounts(s)
	e.must(err)
	if counts.Pods != 0 || counts.Demands != 0 {
		e.Fatalf("an empty cluster has %+v", counts)
	}
	e.createDeployment("replicas", "64", int32(replicas))
	e.waitDemands(s, limit, replicas, 1)
	e.Logf("%d replicas, one demand, after %.0f s", replicas, time.Since(started).Seconds())
	e.createDaemonSet("daemons", "64")
	e.waitDemands(s, limit, replicas+nodes, 2)
	e.Logf("a daemon on each node, two demands, after %.0f s", time.Since(started).Seconds())
	e.createDeployment("others", "65", 5)
	e.waitDemands(s, limit, replicas+nodes+5, 3)
}
