// Footprints and demands by content, and the table of what this version does not implement.
// Neighbours: demand.h, demand_internal.h; pod.c reads the API object.
#include <csched/cluster/demand.h>

#include <csched/base/memory.h>
#include <string.h>

#include "cluster_internal.h"
#include "demand_internal.h"
#include "pod_affinity.h"

// ---- what is lacking ----

// A question to the pod's volumes: is one of them of this kind?
#define VOLUME(question, member)                                                    \
	static bool question(const Kube__Pod *pod)                                  \
	{                                                                           \
		for (size_t i = 0; i < pod->spec->n_volumes; i++) {                 \
			const Kube__Volume *volume = pod->spec->volumes[i];         \
			if (volume->volume_source && volume->volume_source->member) \
				return true;                                        \
		}                                                                   \
		return false;                                                       \
	}

VOLUME(claim, persistent_volume_claim)
VOLUME(ephemeral, ephemeral)
VOLUME(gce_disk, gce_persistent_disk)
VOLUME(ebs, aws_elastic_block_store)
VOLUME(iscsi, iscsi)
VOLUME(rbd, rbd)
VOLUME(azure_disk, azure_disk)
VOLUME(azure_file, azure_file)
VOLUME(cinder, cinder)
VOLUME(vsphere, vsphere_volume)
VOLUME(portworx, portworx_volume)

static bool resource_claims(const Kube__Pod *pod)
{
	return pod->spec->n_resource_claims > 0;
}

static bool scheduling_group(const Kube__Pod *pod)
{
	return pod->spec->scheduling_group;
}

// Not here because they need no scheduling rule: volumes of other kinds, inline csi volumes
// (upstream counts none against a node's limits), image volumes, hostPath. What cannot be seen in a
// pod is documented instead: an extended resource that a DeviceClass serves.
const struct cs_unsupported cs_unsupported_fields[] = {
	{ "spec.volumes[].persistentVolumeClaim", "persistent volume claims", claim },
	{ "spec.volumes[].ephemeral", "generic ephemeral volumes", ephemeral },
	{ "spec.volumes[].gcePersistentDisk", "disks attached to one node", gce_disk },
	{ "spec.volumes[].awsElasticBlockStore", "disks attached to one node", ebs },
	{ "spec.volumes[].iscsi", "disks attached to one node", iscsi },
	{ "spec.volumes[].rbd", "disks attached to one node", rbd },
	// NodeVolumeLimits counts these as the CSI volumes they have become.
	{ "spec.volumes[].azureDisk", "volume limits of nodes", azure_disk },
	{ "spec.volumes[].azureFile", "volume limits of nodes", azure_file },
	{ "spec.volumes[].cinder", "volume limits of nodes", cinder },
	{ "spec.volumes[].vsphereVolume", "volume limits of nodes", vsphere },
	{ "spec.volumes[].portworxVolume", "volume limits of nodes", portworx },
	{ "spec.resourceClaims", "dynamic resource allocation", resource_claims },
	{ "spec.schedulingGroup", "gang scheduling", scheduling_group },
	{ NULL, NULL, NULL },
};

// ---- keys ----

struct footprint {
	struct cs_content content;
	struct cs_footprint shown;
};

// What a demand says in words.
enum {
	TEXT_UNSUPPORTED_FIELD,
	TEXT_UNSUPPORTED_FEATURE,
	TEXT_PEERS_ERROR,
	TEXT_AFFINITY_ERROR,
	TEXT_SPREAD_HARD_ERROR,
	TEXT_SPREAD_SOFT_ERROR,
	TEXT_COUNT,
};

struct demand {
	struct cs_content content;
	struct cs_demand shown;
	struct cs_node_asks asks;
	uint32_t kept;
	uint32_t asked;             // of these: by who may want to ask again
	uint32_t texts[TEXT_COUNT]; // intern ids
};

static struct footprint *footprint_of(const struct cs_footprint *shown)
{
	return CS_CONTAINER_OF((struct cs_footprint *)(uintptr_t)shown, struct footprint, shown);
}

static struct demand *demand_of(const struct cs_demand *shown)
{
	return CS_CONTAINER_OF((struct cs_demand *)(uintptr_t)shown, struct demand, shown);
}

// Words of a key, so that no padding gets into it.
struct words {
	uint64_t *at;
	uint64_t *start;
};

static struct words words_for(struct cs_arena *scratch, const struct cs_pod_requests *requests,
			      size_t more)
{
	uint64_t *start = cs_arena_alloc_array(scratch, 8 + 3 * (size_t)requests->n_extended + more,
					       sizeof(*start));
	return (struct words){ .at = start, .start = start };
}

