/* SPDX-License-Identifier: Apache-2.0 */
// Layouts, keys and masks of the userspace datapath.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/random.h"
#include "dp/user/key.h"
#include "dp/user/live.h"
#include "frames.h"

static void key_of(const uint8_t *frame, size_t n, struct dp_key *key, struct flow *flow)
{
	uint8_t room[FRAME_MAX + KEY_HEADER_BYTES], scratch[KEY_HEADER_BYTES];
	const uint8_t *header;
	// What lies behind the frame in its buffer must not matter.
	random_bytes(room, sizeof(room));
	memcpy(room, frame, n);
	memset(key, 0, sizeof(*key));
	memset(flow, 0, sizeof(*flow));
	if (!random_below(4)) { // the same without its Ethernet header
		memset(room, 0, 12);
		key->meta.layout =
			(uint16_t)key_bare_header(room, (uint32_t)n, (uint32_t)n, scratch);
		memcpy(key->header, scratch, KEY_HEADER_BYTES);
		key_extract_bare(room, (uint32_t)n, (uint32_t)n, flow);
		return;
	}
	uint32_t readable = random_below(2) ? (uint32_t)sizeof(room) : (uint32_t)n;
	key->meta.layout =
		(uint16_t)key_header(room, (uint32_t)n, (uint32_t)n, readable, scratch, &header);
	memcpy(key->header, header, KEY_HEADER_BYTES);
	flow_extract(frame, n, n, flow);
}

static void random_metadata(struct dp_key *key, struct flow *flow)
{
	flow->in_port = key->meta.in_port = random_below(3);
	flow->recirc_id = key->meta.recirc_id = random_below(2);
	flow->pkt_mark = key->meta.pkt_mark = random_below(2);
	flow->skb_priority = key->meta.skb_priority = random_below(2);
	flow->dp_hash = key->meta.dp_hash = random_below(2);
	flow->ct_state = key->meta.ct_state = random_below(2);
	flow->ct_zone = key->meta.ct_zone = (uint16_t)random_below(2);
	flow->ct_mark = key->meta.ct_mark = random_below(2);
	flow->ct_label.b[15] = key->meta.ct_label.b[15] = (uint8_t)random_below(2);
}

// Every field of the flow is where the places say, and everything that no place covers is zero.
static void check_agrees(const struct dp_key *key, const struct flow *flow)
{
	struct place places[LAYOUT_MAX_PLACES];
	struct dp_key exact, want;
	struct flow back, covered;
	uint32_t layout = key->meta.layout & (LAYOUT_N - 1);
	assert_int_equal(layout, layout_from_flow(flow));
	assert_true(layout_is_valid(layout));
	assert_true(layout_places(layout, places) <= LAYOUT_MAX_PLACES);
	mask_exact(&exact, layout);
	key_from_flow(&want, flow);
	assert_true(key_equal_masked(key, &want, &exact));
	key_to_flow(key, &exact, layout, &back, &covered);
	assert_true(flow_equal(&back, flow));
}

static void test_random_frames_agree(void **state)
{
	uint8_t frame[FRAME_MAX];
	unsigned int n_odd = 0, n_layouts = 0;
	static bool seen[LAYOUT_N];
	for (int i = 0; i < 200000; i++) {
		struct dp_key key;
		struct flow flow;
		size_t n = frame_random(frame);
		for (unsigned int m = random_below(3); m; m--)
			n = frame_mutate(frame, n);
		key_of(frame, n, &key, &flow);
		random_metadata(&key, &flow);
		check_agrees(&key, &flow);
		n_odd += layout_classify(frame, (uint32_t)n, (uint32_t)n) == LAYOUT_ODD;
		n_layouts += !seen[key.meta.layout & (LAYOUT_N - 1)];
		seen[key.meta.layout & (LAYOUT_N - 1)] = true;
	}
	assert_in_range(n_odd, 20000, 180000); // both paths were taken
	assert_in_range(n_layouts, 60, LAYOUT_N);
}

