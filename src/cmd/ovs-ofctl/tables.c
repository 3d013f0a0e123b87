/* SPDX-License-Identifier: Apache-2.0 */
// Commands about flow tables as such, and Nicira's smaller extensions.
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cmd/ovs-ofctl/ofctl.h"

static void dump(struct ofctl *o, const char *target, enum ofptype type)
{
	struct session s;
	struct buf request = BUF_INIT;
	session_open(&s, o, target, "mgmt");
	bool nx = !ofptype_exists(type, false, s.version);
	if (nx && !ofptype_exists(type, true, s.version))
		command_die("dump-table-desc needs OpenFlow 1.4 or later ('-O OpenFlow14')");
	ofp_encode_simple(&request, type, s.version, session_xid(&s));
	session_show_stats(&s, &request);
	buf_done(&request);
	session_close(&s);
}

static void dump_table_desc(int argc, char *argv[], void *arg)
{
	dump(arg, argv[1], OFPTYPE_TABLE_DESC_REQUEST);
}

static void dump_ipfix_bridge(int argc, char *argv[], void *arg)
{
	dump(arg, argv[1], OFPTYPE_IPFIX_BRIDGE_STATS_REQUEST);
}

static void dump_ipfix_flow(int argc, char *argv[], void *arg)
{
	dump(arg, argv[1], OFPTYPE_IPFIX_FLOW_STATS_REQUEST);
}

// --- mod-table

struct wish { // for one table, or all
	struct session *session;
	const struct ofp_table_mod *tm;
	struct buf messages;
};

// 1.4's message sets all there is, so what is not to change is sent as it is.
static void add_mod(struct wish *w, const struct ofp_table_desc *d)
{
	struct ofp_table_mod tm = *w->tm;
	tm.table_id = d->table_id;
	if (tm.eviction == OFPTABLE_SAME)
		tm.eviction = d->eviction ? OFPTABLE_ON : OFPTABLE_OFF;
	if (tm.vacancy == OFPTABLE_SAME) {
		tm.vacancy = d->vacancy_events ? OFPTABLE_ON : OFPTABLE_OFF;
		tm.vacancy_down = d->vacancy_down;
		tm.vacancy_up = d->vacancy_up;
	}
	ofp_encode_table_mod(&w->messages, &tm, w->session->version, session_xid(w->session));
}

static void take_desc(void *arg, const uint8_t *msg, size_t n)
{
	struct wish *w = arg;
	struct ofp_msg m;
	struct ofp_table_desc d;
	if (ofp_msg_decode(msg, n, &m) || m.type != OFPTYPE_TABLE_DESC_REPLY)
		return;
	while (!ofp_table_desc_pull(&m.body, &d))
		if (w->tm->table_id == 255 || d.table_id == w->tm->table_id)
			add_mod(w, &d);
}

static void send_table_mod(struct session *s, const struct ofp_table_mod *tm)
{
	struct wish w = {.session = s, .tm = tm};
	if (s->version >= OFP14) {
		struct buf b = BUF_INIT;
		ofp_encode_simple(&b, OFPTYPE_TABLE_DESC_REQUEST, s->version, session_xid(s));
		session_stats(s, &b, take_desc, &w);
		buf_done(&b);
	}
	// A table that is not described: the switch says what is wrong with it.
	if (!w.messages.len)
		ofp_encode_table_mod(&w.messages, tm, s->version, session_xid(s));
	session_send_or_die(s, &w.messages);
	buf_done(&w.messages);
}

struct named {
	struct buf messages;
	size_t last; // where the last of them begins
	uint32_t xid;
	uint8_t table_id;
	const char *name;
	bool found;
};

enum { FEATURES_COMMAND_AT = 3, FEATURES_NAME_AT = 8, FEATURES_NAME_LEN = 32, FLAGS_AT = 10 };

static void rename_entry(struct named *r, uint8_t *entry, uint8_t version)
{
	entry[FEATURES_COMMAND_AT] = version >= OFP15 ? OFPTFC_MODIFY : 0;
	memset(entry + FEATURES_NAME_AT, 0, FEATURES_NAME_LEN);
	memcpy(entry + FEATURES_NAME_AT, r->name, strlen(r->name));
	r->found = true;
}

