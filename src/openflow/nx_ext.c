/* SPDX-License-Identifier: Apache-2.0 */
#include "openflow/nx_ext.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "openflow/prop.h"

// --- The table of tunnel options.

static int pull_map(struct cursor *c, struct option_map *map)
{
	map->option_class = cursor_be16(c);
	map->option_type = cursor_u8(c);
	map->option_len = cursor_u8(c);
	map->index = cursor_be16(c);
	cursor_skip(c, 2);
	if (map->option_len % 4 || map->option_len > FLOW_OPTION_MAX)
		return NXTTMFC_BAD_OPT_LEN;
	return 0;
}

static void put_map(struct buf *b, const struct option_map *map)
{
	buf_add_be16(b, map->option_class);
	buf_add_u8(b, map->option_type);
	buf_add_u8(b, map->option_len);
	buf_add_be16(b, map->index);
	buf_add_be16(b, 0);
}

void ofp_tlv_table_mod_done(struct ofp_tlv_table_mod *tm)
{
	vec_done(&tm->maps);
}

int ofp_decode_tlv_table_mod(const struct ofp_msg *m, struct ofp_tlv_table_mod *tm)
{
	struct cursor c = m->body;
	*tm = (struct ofp_tlv_table_mod){0};
	uint16_t command = cursor_be16(&c);
	cursor_skip(&c, 6);
	if (command > NXTTMC_CLEAR)
		return NXTTMFC_BAD_COMMAND;
	tm->command = (enum ofp_tlv_command)command;
	int error = 0;
	while (!error && cursor_left(&c)) {
		error = pull_map(&c, vec_extend(&tm->maps));
		if (!error && vec_last(&tm->maps).index >= FLOW_N_OPTIONS)
			error = NXTTMFC_BAD_FIELD_IDX;
	}
	return error;
}

void ofp_encode_tlv_table_mod(struct buf *b, const struct ofp_tlv_table_mod *tm, uint8_t version,
			      uint32_t xid)
{
	size_t at = ofp_begin(b, OFPTYPE_TLV_TABLE_MOD, true, version, xid);
	buf_add_be16(b, (uint16_t)tm->command);
	buf_add_zeros(b, 6);
	VEC_FOREACH (&tm->maps, i)
		put_map(b, &tm->maps.v[i]);
	ofp_end(b, at);
}

void ofp_tlv_table_done(struct ofp_tlv_table *t)
{
	vec_done(&t->maps);
}

int ofp_decode_tlv_table_reply(const struct ofp_msg *m, struct ofp_tlv_table *t)
{
	struct cursor c = m->body;
	*t = (struct ofp_tlv_table){0};
	t->max_space = cursor_be32(&c);
	t->max_fields = cursor_be16(&c);
	cursor_skip(&c, 10);
	int error = 0;
	while (!error && cursor_left(&c)) {
		error = pull_map(&c, vec_extend(&t->maps));
		if (!error && vec_last(&t->maps).index >= t->max_fields)
			error = NXTTMFC_BAD_FIELD_IDX;
	}
	return error;
}

void ofp_encode_tlv_table_reply(struct buf *b, const struct ofp_msg *request,
				const struct ofp_tlv_table *t)
{
	size_t at = ofp_begin_reply(b, request);
	buf_add_be32(b, t->max_space);
	buf_add_be16(b, t->max_fields);
	buf_add_zeros(b, 10);
	VEC_FOREACH (&t->maps, i)
		put_map(b, &t->maps.v[i]);
	ofp_end(b, at);
}

static struct error *parse_map(const char *text, int *used, struct option_map *map)
{
	unsigned int option_class, type, len, index;
	*used = 0;
	if (sscanf(text, " {class=%i,type=%i,len=%i}->tun_metadata%u%n", (int *)&option_class,
		   (int *)&type, (int *)&len, &index, used) < 4 ||
	    !*used)
		return error_new("invalid tlv mapping");
	if (option_class > UINT16_MAX || type > UINT8_MAX)
		return error_new("%s: class is at most 0xffff, type at most 0xff", text);
	if (len % 4 || len > FLOW_OPTION_MAX)
		return error_new("%s: len must be a multiple of 4 from 0 to %d", text,
				 FLOW_OPTION_MAX);
	if (index >= FLOW_N_OPTIONS)
		return error_new("%s: there are tun_metadata0 to tun_metadata%d", text,
				 FLOW_N_OPTIONS - 1);
	*map = (struct option_map){.option_class = (uint16_t)option_class,
				   .option_type = (uint8_t)type,
				   .option_len = (uint8_t)len,
				   .index = (uint16_t)index};
	return NULL;
}

struct error *ofp_tlv_maps_parse(const char *text, struct ofp_tlv_table_mod *tm)
{
	while (*text) {
		struct option_map map;
		int used;
		struct error *e = parse_map(text, &used, &map);
		if (e)
			return e;
		vec_push(&tm->maps, map);
		text += used;
		size_t n = strspn(text, ", \t\r\n");
		if (*text && !text[n]) // "MAP,"
			return error_new("invalid tlv mapping");
		text += n;
	}
	return NULL;
}

