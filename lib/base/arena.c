// Bump allocation out of doubling blocks; large objects get a block of their own.
// Neighbours: memory.h. Under ASan unused bytes are poisoned and objects stand apart.
#include <csched/base/arena.h>

#include <csched/base/memory.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#define ARENA_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_ASAN 1
#endif
#endif

#ifdef ARENA_ASAN
#include <sanitizer/asan_interface.h>
#define POISON(p, n)   ASAN_POISON_MEMORY_REGION(p, n)
#define UNPOISON(p, n) ASAN_UNPOISON_MEMORY_REGION(p, n)
#define RED_ZONE       ((size_t)16)
#else
#define POISON(p, n)   ((void)(p), (void)(n))
#define UNPOISON(p, n) ((void)(p), (void)(n))
#define RED_ZONE       ((size_t)0)
#endif

#define ALIGNMENT   ((size_t)16)
#define FIRST_BLOCK ((size_t)4096) // with the arena's own head in it
#define LAST_BLOCK  ((size_t)1 << 20)
#define KEEP_MAX    ((size_t)8 << 20) // what a reset arena may go on holding

struct block {
	struct block *next;
	size_t size; // of the whole, with this head
};

struct cs_arena {
	alignas(16) char *at; // the free part of the current block
	char *end;
	struct block *blocks; // all but the first, which begins with this struct
	size_t next_size;
	size_t total;
};

static void start_first_block(struct cs_arena *arena)
{
	arena->at = (char *)arena + sizeof(*arena);
	arena->end = (char *)arena + FIRST_BLOCK;
	arena->blocks = NULL;
	arena->next_size = 2 * FIRST_BLOCK;
	arena->total = FIRST_BLOCK;
	POISON(arena->at, (size_t)(arena->end - arena->at));
}

struct cs_arena *cs_arena_create(void)
{
	struct cs_arena *arena = cs_realloc_array(NULL, 1, FIRST_BLOCK);
	start_first_block(arena);
	return arena;
}

static void free_blocks(struct cs_arena *arena)
{
	for (struct block *block = arena->blocks, *next; block; block = next) {
		next = block->next;
		UNPOISON(block, block->size);
		free(block);
	}
}

void cs_arena_destroy(struct cs_arena *arena)
{
	if (!arena)
		return;
	free_blocks(arena);
	UNPOISON(arena, FIRST_BLOCK);
	free(arena);
}

size_t cs_arena_size(const struct cs_arena *arena)
{
	return arena->total;
}

// A new block with room for `size` bytes; all of it poisoned but the head.
static char *add_block(struct cs_arena *arena, size_t size)
{
	struct block *block = cs_realloc_array(NULL, 1, sizeof(*block) + size);
	block->next = arena->blocks;
	block->size = sizeof(*block) + size;
	arena->blocks = block;
	arena->total += block->size;
	POISON(block + 1, size);
	return (char *)(block + 1);
}

static void use_block(struct cs_arena *arena, struct block *block)
{
	arena->at = (char *)(block + 1);
	arena->end = (char *)block + block->size;
	POISON(arena->at, block->size - sizeof(*block));
}

// What the last round took becomes one block, so that a next one of its size asks for none.
void cs_arena_reset(struct cs_arena *arena)
{
	size_t taken = arena->total - FIRST_BLOCK;
	struct block *block = arena->blocks;
	bool fits = block && !block->next && block->size <= KEEP_MAX;
	if (!fits)
		free_blocks(arena);
	start_first_block(arena);
	if (taken == 0)
		return;
	if (fits) {
		arena->blocks = block;
		arena->total += block->size;
	} else {
		add_block(arena, (taken < KEEP_MAX ? taken : KEEP_MAX) - sizeof(*block));
	}
	use_block(arena, arena->blocks);
}

static void *alloc_slow(struct cs_arena *arena, size_t room, size_t size)
{
	// What would waste much of a block stands alone; the current block stays in use.
	if (room > arena->next_size / 4) {
		char *alone = add_block(arena, room);
		UNPOISON(alone, size);
		return alone;
	}
	size_t usable = arena->next_size - sizeof(struct block);
	arena->at = add_block(arena, usable);
	arena->end = arena->at + usable;
	if (arena->next_size < LAST_BLOCK)
		arena->next_size *= 2;
	char *object = arena->at;
	arena->at += room;
	UNPOISON(object, size);
	return object;
}

void *cs_arena_alloc_raw(struct cs_arena *arena, size_t size)
{
	if (size > SIZE_MAX / 2)
		return cs_alloc_array(size, 2); // aborts with its message
	size_t room = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT + RED_ZONE;
	if (room > (size_t)(arena->end - arena->at))
		return alloc_slow(arena, room, size);
	char *object = arena->at;
	arena->at += room;
	UNPOISON(object, size);
	return object;
}

void *cs_arena_alloc(struct cs_arena *arena, size_t size)
{
	return memset(cs_arena_alloc_raw(arena, size), 0, size);
}

void *cs_arena_alloc_array(struct cs_arena *arena, size_t n, size_t size)
{
	size_t total;
	if (__builtin_mul_overflow(n, size, &total))
		return cs_alloc_array(n, size); // aborts with its message
	return cs_arena_alloc(arena, total);
}

char *cs_arena_strndup(struct cs_arena *arena, const char *s, size_t size)
{
	char *copy = cs_arena_alloc_raw(arena, size + 1);
	if (size > 0)
		memcpy(copy, s, size);
	copy[size] = '\0';
	return copy;
}

char *cs_arena_strdup(struct cs_arena *arena, const char *s)
{
	return cs_arena_strndup(arena, s, strlen(s));
}

char *cs_arena_printf(struct cs_arena *arena, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	int length = vsnprintf(NULL, 0, format, args);
	va_end(args);
	size_t size = length < 0 ? 0 : (size_t)length;
	char *text = cs_arena_alloc(arena, size + 1);
	va_start(args, format);
	if (length > 0)
		vsnprintf(text, size + 1, format, args);
	va_end(args);
	return text;
}
