// Package cluster runs a real Kubernetes control plane for tests: etcd, kube-apiserver and, where asked for,
// kube-controller-manager, each as a process of its own on free loopback ports. There are no kubelets: nodes
// are API objects, and a bound pod never runs.
package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// Options choose what to start.
type Options struct {
	// Dir holds data, keys and logs; it must exist.
	Dir string
	// BinDir holds the programs built by `go build -o DIR tool`.
	BinDir string
	// Audit writes an audit log of all requests.
	Audit bool
	// GoawayChance is the share of requests after which the API server closes an HTTP/2 connection.
	GoawayChance float64
	// Controllers of kube-controller-manager to run; none = do not start it.
	Controllers []string
}

// Cluster is a running control plane.
type Cluster struct {
	// Admin may do everything and is not rate limited.
	Admin kubernetes.Interface

	opts       Options
	etcdPort   int
	apiPort    int
	tokens     map[string]string
	etcd       *Process
	api        *Process
	manager    *Process
	schedulers int
}

// Names of the users in the token file.
const (
	UserAdmin     = "admin"
	UserScheduler = "system:kube-scheduler"
	UserManager   = "system:kube-controller-manager"
	// UserNobody is authenticated and may do nothing.
	UserNobody = "nobody"
)

// startLimit is how long a program may take to serve; on an idle machine all of them need about 4 s.
const startLimit = 5 * time.Minute

// Start brings up the control plane and waits until it serves.
func Start(opts Options) (*Cluster, error) {
	c := &Cluster{opts: opts}
	ports, err := FreePorts(2)
	if err != nil {
		return nil, err
	}
	c.etcdPort, c.apiPort = ports[0], ports[1]
	if err := c.writeFiles(); err != nil {
		return nil, err
	}
	if err := c.bringUp(); err != nil {
		c.Stop()
		return nil, err
	}
	return c, nil
}

func (c *Cluster) bringUp() error {
	if err := c.startEtcd(); err != nil {
		return err
	}
	if err := c.startAPI(); err != nil {
		return err
	}
	config := c.RESTConfig(UserAdmin)
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	c.Admin = client
	if err := c.waitReady(); err != nil {
		return err
	}
	if len(c.opts.Controllers) > 0 {
		return c.startManager()
	}
	return nil
}

// Stop ends everything that was started; it may be called at any time.
func (c *Cluster) Stop() {
	for _, p := range []*Process{c.manager, c.api, c.etcd} {
		if p != nil {
			p.Kill()
		}
	}
}

// Processes lists what runs, for a look at their logs.
func (c *Cluster) Processes() []*Process {
	var all []*Process
	for _, p := range []*Process{c.etcd, c.api, c.manager} {
		if p != nil {
			all = append(all, p)
		}
	}
	return all
}

// Dir is where data and logs are.
func (c *Cluster) Dir() string { return c.opts.Dir }

// Binary is the path of one of the real programs.
func (c *Cluster) Binary(name string) string { return filepath.Join(c.opts.BinDir, name) }

// URL is the API server's address.
func (c *Cluster) URL() string { return fmt.Sprintf("https://127.0.0.1:%d", c.apiPort) }

// RESTConfig is a client configuration for one of the users, without a rate limit.
func (c *Cluster) RESTConfig(user string) *rest.Config {
	return &rest.Config{
		Host:        c.URL(),
		BearerToken: c.tokens[user],
		QPS:         -1,
		UserAgent:   "e2e/" + strings.TrimPrefix(user, "system:"),
		ContentConfig: rest.ContentConfig{
			ContentType:        "application/vnd.kubernetes.protobuf",
			AcceptContentTypes: "application/vnd.kubernetes.protobuf,application/json",
		},
		TLSClientConfig: rest.TLSClientConfig{CAFile: c.CAFile()},
	}
}

// RestartAPI kills the API server without warning, lets it stay away for the given time and starts it again
// at the same address.
func (c *Cluster) RestartAPI(away time.Duration) error {
	c.api.Kill()
	time.Sleep(away)
	if err := c.startAPI(); err != nil {
		return err
	}
	return c.waitReady()
}

// RestartEtcd does the same with etcd, which comes back with its data.
func (c *Cluster) RestartEtcd(away time.Duration) error {
	c.etcd.Kill()
	time.Sleep(away)
	if err := c.startEtcd(); err != nil {
		return err
	}
	return c.waitReady()
}

func (c *Cluster) startEtcd() error {
	peer, err := FreePorts(1)
	if err != nil {
		return err
	}
	client := fmt.Sprintf("http://127.0.0.1:%d", c.etcdPort)
	peerURL := fmt.Sprintf("http://127.0.0.1:%d", peer[0])
	c.etcd, err = StartProcess(Command{
		Name: "etcd", Path: c.Binary("server"), LogDir: c.opts.Dir,
		Args: []string{
			"--data-dir=" + filepath.Join(c.opts.Dir, "etcd"),
			"--listen-client-urls=" + client, "--advertise-client-urls=" + client,
			"--listen-peer-urls=" + peerURL, "--initial-advertise-peer-urls=" + peerURL,
			"--initial-cluster=default=" + peerURL,
			"--unsafe-no-fsync", "--log-level=warn",
			"--quota-backend-bytes=" + strconv.Itoa(4<<30),
		},
	})
	if err != nil {
		return err
	}
	return c.waitPort(c.etcd, c.etcdPort)
}

