/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "openflow/match_codec.h"
#include "openflow/print_row.h"
#include "packet/address.h"

void print_flow_mod_flags(struct str *s, uint16_t flags)
{
	static const struct bit_name names[] = {
		{OFPFF_SEND_FLOW_REM, "send_flow_rem "},
		{OFPFF_CHECK_OVERLAP, "check_overlap "},
		{OFPFF_RESET_COUNTS, "reset_counts "},
		{OFPFF_NO_PKT_COUNTS, "no_packet_counts "},
		{OFPFF_NO_BYT_COUNTS, "no_byte_counts "},
		{OFPFF_EMERG, "emerg "},
	};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (flags & names[i].bit)
			str_add(s, names[i].name);
}

// --- With much verbosity: the match of 1.0 field by field, NXM's entry by entry.

struct fixed10 {
	uint32_t wild;
	uint16_t in_port, vlan, dl_type, tp_src, tp_dst;
	uint8_t src[6], dst[6], pcp, tos, proto;
	be32_t nw_src, nw_dst;
};

static void read10(struct cursor c, struct fixed10 *m)
{
	m->wild = cursor_be32(&c);
	m->in_port = cursor_be16(&c);
	cursor_copy(&c, m->src, 6);
	cursor_copy(&c, m->dst, 6);
	m->vlan = cursor_be16(&c);
	m->pcp = cursor_u8(&c);
	cursor_skip(&c, 1);
	m->dl_type = cursor_be16(&c);
	m->tos = cursor_u8(&c);
	m->proto = cursor_u8(&c);
	cursor_skip(&c, 2);
	cursor_copy(&c, &m->nw_src, 4);
	cursor_copy(&c, &m->nw_dst, 4);
	m->tp_src = cursor_be16(&c);
	m->tp_dst = cursor_be16(&c);
}

// "name=*,", or "name=", after which the value goes.
static bool lead(struct str *s, const char *name, bool wild)
{
	str_addf(s, "%s=%s", name, wild ? "*," : "");
	return !wild;
}

static void print_number(struct str *s, const char *name, bool wild, unsigned int value)
{
	if (lead(s, name, wild))
		str_addf(s, "%u,", value);
}

static void print_mac(struct str *s, const char *name, bool wild, const uint8_t mac[6])
{
	if (lead(s, name, wild))
		str_addf(s, "%02x:%02x:%02x:%02x:%02x:%02x,", mac[0], mac[1], mac[2], mac[3],
			 mac[4], mac[5]);
}

static void print_network(struct str *s, const char *name, unsigned int wild_bits, be32_t address)
{
	if (!lead(s, name, wild_bits >= 32))
		return;
	ipv4_format_masked(s, address, htobe32(UINT32_MAX << wild_bits));
	str_addc(s, ',');
}

// The word that stands for type and protocol; *protocol: it says the protocol, too. NULL: none
// does.
static const char *shorthand(const struct fixed10 *m, bool proto_wild, bool *protocol)
{
	*protocol = false;
	switch (m->dl_type) {
	case 0x0806:
		return "arp,";
	case 0x8035:
		return "rarp,";
	case 0x8847:
		return "mpls,";
	case 0x8848:
		return "mplsm,";
	case 0x0800:
		*protocol = !proto_wild;
		if (*protocol && m->proto == 1)
			return "icmp,";
		if (*protocol && m->proto == 6)
			return "tcp,";
		if (*protocol && m->proto == 17)
			return "udp,";
		if (*protocol && m->proto == 132)
			return "sctp,";
		*protocol = false;
		return "ip,";
	}
	return NULL;
}

