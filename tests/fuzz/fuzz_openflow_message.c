/* SPDX-License-Identifier: Apache-2.0 */
// Any bytes as an OpenFlow message: printing decodes all of it. A flow mod that decodes must
// encode, and that must decode to the same; so must messages of the other families that have an
// encoder.
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "openflow/continuation.h"
#include "openflow/message.h"
#include "openflow/print.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void print(const uint8_t *msg, size_t n)
{
	struct ofp_print_options options = {.verbosity = 3};
	struct str s = STR_INIT;
	ofp_print(&s, msg, n, &options);
	assert(s.len && s.s[s.len - 1] == '\n');
	str_done(&s);
}

// Text says all of a flow that the messages say.
static char *flow_text(const struct ofp_flow_mod *fm)
{
	struct str s = STR_INIT;
	match_format(&fm->match, &s, fm->priority, NULL, NULL);
	str_addc(&s, ' ');
	ofpacts_format(fm->actions.data, fm->actions.len, NULL, &s);
	str_addf(&s, " %d %d %d %d %x", fm->command, fm->idle_timeout, fm->hard_timeout,
		 fm->importance, fm->flags);
	return str_take(&s);
}

// What was encoded once is in the version's own words (set_field instead of mod_dl_src): from then
// on nothing changes.
static void decode_again(const struct ofp_flow_mod *fm, enum ofp_protocol protocol)
{
	struct buf b = BUF_INIT;
	struct ofp_flow_mod again = {0};
	struct ofp_msg m;
	ofp_encode_flow_mod(&b, fm, protocol, 1);
	if (b.len) {
		assert(!ofp_msg_decode(b.data, b.len, &m));
		int error = ofp_decode_flow_mod(&m, protocol, &again);
		assert(!error);
		char *one = flow_text(fm), *two = flow_text(&again);
		assert(!strcmp(one, two));
		free(one);
		free(two);
	}
	ofp_flow_mod_done(&again);
	buf_done(&b);
}

static void flow_mod(const struct ofp_msg *m)
{
	struct ofp_flow_mod fm = {0}, again = {0};
	enum ofp_protocol protocol = ofp_protocol_of_version(m->version);
	if (m->nx && m->version != OFP10)
		return;
	if (m->nx)
		protocol = OFPROTO_NXM;
	if (!ofp_decode_flow_mod(m, protocol, &fm)) {
		struct buf b = BUF_INIT;
		char *why = NULL;
		(void)ofpacts_check(fm.actions.data, fm.actions.len, &fm.match, OFPP_MAX,
				    fm.table_id, 255, m->version, &why);
		free(why);
		ofp_encode_flow_mod(&b, &fm, protocol, m->xid);
		struct ofp_msg m2;
		// Lists may become too long for one message.
		if (b.len) {
			assert(!ofp_msg_decode(b.data, b.len, &m2));
			int error = ofp_decode_flow_mod(&m2, protocol, &again);
			assert(!error || error == OFPBAC_TOO_MANY);
			if (!error)
				decode_again(&again, protocol);
		}
		for (uint32_t p = 1; p <= OFPROTO_15; p <<= 1) {
			buf_clear(&b);
			ofp_encode_flow_mod(&b, &fm, (enum ofp_protocol)p, 1);
		}
		buf_done(&b);
	}
	ofp_flow_mod_done(&fm);
	ofp_flow_mod_done(&again);
}

// A continuation that is taken says the same when it is written and read again.
static void continuation(const struct ofp_msg *m)
{
	struct ofp_packet_in pin;
	struct ofp_continuation c = {.stack = NULL}, again = {.stack = NULL};
	struct str one = STR_INIT, two = STR_INIT;
	struct buf b = BUF_INIT;
	struct ofpact_text text = {.arg = NULL};
	if (ofp_decode_packet_in(m, &pin) || !pin.has_continuation)
		return;
	if (!ofp_continuation_decode(pin.continuation, m->version, false, &c)) {
		ofp_continuation_encode(&b, &c, m->version);
		assert(!ofp_continuation_decode(cursor_make(b.data, b.len), m->version, false,
						&again));
		assert(c.n_stack == again.n_stack &&
		       (!c.n_stack ||
			!memcmp(c.stack, again.stack, c.n_stack * sizeof(c.stack[0]))));
		ofp_continuation_print(&one, &c, &text);
		ofp_continuation_print(&two, &again, &text);
	}
	str_done(&one);
	str_done(&two);
	buf_done(&b);
	ofp_continuation_done(&c);
	ofp_continuation_done(&again);
}

// --- Other families: what a message says, encoded again. False: it does not decode, or cannot be
// said in its version.

static enum ofp_protocol protocol_of(const struct ofp_msg *m)
{
	return m->nx ? OFPROTO_NXM : ofp_protocol_of_version(m->version);
}

static bool group_mod(const struct ofp_msg *m, struct buf *b)
{
	struct ofp_group_mod gm;
	int error = ofp_decode_group_mod(m, &gm);
	if (!error)
		ofp_encode_group_mod(b, &gm, m->version, m->xid);
	ofp_group_done(&gm.group);
	return !error;
}

static bool meter_mod(const struct ofp_msg *m, struct buf *b)
{
	struct ofp_meter_mod mm;
	int error = ofp_decode_meter_mod(m, &mm);
	if (!error)
		ofp_encode_meter_mod(b, &mm, m->version, m->xid);
	ofp_meter_done(&mm.meter);
	return !error;
}

static bool table_mod(const struct ofp_msg *m, struct buf *b)
{
	struct ofp_table_mod tm;
	if (ofp_decode_table_mod(m, &tm))
		return false;
	ofp_encode_table_mod(b, &tm, m->version, m->xid);
	return true;
}

