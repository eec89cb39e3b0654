// What went wrong, in words a user can act on. The one error dialect of the project.
// Neighbours: everything returns `int` (0 or a negative errno) beside a `struct cs_error *`.
#ifndef CSCHED_BASE_ERROR_H
#define CSCHED_BASE_ERROR_H

#include <stdarg.h>

#define CS_ERROR_TEXT_MAX 1024 // bytes with the NUL; longer words are cut with " ..."

struct cs_error {
	int code; // negative errno, 0 = none
	char text[CS_ERROR_TEXT_MAX];
};

// Fills `err` (may be NULL) and returns `code`, a negative errno, so that failing is one line:
// `return cs_error_set(err, -EINVAL, "%s: not a quantity", path);`
__attribute__((format(printf, 3, 4))) int cs_error_set(struct cs_error *err, int code,
						       const char *format, ...);

// As cs_error_set with the system's words for `code` behind the text: "...: No such file".
__attribute__((format(printf, 3, 4))) int cs_error_errno(struct cs_error *err, int code,
							 const char *format, ...);

// Puts "prefix: " before the text of a filled error; returns its code.
__attribute__((format(printf, 2, 3))) int cs_error_prefix(struct cs_error *err, const char *format,
							  ...);

#ifdef __clang_analyzer__
// The analyzer sees one file at a time: this tells it that what these return is `code`.
#define cs_error_set(err, code, ...)   ((cs_error_set)(err, code, __VA_ARGS__), (code))
#define cs_error_errno(err, code, ...) ((cs_error_errno)(err, code, __VA_ARGS__), (code))
#endif

#endif
