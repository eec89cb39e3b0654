// List, watch, relist, back-off: one state table, one transition function, a hook per state.
// Neighbours: mirror.c takes the objects, transport.h performs, kube's protobuf decodes.
// Mirrors k8s.io/client-go/tools/cache/reflector.go in what it promises to the server.
#include <csched/client/reflector.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <csched/base/memory.h>
#include <csched/kube/protobuf.h>
#include <csched/kube/selector.h>

#include "mirror.h"
#include "object.h"
#include "path.h"
#include "status.h"

#define WATCH_ACCEPT      CS_PROTOBUF_CONTENT_TYPE ";stream=watch"
#define LIST_ACCEPT       CS_PROTOBUF_CONTENT_TYPE
#define PAGE_LIMIT        "500"
#define STREAM_BUFFER_MAX (CS_PROTOBUF_FRAME_MAX + (8u << 20)) // a frame and what came behind it
#define VERSION_MAX       64

#define BACKOFF_FIRST (800 * CS_MILLISECOND)
#define BACKOFF_MAX   (30 * CS_SECOND)
#define BACKOFF_RESET (120 * CS_SECOND) // without a back-off: the server is healthy
#define SHORT_WATCH   (1 * CS_SECOND)
#define QUICK_MAX     5 // watches with events, each within SHORT_WATCH: then pause before each
#define FRUITLESS_MAX 5 // watches in a row that failed without an event: then relist

#define SKIPPED_MAX 10 // events in a row that cannot be read: then the stream is no use

#define LIST_SILENCE  (90 * CS_SECOND) // no byte of a list
#define WATCH_GRACE   (30 * CS_SECOND) // past the timeoutSeconds asked for
#define WATCH_MIN     300              // s
#define WATCH_SPREAD  300
#define BOOKMARK_WARN (10 * CS_SECOND) // as upstream

// ---- the state table ----

enum state {
	NONE,   // not a state: the input means nothing here
	IDLE,   // not started
	STREAM, // a watch that first sends all that exists
	PAGE,   // a list, page by page
	WATCH,  // a watch from `version` on
	WAIT,   // back-off; then `after`
	HELD,   // the receiver cannot keep up
	STATE_COUNT,
};

enum input {
	GO,      // the timer, or nothing stands in the way
	SYNCED,  // all that exists has been told; the stream goes on
	MORE,    // a page has been told; there is another
	LISTED,  // the last page has been told
	END,     // the response ended as it should
	SHORT,   // it ended within a second, without an event
	HASTY,   // it had events, but ended so, as those before it did
	EXPIRED, // 410: the version or the continue token is too old
	AHEAD,   // the server does not know the version yet
	BUSY,    // 429, or a server error that says when to come again
	FAILURE, // other server errors
	REFUSAL, // other 4xx
	NETWORK, // no answer
	GARBAGE, // an answer that is not what it should be
	SILENT,  // no byte for too long
	STUCK,   // failures in a row
	INPUT_COUNT,
};

enum flag {
	BACKOFF = 1, // wait before the next state
	STAY = 2,    // the request goes on
	AGAIN = 4,   // list from the first page
	WHOLE = 8,   // and without pages
	FRESH = 16,  // on a new connection
	PAUSE = 32,  // wait, but not longer each time
};

