/* SPDX-License-Identifier: Apache-2.0 */
#include "ofproto/ofproto.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/rcu.h"
#include "l2proto/mac_table.h"
#include "l2proto/mcast_snooping.h"
#include "ofproto/backer.h"
#include "ofproto/controllers.h"
#include "ofproto/flow_mod.h"
#include "ofproto/in_band.h"
#include "ofproto/internal.h"
#include "ofproto/learned.h"
#include "ofproto/packet_in_inbox.h"

LOG_MODULE(ofproto);

enum {
	MAC_ENTRIES = 8192,
	MAC_AGE_S = 300,
	BUNDLE_TIMEOUT_MS = 10000,
	VLAN_BITMAP_BYTES = 4096 / 8,
};

// --- The system.

static void on_devices_changed(void *system_)
{
	struct ofproto_system *system = system_;
	VEC_FOREACH (&system->bridges, i)
		ofports_refresh(system->bridges.v[i]);
}

struct ofproto_system *ofproto_system_new(struct loop *loop)
{
	struct ofproto_system *system = XNEW(struct ofproto_system);
	system->loop = loop;
	system->bundle_timeout_ms = BUNDLE_TIMEOUT_MS;
	system->packet_ins = packet_in_inbox_new(system);
	system->learned = learned_inbox_new(system);
	system->backers = backers_new(system, loop);
	netdev_watch(loop, on_devices_changed, system);
	return system;
}

void ofproto_system_free(struct ofproto_system *system)
{
	if (!system)
		return;
	netdev_unwatch(on_devices_changed, system);
	backers_free(system->backers);
	packet_in_inbox_free(system->packet_ins);
	learned_inbox_free(system->learned);
	vec_done(&system->bridges);
	free(system);
}

void ofproto_system_settle(struct ofproto_system *system)
{
	VEC_FOREACH (&system->bridges, i)
		snapshot_flush(system->bridges.v[i]);
	VEC_FOREACH (&system->bridges, i)
		backer_settle_if_quick(system->bridges.v[i]->backer);
}

void ofproto_system_set_max_connections(struct ofproto_system *system, unsigned int n)
{
	system->max_guests = n;
}

void ofproto_system_watch_controllers(struct ofproto_system *system, void (*cb)(void *arg),
				      void *arg)
{
	system->on_controllers = cb;
	system->on_controllers_arg = arg;
}

void ofproto_system_set_bundle_timeout(struct ofproto_system *system, int64_t ms)
{
	system->bundle_timeout_ms = ms;
}

struct loop *ofproto_system_loop(const struct ofproto_system *system)
{
	return system->loop;
}

struct backers *ofproto_system_backers(const struct ofproto_system *system)
{
	return system->backers;
}

