/* SPDX-License-Identifier: Apache-2.0 */
// The ports of a userspace datapath. A port becomes visible to threads in this order: its output
// batches, then its queues; it goes the other way round, and is freed after a grace period.
#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/str.h"
#include "dp/user/cores.h"
#include "dp/user/hw_offload.h"
#include "dp/user/out.h"
#include "dp/user/user.h"
#include "netdev/dummy.h"
#include "packet/headers.h"

static struct dp_user *user(const struct dp *dp)
{
	return (struct dp_user *)(uintptr_t)dp;
}

static struct dp_port *find(const struct dp_user *dp, uint32_t number)
{
	return number < DP_MAX_PORTS ? dp->ports[number] : NULL;
}

// --- Output.

// In place of what is there: a thread in a burst sends what it has in the old one.
static void set_out(struct dp_thread *t, const struct dp_port *port)
{
	struct out_batch *old = t->out[port->number];
	struct out_batch *b = XNEW(struct out_batch);
	int mtu = netdev_get_mtu(port->netdev);
	b->netdev = port->netdev;
	b->max_frame = mtu > 0 ? (uint32_t)mtu + ETH_HDR_BYTES : UINT32_MAX;
	b->spread = port->options.spread_tx;
	rcu_assign(&t->out[port->number], b);
	out_retire(t, old);
}

static void for_each_thread(struct dp_user *dp, struct dp_port *port,
			    void (*cb)(struct dp_thread *, const struct dp_port *))
{
	cb(dp->main, port);
	for (unsigned int i = 0; i < dp->n_threads; i++)
		cb(dp->threads[i], port);
}

static void clear_out(struct dp_thread *t, const struct dp_port *port)
{
	struct out_batch *b = t->out[port->number];
	rcu_assign(&t->out[port->number], NULL);
	out_retire(t, b);
}

// --- Threads and queues.

static unsigned int n_cores(void)
{
	cpu_set_t set;
	CPU_ZERO(&set);
	return sched_getaffinity(0, sizeof(set), &set) ? 1 : (unsigned int)CPU_COUNT(&set);
}

static unsigned int free_thread_id(const struct dp_user *dp)
{
	unsigned int id = 1;
	for (unsigned int i = 0; i < dp->n_threads; i++) {
		if (dp->threads[i]->id == id) {
			id++;
			i = UINT_MAX; // from the start
		}
	}
	return id;
}

struct error *dp_user_add_thread(struct dp_user *dp, enum dp_thread_kind kind, unsigned int core)
{
	if (dp->n_threads == DP_MAX_THREADS)
		return error_errno(ENOSPC, "there are %d threads already", DP_MAX_THREADS);
	struct dp_thread *t = dp_thread_new(dp, kind, free_thread_id(dp));
	t->core = core;
	t->numa = cores_numa(core);
	dp_user_tell_thread(dp, t);
	for (uint32_t i = 0; i < dp->ports_end; i++)
		if (dp->ports[i])
			set_out(t, dp->ports[i]);
	dp->threads[dp->n_threads++] = t;
	dp->n_event_threads += kind == DP_THREAD_EVENT;
	struct error *e = dp_thread_start(t);
	if (e)
		dp_user_remove_thread(dp, dp->n_threads - 1);
	return e;
}

void dp_user_remove_thread(struct dp_user *dp, unsigned int index)
{
	struct dp_thread *t = dp->threads[index];
	dp_thread_end(t);
	for (uint32_t i = 0; i < dp->ports_end; i++)
		if (dp->ports[i])
			clear_out(t, dp->ports[i]);
	memmove(&dp->threads[index], &dp->threads[index + 1],
		(--dp->n_threads - index) * sizeof(dp->threads[0]));
	dp->n_event_threads -= t->kind == DP_THREAD_EVENT;
	dp_thread_stats_add(&dp->departed, t, false);
	vec_push(&dp->spare_counters, t->counters);
	dp_thread_free(t);
}

static struct error *choose_thread(struct dp_user *dp, const struct dp_port *port,
				   struct dp_thread **out)
{
	*out = dp->main;
	if (dp->in_main || netdev_is_dummy(port->netdev))
		return NULL;
	unsigned int n = n_cores() < DP_MAX_EVENT_THREADS ? n_cores() : DP_MAX_EVENT_THREADS;
	while (dp->n_event_threads < n) {
		struct error *e = dp_user_add_thread(dp, DP_THREAD_EVENT, 0);
		if (e)
			return e;
	}
	*out = NULL;
	for (unsigned int i = 0; i < dp->n_threads; i++) {
		struct dp_thread *t = dp->threads[i];
		if (t->kind == DP_THREAD_EVENT && (!*out || t->n_queues < (*out)->n_queues))
			*out = t;
	}
	return NULL;
}

