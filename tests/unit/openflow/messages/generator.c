/* SPDX-License-Identifier: Apache-2.0 */
#include "generator.h"

#include <errno.h>
#include <stdio.h>

#include "action_lists.h"
#include "openflow/match_codec.h"
#include "openflow/print.h"
#include "reply_codec.h"

// --- Random values.

bool chance(unsigned int one_in)
{
	return !random_below(one_in);
}

uint64_t any_u64(void)
{
	switch (random_below(6)) {
	case 0:
		return random_below(3);
	case 1:
		return UINT64_MAX - random_below(2);
	case 2:
		return random_below(1000);
	case 3:
		return 1ull << random_below(64);
	}
	return random_u64();
}

// All bits of the short ones are those of the long ones: edges stay edges.
uint8_t any_u8(void)
{
	return (uint8_t)any_u64();
}

uint16_t any_u16(void)
{
	return (uint16_t)any_u64();
}

uint32_t any_u32(void)
{
	return (uint32_t)any_u64();
}

uint32_t any_ns(void)
{
	return chance(3) ? 0 : chance(3) ? 1000000 * random_below(1000) : random_below(1000000000);
}

uint32_t any_port(void)
{
	static const uint16_t reserved[] = {OFPP_IN_PORT, OFPP_NORMAL,	   OFPP_FLOOD, OFPP_ALL,
					    OFPP_LOCAL,	  OFPP_CONTROLLER, OFPP_NONE};
	return chance(4)   ? reserved[random_below(7)]
	       : chance(4) ? OFPP_MAX - 1u
			   : 1 + random_below(chance(2) ? 9 : OFPP_MAX - 1u);
}

uint32_t any_bits(uint32_t of)
{
	return chance(4) ? of : random_u32() & of;
}

void any_text(char *s, size_t size)
{
	size_t n = chance(4) ? size - 1 : random_below((uint32_t)size);
	memset(s, 0, size);
	for (size_t i = 0; i < n; i++)
		s[i] = "abcXYZ019-._ (),=#"[random_below(18)];
}

size_t any_frame(uint8_t *frame, size_t size)
{
	static const uint8_t udp[] = {0x50, 0x54, 0,  0,  0, 9, 0x50, 0x54, 0,	0,  0, 10, 8,  0,
				      0x45, 0,	  0,  28, 0, 0, 0,    0,    64, 17, 0, 0,  10, 0,
				      0,    1,	  10, 0,  0, 2, 0,    53,   0,	99, 0, 8,  0,  0};
	size_t n = chance(4) ? 14 + random_below(60) : chance(20) ? size : sizeof(udp);
	memset(frame, 0, n);
	memcpy(frame, udp, n < sizeof(udp) ? n : sizeof(udp));
	random_bytes(frame + 6, 6);
	return n;
}

struct match any_match(const struct gen *g)
{
	static const char *const texts[] = {
		"",
		"in_port=1",
		"in_port=LOCAL",
		"in_port=1,dl_vlan=5,tcp,tp_dst=80",
		"arp,arp_tpa=1.2.3.4",
		"dl_src=00:01:02:03:04:05,dl_dst=06:07:08:09:0a:0b",
		"udp,nw_src=10.0.0.0/8,nw_dst=192.168.1.1",
		"ip,nw_tos=4,dl_vlan=7,dl_vlan_pcp=3",
		"icmp,icmp_type=8,icmp_code=0",
		"metadata=1/1",
		"mpls,mpls_label=5",
		"dl_src=00:11:22:33:44:55/ff:ff:ff:00:00:00",
		"reg0=5,reg15=0x10/0xff,tun_id=7",
		"udp6,ipv6_src=2001:db8::/64,udp_dst=53",
		"icmp6,icmp_type=135,nd_target=2001:db8::9",
		"ip,nw_frag=first,nw_ttl=3,nw_ecn=1",
		"tcp,tcp_flags=+syn-ack,ct_state=+est+trk,ct_zone=9,ct_mark=1/1",
		"xxreg3=5/0xff,conj_id=7,pkt_mark=2",
		"vlan_tci=0x1000/0x1000,dl_type=0x88cc",
		"tun_src=1.2.3.4,tun_dst=5.6.7.8,tun_flags=+oam,tun_gbp_id=9",
	};
	for (;;) {
		struct match m;
		struct error *e = match_parse(
			&m, texts[random_below(sizeof(texts) / sizeof(texts[0]))], NULL, NULL);
		if (e)
			differs(g, error_text(e), 0, 0);
		if (match_usable_protocols(&m) & g->protocol)
			return m;
	}
}

