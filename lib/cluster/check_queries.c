// Counts of label sets, queries and carried terms, and the columns of topologies, against pods and
// nodes. Neighbours: check.c calls; each match is evaluated afresh.
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "cluster_internal.h"

// What the pods add up to for one label set, query or carried term.
struct tally {
	const struct cs_cluster *cluster;
	struct cs_row_count *rows;
	const void *of;
	bool (*counts)(const void *of, const struct cs_pod *pod);
};

static void take_tally(struct tally *tally)
{
	memset(tally->rows, 0, tally->cluster->nodes.table.n_rows * sizeof(*tally->rows));
	size_t at = 0;
	const struct cs_pod *pod;
	while ((pod = cs_map_next(&tally->cluster->pods, &at))) {
		if (!cs_pod_is_counted(pod))
			continue;
		uint32_t *count = pod->terminating ? &tally->rows[pod->row].terminating
						   : &tally->rows[pod->row].live;
		for (uint32_t i = 0; i < pod->footprint->n_carried; i++)
			*count += pod->footprint->carried[i] == tally->of;
		if (tally->counts)
			*count += tally->counts(tally->of, pod);
	}
}

static bool same(struct cs_row_count a, struct cs_row_count b)
{
	return a.live == b.live && a.terminating == b.terminating;
}

static int compare_counts(struct tally *tally, const struct cs_row_counts *counts, const char *what,
			  struct cs_error *err)
{
	uint64_t live = 0, terminating = 0;
	uint32_t n_used = 0;
	take_tally(tally);
	for (uint32_t row = 0; row < tally->cluster->nodes.table.n_rows; row++) {
		struct cs_row_count want = tally->rows[row];
		if (!same(want, cs_row_counts_get(counts, row)))
			return cs_error_set(err, -EUCLEAN, "row %" PRIu32 ": %s counts wrong", row,
					    what);
		live += want.live;
		terminating += want.terminating;
		n_used += want.live || want.terminating;
	}
	if (counts->total_live != live || counts->total_terminating != terminating ||
	    counts->n_used != n_used)
		return cs_error_set(err, -EUCLEAN, "%s adds up wrong", what);
	return 0;
}

// ---- label sets ----

static bool has_labels(const void *of, const struct cs_pod *pod)
{
	return pod->labels == of;
}

static int compare_set(struct tally *tally, const struct cs_label_set *set, struct cs_error *err)
{
	tally->of = set;
	tally->counts = has_labels;
	if (set->counts)
		return compare_counts(tally, set->counts, "a label set", err);
	take_tally(tally);
	for (uint32_t row = 0; row < tally->cluster->nodes.table.n_rows; row++) {
		struct cs_row_count want = tally->rows[row];
		struct cs_row_count have = { 0 };
		if (row == set->one.row)
			have = (struct cs_row_count){ (uint32_t)set->one.live,
						      (uint32_t)set->one.terminating };
		if (!same(want, have))
			return cs_error_set(err, -EUCLEAN,
					    "row %" PRIu32 ": a label set counts wrong", row);
	}
	return 0;
}

static int compare_sets(struct tally *tally, struct cs_error *err)
{
	const struct cs_queries *queries = &tally->cluster->queries;
	uint64_t refs = 0;
	size_t at = 0;
	struct cs_content *content;
	while ((content = cs_map_next(&queries->label_sets, &at))) {
		const struct cs_label_set *set =
			CS_CONTAINER_OF(content, struct cs_label_set, content);
		refs += content->refs;
		if (set->namespace->sets[set->index] != set)
			return cs_error_set(err, -EUCLEAN, "a namespace has lost a label set");
		int rc = compare_set(tally, set, err);
		if (rc != 0)
			return rc;
	}
	// Pods, and owners of pending ones.
	if (refs !=
	    cs_map_count(&tally->cluster->pods) + cs_map_count(&tally->cluster->owners.by_content))
		return cs_error_set(err, -EUCLEAN, "label sets have references too many or few");
	return 0;
}

// ---- queries ----

static bool query_counts(const void *of, const struct cs_pod *pod)
{
	return cs_query_test(of, pod->labels);
}

static int compare_queries(struct tally *tally, struct cs_error *err)
{
	const struct cs_queries *queries = &tally->cluster->queries;
	size_t at = 0;
	struct cs_content *content;
	tally->counts = query_counts;
	while ((content = cs_map_next(&queries->by_content, &at))) {
		const struct cs_query *query = CS_CONTAINER_OF(content, struct cs_query, content);
		tally->of = query;
		int rc = compare_counts(tally, &query->counts, "a query", err);
		if (rc != 0)
			return rc;
		size_t set_at = 0;
		struct cs_content *set_content;
		while ((set_content = cs_map_next(&queries->label_sets, &set_at))) {
			const struct cs_label_set *set =
				CS_CONTAINER_OF(set_content, struct cs_label_set, content);
			if (cs_query_matches(query, set) != cs_query_test(query, set))
				return cs_error_set(
					err, -EUCLEAN,
					"a query and a label set do not know each other");
		}
	}
	return 0;
}

