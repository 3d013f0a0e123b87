/* SPDX-License-Identifier: Apache-2.0 */
// Matches from text: "tcp,in_port=1,nw_dst=10.0.0.0/8,tp_dst=80".
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "flow/match.h"
#include "packet/headers.h"

static const struct shorthand {
	const char *name;
	uint16_t dl_type;
	uint8_t nw_proto;
} shorthands[] = {
	{"eth", 0, 0},
	{"ip", ETHERTYPE_IPV4, 0},
	{"ipv4", ETHERTYPE_IPV4, 0},
	{"ip4", ETHERTYPE_IPV4, 0},
	{"arp", ETHERTYPE_ARP, 0},
	{"icmp", ETHERTYPE_IPV4, IP_PROTO_ICMP},
	{"tcp", ETHERTYPE_IPV4, IP_PROTO_TCP},
	{"udp", ETHERTYPE_IPV4, IP_PROTO_UDP},
	{"sctp", ETHERTYPE_IPV4, IP_PROTO_SCTP},
	{"ipv6", ETHERTYPE_IPV6, 0},
	{"ip6", ETHERTYPE_IPV6, 0},
	{"icmp6", ETHERTYPE_IPV6, IP_PROTO_ICMPV6},
	{"tcp6", ETHERTYPE_IPV6, IP_PROTO_TCP},
	{"udp6", ETHERTYPE_IPV6, IP_PROTO_UDP},
	{"sctp6", ETHERTYPE_IPV6, IP_PROTO_SCTP},
	{"rarp", ETHERTYPE_RARP, 0},
	{"mpls", ETHERTYPE_MPLS, 0},
	{"mplsm", ETHERTYPE_MPLS_MCAST, 0},
};

static const struct shorthand *shorthand_find(const char *name)
{
	for (size_t i = 0; i < sizeof(shorthands) / sizeof(shorthands[0]); i++)
		if (shorthands[i].name[0] == name[0] && !strcmp(shorthands[i].name, name))
			return &shorthands[i];
	return NULL;
}

static void apply_shorthand(struct match *m, const struct shorthand *p)
{
	if (!p->dl_type) {
		m->flow.packet_type = 0;
		m->mask.packet_type = UINT32_MAX;
		return;
	}
	m->flow.dl_type = htobe16(p->dl_type);
	m->mask.dl_type = 0xffff;
	if (p->nw_proto) {
		m->flow.nw_proto = p->nw_proto;
		m->mask.nw_proto = 0xff;
	}
}

static struct error *set_option(struct match *m, const struct field *f,
				const union field_value *value, const union field_value *mask)
{
	struct field space;
	if (!m->table && match_field(m, f, &space))
		return error_new("field %s set multiple times", f->name);
	int error = match_set_option(m, f, value, mask);
	if (!error)
		return NULL;
	if (error == -ENOENT)
		return error_new("field %s: no option of tunnels is mapped to it (ovs-ofctl "
				 "add-tlv-map does that)",
				 f->name);
	if (error == -ERANGE)
		return error_new("field %s: its option has only %u bytes", f->name,
				 match_field(m, f, &space)->n_bytes);
	return error_new("field %s exceeds maximum size for tunnel metadata (used %u, max %d)",
			 f->name, match_options_size(m) + field_significant_bytes(f, value, mask),
			 FLOW_OPTIONS_BYTES);
}

// "reg0[0..7]=5": the other bits of the field stay as they are.
static struct error *parse_subfield(struct match *m, const char *key, const char *text,
				    struct match_term *term)
{
	const char *s = key;
	struct subfield sf;
	struct error *error = subfield_parse(&s, &sf);
	if (error)
		return error;
	if (*s)
		return error_new("unexpected input following field syntax");
	const struct field *f = sf.field;
	if (f->maskable == FIELD_NOT_MASKABLE && sf.n_bits < f->n_bits)
		return error_new("%s: field %s matches as a whole only", key, f->name);
	union field_value in, in_mask, value, *mask = &term->mask;
	if (!field_parse_integer(f, text, &in))
		return error_new("%s: cannot parse integer value: %s", key, text);
	struct subfield low = {f, 0, sf.n_bits};
	for (unsigned int bit = sf.n_bits; bit < 8u * f->n_bytes; bit++)
		if (in.b[f->n_bytes - 1 - bit / 8] >> bit % 8 & 1) {
			struct str number = STR_INIT;
			const uint8_t *p = in.b, *end = in.b + f->n_bytes;
			while (!*p)
				p++;
			str_addf(&number, "0x%x", *p);
			str_add_hex(&number, p + 1, (size_t)(end - p - 1));
			error = error_new("%s: value %s does not fit into %u bits", key,
					  str_cstr(&number), sf.n_bits);
			str_done(&number);
			return error;
		}
	subfield_mask(&low, &in_mask);
	field_get_value(f, &m->flow, &value);
	field_get_value(f, &m->mask, mask);
	subfield_copy_value(&in, &low, &value, &sf);
	subfield_copy_value(&in_mask, &low, mask, &sf);
	term->field = f;
	term->masked = true;
	if (f->place == FIELD_PLACE_OPTION)
		return set_option(m, f, &value, mask);
	if (f->id == FIELD_CT_STATE) { // flags that do not exist are left out, as the oracle does
		value.be32 &= BE32(0xff);
		mask->be32 &= BE32(0xff);
	}
	match_set(m, f, &value, mask);
	return NULL;
}

