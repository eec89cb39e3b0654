// What a proxy's headers say of the user it asks for.
// Neighbours: access.c for all other clients.
#include "daemon/proxy.h"

#include <pthread.h>
#include <string.h>

#include <csched/base/arena.h>
#include <csched/base/json_writer.h>
#include <csched/base/memory.h>
#include <csched/base/value.h>

struct cs_proxies {
	pthread_mutex_t lock;
	struct cs_arena *arena; // of the names
	struct cs_proxy_names names;
};

struct spoken {
	const struct cs_proxy_names *names;
	struct cs_message_review *review;
	struct json_object *extra;
};

// ---- whom to believe what ----

struct cs_proxies *cs_proxies_create(const struct cs_proxy_names *names)
{
	struct cs_proxies *proxies = cs_alloc(sizeof(*proxies));
	pthread_mutex_init(&proxies->lock, NULL);
	cs_proxies_set(proxies, names);
	return proxies;
}

void cs_proxies_destroy(struct cs_proxies *proxies)
{
	if (!proxies)
		return;
	cs_arena_destroy(proxies->arena);
	pthread_mutex_destroy(&proxies->lock);
	free(proxies);
}

void cs_proxies_set(struct cs_proxies *proxies, const struct cs_proxy_names *names)
{
	struct cs_arena *arena = cs_arena_create();
	struct cs_proxy_names copy = {
		.allowed = cs_arena_strdup(arena, names->allowed),
		.user_headers = cs_arena_strdup(arena, names->user_headers),
		.uid_headers = cs_arena_strdup(arena, names->uid_headers),
		.group_headers = cs_arena_strdup(arena, names->group_headers),
		.extra_prefixes = cs_arena_strdup(arena, names->extra_prefixes),
	};
	pthread_mutex_lock(&proxies->lock);
	struct cs_arena *old = proxies->arena;
	proxies->arena = arena;
	proxies->names = copy;
	pthread_mutex_unlock(&proxies->lock);
	cs_arena_destroy(old);
}

// ---- what one says ----

static bool may_speak(const struct cs_proxy_names *names, const struct cs_http_identity *identity)
{
	return !*names->allowed || cs_list_has(names->allowed, identity->common_name);
}

// The first header of a list that is there and not empty, or NULL.
static char *first_of(const struct cs_http_request *request, const char *list)
{
	struct cs_slice word;
	while (cs_list_next(&list, &word)) {
		CS_AUTO_FREE char *name = cs_strndup(word.data, word.size);
		const char *value = cs_http_request_header(request, name);
		if (value && *value)
			return cs_strdup(value);
	}
	return NULL;
}

static void add_group(struct cs_message_review *review, const char *group)
{
	review->groups = cs_realloc_array(review->groups, review->n_groups + 1, sizeof(char *));
	review->groups[review->n_groups++] = cs_strdup(group);
}

static int hex_digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c ? strchr(digits, c) : NULL;
	return at ? (int)(at - digits) : -1;
}

// In lower case, with %XX decoded where all of them are right.
static char *extra_key(const char *name)
{
	CS_AUTO_FREE char *key = cs_strdup(name);
	for (char *c = key; *c; c++)
		*c = *c >= 'A' && *c <= 'Z' ? (char)(*c | 0x20) : *c;
	CS_AUTO_FREE char *plain = cs_strdup(key);
	char *to = plain;
	for (const char *c = key; *c; c++, to++) {
		*to = *c;
		if (*c != '%')
			continue;
		int high = hex_digit(c[1]);
		int low = high < 0 ? -1 : hex_digit(c[2]);
		if (low < 0 || high + low == 0) // nor a NUL
			return CS_TAKE(key);
		*to = (char)(high << 4 | low);
		c += 2;
	}
	*to = '\0';
	return CS_TAKE(plain);
}

static void add_extra(struct spoken *spoken, const char *name, const char *value)
{
	CS_AUTO_FREE char *key = extra_key(name);
	struct json_object *values = NULL;
	if (!json_object_object_get_ex(spoken->extra, key, &values)) {
		values = json_object_new_array();
		json_object_object_add(spoken->extra, key, values);
	}
	json_object_array_add(values, json_object_new_string(value));
}

static void take_header(void *user, const char *name, const char *value)
{
	struct spoken *spoken = user;
	const char *groups = spoken->names->group_headers;
	const char *prefixes = spoken->names->extra_prefixes;
	struct cs_slice word;
	while (*value && cs_list_next(&groups, &word))
		if (strlen(name) == word.size && !strncasecmp(name, word.data, word.size))
			add_group(spoken->review, value);
	while (cs_list_next(&prefixes, &word))
		if (!strncasecmp(name, word.data, word.size))
			add_extra(spoken, name + word.size, value);
}

static char *print_extra(struct json_object *extra)
{
	struct cs_json_writer json;
	struct cs_buffer text;
	if (json_object_object_length(extra) == 0)
		return NULL;
	cs_buffer_init(&text, CS_HTTP_BODY_MAX);
	cs_json_init(&json, &text);
	cs_value_write(extra, &json);
	return cs_buffer_take(&text);
}

// Who is authenticated is in one of two groups, whoever says so.
static void add_standing(struct cs_message_review *review)
{
	if (!strcmp(review->user, "system:anonymous"))
		return;
	for (size_t i = 0; i < review->n_groups; i++)
		if (!strcmp(review->groups[i], "system:authenticated") ||
		    !strcmp(review->groups[i], "system:unauthenticated"))
			return;
	add_group(review, "system:authenticated");
}

static bool take_user(const struct cs_proxy_names *names, const struct cs_http_request *request,
		      struct cs_message_review *review)
{
	if (!may_speak(names, request->identity))
		return false;
	review->user = first_of(request, names->user_headers);
	if (!review->user)
		return false;
	review->uid = first_of(request, names->uid_headers);
	struct spoken spoken = { .names = names,
				 .review = review,
				 .extra = json_object_new_object() };
	cs_http_request_each_header(request, take_header, &spoken);
	add_standing(review);
	review->extra = print_extra(spoken.extra);
	json_object_put(spoken.extra);
	return true;
}

bool cs_proxy_speaks(struct cs_proxies *proxies, const struct cs_http_request *request,
		     struct cs_message_review *review)
{
	if (!request->identity || !request->identity->proxy)
		return false;
	pthread_mutex_lock(&proxies->lock);
	bool speaks = take_user(&proxies->names, request, review);
	pthread_mutex_unlock(&proxies->lock);
	return speaks;
}
