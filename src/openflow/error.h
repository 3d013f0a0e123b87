/* SPDX-License-Identifier: Apache-2.0 */
// What can be wrong with an OpenFlow message: one enum for all versions, one table that says how
// each version puts it. Functions of this folder that decode or check return 0 or one of these, as
// an int.
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "base/cursor.h"

struct ofp_msg;

enum ofperr {
	OFPERR_OK = 0,
#define OFPERR_ROW(NAME, ...) NAME,
#include "openflow/error_ids.h"
#undef OFPERR_ROW
	OFPERR_N,
};

// "OFPBMC_BAD_FIELD"; "" for 0.
const char *ofperr_name(int error);
// By name; 0 when there is none.
int ofperr_find(const char *name);
// How a version says it. False: that version cannot (the encoder then sends NXBRC_UNENCODABLE_ERROR
// or the like).
struct ofperr_code {
	uint32_t vendor; // 0: a standard error
	uint16_t type, code;
};
int ofperr_get_code(int error, uint8_t version, struct ofperr_code *); // 0 or -ENOENT
// The error that a version means by it; 0: unknown.
int ofperr_from_code(uint8_t version, uint32_t vendor, uint16_t type, uint16_t code);

// Appends an error message that answers a request: all of the request that fits, as stock does, and
// its xid.
void ofp_encode_error(struct buf *, int error, const void *request, size_t n);
// OFPHFC_INCOMPATIBLE with a text, in the given version.
void ofp_encode_hello_error(struct buf *, uint8_t version, uint32_t xid, const char *text);
// The error that a message of type OFPTYPE_ERROR carries (0 when unknown) and its payload (the
// request's beginning, or text).
int ofp_decode_error(const struct ofp_msg *, struct cursor *payload);
