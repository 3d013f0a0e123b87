/* SPDX-License-Identifier: Apache-2.0 */
// Values of fields as text, both ways. Error texts are those that users of ovs-ofctl know.
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "flow/field.h"
#include "packet/address.h"

const struct flag_name ct_state_flag_names[] = {
	{FLOW_CT_NEW, "new"},	    {FLOW_CT_ESTABLISHED, "est"}, {FLOW_CT_RELATED, "rel"},
	{FLOW_CT_REPLY_DIR, "rpl"}, {FLOW_CT_INVALID, "inv"},	  {FLOW_CT_TRACKED, "trk"},
	{FLOW_CT_SRC_NAT, "snat"},  {FLOW_CT_DST_NAT, "dnat"},	  {0, NULL},
};
const struct flag_name tcp_flag_names[] = {
	{0x001, "fin"}, {0x002, "syn"}, {0x004, "rst"}, {0x008, "psh"}, {0x010, "ack"},
	{0x020, "urg"}, {0x040, "ece"}, {0x080, "cwr"}, {0x100, "ns"},	{0, NULL},
};
const struct flag_name tunnel_flag_names[] = {{1, "oam"}, {0, NULL}};
static const struct flag_name reserved_ports[] = {
	{OFPP_IN_PORT, "IN_PORT"},
	{OFPP_TABLE, "TABLE"},
	{OFPP_NORMAL, "NORMAL"},
	{OFPP_FLOOD, "FLOOD"},
	{OFPP_ALL, "ALL"},
	{OFPP_LOCAL, "LOCAL"},
	{OFPP_CONTROLLER, "CONTROLLER"},
	{OFPP_NONE, "ANY"},
	{OFPP_UNSET, "UNSET"},
	{OFPP_NONE, "NONE"},
	{0, NULL},
};

static const char *flag_find(const struct flag_name *names, uint32_t bit)
{
	for (; names->name; names++)
		if (names->bit == bit)
			return names->name;
	return NULL;
}

void flags_format(struct str *s, const struct flag_name *names, uint32_t flags, uint32_t mask,
		  uint32_t known)
{
	bool exact = (mask & known) == known;
	uint32_t show = exact ? flags : mask;
	if (!show) {
		str_addc(s, '0');
		return;
	}
	for (bool first = true; show; show &= show - 1, first = false) {
		uint32_t bit = show & -show;
		const char *name = flag_find(names, bit);
		if (!exact)
			str_addc(s, flags & bit ? '+' : '-');
		else if (!first)
			str_addc(s, '|');
		if (name)
			str_add(s, name);
		else
			str_addf(s, "[%x]", bit);
	}
}

// One flag of n characters, a name or "[bit]"; 0 when there is no such flag.
static uint32_t flag_by_name(const struct flag_name *names, const char *s, size_t n, uint32_t known)
{
	const struct flag_name *all = names;
	for (; names->name; names++)
		if (!strncmp(names->name, s, n) && !names->name[n])
			return names->bit;
	if (n < 3 || s[0] != '[' || s[n - 1] != ']' || !isxdigit((unsigned char)s[1]))
		return 0;
	char *end;
	unsigned long bit = strtoul(s + 1, &end, 16); // of a flag that has no name
	return end == s + n - 1 && !flag_find(all, (uint32_t)bit) && bit <= known && bit & known &&
			       !(bit & (bit - 1))
		       ? (uint32_t)bit
		       : 0;
}

static struct error *unknown_flags(const char *kind, const char *s, size_t n)
{
	return error_new("%.*s: unknown %s flag(s)", (int)n, s, kind);
}

