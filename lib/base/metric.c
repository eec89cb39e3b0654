// The registry of metrics: families by their static descriptions, series by their label values.
// Neighbours: number.h lays out values as Prometheus' own Go client does.
#include <csched/base/metric.h>

#include <csched/base/map.h>
#include <csched/base/memory.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "number.h"

#define SERIES_MAX 10000

struct cs_metric {
	const struct family *family;
	struct cs_metric *next;     // in order of making
	struct cs_slice key;        // the label values, each with its NUL
	_Atomic double value;       // of a histogram: the sum
	_Atomic uint64_t buckets[]; // of a histogram: one per bound and one beyond
};

struct family {
	const struct cs_metric_info *info;
	struct family *next;
	struct cs_map by_labels; // key to series, the overflow series not among them
	struct cs_metric *first;
	struct cs_metric **end;
	struct cs_metric *overflow;
	double *bounds;
};

struct cs_metrics {
	pthread_mutex_t lock; // over all but the atomics
	struct family *first;
	struct family **end;
};

struct cs_metrics *cs_metrics_create(void)
{
	struct cs_metrics *metrics = cs_alloc(sizeof(*metrics));
	pthread_mutex_init(&metrics->lock, NULL);
	metrics->end = &metrics->first;
	return metrics;
}

static void destroy_series(struct cs_metric *series)
{
	free((char *)(uintptr_t)series->key.data);
	free(series);
}

static void destroy_family(struct family *family)
{
	for (struct cs_metric *series = family->first, *next; series; series = next) {
		next = series->next;
		destroy_series(series);
	}
	cs_map_finish(&family->by_labels);
	free(family->bounds);
	free(family);
}

void cs_metrics_destroy(struct cs_metrics *metrics)
{
	if (!metrics)
		return;
	for (struct family *family = metrics->first, *next; family; family = next) {
		next = family->next;
		destroy_family(family);
	}
	pthread_mutex_destroy(&metrics->lock);
	free(metrics);
}

// ---- families and series, under the lock ----

static struct family *get_family(struct cs_metrics *metrics, const struct cs_metric_info *info)
{
	for (struct family *family = metrics->first; family; family = family->next) {
		if (family->info == info)
			return family;
	}
	struct family *family = cs_alloc(sizeof(*family));
	family->info = info;
	family->end = &family->first;
	if (info->kind == CS_METRIC_HISTOGRAM)
		family->bounds = cs_alloc_array(info->buckets.count, sizeof(double));
	double bound = info->buckets.start;
	for (unsigned i = 0; family->bounds && i < info->buckets.count; i++) {
		family->bounds[i] = info->buckets.bounds ? info->buckets.bounds[i] : bound;
		bound *= info->buckets.factor; // step by step as ExponentialBuckets: same text
	}
	*metrics->end = family;
	metrics->end = &family->next;
	return family;
}

static unsigned label_count(const struct cs_metric_info *info)
{
	unsigned n = 0;
	while (n < CS_METRIC_LABELS_MAX && info->labels[n])
		n++;
	return n;
}

// Takes over `key`, the allocated label values.
static struct cs_metric *add_series(struct family *family, struct cs_slice key)
{
	size_t buckets =
		family->info->kind == CS_METRIC_HISTOGRAM ? family->info->buckets.count + 1 : 0;
	struct cs_metric *series = cs_alloc(sizeof(*series) + buckets * sizeof(series->buckets[0]));
	series->family = family;
	series->key = key;
	*family->end = series;
	family->end = &series->next;
	return series;
}

static struct cs_slice join_labels(const char *const *values, unsigned count)
{
	struct cs_buffer key;
	cs_buffer_init(&key, SIZE_MAX);
	for (unsigned i = 0; i < count; i++) {
		cs_buffer_append_string(&key, values && values[i] ? values[i] : "");
		cs_buffer_append_char(&key, '\0');
	}
	size_t size = key.size;
	return (struct cs_slice){ cs_buffer_take(&key), size };
}

static struct cs_metric *overflow_series(struct family *family)
{
	static const char *const words[CS_METRIC_LABELS_MAX] = { "overflow", "overflow", "overflow",
								 "overflow" };
	if (!family->overflow)
		family->overflow =
			add_series(family, join_labels(words, label_count(family->info)));
	return family->overflow;
}

static struct cs_metric *get_series(struct family *family, const char *const *label_values)
{
	struct cs_slice key = join_labels(label_values, label_count(family->info));
	struct cs_metric *series = cs_map_get(&family->by_labels, key);
	if (!series && cs_map_count(&family->by_labels) < SERIES_MAX) {
		series = add_series(family, key);
		cs_map_put(&family->by_labels, key, series);
		return series;
	}
	free((char *)(uintptr_t)key.data);
	return series ? series : overflow_series(family);
}

struct cs_metric *cs_metrics_series(struct cs_metrics *metrics, const struct cs_metric_info *info,
				    const char *const *label_values)
{
	pthread_mutex_lock(&metrics->lock);
	struct cs_metric *series = get_series(get_family(metrics, info), label_values);
	pthread_mutex_unlock(&metrics->lock);
	return series;
}

