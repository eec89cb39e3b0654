// What an object means beside what is known of its name. One that cannot be read is left out, so
// that it stops no other. Neighbours: known.c remembers; kube's protobuf decodes.
#include "mirror.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <csched/base/memory.h>
#include <csched/kube/protobuf.h>

#include "object.h"

#define ARENA_MAX (4u << 20) // a batch is handed over when it holds this many bytes

void cs_mirror_init(struct cs_mirror *mirror, const struct cs_reflector_options *options,
		    struct cs_arena *scratch)
{
	*mirror = (struct cs_mirror){ .options = options, .scratch = scratch };
	cs_known_init(&mirror->known, cs_random_next(options->random));
}

void cs_mirror_finish(struct cs_mirror *mirror)
{
	cs_known_finish(&mirror->known);
	cs_arena_destroy(mirror->arena);
}

void cs_mirror_notice(const struct cs_mirror *mirror, enum cs_log_severity severity,
		      const char *format, ...)
{
	const struct cs_reflector_options *options = mirror->options;
	char text[CS_ERROR_TEXT_MAX];
	int n = snprintf(text, sizeof(text), "%s: ", options->kind->resource);
	va_list args;
	va_start(args, format);
	vsnprintf(text + n, sizeof(text) - (size_t)n, format, args);
	va_end(args);
	options->notice(options->user, severity, text);
}

// ---- batches ----

void cs_batch_destroy(struct cs_batch *batch)
{
	if (!batch)
		return;
	cs_arena_destroy(batch->arena);
	free(batch);
}

static struct cs_arena *batch_arena(struct cs_mirror *mirror)
{
	if (!mirror->arena)
		mirror->arena = cs_arena_create();
	return mirror->arena;
}

void cs_mirror_flush(struct cs_mirror *mirror)
{
	if (mirror->n_changes == 0)
		return;
	struct cs_batch *batch = cs_alloc(sizeof(*batch));
	struct cs_arena *arena = batch_arena(mirror);
	size_t size = mirror->n_changes * sizeof(mirror->changes[0]);
	batch->changes = cs_arena_alloc_raw(arena, size);
	memcpy(batch->changes, mirror->changes, size);
	batch->arena = arena;
	batch->count = mirror->n_changes;
	batch->bytes = cs_arena_size(arena);
	mirror->arena = NULL;
	mirror->n_changes = 0;
	mirror->told += batch->count;
	mirror->options->batch(mirror->options->user, batch);
}

// Room for the two changes that one object can make, in one arena.
static void make_room(struct cs_mirror *mirror)
{
	bool full = mirror->arena && cs_arena_size(mirror->arena) > ARENA_MAX;
	if (full || mirror->n_changes + 2 > CS_REFLECTOR_BATCH_MAX)
		cs_mirror_flush(mirror);
	if (full && mirror->arena)
		cs_arena_reset(mirror->arena); // it held only what could not be read
}

static void emit(struct cs_mirror *mirror, enum cs_change_op op, ProtobufCMessage *object)
{
	mirror->changes[mirror->n_changes++] =
		(struct cs_change){ .op = op, .kind = mirror->options->kind, .object = object };
}

// An object of which only the name is left.
static void emit_gone(struct cs_mirror *mirror, const struct cs_known_name *name)
{
	struct cs_arena *arena = batch_arena(mirror);
	Kube__ObjectMeta *meta = cs_arena_alloc(arena, sizeof(*meta));
	kube__object_meta__init(meta);
	if (name->namespace.size)
		meta->namespace_ =
			cs_arena_strndup(arena, name->namespace.data, name->namespace.size);
	meta->name = cs_arena_strndup(arena, name->name.data, name->name.size);
	meta->uid = cs_arena_strdup(arena, name->uid);
	emit(mirror, CS_CHANGE_DELETED,
	     cs_object_new(mirror->options->kind->descriptor, meta, arena));
}

// ---- lists ----

void cs_mirror_begin(struct cs_mirror *mirror)
{
	cs_known_begin(&mirror->known);
	mirror->listing = true;
}

static void tell_swept(void *user, const struct cs_known_name *name)
{
	struct cs_mirror *mirror = user;
	make_room(mirror);
	emit_gone(mirror, name);
}

void cs_mirror_sweep(struct cs_mirror *mirror)
{
	cs_known_sweep(&mirror->known, tell_swept, mirror);
	mirror->listing = false;
	if (mirror->synced)
		return;
	mirror->synced = true;
	make_room(mirror);
	emit(mirror, CS_CHANGE_SYNCED, NULL);
}

// ---- what cannot be read ----

static bool is_complete(const Kube__ObjectMeta *meta)
{
	return meta && meta->name && *meta->name && meta->uid && meta->resource_version;
}

static void count_skipped(struct cs_mirror *mirror)
{
	mirror->skipped++;
	if (mirror->options->skipped)
		cs_metric_add(mirror->options->skipped, 1);
}

