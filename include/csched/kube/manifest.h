// Reading manifests as kubectl does: multi-document YAML or JSON, Lists flattened.
// Neighbours: sim's loader, simulate, tests.
#ifndef CSCHED_KUBE_MANIFEST_H
#define CSCHED_KUBE_MANIFEST_H

#include <csched/base/error.h>
#include <csched/base/value.h>

// One object of a manifest.
struct cs_manifest_object {
	struct json_object *tree;
	const char *api_version; // in the tree, as is `kind`
	const char *kind;
	int line; // in the file, from 1; of an item in a list within a list, the inner list's
};

// Tells the objects one by one, in the order of the file; an object is valid during the call, which
// may keep its tree with json_object_get. < 0 ends the reading and is returned with its words.
// Other errors name file name, line, object and field; the objects before it have been told.
//
// Needs apiVersion and kind in each object. A List, or a PodList with items, is replaced by its
// items, whose missing apiVersion and kind are filled in from the PodList; so is, as kubectl has
// it, whatever has items of which each says what it is. Lists within lists are flattened too.
typedef int (*cs_manifest_f)(void *user, const struct cs_manifest_object *object,
			     struct cs_error *err);
int cs_manifest_each(const char *file_name, struct cs_slice text, cs_manifest_f tell, void *user,
		     struct cs_error *err);

struct cs_manifest {
	struct cs_manifest_object *objects; // with a reference to each tree
	size_t count;
};

// All objects at once, for manifests that are small.
int cs_manifest_read(const char *file_name, struct cs_slice text, struct cs_manifest *ret,
		     struct cs_error *err);
void cs_manifest_finish(struct cs_manifest *manifest);

#endif
