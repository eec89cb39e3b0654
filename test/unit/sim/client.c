// A client of the sim under test, over real sockets. Neighbours: client.h.
#include "client.h"

#include <stdio.h>
#include <strings.h>
#include <unistd.h>

#include <csched/base/memory.h>

struct cs_sim *sim;

void sim_start(struct cs_sim_options options)
{
	struct cs_error err;
	options.clock = cs_clock_system();
	ck_assert_msg(cs_sim_create(&options, &sim, &err) == 0, "%s", err.text);
}

void sim_stop(void)
{
	cs_sim_destroy(sim);
	sim = NULL;
}

// ---- requests ----

static size_t on_body(char *data, size_t size, size_t n, void *user)
{
	struct reply *reply = user;
	return cs_buffer_append(&reply->body, data, size * n) == 0 ? size * n : 0;
}

static size_t on_header(char *data, size_t size, size_t n, void *user)
{
	struct reply *reply = user;
	CS_AUTO_FREE char *line = cs_strndup(data, size * n);
	line[strcspn(line, "\r\n")] = 0;
	if (strncasecmp(line, "Content-Type: ", 14) == 0)
		snprintf(reply->content_type, sizeof(reply->content_type), "%s", line + 14);
	if (strncasecmp(line, "Retry-After: ", 13) == 0)
		snprintf(reply->retry_after, sizeof(reply->retry_after), "%s", line + 13);
	return size * n;
}

static struct curl_slist *headers_of(const struct ask *request)
{
	struct curl_slist *list = NULL;
	CS_AUTO_FREE char *type =
		cs_asprintf("Content-Type: %s", request->type ? request->type : "application/json");
	CS_AUTO_FREE char *accept = cs_asprintf("Accept:%s%s", request->accept ? " " : "",
						request->accept ? request->accept : "");
	CS_AUTO_FREE char *token =
		cs_asprintf("Authorization: Bearer %s", request->token ? request->token : "");
	list = curl_slist_append(list, "Expect:");
	if (request->body)
		list = curl_slist_append(list, type);
	list = curl_slist_append(list, accept);
	if (request->token)
		list = curl_slist_append(list, token);
	return list;
}

struct reply ask(struct ask request)
{
	struct reply reply = { 0 };
	cs_buffer_init(&reply.body, 512u << 20);
	CURL *curl = curl_easy_init();
	CS_AUTO_FREE char *url = cs_asprintf("%s%s", cs_sim_url(sim), request.path);
	struct curl_slist *headers = headers_of(&request);
	size_t size =
		request.body_size ? request.body_size : (request.body ? strlen(request.body) : 0);
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, 30L);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, &reply);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, &reply);
	if (request.body) {
		curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)size);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request.body);
	}
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request.method ? request.method : "GET");
	reply.code = curl_easy_perform(curl);
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &reply.status);
	curl_slist_free_all(headers);
	curl_easy_cleanup(curl);
	if (strstr(reply.content_type, "json"))
		(void)cs_value_read_json(cs_buffer_slice(&reply.body), &reply.json, NULL);
	return reply;
}

void reply_finish(struct reply *reply)
{
	json_object_put(reply->json);
	cs_buffer_finish(&reply->body);
}

struct json_object *want(long status, struct ask request)
{
	struct reply reply = ask(request);
	ck_assert_msg(reply.status == status, "%s %s: %ld (%s) %s",
		      request.method ? request.method : "GET", request.path, reply.status,
		      curl_easy_strerror(reply.code), reply.body.data);
	struct json_object *json = json_object_get(reply.json);
	reply_finish(&reply);
	return json;
}

void want_status(long status, struct ask request)
{
	json_object_put(want(status, request));
}

void check_text(struct json_object *tree, const char *path, const char *text)
{
	const char *found = cs_value_string_at(tree, path);
	ck_assert_msg(cs_string_equal(found, text), "%s is %s, not %s, in %s", path,
		      found ? found : "(none)", text, json_object_to_json_string(tree));
}

void create_pod(const char *name, char *uid)
{
	CS_AUTO_FREE char *body = cs_asprintf(
		"{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"%s\"},\"spec\":"
		"{\"containers\":[{\"name\":\"c\",\"image\":\"i\"}]}}",
		name);
	struct json_object *pod =
		want(201, (struct ask){ .method = "POST", .path = PODS, .body = body });
	if (uid)
		snprintf(uid, 40, "%s", cs_value_string_at(pod, "metadata.uid"));
	json_object_put(pod);
}

void bind_pod(const char *name, const char *node)
{
	CS_AUTO_FREE char *path = cs_asprintf(PODS "/%s/binding", name);
	CS_AUTO_FREE char *body = cs_asprintf("{\"metadata\":{\"name\":\"%s\"},\"target\":"
					      "{\"kind\":\"Node\",\"name\":\"%s\"}}",
					      name, node);
	want_status(201, (struct ask){ .method = "POST", .path = path, .body = body });
}

