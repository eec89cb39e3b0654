// The queue of writes: a list per kind in order of importance, a heap of those that wait, a token
// bucket, and for each kind a table of what an answer means.
// Neighbours: transport.h performs; reliability of bindings: a doubtful one is decided by a GET.
#include <csched/client/requests.h>

#include <errno.h>
#include <string.h>

#include <csched/base/heap.h>
#include <csched/base/list.h>
#include <csched/base/memory.h>
#include <csched/kube/protobuf.h>

#include "path.h"
#include "status.h"

#define RESPONSE_MAX (16u << 20) // a pod, or a refusal
#define BODY_MAX     (4u << 20)
#define WAIT_FIRST   (100 * CS_MILLISECOND)
#define WAIT_MAX     (10 * CS_SECOND)
#define DOUBT_MAX    (30 * CS_SECOND) // between GETs of a binding nobody knows about
#define CONFLICT_MAX 3                // 409s to a binding or patch that nothing explains

struct item {
	struct cs_list link;      // in a queue, or in `flying`
	struct cs_heap_link wait; // in the heap while `due` is ahead
	struct cs_requests *queue;
	enum cs_write_kind kind;
	bool patch;
	bool looking; // the next request is the GET that decides
	bool suspect; // the last exchange broke: use a new connection
	bool withdrawn;
	uint64_t ticket;
	char *namespace;
	char *name;
	char *uid;
	char *node;
	char *body;
	size_t body_size;
	char *whole; // of an event that is patched
	size_t whole_size;
	struct cs_transport_call *call;
	int64_t due;        // boot ns
	unsigned tries;     // of the write
	unsigned looks;     // GETs without an answer, in a row
	unsigned conflicts; // 409s
	int status;         // of the last answer to the write
	char *message;      // its words
};

struct cs_requests {
	struct cs_requests_options options;
	struct cs_list queues[CS_WRITE_KIND_COUNT]; // ready, in order of importance
	struct cs_list flying;
	struct cs_heap waiting;
	size_t n_flying;
	size_t n_queued;
	size_t n_events; // of n_queued
	bool withdrew;   // since the last turn
	double burst;
	double tokens;
	int64_t filled; // boot ns
	struct cs_requests_stats stats;
};

static struct item *of_link(struct cs_list *link)
{
	return CS_CONTAINER_OF(link, struct item, link);
}

static struct item *of_wait(const struct cs_heap_link *wait)
{
	return CS_CONTAINER_OF((struct cs_heap_link *)(uintptr_t)wait, struct item, wait);
}

static bool due_before(const struct cs_heap_link *a, const struct cs_heap_link *b)
{
	return of_wait(a)->due < of_wait(b)->due;
}

// ---- items ----

static char *copy_string(const char *s)
{
	return cs_strdup(s ? s : "");
}

static struct item *new_item(struct cs_requests *q, const struct cs_write *write)
{
	struct item *item = cs_alloc(sizeof(*item));
	*item = (struct item){
		.queue = q,
		.kind = write->kind,
		.patch = write->patch,
		.ticket = write->ticket,
		.namespace = copy_string(write->namespace),
		.name = copy_string(write->name),
		.uid = copy_string(write->uid),
		.node = copy_string(write->node),
		.body = write->body_size ? cs_strndup(write->body, write->body_size) : NULL,
		.body_size = write->body_size,
		.whole = write->whole_size ? cs_strndup(write->whole, write->whole_size) : NULL,
		.whole_size = write->whole_size,
		.wait.index = CS_HEAP_OUT,
		.message = cs_strdup(""),
	};
	cs_list_init(&item->link);
	return item;
}

static void free_item(struct item *item)
{
	cs_list_remove(&item->link);
	free(item->namespace);
	free(item->name);
	free(item->uid);
	free(item->node);
	free(item->body);
	free(item->whole);
	free(item->message);
	free(item);
}

