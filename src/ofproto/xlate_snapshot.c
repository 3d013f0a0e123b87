/* SPDX-License-Identifier: Apache-2.0 */
#include "ofproto/xlate_snapshot.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "dp/dp.h"
#include "flow/match.h"
#include "ofproto/ofproto.h"

enum { VLAN_BYTES = 4096 / 8 };

struct patch_counters *patch_counters_new(void)
{
	struct patch_counters *c = XNEW(struct patch_counters);
	c->refs = 1;
	return c;
}

struct patch_counters *patch_counters_ref(struct patch_counters *c)
{
	__atomic_fetch_add(&c->refs, 1, __ATOMIC_RELAXED);
	return c;
}

void patch_counters_unref(struct patch_counters *c)
{
	if (c && __atomic_fetch_sub(&c->refs, 1, __ATOMIC_ACQ_REL) == 1)
		free(c);
}

static uint64_t *copy_vlans(const uint64_t *bits)
{
	return bits ? xmemdup(bits, VLAN_BYTES) : NULL;
}

static void copy_bundle(struct xlate_bundle *b, const struct xlate_bundle_config *c,
			unsigned int index)
{
	b->c = *c;
	b->c.name = xstrdup(c->name);
	b->c.trunks = copy_vlans(c->trunks);
	b->c.cvlans = copy_vlans(c->cvlans);
	b->c.ports = c->n_ports ? xmemdup(c->ports, c->n_ports * sizeof(*c->ports)) : NULL;
	b->index = index;
}

static void free_bundle(struct xlate_bundle *b)
{
	free((void *)(uintptr_t)b->c.name);
	free((void *)(uintptr_t)b->c.trunks);
	free((void *)(uintptr_t)b->c.cvlans);
	free((void *)(uintptr_t)b->c.ports);
}

static void select_by(struct xlate_bridge *b, const struct xlate_mirror_config *c, uint64_t bit)
{
	for (unsigned int i = 0; i < b->n_bundles; i++) {
		if (c->src_bundles[i / 64] >> i % 64 & 1)
			b->bundles[i].src_mirrors |= bit;
		if (c->dst_bundles[i / 64] >> i % 64 & 1)
			b->bundles[i].dst_mirrors |= bit;
	}
}

static void copy_mirrors(struct xlate_bridge *b, const struct xlate_bridge_config *c)
{
	b->n_mirrors = c->n_mirrors;
	b->mirrors = xcalloc(c->n_mirrors, sizeof(*b->mirrors));
	for (unsigned int i = 0; i < c->n_mirrors; i++) {
		const struct xlate_mirror_config *mc = &c->mirrors[i];
		struct xlate_mirror *m = &b->mirrors[i];
		m->vlans = copy_vlans(mc->vlans);
		m->out_vlan = mc->out_vlan;
		m->snaplen = mc->snaplen;
		m->filter = mc->filter ? xmemdup(mc->filter, sizeof(*mc->filter)) : NULL;
		m->counters = patch_counters_ref(mc->counters);
		for (unsigned int k = 0; k < c->n_mirrors; k++)
			if (mc->out_bundle == c->mirrors[k].out_bundle &&
			    (mc->out_bundle >= 0 || mc->out_vlan == c->mirrors[k].out_vlan))
				m->same_destination |= UINT64_C(1) << k;
		if (mc->out_bundle >= 0) {
			m->out = &b->bundles[mc->out_bundle];
			b->bundles[mc->out_bundle].mirror_out = true;
		}
		select_by(b, mc, UINT64_C(1) << i);
	}
}

static void free_mirrors(struct xlate_bridge *b)
{
	for (unsigned int i = 0; i < b->n_mirrors; i++) {
		free(b->mirrors[i].vlans);
		free(b->mirrors[i].filter);
		patch_counters_unref(b->mirrors[i].counters);
	}
	free(b->mirrors);
}

