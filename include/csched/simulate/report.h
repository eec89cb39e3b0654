// What a simulation decided, for programs and for people.
// Neighbours: simulation.h decides; cmd/c-sched takes the bytes to standard output.
#ifndef CSCHED_SIMULATE_REPORT_H
#define CSCHED_SIMULATE_REPORT_H

#include <csched/simulate/simulation.h>

enum cs_report_format { CS_REPORT_TABLE, CS_REPORT_JSON, CS_REPORT_YAML };

// What is told of nodes in JSON and YAML: nothing, the chosen node, each node.
enum cs_report_explain { CS_REPORT_EXPLAIN_NONE, CS_REPORT_EXPLAIN_WINNER, CS_REPORT_EXPLAIN_ALL };

struct cs_report_options {
	struct cs_simulation *simulation; // prepared; borrowed
	enum cs_report_format format;
	enum cs_report_explain explain;
	// Takes bytes as they come. < 0 ends the writing: the rest is not offered any more.
	int (*write)(void *user, struct cs_slice bytes);
	void *user;
};

struct cs_report;

struct cs_report *cs_report_create(const struct cs_report_options *options);
void cs_report_destroy(struct cs_report *report);

// For cs_simulation_run.
struct cs_simulation_listener cs_report_listener(struct cs_report *report);

// After the run: writes what is left. 0 or what `write` returned first.
int cs_report_end(struct cs_report *report);
// Whether each pod found its node.
bool cs_report_all_placed(const struct cs_report *report);

#endif
