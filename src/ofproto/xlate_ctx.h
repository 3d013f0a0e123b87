/* SPDX-License-Identifier: Apache-2.0 */
// The state of one translation, for the files that make it up: xlate.c (tables), xlate_actions.c
// (one function per action), xlate_output.c (ports), xlate_normal.c (the learning switch),
// xlate_commit.c (header changes).
#pragma once
#include "base/clock.h"
#include "ofproto/packet_in.h"
#include "ofproto/recirc.h"
#include "ofproto/trace.h"
#include "ofproto/xlate.h"
#include "ofproto/xlate_snapshot.h"

enum { XLATE_NO_TABLE = 0xff, XLATE_TABLE_INTERNAL = 254 };

// A translation that stops, to go on when the packet comes back (xlate_freeze.c).
struct xlate_freeze {
	bool on;	// no action is run any more; those left are collected on the way out
	bool unwinding; // the first of them is known
	bool past;	// the action that froze is not run again
	bool rehash;	// the datapath is to hash the packet before
	bool in_action_set, in_group; // what the actions left are of
	bool unrolled;		      // `actions` says of which table and cookie they are: these
	uint8_t table_id;
	be64_t cookie;
	uint8_t from_table; // where it stopped
	be64_t from_cookie;
	uint32_t algorithm, basis; // of rehash
	const struct ofpact_controller
		*pause;	    // the packet waits for a controller; NULL: it is recirculated
	struct buf actions; // left
};

struct xlate_ctx {
	const struct xlate_in *in;
	struct xlate_out *out;
	const struct xlate_snapshot *snapshot;
	const struct xlate_bridge *bridge; // where the packet is now
	struct flow *mask;		   // out->mask, or `made_up`
	struct flow flow;		   // the packet as the tables see it
	struct flow base; // the packet as the datapath has it after the actions so far
	const struct rule
		*rule; // whose actions are being run; NULL: packet-out, table miss, thawed actions
	be64_t cookie; // of the rule; all ones: none
	uint8_t table_id;
	bool exit; // no further actions, at any level
	bool in_action_set, in_group;
	bool packet_out; // the actions of a packet-out, not of a table
	unsigned int depth, resubmits;
	uint64_t mirrored; // mirrors of ctx->bridge whose destination has the packet already
	uint16_t snaplen;  // of the next output; 0: whole packets
	bool behind_mpls;  // the last label is off: what it hid is not known
	// A header was put in front of the packet, or taken off, which the next commit does. TLVs
	// of an NSH header that is to be pushed.
	enum xlate_pending { XLATE_NOTHING, XLATE_ENCAP, XLATE_DECAP, XLATE_POP_LABEL } pending;
	struct flow made_up; // the mask while all that the tables see of the packet was put in
			     // front of it: see xlate_mask_merge()
	uint16_t md2_len;
	uint8_t md2[DP_NSH_MAX_MD];
	bool wrapped; // some of the actions are in a clone
	bool last;    // nothing that the packet's state matters for follows the action that is run
	unsigned int irreversible; // how often something was done that no datapath action undoes,
				   // see xlate_clone.c
	bool conntracked;	   // ct_* fields are what ct() found
	bool hashed;		   // flow.dp_hash was computed so:
	uint32_t hash_algorithm, hash_basis;
	struct xlate_freeze freeze;
	struct buf action_set; // of write_actions, in the order of writing
	uint64_t *stack;
	unsigned int stack_n, stack_cap;
	struct xlate_trace_node *node; // where a trace reports to; NULL: nobody traces
};

#define XLATE_REPORT(ctx, ...)                                                                     \
	do {                                                                                       \
		if ((ctx)->node)                                                                   \
			xlate_trace_add((ctx)->node, __VA_ARGS__);                                 \
	} while (0)

static inline int64_t xlate_now(const struct xlate_in *in)
{
	return in->now ? in->now : clock_ms();
}

// xlate.c
void xlate_fail(struct xlate_ctx *, enum xlate_error);
// Looks the flow up in a table and runs what it finds. `in_port` is what the lookup sees.
// `miss_counts`: without a match the bridge's table-miss behaviour applies; else nothing happens.
void xlate_table(struct xlate_ctx *, uint32_t in_port, uint8_t table_id, bool miss_counts);
void xlate_run_action_set(struct xlate_ctx *);
// Takes the reference that the credit holds.
void xlate_add_credit(struct xlate_ctx *, const struct xlate_credit *);
// Runs the bridge's tables from the first one for a packet that came in through its port (NULL: not
// through a port), and then the action set.
void xlate_bridge_pipeline(struct xlate_ctx *, const struct xlate_port *in_port);

// The tags of a packet that comes into the bridge, as it wants to see them.
void xlate_limit_vlans(struct xlate_ctx *);
// The end of a pipeline: the action set, unless it stopped before, and then it is frozen.
void xlate_end_pipeline(struct xlate_ctx *);