func (c *Cluster) startAPI() error {
	args := []string{
		fmt.Sprintf("--etcd-servers=http://127.0.0.1:%d", c.etcdPort),
		"--bind-address=127.0.0.1", "--advertise-address=127.0.0.1",
		fmt.Sprintf("--secure-port=%d", c.apiPort),
		"--endpoint-reconciler-type=none",
		"--tls-cert-file=" + c.CAFile(), "--tls-private-key-file=" + c.file("apiserver.key"),
		"--token-auth-file=" + c.file("tokens.csv"),
		"--authorization-mode=RBAC",
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-signing-key-file=" + c.file("sa.key"),
		"--service-account-key-file=" + c.file("sa.pub"),
		"--service-cluster-ip-range=10.96.0.0/16",
		"--delete-collection-workers=16",
		// It would taint every new node as not ready; the controller that takes the taint away again needs
		// kubelets' heartbeats.
		"--disable-admission-plugins=TaintNodesByCondition",
	}
	args = append(args, c.authorityArgs()...)
	if c.opts.GoawayChance > 0 {
		args = append(args, fmt.Sprintf("--goaway-chance=%g", c.opts.GoawayChance))
	}
	if c.opts.Audit {
		args = append(args, "--audit-policy-file="+c.file("audit-policy.yaml"),
			"--audit-log-path="+c.file("audit.log"), "--audit-log-maxsize=4000")
	}
	var err error
	c.api, err = StartProcess(Command{
		Name: "kube-apiserver", Path: c.Binary("kube-apiserver"), LogDir: c.opts.Dir, Args: args,
	})
	return err
}

func (c *Cluster) startManager() error {
	kubeconfig, err := c.Kubeconfig(UserManager)
	if err != nil {
		return err
	}
	c.manager, err = StartProcess(Command{
		Name: "kube-controller-manager", Path: c.Binary("kube-controller-manager"), LogDir: c.opts.Dir,
		Args: []string{
			"--kubeconfig=" + kubeconfig,
			"--controllers=" + strings.Join(c.opts.Controllers, ","),
			"--leader-elect=false", "--secure-port=0",
			"--kube-api-qps=1000", "--kube-api-burst=1000",
			"--use-service-account-credentials=false",
			"--service-account-private-key-file=" + c.file("sa.key"),
		},
	})
	return err
}

// waitReady polls /readyz, which waits for the API server's own start-up hooks (RBAC's default roles).
func (c *Cluster) waitReady() error {
	deadline := time.Now().Add(startLimit)
	for {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		_, err := c.Admin.Discovery().RESTClient().Get().AbsPath("/readyz").DoRaw(ctx)
		cancel()
		if err == nil {
			return nil
		}
		if exited := errors.Join(c.etcd.exited(), c.api.exited()); exited != nil {
			return exited
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("kube-apiserver is not ready after %s: %w\n%s", startLimit, err, c.api.LogTail(20))
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func (c *Cluster) waitPort(p *Process, port int) error {
	deadline := time.Now().Add(startLimit)
	for {
		conn, err := net.DialTimeout("tcp", fmt.Sprintf("127.0.0.1:%d", port), time.Second)
		if err == nil {
			return conn.Close()
		}
		if exited := p.exited(); exited != nil {
			return exited
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%s does not listen after %s: %w", p.Name, startLimit, err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func (c *Cluster) file(name string) string { return filepath.Join(c.opts.Dir, name) }

// nextPort is where FreePorts looks on; processes begin at different places.
var nextPort atomic.Uint32

func init() { nextPort.Store(uint32(os.Getpid()) * 37) }

// FreePorts finds loopback ports that nobody listens on. They lie below those that the kernel gives to connections
// and to who asks for any, so that they stay free until they are used, and while a server is away.
func FreePorts(n int) ([]int, error) {
	const first, count = 12000, 20000
	var ports []int
	for range count {
		port := first + int(nextPort.Add(1)%count)
		listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			continue
		}
		listener.Close()
		if ports = append(ports, port); len(ports) == n {
			return ports, nil
		}
	}
	return nil, fmt.Errorf("%d of %d ports are free", len(ports), n)
}

// Kubectl runs kubectl as admin and returns what it printed; a failure is an error that carries its words.
func (c *Cluster) Kubectl(stdin string, args ...string) (string, error) {
	kubeconfig, err := c.Kubeconfig(UserAdmin)
	if err != nil {
		return "", err
	}
	env := []string{"KUBECONFIG=" + kubeconfig, "HOME=" + c.opts.Dir}
	stdout, stderr, status, err := RunOnce(time.Minute, env, stdin, c.Binary("kubectl"), args...)
	if err != nil {
		return "", err
	}
	if status != 0 {
		return "", fmt.Errorf("kubectl %s: exit status %d: %s", strings.Join(args, " "), status, stderr)
	}
	return stdout, nil
}

// Exists tells whether the program is there, for a message before anything is started.
func Exists(path string) bool {
	info, err := os.Stat(path)
	return err == nil && !info.IsDir()
}
