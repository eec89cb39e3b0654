// A transport whose server is the test: one call at a time, answered by hand.
// Neighbours: test_sampler.c.
#ifndef TEST_UNIT_LOAD_FAKE_H
#define TEST_UNIT_LOAD_FAKE_H

#include <stdbool.h>

#include <csched/client/transport.h>

struct cs_call {
	enum cs_method method;
	char *path;
	char *content_type;
	char *form;
	int64_t timeout;
	size_t body_max;
	const struct cs_handler *handler;
	void *user;
};

struct fake {
	struct cs_transport base;
	struct cs_call *call; // the running one
	unsigned started;     // ever
	unsigned cancelled;
	unsigned destroyed;
	int64_t waited; // the last timeout of wait
	struct cs_time now;
};

void fake_init(struct fake *fake);
// Ends the running call, which must be there.
void fake_answer(struct fake *fake, int status, const char *body);
void fake_end(struct fake *fake, struct cs_response response);

#endif
