// Reading YAML into the same trees as JSON, as kubectl does: libyaml's events, YAML 1.1 scalars.
// Neighbours: value_json.c. The rules mirrored here are sigs.k8s.io/yaml's (its go-yaml v2):
// resolve.go and decode.go; where a mapping has a key twice we are strict as kube-scheduler is.
#include <csched/base/value.h>

#include <csched/base/memory.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <yaml.h>

#include "number.h"
#include "value_reader.h"

#define AUTO_EVENT __attribute__((cleanup(yaml_event_delete)))

struct reader {
	yaml_parser_t parser;
	struct json_object *anchors; // of this document, by name; only those already complete
	size_t copied;               // values made by aliases
	int line;                    // that the parser's first one is
	struct cs_value_sink *sink;
	bool offers; // the sequence that comes is the root's "items"
	struct cs_error *err;
};

static int read_node(struct reader *reader, yaml_event_t *event, unsigned depth,
		     struct json_object **ret);

// A text is shorter than INT_MAX, so its lines are fewer.
static int line_of(const struct reader *reader, const yaml_mark_t *mark)
{
	return reader->line + (int)mark->line;
}

static int fail(struct reader *reader, const yaml_event_t *event, const char *problem)
{
	return cs_error_set(reader->err, -EINVAL, "line %d: %s",
			    line_of(reader, &event->start_mark), problem);
}

static int next_event(struct reader *reader, yaml_event_t *event)
{
	yaml_parser_t *parser = &reader->parser;
	if (yaml_parser_parse(parser, event))
		return 0;
	if (parser->error == YAML_MEMORY_ERROR)
		abort();
	if (parser->error == YAML_READER_ERROR)
		return cs_error_set(reader->err, -EINVAL, "line %d: byte %zu: %s",
				    line_of(reader, &parser->mark), parser->problem_offset,
				    parser->problem);
	return cs_error_set(reader->err, -EINVAL, "line %d: %s%s%s",
			    line_of(reader, &parser->problem_mark),
			    parser->context ? parser->context : "", parser->context ? ", " : "",
			    parser->problem ? parser->problem : "not YAML");
}

// ---- scalars ----

enum kind { KIND_NONE, KIND_STRING, KIND_BOOL, KIND_INT, KIND_FLOAT, KIND_NULL, KIND_BAD_TAG };

static const struct {
	const char *tag;
	enum kind kind;
} tags[] = {
	{ "tag:yaml.org,2002:str", KIND_STRING },
	{ "tag:yaml.org,2002:bool", KIND_BOOL },
	{ "tag:yaml.org,2002:int", KIND_INT },
	{ "tag:yaml.org,2002:float", KIND_FLOAT },
	{ "tag:yaml.org,2002:null", KIND_NULL },
	{ "tag:yaml.org,2002:timestamp", KIND_STRING },
	{ "tag:yaml.org,2002:binary", KIND_BAD_TAG },
};

// What a tag asks for; tags that nobody knows leave a string.
static enum kind tag_kind(const yaml_event_t *event)
{
	const char *tag = (const char *)event->data.scalar.tag;
	if (!tag || !*tag)
		return event->data.scalar.plain_implicit ? KIND_NONE : KIND_STRING;
	for (size_t i = 0; i < CS_ARRAY_LENGTH(tags); i++) {
		if (strcmp(tags[i].tag, tag) == 0)
			return tags[i].kind;
	}
	return KIND_STRING;
}

