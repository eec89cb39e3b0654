// Filling API errors in upstream's words. Neighbours: status.h.
#include "status.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <csched/base/memory.h>

static void set_details(struct sim_status *status, const char *kind, const char *group,
			const char *name)
{
	status->kind = kind;
	status->group = group;
	status->has_details = true;
	(void)snprintf(status->name, sizeof(status->name), "%s", name ? name : "");
}

static void begin(struct sim_status *status, int code, const char *reason)
{
	*status = (struct sim_status){ .code = code, .reason = reason };
}

// "deployments.apps", as upstream prints a resource with its group.
static const char *qualified(const struct sim_resource *resource, char *out, size_t size)
{
	(void)snprintf(out, size, "%s%s%s", resource->name, *resource->group ? "." : "",
		       resource->group);
	return out;
}

int sim_status_not_found(struct sim_status *status, const struct sim_resource *resource,
			 const char *name)
{
	char full[128];
	begin(status, 404, "NotFound");
	set_details(status, resource->name, resource->group, name);
	(void)snprintf(status->message, sizeof(status->message), "%s \"%s\" not found",
		       qualified(resource, full, sizeof(full)), name);
	return -1;
}

int sim_status_exists(struct sim_status *status, const struct sim_resource *resource,
		      const char *name)
{
	char full[128];
	begin(status, 409, "AlreadyExists");
	set_details(status, resource->name, resource->group, name);
	(void)snprintf(status->message, sizeof(status->message), "%s \"%s\" already exists",
		       qualified(resource, full, sizeof(full)), name);
	return -1;
}

int sim_status_no_resource(struct sim_status *status)
{
	begin(status, 404, "NotFound");
	status->has_details = true;
	(void)snprintf(status->message, sizeof(status->message),
		       "the server could not find the requested resource");
	return -1;
}

int sim_status_method(struct sim_status *status)
{
	begin(status, 405, "MethodNotAllowed");
	status->has_details = true;
	(void)snprintf(status->message, sizeof(status->message),
		       "the server does not allow this method on the requested resource");
	return -1;
}

#define FORMAT_MESSAGE(status, at)                                                          \
	do {                                                                                \
		va_list args_;                                                              \
		va_start(args_, format);                                                    \
		(void)vsnprintf((status)->message + (at), sizeof((status)->message) - (at), \
				format, args_);                                             \
		va_end(args_);                                                              \
	} while (0)

int sim_status_conflict(struct sim_status *status, const char *kind, const char *name,
			const char *format, ...)
{
	begin(status, 409, "Conflict");
	set_details(status, kind, "", name);
	int at = snprintf(status->message, sizeof(status->message),
			  "Operation cannot be fulfilled on %s \"%.256s\": ", kind, name);
	FORMAT_MESSAGE(status, (size_t)at);
	return -1;
}

int sim_status_conflict_on(struct sim_status *status, const struct sim_resource *resource,
			   const char *name, const char *format, ...)
{
	char full[128];
	begin(status, 409, "Conflict");
	set_details(status, resource->name, resource->group, name);
	int at = snprintf(status->message, sizeof(status->message),
			  "Operation cannot be fulfilled on %s \"%.256s\": ",
			  qualified(resource, full, sizeof(full)), name);
	FORMAT_MESSAGE(status, (size_t)at);
	return -1;
}

int sim_status_bad(struct sim_status *status, const char *format, ...)
{
	begin(status, 400, "BadRequest");
	FORMAT_MESSAGE(status, 0);
	return -1;
}

int sim_status_plain(struct sim_status *status, int code, const char *format, ...)
{
	begin(status, code, NULL);
	FORMAT_MESSAGE(status, 0);
	return -1;
}

int sim_status_fail(struct sim_status *status, int code, const char *reason, const char *format,
		    ...)
{
	begin(status, code, reason);
	FORMAT_MESSAGE(status, 0);
	return -1;
}

static const char *reason_words(const char *reason)
{
	static const struct {
		const char *reason;
		const char *words;
	} table[] = {
		{ "FieldValueRequired", "Required value" },
		{ "FieldValueInvalid", "Invalid value" },
		{ "FieldValueForbidden", "Forbidden" },
		{ "FieldValueNotSupported", "Unsupported value" },
		{ "FieldValueDuplicate", "Duplicate value" },
	};
	for (size_t i = 0; i < CS_ARRAY_LENGTH(table); i++)
		if (strcmp(table[i].reason, reason) == 0)
			return table[i].words;
	return reason;
}

void sim_status_cause(struct sim_status *status, const char *reason, const char *field,
		      const char *format, ...)
{
	if (status->n_causes == SIM_CAUSES_MAX)
		return;
	struct sim_cause *cause = &status->causes[status->n_causes++];
	cause->reason = reason;
	(void)snprintf(cause->field, sizeof(cause->field), "%s", field);
	char detail[sizeof(cause->message) - 32];
	va_list args;
	va_start(args, format);
	(void)vsnprintf(detail, sizeof(detail), format, args);
	va_end(args);
	(void)snprintf(cause->message, sizeof(cause->message), "%s%s%s", reason_words(reason),
		       *detail ? ": " : "", detail);
}

int sim_status_invalid(struct sim_status *status, const char *group, const char *kind,
		       const char *name)
{
	if (status->n_causes == 0)
		return 0;
	status->code = 422;
	status->reason = "Invalid";
	set_details(status, kind, group, name);
	char *out = status->message;
	size_t size = sizeof(status->message);
	bool many = status->n_causes > 1;
	size_t at = (size_t)snprintf(out, size, "%s%s%s \"%.256s\" is invalid: %s", kind,
				     *group ? "." : "", group, name ? name : "", many ? "[" : "");
	for (size_t i = 0; i < status->n_causes && at < size; i++)
		at += (size_t)snprintf(out + at, size - at, "%s%s: %s", i ? ", " : "",
				       status->causes[i].field, status->causes[i].message);
	if (many && at < size)
		(void)snprintf(out + at, size - at, "]");
	return -1;
}