// "+est-new" up to `end`.
static struct error *flags_parse_signed(const char *s, const char *end,
					const struct flag_name *names, uint32_t known,
					const char *kind, uint32_t *flags, uint32_t *mask)
{
	while (s < end) {
		char sign = *s++;
		size_t n = strcspn(s, "+-");
		if (n > (size_t)(end - s))
			n = (size_t)(end - s);
		uint32_t bit = flag_by_name(names, s, n, known);
		if (!bit || (sign != '+' && sign != '-'))
			return unknown_flags(kind, s, (size_t)(end - s));
		if (*mask & bit)
			return error_new("%.*s: Each %s flag can be specified only once", (int)n, s,
					 kind);
		*mask |= bit;
		if (sign == '+')
			*flags |= bit;
		s += n;
	}
	return NULL;
}

// "0x21/0x23" or "33": false when it is no such thing.
static bool flags_parse_number(const char *s, const char *end, uint32_t known, uint32_t *flags,
			       uint32_t *mask)
{
	char *tail;
	unsigned long value = strtoul(s, &tail, 0), bits = UINT32_MAX;
	if (tail == s || !isdigit((unsigned char)*s))
		return false;
	if (*tail == '/' && isdigit((unsigned char)tail[1])) {
		bits = strtoul(tail + 1, &tail, 0);
		if (bits & ~(unsigned long)known)
			return false;
	}
	if (tail != end || value & ~(unsigned long)known)
		return false;
	*flags = (uint32_t)(value & bits);
	*mask = (uint32_t)bits;
	return true;
}

struct error *flags_parse(const char **text, const char *ends, const struct flag_name *names,
			  uint32_t known, const char *kind, uint32_t *flags, uint32_t *mask)
{
	const char *s = *text, *end = s + strcspn(s, ends);
	*flags = *mask = 0;
	*text = end;
	if (*s == '+' || *s == '-')
		return flags_parse_signed(s, end, names, known, kind, flags, mask);
	if (isdigit((unsigned char)*s) && flags_parse_number(s, end, known, flags, mask))
		return NULL;
	*flags = 0;
	*mask = UINT32_MAX;
	for (const char *start = s; s < end;) {
		size_t n = strcspn(s, "|");
		if (n > (size_t)(end - s))
			n = (size_t)(end - s);
		uint32_t bits, all;
		if (!isdigit((unsigned char)*s))
			bits = all = flag_by_name(names, s, n, known);
		else if (!flags_parse_number(s, s + n, known, &bits, &all))
			all = 0;
		if (!all)
			return unknown_flags(kind, start, (size_t)(end - start));
		*flags |= bits;
		s += n;
		if (s < end)
			s++;
	}
	return NULL;
}

// Ports

bool ofp_port_parse(const char *text, ofp_port_number_cb *number, void *arg, uint32_t *ofp_port)
{
	uint64_t n;
	const char *digits = text + strspn(text, " \t\r\n");
	digits += *digits == '+';
	if (isdigit((unsigned char)*digits) && !parse_u64(digits, 10, &n)) {
		if (n < OFPP_MAX || (n >= OFPP_UNSET && n <= OFPP_NONE))
			*ofp_port = (uint32_t)n;
		else if (n >= 0xffff0000u + OFPP_MAX && n <= UINT32_MAX)
			*ofp_port = (uint32_t)n & 0xffff;
		else if (n <= OFPP_NONE)
			*ofp_port = (uint32_t)n;
		else
			return false;
		return true;
	}
	for (const struct flag_name *p = reserved_ports; p->name; p++)
		if (!strcasecmp(p->name, text)) {
			*ofp_port = p->bit;
			return true;
		}
	if (!number)
		return false;
	size_t len = strlen(text);
	if (len >= 2 && text[0] == '"' && text[len - 1] == '"' && len < 256) {
		char plain[256], *to = plain;
		for (const char *from = text + 1; from < text + len - 1; from++) {
			if (*from == '\\' && from < text + len - 2)
				from++;
			*to++ = *from;
		}
		*to = '\0';
		return !number(arg, plain, ofp_port);
	}
	return !number(arg, text, ofp_port);
}

