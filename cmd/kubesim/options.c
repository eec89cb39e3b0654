// The command line of kubesim as a table. Neighbours: options.h; base/flags.h parses.
#include "options.h"

#include <errno.h>

#define IN(member) offsetof(struct options, member)

static const char general[] = "The cluster";
static const char serving[] = "Serving";
static const char load[] = "Load";

static const struct cs_flag table[] = {
	{ .name = "manifest",
	  .section = general,
	  .value = "FILE",
	  .initial = "",
	  .type = CS_FLAG_STRINGS,
	  .input = true,
	  .offset = IN(manifests),
	  .help = "Load these objects at start. May be given again." },
	{ .name = "nodes",
	  .section = general,
	  .value = "N",
	  .initial = "0",
	  .type = CS_FLAG_INTEGER,
	  .min = 0,
	  .max = 100000,
	  .offset = IN(nodes),
	  .help = "Synthetic nodes to begin with." },
	{ .name = "zones",
	  .section = general,
	  .value = "N",
	  .initial = "1",
	  .type = CS_FLAG_INTEGER,
	  .min = 1,
	  .max = 1000,
	  .offset = IN(zones),
	  .help = "Zones they are spread over." },
	{ .name = "seed",
	  .section = general,
	  .value = "N",
	  .initial = "1",
	  .type = CS_FLAG_INTEGER,
	  .min = 0,
	  .max = INT64_MAX,
	  .offset = IN(seed),
	  .help = "Of their sizes and of all random names." },
	{ .name = "faults",
	  .section = general,
	  .value = "FILE",
	  .initial = "",
	  .type = CS_FLAG_STRING,
	  .input = true,
	  .offset = IN(faults),
	  .help = "Fault rules (lib/sim/README.md)." },
	{ .name = "kubelet-delay",
	  .section = general,
	  .value = "MS",
	  .initial = "200",
	  .type = CS_FLAG_INTEGER,
	  .min = -1,
	  .max = 3600000,
	  .offset = IN(kubelet_delay),
	  .help = "From binding to Running; -1: nothing ever runs." },
	{ .name = "history",
	  .section = general,
	  .value = "N",
	  .initial = "20000",
	  .type = CS_FLAG_INTEGER,
	  .min = 1,
	  .max = 10000000,
	  .offset = IN(history),
	  .help = "Changes kept per resource for watches." },
	{ .name = "bookmark-interval",
	  .section = general,
	  .value = "S",
	  .initial = "60",
	  .type = CS_FLAG_INTEGER,
	  .min = 1,
	  .max = 86400,
	  .offset = IN(bookmark_interval),
	  .help = "Between two bookmarks of a quiet watch." },
	{ .name = "v",
	  .letter = 'v',
	  .section = general,
	  .value = "LEVEL",
	  .initial = "0",
	  .type = CS_FLAG_INTEGER,
	  .min = 0,
	  .max = 10,
	  .offset = IN(verbosity),
	  .help = "How much to log; 4 logs every request." },
	CS_FLAG_HELP(general, IN(help)),
	CS_FLAG_VERSION(general, IN(version)),

	{ .name = "address",
	  .section = serving,
	  .value = "IP",
	  .initial = "127.0.0.1",
	  .type = CS_FLAG_STRING,
	  .offset = IN(sim.address),
	  .help = "Address to listen on." },
	{ .name = "port",
	  .section = serving,
	  .value = "PORT",
	  .initial = "0",
	  .type = CS_FLAG_INTEGER,
	  .min = 0,
	  .max = 65535,
	  .offset = IN(port),
	  .help = "Port to listen on; 0 takes a free one." },
	{ .name = "port-file",
	  .section = serving,
	  .value = "FILE",
	  .initial = "",
	  .type = CS_FLAG_STRING,
	  .offset = IN(port_file),
	  .help = "Write the port there once it is listening." },
	{ .name = "kubeconfig-out",
	  .section = serving,
	  .value = "FILE",
	  .initial = "",
	  .type = CS_FLAG_STRING,
	  .offset = IN(kubeconfig_out),
	  .help = "Write a kubeconfig that reaches this server." },
	{ .name = "tls",
	  .section = serving,
	  .initial = "false",
	  .type = CS_FLAG_BOOL,
	  .offset = IN(sim.tls),
	  .help = "Serve HTTPS with a certificate made on the spot." },
	{ .name = "token",
	  .section = serving,
	  .value = "TOKEN",
	  .initial = "",
	  .type = CS_FLAG_STRING,
	  .offset = IN(sim.token),
	  .help = "Refuse clients that do not send this bearer token." },
	{ .name = "threads",
	  .section = serving,
	  .value = "N",
	  .initial = "2",
	  .type = CS_FLAG_INTEGER,
	  .min = 1,
	  .max = 64,
	  .offset = IN(threads),
	  .help = "Threads that answer requests." },

	{ .name = "load",
	  .section = load,
	  .initial = "false",
	  .type = CS_FLAG_BOOL,
	  .offset = IN(sim.load.on),
	  .help = "Pods and nodes use something: metrics.k8s.io, /metrics/nodes." },
	{ .name = "load-annotations",
	  .section = load,
	  .initial = "false",
	  .type = CS_FLAG_BOOL,
	  .offset = IN(sim.load.annotations),
	  .help = "With --load: nodes carry it as annotations load.c-sched.io/..." },
	{ .name = "load-interval",
	  .section = load,
	  .value = "MS",
	  .initial = "10000",
	  .type = CS_FLAG_INTEGER,
	  .min = 10,
	  .max = 3600000,
	  .offset = IN(load_interval),
	  .help = "Between two samples of a node." },
	{ .name = "load-delay",
	  .section = load,
	  .value = "MS",
	  .initial = "0",
	  .type = CS_FLAG_INTEGER,
	  .min = 0,
	  .max = 3600000,
	  .offset = IN(load_delay),
	  .help = "Until a sample can be read; at most the interval." },
	{ .name = "load-ramp",
	  .section = load,
	  .value = "MS",
	  .initial = "30000",
	  .type = CS_FLAG_INTEGER,
	  .min = 0,
	  .max = 3600000,
	  .offset = IN(load_ramp),
	  .help = "Until a new pod uses all that it will." },
	{ .name = "load-noise",
	  .section = load,
	  .value = "PERCENT",
	  .initial = "5",
	  .type = CS_FLAG_INTEGER,
	  .min = 0,
	  .max = 100,
	  .offset = IN(load_noise),
	  .help = "That CPU and connections swing to both sides." },
	{ 0 },
};

