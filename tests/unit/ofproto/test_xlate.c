/* SPDX-License-Identifier: Apache-2.0 */
// Translation: rules and a packet as text, datapath actions and the megaflow's match as text. Where
// the stock switch was asked, the answers are its own, but for the order of floods, which is that
// of port numbers here.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rcu.h"
#include "fake_world.h"

struct scenario {
	const char *flows[6]; // in br0; br1 has NORMAL
	const char *packet;
	const char *megaflow; // NULL: not compared
	const char *actions;
};

static const struct scenario scenarios[] = {
	{{"actions=drop"}, "in_port=1", "recirc_id=0,eth,in_port=1,dl_type=0x0000", "drop"},
	{{NULL}, "in_port=1", "recirc_id=0,eth,in_port=1,dl_type=0x0000", "drop"},
	{{"actions=output:1,output:77,output:2,output:3"}, "in_port=1", NULL, "2,3"},
	{{"actions=IN_PORT,LOCAL"}, "in_port=1", NULL, "1,100"},
	{{"actions=flood"}, "in_port=2,dl_dst=00:00:00:00:00:01", NULL, "1,3,101,4,100"},
	{{"actions=all"}, "in_port=LOCAL", NULL, "1,2,3,101,4"},
	// Headers.
	{{"tcp actions=set_field:10.0.0.2->nw_dst,output:2"},
	 "in_port=1,tcp,nw_dst=10.0.0.1",
	 "recirc_id=0,eth,tcp,in_port=1,nw_dst=10.0.0.1,nw_frag=no",
	 "set(ipv4(dst=10.0.0.2)),2"},
	{{"tcp actions=set_field:10.0.0.1->nw_dst,output:2"},
	 "in_port=1,tcp,nw_dst=10.0.0.1",
	 NULL,
	 "2"},
	{{"tcp actions=mod_nw_tos:32,output:2"},
	 "in_port=1,tcp,nw_tos=8",
	 "recirc_id=0,eth,tcp,in_port=1,nw_tos=8,nw_frag=no",
	 "set(ipv4(tos=0x20/0xfc)),2"},
	{{"tcp actions=load:6->NXM_OF_TCP_DST[0..2],output:2"},
	 "in_port=1,tcp,tp_dst=5",
	 "recirc_id=0,eth,tcp,in_port=1,nw_frag=no,tp_dst=0x5/0x7",
	 "set(tcp(dst=6/0x7)),2"},
	{{"udp actions=mod_tp_src:5,output:2"}, "in_port=1,udp", NULL, "set(udp(src=5)),2"},
	{{"arp actions=set_field:2->arp_op,set_field:1.2.3.4->arp_spa,output:2,output:3"},
	 "in_port=1,arp,arp_op=1",
	 "recirc_id=0,eth,arp,in_port=1,arp_spa=0.0.0.0,arp_op=1",
	 "set(arp(sip=1.2.3.4,op=2)),2,3"},
	{{"icmp actions=set_field:3->icmp_type,set_field:4->icmp_code,output:2"},
	 "in_port=1,icmp",
	 NULL,
	 "set(icmp(type=3,code=4)),2"},
	{{"icmp6,icmpv6_type=135 actions=set_field:fe80::1->nd_target,output:2"},
	 "in_port=1,icmp6,icmpv6_type=135",
	 NULL,
	 "set(nd(target=fe80::1)),2"},
	{{"tcp6 actions=set_field:fe80::1->ipv6_dst,set_field:5->ipv6_label,dec_ttl,output:2"},
	 "in_port=1,tcp6,nw_ttl=9",
	 NULL,
	 "set(ipv6(dst=fe80::1,label=0x5,hlimit=8)),2"},
	{{"ip actions=mod_nw_ttl:8,output:2"},
	 "in_port=1,ip,nw_ttl=9",
	 NULL,
	 "2"}, // cut off in its header
	{{"actions=mod_dl_src:00:00:00:00:00:07,2,mod_dl_src:00:00:00:00:00:08,3"},
	 "in_port=1",
	 NULL,
	 "set(eth(src=00:00:00:00:00:07)),2,set(eth(src=00:00:00:00:00:08)),3"},
	// Queues and marks.
	{{"udp actions=enqueue:2:5,pop_queue,output:3"},
	 "in_port=1,udp",
	 NULL,
	 "set(skb_priority(0x5)),2,set(skb_priority(0)),3"},
	{{"actions=set_queue:3,output:2,output:3"},
	 "in_port=1",
	 NULL,
	 "set(skb_priority(0x3)),2,3"},
	{{"actions=set_field:3->pkt_mark,output:2"}, "in_port=1", NULL, "set(skb_mark(0x3)),2"},
	// Tags.
	{{"actions=strip_vlan,output:2"},
	 "in_port=1,udp,dl_vlan=5,dl_vlan_pcp=3",
	 NULL,
	 "pop_vlan,2"},
	{{"actions=mod_vlan_vid:7,output:2"},
	 "in_port=1,udp,dl_vlan=5,dl_vlan_pcp=3",
	 NULL,
	 "pop_vlan,push_vlan(vid=7,pcp=3),2"},
	{{"actions=mod_vlan_vid:7,output:2"}, "in_port=1,udp", NULL, "push_vlan(vid=7,pcp=0),2"},
	{{"actions=push_vlan:0x8100,set_field:4100->vlan_vid,output:2"},
	 "in_port=1",
	 NULL,
	 "push_vlan(vid=4,pcp=0),2"},
	{{"actions=push_vlan:0x88a8,set_field:4105->vlan_vid,output:2"},
	 "in_port=1,dl_vlan=5,dl_vlan_pcp=3",
	 NULL,
	 "push_vlan(tpid=0x88a8,vid=9,pcp=0),2"},
	{{"actions=clone(strip_vlan,output:2),output:3"},
	 "in_port=1,dl_vlan=5,dl_vlan_pcp=3",
	 NULL,
	 "pop_vlan,2,push_vlan(vid=5,pcp=3),3"},
	{{"dl_vlan=7 actions=2"},
	 "in_port=1,dl_vlan=6,dl_vlan_pcp=1",
	 "recirc_id=0,eth,in_port=1,dl_vlan=6,dl_type=0x0000",
	 "drop"},
	// Registers and the stack.
	{{"udp actions=move:NXM_OF_IP_SRC[]->NXM_OF_IP_DST[],output:2"},
	 "in_port=1,udp,nw_src=1.2.3.4",
	 NULL,
	 "set(ipv4(dst=1.2.3.4)),2"},
	{{"actions=set_field:2->reg3,output:reg3,output:reg2"}, "in_port=1", NULL, "2"},
	{{"actions=set_field:2->reg3,push:NXM_NX_REG3[],set_field:0->reg3,pop:NXM_NX_REG4[],output:"
	  "reg4"},
	 "in_port=1",
	 NULL,
	 "2"},
	{{"actions=pop:NXM_NX_REG4[],output:3"}, "in_port=1", NULL, "3"},
	{{"actions=set_field:0x12345678abcdef0011223344->xxreg0,push:NXM_NX_XXREG0[],pop:NXM_NX_"
	  "XXREG1[],"
	  "move:NXM_NX_REG7[0..15]->NXM_NX_REG0[0..15],resubmit(,1)",
	  "table=1,reg0=0x3344/0xffff,reg5=0x12345678 actions=2"},
	 "in_port=1",
	 NULL,
	 "2"},
	// Control.
	{{"actions=resubmit(,1),3", "table=1,in_port=1 actions=2,exit",
	  "table=1,in_port=2 actions=LOCAL"},
	 "in_port=1",
	 NULL,
	 "2"},
	{{"actions=resubmit(2,1),3", "table=1,in_port=1 actions=2",
	  "table=1,in_port=2 actions=LOCAL"},
	 "in_port=1",
	 NULL,
	 "100,3"},
	{{"actions=goto_table:1", "table=1,priority=5,arp actions=2",
	  "table=1,priority=4,dl_type=0x1234 actions=3"},
	 "in_port=1,dl_type=0x1234",
	 NULL,
	 "3"},
	{{"actions=write_actions(set_field:00:01:02:03:04:05->eth_src,output:2),goto_table:1",
	  "table=1 actions=3"},
	 "in_port=1",
	 NULL,
	 "3,set(eth(src=00:01:02:03:04:05)),2"},
	{{"actions=write_actions(output:2),goto_table:1", "table=1 actions=3,clear_actions"},
	 "in_port=1",
	 NULL,
	 "3"},
	{{"ip actions=write_actions(set_field:1->ip_dscp)"},
	 "in_port=1,udp",
	 NULL,
	 "drop"}, // no output
	{{"udp,dl_vlan=5 "
	  "actions=write_actions(output:2,push_vlan:0x8100,dec_ttl,strip_vlan,output:3)"},
	 "in_port=1,udp,dl_vlan=5,nw_ttl=9",
	 NULL,
	 "set(ipv4(ttl=8)),pop_vlan,push_vlan(vid=0,pcp=0),3"},
	{{"actions=write_metadata:0x5/0xf,goto_table:1", "table=1,metadata=0x5 actions=2"},
	 "in_port=1",
	 NULL,
	 "2"},
	{{"actions=resubmit(,0)"}, "in_port=1", NULL, "drop"},
	{{"ip actions=dec_ttl,2"}, "in_port=1,udp,nw_ttl=4", NULL, "set(ipv4(ttl=3)),2"},
	// Through the patch port: br1 changes its own copy.
	{{"actions=9,2"}, "in_port=1,dl_dst=00:00:00:00:00:09", NULL, "101,4,2"},
	{{"actions=set_field:1->reg0,mod_dl_src:00:00:00:00:00:07,9"},
	 "in_port=1",
	 NULL,
	 "set(eth(src=00:00:00:00:00:07)),101,4"},
	// Fragments.
	{{"priority=5,udp,tp_dst=53 actions=2", "priority=4,ip actions=3"},
	 "in_port=1,udp,udp_dst=53",
	 NULL,
	 "2"},
	{{"priority=5,udp,tp_dst=53 actions=2", "priority=4,ip actions=3"},
	 "in_port=1,udp,nw_frag=first,udp_dst=53",
	 "recirc_id=0,eth,udp,in_port=1,nw_frag=first",
	 "3"},
	{{"udp actions=2"}, "in_port=1,ip,nw_proto=17,nw_frag=later", NULL, "2"},
};

