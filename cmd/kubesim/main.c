// kubesim: a Kubernetes API server small enough to start inside a test.
// Neighbours: lib/sim does everything; this wires options, clock, log and signals.
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <csched/base/file.h>
#include <csched/base/memory.h>

#include "options.h"

#define FILE_MAX (256u << 20)

static int load_file(struct cs_sim *sim, const char *path, struct cs_error *err,
		     int (*load)(struct cs_sim *sim, const char *name, struct cs_slice text,
				 struct cs_error *err))
{
	CS_AUTO_FREE char *text = NULL;
	size_t size;
	int result = cs_file_read(path, FILE_MAX, &text, &size, err);
	if (!result)
		result = load(sim, path, (struct cs_slice){ text, size }, err);
	return result;
}

// Readers never see half of it: the name appears with the whole content.
static int write_file(const char *path, struct cs_slice text, struct cs_error *err)
{
	CS_AUTO_FREE char *temporary = cs_asprintf("%s.tmp", path);
	FILE *file = fopen(temporary, "w");
	if (!file)
		return cs_error_errno(err, -errno, "%s", temporary);
	bool written = fwrite(text.data, 1, text.size, file) == text.size;
	if (fclose(file) || !written || rename(temporary, path))
		return cs_error_errno(err, -errno, "%s", path);
	return 0;
}

static int write_outputs(const struct cs_sim *sim, const struct options *options,
			 struct cs_error *err)
{
	CS_AUTO_BUFFER struct cs_buffer text;
	cs_buffer_init(&text, 1u << 20);
	int result = 0;
	if (*options->kubeconfig_out) {
		cs_sim_kubeconfig(sim, &text);
		result = write_file(options->kubeconfig_out, cs_buffer_slice(&text), err);
	}
	if (!result && *options->port_file) {
		cs_buffer_clear(&text);
		(void)cs_buffer_printf(&text, "%u\n", cs_sim_port(sim));
		result = write_file(options->port_file, cs_buffer_slice(&text), err);
	}
	return result;
}

static int prepare(struct cs_sim *sim, const struct options *options, struct cs_error *err)
{
	int result = 0;
	if (*options->faults)
		result = load_file(sim, options->faults, err, cs_sim_set_faults);
	for (uint32_t i = 0; i < options->manifests.n && !result; i++)
		result = load_file(sim, options->manifests.values[i], err, cs_sim_load);
	if (!result)
		result = write_outputs(sim, options, err);
	return result;
}

static int serve(const struct options *options, const sigset_t *ends, struct cs_error *err)
{
	struct cs_sim *sim;
	int result = cs_sim_create(&options->sim, &sim, err);
	if (result)
		return result;
	result = prepare(sim, options, err);
	if (!result) {
		printf("kubesim is serving on %s\n", cs_sim_url(sim));
		(void)fflush(stdout);
		int signal_number;
		(void)sigwait(ends, &signal_number);
	}
	cs_sim_destroy(sim);
	return result;
}

// What was printed must have arrived: a full disk is no success.
static int close_output(void)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return 0;
	fprintf(stderr, "kubesim: standard output: %s\n", strerror(errno));
	return 1;
}

int main(int argc, char **argv)
{
	(void)argc;
	struct options options;
	struct cs_error err = { 0 };
	if (options_read((const char **)argv, &options, &err) < 0) {
		fprintf(stderr, "kubesim: %s\nSee 'kubesim --help'.\n", err.text);
		return 2;
	}
	if (options.help) {
		options_help();
		return close_output();
	}
	if (options.version) {
		puts("kubesim " CSCHED_VERSION);
		return close_output();
	}
	// Blocked before any thread exists, so that main alone receives them.
	sigset_t ends;
	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGINT);
	pthread_sigmask(SIG_BLOCK, &ends, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
	struct cs_log log = { .fd = STDERR_FILENO,
			      .verbosity = (int)options.verbosity,
			      .clock = cs_clock_system() };
	options.sim.clock = log.clock;
	options.sim.log = &log;
	if (serve(&options, &ends, &err)) {
		fprintf(stderr, "kubesim: %s\n", err.text);
		return 1;
	}
	return 0;
}
