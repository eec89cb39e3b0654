// Scenarios: a cluster in YAML goes in, decisions come out and are compared with a golden file.
// Neighbours: *.yaml here, each with its *.out; the scheduler with all its plugins, without a
// daemon. `UPDATE=1` in the environment writes the golden files anew: read the difference.
//
// A scenario is a manifest of Nodes, Pods, Namespaces, Services and what controls pods, as kubectl
// takes them, at most one
// KubeSchedulerConfiguration, at most one LoadConfiguration, and Steps (apiVersion:
// test.c-sched.io/v1), which are points where the scheduler works until it is idle. The end is a
// step too. What a step says happens before:
//   title: words for the output
//   wait: 90s                      time passes
//   deleteNodes: [n1]              names
//   deletePods: [default/a]
//   deleteServices: [default/s]
//   bindings: failed | gone        how the bindings of this step end; otherwise they succeed
#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/check_main.h"
#include <csched/base/arena.h>
#include <csched/base/file.h>
#include <csched/base/memory.h>
#include <csched/framework/fields.h>
#include <csched/framework/profile.h>
#include <csched/framework/scheduler.h>
#include <csched/kube/codec.h>
#include <csched/kube/default.h>
#include <csched/kube/manifest.h>
#include <csched/plugins/list.h>

#define FILE_MAX      (1 << 20)
#define STEP_VERSION  "test.c-sched.io/v1"
#define CONFIG_KIND   "KubeSchedulerConfiguration"
#define LOAD_KIND     "LoadConfiguration"
#define TURNS_MAX     1000
#define BINDINGS_MAX  64
#define DEFAULT_SPACE "default"

struct step {
	const char *api_version;
	const char *kind;
	const char *title;
	struct cs_field_int wait;
	struct cs_field_list delete_nodes;
	struct cs_field_list delete_pods;
	struct cs_field_list delete_services;
	const char *bindings;
};

#define FIELD(json_name, field_type, member)                                                       \
	{                                                                                          \
		.name = (json_name), .type = (field_type), .offset = offsetof(struct step, member) \
	}

static const struct cs_field step_fields[] = {
	FIELD("apiVersion", CS_FIELD_STRING, api_version),
	FIELD("kind", CS_FIELD_STRING, kind),
	FIELD("title", CS_FIELD_STRING, title),
	FIELD("wait", CS_FIELD_DURATION, wait),
	FIELD("deleteNodes", CS_FIELD_STRINGS, delete_nodes),
	FIELD("deletePods", CS_FIELD_STRINGS, delete_pods),
	FIELD("deleteServices", CS_FIELD_STRINGS, delete_services),
	FIELD("bindings", CS_FIELD_STRING, bindings),
	{ 0 },
};

// A binding that waits for its answer.
struct binding {
	uint64_t ticket;
};

struct scenario {
	struct cs_arena *arena;
	struct cs_buffer out;
	struct cs_config *config;
	struct cs_cluster *cluster;
	struct cs_scheduler *scheduler;
	struct cs_time now;
	struct binding bindings[BINDINGS_MAX];
	uint32_t n_bindings;
	uint64_t n_records;        // written so far
	struct cs_field_list pods; // uids, in order of appearance
};

static glob_t files;

// ---- what the scheduler asks ----

static void on_bind(void *user, uint64_t ticket, const struct cs_pod *pod, const char *node)
{
	struct scenario *scenario = user;
	(void)pod;
	(void)node;
	ck_assert_uint_lt(scenario->n_bindings, BINDINGS_MAX);
	scenario->bindings[scenario->n_bindings++].ticket = ticket;
}

// What an event of a failure says is the decision's message, but for pods that were never decided.
static void on_event(void *user, const struct cs_pod *pod, const struct cs_scheduler_event *event)
{
	struct scenario *scenario = user;
	const struct cs_record *last = cs_records_at(cs_scheduler_records(scenario->scheduler), 0);
	bool decided = last && last->message && cs_string_equal(last->message, event->note);
	if (event->warning && !decided)
		cs_buffer_printf(&scenario->out, "  %s/%s: %s\n", pod->namespace, pod->name,
				 event->note);
}

static void on_status(void *user, const struct cs_pod *pod,
		      const struct cs_scheduler_status *status)
{
	(void)user;
	(void)pod;
	(void)status;
}

// ---- output ----

