/* SPDX-License-Identifier: Apache-2.0 */
// Whether actions are right: their order, and whether they fit the match. Checking walks the list
// with a copy of the match that the actions change as they would change a packet, so that
// "push_vlan,set_field:..->vlan_vid" passes.
#include "openflow/action_row.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "packet/headers.h"

bool match_is_mpls(const struct match *m)
{
	return m->flow.dl_type == BE16(0x8847) || m->flow.dl_type == BE16(0x8848);
}

bool match_is_ip(const struct match *m)
{
	return m->flow.dl_type == BE16(ETHERTYPE_IPV4) || m->flow.dl_type == BE16(ETHERTYPE_IPV6);
}

bool match_has_vlan(const struct match *m)
{
	return m->flow.vlan[0].tci & BE16(FLOW_VLAN_CFI);
}

void ofpact_inconsistent(struct ofpact_check *c)
{
	*c->protocols &= OFPROTO_10_ANY | OFPROTO_NXM_ANY;
}

int subfield_check_range(const struct subfield *sf)
{
	return sf->n_bits && sf->offset + sf->n_bits <= sf->field->n_bits ? 0 : OFPBAC_BAD_SET_LEN;
}

int subfield_check_writable(const struct subfield *sf)
{
	int error = subfield_check_range(sf);
	return error ? error : sf->field->writable ? 0 : OFPBAC_BAD_SET_ARGUMENT;
}

static int check_refuse(struct ofpact_check *c, int error, const char *role, const struct field *f,
			const char *what)
{
	if (c->why)
		*c->why = xasprintf("%s %s %s", role, f->name, what);
	return error;
}

int field_check_prereqs(const struct field *f, const char *role, struct ofpact_check *c)
{
	return field_prereqs_ok(f, &c->match->flow, NULL)
		       ? 0
		       : check_refuse(c, OFPBAC_MATCH_INCONSISTENT, role, f,
				      "lacks correct prerequisites");
}

int subfield_check_source(const struct subfield *sf, struct ofpact_check *c)
{
	int error = subfield_check_range(sf);
	return error ? error : field_check_prereqs(sf->field, "source field", c);
}

