// One source, asked again and again. A round is its questions one after the other, each of one call
// or more: limits and times before the values, page after page.
// Neighbours: sampler.h is the contract; metrics_api.c and prometheus.c word and read.
#include <csched/load/sampler.h>

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <csched/base/memory.h>
#include <csched/base/value.h>

#include "load/metrics_api.h"
#include "load/prometheus.h"
#include "load/url.h"

#define JITTER       0.1
#define GET_MAX      2000 // bytes of a path; longer questions are sent as a form
#define QUESTION_MAX (1u << 20)
#define PAGE         "500"
#define QUOTE_MAX    120 // bytes of a body that is no message of its own

// What of a question is being asked for: of a Prometheus' queries one after the other.
enum stage { STAGE_LIMITS, STAGE_TIMES, STAGE_VALUES };

// The question being asked.
struct asking {
	uint32_t question;
	enum stage stage;
	enum cs_sampler_result notes_result; // of the first stage before the values that failed
	struct cs_error notes_error;
	struct cs_part *part;
	uint64_t bytes; // of its pages
};

struct cs_sampler {
	const struct cs_source *source;
	struct cs_transport *transport;
	struct cs_random random;
	struct cs_sampler_sink sink;
	struct cs_prometheus_known *known; // by query, kept where one for them fails
	struct cs_transport_call *call;    // NULL between rounds
	struct asking asking;
	struct cs_time now;  // of the turn
	int64_t due;         // boot ns of the next round
	int64_t started;     // boot ns of this one
	bool answered;       // in this round
	unsigned failures;   // rounds in a row without an answer
	int64_t retry_after; // ns; the longest the server asked for in this round
};

static const char *const result_names[CS_SAMPLER_RESULT_COUNT] = {
	[CS_SAMPLER_OK] = "ok",
	[CS_SAMPLER_EMPTY] = "empty",
	[CS_SAMPLER_UNREACHABLE] = "unreachable",
	[CS_SAMPLER_TIMEOUT] = "timeout",
	[CS_SAMPLER_UNAUTHORIZED] = "unauthorized",
	[CS_SAMPLER_FORBIDDEN] = "forbidden",
	[CS_SAMPLER_NOT_FOUND] = "not_found",
	[CS_SAMPLER_REFUSED] = "refused",
	[CS_SAMPLER_TOO_LARGE] = "too_large",
	[CS_SAMPLER_BROKEN] = "broken",
};

const char *cs_sampler_result_name(enum cs_sampler_result result)
{
	return result_names[result];
}

// ---- life ----

static uint32_t count_queries(const struct cs_source *source)
{
	return source->kind == CS_SOURCE_PROMETHEUS ? source->n_queries : 0;
}

struct cs_sampler *cs_sampler_create(const struct cs_sampler_options *options)
{
	struct cs_sampler *sampler = cs_alloc(sizeof(*sampler));
	uint32_t n = count_queries(options->source);
	*sampler = (struct cs_sampler){
		.source = options->source,
		.transport = options->transport,
		.sink = options->sink,
		.due = INT64_MIN,
		.known = cs_alloc_array(n + 1, sizeof(*sampler->known)),
	};
	cs_random_init(&sampler->random, options->seed);
	for (uint32_t i = 0; i < n; i++) {
		cs_prometheus_notes_init(&sampler->known[i].limits,
					 cs_random_next(&sampler->random));
		cs_prometheus_notes_init(&sampler->known[i].times,
					 cs_random_next(&sampler->random));
	}
	return sampler;
}

void cs_sampler_destroy(struct cs_sampler *sampler)
{
	if (!sampler)
		return;
	if (sampler->call)
		cs_transport_cancel(sampler->transport, sampler->call);
	sampler->transport->ops->destroy(sampler->transport);
	for (uint32_t i = 0; i < count_queries(sampler->source); i++) {
		cs_prometheus_notes_finish(&sampler->known[i].limits);
		cs_prometheus_notes_finish(&sampler->known[i].times);
	}
	cs_part_destroy(sampler->asking.part);
	free(sampler->known);
	free(sampler);
}

// ---- what is sent ----

static void on_done(void *user, struct cs_time now, const struct cs_response *response);

static void send(struct cs_sampler *sampler, enum cs_method method, const char *path,
		 struct cs_slice form)
{
	static const struct cs_handler handler = { .done = on_done };
	sampler->call = cs_transport_start(
		sampler->transport,
		&(struct cs_request){
			.method = method,
			.path = path,
			.accept = "application/json",
			.content_type = form.size ? "application/x-www-form-urlencoded" : NULL,
			.body = form,
			.timeout = sampler->source->timeout,
			.body_max = sampler->source->body_max - sampler->asking.bytes,
			.handler = &handler,
			.user = sampler,
		});
}

