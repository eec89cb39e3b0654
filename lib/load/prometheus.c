// Prometheus' HTTP API: instant queries, vectors alone.
// Neighbours: prometheus.h. Mirrors prometheus.io/docs/prometheus/latest/querying/api.
#include "load/prometheus.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include <csched/base/clock.h>
#include <csched/base/memory.h>
#include <csched/base/value.h>

#include "load/url.h"

#define SECONDS_MAX 9e9 // beyond that a time does not fit ns

void cs_prometheus_question(const char *promql, struct cs_buffer *out)
{
	cs_buffer_append_string(out, "query=");
	cs_url_escape(promql, out);
}

// ---- notes ----

void cs_prometheus_notes_init(struct cs_prometheus_notes *notes, uint64_t seed)
{
	notes->arena = cs_arena_create();
	cs_map_init(&notes->numbers, seed);
}

void cs_prometheus_notes_finish(struct cs_prometheus_notes *notes)
{
	cs_map_finish(&notes->numbers);
	cs_arena_destroy(notes->arena);
}

// ---- one series ----

struct series {
	const char *node; // NULL = no such label
	const char *to;
	double value;
	int64_t taken; // Unix ns
};

// A float as Prometheus writes it: digits, or NaN, +Inf, -Inf.
static int read_float(const char *text, double *ret)
{
	char *end;
	const char *digits = text + (*text == '+' || *text == '-');
	if (strcmp(digits, "NaN") != 0 && strcmp(digits, "Inf") != 0 &&
	    strspn(digits, "0123456789.eE+-") != strlen(digits))
		return -EINVAL;
	if (!*digits)
		return -EINVAL;
	*ret = strtod(text, &end);
	return *end ? -EINVAL : 0;
}

static int64_t from_seconds(double seconds)
{
	return llround(seconds * 1e3) * CS_MILLISECOND; // as precise as Prometheus'
}

static int read_value(struct json_object *item, struct series *ret, struct cs_error *err)
{
	struct json_object *value = cs_value_at(item, "value");
	if (cs_value_at(item, "histogram"))
		return cs_error_set(err, -EINVAL, "a native histogram, not a number");
	if (!json_object_is_type(value, json_type_array) || json_object_array_length(value) != 2)
		return cs_error_set(err, -EINVAL, "no value");
	struct json_object *time = json_object_array_get_idx(value, 0);
	struct json_object *number = json_object_array_get_idx(value, 1);
	double seconds = json_object_get_double(time);
	if (!(json_object_is_type(time, json_type_double) ||
	      json_object_is_type(time, json_type_int)) ||
	    !(fabs(seconds) < SECONDS_MAX))
		return cs_error_set(err, -EINVAL, "value[0] is no time");
	if (!json_object_is_type(number, json_type_string) ||
	    read_float(json_object_get_string(number), &ret->value) < 0)
		return cs_error_set(err, -EINVAL, "value[1] is no number");
	ret->taken = from_seconds(seconds);
	return 0;
}

// The label's value; NULL where there is none, or an empty one, which is the same to Prometheus.
static const char *label_of(struct json_object *labels, const char *name)
{
	struct json_object *value = NULL;
	if (!json_object_object_get_ex(labels, name, &value) ||
	    !json_object_is_type(value, json_type_string))
		return NULL;
	const char *text = json_object_get_string(value);
	return *text ? text : NULL;
}

static int read_series(const struct cs_source_query *query, struct json_object *item,
		       struct series *ret, struct cs_error *err)
{
	struct json_object *labels = cs_value_at(item, "metric");
	*ret = (struct series){ 0 };
	if (!json_object_is_type(labels, json_type_object))
		return cs_error_set(err, -EINVAL, "no labels");
	ret->node = label_of(labels, query->label ? query->label : "node");
	if (!ret->node && !query->label)
		ret->node = label_of(labels, "instance");
	if (query->pair) {
		ret->to = label_of(labels, query->to_label ? query->to_label : "to");
		if (!ret->to)
			ret->node = NULL;
	}
	return read_value(item, ret, err);
}

// ---- answers ----

static const char *first_string(struct json_object *list)
{
	if (!json_object_is_type(list, json_type_array) || json_object_array_length(list) == 0)
		return NULL;
	return json_object_get_string(json_object_array_get_idx(list, 0));
}

static int check_rest(struct json_object *rest, struct cs_error *err)
{
	const char *status = cs_value_string_at(rest, "status");
	const char *type = cs_value_string_at(rest, "data.resultType");
	if (cs_string_equal(status, "error")) {
		const char *words = cs_value_string_at(rest, "error");
		return cs_error_set(err, -EINVAL, "Prometheus refuses: %s", words ? words : "");
	}
	if (!cs_string_equal(status, "success") || !type)
		return cs_error_set(err, -EINVAL, "the answer is not Prometheus'");
	if (strcmp(type, "vector") != 0)
		return cs_error_set(err, -EINVAL,
				    "the query gives a %s, where a vector with one series per "
				    "node is needed",
				    type);
	return 0;
}

