/* SPDX-License-Identifier: Apache-2.0 */
// One OpenFlow connection of a bridge, connected or not: what was negotiated on it and asked for
// through it. A bridge's set of them is controllers.h; what messages do is messages.c. Main thread.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "loop/loop.h"
#include "ofconn/ofconn.h"
#include "ofconn/packet_in_queue.h"
#include "ofproto/internal.h"
#include "openflow/message.h"

struct controllers;
struct flow_dump;
struct flow_monitors;
struct ofbundles;

enum { CONN_MISS_SEND_LEN = 128 }; // what a controller gets that never set it

struct conn {
	struct controllers *owner;
	struct ofproto *ofproto;
	struct ofconn *of;
	bool service;	   // accepted by a listener: asks for asynchronous messages by setting a
			   // miss_send_len
	bool visitor;	   // of the management socket: no controller that others hear of
	bool async_wanted; // enable_async_messages
	bool greeted;	   // the version was negotiated: a loss is not a failure to connect
	bool announced;	   // other controllers were told that it is there

	// What follows begins anew with each connection.
	enum ofp_role role;
	enum ofp_protocol protocol;
	enum ofp_packet_in_format packet_in_format;
	uint16_t controller_id, miss_send_len;
	uint16_t short_id; // 1.5: by which other controllers know it
	struct ofp_async_config async;
	bool hopeless; // it reads too slowly, and will be disconnected

	struct packet_in_queue *packet_ins;
	struct loop_timer packet_in_timer;
	unsigned int max_backlog; // packets to the controller that may wait for the peer to read
	unsigned int n_backlog; // how many were sent since nothing waited: at least as many as wait
	struct flow_monitors *monitors;
	struct ofbundles *bundles;
	struct flow_dump
		*dump; // an answer that the peer has not taken yet; nothing is read meanwhile
	struct multiparts multiparts; // requests of which the last part has not come
	struct loop_timer multipart_timer;
	// The parts of the request that is being handled, mostly one, and which of them is looked
	// at: an error is about that one.
	const struct ofp_msg *parts;
	size_t n_parts, part;
	// Decoders' scratch memory.
	struct ofp_flow_mod fm;
	struct ofp_packet_out po;
};

// Controllers' settings that concern a connection.
struct conn_options {
	bool service, visitor, async_wanted;
	int rate_limit, burst_limit, queue_size;
};
// A connection that is to be made and kept (active), for a bridge.
struct error *conn_connect(struct controllers *, struct ofproto *, const char *target,
			   const struct ofconn_options *, const struct conn_options *,
			   struct conn **) MUST_CHECK;
// One that a listener accepted.
struct conn *conn_accept(struct controllers *, struct ofproto *, struct stream *,
			 const struct ofconn_options *, const struct conn_options *);
void conn_free(struct conn *);
void conn_configure(struct conn *, const struct ofconn_options *, const struct conn_options *);
// Ends the connection: an active one is made anew, an accepted one is gone afterwards.
void conn_reconnect(struct conn *);

// Sends what is in the buffer, which may be several messages, and clears it.
void conn_send(struct conn *, struct buf *);
// The same for what nobody asked for: who does not read it for long is disconnected.
void conn_send_news(struct conn *, struct buf *);
void conn_send_error(struct conn *, int ofperr, const void *request, size_t n);
// Sends the complete messages of the answer; true: the peer is slow, go on after `drained`.
bool conn_send_replies(struct conn *, struct ofp_replies *, bool finish);
// Would the peer want an asynchronous message of this kind and reason?
bool conn_wants(const struct conn *, enum ofp_async, unsigned int reason);

struct packet_in;
void conn_packet_in(struct conn *, const struct packet_in *);

// Handles one message: 0, or an enum ofperr that the caller sends. messages.c.
int conn_handle(struct conn *, const struct ofp_msg *);

// --- group_stats.c
int group_mod(struct conn *, const struct ofp_msg *);
int group_stats_request(struct conn *, const struct ofp_msg *);
int group_desc_request(struct conn *, const struct ofp_msg *);
int group_features_request(struct conn *, const struct ofp_msg *);

// --- table_messages.c
int table_mod(struct conn *, const struct ofp_msg *);
int table_desc_request(struct conn *, const struct ofp_msg *);
int table_stats_request(struct conn *, const struct ofp_msg *);
int table_features_request(struct conn *, const struct ofp_msg *);

// --- meters.c
int meter_mod(struct conn *, const struct ofp_msg *);
int meter_request(struct conn *, const struct ofp_msg *); // statistics and configuration
int meter_features_request(struct conn *, const struct ofp_msg *);

// --- ext_messages.c
int tlv_table_mod(struct conn *, const struct ofp_msg *);
int tlv_table_request(struct conn *, const struct ofp_msg *);
int queue_config_request(struct conn *, const struct ofp_msg *);
int ipfix_stats_request(struct conn *, const struct ofp_msg *);
// Tells other controllers that asked for it of a group or meter mod that was carried out.
void forward_request(struct conn *from, const struct ofp_msg *);

// --- flow_stats.c
int flow_stats_request(struct conn *, const struct ofp_msg *);
int aggregate_stats_request(struct conn *, const struct ofp_msg *);
// Goes on with conn->dump until the peer is slow; frees it at the end.
void flow_dump_continue(struct conn *);
void flow_dump_free(struct flow_dump *); // NULL is allowed
