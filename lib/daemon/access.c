// Who may read what of secure serving, with Kubernetes' words for those who may not.
// Neighbours: client/review.h asks the API server.
#include "daemon/access.h"

#include <string.h>

#include <csched/base/json_writer.h>
#include <csched/base/memory.h>

static const char anonymous[] = "system:anonymous";

static bool is_local(const char *peer)
{
	return cs_string_prefix(peer, "127.") || !strcmp(peer, "::1") ||
	       cs_string_prefix(peer, "::ffff:127.");
}

static bool path_matches(struct cs_slice pattern, const char *path)
{
	if (pattern.data[pattern.size - 1] == '*')
		return !strncmp(path, pattern.data, pattern.size - 1);
	return cs_slice_equal(pattern, cs_slice_of(path));
}

// The token of "Authorization: Bearer TOKEN", or NULL.
static char *bearer_token(const struct cs_http_request *request)
{
	const char *header = cs_http_request_header(request, "Authorization");
	if (!header)
		return NULL;
	header += strspn(header, " \t");
	if (strncasecmp(header, "bearer ", 7) != 0)
		return NULL;
	header += 7;
	size_t size = strcspn(header, " ");
	return size > 0 ? cs_strndup(header, size) : NULL;
}

// A token counts beside a certificate that does not; without one nothing is answered.
static bool is_refused(const struct cs_http_request *request)
{
	CS_AUTO_FREE char *token = request->refusal ? bearer_token(request) : NULL;
	return request->refusal && !token;
}

bool cs_access_is_free(const struct cs_access *access, const struct cs_http_request *request)
{
	const char *patterns = access->open_paths;
	struct cs_slice pattern;
	// Whom a proxy on this machine asks for may be anywhere. Who shows a certificate that is
	// not good may be one.
	bool proxied = request->refusal || (request->identity && request->identity->proxy);
	if (is_refused(request))
		return false;
	if (access->loopback && !proxied && is_local(request->peer))
		return true;
	while (cs_list_next(&patterns, &pattern))
		if (path_matches(pattern, request->path))
			return true;
	return false;
}

// ---- who asks ----

// A certificate without a common name names nobody.
static bool is_user(const struct cs_http_identity *identity)
{
	return identity && identity->client && *identity->common_name;
}

// As kube-scheduler: a certificate's common name is the user, its organizations are the groups.
static void take_identity(const struct cs_http_identity *identity, struct cs_message_review *review)
{
	bool known = is_user(identity);
	size_t n = known ? identity->n_organizations : 0;
	review->user = cs_strdup(known ? identity->common_name : anonymous);
	review->groups = cs_alloc_array(n + 1, sizeof(char *));
	for (size_t i = 0; i < n; i++)
		review->groups[review->n_groups++] = cs_strdup(identity->organizations[i]);
	review->groups[review->n_groups++] =
		cs_strdup(known ? "system:authenticated" : "system:unauthenticated");
}

// ---- refusals ----

static void write_status(struct cs_http_response *response, int code, const char *reason,
			 const char *message)
{
	struct cs_json_writer json;
	response->status = code;
	response->content_type = "application/json";
	cs_http_response_header(response, "X-Content-Type-Options", "nosniff");
	cs_buffer_clear(&response->body);
	cs_json_init(&json, &response->body);
	cs_json_object_begin(&json);
	cs_json_member_string(&json, "kind", "Status");
	cs_json_member_string(&json, "apiVersion", "v1");
	cs_json_member_object_begin(&json, "metadata");
	cs_json_object_end(&json);
	cs_json_member_string(&json, "status", "Failure");
	cs_json_member_string(&json, "message", message);
	cs_json_member_string(&json, "reason", reason);
	if (code == 403) {
		cs_json_member_object_begin(&json, "details");
		cs_json_object_end(&json);
	}
	cs_json_member_int(&json, "code", code);
	cs_json_object_end(&json);
}

