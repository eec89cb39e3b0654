// Quantities: upstream's grammar, rounding and caps.
// Neighbours: lib/kube/quantity.c; test/oracle compares it with upstream itself.
#include "../check_main.h"

#include <csched/base/memory.h>
#include <csched/kube/quantity.h>
#include <errno.h>

static const struct {
	const char *text;
	int64_t units;
	int64_t milli;
} good[] = {
	{ "0", 0, 0 },
	{ "1", 1, 1000 },
	{ "100m", 1, 100 },
	{ "1500m", 2, 1500 },
	{ "2000m", 2, 2000 },
	{ "0.5", 1, 500 },
	{ ".5", 1, 500 },
	{ "5.", 5, 5000 },
	{ "1.G", 1000000000, 1000000000000 },
	{ "+3", 3, 3000 },
	{ "007", 7, 7000 },
	{ "00000000000000000000000000001", 1, 1000 },
	{ "1.10", 2, 1100 },
	// every suffix
	{ "1n", 1, 1 },
	{ "1000000n", 1, 1 },
	{ "1000001n", 1, 2 },
	{ "1u", 1, 1 },
	{ "1000u", 1, 1 },
	{ "1001u", 1, 2 },
	{ "1k", 1000, 1000000 },
	{ "1M", 1000000, 1000000000 },
	{ "1G", 1000000000, 1000000000000 },
	{ "1T", 1000000000000, 1000000000000000 },
	{ "1P", 1000000000000000, 1000000000000000000 },
	{ "1E", 1000000000000000000, INT64_MAX },
	{ "1Ki", 1024, 1024000 },
	{ "1Mi", 1048576, 1048576000 },
	{ "1Gi", 1073741824, 1073741824000 },
	{ "1Ti", 1099511627776, 1099511627776000 },
	{ "1Pi", 1125899906842624, 1125899906842624000 },
	{ "1Ei", 1152921504606846976, INT64_MAX },
	{ "1.5Gi", 1610612736, 1610612736000 },
	{ "0.1Ki", 103, 102400 },
	{ "0.0009765625Ki", 1, 1000 },
	{ "1e3", 1000, 1000000 },
	{ "1E3", 1000, 1000000 },
	{ "1e+3", 1000, 1000000 },
	{ "1e-3", 1, 1 },
	{ "12e6", 12000000, 12000000000 },
	{ "1.5e1", 15, 15000 },
	{ "1e00000000000000000000003", 1000, 1000000 },
	// finer than nano goes up
	{ "0.1n", 1, 1 },
	{ "1e-10", 1, 1 },
	{ "1e-2147483", 1, 1 },
	{ "1.0000000001", 2, 1001 },
	{ "1.000000000", 1, 1000 },
	{ "1.0000000000000000000000000000000000000000000000", 1, 1000 },
	{ "1.0000000000000000000000000000000000000000000001", 2, 1001 },
	{ "0e-99999", 0, 0 },
	{ "0.00000000000000000000000000000000000n", 0, 0 },
	{ "0.3333333333333333333333333333Ki", 342, 341334 },
	{ "0.00000000000000000000000000001Ei", 1, 1 },
	// the sign, and away from zero
	{ "-1", -1, -1000 },
	{ "-100m", -1, -100 },
	{ "-1.5", -2, -1500 },
	{ "-1Ki", -1024, -1024000 },
	{ "-0", 0, 0 },
	{ "-1n", -1, -1 },
	{ "-0.1n", -1, -1 },
	// the caps
	{ "9223372036854775806", INT64_MAX - 1, INT64_MAX },
	{ "9223372036854775807", INT64_MAX, INT64_MAX },
	{ "9223372036854775808", INT64_MAX, INT64_MAX },
	{ "9223372036854775807.5", INT64_MAX, INT64_MAX },
	{ "9223372036854775.807", 9223372036854776, INT64_MAX },
	{ "9223372036854775.808", 9223372036854776, INT64_MAX },
	{ "10E", INT64_MAX, INT64_MAX },
	{ "10P", 10000000000000000, INT64_MAX },
	{ "7Ei", 8070450532247928832, INT64_MAX },
	{ "8Ei", INT64_MAX, INT64_MAX },
	{ "9007199254740993Ki", INT64_MAX, INT64_MAX },
	{ "99999999999999999999999999999999999999999999999999Ei", INT64_MAX, INT64_MAX },
	{ "99999999999999999999999999999999999999999999999999n", INT64_MAX, INT64_MAX },
	{ "1e30", INT64_MAX, INT64_MAX },
	{ "1e2147483647", INT64_MAX, INT64_MAX },
	{ "-10E", -INT64_MAX, INT64_MIN },
	{ "-9223372036854775808", -INT64_MAX, INT64_MIN },
	{ "-9223372036854775.808", -9223372036854776, INT64_MIN },
	// upstream cuts exponents to 32 bits
	{ "1e4294967296", 1, 1000 },
	{ "1e4294967299", 1000, 1000000 },
	{ "0e2147483647", 0, 0 },
	// upstream's fast path takes a number without digits
	{ "+", 0, 0 },
	{ "-", 0, 0 },
	{ ".", 0, 0 },
	{ "+.", 0, 0 },
	{ "m", 0, 0 },
	{ "n", 0, 0 },
	{ "E", 0, 0 },
	{ "Ki", 0, 0 },
	{ ".Ti", 0, 0 },
	{ "e5", 0, 0 },
	{ "e-9", 0, 0 },
};

