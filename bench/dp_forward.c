/* SPDX-License-Identifier: Apache-2.0 */
// Cycles per packet of the userspace datapath alone: DPDK's pcap driver replays frames for ever,
// the null driver swallows them. What stands for translation answers each miss with a fixed mask.
// See bench/README.md; arguments after `--`: MODE [SECONDS]. `dp_forward write FILE N` makes
// frames, `dp_forward hz` says how many cycles a second has.
//
//	MODE 0: one rule on in_port; 1: rules on a UDP port and a /12, one mask; 2: the same, and a
//second mask for one packet in 	eight; 3: each 5-tuple its own megaflow; 4: one rule, MACs and TTL
//rewritten, tag pushed; 	5: a hash and a second pass, in which six bits of it decide, as select
//groups with dp_hash do it; 	9: no datapath at all, the least there is
#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_ethdev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/random.h"
#include "dp/user/burst.h"
#include "dp/user/user.h"
#include "netdev/dummy.h"

static unsigned int mode;

// --- The two devices.

struct netdev {
	uint16_t port;
};
static struct netdev sink = {.port = 1};

unsigned int netdev_tx_burst(struct netdev *dev, unsigned int thread, struct rte_mbuf **m,
			     unsigned int n)
{
	unsigned int sent = rte_eth_tx_burst(dev->port, 0, m, (uint16_t)n);
	if (sent < n)
		rte_pktmbuf_free_bulk(m + sent, n - sent);
	return sent;
}

// The datapath's ports are not used here.
#define UNUSED_NETDEV(TYPE, NAME, ...)                                                             \
	TYPE NAME(__VA_ARGS__)                                                                     \
	{                                                                                          \
		abort();                                                                           \
	}
UNUSED_NETDEV(int, netdev_rx_burst, struct netdev_rxq *q, struct rte_mbuf **m, unsigned int n)
UNUSED_NETDEV(struct netdev *, netdev_ref, struct netdev *d)
UNUSED_NETDEV(void, netdev_unref, struct netdev *d)
UNUSED_NETDEV(const char *, netdev_name, const struct netdev *d)
UNUSED_NETDEV(const char *, netdev_type, const struct netdev *d)
UNUSED_NETDEV(int, netdev_get_mtu, const struct netdev *d)
UNUSED_NETDEV(bool, netdev_is_dummy, const struct netdev *d)
UNUSED_NETDEV(bool, netdev_has_queues, const struct netdev *d)
UNUSED_NETDEV(unsigned int, netdev_n_rxq, const struct netdev *d)
UNUSED_NETDEV(struct error *, netdev_rxq_open, struct netdev *d, unsigned int i,
	      struct netdev_rxq **q)
UNUSED_NETDEV(void, netdev_rxq_close, struct netdev_rxq *q)
UNUSED_NETDEV(int, netdev_flow_port, const struct netdev *d)
UNUSED_NETDEV(int, netdev_numa, const struct netdev *d)
UNUSED_NETDEV(int, netdev_rxq_fd, const struct netdev_rxq *q)
UNUSED_NETDEV(bool, netdev_rxq_wait, struct netdev_rxq *q, int epoll_fd)
UNUSED_NETDEV(void, netdev_rxq_forget_wait, struct netdev_rxq *q, int epoll_fd)
UNUSED_NETDEV(bool, netdev_rxq_arm, struct netdev_rxq *q, bool on)
UNUSED_NETDEV(uint32_t, netdev_rxq_fill, const struct netdev_rxq *q)
UNUSED_NETDEV(unsigned int, netdev_n_txq, const struct netdev *d)
UNUSED_NETDEV(bool, netdev_rxq_is_fed_from_outside, const struct netdev_rxq *q)

// --- Traffic.

