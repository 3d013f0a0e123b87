/* SPDX-License-Identifier: Apache-2.0 */
// Printing messages about groups.
#include "openflow/group.h"

#include <errno.h>

#include "openflow/print_row.h"

static bool shows_ids(const struct ofp_msg *m)
{
	return m->version == OFP15 || m->version == OFP10;
}

static void print_group_id(struct str *s, uint32_t id)
{
	if (id == OFPG_ALL)
		str_add(s, "ALL");
	else if (id == OFPG_ANY)
		str_add(s, "ANY");
	else
		str_addf(s, "%u", id);
}

static void print_command_bucket(struct str *s, uint32_t id)
{
	if (id == OFPG_BUCKET_ALL)
		str_add(s, " command_bucket_id:all,");
	else if (id == OFPG_BUCKET_FIRST)
		str_add(s, " command_bucket_id:first,");
	else if (id == OFPG_BUCKET_LAST)
		str_add(s, " command_bucket_id:last,");
	else
		str_addf(s, " command_bucket_id:%u,", id);
}

static const char *command_name(enum ofp_group_command command)
{
	switch (command) {
	case OFPGC_ADD:
		return "ADD";
	case OFPGC_MODIFY:
		return "MOD";
	case OFPGC_ADD_OR_MOD:
		return "ADD_OR_MOD";
	case OFPGC_DELETE:
		return "DEL";
	case OFPGC_INSERT_BUCKET:
		return "INSERT_BUCKET";
	case OFPGC_REMOVE_BUCKET:
		return "REMOVE_BUCKET";
	}
	return "?";
}

int print_group_mod(struct str *s, const struct ofp_msg *m, const struct ofp_print_options *o)
{
	struct ofp_group_mod gm;
	int error = ofp_decode_group_mod(m, &gm);
	if (!error) {
		bool changes =
			gm.command == OFPGC_INSERT_BUCKET || gm.command == OFPGC_REMOVE_BUCKET;
		struct str g = {.style = s->style};
		str_addf(s, "\n %s", command_name(gm.command));
		if (changes && shows_ids(m))
			print_command_bucket(s, gm.command_bucket_id);
		else
			str_addc(s, ' ');
		str_addf(s, "group_id=%u", gm.group.group_id);
		ofp_group_format(&gm.group, shows_ids(m), &o->text, &g);
		const char *text = str_cstr(&g);
		bool typed = !changes;
		const char *rest = strchr(text + 1, ',');
		str_add(s, typed ? text : rest ? rest : "");
		str_done(&g);
	}
	ofp_group_done(&gm.group);
	return error;
}

int print_group_request(struct str *s, const struct ofp_msg *m, const struct ofp_print_options *o)
{
	uint32_t id;
	if (!cursor_left(&m->body)) {
		str_add(s, " group_id=ALL");
		return 0;
	}
	int error = ofp_decode_group_request(m, &id);
	if (!error) {
		str_add(s, " group_id=");
		print_group_id(s, id);
	}
	return error;
}

int print_group_desc_reply(struct str *s, const struct ofp_msg *m,
			   const struct ofp_print_options *o)
{
	struct cursor body = m->body;
	for (;;) {
		struct ofp_group g;
		int error = ofp_group_desc_pull(m, &body, &g);
		if (!error) {
			str_addf(s, "\n group_id=%u", g.group_id);
			ofp_group_format(&g, shows_ids(m), &o->text, s);
		}
		ofp_group_done(&g);
		if (error)
			return error == -ENODATA ? 0 : error;
	}
}

int print_group_stats_reply(struct str *s, const struct ofp_msg *m,
			    const struct ofp_print_options *o)
{
	struct cursor body = m->body, buckets;
	struct ofp_group_stats g;
	int error;
	while (!(error = ofp_group_stats_pull(m, &body, &g, &buckets))) {
		str_addf(s, "\n group_id=%u", g.group_id);
		if (g.duration_s != UINT32_MAX) {
			str_add(s, ",duration=");
			print_duration(s, g.duration_s, g.duration_ns);
		}
		str_addf(s, ",ref_count=%u,packet_count=%llu,byte_count=%llu", g.ref_count,
			 (unsigned long long)g.packets, (unsigned long long)g.bytes);
		for (size_t i = 0; i < g.n_buckets; i++) {
			unsigned long long packets = cursor_be64(&buckets),
					   bytes = cursor_be64(&buckets);
			if (packets != UINT64_MAX)
				str_addf(s, ",bucket%zu:packet_count=%llu,byte_count=%llu", i,
					 packets, bytes);
		}
	}
	if (error != -ENODATA)
		str_add(s, " ***parse error***\n");
	return error == -ENODATA ? 0 : error;
}

static const struct {
	const char *name;
	int8_t bit10, bit11, bit12; // of 1.0, 1.1, and 1.2 and later; -1: none
} actions[] = {
	{"output", 0, 0, 0},
	{"enqueue", 11, -1, -1},
	{"group", -1, 22, 22},
	{"set_field", -1, -1, 25},
	{"set_vlan_vid", 1, 1, -1},
	{"set_vlan_pcp", 2, 2, -1},
	{"strip_vlan", 3, 18, 18},
	{"push_vlan", -1, 17, 17},
	{"mod_dl_src", 4, 3, -1},
	{"mod_dl_dst", 5, 4, -1},
	{"mod_nw_src", 6, 5, -1},
	{"mod_nw_dst", 7, 6, -1},
	{"mod_nw_tos", 8, 7, -1},
	{"mod_nw_ecn", -1, 8, -1},
	{"mod_nw_ttl", -1, 23, 23},
	{"mod_tp_src", 9, 9, -1},
	{"mod_tp_dst", 10, 10, -1},
	{"dec_ttl", -1, 24, 24},
	{"set_mpls_label", -1, 13, -1},
	{"set_mpls_tc", -1, 14, -1},
	{"set_mpls_ttl", -1, 15, 15},
	{"dec_mpls_ttl", -1, 16, 16},
	{"push_mpls", -1, 19, 19},
	{"pop_mpls", -1, 20, 20},
	{"set_queue", -1, 21, 21},
};

int print_group_features_reply(struct str *s, const struct ofp_msg *m,
			       const struct ofp_print_options *o)
{
	static const char *const types[OFPGT_N] = {"all", "select", "indirect", "fast failover"};
	struct ofp_group_features f;
	int error = ofp_decode_group_features(m, &f);
	if (error)
		return error;
	str_addf(s, "\n Group table:\n    Types:  0x%x\n    Capabilities:  0x%x\n", f.types,
		 f.capabilities);
	for (unsigned int i = 0; i < OFPGT_N; i++) {
		if (!(f.types >> i & 1))
			continue;
		str_addf(s, "    %s group:\n       max_groups=%#x\n       actions: ", types[i],
			 f.max_groups[i]);
		size_t start = s->len;
		for (size_t k = 0; k < sizeof(actions) / sizeof(actions[0]); k++) {
			int bit = m->version == OFP10	? actions[k].bit10
				  : m->version == OFP11 ? actions[k].bit11
							: actions[k].bit12;
			if (bit >= 0 && f.actions[i] >> bit & 1)
				str_addf(s, "%s%s", s->len > start ? " " : "", actions[k].name);
		}
		if (s->len == start)
			str_add(s, "<none>");
		str_addc(s, '\n');
	}
	return 0;
}
