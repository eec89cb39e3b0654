// Bytes as URLs and forms carry them. Neighbours: url.h.
#include "load/url.h"

#include <string.h>

void cs_url_escape(const char *text, struct cs_buffer *out)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				    "0123456789-._~";
	for (; *text; text++) {
		if (strchr(plain, *text))
			cs_buffer_append_char(out, *text);
		else
			cs_buffer_printf(out, "%%%02X", (unsigned char)*text);
	}
}
