// A sim inside the test's process and a client for it. Neighbours: client.c; used by the tests
// here.
#ifndef TEST_UNIT_SIM_CLIENT_H
#define TEST_UNIT_SIM_CLIENT_H

#include <check.h>
#include <curl/curl.h>
#include <pthread.h>

#include <csched/base/buffer.h>
#include <csched/base/value.h>
#include <csched/sim/sim.h>

#define MERGE     "application/merge-patch+json"
#define STRATEGIC "application/strategic-merge-patch+json"
#define PROTOBUF  "application/vnd.kubernetes.protobuf"
#define PODS      "/api/v1/namespaces/default/pods"

extern struct cs_sim *sim; // the one under test

// Starts `sim`; the clock is filled in.
void sim_start(struct cs_sim_options options);
void sim_stop(void);

struct reply {
	CURLcode code;
	long status;
	char content_type[128];
	char retry_after[16];
	struct cs_buffer body;
	struct json_object *json; // NULL when the body is no JSON
};

struct ask {
	const char *method; // GET
	const char *path;
	const char *body;
	size_t body_size;   // 0 = strlen
	const char *type;   // application/json
	const char *accept; // none
	const char *token;
};
struct reply ask(struct ask request);
void reply_finish(struct reply *reply);

// Asks, wants that status, and returns the answered object; json_object_put it.
struct json_object *want(long status, struct ask request);
// The same, throwing the answer away.
void want_status(long status, struct ask request);
// The string at a path of the answer must be so.
void check_text(struct json_object *tree, const char *path, const char *text);

// A pod of that name in `default`, posted; its uid into `uid` (40 bytes) where not NULL.
void create_pod(const char *name, char *uid);
void bind_pod(const char *name, const char *node);

// Reads a watch in a thread until it ends or is told to.
struct watcher {
	pthread_t thread;
	char url[512];
	const char *accept;
	pthread_mutex_t lock;
	struct cs_buffer text; // lock
	bool ended;            // lock
	bool stop;             // lock
	CURLcode code;
};
void watch_start(struct watcher *watcher, const char *path, const char *accept);
// Waits until `count` lines have come (JSON); the n-th line's object.
void watch_wait(struct watcher *watcher, size_t count);
struct json_object *watch_event(struct watcher *watcher, size_t index);
size_t watch_count(struct watcher *watcher);
// "ADDED a,MODIFIED a,BOOKMARK": all lines so far; free() it.
char *watch_summary(struct watcher *watcher);
void watch_join(struct watcher *watcher);   // waits for its end
void watch_finish(struct watcher *watcher); // ends and frees it

// Waits for a condition, half a minute at the least.
#define EVENTUALLY(condition)                                                              \
	do {                                                                               \
		int tries_ = 0;                                                            \
		while (!(condition)) {                                                     \
			ck_assert_msg(++tries_ < 6000, "never came true: %s", #condition); \
			usleep(5000);                                                      \
		}                                                                          \
	} while (0)

#endif
