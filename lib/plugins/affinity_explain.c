// InterPodAffinity in words and numbers. Neighbours: affinity_explain.h; cluster's phrase.h says
// which pods a term means.
#include "affinity_explain.h"

#include <csched/cluster/phrase.h>
#include <csched/cluster/query.h>
#include <csched/cluster/topology.h>
#include <inttypes.h>

#include "affinity_kernel.h"

// Told of at length.
#define TERMS_MAX    4
#define SUMMANDS_MAX 8

// ---- filter ----

// One of several terms: what is behind the first is told after "; ", of too many that they are.
struct terms {
	struct cs_buffer *out;
	uint32_t n;
};

static bool begin_term(struct terms *terms)
{
	if (terms->n++ > 0 && terms->n <= TERMS_MAX)
		cs_buffer_append_string(terms->out, "; ");
	return terms->n <= TERMS_MAX;
}

static void end_terms(const struct terms *terms)
{
	if (terms->n > TERMS_MAX)
		cs_buffer_printf(terms->out, "; and %" PRIu32 " terms more", terms->n - TERMS_MAX);
}

// " has 3 pods (default/web-1 and 2 more)"
static void print_pods(const struct cs_cycle *cycle, const struct cs_phrase_example *of, uint64_t n,
		       struct cs_buffer *out)
{
	const struct cs_pod *pod = cs_phrase_find_example(cycle->cluster, of);
	cs_buffer_printf(out, " has %" PRIu64 " pod%s", n, n == 1 ? "" : "s");
	if (!pod)
		return;
	cs_buffer_printf(out, " (%s/%s", pod->namespace, pod->name);
	if (n > 1)
		cs_buffer_printf(out, " and %" PRIu64 " more", n - 1);
	cs_buffer_append_char(out, ')');
}

// Whether the pod is the first of a series: then labels alone are asked for.
static bool is_first(const struct cs_cycle *cycle)
{
	const struct cs_pod_affinity *asked = &cycle->demand->affinity;
	const struct cs_query *query = asked->all_required;
	for (uint32_t i = 0; query && i < asked->n_required; i++)
		if (cs_kernel_any_row(cs_query_counts(query), asked->required[i].topology))
			return false;
	return query && cs_query_matches(query, cycle->pod->labels);
}

void cs_affinity_explain_required(const struct cs_cycle *cycle, uint32_t row, struct cs_buffer *out)
{
	const struct cs_pod_affinity *asked = &cycle->demand->affinity;
	const struct cs_query *query = asked->all_required;
	struct terms terms = { .out = out };
	bool first = is_first(cycle);
	cs_buffer_append_string(out, "the pod must be near pods with ");
	if (query)
		cs_phrase_query(cycle->cluster, query, out);
	else
		cs_buffer_append_string(out, "labels of which the term names none");
	cs_buffer_append_string(out, ": ");
	for (uint32_t i = 0; i < asked->n_required; i++) {
		const struct cs_topology *topology = asked->required[i].topology;
		uint32_t domain = topology->domain[row];
		if (domain != CS_DOMAIN_NONE && query &&
		    (first || cs_row_counts_in(cs_query_counts(query), topology, domain) > 0))
			continue;
		if (!begin_term(&terms))
			continue;
		cs_phrase_domain(cycle->cluster, topology, row, out);
		if (domain != CS_DOMAIN_NONE)
			cs_buffer_append_string(out, " has none");
	}
	end_terms(&terms);
}

void cs_affinity_explain_anti(const struct cs_cycle *cycle, uint32_t row, struct cs_buffer *out)
{
	const struct cs_pod_affinity *asked = &cycle->demand->affinity;
	struct terms terms = { .out = out };
	for (uint32_t i = 0; i < asked->n_anti; i++) {
		const struct cs_affinity_term *term = &asked->anti[i];
		uint32_t domain = term->topology->domain[row];
		uint64_t n = term->query && domain != CS_DOMAIN_NONE
				     ? cs_row_counts_in(cs_query_counts(term->query),
							term->topology, domain)
				     : 0;
		if (n == 0 || !begin_term(&terms))
			continue;
		cs_buffer_append_string(out, "the pod must not be near pods with ");
		cs_phrase_query(cycle->cluster, term->query, out);
		cs_buffer_append_string(out, ": ");
		cs_phrase_domain(cycle->cluster, term->topology, row, out);
		print_pods(cycle,
			   &(struct cs_phrase_example){ .query = term->query,
							.topology = term->topology,
							.domain = domain },
			   n, out);
	}
	end_terms(&terms);
}

void cs_affinity_explain_existing(const struct cs_cycle *cycle, uint32_t row, struct cs_buffer *out)
{
	uint32_t n_carried;
	const struct cs_carried *const *carried =
		cs_cluster_carried(cycle->cluster, cycle->pod, &n_carried);
	struct terms terms = { .out = out };
	for (uint32_t i = 0; i < n_carried; i++) {
		const struct cs_topology *topology = carried[i]->topology;
		uint32_t domain = topology->domain[row];
		if (carried[i]->kind != CS_CARRIED_ANTI_AFFINITY || domain == CS_DOMAIN_NONE)
			continue;
		uint64_t n = cs_row_counts_in(&carried[i]->carriers, topology, domain);
		if (n == 0 || !begin_term(&terms))
			continue;
		cs_phrase_domain(cycle->cluster, topology, row, out);
		print_pods(cycle,
			   &(struct cs_phrase_example){
				   .carried = carried[i], .topology = topology, .domain = domain },
			   n, out);
		cs_buffer_append_string(out, " that must not be near pods with ");
		cs_phrase_carried(cycle->cluster, carried[i], out);
		cs_buffer_append_string(out, ", as the pod is");
	}
	end_terms(&terms);
}