static void close_queues(struct dp_port *port)
{
	for (unsigned int i = 0; i < port->n_rxqs; i++) {
		port->misses += port->rxqs[i].misses;
		port->refused += port->rxqs[i].refused;
	}
	for (unsigned int i = 0; i < port->n_rxqs; i++)
		if (port->rxqs[i].netdev_rxq)
			netdev_rxq_close(port->rxqs[i].netdev_rxq);
	free(port->rxqs);
	port->rxqs = NULL;
	port->n_rxqs = 0;
}

static void stop_queues(struct dp_user *dp, struct dp_port *port)
{
	bool polled = false;
	for (unsigned int i = 0; i < port->n_rxqs; i++) {
		polled |= port->rxqs[i].polled;
		port->rxqs[i].polled = false;
		if (port->rxqs[i].thread)
			dp_thread_remove_queue(port->rxqs[i].thread, &port->rxqs[i]);
	}
	if (polled)
		error_free(poll_update(
			dp)); // taking away starts no threads, which is all that can fail
}

static struct error *start_queue(struct dp_user *dp, struct dp_port *port, unsigned int number)
{
	struct dp_rxq *q = &port->rxqs[number];
	struct dp_thread *t;
	struct error *e = netdev_rxq_open(port->netdev, number, &q->netdev_rxq);
	if (e)
		return e;
	q->port = port;
	q->burst = BURST;
	q->fd = netdev_rxq_fd(q->netdev_rxq);
	q->polled = q->fd < 0;
	q->pinned_core = -1;
	q->numa = netdev_numa(port->netdev);
	if (q->polled)
		return NULL;
	e = choose_thread(dp, port, &t);
	return e ? e : dp_thread_add_queue(t, q);
}

// Queues that were started are stopped again when one fails.
static struct error *start_queues(struct dp_user *dp, struct dp_port *port)
{
	if (!netdev_has_queues(port->netdev))
		return NULL;
	port->n_rxqs = netdev_n_rxq(port->netdev);
	port->rxqs = xcalloc(port->n_rxqs, sizeof(*port->rxqs));
	for (unsigned int i = 0; i < port->n_rxqs; i++) {
		struct error *e = start_queue(dp, port, i);
		if (e) {
			stop_queues(dp, port);
			rcu_synchronize();
			close_queues(port);
			return e;
		}
	}
	poll_pin(port);
	// Not at once: first the bridge that adds the port has to know its number, or the first
	// packets would be nobody's.
	if (port->rxqs[0].polled)
		poll_update_soon(dp);
	return NULL;
}

// --- The interface.

// On the dummy datapath "p7" is port 7, as tests and tutorials expect; names without a number, or
// whose number is taken, get one from 100 on.
static uint32_t number_in_name(const struct dp_user *dp, const char *name)
{
	size_t n = strlen(name);
	while (n && name[n - 1] >= '0' && name[n - 1] <= '9')
		n--;
	uint32_t number;
	if (strncmp(name, "br", 2) && !parse_u32(name + n, 10, &number) && number &&
	    number < DP_MAX_PORTS && !find(dp, number))
		return number;
	for (number = 100; number < DP_MAX_PORTS; number++)
		if (!find(dp, number))
			return number;
	return DP_PORT_NONE;
}

static struct error *choose_number(const struct dp_user *dp, const char *name, uint32_t *number)
{
	if (*number == DP_PORT_NONE && dp->in_main)
		*number = number_in_name(dp, name);
	if (*number != DP_PORT_NONE) {
		if (*number >= DP_MAX_PORTS)
			return error_errno(EFBIG, "port number %u is too large", *number);
		return find(dp, *number) ? error_errno(EBUSY, "port number %u is in use", *number)
					 : NULL;
	}
	for (uint32_t i = 1; i < DP_MAX_PORTS; i++) { // 0 is for the datapath's own port
		if (!dp->ports[i]) {
			*number = i;
			return NULL;
		}
	}
	return error_errno(EFBIG, "all %d port numbers are in use", DP_MAX_PORTS);
}

static void port_free(struct dp_port *port)
{
	close_queues(port);
	netdev_unref(port->netdev);
	free(port->affinity);
	free(port);
}

