// The ConfigMap that says whose certificates the API server accepts, watched.
// Neighbours: transport.h performs the calls; the daemon's endpoints trust what is found.
#include <csched/client/lookup.h>

#include <errno.h>
#include <string.h>

#include <csched/base/memory.h>
#include <csched/base/value.h>
#include <csched/kube/protobuf.h>

#include "status.h"

#define SECONDS_(n) #n
#define SECONDS(n)  SECONDS_(n)
// Without a version: what is there comes as the first event.
#define PATH                                                        \
	"/api/v1/namespaces/" CS_LOOKUP_NAMESPACE                   \
	"/configmaps?fieldSelector=metadata.name%3D" CS_LOOKUP_NAME \
	"&watch=true&timeoutSeconds=" SECONDS(CS_LOOKUP_LASTS)
#define GRACE     (30 * CS_SECOND) // for the server to end it
#define EVENT_MAX (4u << 20)       // the API server takes ConfigMaps of a megabyte
#define LIST_MAX  (64u << 10)

struct cs_lookup {
	struct cs_lookup_options options;
	struct cs_transport_call *call; // NULL = no watch is open
	int64_t due;                    // boot ns
	bool answered;                  // once
	bool failing;
	char *version; // of what was found last; NULL = nothing yet
};

// ---- what is in it ----

// A list in commas reads as the names it was made of only if none of them has one, is empty, or has
// blanks around it. A list read otherwise might let in whom nobody named.
static int append_name(struct json_object *name, struct cs_buffer *out)
{
	const char *text =
		json_object_is_type(name, json_type_string) ? json_object_get_string(name) : "";
	size_t size = strlen(text);
	if (size == 0 || strchr(text, ',') || strchr(" \t", text[0]) ||
	    strchr(" \t", text[size - 1]) || (size_t)json_object_get_string_len(name) != size)
		return -EINVAL;
	if (out->size > 0)
		cs_buffer_append_char(out, ',');
	return cs_buffer_append(out, text, size);
}

// NULL where there is none.
static const char *text_at(const Kube__ConfigMap *map, const char *key)
{
	for (size_t i = 0; i < map->n_data; i++)
		if (cs_string_equal(map->data[i]->key, key))
			return map->data[i]->value;
	return NULL;
}

// The JSON array of names under a key; one that is not there is empty.
static int read_list(const Kube__ConfigMap *map, const char *key, struct cs_buffer *out,
		     struct cs_error *err)
{
	CS_AUTO_VALUE struct json_object *list = NULL;
	const char *text = text_at(map, key);
	struct cs_error why;
	cs_buffer_init(out, LIST_MAX);
	if (!text || !*text)
		return 0;
	int r = cs_value_read_json(cs_slice_of(text), &list, &why);
	if (r == 0 && list && !json_object_is_type(list, json_type_array))
		r = -EINVAL;
	if (r < 0)
		return cs_error_set(err, r, "%s: not a JSON array of names", key);
	size_t n = list ? json_object_array_length(list) : 0;
	for (size_t i = 0; r == 0 && i < n; i++)
		r = append_name(json_object_array_get_idx(list, i), out);
	return r < 0 ? cs_error_set(err, r, "%s: a name that is none", key) : 0;
}

enum list { ALLOWED, USER, UID, GROUP, EXTRA, N_LISTS };

static int read_lists(const Kube__ConfigMap *map, struct cs_buffer lists[N_LISTS],
		      struct cs_error *err)
{
	static const char *const keys[N_LISTS] = {
		[ALLOWED] = "requestheader-allowed-names",
		[USER] = "requestheader-username-headers",
		[UID] = "requestheader-uid-headers",
		[GROUP] = "requestheader-group-headers",
		[EXTRA] = "requestheader-extra-headers-prefix",
	};
	int r = 0;
	for (size_t i = 0; i < N_LISTS; i++) {
		struct cs_error one;
		int bad = read_list(map, keys[i], &lists[i], &one);
		if (bad && !r && err)
			*err = one;
		r = r ? r : bad;
	}
	return r;
}

static const char *ca_at(const Kube__ConfigMap *map, const char *key)
{
	const char *pem = text_at(map, key);
	return pem ? pem : "";
}

static void tell(struct cs_lookup *lookup, const Kube__ConfigMap *map)
{
	struct cs_buffer lists[N_LISTS];
	struct cs_error err;
	int r = read_lists(map, lists, &err);
	struct cs_proxy_names proxies = {
		.allowed = lists[ALLOWED].data,
		.user_headers = lists[USER].data,
		.uid_headers = lists[UID].data,
		.group_headers = lists[GROUP].data,
		.extra_prefixes = lists[EXTRA].data,
	};
	lookup->options.found(lookup->options.user,
			      &(struct cs_lookup_found){
				      .client_ca = ca_at(map, "client-ca-file"),
				      .proxy_ca = ca_at(map, "requestheader-client-ca-file"),
				      .proxies = r == 0 ? &proxies : NULL,
				      .failure = r == 0 ? "" : err.text,
			      });
	for (size_t i = 0; i < N_LISTS; i++)
		cs_buffer_finish(&lists[i]);
}

