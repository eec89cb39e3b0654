// Package e2e runs c-sched against the real kube-apiserver, kube-controller-manager and kube-scheduler.
//
// The tests share one API server and run one after the other, since nodes belong to the whole cluster. Each
// has a namespace of its own and leaves neither pods nor nodes behind.
//
// CSCHED_ROOT is the repository (../..), CSCHED_VARIANT the build to test (gcc). With
// CSCHED_STANDIN=kube-scheduler the real kube-scheduler takes c-sched's place, which shows whether a test
// expects what Kubernetes does; what c-sched alone does is then left out.
package e2e

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	authv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/c-sched/c-sched/test/e2e/cluster"
)

const (
	schedulerName  = "c-sched"
	serviceAccount = "system:serviceaccount:kube-system:c-sched"
)

// What the tests share, set up once by TestMain.
var (
	shared  *cluster.Cluster
	root    = env("CSCHED_ROOT", "../..")
	variant = env("CSCHED_VARIANT", "gcc")
	standIn = os.Getenv("CSCHED_STANDIN") == "kube-scheduler"
	// schedulerUser and schedulerKubeconfig are what c-sched presents to the API server.
	schedulerUser       = serviceAccount
	cSched              string // its binary
	schedulerKubeconfig string
	passed, failed      atomic.Int32
)

func env(name, fallback string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return fallback
}

func built(name string) string { return filepath.Join(root, "build", variant, name) }

func tool(name string) string { return filepath.Join(root, "build/e2e/bin", name) }

