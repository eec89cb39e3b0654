package e2e

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/c-sched/c-sched/test/e2e/cluster"
)

// What leads from the API server to a metrics-server on a loopback port.
const metricsService = `apiVersion: v1
kind: Service
metadata: {name: metrics-server, namespace: kube-system}
spec:
  type: ExternalName
  externalName: localhost
  ports: [{port: %d}]
---
apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata: {name: v1beta1.metrics.k8s.io}
spec:
  service: {name: metrics-server, namespace: kube-system, port: %d}
  group: metrics.k8s.io
  version: v1beta1
  insecureSkipTLSVerify: true
  groupPriorityMinimum: 100
  versionPriority: 100
`

func metricsTool(name string) string { return filepath.Join(root, "build/e2e/metrics", name) }

// kwokNodes makes n equal nodes whose kubelets are kwok's.
func (e *test) kwokNodes(n int) []string {
	e.Helper()
	return e.nodes(n, cluster.Node{Name: "kwok", CPU: "8", Memory: "32Gi", Pods: 110, Labels: map[string]string{"kwok": "true"}})
}

// startKwok starts kwok and tells metrics-server where each node's figures are.
func (e *test) startKwok(nodes []string) {
	e.Helper()
	kwok, err := e.StartKwok(metricsTool(""), "kwok=true")
	e.must(err)
	e.stopServerAtEnd(kwok)
	for _, node := range nodes {
		_, err := e.Kubectl("", "annotate", "node", node,
			"metrics.k8s.io/resource-metrics-path=/metrics/nodes/"+node+"/metrics/resource")
		e.must(err)
		_, err = e.Kubectl("", "patch", "node", node, "--subresource=status", "--type=merge", "-p",
			fmt.Sprintf(`{"status":{"addresses":[{"type":"InternalIP","address":"127.0.0.1"}],`+
				`"daemonEndpoints":{"kubeletEndpoint":{"Port":%d}}}}`, kwok.Port))
		e.must(err)
	}
}

func (e *test) stopServerAtEnd(s *cluster.Server) {
	e.Cleanup(func() {
		if e.Failed() {
			e.Logf("the end of %s:\n%s", s.LogPath, s.LogTail(30))
		}
		s.Kill()
	})
}

// startMetricsServer puts metrics-server behind the API server until the test ends.
func (e *test) startMetricsServer() {
	e.Helper()
	server, err := e.StartMetricsServer(metricsTool("metrics-server"))
	e.must(err)
	e.stopServerAtEnd(server)
	manifest := fmt.Sprintf(metricsService, server.Port, server.Port)
	_, err = e.Kubectl(manifest, "apply", "-f", "-")
	e.must(err)
	e.Cleanup(func() {
		_, err := e.Kubectl(manifest, "delete", "-f", "-")
		e.must(err)
	})
}

// nodeCPU is what the Metrics API says of the node, in milli-CPU.
func (e *test) nodeCPU(node string) (int64, error) {
	text, err := e.Admin.Discovery().RESTClient().Get().
		AbsPath("/apis/metrics.k8s.io/v1beta1/nodes/"+node).SetHeader("Accept", "application/json").DoRaw(e.ctx)
	if err != nil {
		return 0, err
	}
	var metrics struct{ Usage corev1.ResourceList }
	if err := json.Unmarshal(text, &metrics); err != nil {
		return 0, err
	}
	return metrics.Usage.Cpu().MilliValue(), nil
}

// usingPod is a pod of nobody's scheduler that runs on the node and uses, as kwok tells, that much CPU.
func (e *test) usingPod(name, node, cpu string) *corev1.Pod {
	pod := cluster.Pod(e.ns, name, "none", "10m", "16Mi")
	pod.Spec.NodeName = node
	pod.Annotations = map[string]string{"kwok.x-k8s.io/usage-cpu": cpu, "kwok.x-k8s.io/usage-memory": "64Mi"}
	return pod
}

// The real metrics-server, fed by kwok's kubelets, behind the API server: pods that ask for little and use much
// are seen, and what comes next goes to the node that really has room.
func TestMetricsServer(t *testing.T) {
	e := begin(t)
	e.needsCSched()
	nodes := e.kwokNodes(4)
	e.startKwok(nodes)
	var pods []*corev1.Pod
	for i, cpu := range []string{"6", "4500m", "500m", "5"} {
		pods = append(pods, e.usingPod(fmt.Sprintf("using-%d", i), nodes[i], cpu))
	}
	e.must(e.CreatePods(e.ctx, pods))
	e.startMetricsServer()
	e.must(cluster.Eventually(time.Minute, func() error {
		for i, want := range []int64{6000, 4500, 500, 5000} {
			got, err := e.nodeCPU(nodes[i])
			if err != nil {
				return err
			}
			if got < want*9/10 || got > want*11/10 {
				return fmt.Errorf("node %s uses %dm, not %dm", nodes[i], got, want)
			}
		}
		return nil
	}))
	top, err := e.Kubectl("", "top", "nodes")
	e.must(err)
	e.Log(top)
	s := e.startWithLoad(loadHeader() + "sources:\n- name: metrics-server\n  type: MetricsAPI\n  interval: 1s\n" +
		"  pods: true\n  metrics: [cpu, memory]\n")
	e.waitFresh(s, "metrics-server", "cpu", 4)
	e.burst("pod", 12, "100m", "64Mi")
	count := map[string]int{}
	for _, pod := range e.waitBound(16, 20*time.Second) {
		if pod.Spec.SchedulerName == schedulerName {
			count[pod.Spec.NodeName]++
		}
	}
	e.Logf("pods per node: %v", count)
	if count[nodes[2]] < 8 {
		e.Errorf("%s, which is used far less, has %d of 12 pods: %v", nodes[2], count[nodes[2]], count)
	}
}
