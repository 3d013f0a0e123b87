/* SPDX-License-Identifier: Apache-2.0 */
// Megaflows as rules of rte_flow.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/byteorder.h"
#include "dp/user/rte_rule.h"
#include "packet/headers.h"

static struct flow key, mask;
static struct rte_rule rule;

static int clear(void **state)
{
	memset(&key, 0, sizeof(key));
	memset(&mask, 0, sizeof(mask));
	key.in_port = 3;
	mask.in_port = UINT32_MAX;
	mask.recirc_id = UINT32_MAX;
	return 0;
}

static bool translate(void)
{
	return rte_rule_of_flow(&rule, &key, &mask, 77, 2);
}

static void assert_items(const enum rte_flow_item_type *types)
{
	assert_true(translate());
	for (unsigned int i = 0;; i++) {
		assert_int_equal(rule.items[i].type, types[i]);
		if (types[i] == RTE_FLOW_ITEM_TYPE_END)
			return;
		assert_non_null(rule.items[i].spec);
		assert_non_null(rule.items[i].mask);
		assert_null(rule.items[i].last);
	}
}

static void tcp4(void)
{
	key.dl_type = htons(ETHERTYPE_IPV4);
	mask.dl_type = 0xffff;
	key.nw_proto = IP_PROTO_TCP;
	mask.nw_proto = 0xff;
	mask.nw_frag = 0xff;
}

static void test_actions(void **state)
{
	assert_true(translate());
	assert_int_equal(rule.actions[0].type, RTE_FLOW_ACTION_TYPE_MARK);
	assert_int_equal(((const struct rte_flow_action_mark *)rule.actions[0].conf)->id, 77);
	assert_int_equal(rule.actions[1].type, RTE_FLOW_ACTION_TYPE_RSS);
	const struct rte_flow_action_rss *rss = rule.actions[1].conf;
	assert_int_equal(rss->queue_num, 2);
	assert_int_equal(rss->queue[1], 1);
	assert_int_equal(rule.actions[2].type, RTE_FLOW_ACTION_TYPE_END);
	assert_false(rte_rule_of_flow(&rule, &key, &mask, 1, 0));
	assert_false(rte_rule_of_flow(&rule, &key, &mask, 1, RTE_RULE_QUEUES + 1));
}

static void test_port_alone(void **state)
{
	static const enum rte_flow_item_type types[] = {RTE_FLOW_ITEM_TYPE_ETH, RTE_FLOW_ITEM_TYPE_END};
	assert_items(types);
	const struct rte_flow_item_eth *eth = rule.items[0].mask;
	assert_int_equal(eth->hdr.ether_type, 0);
}

static void test_tcp4(void **state)
{
	static const enum rte_flow_item_type types[] = {RTE_FLOW_ITEM_TYPE_ETH, RTE_FLOW_ITEM_TYPE_IPV4, RTE_FLOW_ITEM_TYPE_TCP,
							RTE_FLOW_ITEM_TYPE_END};
	tcp4();
	key.nw_dst = htonl(0x0a010203);
	mask.nw_dst = htonl(0xffff0000);
	key.tp_dst = htons(80);
	mask.tp_dst = 0xffff;
	memset(key.dl_dst, 0xaa, 6);
	memset(mask.dl_dst, 0xff, 6);
	assert_items(types);
	const struct rte_flow_item_eth *eth = rule.items[0].spec, *eth_mask = rule.items[0].mask;
	assert_int_equal(eth->hdr.dst_addr.addr_bytes[5], 0xaa);
	assert_int_equal(eth_mask->hdr.src_addr.addr_bytes[5], 0);
	assert_int_equal(eth->hdr.ether_type, htons(ETHERTYPE_IPV4));
	const struct rte_flow_item_ipv4 *ip = rule.items[1].spec, *ip_mask = rule.items[1].mask;
	assert_int_equal(ip->hdr.dst_addr, htonl(0x0a010000)); // nothing outside the mask
	assert_int_equal(ip_mask->hdr.dst_addr, htonl(0xffff0000));
	assert_int_equal(ip_mask->hdr.src_addr, 0);
	assert_int_equal(ip->hdr.next_proto_id, IP_PROTO_TCP);
	const struct rte_flow_item_tcp *tcp = rule.items[2].spec, *tcp_mask = rule.items[2].mask;
	assert_int_equal(tcp->hdr.dst_port, htons(80));
	assert_int_equal(tcp_mask->hdr.dst_port, 0xffff);
	assert_int_equal(tcp_mask->hdr.src_port, 0);
	assert_int_equal(tcp_mask->hdr.tcp_flags, 0);
}

