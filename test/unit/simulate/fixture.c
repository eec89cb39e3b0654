// A simulation of a text, for the suites of simulate. Neighbours: fixture.h.
#include "fixture.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include <csched/base/buffer.h>
#include <csched/base/memory.h>
#include <csched/base/value.h>
#include <csched/plugins/list.h>

#define OUT_MAX   ((size_t)64 << 20)
#define FILE_NAME "cluster.yaml"

static const char two_profiles[] =
	"apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n"
	"profiles: [{schedulerName: c-sched}, {schedulerName: default-scheduler}]\n";

struct cs_config *fixture_config(const char *text)
{
	struct cs_config *config = NULL;
	struct cs_error err = { 0 };
	int r = cs_config_read("config.yaml", cs_slice_of(text ? text : two_profiles), cs_plugins,
			       &config, &err);
	ck_assert_msg(r == 0, "%s", err.text);
	return config;
}

static void read_with(struct fixture *fixture, const char *config, const char *yaml)
{
	*fixture = (struct fixture){ .config = fixture_config(config) };
	fixture->simulation = cs_simulation_create(fixture->config, CS_SIMULATION_PODS_MAX);
	fixture->code = cs_simulation_read(fixture->simulation, FILE_NAME, cs_slice_of(yaml),
					   &fixture->error);
	if (fixture->code == 0)
		fixture->code = cs_simulation_prepare(fixture->simulation, &fixture->error);
}

void fixture_read(struct fixture *fixture, const char *yaml)
{
	read_with(fixture, NULL, yaml);
}

void fixture_finish(struct fixture *fixture)
{
	cs_simulation_destroy(fixture->simulation);
	cs_config_destroy(fixture->config);
}

static int append(void *user, struct cs_slice bytes)
{
	return cs_buffer_append(user, bytes.data, bytes.size);
}

char *fixture_run(const char *yaml, struct fixture_options options, bool *ret_placed)
{
	struct fixture fixture;
	read_with(&fixture, options.config, yaml);
	ck_assert_msg(fixture.code == 0, "%s", fixture.error.text);
	struct cs_buffer out;
	cs_buffer_init(&out, OUT_MAX);
	struct cs_random random;
	cs_random_init(&random, options.seed);
	struct cs_report *report =
		cs_report_create(&(struct cs_report_options){ .simulation = fixture.simulation,
							      .format = options.format,
							      .explain = options.explain,
							      .write = append,
							      .user = &out });
	struct cs_simulation_listener listener = cs_report_listener(report);
	cs_simulation_run(fixture.simulation, options.seed ? &random : NULL, &listener);
	ck_assert_int_eq(cs_report_end(report), 0);
	struct cs_error err = { 0 };
	ck_assert_msg(cs_cluster_check(cs_simulation_cluster(fixture.simulation), &err) == 0, "%s",
		      err.text);
	if (ret_placed)
		*ret_placed = cs_report_all_placed(report);
	cs_report_destroy(report);
	fixture_finish(&fixture);
	return cs_buffer_take(&out);
}

static void shorten(struct json_object *line, struct cs_buffer *out)
{
	const char *node = cs_value_string_at(line, "node");
	cs_buffer_append_string(out, cs_value_string_at(line, "pod"));
	if (node)
		cs_buffer_printf(out, " %s\n", node);
	else
		cs_buffer_printf(out, " %s: %s\n", cs_value_string_at(line, "result"),
				 cs_value_string_at(line, "message"));
}

void fixture_check(const char *yaml, const char *wanted)
{
	CS_AUTO_FREE char *text =
		fixture_run(yaml, (struct fixture_options){ .format = CS_REPORT_JSON }, NULL);
	CS_AUTO_BUFFER struct cs_buffer out;
	cs_buffer_init(&out, OUT_MAX);
	for (char *line = text; *line; line = strchr(line, '\n') + 1) {
		CS_AUTO_VALUE struct json_object *value = NULL;
		struct cs_slice slice = { line, strcspn(line, "\n") };
		ck_assert_int_eq(cs_value_read_json(slice, &value, NULL), 0);
		shorten(value, &out);
	}
	ck_assert_str_eq(out.data, wanted);
}

void fixture_check_error(const char *yaml, const char *wanted)
{
	struct fixture fixture;
	fixture_read(&fixture, yaml);
	ck_assert_int_ne(fixture.code, 0);
	ck_assert_str_eq(fixture.error.text, wanted);
	fixture_finish(&fixture);
}
