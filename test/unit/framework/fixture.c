// Toy plugins, objects from YAML, a sink that writes down. Neighbours: fixture.h.
#include "fixture.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <csched/base/value.h>
#include <csched/framework/fields.h>
#include <csched/kube/kind.h>

#include "../read_object.h"

// ---- plugins ----

static const char *gate(const struct cs_pod *pod, struct cs_arena *scratch)
{
	return pod->gated
		       ? cs_arena_printf(scratch, "waiting for scheduling gates: [%s]", pod->gates)
		       : NULL;
}

static int sort(const struct cs_pod *a, int64_t a_queued, const struct cs_pod *b, int64_t b_queued)
{
	if (a->priority != b->priority)
		return a->priority > b->priority ? -1 : 1;
	return (a_queued > b_queued) - (a_queued < b_queued);
}

static enum cs_prepare answer_for(struct cs_cycle *cycle, const char *name)
{
	static const struct {
		const char *name;
		enum cs_prepare answer;
	} moods[] = {
		{ "unschedulable", CS_PREPARE_UNSCHEDULABLE },
		{ "unresolvable", CS_PREPARE_UNRESOLVABLE },
		{ "error", CS_PREPARE_ERROR },
	};
	for (size_t i = 0; i < CS_ARRAY_LENGTH(moods); i++) {
		if (cs_string_prefix(name, moods[i].name)) {
			cycle->message = cs_arena_printf(cycle->scratch, "%s is %s",
							 cycle->pod->name, moods[i].name);
			return moods[i].answer;
		}
	}
	return CS_PREPARE_SKIP;
}

static enum cs_prepare mood(struct cs_cycle *cycle, struct cs_plugin_instance *self)
{
	(void)self;
	return answer_for(cycle, cycle->pod->name);
}

static enum cs_prepare mood2(struct cs_cycle *cycle, struct cs_plugin_instance *self)
{
	(void)self;
	const char *second = strstr(cycle->pod->name, "second-");
	return second ? answer_for(cycle, second + 7) : CS_PREPARE_SKIP;
}

static enum cs_prepare pin(struct cs_cycle *cycle, struct cs_plugin_instance *self)
{
	(void)self;
	uint32_t node = cycle->pod->pinned_node;
	if (node == CS_INTERN_NONE)
		return CS_PREPARE_SKIP;
	uint32_t *only = cs_arena_alloc(cycle->scratch, sizeof(*only));
	*only = cs_cluster_find_node(cycle->cluster,
				     cs_intern_string(cs_cluster_strings(cycle->cluster), node));
	cycle->narrowed = true;
	cycle->only = only;
	cycle->n_only = *only != CS_ROW_NONE;
	return CS_PREPARE_GO;
}

// "among-n1-n3"
static enum cs_prepare among(struct cs_cycle *cycle, struct cs_plugin_instance *self)
{
	(void)self;
	if (!cs_string_prefix(cycle->pod->name, "among-"))
		return CS_PREPARE_SKIP;
	uint32_t *only = cs_arena_alloc_array(cycle->scratch, cycle->nodes->n_rows, sizeof(*only));
	cycle->narrowed = true;
	cycle->only = only;
	cycle->n_only = 0;
	for (uint32_t row = 0; row < cycle->nodes->n_rows; row++)
		if (cycle->nodes->live[row] &&
		    strstr(cycle->pod->name, cs_cluster_node_name(cycle->cluster, row)))
			only[cycle->n_only++] = row;
	return CS_PREPARE_GO;
}

int64_t toy_tide_level;
int toy_tide_attached;
char toy_tide_reserved[64];

static void *attach_tide(struct cs_cluster *cluster, void *args)
{
	(void)args;
	toy_tide_attached++;
	return cluster;
}

static void detach_tide(struct cs_cluster *cluster, void *attached)
{
	ck_assert_ptr_eq(cluster, attached);
	toy_tide_attached--;
}

static void reserve_tide(struct cs_cluster *cluster, struct cs_plugin_instance *self,
			 const struct cs_pod *pod, uint32_t row)
{
	ck_assert_ptr_eq(cluster, self->attached);
	ck_assert_int_eq(pod->state, CS_POD_ASSUMED);
	snprintf(toy_tide_reserved, sizeof(toy_tide_reserved), "%s@%u", pod->name, row);
}

