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
			 "controller(reason=%u,dont_send=%u,continuation=%u,recirc_id=%u,rule_"
			 "cookie=%#" PRIx64 ",controller_id=%u,max_len=%u)",
			 u.reason, u.dont_send, u.recirc_id != 0, u.recirc_id,
			 u.cookie == UINT64_MAX ? UINT64_MAX : be64toh(u.cookie), u.controller_id,
			 u.max_len);
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
		bool type_ok = !at || (strlen(b->type) == (size_t)(at - name) &&
				       !strncmp(b->type, name, (size_t)(at - name)));
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
		if (show.backer->is_by_hand)
			continue;
		dp_get_stats(show.backer->dp, &stats);
		str_addf(out, "%s@%s: hit:%" PRIu64 " missed:%" PRIu64 "\n", show.backer->type,
			 dp_name(show.backer->dp), stats.n_hit, stats.n_missed);
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
	str_addf(out,
		 "%s@%s:\n  lookups: hit:%" PRIu64 " missed:%" PRIu64 " lost:%" PRIu64
		 "\n  flows: %" PRIu64 "\n",
		 b->type, dp_name(b->dp), stats.n_hit, stats.n_missed, stats.n_lost, stats.n_flows);
	dp_port_dump(b->dp, show_dp_port, &show);
}

bool dp_command_is_flag(const char *arg, const char *short_name, const char *long_name)
{
	return !strcmp(arg, short_name) || !strcmp(arg, long_name);
}

bool dpctl_show(struct ofproto_system *system, int argc, const char *argv[], struct str *out)
{
	const struct backers *bs = ofproto_system_backers(system);
	bool statistics = false, named = false;
	for (int i = 1; i < argc; i++)
		statistics |= dp_command_is_flag(argv[i], "-s", "--statistics");
	for (int i = 1; i < argc; i++) {
		if (dp_command_is_flag(argv[i], "-s", "--statistics"))
			continue;
		struct str why = STR_INIT;
		struct backer *b = dp_command_backer(system, argv[i], &why);
		str_done(&why);
		if (!b) {
			str_clear(out);
			str_addf(out, "ovs-vswitchd: opening datapath %s failed (No such device)",
				 argv[i]);
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
