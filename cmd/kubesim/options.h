// The command line of kubesim as a table. Neighbours: main.c acts on it.
#ifndef KUBESIM_OPTIONS_H
#define KUBESIM_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <csched/base/flags.h>
#include <csched/sim/sim.h>

struct options {
	struct cs_sim_options sim;
	int64_t port; // these as they were read; the sim's own fields have narrower types
	int64_t nodes;
	int64_t zones;
	int64_t seed;
	int64_t history;
	int64_t threads;
	int64_t kubelet_delay;     // ms
	int64_t bookmark_interval; // s
	int64_t load_interval;     // ms
	int64_t load_delay;        // ms
	int64_t load_ramp;         // ms
	int64_t load_noise;        // percent
	int64_t verbosity;
	const char *port_file;
	const char *kubeconfig_out;
	struct cs_flag_strings manifests;
	const char *faults;
	bool help;
	bool version;
};

// Strings are those of argv. -EINVAL with words that name the flag.
int options_read(const char **argv, struct options *ret, struct cs_error *err);

// Prints --help on standard output.
void options_help(void);

#endif