static void write_frames(const char *path, unsigned int n)
{
	static const uint32_t header[6] = {0xa1b2c3d4, 4 << 16 | 2, 0, 0, 65535, 1};
	FILE *f = fopen(path, "wb");
	if (!f || fwrite(header, sizeof(header), 1, f) != 1)
		exit(1);
	random_seed(1);
	for (unsigned int i = 0; i < n; i++) {
		uint32_t record[4] = {0, 0, 60, 60};
		uint8_t p[60] = "\2\0\0\0\0\1\2\0\0\0\0\2\10\0\105";
		put_be16(p + 16, 46);
		p[22] = 64;
		p[23] = 17;
		put_be32(p + 26, random_u32());
		put_be32(p + 30, 10u << 24 | random_below(1 << 24));
		put_be16(p + 34, (uint16_t)random_u32());
		put_be16(p + 36, (uint16_t)(1000 + random_below(16)));
		put_be16(p + 38, 26);
		fwrite(record, sizeof(record), 1, f);
		fwrite(p, sizeof(p), 1, f);
	}
	fclose(f);
}

static void *add(struct buf *b, unsigned int type, size_t len)
{
	struct dpact *a = buf_add_zeros(b, (len + 7) & ~(size_t)7);
	a->type = (uint16_t)type;
	a->len = (uint16_t)len;
	return a;
}

static void add_rewrite(struct buf *b)
{
	struct dpact_set *s = add(b, DPACT_SET, sizeof(*s));
	s->header = DPH_ETHERNET;
	memset(&s->key.ethernet, 2, sizeof(s->key.ethernet));
	memset(&s->mask.ethernet, 0xff, sizeof(s->mask.ethernet));
	s = add(b, DPACT_SET, sizeof(*s));
	s->header = DPH_IPV4;
	s->key.ipv4.ttl = 63;
	s->mask.ipv4.ttl = 0xff;
	struct dpact_push_vlan *push = add(b, DPACT_PUSH_VLAN, sizeof(*push));
	push->tpid = BE16(0x8100);
	push->tci = BE16(0x1005);
}

static int upcall(void *arg, const struct dp_upcall *up, struct dp_upcall_result *r)
{
	r->mask.in_port = r->mask.recirc_id = UINT32_MAX;
	r->mask.dl_type = 0xffff;
	r->mask.nw_frag = 3;
	if (mode >= 1 && mode <= 3) {
		r->mask.nw_proto = 0xff;
		r->mask.tp_dst = 0xffff;
		r->mask.nw_dst = BE32(0xfff00000);
	}
	if (mode == 2 && !(be16toh(up->key->tp_dst) & 7))
		r->mask.nw_src = BE32(0xf0000000);
	if (mode == 3) {
		r->mask.nw_src = r->mask.nw_dst = UINT32_MAX;
		r->mask.tp_src = 0xffff;
	}
	if (mode == 4)
		add_rewrite(&r->actions);
	r->install = true;
	if (mode == 5 && !up->key->recirc_id) {
		add(&r->actions, DPACT_HASH, sizeof(struct dpact_hash));
		((struct dpact_recirc *)add(&r->actions, DPACT_RECIRC, sizeof(struct dpact_recirc)))
			->id = 1;
		return 0;
	}
	if (mode == 5)
		r->mask.dp_hash = 0x3f;
	((struct dpact_output *)add(&r->actions, DPACT_OUTPUT, sizeof(struct dpact_output)))->port =
		2;
	return 0;
}

static void wake(void *arg)
{
}

static void gone(void *arg, void *cookie, const struct dp_flow_stats *stats)
{
}

// --- The measurement.

static void start_ports(struct rte_mempool *pool)
{
	for (uint16_t i = 0; i < 2; i++) {
		struct rte_eth_conf conf = {0};
		rte_eth_dev_configure(i, 1, 1, &conf);
		rte_eth_rx_queue_setup(i, 0, 2048, 0, NULL, pool);
		rte_eth_tx_queue_setup(i, 0, 2048, 0, NULL);
		if (rte_eth_dev_start(i))
			exit(1);
	}
}

