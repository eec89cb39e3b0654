// Reading manifests as kubectl does: multi-document YAML or JSON, Lists flattened.
// Neighbours: sim's loader, simulate, tests.
#ifndef CSCHED_KUBE_MANIFEST_H
#define CSCHED_KUBE_MANIFEST_H

#include <csched/base/error.h>
#include <csched/base/value.h>

// One object of a manifest; `tree` is borrowed from the manifest.
struct cs_manifest_object {
	struct json_object *tree;
	const char *api_version;
	const char *kind;
	int line; // in the file, from 1; of the List for its items; 0 if unknown
};

struct cs_manifest {
	struct json_object *documents;
	struct cs_manifest_object *objects;
	size_t count;
};

// Errors name file name, line, object and field. Needs apiVersion and kind in each object; a List,
// or a PodList with items, is replaced by its items, whose missing apiVersion and kind are filled
// in from the PodList. Lists within lists are flattened too.
int cs_manifest_read(const char *file_name, struct cs_slice text, struct cs_manifest *ret,
		     struct cs_error *err);
void cs_manifest_finish(struct cs_manifest *manifest);

#endif
