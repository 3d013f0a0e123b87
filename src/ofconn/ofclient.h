/* SPDX-License-Identifier: Apache-2.0 */
// A blocking OpenFlow connection for programs that wait: a loop of its own inside. Every message
// but hellos is shown to the caller.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cursor.h"
#include "base/error.h"

struct ofclient;
struct stream_tls;

// What goes over a connection, for whoever logs it. NEGOTIATED has a text in place of a message.
// OTHER_VERSION: what was RECEIVED is not of the version negotiated, as all but hellos, errors and
// echoes must be.
enum ofclient_event {
	OFCLIENT_SENT,
	OFCLIENT_RECEIVED,
	OFCLIENT_NEGOTIATED,
	OFCLIENT_OTHER_VERSION,
};
typedef void ofclient_trace_cb(void *arg, const struct ofclient *, enum ofclient_event,
			       const void *msg, size_t n);

struct ofclient_options {
	uint32_t versions;
	uint16_t default_port;
	// Where the hello and ofclient_next_xid() take their numbers, so that the connections of a
	// program can share them; NULL: its own.
	uint32_t *next_xid;
	int64_t timeout_ms;	  // 0: none
	struct stream_tls *tls;	  // for "ssl:" targets; NULL: there will be none such
	ofclient_trace_cb *trace; // may be NULL
	void *trace_arg;
	bool any_version; // whatever comes: there is no OTHER_VERSION
	bool *connected;  // set when it came as far as negotiation; may be NULL
};

// Connects and negotiates. The error's code is the errno (EPROTO: negotiation failed, as the text
// says, or TLS did, which is reported).
struct error *ofclient_open(const char *target, const struct ofclient_options *,
			    struct ofclient **) MUST_CHECK;
void ofclient_close(struct ofclient *); // NULL is allowed
uint8_t ofclient_version(const struct ofclient *);
const char *ofclient_name(const struct ofclient *);
// Sends whole messages; waits only while much is queued (back-pressure).
int ofclient_send(struct ofclient *, const void *msgs, size_t n); // 0, errno or EOF
// Waits until everything is handed to the system.
int ofclient_flush(struct ofclient *);
// The next message, waiting for it; borrowed until the next call. 0, errno or EOF (-1).
int ofclient_recv(struct ofclient *, const uint8_t **msg, size_t *n);
// A message if one is there already; -EAGAIN otherwise.
int ofclient_try_recv(struct ofclient *, const uint8_t **msg, size_t *n);
// Sends a request, waits for the message with its xid; others are dropped.
int ofclient_transact(struct ofclient *, const void *request, size_t n, const uint8_t **reply,
		      size_t *reply_len);
uint32_t ofclient_next_xid(struct ofclient *);
// The loop, for programs that have other things to wait for; then use ofclient_try_recv().
struct loop *ofclient_loop(struct ofclient *);
