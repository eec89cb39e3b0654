// Reading topology spread constraints: topology, query, and the numbers. Neighbours: spread.h.
#include "spread.h"

#include <csched/kube/node_term.h>
#include <csched/kube/selector.h>
#include <errno.h>
#include <string.h>

#include "cluster_internal.h"

#define FIELD "spec.topologySpreadConstraints"

// One constraint being read, and where words about it go.
struct reader {
	struct cs_cluster *cluster;
	const Kube__Pod *pod;
	const char *field; // in scratch; NULL = all went well
	struct cs_error *err;
};

static int fail(struct reader *reader, size_t i, const char *member, const char *words)
{
	reader->field = cs_arena_printf(reader->cluster->scratch, FIELD "[%zu].%s", i, member);
	return cs_error_set(reader->err, -EINVAL, "%s: %s", reader->field, words);
}

// The selector with a requirement for each of the keys that the pod has a label of. The API server
// has done the same; upstream does it again, and doing it twice changes nothing.
static const Kube__LabelSelector *merge_label_keys(struct reader *reader,
						   const Kube__TopologySpreadConstraint *from)
{
	struct cs_arena *scratch = reader->cluster->scratch;
	const Kube__LabelSelector *selector = from->label_selector;
	if (!selector || from->n_match_label_keys == 0)
		return selector;
	static char in[] = "In";
	size_t n = selector->n_match_expressions;
	Kube__LabelSelector *merged = cs_arena_alloc(scratch, sizeof(*merged));
	*merged = *selector;
	merged->match_expressions = cs_arena_alloc_array(scratch, n + from->n_match_label_keys,
							 sizeof(*merged->match_expressions));
	if (n > 0)
		memcpy(merged->match_expressions, selector->match_expressions,
		       n * sizeof(*merged->match_expressions));
	const Kube__ObjectMeta *metadata = reader->pod->metadata;
	for (size_t i = 0; i < from->n_match_label_keys; i++) {
		const char *value = cs_labels_get(metadata->labels, metadata->n_labels,
						  from->match_label_keys[i]);
		if (!value)
			continue;
		Kube__LabelSelectorRequirement *equal = cs_arena_alloc(scratch, sizeof(*equal));
		kube__label_selector_requirement__init(equal);
		equal->key = from->match_label_keys[i];
		equal->operator_ = in;
		equal->n_values = 1;
		equal->values = cs_arena_alloc(scratch, sizeof(*equal->values));
		equal->values[0] = (char *)(uintptr_t)value;
		merged->match_expressions[merged->n_match_expressions++] = equal;
	}
	return merged;
}

// Returns what upstream says of a selector that cannot be read; then there is no query.
static const char *read_query(struct reader *reader, size_t i, struct cs_spread_constraint *ret)
{
	struct cs_cluster *cluster = reader->cluster;
	const Kube__LabelSelector *selector =
		merge_label_keys(reader, reader->pod->spec->topology_spread_constraints[i]);
	ret->matches_every_pod =
		selector && selector->n_match_labels == 0 && selector->n_match_expressions == 0;
	if (!selector || ret->matches_every_pod)
		return NULL;
	struct cs_pod_match_source source = {
		.n_namespaces = 1,
		.namespaces = &reader->pod->metadata->namespace_,
		.selector = selector,
	};
	struct cs_query *query;
	if (cs_query_ref(&cluster->queries, &source, 1, &query, NULL) != 0)
		return cs_label_selector_fault(selector, cluster->scratch);
	ret->query = query;
	return NULL;
}

static int read_constraint(struct reader *reader, size_t i, struct cs_spread_parts *parts)
{
	struct cs_spread_constraint *ret = &parts->list[i];
	const Kube__TopologySpreadConstraint *from =
		reader->pod->spec->topology_spread_constraints[i];
	const char *action = from->when_unsatisfiable;
	// Missing, which no API server lets pass, is the stricter of both.
	ret->hard = !action || cs_string_equal(action, "DoNotSchedule");
	if (!ret->hard && !cs_string_equal(action, "ScheduleAnyway"))
		return fail(
			reader, i, "whenUnsatisfiable",
			cs_arena_printf(reader->cluster->scratch, "\"%s\" is not known", action));
	ret->max_skew = from->max_skew;
	ret->min_domains = from->has_min_domains ? from->min_domains : 1;
	ret->honors_affinity =
		!from->node_affinity_policy || cs_string_equal(from->node_affinity_policy, "Honor");
	ret->honors_taints = cs_string_equal(from->node_taints_policy, "Honor");
	const char *fault = read_query(reader, i, ret);
	const char **error = ret->hard ? &parts->hard_error : &parts->soft_error;
	if (!*error)
		*error = fault;
	ret->topology =
		cs_topology_ref(reader->cluster, from->topology_key ? from->topology_key : "");
	return 0;
}

int cs_spread_read(struct cs_cluster *cluster, const Kube__Pod *pod, struct cs_spread_parts *ret,
		   const char **ret_field, struct cs_error *err)
{
	struct reader reader = { .cluster = cluster, .pod = pod, .err = err };
	size_t n = pod->spec ? pod->spec->n_topology_spread_constraints : 0;
	*ret = (struct cs_spread_parts){ 0 };
	*ret_field = FIELD;
	if (n > CS_SPREAD_MAX)
		return cs_error_set(err, -EINVAL, FIELD ": more than %d", CS_SPREAD_MAX);
	ret->list = cs_arena_alloc_array(cluster->scratch, n, sizeof(*ret->list));
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < n; i++)
		if ((rc = read_constraint(&reader, i, ret)) == 0)
			ret->n++;
	if (rc != 0) {
		cs_spread_unref(cluster, ret->list, ret->n);
		*ret = (struct cs_spread_parts){ 0 };
		*ret_field = reader.field;
	}
	return rc;
}

void cs_spread_unref(struct cs_cluster *cluster, const struct cs_spread_constraint *list,
		     uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		cs_query_unref(&cluster->queries, (struct cs_query *)(uintptr_t)list[i].query);
		cs_topology_unref(cluster, (struct cs_topology *)(uintptr_t)list[i].topology);
	}
}

void cs_spread_words(const struct cs_spread_constraint *constraint, uint64_t words[CS_SPREAD_WORDS])
{
	words[0] = (uintptr_t)constraint->topology;
	words[1] = (uintptr_t)constraint->query;
	words[2] =
		(uint64_t)(uint32_t)constraint->max_skew << 32 | (uint32_t)constraint->min_domains;
	words[3] = (uint64_t)constraint->matches_every_pod | (uint64_t)constraint->hard << 1 |
		   (uint64_t)constraint->honors_affinity << 2 |
		   (uint64_t)constraint->honors_taints << 3;
}