// ---- score ----

// What is added up for a row, term by term.
struct summing {
	const struct cs_cycle *cycle;
	uint32_t row;
	struct cs_buffer *out;
	uint32_t n;
	int64_t sum;
};

// A term, with either query or carried.
struct summand {
	const struct cs_topology *topology;
	const struct cs_query *query;
	const struct cs_carried *carried;
	int64_t weight;
};

static int64_t pods_of(const struct summand *of, uint32_t row)
{
	uint32_t domain = of->topology->domain[row];
	const struct cs_row_counts *counts =
		of->query ? cs_query_counts(of->query) : &of->carried->carriers;
	return domain == CS_DOMAIN_NONE ? 0
					: (int64_t)cs_row_counts_in(counts, of->topology, domain);
}

static void print_who(const struct cs_cycle *cycle, const struct summand *of, struct cs_buffer *out)
{
	cs_buffer_append_string(out, ": pods ");
	if (of->query) {
		cs_buffer_append_string(out, "with ");
		cs_phrase_query(cycle->cluster, of->query, out);
		return;
	}
	cs_buffer_printf(out, "that %s be near pods with ",
			 of->carried->kind == CS_CARRIED_AFFINITY ? "must"
			 : of->weight < 0                         ? "prefer not to"
								  : "prefer to");
	cs_phrase_carried(cycle->cluster, of->carried, out);
}

// A term of the pod's own is told of wherever it is, one of others where some pod is.
static void add_term(struct summing *summing, const struct summand *of)
{
	struct cs_buffer *out = summing->out;
	int64_t n = pods_of(of, summing->row);
	summing->sum += of->weight * n;
	if ((n == 0 && of->carried) || summing->n++ >= SUMMANDS_MAX)
		return;
	cs_buffer_printf(out, "%s%" PRId64 " x %" PRId64 " (", summing->n > 1 ? " + " : "",
			 of->weight, n);
	cs_phrase_domain(summing->cycle->cluster, of->topology, summing->row, out);
	print_who(summing->cycle, of, out);
	cs_buffer_append_char(out, ')');
}

static void add_carried(struct summing *summing, const struct cs_affinity_args *args)
{
	uint32_t n;
	const struct cs_carried *const *carried =
		cs_cluster_carried(summing->cycle->cluster, summing->cycle->pod, &n);
	for (uint32_t i = 0; i < n; i++) {
		struct summand summand = { .topology = carried[i]->topology,
					   .carried = carried[i],
					   .weight = carried[i]->kind == CS_CARRIED_AFFINITY
							     ? args->hard_weight
							     : carried[i]->weight };
		if (carried[i]->kind != CS_CARRIED_ANTI_AFFINITY && summand.weight != 0)
			add_term(summing, &summand);
	}
}

static void add_terms(struct summing *summing, const struct cs_affinity_args *args)
{
	const struct cs_pod_affinity *asked = &summing->cycle->demand->affinity;
	for (uint32_t i = 0; i < asked->n_preferred; i++) {
		const struct cs_affinity_term *term = &asked->preferred[i];
		if (term->query)
			add_term(summing, &(struct summand){ .topology = term->topology,
							     .query = term->query,
							     .weight = term->weight });
	}
	add_carried(summing, args);
	if (summing->n > SUMMANDS_MAX)
		cs_buffer_printf(summing->out, " + %" PRIu32 " terms more",
				 summing->n - SUMMANDS_MAX);
	if (summing->n == 0)
		cs_buffer_append_string(summing->out, "no pod counts that is near the node");
}

void cs_affinity_explain_score(const struct cs_cycle *cycle, const struct cs_plugin_instance *self,
			       uint32_t row, struct cs_buffer *out)
{
	struct summing summing = { .cycle = cycle, .row = row, .out = out };
	uint32_t n = cycle->nodes->n_rows;
	const uint32_t *feasible = cs_cycle_feasible(cycle);
	int64_t *sums = cs_arena_alloc_array(cycle->scratch, n, sizeof(*sums));
	int64_t min = INT64_MAX, max = INT64_MIN;
	self->plugin->raw_score(cycle, self, (struct cs_rows){ 0, n }, sums);
	for (uint32_t i = 0; i < cycle->n_feasible; i++) {
		int64_t sum = sums[feasible[i]];
		min = sum < min ? sum : min;
		max = sum > max ? sum : max;
	}
	add_terms(&summing, self->args);
	int64_t own = summing.sum;
	if (max > min)
		cs_buffer_printf(out,
				 " = %" PRId64 "; from %" PRId64 " to %" PRId64
				 " on nodes that fit: 100 x (%" PRId64 " - %" PRId64 ") / (%" PRId64
				 " - %" PRId64 ") = %.4g",
				 own, min, max, own, min, max, min,
				 100 * (double)(own - min) / (double)(max - min));
	else
		cs_buffer_printf(out, " = %" PRId64 ", as on all nodes that fit = 0", own);
}
