/* SPDX-License-Identifier: Apache-2.0 */
// fdb/*: the MAC tables of the bridges.
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "ofproto/backer_internal.h"
#include "ofproto/ofproto.h"
#include "packet/address.h"

static struct ofproto *find(struct ofproto_system *system, const char *name, struct str *out)
{
	struct ofproto *p = ofproto_find(system, name);
	if (!p)
		str_add(out, "no such bridge");
	return p;
}

static void show_entry(void *out_, const struct mac_entry *e)
{
	struct str *out = out_;
	if (e->port == OFPP_LOCAL)
		str_add(out, "LOCAL");
	else
		str_addf(out, "%5u", e->port);
	str_addf(out, "  %4u  ", e->vlan);
	mac_format(out, e->mac);
	if (e->is_static)
		str_add(out, "  static\n");
	else
		str_addf(out, "  %3lld\n", (long long)(clock_ms() - e->used) / 1000);
}

bool fdb_show(struct ofproto_system *system, int argc, const char *argv[], struct str *out)
{
	struct ofproto *p = find(system, argv[1], out);
	if (!p)
		return false;
	backer_push_stats(ofproto_backer(p)); // traffic keeps addresses young
	str_add(out, " port  VLAN  MAC                Age\n");
	mac_table_for_each(ofproto_mac_table(p), show_entry, out);
	return true;
}

bool fdb_stats_show(struct ofproto_system *system, int argc, const char *argv[], struct str *out)
{
	struct ofproto *p = find(system, argv[1], out);
	if (!p)
		return false;
	struct mac_table_stats s;
	mac_table_get_stats(ofproto_mac_table(p), &s);
	str_addf(out, "Statistics for bridge \"%s\":\n", ofproto_name(p));
	str_addf(out, "  Current/maximum MAC entries in the table: %u/%u\n", s.n_entries,
		 s.max_entries);
	str_addf(out, "  Current static MAC entries in the table : %u\n", s.n_static);
	str_addf(out, "  Total number of learned MAC entries     : %llu\n",
		 (unsigned long long)s.n_learned);
	str_addf(out, "  Total number of expired MAC entries     : %llu\n",
		 (unsigned long long)s.n_expired);
	str_addf(out, "  Total number of evicted MAC entries     : %llu\n",
		 (unsigned long long)s.n_evicted);
	str_addf(out, "  Total number of port moved MAC entries  : %llu\n",
		 (unsigned long long)s.n_moved);
	return true;
}

static void clear_stats(void *arg, struct ofproto *p)
{
	(void)arg;
	mac_table_clear_stats(ofproto_mac_table(p));
}

static void flush(void *arg, struct ofproto *p)
{
	(void)arg;
	mac_table_flush(ofproto_mac_table(p));
	xlate_changed(ofproto_backer(p), XLATE_CHANGE_MAC);
}

// On one bridge, or on all of them.
static bool apply(struct ofproto_system *system, int argc, const char *argv[],
		  void (*cb)(void *, struct ofproto *), struct str *out)
{
	if (argc == 1) {
		ofproto_for_each(system, cb, NULL);
		return true;
	}
	struct ofproto *p = find(system, argv[1], out);
	if (p)
		cb(NULL, p);
	return p != NULL;
}

bool fdb_stats_clear(struct ofproto_system *system, int argc, const char *argv[], struct str *out)
{
	if (!apply(system, argc, argv, clear_stats, out))
		return false;
	str_add(out, "statistics successfully cleared\n");
	return true;
}

bool fdb_flush(struct ofproto_system *system, int argc, const char *argv[], struct str *out)
{
	if (!apply(system, argc, argv, flush, out))
		return false;
	str_add(out, "table successfully flushed\n");
	return true;
}

static bool parse_vlan_mac(const char *vlan, const char *mac_text, uint16_t *vid, uint8_t mac[6],
			   struct str *out)
{
	if (parse_u16(vlan, 10, vid) || *vid > 4095) {
		str_add(out, "Invalid VLAN id");
		return false;
	}
	if (!mac_scan(&mac_text, mac) || *mac_text) {
		str_add(out, "bad MAC address");
		return false;
	}
	return true;
}

bool fdb_add(struct ofproto_system *system, int argc, const char *argv[], struct str *out)
{
	struct ofproto_port_info port;
	uint16_t vid;
	uint8_t mac[6];
	struct ofproto *p = find(system, argv[1], out);
	if (!p || !parse_vlan_mac(argv[3], argv[4], &vid, mac, out))
		return false;
	if (ofproto_find_port_by_name(p, argv[2], &port)) {
		str_addf(out, "%s: no such port in bridge %s", argv[2], argv[1]);
		return false;
	}
	if (mac_table_add_static(ofproto_mac_table(p), mac, vid, port.ofp_port))
		xlate_changed(ofproto_backer(p), XLATE_CHANGE_MAC);
	return true;
}

bool fdb_del(struct ofproto_system *system, int argc, const char *argv[], struct str *out)
{
	uint16_t vid;
	uint8_t mac[6];
	struct mac_entry e;
	struct ofproto *p = find(system, argv[1], out);
	if (!p || !parse_vlan_mac(argv[2], argv[3], &vid, mac, out))
		return false;
	struct mac_table *macs = ofproto_mac_table(p);
	if (!mac_table_lookup(macs, mac, vid, &e) || !e.is_static) {
		str_add(out, "could not find static mac entry");
		return false;
	}
	mac_table_remove(macs, mac, vid);
	xlate_changed(ofproto_backer(p), XLATE_CHANGE_MAC);
	return true;
}
