/* SPDX-License-Identifier: Apache-2.0 */
// Groups: changes of them, and reading of them. Inside, a group is the same for all versions; 1.5's
// form, which has bucket ids and properties, is also that of the Nicira messages of 1.0.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/vec.h"
#include "flow/field.h"
#include "openflow/action.h"
#include "openflow/flow_mod.h"
#include "openflow/header.h"

enum ofp_group_command {
	OFPGC_ADD = 0,
	OFPGC_MODIFY = 1,
	OFPGC_DELETE = 2,
	OFPGC_INSERT_BUCKET = 3,
	OFPGC_REMOVE_BUCKET = 5,
	OFPGC_ADD_OR_MOD = 0x8000, // an extension
};
enum ofp_group_type { OFPGT_ALL, OFPGT_SELECT, OFPGT_INDIRECT, OFPGT_FF, OFPGT_N };
#define OFPG_MAX	  0xffffff00u
#define OFPG_BUCKET_MAX	  0xffffff00u
#define OFPG_BUCKET_FIRST 0xfffffffdu
#define OFPG_BUCKET_LAST  0xfffffffeu
#define OFPG_BUCKET_ALL	  0xffffffffu

struct ofp_bucket {
	uint32_t bucket_id;
	uint16_t weight;      // of select groups: 1 when not given
	uint32_t watch_port;  // OFPP_NONE: none
	uint32_t watch_group; // OFPG_ANY: none
	void *actions;	      // struct ofpact ..., owned
	size_t actions_len;
};
struct ofp_group_field {
	const struct field *field;
	union field_value mask; // all of the value: ones in each byte, also above the field's bits
};
enum { OFP_SELECTION_METHOD_LEN = 16 };
struct ofp_group { // all zero: an "all" group without buckets
	uint32_t group_id;
	enum ofp_group_type type;
	VEC(struct ofp_bucket) buckets;
	// How a select group chooses: "" (the switch's way), "hash", "dp_hash".
	char method[OFP_SELECTION_METHOD_LEN];
	uint64_t method_param;
	// What "hash" looks at, in the order of the field table; none: the usual ones. At most 64.
	VEC(struct ofp_group_field) fields;
};
struct ofp_group_mod {
	enum ofp_group_command command;
	uint32_t command_bucket_id; // of insert and remove: a bucket's id, FIRST, LAST or ALL
	struct ofp_group group;
};

// Frees what it has; it is then empty.
void ofp_group_done(struct ofp_group *);
void ofp_group_copy(struct ofp_group *to,
		    const struct ofp_group *from); // *to need not be initialised
void ofp_bucket_copy(struct ofp_bucket *to, const struct ofp_bucket *from);
const struct ofp_bucket *ofp_group_find_bucket(const struct ofp_group *,
					       uint32_t bucket_id); // NULL: none

// False: the field is there already.
bool ofp_group_add_field(struct ofp_group *, const struct ofp_group_field *);

// *gm is overwritten; the caller frees gm->group, also after an error. Messages without bucket ids
// number the buckets from 0.
int ofp_decode_group_mod(const struct ofp_msg *, struct ofp_group_mod *);
void ofp_encode_group_mod(struct buf *, const struct ofp_group_mod *, uint8_t version,
			  uint32_t xid);

// --- Statistics, description, features. Requests name a group, OFPG_ALL for all.

// `type`: OFPTYPE_GROUP_STATS_REQUEST or OFPTYPE_GROUP_DESC_STATS_REQUEST. Descriptions of single
// groups exist in 1.0 and 1.5.
void ofp_encode_group_request(struct buf *, enum ofptype type, uint32_t group_id, uint8_t version,
			      uint32_t xid);
int ofp_decode_group_request(const struct ofp_msg *, uint32_t *group_id);

void ofp_append_group_desc(struct ofp_replies *, const struct ofp_msg *request,
			   const struct ofp_group *);
// The next group of a reply's body, freed by the caller also after an error. -ENODATA at the end,
// else 0 or an enum ofperr.
int ofp_group_desc_pull(const struct ofp_msg *, struct cursor *body, struct ofp_group *);

struct ofp_bucket_stats {
	uint64_t packets, bytes;
};
struct ofp_group_stats {
	uint32_t group_id, ref_count;
	uint32_t duration_s, duration_ns; // UINT32_MAX: not told (1.1, 1.2)
	uint64_t packets, bytes;
	const struct ofp_bucket_stats *buckets; // to be sent: borrowed
	size_t n_buckets;
};
void ofp_append_group_stats(struct ofp_replies *, const struct ofp_msg *request,
			    const struct ofp_group_stats *);
// The next one; its buckets are 16 bytes each in *buckets.
int ofp_group_stats_pull(const struct ofp_msg *, struct cursor *body, struct ofp_group_stats *,
			 struct cursor *buckets);

struct ofp_group_features {
	uint32_t types, capabilities;
	uint32_t max_groups[OFPGT_N],
		actions[OFPGT_N]; // actions: bits by the version's own action numbers
};
void ofp_encode_group_features_reply(struct buf *, const struct ofp_msg *request,
				     const struct ofp_group_features *);
int ofp_decode_group_features(const struct ofp_msg *, struct ofp_group_features *);

// --- Text.

// "group_id=1,type=select,bucket=weight:3,actions=output:1". `command`: an enum ofp_group_command,
// or -1 for one that may stand in front ("add", "modify", "delete", "insert_bucket"...). *usable:
// the protocols that can carry it. Freed by the caller as after decoding.
struct error *ofp_group_mod_parse(const char *text, int command, const struct ofpact_text *,
				  struct ofp_group_mod *, uint32_t *usable) MUST_CHECK;
// The part behind "group_id=1": ",type=all,bucket=...". `bucket_ids`: with the ids of buckets.
void ofp_group_format(const struct ofp_group *, bool bucket_ids, const struct ofpact_text *,
		      struct str *);
const char *ofp_group_type_name(enum ofp_group_type);
