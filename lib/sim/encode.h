// Objects, lists, watch events and errors as JSON or protobuf bytes. Neighbours: kube's codec and
// protobuf; bytes of a version are made once and kept with it.
#ifndef SIM_ENCODE_H
#define SIM_ENCODE_H

#include <csched/base/buffer.h>

#include "status.h"
#include "store.h"

enum sim_format { SIM_FORMAT_JSON, SIM_FORMAT_PROTOBUF, SIM_FORMAT_TABLE };

#define SIM_OBJECT_MAX (64u << 20) // bytes of one encoded object

// The tree as the resource of the request shows it (events have two forms); a new reference.
struct json_object *sim_view(const struct sim_resource *resource, struct json_object *tree);
// The other way: the tree as it is stored; a new reference.
struct json_object *sim_unview(const struct sim_resource *resource, struct json_object *tree);
// Whether objects of the resource can be shown as protobuf.
bool sim_has_protobuf(struct sim_store *store, const struct sim_resource *resource);

// The bytes of one object in its stored form, borrowed from the version. What cannot be written as
// protobuf (its tree was not checked) gives the empty slice.
struct cs_slice sim_encode_version(enum sim_format format, struct sim_version *version);
// The same for a tree that is no version; appended.
void sim_encode_tree(const struct sim_resource *resource, enum sim_format format,
		     struct json_object *tree, struct cs_buffer *out);
// Whether the tree fits its kind's message; the error names the field.
int sim_encode_check(const struct cs_kind *kind, struct json_object *tree, struct cs_error *err);

struct sim_list_info {
	uint64_t rv;
	const char *next;  // continue token, or NULL
	int64_t remaining; // < 0: not said
};
void sim_encode_list(const struct sim_resource *resource, enum sim_format format,
		     const struct sim_snapshot *snapshot, const struct sim_list_info *info,
		     struct cs_buffer *out);

// A watch event around an encoded object, framed for the format.
void sim_encode_event(enum sim_format format, const char *type, struct cs_slice object,
		      struct cs_buffer *out);
void sim_encode_status(enum sim_format format, const struct sim_status *status,
		       struct cs_buffer *out);

#endif
