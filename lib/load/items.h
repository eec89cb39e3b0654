// The elements of one long array in a JSON document, read one after the other: a tree of the whole
// would take ten times the bytes of the text.
// Neighbours: metrics_api.c and prometheus.c read their answers with it.
#ifndef LOAD_ITEMS_H
#define LOAD_ITEMS_H

#include <stdbool.h>
#include <stdint.h>

#include <csched/base/value.h>

struct cs_items {
	const char *at;  // borrowed from the text
	const char *end; // the closing bracket
	uint32_t n;      // elements read
	bool more;
};

// Finds the array at `path` ("items", "data.result"; its keys are written without escapes) and
// reads all the rest of the document, in which that array is empty. The caller puts *ret_rest. A
// document without that array is all rest, and has no elements.
int cs_items_open(struct cs_slice text, const char *path, struct cs_items *ret,
		  struct json_object **ret_rest, struct cs_error *err);
// 1 = *ret is the next one (put by the caller), 0 = there is none, -EINVAL.
int cs_items_next(struct cs_items *items, struct json_object **ret, struct cs_error *err);

#endif
