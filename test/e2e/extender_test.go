package e2e

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/c-sched/c-sched/test/e2e/cluster"
)

// extended is a kube-scheduler that asks c-sched, each over TLS with a certificate of the other's CA.
type extended struct {
	*test
	authority *authority
	cSched    *cluster.Scheduler
	port      int
	// files as kube-scheduler's configuration names them
	caFile, certFile, keyFile string
	// files c-sched serves with
	servingCert, servingKey string
	schedulers              int
}

const extenderConfig = `apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
clientConnection: {kubeconfig: %s}
leaderElection: {leaderElect: false}
profiles:
- schedulerName: c-sched
- schedulerName: extender
  plugins:
    multiPoint:
      disabled: [{name: '*'}]
      enabled: [{name: PrioritySort}, {name: NodeAffinity}, {name: LeastConnections}, {name: DefaultBinder}]
---
apiVersion: config.c-sched.io/v1alpha1
kind: LoadConfiguration
sources:
- {name: notes, type: NodeAnnotations, metrics: [connections]}
`

func (e *test) freePort() int {
	e.Helper()
	ports, err := cluster.FreePorts(1)
	e.must(err)
	return ports[0]
}

// startExtender starts c-sched as an extender that judges by NodeAffinity and LeastConnections.
func (e *test) startExtender() *extended {
	e.Helper()
	x := &extended{test: e, authority: e.newAuthority("extender"), port: e.freePort()}
	certificate, key := x.authority.issue(leaf{name: "c-sched", usage: x509.ExtKeyUsageServerAuth})
	x.servingCert, x.servingKey = e.pemFile("tls.crt", certificate), e.pemFile("tls.key", key)
	certificate, key = x.authority.issue(leaf{name: "kube-scheduler"})
	x.certFile, x.keyFile = e.pemFile("client.crt", certificate), e.pemFile("client.key", key)
	x.caFile = e.pemFile("ca.crt", x.authority.pem)
	config := e.pemFile("extender.yaml", []byte(fmt.Sprintf(extenderConfig, schedulerKubeconfig)))
	x.cSched = e.startScheduler(cluster.SchedulerOptions{Args: []string{
		"--config=" + config, fmt.Sprintf("--extender-port=%d", x.port), "--extender-profile=extender",
		"--extender-tls-cert-file=" + x.servingCert, "--extender-tls-key-file=" + x.servingKey,
		"--extender-client-ca-file=" + x.caFile, "--extender-allowed-names=kube-scheduler",
	}})
	return x
}

// startExtended starts a kube-scheduler for the schedulerName "extended". Its own NodeAffinity is off: what
// nodes a pod may have is c-sched's alone to say.
func (x *extended) startExtended(settings string) *cluster.Scheduler {
	x.Helper()
	prefix := fmt.Sprintf("https://127.0.0.1:%d", x.port)
	security := fmt.Sprintf("  enableHTTPS: true\n  tlsConfig: {caFile: %s, certFile: %s, keyFile: %s}\n",
		x.caFile, x.certFile, x.keyFile)
	if recorder := x.recorder(); recorder != "" {
		prefix, security = recorder, ""
	}
	kubeconfig, err := x.Kubeconfig(cluster.UserScheduler)
	x.must(err)
	x.schedulers++
	s, err := x.StartWithConfig(cluster.SchedulerOptions{
		LogName: fmt.Sprintf("%s-kube-scheduler-%d", x.ns, x.schedulers), Binary: tool("kube-scheduler"), Verbosity: 2,
	}, fmt.Sprintf(`apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
clientConnection: {kubeconfig: %s}
leaderElection: {leaderElect: false}
profiles:
- schedulerName: extended
  plugins:
    preFilter: {disabled: [{name: NodeAffinity}]}
    filter: {disabled: [{name: NodeAffinity}]}
    score: {disabled: [{name: NodeAffinity}]}
    preScore: {disabled: [{name: NodeAffinity}]}
extenders:
- urlPrefix: %s
  filterVerb: filter
  prioritizeVerb: prioritize
  preemptVerb: preempt
  weight: 12
  httpTimeout: 2s
%s%s`, kubeconfig, prefix, security, settings))
	x.must(err)
	x.Cleanup(func() {
		s.Kill()
		if x.Failed() {
			x.Logf("the end of %s:\n%s", s.LogPath, s.LogTail(20))
		}
	})
	x.must(s.WaitReady(30 * time.Second))
	return s
}

