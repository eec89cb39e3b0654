// The plugin contract: what a scheduling policy may define, and what each answer promises.
// Neighbours: plugins/ implements it, cycle.c calls it, profile.c orders it.
// Everything here runs on the core thread, inside one decision about one pod.
#ifndef CSCHED_FRAMEWORK_PLUGIN_H
#define CSCHED_FRAMEWORK_PLUGIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <csched/base/arena.h>
#include <csched/base/buffer.h>
#include <csched/base/error.h>
#include <csched/base/value.h>
#include <csched/cluster/cluster.h>
#include <csched/framework/errors.h>

// Rows first .. end-1 of the node table.
struct cs_rows {
	uint32_t first;
	uint32_t end;
};

// A filter's word about one row. UNRESOLVABLE: preemption cannot help.
enum cs_verdict {
	CS_VERDICT_FITS = 0,
	CS_VERDICT_UNSCHEDULABLE = 1,
	CS_VERDICT_UNRESOLVABLE = 2,
};

// What prepare_filter and prepare_score answer.
enum cs_prepare {
	CS_PREPARE_GO,   // filter (score) is called
	CS_PREPARE_SKIP, // it is not: every row passes (the plugin adds nothing to any total)
	CS_PREPARE_UNSCHEDULABLE, // prepare_filter: no node can take the pod; words in `message`
	CS_PREPARE_UNRESOLVABLE,
	CS_PREPARE_ERROR, // the attempt ends in an error: `message` says why; it is retried
};

// One decision in the making. `scratch` is reset when the decision ends.
struct cs_cycle {
	struct cs_cluster *cluster;
	const struct cs_node_table *nodes;
	const struct cs_pod *pod;
	const struct cs_demand *demand;
	struct cs_arena *scratch;
	// prepare_filter may narrow the rows that are filtered at all: it sets `narrowed` and the
	// rows, ascending and live (none: the nodes it means do not exist). Other rows then count
	// as "node(s) didn't satisfy plugin(s) [NAME]".
	bool narrowed;
	uint32_t n_only;
	const uint32_t *only; // in scratch
	// Nominated pods that this question supposes on `supposed_row`: the model counts them
	// already (cs_cluster_suppose), and the question is about that row alone. Upstream's
	// AddPod quirks start here.
	uint32_t n_supposed;
	struct cs_pod *const *supposed;
	uint32_t supposed_row;
	char *message; // set by prepare_filter / prepare_score on refusals; in scratch
	struct cs_plugin_times *times; // the framework's own; NULL: nobody wants to know
	// prepare_score only: which rows passed all filters (CS_PASSED), and how many. Who needs
	// their list asks cs_cycle_feasible.
	const uint8_t *passed;
	uint32_t n_feasible;
	uint32_t *feasible; // room; the first is CS_ROW_NONE as long as nobody has asked
};

#define CS_PASSED 0xff // other bytes: it did not, or has no live node

// The rows that passed, ascending. The first who asks in a decision pays for the list.
const uint32_t *cs_cycle_feasible(const struct cs_cycle *cycle);

// Where calls of plugins are counted: once per attempt to schedule a pod, whatever was kept from
// earlier ones.
enum cs_evaluated {
	CS_EVALUATED_PRE_FILTER,
	CS_EVALUATED_FILTER,
	CS_EVALUATED_PRE_SCORE,
	CS_EVALUATED_SCORE,
	CS_EVALUATED_COUNT,
};

// One plugin in one profile: what is the same for all its decisions.
struct cs_plugin_instance {
	const struct cs_plugin *plugin;
	void *args;     // what plugin->configure made; NULL without arguments
	int64_t weight; // of its score, >= 1
	uint32_t index; // in its profile: its bit in masks of rejecting plugins
	// row_local plugins: what they said of rows for this demand holds while the version is the
	// same. Set by prepare_filter and prepare_score where an answer depends on more than row
	// and demand (how many nodes have an image); 0 before each.
	uint64_t filter_version;
	uint64_t score_version;
	// row_local plugins with `score`: every row's is 0 as long as the version is
	// this one, so that nobody need ask. Set by prepare_score; false before it.
	bool scores_nothing;
	void *attached; // what plugin->attach made for the workspace that decides
	void *state; // of the current cycle: what prepare_filter / prepare_score left; in scratch
	void *score_state;                      // NULL: nothing was prepared to score in it
	uint64_t evaluated[CS_EVALUATED_COUNT]; // attempts; the cycle counts, who likes reads
};

typedef enum cs_prepare (*cs_prepare_f)(struct cs_cycle *cycle, struct cs_plugin_instance *self);
// Writes verdict[row] for every live row of `rows` (others are ignored). `verdict` is indexed by
// row and belongs to this plugin alone.
typedef void (*cs_filter_f)(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
			    struct cs_rows rows, uint8_t *restrict verdict);
// Appends the exact words for one rejected row by calling `say` once per reason. Called only when
// someone asks, in the same cycle.
typedef void (*cs_reasons_f)(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
			     uint32_t row, void (*say)(void *user, const char *reason), void *user);
// Writes out[row], 0..100, for every live row of `rows`.
typedef void (*cs_score_f)(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
			   struct cs_rows rows, uint8_t *restrict out);
