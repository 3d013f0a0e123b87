/* SPDX-License-Identifier: Apache-2.0 */
// VLAN tags. OpenFlow 1.0 sets a VID or priority and makes a tag where there is none; 1.1 and later
// push and pop tags, and 1.2 and later change them by set_field. Encoding for another version than
// the one an action came in bridges that.
#include "openflow/action_row.h"

enum { V10 = OFP10, V11 = OFP11, V15 = OFP15 };
enum { // wire types
	OFPAT_SET_VLAN_VID = 1,
	OFPAT_SET_VLAN_PCP = 2,
	OFPAT10_STRIP_VLAN = 3,
	OFPAT11_PUSH_VLAN = 17,
	OFPAT11_POP_VLAN = 18,
};
enum { TPID_CTAG = 0x8100, TPID_STAG = 0x88a8 };

static void put_push(struct buf *b, uint16_t tpid)
{
	size_t at = ofpact_put(b, OFPAT11_PUSH_VLAN);
	buf_add_be16(b, tpid);
	ofpact_put_end(b, at);
}

static struct ofpact *add_plain(struct buf *out, enum ofpact_type type)
{
	return ofpact_add(out, type, sizeof(struct ofpact));
}

static void pretend_tag(struct ofpact_check *c)
{
	c->match->flow.vlan[0].tci |= BE16(FLOW_VLAN_CFI);
	c->match->mask.vlan[0].tci |= BE16(FLOW_VLAN_CFI);
	if (!c->match->flow.vlan[0].tpid)
		c->match->flow.vlan[0].tpid = BE16(TPID_CTAG);
}

// --- set_vlan_vid

static int decode_vid(struct ofpact_decode *d)
{
	struct ofpact_vlan_vid *v = ofpact_add(d->out, OFPACT_SET_VLAN_VID, sizeof(*v));
	v->vid = cursor_be16(&d->body);
	v->push_if_needed = d->version == OFP10;
	return v->vid & ~0xfff ? OFPBAC_BAD_ARGUMENT : 0;
}

static void encode_vid(struct buf *b, uint8_t version, const struct ofpact *a)
{
	const struct ofpact_vlan_vid *v = (const void *)a;
	if (version != OFP10 && !v->flow_has_vlan && v->push_if_needed)
		put_push(b, TPID_CTAG);
	if (version >= OFP12) {
		union field_value value = {.be16 = htobe16(v->vid | FLOW_VLAN_CFI)};
		ofpact_put_set_field(b, version, field_get(FIELD_VLAN_VID), &value, NULL);
		return;
	}
	size_t at = ofpact_put(b, OFPAT_SET_VLAN_VID);
	buf_add_be16(b, v->vid);
	ofpact_put_end(b, at);
}

static void format_vid(const struct ofpact *a, const struct ofpact_text *t, struct str *s)
{
	const struct ofpact_vlan_vid *v = (const void *)a;
	str_mark(s, MARK_PARAM, v->push_if_needed ? "mod_vlan_vid:" : "set_vlan_vid:");
	str_add_u64(s, v->vid);
}

static struct error *parse_vid(struct ofpact_parse *p, char *arg)
{
	struct ofpact_vlan_vid *v = ofpact_add(p->out, OFPACT_SET_VLAN_VID, sizeof(*v));
	struct error *e = text_u16(arg, "VLAN VID", &v->vid);
	if (!e && v->vid & ~0xfff)
		e = error_new("%s: not a valid VLAN VID", arg);
	v->push_if_needed = p->word[0] == 'm';
	return e;
}

static int check_vid(struct ofpact *a, struct ofpact_check *c)
{
	struct ofpact_vlan_vid *v = (void *)a;
	v->flow_has_vlan = match_has_vlan(c->match);
	if (!v->flow_has_vlan && !v->push_if_needed)
		ofpact_inconsistent(c);
	pretend_tag(c);
	return 0;
}