// xlate_freeze.c
// Stops here; the action that is being run is run again when the packet is back.
void xlate_freeze_begin(struct xlate_ctx *);
// Stops behind the action that is being run.
void xlate_freeze_after(struct xlate_ctx *);
// As xlate_freeze_begin(), for a packet with a hash (of its dp_hash) by this algorithm.
void xlate_freeze_for_hash(struct xlate_ctx *, uint32_t algorithm, uint32_t basis);
// Does the action need what a label hid that is gone?
bool xlate_needs_inner_headers(const struct xlate_ctx *, const struct ofpact *);
// Collects the actions from `a` to `end`, which are left.
void xlate_freeze_rest(struct xlate_ctx *, const struct ofpact *a, const void *end);
// Makes a context of what is left and has the datapath send the packet there. From here on, nothing
// is frozen.
void xlate_freeze_finish(struct xlate_ctx *);
// Goes on from a frozen state. False: its bridge is gone.
bool xlate_thaw(struct xlate_ctx *, const struct frozen *);
bool xlate_do_debug_recirc(struct xlate_ctx *, const void *action);
bool xlate_do_unroll(struct xlate_ctx *, const void *action);

// Room for one more table or group? Fails the translation when there is none.
bool xlate_within_limits(struct xlate_ctx *);

// xlate_group.c
void xlate_group(struct xlate_ctx *, uint32_t group_id);

// xlate_actions.c
void xlate_actions(struct xlate_ctx *, const void *list, size_t n);

// Writes the low bits of a number; what decides whether it can be written is un-wildcarded.
void xlate_set_subfield(struct xlate_ctx *, const struct subfield *, uint64_t value);
void xlate_unwildcard_subfield(struct xlate_ctx *, const struct subfield *);

// xlate_hash.c, xlate_learn.c, xlate_mpls.c, xlate_special.c: rows of the table of actions. False:
// the rest of the list is not run.
bool xlate_do_multipath(struct xlate_ctx *, const void *action);
bool xlate_do_bundle(struct xlate_ctx *, const void *action);
bool xlate_do_push_mpls(struct xlate_ctx *, const void *action);
bool xlate_do_pop_mpls(struct xlate_ctx *, const void *action);
bool xlate_do_set_mpls_label(struct xlate_ctx *, const void *action);
bool xlate_do_set_mpls_tc(struct xlate_ctx *, const void *action);
bool xlate_do_set_mpls_ttl(struct xlate_ctx *, const void *action);
bool xlate_do_dec_mpls_ttl(struct xlate_ctx *, const void *action);
bool xlate_do_output_trunc(struct xlate_ctx *, const void *action);
bool xlate_do_sample(struct xlate_ctx *, const void *action);
bool xlate_do_learn(struct xlate_ctx *, const void *action);
bool xlate_do_fin_timeout(struct xlate_ctx *, const void *action);
bool xlate_do_ct_clear(struct xlate_ctx *, const void *action);
bool xlate_do_conjunction(struct xlate_ctx *, const void *action);
bool xlate_do_debug_slow(struct xlate_ctx *, const void *action);
// Runs the rest of the list, in two branches.
void xlate_check_pkt_larger(struct xlate_ctx *, const struct ofpact_check_pkt_larger *,
			    const void *rest, size_t rest_len);
// Makes the datapath's packet have the labels of ctx->flow.
void xlate_commit_mpls(struct xlate_ctx *);

// xlate_encap.c
bool xlate_do_encap(struct xlate_ctx *, const void *action);
bool xlate_do_decap(struct xlate_ctx *, const void *action);
bool xlate_do_dec_nsh_ttl(struct xlate_ctx *, const void *action);
// What the tables looked at, besides headers that they made up, goes into the mask that it belongs
// to, which is used again.
void xlate_mask_merge(struct xlate_ctx *, struct flow *mask);
// Gives the packet the outermost header that the tables want.
void xlate_commit_encap(struct xlate_ctx *);

// xlate_clone.c: what is done to the packet is undone afterwards.
struct xlate_scope {
	struct flow flow, base, *mask;
	size_t start;
	unsigned int irreversible;
	enum xlate_pending pending;
	bool last, clone;
};
// `list` is what will be run; NULL: that is not known yet.
void xlate_scope_begin(struct xlate_ctx *, struct xlate_scope *, const void *list, size_t n);
void xlate_scope_end(struct xlate_ctx *, const struct xlate_scope *);
// When nothing came to be behind the last clone, the packet itself will do: its actions are given
// without it.
void xlate_unwrap_last_clone(struct xlate_ctx *, size_t start);
bool xlate_do_clone(struct xlate_ctx *, const void *action);

// xlate_output.c
void xlate_output(struct xlate_ctx *, uint32_t ofp_port, uint16_t max_len);
void xlate_output_port(struct xlate_ctx *, const struct xlate_port *);
struct xlate_to_controller {
	uint8_t reason;
	uint16_t max_len, controller_id;
	uint32_t meter_id; // UINT32_MAX: the meter for all such packets, if there is one
	const void *userdata;
	size_t userdata_len;
	uint32_t recirc_id; // the packet waits: where it will go on; 0: it does not
};
void xlate_controller(struct xlate_ctx *, const struct xlate_to_controller *);

// xlate_mirror.c: copies for mirrors of a packet that came in through the port, and of one that
// went out.
void xlate_mirror_ingress(struct xlate_ctx *, const struct xlate_port *);
void xlate_mirror_egress(struct xlate_ctx *, const struct xlate_port *);

// xlate_normal.c
void xlate_normal(struct xlate_ctx *);

// xlate_commit.c: makes the datapath's packet look like ctx->flow.
void xlate_commit(struct xlate_ctx *);
unsigned int xlate_n_vlans(const struct flow *);
// Tags are taken off, or pushed down by others: each tag of the packet counts from now on, and that
// there are no more.
void xlate_unwildcard_vlans(struct xlate_ctx *);
