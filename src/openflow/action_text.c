/* SPDX-License-Identifier: Apache-2.0 */
// Actions as text, and the small parsers of numbers and addresses whose messages are those users
// know.
#include "openflow/action_row.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "packet/address.h"

// --- Values.

struct error *text_u64(const char *s, uint64_t *out)
{
	char *end;
	if (!*s)
		return error_new("missing required numeric argument");
	errno = 0;
	unsigned long long v = strtoull(s, &end, 0); // with its signs and leading blanks
	if (errno || end == s || *end)
		return error_new("invalid numeric format %s", s);
	*out = v;
	return NULL;
}

struct error *text_u32(const char *s, uint32_t *out)
{
	uint64_t wide;
	struct error *e = text_u64(s, &wide);
	if (!e)
		*out = (uint32_t)wide; // "-1" is all ones; what does not fit is cut off
	return e;
}

bool text_is_u16(const char *s, uint16_t *out)
{
	char *end;
	errno = 0;
	long long v = strtoll(s, &end, 0);
	if (errno || end == s || *end || v < 0 || v > UINT16_MAX)
		return false;
	*out = (uint16_t)v;
	return true;
}

bool text_is_u8(const char *s, uint8_t *out)
{
	uint16_t wide;
	if (!text_is_u16(s, &wide) || wide > UINT8_MAX)
		return false;
	*out = (uint8_t)wide;
	return true;
}

struct error *text_u16(const char *s, const char *what, uint16_t *out)
{
	return text_is_u16(s, out) ? NULL : error_new("invalid %s \"%s\"", what, s);
}

struct error *text_u8(const char *s, const char *what, uint8_t *out)
{
	return text_is_u8(s, out) ? NULL : error_new("invalid %s \"%s\"", what, s);
}

struct error *text_be64(const char *s, be64_t *out)
{
	uint64_t v;
	struct error *e = text_u64(s, &v);
	if (!e)
		*out = htobe64(v);
	return e;
}

bool text_port(const struct ofpact_text *t, const char *text, uint32_t *port)
{
	return ofp_port_parse(text, t ? t->port_number : NULL, t ? t->arg : NULL, port);
}

void ofp_table_format(const struct ofpact_text *t, uint8_t table, struct str *s)
{
	ofp_port_format(table, t ? t->table_name : NULL, t ? t->arg : NULL,
			s); // whose names are written alike
}

bool ofp_table_parse(const struct ofpact_text *t, const char *word, uint8_t *table)
{
	uint32_t number;
	char *end;
	errno = 0;
	long long n = strtoll(word, &end, 10);
	if (!errno && end != word && !*end && *word != '-') {
		*table = (uint8_t)n;
		return n >= 0 && n <= UINT8_MAX;
	}
	if (!t || !t->table_number || t->table_number(t->arg, word, &number))
		return false;
	*table = (uint8_t)number;
	return true;
}

void text_format_port(const struct ofpact_text *t, uint32_t port, struct str *s)
{
	ofp_port_format(port, t ? t->port_name : NULL, t ? t->arg : NULL, s);
}

struct error *text_mac(const char *s, uint8_t mac[6])
{
	const char *end = s;
	return mac_scan(&end, mac) && !*end ? NULL : error_new("invalid mac address %s", s);
}

struct error *text_ipv4(const char *s, be32_t *ip)
{
	struct in_addr a;
	if (inet_pton(AF_INET, s, &a) != 1)
		return error_new("%s: could not convert to IP address", s);
	*ip = a.s_addr;
	return NULL;
}

struct error *text_subfield(const char **text, struct subfield *sf)
{
	const char *whole = *text;
	struct error *e = subfield_parse(text, sf);
	if (!e && !field_has_header(sf->field))
		e = error_new("%s: field of matches only: actions read and write vlan_vid, "
			      "vlan_pcp and vlan_tci",
			      whole);
	return e;
}

struct error *text_subfield_whole(const char *text, struct subfield *sf)
{
	struct error *e = text_subfield(&text, sf);
	return e || !*text ? e : error_new("unexpected input following field syntax");
}

struct error *text_short_header(const char *whole, const char *name, const struct field *f)
{
	if (field_has_header(f) && !nx_header_is_long(f))
		return NULL;
	return error_new("%s: experimenter OXM field '%s' not supported", whole, name);
}

bool text_number_fits(const uint8_t *number, size_t n, unsigned int n_bits)
{
	for (size_t bit = n_bits; bit < 8 * n; bit++)
		if (number[n - 1 - bit / 8] >> bit % 8 & 1)
			return false;
	return true;
}

