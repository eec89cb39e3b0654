// Levelled, structured logging as klog writes it: text or JSON.
// Neighbours: only daemon, sim and cmd log; libraries return errors instead.
#ifndef CSCHED_BASE_LOG_H
#define CSCHED_BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include <csched/base/clock.h>

enum cs_log_severity { CS_LOG_INFO, CS_LOG_WARNING, CS_LOG_ERROR };
enum cs_log_format { CS_LOG_TEXT, CS_LOG_JSON };

// Constant after start; shared by all threads; a line is one write(2).
struct cs_log {
	int fd;
	int verbosity; // -v: lines of a higher level are dropped
	enum cs_log_format format;
	struct cs_clock clock;
};

// One key and its value: a string (NULL prints as "") or, with `is_number`, a number.
struct cs_log_field {
	const char *key;
	const char *text;
	int64_t number;
	bool is_number;
};
#define CS_LOG_STRING(k, v) ((struct cs_log_field){ .key = (k), .text = (v) })
#define CS_LOG_NUMBER(k, v) ((struct cs_log_field){ .key = (k), .number = (v), .is_number = true })

struct cs_log_site {
	const char *file; // base name
	int line;
	enum cs_log_severity severity;
	int level; // 0 = always
};

// `fields` ends with a zeroed entry. Lines are cut at 16 KiB.
void cs_log_write(const struct cs_log *log, struct cs_log_site site, const char *message,
		  const struct cs_log_field *fields);

#define CS_LOG_AT(log, sev, lvl, message, ...)                                                     \
	do {                                                                                       \
		if ((lvl) <= (log)->verbosity)                                                     \
			cs_log_write(                                                              \
				(log),                                                             \
				(struct cs_log_site){ .file = __FILE_NAME__,                       \
						      .line = __LINE__,                            \
						      .severity = (sev),                           \
						      .level = (lvl) },                            \
				(message),                                                         \
				(const struct cs_log_field[]){ __VA_ARGS__ __VA_OPT__(, ){ 0 } }); \
	} while (0)

#define cs_log_info(log, level, ...) CS_LOG_AT(log, CS_LOG_INFO, level, __VA_ARGS__)
#define cs_log_warning(log, ...)     CS_LOG_AT(log, CS_LOG_WARNING, 0, __VA_ARGS__)
#define cs_log_error(log, ...)       CS_LOG_AT(log, CS_LOG_ERROR, 0, __VA_ARGS__)

#endif
