/* SPDX-License-Identifier: Apache-2.0 */
#include "openflow/print.h"

#include <ctype.h>
#include <string.h>

#include "openflow/print_row.h"

static int print_nothing(struct str *s, const struct ofp_msg *m, const struct ofp_print_options *o)
{
	return 0;
}

static ofp_printer *const printers[OFPTYPE_N] = {
	[OFPTYPE_HELLO] = print_hello,
	[OFPTYPE_ERROR] = print_error_msg,
	[OFPTYPE_ECHO_REQUEST] = print_echo,
	[OFPTYPE_ECHO_REPLY] = print_echo,
	[OFPTYPE_FEATURES_REQUEST] = print_nothing,
	[OFPTYPE_FEATURES_REPLY] = print_features,
	[OFPTYPE_GET_CONFIG_REQUEST] = print_nothing,
	[OFPTYPE_GET_CONFIG_REPLY] = print_config,
	[OFPTYPE_SET_CONFIG] = print_config,
	[OFPTYPE_PACKET_IN] = print_packet_in,
	[OFPTYPE_FLOW_REMOVED] = print_flow_removed,
	[OFPTYPE_PORT_STATUS] = print_port_status,
	[OFPTYPE_PACKET_OUT] = print_packet_out,
	[OFPTYPE_FLOW_MOD] = print_flow_mod,
	[OFPTYPE_PORT_MOD] = print_port_mod,
	[OFPTYPE_BARRIER_REQUEST] = print_nothing,
	[OFPTYPE_BARRIER_REPLY] = print_nothing,
	[OFPTYPE_ROLE_REQUEST] = print_role,
	[OFPTYPE_ROLE_REPLY] = print_role,
	[OFPTYPE_ROLE_STATUS] = print_role_status,
	[OFPTYPE_GET_ASYNC_REQUEST] = print_nothing,
	[OFPTYPE_GET_ASYNC_REPLY] = print_async,
	[OFPTYPE_SET_ASYNC_CONFIG] = print_async,
	[OFPTYPE_DESC_STATS_REQUEST] = print_nothing,
	[OFPTYPE_DESC_STATS_REPLY] = print_desc,
	[OFPTYPE_FLOW_STATS_REQUEST] = print_flow_stats_request,
	[OFPTYPE_FLOW_STATS_REPLY] = print_flow_stats_reply,
	[OFPTYPE_AGGREGATE_STATS_REQUEST] = print_flow_stats_request,
	[OFPTYPE_AGGREGATE_STATS_REPLY] = print_aggregate_reply,
	[OFPTYPE_FLOW_COUNTERS_REQUEST] = print_flow_stats_request,
	[OFPTYPE_FLOW_COUNTERS_REPLY] = print_flow_stats_reply,
	[OFPTYPE_TABLE_STATS_REQUEST] = print_nothing,
	[OFPTYPE_TABLE_STATS_REPLY] = print_table_stats_reply,
	[OFPTYPE_PORT_STATS_REQUEST] = print_port_stats_request,
	[OFPTYPE_PORT_STATS_REPLY] = print_port_stats_reply,
	[OFPTYPE_QUEUE_STATS_REQUEST] = print_queue_stats_request,
	[OFPTYPE_QUEUE_STATS_REPLY] = print_queue_stats_reply,
	[OFPTYPE_GROUP_MOD] = print_group_mod,
	[OFPTYPE_GROUP_STATS_REQUEST] = print_group_request,
	[OFPTYPE_GROUP_STATS_REPLY] = print_group_stats_reply,
	[OFPTYPE_GROUP_DESC_STATS_REQUEST] = print_group_request,
	[OFPTYPE_GROUP_DESC_STATS_REPLY] = print_group_desc_reply,
	[OFPTYPE_GROUP_FEATURES_STATS_REPLY] = print_group_features_reply,
	[OFPTYPE_GROUP_FEATURES_STATS_REQUEST] = print_nothing,
	[OFPTYPE_METER_FEATURES_STATS_REQUEST] = print_nothing,
	[OFPTYPE_TABLE_FEATURES_STATS_REQUEST] = print_table_features,
	[OFPTYPE_TABLE_FEATURES_STATS_REPLY] = print_table_features,
	[OFPTYPE_PORT_DESC_STATS_REQUEST] = print_port_desc_request,
	[OFPTYPE_PORT_DESC_STATS_REPLY] = print_port_desc_reply,
	[OFPTYPE_TABLE_DESC_REQUEST] = print_nothing,
	[OFPTYPE_SET_FLOW_FORMAT] = print_set_flow_format,
	[OFPTYPE_FLOW_MOD_TABLE_ID] = print_flow_mod_table_id,
	[OFPTYPE_SET_PACKET_IN_FORMAT] = print_packet_in_format,
	[OFPTYPE_FLOW_AGE] = print_nothing,
	[OFPTYPE_SET_CONTROLLER_ID] = print_controller_id,
	[OFPTYPE_FLOW_MONITOR_PAUSED] = print_nothing,
	[OFPTYPE_FLOW_MONITOR_RESUMED] = print_nothing,
	[OFPTYPE_TLV_TABLE_REQUEST] = print_nothing,
	[OFPTYPE_IPFIX_BRIDGE_STATS_REQUEST] = print_nothing,
	[OFPTYPE_IPFIX_FLOW_STATS_REQUEST] = print_nothing,
	[OFPTYPE_TABLE_MOD] = print_table_mod,
	[OFPTYPE_QUEUE_GET_CONFIG_REQUEST] = print_queue_config_request,
	[OFPTYPE_QUEUE_GET_CONFIG_REPLY] = print_queue_config_reply,
	[OFPTYPE_QUEUE_DESC_REQUEST] = print_queue_config_request,
	[OFPTYPE_QUEUE_DESC_REPLY] = print_queue_config_reply,
	[OFPTYPE_METER_MOD] = print_meter_mod,
	[OFPTYPE_TABLE_STATUS] = print_table_status,
	[OFPTYPE_REQUESTFORWARD] = print_requestforward,
	[OFPTYPE_BUNDLE_CONTROL] = print_bundle_control,
	[OFPTYPE_BUNDLE_ADD_MESSAGE] = print_bundle_add,
	[OFPTYPE_METER_STATS_REQUEST] = print_meter_request,
	[OFPTYPE_METER_STATS_REPLY] = print_meter_stats_reply,
	[OFPTYPE_METER_CONFIG_STATS_REQUEST] = print_meter_request,
	[OFPTYPE_METER_CONFIG_STATS_REPLY] = print_meter_config_reply,
	[OFPTYPE_METER_FEATURES_STATS_REPLY] = print_meter_features_reply,
	[OFPTYPE_TABLE_DESC_REPLY] = print_table_desc_reply,
	[OFPTYPE_FLOW_MONITOR_STATS_REQUEST] = print_flow_monitor_request,
	[OFPTYPE_FLOW_MONITOR_STATS_REPLY] = print_flow_updates,
	[OFPTYPE_FLOW_MONITOR_CANCEL] = print_flow_monitor_cancel,
	[OFPTYPE_TLV_TABLE_MOD] = print_tlv_table_mod,
	[OFPTYPE_TLV_TABLE_REPLY] = print_tlv_table_reply,
	[OFPTYPE_RESUME] = print_packet_in,
	[OFPTYPE_CT_FLUSH_ZONE] = print_ct_flush_zone,
	[OFPTYPE_CT_FLUSH] = print_ct_flush,
	[OFPTYPE_IPFIX_BRIDGE_STATS_REPLY] = print_ipfix_bridge_reply,
	[OFPTYPE_IPFIX_FLOW_STATS_REPLY] = print_ipfix_flow_reply,
	[OFPTYPE_CONTROLLER_STATUS] = print_controller_status,
	[OFPTYPE_CONTROLLER_STATUS_REQUEST] = print_nothing,
	[OFPTYPE_CONTROLLER_STATUS_REPLY] = print_controller_status_reply,
	[OFPTYPE_BUNDLE_FEATURES_REQUEST] = print_bundle_features_request,
	[OFPTYPE_BUNDLE_FEATURES_REPLY] = print_bundle_features_reply,
};