func TestMain(m *testing.M) {
	flag.Parse()
	dir, err := os.MkdirTemp("", "c-sched-e2e-")
	if err == nil {
		err = setUp(dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e: cannot set up:", err)
		os.Exit(1)
	}
	status := m.Run()
	shared.Stop()
	if status == 0 {
		os.RemoveAll(dir)
	} else {
		fmt.Println("logs are kept in", dir)
	}
	fmt.Printf("%d passed, %d failed\n", passed.Load(), failed.Load())
	os.Exit(status)
}

func setUp(dir string) error {
	for _, path := range []string{tool("kube-apiserver"), built("c-sched"), built("kubesim"), built("test/oracle/codec")} {
		if !cluster.Exists(path) {
			return fmt.Errorf("%s is missing: run `make e2e`, which builds it", path)
		}
	}
	err := copyCSched(dir)
	if err != nil {
		return err
	}
	shared, err = cluster.Start(cluster.Options{
		Dir: dir, BinDir: tool(""), Audit: true, GoawayChance: 0.02,
		Controllers: []string{
			"deployment-controller", "replicaset-controller", "namespace-controller",
			"serviceaccount-controller", "disruption-controller", "daemonset-controller",
			"statefulset-controller", "job-controller", "replicationcontroller-controller",
		},
	})
	if err != nil {
		return err
	}
	if err = installManifests(); err != nil {
		shared.Stop()
	}
	return err
}

func schedulerBinary() string {
	if standIn {
		return tool("kube-scheduler")
	}
	return cSched
}

// copyCSched makes the tests independent of a build that goes on meanwhile.
func copyCSched(dir string) error {
	program, err := os.ReadFile(built("c-sched"))
	if err != nil {
		return err
	}
	cSched = filepath.Join(dir, "c-sched")
	return os.WriteFile(cSched, program, 0o700)
}

// installManifests makes c-sched's ServiceAccount and its rights from manifests/, as a user would, and gets a
// token for it: all tests run c-sched with exactly these rights.
func installManifests() error {
	if _, err := shared.Kubectl("", "apply", "-f", filepath.Join(root, "manifests")); err != nil {
		return err
	}
	// The Deployment is in the way: its pods would stay pending among the tests' own.
	_, err := shared.Kubectl("", "scale", "--namespace=kube-system", "--replicas=0", "deployment/c-sched")
	if err != nil {
		return err
	}
	if standIn {
		schedulerUser = cluster.UserScheduler
		schedulerKubeconfig, err = shared.Kubeconfig(schedulerUser)
		return err
	}
	request := &authv1.TokenRequest{}
	token, err := shared.Admin.CoreV1().ServiceAccounts("kube-system").CreateToken(
		context.Background(), "c-sched", request, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	schedulerKubeconfig, err = shared.KubeconfigWithToken("c-sched", token.Status.Token)
	return err
}

// test is what one test needs: its namespace, and its own view of the audit log.
type test struct {
	*testing.T
	*cluster.Cluster
	ctx  context.Context
	ns   string
	mark int64
	// authorised is the place in the audit log from where on the scheduler's rights were in force.
	authorised int64
	// terminating is a namespace that is being deleted: there everybody is refused to create anything.
	terminating string
}

var notInNames = regexp.MustCompile(`[^a-z0-9]+`)

// begin gives a test its namespace, counts its result, and cleans up behind it.
func begin(t *testing.T) *test {
	t.Helper()
	if testing.Short() {
		t.Skip("needs a control plane")
	}
	e := &test{T: t, Cluster: shared, ctx: context.Background(), mark: shared.AuditMark()}
	e.authorised = e.mark
	e.ns = notInNames.ReplaceAllString(strings.ToLower(strings.TrimPrefix(t.Name(), "Test")), "-")
	namespace := e.ns
	t.Cleanup(func() {
		if t.Failed() {
			failed.Add(1)
		} else if !t.Skipped() {
			passed.Add(1)
		}
	})
	t.Cleanup(func() { e.must(e.Clear(e.ctx, namespace)) })
	// Runs before the namespace is deleted, from when on events in it are refused to everyone.
	t.Cleanup(e.nothingForbidden)
	e.must(e.CreateNamespace(e.ctx, e.ns))
	return e
}

// must ends the test at an error of the harness or of a wait.
func (e *test) must(err error) {
	e.Helper()
	if err != nil {
		e.Fatal(err)
	}
}

// nothingForbidden holds the manifests to what c-sched does: no request of it may be refused.
func (e *test) nothingForbidden() {
	refused, err := e.AuditSince(e.authorised, func(r cluster.Request) bool {
		if e.terminating != "" && r.ObjectRef.Namespace == e.terminating {
			return false
		}
		code := r.ResponseStatus.Code
		return r.User.Username == schedulerUser && (code == http.StatusForbidden || code == http.StatusUnauthorized)
	})
	e.must(err)
	for _, request := range refused {
		e.Errorf("refused: %s", request)
	}
}

// schedulerRequests is what the scheduler asked of the API server since the mark.
func (e *test) schedulerRequests(mark int64) []cluster.Request {
	e.Helper()
	requests, err := e.AuditSince(mark, cluster.ByUser(schedulerUser))
	e.must(err)
	return requests
}

// startScheduler starts c-sched (or its stand-in), waits until it is ready, and ends it with the test.
func (e *test) startScheduler(o cluster.SchedulerOptions) *cluster.Scheduler {
	e.Helper()
	s := e.launchScheduler(o)
	e.must(s.WaitReady(30 * time.Second))
	return s
}

func (e *test) launchScheduler(o cluster.SchedulerOptions) *cluster.Scheduler {
	e.Helper()
	if o.LogName == "" {
		o.LogName = "scheduler"
	}
	o.LogName = e.ns + "-" + o.LogName
	o.Binary = schedulerBinary()
	o.Kubeconfig, o.Verbosity = schedulerKubeconfig, 2
	start := e.StartCSched
	if standIn {
		o.Identity, o.Lease = schedulerName, leaseName()
		start = e.StartKubeScheduler
	}
	s, err := start(o)
	e.must(err)
	e.stopAtEnd(s)
	return s
}

// stopAtEnd ends a c-sched that still runs as its users do. Whatever the test did to it, that takes no time
// and leaves no complaint: built with sanitizers, a leak found at the end is an exit status, too.
func (e *test) stopAtEnd(s *cluster.Scheduler) {
	e.Cleanup(func() {
		switch {
		case standIn:
			s.Kill()
		case s.Running():
			if status, ended := s.Terminate(5 * time.Second); !ended || status != 0 {
				e.Errorf("%s: ended by SIGTERM: %t, exit status %d", s.Name, ended, status)
			}
		}
		if e.Failed() {
			e.Logf("the end of %s:\n%s", s.LogPath, s.LogTail(40))
		}
	})
}

// leaseName is the Lease that replicas compete for. The stand-in has kube-scheduler's rights, so its Lease.
func leaseName() string {
	if standIn {
		return "kube-scheduler"
	}
	return "c-sched"
}
