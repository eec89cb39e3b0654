package e2e

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	authv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/c-sched/c-sched/test/e2e/cluster"
)

// asker is somebody who asks a scheduler's own endpoints.
type asker struct {
	token       string
	certificate *tls.Certificate
	headers     map[string][]string
}

// ask returns the status and the body of GET path.
func (e *test) ask(s *cluster.Scheduler, who asker, path string) (int, string) {
	e.Helper()
	request, err := http.NewRequest(http.MethodGet, fmt.Sprintf("https://127.0.0.1:%d%s", s.Port, path), nil)
	e.must(err)
	for name, values := range who.headers {
		request.Header[name] = values
	}
	if who.token != "" {
		request.Header.Set("Authorization", "Bearer "+who.token)
	}
	config := &tls.Config{InsecureSkipVerify: true}
	if who.certificate != nil {
		// Whoever the server says it trusts: a stranger shows its certificate all the same.
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			return who.certificate, nil
		}
	}
	client := http.Client{
		Timeout: 30 * time.Second, Transport: &http.Transport{TLSClientConfig: config, DisableKeepAlives: true},
	}
	response, err := client.Do(request)
	e.must(err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	e.must(err)
	return response.StatusCode, string(body)
}

// serviceAccountToken makes a service account of the test's namespace and a token of it.
func (e *test) serviceAccountToken(name string) string {
	e.Helper()
	accounts := e.Admin.CoreV1().ServiceAccounts(e.ns)
	_, err := accounts.Create(e.ctx, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{})
	e.must(err)
	token, err := accounts.CreateToken(e.ctx, name, &authv1.TokenRequest{}, metav1.CreateOptions{})
	e.must(err)
	return token.Status.Token
}

// mayReadMetrics lets a service account and a group read /metrics and what is below it.
func (e *test) mayReadMetrics(account, group string) {
	e.Helper()
	meta := metav1.ObjectMeta{Name: e.ns}
	roles := e.Admin.RbacV1()
	_, err := roles.ClusterRoles().Create(e.ctx, &rbacv1.ClusterRole{
		ObjectMeta: meta,
		Rules:      []rbacv1.PolicyRule{{NonResourceURLs: []string{"/metrics", "/metrics/*"}, Verbs: []string{"get"}}},
	}, metav1.CreateOptions{})
	e.must(err)
	_, err = roles.ClusterRoleBindings().Create(e.ctx, &rbacv1.ClusterRoleBinding{
		ObjectMeta: meta, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: e.ns},
		Subjects: []rbacv1.Subject{
			{Kind: rbacv1.ServiceAccountKind, Namespace: e.ns, Name: account},
			{Kind: rbacv1.GroupKind, APIGroup: rbacv1.GroupName, Name: group},
		},
	}, metav1.CreateOptions{})
	e.must(err)
	e.Cleanup(func() {
		e.must(roles.ClusterRoleBindings().Delete(e.ctx, e.ns, metav1.DeleteOptions{}))
		e.must(roles.ClusterRoles().Delete(e.ctx, e.ns, metav1.DeleteOptions{}))
	})
}