static void show(const struct flow *flow, const struct flow *mask, struct str *s)
{
	struct match match;
	match.mask = *mask;
	for (unsigned int i = 0; i < FLOW_MAX_VLANS; i++) {
		match.mask.vlan[i].tpid = 0;
		if (!flow->vlan[i].tci)
			match.mask.vlan[i].tci = 0;
	}
	flow_mask(&match.flow, flow, &match.mask);
	match_format(&match, s, -1, NULL, NULL);
}

static void check(struct world *w, const char *packet, const char *megaflow, const char *actions)
{
	struct flow flow, mask;
	struct buf list = BUF_INIT;
	struct str s = STR_INIT;
	world_flow(packet, &flow);
	world_translate(w, &flow, &mask, &list);
	dpact_format(&s, list.data, list.len, NULL, NULL);
	assert_string_equal(str_cstr(&s), actions);
	str_clear(&s);
	show(&flow, &mask, &s);
	if (megaflow)
		assert_string_equal(str_cstr(&s), megaflow);
	str_done(&s);
	buf_done(&list);
}

static void test_scenarios(void **state)
{
	struct world w;
	world_init(&w);
	world_add_flow(&w, &w.br1, "priority=0 actions=NORMAL");
	for (size_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++) {
		const struct scenario *s = &scenarios[i];
		for (unsigned int k = 0; k < 6 && s->flows[k]; k++)
			world_add_flow(&w, &w.br0, s->flows[k]);
		print_message("%s / %s\n", s->flows[0] ? s->flows[0] : "", s->packet);
		check(&w, s->packet, s->megaflow, s->actions);
		world_del_flows(&w, &w.br0);
	}
	world_done(&w);
}

