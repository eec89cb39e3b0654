// A LoadConfiguration being read: the document as it is written, and what its two halves share.
// Neighbours: load_config.c reads the whole, load_config_metrics.c and load_config_sources.c a half
// each, load_config_write.c prints.
#ifndef FRAMEWORK_LOAD_CONFIG_INTERNAL_H
#define FRAMEWORK_LOAD_CONFIG_INTERNAL_H

#include <csched/base/arena.h>
#include <csched/framework/fields.h>
#include <csched/framework/load_config.h>

struct metric_spec {
	const char *name;
	const char *kind;
	const char *unit;
	struct cs_field_bool higher_is_better;
	struct cs_field_number min;
	struct cs_field_number max;
	struct cs_field_int ttl;
	struct cs_field_int ramp;
	struct cs_field_number per_pod;
	const char *topology;
};

struct tls_spec {
	const char *ca_file;
	const char *certificate_file;
	const char *key_file;
	const char *server_name;
	struct cs_field_bool insecure;
};

struct basic_spec {
	const char *username;
	const char *password_file;
};

struct source_spec {
	const char *name;
	const char *type;
	struct cs_field_int interval;
	struct cs_field_int timeout;
	struct cs_field_int body_max;
	struct cs_field_bool pods;
	struct cs_field_list metrics; // of const char *
	const char *url;
	struct tls_spec tls;
	const char *token_file;
	struct basic_spec basic;
	struct cs_field_list queries; // of struct query_spec
};

struct spec {
	const char *api_version;
	const char *kind;
	struct cs_field_list metrics; // of struct metric_spec
	struct cs_field_list sources; // of struct source_spec
};

extern const struct cs_field load_metric_fields[]; // of struct metric_spec
extern const struct cs_field load_source_fields[]; // of struct source_spec
extern const char *const load_kind_names[];        // by enum cs_load_kind, ends with NULL
extern const char *const load_source_names[];      // by enum cs_load_source_type, ends with NULL

struct reading {
	struct cs_arena *arena;
	struct spec spec;
	struct cs_load_config *config;
	const char **used; // by metric: the path of what gives it, NULL = nothing yet
	struct cs_errors *errors;
};

// Of the file, before the sources are read.
void load_read_metrics(struct reading *reading);
// Takes a metric of the file, or one that is known without, for a source. CS_LOAD_METRIC_NONE:
// there is none; it is said.
uint32_t load_take_metric(struct reading *reading, const char *path, const char *name);
// One of kind Pair is kept.
void load_check_pairs(const struct reading *reading);

void load_read_sources(struct reading *reading);

// path.name
const char *load_below(const struct reading *reading, const char *path, const char *name);
// The place of a name in a list that ends with NULL; its length where it is not there.
uint32_t load_index_of(const char *const *names, const char *name);
// NULL for an empty string.
char *load_copy(const char *s);

// A duration between bounds, or the default.
struct duration_rule {
	const char *name;
	int64_t otherwise;
	int64_t min;
	int64_t max;
};

int64_t load_read_duration(const struct reading *reading, const char *path,
			   const struct cs_field_int *field, struct duration_rule rule);

#endif
