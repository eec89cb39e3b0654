package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	extenderv1 "k8s.io/kube-scheduler/extender/v1"
)

const (
	// podCount pods wait; the calls are about each in turn.
	podCount = 100
	// wholeNodeBytes is what a node of a real cluster takes as JSON.
	wholeNodeBytes = 10000
	patience       = 30 * time.Second
)

// schedulerConfig is for kube-scheduler and c-sched alike.
const schedulerConfig = `apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
leaderElection: {leaderElect: false}
profiles: [{schedulerName: %s}]
clientConnection: {kubeconfig: %s, qps: -1, burst: 1}
`

// cSchedConfig is c-sched's, with where figures of load come from.
func cSchedConfig(kubeconfig, sources string) string {
	return fmt.Sprintf(schedulerConfig, "c-sched", kubeconfig) +
		"---\napiVersion: config.c-sched.io/v1alpha1\nkind: LoadConfiguration\nsources:\n" + sources
}

// writeCertificates makes an authority, and of it a certificate for servers and for clients, into files.
func writeCertificates(dir string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "bench"}, IsCA: true,
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
	}
	leaf := *ca
	leaf.SerialNumber, leaf.IsCA, leaf.KeyUsage = big.NewInt(2), false, x509.KeyUsageDigitalSignature
	leaf.Subject.CommonName = "system:kube-scheduler"
	leaf.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	leaf.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	for name, template := range map[string]*x509.Certificate{"ca.crt": ca, "server.crt": &leaf} {
		der, err := x509.CreateCertificate(rand.Reader, template, ca, &key.PublicKey, key)
		if err != nil {
			return err
		}
		if err := writePEM(filepath.Join(dir, name), "CERTIFICATE", der); err != nil {
			return err
		}
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	return writePEM(filepath.Join(dir, "server.key"), "PRIVATE KEY", der)
}

func writePEM(path, kind string, der []byte) error {
	return os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600)
}

// world is the cluster that is asked about, with both extenders.
type world struct {
	options                 options
	dir                     string
	processes               []*exec.Cmd
	goExtender              *exec.Cmd
	cPid                    int // c-sched's
	goAddress, cAddress     string
	nameBodies, wholeBodies [][]byte
	// simArgs and cSchedArgs are flags beside the usual ones.
	simArgs, cSchedArgs []string
}

func newWorld(o options, dir string, nodes int) (*world, error) {
	w := &world{options: o, dir: dir}
	err := w.start(nodes)
	if err != nil {
		w.stop()
		return nil, err
	}
	return w, nil
}

func (w *world) stop() {
	for _, p := range w.processes {
		p.Process.Kill()
		p.Wait()
	}
}

func (w *world) file(name string) string { return filepath.Join(w.dir, name) }

func (w *world) run(path string, args ...string) (*exec.Cmd, error) {
	log, err := os.Create(w.file(filepath.Base(path) + ".log"))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	p := exec.Command(path, args...)
	p.Stdout, p.Stderr = log, log
	if err := p.Start(); err != nil {
		return nil, err
	}
	w.processes = append(w.processes, p)
	return p, nil
}

func (w *world) start(nodes int) error {
	if _, err := w.run(w.options.program("kubesim"), append([]string{
		fmt.Sprintf("--nodes=%d", nodes), "--load", "--load-interval=1000",
		"--kubeconfig-out=" + w.file("kubeconfig"), "--port-file=" + w.file("port"),
	}, w.simArgs...)...); err != nil {
		return err
	}
	if err := waitFile(w.file("port")); err != nil {
		return err
	}
	if err := w.createBodies(); err != nil {
		return err
	}
	return w.startExtenders()
}

func (w *world) startExtenders() error {
	config := cSchedConfig(w.file("kubeconfig"), "- {name: metrics, type: MetricsAPI, interval: 2s}\n")
	if err := os.WriteFile(w.file("config.yaml"), []byte(config), 0o600); err != nil {
		return err
	}
	args, err := w.extenderArgs()
	if err != nil {
		return err
	}
	args = append(append([]string{"--config=" + w.file("config.yaml"), "--secure-port=0"}, args...), w.cSchedArgs...)
	cSched, err := w.run(w.options.program("c-sched"), args...)
	if err != nil {
		return err
	}
	w.cPid = cSched.Process.Pid
	if err := w.startGoExtender(); err != nil {
		return err
	}
	return w.waitReady()
}

// extenderArgs are c-sched's flags that make it answer at w.cAddress, with the certificates.
func (w *world) extenderArgs() ([]string, error) {
	address, port, err := freeAddress()
	w.cAddress = address
	return []string{
		"--extender-port=" + port, "--extender-tls-cert-file=" + w.file("server.crt"),
		"--extender-tls-key-file=" + w.file("server.key"), "--extender-client-ca-file=" + w.file("ca.crt"),
	}, err
}

