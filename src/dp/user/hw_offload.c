/* SPDX-License-Identifier: Apache-2.0 */
#include "dp/user/hw_offload.h"

#include <rte_flow.h>
#include <stdlib.h>
#include <uthash.h>

#include "base/str.h"
#include "dp/user/rte_rule.h"
#include "dp/user/user.h"

enum {
	SWEEP_MS = 1000,
	SWEEP_FLOWS = 20000, // of the table at once
	MIN_PACKETS = 32,    // of a megaflow that is worth a rule
	MAX_RULES = 32768,
	MAX_REFUSALS = 8, // of a port, before anything was accepted
};

struct rule {
	uint32_t number; // of the megaflow
	struct uuid ufid; // numbers are used again
	uint32_t dp_port;
	uint16_t device;
	struct rte_flow *flow;
	uint64_t seen; // the round in which the megaflow was last there
	UT_hash_handle hh;
};

struct device {
	uint32_t dp_port;
	unsigned int accepted, refused;
	UT_hash_handle hh;
};

struct hw_offload {
	struct dp_user *dp;
	bool on;
	struct loop_timer timer;
	uint64_t position, round;
	struct rule *rules;	// by number
	struct device *devices; // by port
	uint64_t n_added, n_refused, n_unsaid;
};

static void rule_remove(struct hw_offload *o, struct rule *r)
{
	struct rte_flow_error why;
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

// Also of a rule that was refused, so that it is not tried again: its `flow` is NULL.
static void rule_add(struct hw_offload *o, const struct megaflow *f, const struct flow *key, const struct flow *mask)
{
	const struct dp_port *port = key->in_port < o->dp->ports_end ? o->dp->ports[key->in_port] : NULL;
	int device = port ? netdev_flow_port(port->netdev) : -1;
	if (device < 0 || HASH_COUNT(o->rules) >= MAX_RULES)
		return;
	struct device *d = device_of(o, port->number);
	if (!d->accepted && d->refused >= MAX_REFUSALS)
		return;
	struct rte_rule rule;
	struct rte_flow_error why;
	static const struct rte_flow_attr ingress = {.ingress = 1};
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
	r->flow = rte_flow_create(r->device, &ingress, rule.items, rule.actions, &why);
	if (r->flow) {
		d->accepted++;
		o->n_added++;
	} else {
		d->refused++;
		o->n_refused++;
	}
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
		if (r->dp_port == port->number)
			rule_remove(o, r);
	HASH_FIND(hh, o->devices, &port->number, sizeof(port->number), d);
	if (d) {
		HASH_DEL(o->devices, d);
		free(d);
	}
}

bool hw_offload_has(const struct hw_offload *o, const struct megaflow *f)
{
	struct rule *r;
	HASH_FIND(hh, o->rules, &f->number, sizeof(f->number), r);
	if (!r || !r->flow)
		return false;
	struct uuid ufid = megaflow_ufid(o->dp->flows, f);
	return uuid_equal(&r->ufid, &ufid);
}

void hw_offload_format(const struct hw_offload *o, struct str *s)
{
	unsigned int live = 0;
	for (const struct rule *r = o->rules; r; r = r->hh.next)
		live += r->flow != NULL;
	str_addf(s, "HW Offload stats:\n   Total Enqueued offloads: %20d\n   Total Inserted offloads: %20u\n", 0, live);
	str_addf(s, "   Rules added:             %20ju\n   Rules refused by cards:  %20ju\n   Flows that have no rule: %20ju\n",
		 (uintmax_t)o->n_added, (uintmax_t)o->n_refused, (uintmax_t)o->n_unsaid);
}
