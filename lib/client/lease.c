// Leader election: acquire, renew, lose, release. One attempt at a time, a step per response.
// Neighbours: transport.h performs; client.c turns this before all else.
// Mirrors k8s.io/client-go/tools/leaderelection, but measures time by a clock that never jumps and
// counts a renewal from when it was sent.
#include <csched/client/lease.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <csched/base/memory.h>
#include <csched/kube/protobuf.h>
#include <csched/kube/timestamp.h>

#include "path.h"
#include "status.h"

#define JITTER          1.2             // of the retry period while acquiring
#define ANSWER_MAX      (3 * CS_SECOND) // then the request is repeated on a new connection
#define REQUEST_MIN     (1 * CS_SECOND)
#define RESPONSE_MAX    (1u << 20)
#define RELEASE_PERIOD  (250 * CS_MILLISECOND)
#define WATCHDOG_MARGIN (20 * CS_SECOND)

enum phase {
	PHASE_WAIT,     // until `due`
	PHASE_FAST_PUT, // renewing what we saw last, without looking first
	PHASE_GET,      // looking
	PHASE_POST,     // there is no lease: making it
	PHASE_PUT,      // taking or renewing after a look
	PHASE_FREE_GET, // looking before giving up the lease
	PHASE_FREE_PUT, // giving it up
	PHASE_OVER,     // lost, or released
	PHASE_COUNT,
};

// What decides who holds a lease: upstream's LeaderElectionRecord.
struct record {
	char *holder;
	int64_t duration; // ns
	int64_t acquired; // Unix ns
	int64_t renewed;  // Unix ns
	int32_t transitions;
};

struct cs_lease {
	struct cs_lease_options options;
	char *namespace;
	char *name;
	char *identity;
	enum phase phase;
	struct cs_transport_call *call;
	bool repeated; // this request, on a new connection
	int64_t due;   // boot ns
	int64_t sent;  // boot ns: when the request under way was first sent
	int64_t sent_wall;
	int64_t round;   // boot ns: first attempt since the last success
	int64_t renewed; // boot ns: when the last successful renewal was sent
	bool leading;
	bool releasing;
	int64_t release_until;           // boot ns
	struct record seen;              // the last record, and
	int64_t observed;                // boot ns: when we saw it change
	struct cs_arena *arena;          // holds `last`
	Kube__Lease *last;               // the object as the server gave it last
	char problem[CS_ERROR_TEXT_MAX]; // the last one told, so that it is told once
};

__attribute__((format(printf, 3, 4))) static void notice(const struct cs_lease *l,
							 enum cs_log_severity severity,
							 const char *format, ...)
{
	char text[CS_ERROR_TEXT_MAX];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	l->options.notice(l->options.user, severity, text);
}

// Tells what stands in the way, unless it has just been told.
static void tell_problem(struct cs_lease *l, const char *words)
{
	if (strcmp(l->problem, words) == 0)
		return;
	snprintf(l->problem, sizeof(l->problem), "%s", words);
	notice(l, CS_LOG_WARNING, "lease %s/%s: %s", l->namespace, l->name, words);
}

// ---- records ----

static void record_finish(struct record *record)
{
	free(record->holder);
	*record = (struct record){ 0 };
}

// `holder` is borrowed from the lease.
static struct record record_of(const Kube__Lease *lease)
{
	const Kube__LeaseSpec *spec = lease->spec;
	if (!spec)
		return (struct record){ 0 };
	return (struct record){
		.holder = spec->holder_identity,
		.duration = spec->has_lease_duration_seconds
				    ? spec->lease_duration_seconds * CS_SECOND
				    : 0,
		.acquired = cs_timestamp_of_micro(spec->acquire_time),
		.renewed = cs_timestamp_of_micro(spec->renew_time),
		.transitions = spec->has_lease_transitions ? spec->lease_transitions : 0,
	};
}

static bool record_equal(const struct record *a, const struct record *b)
{
	return cs_string_equal(a->holder, b->holder) && a->duration == b->duration &&
	       a->acquired == b->acquired && a->renewed == b->renewed &&
	       a->transitions == b->transitions;
}

