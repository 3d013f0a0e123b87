/* SPDX-License-Identifier: Apache-2.0 */
// Flow monitors: a controller asks to hear of changes of flow tables. Nicira's (1.0 to 1.2), the
// ONF's (1.3) and OpenFlow 1.4's.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "flow/match.h"
#include "openflow/action.h"
#include "openflow/header.h"

enum ofp_flow_monitor_flags { // 1.4's bits, which the others are turned into
	OFPFMF_INITIAL = 1 << 0,
	OFPFMF_ADD = 1 << 1,
	OFPFMF_DELETE = 1 << 2, // "removed"
	OFPFMF_MODIFY = 1 << 3,
	OFPFMF_ACTIONS = 1 << 4, // "instructions"
	OFPFMF_OWN = 1 << 5,	 // up to 1.3: own changes in full
	OFPFMF_OWN_14 = 1 << 6,	 // since 1.4: the same
};
enum ofp_flow_monitor_command { OFPFMC_ADD, OFPFMC_MODIFY, OFPFMC_DELETE };

struct ofp_flow_monitor_request {
	uint32_t id;
	uint8_t command;	      // enum ofp_flow_monitor_command, or what is none
	uint16_t flags;		      // enum ofp_flow_monitor_flags
	uint32_t out_port, out_group; // OFPP_NONE, OFPG_ANY: any
	uint8_t table_id;	      // 255: all
	struct match match;
};
// One request of several in a message, which the cursor moves over. -ENODATA at the end, else 0 or
// an enum ofperr.
int ofp_flow_monitor_request_pull(const struct ofp_msg *, struct cursor *body,
				  struct ofp_flow_monitor_request *);
void ofp_encode_flow_monitor_request(struct buf *, const struct ofp_flow_monitor_request *,
				     uint8_t version, uint32_t xid);

int ofp_decode_flow_monitor_cancel(const struct ofp_msg *, uint32_t *id);
// 1.4 and later have a request of its own for that.
void ofp_encode_flow_monitor_cancel(struct buf *, uint32_t id, uint8_t version, uint32_t xid);

enum ofp_flow_update_event { // 1.4's numbers
	OFPFME_INITIAL,
	OFPFME_ADDED,
	OFPFME_REMOVED,
	OFPFME_MODIFIED,
	OFPFME_ABBREV,
	OFPFME_PAUSED,
	OFPFME_RESUMED,
};
struct ofp_flow_update {
	enum ofp_flow_update_event event;
	uint32_t xid;	 // ABBREV: of the request that made the change
	uint16_t reason; // REMOVED: enum ofp_flow_removed_reason
	uint8_t table_id;
	uint16_t priority, idle_timeout, hard_timeout;
	be64_t cookie;
	struct match match;
	const void *actions; // borrowed
	size_t actions_len;
};
// `actions` is the scratch buffer that u->actions points into. -ENODATA at the end, else 0 or an
// enum ofperr.
int ofp_flow_update_pull(const struct ofp_msg *, struct cursor *body, struct buf *actions,
			 struct ofp_flow_update *);
// News are replies without a request: xid 0. Begins one, to which updates are appended as entries.
void ofp_flow_updates_init(struct ofp_replies *, uint8_t version);
void ofp_append_flow_update(struct ofp_replies *, uint8_t version, const struct ofp_flow_update *);
// Up to 1.3 messages of their own say that news pause and resume; since 1.4 they are updates.
void ofp_encode_flow_monitor_paused(struct buf *, bool paused, uint8_t version);

// What follows "watch:" of `ovs-ofctl monitor`. *usable: the protocols that can say it.
struct error *ofp_flow_monitor_parse(const char *text, const struct ofpact_text *,
				     struct ofp_flow_monitor_request *,
				     uint32_t *usable) MUST_CHECK;
