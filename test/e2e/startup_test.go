package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/c-sched/c-sched/test/e2e/cluster"
)

// needsCSched leaves out what kube-scheduler does differently by design.
func (e *test) needsCSched() {
	e.Helper()
	if standIn {
		e.Skip("about c-sched alone")
	}
}

// refusal is a start that cannot succeed: its exit status, and what standard error has to name.
type refusal struct {
	args   []string
	status int
	names  []string
}

// What is wrong with the command line or with a file is said at once, by name.
func TestRefusesToStart(t *testing.T) {
	e := begin(t)
	e.needsCSched()
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		e.must(os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	const config = "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n"
	cases := map[string]refusal{
		"unknown flag": {[]string{"--no-such-flag"}, 2, []string{"no-such-flag"}},
		"bad number":   {[]string{"--secure-port=ninety"}, 2, []string{"secure-port", "ninety"}},
		"argument":     {[]string{"run-away"}, 2, []string{"run-away"}},
		"no kubeconfig": {
			[]string{"--kubeconfig=" + filepath.Join(dir, "absent")}, 1, []string{filepath.Join(dir, "absent")},
		},
		"broken kubeconfig": {
			[]string{"--kubeconfig=" + file("broken", "clusters: [{name: a")}, 1, []string{"broken"},
		},
		"kubeconfig without its context": {
			[]string{"--kubeconfig=" + file("context", "current-context: nowhere\n")}, 1, []string{"nowhere"},
		},
		"unknown field": {
			[]string{"--config=" + file("field.yaml", config+"profilez: []\n")}, 1, []string{"field.yaml", "profilez"},
		},
		"unknown plugin": {
			[]string{"--config=" + file("plugin.yaml", config+
				"profiles:\n- schedulerName: c-sched\n  plugins:\n    score:\n      enabled:\n      - name: Nonsense\n")},
			1, []string{"plugin.yaml", "Nonsense"},
		},
		"election without sense": {
			[]string{"--kubeconfig=" + schedulerKubeconfig, "--leader-elect-renew-deadline=20s"}, 1, []string{"RenewDeadline"},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) { e.with(t).refusesToStart(c) })
	}
}

func (e *test) refusesToStart(c refusal) {
	_, stderr, status, err := cluster.RunOnce(10*time.Second, nil, "", cSched, c.args...)
	e.must(err)
	if status != c.status {
		e.Errorf("exit status %d, not %d", status, c.status)
	}
	for _, name := range c.names {
		if !strings.Contains(stderr, name) {
			e.Errorf("standard error does not name %q: %s", name, stderr)
		}
	}
}

// A server that answers nonsense, refuses us or cannot be trusted may be different in a minute: c-sched says
// what is wrong, is not ready, keeps trying, and still ends at once when told to.
func TestUnusableServers(t *testing.T) {
	e := begin(t)
	e.needsCSched()
	web := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "<html><body>It works!</body></html>")
	}))
	defer web.Close()
	nobody, err := e.Kubeconfig(cluster.UserNobody)
	e.must(err)
	stranger, err := e.KubeconfigWithToken("stranger", "not-a-token")
	e.must(err)
	cases := map[string]struct{ kubeconfig, says string }{
		"no server":       {e.kubeconfigFor("https://127.0.0.1:1", "insecure-skip-tls-verify: true"), `(?i)refused|couldn't connect`},
		"not Kubernetes":  {e.kubeconfigFor(web.URL, "insecure-skip-tls-verify: true"), `(?i)html|not (a )?kubernetes|content.?type|protobuf`},
		"unknown issuer":  {e.kubeconfigFor(e.URL(), ""), `(?i)certificate`},
		"no rights":       {nobody, `(?i)forbidden.*(nodes|pods)|(nodes|pods).*forbidden`},
		"wrong token":     {stranger, `(?i)unauthorized|401`},
		"plain HTTP port": {e.kubeconfigFor(strings.Replace(e.URL(), "https:", "http:", 1), ""), `(?i)HTTP request to an HTTPS server|\b400\b`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) { e.with(t).unusable(c.kubeconfig, regexp.MustCompile(c.says)) })
	}
}

// kubeconfigFor writes a kubeconfig for any server; option is a further line for the cluster.
func (e *test) kubeconfigFor(server, option string) string {
	e.Helper()
	path := filepath.Join(e.TempDir(), "kubeconfig")
	text := fmt.Sprintf(`apiVersion: v1
kind: Config
current-context: c
clusters:
- name: c
  cluster:
    server: %s
    %s
users:
- name: u
  user: {token: none}
contexts:
- name: c
  context: {cluster: c, user: u}
`, server, option)
	e.must(os.WriteFile(path, []byte(text), 0o600))
	return path
}

func (e *test) unusable(kubeconfig string, says *regexp.Regexp) {
	name := e.ns + "-" + notInNames.ReplaceAllString(e.Name()[strings.LastIndex(e.Name(), "/")+1:], "-")
	s, err := e.StartCSched(cluster.SchedulerOptions{LogName: name, Binary: cSched, Kubeconfig: kubeconfig})
	e.must(err)
	e.stopAtEnd(s)
	e.must(cluster.Eventually(10*time.Second, func() error {
		if !says.MatchString(s.Log()) {
			return fmt.Errorf("the log does not say %s", says)
		}
		return nil
	}))
	e.must(cluster.Eventually(5*time.Second, func() error {
		if code := s.Get("/readyz"); code != http.StatusInternalServerError {
			return fmt.Errorf("/readyz answers %d", code)
		}
		return nil
	}))
	if !s.Running() {
		e.Fatal("it ended")
	}
	e.endsWithin(s, 2*time.Second)
}
