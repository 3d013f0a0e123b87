/* SPDX-License-Identifier: Apache-2.0 */
// One setting: its row in the table, and whether a value is right.
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "vswitchd/settings.h"

static bool in_column(const struct setting *s, const char *table, const char *column)
{
	return !strcmp(s->table, table) && !strcmp(s->column, column);
}

const struct setting *setting_find(const char *table, const char *column, const char *key)
{
	for (size_t i = 0; i < n_settings; i++)
		if (!strcmp(settings[i].key, key) && in_column(&settings[i], table, column))
			return &settings[i];
	return NULL;
}

enum { KEY_MAX = 80, NEAR = 3 };

// Levenshtein distance, with '_' and '-' and the cases of letters taken as the same.
static unsigned int distance(const char *a, const char *b)
{
	size_t n = strlen(a), m = strlen(b);
	unsigned int row[KEY_MAX];
	if (m >= KEY_MAX || n >= KEY_MAX)
		return KEY_MAX;
	for (size_t j = 0; j <= m; j++)
		row[j] = (unsigned int)j;
	for (size_t i = 1; i <= n; i++) {
		unsigned int diagonal = row[0];
		row[0] = (unsigned int)i;
		for (size_t j = 1; j <= m; j++) {
			char x = (char)tolower((unsigned char)a[i - 1]), y = b[j - 1];
			unsigned int best =
				diagonal + ((x == '_' ? '-' : x) != (y == '_' ? '-' : y));
			best = row[j] + 1 < best ? row[j] + 1 : best;
			best = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
			diagonal = row[j];
			row[j] = best;
		}
	}
	return row[m];
}

const struct setting *setting_guess(const char *table, const char *column, const char *key)
{
	const struct setting *nearest = NULL;
	unsigned int least = NEAR;
	for (size_t i = 0; i < n_settings; i++) {
		unsigned int d = in_column(&settings[i], table, column)
					 ? distance(key, settings[i].key)
					 : NEAR;
		if (d < least) {
			least = d;
			nearest = &settings[i];
		}
	}
	return nearest;
}

bool setting_parse_mac(const char *text, uint8_t mac[6])
{
	static const uint8_t zero[6];
	int n = 0;
	return sscanf(text, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%n", &mac[0], &mac[1], &mac[2],
		      &mac[3], &mac[4], &mac[5], &n) == 6 &&
	       n == 17 && !text[n] && !(mac[0] & 1) && memcmp(mac, zero, 6);
}

bool setting_parse_datapath_id(const char *text, uint64_t *id)
{
	bool prefix = !strncasecmp(text, "0x", 2);
	const char *digits = prefix ? text + 2 : text;
	size_t n = strlen(digits);
	return (prefix ? n >= 1 && n <= 16 : n == 16) &&
	       strspn(digits, "0123456789abcdefABCDEF") == n && !parse_u64(digits, 16, id) && *id;
}

static bool is_one_of(const char *choices, const char *value)
{
	size_t n = strlen(value);
	for (const char *p = choices; *p; p += strcspn(p, ","), p += strspn(p, ", "))
		if (n && !strncmp(p, value, n) && (p[n] == ',' || !p[n]))
			return true;
	return false;
}

bool setting_check(const struct setting *s, const char *value, struct str *wanted)
{
	uint8_t mac[6];
	uint64_t id;
	int64_t number;
	const char *digits;
	switch (s->kind) {
	case SETTING_TEXT:
		if (strlen(value) <= (size_t)s->max)
			return true;
		str_addf(wanted, "at most %lld characters", (long long)s->max);
		return false;
	case SETTING_BOOL:
		if (!strcasecmp(value, "true") || !strcasecmp(value, "false"))
			return true;
		str_add(wanted, "true or false");
		return false;
	case SETTING_INT:
		if (!parse_i64(value, 0, &number) && number >= s->min && number <= s->max)
			return true;
		if (s->max >= INT32_MAX)
			str_addf(wanted, "a number, at least %lld", (long long)s->min);
		else
			str_addf(wanted, "a number from %lld to %lld", (long long)s->min,
				 (long long)s->max);
		return false;
	case SETTING_HEX:
		digits = !strncasecmp(value, "0x", 2) ? value + 2 : value;
		if (*digits && digits[strspn(digits, "0123456789abcdefABCDEF")] == '\0')
			return true;
		str_add(wanted, "hexadecimal digits");
		return false;
	case SETTING_MAC:
		if (setting_parse_mac(value, mac))
			return true;
		str_add(wanted, "the Ethernet address of a station, like 00:11:22:33:44:55");
		return false;
	case SETTING_DATAPATH_ID:
		if (setting_parse_datapath_id(value, &id))
			return true;
		str_add(wanted, "16 hexadecimal digits, or 0x and 1 to 16 of them, and not 0");
		return false;
	case SETTING_ONE_OF:
		if (is_one_of(s->choices, value))
			return true;
		str_addf(wanted, "one of: %s", s->choices);
		return false;
	}
	return false;
}

int64_t setting_int(const char *table, const struct smap *map, const char *key, int64_t otherwise)
{
	const struct setting *s = setting_find(table, "other_config", key);
	int64_t value = otherwise;
	if (smap_read_i64(map, key, INT64_MIN, INT64_MAX, &value))
		return otherwise;
	if (value >= s->min && value <= s->max)
		return value;
	return !s->forced ? otherwise : value < s->min ? s->min : s->max;
}
