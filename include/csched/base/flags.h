// Command line flags as a table: parsing, defaults and the text of --help come from the same rows.
// Neighbours: the tables are in cmd.
#ifndef CSCHED_BASE_FLAGS_H
#define CSCHED_BASE_FLAGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <csched/base/error.h>

enum cs_flag_type {
	CS_FLAG_BOOL,     // bool: --flag, --flag=true, --flag=false
	CS_FLAG_INTEGER,  // int64_t within min .. max
	CS_FLAG_NUMBER,   // double within min .. max
	CS_FLAG_DURATION, // int64_t ns, min .. max ns: "15s", "1m30s", "500ms"
	CS_FLAG_STRING,   // const char *, borrowed from argv or from the table; may be empty
	CS_FLAG_CHOICE,   // int: the position of the word in `choices`
	CS_FLAG_STRINGS,  // struct cs_flag_strings: each time the flag is given adds one
	CS_FLAG_LIST,     // const char *, words with commas between them: the first time the flag
			  // is given replaces the default, the next ones add; cs_flags_finish frees
	CS_FLAG_TYPE_COUNT,
};

// A row; the table ends with a NULL name. A row without a type's bounds (both 0) has none.
struct cs_flag {
	const char *name;    // without dashes
	char letter;         // the short form "-v", 0 = none
	const char *section; // the heading in --help; rows of a section stand together
	const char *value;   // what --help calls the value: "FILE"
	const char *initial; // the default, as it would be written on the command line; of
			     // CS_FLAG_STRINGS always ""
	const char *choices; // CS_FLAG_CHOICE: "text|json"
	const char *help;    // one sentence or two
	size_t offset;       // of the value in the caller's struct
	enum cs_flag_type type;
	bool input; // a file to read, where "-" is standard input: said once, of all rows
	int64_t min;
	int64_t max;
};

#define CS_FLAGS_MAX        64  // rows of a table
#define CS_FLAG_STRINGS_MAX 256 // times a flag of type CS_FLAG_STRINGS may be given

struct cs_flag_strings {
	uint32_t n;
	const char *values[CS_FLAG_STRINGS_MAX]; // borrowed from argv
};

struct cs_flags_result {
	uint64_t given;          // bit i: row i of the table stood on the command line
	int n_rest;              // arguments that are no flags, in order
	const char *const *rest; // borrowed from argv, whose order is changed
};

// Fills `values` (the caller's struct) with the defaults, then with what argv[1..] up to its NULL
// says; the last of two wins. Both --flag=value and --flag value are understood, "--" ends the
// flags. -EINVAL with words that name the flag and the value, or a table of too many rows. Where
// the table has lists, `values` must be zeroed before, and finished after, whatever was returned.
int cs_flags_parse(const struct cs_flag *flags, const char **argv, void *values,
		   struct cs_flags_result *ret, struct cs_error *err);
void cs_flags_finish(const struct cs_flag *flags, void *values);

// Whether the row with that name was given.
bool cs_flags_given(const struct cs_flag *flags, const struct cs_flags_result *result,
		    const char *name);
// The first row of a section that was given, apart from `lead`: its name, or NULL. For sections
// that mean nothing without that flag; `section` is the table's own pointer.
const char *cs_flags_given_beside(const struct cs_flag *flags, const struct cs_flags_result *result,
				  const char *section, const char *lead);

// The rows every program has, with their bools at `at` in the caller's struct.
#define CS_FLAG_SAYING(flag, short_form, in_section, at, words)                           \
	{                                                                                 \
		.name = (flag), .letter = (short_form), .section = (in_section),          \
		.initial = "false", .type = CS_FLAG_BOOL, .offset = (at), .help = (words) \
	}
#define CS_FLAG_HELP(in_section, at) \
	CS_FLAG_SAYING("help", 'h', in_section, at, "Print this and exit.")
#define CS_FLAG_VERSION(in_section, at) \
	CS_FLAG_SAYING("version", 0, in_section, at, "Print the version and exit.")

// All of --help, 100 columns wide: what the program is for, its flags, and the rest.
void cs_flags_help(const char *usage, const struct cs_flag *flags, const char *epilogue, FILE *out);

#endif