void any_actions(const struct gen *g, bool in_flow, struct buf *list)
{
	unsigned int i;
	uint32_t usable;
	do
		i = random_below(sizeof(lists) / sizeof(lists[0]));
	while (!(lists[i].protocols & g->protocol) || (lists[i].instruction && !in_flow));
	struct error *e = ofpacts_parse(lists[i].text, NULL, list, &usable);
	if (e)
		differs(g, error_text(e), 0, 0);
}

// --- Checks.

_Noreturn void differs(const struct gen *g, const char *what, uint64_t want, uint64_t got)
{
	char *protocol = ofp_protocols_format(g->protocol);
	fprintf(stderr, "%s of %s, seed %llu: %s is %llu (%#llx), not %llu (%#llx)\n", g->name,
		protocol, (unsigned long long)g->seed, what, (unsigned long long)got,
		(unsigned long long)got, (unsigned long long)want, (unsigned long long)want);
	struct str s = STR_INIT;
	str_add_hex(&s, g->out.data, g->out.len < 1000 ? g->out.len : 1000);
	fprintf(stderr, "%s\n", str_cstr(&s));
	abort();
}

void same_bytes(const struct gen *g, const char *what, const void *want, const void *got, size_t n)
{
	for (size_t i = 0; i < n; i++)
		same_number(g, what, ((const uint8_t *)want)[i], ((const uint8_t *)got)[i]);
}

void same_text(const struct gen *g, const char *what, const char *want, const char *got)
{
	if (!strcmp(want, got))
		return;
	fprintf(stderr, "\"%s\", not \"%s\"\n", got, want);
	differs(g, what, 0, 1);
}

void same_match(const struct gen *g, const struct match *want, const struct match *got)
{
	struct str one = STR_INIT, two = STR_INIT;
	match_format(want, &one, -1, NULL, NULL);
	match_format(got, &two, -1, NULL, NULL);
	same_text(g, "match", str_cstr(&one), str_cstr(&two));
	SAME(g, true, match_equal(want, got));
	str_done(&one);
	str_done(&two);
}

void same_actions(const struct gen *g, const void *want, size_t want_len, const void *got,
		  size_t got_len)
{
	struct str one = STR_INIT, two = STR_INIT;
	ofpacts_format(want, want_len, NULL, &one);
	ofpacts_format(got, got_len, NULL, &two);
	same_text(g, "actions", str_cstr(&one), str_cstr(&two));
	str_done(&one);
	str_done(&two);
}

struct ofp_msg last_message(const struct gen *g, size_t at)
{
	struct ofp_msg m;
	size_t n = g->out.len - at;
	if (n < sizeof(struct ofp_header))
		differs(g, "length of the message", sizeof(struct ofp_header), n);
	SAME(g, n, ofp_length(g->out.data + at));
	int error = ofp_msg_decode(g->out.data + at, n, &m);
	if (error)
		differs(g, ofperr_name(error), 0, 1);
	SAME(g, g->version, m.version);
	return m;
}

// --- Replies.

void check_segments(struct gen *g, const struct ofp_replies *r, enum ofptype type)
{
	uint32_t xid = ofp_xid(r->buf.data);
	for (size_t at = 0; at < r->buf.len;) {
		struct ofp_msg m;
		size_t n = ofp_length(r->buf.data + at);
		bool last = at + n == r->buf.len;
		SAME(g, true, n >= sizeof(struct ofp_header) && at + n <= r->buf.len);
		int error = ofp_msg_decode(r->buf.data + at, n, &m);
		if (error)
			differs(g, ofperr_name(error), 0, 1);
		SAME(g, type, m.type);
		SAME(g, xid, m.xid);
		SAME(g, last ? 0 : OFPMPF_MORE, m.mp_flags);
		at += n;
	}
	buf_add(&g->out, r->buf.data, r->buf.len);
}

// Enough for three messages of the longest kind, seldom.
enum { MANY = 140000, MOST = 20000 };

static bool enough(const struct ofp_replies *r, size_t n, size_t wanted)
{
	return wanted == SIZE_MAX ? r->buf.len > MANY || n > MOST : n >= wanted;
}

static void read_reply(struct gen *g, const struct ofp_replies *r, const struct reply_codec *k,
		       void (*same)(struct gen *, const void *, const void *), const uint8_t *sent,
		       size_t n)
{
	uint8_t *got = xcalloc(1, k->size);
	size_t i = 0;
	for (size_t at = 0; at < r->buf.len; at += ofp_length(r->buf.data + at)) {
		struct ofp_msg m;
		int error = ofp_msg_decode(r->buf.data + at, ofp_length(r->buf.data + at), &m);
		struct cursor body = m.body;
		while (!error && !(error = k->pull(&m, &body, got))) {
			SAME(g, true, i < n);
			same(g, sent + i++ * k->size, got);
			if (k->done)
				k->done(got);
		}
		if (error != -ENODATA)
			differs(g, ofperr_name(error), 0, 1);
	}
	SAME(g, n, i);
	free(got);
}

