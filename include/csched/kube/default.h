// What the API server fills in where an object says nothing, as far as anything here looks at it.
// Neighbours: kubesim calls it before it stores an object, simulate for objects from files.
#ifndef CSCHED_KUBE_DEFAULT_H
#define CSCHED_KUBE_DEFAULT_H

#include <csched/base/value.h>

// Edits the tree of an object of that group ("" = core) and kind, version v1; kinds without
// defaults stay as they are. Branches that change become the tree's own (base's tree.h), others may
// be shared. A member of a wrong type is left alone: the decoder names it. Quantities that cannot
// be read count as 0 here. Mirrors pkg/apis/{core,apps,batch}/v1/defaults.go, without what
// admission adds: priority, default tolerations.
void cs_default_object(const char *group, const char *kind, struct json_object *tree);

#endif