// Each series goes to `take` with `user`.
static int read_answer(struct cs_slice body, void (*take)(void *user, struct json_object *item),
		       void *user, struct json_object **ret_rest, struct cs_error *err)
{
	const struct cs_value_list result = { "data.result", take, user };
	if (cs_value_read_json_list(body, &result, ret_rest, err) < 0)
		return cs_error_prefix(err, "the answer is not JSON, is this a Prometheus?");
	return check_rest(*ret_rest, err);
}

static char *make_key(struct cs_arena *arena, const struct series *series)
{
	if (!series->to)
		return cs_arena_strdup(arena, series->node);
	return cs_arena_printf(arena, "%s\n%s", series->node, series->to);
}

// What reading a part knows of it.
struct reading {
	const struct cs_source_query *query;
	const struct cs_prometheus_known *known;
	struct cs_part *part;
	struct cs_map seen; // by node, or pair
};

static void add_series(struct reading *reading, const struct series *series)
{
	const struct cs_source_query *query = reading->query;
	struct cs_part *part = reading->part;
	char *key = make_key(part->arena, series);
	struct cs_slice at = cs_slice_of(key);
	const double *limit = cs_map_get(&reading->known->limits.numbers, at);
	const double *time = cs_map_get(&reading->known->times.numbers, at);
	if (cs_map_get(&reading->seen, at)) {
		part->n_duplicate++;
		return;
	}
	cs_map_put(&reading->seen, at, key);
	if (query->time && !(time && *time < SECONDS_MAX)) { // it may be in milliseconds
		part->n_undated++;
		return;
	}
	cs_part_add(part, &(struct cs_part_sample){
				  .node = series->node,
				  .to = series->to,
				  .metric = query->metric,
				  .value = series->value * query->scale,
				  .limit = limit ? *limit : 0,
				  .taken = query->time ? from_seconds(*time) : series->taken,
				  .window = query->window,
			  });
}

static void take_sample(void *user, struct json_object *item)
{
	struct reading *reading = user;
	struct series series;
	struct cs_error err;
	reading->part->n_items++;
	if (read_series(reading->query, item, &series, &err) < 0)
		cs_part_skip(reading->part, err.text);
	else if (!series.node)
		reading->part->n_unlabelled++;
	else
		add_series(reading, &series);
}

int cs_prometheus_read(const struct cs_source_query *query, struct cs_slice body,
		       const struct cs_prometheus_known *known, struct cs_part *part,
		       struct cs_error *err)
{
	CS_AUTO_VALUE struct json_object *rest = NULL;
	struct reading reading = { .query = query, .known = known, .part = part };
	cs_map_init(&reading.seen, known->limits.numbers.seed);
	int r = read_answer(body, take_sample, &reading, &rest, err);
	cs_map_finish(&reading.seen);
	const char *warning = first_string(cs_value_at(rest, "warnings"));
	if (r == 0 && warning)
		part->warning = cs_arena_strdup(part->arena, warning);
	return r;
}

struct reading_notes {
	const struct cs_source_query *query;
	double scale;
	struct cs_prometheus_notes notes;
};

static void take_note(void *user, struct json_object *item)
{
	struct reading_notes *reading = user;
	struct cs_prometheus_notes *notes = &reading->notes;
	struct series series;
	if (read_series(reading->query, item, &series, NULL) < 0 || !series.node)
		return;
	double number = series.value * reading->scale;
	struct cs_slice key = cs_slice_of(make_key(notes->arena, &series));
	if (!isfinite(number) || number <= 0 || cs_map_get(&notes->numbers, key))
		return;
	double *own = cs_arena_alloc(notes->arena, sizeof(*own));
	*own = number;
	cs_map_put(&notes->numbers, key, own);
}

int cs_prometheus_read_notes(const struct cs_source_query *query, double scale,
			     struct cs_slice body, struct cs_prometheus_notes *notes,
			     struct cs_error *err)
{
	CS_AUTO_VALUE struct json_object *rest = NULL;
	struct reading_notes reading = { .query = query, .scale = scale };
	cs_prometheus_notes_init(&reading.notes, notes->numbers.seed);
	int r = read_answer(body, take_note, &reading, &rest, err);
	cs_prometheus_notes_finish(r < 0 ? &reading.notes : notes);
	if (r == 0)
		*notes = reading.notes;
	return r;
}
