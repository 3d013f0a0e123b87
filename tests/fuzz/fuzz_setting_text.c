/* SPDX-License-Identifier: Apache-2.0 */
// Groups, meters, settings of tables, maps of tunnel options, flow monitors and tracked connections
// as ovs-ofctl takes them: what can be read must encode in each version that it is said to fit, and
// that must decode.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "openflow/flow_monitor.h"
#include "openflow/group.h"
#include "openflow/message.h"
#include "openflow/meter.h"
#include "openflow/nx_ext.h"
#include "openflow/print.h"
#include "openflow/table_mod.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct ofpact_text names;

static void check(const struct buf *b, enum ofptype type)
{
	struct ofp_msg m;
	struct str s = STR_INIT;
	if (!b->len) // it does not fit into a message
		return;
	if (ofp_msg_decode(b->data, b->len, &m) || m.type != type)
		abort();
	ofp_print(&s, b->data, b->len, &(struct ofp_print_options){.verbosity = 3});
	str_done(&s);
}

static void group(const char *text, int command)
{
	struct ofp_group_mod gm = {0}, again;
	uint32_t usable = 0;
	struct error *e = ofp_group_mod_parse(text, command, &names, &gm, &usable);
	for (uint8_t v = OFP10; !e && v <= OFP15; v++) {
		struct buf b = BUF_INIT;
		if (usable & ofp_protocols_of_versions(1u << v)) {
			ofp_encode_group_mod(&b, &gm, v, 1);
			check(&b, OFPTYPE_GROUP_MOD);
			struct ofp_msg m;
			if (b.len && !ofp_msg_decode(b.data, b.len, &m)) {
				(void)ofp_decode_group_mod(&m, &again);
				ofp_group_done(&again.group);
			}
		}
		buf_done(&b);
	}
	ofp_group_done(&gm.group);
	error_free(e);
}

static void meter(const char *text, int command)
{
	struct ofp_meter_mod mm, again;
	uint32_t usable = 0;
	struct error *e = ofp_meter_mod_parse(text, command, &mm, &usable);
	for (uint8_t v = OFP13; !e && command >= 0 && v <= OFP15; v++) {
		struct buf b = BUF_INIT;
		struct ofp_msg m;
		ofp_encode_meter_mod(&b, &mm, v, 1);
		check(&b, OFPTYPE_METER_MOD);
		if (b.len && !ofp_msg_decode(b.data, b.len, &m)) {
			struct str one = STR_INIT, two = STR_INIT;
			if (!ofp_decode_meter_mod(&m, &again) && command != OFPMC_DELETE) {
				ofp_meter_format(&mm.meter, &one);
				ofp_meter_format(&again.meter, &two);
				if (strcmp(str_cstr(&one), str_cstr(&two)))
					abort();
			}
			ofp_meter_done(&again.meter);
			str_done(&one);
			str_done(&two);
		}
		buf_done(&b);
	}
	ofp_meter_done(&mm.meter);
	error_free(e);
}

static void tlv_maps(const char *text)
{
	struct ofp_tlv_table_mod tm = {0};
	struct buf b = BUF_INIT;
	struct error *e = ofp_tlv_maps_parse(text, &tm);
	if (!e && tm.maps.n < 4000) {
		ofp_encode_tlv_table_mod(&b, &tm, OFP10, 1);
		check(&b, OFPTYPE_TLV_TABLE_MOD);
	}
	vec_done(&tm.maps);
	buf_done(&b);
	error_free(e);
}

static void monitor(const char *text)
{
	struct ofp_flow_monitor_request r, again;
	uint32_t usable = 0;
	struct error *e = ofp_flow_monitor_parse(text, &names, &r, &usable);
	for (uint8_t v = OFP10; !e && v <= OFP15; v++) {
		struct buf b = BUF_INIT;
		struct ofp_msg m;
		if (usable & ofp_protocols_of_versions(1u << v)) {
			ofp_encode_flow_monitor_request(&b, &r, v, 1);
			check(&b, OFPTYPE_FLOW_MONITOR_STATS_REQUEST);
			if (ofp_msg_decode(b.data, b.len, &m))
				abort();
			struct cursor body = m.body;
			(void)ofp_flow_monitor_request_pull(&m, &body, &again);
		}
		buf_done(&b);
	}
	error_free(e);
}

static void table(const char *text)
{
	struct ofp_table_mod tm = {0};
	uint32_t versions = 0;
	error_free(ofp_table_mod_parse(text, &tm, &versions));
}

static void connection(const char *text)
{
	struct ofp_ct_match m = {.has_orig = true}, again;
	struct buf b = BUF_INIT;
	struct ofp_msg msg;
	struct error *e = ofp_ct_tuple_parse(text, &m.orig, &m);
	if (!e) {
		ofp_encode_ct_flush(&b, &m, OFP10, 1);
		check(&b, OFPTYPE_CT_FLUSH);
		if (ofp_msg_decode(b.data, b.len, &msg))
			abort();
		(void)ofp_decode_ct_flush(&msg, &again);
	}
	buf_done(&b);
	error_free(e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum { GROUPS, METERS, MAPS, MONITORS, TABLES, CONNECTIONS, N_KINDS };
	if (!size)
		return 0;
	char *text = strndup((const char *)data + 1, size - 1);
	int more = data[0] / N_KINDS;
	switch (data[0] % N_KINDS) {
	case GROUPS:
		group(text, more % 8 ? more % 8 - 1 : -1);
		break;
	case METERS:
		meter(text, more % 4 - 1);
		break;
	case MAPS:
		tlv_maps(text);
		break;
	case MONITORS:
		monitor(text);
		break;
	case TABLES:
		table(text);
		break;
	case CONNECTIONS:
		connection(text);
		break;
	}
	free(text);
	return 0;
}