// Puts an item in a queue; `front` for what was in flight before.
static void enqueue(struct item *item, bool front)
{
	struct cs_requests *q = item->queue;
	struct cs_list *queue = &q->queues[item->kind];
	cs_list_append(front ? queue->next : queue, &item->link);
	q->n_queued++;
	q->n_events += item->kind == CS_WRITE_EVENT;
}

static void dequeue(struct item *item)
{
	struct cs_requests *q = item->queue;
	cs_list_remove(&item->link);
	q->n_queued--;
	q->n_events -= item->kind == CS_WRITE_EVENT;
}

// Says how a write ended and forgets it. It is in no queue any more.
static void finish(struct item *item, enum cs_write_outcome outcome, const char *node)
{
	struct cs_requests *q = item->queue;
	struct cs_write_result result = {
		.ticket = item->ticket,
		.kind = item->kind,
		.outcome = outcome,
		.status = item->status,
		.node = node,
		.message = item->message,
	};
	q->options.written(q->options.user, &result);
	free_item(item);
}

static void set_message(struct item *item, const char *words)
{
	char *message = cs_strdup(words);
	free(item->message);
	item->message = message;
}

// Sends the item again, doubling from WAIT_FIRST with jitter, at least `at_least` ns from now.
static void retry(struct item *item, struct cs_time now, unsigned nth, int64_t max,
		  int64_t at_least)
{
	struct cs_requests *q = item->queue;
	int64_t wait = WAIT_FIRST;
	while (nth-- > 1 && wait < max)
		wait *= 2;
	wait = cs_random_jitter(q->options.random, wait < max ? wait : max, 1.0);
	item->due = now.boot + (wait > at_least ? wait : at_least);
	cs_heap_push(&q->waiting, &item->wait);
	q->n_queued++;
	q->n_events += item->kind == CS_WRITE_EVENT;
	q->stats.retries++;
}

static void finish_withdrawn(struct item *item)
{
	set_message(item, "the binding was withdrawn before it was sent: its node or pod is gone");
	finish(item, CS_WRITE_FAILED, NULL);
}

// ---- what answers mean ----

enum verdict {
	VERDICT_DONE,
	VERDICT_AGAIN, // it was not done, and may be tried again
	VERDICT_DOUBT, // it may have been done
	VERDICT_CONFLICT,
	VERDICT_GONE,
	VERDICT_REFUSED,
};

// The first row that fits decides. Status 0 is a request without an answer; 599 stands for all 5xx.
struct meaning {
	int from, to; // status, both included
	enum verdict verdict;
};

static const struct meaning bind_meanings[] = {
	{ 200, 299, VERDICT_DONE },  { 0, 0, VERDICT_DOUBT },     { 404, 404, VERDICT_GONE },
	{ 409, 409, VERDICT_DOUBT }, { 429, 429, VERDICT_AGAIN }, { 500, 599, VERDICT_DOUBT },
	{ 0, 999, VERDICT_REFUSED },
};

// A patch says what shall hold: repeating it does no harm.
static const struct meaning status_meanings[] = {
	{ 200, 299, VERDICT_DONE },     { 0, 0, VERDICT_AGAIN },     { 404, 404, VERDICT_GONE },
	{ 409, 409, VERDICT_CONFLICT }, { 429, 429, VERDICT_AGAIN }, { 500, 599, VERDICT_AGAIN },
	{ 0, 999, VERDICT_REFUSED },
};

// An event's name is unique: that it exists already means that an earlier try arrived.
static const struct meaning event_meanings[] = {
	{ 200, 299, VERDICT_DONE },  { 0, 0, VERDICT_AGAIN },     { 404, 404, VERDICT_GONE },
	{ 409, 409, VERDICT_DONE },  { 429, 429, VERDICT_AGAIN }, { 500, 599, VERDICT_AGAIN },
	{ 0, 999, VERDICT_REFUSED },
};