static const char *const bad[] = {
	"",
	" ",
	"1 ",
	" 1",
	"1 m",
	"x",
	"1x",
	"1mm",
	"1KI",
	"1ki",
	"1K",
	"1kB",
	"1g",
	"1i",
	"1Mi1",
	"1e",
	"1ee3",
	"1e3m",
	"1e+",
	"1e-",
	"1e+-3",
	"1e1.5",
	"--1",
	"+-1",
	"1.2.3",
	"..",
	"1,5",
	"0x10",
	"1_0",
	"1/2",
	"1%",
	"NaN",
	"inf",
	"1E1E",
	"1Ee",
	"1e 3",
	"1\n",
	"\xc2\xb5",
	"1\xff",
	"Pi",
	"Ei",
	".Ei",
	"-Pi",
	"e-10",
	"+e-10",
	".e-99",
	"1e9223372036854775808",
	"1e-9223372036854775809",
	"1mi",
	"1ni",
	"1Ui",
	"1Eii",
	"1eE",
	"1e0x1",
	"١",
};

START_TEST(good_ones)
{
	struct cs_quantity q;
	struct cs_error err = { 0 };
	int r = cs_quantity_parse(cs_slice_of(good[_i].text), &q, &err);
	ck_assert_msg(r == 0, "%s: %s", good[_i].text, err.text);
	ck_assert_msg(cs_quantity_units(q) == good[_i].units, "%s: %lld units", good[_i].text,
		      (long long)cs_quantity_units(q));
	ck_assert_msg(cs_quantity_milli(q) == good[_i].milli, "%s: %lld milli", good[_i].text,
		      (long long)cs_quantity_milli(q));
}
END_TEST

START_TEST(bad_ones)
{
	struct cs_quantity q = { .nano = 42 };
	struct cs_error err = { 0 };
	int r = cs_quantity_parse(cs_slice_of(bad[_i]), &q, &err);
	ck_assert_msg(r == -EINVAL, "\"%s\" was taken as %lld milli", bad[_i],
		      (long long)cs_quantity_milli(q));
	ck_assert_int_eq(err.code, -EINVAL);
	ck_assert_msg(strstr(err.text, "not a quantity"), "%s", err.text);
	ck_assert(q.nano == 42);
}
END_TEST

START_TEST(nul_bytes_and_empty_slices)
{
	struct cs_quantity q;
	ck_assert_int_eq(cs_quantity_parse((struct cs_slice){ 0 }, &q, NULL), -EINVAL);
	ck_assert_int_eq(cs_quantity_parse(CS_SLICE("1\0"), &q, NULL), -EINVAL);
	ck_assert_int_eq(cs_quantity_parse(CS_SLICE("\0"), &q, NULL), -EINVAL);
	// The slice ends where it says, not at the next character that would not fit.
	ck_assert_int_eq(cs_quantity_parse((struct cs_slice){ "12Ki", 2 }, &q, NULL), 0);
	ck_assert_int_eq(cs_quantity_units(q), 12);
}
END_TEST

