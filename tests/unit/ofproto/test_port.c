/* SPDX-License-Identifier: Apache-2.0 */
// Ports, bundles and the snapshot that translation gets of them, on devices that are only memory.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rcu.h"
#include "l2proto/mac_table.h"
#include "ofproto/controllers.h"
#include "ofproto/internal.h"
#include "openflow/port.h"

// --- Fake devices, datapath and controllers.

struct netdev {
	const char *name, *type, *peer;
	uint8_t mac[6];
	bool up, carrier;
	uint64_t seq;
	int refs;
};

struct netdev *netdev_ref(struct netdev *n)
{
	n->refs++;
	return n;
}
void netdev_unref(struct netdev *n)
{
	n->refs--;
}
const char *netdev_name(const struct netdev *n)
{
	return n->name;
}
const char *netdev_type(const struct netdev *n)
{
	return n->type;
}
const char *netdev_patch_peer(const struct netdev *n)
{
	return n->peer;
}
uint64_t netdev_change_seq(const struct netdev *n)
{
	return n->seq;
}
int netdev_get_mac(const struct netdev *n, uint8_t mac[6])
{
	memcpy(mac, n->mac, 6);
	return 0;
}
bool netdev_is_up(const struct netdev *n)
{
	return n->up;
}
bool netdev_carrier(const struct netdev *n)
{
	return n->carrier;
}
struct error *netdev_set_up(struct netdev *n, bool up)
{
	n->up = up;
	return NULL;
}
void netdev_get_features(const struct netdev *n, struct netdev_features *f)
{
	*f = (struct netdev_features){
		.current = NETDEV_F_10GB_FD, .current_speed = 10000, .max_speed = 10000};
}
void netdev_get_stats(const struct netdev *n, struct netdev_stats *s)
{
	*s = (struct netdev_stats){.rx_packets = 42};
}

static uint32_t next_dp_port = 1;
static unsigned int n_dp_ports;
static bool refuse_port;

struct error *backer_port_add(struct backer *b, struct netdev *n, uint32_t *dp_port)
{
	if (refuse_port)
		return error_errno(EBUSY, "%s", n->name);
	*dp_port = next_dp_port++;
	n_dp_ports++;
	return NULL;
}
int backer_port_del(struct backer *b, uint32_t dp_port)
{
	n_dp_ports--;
	return 0;
}
struct dp *backer_dp(const struct backer *b)
{
	return NULL;
}
struct error *dp_port_reconfigure(struct dp *dp, uint32_t port)
{
	return NULL;
}
void backer_patch_stats(const struct backer *b, const struct ofproto *p, uint32_t port,
			struct backer_patch_stats *s)
{
	*s = (struct backer_patch_stats){.tx_packets = 7};
}

static struct ofp_port_status news[64];
static size_t n_news;

void controllers_port_status(struct controllers *cs, const struct ofp_port_status *status,
			     const struct conn *except)
{
	assert_true(n_news < 64);
	news[n_news++] = *status;
}
bool controllers_want_misses(const struct controllers *cs)
{
	return false;
}

// What translation was told last, with deep copies of what the tests look at.
static struct xlate_port_config seen_ports[2][16];
static struct xlate_bundle_config seen_bundles[2][16];
static unsigned int n_seen_ports[2], n_seen_bundles[2], n_snapshots;
static struct ofproto bridges[2];

struct xlate_mirror_config *mirrors_config(const struct ofproto *p, unsigned int *n)
{
	*n = 0;
	return NULL;
}

void mirrors_config_free(struct xlate_mirror_config *all, unsigned int n)
{
}

void xlate_set_bridge(struct backer *b, const struct xlate_bridge_config *c)
{
	size_t i = (size_t)(c->ofproto - bridges);
	memcpy(seen_ports[i], c->ports, c->n_ports * sizeof(*c->ports));
	memcpy(seen_bundles[i], c->bundles, c->n_bundles * sizeof(*c->bundles));
	n_seen_ports[i] = c->n_ports;
	n_seen_bundles[i] = c->n_bundles;
	n_snapshots++;
}

// --- Two bridges.