static size_t lower_bound(const struct ofproto_system *system, const char *name)
{
	size_t lo = 0, hi = system->bridges.n;
	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		if (strcmp(system->bridges.v[mid]->name, name) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

struct ofproto *ofproto_find(const struct ofproto_system *system, const char *name)
{
	size_t i = lower_bound(system, name);
	return i < system->bridges.n && !strcmp(system->bridges.v[i]->name, name)
		       ? system->bridges.v[i]
		       : NULL;
}

struct ofproto *ofproto_find_id(const struct ofproto_system *system, uint64_t id)
{
	VEC_FOREACH (&system->bridges, i)
		if (system->bridges.v[i]->id == id)
			return system->bridges.v[i];
	return NULL;
}

void ofproto_for_each(const struct ofproto_system *system, void (*cb)(void *arg, struct ofproto *),
		      void *arg)
{
	VEC_FOREACH (&system->bridges, i)
		cb(arg, system->bridges.v[i]);
}

// --- Life of a bridge.

// The kernel's datapath where it is there, ours otherwise.
static struct error *open_backer(struct ofproto_system *system, const char *bridge,
				 const char *type, struct backer **out)
{
	if (*type)
		return backer_open(system->backers, type, out);
	struct error *e = backer_open(system->backers, "system", out);
	if (!e)
		return NULL;
	log_info("bridge %s: no kernel datapath (%s), using the userspace datapath", bridge,
		 error_text(e));
	error_free(e);
	return backer_open(system->backers, "netdev", out);
}

struct error *ofproto_new(struct ofproto_system *system, const char *name,
			  const char *datapath_type, struct ofproto **out)
{
	if (ofproto_find(system, name))
		return error_errno(EEXIST, "bridge %s", name);
	struct backer *backer;
	struct error *e = open_backer(system, name, datapath_type, &backer);
	if (e)
		return error_wrap(e, "bridge %s: cannot open datapath", name);
	struct ofproto *p = XNEW(struct ofproto);
	p->system = system;
	p->name = xstrdup(name);
	p->id = ++system->next_id;
	p->uuid = uuid_random();
	p->backer = backer;
	p->datapath_type = xstrdup(dp_type(backer_dp(backer)));
	p->macs = mac_table_new(MAC_ENTRIES, MAC_AGE_S * INT64_C(1000));
	p->max_resubmits = OFPROTO_MAX_RESUBMITS;
	p->max_depth = OFPROTO_MAX_DEPTH;
	flows_init(p);
	size_t at = lower_bound(system, name);
	(void)vec_extend(&system->bridges);
	memmove(&system->bridges.v[at + 1], &system->bridges.v[at],
		(system->bridges.n - 1 - at) * sizeof(system->bridges.v[0]));
	system->bridges.v[at] = p;
	packet_in_inbox_add(system->packet_ins, p->id);
	p->in_band = in_band_new(p);
	p->controllers = controllers_new(p);
	snapshot_invalidate(p);
	*out = p;
	return NULL;
}

static void free_strings(struct ofproto *p)
{
	free(p->mfr_desc);
	free(p->hw_desc);
	free(p->sw_desc);
	free(p->serial_desc);
	free(p->dp_desc);
}

void ofproto_free(struct ofproto *p)
{
	if (!p)
		return;
	struct ofproto_system *system = p->system;
	in_band_free(p->in_band);
	controllers_free(p->controllers);
	p->controllers = NULL;
	mirrors_done(p);
	bundles_done(p);
	ofports_done(p);
	vec_remove(&system->bridges, lower_bound(system, p->name));
	snapshot_invalidate_all(system); // patch ports that led here
	loop_defer_cancel(&p->snapshot_defer);
	packet_in_inbox_remove(system->packet_ins, p->id);
	xlate_remove_bridge(p->backer, p);
	// Threads may be in the middle of a translation that sees the bridge; megaflows may hold
	// its rules, which name it.
	meters_flush(p);
	backer_close(p->backer);
	flows_clear(p);
	rcu_synchronize();
	flows_done(p);
	mac_table_free(p->macs);
	mcast_snooping_free(p->mcast);
	free_strings(p);
	free(p->flood_vlans);
	free(p->datapath_type);
	free(p->name);
	free(p);
}

const char *ofproto_name(const struct ofproto *p)
{
	return p->name;
}

uint64_t ofproto_id(const struct ofproto *p)
{
	return p->id;
}

struct ofproto_system *ofproto_system(const struct ofproto *p)
{
	return p->system;
}

struct backer *ofproto_backer(const struct ofproto *p)
{
	return p->backer;
}

const char *ofproto_datapath_type(const struct ofproto *p)
{
	return p->datapath_type;
}

struct mac_table *ofproto_mac_table(const struct ofproto *p)
{
	return p->macs;
}

// --- Settings.

void ofproto_set_desc(struct ofproto *p, const struct ofproto_desc *d)
{
	free_strings(p);
	p->mfr_desc = xstrdup_null(d->mfr_desc);
	p->hw_desc = xstrdup_null(d->hw_desc);
	p->sw_desc = xstrdup_null(d->sw_desc);
	p->serial_desc = xstrdup_null(d->serial_desc);
	p->dp_desc = xstrdup_null(d->dp_desc);
}

void ofproto_set_datapath_id(struct ofproto *p, uint64_t id)
{
	if (p->datapath_id == id)
		return;
	p->datapath_id = id;
	controllers_reconnect(p->controllers);
}

uint64_t ofproto_datapath_id(const struct ofproto *p)
{
	return p->datapath_id;
}

void ofproto_set_mac(struct ofproto *p, const uint8_t mac[6])
{
	if (!memcmp(p->mac, mac, sizeof(p->mac)))
		return;
	memcpy(p->mac, mac, sizeof(p->mac));
	snapshot_invalidate(p);
}

void ofproto_set_protocols(struct ofproto *p, uint32_t versions)
{
	controllers_set_versions(p->controllers, versions);
}

void ofproto_set_mac_table(struct ofproto *p, unsigned int ageing_s, unsigned int max_entries)
{
	if (mac_table_configure(p->macs, max_entries, ageing_s * INT64_C(1000)))
		xlate_changed(p->backer, XLATE_CHANGE_MAC); // addresses may go, or age sooner
}

static void free_mcast(void *mcast)
{
	mcast_snooping_free(mcast);
}

void ofproto_set_mcast_snooping(struct ofproto *p, const struct ofproto_mcast_config *c)
{
	struct mcast_snooping *old = p->mcast;
	if (!c && !old)
		return;
	if (!c) {
		p->mcast = NULL;
		snapshot_invalidate(p);
		snapshot_flush(p); // no reader that begins from now on sees it
		rcu_free_later(old, free_mcast);
		return;
	}
	struct mcast_snooping_config config = {.max_groups = c->max_groups,
					       .age_ms = c->ageing_s * INT64_C(1000)};
	if (!old)
		p->mcast = mcast_snooping_new(&config);
	else
		mcast_snooping_configure(old, &config);
	if (!old || p->mcast_flood_unregistered != c->flood_unregistered)
		snapshot_invalidate(p);
	p->mcast_flood_unregistered = c->flood_unregistered;
}

struct mcast_snooping *ofproto_mcast_snooping(const struct ofproto *p)
{
	return p->mcast;
}

void ofproto_set_forward_bpdu(struct ofproto *p, bool on)
{
	if (p->forward_bpdu == on)
		return;
	p->forward_bpdu = on;
	snapshot_invalidate(p);
}

void ofproto_set_vlan_limit(struct ofproto *p, unsigned int limit)
{
	if (p->system->vlan_limit == limit)
		return;
	p->system->vlan_limit = limit;
	snapshot_invalidate_all(p->system);
}

void ofproto_set_limits(struct ofproto *p, unsigned int max_resubmits, unsigned int max_depth)
{
	if (p->max_resubmits == max_resubmits && p->max_depth == max_depth)
		return;
	p->max_resubmits = max_resubmits;
	p->max_depth = max_depth;
	snapshot_invalidate(p);
}

void ofproto_set_flood_vlans(struct ofproto *p, const uint64_t *vlans)
{
	if (vlans && p->flood_vlans ? !memcmp(vlans, p->flood_vlans, VLAN_BITMAP_BYTES)
				    : vlans == p->flood_vlans)
		return;
	free(p->flood_vlans);
	p->flood_vlans = vlans ? xmemdup(vlans, VLAN_BITMAP_BYTES) : NULL;
	mac_table_flush(p->macs);
	snapshot_invalidate(p);
}

static bool same_prefixes(const struct oftable *t, const struct ofproto_table_config *c)
{
	return t->n_prefixes == c->n_prefixes &&
	       (c->n_prefixes == UINT_MAX ||
		!memcmp(t->prefixes, c->prefixes, c->n_prefixes * sizeof(*c->prefixes)));
}

static bool same_groups(const struct oftable *t, const struct ofproto_table_config *c)
{
	return t->n_groups == c->n_groups &&
	       (!c->n_groups || !memcmp(t->groups, c->groups, c->n_groups * sizeof(*c->groups)));
}

void ofproto_set_table(struct ofproto *p, uint8_t table_id,
		       const struct ofproto_table_config *config)
{
	static const struct ofproto_table_config otherwise = {.flow_limit = UINT_MAX,
							      .n_prefixes = UINT_MAX};
	const struct ofproto_table_config *c = config ? config : &otherwise;
	struct oftable *t = &p->tables.table[table_id];
	free(t->name);
	t->name = xstrdup_null(c->name);
	t->flow_limit = c->flow_limit;
	t->evict = c->evict;
	if (!same_groups(t, c))
		tables_set_groups(&p->tables, table_id,
				  c->n_groups ? xmemdup(c->groups, c->n_groups * sizeof(*c->groups))
					      : NULL,
				  c->n_groups);
	if (!same_prefixes(t, c))
		tables_set_prefixes(&p->tables, table_id, c->prefixes, c->n_prefixes);
	flows_enforce_limit(p, table_id);
}

void ofproto_flush_flows(struct ofproto *p)
{
	flows_flush(p);
	in_band_restore(p->in_band);
}

void ofproto_set_controllers(struct ofproto *p, const struct ofproto_controller *controllers,
			     unsigned int n, enum ofproto_fail_mode fail_mode, bool keep_flows)
{
	bool mode_changed = !p->configured || controllers_fail_mode(p->controllers) != fail_mode;
	bool primaries_changed = controllers_configure(p->controllers, controllers, n);
	controllers_set_fail_mode(p->controllers, fail_mode);
	// Who decides about the flows has changed: they begin anew.
	bool decided_by_others =
		primaries_changed || (mode_changed && !controllers_has_primary(p->controllers));
	if (!p->configured || (decided_by_others && !keep_flows))
		ofproto_flush_flows(p);
	p->configured = true;
}

void ofproto_set_in_band(struct ofproto *p, const struct ofproto_peer *peers, unsigned int n)
{
	in_band_set_peers(p->in_band, peers, n);
}

void ofproto_for_each_controller(const struct ofproto *p,
				 void (*cb)(void *arg, const struct ofproto_controller_status *),
				 void *arg)
{
	controllers_for_each(p->controllers, cb, arg);
}

bool ofproto_has_primary_controller(const struct ofproto *p)
{
	return controllers_has_primary(p->controllers);
}