// Takes a copy as what was seen at `when`, and tells a new holder.
static void observe(struct cs_lease *l, const struct record *record, int64_t when)
{
	bool changed = !cs_string_equal(record->holder, l->seen.holder);
	char *holder = record->holder ? cs_strdup(record->holder) : NULL;
	record_finish(&l->seen);
	l->seen = *record;
	l->seen.holder = holder;
	l->observed = when;
	if (changed && holder && *holder)
		notice(l, CS_LOG_INFO, "new leader elected for lease %s/%s: %s", l->namespace,
		       l->name, holder);
}

static bool is_mine(const struct cs_lease *l)
{
	return cs_string_equal(l->seen.holder, l->identity);
}

// By our own clock, from when we saw the record change; never by the times in it.
static bool seen_is_valid(const struct cs_lease *l, struct cs_time now)
{
	return l->observed + l->seen.duration > now.boot;
}

// Keeps the object for the next PUT. False if it is not a lease.
static bool keep_last(struct cs_lease *l, const struct cs_response *response)
{
	Kube__Unknown envelope;
	ProtobufCMessage *message = NULL;
	struct cs_arena *arena = cs_arena_create();
	struct cs_error err = { 0 };
	if (cs_protobuf_read_envelope(response->body, arena, &envelope, &err) < 0 ||
	    cs_protobuf_read(&kube__lease__descriptor, cs_protobuf_bytes(envelope.raw), arena,
			     &message, &err) < 0 ||
	    !((Kube__Lease *)message)->metadata) {
		tell_problem(l, err.code ? err.text : "the server's answer is not a lease");
		cs_arena_destroy(arena);
		return false;
	}
	cs_arena_destroy(l->arena);
	l->arena = arena;
	l->last = (Kube__Lease *)message;
	return true;
}

// ---- requests ----

static void on_done(void *user, struct cs_time now, const struct cs_response *response);
static const struct cs_handler handler = { .done = on_done };

// client-go's client timeout: half of the renew deadline, at least a second.
static int64_t request_timeout(const struct cs_lease *l)
{
	int64_t half = l->options.settings.renew_deadline / 2;
	return half > REQUEST_MIN ? half : REQUEST_MIN;
}

static Kube__MicroTime *micro_time(Kube__MicroTime *time, int64_t ns)
{
	kube__micro_time__init(time);
	time->has_seconds = time->has_nanos = true;
	time->seconds = ns / CS_SECOND;
	time->nanos = (int32_t)(ns % CS_SECOND / CS_MICROSECOND * CS_MICROSECOND);
	return time;
}

// The record we want to see in the lease.
static struct record wanted_record(const struct cs_lease *l)
{
	struct record record = {
		.holder = l->identity,
		.duration = l->options.settings.duration,
		.acquired = l->sent_wall,
		.renewed = l->sent_wall,
		.transitions = l->seen.transitions,
	};
	if (l->phase == PHASE_POST) {
		record.transitions = 0;
	} else if (l->phase == PHASE_FREE_PUT) {
		static char nobody[] = "";
		record.holder = nobody;
		record.duration = CS_SECOND; // the API does not take 0
	} else if (is_mine(l)) {
		record.acquired = l->seen.acquired;
	} else {
		record.transitions = l->seen.transitions + 1;
	}
	return record;
}

// Writes the object: what the server gave last with our record in its spec.
static void write_lease(const struct cs_lease *l, struct cs_buffer *out)
{
	struct record record = wanted_record(l);
	Kube__Lease lease = KUBE__LEASE__INIT;
	Kube__ObjectMeta meta = KUBE__OBJECT_META__INIT;
	Kube__LeaseSpec spec = KUBE__LEASE_SPEC__INIT;
	Kube__MicroTime acquired, renewed;
	meta.namespace_ = l->namespace;
	meta.name = l->name;
	if (l->phase != PHASE_POST && l->last->spec)
		spec = *l->last->spec;
	spec.holder_identity = record.holder;
	spec.has_lease_duration_seconds = spec.has_lease_transitions = true;
	spec.lease_duration_seconds = (int32_t)(record.duration / CS_SECOND);
	spec.lease_transitions = record.transitions;
	spec.acquire_time = micro_time(&acquired, record.acquired);
	spec.renew_time = micro_time(&renewed, record.renewed);
	lease.metadata = l->phase == PHASE_POST ? &meta : l->last->metadata;
	lease.spec = &spec;
	cs_buffer_init(out, RESPONSE_MAX);
	cs_protobuf_write(&cs_kind_lease, &lease.base, out, NULL);
}

