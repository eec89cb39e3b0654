package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/c-sched/c-sched/test/e2e/cluster"
)

// loadNode is a node of 8 CPUs and what it uses without pods, in kubesim's load model.
type loadNode struct{ cpu, connections string }

// loadNodes creates the nodes in the real API server and a kubesim beside it that knows them too and tells what
// they use. Their addresses are 10.9.0.1 and on.
func (e *test) loadNodes(models []loadNode) ([]string, *cluster.Server) {
	e.Helper()
	var nodes []cluster.Node
	var names []string
	list := corev1.NodeList{}
	list.Kind, list.APIVersion = "List", "v1"
	for i, model := range models {
		node := cluster.Node{
			Name: fmt.Sprintf("%s-%d", e.ns, i), CPU: "8", Memory: "32Gi", Pods: 110,
			InternalIP: fmt.Sprintf("10.9.0.%d", i+1),
			Annotations: map[string]string{
				"kubesim.c-sched.io/base-cpu":         model.cpu,
				"kubesim.c-sched.io/base-memory":      "4Gi",
				"kubesim.c-sched.io/base-connections": model.connections,
			},
		}
		nodes, names = append(nodes, node), append(names, node.Name)
		list.Items = append(list.Items, *node.Object())
	}
	e.must(e.CreateNodes(e.ctx, nodes))
	manifest := filepath.Join(e.Dir(), e.ns+"-nodes.json")
	text, err := json.Marshal(list)
	e.must(err)
	e.must(os.WriteFile(manifest, text, 0o600))
	sim, err := e.StartKubesim(built("kubesim"), e.ns+"-kubesim", "--load", "--load-noise=0", "--manifest="+manifest)
	e.must(err)
	e.stopServerAtEnd(sim)
	return names, sim
}

// scrapeJob is an item of Prometheus' scrape_configs for one target.
func scrapeJob(name string, port int, path string) string {
	return fmt.Sprintf("- job_name: %s\n  honor_labels: true\n  metrics_path: %s\n"+
		"  static_configs:\n  - targets: ['127.0.0.1:%d']\n", name, path, port)
}

// startPrometheus runs a Prometheus that scrapes the jobs, until the test ends.
func (e *test) startPrometheus(port int, jobs ...string) *cluster.Server {
	e.Helper()
	prometheus, err := e.StartPrometheus(e.ns+"-prometheus", port, strings.Join(jobs, ""))
	e.must(err)
	e.stopServerAtEnd(prometheus)
	return prometheus
}

// loadSource is a LoadConfiguration with one Prometheus and its queries.
func loadSource(port int, queries ...string) string {
	text := loadHeader() + "sources:\n- name: prometheus\n  type: Prometheus\n" +
		fmt.Sprintf("  url: http://127.0.0.1:%d\n  interval: 1s\n  timeout: 1s\n  queries:\n", port)
	for _, query := range queries {
		text += "  - " + query + "\n"
	}
	return text
}

const cpuQuery = "{metric: cpu, query: 'builtin:cpu'}"

// loadHeader begins a file of two documents; what is told to c-sched on its command line does not count beside
// such a file.
func loadHeader() string {
	return fmt.Sprintf(`apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
clientConnection: {kubeconfig: %q}
leaderElection: {leaderElect: false}
profiles: [{schedulerName: %s}]
---
apiVersion: config.c-sched.io/v1alpha1
kind: LoadConfiguration
`, schedulerKubeconfig, schedulerName)
}

// configFile keeps a configuration in the test's folder.
func (e *test) configFile(document string) string {
	e.Helper()
	path := filepath.Join(e.Dir(), e.ns+"-load.yaml")
	e.must(os.WriteFile(path, []byte(document), 0o600))
	return path
}

// startWithLoad starts c-sched with a LoadConfiguration.
func (e *test) startWithLoad(document string) *cluster.Scheduler {
	e.Helper()
	return e.startScheduler(cluster.SchedulerOptions{Args: []string{"--config=" + e.configFile(document)}})
}

