// The loops over rows that InterPodAffinity runs. Neighbours: inter_pod_affinity.c, cluster's
// query.h and topology.h. Built with the kernels' own flags.
#ifndef CSCHED_LIB_PLUGINS_AFFINITY_KERNEL_H
#define CSCHED_LIB_PLUGINS_AFFINITY_KERNEL_H

#include <stdint.h>

#include <csched/cluster/query.h>
#include <csched/cluster/topology.h>
#include <csched/framework/plugin.h>

// An array per domain has its value at the domain's id + 1. The first entry, where CS_DOMAIN_NONE +
// 1 wraps to, is that of rows in no domain and is not changed; the last is for what does not count.
#define CS_KERNEL_DOMAINS_SIZE(topology) ((size_t)(topology)->n_domains + 2)

// From rows to domains: those with a pod get `value`; each gets `weight` times its pods. True: some
// pod is in a domain.
bool cs_kernel_mark_domains(const struct cs_row_counts *counts, const struct cs_topology *topology,
			    uint8_t value, uint8_t *restrict mark);
bool cs_kernel_sum_domains(const struct cs_row_counts *counts, const struct cs_topology *topology,
			   int64_t weight, int64_t *restrict sum);

// The same where each domain has one row (topology->n_shared is 0): an array per row, without
// looking domains up.
bool cs_kernel_mark_rows(const struct cs_row_counts *counts, const struct cs_topology *topology,
			 uint8_t value, uint8_t *restrict mark);
// out[row] += weight times the pods of the rows that have a domain.
void cs_kernel_add_rows(const struct cs_row_counts *counts, const struct cs_topology *topology,
			int64_t weight, struct cs_rows rows, int64_t *restrict out);
// Whether some pod is on a row with a domain.
bool cs_kernel_any_row(const struct cs_row_counts *counts, const struct cs_topology *topology);
void cs_kernel_or_rows(const uint8_t *restrict mark, struct cs_rows rows, uint8_t *restrict marks);

// And back: each row ORs, or adds, what its domain has.
void cs_kernel_or_domains(const uint32_t *restrict domain, const uint8_t *restrict mark,
			  struct cs_rows rows, uint8_t *restrict marks);
void cs_kernel_add_domains(const uint32_t *restrict domain, const int64_t *restrict sum,
			   struct cs_rows rows, int64_t *restrict out);

// out[row] = 100 * ((out[row] - min) / (max - min)), truncated; of what is outside, 0 or 100.
// min < max, and max - min < 2^31.
void cs_kernel_stretch(int64_t min, int64_t max, uint32_t n, int64_t *restrict out);

// Of both verdicts the one that upstream says, which checks affinity first: UNRESOLVABLE.
void cs_kernel_first_verdicts(struct cs_rows rows, uint8_t *restrict marks);

#endif