static void print_match10(struct str *s, struct cursor body, const struct ofp_print_options *o)
{
	enum {
		IN_PORT = 1,
		VLAN = 2,
		SRC = 4,
		DST = 8,
		TYPE = 16,
		PROTO = 32,
		TP_SRC = 64,
		TP_DST = 128,
		PCP = 1 << 20,
		TOS = 1 << 21
	};
	enum { NW_SRC_SHIFT = 8, NW_DST_SHIFT = 14, NW_BITS = 63 };
	struct fixed10 m;
	read10(body, &m);
	uint32_t w = m.wild;
	bool protocol = false, icmp = m.proto == 1;
	const char *word = w & TYPE ? NULL : shorthand(&m, w & PROTO, &protocol);
	str_add(s, word ? word : "");
	if (lead(s, "in_port", w & IN_PORT)) {
		print_port(s, m.in_port, o);
		str_addc(s, ',');
	}
	print_number(s, "dl_vlan", w & VLAN, m.vlan);
	print_number(s, "dl_vlan_pcp", w & PCP, m.pcp);
	print_mac(s, "dl_src", w & SRC, m.src);
	print_mac(s, "dl_dst", w & DST, m.dst);
	if (!word && lead(s, "dl_type", w & TYPE))
		str_addf(s, "0x%04x,", m.dl_type);
	print_network(s, "nw_src", w >> NW_SRC_SHIFT & NW_BITS, m.nw_src);
	print_network(s, "nw_dst", w >> NW_DST_SHIFT & NW_BITS, m.nw_dst);
	if (!protocol)
		print_number(s, m.dl_type == 0x0806 || m.dl_type == 0x8035 ? "arp_op" : "nw_proto",
			     w & PROTO, m.proto);
	print_number(s, "nw_tos", w & TOS, m.tos);
	print_number(s, icmp ? "icmp_type" : "tp_src", w & TP_SRC, m.tp_src);
	print_number(s, icmp ? "icmp_code" : "tp_dst", w & TP_DST, m.tp_dst);
	str_truncate(s, s->len - 1);
}

// False: the match is printed in the usual way.
static bool print_raw_match(struct str *s, const struct ofp_msg *m,
			    const struct ofp_print_options *o)
{
	enum { RAW_VERBOSITY = 3, NX_MATCH_LEN_AT = 24, NX_MATCH_AT = 32 };
	struct cursor c = m->body;
	if (o->verbosity < RAW_VERBOSITY || (!m->nx && m->version != OFP10))
		return false;
	if (!m->nx) {
		print_match10(s, c, o);
		return true;
	}
	struct cursor len = c;
	cursor_skip(&len, NX_MATCH_LEN_AT);
	cursor_skip(&c, NX_MATCH_AT);
	nx_match_format(cursor_sub(&c, cursor_be16(&len)), s);
	return true;
}

static void print_mod(struct str *s, const struct ofp_msg *m, const struct ofp_flow_mod *fm,
		      const struct ofp_print_options *o)
{
	static const char *const commands[] = {" ADD", " MOD", " MOD_STRICT", " DEL",
					       " DEL_STRICT"};
	str_add(s, commands[fm->command]);
	if (fm->table_id)
		str_add(s, " table:"), ofp_table_format(&o->text, fm->table_id, s);
	str_addc(s, ' ');
	bool raw = print_raw_match(s, m, o);
	if (!raw)
		match_format(&fm->match, s, fm->priority, o->text.port_name, o->text.arg);
	if (s->s[s->len - 1] != ' ')
		str_addc(s, ' ');
	if (fm->new_cookie && fm->new_cookie != UINT64_MAX)
		str_addf(s, "cookie:0x%llx ", (unsigned long long)be64toh(fm->new_cookie));
	if (fm->cookie_mask)
		str_addf(s, "cookie:0x%llx/0x%llx ", (unsigned long long)be64toh(fm->cookie),
			 (unsigned long long)be64toh(fm->cookie_mask));
	if (fm->idle_timeout)
		str_addf(s, "idle:%u ", fm->idle_timeout);
	if (fm->hard_timeout)
		str_addf(s, "hard:%u ", fm->hard_timeout);
	if (raw && fm->priority != OFP_DEFAULT_PRIORITY)
		str_addf(s, "pri:%d ", fm->priority);
	if (fm->importance)
		str_addf(s, "importance:%u ", fm->importance);
	if (fm->buffer_id != OFP_NO_BUFFER)
		str_addf(s, "buf:0x%x ", fm->buffer_id);
	if (fm->out_port != OFPP_NONE) {
		str_add(s, "out_port:");
		print_port(s, fm->out_port, o);
		str_addc(s, ' ');
	}
	print_flow_mod_flags(s, fm->flags);
	str_add(s, "actions=");
	ofpacts_format(fm->actions.data, fm->actions.len, &o->text, s);
}

