/* SPDX-License-Identifier: Apache-2.0 */
// The order of a reconfiguration: what is not wanted any more goes first (so that its names,
// numbers and devices are free), then what is new is made, then everything gets its options. Each
// step leaves the switch working.
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "stream/tls.h"
#include "vswitchd/model.h"

LOG_MODULE(bridge);

// --- Bridges

void bridge_leave_devices(struct bridge *b)
{
	for (struct iface *i = b->ifaces; i; i = i->hh.next)
		if (i->netdev)
			netdev_leave(i->netdev);
}

void bridge_destroy(struct bridge *b)
{
	struct iface *i, *next_i;
	HASH_ITER (hh, b->ifaces, i, next_i)
		iface_free(i);
	bridge_forget_mirrors(b);
	struct port *p, *next_p;
	HASH_ITER (hh, b->ports, p, next_p) {
		if (b->ofproto)
			ofproto_remove_bundle(b->ofproto, p);
		HASH_DEL(b->ports, p);
		free(p->name);
		free(p);
	}
	ofproto_free(b->ofproto);
	HASH_DEL(b->v->bridges, b);
	free(b->error);
	free(b->wanted_type);
	free(b->name);
	free(b);
}

// --enable-dummy puts bridges on the dummy datapath that asked for another.
static const char *datapath_type(const struct vswitchd *v, const char *type)
{
	bool system = !*type || !strcmp(type, "system");
	return v->dummy == VSWITCHD_DUMMY_FOR_ALL ||
			       (v->dummy == VSWITCHD_DUMMY_FOR_SYSTEM && system)
		       ? "dummy"
		       : type;
}

// Tries to make the switch that the bridge does not have yet. The same failure again is not logged
// again.
static void make_switch(struct bridge *b)
{
	struct error *e = ofproto_new(b->v->system, b->name, datapath_type(b->v, b->wanted_type),
				      &b->ofproto);
	char *text = error_take_text(e);
	if (text && (!b->error || strcmp(text, b->error)))
		log_err("failed to create bridge %s: %s", b->name, text);
	free(b->error);
	b->error = text;
}

static void bridge_new(struct vswitchd *v, const struct db_bridge *row)
{
	struct bridge *b = XNEW(struct bridge);
	b->v = v;
	b->name = xstrdup(row->name);
	b->wanted_type = xstrdup(row->datapath_type);
	b->row = row;
	HASH_ADD_KEYPTR(hh, v->bridges, b->name, strlen(b->name), b);
}

static void collect_bridges(struct vswitchd *v)
{
	struct bridge *b, *next;
	HASH_ITER (hh, v->bridges, b, next)
		b->row = NULL;
	VEC(const struct db_bridge *) fresh = {0};
	for (size_t i = 0; i < v->cfg->n_bridges; i++) {
		const struct db_bridge *row = v->cfg->bridges[i];
		if (strchr(row->name, '/') || !*row->name) {
			settings_warn(v,
				      "ignoring bridge with invalid name '%s': it becomes a file "
				      "name, '/' is not allowed",
				      row->name);
			continue;
		}
		HASH_FIND_STR(v->bridges, row->name, b);
		if (b && b->row)
			log_warn_rl("bridge %s specified twice", row->name);
		else if (b && !strcmp(b->wanted_type, row->datapath_type))
			b->row = row;
		else
			vec_push(&fresh,
				 row); // new, or with another datapath: what is there goes first
	}
	HASH_ITER (hh, v->bridges, b, next)
		if (!b->row)
			bridge_destroy(b);
	VEC_FOREACH (&fresh, i) {
		HASH_FIND_STR(v->bridges, fresh.v[i]->name, b);
		if (!b)
			bridge_new(v, fresh.v[i]);
	}
	vec_done(&fresh);
	HASH_ITER (hh, v->bridges, b, next)
		if (!b->ofproto)
			make_switch(b);
}

// --- Ports and interfaces

static struct port *want_port(struct bridge *b, const char *name, const struct db_port *row)
{
	struct port *p;
	HASH_FIND_STR(b->ports, name, p);
	if (!p) {
		p = XNEW(struct port);
		p->name = xstrdup(name);
		p->bridge = b;
		HASH_ADD_KEYPTR(hh, b->ports, p->name, strlen(p->name), p);
	}
	p->row = row;
	p->wanted = true;
	return p;
}

