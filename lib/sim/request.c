// From an HTTP request to a verb on a resource, and the answer's form.
// Neighbours: sim_internal.h names the verbs; discovery.c answers what is no resource.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <csched/base/memory.h>
#include <csched/base/tree.h>
#include <csched/kube/codec.h>
#include <csched/kube/protobuf.h>

#include "sim_internal.h"

#define SEGMENTS_MAX 12

// ---- paths ----

struct path {
	char *text;
	const char *segments[SEGMENTS_MAX];
	size_t count;
};

static void split_path(const char *text, struct path *path)
{
	path->text = cs_strdup(text);
	path->count = 0;
	char *rest = path->text + 1;
	char *segment;
	while ((segment = strsep(&rest, "/"))) {
		if (*segment == 0 && !rest)
			break; // a slash at the end
		if (path->count == SEGMENTS_MAX) {
			path->count = 0;
			return;
		}
		path->segments[path->count++] = segment;
	}
}

static bool take_text(const char *from, char *to, size_t size)
{
	size_t length = strlen(from);
	if (length >= size)
		return false;
	memcpy(to, from, length + 1);
	return true;
}

// RESOURCE[/NAME[/SUB]], perhaps below namespaces/NS.
static bool read_resource_path(struct sim_request *request, const char *const *at, size_t count,
			       const char *group, const char *version)
{
	bool below = count > 2 && strcmp(at[0], "namespaces") == 0 &&
		     strcmp(at[2], "status") != 0 && strcmp(at[2], "finalize") != 0;
	if (below) {
		if (!take_text(at[1], request->namespace_, sizeof(request->namespace_)))
			return false;
		at += 2;
		count -= 2;
	}
	if (count == 0 || count > 3)
		return false;
	request->resource = sim_resource_find(group, version, at[0]);
	if (!request->resource || (request->resource->measured && !request->sim->load.on))
		return false;
	if ((below && !request->resource->namespaced) ||
	    (!below && count > 1 && request->resource->namespaced))
		return false;
	return (count < 2 || take_text(at[1], request->name, sizeof(request->name))) &&
	       (count < 3 || take_text(at[2], request->subresource, sizeof(request->subresource)));
}

// False when no resource is meant.
static bool read_path(struct sim_request *request, const struct path *path, bool *ret_watch)
{
	bool core = path->count > 1 && strcmp(path->segments[0], "api") == 0;
	size_t at = core ? 1 : 2;
	if (path->count <= at)
		return false;
	const char *group = core ? "" : path->segments[1];
	const char *version = path->segments[at++];
	// The older spelling of watches.
	*ret_watch = path->count > at && strcmp(path->segments[at], "watch") == 0;
	if (*ret_watch)
		at++;
	return read_resource_path(request, path->segments + at, path->count - at, group, version);
}

// ---- verbs ----

enum scope {
	COLLECTION,
	ITEM,
	MEASURED,
	MEASURED_ITEM,
	STATUS,
	BINDING,
	EVICTION,
	SCALE,
};

static const struct {
	const char *subresource;
	enum scope scope;
} subresources[] = {
	{ "status", STATUS },
	{ "binding", BINDING },
	{ "eviction", EVICTION },
	{ "scale", SCALE },
};

static const struct verb {
	enum scope scope;
	const char *method;
	const char *name;
	sim_verb_f run;
} verbs[] = {
	{ COLLECTION, "GET", "list", sim_list },
	{ COLLECTION, "POST", "create", sim_create },
	{ COLLECTION, "DELETE", "deletecollection", sim_delete_collection },
	{ ITEM, "GET", "get", sim_get },
	{ ITEM, "PUT", "update", sim_update },
	{ ITEM, "PATCH", "patch", sim_patch },
	{ ITEM, "DELETE", "delete", sim_delete },
	{ STATUS, "GET", "get", sim_get },
	{ STATUS, "PUT", "update", sim_update },
	{ STATUS, "PATCH", "patch", sim_patch },
	{ BINDING, "POST", "create", sim_bind },
	{ EVICTION, "POST", "create", sim_evict },
	{ SCALE, "GET", "get", sim_get_scale },
	{ SCALE, "PUT", "update", sim_update_scale },
	{ SCALE, "PATCH", "patch", sim_patch_scale },
	{ MEASURED, "GET", "list", sim_metrics_list },
	{ MEASURED_ITEM, "GET", "get", sim_metrics_get },
};

