// The store: order, versions, the log, states of the past, owners. Neighbours: lib/sim/store.c.
#include "../check_main.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <csched/base/memory.h>
#include <csched/base/tree.h>
#include <sim/store.h>

static struct sim_store store;
static struct sim_collection *pods;

static void setup(void)
{
	sim_store_init(&store, 1000, 7);
	pods = sim_store_at(&store, SIM_PODS);
}

static void setup_short(void)
{
	sim_store_init(&store, 3, 7);
	pods = sim_store_at(&store, SIM_PODS);
}

static void teardown(void)
{
	sim_store_finish(&store);
}

static struct json_object *tree_of(const char *value, const char *owner)
{
	struct json_object *tree = json_object_new_object();
	cs_tree_set_string(tree, "value", value);
	struct json_object *metadata = cs_tree_own(tree, "metadata");
	if (owner) {
		struct json_object *reference = json_object_new_object();
		cs_tree_set_string(reference, "uid", owner);
		json_object_array_add(cs_tree_own_array(metadata, "ownerReferences"), reference);
	}
	return tree;
}

static struct sim_object *put(const char *key, const char *value)
{
	return sim_store_put(pods, key, tree_of(value, NULL));
}

// "key=value ..." of a snapshot.
static char *summary(const char *prefix, const char *after, uint64_t rv)
{
	struct sim_snapshot snapshot;
	struct sim_snapshot_query query = { .prefix = prefix, .after = after, .rv = rv };
	if (sim_store_snapshot(pods, &query, &snapshot))
		return cs_strdup("stale");
	struct cs_buffer out;
	cs_buffer_init(&out, 1u << 20);
	for (size_t i = 0; i < snapshot.count; i++)
		cs_buffer_printf(&out, "%s%s=%s", i ? " " : "", snapshot.versions[i]->key,
				 cs_tree_string(snapshot.versions[i]->tree, "value"));
	sim_snapshot_finish(&snapshot);
	return cs_buffer_take(&out);
}

static void check_summary(const char *prefix, const char *after, uint64_t rv, const char *wanted)
{
	CS_AUTO_FREE char *found = summary(prefix, after, rv);
	ck_assert_str_eq(found, wanted);
}

START_TEST(test_versions_grow)
{
	struct sim_object *a = put("ns/a", "1");
	uint64_t first = a->now->rv;
	ck_assert_ptr_eq(put("ns/a", "2"), a);
	ck_assert_uint_eq(a->now->rv, first + 1);
	char text[24];
	snprintf(text, sizeof(text), "%lu", (unsigned long)a->now->rv);
	ck_assert_str_eq(cs_value_string_at(a->now->tree, "metadata.resourceVersion"), text);
	ck_assert_uint_eq(pods->count, 1);
	sim_store_remove(pods, a);
	ck_assert_uint_eq(pods->count, 0);
	ck_assert_ptr_null(sim_store_find(pods, "ns/a"));
	ck_assert_uint_eq(store.rv, first + 2);
}
END_TEST

START_TEST(test_the_log_tells_before_and_now)
{
	struct sim_object *a = put("ns/a", "1");
	uint64_t created = a->now->rv;
	put("ns/a", "2");
	sim_store_remove(pods, a);
	uint64_t at;
	ck_assert_int_eq(sim_store_since(pods, created - 1, &at), 0);
	const struct sim_change *change = sim_store_change(pods, at);
	ck_assert_int_eq(change->type, SIM_ADDED);
	ck_assert_ptr_null(change->before);
	change = sim_store_change(pods, at + 1);
	ck_assert_int_eq(change->type, SIM_MODIFIED);
	ck_assert_str_eq(cs_tree_string(change->before->tree, "value"), "1");
	ck_assert_str_eq(cs_tree_string(change->now->tree, "value"), "2");
	change = sim_store_change(pods, at + 2);
	ck_assert_int_eq(change->type, SIM_DELETED);
	ck_assert_uint_eq(change->rv, created + 2);
	ck_assert_str_eq(cs_tree_string(change->now->tree, "value"), "2");
	ck_assert_int_eq(sim_store_since(pods, store.rv, &at), 0);
	ck_assert_uint_eq(at, pods->log_end);
}
END_TEST

START_TEST(test_a_short_history_forgets)
{
	uint64_t begin = store.rv;
	for (int i = 0; i < 5; i++)
		put("ns/a", "x");
	uint64_t at;
	ck_assert_int_eq(sim_store_since(pods, begin, &at), -ESTALE);
	ck_assert_int_eq(sim_store_since(pods, begin + 1, &at), -ESTALE);
	ck_assert_int_eq(sim_store_since(pods, begin + 2, &at), 0);
	ck_assert_uint_eq(at, pods->log_begin);
	check_summary("", "", begin + 1, "stale");
	check_summary("", "", begin + 2, "ns/a=x");
	// Other collections are not touched by it.
	ck_assert_int_eq(sim_store_since(sim_store_at(&store, SIM_NODES), begin, &at), 0);
}
END_TEST

