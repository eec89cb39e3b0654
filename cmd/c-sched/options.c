// The command line of c-sched: its table, and what its flags change in the configuration.
// Neighbours: main.c acts on it; base/flags.h parses.
#include "options.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <csched/base/clock.h>
#include <csched/base/log.h>
#include <csched/base/memory.h>

#include "config_file.h"

#define HOUR (3600 * CS_SECOND)

#define IN(member) offsetof(struct options, member)

static const char general[] = "General";
static const char api[] = "API server";
static const char election[] = "Leader election";
static const char serving[] = "Serving";
static const char extender[] = "Extender";
static const char logging[] = "Logging";

// Names and meanings are kube-scheduler's where it has the flag.
static const struct cs_flag table[] = {
	{ .name = "config",
	  .section = general,
	  .value = "FILE",
	  .initial = "",
	  .type = CS_FLAG_STRING,
	  .offset = IN(config),
	  .input = true,
	  .help = "KubeSchedulerConfiguration to read (kubescheduler.config.k8s.io/v1). Without "
		  "it, one profile with the default plugins serves pods with schedulerName "
		  "c-sched." },
	{ .name = "pod-max-in-unschedulable-pods-duration",
	  .section = general,
	  .value = "DURATION",
	  .initial = "5m",
	  .type = CS_FLAG_DURATION,
	  .min = CS_SECOND,
	  .max = 24 * HOUR,
	  .offset = IN(max_unschedulable),
	  .help = "A pod that could not be scheduled is tried again after this time at the latest, "
		  "even if nothing seems to have changed for it." },
	{ .name = "emit-events",
	  .section = general,
	  .initial = "true",
	  .type = CS_FLAG_BOOL,
	  .offset = IN(emit_events),
	  .help = "Write Events (Scheduled, FailedScheduling). With false the only traces in the "
		  "cluster are the pods' conditions." },
	{ .name = "decisions",
	  .section = general,
	  .value = "N",
	  .initial = "4096",
	  .type = CS_FLAG_INTEGER,
	  .min = 1,
	  .max = 1000000,
	  .offset = IN(decisions),
	  .help = "How many of the last decisions /debug/decisions remembers." },
	{ .name = "probe",
	  .section = general,
	  .initial = "false",
	  .type = CS_FLAG_BOOL,
	  .offset = IN(probe),
	  .help = "With check-config: ask each source of load figures in FILE once, and say for "
		  "each metric which nodes it matches, how old its figures are, and what is "
		  "implausible. Nodes are listed at --master or --kubeconfig." },
	CS_FLAG_HELP(general, IN(help)),
	CS_FLAG_VERSION(general, IN(version)),

	{ .name = "kubeconfig",
	  .section = api,
	  .value = "FILE",
	  .initial = "",
	  .type = CS_FLAG_STRING,
	  .offset = IN(kubeconfig),
	  .help = "Kubeconfig with the API server and our credentials. Without it $KUBECONFIG, "
		  "then the pod's service account. Ignored with --config: "
		  "clientConnection.kubeconfig counts." },
	{ .name = "master",
	  .section = api,
	  .value = "URL",
	  .initial = "",
	  .type = CS_FLAG_STRING,
	  .offset = IN(master),
	  .help = "Address of the API server; overrides the kubeconfig's." },
	{ .name = "kube-api-qps",
	  .section = api,
	  .value = "N",
	  .initial = "50",
	  .type = CS_FLAG_NUMBER,
	  .min = 0,
	  .max = 1000000,
	  .offset = IN(qps),
	  .help = "Writes per second to the API server, 0 for no limit. Ignored with --config: "
		  "clientConnection.qps counts." },
	{ .name = "kube-api-burst",
	  .section = api,
	  .value = "N",
	  .initial = "100",
	  .type = CS_FLAG_INTEGER,
	  .min = 1,
	  .max = 1000000,
	  .offset = IN(burst),
	  .help = "Writes that may go out at once. Ignored with --config: clientConnection.burst "
		  "counts." },

	{ .name = "leader-elect",
	  .section = election,
	  .initial = "true",
	  .type = CS_FLAG_BOOL,
	  .offset = IN(elect),
	  .help = "Schedule only while holding the Lease, so that several replicas can run. These "
		  "flags override the configuration file." },
	{ .name = "leader-elect-lease-duration",
	  .section = election,
	  .value = "DURATION",
	  .initial = "15s",
	  .type = CS_FLAG_DURATION,
	  .min = CS_SECOND,
	  .max = HOUR,
	  .offset = IN(lease_duration),
	  .help = "How long a replica waits after the last renewal it saw before it takes the "
		  "Lease over. Whole seconds." },
	{ .name = "leader-elect-renew-deadline",
	  .section = election,
	  .value = "DURATION",
	  .initial = "10s",
	  .type = CS_FLAG_DURATION,
	  .min = CS_MILLISECOND,
	  .max = HOUR,
	  .offset = IN(renew_deadline),
	  .help = "How long the holder tries to renew before it gives up and exits." },
	{ .name = "leader-elect-retry-period",
	  .section = election,
	  .value = "DURATION",
	  .initial = "2s",
	  .type = CS_FLAG_DURATION,
	  .min = CS_MILLISECOND,
	  .max = HOUR,
	  .offset = IN(retry_period),
	  .help = "The time between two tries." },
	{ .name = "leader-elect-resource-name",
	  .section = election,
	  .value = "NAME",
	  .initial = "c-sched",
	  .type = CS_FLAG_STRING,
	  .offset = IN(lease_name),
	  .help = "Name of the Lease." },
	{ .name = "leader-elect-resource-namespace",
	  .section = election,
	  .value = "NAME",
	  .initial = "kube-system",
	  .type = CS_FLAG_STRING,
	  .offset = IN(lease_namespace),
	  .help = "Namespace of the Lease." },

	{ .name = "bind-address",
	  .section = serving,
	  .value = "IP",
	  .initial = "0.0.0.0",
	  .type = CS_FLAG_STRING,
	  .offset = IN(address),
	  .help = "Address to serve HTTPS on." },
	{ .name = "secure-port",
	  .section = serving,
	  .value = "PORT",
	  .initial = "10259",
	  .type = CS_FLAG_INTEGER,
	  .min = 0,
	  .max = 65535,
	  .offset = IN(port),
	  .help = "Port to serve HTTPS on, 0 for none: /healthz /livez /readyz /metrics /configz "
		  "/explain /debug/decisions /debug/cluster." },
	{ .name = "any-port",
	  .section = serving,
	  .initial = "false",
	  .type = CS_FLAG_BOOL,
	  .offset = IN(any_port),
	  .help = "Serve HTTPS on a free port instead of --secure-port; for tests, with "
		  "--port-file." },
	{ .name = "port-file",
	  .section = serving,
	  .value = "FILE",
	  .initial = "",
	  .type = CS_FLAG_STRING,
	  .offset = IN(port_file),
	  .help = "File to write the port's number to once we listen." },
	{ .name = "tls-cert-file",
	  .section = serving,
	  .value = "FILE",
	  .initial = "",
	  .type = CS_FLAG_STRING,
	  .offset = IN(certificate_file),
	  .help = "Certificate to serve with, PEM. Without one a self-signed one is made in "
		  "memory." },
	{ .name = "tls-private-key-file",
	  .section = serving,
	  .value = "FILE",
	  .initial = "",
	  .type = CS_FLAG_STRING,
	  .offset = IN(key_file),
	  .help = "Private key of --tls-cert-file, PEM." },
	{ .name = "tls-min-version",
	  .section = serving,
	  .initial = "VersionTLS12",
	  .choices = "VersionTLS12|VersionTLS13",
	  .type = CS_FLAG_CHOICE,
	  .offset = IN(tls_version),
	  .help = "Oldest version of TLS to speak." },
	{ .name = "client-ca-file",
	  .section = serving,
	  .value = "FILE",
	  .initial = "",
	  .type = CS_FLAG_STRING,
	  .offset = IN(client_ca_file),
	  .help = "CA certificates, PEM: a client that shows a certificate signed by one of them "
		  "is the user of its common name, in the groups of its organizations. Without "
		  "this flag those in the API server's ConfigMap "
		  "kube-system/extension-apiserver-authentication." },
	{ .name = "requestheader-client-ca-file",
	  .section = serving,
	  .value = "FILE",
	  .initial = "",
	  .type = CS_FLAG_STRING,
	  .offset = IN(proxies.client_ca_file),
	  .help = "CA certificates, PEM: a client that shows a certificate signed by one "
		  "of them is a proxy, and says in headers who asks. Without this flag those in "
		  "that ConfigMap, with what it says in the place of the next five flags." },
	{ .name = "requestheader-allowed-names",
	  .section = serving,
	  .value = "NAMES",
	  .initial = "",
	  .type = CS_FLAG_LIST,
	  .offset = IN(proxies.names.allowed),
	  .help = "Common names of such proxies, separated by commas; without any, all "
		  "may." },
	{ .name = "requestheader-username-headers",
	  .section = serving,
	  .value = "HEADERS",
	  .initial = "x-remote-user",
	  .type = CS_FLAG_LIST,
	  .offset = IN(proxies.names.user_headers),
	  .help = "Headers that name the user, separated by commas: the first that is "
		  "there counts." },
	{ .name = "requestheader-uid-headers",
	  .section = serving,
	  .value = "HEADERS",
	  .initial = "",
	  .type = CS_FLAG_LIST,
	  .offset = IN(proxies.names.uid_headers),
	  .help = "The same for the user's UID." },
	{ .name = "requestheader-group-headers",
	  .section = serving,
	  .value = "HEADERS",
	  .initial = "x-remote-group",
	  .type = CS_FLAG_LIST,
	  .offset = IN(proxies.names.group_headers),
	  .help = "Headers that name a group each, separated by commas: all count." },
	{ .name = "requestheader-extra-headers-prefix",
	  .section = serving,
	  .value = "PREFIXES",
	  .initial = "x-remote-extra-",
	  .type = CS_FLAG_LIST,
	  .offset = IN(proxies.names.extra_prefixes),
	  .help = "What headers begin with, separated by commas, that say more about the "
		  "user: the rest of the name, in lower case, is the key." },
	{ .name = "authentication-skip-lookup",
	  .section = serving,
	  .initial = "false",
	  .type = CS_FLAG_BOOL,
	  .offset = IN(skip_lookup),
	  .help = "Do not look into that ConfigMap." },
	{ .name = "authentication-tolerate-lookup-failure",
	  .section = serving,
	  .initial = "true",
	  .type = CS_FLAG_BOOL,
	  .offset = IN(tolerate_lookup_failure),
	  .help = "Go on where it cannot be read at the start, and try again: until then no "
		  "certificate of a client says who it is." },
	{ .name = "authentication-token-webhook-cache-ttl",
	  .section = serving,
	  .value = "DURATION",
	  .initial = "10s",
	  .type = CS_FLAG_DURATION,
	  .max = HOUR,
	  .offset = IN(token_ttl),
	  .help = "How long to remember whose a bearer token is." },
	{ .name = "authorization-webhook-cache-authorized-ttl",
	  .section = serving,
	  .value = "DURATION",
	  .initial = "10s",
	  .type = CS_FLAG_DURATION,
	  .max = HOUR,
	  .offset = IN(allowed_ttl),
	  .help = "How long to remember that the API server allowed a request." },
	{ .name = "authorization-webhook-cache-unauthorized-ttl",
	  .section = serving,
	  .value = "DURATION",
	  .initial = "10s",
	  .type = CS_FLAG_DURATION,
	  .max = HOUR,
	  .offset = IN(denied_ttl),
	  .help = "How long to remember that it did not." },
	{ .name = "authorization-always-allow-paths",
	  .section = serving,
	  .value = "PATHS",
	  .initial = "/healthz,/readyz,/livez",
	  .type = CS_FLAG_LIST,
	  .offset = IN(open_paths),
	  .help = "Paths everybody may read, separated by commas; a '*' at the end stands for all "
		  "that begin so. For others the API server is asked: who the client is "
		  "(TokenReview, unless its certificate says so), and whether it may "
		  "(SubjectAccessReview)." },
	{ .name = "authorization-always-allow-loopback",
	  .section = serving,
	  .initial = "true",
	  .type = CS_FLAG_BOOL,
	  .offset = IN(loopback),
	  .help = "Let clients on this machine (in a pod: of the pod, kubectl port-forward is "
		  "one) read all paths without asking the API server. Not those with the "
		  "certificate of a proxy, or one that is not good: they ask for others, or may." },

	{ .name = "extender-bind-address",
	  .section = extender,
	  .value = "IP",
	  .initial = "127.0.0.1",
	  .type = CS_FLAG_STRING,
	  .offset = IN(extender.address),
	  .help = "Address to answer another kube-scheduler on, as its extender. Other addresses "
		  "than this machine's own need --extender-client-ca-file." },
	{ .name = "extender-port",
	  .section = extender,
	  .value = "PORT",
	  .initial = "0",
	  .type = CS_FLAG_INTEGER,
	  .min = 0,
	  .max = 65535,
	  .offset = IN(extender.port),
	  .help = "Port of the extender, 0 for none: /filter /prioritize /preempt /bind, and "
		  "/healthz /livez /readyz." },
	{ .name = "extender-tls-cert-file",
	  .section = extender,
	  .value = "FILE",
	  .initial = "",
	  .type = CS_FLAG_STRING,
	  .offset = IN(extender.certificate_file),
	  .help = "Certificate of the extender, PEM, read again when it changes. Without one it "
		  "speaks plain HTTP." },
	{ .name = "extender-tls-key-file",
	  .section = extender,
	  .value = "FILE",
	  .initial = "",
	  .type = CS_FLAG_STRING,
	  .offset = IN(extender.key_file),
	  .help = "Private key of --extender-tls-cert-file, PEM." },
	{ .name = "extender-client-ca-file",
	  .section = extender,
	  .value = "FILE",
	  .initial = "",
	  .type = CS_FLAG_STRING,
	  .offset = IN(extender.client_ca_file),
	  .help = "Authority that must have signed the certificate of whoever calls, PEM, read "
		  "again when it changes." },
	{ .name = "extender-allowed-names",
	  .section = extender,
	  .value = "NAMES",
	  .initial = "",
	  .type = CS_FLAG_LIST,
	  .offset = IN(extender.allowed_names),
	  .help = "Common or alternative names, separated by commas, of which such a certificate "
		  "must have one. Without this flag any name will do." },
	{ .name = "extender-allow-unauthenticated",
	  .section = extender,
	  .initial = "false",
	  .type = CS_FLAG_BOOL,
	  .offset = IN(extender.allow_unauthenticated),
	  .help = "Answer whoever calls, on any address." },
	{ .name = "extender-timeout",
	  .section = extender,
	  .value = "DURATION",
	  .initial = "1s",
	  .type = CS_FLAG_DURATION,
	  .min = 10 * CS_MILLISECOND,
	  .max = 60 * CS_SECOND,
	  .offset = IN(extender.timeout),
	  .help = "When a call is answered without a decision, so that nothing changes for it: "
		  "all nodes, equal scores. Stay below the caller's httpTimeout." },
	{ .name = "extender-bind",
	  .section = extender,
	  .initial = "false",
	  .type = CS_FLAG_BOOL,
	  .offset = IN(extender.bind),
	  .help = "Answer /bind too: c-sched then writes the Bindings." },
	{ .name = "extender-profile",
	  .section = extender,
	  .value = "NAME",
	  .initial = "",
	  .type = CS_FLAG_STRING,
	  .offset = IN(extender.profile),
	  .help = "The profile, by its schedulerName, whose plugins answer. Without it LeastLoad "
		  "and LeastConnections." },

	{ .name = "v",
	  .letter = 'v',
	  .section = logging,
	  .value = "LEVEL",
	  .initial = "0",
	  .type = CS_FLAG_INTEGER,
	  .min = 0,
	  .max = 10,
	  .offset = IN(verbosity),
	  .help = "How much to log: 2 tells each decision, 3 and more tell details." },
	{ .name = "logging-format",
	  .section = logging,
	  .initial = "text",
	  .choices = "text|json", // in the order of enum cs_log_format
	  .type = CS_FLAG_CHOICE,
	  .offset = IN(log_format),
	  .help = "Log lines as klog's text or as JSON, on standard error." },
	{ 0 },
};

