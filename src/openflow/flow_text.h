/* SPDX-License-Identifier: Apache-2.0 */
// Flow descriptions as `ovs-ofctl` takes them:
// "priority=10,in_port=1,idle_timeout=5,cookie=0x1/0x1,table=1,actions=...".
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "openflow/action.h"
#include "openflow/flow_mod.h"
#include "openflow/packet_io.h"

// The ID of a group where one is asked about, a decimal number, "any" or "all" in any case.
bool ofp_group_id_parse(const char *text, uint32_t *id);

// `command` -1: the text may begin with one ("add", "modify_strict"...), add when it does not; else
// an enum ofp_flow_mod_command. *fm must be zero or initialised; *protocols receives what can carry
// it (0: nothing). The text is taken apart in place. The match is not normalised (match_normalize).
// Errors are the texts that users of ovs-ofctl know. *note (may be NULL) receives, with an error,
// what a log would say about it; owned by the caller.
struct error *flow_mod_parse(char *text, int command, const struct ofpact_text *,
			     struct ofp_flow_mod *fm, uint32_t *protocols, char **note) MUST_CHECK;
// "table=1,nw_src=10.0.0.1,out_port=2": what dump-flows takes.
struct error *flow_stats_request_parse(const char *text, bool aggregate, const struct ofpact_text *,
				       struct ofp_flow_stats_request *,
				       uint32_t *protocols) MUST_CHECK;
// "in_port=controller packet=... actions=...". The packet's bytes are owned by the caller (free())
// through *frame.
struct error *packet_out_parse(const char *text, const struct ofpact_text *,
			       struct ofp_packet_out *, uint8_t **frame,
			       uint32_t *protocols) MUST_CHECK;