// --- Tracked connections.

enum { PROP_ORIG = 0, PROP_REPLY = 1, PROP_ZONE = 2 };
enum {
	TUPLE_SRC,
	TUPLE_DST,
	TUPLE_SRC_PORT,
	TUPLE_DST_PORT,
	TUPLE_ICMP_ID,
	TUPLE_ICMP_TYPE,
	TUPLE_ICMP_CODE
};
enum { PROTO_ICMP = 1, PROTO_ICMPV6 = 58 };

static bool is_icmp(uint8_t proto)
{
	return proto == PROTO_ICMP || proto == PROTO_ICMPV6;
}

static int pull_u8(struct cursor value, uint8_t *out)
{
	if (cursor_left(&value) < 1)
		return OFPBPC_BAD_LEN;
	*out = cursor_u8(&value);
	return 0;
}

static uint16_t with_icmp_type(uint16_t dst_port, uint8_t type)
{
	return (uint16_t)((dst_port & 0xff00) | type);
}

static uint16_t with_icmp_code(uint16_t dst_port, uint8_t code)
{
	return (uint16_t)(code << 8 | (dst_port & 0xff));
}

static bool address_is_any(const uint8_t a[16])
{
	static const uint8_t any[16];
	return !memcmp(a, any, 16);
}

// 0: any; 4 or 6.
static int address_family(const uint8_t a[16])
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	return address_is_any(a) ? 0 : memcmp(a, mapped, 12) ? 6 : 4;
}

// All addresses are of one family.
static int pull_address(struct cursor value, int *family, uint8_t address[16])
{
	if (cursor_left(&value) < 16)
		return OFPBPC_BAD_LEN;
	cursor_copy(&value, address, 16);
	int f = address_family(address);
	if (f && *family && f != *family)
		return OFPBPC_BAD_VALUE;
	*family = f ? f : *family;
	return 0;
}

static int pull_tuple(struct cursor c, int *family, struct ofp_ct_tuple *t)
{
	while (cursor_left(&c)) {
		uint64_t type;
		struct cursor value;
		int error = prop_pull(&c, &type, &value);
		if (error)
			return error;
		uint8_t byte = 0;
		if (type == TUPLE_SRC || type == TUPLE_DST)
			error = pull_address(value, family, type == TUPLE_SRC ? t->src : t->dst);
		else if (type == TUPLE_SRC_PORT || type == TUPLE_ICMP_ID)
			error = prop_u16(value, &t->src_port);
		else if (type == TUPLE_DST_PORT)
			error = prop_u16(value, &t->dst_port);
		else if (type == TUPLE_ICMP_TYPE && !(error = pull_u8(value, &byte)))
			t->dst_port = with_icmp_type(t->dst_port, byte);
		else if (type == TUPLE_ICMP_CODE && !(error = pull_u8(value, &byte)))
			t->dst_port = with_icmp_code(t->dst_port, byte);
		if (error)
			return error;
	}
	return 0;
}

int ofp_decode_ct_flush(const struct ofp_msg *msg, struct ofp_ct_match *m)
{
	struct cursor c = msg->body;
	*m = (struct ofp_ct_match){.ip_proto = cursor_u8(&c)};
	m->icmp = is_icmp(m->ip_proto);
	int family = 0;
	for (int i = 0; i < 7; i++)
		if (cursor_u8(&c))
			return NXBRC_MUST_BE_ZERO;
	while (cursor_left(&c)) {
		uint64_t type;
		struct cursor value;
		int error = prop_pull(&c, &type, &value);
		if (error)
			return error;
		if (type == PROP_ORIG || type == PROP_REPLY) {
			cursor_skip(&value, 4);
			error = value.bad ? OFPBPC_BAD_LEN
					  : pull_tuple(value, &family,
						       type == PROP_ORIG ? &m->orig : &m->reply);
			*(type == PROP_ORIG ? &m->has_orig : &m->has_reply) = true;
		} else if (type == PROP_ZONE) {
			error = prop_u16(value, &m->zone);
			m->has_zone = true;
		}
		if (error)
			return error;
	}
	m->ipv6 = family != 4;
	return 0;
}

static void put_bytes(struct buf *b, uint16_t type, const void *p, size_t n)
{
	size_t at = prop_begin(b, type);
	buf_add(b, p, n);
	prop_end(b, at);
}

