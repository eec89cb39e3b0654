// From an annotation to a query of the pods it selects. Neighbours: peers.h.
#include "peers.h"

#include <csched/kube/selector.h>

#include "cluster_internal.h"

void cs_peers_read(struct cs_cluster *cluster, const Kube__ObjectMeta *metadata,
		   struct cs_peers *ret)
{
	*ret = (struct cs_peers){ 0 };
	const char *text =
		cs_labels_get(metadata->annotations, metadata->n_annotations, CS_PEERS_ANNOTATION);
	const Kube__LabelSelector *selector;
	struct cs_error err;
	if (!text)
		return;
	if (cs_label_selector_parse(text, cluster->scratch, &selector, &err) != 0) {
		ret->error = cs_arena_printf(cluster->scratch,
					     "annotation " CS_PEERS_ANNOTATION ": %s", err.text);
		return;
	}
	if (selector->n_match_expressions == 0)
		return;
	const struct cs_pod_match_source source = {
		.n_namespaces = 1,
		.namespaces = &metadata->namespace_,
		.selector = selector,
	};
	struct cs_query *query;
	cs_query_ref(&cluster->queries, &source, 1, &query, NULL); // has been checked
	ret->query = query;
}

void cs_peers_unref(struct cs_cluster *cluster, const struct cs_query *query)
{
	cs_query_unref(&cluster->queries, (struct cs_query *)(uintptr_t)query);
}
