package oracle

import (
	"context"
	"fmt"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/kubernetes/pkg/scheduler"
	"k8s.io/kubernetes/pkg/scheduler/apis/config"
	"k8s.io/kubernetes/pkg/scheduler/framework"
)

// Time tells what each decision about a pending pod took: the snapshot of what changed, filters, scores and
// the assumption. percentage is percentageOfNodesToScore, 0 for kube-scheduler's own choice.
func Time(cluster *Cluster, profiles []config.KubeSchedulerProfile, percentage int32, took func(*v1.Pod, time.Duration)) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	o, err := start(ctx, cluster, profiles, scheduler.WithPercentageOfNodesToScore(&percentage),
		scheduler.WithParallelism(16)) // kube-scheduler's default
	if err != nil {
		return err
	}
	defer o.SchedulingQueue.Close()
	if err := o.Cache.UpdateSnapshot(o.logger, o.snapshot); err != nil {
		return err
	}
	for _, pod := range o.pending(cluster) {
		o.SchedulingQueue.Add(o.ctx, pod)
		entry, err := o.SchedulingQueue.Pop(o.logger)
		if err != nil {
			return err
		}
		begun := time.Now()
		if err := o.bind(entry); err != nil {
			return err
		}
		took(pod, time.Since(begun))
		o.SchedulingQueue.Done(pod.UID)
	}
	return nil
}

func (o *oracle) bind(entry *framework.QueuedPodInfo) error {
	pod := entry.Pod
	if err := o.Cache.UpdateSnapshot(o.logger, o.snapshot); err != nil {
		return err
	}
	result, err := o.SchedulePod(o.ctx, o.Profiles[pod.Spec.SchedulerName], framework.NewCycleState(), entry)
	if err != nil {
		return fmt.Errorf("pod %s: %w", name(pod), err)
	}
	assumed := pod.DeepCopy()
	assumed.Spec.NodeName = result.SuggestedHost
	return o.Cache.AssumePod(o.logger, assumed)
}
