/* SPDX-License-Identifier: Apache-2.0 */
// The list of devices, dummies, patches, and vnet headers. Needs no privilege.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/random.h"
#include "base/str.h"
#include "netdev/dummy.h"
#include "netdev/mbuf.h"
#include "netdev/vnet.h"
#include "packet/checksum.h"
#include "packet/pcap.h"

static struct loop *loop;

static struct netdev *must_open(const char *name, const char *type)
{
	struct netdev *dev;
	struct error *e = netdev_open(loop, name, type, &dev);
	if (e)
		fail_msg("%s", error_text(e));
	return dev;
}

static void must_fail(const char *name, const char *type, int code, const char *text)
{
	struct netdev *dev;
	struct error *e = netdev_open(loop, name, type, &dev);
	assert_non_null(e);
	assert_int_equal(error_code(e), code);
	assert_non_null(strstr(error_text(e), text));
	error_free(e);
}

static bool has_type(const char *type)
{
	for (const char *const *t = netdev_types(); *t; t++)
		if (!strcmp(*t, type))
			return true;
	return false;
}

static void test_types(void **state)
{
	must_fail("x", "dummy", EAFNOSUPPORT, "could not create netdev x of unknown type dummy");
	assert_false(has_type("dummy"));
	netdev_enable_dummy(NETDEV_DUMMY_ADD);
	assert_true(has_type("dummy") && has_type("dummy-pmd") && has_type("system") &&
		    has_type("patch"));
	must_fail("x", "foobar", EAFNOSUPPORT, "could not create netdev x of unknown type foobar");
	must_fail("not-there", "", ENODEV, "not-there");
	must_fail("a-name-that-is-far-too-long", "system", ENODEV, "a-name");
}

static void test_references(void **state)
{
	struct netdev *a = must_open("d0", "dummy"), *b = must_open("d0", "dummy"),
		      *c = must_open("a0", "dummy");
	assert_ptr_equal(a, b);
	must_fail("d0", "patch", EEXIST, "d0 is open already with type dummy");
	assert_ptr_equal(netdev_next(NULL), c); // by name
	assert_ptr_equal(netdev_next(c), a);
	assert_null(netdev_next(a));
	netdev_unref(a);
	assert_ptr_equal(netdev_find("d0"), b);
	netdev_unref(b);
	assert_null(netdev_find("d0"));
	netdev_unref(c);
	netdev_unref(NULL);
}

static struct str complaints;
static void complain(void *arg, const char *text)
{
	str_addf(&complaints, "%s\n", text);
}

static struct error *set(struct netdev *dev, unsigned int n, ...)
{
	struct netdev_option options[8];
	va_list args;
	va_start(args, n);
	for (unsigned int i = 0; i < n; i++) {
		options[i].key = va_arg(args, const char *);
		options[i].value = va_arg(args, const char *);
	}
	va_end(args);
	str_clear(&complaints);
	return netdev_set_options(dev, (struct netdev_options){options, n}, complain, NULL);
}

static void test_patch(void **state)
{
	struct netdev *p = must_open("p0", "patch");
	assert_null(netdev_patch_peer(p));
	assert_false(netdev_has_queues(p));
	assert_int_equal(netdev_get_mtu(p), 0);
	struct error *e = set(p, 0);
	assert_non_null(strstr(error_text(e), "requires valid 'peer'"));
	error_free(e);
	e = set(p, 1, "peer", "p0");
	assert_non_null(strstr(error_text(e), "must not be self"));
	error_free(e);
	uint64_t seq = netdev_change_seq(p);
	assert_null(set(p, 2, "foo", "bar", "peer", "p1"));
	assert_string_equal(str_cstr(&complaints),
			    "options:foo is not known for type \"patch\", which has: peer\n");
	assert_string_equal(netdev_patch_peer(p), "p1");
	assert_int_not_equal(seq, netdev_change_seq(p));
	uint8_t mac[6];
	netdev_get_mac(p, mac);
	assert_int_equal(mac[0] & 3, 2);
	struct error *no_mtu = netdev_set_mtu(p, 1400);
	assert_non_null(no_mtu);
	error_free(no_mtu);
	netdev_unref(p);
}

static struct netdev_rxq *must_open_rxq(struct netdev *dev)
{
	struct netdev_rxq *rxq;
	struct error *e = netdev_rxq_open(dev, 0, &rxq);
	assert_null(e);
	return rxq;
}

static bool readable(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	return poll(&p, 1, 0) == 1;
}