static bool tlv_table_mod(const struct ofp_msg *m, struct buf *b)
{
	struct ofp_tlv_table_mod tm;
	int error = ofp_decode_tlv_table_mod(m, &tm);
	if (!error)
		ofp_encode_tlv_table_mod(b, &tm, m->version, m->xid);
	ofp_tlv_table_mod_done(&tm);
	return !error;
}

static bool port_mod(const struct ofp_msg *m, struct buf *b)
{
	struct ofp_port_mod pm;
	if (ofp_decode_port_mod(m, false, &pm))
		return false;
	ofp_encode_port_mod(b, &pm, m->version, m->xid);
	return true;
}

static bool port_status(const struct ofp_msg *m, struct buf *b)
{
	struct ofp_port_status ps;
	if (ofp_decode_port_status(m, &ps))
		return false;
	ofp_encode_port_status(b, &ps, m->version);
	return true;
}

static bool packet_out(const struct ofp_msg *m, struct buf *b)
{
	struct ofp_packet_out po = {.buffer_id = 0};
	int error = ofp_decode_packet_out(m, &po);
	if (!error)
		ofp_encode_packet_out(b, &po, protocol_of(m), m->xid);
	ofp_packet_out_done(&po);
	return !error;
}

static bool flow_removed(const struct ofp_msg *m, struct buf *b)
{
	struct ofp_flow_removed fr;
	if ((m->nx && m->version != OFP10) || ofp_decode_flow_removed(m, &fr))
		return false;
	ofp_encode_flow_removed(b, &fr, protocol_of(m));
	return true;
}

static bool flow_stats_request(const struct ofp_msg *m, struct buf *b)
{
	struct ofp_flow_stats_request r;
	if ((m->nx && m->version != OFP10) || ofp_decode_flow_stats_request(m, &r))
		return false;
	ofp_encode_flow_stats_request(b, &r, protocol_of(m), m->xid);
	return true;
}

static bool role_request(const struct ofp_msg *m, struct buf *b)
{
	struct ofp_role_request r;
	if (ofp_decode_role(m, &r))
		return false;
	ofp_encode_role_request(b, &r, m->version, m->xid);
	return true;
}

static bool bundle_control(const struct ofp_msg *m, struct buf *b)
{
	struct ofp_bundle_control bc;
	if (ofp_decode_bundle_control(m, &bc))
		return false;
	ofp_encode_bundle_control(b, &bc, m->version, m->xid);
	return true;
}

static bool ct_flush(const struct ofp_msg *m, struct buf *b)
{
	struct ofp_ct_match match;
	if (ofp_decode_ct_flush(m, &match))
		return false;
	ofp_encode_ct_flush(b, &match, m->version, m->xid);
	return true;
}

static bool config(const struct ofp_msg *m, struct buf *b)
{
	struct ofp_config c;
	if (ofp_decode_config(m, &c))
		return false;
	ofp_encode_config(b, m->type, &c, m->version, m->xid);
	return true;
}

static const struct {
	enum ofptype type;
	bool (*encode)(const struct ofp_msg *, struct buf *);
} families[] = {
	{OFPTYPE_GROUP_MOD, group_mod},
	{OFPTYPE_METER_MOD, meter_mod},
	{OFPTYPE_TABLE_MOD, table_mod},
	{OFPTYPE_TLV_TABLE_MOD, tlv_table_mod},
	{OFPTYPE_PORT_MOD, port_mod},
	{OFPTYPE_PORT_STATUS, port_status},
	{OFPTYPE_PACKET_OUT, packet_out},
	{OFPTYPE_FLOW_REMOVED, flow_removed},
	{OFPTYPE_FLOW_STATS_REQUEST, flow_stats_request},
	{OFPTYPE_AGGREGATE_STATS_REQUEST, flow_stats_request},
	{OFPTYPE_ROLE_REQUEST, role_request},
	{OFPTYPE_BUNDLE_CONTROL, bundle_control},
	{OFPTYPE_CT_FLUSH, ct_flush},
	{OFPTYPE_SET_CONFIG, config},
	{OFPTYPE_GET_CONFIG_REPLY, config},
};

// What was encoded is a message, and encoded again it is the same to the byte.
static void encode_again(const struct ofp_msg *m,
			 bool (*encode)(const struct ofp_msg *, struct buf *))
{
	struct buf one = BUF_INIT, two = BUF_INIT;
	struct ofp_msg again;
	if (encode(m, &one) && one.len && one.len <= OFP_MAX_LEN) {
		print(one.data, one.len);
		assert(!ofp_msg_decode(one.data, one.len, &again));
		assert(encode(&again, &two));
		assert(one.len == two.len && !memcmp(one.data, two.data, one.len));
	}
	buf_done(&one);
	buf_done(&two);
}

static void one(const uint8_t *data, size_t n)
{
	struct ofp_msg m;
	print(data, n);
	if (ofp_msg_decode(data, n, &m))
		return;
	if (m.type == OFPTYPE_FLOW_MOD)
		flow_mod(&m);
	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
		if (families[i].type == m.type)
			encode_again(&m, families[i].encode);
	if (m.type == OFPTYPE_PACKET_IN || m.type == OFPTYPE_RESUME)
		continuation(&m);
	if (m.type == OFPTYPE_HELLO) {
		uint32_t versions;
		(void)ofp_decode_hello(&m, &versions);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	one(data, n);
	if (n >= 8 && n <= OFP_MAX_LEN) { // with the length that it has
		uint8_t *copy = malloc(n);
		memcpy(copy, data, n);
		put_be16(copy + 2, (uint16_t)n);
		one(copy, n);
		free(copy);
	}
	return 0;
}
