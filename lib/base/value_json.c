// Reading JSON strictly into json-c's objects.
// Neighbours: value.h states the limits. json-c's own tokener is not used: it takes duplicate keys,
// integers that do not fit, NaN, quotes of both kinds and broken UTF-8 without a word.
#include <csched/base/value.h>

#include <csched/base/memory.h>
#include <csched/base/utf8.h>
#include <errno.h>
#include <limits.h>
#include <math.h>

#include "value_reader.h"

struct reader {
	const char *start;
	const char *at;
	const char *end;
	unsigned depth;
	struct cs_buffer text;      // the string read last, without quotes and escapes
	struct cs_value_sink *sink; // takes the elements of the list at `path`
	const char *path;           // what is left of it in the object at hand; NULL = not here
	const char *counted;        // lines are counted up to here
	int line;
	struct cs_error *err;
};

static int read_value(struct reader *reader, struct json_object **ret);

static int fail_at(struct reader *reader, const char *where, const char *problem)
{
	int line = 1;
	const char *line_start = reader->start;
	for (const char *at = reader->start; at < where; at++) {
		if (*at == '\n') {
			line++;
			line_start = at + 1;
		}
	}
	return cs_error_set(reader->err, -EINVAL, "line %d, column %d: %s", line,
			    (int)(where - line_start) + 1, problem);
}

static int fail(struct reader *reader, const char *problem)
{
	if (reader->at >= reader->end)
		problem = "the text ends in the middle of a value";
	return fail_at(reader, reader->at, problem);
}

static void skip_space(struct reader *reader)
{
	while (reader->at < reader->end && (*reader->at == ' ' || *reader->at == '\n' ||
					    *reader->at == '\r' || *reader->at == '\t'))
		reader->at++;
}

// Takes `c` if it comes next.
static bool take(struct reader *reader, char c)
{
	if (reader->at >= reader->end || *reader->at != c)
		return false;
	reader->at++;
	return true;
}

static int read_word(struct reader *reader, const char *word)
{
	size_t length = strlen(word);
	if ((size_t)(reader->end - reader->at) < length || memcmp(reader->at, word, length) != 0)
		return fail(reader, "not a JSON value");
	reader->at += length;
	return 0;
}

// ---- strings ----

static int read_hex(struct reader *reader, uint32_t *ret)
{
	uint32_t c = 0;
	for (int i = 0; i < 4; i++) {
		if (reader->at >= reader->end)
			return fail(reader, NULL);
		char digit = *reader->at;
		unsigned v = digit >= '0' && digit <= '9'   ? (unsigned)(digit - '0')
			     : digit >= 'a' && digit <= 'f' ? (unsigned)(digit - 'a') + 10
			     : digit >= 'A' && digit <= 'F' ? (unsigned)(digit - 'A') + 10
							    : 16;
		if (v == 16)
			return fail(reader, "\\u needs four hexadecimal digits");
		c = c << 4 | v;
		reader->at++;
	}
	*ret = c;
	return 0;
}

// Half a pair of surrogates becomes U+FFFD, as encoding/json does.
static int read_unicode_escape(struct reader *reader)
{
	uint32_t c = 0;
	int r = read_hex(reader, &c);
	if (r < 0)
		return r;
	if (c >= 0xD800 && c < 0xDC00 && reader->end - reader->at >= 2 && reader->at[0] == '\\' &&
	    reader->at[1] == 'u') {
		const char *second = reader->at;
		uint32_t low = 0;
		reader->at += 2;
		r = read_hex(reader, &low);
		if (r < 0)
			return r;
		if (low >= 0xDC00 && low < 0xE000)
			c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
		else
			reader->at = second;
	}
	if (c >= 0xD800 && c < 0xE000)
		c = 0xFFFD;
	char bytes[4];
	cs_buffer_append(&reader->text, bytes, cs_utf8_encode(c, bytes));
	return 0;
}

