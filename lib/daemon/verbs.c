// The verbs on the core thread. A pod that no watch has told of yet is taken into the model from
// the request, until a watch tells of it or it was in vain.
// Neighbours: verbs.h; call.h has what is asked and answered.
#include "daemon/verbs.h"

#include <errno.h>
#include <string.h>

#include <csched/base/list.h>
#include <csched/base/map.h>
#include <csched/base/memory.h>
#include <csched/base/value.h>
#include <csched/cluster/load.h>
#include <csched/framework/judge.h>
#include <csched/kube/codec.h>

#include "daemon/guests.h"
#include "daemon/node_names.h"
#include "daemon/preemption.h"

// How long a node stays reserved for the pod that ranked it first, and a supposed pod in the model.
#define HOLD         (30 * CS_SECOND)
#define SUPPOSED_MAX 10000
// Bytes of a pod that is taken from a request: nobody has validated it, and some of its lists are
// read in quadratic time. A larger one is waited for.
#define POD_MAX     (64u << 10)
#define WAITING_MAX 1000 // Bindings without an answer
// The part of a call's time until whose end unknown nodes of it are read, and how long others wait
// for that at a time.
#define GUESTS_SHARE 4
#define GUESTS_SLICE CS_MILLISECOND

// A pod of the model that only a call has told of.
struct supposed {
	struct cs_list link; // by age
	char *uid;
	int64_t until; // boot ns
};

struct waiting {
	struct cs_list link;
	struct cs_call *call;
	uint64_t ticket;
};

struct cs_verbs {
	struct cs_verbs_options options;
	struct cs_workspace *workspace;
	struct cs_node_names *names;
	struct cs_list supposed;
	struct cs_map supposed_by_uid;
	struct cs_list waiting;
	uint32_t n_waiting;
	uint64_t n_tickets;
	struct cs_metric *reservations; // NULL = no metrics
};

static const struct cs_metric_info reservations_info = {
	.name = "csched_extender_reservations",
	.help = "Nodes reserved for pods that another scheduler is about to bind.",
	.kind = CS_METRIC_GAUGE,
};

struct cs_verbs *cs_verbs_create(const struct cs_verbs_options *options)
{
	struct cs_verbs *verbs = cs_alloc(sizeof(*verbs));
	verbs->options = *options;
	verbs->workspace = cs_workspace_create(&(struct cs_workspace_options){
		.cluster = options->cluster,
		.config = options->config,
	});
	verbs->names = cs_node_names_create(options->cluster);
	cs_list_init(&verbs->supposed);
	cs_list_init(&verbs->waiting);
	if (options->metrics)
		verbs->reservations = cs_metrics_series(options->metrics, &reservations_info, NULL);
	return verbs;
}

// ---- supposed pods ----

static void end_supposed(struct cs_verbs *verbs, struct supposed *supposed)
{
	cs_map_remove(&verbs->supposed_by_uid, cs_slice_of(supposed->uid));
	cs_list_remove(&supposed->link);
	free(supposed->uid);
	free(supposed);
}

static void drop_supposed(struct cs_verbs *verbs, struct supposed *supposed)
{
	struct cs_pod *pod = cs_cluster_find_pod(verbs->options.cluster, supposed->uid);
	if (pod)
		cs_cluster_remove_pod(verbs->options.cluster, pod);
	end_supposed(verbs, supposed);
}

// A request may have said of that pod what is not so: then all that came of it goes.
void cs_verbs_told(struct cs_verbs *verbs, const Kube__ObjectMeta *metadata)
{
	if (cs_map_count(&verbs->supposed_by_uid) == 0 || !metadata->uid)
		return;
	struct supposed *supposed = cs_map_get(&verbs->supposed_by_uid, cs_slice_of(metadata->uid));
	struct cs_pod *pod =
		supposed ? cs_cluster_find_pod(verbs->options.cluster, metadata->uid) : NULL;
	if (pod && !cs_cluster_pod_is(verbs->options.cluster, pod, metadata))
		drop_supposed(verbs, supposed);
	else if (supposed)
		end_supposed(verbs, supposed);
}

