/* SPDX-License-Identifier: Apache-2.0 */
#include "netdev/packet_socket.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/byteorder.h"
#include "base/vec.h"
#include "netdev/vnet.h"

enum { RECEIVE_ROOM = 8 << 20, SEND_ROOM = 4 << 20 };

static struct error *bind_to(const char *name, int ifindex, int fd, be16_t protocol)
{
	struct sockaddr_ll address = {
		.sll_family = AF_PACKET, .sll_protocol = protocol, .sll_ifindex = ifindex};
	return bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0
		       ? error_errno(errno, "%s: packet socket", name)
		       : NULL;
}

static struct error *set_option(const char *name, int fd, int option, const void *value,
				socklen_t n, const char *what)
{
	return setsockopt(fd, SOL_PACKET, option, value, n) < 0
		       ? error_errno(errno, "%s: packet socket: %s", name, what)
		       : NULL;
}

// Memory of a socket beyond what the system grants to everybody, where we may.
static void set_room(int fd, int force, int ask, int room)
{
	if (setsockopt(fd, SOL_SOCKET, force, &room, sizeof(room)) < 0)
		setsockopt(fd, SOL_SOCKET, ask, &room, sizeof(room));
}

struct error *packet_socket_open(const char *name, int ifindex, int *out)
{
	// Protocol 0 receives nothing: else frames of all devices would come until bind() says
	// which one.
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return error_errno(errno, "%s: cannot open a packet socket", name);
	const int on = 1;
	struct error *e = set_option(name, fd, PACKET_VNET_HDR, &on, sizeof(on), "vnet headers");
	if (!e)
		e = bind_to(name, ifindex, fd, 0);
	if (e) {
		close(fd);
		return e;
	}
	set_room(fd, SO_SNDBUFFORCE, SO_SNDBUF, SEND_ROOM);
	*out = fd;
	return NULL;
}

struct error *packet_socket_receive(const char *name, int ifindex, int fd)
{
	const int on = 1;
	const struct packet_mreq promiscuous = {.mr_ifindex = ifindex,
						.mr_type = PACKET_MR_PROMISC};
	set_room(fd, SO_RCVBUFFORCE, SO_RCVBUF, RECEIVE_ROOM);
	struct error *e = set_option(name, fd, PACKET_AUXDATA, &on, sizeof(on), "VLAN tags");
	if (!e)
		e = set_option(name, fd, PACKET_IGNORE_OUTGOING, &on, sizeof(on),
			       "leaving out what it sends");
	if (!e)
		e = set_option(name, fd, PACKET_ADD_MEMBERSHIP, &promiscuous, sizeof(promiscuous),
			       "promiscuous mode");
	return e ? e : bind_to(name, ifindex, fd, BE16(ETH_P_ALL));
}

unsigned int packet_socket_take_drops(int fd)
{
	struct tpacket_stats s = {0};
	socklen_t n = sizeof(s);
	return getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &s, &n) ? 0 : s.tp_drops;
}

// --- Closing

// One thread for the process, from the first close on; the kernel closes what is left when the
// process ends.
static struct {
	pthread_once_t once;
	pthread_mutex_t lock;
	pthread_cond_t filled;
	bool running;
	VEC(int) fds; // guarded by `lock`
} closer = {.once = PTHREAD_ONCE_INIT,
	    .lock = PTHREAD_MUTEX_INITIALIZER,
	    .filled = PTHREAD_COND_INITIALIZER};

static void *close_all(void *arg)
{
	for (;;) {
		pthread_mutex_lock(&closer.lock);
		while (!closer.fds.n)
			pthread_cond_wait(&closer.filled, &closer.lock);
		int fd = vec_last(&closer.fds);
		closer.fds.n--;
		pthread_mutex_unlock(&closer.lock);
		close(fd);
	}
	return NULL;
}

static void closer_start(void)
{
	pthread_t thread;
	sigset_t all, old;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old); // signals are for the main thread
	closer.running = !pthread_create(&thread, NULL, close_all, NULL);
	if (closer.running)
		pthread_detach(thread);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

void packet_socket_close(int fd)
{
	pthread_once(&closer.once, closer_start);
	if (!closer.running) {
		close(fd);
		return;
	}
	pthread_mutex_lock(&closer.lock);
	vec_push(&closer.fds, fd);
	pthread_cond_signal(&closer.filled);
	pthread_mutex_unlock(&closer.lock);
}

// --- Receiving

struct packet_rx {
	struct burst burst;
	struct mmsghdr messages[BURST_MAX];
	uint8_t control[BURST_MAX][CMSG_SPACE(sizeof(struct tpacket_auxdata))]
		__attribute__((aligned(8)));
};

struct packet_rx *packet_rx_new(void)
{
	struct packet_rx *rx = XNEW(struct packet_rx);
	burst_init(&rx->burst);
	for (unsigned int i = 0; i < BURST_MAX; i++) {
		rx->messages[i].msg_hdr.msg_iov = rx->burst.iov[i];
		rx->messages[i].msg_hdr.msg_iovlen = 3;
		rx->messages[i].msg_hdr.msg_control = rx->control[i];
	}
	return rx;
}

