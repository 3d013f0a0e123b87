/* SPDX-License-Identifier: Apache-2.0 */
// Commands that show what a switch is, and its ports.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cmd/ovs-ofctl/ofctl.h"

// Without the ports where there may be more than the message has. True: there is nothing left to
// ask for, all are shown, or the reply is none.
static bool show_features(struct session *s, const uint8_t *reply, size_t n)
{
	enum { WITHOUT_PORTS = 32 };
	struct ofp_msg m;
	struct ofp_features f;
	struct buf copy = BUF_INIT;
	bool is_one = !ofp_msg_decode(reply, n, &m) && m.type == OFPTYPE_FEATURES_REPLY &&
		      !ofp_decode_features(&m, &f);
	buf_add(&copy, reply, n);
	if (is_one && f.has_ports && !f.all_ports) {
		copy.len = WITHOUT_PORTS;
		put_be16(copy.data + 2, WITHOUT_PORTS);
	}
	session_print(s, stdout, copy.data, copy.len, s->ofctl->verbosity + 1);
	buf_done(&copy);
	return !is_one || f.all_ports;
}

static void show(int argc, char *argv[], void *arg)
{
	struct ofctl *o = arg;
	struct session s;
	struct buf request = BUF_INIT;
	size_t n;
	session_open(&s, o, argv[1], "mgmt");
	ofp_encode_simple(&request, OFPTYPE_FEATURES_REQUEST, s.version, session_xid(&s));
	const uint8_t *reply = session_transact(&s, &request, &n);
	bool all_ports = show_features(&s, reply, n);
	if (!all_ports) {
		buf_clear(&request);
		ofp_encode_port_desc_request(&request, s.version, OFPP_NONE, session_xid(&s));
		session_show_stats(&s, &request);
	}
	buf_done(&request);
	session_close(&s);
	session_dump_simple(o, argv[1], OFPTYPE_GET_CONFIG_REQUEST);
}

static void dump_stats(struct ofctl *o, const char *target, enum ofptype type)
{
	struct session s;
	struct buf request = BUF_INIT;
	session_open(&s, o, target, "mgmt");
	ofp_encode_simple(&request, type, s.version, session_xid(&s));
	session_show_stats(&s, &request);
	buf_done(&request);
	session_close(&s);
}

static void dump_desc(int argc, char *argv[], void *arg)
{
	dump_stats(arg, argv[1], OFPTYPE_DESC_STATS_REQUEST);
}

static void dump_tables(int argc, char *argv[], void *arg)
{
	dump_stats(arg, argv[1], OFPTYPE_TABLE_STATS_REQUEST);
}

// Tables come in many messages and are folded over all of them: they are put together first.
static void gather(void *arg, const uint8_t *msg, size_t n)
{
	struct buf *all = arg;
	struct ofp_msg m;
	if (ofp_msg_decode(msg, n, &m) || !all->len)
		buf_add(all, msg, n);
	else
		buf_add(all, m.body.p, cursor_left(&m.body));
}

static void dump_table_features(int argc, char *argv[], void *arg)
{
	struct ofctl *o = arg;
	struct session s;
	struct buf request = BUF_INIT, all = BUF_INIT;
	session_open(&s, o, argv[1], "mgmt");
	if (s.version < OFP13)
		command_die("dump-table-features needs OpenFlow 1.3 or later ('-O OpenFlow13')");
	ofp_encode_simple(&request, OFPTYPE_TABLE_FEATURES_STATS_REQUEST, s.version,
			  session_xid(&s));
	session_stats(&s, &request, gather, &all);
	struct str text = STR_INIT;
	ofp_print_table_features(&text, all.data, all.len);
	puts(str_cstr(&text));
	str_done(&text);
	buf_done(&request);
	buf_done(&all);
	session_close(&s);
}

static void dump_ports(int argc, char *argv[], void *arg)
{
	struct session s;
	struct buf request = BUF_INIT;
	struct port_names names;
	port_names_init(&names, arg, argv[1]);
	uint32_t port = argc > 2 ? port_names_parse(&names, argv[2]) : OFPP_NONE;
	session_open(&s, arg, argv[1], "mgmt");
	ofp_encode_port_stats_request(&request, s.version, port, session_xid(&s));
	session_show_stats(&s, &request);
	buf_done(&request);
	session_close(&s);
	port_names_done(&names);
}