void cs_verbs_expire(struct cs_verbs *verbs, struct cs_time now)
{
	CS_LIST_FOR_EACH (link, &verbs->supposed) {
		struct supposed *supposed = CS_CONTAINER_OF(link, struct supposed, link);
		if (supposed->until > now.boot)
			break;
		drop_supposed(verbs, supposed);
	}
	if (verbs->reservations)
		cs_metric_set(verbs->reservations,
			      cs_cluster_count_reservations(verbs->options.cluster));
}

// The pod as the request has it; NULL where it cannot be read, or is not to be scheduled.
static const Kube__Pod *decode_pod(const struct cs_call *call)
{
	CS_AUTO_VALUE struct json_object *tree = NULL;
	ProtobufCMessage *message;
	struct cs_error err;
	if (call->pod.size == 0 || call->pod.size > POD_MAX ||
	    cs_value_read_json(call->pod, &tree, &err) < 0 ||
	    cs_codec_read(&kube__pod__descriptor, tree, call->arena, &message, &err) < 0)
		return NULL;
	Kube__Pod *pod = (Kube__Pod *)message;
	// The watch's word counts more, also of the same version; and only it nominates.
	if (pod->metadata)
		pod->metadata->resource_version = NULL;
	if (pod->status)
		pod->status->nominated_node_name = NULL;
	bool placed = pod->spec && pod->spec->node_name && *pod->spec->node_name;
	return placed || cs_cluster_pod_ended(pod) ? NULL : pod;
}

static struct cs_pod *suppose(struct cs_verbs *verbs, struct cs_time now,
			      const struct cs_call *call)
{
	const Kube__Pod *pod = decode_pod(call);
	struct cs_pod_change change = { 0 };
	struct cs_error err;
	if (!pod || cs_map_count(&verbs->supposed_by_uid) >= SUPPOSED_MAX ||
	    cs_cluster_apply_pod(verbs->options.cluster, pod, &change, &err) < 0) {
		// What could not be read whole is not kept: only its own scheduler may be stubborn.
		if (change.pod && change.added)
			cs_cluster_remove_pod(verbs->options.cluster, change.pod);
		return NULL;
	}
	struct supposed *supposed = cs_alloc(sizeof(*supposed));
	supposed->uid = cs_strdup(change.pod->uid);
	supposed->until = now.boot + HOLD;
	cs_list_append(&verbs->supposed, &supposed->link);
	cs_map_put(&verbs->supposed_by_uid, cs_slice_of(supposed->uid), supposed);
	return change.pod;
}

// The unbound pod of a call, NULL where there is none to judge.
static struct cs_pod *pod_of(struct cs_verbs *verbs, const struct cs_verbs_state *state,
			     const struct cs_call *call)
{
	if (!state->synced || !*call->uid || atomic_load(&call->late))
		return NULL;
	struct cs_pod *pod = cs_cluster_find_pod(verbs->options.cluster, call->uid);
	if (!pod)
		pod = suppose(verbs, state->now, call);
	return pod && pod->state == CS_POD_UNBOUND && pod->demand ? pod : NULL;
}

// ---- judging ----

struct judged {
	struct cs_judge_question question;
	struct cs_judge_answer *answers; // in the call's arena
	struct cs_judge_result result;
};

// For people who ask why; a filter that lets all nodes pass tells them nothing.
static void remember(struct cs_verbs *verbs, const struct cs_verbs_state *state,
		     const struct judged *judged)
{
	const struct cs_pod *pod = judged->question.pod;
	const struct cs_outcome *outcome = &judged->result.outcome;
	struct cs_detail detail;
	if (!verbs->options.records || judged->result.error ||
	    (!judged->question.scores && judged->result.n_rejected == 0))
		return;
	cs_cycle_detail(verbs->workspace, outcome, &detail);
	cs_records_keep(verbs->options.records, pod,
			&(struct cs_record){ .profile = verbs->options.profile,
					     .decision = outcome->decision,
					     .at = state->now.wall,
					     .n_nodes = outcome->n_nodes,
					     .n_feasible = outcome->n_feasible },
			&detail);
}