static void write_record(struct scenario *scenario, const struct cs_record *record)
{
	const char *node = cs_record_node(record, 0), *second = cs_record_node(record, 1);
	cs_buffer_printf(&scenario->out, "  %s/%s", record->namespace, record->name);
	if (!node)
		cs_buffer_printf(&scenario->out, ": %s\n", record->message);
	else if (!second)
		cs_buffer_printf(&scenario->out, " -> %s (the only one)\n", node);
	else
		cs_buffer_printf(&scenario->out, " -> %s (%lld; then %s %lld; of %u)\n", node,
				 (long long)cs_record_total(record, 0), second,
				 (long long)cs_record_total(record, 1), record->n_feasible);
}

static void write_new_records(struct scenario *scenario)
{
	const struct cs_records *records = cs_scheduler_records(scenario->scheduler);
	const struct cs_record *newest = cs_records_at(records, 0);
	while (newest && scenario->n_records < newest->number) {
		uint64_t age = newest->number - ++scenario->n_records;
		write_record(scenario, cs_records_at(records, (uint32_t)age));
	}
}

static void write_states(struct scenario *scenario)
{
	static const char *const words[] = {
		[CS_POD_UNBOUND] = "pending", [CS_POD_ASSUMED] = "assumed", [CS_POD_BOUND] = "on"
	};
	cs_buffer_append_string(&scenario->out, "in the end\n");
	const char **uids = scenario->pods.items;
	for (uint32_t i = 0; i < scenario->pods.count; i++) {
		const struct cs_pod *pod = cs_cluster_find_pod(scenario->cluster, uids[i]);
		if (!pod)
			continue;
		cs_buffer_printf(&scenario->out, "  %s/%s %s%s%s\n", pod->namespace, pod->name,
				 words[pod->state], pod->row == CS_ROW_NONE ? "" : " ",
				 pod->row == CS_ROW_NONE
					 ? ""
					 : cs_cluster_node_name(scenario->cluster, pod->row));
	}
}

// ---- steps ----

static void answer_bindings(struct scenario *scenario, const char *how)
{
	enum cs_bound outcome = cs_string_equal(how, "failed") ? CS_BOUND_FAILED
				: cs_string_equal(how, "gone") ? CS_BOUND_GONE
							       : CS_BOUND_HERE;
	uint32_t count = scenario->n_bindings;
	scenario->n_bindings = 0;
	for (uint32_t i = 0; i < count; i++)
		cs_scheduler_bound(
			scenario->scheduler, scenario->now,
			&(struct cs_bound_result){ .ticket = scenario->bindings[i].ticket,
						   .outcome = outcome,
						   .message = "the server said no" });
}

static void work(struct scenario *scenario, const char *how)
{
	uint32_t decided, turns = 0;
	do {
		decided = cs_scheduler_turn(scenario->scheduler, scenario->now, 1);
		write_new_records(scenario);
		answer_bindings(scenario, how);
		ck_assert_uint_lt(turns++, TURNS_MAX);
	} while (decided);
}

static void delete_service(struct scenario *scenario, const char *whole)
{
	const char *slash = strchr(whole, '/');
	ck_assert_ptr_nonnull(slash);
	const char *namespace = cs_arena_strndup(scenario->arena, whole, (size_t)(slash - whole));
	cs_scheduler_remove_object(scenario->scheduler, scenario->now, &cs_kind_service, namespace,
				   slash + 1);
}

static void take_step(struct scenario *scenario, const struct step *step)
{
	const char **nodes = step->delete_nodes.items, **pods = step->delete_pods.items;
	scenario->now.boot += step->wait.value;
	scenario->now.wall += step->wait.value;
	if (step->title)
		cs_buffer_printf(&scenario->out, "%s\n", step->title);
	for (uint32_t i = 0; i < step->delete_nodes.count; i++)
		cs_scheduler_remove_node(scenario->scheduler, scenario->now, nodes[i]);
	for (uint32_t i = 0; i < step->delete_pods.count; i++)
		cs_scheduler_remove_pod(scenario->scheduler, scenario->now, pods[i]);
	const char **services = step->delete_services.items;
	for (uint32_t i = 0; i < step->delete_services.count; i++)
		delete_service(scenario, services[i]);
	work(scenario, step->bindings);
}

// ---- objects ----

static void apply_step(struct scenario *scenario, struct json_object *tree)
{
	struct step step = { 0 };
	CS_AUTO_ERRORS struct cs_errors errors = { 0 };
	int r = cs_fields_read(tree, step_fields, scenario->arena, &step, &errors);
	ck_assert_msg(r == 0, "Step: %s", errors.count ? errors.list[0] : "");
	take_step(scenario, &step);
}

