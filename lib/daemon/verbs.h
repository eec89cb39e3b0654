// What the extender's verbs mean to the model: verdicts, scores, reservations, Bindings.
// Core thread only. Neighbours: core.c brings the calls; framework/judge.h judges; cluster/load.h
// reserves.
#ifndef DAEMON_VERBS_H
#define DAEMON_VERBS_H

#include <csched/base/clock.h>
#include <csched/base/metric.h>
#include <csched/client/write.h>
#include <csched/cluster/cluster.h>
#include <csched/framework/config.h>
#include <csched/framework/cycle.h>

#include "daemon/call.h"

// Ticket numbers of our Bindings have this bit: the scheduler's have not.
#define CS_VERBS_TICKET (UINT64_C(1) << 63)

struct cs_verbs_options {
	struct cs_cluster *cluster;       // borrowed, as all pointers here
	const struct cs_config *config;   // the one that `profile` is of
	const struct cs_profile *profile; // the plugins that judge
	const struct cs_clock *clock;
	struct cs_metrics *metrics; // NULL = none
	struct cs_records *records; // what is answered is remembered there; NULL = nowhere
	bool bind;                  // verb bind is answered
	// As struct cs_core_options.
	void (*write)(void *user, const struct cs_write *write);
	void *user;
};

struct cs_verbs;

struct cs_verbs *cs_verbs_create(const struct cs_verbs_options *options);
// Before the cluster. Calls that wait for a Binding are freed.
void cs_verbs_destroy(struct cs_verbs *verbs); // NULL is fine

// What the core knows of itself.
struct cs_verbs_state {
	struct cs_time now;
	bool synced;  // the model is complete
	bool leading; // we may write
};
// Answers a call, now or when its Binding has ended; it goes back by cs_call_return. False: it
// wants to go on later, as it takes a millisecond and more to read its nodes; answer it again.
bool cs_verbs_answer(struct cs_verbs *verbs, const struct cs_verbs_state *state,
		     struct cs_call *call);
// A watch tells of that pod, before the model hears of it: what was supposed of it is known now. A
// pod of another name or workload than a request told leaves the model, with its reservation.
void cs_verbs_told(struct cs_verbs *verbs, const Kube__ObjectMeta *metadata);
// What the profile says of an unbound pod and all nodes; as cs_scheduler_explain.
int cs_verbs_explain(struct cs_verbs *verbs, const struct cs_pod *pod, struct cs_outcome *ret,
		     struct cs_judge judge);
const struct cs_profile *cs_verbs_profile(const struct cs_verbs *verbs);
// Once a second or less often: pods that calls told of and no watch within 30 s leave the model.
void cs_verbs_expire(struct cs_verbs *verbs, struct cs_time now);
// A Binding of ours has ended (its ticket has CS_VERBS_TICKET).
void cs_verbs_written(struct cs_verbs *verbs, const struct cs_write_result *result);

// The built-in profile of the extender, as a configuration of its own. -EINVAL where `plugins`
// lacks one that it names.
int cs_verbs_built_in(const struct cs_plugin *const *plugins, struct cs_config **ret,
		      struct cs_error *err);

#endif
