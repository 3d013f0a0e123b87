/* SPDX-License-Identifier: Apache-2.0 */
// Messages about flow tables as such: what they can do, what they hold, what they do when they are
// full or nothing matches.
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "ofproto/conn.h"
#include "ofproto/controllers.h"
#include "ofproto/flow_mod.h"

enum { N_VISIBLE = OFPROTO_N_TABLES - 1, ALL_TABLES = 255 };
enum { EVICTION_FLAGS = OFPTMPEF_OTHER | OFPTMPEF_IMPORTANCE | OFPTMPEF_LIFETIME };

// --- Features and counters.

static enum ofp_table_miss miss_to_wire(enum table_miss miss)
{
	switch (miss) {
	case TABLE_MISS_DROP:
		return OFPTABLE_MISS_DROP;
	case TABLE_MISS_CONTINUE:
		return OFPTABLE_MISS_CONTINUE;
	case TABLE_MISS_CONTROLLER:
	case TABLE_MISS_DEFAULT:
		break;
	}
	return OFPTABLE_MISS_CONTROLLER;
}

// All tables are alike but for their names, sizes and the tables that may follow.
static void describe_table(const struct ofproto *p, uint8_t id, uint8_t version,
			   struct ofp_table_features *f)
{
	const struct oftable *t = &p->tables.table[id];
	f->table_id = id;
	snprintf(f->name, sizeof(f->name), "%s", oftable_name(t));
	f->max_entries = oftable_limit(t);
	f->miss = version < OFP13 ? miss_to_wire(t->miss) : OFPTABLE_MISS_DEFAULT;
	if (version >= OFP14) {
		f->eviction = t->evict || t->of_evict ? OFPTABLE_ON : OFPTABLE_OFF;
		f->vacancy = t->vacancy.on ? OFPTABLE_ON : OFPTABLE_OFF;
	}
	f->hit.next[id / 64] &= ~(1ull << id % 64);
	if (id == N_VISIBLE - 1)
		f->hit.instructions &= ~(1u << 1); // nowhere to go
	f->miss_instructions = f->hit;
}

static void all_features(uint8_t version, struct ofp_table_features *f)
{
	ofp_table_features_all(f, version);
	f->eviction = f->vacancy = OFPTABLE_SAME;
	for (unsigned int i = 0; version >= OFP13 && i < N_VISIBLE; i++)
		f->hit.next[i / 64] |= 1ull << i % 64;
}

int table_stats_request(struct conn *c, const struct ofp_msg *msg)
{
	const struct ofproto *p = c->ofproto;
	struct ofp_replies r = {0};
	struct ofp_table_stats s = {0};
	all_features(msg->version, &s.features);
	ofp_replies_init(&r, msg);
	for (uint8_t i = 0; i < N_VISIBLE; i++) {
		const struct oftable *t = &p->tables.table[i];
		describe_table(p, i, msg->version, &s.features);
		s.active_count = tables_count(&p->tables, i);
		s.lookup_count = __atomic_load_n(&t->n_lookup, __ATOMIC_RELAXED);
		s.matched_count = __atomic_load_n(&t->n_matched, __ATOMIC_RELAXED);
		ofp_append_table_stats(&r, msg, &s);
	}
	conn_send_replies(c, &r, true);
	ofp_replies_done(&r);
	return 0;
}

static bool differ(const struct ofp_table_features *wanted, const struct ofp_table_features *is)
{
	if (wanted->metadata_match != is->metadata_match ||
	    wanted->metadata_write != is->metadata_write || wanted->max_entries != is->max_entries)
		return true;
	return wanted->has_properties &&
	       (memcmp(&wanted->hit, &is->hit, sizeof(is->hit)) ||
		memcmp(&wanted->match, &is->match, sizeof(is->match)) ||
		memcmp(&wanted->mask, &is->mask, sizeof(is->mask)) ||
		memcmp(&wanted->wildcard, &is->wildcard, sizeof(is->wildcard)));
}

// Reads all parts of the request; none may name a table twice.
static int check_parts(struct conn *c, uint64_t named[4])
{
	struct ofp_table_features f;
	for (c->part = 0; c->part < c->n_parts; c->part++) {
		const struct ofp_msg *part = &c->parts[c->part];
		struct cursor body = part->body;
		int error;
		while (!(error = ofp_table_features_pull(&body, part->version, true, &f))) {
			if (f.table_id >= N_VISIBLE)
				return OFPTFFC_BAD_TABLE;
			if (named[f.table_id / 64] >> f.table_id % 64 & 1)
				return NXTFFC_DUP_TABLE;
			named[f.table_id / 64] |= 1ull << f.table_id % 64;
		}
		if (error != -ENODATA)
			return error;
	}
	c->part--; // what is refused now is refused for the whole request
	return 0;
}

// Nothing of a table can be changed but its name.
static bool may_change(const struct ofproto *p, uint8_t version,
		       const struct ofp_table_features *wanted)
{
	struct ofp_table_features is;
	all_features(version, &is);
	describe_table(p, wanted->table_id, version, &is);
	// The tables behind this one, which describe_table() takes out one by one.
	for (unsigned int i = 0; i < wanted->table_id; i++)
		is.hit.next[i / 64] &= ~(1ull << i % 64);
	return wanted->command <= OFPTFC_MODIFY && !differ(wanted, &is);
}

static void set_name(struct ofproto *p, const struct ofp_table_features *f)
{
	struct oftable *t = &p->tables.table[f->table_id];
	if (t->name) // what the database calls it stays
		return;
	free(t->of_name);
	t->of_name = *f->name ? xstrdup(f->name) : NULL;
}

