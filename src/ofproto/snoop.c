/* SPDX-License-Identifier: Apache-2.0 */
#include "ofproto/snoop.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/dirs.h"
#include "base/log.h"
#include "ofproto/conn.h"

LOG_MODULE(connmgr);

enum { MAX_SNOOPERS = 100 };

struct snooper {
	struct snoopers *owner;
	struct ofconn *of;
	struct conn *watched;
};
struct snoopers {
	struct ofproto *ofproto;
	struct conn *(*choose)(void *arg);
	void *arg;
	struct stream_listener *listener;
	VEC(struct snooper *) of;
};

static bool is_watched(const struct snoopers *ss, const struct conn *c)
{
	VEC_FOREACH (&ss->of, i)
		if (ss->of.v[i]->watched == c)
			return true;
	return false;
}

static void snooper_free(struct snooper *s)
{
	struct snoopers *ss = s->owner;
	VEC_FOREACH (&ss->of, i) {
		if (ss->of.v[i] == s) {
			vec_swap_remove(&ss->of, i);
			break;
		}
	}
	if (!is_watched(ss, s->watched))
		ofconn_set_tap(s->watched->of, NULL, NULL);
	ofconn_free(s->of);
	free(s);
}

// Who does not keep up misses messages.
static void tap(void *ss_, const struct ofconn *from, const void *msgs, size_t n)
{
	struct snoopers *ss = ss_;
	VEC_FOREACH (&ss->of, i) {
		struct snooper *s = ss->of.v[i];
		if (s->watched->of == from && ofconn_backlog(s->of) < OFCONN_HIGH)
			ofconn_send(s->of, msgs, n);
	}
}

static void on_connected(void *arg)
{
	(void)arg;
}

static void on_message(void *arg, const uint8_t *msg, size_t n)
{
	(void)arg;
	(void)msg;
	(void)n;
}

static void on_closed(void *s, int error)
{
	(void)error;
	snooper_free(s);
}

static const struct ofconn_callbacks callbacks = {
	.connected = on_connected, .message = on_message, .closed = on_closed};

static void on_accept(void *ss_, struct stream *stream)
{
	struct snoopers *ss = ss_;
	struct conn *watched = ss->choose(ss->arg);
	if (!watched) {
		log_info_rl("%s: no controller connection to snoop", ss->ofproto->name);
		stream_free(stream);
		return;
	}
	if (ss->of.n >= MAX_SNOOPERS) {
		log_warn_rl("%s: %d snoop already, the most there may be", ss->ofproto->name,
			    MAX_SNOOPERS);
		stream_free(stream);
		return;
	}
	struct snooper *s = XNEW(struct snooper);
	s->owner = ss;
	s->watched = watched;
	vec_push(&ss->of, s);
	s->of = ofconn_accept(ss->ofproto->system->loop, stream,
			      &(struct ofconn_options){.versions = OFP_VERSIONS_ALL}, &callbacks,
			      s);
	ofconn_set_tap(watched->of, tap, ss);
}

struct snoopers *snoopers_new(struct ofproto *p, struct conn *(*choose)(void *arg), void *arg)
{
	struct snoopers *ss = XNEW(struct snoopers);
	ss->ofproto = p;
	ss->choose = choose;
	ss->arg = arg;
	char *target = xasprintf("punix:%s/%s.snoop", dir_run(), p->name);
	struct error *e =
		stream_listen(p->system->loop, target, OFP_PORT_TCP, on_accept, ss, &ss->listener);
	if (e)
		log_warn("%s: cannot listen on %s: %s", p->name, target, error_text(e));
	error_free(e);
	free(target);
	return ss;
}

void snoopers_forget(struct snoopers *ss, struct conn *c)
{
	for (size_t i = ss->of.n; i-- > 0;)
		if (i < ss->of.n && ss->of.v[i]->watched == c)
			snooper_free(ss->of.v[i]);
}

void snoopers_free(struct snoopers *ss)
{
	while (ss->of.n)
		snooper_free(ss->of.v[ss->of.n - 1]);
	vec_done(&ss->of);
	stream_listener_free(ss->listener);
	free(ss);
}
