// The values of one entry of a kubeconfig file, with words for what is wrong with them.
// Neighbours: kubeconfig_internal.h; kubeconfig_endpoint.c asks for them.
#include "kubeconfig_internal.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <csched/base/memory.h>

#define STRINGS_MAX 1024 // elements of args, env, as-groups

void strings_free(char **strings)
{
	for (size_t i = 0; strings && strings[i]; i++)
		cs_secret_free(strings[i]);
	free(strings);
}

void entry_set_where(struct entry *entry, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vsnprintf(entry->where, sizeof(entry->where), format, args);
	va_end(args);
}

struct json_object *entry_member(struct json_object *object, const char *key)
{
	struct json_object *value = NULL;
	if (json_object_is_type(object, json_type_object))
		json_object_object_get_ex(object, key, &value);
	return value;
}

bool entry_has_control(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			return true;
	return false;
}

int entry_string(const struct entry *entry, const char *key, const char **ret, struct cs_error *err)
{
	struct json_object *value = entry_member(entry->body, key);
	*ret = NULL;
	if (!value)
		return 0;
	if (!json_object_is_type(value, json_type_string))
		return cs_error_set(err, -EINVAL, "%s.%s: must be a string", entry->where, key);
	const char *s = json_object_get_string(value);
	if (strlen(s) != (size_t)json_object_get_string_len(value))
		return cs_error_set(err, -EINVAL, "%s.%s: contains a NUL byte", entry->where, key);
	if (*s)
		*ret = s;
	return 0;
}

int entry_flag(const struct entry *entry, const char *key, bool *ret, struct cs_error *err)
{
	struct json_object *value = entry_member(entry->body, key);
	if (!value)
		return 0;
	if (!json_object_is_type(value, json_type_boolean))
		return cs_error_set(err, -EINVAL, "%s.%s: must be true or false", entry->where,
				    key);
	*ret = json_object_get_boolean(value);
	return 0;
}

char *entry_resolve_path(const struct entry *entry, const char *path)
{
	const struct file *file = entry->file;
	const char *slash = strrchr(file->name, '/');
	if (*path == '/' || !slash)
		return cs_strdup(path);
	return cs_asprintf("%.*s/%s", (int)(slash - file->name), file->name, path);
}

// Decodes base64 into NUL-terminated text; NULL if it is not base64 or holds a NUL.
static char *decode_base64(const char *text)
{
	size_t size = strlen(text);
	if (size > CS_KUBECONFIG_FILE_MAX)
		return NULL;
	char *out = cs_alloc(size / 4 * 3 + 4);
	EVP_ENCODE_CTX *context = EVP_ENCODE_CTX_new();
	int n = 0, last = 0;
	EVP_DecodeInit(context);
	bool ok = EVP_DecodeUpdate(context, (unsigned char *)out, &n, (const unsigned char *)text,
				   (int)size) >= 0 &&
		  EVP_DecodeFinal(context, (unsigned char *)out + n, &last) == 1 &&
		  memchr(out, '\0', (size_t)n + (size_t)last) == NULL;
	EVP_ENCODE_CTX_free(context);
	if (!ok) {
		free(out);
		return NULL;
	}
	out[n + last] = '\0';
	return out;
}

int entry_data(const struct entry *entry, const char *key, char **ret, struct cs_error *err)
{
	const char *text;
	int r = entry_string(entry, key, &text, err);
	if (r < 0 || !text)
		return r;
	char *pem = decode_base64(text);
	if (!pem)
		return cs_error_set(err, -EINVAL, "%s.%s: not base64", entry->where, key);
	*ret = pem;
	if (!strstr(pem, "-----BEGIN "))
		return cs_error_set(err, -EINVAL, "%s.%s: not PEM", entry->where, key);
	return 0;
}

void strings_add(struct strings *strings, char *item)
{
	strings->items = cs_realloc_array(strings->items, strings->count + 2, sizeof(char *));
	strings->items[strings->count++] = item;
	strings->items[strings->count] = NULL;
}

int entry_list(const struct entry *entry, const char *key, struct json_object **ret,
	       struct cs_error *err)
{
	*ret = entry_member(entry->body, key);
	if (!*ret)
		return 0;
	if (!json_object_is_type(*ret, json_type_array))
		return cs_error_set(err, -EINVAL, "%s.%s: must be a list", entry->where, key);
	if (json_object_array_length(*ret) > STRINGS_MAX)
		return cs_error_set(err, -EINVAL, "%s.%s: has more than %d elements", entry->where,
				    key, STRINGS_MAX);
	return 0;
}

int entry_strings(const struct entry *entry, const char *key, const char *prefix,
		  struct strings *out, struct cs_error *err)
{
	struct json_object *list;
	int r = entry_list(entry, key, &list, err);
	if (r < 0 || !list)
		return r;
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct json_object *item = json_object_array_get_idx(list, i);
		if (!json_object_is_type(item, json_type_string))
			return cs_error_set(err, -EINVAL, "%s.%s[%zu]: must be a string",
					    entry->where, key, i);
		const char *s = json_object_get_string(item);
		if (*prefix && entry_has_control(s))
			return cs_error_set(err, -EINVAL,
					    "%s.%s[%zu]: contains a control character",
					    entry->where, key, i);
		strings_add(out, cs_asprintf("%s%s", prefix, s));
	}
	return 0;
}
