// Priorities of pods from their PriorityClass. Neighbours: simulation.c calls it for each pod.
#include "priority.h"

#include <errno.h>

#include <csched/base/memory.h>

static const struct {
	const char *name;
	int32_t value;
} built_in[] = {
	{ "system-node-critical", 2000001000 },
	{ "system-cluster-critical", 2000000000 },
};

static int find_class(const struct input *input, const char *name, const char *path, int32_t *ret,
		      struct cs_error *err)
{
	const struct input_object *object = input_find(input, &cs_kind_priority_class, NULL, name);
	if (object) {
		*ret = ((const Kube__PriorityClass *)object->message)->value;
		return 0;
	}
	for (size_t i = 0; i < CS_ARRAY_LENGTH(built_in); i++)
		if (strcmp(built_in[i].name, name) == 0) {
			*ret = built_in[i].value;
			return 0;
		}
	return cs_error_set(err, -EINVAL,
			    "%s.priorityClassName: no PriorityClass \"%s\" in the input", path,
			    name);
}

int priority_resolve(const struct input *input, Kube__PodSpec *spec, const char *path,
		     struct cs_error *err)
{
	if (!spec || spec->has_priority)
		return 0;
	int r = 0;
	if (spec->priority_class_name && *spec->priority_class_name)
		r = find_class(input, spec->priority_class_name, path, &spec->priority, err);
	else
		spec->priority = input->default_priority;
	spec->has_priority = r == 0;
	return r;
}
