// The ring of decisions. Neighbours: lib/framework/record.c.
#include <csched/framework/record.h>

#include <string.h>

#include <csched/base/memory.h>
#include <csched/framework/cycle.h>
#include <csched/framework/profile.h>

#include "../check_main.h"

static const struct cs_plugin first = { .name = "First" }, second = { .name = "Second" };
static struct cs_plugin_instance instances[] = { { .plugin = &first, .weight = 1 },
						 { .plugin = &second, .weight = 3 } };
static struct cs_plugin_instance *score[] = { &instances[0], &instances[1] };
static char profile_name[] = "p";
static const struct cs_profile profile = { .scheduler_name = profile_name,
					   .n_score = 2,
					   .score = score };

static void add(struct cs_records *records, const char *pod, const char *message)
{
	cs_records_add(records, &(struct cs_record){ .namespace = "n",
						     .name = pod,
						     .uid = "u",
						     .profile = &profile,
						     .message = message });
}

START_TEST(an_empty_ring_has_nothing)
{
	struct cs_records *records = cs_records_create(4, NULL);
	ck_assert_ptr_null(cs_records_at(records, 0));
	ck_assert_ptr_null(cs_records_find(records, "default/a", 0));
	cs_records_destroy(records);
	cs_records_destroy(NULL);
}
END_TEST

START_TEST(the_newest_comes_first_and_the_oldest_leaves)
{
	struct cs_records *records = cs_records_create(3, NULL);
	static const char *const pods[] = { "a", "b", "a", "c", "d", "a" };
	static const char *const messages[] = { "0", "1", "2", "3", "4", "5" };
	for (int i = 0; i < 5; i++)
		add(records, pods[i], messages[i]);
	ck_assert_str_eq(cs_records_at(records, 0)->name, "d");
	ck_assert_uint_eq(cs_records_at(records, 0)->number, 5);
	ck_assert_str_eq(cs_records_at(records, 2)->name, "a");
	ck_assert_ptr_null(cs_records_at(records, 3));
	ck_assert_str_eq(cs_records_find(records, "n/a", 0)->message, "2");
	ck_assert_ptr_null(cs_records_find(records, "n/b", 0));
	ck_assert_ptr_null(cs_records_find(records, "na", 0));
	ck_assert_ptr_null(cs_records_find(records, "n/", 0));
	add(records, pods[5], messages[5]);
	ck_assert_uint_eq(cs_records_find(records, "n/a", 0)->number, 6);
	ck_assert_ptr_null(cs_records_find(records, "n/a", 6));
	cs_records_destroy(records);
}
END_TEST

// A place in the ring is used again and again: small after large, large after small.
START_TEST(places_fit_what_comes)
{
	struct cs_records *records = cs_records_create(2, NULL);
	char *large = cs_alloc(100000);
	memset(large, 'x', 99999);
	for (int i = 0; i < 12; i++) {
		const char *message = i % 3 ? "small" : large;
		add(records, i % 2 ? "a" : "much-longer-name-of-a-pod", message);
		ck_assert_str_eq(cs_records_at(records, 0)->message, message);
	}
	free(large);
	cs_records_destroy(records);
}
END_TEST

START_TEST(copied_and_written_as_json)
{
	struct cs_buffer buffer;
	cs_buffer_init(&buffer, 4096);
	struct cs_json_writer json;
	cs_json_init(&json, &buffer);
	uint8_t scores[] = { 70, 10 }, others[] = { CS_SCORE_NONE, 33 };
	struct cs_record_load loads[] = { { "cpu", 1.5, 4, 1, CS_LOAD_FRESH, 8 } };
	struct cs_record_candidate candidates[] = { { "x", 100, scores, 1, loads },
						    { "y", 99, others, 0, NULL } };
	struct cs_record_rejection rejections[] = { { "First", 1 } };
	struct cs_records *records = cs_records_create(1, NULL);
	cs_records_add(records, &(struct cs_record){ .namespace = "n",
						     .name = "a",
						     .uid = "u",
						     .profile = &profile,
						     .decision = CS_DECISION_SCHEDULED,
						     .at = 5,
						     .took = 6,
						     .attempt = 2,
						     .n_nodes = 9,
						     .n_feasible = 8,
						     .n_candidates = 2,
						     .candidates = candidates,
						     .n_rejections = 1,
						     .rejections = rejections });
	memset(scores, 0, sizeof(scores));
	memset(candidates, 0, sizeof(candidates));
	memset(rejections, 0, sizeof(rejections));
	memset(loads, 0, sizeof(loads));
	cs_record_write(cs_records_at(records, 0), &json);
	ck_assert_str_eq(
		buffer.data,
		"{\"number\":1,\"pod\":\"n/a\",\"uid\":\"u\",\"profile\":\"p\","
		"\"decision\":\"scheduled\",\"atUnixNano\":5,\"tookNano\":6,\"attempt\":2,"
		"\"nodes\":9,\"feasibleNodes\":8,\"node\":\"x\",\"score\":100,"
		"\"runnerUp\":\"y\",\"runnerUpScore\":99,\"message\":null,"
		"\"rejections\":[{\"plugin\":\"First\",\"nodes\":1}],"
		"\"candidates\":[{\"node\":\"x\",\"total\":100,"
		"\"scores\":{\"First\":70,\"Second\":10},"
		"\"load\":{\"cpu\":{\"load\":1.5,\"capacity\":4,\"quality\":1,\"state\":\"fresh\","
		"\"sampledUnixNano\":8}}},"
		"{\"node\":\"y\",\"total\":99,\"scores\":{\"Second\":33}}],"
		"\"weights\":{\"First\":1,\"Second\":3}}");
	cs_records_destroy(records);
	cs_buffer_finish(&buffer);
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("record");
	TCase *tcase = tcase_create("record");
	tcase_add_test(tcase, an_empty_ring_has_nothing);
	tcase_add_test(tcase, the_newest_comes_first_and_the_oldest_leaves);
	tcase_add_test(tcase, places_fit_what_comes);
	tcase_add_test(tcase, copied_and_written_as_json);
	suite_add_tcase(suite, tcase);
	return suite;
}
