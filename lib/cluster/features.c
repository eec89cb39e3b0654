// Which features a node declares and a pod needs. Neighbours: features.h.
#include "features.h"

#include <csched/base/memory.h>
#include <csched/base/slice.h>

static const struct {
	const char *name;
	enum cs_feature feature;
} names[] = {
	{ "RestartAllContainersOnContainerExits", CS_FEATURE_RESTART_ALL_CONTAINERS },
	{ "UserNamespacesHostNetworkSupport", CS_FEATURE_USER_NAMESPACES_HOST_NETWORK },
};

void cs_features_finish(struct cs_features *features)
{
	for (uint32_t set = 0; set <= CS_FEATURE_ALL; set++)
		cs_bitmap_finish(&features->rows[set]);
}

void cs_features_update(struct cs_features *features, uint32_t row, uint32_t declared)
{
	for (uint32_t set = 1; set <= CS_FEATURE_ALL; set++)
		cs_bitmap_set(&features->rows[set], row, (declared & set) == set);
}

uint32_t cs_features_declared(const Kube__NodeStatus *status)
{
	uint32_t declared = 0;
	for (size_t i = 0; status && i < status->n_declared_features; i++)
		for (size_t n = 0; n < CS_ARRAY_LENGTH(names); n++)
			if (cs_string_equal(status->declared_features[i], names[n].name))
				declared |= names[n].feature;
	return declared;
}

static bool restarts_all(Kube__Container *const *containers, size_t n)
{
	for (size_t i = 0; i < n; i++)
		for (size_t r = 0; r < containers[i]->n_restart_policy_rules; r++)
			if (cs_string_equal(containers[i]->restart_policy_rules[r]->action,
					    "RestartAllContainers"))
				return true;
	return false;
}

uint32_t cs_features_needed(const Kube__PodSpec *spec)
{
	uint32_t needed = 0;
	if (restarts_all(spec->containers, spec->n_containers) ||
	    restarts_all(spec->init_containers, spec->n_init_containers))
		needed |= CS_FEATURE_RESTART_ALL_CONTAINERS;
	if (spec->host_network && spec->has_host_users && !spec->host_users)
		needed |= CS_FEATURE_USER_NAMESPACES_HOST_NETWORK;
	return needed;
}

void cs_features_print(uint32_t features, struct cs_buffer *out)
{
	const char *comma = "";
	for (size_t i = 0; i < CS_ARRAY_LENGTH(names); i++) {
		if (!(features & names[i].feature))
			continue;
		cs_buffer_printf(out, "%s%s", comma, names[i].name);
		comma = ", ";
	}
}
