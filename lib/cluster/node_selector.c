// Node selectors: a bitmap over rows each, evaluated when registered and when a node changes what
// they look at. Neighbours: node_selector.h, node_selector_internal.h.
// A selector is compiled into words, which are its key and what is evaluated: ids are compared,
// never strings, but that Gt and Lt read the label's value as a number.
#include <csched/cluster/node_selector.h>

#include <csched/base/list.h>
#include <csched/base/memory.h>
#include <csched/kube/node_term.h>
#include <csched/kube/selector.h>
#include <inttypes.h>
#include <string.h>

#include "cluster_internal.h"
#include "phrase.h"
#include "selector_kernel.h"

#define NO_TERMS  UINT32_MAX // there is no required part at all
#define OF_NAME   16u        // added to the operator: the node's name, not a label
#define NAME_PATH "metadata.name"

// The words: a conjunction that must hold, the number of terms (or NO_TERMS), a conjunction each.
// A conjunction: the number of its requirements, each one operator, key, number of values, values
// (ids ascending; of Gt and Lt the number's lower and upper half).
struct words {
	uint32_t *list;
	uint32_t n;
};

// A selector's place among those that name a label key.
struct place {
	struct cs_list link;
	struct cs_node_selector *selector;
};

struct cs_node_selector {
	struct cs_content content; // key: the words; ids in them hold references
	struct cs_bitmap rows;
	uint32_t n_places;
	struct place *places; // one per distinct label key
};

// A label key that selectors name: their places, and a column of the rows' values.
struct bucket {
	uint32_t key; // held by the selectors in it
	struct cs_list places;
	uint32_t *values; // by row, CS_INTERN_NONE = no such label; not of rows past `capacity`
	uint32_t capacity;
};

// A requirement among the words.
struct requirement {
	uint32_t op; // enum cs_operator, with OF_NAME or without
	uint32_t key;
	uint32_t n_values;
	const uint32_t *values;
};

void cs_node_selectors_init(struct cs_node_selectors *selectors, struct cs_nodes *nodes,
			    uint64_t seed)
{
	selectors->nodes = nodes;
	cs_map_init(&selectors->by_content, seed);
	cs_map_init(&selectors->by_key, seed);
}

