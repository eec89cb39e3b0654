// watch: what is there, then every change, in order, as long as the client listens.
// Neighbours: http's stream asks for bytes; the store's log holds the changes, so that a watch is
// little more than a position in it.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <csched/base/memory.h>
#include <csched/base/tree.h>
#include <csched/kube/protobuf.h>

#include "list_options.h"
#include "sim_internal.h"

#define FILL_TARGET     (64u << 10) // bytes given to the connection at once
#define TIMEOUT_DEFAULT (1800 * CS_SECOND)
#define BOOKMARK_EARLY  (2 * CS_SECOND) // before the time limit one more bookmark is sent

struct watch {
	struct cs_list link; // in its collection
	struct cs_sim *sim;
	struct sim_collection *collection;
	const struct sim_resource *resource;
	struct cs_http_stream *stream;
	enum sim_format format;
	char prefix[SIM_KEY_MAX];
	struct sim_selector selector;
	struct sim_snapshot initial; // still to be sent as ADDED from `initial_at` on
	size_t initial_at;
	bool mark_initial_end;
	uint64_t initial_rv;
	uint64_t next; // sequence number of the next change
	bool bookmarks;
	int64_t next_bookmark; // boot ns
	int64_t deadline;
	uint64_t sent; // events, bookmarks excluded
	struct sim_fault_action fault;
	int64_t silent_until; // a delay
	bool stalled;
};

// ---- writing events ----

static void write_event(struct watch *watch, const char *type, struct cs_slice object,
			struct cs_buffer *out)
{
	out->max = out->size + object.size + 256;
	sim_encode_event(watch->format, type, object, out);
}

static void write_tree_event(struct watch *watch, const char *type, struct json_object *tree,
			     struct cs_buffer *out)
{
	CS_AUTO_BUFFER struct cs_buffer object;
	cs_buffer_init(&object, SIM_OBJECT_MAX);
	if (watch->format == SIM_FORMAT_TABLE)
		sim_table_of_tree(watch->sim, watch->resource, tree, watch->sent == 0, &object);
	else
		sim_encode_tree(watch->resource, watch->format, tree, &object);
	write_event(watch, type, cs_buffer_slice(&object), out);
}

static void write_version_event(struct watch *watch, const char *type, struct sim_version *version,
				struct cs_buffer *out)
{
	if (watch->format == SIM_FORMAT_TABLE || watch->resource != watch->collection->resource)
		write_tree_event(watch, type, version->tree, out);
	else
		write_event(watch, type, sim_encode_version(watch->format, version), out);
	watch->sent++;
}

static void write_bookmark(struct watch *watch, uint64_t rv, bool initial_end,
			   struct cs_buffer *out)
{
	char text[64];
	CS_AUTO_VALUE struct json_object *tree = json_object_new_object();
	cs_tree_set_string(tree, "kind", watch->resource->kind);
	cs_tree_set_string(tree, "apiVersion",
			   sim_resource_api_version(watch->resource, text, sizeof(text)));
	struct json_object *metadata = cs_tree_own(tree, "metadata");
	(void)snprintf(text, sizeof(text), "%" PRIu64, rv);
	cs_tree_set_string(metadata, "resourceVersion", text);
	if (initial_end)
		cs_tree_set_string(cs_tree_own(metadata, "annotations"),
				   "k8s.io/initial-events-end", "true");
	write_tree_event(watch, "BOOKMARK", tree, out);
}

static void write_error(struct watch *watch, const struct sim_status *status, struct cs_buffer *out)
{
	CS_AUTO_BUFFER struct cs_buffer object;
	cs_buffer_init(&object, SIM_OBJECT_MAX);
	sim_encode_status(watch->format, status, &object);
	write_event(watch, "ERROR", cs_buffer_slice(&object), out);
}

// ---- what a change means to this watch ----

static bool in_view(const struct watch *watch, const struct sim_version *version)
{
	if (!version || !cs_string_prefix(version->key, watch->prefix))
		return false;
	if (sim_selector_empty(&watch->selector))
		return true;
	CS_AUTO_VALUE struct json_object *view = sim_view(watch->resource, version->tree);
	return sim_selector_matches(&watch->selector, view);
}

// The object left the selection: its last selected state under the new resourceVersion.
static void write_departure(struct watch *watch, const struct sim_change *change,
			    struct cs_buffer *out)
{
	CS_AUTO_VALUE struct json_object *tree = cs_tree_copy(change->before->tree);
	char rv[24];
	(void)snprintf(rv, sizeof(rv), "%" PRIu64, change->rv);
	cs_tree_set_string(cs_tree_own(tree, "metadata"), "resourceVersion", rv);
	write_tree_event(watch, "DELETED", tree, out);
	watch->sent++;
}