enum { MAX_WINDOWS = 4096 };

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return x < y ? -1 : x > y;
}

// The median over windows of a millisecond, so that other work on the machine, which takes whole
// time slices, does not count.
static void measure(struct dp_thread *t, unsigned int seconds)
{
	static double window[MAX_WINDOWS];
	const struct dp_meta fresh = {.in_port = 1};
	uint64_t hz = rte_get_tsc_hz(), start = rte_rdtsc(), from = start, packets = 0, total = 0,
		 now;
	unsigned int n_windows = 0;
	struct dp_thread_stats before = {0};
	while ((now = rte_rdtsc()) < start + (seconds + 1) * hz) {
		struct rte_mbuf *m[BURST];
		unsigned int n = rte_eth_rx_burst(0, 0, m, BURST);
		if (n && mode == 9)
			netdev_tx_burst(&sink, 0, m, n);
		else if (n)
			burst_process(t, m, n, &fresh);
		packets += n;
		rcu_quiescent();
		if (now - from < hz / 1000)
			continue;
		if (now < start + hz) { // warming up
			before = t->stats;
			total = 0;
		} else if (n_windows < MAX_WINDOWS) {
			window[n_windows++] = (double)(now - from) / (double)packets;
			total += packets;
		}
		from = now;
		packets = 0;
	}
	qsort(window, n_windows, sizeof(window[0]), compare);
	printf("mode %u: %.1f cycles per packet (best %.1f), %u megaflows, %u masks; of 1000: "
	       "cache %.0f, subtable %.0f, missed %.0f\n",
	       mode, window[n_windows / 2], window[0], flow_table_n_flows(t->flows),
	       flow_table_n_masks(t->flows),
	       1000.0 * (double)(t->stats.cache_hits - before.cache_hits) / (double)total,
	       1000.0 * (double)(t->stats.megaflow_hits - before.megaflow_hits) / (double)total,
	       1000.0 * (double)(t->stats.misses - before.misses) / (double)total);
}

// Cycles of the time stamp counter per second.
static double tsc_hz(void)
{
	struct timespec a, b, nap = {.tv_nsec = 50000000};
	clock_gettime(CLOCK_MONOTONIC, &a);
	uint64_t start = rte_rdtsc();
	nanosleep(&nap, NULL);
	clock_gettime(CLOCK_MONOTONIC, &b);
	return (double)(rte_rdtsc() - start) /
	       ((double)(b.tv_sec - a.tv_sec) + (double)(b.tv_nsec - a.tv_nsec) / 1e9);
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "hz")) {
		printf("%.0f\n", tsc_hz());
		return 0;
	}
	if (argc == 4 && !strcmp(argv[1], "write")) {
		write_frames(argv[2], (unsigned int)atoi(argv[3]));
		return 0;
	}
	int used = rte_eal_init(argc, argv);
	if (used < 0 || argc - used < 2)
		return 1;
	mode = (unsigned int)atoi(argv[used + 1]);
	struct rte_mempool *pool = rte_pktmbuf_pool_create(
		"packets", 262143, 256, sizeof(struct mbuf_meta), 2176, SOCKET_ID_ANY);
	start_ports(pool);
	rcu_register();
	static const struct dp_callbacks callbacks = {.upcall = upcall, .flow_gone = gone};
	struct dp_user *dp = XNEW(struct dp_user);
	dp->callbacks = &callbacks;
	dp->flows = flow_table_new(wake, gone, NULL);
	struct dp_thread *t = dp_thread_new(dp, DP_THREAD_MAIN, 0);
	struct out_batch *out = XNEW(struct out_batch);
	out->netdev = &sink;
	out->max_frame = 1514;
	t->out[2] = out;
	measure(t, argc - used > 2 ? (unsigned int)atoi(argv[used + 2]) : 2);
	exit(0); // the devices hold frames: no need to take all apart
}
