// Tests of allocation: zeroing, products that overflow, cleanup attributes.
// Neighbours: lib/base/memory.c.
#include "../check_main.h"

#include <csched/base/list.h>
#include <csched/base/memory.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>

START_TEST(alloc_zeroes)
{
	unsigned char *bytes = cs_alloc(1000);
	for (int i = 0; i < 1000; i++)
		ck_assert_int_eq(bytes[i], 0);
	free(bytes);
	int *numbers = cs_alloc_array(100, sizeof(int));
	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(numbers[i], 0);
	free(numbers);
}
END_TEST

START_TEST(nothing_is_not_null)
{
	free(cs_alloc(0));
	free(cs_alloc_array(0, 8));
	free(cs_alloc_array(8, 0));
	void *p = cs_realloc_array(NULL, 0, 8);
	p = cs_realloc_array(p, 4, 8);
	p = cs_realloc_array(p, 0, 0);
	ck_assert_ptr_nonnull(p);
	free(p);
}
END_TEST

START_TEST(columns_are_aligned_and_grow)
{
	int *column = NULL;
	int n = 0;
	for (int more = 1; more < 5000; more = 2 * more + 1) {
		column = cs_grow_column(column, (size_t)n, (size_t)more, sizeof(*column));
		ck_assert_uint_eq((uintptr_t)column % CS_COLUMN_ALIGNMENT, 0);
		for (int i = 0; i < more; i++) {
			ck_assert_int_eq(column[i], i < n ? i + 1 : 0);
			column[i] = i + 1;
		}
		n = more;
	}
	column = cs_grow_column(column, (size_t)n, 5, sizeof(*column));
	ck_assert_int_eq(column[4], 5);
	free(column);
	free(cs_grow_column(NULL, 0, 0, 8));
}
END_TEST

START_TEST(column_overflow_aborts)
{
	free(cs_grow_column(NULL, 0, SIZE_MAX / 4, 8));
}
END_TEST

START_TEST(realloc_keeps_what_was_there)
{
	char *p = cs_realloc_array(NULL, 4, 1);
	memcpy(p, "abcd", 4);
	p = cs_realloc_array(p, 10000, 1);
	ck_assert_mem_eq(p, "abcd", 4);
	free(p);
}
END_TEST

START_TEST(strings)
{
	CS_AUTO_FREE char *a = cs_strdup("abc");
	CS_AUTO_FREE char *b = cs_strndup("abcdef", 2);
	CS_AUTO_FREE char *c = cs_strndup(NULL, 0);
	CS_AUTO_FREE char *d = cs_asprintf("%d-%s", 7, "x");
	ck_assert_str_eq(a, "abc");
	ck_assert_str_eq(b, "ab");
	ck_assert_str_eq(c, "");
	ck_assert_str_eq(d, "7-x");
}
END_TEST

static volatile size_t huge = SIZE_MAX / 2;

START_TEST(product_overflow_aborts)
{
	free(cs_alloc_array(huge, 4));
}
END_TEST

START_TEST(realloc_overflow_aborts)
{
	free(cs_realloc_array(NULL, huge, 4));
}
END_TEST

static char *give_away(void)
{
	CS_AUTO_FREE char *local = cs_strdup("kept");
	return CS_TAKE(local);
}

START_TEST(take_outlives_the_scope)
{
	char *got = give_away();
	ck_assert_str_eq(got, "kept");
	free(got);
}
END_TEST

START_TEST(close_happens_at_the_end_of_the_scope)
{
	int seen;
	{
		CS_AUTO_CLOSE int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
		CS_AUTO_CLOSE int none = -1;
		(void)none;
		ck_assert_int_ge(fd, 0);
		seen = fd;
	}
	ck_assert_int_eq(fcntl(seen, F_GETFD), -1);
}
END_TEST

struct item {
	int value;
	struct cs_list link;
};

START_TEST(list_keeps_order_and_lets_go)
{
	struct cs_list head;
	struct item items[5] = { 0 };
	cs_list_init(&head);
	ck_assert(cs_list_empty(&head));
	for (int i = 0; i < 5; i++) {
		items[i].value = i;
		cs_list_append(&head, &items[i].link);
	}
	cs_list_remove(&items[2].link);
	cs_list_remove(&items[2].link); // off every list it points to itself: harmless
	int sum = 0;
	int last = -1;
	CS_LIST_FOR_EACH (link, &head) {
		struct item *item = CS_CONTAINER_OF(link, struct item, link);
		ck_assert_int_gt(item->value, last);
		last = item->value;
		sum += item->value;
		cs_list_remove(link);
	}
	ck_assert_int_eq(sum, 8);
	ck_assert(cs_list_empty(&head));
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("memory");
	TCase *tc = tcase_create("memory");
	tcase_add_test(tc, alloc_zeroes);
	tcase_add_test(tc, nothing_is_not_null);
	tcase_add_test(tc, realloc_keeps_what_was_there);
	tcase_add_test(tc, columns_are_aligned_and_grow);
	tcase_add_test_raise_signal(tc, column_overflow_aborts, SIGABRT);
	tcase_add_test(tc, strings);
	tcase_add_test_raise_signal(tc, product_overflow_aborts, SIGABRT);
	tcase_add_test_raise_signal(tc, realloc_overflow_aborts, SIGABRT);
	tcase_add_test(tc, take_outlives_the_scope);
	tcase_add_test(tc, close_happens_at_the_end_of_the_scope);
	tcase_add_test(tc, list_keeps_order_and_lets_go);
	suite_add_tcase(suite, tc);
	return suite;
}