static void want_iface(struct port *p, const char *name, const struct db_interface *row)
{
	struct bridge *b = p->bridge;
	const char *type = iface_wanted_type(b, name, row);
	struct iface *i;
	HASH_FIND_STR(b->ifaces, name, i);
	if (i && i->wanted) {
		log_warn_rl("bridge %s: interface %s is specified twice", b->name, name);
		return;
	}
	if (i && (strcmp(i->type, type) || i->port != p)) {
		iface_free(i);
		i = NULL;
	}
	if (!i)
		i = iface_new(p, name, type);
	i->row = row;
	i->wanted = true;
}

static void collect_ports(struct bridge *b)
{
	struct port *p, *next_p;
	struct iface *i, *next_i;
	HASH_ITER (hh, b->ports, p, next_p) {
		p->wanted = false;
		p->row = NULL;
	}
	HASH_ITER (hh, b->ifaces, i, next_i) {
		i->wanted = false;
		i->row = NULL;
	}
	bool have_local = false;
	for (size_t k = 0; k < b->row->n_ports; k++) {
		const struct db_port *row = b->row->ports[k];
		p = want_port(b, row->name, row);
		for (size_t m = 0; m < row->n_interfaces; m++) {
			want_iface(p, row->interfaces[m]->name, row->interfaces[m]);
			have_local |= !strcmp(row->interfaces[m]->name, b->name);
		}
	}
	if (!have_local)
		want_iface(want_port(b, b->name, NULL), b->name, NULL);
	HASH_ITER (hh, b->ifaces, i, next_i)
		if (!i->wanted)
			iface_free(i);
	HASH_ITER (hh, b->ports, p, next_p)
		if (!p->wanted) {
			ofproto_remove_bundle(b->ofproto, p);
			HASH_DEL(b->ports, p);
			free(p->name);
			free(p);
		}
}

// Those that ask for a number come first, so that nobody else takes it.
static void apply_ifaces(struct bridge *b)
{
	struct iface *i, *next;
	for (int pass = 0; pass < 2; pass++)
		HASH_ITER (hh, b->ifaces, i, next) {
			bool asks = !strcmp(i->name, b->name) ||
				    (i->row && (i->row->n_ofport_request ||
						(i->row->n_ofport && i->row->ofport > 0)));
			if (asks == (pass == 0))
				iface_apply(i);
		}
}

// Keys out of the database take the place of those of the command line, and stay until others are
// named.
static void apply_tls(struct vswitchd *v)
{
	const struct db_ssl *row = v->cfg->ssl;
	struct stream_tls *tls = stream_tls_find(v->loop);
	if (!row || !tls)
		return;
	struct stream_tls_config config = *stream_tls_get_config(tls);
	config.private_key = *row->private_key ? row->private_key : NULL;
	config.certificate = *row->certificate ? row->certificate : NULL;
	config.ca_cert = *row->ca_cert ? row->ca_cert : NULL;
	config.bootstrap_ca_cert = row->bootstrap_ca_cert;
	struct error *e = stream_tls_configure(tls, &config);
	if (e)
		settings_warn(v, "the SSL settings cannot be used: %s", error_text(e));
	error_free(e);
}

void reconfigure(struct vswitchd *v)
{
	apply_tls(v);
	system_apply_options(v);
	collect_bridges(v);
	struct bridge *b, *next;
	// First all that goes, in every bridge: a device may move from one bridge to another.
	HASH_ITER (hh, v->bridges, b, next)
		if (b->ofproto)
			collect_ports(b);
	netdev_settle();
	HASH_ITER (hh, v->bridges, b, next) {
		if (!b->ofproto)
			continue;
		apply_ifaces(b);
		bridge_apply_mtu(b);
		bridge_apply_bundles(b);
		bridge_apply_mirrors(b);
		bridge_apply_options(b);
		bridge_apply_in_band(b); // before the controllers are connected to
		bridge_apply_controllers(b);
	}
}

// A device of the kernel may have come since. Others are tried again when their settings change:
// trying itself changes links.
static bool may_work_now(const struct iface *i)
{
	return i->error && !strcmp(i->type, "system");
}

bool vswitchd_has_failed_ifaces(const struct vswitchd *v)
{
	const struct bridge *b;
	const struct iface *i;
	for (b = v->bridges; b; b = b->hh.next)
		for (i = b->ifaces; i; i = i->hh.next)
			if (may_work_now(i) || (i->netdev && i->ofp_port != OFPP_NONE &&
						netdev_change_seq(i->netdev) != i->seen_change))
				return true;
	return false;
}
