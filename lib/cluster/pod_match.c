// Questions to one pod as words. Neighbours: pod_match.h; kube's selector.h checks the objects.
//   match       := n_namespaces namespace* has_selector [selector] selector
//   selector    := n_requirements requirement*
//   requirement := key operator n_values value*
// Namespaces and values ascend, requirements too, word by word; none stands there twice.
#include "pod_match.h"

#include <csched/base/memory.h>
#include <csched/kube/selector.h>
#include <inttypes.h>
#include <string.h>

#include "namespace.h"
#include "phrase.h"

void cs_words_put(struct cs_words *words, uint32_t word)
{
	if (words->n == words->capacity) {
		words->capacity = words->capacity ? words->capacity * 2 : 32;
		uint32_t *more =
			cs_arena_alloc_array(words->scratch, words->capacity, sizeof(*more));
		if (words->n > 0)
			memcpy(more, words->at, words->n * sizeof(*more));
		words->at = more;
	}
	words->at[words->n++] = word;
}

// ---- checking ----

int cs_pod_match_check(const struct cs_pod_match_source *from, struct cs_error *err)
{
	bool ignored;
	int rc = cs_label_selector_matches(from->selector, NULL, 0, &ignored, err);
	if (rc != 0)
		return cs_error_prefix(err, "labelSelector"), rc;
	rc = cs_label_selector_matches(from->namespace_selector, NULL, 0, &ignored, err);
	if (rc != 0)
		cs_error_prefix(err, "namespaceSelector");
	return rc;
}

// ---- compiling ----

static int compare_ids(const void *a, const void *b)
{
	uint32_t left = *(const uint32_t *)a;
	uint32_t right = *(const uint32_t *)b;
	return (left > right) - (left < right);
}

// Puts the ids of strings, ascending, each once, after their number.
static void put_strings(struct cs_intern *strings, char *const *texts, size_t n,
			struct cs_words *words)
{
	uint32_t *ids = cs_arena_alloc_array(words->scratch, n, sizeof(*ids));
	for (size_t i = 0; i < n; i++)
		ids[i] = cs_intern_ref(strings, cs_slice_of(texts[i]));
	qsort(ids, n, sizeof(*ids), compare_ids);
	uint32_t start = words->n;
	cs_words_put(words, 0);
	for (size_t i = 0; i < n; i++) {
		if (i > 0 && ids[i] == ids[i - 1]) {
			cs_intern_unref(strings, ids[i]);
			continue;
		}
		cs_words_put(words, ids[i]);
		words->at[start]++;
	}
}

static void put_requirement(struct cs_intern *strings, const struct cs_requirement *requirement,
			    struct cs_words *words)
{
	cs_words_put(words, cs_intern_ref(strings, cs_slice_of(requirement->key)));
	cs_words_put(words, requirement->op);
	put_strings(strings, requirement->values, requirement->n_values, words);
}

static const uint32_t *next_requirement(const uint32_t *requirement)
{
	return requirement + 3 + requirement[2];
}

static const uint32_t *unref_requirement(struct cs_intern *strings, const uint32_t *requirement)
{
	cs_intern_unref(strings, requirement[0]);
	for (uint32_t i = 0; i < requirement[2]; i++)
		cs_intern_unref(strings, requirement[3 + i]);
	return next_requirement(requirement);
}

static int compare_requirements(const void *a, const void *b)
{
	const uint32_t *left = *(const uint32_t *const *)a;
	const uint32_t *right = *(const uint32_t *const *)b;
	uint32_t n = left[2] < right[2] ? left[2] : right[2];
	for (uint32_t i = 0; i < 3 + n; i++)
		if (left[i] != right[i])
			return left[i] < right[i] ? -1 : 1;
	return 0; // equal words up to the number of values, and that is equal
}

