/* SPDX-License-Identifier: Apache-2.0 */
#include "base/uuid.h"

#include <ctype.h>
#include <stdlib.h>

#include "base/random.h"

struct uuid uuid_random(void)
{
	struct uuid u;
	random_bytes(&u, sizeof(u));
	u.part[1] = (u.part[1] & ~0xf000u) | 0x4000;
	u.part[2] = (u.part[2] & ~0xc0000000u) | 0x80000000u;
	return u;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20; // lower case
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool uuid_parse_prefix(const char *s, struct uuid *out)
{
	struct uuid u = {0};
	int digits = 0;
	*out = u;
	for (int i = 0; i < UUID_TEXT_LEN; i++) {
		if (i == 8 || i == 13 || i == 18 || i == 23) {
			if (s[i] != '-')
				return false;
			continue;
		}
		int d = hex_digit(s[i]);
		if (d < 0)
			return false;
		u.part[digits / 8] = u.part[digits / 8] << 4 | (uint32_t)d;
		digits++;
	}
	*out = u;
	return true;
}

bool uuid_parse(const char *s, struct uuid *out)
{
	if (uuid_parse_prefix(s, out) && !s[UUID_TEXT_LEN])
		return true;
	*out = (struct uuid){0};
	return false;
}

void uuid_format(const struct uuid *u, char out[UUID_TEXT_LEN + 1])
{
	static const char digits[] = "0123456789abcdef";
	char *p = out;
	for (int i = 0; i < 32; i++) {
		if (i == 8 || i == 12 || i == 16 || i == 20)
			*p++ = '-';
		*p++ = digits[u->part[i / 8] >> (28 - 4 * (i % 8)) & 15];
	}
	*p = '\0';
}