static enum cs_prepare prepare_tide(struct cs_cycle *cycle, struct cs_plugin_instance *self)
{
	ck_assert_ptr_eq(cycle->cluster, self->attached);
	ck_assert_uint_eq(self->filter_version, 0);
	self->filter_version = (uint64_t)(toy_tide_level + 1) / 2;
	return CS_PREPARE_GO;
}

static enum cs_prepare prepare_tide_score(struct cs_cycle *cycle, struct cs_plugin_instance *self)
{
	(void)cycle;
	ck_assert_uint_eq(self->score_version, 0);
	self->score_version = (uint64_t)toy_tide_level;
	return CS_PREPARE_GO;
}

static void tide(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
		 struct cs_rows rows, uint8_t *restrict verdict)
{
	(void)cycle;
	for (uint32_t row = rows.first; row < rows.end; row++)
		verdict[row] =
			row % 7 < self->filter_version ? CS_VERDICT_UNSCHEDULABLE : CS_VERDICT_FITS;
}

static void tide_score(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
		       struct cs_rows rows, uint8_t *restrict out)
{
	(void)cycle;
	for (uint32_t row = rows.first; row < rows.end; row++)
		out[row] = (uint8_t)(row * self->score_version % 101);
}

static void cordon(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
		   struct cs_rows rows, uint8_t *restrict verdict)
{
	(void)self;
	for (uint32_t row = rows.first; row < rows.end; row++)
		verdict[row] = cycle->nodes->unschedulable[row] ? CS_VERDICT_UNRESOLVABLE
								: CS_VERDICT_FITS;
}

static void cordon_reasons(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
			   uint32_t row, void (*say)(void *user, const char *reason), void *user)
{
	(void)cycle;
	(void)self;
	(void)row;
	say(user, "node(s) were cordoned");
}

static enum cs_prepare prepare_fit(struct cs_cycle *cycle, struct cs_plugin_instance *self)
{
	int64_t *cpu = cs_arena_alloc(cycle->scratch, sizeof(*cpu));
	*cpu = cycle->demand->requests.fixed[CS_RESOURCE_CPU];
	self->state = cpu;
	return CS_PREPARE_GO;
}

static bool lacks_cpu(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
		      uint32_t row)
{
	const struct cs_node_table *nodes = cycle->nodes;
	return *(int64_t *)self->state >
	       nodes->allocatable[CS_RESOURCE_CPU][row] - nodes->requested[CS_RESOURCE_CPU][row];
}

static bool lacks_pods(const struct cs_cycle *cycle, uint32_t row)
{
	return cycle->nodes->n_pods[row] >= cycle->nodes->max_pods[row];
}

static void fit(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
		struct cs_rows rows, uint8_t *restrict verdict)
{
	for (uint32_t row = rows.first; row < rows.end; row++)
		verdict[row] = lacks_cpu(cycle, self, row) || lacks_pods(cycle, row)
				       ? CS_VERDICT_UNSCHEDULABLE
				       : CS_VERDICT_FITS;
}

static void fit_reasons(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
			uint32_t row, void (*say)(void *user, const char *reason), void *user)
{
	if (lacks_pods(cycle, row))
		say(user, "Too many pods");
	if (lacks_cpu(cycle, self, row))
		say(user, "Insufficient cpu");
}

static void free_score(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
		       struct cs_rows rows, uint8_t *restrict out)
{
	(void)self;
	const struct cs_node_table *nodes = cycle->nodes;
	for (uint32_t row = rows.first; row < rows.end; row++) {
		int64_t all = nodes->allocatable[CS_RESOURCE_CPU][row];
		int64_t left = all - nodes->requested[CS_RESOURCE_CPU][row] -
			       cycle->demand->requests.fixed[CS_RESOURCE_CPU];
		out[row] = (uint8_t)(all ? left * 100 / all : 0);
	}
}

static void few_score(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
		      struct cs_rows rows, int64_t *restrict out)
{
	(void)self;
	for (uint32_t row = rows.first; row < rows.end; row++)
		out[row] = cycle->nodes->n_pods[row];
}

static void few_normalise(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
			  const uint32_t *feasible, uint32_t n, int64_t *out)
{
	(void)cycle;
	(void)self;
	int64_t max = 0;
	for (uint32_t i = 0; i < n; i++)
		max = out[feasible[i]] > max ? out[feasible[i]] : max;
	for (uint32_t i = 0; i < n; i++)
		out[feasible[i]] = max ? 100 - 100 * out[feasible[i]] / max : 100;
}

