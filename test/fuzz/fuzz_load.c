// Answers of metrics servers from any bytes: the first one says whose. What is read keeps what
// part.h says. Neighbours: lib/load/metrics_api.c and prometheus.c.
#include <csched/base/error.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "load/metrics_api.h"
#include "load/prometheus.h"

static void check(const struct cs_part *part)
{
	REQUIRE(part->n_unlabelled + part->n_duplicate + part->n_unreadable <= part->n_items);
	REQUIRE((part->n_unreadable > 0) == (part->unreadable != NULL));
	for (uint32_t i = 0; i < part->n_samples; i++) {
		const struct cs_part_sample *sample = &part->samples[i];
		REQUIRE(sample->node && strlen(sample->node) < SIZE_MAX);
		REQUIRE(sample->limit >= 0 && isfinite(sample->limit));
		REQUIRE(sample->taken <= part->newest || part->newest == 0);
	}
	for (uint32_t i = 0; i < part->n_pods; i++)
		REQUIRE(part->pods[i].namespace && part->pods[i].name);
}

static void read_metrics(struct cs_slice body, bool pods)
{
	static const struct cs_source source = { .cpu = 0, .memory = 1, .pods = true };
	struct cs_part *part = cs_part_create(pods);
	struct cs_error err = { 0 };
	char *more = NULL;
	int r = cs_metrics_api_read(&source, body, part, &more, &err);
	REQUIRE((r < 0) == (err.code != 0) && (r == 0 || !more));
	REQUIRE(pods ? part->n_samples == 0 : part->n_pods == 0);
	check(part);
	free(more);
	cs_part_destroy(part);
}

static void read_prometheus(struct cs_slice body, bool pair, bool dated)
{
	static char time[] = "timestamp(x)";
	struct cs_source_query query = { .pair = pair, .scale = 1, .time = dated ? time : NULL };
	struct cs_prometheus_known known;
	struct cs_part *part = cs_part_create(0);
	struct cs_error err = { 0 };
	cs_prometheus_notes_init(&known.limits, 1);
	cs_prometheus_notes_init(&known.times, 2);
	int first = cs_prometheus_read_notes(&query, query.scale, body, &known.limits, &err);
	REQUIRE(first == cs_prometheus_read_notes(&query, 1, body, &known.times, &err));
	int r = cs_prometheus_read(&query, body, &known, part, &err);
	REQUIRE(first == r && (r < 0) == (err.code != 0));
	REQUIRE(dated || part->n_undated == 0);
	REQUIRE(part->n_samples + part->n_unlabelled + part->n_duplicate + part->n_unreadable +
			part->n_undated ==
		part->n_items);
	check(part);
	cs_part_destroy(part);
	cs_prometheus_notes_finish(&known.limits);
	cs_prometheus_notes_finish(&known.times);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	// A copy without a byte to spare, so that reading beyond it shows.
	char *text = malloc(size > 1 ? size - 1 : 1);
	memcpy(text, data + 1, size - 1);
	struct cs_slice body = { text, size - 1 };
	if (*data & 2)
		read_metrics(body, *data & 1);
	else
		read_prometheus(body, *data & 1, *data & 4);
	free(text);
	return 0;
}
