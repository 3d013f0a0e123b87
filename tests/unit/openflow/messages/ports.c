/* SPDX-License-Identifier: Apache-2.0 */
// Ports and queues.
#include "generator.h"

#include <stdio.h>

#include "openflow/match_codec.h"

enum {
	CONFIG_11 = OFPPC_PORT_DOWN | OFPPC_NO_RECV | OFPPC_NO_FWD | OFPPC_NO_PACKET_IN,
	NOT_IN_10 = OFPPF_40GB_FD | OFPPF_100GB_FD | OFPPF_1TB_FD | OFPPF_OTHER,
};

static uint32_t features_of(const struct gen *g, uint32_t features)
{
	return features & (g->version == OFP10 ? 0xffffu & ~NOT_IN_10 : 0xffff);
}

static void any_desc(struct gen *g, void *entry)
{
	struct ofp_port_desc *p = entry;
	*p = (struct ofp_port_desc){.port_no = any_port(),
				    .config = any_bits(UINT32_MAX),
				    .state = any_bits(UINT32_MAX),
				    .curr = any_bits(0xffff),
				    .advertised = any_bits(0xffff),
				    .supported = any_bits(0xffff),
				    .peer = any_bits(0xffff),
				    .curr_speed = any_u32(),
				    .max_speed = any_u32()};
	random_bytes(p->hw_addr, 6);
	any_text(p->name, chance(8) ? sizeof(p->name) : OFP_PORT_NAME_LEN);
}

static uint32_t speed10(const struct gen *g, uint32_t features)
{
	return (uint32_t)(ofp_port_features_bps(features_of(g, features), 0) / 1000);
}

static void same_desc(struct gen *g, const void *want, const void *have)
{
	const struct ofp_port_desc *p = want, *got = have;
	bool v10 = g->version == OFP10;
	char name[OFP_PORT_NAME_LEN];
	snprintf(name, sizeof(name), "%.15s", p->name);
	SAME(g, p->port_no, got->port_no);
	same_bytes(g, "hw_addr", p->hw_addr, got->hw_addr, 6);
	same_text(g, "name", name, got->name);
	SAME(g, p->config & (v10 ? 0x7f : CONFIG_11), got->config);
	SAME(g, p->state & (v10 ? OFPPS_LINK_DOWN | OFPPS_STP_MASK : 7), got->state);
	SAME(g, features_of(g, p->curr), got->curr);
	SAME(g, features_of(g, p->advertised), got->advertised);
	SAME(g, features_of(g, p->supported), got->supported);
	SAME(g, features_of(g, p->peer), got->peer);
	SAME(g, v10 ? speed10(g, p->curr) : p->curr_speed, got->curr_speed);
	SAME(g, v10 ? speed10(g, p->supported) : p->max_speed, got->max_speed);
}

static void port_desc(struct gen *g)
{
	uint32_t port = any_port(), got;
	ofp_encode_port_desc_request(&g->out, g->version, port, any_u32());
	struct ofp_msg m = last_message(g, 0);
	SAME(g, 0, ofp_decode_port_desc_request(&m, &got));
	SAME(g, g->version >= OFP15 ? port : OFPP_NONE, got);
	check_reply(g, 0, any_desc, same_desc);
}

static void port_status(struct gen *g)
{
	struct ofp_port_status s = {.reason = (enum ofp_port_reason)random_below(3)}, got;
	any_desc(g, &s.desc);
	ofp_encode_port_status(&g->out, &s, g->version);
	struct ofp_msg m = last_message(g, 0);
	SAME(g, 0, ofp_decode_port_status(&m, &got));
	SAME(g, s.reason, got.reason);
	same_desc(g, &s.desc, &got.desc);
}

