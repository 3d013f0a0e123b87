/* SPDX-License-Identifier: Apache-2.0 */
#include "naive.h"

#include <string.h>

#include "packet/headers.h"

struct packet {
	uint8_t b[NAIVE_MAX];
	size_t n, max_len;
};

static unsigned int be(const uint8_t *p)
{
	return get_be16(p);
}

static bool tpid(unsigned int type)
{
	return type == 0x8100 || type == 0x88a8;
}

// Offset of what is behind the Ethernet header; *type its type.
static size_t l3_behind(const struct packet *p, int max_tags, unsigned int *type)
{
	size_t at = 14;
	for (int i = 0; i < max_tags && tpid(be(p->b + at - 2)) && p->n >= at + 4; i++)
		at += 4;
	*type = be(p->b + at - 2);
	if (*type < 0x600 && p->n >= at + 8 && !memcmp(p->b + at, "\xaa\xaa\x03\0\0\0", 6)) {
		at += 8;
		*type = be(p->b + at - 2);
	}
	return at;
}

static size_t l3_of(const struct packet *p, unsigned int *type)
{
	return l3_behind(p, 2, type);
}

static size_t l4_of(const struct packet *p, size_t l3, unsigned int type, unsigned int *proto)
{
	if (type == 0x0800) {
		*proto = p->b[l3 + 9];
		return l3 + (p->b[l3] & 15) * 4u;
	}
	size_t at = l3 + 40;
	*proto = p->b[l3 + 6];
	while (*proto == 0 || *proto == 43 || *proto == 44 || *proto == 51 || *proto == 60) {
		size_t len = *proto == 44   ? 8
			     : *proto == 51 ? (p->b[at + 1] + 2u) * 4
					    : (p->b[at + 1] + 1u) * 8;
		*proto = p->b[at];
		at += len;
	}
	return at;
}

bool naive_can(const uint8_t *frame, size_t n)
{
	struct packet p = {.n = n};
	unsigned int type;
	memcpy(p.b, frame, n);
	size_t l3 = l3_behind(&p, 16, &type);
	if (type == 0x0800)
		return !(be(p.b + l3 + 6) & 0x3fff);
	if (type != 0x86dd)
		return true;
	size_t at = l3 + 40;
	for (unsigned int proto = p.b[l3 + 6];
	     proto == 0 || proto == 43 || proto == 44 || proto == 51 || proto == 60;) {
		if (proto == 43 || (proto == 44 && be(p.b + at + 2)) || at + 8 > n)
			return false;
		unsigned int next = p.b[at];
		at += proto == 44   ? 8
		      : proto == 51 ? (p.b[at + 1] + 2u) * 4
				    : (p.b[at + 1] + 1u) * 8;
		proto = next;
	}
	return at <= n;
}

static void put(uint8_t *to, const void *key, const void *mask, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] = (uint8_t)((to[i] & ~((const uint8_t *)mask)[i]) |
				  ((const uint8_t *)key)[i]);
}

#define PUT(TO, MEMBER) put(TO, &key->MEMBER, &mask->MEMBER, sizeof(key->MEMBER))

static void set_nd(uint8_t *nd, size_t n, const union dpk *key, const union dpk *mask)
{
	if (n < 24 || (nd[0] != 135 && nd[0] != 136) || nd[1])
		return;
	PUT(nd + 8, nd.target);
	for (size_t at = 24; at + 8 <= n;) {
		size_t len = nd[at + 1] * 8u;
		if (!len || at + len > n)
			break;
		if (nd[at] == 1 && len == 8)
			PUT(nd + at + 2, nd.sll);
		if (nd[at] == 2 && len == 8)
			PUT(nd + at + 2, nd.tll);
		at += len;
	}
}

static void set(struct packet *p, const struct dpact_set *a)
{
	const union dpk *key = &a->key, *mask = &a->mask;
	unsigned int type, proto = 256;
	size_t l3 = l3_of(p, &type), l4 = 0, end = p->n;
	uint8_t *ip = p->b + l3;
	// What trunc has cut off is not there.
	bool v4 = type == 0x0800 && p->n >= l3 + 20 && p->n >= l3 + be(ip + 2);
	bool v6 = type == 0x86dd && p->n >= l3 + 40 && p->n >= l3 + 40 + be(ip + 4);
	if (v4 || v6) {
		l4 = l4_of(p, l3, type, &proto);
		end = l3 + (v4 ? be(ip + 2) : 40 + be(ip + 4));
	}
	switch (a->header) {
	case DPH_ETHERNET:
		PUT(p->b, ethernet.dst);
		PUT(p->b + 6, ethernet.src);
		break;
	case DPH_IPV4:
		if (!v4)
			break;
		PUT(ip + 1, ipv4.tos);
		PUT(ip + 8, ipv4.ttl);
		PUT(ip + 12, ipv4.src);
		PUT(ip + 16, ipv4.dst);
		break;
	case DPH_IPV6:
		if (!v6)
			break;
		PUT(ip + 8, ipv6.src);
		PUT(ip + 24, ipv6.dst);
		PUT(ip + 7, ipv6.hlimit);
		PUT(ip, ipv6.label);
		uint8_t k[2], m[2];
		put_be16(k, (uint16_t)(key->ipv6.tclass << 4));
		put_be16(m, (uint16_t)(mask->ipv6.tclass << 4));
		put(ip, k, m, 2);
		break;
	case DPH_TCP:
		if (proto == 6)
			PUT(p->b + l4, ports);
		break;
	case DPH_UDP:
		if (proto == 17)
			PUT(p->b + l4, ports);
		break;
	case DPH_SCTP:
		if (proto == 132)
			PUT(p->b + l4, ports);
		break;
	case DPH_ICMP:
		if (v4 && proto == 1)
			PUT(p->b + l4, icmp);
		break;
	case DPH_ICMPV6:
		if (v6 && proto == 58)
			PUT(p->b + l4, icmp);
		break;
	case DPH_ARP:
		if ((type != 0x0806 && type != 0x8035) || p->n < l3 + 28 ||
		    memcmp(ip, "\0\1\10\0\6\4", 6))
			break;
		PUT(ip + 6, arp.op);
		PUT(ip + 8, arp.sha);
		PUT(ip + 14, arp.sip);
		PUT(ip + 18, arp.tha);
		PUT(ip + 24, arp.tip);
		break;
	case DPH_ND:
		if (v6 && proto == 58)
			set_nd(p->b + l4, end - l4, key, mask);
		break;
	case DPH_MPLS:
		if ((type == 0x8847 || type == 0x8848) && p->n >= l3 + 4)
			PUT(ip, mpls.lse);
		break;
	}
	frame_fix_checksums(p->b, p->n);
}

