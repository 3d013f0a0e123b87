/* SPDX-License-Identifier: Apache-2.0 */
// Printing flow monitors and their news.
#include <errno.h>

#include "openflow/flow_monitor.h"
#include "openflow/print_row.h"

static void print_monitor_flags(struct str *s, uint16_t flags)
{
	static const struct bit_name names[] = {
		{OFPFMF_INITIAL, "initial"}, {OFPFMF_ADD, "add"},	  {OFPFMF_DELETE, "delete"},
		{OFPFMF_MODIFY, "modify"},   {OFPFMF_ACTIONS, "actions"}, {OFPFMF_OWN, "own"},
		{OFPFMF_OWN_14, "own"},
	};
	str_add(s, " flags=");
	print_bits(s, flags, names, sizeof(names) / sizeof(names[0]), ',');
}

int print_flow_monitor_request(struct str *s, const struct ofp_msg *m,
			       const struct ofp_print_options *o)
{
	struct cursor body = m->body;
	struct ofp_flow_monitor_request r;
	int error;
	while (!(error = ofp_flow_monitor_request_pull(m, &body, &r))) {
		str_addf(s, "\n id=%u", r.id);
		if (r.command == OFPFMC_DELETE) {
			str_add(s, " command=delete");
			continue;
		}
		print_monitor_flags(s, r.flags);
		if (r.out_port != OFPP_NONE) {
			str_add(s, " out_port=");
			print_port(s, r.out_port, o);
		}
		if (r.out_group != OFPG_ANY && r.out_group)
			str_addf(s, " out_group=%d", (int)r.out_group);
		if (r.table_id != OFPTT_ALL)
			str_add(s, " table="), ofp_table_format(&o->text, r.table_id, s);
		str_addc(s, ' ');
		size_t before = s->len;
		match_format(&r.match, s, -1, o->text.port_name, o->text.arg);
		if (s->len == before)
			str_chomp(s, ' ');
	}
	return error == -ENODATA ? 0 : error;
}

int print_flow_monitor_cancel(struct str *s, const struct ofp_msg *m,
			      const struct ofp_print_options *o)
{
	uint32_t id;
	int error = ofp_decode_flow_monitor_cancel(m, &id);
	str_addf(s, " id=%u", id);
	return error;
}

static void print_update(struct str *s, const struct ofp_flow_update *u,
			 const struct ofp_print_options *o)
{
	static const char *const events[] = {"INITIAL", "ADDED",  "DELETED", "MODIFIED",
					     "ABBREV",	"PAUSED", "RESUMED"};
	static const char *const reasons[] = {"idle",	      "hard",	      "delete",
					      "group_delete", "meter_delete", "eviction"};
	str_addf(s, "\n event=%s", events[u->event]);
	if (u->event == OFPFME_ABBREV)
		str_addf(s, " xid=0x%x", u->xid);
	if (u->event >= OFPFME_ABBREV)
		return;
	if (u->event == OFPFME_REMOVED) {
		if (u->reason < sizeof(reasons) / sizeof(reasons[0]))
			str_addf(s, " reason=%s", reasons[u->reason]);
		else
			str_addf(s, " reason=%u", u->reason);
	}
	str_add(s, " table="), ofp_table_format(&o->text, u->table_id, s);
	if (u->idle_timeout)
		str_addf(s, " idle_timeout=%u", u->idle_timeout);
	if (u->hard_timeout)
		str_addf(s, " hard_timeout=%u", u->hard_timeout);
	str_addf(s, " cookie=%#llx ", (unsigned long long)be64toh(u->cookie));
	size_t before = s->len;
	match_format(&u->match, s, -1, o->text.port_name, o->text.arg);
	if (u->actions_len) {
		if (s->len > before)
			str_addc(s, ' ');
		str_add(s, "actions=");
		ofpacts_format(u->actions, u->actions_len, &o->text, s);
	}
}

int print_flow_updates(struct str *s, const struct ofp_msg *m, const struct ofp_print_options *o)
{
	struct cursor body = m->body;
	struct buf actions = BUF_INIT;
	struct ofp_flow_update u;
	int error;
	while (!(error = ofp_flow_update_pull(m, &body, &actions, &u)))
		print_update(s, &u, o);
	buf_done(&actions);
	str_chomp(s, ' ');
	return error == -ENODATA ? 0 : error;
}
