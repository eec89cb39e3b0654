// c-sched as a placer: the real model, ledger and plugins, fed as its daemon feeds them.
// Neighbours: ours.c; policy.h has the others.
#ifndef TEST_BENCH_LOAD_OURS_H
#define TEST_BENCH_LOAD_OURS_H

#include <csched/cluster/load.h>
#include <csched/framework/config.h>

#include "world.h"

// The first profile of `config` decides; it is borrowed.
struct placer *ours_create(const struct cs_config *config, uint64_t seed);
void ours_destroy(struct placer *placer);
struct cs_cluster *ours_cluster(const struct placer *placer);

// The metrics c-sched knows by itself.
const struct cs_load_metric *ours_metrics(uint32_t *ret_n);

#endif