// The rows of a call's nodes as of now, and what the call itself says of unknown ones. False: there
// is more to read.
static bool find_nodes(struct cs_verbs *verbs, struct cs_call *call)
{
	const struct cs_extender_args *args = &call->args;
	const struct cs_guests_time time = {
		.clock = verbs->options.clock,
		.pause = cs_clock_now(verbs->options.clock).boot + GUESTS_SLICE,
		.end = call->begun + (call->deadline - call->begun) / GUESTS_SHARE,
	};
	if (!call->rows)
		call->rows = cs_arena_alloc_raw(call->arena, args->n_nodes * sizeof(*call->rows));
	cs_node_names_find(verbs->names, args->names, args->n_nodes, call->rows);
	return cs_guests_read(&call->guests, args, call->rows, &time, call->arena);
}

static void judge_args(struct cs_verbs *verbs, const struct cs_verbs_state *state,
		       const struct cs_pod *pod, struct cs_call *call, struct judged *ret)
{
	const struct cs_extender_args *args = &call->args;
	cs_cluster_unreserve(verbs->options.cluster, call->uid);
	cs_guests_enter(&call->guests, verbs->options.cluster, call->rows);
	*ret = (struct judged){
		.question = { .profile = verbs->options.profile,
			      .pod = pod,
			      .n = args->n_nodes,
			      .rows = call->rows,
			      .scores = call->verb == CS_VERB_PRIORITIZE },
		.answers = cs_arena_alloc_raw(call->arena, args->n_nodes * sizeof(*ret->answers)),
	};
	cs_judge(verbs->workspace, &ret->question, call->arena, ret->answers, &ret->result);
	remember(verbs, state, ret);
	cs_guests_leave(&call->guests, verbs->options.cluster);
}

static struct cs_extender_verdict *verdicts_of(const struct judged *judged, struct cs_arena *arena)
{
	uint32_t n = judged->question.n;
	struct cs_extender_verdict *verdicts = cs_arena_alloc_array(arena, n, sizeof(*verdicts));
	for (uint32_t i = 0; i < n; i++) {
		const struct cs_judge_answer *answer = &judged->answers[i];
		if (answer->verdict != CS_VERDICT_FITS)
			verdicts[i] = (struct cs_extender_verdict){
				answer->words, answer->verdict == CS_VERDICT_UNRESOLVABLE
			};
	}
	return verdicts;
}

static enum cs_call_result filter(struct cs_verbs *verbs, const struct cs_verbs_state *state,
				  struct cs_call *call)
{
	struct judged judged;
	struct cs_pod *pod = pod_of(verbs, state, call);
	if (!pod)
		return CS_CALL_FALLBACK;
	judge_args(verbs, state, pod, call, &judged);
	call->error = judged.result.error;
	if (judged.result.n_rejected > 0)
		call->verdicts = verdicts_of(&judged, call->arena);
	return call->error ? CS_CALL_ERROR : CS_CALL_DONE;
}

// Until it is bound the pod counts where it will most likely go, so that the next pod is not sent
// to the same node by the same figures.
static void reserve(struct cs_verbs *verbs, struct cs_time now, const struct cs_pod *pod,
		    uint32_t row)
{
	// A node that only the request told of is gone.
	if (!cs_cluster_nodes(verbs->options.cluster)->live[row])
		return;
	cs_cluster_reserve(verbs->options.cluster, pod, row, now.wall + HOLD);
	cs_cycle_reserve(verbs->workspace, verbs->options.profile, pod, row);
}

static enum cs_call_result prioritize(struct cs_verbs *verbs, const struct cs_verbs_state *state,
				      struct cs_call *call)
{
	struct judged judged;
	struct cs_pod *pod = pod_of(verbs, state, call);
	if (!pod)
		return CS_CALL_FALLBACK;
	judge_args(verbs, state, pod, call, &judged);
	if (judged.result.error)
		return CS_CALL_ERROR;
	call->scores = cs_arena_alloc_raw(call->arena, call->args.n_nodes);
	cs_judge_scale(&judged.question, judged.answers, &judged.result, CS_EXTENDER_SCORE_MAX,
		       call->scores);
	if (judged.result.best < judged.question.n)
		reserve(verbs, state->now, pod, judged.question.rows[judged.result.best]);
	return CS_CALL_DONE;
}

