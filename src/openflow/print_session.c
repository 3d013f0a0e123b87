/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <string.h>

#include "openflow/print_row.h"

#define N_OF(array) (sizeof(array) / sizeof((array)[0]))

int print_hello(struct str *s, const struct ofp_msg *m, const struct ofp_print_options *o)
{
	uint32_t versions;
	int error = ofp_decode_hello(m, &versions);
	const char *separator = "\n version bitmap: ";
	for (unsigned int v = 0; v < 32; v++)
		if (versions & 1u << v) {
			str_addf(s, "%s0x%02x", separator, v);
			separator = ", ";
		}
	if (error) {
		str_add(s, "\n unknown data in hello:\n");
		print_hex_dump(s, m->data, m->len, true);
	}
	return 0;
}

static void print_text(struct str *s, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (isprint(p[i]) && p[i] != '\\' && p[i] != '"')
			str_addc(s, (char)p[i]);
		else
			str_addf(s, "\\%03o", p[i]);
	}
}

int print_error_msg(struct str *s, const struct ofp_msg *m, const struct ofp_print_options *o)
{
	struct cursor payload;
	int error = ofp_decode_error(m, &payload);
	if (!error)
		return OFPBRC_BAD_LEN;
	str_addf(s, " %s\n", ofperr_name(error));
	if (error == OFPHFC_INCOMPATIBLE || error == OFPHFC_EPERM) {
		print_text(s, payload.p, cursor_left(&payload));
	}
	return 0; // the caller goes on with the message that was wrong
}

int print_echo(struct str *s, const struct ofp_msg *m, const struct ofp_print_options *o)
{
	size_t n = cursor_left(&m->body);
	str_addf(s, " %zu bytes of payload\n", n);
	if (o->verbosity > 1)
		print_hex_dump(s, m->body.p, n, true);
	return 0;
}

static const struct bit_name capability_names[] = {
	{OFPC_FLOW_STATS, "FLOW_STATS"},
	{OFPC_TABLE_STATS, "TABLE_STATS"},
	{OFPC_PORT_STATS, "PORT_STATS"},
	{OFPC_GROUP_STATS, "GROUP_STATS"},
	{OFPC_STP, "STP"},
	{OFPC_IP_REASM, "IP_REASM"},
	{OFPC_QUEUE_STATS, "QUEUE_STATS"},
	{OFPC_ARP_MATCH_IP, "ARP_MATCH_IP"},
	{OFPC_PORT_BLOCKED, "PORT_BLOCKED"},
	{OFPC_BUNDLES, "BUNDLES"},
	{OFPC_FLOW_MONITORING, "FLOW_MONITORING"},
};
static const struct bit_name action_names[] = {
	{1 << 0, "output"},	  {1 << 11, "enqueue"},	  {1 << 1, "set_vlan_vid"},
	{1 << 2, "set_vlan_pcp"}, {1 << 3, "strip_vlan"}, {1 << 4, "mod_dl_src"},
	{1 << 5, "mod_dl_dst"},	  {1 << 6, "mod_nw_src"}, {1 << 7, "mod_nw_dst"},
	{1 << 8, "mod_nw_tos"},	  {1 << 9, "mod_tp_src"}, {1 << 10, "mod_tp_dst"},
};

int print_features(struct str *s, const struct ofp_msg *m, const struct ofp_print_options *o)
{
	struct ofp_features f;
	int error = ofp_decode_features(m, &f);
	if (error)
		return error;
	str_addf(s, " dpid:%016llx\nn_tables:%u, n_buffers:%u", (unsigned long long)f.datapath_id,
		 f.n_tables, f.n_buffers);
	if (f.auxiliary_id)
		str_addf(s, ", auxiliary_id:%u", f.auxiliary_id);
	str_add(s, "\ncapabilities: ");
	print_bits(s, f.capabilities, capability_names, N_OF(capability_names), ' ');
	str_addc(s, '\n');
	if (m->version == OFP10 && f.actions) {
		str_add(s, "actions: ");
		print_bits(s, (uint32_t)f.actions, action_names, N_OF(action_names), ' ');
		str_addc(s, '\n');
	}
	return f.has_ports ? print_port_list(s, &f.ports, m->version, o) : 0;
}

int print_config(struct str *s, const struct ofp_msg *m, const struct ofp_print_options *o)
{
	struct ofp_config c;
	int error = ofp_decode_config(m, &c);
	if (error)
		return error;
	str_addf(s, " frags=%s", ofp_frag_mode_name(c.frag));
	if (c.invalid_ttl_to_controller > 0)
		str_add(s, " invalid_ttl_to_controller");
	str_addf(s, " miss_send_len=%u\n", c.miss_send_len);
	return 0;
}

int print_desc(struct str *s, const struct ofp_msg *m, const struct ofp_print_options *o)
{
	struct ofp_desc d;
	int error = ofp_decode_desc(m, &d);
	if (error)
		return error;
	str_addf(s,
		 "\nManufacturer: %s\nHardware: %s\nSoftware: %s\nSerial Num: %s\nDP Description: "
		 "%s\n",
		 d.mfr, d.hw, d.sw, d.serial, d.dp);
	return 0;
}

