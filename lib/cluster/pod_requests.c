// Lists of amounts in nano units: read, added, compared, rounded at the very end.
// Neighbours: pod_requests.h. Lists are short: names are searched one by one.
#include "pod_requests.h"

#include <csched/base/memory.h>
#include <csched/base/slice.h>
#include <csched/kube/quantity.h>
#include <errno.h>
#include <string.h>

// schedutil.DefaultMilliCPURequest and DefaultMemoryRequest, in nano units.
#define DEFAULT_CPU    ((__int128)100 * 1000000)
#define DEFAULT_MEMORY ((__int128)200 * 1024 * 1024 * 1000000000)
#define LIST_MAX       CS_RESOURCE_MAX // names in one list

struct amount {
	const char *name; // of the API object
	struct cs_quantity value;
};

// Grows in the reader's scratch.
struct amounts {
	struct amount *items;
	size_t n;
	size_t capacity;
};

// One field that holds a list: "spec.containers" [i] ".resources.requests".
struct place {
	const char *list; // NULL = `tail` is all
	size_t index;
	const char *tail;
};

// ---- reading ----

static void fail(struct cs_pod_requests_reader *reader, struct place place, const char *name,
		 const char *words)
{
	if (reader->field)
		return;
	const char *dot = name ? "." : "";
	const char *last = name ? name : "";
	reader->field = place.list
				? cs_arena_printf(reader->scratch, "%s[%zu].%s%s%s", place.list,
						  place.index, place.tail, dot, last)
				: cs_arena_printf(reader->scratch, "%s%s%s", place.tail, dot, last);
	cs_error_set(reader->err, -EINVAL, "%s: %s", reader->field, words);
}

static struct amount *find(const struct amounts *list, const char *name)
{
	for (size_t i = 0; i < list->n; i++)
		if (strcmp(list->items[i].name, name) == 0)
			return &list->items[i];
	return NULL;
}

static void append(struct cs_arena *scratch, struct amounts *list, struct amount amount)
{
	if (list->n == list->capacity) {
		size_t capacity = list->capacity ? list->capacity * 2 : 4;
		struct amount *items =
			cs_arena_alloc_array(scratch, capacity, sizeof(*list->items));
		if (list->n > 0)
			memcpy(items, list->items, list->n * sizeof(*items));
		list->items = items;
		list->capacity = capacity;
	}
	list->items[list->n++] = amount;
}

static struct amounts copy(struct cs_arena *scratch, const struct amounts *from)
{
	struct amounts list = { 0 };
	for (size_t i = 0; i < from->n; i++)
		append(scratch, &list, from->items[i]);
	return list;
}

static struct amounts read_list(struct cs_pod_requests_reader *reader, struct place place,
				Kube__QuantityEntry *const *entries, size_t n)
{
	struct amounts list = { 0 };
	struct cs_error why;
	for (size_t i = 0; i < n; i++) {
		const char *name = entries[i]->key;
		const char *text = entries[i]->value ? entries[i]->value->string : NULL;
		struct amount amount = { .name = name };
		if (!name || !*name)
			fail(reader, place, NULL, "a resource without a name");
		else if (list.n == LIST_MAX)
			fail(reader, place, NULL, "more than 256 resources");
		else if (cs_quantity_parse(cs_slice_of(text), &amount.value, &why) != 0)
			fail(reader, place, name, why.text);
		else if (amount.value.nano < 0)
			fail(reader, place, name, "must not be negative");
		else
			append(reader->scratch, &list, amount);
	}
	return list;
}

// ---- arithmetic ----

static void add_lists(struct cs_arena *scratch, struct amounts *list, const struct amounts *other)
{
	for (size_t i = 0; i < other->n; i++) {
		struct amount *mine = find(list, other->items[i].name);
		if (mine)
			mine->value = cs_quantity_add(mine->value, other->items[i].value);
		else
			append(scratch, list, other->items[i]);
	}
}

static void max_lists(struct cs_arena *scratch, struct amounts *list, const struct amounts *other)
{
	for (size_t i = 0; i < other->n; i++) {
		struct amount *mine = find(list, other->items[i].name);
		if (mine)
			mine->value = cs_quantity_max(mine->value, other->items[i].value);
		else
			append(scratch, list, other->items[i]);
	}
}

// ---- a pod's containers ----

struct container {
	struct amounts asked; // spec
	struct amounts taken; // with the status
	bool init;
	bool sidecar;
};

struct pod {
	struct container *containers; // the ordinary ones first, then init containers in order
	size_t n;
	struct amounts level_asked; // pod-level requests
	struct amounts level_taken;
	bool has_level; // pod-level requests of a supported resource are there
	struct amounts overhead;
};