// Cut at every byte, in the frame and in what can be read of it.
static void test_truncation(void **state)
{
	uint8_t frame[FRAME_MAX], scratch[KEY_HEADER_BYTES];
	for (int i = 0; i < 2000; i++) {
		size_t n = frame_random(frame);
		for (size_t cut = 14; cut <= n; cut++) {
			struct dp_key key = {0};
			struct flow flow = {0};
			const uint8_t *header;
			uint8_t *copy = malloc(cut); // so that a sanitizer sees a byte too far
			memcpy(copy, frame, cut);
			size_t wire = random_below(2) ? n : cut;
			key.meta.layout = (uint16_t)key_header(copy, (uint32_t)cut, (uint32_t)wire,
							       (uint32_t)cut, scratch, &header);
			if (header == copy)
				assert_true(cut >= KEY_HEADER_BYTES);
			memcpy(key.header, header, KEY_HEADER_BYTES);
			flow_extract(copy, cut, wire, &flow);
			check_agrees(&key, &flow);
			free(copy);
		}
	}
}

// For each place, the layout bits that it names are enough: all layouts that agree in them have the
// same place.
static void test_layout_bits_locate(void **state)
{
	static struct place places[LAYOUT_N][LAYOUT_MAX_PLACES];
	static unsigned int n[LAYOUT_N];
	unsigned int n_valid = 0;
	for (uint32_t l = 0; l < LAYOUT_N; l++) {
		if (!layout_is_valid(l))
			continue;
		n[l] = layout_places(l, places[l]);
		n_valid++;
	}
	assert_int_equal(n_valid,
			 96 + 32); // of which the latter have no Ethernet header, and no tags
	for (uint32_t l = 0; l < LAYOUT_N; l++) {
		for (unsigned int i = 0; i < n[l]; i++) {
			const struct place *p = &places[l][i];
			for (uint32_t other = 0; other < LAYOUT_N; other++) {
				if (!n[other] || (l ^ other) & p->layout_bits)
					continue;
				bool same = false;
				for (unsigned int j = 0; j < n[other] && !same; j++) {
					const struct place *q = &places[other][j];
					same = q->flow_at <= p->flow_at &&
					       q->flow_at + q->n >= p->flow_at + p->n &&
					       q->how == p->how &&
					       (p->how == PLACE_ABSENT ||
						q->key_at + p->flow_at - q->flow_at == p->key_at);
				}
				if (!same)
					fail_msg("layout %#x and %#x agree in %#x but not about "
						 "byte %u of the flow",
						 l, other, p->layout_bits, p->flow_at);
			}
		}
	}
}

// Places do not overlap, in the flow or in the key.
static void test_places_are_disjoint(void **state)
{
	for (uint32_t l = 0; l < LAYOUT_N; l++) {
		struct place p[LAYOUT_MAX_PLACES];
		if (!layout_is_valid(l))
			continue;
		unsigned int n = layout_places(l, p);
		for (unsigned int i = 0; i < n; i++) {
			for (unsigned int j = i + 1; j < n; j++) {
				assert_true(p[i].flow_at + p[i].n <= p[j].flow_at ||
					    p[j].flow_at + p[j].n <= p[i].flow_at);
				if (p[i].how == PLACE_BYTES && p[j].how == PLACE_BYTES)
					assert_true(p[i].key_at + p[i].n <= p[j].key_at ||
						    p[j].key_at + p[j].n <= p[i].key_at);
			}
			if (p[i].how != PLACE_ABSENT)
				assert_true(p[i].key_at + p[i].n <= (int)sizeof(struct dp_key));
		}
	}
}

