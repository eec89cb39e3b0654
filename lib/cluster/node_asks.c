// Reading what a pod asks of nodes. Neighbours: node_asks.h; node_selector.c, port.c, image.c and
// features.c intern the parts.
// Mirrors plugins/nodeaffinity (PreFilter, PreScore), plugins/imagelocality (sumImageScores).
#include "node_asks.h"

#include <csched/base/memory.h>
#include <csched/kube/node_term.h>
#include <stdlib.h>
#include <string.h>

#include "cluster_internal.h"
#include "features.h"
#include "image_internal.h"
#include "port_internal.h"

#define NAME_PATH "metadata.name"

static const Kube__NodeAffinity *node_affinity(const Kube__Pod *pod)
{
	return pod->spec && pod->spec->affinity ? pod->spec->affinity->node_affinity : NULL;
}

static const Kube__NodeSelector *required_of(const Kube__Pod *pod)
{
	const Kube__NodeAffinity *affinity = node_affinity(pod);
	return affinity ? affinity->required_during_scheduling_ignored_during_execution : NULL;
}

static bool is_name_in(const Kube__NodeSelectorRequirement *field)
{
	return cs_string_equal(field->key, NAME_PATH) && cs_string_equal(field->operator_, "In");
}

const char *cs_node_asks_pin(const Kube__Pod *pod)
{
	const Kube__NodeSelector *required = required_of(pod);
	if (!required || required->n_node_selector_terms != 1)
		return NULL;
	const Kube__NodeSelectorTerm *term = required->node_selector_terms[0];
	if (term->n_match_expressions > 0 || term->n_match_fields != 1)
		return NULL;
	const Kube__NodeSelectorRequirement *field = term->match_fields[0];
	return is_name_in(field) && field->n_values == 1 && *field->values[0] ? field->values[0]
									      : NULL;
}

// ---- pinned names ----

static int compare_ids(const void *a, const void *b)
{
	uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
	return (left > right) - (left < right);
}

// Whether all requirements metadata.name In of the term allow the name.
static bool allows_name(const Kube__NodeSelectorTerm *term, const char *name)
{
	for (size_t i = 0; i < term->n_match_fields; i++) {
		const Kube__NodeSelectorRequirement *field = term->match_fields[i];
		size_t v = 0;
		if (!is_name_in(field))
			continue;
		while (v < field->n_values && strcmp(field->values[v], name) != 0)
			v++;
		if (v == field->n_values)
			return false;
	}
	return true;
}

static const Kube__NodeSelectorRequirement *first_name_in(const Kube__NodeSelectorTerm *term)
{
	for (size_t i = 0; i < term->n_match_fields; i++)
		if (is_name_in(term->match_fields[i]))
			return term->match_fields[i];
	return NULL;
}

// Whether every term names nodes, though the term cannot be read otherwise.
static bool pins_names(const Kube__NodeSelector *required, size_t *ret_n_names)
{
	*ret_n_names = 0;
	for (size_t t = 0; t < required->n_node_selector_terms; t++) {
		const Kube__NodeSelectorRequirement *names =
			first_name_in(required->node_selector_terms[t]);
		if (!names)
			return false;
		*ret_n_names += names->n_values;
	}
	return required->n_node_selector_terms > 0;
}

// The union over the terms of what all of a term's requirements name.
static void read_pinned_names(struct cs_cluster *cluster, const Kube__NodeSelector *required,
			      struct cs_node_asks *ret)
{
	size_t most;
	if (!pins_names(required, &most))
		return;
	ret->pins_names = true;
	uint32_t *ids = cs_arena_alloc_array(cluster->scratch, most, sizeof(*ids));
	uint32_t n = 0;
	for (size_t t = 0; t < required->n_node_selector_terms; t++) {
		const Kube__NodeSelectorTerm *term = required->node_selector_terms[t];
		const Kube__NodeSelectorRequirement *names = first_name_in(term);
		for (size_t v = 0; v < names->n_values; v++)
			if (allows_name(term, names->values[v]))
				ids[n++] = cs_intern_ref(cluster->strings,
							 cs_slice_of(names->values[v]));
	}
	qsort(ids, n, sizeof(*ids), compare_ids);
	for (uint32_t i = 0; i < n; i++) {
		if (ret->n_pinned_names > 0 && ids[ret->n_pinned_names - 1] == ids[i])
			cs_intern_unref(cluster->strings, ids[i]);
		else
			ids[ret->n_pinned_names++] = ids[i];
	}
	ret->pinned_names = ids;
}

