// Taints and tolerations by intern id; a verdict per pair of sets, made once.
// Neighbours: taint.h for plugins, taint_internal.h for the model.
#include <csched/cluster/taint.h>

#include <csched/base/memory.h>
#include <string.h>

#include "cluster_internal.h"

enum effect {
	EFFECT_ANY, // of tolerations: ""
	EFFECT_NO_SCHEDULE,
	EFFECT_PREFER_NO_SCHEDULE,
	EFFECT_NO_EXECUTE,
	EFFECT_UNKNOWN,
};

static const char *const effect_names[EFFECT_UNKNOWN] = {
	[EFFECT_ANY] = "",
	[EFFECT_NO_SCHEDULE] = "NoSchedule",
	[EFFECT_PREFER_NO_SCHEDULE] = "PreferNoSchedule",
	[EFFECT_NO_EXECUTE] = "NoExecute",
};

enum comparison { OPERATOR_EQUAL, OPERATOR_EXISTS, OPERATOR_LT, OPERATOR_GT, OPERATOR_UNKNOWN };

static const char *const operator_names[OPERATOR_UNKNOWN] = {
	[OPERATOR_EQUAL] = "Equal",
	[OPERATOR_EXISTS] = "Exists",
	[OPERATOR_LT] = "Lt",
	[OPERATOR_GT] = "Gt",
};

// A taint or a toleration (taints: op 0). Ids hold references. No padding: bytes are a key.
struct rule {
	uint32_t key; // CS_INTERN_NONE of a toleration = any
	uint32_t value;
	uint32_t effect;
	uint32_t op;
};

struct cs_taint_set {
	struct cs_content content;
	struct rule *rules;
	uint32_t n_rules;
	uint32_t id;
	uint64_t generation; // of its making: tells it from an earlier set of the same id
};

struct cs_toleration_set {
	struct cs_content content;
	struct rule *rules;
	uint32_t n_rules;
	uint32_t id;
	bool unschedulable;
	// By taint set id; an entry holds for the set of that generation.
	struct cs_toleration_verdict *verdicts;
	uint64_t *generations;
	uint32_t n_verdicts;
	uint64_t complete; // all sets up to this generation are judged
	// Ids whose verdict says so, up to that generation; each has room for n_verdicts.
	struct cs_taint_objections objections;
	uint32_t *filtered;
	uint32_t *preferred;
};

// ---- rules ----

static uint32_t find_name(const char *const *names, uint32_t n, const char *name)
{
	uint32_t i = 0;
	while (i < n && !cs_string_equal(names[i], name))
		i++;
	return i;
}

static uint32_t intern_text(struct cs_intern *strings, const char *text)
{
	return text && *text ? cs_intern_ref(strings, cs_slice_of(text)) : CS_INTERN_NONE;
}

static void unref_rules(struct cs_intern *strings, const struct rule *rules, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		cs_intern_unref(strings, rules[i].key);
		cs_intern_unref(strings, rules[i].value);
	}
}

static int compare_rules(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct rule));
}

// Exact decimal integers without plus sign or leading zeros, as apimachinery's IsDecimalInteger.
static bool parse_integer(const char *text, int64_t *ret)
{
	bool negative = *text == '-';
	const char *digits = text + negative;
	if (*digits == '\0' || (*digits == '0' && (digits[1] != '\0' || negative)))
		return false;
	int64_t value = 0;
	for (; *digits; digits++) {
		int digit = *digits - '0';
		if (digit < 0 || digit > 9 || __builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, negative ? -digit : digit, &value))
			return false;
	}
	*ret = value;
	return true;
}

static bool compare_values(const struct cs_intern *strings, const struct rule *toleration,
			   const struct rule *taint)
{
	int64_t mine, theirs;
	if (!parse_integer(cs_intern_string(strings, toleration->value), &mine) ||
	    !parse_integer(cs_intern_string(strings, taint->value), &theirs))
		return false;
	return toleration->op == OPERATOR_LT ? theirs < mine : theirs > mine;
}

