// RFC 3339 text to seconds and nanoseconds, and back; dates are of the proleptic Gregorian
// calendar. Neighbours: codec.c reads and writes Time and MicroTime with it.
#include <csched/kube/timestamp.h>

#include <csched/base/clock.h>
#include <csched/base/memory.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>

#define SECONDS_PER_DAY 86400
#define QUOTED_MAX      64 // bytes of bad input that an error shows
#define DATE_TIME_SIZE  19 // "2006-01-02T15:04:05"

static bool is_leap(int64_t year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int days_in(int64_t year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	return days[month - 1] + (month == 2 && is_leap(year));
}

// Days since 1970-01-01. A year is counted from March, so that the leap day is its last.
static int64_t days_of(int64_t year, int month, int day)
{
	int64_t y = month > 2 ? year : year - 1;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t year_of_era = y - era * 400;
	int64_t day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
	int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
	return era * 146097 + day_of_era - 719468;
}

static void date_of(int64_t days, int64_t *year, int *month, int *day)
{
	int64_t z = days + 719468;
	int64_t era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t day_of_era = z - era * 146097;
	int64_t year_of_era =
		(day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	int64_t day_of_year =
		day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int64_t m = (5 * day_of_year + 2) / 153;
	*day = (int)(day_of_year - (153 * m + 2) / 5 + 1);
	*month = (int)(m < 10 ? m + 3 : m - 9);
	*year = year_of_era + era * 400 + (*month <= 2);
}

// Where a two- or four-digit number stands in the text and what it may be.
struct part {
	unsigned at, size;
	int min, max;
};

static bool read_part(const char *text, struct part part, int *ret)
{
	int value = 0;
	for (unsigned i = 0; i < part.size; i++) {
		char c = text[part.at + i];
		if (c < '0' || c > '9')
			return false;
		value = value * 10 + (c - '0');
	}
	*ret = value;
	return value >= part.min && value <= part.max;
}

static bool parse_date_time(struct cs_slice text, int64_t *seconds)
{
	static const struct part parts[] = {
		{ 0, 4, 0, 9999 }, { 5, 2, 1, 12 },  { 8, 2, 1, 31 },
		{ 11, 2, 0, 23 },  { 14, 2, 0, 59 }, { 17, 2, 0, 59 },
	};
	static const char marks[] = "    -  -  T  :  :  ";
	if (text.size < DATE_TIME_SIZE)
		return false;
	for (unsigned i = 0; i < DATE_TIME_SIZE; i++)
		if (marks[i] != ' ' && text.data[i] != marks[i])
			return false;
	int n[CS_ARRAY_LENGTH(parts)];
	for (unsigned i = 0; i < CS_ARRAY_LENGTH(parts); i++)
		if (!read_part(text.data, parts[i], &n[i]))
			return false;
	if (n[2] > days_in(n[0], n[1]))
		return false;
	*seconds = days_of(n[0], n[1], n[2]) * SECONDS_PER_DAY + n[3] * 3600 + n[4] * 60 + n[5];
	return true;
}

// Takes ".123" off the front; what is finer than a nanosecond is cut off.
static int32_t take_fraction(struct cs_slice *text)
{
	const char *s = text->data;
	if (text->size < 2 || s[0] != '.' || s[1] < '0' || s[1] > '9')
		return 0;
	size_t at = 1;
	int32_t unit = CS_SECOND / 10, nanos = 0;
	for (; at < text->size && s[at] >= '0' && s[at] <= '9'; at++, unit /= 10)
		nanos += (s[at] - '0') * unit;
	text->data += at;
	text->size -= at;
	return nanos;
}

// "Z" or "+02:00": how far the written time is ahead of UTC.
static bool parse_offset(struct cs_slice text, int64_t *seconds)
{
	if (cs_slice_equal(text, CS_SLICE("Z"))) {
		*seconds = 0;
		return true;
	}
	int hours, minutes;
	if (text.size != 6 || (text.data[0] != '+' && text.data[0] != '-') || text.data[3] != ':' ||
	    !read_part(text.data, (struct part){ 1, 2, 0, 23 }, &hours) ||
	    !read_part(text.data, (struct part){ 4, 2, 0, 59 }, &minutes))
		return false;
	*seconds = (hours * 3600 + minutes * 60) * (text.data[0] == '-' ? -1 : 1);
	return true;
}

int cs_timestamp_read(struct cs_slice text, struct cs_timestamp *ret, struct cs_error *err)
{
	int64_t seconds, offset;
	bool ok = parse_date_time(text, &seconds);
	struct cs_slice rest = text;
	if (ok) {
		rest.data += DATE_TIME_SIZE;
		rest.size -= DATE_TIME_SIZE;
		ret->nanos = take_fraction(&rest);
		ok = parse_offset(rest, &offset);
	}
	if (!ok) {
		int shown = text.size < QUOTED_MAX ? (int)text.size : QUOTED_MAX;
		return cs_error_set(err, -EINVAL, "not an RFC 3339 time: \"%.*s\"", shown,
				    text.data);
	}
	ret->seconds = seconds - offset;
	return 0;
}

static int64_t unix_ns(struct cs_timestamp t)
{
	__int128 ns = (__int128)t.seconds * CS_SECOND + t.nanos;
	if (ns > INT64_MAX)
		return INT64_MAX;
	return ns < INT64_MIN ? INT64_MIN : (int64_t)ns;
}

int cs_timestamp_parse(struct cs_slice text, int64_t *ret, struct cs_error *err)
{
	struct cs_timestamp t;
	int r = cs_timestamp_read(text, &t, err);
	if (r == 0)
		*ret = unix_ns(t);
	return r;
}

// Nanoseconds outside a second move into the seconds, as Go's time.Unix does it.
static struct cs_timestamp normalise(struct cs_timestamp t)
{
	int64_t carry = t.nanos / CS_SECOND;
	int64_t nanos = t.nanos % CS_SECOND;
	if (nanos < 0) {
		nanos += CS_SECOND;
		carry--;
	}
	if (__builtin_add_overflow(t.seconds, carry, &t.seconds))
		t.seconds = carry < 0 ? INT64_MIN : INT64_MAX;
	t.nanos = (int32_t)nanos;
	return t;
}

static const char *print(struct cs_timestamp t, bool with_micros, char out[CS_TIMESTAMP_SIZE])
{
	t = normalise(t);
	int64_t days = t.seconds / SECONDS_PER_DAY;
	int of_day = (int)(t.seconds % SECONDS_PER_DAY);
	if (of_day < 0) {
		of_day += SECONDS_PER_DAY;
		days--;
	}
	int64_t year;
	int month, day;
	date_of(days, &year, &month, &day);
	char fraction[16] = "";
	if (with_micros)
		snprintf(fraction, sizeof(fraction), ".%06d", t.nanos / 1000);
	snprintf(out, CS_TIMESTAMP_SIZE, "%04lld-%02d-%02dT%02d:%02d:%02d%sZ", (long long)year,
		 month, day, of_day / 3600, of_day / 60 % 60, of_day % 60, fraction);
	return out;
}

const char *cs_timestamp_print_seconds(struct cs_timestamp t, char out[CS_TIMESTAMP_SIZE])
{
	return print(t, false, out);
}

const char *cs_timestamp_print_micro(struct cs_timestamp t, char out[CS_TIMESTAMP_SIZE])
{
	return print(t, true, out);
}

static struct cs_timestamp split(int64_t ns)
{
	return normalise((struct cs_timestamp){
		.seconds = ns / CS_SECOND,
		.nanos = (int32_t)(ns % CS_SECOND),
	});
}

const char *cs_timestamp_seconds(int64_t ns, char out[CS_TIMESTAMP_SIZE])
{
	return print(split(ns), false, out);
}

const char *cs_timestamp_micro(int64_t ns, char out[CS_TIMESTAMP_SIZE])
{
	return print(split(ns), true, out);
}

int64_t cs_timestamp_of(const Kube__Time *time)
{
	if (!time || !time->has_seconds)
		return 0;
	return unix_ns((struct cs_timestamp){ .seconds = time->seconds, .nanos = time->nanos });
}

int64_t cs_timestamp_of_micro(const Kube__MicroTime *time)
{
	if (!time || !time->has_seconds)
		return 0;
	return unix_ns((struct cs_timestamp){ .seconds = time->seconds, .nanos = time->nanos });
}