// ---- selectors ----

static void read_required(struct cs_cluster *cluster, const Kube__Pod *pod,
			  struct cs_node_asks *ret)
{
	const Kube__NodeSelector *required = cs_node_asks_pin(pod) ? NULL : required_of(pod);
	if (pod->spec->n_node_selector > 0 || required)
		ret->selector = cs_node_selectors_ref(
			&cluster->selectors, cluster->scratch,
			&(struct cs_node_question){ .labels = pod->spec->node_selector,
						    .n_labels = pod->spec->n_node_selector,
						    .required = required });
	if (required)
		read_pinned_names(cluster, required, ret);
}

static void read_preferred(struct cs_cluster *cluster, const Kube__NodeAffinity *affinity,
			   struct cs_node_asks *ret)
{
	size_t n = affinity ? affinity->n_preferred_during_scheduling_ignored_during_execution : 0;
	ret->prefers_nodes = n > 0;
	if (n == 0)
		return;
	struct cs_faults faults = { .arena = cluster->scratch };
	cs_node_preferences_check(affinity, "", &faults);
	const char *words = cs_faults_join(&faults);
	if (words) { // a term that cannot be read spoils them all
		ret->preference_error = cs_intern_ref(cluster->strings, cs_slice_of(words));
		return;
	}
	ret->preferences = cs_arena_alloc_array(cluster->scratch, n, sizeof(*ret->preferences));
	ret->n_preferences = cs_node_preferences_read(cluster, affinity, ret->preferences);
}

// ---- images ----

static void add_images(struct cs_cluster *cluster, Kube__Container *const *containers, size_t n,
		       struct cs_node_asks *ret)
{
	for (size_t i = 0; i < n; i++)
		ret->images[ret->n_images++] =
			cs_images_ref(&cluster->images, containers[i]->image);
	ret->n_image_containers += (uint32_t)n;
}

static void read_images(struct cs_cluster *cluster, const Kube__PodSpec *spec,
			struct cs_node_asks *ret)
{
	size_t most = spec->n_init_containers + spec->n_containers + spec->n_volumes;
	ret->images = cs_arena_alloc_array(cluster->scratch, most, sizeof(*ret->images));
	add_images(cluster, spec->init_containers, spec->n_init_containers, ret);
	add_images(cluster, spec->containers, spec->n_containers, ret);
	for (size_t i = 0; i < spec->n_volumes; i++) {
		const Kube__VolumeSource *source = spec->volumes[i]->volume_source;
		if (source && source->image)
			ret->images[ret->n_images++] =
				cs_images_ref(&cluster->images, source->image->reference);
	}
	// The sum does not depend on their order.
	qsort(ret->images, ret->n_images, sizeof(*ret->images), compare_ids);
}

// ---- all of it ----

void cs_node_asks_read(struct cs_cluster *cluster, const Kube__Pod *pod, struct cs_node_asks *ret)
{
	*ret = (struct cs_node_asks){ 0 };
	if (!pod->spec)
		return;
	read_required(cluster, pod, ret);
	read_preferred(cluster, node_affinity(pod), ret);
	ret->n_ports = cs_ports_read(cluster->strings, cluster->scratch, pod->spec, &ret->ports);
	read_images(cluster, pod->spec, ret);
	ret->features = cs_features_needed(pod->spec);
}

