/* SPDX-License-Identifier: Apache-2.0 */
// What ofp_msg_decode() did not know about a message, in words for the log: "unknown OpenFlow
// message (version 6, type 35)".
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

// `error`: what ofp_msg_decode() said of these bytes. False, and nothing added, when it needs no
// explanation: it is about the length, or 0.
bool ofp_msg_explain_unknown(const void *msg, size_t n, int error, struct str *);
