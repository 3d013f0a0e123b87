/* SPDX-License-Identifier: Apache-2.0 */
// The promise of a megaflow, on random tables and packets: whatever packet agrees with the first
// one in the bits of the mask gets the same datapath actions from a fresh translation, and asks for
// no bits beyond the mask.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "base/rcu.h"
#include "l2proto/mcast_snooping.h"
#include "fake_world.h"

// A million cases; under sanitizers, which take five times as long, a part of them.
#ifdef __SANITIZE_ADDRESS__
enum { N_SEEDS = 60, N_PACKETS = 180 };
#else
enum { N_SEEDS = 600, N_PACKETS = 180 };
#endif

static const char *const matches[] = {
	"",
	"in_port=1,",
	"in_port=9,",
	"ip,",
	"arp,",
	"ipv6,",
	"tcp,",
	"udp,",
	"udp,tp_dst=53,",
	"tcp,tp_src=0x50/0xfff0,",
	"ip,nw_src=10.0.0.0/8,",
	"ip,nw_src=10.0.0.0/30,",
	"ip,nw_dst=10.1.0.0/16,",
	"ip,nw_dst=10.1.2.3,",
	"ip,nw_ttl=1,",
	"ip,nw_tos=32,",
	"ip,ip_frag=no,",
	"arp,arp_op=1,",
	"arp,arp_tpa=10.0.0.1,",
	"dl_vlan=10,",
	"dl_vlan=5,",
	"vlan_tci=0,",
	"vlan_tci=0x1000/0x1000,",
	"dl_vlan_pcp=3,",
	"dl_src=00:00:00:00:00:01,",
	"dl_dst=01:00:00:00:00:00/01:00:00:00:00:00,",
	"reg0=1,",
	"reg0=2,ip,",
	"metadata=5,",
	"ipv6,ipv6_src=fe80::/16,",
	"icmp6,icmpv6_type=135,",
	"icmp,icmp_type=8,",
	"dl_type=0x1234,",
	"skb_priority=3,",
	"pkt_mark=1,",
	"mpls,",
	"mpls,mpls_label=5,",
	"mpls,mpls_tc=3,",
	"mpls,mpls_bos=0,",
	"dl_type=0x894f,",
	"dl_type=0x894f,nsh_spi=5,",
	"dl_type=0x894f,nsh_si=2,nsh_mdtype=1,",
	"dl_type=0x894f,nsh_c1=0x5/0xd,",
	"dl_type=0x894f,nsh_np=3,nsh_flags=1/1,",
	"packet_type=(0,0),",
	"packet_type=(1,0x800),",
	"packet_type=(1,0x894f),nsh_ttl=1,",
	"packet_type=(1,0x8847),mpls_label=5,",
};

