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

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
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
	e.waitQuiet()
	client, err := rest.HTTPClientFor(e.RESTConfig(cluster.UserAdmin))
	e.must(err)
	for _, object := range codecObjects {
		t.Run(object.kind, func(t *testing.T) {
			e := e.with(t)
			url := e.URL() + strings.ReplaceAll(object.path, "%s", e.ns)
			text, binary := e.bothFormats(client, url)
			fromText := e.codec(text, "object", object.kind, object.apiVersion, "json", "normal")
			fromBinary := e.codec(binary, "object", object.kind, object.apiVersion, "protobuf", "normal")
			e.sameJSON("protobuf and JSON", fromBinary, fromText)
			again := e.codec(fromText, "object", object.kind, object.apiVersion, "json", "normal")
			e.sameJSON("written and read again", again, fromText)
			read := parse(e, fromText)
			for _, difference := range notIn("", read, parse(e, text)) {
				t.Error(difference)
			}
			e.holds(fromText, object.holds)
		})
	}
	t.Run("lists", func(t *testing.T) { e.with(t).codecLists(client) })
	t.Run("watches", func(t *testing.T) { e.with(t).codecWatches(client) })
	t.Run("statuses", func(t *testing.T) { e.with(t).codecStatuses(client) })
	t.Run("bindings", func(t *testing.T) { e.with(t).codecBindings(client) })
}

// Lists of the same moment, whole and by pages.
func (e *test) codecLists(client *http.Client) {
	pods, err := e.Admin.CoreV1().Pods(e.ns).List(e.ctx, metav1.ListOptions{})
	e.must(err)
	exact := "resourceVersion=" + pods.ResourceVersion + "&resourceVersionMatch=Exact"
	for _, list := range []struct {
		kind, apiVersion, path string
		items                  int
		more                   bool
	}{
		{"Pod", "v1", "/api/v1/namespaces/" + e.ns + "/pods?" + exact + "&limit=100", len(pods.Items), false},
		{"Pod", "v1", "/api/v1/namespaces/" + e.ns + "/pods?" + exact + "&limit=1", 1, true},
		{"Service", "v1", "/api/v1/namespaces/" + e.ns + "/services?" + exact + "&limit=100", 1, false},
		{"StatefulSet", "apps/v1", "/apis/apps/v1/namespaces/" + e.ns + "/statefulsets?" + exact + "&limit=100", 1, false},
		{"ReplicaSet", "apps/v1", "/apis/apps/v1/namespaces/nowhere/replicasets?" + exact + "&limit=100", 0, false},
	} {
		fromText, text := e.sameInBothFormats(client, "list", list.kind, list.apiVersion, list.path, "")
		read := parse(e, fromText).(map[string]any)
		if items := read["items"].([]any); len(items) != list.items {
			e.Errorf("%s has %d items, not %d", list.path, len(items), list.items)
		}
		metadata := read["metadata"].(map[string]any)
		if metadata["resourceVersion"] != pods.ResourceVersion {
			e.Errorf("%s: metadata is %v", list.path, metadata)
		}
		if _, more := metadata["continue"]; more != list.more {
			e.Errorf("%s: continue is there: %t", list.path, more)
		}
		for _, difference := range notIn("", read, parse(e, text)) {
			e.Error(difference)
		}
	}
}

