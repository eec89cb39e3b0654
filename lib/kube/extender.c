// The extender's requests, found in place, and its answers, byte for byte as Go writes them.
// Neighbours: scan.h walks the JSON; base's JSON writer writes it.
#include <csched/kube/extender.h>

#include <errno.h>
#include <string.h>
#include <strings.h>

#include <csched/base/json_writer.h>
#include <csched/base/memory.h>

#include "scan.h"

// ---- members of an object ----

// What to do with the value of a member; `user` is the struct that is filled.
struct member {
	const char *key;
	int (*take)(struct scan *scan, void *user);
	bool exact; // API objects' own keys; others are understood in any case
};

static bool is_key(const struct member *member, struct cs_slice key)
{
	if (strlen(member->key) != key.size)
		return false;
	return member->exact ? memcmp(member->key, key.data, key.size) == 0
			     : strncasecmp(member->key, key.data, key.size) == 0;
}

// An object whose members are named by `members` (up to a NULL key; 32 at most), or null.
static int take_object(struct scan *scan, const struct member *members, void *user)
{
	uint32_t seen = 0;
	struct cs_slice key;
	if (scan_null(scan))
		return 0;
	int r = scan_open(scan, '{');
	while (r == 0 && (r = scan_member(scan, &key)) > 0) {
		size_t i = 0;
		while (members[i].key && !is_key(&members[i], key))
			i++;
		if (!members[i].key) {
			r = scan_value(scan, NULL);
			continue;
		}
		if (seen >> i & 1)
			return scan_fail(scan, "this member was given before");
		seen |= UINT32_C(1) << i;
		r = scan_null(scan) ? 0 : members[i].take(scan, user);
	}
	return r;
}

static int take_document(struct cs_slice body, struct cs_arena *arena, const struct member *members,
			 void *user, struct cs_error *err)
{
	struct scan scan;
	scan_init(&scan, body, arena, err);
	int r = take_object(&scan, members, user);
	return r == 0 ? scan_end(&scan) : r;
}

static int check_size(struct cs_slice body, size_t max, struct cs_error *err)
{
	if (body.size <= max)
		return 0;
	return cs_error_set(err, -EMSGSIZE, "%zu bytes are more than the %zu of such a request",
			    body.size, max);
}

// ---- growing lists in an arena ----

struct slices {
	struct cs_slice *items;
	uint32_t n;
	uint32_t capacity;
};

// Bytes of a list of nodes that are taken for one entry at first: few are shorter.
#define ENTRY_BYTES 12

// Doubling leaves at most as much behind as it holds.
static void *grow(struct scan *scan, const void *old, uint32_t *capacity, size_t size)
{
	uint32_t before = *capacity;
	*capacity = before ? 2 * before : 4;
	void *more = cs_arena_alloc_raw(scan->arena, *capacity * size);
	if (before)
		memcpy(more, old, before * size);
	return more;
}

static int too_many(struct scan *scan)
{
	return cs_error_set(scan->err, -EMSGSIZE, "more than %d entries", CS_EXTENDER_NODES_MAX);
}

static int append(struct scan *scan, struct slices *list, struct cs_slice slice)
{
	if (list->n == CS_EXTENDER_NODES_MAX)
		return too_many(scan);
	if (list->n == list->capacity)
		list->items = grow(scan, list->items, &list->capacity, sizeof(slice));
	list->items[list->n++] = slice;
	return 0;
}

// A member of an object's metadata that the object must have.
struct identity {
	const char *field; // "name" or "uid"
	struct cs_slice value;
};

static int take_identity(struct scan *scan, void *user)
{
	return scan_string(scan, &((struct identity *)user)->value);
}

static int take_metadata(struct scan *scan, void *user)
{
	struct identity *identity = user;
	const struct member members[] = { { identity->field, take_identity, true }, { 0 } };
	return take_object(scan, members, identity);
}

// One API object, or null: where it stands, and what identifies it.
static int take_any_object(struct scan *scan, struct identity *identity, struct cs_slice *ret_item)
{
	static const struct member members[] = { { "metadata", take_metadata, true }, { 0 } };
	identity->value = (struct cs_slice){ 0 };
	scan_blanks(scan);
	const char *begin = scan->at;
	int r = take_object(scan, members, identity);
	if (r < 0)
		return r;
	*ret_item = (struct cs_slice){ begin, (size_t)(scan->at - begin) };
	return 0;
}