static void features(struct gen *g)
{
	uint32_t all = 0x7f & ~(1u << 4),
		 version_bits = g->version == OFP10
					? (all & ~OFPC_GROUP_STATS) | OFPC_STP | OFPC_ARP_MATCH_IP
				: g->version == OFP11 ? all | OFPC_ARP_MATCH_IP
				: g->version < OFP14  ? all | OFPC_PORT_BLOCKED
						      : all | OFPC_PORT_BLOCKED | OFPC_BUNDLES |
							       OFPC_FLOW_MONITORING;
	struct ofp_features f = {.datapath_id = any_u64(),
				 .n_buffers = any_u32(),
				 .n_tables = any_u8(),
				 .auxiliary_id = any_u8(),
				 .capabilities = any_bits(UINT32_MAX),
				 .actions = any_bits(0xfff)},
			    got;
	size_t n = chance(20) ? 2000 : random_below(5), i;
	struct ofp_port_desc *ports = xcalloc(n + 1, sizeof(*ports)), p;
	for (i = 0; i < n; i++)
		any_desc(g, &ports[i]);
	ofp_encode_features(&g->out, &f, g->version, any_u32(), ports, n);
	struct ofp_msg m = last_message(g, 0);
	SAME(g, 0, ofp_decode_features(&m, &got));
	SAME(g, f.datapath_id, got.datapath_id);
	SAME(g, f.n_buffers, got.n_buffers);
	SAME(g, f.n_tables, got.n_tables);
	SAME(g, g->version >= OFP13 ? f.auxiliary_id : 0, got.auxiliary_id);
	SAME(g, f.capabilities & version_bits, got.capabilities);
	SAME(g, g->version != OFP10 ? 0 : f.actions ? f.actions : 0xfff, got.actions);
	SAME(g, g->version < OFP13, got.has_ports);
	// As many ports as fit: what is left out is heard of by a port description.
	for (i = 0; got.has_ports && !ofp_port_desc_pull(&got.ports, g->version, &p); i++)
		same_desc(g, &ports[i], &p);
	size_t most = (OFP_MAX_LEN - 32) / (g->version == OFP10 ? 48 : 64);
	SAME(g, g->version >= OFP13 ? 0 : n < most ? n : most, i);
	free(ports);
}

static void port_mod(struct gen *g)
{
	uint32_t bits = g->version == OFP10 ? 0x7f : CONFIG_11;
	struct ofp_port_mod pm = {.port_no = any_port(),
				  .config = any_bits(UINT32_MAX),
				  .mask = any_bits(UINT32_MAX),
				  .advertise = any_bits(0xffff)},
			    got;
	random_bytes(pm.hw_addr, 6);
	ofp_encode_port_mod(&g->out, &pm, g->version, any_u32());
	struct ofp_msg m = last_message(g, 0);
	SAME(g, 0, ofp_decode_port_mod(&m, true, &got));
	SAME(g, pm.port_no, got.port_no);
	same_bytes(g, "hw_addr", pm.hw_addr, got.hw_addr, 6);
	SAME(g, pm.mask & bits, got.mask);
	SAME(g, pm.config & pm.mask & bits, got.config);
	SAME(g, features_of(g, pm.advertise), got.advertise);
}

static void any_stats(struct gen *g, void *entry)
{
	struct ofp_port_stats *s = entry;
	uint64_t *counters = &s->rx_packets;
	s->port_no = any_port();
	for (int i = 0; i < 12; i++)
		counters[i] = any_u64();
	s->duration_s = any_u32();
	s->duration_ns = s->duration_s == UINT32_MAX ? UINT32_MAX : any_ns();
}

static void same_stats(struct gen *g, const void *want, const void *have)
{
	const struct ofp_port_stats *s = want, *got = have;
	bool duration = g->version >= OFP13;
	SAME(g, s->port_no, got->port_no);
	same_bytes(g, "counters", &s->rx_packets, &got->rx_packets, 12 * sizeof(uint64_t));
	SAME(g, duration ? s->duration_s : UINT32_MAX, got->duration_s);
	SAME(g, duration ? s->duration_ns : UINT32_MAX, got->duration_ns);
}

static void port_stats(struct gen *g)
{
	uint32_t port = any_port(), got;
	ofp_encode_port_stats_request(&g->out, g->version, port, any_u32());
	struct ofp_msg m = last_message(g, 0);
	SAME(g, 0, ofp_decode_port_stats_request(&m, &got));
	SAME(g, port, got);
	check_reply(g, 0, any_stats, same_stats);
}

// --- Queues.

static void any_queue_stats(struct gen *g, void *entry)
{
	struct ofp_queue_stats *s = entry;
	*s = (struct ofp_queue_stats){any_port(), any_u32(), any_u64(), any_u64(),
				      any_u64(),  any_u32(), any_ns()};
	if (s->duration_s == UINT32_MAX)
		s->duration_ns = UINT32_MAX;
}