const struct ofpact_row ofpact_set_vlan_vid_row = {
	.name = "set_vlan_vid",
	.place = SET_SETS,
	.wires =
		(const struct ofpact_wire[]){
			{0, OFPAT_SET_VLAN_VID, V10, V15, 8, false, decode_vid}, {0}},
	.words = (const struct ofpact_word[]){{"mod_vlan_vid", parse_vid},
					      {"set_vlan_vid", parse_vid},
					      {0}},
	.encode = encode_vid,
	.format = format_vid,
	.check = check_vid,
};

// --- set_vlan_pcp

static int decode_pcp(struct ofpact_decode *d)
{
	struct ofpact_vlan_pcp *v = ofpact_add(d->out, OFPACT_SET_VLAN_PCP, sizeof(*v));
	v->pcp = cursor_u8(&d->body);
	v->push_if_needed = d->version == OFP10;
	return v->pcp & ~7 ? OFPBAC_BAD_ARGUMENT : 0;
}

static void encode_pcp(struct buf *b, uint8_t version, const struct ofpact *a)
{
	const struct ofpact_vlan_pcp *v = (const void *)a;
	if (version != OFP10 && !v->flow_has_vlan && v->push_if_needed)
		put_push(b, TPID_CTAG);
	if (version >= OFP12) {
		union field_value value = {.u8 = v->pcp};
		ofpact_put_set_field(b, version, field_get(FIELD_VLAN_PCP), &value, NULL);
		return;
	}
	size_t at = ofpact_put(b, OFPAT_SET_VLAN_PCP);
	buf_add_u8(b, v->pcp);
	ofpact_put_end(b, at);
}

static void format_pcp(const struct ofpact *a, const struct ofpact_text *t, struct str *s)
{
	const struct ofpact_vlan_pcp *v = (const void *)a;
	str_mark(s, MARK_PARAM, v->push_if_needed ? "mod_vlan_pcp:" : "set_vlan_pcp:");
	str_add_u64(s, v->pcp);
}

static struct error *parse_pcp(struct ofpact_parse *p, char *arg)
{
	struct ofpact_vlan_pcp *v = ofpact_add(p->out, OFPACT_SET_VLAN_PCP, sizeof(*v));
	struct error *e = text_u8(arg, "VLAN PCP", &v->pcp);
	if (!e && v->pcp & ~7)
		e = error_new("%s: not a valid VLAN PCP", arg);
	v->push_if_needed = p->word[0] == 'm';
	return e;
}

static int check_pcp(struct ofpact *a, struct ofpact_check *c)
{
	struct ofpact_vlan_pcp *v = (void *)a;
	v->flow_has_vlan = match_has_vlan(c->match);
	if (!v->flow_has_vlan && !v->push_if_needed)
		ofpact_inconsistent(c);
	pretend_tag(c);
	return 0;
}

const struct ofpact_row ofpact_set_vlan_pcp_row = {
	.name = "set_vlan_pcp",
	.place = SET_SETS,
	.wires =
		(const struct ofpact_wire[]){
			{0, OFPAT_SET_VLAN_PCP, V10, V15, 8, false, decode_pcp}, {0}},
	.words = (const struct ofpact_word[]){{"mod_vlan_pcp", parse_pcp},
					      {"set_vlan_pcp", parse_pcp},
					      {0}},
	.encode = encode_pcp,
	.format = format_pcp,
	.check = check_pcp,
};

// --- strip_vlan, pop_vlan

static int decode_strip(struct ofpact_decode *d)
{
	add_plain(d->out, OFPACT_STRIP_VLAN)->raw = d->version == OFP10 ? RAW_USUAL : RAW_POP_VLAN;
	return 0;
}

static void encode_strip(struct buf *b, uint8_t version, const struct ofpact *a)
{
	size_t at = ofpact_put(b, version == OFP10 ? OFPAT10_STRIP_VLAN : OFPAT11_POP_VLAN);
	buf_add_zeros(b, 4);
	ofpact_put_end(b, at);
}

static void format_strip(const struct ofpact *a, const struct ofpact_text *t, struct str *s)
{
	str_mark(s, MARK_VALUE, a->raw == RAW_POP_VLAN ? "pop_vlan" : "strip_vlan");
}

