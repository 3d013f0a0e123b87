/* SPDX-License-Identifier: Apache-2.0 */
// Flow tables: counters, features, what they do when they are full.
#include "generator.h"

static void any_field_set(struct ofp_field_set *s)
{
	for (size_t i = 0; i < sizeof(s->bits) / sizeof(s->bits[0]); i++)
		s->bits[i] &= chance(2) ? UINT64_MAX : random_u64();
}

static void and_sets(struct ofp_field_set *s, const struct ofp_field_set *with)
{
	for (size_t i = 0; i < sizeof(s->bits) / sizeof(s->bits[0]); i++)
		s->bits[i] &= with->bits[i];
}

static void any_instructions(struct ofp_table_instructions *i)
{
	i->instructions = any_bits(i->instructions);
	i->write.actions = any_bits(i->write.actions);
	i->apply.actions = any_bits(i->apply.actions);
	any_field_set(&i->write.set_fields);
	any_field_set(&i->apply.set_fields);
	for (int k = 0; k < 4; k++)
		i->next[k] = chance(2) ? 0 : chance(2) ? UINT64_MAX : random_u64();
	i->next[3] &= ~(1ull << 63); // 255 is no table
}

// A part of all that there is.
static void any_features(struct gen *g, void *entry)
{
	struct ofp_table_features *f = entry;
	ofp_table_features_all(f, g->version);
	f->table_id = (uint8_t)random_below(255);
	any_text(f->name, 32);
	if (g->version >= OFP15)
		f->command = (uint8_t)random_below(4);
	f->metadata_match = any_u64();
	f->metadata_write = any_u64();
	f->miss = OFPTABLE_MISS_DEFAULT;
	f->eviction = f->vacancy = OFPTABLE_SAME;
	if (g->version >= OFP14) {
		f->eviction = (enum ofp_table_switch)random_below(2);
		f->vacancy = (enum ofp_table_switch)random_below(2);
	}
	f->max_entries = any_u32();
	any_instructions(&f->hit);
	f->miss_instructions = f->hit;
	if (chance(2))
		any_instructions(&f->miss_instructions);
	any_field_set(&f->match);
	any_field_set(&f->mask);
	and_sets(&f->mask, &f->match);
	any_field_set(&f->wildcard);
	and_sets(&f->wildcard, &f->match);
}

static void same_instructions(struct gen *g, const struct ofp_table_instructions *want,
			      const struct ofp_table_instructions *got)
{
	same_bytes(g, "next tables", want->next, got->next, sizeof(want->next));
	SAME(g, want->instructions, got->instructions);
	SAME(g, want->write.actions, got->write.actions);
	SAME(g, want->apply.actions, got->apply.actions);
	same_bytes(g, "write set_field", &want->write.set_fields, &got->write.set_fields,
		   sizeof(want->write.set_fields));
	same_bytes(g, "apply set_field", &want->apply.set_fields, &got->apply.set_fields,
		   sizeof(want->apply.set_fields));
}

static void same_features(struct gen *g, const void *want, const void *have)
{
	const struct ofp_table_features *f = want, *got = have;
	SAME(g, f->table_id, got->table_id);
	SAME(g, f->command, got->command);
	same_text(g, "name", f->name, got->name);
	SAME(g, f->metadata_match, got->metadata_match);
	SAME(g, f->metadata_write, got->metadata_write);
	SAME(g, f->eviction, got->eviction);
	SAME(g, f->vacancy, got->vacancy);
	SAME(g, f->max_entries, got->max_entries);
	same_instructions(g, &f->hit, &got->hit);
	same_instructions(g, &f->miss_instructions, &got->miss_instructions);
	same_bytes(g, "match", &f->match, &got->match, sizeof(f->match));
	same_bytes(g, "mask", &f->mask, &got->mask, sizeof(f->mask));
	same_bytes(g, "wildcard", &f->wildcard, &got->wildcard, sizeof(f->wildcard));
}

static void table_features(struct gen *g)
{
	ofp_encode_simple(&g->out, OFPTYPE_TABLE_FEATURES_STATS_REQUEST, g->version, any_u32());
	struct ofp_msg m = last_message(g, 0);
	SAME(g, true, ofp_table_features_request_is_query(&m));
	check_reply(g, 0, any_features, same_features);
}

// --- Counters, with which 1.0 to 1.2 tell a part of the features.

static void any_stats(struct gen *g, void *entry)
{
	struct ofp_table_stats *t = entry;
	any_features(g, &t->features);
	t->features.miss = (enum ofp_table_miss)random_below(4);
	t->active_count = any_u32();
	t->lookup_count = any_u64();
	t->matched_count = any_u64();
}

static enum ofp_table_miss miss_of(const struct gen *g, enum ofp_table_miss miss)
{
	if (g->version != OFP11 && g->version != OFP12)
		return OFPTABLE_MISS_DEFAULT;
	return miss == OFPTABLE_MISS_DEFAULT ? OFPTABLE_MISS_CONTROLLER : miss;
}

// Features that were read once come back as they are.
static void same_again(struct gen *g, const struct ofp_table_stats *got)
{
	struct ofp_msg request = {.version = g->version, .type = OFPTYPE_TABLE_STATS_REQUEST};
	struct ofp_replies r;
	struct ofp_table_stats again;
	struct ofp_msg m;
	ofp_replies_init(&r, &request);
	ofp_append_table_stats(&r, &request, got);
	ofp_replies_finish(&r);
	SAME(g, 0, ofp_msg_decode(r.buf.data, r.buf.len, &m));
	SAME(g, 0, ofp_table_stats_pull(&m.body, g->version, &again));
	same_instructions(g, &got->features.hit, &again.features.hit);
	same_bytes(g, "match", &got->features.match, &again.features.match,
		   sizeof(again.features.match));
	same_bytes(g, "wildcard", &got->features.wildcard, &again.features.wildcard,
		   sizeof(again.features.wildcard));
	ofp_replies_done(&r);
}

