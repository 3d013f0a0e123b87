/* SPDX-License-Identifier: Apache-2.0 */
#include "dp/user/hw_offload.h"

#include <rte_errno.h>
#include <rte_flow.h>
#include <stdlib.h>
#include <uthash.h>

#include "base/log.h"
#include "base/str.h"
#include "dp/user/program.h"
#include "dp/user/rte_forward.h"
#include "dp/user/rte_rule.h"
#include "dp/user/user.h"

LOG_MODULE(dpif_netdev);

enum {
	SWEEP_MS = 1000,
	SWEEP_FLOWS = 20000, // of the table at once
	MIN_PACKETS = 32,    // of a megaflow that is worth a rule
	MAX_RULES = 32768,
	MAX_REFUSALS = 8, // of a port, before anything was accepted
};

struct rule {
	uint32_t number;  // of the megaflow
	struct uuid ufid; // numbers are used again
	uint32_t dp_port;
	uint16_t device;
	struct rte_flow *flow;
	bool whole, forwards;	 // the card carries it out, and to out_port; else drops
	uint32_t out_port;	 // of the datapath
	uint64_t packets, bytes; // that were added to the main thread's counters
	uint64_t seen;		 // the round in which the megaflow was last there
	UT_hash_handle hh;
};

struct device {
	uint32_t dp_port;
	struct {
		unsigned int accepted, refused;
		bool told; // the log, why
	} marks, wholes;
	UT_hash_handle hh;
};

struct hw_offload {
	struct dp_user *dp;
	bool on;
	struct loop_timer timer;
	uint64_t position, round;
	struct rule *rules;	// by number
	struct device *devices; // by port
	uint64_t n_added, n_refused, n_unsaid, n_wholes, n_wholes_refused, n_not_whole, packets;
};

// Adds what a card counted since to the main thread's counters. The megaflow is there, or its
// counters are not final yet.
static void count_back(struct hw_offload *o, struct rule *r)
{
	static const struct rte_flow_action count[] = {{.type = RTE_FLOW_ACTION_TYPE_COUNT},
						       {.type = RTE_FLOW_ACTION_TYPE_END}};
	struct rte_flow_query_count now = {0};
	struct rte_flow_error why;
	if (!r->whole || rte_flow_query(r->device, r->flow, count, &now, &why) || !now.hits_set ||
	    now.hits == r->packets)
		return;
	uint64_t packets = now.hits - r->packets, bytes = now.bytes_set ? now.bytes - r->bytes : 0;
	struct dp_thread *t = o->dp->main;
	struct flow_counter *c = flow_counter_at(t->counters, r->number);
	__atomic_store_n(&c->packets, c->packets + packets, __ATOMIC_RELAXED);
	__atomic_store_n(&c->bytes, c->bytes + bytes, __ATOMIC_RELAXED);
	__atomic_store_n(&c->used, flow_table_now(o->dp->flows), __ATOMIC_RELAXED);
	if (!r->forwards)
		dp_stat_add(&t->stats.drops[DP_DROP_NO_ACTIONS], packets);
	r->packets += packets;
	r->bytes += bytes;
	o->packets += packets;
}

static void rule_remove(struct hw_offload *o, struct rule *r)
{
	struct rte_flow_error why;
	count_back(o, r);
	if (r->flow)
		(void)rte_flow_destroy(r->device, r->flow, &why);
	HASH_DEL(o->rules, r);
	free(r);
}

static struct device *device_of(struct hw_offload *o, uint32_t dp_port)
{
	struct device *d;
	HASH_FIND(hh, o->devices, &dp_port, sizeof(dp_port), d);
	if (d)
		return d;
	d = XNEW(struct device);
	d->dp_port = dp_port;
	HASH_ADD(hh, o->devices, dp_port, sizeof(dp_port), d);
	return d;
}

static int device_number(void *o_, uint32_t dp_port)
{
	const struct hw_offload *o = o_;
	const struct dp_port *port = dp_port < o->dp->ports_end ? o->dp->ports[dp_port] : NULL;
	return port ? netdev_flow_port(port->netdev) : -1;
}

static void tell(bool *told, const struct dp_port *port, const char *what,
		 const struct rte_flow_error *why)
{
	if (!*told)
		log_info("port %s: its network card does not %s (%s): the switch does it",
			 netdev_name(port->netdev), what,
			 why->message ? why->message : rte_strerror(rte_errno));
	*told = true;
}

