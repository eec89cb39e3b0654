// The decision record: why a pod went where it went, in a ring of the last decisions.
// Neighbours: scheduler.c fills it from what cycle.h tells; explain, endpoints, the demo's table
// and simulate print it.
#ifndef CSCHED_FRAMEWORK_RECORD_H
#define CSCHED_FRAMEWORK_RECORD_H

#include <stdint.h>

#include <csched/base/json_writer.h>
#include <csched/cluster/cluster.h>
#include <csched/cluster/load.h>

struct cs_detail;
struct cs_profile;

enum cs_decision {
	CS_DECISION_SCHEDULED,
	CS_DECISION_UNSCHEDULABLE,
	CS_DECISION_ERROR,
	// For another scheduler, which chooses: nodes were ranked, or some refused.
	CS_DECISION_RANKED,
	CS_DECISION_FILTERED,
};
const char *cs_decision_name(enum cs_decision decision); // "scheduled"

// What was known of one metric's load of a node when it was chosen, or was not: see load.h.
struct cs_record_load {
	const char *metric; // constant, the configuration's
	double load;        // in the metric's unit
	double capacity;    // 0 = not known
	double quality;     // 0 = not known, 1 = fresh
	enum cs_load_state state;
	int64_t taken; // Unix ns of the sample; 0 = none
};

// A node that could take the pod. The load of the first CS_RECORD_LOADED_MAX is kept.
#define CS_RECORD_LOADED_MAX 2
struct cs_record_candidate {
	const char *node;
	int64_t total;
	const uint8_t *scores; // as profile->score, CS_SCORE_NONE where skipped; NULL: none made
	uint32_t n_loads;
	const struct cs_record_load *loads;
};

// How many nodes a filter rejected; plugin "" = left out by a PreFilter.
struct cs_record_rejection {
	const char *plugin; // constant
	uint32_t nodes;
};

// What is kept of one decision: owned by the ring; a reader on the core thread may use it until the
// next decision.
struct cs_record {
	uint64_t number; // 1, 2, ...
	const char *namespace;
	const char *name; // of the pod
	const char *uid;
	const struct cs_profile *profile; // constant
	enum cs_decision decision;
	int64_t at;       // Unix ns
	int64_t took;     // ns of core time
	unsigned attempt; // 1 = the first
	uint32_t n_nodes; // live nodes; RANKED, FILTERED: those asked for
	uint32_t n_feasible;
	// The winner first, then the runner-up (second best by total), then the next best: at most
	// CS_CANDIDATES_MAX. None unless scheduled or ranked.
	uint32_t n_candidates;
	const struct cs_record_candidate *candidates;
	uint32_t n_rejections;
	const struct cs_record_rejection *rejections;
	const char *message; // the fit error; NULL when scheduled
	// What the pod asked; all zero where no cycle decided, and of decisions before the last
	// ones, which between them asked CS_RECORDS_ASKED_MAX different things.
	struct cs_asked asked;
};

// Demands and owners together.
#define CS_RECORDS_ASKED_MAX 512

struct cs_records;

// Ends before its cluster.
struct cs_records *cs_records_create(uint32_t capacity, struct cs_cluster *cluster);
void cs_records_destroy(struct cs_records *records);
// Copies all of `record` but its number, and what was asked, which is the ring's from now on.
void cs_records_add(struct cs_records *records, const struct cs_record *record);
// The same of a decision about that unbound pod: with its name and what it asks, with candidates
// and rejections from the decision's detail, and with the nodes' load now.
void cs_records_keep(struct cs_records *records, const struct cs_pod *pod,
		     const struct cs_record *record, const struct cs_detail *detail);
// The newest decision about a pod ("namespace/name") that is older than `before` (a number; 0 = of
// all), NULL if none is left.
const struct cs_record *cs_records_find(const struct cs_records *records, const char *pod,
					uint64_t before);
// The i-th newest, NULL past the end.
const struct cs_record *cs_records_at(const struct cs_records *records, uint32_t i);

// The i-th candidate's name, NULL without one; its total, 0 without one.
const char *cs_record_node(const struct cs_record *record, uint32_t i);
int64_t cs_record_total(const struct cs_record *record, uint32_t i);

void cs_record_write(const struct cs_record *record, struct cs_json_writer *json);
// Members of an object that is open: "scores", those that were not skipped; "weights".
void cs_record_write_scores(const struct cs_profile *profile, const uint8_t *scores,
			    struct cs_json_writer *json);
void cs_record_write_weights(const struct cs_profile *profile, struct cs_json_writer *json);

#endif
