// The main program of c-sched: reads what it is told, then runs the daemon.
// Neighbours: options.c is the command line, config_file.c the file, lib/daemon the rest.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <csched/base/log.h>
#include <csched/base/memory.h>
#include <csched/daemon/daemon.h>
#include <csched/plugins/list.h>

#include "config_file.h"
#include "explain.h"
#include "extender_config.h"
#include "options.h"
#include "probe.h"
#include "simulate.h"

static int fail(const struct cs_error *err)
{
	fprintf(stderr, "c-sched: %s\n", err->text);
	return EXIT_FAILED;
}

static void warn(void *user, const char *text)
{
	cs_log_warning((const struct cs_log *)user, text);
}

static int load_endpoint(const struct options *options, const struct cs_config *config,
			 struct cs_endpoint *ret, struct cs_error *err)
{
	struct cs_kubeconfig_sources sources =
		cs_kubeconfig_environment(config->client_connection.kubeconfig, options->master);
	return cs_kubeconfig_load(&sources, ret, err);
}

static struct cs_daemon_extender extender_of(const struct options *options)
{
	int port = (int)options->extender.port;
	return (struct cs_daemon_extender){
		.address = options->extender.address,
		.port = port > 0 ? port : CS_DAEMON_PORT_NONE,
		.certificate_file = options->extender.certificate_file,
		.key_file = options->extender.key_file,
		.client_ca_file = options->extender.client_ca_file,
		.allowed_names = options->extender.allowed_names,
		.allow_unauthenticated = options->extender.allow_unauthenticated,
		.bind = options->extender.bind,
		.timeout = options->extender.timeout,
		.profile = options->extender.profile,
	};
}

static enum cs_daemon_lookup lookup_of(const struct options *options)
{
	if (options->skip_lookup)
		return CS_DAEMON_LOOKUP_NONE;
	return options->tolerate_lookup_failure ? CS_DAEMON_LOOKUP_TRY : CS_DAEMON_LOOKUP_MUST;
}

static int run(const struct options *options, const struct cs_config *config,
	       const struct cs_log *log)
{
	struct cs_endpoint endpoint = { 0 };
	struct cs_error err = { 0 };
	int r = load_endpoint(options, config, &endpoint, &err);
	int port = options->port > 0 ? (int)options->port : CS_DAEMON_PORT_NONE;
	if (r == 0)
		r = cs_daemon_run(
			&(struct cs_daemon_options){
				.config = config,
				.endpoint = &endpoint,
				.log = log,
				.serving = { .address = options->address,
					     .port = options->any_port ? CS_DAEMON_PORT_FREE : port,
					     .certificate_file = options->certificate_file,
					     .key_file = options->key_file,
					     .tls13 = options->tls_version == 1,
					     .client_ca_file = options->client_ca_file,
					     .proxies = options->proxies,
					     .lookup = lookup_of(options),
					     .open_paths = options->open_paths,
					     .loopback = options->loopback,
					     .token_ttl = options->token_ttl,
					     .allowed_ttl = options->allowed_ttl,
					     .denied_ttl = options->denied_ttl,
					     .port_file = options->port_file },
				.extender = extender_of(options),
				.plugins = cs_plugins,
				.emit_events = options->emit_events,
				.n_decisions = (uint32_t)options->decisions,
				.version = CSCHED_VERSION,
			},
			&err);
	cs_endpoint_finish(&endpoint);
	return r < 0 ? fail(&err) : r;
}

static int serve(const struct options *options)
{
	struct cs_error err = { 0 };
	struct cs_config *config = NULL;
	struct cs_log log = { .fd = STDERR_FILENO,
			      .verbosity = (int)options->verbosity,
			      .format = (enum cs_log_format)options->log_format,
			      .clock = cs_clock_system() };

	if (cs_daemon_prepare(&err) < 0)
		return fail(&err);
	if (config_file_read(options->config, &config) != 0)
		return EXIT_FAILED;
	options_apply(options, config, warn, &log);
	for (uint32_t i = 0; i < config->n_warnings; i++)
		cs_log_warning(&log, config->warnings[i]);
	// With what the flags made of the file.
	int status = cs_config_check_leader_election(config, &err) < 0 ? fail(&err)
								       : run(options, config, &log);
	cs_config_destroy(config);
	return status;
}

// What was printed must have arrived: a full disk is no success.
static int close_output(int status)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	fprintf(stderr, "c-sched: standard output: %s\n", strerror(errno));
	return status == EXIT_ENDED ? EXIT_FAILED : status;
}

static int run_as_told(const struct options *options)
{
	if (options->help) {
		options_help();
		return EXIT_ENDED;
	}
	if (options->version) {
		puts("c-sched " CSCHED_VERSION);
		return EXIT_ENDED;
	}
	if (options->extender_config) {
		extender_config_print(options);
		return EXIT_ENDED;
	}
	if (options->probe)
		return probe_main(options);
	return options->check ? config_file_check(options->check) : serve(options);
}

static int run_command(int argc, char **argv)
{
	struct options options;
	struct cs_error err;
	int status = EXIT_USAGE;

	if (argc > 1 && strcmp(argv[1], "simulate") == 0)
		return simulate_main((const char **)argv + 1);
	if (argc > 1 && strcmp(argv[1], "explain") == 0)
		return explain_main((const char **)argv + 1);
	if (options_parse((const char **)argv, &options, &err) < 0)
		fprintf(stderr, "c-sched: %s\nSee 'c-sched --help'.\n", err.text);
	else
		status = run_as_told(&options);
	options_finish(&options);
	return status;
}

int main(int argc, char **argv)
{
	return close_output(run_command(argc, argv));
}
