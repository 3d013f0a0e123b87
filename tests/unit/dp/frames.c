/* SPDX-License-Identifier: Apache-2.0 */
#include "frames.h"

#include <stdbool.h>
#include <string.h>

#include "base/byteorder.h"
#include "base/random.h"
#include "packet/checksum.h"
#include "packet/headers.h"

struct at {
	uint8_t *p;
	size_t n;
};

static void u8(struct at *a, unsigned int v)
{
	a->p[a->n++] = (uint8_t)v;
}

static void u16(struct at *a, unsigned int v)
{
	put_be16(a->p + a->n, (uint16_t)v);
	a->n += 2;
}

// Few values, so that frames meet in some fields and differ in others.
static void some(struct at *a, size_t n)
{
	for (size_t i = 0; i < n; i++)
		u8(a, random_below(4) ? 0x10 + random_below(2) : random_below(256));
}

static void l4(struct at *a, unsigned int proto)
{
	size_t payload = random_below(30);
	switch (proto) {
	case IP_PROTO_TCP: {
		unsigned int words = 5 + (random_below(3) ? 0 : random_below(11));
		some(a, 12);
		u8(a, words << 4 | random_below(2));
		u8(a, random_below(256));
		some(a, 6 + (words - 5) * 4);
		break;
	}
	case IP_PROTO_UDP:
		some(a, 4);
		u16(a, (unsigned int)payload + 8);
		u16(a, 1);
		break;
	case IP_PROTO_SCTP:
		some(a, 12);
		break;
	case IP_PROTO_ICMPV6: {
		static const uint8_t types[] = {128, 129, 130, 133, 134, 135, 135, 136, 136};
		unsigned int type = types[random_below(sizeof(types))];
		u8(a, type);
		u8(a, random_below(4) ? 0 : 1);
		some(a, 6);
		if (type == 135 || type == 136) {
			some(a, 16);
			for (unsigned int i = random_below(4); i; i--) {
				unsigned int opt = random_below(5),
					     len = random_below(6) ? 1 : random_below(3);
				u8(a, opt);
				u8(a, len);
				some(a, len ? len * 8 - 2 : 6);
			}
		}
		break;
	}
	default:
		u8(a, random_below(20));
		u8(a, random_below(3));
		some(a, 6);
		break;
	}
	some(a, payload);
}

static unsigned int random_proto(void)
{
	static const uint8_t protos[] = {6,  6,	 6,  17, 17, 17, 132, 1,
					 58, 58, 58, 2,	 47, 50, 59,  200};
	return protos[random_below(sizeof(protos))];
}

static void ipv4(struct at *a)
{
	size_t start = a->n;
	unsigned int words = 5 + (random_below(6) ? 0 : random_below(11)), proto = random_proto(),
		     frag = 0x4000;
	if (!random_below(6))
		frag = random_below(2) ? 0x2000 : random_below(0x4000);
	u8(a, 0x40 | words);
	some(a, 1);
	u16(a, 0);
	some(a, 2);
	u16(a, frag);
	some(a, 1);
	u8(a, proto);
	u16(a, 0);
	some(a, 8 + (words - 5) * 4);
	l4(a, proto);
	put_be16(a->p + start + 2, (uint16_t)(a->n - start));
}

static void ipv6(struct at *a)
{
	size_t start = a->n, next_at = start + 6;
	unsigned int proto = random_proto();
	if (proto == 1 || proto == 2)
		proto = random_below(3) ? 58 : proto;
	u8(a, 0x60 | random_below(16));
	some(a, 3);
	u16(a, 0);
	u8(a, 0);
	some(a, 1 + 32);
	for (unsigned int i = random_below(5) ? 0 : random_below(4); i; i--) {
		static const uint8_t exts[] = {0, 43, 44, 51, 60};
		unsigned int ext = exts[random_below(sizeof(exts))], len = random_below(2);
		a->p[next_at] = (uint8_t)ext;
		next_at = a->n;
		u8(a, 0);
		u8(a, ext == 44 ? 0 : len);
		u16(a, ext == 44 && random_below(2) ? random_below(0x100) : 0);
		some(a, ext == 44 ? 4 : ext == 51 ? (len + 2) * 4 - 4 : (len + 1) * 8 - 4);
		if (ext == 51 && len == 0)
			break;
	}
	a->p[next_at] = (uint8_t)proto;
	l4(a, proto);
	put_be16(a->p + start + 4, (uint16_t)(a->n - start - 40));
}

