/* SPDX-License-Identifier: Apache-2.0 */
// Upcalls, in the thread that has the packet: the translation is asked, the megaflow installed, the
// packet forwarded.
#pragma once
#include "dp/user/thread.h"

struct dpact_userspace;

// No megaflow matched. Takes the packet, whose metadata is set. `key`: its key; the header must
// stay readable.
void upcall_miss(struct dp_thread *, struct rte_mbuf *, const struct dp_meta *,
		 const uint8_t *header);
// A userspace action; the packet stays the caller's. At most max_len bytes of it are shown.
void upcall_action(struct dp_thread *, struct rte_mbuf *, const struct dpact_userspace *,
		   uint32_t max_len);
