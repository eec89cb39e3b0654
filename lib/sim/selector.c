// Label and field selectors: reading and matching. Neighbours: selector.h.
#include "selector.h"

#include <csched/base/memory.h>
#include <csched/base/tree.h>

#define FIELDS_MAX 64

// ---- field selectors ----

static bool known_field(const struct sim_resource *resource, const char *path)
{
	if (strcmp(path, "metadata.name") == 0 || strcmp(path, "metadata.namespace") == 0)
		return true;
	for (size_t i = 0; i < CS_ARRAY_LENGTH(resource->fields) && resource->fields[i]; i++)
		if (strcmp(resource->fields[i], path) == 0)
			return true;
	return false;
}

static int check_field(const struct sim_resource *resource, const char *path,
		       struct sim_status *status)
{
	if (known_field(resource, path))
		return 0;
	if (resource->fields[0])
		return sim_status_bad(status, "field label not supported: %s", path);
	return sim_status_bad(status,
			      "\"%s\" is not a known field selector: only \"metadata.name\", "
			      "\"metadata.namespace\"",
			      path);
}

static int parse_field(const struct sim_resource *resource, char *term,
		       struct sim_selector *selector, struct sim_status *status)
{
	char *sign = strchr(term, '=');
	if (!sign)
		return sim_status_bad(status, "invalid selector: '%s'; can't understand '%s'", term,
				      term);
	char *value = sign + 1;
	bool negated = sign > term && sign[-1] == '!';
	if (*value == '=')
		value++;
	*(negated ? sign - 1 : sign) = 0;
	if (selector->n_fields == FIELDS_MAX)
		return sim_status_bad(status, "too many requirements in the field selector");
	int result = check_field(resource, term, status);
	if (result)
		return result;
	selector->fields[selector->n_fields++] =
		(struct sim_field_requirement){ .path = term, .value = value, .negated = negated };
	return 0;
}

static int parse_fields(const struct sim_resource *resource, const char *text,
			struct sim_selector *selector, struct sim_status *status)
{
	char *rest = cs_arena_strdup(selector->arena, text);
	char *term;
	selector->fields =
		cs_arena_alloc_array(selector->arena, FIELDS_MAX, sizeof(*selector->fields));
	while ((term = strsep(&rest, ","))) {
		if (!*term)
			continue;
		int result = parse_field(resource, term, selector, status);
		if (result)
			return result;
	}
	return 0;
}

static int parse_labels(const char *text, struct sim_selector *selector, struct sim_status *status)
{
	struct cs_error err;
	if (cs_requirements_parse(text, selector->arena, &selector->labels, &selector->n_labels,
				  &err) < 0)
		return sim_status_bad(status, "unable to parse requirement: %s", err.text);
	return 0;
}

int sim_selector_parse(const struct sim_resource *resource, const char *labels, const char *fields,
		       struct sim_selector *ret, struct sim_status *status)
{
	*ret = (struct sim_selector){ 0 };
	if (!(labels && *labels) && !(fields && *fields))
		return 0;
	ret->arena = cs_arena_create();
	int result = labels ? parse_labels(labels, ret, status) : 0;
	if (!result && fields)
		result = parse_fields(resource, fields, ret, status);
	if (result)
		sim_selector_finish(ret);
	return result;
}

void sim_selector_finish(struct sim_selector *selector)
{
	cs_arena_destroy(selector->arena);
	*selector = (struct sim_selector){ 0 };
}

bool sim_selector_empty(const struct sim_selector *selector)
{
	return selector->n_labels == 0 && selector->n_fields == 0;
}

// ---- matching ----

// Fields of type boolean are compared as words, and missing is false.
static const char *field_value(struct json_object *tree, const char *path)
{
	struct json_object *value = cs_value_at(tree, path);
	if (json_object_is_type(value, json_type_boolean))
		return json_object_get_boolean(value) ? "true" : "false";
	if (value)
		return json_object_get_string(value);
	bool boolean =
		strcmp(path, "spec.unschedulable") == 0 || strcmp(path, "spec.hostNetwork") == 0;
	return boolean ? "false" : "";
}

bool sim_selector_matches(const struct sim_selector *selector, struct json_object *tree)
{
	for (size_t i = 0; i < selector->n_fields; i++) {
		const struct sim_field_requirement *field = &selector->fields[i];
		if ((strcmp(field_value(tree, field->path), field->value) == 0) == field->negated)
			return false;
	}
	if (selector->n_labels == 0)
		return true;
	struct json_object *labels = cs_value_at(tree, "metadata.labels");
	for (size_t i = 0; i < selector->n_labels; i++)
		if (!cs_requirement_matches(&selector->labels[i],
					    cs_tree_string(labels, selector->labels[i].key)))
			return false;
	return true;
}