static const struct rule {
	enum state next;
	unsigned flags;
} rules[STATE_COUNT][INPUT_COUNT] = {
	[IDLE] = { [GO] = { STREAM, 0 } },
	[HELD] = { [GO] = { STREAM, 0 } },
	[STREAM] = {
		[SYNCED] = { WATCH, STAY },
		[END] = { STREAM, BACKOFF },
		[SHORT] = { STREAM, BACKOFF },
		[EXPIRED] = { STREAM, BACKOFF },
		[AHEAD] = { STREAM, BACKOFF },
		[BUSY] = { STREAM, BACKOFF },
		[NETWORK] = { STREAM, BACKOFF },
		[GARBAGE] = { STREAM, BACKOFF },
		// A server that cannot do it: older, or its storage cannot report progress.
		[FAILURE] = { PAGE, BACKOFF | AGAIN },
		[REFUSAL] = { PAGE, AGAIN },
		[SILENT] = { PAGE, AGAIN | FRESH },
	},
	[PAGE] = {
		[MORE] = { PAGE, 0 },
		[LISTED] = { WATCH, 0 },
		[EXPIRED] = { PAGE, AGAIN | WHOLE },
		[BUSY] = { PAGE, BACKOFF },
		[NETWORK] = { PAGE, BACKOFF },
		[SILENT] = { PAGE, FRESH },
		[AHEAD] = { STREAM, BACKOFF },
		[FAILURE] = { STREAM, BACKOFF },
		[REFUSAL] = { STREAM, BACKOFF },
		[GARBAGE] = { STREAM, BACKOFF },
		[STUCK] = { STREAM, BACKOFF },
	},
	[WATCH] = {
		[END] = { WATCH, 0 },
		[SHORT] = { WATCH, BACKOFF },
		// A server without time for its watches, so an outage is not unlikely just before:
		// what it grew the back-off to would leave us blind for no reason.
		[HASTY] = { WATCH, PAUSE },
		[BUSY] = { WATCH, BACKOFF },
		[FAILURE] = { WATCH, BACKOFF },
		[NETWORK] = { WATCH, BACKOFF },
		[GARBAGE] = { WATCH, BACKOFF },
		[SILENT] = { WATCH, FRESH },
		[EXPIRED] = { STREAM, BACKOFF },
		[AHEAD] = { STREAM, BACKOFF },
		[REFUSAL] = { STREAM, BACKOFF },
		[STUCK] = { STREAM, BACKOFF },
	},
};

struct cs_reflector {
	struct cs_reflector_options options;
	const struct cs_kind *kind;
	enum state state;
	enum state after;               // of WAIT
	struct cs_transport_call *call; // of STREAM, PAGE, WATCH
	int64_t until;                  // boot ns: end of WAIT
	int64_t backoff;                // the next one, before jitter
	int64_t backed_off;             // boot ns of the last one
	int64_t opened;                 // boot ns: when the request started
	int64_t quiet_since;            // boot ns: its last byte, or its start
	int64_t closes;                 // boot ns: by when the server ends the watch
	int64_t warn_at;                // boot ns; INT64_MAX = not any more
	unsigned events;                // of this request
	unsigned skipped;               // events in a row that cannot be read
	unsigned quick;                 // requests in a row that lasted less than SHORT_WATCH
	unsigned fruitless;             // failures in a row
	bool bookmarks;                 // this server sends them
	bool fresh;                     // the next request
	bool whole;
	char version[VERSION_MAX]; // to watch from
	char *more;                // continue token, NULL for the first page
	struct cs_mirror mirror;
	struct cs_arena *scratch; // for what is looked at and not told
	struct cs_reflector_stats stats;
};

// ---- requests ----

static void on_data(void *user, struct cs_time now, struct cs_buffer *in);
static void on_done(void *user, struct cs_time now, const struct cs_response *response);
static const struct cs_handler handler = { .data = on_data, .done = on_done };

static void open_request(struct cs_reflector *r, struct cs_time now, const char *path,
			 const char *accept, size_t body_max)
{
	r->opened = now.boot;
	r->quiet_since = now.boot;
	r->events = 0;
	struct cs_request request = {
		.method = CS_METHOD_GET,
		.path = path,
		.accept = accept,
		.body_max = body_max,
		.fresh = r->fresh,
		.handler = &handler,
		.user = r,
	};
	r->fresh = false;
	r->call = cs_transport_start(r->options.transport, &request);
}

static void init_path(const struct cs_reflector *r, struct cs_buffer *path)
{
	cs_path_init(path, r->kind, NULL);
	if (r->options.field_selector)
		cs_path_query(path, "fieldSelector", r->options.field_selector);
}

static void open_watch(struct cs_reflector *r, struct cs_time now, struct cs_buffer *path)
{
	char seconds[24];
	uint64_t timeout = WATCH_MIN + cs_random_below(r->options.random, WATCH_SPREAD + 1);
	snprintf(seconds, sizeof(seconds), "%llu", (unsigned long long)timeout);
	cs_path_query(path, "watch", "true");
	cs_path_query(path, "allowWatchBookmarks", "true");
	cs_path_query(path, "timeoutSeconds", seconds);
	r->closes = now.boot + (int64_t)timeout * CS_SECOND;
	r->stats.watches++;
	open_request(r, now, path->data, WATCH_ACCEPT, STREAM_BUFFER_MAX);
}

static void enter_stream(struct cs_reflector *r, struct cs_time now)
{
	CS_AUTO_BUFFER struct cs_buffer path;
	init_path(r, &path);
	cs_path_query(&path, "sendInitialEvents", "true");
	cs_path_query(&path, "resourceVersionMatch", "NotOlderThan");
	cs_mirror_begin(&r->mirror);
	r->warn_at = now.boot + BOOKMARK_WARN;
	open_watch(r, now, &path);
}

