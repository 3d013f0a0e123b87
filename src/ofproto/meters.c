/* SPDX-License-Identifier: Apache-2.0 */
// Meters and the messages about them.
#include "ofproto/meters.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/rcu.h"
#include "flow/match.h"
#include "ofproto/conn.h"
#include "ofproto/flow_mod.h"
#include "ofproto/xlate.h"

enum { MAX_METERS = 262144 };

// --- The table.

static struct ofmeter **chain_of(const struct ofmeter_table *t, uint32_t id)
{
	return (struct ofmeter **)(uintptr_t)&t->chain[hash_u64(id) % METER_CHAINS];
}

struct ofmeter *ofmeter_find(const struct ofmeter_table *t, uint32_t id)
{
	for (struct ofmeter *m = rcu_get(chain_of(t, id)); m; m = rcu_get(&m->next))
		if (m->m.meter_id == id)
			return m;
	return NULL;
}

bool ofproto_meter_lookup(const struct ofproto *p, uint32_t id, uint32_t *dp_id)
{
	const struct ofmeter *m = ofmeter_find(&p->meters, id);
	if (m)
		*dp_id = m->dp_id;
	return m;
}

static int compare_ids(const void *a_, const void *b_)
{
	const struct ofmeter *const *a = a_, *const *b = b_;
	return ((*a)->m.meter_id > (*b)->m.meter_id) - ((*a)->m.meter_id < (*b)->m.meter_id);
}

struct meter_vec {
	VEC(struct ofmeter *) of;
};

// By rising id.
static void collect(const struct ofmeter_table *t, struct meter_vec *all)
{
	for (unsigned int i = 0; i < METER_CHAINS; i++)
		for (struct ofmeter *m = t->chain[i]; m; m = m->next)
			vec_push(&all->of, m);
	if (all->of.n)
		qsort(all->of.v, all->of.n, sizeof(*all->of.v), compare_ids);
}

static void free_meter(void *m_)
{
	struct ofmeter *m = m_;
	ofp_meter_done(&m->m);
	free(m);
}

static void remove_meter(struct ofproto *p, struct ofmeter *m)
{
	struct ofmeter **link = chain_of(&p->meters, m->m.meter_id);
	while (*link != m)
		link = &(*link)->next;
	rcu_assign(link, m->next);
	p->meters.n--;
	(void)dp_meter_del(backer_dp(p->backer), m->dp_id);
	rcu_free_later(m, free_meter);
}

void meters_flush(struct ofproto *p)
{
	for (unsigned int i = 0; i < METER_CHAINS; i++)
		while (p->meters.chain[i])
			remove_meter(p, p->meters.chain[i]);
}

// --- Who uses them.

static bool uses(const void *list, size_t n, uint32_t id)
{
	OFPACT_FOREACH (a, list, n)
		if (a->type == OFPACT_METER &&
		    ((const struct ofpact_meter *)(const void *)a)->meter_id == id)
			return true;
	return false;
}

int meters_check_actions(const struct ofproto *p, const void *list, size_t n)
{
	OFPACT_FOREACH (a, list, n) {
		size_t inner_len;
		const struct ofpact *inner = ofpact_nested(a, &inner_len);
		if (a->type == OFPACT_METER &&
		    !ofmeter_find(&p->meters,
				  ((const struct ofpact_meter *)(const void *)a)->meter_id))
			return OFPMMFC_INVALID_METER;
		if (inner && meters_check_actions(p, inner, inner_len))
			return OFPMMFC_INVALID_METER;
	}
	return 0;
}

static void collect_users(const struct ofproto *p, uint32_t id, struct rule_vec *out)
{
	struct rule_vec all = {0};
	tables_collect(&p->tables, OFPTT_ALL, NULL, &all);
	VEC_FOREACH (&all, i)
		if (uses(all.v[i]->actions->list, all.v[i]->actions->len, id))
			vec_push(out, all.v[i]);
	vec_done(&all);
}

// --- Changing.