static void test_dummy_receive(void **state)
{
	struct netdev *dev = must_open("d0", "dummy");
	struct netdev_rxq *rxq = must_open_rxq(dev);
	int fd = netdev_rxq_fd(rxq);
	uint8_t frame[60];
	for (size_t i = 0; i < sizeof(frame); i++)
		frame[i] = (uint8_t)i;
	assert_int_equal(netdev_dummy_receive("d1", 0, frame, 60, 0), -ENOENT);
	assert_int_equal(netdev_dummy_receive("d0", 1, frame, 60, 0), -EINVAL);
	assert_false(readable(fd));
	for (unsigned int i = 0; i < 105; i++) { // 100 fit
		frame[0] = (uint8_t)i;
		assert_int_equal(netdev_dummy_receive("d0", 0, frame, 60, i == 99 ? 100 : 0), 0);
	}
	unsigned int n = 0;
	struct rte_mbuf *m[32];
	for (int got; (got = netdev_rx_burst(rxq, m, 32));) {
		assert_true(readable(fd) || n + (unsigned int)got == 100);
		for (int i = 0; i < got; i++, n++) {
			assert_int_equal(*rte_pktmbuf_mtod(m[i], uint8_t *), n);
			assert_int_equal(m[i]->pkt_len, n == 99 ? 100 : 60);
			rte_pktmbuf_free(m[i]);
		}
	}
	assert_int_equal(n, 100);
	assert_false(readable(fd));
	struct netdev_stats s;
	netdev_get_stats(dev, &s);
	assert_int_equal(s.rx_packets, 100);
	assert_int_equal(s.rx_bytes, 99 * 60 + 100);
	assert_int_equal(s.rx_dropped, 5);
	assert_true(s.rx_crc_errors == UINT64_MAX);
	netdev_dummy_receive("d0", 0, frame, 60, 0);
	netdev_unref(dev);
	netdev_rxq_close(rxq); // holds the device; frees what waits
	assert_null(netdev_find("d0"));
}

static void test_dummy_send(void **state)
{
	char path[] = "/tmp/test-netdev-XXXXXX";
	close(mkstemp(path));
	unlink(path);
	struct netdev *dev = must_open("d0", "dummy");
	assert_null(set(dev, 2, "pcap", path, "n_rxq", "3"));
	assert_string_equal(str_cstr(&complaints), "");
	assert_int_equal(netdev_n_rxq(dev), 1); // only dummy-pmd has several
	uint8_t frame[3000] = {1, 2, 3};
	struct rte_mbuf *m[4] = {mbuf_from_bytes(frame, 60), mbuf_from_bytes(frame, 1518),
				 mbuf_from_bytes(frame, 1519), mbuf_from_bytes(frame, 64)};
	assert_int_equal(netdev_tx_burst(dev, 0, m, 4), 3); // one is larger than the MTU
	assert_null(netdev_set_mtu(dev, 9000));
	m[0] = mbuf_from_bytes(frame, 3000);
	assert_int_equal(netdev_tx_burst(dev, 0, m, 1), 1);
	assert_int_equal(netdev_dummy_set_admin_state("d0", false), 0);
	assert_false(netdev_is_up(dev) || netdev_carrier(dev));
	m[0] = mbuf_from_bytes(frame, 60);
	assert_int_equal(netdev_tx_burst(dev, 0, m, 1), 0);
	assert_int_equal(netdev_dummy_set_admin_state(NULL, true), 0);
	assert_true(netdev_is_up(dev));
	assert_int_equal(netdev_carrier_resets(dev), 2);
	assert_int_equal(netdev_dummy_set_admin_state("d7", true), -ENOENT);
	struct netdev_stats s;
	netdev_get_stats(dev, &s);
	assert_int_equal(s.tx_packets, 4);
	assert_int_equal(s.tx_dropped, 2);
	netdev_unref(dev);

	struct pcap_file *file;
	struct buf got = BUF_INIT;
	static const size_t lengths[] = {60, 1518, 64, 3000};
	bool end = false;
	assert_null(pcap_file_open(path, &file));
	for (size_t i = 0; i < 4; i++) {
		assert_null(pcap_file_read(file, &got, NULL, &end));
		assert_int_equal(got.len, lengths[i]);
		assert_memory_equal(got.data, frame, got.len);
	}
	assert_null(pcap_file_read(file, &got, NULL, &end));
	assert_true(end);
	pcap_file_close(file);
	buf_done(&got);
	unlink(path);
}