START_TEST(test_states_of_the_past)
{
	put("a/1", "one");
	put("b/1", "two");
	uint64_t then = store.rv;
	put("a/1", "uno");
	sim_store_remove(pods, sim_store_find(pods, "b/1"));
	put("a/2", "new");
	uint64_t later = store.rv;
	put("b/1", "again");
	check_summary("", "", then, "a/1=one b/1=two");
	check_summary("", "", later, "a/1=uno a/2=new");
	check_summary("", "", store.rv, "a/1=uno a/2=new b/1=again");
	check_summary("a/", "", store.rv, "a/1=uno a/2=new");
	check_summary("a/", "a/1", store.rv, "a/2=new");
	check_summary("", "a/1", then, "b/1=two");
	check_summary("c/", "", store.rv, "");
}
END_TEST

START_TEST(test_owners)
{
	sim_store_put(pods, "ns/a", tree_of("1", "u1"));
	sim_store_put(pods, "ns/b", tree_of("1", "u1"));
	struct sim_owner *owner = sim_store_owner(&store, "u1");
	ck_assert_ptr_nonnull(owner);
	// b changes hands, a dies.
	sim_store_put(pods, "ns/b", tree_of("2", "u2"));
	ck_assert_ptr_nonnull(sim_store_owner(&store, "u2"));
	sim_store_remove(pods, sim_store_find(pods, "ns/a"));
	ck_assert_ptr_null(sim_store_owner(&store, "u1"));
	sim_store_put(pods, "ns/b", tree_of("3", NULL));
	ck_assert_ptr_null(sim_store_owner(&store, "u2"));
}
END_TEST

// Random changes against a plain array; every state of the past must be found again.
#define KEYS  40
#define STEPS 600

START_TEST(test_against_a_model)
{
	struct cs_random random;
	cs_random_init(&random, 99);
	static int model[STEPS + 1][KEYS]; // 0 = not there
	uint64_t begin = store.rv;
	for (int step = 1; step <= STEPS; step++) {
		memcpy(model[step], model[step - 1], sizeof(model[0]));
		int k = (int)cs_random_below(&random, KEYS);
		char key[16];
		char value[16];
		snprintf(key, sizeof(key), "n%d/%02d", k % 3, k);
		snprintf(value, sizeof(value), "%d", step);
		struct sim_object *object = sim_store_find(pods, key);
		ck_assert_int_eq(!object, !model[step][k]);
		if (object && cs_random_below(&random, 3) == 0) {
			sim_store_remove(pods, object);
			model[step][k] = 0;
		} else {
			put(key, value);
			model[step][k] = step;
		}
	}
	for (int step = 1; step <= STEPS; step += 17) {
		struct cs_buffer wanted;
		cs_buffer_init(&wanted, 1u << 20);
		for (int n = 0; n < 3; n++)
			for (int k = n; k < KEYS; k += 3)
				if (model[step][k])
					cs_buffer_printf(&wanted, "%sn%d/%02d=%d",
							 wanted.size ? " " : "", n, k,
							 model[step][k]);
		check_summary("", "", begin + (uint64_t)step, wanted.data);
		cs_buffer_finish(&wanted);
	}
}
END_TEST

START_TEST(test_keys)
{
	char key[SIM_KEY_MAX];
	ck_assert_str_eq(sim_key("ns", "a", key), "ns/a");
	ck_assert_str_eq(sim_key("", "a", key), "a");
	ck_assert_str_eq(sim_key(NULL, "a", key), "a");
	ck_assert_str_eq(sim_key_name("ns/a"), "a");
	ck_assert_str_eq(sim_key_name("a"), "a");
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("sim store");
	TCase *plain = tcase_create("plain");
	tcase_add_checked_fixture(plain, setup, teardown);
	tcase_add_test(plain, test_versions_grow);
	tcase_add_test(plain, test_the_log_tells_before_and_now);
	tcase_add_test(plain, test_states_of_the_past);
	tcase_add_test(plain, test_owners);
	tcase_add_test(plain, test_against_a_model);
	tcase_add_test(plain, test_keys);
	suite_add_tcase(suite, plain);
	TCase *brief = tcase_create("short history");
	tcase_add_checked_fixture(brief, setup_short, teardown);
	tcase_add_test(brief, test_a_short_history_forgets);
	suite_add_tcase(suite, brief);
	return suite;
}