static void add_name(struct str *s, const char *name)
{
	bool plain = isalpha((unsigned char)*name);
	for (const char *p = name; *p; p++)
		if (!isalnum((unsigned char)*p) && *p != '-' && *p != '_' && *p != '.')
			plain = false;
	if (plain) {
		str_add(s, name);
		return;
	}
	str_addc(s, '"');
	for (const char *p = name; *p; p++) {
		if (*p == '"' || *p == '\\')
			str_addc(s, '\\');
		str_addc(s, *p);
	}
	str_addc(s, '"');
}

void ofp_port_format(uint32_t ofp_port, ofp_port_name_cb *cb, void *arg, struct str *s)
{
	const char *reserved = flag_find(reserved_ports, ofp_port);
	const char *name = !reserved && cb ? cb(arg, ofp_port) : NULL;
	if (reserved)
		str_add(s, reserved);
	else if (name)
		add_name(s, name);
	else
		str_add_u64(s, ofp_port);
}

// Formatting

static uint64_t value_u64(const union field_value *v, unsigned int n)
{
	uint64_t x = 0;
	for (unsigned int i = 0; i < n; i++)
		x = x << 8 | v->b[i];
	return x;
}

static void add_integer(struct str *s, const struct field *f, const union field_value *v,
			const union field_value *mask)
{
	if (f->format == FORMAT_DECIMAL && f->n_bytes <= 8)
		str_addf(s, "%" PRIu64, value_u64(v, f->n_bytes));
	else
		str_add_be_number(s, v->b, f->n_bytes);
	if (mask) {
		str_addc(s, '/');
		str_add_be_number(s, mask->b, f->n_bytes);
	}
}

const char *frag_name(uint8_t frag, uint8_t mask)
{
	switch (mask & 3) {
	case 3:
		if (!(frag & FLOW_FRAG_ANY))
			return frag & FLOW_FRAG_LATER ? "<error>" : "no";
		return frag & FLOW_FRAG_LATER ? "later" : "first";
	case FLOW_FRAG_ANY:
		return frag & FLOW_FRAG_ANY ? "yes" : "no";
	case FLOW_FRAG_LATER:
		return frag & FLOW_FRAG_LATER ? "later" : "not_later";
	default:
		return "<error>";
	}
}

static const uint8_t ones[16] = {255, 255, 255, 255, 255, 255, 255, 255,
				 255, 255, 255, 255, 255, 255, 255, 255};

static void add_flags(struct str *s, const struct field *f, const union field_value *v,
		      const union field_value *mask)
{
	uint32_t flags = (uint32_t)value_u64(v, f->n_bytes);
	uint32_t bits = mask ? (uint32_t)value_u64(mask, f->n_bytes) : UINT32_MAX;
	if (f->format == FORMAT_CT_STATE)
		flags_format(s, ct_state_flag_names, flags, bits, 0xff);
	else if (f->format == FORMAT_TCP_FLAGS)
		flags_format(s, tcp_flag_names, flags, bits, 0xfff);
	else // with signs as soon as there is a mask
		flags_format(s, tunnel_flag_names, flags, mask ? bits & 1 : bits, mask ? 3 : 1);
}

void packet_type_format(be32_t type, struct str *s)
{
	unsigned int ns = be32toh(type) >> 16, id = be32toh(type) & 0xffff;
	str_addf(s, ns < 10 ? "(%u," : "(0x%x,", ns);
	str_addf(s, id < 10 ? "%u)" : "0x%x)", id);
}