static void enter_page(struct cs_reflector *r, struct cs_time now)
{
	CS_AUTO_BUFFER struct cs_buffer path;
	size_t max = r->options.list_max ? r->options.list_max : CS_REFLECTOR_LIST_MAX;
	init_path(r, &path);
	if (!r->more)
		cs_mirror_begin(&r->mirror);
	if (!r->whole)
		cs_path_query(&path, "limit", PAGE_LIMIT);
	if (r->more)
		cs_path_query(&path, "continue", r->more);
	open_request(r, now, path.data, LIST_ACCEPT, max);
}

static void enter_watch(struct cs_reflector *r, struct cs_time now)
{
	CS_AUTO_BUFFER struct cs_buffer path;
	init_path(r, &path);
	cs_path_query(&path, "resourceVersion", r->version);
	open_watch(r, now, &path);
}

static void (*const enter[STATE_COUNT])(struct cs_reflector *r, struct cs_time now) = {
	[STREAM] = enter_stream,
	[PAGE] = enter_page,
	[WATCH] = enter_watch,
};

static void run_hook(struct cs_reflector *r, struct cs_time now)
{
	if (enter[r->state])
		enter[r->state](r, now);
}

// ---- transitions ----

static void leave(struct cs_reflector *r)
{
	cs_mirror_flush(&r->mirror);
	if (r->call)
		cs_transport_cancel(r->options.transport, r->call);
	r->call = NULL;
}

static void set_more(struct cs_reflector *r, const char *token)
{
	char *more = token && *token ? cs_strdup(token) : NULL;
	free(r->more);
	r->more = more;
}

// As client-go's exponential back-off: 0.8 s, doubled to 30 s, times 1 to 2.
static int64_t next_backoff(struct cs_reflector *r, struct cs_time now, int64_t at_least)
{
	if (now.boot - r->backed_off > BACKOFF_RESET)
		r->backoff = BACKOFF_FIRST;
	int64_t wait = cs_random_jitter(r->options.random, r->backoff, 1.0);
	r->backoff = r->backoff * 2 < BACKOFF_MAX ? r->backoff * 2 : BACKOFF_MAX;
	wait = wait > at_least ? wait : at_least;
	r->backed_off = now.boot + wait;
	return wait;
}

static int64_t wait_for(struct cs_reflector *r, struct cs_time now, unsigned flags,
			int64_t at_least)
{
	if (!(flags & (BACKOFF | PAUSE)))
		return 0;
	r->stats.failures++;
	return flags & BACKOFF ? next_backoff(r, now, at_least)
			       : cs_random_jitter(r->options.random, BACKOFF_FIRST, 1.0);
}

// A problem with the words for it: what follows says more.
struct problem {
	enum input input;
	const char *words;   // NULL = nothing to tell
	int64_t retry_after; // ns, 0 = not said
};

// Failures which no event came between become STUCK, so that none repeats for ever.
static enum input count_fruitless(struct cs_reflector *r, enum input input)
{
	if (r->state == PAGE && input == EXPIRED && r->whole)
		return FAILURE; // there is no token that could have expired
	bool counts = input == SHORT || input == FAILURE || input == GARBAGE || input == SILENT;
	if (!counts || r->state == STREAM)
		return input;
	if (++r->fruitless < FRUITLESS_MAX)
		return input;
	r->fruitless = 0;
	return STUCK;
}

static const char *const state_words[STATE_COUNT] = {
	[STREAM] = "watch with initial events",
	[PAGE] = "list",
	[WATCH] = "watch",
};

// The only place where the state changes but hold.
static void step(struct cs_reflector *r, struct cs_time now, const struct problem *problem)
{
	enum input input = count_fruitless(r, problem->input);
	const struct rule *rule = &rules[r->state][input];
	if (rule->next == NONE)
		return;
	int64_t wait = wait_for(r, now, rule->flags, problem->retry_after);
	if (problem->words)
		cs_mirror_notice(&r->mirror, CS_LOG_WARNING, "%s ended: %s; next: %s in %.1f s",
				 state_words[r->state], problem->words, state_words[rule->next],
				 (double)wait / CS_SECOND);
	if (!(rule->flags & STAY))
		leave(r);
	if (rule->flags & AGAIN) {
		set_more(r, NULL);
		r->whole = rule->flags & WHOLE;
	}
	r->fresh = r->fresh || rule->flags & FRESH;
	r->state = rule->flags & (BACKOFF | PAUSE) ? WAIT : rule->next;
	r->after = rule->next;
	r->until = now.boot + wait;
	if (!(rule->flags & STAY))
		run_hook(r, now);
}

