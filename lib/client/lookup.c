// The ConfigMap that says whose certificates the API server accepts, asked for again and again.
// Neighbours: transport.h performs the calls; the daemon's endpoints trust what is found.
#include <csched/client/lookup.h>

#include <errno.h>
#include <string.h>

#include <csched/base/memory.h>
#include <csched/base/value.h>

#include "status.h"

#define PATH         "/api/v1/namespaces/" CS_LOOKUP_NAMESPACE "/configmaps/" CS_LOOKUP_NAME
#define RESPONSE_MAX (4u << 20) // the API server takes ConfigMaps of a megabyte
#define LIST_MAX     (64u << 10)

struct cs_lookup {
	struct cs_lookup_options options;
	struct cs_call *call; // NULL = none is under way
	int64_t due;          // boot ns
	bool asked;           // there was an answer, or a failure
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

// The JSON array of names under a key of the data; one that is not there is empty.
static int read_list(struct json_object *data, const char *key, struct cs_buffer *out,
		     struct cs_error *err)
{
	CS_AUTO_VALUE struct json_object *list = NULL;
	struct json_object *text = NULL;
	cs_buffer_init(out, LIST_MAX);
	if (!json_object_object_get_ex(data, key, &text) || !json_object_get_string_len(text))
		return 0;
	int r = cs_value_read_json(cs_slice_of(json_object_get_string(text)), &list, err);
	if (r < 0)
		return cs_error_set(err, r, "%s: not a JSON array of names", key);
	if (list && !json_object_is_type(list, json_type_array))
		return cs_error_set(err, -EINVAL, "%s: not a JSON array of names", key);
	size_t n = list ? json_object_array_length(list) : 0;
	for (size_t i = 0; r == 0 && i < n; i++)
		r = append_name(json_object_array_get_idx(list, i), out);
	return r < 0 ? cs_error_set(err, r, "%s: a name that is none", key) : 0;
}

enum list { ALLOWED, USER, UID, GROUP, EXTRA, N_LISTS };

static int read_lists(struct json_object *data, struct cs_buffer lists[N_LISTS],
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
		int bad = read_list(data, keys[i], &lists[i], &one);
		if (bad && !r && err)
			*err = one;
		r = r ? r : bad;
	}
	return r;
}

static const char *text_at(struct json_object *data, const char *key)
{
	struct json_object *text = NULL;
	(void)json_object_object_get_ex(data, key, &text);
	return json_object_is_type(text, json_type_string) ? json_object_get_string(text) : "";
}

static void tell(struct cs_lookup *lookup, struct json_object *data)
{
	struct cs_buffer lists[N_LISTS];
	struct cs_error err;
	int r = read_lists(data, lists, &err);
	struct cs_proxy_names proxies = {
		.allowed = lists[ALLOWED].data,
		.user_headers = lists[USER].data,
		.uid_headers = lists[UID].data,
		.group_headers = lists[GROUP].data,
		.extra_prefixes = lists[EXTRA].data,
	};
	lookup->options.found(lookup->options.user,
			      &(struct cs_lookup_found){
				      .client_ca = text_at(data, "client-ca-file"),
				      .proxy_ca = text_at(data, "requestheader-client-ca-file"),
				      .proxies = r == 0 ? &proxies : NULL,
				      .failure = r == 0 ? "" : err.text,
			      });
	for (size_t i = 0; i < N_LISTS; i++)
		cs_buffer_finish(&lists[i]);
}

// ---- answers ----

static void fail(struct cs_lookup *lookup, const char *why, bool forbidden)
{
	if (!lookup->failing)
		lookup->options.failed(lookup->options.user, why, !lookup->asked, forbidden);
	lookup->failing = true;
}

static int take(struct cs_lookup *lookup, struct cs_slice body, struct cs_error *err)
{
	CS_AUTO_VALUE struct json_object *value = NULL;
	int r = cs_value_read_json(body, &value, err);
	if (r < 0)
		return r;
	struct json_object *data = cs_value_at(value, "data");
	const char *version = cs_value_string_at(value, "metadata.resourceVersion");
	if (!version)
		return cs_error_set(err, -EINVAL, "the server answered with no ConfigMap");
	if (lookup->version && !strcmp(version, lookup->version))
		return 0;
	free(lookup->version);
	lookup->version = cs_strdup(version);
	tell(lookup, data);
	return 0;
}

static void on_done(void *user, struct cs_time now, const struct cs_response *response)
{
	struct cs_lookup *lookup = user;
	struct cs_error err = { 0 };
	lookup->call = NULL;
	lookup->due = now.boot + CS_LOOKUP_PERIOD;
	if (response->error || (response->status != 200 && response->status != 404)) {
		struct cs_arena *arena = cs_arena_create();
		fail(lookup, cs_status_of(response, arena).message, response->status == 403);
		cs_arena_destroy(arena);
	} else if (response->status == 200 && take(lookup, response->body, &err) < 0) {
		fail(lookup, err.text, false);
	} else {
		lookup->failing = false;
	}
	lookup->asked = true;
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
	static const struct cs_handler handler = { .done = on_done };
	if (lookup->call || now.boot < lookup->due)
		return;
	lookup->call =
		cs_transport_start(lookup->options.transport, &(struct cs_request){
								      .method = CS_METHOD_GET,
								      .path = PATH,
								      .accept = "application/json",
								      .timeout = CS_LOOKUP_TIMEOUT,
								      .body_max = RESPONSE_MAX,
								      .handler = &handler,
								      .user = lookup,
							      });
}

int64_t cs_lookup_deadline(const struct cs_lookup *lookup)
{
	return lookup->call ? INT64_MAX : lookup->due;
}