struct error *text_does_not_fit(const char *whole, const struct field *f,
				const union field_value *value, unsigned int n_bits)
{
	// Flags that only the datapath has are shown by name.
	static const struct flag_name flags[] = {
		{1, "oam"}, {2, "df"}, {4, "csum"}, {8, "key"}, {0, NULL}};
	struct str number = STR_INIT;
	unsigned int left = f->format == FORMAT_TUN_FLAGS ? be16toh(value->be16) : 0;
	for (const struct flag_name *p = flags; p->name; p++)
		if (left & p->bit) {
			str_addf(&number, "%s%s", number.len ? "|" : "", p->name);
			left &= ~p->bit;
		}
	if (left)
		str_addf(&number, "%s0x%x", number.len ? "|" : "", left);
	if (f->format != FORMAT_TUN_FLAGS)
		field_format_value(f, value, NULL, NULL, NULL, &number);
	struct error *e = error_new("%s: value %s does not fit into %u bits", whole,
				    str_cstr(&number), n_bits);
	str_done(&number);
	return e;
}

const char *text_hex_bytes(const char *s, struct buf *b)
{
	while (*(s += strspn(s, ". \t\r\n"))) {
		unsigned int byte;
		if (!isxdigit((unsigned char)s[0]))
			return s;
		if (!isxdigit((unsigned char)s[1]) || sscanf(s, "%2x", &byte) != 1)
			return NULL;
		buf_add_u8(b, (uint8_t)byte);
		s += 2;
	}
	return s;
}

void text_format_hex_bytes(struct str *s, const uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (i)
			str_addc(s, '.');
		str_add_hex(s, bytes + i, 1);
	}
}

void text_add_number(struct str *s, const char *name, uint64_t number)
{
	str_mark_name(s, name);
	str_add_u64(s, number);
	str_addc(s, ',');
}

// --- Lists.

static const char *const separators = ", \t\r\n";

