// A growable byte buffer born with a maximum. Neighbours: json_writer.h writes into one.
#ifndef CSCHED_BASE_BUFFER_H
#define CSCHED_BASE_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

#include <csched/base/slice.h>

// `data` is always NUL-terminated (outside `size`) and never NULL. Past `max` an append changes
// nothing, sets `overflow` and returns -EMSGSIZE; so do all later ones until cs_buffer_clear.
struct cs_buffer {
	char *data;
	size_t size;
	size_t capacity;
	size_t max;
	bool overflow;
};

void cs_buffer_init(struct cs_buffer *buffer, size_t max);
void cs_buffer_finish(struct cs_buffer *buffer);
void cs_buffer_clear(struct cs_buffer *buffer); // keeps the memory

int cs_buffer_append(struct cs_buffer *buffer, const void *data, size_t size);
int cs_buffer_append_string(struct cs_buffer *buffer, const char *s);
int cs_buffer_append_char(struct cs_buffer *buffer, char c);
__attribute__((format(printf, 2, 3))) int cs_buffer_printf(struct cs_buffer *buffer,
							   const char *format, ...);
// Makes room for `size` more bytes and returns where they go; NULL past the maximum. The caller
// adds what it wrote to buffer->size.
char *cs_buffer_reserve(struct cs_buffer *buffer, size_t size);
// Drops the first `size` bytes. A large buffer that is empty then gives its memory back.
void cs_buffer_consume(struct cs_buffer *buffer, size_t size);
// Hands the bytes (malloc) to the caller and leaves the buffer empty.
char *cs_buffer_take(struct cs_buffer *buffer);

static inline struct cs_slice cs_buffer_slice(const struct cs_buffer *buffer)
{
	return (struct cs_slice){ .data = buffer->data, .size = buffer->size };
}

#define CS_AUTO_BUFFER __attribute__((cleanup(cs_buffer_finish)))

#endif
