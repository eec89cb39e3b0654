// Answers to questions about the model: decisions, why a pod is where it is, what the cluster is.
// Neighbours: endpoints.c brings the questions, core.c calls; explanation.c has the longest one.
// Core thread only.
#ifndef DAEMON_ANSWER_H
#define DAEMON_ANSWER_H

#include <csched/framework/scheduler.h>

#include "daemon/message.h"

struct cs_verbs;

struct cs_answer_context {
	struct cs_scheduler *scheduler;
	struct cs_cluster *cluster;
	struct cs_verbs *verbs; // NULL = no other scheduler asks
	struct cs_time now;
	bool started; // decisions are being made
};

// Fills the response, which is as cs_http_response_init leaves it.
void cs_answer(const struct cs_answer_context *context, const struct cs_message_ask *ask,
	       struct cs_http_response *response);

// The answer about ask->pod: an object. False: nothing is known of such a pod, nothing was written.
bool cs_explanation_write(const struct cs_answer_context *context, const struct cs_message_ask *ask,
			  struct cs_json_writer *json);

// What a node has and what is taken of it, as members of an object that is open; with a pod that is
// not there (NULL = none) also what it is expected to add to the load there.
void cs_answer_node(const struct cs_cluster *cluster, uint32_t row, const struct cs_pod *pod,
		    struct cs_json_writer *json);

// "load": { METRIC: what is known of it on that row }; nothing where no metric is configured.
void cs_answer_load(const struct cs_cluster *cluster, uint32_t row, const struct cs_pod *pod,
		    struct cs_json_writer *json);

#endif