void field_format_value(const struct field *f, const union field_value *v,
			const union field_value *mask, ofp_port_name_cb *port_name, void *arg,
			struct str *s)
{
	if (mask && field_mask_is_zero(f, mask)) {
		str_add(s, "ANY");
		return;
	}
	if (mask && field_mask_is_exact(f, mask))
		mask = NULL;
	const uint8_t *bits = mask ? mask->b : ones;
	be32_t bits32;
	memcpy(&bits32, bits, sizeof(bits32));
	switch (f->format) {
	case FORMAT_DECIMAL:
	case FORMAT_HEXADECIMAL:
		add_integer(s, f, v, mask);
		break;
	case FORMAT_ETHERNET:
		mac_format_masked(s, v->mac, bits);
		break;
	case FORMAT_IPV4:
		ipv4_format_masked(s, v->be32, bits32);
		break;
	case FORMAT_IPV6:
		ipv6_format_masked(s, v->b, bits);
		break;
	case FORMAT_FRAG:
		str_add(s, frag_name(v->u8, bits[0]));
		break;
	case FORMAT_TCP_FLAGS:
	case FORMAT_CT_STATE:
	case FORMAT_TUN_FLAGS:
		add_flags(s, f, v, mask);
		break;
	case FORMAT_OFP_PORT:
		ofp_port_format(be16toh(v->be16), port_name, arg, s);
		break;
	case FORMAT_OFP_PORT_OXM:
		ofp_port_format(ofp_port_from_32(be32toh(v->be32)), port_name, arg, s);
		break;
	case FORMAT_PACKET_TYPE:
		packet_type_format(v->be32, s);
		break;
	}
}

// Parsing

// An unsigned number of up to n bytes at *text; the text after it in *text. 0, -EINVAL (no number)
// or -ERANGE.
static int scan_integer(const char **text, uint8_t *out, unsigned int n)
{
	const char *s = *text;
	memset(out, 0, n);
	if (s[0] == '0' && (s[1] == 'x' || s[1] == 'X')) {
		const char *first = s + 2, *last;
		while (*first == '0')
			first++;
		for (last = first; isxdigit((unsigned char)*last);)
			last++;
		*text = last;
		if ((size_t)(last - first) > 2 * n)
			return -ERANGE;
		for (unsigned int i = 0; last-- > first; i++) {
			unsigned int digit =
				(unsigned int)(*last <= '9' ? *last - '0'
							    : (*last | 0x20) - 'a' + 10);
			out[n - 1 - i / 2] |= (uint8_t)(i & 1 ? digit << 4 : digit);
		}
		return 0;
	}
	char *end;
	errno = 0;
	unsigned long long v = strtoull(s, &end, 0); // -1 has 64 bits
	if (end == s)
		return -EINVAL;
	*text = end;
	if (errno || (n < 8 && v >> (8 * n)))
		return -ERANGE;
	for (unsigned int i = n; i-- > 0 && v; v >>= 8)
		out[i] = (uint8_t)v;
	return 0;
}

bool number_scan(const char **text, uint8_t *out, unsigned int n, bool *fits)
{
	int error = scan_integer(text, out, n);
	*fits = error != -ERANGE;
	return error != -EINVAL;
}

bool field_parse_integer(const struct field *f, const char *text, union field_value *v)
{
	return !scan_integer(&text, v->b, f->n_bytes) && !*text;
}

static struct error *parse_integer(const struct field *f, const char *text, union field_value *v,
				   union field_value *mask)
{
	const char *s = text;
	int error = scan_integer(&s, v->b, f->n_bytes);
	if (error == -ERANGE)
		return error_new("%s: value too large for %u-byte field %s", text, f->n_bytes,
				 f->name);
	if (error || (*s && *s != '/'))
		return error_new("%s: bad syntax for %s value", text, f->name);
	if (!*s) {
		field_exact_mask(f, mask);
		return NULL;
	}
	s++;
	error = scan_integer(&s, mask->b, f->n_bytes);
	if (error == -ERANGE)
		return error_new("%s: mask too large for %u-byte field %s", text, f->n_bytes,
				 f->name);
	return error || *s ? error_new("%s: bad syntax for %s mask", text, f->name) : NULL;
}

static struct error *parse_ethernet(const char *text, union field_value *v, union field_value *mask)
{
	const char *s = text;
	memset(mask->b, 0xff, 6);
	if (mac_scan(&s, v->mac) && (!*s || (*s++ == '/' && mac_scan(&s, mask->mac) && !*s)))
		return NULL;
	return error_new("%s: invalid Ethernet address", text);
}