static const enum cs_method methods[PHASE_COUNT] = {
	[PHASE_FAST_PUT] = CS_METHOD_PUT, [PHASE_GET] = CS_METHOD_GET,
	[PHASE_POST] = CS_METHOD_POST,    [PHASE_PUT] = CS_METHOD_PUT,
	[PHASE_FREE_GET] = CS_METHOD_GET, [PHASE_FREE_PUT] = CS_METHOD_PUT,
};

static void send(struct cs_lease *l)
{
	CS_AUTO_BUFFER struct cs_buffer path;
	CS_AUTO_BUFFER struct cs_buffer body;
	bool get = methods[l->phase] == CS_METHOD_GET;
	int64_t timeout = request_timeout(l);
	cs_path_init(&path, &cs_kind_lease, l->namespace);
	if (l->phase != PHASE_POST)
		cs_path_segment(&path, l->name);
	if (get)
		cs_buffer_init(&body, 0);
	else
		write_lease(l, &body);
	if (!l->repeated && timeout > ANSWER_MAX)
		timeout = ANSWER_MAX;
	struct cs_request request = {
		.method = methods[l->phase],
		.path = path.data,
		.content_type = get ? NULL : CS_PROTOBUF_CONTENT_TYPE,
		.body = cs_buffer_slice(&body),
		.timeout = timeout,
		.body_max = RESPONSE_MAX,
		.fresh = l->repeated,
		.handler = &handler,
		.user = l,
	};
	l->call = cs_transport_start(l->options.transport, &request);
}

static void begin(struct cs_lease *l, struct cs_time now, enum phase phase)
{
	l->phase = phase;
	l->repeated = false;
	l->sent = now.boot;
	l->sent_wall = now.wall - now.wall % CS_MICROSECOND; // what a MicroTime holds
	send(l);
}

// ---- the two loops ----

static void cancel(struct cs_lease *l)
{
	if (l->call)
		cs_transport_cancel(l->options.transport, l->call);
	l->call = NULL;
}

static void lose(struct cs_lease *l, const char *reason)
{
	cancel(l);
	l->phase = PHASE_OVER;
	l->leading = false;
	l->options.leading(l->options.user, false, reason);
}

static void attempt_failed(struct cs_lease *l, struct cs_time now)
{
	int64_t period = l->options.settings.retry_period;
	l->phase = PHASE_WAIT;
	// While leading from attempt to attempt, so that a slow answer does not cost a try.
	l->due = l->leading ? l->due + period
			    : now.boot + cs_random_jitter(l->options.random, period, JITTER);
	if (l->due < now.boot)
		l->due = now.boot;
}

static void attempt_succeeded(struct cs_lease *l, struct cs_time now)
{
	struct record mine = wanted_record(l);
	observe(l, &mine, l->sent);
	l->renewed = l->sent;
	l->problem[0] = '\0';
	l->phase = PHASE_WAIT;
	l->due = now.boot + l->options.settings.retry_period;
	l->round = l->due;
	if (l->leading)
		return;
	l->leading = true;
	notice(l, CS_LOG_INFO, "successfully acquired lease %s/%s", l->namespace, l->name);
	l->options.leading(l->options.user, true, "successfully acquired lease");
}

// The fast path needs an object to put, a record of ours and that it is valid.
static void attempt(struct cs_lease *l, struct cs_time now)
{
	bool fast = l->leading && l->last && is_mine(l) && seen_is_valid(l, now);
	l->due = now.boot;
	begin(l, now, fast ? PHASE_FAST_PUT : PHASE_GET);
}

static void released(struct cs_lease *l)
{
	cancel(l);
	l->leading = false;
	l->phase = PHASE_OVER;
}

// ---- answers: one function per phase ----

static void told_refusal(struct cs_lease *l, const struct cs_response *response)
{
	struct cs_arena *arena = cs_arena_create();
	struct cs_status status = cs_status_of(response, arena);
	tell_problem(l, status.message);
	cs_arena_destroy(arena);
}

static bool succeeded(const struct cs_response *response)
{
	return !response->error && response->status / 100 == 2;
}

