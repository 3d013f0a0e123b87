/* SPDX-License-Identifier: Apache-2.0 */
#include "dp/user/cores.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/str.h"

enum { MAX_NUMA = 64 };

unsigned int cores_count(void)
{
	long n = sysconf(_SC_NPROCESSORS_CONF);
	return n < 1 ? 1 : n > DP_MAX_CORES ? DP_MAX_CORES : (unsigned int)n;
}

bool cores_is_online(unsigned int core)
{
	char path[64], text[4] = "";
	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%u/online", core);
	FILE *f = fopen(path, "r");
	if (!f) // the first core often has no such file; nor has a host that cannot take cores off
		// line
		return core < cores_count();
	bool online = fgets(text, sizeof(text), f) && *text == '1';
	fclose(f);
	return online;
}

unsigned int cores_numa(unsigned int core)
{
	char path[64];
	for (unsigned int node = 0; node < MAX_NUMA; node++) {
		snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%u/node%u", core, node);
		if (!access(path, F_OK))
			return node;
	}
	return 0;
}

static void set(uint64_t *cores, unsigned int core)
{
	cores[core / 64] |= UINT64_C(1) << core % 64;
}

void cores_choose(const struct dp_settings *s, uint64_t chosen[DP_MAX_CORES / 64])
{
	unsigned int n = cores_count();
	bool any = false, have[MAX_NUMA] = {false};
	memset(chosen, 0, DP_MAX_CORES / 8);
	for (unsigned int core = 0; core < n; core++) {
		if (cores_has(s->pmd_cores, core) && cores_is_online(core)) {
			set(chosen, core);
			any = true;
		}
	}
	for (unsigned int i = 1; i <= n && !any; i++) { // the first core comes last
		unsigned int core = i % n, node = cores_numa(core);
		if (!have[node] && cores_is_online(core)) {
			set(chosen, core);
			have[node] = true;
		}
	}
}

bool dp_parse_cores(const char *mask, struct dp_settings *s)
{
	memset(s->pmd_cores, 0, sizeof(s->pmd_cores));
	const char *digits = !strncasecmp(mask, "0x", 2) ? mask + 2 : mask;
	size_t n = strlen(digits);
	if (!n || digits[strspn(digits, "0123456789abcdefABCDEF")])
		return false;
	for (size_t i = 0; i < n; i++) {
		uint32_t value;
		char digit[2] = {digits[n - 1 - i]};
		if (parse_u32(digit, 16, &value))
			return false;
		if (i < DP_MAX_CORES / 4)
			s->pmd_cores[i / 16] |= (uint64_t)value << i % 16 * 4;
	}
	return true;
}

bool dp_parse_sleep(const char *text, struct dp_settings *s)
{
	char word[32];
	struct dp_settings parsed = {.pmd_sleep_us = DP_SLEEP_DEFAULT_US};
	bool seen = false;
	memset(parsed.core_sleep_us, 0xff, sizeof(parsed.core_sleep_us));
	for (const char *p = text; *p; p += strcspn(p, ","), p += *p == ',') {
		size_t n = strcspn(p, ",");
		uint32_t core, us;
		if (!n || n >= sizeof(word))
			return false;
		memcpy(word, p, n);
		word[n] = '\0';
		char *colon = strchr(word, ':');
		if (colon)
			*colon++ = '\0';
		if (parse_u32(colon ? colon : word, 10, &us) || us > DP_SLEEP_MAX_US)
			return false;
		if (colon && (parse_u32(word, 10, &core) || core >= DP_MAX_CORES))
			return false;
		if (colon)
			parsed.core_sleep_us[core] = (uint16_t)us;
		else
			parsed.pmd_sleep_us = (uint16_t)us;
		seen = true;
	}
	if (!seen)
		return false;
	s->pmd_sleep_us = parsed.pmd_sleep_us;
	memcpy(s->core_sleep_us, parsed.core_sleep_us, sizeof(s->core_sleep_us));
	return true;
}

enum { ENDS, GOES_ON, MALFORMED };

// Reads a pair and moves *text behind it.
static int parse_pin(const char **text, unsigned int *queue, unsigned int *core)
{
	uint32_t numbers[2];
	const char *p = *text;
	for (int i = 0; i < 2; i++) {
		char word[12];
		size_t n = strspn(p, "0123456789");
		if (!n || n >= sizeof(word))
			return MALFORMED;
		memcpy(word, p, n);
		word[n] = '\0';
		p += n;
		if (parse_u32(word, 10, &numbers[i]) || (!i && *p++ != ':'))
			return MALFORMED;
	}
	if ((*p && *p != ',') || numbers[1] >= DP_MAX_CORES)
		return MALFORMED;
	*queue = numbers[0];
	*core = numbers[1];
	*text = p + (*p == ',');
	return **text ? GOES_ON : ENDS;
}

bool dp_parse_affinity(const char *text,
		       void (*cb)(void *arg, unsigned int queue, unsigned int core), void *arg)
{
	unsigned int queue, core;
	int state = GOES_ON;
	for (const char *p = text; state == GOES_ON;)
		state = parse_pin(&p, &queue, &core);
	for (const char *p = text; state == ENDS && cb && *p;) {
		(void)parse_pin(&p, &queue, &core);
		cb(arg, queue, core);
	}
	return state == ENDS;
}

unsigned int dp_n_cores(void)
{
	return cores_count();
}

bool dp_core_exists(unsigned int core)
{
	return core < cores_count() && cores_is_online(core);
}

bool dp_polls_on(const struct dp_settings *s, unsigned int core)
{
	uint64_t chosen[DP_MAX_CORES / 64];
	cores_choose(s, chosen);
	return core < DP_MAX_CORES && cores_has(chosen, core);
}

void dp_settings_init(struct dp_settings *s)
{
	*s = (struct dp_settings){
		.pmd_sleep_us = DP_SLEEP_DEFAULT_US, .rxq_isolate = true, .cache_one_in = 1};
	memset(s->core_sleep_us, 0xff, sizeof(s->core_sleep_us));
}
