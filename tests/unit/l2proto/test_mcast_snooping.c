/* SPDX-License-Identifier: Apache-2.0 */
// Multicast snooping: messages as they lie in frames, and the table against a naive model of it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "base/random.h"
#include "l2proto/mcast_message.h"
#include "l2proto/mcast_snooping.h"
#include "packet/checksum.h"
#include "packet/headers.h"

// --- Frames.

static void add_eth_ipv4(struct buf *b, unsigned int vlan, const uint8_t src[4], size_t payload)
{
	buf_add(b, (uint8_t[]){1, 0, 0x5e, 0, 0, 1, 0, 0, 0, 0, 0, 9}, 12);
	if (vlan) {
		buf_add_be16(b, ETHERTYPE_VLAN_8021Q);
		buf_add_be16(b, (uint16_t)vlan);
	}
	buf_add_be16(b, ETHERTYPE_IPV4);
	struct ipv4_hdr ip = {.ver_ihl = 0x46,
			      .total_len = htobe16((uint16_t)(24 + payload)),
			      .ttl = 1,
			      .proto = IP_PROTO_IGMP};
	memcpy(&ip.src, src, 4);
	buf_add(b, &ip, sizeof(ip));
	buf_add(b, (uint8_t[]){0x94, 4, 0, 0}, 4); // router alert
}

static void seal(struct buf *b, size_t at)
{
	be16_t sum = csum(b->data + at, b->len - at);
	memcpy(b->data + at + 2, &sum, 2);
}

static void igmp(struct buf *b, uint8_t type, const char *group, const char *from)
{
	unsigned int g[4], f[4];
	assert_int_equal(sscanf(group, "%u.%u.%u.%u", &g[0], &g[1], &g[2], &g[3]), 4);
	assert_int_equal(sscanf(from, "%u.%u.%u.%u", &f[0], &f[1], &f[2], &f[3]), 4);
	add_eth_ipv4(b, 0, (uint8_t[]){(uint8_t)f[0], (uint8_t)f[1], (uint8_t)f[2], (uint8_t)f[3]},
		     8);
	size_t at = b->len;
	buf_add(b,
		(uint8_t[]){type, 0, 0, 0, (uint8_t)g[0], (uint8_t)g[1], (uint8_t)g[2],
			    (uint8_t)g[3]},
		8);
	seal(b, at);
}

static void igmp3(struct buf *b, uint8_t record, unsigned int n_sources, uint8_t last)
{
	add_eth_ipv4(b, 7, (uint8_t[]){10, 0, 0, 1}, 16 + 4 * n_sources);
	size_t at = b->len;
	buf_add(b,
		(uint8_t[]){0x22, 0, 0, 0, 0, 0, 0, 1, record, 0, 0, (uint8_t)n_sources, 225, 0, 0,
			    last},
		16);
	buf_add_zeros(b, 4 * n_sources);
	seal(b, at);
}

static void mld(struct buf *b, uint8_t type, uint8_t last, bool from_nobody)
{
	buf_add(b, (uint8_t[]){0x33, 0x33, 0, 0, 0, 1, 0, 0, 0, 0, 0, 9}, 12);
	buf_add_be16(b, ETHERTYPE_IPV6);
	bool v2 = type == MLD2_REPORT;
	size_t n = v2 ? 28 : 24;
	struct ipv6_hdr ip = {.ver_tc_label = htobe32(0x60000000),
			      .payload_len = htobe16((uint16_t)(8 + n)),
			      .hop_limit = 1};
	ip.src[0] = from_nobody ? 0 : 0xfe;
	ip.dst[0] = 0xff;
	buf_add(b, &ip, sizeof(ip));
	buf_add(b, (uint8_t[]){IP_PROTO_ICMPV6, 0, 5, 2, 0, 0, 1, 0}, 8);
	size_t at = b->len;
	if (v2)
		buf_add(b, (uint8_t[]){type, 0, 0, 0, 0, 0, 0, 1, 4, 0, 0, 0}, 12);
	else
		buf_add(b, (uint8_t[]){type, 0, 0, 0, 0, 0, 0, 0}, 8);
	uint8_t group[16] = {0xff, 0x05, [15] = last};
	buf_add(b, group, 16);
	be16_t sum = csum_finish(csum_add(
		csum_pseudo6(ip.src, ip.dst, IP_PROTO_ICMPV6, (uint32_t)n), b->data + at, n));
	memcpy(b->data + at + 2, &sum, 2);
}

