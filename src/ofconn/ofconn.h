/* SPDX-License-Identifier: Apache-2.0 */
// An OpenFlow connection: framing by the length field, hello and version negotiation, echo
// keep-alive, reconnection with back-off. Active ones (a configured controller) are made from a
// target and try again for ever; passive ones come from a listener. Loop thread only.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "loop/loop.h"
#include "stream/reconnect.h"
#include "stream/stream.h"

struct ofconn;

struct ofconn_callbacks {
	// The version is negotiated: messages may be sent. An active connection says so after each
	// reconnection.
	void (*connected)(void *arg);
	// One message, whole, `n` its header's length, valid during the call. Version is the
	// negotiated one, or an error's or second hello's. Echoes are answered before they get here.
	// May free the connection.
	void (*message)(void *arg, const uint8_t *msg, size_t n);
	// A message of another version was refused with OFPBRC_BAD_VERSION, for the log. May be
	// NULL.
	void (*other_version)(void *arg, uint8_t version);
	// The connection is lost or could not be made: errno, EOF (-1) when the peer closed it,
	// EPROTO for bad framing or failed negotiation. A passive connection is finished: free it.
	// An active one tries again by itself. May free the connection.
	void (*closed)(void *arg, int error);
	// The send queue fell below its low mark after it was above it. May be NULL.
	void (*drained)(void *arg);
};

struct ofconn_options {
	uint32_t versions;	// bits 1 << version that we accept
	int64_t probe_interval; // ms without hearing anything until an echo request; 0: never
	int64_t max_backoff;	// ms; 0: 8000. Active only
	uint16_t default_port;	// 0: 6653
	uint8_t dscp;		// 0 to 63
};

// Connects, and goes on trying. An error is one of the target's syntax.
struct error *ofconn_connect(struct loop *, const char *target, const struct ofconn_options *,
			     const struct ofconn_callbacks *, void *arg,
			     struct ofconn **) MUST_CHECK;
// Takes a stream that a listener accepted, and says hello on it.
struct ofconn *ofconn_accept(struct loop *, struct stream *, const struct ofconn_options *,
			     const struct ofconn_callbacks *, void *arg);
// Closes at once. No callback after this. NULL is allowed.
void ofconn_free(struct ofconn *);
// Sends what is queued, then frees.
void ofconn_close_gracefully(struct ofconn *);

// Queues one or more whole messages. Ignored (false) unless connected and negotiated.
bool ofconn_send(struct ofconn *, const void *msgs, size_t n);
// Shows each message that comes or goes once the version is negotiated; NULL: to nobody.
typedef void ofconn_tap(void *arg, const struct ofconn *, const void *msgs, size_t n);
void ofconn_set_tap(struct ofconn *, ofconn_tap *, void *arg);
// Bytes queued and not yet taken by the peer. Senders of much (flow dumps, packet-ins) stop above
// OFCONN_HIGH and go on when `drained` is called. Above it no message of the peer's is delivered
// either: who does not read what he asked for may not ask more.
size_t ofconn_backlog(const struct ofconn *);
enum { OFCONN_HIGH = 4 * 1024 * 1024 };
void ofconn_set_reading(struct ofconn *, bool on); // back-pressure

uint8_t ofconn_version(const struct ofconn *); // 0 until negotiated
bool ofconn_is_connected(const struct ofconn *);
const char *ofconn_name(const struct ofconn *); // the target, or the peer's name
const char *
ofconn_state_name(const struct ofconn *); // as Controller.status:state: "ACTIVE", "BACKOFF"...
const struct reconnect *ofconn_reconnect(const struct ofconn *);
int ofconn_last_error(
	const struct ofconn *); // of the last disconnection; 0: none, EOF (-1): closed by the peer
void ofconn_set_options(struct ofconn *,
			const struct ofconn_options *); // versions count at the next connection
// Drops the connection; an active one connects again at once.
void ofconn_force_reconnect(struct ofconn *);
// Loses the connection with that error, from the loop and not inside this call.
void ofconn_give_up(struct ofconn *, int error);
uint32_t ofconn_next_xid(struct ofconn *);

struct ofconn_counters {
	uint64_t received, sent; // messages
};
struct ofconn_counters ofconn_counters(const struct ofconn *);

// Listening is stream_listen(loop, "punix:...", OFP_PORT_TCP, ...): each accepted stream goes to
// ofconn_accept().
