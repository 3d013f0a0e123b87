/* SPDX-License-Identifier: Apache-2.0 */
#include "openflow/flow_text.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "openflow/action_row.h"
#include "packet/address.h"
#include "packet/headers.h"

enum { // what a description may hold besides a match
	F_OUT_PORT = 1 << 0,
	F_ACTIONS = 1 << 1,
	F_TIMEOUT = 1 << 2,
	F_PRIORITY = 1 << 3,
	F_FLAGS = 1 << 4,
	F_IMPORTANCE = 1 << 5,
};

struct flow_parse {
	struct ofp_flow_mod *fm;
	const struct ofpact_text *text;
	int command; // enum ofp_flow_mod_command; -1: a query
	unsigned int fields;
	uint32_t protocols;
	bool look_at_fields; // a term was about a field that check_fields() may refuse
};

// A beginning of a word is as good as the word: the first that fits.
static const struct {
	const char *word;
	enum ofp_flow_mod_command command;
} commands[] = {
	{"add", OFPFC_ADD},
	{"delete", OFPFC_DELETE},
	{"delete_strict", OFPFC_DELETE_STRICT},
	{"modify", OFPFC_MODIFY},
	{"modify_strict", OFPFC_MODIFY_STRICT},
};

static unsigned int fields_of(int command)
{
	switch (command) {
	case OFPFC_ADD:
		return F_ACTIONS | F_TIMEOUT | F_PRIORITY | F_FLAGS | F_IMPORTANCE;
	case OFPFC_MODIFY:
	case OFPFC_MODIFY_STRICT:
		return F_ACTIONS | F_TIMEOUT | F_PRIORITY | F_FLAGS;
	case OFPFC_DELETE_STRICT:
		return F_OUT_PORT | F_PRIORITY;
	}
	return F_OUT_PORT;
}

// Cuts the string before "actions=" and gives what follows; NULL when there is none.
static char *extract_actions(char *s)
{
	s = strstr(s, "action");
	if (!s)
		return NULL;
	*s = '\0';
	s = strchr(s + 1, '=');
	return s ? s + 1 : NULL;
}

static struct error *parse_cookie(struct flow_parse *p, char *value)
{
	struct ofp_flow_mod *fm = p->fm;
	char *slash = strchr(value, '/');
	uint64_t v, mask;
	if (!slash) {
		if (p->command != OFPFC_ADD && p->command != OFPFC_MODIFY &&
		    p->command != OFPFC_MODIFY_STRICT)
			return error_new("cannot set cookie (to match on a cookie, specify a mask, "
					 "e.g. cookie=%s/-1)",
					 value);
		struct error *e = text_u64(value, &v);
		fm->new_cookie = e ? 0 : htobe64(v);
		fm->modify_cookie = true;
		return e;
	}
	if (p->command == OFPFC_ADD)
		return error_new("flow additions cannot use a cookie mask");
	*slash = '\0';
	struct error *e = text_u64(value, &v);
	if (!e && !strcmp(slash + 1, "-1"))
		mask = UINT64_MAX;
	else if (!e)
		e = text_u64(slash + 1, &mask);
	if (e)
		return e;
	fm->cookie = htobe64(v);
	fm->cookie_mask = htobe64(mask);
	if (mask)
		p->protocols &= OFPROTO_NXM_OXM_ANY | OFPROTO_11;
	return NULL;
}

static struct error *parse_table(struct flow_parse *p, const char *value)
{
	if (!ofp_table_parse(p->text, value, &p->fm->table_id))
		return error_new("unknown table \"%s\"", value);
	if (p->fm->table_id != OFPTT_ALL)
		p->protocols &= OFPROTO_TID | OFPROTO_11 | OFPROTO_OXM_ANY;
	return NULL;
}

bool ofp_group_id_parse(const char *text, uint32_t *id)
{
	char *end;
	bool any = !strcasecmp(text, "any");
	if (any || !strcasecmp(text, "all")) {
		*id = any ? OFPG_ANY : OFPG_ALL;
		return true;
	}
	long long n = strtoll(text, &end, 10);
	*id = (uint32_t)n;
	return end != text && !*end && n >= 0 && n <= UINT32_MAX;
}

static struct error *parse_out_group(struct flow_parse *p, const char *value)
{
	p->protocols &= OFPROTO_11 | OFPROTO_OXM_ANY;
	if (!ofp_group_id_parse(value, &p->fm->out_group))
		return error_new("%s is not a valid OpenFlow group", value);
	return NULL;
}

