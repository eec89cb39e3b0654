package oracle

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	v1 "k8s.io/api/core/v1"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/tools/events"
	corev1 "k8s.io/component-helpers/scheduling/corev1"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler"
	"k8s.io/kubernetes/pkg/scheduler/apis/config"
	"k8s.io/kubernetes/pkg/scheduler/backend/cache"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	testingclock "k8s.io/utils/clock/testing"
)

func init() {
	// What plugins log of odd objects is no part of a decision.
	klog.LogToStderr(false)
	klog.SetOutput(io.Discard)
	utilruntime.ErrorHandlers = nil
}

// client is never asked: informers are filled by hand and not started.
var client = fake.NewClientset()

type oracle struct {
	*scheduler.Scheduler
	ctx      context.Context
	logger   klog.Logger
	clock    *testingclock.FakeClock
	snapshot *cache.Snapshot
	nodes    []string
	weights  map[string]map[string]int64 // by profile
}

// Decide asks for all pending pods of the cluster, each seeing those before it.
func Decide(cluster *Cluster, profiles []config.KubeSchedulerProfile) ([]Decision, error) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	o, err := start(ctx, cluster, profiles)
	if err != nil {
		return nil, err
	}
	defer o.SchedulingQueue.Close()
	return o.decideAll(o.pending(cluster))
}

func start(ctx context.Context, cluster *Cluster, profiles []config.KubeSchedulerProfile, more ...scheduler.Option) (*oracle, error) {
	factory := informers.NewSharedInformerFactory(client, 0)
	clock := testingclock.NewFakeClock(time.Unix(0, 0))
	all := int32(100)
	recorders := func(string) events.EventRecorderLogger { return &events.FakeRecorder{} }
	options := append([]scheduler.Option{scheduler.WithProfiles(profiles...), scheduler.WithClock(clock),
		scheduler.WithPercentageOfNodesToScore(&all), scheduler.WithParallelism(1)}, more...)
	made, err := scheduler.New(ctx, client, factory, nil, recorders, options...)
	if err != nil {
		return nil, err
	}
	o := &oracle{Scheduler: made, ctx: ctx, logger: klog.FromContext(ctx), clock: clock,
		weights: map[string]map[string]int64{}}
	for name, profile := range made.Profiles {
		snapshot, ok := profile.SnapshotSharedLister().(*cache.Snapshot)
		if !ok {
			return nil, fmt.Errorf("profile %s has no snapshot of a cache", name)
		}
		o.snapshot = snapshot
		o.weights[name] = map[string]int64{}
		for _, plugin := range profile.ListPlugins().Score.Enabled {
			o.weights[name][plugin.Name] = int64(plugin.Weight)
		}
	}
	if err := fill(factory, cluster); err != nil {
		return nil, err
	}
	return o, o.believe(cluster)
}

// fill puts the cluster where plugins look objects up.
func fill(factory informers.SharedInformerFactory, cluster *Cluster) error {
	var errs []error
	for _, o := range cluster.Namespaces {
		errs = append(errs, factory.Core().V1().Namespaces().Informer().GetIndexer().Add(o))
	}
	for _, o := range cluster.Services {
		errs = append(errs, factory.Core().V1().Services().Informer().GetIndexer().Add(o))
	}
	for _, o := range cluster.ReplicationControllers {
		errs = append(errs, factory.Core().V1().ReplicationControllers().Informer().GetIndexer().Add(o))
	}
	for _, o := range cluster.ReplicaSets {
		errs = append(errs, factory.Apps().V1().ReplicaSets().Informer().GetIndexer().Add(o))
	}
	for _, o := range cluster.StatefulSets {
		errs = append(errs, factory.Apps().V1().StatefulSets().Informer().GetIndexer().Add(o))
	}
	for _, o := range cluster.Pods {
		errs = append(errs, factory.Core().V1().Pods().Informer().GetIndexer().Add(o))
	}
	for _, o := range cluster.Nodes {
		errs = append(errs, factory.Core().V1().Nodes().Informer().GetIndexer().Add(o))
	}
	return errors.Join(errs...)
}

func ended(pod *v1.Pod) bool {
	return pod.Status.Phase == v1.PodSucceeded || pod.Status.Phase == v1.PodFailed
}

// believe puts nodes and bound pods into the scheduler's cache, as its event handlers do. Nodes come by name, as an
// API server lists them: of an image that nodes report with different sizes, the first one's size counts.
func (o *oracle) believe(cluster *Cluster) error {
	nodes := slices.SortedFunc(slices.Values(cluster.Nodes), func(a, b *v1.Node) int {
		return strings.Compare(a.Name, b.Name)
	})
	for _, node := range nodes {
		o.Cache.AddNode(o.logger, node)
		o.nodes = append(o.nodes, node.Name)
	}
	for _, pod := range cluster.Pods {
		if pod.Spec.NodeName == "" || ended(pod) {
			continue
		}
		if err := o.Cache.AddPod(o.logger, pod); err != nil {
			return err
		}
	}
	return nil
}

// pending are the pods to decide, in the order of the queue.
func (o *oracle) pending(cluster *Cluster) []*v1.Pod {
	var pods []*v1.Pod
	for _, pod := range cluster.Pods {
		if pod.Spec.NodeName == "" && !ended(pod) && pod.DeletionTimestamp == nil &&
			o.Profiles.HandlesSchedulerName(pod.Spec.SchedulerName) {
			pods = append(pods, pod)
		}
	}
	slices.SortStableFunc(pods, func(a, b *v1.Pod) int {
		if pa, pb := corev1.PodPriority(a), corev1.PodPriority(b); pa != pb {
			if pa > pb {
				return -1
			}
			return 1
		}
		return a.CreationTimestamp.Compare(b.CreationTimestamp.Time)
	})
	return pods
}

