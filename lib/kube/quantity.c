// Parsing and rounding of quantities, exact in 128 bits.
// Neighbours: codec.c checks quantities with it, cluster sums them.
#include <csched/kube/quantity.h>

#include <csched/base/memory.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

#define NANO_PER_UNIT  1000000000
#define NANO_PER_MILLI 1000000
#define NANO_DIGITS    9
#define NANO_CAP       ((__int128)INT64_MAX * NANO_PER_UNIT)
#define QUOTED_MAX     64 // bytes of bad input that an error shows

// A quantity's text taken apart.
struct number {
	bool negative;
	struct cs_slice integer; // digits before the point, without leading zeros
	struct cs_slice fraction;
	bool has_digits; // a zero was written out, or another digit
	struct cs_slice suffix;
};

struct scale {
	bool binary; // 2^exponent, else 10^exponent
	int32_t exponent;
};

static const struct {
	struct cs_slice suffix;
	struct scale scale;
} suffixes[] = {
	{ { "", 0 }, { false, 0 } },   { { "n", 1 }, { false, -9 } }, { { "u", 1 }, { false, -6 } },
	{ { "m", 1 }, { false, -3 } }, { { "k", 1 }, { false, 3 } },  { { "M", 1 }, { false, 6 } },
	{ { "G", 1 }, { false, 9 } },  { { "T", 1 }, { false, 12 } }, { { "P", 1 }, { false, 15 } },
	{ { "E", 1 }, { false, 18 } }, { { "Ki", 2 }, { true, 10 } }, { { "Mi", 2 }, { true, 20 } },
	{ { "Gi", 2 }, { true, 30 } }, { { "Ti", 2 }, { true, 40 } }, { { "Pi", 2 }, { true, 50 } },
	{ { "Ei", 2 }, { true, 60 } },
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

// Takes the digits off the front of `text`.
static struct cs_slice take_digits(struct cs_slice *text)
{
	struct cs_slice digits = { .data = text->data, .size = 0 };
	while (digits.size < text->size && is_digit(text->data[digits.size]))
		digits.size++;
	text->data += digits.size;
	text->size -= digits.size;
	return digits;
}

static struct number split(struct cs_slice text)
{
	struct number n = { 0 };
	if (text.size > 0 && (text.data[0] == '-' || text.data[0] == '+')) {
		n.negative = text.data[0] == '-';
		text.data++;
		text.size--;
	}
	n.integer = take_digits(&text);
	n.has_digits = n.integer.size > 0;
	while (n.integer.size > 0 && n.integer.data[0] == '0') {
		n.integer.data++;
		n.integer.size--;
	}
	if (text.size > 0 && text.data[0] == '.') {
		text.data++;
		text.size--;
		n.fraction = take_digits(&text);
		n.has_digits |= n.fraction.size > 0;
	}
	n.suffix = text;
	return n;
}

// The number behind e or E as Go's ParseInt reads it, cut to 32 bits as upstream does.
static bool parse_exponent(struct cs_slice text, int32_t *ret)
{
	bool negative = text.size > 0 && text.data[0] == '-';
	if (text.size > 0 && (text.data[0] == '-' || text.data[0] == '+')) {
		text.data++;
		text.size--;
	}
	if (text.size == 0)
		return false;
	int64_t value = 0;
	for (size_t i = 0; i < text.size; i++) {
		int digit = text.data[i] - '0';
		if (!is_digit(text.data[i]) || __builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, negative ? -digit : digit, &value))
			return false;
	}
	*ret = (int32_t)(uint32_t)(uint64_t)value;
	return true;
}

static bool interpret(struct cs_slice suffix, struct scale *ret)
{
	for (size_t i = 0; i < CS_ARRAY_LENGTH(suffixes); i++)
		if (cs_slice_equal(suffixes[i].suffix, suffix)) {
			*ret = suffixes[i].scale;
			return true;
		}
	if (suffix.data[0] != 'e' && suffix.data[0] != 'E')
		return false;
	struct cs_slice digits = { .data = suffix.data + 1, .size = suffix.size - 1 };
	ret->binary = false;
	return parse_exponent(digits, &ret->exponent);
}

// Upstream takes a number without any digit ("+", ".", "m", "Ki") as zero wherever its fast path
// reads it, and refuses it elsewhere.
static bool digits_may_lack(struct scale scale)
{
	return scale.binary ? scale.exponent < 50 : scale.exponent >= -NANO_DIGITS;
}

