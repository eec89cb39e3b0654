// get and list: one object, or all that match as of one moment, page by page.
// Neighbours: store.c gives states of the past, encode.c the bytes, watch.c what happens next.
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <csched/base/memory.h>
#include <csched/base/tree.h>
#include <openssl/evp.h>

#include "list_options.h"
#include "sim_internal.h"

int sim_get(struct sim_request *request)
{
	struct sim_object *object = sim_store_find(request->collection, request->key);
	if (!object)
		return sim_status_not_found(&request->status, request->resource, request->name);
	sim_answer_version(request, 200, object->now);
	return 0;
}

// ---- options ----

static int read_version(struct sim_request *request, const char *text, uint64_t *ret)
{
	*ret = 0;
	if (!text || !*text)
		return 0;
	char *end;
	errno = 0;
	unsigned long long value = strtoull(text, &end, 10);
	if (*end == 0 && errno == 0 && *text >= '0' && *text <= '9') {
		*ret = value;
		return 0;
	}
	char cause[320];
	(void)snprintf(cause, sizeof(cause),
		       "resourceVersion: Invalid value: \"%.100s\": strconv.ParseUint: parsing "
		       "\"%.100s\": invalid syntax",
		       text, text);
	if (strcmp(request->verb, "watch") == 0)
		return sim_status_plain(&request->status, 500, "%s", cause);
	return sim_status_bad(&request->status, "invalid resource version: %s", cause);
}

static int read_number(struct sim_request *request, const char *name, int64_t *ret)
{
	*ret = 0;
	const char *text = sim_query(request, name);
	if (!text || !*text)
		return 0;
	char *end;
	errno = 0;
	long long value = strtoll(text, &end, 10);
	if (*end || errno)
		return sim_status_bad(&request->status,
				      "strconv.ParseInt: parsing \"%.100s\": invalid syntax", text);
	*ret = value;
	return 0;
}

// Mirrors apimachinery's ValidateListOptions.
static void check_match(struct sim_request *request, const struct sim_list_options *options)
{
	struct sim_status *status = &request->status;
	static const char field[] = "resourceVersionMatch";
	bool watch = strcmp(request->verb, "watch") == 0;
	if (watch && options->send_initial) {
		if (strcmp(options->match, "NotOlderThan") != 0)
			sim_status_cause(
				status, "FieldValueForbidden", field,
				"sendInitialEvents requires setting resourceVersionMatch to "
				"NotOlderThan");
		return;
	}
	if (watch) {
		if (*options->match)
			sim_status_cause(status, "FieldValueForbidden", field,
					 "resourceVersionMatch is forbidden for watch unless "
					 "sendInitialEvents is provided");
		return;
	}
	if (*options->match && !*options->version_text)
		sim_status_cause(status, "FieldValueForbidden", field,
				 "resourceVersionMatch is forbidden unless resourceVersion is "
				 "provided");
	if (*options->match && *options->next)
		sim_status_cause(status, "FieldValueForbidden", field,
				 "resourceVersionMatch is forbidden when continue is provided");
	if (*options->match && strcmp(options->match, "Exact") != 0 &&
	    strcmp(options->match, "NotOlderThan") != 0)
		sim_status_cause(status, "FieldValueNotSupported", field,
				 "\"%s\": supported values: \"Exact\", \"NotOlderThan\", \"\"",
				 options->match);
	if (strcmp(options->match, "Exact") == 0 && strcmp(options->version_text, "0") == 0)
		sim_status_cause(status, "FieldValueForbidden", field,
				 "resourceVersionMatch \"exact\" is forbidden for resourceVersion "
				 "\"0\"");
	if (options->send_initial)
		sim_status_cause(status, "FieldValueForbidden", "sendInitialEvents",
				 "sendInitialEvents is forbidden for list");
}

static const char *or_empty(const char *text)
{
	return text ? text : "";
}

