/* SPDX-License-Identifier: Apache-2.0 */
// NORMAL: the VLAN-aware learning switch (IEEE 802.1Q). It works on bundles, the rows of table Port. A packet's tags are first
// translated from what the input bundle means by them to the bridge's own view, in which every packet is in exactly one VLAN (0 for
// those that are in none), and then to what each output bundle wants to see.
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "ofproto/backer_internal.h"
#include "ofproto/xlate_ctx.h"

enum { VID = 0x0fff, PRIORITY_TAGS_NEVER = 0, PRIORITY_TAGS_ALWAYS = 2 };

struct tag {
	uint8_t from; // 1, 2: the packet's first or second tag; 0: a new one
	be16_t tpid;  // of the packet: 0 when a megaflow is looked at again that does not match on it; of a new tag: 0 is 0x8100
	uint16_t vid; // 0: none, or a priority tag
	uint16_t pcp; // in its place in the TCI
};
struct tags { // outermost first
	struct tag v[FLOW_MAX_VLANS];
};

struct normal {
	struct xlate_ctx *ctx;
	const struct xlate_bundle *in; // NULL: from no port, as in a packet-out
	struct tags tags;	       // in the bridge's view
};

static void tags_from_flow(struct tags *t, const struct flow *f)
{
	memset(t, 0, sizeof(*t));
	for (unsigned int i = 0; i < xlate_n_vlans(f); i++) {
		uint16_t tci = be16toh(f->vlan[i].tci);
		t->v[i] = (struct tag){
			.from = (uint8_t)(i + 1), .tpid = f->vlan[i].tpid, .vid = tci & VID, .pcp = tci & 0xe000};
	}
}

// True when the flow has the tags that it had, each in its place, whatever has become of their contents.
static bool tags_to_flow(const struct tags *t, int priority_tags, struct flow *f)
{
	unsigned int n = 0, n_before = xlate_n_vlans(f);
	bool in_place = true;
	memset(f->vlan, 0, sizeof(f->vlan));
	for (unsigned int i = 0; i < FLOW_MAX_VLANS; i++) {
		const struct tag *tag = &t->v[i];
		// An empty tag goes, but for an inner one, which is not ours to judge.
		bool stays = tag->from && (i || priority_tags == PRIORITY_TAGS_ALWAYS);
		if (!tag->vid && !tag->pcp && !stays)
			continue;
		f->vlan[n].tpid = tag->from || tag->tpid ? tag->tpid : BE16(0x8100);
		f->vlan[n++].tci = htobe16((uint16_t)(tag->vid | tag->pcp | FLOW_VLAN_CFI));
		in_place &= tag->from == n;
	}
	return in_place && n == n_before;
}

static bool bundle_has_vlan(const struct xlate_bundle *b, const struct tags *t)
{
	uint16_t vid = t->v[0].vid;
	switch (b->c.vlan_mode) {
	case VLAN_ACCESS:
		return vid == b->c.tag;
	case VLAN_TRUNK:
		return vlan_in(b->c.trunks, vid);
	case VLAN_NATIVE_TAGGED:
	case VLAN_NATIVE_UNTAGGED:
		return vid == b->c.tag || vlan_in(b->c.trunks, vid);
	case VLAN_DOT1Q_TUNNEL:
		return vid == b->c.tag && vlan_in(b->c.cvlans, t->v[1].vid);
	}
	return false;
}

// May the bundle receive what the packet carries?
static bool input_allowed(struct xlate_ctx *ctx, const struct xlate_bundle *b, uint16_t vid)
{
	switch (b->c.vlan_mode) {
	case VLAN_ACCESS:
		if (!vid)
			return true;
		XLATE_REPORT(ctx, TRACE_ERROR,
			     "dropping VLAN %u tagged packet received on port %s configured as VLAN %d access port", vid,
			     b->c.name, b->c.tag);
		return false;
	case VLAN_NATIVE_TAGGED:
	case VLAN_NATIVE_UNTAGGED:
		if (!vid)
			return true; // in the native VLAN
		// fall through
	case VLAN_TRUNK:
		if (vlan_in(b->c.trunks, vid) || (b->c.vlan_mode != VLAN_TRUNK && vid == b->c.tag))
			return true;
		XLATE_REPORT(ctx, TRACE_ERROR,
			     "dropping VLAN %u packet received on port %s not configured for trunking VLAN %u", vid,
			     b->c.name, vid);
		return false;
	case VLAN_DOT1Q_TUNNEL:
		if (vlan_in(b->c.cvlans, vid))
			return true;
		XLATE_REPORT(ctx, TRACE_ERROR,
			     "dropping VLAN %u packet received on dot1q-tunnel port %s that excludes this VLAN", vid,
			     b->c.name);
		return false;
	}
	return false;
}