static const char usage[] = "kubesim: a small Kubernetes API server for demos and tests.\n"
			    "\n"
			    "Usage:\n"
			    "  kubesim [flags]   run until SIGTERM or SIGINT\n";

static const char epilogue[] =
	"\n"
	"Exit status: 0 ended by a signal; 1 could not start; 2 the command line is wrong.\n";

void options_help(void)
{
	cs_flags_help(usage, table, epilogue, stdout);
}

static void fill_sim_options(struct options *options)
{
	struct cs_sim_options *sim = &options->sim;
	if (!*sim->token)
		sim->token = NULL;
	sim->port = (uint16_t)options->port;
	sim->nodes = (unsigned)options->nodes;
	sim->zones = (unsigned)options->zones;
	sim->seed = (uint64_t)options->seed;
	sim->history = (size_t)options->history;
	sim->threads = (unsigned)options->threads;
	sim->kubelet_delay = options->kubelet_delay * CS_MILLISECOND;
	sim->bookmark_interval = options->bookmark_interval * CS_SECOND;
	sim->load.interval = options->load_interval * CS_MILLISECOND;
	sim->load.delay = options->load_delay * CS_MILLISECOND;
	sim->load.ramp = options->load_ramp * CS_MILLISECOND;
	sim->load.noise = (double)options->load_noise / 100;
}

// The shape of a load that nobody makes.
static int check_load(const struct options *options, const struct cs_flags_result *flags,
		      struct cs_error *err)
{
	const char *vain = cs_flags_given_beside(table, flags, load, "load");
	if (vain && !options->sim.load.on)
		return cs_error_set(err, -EINVAL, "--%s goes with --load", vain);
	if (options->load_delay > options->load_interval)
		return cs_error_set(err, -EINVAL, "--load-delay is longer than --load-interval");
	return 0;
}

int options_read(const char **argv, struct options *ret, struct cs_error *err)
{
	struct cs_flags_result flags;
	*ret = (struct options){ 0 };
	int r = cs_flags_parse(table, argv, ret, &flags, err);
	if (r < 0 || ret->help)
		return r;
	if (flags.n_rest)
		return cs_error_set(err, -EINVAL, "takes no argument \"%s\"", flags.rest[0]);
	r = check_load(ret, &flags, err);
	if (r < 0)
		return r;
	fill_sim_options(ret);
	return 0;
}
