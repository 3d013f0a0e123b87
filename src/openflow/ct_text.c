/* SPDX-License-Identifier: Apache-2.0 */
// Tuples of tracked connections as users write them.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "openflow/action_row.h"
#include "openflow/nx_ext.h"

enum { PROTO_ICMP = 1, PROTO_TCP = 6, PROTO_UDP = 17, PROTO_ICMPV6 = 58, PROTO_SCTP = 132 };

struct tuple_parse {
	struct ofp_ct_match *m;
	struct ofp_ct_tuple *tuple;
	int family; // AF_INET, AF_INET6; 0: not known yet
	bool has_port;
};

static struct error *parse_address(struct tuple_parse *p, const char *key, const char *text,
				   int family, bool source)
{
	static const uint8_t any[16];
	uint8_t *out = source ? p->tuple->src : p->tuple->dst;
	struct in_addr v4;
	if (memcmp(out, any, sizeof(any)) && p->family == family)
		return error_new("%s is set multiple times", key);
	if (p->family && p->family != family)
		return error_new("the L3 protocol does not match %s", text);
	p->family = family;
	if (family == AF_INET6)
		return inet_pton(AF_INET6, text, out) == 1
			       ? NULL
			       : error_new("failed to parse the address %s", text);
	if (inet_pton(AF_INET, text, &v4) != 1)
		return error_new("failed to parse the address %s", text);
	memset(out, 0, 16);
	out[10] = out[11] = 0xff;
	memcpy(out + 12, &v4, 4);
	return NULL;
}

static struct error *bad(const char *key)
{
	return error_new("failed to parse field %s", key);
}

static struct error *parse_icmp(struct tuple_parse *p, const char *key, const char *value)
{
	uint8_t byte;
	if (p->m->ip_proto != PROTO_ICMP && p->m->ip_proto != PROTO_ICMPV6)
		return error_new("invalid L4 fields"); // the protocol must come first
	if (!strcmp(key, "icmp_id"))
		return text_is_u16(value, &p->tuple->src_port) ? NULL : bad(key);
	if (!text_is_u8(value, &byte))
		return bad(key);
	uint16_t *both = &p->tuple->dst_port;
	*both = !strcmp(key, "icmp_type") ? (uint16_t)((*both & 0xff00) | byte)
					  : (uint16_t)(byte << 8 | (*both & 0xff));
	return NULL;
}

static struct error *parse_pair(struct tuple_parse *p, const char *key, const char *value)
{
	struct error *e = NULL;
	if (!*value)
		return error_new("field %s missing value", key);
	if (!strcmp(key, "ct_nw_src") || !strcmp(key, "ct_nw_dst"))
		e = parse_address(p, key, value, AF_INET, key[6] == 's');
	else if (!strcmp(key, "ct_ipv6_src") || !strcmp(key, "ct_ipv6_dst"))
		e = parse_address(p, key, value, AF_INET6, key[8] == 's');
	else if (!strcmp(key, "ct_nw_proto"))
		return p->m->ip_proto ? error_new("ct_nw_proto is set multiple times")
		       : text_is_u8(value, &p->m->ip_proto) ? NULL
							    : bad(key);
	else if (!strcmp(key, "ct_tp_src") || !strcmp(key, "ct_tp_dst")) {
		uint16_t *port = key[6] == 's' ? &p->tuple->src_port : &p->tuple->dst_port;
		if (!text_is_u16(value, port))
			return bad(key);
		p->has_port |= *port != 0;
		return NULL;
	} else if (!strcmp(key, "icmp_id") || !strcmp(key, "icmp_type") ||
		   !strcmp(key, "icmp_code"))
		return parse_icmp(p, key, value);
	else
		return error_new("invalid conntrack tuple field: %s", key);
	if (e && strstr(error_text(e), "failed to parse")) {
		error_free(e);
		return bad(key);
	}
	return e;
}

static struct error *check(const struct tuple_parse *p)
{
	uint8_t proto = p->m->ip_proto;
	bool icmp = proto == PROTO_ICMP || proto == PROTO_ICMPV6;
	if (p->has_port && !proto)
		return error_new("port is set without protocol");
	if (p->has_port && icmp)
		return error_new("invalid L4 fields");
	return NULL;
}

struct error *ofp_ct_tuple_parse(const char *text, struct ofp_ct_tuple *tuple,
				 struct ofp_ct_match *m)
{
	struct tuple_parse p = {.m = m, .tuple = tuple};
	static const uint8_t none[16]; // IPv4 addresses are never so
	if (m->has_orig && m->ipv6)
		p.family = AF_INET6;
	else if (m->has_orig && (memcmp(m->orig.src, none, 16) || memcmp(m->orig.dst, none, 16)))
		p.family = AF_INET;
	char *copy = xstrdup(text), *s = copy, *key, *value;
	struct error *e = NULL;
	*tuple = (struct ofp_ct_tuple){0};
	while (!e && text_next_pair(&s, &key, &value))
		e = parse_pair(&p, key, value);
	if (!e)
		e = check(&p);
	m->ipv6 = p.family == AF_INET6;
	free(copy);
	return e;
}