void cs_node_selectors_finish(struct cs_node_selectors *selectors)
{
	cs_map_finish(&selectors->by_content);
	cs_map_finish(&selectors->by_key);
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

// ---- compiling ----

static void put(struct words *words, uint32_t word)
{
	words->list[words->n++] = word;
}

static uint32_t intern(struct cs_intern *strings, const char *text)
{
	return cs_intern_ref(strings, cs_slice_of(text));
}

static int compare_ids(const void *a, const void *b)
{
	uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
	return (left > right) - (left < right);
}

// Values in ascending order, each once.
static void put_values(struct words *words, struct cs_intern *strings, char *const *values,
		       size_t n)
{
	uint32_t *count = &words->list[words->n++];
	uint32_t *ids = &words->list[words->n];
	for (size_t i = 0; i < n; i++)
		ids[i] = intern(strings, values[i]);
	qsort(ids, n, sizeof(*ids), compare_ids);
	*count = 0;
	for (size_t i = 0; i < n; i++) {
		if (*count > 0 && ids[*count - 1] == ids[i])
			cs_intern_unref(strings, ids[i]);
		else
			ids[(*count)++] = ids[i];
	}
	words->n += *count;
}

static void put_expression(struct words *words, struct cs_intern *strings,
			   const struct cs_requirement *r)
{
	put(words, r->op);
	put(words, intern(strings, r->key));
	if (r->op == CS_OPERATOR_GT || r->op == CS_OPERATOR_LT) {
		put(words, 2);
		put(words, (uint32_t)r->number);
		put(words, (uint32_t)((uint64_t)r->number >> 32));
	} else {
		put_values(words, strings, r->values, r->n_values);
	}
}

// Of fields a node has its name alone; what else a requirement names is "".
static bool matches_no_field(const Kube__NodeSelectorRequirement *field)
{
	bool in = cs_string_equal(field->operator_, "In");
	return !cs_string_equal(field->key, NAME_PATH) && in != (*field->values[0] == '\0');
}

static bool can_match(const Kube__NodeSelectorTerm *term)
{
	if (cs_node_term_is_empty(term) || !cs_node_term_is_valid(term))
		return false;
	for (size_t i = 0; i < term->n_match_fields; i++)
		if (matches_no_field(term->match_fields[i]))
			return false;
	return true;
}

static void put_term(struct words *words, struct cs_intern *strings,
		     const Kube__NodeSelectorTerm *term)
{
	uint32_t *count = &words->list[words->n++];
	*count = (uint32_t)term->n_match_expressions;
	for (size_t i = 0; i < term->n_match_expressions; i++) {
		struct cs_requirement requirement;
		cs_requirement_parse(term->match_expressions[i], &requirement, NULL);
		put_expression(words, strings, &requirement);
	}
	for (size_t i = 0; i < term->n_match_fields; i++) {
		const Kube__NodeSelectorRequirement *field = term->match_fields[i];
		if (!cs_string_equal(field->key, NAME_PATH))
			continue; // holds for every node
		bool in = cs_string_equal(field->operator_, "In");
		put(words, OF_NAME + (in ? CS_OPERATOR_IN : CS_OPERATOR_NOT_IN));
		put(words, CS_INTERN_NONE);
		put_values(words, strings, field->values, field->n_values);
		++*count;
	}
}

// Room for the longest words a question can have.
static size_t count_words(const struct cs_node_question *question)
{
	size_t n = 2 + 4 * question->n_labels;
	const Kube__NodeSelector *required = question->required;
	for (size_t t = 0; required && t < required->n_node_selector_terms; t++) {
		const Kube__NodeSelectorTerm *term = required->node_selector_terms[t];
		n++;
		for (size_t i = 0; i < term->n_match_expressions; i++)
			n += 5 + term->match_expressions[i]->n_values;
		for (size_t i = 0; i < term->n_match_fields; i++)
			n += 3 + term->match_fields[i]->n_values;
	}
	return n;
}

static void put_labels(struct words *words, struct cs_intern *strings, struct cs_arena *scratch,
		       const struct cs_node_question *question)
{
	struct cs_node_label *labels =
		cs_arena_alloc_array(scratch, question->n_labels, sizeof(*labels));
	uint32_t n = cs_node_labels_intern(strings, question->labels, question->n_labels, labels);
	put(words, n);
	for (uint32_t i = 0; i < n; i++) {
		put(words, CS_OPERATOR_IN);
		put(words, labels[i].key);
		put(words, 1);
		put(words, labels[i].value);
	}
}

static struct words compile(struct cs_intern *strings, struct cs_arena *scratch,
			    const struct cs_node_question *question)
{
	struct words words = { .list = cs_arena_alloc_array(scratch, count_words(question),
							    sizeof(*words.list)) };
	put_labels(&words, strings, scratch, question);
	uint32_t *n_terms = &words.list[words.n++];
	*n_terms = question->required ? 0 : NO_TERMS;
	for (size_t t = 0; question->required && t < question->required->n_node_selector_terms;
	     t++) {
		const Kube__NodeSelectorTerm *term = question->required->node_selector_terms[t];
		if (!can_match(term))
			continue;
		put_term(&words, strings, term);
		++*n_terms;
	}
	return words;
}

// ---- walking the words ----

static const uint32_t *next_requirement(const uint32_t *at, struct requirement *ret)
{
	*ret = (struct requirement){
		.op = at[0], .key = at[1], .n_values = at[2], .values = at + 3
	};
	return at + 3 + ret->n_values;
}

static bool is_number(const struct requirement *r)
{
	return r->op == CS_OPERATOR_GT || r->op == CS_OPERATOR_LT;
}

// Calls `one` for every requirement of the words.
static void for_each_requirement(const uint32_t *list,
				 void (*one)(void *user, const struct requirement *r), void *user)
{
	uint32_t n_conjunctions = 1;
	for (uint32_t c = 0; c < n_conjunctions; c++) {
		uint32_t n = *list++;
		struct requirement r;
		for (uint32_t i = 0; i < n; i++) {
			list = next_requirement(list, &r);
			one(user, &r);
		}
		if (c == 0) {
			uint32_t n_terms = *list++;
			n_conjunctions += n_terms == NO_TERMS ? 0 : n_terms;
		}
	}
}

static void unref_ids(void *strings, const struct requirement *r)
{
	cs_intern_unref(strings, r->key);
	for (uint32_t i = 0; !is_number(r) && i < r->n_values; i++)
		cs_intern_unref(strings, r->values[i]);
}

// ---- matching ----

static bool has_value(const struct requirement *r, uint32_t value)
{
	for (uint32_t i = 0; i < r->n_values; i++)
		if (r->values[i] == value)
			return true;
	return false;
}

static int64_t number_of(const struct requirement *r)
{
	return (int64_t)((uint64_t)r->values[1] << 32 | r->values[0]);
}

static bool compares(const struct cs_nodes *nodes, const struct requirement *r, uint32_t value)
{
	struct cs_requirement requirement = {
		.op = (enum cs_operator)r->op,
		.number = number_of(r),
	};
	return cs_requirement_matches(&requirement, cs_intern_string(nodes->strings, value));
}

// CS_INTERN_NONE where the row has no such label.
static uint32_t value_in(const struct cs_nodes *nodes, const struct requirement *r, uint32_t row)
{
	return r->op >= OF_NAME ? nodes->table.name[row]
				: cs_node_row_label(&nodes->rows[row], r->key);
}

static bool holds(const struct cs_nodes *nodes, const struct requirement *r, uint32_t row)
{
	uint32_t value = value_in(nodes, r, row);
	switch ((enum cs_operator)(r->op % OF_NAME)) {
	case CS_OPERATOR_IN:
		return value != CS_INTERN_NONE && has_value(r, value);
	case CS_OPERATOR_NOT_IN:
		return value == CS_INTERN_NONE || !has_value(r, value);
	case CS_OPERATOR_EXISTS:
		return value != CS_INTERN_NONE;
	case CS_OPERATOR_DOES_NOT_EXIST:
		return value == CS_INTERN_NONE;
	case CS_OPERATOR_GT:
	case CS_OPERATOR_LT:
		return value != CS_INTERN_NONE && compares(nodes, r, value);
	}
	return false;
}

// Whether all of a conjunction holds; *at moves behind it.
static bool all_hold(const struct cs_nodes *nodes, const uint32_t **at, uint32_t row)
{
	bool all = true;
	uint32_t n = *(*at)++;
	struct requirement r;
	for (uint32_t i = 0; i < n; i++) {
		*at = next_requirement(*at, &r);
		all = all && holds(nodes, &r, row);
	}
	return all;
}

// Whether one of the terms holds, or there is no required part.
static bool term_holds(const struct cs_nodes *nodes, const uint32_t *at, uint32_t row)
{
	uint32_t n_terms = *at++;
	if (n_terms == NO_TERMS)
		return true;
	for (uint32_t t = 0; t < n_terms; t++)
		if (all_hold(nodes, &at, row))
			return true;
	return false;
}

static bool matches(const struct cs_nodes *nodes, const struct cs_content *content, uint32_t row)
{
	const uint32_t *at = (const uint32_t *)(const void *)content->key.data;
	return nodes->table.live[row] && all_hold(nodes, &at, row) && term_holds(nodes, at, row);
}

static void update(struct cs_node_selectors *selectors, struct cs_node_selector *selector,
		   uint32_t row)
{
	cs_bitmap_set(&selector->rows, row, matches(selectors->nodes, &selector->content, row));
}

// ---- by label key ----

static struct cs_slice key_slice(const uint32_t *key)
{
	return (struct cs_slice){ (const char *)key, sizeof(*key) };
}

// The column gets room for every row, new ones without a value.
static void grow_column(struct bucket *bucket, const struct cs_nodes *nodes)
{
	uint32_t n = nodes->table.capacity;
	if (n <= bucket->capacity)
		return;
	bucket->values = cs_realloc_array(bucket->values, n, sizeof(*bucket->values));
	memset(bucket->values + bucket->capacity, 0,
	       (n - bucket->capacity) * sizeof(*bucket->values));
	bucket->capacity = n;
}

static struct bucket *create_bucket(struct cs_node_selectors *selectors, uint32_t key)
{
	struct bucket *bucket = cs_alloc(sizeof(*bucket));
	bucket->key = key;
	cs_list_init(&bucket->places);
	grow_column(bucket, selectors->nodes);
	for (uint32_t row = 0; row < selectors->nodes->table.n_rows; row++)
		bucket->values[row] = cs_node_row_label(&selectors->nodes->rows[row], key);
	cs_map_put(&selectors->by_key, key_slice(&bucket->key), bucket);
	return bucket;
}

struct enlisting {
	struct cs_node_selectors *selectors;
	struct cs_node_selector *selector;
};

static void enlist(void *user, const struct requirement *r)
{
	struct enlisting *enlisting = user;
	struct cs_node_selector *selector = enlisting->selector;
	if (r->op >= OF_NAME)
		return;
	struct cs_map *by_key = &enlisting->selectors->by_key;
	struct bucket *bucket = cs_map_get(by_key, key_slice(&r->key));
	if (!bucket)
		bucket = create_bucket(enlisting->selectors, r->key);
	// A selector's places of one bucket are neighbours: it is being enlisted just now.
	if (!cs_list_empty(&bucket->places) &&
	    CS_CONTAINER_OF(bucket->places.prev, struct place, link)->selector == selector)
		return;
	struct place *place = &selector->places[selector->n_places++];
	place->selector = selector;
	cs_list_append(&bucket->places, &place->link);
}

static void strike(void *user, const struct requirement *r)
{
	struct cs_map *by_key = &((struct cs_node_selectors *)user)->by_key;
	struct bucket *bucket = cs_map_get(by_key, key_slice(&r->key));
	if (!bucket || !cs_list_empty(&bucket->places))
		return;
	cs_map_remove(by_key, key_slice(&bucket->key));
	free(bucket->values);
	free(bucket);
}

static void count_requirement(void *user, const struct requirement *r)
{
	*(uint32_t *)user += r->op < OF_NAME;
}

// ---- over all rows ----

#define N_REMEMBERED 64

// An evaluation by columns. Bytes per row, 0 or 1.
struct sweep {
	const struct cs_node_selectors *selectors;
	uint32_t n;     // rows
	uint8_t *marks; // of one requirement
};

// Rows whose number compares. Few distinct values are the rule, so answers are remembered.
static void mark_numbers(const struct sweep *sweep, const struct requirement *r,
			 const uint32_t *column)
{
	struct {
		uint32_t value;
		uint8_t answer;
	} known[N_REMEMBERED] = { 0 };
	for (uint32_t row = 0; row < sweep->n; row++) {
		uint32_t value = column[row];
		if (value == CS_INTERN_NONE)
			continue;
		uint32_t slot = value % N_REMEMBERED;
		if (known[slot].value != value) {
			known[slot].value = value;
			known[slot].answer = compares(sweep->selectors->nodes, r, value);
		}
		sweep->marks[row] = known[slot].answer;
	}
}

static const uint32_t *column_of(const struct sweep *sweep, const struct requirement *r)
{
	if (r->op >= OF_NAME)
		return sweep->selectors->nodes->table.name;
	struct bucket *bucket = cs_map_get(&sweep->selectors->by_key, key_slice(&r->key));
	grow_column(bucket, sweep->selectors->nodes);
	return bucket->values;
}

static void sweep_requirement(const struct sweep *sweep, const struct requirement *r, uint8_t *all)
{
	const uint32_t *column = column_of(sweep, r);
	enum cs_operator op = (enum cs_operator)(r->op % OF_NAME);
	memset(sweep->marks, 0, sweep->n);
	if (op == CS_OPERATOR_EXISTS || op == CS_OPERATOR_DOES_NOT_EXIST)
		cs_selector_kernel_present(column, sweep->n, sweep->marks);
	else if (is_number(r))
		mark_numbers(sweep, r, column);
	else
		for (uint32_t i = 0; i < r->n_values; i++)
			cs_selector_kernel_equal(column, sweep->n, r->values[i], sweep->marks);
	if (op == CS_OPERATOR_NOT_IN || op == CS_OPERATOR_DOES_NOT_EXIST)
		cs_selector_kernel_and_not(sweep->marks, sweep->n, all);
	else
		cs_selector_kernel_and(sweep->marks, sweep->n, all);
}

static const uint32_t *sweep_conjunction(const struct sweep *sweep, const uint32_t *at,
					 uint8_t *all)
{
	uint32_t n = *at++;
	struct requirement r;
	for (uint32_t i = 0; i < n; i++) {
		at = next_requirement(at, &r);
		sweep_requirement(sweep, &r, all);
	}
	return at;
}

// The whole bitmap at once: what matches() says of each row.
static void evaluate(struct cs_node_selectors *selectors, struct cs_arena *scratch,
		     struct cs_node_selector *selector)
{
	const struct cs_node_table *table = &selectors->nodes->table;
	uint32_t n = table->n_rows;
	struct sweep sweep = { .selectors = selectors, .n = n };
	sweep.marks = cs_arena_alloc_raw(scratch, n);
	uint8_t *common = cs_arena_alloc_raw(scratch, n);
	uint8_t *some = cs_arena_alloc(scratch, n);
	uint8_t *all = cs_arena_alloc_raw(scratch, n);
	const uint32_t *at = (const uint32_t *)(const void *)selector->content.key.data;
	memcpy(common, table->live, n);
	at = sweep_conjunction(&sweep, at, common);
	uint32_t n_terms = *at++;
	for (uint32_t t = 0; n_terms != NO_TERMS && t < n_terms; t++) {
		memcpy(all, common, n);
		at = sweep_conjunction(&sweep, at, all);
		cs_selector_kernel_or(all, n, some);
	}
	cs_bitmap_reserve(&selector->rows, n);
	cs_selector_kernel_pack(n_terms == NO_TERMS ? common : some, n, selector->rows.words);
}

// ---- selectors ----

struct cs_node_selector *cs_node_selectors_ref(struct cs_node_selectors *selectors,
					       struct cs_arena *scratch,
					       const struct cs_node_question *question)
{
	struct cs_intern *strings = selectors->nodes->strings;
	struct words words = compile(strings, scratch, question);
	struct cs_slice key = { (const char *)words.list, words.n * sizeof(*words.list) };
	struct cs_content *known = cs_content_ref(&selectors->by_content, key);
	if (known) {
		for_each_requirement(words.list, unref_ids, strings);
		return CS_CONTAINER_OF(known, struct cs_node_selector, content);
	}
	struct cs_node_selector *selector = cs_alloc(sizeof(*selector));
	cs_content_add(&selectors->by_content, &selector->content, key);
	uint32_t n = 0;
	for_each_requirement(words.list, count_requirement, &n);
	selector->places = cs_alloc_array(n, sizeof(*selector->places));
	struct enlisting enlisting = { selectors, selector };
	for_each_requirement(words.list, enlist, &enlisting);
	evaluate(selectors, scratch, selector);
	return selector;
}

void cs_node_selectors_unref(struct cs_node_selectors *selectors, struct cs_node_selector *selector)
{
	if (!selector)
		return;
	struct cs_content *content = &selector->content;
	if (content->refs > 1) {
		content->refs--;
		return;
	}
	const uint32_t *list = (const uint32_t *)(const void *)content->key.data;
	for (uint32_t i = 0; i < selector->n_places; i++)
		cs_list_remove(&selector->places[i].link);
	for_each_requirement(list, strike, selectors);
	for_each_requirement(list, unref_ids, selectors->nodes->strings);
	cs_content_unref(&selectors->by_content, content);
	cs_bitmap_finish(&selector->rows);
	free(selector->places);
	free(selector);
}

void cs_node_selectors_update(struct cs_node_selectors *selectors, uint32_t row)
{
	size_t at = 0;
	struct cs_content *content;
	while ((content = cs_map_next(&selectors->by_content, &at)))
		update(selectors, CS_CONTAINER_OF(content, struct cs_node_selector, content), row);
}

static void update_key(struct cs_node_selectors *selectors, uint32_t key, uint32_t row)
{
	struct bucket *bucket = cs_map_get(&selectors->by_key, key_slice(&key));
	if (!bucket)
		return;
	grow_column(bucket, selectors->nodes);
	bucket->values[row] = cs_node_row_label(&selectors->nodes->rows[row], key);
	CS_LIST_FOR_EACH (link, &bucket->places)
		update(selectors, CS_CONTAINER_OF(link, struct place, link)->selector, row);
}

void cs_node_selectors_relabel(struct cs_node_selectors *selectors, uint32_t row,
			       const struct cs_node_label *before, uint32_t n_before)
{
	const struct cs_node_row *now = &selectors->nodes->rows[row];
	uint32_t b = 0, n = 0;
	while (b < n_before || n < now->n_labels) {
		uint32_t was = b < n_before ? before[b].key : UINT32_MAX;
		uint32_t is = n < now->n_labels ? now->labels[n].key : UINT32_MAX;
		uint32_t key = was < is ? was : is;
		bool was_there = was == key, is_there = is == key;
		if (!was_there || !is_there || before[b].value != now->labels[n].value)
			update_key(selectors, key, row);
		b += was_there;
		n += is_there;
	}
}

bool cs_node_selector_expects(const struct cs_node_selectors *selectors,
			      const struct cs_content *content, uint32_t row)
{
	return matches(selectors->nodes, content, row);
}

const struct cs_bitmap *cs_node_selector_shows(const struct cs_content *content)
{
	return &CS_CONTAINER_OF(content, struct cs_node_selector, content)->rows;
}

// ---- in words ----

// What is told of: all requirements, or those that a row does not meet.
struct telling {
	const struct cs_nodes *nodes;
	uint32_t row; // CS_ROW_NONE: all
	struct cs_buffer *out;
};

static void print_requirement(const struct telling *telling, const struct requirement *r)
{
	const struct cs_intern *strings = telling->nodes->strings;
	bool of_name = r->op >= OF_NAME;
	struct cs_phrase phrase = {
		.key = of_name ? NAME_PATH : cs_intern_string(strings, r->key),
		.op = (enum cs_operator)(r->op % OF_NAME),
		.n_values = r->n_values,
		.values = r->values,
		.number = is_number(r) ? number_of(r) : 0,
	};
	cs_phrase_requirement(strings, &phrase, telling->out);
	if (telling->row == CS_ROW_NONE)
		return;
	uint32_t value = value_in(telling->nodes, r, telling->row);
	if (value == CS_INTERN_NONE)
		cs_buffer_append_string(telling->out, " (no such label here)");
	else
		cs_buffer_printf(telling->out, " (here %s)", cs_intern_string(strings, value));
}

// Returns how many are told of; `before` goes before the first. *at moves behind the conjunction.
static uint32_t print_conjunction(const struct telling *telling, const uint32_t **at,
				  const char *before)
{
	uint32_t n = *(*at)++, n_told = 0;
	struct requirement r;
	for (uint32_t i = 0; i < n; i++) {
		*at = next_requirement(*at, &r);
		if (telling->row != CS_ROW_NONE && holds(telling->nodes, &r, telling->row))
			continue;
		if (n_told++ < CS_PHRASE_MAX) {
			cs_buffer_append_string(telling->out, n_told == 1 ? before : ", ");
			print_requirement(telling, &r);
		}
	}
	if (n_told > CS_PHRASE_MAX)
		cs_buffer_printf(telling->out, " and %" PRIu32 " more", n_told - CS_PHRASE_MAX);
	return n_told;
}

// Terms of which one is enough.
static void print_terms(const struct telling *telling, const uint32_t *at, const char *before)
{
	uint32_t n_terms = *at++;
	if (n_terms == 0)
		cs_buffer_printf(telling->out, "%sa term that some node can meet (it has none)",
				 before);
	for (uint32_t t = 0; t < n_terms && t < CS_PHRASE_MAX; t++)
		print_conjunction(telling, &at, t ? "; or " : before);
	if (n_terms > CS_PHRASE_MAX)
		cs_buffer_printf(telling->out, "; or one of %" PRIu32 " more terms",
				 n_terms - CS_PHRASE_MAX);
}

static const uint32_t *words_of(const struct cs_bitmap *rows)
{
	const struct cs_node_selector *selector =
		CS_CONTAINER_OF((struct cs_bitmap *)(uintptr_t)rows, struct cs_node_selector, rows);
	return (const uint32_t *)(const void *)selector->content.key.data;
}

void cs_node_selector_print(const struct cs_cluster *cluster, const struct cs_bitmap *rows,
			    struct cs_buffer *out)
{
	const struct telling telling = { &cluster->nodes, CS_ROW_NONE, out };
	const uint32_t *at = words_of(rows);
	uint32_t n = print_conjunction(&telling, &at, "");
	if (*at != NO_TERMS)
		print_terms(&telling, at, n ? ", and " : "");
}

void cs_node_selector_print_unmet(const struct cs_cluster *cluster, const struct cs_bitmap *rows,
				  uint32_t row, struct cs_buffer *out)
{
	const struct telling telling = { &cluster->nodes, row, out };
	const uint32_t *at = words_of(rows);
	uint32_t n = print_conjunction(&telling, &at, "");
	if (!term_holds(telling.nodes, at, row))
		print_terms(&telling, at, n ? ", and " : "");
}

// ---- for everybody ----

struct cs_node_selector *cs_node_selector_ref(struct cs_cluster *cluster,
					      const Kube__NodeSelector *from)
{
	struct cs_node_selector *selector =
		cs_node_selectors_ref(&cluster->selectors, cluster->scratch,
				      &(struct cs_node_question){ .required = from });
	cs_arena_reset(cluster->scratch);
	return selector;
}

uint32_t cs_node_preferences_read(struct cs_cluster *cluster, const Kube__NodeAffinity *affinity,
				  struct cs_preferred_node *ret)
{
	uint32_t n = 0;
	for (size_t i = 0;
	     affinity && i < affinity->n_preferred_during_scheduling_ignored_during_execution;
	     i++) {
		const Kube__PreferredSchedulingTerm *from =
			affinity->preferred_during_scheduling_ignored_during_execution[i];
		if (!cs_node_preference_counts(from))
			continue;
		Kube__NodeSelectorTerm *terms[] = { from->preference };
		Kube__NodeSelector selector = KUBE__NODE_SELECTOR__INIT;
		selector.n_node_selector_terms = 1;
		selector.node_selector_terms = terms;
		ret[n++] = (struct cs_preferred_node){
			.selector = cs_node_selectors_ref(
				&cluster->selectors, cluster->scratch,
				&(struct cs_node_question){ .required = &selector }),
			.weight = from->weight,
		};
	}
	return n;
}

uint32_t cs_node_preferences_ref(struct cs_cluster *cluster, const Kube__NodeAffinity *affinity,
				 struct cs_preferred_node *ret)
{
	uint32_t n = cs_node_preferences_read(cluster, affinity, ret);
	cs_arena_reset(cluster->scratch);
	return n;
}

void cs_node_selector_unref(struct cs_cluster *cluster, struct cs_node_selector *selector)
{
	cs_node_selectors_unref(&cluster->selectors, selector);
}

const struct cs_bitmap *cs_node_selector_rows(const struct cs_node_selector *selector)
{
	return &selector->rows;
}
