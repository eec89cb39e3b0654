// What arguments of several plugins have in common. Neighbours: args.h.
#include "args.h"

#include <errno.h>
#include <stddef.h>

#include <csched/kube/selector.h>

const struct cs_field cs_args_resource_fields[] = {
	{ .name = "name",
	  .type = CS_FIELD_STRING,
	  .offset = offsetof(struct cs_args_resource, name) },
	{ .name = "weight",
	  .type = CS_FIELD_INT,
	  .offset = offsetof(struct cs_args_resource, weight) },
	{ 0 },
};

int cs_args_check_kind(const struct cs_args_head *head, const char *wanted, struct cs_error *err)
{
	if (!head->kind || cs_string_equal(head->kind, wanted))
		return 0;
	return cs_error_set(err, -EINVAL, "kind: \"%s\" is not \"%s\"", head->kind, wanted);
}

static void default_resources(const struct cs_args_list *resources)
{
	struct cs_args_resource *items = cs_arena_alloc_array(resources->arena, 2, sizeof(*items));
	items[0].name = "cpu";
	items[1].name = "memory";
	*resources->list = (struct cs_field_list){ .count = 2, .items = items };
}

int cs_args_complete_resources(const struct cs_args_list *resources, int64_t max_weight,
			       struct cs_error *err)
{
	const char *path = resources->path;
	if (resources->list->count == 0)
		default_resources(resources);
	if (resources->list->count > CS_ARGS_RESOURCES_MAX)
		return cs_error_set(err, -EINVAL, "%s: more than %d items", path,
				    CS_ARGS_RESOURCES_MAX);
	struct cs_args_resource *items = resources->list->items;
	for (uint32_t i = 0; i < resources->list->count; i++) {
		int64_t *weight = &items[i].weight.value;
		*weight = *weight == 0 ? 1 : *weight;
		if (!items[i].name || !items[i].name[0])
			return cs_error_set(err, -EINVAL, "%s[%u].name: a resource needs a name",
					    path, i);
		if (*weight < 1 || *weight > max_weight)
			return cs_error_set(
				err, -EINVAL,
				"%s[%u].weight: resource weight of %s not in valid range [1, %lld]",
				path, i, items[i].name, (long long)max_weight);
	}
	return 0;
}

static bool is_label_key(const char *name)
{
	Kube__NodeSelectorRequirement exists = KUBE__NODE_SELECTOR_REQUIREMENT__INIT;
	exists.key = (char *)(uintptr_t)name;
	exists.operator_ = (char *)(uintptr_t) "Exists";
	struct cs_requirement parsed;
	return cs_requirement_parse(&exists, &parsed, NULL) == 0;
}

int cs_args_check_names(const struct cs_field_list *list, const char *path, struct cs_error *err)
{
	const char *const *names = list->items;
	for (uint32_t i = 0; i < list->count; i++)
		if (!is_label_key(names[i]))
			return cs_error_set(err, -EINVAL,
					    "%s[%u]: not a name as labels have: \"%s\"", path, i,
					    names[i]);
	return 0;
}
