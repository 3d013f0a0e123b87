/* SPDX-License-Identifier: Apache-2.0 */
#include "openflow/table_features.h"

#include <errno.h>
#include <string.h>

#include "openflow/match_codec.h"
#include "openflow/nx_entry.h"
#include "openflow/prop.h"

enum { NAME_LEN = 32, FEATURES_LEN = 64, OXM_BASIC = 0x8000 };
enum { CONFIG_EVICTION = 1 << 2, CONFIG_VACANCY = 1 << 3 };
enum { // property types; those for a miss are one more
	PROP_INSTRUCTIONS = 0,
	PROP_NEXT_TABLES = 2,
	PROP_WRITE_ACTIONS = 4,
	PROP_APPLY_ACTIONS = 6,
	PROP_MATCH = 8,
	PROP_WILDCARDS = 10,
	PROP_WRITE_SETFIELD = 12,
	PROP_APPLY_SETFIELD = 14,
	REQUIRED = 0x5555, // all of these, if there is any
};
enum {
	INSTRUCTION_METER = 1 << 6,
	INSTRUCTIONS_11 = 0x3e, // goto_table, write_metadata, write, apply and clear actions
	INSTRUCTIONS_13 = 0x7e, // and meter
	INSTRUCTIONS_15 = 0xfe, // and stat_trigger
	ACTIONS_11 = 0x1ffe7ff, // all of 1.1's but those that copy TTLs
	// output, MPLS TTL, VLAN and MPLS tags, queue, group, TTL, set_field.
	ACTIONS_12 = 0x3ff8001,
};

// --- Writing.

static void put_ids(struct buf *b, uint16_t type, uint32_t ids)
{
	size_t at = prop_begin(b, type);
	for (uint16_t i = 0; i < 32; i++)
		if (ids >> i & 1) {
			buf_add_be16(b, i);
			buf_add_be16(b, 4);
		}
	prop_end(b, at);
}

static void put_tables(struct buf *b, uint16_t type, const uint64_t next[4])
{
	size_t at = prop_begin(b, type);
	for (unsigned int i = 0; i < 255; i++)
		if (next[i / 64] >> i % 64 & 1)
			buf_add_u8(b, (uint8_t)i);
	prop_end(b, at);
}

static void put_fields(struct buf *b, uint16_t type, uint8_t version,
		       const struct ofp_field_set *set, const struct ofp_field_set *masked)
{
	size_t at = prop_begin(b, type);
	for (unsigned int i = 0; i < FIELD_N_IDS; i++)
		if (ofp_field_set_has(set, i))
			nx_header_encode(b, version, field_get((enum field_id)i),
					 masked && ofp_field_set_has(masked, i));
	prop_end(b, at);
}

static void put_instructions(struct buf *b, uint16_t miss, uint8_t version,
			     const struct ofp_table_instructions *i)
{
	put_ids(b, PROP_INSTRUCTIONS + miss, i->instructions);
	put_tables(b, PROP_NEXT_TABLES + miss, i->next);
	put_ids(b, PROP_WRITE_ACTIONS + miss, i->write.actions);
	put_fields(b, PROP_WRITE_SETFIELD + miss, version, &i->write.set_fields, NULL);
	put_ids(b, PROP_APPLY_ACTIONS + miss, i->apply.actions);
	put_fields(b, PROP_APPLY_SETFIELD + miss, version, &i->apply.set_fields, NULL);
}

static void put_features(struct buf *b, uint8_t version, const struct ofp_table_features *f)
{
	uint32_t config = 0;
	if (version >= OFP14)
		config = (f->eviction == OFPTABLE_ON ? CONFIG_EVICTION : 0) |
			 (f->vacancy == OFPTABLE_ON ? CONFIG_VACANCY : 0);
	size_t start = b->len;
	buf_add_be16(b, 0);
	buf_add_u8(b, f->table_id);
	buf_add_u8(b, version >= OFP15 ? f->command : 0);
	buf_add_zeros(b, 4);
	memcpy(buf_add_zeros(b, NAME_LEN), f->name, strnlen(f->name, NAME_LEN - 1));
	buf_add(b, &f->metadata_match, 8);
	buf_add(b, &f->metadata_write, 8);
	buf_add_be32(b, config);
	buf_add_be32(b, f->max_entries);
	put_instructions(b, 0, version, &f->hit);
	if (memcmp(&f->hit, &f->miss_instructions, sizeof(f->hit)))
		put_instructions(b, 1, version, &f->miss_instructions);
	put_fields(b, PROP_MATCH, version, &f->match, &f->mask);
	put_fields(b, PROP_WILDCARDS, version, &f->wildcard, NULL);
	put_be16(b->data + start, (uint16_t)(b->len - start));
}