static struct ofproto_system sys;
static struct netdev devices[8];
static int n_devices;

static struct netdev *device(const char *name)
{
	struct netdev *n = &devices[n_devices++];
	*n = (struct netdev){.name = name,
			     .type = "dummy",
			     .mac = {2, 0, 0, 0, 0, 1},
			     .up = true,
			     .carrier = true};
	return n;
}

static int setup(void **state)
{
	memset(&sys, 0, sizeof(sys));
	memset(bridges, 0, sizeof(bridges));
	sys.loop = loop_new();
	static char names[2][4] = {"br0", "br1"};
	for (int i = 0; i < 2; i++) {
		bridges[i].system = &sys;
		bridges[i].name = names[i];
		bridges[i].macs = mac_table_new(100, 300000);
		bridges[i].controllers = (struct controllers *)&sys; // only handed to the fakes
		vec_push(&sys.bridges, &bridges[i]);
	}
	n_news = 0;
	n_devices = 0;
	n_snapshots = 0;
	next_dp_port = 1;
	refuse_port = false;
	return 0;
}

static int teardown(void **state)
{
	for (int i = 0; i < 2; i++) {
		bundles_done(&bridges[i]);
		ofports_done(&bridges[i]);
		loop_defer_cancel(&bridges[i].snapshot_defer);
		mac_table_free(bridges[i].macs);
	}
	vec_done(&sys.bridges);
	loop_free(sys.loop);
	assert_int_equal(n_dp_ports, 0);
	return 0;
}

static void settle(void)
{
	loop_run_once(sys.loop, 0);
}

static uint32_t add(struct ofproto *p, struct netdev *n, uint32_t requested)
{
	uint32_t number;
	struct error *e = ofproto_add_port(p, n, requested, &number);
	assert_null(e);
	return number;
}

// --- Tests.

static void test_numbers(void **state)
{
	struct netdev *a = device("a"), *b = device("b"), *c = device("c"), *local = device("br0"),
		      *d = device("d");
	assert_int_equal(add(&bridges[0], a, OFPP_NONE), 1);
	assert_int_equal(add(&bridges[0], local, OFPP_LOCAL), OFPP_LOCAL);
	assert_int_equal(add(&bridges[0], b, 1), 2); // taken
	assert_int_equal(add(&bridges[0], c, 3), 3);
	assert_int_equal(ofproto_del_port(&bridges[0], 2), 0);
	assert_int_equal(ofproto_del_port(&bridges[0], 2), -ENOENT);
	assert_int_equal(add(&bridges[0], d, OFPP_NONE),
			 4); // 3 is taken, 2 is not given again at once
	assert_int_equal(b->refs, 0);
	struct ofproto_port_info info;
	assert_int_equal(ofproto_find_port_by_name(&bridges[0], "br0", &info), 0);
	assert_int_equal(info.ofp_port, OFPP_LOCAL);
	assert_int_equal(ofproto_find_port(&bridges[0], 4, &info), 0);
	assert_string_equal(info.name, "d");
	assert_int_equal(ofproto_find_port(&bridges[0], 9, &info), -ENOENT);
}

static void test_numbers_wrap(void **state)
{
	struct netdev *a = device("a"), *b = device("b"), *c = device("c");
	bridges[0].last_port = OFPP_MAX - 2;
	assert_int_equal(add(&bridges[0], a, OFPP_NONE), OFPP_MAX - 1);
	assert_int_equal(add(&bridges[0], b, OFPP_NONE), 1);
	assert_int_equal(add(&bridges[0], c, OFPP_MAX), 2); // no port number
}

static void test_refused(void **state)
{
	struct netdev *a = device("a");
	uint32_t number;
	refuse_port = true;
	struct error *e = ofproto_add_port(&bridges[0], a, OFPP_NONE, &number);
	assert_int_equal(error_code(e), EBUSY);
	error_free(e);
	assert_int_equal(a->refs, 0);
	assert_int_equal(n_news, 0);
	refuse_port = false;
	add(&bridges[0], a, OFPP_NONE);
	e = ofproto_add_port(&bridges[0], a, OFPP_NONE, &number);
	assert_int_equal(error_code(e), EEXIST);
	error_free(e);
}

