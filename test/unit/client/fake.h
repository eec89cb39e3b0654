// A transport whose server is the test, and makers of what an API server sends.
// Neighbours: test_reflector.c, test_requests.c, test_lease.c, test_client.c; the tests of load.
#ifndef TEST_UNIT_CLIENT_FAKE_H
#define TEST_UNIT_CLIENT_FAKE_H

#include <csched/base/buffer.h>
#include <csched/base/list.h>
#include <csched/client/transport.h>
#include <csched/kube/api.h>
#include <csched/kube/kind.h>

struct cs_transport_call {
	struct cs_list link;
	struct fake *fake;
	enum cs_method method;
	char *path;
	char *accept;
	char *content_type;
	struct cs_buffer body;
	int64_t timeout;
	size_t body_max;
	bool fresh;
	const struct cs_handler *handler;
	void *user;
	struct cs_buffer in;
};

struct fake {
	struct cs_transport base;
	struct cs_list calls; // running, oldest first
	unsigned started;     // ever
	unsigned cancelled;
	unsigned destroyed;
	struct cs_time now; // what callbacks are told
	int64_t waited;     // the last timeout of wait
	bool woken;
	struct cs_transport_call *showing;
};

void fake_init(struct fake *fake);
void fake_finish(struct fake *fake); // all calls must have ended

size_t fake_count(const struct fake *fake);
struct cs_transport_call *fake_newest(const struct fake *fake); // fails the test when there is none
struct cs_transport_call *fake_find(const struct fake *fake,
				    const char *part); // of the path; or NULL

// Bytes of a 200 answer; `chunk` at a time (0 = at once). False once the call is gone.
bool fake_data(struct cs_transport_call *call, struct cs_slice bytes, size_t chunk);
// The end of an answer.
void fake_done(struct cs_transport_call *call, const struct cs_response *response);
void fake_end(struct cs_transport_call *call);                          // of a stream, as it should
void fake_break(struct cs_transport_call *call, int error, int status); // without a proper end
void fake_answer(struct cs_transport_call *call, int status, struct cs_slice protobuf);
// A refusal with a Status in its body.
struct fake_status {
	int code;
	const char *reason;
	const char *message;
	const char *cause; // NULL = none
	int retry_after;   // s; in the header and the details; 0 = none
	bool json;
};
void fake_refuse(struct cs_transport_call *call, const struct fake_status *status);

// ---- makers: each appends to a buffer that fake_buffer made ----

void fake_buffer(struct cs_buffer *buffer);

struct fake_pod {
	const char *namespace; // NULL = "default"
	const char *name;
	const char *uid;
	const char *version;
	const char *node; // NULL = unbound
	bool terminating;
};

void fake_pod(struct cs_buffer *out, const struct fake_pod *pod); // with envelope
void fake_status(struct cs_buffer *out, const struct fake_status *status);
// Puts an envelope around a packed message.
void fake_envelope(struct cs_buffer *out, const char *api_version, const char *kind,
		   struct cs_slice raw);
// A watch frame around an enveloped object.
void fake_frame(struct cs_buffer *out, const char *type, struct cs_slice object);
void fake_pod_event(struct cs_buffer *out, const char *type, const struct fake_pod *pod);
void fake_bookmark(struct cs_buffer *out, const char *version, bool end_of_initial);
void fake_error_event(struct cs_buffer *out, const struct fake_status *status);
void fake_pod_list(struct cs_buffer *out, const char *version, const char *more,
		   const struct fake_pod *pods, size_t n);

#endif
