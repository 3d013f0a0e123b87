/* SPDX-License-Identifier: Apache-2.0 */
// Commands about groups.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cmd/ovs-ofctl/ofctl.h"

static void parse_or_die(struct port_names *names, const char *text, int command,
			 const struct flow_file *from, struct ofp_group_mod *gm, uint32_t *usable)
{
	struct ofpact_text t = port_names_to_parse(names);
	struct error *e = ofp_group_mod_parse(text, command, &t, gm, usable);
	if (e)
		flow_file_die(from, e);
}

static void put(struct session *s, struct buf *b, const struct ofp_group_mod *gm)
{
	size_t before = b->len;
	ofp_encode_group_mod(b, gm, s->version, session_xid(s));
	if (b->len == before)
		command_die("a group does not fit into an OpenFlow message");
}

// The messages that 1.1 to 1.4 lack.
static void check_version(const struct session *s, const struct ofp_group_mod *gm)
{
	if (s->version == OFP10 || s->version == OFP15)
		return;
	if (gm->command == OFPGC_INSERT_BUCKET || gm->command == OFPGC_REMOVE_BUCKET)
		command_die("%s-bucket needs OpenFlow 1.5 or later ('-O OpenFlow15')",
			    gm->command == OFPGC_INSERT_BUCKET ? "insert" : "remove");
}

static void group_file(struct ofctl *o, const char *target, const char *name, int command)
{
	struct flow_file file;
	struct port_names names;
	VEC(struct ofp_group_mod) mods = {0};
	uint32_t usable = o->bundle ? BUNDLE_PROTOCOLS : OFPROTO_ALL, protocols;
	port_names_init(&names, o, target);
	flow_file_read(&file, name);
	for (char *text; (text = flow_file_next(&file));) {
		parse_or_die(&names, text, command, &file, vec_extend(&mods), &protocols);
		usable &= protocols;
	}
	struct session s;
	struct buf b = BUF_INIT;
	session_open_for_flow_mod(&s, o, target, usable);
	VEC_FOREACH (&mods, i) {
		check_version(&s, &mods.v[i]);
		put(&s, &b, &mods.v[i]);
		ofp_group_done(&mods.v[i].group);
		if (o->bundle)
			continue;
		session_send_or_die(&s, &b);
		buf_clear(&b);
	}
	if (o->bundle)
		session_bundle(&s, &b);
	vec_done(&mods);
	buf_done(&b);
	session_close(&s);
	flow_file_done(&file);
	port_names_done(&names);
}

static void group_mod(struct ofctl *o, const char *target, const char *text, int command)
{
	struct ofp_group_mod gm;
	struct port_names names;
	struct session s;
	struct buf b = BUF_INIT;
	uint32_t usable;
	if (!strcmp(text, "-")) {
		group_file(o, target, text, command);
		return;
	}
	port_names_init(&names, o, target);
	parse_or_die(&names, text, command, NULL, &gm, &usable);
	session_open_for_flow_mod(&s, o, target, o->bundle ? BUNDLE_PROTOCOLS & usable : usable);
	check_version(&s, &gm);
	put(&s, &b, &gm);
	if (o->bundle)
		session_bundle(&s, &b);
	else
		session_send_or_die(&s, &b);
	buf_done(&b);
	ofp_group_done(&gm.group);
	session_close(&s);
	port_names_done(&names);
}

static void add_group(int argc, char *argv[], void *o)
{
	group_mod(o, argv[1], argv[2], OFPGC_ADD);
}

static void add_groups(int argc, char *argv[], void *arg)
{
	group_file(arg, argv[1], argv[2], -1);
}

static void mod_group(int argc, char *argv[], void *arg)
{
	struct ofctl *o = arg;
	group_mod(o, argv[1], argv[2], o->may_create ? OFPGC_ADD_OR_MOD : OFPGC_MODIFY);
}

static void del_groups(int argc, char *argv[], void *o)
{
	group_mod(o, argv[1], argc > 2 ? argv[2] : "group_id=all", OFPGC_DELETE);
}

static void insert_buckets(int argc, char *argv[], void *o)
{
	group_mod(o, argv[1], argv[2], OFPGC_INSERT_BUCKET);
}

static void remove_buckets(int argc, char *argv[], void *o)
{
	group_mod(o, argv[1], argv[2], OFPGC_REMOVE_BUCKET);
}

// --- Reading.

static void dump(struct ofctl *o, const char *target, enum ofptype type, uint32_t id)
{
	struct session s;
	struct buf request = BUF_INIT;
	session_open(&s, o, target, "mgmt");
	ofp_encode_group_request(&request, type, id, s.version, session_xid(&s));
	session_show_stats(&s, &request);
	buf_done(&request);
	session_close(&s);
}

static void dump_groups(int argc, char *argv[], void *o)
{
	uint32_t id = OFPG_ALL;
	if (argc > 2 && !ofp_group_id_parse(argv[2], &id))
		command_die("%s is not a valid group ID (a number, or \"all\")", argv[2]);
	dump(o, argv[1], OFPTYPE_GROUP_DESC_STATS_REQUEST, id);
}

static void dump_group_stats(int argc, char *argv[], void *o)
{
	uint32_t id = OFPG_ALL;
	if (argc > 2) {
		struct ofp_group_mod gm;
		struct port_names names;
		uint32_t usable;
		port_names_init(&names, o, argv[1]);
		parse_or_die(&names, argv[2], OFPGC_DELETE, NULL, &gm, &usable);
		id = gm.group.group_id;
		ofp_group_done(&gm.group);
		port_names_done(&names);
	}
	dump(o, argv[1], OFPTYPE_GROUP_STATS_REQUEST, id);
}

static void dump_group_features(int argc, char *argv[], void *o)
{
	session_dump_simple(o, argv[1], OFPTYPE_GROUP_FEATURES_STATS_REQUEST);
}

const struct command group_commands[] = {
	{"add-group", "switch group", 2, 2, add_group},
	{"add-groups", "switch file", 2, 2, add_groups},
	{"mod-group", "switch group", 2, 2, mod_group},
	{"del-groups", "switch [group]", 1, 2, del_groups},
	{"insert-buckets", "switch [group]", 2, 2, insert_buckets},
	{"remove-buckets", "switch [group]", 2, 2, remove_buckets},
	{"dump-groups", "switch [group]", 1, 2, dump_groups},
	{"dump-group-stats", "switch [group]", 1, 2, dump_group_stats},
	{"dump-group-features", "switch", 1, 1, dump_group_features},
	{0},
};
