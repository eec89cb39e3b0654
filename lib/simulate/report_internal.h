// What the writers of reports share. Private to simulate.
// Neighbours: report.c passes on, record.c writes JSON and YAML, table.c the table.
#ifndef SIMULATE_REPORT_INTERNAL_H
#define SIMULATE_REPORT_INTERNAL_H

#include <csched/base/buffer.h>
#include <csched/simulate/report.h>

// One way to write a report. `out` grows without a limit that matters and is written and cleared
// behind each call.
struct report_writer {
	void *(*create)(const struct cs_report_options *options, struct cs_buffer *out);
	void (*destroy)(void *writer);
	// NULL: does not want to know.
	void (*judged)(void *writer, const struct cs_profile *profile,
		       const struct cs_judgement *judgement);
	void (*decided)(void *writer, const struct cs_simulation_decision *decision);
	void (*end)(void *writer);
};

extern const struct report_writer report_record_writer; // JSON lines and YAML documents
extern const struct report_writer report_table_writer;

extern const char *const report_result_names[CS_SIMULATION_RESULT_COUNT];

// The rows of live nodes, by name; free() it.
uint32_t *report_sort_rows(const struct cs_cluster *cluster);

#endif