static void learn(struct world *w, const char *mac_last, uint32_t port, uint16_t vlan)
{
	uint8_t mac[6] = {0, 0, 0, 0, 0, (uint8_t)strtoul(mac_last, NULL, 16)};
	mac_table_learn(w->br0.macs, mac, vlan, port, 1);
}

// NORMAL, with the VLAN modes of both ends.
static void test_normal(void **state)
{
	struct world w;
	world_init(&w);
	world_add_flow(&w, &w.br1, "priority=0 actions=drop");
	world_add_flow(&w, &w.br0, "priority=0 actions=NORMAL");
	check(&w, "in_port=1,dl_dst=00:00:00:00:00:06",
	      "recirc_id=0,eth,in_port=1,dl_src=00:00:00:00:00:00,dl_dst=00:00:00:00:00:06,dl_type="
	      "0x0000",
	      "100,2");
	check(&w, "in_port=1,dl_vlan=10,dl_dst=00:00:00:00:00:06", NULL, "100,2,pop_vlan,3");
	check(&w, "in_port=3,dl_dst=00:00:00:00:00:06", NULL, "push_vlan(vid=10,pcp=0),100,1,2");
	check(&w, "in_port=3,dl_vlan=5,dl_dst=00:00:00:00:00:06", NULL, "drop");
	check(&w, "in_port=3,dl_dst=01:80:c2:00:00:0e", NULL, "drop");
	check(&w, "in_port=3,dl_dst=01:00:0c:cc:cc:cd", NULL, "drop");
	check(&w, "in_port=55,dl_dst=00:00:00:00:00:06", NULL, "drop");
	check(&w, "in_port=ANY,dl_dst=00:00:00:00:00:06", NULL, "100,1,2");

	learn(&w, "6", 2, 0);
	learn(&w, "7", 3, 10);
	check(&w, "in_port=1,dl_dst=00:00:00:00:00:06", NULL, "2");
	check(&w, "in_port=2,dl_dst=00:00:00:00:00:06", NULL, "drop");
	check(&w, "in_port=1,dl_vlan=10,dl_dst=00:00:00:00:00:07", NULL, "pop_vlan,3");
	check(&w, "in_port=1,dl_dst=00:00:00:00:00:07", NULL, "100,2"); // in another VLAN

	struct xlate_bundle_config *p1 = world_bundle(&w.br0, "p1"),
				   *p2 = world_bundle(&w.br0, "p2");
	p1->protected_ = p2->protected_ = true;
	world_publish(&w, &w.br0);
	check(&w, "in_port=1,dl_dst=00:00:00:00:00:06", NULL, "drop");
	check(&w, "in_port=1,dl_dst=00:00:00:00:00:09", NULL, "100");
	p1->protected_ = p2->protected_ = false;

	uint64_t trunks[64] = {1ULL << 5 | 1ULL << 6};
	p1->vlan_mode = VLAN_NATIVE_TAGGED;
	p1->tag = 5;
	p1->trunks = trunks;
	world_publish(&w, &w.br0);
	check(&w, "in_port=1,dl_dst=00:00:00:00:00:09", NULL, "push_vlan(vid=5,pcp=0),100,2");
	check(&w, "in_port=1,dl_vlan=6,dl_dst=00:00:00:00:00:09", NULL, "100,2");
	check(&w, "in_port=1,dl_vlan=9,dl_dst=00:00:00:00:00:09", NULL, "drop");
	check(&w, "in_port=2,dl_vlan=5,dl_dst=00:00:00:00:00:09", NULL, "100,1");
	p1->vlan_mode = VLAN_NATIVE_UNTAGGED;
	world_publish(&w, &w.br0);
	check(&w, "in_port=2,dl_vlan=5,dl_dst=00:00:00:00:00:09", NULL, "100,pop_vlan,1");
	check(&w, "in_port=2,dl_dst=00:00:00:00:00:09", NULL, "100"); // not VLAN 0
	p1->vlan_mode = VLAN_DOT1Q_TUNNEL;
	p1->trunks = NULL;
	world_publish(&w, &w.br0);
	check(&w, "in_port=1,dl_vlan=6,dl_dst=00:00:00:00:00:09", NULL,
	      "push_vlan(tpid=0x88a8,vid=5,pcp=0),100,2");
	check(&w, "in_port=1,dl_dst=00:00:00:00:00:09", NULL,
	      "push_vlan(tpid=0x88a8,vid=5,pcp=0),100,2");
	check(&w, "in_port=2,dl_vlan=5,dl_dst=00:00:00:00:00:09", NULL, "100,pop_vlan,1");
	p1->vlan_mode = VLAN_ACCESS;
	p1->tag = 10;
	world_publish(&w, &w.br0);
	check(&w, "in_port=1,dl_vlan=0,dl_vlan_pcp=5,dl_dst=00:00:00:00:00:09", NULL,
	      "pop_vlan,push_vlan(vid=10,pcp=5),100,2,pop_vlan,3");
	world_bundle(&w.br0, "p3")->priority_tags = 1;
	world_publish(&w, &w.br0);
	check(&w, "in_port=1,dl_vlan=0,dl_vlan_pcp=5,dl_dst=00:00:00:00:00:09", NULL,
	      "pop_vlan,push_vlan(vid=10,pcp=5),100,2,pop_vlan,push_vlan(vid=0,pcp=5),3");
	check(&w, "in_port=1,dl_dst=00:00:00:00:00:09", NULL,
	      "push_vlan(vid=10,pcp=0),100,2,pop_vlan,3");

	// Priority tags between trunks: what is not empty stays.
	p1->vlan_mode = VLAN_TRUNK;
	p1->tag = -1;
	world_publish(&w, &w.br0);
	check(&w, "in_port=1,dl_vlan=0,dl_vlan_pcp=5,dl_dst=00:00:00:00:00:09", NULL, "100,2");
	check(&w, "in_port=1,dl_vlan=0,dl_vlan_pcp=0,dl_dst=00:00:00:00:00:09", NULL,
	      "pop_vlan,100,2");
	p2->priority_tags = 2;
	world_publish(&w, &w.br0);
	check(&w, "in_port=1,dl_vlan=0,dl_vlan_pcp=0,dl_dst=00:00:00:00:00:09", NULL,
	      "pop_vlan,100,push_vlan(vid=0,pcp=0),2");
	check(&w, "in_port=1,dl_dst=00:00:00:00:00:09", NULL, "100,2");

	uint64_t flood[64] = {1}; // VLAN 0 does not learn
	p1->vlan_mode = VLAN_TRUNK;
	w.br0.config.flood_vlans = flood;
	w.br0.config.forward_bpdu = true;
	world_publish(&w, &w.br0);
	check(&w, "in_port=1,dl_dst=00:00:00:00:00:06", NULL, "100,2");
	check(&w, "in_port=1,dl_dst=01:80:c2:00:00:0e", NULL, "100,2");
	world_bundle(&w.br0, "p2")->floodable = false;
	world_publish(&w, &w.br0);
	check(&w, "in_port=1,dl_dst=00:00:00:00:00:06", NULL, "100");
	world_done(&w);
}