static void put_tuple(struct buf *b, uint16_t type, const struct ofp_ct_tuple *t, uint8_t proto)
{
	size_t at = prop_begin(b, type);
	buf_add_be32(b, 0);
	if (!address_is_any(t->src))
		put_bytes(b, TUPLE_SRC, t->src, 16);
	if (!address_is_any(t->dst))
		put_bytes(b, TUPLE_DST, t->dst, 16);
	if (is_icmp(proto)) {
		prop_put_u16(b, TUPLE_ICMP_ID, t->src_port);
		uint8_t type = t->dst_port & 0xff, code = t->dst_port >> 8;
		put_bytes(b, TUPLE_ICMP_TYPE, &type, 1);
		put_bytes(b, TUPLE_ICMP_CODE, &code, 1);
	} else {
		if (t->src_port)
			prop_put_u16(b, TUPLE_SRC_PORT, t->src_port);
		if (t->dst_port)
			prop_put_u16(b, TUPLE_DST_PORT, t->dst_port);
	}
	prop_end(b, at);
}

void ofp_encode_ct_flush(struct buf *b, const struct ofp_ct_match *m, uint8_t version, uint32_t xid)
{
	size_t at = ofp_begin(b, OFPTYPE_CT_FLUSH, true, version, xid);
	buf_add_u8(b, m->ip_proto);
	buf_add_zeros(b, 7);
	if (m->has_orig)
		put_tuple(b, PROP_ORIG, &m->orig, m->ip_proto);
	if (m->has_reply)
		put_tuple(b, PROP_REPLY, &m->reply, m->ip_proto);
	if (m->has_zone)
		prop_put_u16(b, PROP_ZONE, m->zone);
	ofp_end(b, at);
}

int ofp_decode_ct_flush_zone(const struct ofp_msg *m, uint16_t *zone)
{
	struct cursor c = m->body;
	uint8_t bits = 0;
	for (int i = 0; i < 6; i++)
		bits |= cursor_u8(&c);
	*zone = cursor_be16(&c);
	return bits ? NXBRC_MUST_BE_ZERO : 0;
}

void ofp_encode_ct_flush_zone(struct buf *b, uint16_t zone, uint8_t version, uint32_t xid)
{
	size_t at = ofp_begin(b, OFPTYPE_CT_FLUSH_ZONE, true, version, xid);
	buf_add_zeros(b, 6);
	buf_add_be16(b, zone);
	ofp_end(b, at);
}

static void format_address(const uint8_t a[16], bool ipv6, struct str *s)
{
	char text[INET6_ADDRSTRLEN];
	if (!ipv6 && address_family(a) == 4)
		inet_ntop(AF_INET, a + 12, text, sizeof(text));
	else
		inet_ntop(AF_INET6, a, text, sizeof(text));
	str_add(s, text);
}

static void format_tuple(const struct ofp_ct_tuple *t, const struct ofp_ct_match *m, struct str *s)
{
	const char *family = m->ipv6 ? "ipv6" : "nw";
	str_addf(s, "ct_%s_src=", family);
	format_address(t->src, m->ipv6, s);
	str_addf(s, ",ct_%s_dst=", family);
	format_address(t->dst, m->ipv6, s);
	if (is_icmp(m->ip_proto))
		str_addf(s, ",icmp_id=%u,icmp_type=%u,icmp_code=%u", t->src_port,
			 t->dst_port & 0xff, t->dst_port >> 8);
	else
		str_addf(s, ",ct_tp_src=%u,ct_tp_dst=%u", t->src_port, t->dst_port);
}

void ofp_ct_match_format(const struct ofp_ct_match *m, struct str *s)
{
	str_addf(s, "zone=%u '", m->zone);
	format_tuple(&m->orig, m, s);
	str_addf(s, ",ct_nw_proto=%u' '", m->ip_proto);
	format_tuple(&m->reply, m, s);
	str_addc(s, '\'');
}

// --- IPFIX counters.

void ofp_ipfix_stats_pull(struct cursor *c, struct ofp_ipfix_stats *s)
{
	s->total_flows = cursor_be64(c);
	s->current_flows = cursor_be64(c);
	s->pkts = cursor_be64(c);
	s->ipv4_pkts = cursor_be64(c);
	s->ipv6_pkts = cursor_be64(c);
	s->error_pkts = cursor_be64(c);
	s->ipv4_error_pkts = cursor_be64(c);
	s->ipv6_error_pkts = cursor_be64(c);
	s->tx_pkts = cursor_be64(c);
	s->tx_errors = cursor_be64(c);
	s->collector_set_id = cursor_be32(c);
	cursor_skip(c, 4);
}

void ofp_ipfix_stats_put(struct buf *b, const struct ofp_ipfix_stats *s)
{
	const uint64_t numbers[] = {s->total_flows,	s->current_flows,   s->pkts,
				    s->ipv4_pkts,	s->ipv6_pkts,	    s->error_pkts,
				    s->ipv4_error_pkts, s->ipv6_error_pkts, s->tx_pkts,
				    s->tx_errors};
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		buf_add_be64(b, numbers[i]);
	buf_add_be32(b, s->collector_set_id);
	buf_add_be32(b, 0);
}