// Who may read what: c-sched answers all sorts of clients as the real kube-scheduler, to the letter.
func TestWhoMayRead(t *testing.T) {
	e := begin(t)
	e.needsCSched()
	ours, foreign := e.newAuthority("clients"), e.newAuthority("clients")
	reader, other := e.serviceAccountToken("reader"), e.serviceAccountToken("other")
	e.mayReadMetrics("reader", "monitors")
	proxies := e.newAuthority("proxies")
	proxy := proxies.client(leaf{name: "front-proxy"})
	flags := []string{
		"--client-ca-file=" + e.pemFile("client-ca.crt", ours.pem),
		"--requestheader-client-ca-file=" + e.pemFile("proxies.crt", proxies.pem), "--requestheader-allowed-names=front-proxy",
	}
	mine, real := e.startBoth(append(flags, "--authentication-skip-lookup"))
	e.compareAnswers(mine, real, []asked{
		{"nobody in particular, an open path", asker{}, "/healthz", 200},
		{"nobody in particular", asker{}, "/metrics", 403},
		{"nobody in particular, an unknown path", asker{}, "/<no>/\"such&path", 403},
		{"a reader", asker{token: reader}, "/metrics", 200},
		{"a reader of other things", asker{token: reader}, "/configz", 403},
		{"another account", asker{token: other}, "/metrics", 403},
		{"nobody in particular, another path of metrics", asker{}, "/metrics/slis", 403},
		{"a reader, another path of metrics", asker{token: reader}, "/metrics/slis", 200},
		{"another account, another path of metrics", asker{token: other}, "/metrics/slis", 403},
		{"a token of nobody", asker{token: "nonsense"}, "/metrics", 401},
		{"a token of nobody, an open path", asker{token: "nonsense"}, "/healthz", 0},
		{"a certificate of a reader", asker{certificate: ours.client(leaf{name: "ann", organization: "monitors"})}, "/metrics", 200},
		{"a certificate of somebody", asker{certificate: ours.client(leaf{name: "bob"})}, "/metrics", 403},
		{"an administrator", asker{certificate: ours.client(leaf{name: "root", organization: "system:masters"})}, "/configz", 200},
		{"an administrator, an unknown path", asker{certificate: ours.client(leaf{name: "root", organization: "system:masters"})}, "/nothing", 404},
		{"an expired certificate", asker{certificate: ours.client(leaf{name: "ann", organization: "monitors", ends: -time.Minute})}, "/metrics", 401},
		{"a stranger's certificate", asker{certificate: foreign.client(leaf{name: "root", organization: "system:masters"})}, "/metrics", 401},
		{"a reader with a stranger's certificate", asker{token: reader, certificate: foreign.client(leaf{name: "eve"})}, "/metrics", 200},
		{"a reader with an expired certificate", asker{token: reader,
			certificate: ours.client(leaf{name: "eve", ends: -time.Minute})}, "/metrics", 200},
		{"a token of nobody with a stranger's certificate", asker{token: "nonsense",
			certificate: foreign.client(leaf{name: "eve"})}, "/metrics", 401},
		{"a stranger's certificate, an open path", asker{certificate: foreign.client(leaf{name: "eve"})}, "/healthz", 401},
		{"a reader behind a proxy", asker{certificate: proxy, headers: map[string][]string{
			"X-Remote-User": {"zoe"}, "X-Remote-Group": {"others", "monitors"}}}, "/metrics", 200},
		{"somebody behind a proxy", asker{certificate: proxy, headers: map[string][]string{
			"X-Remote-User": {"zoe"}, "X-Remote-Extra-Acme.com%2fproject": {"monitors"}}}, "/metrics", 403},
		{"an administrator behind a proxy", asker{certificate: proxy, headers: map[string][]string{
			"X-Remote-User": {"zoe"}, "X-Remote-Group": {"system:masters"}}}, "/configz", 200},
		{"a proxy that names nobody", asker{certificate: proxy}, "/metrics", 401},
		{"a proxy of another name", asker{certificate: proxies.client(leaf{name: "proxy"}), headers: map[string][]string{
			"X-Remote-User": {"zoe"}, "X-Remote-Group": {"monitors"}}}, "/metrics", 401},
		{"a client that names somebody", asker{certificate: ours.client(leaf{name: "front-proxy"}),
			headers: map[string][]string{"X-Remote-User": {"zoe"}, "X-Remote-Group": {"monitors"}}}, "/metrics", 403},
		{"somebody without a certificate who names somebody", asker{headers: map[string][]string{
			"X-Remote-User": {"zoe"}, "X-Remote-Group": {"monitors"}}}, "/metrics", 403},
	})
}

// asked is one request, and the status of its answer; 0: whatever kube-scheduler answers.
type asked struct {
	name   string
	who    asker
	path   string
	status int
}

// startBoth starts c-sched and the real kube-scheduler with the same flags.
func (e *test) startBoth(flags []string) (mine, real *cluster.Scheduler) {
	e.Helper()
	mine = e.startScheduler(cluster.SchedulerOptions{
		Args: append(slices.Clone(flags), "--authorization-always-allow-loopback=false")})
	kubeconfig, err := e.Kubeconfig(cluster.UserScheduler)
	e.must(err)
	real, err = e.StartKubeScheduler(cluster.SchedulerOptions{
		LogName: e.ns + "-kube-scheduler", Binary: tool("kube-scheduler"), Kubeconfig: kubeconfig,
		Identity: "nobodys", Lease: e.ns, Args: append(slices.Clone(flags),
			"--authentication-kubeconfig="+kubeconfig, "--authorization-kubeconfig="+kubeconfig),
	})
	e.must(err)
	e.Cleanup(real.Kill)
	e.must(real.WaitReady(30 * time.Second))
	return mine, real
}

func (e *test) compareAnswers(mine, real *cluster.Scheduler, cases []asked) {
	e.Helper()
	for _, c := range cases {
		status, body := e.ask(mine, c.who, c.path)
		theirStatus, theirs := e.ask(real, c.who, c.path)
		if c.status != 0 && (status != c.status || theirStatus != c.status) {
			e.Errorf("%s: %d, kube-scheduler %d, expected %d: %s", c.name, status, theirStatus, c.status, body)
		}
		// Go's JSON escapes what HTML would. What a certificate lacks is said in c-sched's own words.
		theirs = strings.ReplaceAll(theirs, `\u0026`, "&")
		if status == 403 && strings.TrimSpace(body) != strings.TrimSpace(theirs) {
			e.Errorf("%s:\n%s\nkube-scheduler:\n%s", c.name, body, theirs)
		}
	}
}