// Events since the namespace was made, and the bookmark behind what exists.
func (e *test) codecWatches(client *http.Client) {
	namespace, err := e.Admin.CoreV1().Namespaces().Get(e.ctx, e.ns, metav1.GetOptions{})
	e.must(err)
	change := []byte(`{"metadata":{"labels":{"changed":"yes"}}}`)
	_, err = e.Admin.CoreV1().Pods(e.ns).Patch(e.ctx, "simple", types.MergePatchType, change, metav1.PatchOptions{})
	e.must(err)
	watch := "/api/v1/namespaces/" + e.ns + "/pods?watch=1&timeoutSeconds=2&resourceVersion=" + namespace.ResourceVersion
	fromText, _ := e.sameInBothFormats(client, "watch", "Pod", "v1", watch, ";stream=watch")
	for _, word := range []string{`{"type":"ADDED","object":{"kind":"Pod","apiVersion":"v1",`, `{"type":"MODIFIED",`} {
		if !bytes.Contains(fromText, []byte(word)) {
			e.Errorf("no %s in %s", word, fromText)
		}
	}
	for i, line := range bytes.Split(bytes.TrimSpace(fromText), []byte("\n")) {
		if len(parse(e, line).(map[string]any)) != 2 {
			e.Errorf("event %d is %s", i, line)
		}
	}
	watch = "/api/v1/namespaces/" + e.ns + "/services?watch=1&timeoutSeconds=2&sendInitialEvents=true" +
		"&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"
	for accept, format := range map[string]string{"application/json": "json", "application/vnd.kubernetes.protobuf;stream=watch": "protobuf"} {
		read := e.codec(e.download(client, e.URL()+watch, accept), "watch", "Service", "v1", format, "normal")
		if !bytes.Contains(read, []byte(`"k8s.io/initial-events-end":"true"`)) || !bytes.Contains(read, []byte(`{"type":"BOOKMARK",`)) {
			e.Errorf("%s: no bookmark in %s", format, read)
		}
	}
}

// Refusals with and without causes.
func (e *test) codecStatuses(client *http.Client) {
	fromText, _ := e.sameInBothFormats(client, "object", "Status", "v1", "/api/v1/namespaces/"+e.ns+"/pods/nope", "")
	e.holds(fromText, map[string]string{
		".status": "Failure", ".code": "404", ".reason": "NotFound", ".message": `pods "nope" not found`,
		".details.name": "nope", ".details.kind": "pods",
	})
	bad := `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"UPPER"},"spec":{"containers":[]}}`
	var read [2][]byte
	for i, accept := range []string{"application/json", "application/vnd.kubernetes.protobuf"} {
		status, body := e.post(client, "/api/v1/namespaces/"+e.ns+"/pods", "application/json", accept, []byte(bad))
		if status != http.StatusUnprocessableEntity {
			e.Errorf("a bad pod: %d %s", status, body)
		}
		read[i] = e.codec(body, "object", "Status", "v1", []string{"json", "protobuf"}[i], "normal")
	}
	e.sameJSON("protobuf and JSON", read[1], read[0])
	e.holds(read[0], map[string]string{
		".code": "422", ".reason": "Invalid", ".details.name": "UPPER", ".details.causes[0].field": "metadata.name",
		".details.causes[0].reason": "FieldValueInvalid",
	})
}

// A Binding as we write it in either form is what the server reads, and its answer is a Status.
func (e *test) codecBindings(client *http.Client) {
	for i, format := range []string{"json", "protobuf"} {
		name := "to-bind-" + format
		created, err := e.Admin.CoreV1().Pods(e.ns).Create(e.ctx, &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Name: name},
			Spec:       corev1.PodSpec{SchedulerName: "nobody", Containers: []corev1.Container{{Name: "c", Image: "i:1"}}},
		}, metav1.CreateOptions{})
		e.must(err)
		text := fmt.Sprintf(`{"apiVersion":"v1","kind":"Binding","metadata":{"name":%q,"namespace":%q,"uid":%q},`+
			`"target":{"kind":"Node","name":"%s-rich"}}`, name, e.ns, created.UID, e.ns)
		mime := []string{"application/json", "application/vnd.kubernetes.protobuf"}[i]
		arguments := []string{"object", "Binding", "v1", "json"}
		if format == "protobuf" {
			arguments = append(arguments, "protobuf")
		}
		body := e.codec([]byte(text), arguments...)
		if format == "protobuf" {
			e.sameJSON("the Binding read again", e.codec(body, "object", "Binding", "v1", "protobuf", "normal"),
				e.codec([]byte(text), "object", "Binding", "v1", "json", "normal"))
		}
		status, answer := e.post(client, "/api/v1/namespaces/"+e.ns+"/pods/"+name+"/binding", mime, mime, body)
		if status != http.StatusCreated {
			e.Errorf("%s: %d %s", format, status, answer)
			continue
		}
		e.holds(e.codec(answer, "object", "Status", "v1", format, "normal"), map[string]string{".status": "Success", ".code": "201"})
		bound, err := e.Admin.CoreV1().Pods(e.ns).Get(e.ctx, name, metav1.GetOptions{})
		e.must(err)
		if bound.Spec.NodeName != e.ns+"-rich" {
			e.Errorf("%s: bound to %q", format, bound.Spec.NodeName)
		}
	}
}

