// Times from any bytes: what is read and printed reads as the same time, to the printed precision.
// Neighbours: fuzz_codec_json.c comes through objects.
#include <csched/kube/timestamp.h>
#include <string.h>

#include "fuzz.h"

#define YEAR_0     INT64_C(-62167219200) // Unix seconds
#define YEAR_10000 INT64_C(253402300800)

static void reads_back(const char *text, struct cs_timestamp want, int32_t precision)
{
	struct cs_timestamp back;
	REQUIRE(strlen(text) < CS_TIMESTAMP_SIZE);
	REQUIRE(cs_timestamp_read(cs_slice_of(text), &back, NULL) == 0);
	REQUIRE(back.seconds == want.seconds);
	REQUIRE(back.nanos == want.nanos / precision * precision);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cs_slice text = { (const char *)data, size };
	struct cs_timestamp t;
	struct cs_error err = { 0 };
	char out[CS_TIMESTAMP_SIZE];
	int64_t ns;
	int r = cs_timestamp_read(text, &t, &err);
	REQUIRE((cs_timestamp_parse(text, &ns, NULL) == 0) == (r == 0));
	if (r < 0) {
		REQUIRE(r == err.code && err.text[0]);
		return 0;
	}
	REQUIRE(t.nanos >= 0 && t.nanos < 1000000000);
	// An offset may lead out of the years 0 to 9999, which the format cannot write.
	if (t.seconds < YEAR_0 || t.seconds >= YEAR_10000)
		return 0;
	reads_back(cs_timestamp_print_seconds(t, out), t, 1000000000);
	reads_back(cs_timestamp_print_micro(t, out), t, 1000);
	return 0;
}
