/* SPDX-License-Identifier: Apache-2.0 */
#include "openflow/port.h"

#include <errno.h>
#include <string.h>

#include "openflow/match_codec.h"
#include "openflow/prop.h"

enum {
	CONFIG_11 = OFPPC_PORT_DOWN | OFPPC_NO_RECV | OFPPC_NO_FWD | OFPPC_NO_PACKET_IN,
	CONFIG_10 = 0x7f
};
enum {
	STATE_11 = OFPPS_LINK_DOWN | OFPPS_BLOCKED | OFPPS_LIVE,
	STATE_10 = OFPPS_LINK_DOWN | OFPPS_STP_MASK
};
enum { PROPERTY_ETHERNET = 0, ETHERNET_LEN = 32 };

// Features of 1.0: the speeds up to 10 Gb/s are 1.1's, the media follow at once.
static uint32_t features_from_10(uint32_t f)
{
	return (f & 0x7f) | (f & 0xf80) << 4;
}

static uint32_t features_to_10(uint32_t f)
{
	return (f & 0x7f) | (f >> 4 & 0xf80);
}

uint64_t ofp_port_features_bps(uint32_t f, uint64_t fallback)
{
	static const struct {
		uint32_t bits;
		uint64_t mbps;
	} speeds[] = {
		{OFPPF_1TB_FD, 1000000},
		{OFPPF_100GB_FD, 100000},
		{OFPPF_40GB_FD, 40000},
		{OFPPF_10GB_FD, 10000},
		{OFPPF_1GB_FD | OFPPF_1GB_HD, 1000},
		{OFPPF_100MB_FD | OFPPF_100MB_HD, 100},
		{OFPPF_10MB_FD | OFPPF_10MB_HD, 10},
	};
	for (size_t i = 0; i < sizeof(speeds) / sizeof(speeds[0]); i++)
		if (f & speeds[i].bits)
			return speeds[i].mbps * 1000000;
	return fallback;
}

static uint32_t speed_kbps(uint32_t features)
{
	return (uint32_t)(ofp_port_features_bps(features, 0) / 1000);
}

// --- Description.

static void features_read(struct cursor *c, struct ofp_port_desc *p)
{
	p->curr = cursor_be32(c) & 0xffff;
	p->advertised = cursor_be32(c) & 0xffff;
	p->supported = cursor_be32(c) & 0xffff;
	p->peer = cursor_be32(c) & 0xffff;
}

static int pull10(struct cursor *c, struct ofp_port_desc *p)
{
	p->port_no = cursor_be16(c);
	cursor_copy(c, p->hw_addr, 6);
	cursor_copy(c, p->name, OFP_PORT_NAME_LEN);
	p->config = cursor_be32(c) & CONFIG_10;
	p->state = cursor_be32(c) & STATE_10;
	features_read(c, p);
	p->curr = features_from_10(p->curr);
	p->advertised = features_from_10(p->advertised);
	p->supported = features_from_10(p->supported);
	p->peer = features_from_10(p->peer);
	p->curr_speed = speed_kbps(p->curr);
	p->max_speed = speed_kbps(p->supported);
	return 0;
}

static int pull11(struct cursor *c, struct ofp_port_desc *p)
{
	int error = ofp11_port_decode(cursor_be32(c), &p->port_no);
	cursor_skip(c, 4);
	cursor_copy(c, p->hw_addr, 6);
	cursor_skip(c, 2);
	cursor_copy(c, p->name, OFP_PORT_NAME_LEN);
	p->config = cursor_be32(c) & CONFIG_11;
	p->state = cursor_be32(c) & STATE_11;
	features_read(c, p);
	p->curr_speed = cursor_be32(c);
	p->max_speed = cursor_be32(c);
	return error;
}

static int pull14(struct cursor *c, struct ofp_port_desc *p)
{
	struct cursor peek = *c;
	cursor_skip(&peek, 4);
	uint16_t len = cursor_be16(&peek);
	if (peek.bad || len < 40 || len > cursor_left(c))
		return OFPBRC_BAD_LEN;
	struct cursor body = cursor_sub(c, len);
	int error = ofp11_port_decode(cursor_be32(&body), &p->port_no);
	cursor_skip(&body, 4);
	cursor_copy(&body, p->hw_addr, 6);
	cursor_skip(&body, 2);
	cursor_copy(&body, p->name, OFP_PORT_NAME_LEN);
	p->config = cursor_be32(&body) & CONFIG_11;
	p->state = cursor_be32(&body) & STATE_11;
	while (!error && cursor_left(&body)) {
		uint64_t type;
		struct cursor value;
		error = prop_pull(&body, &type, &value);
		if (error || type != PROPERTY_ETHERNET)
			continue;
		if (cursor_left(&value) != ETHERNET_LEN - 4)
			return OFPBPC_BAD_LEN;
		cursor_skip(&value, 4);
		features_read(&value, p);
		p->curr_speed = cursor_be32(&value);
		p->max_speed = cursor_be32(&value);
	}
	return error;
}