int print_flow_mod(struct str *s, const struct ofp_msg *m, const struct ofp_print_options *o)
{
	struct ofp_flow_mod fm = {0};
	// Whether the table_id extension is on is not known here. With it, table 0 cannot be told
	// from none.
	enum ofp_protocol protocol =
		m->version == OFP10 || m->nx ? OFPROTO_10_TID : ofp_protocol_of_version(m->version);
	int error = ofp_decode_flow_mod(m, protocol, &fm);
	if (!error)
		error = ofpacts_check(fm.actions.data, fm.actions.len, &fm.match, OFPP_MAX,
				      fm.table_id, OFPTT_ALL, m->version, NULL);
	if (!error) {
		if (m->version < OFP12)
			fm.flags &= (uint16_t)~OFPFF_RESET_COUNTS;
		print_mod(s, m, &fm, o);
	}
	ofp_flow_mod_done(&fm);
	return error;
}

int print_flow_removed(struct str *s, const struct ofp_msg *m, const struct ofp_print_options *o)
{
	static const char *const reasons[] = {"idle",	      "hard",	      "delete",
					      "group_delete", "meter_delete", "eviction"};
	struct ofp_flow_removed fr;
	int error = ofp_decode_flow_removed(m, &fr);
	if (error)
		return error;
	str_addc(s, ' ');
	match_format(&fr.match, s, fr.priority, o->text.port_name, o->text.arg);
	str_addc(s, ' ');
	if (fr.reason < sizeof(reasons) / sizeof(reasons[0]))
		str_addf(s, "reason=%s", reasons[fr.reason]);
	else
		str_addf(s, "reason=%u", fr.reason);
	if (fr.table_id != 255)
		str_add(s, " table_id="), ofp_table_format(&o->text, fr.table_id, s);
	if (fr.cookie)
		str_addf(s, " cookie:0x%llx", (unsigned long long)be64toh(fr.cookie));
	str_add(s, " duration");
	print_duration(s, fr.duration_s, fr.duration_ns);
	str_addf(s, " idle%u", fr.idle_timeout);
	if (fr.hard_timeout)
		str_addf(s, " hard%u", fr.hard_timeout);
	str_addf(s, " pkts%llu bytes%llu\n", (unsigned long long)fr.packets,
		 (unsigned long long)fr.bytes);
	return 0;
}

int print_flow_stats_request(struct str *s, const struct ofp_msg *m,
			     const struct ofp_print_options *o)
{
	struct ofp_flow_stats_request r;
	int error = ofp_decode_flow_stats_request(m, &r);
	if (error)
		return error;
	if (r.table_id != OFPTT_ALL)
		str_add(s, " table="), ofp_table_format(&o->text, r.table_id, s);
	if (r.out_port != OFPP_NONE) {
		str_add(s, " out_port=");
		print_port(s, r.out_port, o);
	}
	size_t before = s->len;
	str_addc(s, ' ');
	match_format(&r.match, s, -1, o->text.port_name, o->text.arg);
	if (s->len == before + 1)
		str_truncate(s, before);
	return 0;
}

// "name=5, "
static void add_counter(struct str *s, const char *name, uint64_t n)
{
	str_mark_name(s, name);
	print_counter(s, "", n);
	str_add(s, ", ");
}

