// Allocation that never returns NULL, and cleanup attributes for locals.
// Neighbours: arena.h for objects that die together; sizes from outside are checked before.
#ifndef CSCHED_BASE_MEMORY_H
#define CSCHED_BASE_MEMORY_H

#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#define CS_ARRAY_LENGTH(a) (sizeof(a) / sizeof((a)[0]))
#define CS_CONTAINER_OF(pointer, type, member) \
	((type *)(void *)((char *)(pointer)-offsetof(type, member)))

// Each aborts the process when memory is out. `n * size` is checked for overflow.
__attribute__((malloc, returns_nonnull)) void *cs_alloc(size_t size);                 // zeroed
__attribute__((malloc, returns_nonnull)) void *cs_alloc_array(size_t n, size_t size); // zeroed
// The part beyond the old size is not zeroed.
__attribute__((returns_nonnull)) void *cs_realloc_array(void *old, size_t n, size_t size);
// A column of a table: n entries at a multiple of CS_COLUMN_ALIGNMENT, the first of them those of
// `old`, which had old_n and is freed, the others zero. Vector registers are loaded from it without
// touching two lines of the cache each time. To be freed by free().
#define CS_COLUMN_ALIGNMENT 64
__attribute__((returns_nonnull)) void *cs_grow_column(void *old, size_t old_n, size_t n,
						      size_t size);
__attribute__((malloc, returns_nonnull)) char *cs_strdup(const char *s);
__attribute__((malloc, returns_nonnull)) char *cs_strndup(const char *s, size_t len);
__attribute__((malloc, returns_nonnull, format(printf, 1, 2))) char *cs_asprintf(const char *format,
										 ...);

// Clears a string before it is freed; NULL is fine.
void cs_secret_free(char *secret);

static inline void cs_free_pointer(void *p)
{
	free(*(void **)p);
}

static inline void cs_close_pointer(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

#define CS_AUTO_FREE  __attribute__((cleanup(cs_free_pointer)))
#define CS_AUTO_CLOSE __attribute__((cleanup(cs_close_pointer)))

// Hands the value out of a CS_AUTO_FREE local.
#define CS_TAKE(p)                          \
	({                                  \
		__typeof__(p) taken_ = (p); \
		(p) = NULL;                 \
		taken_;                     \
	})

#endif
