// Applying patches to trees: JSON merge patch (RFC 7386) and Kubernetes' strategic merge.
// Neighbours: write.c reads the patch and stores the result.
#ifndef SIM_PATCH_H
#define SIM_PATCH_H

#include <csched/base/error.h>
#include <csched/base/value.h>

// Both give a new tree in *ret that shares with `target` what the patch leaves alone.
void sim_patch_merge(struct json_object *target, struct json_object *patch,
		     struct json_object **ret);
// Lists with a merge key are merged by it (containers by name, conditions by type, ...);
// understands $patch (delete, replace, merge), $setElementOrder, $deleteFromPrimitiveList and
// $retainKeys.
int sim_patch_strategic(struct json_object *target, struct json_object *patch,
			struct json_object **ret, struct cs_error *err);

#endif
