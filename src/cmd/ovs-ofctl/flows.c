/* SPDX-License-Identifier: Apache-2.0 */
// Commands that read and change flow tables, and packet-out.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "cmd/ovs-ofctl/ofctl.h"

enum { BATCH = 64 * 1024 };

// --- Changing.

static void put_flow_mod(struct session *s, struct buf *b, const struct ofp_flow_mod *fm)
{
	size_t before = b->len;
	ofp_encode_flow_mod(b, fm, s->protocol, session_xid(s));
	if (b->len == before)
		command_die("a flow does not fit into an OpenFlow message");
}

static void stream_in_batches(struct session *s, const struct buf *messages)
{
	uint8_t *data = messages->data;
	size_t from = 0;
	for (size_t at = 0; at < messages->len;) {
		at += ofp_length(data + at);
		if (at - from < BATCH && at < messages->len)
			continue;
		const struct buf part = {.data = data + from, .len = at - from};
		session_stream(s, &part);
		from = at;
	}
}

// All of the file must be right before any of it is sent, and says which flow formats can carry it.
// If the switch takes another one than the best of these, it is read once more.
static void flow_mod_file(struct ofctl *o, const char *target, const char *name, int command)
{
	struct flow_file file;
	struct flow_messages m = {0};
	struct port_names names;
	struct session s;
	port_names_init(&names, o, target);
	flow_file_read(&file, name);
	flow_file_encode(&file, o, &names, command, o->bundle ? BUNDLE_PROTOCOLS : OFPROTO_ALL, &m);
	session_open_for_flow_mod(&s, o, target, m.usable);
	if (m.protocol != s.protocol)
		flow_file_encode(&file, o, &names, command, s.protocol, &m);
	flow_messages_check(&m);
	for (size_t at = 0; at < m.bytes.len; at += ofp_length(m.bytes.data + at))
		ofp_set_xid(m.bytes.data + at, session_xid(&s));
	if (o->bundle) {
		session_bundle(&s, &m.bytes);
	} else {
		stream_in_batches(&s, &m.bytes);
		session_stream_end(&s);
	}
	buf_done(&m.bytes);
	session_close(&s);
	flow_file_done(&file);
	port_names_done(&names);
}

static void flow_mod(int argc, char *argv[], struct ofctl *o, int command)
{
	if (argc > 2 && !strcmp(argv[2], "-")) {
		flow_mod_file(o, argv[1], argv[2], command == OFPFC_ADD ? -1 : command);
		return;
	}
	struct ofp_flow_mod fm = {0};
	struct port_names names;
	uint32_t usable;
	struct session s;
	struct buf b = BUF_INIT;
	char none[] = "";
	port_names_init(&names, o, argv[1]);
	flow_parse_or_die(o, &names, argc > 2 ? argv[2] : none, command, NULL, &fm, &usable);
	session_open_for_flow_mod(&s, o, argv[1], o->bundle ? usable & BUNDLE_PROTOCOLS : usable);
	put_flow_mod(&s, &b, &fm);
	if (o->bundle)
		session_bundle(&s, &b);
	else
		session_send_or_die(&s, &b);
	buf_done(&b);
	session_close(&s);
	ofp_flow_mod_done(&fm);
	port_names_done(&names);
}

static void add_flow(int argc, char *argv[], void *arg)
{
	flow_mod(argc, argv, arg, OFPFC_ADD);
}

static void add_flows(int argc, char *argv[], void *arg)
{
	flow_mod_file(arg, argv[1], argv[2], -1);
}

static void mod_flows(int argc, char *argv[], void *arg)
{
	struct ofctl *o = arg;
	flow_mod(argc, argv, o, o->strict ? OFPFC_MODIFY_STRICT : OFPFC_MODIFY);
}

static void del_flows(int argc, char *argv[], void *arg)
{
	struct ofctl *o = arg;
	flow_mod(argc, argv, o, o->strict ? OFPFC_DELETE_STRICT : OFPFC_DELETE);
}

// --- Reading.