static void same_queue_stats(struct gen *g, const void *want, const void *have)
{
	const struct ofp_queue_stats *s = want, *got = have;
	bool duration = g->version >= OFP13;
	SAME(g, s->port_no, got->port_no);
	SAME(g, s->queue, got->queue);
	SAME(g, s->tx_bytes, got->tx_bytes);
	SAME(g, s->tx_packets, got->tx_packets);
	SAME(g, s->tx_errors, got->tx_errors);
	SAME(g, duration ? s->duration_s : UINT32_MAX, got->duration_s);
	SAME(g, duration ? s->duration_ns : UINT32_MAX, got->duration_ns);
}

static void queue_stats(struct gen *g)
{
	uint32_t port = any_port(), queue = any_u32(), got_port, got_queue;
	ofp_encode_queue_stats_request(&g->out, g->version, port, queue, any_u32());
	struct ofp_msg m = last_message(g, 0);
	SAME(g, 0, ofp_decode_queue_stats_request(&m, &got_port, &got_queue));
	// "All" is how 1.0 says "any".
	SAME(g, g->version == OFP10 && port == OFPP_ALL ? OFPP_NONE : port, got_port);
	SAME(g, queue, got_queue);
	check_reply(g, 0, any_queue_stats, same_queue_stats);
}

static void any_queue(struct gen *g, void *entry)
{
	*(struct ofp_queue_config *)entry = (struct ofp_queue_config){
		.port = 1 + random_below(20),
		.queue = any_u32(),
		.min_rate = chance(2) ? (uint16_t)random_below(1001) : any_u16(),
		.max_rate = any_u16()};
}

static void same_queue(struct gen *g, const void *want, const void *have)
{
	const struct ofp_queue_config *q = want, *got = have;
	SAME(g, q->port, got->port);
	SAME(g, q->queue, got->queue);
	SAME(g, q->min_rate, got->min_rate);
	SAME(g, q->max_rate, got->max_rate);
}

// Up to 1.3 one message, about one port.
static void queues_of_port(struct gen *g, const struct ofp_msg *request, uint32_t port)
{
	struct buf b = BUF_INIT;
	struct ofp_queue_config sent[6], got;
	unsigned int n = random_below(6);
	uint32_t of;
	size_t at = ofp_begin_reply(&b, request);
	ofp_queue_config_reply_begin(&b, request, port);
	for (unsigned int i = 0; i < n; i++) {
		any_queue(g, &sent[i]);
		sent[i].port = port;
		ofp_queue_config_put(&b, g->version, &sent[i]);
	}
	SAME(g, true, ofp_end(&b, at));
	size_t start = g->out.len;
	buf_add(&g->out, b.data, b.len);
	buf_done(&b);
	struct ofp_msg m = last_message(g, start);
	SAME(g, 0, ofp_queue_config_reply_port(&m, &m.body, &of));
	SAME(g, port, of);
	for (unsigned int i = 0; i < n; i++) {
		SAME(g, 0, ofp_queue_config_pull(&m.body, g->version, of, &got));
		same_queue(g, &sent[i], &got);
	}
	SAME(g, 0, cursor_left(&m.body));
}

static void queue_config(struct gen *g)
{
	bool one = g->version >= OFP14;
	uint32_t port = 1 + random_below(OFPP_MAX - 1u), queue = any_u32(), got_port, got_queue;
	if (chance(4) && g->version > OFP10)
		port = OFPP_NONE;
	ofp_encode_queue_config_request(&g->out, g->version, port, queue, any_u32());
	struct ofp_msg m = last_message(g, 0);
	SAME(g, 0, ofp_decode_queue_config_request(&m, &got_port, &got_queue));
	SAME(g, port, got_port);
	SAME(g, one ? queue : OFPQ_ALL, got_queue);
	if (one) {
		check_reply(g, 0, any_queue, same_queue);
		return;
	}
	struct buf copy = BUF_INIT;
	buf_add(&copy, g->out.data, g->out.len);
	(void)ofp_msg_decode(copy.data, copy.len, &m);
	queues_of_port(g, &m, port == OFPP_NONE ? 5 : port);
	buf_done(&copy);
}

const struct family port_families[] = {
	{"port_desc", BY_VERSION, port_desc},	    {"port_status", BY_VERSION, port_status},
	{"features", BY_VERSION, features},	    {"port_mod", BY_VERSION, port_mod},
	{"port_stats", BY_VERSION, port_stats},	    {"queue_stats", BY_VERSION, queue_stats},
	{"queue_config", BY_VERSION, queue_config}, {NULL, 0, NULL},
};
