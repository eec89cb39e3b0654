// A simulation of a text, for the suites of simulate. Neighbours: lib/simulate; every test_*.c
// here.
#ifndef TEST_SIMULATE_FIXTURE_H
#define TEST_SIMULATE_FIXTURE_H

#include <csched/cluster/cluster.h>
#include <csched/simulate/report.h>

// The built-in two profiles, or those of a text.
struct cs_config *fixture_config(const char *text);

struct fixture {
	struct cs_config *config;
	struct cs_simulation *simulation;
	struct cs_error error;
	int code; // of reading and preparing "cluster.yaml"
};

void fixture_read(struct fixture *fixture, const char *yaml); // and prepares
void fixture_finish(struct fixture *fixture);

struct fixture_options {
	const char *config; // NULL = the built-in one
	enum cs_report_format format;
	enum cs_report_explain explain;
	uint64_t seed; // 0 = the lowest name
};

// What is printed of a text that is good; free() it. `ret_placed` may be NULL.
char *fixture_run(const char *yaml, struct fixture_options options, bool *ret_placed);
// "pod node" per pod of the JSON lines, or "pod result: message", and compares.
void fixture_check(const char *yaml, const char *wanted);
// The error of a text that is bad.
void fixture_check_error(const char *yaml, const char *wanted);

// Three nodes n1, n2, n3 of 4 CPUs and 8 GiB for ten pods each, each a zone of its own.
#define THREE_NODES NODE("n1", "z1") NODE("n2", "z2") NODE("n3", "z3")
#define NODE(name, zone)                                                                  \
	"---\n{apiVersion: v1, kind: Node, metadata: {name: " name                        \
	", labels: {kubernetes.io/hostname: " name ", topology.kubernetes.io/zone: " zone \
	"}}, status: {capacity: {cpu: 4, memory: 8Gi, pods: 10}}}\n"
#define POD(name, spec) \
	"---\n{apiVersion: v1, kind: Pod, metadata: {name: " name "}, spec: {" spec "}}\n"
#define ASKS(cpu) "containers: [{name: a, resources: {requests: {cpu: " cpu "}}}]"

#endif