static void test_dummy_options(void **state)
{
	struct netdev *dev = must_open("d0", "dummy-pmd");
	struct error *e = set(dev, 3, "ifindex", "77", "n_rxq", "4", "zoo", "1");
	assert_null(e);
	assert_int_equal(netdev_ifindex(dev), 77);
	assert_int_equal(netdev_n_rxq(dev), 4);
	assert_non_null(
		strstr(str_cstr(&complaints), "options:zoo is not known for type \"dummy-pmd\""));
	e = set(dev, 1, "n_rxq", "many");
	assert_null(e);
	assert_non_null(strstr(str_cstr(&complaints), "n_rxq is \"many\": a number from 1 to 64"));
	e = set(dev, 1, "pstream", "punix:x");
	assert_non_null(e);
	error_free(e);
	e = set(dev, 1, "pcap", "/no/such/directory/x.pcap");
	assert_non_null(e);
	error_free(e);
	e = netdev_set_mtu(dev, 5);
	assert_non_null(e);
	error_free(e);
	struct str text = STR_INIT;
	netdev_dummy_conn_state(NULL, &text);
	assert_string_equal(str_cstr(&text), "");
	netdev_dummy_conn_state("d0", &text);
	assert_string_equal(str_cstr(&text), "d0: unknown\n");
	str_done(&text);
	netdev_unref(dev);
}

static void count(void *arg)
{
	++*(int *)arg;
}

static void test_watch(void **state)
{
	int n = 0;
	netdev_watch(loop, count, &n);
	struct netdev *dev = must_open("d0", "dummy");
	netdev_dummy_set_admin_state("d0", false);
	netdev_dummy_set_admin_state("d0", true);
	loop_run_once(loop, 0);
	assert_int_equal(n, 1); // together
	netdev_dummy_set_admin_state("d0", false);
	netdev_unwatch(count, &n);
	loop_run_once(loop, 0);
	assert_int_equal(n, 1);
	netdev_unref(dev);
}

static void test_override(void **state)
{
	netdev_enable_dummy(NETDEV_DUMMY_OVERRIDE);
	struct netdev *a = must_open("eth77", ""), *b = must_open("int77", "internal");
	assert_true(netdev_is_dummy(a) && netdev_is_dummy(b));
	assert_string_equal(netdev_type(a), "system");
	assert_string_equal(netdev_type(b), "internal");
	netdev_unref(a);
	netdev_unref(b);
	netdev_enable_dummy(NETDEV_DUMMY_SYSTEM);
	must_fail("bad/name/of/tap/device", "internal", ENAMETOOLONG, "at most 15");
	netdev_enable_dummy(NETDEV_DUMMY_ADD);
}

// --- vnet headers

struct frame {
	uint8_t eth[14], ip[20], l4[20], payload[40000];
} __attribute__((packed));

// A TCP (UDP) frame with the pseudo-header sum in its checksum field.
static struct frame *make_frame(size_t payload, bool udp)
{
	struct frame *f = calloc(1, sizeof(*f));
	memcpy(f->eth, "\2\0\0\0\0\2\2\0\0\0\0\1\x08\x00", 14);
	uint16_t l4_len = (uint16_t)(20 + payload);
	f->ip[0] = 0x45;
	put_be16(f->ip + 2, (uint16_t)(20 + l4_len));
	f->ip[8] = 64;
	f->ip[9] = udp ? 17 : 6;
	memcpy(f->ip + 12, "\x0a\0\0\1\x0a\0\0\2", 8);
	for (size_t i = 0; i < payload; i++)
		f->payload[i] = (uint8_t)random_u64();
	f->l4[12] = 0x50;
	be32_t src, dst;
	memcpy(&src, f->ip + 12, 4);
	memcpy(&dst, f->ip + 16, 4);
	be16_t sum = (be16_t)~csum_finish(csum_pseudo4(src, dst, f->ip[9], l4_len));
	memcpy(f->l4 + (udp ? 6 : 16), &sum, 2);
	return f;
}

static void check_sum(const struct rte_mbuf *m, size_t payload)
{
	uint8_t *bytes = malloc(m->pkt_len);
	const uint8_t *p = rte_pktmbuf_read(m, 0, m->pkt_len, bytes);
	be32_t src, dst;
	memcpy(&src, p + 26, 4);
	memcpy(&dst, p + 30, 4);
	uint32_t sum = csum_pseudo4(src, dst, p[23], (uint16_t)(20 + payload));
	assert_int_equal(csum_finish(csum_add(sum, p + 34, 20 + payload)), 0);
	free(bytes);
}

static void test_vnet_partial_checksum(void **state)
{
	for (size_t payload = 1; payload < 30000; payload = payload * 3 + 1) {
		bool udp = payload & 1;
		struct frame *f = make_frame(payload, udp);
		struct rte_mbuf *m = mbuf_from_bytes(f, 54 + payload);
		struct virtio_net_hdr h = {.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
					   .csum_start = 34,
					   .csum_offset = udp ? 6 : 16};
		struct virtio_net_hdr back;
		assert_true(vnet_decode(m, &h, 0));
		assert_int_equal(m->l2_len, 14);
		assert_int_equal(m->l3_len, 20);
		vnet_encode(m, &back);
		assert_memory_equal(&h, &back, sizeof(h));
		vnet_finish_checksum(m);
		check_sum(m, payload);
		vnet_encode(m, &back);
		assert_int_equal(back.flags, 0);
		rte_pktmbuf_free(m);
		free(f);
	}
}