static struct error *parse_strip(struct ofpact_parse *p, char *arg)
{
	add_plain(p->out, OFPACT_STRIP_VLAN)->raw = p->word[0] == 'p' ? RAW_POP_VLAN : RAW_USUAL;
	return NULL;
}

static int check_strip(struct ofpact *a, struct ofpact_check *c)
{
	struct match *m = c->match;
	if (!match_has_vlan(m))
		ofpact_inconsistent(c);
	m->flow.vlan[0] = m->flow.vlan[1];
	m->mask.vlan[0] = m->mask.vlan[1];
	m->flow.vlan[1] = m->mask.vlan[1] = (struct flow_vlan){0};
	return 0;
}

const struct ofpact_row ofpact_strip_vlan_row = {
	.name = "strip_vlan",
	.place = SET_POP_VLAN,
	.wires =
		(const struct ofpact_wire[]){
			{0, OFPAT10_STRIP_VLAN, V10, V10, 8, false, decode_strip},
			{0, OFPAT11_POP_VLAN, V11, V15, 8, false, decode_strip},
			{0},
		},
	.words = (const struct ofpact_word[]){{"strip_vlan", parse_strip},
					      {"pop_vlan", parse_strip},
					      {0}},
	.encode = encode_strip,
	.format = format_strip,
	.check = check_strip,
};

// --- push_vlan

static int decode_push(struct ofpact_decode *d)
{
	struct ofpact_push_vlan *v = ofpact_add(d->out, OFPACT_PUSH_VLAN, sizeof(*v));
	v->ethertype = htobe16(cursor_be16(&d->body));
	return v->ethertype == BE16(TPID_CTAG) || v->ethertype == BE16(TPID_STAG)
		       ? 0
		       : OFPBAC_BAD_ARGUMENT;
}

static void encode_push(struct buf *b, uint8_t version, const struct ofpact *a)
{
	// 1.0 has no such action: setting the VLAN will make the tag.
	if (version != OFP10)
		put_push(b, be16toh(((const struct ofpact_push_vlan *)(const void *)a)->ethertype));
}

static void format_push(const struct ofpact *a, const struct ofpact_text *t, struct str *s)
{
	str_mark(s, MARK_PARAM, "push_vlan:");
	str_add_0x(s, be16toh(((const struct ofpact_push_vlan *)(const void *)a)->ethertype));
}

static struct error *parse_push(struct ofpact_parse *p, char *arg)
{
	struct ofpact_push_vlan *v = ofpact_add(p->out, OFPACT_PUSH_VLAN, sizeof(*v));
	uint16_t tpid = 0;
	struct error *e = text_u16(arg, "ethertype", &tpid);
	if (!e && tpid != TPID_CTAG && tpid != TPID_STAG)
		e = error_new("%s: not a valid VLAN ethertype", arg);
	v->ethertype = htobe16(tpid);
	*p->protocols &= OFPROTO_11 | OFPROTO_OXM_ANY;
	return e;
}

static int check_push(struct ofpact *a, struct ofpact_check *c)
{
	struct match *m = c->match;
	if (m->flow.vlan[FLOW_MAX_VLANS - 1].tci & BE16(FLOW_VLAN_CFI))
		return OFPBAC_BAD_TAG;
	m->flow.vlan[1] = m->flow.vlan[0];
	m->mask.vlan[1] = m->mask.vlan[0];
	m->flow.vlan[0] =
		(struct flow_vlan){.tpid = ((struct ofpact_push_vlan *)(void *)a)->ethertype,
				   .tci = BE16(FLOW_VLAN_CFI)};
	m->mask.vlan[0] = (struct flow_vlan){.tpid = 0xffff, .tci = 0xffff};
	return 0;
}

const struct ofpact_row ofpact_push_vlan_row = {
	.name = "push_vlan",
	.place = SET_PUSH_VLAN,
	.wires =
		(const struct ofpact_wire[]){
			{0, OFPAT11_PUSH_VLAN, V11, V15, 8, false, decode_push}, {0}},
	.words = (const struct ofpact_word[]){{"push_vlan", parse_push}, {0}},
	.encode = encode_push,
	.format = format_push,
	.check = check_push,
};
