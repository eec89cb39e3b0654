// Writes a tree as one YAML document in block style, as kubectl prints objects.
// Neighbours: libyaml's emitter lays it out; value_yaml.c reads it back as the same tree.
#include <csched/base/value.h>

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>
#include <yaml.h>

#include <csched/base/buffer.h>
#include <csched/base/memory.h>

static int take_bytes(void *user, unsigned char *bytes, size_t size)
{
	return cs_buffer_append(user, bytes, size) == 0;
}

// libyaml fails here for lack of memory alone, or when the buffer is full.
static bool emit(yaml_emitter_t *emitter, yaml_event_t *event)
{
	return yaml_emitter_emit(emitter, event) == 1;
}

// Whether a reader of YAML 1.1 takes it for a string without quotes.
static bool is_plain(const char *s, size_t size)
{
	static const char *const words[] = { "y",     "n",  "yes", "no",  "true",
					     "false", "on", "off", "null" };
	if (size == 0 || !isalpha((unsigned char)*s))
		return false;
	for (size_t i = 0; i < size; i++)
		if (!isalnum((unsigned char)s[i]) && (!s[i] || !strchr("._/-", s[i])))
			return false;
	for (size_t i = 0; i < CS_ARRAY_LENGTH(words); i++)
		if (strlen(words[i]) == size && strncasecmp(words[i], s, size) == 0)
			return false;
	return true;
}

static bool write_scalar(yaml_emitter_t *emitter, const char *text, size_t size,
			 yaml_scalar_style_t style)
{
	yaml_event_t event;
	return yaml_scalar_event_initialize(&event, NULL, NULL, (const yaml_char_t *)text,
					    (int)size, 1, 1, style) &&
	       emit(emitter, &event);
}

static bool write_string(yaml_emitter_t *emitter, const char *text, size_t size)
{
	return write_scalar(emitter, text, size,
			    is_plain(text, size) ? YAML_PLAIN_SCALAR_STYLE
						 : YAML_DOUBLE_QUOTED_SCALAR_STYLE);
}

// Numbers, booleans and null are in YAML what they are in JSON.
static bool write_json(yaml_emitter_t *emitter, struct json_object *value)
{
	CS_AUTO_BUFFER struct cs_buffer text;
	struct cs_json_writer json;
	cs_buffer_init(&text, 4096);
	cs_json_init(&json, &text);
	cs_value_write(value, &json);
	return write_scalar(emitter, text.data, text.size, YAML_PLAIN_SCALAR_STYLE);
}

static bool write_value(yaml_emitter_t *emitter, struct json_object *value);

static bool write_array(yaml_emitter_t *emitter, struct json_object *value)
{
	yaml_event_t event;
	size_t n = json_object_array_length(value);
	if (!yaml_sequence_start_event_initialize(&event, NULL, NULL, 1,
						  n ? YAML_BLOCK_SEQUENCE_STYLE
						    : YAML_FLOW_SEQUENCE_STYLE) ||
	    !emit(emitter, &event))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!write_value(emitter, json_object_array_get_idx(value, i)))
			return false;
	return yaml_sequence_end_event_initialize(&event) && emit(emitter, &event);
}

static bool write_object(yaml_emitter_t *emitter, struct json_object *value)
{
	yaml_event_t event;
	if (!yaml_mapping_start_event_initialize(&event, NULL, NULL, 1,
						 json_object_object_length(value)
							 ? YAML_BLOCK_MAPPING_STYLE
							 : YAML_FLOW_MAPPING_STYLE) ||
	    !emit(emitter, &event))
		return false;
	json_object_object_foreach(value, key, member)
	{
		if (!write_string(emitter, key, strlen(key)) || !write_value(emitter, member))
			return false;
	}
	return yaml_mapping_end_event_initialize(&event) && emit(emitter, &event);
}

static bool write_value(yaml_emitter_t *emitter, struct json_object *value)
{
	switch (json_object_get_type(value)) {
	case json_type_object:
		return write_object(emitter, value);
	case json_type_array:
		return write_array(emitter, value);
	case json_type_string:
		return write_string(emitter, json_object_get_string(value),
				    (size_t)json_object_get_string_len(value));
	default:
		return write_json(emitter, value);
	}
}

static bool write_document(yaml_emitter_t *emitter, struct json_object *value)
{
	yaml_event_t event;
	return yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING) &&
	       emit(emitter, &event) &&
	       yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1) &&
	       emit(emitter, &event) && write_value(emitter, value) &&
	       yaml_document_end_event_initialize(&event, 1) && emit(emitter, &event) &&
	       yaml_stream_end_event_initialize(&event) && emit(emitter, &event);
}

int cs_value_write_yaml(struct json_object *value, struct cs_buffer *out)
{
	yaml_emitter_t emitter;
	if (!yaml_emitter_initialize(&emitter))
		return -ENOMEM;
	yaml_emitter_set_output(&emitter, take_bytes, out);
	yaml_emitter_set_unicode(&emitter, 1);
	yaml_emitter_set_width(&emitter, -1);
	bool written = write_document(&emitter, value);
	yaml_emitter_delete(&emitter);
	return written ? 0 : out->overflow ? -EMSGSIZE : -EINVAL;
}
