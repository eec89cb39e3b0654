// Prometheus' HTTP API: the question and the answer of an instant query.
// Neighbours: sampler.c asks; items.h reads the series.
#ifndef LOAD_PROMETHEUS_H
#define LOAD_PROMETHEUS_H

#include <csched/base/buffer.h>
#include <csched/base/error.h>
#include <csched/base/map.h>
#include <csched/base/slice.h>
#include <csched/load/part.h>
#include <csched/load/source.h>

#define CS_PROMETHEUS_PATH "/api/v1/query"

// Appends "query=..." as a URL or a form takes it. The time of evaluation is left to the server:
// its clock dates its samples, and if it differs from ours the samples' age shows it.
void cs_prometheus_question(const char *promql, struct cs_buffer *out);

// Limits by node, from the answer to a limit query.
struct cs_prometheus_limits {
	struct cs_arena *arena;
	struct cs_map by_node; // double *, in the arena
};
void cs_prometheus_limits_init(struct cs_prometheus_limits *limits, uint64_t seed);
void cs_prometheus_limits_finish(struct cs_prometheus_limits *limits);

// Adds the samples of an answer to the part, with the limits known (NULL = none). Of several series
// with one node the first counts. -EINVAL in words where it is no vector.
int cs_prometheus_read(const struct cs_source_query *query, struct cs_slice body,
		       const struct cs_prometheus_limits *limits, struct cs_part *part,
		       struct cs_error *err);
// Replaces the limits by those of an answer; on error they stay. What is not a positive number is
// no limit.
int cs_prometheus_read_limits(const struct cs_source_query *query, struct cs_slice body,
			      struct cs_prometheus_limits *limits, struct cs_error *err);

#endif
