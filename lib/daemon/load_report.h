// What the ledger made of each answer: metrics, and a log line when something changes.
// Neighbours: core.c notes; load_thread.c tells of what comes before.
#ifndef DAEMON_LOAD_REPORT_H
#define DAEMON_LOAD_REPORT_H

#include <csched/base/log.h>
#include <csched/base/metric.h>
#include <csched/framework/load_config.h>

struct cs_load_reports;

// Borrows all three; `config` NULL = there are no sources.
struct cs_load_reports *cs_load_reports_create(const struct cs_load_config *config,
					       const struct cs_log *log,
					       struct cs_metrics *metrics);
void cs_load_reports_destroy(struct cs_load_reports *reports);

void cs_load_reports_note(struct cs_load_reports *reports, uint32_t source, uint32_t question,
			  const struct cs_load_report *report);
// Adds the counts of a further piece of the same answer.
void cs_load_report_add(struct cs_load_report *total, const struct cs_load_report *piece);

// ends with a NULL name
extern const struct cs_metric_info cs_load_report_metrics[];

#endif
