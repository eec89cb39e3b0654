// KubeSchedulerConfiguration v1, read strictly: what the file says, with upstream's defaults.
// Neighbours: profile.c turns a profile into plugin instances; cmd merges flags over it.
#ifndef CSCHED_FRAMEWORK_CONFIG_H
#define CSCHED_FRAMEWORK_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include <csched/base/error.h>
#include <csched/base/slice.h>
#include <csched/framework/errors.h>
#include <csched/framework/plugin.h>

#define CS_CONFIG_API_VERSION      "kubescheduler.config.k8s.io/v1"
#define CS_CONFIG_KIND             "KubeSchedulerConfiguration"
#define CS_CONFIG_CONTENT_TYPE     "application/vnd.kubernetes.protobuf"
#define CS_CONFIG_BUILT_IN_PROFILE "c-sched" // schedulerName of the profile without a file

struct cs_load_config;

// All durations in ns. Owned strings; ends with cs_config_destroy. Constant once read.
struct cs_config {
	struct {
		bool leader_elect;
		int64_t lease_duration;
		int64_t renew_deadline;
		int64_t retry_period;
		char *resource_name;
		char *resource_namespace;
	} leader_election;
	struct {
		char *kubeconfig; // "" = not given
		double qps;       // < 0 or 0 = no limit
		int burst;
	} client_connection;
	int64_t pod_initial_backoff;
	int64_t pod_max_backoff;
	int64_t pod_max_in_unschedulable; // the flush: 5 minutes
	uint32_t n_profiles;
	struct cs_profile **profiles; // profile.h
	bool built_in; // no KubeSchedulerConfiguration was read: no file, or one without it
	struct cs_load_config *load; // load_config.h; NULL = no such document
	uint32_t n_warnings;         // words the daemon logs at start
	char **warnings;
};

// `plugins` is the list of all plugins (ends with NULL): framework knows none by itself.
// Without a file (`text.data` NULL), or with a LoadConfiguration alone in it, the built-in profile.
// -EINVAL with everything that is wrong: "profiles[0].plugins.score.enabled[1].name: unknown plugin
// \"Foo\"".
int cs_config_read_all(struct cs_slice text, const struct cs_plugin *const *plugins,
		       struct cs_config **ret, struct cs_errors *errors);
// The same with the first error alone, behind the file's name.
int cs_config_read(const char *file_name, struct cs_slice text,
		   const struct cs_plugin *const *plugins, struct cs_config **ret,
		   struct cs_error *err);
void cs_config_destroy(struct cs_config *config);

// What is in force, every default filled in, as a KubeSchedulerConfiguration that reads back as the
// same: plugins stand at each point by themselves, and multiPoint is off. _write gives JSON,
// without the LoadConfiguration; _print gives YAML, with the LoadConfiguration behind it where
// there is one, and -EMSGSIZE when `out` is full.
void cs_config_write(const struct cs_config *config, struct cs_json_writer *json);
int cs_config_print(const struct cs_config *config, struct cs_buffer *out);

// Upstream's rules for leader election, which flags may have changed since the file was read:
// leaseDuration > renewDeadline > retryPeriod * 1.2, all > 0, if leader_elect.
int cs_config_check_leader_election(const struct cs_config *config, struct cs_error *err);

#endif