static bool tolerates(const struct cs_intern *strings, const struct rule *toleration,
		      const struct rule *taint)
{
	if (toleration->effect != EFFECT_ANY && toleration->effect != taint->effect)
		return false;
	if (toleration->key != CS_INTERN_NONE && toleration->key != taint->key)
		return false;
	switch (toleration->op) {
	case OPERATOR_EQUAL:
		return toleration->value == taint->value;
	case OPERATOR_EXISTS:
		return true;
	default:
		return compare_values(strings, toleration, taint);
	}
}

static bool is_tolerated(const struct cs_intern *strings, const struct cs_toleration_set *set,
			 const struct rule *taint)
{
	uint32_t t = 0;
	while (t < set->n_rules && !tolerates(strings, &set->rules[t], taint))
		t++;
	return t < set->n_rules;
}

static struct cs_toleration_verdict judge(const struct cs_intern *strings,
					  const struct cs_toleration_set *set,
					  const struct cs_taint_set *taints)
{
	struct cs_toleration_verdict verdict = { 0 };
	for (uint32_t i = 0; i < taints->n_rules; i++) {
		const struct rule *taint = &taints->rules[i];
		bool tolerated = is_tolerated(strings, set, taint);
		if (taint->effect == EFFECT_PREFER_NO_SCHEDULE)
			verdict.prefer_no_schedule += !tolerated;
		else
			verdict.filtered |= !tolerated;
	}
	return verdict;
}

// ---- sets ----

// The first free id from 1 on in an array of pointers that grows.
static uint32_t take_id(void ***slots, uint32_t *n)
{
	uint32_t id = 1;
	while (id < *n && (*slots)[id])
		id++;
	if (id == *n) {
		*n *= 2;
		*slots = cs_realloc_array(*slots, *n, sizeof(**slots));
		memset(*slots + id, 0, (*n - id) * sizeof(**slots));
	}
	return id;
}

static struct rule *copy_rules(struct cs_slice key)
{
	struct rule *rules = cs_alloc(key.size);
	memcpy(rules, key.data, key.size);
	return rules;
}

static struct cs_slice rules_key(struct rule *rules, uint32_t n)
{
	qsort(rules, n, sizeof(*rules), compare_rules);
	return (struct cs_slice){ (const char *)rules, n * sizeof(*rules) };
}

uint32_t cs_taint_set_ref(struct cs_taints *taints, struct cs_arena *scratch,
			  Kube__Taint *const *from, size_t n_from)
{
	struct rule *rules = cs_arena_alloc_array(scratch, n_from, sizeof(*rules));
	uint32_t n = 0;
	for (size_t i = 0; i < n_from; i++) {
		uint32_t effect = find_name(effect_names, EFFECT_UNKNOWN, from[i]->effect);
		if (effect == EFFECT_UNKNOWN || effect == EFFECT_ANY)
			continue; // neither filters nor scores
		rules[n++] = (struct rule){ .key = intern_text(taints->strings, from[i]->key),
					    .value = intern_text(taints->strings, from[i]->value),
					    .effect = effect };
	}
	if (n == 0)
		return 0;
	struct cs_slice key = rules_key(rules, n);
	struct cs_content *known = cs_content_ref(&taints->taint_sets, key);
	if (known) {
		unref_rules(taints->strings, rules, n);
		return CS_CONTAINER_OF(known, struct cs_taint_set, content)->id;
	}
	struct cs_taint_set *set = cs_alloc(sizeof(*set));
	set->rules = copy_rules(key);
	set->n_rules = n;
	set->generation = ++taints->generation;
	set->id = take_id((void ***)&taints->taints, &taints->n_taints);
	taints->taints[set->id] = set;
	cs_content_add(&taints->taint_sets, &set->content, key);
	return set->id;
}

void cs_taint_set_unref(struct cs_taints *taints, uint32_t id)
{
	struct cs_taint_set *set = id ? taints->taints[id] : NULL;
	if (!set || !cs_content_unref(&taints->taint_sets, &set->content))
		return;
	taints->taints[id] = NULL;
	unref_rules(taints->strings, set->rules, set->n_rules);
	free(set->rules);
	free(set);
}