// --- Helpers.

void print_bits(struct str *s, uint32_t bits, const struct bit_name *names, size_t n,
		char separator)
{
	if (!bits) {
		str_addc(s, '0');
		return;
	}
	for (size_t i = 0; i < n; i++)
		if (bits & names[i].bit) {
			str_add(s, names[i].name);
			str_addc(s, separator);
			bits &= ~names[i].bit;
		}
	if (bits)
		str_addf(s, "%#x", bits);
	else
		str_chomp(s, separator);
}

void print_port(struct str *s, uint32_t port, const struct ofp_print_options *o)
{
	ofp_port_format(port, o->text.port_name, o->text.arg, s);
}

void print_counter(struct str *s, const char *before, uint64_t n)
{
	str_add(s, before);
	if (n == UINT64_MAX)
		str_addc(s, '?');
	else
		str_addf(s, "%llu", (unsigned long long)n);
}

void print_duration(struct str *s, uint32_t sec, uint32_t ns)
{
	str_addf(s, "%u", sec);
	if (ns && ns % 1000000 == 0) {
		str_addf(s, ".%03u", ns / 1000000);
	} else if (ns) {
		str_addf(s, ".%09u", ns);
		while (str_chomp(s, '0'))
			;
	}
	str_addc(s, 's');
}

void print_hex_dump(struct str *s, const void *bytes, size_t n, bool characters)
{
	const uint8_t *p = bytes;
	for (size_t at = 0; at < n; at += 16) {
		size_t line = n - at < 16 ? n - at : 16;
		str_addf(s, "%08zx ", at);
		for (size_t i = 0; i < 16; i++) {
			char before = i == 8 ? '-' : ' ';
			if (i < line)
				str_addf(s, "%c%02x", before, p[at + i]);
			else if (characters)
				str_add(s, i == 8 && line == 8 ? "-  " : "   ");
		}
		if (!characters && line == 8)
			str_addc(s, '-');
		if (characters) {
			str_add(s, " |");
			for (size_t i = 0; i < 16; i++)
				str_addc(s, i >= line		 ? ' '
					    : isprint(p[at + i]) ? (char)p[at + i]
								 : '.');
			str_addc(s, '|');
		}
		str_addc(s, '\n');
	}
}

