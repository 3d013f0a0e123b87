/* SPDX-License-Identifier: Apache-2.0 */
// Commands about packets and captures of them, which need no switch.
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "cmd/ovs-ofctl/ofctl.h"
#include "flow/compose.h"
#include "flow/match.h"
#include "packet/address.h"
#include "packet/headers.h"
#include "packet/pcap.h"

void end_on_error(const char *prefix, struct error *e)
{
	static char *text; // lives until the end
	if (!e)
		return;
	text = error_take_text(e);
	command_die("%s%s%s", prefix ? prefix : "", prefix ? ": " : "", text);
}

static void print_flow(FILE *to, const struct flow *f)
{
	struct str s = STR_INIT;
	flow_format(f, NULL, &s, NULL, NULL);
	fputs(str_cstr(&s), to);
	str_done(&s);
}

static void extract(const void *frame, size_t n, struct flow *f)
{
	memset(f, 0, sizeof(*f));
	f->in_port = OFPP_NONE;
	flow_extract(frame, n, n, f);
}

void print_bytes(const struct buf *b)
{
	for (size_t at = 0; at < b->len; at += 16) {
		printf("%08zx ", at);
		for (size_t i = at; i < at + 16 && i < b->len; i++)
			printf("%c%02x", i == at + 8 ? '-' : ' ', b->data[i]);
		putchar('\n');
	}
}

// --- compose-packet, parse-packet

static void parse_exact(const char *text, struct flow *f)
{
	struct match m;
	char *copy = xstrdup(text), *at = copy, *key, *value;
	match_init_any(&m);
	m.flow.in_port = OFPP_NONE;
	while (key_value_scan(&at, &key, &value)) {
		bool known;
		if (value && strchr(value, '/'))
			command_die("%s: bad value for %s (%s: wildcards not allowed here)", text,
				    key, value);
		end_on_error(text, match_parse_field(&m, key, value, &known, NULL, NULL));
		if (!known)
			command_die("%s: unknown field %s", text, key);
	}
	*f = m.flow;
	if (f->vlan[0].tci && !f->vlan[0].tpid)
		f->vlan[0].tpid = BE16(ETHERTYPE_VLAN_8021Q);
	free(copy);
}

static void write_capture(const struct buf *frame)
{
	struct pcap_file *file;
	if (isatty(STDOUT_FILENO))
		command_die("not writing pcap data to terminal");
	end_on_error(NULL, pcap_file_create("-", &file));
	end_on_error(NULL, pcap_file_write(file, frame->data, frame->len, frame->len,
					   clock_wall_ms() * 1000));
	pcap_file_close(file);
}

// Does a packet get one that nobody asked for?
static bool has_payload(const struct flow *f)
{
	if ((f->dl_type != BE16(ETHERTYPE_IPV4) && f->dl_type != BE16(ETHERTYPE_IPV6)) ||
	    f->nw_frag & FLOW_FRAG_LATER)
		return false;
	return f->nw_proto == IP_PROTO_TCP || f->nw_proto == IP_PROTO_UDP ||
	       f->nw_proto == IP_PROTO_ICMP || f->nw_proto == IP_PROTO_ICMPV6;
}

static void compose_packet(int argc, char *argv[], void *arg)
{
	enum { PAYLOAD = 64 };
	const struct ofctl *o = arg;
	struct flow wanted, got;
	struct buf payload = BUF_INIT, frame = BUF_INIT;
	parse_exact(argv[1], &wanted);
	if (argc > 2) {
		struct error *e = packet_from_hex(argv[2], &payload);
		bool bad = e;
		error_free(e);
		if (bad)
			command_die("%s: trailing garbage in packet data", argv[2]);
	} else if (has_payload(&wanted)) {
		for (unsigned int i = 0; i < PAYLOAD; i++)
			buf_add_u8(&payload, (uint8_t)i);
	}
	flow_compose(&wanted, payload.data, payload.len, &frame);
	if (o->pcap)
		write_capture(&frame);
	else
		print_bytes(&frame);
	extract(frame.data, frame.len, &got);
	bool same = flow_equal(&wanted, &got);
	if (!same) {
		fprintf(stderr, "specified and extracted flows differ:\nspecified: ");
		print_flow(stderr, &wanted);
		fprintf(stderr, "\nextracted: ");
		print_flow(stderr, &got);
		fputc('\n', stderr);
	}
	buf_done(&payload);
	buf_done(&frame);
	if (!same)
		exit(EXIT_FAILURE);
}