static enum cs_call_result preempt(struct cs_verbs *verbs, const struct cs_verbs_state *state,
				   struct cs_call *call)
{
	const struct cs_extender_preemption *preemption = &call->preemption;
	struct cs_pod *pod = pod_of(verbs, state, call);
	if (!pod)
		return CS_CALL_FALLBACK;
	// What it was promised itself is not in its way.
	cs_cluster_unreserve(verbs->options.cluster, call->uid);
	uint32_t *rows = cs_arena_alloc_array(call->arena, preemption->n_nodes + 1, sizeof(*rows));
	for (uint32_t i = 0; i < preemption->n_nodes; i++)
		rows[i] = cs_node_names_row(verbs->names, preemption->nodes[i].node);
	return cs_preemption_judge(&(struct cs_preemption){ .cluster = verbs->options.cluster,
							    .workspace = verbs->workspace,
							    .profile = verbs->options.profile,
							    .pod = pod,
							    .rows = rows },
				   call);
}

// ---- binding ----

static const char *why_not_bind(const struct cs_verbs *verbs, const struct cs_verbs_state *state,
				const struct cs_call *call)
{
	const struct cs_extender_binding *binding = &call->binding;
	if (!verbs->options.bind)
		return "c-sched binds no pods for other schedulers: --extender-bind is not set";
	if (!state->leading)
		return "this replica of c-sched is not the leader";
	if (!*binding->pod_name || !*binding->pod_namespace || !*binding->pod_uid ||
	    !*binding->node)
		return "PodName, PodNamespace, PodUID and Node are needed";
	return verbs->n_waiting < WAITING_MAX ? NULL : "too many bindings are under way";
}

// CS_CALL_DONE: it has gone out, and the call waits.
static enum cs_call_result bind(struct cs_verbs *verbs, const struct cs_verbs_state *state,
				struct cs_call *call)
{
	const struct cs_extender_binding *binding = &call->binding;
	call->error = why_not_bind(verbs, state, call);
	if (call->error || atomic_load(&call->late))
		return CS_CALL_ERROR;
	struct cs_pod *pod = cs_cluster_find_pod(verbs->options.cluster, binding->pod_uid);
	uint32_t row = cs_node_names_row(verbs->names, cs_slice_of(binding->node));
	if (pod && row != CS_ROW_NONE)
		cs_cluster_reserve(verbs->options.cluster, pod, row, state->now.wall + HOLD);
	struct waiting *waiting = cs_alloc(sizeof(*waiting));
	waiting->call = call;
	waiting->ticket = CS_VERBS_TICKET | ++verbs->n_tickets;
	cs_list_append(&verbs->waiting, &waiting->link);
	verbs->n_waiting++;
	verbs->options.write(verbs->options.user, &(struct cs_write){
							  .kind = CS_WRITE_BIND,
							  .ticket = waiting->ticket,
							  .namespace = binding->pod_namespace,
							  .name = binding->pod_name,
							  .uid = binding->pod_uid,
							  .node = binding->node,
						  });
	return CS_CALL_DONE;
}

static void end_waiting(struct cs_verbs *verbs, struct waiting *waiting)
{
	cs_list_remove(&waiting->link);
	verbs->n_waiting--;
	free(waiting);
}

static void bound(struct cs_verbs *verbs, struct cs_call *call,
		  const struct cs_write_result *result)
{
	switch (result->outcome) {
	case CS_WRITE_DONE:
		break;
	case CS_WRITE_ELSEWHERE:
		call->error = cs_arena_printf(call->arena, "the pod is on node %s already",
					      result->node ? result->node : "");
		break;
	case CS_WRITE_GONE:
		call->error = "the pod does not exist any more";
		break;
	case CS_WRITE_REFUSED:
	case CS_WRITE_FAILED:
	default:
		// Without words the caller would take it for bound.
		call->error = result->message && *result->message
				      ? cs_arena_strdup(call->arena, result->message)
				      : "the API server refused the Binding";
	}
	if (call->error)
		cs_cluster_unreserve(verbs->options.cluster, call->uid);
	cs_call_return(call, call->error ? CS_CALL_ERROR : CS_CALL_DONE);
}

