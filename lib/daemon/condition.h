// The status patch of a pod that is not scheduled. Neighbours: core.c sends it.
#ifndef DAEMON_CONDITION_H
#define DAEMON_CONDITION_H

#include <csched/base/buffer.h>
#include <csched/base/clock.h>
#include <csched/cluster/pod.h>
#include <csched/framework/scheduler.h>

// Appends the strategic merge patch that sets the pod's condition PodScheduled to False with these
// words and drops its nomination, either or both, as kube-scheduler's
// (pkg/scheduler/schedule_one.go, updatePod): the time of transition is only set when the pod had
// no such condition yet, since an unbound pod's is False already.
void cs_condition_patch(const struct cs_pod *pod, struct cs_time now,
			const struct cs_scheduler_status *status, struct cs_buffer *out);

#endif
