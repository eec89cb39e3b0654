// The simulated API server as a whole: its start, its thread of things that happen by themselves,
// its end. Neighbours: request.c answers, workload.c and kubelet.c act, nodes.c makes nodes.
#include <csched/sim/sim.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <csched/base/memory.h>
#include <csched/base/tree.h>
#include <csched/kube/manifest.h>

#include "sim_internal.h"

#define BODY_MAX        (32u << 20) // bytes of a request
#define WATCH_TICK      (100 * CS_MILLISECOND)
#define STEPS_PER_TURN  32 // of controllers, before requests get their turn again
#define HISTORY_DEFAULT 20000

// ---- timers and queues ----

static bool timer_less(const struct cs_heap_link *a, const struct cs_heap_link *b)
{
	return CS_CONTAINER_OF(a, struct sim_timer, link)->due <
	       CS_CONTAINER_OF(b, struct sim_timer, link)->due;
}

void sim_timer_add(struct cs_sim *sim, struct sim_timer timer)
{
	struct sim_timer *copy = cs_alloc(sizeof(*copy));
	*copy = timer;
	copy->link.index = CS_HEAP_OUT;
	cs_heap_push(&sim->timers, &copy->link);
	if (cs_heap_peek(&sim->timers) == &copy->link)
		pthread_cond_signal(&sim->wake);
}

static void timer_free(struct sim_timer *timer)
{
	free(timer->key);
	free(timer);
}

void sim_queue_add(struct cs_sim *sim, struct sim_queue *queue, const char *key)
{
	if (cs_map_get(&queue->map, cs_slice_of(key)))
		return;
	if (queue->count == queue->capacity) {
		queue->capacity = queue->capacity ? queue->capacity * 2 : 16;
		queue->keys = cs_realloc_array(queue->keys, queue->capacity, sizeof(*queue->keys));
	}
	char *copy = cs_strdup(key);
	queue->keys[queue->count++] = copy;
	(void)cs_map_put(&queue->map, cs_slice_of(copy), copy);
	pthread_cond_signal(&sim->wake);
}

char *sim_queue_take(struct sim_queue *queue)
{
	if (!queue->count)
		return NULL;
	char *key = queue->keys[--queue->count];
	(void)cs_map_remove(&queue->map, cs_slice_of(key));
	return key;
}

static void queue_finish(struct sim_queue *queue)
{
	char *key;
	while ((key = sim_queue_take(queue)))
		free(key);
	free(queue->keys);
	cs_map_finish(&queue->map);
}

// ---- the thread ----

static void answer_delayed(struct cs_sim *sim, const struct sim_timer *timer)
{
	(void)sim;
	struct cs_http_response response = timer->response;
	cs_http_pending_complete(timer->pending, &response);
	cs_http_response_finish(&response);
}

static void beat(struct cs_sim *sim, const struct sim_timer *timer)
{
	(void)timer;
	sim_kubelet_beat(sim);
}

static void tick_watches(struct cs_sim *sim, const struct sim_timer *timer)
{
	(void)timer;
	sim_watch_tick(sim);
	sim_timer_add(sim, (struct sim_timer){ .kind = SIM_TIMER_WATCHES,
					       .due = sim_now(sim).boot + WATCH_TICK });
}

static void tick_usage(struct cs_sim *sim, const struct sim_timer *timer)
{
	(void)timer;
	sim_metrics_tick(sim);
}

static void (*const timer_actions[SIM_TIMER_COUNT])(struct cs_sim *sim,
						    const struct sim_timer *timer) = {
	[SIM_TIMER_POD_START] = sim_kubelet_start,
	[SIM_TIMER_POD_END] = sim_kubelet_end,
	[SIM_TIMER_NODE_BEAT] = beat,
	[SIM_TIMER_ANSWER] = answer_delayed,
	[SIM_TIMER_WATCHES] = tick_watches,
	[SIM_TIMER_NAMESPACE] = sim_workload_recheck,
	[SIM_TIMER_EVENT_END] = sim_event_end,
	[SIM_TIMER_USAGE] = tick_usage,
};

// One timer that is due, or false.
static bool run_timer(struct cs_sim *sim)
{
	struct cs_heap_link *link = cs_heap_peek(&sim->timers);
	if (!link)
		return false;
	struct sim_timer *timer = CS_CONTAINER_OF(link, struct sim_timer, link);
	if (timer->due > sim_now(sim).boot)
		return false;
	(void)cs_heap_pop(&sim->timers);
	timer_actions[timer->kind](sim, timer);
	timer_free(timer);
	return true;
}

