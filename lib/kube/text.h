// Strings from outside as C strings. Private to kube.
// Neighbours: codec.c and protobuf.c copy every string through this.
#ifndef CSCHED_KUBE_TEXT_H
#define CSCHED_KUBE_TEXT_H

#include <csched/base/arena.h>
#include <csched/base/slice.h>

// Copies `text` into the arena. A NUL byte inside it becomes 0xFF, which no UTF-8 text contains: so
// a string is never cut short to look like another one, and an annotation with a NUL does not make
// an object unreadable. Other bytes are passed as they are, as upstream's decoder does.
static inline char *cs_text_copy(struct cs_arena *arena, struct cs_slice text)
{
	char *copy = cs_arena_strndup(arena, text.data, text.size);
	if (text.size == 0)
		return copy;
	char *end = copy + text.size;
	for (char *nul = copy; (nul = memchr(nul, '\0', (size_t)(end - nul))) != NULL;)
		*nul = (char)0xFF;
	return copy;
}

#endif
