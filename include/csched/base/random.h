// Random numbers from a seed that is an input (xoshiro256**). Not for secrets.
// Neighbours: cmd seeds from getrandom(2); tests give a number.
#ifndef CSCHED_BASE_RANDOM_H
#define CSCHED_BASE_RANDOM_H

#include <stdint.h>

struct cs_random {
	uint64_t state[4];
};

void cs_random_init(struct cs_random *random, uint64_t seed);
uint64_t cs_random_next(struct cs_random *random);
uint64_t cs_random_below(struct cs_random *random, uint64_t n); // 0..n-1 without bias; n > 0
double cs_random_unit(struct cs_random *random);                // [0, 1)
// base .. base * (1 + factor), as client-go's wait.Jitter. ns.
int64_t cs_random_jitter(struct cs_random *random, int64_t base, double factor);
uint64_t cs_random_seed(void); // from the system; the only impure function here

#endif