static void same_stats(struct gen *g, const void *want, const void *have)
{
	const struct ofp_table_stats *t = want, *got = have;
	bool old = g->version < OFP13;
	SAME(g, t->active_count, got->active_count);
	SAME(g, t->lookup_count, got->lookup_count);
	SAME(g, t->matched_count, got->matched_count);
	SAME(g, t->features.table_id, got->features.table_id);
	same_text(g, "name", old ? t->features.name : "", got->features.name);
	SAME(g, old ? t->features.max_entries : 0, got->features.max_entries);
	SAME(g, miss_of(g, t->features.miss), got->features.miss);
	if (g->version == OFP12) {
		SAME(g, t->features.metadata_match, got->features.metadata_match);
		SAME(g, t->features.metadata_write, got->features.metadata_write);
	}
	if (g->version == OFP11 || g->version == OFP12) {
		SAME(g, t->features.hit.instructions, got->features.hit.instructions);
		SAME(g, t->features.hit.write.actions, got->features.hit.write.actions);
		SAME(g, t->features.hit.apply.actions, got->features.hit.apply.actions);
	}
	if (old)
		same_again(g, got);
}

static void table_stats(struct gen *g)
{
	ofp_encode_simple(&g->out, OFPTYPE_TABLE_STATS_REQUEST, g->version, any_u32());
	check_reply(g, 0, any_stats, same_stats);
}

// --- Table mod, description and status.

static void table_mod(struct gen *g)
{
	bool v14 = g->version >= OFP14;
	struct ofp_table_mod tm = {.table_id = any_u8(),
				   .miss = (enum ofp_table_miss)random_below(4),
				   .eviction = (enum ofp_table_switch)((int)random_below(3) - 1),
				   .vacancy = (enum ofp_table_switch)((int)random_below(3) - 1),
				   .eviction_flags =
					   chance(2) ? OFPTABLE_EVICTION_DEFAULT : any_bits(7),
				   .vacancy_down = (uint8_t)random_below(50),
				   .vacancy_up = (uint8_t)(50 + random_below(51))},
			     got;
	ofp_encode_table_mod(&g->out, &tm, g->version, any_u32());
	struct ofp_msg m = last_message(g, 0);
	SAME(g, 0, ofp_decode_table_mod(&m, &got));
	SAME(g, tm.table_id, got.table_id);
	SAME(g, miss_of(g, tm.miss), got.miss);
	// Since 1.4 they are on or off: "as it was" is off.
	SAME(g, v14 ? tm.eviction == OFPTABLE_ON : OFPTABLE_SAME, got.eviction);
	SAME(g, v14 ? tm.vacancy == OFPTABLE_ON : OFPTABLE_SAME, got.vacancy);
	SAME(g, v14 ? tm.eviction_flags : OFPTABLE_EVICTION_DEFAULT, got.eviction_flags);
	bool vacancy = v14 && tm.vacancy == OFPTABLE_ON;
	SAME(g, vacancy ? tm.vacancy_down : 0, got.vacancy_down);
	SAME(g, vacancy ? tm.vacancy_up : 0, got.vacancy_up);
}

static void any_desc(struct gen *g, void *entry)
{
	struct ofp_table_desc *d = entry;
	*d = (struct ofp_table_desc){.table_id = any_u8(),
				     .eviction = chance(2),
				     .vacancy_events = chance(2),
				     .eviction_flags =
					     chance(2) ? OFPTABLE_EVICTION_DEFAULT : any_bits(7)};
	if (d->vacancy_events) {
		d->vacancy_down = any_u8();
		d->vacancy_up = any_u8();
		d->vacancy = any_u8();
	}
}

static void same_desc(struct gen *g, const void *want, const void *have)
{
	const struct ofp_table_desc *d = want, *got = have;
	SAME(g, d->table_id, got->table_id);
	SAME(g, d->eviction, got->eviction);
	SAME(g, d->vacancy_events, got->vacancy_events);
	SAME(g, d->eviction_flags, got->eviction_flags);
	SAME(g, d->vacancy_down, got->vacancy_down);
	SAME(g, d->vacancy_up, got->vacancy_up);
	SAME(g, d->vacancy, got->vacancy);
}

static void table_desc(struct gen *g)
{
	ofp_encode_simple(&g->out, OFPTYPE_TABLE_DESC_REQUEST, g->version, any_u32());
	check_reply(g, 0, any_desc, same_desc);
}

static void table_status(struct gen *g)
{
	struct ofp_table_status s = {.reason = chance(2) ? OFPTR_VACANCY_DOWN : OFPTR_VACANCY_UP},
				got;
	any_desc(g, &s.desc);
	ofp_encode_table_status(&g->out, &s, g->version);
	struct ofp_msg m = last_message(g, 0);
	SAME(g, 0, ofp_decode_table_status(&m, &got));
	SAME(g, s.reason, got.reason);
	same_desc(g, &s.desc, &got.desc);
}

const struct family table_families[] = {
	{"table_stats", BY_VERSION, table_stats}, {"table_features", SINCE_13, table_features},
	{"table_mod", SINCE_11, table_mod},	  {"table_desc", SINCE_14, table_desc},
	{"table_status", SINCE_14, table_status}, {NULL, 0, NULL},
};