static const struct verb watch_verb = { COLLECTION, "GET", "watch", sim_watch };

static bool has_subresource(const struct sim_resource *resource, enum scope scope)
{
	bool pod = resource == &sim_resources[SIM_PODS];
	switch (scope) {
	case STATUS:
		return resource->has_status;
	case SCALE:
		return resource->has_scale;
	case BINDING:
	case EVICTION:
		return pod;
	default:
		return true;
	}
}

static int find_scope(const struct sim_request *request, enum scope *ret)
{
	*ret = *request->name ? ITEM : COLLECTION;
	if (request->resource->measured && !*request->subresource)
		*ret = *request->name ? MEASURED_ITEM : MEASURED;
	if (!*request->subresource)
		return 0;
	for (size_t i = 0; i < CS_ARRAY_LENGTH(subresources); i++) {
		if (strcmp(subresources[i].subresource, request->subresource) == 0 &&
		    has_subresource(request->resource, subresources[i].scope)) {
			*ret = subresources[i].scope;
			return 0;
		}
	}
	return -1;
}

// NULL with request->status where there is none.
static const struct verb *find_verb(struct sim_request *request, bool watch)
{
	enum scope scope;
	if (find_scope(request, &scope)) {
		(void)sim_status_no_resource(&request->status);
		return NULL;
	}
	bool nowhere =
		scope == COLLECTION && request->resource->namespaced && !*request->namespace_;
	for (size_t i = 0; i < CS_ARRAY_LENGTH(verbs); i++) {
		const struct verb *verb = &verbs[i];
		if (verb->scope != scope || strcmp(verb->method, request->http->method) != 0)
			continue;
		if (nowhere && verb->run != sim_list)
			break;
		return verb->run == sim_list && watch ? &watch_verb : verb;
	}
	(void)sim_status_method(&request->status);
	return NULL;
}

const char *sim_query(const struct sim_request *request, const char *name)
{
	return cs_http_request_query(request->http, name);
}

bool sim_query_true(const struct sim_request *request, const char *name)
{
	const char *value = sim_query(request, name);
	return value && strcmp(value, "false") != 0 && strcmp(value, "0") != 0;
}

// ---- what the client accepts ----

static bool range_is(struct cs_slice range, const char *type)
{
	size_t size = strlen(type);
	return range.size >= size && strncasecmp(range.data, type, size) == 0 &&
	       (range.size == size || strchr("; \t", range.data[size]));
}

static bool range_has(struct cs_slice range, const char *parameter)
{
	return memmem(range.data, range.size, parameter, strlen(parameter));
}

// One media range: true when it can be served.
static bool accept_range(const struct sim_request *request, struct cs_slice range,
			 enum sim_format *ret)
{
	bool readable = strcmp(request->verb, "get") == 0 || strcmp(request->verb, "list") == 0 ||
			strcmp(request->verb, "watch") == 0;
	if (range_is(range, "application/json") || range_is(range, "*/*") ||
	    range_is(range, "application/*")) {
		*ret = SIM_FORMAT_JSON;
		if (!range_has(range, "as="))
			return true;
		*ret = SIM_FORMAT_TABLE;
		return readable && !*request->subresource && !request->resource->measured &&
		       range_has(range, "as=Table") && !range_has(range, "v=v1beta1");
	}
	*ret = SIM_FORMAT_PROTOBUF;
	return range_is(range, CS_PROTOBUF_CONTENT_TYPE) && !range_has(range, "as=") &&
	       strcmp(request->subresource, "scale") != 0 &&
	       sim_has_protobuf(&request->sim->store, request->resource);
}

static int negotiate(struct sim_request *request)
{
	const char *accept = cs_http_request_header(request->http, "Accept");
	request->format = SIM_FORMAT_JSON;
	if (!accept || !*accept)
		return 0;
	for (const char *at = accept; *at;) {
		at += strspn(at, " \t,");
		struct cs_slice range = { .data = at, .size = strcspn(at, ",") };
		at += range.size;
		if (accept_range(request, range, &request->format))
			return 0;
	}
	request->format = SIM_FORMAT_JSON;
	request->status.has_details = true;
	(void)sim_status_fail(
		&request->status, 406, "NotAcceptable",
		"406: Not Acceptable\n\nAvailable representations: application/json%s",
		sim_has_protobuf(&request->sim->store, request->resource)
			? ", " CS_PROTOBUF_CONTENT_TYPE
			: "");
	request->status.has_details = true;
	return -1;
}

