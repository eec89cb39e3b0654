// TokenReviews and SubjectAccessReviews, with what was answered lately.
// Neighbours: transport.h performs the calls; daemon/access.c words what comes of them.
#include <csched/client/review.h>

#include <errno.h>
#include <openssl/evp.h>
#include <string.h>

#include <csched/base/json_writer.h>
#include <csched/base/list.h>
#include <csched/base/map.h>
#include <csched/base/memory.h>
#include <csched/base/value.h>

#define TOKEN_PATH   "/apis/authentication.k8s.io/v1/tokenreviews"
#define ACCESS_PATH  "/apis/authorization.k8s.io/v1/subjectaccessreviews"
#define RESPONSE_MAX (1u << 20)
#define REQUEST_MAX  (1u << 20)
// More than any answer that it comes from: a key that was cut short would be somebody else's.
#define KEY_MAX (4u << 20)
// Longer ones are not remembered: strangers choose the paths in them.
#define KEY_KEPT_MAX (8u << 10)
#define MASTERS      "system:masters"

struct who {
	char *name;
	char *uid;   // "" = none
	char *extra; // what an authenticator said besides: the JSON of an object; "" = nothing
	char **groups;
	size_t n_groups;
};

// What was answered; its key stands behind it.
struct answer {
	int64_t expires; // boot ns
	bool good;       // the token is somebody's; it is allowed
	struct who who;  // of a token
	char *reason;    // why it is denied
	char key[];
};

struct ask {
	struct cs_list link; // of the waiting or the running
	struct cs_reviews *reviews;
	struct cs_transport_call *call; // NULL = waiting for its turn
	char *token;                    // NULL = `who` is known
	struct who who;
	char *verb;
	char *path;
	void (*done)(void *user, const struct cs_review_result *result);
	void *done_user;
};

struct cs_reviews {
	struct cs_transport *transport;
	struct cs_review_ttls ttls;
	struct cs_map tokens;
	struct cs_map access;
	struct cs_list waiting; // without a call
	struct cs_list running;
	size_t n_waiting;
	size_t n_running;
};

static const struct cs_handler token_handler, access_handler;

// ---- somebody ----

static void finish_who(struct who *who)
{
	for (size_t i = 0; i < who->n_groups; i++)
		free(who->groups[i]);
	free(who->groups);
	free(who->name);
	free(who->uid);
	free(who->extra);
	*who = (struct who){ 0 };
}

static void copy_who(const char *name, const char *const *groups, size_t n, struct who *ret)
{
	ret->name = cs_strdup(name);
	ret->uid = cs_strdup("");
	ret->extra = cs_strdup("");
	ret->groups = cs_alloc_array(n ? n : 1, sizeof(char *));
	ret->n_groups = n;
	for (size_t i = 0; i < n; i++)
		ret->groups[i] = cs_strdup(groups[i]);
}

static void set_extra(struct who *who, const char *uid, const char *extra)
{
	free(who->uid);
	free(who->extra);
	who->uid = cs_strdup(uid);
	who->extra = cs_strdup(extra);
}

static bool is_master(const struct who *who)
{
	for (size_t i = 0; i < who->n_groups; i++)
		if (!strcmp(who->groups[i], MASTERS))
			return true;
	return false;
}

// ---- what was answered lately ----

static void free_answer(struct answer *answer)
{
	finish_who(&answer->who);
	free(answer->reason);
	free(answer);
}

static void clear(struct cs_map *cache)
{
	struct answer *answer;
	size_t at = 0;
	uint64_t seed = cache->seed;
	while ((answer = cs_map_next(cache, &at)))
		free_answer(answer);
	cs_map_finish(cache);
	cs_map_init(cache, seed);
}

static const struct answer *look_up(const struct cs_map *cache, struct cs_slice key, int64_t now)
{
	const struct answer *answer = cs_map_get(cache, key);
	return answer && now < answer->expires ? answer : NULL;
}

// An answer to remember for `ttl`; NULL where it is not to be.
static struct answer *remember(struct cs_map *cache, struct cs_slice key, int64_t now, int64_t ttl)
{
	if (ttl <= 0 || key.size > KEY_KEPT_MAX)
		return NULL;
	// Nobody fills it but strangers who try tokens and paths: what is lost costs a question.
	if (cs_map_count(cache) >= CS_REVIEW_CACHED_MAX)
		clear(cache);
	struct answer *answer = cs_alloc(sizeof(*answer) + key.size);
	answer->expires = now + ttl;
	memcpy(answer->key, key.data, key.size);
	struct answer *old = cs_map_put(
		cache, (struct cs_slice){ .data = answer->key, .size = key.size }, answer);
	if (old)
		free_answer(old);
	return answer;
}

