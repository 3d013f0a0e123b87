/* SPDX-License-Identifier: Apache-2.0 */
// Descriptions of flows, of requests for them, and of packets to send, as ovs-ofctl takes them.
// What can be read must encode in each protocol that it is said to fit. (Whether a switch takes it
// is another question: values may have bits that their masks have not.)
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "openflow/flow_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void flow_mod(char *text, int command)
{
	static const struct ofpact_text names;
	struct ofp_flow_mod fm = {0}, again = {0};
	uint32_t protocols = 0;
	char *note = NULL;
	struct error *error = flow_mod_parse(text, command, &names, &fm, &protocols, &note);
	for (uint32_t bit = 1; !error && bit <= OFPROTO_15; bit <<= 1) {
		struct buf out = {0};
		struct ofp_msg msg;
		if (!(protocols & bit))
			continue;
		struct ofp_flow_mod copy = fm;
		match_normalize(&copy.match);
		ofp_encode_flow_mod(&out, &copy, bit, 1);
		if (out.len) {
			if (ofp_msg_decode(out.data, out.len, &msg) || msg.type != OFPTYPE_FLOW_MOD)
				abort();
			(void)ofp_decode_flow_mod(&msg, bit, &again);
		}
		buf_done(&out);
	}
	error_free(error);
	free(note);
	ofp_flow_mod_done(&fm);
	ofp_flow_mod_done(&again);
}

static void packet_out(const char *text)
{
	static const struct ofpact_text names;
	struct ofp_packet_out po = {0};
	uint8_t *frame = NULL;
	uint32_t protocols;
	error_free(packet_out_parse(text, &names, &po, &frame, &protocols));
	ofp_packet_out_done(&po);
	free(frame);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct ofpact_text names;
	if (!size)
		return 0;
	char *text = strndup((const char *)data + 1, size - 1);
	switch (data[0] % 4) {
	case 0:
		flow_mod(text, -1);
		break;
	case 1:
		flow_mod(text, data[0] / 4 % (OFPFC_DELETE_STRICT + 1));
		break;
	case 2: {
		struct ofp_flow_stats_request request;
		uint32_t protocols;
		error_free(
			flow_stats_request_parse(text, data[0] & 4, &names, &request, &protocols));
		break;
	}
	case 3:
		packet_out(text);
		break;
	}
	free(text);
	return 0;
}