int ofp_port_desc_pull(struct cursor *c, uint8_t version, struct ofp_port_desc *p)
{
	if (!cursor_left(c))
		return -ENODATA;
	memset(p, 0, sizeof(*p));
	int error = version == OFP10 ? pull10(c, p) : version < OFP14 ? pull11(c, p) : pull14(c, p);
	p->name[OFP_PORT_NAME_LEN - 1] = '\0';
	return error ? error : c->bad ? OFPBRC_BAD_LEN : 0;
}

static void put_name(struct buf *b, const char *name)
{
	memcpy(buf_add_zeros(b, OFP_PORT_NAME_LEN), name, strnlen(name, OFP_PORT_NAME_LEN - 1));
}

static void features_put(struct buf *b, const struct ofp_port_desc *p)
{
	buf_add_be32(b, p->curr);
	buf_add_be32(b, p->advertised);
	buf_add_be32(b, p->supported);
	buf_add_be32(b, p->peer);
}

void ofp_port_desc_put(struct buf *b, uint8_t version, const struct ofp_port_desc *p)
{
	if (version == OFP10) {
		buf_add_be16(b, (uint16_t)p->port_no);
		buf_add(b, p->hw_addr, 6);
		put_name(b, p->name);
		buf_add_be32(b, p->config & CONFIG_10);
		buf_add_be32(b, p->state & STATE_10);
		buf_add_be32(b, features_to_10(p->curr));
		buf_add_be32(b, features_to_10(p->advertised));
		buf_add_be32(b, features_to_10(p->supported));
		buf_add_be32(b, features_to_10(p->peer));
		return;
	}
	buf_add_be32(b, ofp11_port_encode(p->port_no));
	buf_add_be16(b, version >= OFP14 ? 40 + ETHERNET_LEN : 0);
	buf_add_be16(b, 0);
	buf_add(b, p->hw_addr, 6);
	buf_add_be16(b, 0);
	put_name(b, p->name);
	buf_add_be32(b, p->config & CONFIG_11);
	buf_add_be32(b, p->state & STATE_11);
	if (version >= OFP14) {
		buf_add_be16(b, PROPERTY_ETHERNET);
		buf_add_be16(b, ETHERNET_LEN);
		buf_add_be32(b, 0);
	}
	features_put(b, p);
	buf_add_be32(b, p->curr_speed);
	buf_add_be32(b, p->max_speed);
}

int ofp_decode_port_desc_request(const struct ofp_msg *m, uint32_t *port)
{
	struct cursor c = m->body;
	*port = OFPP_NONE;
	return m->version < OFP15 ? 0 : ofp11_port_decode(cursor_be32(&c), port);
}

void ofp_encode_port_desc_request(struct buf *b, uint8_t version, uint32_t port, uint32_t xid)
{
	size_t at = ofp_begin(b, OFPTYPE_PORT_DESC_STATS_REQUEST, false, version, xid);
	if (version >= OFP15) {
		buf_add_be32(b, ofp11_port_encode(port));
		buf_add_be32(b, 0);
	}
	ofp_end(b, at);
}

void ofp_append_port_desc(struct ofp_replies *r, const struct ofp_msg *request,
			  const struct ofp_port_desc *p)
{
	ofp_replies_begin_entry(r);
	ofp_port_desc_put(&r->buf, request->version, p);
	ofp_replies_end_entry(r);
}

// --- Status.

int ofp_decode_port_status(const struct ofp_msg *m, struct ofp_port_status *s)
{
	struct cursor c = m->body;
	uint8_t reason = cursor_u8(&c);
	cursor_skip(&c, 7);
	if (reason > OFPPR_MODIFY)
		return NXBRC_BAD_REASON;
	s->reason = (enum ofp_port_reason)reason;
	int error = ofp_port_desc_pull(&c, m->version, &s->desc);
	return error == -ENODATA ? OFPBRC_BAD_LEN : error;
}

void ofp_encode_port_status(struct buf *b, const struct ofp_port_status *s, uint8_t version)
{
	size_t at = ofp_begin(b, OFPTYPE_PORT_STATUS, false, version, 0);
	buf_add_u8(b, (uint8_t)s->reason);
	buf_add_zeros(b, 7);
	ofp_port_desc_put(b, version, &s->desc);
	ofp_end(b, at);
}

