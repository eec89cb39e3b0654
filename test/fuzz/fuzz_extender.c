// The extender's requests from any bytes: what is taken is JSON for the other reader too, and what
// is answered reads back as a subset of what was asked.
// Neighbours: lib/kube/extender.c; the first inputs are requests that kube-scheduler sends.
#include <csched/base/memory.h>
#include <csched/base/value.h>
#include <csched/kube/extender.h>
#include <string.h>

#include "fuzz.h"

// What the scanner took must be a value of the tree reader, which refuses some more: members given
// twice, integers beyond 64 bits.
static void tree_reader_agrees(struct cs_slice text)
{
	CS_AUTO_VALUE struct json_object *value = NULL;
	struct cs_error err = { 0 };
	if (cs_value_read_json(text, &value, &err) == 0)
		return;
	REQUIRE(strstr(err.text, "duplicate key") || strstr(err.text, "out of range"));
}

static void require_inside(struct cs_slice body, struct cs_slice part)
{
	REQUIRE(part.data >= body.data && part.data + part.size <= body.data + body.size);
}

static void answers_read_back(const struct cs_extender_args *args, struct cs_arena *arena)
{
	CS_AUTO_BUFFER struct cs_buffer out;
	struct cs_extender_args again;
	struct cs_error err;
	struct cs_extender_verdict *verdicts =
		cs_arena_alloc_array(arena, args->n_nodes + 1, sizeof(*verdicts));
	for (uint32_t i = 0; i < args->n_nodes; i++)
		verdicts[i].message = i % 3 ? NULL : "no";
	cs_buffer_init(&out, 1 << 30);
	cs_extender_write_filter(args, verdicts, &out, NULL);
	// A result's Nodes and NodeNames are read as those of a request.
	REQUIRE(cs_extender_read_args(cs_buffer_slice(&out), arena, &again, &err) == 0);
	REQUIRE(again.whole == args->whole);
	uint32_t next = 0;
	for (uint32_t i = 0; i < args->n_nodes; i++) {
		if (verdicts[i].message)
			continue;
		REQUIRE(next < again.n_nodes);
		REQUIRE(cs_slice_equal(again.names[next], args->names[i]));
		if (args->whole)
			REQUIRE(cs_slice_equal(again.items[next], args->items[i]));
		next++;
	}
	REQUIRE(next == again.n_nodes);
}

static void fuzz_args(struct cs_slice body, struct cs_arena *arena)
{
	struct cs_extender_args args;
	struct cs_error err = { 0 };
	int r = cs_extender_read_args(body, arena, &args, &err);
	if (r < 0) {
		REQUIRE(r == err.code && *err.text);
		return;
	}
	tree_reader_agrees(body);
	if (args.pod.size)
		require_inside(body, args.pod);
	for (uint32_t i = 0; i < args.n_nodes; i++) {
		REQUIRE(fuzz_is_utf8(args.names[i].data, args.names[i].size));
		if (args.whole)
			require_inside(body, args.items[i]);
	}
	answers_read_back(&args, arena);
}

static void fuzz_preemption(struct cs_slice body, struct cs_arena *arena)
{
	struct cs_extender_preemption preemption, again;
	struct cs_error err = { 0 };
	if (cs_extender_read_preemption(body, arena, &preemption, &err) < 0)
		return;
	CS_AUTO_BUFFER struct cs_buffer out;
	cs_buffer_init(&out, 1 << 30);
	cs_extender_write_preemption(preemption.nodes, preemption.n_nodes, &out);
	REQUIRE(cs_extender_read_preemption(cs_buffer_slice(&out), arena, &again, &err) == 0);
	REQUIRE(again.n_nodes == preemption.n_nodes);
	for (uint32_t i = 0; i < again.n_nodes; i++) {
		REQUIRE(cs_slice_equal(again.nodes[i].node, preemption.nodes[i].node));
		REQUIRE(again.nodes[i].n_uids == preemption.nodes[i].n_uids);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CS_AUTO_ARENA struct cs_arena *arena = cs_arena_create();
	CS_AUTO_FREE char *copy = cs_alloc(size + 1); // with the NUL behind
	struct cs_extender_binding binding;
	struct cs_error err;
	if (size)
		memcpy(copy, data, size);
	struct cs_slice body = { copy, size };
	fuzz_args(body, arena);
	fuzz_preemption(body, arena);
	(void)cs_extender_read_binding(body, arena, &binding, &err);
	return 0;
}