static void insert(struct packet *p, size_t at)
{
	memmove(p->b + at + 4, p->b + at, p->n - at);
	p->n += 4;
}

static void delete (struct packet *p, size_t at)
{
	memmove(p->b + at, p->b + at + 4, p->n - at - 4);
	p->n -= 4;
}

static void labels(struct packet *p, const struct dpact *a)
{
	unsigned int type;
	size_t l3 = l3_of(p, &type);
	if (type < 0x600) // 802.2: there is no type to change
		return;
	if (a->type == DPACT_PUSH_MPLS) {
		const struct dpact_push_mpls *push = (const void *)a;
		insert(p, l3);
		memcpy(p->b + l3, &push->lse, 4);
		memcpy(p->b + l3 - 2, &push->ethertype, 2);
	} else if ((type == 0x8847 || type == 0x8848) && p->n >= l3 + 4) {
		delete (p, l3);
		memcpy(p->b + l3 - 2, &((const struct dpact_pop_mpls *)a)->ethertype, 2);
	}
}

static void run(struct naive *n, struct packet p, const void *actions, size_t len)
{
	p.max_len = SIZE_MAX;
	if (!len)
		return;
	DPACT_FOREACH (a, actions, len) {
		const uint8_t *bytes = (const uint8_t *)a;
		switch (a->type) {
		case DPACT_OUTPUT: {
			struct naive_out *o = &n->out[n->n_out++];
			o->port = ((const struct dpact_output *)a)->port;
			o->n = p.n < p.max_len ? p.n : p.max_len;
			memcpy(o->frame, p.b, o->n);
			p.max_len = SIZE_MAX;
			break;
		}
		case DPACT_SET:
			set(&p, (const struct dpact_set *)a);
			break;
		case DPACT_PUSH_VLAN: {
			const struct dpact_push_vlan *push = (const void *)a;
			insert(&p, 12);
			memcpy(p.b + 12, &push->tpid, 2);
			put_be16(p.b + 14, be16toh(push->tci) & 0xefff);
			break;
		}
		case DPACT_POP_VLAN:
			if (tpid(be(p.b + 12)) && p.n >= 18)
				delete (&p, 12);
			break;
		case DPACT_PUSH_MPLS:
		case DPACT_POP_MPLS:
			labels(&p, a);
			break;
		case DPACT_TRUNC:
			p.max_len = ((const struct dpact_trunc *)a)->max_len;
			break;
		case DPACT_SAMPLE:
		case DPACT_CLONE: {
			size_t head = a->type == DPACT_CLONE ? sizeof(struct dpact_nested)
							     : sizeof(struct dpact_sample);
			if (a->type == DPACT_SAMPLE &&
			    !((const struct dpact_sample *)a)->probability)
				break;
			struct packet inner = p;
			if (a->len > head && inner.n > inner.max_len)
				inner.n = inner.max_len;
			if (a->len > head)
				p.max_len = SIZE_MAX;
			run(n, inner, bytes + head, a->len - head);
			break;
		}
		case DPACT_CHECK_PKT_LEN: {
			const struct dpact_check_pkt_len *c = (const void *)a;
			const uint8_t *greater = (const uint8_t *)(c + 1);
			struct packet inner = p;
			bool more = p.n > c->pkt_len;
			size_t list = more ? c->greater_len : a->len - sizeof(*c) - c->greater_len;
			if (list && inner.n > inner.max_len)
				inner.n = inner.max_len;
			if (list)
				p.max_len = SIZE_MAX;
			run(n, inner, more ? greater : greater + c->greater_len, list);
			break;
		}
		}
	}
}

void naive_run(struct naive *n, const uint8_t *frame, size_t len, const void *actions,
	       size_t actions_len)
{
	struct packet p = {.n = len};
	n->n_out = 0;
	memcpy(p.b, frame, len);
	run(n, p, actions, actions_len);
}
