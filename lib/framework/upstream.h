// kube-scheduler 1.36's own plugins, whether this version has them or not.
// Neighbours: profile.c asks; mirrors apis/config/v1/default_plugins.go and plugins/registry.go.
#ifndef FRAMEWORK_UPSTREAM_H
#define FRAMEWORK_UPSTREAM_H

#include <stdbool.h>

#include <csched/base/arena.h>
#include <csched/base/value.h>
#include <csched/framework/errors.h>

// False for a name that is none of theirs; else *ret_points is where it works (POINT_BIT).
bool upstream_find(const char *name, unsigned *ret_points);

// A plugin of older versions. Mirrors invalidPluginsByVersion in apis/config/validation.
bool upstream_is_removed(const char *name);

// The arguments (NULL = none) of a plugin that this version lacks, by upstream's rules: a file
// that kube-scheduler refuses is refused here, too.
int upstream_check_args(const char *name, struct json_object *args, struct cs_arena *arena,
			struct cs_errors *errors);

#endif
