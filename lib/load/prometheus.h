// Prometheus' HTTP API: the question and the answer of an instant query.
// Neighbours: sampler.c asks; base/value.h reads the series one by one.
#ifndef LOAD_PROMETHEUS_H
#define LOAD_PROMETHEUS_H

#include <csched/base/buffer.h>
#include <csched/base/error.h>
#include <csched/base/map.h>
#include <csched/base/slice.h>
#include <csched/load/part.h>
#include <csched/load/source.h>

#define CS_PROMETHEUS_PATH "/api/v1/query"

// Appends "query=..." as a URL or a form takes it. When it is evaluated is left to the server: its
// clock dates its samples, and if it differs from ours the samples' age shows it.
void cs_prometheus_question(const char *promql, struct cs_buffer *out);

// One number per node, or pair, from the answer to a query beside the one for values: how much a
// node can take, or when its value was measured.
struct cs_prometheus_notes {
	struct cs_arena *arena;
	struct cs_map numbers; // double *, in the arena
};
void cs_prometheus_notes_init(struct cs_prometheus_notes *notes, uint64_t seed);
void cs_prometheus_notes_finish(struct cs_prometheus_notes *notes);
// Replaces the notes by those of an answer, numbers times `scale`; on error they stay. What is not
// a positive number is not noted; of several series with one node the first counts.
int cs_prometheus_read_notes(const struct cs_source_query *query, double scale,
			     struct cs_slice body, struct cs_prometheus_notes *notes,
			     struct cs_error *err);

// What is known of a query's nodes beside their values.
struct cs_prometheus_known {
	struct cs_prometheus_notes limits;
	struct cs_prometheus_notes times; // Unix s; used where query->time
};

// Adds the samples of an answer to the part. Where the query asks for times, a series without one,
// or with one that nanoseconds of 64 bits cannot tell, is left out. Of several series with one node
// the first counts. -EINVAL in words where it is no vector.
int cs_prometheus_read(const struct cs_source_query *query, struct cs_slice body,
		       const struct cs_prometheus_known *known, struct cs_part *part,
		       struct cs_error *err);

#endif
