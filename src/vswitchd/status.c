/* SPDX-License-Identifier: Apache-2.0 */
// What the database is told. The setters of dbclient write only what differs, so everything can be
// said each time; one transaction is under way at most.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "vswitchd/model.h"

LOG_MODULE(bridge);

// --- Interface

static void set_optional(struct dbtxn *txn, const struct db_interface *row,
			 void (*set)(struct dbtxn *, const struct db_interface *, const int64_t *,
				     size_t),
			 int64_t value, bool present)
{
	set(txn, row, &value, present);
}

static void add_status(void *arg, const char *key, const char *value)
{
	smap_set(arg, key, value);
}

static void clear_status(struct dbtxn *txn, const struct db_interface *row)
{
	db_interface_set_admin_state(txn, row, NULL);
	db_interface_set_duplex(txn, row, NULL);
	db_interface_set_link_state(txn, row, NULL);
	db_interface_set_mac_in_use(txn, row, NULL);
	set_optional(txn, row, db_interface_set_ifindex, 0, false);
	set_optional(txn, row, db_interface_set_link_resets, 0, false);
	set_optional(txn, row, db_interface_set_link_speed, 0, false);
	set_optional(txn, row, db_interface_set_mtu, 0, false);
	db_interface_set_statistics(txn, row, NULL, NULL, 0);
	db_interface_set_status(txn, row, &(struct smap)SMAP_INIT);
}

// What the driver says, which takes several system calls.
static void write_driver_status(struct iface *i, struct dbtxn *txn)
{
	const struct db_interface *row = i->row;
	const struct netdev *n = i->netdev;
	struct netdev_features f = {0};
	netdev_get_features(n, &f);
	set_optional(txn, row, db_interface_set_link_speed, (int64_t)f.current_speed * 1000000,
		     f.current_speed > 0);
	uint32_t full = NETDEV_F_10MB_FD | NETDEV_F_100MB_FD | NETDEV_F_1GB_FD | NETDEV_F_10GB_FD |
			NETDEV_F_40GB_FD | NETDEV_F_100GB_FD | NETDEV_F_1TB_FD;
	uint32_t half = NETDEV_F_10MB_HD | NETDEV_F_100MB_HD | NETDEV_F_1GB_HD;
	db_interface_set_duplex(txn, row,
				f.current & full   ? "full"
				: f.current & half ? "half"
						   : NULL);
	struct smap status = SMAP_INIT;
	netdev_get_status(n, add_status, &status);
	db_interface_set_status(txn, row, &status);
	smap_done(&status);
	i->written_change = netdev_change_seq(n);
	i->written_row = row->row.uuid;
}

// Was all that the device says written already, into this row?
static bool is_written(const struct iface *i)
{
	return i->written_change == netdev_change_seq(i->netdev) &&
	       uuid_equal(&i->written_row, &i->row->row.uuid);
}

// With `all` also what should be there already: somebody may have changed it.
static void write_iface_status(struct iface *i, struct dbtxn *txn, bool all)
{
	const struct db_interface *row = i->row;
	bool in_bridge = i->netdev && i->ofp_port != OFPP_NONE;
	db_interface_set_error(txn, row, i->error);
	set_optional(txn, row, db_interface_set_ofport, in_bridge ? (int64_t)i->ofp_port : -1,
		     true);
	if (!in_bridge) {
		clear_status(txn, row);
		return;
	}
	if (!all && is_written(i))
		return;
	const struct netdev *n = i->netdev;
	bool up = netdev_is_up(n), carrier = netdev_carrier(n);
	db_interface_set_admin_state(txn, row, up ? "up" : "down");
	db_interface_set_link_state(txn, row, carrier ? "up" : "down");
	uint8_t mac[6];
	char text[18];
	bool has_mac = !netdev_get_mac(n, mac);
	if (has_mac)
		snprintf(text, sizeof(text), "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1],
			 mac[2], mac[3], mac[4], mac[5]);
	db_interface_set_mac_in_use(txn, row, has_mac ? text : NULL);
	set_optional(txn, row, db_interface_set_ifindex, netdev_ifindex(n), true);
	set_optional(txn, row, db_interface_set_link_resets, (int64_t)netdev_carrier_resets(n),
		     true);
	int mtu = netdev_get_mtu(n);
	set_optional(txn, row, db_interface_set_mtu, mtu, mtu > 0);
	if (!is_written(i))
		write_driver_status(i, txn);
}

struct counters {
	VEC(const char *) keys;
	VEC(int64_t) values;
	VEC(char *) copies; // of keys
};

static void add_counter(void *counters_, const char *key, uint64_t value)
{
	struct counters *c = counters_;
	char *copy = xstrdup(key);
	vec_push(&c->copies, copy);
	vec_push(&c->keys, copy);
	vec_push(&c->values, (int64_t)value);
}

static void write_iface_statistics(struct iface *i, struct dbtxn *txn)
{
	struct netdev_stats s;
	if (!i->netdev || i->ofp_port == OFPP_NONE ||
	    ofproto_port_get_stats(i->port->bridge->ofproto, i->ofp_port, &s))
		return;
	const struct {
		const char *key;
		uint64_t value;
	} all[] = {
		{"collisions", s.collisions},
		{"rx_bytes", s.rx_bytes},
		{"rx_crc_err", s.rx_crc_errors},
		{"rx_dropped", s.rx_dropped},
		{"rx_errors", s.rx_errors},
		{"rx_frame_err", s.rx_frame_errors},
		{"rx_missed_errors", s.rx_missed_errors},
		{"rx_multicast_packets", s.multicast},
		{"rx_over_err", s.rx_over_errors},
		{"rx_packets", s.rx_packets},
		{"tx_bytes", s.tx_bytes},
		{"tx_dropped", s.tx_dropped},
		{"tx_errors", s.tx_errors},
		{"tx_packets", s.tx_packets},
	};
	struct counters c = {.keys = {0}};
	for (size_t k = 0; k < sizeof(all) / sizeof(all[0]); k++)
		if (all[k].value != UINT64_MAX)
			add_counter(&c, all[k].key, all[k].value);
	netdev_get_counters(i->netdev, add_counter, &c);
	db_interface_set_statistics(txn, i->row, c.keys.v, c.values.v, c.keys.n);
	vec_done(&c.keys);
	vec_done(&c.values);
	VEC_FOREACH (&c.copies, k)
		free(c.copies.v[k]);
	vec_done(&c.copies);
}

