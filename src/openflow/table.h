/* SPDX-License-Identifier: Apache-2.0 */
// The counters of flow tables; up to OpenFlow 1.2 what a table can do comes with them.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "openflow/header.h"
#include "openflow/table_features.h"

struct ofp_table_stats {
	uint32_t active_count;
	uint64_t lookup_count, matched_count;
	// The table's ID, name and (up to 1.2) features.
	struct ofp_table_features features;
};
void ofp_append_table_stats(struct ofp_replies *, const struct ofp_msg *request,
			    const struct ofp_table_stats *);
// -ENODATA at the end, else 0 or an enum ofperr.
int ofp_table_stats_pull(struct cursor *, uint8_t version, struct ofp_table_stats *);
