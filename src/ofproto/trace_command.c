/* SPDX-License-Identifier: Apache-2.0 */
// ofproto/trace and ofproto/trace-packet-out: what would become of a packet.
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "flow/compose.h"
#include "flow/match.h"
#include "flow/options.h"
#include "ofproto/backer_internal.h"
#include "ofproto/flow_mod.h"
#include "ofproto/ofproto.h"
#include "ofproto/trace_passes.h"
#include "ofproto/xlate.h"

enum { MAX_ARGS = 4, ETHERNET_HEADER = 14, PAYLOAD = 64, MAX_PAYLOAD = 9000 };

struct request {
	const char *v[MAX_ARGS]; // what is left of the arguments without options
	int n;
	bool packet_out, generate, names, verdict, json;
	const char *why_not, *payload; // payload: hexadecimal digits
	uint32_t payload_len;
	const char *actions; // of trace-packet-out
	struct backer *backer;
	struct ofproto *ofproto;
	struct flow flow; // with an OpenFlow in_port
	struct buf frame;
	bool has_packet;
};

// --- Names of ports.

const char *trace_port_name(void *ofproto, uint32_t port)
{
	struct ofproto_port_info info;
	return ofproto_find_port(ofproto, port, &info) ? NULL : info.name;
}

int trace_port_number(void *ofproto, const char *name, uint32_t *port)
{
	struct ofproto_port_info info;
	int error = ofproto_find_port_by_name(ofproto, name, &info);
	if (!error)
		*port = info.ofp_port;
	return error;
}

// --- Arguments.

// Takes the error's text. Always false.
static bool fail(struct str *out, struct error *e)
{
	str_add(out, error_text(e));
	error_free(e);
	return false;
}

static bool is_option(const char *arg, const char *name)
{
	return arg[0] == '-' && !strcmp(arg + (arg[1] == '-' ? 2 : 1), name);
}

static bool check_ct_states(const char *text, struct str *out)
{
	while (*text) {
		size_t n = strcspn(text, ",| ");
		const struct flag_name *f = ct_state_flag_names;
		while (f->name && (strlen(f->name) != n || strncmp(f->name, text, n)))
			f++;
		if (n && !f->name) {
			str_addn(out, text, n);
			str_add(out, ": unknown connection tracking state flag");
			return false;
		}
		text += n + (text[n] != '\0');
	}
	return true;
}

static bool parse_options(struct request *r, int argc, const char *argv[], struct str *out)
{
	bool l7 = false;
	for (int i = 1; i < argc; i++) {
		const char *a = argv[i];
		if (a[0] != '-') {
			if (r->n == MAX_ARGS - !r->packet_out) {
				str_add(out, "too many arguments");
				return false;
			}
			r->v[r->n++] = a;
		} else if (is_option(a, "generate")) {
			r->generate = true;
		} else if (is_option(a, "names")) {
			r->names = true;
		} else if (is_option(a, "no-names")) {
			r->names = false;
		} else if (is_option(a, "l7") && i + 1 < argc) {
			r->payload = argv[++i];
			l7 = true;
		} else if (is_option(a, "l7-len") && i + 1 < argc) {
			if (parse_u32(argv[++i], 10, &r->payload_len) ||
			    r->payload_len > MAX_PAYLOAD) {
				str_addf(out, "--l7-len %s: a number of bytes up to %d is wanted",
					 argv[i], MAX_PAYLOAD);
				return false;
			}
			l7 = true;
		} else if (is_option(a, "verdict")) {
			r->verdict = true;
		} else if (is_option(a, "why-not") && i + 1 < argc) {
			r->why_not = argv[++i];
		} else if (is_option(a, "format") && i + 1 < argc) {
			i++;
			if (strcmp(argv[i], "json") && strcmp(argv[i], "text")) {
				str_addf(out, "--format %s: json or text is wanted", argv[i]);
				return false;
			}
			r->json = !strcmp(argv[i], "json");
		} else if (is_option(a, "consistent") && r->packet_out) {
			// Actions are always checked against the flow.
		} else if (is_option(a, "ct-next")) {
			// What ct() finds next: no action of that name gets this far, so there is
			// nothing to apply it to.
			if (i + 1 >= argc) {
				str_add(out, "Missing argument for option --ct-next");
				return false;
			}
			if (!check_ct_states(argv[++i], out))
				return false;
		} else {
			str_addf(out, "%s: unknown option", a);
			return false;
		}
	}
	if (l7 && !r->generate) {
		str_add(out, "--l7 and --l7-len need --generate");
		return false;
	}
	if (r->packet_out) {
		if (r->n < 2) {
			str_add(out, "Syntax error: actions are missing");
			return false;
		}
		r->actions = r->v[--r->n];
	}
	if (!r->n) {
		str_add(out, "syntax error: a flow is missing");
		return false;
	}
	return true;
}