static int take_api_object(struct scan *scan, struct identity *identity, struct cs_slice *ret_item)
{
	int r = take_any_object(scan, identity, ret_item);
	if (r == 0 && identity->value.size == 0)
		r = scan_fail(scan, "the object before this is nameless");
	return r;
}

// ---- ExtenderArgs ----

struct args_reader {
	struct cs_extender_args *args;
	struct slices names;
	struct slices whole_names;
	struct slices items;
	bool has_names;
	bool has_nodes;
};

static int take_pod(struct scan *scan, void *user)
{
	struct cs_extender_args *args = ((struct args_reader *)user)->args;
	struct identity identity = { .field = "uid" };
	int r = take_any_object(scan, &identity, &args->pod);
	args->uid = identity.value;
	return r;
}

// What is left of the request may be a list of nodes, of which there is one per request.
static void expect_nodes(const struct scan *scan, struct slices *list)
{
	size_t guess = (size_t)(scan->end - scan->at) / ENTRY_BYTES + 1;
	list->capacity = guess < CS_EXTENDER_NODES_MAX ? (uint32_t)guess : CS_EXTENDER_NODES_MAX;
	list->items = cs_arena_alloc_raw(scan->arena, list->capacity * sizeof(*list->items));
}

static int take_names(struct scan *scan, void *user)
{
	struct args_reader *reader = user;
	struct slices *names = &reader->names;
	reader->has_names = true;
	reader->args->plain = true;
	expect_nodes(scan, names);
	scan_blanks(scan);
	const char *begin = scan->at;
	int r = scan_open(scan, '[') < 0 ? -EINVAL : 1;
	while (r > 0) {
		uint32_t n = 0;
		if (names->n == names->capacity)
			names->items =
				grow(scan, names->items, &names->capacity, sizeof(*names->items));
		r = scan_strings(scan, names->items + names->n, names->capacity - names->n, &n,
				 &reader->args->plain);
		names->n += n;
		if (r >= 0 && names->n > CS_EXTENDER_NODES_MAX)
			r = too_many(scan);
	}
	reader->args->list = (struct cs_slice){ begin, (size_t)(scan->at - begin) };
	return r;
}

static int take_items(struct scan *scan, void *user)
{
	struct args_reader *reader = user;
	struct identity identity = { .field = "name" };
	struct cs_slice item;
	int r = scan_open(scan, '[');
	while (r == 0 && (r = scan_element(scan)) > 0) {
		r = take_api_object(scan, &identity, &item);
		if (r == 0)
			r = append(scan, &reader->whole_names, identity.value);
		if (r == 0)
			r = append(scan, &reader->items, item);
	}
	return r;
}

static int take_nodes(struct scan *scan, void *user)
{
	static const struct member members[] = { { "items", take_items, false }, { 0 } };
	((struct args_reader *)user)->has_nodes = true;
	return take_object(scan, members, user);
}

int cs_extender_read_args(struct cs_slice body, struct cs_arena *arena,
			  struct cs_extender_args *ret, struct cs_error *err)
{
	static const struct member members[] = { { "Pod", take_pod, false },
						 { "NodeNames", take_names, false },
						 { "Nodes", take_nodes, false },
						 { 0 } };
	struct args_reader reader = { .args = ret };
	*ret = (struct cs_extender_args){ 0 };
	int r = check_size(body, CS_EXTENDER_BODY_MAX, err);
	if (r == 0)
		r = take_document(body, arena, members, &reader, err);
	ret->whole = reader.has_nodes && !reader.has_names;
	if (r == 0 && !ret->whole)
		r = check_size(body, CS_EXTENDER_NAMES_MAX, err);
	const struct slices *names = ret->whole ? &reader.whole_names : &reader.names;
	ret->names = names->items;
	ret->n_nodes = names->n;
	ret->items = ret->whole ? reader.items.items : NULL;
	return r;
}

// ---- ExtenderPreemptionArgs ----

struct victims_list {
	struct cs_extender_victims *items;
	uint32_t n;
	uint32_t capacity;
	bool given;
};

struct preemption_reader {
	struct cs_extender_preemption *preemption;
	struct victims_list victims;
	struct victims_list meta;
	struct slices uids; // of the node at hand
	struct cs_extender_victims *node;
};

static int take_preemptor(struct scan *scan, void *user)
{
	struct cs_extender_preemption *preemption = ((struct preemption_reader *)user)->preemption;
	struct identity identity = { .field = "uid" };
	int r = take_any_object(scan, &identity, &preemption->pod);
	preemption->uid = identity.value;
	return r;
}