static void test_port_config(void **state)
{
	struct world w;
	world_init(&w);
	world_add_flow(&w, &w.br0, "actions=flood,2");
	w.br0.ports[2].config = 16; // p2: no-flood
	world_publish(&w, &w.br0);
	check(&w, "in_port=1", NULL, "3,100,2");
	w.br0.ports[2].config = 32; // no-forward
	world_publish(&w, &w.br0);
	check(&w, "in_port=1", NULL, "3,100");
	w.br0.ports[1].config = 4; // p1: no-receive
	world_publish(&w, &w.br0);
	check(&w, "in_port=1", NULL, "drop");
	world_done(&w);
}

static void test_vlan_limit(void **state)
{
	struct world w;
	struct flow flow, mask;
	struct buf list = BUF_INIT;
	struct str s = STR_INIT;
	world_init(&w);
	world_add_flow(&w, &w.br0, "priority=5,ip actions=2");
	world_add_flow(&w, &w.br0, "priority=4,dl_vlan=5,dl_type=0x8100 actions=strip_vlan,3");
	world_flow("in_port=1,dl_vlan=5,udp,nw_src=1.2.3.4", &flow);
	flow.vlan[1] = (struct flow_vlan){.tpid = BE16(0x8100), .tci = BE16(0x1006)};
	world_translate(&w, &flow, &mask, &list); // two tags are known, behind them is IP
	dpact_format(&s, list.data, list.len, NULL, NULL);
	assert_string_equal(str_cstr(&s), "2");
	w.br0.config.vlan_limit = 1;
	world_publish(&w, &w.br0);
	world_translate(&w, &flow, &mask, &list); // one is known, behind it is a tag
	str_clear(&s);
	dpact_format(&s, list.data, list.len, NULL, NULL);
	assert_string_equal(str_cstr(&s), "pop_vlan,3");
	assert_true(mask.vlan[1].tci & BE16(0x1000));
	memset(&flow.vlan[1], 0, sizeof(flow.vlan[1]));
	world_translate(&w, &flow, &mask, &list);
	assert_true(mask.vlan[1].tci & BE16(0x1000));
	str_done(&s);
	buf_done(&list);
	world_done(&w);
}

