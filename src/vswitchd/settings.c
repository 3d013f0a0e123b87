/* SPDX-License-Identifier: Apache-2.0 */
// Nothing that a user wrote is ignored in silence: a key that nobody knows, or that does nothing in this version, gives one warning
// that names the row and the key, and what would be right.
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "vswitchd/model.h"

LOG_MODULE(settings);

void settings_warn(struct vswitchd *v, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	char *text = xvasprintf(format, args);
	va_end(args);
	struct warned *w;
	HASH_FIND_STR(v->warned, text, w);
	if (w) {
		free(text);
		return;
	}
	log_warn("%s", text);
	w = XNEW(struct warned);
	w->text = text;
	HASH_ADD_KEYPTR(hh, v->warned, w->text, strlen(w->text), w);
}

void settings_free(struct vswitchd *v)
{
	struct warned *w, *next;
	HASH_ITER (hh, v->warned, w, next) {
		HASH_DEL(v->warned, w);
		free(w->text);
		free(w);
	}
}

// In the order of the alphabet, for the eye. `works`: it has an effect in this version.
struct key {
	const char *name;
	bool works;
};

static const struct key open_vswitch_keys[] = {
	{"bundle-idle-timeout", false}, {"ct-zone-limit", false}, {"dpdk-alloc-mem", false}, {"dpdk-extra", false},
	{"dpdk-hugepage-dir", false}, {"dpdk-init", false}, {"dpdk-lcore-mask", false}, {"dpdk-max-memzones", false},
	{"dpdk-socket-limit", false}, {"dpdk-socket-mem", false}, {"emc-insert-inv-prob", false}, {"enable-statistics", true},
	{"flow-limit", false}, {"flow-restore-wait", false}, {"hw-offload", false}, {"key-id-type", false},
	{"max-idle", false}, {"max-revalidator", false}, {"min-revalidate-pps", false}, {"mlockall", false},
	{"n-handler-threads", false}, {"n-offload-threads", false}, {"n-revalidator-threads", false},
	{"offload-rebalance", false}, {"per-port-memory", false}, {"pmd-auto-lb", false},
	{"pmd-auto-lb-improvement-threshold", false}, {"pmd-auto-lb-load-threshold", false},
	{"pmd-auto-lb-rebal-interval", false}, {"pmd-cpu-mask", false}, {"pmd-maxsleep", false}, {"pmd-perf-metrics", false},
	{"pmd-rxq-assign", false}, {"pmd-rxq-isolate", false}, {"pmd-sleep-max", false}, {"shared-mempool-config", false},
	{"smc-enable", false}, {"stats-update-interval", true}, {"tc-policy", false}, {"tx-flush-interval", false},
	{"userspace-tso-enable", false}, {"vhost-iommu-support", false}, {"vhost-postcopy-support", false},
	{"vhost-sock-dir", false}, {"vlan-limit", true},
};
static const struct key bridge_keys[] = {
	{"datapath-id", true}, {"disable-in-band", true}, {"dp-desc", true}, {"dp-sn", true}, {"forward-bpdu", true},
	{"hwaddr", true}, {"in-band-queue", false}, {"mac-aging-time", true}, {"mac-table-size", true},
	{"mcast-snooping-aging-time", false}, {"mcast-snooping-disable-flood-unregistered", false},
	{"mcast-snooping-table-size", false}, {"rstp-address", false}, {"rstp-ageing-time", false},
	{"rstp-force-protocol-version", false}, {"rstp-forward-delay", false}, {"rstp-max-age", false}, {"rstp-priority", false},
	{"rstp-transmit-hold-count", false}, {"stp-forward-delay", false}, {"stp-hello-time", false}, {"stp-max-age", false},
	{"stp-priority", false}, {"stp-system-id", false},
};
static const struct key port_keys[] = {
	{"all-members-active", false}, {"bond-detect-mode", false}, {"bond-hash-basis", false}, {"bond-miimon-interval", false},
	{"bond-primary", false}, {"bond-rebalance-interval", false}, {"lacp-fallback-ab", false}, {"lacp-system-id", false},
	{"lacp-system-priority", false}, {"lacp-time", false}, {"priority-tags", true}, {"qinq-ethtype", true},
	{"rstp-admin-edge-port", false}, {"rstp-admin-port-state", false}, {"rstp-auto-edge-port", false},
	{"rstp-enable", false}, {"rstp-path-cost", false}, {"rstp-port-admin-p2p-mac", false}, {"rstp-port-auto-edge", false},
	{"rstp-port-mcheck", false}, {"rstp-port-num", false}, {"rstp-port-path-cost", false}, {"rstp-port-priority", false},
	{"stp-enable", false}, {"stp-path-cost", false}, {"stp-port-num", false}, {"stp-port-priority", false},
	{"transient-keepalive", false},
};

