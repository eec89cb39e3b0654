// Request paths of the API. Neighbours: reflector.c, requests.c, lease.c build theirs with it.
#ifndef CSCHED_LIB_CLIENT_PATH_H
#define CSCHED_LIB_CLIENT_PATH_H

#include <csched/base/buffer.h>
#include <csched/kube/kind.h>

#define CS_PATH_MAX 16384 // bytes of a path with its query; a longer one is cut and refused

// Starts `out` with "/api/v1/namespaces/NS/pods" or "/apis/G/V/..."; all namespaces for NULL.
void cs_path_init(struct cs_buffer *out, const struct cs_kind *kind, const char *namespace);
// Appends "/segment", escaped.
void cs_path_segment(struct cs_buffer *out, const char *segment);
// Appends "?key=value" or "&key=value", the value escaped.
void cs_path_query(struct cs_buffer *out, const char *key, const char *value);

#endif
