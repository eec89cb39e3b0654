package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/c-sched/c-sched/test/e2e/cluster"
)

// What one of Istio's sidecars exposes at /stats/prometheus: names of metrics and labels are those of Istio's
// reference (istio.io/latest/docs/reference/config/metrics), their order and the values of labels as in output of
// proxies that people publish, the buckets Envoy's default histogram buckets; numbers are ours.

// istioBuckets are the upper bounds of a duration, in milliseconds.
var istioBuckets = []string{
	"0.5", "1", "5", "10", "25", "50", "100", "250", "500", "1000", "2500", "5000", "10000", "30000", "60000",
	"300000", "600000", "1800000", "3600000", "+Inf",
}

// istioLabels are those of one direction of traffic, as told by the proxy of its source or its destination.
func istioLabels(reporter, source, destination, rest string) string {
	text := fmt.Sprintf(`reporter=%q`, reporter)
	for _, end := range []struct{ is, name string }{{"source", source}, {"destination", destination}} {
		for _, label := range []struct{ name, value string }{
			{"workload", end.name}, {"canonical_service", end.name}, {"canonical_revision", "latest"},
			{"workload_namespace", "shop"}, {"principal", "spiffe://cluster.local/ns/shop/sa/" + end.name},
			{"app", end.name}, {"version", "unknown"}, {"cluster", "Kubernetes"},
		} {
			text += fmt.Sprintf(`,%s_%s=%q`, end.is, label.name, label.value)
		}
	}
	return text + fmt.Sprintf(`,destination_service="%[1]s.shop.svc.cluster.local",destination_service_name=%[1]q,`+
		`destination_service_namespace="shop",%[2]s,response_flags="-",connection_security_policy="mutual_tls"`,
		destination, rest)
}

// istioHistogram is a histogram of durations: so many requests were no slower than a bound, `each` times as many by
// now.
func istioHistogram(labels string, within map[string]int, each int) string {
	const name = "istio_request_duration_milliseconds"
	text, n := "", 0
	for _, bound := range istioBuckets {
		n = max(n, within[bound])
		text += fmt.Sprintf("%s_bucket{%s,le=%q} %d\n", name, labels, bound, n*each)
	}
	return text + fmt.Sprintf("%[1]s_sum{%[2]s} %[3]d.5\n%[1]s_count{%[2]s} %[4]d\n", name, labels, 40*n*each, n*each)
}

// sidecar is what the proxy of a pod of `api` exposes: 48 TCP connections are open to it; of its requests 95 % take 75
// ms at most. What it tells of the connections and requests of its own is not the node's.
func sidecar(seconds int) string {
	tcp, web := `request_protocol="tcp"`, `request_protocol="http",response_code="200",grpc_response_status=""`
	failed := strings.ReplaceAll(web, "200", "503")
	return `# TYPE istio_build gauge
istio_build{component="proxy",tag="1.28.0"} 1
# TYPE istio_tcp_connections_opened_total counter
istio_tcp_connections_opened_total{` + istioLabels("destination", "web", "api", tcp) + `} 40
istio_tcp_connections_opened_total{` + istioLabels("destination", "cron", "api", tcp) + `} 20
istio_tcp_connections_opened_total{` + istioLabels("source", "api", "db", tcp) + `} 700
# TYPE istio_tcp_connections_closed_total counter
istio_tcp_connections_closed_total{` + istioLabels("destination", "web", "api", tcp) + `} 12
# TYPE istio_request_duration_milliseconds histogram
` + istioHistogram(istioLabels("destination", "web", "api", web), map[string]int{"25": 60, "50": 90, "100": 98}, seconds) +
		istioHistogram(istioLabels("destination", "web", "api", failed), map[string]int{"100": 2}, seconds) +
		istioHistogram(istioLabels("source", "api", "db", web), map[string]int{"1000": 900}, seconds) + `
# TYPE envoy_cluster_upstream_cx_active gauge
envoy_cluster_upstream_cx_active{cluster_name="xds-grpc"} 1
`
}

