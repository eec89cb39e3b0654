// The syntax of labels. Neighbours: label.h.
#include "label.h"

#include <string.h>

static bool is_lower_or_digit(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_alphanumeric(char c)
{
	return is_lower_or_digit(c) || (c >= 'A' && c <= 'Z');
}

bool cs_label_is_name(const char *s, size_t size)
{
	if (size == 0 || !is_alphanumeric(s[0]) || !is_alphanumeric(s[size - 1]))
		return false;
	for (size_t i = 0; i < size; i++)
		if (!is_alphanumeric(s[i]) && s[i] != '-' && s[i] != '_' && s[i] != '.')
			return false;
	return true;
}

bool cs_label_is_subdomain(const char *s, size_t size)
{
	if (size == 0)
		return false;
	for (size_t i = 0; i < size; i++) {
		bool first = i == 0 || s[i - 1] == '.';
		bool last = i + 1 == size || s[i + 1] == '.';
		if (!is_lower_or_digit(s[i]) && (first || last || (s[i] != '-' && s[i] != '.')))
			return false;
	}
	return true;
}

static bool is_short_name(const char *s)
{
	size_t size = strlen(s);
	return size <= CS_LABEL_NAME_MAX && cs_label_is_name(s, size);
}

bool cs_label_is_key(const char *key)
{
	const char *slash = strchr(key, '/');
	if (!slash)
		return is_short_name(key);
	size_t prefix = (size_t)(slash - key);
	return prefix <= CS_LABEL_PREFIX_MAX && cs_label_is_subdomain(key, prefix) &&
	       is_short_name(slash + 1);
}

bool cs_label_is_value(const char *value)
{
	return *value == '\0' || is_short_name(value);
}

bool cs_label_parse_integer(const char *text, int64_t *ret)
{
	bool negative = *text == '-';
	if (*text == '-' || *text == '+')
		text++;
	if (*text == '\0')
		return false;
	int64_t value = 0;
	for (; *text; text++) {
		int digit = *text - '0';
		if (digit < 0 || digit > 9 || __builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, negative ? -digit : digit, &value))
			return false;
	}
	*ret = value;
	return true;
}
