/* SPDX-License-Identifier: Apache-2.0 */
// TLS for the streams of a program: one object says with which key and certificate it shows itself
// and whom it trusts, for all connections on the loops that it is attached to. Streams named ssl:
// and pssl: find it there; nobody else needs to.
//
// Both sides show a certificate that the other's CA certificate must have signed. Names are not
// compared: who holds a certificate of that CA is trusted, as Open vSwitch does it. The files are
// looked at again when a connection is made or accepted, and a change of them holds from that
// connection on. New files that do not fit together leave the old ones in use.
#pragma once
#include <stdbool.h>

#include "base/error.h"
#include "loop/loop.h"

struct stream_tls;

// Strings may be NULL: not given.
struct stream_tls_config {
	const char *private_key, *certificate; // PEM files
	const char *ca_cert;		       // PEM file; "none": whoever connects is trusted
	// While there is no file ca_cert, the first peer is trusted and its CA certificate is
	// written there; the connection is made anew then, and verified.
	bool bootstrap_ca_cert;
	const char *peer_ca_cert; // PEM file of certificates that are sent along with ours
	const char
		*protocols;  // "TLSv1.2,TLSv1.3", the default; TLSv1 and TLSv1.1 are understood too
	const char *ciphers; // for TLS up to 1.2, as OpenSSL's ciphers(1) writes them; default
			     // HIGH:!aNULL:!MD5
	const char *ciphersuites; // for TLS 1.3
};

// What a person should know: why a connection failed, which certificate was fetched. Whoever uses
// the stream gets EPROTO, or ENOPROTOOPT when no key is configured.
typedef void stream_tls_report_cb(void *arg, bool failure, const char *text);

struct stream_tls *stream_tls_new(stream_tls_report_cb *, void *arg);
// All streams that use it must be gone, and the loops, or others be attached to them. NULL is
// allowed.
void stream_tls_free(struct stream_tls *);
// Copies the settings; what is connected goes on as it is. The error says why TLS cannot be used
// with them now; connections try again to read the files.
struct error *stream_tls_configure(struct stream_tls *,
				   const struct stream_tls_config *) MUST_CHECK;
// The settings; borrowed until the next stream_tls_configure().
const struct stream_tls_config *stream_tls_get_config(const struct stream_tls *);
// Streams on this loop use it from now on. NULL: none.
void stream_tls_attach(struct stream_tls *, struct loop *);
struct stream_tls *stream_tls_find(const struct loop *); // or NULL
