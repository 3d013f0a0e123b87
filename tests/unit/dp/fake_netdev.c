/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_netdev.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/vec.h"
#include "netdev/dummy.h"
#include "netdev/mbuf.h"

struct netdev_rxq {
	struct netdev *dev;
	int fd;
	struct rte_mbuf *waiting[4096];
	size_t n;
};

struct netdev {
	char *name, *type;
	int mtu, error;
	unsigned int n_rxq, n_txq, refs;
	struct netdev_rxq *rxq;
	pthread_mutex_t lock;
	VEC(struct sent) sent;
	size_t n_popped, limit, n_discarded, n_bursts;
	bool discard;
};

struct netdev *fake_netdev_new(const char *name, const char *type, int mtu, unsigned int n_rxq)
{
	struct netdev *d = XNEW(struct netdev);
	d->name = xstrdup(name);
	d->type = xstrdup(type);
	d->mtu = mtu;
	d->n_rxq = n_rxq;
	d->rxq = xcalloc(n_rxq, sizeof(*d->rxq));
	d->limit = SIZE_MAX;
	pthread_mutex_init(&d->lock, NULL);
	for (unsigned int i = 0; i < n_rxq; i++) {
		d->rxq[i].dev = d;
		d->rxq[i].fd = eventfd(0, EFD_NONBLOCK);
	}
	return d;
}

void fake_netdev_free(struct netdev *d)
{
	struct sent s;
	if (d->refs)
		abort(); // the datapath still has it
	while (fake_netdev_pop(d, &s))
		sent_done(&s);
	for (unsigned int i = 0; i < d->n_rxq; i++) {
		rte_pktmbuf_free_bulk(d->rxq[i].waiting, (unsigned int)d->rxq[i].n);
		close(d->rxq[i].fd);
	}
	vec_done(&d->sent);
	free(d->rxq);
	free(d->name);
	free(d->type);
	free(d);
}

void fake_netdev_push(struct netdev *d, unsigned int queue, struct rte_mbuf *m)
{
	struct netdev_rxq *q = &d->rxq[queue];
	uint64_t one = 1;
	pthread_mutex_lock(&d->lock);
	if (q->n == sizeof(q->waiting) / sizeof(q->waiting[0]))
		abort();
	q->waiting[q->n++] = m;
	if (write(q->fd, &one, sizeof(one)) != sizeof(one))
		abort();
	pthread_mutex_unlock(&d->lock);
}

void fake_netdev_push_bytes(struct netdev *d, const void *frame, size_t n)
{
	struct rte_mbuf *m = mbuf_from_bytes(frame, n);
	if (!m)
		abort();
	fake_netdev_push(d, 0, m);
}

bool fake_netdev_pop(struct netdev *d, struct sent *s)
{
	pthread_mutex_lock(&d->lock);
	bool any = d->n_popped < d->sent.n;
	if (any)
		*s = d->sent.v[d->n_popped++];
	pthread_mutex_unlock(&d->lock);
	return any;
}

void sent_done(struct sent *s)
{
	free(s->data);
}

size_t fake_netdev_n_sent(struct netdev *d)
{
	pthread_mutex_lock(&d->lock);
	size_t n = d->sent.n - d->n_popped + d->n_discarded;
	pthread_mutex_unlock(&d->lock);
	return n;
}

size_t fake_netdev_n_waiting(struct netdev *d)
{
	size_t n = 0;
	pthread_mutex_lock(&d->lock);
	for (unsigned int i = 0; i < d->n_rxq; i++)
		n += d->rxq[i].n;
	pthread_mutex_unlock(&d->lock);
	return n;
}

void fake_netdev_set_mtu(struct netdev *d, int mtu)
{
	d->mtu = mtu;
}

void fake_netdev_fail(struct netdev *d, int error)
{
	uint64_t one = 1;
	pthread_mutex_lock(&d->lock);
	d->error = error;
	if (write(d->rxq[0].fd, &one, sizeof(one)) != sizeof(one))
		abort();
	pthread_mutex_unlock(&d->lock);
}

void fake_netdev_limit(struct netdev *d, size_t n)
{
	d->limit = n;
}

void fake_netdev_set_txq(struct netdev *d, unsigned int n)
{
	d->n_txq = n;
}

