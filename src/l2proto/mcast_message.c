/* SPDX-License-Identifier: Apache-2.0 */
#include "l2proto/mcast_message.h"

#include <string.h>

#include "base/cursor.h"
#include "packet/checksum.h"
#include "packet/headers.h"

enum {
	IGMP_QUERY = 0x11,
	IGMP1_REPORT = 0x12,
	IGMP2_REPORT = 0x16,
	IGMP2_LEAVE = 0x17,
	IGMP3_REPORT = 0x22,
};
// Types of group records of IGMPv3 (RFC 3376, 4.2.12), the same as those of MLDv2 (RFC
// 3810, 5.2.12).
enum { IS_INCLUDE = 1, IS_EXCLUDE, TO_INCLUDE, TO_EXCLUDE, ALLOW_SOURCES, BLOCK_SOURCES };

struct parser {
	void (*cb)(void *arg, enum mcast_event, const uint8_t group[16]);
	void *arg;
};

static void report4(const struct parser *p, enum mcast_event event, const uint8_t group[4])
{
	uint8_t mapped[16] = {[10] = 0xff, [11] = 0xff, group[0], group[1], group[2], group[3]};
	if (group[0] >> 4 == 0xe)
		p->cb(p->arg, event, mapped);
}

static void report6(const struct parser *p, enum mcast_event event, const uint8_t group[16])
{
	if (group[0] == 0xff)
		p->cb(p->arg, event, group);
}

static void report_query(const struct parser *p)
{
	static const uint8_t none[16];
	p->cb(p->arg, MCAST_QUERY, none);
}

// One record of a version 3 (IGMP) or 2 (MLD) report. Excluding sources means to want the group; so
// does naming some.
static void parse_record(const struct parser *p, struct cursor *c, size_t address_bytes)
{
	uint8_t type = cursor_u8(c), aux_words = cursor_u8(c);
	uint16_t n_sources = cursor_be16(c);
	const uint8_t *group = cursor_take(c, address_bytes);
	cursor_skip(c, n_sources * address_bytes + aux_words * 4u);
	if (c->bad || type < IS_INCLUDE || type > BLOCK_SOURCES || type == BLOCK_SOURCES)
		return;
	bool none = !n_sources && (type == IS_INCLUDE || type == TO_INCLUDE);
	if (type == ALLOW_SOURCES && !n_sources)
		return;
	enum mcast_event event = none ? MCAST_LEAVE : MCAST_JOIN;
	if (address_bytes == 4)
		report4(p, event, group);
	else
		report6(p, event, group);
}

static bool parse_igmp(const struct parser *p, struct cursor c, be32_t src)
{
	if (c.bad || csum(c.p, cursor_left(&c)))
		return false;
	uint8_t type = cursor_u8(&c);
	cursor_skip(&c, 3); // code, checksum
	if (type == IGMP3_REPORT) {
		cursor_skip(&c, 2);
		for (unsigned int n = cursor_be16(&c); n && !c.bad; n--)
			parse_record(p, &c, 4);
		return !c.bad;
	}
	const uint8_t *group = cursor_take(&c, 4);
	if (!group)
		return false;
	if (type == IGMP1_REPORT || type == IGMP2_REPORT)
		report4(p, MCAST_JOIN, group);
	else if (type == IGMP2_LEAVE)
		report4(p, MCAST_LEAVE, group);
	else if (type == IGMP_QUERY && src)
		report_query(p);
	return true;
}

static bool parse_mld(const struct parser *p, struct cursor c, const uint8_t src[16],
		      const uint8_t dst[16])
{
	static const uint8_t nobody[16];
	uint32_t pseudo = csum_pseudo6(src, dst, IP_PROTO_ICMPV6, (uint32_t)cursor_left(&c));
	if (c.bad || csum_finish(csum_add(pseudo, c.p, cursor_left(&c))))
		return false;
	uint8_t type = cursor_u8(&c);
	cursor_skip(&c, 3); // code, checksum
	if (type == MLD2_REPORT) {
		cursor_skip(&c, 2);
		for (unsigned int n = cursor_be16(&c); n && !c.bad; n--)
			parse_record(p, &c, 16);
		return !c.bad;
	}
	cursor_skip(&c, 4); // maximum response delay
	const uint8_t *group = cursor_take(&c, 16);
	if (!group)
		return false;
	if (type == MLD_REPORT)
		report6(p, MCAST_JOIN, group);
	else if (type == MLD_DONE)
		report6(p, MCAST_LEAVE, group);
	else if (type == MLD_QUERY && memcmp(src, nobody, 16))
		report_query(p);
	return true;
}

static bool parse_ipv4(const struct parser *p, struct cursor c)
{
	const struct ipv4_hdr *ip = cursor_take(&c, sizeof(*ip));
	if (!ip || ip->ver_ihl >> 4 != 4 || ip->proto != IP_PROTO_IGMP)
		return false;
	size_t header = (ip->ver_ihl & 15u) * 4u, total = be16toh(ip->total_len);
	if (header < sizeof(*ip) || total < header ||
	    be16toh(ip->frag) & (IPV4_FRAG_MF | IPV4_FRAG_OFFSET))
		return false;
	cursor_skip(&c, header - sizeof(*ip));
	return parse_igmp(p, cursor_sub(&c, total - header), ip->src);
}

// MLD comes behind a hop-by-hop header with the router alert option.
static bool parse_ipv6(const struct parser *p, struct cursor c)
{
	const struct ipv6_hdr *ip = cursor_take(&c, sizeof(*ip));
	if (!ip)
		return false;
	struct cursor payload = cursor_sub(&c, be16toh(ip->payload_len));
	uint8_t next = ip->next;
	while (next == IP_PROTO_HOPOPTS || next == IP_PROTO_DSTOPTS) {
		const struct ipv6_ext_hdr *ext = cursor_take(&payload, sizeof(*ext));
		if (!ext)
			return false;
		next = ext->next;
		cursor_skip(&payload, (ext->len + 1u) * 8u - sizeof(*ext));
	}
	return next == IP_PROTO_ICMPV6 && !payload.bad && parse_mld(p, payload, ip->src, ip->dst);
}

bool mcast_message_parse(const void *frame, size_t n,
			 void (*cb)(void *arg, enum mcast_event, const uint8_t group[16]),
			 void *arg)
{
	enum { MAX_TAGS = 4 };
	struct parser p = {.cb = cb, .arg = arg};
	struct cursor c = cursor_make(frame, n);
	cursor_skip(&c, 2 * ETH_ADDR_BYTES);
	uint16_t type = cursor_be16(&c);
	for (int i = 0;
	     i < MAX_TAGS && (type == ETHERTYPE_VLAN_8021Q || type == ETHERTYPE_VLAN_8021AD); i++) {
		cursor_skip(&c, 2);
		type = cursor_be16(&c);
	}
	if (c.bad)
		return false;
	return type == ETHERTYPE_IPV4	? parse_ipv4(&p, c)
	       : type == ETHERTYPE_IPV6 ? parse_ipv6(&p, c)
					: false;
}
