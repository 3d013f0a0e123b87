/* SPDX-License-Identifier: Apache-2.0 */
// diff-flows and replace-flows: two sets of flows, from files or switches, sorted by what
// identifies a flow and then merged.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "cmd/ovs-ofctl/ofctl.h"
#include "openflow/error.h"

enum { EXIT_DIFFERENCES = 2, BATCH = 64 * 1024 };

struct version {
	// What identifies the flow.
	uint8_t table;
	uint16_t priority;
	uint64_t hash; // of the match, without options of tunnels
	struct kept_match match;
	size_t serial; // among equals of one source the last counts
	// What may differ.
	be64_t cookie;
	uint16_t idle, hard, importance, flags;
	void *actions;
	size_t actions_len;
};
struct flow_set {
	VEC(struct version) flows;
	uint32_t protocols; // what can carry all of them
	bool failed;
};

static int compare_keys(const struct version *a, const struct version *b)
{
	if (a->table != b->table)
		return a->table < b->table ? -1 : 1;
	if (a->priority != b->priority)
		return a->priority > b->priority ? -1 : 1;
	if (a->hash != b->hash)
		return a->hash < b->hash ? -1 : 1;
	return kept_match_compare(&a->match, &b->match);
}

static int compare_versions(const void *pa, const void *pb)
{
	const struct version *a = pa, *b = pb;
	int order = compare_keys(a, b);
	return order ? order : a->serial < b->serial ? -1 : a->serial > b->serial;
}

static void version_done(struct version *v)
{
	kept_match_done(&v->match);
	free(v->actions);
}

static void set_done(struct flow_set *set)
{
	VEC_FOREACH (&set->flows, i)
		version_done(&set->flows.v[i]);
	vec_done(&set->flows);
}

static void set_sort(struct flow_set *set)
{
	size_t n = 0;
	if (set->flows.n)
		qsort(set->flows.v, set->flows.n, sizeof(set->flows.v[0]), compare_versions);
	VEC_FOREACH (&set->flows, i) {
		if (n && !compare_keys(&set->flows.v[n - 1], &set->flows.v[i]))
			version_done(&set->flows.v[--n]);
		set->flows.v[n++] = set->flows.v[i];
	}
	set->flows.n = n;
}

static struct version *set_add(struct flow_set *set, const struct match *match, uint8_t table,
			       uint16_t priority, const void *actions, size_t actions_len)
{
	struct version *v = vec_extend(&set->flows);
	*v = (struct version){.table = table,
			      .priority = priority,
			      .serial = set->flows.n,
			      .actions_len = actions_len};
	kept_match_init(&v->match, match);
	v->hash = minimatch_hash(&v->match.rest, 0);
	v->actions = actions_len ? xmemdup(actions, actions_len) : NULL;
	return v;
}

// --- Sources.

static bool is_file(const char *name)
{
	struct stat s;
	if (*name == '/' || *name == '.')
		return true;
	return !strchr(name, ':') && !stat(name, &s);
}

static void read_file(struct flow_set *set, struct ofctl *o, struct port_names *names,
		      const char *name)
{
	struct flow_file file;
	struct ofp_flow_mod fm = {0};
	uint32_t protocols;
	if (strcmp(name, "-")) {
		struct stat s;
		if (stat(name, &s))
			command_die("%s: open (%s)", name, strerror(errno));
	}
	flow_file_read(&file, name);
	set->protocols = OFPROTO_ALL;
	for (char *text; (text = flow_file_next(&file));) {
		flow_parse_or_die(o, names, text, OFPFC_ADD, &file, &fm, &protocols);
		struct version *v =
			set_add(set, &fm.match, fm.table_id == OFPTT_ALL ? 0 : fm.table_id,
				fm.priority, fm.actions.data, fm.actions.len);
		v->cookie = fm.new_cookie;
		v->idle = fm.idle_timeout;
		v->hard = fm.hard_timeout;
		v->importance = fm.importance;
		v->flags = fm.flags;
		set->protocols &= protocols;
	}
	ofp_flow_mod_done(&fm);
	flow_file_done(&file);
	set_sort(set);
}

