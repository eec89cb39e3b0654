// Why a request failed, as the API says it. Neighbours: encode.c writes it, every verb fills it.
#ifndef SIM_STATUS_H
#define SIM_STATUS_H

#include <stddef.h>

#include "resource.h"

#define SIM_CAUSES_MAX 8

struct sim_cause {
	const char *reason; // static
	char message[600];
	char field[160];
};

// Texts that do not fit are cut.
struct sim_status {
	int code;
	const char *reason; // static; NULL = none
	char message[1500];
	char name[256];    // of the object
	const char *kind;  // "pods" or "Pod": static
	const char *group; // static
	char uid[64];
	int retry_after; // seconds; 0 = none
	char next[512];  // metadata.continue
	struct sim_cause causes[SIM_CAUSES_MAX];
	size_t n_causes;
	bool has_details; // details are written though empty
};

// Each fills `status` and returns -1, so that refusing is one line. Words and reasons are those of
// apimachinery's pkg/api/errors.
int sim_status_not_found(struct sim_status *status, const struct sim_resource *resource,
			 const char *name);
int sim_status_exists(struct sim_status *status, const struct sim_resource *resource,
		      const char *name);
int sim_status_no_resource(struct sim_status *status);
int sim_status_method(struct sim_status *status);
// "Operation cannot be fulfilled on <kind> "<name>": ..."; `kind` is static.
__attribute__((format(printf, 4, 5))) int sim_status_conflict(struct sim_status *status,
							      const char *kind, const char *name,
							      const char *format, ...);
// The same for a resource, named with its group: "deployments.apps".
__attribute__((format(printf, 4, 5))) int sim_status_conflict_on(
	struct sim_status *status, const struct sim_resource *resource, const char *name,
	const char *format, ...);
__attribute__((format(printf, 2, 3))) int sim_status_bad(struct sim_status *status,
							 const char *format, ...);
// Without reason or details, as errors that upstream does not type.
__attribute__((format(printf, 3, 4))) int sim_status_plain(struct sim_status *status, int code,
							   const char *format, ...);
// reason is static.
__attribute__((format(printf, 4, 5))) int sim_status_fail(struct sim_status *status, int code,
							  const char *reason, const char *format,
							  ...);

// One more cause of a 422; `reason` is upstream's, such as "FieldValueRequired"; the text follows
// its first words ("Required value").
__attribute__((format(printf, 4, 5))) void sim_status_cause(struct sim_status *status,
							    const char *reason, const char *field,
							    const char *format, ...);
// With at least one cause: makes the 422 of it. 0 when there is none.
int sim_status_invalid(struct sim_status *status, const char *group, const char *kind,
		       const char *name);

#endif
