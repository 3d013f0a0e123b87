/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_bridge.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/rcu.h"
#include "ofproto/xlate.h"
#include "ofproto/flow_mod.h"
#include "ofproto/snoop.h"

struct fake_bridge fake;

// --- Connections.

static struct ofconn *fake_new(const struct ofconn_options *o, const struct ofconn_callbacks *cb,
			       void *arg, const char *name)
{
	assert(fake.n_conns < sizeof(fake.conns) / sizeof(fake.conns[0]));
	struct ofconn *of = &fake.conns[fake.n_conns++];
	buf_done(&of->sent);
	*of = (struct ofconn){.cb = cb, .arg = arg, .options = *o, .reading = true};
	snprintf(of->name, sizeof(of->name), "%s", name);
	of->fsm.connected_at = of->fsm.disconnected_at = -1;
	of->fsm.since = clock_ms();
	return of;
}
struct error *ofconn_connect(struct loop *l, const char *target, const struct ofconn_options *o,
			     const struct ofconn_callbacks *cb, void *arg, struct ofconn **out)
{
	if (!stream_is_active_name(target))
		return error_new("%s: bad target", target);
	*out = fake_new(o, cb, arg, target);
	return NULL;
}
struct ofconn *ofconn_accept(struct loop *l, struct stream *s, const struct ofconn_options *o,
			     const struct ofconn_callbacks *cb, void *arg)
{
	return fake_new(o, cb, arg, "unix");
}
void ofconn_free(struct ofconn *of)
{
	if (of)
		of->freed = true;
}
bool ofconn_send(struct ofconn *of, const void *msgs, size_t n)
{
	if (of->version)
		buf_add(&of->sent, msgs, n);
	return of->version;
}
size_t ofconn_backlog(const struct ofconn *of)
{
	return of->backlog;
}
void ofconn_set_reading(struct ofconn *of, bool on)
{
	of->reading = on;
}
void fake_deliver(struct ofconn *of, const void *msg, size_t n)
{
	buf_add(&of->unread, msg, n);
	while (of->reading && of->unread.len) {
		size_t one = get_be16(of->unread.data + 2);
		uint8_t *copy = xmemdup(of->unread.data, one);
		buf_consume(&of->unread, one);
		of->cb->message(of->arg, copy, one);
		free(copy);
	}
}
void fake_disconnect(struct ofconn *of, int error)
{
	of->version = 0;
	buf_clear(&of->unread);
	of->cb->closed(of->arg, error);
}
uint8_t ofconn_version(const struct ofconn *of)
{
	return of->version;
}
bool ofconn_is_connected(const struct ofconn *of)
{
	return of->version;
}
const char *ofconn_name(const struct ofconn *of)
{
	return of->name;
}
const char *ofconn_state_name(const struct ofconn *of)
{
	return of->version ? "ACTIVE" : "BACKOFF";
}
const struct reconnect *ofconn_reconnect(const struct ofconn *of)
{
	return &of->fsm;
}
int ofconn_last_error(const struct ofconn *of)
{
	return 0;
}
void ofconn_set_options(struct ofconn *of, const struct ofconn_options *o)
{
	of->options = *o;
}
void ofconn_give_up(struct ofconn *of, int error)
{
	of->give_up = error;
}
void ofconn_force_reconnect(struct ofconn *of)
{
	of->n_reconnects++;
}

// --- Fake fake.listeners, ports and datapath.

struct error *stream_listen(struct loop *l, const char *target, uint16_t port, stream_accept_cb *cb,
			    void *arg, struct stream_listener **out)
{
	snprintf(fake.listeners[fake.n_listeners].target, sizeof(fake.listeners[0].target), "%s",
		 target);
	fake.listeners[fake.n_listeners].accept = cb;
	fake.listeners[fake.n_listeners].arg = arg;
	*out = (struct stream_listener *)&fake.listeners[fake.n_listeners++];
	return NULL;
}
bool stream_is_passive_name(const char *target)
{
	return !strncmp(target, "punix:", 6) || !strncmp(target, "ptcp:", 5);
}
bool stream_is_active_name(const char *target)
{
	return !strncmp(target, "unix:", 5) || !strncmp(target, "tcp:", 4) ||
	       !strncmp(target, "ssl:", 4);
}
void stream_free(struct stream *s)
{
}
void stream_listener_free(struct stream_listener *l)
{
}
bool xlate_knows_action(enum ofpact_type type)
{
	return true;
}