static void take_flows(void *arg, const uint8_t *msg, size_t n)
{
	struct flow_set *set = arg;
	struct ofp_msg m;
	struct ofp_flow_stats fs;
	struct buf actions = BUF_INIT;
	int error = 0;
	if (ofp_msg_decode(msg, n, &m) || m.type != OFPTYPE_FLOW_STATS_REPLY)
		error = OFPBRC_BAD_TYPE;
	while (!error && !(error = ofp_flow_stats_pull(&m, &m.body, &actions, &fs))) {
		struct version *v = set_add(set, &fs.match, fs.table_id, fs.priority, fs.actions,
					    fs.actions_len);
		v->cookie = fs.cookie;
		v->idle = fs.idle_timeout;
		v->hard = fs.hard_timeout;
		v->importance = fs.importance;
		v->flags = fs.flags;
	}
	set->failed |= error != -ENODATA;
	buf_done(&actions);
}

static void read_switch(struct flow_set *set, struct session *s)
{
	struct ofp_flow_stats_request r = {
		.out_port = OFPP_NONE, .out_group = OFPG_ANY, .table_id = OFPTT_ALL};
	struct buf request = BUF_INIT;
	match_init_any(&r.match);
	ofp_encode_flow_stats_request(&request, &r, s->protocol, session_xid(s));
	session_stats(s, &request, take_flows, set);
	if (set->failed)
		command_die("%s: the switch did not list its flows", ofclient_name(s->of));
	set->protocols = OFPROTO_ALL;
	buf_done(&request);
	set_sort(set);
}

// --- Comparing.

struct diff {
	const struct ofctl *ofctl;
	struct ofp_print_options print;
	bool differ;
};

// Whether they are shown alike: what they came from may hold the same in other forms.
static bool same_actions(const struct version *a, const struct version *b)
{
	struct str ta = STR_INIT, tb = STR_INIT;
	if (a->actions_len == b->actions_len &&
	    (!a->actions_len || !memcmp(a->actions, b->actions, a->actions_len)))
		return true;
	ofpacts_format(a->actions, a->actions_len, NULL, &ta);
	ofpacts_format(b->actions, b->actions_len, NULL, &tb);
	bool same = ta.len == tb.len && !memcmp(ta.s, tb.s, ta.len);
	str_done(&ta);
	str_done(&tb);
	return same;
}

static bool same_version(const struct version *a, const struct version *b)
{
	return a->cookie == b->cookie && a->idle == b->idle && a->hard == b->hard &&
	       a->importance == b->importance && same_actions(a, b);
}

static void print_version(char sign, const struct version *v, const struct diff *d)
{
	const struct ofp_print_options *o = &d->print;
	struct str s = text_to_show(d->ofctl);
	struct match match;
	str_addc(&s, sign);
	if (v->table)
		str_addf(&s, "table=%u ", v->table);
	kept_match_expand(&v->match, &match);
	match_format(&match, &s, v->priority, o->text.port_name, o->text.arg);
	if (v->cookie)
		str_addf(&s, " cookie=0x%llx", (unsigned long long)be64toh(v->cookie));
	if (v->idle)
		str_addf(&s, " idle_timeout=%u", v->idle);
	if (v->hard)
		str_addf(&s, " hard_timeout=%u", v->hard);
	if (v->importance)
		str_addf(&s, " importance=%u", v->importance);
	if (s.len > 1 && s.s[s.len - 1] != ' ')
		str_addc(&s, ' ');
	str_add(&s, "actions=");
	ofpacts_format(v->actions, v->actions_len, &o->text, &s);
	puts(str_cstr(&s));
	str_done(&s);
}

// Calls back for each flow that is in one set only (the other NULL), or in both.
typedef void pair_cb(void *arg, const struct version *, const struct version *);
static void merge(const struct flow_set *a, const struct flow_set *b, pair_cb *cb, void *arg)
{
	size_t i = 0, j = 0;
	while (i < a->flows.n || j < b->flows.n) {
		const struct version *va = i < a->flows.n ? &a->flows.v[i] : NULL;
		const struct version *vb = j < b->flows.n ? &b->flows.v[j] : NULL;
		int order = !va ? 1 : !vb ? -1 : compare_keys(va, vb);
		cb(arg, order <= 0 ? va : NULL, order >= 0 ? vb : NULL);
		i += order <= 0;
		j += order >= 0;
	}
}

