// Node selectors: a bitmap over rows each, evaluated when registered and when a row's labels
// change. Neighbours: node_selector.h. Matching compares intern ids, never strings.
#include "node_selector.h"

#include <csched/base/memory.h>
#include <string.h>

void cs_node_selectors_init(struct cs_node_selectors *selectors, struct cs_nodes *nodes,
			    uint64_t seed)
{
	selectors->nodes = nodes;
	cs_map_init(&selectors->by_content, seed);
}

void cs_node_selectors_finish(struct cs_node_selectors *selectors)
{
	cs_map_finish(&selectors->by_content);
}

// ---- labels ----

static int compare_labels(const void *a, const void *b)
{
	const struct cs_node_label *left = a;
	const struct cs_node_label *right = b;
	return (left->key > right->key) - (left->key < right->key);
}

uint32_t cs_node_labels_intern(struct cs_intern *strings, Kube__StringEntry *const *entries,
			       size_t n, struct cs_node_label *ret)
{
	for (size_t i = 0; i < n; i++)
		ret[i] = (struct cs_node_label){
			.key = cs_intern_ref(strings, cs_slice_of(entries[i]->key)),
			.value = cs_intern_ref(strings, cs_slice_of(entries[i]->value)),
		};
	qsort(ret, n, sizeof(*ret), compare_labels);
	uint32_t count = 0;
	for (size_t i = 0; i < n; i++) {
		if (count > 0 && ret[count - 1].key == ret[i].key)
			cs_node_labels_unref(strings, &ret[i], 1);
		else
			ret[count++] = ret[i];
	}
	return count;
}

void cs_node_labels_unref(struct cs_intern *strings, const struct cs_node_label *labels, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		cs_intern_unref(strings, labels[i].key);
		cs_intern_unref(strings, labels[i].value);
	}
}

// ---- selectors ----

bool cs_node_selector_matches(const struct cs_node_selector *selector,
			      const struct cs_node_row *row)
{
	uint32_t at = 0;
	for (uint32_t i = 0; i < selector->n_labels; i++) {
		while (at < row->n_labels && row->labels[at].key < selector->labels[i].key)
			at++;
		if (at == row->n_labels || row->labels[at].key != selector->labels[i].key ||
		    row->labels[at].value != selector->labels[i].value)
			return false;
	}
	return true;
}

static void update(struct cs_node_selectors *selectors, struct cs_node_selector *selector,
		   uint32_t row)
{
	const struct cs_nodes *nodes = selectors->nodes;
	bool matches =
		nodes->table.live[row] && cs_node_selector_matches(selector, &nodes->rows[row]);
	cs_bitmap_set(&selector->rows, row, matches);
}

struct cs_node_selector *cs_node_selector_ref(struct cs_node_selectors *selectors,
					      const struct cs_node_label *labels, uint32_t n)
{
	struct cs_slice key = { (const char *)labels, n * sizeof(*labels) };
	struct cs_content *known = cs_content_ref(&selectors->by_content, key);
	if (known) {
		cs_node_labels_unref(selectors->nodes->strings, labels, n);
		return CS_CONTAINER_OF(known, struct cs_node_selector, content);
	}
	struct cs_node_selector *selector = cs_alloc(sizeof(*selector));
	selector->labels = cs_alloc_array(n, sizeof(*labels));
	memcpy(selector->labels, labels, n * sizeof(*labels));
	selector->n_labels = n;
	cs_content_add(&selectors->by_content, &selector->content, key);
	for (uint32_t row = 0; row < selectors->nodes->table.n_rows; row++)
		update(selectors, selector, row);
	return selector;
}

void cs_node_selector_unref(struct cs_node_selectors *selectors, struct cs_node_selector *selector)
{
	if (!selector || !cs_content_unref(&selectors->by_content, &selector->content))
		return;
	cs_node_labels_unref(selectors->nodes->strings, selector->labels, selector->n_labels);
	cs_bitmap_finish(&selector->rows);
	free(selector->labels);
	free(selector);
}

void cs_node_selectors_update(struct cs_node_selectors *selectors, uint32_t row)
{
	size_t at = 0;
	struct cs_content *content;
	while ((content = cs_map_next(&selectors->by_content, &at)))
		update(selectors, CS_CONTAINER_OF(content, struct cs_node_selector, content), row);
}
