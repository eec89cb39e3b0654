// What the Metrics API answers (metrics.k8s.io/v1beta1 NodeMetricsList, PodMetricsList) as samples.
// Neighbours: sampler.c asks; base/value.h reads the list item by item.
#ifndef LOAD_METRICS_API_H
#define LOAD_METRICS_API_H

#include <csched/base/error.h>
#include <csched/base/slice.h>
#include <csched/load/part.h>
#include <csched/load/source.h>

// Adds what one page has to the part: nodes' usage, or for question 1 the sum of each pod's
// containers; CPU in milli-CPU, memory in bytes, each with the server's own time and window. An
// item that cannot be read is skipped. *ret_more is the token of the next page (free()), or NULL.
// -EINVAL where the answer is no such list.
int cs_metrics_api_read(const struct cs_source *source, struct cs_slice body, struct cs_part *part,
			char **ret_more, struct cs_error *err);

#endif