// The features of tables, byte by byte as the switch gave them but for the name, as a request to
// have them so. What is not named would go away before 1.5, so there all tables are in the request.
static void rename_table(void *arg, const uint8_t *msg, size_t n)
{
	struct named *r = arg;
	struct ofp_msg m;
	struct ofp_table_features f;
	if (ofp_msg_decode(msg, n, &m) || m.type != OFPTYPE_TABLE_FEATURES_STATS_REPLY)
		return;
	size_t begin = ofp_begin(&r->messages, OFPTYPE_TABLE_FEATURES_STATS_REQUEST, false,
				 m.version, r->xid);
	size_t head = r->messages.len;
	for (const uint8_t *start = m.body.p;
	     !ofp_table_features_pull(&m.body, m.version, false, &f); start = m.body.p) {
		bool wanted = f.table_id == r->table_id;
		size_t at = r->messages.len;
		if (wanted || m.version < OFP15)
			buf_add(&r->messages, start, (size_t)(m.body.p - start));
		if (wanted)
			rename_entry(r, r->messages.data + at, m.version);
	}
	if (r->messages.len == head) {
		r->messages.len = begin;
		return;
	}
	ofp_end(&r->messages, begin);
	if (begin)
		put_be16(r->messages.data + r->last + FLAGS_AT, OFPMPF_MORE);
	r->last = begin;
}

static void set_table_name(struct session *s, uint8_t table_id, const char *name)
{
	struct named r = {.xid = session_xid(s), .table_id = table_id, .name = name};
	struct buf b = BUF_INIT;
	if (strlen(name) > 31)
		command_die("%s: a table's name has at most 31 characters", name);
	ofp_encode_simple(&b, OFPTYPE_TABLE_FEATURES_STATS_REQUEST, s->version, session_xid(s));
	session_stats(s, &b, rename_table, &r);
	if (!r.found)
		command_die("the switch has no table %u", table_id);
	session_send_or_die(s, &r.messages);
	buf_done(&r.messages);
	buf_done(&b);
}

static void mod_table(int argc, char *argv[], void *arg)
{
	struct ofctl *o = arg;
	struct ofp_table_mod tm = {.eviction = OFPTABLE_SAME,
				   .vacancy = OFPTABLE_SAME,
				   .eviction_flags = OFPTABLE_EVICTION_DEFAULT};
	uint32_t versions;
	const char *name = !strncmp(argv[3], "name:", 5) ? argv[3] + 5 : NULL;
	struct port_names names;
	port_names_init(&names, o, argv[1]);
	if (strcasecmp(argv[2], "ALL") && strcmp(argv[2], "255"))
		tm.table_id = table_names_parse(&names, argv[2]);
	else
		tm.table_id = 255;
	port_names_done(&names);
	struct error *e = NULL;
	if (name)
		versions = 1u << OFP13 | 1u << OFP14 | 1u << OFP15;
	else
		e = ofp_table_mod_parse(argv[3], &tm, &versions);
	end_on_error(NULL, e);
	struct session s;
	session_open(&s, o, argv[1], "mgmt");
	if (!(versions & 1u << s.version)) {
		struct str can = STR_INIT;
		ofp_versions_format(versions, &can);
		command_die("table_mod '%s' requires one of the OpenFlow versions %s", argv[3],
			    str_cstr(&can));
	}
	if (name) {
		set_table_name(&s, tm.table_id, name);
	} else {
		send_table_mod(&s, &tm);
	}
	session_close(&s);
}

// --- The table of tunnel options.

// Formats that can match on the fields.
enum {
	NAMED_FIELDS =
		OFPROTO_NXM | OFPROTO_NXM_TID | OFPROTO_12 | OFPROTO_13 | OFPROTO_14 | OFPROTO_15
};

