/* SPDX-License-Identifier: Apache-2.0 */
// Actions that choose by a hash of the packet: multipath, bundle, bundle_load. What is hashed is
// un-wildcarded, so that each connection has its own megaflow.
#include "base/hash.h"
#include "ofproto/xlate_ctx.h"

enum {
	PROTO_TCP = 6,
	PROTO_UDP = 17,
	PROTO_SCTP = 132,
	HRW_MAX_LINKS = 64,
	ITER_HASH_TRIES = 1024
};

static bool is_v4(const struct flow *f)
{
	return f->dl_type == BE16(0x0800);
}

static bool is_v6(const struct flow *f)
{
	return f->dl_type == BE16(0x86dd);
}

// The same whichever of the two ends sends.
static uint64_t both_ways(const void *a, const void *b, size_t n, uint64_t hash)
{
	return hash_combine(hash, hash_bytes(a, n, 0) + hash_bytes(b, n, 0));
}

static uint64_t hash_address(struct xlate_ctx *ctx, bool src, uint64_t hash)
{
	const struct flow *f = &ctx->flow;
	if (is_v4(f)) {
		*(src ? &ctx->mask->nw_src : &ctx->mask->nw_dst) = UINT32_MAX;
		return hash_bytes(src ? &f->nw_src : &f->nw_dst, 4, hash);
	}
	if (is_v6(f)) {
		memset(src ? &ctx->mask->ipv6_src : &ctx->mask->ipv6_dst, 0xff, 16);
		return hash_bytes(src ? &f->ipv6_src : &f->ipv6_dst, 16, hash);
	}
	return hash;
}

static uint64_t hash_addresses(struct xlate_ctx *ctx, uint64_t hash)
{
	const struct flow *f = &ctx->flow;
	if (is_v4(f)) {
		ctx->mask->nw_src = ctx->mask->nw_dst = UINT32_MAX;
		return both_ways(&f->nw_src, &f->nw_dst, 4, hash);
	}
	if (is_v6(f)) {
		memset(&ctx->mask->ipv6_src, 0xff, 16);
		memset(&ctx->mask->ipv6_dst, 0xff, 16);
		return both_ways(&f->ipv6_src, &f->ipv6_dst, 16, hash);
	}
	return hash;
}

// UDP ports stay out where tunnels' differ by direction.
static uint64_t hash_l4(struct xlate_ctx *ctx, bool udp, uint64_t hash)
{
	const struct flow *f = &ctx->flow;
	if (!is_v4(f) && !is_v6(f))
		return hash;
	ctx->mask->nw_proto = UINT8_MAX;
	hash = hash_combine(hash, f->nw_proto);
	bool ports = f->nw_proto == PROTO_TCP || f->nw_proto == PROTO_SCTP ||
		     (udp && f->nw_proto == PROTO_UDP);
	if (!ports || f->nw_frag & FLOW_FRAG_LATER)
		return hash;
	ctx->mask->tp_src = ctx->mask->tp_dst = UINT16_MAX;
	return both_ways(&f->tp_src, &f->tp_dst, 2, hash);
}

static uint64_t hash_l2(struct xlate_ctx *ctx, uint64_t hash)
{
	const struct flow *f = &ctx->flow;
	memset(ctx->mask->dl_src, 0xff, 6);
	memset(ctx->mask->dl_dst, 0xff, 6);
	hash = both_ways(f->dl_src, f->dl_dst, 6, hash);
	hash = hash_combine(hash, f->dl_type);
	for (unsigned int i = 0; i < FLOW_MAX_VLANS; i++) {
		ctx->mask->vlan[i].tci |= BE16(FLOW_VLAN_CFI | 0xfff);
		hash = hash_combine(hash, f->vlan[i].tci & BE16(0xfff));
	}
	return hash;
}

