// The experiment: the same pods, placed by c-sched's built-in profile and by peers' rules.
// Neighbours: world.c plays, report.c prints, cost.c measures; README.md says what all of it means.
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <csched/base/file.h>
#include <csched/base/memory.h>
#include <csched/plugins/list.h>

#include "cost.h"
#include "ours.h"
#include "policy.h"
#include "reference.h"
#include "report.h"

#define SCENARIOS_MAX 16
#define FILE_MAX      (1 << 20)
#define FIRST_MAX     1000000000

struct options {
	uint32_t seeds;
	uint32_t first;     // of the seeds
	const char *config; // NULL: the built-in profile
	const char *plots;  // directory; NULL: none
	bool summary_only;
	const char *reference; // directory of its scenarios; NULL: not asked
	bool cost;
	uint32_t n_files;
	char *files[SCENARIOS_MAX];
};

static const char usage[] =
	"Usage: load [OPTION]... [--scenario FILE]...\n"
	"Plays scenarios with c-sched's own plugins and ledger, and with the rules of others.\n"
	"  --scenario FILE   a scenario in YAML; may be repeated\n"
	"  --seeds N         runs of each (20)\n"
	"  --first N         the first of their seeds (1)\n"
	"  --config FILE     the first profile of this file instead of the built-in one\n"
	"  --plots DIR       writes what plot.gp draws\n"
	"  --summary         the last table alone\n"
	"  --reference DIR   first the two published tables, with DIR/reference_*.yaml\n"
	"  --cost            at the end what scoring and samples cost\n";

static _Noreturn void fail(const char *words)
{
	fprintf(stderr, "load: %s\n", words);
	exit(EXIT_FAILURE);
}

static struct cs_slice read_file(const char *path, char **ret)
{
	struct cs_error err;
	size_t size;
	if (cs_file_read(path, FILE_MAX, ret, &size, &err) < 0)
		fail(err.text);
	return (struct cs_slice){ *ret, size };
}

static void load_scenario(const char *path, struct scenario *ret)
{
	struct cs_error err;
	CS_AUTO_FREE char *text = NULL;
	if (scenario_read(path, read_file(path, &text), ret, &err) < 0)
		fail(err.text);
}

// Files of plots are named by scenarios.
static void load_scenarios(const struct options *options, struct scenario *ret)
{
	for (uint32_t i = 0; i < options->n_files; i++) {
		load_scenario(options->files[i], &ret[i]);
		for (uint32_t j = 0; j < i; j++)
			if (strcmp(ret[i].name, ret[j].name) == 0)
				fail(cs_asprintf("%s: name: the same as in %s", options->files[i],
						 options->files[j]));
	}
}

// ---- playing ----

static void play_rule(const struct options *options, const struct rule *rule,
		      const struct scenario *scenario, struct runs *runs)
{
	*runs = (struct runs){ .player = rule->name, .n = options->seeds };
	for (uint32_t i = 0; i < options->seeds; i++) {
		struct placer *placer = policy_create(rule, scenario, options->first + i);
		world_run(scenario, options->first + i, placer, runs->outcomes[i],
			  i == 0 ? &runs->series : NULL);
		policy_destroy(placer);
	}
}

static void play_ours(const struct options *options, const struct cs_config *config,
		      const struct scenario *scenario, struct runs *runs)
{
	*runs = (struct runs){ .player = "c-sched", .n = options->seeds };
	for (uint32_t i = 0; i < options->seeds; i++) {
		struct placer *placer = ours_create(config, options->first + i);
		world_run(scenario, options->first + i, placer, runs->outcomes[i],
			  i == 0 ? &runs->series : NULL);
		ours_destroy(placer);
	}
}

static void play(const struct options *options, const struct cs_config *config,
		 const struct scenario *scenario, struct result *ret)
{
	*ret = (struct result){ .scenario = scenario };
	ret->runs = cs_alloc_array(PLAYERS_MAX, sizeof(*ret->runs));
	for (const struct rule *rule = policy_rules; rule->name; rule++)
		play_rule(options, rule, scenario, &ret->runs[ret->n_players++]);
	play_ours(options, config, scenario, &ret->runs[ret->n_players++]);
}

