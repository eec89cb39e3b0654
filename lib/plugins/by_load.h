// What plugins that work by load have in common: nodes of weight 0, thresholds, versions,
// arguments. Neighbours: least_*.c, minimum_*.c, round_robin.c, random.c; cluster's load.h has the
// ledger.
#ifndef CSCHED_LIB_PLUGINS_BY_LOAD_H
#define CSCHED_LIB_PLUGINS_BY_LOAD_H

#include <csched/cluster/load.h>
#include <csched/framework/fields.h>
#include <csched/framework/plugin.h>

#include "load_kernel.h"

// What may cure "c-sched.io/weight 0", and a threshold.
#define CS_BY_LOAD_WEIGHT_CURES (CS_EVENT_NODE_ADD | CS_EVENT_NODE_ANNOTATION)
#define CS_BY_LOAD_CURES                                                                           \
	(CS_BY_LOAD_WEIGHT_CURES | CS_EVENT_LOAD | CS_EVENT_POD_DELETE | CS_EVENT_POD_SCALE_DOWN | \
	 CS_EVENT_NODE_ALLOCATABLE)

// Callbacks of plugins that filter by weight alone: nodes of weight 0 take no new pods. They skip
// where no node has it.
enum cs_prepare cs_by_load_prepare_weight(struct cs_cycle *cycle, struct cs_plugin_instance *self);
void cs_by_load_filter_weight(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
			      struct cs_rows rows, uint8_t *restrict verdict);
void cs_by_load_weight_reasons(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
			       uint32_t row, void (*say)(void *user, const char *reason),
			       void *user);

// The column of a metric; NULL where it is not configured, or is between two places.
const struct cs_load_column *cs_by_load_column(const struct cs_load_table *table,
					       const char *metric);

// A threshold on one metric: in percent of what nodes have of it, or (LEVEL, which then needs a
// max) in its unit. 0 and 0 = none.
struct cs_by_load_threshold {
	const char *metric;
	int64_t percent;
	double value;
};
// For attach and detach: the queue is to be told when a row falls below it.
void cs_by_load_watch(struct cs_cluster *cluster, const struct cs_by_load_threshold *threshold);
void cs_by_load_unwatch(struct cs_cluster *cluster, const struct cs_by_load_threshold *threshold);

// For plugins with thresholds: GO with self->state, or SKIP where none applies now and no node has
// weight 0. The version of the filter is the ledger's.
#define CS_BY_LOAD_THRESHOLDS_MAX 32
enum cs_prepare cs_by_load_prepare_filter(struct cs_cycle *cycle, struct cs_plugin_instance *self,
					  const struct cs_by_load_threshold *thresholds,
					  uint32_t n);
void cs_by_load_filter(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
		       struct cs_rows rows, uint8_t *restrict verdict);
void cs_by_load_reasons(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
			uint32_t row, void (*say)(void *user, const char *reason), void *user);

void cs_by_load_explain_filter(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
			       uint32_t row, struct cs_buffer *out);

// How full rows are.
struct cs_load_term cs_by_load_term(const struct cs_load_table *table,
				    const struct cs_load_column *column);
// What the pod is expected to add; to a LEVEL metric nothing.
double cs_by_load_expected(const struct cs_cycle *cycle, const struct cs_load_table *table,
			   const struct cs_load_column *column);
// Folds what an answer depends on into a version.
uint64_t cs_by_load_mix(uint64_t version, double value);

// The weights of nodes for kernels: NULL where all have the default.
const int32_t *cs_by_load_weights(const struct cs_cycle *cycle);

// The feasible rows for kernels: NULL where they are all rows of the table.
const uint32_t *cs_by_load_feasible(const struct cs_cycle *cycle);

// For plugins that remember something of each row: which rows to look at again.
struct cs_by_load_follower {
	bool begun;
	uint64_t version;
	uint64_t log; // the node table's log up to here has been seen
};
// Calls `renew` for rows that the log names since the last call, for all live rows where `version`
// is another one or the log does not reach back.
void cs_by_load_follow(struct cs_by_load_follower *follower, const struct cs_node_table *nodes,
		       uint64_t version, void (*renew)(void *user, uint32_t row), void *user);

// For the same: whose row it is, as an intern id with a reference, so that no other name gets it.
// True: another node's than before. NONE gives the reference back.
bool cs_by_load_take_name(struct cs_cluster *cluster, uint32_t *kept, uint32_t name);

// ---- the smaller, the better: by the ratio to the least ----

// Arguments that the plugins of this kind share.
struct cs_by_ratio_fields {
	struct cs_field_number bias;
	struct cs_field_int deadband; // percent
};
struct cs_by_ratio {
	double bias;
	int64_t deadband;
	struct cs_load_curve curve;
};
#define CS_BY_RATIO_BIAS_MIN 0.25
#define CS_BY_RATIO_BIAS_MAX 4.0
// Rows of the tables of fields and arguments.
#define CS_BY_RATIO_FIELDS(in, member)                                                          \
	{ .name = "bias",                                                                       \
	  .type = CS_FIELD_NUMBER,                                                              \
	  .offset = offsetof(in, member) + offsetof(struct cs_by_ratio_fields, bias) },         \
	{                                                                                       \
		.name = "deadband", .type = CS_FIELD_INT,                                       \
		.offset = offsetof(in, member) + offsetof(struct cs_by_ratio_fields, deadband), \
		.min = 0, .max = 50, .wrong = "not in valid range [0, 50]"                      \
	}
#define CS_BY_RATIO_ARGUMENTS                                                                 \
	{ "bias", "number, 0.25..4", "a score is 100 * (least / own)^bias; default 1" },      \
	{                                                                                     \
		"deadband", "integer, 0..50",                                                 \
			"percentage below which differences of the feasible nodes count for " \
			"nothing; "                                                           \
			"default 5"                                                           \
	}
// -EINVAL with errors. Defaults: bias 1, deadband 5.
int cs_by_ratio_configure(const struct cs_by_ratio_fields *fields, struct cs_by_ratio *ret,
			  struct cs_errors *errors);
void cs_by_ratio_write(const struct cs_by_ratio *ratio, struct cs_json_writer *json);
// Values of which more is better: a row scores 100 * (its own / the feasible rows' greatest)^bias.
struct cs_by_ratio_state {
	const struct cs_by_ratio *ratio;
	const float *values; // by row, > 0 where feasible; in scratch
	float greatest;
	bool equal; // they differ by less than the deadband: all score 100
};
// `range`: of the feasible rows' values.
void cs_by_ratio_begin(const struct cs_by_ratio *ratio, const float *values,
		       struct cs_load_range range, struct cs_by_ratio_state *ret);
// For explain_score: "L = 0.04, the least on a node that fits 0.02: 100 x 0.02 / 0.04 = 50", with L
// = unit / value.
void cs_by_ratio_explain(const struct cs_by_ratio_state *state, uint32_t row, double unit,
			 struct cs_buffer *out);
void cs_by_ratio_score(const struct cs_by_ratio_state *state, struct cs_rows rows,
		       uint8_t *restrict out);

#endif
