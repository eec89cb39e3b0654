// What /explain answers, for people: tables of scores, groups of rejected nodes.
// Neighbours: lib/daemon/explanation.c writes the answer; cmd/c-sched/explain.c fetches and prints.
#ifndef CSCHED_DAEMON_EXPLAIN_H
#define CSCHED_DAEMON_EXPLAIN_H

#include <stdbool.h>

#include <csched/base/buffer.h>
#include <csched/base/value.h>

struct cs_explain_options {
	bool color;       // scores as a heat map, with a terminal's escape sequences
	const char *node; // of particular interest; NULL = none
};

// Appends lines of text. An answer that lacks something gives shorter ones.
void cs_explain_print(struct json_object *answer, const struct cs_explain_options *options,
		      struct cs_buffer *out);

#endif