static void open_dump(struct ofctl *o, int argc, char *argv[], bool aggregate, struct session *s,
		      struct buf *request)
{
	struct port_names names;
	struct ofp_flow_stats_request r;
	uint32_t usable;
	port_names_init(&names, o, argv[1]);
	struct ofpact_text t = port_names_to_parse(&names);
	end_on_error(NULL,
		     flow_stats_request_parse(argc > 2 ? argv[2] : "", aggregate, &t, &r, &usable));
	port_names_done(&names);
	session_open_for_dump(s, o, argv[1], usable);
	ofp_encode_flow_stats_request(request, &r, s->protocol, session_xid(s));
}

struct sorted_flow {
	struct kept_match match;
	uint16_t priority;
	size_t number; // in the order of the switch, which alike ones keep
	char *text;
};
struct flow_list {
	struct session *session;
	VEC(struct sorted_flow) flows;
	bool sort;
};

static void take_flows(void *arg, const uint8_t *msg, size_t n)
{
	struct flow_list *l = arg;
	struct ofp_msg m;
	struct ofp_flow_stats fs;
	struct buf actions = BUF_INIT;
	struct str text = text_to_show(l->session->ofctl);
	struct ofp_print_options options = port_names_to_print(&l->session->names);
	if (ofp_msg_decode(msg, n, &m) || m.type != OFPTYPE_FLOW_STATS_REPLY) {
		session_print(l->session, stderr, msg, n, l->session->ofctl->verbosity + 1);
		exit(EXIT_FAILURE);
	}
	int error;
	while (!(error = ofp_flow_stats_pull(&m, &m.body, &actions, &fs))) {
		str_clear(&text);
		if (m.nx)
			fs.idle_age = fs.hard_age = -1;
		str_addc(&text, ' ');
		ofp_print_flow_stats(&text, &fs, &options);
		if (!l->sort) {
			str_addc(&text, '\n');
			fwrite(text.s, 1, text.len, stdout);
			continue;
		}
		struct sorted_flow f = {
			.priority = fs.priority, .number = l->flows.n, .text = xstrdup(text.s)};
		kept_match_init(&f.match, &fs.match);
		vec_push(&l->flows, f);
	}
	if (error != -ENODATA)
		session_bad_reply(l->session, msg, n);
	str_done(&text);
	buf_done(&actions);
}

// Options of tunnels: by number, however long they are.
static int compare_option(const struct field *f, const struct match *a, const struct match *b,
			  bool descending)
{
	const struct match *m[2] = {a, b};
	union field_value v[2] = {{{0}}, {{0}}};
	bool has[2];
	for (int i = 0; i < 2; i++) {
		struct field space;
		union field_value own;
		const struct field *row = match_field(m[i], f, &space);
		has[i] = row;
		if (!row)
			continue;
		field_get_value(row, &m[i]->flow, &own);
		memcpy(v[i].b + f->n_bytes - row->n_bytes, own.b, row->n_bytes);
	}
	if (has[0] != has[1])
		return has[1] - has[0];
	int order = memcmp(v[0].b, v[1].b, f->n_bytes);
	return descending ? -order : order;
}

static bool has_field(const struct field *f, const struct match *m)
{
	static const union field_value zero;
	union field_value mask = zero;
	field_get_value(f, &m->mask, &mask);
	return memcmp(&mask, &zero, sizeof(zero)) && field_prereqs_ok(f, &m->flow, NULL);
}

// A flow without the field comes after those that have it, in both directions.
static int compare_field(const struct field *f, const struct match *a, const struct match *b,
			 bool descending)
{
	union field_value va, vb;
	bool has_a = has_field(f, a), has_b = has_field(f, b);
	if (has_a != has_b)
		return has_a ? -1 : 1;
	field_get_value(f, &a->flow, &va);
	field_get_value(f, &b->flow, &vb);
	int order = memcmp(va.b, vb.b, f->n_bytes);
	return descending ? -order : order;
}

