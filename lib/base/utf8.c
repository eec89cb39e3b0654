// Recognising and writing UTF-8 sequences.
// Neighbours: value_json.c and json_writer.c.
#include <csched/base/utf8.h>

#include <stdbool.h>

static bool in_range(unsigned char c, unsigned char low, unsigned char high)
{
	return c >= low && c <= high;
}

// Sequences by their first byte: how long, and what the second byte may be (RFC 3629, section 4).
static const struct lead {
	unsigned char first, last;
	unsigned char length;
	unsigned char second_low, second_high;
} leads[] = {
	{ 0xC2, 0xDF, 2, 0x80, 0xBF }, { 0xE0, 0xE0, 3, 0xA0, 0xBF }, { 0xE1, 0xEC, 3, 0x80, 0xBF },
	{ 0xED, 0xED, 3, 0x80, 0x9F }, { 0xEE, 0xEF, 3, 0x80, 0xBF }, { 0xF0, 0xF0, 4, 0x90, 0xBF },
	{ 0xF1, 0xF3, 4, 0x80, 0xBF }, { 0xF4, 0xF4, 4, 0x80, 0x8F },
};

size_t cs_utf8_sequence(const char *s, size_t size)
{
	const unsigned char *bytes = (const unsigned char *)s;
	if (size == 0)
		return 0;
	if (bytes[0] < 0x80)
		return 1;
	for (size_t i = 0; i < sizeof(leads) / sizeof(leads[0]); i++) {
		const struct lead *lead = &leads[i];
		if (!in_range(bytes[0], lead->first, lead->last))
			continue;
		if (size < lead->length || !in_range(bytes[1], lead->second_low, lead->second_high))
			return 0;
		for (size_t k = 2; k < lead->length; k++) {
			if (!in_range(bytes[k], 0x80, 0xBF))
				return 0;
		}
		return lead->length;
	}
	return 0;
}

size_t cs_utf8_encode(uint32_t c, char out[4])
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	size_t length = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	for (size_t i = length - 1; i > 0; i--) {
		out[i] = (char)(0x80 | (c & 0x3F));
		c >>= 6;
	}
	static const unsigned char mark[] = { 0, 0, 0xC0, 0xE0, 0xF0 };
	out[0] = (char)(mark[length] | c);
	return length;
}