static const char usage[] =
	"c-sched schedules the pods of a Kubernetes cluster.\n"
	"\n"
	"Usage:\n"
	"  c-sched [flags]             run, until SIGTERM or until the lease is lost\n"
	"  c-sched check-config FILE   print the configuration that FILE (- for standard input)\n"
	"                              stands for, with all defaults, or everything wrong in it;\n"
	"                              --probe: ask its sources of load figures once\n"
	"  c-sched extender-config     print what the configuration of a kube-scheduler needs to\n"
	"                              call c-sched as its extender, with the flags given beside\n"
	"  c-sched simulate -f FILE    say where the pods in some files would run, and why not;\n"
	"                              see c-sched simulate --help\n"
	"  c-sched explain NS/NAME     ask a running c-sched why a pod is where it is; see\n"
	"                              c-sched explain --help\n";

static const char epilogue[] =
	"\n"
	"A flag with values separated by commas may be given again, and adds to them.\n"
	"\n"
	"Exit status: 0 asked to end by a signal, or check-config found no error; 1 could not "
	"start,\n"
	"lost the lease, or check-config found an error (with --probe: or a source fails); 2 the\n"
	"command line is wrong.\n";

void options_help(void)
{
	cs_flags_help(usage, table, "", stdout);
	config_file_help();
	fputs(epilogue, stdout);
}