struct error *dp_user_port_add(struct dp *base, struct netdev *netdev, uint32_t *number)
{
	struct dp_user *dp = user(base);
	struct dp_port_info other;
	uint32_t wanted = *number;
	if (!dp_user_port_find(base, netdev_name(netdev), &other))
		return error_errno(EEXIST, "port %s is there already", netdev_name(netdev));
	struct error *e = choose_number(dp, netdev_name(netdev), &wanted);
	if (e)
		return e;
	struct dp_port *port = XNEW(struct dp_port);
	port->number = wanted;
	port->netdev = netdev_ref(netdev);
	dp->ports[wanted] = port;
	if (wanted >= dp->ports_end)
		dp->ports_end = wanted + 1;
	for_each_thread(dp, port, set_out);
	e = start_queues(dp, port);
	if (e) {
		(void)dp_user_port_del(base, wanted);
		return e;
	}
	*number = wanted;
	return NULL;
}

int dp_user_port_del(struct dp *base, uint32_t number)
{
	struct dp_user *dp = user(base);
	struct dp_port *port = find(dp, number);
	if (!port)
		return -ENOENT;
	hw_offload_port_stops(dp->offload, port);
	stop_queues(dp, port); // may end threads, which forget the ports that are listed
	dp->ports[number] = NULL;
	while (dp->ports_end && !dp->ports[dp->ports_end - 1])
		dp->ports_end--;
	for_each_thread(dp, port, clear_out);
	rcu_synchronize(); // no thread has a queue or an output batch of it any more,
	if (dp->ever_held)
		rcu_synchronize(); // nor packets that wait in one
	port_free(port);
	return 0;
}

struct error *dp_user_port_reconfigure(struct dp *base, uint32_t number)
{
	struct dp_user *dp = user(base);
	struct dp_port *port = find(dp, number);
	if (!port)
		return error_errno(ENOENT, "there is no port %u", number);
	hw_offload_port_stops(dp->offload, port);
	stop_queues(dp, port);
	for_each_thread(dp, port, set_out);
	rcu_synchronize();
	close_queues(port);
	return start_queues(dp, port);
}

void dp_user_port_misses(struct dp *base, void (*cb)(void *arg, const struct dp_port_misses *),
			 void *arg)
{
	struct dp_user *dp = user(base);
	int64_t now = clock_ms(), since = dp->misses_shown_ms;
	dp->misses_shown_ms = now;
	for (uint32_t i = 0; i < dp->ports_end; i++) {
		struct dp_port *port = dp->ports[i];
		if (!port)
			continue;
		struct dp_port_misses m = {.name = netdev_name(port->netdev),
					   .misses = port->misses,
					   .refused = port->refused};
		for (unsigned int k = 0; k < port->n_rxqs; k++) {
			m.misses += __atomic_load_n(&port->rxqs[k].misses, __ATOMIC_RELAXED);
			m.refused += __atomic_load_n(&port->rxqs[k].refused, __ATOMIC_RELAXED);
		}
		m.recent = m.misses - port->misses_shown;
		m.recent_ms = since ? now - since : 0;
		port->misses_shown = m.misses;
		cb(arg, &m);
	}
}

int dp_user_port_set_options(struct dp *base, uint32_t number,
			     const struct dp_port_options *options)
{
	struct dp_user *dp = user(base);
	struct dp_port *port = find(dp, number);
	if (!port)
		return -ENOENT;
	__atomic_store_n(&port->options.no_cache, options->no_cache, __ATOMIC_RELAXED);
	if (port->options.spread_tx != options->spread_tx) {
		port->options.spread_tx = options->spread_tx;
		for_each_thread(dp, port, set_out);
	}
	return 0;
}

static struct dp_port_info info_of(const struct dp_port *port)
{
	return (struct dp_port_info){
		.port = port->number,
		.name = netdev_name(port->netdev),
		.type = netdev_type(port->netdev),
		.netdev = port->netdev,
	};
}

int dp_user_port_find(const struct dp *base, const char *name, struct dp_port_info *info)
{
	const struct dp_user *dp = user(base);
	for (uint32_t i = 0; i < dp->ports_end; i++) {
		if (dp->ports[i] && !strcmp(netdev_name(dp->ports[i]->netdev), name)) {
			*info = info_of(dp->ports[i]);
			return 0;
		}
	}
	return -ENOENT;
}

void dp_user_port_dump(const struct dp *base, void (*cb)(void *arg, const struct dp_port_info *),
		       void *arg)
{
	const struct dp_user *dp = user(base);
	for (uint32_t i = 0; i < dp->ports_end; i++) {
		if (dp->ports[i]) {
			struct dp_port_info info = info_of(dp->ports[i]);
			cb(arg, &info);
		}
	}
}

void dp_user_retry_queues(struct dp_user *dp)
{
	for (uint32_t i = 0; i < dp->ports_end; i++)
		for (unsigned int q = 0; dp->ports[i] && q < dp->ports[i]->n_rxqs; q++)
			dp_thread_retry_queue(dp->ports[i]->rxqs[q].thread, &dp->ports[i]->rxqs[q]);
}