static ProtobufCMessage *decode(struct scenario *scenario, const struct cs_kind *kind,
				struct json_object *tree)
{
	ProtobufCMessage *message = NULL;
	struct cs_error err;
	cs_default_object(kind->group, kind->kind, tree);
	int r = cs_codec_read(kind->descriptor, tree, scenario->arena, &message, &err);
	ck_assert_msg(r == 0, "%s: %s", kind->kind, err.text);
	return message;
}

// Errors of a single object are part of the output: the scheduler goes on.
static void write_error(struct scenario *scenario, int r, const struct cs_error *err)
{
	if (r)
		cs_buffer_printf(&scenario->out, "  error: %s\n", err->text);
}

static void apply_node(struct scenario *scenario, struct json_object *tree)
{
	struct cs_error err;
	const Kube__Node *node = (const Kube__Node *)decode(scenario, &cs_kind_node, tree);
	write_error(scenario,
		    cs_scheduler_apply_node(scenario->scheduler, scenario->now, node, &err), &err);
}

// The UID is the namespaced name.
static void apply_pod(struct scenario *scenario, struct json_object *tree)
{
	struct cs_error err;
	Kube__Pod *pod = (Kube__Pod *)decode(scenario, &cs_kind_pod, tree);
	ck_assert_ptr_nonnull(pod->metadata);
	if (!pod->metadata->namespace_)
		pod->metadata->namespace_ = cs_arena_strdup(scenario->arena, DEFAULT_SPACE);
	pod->metadata->uid = cs_arena_printf(scenario->arena, "%s/%s", pod->metadata->namespace_,
					     pod->metadata->name);
	if (!cs_cluster_find_pod(scenario->cluster, pod->metadata->uid)) {
		const char **uids = cs_arena_alloc_array(scenario->arena, scenario->pods.count + 1,
							 sizeof(*uids));
		if (scenario->pods.count)
			memcpy(uids, scenario->pods.items, scenario->pods.count * sizeof(*uids));
		uids[scenario->pods.count++] = pod->metadata->uid;
		scenario->pods.items = uids;
	}
	write_error(scenario, cs_scheduler_apply_pod(scenario->scheduler, scenario->now, pod, &err),
		    &err);
}

static void apply_other(struct scenario *scenario, const struct cs_kind *kind,
			struct json_object *tree)
{
	struct cs_error err;
	ProtobufCMessage *message = decode(scenario, kind, tree);
	Kube__ObjectMeta *metadata = ((Kube__Object *)message)->metadata;
	if (kind->namespaced && metadata && !metadata->namespace_)
		metadata->namespace_ = cs_arena_strdup(scenario->arena, DEFAULT_SPACE);
	write_error(
		scenario,
		cs_scheduler_apply_object(scenario->scheduler, scenario->now, kind, message, &err),
		&err);
}

static void ignore(struct scenario *scenario, struct json_object *tree)
{
	(void)scenario;
	(void)tree;
}

static const struct {
	const char *kind;
	void (*apply)(struct scenario *scenario, struct json_object *tree);
} kinds[] = {
	{ "Node", apply_node }, { "Pod", apply_pod },
	{ "Step", apply_step }, { CONFIG_KIND, ignore }, // read before, as the next
	{ LOAD_KIND, ignore },
};

static void apply_object(struct scenario *scenario, const struct cs_manifest_object *object)
{
	static const struct cs_kind *const others[] = {
		&cs_kind_namespace,   &cs_kind_service,      &cs_kind_replication_controller,
		&cs_kind_replica_set, &cs_kind_stateful_set,
	};
	for (size_t i = 0; i < CS_ARRAY_LENGTH(others); i++) {
		if (strcmp(others[i]->kind, object->kind) == 0) {
			apply_other(scenario, others[i], object->tree);
			return;
		}
	}
	size_t i = 0;
	while (i < CS_ARRAY_LENGTH(kinds) && strcmp(kinds[i].kind, object->kind) != 0)
		i++;
	ck_assert_msg(i < CS_ARRAY_LENGTH(kinds), "line %d: no use for a %s", object->line,
		      object->kind);
	kinds[i].apply(scenario, object->tree);
}

// ---- a scenario ----