// As Go's %q for what is in user names and paths; HTML's characters as the API server writes them.
static void append_quoted(struct cs_buffer *out, const char *text)
{
	cs_buffer_append_char(out, '"');
	for (const char *c = text; *c; c++) {
		if (*c == '"' || *c == '\\')
			cs_buffer_printf(out, "\\%c", *c);
		else if ((unsigned char)*c < 0x20 || *c == 0x7f)
			cs_buffer_printf(out, "\\x%02x", (unsigned char)*c);
		else if (*c == '&')
			cs_buffer_append_string(out, "&amp;");
		else if (*c == '<')
			cs_buffer_append_string(out, "&lt;");
		else if (*c == '>')
			cs_buffer_append_string(out, "&gt;");
		else
			cs_buffer_append_char(out, *c);
	}
	cs_buffer_append_char(out, '"');
}

static void write_forbidden(struct cs_http_response *response,
			    const struct cs_message_review *review, const char *user,
			    const char *reason)
{
	CS_AUTO_BUFFER struct cs_buffer message;
	cs_buffer_init(&message, CS_HTTP_BODY_MAX);
	cs_buffer_append_string(&message, "forbidden: User ");
	append_quoted(&message, user);
	cs_buffer_printf(&message, " cannot %s path ", review->verb);
	append_quoted(&message, review->path);
	if (*reason)
		cs_buffer_printf(&message, ": %s", reason);
	write_status(response, 403, "Forbidden", message.data);
}

static void write_refusal(struct cs_http_response *response, const struct cs_message_review *review,
			  const struct cs_review_result *result)
{
	if (result->outcome == CS_REVIEW_UNKNOWN)
		write_status(response, 401, "Unauthorized", "Unauthorized");
	else if (result->outcome == CS_REVIEW_DENIED)
		write_forbidden(response, review, result->user, result->message);
	else
		cs_http_response_text(response, 500, "Internal Server Error: \"%s\": %s",
				      review->path, result->message);
}

// ---- asking ----

// NULL for a proxy that says nothing of whom it asks for: it is nobody itself.
static struct cs_message_review *make_review(const struct cs_access *access,
					     const struct cs_http_request *request)
{
	struct cs_message_review *review = cs_alloc(sizeof(*review));
	review->message.kind = CS_CLIENT_REVIEW;
	if (!cs_proxy_speaks(access->proxies, request, review) && !is_user(request->identity))
		review->token = bearer_token(request);
	if (!review->user && !review->token && request->identity && !request->identity->client) {
		cs_message_free_client(&review->message);
		return NULL;
	}
	if (!review->user && !review->token)
		take_identity(request->identity, review);
	review->path = cs_strdup(request->path);
	review->verb = cs_strdup(request->method);
	for (char *c = review->verb; *c; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c - 'A' + 'a');
	return review;
}

void cs_access_ask(const struct cs_access *access, struct cs_http_request *request,
		   struct cs_http_response *response, bool known)
{
	if (is_refused(request)) {
		cs_http_response_text(response, 401, "%s", request->refusal);
		response->close = true;
		return;
	}
	struct cs_message_review *review = make_review(access, request);
	if (!review) {
		write_status(response, 401, "Unauthorized", "Unauthorized");
		return;
	}
	if (!known && !review->token && !request->identity) {
		write_forbidden(response, review, anonymous, "");
		cs_message_free_client(&review->message);
		return;
	}
	review->pending = cs_http_request_defer(request);
	// Where nobody takes it, freeing it answers the client.
	if (!access->review(access->user, review))
		cs_message_free_client(&review->message);
}

void cs_access_answer(struct cs_message_review *review, const struct cs_review_result *result)
{
	struct cs_http_pending *pending = CS_TAKE(review->pending);
	if (result->outcome == CS_REVIEW_ALLOWED) {
		cs_http_pending_retry(pending);
		return;
	}
	struct cs_http_response response;
	cs_http_response_init(&response);
	write_refusal(&response, review, result);
	cs_http_pending_complete(pending, &response);
	cs_http_response_finish(&response);
}