void ofp_print_flow_stats(struct str *s, const struct ofp_flow_stats *fs,
			  const struct ofp_print_options *o)
{
	bool stats = !o->no_stats;
	if (stats || fs->cookie) {
		str_mark_name(s, "cookie");
		str_add(s, fs->cookie ? "" : "0x");
		str_add_0x(s, be64toh(fs->cookie));
		str_add(s, ", ");
	}
	if (stats) {
		str_mark_name(s, "duration");
		print_duration(s, fs->duration_s, fs->duration_ns);
		str_add(s, ", ");
	}
	if (stats || fs->table_id || (o->text.table_name && o->text.table_name(o->text.arg, 0))) {
		str_mark(s, MARK_SPECIAL, "table=");
		ofp_table_format(&o->text, fs->table_id, s);
		str_add(s, ", ");
	}
	if (stats) {
		add_counter(s, "n_packets", fs->packets);
		add_counter(s, "n_bytes", fs->bytes);
	}
	if (fs->idle_timeout)
		add_counter(s, "idle_timeout", fs->idle_timeout);
	if (fs->hard_timeout)
		add_counter(s, "hard_timeout", fs->hard_timeout);
	print_flow_mod_flags(s, fs->flags);
	if (fs->importance)
		add_counter(s, "importance", fs->importance);
	if (stats && fs->idle_age >= 0)
		add_counter(s, "idle_age", (uint64_t)fs->idle_age);
	if (stats && fs->hard_age >= 0 && (uint32_t)fs->hard_age != fs->duration_s)
		add_counter(s, "hard_age", (uint64_t)fs->hard_age);
	size_t before = s->len;
	match_format(&fs->match, s, fs->priority, o->text.port_name, o->text.arg);
	if (s->len != before)
		str_addc(s, ' ');
	str_mark(s, MARK_ACTIONS, "actions=");
	ofpacts_format(fs->actions, fs->actions_len, &o->text, s);
}

static void print_flow_counters(struct str *s, const struct ofp_flow_stats *fs,
				const struct ofp_print_options *o)
{
	if (fs->duration_s != UINT32_MAX || fs->duration_ns != UINT32_MAX) {
		str_mark_name(s, "duration");
		print_duration(s, fs->duration_s, fs->duration_ns);
		str_add(s, ", ");
	}
	str_mark(s, MARK_SPECIAL, "table=");
	ofp_table_format(&o->text, fs->table_id, s);
	str_add(s, ", ");
	add_counter(s, "n_packets", fs->packets);
	add_counter(s, "n_bytes", fs->bytes);
	if (fs->idle_age >= 0)
		add_counter(s, "idle_age", (uint64_t)fs->idle_age);
	str_mark_name(s, "reason");
	if (fs->reason <= OFPFSR_STAT_TRIGGER)
		str_add(s, fs->reason == OFPFSR_STAT_TRIGGER ? "trigger" : "request");
	else
		str_addf(s, "%u", fs->reason);
	size_t before = s->len;
	str_add(s, ", ");
	match_format(&fs->match, s, fs->priority, o->text.port_name, o->text.arg);
	if (s->len == before + 2)
		str_truncate(s, before);
}

int print_flow_stats_reply(struct str *s, const struct ofp_msg *m,
			   const struct ofp_print_options *o)
{
	struct cursor body = m->body;
	struct buf actions = BUF_INIT;
	struct ofp_flow_stats fs;
	int error;
	while (!(error = ofp_flow_stats_pull(m, &body, &actions, &fs))) {
		str_add(s, "\n ");
		(m->type == OFPTYPE_FLOW_COUNTERS_REPLY ? print_flow_counters
							: ofp_print_flow_stats)(s, &fs, o);
	}
	buf_done(&actions);
	return error == -ENODATA ? 0 : error;
}

int print_aggregate_reply(struct str *s, const struct ofp_msg *m, const struct ofp_print_options *o)
{
	struct ofp_aggregate a;
	int error = ofp_decode_aggregate_reply(m, &a);
	if (error)
		return error;
	str_addf(s, " packet_count=%llu byte_count=%llu flow_count=%u",
		 (unsigned long long)a.packets, (unsigned long long)a.bytes, a.flows);
	return 0;
}