static const struct {
	const char *word;
	uint16_t flag;
	uint32_t protocols;
} flag_words[] = {
	{"send_flow_rem", OFPFF_SEND_FLOW_REM, OFPROTO_ALL},
	{"check_overlap", OFPFF_CHECK_OVERLAP, OFPROTO_ALL},
	{"reset_counts", OFPFF_RESET_COUNTS, OFPROTO_OXM_ANY},
	{"no_packet_counts", OFPFF_NO_PKT_COUNTS, OFPROTO_13 | OFPROTO_14 | OFPROTO_15},
	{"no_byte_counts", OFPFF_NO_BYT_COUNTS, OFPROTO_13 | OFPROTO_14 | OFPROTO_15},
};

static bool parse_flag(struct flow_parse *p, const char *key)
{
	for (size_t i = 0; i < sizeof(flag_words) / sizeof(flag_words[0]); i++)
		if (key[0] == flag_words[i].word[0] && !strcmp(key, flag_words[i].word)) {
			p->fm->flags |= flag_words[i].flag;
			p->protocols &= flag_words[i].protocols;
			return true;
		}
	return false;
}

static bool same(const char *a, const char *b)
{
	return a[0] == b[0] && !strcmp(a, b);
}

static bool is_shown_only(const char *key)
{
	static const char *const words[] = {"duration", "n_packets", "n_bytes", "idle_age",
					    "hard_age"};
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (same(key, words[i]))
			return true;
	return false;
}

// What is no match field. *known false: it is none of these.
static struct error *parse_own_field(struct flow_parse *p, const char *key, char *value,
				     bool *known)
{
	struct ofp_flow_mod *fm = p->fm;
	const struct ofpact_text *t = p->text;
	*known = true;
	if (same(key, "table"))
		return parse_table(p, value);
	if (p->fields & F_OUT_PORT && same(key, "out_port")) {
		if (!ofp_port_parse(value, t ? t->port_number : NULL, t ? t->arg : NULL,
				    &fm->out_port))
			return error_new("%s is not a valid OpenFlow port", value);
		return NULL;
	}
	if (p->fields & F_OUT_PORT && same(key, "out_group"))
		return parse_out_group(p, value);
	if (p->fields & F_PRIORITY && same(key, "priority"))
		return text_u16(value, key, &fm->priority);
	if (p->fields & F_TIMEOUT && same(key, "idle_timeout"))
		return text_u16(value, key, &fm->idle_timeout);
	if (p->fields & F_TIMEOUT && same(key, "hard_timeout"))
		return text_u16(value, key, &fm->hard_timeout);
	if (p->fields & F_IMPORTANCE && same(key, "importance"))
		return text_u16(value, key, &fm->importance);
	if (same(key, "cookie"))
		return parse_cookie(p, value);
	if (is_shown_only(key))
		return NULL;
	*known = false;
	return NULL;
}

// A later term may take back what an earlier one said, but it was not said in the terms of every
// protocol.
static uint32_t protocols_of_term(const struct match_term *term, const char *value)
{
	const struct field *f = term->field;
	const union field_value *mask = &term->mask;
	if (!f || f->id == FIELD_IP_ECN) // 1.1 cannot match it, but has an action for it
		return OFPROTO_ALL;
	if (!term->masked)
		return strcmp(value, "*") ? field_protocols(f, FIELD_FIXED_EXACT) : OFPROTO_ALL;
	if (field_mask_is_zero(f, mask))
		return OFPROTO_ALL;
	if (field_mask_is_exact(f, mask) &&
	    f->id != FIELD_VLAN_VID) // a VID's mask leaves out part of the tag
		return field_protocols(f, FIELD_FIXED_EXACT);
	bool cidr = f->format == FORMAT_IPV4 && ipv4_mask_bits(mask->be32) >= 0;
	return field_protocols(f, cidr ? FIELD_FIXED_CIDR : FIELD_FIXED_MASKED);
}

// Fields that switches refuse without their prerequisites, where others are left out of a match.
static bool is_refused_alone(const struct field *f)
{
	return f->prereq == PREREQ_CT || f->prereq == PREREQ_NSH;
}

// A flow must not match more than it says because something could not be sent.
static struct error *check_fragment(const struct match *m)
{
	const struct flow *f = &m->flow, *mask = &m->mask;
	bool later = mask->nw_frag & f->nw_frag & FLOW_FRAG_LATER;
	bool ports = f->nw_proto == IP_PROTO_TCP || f->nw_proto == IP_PROTO_UDP ||
		     f->nw_proto == IP_PROTO_SCTP;
	if (later && ports && (mask->tp_src || mask->tp_dst || mask->tcp_flags))
		return error_new("nw_frag=later does not go with ports or tcp_flags, which later "
				 "fragments do not have");
	return NULL;
}

