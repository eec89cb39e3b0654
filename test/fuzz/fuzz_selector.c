// Selectors from any text. The first line is the object's labels (`app=web,tier=`), each further
// one a requirement (`app In web api`). Neighbours: the selector suite states what matches.
#include <csched/base/memory.h>
#include <csched/kube/selector.h>

#include <string.h>

#include "fuzz.h"

struct object {
	Kube__StringEntry entries[FUZZ_PARTS_MAX];
	Kube__StringEntry *list[FUZZ_PARTS_MAX];
	size_t n;
};

static void read_labels(char *line, struct object *object)
{
	char *parts[FUZZ_PARTS_MAX];
	object->n = fuzz_split(line, ',', parts);
	for (size_t i = 0; i < object->n; i++) {
		Kube__StringEntry *entry = &object->entries[i];
		kube__string_entry__init(entry);
		entry->key = parts[i];
		entry->value = strchr(parts[i], '=');
		if (entry->value)
			*entry->value++ = '\0';
		object->list[i] = entry;
	}
}

static void check_requirement(char *line, const struct object *object)
{
	char *words[FUZZ_PARTS_MAX];
	size_t n = fuzz_split(line, ' ', words);
	Kube__NodeSelectorRequirement from = KUBE__NODE_SELECTOR_REQUIREMENT__INIT;
	from.key = words[0];
	from.operator_ = n > 1 ? words[1] : NULL;
	from.n_values = n > 2 ? n - 2 : 0;
	from.values = words + 2;
	struct cs_requirement requirement;
	struct cs_error err;
	int r = cs_requirement_parse(&from, &requirement, &err);
	REQUIRE(r == 0 || (r == err.code && err.text[0]));
	const char *value = cs_labels_get(object->list, object->n, words[0]);
	bool matches = r == 0 && cs_requirement_matches(&requirement, value);

	Kube__LabelSelectorRequirement expression = KUBE__LABEL_SELECTOR_REQUIREMENT__INIT;
	expression.key = from.key;
	expression.operator_ = from.operator_;
	expression.n_values = from.n_values;
	expression.values = from.values;
	Kube__LabelSelectorRequirement *expressions[] = { &expression };
	Kube__LabelSelector selector = KUBE__LABEL_SELECTOR__INIT;
	selector.n_match_expressions = 1;
	selector.match_expressions = expressions;
	bool selected;
	int s = cs_label_selector_matches(&selector, object->list, object->n, &selected, &err);
	// A label selector knows fewer operators; else both must agree.
	REQUIRE(r == 0 || s < 0);
	REQUIRE(s < 0 || selected == matches);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CS_AUTO_FREE char *text = cs_strndup(size ? (const char *)data : "", size);
	char *lines[FUZZ_PARTS_MAX];
	struct object object;
	size_t n = fuzz_split(text, '\n', lines);
	read_labels(lines[0], &object);
	for (size_t i = 1; i < n; i++)
		check_requirement(lines[i], &object);
	Kube__LabelSelector own = KUBE__LABEL_SELECTOR__INIT;
	own.n_match_labels = object.n;
	own.match_labels = object.list;
	bool selected;
	struct cs_error err;
	cs_label_selector_matches(&own, object.list, object.n, &selected, &err);
	return 0;
}
