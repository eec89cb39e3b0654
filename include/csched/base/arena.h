// A bump allocator for objects that die together: a watch batch, a cycle's scratch.
// Neighbours: memory.h for what lives alone. Poisoned under ASan, so that overruns show.
#ifndef CSCHED_BASE_ARENA_H
#define CSCHED_BASE_ARENA_H

#include <stddef.h>

struct cs_arena;

struct cs_arena *cs_arena_create(void);
void cs_arena_destroy(struct cs_arena *arena); // NULL is fine

// Zeroed, aligned to 16 bytes; never NULL. Lives until reset or destroy.
__attribute__((returns_nonnull)) void *cs_arena_alloc(struct cs_arena *arena, size_t size);
// The same, not zeroed.
__attribute__((returns_nonnull)) void *cs_arena_alloc_raw(struct cs_arena *arena, size_t size);
__attribute__((returns_nonnull)) void *cs_arena_alloc_array(struct cs_arena *arena, size_t n,
							    size_t size);
// Copies with a NUL behind.
__attribute__((returns_nonnull)) char *cs_arena_strndup(struct cs_arena *arena, const char *s,
							size_t size);
__attribute__((returns_nonnull)) char *cs_arena_strdup(struct cs_arena *arena, const char *s);
__attribute__((returns_nonnull, format(printf, 2, 3))) char *cs_arena_printf(struct cs_arena *arena,
									     const char *format,
									     ...);

// Forgets all objects, keeps memory for as many (8 MiB at most).
void cs_arena_reset(struct cs_arena *arena);

// Bytes taken from the system.
size_t cs_arena_size(const struct cs_arena *arena);

static inline void cs_arena_destroy_pointer(struct cs_arena **arena)
{
	cs_arena_destroy(*arena);
}
#define CS_AUTO_ARENA __attribute__((cleanup(cs_arena_destroy_pointer)))

#endif