// ---- bodies ----

static bool media_type_is(const char *header, const char *type)
{
	return range_is(cs_slice_of(header), type);
}

static int read_json_body(struct sim_request *request, const char *kind, struct json_object **ret)
{
	struct cs_error err;
	if (cs_value_read_json(request->http->body, ret, &err))
		return sim_status_bad(&request->status,
				      "the object provided is unrecognized (must be of type %s): "
				      "couldn't get version/kind; json parse error: %s",
				      kind, err.text);
	return 0;
}

static int read_yaml_body(struct sim_request *request, const char *kind, struct json_object **ret)
{
	struct cs_error err;
	CS_AUTO_VALUE struct json_object *documents = NULL;
	if (cs_value_read_yaml(request->http->body, &documents, &err) ||
	    json_object_array_length(documents) != 1)
		return sim_status_bad(&request->status,
				      "the object provided is unrecognized (must be of type %s): "
				      "couldn't get version/kind; yaml parse error: %s",
				      kind, documents ? "not one document" : err.text);
	*ret = json_object_get(json_object_array_get_idx(documents, 0));
	return 0;
}

static int read_protobuf_body(struct sim_request *request, const char *kind_name,
			      struct json_object **ret)
{
	struct cs_error err;
	CS_AUTO_ARENA struct cs_arena *arena = cs_arena_create();
	Kube__Unknown envelope;
	ProtobufCMessage *message;
	const struct cs_kind *kind = NULL;
	int result = cs_protobuf_read_envelope(request->http->body, arena, &envelope, &err);
	if (!result) {
		const Kube__TypeMeta *type = envelope.type_meta;
		kind = type ? cs_kind_find(type->api_version, type->kind) : NULL;
		if (!kind || !kind->descriptor)
			return sim_status_fail(
				&request->status, 415, "UnsupportedMediaType",
				"kubesim reads a %s as JSON or YAML, not as protobuf", kind_name);
	}
	if (!result)
		result = cs_protobuf_read(kind->descriptor, cs_protobuf_bytes(envelope.raw), arena,
					  &message, &err);
	if (result)
		return sim_status_bad(
			&request->status,
			"the object provided is unrecognized (must be of type %s): %s", kind_name,
			err.text);
	CS_AUTO_BUFFER struct cs_buffer text;
	cs_buffer_init(&text, SIM_OBJECT_MAX);
	struct cs_json_writer json;
	cs_json_init(&json, &text);
	cs_codec_write(kind, message, &json);
	if (cs_value_read_json(cs_buffer_slice(&text), ret, &err))
		return sim_status_bad(&request->status, "%s", err.text);
	return 0;
}

static int check_kind(struct sim_request *request, struct json_object *tree, const char *kind,
		      const char *api_version)
{
	if (!json_object_is_type(tree, json_type_object))
		return sim_status_bad(&request->status,
				      "the object provided is unrecognized (must be of type %s): "
				      "couldn't get version/kind; json parse error: not an object",
				      kind);
	const char *given_kind = cs_tree_string(tree, "kind");
	const char *given_version = cs_tree_string(tree, "apiVersion");
	if ((given_kind && *given_kind && strcmp(given_kind, kind) != 0) ||
	    (given_version && *given_version && strcmp(given_version, api_version) != 0))
		return sim_status_bad(&request->status,
				      "%s in version \"%s\" cannot be handled as a %s", given_kind,
				      given_version, kind);
	cs_tree_set_string(tree, "kind", kind);
	cs_tree_set_string(tree, "apiVersion", api_version);
	return 0;
}