static void parse_packet(int argc, char *argv[], void *arg)
{
	static uint8_t frame[65535];
	struct flow f;
	extract(frame, fread(frame, 1, sizeof(frame), stdin), &f);
	f.in_port = 0;
	print_flow(stdout, &f);
	putchar('\n');
}

// --- parse-pcap

static void parse_pcap(int argc, char *argv[], void *arg)
{
	struct buf frame = BUF_INIT;
	for (int i = 1; i < argc; i++) {
		struct pcap_file *file;
		bool end;
		end_on_error(NULL, pcap_file_open(argv[i], &file));
		for (;;) {
			struct flow f;
			end_on_error(NULL, pcap_file_read(file, &frame, NULL, &end));
			if (end)
				break;
			extract(frame.data, frame.len, &f);
			print_flow(stdout, &f);
			putchar('\n');
		}
		pcap_file_close(file);
	}
	buf_done(&frame);
}

// --- ofp-parse-pcap: follows TCP connections and prints what is OpenFlow in them.

struct stream { // one direction of a connection
	struct {
		union flow_in6 src6, dst6;
		be32_t src, dst;
		be16_t sport, dport;
	} key;
	uint32_t next; // sequence number
	struct buf data;
};
struct reader {
	VEC(struct stream) streams;
	const struct ofctl *ofctl;
	char **ports; // NULL at the end; none: the usual ones
	bool any;
};

static bool is_openflow_port(const struct reader *r, be16_t port)
{
	enum { OLD_PORT = 6633 };
	if (!r->ports[0])
		return port == htobe16(OFP_PORT_TCP) || port == htobe16(OLD_PORT);
	for (char **p = r->ports; *p; p++)
		if (atoi(*p) == be16toh(port))
			return true;
	return false;
}

static struct stream *stream_of(struct reader *r, const struct flow *f)
{
	struct stream new = {0};
	new.key.src6 = f->ipv6_src;
	new.key.dst6 = f->ipv6_dst;
	new.key.src = f->nw_src;
	new.key.dst = f->nw_dst;
	new.key.sport = f->tp_src;
	new.key.dport = f->tp_dst;
	VEC_FOREACH (&r->streams, i)
		if (!memcmp(&r->streams.v[i].key, &new.key, sizeof(new.key)))
			return &r->streams.v[i];
	vec_push(&r->streams, new);
	return &r->streams.v[r->streams.n - 1];
}

static void print_end(const struct flow *f, bool source)
{
	struct str s = STR_INIT;
	if (f->dl_type == BE16(ETHERTYPE_IPV6))
		ipv6_format(&s, (const uint8_t *)(source ? &f->ipv6_src : &f->ipv6_dst));
	else
		ipv4_format(&s, source ? f->nw_src : f->nw_dst);
	printf("%s.%u", str_cstr(&s), be16toh(source ? f->tp_src : f->tp_dst));
	str_done(&s);
}

static void print_messages(struct reader *r, struct stream *s, const struct flow *f, int64_t usec)
{
	size_t at = 0, len;
	for (; s->data.len - at >= sizeof(struct ofp_header); at += len) {
		len = ofp_length(s->data.data + at);
		if (len < sizeof(struct ofp_header)) { // this is no OpenFlow
			at = s->data.len;
			break;
		}
		if (s->data.len - at < len)
			break;
		if (r->any)
			putchar('\n');
		r->any = true;
		if (r->ofctl->timestamp) {
			time_t seconds = usec / 1000000;
			struct tm tm;
			char text[32];
			strftime(text, sizeof(text), "%H:%M:%S", gmtime_r(&seconds, &tm));
			printf("%s.%03d ", text, (int)(usec / 1000 % 1000));
		}
		print_end(f, true);
		printf(" > ");
		print_end(f, false);
		printf(":\n");
		print_message(r->ofctl, s->data.data + at, len, r->ofctl->verbosity + 1);
	}
	memmove(s->data.data, s->data.data + at, s->data.len - at);
	s->data.len -= at;
}

