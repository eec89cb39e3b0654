// Tables and files. Neighbours: report.h.
#include "report.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <csched/base/memory.h>

static const struct {
	enum outcome outcome;
	const char *name;
	int digits;
	double blur; // differences below it are none: the last digit that is printed
} columns[] = {
	{ MAX_USE, "highest use", 3, 0.001 },  { DEVIATION, "deviation", 4, 0.0001 },
	{ HOT, "minutes > 90 %", 2, 0.01 },    { IMBALANCE, "imbalance", 3, 0.001 },
	{ RESPONSE, "p99 response", 2, 0.01 },
};
#define COLUMNS CS_ARRAY_LENGTH(columns)

double report_mean(const struct runs *runs, enum outcome outcome)
{
	double sum = 0;
	for (uint32_t i = 0; i < runs->n; i++)
		sum += runs->outcomes[i][outcome];
	return sum / runs->n;
}

// Student's t for 97.5 %, by degrees of freedom.
static double student(uint32_t degrees)
{
	static const double t[] = { 12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306,
				    2.262,  2.228, 2.201, 2.179, 2.160, 2.145, 2.131, 2.120,
				    2.110,  2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064,
				    2.060,  2.056, 2.052, 2.048, 2.045, 2.042 };
	return degrees <= CS_ARRAY_LENGTH(t) ? t[degrees - 1] : 1.96 + 2.4 / degrees;
}

static double interval(const double *values, uint32_t n)
{
	double mean = 0, squares = 0;
	if (n < 2)
		return 0;
	for (uint32_t i = 0; i < n; i++)
		mean += values[i] / n;
	for (uint32_t i = 0; i < n; i++)
		squares += pow(values[i] - mean, 2);
	return student(n - 1) * sqrt(squares / (n - 1) / n);
}

double report_interval(const struct runs *runs, enum outcome outcome)
{
	double values[SEEDS_MAX];
	for (uint32_t i = 0; i < runs->n; i++)
		values[i] = runs->outcomes[i][outcome];
	return interval(values, runs->n);
}

bool report_is_less(const struct runs *runs, const struct runs *than, enum outcome outcome)
{
	double values[SEEDS_MAX];
	for (uint32_t i = 0; i < runs->n; i++)
		values[i] = runs->outcomes[i][outcome] - than->outcomes[i][outcome];
	double difference = report_mean(than, outcome) - report_mean(runs, outcome);
	return runs->n > 1 && difference > interval(values, runs->n);
}

// Who leaves pods without a node has less to carry: it is not compared.
static bool is_compared(const struct runs *runs)
{
	return report_mean(runs, UNPLACED) < 1;
}

// Of the first n; NULL where none is compared.
static const struct runs *best_of(const struct runs *runs, uint32_t n, enum outcome outcome)
{
	const struct runs *best = NULL;
	for (uint32_t i = 0; i < n; i++)
		if (is_compared(&runs[i]) &&
		    (!best || report_mean(&runs[i], outcome) < report_mean(best, outcome)))
			best = &runs[i];
	return best;
}

static const struct runs *ours_of(const struct result *result)
{
	return &result->runs[result->n_players - 1];
}

// By more than 2 %, and more than what is printed.
static bool is_beaten(const struct result *result, size_t column)
{
	enum outcome outcome = columns[column].outcome;
	const struct runs *best = best_of(result->runs, result->n_players - 1, outcome);
	double ours = report_mean(ours_of(result), outcome);
	return !is_compared(ours_of(result)) ||
	       (best && ours > report_mean(best, outcome) * 1.02 + columns[column].blur / 2);
}

// What a summary counts.
struct tally {
	uint32_t reached;
	uint32_t less; // than the best of the others, beyond chance
	uint32_t more;
};

static void print_summary_cell(const struct result *result, size_t column, struct tally *tally)
{
	enum outcome outcome = columns[column].outcome;
	const struct runs *ours = ours_of(result);
	const struct runs *best = best_of(result->runs, result->n_players - 1, outcome);
	bool beaten = is_beaten(result, column);
	tally->reached += !beaten;
	tally->less += best && report_is_less(ours, best, outcome);
	tally->more += best && report_is_less(best, ours, outcome);
	printf(" %.*f%s (%.*f %s) |", columns[column].digits, report_mean(ours, outcome),
	       beaten ? " **!**" : "", columns[column].digits,
	       best ? report_mean(best, outcome) : NAN, best ? best->player : "none");
}