// A rule by which the card does all. False: it cannot be, or the card refuses.
static bool add_whole(struct hw_offload *o, struct rule *r, struct device *d,
		      const struct dp_port *port, struct rte_rule *pattern,
		      const struct program *program)
{
	struct rte_forward f;
	struct rte_flow_error why = {0};
	if (!d->wholes.accepted && d->wholes.refused >= MAX_REFUSALS)
		return false;
	if (rte_forward_of_actions(&f, program->actions, program->actions_len, device_number, o)) {
		o->n_not_whole++;
		return false;
	}
	r->flow = rte_flow_create(r->device, &f.attr, pattern->items, f.actions, &why);
	if (!r->flow && rte_forward_by_port_id(&f))
		r->flow = rte_flow_create(r->device, &f.attr, pattern->items, f.actions, &why);
	r->whole = r->flow != NULL;
	r->forwards = f.forwards;
	r->out_port = f.out_port;
	d->wholes.accepted += r->whole;
	d->wholes.refused += !r->whole;
	o->n_wholes += r->whole;
	o->n_wholes_refused += !r->whole;
	if (!r->whole)
		tell(&d->wholes.told, port, "forward by itself", &why);
	return r->whole;
}

static void add_mark(struct hw_offload *o, struct rule *r, struct device *d,
		     const struct dp_port *port, const struct rte_rule *rule)
{
	static const struct rte_flow_attr ingress = {.ingress = 1};
	struct rte_flow_error why = {0};
	if (!d->marks.accepted && d->marks.refused >= MAX_REFUSALS)
		return;
	r->flow = rte_flow_create(r->device, &ingress, rule->items, rule->actions, &why);
	d->marks.accepted += r->flow != NULL;
	d->marks.refused += !r->flow;
	o->n_added += r->flow != NULL;
	o->n_refused += !r->flow;
	if (!r->flow)
		tell(&d->marks.told, port, "mark packets", &why);
}

static bool is_hopeless(const struct device *d)
{
	return !d->marks.accepted && d->marks.refused >= MAX_REFUSALS && !d->wholes.accepted &&
	       d->wholes.refused >= MAX_REFUSALS;
}

// Also of a rule that was refused, so that it is not tried again: its `flow` is NULL.
static void rule_add(struct hw_offload *o, const struct megaflow *f, const struct flow *key,
		     const struct flow *mask)
{
	const struct dp_port *port =
		key->in_port < o->dp->ports_end ? o->dp->ports[key->in_port] : NULL;
	int device = port ? netdev_flow_port(port->netdev) : -1;
	if (device < 0 || HASH_COUNT(o->rules) >= MAX_RULES)
		return;
	struct device *d = device_of(o, port->number);
	if (is_hopeless(d))
		return;
	struct rte_rule rule;
	struct rule *r = XNEW(struct rule);
	r->number = f->number;
	r->ufid = megaflow_ufid(o->dp->flows, f);
	r->dp_port = port->number;
	r->device = (uint16_t)device;
	r->seen = o->round;
	HASH_ADD(hh, o->rules, number, sizeof(r->number), r);
	if (!rte_rule_of_flow(&rule, key, mask, f->number + 1, port->n_rxqs)) {
		o->n_unsaid++;
		return;
	}
	struct rte_rule exact;
	bool whole = rte_rule_of_flow(&exact, key, mask, 0, port->n_rxqs) &&
		     rte_rule_make_exact(&exact, key, mask) &&
		     add_whole(o, r, d, port, &exact,
			       rcu_get(&((struct megaflow *)(uintptr_t)f)->program));
	if (!whole)
		add_mark(o, r, d, port, &rule);
}

static void look_at(struct hw_offload *o, const struct megaflow *f)
{
	struct rule *r;
	HASH_FIND(hh, o->rules, &f->number, sizeof(f->number), r);
	struct uuid ufid = megaflow_ufid(o->dp->flows, f);
	if (r && !uuid_equal(&r->ufid, &ufid)) {
		rule_remove(o, r);
		r = NULL;
	}
	if (r) {
		r->seen = o->round;
		count_back(o, r);
		return;
	}
	struct dp_flow_stats stats;
	flow_table_get_stats(o->dp->flows, f, &stats);
	if (stats.packets < MIN_PACKETS)
		return;
	struct dp_key whole;
	struct flow key, mask;
	megaflow_key(f, &whole);
	key_to_flow(&whole, &f->subtable->mask, f->full_layout, &key, &mask);
	rule_add(o, f, &key, &mask);
}