int sim_read_body(struct sim_request *request, const struct cs_kind *kind, struct json_object **ret)
{
	char api_version[64];
	const char *name = kind ? kind->kind : request->resource->kind;
	if (kind)
		(void)cs_kind_api_version(kind, api_version, sizeof(api_version));
	else
		(void)sim_resource_api_version(request->resource, api_version, sizeof(api_version));
	const char *type = cs_http_request_header(request->http, "Content-Type");
	CS_AUTO_VALUE struct json_object *tree = NULL;
	int result;
	if (!type || media_type_is(type, "application/json"))
		result = read_json_body(request, name, &tree);
	else if (media_type_is(type, "application/yaml"))
		result = read_yaml_body(request, name, &tree);
	else if (media_type_is(type, CS_PROTOBUF_CONTENT_TYPE))
		result = read_protobuf_body(request, name, &tree);
	else
		result = sim_status_fail(&request->status, 415, "UnsupportedMediaType",
					 "the body of the request was in an unknown format - "
					 "accepted media types include: application/json, "
					 "application/yaml, " CS_PROTOBUF_CONTENT_TYPE);
	if (!result)
		result = check_kind(request, tree, name, api_version);
	if (!result)
		*ret = CS_TAKE(tree);
	return result;
}

// ---- answers ----

const char *sim_content_type(enum sim_format format)
{
	return format == SIM_FORMAT_PROTOBUF ? CS_PROTOBUF_CONTENT_TYPE : "application/json";
}

void sim_answer_tree(struct sim_request *request, int code, struct json_object *tree)
{
	request->response->status = code;
	request->response->content_type = sim_content_type(request->format);
	sim_encode_tree(request->resource, request->format, tree, &request->response->body);
}

void sim_answer_version(struct sim_request *request, int code, struct sim_version *version)
{
	if (request->format == SIM_FORMAT_TABLE) {
		struct sim_snapshot one = { .versions = &version, .count = 1 };
		sim_answer_table(request, &one,
				 &(struct sim_list_info){ .rv = version->rv, .remaining = -1 });
	} else if (request->resource != version->collection->resource) {
		sim_answer_tree(request, code, version->tree);
	} else {
		struct cs_slice bytes = sim_encode_version(request->format, version);
		(void)cs_buffer_append(&request->response->body, bytes.data, bytes.size);
	}
	request->response->status = code;
	request->response->content_type = sim_content_type(request->format);
}

void sim_answer_status(struct sim_request *request, const struct sim_status *status)
{
	struct cs_http_response *response = request->response;
	response->status = status->code;
	response->content_type = sim_content_type(request->format);
	cs_buffer_clear(&response->body);
	sim_encode_status(request->format, status, &response->body);
	if (status->retry_after) {
		char seconds[16];
		(void)snprintf(seconds, sizeof(seconds), "%d", status->retry_after);
		cs_http_response_header(response, "Retry-After", seconds);
	}
}

// ---- faults ----

static const char *default_reason(int code)
{
	static const struct {
		int code;
		const char *reason;
	} table[] = {
		{ 400, "BadRequest" },    { 401, "Unauthorized" },
		{ 403, "Forbidden" },     { 404, "NotFound" },
		{ 409, "Conflict" },      { 410, "Expired" },
		{ 422, "Invalid" },       { 429, "TooManyRequests" },
		{ 500, "InternalError" }, { 503, "ServiceUnavailable" },
		{ 504, "Timeout" },
	};
	for (size_t i = 0; i < CS_ARRAY_LENGTH(table); i++)
		if (table[i].code == code)
			return table[i].reason;
	return NULL;
}

void sim_fault_status(const struct sim_fault_action *fault, struct sim_status *status)
{
	(void)sim_status_fail(status, fault->code,
			      *fault->reason ? fault->reason : default_reason(fault->code), "%s",
			      *fault->message ? fault->message : "kubesim was told to fail this");
	status->retry_after = fault->retry_after;
}

static void append_filler(struct cs_buffer *out, size_t bytes, char filler)
{
	char block[4096];
	memset(block, filler, sizeof(block));
	out->max = out->size + bytes;
	for (size_t done = 0; done < bytes; done += sizeof(block))
		(void)cs_buffer_append(out, block,
				       bytes - done < sizeof(block) ? bytes - done : sizeof(block));
}

// Faults that take the place of the verb. True when the request is answered by it.
static bool act_fault_before(struct sim_request *request)
{
	const struct sim_fault_action *fault = &request->fault;
	switch (fault->kind) {
	case SIM_FAULT_STATUS:
		sim_fault_status(fault, &request->status);
		sim_answer_status(request, &request->status);
		return true;
	case SIM_FAULT_CLOSE:
		request->response->cut = true;
		return true;
	case SIM_FAULT_GARBAGE:
	case SIM_FAULT_OVERSIZE:
		if (strcmp(request->verb, "watch") == 0)
			return false;
		request->response->content_type = sim_content_type(request->format);
		append_filler(&request->response->body,
			      fault->kind == SIM_FAULT_OVERSIZE ? fault->bytes : 512, '\xa5');
		return true;
	default:
		return false;
	}
}

