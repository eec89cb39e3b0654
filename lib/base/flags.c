// Command line flags as a table: see the header for what a row says.
// Neighbours: duration.h reads durations; the tables are in cmd.
#include <csched/base/flags.h>

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <csched/base/clock.h>
#include <csched/base/duration.h>
#include <csched/base/memory.h>
#include <csched/base/slice.h>

#define HELP_WIDTH  100
#define HELP_INDENT 8
#define HELP_MAX    (64u << 10)

typedef int (*parse_f)(const struct cs_flag *flag, const char *text, void *field,
		       struct cs_error *err);

static int parse_bool(const struct cs_flag *flag, const char *text, void *field,
		      struct cs_error *err)
{
	static const char *const words[2][6] = { { "false", "0", "f", "F", "FALSE", "False" },
						 { "true", "1", "t", "T", "TRUE", "True" } };
	for (size_t value = 0; value < 2; value++)
		for (size_t i = 0; i < CS_ARRAY_LENGTH(words[value]); i++)
			if (!strcmp(text, words[value][i])) {
				*(bool *)field = value == 1;
				return 0;
			}
	return cs_error_set(err, -EINVAL, "--%s: \"%s\" is neither true nor false", flag->name,
			    text);
}

static bool within(const struct cs_flag *flag, double value)
{
	return (flag->min == 0 && flag->max == 0) ||
	       (value >= (double)flag->min && value <= (double)flag->max);
}

static int parse_integer(const struct cs_flag *flag, const char *text, void *field,
			 struct cs_error *err)
{
	char *end;
	errno = 0;
	long long value = strtoll(text, &end, 10);
	if (end == text || *end || isspace((unsigned char)*text))
		return cs_error_set(err, -EINVAL, "--%s: \"%s\" is not a whole number", flag->name,
				    text);
	if (errno || !within(flag, (double)value))
		return cs_error_set(err, -EINVAL, "--%s: %s is not between %lld and %lld",
				    flag->name, text, (long long)flag->min, (long long)flag->max);
	*(int64_t *)field = value;
	return 0;
}

static int parse_number(const struct cs_flag *flag, const char *text, void *field,
			struct cs_error *err)
{
	char *end;
	double value = strtod(text, &end);
	if (end == text || *end || isspace((unsigned char)*text) || !isfinite(value))
		return cs_error_set(err, -EINVAL, "--%s: \"%s\" is not a number", flag->name, text);
	if (!within(flag, value))
		return cs_error_set(err, -EINVAL, "--%s: %s is not between %lld and %lld",
				    flag->name, text, (long long)flag->min, (long long)flag->max);
	*(double *)field = value;
	return 0;
}

static int parse_duration(const struct cs_flag *flag, const char *text, void *field,
			  struct cs_error *err)
{
	int64_t value;
	int r = cs_duration_parse(text, &value, err);
	if (r < 0)
		return cs_error_prefix(err, "--%s", flag->name);
	if (!within(flag, (double)value))
		return cs_error_set(err, -EINVAL, "--%s: %s is not between %gs and %gs", flag->name,
				    text, (double)flag->min / (double)CS_SECOND,
				    (double)flag->max / (double)CS_SECOND);
	*(int64_t *)field = value;
	return 0;
}

static int parse_string(const struct cs_flag *flag, const char *text, void *field,
			struct cs_error *err)
{
	(void)flag;
	(void)err;
	*(const char **)field = text;
	return 0;
}

static int parse_choice(const struct cs_flag *flag, const char *text, void *field,
			struct cs_error *err)
{
	const char *word = flag->choices;
	for (int i = 0; *word; i++) {
		size_t size = strcspn(word, "|");
		if (strlen(text) == size && !strncmp(word, text, size)) {
			*(int *)field = i;
			return 0;
		}
		word += size + (word[size] == '|');
	}
	return cs_error_set(err, -EINVAL, "--%s: \"%s\" is none of %s", flag->name, text,
			    flag->choices);
}

static int parse_strings(const struct cs_flag *flag, const char *text, void *field,
			 struct cs_error *err)
{
	struct cs_flag_strings *strings = field;
	if (strings->n == CS_FLAG_STRINGS_MAX)
		return cs_error_set(err, -EINVAL, "--%s: given more than %d times", flag->name,
				    CS_FLAG_STRINGS_MAX);
	strings->values[strings->n++] = text;
	return 0;
}

