// Objects by table: unknown fields and wrong types are errors with a path.
// Neighbours: config.c and plugins bring the tables.
#include <csched/framework/fields.h>

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <csched/base/memory.h>
#include <csched/base/slice.h>

// Where we are: the arena for what is read and for paths, and where errors go. Reading goes on
// behind an error; what could not be read counts as not given.
struct reader {
	struct cs_arena *arena;
	struct cs_errors *errors;
};

typedef int (*read_f)(const struct reader *reader, struct json_object *value,
		      const struct cs_field *field, const char *path, void *place);

static const char *const type_names[] = {
	[json_type_null] = "null",        [json_type_boolean] = "a boolean",
	[json_type_double] = "a number",  [json_type_int] = "an integer",
	[json_type_object] = "an object", [json_type_array] = "a list",
	[json_type_string] = "a string",
};

static int expect(const struct reader *reader, struct json_object *value, json_type type,
		  const char *path)
{
	json_type is = json_object_get_type(value);
	if (is == type)
		return 0;
	return cs_errors_add(reader->errors, path, "expected %s, got %s", type_names[type],
			     type_names[is]);
}

static int read_bool(const struct reader *reader, struct json_object *value,
		     const struct cs_field *field, const char *path, void *place)
{
	(void)field;
	struct cs_field_bool *ret = place;
	int r = expect(reader, value, json_type_boolean, path);
	if (!r)
		*ret = (struct cs_field_bool){ true, json_object_get_boolean(value) };
	return r;
}

static int read_int(const struct reader *reader, struct json_object *value,
		    const struct cs_field *field, const char *path, void *place)
{
	struct cs_field_int *ret = place;
	int r = expect(reader, value, json_type_int, path);
	if (r)
		return r;
	*ret = (struct cs_field_int){ true, json_object_get_int64(value) };
	if (field->max <= field->min || (ret->value >= field->min && ret->value <= field->max))
		return 0;
	CS_AUTO_FREE char *range =
		field->wrong ? cs_strdup(field->wrong)
			     : cs_asprintf("not in valid range [%" PRId64 ", %" PRId64 "]",
					   field->min, field->max);
	r = cs_errors_invalid_int(reader->errors, path, ret->value, range);
	*ret = (struct cs_field_int){ 0 };
	return r;
}

static int read_number(const struct reader *reader, struct json_object *value,
		       const struct cs_field *field, const char *path, void *place)
{
	(void)field;
	struct cs_field_number *ret = place;
	bool is_int = json_object_is_type(value, json_type_int);
	int r = is_int ? 0 : expect(reader, value, json_type_double, path);
	if (!r)
		*ret = (struct cs_field_number){ true, json_object_get_double(value) };
	return r;
}

static int read_duration(const struct reader *reader, struct json_object *value,
			 const struct cs_field *field, const char *path, void *place)
{
	(void)field;
	struct cs_field_int *ret = place;
	struct cs_error err;
	int64_t duration = 0;
	int r = expect(reader, value, json_type_string, path);
	if (r)
		return r;
	r = cs_duration_parse(json_object_get_string(value), &duration, &err);
	if (r)
		return cs_errors_add(reader->errors, path, "%s", err.text);
	*ret = (struct cs_field_int){ true, duration };
	return 0;
}

static int read_string(const struct reader *reader, struct json_object *value,
		       const struct cs_field *field, const char *path, void *place)
{
	(void)field;
	const char **ret = place;
	int r = expect(reader, value, json_type_string, path);
	if (r)
		return r;
	*ret = cs_arena_strndup(reader->arena, json_object_get_string(value),
				(size_t)json_object_get_string_len(value));
	return 0;
}

static int read_fields(const struct reader *reader, struct json_object *value,
		       const struct cs_field *fields, const char *path, void *place);

static int read_object(const struct reader *reader, struct json_object *value,
		       const struct cs_field *field, const char *path, void *place)
{
	return read_fields(reader, value, field->fields, path, place);
}

static int read_any(const struct reader *reader, struct json_object *value,
		    const struct cs_field *field, const char *path, void *place)
{
	(void)reader;
	(void)field;
	(void)path;
	*(struct json_object **)place = value;
	return 0;
}

static int read_list(const struct reader *reader, struct json_object *value,
		     const struct cs_field *field, const char *path, void *place)
{
	bool strings = field->type == CS_FIELD_STRINGS;
	size_t size = strings ? sizeof(const char *) : field->size;
	struct cs_field_list *list = place;
	int r = expect(reader, value, json_type_array, path);
	if (r)
		return r;
	list->count = (uint32_t)json_object_array_length(value);
	list->items = cs_arena_alloc_array(reader->arena, list->count + 1, size);
	for (uint32_t i = 0; i < list->count; i++) {
		const char *at = cs_arena_printf(reader->arena, "%s[%" PRIu32 "]", path, i);
		struct json_object *item = json_object_array_get_idx(value, i);
		void *where = (char *)list->items + i * size;
		int wrong = strings ? read_string(reader, item, field, at, where)
				    : read_object(reader, item, field, at, where);
		r = wrong ? wrong : r;
	}
	return r;
}

static const read_f readers[CS_FIELD_TYPE_COUNT] = {
	[CS_FIELD_BOOL] = read_bool,     [CS_FIELD_INT] = read_int,
	[CS_FIELD_NUMBER] = read_number, [CS_FIELD_DURATION] = read_duration,
	[CS_FIELD_STRING] = read_string, [CS_FIELD_STRINGS] = read_list,
	[CS_FIELD_OBJECT] = read_object, [CS_FIELD_OBJECTS] = read_list,
	[CS_FIELD_ANY] = read_any,
};

static const struct cs_field *find_field(const struct cs_field *fields, const char *name)
{
	for (; fields->name; fields++)
		if (strcmp(fields->name, name) == 0)
			return fields;
	return NULL;
}

static int read_fields(const struct reader *reader, struct json_object *value,
		       const struct cs_field *fields, const char *path, void *place)
{
	int r = expect(reader, value, json_type_object, path);
	if (r)
		return r;
	json_object_object_foreach(value, name, member)
	{
		const char *at =
			cs_arena_printf(reader->arena, "%s%s%s", path, *path ? "." : "", name);
		const struct cs_field *field = find_field(fields, name);
		int wrong = 0;
		if (!field)
			wrong = cs_errors_add(reader->errors, at, "unknown field");
		else if (member)
			wrong = readers[field->type](reader, member, field, at,
						     (char *)place + field->offset);
		r = wrong ? wrong : r;
	}
	return r;
}

int cs_fields_read(struct json_object *value, const struct cs_field *fields, struct cs_arena *arena,
		   void *ret, struct cs_errors *errors)
{
	return read_fields(&(struct reader){ arena, errors }, value, fields, "", ret);
}
