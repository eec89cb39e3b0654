// The flag table: every type, both spellings, every error. Neighbours: lib/base/flags.c.
#include "../check_main.h"

#include <csched/base/clock.h>
#include <csched/base/flags.h>
#include <csched/base/memory.h>
#include <errno.h>
#include <string.h>

struct values {
	bool elect;
	bool dry;
	int64_t level;
	double qps;
	int64_t wait;
	const char *file;
	int format;
	struct cs_flag_strings names;
	const char *paths;
};

static const struct cs_flag flags[] = {
	{ "elect", 0, "One", NULL, "true", NULL, "Elect.", offsetof(struct values, elect),
	  CS_FLAG_BOOL, false, 0, 0 },
	{ "dry", 0, "One", NULL, "false", NULL, "Dry.", offsetof(struct values, dry), CS_FLAG_BOOL,
	  false, 0, 0 },
	{ "v", 'v', "Two", "LEVEL", "0", NULL, "Level of detail.", offsetof(struct values, level),
	  CS_FLAG_INTEGER, false, 0, 10 },
	{ "qps", 0, "Two", "N", "50", NULL, "Rate.", offsetof(struct values, qps), CS_FLAG_NUMBER,
	  false, 0, 1000000 },
	{ "wait", 0, "Two", "DURATION", "15s", NULL, "Wait.", offsetof(struct values, wait),
	  CS_FLAG_DURATION, false, CS_SECOND, 3600 * CS_SECOND },
	{ "file", 'f', "Two", "FILE", "", NULL, "A file.", offsetof(struct values, file),
	  CS_FLAG_STRING, false, 0, 0 },
	{ "format", 0, "Two", NULL, "text", "text|json", "How.", offsetof(struct values, format),
	  CS_FLAG_CHOICE, false, 0, 0 },
	{ "name", 'n', "Two", "NAME", "", NULL, "Names.", offsetof(struct values, names),
	  CS_FLAG_STRINGS, true, 0, 0 },
	{ "path", 0, "Two", "PATHS", "/a,/b", NULL, "Paths.", offsetof(struct values, paths),
	  CS_FLAG_LIST, false, 0, 0 },
	{ 0 },
};

#define ARGUMENTS_MAX 8

struct parsed {
	struct values values;
	struct cs_flags_result result;
	struct cs_error error;
	const char *argv[ARGUMENTS_MAX];
	int code;
};

static void finish(struct parsed *parsed)
{
	cs_flags_finish(flags, &parsed->values);
}
#define AUTO_PARSED __attribute__((cleanup(finish)))

static void parse(struct parsed *parsed, const char *const *arguments)
{
	finish(parsed);
	memset(parsed, 0, sizeof(*parsed));
	int argc = 0;
	parsed->argv[argc++] = "program";
	for (; arguments && *arguments; arguments++)
		parsed->argv[argc++] = *arguments;
	parsed->code = cs_flags_parse(flags, parsed->argv, &parsed->values, &parsed->result,
				      &parsed->error);
}
#define PARSE(parsed, ...) parse(parsed, (const char *const[]){ __VA_ARGS__ __VA_OPT__(, ) NULL })

START_TEST(defaults)
{
	AUTO_PARSED struct parsed p = { 0 };
	PARSE(&p);
	ck_assert_int_eq(p.code, 0);
	ck_assert(p.values.elect);
	ck_assert(!p.values.dry);
	ck_assert_int_eq(p.values.level, 0);
	ck_assert_double_eq(p.values.qps, 50);
	ck_assert_int_eq(p.values.wait, 15 * CS_SECOND);
	ck_assert_str_eq(p.values.file, "");
	ck_assert_int_eq(p.values.format, 0);
	ck_assert_uint_eq(p.result.given, 0);
	ck_assert_int_eq(p.result.n_rest, 0);
}
END_TEST

START_TEST(both_spellings)
{
	AUTO_PARSED struct parsed p = { 0 };
	PARSE(&p, "--elect=false", "--dry", "--qps", "12.5", "--wait=1m30s", "-v", "2");
	ck_assert_int_eq(p.code, 0);
	ck_assert(!p.values.elect);
	ck_assert(p.values.dry);
	ck_assert_double_eq(p.values.qps, 12.5);
	ck_assert_int_eq(p.values.wait, 90 * CS_SECOND);
	ck_assert_int_eq(p.values.level, 2);
	ck_assert(cs_flags_given(flags, &p.result, "elect"));
	ck_assert(cs_flags_given(flags, &p.result, "v"));
	ck_assert(!cs_flags_given(flags, &p.result, "file"));
	ck_assert(!cs_flags_given(flags, &p.result, "no such flag"));

	PARSE(&p, "-v=3", "--file=a=b", "--format=json");
	ck_assert_int_eq(p.values.level, 3);
	ck_assert_str_eq(p.values.file, "a=b");
	ck_assert_int_eq(p.values.format, 1);

	PARSE(&p, "-v4", "-f", "x", "--v=5", "--file=");
	ck_assert_int_eq(p.values.level, 5);
	ck_assert_str_eq(p.values.file, "");
}
END_TEST

