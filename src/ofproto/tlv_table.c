/* SPDX-License-Identifier: Apache-2.0 */
// The bridge's table of tunnel options, as controllers see and change it.
#include "base/rcu.h"
#include "flow/options.h"
#include "ofproto/conn.h"
#include "ofproto/group_mod.h"

static int add_error(enum option_error e)
{
	switch (e) {
	case OPTION_OK:
		return 0;
	case OPTION_BAD_LEN:
		return NXTTMFC_BAD_OPT_LEN;
	case OPTION_ALREADY_MAPPED:
		return NXTTMFC_ALREADY_MAPPED;
	case OPTION_DUPLICATE:
		return NXTTMFC_DUP_ENTRY;
	case OPTION_FULL:
		return NXTTMFC_TABLE_FULL;
	}
	return 0;
}

// All of them, or none.
static int add_maps(struct ofproto *p, const struct ofp_tlv_table_mod *tm)
{
	uint64_t added = 0;
	if (!p->options)
		p->options = option_table_new();
	VEC_FOREACH (&tm->maps, i) {
		int error = add_error(option_table_add(p->options, &tm->maps.v[i]));
		if (error) {
			option_table_delete(p->options, added);
			return error;
		}
		added |= UINT64_C(1) << tm->maps.v[i].index;
	}
	return 0;
}

// The fields that flows and groups match on or work with.
static uint64_t fields_in_use(struct ofproto *p)
{
	struct rule_vec rules = {0};
	uint64_t used = 0;
	tables_collect(&p->tables, OFPTT_ALL, NULL, &rules);
	VEC_FOREACH (&rules, i) {
		const struct rule *r = rules.v[i];
		struct match match;
		rule_match(r, &match);
		used |= match.mask.tunnel.options;
		(void)ofpacts_use_options((void *)(uintptr_t)r->actions->list, r->actions->len,
					  p->options, &used);
	}
	vec_done(&rules);
	return used | groups_options(p);
}

static int delete_fields(struct ofproto *p, uint64_t fields)
{
	fields &= option_table_mapped(p->options);
	if (!fields)
		return 0;
	if (fields & fields_in_use(p))
		return NXTTMFC_INVALID_TLV_DEL;
	rcu_synchronize(); // translations may still be in flows that went just now
	option_table_delete(p->options, fields);
	return 0;
}

static int delete_maps(struct ofproto *p, const struct ofp_tlv_table_mod *tm)
{
	uint64_t fields = 0;
	VEC_FOREACH (&tm->maps, i)
		fields |= UINT64_C(1) << tm->maps.v[i].index;
	return delete_fields(p, fields);
}

int tlv_table_mod(struct conn *c, const struct ofp_msg *msg)
{
	struct ofproto *p = c->ofproto;
	struct ofp_tlv_table_mod tm;
	int error = ofp_decode_tlv_table_mod(msg, &tm);
	if (!error && tm.command == NXTTMC_ADD)
		error = add_maps(p, &tm);
	else if (!error && tm.command == NXTTMC_DELETE)
		error = delete_maps(p, &tm);
	else if (!error)
		error = delete_fields(p, UINT64_MAX);
	ofp_tlv_table_mod_done(&tm);
	return error;
}

int tlv_table_request(struct conn *c, const struct ofp_msg *msg)
{
	struct ofp_tlv_table t = {.max_space = FLOW_OPTIONS_BYTES, .max_fields = FLOW_N_OPTIONS};
	struct buf b = BUF_INIT;
	for (unsigned int i = 0; i < FLOW_N_OPTIONS; i++) {
		struct option_map map;
		if (option_table_get(c->ofproto->options, i, &map))
			vec_push(&t.maps, map);
	}
	ofp_encode_tlv_table_reply(&b, msg, &t);
	conn_send(c, &b);
	buf_done(&b);
	ofp_tlv_table_done(&t);
	return 0;
}