static bool is_separator(char c)
{
	return c == ',' || c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

// The quote that closes the name which begins here; the end of the text when there is none.
static char *skip_quoted(char *s)
{
	for (s++; *s && *s != '"'; s++)
		if (*s == '\\' && s[1])
			s++;
	return s;
}

// Where a value ends: at `end` (or one of the separators when it is 0) outside of any parenthesis
// or quote; brackets mean nothing.
static char *value_end(char *s, char end)
{
	// Most characters mean nothing here.
	static const bool means_something[256] = {
		['\0'] = true, ['('] = true,  [')'] = true,  [','] = true,
		[' '] = true,  ['\t'] = true, ['\r'] = true, ['\n'] = true,
	};
	int depth = 0;
	if (*s == '"' && *skip_quoted(s)) // a name of a port; elsewhere it means nothing
		s = skip_quoted(s) + 1;
	for (; *s; s++) {
		while (!means_something[(unsigned char)*s])
			s++;
		if (!*s)
			break;
		if (!depth && (end ? *s == end : is_separator(*s)))
			return s;
		if (*s == '(')
			depth++;
		else if (*s == ')' && depth)
			depth--;
	}
	return s;
}

bool text_next_pair(char **s, char **key, char **value)
{
	char *p = *s + strspn(*s, separators);
	*s = p;
	if (!*p)
		return false;
	*key = p;
	if (*p == '"' && *skip_quoted(p)) // a quote that nobody closes is a character
		p = skip_quoted(p);
	p += strcspn(p, "=:(, \t\r\n");
	char delimiter = *p;
	if (!delimiter || is_separator(delimiter)) {
		*value = p; // empty: the NUL that ends the key
		*p = '\0';
		*s = p + (delimiter ? 1 : 0);
		return true;
	}
	*p++ = '\0';
	*value = p;
	p = value_end(p, delimiter == '(' ? ')' : 0);
	if (delimiter == '(' && !strncmp(p, ")->", 3)) // of "key(value)->field": "value)->field"
		p = value_end(p + 1, 0);
	if (*p)
		*p++ = '\0';
	*s = p;
	return true;
}

static const struct ofpact_word *find_word(const char *name)
{
	for (int i = 0; i < OFPACT_N_TYPES; i++) {
		const struct ofpact_word *w = ofpact_row((enum ofpact_type)i)->words;
		for (; w && w->word; w++)
			if ((w->word[0] | 0x20) == (name[0] | 0x20) && !strcasecmp(w->word, name))
				return w;
	}
	return NULL;
}

static struct error *parse_one(struct ofpact_parse *p, char *key, char *value, bool *drop)
{
	const struct ofpact_word *w = find_word(key);
	uint32_t port;
	if (w) {
		p->word = w->word;
		return w->parse(p, value);
	}
	if (!strcasecmp(key, "drop")) {
		*drop = true;
		return NULL;
	}
	if (!strcasecmp(key, "apply_actions"))
		return error_new("apply_actions is the default instruction");
	if (!strcasecmp(key, "unroll_xlate"))
		return error_new(
			"UNROLL is an internal action that shouldn't be used via OpenFlow");
	if (text_port(p->text, key, &port)) {
		struct ofpact_output *o = ofpact_add(p->out, OFPACT_OUTPUT, sizeof(*o));
		o->port = port;
		o->max_len = port == OFPP_CONTROLLER ? UINT16_MAX : 0;
		return NULL;
	}
	return error_new("unknown action %s", key);
}

static struct error *parse_list(char *s, struct ofpact_parse *p, bool allow_instructions)
{
	char *key, *value;
	bool drop = false;
	size_t start = p->out->len;
	struct error *e = NULL;
	while (!e && text_next_pair(&s, &key, &value)) {
		size_t at = p->out->len;
		e = parse_one(p, key, value, &drop);
		if (!e && !allow_instructions && p->out->len > at &&
		    ((const struct ofpact *)(const void *)(p->out->data + at))->type ==
			    OFPACT_METER)
			*p->protocols &= OFPROTO_15; // an instruction of the others
		if (!e && p->out->len > UINT16_MAX)
			e = error_new("input too big");
	}
	if (!e && drop && p->out->len > start)
		e = error_new("\"drop\" must not be accompanied by any other action or "
			      "instruction");
	char *why = NULL;
	if (!e && ofpacts_verify_in(buf_from(p->out, start), p->out->len - start, OFP11,
				    allow_instructions, p->outer, &why))
		e = error_new("%s", why);
	free(why);
	return e;
}

// An empty set of actions to write writes nothing; where it stood has been checked.
static void drop_empty_sets(struct buf *list, size_t at)
{
	while (at < list->len) {
		struct ofpact *a = (void *)(list->data + at);
		size_t n = ofpact_size(a);
		if (a->type == OFPACT_WRITE_ACTIONS &&
		    !((struct ofpact_nest *)(void *)a)->raw_len) {
			memmove(list->data + at, list->data + at + n, list->len - at - n);
			list->len -= n;
		} else {
			at += n;
		}
	}
}

static struct error *parse(char *text, const struct ofpact_text *names, struct buf *list,
			   uint32_t *protocols, bool allow_instructions)
{
	uint32_t usable = OFPROTO_ALL;
	struct ofpact_parse p = {.text = names, .out = list, .protocols = &usable, .outer = -1};
	size_t start = list->len;
	struct error *e = parse_list(text, &p, allow_instructions);
	if (!e && allow_instructions)
		drop_empty_sets(list, start);
	if (!e && protocols)
		*protocols = usable;
	return e;
}

struct error *ofpacts_parse_in_place(char *text, const struct ofpact_text *names, struct buf *list,
				     uint32_t *protocols)
{
	return parse(text, names, list, protocols, true);
}

struct error *ofpacts_parse(const char *text, const struct ofpact_text *names, struct buf *list,
			    uint32_t *protocols)
{
	char *copy = xstrdup(text);
	struct error *e = parse(copy, names, list, protocols, true);
	free(copy);
	return e;
}

struct error *ofpacts_parse_actions(const char *text, const struct ofpact_text *names,
				    struct buf *list, uint32_t *protocols)
{
	char *copy = xstrdup(text);
	struct error *e = parse(copy, names, list, protocols, false);
	free(copy);
	return e;
}

struct error *ofpacts_parse_nested(struct ofpact_parse *from, char *text, int outer)
{
	struct ofpact_parse p = *from;
	p.outer = outer;
	if (++p.depth > OFPACT_MAX_DEPTH)
		return error_new("Action nested too deeply");
	return parse_list(text, &p, false);
}

void ofpacts_format_plain(const void *list, size_t n, const struct ofpact_text *names,
			  struct str *s)
{
	bool first = true;
	OFPACT_FOREACH (a, list, n) {
		if (!first)
			str_addc(s, ',');
		first = false;
		ofpact_row(a->type)->format(a, names, s);
	}
}

void ofpacts_format(const void *list, size_t n, const struct ofpact_text *names, struct str *s)
{
	if (n)
		ofpacts_format_plain(list, n, names, s);
	else
		str_mark(s, MARK_DROP, "drop");
}
