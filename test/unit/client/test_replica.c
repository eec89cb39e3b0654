// A small API server with a random life and random faults; whatever happens, what the reflector
// tells must be legal step by step and equal to the server's objects in the end.
// Neighbours: fake.c carries; test_reflector.c has each fault by itself.
#include "../check_main.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <csched/base/memory.h>
#include <csched/base/random.h>
#include <csched/client/reflector.h>

#include "fake.h"

#define NAMES 9
#define STEPS 3000

struct object {
	bool alive;
	unsigned uid;
	unsigned version;
};

// One event of the server's history; its index + 1 is the resource version.
struct event {
	const char *type;
	unsigned name;
	unsigned uid;
};

static struct cs_random dice;
static struct fake fake;
static struct cs_reflector *reflector;
static struct object server[NAMES];
static struct object replica[NAMES];
static struct event history[4 * STEPS];
static unsigned version; // events so far
static unsigned compacted;
static unsigned last_uid;

// What the server is doing with the running request.
static struct {
	unsigned started; // fake.started when it began
	unsigned at;      // events up to here have been sent
	bool initial;     // the objects that exist come first
	struct object snapshot[NAMES];
	unsigned snapshot_version;
	unsigned next; // name of the snapshot to send next
} session;

static unsigned roll(unsigned n)
{
	return (unsigned)cs_random_below(&dice, n);
}

// ---- what is told must be possible ----

static unsigned number_of(const char *text, char prefix)
{
	ck_assert_int_eq(text[0], prefix);
	return (unsigned)strtoul(text + 1, NULL, 10);
}

static void apply(const struct cs_change *change)
{
	if (change->op == CS_CHANGE_SYNCED)
		return;
	const Kube__ObjectMeta *meta = ((const Kube__Pod *)change->object)->metadata;
	struct object *object = &replica[number_of(meta->name, 'p')];
	unsigned uid = number_of(meta->uid, 'u');
	switch (change->op) {
	case CS_CHANGE_ADDED:
		ck_assert(!object->alive);
		*object = (struct object){ true, uid, 0 };
		break;
	case CS_CHANGE_MODIFIED:
		ck_assert(object->alive);
		ck_assert_uint_eq(object->uid, uid);
		break;
	default:
		ck_assert(object->alive);
		ck_assert_uint_eq(object->uid, uid);
		object->alive = false;
		return;
	}
	unsigned told = (unsigned)strtoul(meta->resource_version, NULL, 10);
	ck_assert_uint_gt(told, object->version); // never backwards
	object->version = told;
}

static void on_batch(void *user, struct cs_batch *batch)
{
	(void)user;
	for (size_t i = 0; i < batch->count; i++)
		apply(&batch->changes[i]);
	cs_batch_destroy(batch);
}

static void on_notice(void *user, enum cs_log_severity severity, const char *text)
{
	(void)user, (void)severity, (void)text;
}

// ---- the server's life ----

static void record(const char *type, unsigned name)
{
	server[name].version = ++version;
	history[version - 1] = (struct event){ type, name, server[name].uid };
}

static void change_something(void)
{
	unsigned name = roll(NAMES);
	struct object *object = &server[name];
	if (!object->alive) {
		*object = (struct object){ .alive = true, .uid = ++last_uid };
		record("ADDED", name);
	} else if (roll(3)) {
		record("MODIFIED", name);
	} else {
		record("DELETED", name);
		object->alive = false;
	}
}

static void make_pod(struct fake_pod *pod, char text[3][16], unsigned name,
		     const struct object *object)
{
	snprintf(text[0], 16, "p%u", name);
	snprintf(text[1], 16, "u%u", object->uid);
	snprintf(text[2], 16, "%u", object->version);
	*pod = (struct fake_pod){ .name = text[0], .uid = text[1], .version = text[2] };
}