static const char *const actions[] = {
	"output:2",
	"output:3",
	"IN_PORT",
	"LOCAL",
	"NORMAL",
	"FLOOD",
	"output:9",
	"controller(max_len=100)",
	"mod_nw_src:10.0.0.2",
	"mod_nw_dst:10.1.2.3",
	"mod_nw_tos:32",
	"mod_nw_ecn:1",
	"dec_ttl",
	"mod_nw_ttl:9",
	"mod_tp_src:80",
	"mod_tp_dst:53",
	"mod_dl_src:00:00:00:00:00:01",
	"mod_dl_dst:00:00:00:00:00:02",
	"mod_vlan_vid:10",
	"mod_vlan_pcp:3",
	"strip_vlan",
	"push_vlan:0x8100",
	"push_vlan:0x88a8",
	"load:1->NXM_NX_REG0[]",
	"move:NXM_OF_VLAN_TCI[0..11]->NXM_NX_REG0[0..11]",
	"move:NXM_OF_IP_SRC[0..7]->NXM_OF_IP_DST[0..7]",
	"move:NXM_OF_ETH_SRC[]->NXM_OF_ETH_DST[]",
	"move:NXM_NX_REG0[0..1]->NXM_NX_REG1[0..1]",
	"load:2->NXM_OF_IP_DST[0..2]",
	"load:0x123->NXM_OF_TCP_DST[]",
	"output:NXM_NX_REG0[0..3]",
	"output:NXM_OF_VLAN_TCI[0..3]",
	"push:NXM_OF_ETH_DST[],pop:NXM_OF_ETH_SRC[]",
	"push:NXM_NX_REG0[],push:NXM_OF_IP_DST[],pop:NXM_OF_IP_SRC[],pop:NXM_NX_REG0[]",
	"set_queue:3",
	"pop_queue",
	"enqueue:2:3",
	"load:1->NXM_NX_PKT_MARK[]",
	"resubmit(,1)",
	"resubmit(,2)",
	"resubmit(2,1)",
	"group:1",
	"group:2",
	"group:3",
	"write_actions(group:2)",
	"clone(strip_vlan,output:2)",
	"clone(mod_nw_dst:10.0.0.9,resubmit(,2))",
	"clone(mod_dl_dst:00:00:00:00:00:02,push_vlan:0x8100,NORMAL)",
	"load:5->OXM_OF_METADATA[]",
	"load:0x3333->NXM_NX_ARP_SHA[0..15]",
	"load:2->NXM_OF_ARP_OP[]",
	"exit",
	"dec_mpls_ttl",
	"set_mpls_ttl:9",
	"push_mpls:0x8847",
	"pop_mpls:0x0800",
	"pop_mpls:0x8847",
	"set_mpls_label:5",
	"set_mpls_tc:3",
	"multipath(eth_src,50,modulo_n,1,0,NXM_NX_REG0[0..3])",
	"multipath(symmetric_l4,7,hrw,4,0,NXM_NX_REG1[0..3])",
	"bundle(eth_src,0,hrw,ofport,members:2,3)",
	"bundle_load(symmetric_l4,0,active_backup,ofport,NXM_NX_REG0[],members:9,3)",
	"check_pkt_larger(100)->NXM_NX_REG0[0]",
	"fin_timeout(idle_timeout=5)",
	"ct_clear",
	"output(port=2,max_len=100)",
	"meter:1",
	"encap(nsh)",
	"encap(nsh(md_type=2,tlv(0x1000,10,0x123456)))",
	"encap(ethernet)",
	"encap(nsh),encap(ethernet)",
	"encap(mpls)",
	"encap(mpls_mc),encap(ethernet)",
	"decap()",
	"decap(),encap(ethernet)",
	"decap(),encap(nsh)",
	"decap(packet_type(ns=1,type=0x800))",
	"decap(packet_type(ns=1,type=0x8847))",
	"dec_nsh_ttl",
	"set_field:5->nsh_spi",
	"set_field:0x5/0xf->nsh_c1",
	"set_field:1/1->nsh_flags",
	"set_field:9->nsh_ttl",
	"move:NXOXM_NSH_C1[0..7]->NXOXM_NSH_SI[]",
	"move:NXOXM_NSH_SPI[0..3]->NXM_NX_REG0[0..3]",
	"clone(encap(nsh),encap(ethernet),output:2)",
	"clone(decap(),encap(ethernet),resubmit(,2))",
	"clone(encap(nsh),encap(ethernet),resubmit(,2))",
	"debug_recirc",
	"group:4",
	"group:5",
	"clone(debug_recirc,resubmit(,2))",
	"clone(pop_mpls:0x0800,resubmit(,2))",
	"controller(pause)",
	"pop_mpls:0x0800,resubmit(,1)",
};

#define N_OF(array) (sizeof(array) / sizeof((array)[0]))

// Prefixes, ports and negations of the values that packets have, of any length.
static void add_random_terms(struct str *s)
{
	unsigned int kind = random_below(6);
	static const char *const protocols[] = {"tcp", "udp", "tcp6", "udp6", "ip", "ipv6"};
	str_addf(s, "%s,", protocols[kind]);
	bool v6 = kind == 2 || kind == 3 || kind == 5;
	const char *dir = random_below(2) ? "src" : "dst";
	if (random_below(2) && v6)
		str_addf(s, "ipv6_%s=fe8%u:%x::%x/%u,", dir, random_below(2), random_below(3),
			 random_below(4), random_below(129));
	else if (random_below(2) && !v6)
		str_addf(s, "nw_%s=10.%u.%u.%u/%u,", dir, random_below(2), random_below(3),
			 random_below(8), random_below(33));
	else if (!random_below(3) && !v6) // any mask
		str_addf(s, "nw_%s=10.0.0.%u/255.%u.255.%u,", dir, random_below(8),
			 random_below(256), random_below(256));
	if (kind < 4 && random_below(3)) {
		unsigned int wild = random_below(17);
		unsigned int mask =
			0xffffu << wild & 0xffff; // a prefix of the port, as ranges are made of
		str_addf(s, "tp_%s=0x%x/0x%x,", dir, (50u + random_below(40)) & mask, mask);
	}
	if (kind == 0 && !random_below(3))
		str_addf(s, "tcp_flags=%csyn%cack,", random_below(2) ? '+' : '-',
			 random_below(2) ? '+' : '-');
	if (!random_below(4))
		str_add(s, random_below(2) ? "ip_frag=not_later," : "ip_frag=yes,");
}

