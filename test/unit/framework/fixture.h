// A cluster with toy plugins for the tests of this layer. Neighbours: each test_<module>.c here.
// The real plugins are a layer above and not linked.
#ifndef TEST_UNIT_FRAMEWORK_FIXTURE_H
#define TEST_UNIT_FRAMEWORK_FIXTURE_H

#include <check.h>

#include <csched/base/arena.h>
#include <csched/base/buffer.h>
#include <csched/base/memory.h>
#include <csched/framework/config.h>
#include <csched/framework/cycle.h>
#include <csched/framework/profile.h>
#include <csched/framework/queue.h>
#include <csched/framework/scheduler.h>

// Plugins that do one thing each; where they look at the pod's name, the comment says so.
extern const struct cs_plugin toy_gate;    // holds gated pods: "waiting for scheduling gates: [..]"
extern const struct cs_plugin toy_sort;    // priority, then time
extern const struct cs_plugin toy_mood;    // prepare_filter refuses pods named after the answer
extern const struct cs_plugin toy_mood2;   // the same for "second-..."
extern const struct cs_plugin toy_pin;     // narrows to pod->pinned_node
extern const struct cs_plugin toy_among;   // narrows to the nodes named in "among-n1-n2"
extern const struct cs_plugin toy_tide;    // filter and score depend on toy_tide_level, too
extern const struct cs_plugin toy_cordon;  // filter: spec.unschedulable
extern const struct cs_plugin toy_fit;     // filter: cpu; two reasons: pods, cpu
extern const struct cs_plugin toy_free;    // score: free cpu in percent
extern const struct cs_plugin toy_few;     // score: fewest pods, normalised over the feasible rows
extern const struct cs_plugin toy_wrong;   // score: 101 for pods named "wrong", skips others
extern const struct cs_plugin toy_crowd;   // not row-local: score depends on the feasible rows
extern const struct cs_plugin toy_odd;     // not row-local: filter keeps every other row
extern const struct cs_plugin toy_options; // has arguments: {size: 1..9, names: [..]}
extern const struct cs_plugin toy_bind;
extern const struct cs_plugin toy_bind2;
extern const struct cs_plugin toy_sort2;

extern int64_t toy_tide_level;     // 0 .. 13
extern int toy_tide_attached;      // by how many workspaces
extern char toy_tide_reserved[64]; // "pod@row" of the last reserve

struct toy_options {
	int64_t size;
};

// gate sort mood mood2 pin cordon fit free few wrong bind
extern const struct cs_plugin *const toy_plugins[];
// pin, among and tide, cordon, fit, free, few
extern const struct cs_plugin *const toy_plugins_tide[];
// the same as toy_plugins with crowd and odd
extern const struct cs_plugin *const toy_plugins_global[];

// The configuration that a text gives with these plugins; NULL = built in.
struct cs_config *toy_config(const char *yaml, const struct cs_plugin *const *plugins);

// API objects from one YAML document each, in an arena.
__attribute__((format(printf, 2, 3))) const Kube__Node *toy_node(struct cs_arena *arena,
								 const char *format, ...);
__attribute__((format(printf, 2, 3))) const Kube__Pod *toy_pod(struct cs_arena *arena,
							       const char *format, ...);

// A scheduler whose sink writes what it is asked into `asked`, a line each:
//   bind ns/name node
//   condition ns/name reason: message
//   drop nomination ns/name
//   event ns/name warning|normal reason action controller: note
//   withdraw the last|an earlier one
struct toy {
	struct cs_arena *arena;
	struct cs_cluster *cluster;
	struct cs_config *config;
	struct cs_metrics *metrics;
	struct cs_scheduler *scheduler;
	struct cs_buffer asked;
	struct cs_time now;
	uint64_t last_ticket; // of the last bind
	bool quiet;           // asked stays empty
};

void toy_init(struct toy *toy, const char *yaml);
void toy_init_options(struct toy *toy, struct cs_config *config,
		      const struct cs_scheduler_options *options);
void toy_finish(struct toy *toy);

// Node "name" with cpu (whole cores), pods and more of spec as YAML ("" = none).
void toy_add_node(struct toy *toy, const char *name, int cpu, int pods, const char *spec);
// Pod "default/name", uid = name, schedulerName c-sched, cpu in milli, more of spec as YAML.
void toy_add_pod(struct toy *toy, const char *name, int cpu, const char *spec);
// The same with more of metadata, and of status.
struct toy_pod_parts {
	const char *name;
	int cpu;
	const char *metadata;
	const char *spec;
	const char *status;
};
int toy_apply_pod(struct toy *toy, const struct toy_pod_parts *parts, struct cs_error *err);
void toy_turn(struct toy *toy, uint32_t expected);
void toy_bound(struct toy *toy, enum cs_bound outcome, const char *words);
// Compares what was asked since the last call, and forgets it.
void toy_expect(struct toy *toy, const char *asked);

#define expect_error(err, words) ck_assert_str_eq((err).text, words)

#endif
