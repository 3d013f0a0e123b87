/* SPDX-License-Identifier: Apache-2.0 */
// Frames from flows: for ofproto/trace, for test ports and tests.
#pragma once
#include <stddef.h>

#include "base/cursor.h"
#include "base/error.h"
#include "flow/flow.h"

// Appends a frame with the flow's headers and right lengths and checksums; flow_extract() of it
// gives the flow's packet members back, as far as a frame can have them. `payload` (NULL: zeroes)
// goes behind TCP without SYN, FIN or RST, UDP, SCTP, ICMP echo, unknown protocols, fragments and
// unknown Ethernet types; where it has no place it is left out. n must leave room for the headers
// in 16-bit lengths (65000 always does).
void flow_compose(const struct flow *, const void *payload, size_t n, struct buf *);

// Hexadecimal digits, with white space anywhere between bytes, appended to the buffer. On an error
// the buffer is as before.
struct error *packet_from_hex(const char *text, struct buf *) MUST_CHECK;
