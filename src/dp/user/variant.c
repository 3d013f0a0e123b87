/* SPDX-License-Identifier: Apache-2.0 */
#include "dp/user/variant.h"

#include <stddef.h>
#include <string.h>

static bool always(void)
{
	return true;
}

#ifdef __x86_64__
static bool has_avx2(void)
{
	return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
	       __builtin_cpu_supports("bmi2");
}

static bool has_avx512(void)
{
	return has_avx2() && __builtin_cpu_supports("avx512f") &&
	       __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
	       __builtin_cpu_supports("avx512vl");
}
#endif

static const struct variant all[] = {
	{"scalar", "generic", always, lookup_and_run_scalar, subtable_search_scalar},
#ifdef __x86_64__
	{"avx2", "avx2", has_avx2, lookup_and_run_avx2, subtable_search_avx2},
	{"avx512", "avx512", has_avx512, lookup_and_run_avx512, subtable_search_avx512},
#endif
};
enum { N = sizeof(all) / sizeof(all[0]) };

const struct variant *variants(unsigned int *n)
{
	*n = N;
	return all;
}

const struct variant *variant_best(void)
{
	const struct variant *best = &all[0];
	for (size_t i = 1; i < N; i++)
		if (all[i].works())
			best = &all[i];
	return best;
}

const struct variant *variant_find(const char *name)
{
	for (size_t i = 0; i < N; i++)
		if (!strcmp(all[i].name, name) && all[i].works())
			return &all[i];
	return NULL;
}
