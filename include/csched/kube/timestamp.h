// RFC 3339 times of the API. Neighbours: codec.h uses it for Time and MicroTime.
#ifndef CSCHED_KUBE_TIMESTAMP_H
#define CSCHED_KUBE_TIMESTAMP_H

#include <stdint.h>

#include <csched/base/error.h>
#include <csched/base/slice.h>
#include <csched/kube/api.h>

#define CS_TIMESTAMP_SIZE 40 // bytes of the longest written form with the NUL

// Unix ns from "2026-11-21T01:02:03.000004Z" or with an offset.
int cs_timestamp_parse(struct cs_slice text, int64_t *ret, struct cs_error *err);
// "2026-11-21T01:02:03Z" (Time) and "2026-11-21T01:02:03.000004Z" (MicroTime); returns `out`.
const char *cs_timestamp_seconds(int64_t unix_ns, char out[CS_TIMESTAMP_SIZE]);
const char *cs_timestamp_micro(int64_t unix_ns, char out[CS_TIMESTAMP_SIZE]);

int64_t cs_timestamp_of(const Kube__Time *time); // Unix ns; 0 for NULL

#endif
