// Files to decoded objects: defaults, identity, what is there twice.
// Neighbours: kube's manifest.h flattens documents, default.h fills in, codec.h decodes.
#include "input.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <csched/base/memory.h>
#include <csched/base/tree.h>
#include <csched/kube/codec.h>
#include <csched/kube/default.h>

#define DEFAULT_NAMESPACE "default"
#define NAME_BYTES        253 // of names, namespaces and UIDs, as the API server limits names
#define KEY_MAX           1024
#define STRANGE_MAX       20 // unknown fields that are told of

// What simulate has a use for; other kinds are counted.
static const struct {
	const struct cs_kind *kind;
	bool has_template;
} used[] = {
	{ &cs_kind_node, false },
	{ &cs_kind_pod, false },
	{ &cs_kind_namespace, false },
	{ &cs_kind_service, false },
	{ &cs_kind_priority_class, false },
	{ &cs_kind_replication_controller, true },
	{ &cs_kind_replica_set, true },
	{ &cs_kind_stateful_set, true },
	{ &cs_kind_deployment, true },
	{ &cs_kind_daemon_set, true },
	{ &cs_kind_job, true },
};

void input_init(struct input *input)
{
	*input = (struct input){ .arena = cs_arena_create() };
	cs_map_init(&input->names, 0);
	cs_map_init(&input->strange, 0);
}

void input_finish(struct input *input)
{
	cs_map_finish(&input->names);
	cs_map_finish(&input->strange);
	free(input->objects);
	free(input->kinds);
	cs_arena_destroy(input->arena);
}

int input_fail(const struct input_object *object, struct cs_error *err)
{
	const Kube__ObjectMeta *metadata = object->metadata;
	const char *namespace = metadata ? metadata->namespace_ : NULL;
	const char *name = metadata ? metadata->name : NULL;
	bool named = name && *name;
	return cs_error_prefix(err, "%s: line %d: %s%s%s%s%s%s", object->file, object->line,
			       object->kind->kind, named ? " \"" : "",
			       named && namespace ? namespace : "", named && namespace ? "/" : "",
			       named ? name : "", named ? "\"" : "");
}

// ---- counting ----

static void count_kind(struct input *input, const struct cs_manifest_object *from, bool is_used)
{
	for (uint32_t i = 0; i < input->n_kinds; i++) {
		struct cs_simulation_kind *known = &input->kinds[i];
		if (strcmp(known->kind, from->kind) == 0 &&
		    strcmp(known->api_version, from->api_version) == 0) {
			known->count++;
			return;
		}
	}
	if (input->n_kinds == input->kinds_capacity) {
		input->kinds_capacity = input->kinds_capacity ? 2 * input->kinds_capacity : 16;
		input->kinds = cs_realloc_array(input->kinds, input->kinds_capacity,
						sizeof(*input->kinds));
	}
	input->kinds[input->n_kinds++] = (struct cs_simulation_kind){
		.api_version = cs_arena_strdup(input->arena, from->api_version),
		.kind = cs_arena_strdup(input->arena, from->kind),
		.count = 1,
		.used = is_used,
	};
}

// ---- identity ----

static const char *object_key(const struct cs_kind *kind, const char *namespace, const char *name,
			      char out[KEY_MAX])
{
	snprintf(out, KEY_MAX, "%s/%s/%s", kind->resource, namespace ? namespace : "", name);
	return out;
}

const struct input_object *input_find(const struct input *input, const struct cs_kind *kind,
				      const char *namespace, const char *name)
{
	char key[KEY_MAX];
	uintptr_t index = (uintptr_t)cs_map_get(
		&input->names, cs_slice_of(object_key(kind, namespace, name, key)));
	return index ? &input->objects[index - 1] : NULL;
}

// Enters a name of the last object; an object that has it already is an error.
static int enter(struct input *input, const char *key, const char *what, struct cs_error *err)
{
	const struct input_object *object = &input->objects[input->n_objects - 1];
	uintptr_t other = (uintptr_t)cs_map_get(&input->names, cs_slice_of(key));
	if (other) {
		const struct input_object *first = &input->objects[other - 1];
		cs_error_set(err, -EINVAL, "%s: there is one already, in %s, line %d", what,
			     first->file, first->line);
		return input_fail(object, err);
	}
	const char *kept = cs_arena_strdup(input->arena, key);
	cs_map_put(&input->names, cs_slice_of(kept), (void *)(uintptr_t)input->n_objects);
	return 0;
}

