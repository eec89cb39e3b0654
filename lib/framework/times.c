// The metric of how long plugins take. Neighbours: times.h measures; scheduler.c says when.
#include "times.h"

#include <stdlib.h>

#include <csched/base/memory.h>

#include "metrics.h"

#define ANSWER_COUNT (CS_PREPARE_ERROR + 1)

static const char *const point_names[TIMED_POINT_COUNT] = {
	[TIMED_PRE_FILTER] = "PreFilter",
	[TIMED_FILTER] = "Filter",
	[TIMED_PRE_SCORE] = "PreScore",
	[TIMED_SCORE] = "Score",
	[TIMED_NORMALISE] = "ScoreExtensionNormalize",
	[TIMED_BIND] = "Bind",
};
static const char *const answer_names[ANSWER_COUNT] = {
	[CS_PREPARE_GO] = "Success",
	[CS_PREPARE_SKIP] = "Skip",
	[CS_PREPARE_UNSCHEDULABLE] = "Unschedulable",
	[CS_PREPARE_UNRESOLVABLE] = "UnschedulableAndUnresolvable",
	[CS_PREPARE_ERROR] = "Error",
};

// Of one plugin, made at first use.
struct plugin_series {
	struct cs_metric *at[TIMED_POINT_COUNT][ANSWER_COUNT];
};

struct times_series {
	struct cs_metrics *metrics;
	const struct cs_config *config;
	struct plugin_series **profiles; // as config->profiles and their instances
};

struct times_series *times_series_create(struct cs_metrics *metrics, const struct cs_config *config)
{
	struct times_series *series = cs_alloc(sizeof(*series));
	series->metrics = metrics;
	series->config = config;
	series->profiles = cs_alloc_array(config->n_profiles, sizeof(*series->profiles));
	for (uint32_t i = 0; i < config->n_profiles; i++)
		series->profiles[i] = cs_alloc_array(config->profiles[i]->n_instances,
						     sizeof(*series->profiles[i]));
	return series;
}

void times_series_destroy(struct times_series *series)
{
	if (!series)
		return;
	for (uint32_t i = 0; i < series->config->n_profiles; i++)
		free(series->profiles[i]);
	free(series->profiles);
	free(series);
}

static void observe(struct times_series *series, uint32_t profile,
		    const struct cs_plugin_instance *instance, enum timed_point point,
		    const struct timed *timed)
{
	struct cs_metric **metric =
		&series->profiles[profile][instance->index].at[point][timed->answer];
	if (!*metric)
		*metric = cs_metrics_series(
			series->metrics, &cs_scheduler_metrics[METRIC_PLUGIN_DURATION],
			(const char *const[]){ instance->plugin->name, point_names[point],
					       answer_names[timed->answer] });
	cs_metric_observe(*metric, (double)timed->took / (double)CS_SECOND);
}

void times_series_count(struct times_series *series, uint32_t profile,
			const struct cs_plugin_times *times)
{
	const struct cs_profile *of = series->config->profiles[profile];
	for (uint32_t i = 0; i < of->n_instances; i++)
		for (int point = 0; point < TIMED_POINT_COUNT; point++)
			if (times->at[i][point].asked)
				observe(series, profile, &of->instances[i], (enum timed_point)point,
					&times->at[i][point]);
}

void times_series_bound(struct times_series *series, uint32_t profile, bool good, int64_t took)
{
	const struct timed timed = { .answer = good ? CS_PREPARE_GO : CS_PREPARE_ERROR,
				     .took = took };
	observe(series, profile, series->config->profiles[profile]->bind, TIMED_BIND, &timed);
}
