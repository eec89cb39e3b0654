// A decision as a JSON line or as a YAML document. Neighbours: report.c; test/oracle's comparer
// reads the lines, its README says what each value is.
#include "report_internal.h"

#include <stdlib.h>
#include <string.h>

#include <csched/base/json_writer.h>
#include <csched/base/memory.h>
#include <csched/cluster/cluster.h>

#define NODES_MAX   ((size_t)1 << 40) // no limit that matters: a decision's nodes
#define REASONS_MAX 512               // of one node: its resources and a few more

// Where the JSON of a judged node stands in `nodes`; size 0: not judged.
struct part {
	size_t at;
	size_t size;
};

struct records {
	struct cs_report_options options;
	const struct cs_cluster *cluster;
	struct cs_buffer *out;
	uint32_t n_nodes;
	uint32_t *rows;         // by name
	uint32_t *places;       // of rows in `rows`
	struct part *parts;     // of the decision at hand, by place
	struct cs_buffer nodes; // of the decision at hand
};

static void *create(const struct cs_report_options *options, struct cs_buffer *out)
{
	struct records *records = cs_alloc(sizeof(*records));
	records->options = *options;
	records->cluster = cs_simulation_cluster(options->simulation);
	records->out = out;
	const struct cs_node_table *nodes = cs_cluster_nodes(records->cluster);
	records->n_nodes = nodes->n_live;
	records->rows = report_sort_rows(records->cluster);
	records->places = cs_alloc_array(nodes->n_rows + 1, sizeof(*records->places));
	records->parts = cs_alloc_array(nodes->n_live + 1, sizeof(*records->parts));
	for (uint32_t i = 0; i < records->n_nodes; i++)
		records->places[records->rows[i]] = i;
	cs_buffer_init(&records->nodes, NODES_MAX);
	return records;
}

static void destroy(void *writer)
{
	struct records *records = writer;
	cs_buffer_finish(&records->nodes);
	free(records->rows);
	free(records->places);
	free(records->parts);
	free(records);
}

// ---- nodes ----

