// The words of a decision that finds no node, as kube-scheduler's FitError has them.
// Neighbours: attempt.h; cycle.c decides.
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <csched/base/memory.h>

#include "attempt.h"
#include "kernel.h"

// ---- how a decision ends without a node ----

void attempt_fail(struct attempt *attempt, enum cs_decision decision, uint64_t rejected_by)
{
	attempt->outcome->decision = decision;
	attempt->outcome->rejected_by = rejected_by;
	attempt->outcome->message = attempt->workspace->message.data;
}

void attempt_fail_running(struct attempt *attempt, const char *point,
			  const struct cs_plugin_instance *instance)
{
	cs_buffer_printf(&attempt->workspace->message, "running %s plugin \"%s\": %s", point,
			 instance->plugin->name,
			 attempt->cycle.message ? attempt->cycle.message : "no words");
	attempt_fail(attempt, CS_DECISION_ERROR, 0);
}

static void begin_fit_error(struct attempt *attempt)
{
	cs_buffer_printf(&attempt->workspace->message,
			 "0/%" PRIu32 " nodes are available:", attempt->outcome->n_nodes);
}

void attempt_fail_all_nodes(struct attempt *attempt, uint64_t rejected_by)
{
	begin_fit_error(attempt);
	if (*attempt->words)
		cs_buffer_printf(&attempt->workspace->message, " %s.", attempt->words);
	attempt_fail(attempt, CS_DECISION_UNSCHEDULABLE, rejected_by);
}

// ---- the words of a fit error ----

// Reasons and how many nodes gave them, in the order of their first appearance.
struct reasons {
	struct cs_arena *scratch;
	uint32_t count;
	uint32_t capacity;
	struct reason {
		const char *words;
		uint32_t nodes;
	} * list;
};

static void count_reason(struct reasons *reasons, const char *words, uint32_t nodes)
{
	for (uint32_t i = 0; i < reasons->count; i++) {
		if (strcmp(reasons->list[i].words, words) == 0) {
			reasons->list[i].nodes += nodes;
			return;
		}
	}
	if (reasons->count == reasons->capacity) {
		uint32_t capacity = reasons->capacity ? 2 * reasons->capacity : 16;
		struct reason *list =
			cs_arena_alloc_array(reasons->scratch, capacity, sizeof(*list));
		if (reasons->count)
			memcpy(list, reasons->list, reasons->count * sizeof(*list));
		reasons->list = list;
		reasons->capacity = capacity;
	}
	reasons->list[reasons->count++] = (struct reason){
		.words = cs_arena_strdup(reasons->scratch, words),
		.nodes = nodes,
	};
}

static void count_one(void *user, const char *words)
{
	count_reason(user, words, 1);
}

static int compare_strings(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

// " 10 a, 2 b.": sorted as strings, counts included.
static void append_reasons(struct attempt *attempt, const struct reasons *reasons)
{
	struct cs_buffer *message = &attempt->workspace->message;
	const char **lines =
		cs_arena_alloc_array(reasons->scratch, reasons->count + 1, sizeof(*lines));
	for (uint32_t i = 0; i < reasons->count; i++)
		lines[i] = cs_arena_printf(reasons->scratch, "%" PRIu32 " %s",
					   reasons->list[i].nodes, reasons->list[i].words);
	qsort(lines, reasons->count, sizeof(*lines), compare_strings);
	for (uint32_t i = 0; i < reasons->count; i++)
		cs_buffer_printf(message, "%s%s", i ? ", " : " ", lines[i]);
	if (reasons->count)
		cs_buffer_append_char(message, '.');
}

// "[A B]": the plugins of a mask, sorted.
const char *attempt_plugin_names(struct attempt *attempt, uint64_t mask)
{
	struct cs_arena *scratch = attempt->workspace->scratch;
	const char *names[CS_PLUGINS_MAX];
	size_t count = 0;
	for (uint32_t i = 0; i < attempt->profile->n_instances; i++)
		if (mask >> i & 1)
			names[count++] = attempt->profile->instances[i].plugin->name;
	qsort(names, count, sizeof(*names), compare_strings);
	const char *list = "";
	for (size_t i = 0; i < count; i++)
		list = cs_arena_printf(scratch, "%s%s%s", list, i ? " " : "", names[i]);
	return cs_arena_printf(scratch, "[%s]", list);
}

const struct cs_plugin_instance *attempt_rejecter(const struct attempt *attempt, uint32_t row)
{
	uint8_t by = attempt->view->by[row];
	return by == BY_OVERLAID ? attempt_overlaid(attempt, row)->by
				 : attempt->profile->filter[by];
}

void attempt_filter_reasons(struct attempt *attempt, const struct cs_plugin_instance *instance,
			    uint32_t row, void (*say)(void *user, const char *reason), void *user)
{
	if (instance->plugin->reasons)
		instance->plugin->reasons(&attempt->cycle, instance, row, say, user);
	else
		say(user,
		    cs_arena_printf(attempt->workspace->scratch, "node(s) didn't satisfy plugin %s",
				    instance->plugin->name));
}

void attempt_reasons(struct attempt *attempt, uint32_t row,
		     void (*say)(void *user, const char *reason), void *user)
{
	if (attempt->view->by[row] != BY_OVERLAID) {
		attempt_filter_reasons(attempt, attempt_rejecter(attempt, row), row, say, user);
		return;
	}
	const struct overlaid *overlaid = attempt_overlaid(attempt, row);
	for (uint32_t i = 0; i < overlaid->n_reasons; i++)
		say(user, overlaid->reasons[i]);
}

// Asks every rejected row for its reasons; returns who rejected some.
static uint64_t append_fit_error(struct attempt *attempt)
{
	const struct view *view = attempt->view;
	struct reasons reasons = { .scratch = attempt->workspace->scratch };
	uint64_t rejected_by = attempt->narrowed_by;
	uint32_t looked_at = 0;
	for (uint32_t row = 0; row < view->n_rows; row++) {
		if (view->by[row] >= BY_NOT_NOW)
			continue;
		looked_at++;
		rejected_by |= bit(attempt_rejecter(attempt, row));
		attempt_reasons(attempt, row, count_one, &reasons);
	}
	if (looked_at < attempt->outcome->n_nodes)
		count_reason(&reasons,
			     cs_arena_printf(reasons.scratch, "node(s) didn't satisfy plugin(s) %s",
					     attempt_plugin_names(attempt, attempt->narrowed_by)),
			     attempt->outcome->n_nodes - looked_at);
	begin_fit_error(attempt);
	append_reasons(attempt, &reasons);
	return rejected_by;
}

// The next replica that does not fit gets the same words, unless some row changed.
void attempt_fail_no_fit(struct attempt *attempt)
{
	struct vectors *vectors = attempt->vectors;
	struct cs_buffer *message = &attempt->workspace->message;
	if (!vectors->demand || attempt->view->by != vectors->by) {
		attempt_fail(attempt, CS_DECISION_UNSCHEDULABLE, append_fit_error(attempt));
		return;
	}
	if (!vectors->words || vectors->words_log != vectors->filter_log) {
		vectors->words_rejected_by = append_fit_error(attempt);
		vectors->words_log = vectors->filter_log;
		free(vectors->words);
		vectors->words = cs_strdup(message->data);
	} else {
		cs_buffer_append_string(message, vectors->words);
	}
	attempt_fail(attempt, CS_DECISION_UNSCHEDULABLE, vectors->words_rejected_by);
}
