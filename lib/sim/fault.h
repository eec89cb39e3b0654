// Fault rules: which request meets which mishap. Neighbours: request.c asks before it acts, watch.c
// carries out what concerns streams.
#ifndef SIM_FAULT_H
#define SIM_FAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <csched/base/error.h>
#include <csched/base/slice.h>

enum sim_fault_kind {
	SIM_FAULT_NONE,
	SIM_FAULT_STATUS,   // answer with this status instead of acting
	SIM_FAULT_CLOSE,    // close the connection instead of acting
	SIM_FAULT_LOSE,     // act, then close the connection without an answer
	SIM_FAULT_GARBAGE,  // bytes that are no answer; in a watch, after some events
	SIM_FAULT_OVERSIZE, // an answer or an event of `bytes` bytes
	SIM_FAULT_CUT,      // a watch ends properly after some events
	SIM_FAULT_STALL,    // a watch is silent for ever after some events
	SIM_FAULT_ERROR,    // a watch carries an ERROR event with this status after some events
	SIM_FAULT_TRUNCATE, // a watch is cut in the middle of an event
	SIM_FAULT_DELAY,    // nothing but the delay
	SIM_FAULT_COUNT,
};

// What a matching rule does. Strings belong to the rule set and live as long as the lock is held;
// a watch copies what it needs.
struct sim_fault_action {
	enum sim_fault_kind kind;
	int code;          // STATUS, ERROR
	char reason[64];   // "" = upstream's for the code
	char message[256]; // "" = one that names kubesim
	int retry_after;   // seconds; 0 = no Retry-After
	int64_t delay;     // ns before the answer; for every kind
	uint64_t after;    // events of a watch before it happens
	size_t bytes;      // OVERSIZE
};

// Empty members match everything.
struct sim_fault_match {
	char verb[24];
	char resource[64];
	char subresource[32];
	char namespace_[64];
	char name[256];
};

struct sim_fault_rule {
	struct sim_fault_match match;
	struct sim_fault_action action;
	uint64_t nth;   // the first match that is hit, from 1
	uint64_t count; // how many from there on; 0 = all
	uint64_t seen;  // matches
	uint64_t hit;
};

struct sim_faults {
	struct sim_fault_rule *rules;
	size_t count;
};

// Replaces the rules; on errors the old ones stay.
int sim_faults_read(const char *file_name, struct cs_slice text, struct sim_faults *faults,
		    struct cs_error *err);
void sim_faults_finish(struct sim_faults *faults);
// The first rule that matches and is due; every rule that matches counts the request as seen.
struct sim_fault_action sim_faults_ask(struct sim_faults *faults,
				       const struct sim_fault_match *request);
const char *sim_fault_name(enum sim_fault_kind kind);

#endif