static void step_plain(struct cs_reflector *r, struct cs_time now, enum input input)
{
	step(r, now, &(struct problem){ .input = input });
}

static void step_words(struct cs_reflector *r, struct cs_time now, enum input input,
		       const char *words)
{
	step(r, now, &(struct problem){ .input = input, .words = words });
}

static enum input classify(const struct cs_status *status)
{
	if (status->code == 410)
		return EXPIRED;
	if (status->version_too_large)
		return AHEAD;
	if (status->code == 429 || (status->code >= 500 && status->retry_after > 0))
		return BUSY;
	return status->code >= 500 ? FAILURE : REFUSAL;
}

static void step_status(struct cs_reflector *r, struct cs_time now, const struct cs_status *status)
{
	struct problem problem = {
		.input = classify(status),
		.words = status->message,
		.retry_after = status->retry_after,
	};
	step(r, now, &problem);
	cs_arena_reset(r->scratch);
}

// ---- versions ----

static bool is_version(const char *version)
{
	return version && *version && strlen(version) < VERSION_MAX;
}

static void set_version(struct cs_reflector *r, const char *version)
{
	if (is_version(version))
		snprintf(r->version, sizeof(r->version), "%s", version);
}

// A watch that breaks is opened again from its last object's version on.
static void follow(struct cs_reflector *r, const char *version)
{
	if (r->state == WATCH)
		set_version(r, version);
}

// All that exists has been told.
static void finish_list(struct cs_reflector *r, const char *version)
{
	cs_mirror_sweep(&r->mirror);
	set_version(r, version);
	r->stats.lists++;
	set_more(r, NULL);
}

// ---- events of a watch ----

// Each event returns false when it has ended the request.
static bool on_present(struct cs_reflector *r, struct cs_time now, struct cs_slice object)
{
	struct cs_slice raw;
	(void)now;
	if (cs_mirror_open(&r->mirror, object, &raw))
		follow(r, cs_mirror_present(&r->mirror, raw));
	return true;
}

static bool on_deleted(struct cs_reflector *r, struct cs_time now, struct cs_slice object)
{
	struct cs_slice raw;
	(void)now;
	if (cs_mirror_open(&r->mirror, object, &raw))
		follow(r, cs_mirror_deleted(&r->mirror, raw));
	return true;
}

static bool on_bookmark(struct cs_reflector *r, struct cs_time now, struct cs_slice object)
{
	struct cs_slice raw;
	if (!cs_mirror_open(&r->mirror, object, &raw))
		return true;
	const Kube__ObjectMeta *meta = cs_object_peek(raw, r->scratch);
	if (!meta)
		return true;
	const char *end =
		cs_labels_get(meta->annotations, meta->n_annotations, "k8s.io/initial-events-end");
	r->bookmarks = true;
	if (r->state == WATCH) {
		set_version(r, meta->resource_version);
		return true;
	}
	if (!cs_string_equal(end, "true"))
		return true;
	if (!is_version(meta->resource_version)) {
		step_words(r, now, GARBAGE, "the bookmark has no usable resourceVersion");
		return false;
	}
	finish_list(r, meta->resource_version);
	step_plain(r, now, SYNCED);
	return true;
}

static bool on_error(struct cs_reflector *r, struct cs_time now, struct cs_slice object)
{
	struct cs_status status = cs_status_of_event(object, r->scratch);
	step_status(r, now, &status);
	return false;
}

static const struct {
	struct cs_slice type;
	bool (*take)(struct cs_reflector *r, struct cs_time now, struct cs_slice object);
} event_types[] = {
	{ CS_SLICE("ADDED"), on_present },   { CS_SLICE("MODIFIED"), on_present },
	{ CS_SLICE("DELETED"), on_deleted }, { CS_SLICE("BOOKMARK"), on_bookmark },
	{ CS_SLICE("ERROR"), on_error },
};

static bool take_unreadable(struct cs_reflector *r, struct cs_time now,
			    const struct cs_protobuf_frame *frame, const char *why)
{
	if (++r->skipped >= SKIPPED_MAX) {
		r->skipped = 0;
		step_words(r, now, GARBAGE, why);
		return false;
	}
	cs_mirror_skip(&r->mirror, frame->object, why);
	return true;
}