// freeAddress is one nobody listens at.
func freeAddress() (address, port string, err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", "", err
	}
	defer listener.Close()
	address = listener.Addr().String()
	_, port, err = net.SplitHostPort(address)
	return address, port, err
}

func (w *world) startGoExtender() error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	if w.goExtender, err = w.run(self, "-serve="+w.dir); err != nil {
		return err
	}
	if err := waitFile(w.file("address")); err != nil {
		return err
	}
	address, err := os.ReadFile(w.file("address"))
	w.goAddress = string(address)
	return err
}

// waitReady waits for the model and for the first figures of load.
func (w *world) waitReady() error {
	client, err := w.client()
	if err != nil {
		return err
	}
	for begin := time.Now(); time.Since(begin) < patience; time.Sleep(100 * time.Millisecond) {
		response, err := client.Get("https://" + w.cAddress + "/readyz")
		if err != nil {
			continue
		}
		response.Body.Close()
		if response.StatusCode == http.StatusOK && w.scoresDiffer(client) {
			return nil
		}
	}
	log, _ := os.ReadFile(w.file("c-sched.log"))
	return fmt.Errorf("c-sched does not get ready: %s", log)
}

func (w *world) scoresDiffer(client *http.Client) bool {
	response, err := client.Post("https://"+w.cAddress+"/prioritize", "application/json",
		bytes.NewReader(w.nameBodies[0]))
	if err != nil {
		return false
	}
	defer response.Body.Close()
	var list extenderv1.HostPriorityList
	if json.NewDecoder(response.Body).Decode(&list) != nil || len(list) == 0 {
		return false
	}
	for _, host := range list {
		if host.Score != list[0].Score {
			return true
		}
	}
	return false
}

func waitFile(path string) error {
	for begin := time.Now(); time.Since(begin) < patience; time.Sleep(20 * time.Millisecond) {
		if text, err := os.ReadFile(path); err == nil && len(text) > 0 {
			return nil
		}
	}
	return fmt.Errorf("%s does not appear", path)
}

// client keeps its connection, as kube-scheduler's does; HTTP/1.1, which is what both extenders speak.
func (w *world) client() (*http.Client, error) {
	certificate, err := tls.LoadX509KeyPair(w.file("server.crt"), w.file("server.key"))
	if err != nil {
		return nil, err
	}
	ca, err := os.ReadFile(w.file("ca.crt"))
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{
		Certificates: []tls.Certificate{certificate}, RootCAs: pool,
	}}}, nil
}

// createBodies creates the pods and makes the requests about them.
func (w *world) createBodies() error {
	config, err := clientcmd.BuildConfigFromFlags("", w.file("kubeconfig"))
	if err != nil {
		return err
	}
	config.QPS = -1
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	ctx := context.Background()
	nodes, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	names := make([]string, len(nodes.Items))
	for i := range nodes.Items {
		names[i] = nodes.Items[i].Name
		enlarge(&nodes.Items[i])
	}
	for i := range podCount {
		pod, err := client.CoreV1().Pods("default").Create(ctx, newPod(i), metav1.CreateOptions{})
		if err != nil {
			return err
		}
		body, err := json.Marshal(extenderv1.ExtenderArgs{Pod: pod, NodeNames: &names})
		if err != nil {
			return err
		}
		w.nameBodies = append(w.nameBodies, body)
		if i > 0 {
			continue
		}
		if body, err = json.Marshal(extenderv1.ExtenderArgs{Pod: pod, Nodes: nodes}); err != nil {
			return err
		}
		w.wholeBodies = append(w.wholeBodies, body)
	}
	return nil
}

// enlarge brings a node to the size of a real one.
func enlarge(node *corev1.Node) {
	text, err := json.Marshal(node)
	if err != nil || len(text) >= wholeNodeBytes {
		return
	}
	image := corev1.ContainerImage{Names: []string{"registry.example/" + strings.Repeat("x", 150)}, SizeBytes: 1 << 20}
	for size := len(text); size < wholeNodeBytes; size += 200 {
		node.Status.Images = append(node.Status.Images, image)
	}
}

func newPod(i int) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Name: fmt.Sprintf("web-%d", i), Namespace: "default", Labels: map[string]string{"app": "web"},
		},
		Spec: corev1.PodSpec{
			SchedulerName: "another",
			Containers: []corev1.Container{{
				Name: "web", Image: "registry.example/web:1",
				Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{
					corev1.ResourceCPU: resource.MustParse("100m"), corev1.ResourceMemory: resource.MustParse("500Mi"),
				}},
			}},
		},
	}
}

func drain(response *http.Response) (int64, error) {
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(response.Body)
		return 0, fmt.Errorf("status %d: %s", response.StatusCode, text)
	}
	return io.Copy(io.Discard, response.Body)
}
