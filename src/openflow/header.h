/* SPDX-License-Identifier: Apache-2.0 */
// The header of OpenFlow messages and the one table of their types: standard, multipart ("stats")
// and vendor messages of all versions. A message taken apart as far as its type is a struct
// ofp_msg; decoders of the other headers take one.
//
// Bounds. A message has at most OFP_MAX_LEN bytes, and so has each list of actions, also in memory
// (OFPBAC_TOO_MANY); lists lie in each other at most OFPACT_MAX_DEPTH deep, messages in each other
// once (in errors any number of times, which nothing follows but a loop that prints). All other
// lists are of entries that take some of the message's bytes: what is decoded takes a small
// multiple of the message. Nothing points into a message but what is said to be borrowed, and no
// decoder needs the bytes behind it. What an encoder is given must not lie in the buffer that it
// appends to, for that moves.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cursor.h"
#include "openflow/error.h"
#include "openflow/protocol.h"

struct ofp_header {
	uint8_t version, type;
	be16_t length;
	be32_t xid;
};
_Static_assert(sizeof(struct ofp_header) == 8, "as on the wire");

enum { OFP_VENDOR_NX = 0x00002320, OFP_VENDOR_ONF = 0x4f4e4600, OFP_MAX_LEN = 65535 };
#define OFP_NO_BUFFER 0xffffffffu // a packet that the switch did not keep

// What a message is about, whichever way it is said.
enum ofptype {
	OFPTYPE_HELLO,
	OFPTYPE_ERROR,
	OFPTYPE_ECHO_REQUEST,
	OFPTYPE_ECHO_REPLY,
	OFPTYPE_FEATURES_REQUEST,
	OFPTYPE_FEATURES_REPLY,
	OFPTYPE_GET_CONFIG_REQUEST,
	OFPTYPE_GET_CONFIG_REPLY,
	OFPTYPE_SET_CONFIG,
	OFPTYPE_PACKET_IN,
	OFPTYPE_FLOW_REMOVED,
	OFPTYPE_PORT_STATUS,
	OFPTYPE_PACKET_OUT,
	OFPTYPE_FLOW_MOD,
	OFPTYPE_GROUP_MOD,
	OFPTYPE_PORT_MOD,
	OFPTYPE_TABLE_MOD,
	OFPTYPE_BARRIER_REQUEST,
	OFPTYPE_BARRIER_REPLY,
	OFPTYPE_QUEUE_GET_CONFIG_REQUEST,
	OFPTYPE_QUEUE_GET_CONFIG_REPLY,
	OFPTYPE_ROLE_REQUEST,
	OFPTYPE_ROLE_REPLY,
	OFPTYPE_GET_ASYNC_REQUEST,
	OFPTYPE_GET_ASYNC_REPLY,
	OFPTYPE_SET_ASYNC_CONFIG,
	OFPTYPE_METER_MOD,
	OFPTYPE_ROLE_STATUS,
	OFPTYPE_TABLE_STATUS,
	OFPTYPE_REQUESTFORWARD,
	OFPTYPE_BUNDLE_CONTROL,
	OFPTYPE_BUNDLE_ADD_MESSAGE,
	// Multipart.
	OFPTYPE_DESC_STATS_REQUEST,
	OFPTYPE_DESC_STATS_REPLY,
	OFPTYPE_FLOW_STATS_REQUEST,
	OFPTYPE_FLOW_STATS_REPLY,
	OFPTYPE_AGGREGATE_STATS_REQUEST,
	OFPTYPE_AGGREGATE_STATS_REPLY,
	OFPTYPE_TABLE_STATS_REQUEST,
	OFPTYPE_TABLE_STATS_REPLY,
	OFPTYPE_PORT_STATS_REQUEST,
	OFPTYPE_PORT_STATS_REPLY,
	OFPTYPE_QUEUE_STATS_REQUEST,
	OFPTYPE_QUEUE_STATS_REPLY,
	OFPTYPE_GROUP_STATS_REQUEST,
	OFPTYPE_GROUP_STATS_REPLY,
	OFPTYPE_GROUP_DESC_STATS_REQUEST,
	OFPTYPE_GROUP_DESC_STATS_REPLY,
	OFPTYPE_GROUP_FEATURES_STATS_REQUEST,
	OFPTYPE_GROUP_FEATURES_STATS_REPLY,
	OFPTYPE_METER_STATS_REQUEST,
	OFPTYPE_METER_STATS_REPLY,
	OFPTYPE_METER_CONFIG_STATS_REQUEST,
	OFPTYPE_METER_CONFIG_STATS_REPLY,
	OFPTYPE_METER_FEATURES_STATS_REQUEST,
	OFPTYPE_METER_FEATURES_STATS_REPLY,
	OFPTYPE_TABLE_FEATURES_STATS_REQUEST,
	OFPTYPE_TABLE_FEATURES_STATS_REPLY,
	OFPTYPE_PORT_DESC_STATS_REQUEST,
	OFPTYPE_PORT_DESC_STATS_REPLY,
	OFPTYPE_TABLE_DESC_REQUEST,
	OFPTYPE_TABLE_DESC_REPLY,
	OFPTYPE_QUEUE_DESC_REQUEST,
	OFPTYPE_QUEUE_DESC_REPLY,
	OFPTYPE_FLOW_MONITOR_STATS_REQUEST,
	OFPTYPE_FLOW_MONITOR_STATS_REPLY,
	// Nicira's.
	OFPTYPE_SET_FLOW_FORMAT,
	OFPTYPE_FLOW_MOD_TABLE_ID,
	OFPTYPE_SET_PACKET_IN_FORMAT,
	OFPTYPE_FLOW_AGE,
	OFPTYPE_SET_CONTROLLER_ID,
	OFPTYPE_FLOW_MONITOR_CANCEL,
	OFPTYPE_FLOW_MONITOR_PAUSED,
	OFPTYPE_FLOW_MONITOR_RESUMED,
	OFPTYPE_TLV_TABLE_MOD,
	OFPTYPE_TLV_TABLE_REQUEST,
	OFPTYPE_TLV_TABLE_REPLY,
	OFPTYPE_RESUME,
	OFPTYPE_CT_FLUSH_ZONE,
	OFPTYPE_CT_FLUSH,
	OFPTYPE_IPFIX_BRIDGE_STATS_REQUEST,
	OFPTYPE_IPFIX_BRIDGE_STATS_REPLY,
	OFPTYPE_IPFIX_FLOW_STATS_REQUEST,
	OFPTYPE_IPFIX_FLOW_STATS_REPLY,
	// 1.5's statistics of flows without their instructions.
	OFPTYPE_FLOW_COUNTERS_REQUEST,
	OFPTYPE_FLOW_COUNTERS_REPLY,
	// Of 1.5, which stock does not know.
	OFPTYPE_CONTROLLER_STATUS,
	OFPTYPE_CONTROLLER_STATUS_REQUEST,
	OFPTYPE_CONTROLLER_STATUS_REPLY,
	OFPTYPE_BUNDLE_FEATURES_REQUEST,
	OFPTYPE_BUNDLE_FEATURES_REPLY,
	OFPTYPE_N,
};