// --- Messages.

struct heard {
	unsigned int n;
	enum mcast_event event;
	uint8_t group[16];
};

static void hear(void *heard_, enum mcast_event event, const uint8_t group[16])
{
	struct heard *heard = heard_;
	heard->n++;
	heard->event = event;
	memcpy(heard->group, group, 16);
}

static void expect(struct buf *b, bool ok, unsigned int n, enum mcast_event event, uint8_t last)
{
	struct heard heard = {0};
	assert_int_equal(mcast_message_parse(b->data, b->len, hear, &heard), ok);
	assert_int_equal(heard.n, n);
	if (n) {
		assert_int_equal(heard.event, event);
		assert_int_equal(heard.group[15], last);
	}
	// Cut off anywhere, it says nothing.
	for (size_t cut = 0; cut < b->len && n; cut++) {
		heard.n = 0;
		assert_false(mcast_message_parse(b->data, cut, hear, &heard));
		assert_int_equal(heard.n, 0);
	}
	buf_done(b);
}

static void test_messages(void **state)
{
	struct buf b = BUF_INIT;
	igmp(&b, 0x12, "225.0.0.1", "10.0.0.1");
	expect(&b, true, 1, MCAST_JOIN, 1);
	igmp(&b, 0x16, "225.0.0.2", "10.0.0.1");
	expect(&b, true, 1, MCAST_JOIN, 2);
	igmp(&b, 0x17, "225.0.0.2", "10.0.0.1");
	expect(&b, true, 1, MCAST_LEAVE, 2);
	igmp(&b, 0x11, "0.0.0.0", "10.0.0.1");
	expect(&b, true, 1, MCAST_QUERY, 0);
	igmp(&b, 0x11, "0.0.0.0", "0.0.0.0");
	expect(&b, true, 0, MCAST_QUERY, 0);
	igmp(&b, 0x16, "10.0.0.2", "10.0.0.1"); // no group
	expect(&b, true, 0, MCAST_JOIN, 0);
	igmp(&b, 0x16, "225.0.0.2", "10.0.0.1");
	b.data[b.len - 1]++; // wrong checksum
	expect(&b, false, 0, MCAST_JOIN, 0);

	static const struct {
		uint8_t record;
		unsigned int n_sources, n;
		enum mcast_event event;
	} records[] = {{1, 0, 1, MCAST_LEAVE}, {1, 2, 1, MCAST_JOIN},  {2, 0, 1, MCAST_JOIN},
		       {2, 3, 1, MCAST_JOIN},  {3, 0, 1, MCAST_LEAVE}, {3, 1, 1, MCAST_JOIN},
		       {4, 0, 1, MCAST_JOIN},  {5, 1, 1, MCAST_JOIN},  {5, 0, 0, MCAST_JOIN},
		       {6, 1, 0, MCAST_JOIN},  {7, 1, 0, MCAST_JOIN},  {0, 0, 0, MCAST_JOIN}};
	for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++) {
		igmp3(&b, records[i].record, records[i].n_sources, 3);
		expect(&b, true, records[i].n, records[i].event, 3);
	}

	mld(&b, MLD_REPORT, 4, false);
	expect(&b, true, 1, MCAST_JOIN, 4);
	mld(&b, MLD_DONE, 4, false);
	expect(&b, true, 1, MCAST_LEAVE, 4);
	mld(&b, MLD_QUERY, 0, false);
	expect(&b, true, 1, MCAST_QUERY, 0);
	mld(&b, MLD_QUERY, 0, true);
	expect(&b, true, 0, MCAST_QUERY, 0);
	mld(&b, MLD2_REPORT, 5, false);
	expect(&b, true, 1, MCAST_JOIN, 5);
}

// --- The table.

enum { N_GROUPS = 6, N_VLANS = 2, N_PORTS = 4, AGE_MS = 20000 };

struct model {
	int64_t expires[N_GROUPS][N_VLANS][N_PORTS]; // 0: no member. Group 0: routers
};

static void group_address(unsigned int i, uint8_t group[16])
{
	mcast_group_from_ipv4(group, (uint8_t[]){225, 0, 0, (uint8_t)i});
}

static void model_age(struct model *m, int64_t now)
{
	for (unsigned int i = 0; i < N_GROUPS * N_VLANS * N_PORTS; i++)
		if ((&m->expires[0][0][0])[i] <= now)
			(&m->expires[0][0][0])[i] = 0;
}

