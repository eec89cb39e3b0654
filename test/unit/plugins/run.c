// Calling a plugin as a cycle does. Neighbours: run.h.
#include "run.h"

#include <string.h>

#include <csched/base/memory.h>
#include <csched/base/value.h>
#include <csched/plugins/list.h>

#include "pass.h"

void run_begin(struct run *run, struct world *world)
{
	world_begin(world);
	*run = (struct run){ .world = world, .scratch = cs_arena_create() };
}

static void drop_instance(struct run *run)
{
	const struct cs_plugin *plugin = run->instance.plugin;
	if (plugin && plugin->detach)
		plugin->detach(run->world->cluster, run->instance.attached);
	if (plugin && plugin->free_args)
		plugin->free_args(run->instance.args);
	run->instance = (struct cs_plugin_instance){ 0 };
}

void run_end(struct run *run)
{
	drop_instance(run);
	cs_arena_destroy(run->scratch);
	world_end(run->world);
}

static const struct cs_plugin *find(const char *name)
{
	const struct cs_plugin *const *plugin = cs_plugins;
	while (*plugin && strcmp((*plugin)->name, name) != 0)
		plugin++;
	ck_assert_msg(*plugin, "no plugin %s", name);
	return *plugin;
}

// Documents of a YAML text, of which the first is meant.
static struct json_object *read_yaml(const char *text)
{
	struct json_object *documents = NULL;
	struct cs_error err = { 0 };
	int rc = cs_value_read_yaml(cs_slice_of(text), &documents, &err);
	ck_assert_msg(rc == 0, "%s in\n%s", err.text, text);
	return documents;
}

void run_configure(struct run *run, const char *plugin, const char *args)
{
	CS_AUTO_VALUE struct json_object *documents = args ? read_yaml(args) : NULL;
	struct json_object *tree = args ? json_object_array_get_idx(documents, 0) : NULL;
	CS_AUTO_ERRORS struct cs_errors errors = { 0 };
	drop_instance(run);
	run->instance = (struct cs_plugin_instance){ .plugin = find(plugin), .weight = 1 };
	const struct cs_plugin *p = run->instance.plugin;
	if (p->configure && p->configure(tree, &run->instance.args, &errors) != 0)
		ck_abort_msg("%s", errors.count ? errors.list[0] : "no words");
	if (p->attach)
		run->instance.attached = p->attach(run->world->cluster, run->instance.args);
}

static void begin_cycle(struct run *run, const struct cs_pod *pod)
{
	ck_assert_uint_le(run->world->nodes->n_rows, RUN_ROWS_MAX);
	run->cycle = (struct cs_cycle){
		.cluster = run->world->cluster,
		.nodes = run->world->nodes,
		.pod = pod,
		.demand = pod->demand,
		.scratch = run->scratch,
	};
	run->prepared = CS_PREPARE_GO;
}

void run_filter(struct run *run, const struct cs_pod *pod)
{
	const struct cs_plugin *plugin = run->instance.plugin;
	struct cs_rows all = { 0, run->world->nodes->n_rows };
	begin_cycle(run, pod);
	run->instance.filter_version = 0;
	if (plugin->prepare_filter)
		run->prepared = plugin->prepare_filter(&run->cycle, &run->instance);
	memset(run->verdict, 0xee, sizeof(run->verdict));
	if (run->prepared == CS_PREPARE_GO)
		plugin->filter(&run->cycle, &run->instance, all, run->verdict);
}

static void score_normalised(struct run *run, const uint32_t *feasible, uint32_t n_feasible)
{
	const struct cs_plugin *plugin = run->instance.plugin;
	int64_t raw[RUN_ROWS_MAX];
	plugin->raw_score(&run->cycle, &run->instance,
			  (struct cs_rows){ 0, run->world->nodes->n_rows }, raw);
	plugin->normalise(&run->cycle, &run->instance, feasible, n_feasible, raw);
	for (uint32_t i = 0; i < n_feasible; i++) {
		ck_assert(raw[feasible[i]] >= 0 && raw[feasible[i]] <= 100);
		run->out[feasible[i]] = (uint8_t)raw[feasible[i]];
	}
}