static const struct meaning *const meanings[CS_WRITE_KIND_COUNT] = {
	[CS_WRITE_BIND] = bind_meanings,
	[CS_WRITE_STATUS] = status_meanings,
	[CS_WRITE_EVENT] = event_meanings,
};

static enum verdict judge(enum cs_write_kind kind, int status)
{
	const struct meaning *row = meanings[kind];
	while (status < row->from || status > row->to)
		row++;
	return row->verdict;
}

// ---- the GET that decides a binding ----

static const Kube__Pod *read_pod(const struct cs_response *response, struct cs_arena *arena)
{
	Kube__Unknown envelope;
	ProtobufCMessage *message = NULL;
	if (!response->protobuf ||
	    cs_protobuf_read_envelope(response->body, arena, &envelope, NULL) < 0)
		return NULL;
	struct cs_slice raw = cs_protobuf_bytes(envelope.raw);
	if (cs_protobuf_read(&kube__pod__descriptor, raw, arena, &message, NULL) < 0)
		return NULL;
	const Kube__Pod *pod = (const Kube__Pod *)message;
	return pod->metadata && pod->metadata->uid ? pod : NULL;
}

// The pod is known to be unbound: whether it is worth another try.
static void resolve_unbound(struct item *item, struct cs_time now, const Kube__Pod *pod)
{
	bool conflict = item->status == 409;
	item->conflicts += conflict;
	if (pod->metadata->deletion_timestamp || (conflict && item->conflicts >= CONFLICT_MAX)) {
		finish(item, CS_WRITE_REFUSED, NULL);
	} else if (item->withdrawn) {
		finish_withdrawn(item);
	} else if (item->tries >= CS_REQUESTS_TRIES_MAX) {
		finish(item, CS_WRITE_FAILED, NULL);
	} else {
		item->looking = false;
		retry(item, now, item->tries, WAIT_MAX, 0);
	}
}

static void resolve(struct item *item, struct cs_time now, const Kube__Pod *pod)
{
	const char *node = pod->spec ? pod->spec->node_name : NULL;
	item->queue->stats.resolved++;
	if (strcmp(pod->metadata->uid, item->uid) != 0)
		finish(item, CS_WRITE_GONE, NULL);
	else if (!node || !*node)
		resolve_unbound(item, now, pod);
	else if (strcmp(node, item->node) == 0)
		finish(item, CS_WRITE_DONE, NULL);
	else
		finish(item, CS_WRITE_ELSEWHERE, node);
}

// Goes on looking for ever: what a binding came to is never guessed.
static void after_look(struct item *item, struct cs_time now, const struct cs_response *response)
{
	struct cs_arena *arena = cs_arena_create();
	bool answered = !response->error && response->status == 200;
	const Kube__Pod *pod = answered ? read_pod(response, arena) : NULL;
	if (pod) {
		resolve(item, now, pod);
	} else if (!response->error && response->status == 404) {
		item->queue->stats.resolved++;
		finish(item, CS_WRITE_GONE, NULL);
	} else {
		retry(item, now, ++item->looks, DOUBT_MAX, response->retry_after);
	}
	cs_arena_destroy(arena);
}

static void look(struct item *item, struct cs_time now, int64_t retry_after)
{
	item->looking = true;
	item->looks = 0;
	if (item->status == 409) // it is settled: no use to wait
		enqueue(item, true);
	else
		retry(item, now, item->tries, WAIT_MAX, retry_after);
}

static void try_again(struct item *item, struct cs_time now, int64_t retry_after)
{
	if (item->withdrawn)
		finish_withdrawn(item);
	else if (item->tries >= CS_REQUESTS_TRIES_MAX)
		finish(item, CS_WRITE_FAILED, NULL);
	else
		retry(item, now, item->tries, WAIT_MAX, retry_after);
}