// False when the parser finds that the actions do not fit the match.
static bool add_random_flow(struct world *w, struct ofproto *p, unsigned int table)
{
	struct str s = STR_INIT;
	str_addf(&s, "table=%u,priority=%u,%s", table, 1 + random_below(60000),
		 random_below(2) ? matches[random_below(N_OF(matches))] : "");
	if (random_below(2))
		add_random_terms(&s);
	str_chomp(&s, ',');
	str_add(&s, " actions=");
	unsigned int n = 1 + random_below(4);
	for (unsigned int i = 0; i < n; i++)
		str_addf(&s, "%s%s", i ? "," : "", actions[random_below(N_OF(actions))]);
	bool ok = world_try_flow(w, p, str_cstr(&s));
	str_done(&s);
	return ok;
}

static void random_packet(struct flow *f)
{
	static const be16_t types[] = {BE16(0x0800), BE16(0x0800), BE16(0x0800), BE16(0x0806),
				       BE16(0x86dd), BE16(0x1234), BE16(0x8847), BE16(0x894f)};
	static const uint8_t protos[] = {1, 6, 17, 17, 0};
	static const uint32_t ports[] = {1, 2, 3, OFPP_LOCAL};
	memset(f, 0, sizeof(*f));
	f->in_port = ports[random_below(4)];
	f->dp_hash = random_below(8) ? 0 : random_below(100);
	f->skb_priority = random_below(4) ? 0 : 3;
	f->pkt_mark = random_below(2);
	f->dl_src[5] = (uint8_t)(1 + random_below(3));
	f->dl_dst[5] = (uint8_t)(1 + random_below(3));
	f->dl_dst[0] = random_below(4) ? 0 : 1;
	f->dl_type = types[random_below(N_OF(types))];
	unsigned int n_vlans = random_below(3);
	for (unsigned int i = 0; i < n_vlans; i++) {
		f->vlan[i].tpid = random_below(3) ? BE16(0x8100) : BE16(0x88a8);
		f->vlan[i].tci =
			htobe16((uint16_t)(0x1000 | 5 * random_below(3) | random_below(4) << 13));
	}
	if (f->dl_type == BE16(0x0806)) {
		f->nw_proto = (uint8_t)(1 + random_below(2));
		f->nw_src = htobe32(0x0a000000 | random_below(4));
		f->nw_dst = htobe32(0x0a000000 | random_below(4));
		f->arp_sha[5] = f->dl_src[5];
		return;
	}
	if (!random_below(6)) {
		f->packet_type = flow_bare_type(f->dl_type);
		memset(f->dl_dst, 0, 12);
		memset(f->vlan, 0, sizeof(f->vlan));
	}
	if (f->dl_type == BE16(0x1234))
		return;
	if (f->dl_type == BE16(0x894f)) {
		f->nsh.mdtype = (uint8_t)(1 + random_below(2));
		f->nsh.np = (uint8_t)(1 + random_below(5));
		f->nsh.ttl = (uint8_t)random_below(4);
		f->nsh.flags = (uint8_t)random_below(4);
		f->nsh.path_hdr = htobe32((4 + random_below(2)) << 8 | random_below(3));
		if (f->nsh.mdtype == 1)
			f->nsh.context[0] = htobe32(4 + random_below(4));
		return;
	}
	if (f->dl_type == BE16(0x8847)) {
		unsigned int n_labels = 1 + random_below(2);
		for (unsigned int i = 0; i < n_labels; i++)
			f->mpls[i] = htobe32((4 + random_below(2)) << 12 | random_below(4) << 9 |
					     (i + 1 == n_labels) << 8 | random_below(4));
		return;
	}
	f->nw_proto = protos[random_below(N_OF(protos))];
	f->nw_tos = random_below(2) ? 32 : 1;
	f->nw_ttl = (uint8_t)random_below(4);
	f->nw_frag = random_below(5) ? 0 : (uint8_t)(1 + 2 * random_below(2));
	if (f->dl_type == BE16(0x0800)) {
		f->nw_src = htobe32(0x0a000000 | random_below(8));
		f->nw_dst = htobe32(0x0a010200 | random_below(8));
	} else {
		f->ipv6_src.b[0] = 0xfe;
		f->ipv6_src.b[1] = (uint8_t)(0x80 + random_below(2));
		f->ipv6_src.b[3] = (uint8_t)random_below(3);
		f->ipv6_src.b[15] = (uint8_t)random_below(4);
		f->ipv6_dst = f->ipv6_src;
		f->ipv6_dst.b[15] = (uint8_t)random_below(4);
		f->ipv6_dst.b[random_below(15) + 1] ^= (uint8_t)(random_below(3) == 0);
		f->nw_proto = f->nw_proto == 1 ? 58 : f->nw_proto;
	}
	if (f->nw_frag & FLOW_FRAG_LATER)
		return;
	bool icmp = f->nw_proto == 1 || f->nw_proto == 58;
	if (f->nw_proto == 6)
		f->tcp_flags = htobe16((uint16_t)(2 * random_below(2) + 16 * random_below(2)));
	f->tp_src = icmp ? htobe16(random_below(2) ? 8 : 135)
			 : htobe16((uint16_t)(0x50 + random_below(20)));
	f->tp_dst = icmp ? 0 : htobe16((uint16_t)(52 + random_below(3)));
}