void ofp_append_table_features(struct ofp_replies *r, const struct ofp_msg *request,
			       const struct ofp_table_features *f)
{
	ofp_replies_begin_entry(r);
	put_features(&r->buf, request->version, f);
	ofp_replies_end_entry(r);
}

static bool exists_in(const struct field *f, uint8_t version)
{
	return (f->oxm_version && version >= f->oxm_version) ||
	       (f->nxm_version && version >= f->nxm_version);
}

// Those of a later version are understood in 1.3 and 1.4, too, by their basic numbers.
static bool matches_in(const struct field *f, uint8_t version)
{
	return exists_in(f, version) || (f->oxm_version && version >= OFP13);
}

// 1.2 has a bit for each field of OXM's basic class; those that came later have one, too, if that
// is the only form they have.
static int bit12(const struct field *f)
{
	bool basic = f->oxm_version && f->oxm >> 16 == OXM_BASIC;
	bool only = !f->nxm_version && !f->onf;
	return basic && (f->oxm_version == OFP12 || only) ? (int)(f->oxm >> 9 & 0x7f) : -1;
}

static uint32_t known_instructions(uint8_t version)
{
	return version >= OFP15	  ? INSTRUCTIONS_15
	       : version >= OFP13 ? INSTRUCTIONS_13
				  : INSTRUCTIONS_11;
}

static void all_actions(struct ofp_table_actions *a, uint8_t version)
{
	a->actions = version == OFP11 ? ACTIONS_11 : ACTIONS_12;
	for (unsigned int i = 0; i < FIELD_N_IDS; i++) {
		const struct field *f = field_get((enum field_id)i);
		if (version >= OFP12 && f->writable && exists_in(f, version))
			ofp_field_set_add(&a->set_fields, i);
	}
}

static const struct {
	uint32_t wildcards10; // all of these bits
	uint32_t bits11;
	enum field_id id;
} old_fields[] = {
	{1 << 0, 1 << 0, FIELD_IN_PORT},    {1 << 1, 1 << 1, FIELD_VLAN_VID},
	{1 << 20, 1 << 2, FIELD_VLAN_PCP},  {1 << 4, 1 << 3, FIELD_ETH_TYPE},
	{1 << 21, 1 << 4, FIELD_IP_DSCP},   {1 << 5, 1 << 5, FIELD_IP_PROTO},
	{1 << 6, 1 << 6, FIELD_TCP_SRC},    {1 << 7, 1 << 7, FIELD_TCP_DST},
	{0, 1 << 8, FIELD_MPLS_LABEL},	    {0, 1 << 9, FIELD_MPLS_TC},
	{1 << 2, 1 << 11, FIELD_ETH_SRC},   {1 << 3, 1 << 12, FIELD_ETH_DST},
	{63 << 8, 1 << 13, FIELD_IPV4_SRC}, {63 << 14, 1 << 14, FIELD_IPV4_DST},
	{0, 1 << 15, FIELD_METADATA},
};
enum { N_OLD_FIELDS = sizeof(old_fields) / sizeof(old_fields[0]) };

// 1.0 and 1.1 match what their fixed structures have.
static void all_old_fields(struct ofp_table_features *f, uint8_t version)
{
	for (size_t i = 0; i < N_OLD_FIELDS; i++)
		if (version == OFP11 || old_fields[i].wildcards10)
			ofp_field_set_add(&f->wildcard, old_fields[i].id);
	f->match = f->wildcard;
}

