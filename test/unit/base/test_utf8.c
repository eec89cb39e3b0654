// Tests of UTF-8: every code point there and back, and each kind of broken sequence.
// Neighbours: lib/base/utf8.c.
#include "../check_main.h"

#include <csched/base/memory.h>
#include <csched/base/slice.h>
#include <csched/base/utf8.h>

START_TEST(every_code_point)
{
	for (uint32_t c = 0; c <= 0x10FFFF; c++) {
		if (c >= 0xD800 && c < 0xE000)
			continue;
		char bytes[4];
		size_t length = cs_utf8_encode(c, bytes);
		if (cs_utf8_sequence(bytes, length) != length)
			ck_abort_msg("U+%04X", c);
		for (size_t cut = 0; cut < length; cut++) {
			if (cs_utf8_sequence(bytes, cut) != 0)
				ck_abort_msg("U+%04X cut to %zu", c, cut);
		}
	}
}
END_TEST

START_TEST(known_encodings)
{
	char bytes[4];
	ck_assert_uint_eq(cs_utf8_encode(0x20AC, bytes), 3);
	ck_assert_mem_eq(bytes, "\xE2\x82\xAC", 3);
	ck_assert_uint_eq(cs_utf8_encode(0x1F600, bytes), 4);
	ck_assert_mem_eq(bytes, "\xF0\x9F\x98\x80", 4);
	ck_assert_uint_eq(cs_utf8_encode(0xE9, bytes), 2);
	ck_assert_mem_eq(bytes, "\xC3\xA9", 2);
}
END_TEST

static const struct cs_slice broken[] = {
	CS_SLICE("\x80"),             // continuation alone
	CS_SLICE("\xC0\x80"),         // overlong NUL
	CS_SLICE("\xC1\xBF"),         // overlong
	CS_SLICE("\xE0\x9F\xBF"),     // overlong
	CS_SLICE("\xF0\x8F\xBF\xBF"), // overlong
	CS_SLICE("\xED\xA0\x80"),     // surrogate
	CS_SLICE("\xED\xBF\xBF"),     // surrogate
	CS_SLICE("\xF4\x90\x80\x80"), // above U+10FFFF
	CS_SLICE("\xF5\x80\x80\x80"),
	CS_SLICE("\xFF"),
	CS_SLICE("\xFE"),
	CS_SLICE("\xC3("),         // second byte missing
	CS_SLICE("\xE2\x82("),     // third byte missing
	CS_SLICE("\xF0\x9F\x98("), // fourth byte missing
};

START_TEST(broken_sequences)
{
	ck_assert_uint_eq(cs_utf8_sequence(broken[_i].data, broken[_i].size), 0);
}
END_TEST

Suite *test_suite(void)
{
	Suite *suite = suite_create("utf8");
	TCase *tc = tcase_create("utf8");
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, every_code_point);
	tcase_add_test(tc, known_encodings);
	tcase_add_loop_test(tc, broken_sequences, 0, (int)CS_ARRAY_LENGTH(broken));
	suite_add_tcase(suite, tc);
	return suite;
}