// A band without a burst has one of a second's traffic.
static void default_bursts(struct ofp_meter *m)
{
	VEC_FOREACH (&m->bands, i)
		if (!m->bands.v[i].burst_size)
			m->bands.v[i].burst_size = m->bands.v[i].rate;
}

static void configure(struct ofproto *p, const struct ofmeter *m)
{
	struct dp_meter_config c = {.packets = m->m.flags & OFPMF_PKTPS,
				    .n_bands = (unsigned int)m->m.bands.n};
	VEC_FOREACH (&m->m.bands, i) {
		const struct ofp_meter_band *b = &m->m.bands.v[i];
		c.bands[i] = (struct dp_meter_band){
			.remark = b->type == OFPMBT_DSCP_REMARK,
			.prec_level = b->prec_level,
			.rate = b->rate,
			.burst = m->m.flags & OFPMF_BURST ? b->burst_size : 0};
	}
	(void)dp_meter_set(backer_dp(p->backer), m->dp_id, &c);
}

static int check_id(uint32_t id)
{
	bool special = id == OFPM_CONTROLLER || id == OFPM_SLOWPATH;
	return !id || (id > OFPM_MAX && !special) ? OFPMMFC_INVALID_METER : 0;
}

// Is it one that the datapath can do?
static int check_config(const struct ofp_meter *m)
{
	enum { KNOWN = OFPMF_KBPS | OFPMF_PKTPS | OFPMF_BURST | OFPMF_STATS };
	if (!(m->flags & (OFPMF_KBPS | OFPMF_PKTPS)))
		return OFPMMFC_BAD_FLAGS;
	if (!m->bands.n || m->bands.n > DP_METER_MAX_BANDS)
		return OFPMMFC_OUT_OF_BANDS;
	VEC_FOREACH (&m->bands, i)
		if (!m->bands.v[i].rate)
			return OFPMMFC_BAD_RATE;
	return m->flags & ~KNOWN ? OFPMMFC_BAD_FLAGS : 0;
}

// Takes the meter's bands.
static int add_meter(struct ofproto *p, struct ofp_meter *m)
{
	if (ofmeter_find(&p->meters, m->meter_id))
		return OFPMMFC_METER_EXISTS;
	if (p->meters.n >= MAX_METERS)
		return OFPMMFC_OUT_OF_METERS;
	int error = check_config(m);
	if (error)
		return error;
	struct ofmeter *new = XNEW(struct ofmeter), **chain = chain_of(&p->meters, m->meter_id);
	default_bursts(m);
	new->m = *m;
	memset(m, 0, sizeof(*m));
	new->dp_id = backer_new_meter(p->backer);
	new->created = clock_ms();
	new->next = *chain;
	configure(p, new);
	rcu_assign(chain, new);
	p->meters.n++;
	if (new->m.meter_id > OFPM_MAX) // others than flows use it
		xlate_bump(p->backer);
	return 0;
}

static int modify_meter(struct ofproto *p, struct ofp_meter *m)
{
	struct ofmeter *old = ofmeter_find(&p->meters, m->meter_id);
	if (!old)
		return OFPMMFC_UNKNOWN_METER;
	int error = check_config(m);
	if (error)
		return error;
	default_bursts(m);
	ofp_meter_done(&old->m);
	old->m.flags = m->flags; // not the id, which others are reading
	memcpy(&old->m.bands, &m->bands, sizeof(m->bands));
	memset(m, 0, sizeof(*m));
	configure(p, old);
	return 0;
}

static void delete_meter(struct ofproto *p, struct ofmeter *m)
{
	struct rule_vec users = {0};
	collect_users(p, m->m.meter_id, &users);
	flows_delete(p, &users, OFPRR_METER_DELETE);
	vec_done(&users);
	remove_meter(p, m);
	xlate_bump(p->backer); // others than flows use it, too
}

