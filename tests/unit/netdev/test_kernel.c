/* SPDX-License-Identifier: Apache-2.0 */
// Devices of the kernel, in a network namespace of the test's own. Skipped without the privilege to
// make one.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "netdev/mbuf.h"
#include "netdev/netdev.h"

static struct loop *loop;

static void sh(const char *command)
{
	if (system(command))
		fail_msg("%s", command);
}

static struct netdev *must_open(const char *name, const char *type)
{
	struct netdev *dev;
	struct error *e = netdev_open(loop, name, type, &dev);
	if (e)
		fail_msg("%s", error_text(e));
	return dev;
}

static struct netdev_rxq *must_open_rxq(struct netdev *dev)
{
	struct netdev_rxq *rxq;
	struct error *e = netdev_rxq_open(dev, 0, &rxq);
	if (e)
		fail_msg("%s", error_text(e));
	return rxq;
}

static struct rte_mbuf *receive_one(struct netdev_rxq *rxq, int timeout_ms)
{
	struct pollfd p = {.fd = netdev_rxq_fd(rxq), .events = POLLIN};
	struct rte_mbuf *m;
	if (poll(&p, 1, timeout_ms) <= 0)
		return NULL;
	return netdev_rx_burst(rxq, &m, 1) == 1 ? m : NULL;
}

// Until a frame with that EtherType comes: the kernel sends its own (IPv6 neighbours).
static struct rte_mbuf *receive_type(struct netdev_rxq *rxq, const char *type)
{
	for (int i = 0; i < 50; i++) {
		struct rte_mbuf *m = receive_one(rxq, 200);
		if (m && !memcmp(rte_pktmbuf_mtod_offset(m, uint8_t *, 12), type, strlen(type)))
			return m;
		rte_pktmbuf_free(m);
	}
	fail_msg("no such frame came");
	return NULL;
}

static struct netdev *a, *b; // the ends of a veth pair, as system devices
static struct netdev_rxq *rx_a, *rx_b;

static void open_pair(void)
{
	sh("ip link add va type veth peer name vb && ip link set va up && ip link set vb up");
	a = must_open("va", "");
	b = must_open("vb", "system");
	rx_a = must_open_rxq(a);
	rx_b = must_open_rxq(b);
}

static void close_pair(void)
{
	netdev_rxq_close(rx_a);
	netdev_rxq_close(rx_b);
	netdev_unref(a);
	netdev_unref(b);
	sh("ip link del va 2>/dev/null || true");
}

static void send_and_compare(const void *frame, size_t n, const char *type)
{
	struct rte_mbuf *m = mbuf_from_bytes(frame, n);
	assert_int_equal(netdev_tx_burst(a, 0, &m, 1), 1);
	struct rte_mbuf *got = receive_type(rx_b, type);
	assert_int_equal(got->pkt_len, n);
	uint8_t *copy = malloc(n);
	assert_memory_equal(rte_pktmbuf_read(got, 0, (uint32_t)n, copy), frame, n);
	free(copy);
	rte_pktmbuf_free(got);
}

static void test_frames_pass_unchanged(void **state)
{
	open_pair();
	assert_null(netdev_set_mtu(a, 9000));
	assert_null(netdev_set_mtu(b, 9000));
	assert_int_equal(netdev_get_mtu(a), 9000);
	static uint8_t frame[9018];
	for (size_t i = 0; i < sizeof(frame); i++)
		frame[i] = (uint8_t)(i * 7);
	memcpy(frame, "\2\0\0\0\0\x0b\2\0\0\0\0\x0a\x88\xb5", 14);
	static const size_t lengths[] = {14, 15, 60, 64, 1514, 2047, 2048, 2049, 4000, 9014};
	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++)
		send_and_compare(frame, lengths[i], "\x88\xb5");
	struct rte_mbuf *m = mbuf_from_bytes(frame, 9018);
	assert_int_equal(netdev_tx_burst(a, 0, &m, 1), 0); // longer than the MTU
	struct netdev_stats s;
	netdev_get_stats(a, &s);
	assert_int_equal(s.tx_dropped, 1);
	assert_true(s.tx_packets >= 10 && s.tx_bytes > 9014);
	close_pair();
}