static bool given(const struct options *options, const char *name)
{
	return cs_flags_given(table, &options->flags, name);
}

static int parse_rest(struct options *options, struct cs_error *err)
{
	const struct cs_flags_result *flags = &options->flags;
	if (flags->n_rest == 0)
		return 0;
	if (strcmp(flags->rest[0], "extender-config") == 0 && flags->n_rest == 1) {
		options->extender_config = true;
		return 0;
	}
	if (strcmp(flags->rest[0], "check-config") != 0)
		return cs_error_set(err, -EINVAL, "takes no argument \"%s\"", flags->rest[0]);
	if (flags->n_rest != 2)
		return cs_error_set(err, -EINVAL, "check-config takes one argument: FILE");
	options->check = flags->rest[1];
	return 0;
}

// What goes with what.
static int check_together(const struct options *options, struct cs_error *err)
{
	const char *vain = cs_flags_given_beside(table, &options->flags, extender, "extender-port");
	if ((*options->certificate_file == '\0') != (*options->key_file == '\0'))
		return cs_error_set(err, -EINVAL,
				    "--tls-cert-file and --tls-private-key-file need each other");
	if (options->probe && !options->check)
		return cs_error_set(err, -EINVAL, "--probe goes with check-config");
	if (options->check && *options->config)
		return cs_error_set(err, -EINVAL,
				    "--config goes without check-config, whose FILE "
				    "is an argument");
	if (vain && !options->extender_config && !given(options, "extender-port"))
		return cs_error_set(err, -EINVAL, "--%s goes with --extender-port", vain);
	return 0;
}