// Where the payload of the TCP segment in the frame is; false: there is none.
static bool find_segment(const struct buf *frame, const struct flow *f, const struct tcp_hdr **tcp,
			 struct cursor *payload)
{
	size_t at = ETH_HDR_BYTES, end;
	for (unsigned int i = 0; i < FLOW_MAX_VLANS; i++)
		at += f->vlan[i].tci ? ETH_VLAN_HDR_BYTES : 0;
	if (f->dl_type == BE16(ETHERTYPE_IPV4)) {
		const struct ipv4_hdr *ip = (const void *)(frame->data + at);
		if (frame->len < at + sizeof(*ip))
			return false;
		end = at + be16toh(ip->total_len);
		at += (ip->ver_ihl & 0xfu) * 4;
	} else {
		const struct ipv6_hdr *ip = (const void *)(frame->data + at);
		if (frame->len < at + sizeof(*ip) || ip->next != IP_PROTO_TCP)
			return false;
		at += sizeof(*ip);
		end = at + be16toh(ip->payload_len);
	}
	end = end < frame->len ? end : frame->len;
	if (end < at + sizeof(**tcp))
		return false;
	*tcp = (const void *)(frame->data + at);
	at += (size_t)(be16toh((*tcp)->offset_flags) >> 12) * 4;
	*payload = cursor_make(frame->data + at, at < end ? end - at : 0);
	return true;
}

static void read_segment(struct reader *r, const struct buf *frame, int64_t usec)
{
	enum { FIN = 1, SYN = 2, RST = 4 };
	struct flow f;
	const struct tcp_hdr *tcp;
	struct cursor payload;
	extract(frame->data, frame->len, &f);
	if ((f.dl_type != BE16(ETHERTYPE_IPV4) && f.dl_type != BE16(ETHERTYPE_IPV6)) ||
	    f.nw_proto != IP_PROTO_TCP ||
	    (!is_openflow_port(r, f.tp_src) && !is_openflow_port(r, f.tp_dst)) ||
	    !find_segment(frame, &f, &tcp, &payload))
		return;
	size_t before = r->streams.n;
	struct stream *s = stream_of(r, &f);
	uint32_t seq = be32toh(tcp->seq);
	uint16_t flags = be16toh(f.tcp_flags);
	if (flags & SYN || r->streams.n > before) {
		buf_clear(&s->data);
		s->next = seq + !!(flags & SYN);
	}
	// What was sent again, or does not follow, is left out.
	if (!(flags & SYN) && seq == s->next) {
		size_t n = cursor_left(&payload);
		s->next += (uint32_t)n;
		buf_add(&s->data, cursor_take(&payload, n), n);
		print_messages(r, s, &f, usec);
	}
	if (flags & (FIN | RST)) {
		buf_done(&s->data);
		vec_swap_remove(&r->streams, (size_t)(s - r->streams.v));
	}
}

static void ofp_parse_pcap(int argc, char *argv[], void *arg)
{
	struct reader r = {.ofctl = arg, .ports = argv + 2};
	struct pcap_file *file;
	struct buf frame = BUF_INIT;
	int64_t usec;
	bool end;
	end_on_error(NULL, pcap_file_open(argv[1], &file));
	for (;;) {
		end_on_error(NULL, pcap_file_read(file, &frame, &usec, &end));
		if (end)
			break;
		read_segment(&r, &frame, usec);
	}
	pcap_file_close(file);
	VEC_FOREACH (&r.streams, i)
		buf_done(&r.streams.v[i].data);
	vec_done(&r.streams);
	buf_done(&frame);
}

const struct command packet_commands[] = {
	{"ofp-parse-pcap", "pcap", 1, INT_MAX, ofp_parse_pcap},
	{"parse-pcap", "", 1, INT_MAX, parse_pcap},
	{"parse-packet", "", 0, 0, parse_packet},
	{"compose-packet", "", 1, 2, compose_packet},
	{0},
};
