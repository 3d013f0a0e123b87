/* SPDX-License-Identifier: Apache-2.0 */
// Connection tracking: ct, with nat inside of it, and ct_clear.
#include "openflow/action_row.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "packet/address.h"

enum { V10 = OFP10, V15 = OFP15 };
enum { // wire subtypes
	NXAST_CT = 35,
	NXAST_NAT = 36,
	NXAST_CT_CLEAR = 43,
};
enum { DL_IP = 0x0800, DL_IPV6 = 0x86dd, PROTO_TCP = 6, PROTO_UDP = 17 };

static void close_ct(struct buf *out, size_t at)
{
	struct ofpact_ct *ct = (void *)(out->data + at);
	ct->raw_len = (uint32_t)(out->len - at - sizeof(*ct));
	ct->h.len = (uint16_t)(out->len - at);
}

// --- ct

static int decode_zone(struct ofpact_decode *d, struct ofpact_ct *ct)
{
	struct cursor peek = d->body;
	if (!cursor_be32(&peek)) {
		cursor_skip(&d->body, 4);
		ct->zone = cursor_be16(&d->body);
		return 0;
	}
	int error = nx_header_decode(&d->body, &ct->zone_src.field, NULL);
	if (error)
		return ofpact_set_error(error);
	subfield_decode_bits(cursor_be16(&d->body), &ct->zone_src);
	return ct->zone_src.n_bits == 16 ? subfield_check_range(&ct->zone_src) : OFPBAC_BAD_SET_LEN;
}

// Without commit, nothing can be done to the connection.
static bool needs_commit(const struct ofpact_ct *ct)
{
	OFPACT_FOREACH (a, ct + 1, ct->raw_len)
		if (a->type != OFPACT_NAT || ((const struct ofpact_nat *)(const void *)a)->flags)
			return true;
	return false;
}

static int decode_ct(struct ofpact_decode *d)
{
	size_t at = d->out->len;
	struct ofpact_ct *ct = ofpact_add(d->out, OFPACT_CT, sizeof(*ct));
	ct->flags = cursor_be16(&d->body);
	if (ct->flags & CT_FORCE && !(ct->flags & CT_COMMIT))
		return OFPBAC_BAD_ARGUMENT;
	int error = decode_zone(d, ct);
	if (error)
		return error;
	ct->recirc_table = cursor_u8(&d->body);
	cursor_skip(&d->body, 3);
	ct->alg = cursor_be16(&d->body);
	error = ofpacts_decode_nested(d, d->out);
	if (error)
		return error;
	close_ct(d->out, at);
	ct = (void *)(d->out->data + at);
	error = ofpacts_verify_in(ct + 1, ct->raw_len, d->version, false, OFPACT_CT, NULL);
	return error					      ? error
	       : !(ct->flags & CT_COMMIT) && needs_commit(ct) ? OFPBAC_BAD_ARGUMENT
							      : 0;
}

static void encode_ct(struct buf *b, uint8_t version, const struct ofpact *a)
{
	const struct ofpact_ct *ct = (const void *)a;
	size_t at = ofpact_put_nx(b, NXAST_CT);
	buf_add_be16(b, ct->flags);
	if (ct->zone_src.field) {
		nx_header_encode(b, 0, ct->zone_src.field, false);
		buf_add_be16(b, subfield_encode_bits(&ct->zone_src));
	} else {
		buf_add_be32(b, 0);
		buf_add_be16(b, ct->zone);
	}
	buf_add_u8(b, ct->recirc_table);
	buf_add_zeros(b, 3);
	buf_add_be16(b, ct->alg);
	ofpacts_encode(b, version, ct + 1, ct->raw_len);
	ofpact_put_end(b, at);
}

static void add_word(struct str *s, enum str_mark mark, const char *word)
{
	str_mark(s, mark, word);
	str_addc(s, ',');
}