// A decimal number that ends the text, a length of a prefix or not; false: it is none.
static bool prefix_bits(const char *s, long *bits)
{
	char *end;
	*bits = strtol(s, &end, 10);
	return end != s && !*end;
}

static struct error *parse_ipv4(const char *text, union field_value *v, union field_value *mask)
{
	const char *s = text;
	mask->be32 = UINT32_MAX;
	if (!ipv4_scan(&s, &v->be32))
		return error_new("%s: invalid IP address", text);
	if (!*s)
		return NULL;
	if (*s++ != '/')
		return error_new("%s: invalid IP address", text);
	long bits;
	bool is_prefix = prefix_bits(s, &bits);
	if (is_prefix && (bits < 0 || bits > 32))
		return error_new("%s: IPv4 network prefix bits not between 0 and 32, inclusive",
				 text);
	if (is_prefix) {
		mask->be32 = ipv4_mask_make((unsigned int)bits);
		return NULL;
	}
	bool found = ipv4_scan(&s, &mask->be32);
	if (!found && strtoul(s, NULL, 10) > 32)
		return error_new("%s: IPv4 network prefix bits not between 0 and 32, inclusive",
				 text);
	if (!found || *s)
		return error_new("%s: invalid IP address", text);
	return NULL;
}

static struct error *parse_ipv6(const char *text, union field_value *v, union field_value *mask)
{
	const char *s = text;
	memset(mask->b, 0xff, 16);
	if (!ipv6_scan(&s, v->b))
		return error_new("%s: invalid IPv6 address", text);
	if (!*s)
		return NULL;
	if (*s++ != '/')
		return error_new("%s: invalid IPv6 address", text);
	long bits;
	bool is_prefix = prefix_bits(s, &bits);
	if (is_prefix && (bits < 0 || bits > 128))
		return error_new("%s: IPv6 network prefix bits not between 0 and 128, inclusive",
				 text);
	if (is_prefix) {
		ipv6_mask_make((unsigned int)bits, mask->b);
		return NULL;
	}
	bool found = ipv6_scan(&s, mask->b);
	if (!found && (isxdigit((unsigned char)*s) || *s == ':') && !isdigit((unsigned char)*s))
		return error_new("%s: Invalid IPv6 mask", text);
	if (!found || *s)
		return error_new("%s: invalid IPv6 address", text);
	return NULL;
}

static struct error *parse_frag(const char *text, union field_value *v, union field_value *mask)
{
	static const struct {
		const char *name;
		uint8_t value, mask;
	} names[] = {
		{"no", 0, 3}, {"yes", 1, 1}, {"first", 1, 3}, {"later", 3, 3}, {"not_later", 0, 2},
	};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcasecmp(text, names[i].name)) {
			v->u8 = names[i].value;
			mask->u8 = names[i].mask;
			return NULL;
		}
	return error_new("%s: unknown fragment type "
			 "(valid types are \"no\", \"yes\", \"first\", \"later\", \"not_later\"",
			 text);
}

static struct error *parse_flags(const struct field *f, const char *text, union field_value *v,
				 union field_value *mask)
{
	static const struct {
		const struct flag_name *names;
		uint32_t known;
		const char *kind;
	} of[] = {
		[FORMAT_CT_STATE] = {ct_state_flag_names, 0xff, "ct_state"},
		[FORMAT_TCP_FLAGS] = {tcp_flag_names, 0xfff, "TCP"},
		[FORMAT_TUN_FLAGS] = {tunnel_flag_names, 1, "tunnel"},
	};
	uint32_t flags, bits;
	struct error *error = flags_parse(&text, "", of[f->format].names, of[f->format].known,
					  of[f->format].kind, &flags, &bits);
	if (f->n_bytes == 2) {
		v->be16 = htobe16((uint16_t)flags);
		mask->be16 = htobe16((uint16_t)bits);
	} else {
		v->be32 = htobe32(flags);
		mask->be32 = htobe32(bits);
	}
	return error;
}

