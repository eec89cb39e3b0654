// A list of errors with paths. Neighbours: errors.h.
// Words mirror k8s.io/apimachinery/pkg/util/validation/field.
#include <csched/framework/errors.h>

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <csched/base/buffer.h>
#include <csched/base/duration.h>
#include <csched/base/memory.h>
#include <csched/base/slice.h>

#define WORDS_MAX 4096 // bytes of one error

void cs_errors_finish(struct cs_errors *errors)
{
	for (uint32_t i = 0; i < errors->count; i++)
		free(errors->list[i]);
	free(errors->list);
	*errors = (struct cs_errors){ 0 };
}

// The whole path of a field, on the heap.
static char *join(const struct cs_errors *errors, const char *path)
{
	const char *at = errors->at ? errors->at : "";
	return cs_asprintf("%s%s%s", at, *at && *path && *path != '[' ? "." : "", path);
}

// Takes the words over.
static void append(struct cs_errors *errors, char *words)
{
	if (errors->count > CS_ERRORS_MAX) {
		free(words);
		return;
	}
	if (errors->count == CS_ERRORS_MAX) {
		free(words);
		words = cs_strdup("and more");
	}
	errors->list = cs_realloc_array(errors->list, errors->count + 1, sizeof(*errors->list));
	errors->list[errors->count++] = words;
}

int cs_errors_add(struct cs_errors *errors, const char *path, const char *format, ...)
{
	char words[WORDS_MAX];
	va_list ap;
	va_start(ap, format);
	vsnprintf(words, sizeof(words), format, ap);
	va_end(ap);
	CS_AUTO_FREE char *whole = join(errors, path);
	append(errors, cs_asprintf("%s%s%s", whole, *whole ? ": " : "", words));
	return -EINVAL;
}

int cs_errors_add_line(struct cs_errors *errors, const char *line)
{
	append(errors, join(errors, line));
	return -EINVAL;
}

int cs_errors_invalid_int(struct cs_errors *errors, const char *path, int64_t value,
			  const char *words)
{
	return cs_errors_add(errors, path, "Invalid value: %" PRId64 ": %s", value, words);
}

int cs_errors_invalid_string(struct cs_errors *errors, const char *path, const char *value,
			     const char *words)
{
	return cs_errors_add(errors, path, "Invalid value: \"%s\": %s", value, words);
}

int cs_errors_invalid_duration(struct cs_errors *errors, const char *path, int64_t value,
			       int64_t min, int64_t max)
{
	CS_AUTO_BUFFER struct cs_buffer words;
	CS_AUTO_BUFFER struct cs_buffer own;
	cs_buffer_init(&words, 256);
	cs_buffer_init(&own, 64);
	cs_duration_print(&own, value);
	cs_buffer_append_string(&words, "must be at least ");
	cs_duration_print(&words, min);
	cs_buffer_append_string(&words, " and at most ");
	cs_duration_print(&words, max);
	return cs_errors_invalid_string(errors, path, own.data, words.data);
}

int cs_errors_required(struct cs_errors *errors, const char *path, const char *words)
{
	CS_AUTO_FREE char *whole = join(errors, path);
	size_t size = strlen(whole);
	for (uint32_t i = 0; i < errors->count; i++)
		if (strncmp(errors->list[i], whole, size) == 0 &&
		    cs_string_prefix(errors->list[i] + size, ": "))
			return -EINVAL;
	return cs_errors_add(errors, path, "Required value%s%s", *words ? ": " : "", words);
}

int cs_errors_duplicate(struct cs_errors *errors, const char *path, const char *value)
{
	return cs_errors_add(errors, path, "Duplicate value: \"%s\"", value);
}

int cs_errors_forbidden(struct cs_errors *errors, const char *path, const char *words)
{
	return cs_errors_add(errors, path, "Forbidden: %s", words);
}

int cs_errors_unsupported(struct cs_errors *errors, const char *path, const char *value,
			  const char *const *supported)
{
	CS_AUTO_BUFFER struct cs_buffer list;
	cs_buffer_init(&list, WORDS_MAX);
	for (; *supported; supported++)
		cs_buffer_printf(&list, "%s\"%s\"", list.size ? ", " : "", *supported);
	return cs_errors_add(errors, path, "Unsupported value: \"%s\": supported values: %s", value,
			     list.data);
}
