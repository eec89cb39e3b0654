// What the metrics say of attempts, decisions and Bindings, as kube-scheduler counts them.
// Neighbours: scheduler.c tells what happens; metrics.h has the table, times.h the times of single
// plugins.
#ifndef FRAMEWORK_ACCOUNTS_H
#define FRAMEWORK_ACCOUNTS_H

#include <csched/base/clock.h>
#include <csched/framework/cycle.h>
#include <csched/framework/queue.h>

struct accounts;

// NULL without metrics: the others do nothing with that. `clock` may be empty: see
// accounts_instant.
struct accounts *accounts_create(struct cs_metrics *metrics, const struct cs_config *config,
				 struct cs_clock clock);
void accounts_destroy(struct accounts *accounts);

// A cycle has decided about the pod.
void accounts_decided(struct accounts *accounts, struct cs_time now,
		      const struct cs_pending *pending, const struct cs_outcome *outcome);
// The attempt ended without a node,
void accounts_failed(struct accounts *accounts, struct cs_time now,
		     const struct cs_pending *pending, enum cs_decision result);
// or with the pod bound.
void accounts_scheduled(struct accounts *accounts, struct cs_time now,
			const struct cs_pending *pending);

// A Binding on its way.
struct accounts_binding {
	const struct cs_profile *profile;
	int64_t sent; // boot ns
	bool sampled; // the decision was
};
void accounts_bound(struct accounts *accounts, struct cs_time now,
		    const struct accounts_binding *binding, bool good);

// How large the model is, and with decisions what plugins were asked.
void accounts_show(struct accounts *accounts, const struct cs_cluster *cluster, bool decided);

// Boot ns, as the clock has it by now; without a clock of the turn's beginning.
static inline int64_t accounts_instant(const struct cs_clock *clock, struct cs_time now)
{
	return clock->now ? cs_clock_now(clock).boot : now.boot;
}

#endif
