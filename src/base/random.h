/* SPDX-License-Identifier: Apache-2.0 */
// Pseudo-random numbers, one generator per thread, seeded by the kernel. Not for keys of
// cryptography.
#pragma once
#include <stddef.h>
#include <stdint.h>

uint64_t random_u64(void);
static inline uint32_t random_u32(void)
{
	return (uint32_t)(random_u64() >> 32);
}
// Uniform in 0 to n - 1; n > 0.
uint32_t random_below(uint32_t n);
void random_bytes(void *, size_t n);
// Makes this thread's generator repeatable, for tests.
void random_seed(uint64_t);