static enum cs_prepare prepare_wrong(struct cs_cycle *cycle, struct cs_plugin_instance *self)
{
	(void)self;
	if (strcmp(cycle->pod->name, "wrong-prepare") == 0) {
		cycle->message = cs_arena_strdup(cycle->scratch, "no mood for it");
		return CS_PREPARE_ERROR;
	}
	return strcmp(cycle->pod->name, "wrong") == 0 ? CS_PREPARE_GO : CS_PREPARE_SKIP;
}

static void wrong_score(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
			struct cs_rows rows, uint8_t *restrict out)
{
	(void)cycle;
	(void)self;
	for (uint32_t row = rows.first; row < rows.end; row++)
		out[row] = 101;
}

static enum cs_prepare prepare_crowd(struct cs_cycle *cycle, struct cs_plugin_instance *self)
{
	int64_t *count = cs_arena_alloc(cycle->scratch, sizeof(*count));
	*count = cycle->n_feasible;
	self->score_state = count;
	return CS_PREPARE_GO;
}

static void crowd_score(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
			struct cs_rows rows, uint8_t *restrict out)
{
	(void)cycle;
	for (uint32_t row = rows.first; row < rows.end; row++)
		out[row] = (uint8_t)((row * 7 + *(int64_t *)self->score_state) % 101);
}

static void odd(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
		struct cs_rows rows, uint8_t *restrict verdict)
{
	(void)self;
	for (uint32_t row = rows.first; row < rows.end; row++)
		verdict[row] = (row + cycle->nodes->n_live) % 2 ? CS_VERDICT_UNSCHEDULABLE
								: CS_VERDICT_FITS;
}

static const struct cs_field option_fields[] = {
	{ .name = "size",
	  .type = CS_FIELD_INT,
	  .offset = 0,
	  .min = 1,
	  .max = 9,
	  .wrong = "is no size" },
	{ 0 },
};

static int configure(struct json_object *args, void **ret, struct cs_errors *errors)
{
	CS_AUTO_ARENA struct cs_arena *arena = cs_arena_create();
	struct cs_field_int size = { .value = 5 };
	int r = args ? cs_fields_read(args, option_fields, arena, &size, errors) : 0;
	if (r)
		return r;
	struct toy_options *options = cs_alloc(sizeof(*options));
	options->size = size.value;
	*ret = options;
	return 0;
}

static void write_options(const void *args, struct cs_json_writer *json)
{
	cs_json_member_int(json, "size", ((const struct toy_options *)args)->size);
}

const struct cs_plugin toy_gate = {
	.name = "ToyGate",
	.pre_enqueue = gate,
	.cures = CS_EVENT_POD_GATES_ELIMINATED,
};
const struct cs_plugin toy_sort = { .name = "ToySort", .queue_order = sort };
const struct cs_plugin toy_sort2 = { .name = "ToySort2", .queue_order = sort };
const struct cs_plugin toy_mood = { .name = "ToyMood", .prepare_filter = mood };
const struct cs_plugin toy_mood2 = { .name = "ToyMood2", .prepare_filter = mood2 };
const struct cs_plugin toy_pin = {
	.name = "ToyPin",
	.prepare_filter = pin,
	.cures = CS_EVENT_NODE_ADD,
};
const struct cs_plugin toy_among = { .name = "ToyAmong", .prepare_filter = among };
const struct cs_plugin toy_tide = {
	.name = "ToyTide",
	.row_local = true,
	.attach = attach_tide,
	.detach = detach_tide,
	.prepare_filter = prepare_tide,
	.filter = tide,
	.prepare_score = prepare_tide_score,
	.score = tide_score,
	.reserve = reserve_tide,
};
const struct cs_plugin toy_cordon = {
	.name = "ToyCordon",
	.row_local = true,
	.filter = cordon,
	.reasons = cordon_reasons,
	.cures = CS_EVENT_NODE_ADD | CS_EVENT_NODE_TAINT,
};
const struct cs_plugin toy_fit = {
	.name = "ToyFit",
	.row_local = true,
	.prepare_filter = prepare_fit,
	.filter = fit,
	.reasons = fit_reasons,
	.cures = CS_EVENT_NODE_ADD | CS_EVENT_NODE_ALLOCATABLE | CS_EVENT_POD_DELETE |
		 CS_EVENT_POD_SCALE_DOWN,
};
const struct cs_plugin toy_free = {
	.name = "ToyFree",
	.row_local = true,
	.score = free_score,
	.default_weight = 2,
};
const struct cs_plugin toy_few = {
	.name = "ToyFew",
	.row_local = true,
	.raw_score = few_score,
	.normalise = few_normalise,
};
const struct cs_plugin toy_wrong = {
	.name = "ToyWrong",
	.prepare_score = prepare_wrong,
	.score = wrong_score,
};
const struct cs_plugin toy_crowd = {
	.name = "ToyCrowd",
	.prepare_score = prepare_crowd,
	.score = crowd_score,
};
const struct cs_plugin toy_odd = { .name = "ToyOdd", .filter = odd };
const struct cs_plugin toy_options = {
	.name = "ToyOptions",
	.filter = cordon,
	.configure = configure,
	.write_args = write_options,
	.free_args = free,
};
const struct cs_plugin toy_bind = { .name = "ToyBind", .binds = true };
const struct cs_plugin toy_bind2 = { .name = "ToyBind2", .binds = true };