static void after_fast_put(struct cs_lease *l, struct cs_time now,
			   const struct cs_response *response)
{
	if (succeeded(response) && keep_last(l, response)) {
		attempt_succeeded(l, now);
		return;
	}
	if (response->error) // a refusal may be a conflict, which a look resolves
		told_refusal(l, response);
	begin(l, now, PHASE_GET);
}

static void after_write(struct cs_lease *l, struct cs_time now, const struct cs_response *response)
{
	if (!succeeded(response))
		told_refusal(l, response);
	else if (keep_last(l, response)) {
		attempt_succeeded(l, now);
		return;
	}
	attempt_failed(l, now);
}

static void after_get(struct cs_lease *l, struct cs_time now, const struct cs_response *response)
{
	if (!response->error && response->status == 404) {
		begin(l, now, PHASE_POST);
		return;
	}
	if (!succeeded(response)) {
		told_refusal(l, response);
		attempt_failed(l, now);
		return;
	}
	if (!keep_last(l, response)) {
		attempt_failed(l, now);
		return;
	}
	struct record record = record_of(l->last);
	if (!record_equal(&record, &l->seen))
		observe(l, &record, now.boot);
	bool held = l->seen.holder && *l->seen.holder && !is_mine(l) && seen_is_valid(l, now);
	if (held && l->leading)
		lose(l, "another holds the lease");
	else if (held)
		attempt_failed(l, now);
	else
		begin(l, now, PHASE_PUT);
}

static void wait_to_release(struct cs_lease *l, struct cs_time now)
{
	l->phase = PHASE_WAIT;
	l->due = now.boot + RELEASE_PERIOD;
}

static void after_free_get(struct cs_lease *l, struct cs_time now,
			   const struct cs_response *response)
{
	if (!response->error && response->status == 404) {
		released(l);
		return;
	}
	if (!succeeded(response) || !keep_last(l, response)) {
		wait_to_release(l, now);
		return;
	}
	struct record record = record_of(l->last);
	observe(l, &record, now.boot);
	if (is_mine(l))
		begin(l, now, PHASE_FREE_PUT);
	else
		released(l);
}

static void after_free_put(struct cs_lease *l, struct cs_time now,
			   const struct cs_response *response)
{
	if (succeeded(response))
		released(l);
	else
		wait_to_release(l, now); // perhaps somebody wrote between: look again
}

static void (*const after[PHASE_COUNT])(struct cs_lease *l, struct cs_time now,
					const struct cs_response *response) = {
	[PHASE_FAST_PUT] = after_fast_put, [PHASE_GET] = after_get,
	[PHASE_POST] = after_write,        [PHASE_PUT] = after_write,
	[PHASE_FREE_GET] = after_free_get, [PHASE_FREE_PUT] = after_free_put,
};

static void on_done(void *user, struct cs_time now, const struct cs_response *response)
{
	struct cs_lease *l = user;
	l->call = NULL;
	if (response->error && !response->refused && !l->repeated) {
		l->repeated = true;
		send(l);
		return;
	}
	after[l->phase](l, now, response);
}

// ---- public ----

// As k8s.io/apimachinery/pkg/api/validation/path: what no name in a path can be.
static int check_segment(const char *field, const char *name, struct cs_error *err)
{
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return cs_error_set(err, -EINVAL, "leaderElection.%s: may not be '%s'", field,
				    name);
	const char *bad = strpbrk(name, "/%");
	if (bad)
		return cs_error_set(err, -EINVAL, "leaderElection.%s: may not contain '%c'", field,
				    *bad);
	return 0;
}

int cs_lease_check(const struct cs_lease_settings *s, struct cs_error *err)
{
	if (s->retry_period <= 0 || s->renew_deadline <= 0 || s->duration < CS_SECOND)
		return cs_error_set(err, -EINVAL,
				    "leaderElection: leaseDuration, renewDeadline and retryPeriod "
				    "must be greater than zero");
	if (s->duration <= s->renew_deadline)
		return cs_error_set(err, -EINVAL,
				    "leaderElection.leaseDuration: must be greater than "
				    "renewDeadline");
	if ((double)s->renew_deadline <= JITTER * (double)s->retry_period)
		return cs_error_set(err, -EINVAL,
				    "leaderElection.renewDeadline: must be greater than 1.2 times "
				    "retryPeriod");
	if (cs_string_equal(s->identity, "") || cs_string_equal(s->name, "") ||
	    cs_string_equal(s->namespace, ""))
		return cs_error_set(err, -EINVAL,
				    "leaderElection: resourceNamespace, resourceName and the "
				    "identity must not be empty");
	int r = check_segment("resourceNamespace", s->namespace, err);
	return r < 0 ? r : check_segment("resourceName", s->name, err);
}

