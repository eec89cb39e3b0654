// Allocation that aborts instead of failing.
// Neighbours: everything small allocates here; what is sized from outside is bounded before.
#include <csched/base/memory.h>

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

__attribute__((noreturn, cold)) static void out_of_memory(size_t n, size_t size)
{
	fprintf(stderr, "out of memory: cannot allocate %zu x %zu bytes\n", n, size);
	abort();
}

void *cs_alloc(size_t size)
{
	return cs_alloc_array(1, size);
}

void *cs_alloc_array(size_t n, size_t size)
{
	size_t total;
	if (__builtin_mul_overflow(n, size, &total))
		out_of_memory(n, size);
	void *memory = calloc(1, total ? total : 1); // of nothing calloc may return NULL
	if (!memory)
		out_of_memory(n, size);
	return memory;
}

void *cs_realloc_array(void *old, size_t n, size_t size)
{
	size_t total;
	if (__builtin_mul_overflow(n, size, &total))
		out_of_memory(n, size);
	void *memory = realloc(old, total ? total : 1); // a size of zero would free `old`
	if (!memory)
		out_of_memory(n, size);
	return memory;
}

void *cs_grow_column(void *old, size_t old_n, size_t n, size_t size)
{
	size_t total, whole;
	if (__builtin_mul_overflow(n, size, &total) ||
	    __builtin_add_overflow(total, CS_COLUMN_ALIGNMENT - 1, &whole))
		out_of_memory(n, size);
	char *memory = aligned_alloc(CS_COLUMN_ALIGNMENT,
				     whole / CS_COLUMN_ALIGNMENT * CS_COLUMN_ALIGNMENT);
	if (!memory)
		out_of_memory(n, size);
	size_t kept = (old_n < n ? old_n : n) * size;
	if (kept > 0)
		memcpy(memory, old, kept);
	memset(memory + kept, 0, total - kept);
	free(old);
	return memory;
}

char *cs_strdup(const char *s)
{
	return cs_strndup(s, strlen(s));
}

char *cs_strndup(const char *s, size_t len)
{
	if (len == SIZE_MAX)
		out_of_memory(1, len);
	char *copy = malloc(len + 1);
	if (!copy)
		out_of_memory(1, len + 1);
	if (len > 0)
		memcpy(copy, s, len);
	copy[len] = '\0';
	return copy;
}

void cs_secret_free(char *secret)
{
	if (secret)
		explicit_bzero(secret, strlen(secret));
	free(secret);
}

char *cs_asprintf(const char *format, ...)
{
	char *text = NULL;
	va_list args;
	va_start(args, format);
	int length = vasprintf(&text, format, args);
	va_end(args);
	if (length < 0)
		out_of_memory(1, strlen(format));
	return text;
}
