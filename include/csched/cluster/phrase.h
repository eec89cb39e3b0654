// What the model was asked, in words for people, and examples of what it counts.
// Neighbours: plugins explain with it; query.h, topology.h and demand.h have what is told of.
// Looks at every pod or row: for people's questions, not for cycles. Core thread only. What is long
// is cut: of each list the first eight are named.
#ifndef CSCHED_CLUSTER_PHRASE_H
#define CSCHED_CLUSTER_PHRASE_H

#include <stdint.h>

#include <csched/base/buffer.h>
#include <csched/cluster/query.h>
#include <csched/cluster/topology.h>

struct cs_bitmap;
struct cs_cluster;
struct cs_pod;

// Append which pods are meant: "app=web in namespace default", "any labels in namespaces with
// team=a".
void cs_phrase_query(const struct cs_cluster *cluster, const struct cs_query *query,
		     struct cs_buffer *out);
void cs_phrase_carried(const struct cs_cluster *cluster, const struct cs_carried *carried,
		       struct cs_buffer *out);

// Appends interned strings: "a, b".
void cs_phrase_names(const struct cs_cluster *cluster, const uint32_t *ids, uint32_t n,
		     struct cs_buffer *out);

// Appends "the node's ZONE a" with the topology's key and the row's value, or "the node has no
// label ZONE".
void cs_phrase_domain(const struct cs_cluster *cluster, const struct cs_topology *topology,
		      uint32_t row, struct cs_buffer *out);

// The first by namespace and name of the pods in a domain that a query counts, or, without one,
// that carry a term. NULL: there is none.
struct cs_phrase_example {
	const struct cs_query *query;
	const struct cs_carried *carried;
	const struct cs_topology *topology;
	uint32_t domain;
};
const struct cs_pod *cs_phrase_find_example(const struct cs_cluster *cluster,
					    const struct cs_phrase_example *of);

// The features that a demand's rows declare, and the node in this one does not.
void cs_phrase_missing_features(const struct cs_cluster *cluster, const struct cs_bitmap *rows,
				uint32_t row, struct cs_buffer *out);

#endif
