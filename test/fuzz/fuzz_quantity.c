// Quantities from any text: within the caps, symmetrical, rounded the right way.
// Neighbours: test/oracle/quantity compares the values with upstream's.
#include <csched/base/memory.h>
#include <csched/kube/quantity.h>

#include "fuzz.h"

#define NANO 1000000000

static void check(struct cs_quantity q)
{
	__int128 cap = (__int128)INT64_MAX * NANO;
	int64_t units = cs_quantity_units(q), milli = cs_quantity_milli(q);
	REQUIRE(q.nano <= cap && q.nano >= -cap);
	REQUIRE((q.nano > 0) == (units > 0) && (q.nano < 0) == (units < 0));
	REQUIRE((q.nano > 0) == (milli > 0) && (q.nano < 0) == (milli < 0));
	__int128 excess = (__int128)units * NANO - q.nano;
	REQUIRE(q.nano < 0 ? excess <= 0 && excess > -NANO : excess >= 0 && excess < NANO);
	struct cs_quantity twice = cs_quantity_add(q, q);
	REQUIRE(twice.nano == 2 * q.nano || twice.nano == cap || twice.nano == -cap);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cs_quantity q, opposite;
	struct cs_error err;
	int r = cs_quantity_parse((struct cs_slice){ (const char *)data, size }, &q, &err);
	CS_AUTO_FREE char *negative = cs_alloc(size + 2);
	negative[0] = '-';
	if (size > 0)
		memcpy(negative + 1, data, size);
	if (r < 0) {
		REQUIRE(r == err.code && err.text[0]);
		return 0;
	}
	check(q);
	if (data[0] != '-' && data[0] != '+') {
		struct cs_slice text = { negative, size + 1 };
		REQUIRE(cs_quantity_parse(text, &opposite, NULL) == 0);
		REQUIRE(opposite.nano == -q.nano);
	}
	return 0;
}
