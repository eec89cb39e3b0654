// Turning field names of the .proto files into JSON's and back.
// Neighbours: name.h; a proto name with a capital letter (hostIP) is the JSON name already.
#include "name.h"

#include <stdbool.h>
#include <string.h>

static bool is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

const char *cs_name_json(const ProtobufCFieldDescriptor *field, char out[CS_NAME_SIZE])
{
	size_t size = 0;
	for (const char *at = field->name; *at && size + 1 < CS_NAME_SIZE; at++) {
		bool joint = at[0] == '_' && at[1] >= 'a' && at[1] <= 'z';
		if (joint)
			at++;
		out[size++] = (char)(joint ? *at - 'a' + 'A' : *at);
	}
	out[size] = '\0';
	return out;
}

const ProtobufCFieldDescriptor *cs_name_find(const ProtobufCMessageDescriptor *descriptor,
					     const char *json_name)
{
	char snake[2 * CS_NAME_SIZE];
	size_t size = 0;
	bool has_capital = false;
	for (const char *at = json_name; *at; at++) {
		if (*at == '_' || size + 3 > sizeof(snake))
			return NULL;
		if (is_upper(*at)) {
			has_capital = true;
			snake[size++] = '_';
		}
		snake[size++] = (char)(is_upper(*at) ? *at - 'A' + 'a' : *at);
	}
	snake[size] = '\0';
	const ProtobufCFieldDescriptor *field =
		protobuf_c_message_descriptor_get_field_by_name(descriptor, snake);
	if (!field && has_capital)
		field = protobuf_c_message_descriptor_get_field_by_name(descriptor, json_name);
	return field;
}
