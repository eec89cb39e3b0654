// RFC 3339: calendar, offsets, fractions, garbage. Expected seconds are from GNU date.
// Neighbours: lib/kube/timestamp.c.
#include "../check_main.h"

#include <csched/base/memory.h>
#include <csched/kube/timestamp.h>
#include <errno.h>

static const struct {
	const char *text;
	int64_t seconds;
	int32_t nanos;
} good[] = {
	{ "1970-01-01T00:00:00Z", 0, 0 },
	{ "1969-12-31T23:59:59Z", -1, 0 },
	{ "2000-02-29T12:00:00Z", 951825600, 0 },
	{ "2024-02-29T23:59:59Z", 1709251199, 0 },
	{ "2024-03-01T00:00:00Z", 1709251200, 0 },
	{ "2100-02-28T00:00:00Z", 4107456000, 0 },
	{ "2100-03-01T00:00:00Z", 4107542400, 0 },
	{ "1900-03-01T00:00:00Z", -2203891200, 0 },
	{ "2026-11-21T01:02:03Z", 1795222923, 0 },
	{ "2026-11-21T01:02:03+00:00", 1795222923, 0 },
	{ "2026-11-21T01:02:03-00:00", 1795222923, 0 },
	{ "2026-11-21T03:02:03+02:00", 1795222923, 0 },
	{ "2026-11-20T19:32:03-05:30", 1795222923, 0 },
	{ "2026-01-01T00:00:00+23:59", 1767139260, 0 },
	{ "2026-11-21T01:02:03.5Z", 1795222923, 500000000 },
	{ "2026-11-21T01:02:03.000004Z", 1795222923, 4000 },
	{ "2026-11-21T01:02:03.123456789Z", 1795222923, 123456789 },
	{ "2026-11-21T01:02:03.1234567899999Z", 1795222923, 123456789 },
	{ "2026-11-21T01:02:03.000000000000000000000001+00:00", 1795222923, 0 },
	{ "0001-01-01T00:00:00Z", -62135596800, 0 },
	{ "0000-01-01T00:00:00Z", -62167219200, 0 },
	{ "0000-02-29T00:00:00Z", -62162121600, 0 },
	{ "9999-12-31T23:59:59Z", 253402300799, 0 },
	{ "9999-12-31T23:59:59-23:59", 253402387139, 0 },
};

static const char *const bad[] = {
	"",
	"null",
	"2026-11-21",
	"2026-11-21T01:02:03",
	"2026-11-21T01:02Z",
	"2026-11-21 01:02:03Z",
	"2026-11-21t01:02:03Z",
	"2026-11-21T01:02:03z",
	"2026-11-21T01:02:03.Z",
	"2026-11-21T01:02:03,5Z",
	"2026-11-21T01:02:03.5",
	"2026-11-21T01:02:03Z ",
	" 2026-11-21T01:02:03Z",
	"2026-11-21T1:02:03Z",
	"2026-11-21T01:02:03+0200",
	"2026-11-21T01:02:03+02",
	"2026-11-21T01:02:03+24:00",
	"2026-11-21T01:02:03+02:60",
	"2026-11-21T01:02:03*02:00",
	"2026-11-21T01:02:03+0a:00",
	"2026-11-21T01:02:03+02-00",
	"2026-00-21T01:02:03Z",
	"2026-13-21T01:02:03Z",
	"2026-11-00T01:02:03Z",
	"2026-11-31T01:02:03Z",
	"2026-02-29T01:02:03Z",
	"1900-02-29T01:02:03Z",
	"2026-11-21T24:00:00Z",
	"2026-11-21T01:60:03Z",
	"2026-11-21T23:59:60Z",
	"+026-11-21T01:02:03Z",
	"20 6-11-21T01:02:03Z",
	"12026-11-21T01:02:03Z",
	"2026/11/21T01:02:03Z",
	"1795222923",
	"2026-11-21T01:02:03\xc3\xa9",
};

START_TEST(good_ones)
{
	struct cs_timestamp t;
	struct cs_error err = { 0 };
	int r = cs_timestamp_read(cs_slice_of(good[_i].text), &t, &err);
	ck_assert_msg(r == 0, "%s: %s", good[_i].text, err.text);
	ck_assert_msg(t.seconds == good[_i].seconds, "%s: %lld", good[_i].text,
		      (long long)t.seconds);
	ck_assert_int_eq(t.nanos, good[_i].nanos);
}
END_TEST

START_TEST(bad_ones)
{
	int64_t t = 7;
	struct cs_error err = { 0 };
	ck_assert_msg(cs_timestamp_parse(cs_slice_of(bad[_i]), &t, &err) == -EINVAL, "\"%s\"",
		      bad[_i]);
	ck_assert_ptr_nonnull(strstr(err.text, "not an RFC 3339 time"));
	ck_assert_int_eq(t, 7);
}
END_TEST

START_TEST(every_prefix_is_refused)
{
	static const char text[] = "2026-11-21T01:02:03.000004+02:00";
	int64_t t;
	for (size_t size = 0; size < sizeof(text) - 1; size++)
		ck_assert_int_eq(cs_timestamp_parse((struct cs_slice){ text, size }, &t, NULL),
				 -EINVAL);
	ck_assert_int_eq(cs_timestamp_parse(CS_SLICE(text), &t, NULL), 0);
}
END_TEST

