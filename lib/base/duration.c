// Durations as Go writes and reads them. Neighbours: duration.h is the contract; mirrors
// time.ParseDuration and Duration.String.
#include <csched/base/duration.h>

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include <csched/base/clock.h>
#include <csched/base/memory.h>
#include <csched/base/slice.h>

static const struct {
	const char *name;
	int64_t ns;
} units[] = {
	// Longer names first where one begins another.
	{ "ns", 1 },
	{ "us", CS_MICROSECOND },
	{ "\u00b5s", CS_MICROSECOND }, // micro sign
	{ "\u03bcs", CS_MICROSECOND }, // Greek mu
	{ "ms", CS_MILLISECOND },
	{ "s", CS_SECOND },
	{ "m", 60 * CS_SECOND },
	{ "h", 3600 * CS_SECOND },
};

static int64_t unit_at(const char **text)
{
	for (size_t i = 0; i < CS_ARRAY_LENGTH(units); i++) {
		if (cs_string_prefix(*text, units[i].name)) {
			*text += strlen(units[i].name);
			return units[i].ns;
		}
	}
	return 0;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

// One number with its unit; moves *text behind it. False where there is none or it overflows.
static bool add_part(const char **text, int64_t *total)
{
	const char *start = *text;
	__int128 whole = 0, fraction = 0, scale = 1;
	unsigned digits = 0;
	for (; is_digit(**text); (*text)++, digits++)
		if (whole <= INT64_MAX)
			whole = whole * 10 + (**text - '0');
	if (**text == '.') {
		(*text)++;
		for (; is_digit(**text); (*text)++, digits++) {
			// Digits beyond 18 cannot change a ns.
			if (scale < INT64_C(1000000000000000000)) {
				fraction = fraction * 10 + (**text - '0');
				scale *= 10;
			}
		}
	}
	int64_t unit = digits ? unit_at(text) : 0;
	if (!unit || *text == start || whole > INT64_MAX)
		return false;
	__int128 sum = *total + whole * unit + fraction * unit / scale;
	*total = (int64_t)sum;
	return sum <= INT64_MAX;
}

int cs_duration_parse(const char *text, int64_t *ret, struct cs_error *err)
{
	const char *at = text + (*text == '-' || *text == '+');
	int64_t total = 0;
	bool ok = *at != '\0';
	if (strcmp(at, "0") == 0)
		at++;
	while (ok && *at)
		ok = add_part(&at, &total);
	if (!ok)
		return cs_error_set(err, -EINVAL,
				    "\"%s\" is not a duration such as 15s, 1m30s or 500ms", text);
	*ret = *text == '-' ? -total : total;
	return 0;
}

// `whole` units and the nanos below, without zeros at the end.
static void print_fraction(struct cs_buffer *out, uint64_t ns, uint64_t unit, const char *name)
{
	char digits[24];
	uint64_t below = ns % unit;
	int size = 0;
	for (uint64_t step = unit / 10; below > 0; step /= 10) {
		digits[size++] = (char)('0' + below / step);
		below %= step;
	}
	digits[size] = '\0';
	cs_buffer_printf(out, "%" PRIu64 "%s%s%s", ns / unit, size ? "." : "", digits, name);
}

void cs_duration_print(struct cs_buffer *out, int64_t ns)
{
	const uint64_t minute = 60 * (uint64_t)CS_SECOND, hour = 60 * minute;
	uint64_t size = ns < 0 ? -(uint64_t)ns : (uint64_t)ns;
	if (ns < 0)
		cs_buffer_append_char(out, '-');
	if (size == 0)
		cs_buffer_append_string(out, "0s");
	else if (size < CS_MICROSECOND)
		cs_buffer_printf(out, "%" PRIu64 "ns", size);
	else if (size < CS_MILLISECOND)
		print_fraction(out, size, CS_MICROSECOND, "us");
	else if (size < CS_SECOND)
		print_fraction(out, size, CS_MILLISECOND, "ms");
	else {
		if (size >= hour)
			cs_buffer_printf(out, "%" PRIu64 "h", size / hour);
		if (size >= minute)
			cs_buffer_printf(out, "%" PRIu64 "m", size % hour / minute);
		print_fraction(out, size % minute, CS_SECOND, "s");
	}
}