// All requirements of a selector, in the order of the object.
static uint32_t put_all(struct cs_intern *strings, const Kube__LabelSelector *selector,
			struct cs_words *words)
{
	struct cs_requirement requirement;
	for (size_t i = 0; i < selector->n_match_labels; i++) {
		cs_requirement_parse_entry(selector->match_labels[i], &requirement, NULL);
		put_requirement(strings, &requirement, words);
	}
	for (size_t i = 0; i < selector->n_match_expressions; i++) {
		cs_requirement_parse_label(selector->match_expressions[i], &requirement, NULL);
		put_requirement(strings, &requirement, words);
	}
	return (uint32_t)(selector->n_match_labels + selector->n_match_expressions);
}

static void put_selector(struct cs_intern *strings, const Kube__LabelSelector *selector,
			 struct cs_words *words)
{
	struct cs_words unordered = { .scratch = words->scratch };
	uint32_t n = put_all(strings, selector, &unordered);
	const uint32_t **order = cs_arena_alloc_array(words->scratch, n, sizeof(*order));
	const uint32_t *at = unordered.at;
	for (uint32_t i = 0; i < n; i++, at = next_requirement(at))
		order[i] = at;
	qsort(order, n, sizeof(*order), compare_requirements);
	uint32_t start = words->n;
	cs_words_put(words, 0);
	for (uint32_t i = 0; i < n; i++) {
		if (i > 0 && compare_requirements(&order[i - 1], &order[i]) == 0) {
			unref_requirement(strings, order[i]);
			continue;
		}
		for (const uint32_t *word = order[i]; word < next_requirement(order[i]); word++)
			cs_words_put(words, *word);
		words->at[start]++;
	}
}

void cs_pod_match_compile(struct cs_intern *strings, const struct cs_pod_match_source *from,
			  struct cs_words *words)
{
	put_strings(strings, from->namespaces, from->n_namespaces, words);
	cs_words_put(words, from->namespace_selector != NULL);
	if (from->namespace_selector)
		put_selector(strings, from->namespace_selector, words);
	put_selector(strings, from->selector, words);
}

// ---- walking ----

static const uint32_t *next_selector(const uint32_t *selector)
{
	const uint32_t *at = selector + 1;
	for (uint32_t i = 0; i < selector[0]; i++)
		at = next_requirement(at);
	return at;
}

static const uint32_t *unref_selector(struct cs_intern *strings, const uint32_t *selector)
{
	const uint32_t *at = selector + 1;
	for (uint32_t i = 0; i < selector[0]; i++)
		at = unref_requirement(strings, at);
	return at;
}

// The namespaceSelector, NULL where there is none.
static const uint32_t *namespace_selector(const uint32_t *match)
{
	const uint32_t *has = match + 1 + match[0];
	return *has ? has + 1 : NULL;
}

static const uint32_t *label_selector(const uint32_t *match)
{
	const uint32_t *namespaces = namespace_selector(match);
	return namespaces ? next_selector(namespaces) : match + 2 + match[0];
}

const uint32_t *cs_pod_match_next(const uint32_t *match)
{
	return next_selector(label_selector(match));
}

const uint32_t *cs_pod_match_unref(struct cs_intern *strings, const uint32_t *match)
{
	for (uint32_t i = 0; i < match[0]; i++)
		cs_intern_unref(strings, match[1 + i]);
	const uint32_t *namespaces = namespace_selector(match);
	if (namespaces)
		unref_selector(strings, namespaces);
	return unref_selector(strings, label_selector(match));
}

// ---- asking ----

static bool contains(const uint32_t *ids, uint32_t n, uint32_t id)
{
	for (uint32_t i = 0; i < n; i++)
		if (ids[i] == id)
			return true;
	return false;
}

// CS_INTERN_NONE where there is no such label.
static uint32_t label_value(struct cs_labels labels, uint32_t key)
{
	for (uint32_t i = 0; i < labels.n && labels.labels[i].key <= key; i++)
		if (labels.labels[i].key == key)
			return labels.labels[i].value;
	return CS_INTERN_NONE;
}

