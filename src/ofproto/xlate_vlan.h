/* SPDX-License-Identifier: Apache-2.0 */
// VLANs as bundles see them (IEEE 802.1Q): for NORMAL, multicast snooping and mirrors. A packet's
// tags are first translated from what the input bundle means by them to the bridge's own view, in
// which every packet is in exactly one VLAN (0 for those that are in none), and then to what each
// output bundle wants to see.
#pragma once
#include "ofproto/xlate_ctx.h"

struct tag {
	uint8_t from; // 1, 2: the packet's first or second tag; 0: a new one
	be16_t tpid;  // of the packet: 0 when a megaflow is looked at again that does not match on
		      // it; of a new tag: 0 is 0x8100
	uint16_t vid; // 0: none, or a priority tag
	uint16_t pcp; // in its place in the TCI
};
struct tags { // outermost first
	struct tag v[FLOW_MAX_VLANS];
};

// As the packet has them. What is looked at later must be in the mask: xlate_look_at_vlans().
void tags_from_flow(struct tags *, const struct flow *);
void xlate_look_at_vlans(struct xlate_ctx *);
// May the bundle receive what is in this VLAN? Reports why not.
bool bundle_allows(struct xlate_ctx *, const struct xlate_bundle *, uint16_t vid);
// From the view of the input bundle to the bridge's. `in` and `out` must not be the same.
void bundle_translate_input(const struct xlate_bundle *, const struct tags *in, struct tags *out);
// Does the bundle carry what has these tags in the bridge's view?
bool bundle_has_vlan(const struct xlate_bundle *, const struct tags *);
// Sends the packet, with these tags in the bridge's view, out through the bundle. ctx->flow is as
// before.
void xlate_output_bundle(struct xlate_ctx *, const struct xlate_bundle *to, const struct tags *);
// Addresses of protocols that end at the next bridge (IEEE 802.1D table 7-10, and the
// manufacturers' own): see forward-bpdu.
bool mac_is_reserved(const uint8_t mac[6]);
