/* SPDX-License-Identifier: Apache-2.0 */
// Mirrors: copies of packets for who watches. A packet is looked at when it comes in and each time
// it goes out through a port, as it is at that moment, and goes to each destination once, however
// many mirrors of however many kinds select it.
#include <string.h>

#include "flow/match.h"
#include "ofproto/xlate_ctx.h"
#include "ofproto/xlate_vlan.h"

// Is the packet what the mirror's filter describes?
static bool passes(struct xlate_ctx *ctx, const struct xlate_mirror *m)
{
	if (!m->filter)
		return true;
	const uint64_t *mask = flow_words_const(&m->filter->mask),
		       *want = flow_words_const(&m->filter->flow);
	const uint64_t *have = flow_words_const(&ctx->flow);
	bool same = true;
	// Options that the packet does not have are seen to be missing before their bodies are
	// looked at.
	unsigned int n = flow_n_words(&m->filter->mask);
	if (m->filter->mask.tunnel.options)
		flow_make_options(ctx->mask);
	for (unsigned int i = 0; i < n && same; i++) {
		if (!mask[i])
			continue;
		flow_words(ctx->mask)[i] |= mask[i];
		same = !((want[i] ^ have[i]) & mask[i]);
	}
	return same;
}

static void send_to_vlan(struct xlate_ctx *ctx, const struct xlate_mirror *m,
			 const struct tags *tags)
{
	struct tags copy = *tags;
	memset(ctx->mask->dl_dst, 0xff, sizeof(ctx->mask->dl_dst));
	if (tags->v[0].vid == m->out_vlan || mac_is_reserved(ctx->flow.dl_dst))
		return;
	copy.v[0].vid = (uint16_t)m->out_vlan;
	for (unsigned int i = 0; i < ctx->bridge->n_bundles; i++) {
		const struct xlate_bundle *b = &ctx->bridge->bundles[i];
		if (!b->mirror_out && bundle_has_vlan(b, &copy))
			xlate_output_bundle(ctx, b, &copy);
	}
}

static void send_to(struct xlate_ctx *ctx, const struct xlate_mirror *m, const struct tags *tags)
{
	uint16_t old_snaplen = ctx->snaplen;
	bool last = ctx->last;
	ctx->last = false;
	xlate_add_credit(ctx, &(struct xlate_credit){.kind = XLATE_CREDIT_PATCH_TX,
						     .patch = patch_counters_ref(m->counters)});
	ctx->snaplen = m->snaplen;
	if (m->out)
		xlate_output_bundle(ctx, m->out, tags);
	else
		send_to_vlan(ctx, m, tags);
	ctx->snaplen = old_snaplen;
	ctx->last = last;
}

// `candidates`: the mirrors that select by this bundle.
static void mirror(struct xlate_ctx *ctx, const struct xlate_bundle *bundle, uint64_t candidates)
{
	struct tags raw, tags;
	candidates &= ~ctx->mirrored;
	if (!candidates || ctx->out->error)
		return;
	xlate_look_at_vlans(ctx);
	tags_from_flow(&raw, &ctx->flow);
	if (!bundle_allows(ctx, bundle, raw.v[0].vid))
		return;
	bundle_translate_input(bundle, &raw, &tags);
	for (unsigned int i = 0; i < ctx->bridge->n_mirrors; i++) {
		const struct xlate_mirror *m = &ctx->bridge->mirrors[i];
		// What a mirror sends may have been mirrored in turn: ask each time.
		if (!(candidates & ~ctx->mirrored & UINT64_C(1) << i))
			continue;
		if ((m->vlans && !vlan_in(m->vlans, tags.v[0].vid)) || !passes(ctx, m))
			continue;
		ctx->mirrored |= m->same_destination;
		send_to(ctx, m, &tags);
	}
}

void xlate_mirror_ingress(struct xlate_ctx *ctx, const struct xlate_port *port)
{
	if (ctx->bridge->n_mirrors && port->bundle)
		mirror(ctx, port->bundle, port->bundle->src_mirrors);
}

void xlate_mirror_egress(struct xlate_ctx *ctx, const struct xlate_port *port)
{
	if (ctx->bridge->n_mirrors && port->bundle)
		mirror(ctx, port->bundle, port->bundle->dst_mirrors);
}
