/* SPDX-License-Identifier: Apache-2.0 */
// dpctl commands that change megaflows by hand, and those that only read their text. What is put
// there by hand stays until it is taken out by hand: revalidation knows nothing that it would
// follow from.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/counter.h"
#include "base/str.h"
#include "base/uuid.h"
#include "flow/dpact.h"
#include "ofproto/backer_internal.h"
#include "ofproto/ofproto.h"

enum { DUMP_STEP = 1000, MAX_WORDS = 3, MAX_VLAN_LISTS = 8 };

struct request {
	const char *v[MAX_WORDS]; // arguments without options
	int n;
	bool may_create, clear, statistics;
	struct backer *backer;
};

static bool fail(struct str *out, const char *what, const char *why)
{
	str_addf(out, "ovs-vswitchd: %s (%s)", what, why);
	return false;
}

// [dp] and `n_after` words behind it.
static bool parse_request(struct request *r, struct ofproto_system *system, int argc,
			  const char *argv[], int n_after, struct str *out)
{
	for (int i = 1; i < argc; i++) {
		const char *a = argv[i];
		if (!strcmp(a, "--may-create"))
			r->may_create = true;
		else if (!strcmp(a, "--clear"))
			r->clear = true;
		else if (dp_command_is_flag(a, "-s", "--statistics"))
			r->statistics = true;
		else if (dp_command_is_flag(a, "-m", "--more") || !strcmp(a, "--names") ||
			 !strcmp(a, "--no-names"))
			continue; // of dumps
		else if (a[0] == '-')
			return fail(out, a, "unknown option");
		else if (r->n == MAX_WORDS)
			return fail(out, a, "too many arguments");
		else
			r->v[r->n++] = a;
	}
	if (r->n < n_after || r->n > n_after + 1)
		return fail(out, argv[0],
			    r->n < n_after ? "too few arguments" : "too many arguments");
	r->backer = dp_command_backer(system, r->n > n_after ? r->v[0] : NULL, out);
	return r->backer != NULL;
}

COUNTER(megaflow_made_by_hand);

// --- Finding a megaflow.

struct target {
	struct flow key, mask;
	struct uuid ufid;
	bool by_ufid;
};

static bool parse_target(const struct backer *b, const char *text, struct target *t,
			 struct str *out)
{
	memset(t, 0, sizeof(*t));
	if (!strncmp(text, "ufid:", 5) && !strchr(text, ',')) {
		t->by_ufid = true;
		if (uuid_parse(text + 5, &t->ufid))
			return true;
		str_addf(out,
			 "ovs-vswitchd: parsing flow ufid: %s: \"ufid:\" and a UUID are wanted",
			 text);
		return false;
	}
	struct error *e = dpkey_parse(text, &t->key, &t->mask, dp_text_port_number, b->dp);
	if (!e)
		return true;
	str_addf(out, "ovs-vswitchd: parsing flow key (%s) (Invalid argument)", error_text(e));
	error_free(e);
	return false;
}

static void as_text(const struct flow *key, const struct flow *mask_, struct str *s)
{
	struct flow mask = *mask_;
	mask.packet_type = UINT32_MAX; // Ethernet, said or not, unless something else is said
	str_clear(s);
	dpkey_format(s, key, &mask, NULL, NULL, false);
}

struct search {
	const struct target *target;
	struct str want, have;
	struct uuid ufid;
	struct dp_flow_stats stats;
	bool found, goes; // goes: it will be deleted
};

static void compare(void *search_, const struct dp_flow *flow)
{
	struct search *search = search_;
	if (search->found)
		return;
	if (search->target->by_ufid) {
		search->found = uuid_equal(flow->ufid, &search->target->ufid);
	} else {
		// The datapath may store another mask that means the same: what is written is what
		// counts.
		as_text(flow->key, flow->mask, &search->have);
		search->found = !strcmp(str_cstr(&search->have), str_cstr(&search->want));
	}
	if (search->found) {
		search->ufid = *flow->ufid;
		search->stats = flow->stats;
		if (search->goes)
			revalidator_gone_by_hand(flow);
	}
}

