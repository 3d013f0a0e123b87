/* SPDX-License-Identifier: Apache-2.0 */
#include "openflow/table_mod.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "openflow/action_row.h"
#include "openflow/prop.h"

enum { CONFIG_MISS_MASK = 3, CONFIG_EVICTION = 1 << 2, CONFIG_VACANCY = 1 << 3 };
enum { MISS_CONTROLLER = 0, MISS_CONTINUE = 1, MISS_DROP = 2 };
enum { PROP_EVICTION = 2, PROP_VACANCY = 3 };
enum { ALL_EVICTION_FLAGS = OFPTMPEF_OTHER | OFPTMPEF_IMPORTANCE | OFPTMPEF_LIFETIME };

static enum ofp_table_miss miss_of(uint32_t config)
{
	switch (config & CONFIG_MISS_MASK) {
	case MISS_CONTROLLER:
		return OFPTABLE_MISS_CONTROLLER;
	case MISS_CONTINUE:
		return OFPTABLE_MISS_CONTINUE;
	case MISS_DROP:
		return OFPTABLE_MISS_DROP;
	}
	return OFPTABLE_MISS_CONTROLLER;
}

struct properties {
	uint32_t eviction_flags;
	uint8_t down, up, vacancy;
};

static int read_eviction(struct cursor value, bool mod, uint32_t *flags)
{
	int error = prop_u32(value, flags);
	if (!error && mod && *flags != OFPTABLE_EVICTION_DEFAULT && *flags & ~ALL_EVICTION_FLAGS)
		error = OFPBPC_BAD_VALUE;
	return error;
}

// `mod`: of a table mod, in which the present vacancy has no place.
static int read_properties(struct cursor c, bool mod, struct properties *p)
{
	while (cursor_left(&c)) {
		uint64_t type;
		struct cursor value;
		int error = prop_pull(&c, &type, &value);
		if (!error && type == PROP_EVICTION) {
			error = read_eviction(value, mod, &p->eviction_flags);
		} else if (!error && type == PROP_VACANCY) {
			if (cursor_left(&value) != 4)
				return OFPBPC_BAD_LEN;
			p->down = cursor_u8(&value);
			p->up = cursor_u8(&value);
			p->vacancy = cursor_u8(&value);
			if (mod && (p->vacancy || p->up < p->down || p->up > 100))
				error = OFPBPC_BAD_VALUE;
		} else if (!error) {
			error = mod ? OFPBRC_BAD_TYPE : 0;
		}
		if (error)
			return error;
	}
	return 0;
}

int ofp_decode_table_mod(const struct ofp_msg *m, struct ofp_table_mod *tm)
{
	struct cursor c = m->body;
	*tm = (struct ofp_table_mod){.eviction = OFPTABLE_SAME,
				     .vacancy = OFPTABLE_SAME,
				     .eviction_flags = OFPTABLE_EVICTION_DEFAULT};
	tm->table_id = cursor_u8(&c);
	cursor_skip(&c, 3);
	uint32_t config = cursor_be32(&c);
	if (m->version < OFP13)
		tm->miss = miss_of(config);
	if (m->version < OFP14)
		return 0;
	struct properties p = {.eviction_flags = OFPTABLE_EVICTION_DEFAULT};
	tm->eviction = config & CONFIG_EVICTION ? OFPTABLE_ON : OFPTABLE_OFF;
	tm->vacancy = config & CONFIG_VACANCY ? OFPTABLE_ON : OFPTABLE_OFF;
	int error = read_properties(c, true, &p);
	tm->eviction_flags = p.eviction_flags;
	tm->vacancy_down = p.down;
	tm->vacancy_up = p.up;
	return error;
}

static void put_vacancy(struct buf *b, uint8_t down, uint8_t up, uint8_t vacancy)
{
	size_t at = prop_begin(b, PROP_VACANCY);
	buf_add_u8(b, down);
	buf_add_u8(b, up);
	buf_add_u8(b, vacancy);
	buf_add_u8(b, 0);
	prop_end(b, at);
}

void ofp_encode_table_mod(struct buf *b, const struct ofp_table_mod *tm, uint8_t version,
			  uint32_t xid)
{
	static const uint32_t misses[] = {[OFPTABLE_MISS_DEFAULT] = MISS_CONTROLLER,
					  [OFPTABLE_MISS_CONTROLLER] = MISS_CONTROLLER,
					  [OFPTABLE_MISS_CONTINUE] = MISS_CONTINUE,
					  [OFPTABLE_MISS_DROP] = MISS_DROP};
	size_t at = ofp_begin(b, OFPTYPE_TABLE_MOD, false, version, xid);
	buf_add_u8(b, tm->table_id);
	buf_add_zeros(b, 3);
	if (version < OFP14) {
		buf_add_be32(b, version < OFP13 ? misses[tm->miss] : 0);
	} else {
		buf_add_be32(b, (tm->eviction == OFPTABLE_ON ? CONFIG_EVICTION : 0) |
					(tm->vacancy == OFPTABLE_ON ? CONFIG_VACANCY : 0));
		if (tm->eviction_flags != OFPTABLE_EVICTION_DEFAULT)
			prop_put_u32(b, PROP_EVICTION, tm->eviction_flags);
		if (tm->vacancy == OFPTABLE_ON)
			put_vacancy(b, tm->vacancy_down, tm->vacancy_up, 0);
	}
	ofp_end(b, at);
}