static void put(struct words *words, uint64_t word)
{
	*words->at++ = word;
}

static void put_requests(struct words *words, const struct cs_pod_requests *requests)
{
	for (int i = 0; i < CS_RESOURCE_FIXED_COUNT; i++)
		put(words, (uint64_t)requests->fixed[i]);
	put(words, (uint64_t)requests->nonzero_cpu);
	put(words, (uint64_t)requests->nonzero_memory);
	put(words, (uint64_t)requests->score_cpu);
	put(words, (uint64_t)requests->score_memory);
	put(words, requests->n_extended);
	for (uint32_t i = 0; i < requests->n_extended; i++) {
		put(words, requests->extended[i].column);
		put(words, (uint64_t)requests->extended[i].amount);
		put(words, (uint64_t)requests->extended[i].score);
	}
}

static struct cs_slice words_slice(const struct words *words)
{
	return (struct cs_slice){ (const char *)words->start,
				  (size_t)(words->at - words->start) * sizeof(*words->at) };
}

static void own_extended(struct cs_pod_requests *requests)
{
	struct cs_resource_amount *copy = cs_alloc_array(requests->n_extended, sizeof(*copy));
	if (requests->n_extended > 0)
		memcpy(copy, requests->extended, requests->n_extended * sizeof(*copy));
	requests->extended = copy;
}

static void drop_requests(struct cs_demands *demands, const struct cs_pod_requests *requests)
{
	for (uint32_t i = 0; i < requests->n_extended; i++)
		cs_nodes_unref_column(demands->nodes, requests->extended[i].column);
}

static void free_extended(const struct cs_pod_requests *requests)
{
	free((void *)(uintptr_t)requests->extended);
}

bool cs_pod_requests_fell(const struct cs_pod_requests *before, const struct cs_pod_requests *now)
{
	for (int i = 0; i < CS_RESOURCE_FIXED_COUNT; i++)
		if (now->fixed[i] < before->fixed[i])
			return true;
	uint32_t at = 0;
	for (uint32_t i = 0; i < before->n_extended; i++) {
		const struct cs_resource_amount *was = &before->extended[i];
		while (at < now->n_extended && now->extended[at].column < was->column)
			at++;
		bool there = at < now->n_extended && now->extended[at].column == was->column;
		if ((there ? now->extended[at].amount : 0) < was->amount)
			return true;
	}
	return false;
}

void cs_demands_init(struct cs_demands *demands, uint64_t seed)
{
	cs_map_init(&demands->footprints, seed);
	cs_map_init(&demands->demands, seed);
}

void cs_demands_finish(struct cs_demands *demands)
{
	cs_map_finish(&demands->footprints);
	cs_map_finish(&demands->demands);
	free(demands->free_ids);
}

// ---- footprints ----

static void put_ports(struct words *words, const struct cs_footprint *parts)
{
	put(words, parts->n_ports);
	for (uint32_t i = 0; i < parts->n_ports; i++) {
		put(words, (uint64_t)parts->ports[i].ip << 32 | parts->ports[i].protocol);
		put(words, (uint64_t)parts->ports[i].port);
	}
}

struct cs_footprint *cs_footprint_ref(struct cs_demands *demands, struct cs_arena *scratch,
				      const struct cs_footprint *parts)
{
	struct words words = words_for(scratch, &parts->requests,
				       1 + parts->n_carried + 2 * (size_t)parts->n_ports);
	put_requests(&words, &parts->requests);
	for (uint32_t i = 0; i < parts->n_carried; i++)
		put(&words, (uintptr_t)parts->carried[i]);
	put_ports(&words, parts);
	struct cs_content *known = cs_content_ref(&demands->footprints, words_slice(&words));
	if (known) {
		drop_requests(demands, &parts->requests);
		cs_pod_affinity_unref_carried(demands->cluster, parts);
		cs_ports_unref(demands->strings, parts->ports, parts->n_ports);
		return &CS_CONTAINER_OF(known, struct footprint, content)->shown;
	}
	struct footprint *footprint = cs_alloc(sizeof(*footprint));
	footprint->shown = *parts;
	own_extended(&footprint->shown.requests);
	struct cs_carried **carried = cs_alloc_array(parts->n_carried, sizeof(struct cs_carried *));
	for (uint32_t i = 0; i < parts->n_carried; i++)
		carried[i] = parts->carried[i];
	footprint->shown.carried = carried;
	struct cs_host_port *ports = cs_alloc_array(parts->n_ports, sizeof(*ports));
	if (parts->n_ports > 0)
		memcpy(ports, parts->ports, parts->n_ports * sizeof(*ports));
	footprint->shown.ports = ports;
	cs_content_add(&demands->footprints, &footprint->content, words_slice(&words));
	return &footprint->shown;
}