static int read_escape(struct reader *reader)
{
	static const char plain[128] = { ['"'] = '"',  ['\\'] = '\\', ['/'] = '/',  ['b'] = '\b',
					 ['f'] = '\f', ['n'] = '\n',  ['r'] = '\r', ['t'] = '\t' };
	if (reader->at >= reader->end)
		return fail(reader, NULL);
	if (take(reader, 'u'))
		return read_unicode_escape(reader);
	unsigned char c = (unsigned char)*reader->at;
	if (c >= sizeof(plain) || !plain[c])
		return fail(reader, "unknown escape in a string");
	reader->at++;
	return cs_buffer_append_char(&reader->text, plain[c]);
}

static int read_special(struct reader *reader)
{
	if (take(reader, '\\'))
		return read_escape(reader);
	if ((unsigned char)*reader->at < 0x20)
		return fail(reader, "control character in a string");
	size_t length = cs_utf8_sequence(reader->at, (size_t)(reader->end - reader->at));
	if (length == 0)
		return fail_at(reader, reader->at, "not UTF-8");
	cs_buffer_append(&reader->text, reader->at, length);
	reader->at += length;
	return 0;
}

// Reads from the opening quote into reader->text.
static int read_string(struct reader *reader)
{
	cs_buffer_clear(&reader->text);
	if (!take(reader, '"'))
		return fail(reader, "expected a string");
	for (;;) {
		const char *run = reader->at;
		while (run < reader->end && (unsigned char)*run >= 0x20 &&
		       (unsigned char)*run < 0x80 && *run != '"' && *run != '\\')
			run++;
		cs_buffer_append(&reader->text, reader->at, (size_t)(run - reader->at));
		reader->at = run;
		if (take(reader, '"'))
			return 0;
		if (run == reader->end)
			return fail(reader, NULL);
		int r = read_special(reader);
		if (r < 0)
			return r;
	}
}

// ---- numbers ----

static size_t take_digits(struct reader *reader)
{
	const char *start = reader->at;
	while (reader->at < reader->end && *reader->at >= '0' && *reader->at <= '9')
		reader->at++;
	return (size_t)(reader->at - start);
}

// Moves over a number by JSON's grammar.
static int scan_number(struct reader *reader, bool *ret_integer)
{
	take(reader, '-');
	if (!take(reader, '0') && take_digits(reader) == 0)
		return fail(reader, "not a JSON value");
	*ret_integer = true;
	if (take(reader, '.')) {
		*ret_integer = false;
		if (take_digits(reader) == 0)
			return fail(reader, "a number needs digits after its point");
	}
	if (take(reader, 'e') || take(reader, 'E')) {
		*ret_integer = false;
		if (!take(reader, '+'))
			take(reader, '-');
		if (take_digits(reader) == 0)
			return fail(reader, "a number needs digits in its exponent");
	}
	return 0;
}

static int read_number(struct reader *reader, struct json_object **ret)
{
	const char *start = reader->at;
	bool integer = true;
	int r = scan_number(reader, &integer);
	if (r < 0)
		return r;
	cs_buffer_clear(&reader->text);
	cs_buffer_append(&reader->text, start, (size_t)(reader->at - start));
	const char *text = reader->text.data;
	errno = 0;
	if (!integer) {
		double v = strtod(text, NULL);
		if (isinf(v))
			return fail_at(reader, start, "number out of range");
		*ret = cs_value_double(v, text);
		return 0;
	}
	long long v = strtoll(text, NULL, 10);
	if (errno == 0) {
		*ret = cs_value_must(json_object_new_int64(v));
		return 0;
	}
	errno = 0;
	unsigned long long u = strtoull(text, NULL, 10);
	if (*text == '-' || errno != 0)
		return fail_at(reader, start, "integer out of range");
	*ret = cs_value_must(json_object_new_uint64(u));
	return 0;
}

// ---- arrays, objects, values ----

