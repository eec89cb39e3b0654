// Tests of interning: numbers, references, reuse.
// Neighbours: lib/base/intern.c.
#include "../check_main.h"

#include <csched/base/intern.h>
#include <csched/base/memory.h>
#include <csched/base/random.h>
#include <signal.h>
#include <stdio.h>

START_TEST(same_bytes_same_number)
{
	struct cs_intern *intern = cs_intern_create(1);
	uint32_t a = cs_intern_ref(intern, CS_SLICE("zone-a"));
	uint32_t b = cs_intern_ref(intern, CS_SLICE("zone-b"));
	ck_assert_uint_ne(a, CS_INTERN_NONE);
	ck_assert_uint_ne(a, b);
	ck_assert_uint_eq(cs_intern_ref(intern, CS_SLICE("zone-a")), a);
	ck_assert_uint_eq(cs_intern_find(intern, CS_SLICE("zone-b")), b);
	ck_assert_uint_eq(cs_intern_find(intern, CS_SLICE("zone-c")), CS_INTERN_NONE);
	ck_assert_str_eq(cs_intern_string(intern, a), "zone-a");
	ck_assert_str_eq(cs_intern_string(intern, CS_INTERN_NONE), "");
	ck_assert_uint_eq(cs_intern_count(intern), 2);
	cs_intern_destroy(intern);
	cs_intern_destroy(NULL);
}
END_TEST

START_TEST(the_empty_string_is_a_string)
{
	struct cs_intern *intern = cs_intern_create(1);
	uint32_t empty = cs_intern_ref(intern, (struct cs_slice){ 0 });
	ck_assert_uint_ne(empty, CS_INTERN_NONE);
	ck_assert_str_eq(cs_intern_string(intern, empty), "");
	ck_assert_uint_eq(cs_intern_find(intern, CS_SLICE("")), empty);
	cs_intern_unref(intern, empty);
	ck_assert_uint_eq(cs_intern_find(intern, CS_SLICE("")), CS_INTERN_NONE);
	cs_intern_destroy(intern);
}
END_TEST

START_TEST(leaves_with_its_last_user)
{
	struct cs_intern *intern = cs_intern_create(1);
	char word[] = "word";
	uint32_t id = cs_intern_ref(intern, cs_slice_of(word));
	memset(word, 'x', 4); // the bytes were copied
	cs_intern_ref_id(intern, id);
	cs_intern_unref(intern, id);
	ck_assert_uint_eq(cs_intern_find(intern, CS_SLICE("word")), id);
	cs_intern_unref(intern, id);
	ck_assert_uint_eq(cs_intern_find(intern, CS_SLICE("word")), CS_INTERN_NONE);
	ck_assert_uint_eq(cs_intern_count(intern), 0);
	ck_assert_uint_eq(cs_intern_ref(intern, CS_SLICE("other")), id); // its row is free again
	cs_intern_unref(intern, CS_INTERN_NONE);
	cs_intern_ref_id(intern, CS_INTERN_NONE);
	cs_intern_destroy(intern);
}
END_TEST

START_TEST(a_string_that_left_may_not_be_used)
{
	struct cs_intern *intern = cs_intern_create(1);
	uint32_t id = cs_intern_ref(intern, CS_SLICE("word"));
	cs_intern_unref(intern, id);
	cs_intern_unref(intern, id);
}
END_TEST

START_TEST(pointers_stay_while_the_table_grows)
{
	struct cs_intern *intern = cs_intern_create(1);
	uint32_t first = cs_intern_ref(intern, CS_SLICE("first"));
	const char *string = cs_intern_string(intern, first);
	for (int i = 0; i < 100000; i++) {
		char name[32];
		int n = snprintf(name, sizeof(name), "n%d", i);
		uint32_t id = cs_intern_ref(intern, (struct cs_slice){ name, (size_t)n });
		ck_assert_uint_eq(id, first + 1 + (uint32_t)i);
	}
	ck_assert_ptr_eq(cs_intern_string(intern, first), string);
	ck_assert_str_eq(string, "first");
	cs_intern_destroy(intern);
}
END_TEST

START_TEST(random_use_keeps_the_counts)
{
	enum { N = 300 };
	struct cs_intern *intern = cs_intern_create(7);
	struct cs_random random;
	unsigned references[N] = { 0 };
	uint32_t ids[N] = { 0 };
	cs_random_init(&random, 7);
	for (int step = 0; step < 50000; step++) {
		size_t i = cs_random_below(&random, N);
		char name[16];
		snprintf(name, sizeof(name), "k%zu", i);
		struct cs_slice s = cs_slice_of(name);
		ck_assert_uint_eq(cs_intern_find(intern, s),
				  references[i] ? ids[i] : CS_INTERN_NONE);
		if (references[i] > 0 && cs_random_below(&random, 5) < 3) {
			cs_intern_unref(intern, ids[i]);
			references[i]--;
		} else {
			ids[i] = cs_intern_ref(intern, s);
			references[i]++;
			ck_assert_str_eq(cs_intern_string(intern, ids[i]), name);
		}
	}
	unsigned live = 0;
	for (int i = 0; i < N; i++)
		live += references[i] > 0;
	ck_assert_uint_eq(cs_intern_count(intern), live);
	cs_intern_destroy(intern);
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("intern");
	TCase *tc = tcase_create("intern");
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, same_bytes_same_number);
	tcase_add_test(tc, the_empty_string_is_a_string);
	tcase_add_test(tc, leaves_with_its_last_user);
	tcase_add_test_raise_signal(tc, a_string_that_left_may_not_be_used, SIGABRT);
	tcase_add_test(tc, pointers_stay_while_the_table_grows);
	tcase_add_test(tc, random_use_keeps_the_counts);
	suite_add_tcase(suite, tc);
	return suite;
}