void cs_footprint_unref(struct cs_demands *demands, struct cs_footprint *shown)
{
	if (!shown)
		return;
	struct footprint *footprint = footprint_of(shown);
	if (!cs_content_unref(&demands->footprints, &footprint->content))
		return;
	drop_requests(demands, &shown->requests);
	free_extended(&shown->requests);
	cs_pod_affinity_unref_carried(demands->cluster, shown);
	cs_ports_unref(demands->strings, shown->ports, shown->n_ports);
	free((void *)(uintptr_t)shown->carried);
	free((void *)(uintptr_t)shown->ports);
	free(footprint);
}

uint32_t cs_footprint_refs(const struct cs_footprint *footprint)
{
	return footprint_of(footprint)->content.refs;
}

// ---- demands ----

static void intern_texts(struct cs_intern *strings, const struct cs_demand_parts *parts,
			 uint32_t ids[TEXT_COUNT])
{
	const char *texts[TEXT_COUNT] = {
		[TEXT_UNSUPPORTED_FIELD] = parts->unsupported_field,
		[TEXT_UNSUPPORTED_FEATURE] = parts->unsupported_feature,
		[TEXT_PEERS_ERROR] = parts->peers.error,
		[TEXT_AFFINITY_ERROR] = parts->affinity.error,
		[TEXT_SPREAD_HARD_ERROR] = parts->spread.hard_error,
		[TEXT_SPREAD_SOFT_ERROR] = parts->spread.soft_error,
	};
	for (int i = 0; i < TEXT_COUNT; i++)
		ids[i] = texts[i] ? cs_intern_ref(strings, cs_slice_of(texts[i])) : CS_INTERN_NONE;
}

static void drop_texts(struct cs_intern *strings, const uint32_t ids[TEXT_COUNT])
{
	for (int i = 0; i < TEXT_COUNT; i++)
		cs_intern_unref(strings, ids[i]);
}

// Shows the texts in the demand; they are valid as long as it.
static void show_texts(const struct cs_intern *strings, struct demand *demand)
{
	const char **shown[TEXT_COUNT] = {
		[TEXT_UNSUPPORTED_FIELD] = &demand->shown.unsupported_field,
		[TEXT_UNSUPPORTED_FEATURE] = &demand->shown.unsupported_feature,
		[TEXT_PEERS_ERROR] = &demand->shown.peers_error,
		[TEXT_AFFINITY_ERROR] = &demand->shown.affinity.error,
		[TEXT_SPREAD_HARD_ERROR] = &demand->shown.spread_hard_error,
		[TEXT_SPREAD_SOFT_ERROR] = &demand->shown.spread_soft_error,
	};
	for (int i = 0; i < TEXT_COUNT; i++)
		*shown[i] = demand->texts[i] ? cs_intern_string(strings, demand->texts[i]) : NULL;
}

static uint32_t take_id(struct cs_demands *demands)
{
	if (demands->n_free_ids > 0)
		return demands->free_ids[--demands->n_free_ids];
	uint32_t id = demands->n_ids++;
	// Room for all of them, so that giving one back needs none.
	demands->free_ids =
		cs_realloc_array(demands->free_ids, demands->n_ids, sizeof(*demands->free_ids));
	return id;
}

static void drop_parts(struct cs_demands *demands, const struct cs_demand_parts *parts)
{
	drop_requests(demands, &parts->requests);
	cs_toleration_set_unref(demands->taints, parts->toleration_set);
	cs_node_asks_drop(demands->cluster, &parts->asks);
	cs_spread_unref(demands->cluster, parts->spread.list, parts->spread.n);
	cs_pod_affinity_unref_asked(demands->cluster, &parts->affinity);
	cs_peers_unref(demands->cluster, parts->peers.query);
}

static const struct cs_spread_constraint *own_spread(const struct cs_spread_parts *spread)
{
	struct cs_spread_constraint *copy = cs_alloc_array(spread->n, sizeof(*copy));
	if (spread->n > 0)
		memcpy(copy, spread->list, spread->n * sizeof(*copy));
	return copy;
}