void cs_metrics_declare(struct cs_metrics *metrics, const struct cs_metric_info *info)
{
	pthread_mutex_lock(&metrics->lock);
	struct family *family = get_family(metrics, info);
	if (label_count(info) == 0)
		get_series(family, NULL);
	pthread_mutex_unlock(&metrics->lock);
}

// ---- updates, from any thread without the lock ----

void cs_metric_add(struct cs_metric *metric, double value)
{
	double old = atomic_load_explicit(&metric->value, memory_order_relaxed);
	while (!atomic_compare_exchange_weak_explicit(&metric->value, &old, old + value,
						      memory_order_relaxed, memory_order_relaxed))
		;
}

void cs_metric_set(struct cs_metric *metric, double value)
{
	atomic_store_explicit(&metric->value, value, memory_order_relaxed);
}

void cs_metric_observe(struct cs_metric *metric, double value)
{
	const struct family *family = metric->family;
	unsigned low = 0;
	unsigned high = family->info->buckets.count;
	while (low < high) { // the first bound that is not below; NaN is beyond all
		unsigned middle = (low + high) / 2;
		if (value <= family->bounds[middle])
			high = middle;
		else
			low = middle + 1;
	}
	// NaN compares false above and so went to the right end.
	atomic_fetch_add_explicit(&metric->buckets[low], 1, memory_order_relaxed);
	cs_metric_add(metric, value);
}

double cs_metric_value(const struct cs_metric *metric)
{
	const struct cs_metric_info *info = metric->family->info;
	if (info->kind != CS_METRIC_HISTOGRAM)
		return atomic_load_explicit(&metric->value, memory_order_relaxed);
	uint64_t count = 0;
	for (unsigned i = 0; i <= info->buckets.count; i++)
		count += atomic_load_explicit(&metric->buckets[i], memory_order_relaxed);
	return (double)count;
}

// ---- printing ----

static void print_escaped(struct cs_buffer *out, const char *s, bool quotes)
{
	for (; *s; s++) {
		if (*s == '\n')
			cs_buffer_append_string(out, "\\n");
		else if (*s == '\\' || (*s == '"' && quotes))
			cs_buffer_append(out, (char[]){ '\\', *s }, 2);
		else
			cs_buffer_append_char(out, *s);
	}
}

// One line; `bound` is the text of the label "le" or NULL.
static void print_sample(struct cs_buffer *out, const struct cs_metric *series, const char *suffix,
			 const char *bound, double value)
{
	const struct cs_metric_info *info = series->family->info;
	const char *separator = "{";
	const char *label = series->key.data;
	cs_buffer_printf(out, "%s%s", info->name, suffix);
	for (unsigned i = 0; i < label_count(info); i++) {
		cs_buffer_printf(out, "%s%s=\"", separator, info->labels[i]);
		print_escaped(out, label, true);
		cs_buffer_append_char(out, '"');
		label += strlen(label) + 1;
		separator = ",";
	}
	if (bound)
		cs_buffer_printf(out, "%sle=\"%s\"", separator, bound);
	if (bound || *separator == ',')
		cs_buffer_append_char(out, '}');
	char text[CS_NUMBER_TEXT_MAX];
	cs_number_short(value, text);
	cs_buffer_printf(out, " %s\n", text);
}

static void print_histogram(struct cs_buffer *out, const struct cs_metric *series)
{
	const struct family *family = series->family;
	// The count is the sum of what is read here: it always equals the last bucket.
	uint64_t count = 0;
	for (unsigned i = 0; i < family->info->buckets.count; i++) {
		char bound[CS_NUMBER_TEXT_MAX];
		cs_number_short(family->bounds[i], bound);
		count += atomic_load_explicit(&series->buckets[i], memory_order_relaxed);
		print_sample(out, series, "_bucket", bound, (double)count);
	}
	count += atomic_load_explicit(&series->buckets[family->info->buckets.count],
				      memory_order_relaxed);
	print_sample(out, series, "_bucket", "+Inf", (double)count);
	print_sample(out, series, "_sum", NULL,
		     atomic_load_explicit(&series->value, memory_order_relaxed));
	print_sample(out, series, "_count", NULL, (double)count);
}

static void print_family(struct cs_buffer *out, const struct family *family)
{
	static const char *const types[] = { [CS_METRIC_COUNTER] = "counter",
					     [CS_METRIC_GAUGE] = "gauge",
					     [CS_METRIC_HISTOGRAM] = "histogram" };
	cs_buffer_printf(out, "# HELP %s ", family->info->name);
	print_escaped(out, family->info->help, false);
	cs_buffer_printf(out, "\n# TYPE %s %s\n", family->info->name, types[family->info->kind]);
	for (const struct cs_metric *series = family->first; series; series = series->next) {
		if (family->info->kind == CS_METRIC_HISTOGRAM)
			print_histogram(out, series);
		else
			print_sample(out, series, "", NULL, cs_metric_value(series));
	}
}

int cs_metrics_print(struct cs_metrics *metrics, struct cs_buffer *out)
{
	pthread_mutex_lock(&metrics->lock);
	for (const struct family *family = metrics->first; family; family = family->next)
		print_family(out, family);
	pthread_mutex_unlock(&metrics->lock);
	return out->overflow ? -EMSGSIZE : 0;
}