static const struct {
	const char *text;
	enum kind kind;
	bool truth;
} constants[] = {
	{ "y", KIND_BOOL, true },      { "Y", KIND_BOOL, true },      { "yes", KIND_BOOL, true },
	{ "Yes", KIND_BOOL, true },    { "YES", KIND_BOOL, true },    { "true", KIND_BOOL, true },
	{ "True", KIND_BOOL, true },   { "TRUE", KIND_BOOL, true },   { "on", KIND_BOOL, true },
	{ "On", KIND_BOOL, true },     { "ON", KIND_BOOL, true },     { "n", KIND_BOOL, false },
	{ "N", KIND_BOOL, false },     { "no", KIND_BOOL, false },    { "No", KIND_BOOL, false },
	{ "NO", KIND_BOOL, false },    { "false", KIND_BOOL, false }, { "False", KIND_BOOL, false },
	{ "FALSE", KIND_BOOL, false }, { "off", KIND_BOOL, false },   { "Off", KIND_BOOL, false },
	{ "OFF", KIND_BOOL, false },   { "", KIND_NULL, false },      { "~", KIND_NULL, false },
	{ "null", KIND_NULL, false },  { "Null", KIND_NULL, false },  { "NULL", KIND_NULL, false },
};

static bool is_not_finite(const char *s)
{
	static const char *const words[] = { ".nan", ".NaN", ".NAN", ".inf", ".Inf", ".INF" };
	bool sign = *s == '+' || *s == '-';
	for (size_t i = 0; i < CS_ARRAY_LENGTH(words); i++) {
		if (strcmp(s + sign, words[i]) == 0)
			return !sign || i >= 3;
	}
	return false;
}

static unsigned take_base(const char **s)
{
	static const struct {
		char letter;
		unsigned base;
	} prefixes[] = { { 'x', 16 }, { 'o', 8 }, { 'b', 2 } };
	if ((*s)[0] != '0' || (*s)[1] == '\0')
		return 10;
	for (size_t i = 0; i < CS_ARRAY_LENGTH(prefixes); i++) {
		if (((*s)[1] | 0x20) == prefixes[i].letter) {
			*s += 2;
			return prefixes[i].base;
		}
	}
	(*s)++;
	return 8;
}

static unsigned digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	char lower = (char)(c | 0x20);
	return lower >= 'a' && lower <= 'f' ? (unsigned)(lower - 'a') + 10 : 16;
}

// Go's ParseInt and ParseUint with base 0: 10, 0x1f, 0o17, 017, 0b11. Returns 1 for an integer,
// 0 for something else, -ERANGE for a plain decimal or octal one beyond 64 bits.
static int parse_int(const char *s, struct json_object **ret)
{
	bool negative = *s == '-';
	s += *s == '-' || *s == '+';
	bool prefixed = s[0] == '0' && (s[1] | 0x20) >= 'b';
	unsigned base = take_base(&s);
	uint64_t v = 0;
	bool over = false;
	const char *start = s;
	for (; *s; s++) {
		unsigned digit = digit_value(*s);
		if (digit >= base)
			return 0;
		over |= __builtin_mul_overflow(v, (uint64_t)base, &v);
		over |= __builtin_add_overflow(v, (uint64_t)digit, &v);
	}
	if (s == start)
		return 0;
	if (over || (negative && v > (uint64_t)INT64_MAX + 1))
		return prefixed ? 0 : -ERANGE;
	if (negative)
		*ret = json_object_new_int64((int64_t)(0 - v));
	else if (v <= INT64_MAX)
		*ret = json_object_new_int64((int64_t)v);
	else
		*ret = json_object_new_uint64(v);
	cs_value_must(*ret);
	return 1;
}

static const char *skip_digits(const char *s)
{
	while (*s >= '0' && *s <= '9')
		s++;
	return s;
}

// [-+]?(.D+|D+(.D*)?)([eE][-+]?D+)?
static bool looks_like_float(const char *s)
{
	s += *s == '-' || *s == '+';
	const char *whole = skip_digits(s);
	bool digits = whole > s;
	s = whole;
	if (*s == '.') {
		const char *fraction = skip_digits(s + 1);
		digits = digits || fraction > s + 1;
		s = fraction;
	}
	if (!digits)
		return false;
	if (*s == 'e' || *s == 'E') {
		s += 1 + (s[1] == '-' || s[1] == '+');
		const char *exponent = skip_digits(s);
		if (exponent == s)
			return false;
		s = exponent;
	}
	return *s == '\0';
}