struct cs_demand *cs_demand_ref(struct cs_demands *demands, struct cs_arena *scratch,
				const struct cs_demand_parts *parts)
{
	uint32_t texts[TEXT_COUNT];
	intern_texts(demands->strings, parts, texts);
	struct words words = words_for(scratch, &parts->requests,
				       3 + TEXT_COUNT + cs_node_asks_count_words(&parts->asks) +
					       cs_pod_affinity_key_size(&parts->affinity) +
					       CS_SPREAD_WORDS * (size_t)parts->spread.n);
	put_requests(&words, &parts->requests);
	put(&words, parts->toleration_set);
	words.at = cs_node_asks_put_words(&parts->asks, words.at);
	for (int i = 0; i < TEXT_COUNT; i++)
		put(&words, texts[i]);
	put(&words, (uintptr_t)parts->peers.query);
	put(&words, parts->spread.n);
	for (uint32_t i = 0; i < parts->spread.n; i++, words.at += CS_SPREAD_WORDS)
		cs_spread_words(&parts->spread.list[i], words.at);
	words.at += cs_pod_affinity_key(&parts->affinity, words.at);
	struct cs_content *known = cs_content_ref(&demands->demands, words_slice(&words));
	if (known) {
		drop_parts(demands, parts);
		drop_texts(demands->strings, texts);
		return &CS_CONTAINER_OF(known, struct demand, content)->shown;
	}
	struct demand *demand = cs_alloc(sizeof(*demand));
	demand->asks = parts->asks;
	memcpy(demand->texts, texts, sizeof(texts));
	demand->shown = (struct cs_demand){
		.requests = parts->requests,
		.toleration_set = parts->toleration_set,
		.tolerates_unschedulable =
			cs_toleration_set_unschedulable(demands->taints, parts->toleration_set),
		.affinity = parts->affinity,
		.n_spread = parts->spread.n,
		.spread = own_spread(&parts->spread),
		.peers = parts->peers.query,
		.id = take_id(demands),
		.generation = ++demands->generation,
	};
	show_texts(demands->strings, demand);
	own_extended(&demand->shown.requests);
	cs_node_asks_own(demands->cluster, &demand->asks, &demand->shown);
	cs_pod_affinity_own(&demand->shown.affinity);
	cs_content_add(&demands->demands, &demand->content, words_slice(&words));
	return &demand->shown;
}

void cs_demand_unref(struct cs_demands *demands, struct cs_demand *shown)
{
	if (!shown)
		return;
	struct demand *demand = demand_of(shown);
	if (!cs_content_unref(&demands->demands, &demand->content))
		return;
	demands->free_ids[demands->n_free_ids++] = shown->id;
	drop_requests(demands, &shown->requests);
	free_extended(&shown->requests);
	cs_toleration_set_unref(demands->taints, shown->toleration_set);
	cs_node_asks_drop(demands->cluster, &demand->asks);
	cs_node_asks_free(&demand->asks, shown);
	cs_spread_unref(demands->cluster, shown->spread, shown->n_spread);
	free((void *)(uintptr_t)shown->spread);
	cs_pod_affinity_unref_asked(demands->cluster, &shown->affinity);
	cs_pod_affinity_free(&shown->affinity);
	drop_texts(demands->strings, demand->texts);
	cs_peers_unref(demands->cluster, shown->peers);
	free(demand);
}

void cs_demand_keep(struct cs_demand *shown)
{
	struct demand *demand = demand_of(shown);
	demand->content.refs++;
	demand->kept++;
}

void cs_demand_release(struct cs_demands *demands, struct cs_demand *shown)
{
	demand_of(shown)->kept--;
	cs_demand_unref(demands, shown);
}

uint32_t cs_demand_count_asked(struct cs_demand *shown, int change)
{
	return demand_of(shown)->asked += (uint32_t)change;
}

uint32_t cs_demand_kept(const struct cs_content *content, const struct cs_demand **ret)
{
	const struct demand *demand =
		CS_CONTAINER_OF((struct cs_content *)(uintptr_t)content, struct demand, content);
	*ret = &demand->shown;
	return demand->kept;
}

uint32_t cs_demand_refs(const struct cs_demand *demand)
{
	return demand_of(demand)->content.refs;
}

char *cs_demand_refusal(const struct cs_demand *demand)
{
	if (!demand->unsupported_feature)
		return cs_asprintf("cannot read %s", demand->unsupported_field);
	return cs_asprintf("does not implement %s (%s)", demand->unsupported_feature,
			   demand->unsupported_field);
}
