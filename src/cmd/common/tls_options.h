/* SPDX-License-Identifier: Apache-2.0 */
// The options of programs that speak TLS: keys, certificates, protocols. Include TLS_LONG_OPTIONS
// in the getopt table and TLS_SHORT_OPTIONS in the short ones, pass what getopt gives to
// tls_option(), then tls_start() once.
#pragma once
#include <getopt.h>

#include "stream/tls.h"

struct tls_options {
	struct stream_tls_config config; // the strings are ours
};

enum {
	TLS_OPT_BOOTSTRAP_CA_CERT = 0x4200,
	TLS_OPT_PEER_CA_CERT,
	TLS_OPT_PROTOCOLS,
	TLS_OPT_CIPHERS,
	TLS_OPT_CIPHERSUITES,
};
#define TLS_SHORT_OPTIONS "p:c:C:"
#define TLS_LONG_OPTIONS                                                                           \
	{"private-key", required_argument, NULL, 'p'},                                             \
		{"certificate", required_argument, NULL, 'c'},                                     \
		{"ca-cert", required_argument, NULL, 'C'},                                         \
		{"bootstrap-ca-cert", required_argument, NULL, TLS_OPT_BOOTSTRAP_CA_CERT},         \
		{"peer-ca-cert", required_argument, NULL, TLS_OPT_PEER_CA_CERT},                   \
		{"ssl-protocols", required_argument, NULL, TLS_OPT_PROTOCOLS},                     \
		{"ssl-ciphers", required_argument, NULL, TLS_OPT_CIPHERS},                         \
	{                                                                                          \
		"ssl-ciphersuites", required_argument, NULL, TLS_OPT_CIPHERSUITES                  \
	}

// True when `c` was one of these; the value is getopt's `optarg`. Relative names of files are taken
// from the present directory, which a daemon leaves; "none" and "db:..." are not names of files.
bool tls_option(struct tls_options *, int c);
void tls_usage(void);
// Ready for stream_tls_attach(); failures of connections are logged. Settings that cannot be used
// are logged too: connections try again. Frees nothing of the options.
struct stream_tls *tls_start(const struct tls_options *);
// The same, not configured yet.
struct stream_tls *tls_new(void);
void tls_options_done(struct tls_options *);
