// Fault rules: reading the script and asking it. Neighbours: fault.h; lib/sim/README.md describes
// the script to its writers.
#include "fault.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <csched/base/clock.h>
#include <csched/base/memory.h>
#include <csched/base/tree.h>

#define RULES_MAX    1000
#define OVERSIZE_MAX (512u << 20)

static const char *const kind_names[SIM_FAULT_COUNT] = {
	[SIM_FAULT_NONE] = "none",       [SIM_FAULT_STATUS] = "status",
	[SIM_FAULT_CLOSE] = "close",     [SIM_FAULT_LOSE] = "lose",
	[SIM_FAULT_GARBAGE] = "garbage", [SIM_FAULT_OVERSIZE] = "oversize",
	[SIM_FAULT_CUT] = "cut",         [SIM_FAULT_STALL] = "stall",
	[SIM_FAULT_ERROR] = "error",     [SIM_FAULT_TRUNCATE] = "truncate",
	[SIM_FAULT_DELAY] = "delay",
};

const char *sim_fault_name(enum sim_fault_kind kind)
{
	return kind_names[kind];
}

// ---- reading ----

static int read_text(struct json_object *value, char *to, size_t size)
{
	const char *text =
		json_object_is_type(value, json_type_string) ? json_object_get_string(value) : NULL;
	if (!text || strlen(text) >= size)
		return -EINVAL;
	(void)snprintf(to, size, "%s", text);
	return 0;
}

static int read_count(struct json_object *value, int64_t max, int64_t *ret)
{
	if (!json_object_is_type(value, json_type_int) || json_object_get_int64(value) < 0 ||
	    json_object_get_int64(value) > max)
		return -EINVAL;
	*ret = json_object_get_int64(value);
	return 0;
}

static int read_match(struct json_object *tree, struct sim_fault_match *match, struct cs_error *err)
{
	if (!json_object_is_type(tree, json_type_object))
		return cs_error_set(err, -EINVAL, "match: not an object");
	const struct {
		const char *name;
		char *to;
		size_t size;
	} members[] = {
		{ "verb", match->verb, sizeof(match->verb) },
		{ "resource", match->resource, sizeof(match->resource) },
		{ "subresource", match->subresource, sizeof(match->subresource) },
		{ "namespace", match->namespace_, sizeof(match->namespace_) },
		{ "name", match->name, sizeof(match->name) },
	};
	json_object_object_foreach(tree, key, value)
	{
		size_t i = 0;
		while (i < CS_ARRAY_LENGTH(members) && strcmp(members[i].name, key) != 0)
			i++;
		if (i == CS_ARRAY_LENGTH(members))
			return cs_error_set(err, -EINVAL, "match.%s: unknown", key);
		if (read_text(value, members[i].to, members[i].size))
			return cs_error_set(err, -EINVAL, "match.%s: not a short string", key);
	}
	return 0;
}

static int read_kind(struct json_object *value, enum sim_fault_kind *ret)
{
	const char *name = json_object_get_string(value);
	for (size_t i = SIM_FAULT_STATUS; i < SIM_FAULT_COUNT; i++) {
		if (name && strcmp(kind_names[i], name) == 0) {
			*ret = (enum sim_fault_kind)i;
			return 0;
		}
	}
	return -EINVAL;
}

// What a rule's member means for the rule; -EINVAL for a bad value, -ENOENT for an unknown name.
static int read_member(const char *key, struct json_object *value, struct sim_fault_rule *rule)
{
	struct sim_fault_action *action = &rule->action;
	int64_t number;
	if (strcmp(key, "action") == 0)
		return read_kind(value, &action->kind);
	if (strcmp(key, "reason") == 0)
		return read_text(value, action->reason, sizeof(action->reason));
	if (strcmp(key, "message") == 0)
		return read_text(value, action->message, sizeof(action->message));
	const struct {
		const char *name;
		int64_t max;
	} numbers[] = {
		{ "nth", INT32_MAX },      { "count", INT32_MAX },       { "code", 599 },
		{ "retryAfter", 3600 },    { "delayMillis", 60 * 1000 }, { "after", INT32_MAX },
		{ "bytes", OVERSIZE_MAX },
	};
	size_t i = 0;
	while (i < CS_ARRAY_LENGTH(numbers) && strcmp(numbers[i].name, key) != 0)
		i++;
	if (i == CS_ARRAY_LENGTH(numbers))
		return -ENOENT;
	if (read_count(value, numbers[i].max, &number))
		return -EINVAL;
	switch (i) {
	case 0:
		rule->nth = (uint64_t)number;
		return number > 0 ? 0 : -EINVAL;
	case 1:
		rule->count = (uint64_t)number;
		return 0;
	case 2:
		action->code = (int)number;
		return number >= 400 ? 0 : -EINVAL;
	case 3:
		action->retry_after = (int)number;
		return 0;
	case 4:
		action->delay = number * CS_MILLISECOND;
		return 0;
	case 5:
		action->after = (uint64_t)number;
		return 0;
	default:
		action->bytes = (size_t)number;
		return 0;
	}
}

