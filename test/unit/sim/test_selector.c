// Label and field selectors: what they match, what they refuse. Neighbours: lib/sim/selector.c.
#include "../check_main.h"

#include <csched/base/memory.h>
#include <sim/selector.h>

static struct json_object *object;

static void setup(void)
{
	struct cs_error err;
	ck_assert_int_eq(
		cs_value_read_json(CS_SLICE("{\"metadata\":{\"name\":\"p\",\"namespace\":\"ns\","
					    "\"labels\":{\"a\":\"1\",\"b\":\"x.y_z\",\"e\":\"\"}},"
					    "\"spec\":{\"nodeName\":\"n1\"},\"status\":"
					    "{\"phase\":\"Running\"}}"),
				   &object, &err),
		0);
}

static void teardown(void)
{
	json_object_put(object);
}

static const struct {
	const char *labels;
	bool matches;
} label_cases[] = {
	{ "", true },
	{ "a=1", true },
	{ "a==1", true },
	{ " a = 1 ", true },
	{ "a=2", false },
	{ "a!=2", true },
	{ "a!=1", false },
	{ "c!=1", true },
	{ "a", true },
	{ "c", false },
	{ "!c", true },
	{ "!a", false },
	{ "e=", true },
	{ "a in (1,2)", true },
	{ "a in (2,3)", false },
	{ "a notin (1,2)", false },
	{ "c notin (1,2)", true },
	{ "e in (,x)", true },
	{ "a>0", true },
	{ "a>1", false },
	{ "a<2", true },
	{ "b>0", false },
	{ "c<5", false },
	{ "b=x.y_z", true },
	{ "a=1,b", true },
	{ "a=1,!b", false },
	{ "a in (1),b notin (q),!c", true },
};

START_TEST(test_labels)
{
	struct sim_selector selector;
	struct sim_status status;
	ck_assert_msg(sim_selector_parse(&sim_resources[SIM_PODS], label_cases[_i].labels, NULL,
					 &selector, &status) == 0,
		      "%s: %s", label_cases[_i].labels, status.message);
	ck_assert_msg(sim_selector_matches(&selector, object) == label_cases[_i].matches, "%s",
		      label_cases[_i].labels);
	sim_selector_finish(&selector);
}
END_TEST

static const struct {
	const char *fields;
	bool matches;
} field_cases[] = {
	{ "", true },
	{ "metadata.name=p", true },
	{ "metadata.name==p", true },
	{ "metadata.name=q", false },
	{ "metadata.name!=q", true },
	{ "metadata.namespace=ns,spec.nodeName=n1", true },
	{ "spec.nodeName=", false },
	{ "spec.nodeName!=", true },
	{ "status.phase!=Succeeded,status.phase!=Failed", true },
	{ "status.phase!=Running", false },
	{ "status.podIP=", true },
	{ "spec.hostNetwork=false", true },
};

START_TEST(test_fields)
{
	struct sim_selector selector;
	struct sim_status status;
	ck_assert_int_eq(sim_selector_parse(&sim_resources[SIM_PODS], NULL, field_cases[_i].fields,
					    &selector, &status),
			 0);
	ck_assert_msg(sim_selector_matches(&selector, object) == field_cases[_i].matches, "%s",
		      field_cases[_i].fields);
	sim_selector_finish(&selector);
}
END_TEST

static const struct {
	const char *labels;
	const char *fields;
	const char *message;
} refused[] = {
	{ "n n", NULL,
	  "unable to parse requirement: found 'n', expected: in, notin, =, ==, !=, gt, lt" },
	{ "a in (", NULL,
	  "unable to parse requirement: found '', expected: ',', ')' or identifier" },
	{ "a=1,", NULL, "unable to parse requirement: found '', expected: identifier" },
	{ "b=x.y/z", NULL, "unable to parse requirement: values[0]: not a label value: \"x.y/z\"" },
	{ "a>x", NULL,
	  "unable to parse requirement: values[0]: must be an integer for Gt and Lt, is \"x\"" },
	{ NULL, "foo", "invalid selector: 'foo'; can't understand 'foo'" },
	{ NULL, "spec.foo=x", "field label not supported: spec.foo" },
};

START_TEST(test_refusals)
{
	struct sim_selector selector;
	struct sim_status status;
	ck_assert_int_eq(sim_selector_parse(&sim_resources[SIM_PODS], refused[_i].labels,
					    refused[_i].fields, &selector, &status),
			 -1);
	ck_assert_int_eq(status.code, 400);
	ck_assert_str_eq(status.message, refused[_i].message);
}
END_TEST

START_TEST(test_limits)
{
	struct cs_buffer text;
	cs_buffer_init(&text, 1u << 20);
	for (int i = 0; i < 65; i++)
		cs_buffer_printf(&text, "%sk%d", i ? "," : "", i);
	struct sim_selector selector;
	struct sim_status status;
	ck_assert_int_eq(
		sim_selector_parse(&sim_resources[SIM_PODS], text.data, NULL, &selector, &status),
		-1);
	cs_buffer_clear(&text);
	cs_buffer_append_string(&text, "k in (");
	for (int i = 0; i < 1100; i++)
		cs_buffer_printf(&text, "v%d,", i);
	cs_buffer_append_string(&text, "x)");
	ck_assert_int_eq(
		sim_selector_parse(&sim_resources[SIM_PODS], text.data, NULL, &selector, &status),
		-1);
	cs_buffer_finish(&text);
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("sim selector");
	TCase *tests = tcase_create("selector");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_loop_test(tests, test_labels, 0, CS_ARRAY_LENGTH(label_cases));
	tcase_add_loop_test(tests, test_fields, 0, CS_ARRAY_LENGTH(field_cases));
	tcase_add_loop_test(tests, test_refusals, 0, CS_ARRAY_LENGTH(refused));
	tcase_add_test(tests, test_limits);
	suite_add_tcase(suite, tests);
	return suite;
}
