/* SPDX-License-Identifier: Apache-2.0 */
// Between tls.c, stream.c and listener.c only: one connection's TLS.
#pragma once
#include <openssl/ssl.h>

#include "stream/stream.h"
#include "stream/tls.h"

// NULL when there is no usable key or certificate, which is reported with the stream's name.
// `server_name` (may be NULL or empty) goes into the client's SNI. *bootstrap is set when the peer
// is not verified, because its CA certificate is to be fetched.
SSL *tls_session_new(struct stream_tls *, const char *name, bool server, const char *server_name,
		     bool *bootstrap);
// Writes the CA certificate that the peer sent to the configured file; from now on peers are
// verified.
struct error *tls_session_bootstrap(struct stream_tls *, SSL *) MUST_CHECK;
// What an OpenSSL error of the session means to a person. Owned by the caller.
char *tls_session_explain(const SSL *, unsigned long error);
void tls_report(struct stream_tls *, bool failure, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

// Takes a connected socket and starts the server's part of the handshake: `connected` or `closed`
// follow. NULL (the socket is closed) when TLS cannot be used, which is reported.
struct stream *stream_accept_tls(struct loop *, int fd, const char *name,
				 const struct stream_callbacks *, void *arg);
