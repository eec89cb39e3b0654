// Tests of buffers: growth, the maximum, what an overflow leaves.
// Neighbours: lib/base/buffer.c.
#include "../check_main.h"

#include <csched/base/buffer.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

START_TEST(is_a_string_from_birth)
{
	CS_AUTO_BUFFER struct cs_buffer b;
	cs_buffer_init(&b, 100);
	ck_assert_str_eq(b.data, "");
	ck_assert_uint_eq(b.size, 0);
	cs_buffer_clear(&b);
	cs_buffer_consume(&b, 10);
	ck_assert_str_eq(b.data, "");
}
END_TEST

START_TEST(grows_and_stays_terminated)
{
	CS_AUTO_BUFFER struct cs_buffer b;
	cs_buffer_init(&b, 1 << 20);
	for (int i = 0; i < 100000; i++) {
		ck_assert_int_eq(cs_buffer_append_char(&b, (char)('a' + i % 26)), 0);
		ck_assert_int_eq(b.data[b.size], '\0');
	}
	ck_assert_uint_eq(b.size, 100000);
	for (size_t i = 0; i < b.size; i++)
		ck_assert_int_eq(b.data[i], 'a' + (int)(i % 26));
	ck_assert_int_eq(cs_buffer_append_string(&b, "end"), 0);
	ck_assert_str_eq(b.data + 100000, "end");
	ck_assert_int_eq(cs_buffer_append(&b, NULL, 0), 0);
	struct cs_slice all = cs_buffer_slice(&b);
	ck_assert_uint_eq(all.size, 100003);
}
END_TEST

START_TEST(takes_exactly_its_maximum)
{
	CS_AUTO_BUFFER struct cs_buffer b;
	cs_buffer_init(&b, 10);
	ck_assert_int_eq(cs_buffer_append(&b, "0123456789", 10), 0);
	ck_assert(!b.overflow);
	ck_assert_uint_le(b.capacity, 11);
	ck_assert_int_eq(cs_buffer_append_char(&b, 'x'), -EMSGSIZE);
	ck_assert(b.overflow);
	ck_assert_str_eq(b.data, "0123456789");
}
END_TEST

START_TEST(after_an_overflow_nothing_goes_in)
{
	CS_AUTO_BUFFER struct cs_buffer b;
	cs_buffer_init(&b, 10);
	cs_buffer_append_string(&b, "12345");
	ck_assert_int_eq(cs_buffer_append_string(&b, "too long for it"), -EMSGSIZE);
	ck_assert_int_eq(cs_buffer_append_char(&b, 'x'), -EMSGSIZE); // would fit
	ck_assert_int_eq(cs_buffer_printf(&b, "y"), -EMSGSIZE);
	ck_assert_ptr_null(cs_buffer_reserve(&b, 1));
	ck_assert_str_eq(b.data, "12345");
	cs_buffer_clear(&b);
	ck_assert_int_eq(cs_buffer_append_char(&b, 'x'), 0);
	ck_assert_str_eq(b.data, "x");
}
END_TEST

START_TEST(a_maximum_of_nothing)
{
	CS_AUTO_BUFFER struct cs_buffer b;
	cs_buffer_init(&b, 0);
	ck_assert_int_eq(cs_buffer_append(&b, "", 0), 0);
	ck_assert_int_eq(cs_buffer_append(&b, "x", 1), -EMSGSIZE);
	cs_buffer_finish(&b);
	cs_buffer_init(&b, SIZE_MAX);
	ck_assert_int_eq(cs_buffer_append(&b, "x", 1), 0);
	ck_assert_ptr_null(cs_buffer_reserve(&b, SIZE_MAX));
}
END_TEST

START_TEST(printf_appends)
{
	CS_AUTO_BUFFER struct cs_buffer b;
	cs_buffer_init(&b, 100);
	ck_assert_int_eq(cs_buffer_printf(&b, "%s=%d;", "a", 1), 0);
	ck_assert_int_eq(cs_buffer_printf(&b, "%s=%d", "b", 22), 0);
	ck_assert_int_eq(cs_buffer_printf(&b, "%s", ""), 0);
	ck_assert_str_eq(b.data, "a=1;b=22");
	ck_assert_uint_eq(b.size, 8);
	ck_assert_int_eq(cs_buffer_printf(&b, "%0100d", 1), -EMSGSIZE);
	ck_assert_str_eq(b.data, "a=1;b=22");
}
END_TEST