// --- Description and status.

static void put_desc(struct buf *b, const struct ofp_table_desc *d)
{
	size_t at = b->len;
	buf_add_be16(b, 0);
	buf_add_u8(b, d->table_id);
	buf_add_u8(b, 0);
	buf_add_be32(b, (d->eviction ? CONFIG_EVICTION : 0) |
				(d->vacancy_events ? CONFIG_VACANCY : 0));
	if (d->eviction_flags != OFPTABLE_EVICTION_DEFAULT)
		prop_put_u32(b, PROP_EVICTION, d->eviction_flags);
	if (d->vacancy_events)
		put_vacancy(b, d->vacancy_down, d->vacancy_up, d->vacancy);
	put_be16(b->data + at, (uint16_t)(b->len - at));
}

void ofp_append_table_desc(struct ofp_replies *r, const struct ofp_table_desc *d)
{
	ofp_replies_begin_entry(r);
	put_desc(&r->buf, d);
	ofp_replies_end_entry(r);
}

int ofp_table_desc_pull(struct cursor *body, struct ofp_table_desc *d)
{
	if (!cursor_left(body))
		return -ENODATA;
	struct cursor peek = *body;
	uint16_t len = cursor_be16(&peek);
	if (peek.bad || len < 8 || len > cursor_left(body))
		return OFPBRC_BAD_LEN;
	struct cursor c = cursor_sub(body, len);
	cursor_skip(&c, 2);
	*d = (struct ofp_table_desc){.table_id = cursor_u8(&c)};
	cursor_skip(&c, 1);
	uint32_t config = cursor_be32(&c);
	d->eviction = config & CONFIG_EVICTION;
	d->vacancy_events = config & CONFIG_VACANCY;
	struct properties p = {.eviction_flags = OFPTABLE_EVICTION_DEFAULT};
	int error = read_properties(c, false, &p);
	d->eviction_flags = p.eviction_flags;
	d->vacancy_down = p.down;
	d->vacancy_up = p.up;
	d->vacancy = p.vacancy;
	return error;
}

int ofp_decode_table_status(const struct ofp_msg *m, struct ofp_table_status *ts)
{
	struct cursor c = m->body;
	ts->reason = cursor_u8(&c);
	cursor_skip(&c, 7);
	if (ts->reason != OFPTR_VACANCY_DOWN && ts->reason != OFPTR_VACANCY_UP)
		return OFPBPC_BAD_VALUE;
	int error = ofp_table_desc_pull(&c, &ts->desc);
	return error == -ENODATA ? OFPBRC_BAD_LEN : error;
}

void ofp_encode_table_status(struct buf *b, const struct ofp_table_status *ts, uint8_t version)
{
	size_t at = ofp_begin(b, OFPTYPE_TABLE_STATUS, false, version, 0);
	buf_add_u8(b, ts->reason);
	buf_add_zeros(b, 7);
	put_desc(b, &ts->desc);
	ofp_end(b, at);
}

// --- Text.

static struct error *parse_vacancy(const char *s, struct ofp_table_mod *tm)
{
	char *copy = xstrdup(s), *save, *low_text = strtok_r(copy, ",", &save);
	char *high_text = low_text ? strtok_r(NULL, ",", &save) : NULL;
	uint8_t low = 0, high = 0;
	struct error *e = NULL;
	if (!low_text)
		e = error_new("Vacancy down value missing");
	else if (!text_is_u8(low_text, &low) || low > 100)
		e = error_new("Invalid vacancy down value \"%s\"", low_text);
	else if (!high_text)
		e = error_new("Vacancy up value missing");
	else if (!text_is_u8(high_text, &high) || high > 100)
		e = error_new("Invalid vacancy up value \"%s\"", high_text);
	free(copy);
	if (e)
		return e;
	if (high < low)
		return error_new("Invalid vacancy range, vacancy up should be greater than vacancy "
				 "down (OFPBPC_BAD_VALUE)");
	tm->vacancy = OFPTABLE_ON;
	tm->vacancy_down = low;
	tm->vacancy_up = high;
	return NULL;
}

struct error *ofp_table_mod_parse(const char *s, struct ofp_table_mod *tm, uint32_t *versions)
{
	static const struct {
		const char *name;
		enum ofp_table_miss miss;
	} misses[] = {{"controller", OFPTABLE_MISS_CONTROLLER},
		      {"continue", OFPTABLE_MISS_CONTINUE},
		      {"drop", OFPTABLE_MISS_DROP}};
	*versions = 1u << OFP11 | 1u << OFP12;
	for (size_t i = 0; i < sizeof(misses) / sizeof(misses[0]); i++)
		if (!strcmp(s, misses[i].name)) {
			tm->miss = misses[i].miss;
			return NULL;
		}
	*versions = 1u << OFP14 | 1u << OFP15;
	if (!strcmp(s, "evict") || !strcmp(s, "noevict"))
		tm->eviction = *s == 'e' ? OFPTABLE_ON : OFPTABLE_OFF;
	else if (!strcmp(s, "novacancy"))
		tm->vacancy = OFPTABLE_OFF;
	else if (!strcmp(s, "vacancy"))
		return error_new("Vacancy down value missing");
	else if (!strncmp(s, "vacancy:", 8))
		return parse_vacancy(s + 8, tm);
	else
		return error_new("invalid table_mod setting %s", s);
	return NULL;
}