static void random_mask(struct flow *mask)
{
	memset(mask, 0, sizeof(*mask));
	uint8_t *bytes = (uint8_t *)mask;
	static const uint16_t fields[][2] = {
#define F(M) {offsetof(struct flow, M), sizeof(((struct flow *)0)->M)}
		F(in_port),	F(recirc_id),	 F(pkt_mark),	 F(skb_priority), F(dp_hash),
		F(ct_state),	F(ct_zone),	 F(ct_mark),	 F(ct_label),	  F(dl_dst),
		F(dl_src),	F(dl_type),	 F(dl_type),	 F(dl_type),	  F(vlan[0].tpid),
		F(vlan[0].tci), F(vlan[1].tpid), F(vlan[1].tci), F(mpls[0]),	  F(mpls[1]),
		F(mpls[2]),	F(nw_src),	 F(nw_dst),	 F(ipv6_src),	  F(ipv6_dst),
		F(ipv6_label),	F(nw_frag),	 F(nw_tos),	 F(nw_ttl),	  F(nw_proto),
		F(nd_target),	F(arp_sha),	 F(arp_tha),	 F(tcp_flags),	  F(nsh),
		F(tp_src),	F(tp_dst),	 F(igmp_group),	 F(regs),	  F(metadata),
		F(tunnel),
#undef F
	};
	for (unsigned int i = random_below(5); i; i--) {
		const uint16_t *f = fields[random_below(sizeof(fields) / sizeof(fields[0]))];
		for (unsigned int b = 0; b < f[1]; b++)
			bytes[f[0] + b] = random_below(3) ? 0xff : (uint8_t)random_below(256);
	}
}

// The property that policy rests on: packets that are equal under a vector mask have flows that are
// equal under the mask that it was made from.
static void test_masks_are_safe(void **state)
{
	uint8_t a[FRAME_MAX], b[FRAME_MAX];
	unsigned int n_equal = 0, n_differ_elsewhere = 0;
	for (int i = 0; i < 300000; i++) {
		struct dp_key ka, kb, mask, mask_b;
		struct flow fa, fb, flow_mask;
		size_t na = frame_random(a), nb = na;
		if (random_below(3))
			na = nb = frame_mutate(a, na);
		memcpy(b, a, FRAME_MAX);
		if (random_below(4)) {
			for (unsigned int m = 1 + random_below(2); m; m--)
				nb = frame_mutate(b, nb);
		} else {
			nb = frame_random(b);
		}
		key_of(a, na, &ka, &fa);
		key_of(b, nb, &kb, &fb);
		random_metadata(&ka, &fa);
		random_metadata(&kb, &fb);
		random_mask(&flow_mask);
		mask_from_flow(&mask, ka.meta.layout, &flow_mask);
		mask_from_flow(&mask_b, kb.meta.layout, &flow_mask);
		if (!key_equal_masked(&ka, &kb, &mask))
			continue;
		n_equal++;
		n_differ_elsewhere += !flow_equal(&fa, &fb);
		assert_true(flow_equal_masked(&fa, &fb, &flow_mask));
		// Both packets would make the same megaflow.
		assert_memory_equal(&mask, &mask_b, sizeof(mask));
	}
	assert_in_range(n_equal, 10000, 300000);
	assert_in_range(n_differ_elsewhere, 5000, 300000);
}

// And masks are as wide as they can be: with the fields exact that locate others, flows that are
// equal under the mask are equal under the vector mask.
static void test_masks_are_wide(void **state)
{
	uint8_t a[FRAME_MAX], b[FRAME_MAX];
	unsigned int n_equal = 0;
	for (int i = 0; i < 300000; i++) {
		struct dp_key ka, kb, mask;
		struct flow fa, fb, flow_mask;
		size_t na = frame_random(a), nb = na;
		memcpy(b, a, FRAME_MAX);
		nb = frame_mutate(b, nb);
		key_of(a, na, &ka, &fa);
		key_of(b, nb, &kb, &fb);
		random_mask(&flow_mask);
		flow_mask.packet_type = UINT32_MAX;
		flow_mask.dl_type = 0xffff;
		flow_mask.vlan[0].tci |= BE16(FLOW_VLAN_CFI);
		flow_mask.vlan[1].tci |= BE16(FLOW_VLAN_CFI);
		flow_mask.nw_proto = flow_mask.nw_frag = 0xff;
		if (fa.nw_proto == IP_PROTO_ICMPV6)
			flow_mask.tp_src = flow_mask.tp_dst = 0xffff;
		for (int l = 0; l < FLOW_MAX_MPLS; l++)
			flow_mask.mpls[l] |= BE32(MPLS_BOS_MASK);
		if (!flow_equal_masked(&fa, &fb, &flow_mask))
			continue;
		n_equal++;
		mask_from_flow(&mask, ka.meta.layout, &flow_mask);
		assert_true(key_equal_masked(&ka, &kb, &mask));
	}
	assert_in_range(n_equal, 20000, 300000);
}