// waitSeries waits until c-sched's /metrics has the series with that value.
func (e *test) waitSeries(s *cluster.Scheduler, series string, value float64, limit time.Duration) {
	e.Helper()
	e.must(cluster.Eventually(limit, func() error {
		text, err := s.Read("/metrics")
		if err != nil {
			return err
		}
		line := regexp.MustCompile("(?m)^" + regexp.QuoteMeta(series) + " (.*)$").FindStringSubmatch(text)
		if line == nil {
			return fmt.Errorf("no series %s", series)
		}
		got, err := strconv.ParseFloat(line[1], 64)
		if err != nil || got != value {
			return fmt.Errorf("%s is %s, not %g", series, line[1], value)
		}
		return nil
	}))
}

// waitFresh waits until c-sched has fresh figures of that many nodes.
func (e *test) waitFresh(s *cluster.Scheduler, source, metric string, nodes int) {
	e.Helper()
	e.waitSeries(s, fmt.Sprintf(`csched_load_nodes{source="%s",metric="%s",state="fresh"}`, source, metric), float64(nodes), 30*time.Second)
}

// probe is what `c-sched check-config --probe` prints, and its exit status.
func (e *test) probe(document string) (string, int) {
	e.Helper()
	stdout, stderr, status, err := cluster.RunOnce(30*time.Second, nil, "", cSched, "check-config", e.configFile(document), "--probe")
	e.must(err)
	return stdout + stderr, status
}

func (e *test) wantWords(text string, words ...string) {
	e.Helper()
	for _, w := range words {
		if !strings.Contains(text, w) {
			e.Errorf("%q is not in:\n%s", w, text)
		}
	}
}

// perNode counts the test's pods by node.
func perNode(pods []corev1.Pod) map[string]int {
	count := map[string]int{}
	for _, pod := range pods {
		count[pod.Spec.NodeName]++
	}
	return count
}

// A real Prometheus scrapes kubesim's four nodes and a real node-exporter, which is a fifth node by its address.
// Pods go where least is used; Prometheus dies and comes back while they are placed.
func TestPrometheus(t *testing.T) {
	e := begin(t)
	e.needsCSched()
	nodes, sim := e.loadNodes([]loadNode{{"6", "900"}, {"4500m", "800"}, {"500m", "100"}, {"5", "700"}})
	exporter, err := e.StartNodeExporter()
	e.must(err)
	e.stopServerAtEnd(exporter)
	// This machine, as a node: nothing is placed there, as it runs the test.
	e.nodes(1, cluster.Node{
		Name: "host", CPU: "64", Memory: "256Gi", Pods: 110, InternalIP: "127.0.0.1", Unschedulable: true,
	})
	jobs := []string{
		scrapeJob("kubesim", sim.Port, "/metrics/nodes"), scrapeJob("node", exporter.Port, "/metrics"),
	}
	prometheus := e.startPrometheus(0, jobs...)
	config := loadSource(prometheus.Port,
		cpuQuery, "{metric: memory, query: 'builtin:memory'}",
		"{metric: connections, query: 'builtin:conntrack'}")
	s := e.startWithLoad(config)
	e.waitFresh(s, "prometheus", "cpu", 5)
	e.waitFresh(s, "prometheus", "memory", 5)
	text, status := e.probe(config)
	if status != 0 {
		e.Errorf("check-config --probe: exit status %d:\n%s", status, text)
	}
	e.Log(text)

	e.connectedPods("first", 1)
	if node := e.waitBound(1, 10*time.Second)[0].Spec.NodeName; node != nodes[2] {
		decisions, _ := s.Read("/debug/decisions?limit=1")
		e.Errorf("the first pod is on %s, not on %s, which is used least: %s", node, nodes[2], decisions)
	}
	e.connectedPods("before", 11)
	e.wantLeastUsed(e.waitBound(12, 20*time.Second), nodes)

	prometheus.Kill()
	e.connectedPods("without", 12)
	e.waitBound(24, 20*time.Second)
	up := `csched_load_source_up{source="prometheus",question="cpu"}`
	e.waitSeries(s, up, 0, 10*time.Second)
	e.must(e.said(s, `result="unreachable"`))
	e.startPrometheus(prometheus.Port, jobs...)
	e.waitSeries(s, up, 1, 30*time.Second)
	e.connectedPods("after", 12)
	e.wantLeastUsed(e.waitBound(36, 20*time.Second), nodes)
	e.boundOnce()
}