static void format_ct(const struct ofpact *a, const struct ofpact_text *t, struct str *s)
{
	const struct ofpact_ct *ct = (const void *)a;
	const struct ofpact *first = (const void *)(ct + 1);
	size_t n = ct->raw_len;
	str_mark(s, MARK_PAREN, "ct(");
	if (ct->flags & CT_COMMIT)
		add_word(s, MARK_VALUE, "commit");
	if (ct->flags & CT_FORCE)
		add_word(s, MARK_VALUE, "force");
	if (ct->recirc_table != CT_NO_RECIRC_TABLE) {
		str_mark(s, MARK_SPECIAL, "table=");
		ofp_table_format(t, ct->recirc_table, s);
		str_addc(s, ',');
	}
	if (ct->zone_src.field) {
		str_mark(s, MARK_PARAM, "zone=");
		subfield_format(&ct->zone_src, s);
		str_addc(s, ',');
	} else if (ct->zone) {
		text_add_number(s, "zone", ct->zone);
	}
	if (n && first->type == OFPACT_NAT) { // it stands outside of the others
		ofpacts_format_plain(first, ofpact_size(first), t, s);
		str_addc(s, ',');
		n -= ofpact_size(first);
		first = (const void *)((const uint8_t *)first + ofpact_size(first));
	}
	if (n) {
		str_mark(s, MARK_PAREN, "exec(");
		ofpacts_format_plain(first, n, t, s);
		add_word(s, MARK_PAREN, ")");
	}
	if (ct->alg == CT_ALG_FTP || ct->alg == CT_ALG_TFTP) {
		str_mark(s, MARK_PARAM, "alg=");
		str_add(s, ct->alg == CT_ALG_FTP ? "ftp," : "tftp,");
	} else if (ct->alg) {
		text_add_number(s, "alg", ct->alg);
	}
	str_chomp(s, ',');
	str_mark(s, MARK_PAREN, ")");
}

static struct error *parse_nat_args(struct ofpact_parse *p, char *arg);

static struct error *parse_zone(struct ofpact_ct *ct, const char *value)
{
	if (text_is_u16(value, &ct->zone))
		return NULL;
	struct error *e = text_subfield_whole(value, &ct->zone_src);
	return e ? e : text_short_header(value, ct->zone_src.field->name, ct->zone_src.field);
}

static struct error *parse_ct_table(struct ofpact_ct *ct, const struct ofpact_text *t,
				    const char *value)
{
	if (!ofp_table_parse(t, value, &ct->recirc_table))
		return error_new("unknown table %s", value);
	if (ct->recirc_table == CT_NO_RECIRC_TABLE)
		return error_new("invalid table %#x", ct->recirc_table);
	return NULL;
}

static struct error *parse_alg(struct ofpact_ct *ct, const char *value)
{
	ct->alg = !strcmp(value, "ftp") ? CT_ALG_FTP : !strcmp(value, "tftp") ? CT_ALG_TFTP : 0;
	return ct->alg ? NULL : error_new("invalid conntrack helper \"%s\"", value);
}

static struct error *parse_ct_key(struct ofpact_parse *p, size_t at, const char *key, char *value)
{
	struct ofpact_ct *ct = (void *)(p->out->data + at);
	if (!strcmp(key, "commit"))
		ct->flags |= CT_COMMIT;
	else if (!strcmp(key, "force"))
		ct->flags |= CT_FORCE;
	else if (!strcmp(key, "table"))
		return parse_ct_table(ct, p->text, value);
	else if (!strcmp(key, "zone"))
		return parse_zone(ct, value);
	else if (!strcmp(key, "alg"))
		return parse_alg(ct, value);
	else if (!strcmp(key, "nat"))
		return parse_nat_args(p, value);
	else if (!strcmp(key, "exec"))
		return ofpacts_parse_nested(p, value, OFPACT_CT);
	else
		return error_new("invalid argument to \"ct\" action: `%s'", key);
	return NULL;
}

static struct error *parse_ct(struct ofpact_parse *p, char *arg)
{
	size_t at = p->out->len;
	struct ofpact_ct *ct = ofpact_add(p->out, OFPACT_CT, sizeof(*ct));
	char *key, *value;
	struct error *e = NULL;
	ct->recirc_table = CT_NO_RECIRC_TABLE;
	while (!e && text_next_pair(&arg, &key, &value))
		e = parse_ct_key(p, at, key, value);
	if (e)
		return e;
	if (p->out->len - at > UINT16_MAX)
		return error_new("input too big");
	close_ct(p->out, at);
	ct = (void *)(p->out->data + at);
	if (ct->flags & CT_FORCE && !(ct->flags & CT_COMMIT))
		return error_new("\"force\" flag requires \"commit\" flag.");
	if (!(ct->flags & CT_COMMIT) && needs_commit(ct))
		return error_new("\"exec\", and \"nat\" with arguments, require \"commit\" flag.");
	return NULL;
}