// --- Bridge and Controller

struct controller_search {
	const char *target;
	struct ofproto_controller_status found;
	bool any;
};

static void match_controller(void *arg, const struct ofproto_controller_status *s)
{
	struct controller_search *search = arg;
	if (!search->any && !strcmp(s->target, search->target)) {
		search->found = *s;
		search->any = true;
	}
}

static void write_controllers(struct bridge *b, struct dbtxn *txn)
{
	for (size_t k = 0; k < b->row->n_controller; k++) {
		const struct db_controller *row = b->row->controller[k];
		struct controller_search s = {.target = row->target};
		ofproto_for_each_controller(b->ofproto, match_controller, &s);
		struct smap status = SMAP_INIT;
		if (s.any) {
			db_controller_set_is_connected(txn, row, s.found.is_connected);
			db_controller_set_role(txn, row,
					       s.found.is_connected ? s.found.role : NULL);
			if (s.found.last_error)
				smap_set(&status, "last_error", s.found.last_error);
			if (s.found.state)
				smap_set(&status, "state", s.found.state);
			if (s.found.sec_since_connect >= 0)
				smap_setf(&status, "sec_since_connect", "%" PRId64,
					  s.found.sec_since_connect);
			if (s.found.sec_since_disconnect >= 0)
				smap_setf(&status, "sec_since_disconnect", "%" PRId64,
					  s.found.sec_since_disconnect);
		} else {
			db_controller_set_is_connected(txn, row, false);
			db_controller_set_role(txn, row, NULL);
		}
		db_controller_set_status(txn, row, &status);
		smap_done(&status);
	}
}

static void write_bridge(struct bridge *b, struct dbtxn *txn)
{
	char id[17];
	snprintf(id, sizeof(id), "%016" PRIx64, b->datapath_id);
	db_bridge_set_datapath_id(txn, b->row, id);
	const char *type = ofproto_datapath_type(b->ofproto);
	db_bridge_set_datapath_version(txn, b->row, "<built-in>");
	if (!*b->wanted_type && !strcmp(type, "netdev"))
		db_bridge_put_status(txn, b->row, "datapath_fallback", type);
	else
		db_bridge_drop_status(txn, b->row, "datapath_fallback");
	db_bridge_drop_status(txn, b->row, "error");
	write_controllers(b, txn);
}

static void write_failed_bridge(struct bridge *b, struct dbtxn *txn)
{
	db_bridge_put_status(txn, b->row, "error", b->error);
}

// --- The transaction

// What was said did not get there.
static void forget_written(struct vswitchd *v)
{
	struct bridge *b, *next_b;
	struct iface *i, *next_i;
	HASH_ITER (hh, v->bridges, b, next_b)
		HASH_ITER (hh, b->ifaces, i, next_i)
			i->written_row = (struct uuid){0};
}

static void on_done(void *arg, struct dbtxn *txn)
{
	struct vswitchd *v = arg;
	enum dbtxn_status status = dbtxn_get_status(txn);
	if (status == DBTXN_ERROR)
		log_warn_rl("writing status to the database failed: %s", dbtxn_error(txn));
	if (status != DBTXN_SUCCESS)
		forget_written(v);
	v->status_txn = NULL;
	dbtxn_free(txn);
	if (status == DBTXN_TRY_AGAIN)
		v->status_wanted = true;
	if (v->status_wanted)
		loop_timer_set_in(&v->timer, status == DBTXN_SUCCESS ? 0 : 100);
}

static void write_ifaces(struct bridge *b, struct dbtxn *txn, bool statistics)
{
	struct iface *i, *next;
	HASH_ITER (hh, b->ifaces, i, next) {
		if (!i->row)
			continue;
		write_iface_status(i, txn, statistics);
		if (statistics || i->fresh)
			write_iface_statistics(i, txn);
		i->fresh = false;
	}
}

void status_write(struct vswitchd *v, bool statistics)
{
	if (v->status_txn) {
		v->status_wanted = true;
		return;
	}
	v->status_wanted = false;
	struct dbtxn *txn = dbtxn_new(v->db);
	system_write(v, txn);
	if (statistics)
		system_write_statistics(v, txn);
	struct bridge *b, *next;
	HASH_ITER (hh, v->bridges, b, next) {
		if (!b->row)
			continue;
		if (!b->ofproto) {
			write_failed_bridge(b, txn);
			continue;
		}
		write_bridge(b, txn);
		write_ifaces(b, txn, statistics);
		if (statistics)
			bridge_write_mirrors(b, txn);
	}
	db_open_vswitch_set_cur_cfg(txn, v->cfg, v->applied_cfg);
	enum dbtxn_status status = dbtxn_commit(txn, on_done, v);
	if (status == DBTXN_INCOMPLETE) {
		v->status_txn = txn;
		return;
	}
	dbtxn_free(txn);
	if (status != DBTXN_UNCHANGED) {
		forget_written(v);
		v->status_wanted = true;
	}
}
