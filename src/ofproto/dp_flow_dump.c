/* SPDX-License-Identifier: Apache-2.0 */
// dpctl/dump-flows, dpctl/get-flow, dpif/dump-flows: megaflows as text, and with -m the rules that
// made them.
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/uuid.h"
#include "flow/match.h"
#include "ofproto/backer_internal.h"
#include "ofproto/ofproto.h"
#include "ofproto/rule.h"
#include "ofproto/xlate.h"

enum { DUMP_STEP = 1000 };

// Of the megaflows of a software datapath: those that no card knows, and those that a card marks.
enum {
	DUMP_PLAIN = 1 << 0,
	DUMP_PARTIAL = 1 << 1,
	DUMP_OFFLOADED = 1 << 2,
	DUMP_ALL = (1 << 3) - 1
};

struct dump {
	struct str *out;
	const struct backer *backer;
	bool more, names;
	unsigned int kinds;		       // DUMP_*
	const struct match *filter;	       // NULL: all
	const struct xlate_snapshot *snapshot; // with `bridge`: only flows from its ports
	uint64_t bridge;		       // 0: all
	unsigned int n;
};

static void format_flags(uint16_t flags, struct str *out)
{
	static const char letters[] = "FSRP.UECN";
	for (unsigned int i = 0; i < sizeof(letters) - 1; i++)
		if (flags >> i & 1)
			str_addc(out, letters[i]);
}

void dp_flow_format_stats(struct str *out, const struct dp_flow_stats *s)
{
	str_addf(out, "packets:%" PRIu64 ", bytes:%" PRIu64 ", used:", s->packets, s->bytes);
	if (s->used)
		str_addf(out, "%.3fs", (double)(clock_ms() - s->used) / 1000);
	else
		str_add(out, "never");
	if (s->tcp_flags) {
		str_add(out, ", flags:");
		format_flags(s->tcp_flags, out);
	}
}

// Which rules of which bridges said what the megaflow does:
// "rules(br0/table=0,priority=1,cookie=0x5;br0/table=1,miss)".
static void format_origin(const struct backer *b, const struct megaflow *mf, struct str *out)
{
	const char *separator = "";
	str_add(out, ", dp-extra-info:rules(");
	for (unsigned int i = 0; i < mf->basis->n_rules; i++) {
		const struct rule *rule = mf->basis->rules[i];
		str_addf(out, "%s%s/table=%u,priority=%d,cookie=0x%" PRIx64 "%s", separator,
			 ofproto_name(rule->ofproto), rule->table_id, rule->cls.priority,
			 be64toh(__atomic_load_n(&rule->cookie, __ATOMIC_RELAXED)),
			 __atomic_load_n(&rule->removed, __ATOMIC_RELAXED) ? ",removed" : "");
		separator = ";";
	}
	for (unsigned int i = 0; i < mf->n_credits; i++) {
		const struct xlate_credit *c = &mf->credits[i];
		const struct xlate_bridge *bridge =
			xlate_snapshot_bridge(backer_snapshot(b), c->ofproto_id);
		if (c->kind != XLATE_CREDIT_MISS || !bridge)
			continue;
		str_addf(out, "%s%s/table=%u,miss", separator, bridge->name, c->port);
		separator = ";";
	}
	str_addc(out, ')');
}

void dp_flow_format(struct str *out, const struct backer *b, const struct dp_flow *flow, bool more,
		    bool names, bool terse)
{
	dp_port_name_cb *name = names ? dp_text_port_name : NULL;
	if (more)
		str_addf(out, "ufid:" UUID_FORMAT "%s", UUID_ARGS(flow->ufid), terse ? " " : ", ");
	dpkey_format(out, flow->key, flow->mask, name, b->dp, more);
	str_add(out, ", ");
	dp_flow_format_stats(out, &flow->stats);
	if (flow->offloaded)
		str_add(out, flow->offloaded == DP_OFFLOADED ? ", offloaded:yes"
							     : ", offloaded:partial");
	if (more && !terse)
		str_add(out, flow->offloaded == DP_OFFLOADED ? ", dp:dpdk" : ", dp:ovs");
	str_add(out, ", actions:");
	struct dpact_text text = {
		.port_name = name, .userdata_format = xlate_userdata_format, .arg = b->dp};
	dpact_format_text(out, flow->actions, flow->actions_len, &text);
	if (more && flow->cookie)
		format_origin(b, flow->cookie, out);
}

static bool passes(const struct dump *dump, const struct dp_flow *flow)
{
	if (dump->bridge) {
		const struct xlate_port *port =
			xlate_snapshot_dp_port(dump->snapshot, flow->key->in_port);
		if (!port || port->bridge->id != dump->bridge)
			return false;
	}
	if (!dump->filter)
		return true;
	struct flow mask;
	flow_mask(&mask, flow->mask, &dump->filter->mask);
	return flow_equal_masked(flow->key, &dump->filter->flow, &mask);
}

static void dump_flow(void *dump_, const struct dp_flow *flow)
{
	struct dump *dump = dump_;
	static const unsigned int kinds[] = {
		[DP_OFFLOADED_NOT] = DUMP_PLAIN,
		[DP_OFFLOADED_PARTIALLY] = DUMP_PARTIAL,
		[DP_OFFLOADED] = DUMP_OFFLOADED,
	};
	struct str *out = dump->out;
	if (!(dump->kinds & kinds[flow->offloaded]) || !passes(dump, flow))
		return;
	if (!dump->n++ && !dump->bridge)
		str_add(out, "flow-dump from the main thread:\n");
	dp_flow_format(out, dump->backer, flow, dump->more, dump->names, dump->bridge);
	str_addc(out, '\n');
}

