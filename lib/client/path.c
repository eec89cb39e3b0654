// Request paths of the API. Neighbours: kind.h knows groups and resources.
#include "path.h"

#include <string.h>

static void escape(struct cs_buffer *out, const char *text)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;
		bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			     (c >= '0' && c <= '9') || strchr("-._~", c);
		if (plain)
			cs_buffer_append_char(out, (char)c);
		else
			cs_buffer_printf(out, "%%%02X", c);
	}
}

// "." and ".." would walk the path: their dots are escaped, too.
void cs_path_segment(struct cs_buffer *out, const char *segment)
{
	cs_buffer_append_char(out, '/');
	if (strcmp(segment, ".") == 0 || strcmp(segment, "..") == 0)
		cs_buffer_append_string(out, segment[1] ? "%2E%2E" : "%2E");
	else
		escape(out, segment);
}

void cs_path_init(struct cs_buffer *out, const struct cs_kind *kind, const char *namespace)
{
	cs_buffer_init(out, CS_PATH_MAX);
	if (*kind->group)
		cs_buffer_printf(out, "/apis/%s/%s", kind->group, kind->version);
	else
		cs_buffer_printf(out, "/api/%s", kind->version);
	if (namespace) {
		cs_buffer_append_string(out, "/namespaces");
		cs_path_segment(out, namespace);
	}
	cs_path_segment(out, kind->resource);
}

void cs_path_query(struct cs_buffer *out, const char *key, const char *value)
{
	cs_buffer_printf(out, "%c%s=", memchr(out->data, '?', out->size) ? '&' : '?', key);
	escape(out, value);
}