static bool is_sidecar(const Kube__Container *container)
{
	return cs_string_equal(container->restart_policy, "Always");
}

// Whether the kubelet refused a resize of the pod: what it asks for does not count then.
static bool resize_is_infeasible(const Kube__PodStatus *status)
{
	for (size_t i = 0; i < status->n_conditions; i++)
		if (cs_string_equal(status->conditions[i]->type, "PodResizePending"))
			return cs_string_equal(status->conditions[i]->reason, "Infeasible");
	return false;
}

// max(spec, actuated, allocated), without spec when the resize is infeasible.
static struct amounts effective(struct cs_pod_requests_reader *reader,
				const Kube__PodStatus *status, const struct amounts *spec,
				const struct amounts *actuated, const struct amounts *allocated)
{
	struct amounts list = { 0 };
	if (!resize_is_infeasible(status))
		list = copy(reader->scratch, spec);
	max_lists(reader->scratch, &list, actuated);
	max_lists(reader->scratch, &list, allocated);
	return list;
}

struct statuses {
	Kube__ContainerStatus *const *items;
	size_t n;
	const char *list;
};

// Upstream looks names up in a map into which statuses of init containers go last.
static const Kube__ContainerStatus *find_status(struct statuses statuses, const char *name,
						size_t *ret_index)
{
	for (size_t i = statuses.n; i-- > 0;)
		if (cs_string_equal(statuses.items[i]->name, name)) {
			*ret_index = i;
			return statuses.items[i];
		}
	return NULL;
}

static struct amounts read_taken(struct cs_pod_requests_reader *reader,
				 const Kube__PodStatus *status, const char *name,
				 const struct amounts *asked)
{
	if (!status)
		return *asked;
	struct statuses both[] = {
		{ status->init_container_statuses, status->n_init_container_statuses,
		  "status.initContainerStatuses" },
		{ status->container_statuses, status->n_container_statuses,
		  "status.containerStatuses" },
	};
	size_t index = 0;
	size_t which = 0;
	const Kube__ContainerStatus *found = find_status(both[0], name, &index);
	if (!found) {
		which = 1;
		found = find_status(both[1], name, &index);
	}
	if (!found || !found->resources)
		return *asked;
	struct place place = { both[which].list, index, "resources.requests" };
	struct amounts actuated =
		read_list(reader, place, found->resources->requests, found->resources->n_requests);
	place.tail = "allocatedResources";
	struct amounts allocated =
		read_list(reader, place, found->allocated_resources, found->n_allocated_resources);
	return effective(reader, status, asked, &actuated, &allocated);
}

static void read_container(struct cs_pod_requests_reader *reader, const Kube__Container *from,
			   struct place place, struct container *ret)
{
	if (!from->resources)
		return;
	place.tail = "resources.requests";
	ret->asked =
		read_list(reader, place, from->resources->requests, from->resources->n_requests);
}

static void read_containers(struct cs_pod_requests_reader *reader, const Kube__Pod *from,
			    struct pod *pod)
{
	const Kube__PodSpec *spec = from->spec;
	pod->n = spec->n_containers + spec->n_init_containers;
	pod->containers = cs_arena_alloc_array(reader->scratch, pod->n, sizeof(*pod->containers));
	for (size_t i = 0; i < pod->n; i++) {
		struct container *container = &pod->containers[i];
		container->init = i >= spec->n_containers;
		size_t index = container->init ? i - spec->n_containers : i;
		const Kube__Container *source =
			container->init ? spec->init_containers[index] : spec->containers[index];
		const char *list = container->init ? "spec.initContainers" : "spec.containers";
		container->sidecar = container->init && is_sidecar(source);
		read_container(reader, source, (struct place){ .list = list, .index = index },
			       container);
		bool plain_init = container->init && !container->sidecar;
		container->taken = plain_init ? container->asked
					      : read_taken(reader, from->status, source->name,
							   &container->asked);
	}
}

// ---- sums ----

enum {
	DEFAULT_NONE = 0,
	DEFAULT_FOR_CPU = 1 << CS_RESOURCE_CPU,
	DEFAULT_FOR_MEMORY = 1 << CS_RESOURCE_MEMORY,
};

static const struct amount defaults[] = {
	[CS_RESOURCE_CPU] = { "cpu", { DEFAULT_CPU } },
	[CS_RESOURCE_MEMORY] = { "memory", { DEFAULT_MEMORY } },
};

// Which of a container's two lists to sum, with which defaults for what it does not name.
struct summing {
	enum cs_pod_requests_kind kind;
	unsigned defaults;
};

