// LoadConfiguration: the second document of the configuration file: metrics and their sources.
// Neighbours: config.c reads it beside KubeSchedulerConfiguration; cluster's load.h takes the
// metrics, lib/load the sources.
#ifndef CSCHED_FRAMEWORK_LOAD_CONFIG_H
#define CSCHED_FRAMEWORK_LOAD_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include <csched/base/clock.h>
#include <csched/base/json_writer.h>
#include <csched/base/value.h>
#include <csched/cluster/load.h>
#include <csched/framework/errors.h>

#define CS_LOAD_CONFIG_API_VERSION "config.c-sched.io/v1alpha1"
#define CS_LOAD_CONFIG_KIND        "LoadConfiguration"

enum cs_load_source_type {
	CS_LOAD_METRICS_API,      // metrics.k8s.io/v1beta1 of the API server: cpu, memory
	CS_LOAD_PROMETHEUS,       // its HTTP API
	CS_LOAD_NODE_ANNOTATIONS, // load.c-sched.io/METRIC
	CS_LOAD_SOURCE_TYPE_COUNT,
};

// One query for one metric, of all nodes at once.
struct cs_load_query {
	uint32_t metric; // index in cs_load_config.metrics
	char *query;     // PromQL; a built-in one has been replaced by its text
	char *limit;     // PromQL of the capacity per node; NULL = none
	char *time;      // PromQL of when each node's value was measured, Unix s; NULL = when asked
	char *label;     // the label that names the node; NULL = `node`, else `instance`
	char *to_label;  // PAIR: the label that names the other end; NULL = `to`
	double scale;    // value * scale is in the metric's unit (1)
	int64_t window;  // ns that the query averages over; 0
};

struct cs_load_source {
	char *name;
	enum cs_load_source_type type;
	int64_t interval; // ns between rounds
	int64_t timeout;  // ns for one answer
	uint64_t body_max;
	bool pods; // METRICS_API: pods' usage too
	uint32_t n_metrics;
	uint32_t *metrics; // indices; METRICS_API and NODE_ANNOTATIONS
	// PROMETHEUS
	char *url; // "https://host:9090/prefix"; strings are NULL where not given
	char *ca_file;
	char *certificate_file;
	char *key_file;
	char *server_name;
	bool insecure;
	char *token_file; // read again when it changes
	char *username;
	char *password_file;
	uint32_t n_queries;
	struct cs_load_query *queries;
};

// Constant once read. Each metric has one source at most.
struct cs_load_config {
	uint32_t n_metrics; // built-in ones that some source has, and those of the file
	struct cs_load_metric *metrics;
	uint32_t n_sources;
	struct cs_load_source *sources;
};

// Reads the document. -EINVAL with every error in `errors`.
int cs_load_config_read(struct json_object *document, struct cs_load_config **ret,
			struct cs_errors *errors);
bool cs_load_config_knows(const char *metric); // without it being declared in the document
void cs_load_config_destroy(struct cs_load_config *config); // NULL is fine
// What is in force, every default filled in; reads back as the same.
void cs_load_config_write(const struct cs_load_config *config, struct cs_json_writer *json);

// The queries that come with us: `query: builtin:NAME`. Their answers are in the unit of the metric
// they are for, so scale is 1, and average over CS_LOAD_BUILTIN_WINDOW. The table ends with a NULL
// name.
#define CS_LOAD_BUILTIN_WINDOW (120 * CS_SECOND)
struct cs_load_builtin {
	const char *name;
	const char *metric; // CS_LOAD_CPU, ...: what it measures
	const char *query;
	const char *limit; // NULL = none
	const char *time;  // NULL = when asked
	const char *help;  // where its series come from, and what it misses
};
extern const struct cs_load_builtin cs_load_builtins[];
// NULL where there is none.
const struct cs_load_builtin *cs_load_builtin_query(const char *name);

#endif
