// How long each plugin took in a sampled decision, as kube-scheduler samples a tenth of them; which
// of many things are sampled.
// Neighbours: plugins are asked for a decision through this; times.c shows the times.
#ifndef FRAMEWORK_TIMES_H
#define FRAMEWORK_TIMES_H

#include <csched/base/clock.h>
#include <csched/base/metric.h>
#include <csched/framework/config.h>
#include <csched/framework/profile.h>

enum timed_point {
	TIMED_PRE_FILTER,
	TIMED_FILTER,
	TIMED_PRE_SCORE,
	TIMED_SCORE,
	TIMED_NORMALISE,
	TIMED_BIND, // what the scheduler tells, in its own time
	TIMED_POINT_COUNT,
};

// All calls of a plugin at a point together.
struct timed {
	bool asked;
	enum cs_prepare answer; // where it prepares; else CS_PREPARE_GO
	int64_t took;           // ns
};

struct cs_plugin_times {
	const struct cs_clock *clock;
	struct timed at[CS_PLUGINS_MAX][TIMED_POINT_COUNT]; // by instance
};

// Whether the n-th is measured: a tenth of them, evenly and in step with no pattern of pods, by
// multiples of the golden ratio.
static inline bool times_sampled(uint64_t n)
{
	return (uint32_t)(n * 2654435769u) < UINT32_MAX / 10;
}

static inline int64_t times_start(const struct cs_cycle *cycle)
{
	return cycle->times ? cs_clock_now(cycle->times->clock).boot : 0;
}

static inline void times_stop(const struct cs_cycle *cycle,
			      const struct cs_plugin_instance *instance, enum timed_point point,
			      int64_t since)
{
	if (!cycle->times)
		return;
	struct timed *timed = &cycle->times->at[instance->index][point];
	timed->asked = true;
	timed->took += cs_clock_now(cycle->times->clock).boot - since;
}

static inline enum cs_prepare ask_prepare(cs_prepare_f prepare, struct cs_cycle *cycle,
					  struct cs_plugin_instance *instance,
					  enum timed_point point)
{
	int64_t since = times_start(cycle);
	enum cs_prepare answer = prepare(cycle, instance);
	times_stop(cycle, instance, point, since);
	if (cycle->times)
		cycle->times->at[instance->index][point].answer = answer;
	return answer;
}

static inline void ask_filter(const struct cs_cycle *cycle,
			      const struct cs_plugin_instance *instance, struct cs_rows rows,
			      uint8_t *restrict verdict)
{
	int64_t since = times_start(cycle);
	instance->plugin->filter(cycle, instance, rows, verdict);
	times_stop(cycle, instance, TIMED_FILTER, since);
}

static inline void ask_score(const struct cs_cycle *cycle,
			     const struct cs_plugin_instance *instance, struct cs_rows rows,
			     uint8_t *restrict out)
{
	int64_t since = times_start(cycle);
	instance->plugin->score(cycle, instance, rows, out);
	times_stop(cycle, instance, TIMED_SCORE, since);
}

static inline void ask_raw_score(const struct cs_cycle *cycle,
				 const struct cs_plugin_instance *instance, struct cs_rows rows,
				 int64_t *restrict out)
{
	int64_t since = times_start(cycle);
	instance->plugin->raw_score(cycle, instance, rows, out);
	times_stop(cycle, instance, TIMED_SCORE, since);
}

static inline void ask_normalise(const struct cs_cycle *cycle,
				 const struct cs_plugin_instance *instance,
				 const uint32_t *feasible, uint32_t n, int64_t *out)
{
	int64_t since = times_start(cycle);
	instance->plugin->normalise(cycle, instance, feasible, n, out);
	times_stop(cycle, instance, TIMED_NORMALISE, since);
}

// ---- as kube-scheduler's plugin_execution_duration_seconds ----

struct times_series;
struct times_series *times_series_create(struct cs_metrics *metrics,
					 const struct cs_config *config);
void times_series_destroy(struct times_series *series);

// `profile`: its index in the configuration.
void times_series_count(struct times_series *series, uint32_t profile,
			const struct cs_plugin_times *times);
// One plugin's time that no decision knows: of the profile's bind plugin.
void times_series_bound(struct times_series *series, uint32_t profile, bool good, int64_t took);

#endif