static void diff_pair(void *arg, const struct version *a, const struct version *b)
{
	struct diff *d = arg;
	if (a && b && same_version(a, b))
		return;
	d->differ = true;
	if (a)
		print_version('-', a, d);
	if (b)
		print_version('+', b, d);
}

static void diff_flows(int argc, char *argv[], void *arg)
{
	struct ofctl *o = arg;
	struct flow_set sets[2] = {0};
	struct port_names names;
	const char *bridge = !is_file(argv[1]) ? argv[1] : !is_file(argv[2]) ? argv[2] : NULL;
	port_names_init(&names, o, bridge);
	for (int i = 0; i < 2; i++)
		if (is_file(argv[i + 1]))
			read_file(&sets[i], o, &names, argv[i + 1]);
	for (int i = 0; i < 2; i++) {
		if (is_file(argv[i + 1]))
			continue;
		struct session s;
		session_open_for_dump(&s, o, argv[i + 1], OFPROTO_ALL);
		read_switch(&sets[i], &s);
		session_close(&s);
	}
	struct diff d = {.ofctl = o, .print = port_names_to_print(&names)};
	merge(&sets[0], &sets[1], diff_pair, &d);
	set_done(&sets[0]);
	set_done(&sets[1]);
	port_names_done(&names);
	if (d.differ)
		exit(EXIT_DIFFERENCES);
}

// --- replace-flows

struct replacing {
	struct session session;
	struct buf out;
	struct ofp_flow_mod fm;
	bool deleting; // first pass
};

static void send_change(struct replacing *r, const struct version *v,
			enum ofp_flow_mod_command command)
{
	struct ofp_flow_mod *fm = &r->fm;
	ofp_flow_mod_init(fm);
	kept_match_expand(&v->match, &fm->match);
	fm->command = command;
	fm->table_id = v->table;
	fm->priority = v->priority;
	if (command == OFPFC_ADD) {
		fm->new_cookie = v->cookie;
		fm->idle_timeout = v->idle;
		fm->hard_timeout = v->hard;
		fm->importance = v->importance;
		fm->flags = v->flags;
		buf_add(&fm->actions, v->actions, v->actions_len);
	}
	ofp_encode_flow_mod(&r->out, fm, r->session.protocol, session_xid(&r->session));
	if (r->out.len < BATCH || r->session.ofctl->bundle)
		return;
	session_stream(&r->session, &r->out);
	buf_clear(&r->out);
}

static void replace_pair(void *arg, const struct version *file, const struct version *at_switch)
{
	struct replacing *r = arg;
	bool readd = r->session.ofctl->readd;
	if (r->deleting && !file)
		send_change(r, at_switch, OFPFC_DELETE_STRICT);
	else if (!r->deleting && file && (readd || !at_switch || !same_version(file, at_switch)))
		send_change(r, file, OFPFC_ADD);
}

static void replace_flows(int argc, char *argv[], void *arg)
{
	struct ofctl *o = arg;
	struct flow_set file = {0}, at_switch = {0};
	struct replacing r = {.deleting = true};
	struct port_names names;
	port_names_init(&names, o, argv[1]);
	read_file(&file, o, &names, argv[2]);
	session_open_for_dump(&r.session, o, argv[1],
			      o->bundle ? file.protocols & BUNDLE_PROTOCOLS : file.protocols);
	read_switch(&at_switch, &r.session);
	merge(&file, &at_switch, replace_pair, &r);
	r.deleting = false;
	merge(&file, &at_switch, replace_pair, &r);
	if (o->bundle) {
		session_bundle(&r.session, &r.out);
	} else {
		session_stream(&r.session, &r.out);
		session_stream_end(&r.session);
	}
	session_close(&r.session);
	buf_done(&r.out);
	ofp_flow_mod_done(&r.fm);
	set_done(&file);
	set_done(&at_switch);
	port_names_done(&names);
}

const struct command diff_commands[] = {
	{"replace-flows", "switch file", 2, 2, replace_flows},
	{"diff-flows", "source1 source2", 2, 2, diff_flows},
	{0},
};
