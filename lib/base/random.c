// xoshiro256** (Blackman, Vigna), its state filled by splitmix64 from one number.
// Neighbours: clock.h, the other input that tests replace.
#include <csched/base/random.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

void cs_random_init(struct cs_random *random, uint64_t seed)
{
	for (int i = 0; i < 4; i++) {
		seed += UINT64_C(0x9e3779b97f4a7c15);
		uint64_t z = seed;
		z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
		z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
		random->state[i] = z ^ (z >> 31);
	}
}

static uint64_t rotate(uint64_t x, unsigned bits)
{
	return x << bits | x >> (64 - bits);
}

uint64_t cs_random_next(struct cs_random *random)
{
	uint64_t *s = random->state;
	uint64_t result = rotate(s[1] * 5, 7) * 9;
	uint64_t shifted = s[1] << 17;
	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= shifted;
	s[3] = rotate(s[3], 45);
	return result;
}

uint64_t cs_random_below(struct cs_random *random, uint64_t n)
{
	// The high half of a 64 x 64 bit product is uniform once the few low halves that would
	// come up once too often (2^64 mod n of them) are thrown away.
	uint64_t unfair = (0 - n) % n;
	for (;;) {
		unsigned __int128 product = (unsigned __int128)cs_random_next(random) * n;
		if ((uint64_t)product >= unfair)
			return (uint64_t)(product >> 64);
	}
}

double cs_random_unit(struct cs_random *random)
{
	return (double)(cs_random_next(random) >> 11) * 0x1p-53;
}

int64_t cs_random_jitter(struct cs_random *random, int64_t base, double factor)
{
	if (factor <= 0)
		factor = 1; // wait.Jitter's rule
	double extra = cs_random_unit(random) * factor * (double)base;
	// Where the sum would not fit it is the longest time there is.
	if ((double)base + extra >= 0x1p63)
		return INT64_MAX;
	return base + (int64_t)extra;
}

uint64_t cs_random_seed(void)
{
	uint64_t seed;
	if (getrandom(&seed, sizeof(seed), 0) != (ssize_t)sizeof(seed)) {
		perror("getrandom");
		abort();
	}
	return seed;
}