// Tokens are not kept, their digests are.
static void token_key(const char *token, struct cs_buffer *out)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned size = 0;
	(void)EVP_Digest(token, strlen(token), digest, &size, EVP_sha256(), NULL);
	cs_buffer_append(out, digest, size);
}

static void access_key(const struct ask *ask, struct cs_buffer *out)
{
	const char *const parts[] = { ask->verb, ask->path, ask->who.name, ask->who.uid,
				      ask->who.extra };
	for (size_t i = 0; i < CS_ARRAY_LENGTH(parts); i++)
		cs_buffer_append(out, parts[i], strlen(parts[i]) + 1);
	for (size_t i = 0; i < ask->who.n_groups; i++)
		cs_buffer_append(out, ask->who.groups[i], strlen(ask->who.groups[i]) + 1);
}

// ---- the end of an ask ----

static void drop_token(struct ask *ask)
{
	if (ask->token)
		OPENSSL_cleanse(ask->token, strlen(ask->token));
	free(CS_TAKE(ask->token));
}

static void end(struct ask *ask, enum cs_review_outcome outcome, const char *message, bool broken)
{
	struct cs_review_result result = {
		.outcome = outcome,
		.user = ask->who.name ? ask->who.name : "",
		.message = message ? message : "",
		.broken = broken,
	};
	ask->done(ask->done_user, &result);
	drop_token(ask);
	finish_who(&ask->who);
	free(ask->verb);
	free(ask->path);
	free(ask);
}

// ---- what is sent ----

static void begin_review(struct cs_json_writer *json, struct cs_buffer *out, const char *version,
			 const char *kind)
{
	cs_json_init(json, out);
	cs_json_object_begin(json);
	cs_json_member_string(json, "apiVersion", version);
	cs_json_member_string(json, "kind", kind);
	cs_json_member_object_begin(json, "spec");
}

static void write_token(const struct ask *ask, struct cs_buffer *out)
{
	struct cs_json_writer json;
	begin_review(&json, out, "authentication.k8s.io/v1", "TokenReview");
	cs_json_member_string(&json, "token", ask->token);
	cs_json_object_end(&json);
	cs_json_object_end(&json);
}

static void write_access(const struct ask *ask, struct cs_buffer *out)
{
	struct cs_json_writer json;
	begin_review(&json, out, "authorization.k8s.io/v1", "SubjectAccessReview");
	cs_json_member_string(&json, "user", ask->who.name);
	if (*ask->who.uid)
		cs_json_member_string(&json, "uid", ask->who.uid);
	if (*ask->who.extra) {
		cs_json_key(&json, "extra");
		cs_json_raw(&json, cs_slice_of(ask->who.extra));
	}
	cs_json_member_array_begin(&json, "groups");
	for (size_t i = 0; i < ask->who.n_groups; i++)
		cs_json_string(&json, ask->who.groups[i]);
	cs_json_array_end(&json);
	cs_json_member_object_begin(&json, "nonResourceAttributes");
	cs_json_member_string(&json, "path", ask->path);
	cs_json_member_string(&json, "verb", ask->verb);
	cs_json_object_end(&json);
	cs_json_object_end(&json);
	cs_json_object_end(&json);
}

static void start(struct ask *ask)
{
	struct cs_reviews *reviews = ask->reviews;
	CS_AUTO_BUFFER struct cs_buffer body;
	cs_buffer_init(&body, REQUEST_MAX);
	if (ask->token)
		write_token(ask, &body);
	else
		write_access(ask, &body);
	cs_list_append(&reviews->running, &ask->link);
	reviews->n_running++;
	struct cs_request request = {
		.method = CS_METHOD_POST,
		.path = ask->token ? TOKEN_PATH : ACCESS_PATH,
		.accept = "application/json",
		.content_type = "application/json",
		.body = cs_buffer_slice(&body),
		.timeout = CS_REVIEW_TIMEOUT,
		.body_max = RESPONSE_MAX,
		.handler = ask->token ? &token_handler : &access_handler,
		.user = ask,
	};
	ask->call = cs_transport_start(reviews->transport, &request);
	OPENSSL_cleanse(body.data, body.size);
}

static void start_waiting(struct cs_reviews *reviews)
{
	while (reviews->n_running < CS_REVIEW_IN_FLIGHT_MAX && !cs_list_empty(&reviews->waiting)) {
		struct ask *ask = CS_CONTAINER_OF(reviews->waiting.next, struct ask, link);
		cs_list_remove(&ask->link);
		reviews->n_waiting--;
		start(ask);
	}
}

