/* SPDX-License-Identifier: Apache-2.0 */
// Version negotiation: what both connection types say and how they judge the answer. Private to
// this folder.
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "base/cursor.h"

struct str;
// "version 0x01", "version 0x06 and earlier", "versions 0x01, 0x04".
void hello_format_versions(uint32_t versions, struct str *);
// Judges the peer's first message. The version to speak; 0 when there is none: then `answer` holds
// the error message to send, if the peer is to be told, and *why a text for a person (owned by the caller).
uint8_t hello_negotiate(uint32_t versions, const void *msg, size_t n, struct buf *answer,
			char **why);
