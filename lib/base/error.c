// Filling and prefixing the project's error object.
// Neighbours: every layer fills one; cmd and daemon print it.
#include <csched/base/error.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

// Puts what snprintf wrote into `text` (`length` is what it wanted to write) in the error's place,
// cut where it was too long. `text` may have been formatted from err->text itself.
static void store(struct cs_error *err, char text[CS_ERROR_TEXT_MAX], int length)
{
	static const char cut[] = " ...";
	if (length < 0)
		text[0] = '\0';
	if (length >= CS_ERROR_TEXT_MAX) {
		size_t at = CS_ERROR_TEXT_MAX - sizeof(cut);
		while (at > 0 && ((unsigned char)text[at] & 0xC0) == 0x80)
			at--; // never in the middle of a UTF-8 sequence
		memcpy(text + at, cut, sizeof(cut));
	}
	memcpy(err->text, text, strlen(text) + 1);
}

int(cs_error_set)(struct cs_error *err, int code, const char *format, ...)
{
	if (!err)
		return code;
	char text[CS_ERROR_TEXT_MAX];
	va_list args;
	va_start(args, format);
	int length = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	store(err, text, length);
	err->code = code;
	return code;
}

int(cs_error_errno)(struct cs_error *err, int code, const char *format, ...)
{
	if (!err)
		return code;
	char words[CS_ERROR_TEXT_MAX / 2];
	char reason[128];
	va_list args;
	va_start(args, format);
	int length = vsnprintf(words, sizeof(words), format, args);
	va_end(args);
	if (length >= (int)sizeof(words))
		memcpy(words + sizeof(words) - 5, " ...", 5);
	const char *why = strerror_r(-code, reason, sizeof(reason));
	return cs_error_set(err, code, "%s: %s", length < 0 ? "" : words, why);
}

int cs_error_prefix(struct cs_error *err, const char *format, ...)
{
	if (!err)
		return -EINVAL;
	char prefix[CS_ERROR_TEXT_MAX / 2];
	va_list args;
	va_start(args, format);
	int length = vsnprintf(prefix, sizeof(prefix), format, args);
	va_end(args);
	if (length >= (int)sizeof(prefix))
		memcpy(prefix + sizeof(prefix) - 5, " ...", 5);
	return cs_error_set(err, err->code, "%s: %s", length < 0 ? "" : prefix, err->text);
}
