// Durations as Go has them. Neighbours: lib/base/duration.c.
#include <csched/base/duration.h>

#include <errno.h>

#include "../check_main.h"
#include <csched/base/clock.h>
#include <csched/base/memory.h>

static const struct {
	const char *text;
	int64_t ns;
} durations[] = {
	{ "0", 0 },
	{ "+0", 0 },
	{ "0s", 0 },
	{ "15s", 15 * CS_SECOND },
	{ "1m30s", 90 * CS_SECOND },
	{ "1h2m3s4ms5us6ns", INT64_C(3723004005006) },
	{ "1.5h", 5400 * CS_SECOND },
	{ ".5s", 500 * CS_MILLISECOND },
	{ "1.s", CS_SECOND },
	{ "100ms", 100 * CS_MILLISECOND },
	{ "3us", 3000 },
	{ "3\u00b5s", 3000 },
	{ "3\u03bcs", 3000 },
	{ "-1m", -60 * CS_SECOND },
	{ "+1m", 60 * CS_SECOND },
	{ "0.000000001s", 1 },
	{ "0.9999999999s", 999999999 },
	{ "9223372036854775807ns", INT64_MAX },
	{ "2562047h47m16.854775807s", INT64_MAX },
};

START_TEST(durations_as_go_reads_them)
{
	int64_t ns = -7;
	struct cs_error err;
	ck_assert_msg(cs_duration_parse(durations[_i].text, &ns, &err) == 0, "%s", err.text);
	ck_assert_int_eq(ns, durations[_i].ns);
}
END_TEST

static const struct {
	int64_t ns;
	const char *text;
} prints[] = {
	{ 0, "0s" },
	{ 1, "1ns" },
	{ 999, "999ns" },
	{ 1500, "1.5us" },
	{ 100 * CS_MILLISECOND, "100ms" },
	{ 1001 * CS_MICROSECOND, "1.001ms" },
	{ 15 * CS_SECOND, "15s" },
	{ 1500 * CS_MILLISECOND, "1.5s" },
	{ 60 * CS_SECOND, "1m0s" },
	{ 90 * CS_SECOND + 1, "1m30.000000001s" },
	{ 3600 * CS_SECOND, "1h0m0s" },
	{ -90 * CS_SECOND, "-1m30s" },
	{ INT64_MAX, "2562047h47m16.854775807s" },
	{ INT64_MIN, "-2562047h47m16.854775808s" },
};

START_TEST(durations_as_go_prints_them)
{
	CS_AUTO_BUFFER struct cs_buffer out;
	cs_buffer_init(&out, 64);
	cs_duration_print(&out, prints[_i].ns);
	ck_assert_str_eq(out.data, prints[_i].text);
}
END_TEST

static const char *const no_durations[] = {
	"",
	"s",
	"15",
	"1x",
	"1 s",
	"1s ",
	" 1s",
	"--1s",
	"1s1",
	".s",
	"1..5s",
	"1e3s",
	"0x1s",
	"1S",
	"9223372036854775808ns",
	"9999999999999999999999h",
	"2562047h47m16.854775808s",
	"-",
};

START_TEST(what_go_refuses)
{
	int64_t ns;
	struct cs_error err;
	ck_assert_int_eq(cs_duration_parse(no_durations[_i], &ns, &err), -EINVAL);
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("duration");
	TCase *tcase = tcase_create("duration");
	tcase_add_loop_test(tcase, durations_as_go_reads_them, 0, CS_ARRAY_LENGTH(durations));
	tcase_add_loop_test(tcase, durations_as_go_prints_them, 0, CS_ARRAY_LENGTH(prints));
	tcase_add_loop_test(tcase, what_go_refuses, 0, CS_ARRAY_LENGTH(no_durations));
	suite_add_tcase(suite, tcase);
	return suite;
}