// Go hands floats on as JSON text, in which 1e3 and 3.0 are 1000 and 3: integers again.
static struct json_object *new_float(double v)
{
	char text[CS_NUMBER_TEXT_MAX];
	if (v == trunc(v) && fabs(v) < 0x1p63)
		return cs_value_must(json_object_new_int64((int64_t)v));
	cs_number_json(v, text);
	return cs_value_double(v, text);
}

// Underscores count for nothing in numbers, but behind a leading point they must be inside.
static bool strip_underscores(char *s)
{
	bool strict = *s == '.';
	char *to = s;
	for (char *at = s; *at; at++) {
		if (*at != '_')
			*to++ = *at;
		else if (strict && (digit_value(at[-1]) > 9 || digit_value(at[1]) > 9))
			return false;
	}
	*to = '\0';
	return true;
}

// As parse_int; *ret_kind says which.
static int parse_number(const char *s, size_t size, struct json_object **ret, enum kind *ret_kind)
{
	CS_AUTO_FREE char *plain = cs_strndup(s, size);
	if (!strip_underscores(plain))
		return 0;
	*ret_kind = KIND_INT;
	int r = *plain == '.' ? 0 : parse_int(plain, ret);
	if (r != 0)
		return r;
	if (!looks_like_float(plain))
		return 0;
	double v = strtod(plain, NULL);
	if (isinf(v))
		return 0;
	*ret_kind = KIND_FLOAT;
	*ret = new_float(v);
	return 1;
}

// The value of a scalar that is not marked as a string.
static int resolve(struct reader *reader, const yaml_event_t *event, struct json_object **ret,
		   enum kind *ret_kind)
{
	const char *s = (const char *)event->data.scalar.value;
	size_t size = event->data.scalar.length;
	*ret_kind = KIND_STRING;
	if (strlen(s) != size)
		return 0;
	for (size_t i = 0; i < CS_ARRAY_LENGTH(constants); i++) {
		if (strcmp(constants[i].text, s) != 0)
			continue;
		*ret_kind = constants[i].kind;
		if (constants[i].kind == KIND_BOOL)
			*ret = cs_value_must(json_object_new_boolean(constants[i].truth));
		return 0;
	}
	if (is_not_finite(s))
		return fail(reader, event, "infinity and NaN are not possible");
	if (!strchr("+-.0123456789", *s))
		return 0;
	enum kind number_kind;
	int r = parse_number(s, size, ret, &number_kind);
	if (r == -ERANGE)
		return fail(reader, event, "integer out of range");
	if (r == 1)
		*ret_kind = number_kind;
	return 0;
}

static int read_scalar(struct reader *reader, const yaml_event_t *event, struct json_object **ret)
{
	CS_AUTO_VALUE struct json_object *value = NULL;
	enum kind wanted = tag_kind(event);
	enum kind kind = KIND_STRING;
	if (wanted == KIND_BAD_TAG)
		return fail(reader, event, "!!binary is not supported");
	if (wanted != KIND_STRING) {
		int r = resolve(reader, event, &value, &kind);
		if (r < 0)
			return r;
		bool fits = wanted == KIND_NONE || wanted == kind ||
			    (wanted == KIND_FLOAT && kind == KIND_INT);
		if (!fits)
			return fail(reader, event, "the value is not what its tag says");
	}
	if (kind == KIND_STRING)
		value = cs_value_must(json_object_new_string_len(
			(const char *)event->data.scalar.value, (int)event->data.scalar.length));
	*ret = CS_TAKE(value);
	return 0;
}

// ---- aliases ----

