// Floating-point numbers as text.
// Neighbours: number.h says in which layouts.
#include "number.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// d.ddd x 10^exponent, without trailing zeros.
struct decimal {
	bool negative;
	char digits[20];
	int count;
	int exponent;
};

static bool reads_back(const char *text, double v, bool single)
{
	return single ? strtof(text, NULL) == (float)v : strtod(text, NULL) == v;
}

// Tries precisions from the one that every decimal survives to the one that every double survives.
// (Subnormal numbers may get more digits than they need.)
static struct decimal shortest(double v, bool single)
{
	char text[40];
	int last = single ? 9 : 17;
	for (int precision = single ? 6 : 15; precision <= last; precision++) {
		snprintf(text, sizeof(text), "%.*e", precision - 1, v);
		if (reads_back(text, v, single))
			break;
	}
	struct decimal d = { .negative = text[0] == '-' };
	const char *at = text + d.negative;
	for (; *at != 'e'; at++) {
		if (*at != '.')
			d.digits[d.count++] = *at;
	}
	d.exponent = (int)strtol(at + 1, NULL, 10);
	while (d.count > 1 && d.digits[d.count - 1] == '0')
		d.count--;
	return d;
}

static size_t lay_out_plain(const struct decimal *d, char *out)
{
	size_t n = 0;
	int whole = d->exponent + 1; // digits before the point
	if (whole <= 0)
		out[n++] = '0';
	for (int i = 0; i < whole; i++)
		out[n++] = i < d->count ? d->digits[i] : '0';
	if (d->count > whole)
		out[n++] = '.';
	for (int i = whole; i < 0; i++)
		out[n++] = '0';
	for (int i = whole > 0 ? whole : 0; i < d->count; i++)
		out[n++] = d->digits[i];
	out[n] = '\0';
	return n;
}

static size_t lay_out_scientific(const struct decimal *d, int exponent_digits, char *out)
{
	size_t n = 0;
	out[n++] = d->digits[0];
	if (d->count > 1)
		out[n++] = '.';
	memcpy(out + n, d->digits + 1, (size_t)d->count - 1);
	n += (size_t)d->count - 1;
	int magnitude = d->exponent < 0 ? -d->exponent : d->exponent;
	char sign = d->exponent < 0 ? '-' : '+';
	return n + (size_t)snprintf(out + n, 8, "e%c%0*d", sign, exponent_digits, magnitude);
}

// Exponents below `low` or from `high` on are written out as such.
static size_t lay_out(const struct decimal *d, int low, int high, int exponent_digits, char *out)
{
	if (d->negative)
		*out++ = '-';
	size_t n = d->exponent < low || d->exponent >= high
			   ? lay_out_scientific(d, exponent_digits, out)
			   : lay_out_plain(d, out);
	return n + d->negative;
}

static size_t not_finite(double v, char *out)
{
	const char *text = isnan(v) ? "NaN" : v > 0 ? "+Inf" : "-Inf";
	size_t length = strlen(text);
	memcpy(out, text, length + 1);
	return length;
}

size_t cs_number_json(double v, char out[CS_NUMBER_TEXT_MAX])
{
	if (!isfinite(v))
		return not_finite(v, out);
	struct decimal d = shortest(v, false);
	return lay_out(&d, -6, 18, 1, out);
}

size_t cs_number_short(double v, char out[CS_NUMBER_TEXT_MAX])
{
	if (!isfinite(v))
		return not_finite(v, out);
	struct decimal d = shortest(v, false);
	return lay_out(&d, -4, 6, 2, out);
}

size_t cs_number_short32(double v, char out[CS_NUMBER_TEXT_MAX])
{
	double single = (double)(float)v;
	if (!isfinite(single))
		return not_finite(single, out);
	struct decimal d = shortest(single, true);
	return lay_out(&d, -4, 6, 2, out);
}
