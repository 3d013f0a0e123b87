/* SPDX-License-Identifier: Apache-2.0 */
// dpif/*, dpctl/*, dpif-netdev/*, upcall/*, revalidator/*: datapaths and their megaflows.
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/uuid.h"
#include "flow/field.h"
#include "flow/match.h"
#include "netdev/netdev.h"
#include "ofproto/backer_internal.h"
#include "ofproto/ofproto.h"
#include "ofproto/xlate.h"

enum { DUMP_STEP = 1000 };

// --- Names.

struct port_search {
	uint32_t port;
	const char *name;
};

static void match_port(void *search_, const struct dp_port_info *info)
{
	struct port_search *search = search_;
	if (info->port == search->port)
		search->name = info->name;
}

const char *dp_text_port_name(void *dp, uint32_t port)
{
	struct port_search search = {.port = port};
	dp_port_dump(dp, match_port, &search);
	return search.name;
}

int dp_text_port_number(void *dp, const char *name, uint32_t *port)
{
	struct dp_port_info info;
	int error = dp_port_find(dp, name, &info);
	if (!error)
		*port = info.port;
	return error;
}

bool xlate_userdata_format(void *arg, const void *userdata, size_t n, struct str *out)
{
	struct xlate_userdata u;
	(void)arg;
	if (n < sizeof(u))
		return false;
	memcpy(&u, userdata, sizeof(u));
	switch ((enum xlate_userdata_kind)u.kind) {
	case XLATE_USERDATA_CONTROLLER:
		str_addf(out,
			 "controller(reason=%u,dont_send=%u,continuation=0,recirc_id=0,rule_cookie=%#" PRIx64
			 ",controller_id=%u,max_len=%u)",
			 u.reason, u.dont_send, u.cookie == UINT64_MAX ? UINT64_MAX : be64toh(u.cookie), u.controller_id, u.max_len);
		return true;
	case XLATE_USERDATA_SLOW_PATH:
		str_add(out, "slow_path(action)");
		return true;
	}
	return false;
}

struct backer *dp_command_backer(struct ofproto_system *system, const char *name, struct str *out)
{
	const struct backers *bs = ofproto_system_backers(system);
	if (!name) {
		if (bs->v.n == 1)
			return bs->v.v[0];
		str_add(out, bs->v.n ? "multiple datapaths, specify one" : "no datapaths exist");
		return NULL;
	}
	const char *at = strchr(name, '@');
	VEC_FOREACH (&bs->v, i) {
		struct backer *b = bs->v.v[i];
		bool type_ok = !at || (strlen(b->type) == (size_t)(at - name) && !strncmp(b->type, name, (size_t)(at - name)));
		if (type_ok && !strcmp(dp_name(b->dp), at ? at + 1 : name))
			return b;
	}
	str_add(out, "ovs-vswitchd: datapath not found (Invalid argument)");
	return NULL;
}

// --- Ports.

struct config {
	struct str *out;
	bool any;
};

static void format_pair(void *config_, const char *key, const char *value)
{
	struct config *config = config_;
	str_addf(config->out, "%s%s=%s", config->any ? ", " : ": ", key, value);
	config->any = true;
}

static void format_config(const struct netdev *netdev, struct str *out)
{
	struct config config = {.out = out};
	str_addf(out, "(%s", netdev_type(netdev));
	netdev_get_config(netdev, format_pair, &config);
	str_add(out, ")\n");
}

static int compare_names(const void *a, const void *b)
{
	const struct ofproto_port_info *x = a, *y = b;
	return strcmp(x->name, y->name);
}

struct port_list {
	VEC(struct ofproto_port_info) of;
};

static void collect_port(void *list_, const struct ofproto_port_info *info)
{
	struct port_list *list = list_;
	vec_push(&list->of, *info);
}

struct show {
	struct str *out;
	const struct backer *backer;
	uint64_t bridge; // of dpif/dump-flows
};

