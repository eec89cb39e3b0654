// Kubernetes quantities, exact. Mirrors k8s.io/apimachinery/pkg/api/resource.
// Neighbours: cluster sums them into footprints, rounded once per pod.
#ifndef CSCHED_KUBE_QUANTITY_H
#define CSCHED_KUBE_QUANTITY_H

#include <stdint.h>

#include <csched/base/error.h>
#include <csched/base/slice.h>

// An amount in nano units. Upstream's precision ends at nano (finer input is rounded away from
// zero); so does ours. Amounts are capped at +-2^63-1 units: upstream caps only those with a binary
// suffix, and what it makes of larger ones does not fit its own int64 (see below).
struct cs_quantity {
	__int128 nano;
};

// Parses "100m", "1.5Gi", "1e3", "12E". -EINVAL for what upstream's ParseQuantity refuses; what it
// takes is taken, such as "+", ".", "m" and "Ki" (0, though "Pi", "Ei" and "e-10" without a digit
// are refused), "5.", and exponents cut to 32 bits. No blanks: JSON's are the codec's business.
int cs_quantity_parse(struct cs_slice text, struct cs_quantity *ret, struct cs_error *err);

#define CS_QUANTITY_SIZE 32 // bytes of the longest printed quantity with the NUL

// "2", "1500m", "7u", "3n": in the largest of these units that keeps it exact. Returns `out`.
const char *cs_quantity_print(struct cs_quantity q, char out[CS_QUANTITY_SIZE]);

struct cs_quantity cs_quantity_add(struct cs_quantity a, struct cs_quantity b); // saturates
struct cs_quantity cs_quantity_max(struct cs_quantity a, struct cs_quantity b);

// Rounded away from zero, as upstream's Value() and MilliValue() where the result fits int64;
// capped at INT64_MAX / INT64_MIN where upstream wraps around or returns 0 ("10E" has Value() 0,
// "10P" MilliValue() 0: its pods then ask for nothing). Upstream's rounding of negative amounts
// depends on how they were written ("-1.5n" has Value() 1); ours does not.
int64_t cs_quantity_units(struct cs_quantity q);
int64_t cs_quantity_milli(struct cs_quantity q);

#endif