static void dump_ports_desc(int argc, char *argv[], void *arg)
{
	struct session s;
	struct buf request = BUF_INIT;
	struct port_names names;
	port_names_init(&names, arg, argv[1]);
	uint32_t port = argc > 2 ? port_names_parse(&names, argv[2]) : OFPP_NONE;
	session_open(&s, arg, argv[1], "mgmt");
	ofp_encode_port_desc_request(&request, s.version, port, session_xid(&s));
	session_show_stats(&s, &request);
	buf_done(&request);
	session_close(&s);
	port_names_done(&names);
}

static void queue_stats(int argc, char *argv[], void *arg)
{
	struct session s;
	struct buf request = BUF_INIT;
	struct port_names names;
	port_names_init(&names, arg, argv[1]);
	uint32_t port = OFPP_NONE, queue = UINT32_MAX;
	if (argc > 2 && *argv[2] && strcasecmp(argv[2], "all"))
		port = port_names_parse(&names, argv[2]);
	if (argc > 3 && *argv[3] && strcasecmp(argv[3], "all"))
		queue = (uint32_t)strtoul(argv[3], NULL, 10);
	session_open(&s, arg, argv[1], "mgmt");
	ofp_encode_queue_stats_request(&request, s.version, port, queue, session_xid(&s));
	session_show_stats(&s, &request);
	buf_done(&request);
	session_close(&s);
	port_names_done(&names);
}

// --- mod-port

static const struct {
	const char *name;
	uint32_t config, mask;
} port_actions[] = {
	{"up", 0, OFPPC_PORT_DOWN},
	{"down", OFPPC_PORT_DOWN, OFPPC_PORT_DOWN},
	{"stp", 0, OFPPC_NO_STP},
	{"no-stp", OFPPC_NO_STP, OFPPC_NO_STP},
	{"receive", 0, OFPPC_NO_RECV},
	{"no-receive", OFPPC_NO_RECV, OFPPC_NO_RECV},
	{"receive-stp", 0, OFPPC_NO_RECV_STP},
	{"no-receive-stp", OFPPC_NO_RECV_STP, OFPPC_NO_RECV_STP},
	{"flood", 0, OFPPC_NO_FLOOD},
	{"no-flood", OFPPC_NO_FLOOD, OFPPC_NO_FLOOD},
	{"noflood", OFPPC_NO_FLOOD, OFPPC_NO_FLOOD},
	{"forward", 0, OFPPC_NO_FWD},
	{"no-forward", OFPPC_NO_FWD, OFPPC_NO_FWD},
	{"packet-in", 0, OFPPC_NO_PACKET_IN},
	{"no-packet-in", OFPPC_NO_PACKET_IN, OFPPC_NO_PACKET_IN},
};

struct port_search {
	const char *text;
	uint32_t number;
	bool by_number, found;
	struct ofp_port_desc desc;
};

static void search_port(void *arg, const struct ofp_port_desc *desc)
{
	struct port_search *p = arg;
	if (p->by_number ? desc->port_no == p->number : !strcmp(desc->name, p->text)) {
		p->desc = *desc;
		p->found = true;
	}
}

static void mod_port(int argc, char *argv[], void *arg)
{
	struct ofctl *o = arg;
	struct session s;
	struct buf b = BUF_INIT;
	struct port_search p = {.text = argv[2]};
	p.by_number = ofp_port_parse(argv[2], NULL, NULL, &p.number);
	session_open(&s, o, argv[1], "mgmt");
	session_ports(&s, search_port, &p);
	if (!p.found || (!p.by_number && o->use_names < 0))
		command_die("%s: couldn't find port `%s'", argv[1], argv[2]);
	struct ofp_port_mod pm = {.port_no = p.desc.port_no};
	memcpy(pm.hw_addr, p.desc.hw_addr, 6);
	for (size_t i = 0; i < sizeof(port_actions) / sizeof(port_actions[0]); i++)
		if (!strcasecmp(argv[3], port_actions[i].name)) {
			pm.config = port_actions[i].config;
			pm.mask = port_actions[i].mask;
		}
	if (!pm.mask)
		command_die("unknown mod-port command '%s'", argv[3]);
	ofp_encode_port_mod(&b, &pm, s.version, session_xid(&s));
	session_send_or_die(&s, &b);
	buf_done(&b);
	session_close(&s);
}

// --- Fragments.

