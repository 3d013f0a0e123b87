/* SPDX-License-Identifier: Apache-2.0 */
// Commands about meters.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/ovs-ofctl/ofctl.h"

enum { METER_PROTOCOLS = OFPROTO_13 | OFPROTO_14 | OFPROTO_15 };

static void parse_or_die(const char *text, int command, struct ofp_meter_mod *mm, uint32_t *usable)
{
	struct error *e = ofp_meter_mod_parse(text, command, mm, usable);
	end_on_error(NULL, e);
}

static void send_mod(struct ofctl *o, const char *target, struct ofp_meter_mod *mm, uint32_t usable)
{
	struct session s;
	struct buf b = BUF_INIT;
	session_open_for_flow_mod(&s, o, target, usable);
	ofp_encode_meter_mod(&b, mm, s.version, session_xid(&s));
	if (!b.len)
		command_die("a meter does not fit into an OpenFlow message");
	session_send_or_die(&s, &b);
	buf_done(&b);
	ofp_meter_done(&mm->meter);
	session_close(&s);
}

static void add_meter(int argc, char *argv[], void *arg)
{
	struct ofp_meter_mod mm;
	uint32_t usable;
	parse_or_die(argv[2], OFPMC_ADD, &mm, &usable);
	send_mod(arg, argv[1], &mm, usable);
}

static void mod_meter(int argc, char *argv[], void *arg)
{
	struct ofp_meter_mod mm;
	uint32_t usable;
	parse_or_die(argv[2], OFPMC_MODIFY, &mm, &usable);
	send_mod(arg, argv[1], &mm, usable);
}

static void del_meters(int argc, char *argv[], void *arg)
{
	struct ofp_meter_mod mm = {.command = OFPMC_DELETE, .meter = {.meter_id = OFPM_ALL}};
	uint32_t usable = METER_PROTOCOLS;
	if (argc > 2)
		parse_or_die(argv[2], -1, &mm, &usable);
	send_mod(arg, argv[1], &mm, usable);
}

static void request(int argc, char *argv[], struct ofctl *o, enum ofptype type)
{
	struct ofp_meter_mod mm = {.meter = {.meter_id = OFPM_ALL}};
	struct session s;
	struct buf b = BUF_INIT;
	uint32_t usable = METER_PROTOCOLS;
	if (argc > 2)
		parse_or_die(argv[2], -1, &mm, &usable);
	session_open_for_flow_mod(&s, o, argv[1], usable);
	ofp_encode_meter_request(&b, type, mm.meter.meter_id, s.version, session_xid(&s));
	session_show_stats(&s, &b);
	buf_done(&b);
	session_close(&s);
}

static void dump_meters(int argc, char *argv[], void *arg)
{
	request(argc, argv, arg, OFPTYPE_METER_CONFIG_STATS_REQUEST);
}

static void meter_stats(int argc, char *argv[], void *arg)
{
	request(argc, argv, arg, OFPTYPE_METER_STATS_REQUEST);
}

static void meter_features(int argc, char *argv[], void *arg)
{
	request(2, argv, arg, OFPTYPE_METER_FEATURES_STATS_REQUEST);
}

const struct command meter_commands[] = {
	{"add-meter", "switch meter", 2, 2, add_meter},
	{"mod-meter", "switch meter", 2, 2, mod_meter},
	{"del-meter", "switch meter", 1, 2, del_meters},
	{"del-meters", "switch", 1, 2, del_meters},
	{"dump-meter", "switch meter", 1, 2, dump_meters},
	{"dump-meters", "switch", 1, 2, dump_meters},
	{"meter-stats", "switch [meter]", 1, 2, meter_stats},
	{"meter-features", "switch", 1, 1, meter_features},
	{0},
};
