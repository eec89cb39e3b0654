// What label keys and values may look like. Neighbours: selector.c checks with it, node_term.c says
// what is wrong. Mirrors apimachinery pkg/api/validate/content.
#ifndef LIB_KUBE_LABEL_H
#define LIB_KUBE_LABEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CS_LABEL_NAME_MAX   63  // bytes of a label's name and of its value
#define CS_LABEL_PREFIX_MAX 253 // bytes of the domain before the slash

// Alphanumeric at both ends, with '-', '_' and '.' between. Size limits are the caller's.
bool cs_label_is_name(const char *s, size_t size);
// Lower-case DNS labels joined by dots; upstream sets no limit to the size of one label here.
bool cs_label_is_subdomain(const char *s, size_t size);

bool cs_label_is_key(const char *key);
bool cs_label_is_value(const char *value);

// As Go's strconv.ParseInt(text, 10, 64).
bool cs_label_parse_integer(const char *text, int64_t *ret);

#endif