static void test_news_and_link(void **state)
{
	struct netdev *a = device("a");
	add(&bridges[0], a, OFPP_NONE);
	assert_int_equal(n_news, 1);
	assert_int_equal(news[0].reason, OFPPR_ADD);
	assert_int_equal(news[0].desc.state, OFPPS_LIVE);
	assert_int_equal(news[0].desc.curr_speed, 10000000);
	settle();
	assert_true(seen_ports[0][0].up);
	mac_table_learn(bridges[0].macs, (uint8_t[]){2, 0, 0, 0, 0, 9}, 0, 1, 0);
	a->carrier = false;
	ofports_refresh(&bridges[0]); // the device did not say that it changed
	assert_int_equal(n_news, 1);
	a->seq++;
	ofports_refresh(&bridges[0]);
	assert_int_equal(n_news, 2);
	assert_int_equal(news[1].reason, OFPPR_MODIFY);
	assert_int_equal(news[1].desc.state, OFPPS_LINK_DOWN);
	assert_int_equal(mac_table_count(bridges[0].macs), 0);
	settle();
	assert_false(seen_ports[0][0].up);
	a->seq++; // nothing that anybody would see
	ofports_refresh(&bridges[0]);
	assert_int_equal(n_news, 2);
	assert_int_equal(ofproto_del_port(&bridges[0], 1), 0);
	assert_int_equal(n_news, 3);
	assert_int_equal(news[2].reason, OFPPR_DELETE);
}

static void test_port_config(void **state)
{
	struct netdev *a = device("a");
	add(&bridges[0], a, OFPP_NONE);
	struct ofport *port = ofport_find(&bridges[0], 1);
	ofport_set_config(port, OFPPC_PORT_DOWN | OFPPC_NO_FLOOD);
	assert_false(a->up);
	assert_int_equal(port->config, OFPPC_PORT_DOWN | OFPPC_NO_FLOOD);
	assert_int_equal(n_news, 2);
	ofport_set_config(port, OFPPC_PORT_DOWN | OFPPC_NO_FLOOD);
	assert_int_equal(n_news, 2);
	ofport_set_config(port, OFPPC_NO_FLOOD);
	assert_true(a->up);
	assert_int_equal(news[2].desc.config, OFPPC_NO_FLOOD);
}

static void test_one_snapshot_for_many_changes(void **state)
{
	struct netdev *a = device("a"), *b = device("b");
	add(&bridges[0], a, OFPP_NONE);
	add(&bridges[0], b, OFPP_NONE);
	assert_int_equal(n_snapshots, 0);
	settle();
	assert_int_equal(n_snapshots, 1);
	assert_int_equal(n_seen_ports[0], 2);
	settle();
	assert_int_equal(n_snapshots, 1);
	ofproto_port_reconfigure(&bridges[0], 1);
	snapshot_flush(&bridges[0]);
	assert_int_equal(n_snapshots, 2);
	settle();
	assert_int_equal(n_snapshots, 2);
}