uint32_t cs_taint_set_refs(const struct cs_taints *taints, uint32_t id)
{
	return id < taints->n_taints && taints->taints[id] ? taints->taints[id]->content.refs : 0;
}

// Whether the rules tolerate the taint that stands for spec.unschedulable.
static bool tolerates_unschedulable(struct cs_taints *taints, const struct cs_toleration_set *set)
{
	struct rule taint = {
		.key = cs_intern_ref(taints->strings, CS_SLICE("node.kubernetes.io/unschedulable")),
		.effect = EFFECT_NO_SCHEDULE,
	};
	struct cs_taint_set taint_set = { .rules = &taint, .n_rules = 1 };
	bool filtered = judge(taints->strings, set, &taint_set).filtered;
	cs_intern_unref(taints->strings, taint.key);
	return !filtered;
}

uint32_t cs_toleration_set_ref(struct cs_taints *taints, struct cs_arena *scratch,
			       Kube__Toleration *const *from, size_t n_from)
{
	struct rule *rules = cs_arena_alloc_array(scratch, n_from, sizeof(*rules));
	uint32_t n = 0;
	for (size_t i = 0; i < n_from; i++) {
		uint32_t effect = find_name(effect_names, EFFECT_UNKNOWN, from[i]->effect);
		const char *word = from[i]->operator_;
		uint32_t op = word && *word ? find_name(operator_names, OPERATOR_UNKNOWN, word)
					    : (uint32_t)OPERATOR_EQUAL;
		if (effect == EFFECT_UNKNOWN || op == OPERATOR_UNKNOWN)
			continue; // tolerates nothing
		rules[n++] = (struct rule){ .key = intern_text(taints->strings, from[i]->key),
					    .value = intern_text(taints->strings, from[i]->value),
					    .effect = effect,
					    .op = op };
	}
	if (n == 0)
		return 0;
	struct cs_slice key = rules_key(rules, n);
	struct cs_content *known = cs_content_ref(&taints->toleration_sets, key);
	if (known) {
		unref_rules(taints->strings, rules, n);
		return CS_CONTAINER_OF(known, struct cs_toleration_set, content)->id;
	}
	struct cs_toleration_set *set = cs_alloc(sizeof(*set));
	set->rules = copy_rules(key);
	set->n_rules = n;
	set->unschedulable = tolerates_unschedulable(taints, set);
	set->id = take_id((void ***)&taints->tolerations, &taints->n_tolerations);
	taints->tolerations[set->id] = set;
	cs_content_add(&taints->toleration_sets, &set->content, key);
	return set->id;
}

static void free_toleration_set(struct cs_taints *taints, struct cs_toleration_set *set)
{
	unref_rules(taints->strings, set->rules, set->n_rules);
	free(set->rules);
	free(set->verdicts);
	free(set->generations);
	free(set->filtered);
	free(set->preferred);
	free(set);
}

void cs_toleration_set_unref(struct cs_taints *taints, uint32_t id)
{
	struct cs_toleration_set *set = id ? taints->tolerations[id] : NULL;
	if (!set || !cs_content_unref(&taints->toleration_sets, &set->content))
		return;
	taints->tolerations[id] = NULL;
	free_toleration_set(taints, set);
}

bool cs_toleration_set_unschedulable(const struct cs_taints *taints, uint32_t id)
{
	return taints->tolerations[id]->unschedulable;
}

// ---- verdicts ----

static void grow_verdicts(struct cs_toleration_set *set, uint32_t n)
{
	if (set->verdicts && set->n_verdicts >= n)
		return;
	uint32_t more = n - set->n_verdicts;
	set->verdicts = cs_realloc_array(set->verdicts, n, sizeof(*set->verdicts));
	set->generations = cs_realloc_array(set->generations, n, sizeof(*set->generations));
	set->filtered = cs_realloc_array(set->filtered, n, sizeof(*set->filtered));
	set->preferred = cs_realloc_array(set->preferred, n, sizeof(*set->preferred));
	memset(set->verdicts + set->n_verdicts, 0, more * sizeof(*set->verdicts));
	memset(set->generations + set->n_verdicts, 0, more * sizeof(*set->generations));
	set->n_verdicts = n;
}

