/* SPDX-License-Identifier: Apache-2.0 */
// The switch's commands for ovs-appctl that are about bridges and flows.
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "ofproto/backer.h"
#include "ofproto/controllers.h"
#include "ofproto/internal.h"

// Counters that stay 0 are shown only where somebody asks for them.
static void format_rule(const struct rule *r, bool offload, struct str *out)
{
	struct rule_counts n = rule_counts(r);
	struct match match;
	if (r->table_id)
		str_addf(out, "table_id=%d, ", r->table_id);
	str_addf(out, "duration=%" PRId64 "s, ", (clock_ms() - r->created) / 1000);
	str_addf(out, "n_packets=%" PRIu64 ", n_bytes=%" PRIu64 ", ", n.packets, n.bytes);
	if (offload)
		str_add(out, "n_offload_packets=0, n_offload_bytes=0, ");
	rule_match(r, &match);
	match_format(&match, out, r->cls.priority, NULL, NULL);
	str_add(out, ",actions=");
	ofpacts_format(r->actions->list, r->actions->len, NULL, out);
	switch (r->hidden) { // a controller does not see these, and wonders
	case RULE_NOT_HIDDEN:
		break;
	case RULE_FAIL_OPEN:
		str_add(out, " (hidden: fail-open)");
		break;
	case RULE_IN_BAND:
		str_add(out, " (hidden: in-band)");
		break;
	}
	str_addc(out, '\n');
}

static bool dump_flows(struct ofproto_system *system, int argc, const char *argv[], struct str *out)
{
	bool offload = argc > 2 && !strcmp(argv[1], "--offload-stats");
	const struct ofproto *p = ofproto_find(system, argv[argc - 1]);
	if (!p) {
		str_add(out, "Unknown bridge");
		return false;
	}
	backer_push_stats(p->backer);
	struct rule_vec rules = {0};
	for (uint8_t i = 0; i < OFPROTO_N_TABLES; i++)
		tables_collect(&p->tables, i, NULL, &rules);
	VEC_FOREACH (&rules, i)
		format_rule(rules.v[i], offload, out);
	vec_done(&rules);
	return true;
}

// What a controller, and whoever dumps flows, does not see.
static bool hidden_flows(struct ofproto_system *system, int argc, const char *argv[],
			 struct str *out)
{
	const struct ofproto *p = ofproto_find(system, argv[1]);
	if (!p) {
		str_add(out, "Unknown bridge");
		return false;
	}
	str_addf(out, "%u\n", p->tables.n_hidden);
	return true;
}

static bool list(struct ofproto_system *system, int argc, const char *argv[], struct str *out)
{
	VEC_FOREACH (&system->bridges, i)
		str_addf(out, "%s\n", system->bridges.v[i]->name);
	return true;
}

static bool reconnect(struct ofproto_system *system, int argc, const char *argv[], struct str *out)
{
	if (argc > 1) {
		struct ofproto *p = ofproto_find(system, argv[1]);
		if (!p) {
			str_add(out, "Unknown bridge");
			return false;
		}
		controllers_reconnect(p->controllers);
		return true;
	}
	VEC_FOREACH (&system->bridges, i)
		controllers_reconnect(system->bridges.v[i]->controllers);
	return true;
}

static const struct ofproto_command commands[] = {
	{"bridge/dump-flows", "[--offload-stats] bridge", 1, 2, dump_flows},
	{"bridge/hidden-flows", "bridge", 1, 1, hidden_flows},
	{"bridge/reconnect", "[bridge]", 0, 1, reconnect},
	{"ofproto/list", "", 0, 0, list},
};

void ofproto_for_each_command(void (*cb)(void *arg, const struct ofproto_command *), void *arg)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		cb(arg, &commands[i]);
	for (const struct ofproto_command *c = backer_commands; c->name; c++)
		cb(arg, c);
}