static int enter(struct reader *reader)
{
	if (reader->depth == CS_VALUE_DEPTH_MAX)
		return fail(reader, "nested more than 64 deep");
	reader->depth++;
	reader->at++;
	skip_space(reader);
	return 0;
}

// The line at hand, counted from where it was asked for last.
static int count_lines(struct reader *reader)
{
	const char *at = reader->counted;
	while ((at = memchr(at, '\n', (size_t)(reader->at - at)))) {
		reader->line++;
		at++;
	}
	reader->counted = reader->at;
	return reader->line;
}

// One element: to the sink if there is one and it takes it, else into the array.
static int read_element(struct reader *reader, struct cs_value_sink *sink,
			struct json_object *array)
{
	CS_AUTO_VALUE struct json_object *element = NULL;
	skip_space(reader);
	int line = sink ? count_lines(reader) : 0;
	int r = read_value(reader, &element);
	if (r == 0 && sink)
		r = cs_value_offer(sink, element, line, reader->err);
	if (r == 0)
		cs_value_append(array, CS_TAKE(element));
	return r < 0 ? r : 0;
}

static int read_array(struct reader *reader, struct cs_value_sink *sink, struct json_object **ret)
{
	int r = enter(reader);
	if (r < 0)
		return r;
	CS_AUTO_VALUE struct json_object *array = cs_value_must(json_object_new_array());
	for (bool first = true; !take(reader, ']'); first = false) {
		if (!first && !take(reader, ','))
			return fail(reader, "expected ',' or ']' in an array");
		r = read_element(reader, sink, array);
		if (r < 0)
			return r;
	}
	reader->depth--;
	*ret = CS_TAKE(array);
	return 0;
}

// The value of a member: the list at the path, an object on the way to it, or any other.
static int read_on_path(struct reader *reader, const char *key, struct json_object **ret)
{
	const char *path = reader->path;
	const size_t size = strlen(key);
	const char first = reader->at < reader->end ? *reader->at : '\0';
	const bool here = path && strncmp(path, key, size) == 0;
	int r;
	reader->path = here && path[size] == '.' && first == '{' ? path + size + 1 : NULL;
	if (here && path[size] == '\0' && first == '[')
		r = read_array(reader, reader->sink, ret);
	else
		r = read_value(reader, ret);
	reader->path = path;
	skip_space(reader);
	return r;
}

static int read_member(struct reader *reader, struct json_object *object)
{
	skip_space(reader);
	const char *start = reader->at;
	int r = read_string(reader);
	if (r < 0)
		return r;
	if (strlen(reader->text.data) != reader->text.size)
		return fail_at(reader, start, "a key contains a NUL character");
	CS_AUTO_FREE char *key = cs_buffer_take(&reader->text);
	if (json_object_object_get_ex(object, key, NULL)) {
		CS_AUTO_FREE char *problem = cs_asprintf("duplicate key \"%.200s\"", key);
		return fail_at(reader, start, problem);
	}
	skip_space(reader);
	if (!take(reader, ':'))
		return fail(reader, "expected ':' after a key");
	struct json_object *member = NULL;
	skip_space(reader);
	r = read_on_path(reader, key, &member);
	if (r < 0)
		return r;
	cs_value_add(object, key, member, JSON_C_OBJECT_ADD_KEY_IS_NEW);
	return 0;
}

static int read_object(struct reader *reader, struct json_object **ret)
{
	int r = enter(reader);
	if (r < 0)
		return r;
	CS_AUTO_VALUE struct json_object *object = cs_value_must(json_object_new_object());
	for (bool first = true; !take(reader, '}'); first = false) {
		if (!first && !take(reader, ','))
			return fail(reader, "expected ',' or '}' in an object");
		r = read_member(reader, object);
		if (r < 0)
			return r;
	}
	reader->depth--;
	*ret = CS_TAKE(object);
	return 0;
}

static int read_string_value(struct reader *reader, struct json_object **ret)
{
	int r = read_string(reader);
	if (r < 0)
		return r;
	*ret = cs_value_must(json_object_new_string_len(reader->text.data, (int)reader->text.size));
	return 0;
}

