/* SPDX-License-Identifier: Apache-2.0 */
// Byte streams: unix:FILE, tcp:HOST[:PORT], ssl:HOST[:PORT], an fd; and listeners punix:FILE,
// ptcp:[PORT][:HOST], pssl:[PORT][:HOST]. Non-blocking, on a loop, buffered both ways. All
// functions belong to the loop's thread. Keys and certificates for TLS are those of the loop
// (stream/tls.h); streams are connected, and accepted, when both sides have verified the other.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/shared_text.h"
#include "loop/loop.h"

struct stream;
struct stream_listener;

struct stream_callbacks {
	// Connected (not called for streams that were born connected). May free the stream.
	void (*connected)(void *arg);
	// New bytes are in the input. Consume what makes a whole message. May free the stream.
	void (*readable)(void *arg);
	// The output buffer fell below the low mark after it was above it. May be NULL.
	void (*drained)(void *arg);
	// The connection could not be made, was lost, or the peer closed it (error 0): the stream
	// does nothing more; free it. `error` is a positive errno, or EOF (-1) for an orderly
	// close; EPROTO when TLS failed, ENOPROTOOPT when it is not configured.
	void (*closed)(void *arg, int error);
};

// Starts to connect. `target` as above; `default_port` serves tcp: without a port. An error is one
// of syntax; failures to connect arrive in `closed`, never from inside this call.
struct error *stream_connect(struct loop *, const char *target, uint16_t default_port,
			     const struct stream_callbacks *, void *arg,
			     struct stream **) MUST_CHECK;
// Takes a connected socket.
struct stream *stream_from_fd(struct loop *, int fd, const char *name,
			      const struct stream_callbacks *, void *arg);
// For streams that a listener accepted: who hears of it from now on.
void stream_set_callbacks(struct stream *, const struct stream_callbacks *, void *arg);
// Closes at once; what was not sent is lost. No callback after this. NULL is allowed.
void stream_free(struct stream *);
// Sends what is buffered, then frees; the owner must forget it now.
void stream_close_gracefully(struct stream *);

const char *
stream_name(const struct stream *); // "tcp:127.0.0.1:6640"; "unix" for accepted unix streams
bool stream_is_connected(const struct stream *);

// Buffers the bytes; they are sent as the peer takes them. Never fails: loss shows in `closed`.
void stream_write(struct stream *, const void *, size_t n);
// The same without a copy; takes a reference.
void stream_write_shared(struct stream *, struct shared_text *);
size_t stream_output_pending(const struct stream *);
// What has arrived and was not consumed, as one run of bytes; valid until the next call on the
// stream.
const uint8_t *stream_input(struct stream *, size_t *n);
void stream_consume(struct stream *, size_t n);
// The same without making one run of what lies in pieces: the bytes from `at` on that lie together;
// NULL, and *n 0, at the end.
const uint8_t *stream_peek(struct stream *, size_t at, size_t *n);
size_t stream_input_length(const struct stream *);
// The first `n` of them as one run; there must be so many.
const uint8_t *stream_input_run(struct stream *, size_t n);
// Stops reading (back-pressure) until true is given.
void stream_set_reading(struct stream *, bool on);
// The common name in the certificate of a TLS peer that was verified; NULL: none. Owned by the
// caller.
char *stream_peer_name(const struct stream *);
// The DSCP (0 to 63) of what is sent from now on; nothing on unix streams.
void stream_set_dscp(struct stream *, uint8_t dscp);
// The peer's credentials for unix streams, -1 otherwise.
int stream_peer_pid(const struct stream *);

typedef void stream_accept_cb(void *arg,
			      struct stream *); // takes the stream; set its callbacks inside
// `target`: punix:FILE (relative to the run directory; an old socket is replaced when nobody
// listens on it), ptcp:PORT[:HOST], pssl:PORT[:HOST] (opened even if no key is configured yet: who
// connects before that is refused).
struct error *stream_listen(struct loop *, const char *target, uint16_t default_port,
			    stream_accept_cb *, void *arg, struct stream_listener **) MUST_CHECK;
// Unlinks a unix socket. NULL is allowed.
void stream_listener_free(struct stream_listener *);
const char *stream_listener_name(const struct stream_listener *);
// The port that a ptcp: or pssl: listener got (useful for ptcp:0); 0 for others.
uint16_t stream_listener_port(const struct stream_listener *);

// True if `target` names a way to connect (unix:, tcp:, ssl:) or to listen (punix:, ptcp:, pssl:),
// whatever follows.
bool stream_is_active_name(const char *target);
bool stream_is_passive_name(const char *target);
