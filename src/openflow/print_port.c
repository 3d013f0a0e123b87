/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/vec.h"
#include "openflow/print_row.h"

#define N_OF(array) (sizeof(array) / sizeof((array)[0]))

static const struct bit_name config_names[] = {
	{OFPPC_PORT_DOWN, "PORT_DOWN"},	      {OFPPC_NO_STP, "NO_STP"},
	{OFPPC_NO_RECV, "NO_RECV"},	      {OFPPC_NO_RECV_STP, "NO_RECV_STP"},
	{OFPPC_NO_FLOOD, "NO_FLOOD"},	      {OFPPC_NO_FWD, "NO_FWD"},
	{OFPPC_NO_PACKET_IN, "NO_PACKET_IN"},
};
static const struct bit_name state_names[] = {
	{OFPPS_LINK_DOWN, "LINK_DOWN"}, {OFPPS_BLOCKED, "BLOCKED"}, {OFPPS_LIVE, "LIVE"}};
static const struct bit_name feature_names[] = {
	{OFPPF_10MB_HD, "10MB-HD"},   {OFPPF_10MB_FD, "10MB-FD"},
	{OFPPF_100MB_HD, "100MB-HD"}, {OFPPF_100MB_FD, "100MB-FD"},
	{OFPPF_1GB_HD, "1GB-HD"},     {OFPPF_1GB_FD, "1GB-FD"},
	{OFPPF_10GB_FD, "10GB-FD"},   {OFPPF_40GB_FD, "40GB-FD"},
	{OFPPF_100GB_FD, "100GB-FD"}, {OFPPF_1TB_FD, "1TB-FD"},
	{OFPPF_OTHER, "OTHER"},	      {OFPPF_COPPER, "COPPER"},
	{OFPPF_FIBER, "FIBER"},	      {OFPPF_AUTONEG, "AUTO_NEG"},
	{OFPPF_PAUSE, "AUTO_PAUSE"},  {OFPPF_PAUSE_ASYM, "AUTO_PAUSE_ASYM"},
};

static void print_config_bits(struct str *s, uint32_t config)
{
	print_bits(s, config, config_names, N_OF(config_names), ' ');
	str_addc(s, '\n');
}

static void print_state(struct str *s, uint32_t state)
{
	static const char *const stp[] = {"", "STP_LEARN", "STP_FORWARD", "STP_BLOCK"};
	uint32_t bits = state & ~(uint32_t)OFPPS_STP_MASK;
	str_add(s, stp[(state & OFPPS_STP_MASK) >> 8]);
	if (bits || !state)
		print_bits(s, bits, state_names, N_OF(state_names), ' ');
	str_addc(s, '\n');
}

static void print_features_line(struct str *s, const char *what, uint32_t features)
{
	if (!features)
		return;
	str_add(s, what);
	print_bits(s, features, feature_names, N_OF(feature_names), ' ');
	str_addc(s, '\n');
}

static void print_desc_of(struct str *s, const struct ofp_port_desc *p)
{
	const uint8_t *a = p->hw_addr;
	str_addc(s, ' ');
	ofp_port_format(p->port_no, NULL, NULL, s);
	str_addc(s, '(');
	for (const char *c = p->name; isprint((unsigned char)*c); c++)
		str_addc(s, *c);
	str_addf(s, "): addr:%02x:%02x:%02x:%02x:%02x:%02x\n     config:     ", a[0], a[1], a[2],
		 a[3], a[4], a[5]);
	print_config_bits(s, p->config);
	str_add(s, "     state:      ");
	print_state(s, p->state);
	print_features_line(s, "     current:    ", p->curr);
	print_features_line(s, "     advertised: ", p->advertised);
	print_features_line(s, "     supported:  ", p->supported);
	print_features_line(s, "     peer:       ", p->peer);
	str_addf(s, "     speed: %u Mbps now, %u Mbps max\n", p->curr_speed / 1000,
		 p->max_speed / 1000);
}

static int compare_ports(const void *pa, const void *pb)
{
	const struct ofp_port_desc *a = pa, *b = pb;
	return a->port_no < b->port_no ? -1 : a->port_no > b->port_no;
}

