// Watching the figures of load. Neighbours: load.h; metrics.h has the table of what is shown.
#include "load.h"

#include <inttypes.h>
#include <stdlib.h>

#include <csched/base/clock.h>
#include <csched/base/memory.h>
#include <csched/cluster/cluster.h>

#include "metrics.h"

#define INTERVAL CS_SECOND
#define PATIENCE (60 * CS_SECOND) // for the first figures after a start

static void tell_metrics(struct cs_cluster *cluster, const struct cs_load_config *config)
{
	bool annotated[CS_LOAD_METRICS_MAX] = { false };
	for (uint32_t i = 0; i < config->n_sources; i++) {
		const struct cs_load_source *source = &config->sources[i];
		for (uint32_t k = 0; k < source->n_metrics; k++)
			annotated[source->metrics[k]] |= source->type == CS_LOAD_NODE_ANNOTATIONS;
	}
	cs_cluster_set_load_metrics(cluster, config->metrics, config->n_metrics, annotated);
}

// The name of the source that the metric comes from, "" without one.
static const char *source_of(const struct cs_load_config *config, uint32_t metric)
{
	for (uint32_t i = 0; config && i < config->n_sources; i++) {
		const struct cs_load_source *source = &config->sources[i];
		bool has = false;
		for (uint32_t k = 0; k < source->n_metrics; k++)
			has |= source->metrics[k] == metric;
		for (uint32_t k = 0; k < source->n_queries; k++)
			has |= source->queries[k].metric == metric;
		if (has)
			return source->name;
	}
	return "";
}

static void create_series(struct cs_load_watcher *watcher, const struct cs_load_config *config,
			  struct cs_metrics *metrics)
{
	const struct cs_load_table *table = cs_cluster_load(watcher->cluster);
	watcher->series = cs_alloc_array(table->n_columns, sizeof(*watcher->series));
	for (uint32_t i = 0; i < table->n_columns; i++) {
		const char *labels[] = { source_of(config, i), table->columns[i].metric->name,
					 NULL };
		if (table->columns[i].metric->kind == CS_LOAD_PAIR)
			continue;
		watcher->series[i].age =
			cs_metrics_series(metrics, &cs_scheduler_metrics[METRIC_LOAD_AGE], labels);
		for (int state = 0; state < CS_LOAD_STATE_COUNT; state++) {
			labels[2] = cs_load_state_name((enum cs_load_state)state);
			watcher->series[i].nodes[state] = cs_metrics_series(
				metrics, &cs_scheduler_metrics[METRIC_LOAD_NODES], labels);
		}
	}
	watcher->in_flight =
		cs_metrics_series(metrics, &cs_scheduler_metrics[METRIC_LOAD_IN_FLIGHT], NULL);
	watcher->reservations =
		cs_metrics_series(metrics, &cs_scheduler_metrics[METRIC_LOAD_RESERVATIONS], NULL);
}

void cs_load_watcher_init(struct cs_load_watcher *watcher, struct cs_cluster *cluster,
			  const struct cs_load_config *config, struct cs_metrics *metrics)
{
	*watcher = (struct cs_load_watcher){ .cluster = cluster, .next = INT64_MAX };
	if (config && cs_cluster_load(cluster)->n_columns == 0)
		tell_metrics(cluster, config);
	if (cs_cluster_load(cluster)->n_columns == 0)
		return;
	watcher->next = 0;
	if (metrics)
		create_series(watcher, config, metrics);
}

void cs_load_watcher_finish(struct cs_load_watcher *watcher)
{
	free(watcher->series);
}

static void show(const struct cs_load_watcher *watcher, uint32_t i, int64_t now)
{
	const struct cs_load_column *column = &cs_cluster_load(watcher->cluster)->columns[i];
	const struct cs_node_table *nodes = cs_cluster_nodes(watcher->cluster);
	uint32_t n[CS_LOAD_STATE_COUNT] = { 0 };
	int64_t oldest = now;
	for (uint32_t row = 0; row < nodes->n_rows; row++) {
		if (!nodes->live[row])
			continue;
		n[column->state[row]]++;
		if (column->quality[row] > 0 && column->taken[row] < oldest)
			oldest = column->taken[row];
	}
	for (int state = 0; state < CS_LOAD_STATE_COUNT; state++)
		cs_metric_set(watcher->series[i].nodes[state], n[state]);
	cs_metric_set(watcher->series[i].age, (double)(now - oldest) / (double)CS_SECOND);
}

static void show_all(const struct cs_load_watcher *watcher)
{
	const struct cs_load_table *table = cs_cluster_load(watcher->cluster);
	for (uint32_t i = 0; i < table->n_columns; i++)
		if (table->columns[i].metric->kind != CS_LOAD_PAIR)
			show(watcher, i, cs_cluster_time(watcher->cluster));
	cs_metric_set(watcher->in_flight, cs_cluster_count_in_flight(watcher->cluster));
	cs_metric_set(watcher->reservations, cs_cluster_count_reservations(watcher->cluster));
}

// The most nodes that some metric is known of.
static uint32_t count_known(const struct cs_load_table *table)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < table->n_columns; i++)
		n = table->columns[i].n_known > n ? table->columns[i].n_known : n;
	return n;
}

static bool has_columns(const struct cs_load_table *table)
{
	for (uint32_t i = 0; i < table->n_columns; i++)
		if (table->columns[i].metric->kind != CS_LOAD_PAIR)
			return true;
	return false;
}

static enum cs_load_news judge(struct cs_load_watcher *watcher, int64_t boot, char **ret_words)
{
	const struct cs_load_table *table = cs_cluster_load(watcher->cluster);
	uint32_t n_nodes = cs_cluster_nodes(watcher->cluster)->n_live;
	uint32_t n_known = count_known(table);
	if (n_nodes == 0 || !has_columns(table))
		return CS_LOAD_NO_NEWS;
	enum cs_load_knowledge before = watcher->knowledge;
	if (n_known > 0) {
		watcher->knowledge = CS_LOAD_KNOWN;
		if (before != CS_LOAD_LOST)
			return CS_LOAD_NO_NEWS;
		*ret_words = cs_asprintf("load figures are there again, for %" PRIu32 " of %" PRIu32
					 " nodes",
					 n_known, n_nodes);
		return CS_LOAD_RETURNED;
	}
	if (!watcher->since)
		watcher->since = boot > 0 ? boot : 1;
	bool waits = before == CS_LOAD_NOT_YET && boot - watcher->since < PATIENCE;
	if (before == CS_LOAD_LOST || waits)
		return CS_LOAD_NO_NEWS;
	watcher->knowledge = CS_LOAD_LOST;
	*ret_words = cs_asprintf("no load figures are known of any of %" PRIu32
				 " nodes: pods are placed by their requests alone until there are",
				 n_nodes);
	return CS_LOAD_GONE;
}

enum cs_load_news cs_load_watcher_look(struct cs_load_watcher *watcher, int64_t boot,
				       char **ret_words)
{
	if (boot < watcher->next)
		return CS_LOAD_NO_NEWS;
	watcher->next = boot + INTERVAL;
	if (watcher->series)
		show_all(watcher);
	return judge(watcher, boot, ret_words);
}

void cs_load_watcher_stir(struct cs_load_watcher *watcher)
{
	if (watcher->next != INT64_MAX)
		watcher->next = 0;
}
