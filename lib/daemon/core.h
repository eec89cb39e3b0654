// The core: the scheduler fed by messages, in turns of about two milliseconds. One thread runs it.
// Neighbours: daemon.c runs the turns; client_thread.c and endpoints.c send the messages.
#ifndef DAEMON_CORE_H
#define DAEMON_CORE_H

#include <csched/base/clock.h>
#include <csched/base/log.h>
#include <csched/base/mailbox.h>
#include <csched/base/metric.h>
#include <csched/client/write.h>
#include <csched/framework/config.h>

#include "daemon/status.h"

struct cs_core_options {
	const struct cs_config *config; // borrowed, as all pointers here
	const struct cs_log *log;
	struct cs_clock clock;
	struct cs_metrics *metrics;
	struct cs_daemon_status *status;
	const char *host; // this machine's name, for Events
	uint64_t seed;
	uint32_t n_records; // size of the ring of decisions
	uint32_t n_watches; // kinds that must have told what exists before anything is decided
	bool elect;         // and we must lead
	// The plugins that judge for other schedulers; NULL profile = CS_CORE_CALL is never sent.
	struct {
		const struct cs_config *config;
		const struct cs_profile *profile;
		bool bind; // Bindings are sent for them
	} extender;
	bool emit_events;
	// Called inside cs_core_turn.
	void (*write)(void *user, const struct cs_write *write); // strings valid during the call
	void (*credit)(void *user, size_t bytes);         // a batch of that many bytes is done with
	void (*load_credit)(void *user, uint32_t source); // a CS_CORE_LOAD is done with
	void (*stop)(void *user); // end the client; the answer is CS_CORE_ENDED
	void *user;
};

struct cs_core;

int cs_core_create(const struct cs_core_options *options, struct cs_core **ret,
		   struct cs_error *err);
// Messages that are left are freed; nothing is called, and nobody may send any more.
void cs_core_destroy(struct cs_core *core);

// Where messages of message.h go; any thread.
struct cs_mailbox *cs_core_mailbox(struct cs_core *core);

// Reads messages and answers calls for a millisecond, one of them (or a slice of it) in any case;
// then, for about another one, applies what watches told and decides, and answers one question, or
// as many as there is time for. True: there is more to do at once.
bool cs_core_turn(struct cs_core *core);
// boot ns at which the next turn has work without a message; INT64_MAX = never.
int64_t cs_core_deadline(const struct cs_core *core);

// The client has ended: the process can. The exit status is 1 where nobody asked for it: the lease
// was lost, or what it must look up could not be had.
bool cs_core_ended(const struct cs_core *core, int *ret_status);

#endif
