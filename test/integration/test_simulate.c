// `c-sched simulate` as its users meet it: files, standard input, what it prints, exit statuses.
// Neighbours: lib/simulate's unit tests show the details; simulate/*.yaml here, each with a *.out
// of all it prints. `UPDATE=1` in the environment writes those anew: read the difference.
#include "../unit/check_main.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <csched/base/buffer.h>
#include <csched/base/memory.h>

#include "harness.h"

#define CLUSTER      "manifests/simulate/cluster.yaml"
#define APP          "manifests/examples/my-app.yaml"
#define OUT_MAX      (16u << 20)
#define ARGUMENTS    10
#define GOLDEN_FILES "test/integration/simulate/*.yaml"

static const char *run(const char *const *arguments, int *ret_status)
{
	struct harness_process *process = harness_start("c-sched", arguments);
	*ret_status = harness_wait_exit(process);
	return harness_read_file(process->log);
}

// ---- the command line ----

static const struct {
	const char *arguments[ARGUMENTS];
	int status;
	const char *words; // on standard output or error
} command_lines[] = {
	{ { "simulate", "--help" }, 0, "c-sched simulate -f FILE [-f FILE ...] [flags]" },
	{ { "simulate", "-h" }, 0, "Exit status: 0 all pods were placed" },
	{ { "--help" }, 0, "c-sched simulate -f FILE" },
	{ { "simulate" },
	  2,
	  "c-sched simulate: needs a file: -f FILE\nSee 'c-sched simulate --help'." },
	{ { "simulate", CLUSTER },
	  2,
	  "takes no argument \"" CLUSTER "\": files are given with -f" },
	{ { "simulate", "--frob" }, 2, "unknown flag: --frob" },
	{ { "simulate", "-f" }, 2, "--filename needs a value: FILE" },
	{ { "simulate", "-f", CLUSTER, "-o", "xml" }, 2, "\"xml\" is none of table|json|yaml" },
	{ { "simulate", "-f", CLUSTER, "--explain=some" },
	  2,
	  "\"some\" is none of none|winner|all" },
	{ { "simulate", "-f", CLUSTER, "--seed", "-1" }, 2, "--seed: -1 is not between 0 and" },
	{ { "simulate", "-f", "/nonexistent" },
	  2,
	  "c-sched simulate: /nonexistent: No such file or directory" },
	{ { "simulate", "-f", "/" }, 2, "c-sched simulate: /: Is a directory" },
	{ { "simulate", "-f", "Makefile" }, 2, "c-sched simulate: Makefile: line " },
	{ { "simulate", "-f", CLUSTER, "--config", "/nonexistent" },
	  2,
	  "/nonexistent: No such file" },
	{ { "simulate", "-f", CLUSTER, "--config", CLUSTER }, 2, CLUSTER },
	{ { "simulate", "-f", APP }, 1, "no nodes available to schedule pods" },
	{ { "simulate", "-f", CLUSTER }, 1, "Insufficient nvidia.com/gpu" },
	{ { "simulate", "-f", CLUSTER, "-f", CLUSTER },
	  2,
	  "Node \"node-1\": metadata.name: there is one already, in " CLUSTER ", line 6" },
	{ { "simulate", "-f", "-", "-f", "-" },
	  2,
	  "--filename: standard input (-) can be read only once" },
	{ { "simulate", "-f", "-", "--config=-" },
	  2,
	  "--config: standard input (-) can be read only once" },
	{ { "simulate", "-f", "/dev/null" }, 0, "0 pods to place: nothing to do." },
};

START_TEST(command_line)
{
	int status;
	const char *text = run(command_lines[_i].arguments, &status);
	ck_assert_msg(status == command_lines[_i].status, "%d: %s", status, text);
	ck_assert_msg(strstr(text, command_lines[_i].words) != NULL, "%s", text);
}
END_TEST

