/* SPDX-License-Identifier: Apache-2.0 */
// A bridge with tables and nothing else, for tests of flow mods: controllers and the datapath are
// counters.
#pragma once
#include "ofproto/internal.h"
#include "openflow/flow_mod.h"

struct fake_switch {
	struct ofproto_system system;
	struct ofproto ofproto;
};

struct fake_news {
	struct ofp_flow_removed removed[4096];
	size_t n_removed;
	unsigned int n_bumps;
	void (*on_trigger)(const struct ofp_flow_stats *); // NULL: nobody
	bool has_primary, fail_open;
	enum ofproto_fail_mode fail_mode;
};
extern struct fake_news fake_news;

void fake_switch_init(struct fake_switch *);
void fake_switch_done(struct fake_switch *);