static void show_bridge(void *show_, struct ofproto *p)
{
	struct show *show = show_;
	struct port_list list = {.of = {0}};
	if (ofproto_backer(p) != show->backer)
		return;
	str_addf(show->out, "  %s:\n", ofproto_name(p));
	ofproto_for_each_port(p, collect_port, &list);
	if (list.of.n)
		qsort(list.of.v, list.of.n, sizeof(list.of.v[0]), compare_names);
	VEC_FOREACH (&list.of, i) {
		const struct ofproto_port_info *info = &list.of.v[i];
		str_addf(show->out, "    %s %u/", info->name, info->ofp_port);
		if (info->dp_port == DP_PORT_NONE)
			str_add(show->out, "none: ");
		else
			str_addf(show->out, "%u: ", info->dp_port);
		format_config(info->netdev, show->out);
	}
	vec_done(&list.of);
}

bool dpif_show(struct ofproto_system *system, int argc, const char *argv[], struct str *out)
{
	const struct backers *bs = ofproto_system_backers(system);
	VEC_FOREACH (&bs->v, i) {
		struct dp_stats stats;
		struct show show = {.out = out, .backer = bs->v.v[i]};
		dp_get_stats(show.backer->dp, &stats);
		str_addf(out, "%s@%s: hit:%" PRIu64 " missed:%" PRIu64 "\n", show.backer->type, dp_name(show.backer->dp),
			 stats.n_hit, stats.n_missed);
		ofproto_for_each(system, show_bridge, &show);
	}
	return true;
}

static void dump_dp(void *out, struct ofproto *p)
{
	str_addf(out, "%s@%s\n", ofproto_datapath_type(p), ofproto_name(p));
}

bool dpif_dump_dps(struct ofproto_system *system, int argc, const char *argv[], struct str *out)
{
	ofproto_for_each(system, dump_dp, out);
	return true;
}

static void add_counter(struct str *out, const char *label, uint64_t value)
{
	if (value == UINT64_MAX)
		str_addf(out, "%s:?", label);
	else
		str_addf(out, "%s:%" PRIu64, label, value);
}

// "  (1.5 KiB)" behind a number of bytes, as network tools have it.
static void add_human(struct str *out, uint64_t bytes)
{
	static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
	double v = (double)bytes;
	int unit = -1;
	while (unit < 3 && v >= 1024) {
		v /= 1024;
		unit++;
	}
	if (unit >= 0 && bytes != UINT64_MAX)
		str_addf(out, " (%.1f %s)", v, units[unit]);
}

static void format_port_stats(const struct netdev *netdev, struct str *out)
{
	struct netdev_stats s;
	netdev_get_stats(netdev, &s);
	add_counter(out, "    RX packets", s.rx_packets);
	add_counter(out, " errors", s.rx_errors);
	add_counter(out, " dropped", s.rx_dropped);
	add_counter(out, " overruns", s.rx_fifo_errors);
	add_counter(out, " frame", s.rx_frame_errors);
	add_counter(out, "\n    TX packets", s.tx_packets);
	add_counter(out, " errors", s.tx_errors);
	add_counter(out, " dropped", s.tx_dropped);
	add_counter(out, " aborted", s.tx_aborted_errors);
	add_counter(out, " carrier", s.tx_carrier_errors);
	add_counter(out, "\n    collisions", s.collisions);
	add_counter(out, "\n    RX bytes", s.rx_bytes);
	add_human(out, s.rx_bytes);
	add_counter(out, "  TX bytes", s.tx_bytes);
	add_human(out, s.tx_bytes);
	str_addc(out, '\n');
}

struct show_dp {
	struct str *out;
	bool statistics;
};

static void show_dp_port(void *show_, const struct dp_port_info *info)
{
	struct show_dp *show = show_;
	str_addf(show->out, "  port %u: %s", info->port, info->name);
	if (strcmp(netdev_type(info->netdev), "system")) {
		str_addc(show->out, ' ');
		format_config(info->netdev, show->out);
	} else {
		str_addc(show->out, '\n');
	}
	if (show->statistics)
		format_port_stats(info->netdev, show->out);
}

static void show_dp(const struct backer *b, bool statistics, struct str *out)
{
	struct dp_stats stats;
	struct show_dp show = {.out = out, .statistics = statistics};
	dp_get_stats(b->dp, &stats);
	str_addf(out, "%s@%s:\n  lookups: hit:%" PRIu64 " missed:%" PRIu64 " lost:%" PRIu64 "\n  flows: %" PRIu64 "\n", b->type,
		 dp_name(b->dp), stats.n_hit, stats.n_missed, stats.n_lost, stats.n_flows);
	dp_port_dump(b->dp, show_dp_port, &show);
}

