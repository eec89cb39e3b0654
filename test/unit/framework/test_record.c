// The ring of decisions. Neighbours: lib/framework/record.c.
#include <csched/framework/record.h>

#include "../check_main.h"
#include <csched/base/memory.h>

static void add(struct cs_records *records, const char *pod, int64_t score)
{
	cs_records_add(records, &(struct cs_record){ .pod = cs_strdup(pod),
						     .uid = cs_strdup("u"),
						     .profile = "c-sched",
						     .score = score });
}

START_TEST(an_empty_ring_has_nothing)
{
	struct cs_records *records = cs_records_create(4);
	ck_assert_ptr_null(cs_records_at(records, 0));
	ck_assert_ptr_null(cs_records_find(records, "default/a"));
	cs_records_destroy(records);
	cs_records_destroy(NULL);
}
END_TEST

START_TEST(the_newest_comes_first_and_the_oldest_leaves)
{
	struct cs_records *records = cs_records_create(3);
	static const char *const pods[] = { "n/a", "n/b", "n/a", "n/c", "n/d" };
	for (int i = 0; i < 5; i++)
		add(records, pods[i], i);
	ck_assert_str_eq(cs_records_at(records, 0)->pod, "n/d");
	ck_assert_uint_eq(cs_records_at(records, 0)->number, 5);
	ck_assert_str_eq(cs_records_at(records, 2)->pod, "n/a");
	ck_assert_ptr_null(cs_records_at(records, 3));
	ck_assert_int_eq(cs_records_find(records, "n/a")->score, 2);
	ck_assert_ptr_null(cs_records_find(records, "n/b"));
	cs_records_destroy(records);
}
END_TEST

START_TEST(written_as_json)
{
	struct cs_buffer buffer;
	cs_buffer_init(&buffer, 4096);
	struct cs_json_writer json;
	cs_json_init(&json, &buffer);
	cs_record_write(&(struct cs_record){ .number = 7,
					     .pod = (char[]){ "n/a" },
					     .uid = (char[]){ "u" },
					     .profile = "p",
					     .decision = CS_DECISION_SCHEDULED,
					     .at = 5,
					     .took = 6,
					     .attempt = 2,
					     .n_nodes = 9,
					     .n_feasible = 8,
					     .node = (char[]){ "x" },
					     .runner_up = (char[]){ "y" },
					     .score = 100,
					     .runner_up_score = 99 },
			&json);
	ck_assert_str_eq(buffer.data,
			 "{\"number\":7,\"pod\":\"n/a\",\"uid\":\"u\",\"profile\":\"p\","
			 "\"decision\":\"scheduled\",\"atUnixNano\":5,\"tookNano\":6,\"attempt\":2,"
			 "\"nodes\":9,\"feasibleNodes\":8,\"node\":\"x\",\"score\":100,"
			 "\"runnerUp\":\"y\",\"runnerUpScore\":99,\"message\":null}");
	cs_buffer_finish(&buffer);
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("record");
	TCase *tcase = tcase_create("record");
	tcase_add_test(tcase, an_empty_ring_has_nothing);
	tcase_add_test(tcase, the_newest_comes_first_and_the_oldest_leaves);
	tcase_add_test(tcase, written_as_json);
	suite_add_tcase(suite, tcase);
	return suite;
}