static void test_vlan_tags_are_kept(void **state)
{
	open_pair();
	uint8_t frame[100] = {2,    0,	  0,	0,    0,    0x0b, 2,	0, 0, 0, 0,
			      0x0a, 0x81, 0x00, 0x60, 0x64, 0x88, 0xb5, 1, 2, 3};
	send_and_compare(frame, sizeof(frame), "\x81\x00\x60\x64\x88\xb5");
	// A tag of priority only, two tags, and a service tag.
	frame[14] = 0xa0, frame[15] = 0;
	send_and_compare(frame, sizeof(frame), "\x81\x00\xa0");
	uint8_t two[100] = {2,	  0,	0,    0,    0,	  0x0b, 2,    0,    0,	  0,	0, 0x0a,
			    0x88, 0xa8, 0x00, 0x05, 0x81, 0x00, 0x20, 0x07, 0x88, 0xb5, 9};
	send_and_compare(two, sizeof(two), "\x88\xa8");
	// The tag that the kernel's own VLAN device sends is beside the frame there. Not every
	// kernel has such devices.
	if (system("ip link add link va name va.7 type vlan id 7 2>/dev/null")) {
		close_pair();
		return;
	}
	sh("ip link set va.7 up && ip addr add 10.7.0.1/24 dev va.7");
	sh("ip neigh add 10.7.0.2 lladdr 02:00:00:00:00:0b dev va.7");
	sh("ping -c 1 -W 0 -s 20 10.7.0.2 >/dev/null 2>&1 || true");
	struct rte_mbuf *m = receive_type(rx_b, "\x81\x00");
	while (memcmp(rte_pktmbuf_mtod_offset(m, uint8_t *, 12), "\x81\x00\x00\x07\x08\x00", 6)) {
		rte_pktmbuf_free(m);
		m = receive_type(rx_b, "\x81\x00");
	}
	assert_int_equal(m->pkt_len, 14 + 4 + 20 + 8 + 20);
	rte_pktmbuf_free(m);
	close_pair();
}

static void test_own_frames_do_not_come_back(void **state)
{
	open_pair();
	uint8_t frame[60] = {2, 0, 0, 0, 0, 0x0b, 2, 0, 0, 0, 0, 0x0a, 0x88, 0xb5};
	send_and_compare(frame, sizeof(frame), "\x88\xb5");
	for (struct rte_mbuf *m; (m = receive_one(rx_a, 20));) {
		assert_memory_not_equal(rte_pktmbuf_mtod_offset(m, uint8_t *, 12), "\x88\xb5", 2);
		rte_pktmbuf_free(m);
	}
	close_pair();
}

// --- TCP between two namespaces, through two devices and a thread that joins them

static struct {
	struct netdev *dev[2];
	bool stop; // relaxed atomic
	uint32_t largest;
} wire;

static void pump(struct netdev_rxq *from, struct netdev *to)
{
	struct rte_mbuf *m[32];
	int n = netdev_rx_burst(from, m, 32);
	for (int i = 0; i < n; i++)
		wire.largest = m[i]->pkt_len > wire.largest ? m[i]->pkt_len : wire.largest;
	if (n > 0)
		netdev_tx_burst(to, 0, m, (unsigned int)n);
}

static void *wire_thread(void *arg)
{
	mbuf_thread_start();
	struct netdev_rxq *rx[2] = {must_open_rxq(wire.dev[0]), must_open_rxq(wire.dev[1])};
	while (!__atomic_load_n(&wire.stop, __ATOMIC_RELAXED)) {
		struct pollfd p[2] = {{.fd = netdev_rxq_fd(rx[0]), .events = POLLIN},
				      {.fd = netdev_rxq_fd(rx[1]), .events = POLLIN}};
		poll(p, 2, 50);
		for (int i = 0; i < 2; i++)
			if (p[i].revents)
				pump(rx[i], wire.dev[!i]);
	}
	netdev_rxq_close(rx[0]);
	netdev_rxq_close(rx[1]);
	mbuf_thread_stop();
	return NULL;
}

enum { AMOUNT = 20 << 20 };

static int tcp_listen(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_port = htons(5001),
				      .sin_addr.s_addr = htonl(INADDR_ANY)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	listen(fd, 1);
	return fd;
}

static void send_pattern(int fd)
{
	static uint8_t bytes[1 << 16];
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 13 + i / 255);
	for (size_t done = 0; done < AMOUNT;) {
		size_t at = done % sizeof(bytes);
		ssize_t n = write(fd, bytes + at, sizeof(bytes) - at);
		if (n <= 0)
			_exit(1);
		done += (size_t)n;
	}
}

