// Is it UTF-8? Neighbours: value.h refuses what is not, json_writer.h replaces it.
#ifndef CSCHED_BASE_UTF8_H
#define CSCHED_BASE_UTF8_H

#include <stddef.h>
#include <stdint.h>

// The length (1 to 4) of the sequence at the start of s[0..size), 0 where it is not valid UTF-8
// (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF) or size is 0.
size_t cs_utf8_sequence(const char *s, size_t size);

// Writes the sequence of `c` (a code point, not a surrogate) and returns its length.
size_t cs_utf8_encode(uint32_t c, char out[4]);

#endif