void cs_node_asks_drop(struct cs_cluster *cluster, const struct cs_node_asks *asks)
{
	cs_node_selectors_unref(&cluster->selectors, asks->selector);
	for (uint32_t i = 0; i < asks->n_pinned_names; i++)
		cs_intern_unref(cluster->strings, asks->pinned_names[i]);
	cs_intern_unref(cluster->strings, asks->preference_error);
	for (uint32_t i = 0; i < asks->n_preferences; i++)
		cs_node_selectors_unref(&cluster->selectors, asks->preferences[i].selector);
	cs_ports_unref(cluster->strings, asks->ports, asks->n_ports);
	for (uint32_t i = 0; i < asks->n_images; i++)
		cs_images_unref(&cluster->images, asks->images[i]);
}

// ---- the key ----

size_t cs_node_asks_count_words(const struct cs_node_asks *asks)
{
	return 8 + asks->n_pinned_names + 2 * (size_t)asks->n_preferences +
	       2 * (size_t)asks->n_ports + asks->n_images;
}

uint64_t *cs_node_asks_put_words(const struct cs_node_asks *asks, uint64_t *at)
{
	*at++ = (uintptr_t)asks->selector;
	*at++ = (uint64_t)asks->pins_names << 32 | asks->n_pinned_names;
	*at++ = (uint64_t)asks->prefers_nodes << 32 | asks->preference_error;
	*at++ = asks->n_preferences;
	*at++ = asks->n_ports;
	*at++ = asks->n_images;
	*at++ = asks->n_image_containers;
	*at++ = asks->features;
	for (uint32_t i = 0; i < asks->n_pinned_names; i++)
		*at++ = asks->pinned_names[i];
	for (uint32_t i = 0; i < asks->n_preferences; i++) {
		*at++ = (uintptr_t)asks->preferences[i].selector;
		*at++ = (uint64_t)asks->preferences[i].weight;
	}
	for (uint32_t i = 0; i < asks->n_ports; i++) {
		*at++ = (uint64_t)asks->ports[i].ip << 32 | asks->ports[i].protocol;
		*at++ = (uint64_t)asks->ports[i].port;
	}
	for (uint32_t i = 0; i < asks->n_images; i++)
		*at++ = asks->images[i];
	return at;
}

// ---- the demand ----

static void *copy(const void *list, size_t n, size_t size)
{
	if (n == 0)
		return NULL;
	void *own = cs_alloc_array(n, size);
	memcpy(own, list, n * size);
	return own;
}

#define COPY(list, n) copy((list), (n), sizeof(*(list)))

void cs_node_asks_own(const struct cs_cluster *cluster, struct cs_node_asks *asks,
		      struct cs_demand *ret)
{
	asks->pinned_names = COPY(asks->pinned_names, asks->n_pinned_names);
	asks->preferences = COPY(asks->preferences, asks->n_preferences);
	asks->ports = COPY(asks->ports, asks->n_ports);
	asks->images = COPY(asks->images, asks->n_images);
	struct cs_node_preference *shown = cs_alloc_array(asks->n_preferences, sizeof(*shown));
	for (uint32_t i = 0; i < asks->n_preferences; i++)
		shown[i] = (struct cs_node_preference){
			.weight = asks->preferences[i].weight,
			.rows = cs_node_selector_rows(asks->preferences[i].selector),
		};
	uint32_t error = asks->preference_error;
	ret->node_selector = asks->selector ? cs_node_selector_rows(asks->selector) : NULL;
	ret->pins_names = asks->pins_names;
	ret->n_pinned_names = asks->n_pinned_names;
	ret->pinned_names = asks->pinned_names;
	ret->prefers_nodes = asks->prefers_nodes;
	ret->n_preferences = asks->n_preferences;
	ret->preferences = shown;
	ret->preference_error = error ? cs_intern_string(cluster->strings, error) : NULL;
	ret->n_ports = asks->n_ports;
	ret->ports = asks->ports;
	ret->n_images = asks->n_images;
	ret->images = asks->images;
	ret->n_image_containers = asks->n_image_containers;
	ret->features = asks->features ? &cluster->features.rows[asks->features] : NULL;
}

void cs_node_asks_free(const struct cs_node_asks *asks, const struct cs_demand *shown)
{
	free(asks->pinned_names);
	free(asks->preferences);
	free((void *)(uintptr_t)asks->ports);
	free(asks->images);
	free((void *)(uintptr_t)shown->preferences);
}
