// What the debug endpoints say, made on the core thread from the model.
// Neighbours: answer.h; explanation.c has the question why.
#include "daemon/answer.h"

#include <csched/base/memory.h>
#include <csched/cluster/load.h>
#include <csched/framework/queue.h>

#define REPLY_MAX 1000 // decisions in one answer

static void not_found(struct cs_http_response *response, const char *words, const char *name)
{
	cs_buffer_clear(&response->body);
	cs_http_response_text(response, 404, "%s %s\n", words, name);
}

// ---- decisions ----

static void write_decisions(const struct cs_records *records, uint32_t limit,
			    struct cs_json_writer *json)
{
	const struct cs_record *record;
	limit = limit < REPLY_MAX ? limit : REPLY_MAX;
	cs_json_object_begin(json);
	cs_json_member_array_begin(json, "decisions");
	for (uint32_t i = 0; i < limit && (record = cs_records_at(records, i)); i++)
		cs_record_write(record, json);
	cs_json_array_end(json);
	cs_json_object_end(json);
}

static void answer_decisions(const struct cs_answer_context *context,
			     const struct cs_message_ask *ask, struct cs_json_writer *json,
			     struct cs_http_response *response)
{
	const struct cs_records *records = cs_scheduler_records(context->scheduler);
	if (!ask->pod) {
		write_decisions(records, ask->limit, json);
		return;
	}
	const struct cs_record *record = cs_records_find(records, ask->pod, 0);
	if (record)
		cs_record_write(record, json);
	else
		not_found(response, "no decision is remembered about pod", ask->pod);
}

static void answer_explain(const struct cs_answer_context *context,
			   const struct cs_message_ask *ask, struct cs_json_writer *json,
			   struct cs_http_response *response)
{
	if (ask->node && cs_cluster_find_node(context->cluster, ask->node) == CS_ROW_NONE)
		not_found(response, "there is no node", ask->node);
	else if (!cs_explanation_write(context, ask, json))
		not_found(response, "there is no pod, and no decision is remembered about one,",
			  ask->pod);
}

// ---- the cluster ----

void cs_answer_load(const struct cs_cluster *cluster, uint32_t row, const struct cs_pod *pod,
		    struct cs_json_writer *json)
{
	const struct cs_load_table *table = cs_cluster_load(cluster);
	if (table->n_columns == 0)
		return;
	cs_json_member_object_begin(json, "load");
	for (uint32_t i = 0; i < table->n_columns; i++) {
		const struct cs_load_column *column = &table->columns[i];
		if (column->metric->kind == CS_LOAD_PAIR)
			continue;
		cs_json_member_object_begin(json, column->metric->name);
		cs_json_member_string(json, "unit", column->metric->unit);
		cs_json_member_double(json, "load", column->load[row]);
		cs_json_member_double(json, "capacity", column->capacity[row]);
		cs_json_member_double(json, "sample", column->sample[row]);
		cs_json_member_double(json, "inFlight", column->in_flight[row]);
		if (pod) {
			cs_json_member_double(json, "expected",
					      cs_cluster_expected(cluster, pod, i) *
						      (double)column->strain[row]);
		}
		cs_json_member_double(json, "quality", column->quality[row]);
		cs_json_member_string(json, "state", cs_load_state_name(column->state[row]));
		cs_json_member_int(json, "sampledUnixNano", column->taken[row]);
		cs_json_object_end(json);
	}
	cs_json_object_end(json);
}

static void write_amounts(const struct cs_cluster *cluster, const char *key,
			  int64_t *const *columns, uint32_t row, struct cs_json_writer *json)
{
	const struct cs_node_table *nodes = cs_cluster_nodes(cluster);
	cs_json_member_object_begin(json, key);
	for (uint32_t i = 0; i < nodes->n_columns; i++)
		if (nodes->resource_name[i] != CS_INTERN_NONE && nodes->allocatable[i][row] > 0)
			cs_json_member_int(json, cs_cluster_resource_name(cluster, i),
					   columns[i][row]);
	cs_json_object_end(json);
}

void cs_answer_node(const struct cs_cluster *cluster, uint32_t row, const struct cs_pod *pod,
		    struct cs_json_writer *json)
{
	const struct cs_node_table *nodes = cs_cluster_nodes(cluster);
	cs_json_member_bool(json, "unschedulable", nodes->unschedulable[row]);
	cs_json_member_int(json, "pods", nodes->n_pods[row]);
	cs_json_member_int(json, "maxPods", nodes->max_pods[row]);
	write_amounts(cluster, "allocatable", nodes->allocatable, row, json);
	write_amounts(cluster, "requested", nodes->requested, row, json);
	cs_json_member_int(json, "weight", cs_cluster_load(cluster)->weight[row]);
	cs_answer_load(cluster, row, pod, json);
}

static void write_node(const struct cs_cluster *cluster, uint32_t row, struct cs_json_writer *json)
{
	cs_json_object_begin(json);
	cs_json_member_string(json, "node", cs_cluster_node_name(cluster, row));
	cs_answer_node(cluster, row, NULL, json);
	cs_json_object_end(json);
}

static void write_queue(const struct cs_queue *queue, struct cs_json_writer *json)
{
	cs_json_member_object_begin(json, "queue");
	for (int state = CS_QUEUE_ACTIVE; state < CS_QUEUE_STATE_COUNT; state++)
		cs_json_member_int(json, cs_queue_state_name((enum cs_queue_state)state),
				   cs_queue_count(queue, (enum cs_queue_state)state));
	cs_json_object_end(json);
}

static void write_cluster(const struct cs_answer_context *context, struct cs_json_writer *json)
{
	struct cs_cluster_counts counts = cs_cluster_count(context->cluster);
	cs_json_object_begin(json);
	cs_json_member_bool(json, "scheduling", context->started);
	cs_json_member_int(json, "nodes", counts.nodes);
	cs_json_member_int(json, "pods", counts.pods);
	cs_json_member_int(json, "assumed", counts.assumed);
	cs_json_member_int(json, "demands", counts.demands);
	cs_json_member_int(json, "footprints", counts.footprints);
	write_queue(cs_scheduler_queue(context->scheduler), json);
	cs_json_object_end(json);
}

static void answer_cluster(const struct cs_answer_context *context,
			   const struct cs_message_ask *ask, struct cs_json_writer *json,
			   struct cs_http_response *response)
{
	if (!ask->node) {
		write_cluster(context, json);
		return;
	}
	uint32_t row = cs_cluster_find_node(context->cluster, ask->node);
	if (row == CS_ROW_NONE)
		not_found(response, "there is no node", ask->node);
	else
		write_node(context->cluster, row, json);
}

void cs_answer(const struct cs_answer_context *context, const struct cs_message_ask *ask,
	       struct cs_http_response *response)
{
	static void (*const answers[CS_QUESTION_COUNT])(
		const struct cs_answer_context *, const struct cs_message_ask *,
		struct cs_json_writer *, struct cs_http_response *) = {
		[CS_QUESTION_DECISIONS] = answer_decisions,
		[CS_QUESTION_EXPLAIN] = answer_explain,
		[CS_QUESTION_CLUSTER] = answer_cluster,
	};
	struct cs_json_writer json;
	response->content_type = "application/json";
	cs_json_init(&json, &response->body);
	answers[ask->question](context, ask, &json, response);
}
