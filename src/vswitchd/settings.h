/* SPDX-License-Identifier: Apache-2.0 */
// Nothing that a user wrote is ignored in silence: a key that nobody knows, that does nothing in
// this version, or whose value is wrong, gives one warning that names table, row, column and key,
// and what would be right.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dbclient/smap.h"

enum setting_kind {
	SETTING_TEXT, // at most `max` characters
	SETTING_BOOL,
	SETTING_INT,	     // from `min` to `max`
	SETTING_HEX,	     // digits, with or without 0x
	SETTING_MAC,	     // of a station
	SETTING_DATAPATH_ID, // 16 hexadecimal digits, or 0x and 1 to 16 of them; not 0
	SETTING_ONE_OF,	     // of `choices`, with ", " between them
};

struct setting {
	const char *table, *column, *key;
	enum setting_kind kind;
	int64_t min, max;
	const char *choices;
	bool works;	 // it has an effect in this version
	const char *why; // it has none, if there is more to say
	bool forced;	 // a number outside the range is forced into it, not ignored
};
extern const struct setting settings[];
extern const size_t n_settings;

// NULL: not a known key.
const struct setting *setting_find(const char *table, const char *column, const char *key);
// True for a value that the setting takes; else what would be right is appended to `wanted`.
struct str;
bool setting_check(const struct setting *, const char *value, struct str *wanted);
// The known key of the column that `key` is probably meant to be; NULL: none is near.
const struct setting *setting_guess(const char *table, const char *column, const char *key);

bool setting_parse_mac(const char *text, uint8_t mac[6]); // xx:xx:xx:xx:xx:xx, of a station
bool setting_parse_datapath_id(const char *text, uint64_t *id);
// The value of an integer setting in other_config: the default for a missing or wrong one, of which
// settings_check() warns.
int64_t setting_int(const char *table, const struct smap *, const char *key, int64_t otherwise);

struct vswitchd;
// Checks all rows that the configuration reaches.
void settings_check(struct vswitchd *);
// Warns, once.
void settings_warn(struct vswitchd *, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void settings_free(struct vswitchd *);
