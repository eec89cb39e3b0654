// RFC 3339 times of the API. Neighbours: codec.h uses it for Time and MicroTime.
#ifndef CSCHED_KUBE_TIMESTAMP_H
#define CSCHED_KUBE_TIMESTAMP_H

#include <stdint.h>

#include <csched/base/error.h>
#include <csched/base/slice.h>
#include <csched/kube/api.h>

#define CS_TIMESTAMP_SIZE 40 // bytes of the longest written form with the NUL

// Unix ns from "2026-11-21T01:02:03.000004Z" or with an offset, as strict as Go's time.Parse is on
// RFC 3339 (no leap seconds). Times outside 1677..2262 become INT64_MIN / INT64_MAX.
int cs_timestamp_parse(struct cs_slice text, int64_t *ret, struct cs_error *err);
// "2026-11-21T01:02:03Z" (Time) and "2026-11-21T01:02:03.000004Z" (MicroTime), cut to their
// precision; returns `out`.
const char *cs_timestamp_seconds(int64_t unix_ns, char out[CS_TIMESTAMP_SIZE]);
const char *cs_timestamp_micro(int64_t unix_ns, char out[CS_TIMESTAMP_SIZE]);

// Unix ns, capped as above; 0 for NULL and for a message without seconds, which is how the API
// writes "no time".
int64_t cs_timestamp_of(const Kube__Time *time);
int64_t cs_timestamp_of_micro(const Kube__MicroTime *time);

// The same for any year: what the wire carries.
struct cs_timestamp {
	int64_t seconds; // Unix
	int32_t nanos;
};
int cs_timestamp_read(struct cs_slice text, struct cs_timestamp *ret, struct cs_error *err);
const char *cs_timestamp_print_seconds(struct cs_timestamp t, char out[CS_TIMESTAMP_SIZE]);
const char *cs_timestamp_print_micro(struct cs_timestamp t, char out[CS_TIMESTAMP_SIZE]);

#endif
