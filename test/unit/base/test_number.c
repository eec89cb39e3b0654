// Tests of numbers as text: Go's layouts, and that every double reads back.
// Neighbours: lib/base/number.c. The expected texts were printed by Go 1.26
// (but 1e18 and 1e20 as JSON, see number.h).
#include "../check_main.h"

#include <csched/base/memory.h>
#include <csched/base/random.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"

static const struct {
	double v;
	const char *json;
	const char *short64;
	const char *short32;
} numbers[] = {
	{ 0, "0", "0", "0" },
	{ -0.0, "-0", "-0", "-0" },
	{ 1, "1", "1", "1" },
	{ -2.5, "-2.5", "-2.5", "-2.5" },
	{ 0.1, "0.1", "0.1", "0.1" },
	{ 1000, "1000", "1000", "1000" },
	{ 999999, "999999", "999999", "999999" },
	{ 1e6, "1000000", "1e+06", "1e+06" },
	{ 1234567, "1234567", "1.234567e+06", "1.234567e+06" },
	{ 123456789, "123456789", "1.23456789e+08", "1.2345679e+08" },
	{ 123456789012345680.0, "123456789012345680", "1.2345678901234568e+17", "1.2345679e+17" },
	{ 1e18, "1e+18", "1e+18", "1e+18" },
	{ 1e20, "1e+20", "1e+20", "1e+20" },
	{ 1e21, "1e+21", "1e+21", "1e+21" },
	{ 0.0001, "0.0001", "0.0001", "0.0001" },
	{ 0.00001, "0.00001", "1e-05", "1e-05" },
	{ 0.000001, "0.000001", "1e-06", "1e-06" },
	{ 1e-7, "1e-7", "1e-07", "1e-07" },
	{ 1.5e-10, "1.5e-10", "1.5e-10", "1.5e-10" },
	{ 1e100, "1e+100", "1e+100", "+Inf" },
	{ 1.7976931348623157e308, "1.7976931348623157e+308", "1.7976931348623157e+308", "+Inf" },
	{ 3.141592653589793, "3.141592653589793", "3.141592653589793", "3.1415927" },
	{ 0.1 + 0.2, "0.30000000000000004", "0.30000000000000004", "0.3" },
	{ 0.75679884184669632, "0.7567988418466963", "0.7567988418466963", "0.75679886" },
	{ 9007199254740993.0, "9007199254740992", "9.007199254740992e+15", "9.007199e+15" },
};

START_TEST(layouts)
{
	char text[CS_NUMBER_TEXT_MAX];
	ck_assert_uint_eq(cs_number_json(numbers[_i].v, text), strlen(numbers[_i].json));
	ck_assert_str_eq(text, numbers[_i].json);
	ck_assert_uint_eq(cs_number_short(numbers[_i].v, text), strlen(numbers[_i].short64));
	ck_assert_str_eq(text, numbers[_i].short64);
	ck_assert_uint_eq(cs_number_short32(numbers[_i].v, text), strlen(numbers[_i].short32));
	ck_assert_str_eq(text, numbers[_i].short32);
}
END_TEST

START_TEST(not_numbers)
{
	char text[CS_NUMBER_TEXT_MAX];
	cs_number_short(INFINITY, text);
	ck_assert_str_eq(text, "+Inf");
	cs_number_short(-INFINITY, text);
	ck_assert_str_eq(text, "-Inf");
	cs_number_json(NAN, text);
	ck_assert_str_eq(text, "NaN");
	cs_number_short32(NAN, text);
	ck_assert_str_eq(text, "NaN");
}
END_TEST

START_TEST(every_double_reads_back)
{
	struct cs_random random;
	cs_random_init(&random, 5);
	for (int i = 0; i < 30000; i++) {
		uint64_t bits = cs_random_next(&random);
		double v;
		char text[CS_NUMBER_TEXT_MAX];
		memcpy(&v, &bits, sizeof(v)); // subnormals, infinities and all
		if (i % 3 == 0)
			v = cs_random_unit(&random) * (i % 7 == 0 ? 1e6 : 1);
		if (!isfinite(v))
			continue;
		size_t length = cs_number_json(v, text);
		ck_assert_uint_eq(length, strlen(text));
		ck_assert_uint_lt(length, CS_NUMBER_TEXT_MAX);
		ck_assert(strtod(text, NULL) == v);
		cs_number_short(v, text);
		ck_assert(strtod(text, NULL) == v);
	}
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("number");
	TCase *tc = tcase_create("number");
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, layouts, 0, (int)CS_ARRAY_LENGTH(numbers));
	tcase_add_test(tc, not_numbers);
	tcase_add_test(tc, every_double_reads_back);
	suite_add_tcase(suite, tc);
	return suite;
}