int print_port_list(struct str *s, struct cursor *ports, uint8_t version,
		    const struct ofp_print_options *o)
{
	VEC(struct ofp_port_desc) list = {0};
	struct ofp_port_desc p;
	int error;
	while (!(error = ofp_port_desc_pull(ports, version, &p)))
		vec_push(&list, p);
	if (list.n)
		qsort(list.v, list.n, sizeof(list.v[0]), compare_ports);
	VEC_FOREACH (&list, i)
		print_desc_of(s, &list.v[i]);
	vec_done(&list);
	return error == -ENODATA ? 0 : error;
}

int print_port_status(struct str *s, const struct ofp_msg *m, const struct ofp_print_options *o)
{
	static const char *const reasons[] = {" ADD:", " DEL:", " MOD:"};
	struct ofp_port_status status;
	int error = ofp_decode_port_status(m, &status);
	if (error)
		return error;
	str_add(s, reasons[status.reason]);
	print_desc_of(s, &status.desc);
	return 0;
}

int print_port_mod(struct str *s, const struct ofp_msg *m, const struct ofp_print_options *o)
{
	struct ofp_port_mod pm;
	int error = ofp_decode_port_mod(m, false, &pm);
	if (error)
		return error;
	const uint8_t *a = pm.hw_addr;
	str_add(s, " port: ");
	print_port(s, pm.port_no, o);
	str_addf(s, ": addr:%02x:%02x:%02x:%02x:%02x:%02x\n     config: ", a[0], a[1], a[2], a[3],
		 a[4], a[5]);
	print_config_bits(s, pm.config);
	str_add(s, "     mask:   ");
	print_config_bits(s, pm.mask);
	str_add(s, "     advertise: ");
	if (pm.advertise)
		print_bits(s, pm.advertise, feature_names, N_OF(feature_names), ' ');
	else
		str_add(s, "UNCHANGED");
	str_addc(s, '\n');
	return 0;
}

int print_port_desc_request(struct str *s, const struct ofp_msg *m,
			    const struct ofp_print_options *o)
{
	uint32_t port;
	int error = ofp_decode_port_desc_request(m, &port);
	if (error)
		return error;
	str_add(s, " port=");
	print_port(s, port, o);
	return 0;
}

int print_port_desc_reply(struct str *s, const struct ofp_msg *m, const struct ofp_print_options *o)
{
	struct cursor body = m->body;
	str_addc(s, '\n');
	return print_port_list(s, &body, m->version, o);
}

int print_port_stats_request(struct str *s, const struct ofp_msg *m,
			     const struct ofp_print_options *o)
{
	uint32_t port;
	int error = ofp_decode_port_stats_request(m, &port);
	if (error)
		return error;
	str_add(s, " port_no=");
	print_port(s, port, o);
	return 0;
}

// By the direction, and in the order, of RFC 2819's counters in the message.
static const struct rfc2819_counter {
	const char *name;
	bool tx;
} rfc2819_counters[OFP_RFC2819_COUNTERS] = {
	{"1_to_64_packets", false},	{"65_to_127_packets", false},
	{"128_to_255_packets", false},	{"256_to_511_packets", false},
	{"512_to_1023_packets", false}, {"1024_to_1522_packets", false},
	{"1523_to_max_packets", false}, {"1_to_64_packets", true},
	{"65_to_127_packets", true},	{"128_to_255_packets", true},
	{"256_to_511_packets", true},	{"512_to_1023_packets", true},
	{"1024_to_1522_packets", true}, {"1523_to_max_packets", true},
	{"multicast_packets", true},	{"broadcast_packets", false},
	{"broadcast_packets", true},	{"undersized_errors", false},
	{"oversize_errors", false},	{"rx_fragmented_errors", false},
	{"rx_jabber_errors", false},
};

static void print_rfc2819(struct str *s, struct cursor counters, bool tx)
{
	bool any = false;
	for (size_t i = 0; cursor_left(&counters); i++) {
		uint64_t n = cursor_be64(&counters);
		if (n == UINT64_MAX || rfc2819_counters[i].tx != tx)
			continue;
		if (!any)
			str_addf(s, "           %s rfc2819 ", tx ? "tx" : "rx");
		str_addf(s, "%s=%llu, ", rfc2819_counters[i].name, (unsigned long long)n);
		any = true;
	}
	if (any)
		str_addc(s, '\n');
}

