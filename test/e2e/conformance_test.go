package e2e

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/c-sched/c-sched/test/e2e/cluster"
)

// requestCase is an entry of conformance/requests.yaml, whose head says what its members mean.
type requestCase struct {
	Name    string
	Method  string
	Path    string
	Headers map[string]string
	Body    any
	Base64  string
	Want    answer
	Save    map[string]string
	Watch   string
	During  []requestCase
	Events  []wantedEvent
	Ends    bool
}

type answer struct {
	Status      int
	Reason      *string
	Message     string
	ContentType string `yaml:"contentType"`
	Fields      map[string]any
	Items       []string
}

type wantedEvent struct {
	Type, Name string
	Fields     map[string]any
}

// server is one of the two that must agree.
type server struct {
	*testing.T
	url    string
	client *http.Client
	saved  map[string]string
}

// One table of requests, and two servers: what it says of both is what kubesim promises.
func TestConformance(t *testing.T) {
	e := begin(t)
	e.needsCSched()
	var cases []requestCase
	text, err := os.ReadFile("conformance/requests.yaml")
	e.must(err)
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	e.must(decoder.Decode(&cases))
	if len(cases) < 100 {
		t.Fatalf("only %d cases", len(cases))
	}
	t.Run("kube-apiserver", func(t *testing.T) { newServer(t, e.realServer(t), e.ns).runAll(cases) })
	t.Run("kubesim", func(t *testing.T) { newServer(t, e.kubesim(t), e.ns).runAll(cases) })
}

// realServer starts an API server whose objects nobody else changes.
func (e *test) realServer(t *testing.T) *rest.Config {
	c, err := cluster.Start(cluster.Options{Dir: t.TempDir(), BinDir: tool("")})
	e.must(err)
	t.Cleanup(c.Stop)
	e.must(c.CreateNamespace(e.ctx, e.ns))
	return c.RESTConfig(cluster.UserAdmin)
}

func (e *test) kubesim(t *testing.T) *rest.Config {
	dir := t.TempDir()
	kubeconfig := filepath.Join(dir, "kubeconfig")
	p, err := cluster.StartProcess(cluster.Command{
		Name: "kubesim", Path: built("kubesim"), LogDir: dir,
		Args: []string{"--port=0", "--kubeconfig-out=" + kubeconfig, "--kubelet-delay=-1"},
	})
	e.must(err)
	t.Cleanup(func() {
		p.Kill()
		if t.Failed() {
			t.Log(p.LogTail(20))
		}
	})
	var config *rest.Config
	e.must(cluster.Eventually(5*time.Second, func() error {
		config, err = clientcmd.BuildConfigFromFlags("", kubeconfig)
		return err
	}))
	return config
}

func newServer(t *testing.T, config *rest.Config, namespace string) *server {
	t.Helper()
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		t.Fatal(err)
	}
	s := &server{T: t, url: config.Host, client: client, saved: map[string]string{"ns": namespace}}
	body := map[string]any{"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": "${ns}"}}
	response := s.send(&requestCase{Method: "POST", Path: "/api/v1/namespaces", Body: body})
	if response.status != 201 && response.status != 409 {
		t.Fatalf("the namespace: %d %s", response.status, response.body)
	}
	return s
}

func (s *server) runAll(cases []requestCase) {
	for i := range cases {
		if cases[i].Watch != "" {
			s.runWatch(&cases[i])
		} else {
			s.run(&cases[i])
		}
	}
}

func (s *server) run(c *requestCase) {
	response := s.send(c)
	s.check(c, response)
	for name, path := range c.Save {
		value, found := lookup(response.object, path)
		if !found {
			s.Errorf("%s: nothing to save at %s: %s", c.Name, path, response.body)
		}
		s.saved[name] = fmt.Sprint(value)
	}
}

// ---- requests ----

// response is an answer read to its end; object is its JSON, nil where it is none.
type response struct {
	status      int
	contentType string
	body        []byte
	object      any
}

func (s *server) send(c *requestCase) response {
	request := s.request(context.Background(), c, c.Path)
	answer, err := s.client.Do(request)
	if err != nil {
		s.Fatalf("%s: %v", c.Name, err)
	}
	return s.read(c, answer)
}

