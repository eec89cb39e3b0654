// A question to one pod: is it in these namespaces, do its labels match? Compiled to words of
// intern ids, which are its content and what is evaluated: no string is compared.
// Neighbours: query.c and carried.c make questions of it, label_set.c the pods they meet.
#ifndef LIB_CLUSTER_POD_MATCH_H
#define LIB_CLUSTER_POD_MATCH_H

#include <csched/base/arena.h>
#include <csched/base/buffer.h>
#include <csched/base/error.h>
#include <csched/base/intern.h>
#include <csched/kube/api.h>

#include "nodes.h"

// As API objects say it: borrowed.
struct cs_pod_match_source {
	size_t n_namespaces;
	char *const *namespaces;
	const Kube__LabelSelector *namespace_selector; // NULL: selects none
	const Kube__LabelSelector *selector;           // not NULL; {} matches every pod
};

// Words in scratch.
struct cs_words {
	struct cs_arena *scratch;
	uint32_t *at;
	uint32_t n;
	uint32_t capacity;
};
void cs_words_put(struct cs_words *words, uint32_t word);

// -EINVAL in words: a selector that upstream could not convert.
int cs_pod_match_check(const struct cs_pod_match_source *from, struct cs_error *err);
// Appends a source that has been checked, in one order for all sources that mean the same. Holds a
// reference on each id put.
void cs_pod_match_compile(struct cs_intern *strings, const struct cs_pod_match_source *from,
			  struct cs_words *words);
// Gives the references back. Both return what follows the question in the words.
const uint32_t *cs_pod_match_unref(struct cs_intern *strings, const uint32_t *match);
const uint32_t *cs_pod_match_next(const uint32_t *match);

// Appends which pods a question means: "app=web in namespace default". Returns what follows it.
const uint32_t *cs_pod_match_print(const struct cs_intern *strings, const uint32_t *match,
				   struct cs_buffer *out);

// Whose labels and namespace a question meets.
struct cs_labels {
	const struct cs_node_label *labels; // ascending keys
	uint32_t n;
};
struct cs_namespace;

bool cs_pod_match_labels(const uint32_t *match, struct cs_labels labels);
// Against which labels a term's namespaceSelector is matched. As upstream, which differs by side:
// - INCOMING, a term of the pod that is being placed: the selector was turned into the namespaces
//   that match it, and is then matched once more, against no labels at all. So one that accepts
//   the absence of a label (NotIn, DoesNotExist) selects every namespace.
// - CARRIED, a term of a pod in the cluster: the labels of the incoming pod's namespace, or none
//   where that is not known.
enum cs_pod_match_side {
	CS_POD_MATCH_INCOMING,
	CS_POD_MATCH_CARRIED,
};
bool cs_pod_match_namespace(const uint32_t *match, const struct cs_namespace *namespace,
			    enum cs_pod_match_side side);

// What indexes need to know. The namespaces named; *ret_any: a selector may add others.
const uint32_t *cs_pod_match_namespaces(const uint32_t *match, uint32_t *ret_n, bool *ret_any);
// Calls `tell` for each label that a pod must have to match.
void cs_pod_match_required(const uint32_t *match, void (*tell)(void *user, struct cs_node_label),
			   void *user);

#endif