// Counts the values of a tree; false when it would reach beyond the depth allowed.
static bool count_values(struct json_object *value, unsigned depth, size_t *count)
{
	bool ok = true;
	(*count)++;
	if (json_object_is_type(value, json_type_array)) {
		for (size_t i = 0; ok && i < json_object_array_length(value); i++)
			ok = count_values(json_object_array_get_idx(value, i), depth + 1, count);
		return ok && depth < CS_VALUE_DEPTH_MAX;
	}
	if (json_object_is_type(value, json_type_object)) {
		json_object_object_foreach(value, key, member)
		{
			(void)key;
			ok = ok && count_values(member, depth + 1, count);
		}
		return ok && depth < CS_VALUE_DEPTH_MAX;
	}
	return true;
}

static int read_alias(struct reader *reader, const yaml_event_t *event, unsigned depth,
		      struct json_object **ret)
{
	struct json_object *anchored;
	const char *name = (const char *)event->data.alias.anchor;
	if (!json_object_object_get_ex(reader->anchors, name, &anchored))
		return fail(reader, event, "alias of an anchor that is unknown or not complete");
	if (!count_values(anchored, depth, &reader->copied))
		return fail(reader, event, "nested more than 64 deep");
	if (reader->copied > CS_VALUE_ALIASED_MAX)
		return fail(reader, event, "aliases stand for too many values");
	if (anchored && json_object_deep_copy(anchored, ret, NULL) != 0)
		abort();
	return 0;
}

// ---- sequences and mappings ----

// One element: to the sink if that is offered items and takes it, else into the array. Where there
// are anchors nothing is offered: aliases must find all as it was read.
static int read_element(struct reader *reader, yaml_event_t *event, unsigned depth, bool offers,
			struct json_object *array)
{
	CS_AUTO_VALUE struct json_object *element = NULL;
	int r = read_node(reader, event, depth, &element);
	if (r == 0 && offers && json_object_object_length(reader->anchors) == 0)
		r = cs_value_offer(reader->sink, element, line_of(reader, &event->start_mark),
				   reader->err);
	else if (offers)
		reader->sink->full = true;
	if (r == 0)
		cs_value_append(array, CS_TAKE(element));
	return r < 0 ? r : 0;
}

static int read_sequence(struct reader *reader, unsigned depth, bool offers,
			 struct json_object **ret)
{
	CS_AUTO_VALUE struct json_object *array = cs_value_must(json_object_new_array());
	for (;;) {
		AUTO_EVENT yaml_event_t event = { 0 };
		int r = next_event(reader, &event);
		if (r == 0 && event.type == YAML_SEQUENCE_END_EVENT)
			break;
		if (r == 0)
			r = read_element(reader, &event, depth, offers, array);
		if (r < 0)
			return r;
	}
	*ret = CS_TAKE(array);
	return 0;
}

// JSON's keys are strings: what YAML read as a number or a boolean is written out as Go does (but
// 1e9 as a key is 1000000000 here, 1e+09 there).
static int key_text(struct reader *reader, const yaml_event_t *event, struct json_object *key,
		    char **ret)
{
	char number[CS_NUMBER_TEXT_MAX];
	switch (json_object_get_type(key)) {
	case json_type_string:
		*ret = cs_strdup(json_object_get_string(key));
		if (strlen(*ret) == (size_t)json_object_get_string_len(key))
			return 0;
		free(CS_TAKE(*ret));
		return fail(reader, event, "a key contains a NUL character");
	case json_type_boolean:
	case json_type_int:
		*ret = cs_strdup(json_object_to_json_string(key));
		return 0;
	case json_type_double:
		cs_number_short32(json_object_get_double(key), number);
		*ret = cs_strdup(number);
		return 0;
	case json_type_null:
		return fail(reader, event, "a key is null");
	default:
		return fail(reader, event, "a key is a mapping or a sequence");
	}
}

struct mapping {
	struct json_object *members;
	struct json_object *merged; // the keys that came by "<<" and may be given again; or NULL
};