// Another packet that equals the first one where the mask says so: mostly of values that the rules
// tell apart.
static void vary(const struct flow *flow, const struct flow *mask, struct flow *out)
{
	random_packet(out);
	for (unsigned int i = 0; i < FLOW_WORDS; i++) {
		uint64_t m = flow_words_const(mask)[i];
		flow_words(out)[i] = (flow_words_const(flow)[i] & m) | (flow_words(out)[i] & ~m);
	}
	// Packets are consistent: without a protocol's headers, its fields are zero.
	bool ip = out->dl_type == BE16(0x0800) || out->dl_type == BE16(0x86dd);
	for (unsigned int i = 0; i < FLOW_MAX_MPLS; i++)
		if (out->dl_type != BE16(0x8847) ||
		    (i && (!out->mpls[i - 1] || out->mpls[i - 1] & BE32(0x100))))
			out->mpls[i] = 0;
	out->packet_type = out->packet_type ? flow_bare_type(out->dl_type) : 0;
	if (out->packet_type) {
		memset(out->dl_dst, 0, 12);
		memset(out->vlan, 0, sizeof(out->vlan));
	}
	bool nsh = out->dl_type == BE16(0x894f);
	const struct flow copy = *out;
	if (!nsh)
		memset(&out->nsh, 0, sizeof(out->nsh));
	if (!ip && out->dl_type != BE16(0x0806)) {
		memset(&out->nw_src, 0, sizeof(*out) - offsetof(struct flow, nw_src));
		if (nsh)
			out->nsh = copy.nsh;
		if (out->nsh.mdtype != 1)
			memset(out->nsh.context, 0, sizeof(out->nsh.context));
	} else if (out->dl_type == BE16(0x0800) || out->dl_type == BE16(0x0806)) {
		memset(&out->ipv6_src, 0, 2 * sizeof(out->ipv6_src));
	} else {
		out->nw_src = out->nw_dst = 0;
	}
	if (!(out->vlan[0].tci & BE16(FLOW_VLAN_CFI)))
		memset(out->vlan, 0, sizeof(out->vlan));
	if (!(out->vlan[1].tci & BE16(FLOW_VLAN_CFI)))
		memset(&out->vlan[1], 0, sizeof(out->vlan[1]));
	for (unsigned int i = 0; i < FLOW_MAX_VLANS; i++)
		if (out->vlan[i].tci && !out->vlan[i].tpid)
			out->vlan[i].tpid = BE16(0x8100);
}

static bool is_inside(const struct flow *f, const struct flow *flow, const struct flow *mask)
{
	return flow_equal_masked(f, flow, mask);
}

static void explain(struct world *w, const struct flow *a, const struct flow *b,
		    const struct flow *mask, const struct buf *x, const struct buf *y)
{
	struct str s = STR_INIT;
	struct match m = {.flow = *a, .mask = *mask};
	flow_mask(&m.flow, a, mask);
	str_add(&s, "packet:   ");
	flow_format(a, NULL, &s, NULL, NULL);
	str_add(&s, "\nother:    ");
	flow_format(b, NULL, &s, NULL, NULL);
	str_add(&s, "\nmegaflow: ");
	match_format(&m, &s, -1, NULL, NULL);
	str_add(&s, "\nactions:  ");
	dpact_format(&s, x->data, x->len, NULL, NULL);
	str_add(&s, "\nother:    ");
	dpact_format(&s, y->data, y->len, NULL, NULL);
	str_add(&s, "\n");
	world_trace(w, a, &s);
	world_trace(w, b, &s);
	print_error("%s\n", str_cstr(&s));
	str_done(&s);
}