static void list_objections(struct cs_toleration_set *set)
{
	uint32_t n_filtered = 0, n_preferred = 0;
	for (uint32_t id = 1; id < set->n_verdicts; id++) {
		if (set->verdicts[id].filtered)
			set->filtered[n_filtered++] = id;
		if (set->verdicts[id].prefer_no_schedule > 0)
			set->preferred[n_preferred++] = id;
	}
	set->objections = (struct cs_taint_objections){ n_filtered, set->filtered, n_preferred,
							set->preferred };
}

static void judge_new_sets(const struct cs_taints *taints, struct cs_toleration_set *set)
{
	grow_verdicts(set, taints->n_taints);
	for (uint32_t id = 1; id < taints->n_taints; id++) {
		const struct cs_taint_set *other = taints->taints[id];
		if (!other || set->generations[id] == other->generation)
			continue;
		set->verdicts[id] = judge(taints->strings, set, other);
		set->generations[id] = other->generation;
	}
	list_objections(set);
	set->complete = taints->generation;
}

static const struct cs_toleration_set *judged(struct cs_taints *taints, uint32_t id)
{
	struct cs_toleration_set *set = taints->tolerations[id];
	if (set->complete != taints->generation || !set->verdicts)
		judge_new_sets(taints, set);
	return set;
}

const struct cs_toleration_verdict *cs_taint_verdicts(struct cs_cluster *cluster,
						      uint32_t toleration_set)
{
	return judged(&cluster->taints, toleration_set)->verdicts;
}

struct cs_taint_objections cs_taint_objections(struct cs_cluster *cluster, uint32_t toleration_set)
{
	return judged(&cluster->taints, toleration_set)->objections;
}

void cs_taint_list_untolerated(const struct cs_cluster *cluster, uint32_t toleration_set,
			       uint32_t taint_set, struct cs_buffer *out)
{
	const struct cs_taints *taints = &cluster->taints;
	const struct cs_taint_set *set = taints->taints[taint_set];
	const char *comma = "";
	for (uint32_t i = 0; set && i < set->n_rules; i++) {
		const struct rule *taint = &set->rules[i];
		if (taint->effect == EFFECT_PREFER_NO_SCHEDULE ||
		    is_tolerated(taints->strings, taints->tolerations[toleration_set], taint))
			continue;
		cs_buffer_printf(out, "%s%s", comma, cs_intern_string(taints->strings, taint->key));
		if (taint->value != CS_INTERN_NONE)
			cs_buffer_printf(out, "=%s",
					 cs_intern_string(taints->strings, taint->value));
		cs_buffer_printf(out, ":%s", effect_names[taint->effect]);
		comma = ", ";
	}
}

void cs_taints_init(struct cs_taints *taints, struct cs_intern *strings, uint64_t seed)
{
	*taints = (struct cs_taints){ .strings = strings, .n_taints = 8, .n_tolerations = 8 };
	cs_map_init(&taints->taint_sets, seed);
	cs_map_init(&taints->toleration_sets, seed);
	taints->taints = cs_alloc_array(taints->n_taints, sizeof(struct cs_taint_set *));
	taints->tolerations =
		cs_alloc_array(taints->n_tolerations, sizeof(struct cs_toleration_set *));
	taints->tolerations[0] = cs_alloc(sizeof(struct cs_toleration_set));
}

void cs_taints_finish(struct cs_taints *taints)
{
	free_toleration_set(taints, taints->tolerations[0]);
	free(taints->taints);
	free(taints->tolerations);
	cs_map_finish(&taints->taint_sets);
	cs_map_finish(&taints->toleration_sets);
	*taints = (struct cs_taints){ 0 };
}