void cs_verbs_written(struct cs_verbs *verbs, const struct cs_write_result *result)
{
	CS_LIST_FOR_EACH (link, &verbs->waiting) {
		struct waiting *waiting = CS_CONTAINER_OF(link, struct waiting, link);
		if (waiting->ticket != result->ticket)
			continue;
		struct cs_call *call = waiting->call;
		end_waiting(verbs, waiting);
		bound(verbs, call, result);
		return;
	}
}

// ---- all together ----

bool cs_verbs_answer(struct cs_verbs *verbs, const struct cs_verbs_state *state,
		     struct cs_call *call)
{
	static enum cs_call_result (*const answers[CS_VERB_COUNT])(
		struct cs_verbs *, const struct cs_verbs_state *, struct cs_call *) = {
		[CS_VERB_FILTER] = filter,
		[CS_VERB_PRIORITIZE] = prioritize,
		[CS_VERB_PREEMPT] = preempt,
		[CS_VERB_BIND] = bind,
	};
	bool judged = call->args.n_nodes > 0 && state->synced && !atomic_load(&call->late);
	if (judged && !find_nodes(verbs, call))
		return false;
	cs_cluster_set_time(verbs->options.cluster, state->now.wall);
	enum cs_call_result result = answers[call->verb](verbs, state, call);
	if (call->verb != CS_VERB_BIND || result != CS_CALL_DONE)
		cs_call_return(call, result);
	if (verbs->reservations)
		cs_metric_set(verbs->reservations,
			      cs_cluster_count_reservations(verbs->options.cluster));
	return true;
}

int cs_verbs_explain(struct cs_verbs *verbs, const struct cs_pod *pod, struct cs_outcome *ret,
		     struct cs_judge judge)
{
	if (pod->state != CS_POD_UNBOUND || pod->gated || pod->demand->unsupported_field)
		return -EINVAL;
	cs_cycle_explain(verbs->workspace, verbs->options.profile, pod, ret, judge);
	return 0;
}

const struct cs_profile *cs_verbs_profile(const struct cs_verbs *verbs)
{
	return verbs->options.profile;
}

void cs_verbs_destroy(struct cs_verbs *verbs)
{
	if (!verbs)
		return;
	CS_LIST_FOR_EACH (link, &verbs->waiting) {
		struct waiting *waiting = CS_CONTAINER_OF(link, struct waiting, link);
		cs_call_destroy(waiting->call);
		end_waiting(verbs, waiting);
	}
	CS_LIST_FOR_EACH (link, &verbs->supposed)
		end_supposed(verbs, CS_CONTAINER_OF(link, struct supposed, link));
	cs_map_finish(&verbs->supposed_by_uid);
	cs_node_names_destroy(verbs->names);
	cs_workspace_destroy(verbs->workspace);
	free(verbs);
}

// The plugins by load alone, weighed against each other as in the scheduler's own profile.
int cs_verbs_built_in(const struct cs_plugin *const *plugins, struct cs_config **ret,
		      struct cs_error *err)
{
	return cs_config_read("the extender's profile",
			      CS_SLICE("apiVersion: " CS_CONFIG_API_VERSION "\n"
				       "kind: " CS_CONFIG_KIND "\n"
				       "profiles:\n"
				       "- schedulerName: c-sched-extender\n"
				       "  plugins:\n"
				       "    multiPoint:\n"
				       "      disabled: [{name: '*'}]\n"
				       "      enabled:\n"
				       "      - {name: PrioritySort}\n"
				       "      - {name: LeastLoad, weight: 20}\n"
				       "      - {name: LeastConnections, weight: 12}\n"
				       "      - {name: DefaultBinder}\n"),
			      plugins, ret, err);
}