// Looks at all tables of the request, or with `apply` changes them.
static int change_features(struct conn *c, bool apply)
{
	struct ofp_table_features f;
	for (size_t i = 0; i < c->n_parts; i++) {
		struct cursor body = c->parts[i].body;
		uint8_t version = c->parts[i].version;
		while (!ofp_table_features_pull(&body, version, true, &f)) {
			if (apply)
				set_name(c->ofproto, &f);
			else if (!may_change(c->ofproto, version, &f))
				return OFPTFFC_EPERM;
		}
	}
	return 0;
}

int table_features_request(struct conn *c, const struct ofp_msg *msg)
{
	struct ofproto *p = c->ofproto;
	if (!ofp_table_features_request_is_query(msg)) {
		uint64_t named[4] = {0};
		int error =
			c->role == OFPCR_SECONDARY ? OFPBRC_IS_SECONDARY : check_parts(c, named);
		if (!error)
			error = change_features(c, false);
		if (error)
			return error;
		change_features(c, true);
	}
	struct ofp_replies r = {0};
	struct ofp_table_features f;
	all_features(msg->version, &f);
	ofp_replies_init(&r, msg);
	for (uint8_t i = 0; i < N_VISIBLE; i++) {
		describe_table(p, i, msg->version, &f);
		ofp_append_table_features(&r, msg, &f);
	}
	conn_send_replies(c, &r, true);
	ofp_replies_done(&r);
	return 0;
}

// --- Settings.

static void set_eviction(struct ofproto *p, uint8_t id, bool on)
{
	p->tables.table[id].of_evict = on;
	flows_enforce_limit(p, id);
}

static void set_vacancy(struct ofproto *p, uint8_t id, const struct ofp_table_mod *tm)
{
	struct oftable_vacancy *v = &p->tables.table[id].vacancy;
	*v = (struct oftable_vacancy){
		.on = tm->vacancy == OFPTABLE_ON, .down = tm->vacancy_down, .up = tm->vacancy_up};
	v->waits_for_up = v->on && tables_vacancy(&p->tables, id) < v->up;
}

static void apply(struct ofproto *p, uint8_t id, const struct ofp_table_mod *tm)
{
	static const enum table_miss misses[] = {[OFPTABLE_MISS_DEFAULT] = TABLE_MISS_DEFAULT,
						 [OFPTABLE_MISS_CONTROLLER] = TABLE_MISS_CONTROLLER,
						 [OFPTABLE_MISS_CONTINUE] = TABLE_MISS_CONTINUE,
						 [OFPTABLE_MISS_DROP] = TABLE_MISS_DROP};
	if (tm->miss != OFPTABLE_MISS_DEFAULT)
		__atomic_store_n(&p->tables.table[id].miss, misses[tm->miss], __ATOMIC_RELAXED);
	if (tm->eviction != OFPTABLE_SAME)
		set_eviction(p, id, tm->eviction == OFPTABLE_ON);
	if (tm->vacancy != OFPTABLE_SAME)
		set_vacancy(p, id, tm);
}

int table_mod(struct conn *c, const struct ofp_msg *msg)
{
	struct ofproto *p = c->ofproto;
	struct ofp_table_mod tm;
	int error = ofp_decode_table_mod(msg, &tm);
	if (error)
		return error;
	if (tm.table_id == N_VISIBLE) // the switch's own
		return OFPTMFC_EPERM;
	if (tm.miss == OFPTABLE_MISS_CONTINUE && tm.table_id == N_VISIBLE - 1)
		return OFPTMFC_BAD_CONFIG; // there is no table behind the last one
	for (unsigned int i = 0; i < N_VISIBLE; i++)
		if (tm.table_id == ALL_TABLES || tm.table_id == i)
			apply(p, (uint8_t)i, &tm);
	flows_changed(p);
	return 0;
}

static void describe_settings(const struct tables *ts, uint8_t id, struct ofp_table_desc *d)
{
	const struct oftable *t = &ts->table[id];
	*d = (struct ofp_table_desc){
		.table_id = id,
		.eviction = t->evict || t->of_evict,
		.eviction_flags = EVICTION_FLAGS,
		.vacancy_events = t->vacancy.on,
		.vacancy_down = t->vacancy.down,
		.vacancy_up = t->vacancy.up,
		.vacancy = (uint8_t)(t->vacancy.on ? tables_vacancy(ts, id) : 0),
	};
}

int table_desc_request(struct conn *c, const struct ofp_msg *msg)
{
	struct ofp_replies r = {0};
	ofp_replies_init(&r, msg);
	for (uint8_t i = 0; i < N_VISIBLE; i++) {
		struct ofp_table_desc d;
		describe_settings(&c->ofproto->tables, i, &d);
		ofp_append_table_desc(&r, &d);
	}
	conn_send_replies(c, &r, true);
	ofp_replies_done(&r);
	return 0;
}

// --- Vacancy: news when a table fills, and when it has room again.

void table_check_vacancy(struct ofproto *p, uint8_t id)
{
	struct oftable_vacancy *v = &p->tables.table[id].vacancy;
	if (!v->on)
		return;
	unsigned int now = tables_vacancy(&p->tables, id);
	if (v->waits_for_up ? now <= v->up : now >= v->down)
		return;
	struct ofp_table_status ts = {.reason = v->waits_for_up ? OFPTR_VACANCY_UP
								: OFPTR_VACANCY_DOWN};
	v->waits_for_up = !v->waits_for_up;
	describe_settings(&p->tables, id, &ts.desc);
	controllers_table_status(p->controllers, &ts);
}
