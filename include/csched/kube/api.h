// The API types: structs that protobuf-c makes from lib/kube/*.proto at build time.
// Neighbours: protobuf.h and codec.h read and write them; kind.h lists them.
#ifndef CSCHED_KUBE_API_H
#define CSCHED_KUBE_API_H

// `struct Kube__Pod` (typedef Kube__Pod) and so on; fields are upstream's names in snake case,
// strings are NULL when absent, scalars have a has_ flag, lists an n_ count. Objects decoded by us
// live in an arena: never call the generated free functions on them.
#include <apps.pb-c.h>
#include <batch.pb-c.h>
#include <coordination.pb-c.h>
#include <core.pb-c.h>
#include <events.pb-c.h>
#include <meta.pb-c.h>
#include <scheduling.pb-c.h>

#endif