void xlate_bump(struct backer *b)
{
	fake.n_bumps++;
}
void backer_settle_if_quick(struct backer *b)
{
}

struct backer *ofproto_backer(const struct ofproto *p)
{
	return NULL;
}

struct snoopers *snoopers_new(struct ofproto *p, struct conn *(*choose)(void *arg), void *arg)
{
	return NULL;
}

void snoopers_free(struct snoopers *ss)
{
}

void snoopers_forget(struct snoopers *ss, struct conn *c)
{
}

uint32_t backer_new_meter(struct backer *b)
{
	static uint32_t last;
	return ++last;
}

struct dp *backer_dp(const struct backer *b)
{
	return NULL;
}

int dp_meter_set(struct dp *dp, uint32_t id, const struct dp_meter_config *c)
{
	return 0;
}

int dp_meter_del(struct dp *dp, uint32_t id)
{
	return 0;
}

int dp_meter_get(const struct dp *dp, uint32_t id, struct dp_meter_stats *stats)
{
	return -ENOENT;
}

void backer_push_stats(struct backer *b)
{
}
struct error *backer_packet_out(struct backer *b, struct ofproto *p, const struct flow *flow,
				const void *frame, size_t n, const void *ofpacts,
				size_t ofpacts_len)
{
	fake.n_packet_outs++;
	return NULL;
}
struct error *backer_resume(struct backer *b, struct ofproto *p, const struct flow *flow,
			    const void *frame, size_t n, const struct frozen *frozen)
{
	fake.n_packet_outs++;
	return NULL;
}
void snapshot_invalidate(struct ofproto *p)
{
	fake.n_invalidated++;
}
void snapshot_flush(struct ofproto *p)
{
}
struct ofport *ofport_find(const struct ofproto *p, uint32_t number)
{
	return number == 1 ? &fake.port : NULL;
}
void ofport_describe(const struct ofport *port, struct ofp_port_desc *d)
{
	*d = (struct ofp_port_desc){
		.port_no = port->ofp_port, .config = port->config, .name = "p1"};
	memcpy(d->hw_addr, port->mac, 6);
}
void ofport_set_config(struct ofport *port, uint32_t config)
{
	port->config = config;
}
int ofproto_port_get_stats(const struct ofproto *p, uint32_t number, struct netdev_stats *s)
{
	*s = (struct netdev_stats){.rx_packets = 5};
	return 0;
}

// --- The bridge.

void fake_bridge_init(void)
{
	static char bridge_name[] = "br0", port_name[] = "p1";
	struct ofproto *p = &fake.bridge;
	memset(&fake, 0, sizeof(fake));
	fake.port = (struct ofport){
		.ofproto = p, .name = port_name, .ofp_port = 1, .mac = {2, 0, 0, 0, 0, 1}};
	fake.system.loop = loop_new();
	p->system = &fake.system;
	p->name = bridge_name;
	p->datapath_id = 0x1234;
	vec_push(&p->ports, &fake.port);
	flows_init(p);
	p->controllers = controllers_new(p);
}

void fake_bridge_done(void)
{
	controllers_free(fake.bridge.controllers);
	for (unsigned int i = 0; i < fake.n_conns; i++) {
		assert(fake.conns[i].freed);
		buf_done(&fake.conns[i].sent);
		buf_done(&fake.conns[i].unread);
	}
	meters_flush(&fake.bridge);
	flows_done(&fake.bridge);
	vec_done(&fake.bridge.ports);
	rcu_barrier_all();
	loop_free(fake.system.loop);
}

struct ofconn *fake_mute(void)
{
	unsigned int before = fake.n_conns;
	fake.listeners[0].accept(fake.listeners[0].arg, NULL);
	return fake.n_conns > before ? &fake.conns[before] : NULL;
}

struct ofconn *fake_accepted(uint8_t version)
{
	struct ofconn *of = fake_mute();
	of->version = version;
	of->cb->connected(of->arg);
	return of;
}
