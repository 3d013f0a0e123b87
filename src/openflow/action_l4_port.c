/* SPDX-License-Identifier: Apache-2.0 */
// Actions that set a port of TCP, UDP or SCTP: those of OpenFlow 1.0 and 1.1. From 1.2 on they go
// out as set_field, of the protocol that the flow matches.
#include "openflow/action_row.h"

#include "packet/headers.h"

enum { V10 = OFP10, V15 = OFP15 };
enum { // wire types, the same in 1.1
	OFPAT10_SET_TP_SRC = 9,
	OFPAT10_SET_TP_DST = 10,
};

static int decode_l4(struct ofpact_decode *d, enum ofpact_type type)
{
	struct ofpact_l4_port *o = ofpact_add(d->out, type, sizeof(*o));
	o->port = cursor_be16(&d->body);
	return 0;
}

static int decode_l4_src(struct ofpact_decode *d)
{
	return decode_l4(d, OFPACT_SET_L4_SRC_PORT);
}

static int decode_l4_dst(struct ofpact_decode *d)
{
	return decode_l4(d, OFPACT_SET_L4_DST_PORT);
}

static enum field_id l4_field(uint8_t proto, bool src)
{
	if (proto == IP_PROTO_UDP)
		return src ? FIELD_UDP_SRC : FIELD_UDP_DST;
	if (proto == IP_PROTO_SCTP)
		return src ? FIELD_SCTP_SRC : FIELD_SCTP_DST;
	return src ? FIELD_TCP_SRC : FIELD_TCP_DST;
}

static void encode_l4(struct buf *b, uint8_t version, const struct ofpact *a)
{
	const struct ofpact_l4_port *o = (const void *)a;
	bool src = a->type == OFPACT_SET_L4_SRC_PORT;
	if (version >= OFP12 && o->flow_ip_proto) {
		union field_value v = {.be16 = htobe16(o->port)};
		ofpact_put_set_field(b, version, field_get(l4_field(o->flow_ip_proto, src)), &v,
				     NULL);
		return;
	}
	size_t at = ofpact_put(b, src ? OFPAT10_SET_TP_SRC : OFPAT10_SET_TP_DST);
	buf_add_be16(b, o->port);
	ofpact_put_end(b, at);
}

static void format_l4(const struct ofpact *a, const struct ofpact_text *t, struct str *s)
{
	str_mark(s, MARK_PARAM, a->type == OFPACT_SET_L4_SRC_PORT ? "mod_tp_src:" : "mod_tp_dst:");
	str_add_u64(s, ((const struct ofpact_l4_port *)(const void *)a)->port);
}

static struct error *parse_l4_src(struct ofpact_parse *p, char *arg)
{
	struct ofpact_l4_port *o = ofpact_add(p->out, OFPACT_SET_L4_SRC_PORT, sizeof(*o));
	return text_u16(arg, "source port", &o->port);
}

static struct error *parse_l4_dst(struct ofpact_parse *p, char *arg)
{
	struct ofpact_l4_port *o = ofpact_add(p->out, OFPACT_SET_L4_DST_PORT, sizeof(*o));
	return text_u16(arg, "destination port", &o->port);
}

static int check_l4(struct ofpact *a, struct ofpact_check *c)
{
	const struct flow *f = &c->match->flow;
	bool ports = f->nw_proto == IP_PROTO_TCP || f->nw_proto == IP_PROTO_UDP ||
		     f->nw_proto == IP_PROTO_SCTP;
	if (!match_is_ip(c->match) || f->nw_frag & FLOW_FRAG_LATER || !ports)
		ofpact_inconsistent(c);
	((struct ofpact_l4_port *)(void *)a)->flow_ip_proto = ports ? f->nw_proto : 0;
	return 0;
}

const struct ofpact_row ofpact_set_l4_src_port_row = {
	.name = "mod_tp_src",
	.place = SET_SETS,
	.wires =
		(const struct ofpact_wire[]){
			{0, OFPAT10_SET_TP_SRC, V10, V15, 8, false, decode_l4_src}, {0}},
	.words = (const struct ofpact_word[]){{"mod_tp_src", parse_l4_src}, {0}},
	.encode = encode_l4,
	.format = format_l4,
	.check = check_l4,
};

const struct ofpact_row ofpact_set_l4_dst_port_row = {
	.name = "mod_tp_dst",
	.place = SET_SETS,
	.wires =
		(const struct ofpact_wire[]){
			{0, OFPAT10_SET_TP_DST, V10, V15, 8, false, decode_l4_dst}, {0}},
	.words = (const struct ofpact_word[]){{"mod_tp_dst", parse_l4_dst}, {0}},
	.encode = encode_l4,
	.format = format_l4,
	.check = check_l4,
};
