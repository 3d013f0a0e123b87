/* SPDX-License-Identifier: Apache-2.0 */
// mdb/*: what multicast snooping knows.
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "l2proto/mcast_snooping.h"
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

static void show_entry(void *out_, const struct mcast_entry *e)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	static const uint8_t router[16];
	struct str *out = out_, group = STR_INIT;
	be32_t ipv4;
	memcpy(&ipv4, e->group + 12, sizeof(ipv4));
	bool is_router = !memcmp(e->group, router, sizeof(router));
	if (is_router)
		str_add(&group, "querier");
	else if (!memcmp(e->group, mapped, sizeof(mapped)))
		ipv4_format(&group, ipv4);
	else
		ipv6_format(&group, e->group);
	if (e->port == OFPP_LOCAL)
		str_add(out, "LOCAL");
	else
		str_addf(out, "%5u", e->port);
	str_addf(out, "  %4u  %s         %s%3lld\n", e->vlan, str_cstr(&group),
		 is_router ? "    " : "", (long long)(clock_ms() - e->learned) / 1000);
	str_done(&group);
}

bool mdb_show(struct ofproto_system *system, int argc, const char *argv[], struct str *out)
{
	struct ofproto *p = find(system, argv[1], out);
	if (!p)
		return false;
	const struct mcast_snooping *mcast = ofproto_mcast_snooping(p);
	if (!mcast) {
		str_add(out, "multicast snooping is disabled");
		return false;
	}
	str_add(out, " port  VLAN  GROUP                Age\n");
	mcast_snooping_for_each(mcast, show_entry, out);
	return true;
}

static void flush(void *arg, struct ofproto *p)
{
	(void)arg;
	struct mcast_snooping *mcast = ofproto_mcast_snooping(p);
	if (!mcast)
		return;
	mcast_snooping_flush(mcast);
	xlate_changed(ofproto_backer(p), XLATE_CHANGE_MCAST);
}

bool mdb_flush(struct ofproto_system *system, int argc, const char *argv[], struct str *out)
{
	if (argc == 1) {
		ofproto_for_each(system, flush, NULL);
	} else {
		struct ofproto *p = find(system, argv[1], out);
		if (!p)
			return false;
		if (!ofproto_mcast_snooping(p)) {
			str_add(out, "multicast snooping is disabled");
			return false;
		}
		flush(NULL, p);
	}
	str_add(out, "table successfully flushed\n");
	return true;
}
