package e2e

import (
	"encoding/json"
	"fmt"
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
func (e *test) waitDemands(s *cluster.Scheduler, pods, demands int) {
	e.Helper()
	before, err := e.modelCounts(s)
	e.must(err)
	e.must(cluster.Eventually(time.Minute, func() error {
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
func TestOneDemandPerWorkload(t *testing.T) {
	const nodes, replicas = 250, 1000
	e := begin(t)
	e.needsCSched()
	e.Cleanup(func() {
		e.must(e.Admin.AppsV1().DaemonSets(e.ns).DeleteCollection(e.ctx, metav1.DeleteOptions{}, metav1.ListOptions{}))
		e.must(e.DeleteWorkloads(e.ctx, e.ns))
	})
	s := e.startScheduler(cluster.SchedulerOptions{})
	e.nodes(nodes, cluster.Node{Name: "node", CPU: "2", Memory: "4Gi", Pods: 110})
	counts, err := e.modelCounts(s)
	e.must(err)
	if counts.Pods != 0 || counts.Demands != 0 {
		e.Fatalf("an empty cluster has %+v", counts)
	}
	e.createDeployment("replicas", "64", replicas)
	e.waitDemands(s, replicas, 1)
	e.createDaemonSet("daemons", "64")
	e.waitDemands(s, replicas+nodes, 2)
	e.createDeployment("others", "65", 5)
	e.waitDemands(s, replicas+nodes+5, 3)
}
