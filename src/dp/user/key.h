/* SPDX-License-Identifier: Apache-2.0 */
// The userspace datapath's flow key: one vector of metadata and the first 128 bytes of the frame
// (see layout.h). A mask has the same shape. Matching is load, AND, compare.
//
// A further vector for what most flows never look at (tunnel metadata, the original tuple of
// conntrack) will stand beside `header`, with a bit of the layout that says whether the packet has
// it; until then those members of struct flow are zero in every packet of this datapath, and masks
// over them match nothing else.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dp/user/layout.h"
#include "flow/flow.h"

struct rte_mbuf;

typedef uint64_t vec64 __attribute__((vector_size(64), may_alias)); // of keys at rest
typedef uint64_t vec32 __attribute__((vector_size(32), may_alias)); // half a metadata vector
typedef uint64_t vec64_at
	__attribute__((vector_size(64), aligned(1), may_alias)); // of bytes anywhere
typedef uint64_t vec32_at __attribute__((vector_size(32), aligned(8), may_alias));

struct dp_meta {
	uint32_t in_port, recirc_id;
	uint16_t layout; // with LAYOUT_LIVE
	uint16_t ct_zone;
	uint32_t dp_hash;
	uint32_t pkt_mark, skb_priority;
	uint32_t ct_state, ct_mark;
	// The second half, which most masks do not cover.
	union flow_in6 ct_label;
	uint64_t unused[2];
} __attribute__((aligned(32), may_alias));
_Static_assert(sizeof(struct dp_meta) == KEY_META_BYTES, "the metadata is one vector");
_Static_assert(offsetof(struct dp_meta, layout) % 8 == 0, "the layout is the low bits of a word");

struct dp_key {
	struct dp_meta meta;
	uint8_t header[KEY_HEADER_BYTES];
} __attribute__((aligned(64)));
_Static_assert(sizeof(struct dp_key) == 3 * 64, "a key is three vectors");
enum { KEY_WORDS = sizeof(struct dp_key) / 8 };

// The key of a packet with this flow: the canonical shape. All of *key is written.
void key_from_flow(struct dp_key *key, const struct flow *);
// The mask of packets with this layout that covers the bits of a flow's mask, and those layout bits
// that locate them. Any two packets of any layout that are equal under *mask have flows that are
// equal under `flow_mask`.
void mask_from_flow(struct dp_key *mask, uint32_t layout, const struct flow *flow_mask);
// All that a packet with this layout has.
void mask_exact(struct dp_key *mask, uint32_t layout);
// Back again, for dumps. `layout` is that of a packet that matches.
void key_to_flow(const struct dp_key *key, const struct dp_key *mask, uint32_t layout,
		 struct flow *flow, struct flow *flow_mask);

// The layout of a frame without its metadata; *header is its key's header: the frame itself when it
// is regular and 128 bytes can be read there, else `scratch`. The result has LAYOUT_LIVE.
// `readable` >= 14: bytes of buffer behind the start of the frame.
uint32_t key_odd_header(const uint8_t *frame, uint32_t n, uint32_t wire_len,
			uint8_t scratch[KEY_HEADER_BYTES]);
static inline uint32_t key_header(const uint8_t *frame, uint32_t n, uint32_t wire_len,
				  uint32_t readable, uint8_t scratch[KEY_HEADER_BYTES],
				  const uint8_t **header)
{
	uint32_t layout = layout_classify(frame, n, wire_len);
	*header = frame;
	if (__builtin_expect(layout == LAYOUT_ODD, 0)) {
		*header = scratch;
		layout = key_odd_header(frame, n, wire_len, scratch);
	} else if (__builtin_expect(readable < KEY_HEADER_BYTES, 0)) {
		uint32_t copy = n < KEY_HEADER_BYTES ? n : KEY_HEADER_BYTES;
		memset(scratch, 0, KEY_HEADER_BYTES);
		memcpy(scratch, frame, copy);
		*header = scratch;
	}
	return layout | LAYOUT_LIVE;
}

// The same of a packet that has no Ethernet header, and a blank one in its frame: zeros, and the
// type of what follows.
uint32_t key_bare_header(const uint8_t *frame, uint32_t n, uint32_t wire_len,
			 uint8_t scratch[KEY_HEADER_BYTES]);
// flow_extract() of such a frame, with its packet type.
void key_extract_bare(const uint8_t *frame, uint32_t n, uint32_t wire_len, struct flow *);

static inline bool key_equal_masked(const struct dp_key *a, const struct dp_key *b,
				    const struct dp_key *mask)
{
	const vec64 *va = (const vec64 *)(const void *)a, *vb = (const vec64 *)(const void *)b;
	const vec64 *vm = (const vec64 *)(const void *)mask;
	vec64 d = ((va[0] ^ vb[0]) & vm[0]) | ((va[1] ^ vb[1]) & vm[1]) | ((va[2] ^ vb[2]) & vm[2]);
	return !(d[0] | d[1] | d[2] | d[3] | d[4] | d[5] | d[6] | d[7]);
}