static void delay_answer(struct sim_request *request)
{
	struct cs_sim *sim = request->sim;
	struct sim_timer timer = { .kind = SIM_TIMER_ANSWER,
				   .due = sim_now(sim).boot + request->fault.delay,
				   .pending = cs_http_request_defer(request->http) };
	cs_http_response_init(&timer.response);
	struct cs_http_response empty = timer.response;
	timer.response = *request->response;
	*request->response = empty;
	sim_timer_add(sim, timer);
}

static void act_fault_after(struct sim_request *request)
{
	if (request->fault.kind == SIM_FAULT_LOSE)
		request->response->cut = true;
	if (request->fault.delay && strcmp(request->verb, "watch") != 0)
		delay_answer(request);
}

static void ask_faults(struct sim_request *request)
{
	struct sim_fault_match match = { 0 };
	(void)snprintf(match.verb, sizeof(match.verb), "%s", request->verb);
	(void)snprintf(match.resource, sizeof(match.resource), "%s%s%s", request->resource->name,
		       request->resource->measured ? "." : "",
		       request->resource->measured ? request->resource->group : "");
	(void)snprintf(match.subresource, sizeof(match.subresource), "%.31s", request->subresource);
	(void)snprintf(match.namespace_, sizeof(match.namespace_), "%.63s", request->namespace_);
	(void)snprintf(match.name, sizeof(match.name), "%s", request->name);
	request->fault = sim_faults_ask(&request->sim->faults, &match);
}

// ---- the way through ----

static void run_verb(struct sim_request *request, const struct verb *verb)
{
	struct cs_sim *sim = request->sim;
	pthread_mutex_lock(&sim->lock);
	sim->requests++;
	request->collection = sim_store_collection(&sim->store, request->resource);
	ask_faults(request);
	if (!act_fault_before(request)) {
		if (verb->run(request))
			sim_answer_status(request, &request->status);
	}
	act_fault_after(request);
	pthread_mutex_unlock(&sim->lock);
}

static void log_request(const struct sim_request *request)
{
	if (!request->sim->log)
		return;
	cs_log_info(request->sim->log, 4, "Request", CS_LOG_STRING("method", request->http->method),
		    CS_LOG_STRING("path", request->http->path),
		    CS_LOG_NUMBER("status", request->response->status));
}

static void handle_resource(struct sim_request *request, bool watch)
{
	const struct verb *verb = find_verb(request, watch || sim_query_true(request, "watch"));
	if (!verb) {
		sim_answer_status(request, &request->status);
		return;
	}
	request->verb = verb->name;
	(void)sim_key(request->namespace_, request->name, request->key);
	if (negotiate(request))
		sim_answer_status(request, &request->status);
	else
		run_verb(request, verb);
}

bool sim_authenticate(const struct cs_sim *sim, struct cs_http_request *http,
		      struct cs_http_response *response)
{
	const char *header = cs_http_request_header(http, "Authorization");
	bool bearer = header && strncasecmp(header, "Bearer ", 7) == 0;
	if (!sim->token || (bearer && strcmp(header + 7, sim->token) == 0))
		return true;
	struct sim_status status;
	(void)sim_status_fail(&status, 401, "Unauthorized", "Unauthorized");
	response->status = 401;
	response->content_type = "application/json";
	sim_encode_status(SIM_FORMAT_JSON, &status, &response->body);
	return false;
}

void sim_handle_api(struct cs_http_request *http, struct cs_http_response *response, void *user)
{
	struct sim_request request = {
		.sim = user, .http = http, .response = response, .verb = ""
	};
	if (!sim_authenticate(user, http, response))
		return;
	if (sim_discovery(user, http->path, response))
		return;
	struct path path;
	split_path(http->path, &path);
	bool watch;
	if (read_path(&request, &path, &watch)) {
		handle_resource(&request, watch);
	} else {
		(void)sim_status_no_resource(&request.status);
		sim_answer_status(&request, &request.status);
	}
	free(path.text);
	log_request(&request);
}
