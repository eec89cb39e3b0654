// `c-sched check-config --probe FILE`. Neighbours: probe.h; config_file.c reads the file.
#include "probe.h"

#include <signal.h>
#include <stdio.h>

#include <csched/daemon/probe.h>

#include "config_file.h"

#define REPORT_MAX   (1u << 20)
#define LIST_TIMEOUT (15 * CS_SECOND)

// --kubeconfig counts here, as there is no other way to name an API server for a file that is used
// elsewhere.
static int load_endpoint(const struct options *options, const struct cs_config *config,
			 struct cs_endpoint *ret, struct cs_error *err)
{
	const char *file =
		*options->kubeconfig ? options->kubeconfig : config->client_connection.kubeconfig;
	struct cs_kubeconfig_sources sources = cs_kubeconfig_environment(file, options->master);
	return cs_kubeconfig_load(&sources, ret, err);
}

static bool probe(const struct options *options, const struct cs_config *config)
{
	CS_AUTO_BUFFER struct cs_buffer out;
	struct cs_endpoint endpoint = { 0 };
	struct cs_error err = { 0 };
	int r = load_endpoint(options, config, &endpoint, &err);
	cs_buffer_init(&out, REPORT_MAX);
	bool good = cs_probe(&(struct cs_probe_options){ .config = config->load,
							 .endpoint = r < 0 ? NULL : &endpoint,
							 .no_endpoint = err.text,
							 .clock = cs_clock_system(),
							 .timeout = LIST_TIMEOUT },
			     &out);
	fputs(out.data, stdout);
	cs_endpoint_finish(&endpoint);
	return good;
}

int probe_main(const struct options *options)
{
	struct cs_config *config = NULL;
	bool good = true;
	if (config_file_read(options->check, &config) != 0)
		return EXIT_FAILED;
	signal(SIGPIPE, SIG_IGN); // the client's TLS may raise it
	if (config->load)
		good = probe(options, config);
	else
		printf("%s has no LoadConfiguration: there is no source to ask\n", options->check);
	cs_config_destroy(config);
	return good ? EXIT_ENDED : EXIT_FAILED;
}