// --- Modification.

int ofp_decode_port_mod(const struct ofp_msg *m, bool strict, struct ofp_port_mod *pm)
{
	struct cursor c = m->body;
	int error = 0;
	*pm = (struct ofp_port_mod){0};
	if (m->version == OFP10) {
		pm->port_no = cursor_be16(&c);
		cursor_copy(&c, pm->hw_addr, 6);
		pm->config = cursor_be32(&c) & CONFIG_10;
		pm->mask = cursor_be32(&c) & CONFIG_10;
		pm->config &= pm->mask;
		pm->advertise = features_from_10(cursor_be32(&c) & 0xfff);
		return c.bad ? OFPBRC_BAD_LEN : 0;
	}
	error = ofp11_port_decode(cursor_be32(&c), &pm->port_no);
	cursor_skip(&c, 4);
	cursor_copy(&c, pm->hw_addr, 6);
	cursor_skip(&c, 2);
	pm->config = cursor_be32(&c) & CONFIG_11;
	pm->mask = cursor_be32(&c) & CONFIG_11;
	pm->config &= pm->mask;
	if (m->version < OFP14) {
		pm->advertise = cursor_be32(&c) & 0xffff;
		return error ? error : c.bad ? OFPBRC_BAD_LEN : 0;
	}
	while (!error && cursor_left(&c)) {
		uint64_t type;
		struct cursor value;
		error = prop_pull(&c, &type, &value);
		if (!error && type != PROPERTY_ETHERNET)
			error = strict ? prop_unknown(type) : 0;
		else if (!error && cursor_left(&value) != 4)
			error = OFPBPC_BAD_LEN;
		else if (!error)
			pm->advertise = cursor_be32(&value) & 0xffff;
	}
	return error ? error : c.bad ? OFPBRC_BAD_LEN : 0;
}

void ofp_encode_port_mod(struct buf *b, const struct ofp_port_mod *pm, uint8_t version,
			 uint32_t xid)
{
	size_t at = ofp_begin(b, OFPTYPE_PORT_MOD, false, version, xid);
	if (version == OFP10) {
		buf_add_be16(b, (uint16_t)pm->port_no);
		buf_add(b, pm->hw_addr, 6);
		buf_add_be32(b, pm->config & CONFIG_10);
		buf_add_be32(b, pm->mask & CONFIG_10);
		buf_add_be32(b, features_to_10(pm->advertise));
		buf_add_be32(b, 0);
		ofp_end(b, at);
		return;
	}
	buf_add_be32(b, ofp11_port_encode(pm->port_no));
	buf_add_be32(b, 0);
	buf_add(b, pm->hw_addr, 6);
	buf_add_be16(b, 0);
	buf_add_be32(b, pm->config & CONFIG_11);
	buf_add_be32(b, pm->mask & CONFIG_11);
	if (version < OFP14) {
		buf_add_be32(b, pm->advertise);
		buf_add_be32(b, 0);
	} else if (pm->advertise) {
		buf_add_be16(b, PROPERTY_ETHERNET);
		buf_add_be16(b, 8);
		buf_add_be32(b, pm->advertise);
	}
	ofp_end(b, at);
}

// --- Counters.

int ofp_decode_port_stats_request(const struct ofp_msg *m, uint32_t *port)
{
	struct cursor c = m->body;
	if (m->version != OFP10)
		return ofp11_port_decode(cursor_be32(&c), port);
	*port = cursor_be16(&c);
	return 0;
}

void ofp_encode_port_stats_request(struct buf *b, uint8_t version, uint32_t port, uint32_t xid)
{
	size_t at = ofp_begin(b, OFPTYPE_PORT_STATS_REQUEST, false, version, xid);
	if (version == OFP10)
		buf_add_be16(b, (uint16_t)port);
	else
		buf_add_be32(b, ofp11_port_encode(port));
	buf_add_zeros(b, version == OFP10 ? 6 : 4);
	ofp_end(b, at);
}

static void put_main_counters(struct buf *b, const struct ofp_port_stats *s)
{
	buf_add_be64(b, s->rx_packets);
	buf_add_be64(b, s->tx_packets);
	buf_add_be64(b, s->rx_bytes);
	buf_add_be64(b, s->tx_bytes);
	buf_add_be64(b, s->rx_dropped);
	buf_add_be64(b, s->tx_dropped);
	buf_add_be64(b, s->rx_errors);
	buf_add_be64(b, s->tx_errors);
}