static const struct {
	const char *text;
	const char *words; // behind the file's name
} bad_files[] = {
	{ "a: [\n", "line 2: while parsing a flow node" },
	{ "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: {}}\n",
	  "line 1: Pod \"a\": spec.containers: must be a list, not an object" },
	{ "---\n---\napiVersion: v1\nkind: Node\nmetadata: {}\n",
	  "line 3: Node: metadata.name: missing" },
	{ "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {priorityClassName: x}\n",
	  "line 1: Pod \"default/a\": spec.priorityClassName: no PriorityClass \"x\" in the "
	  "input" },
};

START_TEST(bad_file)
{
	int status;
	const char *path = harness_path("bad.yaml");
	harness_write_file(path, bad_files[_i].text);
	const char *arguments[] = { "simulate", "-o", "json", "-f", CLUSTER, "-f", path, NULL };
	const char *text = run(arguments, &status);
	CS_AUTO_FREE char *wanted =
		cs_asprintf("c-sched simulate: %s: %s", path, bad_files[_i].words);
	ck_assert_int_eq(status, 2);
	// Nothing is decided where something cannot be read.
	ck_assert_msg(cs_string_prefix(text, wanted), "%s", text);
}
END_TEST

// ---- input ----

START_TEST(standard_input)
{
	int status;
	const char *by_name[] = { "simulate", "-f", CLUSTER, "-f", APP, "-o", "json", NULL };
	const char *wanted = run(by_name, &status);
	ck_assert_ptr_nonnull(freopen(CLUSTER, "r", stdin));
	const char *by_pipe[] = { "simulate", "-f", "-", "-f", APP, "-o", "json", NULL };
	ck_assert_str_eq(run(by_pipe, &status), wanted);
	ck_assert_int_eq(status, 1);
	ck_assert_ptr_nonnull(freopen("Makefile", "r", stdin));
	const char *bad[] = { "simulate", "-f", "-", NULL };
	ck_assert(cs_string_prefix(run(bad, &status), "c-sched simulate: standard input: line "));
	ck_assert_int_eq(status, 2);
}
END_TEST

START_TEST(same_bytes_every_time)
{
	int status;
	const char *seeded[] = { "simulate", "-f",        CLUSTER, "-f",     APP, "-o",
				 "json",     "--explain", "all",   "--seed", "5", NULL };
	CS_AUTO_FREE char *first = cs_strdup(run(seeded, &status));
	ck_assert_str_eq(run(seeded, &status), first);
}
END_TEST

START_TEST(profiles_of_a_file)
{
	int status;
	const char *path = harness_path("config.yaml");
	harness_write_file(path, "apiVersion: kubescheduler.config.k8s.io/v1\n"
				 "kind: KubeSchedulerConfiguration\n"
				 "profiles: [{schedulerName: mine}]\n");
	const char *arguments[] = { "simulate", "-f", CLUSTER, "--config", path, NULL };
	ck_assert_ptr_nonnull(strstr(run(arguments, &status), "0 pods to place: nothing to do."));
	ck_assert_int_eq(status, 0);
}
END_TEST