// Three in a line.
static void print_named(struct str *s, const struct ofp_port_stats *p)
{
	enum { IN_LINE = 3, MAX_NAME = 63 };
	struct cursor c = p->named;
	unsigned int n = 0;
	if (!p->n_named)
		return;
	str_add(s, "           CUSTOM Statistics");
	for (unsigned int i = 0; i < p->n_named; i++) {
		unsigned int len = cursor_u8(&c);
		const char *name = cursor_take(&c, len);
		uint64_t value = cursor_be64(&c);
		size_t shown = c.bad ? 0 : strnlen(name, len < MAX_NAME ? len : MAX_NAME);
		if (!shown)
			continue;
		str_add(s, n++ % IN_LINE ? " " : "\n                      ");
		str_addn(s, name, shown);
		str_addf(s, "=%llu,", (unsigned long long)value);
	}
	str_addc(s, '\n');
}

static void print_stats_of(struct str *s, const struct ofp_port_stats *p,
			   const struct ofp_print_options *o)
{
	struct str name = STR_INIT;
	print_port(&name, p->port_no, o);
	// Numbers and names alike: numbers of one digit are set under those of two.
	bool narrow = p->port_no < 10;
	str_addf(s, "  port %s%s: rx ", narrow ? " " : "", str_cstr(&name));
	str_done(&name);
	print_counter(s, "pkts=", p->rx_packets);
	print_counter(s, ", bytes=", p->rx_bytes);
	print_counter(s, ", drop=", p->rx_dropped);
	print_counter(s, ", errs=", p->rx_errors);
	print_counter(s, ", frame=", p->rx_frame_err);
	print_counter(s, ", over=", p->rx_over_err);
	print_counter(s, ", crc=", p->rx_crc_err);
	print_counter(s, "\n           tx pkts=", p->tx_packets);
	print_counter(s, ", bytes=", p->tx_bytes);
	print_counter(s, ", drop=", p->tx_dropped);
	print_counter(s, ", errs=", p->tx_errors);
	print_counter(s, ", coll=", p->collisions);
	str_addc(s, '\n');
	if (p->duration_s != UINT32_MAX) {
		str_add(s, "           duration=");
		print_duration(s, p->duration_s, p->duration_ns);
		str_addc(s, '\n');
	}
	print_rfc2819(s, p->rfc2819, false);
	print_rfc2819(s, p->rfc2819, true);
	print_named(s, p);
}

int print_port_stats_reply(struct str *s, const struct ofp_msg *m,
			   const struct ofp_print_options *o)
{
	struct cursor body = m->body;
	struct ofp_port_stats p;
	unsigned int n = 0;
	while (!ofp_port_stats_pull(&body, m->version, &p))
		n++;
	str_addf(s, " %u ports\n", n);
	if (o->verbosity < 1)
		return 0;
	body = m->body;
	int error;
	while (!(error = ofp_port_stats_pull(&body, m->version, &p)))
		print_stats_of(s, &p, o);
	return error == -ENODATA ? 0 : error;
}

int print_queue_stats_request(struct str *s, const struct ofp_msg *m,
			      const struct ofp_print_options *o)
{
	uint32_t port, queue;
	int error = ofp_decode_queue_stats_request(m, &port, &queue);
	if (error)
		return error;
	str_add(s, " port=");
	print_port(s, port, o);
	if (queue == UINT32_MAX)
		str_add(s, " queue=ALL");
	else
		str_addf(s, " queue=%u", queue);
	return 0;
}

int print_queue_stats_reply(struct str *s, const struct ofp_msg *m,
			    const struct ofp_print_options *o)
{
	struct cursor body = m->body;
	struct ofp_queue_stats q;
	unsigned int n = 0;
	while (!ofp_queue_stats_pull(&body, m->version, &q))
		n++;
	str_addf(s, " %u queues\n", n);
	if (o->verbosity < 1)
		return 0;
	body = m->body;
	int error;
	while (!(error = ofp_queue_stats_pull(&body, m->version, &q))) {
		str_add(s, "  port ");
		print_port(s, q.port_no, o);
		if (q.queue == UINT32_MAX)
			str_add(s, " queue ALL: ");
		else
			str_addf(s, " queue %u: ", q.queue);
		print_counter(s, "bytes=", q.tx_bytes);
		print_counter(s, ", pkts=", q.tx_packets);
		print_counter(s, ", errors=", q.tx_errors);
		str_add(s, ", duration=");
		if (q.duration_s == UINT32_MAX)
			str_addc(s, '?');
		else
			print_duration(s, q.duration_s, q.duration_ns);
		str_addc(s, '\n');
	}
	return error == -ENODATA ? 0 : error;
}