static void delete_meters(struct ofproto *p, uint32_t id)
{
	struct ofmeter *one = ofmeter_find(&p->meters, id);
	struct meter_vec all = {0};
	if (id == OFPM_ALL)
		collect(&p->meters, &all);
	else if (one)
		vec_push(&all.of, one);
	VEC_FOREACH (&all.of, i)
		delete_meter(p, all.of.v[i]);
	vec_done(&all.of);
}

int meter_mod(struct conn *c, const struct ofp_msg *msg)
{
	struct ofp_meter_mod mm;
	int error = ofp_decode_meter_mod(msg, &mm);
	if (!error && mm.command != OFPMC_DELETE)
		error = check_id(mm.meter.meter_id);
	if (!error) {
		switch (mm.command) {
		case OFPMC_ADD:
			error = add_meter(c->ofproto, &mm.meter);
			break;
		case OFPMC_MODIFY:
			error = modify_meter(c->ofproto, &mm.meter);
			break;
		case OFPMC_DELETE:
			delete_meters(c->ofproto, mm.meter.meter_id);
			break;
		}
	}
	if (!error)
		forward_request(c, msg);
	ofp_meter_done(&mm.meter);
	return error;
}

// --- Reading.

static void append_config(struct ofproto *p, struct ofp_replies *replies, const struct ofmeter *m)
{
	(void)p;
	ofp_append_meter_config(replies, &m->m);
}

static void append_stats(struct ofproto *p, struct ofp_replies *replies, const struct ofmeter *m)
{
	struct dp_meter_stats dp = {0};
	struct ofp_band_stats bands[DP_METER_MAX_BANDS];
	struct rule_vec users = {0};
	int64_t age = clock_ms() - m->created;
	(void)dp_meter_get(backer_dp(p->backer), m->dp_id, &dp);
	collect_users(p, m->m.meter_id, &users);
	VEC_FOREACH (&m->m.bands, i)
		bands[i] = (struct ofp_band_stats){dp.band[i].packets, dp.band[i].bytes};
	struct ofp_meter_stats s = {
		.meter_id = m->m.meter_id,
		.flow_count = (uint32_t)users.n,
		.packets = dp.packets,
		.bytes = dp.bytes,
		.duration_s = (uint32_t)(age / 1000),
		.duration_ns = (uint32_t)(age % 1000) * 1000000,
		.bands = bands,
		.n_bands = m->m.bands.n,
	};
	ofp_append_meter_stats(replies, &s);
	vec_done(&users);
}

int meter_request(struct conn *c, const struct ofp_msg *msg)
{
	uint32_t id;
	struct ofp_replies replies;
	struct meter_vec all = {0};
	int error = ofp_decode_meter_request(msg, &id);
	if (error)
		return error;
	struct ofmeter *one = ofmeter_find(&c->ofproto->meters, id);
	if (id == OFPM_ALL)
		collect(&c->ofproto->meters, &all);
	else if (one)
		vec_push(&all.of, one);
	else
		return OFPMMFC_UNKNOWN_METER;
	ofp_replies_init(&replies, msg);
	VEC_FOREACH (&all.of, i)
		(msg->type == OFPTYPE_METER_STATS_REQUEST ? append_stats : append_config)(
			c->ofproto, &replies, all.of.v[i]);
	conn_send_replies(c, &replies, true);
	ofp_replies_done(&replies);
	vec_done(&all.of);
	return 0;
}

int meter_features_request(struct conn *c, const struct ofp_msg *msg)
{
	struct ofp_meter_features f = {
		.max_meters = MAX_METERS,
		.band_types = 1 << OFPMBT_DROP | 1 << OFPMBT_DSCP_REMARK,
		.capabilities = OFPMF_KBPS | OFPMF_PKTPS | OFPMF_BURST | OFPMF_STATS,
		.max_bands = DP_METER_MAX_BANDS,
	};
	struct buf b = BUF_INIT;
	ofp_encode_meter_features_reply(&b, msg, &f);
	conn_send(c, &b);
	buf_done(&b);
	return 0;
}