static bool take_event(struct cs_reflector *r, struct cs_time now,
		       const struct cs_protobuf_frame *frame)
{
	r->skipped = 0;
	for (size_t i = 0; i < CS_ARRAY_LENGTH(event_types); i++) {
		if (!cs_slice_equal(frame->type, event_types[i].type))
			continue;
		if (event_types[i].take != on_error) {
			r->events++;
			r->fruitless = 0;
		}
		return event_types[i].take(r, now, frame->object);
	}
	struct cs_error err;
	cs_error_set(&err, -EBADMSG, "its type \"%.*s\" is unknown",
		     (int)(frame->type.size < 32 ? frame->type.size : 32), frame->type.data);
	cs_mirror_skip(&r->mirror, frame->object, err.text);
	return true;
}

static void on_data(void *user, struct cs_time now, struct cs_buffer *in)
{
	struct cs_reflector *r = user;
	struct cs_protobuf_frame frame;
	struct cs_error err;
	size_t used = 0;
	int n;
	r->quiet_since = r->stats.last_data = now.boot;
	r->warn_at = r->warn_at == INT64_MAX ? INT64_MAX : now.boot + BOOKMARK_WARN;
	if (r->state == PAGE)
		return; // read as a whole when it is there
	for (;;) {
		struct cs_slice rest = { in->data + used, in->size - used };
		n = cs_protobuf_next_frame(rest, &frame, &err);
		if (n <= 0)
			break;
		used += frame.used;
		cs_arena_reset(r->scratch);
		if (!(frame.type.size ? take_event(r, now, &frame)
				      : take_unreadable(r, now, &frame, err.text)))
			return; // the call and its buffer are gone
	}
	if (n < 0) {
		step_words(r, now, GARBAGE, err.text);
		return;
	}
	cs_buffer_consume(in, used);
	cs_mirror_flush(&r->mirror);
}

// ---- ends of responses ----

static void take_list(struct cs_reflector *r, struct cs_time now, const Kube__List *list)
{
	const Kube__ListMeta *meta = list->metadata;
	for (size_t i = 0; i < list->n_items; i++) {
		struct cs_slice raw = cs_protobuf_bytes(list->items[i]);
		cs_mirror_present(&r->mirror, raw);
	}
	r->fruitless = 0;
	if (meta->continue_ && *meta->continue_) {
		set_more(r, meta->continue_);
		step_plain(r, now, MORE);
	} else {
		finish_list(r, meta->resource_version);
		step_plain(r, now, LISTED);
	}
}

static int open_list(struct cs_reflector *r, const struct cs_response *response,
		     const Kube__List **ret, struct cs_error *err)
{
	Kube__Unknown envelope;
	ProtobufCMessage *message = NULL;
	char expected[80];
	if (!response->protobuf)
		return cs_error_set(err, -EBADMSG, "the server did not answer in protobuf");
	int n = cs_protobuf_read_envelope(response->body, r->scratch, &envelope, err);
	if (n < 0)
		return n;
	snprintf(expected, sizeof(expected), "%sList", r->kind->kind);
	if (!envelope.type_meta || !cs_string_equal(envelope.type_meta->kind, expected))
		return cs_error_set(err, -EBADMSG, "the answer is not a %s", expected);
	struct cs_slice raw = cs_protobuf_bytes(envelope.raw);
	n = cs_protobuf_read(&kube__list__descriptor, raw, r->scratch, &message, err);
	*ret = (const Kube__List *)message;
	if (n == 0 && (!(*ret)->metadata || !is_version((*ret)->metadata->resource_version)))
		return cs_error_set(err, -EBADMSG, "the list has no usable resourceVersion");
	return n;
}

static void end_list(struct cs_reflector *r, struct cs_time now, const struct cs_response *response)
{
	const Kube__List *list;
	struct cs_error err;
	if (open_list(r, response, &list, &err) < 0)
		step_words(r, now, GARBAGE, err.text);
	else
		take_list(r, now, list);
}