// The event that was to be patched is not there any more: a patch becomes the whole.
static bool create_instead(struct item *item)
{
	if (!item->whole)
		return false;
	free(item->body);
	item->body = CS_TAKE(item->whole);
	item->body_size = item->whole_size;
	item->patch = false;
	enqueue(item, true);
	return true;
}

static void after_write(struct item *item, struct cs_time now, const struct cs_response *response)
{
	struct cs_arena *arena = cs_arena_create();
	int64_t retry_after = response->retry_after;
	item->status = response->error ? 0 : response->status;
	if (item->status / 100 == 2 && item->kind == CS_WRITE_BIND &&
	    !cs_status_is_one(response, arena))
		item->status = 0; // not the API server's words: as good as no answer
	if (item->status / 100 != 2) {
		struct cs_status status = cs_status_of(response, arena);
		set_message(item, status.message);
		retry_after = status.retry_after;
	}
	cs_arena_destroy(arena);
	switch (judge(item->kind, item->status)) {
	case VERDICT_DONE:
		finish(item, CS_WRITE_DONE, NULL);
		break;
	case VERDICT_GONE:
		if (!create_instead(item))
			finish(item, CS_WRITE_GONE, NULL);
		break;
	case VERDICT_REFUSED:
		finish(item, CS_WRITE_REFUSED, NULL);
		break;
	case VERDICT_DOUBT:
		look(item, now, retry_after);
		break;
	case VERDICT_CONFLICT:
		if (++item->conflicts >= CONFLICT_MAX)
			finish(item, CS_WRITE_REFUSED, NULL);
		else
			try_again(item, now, retry_after);
		break;
	case VERDICT_AGAIN:
		try_again(item, now, retry_after);
		break;
	}
}

static void on_done(void *user, struct cs_time now, const struct cs_response *response)
{
	struct item *item = user;
	item->call = NULL;
	cs_list_remove(&item->link);
	item->queue->n_flying--;
	item->suspect = response->error && !response->refused;
	if (item->looking)
		after_look(item, now, response);
	else
		after_write(item, now, response);
}

static const struct cs_handler handler = { .done = on_done };

// ---- sending ----

static void write_binding(const struct item *item, struct cs_buffer *out)
{
	Kube__Binding binding = KUBE__BINDING__INIT;
	Kube__ObjectMeta meta = KUBE__OBJECT_META__INIT;
	Kube__ObjectReference target = KUBE__OBJECT_REFERENCE__INIT;
	static char node_kind[] = "Node";
	meta.namespace_ = item->namespace;
	meta.name = item->name;
	meta.uid = item->uid; // the precondition: not a pod of the same name that came later
	target.kind = node_kind;
	target.name = item->node;
	binding.metadata = &meta;
	binding.target = &target;
	cs_protobuf_write(&cs_kind_binding, &binding.base, out, NULL);
}

static void make_look(const struct item *item, struct cs_request *request, struct cs_buffer *path)
{
	request->method = CS_METHOD_GET;
	cs_path_init(path, &cs_kind_pod, item->namespace);
	cs_path_segment(path, item->name);
}

static void make_write(const struct item *item, struct cs_request *request, struct cs_buffer *path,
		       struct cs_buffer *body)
{
	bool event = item->kind == CS_WRITE_EVENT;
	cs_path_init(path, event ? &cs_kind_event : &cs_kind_pod, item->namespace);
	if (!event || item->patch)
		cs_path_segment(path, item->name);
	request->method = CS_METHOD_POST;
	request->content_type = CS_PROTOBUF_CONTENT_TYPE;
	if (item->kind == CS_WRITE_BIND) {
		cs_path_segment(path, "binding");
		write_binding(item, body);
		return;
	}
	if (item->kind == CS_WRITE_STATUS) {
		cs_path_segment(path, "status");
		request->method = CS_METHOD_PATCH;
		request->content_type = "application/strategic-merge-patch+json";
	} else if (item->patch) {
		request->method = CS_METHOD_PATCH;
		request->content_type = "application/merge-patch+json";
	}
	cs_buffer_append(body, item->body, item->body_size);
}

