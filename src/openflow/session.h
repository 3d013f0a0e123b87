/* SPDX-License-Identifier: Apache-2.0 */
// Messages about the connection and the switch as a whole: hello, echo, features, configuration,
// description, roles, Nicira's settings. Decoders return 0 or an enum ofperr.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "openflow/header.h"
#include "openflow/port.h"

// --- Hello.

// Versions a hello offers, bits 1 << version; from its version bitmap, or from its version number
// alone.
int ofp_decode_hello(const struct ofp_msg *, uint32_t *versions);
// In the highest version of the set, with a bitmap when that says more than the version number.
void ofp_encode_hello(struct buf *, uint32_t versions, uint32_t xid);

// --- Echo.

void ofp_encode_echo_request(struct buf *, uint8_t version, uint32_t xid, const void *data,
			     size_t n);
void ofp_encode_echo_reply(struct buf *, const struct ofp_msg *request);

// --- Features.

enum { // capabilities, as in 1.0 and 1.1+ where the same bit means the same
	OFPC_FLOW_STATS = 1 << 0,
	OFPC_TABLE_STATS = 1 << 1,
	OFPC_PORT_STATS = 1 << 2,
	OFPC_GROUP_STATS = 1 << 3, // 1.1+; in 1.0 this bit is STP
	OFPC_IP_REASM = 1 << 5,
	OFPC_QUEUE_STATS = 1 << 6,
	OFPC_ARP_MATCH_IP = 1 << 7, // 1.0
	OFPC_PORT_BLOCKED = 1 << 8, // 1.2+
	OFPC_BUNDLES = 1 << 9,	    // 1.5
	OFPC_FLOW_MONITORING = 1 << 10,
	OFPC_STP = 1 << 16, // 1.0's bit 3
};
struct ofp_features {
	uint64_t datapath_id;
	uint32_t n_buffers;
	uint8_t n_tables, auxiliary_id;
	uint32_t capabilities;
	uint64_t actions; // 1.0: bit 1 << action type; on encoding, 0 stands for all that stock has
	// 1.0 to 1.2 carry ports: what follows in the decoded message, for ofp_port_desc_pull().
	struct cursor ports;
	bool has_ports;
	bool all_ports; // when decoded: one more would have fit, so that there is none
};
int ofp_decode_features(const struct ofp_msg *, struct ofp_features *);
// `ports` are sent where the version has them, as many as fit.
void ofp_encode_features(struct buf *, const struct ofp_features *, uint8_t version, uint32_t xid,
			 const struct ofp_port_desc *ports, size_t n_ports);

// --- Configuration.

enum ofp_frag_mode {
	OFP_FRAG_NORMAL = 0,
	OFP_FRAG_DROP = 1,
	OFP_FRAG_REASM = 2,
	OFP_FRAG_NX_MATCH = 3
};
struct ofp_config {
	enum ofp_frag_mode frag;
	int invalid_ttl_to_controller; // 0, 1; -1: the version does not say
	uint16_t miss_send_len;
};
int ofp_decode_config(const struct ofp_msg *,
		      struct ofp_config *); // get-config reply or set-config
void ofp_encode_config(struct buf *, enum ofptype reply_or_set, const struct ofp_config *,
		       uint8_t version, uint32_t xid);
const char *ofp_frag_mode_name(enum ofp_frag_mode); // "normal", "drop", "reassemble", "nx-match"

// --- Description (stats).

struct ofp_desc {
	char mfr[256], hw[256], sw[256], serial[32], dp[256];
};
int ofp_decode_desc(const struct ofp_msg *, struct ofp_desc *);
void ofp_encode_desc_reply(struct buf *, const struct ofp_msg *request, const struct ofp_desc *);

// --- Roles (1.2 and later; Nicira's before).

#define OFPCID_UNDEFINED 0 // a short ID that is none
enum ofp_role { OFPCR_NOCHANGE, OFPCR_EQUAL, OFPCR_PRIMARY, OFPCR_SECONDARY };
struct ofp_role_request {
	enum ofp_role role;
	bool have_generation_id;
	uint64_t generation_id;
	uint16_t short_id; // 1.5: how others may call the controller
};
int ofp_decode_role(const struct ofp_msg *, struct ofp_role_request *); // request or reply
void ofp_encode_role_reply(struct buf *, const struct ofp_msg *request,
			   const struct ofp_role_request *);
void ofp_encode_role_request(struct buf *, const struct ofp_role_request *, uint8_t version,
			     uint32_t xid);
const char *ofp_role_name(enum ofp_role); // "nochange", "equal", "primary", "secondary"

// Why an asynchronous role status (1.4) is sent.
enum ofp_role_reason { OFPCRR_PRIMARY_REQUEST, OFPCRR_CONFIG, OFPCRR_EXPERIMENTER };
// Nothing is added when the version has no such message.
void ofp_encode_role_status(struct buf *, enum ofp_role, enum ofp_role_reason,
			    uint64_t generation_id, uint8_t version);

// --- Which asynchronous messages a controller wants: bits per reason.

enum ofp_async {
	OFPASYNC_PACKET_IN,
	OFPASYNC_PORT_STATUS,
	OFPASYNC_FLOW_REMOVED,
	OFPASYNC_ROLE_STATUS,
	OFPASYNC_TABLE_STATUS,
	OFPASYNC_REQUESTFORWARD,
	OFPASYNC_FLOW_STATS,  // 1.5
	OFPASYNC_CONT_STATUS, // 1.5
	OFPASYNC_N
};
struct ofp_async_config {
	uint32_t primary[OFPASYNC_N],
		secondary[OFPASYNC_N]; // bits 1 << reason; primary: also equal
};
// What a controller gets that never asked: by version.
void ofp_async_default(struct ofp_async_config *, uint8_t version);
// Set-async of Nicira, 1.3, 1.4 and later: changes *config (1.4: only what the message names).
int ofp_decode_set_async(const struct ofp_msg *, struct ofp_async_config *);
void ofp_encode_get_async_reply(struct buf *, const struct ofp_msg *request,
				const struct ofp_async_config *);

// --- Nicira's settings.

enum ofp_packet_in_format {
	OFP_PIN_STANDARD,
	OFP_PIN_NXT,
	OFP_PIN_NXT2
}; // as NXT_SET_PACKET_IN_FORMAT numbers them
int ofp_decode_set_flow_format(const struct ofp_msg *, bool *nxm);
void ofp_encode_set_flow_format(struct buf *, bool nxm, uint8_t version, uint32_t xid);
int ofp_decode_flow_mod_table_id(const struct ofp_msg *, bool *on);
void ofp_encode_flow_mod_table_id(struct buf *, bool on, uint8_t version, uint32_t xid);
int ofp_decode_set_packet_in_format(const struct ofp_msg *, enum ofp_packet_in_format *);
void ofp_encode_set_packet_in_format(struct buf *, enum ofp_packet_in_format, uint8_t version,
				     uint32_t xid);
int ofp_decode_set_controller_id(const struct ofp_msg *, uint16_t *id);
void ofp_encode_set_controller_id(struct buf *, uint16_t id, uint8_t version, uint32_t xid);