int print_role(struct str *s, const struct ofp_msg *m, const struct ofp_print_options *o)
{
	struct ofp_role_request r;
	int error = ofp_decode_role(m, &r);
	if (error)
		return error;
	str_addf(s, " role=%s", ofp_role_name(r.role));
	if (r.short_id != OFPCID_UNDEFINED)
		str_addf(s, " short_id=%u", r.short_id);
	if (m->nx || (m->type == OFPTYPE_ROLE_REQUEST && r.role == OFPCR_NOCHANGE))
		return 0;
	struct cursor c = m->body;
	cursor_skip(&c, 8);
	uint64_t generation = cursor_be64(&c);
	if (generation != UINT64_MAX)
		str_addf(s, " generation_id=%llu", (unsigned long long)generation);
	return 0;
}

int print_role_status(struct str *s, const struct ofp_msg *m, const struct ofp_print_options *o)
{
	struct cursor c = m->body;
	uint32_t role = cursor_be32(&c);
	uint8_t reason = cursor_u8(&c);
	cursor_skip(&c, 3);
	static const char *const reasons[] = {"primary_request", "configuration_changed",
					      "experimenter_data_changed"};
	if (role > OFPCR_SECONDARY)
		return OFPRRFC_BAD_ROLE;
	uint64_t generation = cursor_be64(&c);
	str_addf(s, " role=%s", ofp_role_name((enum ofp_role)role));
	if (generation != UINT64_MAX)
		str_addf(s, " generation_id=%llu", (unsigned long long)generation);
	str_addf(s, " reason=%s", reason < N_OF(reasons) ? reasons[reason] : "(unknown)");
	return 0;
}

static void print_reasons(struct str *s, const char *what, uint32_t bits, const char *const *names,
			  size_t n)
{
	str_addf(s, "%16s:", what);
	if (!bits)
		str_add(s, " (off)");
	for (unsigned int i = 0; i < 32; i++)
		if (bits & 1u << i) {
			if (i < n)
				str_addf(s, " %s", names[i]);
			else
				str_addf(s, " %u", i);
		}
	str_addc(s, '\n');
}

static void print_async_set(struct str *s, const uint32_t masks[OFPASYNC_N])
{
	static const char *const packet_in[] = {"no_match",   "action", "invalid_ttl",
						"action_set", "group",	"packet_out"};
	static const char *const port[] = {"add", "delete", "modify"};
	static const char *const flow[] = {"idle",	   "hard",	   "delete",
					   "group_delete", "meter_delete", "eviction"};
	static const char *const role[] = {"primary_request", "configuration_changed",
					   "experimenter_data_changed"};
	static const char *const table[] = {"0", "1", "2", "vacancy_down", "vacancy_up"};
	static const char *const forward[] = {"group_mod_request", "meter_mod_request"};
	static const char *const stats[] = {"stats_request", "stat_trigger"};
	print_reasons(s, "PACKET_IN", masks[OFPASYNC_PACKET_IN], packet_in, N_OF(packet_in));
	print_reasons(s, "PORT_STATUS", masks[OFPASYNC_PORT_STATUS], port, N_OF(port));
	print_reasons(s, "FLOW_REMOVED", masks[OFPASYNC_FLOW_REMOVED], flow, N_OF(flow));
	print_reasons(s, "ROLE_STATUS", masks[OFPASYNC_ROLE_STATUS], role, N_OF(role));
	print_reasons(s, "TABLE_STATUS", masks[OFPASYNC_TABLE_STATUS], table, N_OF(table));
	print_reasons(s, "REQUESTFORWARD", masks[OFPASYNC_REQUESTFORWARD], forward, N_OF(forward));
	// Those that stock does not know have no line when they are off.
	if (masks[OFPASYNC_FLOW_STATS])
		print_reasons(s, "FLOW_STATS", masks[OFPASYNC_FLOW_STATS], stats, N_OF(stats));
	if (masks[OFPASYNC_CONT_STATUS])
		print_reasons(s, "CONT_STATUS", masks[OFPASYNC_CONT_STATUS],
			      print_controller_reasons, OFPCSR_N);
}

int print_async(struct str *s, const struct ofp_msg *m, const struct ofp_print_options *o)
{
	struct ofp_async_config a = {0};
	int error = ofp_decode_set_async(m, &a);
	if (error)
		return error;
	str_add(s, "\n primary:\n");
	print_async_set(s, a.primary);
	str_add(s, "\n secondary:\n");
	print_async_set(s, a.secondary);
	return 0;
}

int print_set_flow_format(struct str *s, const struct ofp_msg *m, const struct ofp_print_options *o)
{
	bool nxm;
	int error = ofp_decode_set_flow_format(m, &nxm);
	str_addf(s, " format=%s", error ? "(unknown)" : nxm ? "nxm" : "openflow10");
	return 0;
}

int print_flow_mod_table_id(struct str *s, const struct ofp_msg *m,
			    const struct ofp_print_options *o)
{
	bool on;
	int error = ofp_decode_flow_mod_table_id(m, &on);
	if (!error)
		str_add(s, on ? " enable" : " disable");
	return error;
}

int print_packet_in_format(struct str *s, const struct ofp_msg *m,
			   const struct ofp_print_options *o)
{
	static const char *const names[] = {"standard", "nxt_packet_in", "nxt_packet_in2"};
	enum ofp_packet_in_format format;
	int error = ofp_decode_set_packet_in_format(m, &format);
	if (!error)
		str_addf(s, " format=%s", names[format]);
	return error;
}

int print_controller_id(struct str *s, const struct ofp_msg *m, const struct ofp_print_options *o)
{
	uint16_t id;
	(void)ofp_decode_set_controller_id(m, &id); // which reads it even if the rest is not zero
	str_addf(s, " id=%u", id);
	return 0;
}