static void run_dump(struct dump *dump)
{
	uint64_t position = 0;
	while (dp_flow_dump(dump->backer->dp, &position, DUMP_STEP, dump_flow, dump))
		;
}

// A list of the types whose flows to show. Sets *kinds to DUMP_*.
static bool parse_types(const char *types, unsigned int *kinds)
{
	static const struct {
		const char *name;
		unsigned int kinds;
	} known[] = {
		{"ovs", DUMP_PLAIN | DUMP_PARTIAL},
		{"all", DUMP_ALL},
		{"non-offloaded", DUMP_PLAIN},
		{"tc", 0},
		{"dpdk", DUMP_OFFLOADED},
		{"offloaded", DUMP_OFFLOADED | DUMP_PARTIAL},
		{"partially-offloaded", DUMP_PARTIAL},
	};
	*kinds = 0;
	while (*types) {
		size_t n = strcspn(types, ","), i = 0;
		while (i < sizeof(known) / sizeof(known[0]) &&
		       (strlen(known[i].name) != n || strncmp(types, known[i].name, n)))
			i++;
		if (i == sizeof(known) / sizeof(known[0]))
			return false;
		*kinds |= known[i].kinds;
		types += n + (types[n] == ',');
	}
	return true;
}

struct dump_request {
	bool more, names, names_set;
	unsigned int kinds;
	const char *filter, *dp;
};

static bool parse_dump(struct dump_request *r, int argc, const char *argv[], struct str *out)
{
	r->kinds = DUMP_ALL;
	for (int i = 1; i < argc; i++) {
		const char *a = argv[i];
		if (dp_command_is_flag(a, "-m", "--more")) {
			r->more = true;
		} else if (!strcmp(a, "--names") || !strcmp(a, "--no-names")) {
			r->names_set = true;
			r->names = !strcmp(a, "--names");
		} else if (!strncmp(a, "filter=", 7)) {
			r->filter = a + 7;
		} else if (!strncmp(a, "type=", 5)) {
			if (!parse_types(a + 5, &r->kinds)) {
				str_addf(out,
					 "ovs-vswitchd: Failed to parse type (%s) (Invalid "
					 "argument)",
					 a + 5);
				return false;
			}
		} else if (!strncmp(a, "pmd=", 4)) {
			continue; // megaflows are shared by all threads
		} else if (a[0] == '-' || r->dp) {
			str_addf(out, "ovs-vswitchd: unknown argument %s", a);
			return false;
		} else {
			r->dp = a;
		}
	}
	if (!r->names_set)
		r->names = r->more;
	return true;
}

bool dpctl_dump_flows(struct ofproto_system *system, int argc, const char *argv[], struct str *out)
{
	struct dump_request r = {.more = false};
	struct match filter;
	if (!parse_dump(&r, argc, argv, out))
		return false;
	struct backer *b = dp_command_backer(system, r.dp, out);
	if (!b)
		return false;
	if (r.filter) {
		struct error *e = trace_parse_flow(r.filter, NULL, NULL, NULL, &filter);
		if (e) {
			str_addf(out, "ovs-vswitchd: Failed to parse filter (%s)", error_text(e));
			error_free(e);
			return false;
		}
	}
	struct dump dump = {.out = out,
			    .backer = b,
			    .more = r.more,
			    .names = r.names,
			    .kinds = r.kinds,
			    .filter = r.filter ? &filter : NULL};
	run_dump(&dump);
	return true;
}

bool dpif_dump_flows(struct ofproto_system *system, int argc, const char *argv[], struct str *out)
{
	struct dump_request r = {.more = false};
	if (!parse_dump(&r, argc, argv, out))
		return false;
	struct ofproto *p = r.dp ? ofproto_find(system, r.dp) : NULL;
	if (!p) {
		str_add(out, "no such bridge");
		return false;
	}
	struct backer *b = ofproto_backer(p);
	struct dump dump = {.out = out,
			    .backer = b,
			    .more = r.more,
			    .names = r.names,
			    .kinds = DUMP_ALL,
			    .snapshot = backer_snapshot(b),
			    .bridge = ofproto_id(p)};
	run_dump(&dump);
	return true;
}

// --- dpctl/get-flow

struct search {
	const struct uuid *ufid;
	struct str *out;
	const struct backer *backer;
	bool more, names, found;
};

static void show_if_wanted(void *search_, const struct dp_flow *flow)
{
	struct search *search = search_;
	if (!uuid_equal(flow->ufid, search->ufid))
		return;
	search->found = true;
	dp_flow_format(search->out, search->backer, flow, search->more, search->names, false);
	str_addc(search->out, '\n');
}

bool dpctl_get_flow(struct ofproto_system *system, int argc, const char *argv[], struct str *out)
{
	struct dump_request r = {.more = false};
	struct uuid ufid;
	const char *text = argv[argc - 1];
	if (!parse_dump(&r, argc - 1, argv, out))
		return false;
	struct backer *b = dp_command_backer(system, r.dp, out);
	if (!b)
		return false;
	if (strncmp(text, "ufid:", 5) || !uuid_parse(text + 5, &ufid)) {
		str_addf(out,
			 "ovs-vswitchd: parsing flow ufid: %s: \"ufid:\" and a UUID are wanted",
			 text);
		return false;
	}
	struct search search = {
		.ufid = &ufid, .out = out, .backer = b, .more = r.more, .names = r.names};
	uint64_t position = 0;
	while (dp_flow_dump(b->dp, &position, DUMP_STEP, show_if_wanted, &search))
		;
	if (!search.found)
		str_add(out, "ovs-vswitchd: getting flow (No such file or directory)");
	return search.found;
}
