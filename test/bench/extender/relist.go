package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"text/tabwriter"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

const (
	relistNodes = 5000
	// The watch of pods breaks that many events after it has told of all pods; twice as many are made.
	breakAfter = 50
	// quietTime is measured before each relist, for comparison.
	quietTime = 3 * time.Second
	// markerNamespace is listed behind the others: what is in it is known when all is.
	markerNamespace = "zzz"
)

// call is one call of prioritize.
type call struct {
	begin time.Time
	took  time.Duration
}

// relistWorld is a cluster of many pods whose watch breaks when it is told to.
type relistWorld struct {
	*world
	pods    int // that c-sched should know
	watches int // of pods, that it has begun
	serves  string
	client  kubernetes.Interface
}

// benchmarkRelist measures what a relist of all pods costs the calls that come meanwhile.
func benchmarkRelist(o options) error {
	dir, err := os.MkdirTemp("", "c-sched-relist-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	w := &relistWorld{world: &world{options: o, dir: dir}, pods: o.relist + podCount, watches: 1}
	defer w.stop()
	if err := w.bringUp(); err != nil {
		return err
	}
	var quiet, busy []time.Duration
	var length time.Duration
	for range rounds {
		before, during, took, err := w.round()
		if err != nil {
			return err
		}
		quiet, busy, length = append(quiet, before...), append(busy, during...), length+took
	}
	fmt.Printf("\nprioritize with %d names while %d pods are listed again (%d times, %.1f s each)\n",
		relistNodes, w.pods, rounds, (length / rounds).Seconds())
	out := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(out, "\trequests/s\tp50\tp99\tslowest")
	printTimes(out, "before", quiet, rounds*quietTime)
	printTimes(out, "meanwhile", busy, length)
	return out.Flush()
}

func printTimes(out io.Writer, name string, times []time.Duration, length time.Duration) {
	slices.Sort(times)
	r := result{times: times}
	fmt.Fprintf(out, "%s\t%.0f\t%.2f ms\t%.2f ms\t%.2f ms\n", name, float64(len(times))/length.Seconds(),
		milliseconds(r.quantile(0.5)), milliseconds(r.quantile(0.99)), milliseconds(r.quantile(1)))
}

func (w *relistWorld) bringUp() error {
	if err := writeCertificates(w.dir); err != nil {
		return err
	}
	if err := w.writePods(); err != nil {
		return err
	}
	rule := fmt.Sprintf("- match: {verb: watch, resource: pods}\n  action: error\n  code: 410\n  after: %d\n  count: 0\n",
		w.pods+breakAfter)
	if err := os.WriteFile(w.file("faults.yaml"), []byte(rule), 0o600); err != nil {
		return err
	}
	address, port, err := freeAddress()
	if err != nil {
		return err
	}
	w.serves = address
	w.simArgs = []string{"--manifest=" + w.file("pods.json"), "--kubelet-delay=-1", "--faults=" + w.file("faults.yaml")}
	w.cSchedArgs = []string{"--bind-address=127.0.0.1", "--secure-port=" + port}
	if err := w.start(relistNodes); err != nil {
		return err
	}
	config, err := clientcmd.BuildConfigFromFlags("", w.file("kubeconfig"))
	if err != nil {
		return err
	}
	config.QPS = -1
	if w.client, err = kubernetes.NewForConfig(config); err != nil {
		return err
	}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: markerNamespace}}
	_, err = w.client.CoreV1().Namespaces().Create(context.Background(), namespace, metav1.CreateOptions{})
	return err
}

// writePods writes a manifest of running pods, spread over the nodes.
func (w *relistWorld) writePods() error {
	file, err := os.Create(w.file("pods.json"))
	if err != nil {
		return err
	}
	defer file.Close()
	for i := range w.options.relist {
		pod := newPod(i)
		pod.TypeMeta = metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"}
		pod.Name = fmt.Sprintf("running-%d", i)
		pod.Spec.NodeName = fmt.Sprintf("node-%d", i%relistNodes)
		pod.Status.Phase = corev1.PodRunning
		text, err := json.Marshal(pod)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(file, "---\n%s\n", text); err != nil {
			return err
		}
	}
	return file.Close()
}