const struct cs_plugin *const toy_plugins[] = {
	&toy_gate, &toy_sort, &toy_mood, &toy_mood2, &toy_pin,  &toy_cordon,
	&toy_fit,  &toy_free, &toy_few,  &toy_wrong, &toy_bind, NULL,
};
const struct cs_plugin *const toy_plugins_tide[] = {
	&toy_gate, &toy_sort, &toy_pin, &toy_among, &toy_tide, &toy_cordon,
	&toy_fit,  &toy_free, &toy_few, &toy_bind,  NULL,
};
const struct cs_plugin *const toy_plugins_global[] = {
	&toy_gate, &toy_sort, &toy_mood, &toy_mood2, &toy_pin,   &toy_cordon, &toy_odd,
	&toy_fit,  &toy_free, &toy_few,  &toy_wrong, &toy_crowd, &toy_bind,   NULL,
};

// ---- objects ----

struct cs_config *toy_config(const char *yaml, const struct cs_plugin *const *plugins)
{
	struct cs_config *config = NULL;
	struct cs_error err = { 0 };
	int r = cs_config_read("toy.yaml", yaml ? cs_slice_of(yaml) : (struct cs_slice){ 0 },
			       plugins, &config, &err);
	ck_assert_msg(r == 0, "%s", err.text);
	return config;
}

__attribute__((format(printf, 1, 0))) static char *format_text(const char *format, va_list ap)
{
	char *text = NULL;
	ck_assert_int_ge(vasprintf(&text, format, ap), 0);
	return text;
}

const Kube__Node *toy_node(struct cs_arena *arena, const char *format, ...)
{
	va_list ap;
	va_start(ap, format);
	CS_AUTO_FREE char *text = format_text(format, ap);
	va_end(ap);
	return (const Kube__Node *)read_object(&cs_kind_node, text, arena);
}

const Kube__Pod *toy_pod(struct cs_arena *arena, const char *format, ...)
{
	va_list ap;
	va_start(ap, format);
	CS_AUTO_FREE char *text = format_text(format, ap);
	va_end(ap);
	return (const Kube__Pod *)read_object(&cs_kind_pod, text, arena);
}

// ---- the scheduler ----

static void sink_bind(void *user, uint64_t ticket, const struct cs_pod *pod, const char *node)
{
	struct toy *toy = user;
	toy->last_ticket = ticket;
	if (!toy->quiet)
		cs_buffer_printf(&toy->asked, "bind %s/%s %s\n", pod->namespace, pod->name, node);
}

static void sink_status(void *user, const struct cs_pod *pod,
			const struct cs_scheduler_status *status)
{
	struct toy *toy = user;
	if (!toy->quiet && status->reason)
		cs_buffer_printf(&toy->asked, "condition %s/%s %s: %s\n", pod->namespace, pod->name,
				 status->reason, status->message);
	if (!toy->quiet && status->drop_nomination)
		cs_buffer_printf(&toy->asked, "drop nomination %s/%s\n", pod->namespace, pod->name);
}

static void sink_event(void *user, const struct cs_pod *pod, const struct cs_scheduler_event *event)
{
	struct toy *toy = user;
	if (!toy->quiet)
		cs_buffer_printf(&toy->asked, "event %s/%s %s %s %s %s: %s\n", pod->namespace,
				 pod->name, event->warning ? "warning" : "normal", event->reason,
				 event->action, event->controller, event->note);
}

