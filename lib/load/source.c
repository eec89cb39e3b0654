// A source's questions. Neighbours: source.h is the contract.
#include <csched/load/source.h>

uint32_t cs_source_count(const struct cs_source *source)
{
	if (source->kind == CS_SOURCE_PROMETHEUS)
		return source->n_queries;
	return source->pods ? 2 : 1;
}

const char *cs_source_question(const struct cs_source *source, uint32_t i)
{
	if (source->kind == CS_SOURCE_PROMETHEUS)
		return source->queries[i].name;
	return i == 0 ? "nodes" : "pods";
}