// A watch that ended, whether the server said goodbye or not: what it told holds.
static void end_watch(struct cs_reflector *r, struct cs_time now,
		      const struct cs_response *response)
{
	bool lasted = now.boot - r->opened >= SHORT_WATCH;
	r->quick = lasted ? 0 : r->quick + 1;
	bool lived = lasted || r->events > 0;
	if (response->error == -EMSGSIZE)
		step_words(r, now, GARBAGE, response->message);
	else if (lived && r->state == WATCH && r->quick >= QUICK_MAX)
		step_words(r, now, HASTY, "one of several very short watches");
	else if (lived && r->state == WATCH)
		step_plain(r, now, END);
	else if (lived)
		step_words(r, now, END, "ended before it had sent all that exists");
	else if (response->error)
		step_words(r, now, NETWORK, response->message);
	else
		step_words(r, now, SHORT, "very short watch");
}

static void end_broken(struct cs_reflector *r, struct cs_time now,
		       const struct cs_response *response)
{
	step_words(r, now, response->error == -EMSGSIZE ? GARBAGE : NETWORK, response->message);
}

static void on_done(void *user, struct cs_time now, const struct cs_response *response)
{
	struct cs_reflector *r = user;
	r->call = NULL;
	cs_arena_reset(r->scratch);
	if (response->status == 200 && r->state != PAGE) {
		end_watch(r, now, response);
	} else if (response->error) {
		end_broken(r, now, response);
	} else if (response->status == 200) {
		end_list(r, now, response);
	} else {
		struct cs_status status = cs_status_of(response, r->scratch);
		step_status(r, now, &status);
	}
	cs_mirror_flush(&r->mirror);
}

// ---- public ----

struct cs_reflector *cs_reflector_create(const struct cs_reflector_options *options)
{
	struct cs_reflector *r = cs_alloc(sizeof(*r));
	r->options = *options;
	r->kind = options->kind;
	r->state = IDLE;
	r->backoff = BACKOFF_FIRST;
	r->backed_off = INT64_MIN / 2;
	r->warn_at = INT64_MAX;
	r->scratch = cs_arena_create();
	cs_mirror_init(&r->mirror, &r->options, r->scratch);
	return r;
}

void cs_reflector_destroy(struct cs_reflector *r)
{
	if (!r)
		return;
	if (r->call)
		cs_transport_cancel(r->options.transport, r->call);
	cs_mirror_finish(&r->mirror);
	cs_arena_destroy(r->scratch);
	free(r->more);
	free(r);
}

// When the request counts as dead.
static int64_t silence_ends(const struct cs_reflector *r)
{
	if (r->state != WATCH)
		return r->quiet_since + LIST_SILENCE;
	int64_t end = r->closes + WATCH_GRACE;
	int64_t silence = r->options.watch_silence;
	int64_t quiet = r->quiet_since + (silence ? silence : CS_REFLECTOR_WATCH_SILENCE);
	return r->bookmarks && quiet < end ? quiet : end;
}

void cs_reflector_turn(struct cs_reflector *r, struct cs_time now)
{
	if (r->state == IDLE) {
		step_plain(r, now, GO);
	} else if (r->state == WAIT && now.boot >= r->until) {
		r->state = r->after;
		run_hook(r, now);
	} else if (r->call && now.boot >= silence_ends(r)) {
		step_words(r, now, SILENT, "no data from the server for too long");
	} else if (r->state == STREAM && now.boot >= r->warn_at) {
		r->warn_at = INT64_MAX;
		cs_mirror_notice(
			&r->mirror, CS_LOG_WARNING,
			"hasn't received required bookmark event marking the end of initial "
			"events stream, received last event %.0f s ago",
			(double)(now.boot - r->quiet_since) / CS_SECOND);
	}
}

int64_t cs_reflector_deadline(const struct cs_reflector *r)
{
	if (r->state == IDLE)
		return INT64_MIN;
	if (r->state == WAIT)
		return r->until;
	if (!r->call)
		return INT64_MAX;
	int64_t due = silence_ends(r);
	return r->state == STREAM && r->warn_at < due ? r->warn_at : due;
}

bool cs_reflector_synced(const struct cs_reflector *r)
{
	return r->mirror.synced;
}

void cs_reflector_hold(struct cs_reflector *r)
{
	leave(r);
	r->state = HELD;
}

void cs_reflector_resume(struct cs_reflector *r, struct cs_time now)
{
	if (r->state == HELD)
		step_plain(r, now, GO);
}

struct cs_reflector_stats cs_reflector_stats(const struct cs_reflector *r)
{
	struct cs_reflector_stats stats = r->stats;
	stats.objects = r->mirror.told;
	stats.undecodable = r->mirror.skipped;
	stats.known = cs_map_count(&r->mirror.known.map);
	return stats;
}