static bool find(const struct backer *b, const struct target *t, bool goes, struct uuid *ufid,
		 struct dp_flow_stats *stats)
{
	struct search search = {.target = t, .goes = goes, .want = STR_INIT, .have = STR_INIT};
	uint64_t position = 0;
	if (!t->by_ufid)
		as_text(&t->key, &t->mask, &search.want);
	while (!search.found && dp_flow_dump(b->dp, &position, DUMP_STEP, compare, &search))
		;
	str_done(&search.want);
	str_done(&search.have);
	*ufid = search.ufid;
	*stats = search.stats;
	return search.found;
}

// --- Changing.

static bool parse_actions(const struct backer *b, const char *text, struct buf *actions,
			  struct str *out)
{
	struct error *e = dpact_parse(actions, text, dp_text_port_number, b->dp);
	if (!e)
		return true;
	error_free(e);
	return fail(out, "parsing actions", "Invalid argument");
}

enum edit { EDIT_ADD, EDIT_MODIFY, EDIT_MODIFY_OR_ADD };

static bool put(struct backer *b, const struct target *t, const struct buf *actions,
		struct str *out)
{
	struct error *e =
		dp_flow_put(b->dp, &t->key, &t->mask, actions->data, actions->len, NULL, NULL);
	if (!e) {
		counter_inc(megaflow_made_by_hand);
		return true;
	}
	fail(out, "updating flow table", error_text(e));
	error_free(e);
	return false;
}

static bool edit(struct backer *b, const char *flow, const char *actions_text, enum edit how,
		 struct str *out)
{
	struct target t;
	struct uuid ufid;
	struct dp_flow_stats stats;
	struct buf actions = BUF_INIT;
	bool ok = parse_target(b, flow, &t, out) && parse_actions(b, actions_text, &actions, out);
	if (ok) {
		bool found = find(b, &t, false, &ufid, &stats);
		if (how == EDIT_ADD && (t.by_ufid || found))
			ok = fail(out, "updating flow table",
				  t.by_ufid ? "a flow is needed: the datapath chooses UFIDs"
					    : "File exists");
		else if (found)
			ok = !dp_flow_modify(b->dp, &ufid, actions.data, actions.len) ||
			     fail(out, "updating flow table", "Invalid argument");
		else if (how == EDIT_MODIFY || t.by_ufid)
			ok = fail(out, "updating flow table", "No such file or directory");
		else
			ok = put(b, &t, &actions, out);
	}
	buf_done(&actions);
	return ok;
}

bool dpctl_add_flow(struct ofproto_system *system, int argc, const char *argv[], struct str *out)
{
	struct request r = {.n = 0};
	return parse_request(&r, system, argc, argv, 2, out) &&
	       edit(r.backer, r.v[r.n - 2], r.v[r.n - 1],
		    r.may_create ? EDIT_MODIFY_OR_ADD : EDIT_ADD, out);
}

bool dpctl_mod_flow(struct ofproto_system *system, int argc, const char *argv[], struct str *out)
{
	struct request r = {.n = 0};
	if (!parse_request(&r, system, argc, argv, 2, out))
		return false;
	if (r.clear)
		return fail(out, "updating flow table", "Operation not supported");
	return edit(r.backer, r.v[r.n - 2], r.v[r.n - 1],
		    r.may_create ? EDIT_MODIFY_OR_ADD : EDIT_MODIFY, out);
}

static bool delete_one(struct backer *b, const char *flow, bool statistics, struct str *out)
{
	struct target t;
	struct uuid ufid;
	struct dp_flow_stats stats;
	if (!parse_target(b, flow, &t, out))
		return false;
	if (!find(b, &t, true, &ufid, &stats) || dp_flow_del(b->dp, &ufid)) {
		str_add(out, "ovs-vswitchd: deleting flow (No such file or directory)\nPerhaps you "
			     "need to specify a UFID?");
		return false;
	}
	if (statistics) {
		dp_flow_format_stats(out, &stats);
		str_addc(out, '\n');
	}
	return true;
}

bool dpctl_del_flow(struct ofproto_system *system, int argc, const char *argv[], struct str *out)
{
	struct request r = {.n = 0};
	return parse_request(&r, system, argc, argv, 1, out) &&
	       delete_one(r.backer, r.v[r.n - 1], r.statistics, out);
}

// --- Files: a line per flow, "FLOW actions:ACTIONS" as a dump prints it or "FLOW, ACTIONS"; "#"
// begins a comment.

