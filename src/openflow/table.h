/* SPDX-License-Identifier: Apache-2.0 */
// Messages about flow tables: counters and features.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "openflow/header.h"

struct ofp_table_stats {
	uint8_t table_id;
	char name[33];
	uint32_t active_count, max_entries;
	uint64_t lookup_count, matched_count;
	// Decoded only.
	uint32_t wildcards, config;		// 1.0: what can be wildcarded; 1.1 and 1.2: what a miss does
	be64_t metadata_match, metadata_write; // 1.2
};
void ofp_append_table_stats(struct ofp_replies *, const struct ofp_msg *request, const struct ofp_table_stats *);
// -ENODATA at the end, else 0 or an enum ofperr.
int ofp_table_stats_pull(struct cursor *, uint8_t version, struct ofp_table_stats *);

// A table's features, 1.3 and later, as far as a table of ours differs from the next: all else (fields, actions, instructions)
// is what this implementation has.
struct ofp_table_features {
	uint8_t table_id;
	char name[33];
	be64_t metadata_match, metadata_write;
	uint32_t config, max_entries;
	uint8_t n_tables; // goto_table may name those between table_id and this
};
void ofp_append_table_features(struct ofp_replies *, const struct ofp_msg *request, const struct ofp_table_features *);
int ofp_table_features_pull(struct cursor *, uint8_t version, struct ofp_table_features *);
// The request without a body asks; one with a body wants to change them (the switch may refuse: OFPTFFC_EPERM).
bool ofp_table_features_request_is_query(const struct ofp_msg *);
