// Everything that is wrong with a configuration, each error with the path of its field, in the
// words kube-scheduler's validation uses where it has the rule.
// Neighbours: fields.h and the plugins' configure add to it; config.h hands it out.
#ifndef CSCHED_FRAMEWORK_ERRORS_H
#define CSCHED_FRAMEWORK_ERRORS_H

#include <stdbool.h>
#include <stdint.h>

// A zeroed one is ready; ends with cs_errors_finish. At most CS_ERRORS_MAX are kept: then a last
// line says that there are more.
struct cs_errors {
	const char *at; // the path below which errors are added now; NULL = the document
	uint32_t count;
	char **list; // "profiles[0].schedulerName: Required value"
};

#define CS_ERRORS_MAX 1000

void cs_errors_finish(struct cs_errors *errors);
#define CS_AUTO_ERRORS __attribute__((cleanup(cs_errors_finish)))

// Each adds one error and returns -EINVAL. `path` is below `errors->at`: "a.b", "[1].c", or "" for
// that place itself.
__attribute__((format(printf, 3, 4))) int cs_errors_add(struct cs_errors *errors, const char *path,
							const char *format, ...);
// `line` begins with a path: "a.b: what is wrong".
int cs_errors_add_line(struct cs_errors *errors, const char *line);
int cs_errors_invalid_int(struct cs_errors *errors, const char *path, int64_t value,
			  const char *words);
int cs_errors_invalid_string(struct cs_errors *errors, const char *path, const char *value,
			     const char *words);
// In ns; the words name the bounds, which are allowed themselves.
int cs_errors_invalid_duration(struct cs_errors *errors, const char *path, int64_t value,
			       int64_t min, int64_t max);
// `words` "" = none. Nothing is added where that path has an error already: a value that could not
// be read is not missing too.
int cs_errors_required(struct cs_errors *errors, const char *path, const char *words);
int cs_errors_duplicate(struct cs_errors *errors, const char *path, const char *value);
int cs_errors_forbidden(struct cs_errors *errors, const char *path, const char *words);
// `supported` ends with NULL.
int cs_errors_unsupported(struct cs_errors *errors, const char *path, const char *value,
			  const char *const *supported);

#endif
