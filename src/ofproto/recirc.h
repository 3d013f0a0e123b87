/* SPDX-License-Identifier: Apache-2.0 */
// Recirculation contexts: translations that stopped in the middle, to go on when the datapath has
// more to say about the packet.
//
// What a translation needs to go on is *frozen*: an immutable object that knows the bridge, the
// actions left, the action set, the stack, registers and metadata. The datapath gets its number
// (`recirc(0x1)`) and gives it back with the packet. Equal states have one context with one number,
// so packets that are alike meet the same megaflow in the second pass, whoever froze them.
//
// Life: megaflows that send packets to a context, and those that match on its number, hold
// references. When the last one goes the context stays for a grace period at least (packets of the
// burst that made it may be on their way), can be found and referenced anew, and is then unlinked;
// after one more grace period it is freed.
//
// Bounds: RECIRC_MAX contexts and RECIRC_MAX_BYTES per datapath, and of what is left no bridge port
// takes all. Past that, translation fails, which drops the packet; coverage counter
// `recirc_limit_hit`.
//
// Threads: all functions may be called by any registered thread. recirc_find() takes no lock.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flow/flow.h"

enum { RECIRC_MAX = 131072, RECIRC_MAX_BYTES = 128 << 20 };
enum { FROZEN_NO_TABLE = 0xff };

struct frozen_head { // all bytes count: zero it first
	uint64_t ofproto_id;
	uint64_t mirrored; // mirrors that have the packet already
	struct flow_tunnel tunnel;
	be64_t metadata;
	uint32_t regs[FLOW_N_REGS];
	uint32_t in_port;		     // an OpenFlow port of the bridge
	uint32_t hash_algorithm, hash_basis; // of the packet's dp_hash, with `hashed`
	uint8_t table_id; // where to go on; FROZEN_NO_TABLE: with the actions alone
	bool conntracked; // the packet's ct_* fields are what ct() found; else the tables do not
			  // see them
	bool hashed;
	bool in_action_set, in_group, packet_out; // what the actions left are of
	uint8_t pad[6];
};

struct frozen {
	struct frozen_head h;
	const uint64_t *stack;
	const void *actions;	// OpenFlow actions left
	const void *action_set; // in the order of writing
	const void *options;	// flow.options, when h.tunnel has any: all of them or 0 bytes
	size_t n_stack, actions_len, action_set_len, options_len;
};

struct recirc {
	// Immutable.
	struct frozen frozen; // its lists lie behind it
	uint64_t hash;
	uint32_t id; // not 0
	uint32_t share;
	size_t size;
	struct recirc_table *table;
	// Any thread (atomic).
	uint32_t refs;
	// Guarded by the table's lock; next_of_id is read under RCU.
	bool retiring, touched;
	struct recirc *next_of_id, *next_of_hash;
	uint64_t lists[];
};

struct recirc_table;
struct recirc_table *recirc_table_new(void);
// Contexts that are referenced live on until they are let go.
void recirc_table_free(struct recirc_table *);
unsigned int recirc_n_contexts(const struct recirc_table *);

// The context with this state, made when there is none, with a reference for the caller. NULL:
// there are too many.
struct recirc *recirc_freeze(struct recirc_table *, const struct frozen *);
// The context with this number, good until the thread's next quiescent state; NULL: there is none.
struct recirc *recirc_find(const struct recirc_table *, uint32_t id);
// NULL: it is on its way out.
struct recirc *recirc_try_ref(struct recirc *);
void recirc_unref(struct recirc *); // NULL is allowed
