/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "openflow/continuation.h"
#include "openflow/print_row.h"

enum { PROTO_ICMP = 1, PROTO_TCP = 6, PROTO_UDP = 17, PROTO_SCTP = 132, PROTO_ICMPV6 = 58 };

// Where the transport header of a frame begins; 0: there is none to be found. What pads the frame
// is taken off of *n.
static size_t transport_offset(const uint8_t *p, size_t *n, be32_t packet_type)
{
	size_t at = 12;
	uint16_t type = *n >= 14 ? get_be16(p + 12) : 0;
	if (packet_type) { // without an Ethernet header
		type = be16toh(flow_ethertype_of(packet_type));
		at = (size_t)-2;
	}
	while (!packet_type && (type == 0x8100 || type == 0x88a8) && *n >= at + 6) {
		at += 4;
		type = get_be16(p + at);
	}
	at += 2;
	if (type == 0x0800 && *n >= at + 20) {
		size_t end = at + get_be16(p + at + 2);
		*n = end < *n ? end : *n;
		return at + 4u * (p[at] & 15);
	}
	return type == 0x86dd && *n >= at + 40 ? at + 40 : 0;
}

static void print_checksum(struct str *s, const uint8_t *p, size_t n, be32_t packet_type,
			   uint8_t proto)
{
	size_t l4 = transport_offset(p, &n, packet_type);
	if (!l4)
		return;
	if (proto == PROTO_TCP && n >= l4 + 20)
		str_addf(s, " tcp_csum:%x", get_be16(p + l4 + 16));
	else if (proto == PROTO_ICMP && n >= l4 + 8)
		str_addf(s, " icmp_csum:%x", get_be16(p + l4 + 2));
	else if (proto == PROTO_UDP && n >= l4 + 8)
		str_addf(s, " udp_csum:%x", get_be16(p + l4 + 6));
	else if (proto == PROTO_SCTP && n >= l4 + 12)
		str_addf(s, " sctp_csum:%x", get_be32(p + l4 + 8));
	else if (proto == PROTO_ICMPV6 && n >= l4 + 4)
		str_addf(s, " icmp6_csum:%x", get_be16(p + l4 + 2));
}

static void print_packet(struct str *s, const void *frame, size_t n, be32_t packet_type)
{
	struct flow f = {.packet_type = packet_type};
	flow_extract(frame, n, n, &f);
	flow_format(&f, NULL, s, NULL, NULL);
	if (f.dl_type == BE16(0x0800) || f.dl_type == BE16(0x86dd))
		print_checksum(s, frame, n, f.packet_type, f.nw_proto);
	str_addc(s, '\n');
}

void ofp_print_packet(struct str *s, const void *frame, size_t n)
{
	print_packet(s, frame, n, 0);
}

// The metadata says what the packet begins with.
static void print_contents(struct str *s, const struct match *metadata, const void *packet,
			   size_t n, const struct ofp_print_options *o)
{
	if (o->verbosity > 0)
		print_packet(s, packet, n, metadata->flow.packet_type);
	if (o->verbosity > 2)
		print_hex_dump(s, packet, n, false);
}

int print_packet_in(struct str *s, const struct ofp_msg *m, const struct ofp_print_options *o)
{
	struct ofp_packet_in pin;
	struct ofp_continuation paused = {.stack = NULL};
	int error = ofp_decode_packet_in(m, &pin);
	if (!error && pin.has_continuation)
		error = ofp_continuation_decode(pin.continuation, m->version, true, &paused);
	if (error) {
		ofp_continuation_done(&paused);
		return error;
	}
	if (pin.table_id)
		str_addf(s, " table_id=%u", pin.table_id);
	if (pin.cookie != UINT64_MAX)
		str_addf(s, " cookie=0x%llx", (unsigned long long)be64toh(pin.cookie));
	str_addf(s, " total_len=%zu ", pin.total_len);
	match_format(&pin.metadata, s, -1, o->text.port_name, o->text.arg);
	if (pin.reason < OFPR_N_REASONS)
		str_addf(s, " (via %s)", ofp_packet_in_reason_name(pin.reason));
	else
		str_addf(s, " (via %u)", pin.reason);
	str_addf(s, " data_len=%zu", pin.packet_len);
	if (pin.buffer_id == OFP_NO_BUFFER) {
		str_add(s, " (unbuffered)");
		if (pin.total_len != pin.packet_len)
			str_add(s, " (***total_len != data_len***)");
	} else {
		str_addf(s, " buffer=0x%08x", pin.buffer_id);
		if (pin.total_len < pin.packet_len)
			str_add(s, " (***total_len < data_len***)");
	}
	str_addc(s, '\n');
	if (pin.userdata_len) {
		str_add(s, " userdata=");
		for (size_t i = 0; i < pin.userdata_len; i++)
			str_addf(s, "%s%02x", i ? "." : "", pin.userdata[i]);
		str_addc(s, '\n');
	}
	if (pin.has_continuation)
		ofp_continuation_print(s, &paused, &o->text);
	ofp_continuation_done(&paused);
	print_contents(s, &pin.metadata, pin.packet, pin.packet_len, o);
	return 0;
}

int print_packet_out(struct str *s, const struct ofp_msg *m, const struct ofp_print_options *o)
{
	struct ofp_packet_out po = {0};
	int error = ofp_decode_packet_out(m, &po);
	if (!error) {
		str_addc(s, ' ');
		match_format(&po.metadata, s, -1, o->text.port_name, o->text.arg);
		str_add(s, " actions=");
		ofpacts_format(po.actions.data, po.actions.len, &o->text, s);
		if (po.buffer_id == OFP_NO_BUFFER) {
			str_addf(s, " data_len=%zu", po.packet_len);
			if (o->verbosity > 0 && po.packet_len)
				str_addc(s, '\n');
			if (po.packet_len)
				print_contents(s, &po.metadata, po.packet, po.packet_len, o);
		} else {
			str_addf(s, " buffer=0x%08x", po.buffer_id);
		}
		if (s->s[s->len - 1] != '\n')
			str_addc(s, '\n');
	}
	ofp_packet_out_done(&po);
	return error;
}