int sim_list_options_read(struct sim_request *request, struct sim_list_options *ret)
{
	*ret = (struct sim_list_options){
		.version_text = or_empty(sim_query(request, "resourceVersion")),
		.match = or_empty(sim_query(request, "resourceVersionMatch")),
		.next = or_empty(sim_query(request, "continue")),
		.send_initial = sim_query_true(request, "sendInitialEvents"),
		.bookmarks = sim_query_true(request, "allowWatchBookmarks"),
	};
	int result = read_number(request, "limit", &ret->limit);
	if (!result)
		result = read_number(request, "timeoutSeconds", &ret->timeout_seconds);
	if (result)
		return result;
	check_match(request, ret);
	if (sim_status_invalid(&request->status, "meta.k8s.io", "ListOptions", ""))
		return -1;
	result = read_version(request, ret->version_text, &ret->version);
	if (result)
		return result;
	return sim_selector_parse(request->resource, sim_query(request, "labelSelector"),
				  sim_query(request, "fieldSelector"), &ret->selector,
				  &request->status);
}

// ---- continue tokens: {"v":"meta.k8s.io/v1","rv":235,"start":"..."} in unpadded base64url ----

#define TOKEN_MAX 1024

static void write_token(uint64_t rv, const char *key, char out[TOKEN_MAX])
{
	char text[SIM_KEY_MAX + 100];
	int size = snprintf(text, sizeof(text),
			    "{\"v\":\"meta.k8s.io/v1\",\"rv\":%" PRIu64 ",\"start\":\"%s\\u0000\"}",
			    rv, key);
	(void)EVP_EncodeBlock((unsigned char *)out, (const unsigned char *)text, size);
	for (char *at = out; *at; at++) {
		if (*at == '+')
			*at = '-';
		else if (*at == '/')
			*at = '_';
		else if (*at == '=')
			*at = 0;
	}
}

// -1 when it is none of ours.
static int read_token(const char *token, uint64_t *ret_rv, char ret_key[SIM_KEY_MAX])
{
	char padded[TOKEN_MAX + 4];
	unsigned char text[TOKEN_MAX];
	size_t length = strlen(token);
	if (length == 0 || length > TOKEN_MAX)
		return -1;
	for (size_t i = 0; i < length; i++)
		padded[i] = token[i] == '-' ? '+' : token[i] == '_' ? '/' : token[i];
	size_t data = length;
	while (length % 4)
		padded[length++] = '=';
	if (EVP_DecodeBlock(text, (unsigned char *)padded, (int)length) < 0)
		return -1;
	CS_AUTO_VALUE struct json_object *tree = NULL;
	struct cs_slice slice = { (char *)text, data * 3 / 4 };
	if (cs_value_read_json(slice, &tree, NULL))
		return -1;
	const char *start = cs_tree_string(tree, "start");
	int64_t rv = cs_tree_int(tree, "rv", 0);
	if (!start || rv <= 0 || strlen(start) >= SIM_KEY_MAX)
		return -1;
	*ret_rv = (uint64_t)rv;
	(void)snprintf(ret_key, SIM_KEY_MAX, "%s", start);
	return 0;
}

// ---- list ----

static void drop_unmatched(const struct sim_request *request, const struct sim_selector *selector,
			   struct sim_snapshot *snapshot)
{
	if (sim_selector_empty(selector))
		return;
	size_t kept = 0;
	for (size_t i = 0; i < snapshot->count; i++) {
		struct sim_version *version = snapshot->versions[i];
		CS_AUTO_VALUE struct json_object *view = sim_view(request->resource, version->tree);
		if (sim_selector_matches(selector, view))
			snapshot->versions[kept++] = version;
		else
			sim_version_unref(version);
	}
	snapshot->count = kept;
}

static int expired(struct sim_request *request, const struct sim_list_options *options,
		   const char *after)
{
	struct sim_status *status = &request->status;
	if (!*options->next)
		return sim_status_fail(status, 410, "Expired",
				       "The resourceVersion for the provided list is too old.");
	(void)sim_status_fail(
		status, 410, "Expired",
		"The provided continue parameter is too old to display a consistent list result. "
		"You "
		"can start a new list without the continue parameter, or use the continue token in "
		"this response to retrieve the remainder of the results. Continuing with the "
		"provided "
		"token results in an inconsistent list - objects that were created, modified, or "
		"deleted between the time the first chunk was returned and now may show up in the "
		"list.");
	char token[TOKEN_MAX];
	write_token(request->sim->store.rv, after, token);
	(void)snprintf(status->next, sizeof(status->next), "%.500s", token);
	return -1;
}

