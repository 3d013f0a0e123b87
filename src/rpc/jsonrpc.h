/* SPDX-License-Identifier: Apache-2.0 */
// JSON-RPC 1.0 as OVSDB uses it (RFC 7047 section 4): messages over a stream, both sides may send
// requests. A message that is not well-formed closes the connection. Bounds: depth 1000,
// `max_message` bytes. Loop thread.
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/str.h"
#include "stream/reconnect.h"
#include "stream/stream.h"

// Where a target names no port.
enum { JSONRPC_PORT = 6640 };

enum jsonrpc_type { JSONRPC_REQUEST, JSONRPC_NOTIFY, JSONRPC_REPLY, JSONRPC_ERROR };

struct jsonrpc_message {
	enum jsonrpc_type type;
	char *method;	// request, notify
	json_t *params; // request, notify: an array
	json_t *result; // reply
	json_t *error;	// error: not null
	json_t *id;	// request, reply, error
};

// Constructors take the references they are given (params, result, error, id). A request gets a
// fresh integer id.
struct jsonrpc_message *jsonrpc_request(const char *method, json_t *params);
struct jsonrpc_message *jsonrpc_notify(const char *method, json_t *params);
struct jsonrpc_message *jsonrpc_reply(json_t *result, json_t *id);
struct jsonrpc_message *jsonrpc_error(json_t *error, json_t *id);
void jsonrpc_message_free(struct jsonrpc_message *);
// NULL and a text that says what was wrong when `json` (borrowed) is not a message.
struct jsonrpc_message *jsonrpc_message_parse(json_t *json, char **why);
json_t *jsonrpc_message_to_json(const struct jsonrpc_message *);

struct jsonrpc;

struct jsonrpc_callbacks {
	void (*connected)(void *arg); // only for jsonrpc_connect(); may be NULL
	// Takes the message. May free the connection. Echo requests are answered before they get
	// here.
	void (*message)(void *arg, struct jsonrpc_message *);
	// Lost (`error` > 0), closed by the peer (EOF), or closed for bad input (EPROTO). Free it,
	// or leave it when it was made by jsonrpc_connect() with `reconnect`: it goes on trying.
	void (*closed)(void *arg, int error);
	void (*drained)(void *arg); // output fell below its low mark; may be NULL
};

// Shared by connections: how many bytes of messages that are not complete they may hold together.
// Whose message is large when it is used up is closed (EMSGSIZE).
struct jsonrpc_budget {
	size_t used, limit;
};

// Takes a connected stream (of a listener or an fd).
struct jsonrpc *jsonrpc_new(struct loop *, struct stream *, const struct jsonrpc_callbacks *,
			    void *arg);
// Connects to the target, again and again when `retry` is set, probing as the reconnect machine
// says.
struct error *jsonrpc_connect(struct loop *, const char *target, bool retry,
			      const struct jsonrpc_callbacks *, void *arg,
			      struct jsonrpc **) MUST_CHECK;
void jsonrpc_free(struct jsonrpc *);
// Where the next try of jsonrpc_connect() goes; a target that stream_is_active_name() knows.
void jsonrpc_set_target(struct jsonrpc *, const char *target);
// Sends what is pending, then closes.
void jsonrpc_close_gracefully(struct jsonrpc *);
// Takes the message. Ignored when not connected. What is sent within one iteration of the loop goes
// out together at its end.
void jsonrpc_send(struct jsonrpc *, struct jsonrpc_message *);
// The same for who has the text of a message: appends to the string that this gives, then says that
// it is whole. NULL when not connected.
struct str *jsonrpc_begin(struct jsonrpc *);
void jsonrpc_end(struct jsonrpc *);
// Between the two: a part of the message that others get, too. Takes a reference.
void jsonrpc_add_shared(struct jsonrpc *, struct shared_text *);
bool jsonrpc_is_connected(const struct jsonrpc *);
const char *jsonrpc_name(const struct jsonrpc *);
// As stream_peer_name(), of the present connection.
char *jsonrpc_peer_name(const struct jsonrpc *);
// Of this connection and those to come; -1: that of the system.
void jsonrpc_set_dscp(struct jsonrpc *, int dscp);
size_t jsonrpc_backlog(const struct jsonrpc *); // bytes not yet taken by the peer
// Inactivity probe for either kind, ms; 0 for none.
void jsonrpc_set_probe_interval(struct jsonrpc *, int64_t ms);
void jsonrpc_set_max_backoff(struct jsonrpc *, int64_t ms);
// Who gets the texts of large messages before they are parsed, and says true when nothing else is
// to be done with one. It may not free the connection.
typedef bool jsonrpc_text_cb(void *arg, const char *p, size_t n);
void jsonrpc_set_text_callback(struct jsonrpc *, jsonrpc_text_cb *);
// `max_message`: bytes of one message. The budget is borrowed, may be NULL.
void jsonrpc_set_limits(struct jsonrpc *, size_t max_message, struct jsonrpc_budget *);
// Drops the connection and, where made by jsonrpc_connect(), tries again.
void jsonrpc_force_reconnect(struct jsonrpc *);
const struct reconnect *jsonrpc_reconnect(const struct jsonrpc *);
// Stops and resumes reading: back-pressure.
void jsonrpc_set_reading(struct jsonrpc *, bool on);

// --- For programs that wait: one call after the other, without a loop of their own.

struct stream_tls;
struct jsonrpc_client; // a blocking connection
// `target` may be one to listen on: then the first that connects is the server. `timeout_ms` 0:
// none. The TLS settings are those for "ssl:" targets; NULL: there will be none such.
struct error *jsonrpc_client_open(const char *target, int64_t timeout_ms, struct stream_tls *,
				  struct jsonrpc_client **) MUST_CHECK;
void jsonrpc_client_close(struct jsonrpc_client *);
// Sends a request and waits for its reply. Takes params. On success *reply is owned by the caller
// (type REPLY or ERROR). Notifications and requests that arrive meanwhile are kept for
// jsonrpc_client_receive().
struct error *jsonrpc_client_call(struct jsonrpc_client *, const char *method, json_t *params,
				  struct jsonrpc_message **reply) MUST_CHECK;
struct error *jsonrpc_client_send(struct jsonrpc_client *, struct jsonrpc_message *) MUST_CHECK;
// The next message, waiting for it.
struct error *jsonrpc_client_receive(struct jsonrpc_client *, struct jsonrpc_message **) MUST_CHECK;