static void test_tagged_udp6(void **state)
{
	static const enum rte_flow_item_type types[] = {RTE_FLOW_ITEM_TYPE_ETH, RTE_FLOW_ITEM_TYPE_VLAN, RTE_FLOW_ITEM_TYPE_IPV6,
							RTE_FLOW_ITEM_TYPE_UDP, RTE_FLOW_ITEM_TYPE_END};
	tcp4();
	key.dl_type = htons(ETHERTYPE_IPV6);
	key.nw_proto = IP_PROTO_UDP;
	key.vlan[0].tpid = htons(ETHERTYPE_VLAN_8021Q);
	key.vlan[0].tci = htons(FLOW_VLAN_CFI | 42);
	mask.vlan[0].tci = htons(FLOW_VLAN_CFI | 0xfff);
	memset(&key.ipv6_dst, 0xfd, 16);
	memset(&mask.ipv6_dst, 0xff, 8);
	key.nw_tos = 0xb8;
	mask.nw_tos = 0xfc;
	mask.tp_src = 0xffff;
	assert_items(types);
	const struct rte_flow_item_eth *eth = rule.items[0].mask;
	assert_int_equal(eth->hdr.ether_type, 0);
	const struct rte_flow_item_vlan *vlan = rule.items[1].spec, *vlan_mask = rule.items[1].mask;
	assert_int_equal(vlan->hdr.vlan_tci, htons(42));
	assert_int_equal(vlan_mask->hdr.vlan_tci, htons(0xfff));
	assert_int_equal(vlan->hdr.eth_proto, htons(ETHERTYPE_IPV6));
	const struct rte_flow_item_ipv6 *ip = rule.items[2].spec, *ip_mask = rule.items[2].mask;
	assert_int_equal(ip->hdr.dst_addr[7], 0xfd);
	assert_int_equal(ip->hdr.dst_addr[8], 0);
	assert_int_equal(ip_mask->hdr.dst_addr[8], 0);
	assert_int_equal(ip->hdr.vtc_flow, htonl(0xb8 << 20));
	assert_int_equal(ip_mask->hdr.vtc_flow, htonl(0xfc << 20));
}

static void test_icmp(void **state)
{
	tcp4();
	key.nw_proto = IP_PROTO_ICMP;
	key.tp_src = htons(8);
	mask.tp_src = mask.tp_dst = 0xffff;
	assert_true(translate());
	const struct rte_flow_item_icmp *icmp = rule.items[2].spec, *icmp_mask = rule.items[2].mask;
	assert_int_equal(rule.items[2].type, RTE_FLOW_ITEM_TYPE_ICMP);
	assert_int_equal(icmp->hdr.icmp_type, 8);
	assert_int_equal(icmp_mask->hdr.icmp_type, 0xff);
	assert_int_equal(icmp_mask->hdr.icmp_code, 0xff);
}

// Whatever else a megaflow looks at, there is no rule for it: each other byte of the mask, alone.
static void test_what_cannot_be_said(void **state)
{
	struct flow said = {0};
	said.in_port = said.recirc_id = UINT32_MAX;
	said.packet_type = UINT32_MAX;
	memset(said.dl_dst, 0xff, 6);
	memset(said.dl_src, 0xff, 6);
	said.dl_type = 0xffff;
	memset(&said.vlan[0], 0xff, sizeof(said.vlan[0]));
	said.nw_src = said.nw_dst = UINT32_MAX;
	memset(&said.ipv6_src, 0xff, 32);
	said.ipv6_label = 0;
	memset(&said.ipv6_src, 0xff, sizeof(said.ipv6_src));
	memset(&said.ipv6_dst, 0xff, sizeof(said.ipv6_dst));
	memset(&said.ct_ipv6_src, 0, sizeof(said.ct_ipv6_src));
	said.nw_frag = said.nw_tos = said.nw_ttl = said.nw_proto = 0xff;
	said.tp_src = said.tp_dst = 0xffff;
	for (size_t i = 0; i < sizeof(mask); i++) {
		clear(NULL);
		tcp4();
		((uint8_t *)&mask)[i] = 0xff;
		bool can = ((const uint8_t *)&said)[i];
		assert_int_equal(translate(), can);
	}
	clear(NULL);
	tcp4();
	mask.vlan[0].tci = mask.vlan[1].tci = htons(FLOW_VLAN_CFI);
	assert_true(translate()); // that there are no tags
	key.vlan[0].tci = key.vlan[1].tci = htons(FLOW_VLAN_CFI);
	assert_false(translate()); // two
	clear(NULL);
	tcp4();
	key.recirc_id = 5;
	assert_false(translate());
	clear(NULL);
	tcp4();
	key.nw_frag = FLOW_FRAG_ANY;
	assert_false(translate());
	clear(NULL);
	mask.tp_dst = 0xffff; // of which protocol?
	assert_false(translate());
	clear(NULL);
	tcp4();
	key.nw_proto = 132 + 1;
	mask.tp_dst = 0xffff;
	assert_false(translate());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_actions, clear),
		cmocka_unit_test_setup(test_port_alone, clear),
		cmocka_unit_test_setup(test_tcp4, clear),
		cmocka_unit_test_setup(test_tagged_udp6, clear),
		cmocka_unit_test_setup(test_icmp, clear),
		cmocka_unit_test_setup(test_what_cannot_be_said, clear),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
