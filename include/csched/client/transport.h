// HTTP requests to one API server, as a small table: curl in production, a script in tests.
// Neighbours: reflector.h, requests.h and lease.h start calls; transport_curl.c performs them.
#ifndef CSCHED_CLIENT_TRANSPORT_H
#define CSCHED_CLIENT_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <csched/base/buffer.h>
#include <csched/base/clock.h>
#include <csched/base/error.h>
#include <csched/base/metric.h>
#include <csched/client/credentials.h>

enum cs_method {
	CS_METHOD_GET,
	CS_METHOD_POST,
	CS_METHOD_PUT,
	CS_METHOD_PATCH,
	CS_METHOD_DELETE,
	CS_METHOD_COUNT,
};

// How a call ended; borrowed during the callback.
struct cs_response {
	int status;          // HTTP; 0 = there was no answer
	int error;           // 0, or a negative errno when the call broke, also after a status came
	const char *message; // words for `error`; "" without one
	int64_t retry_after; // ns; 0 = not said
	bool protobuf;       // the content type of the body
	struct cs_slice body; // what the data callback has not consumed
	bool refused;         // nobody listens: "connection refused"
};

// Errors a call can end with, beside those of the network: -ECANCELED never comes (a cancelled call
// says nothing more), -ETIMEDOUT for its timeout, -EMSGSIZE for its cap.
struct cs_handler {
	// Bytes of a 2xx body have come: take what is complete off the front of `in` with
	// cs_buffer_consume. NULL: the whole body comes with `done`. It may cancel its own call.
	void (*data)(void *user, struct cs_time now, struct cs_buffer *in);
	// The call is over and forgotten.
	void (*done)(void *user, struct cs_time now, const struct cs_response *response);
};

// All strings and the body are copied by start.
struct cs_request {
	enum cs_method method;
	const char *path;         // "/api/v1/pods?limit=500", appended to the endpoint's server
	const char *accept;       // NULL = protobuf, with JSON for errors
	const char *content_type; // of the body
	struct cs_slice body;
	int64_t timeout; // ns for the whole call; 0 = none
	size_t body_max; // bytes of the response that may wait unconsumed
	bool fresh;      // on a new connection, as the old one is suspected to be dead
	const struct cs_handler *handler; // static
	void *user;
};

struct cs_transport;
struct cs_transport_call; // a running request: valid until its `done` or its cancel

// All functions but wakeup are called on one thread, callbacks come from turn alone (never from
// start or cancel), and may start and cancel calls.
struct cs_transport_ops {
	struct cs_transport_call *(*start)(struct cs_transport *transport,
					   const struct cs_request *request);
	void (*cancel)(struct cs_transport *transport, struct cs_transport_call *call);
	void (*turn)(struct cs_transport *transport, struct cs_time now);
	int64_t (*deadline)(const struct cs_transport *transport); // boot ns of its own next timer
	// Returns when there is something for turn to do, after wakeup, or after `timeout` ns.
	void (*wait)(struct cs_transport *transport, int64_t timeout);
	void (*wakeup)(struct cs_transport *transport); // any thread
	void (*destroy)(struct cs_transport *transport);
};

struct cs_transport {
	const struct cs_transport_ops *ops;
};

static inline struct cs_transport_call *cs_transport_start(struct cs_transport *transport,
							   const struct cs_request *request)
{
	return transport->ops->start(transport, request);
}

static inline void cs_transport_cancel(struct cs_transport *transport,
				       struct cs_transport_call *call)
{
	transport->ops->cancel(transport, call);
}

struct cs_transport_curl_options {
	const struct cs_endpoint *endpoint; // must outlive the transport
	struct cs_credentials *credentials; // must outlive the transport; turned by it
	struct cs_metrics *metrics;         // rest_client_*; may be NULL
	const char *user_agent;
};

// One curl multi: HTTP/2 over TLS where the server offers it, HTTP/1.1 over plain http://. The
// program must ignore SIGPIPE, which OpenSSL may raise.
struct cs_transport *cs_transport_curl_create(const struct cs_transport_curl_options *options,
					      struct cs_error *err);

#endif
