/* SPDX-License-Identifier: Apache-2.0 */
// NORMAL: the VLAN-aware learning switch (IEEE 802.1Q). It works on bundles, the rows of table
// Port, and in the bridge's view of VLANs (xlate_vlan.h). With snooping, multicast goes where
// somebody wants it.
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/counter.h"
#include "base/log.h"
#include "l2proto/mcast_snooping.h"
#include "ofproto/backer_internal.h"
#include "ofproto/xlate_vlan.h"
#include "packet/headers.h"

LOG_MODULE(ofproto_dpif_xlate);

COUNTER(mac_moves_damped);

enum { MAX_MCAST_PORTS = 1024 };

struct normal {
	struct xlate_ctx *ctx;
	const struct xlate_bundle *in; // NULL: from no port, as in a packet-out
	struct tags tags;	       // in the bridge's view
};

static void output(const struct normal *n, const struct xlate_bundle *to)
{
	xlate_output_bundle(n->ctx, to, &n->tags);
}

static bool reached_by_flood(const struct normal *n, const struct xlate_bundle *b)
{
	return b != n->in && b->c.floodable && !b->mirror_out && bundle_has_vlan(b, &n->tags);
}

static void flood(const struct normal *n)
{
	const struct xlate_bridge *bridge = n->ctx->bridge;
	for (unsigned int i = 0; i < bridge->n_bundles; i++)
		if (reached_by_flood(n, &bridge->bundles[i]))
			output(n, &bridge->bundles[i]);
}

static bool learns_in(const struct xlate_bridge *b, uint16_t vid)
{
	return !b->flood_vlans || !vlan_in(b->flood_vlans, vid);
}

