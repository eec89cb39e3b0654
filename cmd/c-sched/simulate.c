// `c-sched simulate`: reads files, decides about their pending pods, prints what became of them.
// Neighbours: lib/simulate decides and writes; options.h has the exit statuses.
#include "simulate.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <csched/base/file.h>
#include <csched/base/flags.h>
#include <csched/base/memory.h>
#include <csched/cluster/load.h>
#include <csched/plugins/list.h>
#include <csched/simulate/report.h>

enum {
	EXIT_PLACED = 0,
	EXIT_NOT_PLACED = 1,
	EXIT_BAD_INPUT = 2, // or the command line, or what we write finds no reader
};

#define CONFIG_MAX (1u << 20)
#define INPUT_MAX  ((size_t)1 << 30) // bytes of one file

struct settings {
	bool help;
	struct cs_flag_strings files;
	const char *config;
	int output;  // enum cs_report_format
	int explain; // enum cs_report_explain
	int64_t seed;
	struct cs_flags_result flags;
};

#define IN(member) offsetof(struct settings, member)

static const char general[] = "Flags";

static const struct cs_flag table[] = {
	{ .name = "filename",
	  .letter = 'f',
	  .section = general,
	  .value = "FILE",
	  .initial = "",
	  .type = CS_FLAG_STRINGS,
	  .input = true,
	  .offset = IN(files),
	  .help = "A file with objects, - for standard input. May be given again; all files make "
		  "one cluster." },
	{ .name = "config",
	  .section = general,
	  .value = "FILE",
	  .initial = "",
	  .type = CS_FLAG_STRING,
	  .input = true,
	  .offset = IN(config),
	  .help = "KubeSchedulerConfiguration to read: its profiles decide. Without it there are "
		  "two, c-sched and default-scheduler, both with kube-scheduler's defaults." },
	{ .name = "output",
	  .letter = 'o',
	  .section = general,
	  .initial = "table",
	  .choices = "table|json|yaml", // in the order of enum cs_report_format
	  .type = CS_FLAG_CHOICE,
	  .offset = IN(output),
	  .help = "A table for people, a JSON line per pod, or a YAML document per pod." },
	{ .name = "explain",
	  .section = general,
	  .initial = "none",
	  .choices = "none|winner|all", // in the order of enum cs_report_explain
	  .type = CS_FLAG_CHOICE,
	  .offset = IN(explain),
	  .help = "What JSON and YAML tell of nodes: nothing, the chosen node with its scores, or "
		  "each node with its scores or with the plugin that rejected it and the "
		  "reasons." },
	{ .name = "seed",
	  .section = general,
	  .value = "N",
	  .initial = "0",
	  .type = CS_FLAG_INTEGER,
	  .min = 0,
	  .max = INT32_MAX,
	  .offset = IN(seed),
	  .help = "Choose among nodes of equal score by random numbers from this seed; 0 takes the "
		  "node with the lowest name." },
	CS_FLAG_HELP(general, IN(help)),
	{ 0 },
};

static const char usage[] =
	"c-sched simulate says where the pods in some files would run, and why not.\n"
	"\n"
	"Usage:\n"
	"  c-sched simulate -f FILE [-f FILE ...] [flags]\n"
	"\n"
	"It needs no cluster and changes none: files go in, decisions come out, and the same "
	"files\n"
	"give the same output, byte for byte.\n";

static const char epilogue[] =
	"\n"
	"Input:\n"
	"  What kubectl get -o yaml or -o json prints, and what one would give to kubectl apply: "
	"YAML\n"
	"  of any number of documents, JSON, Lists. Nodes, pods, namespaces, services,\n"
	"  replicationcontrollers, replicasets, statefulsets, deployments, daemonsets, jobs and\n"
	"  priorityclasses are used; other kinds are counted. The API server's defaults are filled "
	"in.\n"
	"\n"
	"  Pods with spec.nodeName run there; pods that Succeeded or Failed are not there. Pods "
	"without\n"
	"  a node whose schedulerName is a profile's are decided by priority, creationTimestamp "
	"and\n"
	"  place in the input, each seeing those before it; others without a node count for "
	"nothing.\n"
	"  A workload none of whose pods is in the input gets the pods its controller would make, "
	"a\n"
	"  DaemonSet one for each node that it may run on. They are named after their workload.\n"
	"\n"
	"  A field that Kubernetes 1.36 does not have is told of on standard error, once for a "
	"kind.\n"
	"  Not checked: what only the API server's validation and admission look at (names, "
	"quotas,\n"
	"  limit ranges, default tolerations).\n"
	"\n"
	"Output (json, yaml), a record per decided pod, in the order of decisions:\n"
	"  pod       NAMESPACE/NAME\n"
	"  result    scheduled, unschedulable, gated (it has scheduling gates), or error: a "
	"plugin\n"
	"            failed, or the pod asks for something that c-sched does not implement\n"
	"  node      where it was placed\n"
	"  message   why it was not; for unschedulable pods in kube-scheduler's words\n"
	"  feasible  how many nodes could take it\n"
	"  nodes     with --explain; by name. A rejected node has code, plugin and reasons; a "
	"feasible\n"
	"            one scores (each plugin's, before its weight) and total, if there were "
	"several\n"
	"\n"
	"Exit status: 0 all pods were placed; 1 some were not; 2 bad input (the words name file, "
	"line,\n"
	"object and field), a wrong command line, or output that could not be written.\n"
	"\n"
	"Examples:\n"
	"  kubectl get nodes,pods -A -o yaml | c-sched simulate -f - -f new-app.yaml\n"
	"  c-sched simulate -f cluster.json -o json --explain all | jq 'select(.result != "
	"\"scheduled\")'\n";

