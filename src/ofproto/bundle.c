/* SPDX-License-Identifier: Apache-2.0 */
#include "ofproto/internal.h"

#include <stdlib.h>
#include <string.h>

enum { VLAN_BITMAP_BYTES = 4096 / 8 };

static uint64_t *vlans_copy(const uint64_t *vlans)
{
	return vlans ? xmemdup(vlans, VLAN_BITMAP_BYTES) : NULL;
}

static bool vlans_equal(const uint64_t *a, const uint64_t *b)
{
	return a && b ? !memcmp(a, b, VLAN_BITMAP_BYTES) : a == b;
}

// The configuration names them all in their order, each time: so each is most often the one behind
// that was asked for last.
static struct bundle *find(struct ofproto *p, const void *aux, size_t *at)
{
	for (size_t n = 0; n < p->bundles.n; n++) {
		size_t i = (p->bundle_hint + n) % p->bundles.n;
		if (p->bundles.v[i]->aux != aux)
			continue;
		p->bundle_hint = i + 1;
		*at = i;
		return p->bundles.v[i];
	}
	return NULL;
}

static bool same_config(const struct bundle *b, const struct ofproto_bundle_config *c)
{
	return !strcmp(b->name, c->name) && b->ports.n == c->n_ports &&
	       (!c->n_ports || !memcmp(b->ports.v, c->ports, c->n_ports * sizeof(*c->ports))) &&
	       b->vlan_mode == c->vlan_mode && b->tag == c->tag &&
	       vlans_equal(b->trunks, c->trunks) && vlans_equal(b->cvlans, c->cvlans) &&
	       b->qinq_ethertype == c->qinq_ethertype && b->priority_tags == c->priority_tags &&
	       b->protected_ == c->protected_ && b->mcast_flood == c->mcast_flood &&
	       b->mcast_flood_reports == c->mcast_flood_reports;
}

static void release_config(struct bundle *b)
{
	free(b->name);
	free(b->trunks);
	free(b->cvlans);
	vec_done(&b->ports);
}

static void detach_ports(struct ofproto *p, const struct bundle *b)
{
	VEC_FOREACH (&p->ports, i)
		if (p->ports.v[i]->bundle == b)
			p->ports.v[i]->bundle = NULL;
}

static void take_config(struct ofproto *p, struct bundle *b, const struct ofproto_bundle_config *c)
{
	b->name = xstrdup(c->name);
	b->vlan_mode = c->vlan_mode;
	b->tag = c->tag;
	b->trunks = vlans_copy(c->trunks);
	b->cvlans = vlans_copy(c->cvlans);
	b->qinq_ethertype = c->qinq_ethertype;
	b->priority_tags = c->priority_tags;
	b->protected_ = c->protected_;
	b->mcast_flood = c->mcast_flood;
	b->mcast_flood_reports = c->mcast_flood_reports;
	for (unsigned int i = 0; i < c->n_ports; i++) {
		struct ofport *port = ofport_find(p, c->ports[i]);
		if (!port)
			continue;
		if (port->bundle && port->bundle != b)
			bundles_forget_port(p, port);
		port->bundle = b;
		vec_push(&b->ports, c->ports[i]);
	}
}

// What was learned on the ports may lie in VLANs that they no longer carry.
static void flush_macs(struct ofproto *p, const struct bundle *b)
{
	VEC_FOREACH (&b->ports, i)
		ofproto_forget_port(p, b->ports.v[i]);
}

void ofproto_set_bundle(struct ofproto *p, const void *aux, const struct ofproto_bundle_config *c)
{
	size_t at;
	struct bundle *b = find(p, aux, &at);
	if (b && same_config(b, c))
		return;
	if (b) {
		flush_macs(p, b);
		detach_ports(p, b);
		release_config(b);
		*b = (struct bundle){.aux = aux};
	} else {
		b = XNEW(struct bundle);
		b->aux = aux;
		vec_push(&p->bundles, b);
	}
	take_config(p, b, c);
	snapshot_invalidate(p);
}

static void bundle_free(struct ofproto *p, struct bundle *b)
{
	detach_ports(p, b);
	release_config(b);
	free(b);
}

void ofproto_remove_bundle(struct ofproto *p, const void *aux)
{
	size_t at;
	struct bundle *b = find(p, aux, &at);
	if (!b)
		return;
	flush_macs(p, b);
	vec_remove(&p->bundles, at);
	bundle_free(p, b);
	snapshot_invalidate(p);
}

void bundles_forget_port(struct ofproto *p, struct ofport *port)
{
	struct bundle *b = port->bundle;
	if (!b)
		return;
	ofproto_forget_port(p, port->ofp_port);
	VEC_FOREACH (&b->ports, i)
		if (b->ports.v[i] == port->ofp_port) {
			vec_remove(&b->ports, i);
			break;
		}
	port->bundle = NULL;
	snapshot_invalidate(p);
}

void bundles_done(struct ofproto *p)
{
	VEC_FOREACH (&p->bundles, i)
		bundle_free(p, p->bundles.v[i]);
	vec_done(&p->bundles);
}