static void wait_or_start(struct ask *ask)
{
	struct cs_reviews *reviews = ask->reviews;
	if (reviews->n_waiting == CS_REVIEW_WAITING_MAX) {
		end(ask, ask->token ? CS_REVIEW_UNKNOWN : CS_REVIEW_FAILED,
		    "too many requests wait for the API server's verdict", true);
		return;
	}
	cs_list_append(&reviews->waiting, &ask->link);
	reviews->n_waiting++;
	start_waiting(reviews);
}

// ---- whether somebody may ----

static void end_access(struct ask *ask, bool allowed, const char *reason)
{
	end(ask, allowed ? CS_REVIEW_ALLOWED : CS_REVIEW_DENIED, reason, false);
}

static void ask_access(struct ask *ask, struct cs_time now)
{
	if (is_master(&ask->who)) {
		end_access(ask, true, NULL);
		return;
	}
	CS_AUTO_BUFFER struct cs_buffer key;
	cs_buffer_init(&key, KEY_MAX);
	access_key(ask, &key);
	const struct answer *answer =
		look_up(&ask->reviews->access, cs_buffer_slice(&key), now.boot);
	if (answer)
		end_access(ask, answer->good, answer->reason);
	else
		wait_or_start(ask);
}

// ---- whose a token is ----

static void ask_token(struct ask *ask, struct cs_time now)
{
	CS_AUTO_BUFFER struct cs_buffer key;
	cs_buffer_init(&key, KEY_MAX);
	token_key(ask->token, &key);
	const struct answer *answer =
		look_up(&ask->reviews->tokens, cs_buffer_slice(&key), now.boot);
	if (!answer) {
		wait_or_start(ask);
		return;
	}
	if (!answer->good) {
		end(ask, CS_REVIEW_UNKNOWN, NULL, false);
		return;
	}
	drop_token(ask);
	copy_who(answer->who.name, (const char *const *)answer->who.groups, answer->who.n_groups,
		 &ask->who);
	set_extra(&ask->who, answer->who.uid, answer->who.extra);
	ask_access(ask, now);
}

// ---- what comes back ----

// The call of an ask is over. The document, or NULL with words in `err`.
static struct json_object *take_answer(struct ask *ask, const struct cs_response *response,
				       struct cs_error *err)
{
	struct cs_reviews *reviews = ask->reviews;
	struct json_object *value = NULL;
	const char *what = ask->token ? "TokenReview" : "SubjectAccessReview";
	ask->call = NULL;
	cs_list_remove(&ask->link);
	reviews->n_running--;
	if (response->error || response->status / 100 != 2) {
		(void)cs_error_set(err, -EIO, "%s: HTTP status %d %s", what, response->status,
				   response->message);
		return NULL;
	}
	if (cs_value_read_json(response->body, &value, err) < 0 ||
	    !json_object_is_type(value, json_type_object)) {
		json_object_put(value);
		(void)cs_error_set(err, -EINVAL, "%s: the answer cannot be read", what);
		return NULL;
	}
	return value;
}

static bool flag_at(struct json_object *value, const char *path)
{
	struct json_object *flag = cs_value_at(value, path);
	return json_object_is_type(flag, json_type_boolean) && json_object_get_boolean(flag);
}

// An authorizer may go by these, so they count in its question and in what is remembered of it.
static void read_extra(struct json_object *value, struct who *ret)
{
	struct json_object *extra = cs_value_at(value, "status.user.extra");
	const char *uid = cs_value_string_at(value, "status.user.uid");
	CS_AUTO_BUFFER struct cs_buffer text;
	struct cs_json_writer json;
	cs_buffer_init(&text, RESPONSE_MAX);
	cs_json_init(&json, &text);
	if (json_object_is_type(extra, json_type_object) && json_object_object_length(extra) > 0)
		cs_value_write(extra, &json);
	set_extra(ret, uid ? uid : "", text.size ? text.data : "");
}

static void read_who(struct json_object *value, struct who *ret)
{
	struct json_object *groups = cs_value_at(value, "status.user.groups");
	const char *name = cs_value_string_at(value, "status.user.username");
	size_t n =
		json_object_is_type(groups, json_type_array) ? json_object_array_length(groups) : 0;
	const char *list[CS_REVIEW_GROUPS_MAX];
	size_t count = 0;
	for (size_t i = 0; i < n && count < CS_REVIEW_GROUPS_MAX; i++) {
		struct json_object *group = json_object_array_get_idx(groups, i);
		if (json_object_is_type(group, json_type_string))
			list[count++] = json_object_get_string(group);
	}
	copy_who(name ? name : "", list, count, ret);
	read_extra(value, ret);
}