struct ofp_msg {
	const uint8_t *data; // the whole message, borrowed
	size_t len;
	uint8_t version;
	enum ofptype type;
	bool nx;	   // the Nicira (or ONF) form of a message that also has a standard one
	uint16_t mp_flags; // multipart flags: OFPMPF_MORE
	uint8_t raw;	   // row of the table
	uint32_t xid;
	struct cursor body; // what follows the headers
};
enum { OFPMPF_MORE = 1 };

// Takes the headers apart and checks that the length can be right for the type. `n` must be the
// length in the header, or the message is OFPBRC_BAD_LEN. 0 or an enum ofperr; version and xid are
// set in any case (zero if not even they are there).
int ofp_msg_decode(const void *msg, size_t n, struct ofp_msg *);
// The same without looking at the length: for a message of which only the beginning is there.
int ofp_msg_identify(const void *msg, size_t n, struct ofp_msg *);
// "OFPT_FLOW_MOD", "NXST_FLOW" (of multipart messages, without "request" or "reply").
const char *ofp_msg_name(const struct ofp_msg *);
bool ofp_msg_is_stats_request(const struct ofp_msg *);
bool ofp_msg_is_stats_reply(const struct ofp_msg *);

static inline uint32_t ofp_xid(const void *msg)
{
	return get_be32((const uint8_t *)msg + 4);
}
static inline uint16_t ofp_length(const void *msg)
{
	return get_be16((const uint8_t *)msg + 2);
}

static inline void ofp_set_xid(void *msg, uint32_t xid)
{
	put_be32((uint8_t *)msg + 4, xid);
}

// --- Encoding: begin, append the body, finish. Several messages may stand in one buffer.

// Appends the headers of a message; `nx` picks the extension's form where both exist. The length is
// filled in by ofp_end(), which takes a message of more than 64 KB back out of the buffer (false).
// Result: where in the buffer the message begins. The version must have such a message (asserted).
size_t ofp_begin(struct buf *, enum ofptype, bool nx, uint8_t version, uint32_t xid);
bool ofp_end(struct buf *, size_t begin);
// The same for a Nicira message by its subtype, where a type has more than one (NXT_PACKET_IN,
// NXT_PACKET_IN2).
size_t ofp_begin_subtype(struct buf *, uint16_t nx_subtype, uint8_t version, uint32_t xid);
bool ofptype_exists(enum ofptype, bool nx, uint8_t version);
// A message without a body.
void ofp_encode_simple(struct buf *, enum ofptype, uint8_t version, uint32_t xid);
// A stats reply's header for a request: same version, xid and form.
size_t ofp_begin_reply(struct buf *, const struct ofp_msg *request);

// --- Multipart replies that split themselves into messages of at most 64 KB. All messages stand
// one after the other in `buf`; bytes before `begin` are complete messages that may be sent at once
// (then ofp_replies_taken).
struct ofp_replies {
	struct buf buf;
	size_t begin; // of the last, growing message
	size_t head;  // length of its headers
	size_t entry; // where the entry under way began
};
// Begins to answer a stats request.
void ofp_replies_init(struct ofp_replies *, const struct ofp_msg *request);
// Around each entry, which is appended to r->buf. An entry that no message could hold is left out.
void ofp_replies_begin_entry(struct ofp_replies *);
void ofp_replies_end_entry(struct ofp_replies *);
// The first n bytes of r->buf, whole messages before `begin`, were sent and go away.
void ofp_replies_taken(struct ofp_replies *, size_t n);
// Completes the last message: after this all of r->buf can be sent.
void ofp_replies_finish(struct ofp_replies *);
void ofp_replies_done(struct ofp_replies *);