static uint16_t layout_bits_of(const struct flow *mask, const uint8_t *frame, size_t n)
{
	struct dp_key key, m;
	struct flow flow;
	key_of(frame, n, &key, &flow);
	mask_from_flow(&m, key.meta.layout, mask);
	return m.meta.layout;
}

static void test_masks_cover_only_what_locates(void **state)
{
	static const uint8_t tcp[60] = {
		[12] = 0x08, [14] = 0x45, [17] = 40, [23] = 6, [46] = 0x50,
	};
	enum { ALWAYS = LAYOUT_LIVE | LAYOUT_BARE };
	struct flow mask = {0};
	assert_int_equal(layout_bits_of(&mask, tcp, 60), ALWAYS);
	mask.in_port = UINT32_MAX;
	memset(mask.dl_dst, 0xff, 6);
	assert_int_equal(layout_bits_of(&mask, tcp, 60), ALWAYS);
	mask.dl_type = 0xffff;
	assert_int_equal(layout_bits_of(&mask, tcp, 60), ALWAYS | LAYOUT_VLAN0);
	mask.nw_src = 0xff;
	assert_int_equal(layout_bits_of(&mask, tcp, 60), ALWAYS | LAYOUT_VLAN0 | LAYOUT_L3);
	mask.tp_src = 0xff;
	assert_int_equal(layout_bits_of(&mask, tcp, 60),
			 ALWAYS | LAYOUT_VLAN0 | LAYOUT_L3 | 6 << LAYOUT_L4_SHIFT);
	mask.nw_frag = 3;
	assert_int_equal(layout_bits_of(&mask, tcp, 60),
			 ALWAYS | LAYOUT_VLAN0 | LAYOUT_L3 | 6 << LAYOUT_L4_SHIFT | LAYOUT_FRAG);
}

static void test_live_hash(void **state)
{
	for (int i = 0; i < 2000; i++) {
		struct dp_key a, b, mask;
		struct live live;
		random_bytes(&a, sizeof(a));
		random_bytes(&mask, sizeof(mask));
		uint64_t *w = (uint64_t *)(void *)&mask;
		for (unsigned int j = 0; j < KEY_WORDS; j++)
			w[j] = random_below(3) ? 0 : w[j];
		b = a;
		uint64_t *wb = (uint64_t *)(void *)&b, noise = random_u64();
		unsigned int at = random_below(KEY_WORDS);
		wb[at] ^= noise & ~w[at];
		live_init(&live, &mask, 0x1234567, 99);
		uint64_t hash = live_hash(&live, &a.meta, a.header);
		assert_int_equal(hash, live_hash(&live, &b.meta, b.header)); // outside the mask
		b.meta.layout ^= 1;
		assert_int_equal(hash, live_hash(&live, &b.meta, b.header));
		b = a;
		struct dp_key effective = mask;
		effective.meta.layout = 0;
		if (((uint64_t *)(void *)&effective)[at]) { // a bit of it
			uint64_t bits = ((uint64_t *)(void *)&effective)[at];
			wb[at] ^= bits & -bits;
			assert_int_not_equal(hash, live_hash(&live, &b.meta, b.header));
		}
	}
}

int main(void)
{
	random_seed(1);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_layout_bits_locate),
		cmocka_unit_test(test_places_are_disjoint),
		cmocka_unit_test(test_random_frames_agree),
		cmocka_unit_test(test_truncation),
		cmocka_unit_test(test_masks_are_safe),
		cmocka_unit_test(test_masks_are_wide),
		cmocka_unit_test(test_masks_cover_only_what_locates),
		cmocka_unit_test(test_live_hash),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
