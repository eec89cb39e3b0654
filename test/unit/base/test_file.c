// Tests of reading files. Neighbours: lib/base/file.c.
#include "../check_main.h"

#include <csched/base/file.h>
#include <csched/base/memory.h>
#include <csched/base/slice.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>

static char folder[] = "/tmp/test_file.XXXXXX";
static char path[sizeof(folder) + 16];

static void setup(void)
{
	memcpy(folder + sizeof(folder) - 7, "XXXXXX", 6);
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/file", folder);
}

static void teardown(void)
{
	unlink(path);
	rmdir(folder);
}

static void put(size_t size)
{
	FILE *file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	for (size_t i = 0; i < size; i++)
		putc((int)('a' + i % 26), file);
	ck_assert_int_eq(fclose(file), 0);
}

START_TEST(sizes_up_to_the_maximum)
{
	static const size_t sizes[] = { 0, 1, 63, 64, 65, 65535, 65536, 65537, 200000 };
	size_t size = sizes[_i];
	CS_AUTO_FREE char *bytes = NULL;
	size_t got;
	struct cs_error err = { 0 };
	put(size);
	ck_assert_int_eq(cs_file_read(path, 200000, &bytes, &got, &err), 0);
	ck_assert_uint_eq(got, size);
	ck_assert_uint_eq(strlen(bytes), size);
	for (size_t i = 0; i < size; i++)
		ck_assert_int_eq(bytes[i], (char)('a' + i % 26));
	// Exactly the maximum is allowed, one less is not.
	CS_AUTO_FREE char *exact = NULL;
	ck_assert_int_eq(cs_file_read(path, size, &exact, &got, &err), 0);
	ck_assert_uint_eq(got, size);
	char *none = NULL;
	if (size > 0) {
		ck_assert_int_eq(cs_file_read(path, size - 1, &none, &got, &err), -EFBIG);
		CS_AUTO_FREE char *words = cs_asprintf("%s: larger than %zu bytes", path, size - 1);
		ck_assert_str_eq(err.text, words);
		ck_assert_ptr_null(none);
	}
}
END_TEST

START_TEST(what_cannot_be_read)
{
	char *none = NULL;
	size_t got;
	struct cs_error err = { 0 };
	ck_assert_int_eq(cs_file_read(path, 10, &none, &got, &err), -ENOENT);
	CS_AUTO_FREE char *words = cs_asprintf("%s: No such file or directory", path);
	ck_assert_str_eq(err.text, words);
	ck_assert_int_eq(cs_file_read(folder, 10, &none, &got, &err), -EISDIR);
	ck_assert_ptr_null(none);
}
END_TEST

static void *feed(void *to)
{
	FILE *file = fdopen(*(int *)to, "w");
	for (int i = 0; i < 100; i++) {
		fputs("chunk ", file);
		fflush(file); // many short reads
	}
	fclose(file);
	return NULL;
}

START_TEST(standard_input_and_pipes)
{
	int ends[2];
	pthread_t thread;
	CS_AUTO_FREE char *bytes = NULL;
	size_t got;
	struct cs_error err = { 0 };
	ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_eq(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
	close(ends[0]);
	ck_assert_int_eq(pthread_create(&thread, NULL, feed, &ends[1]), 0);
	ck_assert_int_eq(cs_file_read("-", 1000, &bytes, &got, &err), 0);
	pthread_join(thread, NULL);
	ck_assert_uint_eq(got, 600);
	ck_assert(cs_string_prefix(bytes, "chunk chunk "));
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("file");
	TCase *tc = tcase_create("file");
	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, sizes_up_to_the_maximum, 0, 9);
	tcase_add_test(tc, what_cannot_be_read);
	tcase_add_test(tc, standard_input_and_pipes);
	suite_add_tcase(suite, tc);
	return suite;
}