static struct ofp_config fetch_config(struct session *s)
{
	struct buf request = BUF_INIT;
	struct ofp_msg m;
	struct ofp_config config;
	size_t n;
	ofp_encode_simple(&request, OFPTYPE_GET_CONFIG_REQUEST, s->version, session_xid(s));
	const uint8_t *reply = session_transact(s, &request, &n);
	if (ofp_msg_decode(reply, n, &m) || m.type != OFPTYPE_GET_CONFIG_REPLY ||
	    ofp_decode_config(&m, &config))
		command_die("%s: bad reply to config request", ofclient_name(s->of));
	buf_done(&request);
	return config;
}

static void get_frags(int argc, char *argv[], void *arg)
{
	struct session s;
	session_open(&s, arg, argv[1], "mgmt");
	struct ofp_config config = fetch_config(&s);
	puts(ofp_frag_mode_name(config.frag));
	session_close(&s);
}

static void set_frags(int argc, char *argv[], void *arg)
{
	struct session s;
	struct buf b = BUF_INIT;
	int mode = -1;
	for (int i = OFP_FRAG_NORMAL; i <= OFP_FRAG_NX_MATCH; i++)
		if (!strcasecmp(argv[2], ofp_frag_mode_name((enum ofp_frag_mode)i)))
			mode = i;
	if (mode < 0)
		command_die("%s: unknown fragment handling mode", argv[2]);
	session_open(&s, arg, argv[1], "mgmt");
	struct ofp_config config = fetch_config(&s);
	if ((int)config.frag != mode) {
		config.frag = (enum ofp_frag_mode)mode;
		ofp_encode_config(&b, OFPTYPE_SET_CONFIG, &config, s.version, session_xid(&s));
		session_send_or_die(&s, &b);
		buf_done(&b);
		config = fetch_config(&s);
		if ((int)config.frag != mode)
			command_die("%s: setting fragment handling mode failed (this switch "
				    "probably doesn't support mode \"%s\")",
				    argv[1], argv[2]);
	}
	session_close(&s);
}

static void list_port(void *arg, const struct ofp_port_desc *desc)
{
	struct port_names *names = arg;
	if (desc->port_no < OFPP_MAX)
		vec_push(&names->ports, *desc);
}

static void print_queues(struct session *s, uint32_t port, uint32_t queue)
{
	struct buf request = BUF_INIT;
	ofp_encode_queue_config_request(&request, s->version, port, queue, session_xid(s));
	session_show_stats(s, &request);
	buf_done(&request);
}

static void queue_get_config(int argc, char *argv[], void *arg)
{
	struct session s;
	struct port_names names;
	port_names_init(&names, arg, argv[1]);
	uint32_t port = OFPP_NONE, queue = OFPQ_ALL;
	if (argc > 2 && strcasecmp(argv[2], "any") && strcasecmp(argv[2], "all"))
		port = port_names_parse(&names, argv[2]);
	if (argc > 3 && *argv[3] && strcasecmp(argv[3], "all") && parse_u32(argv[3], 0, &queue))
		command_die("%s is not the number of a queue, nor ALL", argv[3]);
	session_open(&s, arg, argv[1], "mgmt");
	if (s.version == OFP10 && port == OFPP_NONE) {
		// 1.0 asks about single ports.
		session_ports(&s, list_port, &names);
		VEC_FOREACH (&names.ports, i)
			print_queues(&s, names.ports.v[i].port_no, queue);
	} else {
		print_queues(&s, port, queue);
	}
	session_close(&s);
	port_names_done(&names);
}

const struct command show_commands[] = {
	{"show", "switch", 1, 1, show},
	{"dump-desc", "switch", 1, 1, dump_desc},
	{"dump-tables", "switch", 1, 1, dump_tables},
	{"dump-table-features", "switch", 1, 1, dump_table_features},
	{"dump-ports", "switch [port]", 1, 2, dump_ports},
	{"dump-ports-desc", "switch [port]", 1, 2, dump_ports_desc},
	{"queue-stats", "switch [port [queue]]", 1, 3, queue_stats},
	{"queue-get-config", "switch [port [queue]]", 1, 3, queue_get_config},
	{"mod-port", "switch iface act", 3, 3, mod_port},
	{"get-frags", "switch", 1, 1, get_frags},
	{"set-frags", "switch frag_mode", 2, 2, set_frags},
	{0},
};