// ---- events ----

// NULL for what is no ConfigMap, as the Status of an ERROR is not.
static const Kube__ConfigMap *open_object(struct cs_slice object, struct cs_arena *arena)
{
	Kube__Unknown envelope;
	ProtobufCMessage *message;
	struct cs_error err;
	if (cs_protobuf_read_envelope(object, arena, &envelope, &err) < 0 || !envelope.type_meta ||
	    !cs_string_equal(envelope.type_meta->kind, "ConfigMap") ||
	    cs_protobuf_read(&kube__config_map__descriptor, cs_protobuf_bytes(envelope.raw), arena,
			     &message, &err) < 0)
		return NULL;
	return (const Kube__ConfigMap *)message;
}

// Who was trusted stays so when it is deleted. A watch begins with what is there: mostly that is
// known.
static void take_event(struct cs_lookup *lookup, const struct cs_protobuf_frame *frame)
{
	if (!cs_slice_equal(frame->type, CS_SLICE("ADDED")) &&
	    !cs_slice_equal(frame->type, CS_SLICE("MODIFIED")))
		return;
	struct cs_arena *arena = cs_arena_create();
	const Kube__ConfigMap *map = open_object(frame->object, arena);
	const char *version = map && map->metadata ? map->metadata->resource_version : NULL;
	if (version && !(lookup->version && !strcmp(version, lookup->version))) {
		free(lookup->version);
		lookup->version = cs_strdup(version);
		tell(lookup, map);
	}
	cs_arena_destroy(arena);
}

static void on_data(void *user, struct cs_time now, struct cs_buffer *in)
{
	struct cs_lookup *lookup = user;
	struct cs_protobuf_frame frame;
	struct cs_error err;
	int n;
	lookup->answered = true;
	lookup->failing = false;
	while ((n = cs_protobuf_next_frame(cs_buffer_slice(in), &frame, &err)) > 0) {
		take_event(lookup, &frame);
		cs_buffer_consume(in, frame.used);
	}
	if (n == 0)
		return;
	cs_transport_cancel(lookup->options.transport, CS_TAKE(lookup->call));
	lookup->due = now.boot + CS_LOOKUP_BACKOFF;
}

// ---- the end of a watch ----

static void fail(struct cs_lookup *lookup, const struct cs_response *response)
{
	bool first = !lookup->answered;
	if (!lookup->failing && (first || response->status)) {
		struct cs_arena *arena = cs_arena_create();
		lookup->options.failed(lookup->options.user, cs_status_of(response, arena).message,
				       first, response->status == 403);
		cs_arena_destroy(arena);
	}
	lookup->failing = true;
}

static void on_done(void *user, struct cs_time now, const struct cs_response *response)
{
	struct cs_lookup *lookup = user;
	bool watched = response->status == 200;
	lookup->call = NULL;
	lookup->due = now.boot + (watched ? CS_LOOKUP_PAUSE : CS_LOOKUP_BACKOFF);
	if (watched || response->status == 404)
		lookup->failing = false;
	else
		fail(lookup, response);
	lookup->answered = true;
}

// ---- life ----

struct cs_lookup *cs_lookup_create(const struct cs_lookup_options *options)
{
	struct cs_lookup *lookup = cs_alloc(sizeof(*lookup));
	lookup->options = *options;
	return lookup;
}

void cs_lookup_destroy(struct cs_lookup *lookup)
{
	if (!lookup)
		return;
	if (lookup->call)
		cs_transport_cancel(lookup->options.transport, lookup->call);
	free(lookup->version);
	free(lookup);
}

void cs_lookup_turn(struct cs_lookup *lookup, struct cs_time now)
{
	static const struct cs_handler handler = { .data = on_data, .done = on_done };
	if (lookup->call || now.boot < lookup->due)
		return;
	struct cs_request request = {
		.method = CS_METHOD_GET,
		.path = PATH,
		.accept = CS_PROTOBUF_CONTENT_TYPE ";stream=watch",
		.timeout = CS_LOOKUP_LASTS * CS_SECOND + GRACE,
		.body_max = EVENT_MAX,
		.handler = &handler,
		.user = lookup,
	};
	lookup->call = cs_transport_start(lookup->options.transport, &request);
}

int64_t cs_lookup_deadline(const struct cs_lookup *lookup)
{
	return lookup->call ? INT64_MAX : lookup->due;
}
