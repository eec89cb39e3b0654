// Requirements of selectors for people, as kubectl writes them.
// Neighbours: pod_match.c and node_selector.c keep requirements as words, and have their own walk.
#ifndef LIB_CLUSTER_PHRASE_H
#define LIB_CLUSTER_PHRASE_H

#include <csched/base/buffer.h>
#include <csched/base/intern.h>
#include <csched/kube/selector.h>

#define CS_PHRASE_MAX 8 // of values, requirements, terms and names that are listed; others counted

struct cs_phrase {
	const char *key;
	enum cs_operator op;
	uint32_t n_values;
	const uint32_t *values; // intern ids; not of Gt and Lt
	int64_t number;         // of Gt and Lt
};

// Appends "app=web", "zone in (a,b)", "gpu", "!gpu", "cpus>8".
void cs_phrase_requirement(const struct cs_intern *strings, const struct cs_phrase *phrase,
			   struct cs_buffer *out);
// Appends the first strings of a list, `between` them: "a, b and 3 more".
void cs_phrase_list(const struct cs_intern *strings, const uint32_t *ids, uint32_t n,
		    const char *between, struct cs_buffer *out);

#endif
