// The elements of one long array in a JSON document: brackets are counted here, what is between
// them is read by base's reader. Neighbours: items.h.
#include "load/items.h"

#include <errno.h>
#include <string.h>

#include <csched/base/buffer.h>

// Where we are in the document. A path of n keys is followed down to depth n.
struct scan {
	const char *at;
	const char *end;
	const char *key;  // the part of the path that is looked for at depth `matched` + 1
	unsigned depth;   // open brackets
	unsigned matched; // keys of the path that lead to here
};

static const char *skip_space(const char *at, const char *end)
{
	while (at < end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r'))
		at++;
	return at;
}

// Behind a string whose opening quote is at `at`; `end` where it does not close.
static const char *skip_string(const char *at, const char *end)
{
	for (at++; at < end && *at != '"'; at++)
		if (*at == '\\' && at + 1 < end)
			at++;
	return at < end ? at + 1 : end;
}

// Behind the value at `at`, whatever it is: where it breaks off is found by who reads it.
static const char *skip_value(const char *at, const char *end)
{
	size_t depth = 0;
	while (at < end) {
		char c = *at;
		if (depth == 0 && (c == ',' || c == ']' || c == '}'))
			break;
		if (c == '"') {
			at = skip_string(at, end);
			continue;
		}
		at++;
		if (c == '{' || c == '[')
			depth++;
		else if ((c == '}' || c == ']') && --depth == 0)
			break;
	}
	return at;
}

// The string just read was the key that is looked for, with its colon: is it the array, or the
// object that leads on to it? True = `at` is behind the array's opening bracket.
static bool follow(struct scan *scan)
{
	const char *value = skip_space(scan->at, scan->end);
	size_t size = strcspn(scan->key, ".");
	if (value == scan->end)
		return false;
	if (!scan->key[size]) {
		scan->at = value + (*value == '[');
		return *value == '[';
	}
	if (*value == '{') {
		scan->matched++;
		scan->key += size + 1;
	}
	return false;
}

static bool is_key(const struct scan *scan, const char *string, const char *behind)
{
	size_t size = strcspn(scan->key, ".");
	return scan->depth == scan->matched + 1 && (size_t)(behind - string) == size + 2 &&
	       memcmp(string + 1, scan->key, size) == 0;
}

static bool find_array(struct scan *scan, const char *path)
{
	while (scan->at < scan->end) {
		char c = *scan->at;
		if (c == '"') {
			const char *string = scan->at;
			scan->at = skip_string(string, scan->end);
			bool key = is_key(scan, string, scan->at);
			const char *colon = skip_space(scan->at, scan->end);
			if (!key || colon == scan->end || *colon != ':')
				continue;
			scan->at = colon + 1;
			if (follow(scan))
				return true;
			continue;
		}
		scan->at++;
		if (c == '{' || c == '[') {
			scan->depth++;
		} else if ((c == '}' || c == ']') && scan->depth > 0 &&
			   --scan->depth <= scan->matched) { // out of the object that led here
			scan->matched = 0;
			scan->key = path;
		}
	}
	return false;
}

static const char *find_end(const char *at, const char *end)
{
	for (at = skip_space(at, end); at < end && *at != ']'; at = skip_space(at, end)) {
		const char *behind = skip_value(at, end);
		at = behind > at || behind == end ? behind : behind + 1;
		if (at < end && *at == ',')
			at++;
	}
	return at;
}

int cs_items_open(struct cs_slice text, const char *path, struct cs_items *ret,
		  struct json_object **ret_rest, struct cs_error *err)
{
	struct scan scan = { .at = text.data, .end = text.data + text.size, .key = path };
	CS_AUTO_BUFFER struct cs_buffer rest;
	cs_buffer_init(&rest, text.size + 1);
	*ret = (struct cs_items){ .at = scan.end, .end = scan.end };
	if (!find_array(&scan, path))
		return cs_value_read_json(text, ret_rest, err);
	ret->at = scan.at;
	ret->end = find_end(scan.at, scan.end);
	cs_buffer_append(&rest, text.data, (size_t)(ret->at - text.data));
	cs_buffer_append(&rest, ret->end, (size_t)(scan.end - ret->end));
	int r = cs_value_read_json(cs_buffer_slice(&rest), ret_rest, err);
	ret->more = r == 0 && skip_space(ret->at, ret->end) < ret->end;
	return r;
}

int cs_items_next(struct cs_items *items, struct json_object **ret, struct cs_error *err)
{
	if (!items->more)
		return 0;
	const char *at = skip_space(items->at, items->end);
	const char *behind = skip_value(at, items->end);
	const char *next = skip_space(behind, items->end);
	int r = cs_value_read_json((struct cs_slice){ at, (size_t)(behind - at) }, ret, err);
	if (r == 0 && next < items->end && *next != ',') {
		json_object_put(*ret);
		*ret = NULL;
		r = cs_error_set(err, -EINVAL, "\",\" or \"]\" expected");
	}
	items->more = r == 0 && next < items->end;
	if (r < 0)
		return cs_error_prefix(err, "element %u", items->n);
	items->n++;
	items->at = items->more ? next + 1 : next;
	return 1;
}
