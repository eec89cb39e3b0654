package e2e

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/c-sched/c-sched/test/e2e/cluster"
)

// manifests/ was applied before the first test. Here: applying it again changes nothing, its pods are admitted
// where only restricted pods are, and its rights are no more than listed. That they are enough is what all
// other tests show, none of which may be refused anything.
func TestManifests(t *testing.T) {
	e := begin(t)
	t.Run("again", func(t *testing.T) {
		e := e.with(t)
		files := filepath.Join(root, "manifests")
		_, err := e.Kubectl("", "apply", "-f", files)
		e.must(err)
		// A difference is exit status 1.
		_, err = e.Kubectl("", "diff", "-f", files)
		e.must(err)
	})
	t.Run("restricted", func(t *testing.T) { e.with(t).admittedAsRestricted() })
	t.Run("rights", func(t *testing.T) { e.with(t).noMoreRights() })
	_, err := e.Kubectl("", "scale", "--namespace=kube-system", "--replicas=0", "deployment/c-sched")
	e.must(err)
}

// admittedAsRestricted lets the Pod Security admission judge the Deployment's pod, in a namespace that
// enforces the strictest level.
func (e *test) admittedAsRestricted() {
	_, err := e.Kubectl("", "label", "namespace", e.ns,
		"pod-security.kubernetes.io/enforce=restricted", "pod-security.kubernetes.io/enforce-version=latest")
	e.must(err)
	deployment, err := e.Admin.AppsV1().Deployments("kube-system").Get(e.ctx, "c-sched", metav1.GetOptions{})
	e.must(err)
	create := func(name string, change func(*corev1.Pod)) error {
		template := deployment.Spec.Template.DeepCopy()
		pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: e.ns}, Spec: template.Spec}
		pod.Spec.ServiceAccountName = "default"
		change(pod)
		dry := metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}}
		_, err := e.Admin.CoreV1().Pods(e.ns).Create(e.ctx, pod, dry)
		return err
	}
	e.must(create("as-it-is", func(*corev1.Pod) {}))
	// So that the check is known to check.
	err = create("privileged", func(p *corev1.Pod) { p.Spec.HostNetwork = true })
	if err == nil || !strings.Contains(err.Error(), "PodSecurity") {
		e.Errorf("a pod on the host's network: %v", err)
	}
}

func (e *test) noMoreRights() {
	role, err := e.Admin.RbacV1().ClusterRoles().Get(e.ctx, "c-sched", metav1.GetOptions{})
	e.must(err)
	for _, rule := range role.Rules {
		for _, words := range [][]string{rule.Verbs, rule.APIGroups, rule.Resources} {
			if slices.Contains(words, "*") {
				e.Errorf("a wildcard: %v", rule)
			}
		}
	}
	as := "--as=" + serviceAccount
	for _, question := range [][]string{
		{"get", "secrets", "-A"}, {"get", "configmaps", "-A"}, {"create", "pods", "-A"},
		{"update", "nodes"}, {"patch", "pods", "-A"}, {"update", "leases/kube-scheduler", "-n", "kube-system"},
		{"get", "nodes"}, {"update", "namespaces"}, {"get", "services", "-A"}, {"patch", "replicasets.apps", "-A"},
	} {
		printed, err := e.Kubectl("", append([]string{"auth", "can-i", as}, question...)...)
		if err == nil || strings.Contains(printed, "yes") {
			e.Errorf("c-sched may %s", strings.Join(question, " "))
		}
	}
	if printed, err := e.Kubectl("", "auth", "can-i", as, "get", "-n", "kube-system",
		"configmaps/extension-apiserver-authentication"); err != nil {
		e.Errorf("c-sched may not see whose certificates the API server accepts: %s%v", printed, err)
	}
	for _, kind := range []string{"pods", "nodes", "namespaces", "services", "replicationcontrollers",
		"replicasets.apps", "statefulsets.apps"} {
		for _, verb := range []string{"list", "watch"} {
			if printed, err := e.Kubectl("", "auth", "can-i", as, verb, kind, "-A"); err != nil {
				e.Errorf("c-sched may not %s %s: %s%v", verb, kind, printed, err)
			}
		}
	}
	// kubectl asks only about what the server has; metrics-server is not there.
	for _, resource := range []string{"nodes", "pods"} {
		review := authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
			User: "system:serviceaccount:kube-system:c-sched",
			ResourceAttributes: &authorizationv1.ResourceAttributes{
				Verb: "list", Group: "metrics.k8s.io", Version: "v1beta1", Resource: resource},
		}}
		answer, err := e.Admin.AuthorizationV1().SubjectAccessReviews().Create(e.ctx, &review, metav1.CreateOptions{})
		e.must(err)
		if !answer.Status.Allowed {
			e.Errorf("c-sched may not list %s.metrics.k8s.io: %s", resource, answer.Status.Reason)
		}
	}
}

// The configuration that the ConfigMap carries is read, and works with the ServiceAccount's own token: leader
// election, readiness, a pod bound.
func TestConfigMapsConfiguration(t *testing.T) {
	e := begin(t)
	e.needsCSched()
	e.nodes(1, big("node"))
	e.freeLease()
	configMap, err := e.Admin.CoreV1().ConfigMaps("kube-system").Get(e.ctx, "c-sched", metav1.GetOptions{})
	e.must(err)
	// In its pod c-sched finds the API server by itself; here the file has to say where it is.
	text := configMap.Data["config.yaml"] + fmt.Sprintf("clientConnection:\n  kubeconfig: %s\n", schedulerKubeconfig)
	s := e.startWithConfig("configmap", text)
	e.must(s.WaitReady(30 * time.Second))
	e.waitHolder("", 10*time.Second)
	e.pod("pod", "100m", "", nil)
	e.wantScheduledEvent(e.waitBound(1, 10*time.Second)[0])
}

// startWithConfig starts c-sched with a configuration file instead of flags.
func (e *test) startWithConfig(name, text string) *cluster.Scheduler {
	e.Helper()
	s, err := e.StartWithConfig(cluster.SchedulerOptions{LogName: e.ns + "-" + name, Binary: cSched}, text)
	e.must(err)
	e.stopAtEnd(s)
	return s
}