static void forget_unseen(struct hw_offload *o)
{
	struct rule *r, *next;
	HASH_ITER (hh, o->rules, r, next)
		if (r->seen != o->round)
			rule_remove(o, r);
	o->round++;
}

static void sweep(void *arg)
{
	struct hw_offload *o = arg;
	for (unsigned int i = 0; i < SWEEP_FLOWS; i++) {
		const struct megaflow *f = flow_table_next(o->dp->flows, &o->position);
		if (!f) {
			forget_unseen(o);
			o->position = 0;
			break;
		}
		look_at(o, f);
	}
	loop_timer_set_in(&o->timer, SWEEP_MS);
}

struct hw_offload *hw_offload_new(struct dp_user *dp)
{
	struct hw_offload *o = XNEW(struct hw_offload);
	o->dp = dp;
	loop_timer_init(&o->timer, dp->loop, sweep, o);
	return o;
}

static void forget_all(struct hw_offload *o)
{
	struct rule *r, *next_rule;
	struct device *d, *next_device;
	HASH_ITER (hh, o->rules, r, next_rule)
		rule_remove(o, r);
	HASH_ITER (hh, o->devices, d, next_device) {
		HASH_DEL(o->devices, d);
		free(d);
	}
}

void hw_offload_free(struct hw_offload *o)
{
	loop_timer_cancel(&o->timer);
	forget_all(o);
	free(o);
}

void hw_offload_enable(struct hw_offload *o, bool on)
{
	if (on == o->on)
		return;
	o->on = on;
	o->position = 0;
	if (on) {
		loop_timer_set_in(&o->timer, SWEEP_MS);
	} else {
		loop_timer_cancel(&o->timer);
		forget_all(o);
	}
}

void hw_offload_port_stops(struct hw_offload *o, const struct dp_port *port)
{
	struct rule *r, *next;
	struct device *d;
	HASH_ITER (hh, o->rules, r, next)
		if (r->dp_port == port->number || (r->forwards && r->out_port == port->number))
			rule_remove(o, r);
	HASH_FIND(hh, o->devices, &port->number, sizeof(port->number), d);
	if (d) {
		HASH_DEL(o->devices, d);
		free(d);
	}
}

static struct rule *find(const struct hw_offload *o, const struct megaflow *f)
{
	struct rule *r;
	HASH_FIND(hh, o->rules, &f->number, sizeof(f->number), r);
	if (!r || !r->flow)
		return NULL;
	struct uuid ufid = megaflow_ufid(o->dp->flows, f);
	return uuid_equal(&r->ufid, &ufid) ? r : NULL;
}

enum dp_offloaded hw_offload_of(const struct hw_offload *o, const struct megaflow *f)
{
	const struct rule *r = find(o, f);
	return !r ? DP_OFFLOADED_NOT : r->whole ? DP_OFFLOADED : DP_OFFLOADED_PARTIALLY;
}

void hw_offload_flow_changes(struct hw_offload *o, const struct megaflow *f)
{
	struct rule *r = find(o, f);
	if (r && r->whole)
		rule_remove(o, r);
}

void hw_offload_flush(struct hw_offload *o)
{
	struct rule *r, *next;
	HASH_ITER (hh, o->rules, r, next)
		rule_remove(o, r);
}

void hw_offload_format(const struct hw_offload *o, struct str *s)
{
	unsigned int live = 0, wholes = 0;
	for (const struct rule *r = o->rules; r; r = r->hh.next) {
		live += r->flow != NULL;
		wholes += r->whole;
	}
	const struct {
		const char *name;
		uint64_t value;
	} lines[] = {
		{"Total Enqueued offloads:", 0}, // there is no queue
		{"Total Inserted offloads:", live},
		{"Forwarded by cards:", wholes},
		{"Packets forwarded by them:", o->packets},
		{"Rules added:", o->n_added + o->n_wholes},
		{"Rules refused by cards:", o->n_refused},
		{"Forwarding refused:", o->n_wholes_refused},
		{"Flows cards only mark:", o->n_not_whole},
		{"Flows that have no rule:", o->n_unsaid},
	};
	str_add(s, "HW Offload stats:\n");
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		str_addf(s, "   %-25s%20ju\n", lines[i].name, (uintmax_t)lines[i].value);
}
