/* SPDX-License-Identifier: Apache-2.0 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/dirs.h"
#include "base/log.h"
#include "base/str.h"
#include "vswitchd/model.h"

LOG_MODULE(bridge);

enum { VLAN_WORDS = 4096 / 64 };

// NULL when there are none, else `bits` filled in.
static const uint64_t *vlan_bits(const int64_t *vlans, size_t n, uint64_t bits[VLAN_WORDS])
{
	if (!n)
		return NULL;
	memset(bits, 0, VLAN_WORDS * sizeof(*bits));
	for (size_t i = 0; i < n; i++)
		if (vlans[i] >= 0 && vlans[i] < 4096)
			bits[vlans[i] / 64] |= 1ull << vlans[i] % 64;
	return bits;
}

static enum xlate_vlan_mode vlan_mode(const struct db_port *row, bool *tagged)
{
	const char *mode = row->vlan_mode;
	*tagged = row->n_tag > 0;
	if (mode && !strcmp(mode, "trunk"))
		return VLAN_TRUNK;
	if (mode && !strcmp(mode, "native-tagged"))
		return VLAN_NATIVE_TAGGED;
	if (mode && !strcmp(mode, "native-untagged"))
		return VLAN_NATIVE_UNTAGGED;
	if (mode && !strcmp(mode, "dot1q-tunnel"))
		return VLAN_DOT1Q_TUNNEL;
	// Without a mode, a tag makes an access port.
	return mode || *tagged ? VLAN_ACCESS : VLAN_TRUNK;
}

static int priority_tags(const struct db_port *row)
{
	const char *value = smap_get(&row->other_config, "priority-tags", "never");
	return !strcmp(value, "always")					? 2
	       : !strcmp(value, "if-nonzero") || !strcmp(value, "true") ? 1
									: 0;
}

static void apply_bundle(struct port *p)
{
	struct bridge *b = p->bridge;
	if (!p->ofports.n) {
		ofproto_remove_bundle(b->ofproto, p);
		return;
	}
	uint64_t trunks[VLAN_WORDS], cvlans[VLAN_WORDS];
	struct ofproto_bundle_config c = {.name = p->name,
					  .ports = p->ofports.v,
					  .n_ports = (unsigned int)p->ofports.n,
					  .vlan_mode = VLAN_TRUNK,
					  .tag = -1,
					  .qinq_ethertype = 0x88a8};
	if (p->row) {
		bool tagged;
		c.vlan_mode = vlan_mode(p->row, &tagged);
		c.tag = tagged ? (int)p->row->tag : c.vlan_mode == VLAN_TRUNK ? -1 : 0;
		c.trunks = c.vlan_mode == VLAN_ACCESS
				   ? NULL
				   : vlan_bits(p->row->trunks, p->row->n_trunks, trunks);
		c.cvlans = vlan_bits(p->row->cvlans, p->row->n_cvlans, cvlans);
		const char *qinq = smap_get(&p->row->other_config, "qinq-ethtype", "802.1ad");
		c.qinq_ethertype = !strcmp(qinq, "802.1q") ? 0x8100 : 0x88a8;
		c.priority_tags = priority_tags(p->row);
		c.protected_ = p->row->protected;
		c.mcast_flood = smap_get_bool(&p->row->other_config, "mcast-snooping-flood", false);
		c.mcast_flood_reports =
			smap_get_bool(&p->row->other_config, "mcast-snooping-flood-reports", false);
	}
	ofproto_set_bundle(b->ofproto, p, &c);
}

void bridge_apply_bundles(struct bridge *b)
{
	struct port *p, *next_p;
	struct iface *i, *next_i;
	HASH_ITER (hh, b->ifaces, i, next_i)
		if (i->ofp_port != OFPP_NONE)
			vec_push(&i->port->ofports, i->ofp_port);
	HASH_ITER (hh, b->ports, p, next_p) {
		apply_bundle(p);
		vec_done(&p->ofports);
	}
}

// --- The bridge's address and datapath id

static bool usable_mac(const uint8_t mac[6])
{
	static const uint8_t zero[6];
	return !(mac[0] & 3) && memcmp(mac, zero, 6); // unicast, and given by a manufacturer
}

// The numerically lowest address of the devices that have one from a manufacturer; else one that
// depends on the row's UUID alone, so that it is the same after a restart.
static void pick_mac(struct bridge *b, uint8_t mac[6])
{
	bool found = false;
	struct iface *i, *next;
	HASH_ITER (hh, b->ifaces, i, next) {
		uint8_t candidate[6];
		if (i->ofp_port == OFPP_LOCAL || !i->netdev ||
		    netdev_get_mac(i->netdev, candidate) || !usable_mac(candidate))
			continue;
		if (!found || memcmp(candidate, mac, 6) < 0)
			memcpy(mac, candidate, 6);
		found = true;
	}
	if (found)
		return;
	for (int k = 0; k < 6; k++)
		mac[k] = (uint8_t)(b->row->row.uuid.part[k / 4] >> 8 * (k % 4));
	mac[0] = (uint8_t)((mac[0] & 0xfc) | 2);
}

static void apply_address(struct bridge *b)
{
	uint8_t mac[6];
	const char *hwaddr = smap_find(&b->row->other_config, "hwaddr");
	if (!hwaddr || !setting_parse_mac(hwaddr, mac))
		pick_mac(b, mac);
	memcpy(b->mac, mac, 6);
	struct iface *local;
	HASH_FIND_STR(b->ifaces, b->name, local);
	uint8_t now[6];
	if (local && local->netdev && (netdev_get_mac(local->netdev, now) || memcmp(now, mac, 6))) {
		struct error *e = netdev_set_mac(local->netdev, mac);
		if (e)
			log_warn_rl("bridge %s: failed to set bridge Ethernet address: %s", b->name,
				    error_text(e));
		error_free(e);
		local->seen_change = netdev_change_seq(local->netdev);
	}
	ofproto_set_mac(b->ofproto, mac);
}

static void apply_datapath_id(struct bridge *b)
{
	const char *text = smap_find(&b->row->other_config, "datapath-id");
	uint64_t id = 0;
	if (!text || !setting_parse_datapath_id(text, &id)) {
		id = 0;
		for (int k = 0; k < 6; k++)
			id = id << 8 | b->mac[k];
	}
	if (id != b->datapath_id)
		log_info("bridge %s: using datapath ID %016llx", b->name, (unsigned long long)id);
	b->datapath_id = id;
	ofproto_set_datapath_id(b->ofproto, id);
}

// --- Tables

static unsigned int parse_groups(struct bridge *b, const struct db_flow_table *row,
				 struct subfield *groups)
{
	unsigned int n = 0;
	for (size_t k = 0; k < row->n_groups; k++) {
		const char *text = row->groups[k];
		struct error *e = subfield_parse(&text, &groups[n]);
		if (e || *text)
			settings_warn(b->v,
				      "Bridge %s: Flow_Table groups '%s' is not a field or part of "
				      "one%s%s",
				      b->name, row->groups[k], e ? ": " : "",
				      e ? error_text(e) : "");
		else
			n++;
		error_free(e);
	}
	return n;
}

static void apply_tables(struct bridge *b)
{
	const struct db_flow_table *rows[OFPROTO_N_TABLES] = {0};
	for (size_t k = 0; k < b->row->n_flow_tables; k++) {
		int64_t id = b->row->flow_tables_keys[k];
		if (id >= 0 && id < OFPROTO_N_TABLES - 1)
			rows[id] = b->row->flow_tables_values[k];
	}
	for (int id = 0; id < OFPROTO_N_TABLES - 1; id++) {
		const struct db_flow_table *row = rows[id];
		if (!row) {
			ofproto_set_table(b->ofproto, (uint8_t)id, NULL);
			continue;
		}
		struct subfield *groups = xcalloc(row->n_groups + 1, sizeof(*groups));
		unsigned int n_groups = parse_groups(b, row, groups);
		struct ofproto_table_config c = {
			.name = row->name,
			.flow_limit = row->n_flow_limit && row->flow_limit < UINT_MAX
					      ? (unsigned int)row->flow_limit
					      : UINT_MAX,
			.evict = row->overflow_policy && !strcmp(row->overflow_policy, "evict"),
			.groups = groups,
			.n_groups = n_groups,
			.n_prefixes = row->n_prefixes ? 0 : UINT_MAX,
		};
		for (size_t k = 0; k < row->n_prefixes && c.n_prefixes < 4; k++) {
			const struct field *f = field_find(row->prefixes[k]);
			if (!strcmp(row->prefixes[k], "none"))
				continue;
			if (f)
				c.prefixes[c.n_prefixes++] = f->id;
			else
				settings_warn(b->v,
					      "Bridge %s: Flow_Table prefixes '%s' is not the name "
					      "of a field",
					      b->name, row->prefixes[k]);
		}
		ofproto_set_table(b->ofproto, (uint8_t)id, &c);
		free(groups);
	}
}

// --- The rest

static uint32_t protocol_bits(struct bridge *b)
{
	static const struct {
		const char *name;
		int wire;
	} versions[] = {{"OpenFlow10", 1}, {"OpenFlow11", 2}, {"OpenFlow12", 3},
			{"OpenFlow13", 4}, {"OpenFlow14", 5}, {"OpenFlow15", 6}};
	uint32_t bits = 0;
	for (size_t k = 0; k < b->row->n_protocols; k++)
		for (size_t m = 0; m < sizeof(versions) / sizeof(versions[0]); m++)
			if (!strcmp(b->row->protocols[k], versions[m].name))
				bits |= 1u << versions[m].wire;
	return bits;
}

static void apply_mcast_snooping(struct bridge *b)
{
	const struct smap *other = &b->row->other_config;
	struct ofproto_mcast_config c = {
		.ageing_s = (unsigned int)setting_int("Bridge", other, "mcast-snooping-aging-time",
						      300),
		.max_groups = (unsigned int)setting_int("Bridge", other,
							"mcast-snooping-table-size", 2048),
		.flood_unregistered =
			!smap_get_bool(other, "mcast-snooping-disable-flood-unregistered", false),
	};
	ofproto_set_mcast_snooping(b->ofproto, b->row->mcast_snooping_enable ? &c : NULL);
}

void bridge_apply_options(struct bridge *b)
{
	const struct smap *other = &b->row->other_config;
	apply_address(b);
	apply_datapath_id(b);
	struct ofproto_desc desc = {.dp_desc = smap_get(other, "dp-desc", NULL),
				    .serial_desc = smap_get(other, "dp-sn", NULL)};
	ofproto_set_desc(b->ofproto, &desc);
	ofproto_set_protocols(b->ofproto, protocol_bits(b));
	ofproto_set_mac_table(b->ofproto,
			      (unsigned int)setting_int("Bridge", other, "mac-aging-time", 300),
			      (unsigned int)setting_int("Bridge", other, "mac-table-size", 8192));
	ofproto_set_forward_bpdu(b->ofproto, smap_get_bool(other, "forward-bpdu", false));
	ofproto_set_vlan_limit(b->ofproto,
			       smap_get_uint(&b->v->cfg->other_config, "vlan-limit", 1));
	uint64_t flood[VLAN_WORDS];
	ofproto_set_flood_vlans(b->ofproto,
				vlan_bits(b->row->flood_vlans, b->row->n_flood_vlans, flood));
	ofproto_set_limits(
		b->ofproto,
		(unsigned int)setting_int("Bridge", other, "max-resubmits", OFPROTO_MAX_RESUBMITS),
		(unsigned int)setting_int("Bridge", other, "max-depth", OFPROTO_MAX_DEPTH));
	apply_mcast_snooping(b);
	apply_tables(b);
}

static bool is_in_band(const char *connection_mode)
{
	return !connection_mode || strcmp(connection_mode, "out-of-band");
}

// Managers may be reached through any bridge, controllers through their own.
void bridge_apply_in_band(struct bridge *b)
{
	enum { CONTROLLER_PORT = 6653, MANAGER_PORT = 6640 };
	const struct db_open_vswitch *cfg = b->v->cfg;
	unsigned int n = 0;
	struct ofproto_peer *peers =
		xcalloc(b->row->n_controller + cfg->n_manager_options + 1, sizeof(*peers));
	bool off = smap_get_bool(&b->row->other_config, "disable-in-band", false);
	for (size_t i = 0; !off && i < b->row->n_controller; i++)
		if (is_in_band(b->row->controller[i]->connection_mode))
			peers[n++] = (struct ofproto_peer){b->row->controller[i]->target,
							   CONTROLLER_PORT};
	for (size_t i = 0; !off && i < cfg->n_manager_options; i++)
		if (is_in_band(cfg->manager_options[i]->connection_mode))
			peers[n++] = (struct ofproto_peer){cfg->manager_options[i]->target,
							   MANAGER_PORT};
	ofproto_set_in_band(b->ofproto, peers, n);
	free(peers);
}

// Whoever may write to the database must not be able to have the switch, which is root, connect to
// any socket of this host or put one over any file: what is a path has to lie in the run directory,
// a listener be one of the bridge's.
static bool target_is_allowed(struct bridge *b, const char *target)
{
	bool connects = !strncmp(target, "unix:", 5);
	if (!connects && strncmp(target, "punix:", 6))
		return true;
	char *wanted = connects ? xasprintf("unix:%s/", dir_run())
				: xasprintf("punix:%s/%s.", dir_run(), b->name);
	size_t n = strlen(wanted);
	bool inside = !strncmp(target, wanted, n);
	bool allowed =
		connects ? inside || !strchr(target, '/') : inside && !strchr(target + n, '/');
	if (connects && strstr(target, "/../"))
		allowed = false;
	if (!allowed && connects)
		settings_warn(b->v,
			      "bridge %s: Not connecting to socket controller \"%s\" due to "
			      "possibility for remote exploit.  Instead, "
			      "specify socket in permitted \"unix:%s/\" or connect to "
			      "\"unix:%s/%s.mgmt\" (which is always available "
			      "without special configuration).",
			      b->name, target, dir_run(), dir_run(), b->name);
	else if (!allowed)
		settings_warn(b->v,
			      "bridge %s: Not adding Unix domain socket controller \"%s\" due to "
			      "possibility of overwriting local files. "
			      "Instead, specify path in permitted format \"punix:%s/%s.*\" or "
			      "connect to \"unix:%s/%s.mgmt\" (which is "
			      "always available without special configuration).",
			      b->name, target, dir_run(), b->name, dir_run(), b->name);
	free(wanted);
	return allowed;
}

void bridge_apply_controllers(struct bridge *b)
{
	enum { DEFAULT_DSCP = 48 }; // network control
	size_t n = 0;
	struct ofproto_controller *v = xcalloc(b->row->n_controller + 1, sizeof(*v));
	bool restoring = b->v->restoring, restored = b->restoring && !restoring;
	b->restoring = restoring;
	for (size_t k = 0; !restoring && k < b->row->n_controller; k++) {
		const struct db_controller *row = b->row->controller[k];
		if (!strcmp(row->target, "none") || !target_is_allowed(b, row->target))
			continue;
		v[n++] = (struct ofproto_controller){
			.target = row->target,
			.service = row->type ? !strcmp(row->type, "service")
					     : !strncmp(row->target, "p", 1),
			.max_backoff_ms = row->n_max_backoff ? (int)row->max_backoff : 8000,
			.probe_interval_ms =
				row->n_inactivity_probe ? (int)row->inactivity_probe : 5000,
			.async_msgs = !row->n_enable_async_messages || row->enable_async_messages,
			.rate_limit =
				row->n_controller_rate_limit ? (int)row->controller_rate_limit : 0,
			.burst_limit = row->n_controller_burst_limit
					       ? (int)row->controller_burst_limit
					       : 0,
			.max_rate_queue = row->n_controller_queue_size
						  ? (int)row->controller_queue_size
						  : 100,
			.dscp = (uint8_t)setting_int("Controller", &row->other_config, "dscp",
						     DEFAULT_DSCP),
		};
	}
	enum ofproto_fail_mode mode = b->row->fail_mode && !strcmp(b->row->fail_mode, "secure")
					      ? OFPROTO_FAIL_SECURE
					      : OFPROTO_FAIL_STANDALONE;
	ofproto_set_controllers(b->ofproto, v, (unsigned int)n, mode, restored);
	free(v);
}