static int take_violations(struct scan *scan, void *user)
{
	return scan_integer(scan, &((struct preemption_reader *)user)->node->n_pdb_violations);
}

static int take_victims(struct scan *scan, void *user)
{
	struct preemption_reader *reader = user;
	struct identity identity = { .field = "uid" };
	struct cs_slice ignored;
	int r = scan_open(scan, '[');
	while (r == 0 && (r = scan_element(scan)) > 0) {
		r = take_api_object(scan, &identity, &ignored);
		if (r == 0)
			r = append(scan, &reader->uids, identity.value);
	}
	return r;
}

static int take_meta_victims(struct scan *scan, void *user)
{
	static const struct member members[] = { { "UID", take_identity, false }, { 0 } };
	struct preemption_reader *reader = user;
	int r = scan_open(scan, '[');
	while (r == 0 && (r = scan_element(scan)) > 0) {
		struct identity identity = { 0 };
		r = take_object(scan, members, &identity);
		if (r == 0)
			r = append(scan, &reader->uids, identity.value);
	}
	return r;
}

// A map from nodes to victims, whose pods `pods` takes.
static int take_victims_map(struct scan *scan, struct preemption_reader *reader,
			    struct victims_list *list, const struct member *members)
{
	struct cs_slice name;
	list->given = true;
	int r = scan_open(scan, '{');
	while (r == 0 && (r = scan_member(scan, &name)) > 0) {
		if (list->n == CS_EXTENDER_NODES_MAX)
			return cs_error_set(scan->err, -EMSGSIZE, "more than %d nodes",
					    CS_EXTENDER_NODES_MAX);
		if (list->n == list->capacity)
			list->items =
				grow(scan, list->items, &list->capacity, sizeof(*list->items));
		reader->node = &list->items[list->n++];
		*reader->node = (struct cs_extender_victims){ .node = name };
		reader->uids = (struct slices){ 0 };
		r = take_object(scan, members, reader);
		reader->node->uids = reader->uids.items;
		reader->node->n_uids = reader->uids.n;
	}
	return r;
}

static int take_node_victims(struct scan *scan, void *user)
{
	static const struct member members[] = { { "Pods", take_victims, false },
						 { "NumPDBViolations", take_violations, false },
						 { 0 } };
	struct preemption_reader *reader = user;
	return take_victims_map(scan, reader, &reader->victims, members);
}

static int take_node_meta_victims(struct scan *scan, void *user)
{
	static const struct member members[] = { { "Pods", take_meta_victims, false },
						 { "NumPDBViolations", take_violations, false },
						 { 0 } };
	struct preemption_reader *reader = user;
	return take_victims_map(scan, reader, &reader->meta, members);
}

int cs_extender_read_preemption(struct cs_slice body, struct cs_arena *arena,
				struct cs_extender_preemption *ret, struct cs_error *err)
{
	static const struct member members[] = {
		{ "Pod", take_preemptor, false },
		{ "NodeNameToVictims", take_node_victims, false },
		{ "NodeNameToMetaVictims", take_node_meta_victims, false },
		{ 0 },
	};
	struct preemption_reader reader = { .preemption = ret };
	*ret = (struct cs_extender_preemption){ 0 };
	int r = check_size(body, CS_EXTENDER_BODY_MAX, err);
	if (r == 0)
		r = take_document(body, arena, members, &reader, err);
	const struct victims_list *list = reader.meta.given ? &reader.meta : &reader.victims;
	ret->nodes = list->items;
	ret->n_nodes = list->n;
	return r;
}

// ---- ExtenderBindingArgs ----

static int take_text(struct scan *scan, const char **ret)
{
	struct cs_slice text;
	int r = scan_string(scan, &text);
	if (r < 0)
		return r;
	if (memchr(text.data, '\0', text.size))
		return scan_fail(scan, "a NUL character before this");
	*ret = cs_arena_strndup(scan->arena, text.data, text.size);
	return 0;
}

static int take_pod_name(struct scan *scan, void *user)
{
	return take_text(scan, &((struct cs_extender_binding *)user)->pod_name);
}

static int take_pod_namespace(struct scan *scan, void *user)
{
	return take_text(scan, &((struct cs_extender_binding *)user)->pod_namespace);
}

static int take_pod_uid(struct scan *scan, void *user)
{
	return take_text(scan, &((struct cs_extender_binding *)user)->pod_uid);
}

static int take_node(struct scan *scan, void *user)
{
	return take_text(scan, &((struct cs_extender_binding *)user)->node);
}

