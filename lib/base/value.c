// Walking and writing value trees, and reading files.
// Neighbours: value_json.c and value_yaml.c make the trees.
#include <csched/base/value.h>

#include <csched/base/memory.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "value_reader.h"

void cs_value_set_line(struct json_object *value, int line)
{
	if (json_object_is_type(value, json_type_object))
		json_object_set_userdata(value, (void *)(intptr_t)line, NULL);
}

int cs_value_line(struct json_object *value)
{
	if (!json_object_is_type(value, json_type_object))
		return 0;
	return (int)(intptr_t)json_object_get_userdata(value);
}

int cs_value_offer(struct cs_value_sink *sink, struct json_object *item, int line,
		   struct cs_error *err)
{
	if (!sink->listener->item)
		return 0;
	if (sink->n_told > 0) {
		sink->n_told--;
		return 1;
	}
	cs_value_set_line(item, line);
	if (sink->full)
		return 0;
	int r = sink->listener->item(sink->user, item, line, err);
	sink->n_taken += r > 0;
	sink->full = r == 0;
	sink->ended = r < 0;
	return r;
}

static struct cs_slice string_slice(struct json_object *value)
{
	return (struct cs_slice){ json_object_get_string(value),
				  (size_t)json_object_get_string_len(value) };
}

static void write_double(struct json_object *value, struct cs_json_writer *json)
{
	// Numbers that we read carry their text; a number made by a program does not.
	if (json_object_get_userdata(value))
		cs_json_raw(json, cs_slice_of(json_object_get_string(value)));
	else
		cs_json_double(json, json_object_get_double(value));
}

static void write_int(struct json_object *value, struct cs_json_writer *json)
{
	int64_t v = json_object_get_int64(value);
	if (v == INT64_MAX) // capped there when it is more
		cs_json_uint(json, json_object_get_uint64(value));
	else
		cs_json_int(json, v);
}

static void write_array(struct json_object *value, struct cs_json_writer *json)
{
	cs_json_array_begin(json);
	for (size_t i = 0; i < json_object_array_length(value); i++)
		cs_value_write(json_object_array_get_idx(value, i), json);
	cs_json_array_end(json);
}

static void write_object(struct json_object *value, struct cs_json_writer *json)
{
	cs_json_object_begin(json);
	json_object_object_foreach(value, key, member)
	{
		cs_json_key(json, key);
		cs_value_write(member, json);
	}
	cs_json_object_end(json);
}

void cs_value_write(struct json_object *value, struct cs_json_writer *json)
{
	switch (json_object_get_type(value)) {
	case json_type_null:
		cs_json_null(json);
		break;
	case json_type_boolean:
		cs_json_bool(json, json_object_get_boolean(value));
		break;
	case json_type_double:
		write_double(value, json);
		break;
	case json_type_int:
		write_int(value, json);
		break;
	case json_type_string:
		cs_json_slice(json, string_slice(value));
		break;
	case json_type_array:
		write_array(value, json);
		break;
	case json_type_object:
		write_object(value, json);
		break;
	}
}

struct json_object *cs_value_at(struct json_object *value, const char *path)
{
	char key[256];
	while (value && *path) {
		size_t length = strcspn(path, ".");
		if (length >= sizeof(key) || !json_object_is_type(value, json_type_object))
			return NULL;
		memcpy(key, path, length);
		key[length] = '\0';
		value = json_object_object_get(value, key);
		path += length + (path[length] == '.');
	}
	return value;
}

const char *cs_value_string_at(struct json_object *value, const char *path)
{
	struct json_object *found = cs_value_at(value, path);
	return json_object_is_type(found, json_type_string) ? json_object_get_string(found) : NULL;
}

static int read_all(int fd, struct cs_buffer *bytes)
{
	for (;;) {
		// One byte beyond the maximum is asked for, to see whether there is more.
		size_t left = bytes->max - bytes->size;
		size_t step = left < 65536 ? left : 65536;
		char *to = cs_buffer_reserve(bytes, step);
		char beyond;
		ssize_t n = step > 0 ? read(fd, to, step) : read(fd, &beyond, 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return 0;
		if (step == 0)
			return -EFBIG;
		bytes->size += (size_t)n;
		bytes->data[bytes->size] = '\0';
	}
}

int cs_file_read(const char *path, size_t max, char **ret, size_t *ret_size, struct cs_error *err)
{
	CS_AUTO_CLOSE int opened = -1;
	int fd = STDIN_FILENO;
	if (strcmp(path, "-") != 0) {
		opened = fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
		if (fd < 0)
			return cs_error_errno(err, -errno, "%s", path);
	}
	CS_AUTO_BUFFER struct cs_buffer bytes;
	cs_buffer_init(&bytes, max);
	int r = read_all(fd, &bytes);
	if (r == -EFBIG)
		return cs_error_set(err, r, "%s: larger than %zu bytes", path, max);
	if (r < 0)
		return cs_error_errno(err, r, "%s", path);
	*ret_size = bytes.size;
	*ret = cs_buffer_take(&bytes);
	return 0;
}