static void compare(const struct mcast_snooping *s, const struct model *m)
{
	for (unsigned int g = 0; g < N_GROUPS; g++)
		for (unsigned int v = 0; v < N_VLANS; v++) {
			uint32_t ports[N_PORTS + 1], seen = 0, want = 0;
			uint8_t address[16];
			bool known;
			group_address(g, address);
			unsigned int n =
				g ? mcast_snooping_members(s, address, (uint16_t)v, ports,
							   N_PORTS + 1, &known)
				  : mcast_snooping_routers(s, (uint16_t)v, ports, N_PORTS + 1);
			for (unsigned int i = 0; i < n; i++)
				seen |= 1u << ports[i];
			for (unsigned int p = 0; p < N_PORTS; p++)
				want |= m->expires[g][v][p] ? 1u << p : 0;
			assert_int_equal(seen, want);
			assert_int_equal(n, __builtin_popcount(want));
			if (g)
				assert_int_equal(known, want != 0);
		}
}

static void test_model(void **state)
{
	struct mcast_snooping *s = mcast_snooping_new(
		&(struct mcast_snooping_config){.max_groups = 100, .age_ms = AGE_MS});
	struct model m = {0};
	int64_t now = 1;
	random_seed(1);
	for (unsigned int step = 0; step < 20000; step++) {
		unsigned int g = random_below(N_GROUPS), v = random_below(N_VLANS),
			     p = random_below(N_PORTS), what = random_below(20);
		struct buf b = BUF_INIT;
		char text[32];
		snprintf(text, sizeof(text), "225.0.0.%u", g);
		int64_t *expires = &m.expires[g][v][p];
		bool changed = false, said = true;
		if (!g && what < 8) { // group 0: routers
			igmp(&b, 0x11, "0.0.0.0", "10.0.0.1");
			changed = !*expires;
			*expires = now + MCAST_ROUTER_AGE_MS;
		} else if (what < 8) {
			igmp(&b, what % 2 ? 0x12 : 0x16, text, "10.0.0.1");
			changed = !*expires;
			*expires = now + AGE_MS;
		} else if (what < 12 && g) {
			igmp(&b, 0x17, text, "10.0.0.1");
			changed = *expires != 0;
			*expires = 0;
		} else {
			said = false;
		}
		if (said)
			assert_int_equal(
				mcast_snooping_learn(s, b.data, b.len, (uint16_t)v, p, now),
				changed);
		buf_done(&b);
		if (what == 19 && !random_below(20)) {
			mcast_snooping_flush_port(s, p);
			for (unsigned int i = 0; i < N_GROUPS * N_VLANS; i++)
				m.expires[i / N_VLANS][i % N_VLANS][p] = 0;
		}
		now += random_below(2000);
		if (mcast_snooping_next_age(s) <= now)
			mcast_snooping_age(s, now);
		model_age(&m, now);
		compare(s, &m);
	}
	mcast_snooping_flush(s);
	assert_true(mcast_snooping_next_age(s) == INT64_MAX);
	mcast_snooping_free(s);
}

static void test_full_table(void **state)
{
	struct mcast_snooping *s = mcast_snooping_new(
		&(struct mcast_snooping_config){.max_groups = 3, .age_ms = AGE_MS});
	uint8_t group[16];
	uint32_t port;
	bool known;
	for (unsigned int i = 1; i <= 5; i++) {
		struct buf b = BUF_INIT;
		char text[32];
		snprintf(text, sizeof(text), "225.0.0.%u", i == 4 ? 2 : i); // 2 is heard of again
		igmp(&b, 0x16, text, "10.0.0.1");
		mcast_snooping_learn(s, b.data, b.len, 0, 1, i);
		buf_done(&b);
	}
	static const bool there[] = {false, false, true,
				     true,  false, true}; // 1 was heard of longest ago
	for (unsigned int i = 1; i <= 5; i++) {
		group_address(i, group);
		mcast_snooping_members(s, group, 0, &port, 1, &known);
		assert_int_equal(known, there[i]);
	}
	mcast_snooping_configure(
		s, &(struct mcast_snooping_config){.max_groups = 1, .age_ms = AGE_MS});
	group_address(5, group);
	assert_int_equal(mcast_snooping_members(s, group, 0, &port, 1, &known), 1);
	mcast_snooping_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_messages),
					   cmocka_unit_test(test_model),
					   cmocka_unit_test(test_full_table)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