// connectedPods creates n pods that say how many connections they will hold: without pods that run there is
// nothing to learn it from.
func (e *test) connectedPods(prefix string, n int) {
	e.Helper()
	var pods []*corev1.Pod
	for i := range n {
		pod := cluster.Pod(e.ns, fmt.Sprintf("%s-%d", prefix, i), schedulerName, "100m", "64Mi")
		pod.Annotations = map[string]string{"c-sched.io/connections": "10"}
		pods = append(pods, pod)
	}
	e.must(e.CreatePods(e.ctx, pods))
}

// said is an error until c-sched's log has the words.
func (e *test) said(s *cluster.Scheduler, words string) error {
	if !strings.Contains(s.Log(), words) {
		return fmt.Errorf("%s has not said %q:\n%s", s.Name, words, s.LogTail(20))
	}
	return nil
}

// wantLeastUsed holds the pods to nodes[2], which is used least: it has more of them than any other node.
func (e *test) wantLeastUsed(pods []corev1.Pod, nodes []string) {
	e.Helper()
	count := perNode(pods)
	for _, node := range nodes {
		if node != nodes[2] && count[node] >= count[nodes[2]] {
			e.Errorf("%s, which is used least, has %d pods, %s has %d", nodes[2], count[nodes[2]], node, count[node])
		}
	}
	e.Logf("pods per node: %v", count)
}

// startExporter serves metrics, as an exporter would.
func (e *test) startExporter(text func() string) int {
	e.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4")
		fmt.Fprint(w, text())
	}))
	e.Cleanup(server.Close)
	return server.Listener.Addr().(*net.TCPAddr).Port
}

// Values that cannot be, two series of one node, a node that does not exist: each is told, and none of them
// draws all pods or keeps all away.
func TestOddFigures(t *testing.T) {
	e := begin(t)
	e.needsCSched()
	nodes := e.nodes(8, cluster.Node{Name: "node", CPU: "8", Memory: "32Gi", Pods: 110})
	text := "# TYPE odd_connections gauge\n"
	for i, series := range []string{
		`odd_connections{node="%s"} 900`, `odd_connections{node="%s"} NaN`, `odd_connections{node="%s"} +Inf`,
		`odd_connections{node="%s"} -5`, `odd_connections{node="%s"} 1e18`,
		`odd_connections{node="%[1]s",exporter="a"} 500` + "\n" + `odd_connections{node="%[1]s",exporter="b"} 600`,
		`odd_connections{node="%s"} 400`, `odd_connections{node="elsewhere-%s"} 1`,
	} {
		text += fmt.Sprintf(series, nodes[i]) + "\n"
	}
	prometheus := e.startPrometheus(0, scrapeJob("odd", e.startExporter(func() string { return text }), "/metrics"))
	config := loadSource(prometheus.Port, "{metric: connections, query: odd_connections}")
	e.must(cluster.Eventually(30*time.Second, func() error {
		if text, _ := e.probe(config); !strings.Contains(text, "elsewhere-") {
			return fmt.Errorf("no series yet:\n%s", text)
		}
		return nil
	}))
	words, _ := e.probe(config)
	e.Log(words)
	e.wantWords(words, "elsewhere-"+nodes[7], nodes[7])
	s := e.startWithLoad(config)
	e.waitFresh(s, "prometheus", "connections", 3)
	e.waitSeries(s, `csched_load_nodes{source="prometheus",metric="connections",state="implausible"}`, 4, 20*time.Second)
	// The first forty or so level out those with the fewest connections.
	const pods = 80
	e.burst("pod", pods, "50m", "16Mi")
	count := perNode(e.waitBound(pods, 20*time.Second))
	e.Logf("pods per node: %v", count)
	for i, node := range nodes {
		if count[node] > pods/2 {
			e.Errorf("%s has %d of %d pods", node, count[node], pods)
		}
		if odd := i >= 1 && i <= 4; odd && count[node] == 0 {
			e.Errorf("%s is avoided for its figure that cannot be", node)
		}
	}
	e.must(e.said(s, "implausible"))
}

