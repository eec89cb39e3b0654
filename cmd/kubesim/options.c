// Reading the command line by a table that also prints --help. Neighbours: options.h.
#include "options.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <csched/base/memory.h>

enum kind { TEXT, NUMBER, MILLISECONDS, SECONDS, FLAG, LIST };

struct row {
	const char *name;
	const char *argument; // NULL for flags
	enum kind kind;
	size_t offset; // in struct options
	int64_t min;
	int64_t max;
	const char *help;
};

#define AT(member) offsetof(struct options, member)

static const struct row rows[] = {
	{ "address", "IP", TEXT, AT(sim.address), 0, 0, "address to listen on (127.0.0.1)" },
	{ "port", "N", NUMBER, AT(port), 0, 65535, "port to listen on; 0 takes a free one (0)" },
	{ "port-file", "FILE", TEXT, AT(port_file), 0, 0,
	  "write the port there once it is listening" },
	{ "kubeconfig-out", "FILE", TEXT, AT(kubeconfig_out), 0, 0,
	  "write a kubeconfig that reaches this server" },
	{ "nodes", "N", NUMBER, AT(nodes), 0, 100000, "synthetic nodes to begin with (0)" },
	{ "zones", "N", NUMBER, AT(zones), 1, 1000, "zones they are spread over (1)" },
	{ "seed", "N", NUMBER, AT(seed), 0, INT64_MAX,
	  "of their sizes and of all random names (1)" },
	{ "manifest", "FILE", LIST, AT(manifests), 0, 0,
	  "load these objects at start; may be given again" },
	{ "faults", "FILE", TEXT, AT(faults), 0, 0, "fault rules (lib/sim/README.md)" },
	{ "tls", NULL, FLAG, AT(sim.tls), 0, 0, "serve HTTPS with a certificate made on the spot" },
	{ "token", "TOKEN", TEXT, AT(sim.token), 0, 0,
	  "refuse clients that do not send this bearer token" },
	{ "history", "N", NUMBER, AT(history), 1, 10000000,
	  "changes kept per resource for watches (20000)" },
	{ "kubelet-delay", "MS", MILLISECONDS, AT(sim.kubelet_delay), -1, 3600000,
	  "from binding to Running; -1 = nothing ever runs (200)" },
	{ "bookmark-interval", "S", SECONDS, AT(sim.bookmark_interval), 1, 86400,
	  "between two bookmarks of a quiet watch (60)" },
	{ "load", NULL, FLAG, AT(sim.load.on), 0, 0,
	  "pods and nodes use something: metrics.k8s.io, /metrics/nodes" },
	{ "load-annotations", NULL, FLAG, AT(sim.load.annotations), 0, 0,
	  "with --load: nodes carry it as annotations load.c-sched.io/..." },
	{ "load-interval", "MS", MILLISECONDS, AT(sim.load.interval), 10, 3600000,
	  "between two samples of a node (10000)" },
	{ "load-delay", "MS", MILLISECONDS, AT(sim.load.delay), 0, 3600000,
	  "until a sample can be read; at most the interval (0)" },
	{ "load-ramp", "MS", MILLISECONDS, AT(sim.load.ramp), 0, 3600000,
	  "until a new pod uses all that it will (30000)" },
	{ "load-noise", "PERCENT", NUMBER, AT(noise), 0, 100,
	  "that CPU and connections swing to both sides (5)" },
	{ "threads", "N", NUMBER, AT(threads), 1, 64, "threads that answer requests (2)" },
	{ "v", "N", NUMBER, AT(verbosity), 0, 10, "log level; 4 logs every request (0)" },
	{ "help", NULL, FLAG, AT(help), 0, 0, "print this and exit" },
	{ "version", NULL, FLAG, AT(version), 0, 0, "print the version and exit" },
};