// Bits that a field does not have must not be left out: the rest is another value. The flags have
// words of their own for that; an empty tag is 0xffff in OpenFlow 1.0, and the lower bits of
// nw_tos are those of another field.
static struct error *check_width(const struct field *f, const char *text,
				 const union field_value *value, const union field_value *mask)
{
	if ((f->format != FORMAT_DECIMAL && f->format != FORMAT_HEXADECIMAL) ||
	    f->n_bytes > sizeof(uint32_t) || f->id == FIELD_IP_DSCP || f->id == FIELD_VLAN_TCI ||
	    (f->id == FIELD_DL_VLAN && value->be16 == 0xffff) || field_mask_is_zero(f, mask))
		return NULL;
	union field_value masked;
	for (unsigned int i = 0; i < f->n_bytes; i++)
		masked.b[i] = value->b[i] & (strchr(text, '/') ? mask->b[i] : 0xff);
	if (field_value_is_valid(f, &masked))
		return NULL;
	unsigned int bits = f->id == FIELD_ARP_OP ? 8 : f->n_bits;
	for (unsigned int i = 8u * f->n_bytes; i-- > bits;)
		if (masked.b[f->n_bytes - 1 - i / 8] >> i % 8 & 1)
			return error_new("%s: value too large for %u-bit field %s", text, bits,
					 f->name);
	return error_new("%s: %s is never that", text, f->name);
}

struct error *match_parse_field(struct match *m, const char *key, const char *text, bool *known,
				ofp_port_number_cb *cb, void *arg)
{
	struct match_term term;
	struct error *e = match_parse_term(m, key, text, &term, cb, arg);
	*known = term.known;
	return e;
}

struct error *match_parse_term(struct match *m, const char *key, const char *text,
			       struct match_term *term, ofp_port_number_cb *cb, void *arg)
{
	const struct shorthand *shorthand = shorthand_find(key);
	term->field = NULL;
	term->known = true;
	if (shorthand) {
		apply_shorthand(m, shorthand);
		return NULL;
	}
	const struct field *f = field_find(key);
	if (!f) {
		if (strchr(key, '['))
			return parse_subfield(m, key, text ? text : "", term);
		term->known = false;
		return NULL;
	}
	if (!text || !*text)
		text = "0/0"; // a key alone asks for nothing
	term->masked = strchr(text, '/');
	union field_value value;
	struct error *error = field_parse_value_ports(f, text, cb, arg, &value, &term->mask);
	term->field = f;
	if (!error)
		error = check_width(f, text, &value, &term->mask);
	if (!error && f->place == FIELD_PLACE_OPTION)
		return set_option(m, f, &value, &term->mask);
	if (!error)
		match_set(m, f, &value, &term->mask);
	return error;
}

// A piece of "key=value,key(value),word" at *text: writes NULs into it and steps over it. False at
// the end.
bool key_value_scan(char **text, char **key, char **value)
{
	char *s = *text + strspn(*text, ", \t\r\n");
	*key = s;
	*value = NULL;
	if (!*s)
		return false;
	s += strcspn(s, "=:(, \t\r\n");
	char stop = *s;
	if (stop == '=' || stop == ':') {
		*s++ = '\0';
		*value = s;
		int depth = 0;
		bool quoted = false;
		for (; *s && (quoted || depth > 0 || !strchr(", \t\r\n", *s)); s++) {
			if (*s == '"')
				quoted = !quoted;
			else if (quoted && *s == '\\' && s[1])
				s++;
			else if (!quoted)
				depth += *s == '(' || *s == '['	  ? 1
					 : *s == ')' || *s == ']' ? -1
								  : 0;
		}
	} else if (stop == '(') {
		int depth = 1;
		*s++ = '\0';
		*value = s;
		for (; *s; s++) {
			depth += *s == '(' ? 1 : *s == ')' ? -1 : 0;
			if (!depth)
				break;
		}
	}
	if (*s)
		*s++ = '\0';
	*text = s;
	return true;
}

struct error *match_parse(struct match *m, const char *text, ofp_port_number_cb *cb, void *arg)
{
	char *copy = xstrdup(text), *s = copy, *key, *value;
	struct error *error = NULL;
	match_init_any(m);
	while (!error && key_value_scan(&s, &key, &value)) {
		bool known;
		error = match_parse_field(m, key, value, &known, cb, arg);
		if (!known)
			error = value && *value ? error_new("unknown keyword %s", key)
						: error_new("field %s missing value", key);
	}
	free(copy);
	return error;
}
