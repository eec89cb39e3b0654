package cluster

import (
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"k8s.io/client-go/util/cert"
	"k8s.io/client-go/util/keyutil"
)

const (
	// FrontProxy is how the API server introduces itself to the API servers behind it; it is its own CA.
	FrontProxy = "front-proxy"
	// Clients is the CA whose certificates the API server accepts.
	Clients = "clients"
)

// Authority returns the files of a CA of the API server: its certificate and its key.
func (c *Cluster) Authority(name string) (certificate, key string) {
	return c.file(name + ".crt"), c.file(name + ".key")
}

func (c *Cluster) writeAuthority(name string) error {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return err
	}
	certificate, err := cert.NewSelfSignedCACert(cert.Config{CommonName: name}, key)
	if err != nil {
		return err
	}
	private, err := keyutil.MarshalPrivateKeyToPEM(key)
	if err != nil {
		return err
	}
	if err := os.WriteFile(c.file(name+".key"), private, 0o600); err != nil {
		return err
	}
	encoded, err := cert.EncodeCertificates(certificate)
	if err != nil {
		return err
	}
	return os.WriteFile(c.file(name+".crt"), encoded, 0o600)
}

func (c *Cluster) authorityArgs() []string {
	return []string{
		"--client-ca-file=" + c.file(Clients+".crt"),
		"--requestheader-client-ca-file=" + c.file(FrontProxy+".crt"),
		"--requestheader-allowed-names=" + FrontProxy,
		"--requestheader-extra-headers-prefix=X-Remote-Extra-",
		"--requestheader-group-headers=X-Remote-Group",
		"--requestheader-username-headers=X-Remote-User",
		"--proxy-client-cert-file=" + c.file(FrontProxy+".crt"),
		"--proxy-client-key-file=" + c.file(FrontProxy+".key"),
	}
}

// Server is a process that serves on a loopback port.
type Server struct {
	*Process
	Port int
}

// waitOK waits until a GET of url answers 200.
func (s *Server) waitOK(url string) error {
	client := http.Client{Timeout: 10 * time.Second}
	return Eventually(startLimit, func() error {
		if err := s.exited(); err != nil {
			return Stop(err)
		}
		response, err := client.Get(url)
		if err != nil {
			return err
		}
		defer response.Body.Close()
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("%s: %s answers %s", s.Name, url, response.Status)
		}
		return nil
	})
}

// StartKwok runs kwok's kubelets for the nodes that carry the label. They report what pods say they use in
// kwok's own annotations, over plain HTTP on Port.
func (c *Cluster) StartKwok(files, label string) (*Server, error) {
	kubeconfig, err := c.Kubeconfig(UserAdmin)
	if err != nil {
		return nil, err
	}
	ports, err := FreePorts(1)
	if err != nil {
		return nil, err
	}
	args := []string{
		"--kubeconfig=" + kubeconfig, "--manage-nodes-with-label-selector=" + label,
		"--node-ip=127.0.0.1", fmt.Sprintf("--node-port=%d", ports[0]),
		fmt.Sprintf("--server-address=127.0.0.1:%d", ports[0]),
	}
	configs, err := filepath.Glob(filepath.Join(files, "*.yaml"))
	if err != nil {
		return nil, err
	}
	for _, config := range configs {
		args = append(args, "--config="+config)
	}
	process, err := StartProcess(Command{Name: "kwok", Path: filepath.Join(files, "kwok"), Args: args, LogDir: c.opts.Dir})
	if err != nil {
		return nil, err
	}
	s := &Server{Process: process, Port: ports[0]}
	return s, s.waitOK(fmt.Sprintf("http://127.0.0.1:%d/healthz", s.Port))
}

// StartMetricsServer runs the real metrics-server. The caller makes the Service and the APIService that lead
// to its Port.
func (c *Cluster) StartMetricsServer(path string) (*Server, error) {
	kubeconfig, err := c.Kubeconfig(UserAdmin)
	if err != nil {
		return nil, err
	}
	ports, err := FreePorts(1)
	if err != nil {
		return nil, err
	}
	process, err := StartProcess(Command{
		Name: "metrics-server", Path: path, LogDir: c.opts.Dir,
		Args: []string{
			"--kubeconfig=" + kubeconfig, "--authentication-kubeconfig=" + kubeconfig,
			"--authorization-kubeconfig=" + kubeconfig,
			"--bind-address=127.0.0.1", fmt.Sprintf("--secure-port=%d", ports[0]),
			"--tls-cert-file=" + c.CAFile(), "--tls-private-key-file=" + c.file("apiserver.key"),
			"--kubelet-preferred-address-types=InternalIP", "--kubelet-use-node-status-port",
			"--deprecated-kubelet-completely-insecure",
			"--metric-resolution=10s", "--kubelet-request-timeout=5s", // the least it takes
		},
	})
	if err != nil {
		return nil, err
	}
	s := &Server{Process: process, Port: ports[0]}
	return s, c.waitPort(process, s.Port)
}

const prometheusConfig = `global:
  scrape_interval: 1s
  scrape_timeout: 900ms
scrape_configs:
`

// StartPrometheus runs Debian's prometheus on the port (0 = a free one), scraping as `scrape` says: the items
// of scrape_configs, indented by nothing. Started again under the same name it has its data still.
func (c *Cluster) StartPrometheus(name string, port int, scrape string) (*Server, error) {
	if port == 0 {
		ports, err := FreePorts(1)
		if err != nil {
			return nil, err
		}
		port = ports[0]
	}
	config := c.file(name + ".yml")
	if err := os.WriteFile(config, []byte(prometheusConfig+scrape), 0o600); err != nil {
		return nil, err
	}
	process, err := StartProcess(Command{
		Name: name, Path: "/usr/bin/prometheus", LogDir: c.opts.Dir,
		Args: []string{
			"--config.file=" + config, "--storage.tsdb.path=" + c.file(name),
			fmt.Sprintf("--web.listen-address=127.0.0.1:%d", port), "--log.level=warn",
			"--query.lookback-delta=5s",
		},
	})
	if err != nil {
		return nil, err
	}
	s := &Server{Process: process, Port: port}
	return s, s.waitOK(fmt.Sprintf("http://127.0.0.1:%d/-/ready", port))
}

// StartNodeExporter runs Debian's prometheus-node-exporter: what it tells is of this machine.
func (c *Cluster) StartNodeExporter() (*Server, error) {
	ports, err := FreePorts(1)
	if err != nil {
		return nil, err
	}
	process, err := StartProcess(Command{
		Name: "node-exporter", Path: "/usr/bin/prometheus-node-exporter", LogDir: c.opts.Dir,
		Args: []string{fmt.Sprintf("--web.listen-address=127.0.0.1:%d", ports[0])},
	})
	if err != nil {
		return nil, err
	}
	s := &Server{Process: process, Port: ports[0]}
	return s, s.waitOK(fmt.Sprintf("http://127.0.0.1:%d/metrics", s.Port))
}

// StartKubesim runs kubesim with a load model; it is asked for its text of metrics.
func (c *Cluster) StartKubesim(path, name string, args ...string) (*Server, error) {
	ports, err := FreePorts(1)
	if err != nil {
		return nil, err
	}
	process, err := StartProcess(Command{
		Name: name, Path: path, LogDir: c.opts.Dir,
		Args: append([]string{fmt.Sprintf("--port=%d", ports[0])}, args...),
	})
	if err != nil {
		return nil, err
	}
	s := &Server{Process: process, Port: ports[0]}
	return s, s.waitOK(fmt.Sprintf("http://127.0.0.1:%d/readyz", s.Port))
}