// What is known of the object's name stays.
static const char *skip_undecodable(struct cs_mirror *mirror, struct cs_slice raw, const char *why)
{
	const Kube__ObjectMeta *meta = cs_object_peek(raw, mirror->scratch);
	count_skipped(mirror);
	if (!is_complete(meta)) {
		cs_mirror_notice(mirror, CS_LOG_ERROR,
				 "an object without a readable name is skipped: %s", why);
		return NULL;
	}
	cs_known_mark(&mirror->known, meta);
	cs_mirror_notice(mirror, CS_LOG_ERROR, "%s%s%s is skipped: %s",
			 meta->namespace_ ? meta->namespace_ : "", meta->namespace_ ? "/" : "",
			 meta->name, why);
	return meta->resource_version;
}

void cs_mirror_skip(struct cs_mirror *mirror, struct cs_slice object, const char *why)
{
	Kube__Unknown envelope;
	const Kube__ObjectMeta *meta = NULL;
	if (cs_protobuf_read_envelope(object, mirror->scratch, &envelope, NULL) == 0)
		meta = cs_object_peek(cs_protobuf_bytes(envelope.raw), mirror->scratch);
	bool named = is_complete(meta);
	count_skipped(mirror);
	cs_mirror_notice(mirror, CS_LOG_ERROR, "an event%s%s%s%s is skipped: %s",
			 named ? " about " : "", named && meta->namespace_ ? meta->namespace_ : "",
			 named && meta->namespace_ ? "/" : "", named ? meta->name : "", why);
}

bool cs_mirror_open(struct cs_mirror *mirror, struct cs_slice object, struct cs_slice *ret_raw)
{
	Kube__Unknown envelope;
	struct cs_error err;
	if (cs_protobuf_read_envelope(object, mirror->scratch, &envelope, &err) < 0) {
		count_skipped(mirror);
		cs_mirror_notice(mirror, CS_LOG_ERROR, "an event is skipped: %s", err.text);
		return false;
	}
	const char *kind = envelope.type_meta ? envelope.type_meta->kind : NULL;
	if (!cs_string_equal(kind, mirror->options->kind->kind)) {
		count_skipped(mirror);
		cs_mirror_notice(mirror, CS_LOG_ERROR,
				 "an event is skipped: its object is a \"%s\"", kind ? kind : "");
		return false;
	}
	*ret_raw = cs_protobuf_bytes(envelope.raw);
	return true;
}

// ---- objects ----

// Tells an object that exists, against what is known of its name.
static void tell_present(struct cs_mirror *mirror, ProtobufCMessage *object,
			 const Kube__ObjectMeta *meta)
{
	switch (cs_known_compare(&mirror->known, meta)) {
	case CS_KNOWN_SAME:
		cs_known_mark(&mirror->known, meta);
		return;
	case CS_KNOWN_ANOTHER:
		emit_gone(mirror,
			  &(struct cs_known_name){ .namespace = cs_slice_of(meta->namespace_),
						   .name = cs_slice_of(meta->name),
						   .uid = cs_known_uid(&mirror->known, meta) });
		emit(mirror, CS_CHANGE_ADDED, object);
		break;
	case CS_KNOWN_NOT:
		emit(mirror, CS_CHANGE_ADDED, object);
		break;
	case CS_KNOWN_OLDER:
		emit(mirror, CS_CHANGE_MODIFIED, object);
		break;
	}
	cs_known_put(&mirror->known, meta);
}

const char *cs_mirror_present(struct cs_mirror *mirror, struct cs_slice raw)
{
	ProtobufCMessage *object = NULL;
	struct cs_error err;
	make_room(mirror);
	if (mirror->listing && cs_map_count(&mirror->known.map) > 0) {
		const Kube__ObjectMeta *meta = cs_object_peek(raw, mirror->scratch);
		if (is_complete(meta) && cs_known_compare(&mirror->known, meta) == CS_KNOWN_SAME) {
			cs_known_mark(&mirror->known, meta);
			return meta->resource_version;
		}
	}
	if (cs_protobuf_read(mirror->options->kind->descriptor, raw, batch_arena(mirror), &object,
			     &err) < 0)
		return skip_undecodable(mirror, raw, err.text);
	const Kube__ObjectMeta *meta = cs_object_meta(object);
	if (!is_complete(meta))
		return skip_undecodable(mirror, raw, "metadata lacks name, uid or resourceVersion");
	tell_present(mirror, object, meta);
	return meta->resource_version;
}

// The end of an earlier life of the name has been told already.
const char *cs_mirror_deleted(struct cs_mirror *mirror, struct cs_slice raw)
{
	ProtobufCMessage *object = NULL;
	make_room(mirror);
	const Kube__ObjectMeta *meta = cs_object_peek(raw, mirror->scratch);
	if (!is_complete(meta))
		return skip_undecodable(mirror, raw, "metadata lacks name, uid or resourceVersion");
	if (!cs_string_equal(cs_known_uid(&mirror->known, meta), meta->uid))
		return meta->resource_version;
	cs_known_remove(&mirror->known, meta);
	if (cs_protobuf_read(mirror->options->kind->descriptor, raw, batch_arena(mirror), &object,
			     NULL) == 0)
		emit(mirror, CS_CHANGE_DELETED, object);
	else
		emit_gone(mirror,
			  &(struct cs_known_name){ .namespace = cs_slice_of(meta->namespace_),
						   .name = cs_slice_of(meta->name),
						   .uid = meta->uid });
	return meta->resource_version;
}