static const struct cs_source_query *query_at(const struct cs_sampler *sampler)
{
	return &sampler->source->queries[sampler->asking.question];
}

static const char *promql_of(const struct cs_source_query *query, enum stage stage)
{
	if (stage == STAGE_LIMITS)
		return query->limit;
	return stage == STAGE_TIMES ? query->time : query->query;
}

// Asks at the stage, or at the next one that the query has. Prometheus answers a POST like a GET,
// but proxies in front of it tend to allow GET alone.
static void ask_prometheus(struct cs_sampler *sampler, enum stage stage)
{
	const struct cs_source_query *query = query_at(sampler);
	CS_AUTO_BUFFER struct cs_buffer form;
	while (!promql_of(query, stage))
		stage++;
	sampler->asking.stage = stage;
	cs_buffer_init(&form, QUESTION_MAX);
	cs_prometheus_question(promql_of(query, stage), &form);
	if (form.size < GET_MAX) {
		CS_AUTO_FREE char *path = cs_asprintf(CS_PROMETHEUS_PATH "?%s", form.data);
		send(sampler, CS_METHOD_GET, path, (struct cs_slice){ 0 });
	} else {
		send(sampler, CS_METHOD_POST, CS_PROMETHEUS_PATH, cs_buffer_slice(&form));
	}
}

// metrics-server answers with everything at once; a server that knows pages sends them.
static void ask_metrics_api(struct cs_sampler *sampler, const char *more)
{
	CS_AUTO_BUFFER struct cs_buffer path;
	cs_buffer_init(&path, QUESTION_MAX);
	cs_buffer_printf(&path, "/apis/metrics.k8s.io/v1beta1/%s?limit=" PAGE,
			 sampler->asking.question == 0 ? "nodes" : "pods");
	if (more) {
		cs_buffer_append_string(&path, "&continue=");
		cs_url_escape(more, &path);
	}
	send(sampler, CS_METHOD_GET, path.data, (struct cs_slice){ 0 });
}

static void ask(struct cs_sampler *sampler, uint32_t question)
{
	sampler->asking = (struct asking){ .question = question, .stage = STAGE_VALUES };
	if (sampler->source->kind == CS_SOURCE_METRICS_API)
		ask_metrics_api(sampler, NULL);
	else
		ask_prometheus(sampler, STAGE_LIMITS);
}

// ---- rounds ----

// When the next round is due, after one without an answer later and later.
static int64_t next_due(struct cs_sampler *sampler)
{
	int64_t wait = sampler->source->interval;
	int64_t max = wait > CS_SAMPLER_BACKOFF_MAX ? wait : CS_SAMPLER_BACKOFF_MAX;
	for (unsigned i = 0; i < sampler->failures && wait < max; i++)
		wait *= 2;
	wait = cs_random_jitter(&sampler->random, wait < max ? wait : max, JITTER);
	int64_t asked = sampler->retry_after < CS_SAMPLER_RETRY_MAX ? sampler->retry_after
								    : CS_SAMPLER_RETRY_MAX;
	// A round whose questions all time out is longer than the wait may be.
	int64_t from = sampler->failures > 0 ? sampler->now.boot : sampler->started;
	return from + (asked > wait ? asked : wait);
}

static void end_round(struct cs_sampler *sampler)
{
	sampler->failures = sampler->answered ? 0 : sampler->failures + 1;
	sampler->due = next_due(sampler);
	sampler->sink.round(sampler->sink.user, sampler->now.boot - sampler->started);
}

static void begin_round(struct cs_sampler *sampler)
{
	sampler->started = sampler->now.boot;
	sampler->answered = false;
	sampler->retry_after = 0;
	ask(sampler, 0);
}

static void tell(struct cs_sampler *sampler, enum cs_sampler_result result, const char *words)
{
	struct cs_part *part = CS_TAKE(sampler->asking.part);
	bool samples = part && part->n_samples + part->n_pods > 0;
	sampler->answered |= samples || result == CS_SAMPLER_OK || result == CS_SAMPLER_EMPTY;
	sampler->sink.outcome(sampler->sink.user,
			      &(struct cs_sampler_outcome){ .question = sampler->asking.question,
							    .result = result,
							    .words = words,
							    .part = part });
	if (samples)
		sampler->sink.part(sampler->sink.user, part);
	else
		cs_part_destroy(part);
}

