/* SPDX-License-Identifier: Apache-2.0 */
// What a message of any family says, said again.
#pragma once
#include "openflow/message.h"

// Decodes a message and appends what it said, encoded anew: in one message, or of a reply, as many
// as it takes. False: it does not decode, or this library has no encoder for such messages.
bool message_again(const struct ofp_msg *, struct buf *);
