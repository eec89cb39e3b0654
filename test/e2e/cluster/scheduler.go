package cluster

import (
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"
)

// SchedulerOptions are the same for kube-scheduler and c-sched.
type SchedulerOptions struct {
	// LogName tells several schedulers of one test apart; it names the log file.
	LogName    string
	Binary     string
	Kubeconfig string
	// Identity is the schedulerName that kube-scheduler's one profile answers to, and Lease what its replicas
	// compete for. c-sched has both built in.
	Identity, Lease string
	LeaderElect     bool
	// QPS limits the scheduler's requests per second, with a burst of the same size; 0 = no limit.
	QPS int
	// Verbosity is how much to log (-v).
	Verbosity int
	// Args are appended to the command line.
	Args []string
}

// Scheduler is a running scheduler.
type Scheduler struct {
	*Process
	// Port serves /healthz, /readyz and /metrics over TLS with a certificate of the scheduler's own.
	Port int
}

const kubeSchedulerConfig = `apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
clientConnection:
  kubeconfig: %s
  qps: %d
  burst: %d
leaderElection:
  leaderElect: %t
  resourceName: %s
profiles:
- schedulerName: %s
`

// StartKubeScheduler starts the real kube-scheduler. Its settings go through a file: of the flags for the
// same things it says itself that they are deprecated.
func (c *Cluster) StartKubeScheduler(o SchedulerOptions) (*Scheduler, error) {
	qps := o.QPS
	if qps == 0 {
		// client-go takes a negative rate as no limit, and 0 as kube-scheduler's default.
		qps = -1
	}
	text := fmt.Sprintf(kubeSchedulerConfig, o.Kubeconfig, qps, max(qps, 1), o.LeaderElect, o.Lease, o.Identity)
	return c.StartWithConfig(o, text)
}

// StartWithConfig starts either scheduler with the text of a KubeSchedulerConfiguration, in which everything
// is set.
func (c *Cluster) StartWithConfig(o SchedulerOptions, text string) (*Scheduler, error) {
	path := c.file(o.LogName + ".config.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return nil, err
	}
	return c.startScheduler(o, []string{"--config=" + path})
}

// StartCSched starts c-sched.
func (c *Cluster) StartCSched(o SchedulerOptions) (*Scheduler, error) {
	return c.startScheduler(o, []string{
		"--kubeconfig=" + o.Kubeconfig,
		fmt.Sprintf("--leader-elect=%t", o.LeaderElect),
		fmt.Sprintf("--kube-api-qps=%d", o.QPS), fmt.Sprintf("--kube-api-burst=%d", max(o.QPS, 1)),
	})
}

func (c *Cluster) startScheduler(o SchedulerOptions, args []string) (*Scheduler, error) {
	ports, err := FreePorts(1)
	if err != nil {
		return nil, err
	}
	args = append(args, "--bind-address=127.0.0.1", fmt.Sprintf("--secure-port=%d", ports[0]),
		fmt.Sprintf("-v=%d", o.Verbosity))
	process, err := StartProcess(Command{
		Name: o.LogName, Path: o.Binary, Args: append(args, o.Args...), LogDir: c.opts.Dir,
	})
	if err != nil {
		return nil, err
	}
	return &Scheduler{Process: process, Port: ports[0]}, nil
}

// Get asks one of the scheduler's own endpoints and returns the status code, 0 where nothing answers.
func (s *Scheduler) Get(path string) int {
	response, err := s.request(path)
	if err != nil {
		return 0
	}
	response.Body.Close()
	return response.StatusCode
}

// Read returns what one of the endpoints says.
func (s *Scheduler) Read(path string) (string, error) {
	response, err := s.request(path)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s answers %s: %s", s.Name, path, response.Status, body)
	}
	return string(body), err
}

func (s *Scheduler) request(path string) (*http.Response, error) {
	client := http.Client{
		Timeout: 10 * time.Second,
		// The certificate is made at start and signed by itself: there is nothing to verify it with.
		Transport: &http.Transport{
			TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true,
		},
	}
	return client.Get(fmt.Sprintf("https://127.0.0.1:%d%s", s.Port, path))
}

// WaitReady waits until /readyz says that the scheduler has seen the cluster.
func (s *Scheduler) WaitReady(limit time.Duration) error {
	return Eventually(limit, func() error {
		if err := s.exited(); err != nil {
			return Stop(err)
		}
		if code := s.Get("/readyz"); code != http.StatusOK {
			return fmt.Errorf("%s: /readyz answers %d:\n%s", s.Name, code, s.LogTail(10))
		}
		return nil
	})
}