static bool is_ip(const struct match *m)
{
	return m->flow.dl_type == BE16(DL_IP) || m->flow.dl_type == BE16(DL_IPV6);
}

static int check_ct(struct ofpact *a, struct ofpact_check *c)
{
	struct ofpact_ct *ct = (void *)a;
	const struct flow *f = &c->match->flow;
	// Even OpenFlow 1.0 must not take it: it could not be left out in silence.
	if (!is_ip(c->match) || (f->ct_state & FLOW_CT_INVALID && ct->flags & CT_COMMIT) ||
	    (ct->alg == CT_ALG_FTP && f->nw_proto != PROTO_TCP) ||
	    (ct->alg == CT_ALG_TFTP && f->nw_proto != PROTO_UDP))
		return OFPBAC_MATCH_INCONSISTENT;
	int error = ct->zone_src.field ? subfield_check_source(&ct->zone_src, c) : 0;
	return error ? error : ofpact_check_nested(ct + 1, ct->raw_len, c);
}

const struct ofpact_row ofpact_ct_row = {
	.name = "ct",
	.place = SET_CT,
	.wires =
		(const struct ofpact_wire[]){
			{OFP_VENDOR_NX, NXAST_CT, V10, V15, 24, true, decode_ct}, {0}},
	.words = (const struct ofpact_word[]){{"ct", parse_ct}, {0}},
	.encode = encode_ct,
	.format = format_ct,
	.check = check_ct,
};

// --- ct_clear

static int decode_ct_clear(struct ofpact_decode *d)
{
	ofpact_add(d->out, OFPACT_CT_CLEAR, sizeof(struct ofpact));
	return 0;
}

static void encode_ct_clear(struct buf *b, uint8_t version, const struct ofpact *a)
{
	ofpact_put_end(b, ofpact_put_nx(b, NXAST_CT_CLEAR));
}

static void format_ct_clear(const struct ofpact *a, const struct ofpact_text *t, struct str *s)
{
	str_mark(s, MARK_VALUE, "ct_clear");
}

static struct error *parse_ct_clear(struct ofpact_parse *p, char *arg)
{
	ofpact_add(p->out, OFPACT_CT_CLEAR, sizeof(struct ofpact));
	return NULL;
}

const struct ofpact_row ofpact_ct_clear_row = {
	.name = "ct_clear",
	.place = SET_CT_CLEAR,
	.wires =
		(const struct ofpact_wire[]){
			{OFP_VENDOR_NX, NXAST_CT_CLEAR, V10, V15, 16, false, decode_ct_clear}, {0}},
	.words = (const struct ofpact_word[]){{"ct_clear", parse_ct_clear}, {0}},
	.encode = encode_ct_clear,
	.format = format_ct_clear,
};

// --- nat

enum { // which parts of a range are there, in the order of the wire
	RANGE_IPV4_MIN = 1,
	RANGE_IPV4_MAX = 2,
	RANGE_IPV6_MIN = 4,
	RANGE_IPV6_MAX = 8,
	RANGE_PORT_MIN = 16,
	RANGE_PORT_MAX = 32,
};

static bool in6_is_zero(const union flow_in6 *a)
{
	return !(a->d[0] | a->d[1]);
}

// One end of the addresses. False: it is not there.
static bool decode_address(struct cursor *c, size_t n, union flow_in6 *address)
{
	cursor_copy(c, address, n);
	return !c->bad;
}

static bool decode_addresses(struct ofpact_nat *o, struct cursor *c, uint16_t range)
{
	bool v4 = range & RANGE_IPV4_MIN, v6 = range & RANGE_IPV6_MIN;
	size_t n = v4 ? 4 : 16;
	if ((v4 && range & (RANGE_IPV6_MIN | RANGE_IPV6_MAX)) || (!v4 && range & RANGE_IPV4_MAX) ||
	    (!v6 && range & RANGE_IPV6_MAX))
		return false;
	if (!v4 && !v6)
		return true;
	o->family = v4 ? 4 : 6;
	o->has_max = range & (RANGE_IPV4_MAX | RANGE_IPV6_MAX);
	if (!decode_address(c, n, &o->min) || in6_is_zero(&o->min))
		return false;
	return !o->has_max || (decode_address(c, n, &o->max) && memcmp(&o->min, &o->max, n) <= 0);
}