func (s *server) read(c *requestCase, answer *http.Response) response {
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		s.Fatalf("%s: %v", c.Name, err)
	}
	r := response{status: answer.StatusCode, contentType: answer.Header.Get("Content-Type"), body: body}
	if strings.HasPrefix(r.contentType, "application/json") {
		if err := json.Unmarshal(body, &r.object); err != nil {
			s.Errorf("%s: not JSON: %v: %s", c.Name, err, body)
		}
	}
	return r
}

func (s *server) request(ctx context.Context, c *requestCase, path string) *http.Request {
	method := c.Method
	if method == "" {
		method = http.MethodGet
	}
	request, err := http.NewRequestWithContext(ctx, method, s.url+s.expand(path), bytes.NewReader(s.body(c)))
	if err != nil {
		s.Fatalf("%s: %v", c.Name, err)
	}
	request.Header.Set("Accept", "application/json")
	request.Header.Set("Content-Type", "application/json")
	for name, value := range c.Headers {
		request.Header.Set(name, s.expand(value))
	}
	return request
}

func (s *server) body(c *requestCase) []byte {
	switch body := s.expandAll(c.Body).(type) {
	case nil:
		decoded, err := base64.StdEncoding.DecodeString(c.Base64)
		if err != nil {
			s.Fatalf("%s: %v", c.Name, err)
		}
		return decoded
	case string:
		return []byte(body)
	default:
		text, err := json.Marshal(body)
		if err != nil {
			s.Fatalf("%s: %v", c.Name, err)
		}
		return text
	}
}

var variable = regexp.MustCompile(`\$\{(\w+)\}`)

// expand puts in what was saved.
func (s *server) expand(text string) string {
	return variable.ReplaceAllStringFunc(text, func(match string) string {
		value, known := s.saved[match[2:len(match)-1]]
		if !known {
			s.Errorf("%s is not known", match)
		}
		return value
	})
}

func (s *server) expandAll(value any) any {
	switch value := value.(type) {
	case string:
		return s.expand(value)
	case []any:
		list := make([]any, len(value))
		for i := range value {
			list[i] = s.expandAll(value[i])
		}
		return list
	case map[string]any:
		object := map[string]any{}
		for key := range value {
			object[key] = s.expandAll(value[key])
		}
		return object
	default:
		return value
	}
}

// ---- answers ----

func (s *server) check(c *requestCase, r response) {
	complain := func(format string, args ...any) {
		s.Errorf("%s: %s\n\t%d %s", c.Name, fmt.Sprintf(format, args...), r.status, shorten(r.body))
	}
	want := c.Want
	if want.Status != 0 && r.status != want.Status {
		complain("the status is not %d", want.Status)
		return
	}
	if !strings.HasPrefix(r.contentType, want.ContentType) {
		complain("the content type is %s, not %s", r.contentType, want.ContentType)
	}
	status, _ := r.object.(map[string]any)
	if reason, _ := status["reason"].(string); want.Reason != nil && reason != *want.Reason {
		complain("the reason is %q, not %q", reason, *want.Reason)
	}
	if want.Message != "" {
		pattern := regexp.MustCompile(s.expand(want.Message))
		if message, _ := status["message"].(string); !pattern.MatchString(message) {
			complain("the message is %q, not %s", message, pattern)
		}
	}
	for _, difference := range s.fieldsDiffer(want.Fields, r.object) {
		complain("%s", difference)
	}
	if want.Items != nil {
		if names := itemNames(status["items"]); !slices.Equal(names, s.expandStrings(want.Items)) {
			complain("the items are %v, not %v", names, want.Items)
		}
	}
}

func shorten(body []byte) string {
	const limit = 600
	if len(body) > limit {
		return string(body[:limit]) + "..."
	}
	return string(body)
}

func (s *server) expandStrings(texts []string) []string {
	expanded := make([]string, len(texts))
	for i := range texts {
		expanded[i] = s.expand(texts[i])
	}
	return expanded
}

func itemNames(items any) []string {
	names := []string{}
	list, _ := items.([]any)
	for i := range list {
		name, _ := lookup(list[i], "metadata.name")
		names = append(names, fmt.Sprint(name))
	}
	return names
}

