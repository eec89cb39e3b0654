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

// Takes the next word off a list with commas between its words; blanks around a word are no part of
// it, and a word of nothing else is none. False = there are no more.
static inline bool cs_list_next(const char **list, struct cs_slice *ret)
{
	*list += strspn(*list, " ,");
	*ret = (struct cs_slice){ .data = *list, .size = strcspn(*list, ",") };
	*list += ret->size;
	while (ret->size > 0 && ret->data[ret->size - 1] == ' ')
		ret->size--;
	return ret->size > 0;
}

static inline bool cs_list_has(const char *list, const char *word) // NULL is an empty list
{
	struct cs_slice next;
	while (list && cs_list_next(&list, &next))
		if (cs_slice_equal(next, cs_slice_of(word)))
			return true;
	return false;
}

#endif