static void tlv_mod(struct ofctl *o, const char *target, enum ofp_tlv_command command,
		    const char *text)
{
	struct ofp_tlv_table_mod tm = {.command = command};
	struct session s;
	struct buf b = BUF_INIT;
	struct error *e = text ? ofp_tlv_maps_parse(text, &tm) : NULL;
	end_on_error(NULL, e);
	session_open_for_flow_mod(&s, o, target, NAMED_FIELDS);
	ofp_encode_tlv_table_mod(&b, &tm, s.version, session_xid(&s));
	session_send_or_die(&s, &b);
	buf_done(&b);
	ofp_tlv_table_mod_done(&tm);
	session_close(&s);
}

static void add_tlv_map(int argc, char *argv[], void *arg)
{
	tlv_mod(arg, argv[1], NXTTMC_ADD, argv[2]);
}

static void del_tlv_map(int argc, char *argv[], void *arg)
{
	tlv_mod(arg, argv[1], argc > 2 ? NXTTMC_DELETE : NXTTMC_CLEAR, argc > 2 ? argv[2] : NULL);
}

static void dump_tlv_map(int argc, char *argv[], void *arg)
{
	session_dump_simple(arg, argv[1], OFPTYPE_TLV_TABLE_REQUEST);
}

// --- Tracked connections.

static void send_or_die(struct ofctl *o, const char *target, const struct ofp_ct_match *m,
			bool zone_message)
{
	struct session s;
	struct buf b = BUF_INIT;
	session_open(&s, o, target, "mgmt");
	if (zone_message)
		ofp_encode_ct_flush_zone(&b, m->zone, s.version, session_xid(&s));
	else
		ofp_encode_ct_flush(&b, m, s.version, session_xid(&s));
	session_send_or_die(&s, &b);
	buf_done(&b);
	session_close(&s);
}

static void ct_flush_zone(int argc, char *argv[], void *arg)
{
	struct ofp_ct_match m = {.has_zone = true};
	int64_t zone;
	if (parse_i64(argv[2], 0, &zone) || zone < 0 || zone > UINT16_MAX)
		command_die("invalid zone_id \"%s\"", argv[2]);
	m.zone = (uint16_t)zone;
	send_or_die(arg, argv[1], &m, true);
}

static void ct_flush(int argc, char *argv[], void *arg)
{
	struct ofp_ct_match m = {0};
	int i = 2;
	if (argc > i && !strncmp(argv[i], "zone=", 5)) {
		if (parse_u16(argv[i] + 5, 0, &m.zone))
			command_die("Failed to parse zone");
		m.has_zone = true;
		i++;
	}
	struct error *e = NULL;
	if (argc > i) {
		e = ofp_ct_tuple_parse(argv[i++], &m.orig, &m);
		m.has_orig = true;
	}
	if (!e && argc > i) {
		e = ofp_ct_tuple_parse(argv[i++], &m.reply, &m);
		m.has_reply = true;
	}
	end_on_error("Failed to parse ct-tuple", e);
	if (argc > i)
		command_die("%s: at most a zone and two tuples are needed", argv[i]);
	// An empty tuple need not be sent. Of ICMP, both are: its numbers have none that means any.
	static const struct ofp_ct_tuple any;
	bool icmp = m.ip_proto == IPPROTO_ICMP || m.ip_proto == IPPROTO_ICMPV6;
	m.has_orig = icmp || memcmp(&m.orig, &any, sizeof(any));
	m.has_reply = icmp || memcmp(&m.reply, &any, sizeof(any));
	send_or_die(arg, argv[1], &m, false);
}

const struct command table_commands[] = {
	{"dump-table-desc", "switch", 1, 1, dump_table_desc},
	{"mod-table", "switch mod", 3, 3, mod_table},
	{"dump-ipfix-bridge", "switch", 1, 1, dump_ipfix_bridge},
	{"dump-ipfix-flow", "switch", 1, 1, dump_ipfix_flow},
	{"add-tlv-map", "switch map", 2, 2, add_tlv_map},
	{"del-tlv-map", "switch [map]", 1, 2, del_tlv_map},
	{"dump-tlv-map", "switch", 1, 1, dump_tlv_map},
	{"ct-flush-zone", "switch zone", 2, 2, ct_flush_zone},
	{"ct-flush", "switch [zone=N] [ct-orig-tuple [ct-reply-tuple]]", 1, 4, ct_flush},
	{0},
};
