/* SPDX-License-Identifier: Apache-2.0 */
// What the files that print messages share. Private to this folder. A printer appends what follows
// "NAME (xid=0x1):", and returns 0 or the enum ofperr that the decoder gave.
#pragma once
#include "openflow/message.h"
#include "openflow/print.h"

typedef int ofp_printer(struct str *, const struct ofp_msg *, const struct ofp_print_options *);

struct bit_name {
	uint32_t bit;
	const char *name;
};
// The names of the bits, each followed by `separator` but the last; those without a name in hex.
void print_bits(struct str *, uint32_t bits, const struct bit_name *, size_t n, char separator);
void print_port(struct str *, uint32_t port, const struct ofp_print_options *);
void print_counter(struct str *, const char *before, uint64_t n); // UINT64_MAX is "?"
void print_duration(struct str *, uint32_t s, uint32_t ns);	  // "5.123s"
// 16 bytes a line, with or without their characters.
void print_hex_dump(struct str *, const void *, size_t n, bool characters);
// The ports of a features or port description reply, one after the other. 0 or an enum ofperr.
int print_port_list(struct str *, struct cursor *, uint8_t version,
		    const struct ofp_print_options *);
void print_flow_mod_flags(struct str *, uint16_t flags);

ofp_printer print_hello, print_error_msg, print_echo, print_features, print_config, print_desc,
	print_role, print_role_status, print_async, print_set_flow_format, print_flow_mod_table_id,
	print_packet_in_format, print_controller_id;
ofp_printer print_port_status, print_port_mod, print_port_desc_request, print_port_desc_reply,
	print_port_stats_request, print_port_stats_reply, print_queue_stats_request,
	print_queue_stats_reply;
ofp_printer print_flow_mod, print_flow_removed, print_flow_stats_request, print_flow_stats_reply,
	print_aggregate_reply;
ofp_printer print_group_mod, print_group_request, print_group_desc_reply, print_group_stats_reply,
	print_group_features_reply;
ofp_printer print_packet_in, print_packet_out;
ofp_printer print_table_stats_reply, print_table_features;
ofp_printer print_meter_mod, print_meter_request, print_meter_config_reply, print_meter_stats_reply,
	print_meter_features_reply;
ofp_printer print_table_mod, print_table_desc_reply, print_table_status;
ofp_printer print_queue_config_request, print_queue_config_reply;
ofp_printer print_bundle_control, print_bundle_add, print_bundle_features_request,
	print_bundle_features_reply, print_requestforward;
extern const char *const print_controller_reasons[OFPCSR_N];
ofp_printer print_controller_status, print_controller_status_reply;
ofp_printer print_flow_monitor_request, print_flow_monitor_cancel, print_flow_updates;
ofp_printer print_tlv_table_mod, print_tlv_table_reply, print_ct_flush_zone, print_ct_flush,
	print_ipfix_bridge_reply, print_ipfix_flow_reply;