void check_reply(struct gen *g, size_t request_at, void (*any)(struct gen *, void *),
		 void (*same)(struct gen *, const void *, const void *))
{
	struct ofp_replies r;
	struct buf sent = BUF_INIT;
	struct buf request = BUF_INIT;
	struct ofp_msg m;
	buf_add(&request, g->out.data + request_at, g->out.len - request_at);
	SAME(g, 0, ofp_msg_decode(request.data, request.len, &m));
	const struct reply_codec *k = reply_codec_find(m.type + 1);
	size_t wanted = chance(25) ? SIZE_MAX : k->at_least + random_below(6), n = 0;
	ofp_replies_init(&r, &m);
	for (; !enough(&r, n, wanted); n++) {
		void *entry = buf_add_zeros(&sent, k->size);
		any(g, entry);
		k->append(&r, &m, entry);
	}
	ofp_replies_finish(&r);
	check_segments(g, &r, m.type + 1);
	read_reply(g, &r, k, same, sent.data, n);
	for (size_t i = 0; i < n && k->done; i++)
		k->done(sent.data + i * k->size);
	ofp_replies_done(&r);
	buf_done(&sent);
	buf_done(&request);
}

// --- What came damaged is said to be wrong, or read as something else; nothing is read beyond it.

enum { LONGEST_DAMAGED = 1500, CHANGES = 30, ONE_DAMAGED = 7 };

static void print_copy(const uint8_t *msg, size_t n, bool right_length)
{
	struct ofp_print_options o = {.verbosity = 3};
	struct str s = STR_INIT;
	uint8_t *copy = xmalloc(n ? n : 1); // of its own, so that sanitizers see what is behind
	memcpy(copy, msg, n);
	if (right_length && n >= sizeof(struct ofp_header))
		put_be16(copy + 2, (uint16_t)n);
	ofp_print(&s, copy, n, &o);
	str_done(&s);
	free(copy);
}

static void damage(const uint8_t *msg, size_t n)
{
	uint8_t changed[LONGEST_DAMAGED];
	for (size_t cut = 0; cut < n; cut += cut < 64 ? 1 : 1 + random_below(16)) {
		print_copy(msg, cut, false);
		print_copy(msg, cut, true);
	}
	for (int i = 0; i < CHANGES && n > sizeof(struct ofp_header); i++) {
		memcpy(changed, msg, n);
		for (unsigned int k = 0; k < 3; k++)
			changed[8 + random_below((uint32_t)n - 8)] = any_u8();
		print_copy(changed, n, false);
	}
}

static void damage_all(const struct gen *g)
{
	for (size_t at = 0; at < g->out.len; at += ofp_length(g->out.data + at))
		if (ofp_length(g->out.data + at) <= LONGEST_DAMAGED)
			damage(g->out.data + at, ofp_length(g->out.data + at));
}

// --- The program.

static const struct family *const all_families[] = {
	flow_families, group_families,	 monitor_families, packet_families,
	port_families, session_families, table_families,
};

static void run(const struct family *f, enum ofp_protocol p, uint64_t seed, FILE *out)
{
	struct gen g = {.protocol = p,
			.version = ofp_protocol_version(p),
			.nx = ofp_protocol_uses_nxm(p),
			.name = f->name,
			.seed = seed};
	random_seed(seed);
	f->run(&g);
	if (!(seed % ONE_DAMAGED) && g.out.len < 4 * LONGEST_DAMAGED)
		damage_all(&g);
	if (out && g.out.len)
		fwrite(g.out.data, 1, g.out.len, out);
	buf_done(&g.out);
}

// message_generator SEED ROUNDS [FILE]: so many cases of each family in each version; the messages
// go into the file, one after the other.
int main(int argc, char **argv)
{
	if (argc < 3 || argc > 4) {
		fprintf(stderr, "usage: %s SEED ROUNDS [FILE]\n", argv[0]);
		return 1;
	}
	uint64_t seed = strtoull(argv[1], NULL, 0), rounds = strtoull(argv[2], NULL, 0), n = 0;
	FILE *out = argc > 3 ? fopen(argv[3], "wb") : NULL;
	if (argc > 3 && !out) {
		perror(argv[3]);
		return 1;
	}
	for (size_t i = 0; i < sizeof(all_families) / sizeof(all_families[0]); i++)
		for (const struct family *f = all_families[i]; f->name; f++)
			for (uint32_t p = 1; p <= OFPROTO_15; p <<= 1)
				for (uint64_t k = 0; f->protocols & p && k < rounds; k++)
					run(f, (enum ofp_protocol)p, (seed << 32) + n++, out);
	if (out && fclose(out)) {
		perror(argv[3]);
		return 1;
	}
	printf("%llu cases\n", (unsigned long long)n);
	return 0;
}