static void test_controller(void **state)
{
	static const struct {
		const char *flow, *packet;
		uint8_t reason;
		uint16_t controller_id;
	} cases[] = {
		{"priority=1 actions=controller", "in_port=1", 1, 0},
		{"priority=0 actions=controller", "in_port=1", 6, 0},
		{"ip actions=dec_ttl(3,4)", "in_port=1,udp,nw_ttl=1", 2, 3},
		{"ip actions=dec_ttl", "in_port=1,udp,nw_ttl=0", 2, 0},
		{"actions=controller(id=5,reason=no_match,userdata=01.02.03)", "in_port=1", 0, 5},
		{"actions=write_actions(output:CONTROLLER)", "in_port=1", 3, 0},
	};
	struct world w;
	world_init(&w);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct flow flow, mask;
		struct buf list = BUF_INIT;
		world_del_flows(&w, &w.br0);
		world_add_flow(&w, &w.br0, cases[i].flow);
		world_flow(cases[i].packet, &flow);
		world_translate(&w, &flow, &mask, &list);
		assert_true(list.len > sizeof(struct dpact_userspace));
		const struct dpact_userspace *a = (const void *)list.data;
		assert_int_equal(a->h.type, DPACT_USERSPACE);
		uint8_t frame[64] = {0};
		struct dp_upcall up = {.type = DP_UPCALL_ACTION,
				       .key = &flow,
				       .frame = frame,
				       .frame_len = sizeof(frame),
				       .userdata = a->userdata,
				       .userdata_len = a->userdata_len};
		assert_int_equal(upcall_handle(w.backer, &up, NULL), 0);
		assert_int_equal(fake_packet_in.n, i + 1);
		assert_int_equal(fake_packet_in.reason, cases[i].reason);
		assert_int_equal(fake_packet_in.controller_id, cases[i].controller_id);
		assert_int_equal(fake_packet_in.ofproto_id, 7);
		up.userdata_len--; // a datapath that cuts it off
		assert_int_not_equal(upcall_handle(w.backer, &up, NULL), 0);
		buf_done(&list);
	}
	world_done(&w);
}