static void receive_pattern(int fd)
{
	static uint8_t bytes[1 << 16];
	size_t done = 0;
	for (ssize_t n; (n = read(fd, bytes, sizeof(bytes))) > 0;)
		for (ssize_t i = 0; i < n; i++, done++) {
			size_t at = done % sizeof(bytes);
			if (bytes[i] != (uint8_t)(at * 13 + at / 255))
				fail_msg("byte %zu is wrong", done);
		}
	assert_int_equal(done, AMOUNT);
}

// The child has 10.0.0.2 in a namespace of its own, on the device `peer`, and sends; the parent
// has 10.0.0.1 on `here`.
static void run_tcp(const char *here, const char *peer, bool expect_large)
{
	int ready[2], go[2];
	assert_int_equal(pipe(ready), 0);
	assert_int_equal(pipe(go), 0);
	char c = 0, command[256];
	pid_t child = fork();
	if (!child) {
		close(go[1]);
		if (unshare(CLONE_NEWNET) || write(ready[1], &c, 1) != 1 || read(go[0], &c, 1) != 1)
			_exit(1);
		snprintf(command, sizeof(command),
			 "ip link set %s up && ip addr add 10.0.0.2/24 dev %s", peer, peer);
		if (system(command))
			_exit(2);
		struct sockaddr_in address = {.sin_family = AF_INET,
					      .sin_port = htons(5001),
					      .sin_addr.s_addr = htonl(0x0a000001)};
		int fd = socket(AF_INET, SOCK_STREAM, 0);
		alarm(20);
		if (connect(fd, (struct sockaddr *)&address, sizeof(address)))
			_exit(3);
		send_pattern(fd);
		_exit(0);
	}
	assert_int_equal(read(ready[0], &c, 1), 1);
	snprintf(command, sizeof(command),
		 "ip link set %s netns %d && ip addr add 10.0.0.1/24 dev %s && ip link set %s up",
		 peer, (int)child, here, here);
	sh(command);
	int listener = tcp_listen();
	wire.stop = false;
	wire.largest = 0;
	pthread_t thread;
	pthread_create(&thread, NULL, wire_thread, NULL);
	assert_int_equal(write(go[1], &c, 1), 1);
	struct pollfd p = {.fd = listener, .events = POLLIN};
	int64_t begin = clock_real_ms();
	assert_int_equal(poll(&p, 1, 10000), 1);
	int fd = accept(listener, NULL, NULL);
	receive_pattern(fd);
	int64_t took = clock_real_ms() - begin;
	close(fd);
	close(listener);
	int status;
	waitpid(child, &status, 0);
	assert_int_equal(status, 0);
	__atomic_store_n(&wire.stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	for (int i = 0; i < 2; i++)
		close(ready[i]), close(go[i]);
	print_message("%d MB in %d ms, largest frame %u\n", AMOUNT >> 20, (int)took, wire.largest);
	assert_true(!expect_large || wire.largest > 20000);
}

static void test_tcp_through_system_devices(void **state)
{
	sh("ip link add e0 type veth peer name s0 && ip link add e1 type veth peer name s1 && ip "
	   "link set s0 up && ip link set s1 up");
	wire.dev[0] = must_open("s0", "");
	wire.dev[1] = must_open("s1", "");
	run_tcp("e0", "e1", true);
	netdev_unref(wire.dev[0]);
	netdev_unref(wire.dev[1]);
	sh("ip link del e0; ip link del s1 2>/dev/null || true");
}

static void test_tcp_through_tap(void **state)
{
	sh("ip link add e1 type veth peer name s1 && ip link set s1 up");
	wire.dev[0] = must_open("int0", "internal");
	wire.dev[1] = must_open("s1", "");
	run_tcp("int0", "e1", true);
	struct netdev_stats s;
	netdev_get_stats(wire.dev[0], &s);
	assert_true(s.tx_bytes > AMOUNT); // what the switch sent into the tap
	assert_true(s.rx_bytes < AMOUNT);
	netdev_unref(wire.dev[0]);
	netdev_unref(wire.dev[1]);
	netdev_settle();
	assert_int_not_equal(system("ip link show int0 >/dev/null 2>&1"), 0); // goes with the port
}

// --- Changes

static int n_changes;
static void on_change(void *arg)
{
	n_changes++;
}

static void settle(void)
{
	for (int i = 0; i < 10; i++)
		loop_run_once(loop, 10);
}

static void test_changes_are_seen(void **state)
{
	netdev_watch(loop, on_change, NULL);
	assert_null(netdev_watch_problem());
	sh("ip link add va type veth peer name vb");
	settle();
	assert_true(n_changes > 0); // a device appeared
	struct netdev *dev = must_open("va", "");
	assert_false(netdev_is_up(dev) || netdev_carrier(dev));
	uint64_t seq = netdev_change_seq(dev);
	sh("ip link set va up && ip link set vb up");
	settle();
	assert_true(netdev_is_up(dev) && netdev_carrier(dev));
	assert_true(netdev_change_seq(dev) > seq);
	assert_int_equal(netdev_carrier_resets(dev), 1);
	sh("ip link set vb down");
	settle();
	assert_false(netdev_carrier(dev));
	assert_true(netdev_is_up(dev));
	sh("ip link set va mtu 1300 address 02:11:22:33:44:55");
	settle();
	uint8_t mac[6];
	assert_int_equal(netdev_get_mac(dev, mac), 0);
	assert_memory_equal(mac, "\x02\x11\x22\x33\x44\x55", 6);
	assert_int_equal(netdev_get_mtu(dev), 1300);
	assert_null(netdev_set_mac(dev, (const uint8_t *)"\x02\x11\x22\x33\x44\x66"));
	netdev_get_mac(dev, mac);
	assert_int_equal(mac[5], 0x66);
	assert_null(netdev_set_up(dev, false));
	assert_false(netdev_is_up(dev));
	struct error *e =
		netdev_set_mac(dev, (const uint8_t *)"\x01\x11\x22\x33\x44\x66"); // a group address
	assert_non_null(e);
	error_free(e);
	e = netdev_set_mtu(dev, 5);
	assert_non_null(e);
	error_free(e);
	netdev_unref(dev);
	sh("ip link del va");
	settle();
	netdev_unwatch(on_change, NULL);
}

static void vanish(const char *command)
{
	sh("ip link add va type veth peer name vb && ip link set va up && ip link set vb up");
	netdev_watch(loop, on_change, NULL);
	struct netdev *dev = must_open("va", "");
	struct netdev_rxq *rxq = must_open_rxq(dev);
	n_changes = 0;
	sh(command);
	settle();
	assert_true(netdev_is_gone(dev));
	assert_true(n_changes > 0);
	assert_int_equal(netdev_ifindex(dev), 0);
	assert_null(netdev_find("va"));
	struct rte_mbuf *m[32];
	for (int i, n; (n = netdev_rx_burst(rxq, m, 32));) {
		assert_true(n > 0);
		for (i = 0; i < n; i++)
			rte_pktmbuf_free(m[i]);
	}
	struct pollfd p = {.fd = netdev_rxq_fd(rxq), .events = POLLIN};
	netdev_rx_burst(rxq, m, 0);
	assert_int_equal(poll(&p, 1, 0), 0); // a thread that waits for it does not spin
	m[0] = mbuf_from_bytes("\2\0\0\0\0\x0b\2\0\0\0\0\x0a\x88\xb5", 14);
	uint8_t mac[6];
	assert_int_equal(netdev_get_mac(dev, mac), -ENODEV);
	netdev_tx_burst(dev, 0, m, 1);
	sh("ip link del va 2>/dev/null; ip link del vc 2>/dev/null; ip link add va type veth peer "
	   "name vb");
	struct netdev *again = must_open("va", "");
	assert_ptr_not_equal(again, dev);
	assert_false(netdev_is_gone(again));
	netdev_unref(again);
	netdev_rxq_close(rxq);
	netdev_unref(dev);
	netdev_unwatch(on_change, NULL);
	sh("ip link del va");
}

static void test_device_vanishes(void **state)
{
	vanish("ip link del va");
	vanish("ip link set va down && ip link set va name vc");
}

static void test_tap_is_deleted_under_us(void **state)
{
	struct netdev *dev = must_open("tap0", "tap");
	struct netdev_rxq *rxq = must_open_rxq(dev);
	struct rte_mbuf *m;
	assert_int_equal(netdev_rx_burst(rxq, &m, 1), 0);
	sh("ip link del tap0");
	settle();
	assert_true(netdev_is_gone(dev));
	assert_int_equal(netdev_rx_burst(rxq, &m, 1), -ENODEV);
	netdev_rxq_close(rxq);
	netdev_unref(dev);
}

static void test_tap_that_was_there_is_kept(void **state)
{
	sh("ip tuntap add tap1 mode tap");
	struct netdev *dev = must_open("tap1", "tap");
	struct netdev *same = must_open("tap1", "tap");
	assert_ptr_equal(dev, same);
	netdev_unref(same);
	netdev_unref(dev);
	sh("ip link show tap1 >/dev/null && ip link del tap1");
	dev = must_open("int1", "internal"); // left behind, found again, removed
	int ifindex = netdev_ifindex(dev);
	netdev_leave(dev);
	netdev_unref(dev);
	sh("ip link show int1 >/dev/null");
	dev = must_open("int1", "internal");
	assert_int_equal(netdev_ifindex(dev), ifindex);
	netdev_unref(dev);
	netdev_settle();
	assert_int_not_equal(system("ip link show int1 >/dev/null 2>&1"), 0);
	sh("ip link add va type veth peer name vb");
	struct error *e = netdev_open(loop, "va", "internal", &dev);
	assert_non_null(e); // there is another device of that name
	error_free(e);
}

static void test_internal_devices_go_together(void **state)
{
	struct netdev *dev[8];
	char name[16];
	for (int i = 0; i < 8; i++) {
		snprintf(name, sizeof(name), "many%d", i);
		dev[i] = must_open(name, "internal");
	}
	int ifindex = netdev_ifindex(dev[3]);
	for (int i = 0; i < 7; i++) {
		netdev_unref(dev[i]);
		if (i == 3) { // one that comes back at once is a new one
			dev[i] = must_open("many3", "internal");
			assert_int_not_equal(netdev_ifindex(dev[i]), ifindex);
		}
	}
	loop_run_once(loop, 0);
	assert_int_not_equal(system("ip -o link | grep -E ': many[012456]:'"), 0);
	sh("ip link show many3 >/dev/null && ip link show many7 >/dev/null");
	netdev_unref(dev[3]);
	sh("ip link set many7 name other"); // no longer under the name it had
	netdev_unref(dev[7]);
	loop_run_once(loop, 0);
	assert_int_not_equal(system("ip -o link | grep -E ': (many|other)'"), 0);
}

static void take_pair(void *arg, const char *key, const char *value)
{
	if (!strcmp(key, "driver_name"))
		snprintf(arg, 32, "%s", value);
}

static void test_what_ethtool_says(void **state)
{
	open_pair();
	char driver[32] = "";
	netdev_get_status(a, take_pair, driver);
	assert_string_equal(driver, "veth");
	struct netdev_features f;
	netdev_get_features(a, &f);
	assert_int_equal(f.current_speed, 10000);
	assert_int_equal(f.current, NETDEV_F_10GB_FD | NETDEV_F_COPPER);
	close_pair();
}

// A fresh namespace per test.
static int setup(void **state)
{
	return unshare(CLONE_NEWNET);
}

static int setup_all(void **state)
{
	loop = loop_new();
	struct error *e = mbuf_env_start();
	if (e)
		fail_msg("%s", error_text(e));
	return 0;
}

static int teardown(void **state)
{
	loop_free(loop);
	return 0;
}

int main(void)
{
	if (unshare(CLONE_NEWNET) < 0 || access("/dev/net/tun", R_OK | W_OK) < 0) {
		printf("skipped: no privilege to make a network namespace\n");
		return 77;
	}
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_frames_pass_unchanged, setup),
		cmocka_unit_test_setup(test_vlan_tags_are_kept, setup),
		cmocka_unit_test_setup(test_own_frames_do_not_come_back, setup),
		cmocka_unit_test_setup(test_tcp_through_system_devices, setup),
		cmocka_unit_test_setup(test_tcp_through_tap, setup),
		cmocka_unit_test_setup(test_changes_are_seen, setup),
		cmocka_unit_test_setup(test_device_vanishes, setup),
		cmocka_unit_test_setup(test_tap_is_deleted_under_us, setup),
		cmocka_unit_test_setup(test_internal_devices_go_together, setup),
		cmocka_unit_test_setup(test_tap_that_was_there_is_kept, setup),
		cmocka_unit_test_setup(test_what_ethtool_says, setup),
	};
	return cmocka_run_group_tests(tests, setup_all, teardown);
}
