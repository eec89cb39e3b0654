// A borrowed run of bytes. Neighbours: buffer.h owns bytes, intern.h shares strings.
#ifndef CSCHED_BASE_SLICE_H
#define CSCHED_BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct cs_slice {
	const char *data; // not NUL-terminated; may be NULL when size is 0
	size_t size;
};

#define CS_SLICE(literal) ((struct cs_slice){ .data = (literal), .size = sizeof(literal) - 1 })

static inline struct cs_slice cs_slice_of(const char *s) // NULL gives the empty slice
{
	return (struct cs_slice){ .data = s, .size = s ? strlen(s) : 0 };
}

static inline bool cs_slice_equal(struct cs_slice a, struct cs_slice b)
{
	return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static inline bool cs_string_equal(const char *a, const char *b) // NULL equals ""
{
	return strcmp(a ? a : "", b ? b : "") == 0;
}

static inline bool cs_string_prefix(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

#endif