START_TEST(the_rest)
{
	AUTO_PARSED struct parsed p = { 0 };
	PARSE(&p, "check", "--dry", "file.yaml", "-", "--", "--qps");
	ck_assert_int_eq(p.code, 0);
	ck_assert_int_eq(p.result.n_rest, 4);
	ck_assert_str_eq(p.result.rest[0], "check");
	ck_assert_str_eq(p.result.rest[1], "file.yaml");
	ck_assert_str_eq(p.result.rest[2], "-");
	ck_assert_str_eq(p.result.rest[3], "--qps");

	// As with kube-scheduler's flags, a bool takes a value only behind '='.
	PARSE(&p, "--elect", "false");
	ck_assert(p.values.elect);
	ck_assert_int_eq(p.result.n_rest, 1);
}
END_TEST

static const struct {
	const char *arguments[2];
	const char *words;
} wrong[] = {
	{ { "--nonsense" }, "unknown flag: --nonsense" },
	{ { "--nonsense=1" }, "unknown flag: --nonsense" },
	{ { "--ele" }, "unknown flag: --ele" },
	{ { "-x" }, "unknown flag: -x" },
	{ { "--elect=maybe" }, "--elect: \"maybe\" is neither true nor false" },
	{ { "--elect=" }, "--elect: \"\" is neither true nor false" },
	{ { "-v", "two" }, "--v: \"two\" is not a whole number" },
	{ { "-v=1.5" }, "--v: \"1.5\" is not a whole number" },
	{ { "-v= 1" }, "--v: \" 1\" is not a whole number" },
	{ { "-v=" }, "--v: \"\" is not a whole number" },
	{ { "-v=11" }, "--v: 11 is not between 0 and 10" },
	{ { "-v=99999999999999999999" }, "--v: 99999999999999999999 is not between 0 and 10" },
	{ { "--v" }, "--v needs a value: LEVEL" },
	{ { "--qps=fast" }, "--qps: \"fast\" is not a number" },
	{ { "--qps=nan" }, "--qps: \"nan\" is not a number" },
	{ { "--qps=-1" }, "--qps: -1 is not between 0 and 1000000" },
	{ { "--wait=15" }, "--wait: \"15\" is not a duration such as 15s, 1m30s or 500ms" },
	{ { "--wait=" }, "--wait: \"\" is not a duration such as 15s, 1m30s or 500ms" },
	{ { "--wait=500ms" }, "--wait: 500ms is not between 1s and 3600s" },
	{ { "--file" }, "--file needs a value: FILE" },
	{ { "--format=xml" }, "--format: \"xml\" is none of text|json" },
	{ { "--format=tex" }, "--format: \"tex\" is none of text|json" },
};

START_TEST(errors)
{
	AUTO_PARSED struct parsed p = { 0 };
	PARSE(&p, wrong[_i].arguments[0], wrong[_i].arguments[1]);
	ck_assert_int_eq(p.code, -EINVAL);
	ck_assert_str_eq(p.error.text, wrong[_i].words);
}
END_TEST

START_TEST(help)
{
	CS_AUTO_FREE char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	cs_flags_help("Usage.\n", flags, "\nThe rest.\n", out);
	fclose(out);
	ck_assert_str_eq(text, "Usage.\n"
			       "\nOne:\n"
			       "      --elect\n        Elect. (default true)\n"
			       "      --dry\n        Dry.\n"
			       "\nTwo:\n"
			       "  -v, --v=LEVEL\n        Level of detail. (default 0)\n"
			       "      --qps=N\n        Rate. (default 50)\n"
			       "      --wait=DURATION\n        Wait. (default 15s)\n"
			       "  -f, --file=FILE\n        A file.\n"
			       "      --format=text|json\n        How. (default text)\n"
			       "  -n, --name=NAME\n        Names.\n"
			       "      --path=PATHS\n        Paths. (default /a,/b)\n"
			       "\nThe rest.\n");
}
END_TEST