// Contexts that the packets checked last went to: what comes back from them is checked in turn.
struct contexts {
	uint32_t id[64];
	unsigned int n;
};

static void note_contexts(const void *actions, size_t n, struct contexts *contexts)
{
	DPACT_FOREACH (a, actions, n)
		if (a->type == DPACT_RECIRC && contexts->n < N_OF(contexts->id))
			contexts->id[contexts->n++] =
				((const struct dpact_recirc *)(const void *)a)->id;
}

// Some packets come back from a recirculation: whatever they are like now.
static void maybe_recirculated(struct flow *f, const struct contexts *contexts)
{
	if (!contexts->n || random_below(3))
		return;
	f->recirc_id = contexts->id[random_below(contexts->n)];
	f->dp_hash = random_below(4) ? 1 + random_below(1 << 12) : 0;
}

static void check_packet(struct world *w, struct contexts *contexts, unsigned long *n_checked,
			 unsigned long *n_forwarded)
{
	struct flow flow, mask, other, other_mask;
	struct buf x = BUF_INIT, y = BUF_INIT;
	random_packet(&flow);
	maybe_recirculated(&flow, contexts);
	world_translate(w, &flow, &mask, &x);
	note_contexts(x.data, x.len, contexts);
	for (unsigned int i = 0; i < 12; i++) {
		vary(&flow, &mask, &other);
		if (!is_inside(&other, &flow, &mask))
			continue; // made consistent, it is another flow
		world_translate(w, &other, &other_mask, &y);
		++*n_checked;
		*n_forwarded += y.len != 0;
		bool same = x.len == y.len && (!x.len || !memcmp(x.data, y.data, x.len));
		if (!same) {
			explain(w, &flow, &other, &mask, &x, &y);
			fail();
		}
	}
	buf_done(&x);
	buf_done(&y);
}

// The masked key with the words that megaflows keep, which is all that revalidation has, gives the
// same actions, and no bits that the mask has not.
static void check_masked_key(struct world *w, const struct contexts *contexts)
{
	struct flow flow, mask, key, key_mask;
	struct buf x = BUF_INIT, y = BUF_INIT;
	random_packet(&flow);
	maybe_recirculated(&flow, contexts);
	world_translate(w, &flow, &mask, &x);
	uint64_t kept[MEGAFLOW_KEPT_WORDS];
	megaflow_keep(kept, &flow);
	flow_mask(&key, &flow, &mask);
	megaflow_restore(kept, &key);
	world_translate(w, &key, &key_mask, &y);
	bool same = x.len == y.len && (!x.len || !memcmp(x.data, y.data, x.len));
	for (unsigned int i = 0; i < FLOW_WORDS; i++)
		same &= !(flow_words(&key_mask)[i] & ~flow_words(&mask)[i]);
	if (!same) {
		explain(w, &flow, &key, &mask, &x, &y);
		explain(w, &flow, &key, &key_mask, &x, &y);
		fail();
	}
	buf_done(&x);
	buf_done(&y);
}

static void random_mirrors(struct world *w, struct xlate_mirror_config v[2], uint64_t bits[4],
			   struct match *filter)
{
	static const uint64_t vlans[64] = {1 << 5};
	unsigned int n = random_below(3);
	error_free(match_parse(filter, random_below(2) ? "ip,nw_src=10.0.0.0/30" : "tcp,tp_dst=53",
			       NULL, NULL));
	for (unsigned int i = 0; i < n; i++) {
		bits[2 * i] = random_u64() & 15;
		bits[2 * i + 1] = random_u64() & 15;
		v[i] = (struct xlate_mirror_config){
			.name = "m",
			.src_bundles = &bits[2 * i],
			.dst_bundles = &bits[2 * i + 1],
			.vlans = random_below(3) ? NULL : vlans,
			.out_bundle = random_below(2) ? (int)random_below(3) : -1,
			.out_vlan = 10,
			.snaplen = random_below(2) ? 64 : 0,
			.filter = random_below(3) ? NULL : filter,
			.counters = patch_counters_new(),
		};
	}
	w->br0.config.mirrors = v;
	w->br0.config.n_mirrors = n;
}