static uint64_t hash_packet(struct xlate_ctx *ctx, enum ofpact_hash_fields fields, uint16_t basis)
{
	uint64_t hash = hash_u64(basis);
	switch (fields) {
	case HASH_FIELDS_ETH_SRC:
		memset(ctx->mask->dl_src, 0xff, 6);
		return hash_bytes(ctx->flow.dl_src, 6, hash);
	case HASH_FIELDS_SYMMETRIC_L4:
		return hash_l4(ctx, false, hash_addresses(ctx, hash_l2(ctx, hash)));
	case HASH_FIELDS_SYMMETRIC_L3L4:
	case HASH_FIELDS_SYMMETRIC_L3L4_UDP:
		return hash_l4(ctx, fields == HASH_FIELDS_SYMMETRIC_L3L4_UDP,
			       hash_addresses(ctx, hash));
	case HASH_FIELDS_NW_SRC:
		return hash_address(ctx, true, hash);
	case HASH_FIELDS_NW_DST:
		return hash_address(ctx, false, hash);
	case HASH_FIELDS_SYMMETRIC_L3:
		return hash_addresses(ctx, hash);
	case HASH_FIELDS_N:
		break;
	}
	return hash;
}

// --- multipath

static uint16_t highest_weight(uint64_t hash, unsigned int n_links)
{
	uint16_t best = 0;
	uint64_t best_weight = 0;
	for (unsigned int i = 0; i < n_links; i++) {
		uint64_t weight = hash_combine(hash, i);
		if (!i || weight > best_weight) {
			best = (uint16_t)i;
			best_weight = weight;
		}
	}
	return best;
}

// Draws from 0 to `modulo` until a number is a link's.
static uint16_t iterate(uint64_t hash, unsigned int n_links, unsigned int modulo)
{
	if (modulo < n_links || modulo / 2 > n_links)
		for (modulo = 1; modulo < n_links;)
			modulo *= 2;
	for (unsigned int i = 0; i < ITER_HASH_TRIES; i++) {
		uint16_t link = (uint16_t)(hash_combine(hash, i) % modulo);
		if (link < n_links)
			return link;
	}
	return (uint16_t)(hash % n_links);
}

static uint16_t choose_link(const struct ofpact_multipath *a, uint64_t hash)
{
	unsigned int n_links = a->max_link + 1u;
	uint32_t short_hash = (uint32_t)(hash ^ hash >> 32);
	switch ((enum ofpact_multipath_algorithm)a->algorithm) {
	case MULTIPATH_MODULO_N:
		return n_links == 65536 ? (uint16_t)short_hash : (uint16_t)(short_hash % n_links);
	case MULTIPATH_HASH_THRESHOLD:
		return (uint16_t)((uint64_t)short_hash * n_links >> 32);
	case MULTIPATH_HRW:
		return n_links <= HRW_MAX_LINKS ? highest_weight(hash, n_links)
						: (uint16_t)(short_hash % n_links);
	case MULTIPATH_ITER_HASH:
		return iterate(hash, n_links, a->arg);
	case MULTIPATH_N_ALGORITHMS:
		break;
	}
	return 0;
}

bool xlate_do_multipath(struct xlate_ctx *ctx, const void *action)
{
	const struct ofpact_multipath *a = action;
	uint64_t hash = hash_packet(ctx, (enum ofpact_hash_fields)a->fields, a->basis);
	xlate_set_subfield(ctx, &a->dst, choose_link(a, hash));
	return true;
}

// --- bundle, bundle_load

static bool is_alive(const struct xlate_ctx *ctx, uint32_t port)
{
	const struct xlate_port *p = xlate_bridge_port(ctx->bridge, port);
	return p && p->up;
}

static uint32_t choose_member(struct xlate_ctx *ctx, const struct ofpact_bundle *a)
{
	uint32_t best = OFPP_NONE;
	if (a->algorithm == BUNDLE_ACTIVE_BACKUP) {
		for (unsigned int i = 0; i < a->n_members; i++)
			if (is_alive(ctx, a->members[i]))
				return a->members[i];
		return best;
	}
	uint64_t hash = hash_packet(ctx, (enum ofpact_hash_fields)a->fields, a->basis),
		 best_weight = 0;
	for (unsigned int i = 0; i < a->n_members; i++) {
		uint64_t weight = hash_combine(hash, i);
		if (is_alive(ctx, a->members[i]) && (best == OFPP_NONE || weight > best_weight)) {
			best = a->members[i];
			best_weight = weight;
		}
	}
	return best;
}

bool xlate_do_bundle(struct xlate_ctx *ctx, const void *action)
{
	const struct ofpact_bundle *a = action;
	uint32_t port = choose_member(ctx, a);
	if (a->dst.field)
		xlate_set_subfield(ctx, &a->dst, port & 0xffff);
	else
		xlate_output(ctx, port, 0);
	return true;
}