static void arp(struct at *a)
{
	u16(a, random_below(10) ? 1 : 2);
	u16(a, 0x0800);
	u8(a, 6);
	u8(a, 4);
	u16(a, random_below(8) ? 1 + random_below(2) : random_below(0x300));
	some(a, 20);
}

static void mpls(struct at *a)
{
	unsigned int n = 1 + random_below(4);
	for (unsigned int i = 0; i < n; i++) {
		some(a, 2);
		u8(a, (random_below(256) & 0xfe) | (i + 1 == n));
		some(a, 1);
	}
	some(a, random_below(40));
}

static void nsh(struct at *a)
{
	unsigned int mdtype = 1 + random_below(2), words = mdtype == 1 ? 6 : 2 + random_below(3);
	u16(a, (random_below(64) << 6 | words) & 0x3fff);
	u8(a, mdtype);
	u8(a, random_below(4));
	some(a, words * 4 - 4);
	some(a, random_below(20));
}

size_t frame_random(uint8_t frame[FRAME_MAX])
{
	static const uint16_t types[] = {0x0800, 0x0800, 0x0800, 0x0800, 0x86dd, 0x86dd, 0x86dd,
					 0x0806, 0x8035, 0x8847, 0x8848, 0x894f, 0x88cc, 0x1234};
	struct at a = {.p = frame};
	memset(frame, 0, FRAME_MAX);
	some(&a, 12);
	unsigned int n_tags = random_below(2) ? 0 : random_below(4);
	for (unsigned int i = 0; i < n_tags; i++) {
		u16(&a, random_below(2) ? 0x8100 : 0x88a8);
		u16(&a, random_below(4) | random_below(8) << 13 | random_below(2) << 12);
	}
	unsigned int type = types[random_below(sizeof(types) / sizeof(types[0]))];
	if (!random_below(12)) { // 802.2
		u16(&a, random_below(0x600));
		if (random_below(3))
			for (int i = 0; i < 6; i++)
				u8(&a, (unsigned int)"\xaa\xaa\x03\0\0\0"[i]);
		else
			some(&a, 8);
	}
	u16(&a, type);
	switch (type) {
	case 0x0800:
		ipv4(&a);
		break;
	case 0x86dd:
		ipv6(&a);
		break;
	case 0x0806:
	case 0x8035:
		arp(&a);
		break;
	case 0x8847:
	case 0x8848:
		mpls(&a);
		break;
	case 0x894f:
		nsh(&a);
		break;
	default:
		some(&a, random_below(60));
	}
	frame_fix_checksums(frame, a.n);
	if (a.n < 60 && random_below(2))
		a.n = 60;
	return a.n;
}

size_t frame_mutate(uint8_t frame[FRAME_MAX], size_t n)
{
	switch (random_below(8)) {
	case 0:
		n = 14 + random_below((uint32_t)(n - 13));
		break;
	case 1:
		if (n + 20 < FRAME_MAX)
			n += random_below(20);
		break;
	default:
		for (unsigned int i = 1 + random_below(3); i; i--) {
			size_t at = random_below(4) ? random_below((uint32_t)(n < 60 ? n : 60))
						    : random_below((uint32_t)n);
			if (random_below(2))
				frame[at] ^= (uint8_t)(1 << random_below(8));
			else
				frame[at] = (uint8_t)random_below(256);
		}
	}
	return n;
}

