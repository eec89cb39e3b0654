// The scheduler extender's wire format (k8s.io/kube-scheduler/extender/v1): requests are scanned
// in place, answers are written as Go's encoding/json would.
// Neighbours: codec.h decodes the pods and nodes found here; daemon's extender serves it.
#ifndef CSCHED_KUBE_EXTENDER_H
#define CSCHED_KUBE_EXTENDER_H

#include <stdbool.h>
#include <stdint.h>

#include <csched/base/arena.h>
#include <csched/base/buffer.h>
#include <csched/base/error.h>
#include <csched/base/slice.h>
#include <csched/base/splice.h>

#define CS_EXTENDER_BODY_MAX  (64u << 20) // bytes of a request with Nodes
#define CS_EXTENDER_NAMES_MAX (4u << 20)  // bytes of any other one
#define CS_EXTENDER_NODES_MAX 100000      // nodes of a request
#define CS_EXTENDER_SCORE_MAX 10          // scores are 0 .. 10

// ---- requests ----

// Keys of the protocol's own types are understood in any case, null counts as absent, unknown
// members are skipped; what is skipped is checked all the same: RFC 8259, UTF-8, nesting of 64 at
// most. `body` is followed by a NUL outside its size. Slices point into it, or, where a string had
// escapes, into the arena, as lists do. Errors: -EINVAL with "byte N: ...", -EMSGSIZE past one of
// the limits above.

// ExtenderArgs. Where both NodeNames and Nodes are given, NodeNames counts.
struct cs_extender_args {
	struct cs_slice pod; // JSON; size 0 = none
	struct cs_slice uid; // the pod's; size 0 = none
	bool whole;          // asked by Nodes: answered with Nodes
	uint32_t n_nodes;
	const struct cs_slice *names;
	struct cs_slice list; // NodeNames as it stands in the request; size 0 where `whole`
	bool plain;           // each name stands in the request as it is, between its quotes
	const struct cs_slice *items; // JSON of the nodes, where `whole`; else NULL
};
int cs_extender_read_args(struct cs_slice body, struct cs_arena *arena,
			  struct cs_extender_args *ret, struct cs_error *err);

// What preemption would do to one node.
struct cs_extender_victims {
	struct cs_slice node;
	int64_t n_pdb_violations;
	uint32_t n_uids;
	const struct cs_slice *uids;
};
// ExtenderPreemptionArgs. NodeNameToMetaVictims counts before NodeNameToVictims.
struct cs_extender_preemption {
	struct cs_slice pod;
	struct cs_slice uid;
	uint32_t n_nodes;
	const struct cs_extender_victims *nodes;
};
int cs_extender_read_preemption(struct cs_slice body, struct cs_arena *arena,
				struct cs_extender_preemption *ret, struct cs_error *err);

// ExtenderBindingArgs. Strings of the arena, "" where not given.
struct cs_extender_binding {
	const char *pod_name;
	const char *pod_namespace;
	const char *pod_uid;
	const char *node;
};
int cs_extender_read_binding(struct cs_slice body, struct cs_arena *arena,
			     struct cs_extender_binding *ret, struct cs_error *err);

// ---- answers ----

// One node of a filter's answer. `message` is NULL for a node that passed.
struct cs_extender_verdict {
	const char *message;
	bool unresolvable; // preemption cannot help
};
// ExtenderFilterResult: of each node of `args` its verdict (NULL: all passed); those that passed
// are answered in the form of the request, whole nodes as the bytes that came. Members of the maps
// are in the order of the request. With `splices`, whole nodes are left where they are, in the body
// of the request: they belong into `out` there. NULL: all is in `out`.
void cs_extender_write_filter(const struct cs_extender_args *args,
			      const struct cs_extender_verdict *verdicts, struct cs_buffer *out,
			      struct cs_splices *splices);
// HostPriorityList. `scores` NULL: all 0.
void cs_extender_write_priorities(const struct cs_extender_args *args, const uint8_t *scores,
				  struct cs_buffer *out);
// ExtenderPreemptionResult.
void cs_extender_write_preemption(const struct cs_extender_victims *nodes, uint32_t n_nodes,
				  struct cs_buffer *out);
// ExtenderFilterResult and ExtenderBindingResult with nothing but an error; "" = none.
void cs_extender_write_filter_error(const char *error, struct cs_buffer *out);
void cs_extender_write_binding(const char *error, struct cs_buffer *out);

#endif