static bool is_flag(const char *arg, const char *short_name, const char *long_name)
{
	return !strcmp(arg, short_name) || !strcmp(arg, long_name);
}

bool dpctl_show(struct ofproto_system *system, int argc, const char *argv[], struct str *out)
{
	const struct backers *bs = ofproto_system_backers(system);
	bool statistics = false, named = false;
	for (int i = 1; i < argc; i++)
		statistics |= is_flag(argv[i], "-s", "--statistics");
	for (int i = 1; i < argc; i++) {
		if (is_flag(argv[i], "-s", "--statistics"))
			continue;
		struct str why = STR_INIT;
		struct backer *b = dp_command_backer(system, argv[i], &why);
		str_done(&why);
		if (!b) {
			str_clear(out);
			str_addf(out, "ovs-vswitchd: opening datapath %s failed (No such device)", argv[i]);
			return false;
		}
		named = true;
		show_dp(b, statistics, out);
	}
	VEC_FOREACH (&bs->v, i)
		if (!named)
			show_dp(bs->v.v[i], statistics, out);
	return true;
}

bool dpctl_dump_dps(struct ofproto_system *system, int argc, const char *argv[], struct str *out)
{
	const struct backers *bs = ofproto_system_backers(system);
	VEC_FOREACH (&bs->v, i)
		str_addf(out, "%s@%s\n", bs->v.v[i]->type, dp_name(bs->v.v[i]->dp));
	return true;
}

// --- Megaflows.

struct dump {
	struct str *out;
	struct dp *dp;
	bool more, names;
	const struct match *filter;	      // NULL: all
	const struct xlate_snapshot *snapshot; // with `bridge`: only flows from its ports
	uint64_t bridge;		      // 0: all
	unsigned int n;
};

static void format_flags(uint16_t flags, struct str *out)
{
	static const char letters[] = "FSRP.UECN";
	for (unsigned int i = 0; i < sizeof(letters) - 1; i++)
		if (flags >> i & 1)
			str_addc(out, letters[i]);
}

static void format_stats(const struct dp_flow_stats *s, struct str *out)
{
	str_addf(out, ", packets:%" PRIu64 ", bytes:%" PRIu64 ", used:", s->packets, s->bytes);
	if (s->used)
		str_addf(out, "%.3fs", (double)(clock_ms() - s->used) / 1000);
	else
		str_add(out, "never");
	if (s->tcp_flags) {
		str_add(out, ", flags:");
		format_flags(s->tcp_flags, out);
	}
}

