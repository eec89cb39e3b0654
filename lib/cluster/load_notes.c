// What a node's annotations say of its load: its weight, and samples for who has no source.
// Neighbours: node.c calls; load_samples.c takes what was read.
#include <csched/kube/timestamp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "cluster_internal.h"

#define WEIGHT_KEY  "c-sched.io/weight"
#define LOAD_PREFIX "load.c-sched.io/"
#define WEIGHT_MAX  1000
#define VALUE_MAX   64 // bytes of a number

static void tell(const struct cs_loads *loads, uint32_t row, const char *key, const char *words)
{
	if (!loads->notice || loads->muted)
		return;
	struct cs_error err;
	cs_error_set(&err, -EINVAL, "node %s: metadata.annotations[%s]: %s",
		     cs_intern_string(loads->nodes->strings, loads->nodes->table.name[row]), key,
		     words);
	loads->notice(loads->notice_user, err.text);
}

static int32_t read_weight(const struct cs_loads *loads, uint32_t row, const char *text,
			   bool changed)
{
	int32_t weight = 0;
	const char *at = text;
	while (*at >= '0' && *at <= '9' && at - text < 5)
		weight = weight * 10 + (*at++ - '0');
	if (at > text && !*at && weight <= WEIGHT_MAX)
		return weight;
	if (changed)
		tell(loads, row, WEIGHT_KEY,
		     "expected an integer from 0 to 1000: the node counts with 100");
	return CS_NODE_WEIGHT_DEFAULT;
}

// "VALUE@TIME". -EINVAL.
static int parse_note(struct cs_slice text, double *ret_value, int64_t *ret_taken,
		      struct cs_error *err)
{
	const char *at = text.size ? memchr(text.data, '@', text.size) : NULL;
	size_t size = at ? (size_t)(at - text.data) : 0;
	char number[VALUE_MAX + 1];
	if (size == 0 || size > VALUE_MAX)
		return cs_error_set(err, -EINVAL, "expected \"<value>@<RFC 3339 time>\"");
	memcpy(number, text.data, size);
	number[size] = '\0';
	char *end;
	*ret_value = strtod(number, &end);
	if (number[0] == ' ' || *end || end == number)
		return cs_error_set(err, -EINVAL, "not a number before the @");
	return cs_timestamp_parse((struct cs_slice){ at + 1, text.size - size - 1 }, ret_taken,
				  err);
}

static uint32_t read_sample(struct cs_loads *loads, uint32_t row, const Kube__StringEntry *note,
			    bool changed)
{
	uint32_t metric = cs_load_find(&loads->table, note->key + strlen(LOAD_PREFIX));
	if (metric == CS_LOAD_METRIC_NONE || !loads->hidden[metric].from_annotations)
		return 0;
	struct cs_load_sample sample = { .metric = metric };
	struct cs_load_report report = { 0 };
	struct cs_error err;
	int rc = parse_note(cs_slice_of(note->value), &sample.value, &sample.taken, &err);
	uint32_t events = rc == 0 ? cs_loads_absorb(loads, row, &sample, &report) : 0;
	if (rc != 0 && changed)
		tell(loads, row, note->key, err.text);
	else if (report.n_implausible && changed)
		tell(loads, row, note->key, "the value is not plausible");
	return events;
}

uint32_t cs_loads_apply_node(struct cs_loads *loads, uint32_t row, const Kube__Node *node,
			     bool changed)
{
	const Kube__ObjectMeta *metadata = node->metadata;
	int32_t weight = CS_NODE_WEIGHT_DEFAULT;
	uint32_t events = 0;
	cs_loads_refresh_row(loads, row); // what is allocatable may have changed
	for (size_t i = 0; i < metadata->n_annotations; i++) {
		const Kube__StringEntry *note = metadata->annotations[i];
		if (cs_string_equal(note->key, WEIGHT_KEY))
			weight = read_weight(loads, row, note->value ? note->value : "", changed);
		else if (loads->table.n_columns && note->key &&
			 cs_string_prefix(note->key, LOAD_PREFIX))
			events |= read_sample(loads, row, note, changed);
	}
	if (weight != loads->weight[row]) {
		cs_loads_set_weight(loads, row, weight);
		cs_nodes_touch(loads->nodes, row);
	}
	if (loads->table.n_columns)
		cs_loads_set_addresses(loads, row, node->status);
	return events;
}
