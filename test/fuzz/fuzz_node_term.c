// Node selector terms from any text, a requirement per line (`e zone In a b`, `f metadata.name In
// n1`): what can be read has no faults, what cannot has some. Neighbours: the node_term suite.
#include <csched/base/memory.h>
#include <csched/kube/node_term.h>

#include <string.h>

#include "fuzz.h"

struct line {
	char *words[FUZZ_PARTS_MAX];
	Kube__NodeSelectorRequirement message;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CS_AUTO_FREE char *text = cs_strndup(size ? (const char *)data : "", size);
	char *parts[FUZZ_PARTS_MAX];
	struct line lines[FUZZ_PARTS_MAX];
	Kube__NodeSelectorRequirement *expressions[FUZZ_PARTS_MAX], *fields[FUZZ_PARTS_MAX];
	Kube__NodeSelectorTerm term = KUBE__NODE_SELECTOR_TERM__INIT;
	term.match_expressions = expressions;
	term.match_fields = fields;
	size_t n = fuzz_split(text, '\n', parts);
	for (size_t i = 0; i < n; i++) {
		size_t n_words = fuzz_split(parts[i], ' ', lines[i].words);
		kube__node_selector_requirement__init(&lines[i].message);
		lines[i].message.key = n_words > 1 ? lines[i].words[1] : NULL;
		lines[i].message.operator_ = n_words > 2 ? lines[i].words[2] : NULL;
		lines[i].message.n_values = n_words > 3 ? n_words - 3 : 0;
		lines[i].message.values = lines[i].words + 3;
		if (*lines[i].words[0] == 'f')
			fields[term.n_match_fields++] = &lines[i].message;
		else
			expressions[term.n_match_expressions++] = &lines[i].message;
	}
	CS_AUTO_ARENA struct cs_arena *arena = cs_arena_create();
	struct cs_faults faults = { .arena = arena };
	cs_node_term_check(&term, "[0]", &faults);
	const char *words = cs_faults_join(&faults);
	REQUIRE((words == NULL) == (faults.count == 0));
	REQUIRE(cs_node_term_is_valid(&term) == (faults.count == 0));
	REQUIRE(cs_node_term_is_empty(&term) == (n == 0));
	return 0;
}
