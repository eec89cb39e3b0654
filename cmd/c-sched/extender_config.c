// c-sched extender-config: the `extenders` of a KubeSchedulerConfiguration, for the flags given.
// Neighbours: options.c; README.md tells how to go on.
#include "extender_config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <csched/base/clock.h>

#define DEFAULT_PORT 10261
// Scores are 0 .. 10 and kube-scheduler adds ten times score times weight: this weighs as much as
// its heaviest plugin.
#define WEIGHT 3

static const char head[] =
	"# For kube-scheduler's configuration (--config), a KubeSchedulerConfiguration.\n"
	"extenders:\n";

static const char weight[] =
	"  # The extender adds 0 to 100 times this to a node's score; kube-scheduler's own plugins\n"
	"  # add 1200 at most. 1: where they hardly differ. 3: as the heaviest of them,\n"
	"  # TaintToleration. 12: load first.\n";

static const char tls[] =
	"  enableHTTPS: true\n"
	"  tlsConfig:\n"
	"    # Paths on kube-scheduler's side. The authority of --extender-tls-cert-file; without\n"
	"    # it kube-scheduler talks to anybody.\n"
	"    caFile: /etc/kubernetes/c-sched/ca.crt\n";

static const char client[] =
	"    # kube-scheduler's own certificate, of an authority in --extender-client-ca-file.\n"
	"    certFile: /etc/kubernetes/c-sched/client.crt\n"
	"    keyFile: /etc/kubernetes/c-sched/client.key\n";

static const char tail[] = "  # c-sched watches the nodes itself: names alone are sent.\n"
			   "  nodeCacheCapable: true\n"
			   "  # Without c-sched, kube-scheduler goes on by itself.\n"
			   "  ignorable: true\n";

static bool is_any(const char *address)
{
	return strcmp(address, "0.0.0.0") == 0 || strcmp(address, "::") == 0;
}

static void print_url(const struct options *options)
{
	const char *address = options->extender.address;
	const char *scheme = *options->extender.certificate_file ? "https" : "http";
	int64_t port = options->extender.port ? options->extender.port : DEFAULT_PORT;
	if (is_any(address))
		printf("- urlPrefix: %s://c-sched.%s.svc:%" PRId64 "\n", scheme,
		       options->lease_namespace, port);
	else if (strchr(address, ':'))
		printf("- urlPrefix: \"%s://[%s]:%" PRId64 "\"\n", scheme, address, port);
	else
		printf("- urlPrefix: %s://%s:%" PRId64 "\n", scheme, address, port);
}

void extender_config_print(const struct options *options)
{
	fputs(head, stdout);
	print_url(options);
	fputs("  filterVerb: filter\n"
	      "  prioritizeVerb: prioritize\n"
	      "  preemptVerb: preempt\n",
	      stdout);
	if (options->extender.bind)
		fputs("  bindVerb: bind\n", stdout);
	printf("%s  weight: %d\n", weight, WEIGHT);
	if (*options->extender.certificate_file)
		fputs(tls, stdout);
	if (*options->extender.certificate_file && *options->extender.client_ca_file)
		fputs(client, stdout);
	int64_t milliseconds = 2 * options->extender.timeout / CS_MILLISECOND;
	printf("  # c-sched answers within %" PRId64 " ms, whatever it is busy with.\n"
	       "  httpTimeout: %" PRId64 "ms\n",
	       milliseconds / 2, milliseconds);
	fputs(tail, stdout);
}
