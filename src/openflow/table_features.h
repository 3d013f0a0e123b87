/* SPDX-License-Identifier: Apache-2.0 */
// What a flow table can do: matches, instructions and actions. Since OpenFlow 1.3 a message of its
// own; 1.1 and 1.2 say it with a table's counters.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "flow/field.h"
#include "openflow/header.h"
#include "openflow/table_mod.h"

struct ofp_field_set {
	uint64_t bits[(FIELD_N_IDS + 63) / 64]; // by enum field_id
};
static inline void ofp_field_set_add(struct ofp_field_set *s, unsigned int id)
{
	s->bits[id / 64] |= 1ull << id % 64;
}
static inline bool ofp_field_set_has(const struct ofp_field_set *s, unsigned int id)
{
	return s->bits[id / 64] >> id % 64 & 1;
}

struct ofp_table_actions {
	uint32_t actions; // bits by the numbers of OpenFlow 1.1's actions, of which the later ones
			  // are a part
	struct ofp_field_set set_fields;
};
struct ofp_table_instructions {
	uint64_t next[4];      // bits by table
	uint32_t instructions; // bits by the numbers of instructions
	struct ofp_table_actions write, apply;
};
enum ofp_table_features_command { OFPTFC_REPLACE, OFPTFC_MODIFY, OFPTFC_ENABLE, OFPTFC_DISABLE };

struct ofp_table_features {
	uint8_t table_id, command; // enum ofp_table_features_command
	char name[33];
	be64_t metadata_match, metadata_write;
	enum ofp_table_miss miss;		 // up to 1.2
	enum ofp_table_switch eviction, vacancy; // since 1.4: supported
	uint32_t max_entries;
	bool has_properties;
	struct ofp_table_instructions hit, miss_instructions;
	struct ofp_field_set match, mask,
		wildcard; // can be matched; with any mask; can be left out
};
// Everything that this implementation can do, in the version's terms.
void ofp_table_features_all(struct ofp_table_features *, uint8_t version);

void ofp_append_table_features(struct ofp_replies *, const struct ofp_msg *request,
			       const struct ofp_table_features *);
// -ENODATA at the end, else 0 or an enum ofperr. What is not known (properties, fields,
// instructions) is left out, or `strict`ly an error, as a switch takes it.
int ofp_table_features_pull(struct cursor *, uint8_t version, bool strict,
			    struct ofp_table_features *);
// The request without a body asks; one with a body wants to change them (the switch may refuse:
// OFPTFFC_EPERM).
bool ofp_table_features_request_is_query(const struct ofp_msg *);

// 1.1's and 1.2's parts of the counters message, between the table's name and its size.
void ofp_table_features_put_old(struct buf *, uint8_t version, const struct ofp_table_features *);
void ofp_table_features_pull_old(struct cursor *, uint8_t version, struct ofp_table_features *);
// 1.0's wildcards that the table has.
uint32_t ofp_table_features_wildcards10(const struct ofp_table_features *);
void ofp_table_features_from_wildcards10(uint32_t wildcards, struct ofp_table_features *);
