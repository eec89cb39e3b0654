// kubesim: a small Kubernetes API server in one process, for demos, tests and benchmarks.
// Neighbours: http listens; cmd/kubesim is its program; tests may run one inside their process.
#ifndef CSCHED_SIM_SIM_H
#define CSCHED_SIM_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <csched/base/buffer.h>
#include <csched/base/clock.h>
#include <csched/base/error.h>
#include <csched/base/log.h>
#include <csched/base/slice.h>

struct cs_sim;

// The load model (lib/sim/README.md). Values as they are; only interval has a default.
struct cs_sim_load {
	bool on;          // else there is no metrics.k8s.io, no /metrics/nodes
	bool annotations; // kubelets write their samples onto the nodes
	int64_t interval; // ns between two samples of a node; 10 s
	int64_t delay;    // ns until a sample can be read; at most interval
	int64_t ramp;     // ns until a new pod uses all that it will
	double noise;     // the part by which CPU and connections swing, 0..1
};

// Zero means the default named behind. Strings are copied or used during create only.
struct cs_sim_options {
	const char *address;       // 127.0.0.1
	uint16_t port;             // one that is free
	bool tls;                  // with a certificate made on the spot
	const char *token;         // clients must send it; NULL = anyone may do anything
	unsigned nodes;            // synthetic nodes made at start
	unsigned zones;            // they are spread over; 1
	uint64_t seed;             // of names, UIDs and the sizes of synthetic nodes; 1
	size_t history;            // changes kept per resource for watches and old lists; 20000
	int64_t kubelet_delay;     // ns from binding to Running, and from deletion to gone; 0 = at
				   // once; < 0 = there are no kubelets
	int64_t bookmark_interval; // ns; 60 s
	unsigned threads;          // that answer requests; 2
	struct cs_sim_load load;   // none
	struct cs_clock clock;     // for timestamps
	const struct cs_log *log;  // NULL = silent; must outlive the sim
};

// Serves from here on.
int cs_sim_create(const struct cs_sim_options *options, struct cs_sim **ret, struct cs_error *err);
void cs_sim_destroy(struct cs_sim *sim); // NULL is fine

// "http://127.0.0.1:34567"; valid as long as the sim.
const char *cs_sim_url(const struct cs_sim *sim);
uint16_t cs_sim_port(const struct cs_sim *sim);
// A kubeconfig that reaches it, certificate and token inside; appended to `out`.
void cs_sim_kubeconfig(const struct cs_sim *sim, struct cs_buffer *out);

// Creates the objects of a manifest (YAML or JSON) as if they were posted one by one, and says
// which one is refused. Namespaced objects without a namespace go to "default".
int cs_sim_load(struct cs_sim *sim, const char *file_name, struct cs_slice manifest,
		struct cs_error *err);
// Replaces all fault rules by those of the script (lib/sim/README.md).
int cs_sim_set_faults(struct cs_sim *sim, const char *file_name, struct cs_slice script,
		      struct cs_error *err);

#endif