// ---- watches ----

static size_t on_watch(char *data, size_t size, size_t n, void *user)
{
	struct watcher *watcher = user;
	pthread_mutex_lock(&watcher->lock);
	cs_buffer_append(&watcher->text, data, size * n);
	pthread_mutex_unlock(&watcher->lock);
	return size * n;
}

static int on_progress(void *user, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	(void)a, (void)b, (void)c, (void)d;
	struct watcher *watcher = user;
	pthread_mutex_lock(&watcher->lock);
	int stop = watcher->stop;
	pthread_mutex_unlock(&watcher->lock);
	return stop;
}

static void *watch_run(void *user)
{
	struct watcher *watcher = user;
	CURL *curl = curl_easy_init();
	struct ask request = { .accept = watcher->accept };
	struct curl_slist *headers = headers_of(&request);
	curl_easy_setopt(curl, CURLOPT_URL, watcher->url);
	curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_watch);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, watcher);
	curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
	curl_easy_setopt(curl, CURLOPT_XFERINFODATA, watcher);
	CURLcode code = curl_easy_perform(curl);
	pthread_mutex_lock(&watcher->lock);
	watcher->code = code;
	watcher->ended = true;
	pthread_mutex_unlock(&watcher->lock);
	curl_slist_free_all(headers);
	curl_easy_cleanup(curl);
	return NULL;
}

static long watches_open(void)
{
	struct json_object *state = want(200, (struct ask){ .path = "/kubesim/state" });
	long open = 0;
	json_object_object_foreach(cs_value_at(state, "watches"), key, value)
	{
		(void)key;
		open += json_object_get_int64(value);
	}
	json_object_put(state);
	return open;
}

void watch_start(struct watcher *watcher, const char *path, const char *accept)
{
	*watcher = (struct watcher){ .accept = accept };
	cs_buffer_init(&watcher->text, 64u << 20);
	pthread_mutex_init(&watcher->lock, NULL);
	snprintf(watcher->url, sizeof(watcher->url), "%s%s", cs_sim_url(sim), path);
	long before = watches_open();
	pthread_create(&watcher->thread, NULL, watch_run, watcher);
	for (int i = 0; i < 6000 && watches_open() == before; i++) {
		pthread_mutex_lock(&watcher->lock);
		bool ended = watcher->ended;
		pthread_mutex_unlock(&watcher->lock);
		if (ended)
			break;
		usleep(5000);
	}
}

static char *watch_text(struct watcher *watcher)
{
	pthread_mutex_lock(&watcher->lock);
	char *text = cs_strndup(watcher->text.data, watcher->text.size);
	pthread_mutex_unlock(&watcher->lock);
	return text;
}

size_t watch_count(struct watcher *watcher)
{
	CS_AUTO_FREE char *text = watch_text(watcher);
	size_t count = 0;
	for (const char *at = text; (at = strchr(at, '\n')); at++)
		count++;
	return count;
}

void watch_wait(struct watcher *watcher, size_t count)
{
	for (int i = 0; i < 6000 && watch_count(watcher) < count; i++)
		usleep(5000);
	CS_AUTO_FREE char *text = watch_text(watcher);
	ck_assert_msg(watch_count(watcher) >= count, "%zu lines expected in: %s", count, text);
}

struct json_object *watch_event(struct watcher *watcher, size_t index)
{
	CS_AUTO_FREE char *text = watch_text(watcher);
	char *rest = text;
	char *line = NULL;
	for (size_t i = 0; i <= index; i++)
		line = strsep(&rest, "\n");
	struct json_object *event = NULL;
	struct cs_error err;
	ck_assert_msg(line && cs_value_read_json(cs_slice_of(line), &event, &err) == 0, "%s",
		      line ? line : "(no line)");
	return event;
}

char *watch_summary(struct watcher *watcher)
{
	struct cs_buffer out;
	cs_buffer_init(&out, 1u << 20);
	size_t count = watch_count(watcher);
	for (size_t i = 0; i < count; i++) {
		struct json_object *event = watch_event(watcher, i);
		const char *name = cs_value_string_at(event, "object.metadata.name");
		cs_buffer_printf(&out, "%s%s%s%s", i ? "," : "", cs_value_string_at(event, "type"),
				 name ? " " : "", name ? name : "");
		json_object_put(event);
	}
	return cs_buffer_take(&out);
}

void watch_join(struct watcher *watcher)
{
	pthread_join(watcher->thread, NULL);
	watcher->thread = 0;
}

void watch_finish(struct watcher *watcher)
{
	pthread_mutex_lock(&watcher->lock);
	watcher->stop = true;
	pthread_mutex_unlock(&watcher->lock);
	if (watcher->thread)
		watch_join(watcher);
	pthread_mutex_destroy(&watcher->lock);
	cs_buffer_finish(&watcher->text);
}