static void translate_input(const struct xlate_bundle *b, const struct tags *in, struct tags *out)
{
	*out = *in;
	switch (b->c.vlan_mode) {
	case VLAN_ACCESS:
		out->v[0].vid = (uint16_t)b->c.tag;
		break;
	case VLAN_TRUNK:
		break;
	case VLAN_NATIVE_TAGGED:
	case VLAN_NATIVE_UNTAGGED:
		if (!out->v[0].vid)
			out->v[0].vid = (uint16_t)b->c.tag;
		break;
	case VLAN_DOT1Q_TUNNEL:
		out->v[0] = (struct tag){.tpid = htobe16(b->c.qinq_ethertype), .vid = (uint16_t)b->c.tag};
		out->v[1] = in->v[0];
		break;
	}
}

// A frame that leaves its VLAN behind keeps its priority only where the bundle wants priority tags.
static struct tag priority_tag(const struct xlate_bundle *b, const struct tag *old)
{
	return (struct tag){.pcp = b->c.priority_tags == PRIORITY_TAGS_NEVER ? 0 : old->pcp};
}

static void translate_output(const struct xlate_bundle *b, const struct tags *in, struct tags *out)
{
	*out = *in;
	switch (b->c.vlan_mode) {
	case VLAN_ACCESS:
		out->v[0] = priority_tag(b, &in->v[0]);
		break;
	case VLAN_TRUNK:
	case VLAN_NATIVE_TAGGED:
		break;
	case VLAN_NATIVE_UNTAGGED:
		if (out->v[0].vid == b->c.tag)
			out->v[0] = priority_tag(b, &in->v[0]);
		break;
	case VLAN_DOT1Q_TUNNEL:
		out->v[0] = in->v[1];
		memset(&out->v[1], 0, sizeof(out->v[1]));
		break;
	}
}

static void output(const struct normal *n, const struct xlate_bundle *to)
{
	struct xlate_ctx *ctx = n->ctx;
	if (n->in && n->in->c.protected_ && to->c.protected_) {
		XLATE_REPORT(ctx, TRACE_WARN, "Flow is between protected ports, skipping output.");
		return;
	}
	if (!to->c.n_ports)
		return;
	struct flow_vlan old[FLOW_MAX_VLANS];
	struct tags tags;
	memcpy(old, ctx->flow.vlan, sizeof(old));
	translate_output(to, &n->tags, &tags);
	if (!tags.v[0].vid && xlate_n_vlans(&ctx->flow))
		ctx->mask->vlan[0].tci |= BE16(0xe000); // the priority decides whether there is a tag
	if (!tags_to_flow(&tags, to->c.priority_tags, &ctx->flow))
		xlate_unwildcard_vlans(ctx);
	xlate_output_port(ctx, xlate_bridge_port(ctx->bridge, to->c.ports[0]));
	memcpy(ctx->flow.vlan, old, sizeof(old));
}

static void flood(const struct normal *n)
{
	const struct xlate_bridge *bridge = n->ctx->bridge;
	for (unsigned int i = 0; i < bridge->n_bundles; i++) {
		const struct xlate_bundle *b = &bridge->bundles[i];
		if (b != n->in && b->c.floodable && bundle_has_vlan(b, &n->tags))
			output(n, b);
	}
}

// Addresses of protocols that end at the next bridge (IEEE 802.1D table 7-10, and the manufacturers' own): see forward-bpdu.
static bool is_reserved(const uint8_t mac[6])
{
	static const struct {
		uint8_t mac[6], mask;
	} reserved[] = {
		{{0x01, 0x80, 0xc2, 0x00, 0x00, 0x00}, 0xf0}, {{0x00, 0xe0, 0x2b, 0x00, 0x00, 0x00}, 0xff},
		{{0x00, 0xe0, 0x2b, 0x00, 0x00, 0x04}, 0xff}, {{0x00, 0xe0, 0x2b, 0x00, 0x00, 0x06}, 0xff},
		{{0x01, 0x00, 0x0c, 0x00, 0x00, 0x00}, 0xff}, {{0x01, 0x00, 0x0c, 0xcc, 0xcc, 0xc0}, 0xf0},
		{{0x01, 0x00, 0x0c, 0xcd, 0xcd, 0xcd}, 0xff},
	};
	for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
		if (!memcmp(mac, reserved[i].mac, 5) && (mac[5] & reserved[i].mask) == reserved[i].mac[5])
			return true;
	return false;
}