// Without a configuration in the manifest the built-in one.
static void read_config(struct scenario *scenario, const struct cs_manifest *manifest)
{
	CS_AUTO_BUFFER struct cs_buffer text;
	struct cs_json_writer json;
	struct cs_error err;
	cs_buffer_init(&text, FILE_MAX);
	for (size_t i = 0; i < manifest->count; i++) {
		if (strcmp(manifest->objects[i].kind, CONFIG_KIND) != 0 &&
		    strcmp(manifest->objects[i].kind, LOAD_KIND) != 0)
			continue;
		cs_buffer_append_string(&text, text.size ? "\n---\n" : "");
		cs_json_init(&json, &text);
		cs_value_write(manifest->objects[i].tree, &json);
	}
	int r = cs_config_read("config",
			       text.size ? cs_buffer_slice(&text) : (struct cs_slice){ 0 },
			       cs_plugins, &scenario->config, &err);
	ck_assert_msg(r == 0, "%s", err.text);
	for (uint32_t i = 0; i < scenario->config->n_warnings; i++)
		cs_buffer_printf(&scenario->out, "warning: %s\n", scenario->config->warnings[i]);
}

static void begin(struct scenario *scenario, const struct cs_manifest *manifest)
{
	struct cs_error err;
	scenario->arena = cs_arena_create();
	cs_buffer_init(&scenario->out, FILE_MAX);
	read_config(scenario, manifest);
	scenario->cluster = cs_cluster_create(1);
	scenario->now = (struct cs_time){ .boot = 1000 * CS_SECOND, .wall = 1000 * CS_SECOND };
	const struct cs_scheduler_options options = {
		.cluster = scenario->cluster,
		.config = scenario->config,
		.sink = { .user = scenario,
			  .bind = on_bind,
			  .status = on_status,
			  .event = on_event },
		.max_binding = BINDINGS_MAX,
	};
	ck_assert_int_eq(cs_scheduler_create(&options, &scenario->scheduler, &err), 0);
	cs_scheduler_start(scenario->scheduler);
}

static void end(struct scenario *scenario)
{
	struct cs_error err;
	int r = cs_cluster_check(scenario->cluster, &err);
	ck_assert_msg(r == 0, "%s", err.text);
	cs_scheduler_destroy(scenario->scheduler);
	cs_cluster_destroy(scenario->cluster);
	cs_config_destroy(scenario->config);
	cs_buffer_finish(&scenario->out);
	cs_arena_destroy(scenario->arena);
}

static void run(struct scenario *scenario, const char *path)
{
	CS_AUTO_FREE char *text = NULL;
	size_t size;
	struct cs_error err;
	struct cs_manifest manifest;
	ck_assert_msg(cs_file_read(path, FILE_MAX, &text, &size, &err) == 0, "%s", err.text);
	ck_assert_msg(cs_manifest_read(path, (struct cs_slice){ text, size }, &manifest, &err) == 0,
		      "%s", err.text);
	begin(scenario, &manifest);
	for (size_t i = 0; i < manifest.count; i++)
		apply_object(scenario, &manifest.objects[i]);
	work(scenario, NULL);
	write_states(scenario);
	cs_manifest_finish(&manifest);
}

static void write_file(const char *path, const struct cs_buffer *content)
{
	FILE *file = fopen(path, "w");
	ck_assert_msg(file != NULL, "%s", path);
	ck_assert_uint_eq(fwrite(content->data, 1, content->size, file), content->size);
	ck_assert_int_eq(fclose(file), 0);
}

START_TEST(scenario_and_golden_file)
{
	ck_assert_msg(files.gl_pathc > 0, "no scenarios here: run in the project's root");
	const char *path = files.gl_pathv[_i];
	CS_AUTO_FREE char *golden =
		cs_asprintf("%.*s.out", (int)(strlen(path) - strlen(".yaml")), path);
	struct scenario scenario = { 0 };
	run(&scenario, path);
	if (getenv("UPDATE"))
		write_file(golden, &scenario.out);
	CS_AUTO_FREE char *expected = NULL;
	size_t size;
	struct cs_error err;
	ck_assert_msg(cs_file_read(golden, FILE_MAX, &expected, &size, &err) == 0, "%s", err.text);
	ck_assert_msg(
		cs_slice_equal((struct cs_slice){ expected, size }, cs_buffer_slice(&scenario.out)),
		"%s: expected\n%.*s\ngot\n%s", path, (int)size, expected, scenario.out.data);
	end(&scenario);
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("scenarios");
	TCase *tcase = tcase_create("scenarios");
	const char *directory = getenv("SCENARIOS");
	CS_AUTO_FREE char *pattern =
		cs_asprintf("%s/*.yaml", directory ? directory : "test/scenarios");
	// One test where there is no file: it fails.
	int n = glob(pattern, 0, NULL, &files) == 0 ? (int)files.gl_pathc : 1;
	tcase_add_loop_test(tcase, scenario_and_golden_file, 0, n);
	suite_add_tcase(suite, tcase);
	return suite;
}
