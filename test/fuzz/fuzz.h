// What every fuzz target defines and uses.
// Neighbours: the targets fuzz_*.c; their first inputs are in corpus/<target>.
#ifndef TEST_FUZZ_FUZZ_H
#define TEST_FUZZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <csched/base/utf8.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// A property that must hold; the fuzzer reports the abort with its input.
#define REQUIRE(condition)                                                                   \
	do {                                                                                 \
		if (!(condition)) {                                                          \
			fprintf(stderr, "%s:%d: %s\n", __FILE_NAME__, __LINE__, #condition); \
			abort();                                                             \
		}                                                                            \
	} while (0)

static inline bool fuzz_is_utf8(const char *text, size_t size)
{
	for (size_t at = 0, length; at < size; at += length)
		if (!(length = cs_utf8_sequence(text + at, size - at)))
			return false;
	return true;
}

#define FUZZ_PARTS_MAX 16

// Cuts the text at `separator`, in place. Returns how many parts there are, at most FUZZ_PARTS_MAX.
static inline size_t fuzz_split(char *text, char separator, char *parts[FUZZ_PARTS_MAX])
{
	size_t n = 0;
	while (text && n < FUZZ_PARTS_MAX) {
		parts[n++] = text;
		text = strchr(text, separator);
		if (text)
			*text++ = '\0';
	}
	return n;
}

#endif