func (s *server) fieldsDiffer(fields map[string]any, object any) []string {
	var differences []string
	for _, path := range slices.Sorted(maps.Keys(fields)) {
		want := s.expandAll(fields[path])
		got, found := lookup(object, path)
		switch {
		case want == nil && found:
			differences = append(differences, fmt.Sprintf("%s is there: %v", path, got))
		case want != nil && !same(want, got):
			differences = append(differences, fmt.Sprintf("%s is %v, not %v", path, got, want))
		}
	}
	return differences
}

// same compares a value of the YAML table with one of JSON, where all numbers are float64.
func same(want, got any) bool {
	if number, ok := want.(int); ok {
		want = float64(number)
	}
	return reflect.DeepEqual(want, got)
}

// lookup follows a path: keys and indexes separated by dots, a dot in a key written "\.".
func lookup(value any, path string) (any, bool) {
	parts := strings.Split(strings.ReplaceAll(path, `\.`, "\x00"), ".")
	for _, part := range parts {
		part = strings.ReplaceAll(part, "\x00", ".")
		switch container := value.(type) {
		case map[string]any:
			member, found := container[part]
			if !found {
				return nil, false
			}
			value = member
		case []any:
			i, err := strconv.Atoi(part)
			if err != nil || i < 0 || i >= len(container) {
				return nil, false
			}
			value = container[i]
		default:
			return nil, false
		}
	}
	return value, true
}

// ---- watches ----

// seen is what a watch delivers.
type seen struct {
	Type   string
	Object any
}

const (
	eventLimit = time.Minute
	silence    = 300 * time.Millisecond
)

func (s *server) runWatch(c *requestCase) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	answer, err := s.client.Do(s.request(ctx, c, c.Watch))
	if err != nil {
		s.Fatalf("%s: %v", c.Name, err)
	}
	if answer.StatusCode != http.StatusOK {
		s.check(c, s.read(c, answer))
		return
	}
	defer answer.Body.Close()
	s.check(c, response{status: answer.StatusCode, contentType: answer.Header.Get("Content-Type")})
	events := make(chan seen, 100)
	go receive(answer, events)
	for i := range c.During {
		s.run(&c.During[i])
	}
	for _, want := range c.Events {
		if !s.nextEvent(c, want, events) {
			return
		}
	}
	s.afterwards(c, events)
}

// receive hands on what arrives and closes the channel at the end of the stream. A bookmark without
// annotations may come at any time and says nothing.
func receive(answer *http.Response, events chan<- seen) {
	defer close(events)
	if !strings.HasPrefix(answer.Header.Get("Content-Type"), "application/json") {
		_, _ = io.Copy(io.Discard, answer.Body)
		return
	}
	decoder := json.NewDecoder(answer.Body)
	for {
		var event seen
		if decoder.Decode(&event) != nil {
			return
		}
		if _, telling := lookup(event.Object, "metadata.annotations"); telling || event.Type != "BOOKMARK" {
			events <- event
		}
	}
}

func (s *server) nextEvent(c *requestCase, want wantedEvent, events <-chan seen) bool {
	select {
	case got, open := <-events:
		if !open {
			s.Errorf("%s: the watch ended before %s %s", c.Name, want.Type, want.Name)
			return false
		}
		name, _ := lookup(got.Object, "metadata.name")
		if got.Type != want.Type || want.Name != "" && name != s.expand(want.Name) {
			s.Errorf("%s: %s %v instead of %s %s", c.Name, got.Type, name, want.Type, want.Name)
			return false
		}
		for _, difference := range s.fieldsDiffer(want.Fields, got.Object) {
			s.Errorf("%s: %s %s: %s", c.Name, want.Type, want.Name, difference)
		}
		return true
	case <-time.After(eventLimit):
		s.Errorf("%s: no %s %s", c.Name, want.Type, want.Name)
		return false
	}
}

func (s *server) afterwards(c *requestCase, events <-chan seen) {
	wait := silence
	if c.Ends {
		wait = eventLimit
	}
	select {
	case got, open := <-events:
		switch {
		case open:
			s.Errorf("%s: %s %v was not expected", c.Name, got.Type, got.Object)
		case !c.Ends:
			s.Errorf("%s: the watch ended", c.Name)
		}
	case <-time.After(wait):
		if c.Ends {
			s.Errorf("%s: the watch did not end", c.Name)
		}
	}
}