static void test_miss(void **state)
{
	struct world w;
	struct flow flow, mask;
	struct buf list = BUF_INIT;
	world_init(&w);
	w.br0.config.default_miss = TABLE_MISS_CONTROLLER;
	world_publish(&w, &w.br0);
	world_flow("in_port=1", &flow);
	world_translate(&w, &flow, &mask, &list);
	assert_true(list.len > 0);
	w.br0.ports[1].config = 64; // no-packet-in
	world_publish(&w, &w.br0);
	world_translate(&w, &flow, &mask, &list);
	assert_int_equal(list.len, 0);
	w.br0.config.default_miss = TABLE_MISS_CONTINUE;
	world_publish(&w, &w.br0);
	world_add_flow(&w, &w.br0, "table=3 actions=2");
	check(&w, "in_port=1", NULL, "2");
	buf_done(&list);
	world_done(&w);
}

static const struct flow *executed_key;
static struct str executed;

static void on_execute(const struct flow *key, const void *actions, size_t n)
{
	static struct flow copy;
	copy = *key;
	executed_key = &copy;
	str_clear(&executed);
	dpact_format(&executed, actions, n, NULL, NULL);
}

static void test_packet_out(void **state)
{
	struct world w;
	struct flow flow;
	uint8_t frame[60] = {0};
	world_init(&w);
	fake_dp_on_execute = on_execute;
	world_add_flow(&w, &w.br0, "in_port=1 actions=3");
	world_flow("in_port=1", &flow);
	struct buf list = BUF_INIT;
	uint32_t usable;
	assert_null(
		ofpacts_parse("output:2,TABLE,IN_PORT", &(struct ofpact_text){0}, &list, &usable));
	assert_null(backer_packet_out(w.backer, &w.br0, &flow, frame, sizeof(frame), list.data,
				      list.len));
	assert_string_equal(str_cstr(&executed), "2,3,1");
	assert_int_equal(executed_key->in_port, 1);
	assert_int_equal(world_rule(&w.br0, 0, "in_port=1", 32768)->packets, 1);
	flow.in_port = OFPP_NONE;
	assert_null(backer_packet_out(w.backer, &w.br0, &flow, frame, sizeof(frame), list.data,
				      list.len));
	assert_string_equal(str_cstr(&executed), "2");
	assert_int_equal(executed_key->in_port, DP_PORT_NONE);
	fake_dp_on_execute = NULL;
	str_done(&executed);
	buf_done(&list);
	world_done(&w);
}

