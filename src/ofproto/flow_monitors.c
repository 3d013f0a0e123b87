/* SPDX-License-Identifier: Apache-2.0 */
#include "ofproto/flow_monitors.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "ofproto/controllers.h"
#include "ofproto/flow_mod.h"
#include "openflow/match_codec.h"

enum {
	MAX_MONITORS = 1024,   // of one connection
	GATHER = 32 * 1024,    // news are sent at the latest when they are so many bytes
	PAUSE_AT = 512 * 1024, // so many bytes wait for the peer: news pause
};

struct monitor {
	uint32_t id;
	uint16_t flags; // enum ofp_flow_monitor_flags
	uint32_t out_port, out_group;
	uint8_t table_id;
	bool fresh; // the request that is being handled added it
	struct minimatch match;
};

struct flow_monitors {
	struct conn *conn;
	VEC(struct monitor) list;
	struct ofp_replies news; // begun when `gathering`
	bool gathering;
	uint64_t paused_at; // what changed since has not been told; 0: news flow
	uint32_t abbreviated_xid;
	bool abbreviated; // the message under way was told of in short
	struct loop_defer defer;
};

// --- Life.

struct flow_monitors *flow_monitors_new(struct conn *c)
{
	struct flow_monitors *fm = XNEW(struct flow_monitors);
	fm->conn = c;
	return fm;
}

static void monitor_done(struct monitor *m)
{
	minimatch_done(&m->match);
}

void flow_monitors_clear(struct flow_monitors *fm)
{
	VEC_FOREACH (&fm->list, i)
		monitor_done(&fm->list.v[i]);
	fm->conn->ofproto->n_monitors -= (unsigned int)fm->list.n;
	vec_done(&fm->list);
	if (fm->gathering)
		ofp_replies_done(&fm->news);
	fm->gathering = false;
	fm->paused_at = 0;
	loop_defer_cancel(&fm->defer);
}

void flow_monitors_free(struct flow_monitors *fm)
{
	if (!fm)
		return;
	flow_monitors_clear(fm);
	free(fm);
}

// --- Gathering and sending.

void flow_monitors_flush(struct flow_monitors *fm)
{
	if (!fm->gathering)
		return;
	fm->gathering = false;
	loop_defer_cancel(&fm->defer);
	ofp_replies_finish(&fm->news);
	ofconn_send(fm->conn->of, fm->news.buf.data, fm->news.buf.len);
	ofp_replies_done(&fm->news);
}

static void flush_later(void *fm)
{
	flow_monitors_flush(fm);
}

static void say_paused(struct flow_monitors *fm, bool paused)
{
	struct buf b = BUF_INIT;
	ofp_encode_flow_monitor_paused(&b, paused, ofconn_version(fm->conn->of));
	flow_monitors_flush(fm);
	ofconn_send(fm->conn->of, b.data, b.len);
	buf_done(&b);
}

static void append(struct flow_monitors *fm, const struct ofp_flow_update *u)
{
	struct conn *c = fm->conn;
	uint8_t version = ofconn_version(c->of);
	if (!fm->gathering) {
		ofp_flow_updates_init(&fm->news, version);
		fm->gathering = true;
		loop_defer(c->ofproto->system->loop, &fm->defer, flush_later, fm);
	}
	ofp_append_flow_update(&fm->news, version, u);
	if (fm->news.buf.len < GATHER)
		return;
	flow_monitors_flush(fm);
	if (ofconn_backlog(c->of) > PAUSE_AT && !fm->paused_at) {
		fm->paused_at = ++c->ofproto->change_seq;
		say_paused(fm, true);
	}
}

// --- Which changes a monitor sees.

static bool is_group(void *m, uint32_t id)
{
	return ((const struct monitor *)m)->out_group == id;
}

// Is a match at least as narrow as the other?
static bool is_within(const struct match *match, const struct match *wanted)
{
	const uint64_t *mask = flow_words_const(&match->mask),
		       *need = flow_words_const(&wanted->mask);
	const uint64_t *value = flow_words_const(&match->flow),
		       *has = flow_words_const(&wanted->flow);
	for (unsigned int i = 0, n = flow_n_words(&wanted->mask); i < n; i++)
		if (need[i] & ~mask[i] || (value[i] ^ has[i]) & need[i])
			return false;
	return true;
}

static bool concerns(struct monitor *m, const struct rule_actions *a)
{
	if (m->out_port != OFPP_NONE && !ofpacts_output_to(a->list, a->len, m->out_port))
		return false;
	return m->out_group == OFPG_ANY || !m->out_group ||
	       ofpacts_each_group(a->list, a->len, is_group, m);
}