static struct error *check_fields(const struct match *m)
{
	for (int id = 0; id < FIELD_N_IDS; id++) {
		const struct field *f = field_get((enum field_id)id);
		union field_value mask;
		if (!is_refused_alone(f))
			continue;
		field_get_value(f, &m->mask, &mask);
		if (field_mask_is_zero(f, &mask))
			continue;
		if (f->prereq == PREREQ_NSH && !field_prereqs_ok(f, &m->flow, &m->mask))
			return error_new("field %s needs a match on dl_type=0x894f", f->name);
		if (f->prereq == PREREQ_CT && !field_prereqs_ok(f, &m->flow, &m->mask))
			return error_new("field %s needs a match on ip or ipv6, whichever it is "
					 "of, and on flags of ct_state that say that there is a "
					 "connection: +new, +est, +rel, +rpl, +snat, +dnat or "
					 "+trk-inv%s",
					 f->name,
					 f->id == FIELD_CT_TP_SRC || f->id == FIELD_CT_TP_DST
						 ? ", and on ct_nw_proto"
						 : "");
	}
	return NULL;
}

static struct error *parse_pair(struct flow_parse *p, const char *key, char *value)
{
	bool known, empty = !*value;
	if (p->fields & F_FLAGS && parse_flag(p, key)) // whatever its value
		return NULL;
	struct error *e = parse_own_field(p, key, value, &known);
	if (known && empty) {
		error_free(e);
		return error_new("field %s missing value", key);
	}
	if (e || known)
		return e;
	const struct ofpact_text *t = p->text;
	struct match_term term;
	e = match_parse_term(&p->fm->match, key, value, &term, t ? t->port_number : NULL,
			     t ? t->arg : NULL);
	if (!e && term.known && *value)
		p->protocols &= protocols_of_term(&term, value);
	if (!e && term.field)
		p->look_at_fields |= is_refused_alone(term.field);
	if (e || term.known)
		return e;
	return *value ? error_new("unknown keyword %s", key)
		      : error_new("field %s missing value", key);
}

static struct error *finish_actions(struct flow_parse *p, char *text, char **note)
{
	struct ofp_flow_mod *fm = p->fm;
	uint32_t protocols = OFPROTO_ALL;
	struct error *e = ofpacts_parse_in_place(text, p->text, &fm->actions, &protocols);
	if (e)
		return e;
	p->protocols &= protocols;
	int error = ofpacts_check_protocols(fm->actions.data, fm->actions.len, &fm->match, OFPP_MAX,
					    fm->table_id, 255, &p->protocols, note);
	if (!error && !p->protocols) // each alone could be sent, but not together
		error = OFPBAC_MATCH_INCONSISTENT;
	if (error)
		return error_new("actions are invalid with specified match (%s)",
				 ofperr_name(error));
	return NULL;
}

static struct error *parse_flow(struct flow_parse *p, char *s, char **note)
{
	struct ofp_flow_mod *fm = p->fm;
	char *actions = NULL, *key, *value;
	ofp_flow_mod_init(fm);
	p->protocols = OFPROTO_ALL;
	p->fields = fields_of(p->command);
	if (p->command >= 0)
		fm->command = (enum ofp_flow_mod_command)p->command;
	fm->new_cookie = p->command == OFPFC_ADD ? 0 : UINT64_MAX;
	if (p->fields & F_ACTIONS) {
		actions = extract_actions(s);
		if (!actions)
			return error_new("must specify an action");
	}
	struct error *e = NULL;
	while (!e && text_next_pair(&s, &key, &value))
		e = parse_pair(p, key, value);
	if (!e && p->look_at_fields)
		e = check_fields(&fm->match);
	if (!e)
		e = check_fragment(&fm->match);
	if (e)
		return e;
	if (!fm->cookie_mask && fm->new_cookie == UINT64_MAX &&
	    (p->command == OFPFC_MODIFY || p->command == OFPFC_MODIFY_STRICT))
		fm->new_cookie = 0; // the flow that is added when there is none to modify
	p->protocols &= match_usable_protocols(&fm->match);
	return actions ? finish_actions(p, actions, note) : NULL;
}

struct error *flow_mod_parse(char *text, int command, const struct ofpact_text *names,
			     struct ofp_flow_mod *fm, uint32_t *protocols, char **note)
{
	char *s = text;
	struct flow_parse p = {.fm = fm, .text = names, .command = command};
	if (note)
		*note = NULL;
	if (command < 0) {
		p.command = OFPFC_ADD;
		s += strspn(s, " \t\r\n");
		size_t n = strcspn(s, ", \t\r\n");
		for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
			if (!strncmp(s, commands[i].word, n)) {
				p.command = commands[i].command;
				s += n;
				break;
			}
	}
	struct error *e = parse_flow(&p, s, note);
	if (!e)
		*protocols = p.protocols;
	return e;
}