void packet_rx_free(struct packet_rx *rx)
{
	free(rx);
}

// The tag that the kernel keeps beside the frame, as burst_packet() wants it.
static uint32_t tag_of(struct msghdr *m)
{
	const struct cmsghdr *c = CMSG_FIRSTHDR(m);
	if (!c || c->cmsg_level != SOL_PACKET || c->cmsg_type != PACKET_AUXDATA)
		return 0;
	struct tpacket_auxdata aux;
	memcpy(&aux, CMSG_DATA(c), sizeof(aux));
	if (!(aux.tp_status & TP_STATUS_VLAN_VALID))
		return 0;
	uint32_t tpid = aux.tp_status & TP_STATUS_VLAN_TPID_VALID ? aux.tp_vlan_tpid : ETH_P_8021Q;
	return tpid << 16 | aux.tp_vlan_tci;
}

// recvmmsg() reports an error only when it hits the first message; the kernel has then dropped the
// frame or told of the device, once: asking again goes on behind it.
static int receive(int fd, struct mmsghdr *messages, unsigned int n, unsigned int *bad)
{
	for (int attempt = 0; attempt < 8; attempt++) {
		int got = recvmmsg(fd, messages, n, MSG_DONTWAIT | MSG_TRUNC, NULL);
		if (got >= 0)
			return got;
		if (errno == EINVAL) // offloads that a vnet header cannot express
			++*bad;
		else if (errno != EINTR && errno != ENETDOWN)
			return 0;
	}
	return 0;
}

unsigned int packet_rx_burst(struct packet_rx *rx, int fd, struct rte_mbuf **packets,
			     unsigned int n, unsigned int *bad)
{
	n = burst_begin(&rx->burst, n);
	for (unsigned int i = 0; i < n; i++)
		rx->messages[i].msg_hdr.msg_controllen = sizeof(rx->control[i]);
	unsigned int got = n ? (unsigned int)receive(fd, rx->messages, n, bad) : 0, n_packets = 0;
	for (unsigned int i = 0; i < got; i++) {
		struct mmsghdr *m = &rx->messages[i];
		size_t len = m->msg_hdr.msg_flags & MSG_TRUNC ? 0 : m->msg_len;
		struct rte_mbuf *packet = burst_packet(&rx->burst, i, len, tag_of(&m->msg_hdr));
		if (packet)
			packets[n_packets++] = packet;
		else
			++*bad;
	}
	burst_end(&rx->burst, got);
	return n_packets;
}

// --- Sending

enum { TX_BATCH = 32, TX_PIECES = 128 };

struct tx {
	struct mmsghdr messages[TX_BATCH];
	struct iovec iov[TX_PIECES];
	struct virtio_net_hdr vnet[TX_BATCH];
};

// Sends them all; the number that was taken. A frame that the kernel refuses does not keep it from
// the next.
static unsigned int send_batch(int fd, struct mmsghdr *messages, unsigned int n)
{
	unsigned int done = 0, sent = 0;
	while (done < n) {
		int r = sendmmsg(fd, messages + done, n - done, MSG_DONTWAIT);
		if (r > 0) {
			done += (unsigned int)r;
			sent += (unsigned int)r;
		} else if (errno == EINTR) {
			continue;
		} else if (errno == EMSGSIZE || errno == EINVAL || errno == ENOBUFS) {
			done++;
		} else {
			break; // EAGAIN: the queue is full. ENETDOWN, ENXIO: no device
		}
	}
	return sent;
}

// Puts as many packets as there is room for into one batch; how many of `n`. Those that cannot be
// sent at all get no message.
static unsigned int fill_batch(struct tx *tx, struct rte_mbuf **packets, unsigned int n,
			       unsigned int *n_messages)
{
	unsigned int pieces = 0, i;
	*n_messages = 0;
	for (i = 0; i < n && *n_messages < TX_BATCH; i++) {
		const struct rte_mbuf *m = packets[i];
		if (m->nb_segs + 1u > TX_PIECES)
			continue;
		if (pieces + m->nb_segs + 1u > TX_PIECES)
			break;
		struct virtio_net_hdr *vnet = &tx->vnet[*n_messages];
		struct msghdr *message = &tx->messages[*n_messages].msg_hdr;
		*message =
			(struct msghdr){.msg_iov = &tx->iov[pieces], .msg_iovlen = m->nb_segs + 1u};
		vnet_encode(m, vnet);
		tx->iov[pieces++] = (struct iovec){vnet, sizeof(*vnet)};
		for (; m; m = m->next)
			tx->iov[pieces++] =
				(struct iovec){rte_pktmbuf_mtod(m, void *), m->data_len};
		++*n_messages;
	}
	return i;
}

unsigned int packet_tx_burst(int fd, struct rte_mbuf **packets, unsigned int n)
{
	struct tx tx;
	unsigned int sent = 0, done = 0;
	while (done < n) {
		unsigned int n_messages;
		done += fill_batch(&tx, packets + done, n - done, &n_messages);
		sent += send_batch(fd, tx.messages, n_messages);
	}
	rte_pktmbuf_free_bulk(packets, n);
	return sent;
}