// Resubmits that double at each level stop at the limit, and in time.
static void test_limits(void **state)
{
	struct world w;
	world_init(&w);
	for (unsigned int t = 0; t < 40; t++) {
		char text[100];
		snprintf(text, sizeof(text), "table=%u actions=resubmit(,%u),resubmit(,%u)", t,
			 t + 1, t + 1);
		world_add_flow(&w, &w.br0, text);
	}
	struct flow flow, mask;
	struct buf list = BUF_INIT;
	struct xlate_out out;
	world_flow("in_port=1", &flow);
	memset(&mask, 0, sizeof(mask));
	xlate_out_init(&out, &list, &mask);
	xlate_translate(&(struct xlate_in){.backer = w.backer, .flow = &flow, .ofproto = &w.br0},
			&out);
	assert_int_equal(out.error, XLATE_TOO_MANY_RESUBMITS);
	assert_int_equal(list.len, 0);
	assert_in_range(out.n_rules, 1000, 4096);
	xlate_out_done(&out);
	// A loop of two bridges.
	world_del_flows(&w, &w.br0);
	world_add_flow(&w, &w.br0, "actions=2,9,IN_PORT");
	world_add_flow(&w, &w.br1, "actions=IN_PORT");
	xlate_out_init(&out, &list, &mask);
	xlate_translate(&(struct xlate_in){.backer = w.backer, .flow = &flow, .ofproto = &w.br0},
			&out);
	assert_int_equal(out.error, XLATE_TOO_DEEP);
	assert_int_equal(list.len, 0);
	xlate_out_done(&out);
	flow.recirc_id = 5;
	xlate_out_init(&out, &list, &mask);
	xlate_translate(&(struct xlate_in){.backer = w.backer, .flow = &flow, .ofproto = &w.br0},
			&out);
	assert_int_equal(out.error, XLATE_NO_RECIRC_CONTEXT);
	xlate_out_done(&out);
	buf_done(&list);
	world_done(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scenarios),   cmocka_unit_test(test_normal),
		cmocka_unit_test(test_port_config), cmocka_unit_test(test_controller),
		cmocka_unit_test(test_miss),	    cmocka_unit_test(test_packet_out),
		cmocka_unit_test(test_limits),	    cmocka_unit_test(test_vlan_limit),
	};
	rcu_register();
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	rcu_barrier_all();
	rcu_unregister();
	return failed;
}