static void sink_withdraw(void *user, uint64_t ticket)
{
	struct toy *toy = user;
	if (!toy->quiet)
		cs_buffer_printf(&toy->asked, "withdraw %s\n",
				 ticket == toy->last_ticket ? "the last" : "an earlier one");
}

void toy_init_options(struct toy *toy, struct cs_config *config,
		      const struct cs_scheduler_options *options)
{
	*toy = (struct toy){ 0 };
	toy->arena = cs_arena_create();
	toy->cluster = cs_cluster_create(1);
	toy->config = config;
	toy->metrics = cs_metrics_create();
	toy->now = (struct cs_time){ .boot = 100 * CS_SECOND, .wall = 1000 * CS_SECOND };
	cs_buffer_init(&toy->asked, 1 << 20);
	struct cs_scheduler_options all = *options;
	all.cluster = toy->cluster;
	all.config = config;
	all.metrics = toy->metrics;
	all.sink = (struct cs_scheduler_sink){ .user = toy,
					       .bind = sink_bind,
					       .status = sink_status,
					       .event = sink_event,
					       .withdraw = sink_withdraw };
	struct cs_error err;
	ck_assert_int_eq(cs_scheduler_create(&all, &toy->scheduler, &err), 0);
	cs_scheduler_start(toy->scheduler);
}

void toy_init(struct toy *toy, const char *yaml)
{
	toy_init_options(toy, toy_config(yaml, toy_plugins), &(struct cs_scheduler_options){ 0 });
}

void toy_finish(struct toy *toy)
{
	struct cs_error err;
	int r = cs_cluster_check(toy->cluster, &err);
	ck_assert_msg(r == 0, "%s", err.text);
	cs_scheduler_destroy(toy->scheduler);
	cs_metrics_destroy(toy->metrics);
	cs_config_destroy(toy->config);
	cs_cluster_destroy(toy->cluster);
	cs_buffer_finish(&toy->asked);
	cs_arena_destroy(toy->arena);
}

void toy_add_node(struct toy *toy, const char *name, int cpu, int pods, const char *spec)
{
	struct cs_error err = { 0 };
	const Kube__Node *node = toy_node(toy->arena,
					  "{metadata: {name: %s}, spec: {%s}, status: "
					  "{allocatable: {cpu: '%d', pods: '%d'}}}",
					  name, spec, cpu, pods);
	int r = cs_scheduler_apply_node(toy->scheduler, toy->now, node, &err);
	ck_assert_msg(r == 0, "%s", err.text);
}

int toy_apply_pod(struct toy *toy, const struct toy_pod_parts *parts, struct cs_error *err)
{
	const char *spec = parts->spec ? parts->spec : "";
	const Kube__Pod *pod = toy_pod(
		toy->arena,
		"{metadata: {name: %s, namespace: default, uid: %s%s%s}, spec: {%s%s%s"
		"containers: [{name: c, resources: {requests: {cpu: %dm}}}]}, status: {%s}}",
		parts->name, parts->name, parts->metadata ? ", " : "",
		parts->metadata ? parts->metadata : "",
		strstr(spec, "schedulerName") ? "" : "schedulerName: c-sched, ", spec,
		*spec ? ", " : "", parts->cpu, parts->status ? parts->status : "");
	return cs_scheduler_apply_pod(toy->scheduler, toy->now, pod, err);
}

void toy_add_pod(struct toy *toy, const char *name, int cpu, const char *spec)
{
	struct cs_error err = { 0 };
	int r = toy_apply_pod(
		toy, &(struct toy_pod_parts){ .name = name, .cpu = cpu, .spec = spec }, &err);
	ck_assert_msg(r == 0, "%s", err.text);
}

void toy_turn(struct toy *toy, uint32_t expected)
{
	ck_assert_uint_eq(cs_scheduler_turn(toy->scheduler, toy->now, 1000), expected);
}

void toy_bound(struct toy *toy, enum cs_bound outcome, const char *words)
{
	cs_scheduler_bound(toy->scheduler, toy->now,
			   &(struct cs_bound_result){ .ticket = toy->last_ticket,
						      .outcome = outcome,
						      .node = words,
						      .message = words });
}

void toy_expect(struct toy *toy, const char *asked)
{
	ck_assert_str_eq(toy->asked.data, asked);
	cs_buffer_clear(&toy->asked);
}