static void merge_members(struct mapping *mapping, struct json_object *from)
{
	if (!mapping->merged)
		mapping->merged = cs_value_must(json_object_new_object());
	json_object_object_foreach(from, key, member)
	{
		cs_value_add(mapping->members, key, json_object_get(member), 0);
		cs_value_add(mapping->merged, key, NULL, 0);
	}
}

static bool is_merge(const yaml_event_t *event)
{
	const char *tag = (const char *)event->data.scalar.tag;
	return event->type == YAML_SCALAR_EVENT &&
	       strcmp((const char *)event->data.scalar.value, "<<") == 0 &&
	       (event->data.scalar.plain_implicit ||
		(tag && strcmp(tag, "tag:yaml.org,2002:merge") == 0));
}

// "<<: *a" or "<<: [*a, *b]", the first of a list winning. As in go-yaml v2 a merge overrides what
// stands before it and is overridden by what follows.
static int merge(struct reader *reader, const yaml_event_t *event, struct mapping *mapping,
		 struct json_object *value)
{
	if (json_object_is_type(value, json_type_object)) {
		merge_members(mapping, value);
		return 0;
	}
	if (!json_object_is_type(value, json_type_array))
		return fail(reader, event, "<< takes a mapping or a list of mappings");
	for (size_t i = json_object_array_length(value); i > 0; i--) {
		struct json_object *element = json_object_array_get_idx(value, i - 1);
		if (!json_object_is_type(element, json_type_object))
			return fail(reader, event, "<< takes a mapping or a list of mappings");
		merge_members(mapping, element);
	}
	return 0;
}

static int add_member(struct reader *reader, const yaml_event_t *event, struct mapping *mapping,
		      const char *key, struct json_object *value)
{
	if (json_object_object_get_ex(mapping->members, key, NULL) &&
	    !json_object_object_get_ex(mapping->merged, key, NULL)) {
		CS_AUTO_FREE char *problem = cs_asprintf("duplicate key \"%.200s\"", key);
		return fail(reader, event, problem);
	}
	if (mapping->merged)
		json_object_object_del(mapping->merged, key);
	cs_value_add(mapping->members, key, json_object_get(value), 0);
	return 0;
}

// Reads the value behind the key `event` and puts both into the mapping.
static int read_member(struct reader *reader, yaml_event_t *event, unsigned depth,
		       struct mapping *mapping)
{
	CS_AUTO_VALUE struct json_object *key_value = NULL;
	CS_AUTO_VALUE struct json_object *value = NULL;
	CS_AUTO_FREE char *key = NULL;
	AUTO_EVENT yaml_event_t value_event = { 0 };
	bool merging = is_merge(event);
	int r = 0;
	if (!merging)
		r = read_node(reader, event, depth, &key_value);
	if (r == 0 && !merging)
		r = key_text(reader, event, key_value, &key);
	if (r == 0)
		r = next_event(reader, &value_event);
	reader->offers = r == 0 && !merging && depth == 1 && strcmp(key, "items") == 0 &&
			 value_event.type == YAML_SEQUENCE_START_EVENT;
	if (r == 0)
		r = read_node(reader, &value_event, depth, &value);
	if (r < 0)
		return r;
	return merging ? merge(reader, event, mapping, value)
		       : add_member(reader, event, mapping, key, value);
}

static int read_mapping(struct reader *reader, unsigned depth, struct json_object **ret)
{
	CS_AUTO_VALUE struct json_object *members = cs_value_must(json_object_new_object());
	struct mapping mapping = { .members = members };
	int r = 0;
	while (r == 0) {
		AUTO_EVENT yaml_event_t event = { 0 };
		r = next_event(reader, &event);
		if (r == 0 && event.type == YAML_MAPPING_END_EVENT)
			break;
		if (r == 0)
			r = read_member(reader, &event, depth, &mapping);
	}
	json_object_put(mapping.merged);
	if (r == 0)
		*ret = CS_TAKE(members);
	return r;
}

