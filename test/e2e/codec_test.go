package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/rest"

	"github.com/c-sched/c-sched/test/e2e/cluster"
)

// Objects that the API server hands out in both wire formats, %s in their path being the namespace, and the
// places of some values that have to survive.
var codecObjects = []struct {
	kind, apiVersion, path string
	holds                  map[string]string
}{
	{"Pod", "v1", "/api/v1/namespaces/%s/pods/simple", map[string]string{
		".spec.schedulerName": "nobody", ".spec.containers[0].image": "registry.example.com/app:1.0",
	}},
	{"Pod", "v1", "/api/v1/namespaces/%s/pods/rich", map[string]string{
		".spec.containers[0].resources.requests.memory":        "1M",
		".spec.containers[0].resources.limits.example.com/gpu": "1",
		".spec.containers[0].ports[1].hostPort":                "53",
		".spec.initContainers[1].restartPolicy":                "Always",
		".spec.tolerations[0].value":                           "gpu",
		".spec.nodeSelector.disk":                              "ssd",
		".spec.priority":                                       "2000001000",
		".spec.schedulingGates[0].name":                        "example.com/gate",
		".spec.resourceClaims[0].name":                         "gpu",
		".spec.topologySpreadConstraints[0].topologyKey":       "kubernetes.io/hostname",
		".spec.volumes[1].persistentVolumeClaim.claimName":     "data",
		".status.conditions[0].reason":                         "SchedulingGated",
	}},
	{"Node", "v1", "/api/v1/nodes/%s-rich", map[string]string{
		".status.allocatable.cpu": "2m", ".status.capacity.ephemeral-storage": "100e9", ".spec.taints[1].effect": "NoExecute",
		".spec.unschedulable": "true",
	}},
	{"Namespace", "v1", "/api/v1/namespaces/%s", map[string]string{".status.phase": "Active"}},
	{"Service", "v1", "/api/v1/namespaces/%s/services/web", map[string]string{".spec.selector.app": "rich"}},
	{"Deployment", "apps/v1", "/apis/apps/v1/namespaces/%s/deployments/web", map[string]string{
		".spec.selector.matchLabels.app": "web", ".spec.template.spec.containers[0].name": "web",
	}},
	{"ReplicaSet", "apps/v1", "/apis/apps/v1/namespaces/%s/replicasets/set", map[string]string{
		".spec.replicas": "2", ".spec.template.spec.schedulerName": "nobody",
	}},
	{"StatefulSet", "apps/v1", "/apis/apps/v1/namespaces/%s/statefulsets/set", map[string]string{
		".spec.selector.matchLabels.app": "set", ".spec.ordinals.start": "3", ".spec.serviceName": "web",
	}},
	{"ReplicationController", "v1", "/api/v1/namespaces/%s/replicationcontrollers/set", map[string]string{
		".spec.selector.app": "rc", ".spec.template.spec.schedulerName": "nobody",
	}},
	{"Lease", "coordination.k8s.io/v1", "/apis/coordination.k8s.io/v1/namespaces/%s/leases/lease", map[string]string{
		".spec.renewTime": "2026-05-01T10:11:12.123456Z", ".spec.leaseTransitions": "3",
	}},
	{"Event", "events.k8s.io/v1", "/apis/events.k8s.io/v1/namespaces/%s/events/event", map[string]string{
		".eventTime": "2026-05-01T10:11:12.000001Z", ".regarding.name": "rich", ".series.count": "3",
	}},
}