// Without flags both take from the API server's ConfigMap whose certificates count, and follow it.
func TestWhoMayReadByTheConfigMap(t *testing.T) {
	e := begin(t)
	e.needsCSched()
	clients, later, foreign := e.clusterAuthority(cluster.Clients), e.newAuthority("later"), e.newAuthority(cluster.Clients)
	e.mayReadMetrics("reader", "monitors")
	proxy, err := tls.LoadX509KeyPair(e.Authority(cluster.FrontProxy))
	e.must(err)
	mine, real := e.startBoth([]string{"--authentication-tolerate-lookup-failure=false"})
	reader := leaf{name: "ann", organization: "monitors"}
	waitAccepted := func(who asker) {
		for _, s := range []*cluster.Scheduler{mine, real} {
			e.must(cluster.Eventually(30*time.Second, func() error {
				if status, body := e.ask(s, who, "/metrics"); status != 200 {
					return fmt.Errorf("%s: %d %s", s.Name, status, body)
				}
				return nil
			}))
		}
	}
	behind := asker{certificate: &proxy, headers: map[string][]string{
		"X-Remote-User": {"zoe"}, "X-Remote-Group": {"others", "monitors"}}}
	// Neither scheduler takes both CAs in one step.
	waitAccepted(asker{certificate: clients.client(reader)})
	waitAccepted(behind)
	e.compareAnswers(mine, real, []asked{
		{"nobody in particular", asker{}, "/metrics", 403},
		{"a certificate of somebody", asker{certificate: clients.client(leaf{name: "bob"})}, "/metrics", 403},
		{"an administrator", asker{certificate: clients.client(leaf{name: "root", organization: "system:masters"})}, "/configz", 200},
		{"a stranger's certificate", asker{certificate: foreign.client(reader)}, "/metrics", 401},
		{"a certificate of an authority to come", asker{certificate: later.client(reader)}, "/metrics", 401},
		{"a reader behind the API server", behind, "/metrics", 200},
		{"somebody behind the API server", asker{certificate: &proxy, headers: map[string][]string{
			"X-Remote-User": {"zoe"}}}, "/metrics", 403},
		{"the API server, for nobody", asker{certificate: &proxy}, "/metrics", 401},
		{"a client that names somebody", asker{certificate: clients.client(leaf{name: cluster.FrontProxy}),
			headers: map[string][]string{"X-Remote-User": {"zoe"}, "X-Remote-Group": {"monitors"}}}, "/metrics", 403},
	})
	// As kubeadm rotates: the API server leaves in place what others added.
	configMaps := e.Admin.CoreV1().ConfigMaps("kube-system")
	configMap, err := configMaps.Get(e.ctx, "extension-apiserver-authentication", metav1.GetOptions{})
	e.must(err)
	configMap.Data["client-ca-file"] += string(later.pem)
	_, err = configMaps.Update(e.ctx, configMap, metav1.UpdateOptions{})
	e.must(err)
	waitAccepted(asker{certificate: later.client(reader)})
	waitAccepted(asker{certificate: clients.client(reader)})
}

// Whoever takes the rights away is obeyed once the verdict is too old; an API server that is away allows nothing.
func TestVerdictsAge(t *testing.T) {
	e := begin(t)
	e.needsCSched()
	token := e.serviceAccountToken("reader")
	e.mayReadMetrics("reader", "nobodys")
	s := e.startScheduler(cluster.SchedulerOptions{Args: []string{
		"--authorization-always-allow-loopback=false", "--authentication-token-webhook-cache-ttl=1s",
		"--authorization-webhook-cache-authorized-ttl=1s", "--authorization-webhook-cache-unauthorized-ttl=1s",
	}})
	reads := func() error {
		if status, body := e.ask(s, asker{token: token}, "/metrics"); status != 200 {
			return fmt.Errorf("%d %s", status, body)
		}
		return nil
	}
	e.must(reads())
	bindings := e.Admin.RbacV1().ClusterRoleBindings()
	binding, err := bindings.Get(e.ctx, e.ns, metav1.GetOptions{})
	e.must(err)
	binding.Subjects = nil
	_, err = bindings.Update(e.ctx, binding, metav1.UpdateOptions{})
	e.must(err)
	e.must(cluster.Eventually(10*time.Second, func() error {
		if status, _ := e.ask(s, asker{token: token}, "/metrics"); status != 403 {
			return fmt.Errorf("still %d", status)
		}
		return nil
	}))
}