static int compare_strings(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void write_rejection(const struct cs_judgement *judgement, struct cs_json_writer *json)
{
	static const char *const codes[] = {
		[CS_VERDICT_FITS] = "Success",
		[CS_VERDICT_UNSCHEDULABLE] = "Unschedulable",
		[CS_VERDICT_UNRESOLVABLE] = "UnschedulableAndUnresolvable",
	};
	const char *reasons[REASONS_MAX];
	uint32_t n = judgement->n_reasons < REASONS_MAX ? judgement->n_reasons : REASONS_MAX;
	cs_json_member_string(json, "code", codes[judgement->verdict]);
	cs_json_member_string(json, "plugin", judgement->by ? judgement->by->name : "");
	for (uint32_t i = 0; i < n; i++)
		reasons[i] = judgement->reasons[i];
	qsort(reasons, n, sizeof(*reasons), compare_strings);
	cs_json_member_array_begin(json, "reasons");
	for (uint32_t i = 0; i < n; i++)
		cs_json_string(json, reasons[i]);
	cs_json_array_end(json);
}

static void write_scores(const struct cs_profile *profile, const struct cs_judgement *judgement,
			 struct cs_json_writer *json)
{
	cs_json_member_object_begin(json, "scores");
	for (uint32_t i = 0; i < profile->n_score; i++)
		if (!judgement->skipped[i])
			cs_json_member_int(json, profile->score[i]->plugin->name,
					   judgement->scores[i]);
	cs_json_object_end(json);
	cs_json_member_int(json, "total", judgement->total);
}

static void judged(void *writer, const struct cs_profile *profile,
		   const struct cs_judgement *judgement)
{
	struct records *records = writer;
	struct part *part = &records->parts[records->places[judgement->row]];
	struct cs_json_writer json;
	part->at = records->nodes.size;
	cs_json_init(&json, &records->nodes);
	cs_json_object_begin(&json);
	cs_json_member_string(&json, "name",
			      cs_cluster_node_name(records->cluster, judgement->row));
	if (judgement->verdict != CS_VERDICT_FITS)
		write_rejection(judgement, &json);
	else if (judgement->scores)
		write_scores(profile, judgement, &json);
	cs_json_object_end(&json);
	part->size = records->nodes.size - part->at;
}

static bool tells_nodes(const struct records *records,
			const struct cs_simulation_decision *decision)
{
	bool decided = decision->result == CS_SIMULATION_SCHEDULED ||
		       decision->result == CS_SIMULATION_UNSCHEDULABLE;
	return decided && records->options.explain != CS_REPORT_EXPLAIN_NONE;
}

// Calls `write` for the nodes that are told of, by name.
static void each_node(const struct records *records, const struct cs_simulation_decision *decision,
		      void (*write)(void *user, struct cs_slice node), void *user)
{
	for (uint32_t i = 0; i < records->n_nodes; i++) {
		const struct part *part = &records->parts[i];
		bool wanted = records->options.explain == CS_REPORT_EXPLAIN_ALL ||
			      records->rows[i] == decision->row;
		if (part->size && wanted)
			write(user,
			      (struct cs_slice){ records->nodes.data + part->at, part->size });
	}
}

static void forget_nodes(struct records *records)
{
	if (records->nodes.size)
		memset(records->parts, 0, records->n_nodes * sizeof(*records->parts));
	cs_buffer_clear(&records->nodes);
}

// ---- JSON ----

static void pod_name(const struct cs_simulation_decision *decision, struct cs_buffer *out)
{
	cs_buffer_append_string(out, decision->pod->namespace);
	cs_buffer_append_char(out, '/');
	cs_buffer_append_string(out, decision->pod->name);
}

static void write_node(void *user, struct cs_slice node)
{
	cs_json_raw(user, node);
}

static void write_line(struct records *records, const struct cs_simulation_decision *decision)
{
	CS_AUTO_BUFFER struct cs_buffer name;
	cs_buffer_init(&name, 1024);
	pod_name(decision, &name);
	struct cs_json_writer json;
	cs_json_init(&json, records->out);
	cs_json_object_begin(&json);
	cs_json_key(&json, "pod");
	cs_json_slice(&json, cs_buffer_slice(&name));
	cs_json_member_string(&json, "result", report_result_names[decision->result]);
	if (decision->row != CS_ROW_NONE)
		cs_json_member_string(&json, "node",
				      cs_cluster_node_name(records->cluster, decision->row));
	if (decision->message)
		cs_json_member_string(&json, "message", decision->message);
	cs_json_member_int(&json, "feasible", decision->n_feasible);
	if (tells_nodes(records, decision)) {
		cs_json_member_array_begin(&json, "nodes");
		each_node(records, decision, write_node, &json);
		cs_json_array_end(&json);
	}
	cs_json_object_end(&json);
	cs_buffer_append_char(records->out, '\n');
}

// ---- YAML: a JSON value is a YAML value, so that only the outer layer is in block style ----

static void member(struct cs_buffer *out, const char *key, const char *value)
{
	struct cs_json_writer json;
	cs_buffer_printf(out, "%s: ", key);
	cs_json_init(&json, out);
	cs_json_string(&json, value);
	cs_buffer_append_char(out, '\n');
}

static void write_item(void *user, struct cs_slice node)
{
	struct cs_buffer *out = user;
	cs_buffer_append_string(out, "- ");
	cs_buffer_append(out, node.data, node.size);
	cs_buffer_append_char(out, '\n');
}

static void write_document(struct records *records, const struct cs_simulation_decision *decision)
{
	struct cs_buffer *out = records->out;
	CS_AUTO_BUFFER struct cs_buffer name;
	cs_buffer_init(&name, 1024);
	pod_name(decision, &name);
	cs_buffer_append_string(out, "---\n");
	member(out, "pod", name.data);
	cs_buffer_printf(out, "result: %s\n", report_result_names[decision->result]);
	if (decision->row != CS_ROW_NONE)
		member(out, "node", cs_cluster_node_name(records->cluster, decision->row));
	if (decision->message)
		member(out, "message", decision->message);
	cs_buffer_printf(out, "feasible: %u\n", decision->n_feasible);
	if (!tells_nodes(records, decision))
		return;
	size_t before = out->size;
	cs_buffer_append_string(out, "nodes:\n");
	size_t empty = out->size;
	each_node(records, decision, write_item, out);
	if (out->size == empty) {
		out->size = before;
		cs_buffer_append_string(out, "nodes: []\n");
	}
}

static void decided(void *writer, const struct cs_simulation_decision *decision)
{
	struct records *records = writer;
	if (records->options.format == CS_REPORT_JSON)
		write_line(records, decision);
	else
		write_document(records, decision);
	forget_nodes(records);
}

static void end(void *writer)
{
	(void)writer;
}

const struct report_writer report_record_writer = {
	.create = create,
	.destroy = destroy,
	.judged = judged,
	.decided = decided,
	.end = end,
};