static int compare_ports(const void *a, const void *b)
{
	const struct xlate_port *x = a, *y = b;
	return (x->ofp_port > y->ofp_port) - (x->ofp_port < y->ofp_port);
}

static void index_ports(struct xlate_bridge *b)
{
	uint32_t n = 4;
	while (n < b->n_ports * 2)
		n *= 2;
	b->port_slots = xcalloc(n, sizeof(*b->port_slots));
	b->slot_mask = n - 1;
	for (unsigned int i = 0; i < b->n_ports; i++) {
		uint32_t at = (uint32_t)hash_u64(b->ports[i].ofp_port) & b->slot_mask;
		while (b->port_slots[at])
			at = (at + 1) & b->slot_mask;
		b->port_slots[at] = (uint16_t)(i + 1);
	}
}

static struct xlate_bridge *bridge_new(const struct xlate_bridge_config *c, uint64_t id,
				       struct patch_counters *(*patch)(void *, uint64_t, uint32_t),
				       void *arg)
{
	struct xlate_bridge *b = XNEW(struct xlate_bridge);
	b->ofproto = c->ofproto;
	b->id = id;
	b->name = xstrdup(c->name);
	b->macs = c->macs;
	b->mcast = c->mcast;
	b->mcast_flood_unregistered = c->mcast_flood_unregistered;
	b->flood_vlans = copy_vlans(c->flood_vlans);
	b->forward_bpdu = c->forward_bpdu;
	b->default_miss = c->default_miss;
	b->frag = c->frag;
	b->vlan_limit = c->vlan_limit;
	b->max_resubmits = c->max_resubmits;
	b->max_depth = c->max_depth;
	b->n_bundles = c->n_bundles;
	b->bundles = xcalloc(c->n_bundles, sizeof(*b->bundles));
	for (unsigned int i = 0; i < c->n_bundles; i++) {
		copy_bundle(&b->bundles[i], &c->bundles[i], i);
		b->looks_inside |= c->bundles[i].vlan_mode == VLAN_DOT1Q_TUNNEL ||
				   c->bundles[i].vlan_mode == VLAN_ACCESS;
	}
	copy_mirrors(b, c);
	b->n_ports = c->n_ports;
	b->ports = xcalloc(c->n_ports, sizeof(*b->ports));
	for (unsigned int i = 0; i < c->n_ports; i++) {
		const struct xlate_port_config *pc = &c->ports[i];
		struct xlate_port *p = &b->ports[i];
		p->ofp_port = pc->ofp_port;
		p->dp_port = pc->dp_port;
		p->config = pc->config;
		p->up = pc->up;
		p->name = xstrdup(pc->name);
		p->peer = pc->peer ? ofproto_id(pc->peer) : 0;
		p->peer_port = pc->peer_port;
		p->bundle = pc->bundle >= 0 ? &b->bundles[pc->bundle] : NULL;
		p->patch = pc->dp_port == DP_PORT_NONE
				   ? patch_counters_ref(patch(arg, id, pc->ofp_port))
				   : NULL;
		p->bridge = b;
	}
	qsort(b->ports, b->n_ports, sizeof(*b->ports), compare_ports);
	index_ports(b);
	return b;
}

static void bridge_unref(struct xlate_bridge *b)
{
	if (__atomic_sub_fetch(&b->refs, 1, __ATOMIC_ACQ_REL))
		return;
	for (unsigned int i = 0; i < b->n_ports; i++) {
		free(b->ports[i].name);
		patch_counters_unref(b->ports[i].patch);
	}
	for (unsigned int i = 0; i < b->n_bundles; i++)
		free_bundle(&b->bundles[i]);
	free_mirrors(b);
	free(b->ports);
	free(b->bundles);
	free(b->port_slots);
	free(b->flood_vlans);
	free(b->name);
	free(b);
}

static int compare_bridges(const void *a_, const void *b_)
{
	const struct xlate_bridge *const *a = a_, *const *b = b_;
	return ((*a)->id > (*b)->id) - ((*a)->id < (*b)->id);
}