static bool given(const char *text)
{
	return text && *text;
}

// Gives the object what the API server would: a namespace, a name for generateName, a UID.
static void complete_metadata(struct input *input, struct input_object *object)
{
	Kube__ObjectMeta *metadata = object->metadata;
	if (!object->kind->namespaced)
		metadata->namespace_ = NULL;
	else if (!given(metadata->namespace_))
		metadata->namespace_ = cs_arena_strdup(input->arena, DEFAULT_NAMESPACE);
	if (!given(metadata->name) && given(metadata->generate_name))
		metadata->name = cs_arena_printf(input->arena, "%s%05zu", metadata->generate_name,
						 input->n_objects);
	if (given(metadata->name) && !given(metadata->uid))
		metadata->uid = input_uid(input->arena, object->kind, metadata);
}

char *input_uid(struct cs_arena *arena, const struct cs_kind *kind,
		const Kube__ObjectMeta *metadata)
{
	char key[KEY_MAX];
	object_key(kind, metadata->namespace_, metadata->name, key);
	size_t size = strlen(key);
	return cs_arena_printf(arena, "%016" PRIx64 "%016" PRIx64, cs_hash(key, size, 1),
			       cs_hash(key, size, 2));
}

static bool too_long(const char *text)
{
	return text && strlen(text) > NAME_BYTES;
}

static int check_identity(struct input *input, struct cs_error *err)
{
	struct input_object *object = &input->objects[input->n_objects - 1];
	const Kube__ObjectMeta *metadata = object->metadata;
	char key[KEY_MAX];
	if (!given(metadata->name)) {
		cs_error_set(err, -EINVAL, "metadata.name: missing");
		return input_fail(object, err);
	}
	if (too_long(metadata->name) || too_long(metadata->namespace_) || too_long(metadata->uid)) {
		cs_error_set(err, -EINVAL,
			     "metadata: name, namespace or uid is longer than %d bytes",
			     NAME_BYTES);
		object->metadata = &(Kube__ObjectMeta)KUBE__OBJECT_META__INIT;
		return input_fail(object, err);
	}
	object_key(object->kind, metadata->namespace_, metadata->name, key);
	int r = enter(input, key, "metadata.name", err);
	if (r == 0 && object->kind == &cs_kind_pod) {
		snprintf(key, sizeof(key), "uid:%s", metadata->uid);
		r = enter(input, key, "metadata.uid", err);
	}
	return r;
}

// ---- decoding ----

static Kube__ObjectMeta *metadata_of(struct cs_arena *arena, ProtobufCMessage *message)
{
	unsigned offset = message->descriptor->fields[0].offset;
	Kube__ObjectMeta **slot = (Kube__ObjectMeta **)(void *)((char *)message + offset);
	if (!*slot) {
		*slot = cs_arena_alloc(arena, sizeof(**slot));
		kube__object_meta__init(*slot);
	}
	return *slot;
}

// The pod that a workload's template makes, apart from its name.
static int read_template(struct input *input, struct json_object *tree, struct input_object *object,
			 struct cs_error *err)
{
	struct json_object *template = cs_value_at(tree, "spec.template");
	CS_AUTO_VALUE struct json_object *pod = json_object_new_object();
	static const char *const members[] = { "metadata", "spec" };
	for (size_t i = 0; i < CS_ARRAY_LENGTH(members); i++)
		json_object_object_add(pod, members[i],
				       json_object_get(cs_tree_get(template, members[i])));
	cs_default_object("", "Pod", pod);
	ProtobufCMessage *message;
	int r = cs_codec_read(&kube__pod__descriptor, pod, input->arena, &message, err);
	if (r < 0)
		return cs_error_prefix(err, "spec.template");
	object->template = (Kube__Pod *)message;
	(void)metadata_of(input->arena, message);
	return 0;
}

// "Pod spec.containers[].imgae" of "spec.containers[2].imgae".
static const char *strange_key(const struct input *input, const struct cs_kind *kind,
			       const char *path)
{
	char *key = cs_arena_printf(input->arena, "%s %s", kind->kind, path);
	char *to = key;
	for (const char *at = key; *at; at++)
		if (*at < '0' || *at > '9' || to == key || to[-1] != '[')
			*to++ = *at;
	*to = '\0';
	return key;
}

