// A report: takes what the simulation tells to one writer, and its bytes out.
// Neighbours: record.c and table.c write.
#include "report_internal.h"

#include <stdlib.h>
#include <string.h>

#include <csched/base/memory.h>
#include <csched/cluster/cluster.h>

#define OUT_MAX    ((size_t)1 << 40) // no limit that matters: what is written leaves at once
#define WRITE_SIZE ((size_t)64 << 10)

const char *const report_result_names[CS_SIMULATION_RESULT_COUNT] = {
	[CS_SIMULATION_SCHEDULED] = "scheduled",
	[CS_SIMULATION_UNSCHEDULABLE] = "unschedulable",
	[CS_SIMULATION_GATED] = "gated",
	[CS_SIMULATION_ERROR] = "error",
};

struct cs_report {
	struct cs_report_options options;
	const struct report_writer *writer;
	void *state;
	struct cs_buffer out;
	bool missed; // a pod found no node
	int failed;  // what options.write returned
};

struct named_row {
	const char *name;
	uint32_t row;
};

static int compare_names(const void *a, const void *b)
{
	return strcmp(((const struct named_row *)a)->name, ((const struct named_row *)b)->name);
}

uint32_t *report_sort_rows(const struct cs_cluster *cluster)
{
	const struct cs_node_table *nodes = cs_cluster_nodes(cluster);
	CS_AUTO_FREE struct named_row *named = cs_alloc_array(nodes->n_rows, sizeof(*named));
	uint32_t *rows = cs_alloc_array(nodes->n_live + 1, sizeof(*rows));
	uint32_t n = 0;
	for (uint32_t row = 0; row < nodes->n_rows; row++)
		if (nodes->live[row])
			named[n++] = (struct named_row){ cs_cluster_node_name(cluster, row), row };
	qsort(named, n, sizeof(*named), compare_names);
	for (uint32_t i = 0; i < n; i++)
		rows[i] = named[i].row;
	return rows;
}

struct cs_report *cs_report_create(const struct cs_report_options *options)
{
	struct cs_report *report = cs_alloc(sizeof(*report));
	report->options = *options;
	report->writer =
		options->format == CS_REPORT_TABLE ? &report_table_writer : &report_record_writer;
	cs_buffer_init(&report->out, OUT_MAX);
	report->state = report->writer->create(options, &report->out);
	return report;
}

void cs_report_destroy(struct cs_report *report)
{
	if (!report)
		return;
	report->writer->destroy(report->state);
	cs_buffer_finish(&report->out);
	free(report);
}

static void flush(struct cs_report *report, size_t from)
{
	if (report->out.size < from || report->out.size == 0)
		return;
	if (report->failed == 0)
		report->failed =
			report->options.write(report->options.user, cs_buffer_slice(&report->out));
	cs_buffer_clear(&report->out);
}

static void judged(void *user, const struct cs_profile *profile,
		   const struct cs_judgement *judgement)
{
	struct cs_report *report = user;
	report->writer->judged(report->state, profile, judgement);
}

static void decided(void *user, const struct cs_simulation_decision *decision)
{
	struct cs_report *report = user;
	report->missed |= decision->result != CS_SIMULATION_SCHEDULED;
	report->writer->decided(report->state, decision);
	flush(report, WRITE_SIZE);
}

struct cs_simulation_listener cs_report_listener(struct cs_report *report)
{
	bool explains = report->writer->judged && report->options.explain != CS_REPORT_EXPLAIN_NONE;
	return (struct cs_simulation_listener){
		.judged = explains ? judged : NULL,
		.decided = decided,
		.user = report,
	};
}

int cs_report_end(struct cs_report *report)
{
	report->writer->end(report->state);
	flush(report, 0);
	return report->failed < 0 ? report->failed : 0;
}

bool cs_report_all_placed(const struct cs_report *report)
{
	return !report->missed;
}