static void wait_for_work(struct cs_sim *sim)
{
	struct cs_heap_link *link = cs_heap_peek(&sim->timers);
	int64_t wait = CS_SECOND;
	int64_t now = sim_now(sim).boot;
	if (link)
		wait = CS_CONTAINER_OF(link, struct sim_timer, link)->due - now;
	if (sim->next_sync > now && sim->next_sync - now < wait)
		wait = sim->next_sync - now;
	if (wait <= 0)
		return;
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	int64_t at = (int64_t)until.tv_sec * CS_SECOND + until.tv_nsec + wait;
	until = (struct timespec){ .tv_sec = at / CS_SECOND, .tv_nsec = at % CS_SECOND };
	(void)pthread_cond_timedwait(&sim->wake, &sim->lock, &until);
}

static void *run(void *user)
{
	struct cs_sim *sim = user;
	pthread_mutex_lock(&sim->lock);
	while (!sim->stopping) {
		bool busy = false;
		for (int i = 0; i < STEPS_PER_TURN; i++) {
			bool timed = run_timer(sim);
			bool worked = sim_workload_step(sim) || timed;
			busy |= worked;
			if (!worked)
				break;
		}
		if (!busy) {
			wait_for_work(sim);
			continue;
		}
		pthread_mutex_unlock(&sim->lock);
		sched_yield();
		pthread_mutex_lock(&sim->lock);
	}
	pthread_mutex_unlock(&sim->lock);
	return NULL;
}

static void observe(struct sim_collection *collection, const struct sim_change *change, void *user)
{
	struct cs_sim *sim = user;
	sim_watch_notify(collection);
	sim_metrics_observe(sim, collection, change);
	sim_kubelet_observe(sim, collection, change);
	sim_workload_observe(sim, collection, change);
}

// ---- requests beside the API ----

static void write_state(struct cs_sim *sim, struct cs_buffer *out)
{
	struct cs_json_writer json;
	cs_json_init(&json, out);
	cs_json_object_begin(&json);
	cs_json_member_int(&json, "resourceVersion", (int64_t)sim->store.rv);
	cs_json_member_int(&json, "requests", (int64_t)sim->requests);
	cs_json_member_int(&json, "bindings", (int64_t)sim->bindings);
	cs_json_member_object_begin(&json, "objects");
	for (size_t i = 0; i < sim_resource_count; i++)
		if (sim->store.collections[i].count)
			cs_json_member_int(&json, sim_resources[i].name,
					   (int64_t)sim->store.collections[i].count);
	cs_json_object_end(&json);
	cs_json_member_object_begin(&json, "watches");
	for (size_t i = 0; i < sim_resource_count; i++) {
		int64_t n = 0;
		CS_LIST_FOR_EACH (link, &sim->store.collections[i].watches)
			n++;
		if (n)
			cs_json_member_int(&json, sim_resources[i].name, n);
	}
	cs_json_object_end(&json);
	cs_json_member_array_begin(&json, "faults");
	for (size_t i = 0; i < sim->faults.count; i++) {
		const struct sim_fault_rule *rule = &sim->faults.rules[i];
		cs_json_object_begin(&json);
		cs_json_member_string(&json, "action", sim_fault_name(rule->action.kind));
		cs_json_member_int(&json, "seen", (int64_t)rule->seen);
		cs_json_member_int(&json, "hit", (int64_t)rule->hit);
		cs_json_object_end(&json);
	}
	cs_json_array_end(&json);
	cs_json_object_end(&json);
}

static void handle_state(struct cs_http_request *request, struct cs_http_response *response,
			 void *user)
{
	struct cs_sim *sim = user;
	if (!sim_authenticate(sim, request, response))
		return;
	response->content_type = "application/json";
	pthread_mutex_lock(&sim->lock);
	write_state(sim, &response->body);
	pthread_mutex_unlock(&sim->lock);
}

static void handle_metrics(struct cs_http_request *request, struct cs_http_response *response,
			   void *user)
{
	struct cs_sim *sim = user;
	if (!sim_authenticate(sim, request, response))
		return;
	if (!sim->load.on) {
		cs_http_response_text(response, 404, "kubesim runs without --load");
		return;
	}
	response->content_type = "text/plain; version=0.0.4";
	pthread_mutex_lock(&sim->lock);
	sim_metrics_text(sim, &response->body);
	pthread_mutex_unlock(&sim->lock);
}

