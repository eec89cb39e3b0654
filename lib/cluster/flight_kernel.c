// Neighbours: flight_kernel.h. A plain loop that compilers vectorise.
#include "flight_kernel.h"

#include <csched/base/clones.h>

// Who lived up to the sample: of the shares of its window and of the ramp the less is that of the
// longer. Each is rounded by itself, so that the order does not matter, nor who else is there.
CS_CLONES
int64_t cs_flight_kernel_sum(const int64_t *restrict came, const float *restrict expected,
			     uint32_t n, const struct cs_flight_sample *sample)
{
	const int64_t grown = sample->grown;
	const int64_t longer = sample->longer;
	const double scale = sample->unit / (double)longer;
	int64_t sum = 0;
	for (uint32_t i = 0; i < n; i++) {
		int64_t lacks = came[i] - grown;
		lacks = lacks > 0 ? lacks : 0;
		lacks = lacks < longer ? lacks : longer;
		sum += (int64_t)((double)expected[i] * scale * (double)lacks + 0.5);
	}
	return sum;
}