void ofp_table_features_all(struct ofp_table_features *f, uint8_t version)
{
	*f = (struct ofp_table_features){.metadata_match = UINT64_MAX,
					 .metadata_write = UINT64_MAX,
					 .miss = OFPTABLE_MISS_CONTROLLER,
					 .has_properties = true};
	f->hit.instructions = known_instructions(version);
	if (version >= OFP15)
		f->hit.instructions &= ~(uint32_t)INSTRUCTION_METER; // is an action there
	all_actions(&f->hit.write, version);
	all_actions(&f->hit.apply, version);
	for (unsigned int i = 0; i < FIELD_N_IDS; i++) {
		const struct field *field = field_get((enum field_id)i);
		if (!matches_in(field, version) && !(version == OFP12 && bit12(field) >= 0))
			continue;
		ofp_field_set_add(&f->match, i);
		ofp_field_set_add(&f->wildcard, i);
		if (field->maskable == FIELD_FULLY_MASKABLE)
			ofp_field_set_add(&f->mask, i);
	}
	if (version <= OFP11)
		all_old_fields(f, version);
	f->miss_instructions = f->hit;
}

// --- Reading.

static int pull_ids(struct cursor v, uint32_t known, int unknown, uint32_t *ids)
{
	*ids = 0;
	while (cursor_left(&v)) {
		struct cursor peek = v;
		uint16_t id = cursor_be16(&peek), len = cursor_be16(&peek);
		if (peek.bad || len < 4 || len > cursor_left(&v))
			return OFPBPC_BAD_LEN;
		cursor_skip(&v, len);
		if (id < 32 && known >> id & 1)
			*ids |= 1u << id;
		else if (unknown)
			return unknown;
	}
	return 0;
}

static int pull_tables(struct cursor v, uint64_t next[4])
{
	memset(next, 0, 4 * sizeof(*next));
	while (cursor_left(&v)) {
		uint8_t id = cursor_u8(&v);
		if (id == 255)
			return OFPBPC_BAD_VALUE;
		next[id / 64] |= 1ull << id % 64;
	}
	return 0;
}

static int pull_fields(struct cursor v, bool strict, struct ofp_field_set *set,
		       struct ofp_field_set *masked)
{
	memset(set, 0, sizeof(*set));
	bool any_mask = false;
	while (cursor_left(&v)) {
		const struct field *f;
		bool has_mask;
		int error = nx_header_decode(&v, &f, &has_mask);
		if (error == OFPBMC_BAD_FIELD && !strict)
			continue;
		if (error)
			return error;
		ofp_field_set_add(set, f->id);
		any_mask |= has_mask;
		if (has_mask && masked)
			ofp_field_set_add(masked, f->id);
	}
	return any_mask && !masked ? OFPBMC_BAD_MASK : 0;
}

// One property into what it belongs to. *seen gets a bit for each kind of property.
static int pull_property(uint64_t type, struct cursor v, uint8_t version, bool strict,
			 struct ofp_table_features *f, uint32_t *seen)
{
	struct ofp_table_instructions *i = type & 1 ? &f->miss_instructions : &f->hit;
	if (type < 32 && *seen >> type & 1)
		return OFPTFFC_BAD_FEATURES;
	if (type < 32)
		*seen |= 1u << type;
	switch (type) {
	case PROP_INSTRUCTIONS:
	case PROP_INSTRUCTIONS + 1:
		return pull_ids(v, known_instructions(version), strict ? OFPBIC_UNKNOWN_INST : 0,
				&i->instructions);
	case PROP_NEXT_TABLES:
	case PROP_NEXT_TABLES + 1:
		return pull_tables(v, i->next);
	case PROP_WRITE_ACTIONS:
	case PROP_WRITE_ACTIONS + 1:
		return pull_ids(v, ACTIONS_12, 0, &i->write.actions);
	case PROP_APPLY_ACTIONS:
	case PROP_APPLY_ACTIONS + 1:
		return pull_ids(v, ACTIONS_12, 0, &i->apply.actions);
	case PROP_MATCH:
		return pull_fields(v, strict, &f->match, &f->mask);
	case PROP_WILDCARDS:
		return pull_fields(v, strict, &f->wildcard, NULL);
	case PROP_WRITE_SETFIELD:
	case PROP_WRITE_SETFIELD + 1:
		return pull_fields(v, strict, &i->write.set_fields, NULL);
	case PROP_APPLY_SETFIELD:
	case PROP_APPLY_SETFIELD + 1:
		return pull_fields(v, strict, &i->apply.set_fields, NULL);
	}
	return strict ? prop_unknown(type) : 0;
}