// `depth` is how many collections are around the node.
static int read_collection(struct reader *reader, const yaml_event_t *event, unsigned depth,
			   struct json_object **ret)
{
	if (depth == CS_VALUE_DEPTH_MAX)
		return fail(reader, event, "nested more than 64 deep");
	bool mapping = event->type == YAML_MAPPING_START_EVENT;
	bool offers = reader->offers;
	reader->offers = false;
	const yaml_char_t *anchor =
		mapping ? event->data.mapping_start.anchor : event->data.sequence_start.anchor;
	if (anchor) // until it is complete again the name stands for nothing
		json_object_object_del(reader->anchors, (const char *)anchor);
	int r = mapping ? read_mapping(reader, depth + 1, ret)
			: read_sequence(reader, depth + 1, offers && !anchor, ret);
	if (r == 0 && anchor)
		cs_value_add(reader->anchors, (const char *)anchor, json_object_get(*ret), 0);
	return r;
}

static int read_node(struct reader *reader, yaml_event_t *event, unsigned depth,
		     struct json_object **ret)
{
	int r;
	switch (event->type) {
	case YAML_SCALAR_EVENT:
		r = read_scalar(reader, event, ret);
		if (r == 0 && event->data.scalar.anchor)
			cs_value_add(reader->anchors, (const char *)event->data.scalar.anchor,
				     json_object_get(*ret), 0);
		return r;
	case YAML_ALIAS_EVENT:
		return read_alias(reader, event, depth, ret);
	case YAML_SEQUENCE_START_EVENT:
	case YAML_MAPPING_START_EVENT:
		return read_collection(reader, event, depth, ret);
	default:
		return fail(reader, event, "unexpected end of a document");
	}
}

// ---- documents ----

static int tell(struct cs_value_sink *sink, struct json_object *document, int line,
		struct cs_error *err)
{
	if (!document)
		return 0;
	cs_value_set_line(document, line);
	int r = sink->listener->document(sink->user, document, line, err);
	sink->ended = r < 0;
	return r;
}

static void begin_document(struct cs_value_sink *sink)
{
	sink->n_taken = 0;
	sink->full = false;
}

static int read_document(struct reader *reader)
{
	CS_AUTO_VALUE struct json_object *root = NULL;
	AUTO_EVENT yaml_event_t event = { 0 };
	AUTO_EVENT yaml_event_t end = { 0 };
	json_object_put(reader->anchors);
	reader->anchors = cs_value_must(json_object_new_object());
	reader->offers = false;
	begin_document(reader->sink);
	int r = next_event(reader, &event);
	if (r == 0)
		r = read_node(reader, &event, 0, &root);
	if (r == 0)
		r = next_event(reader, &end); // the document's end
	if (r == 0)
		r = tell(reader->sink, root, line_of(reader, &event.start_mark), reader->err);
	return r;
}

static int read_stream(struct reader *reader)
{
	for (;;) {
		AUTO_EVENT yaml_event_t event = { 0 };
		int r = next_event(reader, &event);
		if (r == 0 && event.type == YAML_STREAM_END_EVENT)
			return 0;
		if (r == 0 && event.type == YAML_DOCUMENT_START_EVENT)
			r = read_document(reader);
		if (r < 0)
			return r;
	}
}

static int read_yaml(struct cs_slice text, int line, struct cs_value_sink *sink,
		     struct cs_error *err)
{
	struct reader reader = { .line = line, .sink = sink, .err = err };
	if (!yaml_parser_initialize(&reader.parser))
		abort();
	yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(
		&reader.parser, (const unsigned char *)(text.size ? text.data : ""), text.size);
	int r = read_stream(&reader);
	yaml_parser_delete(&reader.parser);
	json_object_put(reader.anchors);
	return r;
}

