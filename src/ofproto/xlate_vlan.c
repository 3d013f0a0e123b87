/* SPDX-License-Identifier: Apache-2.0 */
#include "ofproto/xlate_vlan.h"

#include <string.h>

enum { VID = 0x0fff, PCP = 0xe000, PRIORITY_TAGS_NEVER = 0, PRIORITY_TAGS_ALWAYS = 2 };

void tags_from_flow(struct tags *t, const struct flow *f)
{
	memset(t, 0, sizeof(*t));
	for (unsigned int i = 0; i < xlate_n_vlans(f); i++) {
		uint16_t tci = be16toh(f->vlan[i].tci);
		t->v[i] = (struct tag){.from = (uint8_t)(i + 1),
				       .tpid = f->vlan[i].tpid,
				       .vid = tci & VID,
				       .pcp = tci & PCP};
	}
}

// True when the flow has the tags that it had, each in its place, whatever has become of their
// contents.
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

bool bundle_has_vlan(const struct xlate_bundle *b, const struct tags *t)
{
	uint16_t vid = t->v[0].vid;
	switch (b->c.vlan_mode) {
	case VLAN_ACCESS: // who is behind it knows no tags, so none may be left
		return vid == b->c.tag && !t->v[1].vid;
	case VLAN_TRUNK:
		return vlan_in(b->c.trunks, vid);
	case VLAN_NATIVE_TAGGED:
	case VLAN_NATIVE_UNTAGGED:
		// What is in no VLAN would come out in the native one.
		return vid == b->c.tag || (vid && vlan_in(b->c.trunks, vid));
	case VLAN_DOT1Q_TUNNEL:
		return vid == b->c.tag && vlan_in(b->c.cvlans, t->v[1].vid);
	}
	return false;
}

bool bundle_allows(struct xlate_ctx *ctx, const struct xlate_bundle *b, uint16_t vid)
{
	switch (b->c.vlan_mode) {
	case VLAN_ACCESS:
		if (!vid)
			return true;
		XLATE_REPORT(ctx, TRACE_ERROR,
			     "dropping VLAN %u tagged packet received on port %s configured as "
			     "VLAN %d access port",
			     vid, b->c.name, b->c.tag);
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
			     "dropping VLAN %u packet received on port %s not configured for "
			     "trunking VLAN %u",
			     vid, b->c.name, vid);
		return false;
	case VLAN_DOT1Q_TUNNEL:
		if (vlan_in(b->c.cvlans, vid))
			return true;
		XLATE_REPORT(ctx, TRACE_ERROR,
			     "dropping VLAN %u packet received on dot1q-tunnel port %s that "
			     "excludes this VLAN",
			     vid, b->c.name);
		return false;
	}
	return false;
}

void bundle_translate_input(const struct xlate_bundle *b, const struct tags *in, struct tags *out)
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
		out->v[0] = (struct tag){.tpid = htobe16(b->c.qinq_ethertype),
					 .vid = (uint16_t)b->c.tag};
		out->v[1] = in->v[0];
		break;
	}
}

static void translate_output(const struct xlate_bundle *b, const struct tags *in, struct tags *out)
{
	*out = *in;
	switch (b->c.vlan_mode) {
	case VLAN_ACCESS:
		memset(out, 0, sizeof(*out));
		break;
	case VLAN_TRUNK:
	case VLAN_NATIVE_TAGGED:
		break;
	case VLAN_NATIVE_UNTAGGED:
		if (out->v[0].vid == b->c.tag) {
			out->v[0] = in->v[1];
			memset(&out->v[1], 0, sizeof(out->v[1]));
		}
		break;
	case VLAN_DOT1Q_TUNNEL:
		out->v[0] = in->v[1];
		memset(&out->v[1], 0, sizeof(out->v[1]));
		break;
	}
}

void xlate_output_bundle(struct xlate_ctx *ctx, const struct xlate_bundle *to,
			 const struct tags *from)
{
	if (!to->c.n_ports)
		return;
	struct flow_vlan old[FLOW_MAX_VLANS];
	struct tags tags;
	memcpy(old, ctx->flow.vlan, sizeof(old));
	translate_output(to, from, &tags);
	if (to->c.priority_tags !=
	    PRIORITY_TAGS_NEVER) // the priority of the packet survives its tag
		tags.v[0].pcp = be16toh(ctx->flow.vlan[0].tci) & PCP;
	// The priority decides whether there is a tag, or goes into another one.
	bool moves = to->c.priority_tags != PRIORITY_TAGS_NEVER && tags.v[0].from != 1;
	if ((!tags.v[0].vid || moves) && xlate_n_vlans(&ctx->flow))
		ctx->mask->vlan[0].tci |= BE16(PCP);
	if (!tags_to_flow(&tags, to->c.priority_tags, &ctx->flow))
		xlate_unwildcard_vlans(ctx);
	xlate_output_port(ctx, xlate_bridge_port(ctx->bridge, to->c.ports[0]));
	memcpy(ctx->flow.vlan, old, sizeof(old));
}

void xlate_look_at_vlans(struct xlate_ctx *ctx)
{
	ctx->mask->vlan[0].tci |= BE16(VID | FLOW_VLAN_CFI);
	if (ctx->bridge->looks_inside && xlate_n_vlans(&ctx->flow))
		ctx->mask->vlan[1].tci |= BE16(VID | FLOW_VLAN_CFI);
}

bool mac_is_reserved(const uint8_t mac[6])
{
	static const struct {
		uint8_t mac[6], mask;
	} reserved[] = {
		{{0x01, 0x80, 0xc2, 0x00, 0x00, 0x00}, 0xf0},
		{{0x00, 0xe0, 0x2b, 0x00, 0x00, 0x00}, 0xff},
		{{0x00, 0xe0, 0x2b, 0x00, 0x00, 0x04}, 0xff},
		{{0x00, 0xe0, 0x2b, 0x00, 0x00, 0x06}, 0xff},
		{{0x01, 0x00, 0x0c, 0x00, 0x00, 0x00}, 0xff},
		{{0x01, 0x00, 0x0c, 0xcc, 0xcc, 0xc0}, 0xf0},
		{{0x01, 0x00, 0x0c, 0xcd, 0xcd, 0xcd}, 0xff},
	};
	for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
		if (!memcmp(mac, reserved[i].mac, 5) &&
		    (mac[5] & reserved[i].mask) == reserved[i].mac[5])
			return true;
	return false;
}