// What is said of a miss only where it differs.
static void fill_misses(struct ofp_table_features *f, uint32_t seen)
{
	struct ofp_table_instructions *m = &f->miss_instructions;
	if (!(seen >> (PROP_INSTRUCTIONS + 1) & 1))
		m->instructions = f->hit.instructions;
	if (!(seen >> (PROP_NEXT_TABLES + 1) & 1))
		memcpy(m->next, f->hit.next, sizeof(m->next));
	if (!(seen >> (PROP_WRITE_ACTIONS + 1) & 1))
		m->write.actions = f->hit.write.actions;
	if (!(seen >> (PROP_APPLY_ACTIONS + 1) & 1))
		m->apply.actions = f->hit.apply.actions;
	if (!(seen >> (PROP_WRITE_SETFIELD + 1) & 1))
		m->write.set_fields = f->hit.write.set_fields;
	if (!(seen >> (PROP_APPLY_SETFIELD + 1) & 1))
		m->apply.set_fields = f->hit.apply.set_fields;
}

int ofp_table_features_pull(struct cursor *c, uint8_t version, bool strict,
			    struct ofp_table_features *f)
{
	if (!cursor_left(c))
		return -ENODATA;
	memset(f, 0, sizeof(*f));
	struct cursor peek = *c;
	uint16_t len = cursor_be16(&peek);
	if (peek.bad || len < FEATURES_LEN || len % 8 || len > cursor_left(c))
		return OFPBPC_BAD_LEN;
	struct cursor body = cursor_sub(c, len);
	cursor_skip(&body, 2);
	f->table_id = cursor_u8(&body);
	f->command = cursor_u8(&body);
	if (version < OFP15)
		f->command = OFPTFC_REPLACE;
	else if (f->command > OFPTFC_DISABLE)
		return OFPTFFC_BAD_COMMAND;
	if (f->table_id == 255)
		return OFPTFFC_BAD_TABLE;
	cursor_skip(&body, 4);
	cursor_copy(&body, f->name, NAME_LEN);
	cursor_copy(&body, &f->metadata_match, 8);
	cursor_copy(&body, &f->metadata_write, 8);
	uint32_t config = cursor_be32(&body), seen = 0;
	f->max_entries = cursor_be32(&body);
	f->eviction = f->vacancy = OFPTABLE_SAME;
	if (version >= OFP14) {
		f->eviction = config & CONFIG_EVICTION ? OFPTABLE_ON : OFPTABLE_OFF;
		f->vacancy = config & CONFIG_VACANCY ? OFPTABLE_ON : OFPTABLE_OFF;
	}
	f->has_properties = cursor_left(&body) > 0;
	while (cursor_left(&body)) {
		uint64_t type;
		struct cursor v;
		int error = prop_pull(&body, &type, &v);
		if (!error)
			error = pull_property(type, v, version, strict, f, &seen);
		if (error)
			return error;
	}
	if ((f->has_properties || version < OFP15) && (seen & REQUIRED) != REQUIRED)
		return OFPTFFC_BAD_FEATURES;
	fill_misses(f, seen);
	return 0;
}

bool ofp_table_features_request_is_query(const struct ofp_msg *m)
{
	return !cursor_left(&m->body);
}

// --- 1.0 to 1.2.

uint32_t ofp_table_features_wildcards10(const struct ofp_table_features *f)
{
	uint32_t w = 0;
	for (size_t i = 0; i < N_OLD_FIELDS; i++)
		if (ofp_field_set_has(&f->wildcard, old_fields[i].id))
			w |= old_fields[i].wildcards10;
	return w;
}

void ofp_table_features_from_wildcards10(uint32_t wildcards, struct ofp_table_features *f)
{
	for (size_t i = 0; i < N_OLD_FIELDS; i++)
		if (wildcards & old_fields[i].wildcards10)
			ofp_field_set_add(&f->wildcard, old_fields[i].id);
	f->match = f->wildcard;
}

static void put_fields11(struct buf *b, const struct ofp_field_set *set)
{
	uint32_t bits = 0;
	for (size_t i = 0; i < N_OLD_FIELDS; i++)
		if (ofp_field_set_has(set, old_fields[i].id))
			bits |= old_fields[i].bits11;
	buf_add_be32(b, bits);
}