static void forget(struct result *result)
{
	for (uint32_t i = 0; i < result->n_players; i++)
		free(result->runs[i].series.use);
	free(result->runs);
}

static void compare(const struct options *options, const struct cs_config *config)
{
	static struct scenario scenarios[SCENARIOS_MAX];
	struct result results[SCENARIOS_MAX];
	struct cs_error err;
	load_scenarios(options, scenarios);
	for (uint32_t i = 0; i < options->n_files; i++) {
		play(options, config, &scenarios[i], &results[i]);
		if (!options->summary_only)
			report_table(&results[i]);
		fflush(stdout);
	}
	if (options->n_files > 0)
		report_summary(results, options->n_files);
	if (options->plots && report_plots(options->plots, results, options->n_files, &err) < 0)
		fail(err.text);
	for (uint32_t i = 0; i < options->n_files; i++)
		forget(&results[i]);
}

static void reference(const char *directory)
{
	struct scenario cpu, connections;
	CS_AUTO_FREE char *first = cs_asprintf("%s/reference_cpu.yaml", directory);
	CS_AUTO_FREE char *second = cs_asprintf("%s/reference_connections.yaml", directory);
	load_scenario(first, &cpu);
	load_scenario(second, &connections);
	reference_tables(&cpu, &connections);
}

// ---- options ----

static uint32_t number(const char *option, const char *text, long max)
{
	char *end;
	errno = 0;
	long n = strtol(text, &end, 10);
	if (errno || *end || n < 1 || n > max)
		fail(cs_asprintf("%s: not from 1 to %ld", option, max));
	return (uint32_t)n;
}

static void take_option(struct options *options, int which)
{
	switch (which) {
	case 's':
		if (options->n_files == SCENARIOS_MAX)
			fail("more than 16 scenarios");
		options->files[options->n_files++] = optarg;
		break;
	case 'n':
		options->seeds = number("--seeds", optarg, SEEDS_MAX);
		break;
	case 'f':
		options->first = number("--first", optarg, FIRST_MAX);
		break;
	case 'c':
		options->config = optarg;
		break;
	case 'p':
		options->plots = optarg;
		break;
	case 'q':
		options->summary_only = true;
		break;
	case 'r':
		options->reference = optarg;
		break;
	case 'm':
		options->cost = true;
		break;
	default:
		fputs(usage, which == 'h' ? stdout : stderr);
		exit(which == 'h' ? EXIT_SUCCESS : EXIT_FAILURE);
	}
}

static void read_options(int argc, char **argv, struct options *ret)
{
	static const struct option long_options[] = {
		{ "scenario", required_argument, NULL, 's' },
		{ "seeds", required_argument, NULL, 'n' },
		{ "first", required_argument, NULL, 'f' },
		{ "config", required_argument, NULL, 'c' },
		{ "plots", required_argument, NULL, 'p' },
		{ "summary", no_argument, NULL, 'q' },
		{ "reference", required_argument, NULL, 'r' },
		{ "cost", no_argument, NULL, 'm' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int which;
	*ret = (struct options){ .seeds = 20, .first = 1 };
	while ((which = getopt_long(argc, argv, "", long_options, NULL)) != -1)
		take_option(ret, which);
	if (optind < argc)
		fail("unexpected argument: see --help");
	if (ret->n_files == 0 && !ret->reference && !ret->cost)
		fail("nothing to play: see --help");
}

int main(int argc, char **argv)
{
	struct options options;
	struct cs_error err;
	struct cs_config *config;
	struct cs_slice text = { 0 };
	CS_AUTO_FREE char *bytes = NULL;
	read_options(argc, argv, &options);
	if (options.config)
		text = read_file(options.config, &bytes);
	if (cs_config_read(options.config, text, cs_plugins, &config, &err) < 0)
		fail(err.text);
	if (options.reference)
		reference(options.reference);
	compare(&options, config);
	if (options.cost)
		cost_measure();
	cs_config_destroy(config);
	return EXIT_SUCCESS;
}