static void put_ethernet_counters(struct buf *b, const struct ofp_port_stats *s)
{
	buf_add_be64(b, s->rx_frame_err);
	buf_add_be64(b, s->rx_over_err);
	buf_add_be64(b, s->rx_crc_err);
	buf_add_be64(b, s->collisions);
}

void ofp_append_port_stats(struct ofp_replies *r, const struct ofp_msg *request,
			   const struct ofp_port_stats *s)
{
	struct buf *b = &r->buf;
	ofp_replies_begin_entry(r);
	if (request->version == OFP10) {
		buf_add_be16(b, (uint16_t)s->port_no);
		buf_add_zeros(b, 6);
	} else if (request->version < OFP14) {
		buf_add_be32(b, ofp11_port_encode(s->port_no));
		buf_add_be32(b, 0);
	} else {
		buf_add_be16(b, 80 + 40);
		buf_add_be16(b, 0);
		buf_add_be32(b, ofp11_port_encode(s->port_no));
		buf_add_be32(b, s->duration_s);
		buf_add_be32(b, s->duration_ns);
	}
	put_main_counters(b, s);
	if (request->version >= OFP14) {
		buf_add_be16(b, PROPERTY_ETHERNET);
		buf_add_be16(b, 40);
		buf_add_be32(b, 0);
	}
	put_ethernet_counters(b, s);
	if (request->version == OFP13) {
		buf_add_be32(b, s->duration_s);
		buf_add_be32(b, s->duration_ns);
	}
	ofp_replies_end_entry(r);
}

static void read_main_counters(struct cursor *c, struct ofp_port_stats *s)
{
	s->rx_packets = cursor_be64(c);
	s->tx_packets = cursor_be64(c);
	s->rx_bytes = cursor_be64(c);
	s->tx_bytes = cursor_be64(c);
	s->rx_dropped = cursor_be64(c);
	s->tx_dropped = cursor_be64(c);
	s->rx_errors = cursor_be64(c);
	s->tx_errors = cursor_be64(c);
}

static void read_ethernet_counters(struct cursor *c, struct ofp_port_stats *s)
{
	s->rx_frame_err = cursor_be64(c);
	s->rx_over_err = cursor_be64(c);
	s->rx_crc_err = cursor_be64(c);
	s->collisions = cursor_be64(c);
}

// The properties that extend 1.4's counters.
enum { VENDOR_PORT_STATS = 0xaa01 };
#define PROPERTY_RFC2819 OFPPROP_EXP(VENDOR_PORT_STATS, 1)
#define PROPERTY_NAMED	 OFPPROP_EXP(VENDOR_PORT_STATS, 2)

static int read_rfc2819(struct cursor value, struct ofp_port_stats *s)
{
	cursor_skip(&value, 4);
	s->rfc2819 = value;
	return value.bad || cursor_left(&value) != OFP_RFC2819_COUNTERS * 8 ? OFPBPC_BAD_LEN : 0;
}

static int read_named(struct cursor value, struct ofp_port_stats *s)
{
	cursor_skip(&value, 2);
	s->n_named = cursor_be16(&value);
	s->named = value;
	for (unsigned int i = 0; i < s->n_named; i++)
		cursor_skip(&value, cursor_u8(&value) + 8u);
	return value.bad ? OFPBPC_BAD_LEN : 0;
}

static int read_ethernet(struct cursor value, struct ofp_port_stats *s)
{
	if (cursor_left(&value) != 36)
		return OFPBPC_BAD_LEN;
	cursor_skip(&value, 4);
	read_ethernet_counters(&value, s);
	return 0;
}

static int stats14(struct cursor *c, struct ofp_port_stats *s)
{
	struct cursor peek = *c;
	uint16_t len = cursor_be16(&peek);
	if (len < 80 || len > cursor_left(c))
		return OFPBRC_BAD_LEN;
	struct cursor body = cursor_sub(c, len);
	cursor_skip(&body, 4);
	int error = ofp11_port_decode(cursor_be32(&body), &s->port_no);
	s->duration_s = cursor_be32(&body);
	s->duration_ns = cursor_be32(&body);
	read_main_counters(&body, s);
	s->rx_frame_err = s->rx_over_err = s->rx_crc_err = s->collisions = UINT64_MAX;
	while (!error && cursor_left(&body)) {
		uint64_t type;
		struct cursor value;
		error = prop_pull(&body, &type, &value);
		if (error)
			break;
		if (type == PROPERTY_ETHERNET)
			error = read_ethernet(value, s);
		else if (type == PROPERTY_RFC2819)
			error = read_rfc2819(value, s);
		else if (type == PROPERTY_NAMED)
			error = read_named(value, s);
	}
	return error;
}

