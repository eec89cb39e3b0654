// Bytes as URLs and forms carry them.
// Neighbours: prometheus.c and sampler.c.
#ifndef LOAD_URL_H
#define LOAD_URL_H

#include <csched/base/buffer.h>

// Appends with everything but unreserved characters as %XX.
void cs_url_escape(const char *text, struct cs_buffer *out);

#endif
