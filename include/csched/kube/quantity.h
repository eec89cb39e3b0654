// Kubernetes quantities, exact. Mirrors k8s.io/apimachinery/pkg/api/resource.
// Neighbours: cluster sums them into footprints, rounded once per pod.
#ifndef CSCHED_KUBE_QUANTITY_H
#define CSCHED_KUBE_QUANTITY_H

#include <stdint.h>

#include <csched/base/error.h>
#include <csched/base/slice.h>

// An amount in nano units. Upstream's precision ends at nano (finer input is rounded up, away from
// zero) and its values are capped at +-2^63-1 units; both hold here.
struct cs_quantity {
	__int128 nano;
};

// Parses "100m", "1.5Gi", "1e3", "12E". -EINVAL for what upstream's ParseQuantity refuses.
int cs_quantity_parse(struct cs_slice text, struct cs_quantity *ret, struct cs_error *err);

struct cs_quantity cs_quantity_add(struct cs_quantity a, struct cs_quantity b); // saturates
struct cs_quantity cs_quantity_max(struct cs_quantity a, struct cs_quantity b);

// Rounded away from zero, as upstream's Value() and MilliValue(); capped at INT64_MAX / MIN.
int64_t cs_quantity_units(struct cs_quantity q);
int64_t cs_quantity_milli(struct cs_quantity q);

#endif
