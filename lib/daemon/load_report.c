// What the ledger made of each answer. Neighbours: load_report.h.
#include "daemon/load_report.h"

#include <string.h>

#include <csched/base/buffer.h>
#include <csched/base/memory.h>

#include "daemon/feed.h"

#define NAMES_MAX 512 // bytes of names in a log line

// What is wrong with an answer as a whole.
enum trouble {
	NONE_MATCHED = 1,
	IMPLAUSIBLE = 2,
};

struct question {
	unsigned told; // enum trouble
	struct cs_metric *counts[5];
};

struct feed_reports {
	struct cs_feed feed; // the settings
	struct question *questions;
};

struct cs_load_reports {
	const struct cs_log *log;
	uint32_t n;
	struct feed_reports *sources; // those of node annotations have no questions
};

const struct cs_metric_info cs_load_report_metrics[] = {
	{ .name = "csched_load_source_samples",
	  .help = "Samples in the last answer: matched = of a node (pod) that exists, unmatched = "
		  "of "
		  "none; among the matched, implausible ones, ones that are not newer than what "
		  "was "
		  "known, and ones from the future.",
	  .kind = CS_METRIC_GAUGE,
	  .labels = { "source", "question", "kind" } },
	{ 0 },
};

static const char *const count_names[] = { "matched", "unmatched", "implausible", "old", "future" };

static void make_questions(struct feed_reports *source, struct cs_metrics *metrics)
{
	uint32_t n = cs_source_count(&source->feed.source);
	source->questions = cs_alloc_array(n, sizeof(*source->questions));
	for (uint32_t i = 0; i < n; i++) {
		for (size_t j = 0; j < CS_ARRAY_LENGTH(count_names); j++) {
			const char *labels[] = { source->feed.source.name,
						 cs_source_question(&source->feed.source, i),
						 count_names[j] };
			source->questions[i].counts[j] =
				cs_metrics_series(metrics, &cs_load_report_metrics[0], labels);
		}
	}
}

struct cs_load_reports *cs_load_reports_create(const struct cs_load_config *config,
					       const struct cs_log *log, struct cs_metrics *metrics)
{
	struct cs_load_reports *reports = cs_alloc(sizeof(*reports));
	reports->log = log;
	reports->n = config ? config->n_sources : 0;
	reports->sources = cs_alloc_array(reports->n + 1, sizeof(*reports->sources));
	for (uint32_t i = 0; i < reports->n; i++) {
		cs_feed_describe(&reports->sources[i].feed, config, i);
		if (config->sources[i].type != CS_LOAD_NODE_ANNOTATIONS)
			make_questions(&reports->sources[i], metrics);
	}
	return reports;
}

void cs_load_reports_destroy(struct cs_load_reports *reports)
{
	if (!reports)
		return;
	for (uint32_t i = 0; i < reports->n; i++) {
		cs_feed_finish(&reports->sources[i].feed);
		free(reports->sources[i].questions);
	}
	free(reports->sources);
	free(reports);
}

static void log_change(const struct cs_load_reports *reports, const struct cs_source *source,
		       uint32_t question, unsigned trouble, const struct cs_load_report *report)
{
	const char *what = "All is well again with the load figures";
	CS_AUTO_BUFFER struct cs_buffer names;
	cs_buffer_init(&names, NAMES_MAX);
	for (uint32_t i = 0; i < CS_LOAD_UNMATCHED_MAX && report->unmatched[i][0]; i++)
		cs_buffer_printf(&names, "%s%s", i ? ", " : "", report->unmatched[i]);
	if (trouble & NONE_MATCHED)
		what = "No load figure is of a node or pod of this cluster";
	else if (trouble & IMPLAUSIBLE)
		what = "Some load figures are implausible and left out";
	CS_LOG_AT(reports->log, trouble ? CS_LOG_WARNING : CS_LOG_INFO, 0, what,
		  CS_LOG_STRING("source", source->name),
		  CS_LOG_STRING("question", cs_source_question(source, question)),
		  CS_LOG_NUMBER("matched", report->n_matched),
		  CS_LOG_NUMBER("unmatched", report->n_unmatched),
		  CS_LOG_STRING("unmatchedNames", names.data),
		  CS_LOG_NUMBER("implausible", report->n_implausible));
}

void cs_load_reports_note(struct cs_load_reports *reports, uint32_t source, uint32_t question,
			  const struct cs_load_report *report)
{
	struct feed_reports *own = &reports->sources[source];
	struct question *at = &own->questions[question];
	const uint32_t counts[] = { report->n_matched, report->n_unmatched, report->n_implausible,
				    report->n_old, report->n_future };
	unsigned trouble = (report->n_matched == 0 && report->n_unmatched > 0 ? NONE_MATCHED : 0) |
			   (report->n_implausible > 0 ? IMPLAUSIBLE : 0);
	for (size_t i = 0; i < CS_ARRAY_LENGTH(counts); i++)
		cs_metric_set(at->counts[i], counts[i]);
	if (trouble != at->told)
		log_change(reports, &own->feed.source, question, trouble, report);
	at->told = trouble;
}

void cs_load_report_add(struct cs_load_report *total, const struct cs_load_report *piece)
{
	uint32_t n = 0;
	total->n_matched += piece->n_matched;
	total->n_unmatched += piece->n_unmatched;
	total->n_implausible += piece->n_implausible;
	total->n_old += piece->n_old;
	total->n_future += piece->n_future;
	while (n < CS_LOAD_UNMATCHED_MAX && total->unmatched[n][0])
		n++;
	for (uint32_t i = 0;
	     n < CS_LOAD_UNMATCHED_MAX && i < CS_LOAD_UNMATCHED_MAX && piece->unmatched[i][0];
	     i++, n++)
		memcpy(total->unmatched[n], piece->unmatched[i], sizeof(total->unmatched[n]));
}
