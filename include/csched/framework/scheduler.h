// The scheduler: the cluster, the queue and the profiles in one object fed with objects and time.
// Neighbours: daemon drives it with watches and writes; simulate and tests drive it without.
// Core thread only; no I/O, no clock of its own.
#ifndef CSCHED_FRAMEWORK_SCHEDULER_H
#define CSCHED_FRAMEWORK_SCHEDULER_H

#include <stdbool.h>
#include <stdint.h>

#include <csched/base/clock.h>
#include <csched/base/metric.h>
#include <csched/base/random.h>
#include <csched/cluster/cluster.h>
#include <csched/cluster/load.h>
#include <csched/framework/config.h>
#include <csched/framework/cycle.h>
#include <csched/framework/record.h>

struct cs_scheduler;

// What an event is about: logs have other words for each.
enum cs_scheduler_news {
	CS_NEWS_SCHEDULED,
	CS_NEWS_NO_FIT,   // no node will do
	CS_NEWS_NO_NODES, // there is none
	CS_NEWS_ERROR,    // the attempt or the Binding failed; tried again
	CS_NEWS_DELETING, // not tried
	CS_NEWS_IGNORED,  // something that an annotation says is left out of account
};

struct cs_scheduler_event {
	enum cs_scheduler_news news;
	bool warning;
	const char *reason;     // "Scheduled", "FailedScheduling"
	const char *action;     // "Binding", "Scheduling"
	const char *note;       // not cut
	const char *controller; // the profile's schedulerName
};

// What is to be written into a pod's status.
struct cs_scheduler_status {
	const char *reason; // of PodScheduled=False; NULL: the condition says so already
	const char *message;
	bool drop_nomination; // nominatedNodeName goes
};

// What the scheduler asks of the world. All calls come from inside cs_scheduler_turn or one of the
// cs_scheduler_ functions below, none of which may be called from inside these; pod pointers are
// valid during the call.
struct cs_scheduler_sink {
	void *user;
	// Write a Binding. The answer comes as cs_scheduler_bound with the same ticket.
	void (*bind)(void *user, uint64_t ticket, const struct cs_pod *pod, const char *node);
	// Patch the pod's status; called only when something differs from what it was last told to
	// be.
	void (*status)(void *user, const struct cs_pod *pod,
		       const struct cs_scheduler_status *status);
	// An Event about a pod: FailedScheduling or Scheduled. `warning` selects its type.
	void (*event)(void *user, const struct cs_pod *pod, const struct cs_scheduler_event *event);
	// Its node or pod is gone: a Binding that has not been sent shall not be sent any more, and
	// then ends as CS_BOUND_FAILED. NULL = bindings do not wait.
	void (*withdraw)(void *user, uint64_t ticket);
	// The load figures of every metric have gone stale (placement goes by requests alone), or
	// are there again. NULL = nobody asks.
	void (*load)(void *user, bool known, const char *words);
};

struct cs_scheduler_options {
	struct cs_cluster *cluster;     // borrowed
	const struct cs_config *config; // borrowed
	struct cs_scheduler_sink sink;
	struct cs_random *random;   // ties between equal totals; NULL = lowest node name wins
	struct cs_metrics *metrics; // NULL = none
	struct cs_clock clock;      // for durations within a turn; without `now` they are 0
	bool no_cache;              // keep no columns between decisions (tests compare both ways)
	uint32_t max_binding;       // bindings without an answer at most; 0 = 64
	uint32_t n_records;         // size of the decision ring; 0 = 4096
};

// -EINVAL without a profile.
int cs_scheduler_create(const struct cs_scheduler_options *options, struct cs_scheduler **ret,
			struct cs_error *err);
void cs_scheduler_destroy(struct cs_scheduler *scheduler); // before its cluster and config

// What watches tell. `now` is the time of the turn. Errors are about that object alone: log and go
// on.
int cs_scheduler_apply_node(struct cs_scheduler *scheduler, struct cs_time now,
			    const Kube__Node *node, struct cs_error *err);
void cs_scheduler_remove_node(struct cs_scheduler *scheduler, struct cs_time now, const char *name);
int cs_scheduler_apply_pod(struct cs_scheduler *scheduler, struct cs_time now, const Kube__Pod *pod,
			   struct cs_error *err);
void cs_scheduler_remove_pod(struct cs_scheduler *scheduler, struct cs_time now, const char *uid);
// A round of samples; as cs_cluster_apply_samples and _pod_samples.
struct cs_load_round {
	uint32_t n_samples;
	const struct cs_load_sample *samples;
	uint32_t n_pods;
	const struct cs_load_pod_sample *pods;
	bool more; // pods of the round are to come in a further call
};
void cs_scheduler_apply_load(struct cs_scheduler *scheduler, struct cs_time now,
			     const struct cs_load_round *round, struct cs_load_report *ret);
// Kinds that cs_cluster_apply_object knows.
int cs_scheduler_apply_object(struct cs_scheduler *scheduler, struct cs_time now,
			      const struct cs_kind *kind, const ProtobufCMessage *object,
			      struct cs_error *err);
// `namespace` is NULL for what has none.
void cs_scheduler_remove_object(struct cs_scheduler *scheduler, struct cs_time now,
				const struct cs_kind *kind, const char *namespace,
				const char *name);

// Decisions are made only between these two: after all watches have synced and, with leader
// election, while we lead.
void cs_scheduler_start(struct cs_scheduler *scheduler);
void cs_scheduler_stop(struct cs_scheduler *scheduler);

// How a Binding ended.
enum cs_bound {
	CS_BOUND_HERE,
	CS_BOUND_ELSEWHERE, // on `node`
	CS_BOUND_GONE,      // the pod does not exist any more
	CS_BOUND_FAILED,    // the pod is unbound: try again with back-off; `message` says why
};
struct cs_bound_result {
	uint64_t ticket;
	enum cs_bound outcome;
	const char *node;    // ELSEWHERE
	const char *message; // FAILED
};
void cs_scheduler_bound(struct cs_scheduler *scheduler, struct cs_time now,
			const struct cs_bound_result *result);

// Decides up to `max` pods. Returns how many it decided; 0 = nothing to do until the next input or
// cs_scheduler_deadline.
uint32_t cs_scheduler_turn(struct cs_scheduler *scheduler, struct cs_time now, uint32_t max);
// The boot time at which a turn has work without further input (back-off, flush); INT64_MAX =
// never.
int64_t cs_scheduler_deadline(const struct cs_scheduler *scheduler);

// What would be said of a pod now: decides as if it were its turn, and changes nothing. -EINVAL for
// a pod that is not decided: bound, assumed, gated, of no profile, or with an unsupported field.
int cs_scheduler_explain(struct cs_scheduler *scheduler, const struct cs_pod *pod,
			 struct cs_outcome *ret, struct cs_judge judge);
// The profile that decides the pod, NULL for another scheduler's.
const struct cs_profile *cs_scheduler_profile(const struct cs_scheduler *scheduler,
					      const struct cs_pod *pod);
const struct cs_queue *cs_scheduler_queue(const struct cs_scheduler *scheduler);

// The decisions; who judges for another scheduler adds to them.
struct cs_records *cs_scheduler_records(const struct cs_scheduler *scheduler);

// The metrics this scheduler updates (kube-scheduler's names); ends with a NULL name.
extern const struct cs_metric_info cs_scheduler_metrics[];

#endif
