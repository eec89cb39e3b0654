// A thread that asks one source of load figures, and carries what it answers to the core.
// Neighbours: feed.h makes the source ready; load/sampler.h asks; load_report.h is the core's side.
#ifndef DAEMON_LOAD_THREAD_H
#define DAEMON_LOAD_THREAD_H

#include <csched/base/clock.h>
#include <csched/base/log.h>
#include <csched/base/mailbox.h>
#include <csched/base/metric.h>
#include <csched/client/kubeconfig.h>
#include <csched/client/transport.h>
#include <csched/framework/load_config.h>

struct cs_load_thread_options {
	const struct cs_load_config *config; // borrowed, as all pointers here
	uint32_t index;                      // of the source
	const struct cs_endpoint *endpoint;  // the API server
	uint64_t seed;
	const struct cs_log *log;
	struct cs_clock clock;
	struct cs_metrics *metrics;
	struct cs_mailbox *core;        // gets CS_CORE_LOAD
	struct cs_transport *transport; // NULL = curl; else taken over (tests)
};

struct cs_load_thread;

// Reads credentials and starts the thread. Replicas that wait for the lease ask as well, so that a
// new leader knows the load at once.
int cs_load_thread_create(const struct cs_load_thread_options *options, struct cs_load_thread **ret,
			  struct cs_error *err);
// Ends the thread and waits for it: what it was waiting for is given up.
void cs_load_thread_destroy(struct cs_load_thread *thread);

// The core is done with one CS_CORE_LOAD. Any thread. Until all of a round are done with, the
// source is not asked again.
void cs_load_thread_credit(struct cs_load_thread *thread);

// The metrics of sources; ends with a NULL name.
extern const struct cs_metric_info cs_load_thread_metrics[];

#endif
