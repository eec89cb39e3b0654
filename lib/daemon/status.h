// What the threads show of themselves to health checks: atomics, each written by one thread.
// Neighbours: core.c and client_thread.c write, health.c reads.
#ifndef DAEMON_STATUS_H
#define DAEMON_STATUS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct cs_daemon_status {
	atomic_bool informers_synced; // client: every watch has told what exists
	atomic_bool handlers_synced;  // core: and all of it is in the model
	atomic_bool leading;          // client; stays false without leader election
	atomic_bool lease_healthy;    // client: cs_lease_healthy at its last turn
	_Atomic int64_t client_turn;  // client: boot ns of its last turn
	atomic_bool stopping;         // core: the process was asked to end
};

#endif