static void append_event(struct cs_buffer *out, const char *type, unsigned name,
			 const struct object *object)
{
	char text[3][16];
	struct fake_pod pod;
	make_pod(&pod, text, name, object);
	fake_pod_event(out, type, &pod);
}

static void append_bookmark(struct cs_buffer *out, unsigned at, bool end)
{
	char text[16];
	snprintf(text, sizeof(text), "%u", at);
	fake_bookmark(out, text, end);
}

// The next thing to send, if there is one.
static bool append_next(struct cs_buffer *out)
{
	if (session.initial) {
		while (session.next < NAMES && !session.snapshot[session.next].alive)
			session.next++;
		if (session.next < NAMES) {
			append_event(out, "ADDED", session.next, &session.snapshot[session.next]);
			session.next++;
			return true;
		}
		append_bookmark(out, session.snapshot_version, true);
		session.initial = false;
		return true;
	}
	if (session.at < version) {
		const struct event *event = &history[session.at++];
		struct object object = { true, event->uid, session.at };
		append_event(out, event->type, event->name, &object);
		return true;
	}
	return false;
}

static void begin_session(const struct cs_transport_call *call)
{
	const char *from = strstr(call->path, "resourceVersion=");
	session.started = fake.started;
	session.initial = strstr(call->path, "sendInitialEvents") != NULL;
	session.next = 0;
	session.at = from ? (unsigned)strtoul(from + 16, NULL, 10) : version;
	if (strstr(call->path, "continue="))
		session.next = (unsigned)strtoul(strstr(call->path, "continue=") + 9, NULL, 10);
	else if (session.initial || !strstr(call->path, "watch=true")) {
		memcpy(session.snapshot, server, sizeof(server));
		session.snapshot_version = version;
	}
}

static void answer_page(struct cs_transport_call *call)
{
	CS_AUTO_BUFFER struct cs_buffer out;
	struct fake_pod pods[NAMES];
	char text[NAMES][3][16], more[16] = "", at[16];
	size_t n = 0, limit = strstr(call->path, "limit=") ? 1 + roll(4) : NAMES;
	unsigned i = session.next;
	for (; i < NAMES && n < limit; i++)
		if (session.snapshot[i].alive) {
			make_pod(&pods[n], text[n], i, &session.snapshot[i]);
			n++;
		}
	if (i < NAMES)
		snprintf(more, sizeof(more), "%u", i);
	snprintf(at, sizeof(at), "%u", session.snapshot_version);
	fake_buffer(&out);
	fake_pod_list(&out, at, more, pods, n);
	fake_answer(call, 200, cs_buffer_slice(&out));
}

static void refuse(struct cs_transport_call *call, int code, int retry_after)
{
	fake_refuse(call, &(struct fake_status){ code, "R", "m", NULL, retry_after, roll(2) });
}

static void send_error(struct cs_transport_call *call, int code)
{
	CS_AUTO_BUFFER struct cs_buffer out;
	fake_buffer(&out);
	fake_error_event(&out, &(struct fake_status){ code, "R", "m", NULL, 0, false });
	fake_data(call, cs_buffer_slice(&out), 0);
}

static void send_events(struct cs_transport_call *call)
{
	CS_AUTO_BUFFER struct cs_buffer out;
	fake_buffer(&out);
	for (unsigned n = 1 + roll(8); n > 0 && append_next(&out); n--)
		;
	if (!session.initial && session.at == version && !roll(4))
		append_bookmark(&out, version, false);
	// Sometimes the connection dies in the middle of a frame.
	bool cut = !roll(40) && out.size > 0;
	struct cs_slice bytes = { out.data, cut ? roll((unsigned)out.size) : out.size };
	if (fake_data(call, bytes, roll(3) ? 0 : 1 + roll(20)) && cut)
		fake_break(call, -ECONNRESET, 200);
}