static bool sees(struct monitor *m, const struct rule *r, const struct match *match,
		 const struct rule_actions *old)
{
	struct match wanted;
	if (m->table_id != OFPTT_ALL && m->table_id != r->table_id)
		return false;
	if (!concerns(m, r->actions) && !(old && concerns(m, old)))
		return false;
	minimatch_expand(&m->match, &wanted);
	return is_within(match, &wanted);
}

static uint16_t flag_of(enum ofp_flow_update_event event)
{
	switch (event) {
	case OFPFME_INITIAL:
		return OFPFMF_INITIAL;
	case OFPFME_ADDED:
		return OFPFMF_ADD;
	case OFPFME_REMOVED:
		return OFPFMF_DELETE;
	case OFPFME_MODIFIED:
		return OFPFMF_MODIFY;
	case OFPFME_ABBREV:
	case OFPFME_PAUSED:
	case OFPFME_RESUMED:
		break;
	}
	return 0;
}

static void fill(struct ofp_flow_update *u, const struct rule *r, bool actions)
{
	u->table_id = r->table_id;
	u->priority = (uint16_t)r->cls.priority;
	u->idle_timeout = r->idle_timeout;
	u->hard_timeout = r->hard_timeout;
	u->cookie = r->cookie;
	rule_match(r, &u->match);
	if (actions) {
		u->actions = r->actions->list;
		u->actions_len = r->actions->len;
	}
}

struct news {
	const struct rule *rule;
	struct match match;
	enum ofp_flow_update_event event;
	uint16_t reason;
	const struct rule_actions *old;
};

// The flags of all monitors that see it, together; 0: none does.
static uint16_t flags_for(struct flow_monitors *fm, const struct news *n)
{
	uint16_t flags = 0, wanted = flag_of(n->event);
	VEC_FOREACH (&fm->list, i)
		if (fm->list.v[i].flags & wanted &&
		    sees(&fm->list.v[i], n->rule, &n->match, n->old))
			flags |= fm->list.v[i].flags;
	return flags;
}

static void report(struct flow_monitors *fm, const struct news *n)
{
	struct conn *c = fm->conn;
	struct ofproto *p = c->ofproto;
	// While news pause, only that something is gone which the peer knows of.
	if (fm->paused_at && (n->event != OFPFME_REMOVED || n->rule->add_seq > fm->paused_at))
		return;
	uint16_t flags = flags_for(fm, n);
	if (!flags)
		return;
	struct ofp_flow_update u = {.event = n->event, .reason = n->reason};
	bool own = p->acting == c;
	if (own && !(flags & (OFPFMF_OWN | OFPFMF_OWN_14))) {
		if (fm->abbreviated && fm->abbreviated_xid == p->acting_xid)
			return;
		fm->abbreviated = true;
		fm->abbreviated_xid = p->acting_xid;
		u = (struct ofp_flow_update){.event = OFPFME_ABBREV, .xid = p->acting_xid};
	} else {
		fill(&u, n->rule, flags & OFPFMF_ACTIONS);
	}
	append(fm, &u);
}

static void report_to(struct conn *c, const void *news)
{
	if (c->monitors->list.n)
		report(c->monitors, news);
}

void flow_monitors_tell(struct ofproto *p, const struct rule *r, enum ofp_flow_update_event event,
			uint16_t reason, const struct rule_actions *old)
{
	struct news n = {.rule = r, .event = event, .reason = reason, .old = old};
	if (r->hidden || !p->n_monitors)
		return;
	rule_match(r, &n.match);
	controllers_for_each_conn(p->controllers, report_to, &n);
}

void flow_monitors_drained(struct flow_monitors *fm)
{
	struct ofproto *p = fm->conn->ofproto;
	uint64_t since = fm->paused_at;
	if (!since)
		return;
	struct rule_vec all = {0};
	fm->paused_at = 0;
	tables_collect(&p->tables, OFPTT_ALL, NULL, &all);
	VEC_FOREACH (&all, i) {
		const struct rule *r = all.v[i];
		if (r->hidden || r->modify_seq <= since)
			continue;
		struct news n = {.rule = r,
				 .event = r->add_seq > since ? OFPFME_ADDED : OFPFME_MODIFIED};
		rule_match(r, &n.match);
		report(fm, &n);
	}
	vec_done(&all);
	say_paused(fm, false);
}

// --- Requests.

static int monitor_index(const struct flow_monitors *fm, uint32_t id)
{
	VEC_FOREACH (&fm->list, i)
		if (fm->list.v[i].id == id)
			return (int)i;
	return -1;
}