static void handle_faults(struct cs_http_request *request, struct cs_http_response *response,
			  void *user)
{
	struct cs_error err;
	if (!sim_authenticate(user, request, response))
		return;
	if (cs_sim_set_faults(user, "faults", request->body, &err))
		cs_http_response_text(response, 400, "%s", err.text);
	else
		cs_http_response_text(response, 200, "ok");
}

int cs_sim_set_faults(struct cs_sim *sim, const char *file_name, struct cs_slice script,
		      struct cs_error *err)
{
	pthread_mutex_lock(&sim->lock);
	int result = sim_faults_read(file_name, script, &sim->faults, err);
	pthread_mutex_unlock(&sim->lock);
	return result;
}

// ---- manifests ----

static int load_object(struct cs_sim *sim, const struct cs_manifest_object *object,
		       struct sim_status *status)
{
	const struct sim_resource *resource =
		sim_resource_of_kind(object->api_version, object->kind);
	if (!resource)
		return sim_status_no_resource(status);
	CS_AUTO_VALUE struct json_object *copy = cs_tree_copy_deep(object->tree);
	CS_AUTO_VALUE struct json_object *tree = sim_unview(resource, copy);
	const char *namespace_ = cs_value_string_at(tree, "metadata.namespace");
	char own[256];
	(void)snprintf(own, sizeof(own), "%s", namespace_ ? namespace_ : "default");
	struct sim_write write = {
		.sim = sim,
		.resource = sim_store_collection(&sim->store, resource)->resource,
		.namespace_ = resource->namespaced ? own : "",
		.name = "",
	};
	struct sim_object *created;
	return sim_object_create(&write, tree, &created, status);
}

int cs_sim_load(struct cs_sim *sim, const char *file_name, struct cs_slice text,
		struct cs_error *err)
{
	struct cs_manifest manifest;
	int result = cs_manifest_read(file_name, text, &manifest, err);
	if (result)
		return result;
	pthread_mutex_lock(&sim->lock);
	for (size_t i = 0; i < manifest.count && !result; i++) {
		struct sim_status status;
		if (load_object(sim, &manifest.objects[i], &status))
			result = cs_error_set(err, -EINVAL, "%s:%d: %s: %s", file_name,
					      manifest.objects[i].line, manifest.objects[i].kind,
					      status.message);
	}
	pthread_mutex_unlock(&sim->lock);
	cs_manifest_finish(&manifest);
	return result;
}

static void create_namespaces(struct cs_sim *sim)
{
	static const char *const names[] = { "default", "kube-system", "kube-public",
					     "kube-node-lease" };
	for (size_t i = 0; i < CS_ARRAY_LENGTH(names); i++) {
		CS_AUTO_VALUE struct json_object *tree = json_object_new_object();
		cs_tree_set_string(tree, "kind", "Namespace");
		cs_tree_set_string(tree, "apiVersion", "v1");
		cs_tree_set_string(cs_tree_own(tree, "metadata"), "name", names[i]);
		struct sim_write write = { .sim = sim,
					   .resource = &sim_resources[SIM_NAMESPACES],
					   .namespace_ = "",
					   .name = "" };
		struct sim_object *object;
		struct sim_status ignored;
		(void)sim_object_create(&write, tree, &object, &ignored);
	}
}

// ---- start and end ----

static int listen_on(struct cs_sim *sim, const struct cs_sim_options *options, const char *address,
		     struct cs_error *err)
{
	const struct cs_http_route routes[] = {
		{ .method = "GET", .path = "/kubesim/state", .handler = handle_state, .user = sim },
		{ .method = "GET",
		  .path = "/metrics/nodes",
		  .handler = handle_metrics,
		  .user = sim },
		{ .method = "POST",
		  .path = "/kubesim/faults",
		  .body_max = 1u << 20,
		  .handler = handle_faults,
		  .user = sim },
		{ .path = "/",
		  .prefix = true,
		  .body_max = BODY_MAX,
		  .handler = sim_handle_api,
		  .user = sim },
	};
	struct cs_http_options http = {
		.address = address,
		.port = options->port,
		.tls = options->tls ? &sim->tls : NULL,
		.threads = options->threads,
		.request_timeout = 120 * CS_SECOND,
		.idle_timeout = 300 * CS_SECOND,
	};
	return cs_http_server_create(&http, routes, CS_ARRAY_LENGTH(routes), &sim->server, err);
}

static void init_locks(struct cs_sim *sim)
{
	pthread_condattr_t attributes;
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_mutex_init(&sim->lock, NULL);
	pthread_cond_init(&sim->wake, &attributes);
	pthread_condattr_destroy(&attributes);
}