int cs_extender_read_binding(struct cs_slice body, struct cs_arena *arena,
			     struct cs_extender_binding *ret, struct cs_error *err)
{
	static const struct member members[] = { { "PodName", take_pod_name, false },
						 { "PodNamespace", take_pod_namespace, false },
						 { "PodUID", take_pod_uid, false },
						 { "Node", take_node, false },
						 { 0 } };
	*ret = (struct cs_extender_binding){ "", "", "", "" };
	int r = check_size(body, CS_EXTENDER_NAMES_MAX, err);
	return r == 0 ? take_document(body, arena, members, ret, err) : r;
}

// ---- answers ----

static bool all_passed(const struct cs_extender_args *args,
		       const struct cs_extender_verdict *verdicts)
{
	for (uint32_t i = 0; verdicts && i < args->n_nodes; i++)
		if (verdicts[i].message)
			return false;
	return true;
}

static const char *end_of(struct cs_slice item)
{
	return item.data + item.size;
}

static void write_run(struct cs_json_writer *json, struct cs_slice run, struct cs_splices *splices)
{
	if (splices)
		cs_splices_add(splices, json->out->size, run);
	else
		cs_buffer_append(json->out, run.data, run.size);
}

// Nodes that passed one after the other stand so in the request, commas and all: what is behind a
// node that did not pass begins with the comma that is due.
static void write_passed_nodes(struct cs_json_writer *json, const struct cs_extender_args *args,
			       const struct cs_extender_verdict *verdicts,
			       struct cs_splices *splices)
{
	const char *begin = NULL;
	cs_json_object_begin(json);
	cs_json_key(json, "metadata");
	cs_json_raw(json, CS_SLICE("{}"));
	cs_json_member_array_begin(json, "items");
	for (uint32_t i = 0; i < args->n_nodes; i++) {
		uint32_t first = i;
		while (i < args->n_nodes && (!verdicts || !verdicts[i].message))
			i++;
		if (i == first)
			continue;
		begin = begin ? end_of(args->items[first - 1]) : args->items[first].data;
		size_t size = (size_t)(end_of(args->items[i - 1]) - begin);
		write_run(json, (struct cs_slice){ begin, size }, splices);
	}
	cs_json_array_end(json);
	cs_json_object_end(json);
}

static void write_passed_names(struct cs_json_writer *json, const struct cs_extender_args *args,
			       const struct cs_extender_verdict *verdicts)
{
	if (args->list.size && all_passed(args, verdicts)) {
		cs_json_raw(json, args->list);
		return;
	}
	cs_json_array_begin(json);
	for (uint32_t i = 0; i < args->n_nodes; i++)
		if (!verdicts || !verdicts[i].message)
			cs_json_slice(json, args->names[i]);
	cs_json_array_end(json);
}

static void write_failed(struct cs_json_writer *json, const struct cs_extender_args *args,
			 const struct cs_extender_verdict *verdicts, bool unresolvable)
{
	bool any = false;
	for (uint32_t i = 0; verdicts && i < args->n_nodes; i++) {
		if (!verdicts[i].message || verdicts[i].unresolvable != unresolvable)
			continue;
		if (!any)
			cs_json_object_begin(json);
		any = true;
		cs_json_key_slice(json, args->names[i]);
		cs_json_string(json, verdicts[i].message);
	}
	if (any)
		cs_json_object_end(json);
	else
		cs_json_null(json);
}

void cs_extender_write_filter(const struct cs_extender_args *args,
			      const struct cs_extender_verdict *verdicts, struct cs_buffer *out,
			      struct cs_splices *splices)
{
	struct cs_json_writer json;
	cs_json_init(&json, out);
	cs_json_object_begin(&json);
	cs_json_key(&json, "Nodes");
	if (args->whole)
		write_passed_nodes(&json, args, verdicts, splices);
	else
		cs_json_null(&json);
	cs_json_key(&json, "NodeNames");
	if (args->whole)
		cs_json_null(&json);
	else
		write_passed_names(&json, args, verdicts);
	cs_json_key(&json, "FailedNodes");
	write_failed(&json, args, verdicts, false);
	cs_json_key(&json, "FailedAndUnresolvableNodes");
	write_failed(&json, args, verdicts, true);
	cs_json_member_string(&json, "Error", "");
	cs_json_object_end(&json);
}

#define HOST_BEGIN   "{\"Host\":"
#define SCORE_END(n) ",\"Score\":" #n "}"