static struct amounts container_amounts(struct cs_arena *scratch, const struct container *container,
					struct summing how)
{
	const struct amounts *from =
		how.kind == CS_POD_REQUESTS_TAKEN ? &container->taken : &container->asked;
	struct amounts list = copy(scratch, from);
	for (size_t i = 0; i < CS_ARRAY_LENGTH(defaults); i++)
		if (how.defaults >> i & 1 && !find(&list, defaults[i].name))
			append(scratch, &list, defaults[i]);
	return list;
}

// AggregateContainerRequests.
static struct amounts sum_containers(struct cs_arena *scratch, const struct pod *pod,
				     struct summing how)
{
	struct amounts sum = { 0 };
	struct amounts sidecars = { 0 };
	struct amounts init = { 0 };
	for (size_t i = 0; i < pod->n; i++) {
		const struct container *container = &pod->containers[i];
		struct amounts mine = container_amounts(scratch, container, how);
		if (!container->init || container->sidecar)
			add_lists(scratch, &sum, &mine);
		if (!container->init)
			continue;
		if (container->sidecar) {
			add_lists(scratch, &sidecars, &mine);
			max_lists(scratch, &init, &sidecars);
		} else {
			add_lists(scratch, &mine, &sidecars);
			max_lists(scratch, &init, &mine);
		}
	}
	max_lists(scratch, &sum, &init);
	return sum;
}

static bool is_pod_level(const char *name)
{
	return strcmp(name, "cpu") == 0 || strcmp(name, "memory") == 0 ||
	       cs_string_prefix(name, "hugepages-");
}

// PodRequests with pod-level resources and overhead.
static struct amounts sum_pod(struct cs_arena *scratch, const struct pod *pod, struct summing how)
{
	struct amounts sum = sum_containers(scratch, pod, how);
	const struct amounts *level =
		how.kind == CS_POD_REQUESTS_TAKEN ? &pod->level_taken : &pod->level_asked;
	for (size_t i = 0; i < level->n; i++) {
		struct amount *mine = find(&sum, level->items[i].name);
		if (mine)
			mine->value = level->items[i].value;
		else
			append(scratch, &sum, level->items[i]);
	}
	add_lists(scratch, &sum, &pod->overhead);
	return sum;
}

// Only what pod level may hold.
static struct amounts only_pod_level(struct cs_arena *scratch, const struct amounts *from)
{
	struct amounts list = { 0 };
	for (size_t i = 0; i < from->n; i++)
		if (is_pod_level(from->items[i].name))
			append(scratch, &list, from->items[i]);
	return list;
}

static void read_level(struct cs_pod_requests_reader *reader, const Kube__Pod *from,
		       struct pod *pod)
{
	const Kube__ResourceRequirements *resources = from->spec->resources;
	if (!resources)
		return;
	struct amounts requests =
		read_list(reader, (struct place){ .tail = "spec.resources.requests" },
			  resources->requests, resources->n_requests);
	pod->level_asked = only_pod_level(reader->scratch, &requests);
	pod->has_level = pod->level_asked.n > 0;
	pod->level_taken = pod->level_asked;
	const Kube__PodStatus *status = from->status;
	if (!pod->has_level || !status || !status->resources)
		return;
	struct amounts actuated =
		read_list(reader, (struct place){ .tail = "status.resources.requests" },
			  status->resources->requests, status->resources->n_requests);
	struct amounts allocated =
		read_list(reader, (struct place){ .tail = "status.allocatedResources" },
			  status->allocated_resources, status->n_allocated_resources);
	struct amounts now = effective(reader, status, &requests, &actuated, &allocated);
	pod->level_taken = copy(reader->scratch, &pod->level_asked);
	for (size_t i = 0; i < pod->level_taken.n; i++) {
		struct amount *item = &pod->level_taken.items[i];
		const struct amount *found = find(&now, item->name);
		item->value = found ? found->value : (struct cs_quantity){ 0 };
	}
}

// ---- rounding, columns ----

bool cs_resource_is_extended(const char *name)
{
	return strchr(name, '/') && !strstr(name, "kubernetes.io/") &&
	       !cs_string_prefix(name, "requests.");
}

// Whether upstream counts a resource of that name at all, apart from the fixed ones and pods:
// extended resources, hugepages-*, attachable-volumes-* and *kubernetes.io/*. Differs from
// upstream in that the syntax of the name is not checked (the API server does).
static bool is_scalar(const char *name)
{
	return cs_resource_is_extended(name) || cs_string_prefix(name, "hugepages-") ||
	       cs_string_prefix(name, "attachable-volumes-") || strstr(name, "kubernetes.io/");
}

static int64_t milli_of(const struct amounts *list, const char *name)
{
	const struct amount *found = find(list, name);
	return found ? cs_quantity_milli(found->value) : 0;
}