// promtool finds nothing to say about /metrics of a c-sched that has scheduled, failed to, and been asked.
func TestMetricsAreValid(t *testing.T) {
	e := begin(t)
	e.needsCSched()
	s := e.startScheduler(cluster.SchedulerOptions{})
	e.nodes(2, cluster.Node{CPU: "2", Memory: "4Gi", Pods: 10})
	e.burst("fits", 3, "100m", "1Mi")
	e.waitBound(3, 20*time.Second)
	e.pod("large", "64", "1Mi", nil)
	e.waitRejected("large", 20*time.Second)
	for _, path := range []string{"/readyz?verbose", "/configz", "/debug/decisions"} {
		if status := s.Get(path); status != 200 {
			e.Errorf("%s: %d", path, status)
		}
	}
	for _, path := range []string{"/metrics", "/metrics/slis"} {
		text, err := s.Read(path)
		e.must(err)
		check := exec.Command("promtool", "check", "metrics")
		check.Stdin = strings.NewReader(text)
		var out bytes.Buffer
		check.Stdout, check.Stderr = &out, &out
		if err := check.Run(); err != nil || out.Len() > 0 {
			e.Errorf("promtool check metrics, of %s: %v\n%s", path, err, &out)
		}
	}
}

var (
	typeLine   = regexp.MustCompile(`^# TYPE (\S+) (\S+)$`)
	sampleLine = regexp.MustCompile(`^([a-z_]+?)(_bucket|_sum|_count)?(?:\{(.*)\})? \S+$`)
	labelPair  = regexp.MustCompile(`([a-z_]+)="((?:[^"\\]|\\.)*)"`)
)

// metricShapes says of each metric of a text its type, the names of its labels, and its buckets.
func metricShapes(text string) map[string]string {
	types, labels := map[string]string{}, map[string]map[string]bool{}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if match := typeLine.FindStringSubmatch(line); match != nil {
			types[match[1]], labels[match[1]] = match[2], map[string]bool{}
		}
		match := sampleLine.FindStringSubmatch(line)
		if match == nil {
			continue
		}
		name := match[1]
		if types[name] != "histogram" {
			name += match[2]
		}
		for _, pair := range labelPair.FindAllStringSubmatch(match[3], -1) {
			if pair[1] == "le" {
				labels[name]["le "+pair[2]] = true
			} else {
				labels[name][pair[1]] = true
			}
		}
	}
	shapes := map[string]string{}
	for name, kind := range types {
		shapes[name] = fmt.Sprint(kind, slices.Sorted(maps.Keys(labels[name])))
	}
	return shapes
}

// What c-sched shares with kube-scheduler has its names, types, labels and buckets: each side has placed pods,
// rejected one, and been asked how it is. Metrics that are c-sched's own say so by their names.
func TestMetricsAreKubeSchedulers(t *testing.T) {
	e := begin(t)
	e.needsCSched()
	token := e.serviceAccountToken("reader")
	e.mayReadMetrics("reader", "nobodys")
	mine, theirs := e.startScheduler(cluster.SchedulerOptions{}), e.startReference()
	e.nodes(2, cluster.Node{CPU: "8", Memory: "4Gi", Pods: 110})
	var pods []*corev1.Pod
	for _, side := range []string{schedulerName, corev1.DefaultSchedulerName} {
		for i := range 100 { // of ten kube-scheduler measures one by chance, twice a pod
			pods = append(pods, cluster.Pod(e.ns, fmt.Sprintf("%s-%d", side, i), side, "10m", "1Mi"))
		}
		pods = append(pods, cluster.Pod(e.ns, "large."+side, side, "64", "1Mi"))
	}
	e.must(e.CreatePods(e.ctx, pods))
	e.waitBound(200, 60*time.Second)
	for _, side := range []string{schedulerName, corev1.DefaultSchedulerName} {
		e.waitRejected("large."+side, 20*time.Second)
	}
	for _, path := range []string{"/metrics", "/metrics/slis"} {
		// kube-scheduler shows what its plugins took a second later.
		e.must(cluster.Eventually(20*time.Second, func() error {
			text, err := mine.Read(path)
			e.must(err)
			status, reference := e.ask(theirs, asker{token: token}, path)
			if status != 200 {
				return fmt.Errorf("kube-scheduler: %s: %d", path, status)
			}
			got, want := metricShapes(text), metricShapes(reference)
			var differ []error
			for name, shape := range got {
				if !strings.HasPrefix(name, "csched_") && shape != want[name] {
					differ = append(differ, fmt.Errorf("%s: %s\nis  %s\nnot %s", path, name, shape, want[name]))
				}
			}
			return errors.Join(differ...)
		}))
	}
}
