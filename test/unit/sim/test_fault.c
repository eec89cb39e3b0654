// Fault scripts: reading, refusing, counting. Neighbours: lib/sim/fault.c; test_faults_served.c
// shows what the faults do to clients.
#include "../check_main.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <csched/base/clock.h>
#include <csched/base/memory.h>
#include <sim/fault.h>

static struct sim_faults faults;

static void teardown(void)
{
	sim_faults_finish(&faults);
}

static void parse(const char *text)
{
	struct cs_error err;
	ck_assert_msg(sim_faults_read("f", cs_slice_of(text), &faults, &err) == 0, "%s", err.text);
}

static enum sim_fault_kind hit(const char *verb, const char *resource, const char *subresource)
{
	struct sim_fault_match match = { 0 };
	snprintf(match.verb, sizeof(match.verb), "%s", verb);
	snprintf(match.resource, sizeof(match.resource), "%s", resource);
	snprintf(match.subresource, sizeof(match.subresource), "%s", subresource);
	return sim_faults_ask(&faults, &match).kind;
}

START_TEST(test_members)
{
	parse("- match: {verb: create, resource: pods, subresource: binding, namespace: ns, name: "
	      "p}\n"
	      "  action: status\n"
	      "  code: 429\n"
	      "  reason: TooManyRequests\n"
	      "  message: slow down\n"
	      "  retryAfter: 3\n"
	      "  delayMillis: 20\n"
	      "  nth: 2\n"
	      "  count: 5\n"
	      "- {action: oversize, bytes: 1000, after: 7}\n"
	      "- {action: error}\n");
	ck_assert_uint_eq(faults.count, 3);
	const struct sim_fault_rule *rule = &faults.rules[0];
	ck_assert_str_eq(rule->match.verb, "create");
	ck_assert_str_eq(rule->match.subresource, "binding");
	ck_assert_str_eq(rule->match.namespace_, "ns");
	ck_assert_str_eq(rule->match.name, "p");
	ck_assert_int_eq(rule->action.kind, SIM_FAULT_STATUS);
	ck_assert_int_eq(rule->action.code, 429);
	ck_assert_str_eq(rule->action.reason, "TooManyRequests");
	ck_assert_str_eq(rule->action.message, "slow down");
	ck_assert_int_eq(rule->action.retry_after, 3);
	ck_assert_int_eq(rule->action.delay, 20 * CS_MILLISECOND);
	ck_assert_uint_eq(rule->nth, 2);
	ck_assert_uint_eq(rule->count, 5);
	ck_assert_uint_eq(faults.rules[1].action.bytes, 1000);
	ck_assert_uint_eq(faults.rules[1].action.after, 7);
	ck_assert_int_eq(faults.rules[2].action.code, 410);
}
END_TEST

START_TEST(test_counting)
{
	parse("- {match: {verb: get}, nth: 2, count: 2, action: close}\n");
	const enum sim_fault_kind wanted[] = { SIM_FAULT_NONE, SIM_FAULT_CLOSE, SIM_FAULT_CLOSE,
					       SIM_FAULT_NONE, SIM_FAULT_NONE };
	for (size_t i = 0; i < CS_ARRAY_LENGTH(wanted); i++) {
		ck_assert_int_eq(hit("list", "pods", ""), SIM_FAULT_NONE);
		ck_assert_int_eq(hit("get", "pods", ""), wanted[i]);
	}
	ck_assert_uint_eq(faults.rules[0].seen, 5);
	ck_assert_uint_eq(faults.rules[0].hit, 2);
}
END_TEST

START_TEST(test_for_ever)
{
	parse("- {match: {resource: pods}, count: 0, action: lose}\n");
	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(hit("get", "pods", ""), SIM_FAULT_LOSE);
	ck_assert_int_eq(hit("get", "nodes", ""), SIM_FAULT_NONE);
}
END_TEST

START_TEST(test_subresources_are_named)
{
	parse("- {match: {verb: create, resource: pods, subresource: binding}, action: lose}\n"
	      "- {match: {verb: create, resource: pods}, action: close}\n");
	ck_assert_int_eq(hit("create", "pods", ""), SIM_FAULT_CLOSE);
	ck_assert_int_eq(hit("create", "pods", "binding"), SIM_FAULT_LOSE);
}
END_TEST

START_TEST(test_the_first_due_rule_acts)
{
	parse("- {match: {verb: get}, action: close}\n"
	      "- {match: {verb: get}, action: lose, count: 3}\n");
	ck_assert_int_eq(hit("get", "pods", ""), SIM_FAULT_CLOSE);
	// The second rule saw the first request, too.
	ck_assert_int_eq(hit("get", "pods", ""), SIM_FAULT_LOSE);
	ck_assert_int_eq(hit("get", "pods", ""), SIM_FAULT_LOSE);
	ck_assert_int_eq(hit("get", "pods", ""), SIM_FAULT_NONE);
}
END_TEST

START_TEST(test_empty_scripts)
{
	parse("- {action: close}\n");
	parse("");
	ck_assert_uint_eq(faults.count, 0);
	parse("[]");
	ck_assert_uint_eq(faults.count, 0);
}
END_TEST

static const struct {
	const char *text;
	const char *words;
} refused[] = {
	{ "a: b", "f: not one list of rules" },
	{ "[1]", "f: rule 1: not an object" },
	{ "[{}]", "f: rule 1: action: missing" },
	{ "[{action: explode}]", "f: rule 1: action: not a value it may have" },
	{ "[{action: none}]", "f: rule 1: action: not a value it may have" },
	{ "[{action: status}]", "f: rule 1: code: missing" },
	{ "[{action: status, code: 200}]", "f: rule 1: code: not a value it may have" },
	{ "[{action: status, code: x}]", "f: rule 1: code: not a value it may have" },
	{ "[{action: close, nth: 0}]", "f: rule 1: nth: not a value it may have" },
	{ "[{action: close, count: -1}]", "f: rule 1: count: not a value it may have" },
	{ "[{action: close, delayMillis: 60001}]",
	  "f: rule 1: delayMillis: not a value it may have" },
	{ "[{action: close, often: 1}]", "f: rule 1: often: unknown" },
	{ "[{action: close}, {action: close, match: {verbs: x}}]",
	  "f: rule 2: match.verbs: unknown" },
	{ "[{action: close, match: {verb: 1}}]", "f: rule 1: match.verb: not a short string" },
	{ "[{action: close, match: x}]", "f: rule 1: match: not an object" },
	{ "[", "f: line " },
};

START_TEST(test_refusals)
{
	parse("- {action: close}\n");
	struct cs_error err = { 0 };
	ck_assert_int_eq(sim_faults_read("f", cs_slice_of(refused[_i].text), &faults, &err),
			 -EINVAL);
	ck_assert_msg(cs_string_prefix(err.text, refused[_i].words), "%s gives %s",
		      refused[_i].text, err.text);
	ck_assert_uint_eq(faults.count, 1); // the old rules stay
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("sim fault");
	TCase *tests = tcase_create("fault");
	tcase_add_checked_fixture(tests, NULL, teardown);
	tcase_add_test(tests, test_members);
	tcase_add_test(tests, test_counting);
	tcase_add_test(tests, test_for_ever);
	tcase_add_test(tests, test_subresources_are_named);
	tcase_add_test(tests, test_the_first_due_rule_acts);
	tcase_add_test(tests, test_empty_scripts);
	tcase_add_loop_test(tests, test_refusals, 0, CS_ARRAY_LENGTH(refused));
	suite_add_tcase(suite, tests);
	return suite;
}