int ofp_port_stats_pull(struct cursor *c, uint8_t version, struct ofp_port_stats *s)
{
	if (!cursor_left(c))
		return -ENODATA;
	*s = (struct ofp_port_stats){.duration_s = UINT32_MAX, .duration_ns = UINT32_MAX};
	if (version >= OFP14) {
		int error = stats14(c, s);
		return error ? error : c->bad ? OFPBRC_BAD_LEN : 0;
	}
	int error = 0;
	if (version == OFP10) {
		s->port_no = cursor_be16(c);
		cursor_skip(c, 6);
	} else {
		error = ofp11_port_decode(cursor_be32(c), &s->port_no);
		cursor_skip(c, 4);
	}
	read_main_counters(c, s);
	read_ethernet_counters(c, s);
	if (version == OFP13) {
		s->duration_s = cursor_be32(c);
		s->duration_ns = cursor_be32(c);
	}
	return error ? error : c->bad ? OFPBRC_BAD_LEN : 0;
}

// --- Queues.

int ofp_decode_queue_stats_request(const struct ofp_msg *m, uint32_t *port, uint32_t *queue)
{
	struct cursor c = m->body;
	int error = 0;
	if (m->version == OFP10) {
		*port = cursor_be16(&c);
		cursor_skip(&c, 2);
		if (*port == OFPP_ALL)
			*port = OFPP_NONE;
	} else {
		error = ofp11_port_decode(cursor_be32(&c), port);
	}
	*queue = cursor_be32(&c);
	return error;
}

void ofp_encode_queue_stats_request(struct buf *b, uint8_t version, uint32_t port, uint32_t queue,
				    uint32_t xid)
{
	size_t at = ofp_begin(b, OFPTYPE_QUEUE_STATS_REQUEST, false, version, xid);
	if (version == OFP10) {
		buf_add_be16(b, (uint16_t)(port == OFPP_NONE ? OFPP_ALL : port));
		buf_add_be16(b, 0);
	} else {
		buf_add_be32(b, ofp11_port_encode(port));
	}
	buf_add_be32(b, queue);
	ofp_end(b, at);
}

void ofp_append_queue_stats(struct ofp_replies *r, const struct ofp_msg *request,
			    const struct ofp_queue_stats *s)
{
	struct buf *b = &r->buf;
	ofp_replies_begin_entry(r);
	if (request->version >= OFP14) {
		buf_add_be16(b, 48);
		buf_add_zeros(b, 6);
	}
	if (request->version == OFP10) {
		buf_add_be16(b, (uint16_t)s->port_no);
		buf_add_be16(b, 0);
	} else {
		buf_add_be32(b, ofp11_port_encode(s->port_no));
	}
	buf_add_be32(b, s->queue);
	buf_add_be64(b, s->tx_bytes);
	buf_add_be64(b, s->tx_packets);
	buf_add_be64(b, s->tx_errors);
	if (request->version >= OFP13) {
		buf_add_be32(b, s->duration_s);
		buf_add_be32(b, s->duration_ns);
	}
	ofp_replies_end_entry(r);
}

int ofp_queue_stats_pull(struct cursor *c, uint8_t version, struct ofp_queue_stats *s)
{
	if (!cursor_left(c))
		return -ENODATA;
	*s = (struct ofp_queue_stats){.duration_s = UINT32_MAX, .duration_ns = UINT32_MAX};
	struct cursor body = *c;
	int error = 0;
	if (version >= OFP14) {
		struct cursor peek = *c;
		uint16_t len = cursor_be16(&peek);
		if (len < 48 || len > cursor_left(c))
			return OFPBRC_BAD_LEN;
		body = cursor_sub(c, len);
		cursor_skip(&body, 8);
	}
	if (version == OFP10) {
		s->port_no = cursor_be16(&body);
		cursor_skip(&body, 2);
	} else {
		error = ofp11_port_decode(cursor_be32(&body), &s->port_no);
	}
	s->queue = cursor_be32(&body);
	s->tx_bytes = cursor_be64(&body);
	s->tx_packets = cursor_be64(&body);
	s->tx_errors = cursor_be64(&body);
	if (version >= OFP13) {
		s->duration_s = cursor_be32(&body);
		s->duration_ns = cursor_be32(&body);
	}
	if (version < OFP14)
		*c = body;
	return error ? error : body.bad ? OFPBRC_BAD_LEN : 0;
}
