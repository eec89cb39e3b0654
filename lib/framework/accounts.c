// Series made once, or where they are rare at first use; nothing here decides.
// Neighbours: accounts.h; base's metric.h keeps the numbers.
#include "accounts.h"

#include <stdlib.h>

#include <csched/base/memory.h>
#include <csched/framework/profile.h>

#include "metrics.h"
#include "times.h"

#define N_ATTEMPT_LABELS 15                 // "1" .. "14", "15+"
#define POINT_BIND       CS_EVALUATED_COUNT // behind those of a decision
#define POINT_COUNT      (POINT_BIND + 1)

struct profile_series {
	struct cs_metric *attempts[3]; // by enum cs_decision
	struct cs_metric *duration[3];
	struct cs_metric *points[POINT_COUNT][CS_POINT_STATUS_COUNT]; // made at first use
};

struct evaluations {
	const uint64_t *count; // of a plugin instance
	struct cs_metric *metric;
};

struct accounts {
	struct cs_metrics *metrics;
	const struct cs_config *config;
	struct cs_clock clock;
	struct profile_series *series; // as config->profiles
	struct times_series *times;
	struct cs_metric *algorithm;
	struct cs_metric *pod_attempts;
	struct cs_metric *after_flush;
	struct cs_metric *sli[N_ATTEMPT_LABELS];
	struct cs_metric *cache_size[3];
	struct evaluations *evaluations; // one per plugin and point
	uint32_t n_evaluations;
};

static const char *const result_names[] = {
	[CS_DECISION_SCHEDULED] = "scheduled",
	[CS_DECISION_UNSCHEDULABLE] = "unschedulable",
	[CS_DECISION_ERROR] = "error",
};
static const char *const point_names[POINT_COUNT] = {
	[CS_EVALUATED_PRE_FILTER] = "PreFilter",
	[CS_EVALUATED_FILTER] = "Filter",
	[CS_EVALUATED_PRE_SCORE] = "PreScore",
	[CS_EVALUATED_SCORE] = "Score",
	[POINT_BIND] = "Bind",
};
static const char *const status_names[CS_POINT_STATUS_COUNT] = {
	[CS_POINT_SUCCESS] = "Success",
	[CS_POINT_UNSCHEDULABLE] = "Unschedulable",
	[CS_POINT_UNRESOLVABLE] = "UnschedulableAndUnresolvable",
	[CS_POINT_ERROR] = "Error",
};
static const char *const cache_types[] = { "nodes", "pods", "assumed_pods" };

static void count_plugins(struct accounts *accounts, const struct cs_profile *profile)
{
	const struct {
		struct cs_plugin_instance *const *list;
		uint32_t n;
	} points[CS_EVALUATED_COUNT] = {
		[CS_EVALUATED_PRE_FILTER] = { profile->prepare_filter, profile->n_prepare_filter },
		[CS_EVALUATED_FILTER] = { profile->filter, profile->n_filter },
		[CS_EVALUATED_PRE_SCORE] = { profile->prepare_score, profile->n_prepare_score },
		[CS_EVALUATED_SCORE] = { profile->score, profile->n_score },
	};
	for (int point = 0; point < CS_EVALUATED_COUNT; point++)
		for (uint32_t i = 0; i < points[point].n; i++) {
			const struct cs_plugin_instance *instance = points[point].list[i];
			const char *labels[] = { instance->plugin->name, point_names[point],
						 profile->scheduler_name };
			accounts->evaluations[accounts->n_evaluations++] = (struct evaluations){
				.count = &instance->evaluated[point],
				.metric = cs_metrics_series(
					accounts->metrics,
					&cs_scheduler_metrics[METRIC_PLUGIN_EVALUATIONS], labels),
			};
		}
}

static void create_evaluations(struct accounts *accounts)
{
	const struct cs_config *config = accounts->config;
	uint32_t n = 0;
	for (uint32_t p = 0; p < config->n_profiles; p++)
		n += config->profiles[p]->n_instances * CS_EVALUATED_COUNT;
	accounts->evaluations = cs_alloc_array(n, sizeof(*accounts->evaluations));
	for (uint32_t p = 0; p < config->n_profiles; p++)
		count_plugins(accounts, config->profiles[p]);
}

static void create_series(struct accounts *accounts)
{
	struct cs_metrics *metrics = accounts->metrics;
	const struct cs_config *config = accounts->config;
	for (int i = 0; i < METRIC_COUNT; i++)
		cs_metrics_declare(metrics, &cs_scheduler_metrics[i]);
	accounts->times = times_series_create(metrics, config);
	accounts->series = cs_alloc_array(config->n_profiles, sizeof(*accounts->series));
	for (uint32_t p = 0; p < config->n_profiles; p++) {
		for (int result = 0; result < 3; result++) {
			const char *labels[] = { result_names[result],
						 config->profiles[p]->scheduler_name };
			accounts->series[p].attempts[result] = cs_metrics_series(
				metrics, &cs_scheduler_metrics[METRIC_SCHEDULE_ATTEMPTS], labels);
			accounts->series[p].duration[result] = cs_metrics_series(
				metrics, &cs_scheduler_metrics[METRIC_ATTEMPT_DURATION], labels);
		}
	}
	accounts->algorithm =
		cs_metrics_series(metrics, &cs_scheduler_metrics[METRIC_ALGORITHM_DURATION], NULL);
	accounts->pod_attempts =
		cs_metrics_series(metrics, &cs_scheduler_metrics[METRIC_POD_ATTEMPTS], NULL);
	accounts->after_flush =
		cs_metrics_series(metrics, &cs_scheduler_metrics[METRIC_AFTER_FLUSH], NULL);
	for (unsigned i = 0; i < N_ATTEMPT_LABELS; i++) {
		CS_AUTO_FREE char *label =
			cs_asprintf("%u%s", i + 1, i + 1 == N_ATTEMPT_LABELS ? "+" : "");
		accounts->sli[i] =
			cs_metrics_series(metrics, &cs_scheduler_metrics[METRIC_SLI_DURATION],
					  (const char *const[]){ label });
	}
	for (size_t i = 0; i < CS_ARRAY_LENGTH(cache_types); i++)
		accounts->cache_size[i] = cs_metrics_series(
			metrics, &cs_scheduler_metrics[METRIC_CACHE_SIZE], &cache_types[i]);
}