// Whether a JSON object comes next, and where.
static bool find_object(struct cs_slice text, struct cs_value_place *place)
{
	for (; place->at < text.size && memchr(" \t\r\n", text.data[place->at], 4); place->at++)
		place->line += text.data[place->at] == '\n';
	return place->at < text.size && text.data[place->at] == '{';
}

// Whether YAML may go on there behind a JSON value: with a comment or a new document.
static bool may_go_on(struct cs_slice text, size_t at)
{
	static const struct cs_slice marks[] = { CS_SLICE("---"), CS_SLICE("..."), CS_SLICE("#") };
	for (size_t i = 0; i < CS_ARRAY_LENGTH(marks); i++)
		if (text.size - at >= marks[i].size &&
		    memcmp(text.data + at, marks[i].data, marks[i].size) == 0)
			return true;
	return at == text.size;
}

// Reads what is JSON as JSON, one value behind the other, as kubectl tries first. Stops before what
// is not, which may be YAML: 0.
static int read_json_stream(struct cs_slice text, struct cs_value_place *place,
			    struct cs_value_sink *sink, struct cs_error *err)
{
	struct cs_value_place next = *place;
	size_t n = 0;
	for (; find_object(text, &next); n++) {
		CS_AUTO_VALUE struct json_object *value = NULL;
		int line = next.line;
		begin_document(sink);
		int r = cs_value_read_json_next(text, &next, sink, &value, err);
		if (r < 0) { // the first document may be YAML
			sink->n_told = sink->n_taken;
			return n > 0 || sink->ended ? r : 0;
		}
		r = tell(sink, value, line, err);
		if (r < 0)
			return r;
		*place = next;
	}
	if (n > 0 && !may_go_on(text, place->at))
		return cs_error_set(err, -EINVAL, "line %d: expected a JSON object or ---",
				    place->line);
	return 0;
}

// libyaml counts the mark as a column: the first line would be indented by one.
static struct cs_slice skip_byte_order_mark(struct cs_slice text)
{
	static const struct cs_slice mark = { "\xEF\xBB\xBF", 3 };
	if (text.size < mark.size || memcmp(text.data, mark.data, mark.size) != 0)
		return text;
	return (struct cs_slice){ text.data + mark.size, text.size - mark.size };
}

int cs_value_read_stream(struct cs_slice text, const struct cs_value_listener *listener, void *user,
			 struct cs_error *err)
{
	if (text.size > INT_MAX)
		return cs_error_set(err, -EMSGSIZE, "a text of %zu bytes is too large", text.size);
	struct cs_value_sink sink = { .listener = listener, .user = user };
	struct cs_value_place place = { .line = 1 };
	text = skip_byte_order_mark(text);
	int r = read_json_stream(text, &place, &sink, err);
	if (r < 0 || place.at == text.size)
		return r;
	struct cs_slice rest = { text.data + place.at, text.size - place.at };
	if (sink.n_told == 0)
		return read_yaml(rest, place.line, &sink, err);
	// As kubectl, which says of a text that is neither why it is not JSON.
	struct cs_error json = err ? *err : (struct cs_error){ 0 };
	r = read_yaml(rest, place.line, &sink, err);
	if (r < 0 && !sink.ended && err)
		*err = json;
	return r;
}

static int append_document(void *user, struct json_object *document, int line, struct cs_error *err)
{
	(void)line;
	(void)err;
	cs_value_append(user, json_object_get(document));
	return 0;
}

int cs_value_read_yaml(struct cs_slice text, struct json_object **ret_documents,
		       struct cs_error *err)
{
	static const struct cs_value_listener listener = { .document = append_document };
	CS_AUTO_VALUE struct json_object *documents = cs_value_must(json_object_new_array());
	int r = cs_value_read_stream(text, &listener, documents, err);
	if (r == 0)
		*ret_documents = CS_TAKE(documents);
	return r;
}