// skewed stands between c-sched and Prometheus and shifts the time of all figures.
func (e *test) skewed(port int, by time.Duration) int {
	e.Helper()
	// when it was answered, and the answer to a query for times
	value := regexp.MustCompile(`"value":\[([0-9.]+),("1[0-9]{9}[0-9.]*")?`)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		url := fmt.Sprintf("http://127.0.0.1:%d%s", port, r.URL.RequestURI())
		request, err := http.NewRequestWithContext(r.Context(), r.Method, url, bytes.NewReader(body))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		request.Header = r.Header
		request.Header.Del("Accept-Encoding")
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer response.Body.Close()
		text, _ := io.ReadAll(response.Body)
		text = value.ReplaceAllFunc(text, func(found []byte) []byte {
			parts := value.FindSubmatch(found)
			at, _ := strconv.ParseFloat(string(parts[1]), 64)
			shifted := fmt.Sprintf(`"value":[%.3f,`, at+by.Seconds())
			if len(parts[2]) > 0 {
				at, _ = strconv.ParseFloat(strings.Trim(string(parts[2]), `"`), 64)
				shifted += fmt.Sprintf(`"%.3f"`, at+by.Seconds())
			}
			return []byte(shifted)
		})
		w.Header().Set("Content-Type", response.Header.Get("Content-Type"))
		w.WriteHeader(response.StatusCode)
		_, _ = w.Write(text)
	}))
	e.Cleanup(server.Close)
	return server.Listener.Addr().(*net.TCPAddr).Port
}

// The clocks of Prometheus and c-sched differ. Figures from the future count as of now and are told; figures
// that are an hour old are no figures.
func TestClockSkew(t *testing.T) {
	e := begin(t)
	e.needsCSched()
	nodes, sim := e.loadNodes([]loadNode{{"6", "100"}, {"4500m", "100"}, {"500m", "100"}, {"5", "100"}})
	prometheus := e.startPrometheus(0, scrapeJob("kubesim", sim.Port, "/metrics/nodes"))
	ahead := e.startWithLoad(loadSource(e.skewed(prometheus.Port, time.Hour), cpuQuery))
	e.waitFresh(ahead, "prometheus", "cpu", 4)
	e.pod("ahead", "100m", "64Mi", nil)
	if node := e.waitBound(1, 10*time.Second)[0].Spec.NodeName; node != nodes[2] {
		e.Errorf("with figures from the future a pod is on %s, not on %s", node, nodes[2])
	}
	e.waitSeries(ahead, `csched_load_source_samples{source="prometheus",question="cpu",kind="future"}`, 4, 10*time.Second)
	ahead.Terminate(5 * time.Second)

	behind := e.launchScheduler(cluster.SchedulerOptions{
		LogName: "behind",
		Args:    []string{"--config=" + e.configFile(loadSource(e.skewed(prometheus.Port, -time.Hour), cpuQuery))},
	})
	e.must(behind.WaitReady(30 * time.Second))
	e.waitSeries(behind, `csched_load_nodes{source="prometheus",metric="cpu",state="missing"}`, 4, 20*time.Second)
	e.burst("behind", 12, "100m", "64Mi")
	count := perNode(e.waitBound(13, 20*time.Second))
	for _, node := range nodes {
		if count[node] < 2 || count[node] > 5 {
			e.Errorf("without figures pods go by requests: %v", count)
			break
		}
	}
}