static int too_large(struct sim_request *request, uint64_t version)
{
	struct sim_status *status = &request->status;
	(void)sim_status_fail(status, 504, "Timeout",
			      "Timeout: Too large resource version: %" PRIu64 ", current: %" PRIu64,
			      version, request->sim->store.rv);
	status->retry_after = 1;
	sim_status_cause(status, "ResourceVersionTooLarge", "", "%s", "");
	(void)snprintf(status->causes[0].message, sizeof(status->causes[0].message),
		       "Too large resource version");
	return -1;
}

// Which moment the list shows, and where it begins.
static int choose_moment(struct sim_request *request, const struct sim_list_options *options,
			 uint64_t *ret_rv, char after[SIM_KEY_MAX])
{
	*ret_rv = request->sim->store.rv;
	after[0] = 0;
	if (*options->next) {
		if (*options->version_text)
			return sim_status_bad(
				&request->status,
				"specifying resource version is not allowed when using "
				"continue");
		if (read_token(options->next, ret_rv, after))
			return sim_status_bad(&request->status,
					      "invalid continue token: continue key is not valid");
	} else if (options->version > *ret_rv) {
		return too_large(request, options->version);
	} else if (strcmp(options->match, "Exact") == 0) {
		*ret_rv = options->version;
	}
	return 0;
}

// Cuts the page off; says what is behind it.
static void cut_page(const struct sim_list_options *options, struct sim_snapshot *snapshot,
		     struct sim_list_info *info, char token[TOKEN_MAX])
{
	info->remaining = -1;
	if (options->limit <= 0 || snapshot->count <= (uint64_t)options->limit)
		return;
	size_t limit = (size_t)options->limit;
	if (sim_selector_empty(&options->selector))
		info->remaining = (int64_t)(snapshot->count - limit);
	for (size_t i = limit; i < snapshot->count; i++)
		sim_version_unref(snapshot->versions[i]);
	snapshot->count = limit;
	write_token(info->rv, snapshot->versions[limit - 1]->key, token);
	info->next = token;
}

// What the selector lets through of the request's namespace. -ESTALE from the store.
static int select_at(struct sim_request *request, const struct sim_list_options *options,
		     uint64_t rv, const char *after, struct sim_snapshot *ret)
{
	char prefix[SIM_KEY_MAX];
	(void)snprintf(prefix, sizeof(prefix), "%s%s", request->namespace_,
		       *request->namespace_ ? "/" : "");
	struct sim_snapshot_query query = { .prefix = prefix, .after = after, .rv = rv };
	int result = sim_store_snapshot(request->collection, &query, ret);
	if (!result)
		drop_unmatched(request, &options->selector, ret);
	return result;
}

int sim_list_select(struct sim_request *request, const struct sim_list_options *options,
		    struct sim_snapshot *ret)
{
	return select_at(request, options, request->sim->store.rv, "", ret);
}

static int list_with(struct sim_request *request, const struct sim_list_options *options)
{
	char after[SIM_KEY_MAX];
	char token[TOKEN_MAX];
	struct sim_list_info info = { 0 };
	int result = choose_moment(request, options, &info.rv, after);
	if (result)
		return result;
	struct sim_snapshot snapshot;
	if (select_at(request, options, info.rv, after, &snapshot))
		return expired(request, options, after);
	cut_page(options, &snapshot, &info, token);
	if (request->format == SIM_FORMAT_TABLE) {
		sim_answer_table(request, &snapshot, &info);
	} else {
		request->response->content_type = sim_content_type(request->format);
		sim_encode_list(request->resource, request->format, &snapshot, &info,
				&request->response->body);
	}
	sim_snapshot_finish(&snapshot);
	return 0;
}

int sim_list(struct sim_request *request)
{
	struct sim_list_options options;
	int result = sim_list_options_read(request, &options);
	if (result)
		return result;
	result = list_with(request, &options);
	sim_selector_finish(&options.selector);
	return result;
}