int subfield_check_destination(const struct subfield *sf, struct ofpact_check *c)
{
	int error = subfield_check_range(sf);
	if (!error)
		error = field_check_prereqs(sf->field, "destination field", c);
	return error		     ? error
	       : sf->field->writable ? 0
				     : check_refuse(c, OFPBAC_BAD_SET_ARGUMENT, "destination field",
						    sf->field, "is not writable");
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

int ofpacts_check_protocols(void *list, size_t n, const struct match *match, uint32_t max_ports,
			    uint8_t table_id, uint8_t n_tables, uint32_t *protocols, char **why)
{
	struct match m = *match;
	struct ofpact_check c = {&m, max_ports, table_id, n_tables, protocols, why};
	return ofpacts_check_list(list, n, &c);
}

int ofpacts_check(void *list, size_t n, const struct match *match, uint32_t max_ports,
		  uint8_t table_id, uint8_t n_tables, uint8_t wire_version, char **why)
{
	uint32_t protocols = ofp_protocols_of_versions(1u << wire_version);
	int error = ofpacts_check_protocols(list, n, match, max_ports, table_id, n_tables,
					    &protocols, why);
	return error ? error : protocols ? 0 : OFPBAC_MATCH_INCONSISTENT;
}

// --- Nested lists.

int ofpact_check_nested(void *list, size_t n, struct ofpact_check *c)
{
	struct match m = *c->match;
	struct ofpact_check inner = *c;
	inner.match = &m;
	return ofpacts_check_list(list, n, &inner);
}

// --- Order, and what may stand where.

static int refuse(int error, char **why, char *text)
{
	if (why)
		*why = text;
	else
		free(text);
	return error;
}

static const char *const instruction_names[] = {
	[INST_APPLY] = "apply_actions",	    [INST_METER] = "meter",
	[INST_CLEAR] = "clear_actions",	    [INST_WRITE] = "write_actions",
	[INST_METADATA] = "write_metadata", [INST_TRIGGER] = "stat_trigger",
	[INST_GOTO] = "goto_table",
};

// The field that an action writes, if it is one that names it.
static const struct field *written_field(const struct ofpact *a)
{
	if (a->type == OFPACT_SET_FIELD)
		return ((const struct ofpact_set_field *)(const void *)a)->field;
	if (a->type == OFPACT_REG_MOVE)
		return ((const struct ofpact_reg_move *)(const void *)a)->dst.field;
	return NULL;
}

// Connections are changed in ct(), and nothing else is.
static int verify_place(const struct ofpact *a, int outer, char **why)
{
	const struct field *f = written_field(a);
	bool of_connection = f && (f->id == FIELD_CT_MARK || f->id == FIELD_CT_LABEL);
	if (of_connection && outer != OFPACT_CT)
		return refuse(OFPBAC_BAD_SET_ARGUMENT, why,
			      xasprintf("cannot set CT fields outside of ct action"));
	if (a->type == OFPACT_NAT && outer != OFPACT_CT)
		return refuse(OFPBAC_BAD_SET_ARGUMENT, why,
			      xasprintf("Cannot have NAT action outside of \"ct\" action"));
	// An instruction of most versions: it would get lost on the way.
	if (a->type == OFPACT_METER && (outer == OFPACT_CLONE || outer == OFPACT_WRITE_ACTIONS))
		return refuse(OFPBAC_BAD_ARGUMENT, why,
			      xasprintf("%s action doesn't support nested action meter",
					ofpact_name((enum ofpact_type)outer)));
	if (outer != OFPACT_CT || a->type == OFPACT_NAT || of_connection)
		return 0;
	if (!f)
		return refuse(OFPBAC_BAD_ARGUMENT, why,
			      xasprintf("ct action doesn't support nested action %s",
					ofpact_name(a->type)));
	return refuse(OFPBAC_BAD_ARGUMENT, why,
		      xasprintf("ct action doesn't support nested modification of %s", f->name));
}

static int verify_conjunctions(const void *list, size_t n, char **why)
{
	OFPACT_FOREACH (a, list, n)
		if (a->type != OFPACT_CONJUNCTION && a->type != OFPACT_NOTE)
			return refuse(NXBAC_BAD_CONJUNCTION, why,
				      xasprintf("\"conjunction\" actions may be used along with "
						"\"note\" but not any other kind of "
						"action (such as the \"%s\" action used here)",
						ofpact_name(a->type)));
	return 0;
}

// A meter comes first, then what is applied, then the rest.
static int rank(enum ofpact_instruction inst)
{
	return inst == INST_METER ? -1 : (int)inst;
}

static int verify_order(enum ofpact_instruction last, enum ofpact_instruction next, char **why)
{
	const char *name = instruction_names[next];
	if (rank(next) > rank(last) || (next == INST_APPLY && last == INST_APPLY))
		return 0;
	if (next == last)
		return refuse(OFPBAC_UNSUPPORTED_ORDER, why,
			      xasprintf("duplicate %s instruction not allowed, for OpenFlow 1.1+ "
					"compatibility",
					name));
	return refuse(OFPBAC_UNSUPPORTED_ORDER, why,
		      xasprintf("invalid instruction ordering: %s must appear before %s, for "
				"OpenFlow 1.1+ compatibility",
				name, instruction_names[last]));
}

int ofpacts_verify_in(const void *list, size_t n, uint8_t version, bool allow_instructions,
		      int outer, char **why)
{
	enum ofpact_instruction last = INST_APPLY;
	bool first = true;
	OFPACT_FOREACH (a, list, n) {
		if (a->type == OFPACT_CONJUNCTION)
			return verify_conjunctions(list, n, why);
		int error = verify_place(a, outer, why);
		if (error)
			return error;
		enum ofpact_instruction next = ofpact_row(a->type)->instruction;
		if (next == INST_METER && version >= OFP15)
			next = INST_APPLY;
		error = first ? 0 : verify_order(last, next, why);
		if (error)
			return error;
		if (next != INST_APPLY && next != INST_METER && !allow_instructions)
			return refuse(OFPBIC_UNSUP_INST, why,
				      xasprintf("%s instruction not allowed here",
						instruction_names[next]));
		last = next;
		first = false;
	}
	return 0;
}

int ofpacts_verify(const void *list, size_t n, uint8_t version, bool allow_instructions, char **why)
{
	return ofpacts_verify_in(list, n, version, allow_instructions, -1, why);
}
