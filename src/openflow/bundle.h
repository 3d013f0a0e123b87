/* SPDX-License-Identifier: Apache-2.0 */
// Bundles: changes that take effect together (OpenFlow 1.4, and the ONF's extension of 1.3), and
// requestforward, which tells other controllers of a change of groups or meters.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "openflow/header.h"

enum ofp_bundle_type {
	OFPBCT_OPEN_REQUEST,
	OFPBCT_OPEN_REPLY,
	OFPBCT_CLOSE_REQUEST,
	OFPBCT_CLOSE_REPLY,
	OFPBCT_COMMIT_REQUEST,
	OFPBCT_COMMIT_REPLY,
	OFPBCT_DISCARD_REQUEST,
	OFPBCT_DISCARD_REPLY,
};
enum ofp_bundle_flags { OFPBF_ATOMIC = 1 << 0, OFPBF_ORDERED = 1 << 1, OFPBF_TIME = 1 << 2 };

struct ofp_bundle_control {
	uint32_t bundle_id;
	uint16_t type, flags; // enum ofp_bundle_type, enum ofp_bundle_flags
};
int ofp_decode_bundle_control(const struct ofp_msg *, struct ofp_bundle_control *);
void ofp_encode_bundle_control(struct buf *, const struct ofp_bundle_control *, uint8_t version,
			       uint32_t xid);

struct ofp_bundle_add {
	uint32_t bundle_id;
	uint16_t flags;
	const uint8_t *msg; // the message inside, whole; borrowed
	size_t len;
	enum ofptype type; // of the message inside
};
// Checks that the message inside may be part of a bundle.
int ofp_decode_bundle_add(const struct ofp_msg *, struct ofp_bundle_add *);
// Wraps a whole message, which keeps its xid and gives it to the outer one. False: it is too long
// to be wrapped.
bool ofp_encode_bundle_add(struct buf *, uint32_t bundle_id, uint16_t flags, const void *msg,
			   size_t n);
// The smallest version from `version` on that has bundles.
bool ofp_version_has_bundles(uint8_t version);

// --- What a switch can do with bundles (1.5).

struct ofp_time {
	uint64_t s;
	uint32_t ns;
};
// How well, and how far ahead and behind, a switch can carry out a bundle at a given time.
struct ofp_bundle_time {
	struct ofp_time accuracy, max_future, max_past, timestamp;
};
enum ofp_bundle_features_flags {
	OFPBF_TIMESTAMP = 1 << 0,     // the controller says what time it is
	OFPBF_TIME_SET_SCHED = 1 << 1 // it asks for that max_future and max_past
};
struct ofp_bundle_features {
	uint32_t flags; // of a request: enum ofp_bundle_features_flags; of a reply: capabilities,
			// enum ofp_bundle_flags
	bool has_time;
	struct ofp_bundle_time time;
};
// Of a request or a reply; a request that nobody can mean is an error.
int ofp_decode_bundle_features(const struct ofp_msg *, struct ofp_bundle_features *);
void ofp_encode_bundle_features_request(struct buf *, const struct ofp_bundle_features *,
					uint32_t xid);
void ofp_encode_bundle_features_reply(struct buf *, const struct ofp_msg *request,
				      const struct ofp_bundle_features *);

// --- Requestforward.

enum ofp_requestforward_reason { OFPRFR_GROUP_MOD, OFPRFR_METER_MOD };
struct ofp_requestforward {
	enum ofp_requestforward_reason reason;
	struct ofp_msg request; // borrowed: a group or meter mod
};
int ofp_decode_requestforward(const struct ofp_msg *, struct ofp_requestforward *);
// `request`: a whole group or meter mod of the same version. xid 0.
void ofp_encode_requestforward(struct buf *, uint8_t version, const void *request, size_t n);