static char *put(char *at, const char *text, size_t size)
{
	memcpy(at, text, size);
	return at + size;
}

// Thousands of small members: copied where the general writer would look at each byte.
static void write_plain_priorities(const struct cs_extender_args *args, const uint8_t *scores,
				   struct cs_buffer *out)
{
	static const struct cs_slice ends[CS_EXTENDER_SCORE_MAX + 1] = {
		CS_SLICE(SCORE_END(0)), CS_SLICE(SCORE_END(1)),  CS_SLICE(SCORE_END(2)),
		CS_SLICE(SCORE_END(3)), CS_SLICE(SCORE_END(4)),  CS_SLICE(SCORE_END(5)),
		CS_SLICE(SCORE_END(6)), CS_SLICE(SCORE_END(7)),  CS_SLICE(SCORE_END(8)),
		CS_SLICE(SCORE_END(9)), CS_SLICE(SCORE_END(10)),
	};
	const size_t around = sizeof(HOST_BEGIN) + ends[CS_EXTENDER_SCORE_MAX].size + 4;
	size_t size = 2;
	for (uint32_t i = 0; i < args->n_nodes; i++)
		size += args->names[i].size + around;
	char *begin = cs_buffer_reserve(out, size);
	if (!begin)
		return;
	char *at = begin;
	*at++ = '[';
	for (uint32_t i = 0; i < args->n_nodes; i++) {
		struct cs_slice name = args->names[i];
		struct cs_slice end = ends[scores ? scores[i] : 0];
		if (i > 0)
			*at++ = ',';
		at = put(at, HOST_BEGIN, sizeof(HOST_BEGIN) - 1);
		at = put(at, name.data - 1, name.size + 2); // with its quotes
		at = put(at, end.data, end.size);
	}
	*at++ = ']';
	out->size += (size_t)(at - begin);
	out->data[out->size] = '\0';
}

void cs_extender_write_priorities(const struct cs_extender_args *args, const uint8_t *scores,
				  struct cs_buffer *out)
{
	struct cs_json_writer json;
	if (args->plain) {
		write_plain_priorities(args, scores, out);
		return;
	}
	cs_json_init(&json, out);
	cs_json_array_begin(&json);
	for (uint32_t i = 0; i < args->n_nodes; i++) {
		cs_json_object_begin(&json);
		cs_json_key(&json, "Host");
		cs_json_slice(&json, args->names[i]);
		cs_json_member_int(&json, "Score", scores ? scores[i] : 0);
		cs_json_object_end(&json);
	}
	cs_json_array_end(&json);
}

static void write_victims(struct cs_json_writer *json, const struct cs_extender_victims *victims)
{
	cs_json_key_slice(json, victims->node);
	cs_json_object_begin(json);
	cs_json_member_array_begin(json, "Pods");
	for (uint32_t i = 0; i < victims->n_uids; i++) {
		cs_json_object_begin(json);
		cs_json_key(json, "UID");
		cs_json_slice(json, victims->uids[i]);
		cs_json_object_end(json);
	}
	cs_json_array_end(json);
	cs_json_member_int(json, "NumPDBViolations", victims->n_pdb_violations);
	cs_json_object_end(json);
}

void cs_extender_write_preemption(const struct cs_extender_victims *nodes, uint32_t n_nodes,
				  struct cs_buffer *out)
{
	struct cs_json_writer json;
	cs_json_init(&json, out);
	cs_json_object_begin(&json);
	cs_json_member_object_begin(&json, "NodeNameToMetaVictims");
	for (uint32_t i = 0; i < n_nodes; i++)
		write_victims(&json, &nodes[i]);
	cs_json_object_end(&json);
	cs_json_object_end(&json);
}

void cs_extender_write_filter_error(const char *error, struct cs_buffer *out)
{
	static const char *const absent[] = { "Nodes", "NodeNames", "FailedNodes",
					      "FailedAndUnresolvableNodes" };
	struct cs_json_writer json;
	cs_json_init(&json, out);
	cs_json_object_begin(&json);
	for (size_t i = 0; i < CS_ARRAY_LENGTH(absent); i++)
		cs_json_member_string(&json, absent[i], NULL);
	cs_json_member_string(&json, "Error", error);
	cs_json_object_end(&json);
}

void cs_extender_write_binding(const char *error, struct cs_buffer *out)
{
	struct cs_json_writer json;
	cs_json_init(&json, out);
	cs_json_object_begin(&json);
	cs_json_member_string(&json, "Error", error);
	cs_json_object_end(&json);
}
