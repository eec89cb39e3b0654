// Whole files from outside, with a maximum.
// Neighbours: value.h and whoever reads certificates make something of the bytes.
#ifndef CSCHED_BASE_FILE_H
#define CSCHED_BASE_FILE_H

#include <stddef.h>

#include <csched/base/error.h>

// Reads a file of at most `max` bytes ("-" = standard input); a NUL follows them. free() *ret.
// Errors name the path; -EFBIG where there is more.
int cs_file_read(const char *path, size_t max, char **ret, size_t *ret_size, struct cs_error *err);

#endif
