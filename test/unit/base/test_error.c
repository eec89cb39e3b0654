// Tests of the error object: words, cutting, prefixes.
// Neighbours: lib/base/error.c.
#include "../check_main.h"

#include <csched/base/error.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

START_TEST(set_fills_and_returns_the_code)
{
	struct cs_error err = { 0 };
	ck_assert_int_eq(cs_error_set(&err, -EINVAL, "%s: not a %s", "spec.x", "quantity"),
			 -EINVAL);
	ck_assert_int_eq(err.code, -EINVAL);
	ck_assert_str_eq(err.text, "spec.x: not a quantity");
}
END_TEST

START_TEST(nobody_has_to_ask_for_words)
{
	ck_assert_int_eq(cs_error_set(NULL, -EIO, "lost"), -EIO);
	ck_assert_int_eq(cs_error_errno(NULL, -EIO, "lost"), -EIO);
	ck_assert_int_lt(cs_error_prefix(NULL, "lost"), 0);
}
END_TEST

START_TEST(errno_adds_the_systems_words)
{
	struct cs_error err;
	ck_assert_int_eq(cs_error_errno(&err, -ENOENT, "%s", "/etc/x"), -ENOENT);
	ck_assert_str_eq(err.text, "/etc/x: No such file or directory");
}
END_TEST

START_TEST(prefixes_stack)
{
	struct cs_error err;
	cs_error_set(&err, -ERANGE, "too large");
	ck_assert_int_eq(cs_error_prefix(&err, "containers[%d]", 3), -ERANGE);
	ck_assert_int_eq(cs_error_prefix(&err, "spec"), -ERANGE);
	ck_assert_str_eq(err.text, "spec: containers[3]: too large");
	ck_assert_int_eq(err.code, -ERANGE);
}
END_TEST

START_TEST(text_may_be_made_of_itself)
{
	struct cs_error err;
	cs_error_set(&err, -EIO, "inner");
	cs_error_set(&err, -EPROTO, "outer (%s)", err.text);
	ck_assert_str_eq(err.text, "outer (inner)");
	ck_assert_int_eq(err.code, -EPROTO);
}
END_TEST

START_TEST(long_words_are_cut_with_a_mark)
{
	char words[3 * CS_ERROR_TEXT_MAX];
	struct cs_error err;
	memset(words, 'x', sizeof(words) - 1);
	words[sizeof(words) - 1] = '\0';
	cs_error_set(&err, -EINVAL, "%s", words);
	ck_assert_uint_eq(strlen(err.text), CS_ERROR_TEXT_MAX - 1);
	ck_assert_str_eq(err.text + CS_ERROR_TEXT_MAX - 6, "x ...");

	// The longest that fits stays whole.
	words[CS_ERROR_TEXT_MAX - 1] = '\0';
	cs_error_set(&err, -EINVAL, "%s", words);
	ck_assert_str_eq(err.text, words);

	// The system's words and the inner text survive long words before them.
	memset(words, 'y', sizeof(words) - 1);
	cs_error_errno(&err, -ENOENT, "%s", words);
	ck_assert_ptr_nonnull(strstr(err.text, "y ...: No such file"));
	cs_error_set(&err, -EINVAL, "inner");
	cs_error_prefix(&err, "%s", words);
	ck_assert_ptr_nonnull(strstr(err.text, "y ...: inner"));
}
END_TEST

START_TEST(never_cut_inside_a_character)
{
	for (int shift = 0; shift < 4; shift++) {
		char words[2 * CS_ERROR_TEXT_MAX] = "";
		struct cs_error err;
		size_t n = 0;
		for (int i = 0; i < shift; i++)
			words[n++] = 'a';
		for (; n + 3 < sizeof(words); n += 3)
			memcpy(words + n, "\xE2\x82\xAC", 4); // the euro sign
		cs_error_set(&err, -EINVAL, "%s", words);
		size_t length = strlen(err.text);
		ck_assert_str_eq(err.text + length - 4, " ...");
		ck_assert_int_eq((unsigned char)err.text[length - 5], 0xAC);
	}
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("error");
	TCase *tc = tcase_create("error");
	tcase_add_test(tc, set_fills_and_returns_the_code);
	tcase_add_test(tc, nobody_has_to_ask_for_words);
	tcase_add_test(tc, errno_adds_the_systems_words);
	tcase_add_test(tc, prefixes_stack);
	tcase_add_test(tc, text_may_be_made_of_itself);
	tcase_add_test(tc, long_words_are_cut_with_a_mark);
	tcase_add_test(tc, never_cut_inside_a_character);
	suite_add_tcase(suite, tc);
	return suite;
}
