// A streaming JSON writer: the only place where the project writes JSON.
// Neighbours: buffer.h takes the bytes; value.h reads.
#ifndef CSCHED_BASE_JSON_WRITER_H
#define CSCHED_BASE_JSON_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include <csched/base/buffer.h>

#define CS_JSON_DEPTH_MAX 64

// Commas and nesting are its business; the caller gives keys only inside objects.
// Invalid UTF-8 in strings is written as U+FFFD. An overflowing buffer is seen in out->overflow.
struct cs_json_writer {
	struct cs_buffer *out;
	unsigned depth;
	bool after_key;
	uint64_t has_items; // bit per depth
};

void cs_json_init(struct cs_json_writer *json, struct cs_buffer *out);
void cs_json_object_begin(struct cs_json_writer *json);
void cs_json_object_end(struct cs_json_writer *json);
void cs_json_array_begin(struct cs_json_writer *json);
void cs_json_array_end(struct cs_json_writer *json);
void cs_json_key(struct cs_json_writer *json, const char *key);
void cs_json_key_slice(struct cs_json_writer *json, struct cs_slice key);
void cs_json_string(struct cs_json_writer *json, const char *s); // NULL writes null
void cs_json_slice(struct cs_json_writer *json, struct cs_slice s);
void cs_json_int(struct cs_json_writer *json, int64_t v);
void cs_json_uint(struct cs_json_writer *json, uint64_t v);
void cs_json_double(struct cs_json_writer *json, double v); // NaN and Inf write null
void cs_json_bool(struct cs_json_writer *json, bool v);
void cs_json_null(struct cs_json_writer *json);
void cs_json_raw(struct cs_json_writer *json, struct cs_slice bytes); // JSON already

// A key and its value, or the beginning of its value, in one call.
void cs_json_member_string(struct cs_json_writer *json, const char *key, const char *s);
void cs_json_member_int(struct cs_json_writer *json, const char *key, int64_t v);
void cs_json_member_double(struct cs_json_writer *json, const char *key, double v);
// As Go prints a duration, such as "1m30s".
void cs_json_member_duration(struct cs_json_writer *json, const char *key, int64_t ns);
void cs_json_member_bool(struct cs_json_writer *json, const char *key, bool v);
void cs_json_member_object_begin(struct cs_json_writer *json, const char *key);
void cs_json_member_array_begin(struct cs_json_writer *json, const char *key);

#endif
