/* SPDX-License-Identifier: Apache-2.0 */
#include "ofproto/group_mod.h"

#include <stdlib.h>
#include <string.h>

#include "flow/match.h"
#include "ofproto/flow_mod.h"
#include "ofproto/group.h"
#include "ofproto/journal.h"

struct group *ofproto_group_lookup(const struct ofproto *p, uint32_t id)
{
	return group_find(&p->groups, id);
}

static bool is_missing(void *p, uint32_t id)
{
	return !group_find(&((const struct ofproto *)p)->groups, id);
}

int groups_check_actions(const struct ofproto *p, const void *list, size_t n)
{
	return ofpacts_each_group(list, n, is_missing, (void *)(uintptr_t)p) ? OFPBAC_BAD_OUT_GROUP
									     : 0;
}

static bool is_same(void *wanted, uint32_t id)
{
	return id == *(const uint32_t *)wanted;
}

unsigned int group_count_references(const struct ofproto *p, uint32_t id)
{
	struct rule_vec all = {0};
	unsigned int n = 0;
	tables_collect(&p->tables, OFPTT_ALL, NULL, &all);
	VEC_FOREACH (&all, i)
		n += ofpacts_each_group(all.v[i]->actions->list, all.v[i]->actions->len, is_same,
					&id);
	vec_done(&all);
	return n;
}

struct options {
	const struct option_table *table;
	uint64_t used;
};

static void add_options(void *options, const struct group *g)
{
	struct options *o = options;
	VEC_FOREACH (&g->g.buckets, i)
		(void)ofpacts_use_options(g->g.buckets.v[i].actions, g->g.buckets.v[i].actions_len,
					  o->table, &o->used);
	VEC_FOREACH (&g->g.fields, i)
		if (g->g.fields.v[i].field->place == FIELD_PLACE_OPTION)
			o->used |= UINT64_C(1) << g->g.fields.v[i].field->option;
}

uint64_t groups_options(const struct ofproto *p)
{
	struct options o = {.table = p->options};
	group_for_each(&p->groups, add_options, &o);
	return o.used;
}

// Options of tunnels among what "hash" looks at are those of the bridge's table.
static int use_options(const struct ofproto *p, struct ofp_group *g)
{
	VEC_FOREACH (&g->fields, i) {
		struct ofp_group_field *f = &g->fields.v[i];
		const struct field *row = f->field;
		if (row->place == FIELD_PLACE_OPTION)
			row = option_table_field(p->options, row->option);
		if (!row)
			return NXFMFC_INVALID_TLV_FIELD;
		memmove(f->mask.b, f->mask.b + f->field->n_bytes - row->n_bytes, row->n_bytes);
		f->field = row;
	}
	return 0;
}

// --- What a group may be.

static int check_bucket(const struct ofproto *p, const struct ofp_group *g, struct ofp_bucket *b)
{
	struct match any;
	match_init_any(&any);
	int error = ofpacts_use_options(b->actions, b->actions_len, p->options, NULL);
	if (error)
		return error;
	// A bucket has no match that its actions could fail to fit, and 1.0 is the version that
	// lets such actions pass.
	error = ofpacts_check(b->actions, b->actions_len, &any, OFPP_MAX, 0, OFPROTO_N_TABLES,
			      OFP10, NULL);
	if (error && error != OFPBAC_MATCH_INCONSISTENT)
		return error;
	error = actions_check_support(b->actions, b->actions_len);
	if (error)
		return error;
	bool watches = b->watch_port != OFPP_NONE || b->watch_group != OFPG_ANY;
	if (g->type == OFPGT_FF && !watches)
		return OFPGMFC_INVALID_GROUP;
	if (watches && g->type != OFPGT_FF && g->type != OFPGT_SELECT)
		return OFPGMFC_WATCH_UNSUPPORTED;
	if (b->weight && g->type != OFPGT_SELECT)
		return OFPGMFC_INVALID_GROUP;
	return 0;
}

static int check_group(const struct ofproto *p, struct ofp_group *g)
{
	if (g->type == OFPGT_INDIRECT && g->buckets.n > 1)
		return OFPGMFC_INVALID_GROUP;
	// The high half of dp_hash's parameter chooses among the datapath's hash functions.
	if (!strcmp(g->method, "dp_hash") && g->method_param >> 32 > 1)
		return OFPBPC_BAD_VALUE;
	int error = use_options(p, g);
	if (error)
		return error;
	VEC_FOREACH (&g->buckets, i) {
		error = check_bucket(p, g, &g->buckets.v[i]);
		if (error)
			return error;
	}
	return group_makes_loop(&p->groups, g) ? OFPGMFC_LOOP : 0;
}

static int put(struct ofproto *p, struct ofp_group *g)
{
	int error = check_group(p, g);
	if (error)
		return error;
	journal_group_changes(p, g->group_id);
	group_put(&p->groups, g);
	return 0;
}

// --- Buckets come and go.