func (o *oracle) decideAll(pods []*v1.Pod) ([]Decision, error) {
	for _, pod := range pods {
		o.clock.Step(time.Millisecond) // the queue orders by time of entering
		o.SchedulingQueue.Add(o.ctx, pod)
	}
	var decisions []Decision
	for _, pod := range pods {
		entry, queued := o.SchedulingQueue.GetPod(pod.Name, pod.Namespace)
		if !queued {
			return nil, fmt.Errorf("pod %s/%s is not in the queue", pod.Namespace, pod.Name)
		}
		if entry.Gated() {
			decision, err := o.gated(pod)
			if err != nil {
				return nil, err
			}
			decisions = append(decisions, decision)
			continue
		}
		popped, err := o.SchedulingQueue.Pop(o.logger)
		if err != nil {
			return nil, err
		}
		if popped.Pod.UID != pod.UID {
			return nil, fmt.Errorf("the queue's next pod is %s/%s, not %s/%s",
				popped.Pod.Namespace, popped.Pod.Name, pod.Namespace, pod.Name)
		}
		decision, err := o.decide(popped)
		if err != nil {
			return nil, err
		}
		decisions = append(decisions, decision)
	}
	return decisions, nil
}

func name(pod *v1.Pod) string { return pod.Namespace + "/" + pod.Name }

func (o *oracle) gated(pod *v1.Pod) (Decision, error) {
	for _, plugin := range o.Profiles[pod.Spec.SchedulerName].PreEnqueuePlugins() {
		if status := plugin.PreEnqueue(o.ctx, pod); !status.IsSuccess() {
			return Decision{Pod: name(pod), Result: Gated, Message: status.Message()}, nil
		}
	}
	return Decision{}, fmt.Errorf("pod %s is gated by no plugin", name(pod))
}

func (o *oracle) decide(entry *framework.QueuedPodInfo) (Decision, error) {
	pod := entry.Pod
	defer o.SchedulingQueue.Done(pod.UID)
	if err := o.Cache.UpdateSnapshot(o.logger, o.snapshot); err != nil {
		return Decision{}, err
	}
	record := &recorder{Framework: o.Profiles[pod.Spec.SchedulerName], filter: map[string]*fwk.Status{}}
	state := framework.NewCycleState()
	result, err := o.SchedulePod(o.ctx, record, state, entry)
	decision := Decision{Pod: name(pod), Weights: o.weights[pod.Spec.SchedulerName],
		Skipped: map[string][]string{}}
	decision.Skipped["Filter"] = state.GetSkipFilterPlugins().UnsortedList()
	decision.Skipped["Score"] = state.GetSkipScorePlugins().UnsortedList()
	o.SchedulingQueue.DeleteNominatedPodIfExists(pod)

	var fit *framework.FitError
	switch {
	case err == nil:
		decision.Result, decision.Feasible = Scheduled, result.FeasibleNodes
		decision.Nodes = o.judged(pod, record, decision.Weights)
		decision.Node = best(decision.Nodes)
		return decision, o.assume(pod, decision.Node, result, decision.Nodes)
	case errors.Is(err, scheduler.ErrNoNodesAvailable):
		decision.Result, decision.Message = Unschedulable, err.Error()
	case errors.As(err, &fit):
		decision.Result, decision.Message = Unschedulable, fit.Error()
		decision.Nodes = o.judged(pod, record, nil)
	default:
		decision.Result, decision.Message = Failed, err.Error()
	}
	return decision, nil
}

// judged lists the nodes the profile was asked about.
func (o *oracle) judged(pod *v1.Pod, record *recorder, weights map[string]int64) []Node {
	scores := map[string]fwk.NodePluginScores{}
	for _, score := range record.scores {
		scores[score.Name] = score
	}
	first, asked := record.filter[pod.Status.NominatedNodeName]
	if asked && first.IsSuccess() {
		return []Node{feasible(pod.Status.NominatedNodeName)} // no other node was asked
	}
	if asked {
		record.narrowers.Insert(first.Plugin()) // as schedulePod does before it names them
	}
	var nodes []Node
	for _, node := range o.nodes {
		status, asked := record.filter[node]
		score, hasScore := scores[node]
		switch {
		case record.preFilter != nil:
			nodes = append(nodes, rejected(node, record.preFilter))
		case asked && !status.IsSuccess():
			nodes = append(nodes, rejected(node, status))
		case hasScore:
			nodes = append(nodes, scored(score, weights))
		case asked:
			nodes = append(nodes, feasible(node))
		case !record.narrowed.AllNodes():
			nodes = append(nodes, rejected(node, fwk.NewStatus(fwk.UnschedulableAndUnresolvable,
				fmt.Sprintf("node(s) didn't satisfy plugin(s) %v", sets.List(record.narrowers)))))
		default:
			nodes = append(nodes, feasible(node)) // a profile without filters asks no node
		}
	}
	sortNodes(nodes)
	return nodes
}

// assume takes our choice among the best; kube-scheduler's own must be one of them.
func (o *oracle) assume(pod *v1.Pod, winner string, result scheduler.ScheduleResult, nodes []Node) error {
	total := func(name string) int64 {
		for _, node := range nodes {
			if node.Name == name && node.Code == "" && node.Total != nil {
				return *node.Total
			}
		}
		return 0
	}
	if winner == "" || total(winner) != total(result.SuggestedHost) {
		return fmt.Errorf("pod %s: chosen %q, kube-scheduler chose %q", name(pod), winner, result.SuggestedHost)
	}
	assumed := pod.DeepCopy()
	assumed.Spec.NodeName = winner
	return o.Cache.AssumePod(o.logger, assumed)
}
