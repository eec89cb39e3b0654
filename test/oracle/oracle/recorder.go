package oracle

import (
	"context"
	"sync"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework"
)

// recorder is a profile's framework that keeps what it answered for one pod.
type recorder struct {
	framework.Framework

	lock      sync.Mutex
	preFilter *fwk.Status // of a rejection
	narrowed  *fwk.PreFilterResult
	narrowers sets.Set[string]
	filter    map[string]*fwk.Status
	scores    []fwk.NodePluginScores
}

func (r *recorder) RunPreFilterPlugins(ctx context.Context, state fwk.CycleState, pod *v1.Pod) (
	*fwk.PreFilterResult, *fwk.Status, sets.Set[string]) {
	result, status, plugins := r.Framework.RunPreFilterPlugins(ctx, state, pod)
	if status.IsRejected() {
		r.preFilter = status
	}
	r.narrowed, r.narrowers = result, plugins.Clone() // the caller adds to the set
	return result, status, plugins
}

func (r *recorder) RunFilterPluginsWithNominatedPods(ctx context.Context, state fwk.CycleState, pod *v1.Pod,
	node fwk.NodeInfo) *fwk.Status {
	status := r.Framework.RunFilterPluginsWithNominatedPods(ctx, state, pod, node)
	r.lock.Lock()
	defer r.lock.Unlock()
	r.filter[node.Node().Name] = status
	return status
}

func (r *recorder) RunScorePlugins(ctx context.Context, state fwk.CycleState, pod *v1.Pod, nodes []fwk.NodeInfo) (
	[]fwk.NodePluginScores, *fwk.Status) {
	scores, status := r.Framework.RunScorePlugins(ctx, state, pod, nodes)
	// The caller makes a heap of them.
	r.scores = append([]fwk.NodePluginScores(nil), scores...)
	return scores, status
}

// Hints of earlier decisions would hide what the plugins say.
func (r *recorder) GetNodeHint(context.Context, *v1.Pod, fwk.PodSignature, fwk.CycleState, int64) string {
	return ""
}

func (r *recorder) StoreScheduleResults(context.Context, fwk.PodSignature, string, string,
	framework.SortedScoredNodes, int64) {
}