// Where in the list; -1: there is no such bucket.
static int bucket_index(const struct ofp_group *g, uint32_t id)
{
	if (id == OFPG_BUCKET_FIRST)
		return g->buckets.n ? 0 : -1;
	if (id == OFPG_BUCKET_LAST)
		return (int)g->buckets.n - 1;
	VEC_FOREACH (&g->buckets, i)
		if (g->buckets.v[i].bucket_id == id)
			return (int)i;
	return -1;
}

static int insert_buckets(struct ofp_group *to, struct ofp_group_mod *gm)
{
	struct ofp_group *from = &gm->group;
	size_t at = 0;
	VEC_FOREACH (&from->buckets, i)
		if (ofp_group_find_bucket(to, from->buckets.v[i].bucket_id))
			return OFPGMFC_BUCKET_EXISTS;
	if (gm->command_bucket_id == OFPG_BUCKET_LAST) {
		at = to->buckets.n;
	} else if (gm->command_bucket_id != OFPG_BUCKET_FIRST) {
		int before = bucket_index(to, gm->command_bucket_id);
		if (before < 0)
			return OFPGMFC_UNKNOWN_BUCKET;
		at = (size_t)before + 1;
	}
	VEC_FOREACH (&from->buckets, i) {
		(void)vec_extend(&to->buckets);
		struct ofp_bucket *b = &to->buckets.v[at + i];
		memmove(b + 1, b, (to->buckets.n - 1 - at - i) * sizeof(*b));
		ofp_bucket_copy(b, &from->buckets.v[i]);
	}
	return 0;
}

static int remove_buckets(struct ofp_group *g, uint32_t which)
{
	if (which == OFPG_BUCKET_ALL ||
	    ((which == OFPG_BUCKET_FIRST || which == OFPG_BUCKET_LAST) && !g->buckets.n)) {
		VEC_FOREACH (&g->buckets, i)
			free(g->buckets.v[i].actions);
		vec_clear(&g->buckets);
		return 0;
	}
	int at = bucket_index(g, which);
	if (at < 0)
		return OFPGMFC_UNKNOWN_BUCKET;
	free(g->buckets.v[at].actions);
	vec_remove(&g->buckets, (size_t)at);
	return 0;
}

static int change_buckets(struct ofproto *p, struct ofp_group_mod *gm)
{
	struct ofp_group copy;
	const struct group *old = group_find(&p->groups, gm->group.group_id);
	if (!old)
		return OFPGMFC_UNKNOWN_GROUP;
	ofp_group_copy(&copy, &old->g);
	int error = gm->command == OFPGC_INSERT_BUCKET
			    ? insert_buckets(&copy, gm)
			    : remove_buckets(&copy, gm->command_bucket_id);
	if (!error)
		error = put(p, &copy);
	ofp_group_done(&copy);
	return error;
}

// --- Deleting.

static void delete_users(struct ofproto *p, uint32_t id)
{
	struct match any;
	struct rule_vec rules = {0};
	match_init_any(&any);
	struct flow_criteria c = {
		.match = &any, .table_id = OFPTT_ALL, .out_port = OFPP_NONE, .out_group = id};
	flows_select(p, &c, &rules);
	flows_delete(p, &rules, OFPRR_GROUP_DELETE);
	vec_done(&rules);
}

static void delete_all_users(void *p, const struct group *g)
{
	delete_users(p, g->g.group_id);
	journal_group_changes(p, g->g.group_id);
}

static int delete (struct ofproto *p, uint32_t id)
{
	if (id == OFPG_ALL) {
		group_for_each(&p->groups, delete_all_users, p);
		group_table_clear(&p->groups);
	} else if (group_find(&p->groups, id)) {
		delete_users(p, id);
		journal_group_changes(p, id);
		group_remove(&p->groups, id);
	}
	return 0;
}

int group_mod_apply(struct ofproto *p, struct ofp_group_mod *gm)
{
	const struct ofp_group *g = &gm->group;
	bool exists = group_find(&p->groups, g->group_id), creates = gm->command == OFPGC_ADD;
	int error = 0;
	// Counters must be right up to now: what comes hits other buckets.
	backer_push_stats(p->backer);
	switch (gm->command) {
	case OFPGC_ADD:
	case OFPGC_MODIFY:
	case OFPGC_ADD_OR_MOD:
		if (gm->command == OFPGC_MODIFY && !exists)
			return OFPGMFC_UNKNOWN_GROUP;
		if (g->group_id > OFPG_MAX)
			return OFPGMFC_INVALID_GROUP;
		if (creates && exists)
			return OFPGMFC_GROUP_EXISTS;
		error = put(p, &gm->group);
		break;
	case OFPGC_INSERT_BUCKET:
	case OFPGC_REMOVE_BUCKET:
		error = change_buckets(p, gm);
		break;
	case OFPGC_DELETE:
		error = delete (p, g->group_id);
		break;
	}
	if (!error)
		flows_changed(p);
	return error;
}

void groups_flush(struct ofproto *p)
{
	group_table_clear(&p->groups);
}