START_TEST(long_input_is_linear_and_shown_in_part)
{
	enum { SIZE = 1 << 20 };
	CS_AUTO_FREE char *text = cs_alloc(SIZE);
	struct cs_quantity q;
	struct cs_error err;
	memset(text, '9', SIZE);
	ck_assert_int_eq(cs_quantity_parse((struct cs_slice){ text, SIZE }, &q, NULL), 0);
	ck_assert_int_eq(cs_quantity_units(q), INT64_MAX);
	text[1] = '.';
	text[SIZE - 1] = 'i';
	text[SIZE - 2] = 'K';
	ck_assert_int_eq(cs_quantity_parse((struct cs_slice){ text, SIZE }, &q, NULL), 0);
	ck_assert_int_eq(cs_quantity_units(q), 10240);
	text[SIZE - 2] = 'k';
	ck_assert_int_eq(cs_quantity_parse((struct cs_slice){ text, SIZE }, &q, &err), -EINVAL);
	ck_assert_uint_lt(strlen(err.text), 100);
}
END_TEST

static struct cs_quantity parse(const char *text)
{
	struct cs_quantity q;
	ck_assert_int_eq(cs_quantity_parse(cs_slice_of(text), &q, NULL), 0);
	return q;
}

START_TEST(sums_are_exact_and_rounded_once)
{
	struct cs_quantity sum = cs_quantity_add(parse("500u"), parse("500u"));
	ck_assert_int_eq(cs_quantity_milli(sum), 1);
	sum = cs_quantity_add(sum, parse("1n"));
	ck_assert_int_eq(cs_quantity_milli(sum), 2);
	sum = cs_quantity_add(parse("0.5"), parse("0.5"));
	ck_assert_int_eq(cs_quantity_units(sum), 1);
	sum = cs_quantity_add(parse("1"), parse("-250m"));
	ck_assert_int_eq(cs_quantity_milli(sum), 750);
}
END_TEST

START_TEST(sums_saturate)
{
	struct cs_quantity sum = cs_quantity_add(parse("8Ei"), parse("8Ei"));
	ck_assert_int_eq(cs_quantity_units(sum), INT64_MAX);
	for (int i = 0; i < 100; i++)
		sum = cs_quantity_add(sum, sum);
	ck_assert_int_eq(cs_quantity_units(sum), INT64_MAX);
	sum = cs_quantity_add(parse("-10E"), parse("-10E"));
	ck_assert_int_eq(cs_quantity_units(sum), -INT64_MAX);
	ck_assert_int_eq(cs_quantity_units(cs_quantity_add(parse("10E"), parse("-10E"))), 0);
}
END_TEST

START_TEST(larger_of_two)
{
	ck_assert_int_eq(cs_quantity_milli(cs_quantity_max(parse("1"), parse("999m"))), 1000);
	ck_assert_int_eq(cs_quantity_milli(cs_quantity_max(parse("1"), parse("1001m"))), 1001);
	ck_assert_int_eq(cs_quantity_milli(cs_quantity_max(parse("-1"), parse("-2"))), -1000);
}
END_TEST

START_TEST(printing_is_exact)
{
	static const char *const texts[][2] = {
		{ "0", "0" },
		{ "2", "2" },
		{ "1500m", "1500m" },
		{ "1.5", "1500m" },
		{ "7u", "7u" },
		{ "3n", "3n" },
		{ "-1.5", "-1500m" },
		{ "1Gi", "1073741824" },
		{ "1e12", "1000000000000" },
		{ "1000000000001500m", "1000000000001500m" },
		{ "9223372036854775807", "9223372036854775807" },
		{ "1.5Gi", "1610612736" },
	};
	for (size_t i = 0; i < CS_ARRAY_LENGTH(texts); i++) {
		char text[CS_QUANTITY_SIZE];
		ck_assert_str_eq(cs_quantity_print(parse(texts[i][0]), text), texts[i][1]);
		ck_assert(parse(text).nano == parse(texts[i][0]).nano);
	}
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("quantity");
	TCase *tcase = tcase_create("quantity");
	tcase_set_timeout(tcase, 60); // under sanitizers on a busy machine
	tcase_add_loop_test(tcase, good_ones, 0, CS_ARRAY_LENGTH(good));
	tcase_add_loop_test(tcase, bad_ones, 0, CS_ARRAY_LENGTH(bad));
	tcase_add_test(tcase, nul_bytes_and_empty_slices);
	tcase_add_test(tcase, long_input_is_linear_and_shown_in_part);
	tcase_add_test(tcase, sums_are_exact_and_rounded_once);
	tcase_add_test(tcase, sums_saturate);
	tcase_add_test(tcase, larger_of_two);
	tcase_add_test(tcase, printing_is_exact);
	suite_add_tcase(suite, tcase);
	return suite;
}
