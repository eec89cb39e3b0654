// Writing JSON token by token into a buffer; no tree, no allocation but the buffer's.
// Neighbours: buffer.c; number.h lays out doubles.
#include <csched/base/json_writer.h>

#include <csched/base/duration.h>
#include <csched/base/utf8.h>
#include <math.h>
#include <stdio.h>

#include "number.h"

void cs_json_init(struct cs_json_writer *json, struct cs_buffer *out)
{
	*json = (struct cs_json_writer){ .out = out };
}

static uint64_t depth_bit(const struct cs_json_writer *json)
{
	return UINT64_C(1) << (json->depth % 64);
}

// Before each value or key: the comma that is due.
static void separate(struct cs_json_writer *json)
{
	if (json->after_key) {
		json->after_key = false;
		return;
	}
	if (json->depth == 0)
		return;
	if (json->has_items & depth_bit(json))
		cs_buffer_append_char(json->out, ',');
	json->has_items |= depth_bit(json);
}

static void begin(struct cs_json_writer *json, char c)
{
	separate(json);
	cs_buffer_append_char(json->out, c);
	json->depth++;
	json->has_items &= ~depth_bit(json);
	if (json->depth > CS_JSON_DEPTH_MAX)
		json->out->overflow = true; // no reader of ours would take it back
}

static void end(struct cs_json_writer *json, char c)
{
	if (json->depth > 0)
		json->depth--;
	cs_buffer_append_char(json->out, c);
}

void cs_json_object_begin(struct cs_json_writer *json)
{
	begin(json, '{');
}

void cs_json_object_end(struct cs_json_writer *json)
{
	end(json, '}');
}

void cs_json_array_begin(struct cs_json_writer *json)
{
	begin(json, '[');
}

void cs_json_array_end(struct cs_json_writer *json)
{
	end(json, ']');
}

static bool is_plain(char c)
{
	return (unsigned char)c >= 0x20 && (unsigned char)c < 0x80 && c != '"' && c != '\\';
}

static void write_control(struct cs_buffer *out, char c)
{
	static const char escapes[0x20] = {
		['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't'
	};
	char letter = c == '"' || c == '\\' ? c : escapes[(unsigned char)c];
	if (letter)
		cs_buffer_append(out, (char[]){ '\\', letter }, 2);
	else
		cs_buffer_printf(out, "\\u%04x", (unsigned)c);
}

static void write_quoted(struct cs_buffer *out, struct cs_slice s)
{
	cs_buffer_append_char(out, '"');
	size_t at = 0;
	while (at < s.size) {
		size_t run = at;
		while (run < s.size && is_plain(s.data[run]))
			run++;
		cs_buffer_append(out, s.data + at, run - at);
		at = run;
		if (at == s.size)
			break;
		size_t length = cs_utf8_sequence(s.data + at, s.size - at);
		if (length == 0)
			cs_buffer_append_string(out, "\xEF\xBF\xBD"); // U+FFFD
		else if (length == 1)
			write_control(out, s.data[at]);
		else
			cs_buffer_append(out, s.data + at, length);
		at += length ? length : 1;
	}
	cs_buffer_append_char(out, '"');
}

void cs_json_key(struct cs_json_writer *json, const char *key)
{
	cs_json_key_slice(json, cs_slice_of(key));
}

void cs_json_key_slice(struct cs_json_writer *json, struct cs_slice key)
{
	separate(json);
	write_quoted(json->out, key);
	cs_buffer_append_char(json->out, ':');
	json->after_key = true;
}

void cs_json_string(struct cs_json_writer *json, const char *s)
{
	if (!s)
		cs_json_null(json);
	else
		cs_json_slice(json, cs_slice_of(s));
}

void cs_json_slice(struct cs_json_writer *json, struct cs_slice s)
{
	separate(json);
	write_quoted(json->out, s);
}

static void write_magnitude(struct cs_json_writer *json, bool negative, uint64_t v)
{
	char text[24];
	char *at = text + sizeof(text);
	do {
		*--at = (char)('0' + v % 10);
		v /= 10;
	} while (v > 0);
	if (negative)
		*--at = '-';
	cs_json_raw(json, (struct cs_slice){ at, (size_t)(text + sizeof(text) - at) });
}

void cs_json_int(struct cs_json_writer *json, int64_t v)
{
	write_magnitude(json, v < 0, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);
}

void cs_json_uint(struct cs_json_writer *json, uint64_t v)
{
	write_magnitude(json, false, v);
}

void cs_json_double(struct cs_json_writer *json, double v)
{
	if (!isfinite(v)) {
		cs_json_null(json);
		return;
	}
	char text[CS_NUMBER_TEXT_MAX];
	size_t length = cs_number_json(v, text);
	cs_json_raw(json, (struct cs_slice){ text, length });
}

void cs_json_bool(struct cs_json_writer *json, bool v)
{
	cs_json_raw(json, v ? CS_SLICE("true") : CS_SLICE("false"));
}

void cs_json_null(struct cs_json_writer *json)
{
	cs_json_raw(json, CS_SLICE("null"));
}

void cs_json_raw(struct cs_json_writer *json, struct cs_slice bytes)
{
	separate(json);
	cs_buffer_append(json->out, bytes.data, bytes.size);
}

void cs_json_member_string(struct cs_json_writer *json, const char *key, const char *s)
{
	cs_json_key(json, key);
	cs_json_string(json, s);
}

void cs_json_member_int(struct cs_json_writer *json, const char *key, int64_t v)
{
	cs_json_key(json, key);
	cs_json_int(json, v);
}

void cs_json_member_double(struct cs_json_writer *json, const char *key, double v)
{
	cs_json_key(json, key);
	cs_json_double(json, v);
}

void cs_json_member_duration(struct cs_json_writer *json, const char *key, int64_t ns)
{
	CS_AUTO_BUFFER struct cs_buffer text;
	cs_buffer_init(&text, 64);
	cs_duration_print(&text, ns);
	cs_json_member_string(json, key, text.data);
}

void cs_json_member_bool(struct cs_json_writer *json, const char *key, bool v)
{
	cs_json_key(json, key);
	cs_json_bool(json, v);
}

void cs_json_member_object_begin(struct cs_json_writer *json, const char *key)
{
	cs_json_key(json, key);
	cs_json_object_begin(json);
}

void cs_json_member_array_begin(struct cs_json_writer *json, const char *key)
{
	cs_json_key(json, key);
	cs_json_array_begin(json);
}
