// Tests of log lines: klog's text, JSON, levels, escapes, the longest line, many threads.
// Neighbours: lib/base/log.c.
#include "../check_main.h"

#include <csched/base/log.h>
#include <csched/base/memory.h>
#include <csched/base/value.h>
#include <pthread.h>
#include <stdio.h>
#include <time.h>

static int ends[2];
static struct cs_log out;
static char line[40000];

static struct cs_time fixed(void *user)
{
	(void)user;
	// 2026-11-20 16:09:29.380537123 UTC
	return (struct cs_time){ .wall = INT64_C(1795190969380537123) };
}

static void setup(void)
{
	setenv("TZ", "UTC", 1);
	tzset();
	ck_assert_int_eq(pipe(ends), 0);
	out = (struct cs_log){ .fd = ends[1], .verbosity = 2, .clock = { .now = fixed } };
}

static void teardown(void)
{
	close(ends[0]);
	close(ends[1]);
}

// What was written, as a string.
static const char *written(void)
{
	close(ends[1]);
	ends[1] = -1;
	size_t size = 0;
	for (ssize_t n; (n = read(ends[0], line + size, sizeof(line) - 1 - size)) > 0;)
		size += (size_t)n;
	line[size] = '\0';
	return line;
}

START_TEST(text_line)
{
	struct cs_log_site site = { .file = "file.c", .line = 243 };
	const struct cs_log_field fields[] = { CS_LOG_STRING("pod", "default/a"),
					       CS_LOG_NUMBER("attempts", -3),
					       CS_LOG_STRING("node", NULL),
					       { 0 } };
	char want[200];
	cs_log_write(&out, site, "msg", fields);
	snprintf(want, sizeof(want),
		 "I1120 16:09:29.380537 %7d file.c:243] \"msg\" pod=\"default/a\" attempts=-3 "
		 "node=\"\"\n",
		 (int)getpid());
	ck_assert_str_eq(written(), want);
}
END_TEST

START_TEST(letters_of_severity)
{
	cs_log_info(&out, 0, "a");
	cs_log_warning(&out, "b");
	cs_log_error(&out, "c", CS_LOG_STRING("err", "lost"));
	const char *text = written();
	ck_assert_int_eq(text[0], 'I');
	ck_assert_ptr_nonnull(strstr(text, "\nW1120 "));
	ck_assert_ptr_nonnull(strstr(text, "\nE1120 "));
	ck_assert_ptr_nonnull(strstr(text, "] \"c\" err=\"lost\"\n"));
	ck_assert_ptr_nonnull(strstr(text, "test_log.c:"));
	ck_assert_ptr_null(strstr(text, "/test_log.c:")); // the base name alone
}
END_TEST

START_TEST(levels)
{
	cs_log_info(&out, 0, "zero");
	cs_log_info(&out, 2, "two");
	cs_log_info(&out, 3, "three");
	const char *text = written();
	ck_assert_ptr_nonnull(strstr(text, "zero"));
	ck_assert_ptr_nonnull(strstr(text, "two"));
	ck_assert_ptr_null(strstr(text, "three"));
}
END_TEST

START_TEST(text_escapes)
{
	cs_log_info(&out, 0, "a\"b\\", CS_LOG_STRING("k", "1\n2\t\x01\x7f\xff gr\xC3\xBC\xC3\x9F"));
	ck_assert_ptr_nonnull(strstr(written(), "] \"a\\\"b\\\\\" k=\"1\\n2\\t\\x01\\x7f\\xff "
						"gr\xC3\xBC\xC3\x9F\"\n"));
}
END_TEST

START_TEST(json_line)
{
	struct cs_log_site site = { .file = "file.c", .line = 243, .level = 2 };
	const struct cs_log_field fields[] = { CS_LOG_STRING("pod", "a\"\n\xff"),
					       CS_LOG_NUMBER("n", INT64_MIN),
					       { 0 } };
	out.format = CS_LOG_JSON;
	cs_log_write(&out, site, "msg", fields);
	ck_assert_str_eq(written(), "{\"ts\":1795190969380.537123,\"caller\":\"file.c:243\","
				    "\"msg\":\"msg\",\"v\":2,\"pod\":\"a\\\"\\n\xEF\xBF\xBD\","
				    "\"n\":-9223372036854775808}\n");
}
END_TEST

