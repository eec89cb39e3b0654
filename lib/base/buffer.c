// Growth by doubling up to the maximum given at birth.
// Neighbours: json_writer.c, metric.c and all that builds requests and replies.
#include <csched/base/buffer.h>

#include <csched/base/memory.h>
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>

#define FIRST_CAPACITY ((size_t)64)
#define KEEP_CAPACITY  ((size_t)64 << 10) // what a consumed buffer may go on holding
#define HUGE_PAGE      ((size_t)2 << 20)
#define HUGE_CAPACITY  (4 * HUGE_PAGE) // from here on huge pages are asked for

// What `data` shows while nothing is allocated (capacity 0): read, never written.
static const char nothing[1] = "";

static void set_empty(struct cs_buffer *buffer)
{
	buffer->data = (char *)(uintptr_t)nothing;
	buffer->size = 0;
	buffer->capacity = 0;
	buffer->overflow = false;
}

void cs_buffer_init(struct cs_buffer *buffer, size_t max)
{
	set_empty(buffer);
	buffer->max = max < SIZE_MAX / 2 ? max : SIZE_MAX / 2;
}

void cs_buffer_finish(struct cs_buffer *buffer)
{
	if (buffer->capacity > 0)
		free(buffer->data);
	set_empty(buffer);
}

void cs_buffer_clear(struct cs_buffer *buffer)
{
	buffer->size = 0;
	buffer->overflow = false;
	if (buffer->capacity > 0)
		buffer->data[0] = '\0';
}

// What is written once, from its begin to its end, is mostly the price of its page faults.
static void ask_for_huge_pages(const struct cs_buffer *buffer)
{
	uintptr_t begin = ((uintptr_t)buffer->data + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1);
	uintptr_t end = ((uintptr_t)buffer->data + buffer->capacity) & ~(HUGE_PAGE - 1);
	if (buffer->capacity >= HUGE_CAPACITY)
		(void)madvise((void *)begin, end - begin, MADV_HUGEPAGE);
}

// `capacity` counts the byte for the NUL.
static void grow(struct cs_buffer *buffer, size_t need)
{
	size_t capacity = buffer->capacity ? buffer->capacity : FIRST_CAPACITY;
	while (capacity < need)
		capacity *= 2;
	if (capacity > buffer->max + 1)
		capacity = buffer->max + 1;
	char *old = buffer->capacity ? buffer->data : NULL;
	buffer->data = cs_realloc_array(old, capacity, 1);
	buffer->capacity = capacity;
	buffer->data[buffer->size] = '\0';
	ask_for_huge_pages(buffer);
}

char *cs_buffer_reserve(struct cs_buffer *buffer, size_t size)
{
	if (buffer->overflow || size > buffer->max - buffer->size) {
		buffer->overflow = true;
		return NULL;
	}
	if (buffer->size + size + 1 > buffer->capacity)
		grow(buffer, buffer->size + size + 1);
	return buffer->data + buffer->size;
}

int cs_buffer_append(struct cs_buffer *buffer, const void *data, size_t size)
{
	char *to = cs_buffer_reserve(buffer, size);
	if (!to)
		return -EMSGSIZE;
	if (size > 0)
		memcpy(to, data, size);
	to[size] = '\0';
	buffer->size += size;
	return 0;
}

int cs_buffer_append_string(struct cs_buffer *buffer, const char *s)
{
	return cs_buffer_append(buffer, s, strlen(s));
}

int cs_buffer_append_char(struct cs_buffer *buffer, char c)
{
	return cs_buffer_append(buffer, &c, 1);
}

int cs_buffer_printf(struct cs_buffer *buffer, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	int length = vsnprintf(NULL, 0, format, args);
	va_end(args);
	char *to = cs_buffer_reserve(buffer, length < 0 ? SIZE_MAX : (size_t)length);
	if (!to)
		return -EMSGSIZE;
	va_start(args, format);
	vsnprintf(to, (size_t)length + 1, format, args);
	va_end(args);
	buffer->size += (size_t)length;
	return 0;
}

void cs_buffer_consume(struct cs_buffer *buffer, size_t size)
{
	if (size >= buffer->size)
		size = buffer->size;
	if (size == 0)
		return;
	buffer->size -= size;
	if (buffer->size == 0 && buffer->capacity > KEEP_CAPACITY) {
		free(buffer->data);
		set_empty(buffer);
		return;
	}
	memmove(buffer->data, buffer->data + size, buffer->size);
	buffer->data[buffer->size] = '\0';
}

char *cs_buffer_take(struct cs_buffer *buffer)
{
	char *bytes = buffer->capacity ? buffer->data : cs_strdup("");
	set_empty(buffer);
	return bytes;
}
