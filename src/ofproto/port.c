/* SPDX-License-Identifier: Apache-2.0 */
// The OpenFlow ports of a bridge: numbers, state of the devices behind them, news to controllers.
#include "ofproto/internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "l2proto/mac_table.h"
#include "l2proto/mcast_snooping.h"
#include "ofproto/controllers.h"
#include "openflow/port.h"

LOG_MODULE(ofport);

// The place in the sorted vector where this number is or belongs.
static size_t lower_bound(const struct ofproto *p, uint32_t ofp_port)
{
	size_t lo = 0, hi = p->ports.n;
	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		if (p->ports.v[mid]->ofp_port < ofp_port)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

struct ofport *ofport_find(const struct ofproto *p, uint32_t ofp_port)
{
	size_t i = lower_bound(p, ofp_port);
	return i < p->ports.n && p->ports.v[i]->ofp_port == ofp_port ? p->ports.v[i] : NULL;
}

struct ofport *ofport_find_by_name(const struct ofproto *p, const char *name)
{
	VEC_FOREACH (&p->ports, i)
		if (!strcmp(p->ports.v[i]->name, name))
			return p->ports.v[i];
	return NULL;
}

// Numbers go round, so that one that was just given back is not given to another port at once:
// flows may still name it.
static uint32_t choose_number(struct ofproto *p, uint32_t requested)
{
	if (requested == OFPP_LOCAL || (requested && requested < OFPP_MAX))
		if (!ofport_find(p, requested))
			return requested;
	for (uint32_t tries = 1; tries < OFPP_MAX; tries++) {
		p->last_port = p->last_port + 1 < OFPP_MAX ? p->last_port + 1 : 1;
		if (!ofport_find(p, p->last_port))
			return p->last_port;
	}
	return OFPP_NONE;
}

void ofport_describe(const struct ofport *port, struct ofp_port_desc *d)
{
	const struct netdev_features *f = &port->features;
	*d = (struct ofp_port_desc){
		.port_no = port->ofp_port,
		.config = port->config,
		.state = port->state,
		.curr = f->current,
		.advertised = f->advertised,
		.supported = f->supported,
		.peer = f->peer,
		.curr_speed =
			(uint32_t)(f->current_speed * 1000 > UINT32_MAX ? UINT32_MAX
									: f->current_speed * 1000),
		.max_speed = (uint32_t)(f->max_speed * 1000 > UINT32_MAX ? UINT32_MAX
									 : f->max_speed * 1000),
	};
	memcpy(d->hw_addr, port->mac, sizeof(d->hw_addr));
	snprintf(d->name, sizeof(d->name), "%s", port->name);
}

void ofproto_forget_port(struct ofproto *p, uint32_t ofp_port)
{
	mac_table_flush_port(p->macs, ofp_port);
	if (p->mcast)
		mcast_snooping_flush_port(p->mcast, ofp_port);
}

static void announce(const struct ofport *port, enum ofp_port_reason reason, const struct conn *by)
{
	struct ofp_port_status status = {.reason = reason};
	ofport_describe(port, &status.desc);
	if (port->ofproto->controllers)
		controllers_port_status(port->ofproto->controllers, &status, by);
}

// Reads what controllers and translation know about the device. True when any of it differs from
// before.
static bool read_device(struct ofport *port)
{
	struct ofp_port_desc old, new;
	ofport_describe(port, &old);
	port->change_seq = netdev_change_seq(port->netdev);
	if (netdev_get_mac(port->netdev, port->mac))
		memset(port->mac, 0, sizeof(port->mac));
	netdev_get_features(port->netdev, &port->features);
	port->config &= ~(uint32_t)OFPPC_PORT_DOWN;
	if (!netdev_is_up(port->netdev))
		port->config |= OFPPC_PORT_DOWN;
	port->state = netdev_carrier(port->netdev) ? OFPPS_LIVE : OFPPS_LINK_DOWN;
	ofport_describe(port, &new);
	return memcmp(&old, &new, sizeof(old)) != 0;
}

static void refresh(struct ofport *port, bool force)
{
	if (!force && netdev_change_seq(port->netdev) == port->change_seq)
		return;
	uint32_t old_state = port->state;
	if (!read_device(port))
		return;
	if ((old_state ^ port->state) & OFPPS_LINK_DOWN && port->state & OFPPS_LINK_DOWN)
		ofproto_forget_port(port->ofproto, port->ofp_port);
	announce(port, OFPPR_MODIFY, NULL);
	snapshot_invalidate(port->ofproto);
}

void ofports_refresh(struct ofproto *p)
{
	VEC_FOREACH (&p->ports, i)
		refresh(p->ports.v[i], false);
}

static bool is_patch(const struct netdev *netdev)
{
	return !strcmp(netdev_type(netdev), "patch");
}

static void invalidate(const struct ofport *port)
{
	if (port->dp_port == DP_PORT_NONE)
		snapshot_invalidate_all(port->ofproto->system);
	else
		snapshot_invalidate(port->ofproto);
}

struct error *ofproto_add_port(struct ofproto *p, struct netdev *netdev, uint32_t requested,
			       uint32_t *ofp_port)
{
	const char *name = netdev_name(netdev);
	if (ofport_find_by_name(p, name))
		return error_errno(EEXIST, "%s: port %s", p->name, name);
	uint32_t number = choose_number(p, requested);
	if (number == OFPP_NONE)
		return error_errno(EFBIG, "%s: no port number left for %s", p->name, name);
	uint32_t dp_port = DP_PORT_NONE;
	struct error *e = is_patch(netdev) ? NULL : backer_port_add(p->backer, netdev, &dp_port);
	if (e)
		return e;
	struct ofport *port = XNEW(struct ofport);
	port->ofproto = p;
	port->netdev = netdev_ref(netdev);
	port->name = xstrdup(name);
	port->ofp_port = number;
	port->dp_port = dp_port;
	port->created = clock_ms();
	read_device(port);
	size_t at = lower_bound(p, number);
	(void)vec_extend(&p->ports);
	memmove(&p->ports.v[at + 1], &p->ports.v[at],
		(p->ports.n - 1 - at) * sizeof(p->ports.v[0]));
	p->ports.v[at] = port;
	announce(port, OFPPR_ADD, NULL);
	invalidate(port);
	*ofp_port = number;
	return NULL;
}

static void ofport_free(struct ofport *port)
{
	netdev_unref(port->netdev);
	free(port->name);
	free(port);
}

int ofproto_del_port(struct ofproto *p, uint32_t ofp_port)
{
	struct ofport *port = ofport_find(p, ofp_port);
	if (!port)
		return -ENOENT;
	bundles_forget_port(p, port);
	ofproto_forget_port(p, ofp_port);
	vec_remove(&p->ports, lower_bound(p, ofp_port));
	if (port->dp_port != DP_PORT_NONE)
		backer_port_del(p->backer, port->dp_port);
	announce(port, OFPPR_DELETE, NULL);
	invalidate(port);
	ofport_free(port);
	return 0;
}

void ofproto_dp_port_changed(struct ofproto_system *system, const struct backer *backer,
			     uint32_t from, uint32_t to)
{
	VEC_FOREACH (&system->bridges, i) {
		struct ofproto *p = system->bridges.v[i];
		for (size_t k = 0; p->backer == backer && k < p->ports.n; k++)
			if (p->ports.v[k]->dp_port == from) {
				p->ports.v[k]->dp_port = to;
				snapshot_invalidate(p);
			}
	}
}

void ofports_done(struct ofproto *p)
{
	while (p->ports.n)
		ofproto_del_port(p, vec_last(&p->ports)->ofp_port);
	vec_done(&p->ports);
}

static int fill_info(const struct ofport *port, struct ofproto_port_info *info)
{
	if (!port)
		return -ENOENT;
	*info = (struct ofproto_port_info){
		.name = port->name,
		.ofp_port = port->ofp_port,
		.dp_port = port->dp_port,
		.netdev = port->netdev,
		.config = port->config,
		.state = port->state,
	};
	return 0;
}

int ofproto_find_port(const struct ofproto *p, uint32_t ofp_port, struct ofproto_port_info *info)
{
	return fill_info(ofport_find(p, ofp_port), info);
}

int ofproto_find_port_by_name(const struct ofproto *p, const char *name,
			      struct ofproto_port_info *info)
{
	return fill_info(ofport_find_by_name(p, name), info);
}

void ofproto_for_each_port(struct ofproto *p,
			   void (*cb)(void *arg, const struct ofproto_port_info *), void *arg)
{
	VEC(uint32_t) numbers = {0};
	VEC_FOREACH (&p->ports, i)
		vec_push(&numbers, p->ports.v[i]->ofp_port);
	VEC_FOREACH (&numbers, i) {
		struct ofproto_port_info info;
		if (!ofproto_find_port(p, numbers.v[i], &info))
			cb(arg, &info);
	}
	vec_done(&numbers);
}

void ofproto_port_reconfigure(struct ofproto *p, uint32_t ofp_port)
{
	struct ofport *port = ofport_find(p, ofp_port);
	if (!port)
		return;
	if (port->dp_port != DP_PORT_NONE) {
		struct error *e = dp_port_reconfigure(backer_dp(p->backer), port->dp_port);
		if (e)
			log_warn("bridge %s: port %s: %s", p->name, port->name, error_text(e));
		error_free(e);
	}
	refresh(port, true);
	invalidate(port); // a patch port may have another peer
}

int ofproto_port_get_stats(const struct ofproto *p, uint32_t ofp_port, struct netdev_stats *stats)
{
	const struct ofport *port = ofport_find(p, ofp_port);
	if (!port)
		return -ENOENT;
	if (port->dp_port != DP_PORT_NONE) {
		netdev_get_stats(port->netdev, stats);
		return 0;
	}
	struct backer_patch_stats patch;
	backer_patch_stats(p->backer, p, ofp_port, &patch);
	memset(stats, 0xff, sizeof(*stats));
	stats->rx_packets = patch.rx_packets;
	stats->rx_bytes = patch.rx_bytes;
	stats->tx_packets = patch.tx_packets;
	stats->tx_bytes = patch.tx_bytes;
	return 0;
}

void ofport_set_config(struct ofport *port, uint32_t config)
{
	uint32_t changed = port->config ^ config;
	if (!changed)
		return;
	if (changed & OFPPC_PORT_DOWN) {
		struct error *e = netdev_set_up(port->netdev, !(config & OFPPC_PORT_DOWN));
		if (e) {
			log_warn("bridge %s: port %s: %s", port->ofproto->name, port->name,
				 error_text(e));
			config ^= OFPPC_PORT_DOWN;
		}
		error_free(e);
	}
	if (config == port->config)
		return;
	port->config = config;
	read_device(port);
	// That the device is up or down is news for who asked for it, too.
	announce(port, OFPPR_MODIFY, changed & OFPPC_PORT_DOWN ? NULL : port->ofproto->acting);
	snapshot_invalidate(port->ofproto);
}