static int compare_flows(const void *pa, const void *pb, void *arg)
{
	const struct sorted_flow *a = pa, *b = pb;
	const struct ofctl *o = arg;
	VEC_FOREACH (&o->sort, i) {
		const struct sort_key *k = &o->sort.v[i];
		int order = (a->priority > b->priority) - (a->priority < b->priority);
		if (k->field) {
			struct match ma, mb;
			kept_match_expand(&a->match, &ma);
			kept_match_expand(&b->match, &mb);
			order = (k->field->place == FIELD_PLACE_OPTION
					 ? compare_option
					 : compare_field)(k->field, &ma, &mb, k->descending);
		} else if (k->descending) {
			order = -order;
		}
		if (order)
			return order;
	}
	return (a->number > b->number) - (a->number < b->number);
}

static void dump_flows(int argc, char *argv[], void *arg)
{
	struct ofctl *o = arg;
	struct session s;
	struct buf request = BUF_INIT;
	open_dump(o, argc, argv, false, &s, &request);
	if (!o->sort.n && o->use_names <= 0 && !o->no_stats) {
		session_show_stats(&s, &request);
	} else {
		struct flow_list l = {.session = &s, .sort = o->sort.n};
		session_stats(&s, &request, take_flows, &l);
		if (l.flows.n)
			qsort_r(l.flows.v, l.flows.n, sizeof(l.flows.v[0]), compare_flows, o);
		VEC_FOREACH (&l.flows, i) {
			puts(l.flows.v[i].text);
			free(l.flows.v[i].text);
			kept_match_done(&l.flows.v[i].match);
		}
		vec_done(&l.flows);
	}
	buf_done(&request);
	session_close(&s);
	hidden_flows_tell(argv[1]);
}

static void dump_aggregate(int argc, char *argv[], void *arg)
{
	struct session s;
	struct buf request = BUF_INIT;
	open_dump(arg, argc, argv, true, &s, &request);
	session_show_stats(&s, &request);
	buf_done(&request);
	session_close(&s);
}

// --- packet-out

static void packet_out(int argc, char *argv[], void *arg)
{
	struct ofctl *o = arg;
	struct session s;
	struct port_names names;
	struct ofp_packet_out po = {0};
	struct buf b = BUF_INIT;
	uint8_t *frame = NULL;
	uint32_t usable;
	if (argc == 4)
		command_die("Too many arguments (%d)", argc);
	port_names_init(&names, o, argv[1]);
	struct ofpact_text t = port_names_to_parse(&names);
	struct str text = STR_INIT;
	if (argc > 4) { // SWITCH IN_PORT ACTIONS PACKET...: what is wrong with actions first
		struct error *e = ofpacts_parse_actions(argv[3], &t, &b, &usable);
		end_on_error(NULL, e);
		buf_clear(&b);
		(void)port_names_parse(&names, argv[2]);
		session_open_for_flow_mod(&s, o, argv[1], usable);
	}
	for (int i = argc > 4 ? 4 : 2; i < argc; i++) {
		str_clear(&text);
		if (argc > 4)
			str_addf(&text, "in_port=%s packet=%s actions=%s", argv[2], argv[i],
				 argv[3]);
		else
			str_add(&text, argv[2]);
		struct error *e = packet_out_parse(str_cstr(&text), &t, &po, &frame, &usable);
		const char *why = error_text(e);
		if (e)
			command_die("%s", argc > 4 && !strncmp(why, "packet: ", 8) ? why + 8 : why);
		if (argc <= 4)
			session_open_for_flow_mod(&s, o, argv[1], usable);
		ofp_encode_packet_out(&b, &po, s.protocol, session_xid(&s));
		session_send_or_die(&s, &b);
		buf_clear(&b);
		free(frame);
	}
	session_close(&s);
	str_done(&text);
	buf_done(&b);
	ofp_packet_out_done(&po);
	port_names_done(&names);
}

const struct command flow_commands[] = {
	{"dump-flows", "switch", 1, 2, dump_flows},
	{"dump-aggregate", "switch", 1, 2, dump_aggregate},
	{"add-flow", "switch flow", 2, 2, add_flow},
	{"add-flows", "switch file", 2, 2, add_flows},
	{"mod-flows", "switch flow", 2, 2, mod_flows},
	{"del-flows", "switch [flow]", 1, 2, del_flows},
	{"packet-out", "switch \"in_port=<port> packet=<hex data> actions=...\"", 2, 1 << 20,
	 packet_out},
	{0},
};
