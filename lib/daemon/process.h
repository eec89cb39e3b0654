// This process: what it gives up at start, what it says of itself in metrics, its signals.
// Neighbours: daemon.c, endpoints.c.
#ifndef DAEMON_PROCESS_H
#define DAEMON_PROCESS_H

#include <csched/base/error.h>
#include <csched/base/log.h>
#include <csched/base/metric.h>

// The process began at `wall` (Unix ns): told once.
void cs_process_started(struct cs_metrics *metrics, int64_t wall);
// Reads the process's own figures into the process_ metrics (Prometheus' standard names).
void cs_process_measure(struct cs_metrics *metrics);

struct cs_process_signals;

// A thread that waits for SIGTERM and SIGINT and calls `stop` on the first. A second one, or no end
// within five seconds, ends the process at once with exit status 1. Before all other
// threads, which inherit that these signals are blocked.
int cs_process_signals_create(const struct cs_log *log, void (*stop)(void *user), void *user,
			      struct cs_process_signals **ret, struct cs_error *err);
void cs_process_signals_destroy(struct cs_process_signals *signals);

#endif