// podJob scrapes a pod's proxy, with the labels that a scrape configuration gives its series.
func podJob(name string, port int, labels string) string {
	return scrapeJob(name, port, "/stats/prometheus") + "    labels: {namespace: shop, " + labels + "}\n"
}

// valuesByNode is what Prometheus answers to a query, by node.
func (e *test) valuesByNode(port int, query string) map[string]float64 {
	e.Helper()
	response, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/api/v1/query?query=%s", port, url.QueryEscape(query)))
	e.must(err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	e.must(err)
	var answer struct {
		Data struct {
			Result []struct {
				Metric map[string]string
				Value  []any
			}
		}
	}
	e.must(json.Unmarshal(body, &answer))
	values := map[string]float64{}
	for _, series := range answer.Data.Result {
		value, err := strconv.ParseFloat(series.Value[1].(string), 64)
		e.must(err)
		values[series.Metric["node"]] = value
	}
	return values
}

// A real Prometheus scrapes proxies of Istio's as Istio's add-on does (which names the node of a pod), twice where
// they serve the same at two ports, and as PodMonitors do (which do not: kube-state-metrics knows where it runs).
func TestIstio(t *testing.T) {
	e := begin(t)
	e.needsCSched()
	nodes := e.nodes(3, cluster.Node{Name: "node", CPU: "8", Memory: "32Gi", Pods: 110})
	start := time.Now()
	proxy := func() int { return e.startExporter(func() string { return sidecar(int(time.Since(start).Seconds())) }) }
	state := "# TYPE kube_node_info gauge\n"
	for _, node := range nodes {
		state += fmt.Sprintf("kube_node_info{node=%q,kernel_version=\"6.1\",kubelet_version=\"v1.36.3\"} 1\n", node)
	}
	state += fmt.Sprintf("# TYPE kube_pod_info gauge\n"+
		`kube_pod_info{namespace="shop",pod="api-1",host_ip="10.0.0.2",pod_ip="10.1.0.2",uid="6f0c",node=%q,`+
		`created_by_kind="ReplicaSet",created_by_name="api",priority_class="",host_network="false"} 1`+"\n", nodes[1])
	prometheus := e.startPrometheus(0,
		podJob("kubernetes-pods", proxy(), fmt.Sprintf("pod: api-0, node: %q", nodes[0])),
		podJob("merged", proxy(), fmt.Sprintf("pod: api-0, node: %q", nodes[0])),
		podJob("pod-monitor", proxy(), "pod: api-1, pod_name: api-1, container: istio-proxy"),
		scrapeJob("kube-state-metrics", e.startExporter(func() string { return state }), "/metrics"))
	connections, _, _ := queryText(t, "istio-connections", "connections")
	duration, _, _ := queryText(t, "istio-response-time", "responseTime")
	want := map[string]float64{nodes[0]: 48, nodes[1]: 48, nodes[2]: 0}
	e.must(cluster.Eventually(30*time.Second, func() error {
		open := e.valuesByNode(prometheus.Port, connections)
		if fmt.Sprint(open) != fmt.Sprint(want) {
			return fmt.Errorf("open connections are %v, not %v", open, want)
		}
		slow := e.valuesByNode(prometheus.Port, duration)
		if len(slow) != 2 || math.Abs(slow[nodes[0]]-0.075) > 1e-6 || math.Abs(slow[nodes[1]]-0.075) > 1e-6 {
			return fmt.Errorf("95 %% of requests take %v, not 0.075 s", slow)
		}
		return nil
	}))
	words, status := e.probe(loadSource(prometheus.Port, "{metric: connections, query: 'builtin:istio-connections'}",
		"{metric: responseTime, query: 'builtin:istio-response-time'}"))
	e.wantWords(words, "connections: 3 of 3 nodes", "responseTime: 2 of 3 nodes")
	if status != 0 {
		e.Errorf("check-config --probe: exit status %d", status)
	}
	e.Log(words)
}