static void complain_of_moves(const struct normal *n, const uint8_t mac[6], uint16_t vid)
{
	counter_inc(mac_moves_damped);
	XLATE_REPORT(n->ctx, TRACE_WARN, "the address moves too often, not learned");
	log_warn_rl("bridge %s: %02x:%02x:%02x:%02x:%02x:%02x in VLAN %u moves between ports too "
		    "often, the last one is %s: is there a "
		    "loop, or does somebody else have the address, too? It stays where it was for "
		    "a while",
		    n->ctx->bridge->name, mac[0], mac[1], mac[2], mac[3], mac[4], mac[5], vid,
		    n->in->c.name);
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
	enum mac_learned learned = ctx->in->may_learn ? mac_table_learn(ctx->bridge->macs, mac, vid,
									port, xlate_now(ctx->in))
						      : MAC_KNOWN;
	if (learned == MAC_DAMPED)
		complain_of_moves(n, mac, vid);
	if (learned == MAC_CHANGED) {
		XLATE_REPORT(ctx, TRACE_DETAIL,
			     "learned that %02x:%02x:%02x:%02x:%02x:%02x is on port %s in VLAN %u",
			     mac[0], mac[1], mac[2], mac[3], mac[4], mac[5], n->in->c.name, vid);
		xlate_changed(ctx->in->backer, XLATE_CHANGE_MAC);
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

// --- Multicast snooping, RFC 4541.

// What IGMP and MLD messages are to a switch.
enum membership { NO_MEMBERSHIP, MEMBERSHIP_REPORT, MEMBERSHIP_QUERY, MEMBERSHIP_OTHER };

static enum membership igmp_kind(struct xlate_ctx *ctx)
{
	memset(&ctx->mask->tp_src, 0xff, sizeof(ctx->mask->tp_src));
	switch (be16toh(ctx->flow.tp_src)) {
	case 0x12: // reports of versions 1, 2, 3, and leaving
	case 0x16:
	case 0x17:
	case 0x22:
		return MEMBERSHIP_REPORT;
	case 0x11:
		return MEMBERSHIP_QUERY;
	default:
		return MEMBERSHIP_OTHER;
	}
}

static enum membership mld_kind(struct xlate_ctx *ctx)
{
	ctx->mask->tp_src |= BE16(0xff);
	switch (be16toh(ctx->flow.tp_src)) {
	case MLD_REPORT:
	case MLD2_REPORT:
	case MLD_DONE:
		return MEMBERSHIP_REPORT;
	case MLD_QUERY:
		return MEMBERSHIP_QUERY;
	default:
		return NO_MEMBERSHIP;
	}
}

static enum membership membership_kind(struct xlate_ctx *ctx)
{
	const struct flow *f = &ctx->flow;
	ctx->mask->nw_proto = UINT8_MAX;
	if (f->nw_frag & FLOW_FRAG_LATER)
		return NO_MEMBERSHIP;
	if (f->dl_type == BE16(ETHERTYPE_IPV4))
		return f->nw_proto == IP_PROTO_IGMP ? igmp_kind(ctx) : NO_MEMBERSHIP;
	return f->nw_proto == IP_PROTO_ICMPV6 ? mld_kind(ctx) : NO_MEMBERSHIP;
}

// 224.0.0.0/24 and ff02::1 are for all who listen to the link, whether they said so or not.
static bool is_for_all(struct xlate_ctx *ctx)
{
	const struct flow *f = &ctx->flow;
	if (f->dl_type == BE16(ETHERTYPE_IPV4)) {
		ctx->mask->nw_dst |= htobe32(0xffffff00);
		return (be32toh(f->nw_dst) & 0xffffff00) == 0xe0000000;
	}
	static const union flow_in6 all_nodes = {.b = {0xff, 0x02, [15] = 1}};
	memset(&ctx->mask->ipv6_dst, 0xff, sizeof(ctx->mask->ipv6_dst));
	return !memcmp(&f->ipv6_dst, &all_nodes, sizeof(all_nodes));
}

// The bundles that a multicast packet goes to, each once, by index.
struct mcast_targets {
	uint64_t *bits;
};

static void set_target(struct mcast_targets *t, const struct xlate_bundle *b)
{
	t->bits[b->index / 64] |= UINT64_C(1) << b->index % 64;
}

// `what` names the port in a trace.
static void add_target(const struct normal *n, struct mcast_targets *t,
		       const struct xlate_bundle *b, const char *what)
{
	if (!b || b->mirror_out) {
		XLATE_REPORT(n->ctx, TRACE_DETAIL, "%s is unknown, dropping", what);
	} else if (b == n->in) {
		XLATE_REPORT(n->ctx, TRACE_DETAIL, "%s is input port, dropping", what);
	} else {
		XLATE_REPORT(n->ctx, TRACE_DETAIL, "forwarding to %s", what);
		set_target(t, b);
	}
}

static void add_ports(const struct normal *n, struct mcast_targets *t, const uint32_t *ports,
		      unsigned int n_ports, const char *what)
{
	for (unsigned int i = 0; i < n_ports; i++) {
		const struct xlate_port *port = xlate_bridge_port(n->ctx->bridge, ports[i]);
		add_target(n, t, port ? port->bundle : NULL, what);
	}
}

static void add_routers(const struct normal *n, struct mcast_targets *t)
{
	uint32_t ports[MAX_MCAST_PORTS];
	unsigned int n_ports = mcast_snooping_routers(n->ctx->bridge->mcast, n->tags.v[0].vid,
						      ports, MAX_MCAST_PORTS);
	add_ports(n, t, ports, n_ports, "mcast router port");
}

// Ports that the configuration has get all multicast, or all reports.
static void add_flooded(const struct normal *n, struct mcast_targets *t, bool reports)
{
	const struct xlate_bridge *bridge = n->ctx->bridge;
	for (unsigned int i = 0; i < bridge->n_bundles; i++) {
		const struct xlate_bundle *b = &bridge->bundles[i];
		if (!(reports ? b->c.mcast_flood_reports : b->c.mcast_flood))
			continue;
		if (!reports) {
			add_target(n, t, b, "mcast flood port");
		} else if (b == n->in) {
			XLATE_REPORT(n->ctx, TRACE_DETAIL,
				     "mcast port is input port, dropping the Report");
		} else {
			XLATE_REPORT(n->ctx, TRACE_DETAIL,
				     "forwarding report to mcast flagged port");
			set_target(t, b);
		}
	}
}

static void send_to_targets(const struct normal *n, const struct mcast_targets *t)
{
	const struct xlate_bridge *bridge = n->ctx->bridge;
	for (unsigned int i = 0; i < bridge->n_bundles; i++)
		if (t->bits[i / 64] >> i % 64 & 1)
			output(n, &bridge->bundles[i]);
}

static void forward_report(const struct normal *n, struct mcast_targets *t)
{
	add_routers(n, t);
	add_flooded(n, t, true);
	send_to_targets(n, t);
}

static void forward_to_group(const struct normal *n, struct mcast_targets *t)
{
	struct xlate_ctx *ctx = n->ctx;
	uint8_t group[16];
	uint32_t ports[MAX_MCAST_PORTS];
	bool known;
	if (ctx->flow.dl_type == BE16(ETHERTYPE_IPV4)) {
		memset(&ctx->mask->nw_dst, 0xff, sizeof(ctx->mask->nw_dst));
		mcast_group_from_ipv4(group, &ctx->flow.nw_dst);
	} else {
		memcpy(group, &ctx->flow.ipv6_dst, sizeof(group));
	}
	unsigned int n_ports = mcast_snooping_members(ctx->bridge->mcast, group, n->tags.v[0].vid,
						      ports, MAX_MCAST_PORTS, &known);
	if (!known && ctx->bridge->mcast_flood_unregistered) {
		XLATE_REPORT(ctx, TRACE_DETAIL, "unregistered multicast, flooding");
		flood(n);
		return;
	}
	add_ports(n, t, ports, n_ports, "mcast group port");
	if (known) {
		add_flooded(n, t, false);
		add_routers(n, t);
	} else {
		add_routers(n, t);
		add_flooded(n, t, false);
	}
	send_to_targets(n, t);
}

// Each message must be seen: they keep members young. So no megaflow takes them in.
static void snoop(const struct normal *n)
{
	struct xlate_ctx *ctx = n->ctx;
	ctx->out->each_packet = true;
	if (!ctx->in->may_learn || !ctx->in->frame || !n->in || !n->in->c.n_ports)
		return;
	if (mcast_snooping_learn(ctx->bridge->mcast, ctx->in->frame, ctx->in->frame_len,
				 n->tags.v[0].vid, n->in->c.ports[0], clock_ms()))
		xlate_changed(ctx->in->backer, XLATE_CHANGE_MCAST);
}

static void forward_multicast(const struct normal *n)
{
	struct xlate_ctx *ctx = n->ctx;
	struct mcast_targets targets;
	enum membership kind = membership_kind(ctx);
	if (kind != NO_MEMBERSHIP)
		snoop(n);
	if (kind == MEMBERSHIP_QUERY || kind == MEMBERSHIP_OTHER ||
	    (kind == NO_MEMBERSHIP && is_for_all(ctx))) {
		if (kind == NO_MEMBERSHIP)
			XLATE_REPORT(ctx, TRACE_DETAIL, "RFC4541: section 2.1.2, item 2, flooding");
		else
			XLATE_REPORT(ctx, TRACE_DETAIL,
				     ctx->flow.dl_type == BE16(ETHERTYPE_IPV4)
					     ? "multicast traffic, flooding"
					     : "MLD query, flooding");
		flood(n);
		return;
	}
	targets.bits = xcalloc(ctx->bridge->n_bundles / 64 + 1, sizeof(uint64_t));
	if (kind == MEMBERSHIP_REPORT)
		forward_report(n, &targets);
	else
		forward_to_group(n, &targets);
	free(targets.bits);
}

static bool is_snooped(const struct xlate_ctx *ctx)
{
	static const uint8_t broadcast[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
	be16_t type = ctx->flow.dl_type;
	return ctx->bridge->mcast && ctx->flow.dl_dst[0] & 1 &&
	       memcmp(ctx->flow.dl_dst, broadcast, 6) &&
	       (type == BE16(ETHERTYPE_IPV4) || type == BE16(ETHERTYPE_IPV6));
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
	xlate_look_at_vlans(ctx);
	if (!find_input(&n))
		return;
	struct tags tags;
	tags_from_flow(&tags, &ctx->flow);
	if (n.in && !bundle_allows(ctx, n.in, tags.v[0].vid)) {
		XLATE_REPORT(ctx, TRACE_WARN, "disallowed VLAN VID for this input port, dropping");
		return;
	}
	if (n.in)
		bundle_translate_input(n.in, &tags, &n.tags);
	else
		n.tags = tags;
	if (!ctx->bridge->forward_bpdu && mac_is_reserved(ctx->flow.dl_dst)) {
		XLATE_REPORT(ctx, TRACE_DETAIL, "packet has reserved destination MAC, dropping");
		return;
	}
	learn(&n);
	if (is_snooped(ctx))
		forward_multicast(&n);
	else
		forward(&n);
}
