// Simulations of any text: bad input has words that name the file, good input is decided, the
// model's columns are right afterwards, and JSON and YAML say the same.
// Neighbours: fuzz_manifest.c, whose inputs come first.
#include <string.h>

#include <csched/base/buffer.h>
#include <csched/base/memory.h>
#include <csched/base/value.h>
#include <csched/cluster/cluster.h>
#include <csched/plugins/list.h>
#include <csched/simulate/report.h>

#include "fuzz.h"

#define PODS_MAX 50
#define OUT_MAX  (64u << 20)

static const char profiles[] =
	"apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n"
	"profiles: [{schedulerName: c-sched}, {schedulerName: default-scheduler}]\n";

static int append(void *user, struct cs_slice bytes)
{
	return cs_buffer_append(user, bytes.data, bytes.size);
}

static void print(struct cs_simulation *simulation, enum cs_report_format format,
		  struct cs_buffer *out)
{
	cs_buffer_init(out, OUT_MAX);
	struct cs_report *report =
		cs_report_create(&(struct cs_report_options){ .simulation = simulation,
							      .format = format,
							      .explain = CS_REPORT_EXPLAIN_ALL,
							      .write = append,
							      .user = out });
	struct cs_simulation_listener listener = cs_report_listener(report);
	cs_simulation_run(simulation, NULL, &listener);
	REQUIRE(cs_report_end(report) == 0);
	cs_report_destroy(report);
}

// Reads, and prints in one format; NULL where the input is bad.
static char *simulate(const struct cs_config *config, struct cs_slice text,
		      enum cs_report_format format)
{
	struct cs_simulation *simulation = cs_simulation_create(config, PODS_MAX);
	struct cs_error err = { 0 };
	struct cs_buffer out;
	int r = cs_simulation_read(simulation, "fuzz.yaml", text, &err);
	if (r == 0)
		r = cs_simulation_prepare(simulation, &err);
	if (r < 0) {
		REQUIRE(r == err.code && strncmp(err.text, "fuzz.yaml: ", 11) == 0);
		cs_simulation_destroy(simulation);
		return NULL;
	}
	print(simulation, format, &out);
	if (cs_cluster_check(cs_simulation_cluster(simulation), &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		abort();
	}
	cs_simulation_destroy(simulation);
	return cs_buffer_take(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cs_config *config = NULL;
	struct cs_slice text = { size ? (const char *)data : "", size };
	REQUIRE(cs_config_read("", CS_SLICE(profiles), cs_plugins, &config, NULL) == 0);
	CS_AUTO_FREE char *lines = simulate(config, text, CS_REPORT_JSON);
	CS_AUTO_FREE char *documents = simulate(config, text, CS_REPORT_YAML);
	CS_AUTO_FREE char *table = simulate(config, text, CS_REPORT_TABLE);
	CS_AUTO_VALUE struct json_object *a = NULL;
	CS_AUTO_VALUE struct json_object *b = NULL;
	REQUIRE(!lines == !documents && !lines == !table);
	if (lines) {
		REQUIRE(cs_value_read_yaml(cs_slice_of(lines), &a, NULL) == 0);
		REQUIRE(cs_value_read_yaml(cs_slice_of(documents), &b, NULL) == 0);
		REQUIRE(json_object_equal(a, b));
	}
	cs_config_destroy(config);
	return 0;
}