void run_score(struct run *run, const struct cs_pod *pod)
{
	const struct cs_plugin *plugin = run->instance.plugin;
	uint32_t n = run->world->nodes->n_rows;
	uint32_t *feasible = cs_arena_alloc_array(run->scratch, n, sizeof(*feasible));
	uint32_t n_feasible = 0;
	begin_cycle(run, pod);
	for (uint32_t row = 0; row < n; row++)
		if (run->world->nodes->live[row])
			feasible[n_feasible++] = row;
	pass_rows(&run->cycle, feasible, n_feasible);
	run->instance.score_version = 0;
	if (plugin->prepare_score)
		run->prepared = plugin->prepare_score(&run->cycle, &run->instance);
	if (run->prepared != CS_PREPARE_GO)
		return;
	if (plugin->normalise)
		score_normalised(run, feasible, n_feasible);
	else
		plugin->score(&run->cycle, &run->instance, (struct cs_rows){ 0, n }, run->out);
}

// ---- in words ----

const char *run_fitting(struct run *run)
{
	char *names = cs_arena_strdup(run->scratch, "");
	ck_assert_int_eq(run->prepared, CS_PREPARE_GO);
	for (uint32_t row = 0; row < run->world->nodes->n_rows; row++) {
		if (!run->world->nodes->live[row])
			continue;
		ck_assert_uint_le(run->verdict[row], CS_VERDICT_UNRESOLVABLE);
		if (run->verdict[row] == CS_VERDICT_FITS)
			names = cs_arena_printf(run->scratch, "%s%s%s", names, *names ? " " : "",
						cs_cluster_node_name(run->world->cluster, row));
	}
	return names;
}

struct said {
	struct cs_arena *arena;
	const char *words;
};

static void say(void *user, const char *reason)
{
	struct said *said = user;
	said->words = said->words ? cs_arena_printf(said->arena, "%s; %s", said->words, reason)
				  : cs_arena_strdup(said->arena, reason);
}

const char *run_reasons(struct run *run, const char *node)
{
	struct said said = { .arena = run->scratch };
	uint32_t row = cs_cluster_find_node(run->world->cluster, node);
	ck_assert_uint_ne(row, CS_ROW_NONE);
	run->instance.plugin->reasons(&run->cycle, &run->instance, row, say, &said);
	return said.words;
}

static const char *told(struct run *run, cs_explain_f explain, const char *node)
{
	CS_AUTO_BUFFER struct cs_buffer out;
	uint32_t row = cs_cluster_find_node(run->world->cluster, node);
	ck_assert_uint_ne(row, CS_ROW_NONE);
	cs_buffer_init(&out, 4096);
	explain(&run->cycle, &run->instance, row, &out);
	return cs_arena_strdup(run->scratch, out.data);
}

const char *run_numbers(struct run *run, const char *node)
{
	ck_assert_int_eq(run->prepared, CS_PREPARE_GO);
	return told(run, run->instance.plugin->explain_filter, node);
}

const char *run_formula(struct run *run, const char *node)
{
	ck_assert_int_eq(run->prepared, CS_PREPARE_GO);
	return told(run, run->instance.plugin->explain_score, node);
}

const char *run_scores(struct run *run)
{
	char *words = cs_arena_strdup(run->scratch, "");
	ck_assert_int_eq(run->prepared, CS_PREPARE_GO);
	for (uint32_t row = 0; row < run->world->nodes->n_rows; row++)
		if (run->world->nodes->live[row])
			words = cs_arena_printf(run->scratch, "%s%s%s=%d", words, *words ? " " : "",
						cs_cluster_node_name(run->world->cluster, row),
						run->out[row]);
	return words;
}

const char *run_errors(struct run *run, const char *plugin, const char *args)
{
	CS_AUTO_VALUE struct json_object *documents = read_yaml(args);
	CS_AUTO_ERRORS struct cs_errors errors = { 0 };
	void *untouched = run;
	int rc = find(plugin)->configure(json_object_array_get_idx(documents, 0), &untouched,
					 &errors);
	ck_assert_int_lt(rc, 0);
	ck_assert_ptr_eq(untouched, run);
	char *words = cs_arena_strdup(run->scratch, "");
	for (uint32_t i = 0; i < errors.count; i++)
		words = cs_arena_printf(run->scratch, "%s%s%s", words, i ? "\n" : "",
					errors.list[i]);
	return words;
}