void options_print_help(void)
{
	puts("kubesim: a small Kubernetes API server for demos and tests.\n\n"
	     "usage: kubesim [--flag value | --flag=value]...\n");
	for (size_t i = 0; i < CS_ARRAY_LENGTH(rows); i++) {
		char flag[48];
		(void)snprintf(flag, sizeof(flag), "--%s%s%s", rows[i].name,
			       rows[i].argument ? " " : "",
			       rows[i].argument ? rows[i].argument : "");
		printf("  %-24s %s\n", flag, rows[i].help);
	}
	puts("\nIt ends on SIGTERM and SIGINT with exit status 0; 1 means it could not start, 2 "
	     "that\n"
	     "the command line is wrong.");
}

static const struct row *find_row(const char *name, size_t size)
{
	for (size_t i = 0; i < CS_ARRAY_LENGTH(rows); i++)
		if (strlen(rows[i].name) == size && memcmp(rows[i].name, name, size) == 0)
			return &rows[i];
	return NULL;
}

static int read_number(const struct row *row, const char *text, int64_t *ret, struct cs_error *err)
{
	char *end;
	errno = 0;
	long long value = strtoll(text, &end, 10);
	if (*end || end == text || errno || value < row->min || value > row->max)
		return cs_error_set(err, -EINVAL, "--%s %s: not a number from %lld to %lld",
				    row->name, text, (long long)row->min, (long long)row->max);
	*ret = value;
	return 0;
}

static int store(const struct row *row, const char *value, struct options *options,
		 struct cs_error *err)
{
	char *at = (char *)options + row->offset;
	int64_t number = 0;
	int result;
	switch (row->kind) {
	case TEXT:
		memcpy(at, &value, sizeof(value));
		return 0;
	case FLAG:
		*(bool *)(void *)at = true;
		return 0;
	case LIST:
		if (options->n_manifests == MANIFESTS_MAX)
			return cs_error_set(err, -EINVAL, "--%s: more than %d", row->name,
					    MANIFESTS_MAX);
		options->manifests[options->n_manifests++] = value;
		return 0;
	case NUMBER:
	case MILLISECONDS:
	case SECONDS:
		result = read_number(row, value, &number, err);
		if (result)
			return result;
		number *= row->kind == MILLISECONDS ? CS_MILLISECOND
			  : row->kind == SECONDS    ? CS_SECOND
						    : 1;
		memcpy(at, &number, sizeof(number));
		return 0;
	}
	return -EINVAL;
}

static void fill_sim_options(struct options *options)
{
	options->sim.port = (uint16_t)options->port;
	options->sim.nodes = (unsigned)options->nodes;
	options->sim.zones = (unsigned)options->zones;
	options->sim.seed = (uint64_t)options->seed;
	options->sim.history = (size_t)options->history;
	options->sim.threads = (unsigned)options->threads;
	options->sim.load.noise = (double)options->noise / 100;
}

int options_read(int argc, char **argv, struct options *ret, struct cs_error *err)
{
	*ret = (struct options){ .sim.kubelet_delay = 200 * CS_MILLISECOND,
				 .sim.load = { .interval = 10 * CS_SECOND, .ramp = 30 * CS_SECOND },
				 .noise = 5 };
	for (int i = 1; i < argc; i++) {
		const char *name = argv[i];
		if (name[0] != '-' || name[1] == 0)
			return cs_error_set(err, -EINVAL, "%s: not a flag", name);
		name += name[1] == '-' ? 2 : 1;
		size_t size = strcspn(name, "=");
		const struct row *row = find_row(name, size);
		if (!row)
			return cs_error_set(err, -EINVAL, "%s: unknown flag", argv[i]);
		const char *value = name[size] ? name + size + 1 : NULL;
		if (row->argument && !value && i + 1 < argc)
			value = argv[++i];
		if (row->argument && !value)
			return cs_error_set(err, -EINVAL, "--%s: needs a value", row->name);
		if (!row->argument && value)
			return cs_error_set(err, -EINVAL, "--%s: takes no value", row->name);
		int result = store(row, value ? value : "", ret, err);
		if (result)
			return result;
	}
	if (ret->sim.load.delay > ret->sim.load.interval)
		return cs_error_set(err, -EINVAL, "--load-delay is longer than --load-interval");
	fill_sim_options(ret);
	return 0;
}
