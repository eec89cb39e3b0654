// Neighbours: selector_kernel.h. Plain loops that compilers vectorise.
#include "selector_kernel.h"

#include <csched/base/clones.h>

CS_CLONES
void cs_selector_kernel_equal(const uint32_t *restrict column, uint32_t n, uint32_t value,
			      uint8_t *restrict marks)
{
	for (uint32_t i = 0; i < n; i++)
		marks[i] |= column[i] == value;
}

CS_CLONES
void cs_selector_kernel_present(const uint32_t *restrict column, uint32_t n,
				uint8_t *restrict marks)
{
	for (uint32_t i = 0; i < n; i++)
		marks[i] |= column[i] != 0;
}

CS_CLONES
void cs_selector_kernel_and(const uint8_t *restrict marks, uint32_t n, uint8_t *restrict all)
{
	for (uint32_t i = 0; i < n; i++)
		all[i] &= marks[i];
}

CS_CLONES
void cs_selector_kernel_and_not(const uint8_t *restrict marks, uint32_t n, uint8_t *restrict all)
{
	for (uint32_t i = 0; i < n; i++)
		all[i] &= marks[i] ^ 1;
}

CS_CLONES
void cs_selector_kernel_or(const uint8_t *restrict marks, uint32_t n, uint8_t *restrict some)
{
	for (uint32_t i = 0; i < n; i++)
		some[i] |= marks[i];
}

void cs_selector_kernel_pack(const uint8_t *restrict bytes, uint32_t n, uint64_t *restrict words)
{
	for (uint32_t first = 0; first < n; first += 64) {
		uint32_t count = n - first < 64 ? n - first : 64;
		uint64_t word = 0;
		for (uint32_t i = 0; i < count; i++)
			word |= (uint64_t)bytes[first + i] << i;
		words[first / 64] = word;
	}
}