static int read_rule(struct json_object *tree, struct sim_fault_rule *rule, struct cs_error *err)
{
	if (!json_object_is_type(tree, json_type_object))
		return cs_error_set(err, -EINVAL, "not an object");
	*rule = (struct sim_fault_rule){ .nth = 1, .count = 1 };
	json_object_object_foreach(tree, key, value)
	{
		int result = strcmp(key, "match") == 0 ? read_match(value, &rule->match, err)
						       : read_member(key, value, rule);
		if (result == -ENOENT)
			return cs_error_set(err, -EINVAL, "%s: unknown", key);
		if (result && strcmp(key, "match") != 0)
			return cs_error_set(err, -EINVAL, "%s: not a value it may have", key);
		if (result)
			return result;
	}
	struct sim_fault_action *action = &rule->action;
	if (action->kind == SIM_FAULT_NONE)
		return cs_error_set(err, -EINVAL, "action: missing");
	if (action->kind == SIM_FAULT_STATUS && !action->code)
		return cs_error_set(err, -EINVAL, "code: missing");
	if (action->kind == SIM_FAULT_ERROR && !action->code)
		action->code = 410;
	return 0;
}

int sim_faults_read(const char *file_name, struct cs_slice text, struct sim_faults *faults,
		    struct cs_error *err)
{
	CS_AUTO_VALUE struct json_object *documents = NULL;
	int result = cs_value_read_yaml(text, &documents, err);
	if (result) {
		(void)cs_error_prefix(err, "%s", file_name);
		return result;
	}
	size_t n_documents = json_object_array_length(documents);
	struct json_object *list = n_documents ? json_object_array_get_idx(documents, 0) : NULL;
	if (n_documents > 1 || (list && !json_object_is_type(list, json_type_array)))
		return cs_error_set(err, -EINVAL, "%s: not one list of rules", file_name);
	struct sim_faults fresh = { .count = list ? json_object_array_length(list) : 0 };
	if (fresh.count > RULES_MAX)
		return cs_error_set(err, -EINVAL, "%s: more than %d rules", file_name, RULES_MAX);
	fresh.rules = cs_alloc_array(fresh.count ? fresh.count : 1, sizeof(*fresh.rules));
	for (size_t i = 0; i < fresh.count; i++) {
		result = read_rule(json_object_array_get_idx(list, i), &fresh.rules[i], err);
		if (result) {
			sim_faults_finish(&fresh);
			return cs_error_prefix(err, "%s: rule %zu", file_name, i + 1);
		}
	}
	sim_faults_finish(faults);
	*faults = fresh;
	return 0;
}

void sim_faults_finish(struct sim_faults *faults)
{
	free(faults->rules);
	*faults = (struct sim_faults){ 0 };
}

// ---- asking ----

static bool fits(const char *pattern, const char *value)
{
	return !*pattern || strcmp(pattern, value) == 0;
}

static bool matches(const struct sim_fault_match *rule, const struct sim_fault_match *request)
{
	// A rule for a resource does not mean its sub-resources: they are named.
	return fits(rule->verb, request->verb) && fits(rule->resource, request->resource) &&
	       strcmp(rule->subresource, request->subresource) == 0 &&
	       fits(rule->namespace_, request->namespace_) && fits(rule->name, request->name);
}

struct sim_fault_action sim_faults_ask(struct sim_faults *faults,
				       const struct sim_fault_match *request)
{
	struct sim_fault_action action = { 0 };
	for (size_t i = 0; i < faults->count; i++) {
		struct sim_fault_rule *rule = &faults->rules[i];
		if (!matches(&rule->match, request))
			continue;
		rule->seen++;
		bool due = rule->seen >= rule->nth &&
			   (rule->count == 0 || rule->seen < rule->nth + rule->count);
		if (!due || action.kind != SIM_FAULT_NONE)
			continue;
		rule->hit++;
		action = rule->action;
	}
	return action;
}
