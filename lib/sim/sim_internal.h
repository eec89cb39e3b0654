// What the files of sim share: the server's state, and a request on its way through.
// Neighbours: sim.c owns the state; request.c makes requests out of HTTP.
#ifndef SIM_INTERNAL_H
#define SIM_INTERNAL_H

#include <pthread.h>

#include <csched/base/heap.h>
#include <csched/http/server.h>
#include <csched/kube/timestamp.h>
#include <csched/sim/sim.h>

#include "encode.h"
#include "fault.h"
#include "selector.h"
#include "status.h"
#include "store.h"
#include "usage.h"

// ---- the state ----

enum sim_timer_kind {
	SIM_TIMER_POD_START, // key: a bound pod becomes Running
	SIM_TIMER_POD_END,   // key: a terminating pod is gone
	SIM_TIMER_NODE_BEAT, // all nodes renew their leases
	SIM_TIMER_ANSWER,    // a delayed answer is sent
	SIM_TIMER_NAMESPACE, // key: one that is being deleted is looked at again
	SIM_TIMER_EVENT_END, // key: an Event has been kept for an hour
	SIM_TIMER_WATCHES,   // bookmarks and time limits of watches
	SIM_TIMER_USAGE,     // the load model goes on
	SIM_TIMER_COUNT,
};

struct sim_timer {
	struct cs_heap_link link;
	int64_t due; // boot ns
	enum sim_timer_kind kind;
	char *key;
	char uid[40];
	struct cs_http_pending *pending; // SIM_TIMER_ANSWER
	struct cs_http_response response;
};

// A controller's list of keys to look at, each once.
struct sim_queue {
	struct cs_map map;
	char **keys;
	size_t count;
	size_t capacity;
};

struct cs_sim {
	pthread_mutex_t lock; // guards everything below but what is constant
	pthread_cond_t wake;  // of the thread: timers or queues changed
	pthread_t thread;
	bool started;
	bool stopping;
	struct sim_store store;
	struct sim_faults faults;
	struct sim_usage usage; // where load.on
	struct cs_heap timers;
	struct sim_queue deployments;
	struct sim_queue replica_sets;
	struct sim_queue orphans;    // UIDs of owners that are gone
	struct sim_queue namespaces; // being deleted
	int64_t next_sync;           // boot ns: controllers rest until then
	uint64_t requests;
	uint64_t bindings;
	uint32_t next_pod_ip;
	uint32_t next_cluster_ip;

	// Constant after create.
	struct cs_clock clock;
	const struct cs_log *log;
	struct cs_http_server *server;
	struct cs_http_tls tls;
	char *token;
	char *url;
	struct cs_sim_load load;
	int64_t kubelet_delay;
	int64_t bookmark_interval;
};

static inline struct cs_time sim_now(const struct cs_sim *sim)
{
	return cs_clock_now(&sim->clock);
}

// ---- requests ----

struct sim_request {
	struct cs_sim *sim;
	struct cs_http_request *http;
	struct cs_http_response *response;
	const struct sim_resource *resource;
	struct sim_collection *collection;
	char namespace_[256];
	char name[256];
	char subresource[64];
	char key[SIM_KEY_MAX];
	const char *verb; // get, list, watch, create, update, patch, delete, deletecollection
	enum sim_format format;
	struct sim_fault_action fault;
	struct sim_status status; // why it failed
};

// Verbs: 0 with the response filled, or -1 with request->status. The lock is held.
typedef int (*sim_verb_f)(struct sim_request *request);
int sim_get(struct sim_request *request);
int sim_list(struct sim_request *request);
int sim_watch(struct sim_request *request);
int sim_create(struct sim_request *request);
int sim_update(struct sim_request *request);
int sim_patch(struct sim_request *request);
int sim_delete(struct sim_request *request);
int sim_delete_collection(struct sim_request *request);
int sim_bind(struct sim_request *request);
int sim_evict(struct sim_request *request);
int sim_get_scale(struct sim_request *request);
int sim_update_scale(struct sim_request *request);
int sim_patch_scale(struct sim_request *request);
int sim_metrics_get(struct sim_request *request);
int sim_metrics_list(struct sim_request *request);

// request.c
// False when the request lacks the token; it is answered then.
bool sim_authenticate(const struct cs_sim *sim, struct cs_http_request *http,
		      struct cs_http_response *response);
void sim_handle_api(struct cs_http_request *http, struct cs_http_response *response, void *sim);
const char *sim_query(const struct sim_request *request, const char *name); // NULL = not there
bool sim_query_true(const struct sim_request *request, const char *name);
// The body as a tree in the form of the request's resource (or of `kind`, if not NULL).
int sim_read_body(struct sim_request *request, const struct cs_kind *kind,
		  struct json_object **ret);