static void write_change(struct watch *watch, const struct sim_change *change,
			 struct cs_buffer *out)
{
	bool before = in_view(watch, change->before);
	if (change->type == SIM_DELETED) {
		if (before)
			write_version_event(watch, "DELETED", change->now, out);
		return;
	}
	bool now = in_view(watch, change->now);
	if (now)
		write_version_event(watch, before ? "MODIFIED" : "ADDED", change->now, out);
	else if (before)
		write_departure(watch, change, out);
}

// ---- faults ----

static void write_oversized(struct watch *watch, size_t bytes, struct cs_buffer *out)
{
	CS_AUTO_BUFFER struct cs_buffer object;
	cs_buffer_init(&object, bytes + 1);
	char *at = cs_buffer_reserve(&object, bytes);
	if (!at)
		return;
	memset(at, 'x', bytes);
	object.size = bytes;
	write_event(watch, "ADDED", cs_buffer_slice(&object), out);
}

// Half of an event that would have been well.
static void write_half(struct watch *watch, struct cs_buffer *out)
{
	size_t before = out->size;
	write_bookmark(watch, watch->sim->store.rv, false, out);
	out->size = before + (out->size - before) / 2;
}

// Once its number of events has been sent. True with *ret set when the fault decides.
static bool act_fault(struct watch *watch, struct cs_buffer *out, enum cs_http_fill *ret)
{
	if (watch->sent < watch->fault.after)
		return false;
	struct sim_status status = { 0 };
	*ret = CS_HTTP_FILL_END;
	switch (watch->fault.kind) {
	case SIM_FAULT_CUT:
		return true;
	case SIM_FAULT_STALL:
		watch->stalled = true;
		*ret = CS_HTTP_FILL_MORE;
		return true;
	case SIM_FAULT_ERROR:
		sim_fault_status(&watch->fault, &status);
		write_error(watch, &status, out);
		return true;
	case SIM_FAULT_TRUNCATE:
		write_half(watch, out);
		*ret = CS_HTTP_FILL_ABORT;
		return true;
	case SIM_FAULT_GARBAGE:
		out->max = out->size + 64;
		(void)cs_buffer_append(out, "\xff\xff\xff\xff{]\x00garbage\n", 15);
		return true;
	case SIM_FAULT_OVERSIZE:
		write_oversized(watch, watch->fault.bytes, out);
		watch->fault.kind = SIM_FAULT_NONE;
		return false;
	default:
		return false;
	}
}

// ---- giving bytes ----

static bool room(const struct watch *watch, const struct cs_buffer *out)
{
	bool fault_due = watch->fault.kind > SIM_FAULT_LOSE &&
			 watch->fault.kind != SIM_FAULT_DELAY && watch->sent >= watch->fault.after;
	return out->size < FILL_TARGET && !fault_due;
}

static void give_initial(struct watch *watch, struct cs_buffer *out)
{
	while (watch->initial_at < watch->initial.count && room(watch, out))
		write_version_event(watch, "ADDED", watch->initial.versions[watch->initial_at++],
				    out);
	if (watch->initial_at < watch->initial.count)
		return;
	sim_snapshot_finish(&watch->initial);
	watch->initial_at = 0;
	if (watch->mark_initial_end && room(watch, out)) {
		watch->mark_initial_end = false;
		write_bookmark(watch, watch->initial_rv, true, out);
	}
}

// False when changes were forgotten before they were sent: the client is too slow.
static bool give_changes(struct watch *watch, struct cs_buffer *out)
{
	if (watch->next < watch->collection->log_begin)
		return false;
	while (watch->next < watch->collection->log_end && room(watch, out))
		write_change(watch, sim_store_change(watch->collection, watch->next++), out);
	return true;
}

static void give_bookmark(struct watch *watch, int64_t now, struct cs_buffer *out)
{
	if (!watch->bookmarks || now < watch->next_bookmark ||
	    watch->next < watch->collection->log_end)
		return;
	write_bookmark(watch, watch->sim->store.rv, false, out);
	int64_t last = watch->deadline - BOOKMARK_EARLY;
	watch->next_bookmark = now + watch->sim->bookmark_interval;
	if (now < last && watch->next_bookmark > last)
		watch->next_bookmark = last;
}

static enum cs_http_fill fill(struct cs_buffer *out, void *user)
{
	struct watch *watch = user;
	struct cs_sim *sim = watch->sim;
	enum cs_http_fill verdict = CS_HTTP_FILL_MORE;
	pthread_mutex_lock(&sim->lock);
	int64_t now = sim_now(sim).boot;
	if (watch->stalled || now < watch->silent_until) {
		pthread_mutex_unlock(&sim->lock);
		return CS_HTTP_FILL_MORE;
	}
	give_initial(watch, out);
	if (!watch->initial.count && !give_changes(watch, out))
		verdict = CS_HTTP_FILL_END;
	else if (!watch->initial.count && !watch->mark_initial_end)
		give_bookmark(watch, now, out);
	if (now >= watch->deadline)
		verdict = CS_HTTP_FILL_END;
	enum cs_http_fill of_fault;
	if (act_fault(watch, out, &of_fault))
		verdict = of_fault;
	pthread_mutex_unlock(&sim->lock);
	return verdict;
}

