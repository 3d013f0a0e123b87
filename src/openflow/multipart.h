/* SPDX-License-Identifier: Apache-2.0 */
// Multipart requests that come in several messages (OpenFlow 1.3 and later; before, each message is
// a request): the parts of one connection's unfinished requests are kept here until the last one
// comes. Parts without a body do not count, unless there is no other. Any thread, one at a time.
#pragma once
#include "base/vec.h"
#include "openflow/header.h"

enum {
	MULTIPART_WAIT_MS = 1000,	 // for the next part
	MULTIPART_MAX_BYTES = 1 << 20,	 // of a connection's unfinished requests
	MULTIPART_MAX_REQUESTS = 1 << 8, // unfinished ones of a connection
};

// A request, of one part or more.
struct multipart {
	uint32_t xid;
	size_t bytes;	  // of its parts
	uint8_t raw;	  // row of the first part, to which the others must be alike
	int64_t deadline; // ms: when the next part must be there
	VEC(struct ofp_msg) parts;
};
struct multiparts {
	VEC(struct multipart) unfinished;
	size_t bytes; // of all their parts
};

void multiparts_clear(struct multiparts *);
// Is the message for multiparts_add()? All others are whole.
bool multiparts_want(const struct multiparts *, const void *msg, size_t n);
// Takes a message that came at `now` (ms). 0: `whole` is a request that is complete, or without
// parts: there is nothing to do yet. Otherwise an enum ofperr of this message: OFPBRC_BAD_STAT if
// it is no further part of the request that has its transaction ID,
// OFPBRC_MULTIPART_BUFFER_OVERFLOW if the request is too long (it is forgotten), or one of
// ofp_msg_decode().
int multiparts_add(struct multiparts *, const void *msg, size_t n, int64_t now,
		   struct multipart *whole);
// When multiparts_expired() has something to give; INT64_MAX: never.
int64_t multiparts_deadline(const struct multiparts *);
// Takes out a request whose next part did not come in time. False: there is none.
bool multiparts_expired(struct multiparts *, int64_t now, struct multipart *);
// Releases what multiparts_add() or multiparts_expired() filled in.
void multipart_done(struct multipart *);