// recorder is the address of a proxy that keeps the requests' bodies, where CSCHED_RECORD names a folder: for
// test/fuzz/corpus.
func (x *extended) recorder() string {
	folder := os.Getenv("CSCHED_RECORD")
	if folder == "" {
		return ""
	}
	certificate, err := tls.LoadX509KeyPair(x.certFile, x.keyFile)
	x.must(err)
	target, err := url.Parse(fmt.Sprintf("https://127.0.0.1:%d", x.port))
	x.must(err)
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.Transport = &http.Transport{TLSClientConfig: &tls.Config{
		InsecureSkipVerify: true, Certificates: []tls.Certificate{certificate},
	}}
	count := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		count++
		name := fmt.Sprintf("%s-%s-%d", x.ns, strings.TrimPrefix(r.URL.Path, "/"), count)
		if err := os.WriteFile(filepath.Join(folder, name), body, 0o600); err != nil {
			x.Error(err)
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		proxy.ServeHTTP(w, r)
	}))
	x.Cleanup(server.Close)
	return server.URL
}

// loadedNodes creates equal nodes of 2 CPUs with that many connections each, as their annotations say.
func (x *extended) loadedNodes(connections ...int) []string {
	x.Helper()
	var names []string
	var nodes []cluster.Node
	now := time.Now().UTC().Format(time.RFC3339)
	for i, n := range connections {
		name := fmt.Sprintf("%s-%d", x.ns, i)
		names = append(names, name)
		nodes = append(nodes, cluster.Node{
			Name: name, CPU: "2", Memory: "4Gi", Pods: 20,
			Annotations: map[string]string{"load.c-sched.io/connections": fmt.Sprintf("%d@%s", n, now)},
		})
	}
	x.must(x.CreateNodes(x.ctx, nodes))
	return names
}

func (x *extended) extendedPod(name string, change func(*corev1.Pod)) {
	x.Helper()
	x.pod(name, "100m", "1Mi", func(pod *corev1.Pod) {
		pod.Spec.SchedulerName = "extended"
		var none int64
		pod.Spec.TerminationGracePeriodSeconds = &none
		if change != nil {
			change(pod)
		}
	})
}

// wantOn waits until the pod is bound, and says so where that is another node.
func (x *extended) wantOn(pod, node string) {
	x.Helper()
	x.must(cluster.Eventually(20*time.Second, func() error {
		if on := x.getPod(pod).Spec.NodeName; on == "" {
			return fmt.Errorf("%s is not bound", pod)
		}
		return nil
	}))
	if on := x.getPod(pod).Spec.NodeName; node != "" && on != node {
		x.Errorf("%s is on %s, not on %s", pod, on, node)
	}
}

// calls is how often a verb of the extender was answered.
func (x *extended) calls(verb string) int {
	x.Helper()
	text, err := x.cSched.Read("/metrics")
	x.must(err)
	sum := 0
	lines := regexp.MustCompile(`(?m)^csched_extender_requests_total\{.*verb="`+verb+`".*\} (\d+)`).FindAllStringSubmatch(text, -1)
	for _, line := range lines {
		n, err := strconv.Atoi(line[1])
		x.must(err)
		sum += n
	}
	return sum
}

// Load decides among nodes that kube-scheduler's own plugins tie, with names alone and with whole nodes.
func TestExtenderDecidesTies(t *testing.T) {
	e := begin(t)
	e.needsCSched()
	x := e.startExtender()
	names := x.loadedNodes(900, 100, 500, 700)
	for i, capable := range []bool{true, false} {
		s := x.startExtended(fmt.Sprintf("  nodeCacheCapable: %t\n", capable))
		before := x.calls("prioritize")
		pod := fmt.Sprintf("pod-%d", i)
		x.extendedPod(pod, nil)
		x.wantOn(pod, names[1])
		if x.calls("prioritize") == before {
			t.Errorf("nodeCacheCapable %t: prioritize was not called", capable)
		}
		s.Kill()
		x.must(x.DeletePods(x.ctx, x.ns))
	}
}

// What c-sched says of the nodes it rejects stands in the pod's event.
func TestExtenderRejects(t *testing.T) {
	e := begin(t)
	e.needsCSched()
	x := e.startExtender()
	names := x.loadedNodes(100, 200, 300)
	x.startExtended("  nodeCacheCapable: true\n")
	x.extendedPod("nowhere", func(pod *corev1.Pod) { pod.Spec.NodeSelector = map[string]string{"no": "node"} })
	x.extendedPod("somewhere", func(pod *corev1.Pod) {
		pod.Spec.NodeSelector = map[string]string{corev1.LabelHostname: names[2]}
	})
	x.wantOn("somewhere", names[2])
	const words = "0/3 nodes are available: 3 node(s) didn't match Pod's node affinity/selector."
	x.must(cluster.Eventually(20*time.Second, func() error {
		for _, event := range x.events("nowhere", "FailedScheduling") {
			if strings.HasPrefix(event.Note, words) {
				return nil
			}
		}
		return fmt.Errorf("no event says %q: %+v", words, x.events("nowhere", "FailedScheduling"))
	}))
}