struct accounts *accounts_create(struct cs_metrics *metrics, const struct cs_config *config,
				 struct cs_clock clock)
{
	if (!metrics)
		return NULL;
	struct accounts *accounts = cs_alloc(sizeof(*accounts));
	accounts->metrics = metrics;
	accounts->config = config;
	accounts->clock = clock;
	create_series(accounts);
	create_evaluations(accounts);
	return accounts;
}

void accounts_destroy(struct accounts *accounts)
{
	if (!accounts)
		return;
	free(accounts->series);
	times_series_destroy(accounts->times);
	free(accounts->evaluations);
	free(accounts);
}

static double seconds(int64_t ns)
{
	return (double)ns / (double)CS_SECOND;
}

static uint32_t index_of(const struct accounts *accounts, const struct cs_profile *profile)
{
	uint32_t i = 0;
	while (accounts->config->profiles[i] != profile)
		i++;
	return i;
}

static void count_point(struct accounts *accounts, uint32_t profile, int point, struct cs_point how)
{
	struct cs_metric **series = &accounts->series[profile].points[point][how.status];
	const char *labels[] = { point_names[point], status_names[how.status],
				 accounts->config->profiles[profile]->scheduler_name };
	if (!*series)
		*series = cs_metrics_series(accounts->metrics,
					    &cs_scheduler_metrics[METRIC_POINT_DURATION], labels);
	cs_metric_observe(*series, seconds(how.took));
}

void accounts_decided(struct accounts *accounts, struct cs_time now,
		      const struct cs_pending *pending, const struct cs_outcome *outcome)
{
	if (!accounts)
		return;
	cs_metric_observe(accounts->algorithm, seconds(accounts_instant(&accounts->clock, now) -
						       pending->attempt_start));
	uint32_t profile = index_of(accounts, pending->profile);
	for (int point = 0; point < CS_EVALUATED_COUNT; point++)
		if (outcome->points[point].status != CS_POINT_NOT_REACHED)
			count_point(accounts, profile, point, outcome->points[point]);
	if (outcome->times)
		times_series_count(accounts->times, profile, outcome->times);
}

static void count_attempt(struct accounts *accounts, struct cs_time now,
			  const struct cs_pending *pending, enum cs_decision result)
{
	// By the profile that tried it: the pod may ask for another scheduler by now.
	const struct profile_series *series =
		&accounts->series[index_of(accounts, pending->profile)];
	cs_metric_add(series->attempts[result], 1);
	cs_metric_observe(
		series->duration[result],
		seconds(accounts_instant(&accounts->clock, now) - pending->attempt_start));
}

void accounts_failed(struct accounts *accounts, struct cs_time now,
		     const struct cs_pending *pending, enum cs_decision result)
{
	if (accounts)
		count_attempt(accounts, now, pending, result);
}

void accounts_scheduled(struct accounts *accounts, struct cs_time now,
			const struct cs_pending *pending)
{
	if (!accounts)
		return;
	count_attempt(accounts, now, pending, CS_DECISION_SCHEDULED);
	cs_metric_observe(accounts->pod_attempts, pending->attempts);
	uint32_t label =
		pending->attempts < N_ATTEMPT_LABELS ? pending->attempts : N_ATTEMPT_LABELS;
	cs_metric_observe(accounts->sli[label - 1],
			  seconds(accounts_instant(&accounts->clock, now) - pending->first_active));
	if (pending->flushed)
		cs_metric_add(accounts->after_flush, 1);
}

void accounts_bound(struct accounts *accounts, struct cs_time now,
		    const struct accounts_binding *binding, bool good)
{
	if (!accounts)
		return;
	uint32_t profile = index_of(accounts, binding->profile);
	int64_t took = accounts_instant(&accounts->clock, now) - binding->sent;
	count_point(accounts, profile, POINT_BIND,
		    (struct cs_point){ .status = good ? CS_POINT_SUCCESS : CS_POINT_ERROR,
				       .took = took });
	if (binding->sampled)
		times_series_bound(accounts->times, profile, good, took);
}

void accounts_show(struct accounts *accounts, const struct cs_cluster *cluster, bool decided)
{
	if (!accounts)
		return;
	struct cs_cluster_counts counts = cs_cluster_count(cluster);
	const uint32_t sizes[] = { counts.nodes, counts.pods, counts.assumed };
	for (size_t i = 0; i < CS_ARRAY_LENGTH(sizes); i++)
		cs_metric_set(accounts->cache_size[i], sizes[i]);
	for (uint32_t i = 0; decided && i < accounts->n_evaluations; i++)
		cs_metric_set(accounts->evaluations[i].metric,
			      (double)*accounts->evaluations[i].count);
}