// The same of what normalise then brings into 0..100: any int64.
typedef void (*cs_raw_score_f)(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
			       struct cs_rows rows, int64_t *restrict out);
// Brings out[row] into 0..100 for the rows in `feasible` (n ascending row numbers).
typedef void (*cs_normalise_f)(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
			       const uint32_t *feasible, uint32_t n, int64_t *out);

// For people, in one line with the numbers: what the filter goes by on a row that it rejects or
// that prepare_filter left out, or how the row's score comes about, normalise included, and at its
// end
// "= " and the score before it is rounded. Appended to `out`: what may be long is cut by the
// plugin, at the latest after 16 KiB. Called only when someone asks, in the same cycle.
typedef void (*cs_explain_f)(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
			     uint32_t row, struct cs_buffer *out);

// Where a pod may enter the active queue at all: NULL = yes, else the exact words (scratch).
typedef const char *(*cs_pre_enqueue_f)(const struct cs_pod *pod, struct cs_arena *scratch);
// Queue order: < 0 when a goes first.
typedef int (*cs_queue_order_f)(const struct cs_pod *a, int64_t a_queued, const struct cs_pod *b,
				int64_t b_queued);

// A row of the table of arguments: what --help, docs and checks print and apply.
struct cs_argument {
	const char *name; // JSON path below `args`
	const char *type; // "integer", "list of resources", ...
	const char *help;
};

// A metric of load that a plugin goes by.
struct cs_metric_use {
	const char *metric; // its name; NULL = whichever is of kind Pair
	const char *list;   // the argument that lists the metrics: "resources"; NULL = none does
	bool full;          // by how full nodes are: one without a capacity says nothing
};

// Plugins in one profile at most: masks of them are 64 bits.
#define CS_PLUGINS_MAX 64

enum cs_plugin_default {
	CS_PLUGIN_ALWAYS,    // kube-scheduler's default plugins
	CS_PLUGIN_WITH_LOAD, // where there is a LoadConfiguration, and the built-in profile
	CS_PLUGIN_NAMED,     // none
};

// A plugin is a `static const struct cs_plugin` with designated initialisers at the bottom of its
// file in lib/plugins, and a line in lib/plugins/list.c. All callbacks are optional.
struct cs_plugin {
	const char *name; // as in KubeSchedulerConfiguration

	// A promise: filter, reasons, score and raw_score say the same of a row for all
	// pods of one demand until the node table's log names that row again. They then are called
	// for changed rows alone. What depends on other rows or on the pod itself must not promise
	// it, but see filter_version and score_version. What normalise makes of one of its scores
	// depends on that score and on the least and the greatest of the feasible rows' alone.
	bool row_local;

	// What the arguments need of the model (a topology key, a node selector): registered when
	// the profile starts to decide, given back when it ends, once per workspace.
	void *(*attach)(struct cs_cluster *cluster, void *args);
	void (*detach)(struct cs_cluster *cluster, void *attached);

	// Once per pod, when it enters the queue or its gates change.
	cs_pre_enqueue_f pre_enqueue;
	// Exactly one plugin of a profile has it.
	cs_queue_order_f queue_order;

	// Once per decision. prepare_filter may reject with words, skip, or narrow to rows.
	cs_prepare_f prepare_filter;
	// Over ranges of rows; the first plugin in the profile's order that rejects a row wins it.
	cs_filter_f filter;
	cs_reasons_f reasons;
	cs_explain_f explain_filter;

	// After filtering, where two or more rows are left. It sees the feasible rows. Who scores
	// has `score`, or `raw_score` and `normalise`.
	cs_prepare_f prepare_score;
	cs_score_f score;
	cs_raw_score_f raw_score;
	cs_normalise_f normalise;
	cs_explain_f explain_score;
	int64_t default_weight; // 0 counts as 1

	// The pod was assumed on `row`: for plugins with a memory of their own, in `attached`.
	// Called between decisions; must not change the cluster.
	void (*reserve)(struct cs_cluster *cluster, struct cs_plugin_instance *self,
			const struct cs_pod *pod, uint32_t row);
	// Which profiles have it without naming it.
	enum cs_plugin_default by_default;

	// Binds: the scheduler sends a Binding where the profile's first bind plugin says so.
	bool binds;

	// CS_EVENT_ mask: what may cure a rejection by this plugin, as upstream's EventsToRegister.
	uint32_t cures;

	// Reads pluginConfig args (NULL = defaults) strictly; *ret is freed with free_args. 0, or
	// -EINVAL with every error in `errors` (paths below args) and *ret untouched. apiVersion
	// and kind have been checked and left out.
	const struct cs_argument *arguments; // ends with a NULL name
	int (*configure)(struct json_object *args, void **ret, struct cs_errors *errors);
	// What is in force: every argument with its value, as members of an object that is open.
	// Reading that again gives the same arguments.
	void (*write_args)(const void *args, struct cs_json_writer *json);
	void (*free_args)(void *args);
	// The i-th metric of load that it goes by with these arguments, into a zeroed *ret; false
	// behind the last. For check-config's words.
	bool (*uses)(const void *args, uint32_t i, struct cs_metric_use *ret);
};

#endif