static void start(struct item *item)
{
	struct cs_requests *q = item->queue;
	CS_AUTO_BUFFER struct cs_buffer path;
	CS_AUTO_BUFFER struct cs_buffer body;
	struct cs_request request = {
		.timeout = CS_REQUESTS_TIMEOUT,
		.body_max = RESPONSE_MAX,
		.handler = &handler,
		.user = item,
		.fresh = item->suspect,
	};
	cs_buffer_init(&body, BODY_MAX);
	if (item->looking) {
		make_look(item, &request, &path);
	} else {
		make_write(item, &request, &path, &body);
		item->tries++;
	}
	request.path = path.data;
	request.body = cs_buffer_slice(&body);
	cs_list_append(&q->flying, &item->link);
	q->n_flying++;
	item->call = cs_transport_start(q->options.transport, &request);
}

// ---- turns ----

static void fill_bucket(struct cs_requests *q, struct cs_time now)
{
	double elapsed = (double)(now.boot - q->filled) / CS_SECOND;
	q->tokens += elapsed * q->options.qps;
	if (q->tokens > q->burst)
		q->tokens = q->burst;
	q->filled = now.boot;
}

static bool may_start(const struct cs_requests *q)
{
	if (q->n_flying >= CS_REQUESTS_IN_FLIGHT_MAX)
		return false;
	return q->options.qps <= 0 || q->tokens >= 1;
}

static struct item *next_ready(const struct cs_requests *q)
{
	for (size_t i = 0; i < CS_WRITE_KIND_COUNT; i++)
		if (!cs_list_empty(&q->queues[i]))
			return of_link(q->queues[i].next);
	return NULL;
}

static void wake_due(struct cs_requests *q, struct cs_time now)
{
	struct cs_heap_link *first;
	while ((first = cs_heap_peek(&q->waiting)) && of_wait(first)->due <= now.boot) {
		struct item *item = of_wait(cs_heap_pop(&q->waiting));
		q->n_queued--;
		q->n_events -= item->kind == CS_WRITE_EVENT;
		enqueue(item, true);
	}
}

static void drop_old_events(struct cs_requests *q)
{
	CS_LIST_FOR_EACH (link, &q->queues[CS_WRITE_EVENT]) {
		struct item *item = of_link(link);
		if (q->n_events <= CS_REQUESTS_EVENTS_MAX)
			return;
		dequeue(item);
		set_message(item, "more than 1000 events were waiting: the oldest is dropped");
		q->stats.dropped_events++;
		finish(item, CS_WRITE_FAILED, NULL);
	}
}

// No token is waited for: nothing is sent.
static void drop_withdrawn(struct cs_requests *q)
{
	if (!q->withdrew)
		return;
	q->withdrew = false;
	CS_LIST_FOR_EACH (link, &q->queues[CS_WRITE_BIND]) {
		struct item *item = of_link(link);
		if (!item->withdrawn || item->looking)
			continue;
		dequeue(item);
		finish_withdrawn(item);
	}
}

static bool is_fenced(const struct item *item, struct cs_time now)
{
	const struct cs_requests_options *options = &item->queue->options;
	return item->kind == CS_WRITE_BIND && !item->looking && options->may_bind &&
	       !options->may_bind(options->user, now);
}

static void finish_fenced(struct cs_list *fenced)
{
	CS_LIST_FOR_EACH (link, fenced) {
		struct item *item = of_link(link);
		cs_list_remove(link);
		set_message(item, "this scheduler does not hold the lease");
		finish(item, CS_WRITE_FAILED, NULL);
	}
}

