// What sources of load figures answered, on its way into the scheduler. Neighbours: load_intake.h.
#include "daemon/load_intake.h"

#include <csched/base/memory.h>

#include "daemon/load_report.h"

struct cs_load_intake {
	struct cs_load_intake_options options;
	struct cs_load_reports *reports;
	struct cs_message *first; // struct cs_message_load, in order
	struct cs_message **last;
	// Of the first one:
	bool samples_done;
	uint32_t pods_done;
	struct cs_load_report report;
};

static struct cs_message_load *first_of(const struct cs_load_intake *intake)
{
	return (struct cs_message_load *)intake->first;
}

struct cs_load_intake *cs_load_intake_create(const struct cs_load_intake_options *options)
{
	struct cs_load_intake *intake = cs_alloc(sizeof(*intake));
	intake->options = *options;
	intake->reports = cs_load_reports_create(options->config, options->log, options->metrics);
	intake->last = &intake->first;
	return intake;
}

static struct cs_message_load *take_first(struct cs_load_intake *intake)
{
	struct cs_message_load *load = first_of(intake);
	intake->first = load->message.next;
	if (!intake->first)
		intake->last = &intake->first;
	return load;
}

void cs_load_intake_destroy(struct cs_load_intake *intake)
{
	if (!intake)
		return;
	while (intake->first)
		cs_message_free_core(&take_first(intake)->message);
	cs_load_reports_destroy(intake->reports);
	free(intake);
}

void cs_load_intake_add(struct cs_load_intake *intake, struct cs_message_load *load)
{
	load->message.next = NULL;
	*intake->last = &load->message;
	intake->last = &load->message.next;
}

static void apply(struct cs_load_intake *intake, struct cs_time now,
		  const struct cs_load_round *round)
{
	struct cs_load_report report = { 0 };
	cs_scheduler_apply_load(intake->options.scheduler, now, round, &report);
	cs_load_report_add(&intake->report, &report);
}

static void apply_pods(struct cs_load_intake *intake, struct cs_time now)
{
	const struct cs_message_load *load = first_of(intake);
	uint32_t left = load->part->n_pods - intake->pods_done;
	uint32_t n = left < CS_LOAD_INTAKE_SLICE ? left : CS_LOAD_INTAKE_SLICE;
	apply(intake, now,
	      &(struct cs_load_round){
		      .n_pods = n, .pods = load->pods + intake->pods_done, .more = n < left });
	intake->pods_done += n;
}

static void end_first(struct cs_load_intake *intake)
{
	struct cs_message_load *load = take_first(intake);
	cs_load_reports_note(intake->reports, load->source, load->part->question, &intake->report);
	intake->options.credit(intake->options.user, load->source);
	cs_message_free_core(&load->message);
	intake->samples_done = false;
	intake->pods_done = 0;
	intake->report = (struct cs_load_report){ 0 };
}

bool cs_load_intake_turn(struct cs_load_intake *intake, struct cs_time now)
{
	const struct cs_message_load *load = first_of(intake);
	if (!load)
		return false;
	if (!intake->samples_done)
		apply(intake, now,
		      &(struct cs_load_round){ .n_samples = load->part->n_samples,
					       .samples = load->samples,
					       .more = load->part->n_pods > 0 });
	else
		apply_pods(intake, now);
	intake->samples_done = true;
	if (intake->pods_done == load->part->n_pods)
		end_first(intake);
	return intake->first != NULL;
}
