/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "dp/dp.h"
#include "ofproto/backer.h"
#include "vswitchd/model.h"

LOG_MODULE(bridge);

// The bridge's own interface is internal whatever its row says; on a dummy datapath internal
// devices are dummies.
const char *iface_wanted_type(const struct bridge *b, const char *name,
			      const struct db_interface *row)
{
	const char *type = row && *row->type ? row->type : "system";
	if (!strcmp(name, b->name))
		type = "internal";
	bool dummy = b->ofproto && !strcmp(ofproto_datapath_type(b->ofproto), "dummy");
	return dummy && !strcmp(type, "internal") ? "dummy-internal" : type;
}

struct iface *iface_new(struct port *p, const char *name, const char *type)
{
	struct iface *i = XNEW(struct iface);
	i->name = xstrdup(name);
	i->type = xstrdup(type);
	i->port = p;
	i->ofp_port = OFPP_NONE;
	HASH_ADD_KEYPTR(hh, p->bridge->ifaces, i->name, strlen(i->name), i);
	return i;
}

static void close_device(struct iface *i)
{
	struct bridge *b = i->port->bridge;
	if (i->ofp_port != OFPP_NONE) {
		ofproto_del_port(b->ofproto, i->ofp_port);
		log_info("bridge %s: deleted interface %s on port %u", b->name, i->name,
			 i->ofp_port);
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

// Takes the text. The same one again is not logged again.
static void fail(struct iface *i, char *text)
{
	if (!i->error || strcmp(i->error, text))
		log_warn("%s", text);
	free(i->error);
	i->error = text;
}

// Takes the error.
static void fail_open(struct iface *i, struct error *e)
{
	if (error_code(e) == EAFNOSUPPORT && !i->error)
		log_warn("could not create netdev %s of unknown type %s", i->name, i->type);
	const char *why = error_code(e) ? strerror(error_code(e)) : error_text(e);
	log_dbg("interface %s: %s", i->name, error_text(e));
	fail(i, xasprintf("could not open network device %s (%s)", i->name, why));
	error_free(e);
}

static void complain(void *arg, const char *text)
{
	struct iface *i = arg;
	settings_warn(i->port->bridge->v, "Interface %s: %s", i->name, text);
}

static struct error *set_options(struct iface *i)
{
	if (!i->row)
		return NULL;
	const struct smap *options = &i->row->options;
	struct netdev_option *v = xmalloc((options->n + 1) * sizeof(*v));
	for (size_t k = 0; k < options->n; k++)
		v[k] = (struct netdev_option){options->v[k].key, options->v[k].value};
	struct error *e = netdev_set_options(
		i->netdev, (struct netdev_options){v, (unsigned int)options->n}, complain, i);
	free(v);
	return e;
}

bool iface_is_internal(const struct iface *i)
{
	return !strcmp(i->type, "internal") || !strcmp(i->type, "dummy-internal");
}

// Interface.mac applies to internal interfaces other than the local one; the local one has the
// bridge's.
static void set_mac(struct iface *i)
{
	struct bridge *b = i->port->bridge;
	uint8_t wanted[6], now[6];
	if (!i->row || !i->row->mac || !iface_is_internal(i) || !strcmp(i->name, b->name))
		return;
	if (!setting_parse_mac(i->row->mac, wanted)) {
		settings_warn(b->v,
			      "Interface %s: mac=\"%s\" is ignored: it should be the Ethernet "
			      "address of a station, like "
			      "00:11:22:33:44:55",
			      i->name, i->row->mac);
		return;
	}
	if (!netdev_get_mac(i->netdev, now) && !memcmp(now, wanted, 6))
		return;
	struct error *e = netdev_set_mac(i->netdev, wanted);
	if (e)
		log_warn_rl("interface %s: setting MAC failed (%s)", i->name, error_text(e));
	error_free(e);
}

static void change_mtu(struct iface *i, int mtu)
{
	if (netdev_get_mtu(i->netdev) == mtu)
		return;
	struct error *e = netdev_set_mtu(i->netdev, mtu);
	if (e)
		settings_warn(i->port->bridge->v, "interface %s: cannot set MTU %d: %s", i->name,
			      mtu, error_text(e));
	else if (i->ofp_port != OFPP_NONE)
		ofproto_port_reconfigure(i->port->bridge->ofproto, i->ofp_port);
	error_free(e);
	i->seen_mtu = netdev_get_mtu(i->netdev);
}

static void set_mtu(struct iface *i)
{
	if (i->row && i->row->n_mtu_request)
		change_mtu(i, (int)i->row->mtu_request);
}

enum { DEFAULT_MTU = 1500 };

void bridge_apply_mtu(struct bridge *b)
{
	int least = 0;
	struct iface *i, *next;
	HASH_ITER (hh, b->ifaces, i, next) {
		int mtu = i->netdev && !iface_is_internal(i) ? netdev_get_mtu(i->netdev) : 0;
		if (mtu && (!least || mtu < least))
			least = mtu;
	}
	HASH_ITER (hh, b->ifaces, i, next)
		if (i->netdev && iface_is_internal(i) && !(i->row && i->row->n_mtu_request))
			change_mtu(i, least ? least : DEFAULT_MTU);
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
		fail_open(i, e);
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
		fail(i, error_take_text(e));
		return;
	}
	free(i->error);
	i->error = NULL;
	i->seen_change = netdev_change_seq(i->netdev);
	i->seen_mtu = netdev_get_mtu(i->netdev);
	i->fresh = true;
	polling_set_port(i);
	log_info("bridge %s: added interface %s on port %u", b->name, i->name, i->ofp_port);
	// Internal devices are for this host to use; those of other types are the user's to bring
	// up.
	if (i->port->row && i->port->row->fake_bridge && iface_is_internal(i)) {
		e = netdev_set_up(i->netdev, true);
		error_free(e);
	}
}

void iface_apply(struct iface *i)
{
	struct bridge *b = i->port->bridge;
	uint32_t wanted = wanted_number(i);
	// What came back under the same name is another device.
	if (i->netdev && netdev_is_gone(i->netdev))
		close_device(i);
	if (i->netdev && wanted != OFPP_NONE && wanted != i->ofp_port && i->row &&
	    i->row->n_ofport_request && !number_taken(b, wanted))
		close_device(i);
	if (!i->netdev) {
		open_device(i);
		return;
	}
	i->seen_change = netdev_change_seq(i->netdev);
	if (netdev_get_mtu(i->netdev) != i->seen_mtu) // somebody else set it
		ofproto_port_reconfigure(b->ofproto, i->ofp_port);
	i->seen_mtu = netdev_get_mtu(i->netdev);
	struct error *e = set_options(i);
	if (error_code(e) == EAGAIN) { // they make another device of it
		error_free(e);
		close_device(i);
		open_device(i);
		return;
	}
	if (e) {
		close_device(i);
		fail(i, error_take_text(e));
		return;
	}
	set_mac(i);
	set_mtu(i);
	if (netdev_wants_restart(i->netdev))
		ofproto_port_reconfigure(b->ofproto, i->ofp_port);
	polling_set_port(i);
}