// What the API server says in protobuf and in JSON reads as the same object, holds nothing the JSON does not
// hold, and stays the same when what was written is read again.
func TestCodec(t *testing.T) {
	e := begin(t)
	manifest, err := os.ReadFile("testdata/rich.yaml")
	e.must(err)
	_, err = e.Kubectl(strings.ReplaceAll(string(manifest), "NAMESPACE", e.ns),
		"apply", "--server-side", "--namespace="+e.ns, "-f", "-")
	e.must(err)
	// Let the controllers finish, so that both readings are of one version.
	time.Sleep(2 * time.Second)
	client, err := rest.HTTPClientFor(e.RESTConfig(cluster.UserAdmin))
	e.must(err)
	for _, object := range codecObjects {
		t.Run(object.kind, func(t *testing.T) {
			e := e.with(t)
			url := e.URL() + strings.ReplaceAll(object.path, "%s", e.ns)
			text := e.download(client, url, "application/json")
			binary := e.download(client, url, "application/vnd.kubernetes.protobuf")
			fromText := e.codec(text, object.kind, object.apiVersion, "json")
			fromBinary := e.codec(binary, object.kind, object.apiVersion, "protobuf")
			e.sameJSON("protobuf and JSON", fromBinary, fromText)
			again := e.codec(fromText, object.kind, object.apiVersion, "json")
			e.sameJSON("written and read again", again, fromText)
			read := parse(e, fromText)
			for _, difference := range notIn("", read, parse(e, text)) {
				t.Error(difference)
			}
			values := map[string]string{}
			leaves("", read, values)
			for path, want := range object.holds {
				if values[path] != want {
					t.Errorf("%s is %q, not %q", path, values[path], want)
				}
			}
		})
	}
}

func (e *test) download(client *http.Client, url, accept string) []byte {
	e.Helper()
	request, err := http.NewRequestWithContext(e.ctx, http.MethodGet, url, nil)
	e.must(err)
	request.Header.Set("Accept", accept)
	response, err := client.Do(request)
	e.must(err)
	defer response.Body.Close()
	if got := response.Header.Get("Content-Type"); got != accept {
		e.Fatalf("%s is %s", url, got)
	}
	body, err := io.ReadAll(response.Body)
	e.must(err)
	return body
}

func (e *test) codec(input []byte, kind, apiVersion, format string) []byte {
	e.Helper()
	stdout, stderr, status, err := cluster.RunOnce(10*time.Second, nil, string(input),
		built("test/oracle/codec"), kind, apiVersion, format, "normal")
	e.must(err)
	if status != 0 {
		e.Fatalf("codec %s %s: exit status %d: %s", kind, format, status, stderr)
	}
	return []byte(stdout)
}

func (e *test) sameJSON(what string, got, want []byte) {
	e.Helper()
	if !bytes.Equal(got, want) {
		e.Errorf("%s differ:\n%s\n%s", what, got, want)
	}
}

// parse keeps numbers as they are written.
func parse(e *test, text []byte) any {
	e.Helper()
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var value any
	e.must(decoder.Decode(&value))
	return value
}

// notIn lists what is in part and not, or differently, in whole.
func notIn(path string, part, whole any) []string {
	switch part := part.(type) {
	case map[string]any:
		object, _ := whole.(map[string]any)
		var found []string
		for key, value := range part {
			found = append(found, notIn(path+"."+key, value, object[key])...)
		}
		return found
	case []any:
		list, _ := whole.([]any)
		if len(list) != len(part) {
			return []string{fmt.Sprintf("%s has %d elements, not %d", path, len(part), len(list))}
		}
		var found []string
		for i := range part {
			found = append(found, notIn(fmt.Sprintf("%s[%d]", path, i), part[i], list[i])...)
		}
		return found
	default:
		if !reflect.DeepEqual(part, whole) {
			return []string{fmt.Sprintf("%s is %v, not %v", path, part, whole)}
		}
		return nil
	}
}

// leaves lists all values by their paths.
func leaves(path string, value any, found map[string]string) {
	switch value := value.(type) {
	case map[string]any:
		for key, member := range value {
			leaves(path+"."+key, member, found)
		}
	case []any:
		for i, element := range value {
			leaves(fmt.Sprintf("%s[%d]", path, i), element, found)
		}
	default:
		found[path] = fmt.Sprint(value)
	}
}