static int remove_monitor(struct flow_monitors *fm, uint32_t id)
{
	int i = monitor_index(fm, id);
	if (i < 0)
		return OFPMOFC_UNKNOWN_MONITOR;
	monitor_done(&fm->list.v[i]);
	vec_swap_remove(&fm->list, (size_t)i);
	fm->conn->ofproto->n_monitors--;
	return 0;
}

static void append_initial(struct flow_monitors *fm, struct monitor *m, struct ofp_replies *r,
			   uint8_t version)
{
	const struct ofproto *p = fm->conn->ofproto;
	struct rule_vec rules = {0};
	struct match wanted, match;
	minimatch_expand(&m->match, &wanted);
	tables_collect(&p->tables, m->table_id, &wanted, &rules);
	VEC_FOREACH (&rules, i) {
		struct ofp_flow_update u = {.event = OFPFME_INITIAL};
		rule_match(rules.v[i], &match);
		if (rules.v[i]->hidden || !sees(m, rules.v[i], &match, NULL))
			continue;
		fill(&u, rules.v[i], m->flags & OFPFMF_ACTIONS);
		ofp_append_flow_update(r, version, &u);
	}
	vec_done(&rules);
}

static int add_monitor(struct flow_monitors *fm, const struct ofp_flow_monitor_request *r,
		       struct ofp_replies *replies, uint8_t version)
{
	if (monitor_index(fm, r->id) >= 0)
		return OFPMOFC_MONITOR_EXISTS;
	if (fm->list.n >= MAX_MONITORS)
		return OFPMOFC_UNKNOWN;
	if (r->table_id != OFPTT_ALL && r->table_id >= OFPROTO_N_TABLES)
		return OFPBRC_BAD_TABLE_ID;
	struct monitor m = {.id = r->id,
			    .flags = r->flags,
			    .out_port = r->out_port,
			    .out_group = r->out_group,
			    .table_id = r->table_id,
			    .fresh = true};
	struct match match;
	match_copy(&match, &r->match);
	int error = ofp_match_use_options(&match, fm->conn->ofproto->options);
	if (error)
		return error;
	minimatch_init(&m.match, &match);
	vec_push(&fm->list, m);
	fm->conn->ofproto->n_monitors++;
	if (m.flags & OFPFMF_INITIAL)
		append_initial(fm, &m, replies, version);
	return 0;
}

static int do_command(struct flow_monitors *fm, const struct ofp_flow_monitor_request *r,
		      struct ofp_replies *replies, uint8_t version)
{
	int error = 0;
	if (r->command != OFPFMC_ADD)
		error = remove_monitor(fm, r->id);
	if (!error && r->command != OFPFMC_DELETE)
		error = add_monitor(fm, r, replies, version);
	return error;
}

// Does what all parts say, one after the other.
static int each_command(struct conn *c, struct ofp_replies *replies)
{
	struct ofp_flow_monitor_request r;
	bool unknown = false;
	for (; c->part < c->n_parts; c->part++) {
		const struct ofp_msg *part = &c->parts[c->part];
		struct cursor body = part->body;
		int error;
		while (!(error = ofp_flow_monitor_request_pull(part, &body, &r))) {
			if (r.command > OFPFMC_DELETE)
				unknown = true; // the other faults are told of before
			else
				error = do_command(c->monitors, &r, replies, part->version);
			if (error)
				return error;
		}
		if (error != -ENODATA)
			return error;
	}
	c->part--;
	return unknown ? OFPMOFC_BAD_COMMAND : 0;
}

// What a request adds goes again if it fails; what it took away stays away.
static void end_request(struct flow_monitors *fm, bool keep)
{
	for (size_t i = fm->list.n; i--;) {
		struct monitor *m = &fm->list.v[i];
		if (m->fresh && !keep)
			(void)remove_monitor(fm, m->id);
		else
			m->fresh = false;
	}
}

int flow_monitor_request(struct conn *c, const struct ofp_msg *msg)
{
	struct ofp_replies replies = {0};
	ofp_replies_init(&replies, msg);
	int error = each_command(c, &replies);
	end_request(c->monitors, !error);
	if (!error)
		conn_send_replies(c, &replies, true);
	ofp_replies_done(&replies);
	return error;
}

int flow_monitor_cancel(struct conn *c, const struct ofp_msg *msg)
{
	uint32_t id;
	int error = ofp_decode_flow_monitor_cancel(msg, &id);
	return error ? error : remove_monitor(c->monitors, id);
}
