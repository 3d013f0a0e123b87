/* SPDX-License-Identifier: Apache-2.0 */
#include "base/random.h"

#include <stdbool.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "base/hash.h"

// xoshiro256** of Blackman and Vigna, 2018.
static _Thread_local uint64_t state[4];
static _Thread_local bool seeded;

void random_seed(uint64_t seed)
{
	for (int i = 0; i < 4; i++)
		state[i] = hash_u64(seed += 0x9e3779b97f4a7c15ULL);
	seeded = true;
}

static uint64_t rotate(uint64_t x, int k)
{
	return x << k | x >> (64 - k);
}

uint64_t random_u64(void)
{
	if (!seeded) {
		uint64_t seed;
		if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed)) {
			struct timespec now;
			clock_gettime(CLOCK_REALTIME, &now);
			seed = (uint64_t)now.tv_nsec ^ (uint64_t)now.tv_sec << 30 ^
			       (uintptr_t)&state;
		}
		random_seed(seed);
	}
	uint64_t result = rotate(state[1] * 5, 7) * 9, t = state[1] << 17;
	state[2] ^= state[0];
	state[3] ^= state[1];
	state[1] ^= state[2];
	state[0] ^= state[3];
	state[2] ^= t;
	state[3] = rotate(state[3], 45);
	return result;
}

uint32_t random_below(uint32_t n)
{
	return (uint32_t)((uint64_t)random_u32() * n >> 32);
}

void random_bytes(void *out, size_t n)
{
	uint8_t *p = out;
	while (n) {
		uint64_t v = random_u64();
		size_t k = n < sizeof(v) ? n : sizeof(v);
		memcpy(p, &v, k);
		p += k;
		n -= k;
	}
}
