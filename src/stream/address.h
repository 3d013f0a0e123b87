/* SPDX-License-Identifier: Apache-2.0 */
// Names of connections, "unix:FILE", "tcp:HOST[:PORT]", "ssl:HOST[:PORT]", "punix:FILE",
// "ptcp:[PORT][:HOST]", "pssl:[PORT][:HOST]", made into socket addresses.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/error.h"

struct address {
	struct sockaddr_storage storage;
	socklen_t len;
	int error; // errno of the name's resolution, which is not a matter of syntax
	bool tls;
	char server_name[256]; // the HOST of an "ssl:" that is a name, not an address; or empty
};

// Relative files are in the run directory. Too long a path is reached through its directory in
// /proc/self/fd. Host names are looked up, blocking; addresses are not. An error says what the name
// should look like.
struct error *address_parse(const char *name, uint16_t default_port, bool passive,
			    struct address *) MUST_CHECK;
// "tcp:127.0.0.1:6640", "tcp:[::1]:6640", with `tls` "ssl:...", "unix". Owned by the caller.
char *address_format(const struct sockaddr_storage *, bool tls);
