package observe

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	watchtools "k8s.io/client-go/tools/watch"

	"github.com/c-sched/c-sched/test/e2e/cluster"
)

// Curve is how a count grew: at[i] is when it reached i+1.
type Curve []time.Time

// Middle is the rate per second over the middle 80 %: start and end, where caches fill and queues drain, are
// left out.
func (c Curve) Middle() float64 {
	if len(c) < 10 {
		return 0
	}
	from, to := len(c)/10, len(c)*9/10-1
	seconds := c[to].Sub(c[from]).Seconds()
	if seconds <= 0 {
		return 0
	}
	return float64(to-from) / seconds
}

// Behind is the curve of what both have reached.
func (c Curve) Behind(other Curve) Curve {
	both := make(Curve, min(len(c), len(other)))
	for i := range both {
		both[i] = c[i]
		if other[i].After(both[i]) {
			both[i] = other[i]
		}
	}
	return both
}

// grow extends a curve that is only sampled: between two samples the count is taken to have grown evenly.
func (c *Curve) grow(before time.Time, count int, now time.Time) {
	missing := count - len(*c)
	for i := 1; i <= missing; i++ {
		*c = append(*c, before.Add(now.Sub(before)*time.Duration(i)/time.Duration(missing)))
	}
}

// Progress follows one run from outside: bindings by a watch, Events by their number. Counting them costs the
// API server next to nothing, where a watch of theirs would decode every one.
type Progress struct {
	c         *cluster.Cluster
	namespace string
	stop      context.CancelFunc
	stopped   sync.WaitGroup

	mutex  sync.Mutex
	bound  Curve
	events Curve
	err    error
}

const sampleEvery = 200 * time.Millisecond

// Follow starts following a namespace whose pods all exist and are unbound.
func Follow(c *cluster.Cluster, namespace string) (*Progress, error) {
	ctx, stop := context.WithCancel(context.Background())
	p := &Progress{c: c, namespace: namespace, stop: stop}
	watcher, err := p.watchPods(ctx)
	if err != nil {
		stop()
		return nil, err
	}
	p.stopped.Go(func() { p.followPods(ctx, watcher) })
	p.stopped.Go(func() { p.followEvents(ctx) })
	return p, nil
}

// watchPods watches what changes from now on. The server ends a watch that does not keep up; this one goes on
// where it was.
func (p *Progress) watchPods(ctx context.Context) (watch.Interface, error) {
	pods := p.c.Admin.CoreV1().Pods(p.namespace)
	now, err := pods.List(ctx, metav1.ListOptions{Limit: 1})
	if err != nil {
		return nil, err
	}
	return watchtools.NewRetryWatcherWithContext(ctx, now.ResourceVersion, &cache.ListWatch{
		WatchFuncWithContext: pods.Watch,
	})
}

// End stops following.
func (p *Progress) End() {
	p.stop()
	p.stopped.Wait()
}

func (p *Progress) followPods(ctx context.Context, watcher watch.Interface) {
	defer watcher.Stop()
	seen := map[string]bool{}
	for event := range watcher.ResultChan() {
		pod, ok := event.Object.(*corev1.Pod)
		if !ok || pod.Spec.NodeName == "" || seen[pod.Name] {
			continue
		}
		seen[pod.Name] = true
		p.mutex.Lock()
		p.bound = append(p.bound, time.Now())
		p.mutex.Unlock()
	}
	if ctx.Err() == nil {
		p.fail(fmt.Errorf("the watch of the pods ended"))
	}
}

func (p *Progress) followEvents(ctx context.Context) {
	before := time.Now()
	for ctx.Err() == nil {
		count, err := p.countEvents(ctx)
		if err != nil && ctx.Err() == nil {
			p.fail(err)
			return
		}
		now := time.Now()
		p.mutex.Lock()
		p.events.grow(before, count, now)
		p.mutex.Unlock()
		before = now
		time.Sleep(sampleEvery)
	}
}

// countEvents asks for one Event and how many more there are.
func (p *Progress) countEvents(ctx context.Context) (int, error) {
	list, err := p.c.Admin.EventsV1().Events(p.namespace).List(ctx, metav1.ListOptions{Limit: 1})
	if err != nil {
		return 0, err
	}
	count := len(list.Items)
	if list.RemainingItemCount != nil {
		count += int(*list.RemainingItemCount)
	}
	return count, nil
}

func (p *Progress) fail(err error) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.err == nil {
		p.err = err
	}
}

// counts returns how far it is.
func (p *Progress) counts() (bound, events int, err error) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return len(p.bound), len(p.events), p.err
}

// Curves returns copies of both curves.
func (p *Progress) Curves() (bound, events Curve) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return slices.Clone(p.bound), slices.Clone(p.events)
}

const (
	// stalled is how long nothing may happen before a run is given up.
	stalled = time.Minute
	// quiet is how long after the last Event a missing one is taken as lost. client-go's recorder tries an
	// Event again after 10 s.
	quiet = 15 * time.Second
)

// Wait returns once n pods are bound, and n Events stored or further Events are not to be expected.
func (p *Progress) Wait(n int, events bool) error {
	last, lastChange := 0, time.Now()
	for {
		bound, stored, err := p.counts()
		if err != nil {
			return err
		}
		if bound >= n && (!events || stored >= n) {
			return nil
		}
		if bound+stored != last {
			last, lastChange = bound+stored, time.Now()
		}
		still := time.Since(lastChange)
		if bound == n && still > quiet {
			return nil
		}
		if still > stalled {
			return fmt.Errorf("nothing happened for %s: %d of %d pods bound, %d Events", stalled, bound, n, stored)
		}
		time.Sleep(10 * time.Millisecond)
	}
}
