// The decision record: why a pod went where it went, in a ring of the last decisions.
// Neighbours: cycle.c fills it; explain, endpoints, the demo's table and simulate print it.
#ifndef CSCHED_FRAMEWORK_RECORD_H
#define CSCHED_FRAMEWORK_RECORD_H

#include <stdint.h>

#include <csched/base/json_writer.h>

enum cs_decision {
	CS_DECISION_SCHEDULED,
	CS_DECISION_UNSCHEDULABLE,
	CS_DECISION_ERROR,
};

// What is kept of one decision. Strings are copies, owned by the ring; a reader on the core thread
// may use them until the next decision.
struct cs_record {
	uint64_t number; // 1, 2, ...
	char *pod;       // "namespace/name"
	char *uid;
	const char *profile; // schedulerName
	enum cs_decision decision;
	int64_t at;       // Unix ns
	int64_t took;     // ns of core time
	unsigned attempt; // 1 = the first
	uint32_t n_nodes; // live nodes
	uint32_t n_feasible;
	char *node;      // the winner, NULL if none
	char *runner_up; // second best by total (ties: the lowest row), NULL if none
	int64_t score;   // total of the winner; 0 with one feasible node: nothing was scored
	int64_t runner_up_score;
	char *message; // the fit error; NULL when scheduled
};

struct cs_records;

struct cs_records *cs_records_create(uint32_t capacity);
void cs_records_destroy(struct cs_records *records);
// Takes the strings of `record` (malloc) over.
void cs_records_add(struct cs_records *records, const struct cs_record *record);
// The newest decision about a pod ("namespace/name"), NULL if none is left.
const struct cs_record *cs_records_find(const struct cs_records *records, const char *pod);
// The i-th newest, NULL past the end.
const struct cs_record *cs_records_at(const struct cs_records *records, uint32_t i);
void cs_record_write(const struct cs_record *record, struct cs_json_writer *json);

#endif