static int read_constant(struct reader *reader, struct json_object **ret)
{
	*ret = NULL;
	if (*reader->at == 'n')
		return read_word(reader, "null");
	bool truth = *reader->at == 't';
	int r = read_word(reader, truth ? "true" : "false");
	if (r == 0)
		*ret = cs_value_must(json_object_new_boolean(truth));
	return r;
}

// With the white space around it.
static int read_value(struct reader *reader, struct json_object **ret)
{
	skip_space(reader);
	if (reader->at >= reader->end)
		return fail(reader, NULL);
	int r;
	switch (*reader->at) {
	case '{':
		r = read_object(reader, ret);
		break;
	case '[':
		r = read_array(reader, NULL, ret);
		break;
	case '"':
		r = read_string_value(reader, ret);
		break;
	case 'n':
	case 't':
	case 'f':
		r = read_constant(reader, ret);
		break;
	default:
		r = read_number(reader, ret);
	}
	skip_space(reader);
	return r;
}

// Reads the value that comes next.
static int read_next(struct reader *reader, struct cs_slice text, struct json_object **ret)
{
	if (text.size > INT_MAX)
		return cs_error_set(reader->err, -EMSGSIZE, "a text of %zu bytes is too large",
				    text.size);
	CS_AUTO_VALUE struct json_object *value = NULL;
	cs_buffer_init(&reader->text, text.size);
	skip_space(reader);
	if (reader->at == reader->end || *reader->at != '{')
		reader->path = NULL;
	int r = read_value(reader, &value);
	cs_buffer_finish(&reader->text);
	if (r == 0)
		*ret = CS_TAKE(value);
	return r;
}

static struct reader reader_of(struct cs_slice text, struct cs_value_place place,
			       struct cs_error *err)
{
	const char *start = text.size ? text.data : "";
	return (struct reader){
		.start = start,
		.at = start + place.at,
		.end = start + text.size,
		.counted = start + place.at,
		.line = place.line,
		.err = err,
	};
}

int cs_value_read_json_next(struct cs_slice text, struct cs_value_place *place,
			    struct cs_value_sink *sink, struct json_object **ret,
			    struct cs_error *err)
{
	struct reader reader = reader_of(text, *place, err);
	reader.sink = sink;
	reader.path = sink ? "items" : NULL;
	int r = read_next(&reader, text, ret);
	if (r < 0)
		return r;
	place->line = count_lines(&reader);
	place->at = (size_t)(reader.at - reader.start);
	return 0;
}

static int read_document(struct reader *reader, struct cs_slice text, struct json_object **ret)
{
	CS_AUTO_VALUE struct json_object *value = NULL;
	int r = read_next(reader, text, &value);
	if (r < 0)
		return r;
	if (reader->at != reader->end)
		return fail(reader, "something follows the value");
	*ret = CS_TAKE(value);
	return 0;
}

int cs_value_read_json(struct cs_slice text, struct json_object **ret, struct cs_error *err)
{
	struct reader reader = reader_of(text, (struct cs_value_place){ .line = 1 }, err);
	return read_document(&reader, text, ret);
}

static int tell_element(void *user, struct json_object *element, int line, struct cs_error *err)
{
	const struct cs_value_list *list = user;
	(void)line;
	(void)err;
	list->element(list->user, element);
	return 1;
}

int cs_value_read_json_list(struct cs_slice text, const struct cs_value_list *list,
			    struct json_object **ret, struct cs_error *err)
{
	static const struct cs_value_listener listener = { .item = tell_element };
	struct cs_value_sink sink = { .listener = &listener, .user = (void *)(uintptr_t)list };
	struct reader reader = reader_of(text, (struct cs_value_place){ .line = 1 }, err);
	reader.sink = &sink;
	reader.path = list->path;
	return read_document(&reader, text, ret);
}