// ---- carried terms ----

static int compare_carried(struct tally *tally, struct cs_error *err)
{
	size_t at = 0;
	struct cs_content *content;
	tally->counts = NULL;
	while ((content = cs_map_next(&tally->cluster->carried.by_content, &at))) {
		const struct cs_carried *carried = cs_carried_of(content);
		tally->of = carried;
		int rc = compare_counts(tally, &carried->carriers, "a carried term", err);
		if (rc != 0)
			return rc;
	}
	return 0;
}

// What each pod is told against what it should be told.
static int compare_met(const struct cs_cluster *cluster, struct cs_error *err)
{
	size_t at = 0;
	const struct cs_pod *pod;
	while ((pod = cs_map_next(&cluster->pods, &at))) {
		uint32_t n, expected = 0;
		// Asking changes nothing but what is remembered of the last answer.
		cs_cluster_carried((struct cs_cluster *)(uintptr_t)cluster, pod, &n);
		size_t term_at = 0;
		struct cs_content *content;
		while ((content = cs_map_next(&cluster->carried.by_content, &term_at))) {
			const struct cs_carried *carried = cs_carried_of(content);
			expected += carried->carriers.n_used > 0 &&
				    cs_carried_test(carried, pod->labels);
		}
		if (n != expected)
			return cs_error_set(err, -EUCLEAN,
					    "pod %s/%s: meets %" PRIu32
					    " carried terms, not %" PRIu32,
					    pod->namespace, pod->name, n, expected);
	}
	return 0;
}

// ---- topologies ----

static uint32_t label_of(const struct cs_cluster *cluster, uint32_t row, uint32_t key)
{
	const struct cs_node_row *kept = &cluster->nodes.rows[row];
	for (uint32_t i = 0; cluster->nodes.table.live[row] && i < kept->n_labels; i++)
		if (kept->labels[i].key == key)
			return kept->labels[i].value;
	return CS_INTERN_NONE;
}

static int compare_topology(const struct cs_cluster *cluster, const struct cs_topology *topology,
			    struct cs_error *err)
{
	const char *key = cs_intern_string(cluster->strings, topology->key);
	uint32_t n_in_domains = 0, n_with_label = 0, n_shared = 0;
	for (uint32_t row = 0; row < cluster->nodes.table.n_rows; row++) {
		uint32_t value = label_of(cluster, row, topology->key);
		uint32_t domain = topology->domain[row];
		bool right = domain == CS_DOMAIN_NONE
				     ? value == CS_INTERN_NONE
				     : domain < topology->n_domains &&
					       cs_topology_value(topology, domain) == value;
		if (!right)
			return cs_error_set(err, -EUCLEAN, "row %" PRIu32 ": domain of %s is wrong",
					    row, key);
		n_with_label += value != CS_INTERN_NONE;
	}
	for (uint32_t domain = 0; domain < topology->n_domains; domain++) {
		n_in_domains += topology->n_rows[domain];
		n_shared += topology->n_rows[domain] > 1;
		if ((topology->n_rows[domain] == 0) !=
		    (cs_topology_value(topology, domain) == CS_INTERN_NONE))
			return cs_error_set(err, -EUCLEAN, "a domain of %s has a name for nothing",
					    key);
	}
	if (n_in_domains != n_with_label || n_shared != topology->n_shared)
		return cs_error_set(err, -EUCLEAN, "domains of %s have rows too many or few", key);
	return 0;
}

static int compare_topologies(const struct cs_cluster *cluster, struct cs_error *err)
{
	size_t at = 0;
	const struct cs_topology *topology;
	while ((topology = cs_topologies_next(&cluster->topologies, &at))) {
		int rc = compare_topology(cluster, topology, err);
		if (rc != 0)
			return rc;
	}
	return 0;
}

int cs_check_queries(const struct cs_cluster *cluster, struct cs_arena *arena, struct cs_error *err)
{
	struct tally tally = { .cluster = cluster };
	tally.rows = cs_arena_alloc_array(arena, cluster->nodes.table.n_rows, sizeof(*tally.rows));
	int rc = compare_sets(&tally, err);
	if (rc == 0)
		rc = compare_queries(&tally, err);
	if (rc == 0)
		rc = compare_carried(&tally, err);
	if (rc == 0)
		rc = compare_met(cluster, err);
	if (rc == 0)
		rc = cs_owners_check(cluster, err);
	return rc == 0 ? compare_topologies(cluster, err) : rc;
}
