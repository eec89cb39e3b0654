// What sources of load figures answered, on its way into the scheduler: in slices, so that a long
// list of pods does not hold up decisions. Core thread.
// Neighbours: core.c runs it; load_thread.c sends; load_report.h tells what came of it.
#ifndef DAEMON_LOAD_INTAKE_H
#define DAEMON_LOAD_INTAKE_H

#include <csched/base/log.h>
#include <csched/base/metric.h>
#include <csched/framework/load_config.h>
#include <csched/framework/scheduler.h>

#include "daemon/message.h"

#define CS_LOAD_INTAKE_SLICE 4096 // pods at once

struct cs_load_intake_options {
	const struct cs_load_config *config; // NULL = there are no sources; borrowed, as all here
	struct cs_scheduler *scheduler;
	const struct cs_log *log;
	struct cs_metrics *metrics;
	// A message of that source is done with.
	void (*credit)(void *user, uint32_t source);
	void *user;
};

struct cs_load_intake;

struct cs_load_intake *cs_load_intake_create(const struct cs_load_intake_options *options);
void cs_load_intake_destroy(struct cs_load_intake *intake);

void cs_load_intake_add(struct cs_load_intake *intake, struct cs_message_load *load); // takes it
// Takes in a slice of the oldest. True: there is more.
bool cs_load_intake_turn(struct cs_load_intake *intake, struct cs_time now);

#endif