// --- Messages.

static void end_line(struct str *s, size_t start)
{
	if (s->len > start && s->s[s->len - 1] != '\n')
		str_addc(s, '\n');
}

static void print_name(struct str *s, const struct ofp_msg *m)
{
	str_add(s, ofp_msg_name(m));
	if (ofp_msg_is_stats_request(m))
		str_add(s, " request");
	else if (ofp_msg_is_stats_reply(m))
		str_add(s, " reply");
	if (m->version > OFP15)
		str_addf(s, " (OF 0x%02x)", m->version);
	else if (m->version != OFP10) {
		str_add(s, " (");
		str_add(s, ofp_version_short_name(m->version));
		str_addc(s, ')');
	}
	str_add(s, " (xid=");
	if (m->xid)
		str_add_0x(s, m->xid);
	else
		str_add(s, "0x0");
	str_add(s, "):");
}

static void print_stats_flags(struct str *s, const struct ofp_msg *m)
{
	uint16_t flags = m->mp_flags;
	if (!flags)
		return;
	str_add(s, " flags=");
	if (flags & OFPMPF_MORE && (m->version >= OFP13 || !ofp_msg_is_stats_request(m))) {
		str_add(s, "[more]");
		flags &= (uint16_t)~OFPMPF_MORE;
	}
	if (flags)
		str_addf(s, "[***unknown flags 0x%04x***]", flags);
}

static void print_problem(struct str *s, size_t start, int error)
{
	// Behind the header alone on its line; behind something that was printed on a line of its
	// own.
	if (s->len > start && s->s[s->len - 1] == ':')
		str_addc(s, ' ');
	else if (s->len > start && s->s[s->len - 1] != '\n')
		str_addc(s, '\n');
	str_addf(s, "***decode error: %s***\n", ofperr_name(error));
}

// The message that an error is about, which may be an error in its turn. Empty: none.
static struct cursor erroneous_message(const struct ofp_msg *m)
{
	struct cursor payload = {0};
	int error = m->type == OFPTYPE_ERROR ? ofp_decode_error(m, &payload) : 0;
	return error && error != OFPHFC_INCOMPATIBLE && error != OFPHFC_EPERM ? payload
									      : (struct cursor){0};
}

enum { VERBOSITY_BYTES = 5 }; // shows the bytes, too

// False: the message is wrong, and the caller shows its bytes. *inside: what to print behind it.
static bool print_whole(struct str *s, const void *msg, size_t n, const struct ofp_print_options *o,
			struct cursor *inside)
{
	struct ofp_msg m;
	size_t start = s->len;
	int error = ofp_msg_decode(msg, n, &m);
	if (!error) {
		print_name(s, &m);
		print_stats_flags(s, &m);
		error = printers[m.type](s, &m, o);
	}
	if (error) {
		print_problem(s, start, error);
	} else {
		str_chomp(s, ' ');
		end_line(s, start);
		if (o->verbosity >= VERBOSITY_BYTES)
			print_hex_dump(s, msg, n, true);
		*inside = erroneous_message(&m);
	}
	return !error;
}

// False: there is nothing to print behind it.
static bool print_one(struct str *s, const void *msg, size_t n, const struct ofp_print_options *o,
		      struct cursor *inside)
{
	size_t start = s->len;
	if (!n) {
		str_add(s, "OpenFlow message is empty\n");
		return false;
	}
	if (n < sizeof(struct ofp_header)) {
		str_addf(s, "OpenFlow packet too short (only %zu bytes):\n", n);
	} else if (ofp_length(msg) > n) {
		struct ofp_msg m;
		if (!ofp_msg_identify(msg, n, &m)) {
			print_name(s, &m);
			end_line(s, start);
		}
		str_addf(s, "(***truncated to %zu bytes from %u***)\n", n, ofp_length(msg));
	} else if (ofp_length(msg) < n) {
		str_addf(s, "(***only uses %u bytes out of %zu***)\n", ofp_length(msg), n);
	} else if (print_whole(s, msg, n, o, inside)) {
		return inside->p != NULL;
	}
	print_hex_dump(s, msg, n, true);
	return false;
}

void ofp_print(struct str *s, const void *msg, size_t n, const struct ofp_print_options *o)
{
	struct ofp_print_options options = o ? *o : (struct ofp_print_options){0};
	struct cursor inside = {0};
	// Errors may be about errors: a loop, for the depth is the sender's to choose.
	while (print_one(s, msg, n, &options, &inside)) {
		msg = inside.p;
		n = cursor_left(&inside);
		options.verbosity = 1;
	}
}