static void index_dp_ports(struct xlate_snapshot *s)
{
	for (unsigned int i = 0; i < s->n_bridges; i++)
		for (unsigned int k = 0; k < s->bridges[i]->n_ports; k++) {
			uint32_t port = s->bridges[i]->ports[k].dp_port;
			if (port != DP_PORT_NONE && port >= s->n_dp_ports)
				s->n_dp_ports = port + 1;
		}
	s->dp_ports = xcalloc(s->n_dp_ports, sizeof(*s->dp_ports));
	for (unsigned int i = 0; i < s->n_bridges; i++)
		for (unsigned int k = 0; k < s->bridges[i]->n_ports; k++) {
			const struct xlate_port *p = &s->bridges[i]->ports[k];
			if (p->dp_port != DP_PORT_NONE)
				s->dp_ports[p->dp_port] = p;
		}
}

struct xlate_snapshot *
xlate_snapshot_with(const struct xlate_snapshot *old, uint64_t id,
		    const struct xlate_bridge_config *config,
		    struct patch_counters *(*patch)(void *, uint64_t, uint32_t), void *arg)
{
	struct xlate_snapshot *s = XNEW(struct xlate_snapshot);
	s->bridges = xcalloc((old ? old->n_bridges : 0) + 1, sizeof(struct xlate_bridge *));
	for (unsigned int i = 0; old && i < old->n_bridges; i++)
		if (old->bridges[i]->id != id)
			s->bridges[s->n_bridges++] = old->bridges[i];
	if (config)
		s->bridges[s->n_bridges++] = bridge_new(config, id, patch, arg);
	for (unsigned int i = 0; i < s->n_bridges; i++)
		__atomic_add_fetch(&((struct xlate_bridge *)(uintptr_t)s->bridges[i])->refs, 1,
				   __ATOMIC_RELAXED);
	qsort(s->bridges, s->n_bridges, sizeof(struct xlate_bridge *), compare_bridges);
	index_dp_ports(s);
	return s;
}

void xlate_snapshot_free(void *s_)
{
	struct xlate_snapshot *s = s_;
	if (!s)
		return;
	for (unsigned int i = 0; i < s->n_bridges; i++)
		bridge_unref((struct xlate_bridge *)(uintptr_t)s->bridges[i]);
	free(s->bridges);
	free(s->dp_ports);
	free(s);
}

const struct xlate_bridge *xlate_snapshot_bridge(const struct xlate_snapshot *s, uint64_t id)
{
	unsigned int low = 0, high = s ? s->n_bridges : 0;
	while (low < high) {
		unsigned int mid = (low + high) / 2;
		if (s->bridges[mid]->id < id)
			low = mid + 1;
		else
			high = mid;
	}
	return s && low < s->n_bridges && s->bridges[low]->id == id ? s->bridges[low] : NULL;
}

const struct xlate_bridge *xlate_snapshot_by_name(const struct xlate_snapshot *s, const char *name)
{
	for (unsigned int i = 0; s && i < s->n_bridges; i++)
		if (!strcmp(s->bridges[i]->name, name))
			return s->bridges[i];
	return NULL;
}

const struct xlate_port *xlate_bridge_port(const struct xlate_bridge *b, uint32_t ofp_port)
{
	uint32_t at = (uint32_t)hash_u64(ofp_port) & b->slot_mask;
	for (; b->port_slots[at]; at = (at + 1) & b->slot_mask) {
		const struct xlate_port *p = &b->ports[b->port_slots[at] - 1];
		if (p->ofp_port == ofp_port)
			return p;
	}
	return NULL;
}

const struct xlate_port *xlate_snapshot_dp_port(const struct xlate_snapshot *s, uint32_t dp_port)
{
	return s && dp_port < s->n_dp_ports ? s->dp_ports[dp_port] : NULL;
}
