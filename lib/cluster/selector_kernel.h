// Loops over label columns for node selectors. Neighbours: node_selector.c. Built as kernels are.
#ifndef LIB_CLUSTER_SELECTOR_KERNEL_H
#define LIB_CLUSTER_SELECTOR_KERNEL_H

#include <stdint.h>

// marks[i] |= column[i] == value
void cs_selector_kernel_equal(const uint32_t *restrict column, uint32_t n, uint32_t value,
			      uint8_t *restrict marks);
// marks[i] |= column[i] != 0
void cs_selector_kernel_present(const uint32_t *restrict column, uint32_t n,
				uint8_t *restrict marks);
// all[i] &= marks[i], or all[i] &= !marks[i]. Bytes are 0 or 1.
void cs_selector_kernel_and(const uint8_t *restrict marks, uint32_t n, uint8_t *restrict all);
void cs_selector_kernel_and_not(const uint8_t *restrict marks, uint32_t n, uint8_t *restrict all);
// some[i] |= marks[i]
void cs_selector_kernel_or(const uint8_t *restrict marks, uint32_t n, uint8_t *restrict some);
// Bit i of the words is byte i; words hold n bits, the rest of the last one is 0.
void cs_selector_kernel_pack(const uint8_t *restrict bytes, uint32_t n, uint64_t *restrict words);

#endif