// A word in front of the flow says what to do with it, instead of the command's own.
static const char *file_line_edit(const char *line, const char **what)
{
	static const char *const words[] = {"add", "modify", "delete"};
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		size_t n = strlen(words[i]);
		if (!strncmp(line, words[i], n) && line[n] == ' ') {
			*what = words[i];
			return line + n + 1;
		}
	}
	return line;
}

// Cuts "FLOW[, packets:..., used:..., ]actions:ACTIONS" in two. Without actions: NULL.
static char *cut_actions(char *line)
{
	char *actions = strstr(line, "actions:");
	if (actions) {
		char *statistics = strstr(line, ", packets:");
		*(statistics && statistics < actions ? statistics : actions) = '\0';
		return actions + strlen("actions:");
	}
	int depth = 0;
	for (char *p = line; *p; p++) { // the first space outside of brackets
		depth += (*p == '(') - (*p == ')');
		if (*p == ' ' && !depth) {
			*p = '\0';
			return p + 1;
		}
	}
	return NULL;
}

static bool run_line(struct backer *b, char *line, const char *otherwise, struct str *out)
{
	const char *what = otherwise;
	char *flow = line + (file_line_edit(line, &what) - line);
	char *actions = cut_actions(flow);
	size_t n = strlen(flow);
	while (n && strchr(", ", flow[n - 1]))
		flow[--n] = '\0';
	if (!strcmp(what, "delete"))
		return delete_one(b, flow, false, out);
	if (!actions)
		return fail(out, line, "actions are missing");
	return edit(b, flow, actions, !strcmp(what, "add") ? EDIT_MODIFY_OR_ADD : EDIT_MODIFY, out);
}

static bool run_file(struct ofproto_system *system, int argc, const char *argv[], const char *what,
		     struct str *out)
{
	struct request r = {.n = 0};
	if (!parse_request(&r, system, argc, argv, 1, out))
		return false;
	FILE *f = fopen(r.v[r.n - 1], "r");
	if (!f) {
		str_addf(out, "ovs-vswitchd: %s: open failed (No such file or directory)",
			 r.v[r.n - 1]);
		return false;
	}
	char *line = NULL;
	size_t cap = 0;
	bool ok = true;
	unsigned int number = 0;
	while (ok && getline(&line, &cap, f) >= 0) {
		number++;
		line[strcspn(line, "#\n")] = '\0';
		if (line[strspn(line, " \t")] && strncmp(line, "flow-dump from ", 15))
			ok = run_line(r.backer, line + strspn(line, " \t"), what, out);
	}
	if (!ok)
		str_addf(out, " in line %u of %s", number, r.v[r.n - 1]);
	free(line);
	fclose(f);
	return ok;
}

bool dpctl_add_flows(struct ofproto_system *system, int argc, const char *argv[], struct str *out)
{
	return run_file(system, argc, argv, "add", out);
}

bool dpctl_mod_flows(struct ofproto_system *system, int argc, const char *argv[], struct str *out)
{
	return run_file(system, argc, argv, "modify", out);
}

bool dpctl_del_flows(struct ofproto_system *system, int argc, const char *argv[], struct str *out)
{
	struct str why = STR_INIT;
	struct backer *b = dp_command_backer(system, argc == 2 ? argv[1] : NULL, &why);
	bool is_file = argc == 3 || (argc == 2 && !b);
	if (is_file && argc == 2 &&
	    !strchr(argv[1], '/')) { // as likely a datapath that is not there
		str_add(out, str_cstr(&why));
		str_done(&why);
		return false;
	}
	str_done(&why);
	if (is_file)
		return run_file(system, argc, argv, "delete", out);
	if (!b)
		return dp_command_backer(system, argc == 2 ? argv[1] : NULL, out) != NULL;
	revalidator_all_gone_by_hand(b);
	dp_flow_flush(b->dp);
	return true;
}

// --- Text only.

bool dpctl_parse_actions(struct ofproto_system *system, int argc, const char *argv[],
			 struct str *out)
{
	for (int i = 1; i < argc; i++) {
		struct buf actions = BUF_INIT;
		struct error *e = dpact_parse(&actions, argv[i], NULL, NULL);
		if (e) {
			error_free(e);
			buf_done(&actions);
			return fail(out, "odp_actions_from_string", "Invalid argument");
		}
		dpact_format(out, actions.data, actions.len, NULL, NULL);
		str_addc(out, '\n');
		buf_done(&actions);
	}
	return true;
}