static void pull_fields11(struct cursor *c, struct ofp_field_set *set)
{
	uint32_t bits = cursor_be32(c);
	for (size_t i = 0; i < N_OLD_FIELDS; i++)
		if (bits & old_fields[i].bits11)
			ofp_field_set_add(set, old_fields[i].id);
}

static void put_fields12(struct buf *b, const struct ofp_field_set *set)
{
	uint64_t bits = 0;
	for (unsigned int i = 0; i < FIELD_N_IDS; i++)
		if (ofp_field_set_has(set, i) && bit12(field_get((enum field_id)i)) >= 0)
			bits |= 1ull << bit12(field_get((enum field_id)i));
	buf_add_be64(b, bits);
}

static void pull_fields12(struct cursor *c, struct ofp_field_set *set)
{
	uint64_t bits = cursor_be64(c);
	for (unsigned int i = 0; i < FIELD_N_IDS; i++) {
		const struct field *f = field_get((enum field_id)i);
		int bit = f->oxm_version == OFP12 ? bit12(f) : -1; // others are not 1.2's to know
		if (bit >= 0 && bits >> bit & 1)
			ofp_field_set_add(set, i);
	}
}

static uint32_t miss_bits(enum ofp_table_miss miss)
{
	switch (miss) {
	case OFPTABLE_MISS_CONTINUE:
		return 1;
	case OFPTABLE_MISS_DROP:
		return 2;
	case OFPTABLE_MISS_DEFAULT:
	case OFPTABLE_MISS_CONTROLLER:
		break;
	}
	return 0;
}

static enum ofp_table_miss miss_of_bits(uint32_t config)
{
	static const enum ofp_table_miss misses[] = {OFPTABLE_MISS_CONTROLLER,
						     OFPTABLE_MISS_CONTINUE, OFPTABLE_MISS_DROP,
						     OFPTABLE_MISS_CONTROLLER};
	return misses[config & 3];
}

void ofp_table_features_put_old(struct buf *b, uint8_t version, const struct ofp_table_features *f)
{
	if (version == OFP11) {
		put_fields11(b, &f->wildcard);
		put_fields11(b, &f->match);
		buf_add_be32(b, f->hit.instructions & INSTRUCTIONS_11);
		buf_add_be32(b, f->hit.write.actions & ACTIONS_11);
		buf_add_be32(b, f->hit.apply.actions & ACTIONS_11);
	} else {
		put_fields12(b, &f->match);
		put_fields12(b, &f->wildcard);
		buf_add_be32(b, f->hit.write.actions & ACTIONS_12);
		buf_add_be32(b, f->hit.apply.actions & ACTIONS_12);
		put_fields12(b, &f->hit.write.set_fields);
		put_fields12(b, &f->hit.apply.set_fields);
		buf_add(b, &f->metadata_match, 8);
		buf_add(b, &f->metadata_write, 8);
		buf_add_be32(b, f->hit.instructions & INSTRUCTIONS_11);
	}
	buf_add_be32(b, miss_bits(f->miss));
}

void ofp_table_features_pull_old(struct cursor *c, uint8_t version, struct ofp_table_features *f)
{
	if (version == OFP11) {
		pull_fields11(c, &f->wildcard);
		pull_fields11(c, &f->match);
		f->hit.instructions = cursor_be32(c) & INSTRUCTIONS_11;
		f->hit.write.actions = cursor_be32(c) & ACTIONS_11;
		f->hit.apply.actions = cursor_be32(c) & ACTIONS_11;
	} else {
		pull_fields12(c, &f->match);
		pull_fields12(c, &f->wildcard);
		f->hit.write.actions = cursor_be32(c) & ACTIONS_12;
		f->hit.apply.actions = cursor_be32(c) & ACTIONS_12;
		pull_fields12(c, &f->hit.write.set_fields);
		pull_fields12(c, &f->hit.apply.set_fields);
		cursor_copy(c, &f->metadata_match, 8);
		cursor_copy(c, &f->metadata_write, 8);
		f->hit.instructions = cursor_be32(c) & INSTRUCTIONS_11;
	}
	for (size_t i = 0; i < sizeof(f->match.bits) / sizeof(f->match.bits[0]); i++)
		f->match.bits[i] |= f->wildcard.bits[i];
	f->miss = miss_of_bits(cursor_be32(c));
	f->miss_instructions = f->hit;
	f->has_properties = true;
}
