/* SPDX-License-Identifier: Apache-2.0 */
// What a flow table does when it is full or misses: changing it (table mod), reading it (table
// description, 1.4) and the news that it fills or empties (table status, 1.4).
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"
#include "openflow/header.h"

enum ofp_table_miss {	       // what a miss does, 1.1 and 1.2
	OFPTABLE_MISS_DEFAULT, // not said
	OFPTABLE_MISS_CONTROLLER,
	OFPTABLE_MISS_CONTINUE,
	OFPTABLE_MISS_DROP,
};
enum ofp_table_switch { OFPTABLE_SAME = -1, OFPTABLE_OFF, OFPTABLE_ON };
enum ofp_table_eviction_flags {
	OFPTMPEF_OTHER = 1 << 0,
	OFPTMPEF_IMPORTANCE = 1 << 1,
	OFPTMPEF_LIFETIME = 1 << 2
};
#define OFPTABLE_EVICTION_DEFAULT UINT32_MAX // eviction flags that were not said

struct ofp_table_mod {
	uint8_t table_id; // 255: all
	enum ofp_table_miss miss;
	enum ofp_table_switch eviction, vacancy;
	uint32_t eviction_flags;	  // enum ofp_table_eviction_flags
	uint8_t vacancy_down, vacancy_up; // in percent
};
int ofp_decode_table_mod(const struct ofp_msg *, struct ofp_table_mod *);
void ofp_encode_table_mod(struct buf *, const struct ofp_table_mod *, uint8_t version,
			  uint32_t xid);

struct ofp_table_desc {
	uint8_t table_id;
	bool eviction, vacancy_events;
	uint32_t eviction_flags;
	uint8_t vacancy_down, vacancy_up, vacancy; // in percent
};
void ofp_append_table_desc(struct ofp_replies *, const struct ofp_table_desc *);
// -ENODATA at the end, else 0 or an enum ofperr.
int ofp_table_desc_pull(struct cursor *, struct ofp_table_desc *);

enum ofp_table_reason { OFPTR_VACANCY_DOWN = 3, OFPTR_VACANCY_UP = 4 };
struct ofp_table_status {
	uint8_t reason; // enum ofp_table_reason
	struct ofp_table_desc desc;
};
int ofp_decode_table_status(const struct ofp_msg *, struct ofp_table_status *);
// 1.4 and later; xid 0.
void ofp_encode_table_status(struct buf *, const struct ofp_table_status *, uint8_t version);

// "drop", "evict", "vacancy:10,20"... into *tm, and the versions (bits 1 << version) that can say
// it.
struct error *ofp_table_mod_parse(const char *setting, struct ofp_table_mod *tm,
				  uint32_t *versions) MUST_CHECK;
