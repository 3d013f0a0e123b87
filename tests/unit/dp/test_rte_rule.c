/* SPDX-License-Identifier: Apache-2.0 */
// Megaflows as rules of rte_flow.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/byteorder.h"
#include "dp/user/rte_forward.h"
#include "dp/user/rte_rule.h"
#include "flow/dpact.h"
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
	static const enum rte_flow_item_type types[] = {RTE_FLOW_ITEM_TYPE_ETH,
							RTE_FLOW_ITEM_TYPE_END};
	assert_items(types);
	const struct rte_flow_item_eth *eth = rule.items[0].mask;
	assert_int_equal(eth->hdr.ether_type, 0);
}

static void test_tcp4(void **state)
{
	static const enum rte_flow_item_type types[] = {
		RTE_FLOW_ITEM_TYPE_ETH, RTE_FLOW_ITEM_TYPE_IPV4, RTE_FLOW_ITEM_TYPE_TCP,
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
	static const enum rte_flow_item_type types[] = {
		RTE_FLOW_ITEM_TYPE_ETH, RTE_FLOW_ITEM_TYPE_VLAN, RTE_FLOW_ITEM_TYPE_IPV6,
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
	for (size_t i = 0; i < offsetof(struct flow, options); i++) {
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
	key.packet_type = flow_bare_type(key.dl_type);
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

// Patterns after which nobody looks again.

static bool make_exact(void)
{
	return translate() && rte_rule_make_exact(&rule, &key, &mask);
}

static void test_exact_fragments(void **state)
{
	tcp4();
	assert_true(make_exact());
	const struct rte_flow_item_ipv4 *ip = rule.items[1].spec, *ip_mask = rule.items[1].mask;
	assert_int_equal(ip_mask->hdr.fragment_offset, htons(0x3fff));
	assert_int_equal(ip->hdr.fragment_offset, 0);
	tcp4();
	key.dl_type = htons(ETHERTYPE_IPV6);
	assert_true(make_exact());
	const struct rte_flow_item_ipv6 *ip6 = rule.items[1].spec, *ip6_mask = rule.items[1].mask;
	assert_int_equal(ip6_mask->has_frag_ext, 1);
	assert_int_equal(ip6->has_frag_ext, 0);
}

static void test_exact_tags(void **state)
{
	mask.vlan[0].tci = htons(FLOW_VLAN_CFI);
	assert_true(make_exact()); // no tag, of any type
	assert_int_equal(((const struct rte_flow_item_eth *)rule.items[0].mask)->has_vlan, 1);
	tcp4();
	assert_true(make_exact()); // the type says it
	assert_int_equal(((const struct rte_flow_item_eth *)rule.items[0].mask)->has_vlan, 0);
	mask.vlan[0].tci = htons(0xfff);
	assert_false(make_exact());
	mask.vlan[0].tci = key.vlan[0].tci = htons(FLOW_VLAN_CFI);
	mask.vlan[0].tpid = 0xffff;
	key.vlan[0].tpid = htons(ETHERTYPE_VLAN_8021AD);
	assert_true(make_exact());
	assert_int_equal(((const struct rte_flow_item_eth *)rule.items[0].spec)->hdr.ether_type,
			 htons(ETHERTYPE_VLAN_8021AD));
	assert_int_equal(((const struct rte_flow_item_eth *)rule.items[0].mask)->hdr.ether_type,
			 0xffff);
	mask.dl_type = mask.nw_proto = mask.nw_frag = 0;
	mask.vlan[1].tci = htons(FLOW_VLAN_CFI);
	assert_true(make_exact());
	assert_int_equal(((const struct rte_flow_item_vlan *)rule.items[1].mask)->has_more_vlan, 1);
}

// Actions of cards.

static struct rte_forward forward;
static struct buf actions = BUF_INIT;

static int device_of(void *arg, uint32_t port)
{
	return port < 10 ? (int)port + 100 : -1;
}

static void *add(unsigned int type, size_t len)
{
	struct dpact *a = buf_add_zeros(&actions, (len + 7) & ~(size_t)7);
	a->type = (uint16_t)type;
	a->len = (uint16_t)len;
	return a;
}

static void output(uint32_t port)
{
	((struct dpact_output *)add(DPACT_OUTPUT, sizeof(struct dpact_output)))->port = port;
}

static const char *translate_actions(void)
{
	const char *why =
		rte_forward_of_actions(&forward, actions.data, actions.len, device_of, NULL);
	buf_clear(&actions);
	return why;
}

// One action between the counter and the output.
static const void *only(enum rte_flow_action_type type)
{
	output(2);
	assert_null(translate_actions());
	assert_int_equal(forward.n, 3);
	assert_int_equal(forward.actions[0].type, RTE_FLOW_ACTION_TYPE_COUNT);
	assert_int_equal(forward.actions[1].type, type);
	assert_int_equal(forward.actions[2].type, RTE_FLOW_ACTION_TYPE_REPRESENTED_PORT);
	assert_int_equal(forward.actions[3].type, RTE_FLOW_ACTION_TYPE_END);
	return forward.actions[1].conf;
}

static void test_output_and_drop(void **state)
{
	output(2);
	assert_null(translate_actions());
	assert_true(forward.forwards && forward.attr.transfer && !forward.attr.ingress);
	assert_int_equal(forward.out_port, 2);
	assert_int_equal(((const struct rte_flow_action_ethdev *)forward.actions[1].conf)->port_id,
			 102);
	assert_true(rte_forward_by_port_id(&forward));
	assert_int_equal(forward.actions[1].type, RTE_FLOW_ACTION_TYPE_PORT_ID);
	assert_int_equal(((const struct rte_flow_action_port_id *)forward.actions[1].conf)->id,
			 102);
	assert_int_equal(
		((const struct rte_flow_action_port_id *)forward.actions[1].conf)->original, 0);
	assert_false(rte_forward_by_port_id(&forward));
	for (unsigned int explicit = 0; explicit < 2; explicit ++) {
		if (explicit)
			add(DPACT_DROP, sizeof(struct dpact_drop));
		assert_null(translate_actions());
		assert_true(!forward.forwards && !forward.attr.transfer && forward.attr.ingress);
		assert_int_equal(forward.actions[1].type, RTE_FLOW_ACTION_TYPE_DROP);
		assert_int_equal(forward.actions[2].type, RTE_FLOW_ACTION_TYPE_END);
		assert_false(rte_forward_by_port_id(&forward));
	}
	output(2);
	output(3);
	assert_non_null(translate_actions());
	output(10);
	assert_non_null(translate_actions());
	output(2);
	add(DPACT_POP_VLAN, sizeof(struct dpact));
	assert_non_null(translate_actions());
	for (unsigned int i = 0; i < 30; i++)
		add(DPACT_POP_VLAN, sizeof(struct dpact));
	assert_non_null(translate_actions());
}

static void test_vlan_actions(void **state)
{
	struct dpact_push_vlan *push = add(DPACT_PUSH_VLAN, sizeof(*push));
	push->tpid = htons(ETHERTYPE_VLAN_8021AD);
	push->tci = htons(5 << 13 | FLOW_VLAN_CFI | 42);
	output(2);
	assert_null(translate_actions());
	assert_int_equal(forward.actions[1].type, RTE_FLOW_ACTION_TYPE_OF_PUSH_VLAN);
	assert_int_equal(
		((const struct rte_flow_action_of_push_vlan *)forward.actions[1].conf)->ethertype,
		htons(ETHERTYPE_VLAN_8021AD));
	assert_int_equal(forward.actions[2].type, RTE_FLOW_ACTION_TYPE_OF_SET_VLAN_VID);
	assert_int_equal(
		((const struct rte_flow_action_of_set_vlan_vid *)forward.actions[2].conf)->vlan_vid,
		htons(42));
	assert_int_equal(forward.actions[3].type, RTE_FLOW_ACTION_TYPE_OF_SET_VLAN_PCP);
	assert_int_equal(
		((const struct rte_flow_action_of_set_vlan_pcp *)forward.actions[3].conf)->vlan_pcp,
		5);
	add(DPACT_POP_VLAN, sizeof(struct dpact));
	only(RTE_FLOW_ACTION_TYPE_OF_POP_VLAN);
}

static void test_set_each_field(void **state)
{
	const struct {
		enum dpact_header header;
		size_t at, n;
		enum rte_flow_action_type type;
	} all[] = {
		{DPH_ETHERNET, offsetof(struct dpk_ethernet, src), 6,
		 RTE_FLOW_ACTION_TYPE_SET_MAC_SRC},
		{DPH_ETHERNET, offsetof(struct dpk_ethernet, dst), 6,
		 RTE_FLOW_ACTION_TYPE_SET_MAC_DST},
		{DPH_IPV4, offsetof(struct dpk_ipv4, src), 4, RTE_FLOW_ACTION_TYPE_SET_IPV4_SRC},
		{DPH_IPV4, offsetof(struct dpk_ipv4, dst), 4, RTE_FLOW_ACTION_TYPE_SET_IPV4_DST},
		{DPH_IPV4, offsetof(struct dpk_ipv4, ttl), 1, RTE_FLOW_ACTION_TYPE_SET_TTL},
		{DPH_IPV6, offsetof(struct dpk_ipv6, src), 16, RTE_FLOW_ACTION_TYPE_SET_IPV6_SRC},
		{DPH_IPV6, offsetof(struct dpk_ipv6, dst), 16, RTE_FLOW_ACTION_TYPE_SET_IPV6_DST},
		{DPH_IPV6, offsetof(struct dpk_ipv6, hlimit), 1, RTE_FLOW_ACTION_TYPE_SET_TTL},
		{DPH_TCP, offsetof(struct dpk_ports, src), 2, RTE_FLOW_ACTION_TYPE_SET_TP_SRC},
		{DPH_TCP, offsetof(struct dpk_ports, dst), 2, RTE_FLOW_ACTION_TYPE_SET_TP_DST},
		{DPH_UDP, offsetof(struct dpk_ports, src), 2, RTE_FLOW_ACTION_TYPE_SET_TP_SRC},
		{DPH_UDP, offsetof(struct dpk_ports, dst), 2, RTE_FLOW_ACTION_TYPE_SET_TP_DST},
	};
	uint8_t value[16];
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		for (size_t k = 0; k < sizeof(value); k++)
			value[k] = (uint8_t)(16 * i + k + 1);
		for (unsigned int part = 0; part < 2; part++) {
			struct dpact_set *s = add(DPACT_SET, sizeof(*s));
			s->header = all[i].header;
			memcpy((uint8_t *)&s->key + all[i].at, value, all[i].n);
			memset((uint8_t *)&s->mask + all[i].at, 0xff, all[i].n);
			if (!part) {
				assert_memory_equal(only(all[i].type), value, all[i].n);
				continue;
			}
			((uint8_t *)&s->mask)[all[i].at + all[i].n - 1] =
				0xf0; // not the whole field
			output(2);
			assert_non_null(translate_actions());
		}
	}
}

static void test_set_dscp(void **state)
{
	struct dpact_set *s = add(DPACT_SET, sizeof(*s));
	s->header = DPH_IPV4;
	s->key.ipv4.tos = 0xb8;
	s->mask.ipv4.tos = 0xfc;
	assert_int_equal(
		((const struct rte_flow_action_set_dscp *)only(RTE_FLOW_ACTION_TYPE_SET_IPV4_DSCP))
			->dscp,
		46);
	s = add(DPACT_SET, sizeof(*s));
	s->header = DPH_IPV6;
	s->key.ipv6.tclass = 0xb8;
	s->mask.ipv6.tclass = 0xfc;
	assert_int_equal(
		((const struct rte_flow_action_set_dscp *)only(RTE_FLOW_ACTION_TYPE_SET_IPV6_DSCP))
			->dscp,
		46);
	s = add(DPACT_SET, sizeof(*s));
	s->header = DPH_IPV4;
	s->mask.ipv4.tos = 0xff; // ECN too
	output(2);
	assert_non_null(translate_actions());
	s = add(DPACT_SET, sizeof(*s));
	s->header = DPH_IPV6;
	s->mask.ipv6.label = 1;
	output(2);
	assert_non_null(translate_actions());
}

// What no card does here: all other headers and actions.
static void test_actions_that_stay(void **state)
{
	for (uint32_t h = 0; h < DPH_N_HEADERS; h++) {
		if (h == DPH_ETHERNET || h == DPH_IPV4 || h == DPH_IPV6 || h == DPH_TCP ||
		    h == DPH_UDP)
			continue;
		struct dpact_set *s = add(DPACT_SET, sizeof(*s));
		s->header = h;
		memset(&s->mask, 0xff, sizeof(s->mask));
		output(2);
		assert_non_null(translate_actions());
	}
	for (unsigned int type = 0; type < DPACT_N_TYPES; type++) {
		if (type == DPACT_OUTPUT || type == DPACT_SET || type == DPACT_PUSH_VLAN ||
		    type == DPACT_POP_VLAN || type == DPACT_DROP)
			continue;
		add(type, sizeof(struct dpact) + 16);
		output(2);
		assert_non_null(translate_actions());
	}
	buf_done(&actions);
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
		cmocka_unit_test_setup(test_exact_fragments, clear),
		cmocka_unit_test_setup(test_exact_tags, clear),
		cmocka_unit_test_setup(test_output_and_drop, clear),
		cmocka_unit_test_setup(test_vlan_actions, clear),
		cmocka_unit_test_setup(test_set_each_field, clear),
		cmocka_unit_test_setup(test_set_dscp, clear),
		cmocka_unit_test_setup(test_actions_that_stay, clear),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
