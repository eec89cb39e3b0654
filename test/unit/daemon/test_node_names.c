// Rows by the names of requests: in any order, again and again, while nodes come and go.
// Neighbours: daemon/node_names.c.
#include "../check_main.h"
#include "../read_object.h"

#include <stdio.h>
#include <string.h>

#include <csched/base/arena.h>
#include <csched/base/memory.h>

#include "daemon/node_names.h"

#define LONG_NAME "a-name-of-more-than-fifty-five-bytes.which-no-copy-is-kept-of.example"

static struct cs_cluster *cluster;
static struct cs_node_names *names;

static void add_node(const char *name)
{
	CS_AUTO_ARENA struct cs_arena *arena = cs_arena_create();
	uint32_t events;
	struct cs_error err = { 0 };
	const char *json = cs_arena_printf(arena, "{\"metadata\":{\"name\":\"%s\"}}", name);
	const Kube__Node *node = (const Kube__Node *)read_object(&cs_kind_node, json, arena);
	ck_assert_int_eq(cs_cluster_apply_node(cluster, node, &events, &err), 0);
}

static void setup(void)
{
	cluster = cs_cluster_create(1);
	for (int i = 0; i < 12; i++) {
		char name[16];
		snprintf(name, sizeof(name), "node-%d", i);
		add_node(name);
	}
	add_node(LONG_NAME);
	names = cs_node_names_create(cluster);
}

static void teardown(void)
{
	cs_node_names_destroy(names);
	cs_cluster_destroy(cluster);
}

// What each name's row is called must be the name itself, or nothing where it is not known.
static void check_rows(const struct cs_slice *given, uint32_t n)
{
	uint32_t rows[64];
	ck_assert_uint_le(n, 64);
	cs_node_names_find(names, given, n, rows);
	for (uint32_t i = 0; i < n; i++) {
		CS_AUTO_FREE char *text = cs_strndup(given[i].data, given[i].size);
		uint32_t row = strlen(text) == given[i].size ? cs_cluster_find_node(cluster, text)
							     : CS_ROW_NONE;
		ck_assert_msg(rows[i] == row, "%s: row %u, not %u", text, rows[i], row);
		ck_assert_uint_eq(cs_node_names_row(names, given[i]), row);
	}
}

static void check_names(const char *const *texts, uint32_t n)
{
	struct cs_slice given[64];
	for (uint32_t i = 0; i < n; i++) {
		// Not followed by a NUL, as in a request.
		given[i] = (struct cs_slice){ cs_alloc_array(strlen(texts[i]) + 1, 1),
					      strlen(texts[i]) };
		memcpy((char *)(uintptr_t)given[i].data, texts[i], given[i].size);
		((char *)(uintptr_t)given[i].data)[given[i].size] = '"';
	}
	check_rows(given, n);
	check_rows(given, n); // now guessed
	for (uint32_t i = 0; i < n; i++)
		free((char *)(uintptr_t)given[i].data);
}

#define CHECK(...)                                        \
	check_names((const char *const[]){ __VA_ARGS__ }, \
		    CS_ARRAY_LENGTH(((const char *const[]){ __VA_ARGS__ })))

START_TEST(orders)
{
	CHECK("node-0", "node-1", "node-2", "node-3");
	CHECK("node-3", "node-2", "node-1", "node-0");
	CHECK("node-1", "node-10", "node-11", "node-1", "node-1", "node-10");
	CHECK("node-5");
	CHECK("node-2", "node-3", "node-0", "node-1");
}
END_TEST

START_TEST(unknown_names)
{
	CHECK("node-0", "node", "node-99", "", "node-1", "node-0x", "Node-1");
	CHECK("nobody", "node-0");
	char huge[300];
	memset(huge, 'x', sizeof(huge) - 1);
	huge[sizeof(huge) - 1] = '\0';
	CHECK(huge, "node-3");
	cs_node_names_find(names, NULL, 0, NULL);
}
END_TEST

START_TEST(long_names)
{
	CHECK("node-0", LONG_NAME, "node-1", LONG_NAME, (LONG_NAME "s"));
}
END_TEST

START_TEST(a_nul_ends_no_name)
{
	CHECK("node-1", "node-2");
	const struct cs_slice given[] = { { "node-1\0", 7 }, { "node-2\0x", 8 }, { "\0", 1 } };
	check_rows(given, 3);
}
END_TEST

// Rows and the numbers of names are given out again.
START_TEST(nodes_come_and_go)
{
	CHECK("node-0", "node-1", "node-2");
	cs_cluster_remove_node(cluster, "node-1");
	CHECK("node-0", "node-1", "node-2");
	add_node("other");
	CHECK("node-0", "node-1", "node-2", "other");
	cs_cluster_remove_node(cluster, "other");
	add_node("node-1");
	CHECK("node-0", "other", "node-1", "node-2");
	for (int i = 0; i < 12; i++) {
		char name[16];
		snprintf(name, sizeof(name), "node-%d", i);
		cs_cluster_remove_node(cluster, name);
	}
	CHECK("node-0", "node-1", "node-2", LONG_NAME);
	for (int i = 0; i < 30; i++) {
		char name[16];
		snprintf(name, sizeof(name), "later-%d", i);
		add_node(name);
	}
	CHECK("later-0", "node-0", "later-29", "node-1", "later-1", "later-2");
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("node_names");
	TCase *tcase = tcase_create("rows");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, orders);
	tcase_add_test(tcase, unknown_names);
	tcase_add_test(tcase, long_names);
	tcase_add_test(tcase, a_nul_ends_no_name);
	tcase_add_test(tcase, nodes_come_and_go);
	suite_add_tcase(suite, tcase);
	return suite;
}
