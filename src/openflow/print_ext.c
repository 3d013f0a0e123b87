/* SPDX-License-Identifier: Apache-2.0 */
// Printing Nicira's smaller extensions.
#include "openflow/nx_ext.h"
#include "openflow/print_row.h"

static void print_map_head(struct str *s)
{
	str_add(s, " mapping table:\n  class  type  length  match field\n ------  ----  ------  "
		   "--------------");
}

static void print_map(struct str *s, const struct option_map *map)
{
	str_addf(s, "\n %#6x  %#4x  %6u  tun_metadata%u", map->option_class, map->option_type,
		 map->option_len, map->index);
}

int print_tlv_table_mod(struct str *s, const struct ofp_msg *m, const struct ofp_print_options *o)
{
	static const char *const commands[] = {"ADD", "DEL", "CLEAR"};
	struct ofp_tlv_table_mod tm;
	int error = ofp_decode_tlv_table_mod(m, &tm);
	if (!error) {
		str_addf(s, "\n %s", commands[tm.command]);
		if (tm.command != NXTTMC_CLEAR) {
			print_map_head(s);
			VEC_FOREACH (&tm.maps, i)
				print_map(s, &tm.maps.v[i]);
		}
	}
	ofp_tlv_table_mod_done(&tm);
	return error;
}

int print_tlv_table_reply(struct str *s, const struct ofp_msg *m, const struct ofp_print_options *o)
{
	struct ofp_tlv_table t;
	int error = ofp_decode_tlv_table_reply(m, &t);
	if (!error) {
		unsigned int used = 0;
		VEC_FOREACH (&t.maps, i)
			used += t.maps.v[i].option_len;
		str_addf(s, "\n max option space=%u max fields=%u\n allocated option space=%u\n\n",
			 t.max_space, t.max_fields, used);
		print_map_head(s);
		VEC_FOREACH (&t.maps, i)
			print_map(s, &t.maps.v[i]);
	}
	ofp_tlv_table_done(&t);
	return error;
}

int print_ct_flush_zone(struct str *s, const struct ofp_msg *m, const struct ofp_print_options *o)
{
	uint16_t zone;
	(void)ofp_decode_ct_flush_zone(m, &zone); // which reads it even if the rest is not zero
	str_addf(s, " zone_id=%u", zone);
	return 0;
}

int print_ct_flush(struct str *s, const struct ofp_msg *m, const struct ofp_print_options *o)
{
	struct ofp_ct_match match;
	int error = ofp_decode_ct_flush(m, &match);
	if (!error) {
		str_addc(s, ' ');
		ofp_ct_match_format(&match, s);
	}
	return error;
}

static void print_ipfix(struct str *s, const struct ofp_ipfix_stats *i, const char *head,
			const char *indent)
{
	str_addf(s, "  %s: ", head);
	print_counter(s, "flows=", i->total_flows);
	print_counter(s, ", current flows=", i->current_flows);
	print_counter(s, ", sampled pkts=", i->pkts);
	print_counter(s, ", ipv4 ok=", i->ipv4_pkts);
	print_counter(s, ", ipv6 ok=", i->ipv6_pkts);
	print_counter(s, ", tx pkts=", i->tx_pkts);
	str_addf(s, "\n%s", indent);
	print_counter(s, "pkts errs=", i->error_pkts);
	print_counter(s, ", ipv4 errs=", i->ipv4_error_pkts);
	print_counter(s, ", ipv6 errs=", i->ipv6_error_pkts);
	print_counter(s, ", tx errs=", i->tx_errors);
	str_addc(s, '\n');
}

int print_ipfix_bridge_reply(struct str *s, const struct ofp_msg *m,
			     const struct ofp_print_options *o)
{
	struct cursor body = m->body;
	struct ofp_ipfix_stats stats;
	ofp_ipfix_stats_pull(&body, &stats);
	str_addc(s, '\n');
	print_ipfix(s, &stats, "bridge ipfix", "                ");
	return 0;
}

int print_ipfix_flow_reply(struct str *s, const struct ofp_msg *m,
			   const struct ofp_print_options *o)
{
	struct cursor body = m->body;
	str_addf(s, " %zu ids\n", cursor_left(&body) / OFP_IPFIX_STATS_LEN);
	while (cursor_left(&body)) {
		struct ofp_ipfix_stats stats;
		struct str head = STR_INIT;
		ofp_ipfix_stats_pull(&body, &stats);
		str_addf(&head, "id %3u", stats.collector_set_id);
		print_ipfix(s, &stats, str_cstr(&head), "          ");
		str_done(&head);
	}
	return 0;
}