struct cs_lease *cs_lease_create(const struct cs_lease_options *options)
{
	struct cs_lease *l = cs_alloc(sizeof(*l));
	l->options = *options;
	l->namespace = cs_strdup(options->settings.namespace);
	l->name = cs_strdup(options->settings.name);
	l->identity = cs_strdup(options->settings.identity);
	l->options.settings.namespace = l->namespace;
	l->options.settings.name = l->name;
	l->options.settings.identity = l->identity;
	l->phase = PHASE_WAIT;
	l->due = INT64_MIN;
	return l;
}

void cs_lease_destroy(struct cs_lease *l)
{
	if (!l)
		return;
	cancel(l);
	record_finish(&l->seen);
	cs_arena_destroy(l->arena);
	free(l->namespace);
	free(l->name);
	free(l->identity);
	free(l);
}

// Upstream gives up renewDeadline after a round of attempts began. We do so too, but never later
// than another may take the lease, which counts from the renewal it saw.
static int64_t lost_at(const struct cs_lease *l)
{
	int64_t round = l->round + l->options.settings.renew_deadline;
	int64_t lease = l->renewed + l->options.settings.duration;
	return round < lease ? round : lease;
}

// Why the lease is being lost, where no answer has said it.
static void tell_silence(struct cs_lease *l, struct cs_time now)
{
	char words[80];
	if (!l->call)
		return;
	snprintf(words, sizeof(words), "the API server has not answered for %lld ms",
		 (long long)((now.boot - l->sent) / CS_MILLISECOND));
	tell_problem(l, words);
}

void cs_lease_turn(struct cs_lease *l, struct cs_time now)
{
	if (l->phase == PHASE_OVER)
		return;
	if (l->releasing && now.boot >= l->release_until) {
		tell_problem(l, "could not be released in time");
		released(l);
	} else if (!l->releasing && l->leading && now.boot >= lost_at(l)) {
		tell_silence(l, now);
		lose(l, "failed to renew lease: timed out waiting for the condition");
	} else if (l->phase == PHASE_WAIT && now.boot >= l->due) {
		if (l->due == INT64_MIN)
			notice(l, CS_LOG_INFO, "attempting to acquire leader lease %s/%s...",
			       l->namespace, l->name);
		if (l->releasing)
			begin(l, now, PHASE_FREE_GET);
		else
			attempt(l, now);
	}
}

int64_t cs_lease_deadline(const struct cs_lease *l)
{
	if (l->phase == PHASE_OVER)
		return INT64_MAX;
	int64_t due = l->phase == PHASE_WAIT ? l->due : INT64_MAX;
	int64_t end = INT64_MAX;
	if (l->releasing)
		end = l->release_until;
	else if (l->leading)
		end = lost_at(l);
	return due < end ? due : end;
}

bool cs_lease_valid(const struct cs_lease *l, struct cs_time now)
{
	return l->leading && !l->releasing &&
	       now.boot < l->renewed + l->options.settings.renew_deadline;
}

bool cs_lease_healthy(const struct cs_lease *l, struct cs_time now)
{
	return !l->leading ||
	       now.boot - l->renewed <= l->options.settings.duration + WATCHDOG_MARGIN;
}

void cs_lease_release(struct cs_lease *l, struct cs_time now)
{
	if (l->phase == PHASE_OVER || l->releasing)
		return;
	// A write under way may still succeed after we stop listening to it.
	bool may_hold = l->leading || l->phase == PHASE_POST || l->phase == PHASE_PUT;
	cancel(l);
	l->releasing = true;
	l->release_until = now.boot + l->options.settings.renew_deadline;
	if (may_hold)
		begin(l, now, PHASE_FREE_GET);
	else
		released(l);
}

bool cs_lease_released(const struct cs_lease *l)
{
	return l->phase == PHASE_OVER;
}