START_TEST(json_errors_have_no_level)
{
	out.format = CS_LOG_JSON;
	cs_log_error(&out, "msg", CS_LOG_STRING("err", "lost"));
	CS_AUTO_VALUE struct json_object *value = NULL;
	ck_assert_int_eq(cs_value_read_json(cs_slice_of(written()), &value, NULL), 0);
	ck_assert_str_eq(cs_value_string_at(value, "err"), "lost");
	ck_assert_ptr_null(cs_value_at(value, "v"));
}
END_TEST

START_TEST(no_fields)
{
	cs_log_write(&out, (struct cs_log_site){ .file = "f.c", .line = 1 }, "m", NULL);
	const char *text = written();
	ck_assert_ptr_nonnull(strstr(text, "f.c:1] \"m\"\n"));
}
END_TEST

// Long values are cut, fields that do not fit any more are left out, the line stays a line.
START_TEST(the_longest_line)
{
	static char words[20000];
	memset(words, _i == 0 ? 'w' : '\x01', sizeof(words) - 1);
	struct cs_log_field fields[40] = { 0 };
	for (int i = 0; i < 30; i++)
		fields[i] = CS_LOG_STRING("k", words);
	static const char *const keys[] = { "k0", "k1", "k2", "k3", "k4", "k5", "k6", "k7", "k8" };
	for (int i = 0; i < 9; i++)
		fields[i].key = keys[i];
	fields[9] = CS_LOG_NUMBER("last", 77);
	memset(&fields[10], 0, sizeof(fields[10]));
	out.format = _i == 2 ? CS_LOG_JSON : CS_LOG_TEXT;
	cs_log_write(&out, (struct cs_log_site){ .file = "f.c", .line = 1 }, "m", fields);
	const char *text = written();
	ck_assert_uint_le(strlen(text), 16384);
	ck_assert_uint_gt(strlen(text), 8192);
	ck_assert_ptr_eq(strchr(text, '\n'), text + strlen(text) - 1);
	ck_assert_ptr_nonnull(strstr(text, _i == 2 ? "\"last\":77" : " last=77"));
	if (_i == 2) {
		CS_AUTO_VALUE struct json_object *value = NULL;
		ck_assert_int_eq(cs_value_read_json(cs_slice_of(text), &value, NULL), 0);
		ck_assert_ptr_nonnull(cs_value_string_at(value, "k0"));
	}
}
END_TEST

START_TEST(cut_between_characters)
{
	static char words[3001];
	for (size_t i = 0; i < 3000; i += 3)
		memcpy(words + i, "\xE2\x82\xAC", 3);
	out.format = CS_LOG_JSON;
	cs_log_info(&out, 0, "m", CS_LOG_STRING("k", words));
	const char *text = written();
	ck_assert_ptr_null(strstr(text, "\xEF\xBF\xBD")); // nothing had to be replaced
	ck_assert_ptr_nonnull(strstr(text, "\xE2\x82\xAC\"}"));
}
END_TEST

static void *write_many(void *user)
{
	(void)user;
	for (int i = 0; i < 50; i++)
		cs_log_info(&out, 1, "from a thread", CS_LOG_NUMBER("i", i),
			    CS_LOG_STRING("k", "some words to fill the line with"));
	return NULL;
}

START_TEST(lines_of_threads_do_not_mix)
{
	pthread_t threads[4];
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, write_many, NULL), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	int lines = 0;
	char *rest;
	written();
	for (char *at = strtok_r(line, "\n", &rest); at; at = strtok_r(NULL, "\n", &rest)) {
		ck_assert(cs_string_prefix(at, "I1120 16:09:29.380537 "));
		ck_assert_str_eq(at + strlen(at) - 5, "with\"");
		lines++;
	}
	ck_assert_int_eq(lines, 200);
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("log");
	TCase *tc = tcase_create("log");
	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, text_line);
	tcase_add_test(tc, letters_of_severity);
	tcase_add_test(tc, levels);
	tcase_add_test(tc, text_escapes);
	tcase_add_test(tc, json_line);
	tcase_add_test(tc, json_errors_have_no_level);
	tcase_add_test(tc, no_fields);
	tcase_add_loop_test(tc, the_longest_line, 0, 3);
	tcase_add_test(tc, cut_between_characters);
	tcase_add_test(tc, lines_of_threads_do_not_mix);
	suite_add_tcase(suite, tc);
	return suite;
}