void sim_answer_version(struct sim_request *request, int code, struct sim_version *version);
void sim_answer_tree(struct sim_request *request, int code, struct json_object *tree);
void sim_answer_status(struct sim_request *request, const struct sim_status *status);
// What a fault of kind STATUS or ERROR says.
void sim_fault_status(const struct sim_fault_action *fault, struct sim_status *status);
const char *sim_content_type(enum sim_format format);
// The Table of one object, with the column names if `definitions`; table.c.
void sim_table_of_tree(struct cs_sim *sim, const struct sim_resource *resource,
		       struct json_object *tree, bool definitions, struct cs_buffer *out);
void sim_answer_table(struct sim_request *request, const struct sim_snapshot *snapshot,
		      const struct sim_list_info *info); // table.c

// discovery.c: everything beside the API proper. False when the path is none of its own.
bool sim_discovery(struct cs_sim *sim, const char *path, struct cs_http_response *response);

// ---- objects ----

// object.c. `tree` is private at its top, its metadata and its spec. Names and namespaces are
// checked by these.
struct sim_write {
	struct cs_sim *sim;
	const struct sim_resource *resource;
	const char *namespace_;
	const char *name; // of the URL; "" on create
	bool status_only; // the status sub-resource
};
int sim_object_create(const struct sim_write *write, struct json_object *tree,
		      struct sim_object **ret, struct sim_status *status);
// Takes the tree. *ret is the version that holds then, NULL when the object died by it.
int sim_object_update(const struct sim_write *write, struct sim_object *object,
		      struct json_object *tree, struct sim_version **ret,
		      struct sim_status *status);
void sim_default_object(struct cs_sim *sim, const struct sim_resource *resource,
			struct json_object *tree, bool creating); // default.c
int sim_validate_object(const struct sim_resource *resource, struct json_object *tree,
			struct json_object *old, struct sim_status *status); // validate.c

struct sim_delete_options {
	int64_t grace; // seconds; < 0 = the object's own
	const char *uid;
	const char *resource_version;
	bool orphan;
};
struct sim_deletion {
	struct sim_version *last; // the state it has now; a reference
	bool gone;                // it is no longer there
};
int sim_object_delete(struct cs_sim *sim, struct sim_object *object,
		      const struct sim_delete_options *options, struct sim_deletion *ret,
		      struct sim_status *status);
const char *sim_timestamp(const struct cs_sim *sim, char out[CS_TIMESTAMP_SIZE]); // now, in seconds

// A pod's condition: replaces the one of that type, keeps lastTransitionTime when the status
// stays. `status_tree` is private. reason and message may be NULL.
struct sim_condition {
	const char *type;
	const char *status;
	const char *reason;
	const char *message;
};
void sim_set_condition(struct cs_sim *sim, struct json_object *status_tree,
		       const struct sim_condition *condition);

// ---- what happens by itself; the lock is held ----

void sim_timer_add(struct cs_sim *sim, struct sim_timer timer); // takes key
void sim_queue_add(struct cs_sim *sim, struct sim_queue *queue, const char *key);
char *sim_queue_take(struct sim_queue *queue); // NULL when empty; free()

void sim_workload_observe(struct cs_sim *sim, struct sim_collection *collection,
			  const struct sim_change *change);
bool sim_workload_step(struct cs_sim *sim); // one key; false when nothing is to do
// Events are forgotten after an hour, as kube-apiserver's --event-ttl does.
void sim_event_end(struct cs_sim *sim, const struct sim_timer *timer);
void sim_workload_recheck(struct cs_sim *sim, const struct sim_timer *timer);
void sim_kubelet_observe(struct cs_sim *sim, struct sim_collection *collection,
			 const struct sim_change *change);
void sim_kubelet_start(struct cs_sim *sim, const struct sim_timer *timer);
void sim_kubelet_end(struct cs_sim *sim, const struct sim_timer *timer);
void sim_kubelet_beat(struct cs_sim *sim);
// Nodes and pods as the load model needs them. Nothing without load.on.
void sim_metrics_observe(struct cs_sim *sim, struct sim_collection *collection,
			 const struct sim_change *change);
void sim_metrics_tick(struct cs_sim *sim);
void sim_metrics_text(struct cs_sim *sim, struct cs_buffer *out); // for Prometheus
void sim_make_nodes(struct cs_sim *sim, unsigned nodes, unsigned zones);
// Wakes the watches that have something to say at this time.
void sim_watch_tick(struct cs_sim *sim);
void sim_watch_notify(struct sim_collection *collection);

#endif
