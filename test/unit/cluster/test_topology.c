// Columns of domains as nodes come, change and go. Neighbours: lib/cluster/topology.c; world_check
// recomputes every column.
#include <csched/cluster/topology.h>
#include <stdio.h>

#include "world.h"

static struct world world;
static struct cs_topology *zones;

static void setup(void)
{
	world_begin(&world);
	zones = cs_topology_ref(world.cluster, "zone");
}

static void teardown(void)
{
	cs_topology_unref(world.cluster, zones);
	world_end(&world);
}

static uint32_t label_node(const char *name, const char *labels)
{
	ck_assert_int_eq(
		apply_node(&world,
			   read_node(&world, "{metadata: {name: %s, labels: {%s}}}", name, labels)),
		0);
	world_check(&world);
	return cs_cluster_find_node(world.cluster, name);
}

START_TEST(rows_share_domains)
{
	uint32_t a = label_node("a", "zone: x");
	uint32_t b = label_node("b", "zone: u, other: x");
	uint32_t c = label_node("c", "zone: x");
	uint32_t d = label_node("d", "other: x");
	ck_assert_uint_eq(zones->domain[a], zones->domain[c]);
	ck_assert_uint_ne(zones->domain[a], zones->domain[b]);
	ck_assert_uint_eq(zones->domain[d], CS_DOMAIN_NONE);
	ck_assert_uint_eq(zones->n_domains, 2);
	ck_assert_uint_eq(zones->n_rows[zones->domain[a]], 2);
	ck_assert_uint_eq(zones->n_rows[zones->domain[b]], 1);
}
END_TEST

START_TEST(a_domain_without_rows_is_used_again)
{
	uint32_t a = label_node("a", "zone: x");
	label_node("b", "zone: u");
	uint32_t x = zones->domain[a];
	uint64_t version = zones->version;
	label_node("a", "zone: z");
	ck_assert_uint_gt(zones->version, version);
	ck_assert_uint_eq(zones->n_rows[x], 0); // z was entered before x was left
	label_node("b", "zone: x");
	ck_assert_uint_eq(zones->n_domains, 3);
	version = zones->version;
	label_node("b", "zone: x, another: label");
	ck_assert_uint_eq(zones->version, version);
	label_node("b", "");
	ck_assert_uint_gt(zones->version, version);
	ck_assert_uint_eq(zones->domain[cs_cluster_find_node(world.cluster, "b")], CS_DOMAIN_NONE);
}
END_TEST

START_TEST(an_empty_value_is_a_domain)
{
	uint32_t a = label_node("a", "zone: ''");
	ck_assert_uint_ne(zones->domain[a], CS_DOMAIN_NONE);
}
END_TEST

START_TEST(a_node_that_is_gone_is_in_no_domain)
{
	uint32_t a = label_node("a", "zone: x");
	add_pod(&world, "p", "nodeName: a");
	cs_cluster_remove_node(world.cluster, "a");
	world_check(&world);
	ck_assert_uint_eq(zones->domain[a], CS_DOMAIN_NONE);
	ck_assert_uint_eq(label_node("a", "zone: x"), a); // its ghost row
	ck_assert_uint_ne(zones->domain[a], CS_DOMAIN_NONE);
}
END_TEST

START_TEST(a_key_asked_later_sees_all_rows_and_new_ones)
{
	char name[16], labels[32];
	for (int i = 0; i < 50; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		snprintf(labels, sizeof(labels), "host: n%d", i);
		label_node(name, labels);
	}
	struct cs_topology *hosts = cs_topology_ref(world.cluster, "host");
	ck_assert_ptr_eq(cs_topology_ref(world.cluster, "host"), hosts);
	ck_assert_uint_eq(hosts->n_domains, 50);
	for (int i = 50; i < 300; i++) { // the table grows
		snprintf(name, sizeof(name), "n%d", i);
		snprintf(labels, sizeof(labels), "host: n%d", i);
		label_node(name, labels);
	}
	ck_assert_uint_eq(hosts->n_domains, 300);
	cs_topology_unref(world.cluster, hosts);
	cs_topology_unref(world.cluster, hosts);
}
END_TEST

START_TEST(pods_on_unknown_nodes_make_room)
{
	char name[16], spec[32];
	for (int i = 0; i < 200; i++) {
		snprintf(name, sizeof(name), "p%d", i);
		snprintf(spec, sizeof(spec), "nodeName: ghost-%d", i);
		add_pod(&world, name, spec);
	}
	world_check(&world);
	ck_assert_uint_eq(zones->domain[199], CS_DOMAIN_NONE);
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("cluster/topology");
	TCase *tcase = tcase_create("topology");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, rows_share_domains);
	tcase_add_test(tcase, a_domain_without_rows_is_used_again);
	tcase_add_test(tcase, an_empty_value_is_a_domain);
	tcase_add_test(tcase, a_node_that_is_gone_is_in_no_domain);
	tcase_add_test(tcase, a_key_asked_later_sees_all_rows_and_new_ones);
	tcase_add_test(tcase, pods_on_unknown_nodes_make_room);
	suite_add_tcase(suite, tcase);
	return suite;
}
