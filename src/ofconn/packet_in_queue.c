/* SPDX-License-Identifier: Apache-2.0 */
#include "ofconn/packet_in_queue.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/alloc.h"

struct message {
	struct message *next;
	size_t n;
	uint8_t bytes[];
};

struct port_queue { // messages of one input port, oldest first
	uint32_t in_port;
	struct message *head, **tail;
	unsigned int n;
	struct port_queue *next_turn; // ring of the queues that are not empty
	UT_hash_handle hh;
};

// The bucket counts thousandths of a message: `rate` messages a second fill it by `rate` a
// millisecond.
struct packet_in_queue {
	unsigned int rate, burst;
	uint64_t tokens;
	int64_t last_fill; // ms; INT64_MIN: never
	struct port_queue *ports;
	struct port_queue
		*turn; // who was served last; its next is served next. NULL: nothing waits
	struct packet_in_queue_stats stats;
};

enum { ONE = 1000, DEFAULT_BURST_DIVISOR = 4 };

struct packet_in_queue *packet_in_queue_new(unsigned int rate, unsigned int burst)
{
	struct packet_in_queue *q = XNEW(struct packet_in_queue);
	q->last_fill = INT64_MIN;
	packet_in_queue_configure(q, rate, burst);
	q->tokens = (uint64_t)q->burst * ONE;
	return q;
}

void packet_in_queue_configure(struct packet_in_queue *q, unsigned int rate, unsigned int burst)
{
	q->rate = rate;
	q->burst = burst ? burst : rate / DEFAULT_BURST_DIVISOR;
	if (!q->burst)
		q->burst = 1;
}

static void unlink_port(struct packet_in_queue *q, struct port_queue *p)
{
	struct port_queue *before = p;
	while (before->next_turn != p)
		before = before->next_turn;
	if (before == p) {
		q->turn = NULL;
	} else {
		before->next_turn = p->next_turn;
		if (q->turn == p)
			q->turn = before;
	}
	HASH_DEL(q->ports, p);
	free(p);
}

static struct message *pop(struct packet_in_queue *q, struct port_queue *p)
{
	struct message *m = p->head;
	p->head = m->next;
	if (!p->head)
		p->tail = &p->head;
	p->n--;
	q->stats.n_queued--;
	if (!p->n)
		unlink_port(q, p);
	return m;
}

void packet_in_queue_flush(struct packet_in_queue *q)
{
	while (q->turn)
		free(pop(q, q->turn));
}

void packet_in_queue_free(struct packet_in_queue *q)
{
	if (!q)
		return;
	packet_in_queue_flush(q);
	free(q);
}

static void drop_from_longest(struct packet_in_queue *q)
{
	struct port_queue *longest = q->turn;
	for (struct port_queue *p = q->turn->next_turn; p != q->turn; p = p->next_turn)
		if (p->n > longest->n)
			longest = p;
	free(pop(q, longest));
	q->stats.n_dropped++;
}

static void push(struct packet_in_queue *q, uint32_t in_port, const void *msg, size_t n)
{
	struct port_queue *p;
	if (q->stats.n_queued >= q->burst)
		drop_from_longest(q);
	HASH_FIND(hh, q->ports, &in_port, sizeof(in_port), p);
	if (!p) {
		p = XNEW(struct port_queue);
		p->in_port = in_port;
		p->tail = &p->head;
		HASH_ADD(hh, q->ports, in_port, sizeof(p->in_port), p);
		p->next_turn = q->turn ? q->turn->next_turn : p;
		if (q->turn)
			q->turn->next_turn = p;
		else
			q->turn = p;
	}
	struct message *m = xmalloc(sizeof(*m) + n);
	m->next = NULL;
	m->n = n;
	memcpy(m->bytes, msg, n);
	*p->tail = m;
	p->tail = &m->next;
	p->n++;
	q->stats.n_queued++;
}

static void fill(struct packet_in_queue *q, int64_t now)
{
	uint64_t most = (uint64_t)q->burst * ONE;
	if (q->last_fill == INT64_MIN || now < q->last_fill) {
		q->last_fill = now;
		return;
	}
	uint64_t elapsed = (uint64_t)(now - q->last_fill);
	uint64_t add = elapsed > most / (q->rate ? q->rate : 1) ? most : elapsed * q->rate;
	q->tokens = q->tokens + add < most ? q->tokens + add : most;
	q->last_fill = now;
}

void packet_in_queue_add(struct packet_in_queue *q, uint32_t in_port, const void *msg, size_t n,
			 int64_t now, packet_in_send_cb *send, void *arg)
{
	fill(q, now);
	if (!q->rate || (!q->turn && q->tokens >= ONE)) {
		if (q->rate)
			q->tokens -= ONE;
		q->stats.n_bypassed++;
		send(arg, msg, n);
		return;
	}
	q->stats.n_limited++;
	push(q, in_port, msg, n);
}

void packet_in_queue_run(struct packet_in_queue *q, int64_t now, packet_in_send_cb *send, void *arg)
{
	fill(q, now);
	while (q->turn && (!q->rate || q->tokens >= ONE)) {
		if (q->rate)
			q->tokens -= ONE;
		struct port_queue *next = q->turn->next_turn;
		q->turn = next;
		struct message *m = pop(q, next);
		send(arg, m->bytes, m->n);
		free(m);
	}
}

int64_t packet_in_queue_deadline(const struct packet_in_queue *q, int64_t now)
{
	if (!q->turn)
		return INT64_MAX;
	if (!q->rate || q->tokens >= ONE)
		return now;
	int64_t since = q->last_fill == INT64_MIN ? now : q->last_fill;
	return since + (int64_t)((ONE - q->tokens + q->rate - 1) / q->rate);
}

struct packet_in_queue_stats packet_in_queue_stats(const struct packet_in_queue *q)
{
	return q->stats;
}