// priorityClass makes one for the test.
func (x *extended) priorityClass(name string, value int32) string {
	x.Helper()
	name = x.ns + "-" + name
	classes := x.Admin.SchedulingV1().PriorityClasses()
	_, err := classes.Create(x.ctx, &schedulingv1.PriorityClass{
		ObjectMeta: metav1.ObjectMeta{Name: name}, Value: value,
	}, metav1.CreateOptions{})
	x.must(err)
	x.Cleanup(func() { x.must(classes.Delete(x.ctx, name, metav1.DeleteOptions{})) })
	return name
}

// kube-scheduler would preempt the least important pod. It is on a node that the pod may not have, which only
// c-sched knows.
func TestExtenderNarrowsVictims(t *testing.T) {
	e := begin(t)
	e.needsCSched()
	x := e.startExtender()
	names := x.loadedNodes(100, 200)
	x.startExtended("  nodeCacheCapable: true\n")
	high, middle, low := x.priorityClass("high", 1000), x.priorityClass("middle", 10), x.priorityClass("low", 1)
	fill := func(name, node, class string) {
		x.extendedPod(name, func(pod *corev1.Pod) {
			pod.Spec.NodeSelector = map[string]string{corev1.LabelHostname: node}
			pod.Spec.PriorityClassName = class
			pod.Spec.Containers[0].Resources.Requests[corev1.ResourceCPU] = resource.MustParse("1500m")
		})
		x.wantOn(name, node)
	}
	fill("middle", names[0], middle)
	fill("low", names[1], low)
	fill("high", names[0], high)
	if x.calls("preempt") == 0 {
		t.Error("preempt was not called")
	}
	x.getPod("low")
}

// The extender hears only of pods that ask for what it manages; without it pods go on where it is ignorable.
func TestExtenderManagesAndIsIgnorable(t *testing.T) {
	e := begin(t)
	e.needsCSched()
	x := e.startExtender()
	x.loadedNodes(100, 200)
	x.startExtended("  nodeCacheCapable: true\n  ignorable: true\n" +
		"  managedResources: [{name: example.com/thing, ignoredByScheduler: true}]\n")
	x.extendedPod("plain", nil)
	x.wantOn("plain", "")
	if n := x.calls("filter"); n != 0 {
		t.Errorf("filter was called %d times for a pod that asks for nothing of the extender's", n)
	}
	ask := func(pod *corev1.Pod) {
		requests := corev1.ResourceList{"example.com/thing": resource.MustParse("1")}
		pod.Spec.Containers[0].Resources = corev1.ResourceRequirements{Requests: requests, Limits: requests}
	}
	x.extendedPod("managed", ask)
	x.wantOn("managed", "")
	if x.calls("filter") == 0 {
		t.Error("filter was not called for a pod that asks for what the extender manages")
	}
	x.cSched.Kill()
	x.extendedPod("alone", ask)
	x.wantOn("alone", "")
}

// A certificate that is replaced in mid-run counts for new connections; no pod notices.
func TestExtenderCertificateRotates(t *testing.T) {
	e := begin(t)
	e.needsCSched()
	x := e.startExtender()
	names := x.loadedNodes(900, 100)
	x.startExtended("  nodeCacheCapable: true\n")
	x.extendedPod("before", nil)
	x.wantOn("before", names[1])
	certificate, key := x.authority.issue(leaf{name: "c-sched-two", usage: x509.ExtKeyUsageServerAuth})
	x.must(os.WriteFile(x.servingCert, certificate, 0o600))
	x.must(os.WriteFile(x.servingKey, key, 0o600))
	client, err := tls.LoadX509KeyPair(x.certFile, x.keyFile)
	x.must(err)
	x.must(cluster.Eventually(10*time.Second, func() error {
		connection, err := tls.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", x.port),
			&tls.Config{InsecureSkipVerify: true, Certificates: []tls.Certificate{client}})
		if err != nil {
			return err
		}
		defer connection.Close()
		if name := connection.ConnectionState().PeerCertificates[0].Subject.CommonName; name != "c-sched-two" {
			return fmt.Errorf("the certificate is %s's", name)
		}
		return nil
	}))
	x.must(x.DeletePods(x.ctx, x.ns))
	x.startExtended("  nodeCacheCapable: false\n") // new connections
	x.extendedPod("after", nil)
	x.wantOn("after", names[1])
}
