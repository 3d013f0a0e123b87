/* SPDX-License-Identifier: Apache-2.0 */
// An OpenFlow message of any type and version: printed, and decoded the other ways that programs
// do. What could be decoded must encode, and what was encoded must decode again.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/byteorder.h"
#include "openflow/flow_mod.h"
#include "openflow/packet_io.h"
#include "openflow/print.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void flow_mod_again(const struct ofp_msg *msg)
{
	struct ofp_flow_mod fm = {0}, again = {0};
	enum ofp_protocol protocol = ofp_protocol_set_tid(
		msg->nx ? OFPROTO_NXM : ofp_protocol_of_version(msg->version), msg->xid & 1);
	if (!ofp_decode_flow_mod(msg, protocol, &fm)) {
		struct buf out = {0};
		struct ofp_msg second;
		char *why = NULL;
		if (!ofpacts_check(fm.actions.data, fm.actions.len, &fm.match, 0xff00, 0, 254,
				   msg->version, &why)) {
			ofp_encode_flow_mod(&out, &fm, protocol, msg->xid);
			if (out.len && (ofp_msg_decode(out.data, out.len, &second) ||
					ofp_decode_flow_mod(&second, protocol, &again)))
				abort();
		}
		free(why);
		buf_done(&out);
	}
	ofp_flow_mod_done(&fm);
	ofp_flow_mod_done(&again);
}

static void packet_out_again(const struct ofp_msg *msg)
{
	struct ofp_packet_out po = {0};
	if (!ofp_decode_packet_out(msg, &po)) {
		struct buf out = {0};
		ofp_encode_packet_out(&out, &po, ofp_protocol_of_version(msg->version), msg->xid);
		buf_done(&out);
	}
	ofp_packet_out_done(&po);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct ofp_print_options plain, all = {.verbosity = 3};
	struct str text = {0};
	ofp_print(&text, data, size, size & 1 ? &all : &plain);
	if (!text.len || text.s[text.len - 1] != '\n')
		abort();
	// Most inputs get their length wrong: give them the right one.
	if (size >= 8 && size <= OFP_MAX_LEN) {
		uint8_t *copy = malloc(size);
		memcpy(copy, data, size);
		put_be16(copy + 2, (uint16_t)size);
		ofp_print(&text, copy, size, &all);
		struct ofp_msg msg;
		if (!ofp_msg_decode(copy, size, &msg)) {
			if (msg.type == OFPTYPE_FLOW_MOD)
				flow_mod_again(&msg);
			else if (msg.type == OFPTYPE_PACKET_OUT)
				packet_out_again(&msg);
			else if (msg.type == OFPTYPE_TABLE_FEATURES_STATS_REPLY)
				ofp_print_table_features(&text, copy, size);
		}
		free(copy);
	}
	str_done(&text);
	return 0;
}