static bool decode_ports(struct ofpact_nat *o, struct cursor *c, uint16_t range)
{
	if (!(range & RANGE_PORT_MIN))
		return !(range & RANGE_PORT_MAX);
	o->port_min = cursor_be16(c);
	if (!o->family || !o->port_min)
		return false;
	if (range & RANGE_PORT_MAX)
		o->port_max = cursor_be16(c);
	return !c->bad && (!(range & RANGE_PORT_MAX) || o->port_max >= o->port_min);
}

static int decode_nat(struct ofpact_decode *d)
{
	struct ofpact_nat *o = ofpact_add(d->out, OFPACT_NAT, sizeof(*o));
	cursor_skip(&d->body, 2);
	o->flags = cursor_be16(&d->body);
	uint16_t range = cursor_be16(&d->body);
	if (o->flags & ~NAT_FLAGS || (o->flags & NAT_SRC && o->flags & NAT_DST) ||
	    (o->flags & NAT_HASH && o->flags & NAT_RANDOM))
		return OFPBAC_BAD_ARGUMENT;
	return decode_addresses(o, &d->body, range) && decode_ports(o, &d->body, range)
		       ? 0
		       : OFPBAC_BAD_ARGUMENT;
}

static void encode_nat(struct buf *b, uint8_t version, const struct ofpact *a)
{
	const struct ofpact_nat *o = (const void *)a;
	size_t at = ofpact_put_nx(b, NXAST_NAT), n = o->family == 4 ? 4 : 16;
	unsigned int range = o->family == 4 ? RANGE_IPV4_MIN : o->family == 6 ? RANGE_IPV6_MIN : 0;
	bool max = o->family && !in6_is_zero(&o->max);
	range |= max ? range << 1 : 0;
	range |= o->port_min ? RANGE_PORT_MIN : 0;
	range |= o->port_min && o->port_max ? RANGE_PORT_MAX : 0;
	if (!o->family)
		range = 0;
	buf_add_zeros(b, 2);
	buf_add_be16(b, o->flags);
	buf_add_be16(b, (uint16_t)range);
	if (o->family)
		buf_add(b, &o->min, n);
	if (max)
		buf_add(b, &o->max, n);
	if (range & RANGE_PORT_MIN)
		buf_add_be16(b, o->port_min);
	if (range & RANGE_PORT_MAX)
		buf_add_be16(b, o->port_max);
	ofpact_put_end(b, at);
}

static void format_address(const struct ofpact_nat *o, const union flow_in6 *address, struct str *s)
{
	if (o->family == 4) {
		ipv4_format(s, address->w[0]);
		return;
	}
	str_add(s, o->port_min ? "[" : "");
	ipv6_format(s, address->b);
	str_add(s, o->port_min ? "]" : "");
}

static void format_nat(const struct ofpact *a, const struct ofpact_text *t, struct str *s)
{
	const struct ofpact_nat *o = (const void *)a;
	str_mark(s, MARK_PAREN, "nat");
	if (!(o->flags & (NAT_SRC | NAT_DST)))
		return;
	str_mark(s, MARK_PAREN, "(");
	str_mark(s, MARK_PARAM, o->flags & NAT_SRC ? "src" : "dst");
	if (o->family) {
		str_mark(s, MARK_PARAM, "=");
		format_address(o, &o->min, s);
		if (!in6_is_zero(&o->max) && memcmp(&o->min, &o->max, sizeof(o->min))) {
			str_addc(s, '-');
			format_address(o, &o->max, s);
		}
		if (o->port_min)
			str_addf(s, ":%u", o->port_min);
		if (o->port_min && o->port_max && o->port_max != o->port_min)
			str_addf(s, "-%u", o->port_max);
	}
	str_addc(s, ',');
	if (o->flags & NAT_PERSISTENT)
		add_word(s, MARK_VALUE, "persistent");
	if (o->flags & NAT_HASH)
		add_word(s, MARK_VALUE, "hash");
	if (o->flags & NAT_RANDOM)
		add_word(s, MARK_VALUE, "random");
	str_chomp(s, ',');
	str_mark(s, MARK_PAREN, ")");
}