static struct error *parse_port(const struct field *f, const char *text, ofp_port_number_cb *number,
				void *arg, union field_value *v, union field_value *mask)
{
	uint32_t port;
	if (!ofp_port_parse(text, number, arg, &port))
		return f->format == FORMAT_OFP_PORT
			       ? error_new("%s: invalid or unknown port for %s", text, f->name)
			       : error_new("%s: port value out of range for %s", text, f->name);
	if (f->n_bytes == 2)
		v->be16 = htobe16((uint16_t)port);
	else
		v->be32 = htobe32(ofp_port_to_32(port));
	field_exact_mask(f, mask);
	return NULL;
}

// "(ns,type)"
static struct error *parse_packet_type(const char *text, union field_value *v,
				       union field_value *mask)
{
	char *end;
	if (*text != '(')
		return error_new("%s: bad syntax for packet type missing '('", text);
	text++;
	unsigned long ns = strtoul(text, &end, 0);
	if (end == text || ns > UINT16_MAX)
		return error_new("%s: bad syntax for packet type ns", text);
	if (*end != ',')
		return error_new("%s: bad syntax for packet type missing ','", text);
	text = end + 1;
	unsigned long type = strtoul(text, &end, 0);
	if (end == text || type > UINT16_MAX)
		return error_new("%s: bad syntax for packet type ns_type", text);
	if (*end != ')')
		return error_new("%s: bad syntax for packet type missing ')'", text);
	v->be32 = htobe32((uint32_t)(ns << 16 | type));
	mask->be32 = UINT32_MAX;
	return NULL;
}

static struct error *parse_by_format(const struct field *f, const char *text,
				     ofp_port_number_cb *number, void *arg, union field_value *v,
				     union field_value *mask)
{
	switch (f->format) {
	case FORMAT_DECIMAL:
	case FORMAT_HEXADECIMAL:
		return parse_integer(f, text, v, mask);
	case FORMAT_ETHERNET:
		return parse_ethernet(text, v, mask);
	case FORMAT_IPV4:
		return parse_ipv4(text, v, mask);
	case FORMAT_IPV6:
		return parse_ipv6(text, v, mask);
	case FORMAT_FRAG:
		return parse_frag(text, v, mask);
	case FORMAT_TCP_FLAGS:
	case FORMAT_CT_STATE:
	case FORMAT_TUN_FLAGS:
		return parse_flags(f, text, v, mask);
	case FORMAT_OFP_PORT:
	case FORMAT_OFP_PORT_OXM:
		return parse_port(f, text, number, arg, v, mask);
	case FORMAT_PACKET_TYPE:
		return parse_packet_type(text, v, mask);
	}
	__builtin_unreachable();
}

static bool all_bytes_are(const uint8_t *b, unsigned int n, uint8_t value)
{
	while (n && *b == value)
		b++, n--;
	return !n;
}

struct error *field_parse_value_ports(const struct field *f, const char *text,
				      ofp_port_number_cb *number, void *arg, union field_value *v,
				      union field_value *mask)
{
	if (!strcmp(text, "*")) {
		memset(v, 0, sizeof(*v));
		memset(mask, 0, sizeof(*mask));
		return NULL;
	}
	struct error *error = parse_by_format(f, text, number, arg, v, mask);
	// Who writes the mask of a field that has none means its bytes, not its bits.
	if (!error && f->maskable == FIELD_NOT_MASKABLE && strchr(text, '/') &&
	    !all_bytes_are(mask->b, f->n_bytes, 0) && !all_bytes_are(mask->b, f->n_bytes, 0xff))
		return error_new("%s: invalid mask for field %s", text, f->name);
	return error;
}

struct error *field_parse_value(const struct field *f, const char *text, union field_value *v,
				union field_value *mask)
{
	return field_parse_value_ports(f, text, NULL, NULL, v, mask);
}