START_TEST(nanoseconds_are_capped)
{
	int64_t t;
	ck_assert_int_eq(cs_timestamp_parse(CS_SLICE("2026-11-21T01:02:03.000000004Z"), &t, NULL),
			 0);
	ck_assert_int_eq(t, 1795222923000000004);
	ck_assert_int_eq(cs_timestamp_parse(CS_SLICE("9999-12-31T23:59:59Z"), &t, NULL), 0);
	ck_assert_int_eq(t, INT64_MAX);
	ck_assert_int_eq(cs_timestamp_parse(CS_SLICE("0001-01-01T00:00:00Z"), &t, NULL), 0);
	ck_assert_int_eq(t, INT64_MIN);
}
END_TEST

START_TEST(every_day_of_eight_centuries_comes_back)
{
	for (int64_t day = -100000; day < 200000; day++) {
		char text[CS_TIMESTAMP_SIZE];
		struct cs_timestamp t = { .seconds = day * 86400 + 86399 }, back;
		cs_timestamp_print_seconds(t, text);
		// Check notes every assertion, which takes longer than what is tested.
		if (cs_timestamp_read(cs_slice_of(text), &back, NULL) != 0 ||
		    back.seconds != t.seconds)
			ck_abort_msg("day %lld: %s", (long long)day, text);
	}
}
END_TEST

START_TEST(printing)
{
	char text[CS_TIMESTAMP_SIZE];
	ck_assert_str_eq(cs_timestamp_seconds(0, text), "1970-01-01T00:00:00Z");
	ck_assert_str_eq(cs_timestamp_seconds(1795222923999999999, text), "2026-11-21T01:02:03Z");
	ck_assert_str_eq(cs_timestamp_micro(1795222923000004999, text),
			 "2026-11-21T01:02:03.000004Z");
	ck_assert_str_eq(cs_timestamp_micro(-1, text), "1969-12-31T23:59:59.999999Z");
	ck_assert_str_eq(cs_timestamp_micro(INT64_MAX, text), "2262-04-11T23:47:16.854775Z");
	ck_assert_str_eq(cs_timestamp_micro(INT64_MIN, text), "1677-09-21T00:12:43.145224Z");
	ck_assert_str_eq(cs_timestamp_print_seconds((struct cs_timestamp){ -62135596800, 0 }, text),
			 "0001-01-01T00:00:00Z");
}
END_TEST

// What a hostile server may send: the text must stay inside its room.
START_TEST(printing_extremes)
{
	static const int64_t seconds[] = { INT64_MIN, INT64_MAX, 0, -1, 253402300800 };
	static const int32_t nanos[] = { INT32_MIN, INT32_MAX, -1, 999999999 };
	char text[CS_TIMESTAMP_SIZE];
	for (size_t i = 0; i < CS_ARRAY_LENGTH(seconds); i++)
		for (size_t j = 0; j < CS_ARRAY_LENGTH(nanos); j++) {
			struct cs_timestamp t = { seconds[i], nanos[j] };
			size_t size = strlen(cs_timestamp_print_micro(t, text));
			ck_assert_uint_lt(size, CS_TIMESTAMP_SIZE);
			ck_assert_int_eq(text[size - 1], 'Z');
		}
	ck_assert_str_eq(cs_timestamp_print_micro((struct cs_timestamp){ 1, -1000 }, text),
			 "1970-01-01T00:00:00.999999Z");
	ck_assert_str_eq(cs_timestamp_print_seconds((struct cs_timestamp){ 1, 2000000000 }, text),
			 "1970-01-01T00:00:03Z");
	ck_assert_str_eq(cs_timestamp_print_seconds((struct cs_timestamp){ 253402300800, 0 }, text),
			 "10000-01-01T00:00:00Z");
}
END_TEST

START_TEST(messages)
{
	Kube__Time time = KUBE__TIME__INIT;
	Kube__MicroTime micro = KUBE__MICRO_TIME__INIT;
	ck_assert_int_eq(cs_timestamp_of(NULL), 0);
	ck_assert_int_eq(cs_timestamp_of_micro(NULL), 0);
	ck_assert_int_eq(cs_timestamp_of(&time), 0);
	time.has_seconds = micro.has_seconds = 1;
	time.seconds = micro.seconds = 5;
	micro.nanos = 6000;
	ck_assert_int_eq(cs_timestamp_of(&time), 5000000000);
	ck_assert_int_eq(cs_timestamp_of_micro(&micro), 5000006000);
	time.seconds = INT64_MAX;
	ck_assert_int_eq(cs_timestamp_of(&time), INT64_MAX);
	time.seconds = INT64_MIN;
	ck_assert_int_eq(cs_timestamp_of(&time), INT64_MIN);
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("timestamp");
	TCase *tcase = tcase_create("timestamp");
	tcase_set_timeout(tcase, 60); // under sanitizers on a busy machine
	tcase_add_loop_test(tcase, good_ones, 0, CS_ARRAY_LENGTH(good));
	tcase_add_loop_test(tcase, bad_ones, 0, CS_ARRAY_LENGTH(bad));
	tcase_add_test(tcase, every_prefix_is_refused);
	tcase_add_test(tcase, nanoseconds_are_capped);
	tcase_add_test(tcase, every_day_of_eight_centuries_comes_back);
	tcase_add_test(tcase, printing);
	tcase_add_test(tcase, printing_extremes);
	tcase_add_test(tcase, messages);
	suite_add_tcase(suite, tcase);
	return suite;
}