static void init_usage(struct cs_sim *sim, const struct cs_sim_options *options)
{
	sim->load = options->load;
	if (!sim->load.interval)
		sim->load.interval = 10 * CS_SECOND;
	const struct sim_usage_options usage = { .interval = sim->load.interval,
						 .delay = sim->load.delay,
						 .ramp = sim->load.ramp,
						 .noise = sim->load.noise,
						 .seed = options->seed ? options->seed : 1 };
	sim_usage_init(&sim->usage, &usage);
}

static struct cs_sim *new_sim(const struct cs_sim_options *options)
{
	struct cs_sim *sim = cs_alloc(sizeof(*sim));
	init_locks(sim);
	sim->clock = options->clock;
	sim->log = options->log;
	sim->token = options->token ? cs_strdup(options->token) : NULL;
	sim->kubelet_delay = options->kubelet_delay;
	sim->bookmark_interval =
		options->bookmark_interval ? options->bookmark_interval : 60 * CS_SECOND;
	cs_heap_init(&sim->timers, timer_less);
	init_usage(sim, options);
	sim_store_init(&sim->store, options->history ? options->history : HISTORY_DEFAULT,
		       options->seed ? options->seed : 1);
	return sim;
}

// Before anyone is listening: what the cluster has from the start.
static void populate(struct cs_sim *sim, const struct cs_sim_options *options)
{
	pthread_mutex_lock(&sim->lock);
	sim->store.observer = observe;
	sim->store.observer_user = sim;
	create_namespaces(sim);
	sim_make_nodes(sim, options->nodes, options->zones ? options->zones : 1);
	if (sim->kubelet_delay >= 0)
		sim_kubelet_beat(sim);
	tick_watches(sim, NULL);
	sim_metrics_tick(sim);
	pthread_mutex_unlock(&sim->lock);
}

int cs_sim_create(const struct cs_sim_options *options, struct cs_sim **ret, struct cs_error *err)
{
	const char *address = options->address ? options->address : "127.0.0.1";
	struct cs_sim *sim = new_sim(options);
	const char *const names[] = { address, "localhost", "127.0.0.1", "::1", "kubesim" };
	int result = options->tls ? cs_http_tls_self_signed("kubesim", names,
							    CS_ARRAY_LENGTH(names), &sim->tls, err)
				  : 0;
	if (!result) {
		populate(sim, options);
		result = listen_on(sim, options, address, err);
	}
	if (!result) {
		bool v6 = strchr(address, ':');
		sim->url = cs_asprintf("%s://%s%s%s:%u", options->tls ? "https" : "http",
				       v6 ? "[" : "", address, v6 ? "]" : "",
				       cs_http_server_port(sim->server));
		result = -pthread_create(&sim->thread, NULL, run, sim);
		if (result)
			(void)cs_error_errno(err, result, "starting the thread of kubesim");
		sim->started = !result;
	}
	if (result)
		cs_sim_destroy(sim);
	else
		*ret = sim;
	return result;
}

static void finish_timers(struct cs_sim *sim)
{
	struct cs_heap_link *link;
	while ((link = cs_heap_pop(&sim->timers))) {
		struct sim_timer *timer = CS_CONTAINER_OF(link, struct sim_timer, link);
		if (timer->kind == SIM_TIMER_ANSWER)
			answer_delayed(sim, timer);
		timer_free(timer);
	}
	cs_heap_finish(&sim->timers);
}

void cs_sim_destroy(struct cs_sim *sim)
{
	if (!sim)
		return;
	pthread_mutex_lock(&sim->lock);
	sim->stopping = true;
	pthread_cond_signal(&sim->wake);
	pthread_mutex_unlock(&sim->lock);
	if (sim->started)
		pthread_join(sim->thread, NULL);
	cs_http_server_destroy(sim->server);
	finish_timers(sim);
	struct sim_queue *queues[] = { &sim->deployments, &sim->replica_sets, &sim->orphans,
				       &sim->namespaces };
	for (size_t i = 0; i < CS_ARRAY_LENGTH(queues); i++)
		queue_finish(queues[i]);
	sim_store_finish(&sim->store);
	sim_faults_finish(&sim->faults);
	sim_usage_finish(&sim->usage);
	cs_http_tls_finish(&sim->tls);
	pthread_cond_destroy(&sim->wake);
	pthread_mutex_destroy(&sim->lock);
	free(sim->token);
	free(sim->url);
	free(sim);
}

const char *cs_sim_url(const struct cs_sim *sim)
{
	return sim->url;
}

uint16_t cs_sim_port(const struct cs_sim *sim)
{
	return cs_http_server_port(sim->server);
}