static bool misbehave_before(struct cs_transport_call *call)
{
	switch (roll(12)) {
	case 0:
		refuse(call, 410, 0);
		return true;
	case 1:
		refuse(call, roll(2) ? 429 : 503, 1);
		return true;
	case 2:
		refuse(call, 500, 0);
		return true;
	case 3:
		fake_break(call, roll(2) ? -ECONNREFUSED : -ECONNRESET, 0);
		return true;
	case 4:
		refuse(call, 403, 0);
		return true;
	default:
		return false;
	}
}

static bool misbehave_during(struct cs_transport_call *call)
{
	switch (roll(60)) {
	case 0:
		fake_end(call);
		return true;
	case 1:
		fake_break(call, -ECONNRESET, 200);
		return true;
	case 2:
		send_error(call, 410);
		return true;
	case 3:
		send_error(call, roll(2) ? 500 : 429);
		return true;
	case 4:
		fake_data(call, CS_SLICE("\xff\xff\xff\xff\xff"), 0);
		return true;
	case 5:
		cs_reflector_hold(reflector);
		return true;
	default:
		return false;
	}
}

static void serve(bool faults)
{
	if (fake_count(&fake) == 0)
		return;
	struct cs_transport_call *call = fake_newest(&fake);
	bool fresh = session.started != fake.started;
	if (fresh)
		begin_session(call);
	if (faults && (fresh ? misbehave_before(call) : misbehave_during(call)))
		return;
	if (!strstr(call->path, "watch=true"))
		answer_page(call);
	else if (!session.initial && session.at < compacted)
		refuse(call, 410, 0);
	else
		send_events(call);
}

static void pass(int64_t ns)
{
	fake.now.boot += ns;
	cs_reflector_turn(reflector, fake.now);
}

static void assert_equal(void)
{
	for (unsigned i = 0; i < NAMES; i++) {
		ck_assert_int_eq(replica[i].alive, server[i].alive);
		if (!server[i].alive)
			continue;
		ck_assert_uint_eq(replica[i].uid, server[i].uid);
		ck_assert_uint_eq(replica[i].version, server[i].version);
	}
}

static void reset(uint64_t seed)
{
	cs_random_init(&dice, seed);
	fake_init(&fake);
	fake.now.boot = CS_SECOND;
	memset(server, 0, sizeof(server));
	memset(replica, 0, sizeof(replica));
	memset(&session, 0, sizeof(session));
	version = compacted = last_uid = 0;
}

START_TEST(ends_up_equal)
{
	reset((uint64_t)_i + 1);
	struct cs_reflector_options options = {
		.kind = &cs_kind_pod,
		.transport = &fake.base,
		.random = &dice,
		.batch = on_batch,
		.notice = on_notice,
	};
	reflector = cs_reflector_create(&options);
	change_something();
	for (int i = 0; i < STEPS; i++) {
		for (unsigned n = roll(3); n > 0; n--)
			change_something();
		if (!roll(50))
			compacted = version;
		serve(true);
		pass(roll(30) ? roll(1500) * CS_MILLISECOND : roll(300) * CS_SECOND);
		if (!roll(5)) // nothing unless it is held
			cs_reflector_resume(reflector, fake.now);
	}
	cs_reflector_resume(reflector, fake.now);
	for (int i = 0; i < 300; i++) {
		serve(false);
		pass(1 * CS_SECOND);
	}
	ck_assert(cs_reflector_synced(reflector));
	assert_equal();
	// Guards the test itself: the faults really happened, and many lists were completed.
	struct cs_reflector_stats stats = cs_reflector_stats(reflector);
	ck_assert_uint_gt(stats.failures, 50);
	ck_assert_uint_gt(stats.lists, 10);
	ck_assert_uint_gt(stats.objects, 500);
	cs_reflector_destroy(reflector);
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("replica");
	TCase *c = tcase_create("all");
	tcase_set_timeout(c, 60);
	tcase_add_loop_test(c, ends_up_equal, 0, 60);
	suite_add_tcase(suite, c);
	return suite;
}