static void test_bundles(void **state)
{
	struct netdev *a = device("a"), *b = device("b");
	add(&bridges[0], a, OFPP_NONE);
	add(&bridges[0], b, OFPP_NONE);
	uint64_t trunks[64] = {6};
	uint32_t ports[] = {1, 2, 77};
	struct ofproto_bundle_config c = {.name = "bond",
					  .ports = ports,
					  .n_ports = 2,
					  .vlan_mode = VLAN_TRUNK,
					  .tag = -1,
					  .trunks = trunks,
					  .qinq_ethertype = 0x88a8};
	ofproto_set_bundle(&bridges[0], a, &c);
	settle();
	assert_int_equal(n_seen_bundles[0], 1);
	assert_int_equal(seen_ports[0][0].bundle, 0);
	assert_int_equal(seen_ports[0][1].bundle, 0);
	assert_true(seen_bundles[0][0].floodable);
	assert_ptr_not_equal(seen_bundles[0][0].trunks, trunks);
	unsigned int before = n_snapshots;
	ofproto_set_bundle(&bridges[0], a, &c); // the same again
	settle();
	assert_int_equal(n_snapshots, before);

	// A port that moves to another bundle leaves the first; one that does not exist is passed
	// over.
	struct ofproto_bundle_config d = {
		.name = "b", .ports = &ports[1], .n_ports = 2, .vlan_mode = VLAN_ACCESS, .tag = 5};
	mac_table_learn(bridges[0].macs, (uint8_t[]){2, 0, 0, 0, 0, 9}, 0, 2, 0);
	ofproto_set_bundle(&bridges[0], b, &d);
	assert_int_equal(mac_table_count(bridges[0].macs), 0);
	settle();
	assert_int_equal(n_seen_bundles[0], 2);
	assert_int_equal(seen_bundles[0][0].n_ports, 1);
	assert_int_equal(seen_bundles[0][1].n_ports, 1);
	assert_int_equal(seen_ports[0][1].bundle, 1);
	assert_int_equal(seen_bundles[0][1].tag, 5);

	ofport_set_config(ofport_find(&bridges[0], 2), OFPPC_NO_FLOOD);
	assert_int_equal(ofproto_del_port(&bridges[0], 1), 0);
	settle();
	assert_int_equal(seen_bundles[0][0].n_ports, 0);
	assert_false(seen_bundles[0][0].floodable);
	assert_false(seen_bundles[0][1].floodable);
	ofproto_remove_bundle(&bridges[0], b);
	ofproto_remove_bundle(&bridges[0], b);
	settle();
	assert_int_equal(n_seen_bundles[0], 1);
	assert_int_equal(seen_ports[0][0].bundle, -1);
}

static void test_patch_ports(void **state)
{
	struct netdev *a = device("a"), *b = device("b");
	a->type = b->type = "patch";
	a->peer = "b";
	b->peer = "x"; // does not name a
	add(&bridges[0], a, OFPP_NONE);
	uint32_t at_b = add(&bridges[1], b, 7);
	assert_int_equal(at_b, 7);
	assert_int_equal(n_dp_ports, 0);
	settle();
	assert_int_equal(seen_ports[0][0].dp_port, DP_PORT_NONE);
	assert_null(seen_ports[0][0].peer);
	b->peer = "a";
	ofproto_port_reconfigure(&bridges[1], 7);
	settle();
	assert_ptr_equal(seen_ports[0][0].peer, &bridges[1]);
	assert_int_equal(seen_ports[0][0].peer_port, 7);
	assert_ptr_equal(seen_ports[1][0].peer, &bridges[0]);
	struct netdev_stats stats;
	assert_int_equal(ofproto_port_get_stats(&bridges[1], 7, &stats), 0);
	assert_int_equal(stats.tx_packets, 7);
	assert_true(stats.rx_errors == UINT64_MAX);
	assert_int_equal(ofproto_port_get_stats(&bridges[1], 8, &stats), -ENOENT);
	assert_int_equal(ofproto_del_port(&bridges[1], 7), 0);
	settle();
	assert_null(seen_ports[0][0].peer);
}

static void delete_each(void *p, const struct ofproto_port_info *info)
{
	ofproto_del_port(p, info->ofp_port);
}

static void test_delete_while_iterating(void **state)
{
	struct netdev *a = device("a"), *b = device("b"), *c = device("c");
	add(&bridges[0], a, OFPP_NONE);
	add(&bridges[0], b, OFPP_NONE);
	add(&bridges[0], c, OFPP_NONE);
	ofproto_for_each_port(&bridges[0], delete_each, &bridges[0]);
	assert_int_equal(bridges[0].ports.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)
		TEST(test_numbers),
		TEST(test_numbers_wrap),
		TEST(test_refused),
		TEST(test_news_and_link),
		TEST(test_port_config),
		TEST(test_one_snapshot_for_many_changes),
		TEST(test_bundles),
		TEST(test_patch_ports),
		TEST(test_delete_while_iterating),
	};
	rcu_register();
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	rcu_unregister();
	return failed;
}
