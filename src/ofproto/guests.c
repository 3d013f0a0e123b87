/* SPDX-License-Identifier: Apache-2.0 */
#include "ofproto/guests.h"

#include <stdlib.h>

#include "base/counter.h"
#include "base/log.h"
#include "ofproto/conn.h"
#include "stream/stream.h"

LOG_MODULE(connmgr);
COUNTER(ofconn_refused);
COUNTER(ofconn_mute_closed);

struct guest {
	struct conn *conn;
	const void *host;
};

struct host {
	const void *key;
	unsigned int n;
	bool told; // that it is full, since it was half empty
};

struct guests {
	struct controllers *owner;
	struct ofproto *ofproto;
	VEC(struct guest) list;
	VEC(struct host) hosts;
};

struct guests *guests_new(struct controllers *owner, struct ofproto *p)
{
	struct guests *gs = XNEW(struct guests);
	gs->owner = owner;
	gs->ofproto = p;
	return gs;
}

void guests_free(struct guests *gs)
{
	if (!gs)
		return;
	while (gs->list.n)
		guests_drop(gs, gs->list.n - 1);
	vec_done(&gs->list);
	vec_done(&gs->hosts);
	free(gs);
}

static struct host *get_host(struct guests *gs, const void *key)
{
	VEC_FOREACH (&gs->hosts, i)
		if (gs->hosts.v[i].key == key)
			return &gs->hosts.v[i];
	struct host *h = vec_extend(&gs->hosts);
	*h = (struct host){.key = key};
	return h;
}

// The one that has been mute for the longest time; list.n: all have said hello.
static size_t find_mute(const struct guests *gs, const void *host)
{
	size_t found = gs->list.n;
	int64_t since = INT64_MAX;
	VEC_FOREACH (&gs->list, i) {
		const struct guest *g = &gs->list.v[i];
		if (g->host != host || ofconn_is_connected(g->conn->of) ||
		    ofconn_reconnect(g->conn->of)->since >= since)
			continue;
		since = ofconn_reconnect(g->conn->of)->since;
		found = i;
	}
	return found;
}

// Is there room for one more, or can it be made?
static bool make_room(struct guests *gs, struct host *h, const char *target)
{
	const struct ofproto_system *system = gs->ofproto->system;
	bool all_full = system->max_guests && system->n_guests >= system->max_guests;
	if (h->n < GUESTS_PER_HOST && !all_full)
		return true;
	if (!h->told)
		log_warn("%s: %s has %u connections, %s: new ones take the place of those that "
			 "never said hello, or are refused "
			 "(ofconn_mute_closed, ofconn_refused in coverage/show)",
			 gs->ofproto->name, target, h->n,
			 all_full ? "half of the file descriptors are taken by such"
				  : "the most that it may have");
	h->told = true;
	size_t mute = find_mute(gs, h->key);
	if (mute == gs->list.n) {
		counter_inc(ofconn_refused);
		return false;
	}
	counter_inc(ofconn_mute_closed);
	guests_drop(gs, mute);
	return true;
}

void guests_accept(struct guests *gs, const void *host, const char *target, struct stream *stream,
		   const struct ofconn_options *of_options, const struct conn_options *options)
{
	struct host *h = get_host(gs, host);
	if (!make_room(gs, h, target)) {
		stream_free(stream);
		return;
	}
	h->n++;
	gs->ofproto->system->n_guests++;
	struct conn *c = conn_accept(gs->owner, gs->ofproto, stream, of_options, options);
	vec_push(&gs->list, ((struct guest){.conn = c, .host = host}));
}

size_t guests_count(const struct guests *gs)
{
	return gs->list.n;
}

struct conn *guests_conn(const struct guests *gs, size_t i)
{
	return gs->list.v[i].conn;
}

const void *guests_host(const struct guests *gs, size_t i)
{
	return gs->list.v[i].host;
}

void guests_drop(struct guests *gs, size_t i)
{
	struct guest g = gs->list.v[i];
	struct host *h = get_host(gs, g.host);
	vec_swap_remove(&gs->list, i);
	gs->ofproto->system->n_guests--;
	if (--h->n < GUESTS_PER_HOST / 2)
		h->told = false;
	conn_free(g.conn);
}

void guests_drop_host(struct guests *gs, const void *host)
{
	for (size_t i = gs->list.n; i-- > 0;)
		if (gs->list.v[i].host == host)
			guests_drop(gs, i);
	VEC_FOREACH (&gs->hosts, i)
		if (gs->hosts.v[i].key == host) {
			vec_swap_remove(&gs->hosts, i);
			break;
		}
}
