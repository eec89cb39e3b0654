// README.md says what is refused and what works: that it names all of it.
// Neighbours: cluster's table of unsupported fields, the list of plugins.
#include "../check_main.h"

#include <stdlib.h>
#include <string.h>

#include <csched/base/file.h>
#include <csched/base/memory.h>
#include <csched/cluster/demand.h>
#include <csched/plugins/list.h>

#define FILE_MAX (1u << 20)

static char *readme;

// Tests run from the top of the tree.
static void setup(void)
{
	struct cs_error err = { 0 };
	size_t size;
	ck_assert_msg(cs_file_read("README.md", FILE_MAX, &readme, &size, &err) == 0, "%s",
		      err.text);
}

static void teardown(void)
{
	free(readme);
}

START_TEST(refused_fields)
{
	size_t n = 0;
	for (const struct cs_unsupported *row = cs_unsupported_fields; row->field; row++, n++) {
		CS_AUTO_FREE char *line = cs_asprintf("| `%s` | %s |\n", row->field, row->feature);
		ck_assert_msg(strstr(readme, line) != NULL, "README.md lacks: %s", line);
	}
	ck_assert_uint_gt(n, 0);
	// And no row more: what works is not called refused.
	size_t rows = 0;
	for (const char *at = readme; (at = strstr(at, "\n| `spec.")); at++)
		rows++;
	ck_assert_uint_eq(rows, n);
}
END_TEST

START_TEST(plugins)
{
	for (size_t i = 0; cs_plugins[i]; i++)
		ck_assert_msg(strstr(readme, cs_plugins[i]->name) != NULL, "README.md lacks %s",
			      cs_plugins[i]->name);
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("readme");
	TCase *tcase = tcase_create("readme");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, refused_fields);
	tcase_add_test(tcase, plugins);
	suite_add_tcase(suite, tcase);
	return suite;
}