START_TEST(a_flag_that_may_be_given_again)
{
	AUTO_PARSED struct parsed parsed = { 0 };
	PARSE(&parsed, "dry");
	ck_assert_uint_eq(parsed.values.names.n, 0);
	PARSE(&parsed, "-n", "a", "--name=b", "-n", "-");
	ck_assert_int_eq(parsed.code, 0);
	ck_assert_uint_eq(parsed.values.names.n, 3);
	ck_assert_str_eq(parsed.values.names.values[0], "a");
	ck_assert_str_eq(parsed.values.names.values[1], "b");
	ck_assert_str_eq(parsed.values.names.values[2], "-");

	static const char *argv[CS_FLAG_STRINGS_MAX + 3];
	argv[0] = "program";
	for (size_t i = 1; i <= CS_FLAG_STRINGS_MAX + 1; i++)
		argv[i] = "--name=x";
	struct cs_error err = { 0 };
	ck_assert_int_eq(cs_flags_parse(flags, argv, &parsed.values, &parsed.result, &err),
			 -EINVAL);
	ck_assert_str_eq(err.text, "--name: given more than 256 times");
}
END_TEST

// As a string slice of pflag.
START_TEST(a_list_adds_up)
{
	AUTO_PARSED struct parsed p = { 0 };
	PARSE(&p, "--dry");
	ck_assert_str_eq(p.values.paths, "/a,/b");
	PARSE(&p, "--path=/c,/d");
	ck_assert_str_eq(p.values.paths, "/c,/d");
	PARSE(&p, "--path=/c", "--path", "/d,/e", "--path=/f");
	ck_assert_str_eq(p.values.paths, "/c,/d,/e,/f");
	PARSE(&p, "--path=");
	ck_assert_str_eq(p.values.paths, "");
	PARSE(&p, "--path=", "--path=/c");
	ck_assert_str_eq(p.values.paths, "/c");
	PARSE(&p, "--path=/c", "--nonsense");
	ck_assert_int_eq(p.code, -EINVAL);
}
END_TEST

START_TEST(beside_the_main_flag)
{
	AUTO_PARSED struct parsed p = { 0 };
	const char *one = flags[0].section, *two = flags[2].section;
	PARSE(&p, "--elect", "--file=x", "-v1");
	ck_assert_ptr_null(cs_flags_given_beside(flags, &p.result, one, "elect"));
	ck_assert_str_eq(cs_flags_given_beside(flags, &p.result, one, "dry"), "elect");
	ck_assert_str_eq(cs_flags_given_beside(flags, &p.result, two, "v"), "file");
}
END_TEST

START_TEST(standard_input_is_read_once)
{
	AUTO_PARSED struct parsed p = { 0 };
	PARSE(&p, "--file=-", "--name=-", "--name=x", "--file=-", "-");
	ck_assert_int_eq(p.code, 0); // a file that is written
	PARSE(&p, "--name=x", "--name=-", "-n-");
	ck_assert_int_eq(p.code, -EINVAL);
	ck_assert_str_eq(p.error.text, "--name: standard input (-) can be read only once");
}
END_TEST

START_TEST(a_table_has_an_end)
{
	struct cs_flag table[CS_FLAGS_MAX + 2] = { 0 };
	struct cs_flags_result result;
	struct cs_error err = { 0 };
	struct values values = { 0 };
	const char *argv[] = { "program", NULL };
	for (size_t i = 0; i < CS_FLAGS_MAX; i++)
		table[i] = flags[0];
	ck_assert_int_eq(cs_flags_parse(table, argv, &values, &result, &err), 0);
	table[CS_FLAGS_MAX] = flags[0];
	ck_assert_int_eq(cs_flags_parse(table, argv, &values, &result, &err), -EINVAL);
	ck_assert_str_eq(err.text, "more than 64 flags");
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("flags");
	TCase *tcase = tcase_create("flags");
	tcase_add_test(tcase, defaults);
	tcase_add_test(tcase, both_spellings);
	tcase_add_test(tcase, the_rest);
	tcase_add_loop_test(tcase, errors, 0, (int)CS_ARRAY_LENGTH(wrong));
	tcase_add_test(tcase, help);
	tcase_add_test(tcase, a_flag_that_may_be_given_again);
	tcase_add_test(tcase, a_list_adds_up);
	tcase_add_test(tcase, beside_the_main_flag);
	tcase_add_test(tcase, standard_input_is_read_once);
	tcase_add_test(tcase, a_table_has_an_end);
	suite_add_tcase(suite, tcase);
	return suite;
}