static void on_token(void *user, struct cs_time now, const struct cs_response *response)
{
	struct ask *ask = user;
	struct cs_reviews *reviews = ask->reviews;
	struct cs_error err = { 0 };
	CS_AUTO_VALUE struct json_object *value = take_answer(ask, response, &err);
	if (!value) {
		end(ask, CS_REVIEW_UNKNOWN, err.text, true);
	} else {
		CS_AUTO_BUFFER struct cs_buffer key;
		cs_buffer_init(&key, KEY_MAX);
		token_key(ask->token, &key);
		struct answer *answer = remember(&reviews->tokens, cs_buffer_slice(&key), now.boot,
						 reviews->ttls.token);
		bool good = flag_at(value, "status.authenticated");
		if (answer)
			answer->good = good;
		if (answer && good)
			read_who(value, &answer->who);
		if (good) {
			drop_token(ask);
			read_who(value, &ask->who);
			ask_access(ask, now);
		} else {
			end(ask, CS_REVIEW_UNKNOWN, cs_value_string_at(value, "status.error"),
			    false);
		}
	}
	start_waiting(reviews);
}

static void on_access(void *user, struct cs_time now, const struct cs_response *response)
{
	struct ask *ask = user;
	struct cs_reviews *reviews = ask->reviews;
	struct cs_error err = { 0 };
	CS_AUTO_VALUE struct json_object *value = take_answer(ask, response, &err);
	if (!value) {
		end(ask, CS_REVIEW_FAILED, err.text, true);
	} else {
		CS_AUTO_BUFFER struct cs_buffer key;
		cs_buffer_init(&key, KEY_MAX);
		access_key(ask, &key);
		bool good = flag_at(value, "status.allowed");
		const char *reason = cs_value_string_at(value, "status.reason");
		struct answer *answer =
			remember(&reviews->access, cs_buffer_slice(&key), now.boot,
				 good ? reviews->ttls.allowed : reviews->ttls.denied);
		if (answer) {
			answer->good = good;
			answer->reason = reason ? cs_strdup(reason) : NULL;
		}
		end_access(ask, good, reason);
	}
	start_waiting(reviews);
}

static const struct cs_handler token_handler = { .done = on_token };
static const struct cs_handler access_handler = { .done = on_access };

// ---- life ----

struct cs_reviews *cs_reviews_create(struct cs_transport *transport,
				     const struct cs_review_ttls *ttls, uint64_t seed)
{
	struct cs_reviews *reviews = cs_alloc(sizeof(*reviews));
	reviews->transport = transport;
	reviews->ttls = *ttls;
	cs_map_init(&reviews->tokens, seed);
	cs_map_init(&reviews->access, seed);
	cs_list_init(&reviews->waiting);
	cs_list_init(&reviews->running);
	return reviews;
}

static void end_all(struct cs_reviews *reviews, struct cs_list *asks)
{
	CS_LIST_FOR_EACH (link, asks) {
		struct ask *ask = CS_CONTAINER_OF(link, struct ask, link);
		if (ask->call)
			cs_transport_cancel(reviews->transport, ask->call);
		cs_list_remove(&ask->link);
		end(ask, CS_REVIEW_FAILED, "the scheduler is shutting down", false);
	}
}

void cs_reviews_destroy(struct cs_reviews *reviews)
{
	if (!reviews)
		return;
	end_all(reviews, &reviews->running);
	end_all(reviews, &reviews->waiting);
	clear(&reviews->tokens);
	clear(&reviews->access);
	cs_map_finish(&reviews->tokens);
	cs_map_finish(&reviews->access);
	free(reviews);
}

void cs_reviews_ask(struct cs_reviews *reviews, struct cs_time now,
		    const struct cs_review_ask *from)
{
	struct ask *ask = cs_alloc(sizeof(*ask));
	ask->reviews = reviews;
	ask->verb = cs_strdup(from->verb);
	ask->path = cs_strdup(from->path);
	ask->done = from->done;
	ask->done_user = from->done_user;
	if (!from->token) {
		copy_who(from->user, from->groups, from->n_groups, &ask->who);
		set_extra(&ask->who, from->uid ? from->uid : "", from->extra ? from->extra : "");
		ask_access(ask, now);
	} else if (!*from->token || strlen(from->token) > CS_REVIEW_TOKEN_MAX) {
		end(ask, CS_REVIEW_UNKNOWN, NULL, false);
	} else {
		ask->token = cs_strdup(from->token);
		ask_token(ask, now);
	}
}