// A full disk is told, not passed over.
START_TEST(annotations_that_cannot_be_read)
{
	int status;
	const char *path = harness_path("node.yaml");
	harness_write_file(path,
			   "apiVersion: v1\nkind: Node\nmetadata:\n  name: a\n  annotations:\n"
			   "    c-sched.io/weight: heavy\n");
	const char *arguments[] = { "simulate", "-f", path, NULL };
	const char *words = run(arguments, &status);
	ck_assert_msg(strstr(words, "c-sched simulate: node a: metadata.annotations"
				    "[c-sched.io/weight]: expected an integer from 0 to 1000"),
		      "%s", words);
	ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(fields_that_are_misspelt)
{
	int status;
	const char *path = harness_path("pod.yaml");
	harness_write_file(path, "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n"
				 "spec: {nodeSelecter: {a: b}}\n");
	const char *arguments[] = { "simulate", "-f", CLUSTER, "-f", path, "-o", "json", NULL };
	const char *words = run(arguments, &status);
	CS_AUTO_FREE char *wanted =
		cs_asprintf("c-sched simulate: %s: line 1: Pod \"a\": unknown field "
			    "\"spec.nodeSelecter\": it does nothing",
			    path);
	ck_assert_msg(strstr(words, wanted), "%s", words);
	ck_assert_ptr_nonnull(strstr(words, "\"pod\":\"default/a\""));
}
END_TEST

START_TEST(output_that_cannot_be_written)
{
	int status;
	CS_AUTO_FREE char *self = realpath("/proc/self/exe", NULL);
	for (int i = 0; i < 3; i++)
		*strrchr(self, '/') = '\0';
	CS_AUTO_FREE char *command = cs_asprintf("%s/c-sched simulate -f %s >/dev/full 2>%s", self,
						 CLUSTER, harness_path("words"));
	status = system(command);
	ck_assert_int_eq(WEXITSTATUS(status), 2);
	ck_assert_str_eq(harness_read_file(harness_path("words")),
			 "c-sched simulate: standard output: No space left on device\n");
}
END_TEST

// ---- output ----

// README.md shows what the example prints.
START_TEST(readme)
{
	int status;
	const char *arguments[] = { "simulate", "-f", CLUSTER, "-f", APP, NULL };
	const char *text = run(arguments, &status);
	const char *page = harness_read_file("README.md");
	ck_assert_int_eq(status, 1);
	CS_AUTO_BUFFER struct cs_buffer wanted;
	cs_buffer_init(&wanted, OUT_MAX);
	for (const char *line = text; *line; line += strcspn(line, "\n") + 1)
		cs_buffer_printf(&wanted, "%s%.*s\n", *line == '\n' ? "" : "    ",
				 (int)strcspn(line, "\n"), line);
	ck_assert_msg(strstr(page, wanted.data) != NULL, "README.md lacks:\n%s", wanted.data);
}
END_TEST

static void append_output(struct cs_buffer *out, const char *path, const char *const *flags)
{
	int status;
	const char *arguments[ARGUMENTS] = { "simulate", "-f", path };
	cs_buffer_append_string(out, "$ c-sched simulate");
	for (int i = 0; flags[i]; i++) {
		arguments[3 + i] = flags[i];
		cs_buffer_printf(out, " %s", flags[i]);
	}
	const char *text = run(arguments, &status);
	cs_buffer_printf(out, "\n%s(exit status %d)\n\n", text, status);
}

static void check_golden(const char *path)
{
	static const char *const flags[][4] = {
		{ "--output=table" },
		{ "--output=json", "--explain=all" },
		{ "--output=yaml", "--explain=winner" },
	};
	CS_AUTO_BUFFER struct cs_buffer out;
	cs_buffer_init(&out, OUT_MAX);
	for (size_t i = 0; i < CS_ARRAY_LENGTH(flags); i++)
		append_output(&out, path, flags[i]);
	CS_AUTO_FREE char *golden =
		cs_asprintf("%.*s.out", (int)(strlen(path) - strlen(".yaml")), path);
	if (getenv("UPDATE"))
		harness_write_file(golden, out.data);
	const char *wanted = harness_read_file(golden);
	ck_assert_msg(strcmp(out.data, wanted) == 0, "%s:\n%s", path, out.data);
}

START_TEST(golden_files)
{
	glob_t found;
	ck_assert_int_eq(glob(GOLDEN_FILES, 0, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++)
		check_golden(found.gl_pathv[i]);
	globfree(&found);
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("simulate");
	TCase *tcase = tcase_create("simulate");
	tcase_add_checked_fixture(tcase, harness_setup, harness_teardown);
	tcase_set_timeout(tcase, 120);
	tcase_add_loop_test(tcase, command_line, 0, CS_ARRAY_LENGTH(command_lines));
	tcase_add_loop_test(tcase, bad_file, 0, CS_ARRAY_LENGTH(bad_files));
	tcase_add_test(tcase, standard_input);
	tcase_add_test(tcase, same_bytes_every_time);
	tcase_add_test(tcase, profiles_of_a_file);
	tcase_add_test(tcase, annotations_that_cannot_be_read);
	tcase_add_test(tcase, fields_that_are_misspelt);
	tcase_add_test(tcase, output_that_cannot_be_written);
	tcase_add_test(tcase, readme);
	tcase_add_test(tcase, golden_files);
	suite_add_tcase(suite, tcase);
	return suite;
}