static void closed(void *user)
{
	struct watch *watch = user;
	struct cs_sim *sim = watch->sim;
	pthread_mutex_lock(&sim->lock);
	cs_list_remove(&watch->link);
	sim_snapshot_finish(&watch->initial);
	pthread_mutex_unlock(&sim->lock);
	sim_selector_finish(&watch->selector);
	free(watch);
}

// ---- waking ----

void sim_watch_notify(struct sim_collection *collection)
{
	CS_LIST_FOR_EACH (link, &collection->watches) {
		struct watch *watch = CS_CONTAINER_OF(link, struct watch, link);
		cs_http_stream_wake(watch->stream);
	}
}

static void tick(struct watch *watch, int64_t now)
{
	bool due = now >= watch->deadline || (watch->bookmarks && now >= watch->next_bookmark) ||
		   (watch->silent_until && now >= watch->silent_until);
	if (!due || watch->stalled)
		return;
	if (now >= watch->silent_until)
		watch->silent_until = 0;
	cs_http_stream_wake(watch->stream);
}

void sim_watch_tick(struct cs_sim *sim)
{
	int64_t now = sim_now(sim).boot;
	for (size_t i = 0; i < sim_resource_count; i++) {
		CS_LIST_FOR_EACH (link, &sim->store.collections[i].watches)
			tick(CS_CONTAINER_OF(link, struct watch, link), now);
	}
}

// ---- opening ----

// Changes since a version of the past, or all that is there and then the changes.
static void choose_start(struct sim_request *request, const struct sim_list_options *options,
			 struct watch *watch)
{
	struct sim_collection *collection = request->collection;
	if (options->version && !options->send_initial) {
		if (sim_store_since(collection, options->version, &watch->next) == 0)
			return;
		struct sim_status status = { 0 };
		(void)sim_status_fail(&status, 410, "Expired",
				      "too old resource version: %" PRIu64 " (%" PRIu64 ")",
				      options->version, collection->floor);
		watch->fault = (struct sim_fault_action){ .kind = SIM_FAULT_ERROR, .code = 410 };
		(void)snprintf(watch->fault.message, sizeof(watch->fault.message), "%.250s",
			       status.message);
		watch->next = collection->log_end;
		return;
	}
	struct sim_snapshot_query query = { .prefix = watch->prefix,
					    .after = "",
					    .rv = request->sim->store.rv };
	(void)sim_store_snapshot(collection, &query, &watch->initial);
	size_t kept = 0;
	for (size_t i = 0; i < watch->initial.count; i++) {
		if (in_view(watch, watch->initial.versions[i]))
			watch->initial.versions[kept++] = watch->initial.versions[i];
		else
			sim_version_unref(watch->initial.versions[i]);
	}
	watch->initial.count = kept;
	watch->initial_rv = query.rv;
	watch->mark_initial_end = options->send_initial && options->bookmarks;
	watch->next = collection->log_end;
}

static void set_times(struct sim_request *request, const struct sim_list_options *options,
		      struct watch *watch)
{
	int64_t now = sim_now(request->sim).boot;
	int64_t timeout = options->timeout_seconds > 0 && options->timeout_seconds < 1000000
				  ? options->timeout_seconds * CS_SECOND
				  : TIMEOUT_DEFAULT;
	watch->deadline = now + timeout;
	watch->bookmarks = options->bookmarks;
	watch->next_bookmark = now + request->sim->bookmark_interval;
	if (watch->next_bookmark > watch->deadline - BOOKMARK_EARLY)
		watch->next_bookmark = watch->deadline - BOOKMARK_EARLY;
	if (request->fault.delay)
		watch->silent_until = now + request->fault.delay;
}

int sim_watch(struct sim_request *request)
{
	struct sim_list_options options;
	int result = sim_list_options_read(request, &options);
	if (result)
		return result;
	struct watch *watch = cs_alloc(sizeof(*watch));
	watch->sim = request->sim;
	watch->collection = request->collection;
	watch->resource = request->resource;
	watch->format = request->format;
	watch->selector = options.selector;
	watch->fault = request->fault;
	(void)snprintf(watch->prefix, sizeof(watch->prefix), "%s%s", request->namespace_,
		       *request->namespace_ ? "/" : "");
	set_times(request, &options, watch);
	choose_start(request, &options, watch);
	request->response->content_type = request->format == SIM_FORMAT_PROTOBUF
						  ? CS_PROTOBUF_CONTENT_TYPE ";stream=watch"
						  : "application/json";
	cs_list_append(&request->collection->watches, &watch->link);
	watch->stream = cs_http_request_stream(
		request->http,
		&(struct cs_http_producer){ .fill = fill, .closed = closed, .user = watch });
	return 0;
}