// --- Checksums, from scratch.

static void fix_l4(uint8_t *frame, size_t at, size_t end, unsigned int proto, uint32_t pseudo)
{
	static const uint8_t least[256] = {
		[6] = 20, [17] = 8, [132] = 12, [1] = 8, [2] = 8, [58] = 8};
	static const uint8_t field[256] = {
		[6] = 16, [17] = 6, [132] = 8, [1] = 2, [2] = 2, [58] = 2};
	if (!least[proto] || end - at < least[proto])
		return;
	uint8_t *l4 = frame + at, *sum = l4 + field[proto];
	size_t len = end - at;
	if (proto == 17 && !sum[0] && !sum[1])
		return;
	memset(sum, 0, proto == 132 ? 4 : 2);
	if (proto == 132) {
		uint32_t crc = htole32(crc32c(0, l4, len));
		memcpy(sum, &crc, 4);
		return;
	}
	be16_t value = csum_finish(csum_add(proto == 1 || proto == 2 ? 0 : pseudo, l4, len));
	if (proto == 17 && !value)
		value = 0xffff;
	memcpy(sum, &value, 2);
}

static void fix_ipv4(uint8_t *frame, size_t at, size_t n)
{
	struct ipv4_hdr *ip = (void *)(frame + at);
	size_t header = (ip->ver_ihl & 15u) * 4, total = be16toh(ip->total_len);
	if (n - at < 20 || header < 20 || header > total || total > n - at)
		return;
	ip->checksum = 0;
	ip->checksum = csum(ip, header);
	if (!(ip->frag & BE16(0x3fff)))
		fix_l4(frame, at + header, at + total,
		       ip->proto, // ICMPv6 over IPv4 has no pseudo header that anyone defined
		       ip->proto == 58 ? 0
				       : csum_pseudo4(ip->src, ip->dst, ip->proto,
						      (uint16_t)(total - header)));
}

static void fix_ipv6(uint8_t *frame, size_t at, size_t n)
{
	struct ipv6_hdr *ip = (void *)(frame + at);
	if (n - at < 40)
		return;
	size_t end = at + 40 + be16toh(ip->payload_len), l4 = at + 40;
	uint8_t proto = ip->next;
	bool routed = false;
	if (end > n)
		return;
	while (proto == 0 || proto == 43 || proto == 44 || proto == 51 || proto == 60) {
		size_t len;
		if (end - l4 < 8)
			return;
		len = proto == 44   ? 8
		      : proto == 51 ? (frame[l4 + 1] + 2u) * 4
				    : (frame[l4 + 1] + 1u) * 8;
		if (proto == 44 && get_be16(frame + l4 + 2))
			return;
		if (len > end - l4)
			return;
		routed |= proto == 43;
		proto = frame[l4];
		l4 += len;
	}
	if (!routed) // its last destination is in the checksum: left to be wrong
		fix_l4(frame, l4, end, proto,
		       csum_pseudo6(ip->src, ip->dst, proto, (uint32_t)(end - l4)));
}

void frame_fix_checksums(uint8_t *frame, size_t n)
{
	size_t at = 14;
	if (n < at)
		return;
	// Behind any number of tags: popping some may uncover what is there.
	for (int i = 0; i < 16 && n >= at + 4 &&
			(get_be16(frame + at - 2) == 0x8100 || get_be16(frame + at - 2) == 0x88a8);
	     i++)
		at += 4;
	unsigned int type = get_be16(frame + at - 2);
	if (type < 0x600 && n >= at + 8 && !memcmp(frame + at, "\xaa\xaa\x03\0\0\0", 6)) {
		at += 8;
		type = get_be16(frame + at - 2);
	}
	if (type == 0x0800)
		fix_ipv4(frame, at, n);
	else if (type == 0x86dd)
		fix_ipv6(frame, at, n);
}
