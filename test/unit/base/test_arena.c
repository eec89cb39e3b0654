// Tests of arenas: alignment, zeroing after reuse, blocks of all sizes, poison under ASan.
// Neighbours: lib/base/arena.c.
#include "../check_main.h"

#include <csched/base/arena.h>
#include <csched/base/memory.h>
#include <csched/base/random.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#define WITH_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN 1
#endif
#endif
#ifdef WITH_ASAN
#include <sanitizer/asan_interface.h>
#endif

static bool all_bytes_are(const unsigned char *bytes, size_t size, int value)
{
	for (size_t i = 0; i < size; i++) {
		if (bytes[i] != value)
			return false;
	}
	return true;
}

START_TEST(objects_are_aligned_apart_and_zero)
{
	CS_AUTO_ARENA struct cs_arena *arena = cs_arena_create();
	struct cs_random random;
	cs_random_init(&random, 1);
	enum { N = 20000 };
	unsigned char **objects = cs_alloc_array(N, sizeof(*objects));
	size_t *sizes = cs_alloc_array(N, sizeof(*sizes));
	for (size_t i = 0; i < N; i++) {
		sizes[i] = cs_random_below(&random, i % 500 == 0 ? 100000 : 100);
		objects[i] = cs_arena_alloc(arena, sizes[i]);
		ck_assert_uint_eq((uintptr_t)objects[i] % 16, 0);
		ck_assert(all_bytes_are(objects[i], sizes[i], 0));
		memset(objects[i], (int)(i % 251), sizes[i]);
	}
	for (size_t i = 0; i < N; i++)
		ck_assert(all_bytes_are(objects[i], sizes[i], (int)(i % 251)));
	free(objects);
	free(sizes);
}
END_TEST

START_TEST(reset_gives_zeroed_memory_again)
{
	struct cs_arena *arena = cs_arena_create();
	size_t kept = 0;
	for (int round = 0; round < 5; round++) {
		for (int i = 0; i < 1000; i++) {
			unsigned char *p = cs_arena_alloc(arena, 64);
			ck_assert(all_bytes_are(p, 64, 0));
			memset(p, 0xFF, 64);
		}
		ck_assert_uint_gt(cs_arena_size(arena), 64000);
		cs_arena_reset(arena);
		// After the first round nothing more is asked of the system.
		ck_assert(round == 0 || cs_arena_size(arena) == kept);
		kept = cs_arena_size(arena);
	}
	cs_arena_destroy(arena);
	cs_arena_destroy(NULL);
}
END_TEST

START_TEST(reset_keeps_no_more_than_its_maximum)
{
	CS_AUTO_ARENA struct cs_arena *arena = cs_arena_create();
	cs_arena_alloc_raw(arena, 50 << 20);
	cs_arena_reset(arena);
	ck_assert_uint_le(cs_arena_size(arena), 9 << 20);
	memset(cs_arena_alloc_raw(arena, 7 << 20), 0xFF, 7 << 20);
	ck_assert_uint_le(cs_arena_size(arena), 9 << 20);
}
END_TEST

START_TEST(little_is_wasted)
{
	CS_AUTO_ARENA struct cs_arena *arena = cs_arena_create();
	size_t asked = 0;
	for (int i = 0; i < 100000; i++) {
		cs_arena_alloc_raw(arena, 112);
		asked += 112;
	}
	ck_assert_uint_ge(cs_arena_size(arena), asked);
	ck_assert_uint_le(cs_arena_size(arena), asked + asked / 4 + (2 << 20));
	// One large object costs its size, and the current block goes on.
	size_t before = cs_arena_size(arena);
	cs_arena_alloc_raw(arena, 50 << 20);
	ck_assert_uint_le(cs_arena_size(arena) - before, (50 << 20) + 4096);
	before = cs_arena_size(arena);
	cs_arena_alloc_raw(arena, 16);
	ck_assert_uint_eq(cs_arena_size(arena), before);
}
END_TEST

START_TEST(strings)
{
	CS_AUTO_ARENA struct cs_arena *arena = cs_arena_create();
	ck_assert_str_eq(cs_arena_strdup(arena, "abc"), "abc");
	ck_assert_str_eq(cs_arena_strndup(arena, "abcdef", 3), "abc");
	ck_assert_str_eq(cs_arena_strndup(arena, NULL, 0), "");
	ck_assert_str_eq(cs_arena_printf(arena, "%s/%d", "x", 5), "x/5");
	ck_assert_str_eq(cs_arena_printf(arena, "%s", ""), "");
	char *padded = cs_arena_printf(arena, "%05000d", 7);
	ck_assert_uint_eq(strlen(padded), 5000);
}
END_TEST

START_TEST(array_product_overflow_aborts)
{
	CS_AUTO_ARENA struct cs_arena *arena = cs_arena_create();
	static volatile size_t huge = SIZE_MAX / 2;
	cs_arena_alloc_array(arena, huge, 4);
}
END_TEST

START_TEST(size_overflow_aborts)
{
	CS_AUTO_ARENA struct cs_arena *arena = cs_arena_create();
	static volatile size_t huge = SIZE_MAX - 4;
	cs_arena_alloc_raw(arena, huge);
}
END_TEST

#ifdef WITH_ASAN
START_TEST(the_bytes_around_an_object_are_poisoned)
{
	CS_AUTO_ARENA struct cs_arena *arena = cs_arena_create();
	char *a = cs_arena_alloc(arena, 20);
	char *b = cs_arena_alloc(arena, 20);
	char *c = cs_arena_alloc(arena, 1 << 20);
	ck_assert(!__asan_address_is_poisoned(a + 19));
	ck_assert(__asan_address_is_poisoned(a + 20));
	ck_assert(!__asan_address_is_poisoned(b));
	ck_assert(__asan_address_is_poisoned(b - 1));
	ck_assert(__asan_address_is_poisoned(b + 20));
	ck_assert(!__asan_address_is_poisoned(c + (1 << 20) - 1));
	ck_assert(__asan_address_is_poisoned(c + (1 << 20)));
	cs_arena_reset(arena);
	ck_assert(__asan_address_is_poisoned(a));
}
END_TEST
#endif

Suite *test_suite(void)
{
	Suite *suite = suite_create("arena");
	TCase *tc = tcase_create("arena");
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, objects_are_aligned_apart_and_zero);
	tcase_add_test(tc, reset_gives_zeroed_memory_again);
	tcase_add_test(tc, reset_keeps_no_more_than_its_maximum);
	tcase_add_test(tc, little_is_wasted);
	tcase_add_test(tc, strings);
	tcase_add_test_raise_signal(tc, array_product_overflow_aborts, SIGABRT);
	tcase_add_test_raise_signal(tc, size_overflow_aborts, SIGABRT);
#ifdef WITH_ASAN
	tcase_add_test(tc, the_bytes_around_an_object_are_poisoned);
#endif
	suite_add_tcase(suite, tc);
	return suite;
}
