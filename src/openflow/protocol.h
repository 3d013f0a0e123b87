/* SPDX-License-Identifier: Apache-2.0 */
// Versions of OpenFlow, and the flow formats ("protocols") that a connection may speak: a version
// plus, for 1.0, the Nicira extensions that are switched on.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct str;

enum ofp_version { // on the wire
	OFP10 = 1,
	OFP11 = 2,
	OFP12 = 3,
	OFP13 = 4,
	OFP14 = 5,
	OFP15 = 6,
};
enum {
	OFP_VERSIONS_ALL = 0x7e,	   // bits 1 << version
	OFP_VERSIONS_SUPPORTED = 0x7e,	   // what our programs can negotiate
	OFP_VERSIONS_DEFAULT = 1 << OFP10, // of ovs-ofctl
	OFP_PORT_TCP = 6653,
};

enum ofp_protocol {		 // one bit each
	OFPROTO_10 = 1 << 0,	 // OpenFlow10-table_id
	OFPROTO_10_TID = 1 << 1, // OpenFlow10+table_id
	OFPROTO_NXM = 1 << 2,	 // NXM-table_id
	OFPROTO_NXM_TID = 1 << 3,
	OFPROTO_11 = 1 << 4,
	OFPROTO_12 = 1 << 5, // OXM-OpenFlow12 ...
	OFPROTO_13 = 1 << 6,
	OFPROTO_14 = 1 << 7,
	OFPROTO_15 = 1 << 8,
};
enum {
	OFPROTO_NONE = 0,
	OFPROTO_ALL = 0x1ff,
	OFPROTO_10_ANY = OFPROTO_10 | OFPROTO_10_TID,
	OFPROTO_NXM_ANY = OFPROTO_NXM | OFPROTO_NXM_TID,
	OFPROTO_OXM_ANY = OFPROTO_12 | OFPROTO_13 | OFPROTO_14 | OFPROTO_15,
	OFPROTO_NXM_OXM_ANY = OFPROTO_NXM_ANY | OFPROTO_OXM_ANY,
	OFPROTO_TID = OFPROTO_10_TID | OFPROTO_NXM_TID, // with the table_id extension
};

// "OpenFlow13"; 0: no version by that name.
uint8_t ofp_version_parse(const char *);
const char *ofp_version_name(uint8_t version);	     // "OpenFlow13"
const char *ofp_version_short_name(uint8_t version); // "OF1.3"
// A comma-separated list into bits 1 << version; an empty one stands for all.
struct error *ofp_versions_parse(const char *, uint32_t *versions) MUST_CHECK;
// "OpenFlow10, OpenFlow13", as stock names a set in messages.
void ofp_versions_format(uint32_t versions, struct str *);

uint8_t ofp_protocol_version(enum ofp_protocol);
// What a connection of this version speaks at first (1.0: OFPROTO_10).
enum ofp_protocol ofp_protocol_of_version(uint8_t version);
uint32_t ofp_protocols_of_versions(uint32_t versions); // bits to bits
uint32_t ofp_versions_of_protocols(uint32_t protocols);
// With and without the table_id extension.
enum ofp_protocol ofp_protocol_set_tid(enum ofp_protocol, bool);
bool ofp_protocol_has_tid(enum ofp_protocol); // 1.1 and later always do
bool ofp_protocol_uses_nxm(enum ofp_protocol);
const char *ofp_protocol_name(enum ofp_protocol); // NULL for a set
// "any", "OpenFlow10", "NXM,OXM-OpenFlow13"...
struct error *ofp_protocols_parse(const char *, uint32_t *protocols) MUST_CHECK;
char *ofp_protocols_format(uint32_t protocols); // caller frees