static bool requirement_matches(const uint32_t *requirement, struct cs_labels labels)
{
	uint32_t value = label_value(labels, requirement[0]);
	bool has = value != CS_INTERN_NONE;
	switch ((enum cs_operator)requirement[1]) {
	case CS_OPERATOR_IN:
		return has && contains(requirement + 3, requirement[2], value);
	case CS_OPERATOR_NOT_IN:
		return !has || !contains(requirement + 3, requirement[2], value);
	case CS_OPERATOR_EXISTS:
		return has;
	case CS_OPERATOR_DOES_NOT_EXIST:
		return !has;
	case CS_OPERATOR_GT:
	case CS_OPERATOR_LT:
		break; // no operators of label selectors
	}
	return false;
}

static bool selector_matches(const uint32_t *selector, struct cs_labels labels)
{
	const uint32_t *at = selector + 1;
	for (uint32_t i = 0; i < selector[0]; i++, at = next_requirement(at))
		if (!requirement_matches(at, labels))
			return false;
	return true;
}

bool cs_pod_match_labels(const uint32_t *match, struct cs_labels labels)
{
	return selector_matches(label_selector(match), labels);
}

bool cs_pod_match_namespace(const uint32_t *match, const struct cs_namespace *namespace,
			    enum cs_pod_match_side side)
{
	if (contains(match + 1, match[0], namespace->name))
		return true;
	const uint32_t *selector = namespace_selector(match);
	return selector && (selector_matches(selector, namespace->labels) ||
			    (side == CS_POD_MATCH_INCOMING &&
			     selector_matches(selector, (struct cs_labels){ 0 })));
}

const uint32_t *cs_pod_match_namespaces(const uint32_t *match, uint32_t *ret_n, bool *ret_any)
{
	*ret_n = match[0];
	*ret_any = namespace_selector(match) != NULL;
	return match + 1;
}

void cs_pod_match_required(const uint32_t *match, void (*tell)(void *user, struct cs_node_label),
			   void *user)
{
	const uint32_t *selector = label_selector(match);
	const uint32_t *at = selector + 1;
	for (uint32_t i = 0; i < selector[0]; i++, at = next_requirement(at))
		if (at[1] == CS_OPERATOR_IN && at[2] == 1)
			tell(user, (struct cs_node_label){ at[0], at[3] });
}

// ---- in words ----

static void print_selector(const struct cs_intern *strings, const uint32_t *selector,
			   struct cs_buffer *out)
{
	const uint32_t *at = selector + 1;
	if (selector[0] == 0)
		cs_buffer_append_string(out, "any labels");
	for (uint32_t i = 0; i < selector[0] && i < CS_PHRASE_MAX; i++, at = next_requirement(at)) {
		cs_buffer_append_string(out, i ? "," : "");
		cs_phrase_requirement(strings,
				      &(struct cs_phrase){ .key = cs_intern_string(strings, at[0]),
							   .op = (enum cs_operator)at[1],
							   .n_values = at[2],
							   .values = at + 3 },
				      out);
	}
	if (selector[0] > CS_PHRASE_MAX)
		cs_buffer_printf(out, " and %" PRIu32 " more", selector[0] - CS_PHRASE_MAX);
}

const uint32_t *cs_pod_match_print(const struct cs_intern *strings, const uint32_t *match,
				   struct cs_buffer *out)
{
	const uint32_t *namespaces = namespace_selector(match);
	print_selector(strings, label_selector(match), out);
	if (match[0] > 0) {
		cs_buffer_printf(out, " in namespace%s ", match[0] > 1 ? "s" : "");
		cs_phrase_list(strings, match + 1, match[0], ", ", out);
	}
	if (namespaces) {
		cs_buffer_printf(out, " %sin namespaces with ", match[0] > 0 ? "and " : "");
		print_selector(strings, namespaces, out);
	}
	return cs_pod_match_next(match);
}