static bool learns_in(const struct xlate_bridge *b, uint16_t vid)
{
	return !b->flood_vlans || !vlan_in(b->flood_vlans, vid);
}

static void learn(const struct normal *n)
{
	struct xlate_ctx *ctx = n->ctx;
	const uint8_t *mac = ctx->flow.dl_src;
	uint16_t vid = n->tags.v[0].vid;
	if (!n->in || mac[0] & 1 || !learns_in(ctx->bridge, vid) || !n->in->c.n_ports)
		return;
	// The members of a bond are one place: entries name the first of them.
	uint32_t port = n->in->c.ports[0];
	if (ctx->in->may_learn && mac_table_learn(ctx->bridge->macs, mac, vid, port, clock_ms())) {
		XLATE_REPORT(ctx, TRACE_DETAIL, "learned that %02x:%02x:%02x:%02x:%02x:%02x is on port %s in VLAN %u", mac[0],
			     mac[1], mac[2], mac[3], mac[4], mac[5], n->in->c.name, vid);
		xlate_bump(ctx->in->backer);
	}
	struct xlate_credit credit = {
		.kind = XLATE_CREDIT_MAC, .vlan = vid, .port = port, .ofproto_id = ctx->bridge->id};
	memcpy(credit.mac, mac, 6);
	xlate_add_credit(ctx, &credit);
}

static void forward(const struct normal *n)
{
	struct xlate_ctx *ctx = n->ctx;
	uint16_t vid = n->tags.v[0].vid;
	struct mac_entry e;
	bool known = !(ctx->flow.dl_dst[0] & 1) && learns_in(ctx->bridge, vid) &&
		     mac_table_lookup(ctx->bridge->macs, ctx->flow.dl_dst, vid, &e);
	if (!known) {
		XLATE_REPORT(ctx, TRACE_DETAIL, "no learned MAC for destination, flooding");
		flood(n);
		return;
	}
	const struct xlate_port *port = xlate_bridge_port(ctx->bridge, e.port);
	if (!port || !port->bundle) {
		XLATE_REPORT(ctx, TRACE_DETAIL, "learned port is unknown, dropping");
	} else if (port->bundle == n->in) {
		XLATE_REPORT(ctx, TRACE_DETAIL, "learned port is input port, dropping");
	} else {
		XLATE_REPORT(ctx, TRACE_DETAIL, "forwarding to learned port");
		output(n, port->bundle);
	}
}

// The bundle that the packet came in through. False: it must be dropped.
static bool find_input(struct normal *n)
{
	struct xlate_ctx *ctx = n->ctx;
	uint32_t in_port = ctx->flow.in_port;
	n->in = NULL;
	if (in_port == OFPP_NONE || in_port == OFPP_CONTROLLER)
		return true;
	const struct xlate_port *port = xlate_bridge_port(ctx->bridge, in_port);
	if (port && port->bundle) {
		n->in = port->bundle;
		return true;
	}
	if (!port)
		XLATE_REPORT(ctx, TRACE_ERROR, "received packet on unknown port %u", in_port);
	XLATE_REPORT(ctx, TRACE_WARN, "no input bundle, dropping");
	return false;
}

void xlate_normal(struct xlate_ctx *ctx)
{
	struct normal n = {.ctx = ctx};
	memset(ctx->mask->dl_src, 0xff, 6);
	memset(ctx->mask->dl_dst, 0xff, 6);
	ctx->mask->vlan[0].tci |= BE16(VID | FLOW_VLAN_CFI);
	if (ctx->bridge->has_tunnels)
		ctx->mask->vlan[1].tci |= BE16(VID | FLOW_VLAN_CFI);
	if (!find_input(&n))
		return;
	struct tags tags;
	tags_from_flow(&tags, &ctx->flow);
	if (n.in && !input_allowed(ctx, n.in, tags.v[0].vid)) {
		XLATE_REPORT(ctx, TRACE_WARN, "disallowed VLAN VID for this input port, dropping");
		return;
	}
	if (n.in)
		translate_input(n.in, &tags, &n.tags);
	else
		n.tags = tags;
	if (!ctx->bridge->forward_bpdu && is_reserved(ctx->flow.dl_dst)) {
		XLATE_REPORT(ctx, TRACE_DETAIL, "packet has reserved destination MAC, dropping");
		return;
	}
	learn(&n);
	forward(&n);
}