static bool passes(const struct dump *dump, const struct dp_flow *flow)
{
	if (dump->bridge) {
		const struct xlate_port *port = xlate_snapshot_dp_port(dump->snapshot, flow->key->in_port);
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
	struct str *out = dump->out;
	if (!passes(dump, flow))
		return;
	if (!dump->n++ && !dump->bridge)
		str_add(out, "flow-dump from the main thread:\n");
	dp_port_name_cb *name = dump->names ? dp_text_port_name : NULL;
	if (dump->more)
		str_addf(out, "ufid:" UUID_FORMAT "%s", UUID_ARGS(flow->ufid), dump->bridge ? " " : ", ");
	struct flow mask = *flow->mask;
	mask.packet_type = UINT32_MAX; // all that a userspace datapath takes is Ethernet
	dpkey_format(out, flow->key, &mask, name, dump->dp, dump->more);
	format_stats(&flow->stats, out);
	str_add(out, dump->more && !dump->bridge ? ", dp:ovs, actions:" : ", actions:");
	struct dpact_text text = {.port_name = name, .userdata_format = xlate_userdata_format, .arg = dump->dp};
	dpact_format_text(out, flow->actions, flow->actions_len, &text);
	str_addc(out, '\n');
}

static void run_dump(struct dump *dump)
{
	uint64_t position = 0;
	while (dp_flow_dump(dump->dp, &position, DUMP_STEP, dump_flow, dump))
		;
}

// A list of the types whose flows to show. Sets *ours when those of a software datapath are among them.
static bool parse_types(const char *types, bool *ours)
{
	static const char *const known[] = {"ovs", "all", "non-offloaded", "tc", "dpdk", "offloaded", "partially-offloaded"};
	enum { N_OURS = 3 };
	*ours = false;
	while (*types) {
		size_t n = strcspn(types, ","), i = 0;
		while (i < sizeof(known) / sizeof(known[0]) && (strlen(known[i]) != n || strncmp(types, known[i], n)))
			i++;
		if (i == sizeof(known) / sizeof(known[0]))
			return false;
		*ours |= i < N_OURS;
		types += n + (types[n] == ',');
	}
	return true;
}

struct dump_request {
	bool more, names, names_set, types_ours;
	const char *filter, *dp;
};

static bool parse_dump(struct dump_request *r, int argc, const char *argv[], struct str *out)
{
	r->types_ours = true;
	for (int i = 1; i < argc; i++) {
		const char *a = argv[i];
		if (is_flag(a, "-m", "--more")) {
			r->more = true;
		} else if (!strcmp(a, "--names") || !strcmp(a, "--no-names")) {
			r->names_set = true;
			r->names = !strcmp(a, "--names");
		} else if (!strncmp(a, "filter=", 7)) {
			r->filter = a + 7;
		} else if (!strncmp(a, "type=", 5)) {
			if (!parse_types(a + 5, &r->types_ours)) {
				str_addf(out, "ovs-vswitchd: Failed to parse type (%s) (Invalid argument)", a + 5);
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
		struct error *e = trace_parse_flow(r.filter, NULL, NULL, &filter);
		if (e) {
			str_addf(out, "ovs-vswitchd: Failed to parse filter (%s)", error_text(e));
			error_free(e);
			return false;
		}
	}
	struct dump dump = {
		.out = out, .dp = b->dp, .more = r.more, .names = r.names, .filter = r.filter ? &filter : NULL};
	if (r.types_ours)
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
			    .dp = b->dp,
			    .more = r.more,
			    .names = r.names,
			    .snapshot = backer_snapshot(b),
			    .bridge = ofproto_id(p)};
	run_dump(&dump);
	return true;
}

bool dpctl_del_flows(struct ofproto_system *system, int argc, const char *argv[], struct str *out)
{
	struct backer *b = dp_command_backer(system, argc > 1 ? argv[1] : NULL, out);
	if (b)
		dp_flow_flush(b->dp);
	return b != NULL;
}

bool upcall_show(struct ofproto_system *system, int argc, const char *argv[], struct str *out)
{
	const struct backers *bs = ofproto_system_backers(system);
	VEC_FOREACH (&bs->v, i) {
		const struct backer *b = bs->v.v[i];
		unsigned int n = backer_n_megaflows(b);
		str_addf(out, "%s@%s:\n", b->type, dp_name(b->dp));
		str_addf(out, "  flows         : (current %u) (avg %u) (max %u) (limit %u)\n", n, b->reval.avg_flows_x16 / 16,
			 b->reval.max_flows > n ? b->reval.max_flows : n, bs->settings.flow_limit);
		str_addf(out, "  dump duration : %lldms\n", (long long)b->reval.duration_ms);
		str_addf(out, "  ufid enabled : true\n\n  0: (keys %u)\n", n);
	}
	return true;
}

bool upcall_set_flow_limit(struct ofproto_system *system, int argc, const char *argv[], struct str *out)
{
	struct backers *bs = ofproto_system_backers(system);
	struct backer_settings settings = bs->settings;
	if (parse_u32(argv[1], 10, &settings.flow_limit)) {
		str_addf(out, "%s: not a number of flows", argv[1]);
		return false;
	}
	backers_configure(bs, &settings);
	str_addf(out, "set flow_limit to %u\n", settings.flow_limit);
	return true;
}

bool revalidator_wait(struct ofproto_system *system, int argc, const char *argv[], struct str *out)
{
	const struct backers *bs = ofproto_system_backers(system);
	VEC_FOREACH (&bs->v, i)
		revalidator_run_all(bs->v.v[i]);
	return true;
}

bool revalidator_purge_command(struct ofproto_system *system, int argc, const char *argv[], struct str *out)
{
	const struct backers *bs = ofproto_system_backers(system);
	VEC_FOREACH (&bs->v, i)
		revalidator_purge(bs->v.v[i]);
	return true;
}