// The rest of a round whose server cannot be reached: it would only be waited for again.
static void tell_rest(struct cs_sampler *sampler, const char *words)
{
	uint32_t n = cs_source_count(sampler->source);
	while (++sampler->asking.question < n)
		tell(sampler, CS_SAMPLER_UNREACHABLE, words);
}

static void end_question(struct cs_sampler *sampler, enum cs_sampler_result result,
			 const char *words)
{
	uint32_t next = sampler->asking.question + 1;
	tell(sampler, result, words);
	if (result == CS_SAMPLER_UNREACHABLE)
		tell_rest(sampler, words);
	else if (next < cs_source_count(sampler->source)) {
		ask(sampler, next);
		return;
	}
	end_round(sampler);
}

static void fail_question(struct cs_sampler *sampler, enum cs_sampler_result result,
			  const char *words)
{
	cs_part_destroy(sampler->asking.part);
	sampler->asking.part = NULL;
	end_question(sampler, result, words);
}

// ---- what came back ----

static size_t printable(struct cs_slice text)
{
	size_t n = 0;
	while (n < text.size && n < QUOTE_MAX && text.data[n] >= ' ' && text.data[n] < 0x7f)
		n++;
	return n;
}

// The words of a refusal: Prometheus' error, a Status' message, or how the body begins.
static void quote_refusal(const struct cs_response *response, struct cs_error *err)
{
	CS_AUTO_VALUE struct json_object *body = NULL;
	if (cs_value_read_json(response->body, &body, NULL) < 0)
		body = NULL;
	const char *type = cs_value_string_at(body, "errorType");
	const char *words = cs_value_string_at(body, type ? "error" : "message");
	size_t size = printable(response->body);
	if (words)
		cs_error_set(err, -EINVAL, "HTTP %d: %s%s%s", response->status, type ? type : "",
			     type ? ": " : "", words);
	else
		cs_error_set(err, -EINVAL, "HTTP %d%s%.*s", response->status, size ? ": " : "",
			     (int)size, response->body.data ? response->body.data : "");
}

static enum cs_sampler_result judge_status(const struct cs_source *source,
					   const struct cs_response *response, struct cs_error *err)
{
	quote_refusal(response, err);
	switch (response->status) {
	case 401:
		return CS_SAMPLER_UNAUTHORIZED;
	case 403:
		return CS_SAMPLER_FORBIDDEN;
	case 404:
		if (source->kind == CS_SOURCE_METRICS_API)
			cs_error_set(err, -ENOENT,
				     "HTTP 404: the API server has no metrics.k8s.io/v1beta1, is "
				     "metrics-server installed?");
		return CS_SAMPLER_NOT_FOUND;
	default:
		return CS_SAMPLER_REFUSED;
	}
}

static enum cs_sampler_result judge(const struct cs_source *source,
				    const struct cs_response *response, struct cs_error *err)
{
	if (response->error == 0)
		return response->status / 100 == 2 ? CS_SAMPLER_OK
						   : judge_status(source, response, err);
	cs_error_set(err, response->error, "%s", response->message);
	if (response->error == -ETIMEDOUT)
		return CS_SAMPLER_TIMEOUT;
	if (response->error != -EMSGSIZE)
		return CS_SAMPLER_UNREACHABLE;
	cs_error_set(err, -EMSGSIZE, "the answer is larger than the limit of %" PRIu64 " bytes",
		     source->body_max);
	return CS_SAMPLER_TOO_LARGE;
}

// Limits and times that cannot be had do not stop the values: what was known of them stays.
static void end_notes(struct cs_sampler *sampler, enum cs_sampler_result result,
		      const struct cs_response *response, struct cs_error *err)
{
	struct asking *asking = &sampler->asking;
	const struct cs_source_query *query = query_at(sampler);
	struct cs_prometheus_known *known = &sampler->known[asking->question];
	bool times = asking->stage == STAGE_TIMES;
	if (result == CS_SAMPLER_OK &&
	    cs_prometheus_read_notes(query, times ? 1 : query->scale, response->body,
				     times ? &known->times : &known->limits, err) < 0)
		result = CS_SAMPLER_BROKEN;
	if (result == CS_SAMPLER_UNREACHABLE) {
		fail_question(sampler, result, err->text);
		return;
	}
	if (result != CS_SAMPLER_OK && asking->notes_result == CS_SAMPLER_OK) {
		cs_error_prefix(err, times ? "time" : "limit");
		asking->notes_result = result;
		asking->notes_error = *err;
	}
	ask_prometheus(sampler, asking->stage + 1);
}