START_TEST(reserve_then_fill)
{
	CS_AUTO_BUFFER struct cs_buffer b;
	cs_buffer_init(&b, 1000);
	cs_buffer_append_string(&b, "ab");
	char *to = cs_buffer_reserve(&b, 998);
	ck_assert_ptr_nonnull(to);
	memset(to, 'c', 998);
	b.size += 998;
	b.data[b.size] = '\0';
	ck_assert_uint_eq(strlen(b.data), 1000);
	ck_assert_ptr_nonnull(cs_buffer_reserve(&b, 0));
	ck_assert_ptr_null(cs_buffer_reserve(&b, 1));
}
END_TEST

// Past the size from which pages are huge.
START_TEST(grows_to_many_pages)
{
	enum { PART = 100000, PARTS = 130 };
	CS_AUTO_BUFFER struct cs_buffer b;
	static char part[PART];
	cs_buffer_init(&b, PART * PARTS);
	for (int i = 0; i < PARTS; i++) {
		memset(part, 'a' + i % 26, PART);
		ck_assert_int_eq(cs_buffer_append(&b, part, PART), 0);
	}
	ck_assert_uint_eq(b.size, PART * PARTS);
	for (int i = 0; i < PARTS; i++) {
		memset(part, 'a' + i % 26, PART);
		ck_assert_mem_eq(b.data + i * PART, part, PART);
	}
	ck_assert_int_eq(b.data[b.size], '\0');
	ck_assert_int_eq(cs_buffer_append(&b, "x", 1), -EMSGSIZE);
}
END_TEST

START_TEST(consume_gives_back_what_is_large)
{
	CS_AUTO_BUFFER struct cs_buffer b;
	cs_buffer_init(&b, 1 << 20);
	memset(cs_buffer_reserve(&b, 1 << 18), 'a', 1 << 18);
	b.size = 1 << 18;
	cs_buffer_consume(&b, (1 << 18) - 1);
	ck_assert_str_eq(b.data, "a");
	ck_assert_uint_ge(b.capacity, 1 << 18);
	cs_buffer_consume(&b, 1);
	ck_assert_uint_eq(b.capacity, 0);
	ck_assert_int_eq(cs_buffer_append_string(&b, "again"), 0);
	ck_assert_str_eq(b.data, "again");
}
END_TEST

START_TEST(consume_drops_the_front)
{
	CS_AUTO_BUFFER struct cs_buffer b;
	cs_buffer_init(&b, 100);
	cs_buffer_append_string(&b, "hello world");
	cs_buffer_consume(&b, 6);
	ck_assert_str_eq(b.data, "world");
	ck_assert_uint_eq(b.size, 5);
	cs_buffer_consume(&b, 500);
	ck_assert_str_eq(b.data, "");
	ck_assert_int_eq(cs_buffer_append_string(&b, "again"), 0);
	ck_assert_str_eq(b.data, "again");
}
END_TEST

START_TEST(take_hands_over)
{
	struct cs_buffer b;
	cs_buffer_init(&b, 100);
	char *nothing = cs_buffer_take(&b);
	ck_assert_str_eq(nothing, "");
	free(nothing);
	cs_buffer_append_string(&b, "mine");
	char *bytes = cs_buffer_take(&b);
	ck_assert_str_eq(bytes, "mine");
	ck_assert_str_eq(b.data, "");
	cs_buffer_append_string(&b, "next");
	ck_assert_str_eq(bytes, "mine");
	free(bytes);
	cs_buffer_finish(&b);
	cs_buffer_finish(&b);
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("buffer");
	TCase *tc = tcase_create("buffer");
	tcase_add_test(tc, is_a_string_from_birth);
	tcase_add_test(tc, grows_and_stays_terminated);
	tcase_add_test(tc, takes_exactly_its_maximum);
	tcase_add_test(tc, after_an_overflow_nothing_goes_in);
	tcase_add_test(tc, a_maximum_of_nothing);
	tcase_add_test(tc, printf_appends);
	tcase_add_test(tc, reserve_then_fill);
	tcase_add_test(tc, grows_to_many_pages);
	tcase_add_test(tc, consume_drops_the_front);
	tcase_add_test(tc, consume_gives_back_what_is_large);
	tcase_add_test(tc, take_hands_over);
	suite_add_tcase(suite, tc);
	return suite;
}