static int parse_list(const struct cs_flag *flag, const char *text, void *field,
		      struct cs_error *err)
{
	const char **list = field;
	CS_AUTO_FREE char *before = (char *)(uintptr_t)*list;
	(void)flag;
	(void)err;
	*list = before && *before ? cs_asprintf("%s,%s", before, text) : cs_strdup(text);
	return 0;
}

static const parse_f parsers[CS_FLAG_TYPE_COUNT] = {
	[CS_FLAG_BOOL] = parse_bool,       [CS_FLAG_INTEGER] = parse_integer,
	[CS_FLAG_NUMBER] = parse_number,   [CS_FLAG_DURATION] = parse_duration,
	[CS_FLAG_STRING] = parse_string,   [CS_FLAG_CHOICE] = parse_choice,
	[CS_FLAG_STRINGS] = parse_strings, [CS_FLAG_LIST] = parse_list,
};

static void *field_of(const struct cs_flag *flag, void *values)
{
	return (char *)values + flag->offset;
}

static void clear_list(const struct cs_flag *flag, void *values)
{
	const char **list = field_of(flag, values);
	free((char *)(uintptr_t)*list);
	*list = NULL;
}

// What one argument says: a row and, behind '=' or the letter, perhaps a value.
struct spelled {
	const struct cs_flag *flag;
	const char *value; // NULL = not in this argument
};

static struct spelled spell_long(const struct cs_flag *flags, const char *text)
{
	size_t size = strcspn(text, "=");
	for (const struct cs_flag *flag = flags; flag->name; flag++)
		if (strlen(flag->name) == size && !strncmp(flag->name, text, size))
			return (struct spelled){ flag, text[size] ? text + size + 1 : NULL };
	return (struct spelled){ NULL, NULL };
}

static struct spelled spell_short(const struct cs_flag *flags, const char *text)
{
	for (const struct cs_flag *flag = flags; flag->name; flag++)
		if (flag->letter && flag->letter == text[0]) {
			const char *value = text[1] ? text + 1 + (text[1] == '=') : NULL;
			return (struct spelled){ flag, value };
		}
	return (struct spelled){ NULL, NULL };
}

static bool is_flag(const char *argument)
{
	return argument[0] == '-' && argument[1] != '\0';
}

struct reading {
	const struct cs_flag *flags;
	const char *const *argv;
	int at;
	void *values;
	uint64_t given;   // as in the result
	bool input_taken; // a flag said that it reads standard input
	struct cs_error *err;
};

static int set(struct reading *reading, const struct cs_flag *flag, const char *text)
{
	const uint64_t bit = UINT64_C(1) << (flag - reading->flags);
	if (flag->input && !strcmp(text, "-")) {
		if (reading->input_taken)
			return cs_error_set(reading->err, -EINVAL,
					    "--%s: standard input (-) can be read only once",
					    flag->name);
		reading->input_taken = true;
	}
	if (flag->type == CS_FLAG_LIST && !(reading->given & bit))
		clear_list(flag, reading->values);
	reading->given |= bit;
	return parsers[flag->type](flag, text, field_of(flag, reading->values), reading->err);
}

// Reads the flag that is next, and its value if that is the argument behind it.
static int parse_one(struct reading *reading)
{
	const struct cs_flag *flags = reading->flags;
	const char *argument = reading->argv[reading->at];
	struct spelled spelled = cs_string_prefix(argument, "--")
					 ? spell_long(flags, argument + 2)
					 : spell_short(flags, argument + 1);
	if (!spelled.flag) {
		int size = (int)strcspn(argument, "=");
		return cs_error_set(reading->err, -EINVAL, "unknown flag: %.*s", size, argument);
	}
	if (!spelled.value && spelled.flag->type == CS_FLAG_BOOL)
		spelled.value = "true";
	if (!spelled.value && reading->argv[reading->at + 1])
		spelled.value = reading->argv[++reading->at];
	if (!spelled.value)
		return cs_error_set(reading->err, -EINVAL, "--%s needs a value: %s",
				    spelled.flag->name, spelled.flag->value);
	return set(reading, spelled.flag, spelled.value);
}