// round calls all the time; it returns how long calls took before the relist and meanwhile, and its length.
func (w *relistWorld) round() (before, during []time.Duration, length time.Duration, err error) {
	stop, calls := make(chan struct{}), make(chan []call)
	failed := make(chan error, 1)
	go func() { calls <- w.callUntil(stop, failed) }()
	time.Sleep(quietTime)
	broken, begin := time.Now(), time.Time{}
	err = w.breakWatch()
	if err == nil {
		begin, err = w.waitRelist()
	}
	if err == nil {
		err = w.waitKnown(begin)
	}
	end := time.Now()
	close(stop)
	for _, c := range <-calls {
		if c.begin.Add(c.took).Before(broken) {
			before = append(before, c.took)
		} else if c.begin.Add(c.took).After(begin) && c.begin.Before(end) {
			during = append(during, c.took)
		}
	}
	select {
	case failure := <-failed:
		return nil, nil, 0, failure
	default:
		return before, during, end.Sub(begin), err
	}
}

func (w *relistWorld) callUntil(stop chan struct{}, failed chan error) []call {
	var calls []call
	client, err := w.world.client()
	for i := 0; err == nil; i++ {
		select {
		case <-stop:
			return calls
		default:
		}
		begin := time.Now()
		var response *http.Response
		response, err = client.Post("https://"+w.cAddress+"/prioritize", "application/json",
			bytes.NewReader(w.nameBodies[i%len(w.nameBodies)]))
		if err == nil {
			_, err = drain(response)
		}
		calls = append(calls, call{begin, time.Since(begin)})
	}
	failed <- err
	<-stop
	return calls
}

// breakWatch creates the marker, and changes a pod until the watch breaks.
func (w *relistWorld) breakWatch() error {
	ctx := context.Background()
	for i := range 2 * breakAfter {
		patch := fmt.Sprintf(`{"metadata":{"labels":{"change":"%d"}}}`, i)
		_, err := w.client.CoreV1().Pods("default").Patch(ctx, "web-0", types.MergePatchType, []byte(patch),
			metav1.PatchOptions{})
		if err != nil {
			return err
		}
	}
	marker := newPod(0)
	marker.Namespace, marker.Name = markerNamespace, fmt.Sprintf("marker-%d", w.pods)
	w.pods++
	_, err := w.client.CoreV1().Pods(markerNamespace).Create(ctx, marker, metav1.CreateOptions{})
	return err
}

// waitKnown waits until c-sched knows the marker.
func (w *relistWorld) waitKnown(begin time.Time) error {
	// The certificate is c-sched's own: there is nothing to verify it with.
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	for time.Since(begin) < time.Minute {
		response, err := client.Get("https://" + w.serves + "/debug/cluster")
		if err != nil {
			return err
		}
		var state struct{ Pods int }
		err = json.NewDecoder(response.Body).Decode(&state)
		response.Body.Close()
		if err != nil {
			return err
		}
		if state.Pods == w.pods {
			return nil
		}
		time.Sleep(20 * time.Millisecond)
	}
	return fmt.Errorf("c-sched does not see all %d pods", w.pods)
}

// waitRelist waits until c-sched has begun to list the pods again, and returns when that was.
func (w *relistWorld) waitRelist() (time.Time, error) {
	w.watches++
	for begin := time.Now(); time.Since(begin) < patience; time.Sleep(2 * time.Millisecond) {
		text, err := w.client.CoreV1().RESTClient().Get().AbsPath("/kubesim/state").DoRaw(context.Background())
		if err != nil {
			return time.Time{}, err
		}
		var state struct{ Faults []struct{ Hit int } }
		if err := json.Unmarshal(text, &state); err != nil {
			return time.Time{}, err
		}
		if len(state.Faults) == 1 && state.Faults[0].Hit == w.watches {
			return time.Now(), nil
		}
	}
	return time.Time{}, fmt.Errorf("c-sched does not watch the pods a %d. time", w.watches)
}