struct decoding {
	struct input *input;
	const struct input_object *object;
};

// Once for all objects of a kind: a newer version's field may be in each of them.
static void tell_unknown(void *user, const char *path)
{
	const struct decoding *decoding = user;
	struct input *input = decoding->input;
	struct cs_error words;
	if (!input->notice || cs_map_count(&input->strange) > STRANGE_MAX)
		return;
	const char *key = strange_key(input, decoding->object->kind, path);
	if (cs_map_get(&input->strange, cs_slice_of(key)))
		return;
	cs_map_put(&input->strange, cs_slice_of(key), input);
	if (cs_map_count(&input->strange) > STRANGE_MAX) {
		input->notice(input->notice_user, "more unknown fields are not told of");
		return;
	}
	cs_error_set(&words, -EINVAL,
		     "unknown field \"%s\": it does nothing, here and in others of this kind",
		     path);
	(void)input_fail(decoding->object, &words);
	input->notice(input->notice_user, words.text);
}

static int decode(struct input *input, struct json_object *tree, bool has_template,
		  struct input_object *object, struct cs_error *err)
{
	struct decoding decoding = { input, object };
	const struct cs_codec_reading how = { .descriptor = object->kind->descriptor,
					      .arena = input->arena,
					      .unknown = tell_unknown,
					      .user = &decoding };
	cs_default_object(object->kind->group, object->kind->kind, tree);
	int r = cs_codec_read_telling(&how, tree, &object->message, err);
	if (r < 0)
		return r;
	object->metadata = metadata_of(input->arena, object->message);
	return has_template ? read_template(input, tree, object, err) : 0;
}

// For the words of an error, before there is a message.
static void name_of_tree(struct json_object *tree, Kube__ObjectMeta *ret)
{
	kube__object_meta__init(ret);
	ret->name = (char *)(uintptr_t)cs_value_string_at(tree, "metadata.name");
	ret->namespace_ = (char *)(uintptr_t)cs_value_string_at(tree, "metadata.namespace");
}

static struct input_object *append(struct input *input, struct input_object object)
{
	if (input->n_objects == input->capacity) {
		input->capacity = input->capacity ? 2 * input->capacity : 256;
		input->objects =
			cs_realloc_array(input->objects, input->capacity, sizeof(*input->objects));
	}
	input->objects[input->n_objects++] = object;
	return &input->objects[input->n_objects - 1];
}

// Of several default classes the lowest counts, as upstream.
static void note_default_class(struct input *input, const struct input_object *object)
{
	const Kube__PriorityClass *class = (const Kube__PriorityClass *)object->message;
	if (object->kind != &cs_kind_priority_class || !class->global_default ||
	    (input->has_default_priority && input->default_priority <= class->value))
		return;
	input->has_default_priority = true;
	input->default_priority = class->value;
}

struct reading {
	struct input *input;
	const char *file;
};

static int read_object(void *user, const struct cs_manifest_object *from, struct cs_error *err)
{
	const struct reading *reading = user;
	struct input *input = reading->input;
	const struct cs_kind *kind = cs_kind_find(from->api_version, from->kind);
	size_t i = 0;
	while (i < CS_ARRAY_LENGTH(used) && used[i].kind != kind)
		i++;
	count_kind(input, from, i < CS_ARRAY_LENGTH(used));
	if (i == CS_ARRAY_LENGTH(used))
		return 0;
	Kube__ObjectMeta unread;
	name_of_tree(from->tree, &unread);
	struct input_object object = {
		.kind = kind, .metadata = &unread, .file = reading->file, .line = from->line
	};
	if (decode(input, from->tree, used[i].has_template, &object, err) < 0) {
		object.metadata = &unread;
		return input_fail(&object, err);
	}
	note_default_class(input, &object);
	complete_metadata(input, append(input, object));
	return check_identity(input, err);
}

int input_read(struct input *input, const char *file_name, struct cs_slice text,
	       struct cs_error *err)
{
	struct reading reading = { input, cs_arena_strdup(input->arena, file_name) };
	return cs_manifest_each(file_name, text, read_object, &reading, err);
}