// Magnitude in nano of a number times 10^exponent, rounded up.
static __int128 scale_decimal(const struct number *n, int64_t exponent)
{
	int64_t count = (int64_t)(n->integer.size + n->fraction.size);
	// Digits from here on weigh less than a nano.
	int64_t end = (int64_t)n->integer.size + exponent + NANO_DIGITS;
	__int128 value = 0;
	for (int64_t i = 0; i < count; i++) {
		size_t at = (size_t)i;
		int digit = (at < n->integer.size ? n->integer.data[at]
						  : n->fraction.data[at - n->integer.size]) -
			    '0';
		if (i < end) {
			value = value * 10 + digit;
			if (value > NANO_CAP)
				return NANO_CAP;
		} else if (digit != 0) {
			return value + 1;
		}
	}
	for (int64_t i = count; i < end && value != 0; i++) {
		value *= 10;
		if (value > NANO_CAP)
			return NANO_CAP;
	}
	return value;
}

// Magnitude in nano of a number times 2^exponent, rounded up.
static __int128 scale_binary(const struct number *n, int32_t exponent)
{
	__int128 unit = (__int128)NANO_PER_UNIT << exponent; // at most 2^90
	__int128 whole = 0;
	for (size_t i = 0; i < n->integer.size; i++) {
		whole = whole * 10 + (n->integer.data[i] - '0');
		if (whole > NANO_CAP / unit)
			return NANO_CAP;
	}
	// Digit by digit from the last one, each division's remainder only telling "not exact".
	__int128 part = 0;
	bool inexact = false;
	for (size_t i = n->fraction.size; i > 0; i--) {
		part += (n->fraction.data[i - 1] - '0') * unit;
		inexact |= part % 10 != 0;
		part /= 10;
	}
	return whole * unit + part + inexact;
}

static __int128 clamp(__int128 value, __int128 low, __int128 high)
{
	return value < low ? low : value > high ? high : value;
}

static bool parse(struct cs_slice text, struct cs_quantity *ret)
{
	if (text.size == 0)
		return false;
	struct number n = split(text);
	struct scale scale;
	if (!interpret(n.suffix, &scale) || (!n.has_digits && !digits_may_lack(scale)))
		return false;
	__int128 nano =
		scale.binary ? scale_binary(&n, scale.exponent) : scale_decimal(&n, scale.exponent);
	nano = clamp(nano, 0, NANO_CAP);
	ret->nano = n.negative ? -nano : nano;
	return true;
}

int cs_quantity_parse(struct cs_slice text, struct cs_quantity *ret, struct cs_error *err)
{
	if (parse(text, ret))
		return 0;
	int shown = text.size < QUOTED_MAX ? (int)text.size : QUOTED_MAX;
	return cs_error_set(err, -EINVAL, "not a quantity: \"%.*s\"", shown, text.data);
}

const char *cs_quantity_print(struct cs_quantity q, char out[CS_QUANTITY_SIZE])
{
	static const struct {
		int64_t nano;
		const char *suffix;
	} units[] = { { NANO_PER_UNIT, "" }, { NANO_PER_MILLI, "m" }, { 1000, "u" }, { 1, "n" } };
	size_t unit = 0;
	while (q.nano % units[unit].nano != 0)
		unit++;
	__int128 value = q.nano / units[unit].nano;
	__int128 high = value / NANO_PER_UNIT;
	int64_t low = (int64_t)(value % NANO_PER_UNIT);
	// An __int128 has no format of its own.
	if (high)
		(void)snprintf(out, CS_QUANTITY_SIZE, "%" PRId64 "%09" PRId64 "%s", (int64_t)high,
			       low < 0 ? -low : low, units[unit].suffix);
	else
		(void)snprintf(out, CS_QUANTITY_SIZE, "%" PRId64 "%s", low, units[unit].suffix);
	return out;
}

struct cs_quantity cs_quantity_add(struct cs_quantity a, struct cs_quantity b)
{
	return (struct cs_quantity){ .nano = clamp(a.nano + b.nano, -NANO_CAP, NANO_CAP) };
}

struct cs_quantity cs_quantity_max(struct cs_quantity a, struct cs_quantity b)
{
	return a.nano > b.nano ? a : b;
}

static int64_t round_away(__int128 nano, int64_t divisor)
{
	__int128 remainder = nano % divisor;
	__int128 value = nano / divisor + (remainder > 0) - (remainder < 0);
	return (int64_t)clamp(value, INT64_MIN, INT64_MAX);
}

int64_t cs_quantity_units(struct cs_quantity q)
{
	return round_away(q.nano, NANO_PER_UNIT);
}

int64_t cs_quantity_milli(struct cs_quantity q)
{
	return round_away(q.nano, NANO_PER_MILLI);
}
