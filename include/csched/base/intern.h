// Strings stored once and known by a small number, so that the core compares integers.
// Neighbours: map.h. Reference counted: a string leaves with its last user.
#ifndef CSCHED_BASE_INTERN_H
#define CSCHED_BASE_INTERN_H

#include <stdint.h>

#include <csched/base/slice.h>

struct cs_intern;

#define CS_INTERN_NONE 0u // the id of "no string"; ids of strings start at 1

struct cs_intern *cs_intern_create(uint64_t seed);
void cs_intern_destroy(struct cs_intern *intern);

// The id of `s`, new or known, with one more reference.
uint32_t cs_intern_ref(struct cs_intern *intern, struct cs_slice s);
// The id where it is known, else CS_INTERN_NONE. Takes no reference.
uint32_t cs_intern_find(const struct cs_intern *intern, struct cs_slice s);
void cs_intern_ref_id(struct cs_intern *intern, uint32_t id);
void cs_intern_unref(struct cs_intern *intern, uint32_t id); // NONE is fine

// NUL-terminated; "" for NONE. Valid while a reference is held.
const char *cs_intern_string(const struct cs_intern *intern, uint32_t id);
uint32_t cs_intern_count(const struct cs_intern *intern); // live strings

#endif