static void print_cell(const struct result *result, const struct runs *runs, size_t column)
{
	enum outcome outcome = columns[column].outcome;
	char text[64];
	bool best = runs == best_of(result->runs, result->n_players, outcome);
	bool beaten = runs == ours_of(result) && is_beaten(result, column);
	snprintf(text, sizeof(text), "%.*f ±%.*f%s", columns[column].digits,
		 report_mean(runs, outcome), columns[column].digits, report_interval(runs, outcome),
		 best     ? "*"
		 : beaten ? "!"
			  : " ");
	printf("  %19s", text); // ± is two bytes
}

void report_table(const struct result *result)
{
	printf("\n%s: %s\n%-16s", result->scenario->name, result->scenario->about, "");
	for (size_t c = 0; c < COLUMNS; c++)
		printf("  %18s", columns[c].name);
	printf("\n");
	for (uint32_t i = 0; i < result->n_players; i++) {
		const struct runs *runs = &result->runs[i];
		printf("%-16s", runs->player);
		for (size_t c = 0; c < COLUMNS; c++)
			print_cell(result, runs, c);
		if (!is_compared(runs))
			printf("  left %.0f pods unplaced: not compared",
			       report_mean(runs, UNPLACED));
		printf("\n");
	}
}

void report_summary(const struct result *results, uint32_t n)
{
	struct tally tally = { 0 };
	printf("\nc-sched, and the best of the others; **!** where that is better by more than "
	       "2 %%\n\n| scenario |");
	for (size_t c = 0; c < COLUMNS; c++)
		printf(" %s |", columns[c].name);
	printf("\n|---|");
	for (size_t c = 0; c < COLUMNS; c++)
		printf("---|");
	printf("\n");
	for (uint32_t i = 0; i < n; i++) {
		printf("| %s |", results[i].scenario->name);
		for (size_t c = 0; c < COLUMNS; c++)
			print_summary_cell(&results[i], c, &tally);
		printf("\n");
	}
	printf("\n%u of %zu cells best or within 2 %% of the best; beyond chance, %u better than "
	       "the best of the others, %u worse\n",
	       tally.reached, n * COLUMNS, tally.less, tally.more);
}

// ---- files for plot.gp ----

static int open_file(const char *directory, const char *name, FILE **ret, struct cs_error *err)
{
	CS_AUTO_FREE char *path = cs_asprintf("%s/%s.dat", directory, name);
	*ret = fopen(path, "we");
	return *ret ? 0 : cs_error_errno(err, -errno, "%s", path);
}

// No scenario's name makes it that of another file.
static int open_use(const char *directory, const char *scenario, FILE **ret, struct cs_error *err)
{
	CS_AUTO_FREE char *name = cs_asprintf("use-%s", scenario);
	for (char *c = name; *c; c++)
		*c = *c == ' ' ? '-' : *c;
	return open_file(directory, name, ret, err);
}

// A block per player: a line per moment, a column per node.
static void write_series(FILE *file, const struct runs *runs)
{
	const struct series *series = &runs->series;
	fprintf(file, "\"%s\"\n", runs->player);
	for (uint32_t i = 0; i < series->n; i++) {
		fprintf(file, "%u", i * SERIES_STEP);
		for (uint32_t n = 0; n < series->n_nodes; n++)
			fprintf(file, " %.4f", series->use[(size_t)i * series->n_nodes + n]);
		fprintf(file, "\n");
	}
	fprintf(file, "\n\n");
}

static int write_result(const char *directory, const struct result *result, FILE *imbalance,
			struct cs_error *err)
{
	FILE *file;
	int r = open_use(directory, result->scenario->name, &file, err);
	if (r < 0)
		return r;
	fprintf(imbalance, "\"%s\"\n", result->scenario->name);
	for (uint32_t i = 0; i < result->n_players; i++) {
		const struct runs *runs = &result->runs[i];
		write_series(file, runs);
		fprintf(imbalance, "\"%s\" %.4f %.4f\n", runs->player, report_mean(runs, IMBALANCE),
			report_interval(runs, IMBALANCE));
	}
	fprintf(imbalance, "\n\n");
	return fclose(file) == 0 ? 0 : cs_error_errno(err, -errno, "%s", directory);
}

int report_plots(const char *directory, const struct result *results, uint32_t n,
		 struct cs_error *err)
{
	FILE *imbalance;
	int r = open_file(directory, "imbalance", &imbalance, err);
	if (r < 0)
		return r;
	for (uint32_t i = 0; r == 0 && i < n; i++)
		r = write_result(directory, &results[i], imbalance, err);
	if (fclose(imbalance) != 0 && r == 0)
		r = cs_error_errno(err, -errno, "%s", directory);
	return r;
}