static bool parse_hex(const char *s, struct buf *frame)
{
	for (;; s += 2) {
		while (isspace((unsigned char)*s))
			s++;
		if (!*s)
			return true;
		if (!isxdigit((unsigned char)s[0]) || !isxdigit((unsigned char)s[1]))
			return false;
		unsigned int byte = 0;
		for (int i = 0; i < 2; i++) {
			int c = tolower((unsigned char)s[i]);
			byte = byte * 16 + (unsigned int)(isdigit(c) ? c - '0' : c - 'a' + 10);
		}
		buf_add_u8(frame, (uint8_t)byte);
	}
}

static bool take_packet(struct request *r, const char *hex, struct str *out)
{
	if (!parse_hex(hex, &r->frame)) {
		str_add(out, "Trailing garbage in packet data");
		return false;
	}
	if (r->frame.len < ETHERNET_HEADER) {
		str_add(out, "Packet data too short for Ethernet");
		return false;
	}
	r->has_packet = true;
	return true;
}

// "ovs-netdev"; NULL: the only one there is.
static struct backer *find_backer(const struct backers *bs, const char *name)
{
	if (!name)
		return bs->v.n == 1 ? bs->v.v[0] : NULL;
	VEC_FOREACH (&bs->v, i)
		if (!strcmp(dp_name(bs->v.v[i]->dp), name))
			return bs->v.v[i];
	return NULL;
}

static bool use_dp_flow(struct request *r, const struct backers *bs, const char *dp,
			const char *text, struct str *out)
{
	r->backer = find_backer(bs, dp);
	if (!r->backer) {
		str_add(out, "Cannot find the datapath");
		return false;
	}
	struct flow mask;
	struct error *e = dpkey_parse(text, &r->flow, &mask, dp_text_port_number, r->backer->dp);
	if (e)
		return fail(out, e);
	const struct xlate_port *port =
		xlate_snapshot_dp_port(backer_snapshot(r->backer), r->flow.in_port);
	if (!port) {
		str_addf(out, "no OpenFlow port for datapath port %u", r->flow.in_port);
		return false;
	}
	r->ofproto = port->bridge->ofproto;
	if (r->flow.tunnel.options && !options_to_fields(ofproto_options(r->ofproto), &r->flow)) {
		str_add(out, "the packet is dropped: it has an option that is not as long as "
			     "tlv-map says, or a critical one that no "
			     "field stands for");
		return false;
	}
	r->flow.in_port = port->ofp_port;
	return true;
}

struct error *trace_parse_flow(const char *text, ofp_port_number_cb *number, void *arg,
			       const struct option_table *options, struct match *match)
{
	char *copy = xstrdup(text), *at = copy, *key, *value;
	struct error *e = NULL;
	match_init_any(match);
	match->table = options;
	while (!e && key_value_scan(&at, &key, &value)) {
		bool known;
		if (value && strchr(value, '/'))
			e = error_new("bad value for %s (%s: wildcards not allowed here)", key,
				      value);
		else
			e = match_parse_field(match, key, value, &known, number, arg);
		if (!e && !known)
			e = error_new("unknown field %s", key);
	}
	free(copy);
	return e ? error_wrap(e, "%s", text) : NULL;
}

static bool use_bridge_flow(struct request *r, struct ofproto_system *system, const char *bridge,
			    const char *text, struct str *out)
{
	r->ofproto = ofproto_find(system, bridge);
	if (!r->ofproto) {
		str_addf(out, "%s: unknown bridge", bridge);
		return false;
	}
	r->backer = ofproto_backer(r->ofproto);
	struct match match;
	struct error *e = trace_parse_flow(text, trace_port_number, r->ofproto,
					   ofproto_options(r->ofproto), &match);
	if (e) {
		str_add(out, "Bad openflow flow syntax: ");
		return fail(out, e);
	}
	flow_copy(&r->flow, &match.flow);
	if (!match.mask.in_port)
		r->flow.in_port = OFPP_NONE;
	for (unsigned int i = 0; i < FLOW_MAX_VLANS; i++)
		if (r->flow.vlan[i].tci & BE16(FLOW_VLAN_CFI) && !r->flow.vlan[i].tpid)
			r->flow.vlan[i].tpid = BE16(0x8100);
	return true;
}

static bool is_dp_flow(const char *text)
{
	struct flow flow, mask;
	// Only the syntax matters here: names of ports would need a datapath.
	struct error *e = dpkey_parse(text, &flow, &mask, NULL, NULL);
	bool ok = !e || strstr(text, "in_port(");
	error_free(e);
	return ok;
}