void cs_requests_turn(struct cs_requests *q, struct cs_time now)
{
	struct cs_list fenced;
	struct item *item;
	cs_list_init(&fenced);
	drop_old_events(q);
	drop_withdrawn(q);
	wake_due(q, now);
	fill_bucket(q, now);
	while (may_start(q) && (item = next_ready(q))) {
		dequeue(item);
		if (is_fenced(item, now)) {
			cs_list_append(&fenced, &item->link);
			continue;
		}
		q->tokens -= 1;
		start(item);
	}
	finish_fenced(&fenced);
}

int64_t cs_requests_deadline(const struct cs_requests *q)
{
	const struct cs_heap_link *first = cs_heap_peek(&q->waiting);
	int64_t due = first ? of_wait(first)->due : INT64_MAX;
	if (q->withdrew)
		return INT64_MIN;
	if (q->n_flying >= CS_REQUESTS_IN_FLIGHT_MAX)
		return INT64_MAX; // an answer comes first
	if (!next_ready(q))
		return due;
	if (may_start(q))
		return INT64_MIN;
	int64_t token = q->filled + (int64_t)((1 - q->tokens) / q->options.qps * CS_SECOND) + 1;
	return token < due ? token : due;
}

// ---- public ----

struct cs_requests *cs_requests_create(const struct cs_requests_options *options)
{
	struct cs_requests *q = cs_alloc(sizeof(*q));
	q->options = *options;
	q->burst = options->burst > 0 ? options->burst : 1;
	q->tokens = q->burst;
	for (size_t i = 0; i < CS_WRITE_KIND_COUNT; i++)
		cs_list_init(&q->queues[i]);
	cs_list_init(&q->flying);
	cs_heap_init(&q->waiting, due_before);
	return q;
}

static void free_list(struct cs_list *list)
{
	CS_LIST_FOR_EACH (link, list) {
		struct item *item = of_link(link);
		if (item->call)
			cs_transport_cancel(item->queue->options.transport, item->call);
		free_item(item);
	}
}

void cs_requests_destroy(struct cs_requests *q)
{
	if (!q)
		return;
	struct cs_heap_link *wait;
	while ((wait = cs_heap_pop(&q->waiting)))
		free_item(of_wait(wait));
	for (size_t i = 0; i < CS_WRITE_KIND_COUNT; i++)
		free_list(&q->queues[i]);
	free_list(&q->flying);
	cs_heap_finish(&q->waiting);
	free(q);
}

static struct item *find_in(struct cs_list *list, uint64_t ticket)
{
	CS_LIST_FOR_EACH (link, list)
		if (of_link(link)->kind == CS_WRITE_BIND && of_link(link)->ticket == ticket)
			return of_link(link);
	return NULL;
}

static struct item *find_waiting(const struct cs_requests *q, uint64_t ticket)
{
	for (size_t i = 0; i < q->waiting.count; i++) {
		struct item *item = of_wait(q->waiting.items[i]);
		if (item->kind == CS_WRITE_BIND && item->ticket == ticket)
			return item;
	}
	return NULL;
}

// One that was sent is marked, so that it is not sent again.
static void withdraw(struct cs_requests *q, uint64_t ticket)
{
	struct item *waiting = find_waiting(q, ticket);
	struct item *item = waiting;
	if (!item)
		item = find_in(&q->queues[CS_WRITE_BIND], ticket);
	if (!item)
		item = find_in(&q->flying, ticket);
	if (!item)
		return;
	item->withdrawn = true;
	q->withdrew = true;
	if (waiting && !waiting->looking) {
		cs_heap_remove(&q->waiting, &waiting->wait);
		q->n_queued--;
		enqueue(waiting, false);
	}
}

void cs_requests_send(struct cs_requests *q, const struct cs_write *write)
{
	if (write->withdraw)
		withdraw(q, write->ticket);
	else
		enqueue(new_item(q, write), false);
}

struct cs_requests_stats cs_requests_stats(const struct cs_requests *q)
{
	struct cs_requests_stats stats = q->stats;
	stats.queued = q->n_queued;
	stats.in_flight = q->n_flying;
	return stats;
}
