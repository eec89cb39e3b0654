// What the model was asked, in words: requirements, queries, carried terms, features, and a pod for
// which a count stands. Neighbours: phrase.h, csched/cluster/phrase.h.
#include <csched/cluster/phrase.h>

#include <inttypes.h>
#include <string.h>

#include "cluster_internal.h"
#include "phrase.h"

void cs_phrase_list(const struct cs_intern *strings, const uint32_t *ids, uint32_t n,
		    const char *between, struct cs_buffer *out)
{
	for (uint32_t i = 0; i < n && i < CS_PHRASE_MAX; i++)
		cs_buffer_printf(out, "%s%s", i ? between : "", cs_intern_string(strings, ids[i]));
	if (n > CS_PHRASE_MAX)
		cs_buffer_printf(out, " and %" PRIu32 " more", n - CS_PHRASE_MAX);
}

static void print_set(const struct cs_intern *strings, const struct cs_phrase *phrase,
		      struct cs_buffer *out)
{
	bool in = phrase->op == CS_OPERATOR_IN;
	bool one = phrase->n_values == 1;
	cs_buffer_append_string(out, one ? in ? "=" : "!=" : in ? " in (" : " notin (");
	cs_phrase_list(strings, phrase->values, phrase->n_values, ",", out);
	cs_buffer_append_string(out, one ? "" : ")");
}

void cs_phrase_requirement(const struct cs_intern *strings, const struct cs_phrase *phrase,
			   struct cs_buffer *out)
{
	cs_buffer_printf(out, "%s%s", phrase->op == CS_OPERATOR_DOES_NOT_EXIST ? "!" : "",
			 phrase->key);
	if (phrase->op == CS_OPERATOR_IN || phrase->op == CS_OPERATOR_NOT_IN)
		print_set(strings, phrase, out);
	else if (phrase->op == CS_OPERATOR_GT || phrase->op == CS_OPERATOR_LT)
		cs_buffer_printf(out, "%c%" PRId64, phrase->op == CS_OPERATOR_GT ? '>' : '<',
				 phrase->number);
}

// ---- pods ----

void cs_phrase_query(const struct cs_cluster *cluster, const struct cs_query *query,
		     struct cs_buffer *out)
{
	const uint32_t *at = (const void *)query->content.key.data;
	const uint32_t *end = (const void *)(query->content.key.data + query->content.key.size);
	const char *also = "";
	for (uint32_t i = 0; at < end && i < CS_PHRASE_MAX; i++) {
		cs_buffer_append_string(out, also);
		at = cs_pod_match_print(cluster->strings, at, out);
		also = " and ";
	}
	if (at < end)
		cs_buffer_append_string(out, " and more");
}

void cs_phrase_carried(const struct cs_cluster *cluster, const struct cs_carried *carried,
		       struct cs_buffer *out)
{
	cs_pod_match_print(cluster->strings, cs_carried_match(carried), out);
}

static bool carries(const struct cs_pod *pod, const struct cs_carried *carried)
{
	const struct cs_footprint *footprint = pod->footprint;
	for (uint32_t i = 0; i < footprint->n_carried; i++)
		if (footprint->carried[i] == carried)
			return true;
	return false;
}

static bool is_before(const struct cs_pod *a, const struct cs_pod *b)
{
	int order = strcmp(a->namespace, b->namespace);
	return order < 0 || (order == 0 && strcmp(a->name, b->name) < 0);
}

const struct cs_pod *cs_phrase_find_example(const struct cs_cluster *cluster,
					    const struct cs_phrase_example *of)
{
	const struct cs_pod *found = NULL, *pod;
	size_t at = 0;
	while ((pod = cs_map_next(&cluster->pods, &at))) {
		// Without a row are those that wait, and one that is supposed to be gone.
		if (pod->row == CS_ROW_NONE || of->topology->domain[pod->row] != of->domain ||
		    (found && is_before(found, pod)))
			continue;
		if (of->query ? cs_query_matches(of->query, pod->labels)
			      : carries(pod, of->carried))
			found = pod;
	}
	return found;
}

// ---- nodes ----

void cs_phrase_names(const struct cs_cluster *cluster, const uint32_t *ids, uint32_t n,
		     struct cs_buffer *out)
{
	cs_phrase_list(cluster->strings, ids, n, ", ", out);
}

void cs_phrase_domain(const struct cs_cluster *cluster, const struct cs_topology *topology,
		      uint32_t row, struct cs_buffer *out)
{
	const char *key = cs_intern_string(cluster->strings, topology->key);
	uint32_t domain = topology->domain[row];
	if (domain == CS_DOMAIN_NONE)
		cs_buffer_printf(out, "the node has no label %s", key);
	else
		cs_buffer_printf(
			out, "the node's %s %s", key,
			cs_intern_string(cluster->strings, cs_topology_value(topology, domain)));
}

void cs_phrase_missing_features(const struct cs_cluster *cluster, const struct cs_bitmap *rows,
				uint32_t row, struct cs_buffer *out)
{
	uint32_t needed = (uint32_t)(rows - cluster->features.rows);
	cs_features_print(needed & ~cluster->nodes.rows[row].features, out);
}