// sameInBothFormats reads a path in both formats, compares what the codec makes of them, and returns that and
// the server's JSON. suffix is what a watch adds to the protobuf media type.
func (e *test) sameInBothFormats(client *http.Client, form, kind, apiVersion, path, suffix string) ([]byte, []byte) {
	e.Helper()
	text := e.download(client, e.URL()+path, "application/json")
	binary := e.download(client, e.URL()+path, "application/vnd.kubernetes.protobuf"+suffix)
	fromText := e.codec(text, form, kind, apiVersion, "json", "normal")
	e.sameJSON("protobuf and JSON", e.codec(binary, form, kind, apiVersion, "protobuf", "normal"), fromText)
	return fromText, text
}

func (e *test) holds(text []byte, want map[string]string) {
	e.Helper()
	values := map[string]string{}
	leaves("", parse(e, text), values)
	for path, value := range want {
		if values[path] != value {
			e.Errorf("%s is %q, not %q", path, values[path], value)
		}
	}
}

func (e *test) post(client *http.Client, path, contentType, accept string, body []byte) (int, []byte) {
	e.Helper()
	request, err := http.NewRequestWithContext(e.ctx, http.MethodPost, e.URL()+path, bytes.NewReader(body))
	e.must(err)
	request.Header.Set("Content-Type", contentType)
	request.Header.Set("Accept", accept)
	response, err := client.Do(request)
	e.must(err)
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	e.must(err)
	return response.StatusCode, answer
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

// waitQuiet waits until controllers have not changed a pod for a second.
func (e *test) waitQuiet() {
	e.Helper()
	seen := ""
	e.must(cluster.Eventually(30*time.Second, func() error {
		pods, err := e.ListPods(e.ctx, e.ns)
		e.must(err)
		now := ""
		for _, pod := range pods {
			now += pod.Name + " " + pod.ResourceVersion + " "
		}
		if now == "" || now != seen {
			seen = now
			time.Sleep(time.Second)
			return fmt.Errorf("the pods still change: %s", now)
		}
		return nil
	}))
}

// bothFormats reads an object as JSON and in protobuf, both of one version: controllers may still be at work.
func (e *test) bothFormats(client *http.Client, url string) (text, binary []byte) {
	e.Helper()
	e.must(cluster.Eventually(30*time.Second, func() error {
		text = e.download(client, url, "application/json")
		binary = e.download(client, url, "application/vnd.kubernetes.protobuf")
		if !bytes.Equal(text, e.download(client, url, "application/json")) {
			return fmt.Errorf("%s changes all the time", url)
		}
		return nil
	}))
	return text, binary
}

func (e *test) codec(input []byte, arguments ...string) []byte {
	e.Helper()
	stdout, stderr, status, err := cluster.RunOnce(10*time.Second, nil, string(input), built("test/oracle/codec"), arguments...)
	e.must(err)
	if status != 0 {
		e.Fatalf("codec %s: exit status %d: %s", strings.Join(arguments, " "), status, stderr)
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