// -generate: a packet that the flow could be of.
static bool compose(struct request *r, struct str *out)
{
	struct buf payload = BUF_INIT;
	if (r->payload && !parse_hex(r->payload, &payload)) {
		str_add(out, "Invalid hex digits in --l7");
		buf_done(&payload);
		return false;
	}
	size_t n = r->payload ? payload.len : r->payload_len ? r->payload_len : PAYLOAD;
	flow_compose(&r->flow, r->payload ? payload.data : NULL, n, &r->frame);
	buf_done(&payload);
	return true;
}

static bool parse_request(struct request *r, struct ofproto_system *system, struct str *out)
{
	const struct backers *bs = ofproto_system_backers(system);
	bool dp_first = is_dp_flow(r->v[0]);
	int with_flow = dp_first ? 1 : 2; // arguments up to the flow
	if (r->n < with_flow) {
		str_addf(out, "syntax error at %s (or the bridge name was omitted)", r->v[0]);
		return false;
	}
	if (r->n > with_flow + 1 || (r->n > with_flow && r->generate)) {
		str_add(out, "too many arguments");
		return false;
	}
	if (r->n > with_flow && !take_packet(r, r->v[with_flow], out))
		return false;
	bool ok;
	if (dp_first)
		ok = use_dp_flow(r, bs, NULL, r->v[0], out);
	else if (is_dp_flow(r->v[1]))
		ok = use_dp_flow(r, bs, r->v[0], r->v[1], out);
	else
		ok = use_bridge_flow(r, system, r->v[0], r->v[1], out);
	if (ok && r->has_packet) {
		const struct xlate_bridge *b =
			xlate_snapshot_bridge(backer_snapshot(r->backer), ofproto_id(r->ofproto));
		flow_extract_vlans(r->frame.data, r->frame.len, r->frame.len,
				   b ? b->vlan_limit : FLOW_MAX_VLANS, &r->flow);
	}
	return ok && (!r->generate || compose(r, out));
}

// --- The answer.

static bool parse_actions(const struct request *r, struct buf *actions, struct str *out)
{
	uint32_t usable = 0;
	struct ofpact_text text = {.port_number = trace_port_number, .arg = r->ofproto};
	struct error *e = ofpacts_parse(r->actions, &text, actions, &usable);
	if (e)
		return fail(out, e);
	struct match match = {.flow = r->flow};
	memset(&match.mask, 0xff, sizeof(match.mask));
	if (actions_check_support(actions->data, actions->len)) {
		str_addf(out, "%s: there is an action that this switch does not have", r->actions);
		return false;
	}
	if (ofpacts_check(actions->data, actions->len, &match, OFPP_MAX, 0, OFPROTO_N_TABLES,
			  usable & 2 ? 1 : 4, NULL)) {
		str_addf(out, "%s: the actions do not fit the packet", r->actions);
		return false;
	}
	return true;
}

static bool answer(const struct request *r, const struct trace_answer *a, struct str *out)
{
	if (r->json) {
		trace_answer_json(a, out);
		return true;
	}
	if (r->verdict) {
		str_add(out, "Verdict: ");
		trace_answer_verdict(a, out);
		str_addc(out, '\n');
	}
	trace_answer_format(a, out);
	if (!r->why_not)
		return true;
	struct error *e = trace_why_not(a, r->why_not, out);
	if (!e)
		return true;
	str_clear(out);
	return fail(out, e);
}

static bool run(const struct request *r, const struct buf *ofpacts, struct str *out)
{
	struct trace_passes passes = {.of = {0}};
	const void *actions =
		ofpacts->data ? (const void *)ofpacts->data : ""; // an empty list drops
	trace_passes_run(&passes,
			 &(struct xlate_in){.backer = r->backer,
					    .flow = &r->flow,
					    .ofproto = r->ofproto,
					    .actions = r->packet_out ? actions : NULL,
					    .actions_len = ofpacts->len,
					    .frame = r->frame.data,
					    .frame_len = r->frame.len,
					    .may_learn = r->has_packet || r->generate,
					    .packet_out = r->packet_out},
			 r->has_packet, r->names);
	bool ok = answer(r, &passes.of.v[0]->answer, out);
	trace_passes_done(&passes);
	return ok;
}

static bool trace(struct ofproto_system *system, int argc, const char *argv[], bool packet_out,
		  struct str *out)
{
	struct request r = {.packet_out = packet_out};
	struct buf ofpacts = BUF_INIT;
	bool ok = parse_options(&r, argc, argv, out) && parse_request(&r, system, out) &&
		  (!packet_out || parse_actions(&r, &ofpacts, out));
	ok = ok && run(&r, &ofpacts, out);
	buf_done(&r.frame);
	buf_done(&ofpacts);
	return ok;
}

bool trace_command(struct ofproto_system *system, int argc, const char *argv[], struct str *out)
{
	return trace(system, argc, argv, false, out);
}

bool trace_packet_out_command(struct ofproto_system *system, int argc, const char *argv[],
			      struct str *out)
{
	return trace(system, argc, argv, true, out);
}