size_t fake_netdev_n_bursts(struct netdev *d)
{
	pthread_mutex_lock(&d->lock);
	size_t n = d->n_bursts;
	pthread_mutex_unlock(&d->lock);
	return n;
}

void fake_netdev_discard(struct netdev *d)
{
	d->discard = true;
}

// --- What the datapath calls.

struct netdev *netdev_ref(struct netdev *d)
{
	d->refs++;
	return d;
}

void netdev_unref(struct netdev *d)
{
	d->refs--;
}

const char *netdev_name(const struct netdev *d)
{
	return d->name;
}

const char *netdev_type(const struct netdev *d)
{
	return d->type;
}

bool netdev_is_dummy(const struct netdev *d)
{
	return !strcmp(d->type, "dummy");
}

int netdev_get_mtu(const struct netdev *d)
{
	return d->mtu;
}

bool netdev_has_queues(const struct netdev *d)
{
	return d->n_rxq;
}

unsigned int netdev_n_rxq(const struct netdev *d)
{
	return d->n_rxq;
}

struct error *netdev_rxq_open(struct netdev *d, unsigned int queue, struct netdev_rxq **q)
{
	*q = &d->rxq[queue];
	return NULL;
}

void netdev_rxq_close(struct netdev_rxq *q)
{
}

int netdev_flow_port(const struct netdev *dev)
{
	return -1;
}

int netdev_numa(const struct netdev *dev)
{
	return -1;
}

int netdev_rxq_fd(const struct netdev_rxq *q)
{
	return strcmp(q->dev->type, "polled") ? q->fd : -1;
}

bool netdev_rxq_wait(struct netdev_rxq *rxq, int epoll_fd)
{
	return false;
}

void netdev_rxq_forget_wait(struct netdev_rxq *rxq, int epoll_fd)
{
}

bool netdev_rxq_arm(struct netdev_rxq *rxq, bool on)
{
	return false;
}

bool netdev_rxq_is_fed_from_outside(const struct netdev_rxq *rxq)
{
	return true;
}

uint32_t netdev_rxq_fill(const struct netdev_rxq *q)
{
	return 0;
}

unsigned int netdev_n_txq(const struct netdev *dev)
{
	return dev->n_txq ? dev->n_txq : 1;
}

int netdev_rx_burst(struct netdev_rxq *q, struct rte_mbuf **m, unsigned int n)
{
	struct netdev *d = q->dev;
	pthread_mutex_lock(&d->lock);
	unsigned int got = q->n < n ? (unsigned int)q->n : n;
	int error = d->error;
	if (error) {
		pthread_mutex_unlock(&d->lock);
		return error;
	}
	memcpy(m, q->waiting, got * sizeof(*m));
	memmove(q->waiting, q->waiting + got, (q->n - got) * sizeof(*m));
	q->n -= got;
	uint64_t count;
	if (!q->n && read(q->fd, &count, sizeof(count)) < 0)
		got += 0; // was not readable
	pthread_mutex_unlock(&d->lock);
	return (int)got;
}

unsigned int netdev_tx_burst(struct netdev *d, unsigned int thread, struct rte_mbuf **m,
			     unsigned int n)
{
	unsigned int sent = 0;
	pthread_mutex_lock(&d->lock);
	d->n_bursts++;
	for (unsigned int i = 0; i < n; i++) {
		if (!d->limit) {
			rte_pktmbuf_free(m[i]);
			continue;
		}
		d->limit -= d->limit != SIZE_MAX;
		sent++;
		if (d->discard) {
			d->n_discarded++;
		} else {
			struct sent s = {.data = xmalloc(m[i]->pkt_len),
					 .len = m[i]->pkt_len,
					 .ol_flags = m[i]->ol_flags,
					 .l2_len = m[i]->l2_len,
					 .thread = thread};
			const void *p = rte_pktmbuf_read(m[i], 0, m[i]->pkt_len, s.data);
			if (p != s.data)
				memcpy(s.data, p, s.len);
			vec_push(&d->sent, s);
		}
		rte_pktmbuf_free(m[i]);
	}
	pthread_mutex_unlock(&d->lock);
	return sent;
}