// What the actions do to the tags of a packet of this flow, per packet that leaves: one line for
// each set of tags with which anything leaves, without tags first.
struct tagged {
	char tags[128];
	struct buf actions; // other than those on tags
};

struct normalizer {
	struct tagged lists[MAX_VLAN_LISTS];
	unsigned int n;
	char stack[4][24]; // tags of the packet, outermost last
	unsigned int depth;
};

static struct tagged *current_list(struct normalizer *z)
{
	char tags[128] = "";
	for (unsigned int i = z->depth; i-- > 0;)
		snprintf(tags + strlen(tags), sizeof(tags) - strlen(tags), "%s%s",
			 *tags ? ": " : "", z->stack[i]);
	for (unsigned int i = 0; i < z->n; i++)
		if (!strcmp(z->lists[i].tags, tags))
			return &z->lists[i];
	if (z->n == MAX_VLAN_LISTS)
		return NULL;
	struct tagged *t = &z->lists[z->n++];
	snprintf(t->tags, sizeof(t->tags), "%s", tags);
	return t;
}

static bool normalize(struct normalizer *z, const struct buf *actions)
{
	DPACT_FOREACH (a, actions->data, actions->len) {
		if (a->type == DPACT_PUSH_VLAN) {
			const struct dpact_push_vlan *push =
				(const struct dpact_push_vlan *)(const void *)a;
			unsigned int tci = be16toh(push->tci);
			if (z->depth == sizeof(z->stack) / sizeof(z->stack[0]))
				return false;
			snprintf(z->stack[z->depth++], sizeof(z->stack[0]), "vlan(vid=%u,pcp=%u)",
				 tci & 0xfff, tci >> 13);
		} else if (a->type == DPACT_POP_VLAN) {
			z->depth -= z->depth > 0;
		} else {
			struct tagged *t = current_list(z);
			if (!t)
				return false;
			buf_add(&t->actions, a, dpact_size(a));
		}
	}
	return true;
}

static int compare_tags(const void *a, const void *b)
{
	return strcmp(((const struct tagged *)a)->tags, ((const struct tagged *)b)->tags);
}

bool dpctl_normalize_actions(struct ofproto_system *system, int argc, const char *argv[],
			     struct str *out)
{
	struct flow key;
	struct buf actions = BUF_INIT;
	struct normalizer z = {.n = 0};
	if (argc != 3)
		return fail(out, argv[0], "a flow and actions are wanted");
	struct error *e = dpkey_parse(argv[1], &key, NULL, NULL, NULL);
	if (e) {
		str_addf(out, "ovs-vswitchd: odp_flow_key_from_string (%s) (Invalid argument)",
			 error_text(e));
		error_free(e);
		return false;
	}
	e = dpact_parse(&actions, argv[2], NULL, NULL);
	if (e) {
		error_free(e);
		return fail(out, "odp_actions_from_string", "Invalid argument");
	}
	str_add(out, "input flow: ");
	struct flow mask;
	flow_mask_for_packet(&key, &mask);
	str_add(out, argv[1]);
	str_addc(out, '\n');
	for (unsigned int i = FLOW_MAX_VLANS; i-- > 0;)
		if (key.vlan[i].tci)
			snprintf(z.stack[z.depth++], sizeof(z.stack[0]), "vlan(vid=%u,pcp=%u)",
				 be16toh(key.vlan[i].tci) & 0xfff, be16toh(key.vlan[i].tci) >> 13);
	bool ok = normalize(&z, &actions);
	if (z.n)
		qsort(z.lists, z.n, sizeof(z.lists[0]), compare_tags);
	for (unsigned int i = 0; i < z.n; i++) {
		struct tagged *t = &z.lists[i];
		str_addf(out, "%s: no mpls: ", *t->tags ? t->tags : "no vlan");
		dpact_format(out, t->actions.data, t->actions.len, NULL, NULL);
		str_addc(out, '\n');
		buf_done(&t->actions);
	}
	buf_done(&actions);
	return ok || fail(out, "normalize-actions", "too many different sets of tags");
}

bool dpctl_list_commands(struct ofproto_system *system, int argc, const char *argv[],
			 struct str *out)
{
	str_add(out, "The available commands are:\n");
	for (const struct ofproto_command *c = backer_commands; c->name; c++)
		if (!strncmp(c->name, "dpctl/", 6))
			str_addf(out, "  %-23s %s\n", c->name + 6, c->usage);
	return true;
}
