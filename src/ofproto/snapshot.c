/* SPDX-License-Identifier: Apache-2.0 */
// Builds what translation sees of a bridge, as a whole, whenever a part of it changed. Many changes
// in one iteration of the loop (a start with a thousand ports) make one snapshot.
#include "ofproto/internal.h"

#include <stdlib.h>
#include <string.h>

#include "ofproto/controllers.h"
#include "openflow/port.h"

enum { VLAN_LIMIT = 2 };

// The port at the other end: the one whose name our device names as peer, if it names ours.
static const struct ofport *patch_peer(const struct ofport *port)
{
	const char *peer_name = netdev_patch_peer(port->netdev);
	if (!peer_name)
		return NULL;
	const struct ofproto_system *system = port->ofproto->system;
	VEC_FOREACH (&system->bridges, i) {
		const struct ofport *peer = ofport_find_by_name(system->bridges.v[i], peer_name);
		if (!peer || peer->ofproto->backer != port->ofproto->backer)
			continue;
		const char *back = netdev_patch_peer(peer->netdev);
		return back && !strcmp(back, port->name) ? peer : NULL;
	}
	return NULL;
}

static struct xlate_port_config port_config(const struct ofport *port)
{
	const struct ofport *peer = port->dp_port == DP_PORT_NONE ? patch_peer(port) : NULL;
	return (struct xlate_port_config){
		.ofp_port = port->ofp_port,
		.dp_port = port->dp_port,
		.name = port->name,
		.config = port->config,
		.up = !(port->state & OFPPS_LINK_DOWN),
		.peer = peer ? peer->ofproto : NULL,
		.peer_port = peer ? peer->ofp_port : OFPP_NONE,
		.bundle = port->bundle ? port->bundle->index : -1,
	};
}

// Does a flood reach the bundle? Not when its port says "no flood".
static bool bundle_floodable(const struct ofproto *p, const struct bundle *b)
{
	VEC_FOREACH (&b->ports, i) {
		const struct ofport *port = ofport_find(p, b->ports.v[i]);
		if (port && !(port->config & OFPPC_NO_FLOOD))
			return true;
	}
	return false;
}

static struct xlate_bundle_config bundle_config(const struct ofproto *p, const struct bundle *b)
{
	return (struct xlate_bundle_config){
		.name = b->name,
		.vlan_mode = b->vlan_mode,
		.tag = b->tag,
		.trunks = b->trunks,
		.cvlans = b->cvlans,
		.qinq_ethertype = b->qinq_ethertype,
		.priority_tags = b->priority_tags,
		.protected_ = b->protected_,
		.mcast_flood = b->mcast_flood,
		.mcast_flood_reports = b->mcast_flood_reports,
		.floodable = bundle_floodable(p, b),
		.ports = b->ports.v,
		.n_ports = (unsigned int)b->ports.n,
	};
}

static void snapshot_run(void *p_)
{
	struct ofproto *p = p_;
	p->snapshot_due = false;
	struct xlate_port_config *ports = xcalloc(p->ports.n, sizeof(*ports));
	struct xlate_bundle_config *bundles = xcalloc(p->bundles.n, sizeof(*bundles));
	VEC_FOREACH (&p->bundles, i) {
		p->bundles.v[i]->index = (int)i;
		bundles[i] = bundle_config(p, p->bundles.v[i]);
	}
	VEC_FOREACH (&p->ports, i)
		ports[i] = port_config(p->ports.v[i]);
	unsigned int n_mirrors;
	struct xlate_mirror_config *mirrors = mirrors_config(p, &n_mirrors);
	struct xlate_bridge_config c = {
		.ofproto = p,
		.name = p->name,
		.macs = p->macs,
		.forward_bpdu = p->forward_bpdu,
		.flood_vlans = p->flood_vlans,
		.vlan_limit = p->system->vlan_limit ? p->system->vlan_limit : VLAN_LIMIT,
		.default_miss = controllers_want_misses(p->controllers) ? TABLE_MISS_CONTROLLER
									: TABLE_MISS_DROP,
		.ports = ports,
		.n_ports = (unsigned int)p->ports.n,
		.bundles = bundles,
		.n_bundles = (unsigned int)p->bundles.n,
		.mirrors = mirrors,
		.n_mirrors = n_mirrors,
		.mcast = p->mcast,
		.mcast_flood_unregistered = p->mcast_flood_unregistered,
		.max_resubmits = p->max_resubmits,
		.max_depth = p->max_depth,
		.frag = p->frag,
	};
	memcpy(c.mac, p->mac, sizeof(c.mac));
	xlate_set_bridge(p->backer, &c);
	mirrors_config_free(mirrors, n_mirrors);
	free(ports);
	free(bundles);
}

void snapshot_invalidate(struct ofproto *p)
{
	p->snapshot_due = true;
	loop_defer(p->system->loop, &p->snapshot_defer, snapshot_run, p);
}

void snapshot_invalidate_all(struct ofproto_system *system)
{
	VEC_FOREACH (&system->bridges, i)
		snapshot_invalidate(system->bridges.v[i]);
}

void snapshot_flush(struct ofproto *p)
{
	if (p->snapshot_due) {
		loop_defer_cancel(&p->snapshot_defer);
		snapshot_run(p);
	}
}
