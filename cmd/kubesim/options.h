// The command line of kubesim as a table. Neighbours: main.c acts on it.
#ifndef KUBESIM_OPTIONS_H
#define KUBESIM_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <csched/sim/sim.h>

#define MANIFESTS_MAX 64

struct options {
	struct cs_sim_options sim;
	int64_t port; // these as they were read; the sim's own fields have narrower types
	int64_t nodes;
	int64_t zones;
	int64_t seed;
	int64_t history;
	int64_t threads;
	int64_t verbosity;
	int64_t noise; // percent
	const char *port_file;
	const char *kubeconfig_out;
	const char *manifests[MANIFESTS_MAX];
	size_t n_manifests;
	const char *faults;
	bool help;
	bool version;
};

// Strings are those of argv. -EINVAL with words that name the flag.
int options_read(int argc, char **argv, struct options *ret, struct cs_error *err);
void options_print_help(void);

#endif