static int64_t units_of(const struct amounts *list, const char *name)
{
	const struct amount *found = find(list, name);
	return found ? cs_quantity_units(found->value) : 0;
}

static void sort_amounts(struct cs_resource_amount *amounts, uint32_t n)
{
	for (uint32_t i = 1; i < n; i++) {
		struct cs_resource_amount moving = amounts[i];
		uint32_t at = i;
		for (; at > 0 && amounts[at - 1].column > moving.column; at--)
			amounts[at] = amounts[at - 1];
		amounts[at] = moving;
	}
}

// `score` may be NULL: no score amounts.
static void round_list(struct cs_pod_requests_reader *reader, const struct amounts *sum,
		       const struct amounts *score, uint32_t limit, struct cs_pod_requests *ret)
{
	ret->fixed[CS_RESOURCE_CPU] = milli_of(sum, "cpu");
	ret->fixed[CS_RESOURCE_MEMORY] = units_of(sum, "memory");
	ret->fixed[CS_RESOURCE_EPHEMERAL_STORAGE] = units_of(sum, "ephemeral-storage");
	struct cs_resource_amount *extended =
		cs_arena_alloc_array(reader->scratch, sum->n, sizeof(*extended));
	for (size_t i = 0; i < sum->n; i++) {
		const char *name = sum->items[i].name;
		struct cs_resource_amount amount = {
			.amount = cs_quantity_units(sum->items[i].value),
			.score = score ? units_of(score, name) : 0,
		};
		if (!is_scalar(name) || (amount.amount == 0 && amount.score == 0))
			continue;
		amount.column = cs_nodes_ref_column(reader->nodes, name, limit);
		if (amount.column == CS_RESOURCE_NONE)
			fail(reader, (struct place){ .tail = "resources" }, name,
			     "too many kinds of resources are in use");
		else
			extended[ret->n_extended++] = amount;
	}
	sort_amounts(extended, ret->n_extended);
	ret->extended = extended;
}

void cs_pod_requests_read(struct cs_pod_requests_reader *reader, const Kube__Pod *from,
			  enum cs_pod_requests_kind kind, struct cs_pod_requests *ret)
{
	*ret = (struct cs_pod_requests){ 0 };
	if (!from->spec)
		return;
	struct pod pod = { 0 };
	read_containers(reader, from, &pod);
	read_level(reader, from, &pod);
	pod.overhead = read_list(reader, (struct place){ .tail = "spec.overhead" },
				 from->spec->overhead, from->spec->n_overhead);

	struct amounts sum = sum_pod(reader->scratch, &pod, (struct summing){ .kind = kind });
	unsigned missing = DEFAULT_FOR_CPU | DEFAULT_FOR_MEMORY;
	if (pod.has_level)
		missing = (find(&sum, "cpu") ? 0u : DEFAULT_FOR_CPU) |
			  (find(&sum, "memory") ? 0u : DEFAULT_FOR_MEMORY);
	struct amounts nonzero = sum_pod(reader->scratch, &pod,
					 (struct summing){ .kind = kind, .defaults = missing });
	ret->nonzero_cpu = milli_of(&nonzero, "cpu");
	ret->nonzero_memory = units_of(&nonzero, "memory");
	if (kind == CS_POD_REQUESTS_TAKEN) {
		round_list(reader, &sum, NULL, CS_RESOURCE_POD_MAX, ret);
		return;
	}
	struct summing how = { .kind = kind, .defaults = DEFAULT_FOR_CPU | DEFAULT_FOR_MEMORY };
	struct amounts score = sum_containers(reader->scratch, &pod, how);
	add_lists(reader->scratch, &score, &pod.overhead);
	ret->score_cpu = milli_of(&score, "cpu");
	ret->score_memory = units_of(&score, "memory");
	round_list(reader, &sum, &score, CS_RESOURCE_POD_MAX, ret);
}

int64_t cs_pod_requests_read_list(struct cs_pod_requests_reader *reader, const char *field,
				  Kube__QuantityEntry *const *entries, size_t n,
				  struct cs_pod_requests *ret)
{
	*ret = (struct cs_pod_requests){ 0 };
	struct amounts list = read_list(reader, (struct place){ .tail = field }, entries, n);
	round_list(reader, &list, NULL, CS_RESOURCE_MAX, ret);
	return units_of(&list, "pods");
}

void cs_pod_requests_unref(struct cs_nodes *nodes, const struct cs_pod_requests *requests)
{
	for (uint32_t i = 0; i < requests->n_extended; i++)
		cs_nodes_unref_column(nodes, requests->extended[i].column);
}