// An address at *s, an IPv6 one perhaps in brackets. It must be of the family that is known
// already, if it is.
static bool scan_address(const char **s, struct ofpact_nat *o, union flow_in6 *out, bool *bracket)
{
	union flow_in6 a = {.d = {0, 0}};
	const char *p = *s;
	if (o->family != 6 && ipv4_scan(&p, &a.w[0]) && *p != ':') {
		o->family = 4;
	} else if (o->family != 6 && (p = *s, ipv4_scan(&p, &a.w[0])) &&
		   isdigit((unsigned char)p[1]) && strchr(*s, '.')) {
		o->family = 4;
	} else {
		if (o->family == 4)
			return false;
		p = *s;
		memset(&a, 0, sizeof(a));
		*bracket = *p == '[';
		p += *bracket;
		if (!ipv6_scan(&p, a.b) || (*bracket && *p++ != ']'))
			return false;
		o->family = 6;
	}
	*s = p;
	*out = a;
	return true;
}

static bool scan_port(const char **s, uint16_t *port)
{
	char *end;
	unsigned long v = strtoul(*s, &end, 10);
	if (!isdigit((unsigned char)**s) || v > UINT16_MAX)
		return false;
	*port = (uint16_t)v;
	*s = end;
	return true;
}

// "1.2.3.4-1.2.3.9:1000-2000", "[::1]-[::9]:1000"
static bool parse_range(const char *s, struct ofpact_nat *o)
{
	bool bracket = false;
	if (!scan_address(&s, o, &o->min, &bracket) || in6_is_zero(&o->min))
		return false;
	if (*s == '-') {
		s++;
		if (!scan_address(&s, o, &o->max, &bracket) ||
		    memcmp(&o->min, &o->max, sizeof(o->min)) > 0)
			return false;
		o->has_max = !in6_is_zero(&o->max);
	}
	if (!*s)
		return true;
	if (*s++ != ':' || !scan_port(&s, &o->port_min))
		return false;
	if (*s == '-') {
		s++;
		if (!scan_port(&s, &o->port_max) || o->port_max < o->port_min)
			return false;
	}
	return !*s;
}

static struct error *parse_nat_key(struct ofpact_nat *o, const char *key, const char *value)
{
	bool src = !strcmp(key, "src");
	if (src || !strcmp(key, "dst")) {
		o->flags |= src ? NAT_SRC : NAT_DST;
		return *value && !parse_range(value, o)
			       ? error_new("invalid nat range \"%s\"", value)
			       : NULL;
	}
	if (!strcmp(key, "persistent"))
		o->flags |= NAT_PERSISTENT;
	else if (!strcmp(key, "hash"))
		o->flags |= NAT_HASH;
	else if (!strcmp(key, "random"))
		o->flags |= NAT_RANDOM;
	else
		return error_new("invalid key \"%s\" in \"nat\" argument", key);
	return NULL;
}

static struct error *parse_nat_args(struct ofpact_parse *p, char *arg)
{
	struct ofpact_nat *o = ofpact_add(p->out, OFPACT_NAT, sizeof(*o));
	char *key, *value;
	struct error *e = NULL;
	while (!e && text_next_pair(&arg, &key, &value))
		e = parse_nat_key(o, key, value);
	if (e)
		return e;
	if (o->flags & NAT_SRC && o->flags & NAT_DST)
		return error_new("May only specify one of \"src\" or \"dst\".");
	if (!(o->flags & (NAT_SRC | NAT_DST)) && o->flags)
		return error_new("Flags allowed only with \"src\" or \"dst\".");
	if (o->flags & NAT_HASH && o->flags & NAT_RANDOM)
		return error_new("Both \"hash\" and \"random\" are not allowed.");
	return NULL;
}

static int check_nat(struct ofpact *a, struct ofpact_check *c)
{
	const struct ofpact_nat *o = (const void *)a;
	bool v4 = c->match->flow.dl_type == BE16(DL_IP);
	return is_ip(c->match) && (!o->family || v4 == (o->family == 4))
		       ? 0
		       : OFPBAC_MATCH_INCONSISTENT;
}

const struct ofpact_row ofpact_nat_row = {
	.name = "nat",
	.wires =
		(const struct ofpact_wire[]){
			{OFP_VENDOR_NX, NXAST_NAT, V10, V15, 16, true, decode_nat}, {0}},
	.words = (const struct ofpact_word[]){{"nat", parse_nat_args}, {0}},
	.encode = encode_nat,
	.format = format_nat,
	.check = check_nat,
};