static void test_vnet_segments_of_odd_length(void **state)
{
	struct frame *f = make_frame(1000, false);
	struct rte_mbuf *m = mbuf_from_bytes(f, 54), *last = m;
	for (size_t at = 0, n; at < 1000; at += n) {
		n = 1 + random_below(99);
		n = at + n > 1000 ? 1000 - at : n;
		last = last->next = mbuf_from_bytes(f->payload + at, n);
		m->nb_segs++;
		m->pkt_len += (uint32_t)n;
	}
	struct virtio_net_hdr h = {
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = 34, .csum_offset = 16};
	assert_true(vnet_decode(m, &h, 0));
	vnet_finish_checksum(m);
	check_sum(m, 1000);
	rte_pktmbuf_free(m);
	free(f);
}

static void test_vnet_gso(void **state)
{
	struct frame *f = make_frame(30000, false);
	struct rte_mbuf *m = mbuf_from_bytes(f, 30054);
	struct virtio_net_hdr back, h = {
					    .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
					    .gso_type = VIRTIO_NET_HDR_GSO_TCPV4,
					    .gso_size = 1448,
					    .csum_start = 34,
					    .csum_offset = 16,
					    .hdr_len = 54,
				    };
	assert_true(vnet_decode(m, &h, 0));
	assert_true(m->ol_flags & RTE_MBUF_F_TX_TCP_SEG);
	assert_int_equal(m->tso_segsz, 1448);
	vnet_encode(m, &back);
	assert_memory_equal(&h, &back, sizeof(h));
	rte_pktmbuf_mtod(m, uint8_t *)[47] = 0x80; // CWR
	vnet_encode(m, &back);
	assert_int_equal(back.gso_type, VIRTIO_NET_HDR_GSO_TCPV4 | VIRTIO_NET_HDR_GSO_ECN);
	rte_pktmbuf_free(m);
	free(f);
}

static void test_vnet_lies(void **state)
{
	static const struct virtio_net_hdr bad[] = {
		{.flags = 1, .csum_start = 0, .csum_offset = 16},
		{.flags = 1, .csum_start = 14, .csum_offset = 16},
		{.flags = 1, .csum_start = 60000, .csum_offset = 16},
		{.flags = 1, .csum_start = 34, .csum_offset = 60000},
		{.flags = 1, .csum_start = 154, .csum_offset = 0},
		{.flags = 0, .gso_type = VIRTIO_NET_HDR_GSO_TCPV4, .gso_size = 1448},
		{.flags = 1,
		 .csum_start = 34,
		 .csum_offset = 16,
		 .gso_type = VIRTIO_NET_HDR_GSO_TCPV4},
		{.flags = 1,
		 .csum_start = 34,
		 .csum_offset = 16,
		 .gso_type = VIRTIO_NET_HDR_GSO_UDP,
		 .gso_size = 5},
		{.flags = 1,
		 .csum_start = 34,
		 .csum_offset = 6,
		 .gso_type = VIRTIO_NET_HDR_GSO_TCPV4,
		 .gso_size = 5},
		{.flags = 1, .csum_start = 34, .csum_offset = 16, .gso_type = 77, .gso_size = 5},
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct frame *f = make_frame(100, false);
		struct rte_mbuf *m = mbuf_from_bytes(f, 154);
		if (vnet_decode(m, &bad[i], 0))
			fail_msg("header %zu is taken", i);
		rte_pktmbuf_free(m);
		free(f);
	}
	for (int i = 0; i < 20000; i++) { // no crash, whatever comes
		uint8_t bytes[80];
		struct virtio_net_hdr h;
		random_bytes(bytes, sizeof(bytes));
		random_bytes(&h, sizeof(h));
		if (random_below(2))
			memcpy(bytes + 12, "\x81\x00", 2);
		h.csum_start %= 100;
		h.csum_offset %= 20;
		h.gso_type %= 8;
		struct rte_mbuf *m = mbuf_from_bytes(bytes, 1 + random_below(80));
		if (vnet_decode(m, &h, 0)) {
			vnet_encode(m, &h);
			vnet_finish_checksum(m);
		}
		rte_pktmbuf_free(m);
	}
}

static int setup(void **state)
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
	str_done(&complaints);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_references),
		cmocka_unit_test(test_patch),
		cmocka_unit_test(test_dummy_receive),
		cmocka_unit_test(test_dummy_send),
		cmocka_unit_test(test_dummy_options),
		cmocka_unit_test(test_watch),
		cmocka_unit_test(test_override),
		cmocka_unit_test(test_vnet_partial_checksum),
		cmocka_unit_test(test_vnet_segments_of_odd_length),
		cmocka_unit_test(test_vnet_gso),
		cmocka_unit_test(test_vnet_lies),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