struct error *flow_stats_request_parse(const char *text, bool aggregate,
				       const struct ofpact_text *names,
				       struct ofp_flow_stats_request *r, uint32_t *protocols)
{
	struct ofp_flow_mod fm = {0};
	struct flow_parse p = {.fm = &fm, .text = names, .command = -1};
	char *copy = xstrdup(text);
	struct error *e = parse_flow(&p, copy, NULL);
	if (!e) {
		*r = (struct ofp_flow_stats_request){
			.kind = aggregate ? OFP_FLOWS_SUM : OFP_FLOWS_WHOLE,
			.match = fm.match,
			.cookie = fm.cookie,
			.cookie_mask = fm.cookie_mask,
			.out_port = fm.out_port,
			.out_group = fm.out_group,
			.table_id = fm.table_id,
		};
		// Asking for one table needs no extension.
		*protocols = p.protocols | (p.protocols & OFPROTO_10_TID ? OFPROTO_10 : 0) |
			     (p.protocols & OFPROTO_NXM_TID ? OFPROTO_NXM : 0);
	}
	ofp_flow_mod_done(&fm);
	free(copy);
	return e;
}

// --- Packet out.

static struct error *parse_packet(const char *hex, struct buf *b)
{
	for (; hex[0] && hex[1]; hex += 2) {
		unsigned int byte = 0;
		for (int i = 0; i < 2; i++) {
			char c = hex[i];
			if (!isxdigit((unsigned char)c))
				return error_new("packet: Trailing garbage in packet data");
			byte = byte << 4 | (unsigned int)(c <= '9' ? c - '0' : (c | 32) - 'a' + 10);
		}
		buf_add_u8(b, (uint8_t)byte);
	}
	if (*hex)
		return error_new("packet: Trailing garbage in packet data");
	if (b->len < 14)
		return error_new("packet: Packet data too short for Ethernet");
	return NULL;
}

static struct error *parse_packet_out_pair(struct ofp_packet_out *po, const struct ofpact_text *t,
					   const char *key, const char *value, struct buf *frame,
					   uint32_t *protocols)
{
	ofp_port_number_cb *port_number = t ? t->port_number : NULL;
	void *arg = t ? t->arg : NULL;
	if (!*value)
		return error_new("field %s missing value", key);
	if (!strcmp(key, "in_port")) {
		uint32_t port;
		if (!ofp_port_parse(value, port_number, arg, &port))
			return error_new("%s is not a valid OpenFlow port", value);
		if (port > OFPP_MAX && port != OFPP_LOCAL && port != OFPP_NONE &&
		    port != OFPP_CONTROLLER)
			return error_new("%s is not a valid OpenFlow port for PACKET_OUT", value);
		po->metadata.flow.in_port = port;
		return NULL;
	}
	if (!strcmp(key, "packet")) {
		buf_clear(frame);
		return parse_packet(value, frame);
	}
	const struct field *f = field_find(key);
	struct match_term term;
	if (!f)
		return error_new("unknown keyword %s", key);
	struct error *e = match_parse_term(&po->metadata, key, value, &term, port_number, arg);
	if (e)
		return e;
	*protocols &= protocols_of_term(&term, value);
	return !ofp_packet_out_may_say(f->id)
		       ? error_new("%s is not a valid pipeline field for PACKET_OUT", key)
		       : NULL;
}

struct error *packet_out_parse(const char *text, const struct ofpact_text *names,
			       struct ofp_packet_out *po, uint8_t **frame, uint32_t *protocols)
{
	char *copy = xstrdup(text), *s = copy, *key, *value;
	char *actions = extract_actions(s);
	struct buf packet = BUF_INIT;
	struct error *e = NULL;
	buf_clear(&po->actions);
	match_init_any(&po->metadata);
	po->metadata.flow.in_port = OFPP_CONTROLLER;
	po->metadata.mask.in_port = UINT32_MAX;
	po->buffer_id = OFP_NO_BUFFER;
	*protocols = OFPROTO_ALL;
	while (!e && text_next_pair(&s, &key, &value))
		e = parse_packet_out_pair(po, names, key, value, &packet, protocols);
	if (!e && !packet.len)
		e = error_new("must specify packet");
	if (!e && actions) {
		uint32_t usable;
		e = ofpacts_parse_actions(actions, names, &po->actions, &usable);
		*protocols &= e ? 0 : usable;
	}
	free(copy);
	if (e) {
		buf_done(&packet);
		return e;
	}
	po->packet = *frame = packet.data;
	po->packet_len = packet.len;
	return NULL;
}
