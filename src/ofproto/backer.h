/* SPDX-License-Identifier: Apache-2.0 */
// A backer is one datapath with the bridges on it: it opens the datapath, answers its upcalls by
// translation, keeps the snapshot that translation reads (ofproto/xlate.h), and follows the
// megaflows that it installed.
//
// All bridges of one datapath type share a backer. `struct backers` holds those that are open;
// struct ofproto_system owns it. Threads: main, except where said.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "dp/dp.h"
#include "loop/loop.h"
#include "ofproto/ofproto.h"

struct backer;
struct backers;
struct mac_table;
struct ofproto;
struct ofproto_system;
struct str;

// The system gets the packets for controllers.
struct backers *backers_new(struct ofproto_system *, struct loop *);
void backers_free(struct backers *); // none may be open
// ofproto.c's: the backers that the system owns, for commands.
struct backers *ofproto_system_backers(const struct ofproto_system *);

struct backer_settings {	    // Open_vSwitch.other_config
	int64_t max_idle_ms;	    // megaflows without traffic go after this: max-idle, 10000
	int64_t max_revalidator_ms; // the longest between two rounds: max-revalidator, 500
	unsigned int flow_limit;    // flow-limit, 200000
	bool restoring;	       // flow-restore-wait: packets that no megaflow matches are dropped
	struct dp_settings dp; // of polling threads
};
void backers_configure(struct backers *, const struct backer_settings *);

// Opens the datapath of that type ("netdev", "dummy"), or takes a further reference to the one that
// is open.
struct error *backer_open(struct backers *, const char *type, struct backer **) MUST_CHECK;
// Gives a reference back; with the last one the datapath is closed. The bridge's ports and its part
// of the snapshot (xlate_remove_bridge) must be gone.
void backer_close(struct backer *); // NULL is allowed
struct backer *backers_find(const struct backers *, const char *type);
void backers_for_each(const struct backers *, void (*cb)(void *arg, struct backer *), void *arg);
struct dp *backer_dp(const struct backer *);
uint32_t
backer_new_meter(struct backer *); // a number for a meter in the datapath that none had before
struct loop *backer_loop(const struct backer *);

// Puts a device into the datapath and says under which number (first *dp_port is the wanted one, or
// DP_PORT_NONE). What the number means (bridge, OpenFlow port, VLANs) follows with
// xlate_set_bridge(). Patch ports have none: do not add them.
struct error *backer_port_add(struct backer *, struct netdev *, uint32_t *dp_port) MUST_CHECK;
int backer_port_del(struct backer *, uint32_t dp_port); // -ENOENT

// Translates OpenFlow actions for a packet that a controller or the switch itself sends, and
// executes the result. `flow` is extracted from the frame, with the OpenFlow in_port (or OFPP_NONE,
// OFPP_CONTROLLER) and metadata that the sender wants.
struct error *backer_packet_out(struct backer *, struct ofproto *, const struct flow *flow,
				const void *frame, size_t n, const void *ofpacts,
				size_t ofpacts_len) MUST_CHECK;
// The same for a packet that goes on from where it stopped (ofproto/recirc.h).
struct frozen;
struct error *backer_resume(struct backer *, struct ofproto *, const struct flow *flow,
			    const void *frame, size_t n, const struct frozen *) MUST_CHECK;

// Traffic of a patch port, credited by translation: no device counts it.
struct backer_patch_stats {
	uint64_t rx_packets, rx_bytes, tx_packets, tx_bytes;
};
void backer_patch_stats(const struct backer *, const struct ofproto *, uint32_t ofp_port,
			struct backer_patch_stats *);

// Brings the counters of the rules and patch ports up to what the datapath has counted until now.
// Flow statistics replies call it first, so that they are exact; with many megaflows they may be 50
// ms old.
void backer_push_stats(struct backer *);
// Revalidates every megaflow before it returns: a barrier after changes of rules.
void backer_settle(struct backer *);
// The same when that takes a few milliseconds at most; else the change takes effect within the next
// round, as it does anyway. For OpenFlow barriers: who has the reply may rely on the new rules.
void backer_settle_if_quick(struct backer *);

// fdb/*, dpif/*, dpctl/*, dpif-netdev/*, ofproto/trace, upcall/*, revalidator/*: rows for
// ofproto_for_each_command(). Ends with a row without name.
extern const struct ofproto_command backer_commands[];