static const char built_in_config[] = "apiVersion: kubescheduler.config.k8s.io/v1\n"
				      "kind: KubeSchedulerConfiguration\n"
				      "profiles: [{schedulerName: " CS_CONFIG_BUILT_IN_PROFILE
				      "}, {schedulerName: default-scheduler}]\n";

static int fail(const struct cs_error *err, const char *hint)
{
	fprintf(stderr, "c-sched simulate: %s\n%s", err->text, hint);
	return EXIT_BAD_INPUT;
}

static int parse(const char **argv, struct settings *ret, struct cs_error *err)
{
	int r = cs_flags_parse(table, argv, ret, &ret->flags, err);
	if (r < 0 || ret->help)
		return r;
	if (ret->flags.n_rest)
		return cs_error_set(err, -EINVAL,
				    "takes no argument \"%s\": files are given with -f",
				    ret->flags.rest[0]);
	if (ret->files.n == 0)
		return cs_error_set(err, -EINVAL, "needs a file: -f FILE");
	return 0;
}

static int read_config(const char *file, struct cs_config **ret, struct cs_error *err)
{
	CS_AUTO_FREE char *text = NULL;
	size_t size = 0;
	if (!*file)
		return cs_config_read("", CS_SLICE(built_in_config), cs_plugins, ret, err);
	int r = cs_file_read(file, CONFIG_MAX, &text, &size, err);
	return r < 0 ? r
		     : cs_config_read(file, (struct cs_slice){ text, size }, cs_plugins, ret, err);
}

static int read_files(const struct settings *settings, struct cs_simulation *simulation,
		      struct cs_error *err)
{
	int r = 0;
	for (uint32_t i = 0; i < settings->files.n && r == 0; i++) {
		const char *file = settings->files.values[i];
		CS_AUTO_FREE char *text = NULL;
		size_t size = 0;
		r = cs_file_read(file, INPUT_MAX, &text, &size, err);
		if (r == 0)
			r = cs_simulation_read(simulation,
					       strcmp(file, "-") != 0 ? file : "standard input",
					       (struct cs_slice){ text, size }, err);
	}
	return r < 0 ? r : cs_simulation_prepare(simulation, err);
}

// What is wrong with an annotation, or a field that nobody knows, is no reason to stop, as it is
// none for the scheduler.
static void warn(void *user, const char *words)
{
	(void)user;
	fprintf(stderr, "c-sched simulate: %s\n", words);
}

// Past stdio, whose buffer would only hide the first error.
static int write_out(void *user, struct cs_slice bytes)
{
	(void)user;
	while (bytes.size > 0) {
		ssize_t n = write(STDOUT_FILENO, bytes.data, bytes.size);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0)
			bytes = (struct cs_slice){ bytes.data + n, bytes.size - (size_t)n };
	}
	return 0;
}

static int report(const struct settings *settings, struct cs_simulation *simulation)
{
	struct cs_random random;
	cs_random_init(&random, (uint64_t)settings->seed);
	struct cs_report *report = cs_report_create(&(struct cs_report_options){
		.simulation = simulation,
		.format = (enum cs_report_format)settings->output,
		.explain = (enum cs_report_explain)settings->explain,
		.write = write_out,
	});
	struct cs_simulation_listener listener = cs_report_listener(report);
	cs_simulation_run(simulation, settings->seed ? &random : NULL, &listener);
	int r = cs_report_end(report);
	int status = cs_report_all_placed(report) ? EXIT_PLACED : EXIT_NOT_PLACED;
	cs_report_destroy(report);
	if (r == 0)
		return status;
	struct cs_error err;
	cs_error_errno(&err, r, "standard output");
	return fail(&err, "");
}

int simulate_main(const char **argv)
{
	struct settings settings = { 0 };
	struct cs_error err = { 0 };
	struct cs_config *config = NULL;
	if (parse(argv, &settings, &err) < 0)
		return fail(&err, "See 'c-sched simulate --help'.\n");
	if (settings.help) {
		cs_flags_help(usage, table, epilogue, stdout);
		return EXIT_PLACED;
	}
	if (read_config(settings.config, &config, &err) < 0)
		return fail(&err, "");
	for (uint32_t i = 0; i < config->n_warnings; i++)
		warn(NULL, config->warnings[i]);
	struct cs_simulation *simulation = cs_simulation_create(config, CS_SIMULATION_PODS_MAX);
	cs_simulation_set_notice(simulation, warn, NULL);
	int status = read_files(&settings, simulation, &err) < 0 ? fail(&err, "")
								 : report(&settings, simulation);
	cs_simulation_destroy(simulation);
	cs_config_destroy(config);
	return status;
}
