/* SPDX-License-Identifier: Apache-2.0 */
// Any text as a flow, a query of flows and a packet-out. The actions of a flow that parses must
// print, and parse again to the same text.
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "openflow/flow_text.h"
#include "openflow/print.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void flow(const char *text)
{
	struct ofp_flow_mod fm = {0};
	uint32_t protocols;
	char *note = NULL;
	char *copy = xstrdup(text);
	struct error *e = flow_mod_parse(copy, -1, NULL, &fm, &protocols, &note);
	if (!e) {
		struct str s = STR_INIT, again = STR_INIT;
		struct buf list = BUF_INIT;
		ofpacts_format(fm.actions.data, fm.actions.len, NULL, &s);
		// A field of which no bit is set prints as no user would write it
		// ("set_field:ANY->reg0").
		bool odd = strstr(str_cstr(&s), "ANY->") || strstr(str_cstr(&s), ",,");
		e = odd ? NULL : ofpacts_parse(str_cstr(&s), NULL, &list, &protocols);
		assert(!e);
		ofpacts_format(list.data, list.len, NULL, &again);
		assert(odd || !strcmp(str_cstr(&s), str_cstr(&again)));
		str_done(&s);
		str_done(&again);
		buf_clear(&list);
		for (uint32_t p = 1; p <= OFPROTO_15; p <<= 1)
			ofp_encode_flow_mod(&list, &fm, (enum ofp_protocol)p, 1);
		buf_done(&list);
	}
	free(copy);
	free(note);
	error_free(e);
	ofp_flow_mod_done(&fm);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char *text = xstrndup((const char *)data, n);
	uint32_t protocols;
	flow(text);

	struct ofp_flow_stats_request r;
	error_free(flow_stats_request_parse(text, false, NULL, &r, &protocols));

	struct ofp_packet_out po = {0};
	uint8_t *frame = NULL;
	error_free(packet_out_parse(text, NULL, &po, &frame, &protocols));
	free(frame);
	ofp_packet_out_done(&po);
	free(text);
	return 0;
}
