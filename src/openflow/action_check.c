/* SPDX-License-Identifier: Apache-2.0 */
// Whether actions are right: their order, and whether they fit the match. Checking walks the list with a copy of the match that the
// actions change as they would change a packet, so that "push_vlan,set_field:..->vlan_vid" passes.
#include "openflow/action_row.h"

#include <stdlib.h>

#include "base/alloc.h"

bool match_has_vlan(const struct match *m)
{
	return m->flow.vlan[0].tci & BE16(FLOW_VLAN_CFI);
}

void ofpact_inconsistent(struct ofpact_check *c)
{
	*c->protocols &= OFPROTO_10_ANY | OFPROTO_NXM_ANY;
}

static int subfield_check(const struct subfield *sf, const struct match *m)
{
	if (!sf->n_bits || sf->offset + sf->n_bits > sf->field->n_bits)
		return OFPBAC_BAD_SET_LEN;
	return field_prereqs_ok(sf->field, &m->flow, NULL) ? 0 : OFPBAC_MATCH_INCONSISTENT;
}

int subfield_check_source(const struct subfield *sf, const struct match *m)
{
	return subfield_check(sf, m);
}

int subfield_check_destination(const struct subfield *sf, const struct match *m)
{
	int error = subfield_check(sf, m);
	return error ? error : sf->field->writable ? 0 : OFPBAC_BAD_SET_ARGUMENT;
}

int ofpacts_check_list(void *list, size_t n, struct ofpact_check *c)
{
	for (size_t at = 0; at < n;) {
		struct ofpact *a = (void *)((uint8_t *)list + at);
		const struct ofpact_row *row = ofpact_row(a->type);
		int error = row->check ? row->check(a, c) : 0;
		if (error)
			return error;
		at += ofpact_size(a);
	}
	return 0;
}

int ofpacts_check_protocols(void *list, size_t n, const struct match *match, uint32_t max_ports, uint8_t table_id,
			    uint8_t n_tables, uint32_t *protocols, char **why)
{
	struct match m = *match;
	struct ofpact_check c = {&m, max_ports, table_id, n_tables, protocols, why};
	return ofpacts_check_list(list, n, &c);
}

int ofpacts_check(void *list, size_t n, const struct match *match, uint32_t max_ports, uint8_t table_id, uint8_t n_tables,
		  uint8_t wire_version, char **why)
{
	uint32_t protocols = ofp_protocols_of_versions(1u << wire_version);
	int error = ofpacts_check_protocols(list, n, match, max_ports, table_id, n_tables, &protocols, why);
	return error ? error : protocols ? 0 : OFPBAC_MATCH_INCONSISTENT;
}

// --- Order.

static int refuse(int error, char **why, char *text)
{
	if (why)
		*why = text;
	else
		free(text);
	return error;
}

int ofpacts_verify(const void *list, size_t n, bool allow_instructions, char **why)
{
	const struct ofpact_row *last = NULL; // instruction seen so far
	int last_type = -1;
	OFPACT_FOREACH(a, list, n)
	{
		const struct ofpact_row *row = ofpact_row(a->type);
		if (row->instruction && !allow_instructions)
			return refuse(OFPBAC_UNSUPPORTED_ORDER, why,
				      xasprintf("%s instruction not allowed here", row->name));
		int type = row->instruction ? a->type : -1;
		if (type < last_type)
			return refuse(OFPBAC_UNSUPPORTED_ORDER, why,
				      xasprintf("invalid instruction ordering: %s must appear before %s, for OpenFlow "
						"1.1+ compatibility",
						row->instruction ? row->name : "apply_actions", last->name));
		if (type >= 0 && type == last_type)
			return refuse(OFPBAC_UNSUPPORTED_ORDER, why,
				      xasprintf("duplicate %s instruction not allowed, for OpenFlow 1.1+ compatibility",
						row->name));
		last = row;
		last_type = type;
	}
	return 0;
}