int options_parse(const char **argv, struct options *ret, struct cs_error *err)
{
	memset(ret, 0, sizeof(*ret));
	int r = cs_flags_parse(table, argv, ret, &ret->flags, err);
	if (r == 0 && ret->help)
		return 0; // whatever is missing
	if (r == 0)
		r = parse_rest(ret, err);
	return r < 0 ? r : check_together(ret, err);
}

void options_finish(struct options *options)
{
	cs_flags_finish(table, options);
}

static void replace(char **field, const char *value)
{
	free(*field);
	*field = cs_strdup(value);
}

static void apply_election(const struct options *options, struct cs_config *config)
{
	if (given(options, "leader-elect"))
		config->leader_election.leader_elect = options->elect;
	if (given(options, "leader-elect-lease-duration"))
		config->leader_election.lease_duration = options->lease_duration;
	if (given(options, "leader-elect-renew-deadline"))
		config->leader_election.renew_deadline = options->renew_deadline;
	if (given(options, "leader-elect-retry-period"))
		config->leader_election.retry_period = options->retry_period;
	if (given(options, "leader-elect-resource-name"))
		replace(&config->leader_election.resource_name, options->lease_name);
	if (given(options, "leader-elect-resource-namespace"))
		replace(&config->leader_election.resource_namespace, options->lease_namespace);
}

void options_apply(const struct options *options, struct cs_config *config,
		   void (*warn)(void *user, const char *text), void *user)
{
	static const char *const ignored[] = { "kubeconfig", "kube-api-qps", "kube-api-burst" };
	apply_election(options, config);
	if (given(options, "pod-max-in-unschedulable-pods-duration"))
		config->pod_max_in_unschedulable = options->max_unschedulable;
	if (config->built_in) {
		replace(&config->client_connection.kubeconfig, options->kubeconfig);
		config->client_connection.qps = options->qps;
		config->client_connection.burst = (int)options->burst;
		return;
	}
	for (size_t i = 0; i < CS_ARRAY_LENGTH(ignored); i++)
		if (given(options, ignored[i])) {
			CS_AUTO_FREE char *text = cs_asprintf(
				"--%s is ignored, as --config is given: set it in clientConnection",
				ignored[i]);
			warn(user, text);
		}
}
