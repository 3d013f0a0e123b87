/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "openflow/print_row.h"

void print_flow_mod_flags(struct str *s, uint16_t flags)
{
	static const struct bit_name names[] = {
		{OFPFF_SEND_FLOW_REM, "send_flow_rem "},     {OFPFF_CHECK_OVERLAP, "check_overlap "},
		{OFPFF_RESET_COUNTS, "reset_counts "},	     {OFPFF_NO_PKT_COUNTS, "no_packet_counts "},
		{OFPFF_NO_BYT_COUNTS, "no_byte_counts "},    {OFPFF_EMERG, "emerg "},
	};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (flags & names[i].bit)
			str_add(s, names[i].name);
}

static void print_actions(struct str *s, const void *list, size_t n, const struct ofp_print_options *o)
{
	str_add(s, "actions=");
	ofpacts_format(list, n, &o->text, s);
}

static void print_mod(struct str *s, const struct ofp_flow_mod *fm, const struct ofp_print_options *o)
{
	static const char *const commands[] = {" ADD", " MOD", " MOD_STRICT", " DEL", " DEL_STRICT"};
	str_add(s, commands[fm->command]);
	if (fm->table_id)
		str_addf(s, " table:%u", fm->table_id);
	str_addc(s, ' ');
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
	print_actions(s, fm->actions.data, fm->actions.len, o);
}

int print_flow_mod(struct str *s, const struct ofp_msg *m, const struct ofp_print_options *o)
{
	struct ofp_flow_mod fm = {0};
	// Whether the table_id extension is on is not known here. With it, table 0 cannot be told from none.
	enum ofp_protocol protocol = m->version == OFP10 || m->nx ? OFPROTO_10_TID : ofp_protocol_of_version(m->version);
	int error = ofp_decode_flow_mod(m, protocol, &fm);
	if (!error) {
		if (m->version < OFP12)
			fm.flags &= (uint16_t)~OFPFF_RESET_COUNTS;
		print_mod(s, &fm, o);
	}
	ofp_flow_mod_done(&fm);
	return error;
}

int print_flow_removed(struct str *s, const struct ofp_msg *m, const struct ofp_print_options *o)
{
	static const char *const reasons[] = {"idle", "hard", "delete", "group_delete", "meter_delete", "eviction"};
	struct ofp_flow_removed fr;
	int error = ofp_decode_flow_removed(m, &fr);
	if (error)
		return error;
	str_addc(s, ' ');
	match_format(&fr.match, s, fr.priority, o->text.port_name, o->text.arg);
	if (s->s[s->len - 1] != ' ')
		str_addc(s, ' ');
	if (fr.reason < sizeof(reasons) / sizeof(reasons[0]))
		str_addf(s, "reason=%s", reasons[fr.reason]);
	else
		str_addf(s, "reason=%u", fr.reason);
	if (fr.table_id != 255)
		str_addf(s, " table_id=%u", fr.table_id);
	if (fr.cookie)
		str_addf(s, " cookie:0x%llx", (unsigned long long)be64toh(fr.cookie));
	str_add(s, " duration");
	print_duration(s, fr.duration_s, fr.duration_ns);
	str_addf(s, " idle%u", fr.idle_timeout);
	if (fr.hard_timeout)
		str_addf(s, " hard%u", fr.hard_timeout);
	str_addf(s, " pkts%llu bytes%llu\n", (unsigned long long)fr.packets, (unsigned long long)fr.bytes);
	return 0;
}

int print_flow_stats_request(struct str *s, const struct ofp_msg *m, const struct ofp_print_options *o)
{
	struct ofp_flow_stats_request r;
	int error = ofp_decode_flow_stats_request(m, &r);
	if (error)
		return error;
	if (r.table_id != OFPTT_ALL)
		str_addf(s, " table=%u", r.table_id);
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

void ofp_print_flow_stats(struct str *s, const struct ofp_flow_stats *fs, const struct ofp_print_options *o)
{
	bool stats = !o->no_stats;
	if (stats || fs->cookie)
		str_addf(s, "cookie=0x%llx, ", (unsigned long long)be64toh(fs->cookie));
	if (stats) {
		str_add(s, "duration=");
		print_duration(s, fs->duration_s, fs->duration_ns);
		str_add(s, ", ");
	}
	if (stats || fs->table_id)
		str_addf(s, "table=%u, ", fs->table_id);
	if (stats) {
		print_counter(s, "n_packets=", fs->packets);
		print_counter(s, ", n_bytes=", fs->bytes);
		str_add(s, ", ");
	}
	if (fs->idle_timeout)
		str_addf(s, "idle_timeout=%u, ", fs->idle_timeout);
	if (fs->hard_timeout)
		str_addf(s, "hard_timeout=%u, ", fs->hard_timeout);
	print_flow_mod_flags(s, fs->flags);
	if (fs->importance)
		str_addf(s, "importance=%u, ", fs->importance);
	if (stats && fs->idle_age >= 0)
		str_addf(s, "idle_age=%d, ", fs->idle_age);
	if (stats && fs->hard_age >= 0 && (uint32_t)fs->hard_age != fs->duration_s)
		str_addf(s, "hard_age=%d, ", fs->hard_age);
	size_t before = s->len;
	match_format(&fs->match, s, fs->priority, o->text.port_name, o->text.arg);
	if (s->len != before)
		str_addc(s, ' ');
	print_actions(s, fs->actions, fs->actions_len, o);
}

int print_flow_stats_reply(struct str *s, const struct ofp_msg *m, const struct ofp_print_options *o)
{
	struct cursor body = m->body;
	struct buf actions = BUF_INIT;
	struct ofp_flow_stats fs;
	int error;
	while (!(error = ofp_flow_stats_pull(m, &body, &actions, &fs))) {
		str_add(s, "\n ");
		ofp_print_flow_stats(s, &fs, o);
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
	str_addf(s, " packet_count=%llu byte_count=%llu flow_count=%u", (unsigned long long)a.packets, (unsigned long long)a.bytes,
		 a.flows);
	return 0;
}
