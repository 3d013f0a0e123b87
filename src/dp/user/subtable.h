/* SPDX-License-Identifier: Apache-2.0 */
// Subtables and layout indexes of the flow table (flow_table.h). All functions but the lookup want
// the table's lock.
#pragma once
#include "dp/user/flow_table.h"

// The subtable of this mask and layout value, made and put into the indexes when there is none yet.
struct subtable *subtable_get(struct flow_table *, const struct dp_key *mask, uint64_t mask_hash,
			      uint32_t full_layout);
// Frees it after a grace period when no megaflow is left.
void subtable_release_if_empty(struct flow_table *, struct subtable *);
void subtable_insert(struct subtable *, struct megaflow *,
		     uint64_t hash); // subtable_hash() of its key
void subtable_unlink(struct flow_table *, struct subtable *, struct megaflow *);
uint64_t subtable_hash(const struct subtable *, const struct dp_key *key);

// The index of a layout, built when a packet first asks for it.
struct layout_index *layout_index_build(struct flow_table *, uint32_t layout);
// Makes *mask, and its hash, one that fits the bound for this layout.
void layout_index_bound(struct flow_table *, uint32_t layout, struct dp_key *mask,
			uint64_t *mask_hash);
// Ranks the masks of a layout anew.
void layout_index_rank(struct flow_table *, uint32_t layout);
void layout_index_free_all(struct flow_table *);