// An answer without a sample, in words.
static void word_empty(const struct cs_sampler *sampler, struct cs_error *err)
{
	const struct cs_part *part = sampler->asking.part;
	if (part->n_items == 0)
		cs_error_set(err, -ENODATA,
			     sampler->source->kind == CS_SOURCE_PROMETHEUS
				     ? "the query finds no series"
				     : "the list is empty");
	else if (part->n_undated)
		cs_error_set(err, -ENODATA,
			     "the query for times has none of the %u nodes that the query has",
			     part->n_undated);
	else if (part->n_unlabelled)
		cs_error_set(err, -ENODATA, "none of the %u series has the label that names a node",
			     part->n_items);
	else
		cs_error_set(err, -ENODATA, "nothing can be read: %s",
			     part->unreadable ? part->unreadable : "no usage");
}

static void end_values(struct cs_sampler *sampler)
{
	const struct asking *asking = &sampler->asking;
	struct cs_error err;
	// A cluster without pods is no fault.
	bool pods = sampler->source->kind == CS_SOURCE_METRICS_API && asking->question == 1;
	if (pods && asking->part->n_items == 0) {
		end_question(sampler, CS_SAMPLER_OK, "");
	} else if (asking->part->n_samples + asking->part->n_pods == 0 &&
		   asking->notes_result == CS_SAMPLER_OK) {
		word_empty(sampler, &err);
		end_question(sampler, CS_SAMPLER_EMPTY, err.text);
	} else {
		// A copy: the question's own memory is used again for the next.
		err = asking->notes_error;
		end_question(sampler, asking->notes_result,
			     asking->notes_result == CS_SAMPLER_OK ? "" : err.text);
	}
}

static void read_page(struct cs_sampler *sampler, const struct cs_response *response)
{
	struct asking *asking = &sampler->asking;
	CS_AUTO_FREE char *more = NULL;
	struct cs_error err;
	int r;
	if (!asking->part)
		asking->part = cs_part_create(asking->question);
	if (sampler->source->kind == CS_SOURCE_PROMETHEUS)
		r = cs_prometheus_read(query_at(sampler), response->body,
				       &sampler->known[asking->question], asking->part, &err);
	else
		r = cs_metrics_api_read(sampler->source, response->body, asking->part, &more, &err);
	asking->bytes += response->body.size;
	if (r < 0)
		fail_question(sampler, CS_SAMPLER_BROKEN, err.text);
	else if (!more)
		end_values(sampler);
	else if (asking->bytes >= sampler->source->body_max)
		fail_question(sampler, CS_SAMPLER_TOO_LARGE,
			      "the pages together are larger than the limit");
	else
		ask_metrics_api(sampler, more);
}

static void on_done(void *user, struct cs_time now, const struct cs_response *response)
{
	struct cs_sampler *sampler = user;
	struct cs_error err = { 0 };
	sampler->call = NULL;
	sampler->now = now;
	enum cs_sampler_result result = judge(sampler->source, response, &err);
	if (response->retry_after > sampler->retry_after)
		sampler->retry_after = response->retry_after;
	if (sampler->asking.stage != STAGE_VALUES)
		end_notes(sampler, result, response, &err);
	else if (result == CS_SAMPLER_OK)
		read_page(sampler, response);
	else
		fail_question(sampler, result, err.text);
}

// ---- turns ----

static bool may_begin(const struct cs_sampler *sampler)
{
	return !sampler->call && (!sampler->sink.ready || sampler->sink.ready(sampler->sink.user));
}

void cs_sampler_turn(struct cs_sampler *sampler, struct cs_time now)
{
	sampler->now = now;
	sampler->transport->ops->turn(sampler->transport, now);
	if (now.boot >= sampler->due && may_begin(sampler))
		begin_round(sampler);
}

int64_t cs_sampler_deadline(const struct cs_sampler *sampler)
{
	int64_t deadline = sampler->transport->ops->deadline(sampler->transport);
	if (may_begin(sampler) && sampler->due < deadline)
		deadline = sampler->due;
	return deadline;
}

void cs_sampler_wait(struct cs_sampler *sampler, struct cs_time now, int64_t timeout)
{
	int64_t deadline = cs_sampler_deadline(sampler);
	int64_t wait = deadline > now.boot ? deadline - now.boot : 0;
	sampler->transport->ops->wait(sampler->transport, wait < timeout ? wait : timeout);
}

void cs_sampler_wakeup(struct cs_sampler *sampler)
{
	sampler->transport->ops->wakeup(sampler->transport);
}
