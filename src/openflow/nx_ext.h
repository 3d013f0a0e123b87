/* SPDX-License-Identifier: Apache-2.0 */
// Smaller Nicira extensions: the table of tunnel options, flushing of tracked connections, IPFIX
// counters.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"
#include "base/vec.h"
#include "flow/options.h"
#include "openflow/header.h"

// --- The table of tunnel options: which of them the fields tun_metadata0..63 stand for.

enum ofp_tlv_command { NXTTMC_ADD, NXTTMC_DELETE, NXTTMC_CLEAR };
struct ofp_tlv_table_mod {
	enum ofp_tlv_command command;
	VEC(struct option_map) maps;
};
// Freed by the caller, also after an error.
int ofp_decode_tlv_table_mod(const struct ofp_msg *, struct ofp_tlv_table_mod *);
void ofp_encode_tlv_table_mod(struct buf *, const struct ofp_tlv_table_mod *, uint8_t version,
			      uint32_t xid);
void ofp_tlv_table_mod_done(struct ofp_tlv_table_mod *);

struct ofp_tlv_table {
	uint32_t max_space;
	uint16_t max_fields;
	VEC(struct option_map) maps;
};
int ofp_decode_tlv_table_reply(const struct ofp_msg *, struct ofp_tlv_table *);
void ofp_encode_tlv_table_reply(struct buf *, const struct ofp_msg *request,
				const struct ofp_tlv_table *);
void ofp_tlv_table_done(struct ofp_tlv_table *);

// "{class=0xffff,type=0,len=4}->tun_metadata0,..."; the maps are added to tm->maps.
struct error *ofp_tlv_maps_parse(const char *text, struct ofp_tlv_table_mod *tm) MUST_CHECK;

// --- Tracked connections.

struct ofp_ct_tuple {
	uint8_t src[16], dst[16]; // IPv4: mapped; all zero: any
	// ICMP: src_port is the ID, dst_port holds code and type, each a byte.
	uint16_t src_port, dst_port;
};
struct ofp_ct_match {
	uint8_t ip_proto; // 0: any
	bool ipv6;
	bool icmp; // the tuples were given by ICMP's fields
	bool has_orig, has_reply, has_zone;
	uint16_t zone;
	struct ofp_ct_tuple orig, reply;
};
int ofp_decode_ct_flush(const struct ofp_msg *, struct ofp_ct_match *);
void ofp_encode_ct_flush(struct buf *, const struct ofp_ct_match *, uint8_t version, uint32_t xid);
// NXT_CT_FLUSH_ZONE
int ofp_decode_ct_flush_zone(const struct ofp_msg *, uint16_t *zone);
void ofp_encode_ct_flush_zone(struct buf *, uint16_t zone, uint8_t version, uint32_t xid);
// "zone=1 'ct_nw_src=...' 'ct_nw_dst=...'"
void ofp_ct_match_format(const struct ofp_ct_match *, struct str *);
// A tuple as users write it, "ct_nw_src=10.1.1.1,ct_nw_proto=6,ct_tp_dst=80", into *tuple; protocol
// and address family into *m.
struct error *ofp_ct_tuple_parse(const char *text, struct ofp_ct_tuple *tuple,
				 struct ofp_ct_match *m) MUST_CHECK;

// --- IPFIX counters.

struct ofp_ipfix_stats {
	uint64_t total_flows, current_flows, pkts, ipv4_pkts, ipv6_pkts, error_pkts,
		ipv4_error_pkts, ipv6_error_pkts, tx_pkts, tx_errors;
	uint32_t collector_set_id;
};
enum { OFP_IPFIX_STATS_LEN = 88 };
// The next one of a reply's body.
void ofp_ipfix_stats_pull(struct cursor *, struct ofp_ipfix_stats *);
void ofp_ipfix_stats_put(struct buf *, const struct ofp_ipfix_stats *);
