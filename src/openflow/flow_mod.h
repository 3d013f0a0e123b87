/* SPDX-License-Identifier: Apache-2.0 */
// Changes of flow tables, the news of removed flows, and reading of flow tables.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "flow/match.h"
#include "openflow/action.h"
#include "openflow/header.h"

enum ofp_flow_mod_command {
	OFPFC_ADD,
	OFPFC_MODIFY,
	OFPFC_MODIFY_STRICT,
	OFPFC_DELETE,
	OFPFC_DELETE_STRICT
};
enum ofp_flow_mod_flags {
	OFPFF_SEND_FLOW_REM = 1 << 0,
	OFPFF_CHECK_OVERLAP = 1 << 1,
	OFPFF_RESET_COUNTS = 1 << 2,
	OFPFF_NO_PKT_COUNTS = 1 << 3,
	OFPFF_NO_BYT_COUNTS = 1 << 4,
	OFPFF_EMERG = 1 << 8, // 1.0's bit 2
};
enum { OFP_DEFAULT_PRIORITY = 32768, OFPTT_ALL = 255 };
#define OFPG_ANY 0xffffffffu
#define OFPG_ALL 0xfffffffcu

struct ofp_flow_mod {
	struct match match;
	uint16_t priority;
	// Only flows with this cookie are modified or deleted; mask 0: any.
	be64_t cookie, cookie_mask;
	// What added and modified flows get. Modify without `modify_cookie` leaves it.
	be64_t new_cookie;
	bool modify_cookie;
	uint8_t table_id; // OFPTT_ALL: the switch chooses (add) or all (delete)
	enum ofp_flow_mod_command command;
	uint16_t idle_timeout, hard_timeout, importance;
	uint32_t buffer_id;
	uint32_t out_port;  // delete: OFPP_NONE for any
	uint32_t out_group; // delete: OFPG_ANY
	uint16_t flags;	    // enum ofp_flow_mod_flags
	struct buf actions; // struct ofpact ...; owned; kept from one decode to the next
};
// As stock's defaults: any match, OFP_DEFAULT_PRIORITY, table 255, no buffer, no ports. Keeps the
// memory of `actions`, which must be zero the first time.
void ofp_flow_mod_init(struct ofp_flow_mod *);
void ofp_flow_mod_done(struct ofp_flow_mod *);
// `protocol` tells 1.0 connections whether the table_id extension is on. *fm must be zero or
// initialised. The actions are checked as far as they can be without a switch (ofpacts_check comes
// after, by the switch).
int ofp_decode_flow_mod(const struct ofp_msg *, enum ofp_protocol, struct ofp_flow_mod *);
void ofp_encode_flow_mod(struct buf *, const struct ofp_flow_mod *, enum ofp_protocol,
			 uint32_t xid);

enum ofp_flow_removed_reason {
	OFPRR_IDLE_TIMEOUT,
	OFPRR_HARD_TIMEOUT,
	OFPRR_DELETE,
	OFPRR_GROUP_DELETE,
	OFPRR_METER_DELETE,
	OFPRR_EVICTION
};
struct ofp_flow_removed {
	struct match match;
	be64_t cookie;
	uint16_t priority, idle_timeout, hard_timeout;
	uint8_t reason, table_id; // table 255: not known (1.0)
	uint32_t duration_s, duration_ns;
	uint64_t packets, bytes;
};
int ofp_decode_flow_removed(const struct ofp_msg *, struct ofp_flow_removed *);
void ofp_encode_flow_removed(struct buf *, const struct ofp_flow_removed *, enum ofp_protocol);

// --- Flow and aggregate statistics.

enum ofp_flows_kind { // what is asked of flows
	OFP_FLOWS_WHOLE,
	OFP_FLOWS_COUNTERS, // 1.5 only: without instructions, timeouts and the like
	OFP_FLOWS_SUM	    // an aggregate of all
};
struct ofp_flow_stats_request {
	enum ofp_flows_kind kind;
	struct match match;
	be64_t cookie, cookie_mask;
	uint32_t out_port, out_group; // OFPP_NONE, OFPG_ANY: any
	uint8_t table_id;	      // OFPTT_ALL: all
};
int ofp_decode_flow_stats_request(const struct ofp_msg *, struct ofp_flow_stats_request *);
void ofp_encode_flow_stats_request(struct buf *, const struct ofp_flow_stats_request *,
				   enum ofp_protocol, uint32_t xid);

enum ofp_flow_stats_reason { OFPFSR_STATS_REQUEST, OFPFSR_STAT_TRIGGER };
// Of an OFP_FLOWS_COUNTERS answer: match, table_id, reason, priority, duration, idle_age, packets
// and bytes. UINT32_MAX for both parts of the duration: not known (of others' messages).
struct ofp_flow_stats {
	struct match match;
	be64_t cookie;
	uint8_t table_id, reason; // enum ofp_flow_stats_reason
	uint16_t priority, idle_timeout, hard_timeout, importance, flags;
	uint32_t duration_s, duration_ns;
	int idle_age, hard_age;	 // seconds; -1: not known. Sent in NXM format only
	uint64_t packets, bytes; // UINT64_MAX: not known
	const void *actions;	 // borrowed
	size_t actions_len;
};
// Adds a flow to the answer. (A 1.0 answer leaves out what it cannot say.)
void ofp_append_flow_stats(struct ofp_replies *, const struct ofp_msg *request,
			   const struct ofp_flow_stats *);
// The next flow of a reply's body; `actions` is the scratch buffer that fs->actions points into,
// cleared first. -ENODATA at the end, else 0 or an enum ofperr.
int ofp_flow_stats_pull(const struct ofp_msg *, struct cursor *body, struct buf *actions,
			struct ofp_flow_stats *);

// The message of 1.5 for a flow that has passed a threshold of its stat_trigger: an
// OFP_FLOWS_COUNTERS answer that nobody asked for, of one flow.
void ofp_encode_flow_trigger(struct buf *, const struct ofp_flow_stats *);

struct ofp_aggregate {
	uint64_t packets, bytes; // UINT64_MAX: not known
	uint32_t flows;
};
int ofp_decode_aggregate_reply(const struct ofp_msg *, struct ofp_aggregate *);
void ofp_encode_aggregate_reply(struct buf *, const struct ofp_msg *request,
				const struct ofp_aggregate *);