static int apply_defaults(const struct cs_flag *flags, void *values, struct cs_error *err)
{
	for (const struct cs_flag *flag = flags; flag->name; flag++) {
		void *field = field_of(flag, values);
		if (flag - flags == CS_FLAGS_MAX)
			return cs_error_set(err, -EINVAL, "more than %d flags", CS_FLAGS_MAX);
		if (flag->type == CS_FLAG_STRINGS) {
			((struct cs_flag_strings *)field)->n = 0;
			continue;
		}
		int r = parsers[flag->type](flag, flag->initial, field, err);
		if (r < 0)
			return cs_error_prefix(err, "default");
	}
	return 0;
}

int cs_flags_parse(const struct cs_flag *flags, const char **argv, void *values,
		   struct cs_flags_result *ret, struct cs_error *err)
{
	*ret = (struct cs_flags_result){ .rest = argv };
	int r = apply_defaults(flags, values, err);
	if (r < 0)
		return r;
	struct reading reading = { .flags = flags, .argv = argv, .values = values, .err = err };
	int *at = &reading.at;
	for (*at = 1; r == 0 && argv[*at] && strcmp(argv[*at], "--") != 0; ++*at) {
		if (is_flag(argv[*at]))
			r = parse_one(&reading);
		else
			argv[ret->n_rest++] = argv[*at];
	}
	while (r == 0 && argv[*at] && argv[++*at])
		argv[ret->n_rest++] = argv[*at];
	ret->given = reading.given;
	return r;
}

void cs_flags_finish(const struct cs_flag *flags, void *values)
{
	for (const struct cs_flag *flag = flags; flag->name; flag++)
		if (flag->type == CS_FLAG_LIST)
			clear_list(flag, values);
}

bool cs_flags_given(const struct cs_flag *flags, const struct cs_flags_result *result,
		    const char *name)
{
	for (size_t i = 0; flags[i].name; i++)
		if (!strcmp(flags[i].name, name))
			return result->given >> i & 1;
	return false;
}

const char *cs_flags_given_beside(const struct cs_flag *flags, const struct cs_flags_result *result,
				  const char *section, const char *lead)
{
	for (size_t i = 0; flags[i].name; i++)
		if (flags[i].section == section && result->given >> i & 1 &&
		    strcmp(flags[i].name, lead) != 0)
			return flags[i].name;
	return NULL;
}

// ---- --help ----

// Appends words, broken into lines with the indent of help texts.
static void print_wrapped(const char *text, struct cs_buffer *out)
{
	size_t column = HELP_WIDTH;
	while (*text) {
		size_t size = strcspn(text, " ");
		if (column + 1 + size > HELP_WIDTH) {
			cs_buffer_printf(out, "\n%*s", HELP_INDENT, "");
			column = HELP_INDENT;
		} else {
			cs_buffer_append_char(out, ' ');
			column++;
		}
		cs_buffer_append(out, text, size);
		column += size;
		text += size + strspn(text + size, " ");
	}
}

static void print_flag(const struct cs_flag *flag, struct cs_buffer *out)
{
	CS_AUTO_FREE char *text = NULL;
	bool plain_bool = flag->type == CS_FLAG_BOOL && !strcmp(flag->initial, "false");
	if (flag->letter)
		cs_buffer_printf(out, "  -%c, --%s", flag->letter, flag->name);
	else
		cs_buffer_printf(out, "      --%s", flag->name);
	if (flag->type == CS_FLAG_CHOICE)
		cs_buffer_printf(out, "=%s", flag->choices);
	else if (flag->type != CS_FLAG_BOOL)
		cs_buffer_printf(out, "=%s", flag->value);
	if (*flag->initial && !plain_bool)
		text = cs_asprintf("%s (default %s)", flag->help, flag->initial);
	print_wrapped(text ? text : flag->help, out);
	cs_buffer_append_char(out, '\n');
}

static void print_flags(const struct cs_flag *flags, struct cs_buffer *out)
{
	const char *section = NULL;
	for (const struct cs_flag *flag = flags; flag->name; flag++) {
		if (!section || strcmp(section, flag->section) != 0)
			cs_buffer_printf(out, "\n%s:\n", flag->section);
		section = flag->section;
		print_flag(flag, out);
	}
}

void cs_flags_help(const char *usage, const struct cs_flag *flags, const char *epilogue, FILE *out)
{
	CS_AUTO_BUFFER struct cs_buffer text;
	cs_buffer_init(&text, HELP_MAX);
	cs_buffer_append_string(&text, usage);
	print_flags(flags, &text);
	cs_buffer_append_string(&text, epilogue);
	fputs(text.data, out);
}