// All, indirect, fast failover and select: buckets that change the packet, look at other tables,
// and lead into one another.
static void add_groups(struct world *w)
{
	static const char *const groups[] = {
		"group_id=1,type=all,bucket=output:2,bucket=mod_nw_dst:10.0.0.9,resubmit(,2),"
		"bucket=strip_vlan,output:3",
		"group_id=2,type=indirect,bucket=mod_dl_src:00:00:00:00:00:08,group:3",
		("group_id=3,type=select,selection_method=hash,fields(ip_src),bucket=weight:2,"
		 "output:2,bucket=resubmit(,1),"
		 "bucket=weight:1,mod_tp_dst:53,output:3"),
		"group_id=4,type=select,selection_method=dp_hash,bucket=weight:2,output:2,bucket="
		"resubmit(,1),bucket=dec_ttl,output:3",
		("group_id=5,type=select,selection_method=dp_hash,selection_method_param=5,bucket="
		 "weight:2,output:2,bucket=group:4,"
		 "bucket=pop_mpls:0x0800,mod_nw_dst:10.0.0.7,output:3"),
	};
	for (size_t i = 0; i < N_OF(groups); i++)
		world_add_group(&w->br0, groups[i]);
}

static void random_vlans(struct world *w)
{
	static const enum xlate_vlan_mode modes[] = {VLAN_ACCESS, VLAN_TRUNK, VLAN_NATIVE_TAGGED,
						     VLAN_NATIVE_UNTAGGED, VLAN_DOT1Q_TUNNEL};
	static const uint64_t trunks[64] = {1 << 5 | 1 << 10};
	for (unsigned int i = 0; i < w->br0.n_ports; i++) {
		struct xlate_bundle_config *b = &w->br0.bundles[i];
		b->vlan_mode = modes[random_below(5)];
		b->tag = b->vlan_mode == VLAN_TRUNK ? -1 : 5 * (int)(1 + random_below(2));
		b->trunks = random_below(2) ? trunks : NULL;
		b->priority_tags = (int)random_below(3);
		b->mcast_flood = !random_below(3);
		b->protected_ = !random_below(3);
	}
	w->br0.config.vlan_limit = 1 + random_below(2);
	world_publish(w, &w->br0);
	for (unsigned int i = 0; i < 6; i++) {
		uint8_t mac[6] = {0, 0, 0, 0, 0, (uint8_t)(1 + random_below(3))};
		mac_table_learn(w->br0.macs, mac, (uint16_t)(5 * random_below(3)),
				1 + random_below(3), 1);
	}
}

static void test_megaflows(void **state)
{
	unsigned long n_checked = 0, n_forwarded = 0, n_recirculated = 0;
	for (unsigned int seed = 1; seed <= N_SEEDS; seed++) {
		struct world w;
		struct contexts contexts = {.n = 0};
		random_seed(seed);
		world_init(&w);
		struct xlate_mirror_config mirrors[2];
		uint64_t mirror_bits[4];
		struct match filter;
		random_mirrors(&w, mirrors, mirror_bits, &filter);
		struct mcast_snooping *mcast = mcast_snooping_new(
			&(struct mcast_snooping_config){.max_groups = 10, .age_ms = 1000});
		w.br0.config.mcast = random_below(2) ? mcast : NULL;
		w.br0.config.mcast_flood_unregistered = random_below(2);
		random_vlans(&w);
		add_groups(&w);
		for (unsigned int i = 0; i < 60; i++)
			add_random_flow(&w, random_below(5) ? &w.br0 : &w.br1, random_below(3));
		for (unsigned int i = 0; i < N_PACKETS; i++) {
			if (!random_below(8)) // as learned flows come
				add_random_flow(&w, &w.br0, random_below(3));
			check_packet(&w, &contexts, &n_checked, &n_forwarded);
			check_masked_key(&w, &contexts);
			n_recirculated += contexts.n != 0;
			if (!random_below(4))
				contexts.n = 0;
		}
		for (unsigned int i = 0; i < w.br0.config.n_mirrors; i++)
			patch_counters_unref(mirrors[i].counters);
		rcu_quiescent();
		world_done(&w);
		mcast_snooping_free(mcast);
	}
	print_message("%lu packets inside of megaflows, %lu forwarded\n", n_checked, n_forwarded);
	assert_true(n_checked > N_SEEDS * 1700 && n_forwarded > N_SEEDS * 600 &&
		    n_recirculated > N_SEEDS * 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_megaflows)};
	rcu_register();
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	rcu_barrier_all();
	rcu_unregister();
	return failed;
}
