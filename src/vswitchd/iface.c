/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "vswitchd/model.h"

LOG_MODULE(iface);

// The bridge's own interface is internal whatever its row says; on a dummy datapath, system and internal devices are dummies.
const char *iface_wanted_type(const struct bridge *b, const char *name, const struct db_interface *row)
{
	const char *type = row && *row->type ? row->type : "system";
	if (!strcmp(name, b->name))
		type = "internal";
	if (b->ofproto && !strcmp(ofproto_datapath_type(b->ofproto), "dummy")) {
		if (!strcmp(type, "internal"))
			return "dummy-internal";
		if (!strcmp(type, "system"))
			return "dummy";
	}
	return type;
}

struct iface *iface_new(struct port *p, const char *name, const char *type)
{
	struct iface *i = XNEW(struct iface);
	i->name = xstrdup(name);
	i->type = xstrdup(type);
	i->port = p;
	i->ofp_port = OFPP_NONE;
	i->status_dirty = true;
	HASH_ADD_KEYPTR(hh, p->bridge->ifaces, i->name, strlen(i->name), i);
	return i;
}

static void close_device(struct iface *i)
{
	struct bridge *b = i->port->bridge;
	if (i->ofp_port != OFPP_NONE) {
		ofproto_del_port(b->ofproto, i->ofp_port);
		log_info("bridge %s: deleted interface %s on port %u", b->name, i->name, i->ofp_port);
	}
	i->ofp_port = OFPP_NONE;
	netdev_unref(i->netdev);
	i->netdev = NULL;
}

void iface_free(struct iface *i)
{
	struct bridge *b = i->port->bridge;
	close_device(i);
	HASH_DEL(b->ifaces, i);
	free(i->error);
	free(i->name);
	free(i->type);
	free(i);
}

// Takes the error. The same one again is not logged again.
static void fail(struct iface *i, struct error *e)
{
	if (!i->error || strcmp(i->error, error_text(e)))
		log_warn("bridge %s: %s", i->port->bridge->name, error_text(e));
	free(i->error);
	i->error = error_take_text(e);
	i->status_dirty = true;
}

static void complain(void *arg, const char *text)
{
	struct iface *i = arg;
	settings_warn(i->port->bridge->v, "Interface %s: %s", i->name, text);
}

static bool parse_mac(const char *text, uint8_t mac[6])
{
	int n = 0;
	return text && sscanf(text, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%n", &mac[0], &mac[1], &mac[2], &mac[3], &mac[4],
			      &mac[5], &n) == 6 &&
	       !text[n];
}

static struct error *set_options(struct iface *i)
{
	if (!i->row)
		return NULL;
	const struct smap *options = &i->row->options;
	struct netdev_option *v = xmalloc((options->n + 1) * sizeof(*v));
	for (size_t k = 0; k < options->n; k++)
		v[k] = (struct netdev_option){options->v[k].key, options->v[k].value};
	struct error *e =
		netdev_set_options(i->netdev, (struct netdev_options){v, (unsigned int)options->n}, complain, i);
	free(v);
	return e;
}

static bool is_internal(const struct iface *i)
{
	return !strcmp(i->type, "internal") || !strcmp(i->type, "dummy-internal");
}

// Interface.mac applies to internal interfaces other than the local one; the local one has the bridge's.
static void set_mac(struct iface *i)
{
	struct bridge *b = i->port->bridge;
	uint8_t wanted[6], now[6];
	if (!i->row || !i->row->mac || !is_internal(i) || !strcmp(i->name, b->name))
		return;
	if (!parse_mac(i->row->mac, wanted) || wanted[0] & 1) {
		settings_warn(b->v, "Interface %s: mac '%s' is not a unicast Ethernet address like 00:11:22:33:44:55", i->name,
			      i->row->mac);
		return;
	}
	if (!netdev_get_mac(i->netdev, now) && !memcmp(now, wanted, 6))
		return;
	struct error *e = netdev_set_mac(i->netdev, wanted);
	if (e)
		log_warn_rl("interface %s: setting MAC failed (%s)", i->name, error_text(e));
	error_free(e);
}

static void set_mtu(struct iface *i)
{
	if (!i->row || !i->row->n_mtu_request || netdev_get_mtu(i->netdev) == i->row->mtu_request)
		return;
	struct error *e = netdev_set_mtu(i->netdev, (int)i->row->mtu_request);
	if (e)
		log_warn_rl("interface %s: cannot set MTU %lld: %s", i->name, (long long)i->row->mtu_request, error_text(e));
	else if (i->ofp_port != OFPP_NONE)
		ofproto_port_reconfigure(i->port->bridge->ofproto, i->ofp_port);
	error_free(e);
}

// The number it asks for, or had before the switch was restarted.
static uint32_t wanted_number(const struct iface *i)
{
	if (!strcmp(i->name, i->port->bridge->name))
		return OFPP_LOCAL;
	if (!i->row)
		return OFPP_NONE;
	if (i->row->n_ofport_request)
		return (uint32_t)i->row->ofport_request;
	if (i->row->n_ofport && i->row->ofport > 0 && i->row->ofport < OFPP_MAX)
		return (uint32_t)i->row->ofport;
	return OFPP_NONE;
}

static bool number_taken(const struct bridge *b, uint32_t ofp_port)
{
	struct ofproto_port_info unused;
	return !ofproto_find_port(b->ofproto, ofp_port, &unused);
}

static void open_device(struct iface *i)
{
	struct bridge *b = i->port->bridge;
	struct error *e = netdev_open(b->v->loop, i->name, i->type, &i->netdev);
	if (e) {
		fail(i, e);
		return;
	}
	e = set_options(i);
	if (!e) {
		set_mac(i);
		set_mtu(i);
		e = ofproto_add_port(b->ofproto, i->netdev, wanted_number(i), &i->ofp_port);
	}
	if (e) {
		i->ofp_port = OFPP_NONE;
		close_device(i);
		fail(i, e);
		return;
	}
	free(i->error);
	i->error = NULL;
	i->status_dirty = true;
	i->seen_change = netdev_change_seq(i->netdev);
	log_info("bridge %s: added interface %s on port %u", b->name, i->name, i->ofp_port);
	// Internal devices are for this host to use; those of other types are the user's to bring up.
	if (i->port->row && i->port->row->fake_bridge && is_internal(i)) {
		e = netdev_set_up(i->netdev, true);
		error_free(e);
	}
}

void iface_apply(struct iface *i)
{
	struct bridge *b = i->port->bridge;
	uint32_t wanted = wanted_number(i);
	// A system device that went away and came back is another device: its index changed.
	if (i->netdev && !strcmp(i->type, "system") && !netdev_ifindex(i->netdev)) {
		close_device(i);
		fail(i, error_new("could not open network device %s (No such device)", i->name));
	}
	if (i->netdev && wanted != OFPP_NONE && wanted != i->ofp_port && i->row && i->row->n_ofport_request &&
	    !number_taken(b, wanted))
		close_device(i);
	if (!i->netdev) {
		open_device(i);
		return;
	}
	i->seen_change = netdev_change_seq(i->netdev);
	struct error *e = set_options(i);
	if (e) {
		close_device(i);
		fail(i, e);
		return;
	}
	set_mac(i);
	set_mtu(i);
}