static const struct key *find_key(const struct key *keys, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(keys[i].name, name))
			return &keys[i];
	return NULL;
}

// Levenshtein distance below 3, for "did you mean"; names are short.
static bool similar(const char *a, const char *b)
{
	size_t n = strlen(a), m = strlen(b);
	unsigned int row[80];
	if (m >= 80 || n >= 80)
		return false;
	for (size_t j = 0; j <= m; j++)
		row[j] = (unsigned int)j;
	for (size_t i = 1; i <= n; i++) {
		unsigned int diagonal = row[0];
		row[0] = (unsigned int)i;
		for (size_t j = 1; j <= m; j++) {
			char x = a[i - 1] == '_' ? '-' : (char)tolower((unsigned char)a[i - 1]);
			unsigned int best = diagonal + (x != b[j - 1]);
			best = row[j] + 1 < best ? row[j] + 1 : best;
			best = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
			diagonal = row[j];
			row[j] = best;
		}
	}
	return row[m] < 3;
}

static void check(struct vswitchd *v, const char *table, const char *name, const struct smap *map, const struct key *keys,
		  size_t n)
{
	SMAP_FOREACH (map, pair) {
		const struct key *k = find_key(keys, n, pair->key);
		if (k && k->works)
			continue;
		if (k) {
			settings_warn(v, "%s%s%s: other_config:%s has no effect in this version", table, *name ? " " : "", name,
				      pair->key);
			continue;
		}
		const char *guess = NULL;
		for (size_t i = 0; i < n && !guess; i++)
			if (similar(pair->key, keys[i].name))
				guess = keys[i].name;
		settings_warn(v, "%s%s%s: other_config:%s is not a known setting%s%s%s", table, *name ? " " : "", name, pair->key,
			      guess ? "; did you mean \"" : "", guess ? guess : "", guess ? "\"?" : "");
	}
}

// Columns that ask for what this version does not do.
static void check_bridge_columns(struct vswitchd *v, const struct db_bridge *b)
{
	const struct {
		bool asked;
		const char *column;
	} columns[] = {
		{b->stp_enable, "stp_enable"},	 {b->rstp_enable, "rstp_enable"}, {b->mcast_snooping_enable, "mcast_snooping_enable"},
		{b->netflow != NULL, "netflow"}, {b->sflow != NULL, "sflow"},	  {b->ipfix != NULL, "ipfix"},
		{b->n_mirrors > 0, "mirrors"},	 {b->auto_attach != NULL, "auto_attach"},
	};
	for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++)
		if (columns[i].asked)
			settings_warn(v, "Bridge %s: column %s has no effect in this version", b->name, columns[i].column);
}

static void check_port_columns(struct vswitchd *v, const struct db_port *p)
{
	if (p->n_interfaces > 1)
		settings_warn(v, "Port %s: bonding is not available in this version: its %zu interfaces are one VLAN port without "
				 "failover",
			      p->name, p->n_interfaces);
	if (p->lacp && strcmp(p->lacp, "off"))
		settings_warn(v, "Port %s: column lacp has no effect in this version", p->name);
	if (p->qos)
		settings_warn(v, "Port %s: column qos has no effect in this version", p->name);
	for (size_t k = 0; k < p->n_interfaces; k++) {
		const struct db_interface *i = p->interfaces[k];
		if (i->ingress_policing_rate || i->ingress_policing_kpkts_rate)
			settings_warn(v, "Interface %s: ingress policing has no effect in this version", i->name);
		if (i->n_cfm_mpid)
			settings_warn(v, "Interface %s: CFM has no effect in this version", i->name);
		if (smap_get_bool(&i->bfd, "enable", false))
			settings_warn(v, "Interface %s: BFD has no effect in this version", i->name);
	}
}

void settings_check(struct vswitchd *v)
{
#define CHECK(table, name, map, keys) check(v, table, name, map, keys, sizeof(keys) / sizeof(keys[0]))
	CHECK("Open_vSwitch", "", &v->cfg->other_config, open_vswitch_keys);
	for (size_t i = 0; i < v->cfg->n_bridges; i++) {
		const struct db_bridge *b = v->cfg->bridges[i];
		CHECK("Bridge", b->name, &b->other_config, bridge_keys);
		check_bridge_columns(v, b);
		for (size_t k = 0; k < b->n_ports; k++) {
			CHECK("Port", b->ports[k]->name, &b->ports[k]->other_config, port_keys);
			check_port_columns(v, b->ports[k]);
		}
	}
#undef CHECK
}
