/* SPDX-License-Identifier: Apache-2.0 */
// Datapath actions from text. The grammar is stock's, and takes all that dpact_format() prints.
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "flow/dpact.h"
#include "flow/dpact_headers.h"
#include "packet/headers.h"

enum { MAX_DEPTH = 16 };

struct parser {
	struct buf *out;
	dp_port_number_cb *port_number;
	void *arg;
	int depth;
};

static bool parse_list(struct parser *, const char **text, const char *ends);

// "f(N)" after its opening parenthesis.
static bool parse_u32(const char **text, uint32_t *out)
{
	uint64_t v;
	if (!dptext_number(text, UINT32_MAX, &v) || !dptext_literal(text, ")"))
		return false;
	*out = (uint32_t)v;
	return true;
}

static bool parse_output(struct parser *p, const char **text)
{
	uint64_t port;
	char name[64];
	uint32_t number;
	const char *s = *text;
	size_t n = strcspn(s, ",) \t\r\n");
	if (dptext_number(&s, UINT32_MAX - 1, &port) && s == *text + n) {
		dpact_add_output(p->out, (uint32_t)port);
		*text = s;
		return true;
	}
	if (!p->port_number || !n || n >= sizeof(name))
		return false;
	memcpy(name, *text, n);
	name[n] = '\0';
	if (p->port_number(p->arg, name, &number))
		return false;
	dpact_add_output(p->out, number);
	*text += n;
	return true;
}

static int hex_digit(char c)
{
	return isdigit((unsigned char)c)    ? c - '0'
	       : isxdigit((unsigned char)c) ? (c | 0x20) - 'a' + 10
					    : -1;
}

// "userspace(pid=N[,userdata(HEX)])"; the number is for datapaths of old and does not matter.
static bool parse_userspace(struct parser *p, const char **text)
{
	uint64_t pid;
	uint8_t data[1024];
	size_t n = 0;
	if (!dptext_literal(text, "pid=") || !dptext_number(text, UINT32_MAX, &pid))
		return false;
	if (dptext_literal(text, ",userdata(")) {
		for (; hex_digit((*text)[0]) >= 0 && hex_digit((*text)[1]) >= 0 && n < sizeof(data);
		     *text += 2)
			data[n++] = (uint8_t)(hex_digit((*text)[0]) << 4 | hex_digit((*text)[1]));
		if (!dptext_literal(text, ")"))
			return false;
	}
	if (!dptext_literal(text, ")"))
		return false;
	dpact_add_userspace(p->out, data, n);
	return true;
}

static bool parse_set_header(const char **text, struct dpact_set *a)
{
	const struct dpact_header_row *row = &dpact_header_rows[a->header];
	uint64_t v, m;
	if (row->fields)
		return dpfields_parse(text, row->fields, &a->key, &a->mask);
	if (a->header == DPH_TUNNEL) {
		bool ok = dptunnel_parse(text, &a->key.tunnel, &a->mask.tunnel, NULL, NULL);
		memset(&a->mask.tunnel, 0xff, sizeof(a->mask.tunnel));
		return ok;
	}
	if (a->header == DPH_MPLS) {
		uint32_t lse, mask;
		if (!dpmpls_parse(text, &lse, &mask) || !dptext_literal(text, ")"))
			return false;
		a->key.mpls.lse = htobe32(lse);
		a->mask.mpls.lse = htobe32(mask);
		return true;
	}
	if (!dptext_masked(text, UINT32_MAX, &v, &m) || !dptext_literal(text, ")"))
		return false;
	a->key.u32 = (uint32_t)v;
	a->mask.u32 = (uint32_t)m;
	return true;
}

static bool parse_set(struct parser *p, const char **text)
{
	struct dpact_set a = {.header = 0};
	size_t n = strcspn(*text, "(),");
	for (; a.header < DPH_N_HEADERS; a.header++) {
		const char *name = dpact_header_rows[a.header].name;
		if (!strncmp(name, *text, n) && !name[n])
			break;
	}
	if (a.header == DPH_N_HEADERS || (*text)[n] != '(')
		return false;
	*text += n + 1;
	if (!parse_set_header(text, &a) || !dptext_literal(text, ")"))
		return false;
	const uint8_t *mask = (const void *)&a.mask;
	uint8_t *key = (void *)&a.key;
	for (size_t i = 0; i < sizeof(a.key); i++)
		key[i] &= mask[i];
	struct dpact_set *set = dpact_add(p->out, DPACT_SET, sizeof(*set));
	set->header = a.header;
	set->key = a.key;
	set->mask = a.mask;
	return true;
}

static bool parse_push_vlan(struct parser *p, const char **text)
{
	uint64_t tpid = ETHERTYPE_VLAN_8021Q;
	uint16_t tci, mask;
	if (dptext_literal(text, "tpid=") &&
	    (!dptext_number(text, UINT16_MAX, &tpid) || !dptext_literal(text, ",")))
		return false;
	if (strncmp(*text, "vid=", 4) || !dpvlan_parse(text, &tci, &mask))
		return false;
	struct dpact_push_vlan *a = dpact_add(p->out, DPACT_PUSH_VLAN, sizeof(*a));
	a->tpid = htobe16((uint16_t)tpid);
	a->tci = htobe16(tci);
	return true;
}

static bool parse_pop_vlan(struct parser *p, const char **text)
{
	dpact_add(p->out, DPACT_POP_VLAN, sizeof(struct dpact));
	return true;
}

static bool parse_eth_type(const char **text, be16_t *out)
{
	uint64_t type;
	if (!dptext_literal(text, "eth_type=") || !dptext_number(text, UINT16_MAX, &type) ||
	    !dptext_literal(text, ")"))
		return false;
	*out = htobe16((uint16_t)type);
	return true;
}

static bool parse_label(struct parser *p, enum dpact_type action, const char **text)
{
	uint32_t lse, mask;
	be16_t type;
	if (!dpmpls_parse(text, &lse, &mask) || mask != UINT32_MAX || !dptext_literal(text, ",") ||
	    !parse_eth_type(text, &type))
		return false;
	struct dpact_push_mpls *a = dpact_add(p->out, action, sizeof(*a));
	a->lse = htobe32(lse);
	a->ethertype = type;
	return true;
}

static bool parse_push_mpls(struct parser *p, const char **text)
{
	return parse_label(p, DPACT_PUSH_MPLS, text);
}

static bool parse_add_mpls(struct parser *p, const char **text)
{
	return parse_label(p, DPACT_ADD_MPLS, text);
}

static bool parse_push_eth(struct parser *p, const char **text)
{
	return dpact_push_eth_parse(p->out, text);
}

static bool parse_pop_eth(struct parser *p, const char **text)
{
	dpact_add(p->out, DPACT_POP_ETH, sizeof(struct dpact));
	return true;
}

static bool parse_push_nsh(struct parser *p, const char **text)
{
	return dpact_push_nsh_parse(p->out, text);
}

static bool parse_pop_nsh(struct parser *p, const char **text)
{
	dpact_add(p->out, DPACT_POP_NSH, sizeof(struct dpact));
	return true;
}

static bool parse_pop_mpls(struct parser *p, const char **text)
{
	be16_t type;
	if (!parse_eth_type(text, &type))
		return false;
	((struct dpact_pop_mpls *)dpact_add(p->out, DPACT_POP_MPLS, sizeof(struct dpact_pop_mpls)))
		->ethertype = type;
	return true;
}

static bool parse_recirc(struct parser *p, const char **text)
{
	uint32_t id;
	if (!parse_u32(text, &id))
		return false;
	((struct dpact_recirc *)dpact_add(p->out, DPACT_RECIRC, sizeof(struct dpact_recirc)))->id =
		id;
	return true;
}

static bool parse_hash(struct parser *p, const char **text)
{
	bool symmetric = dptext_literal(text, "sym_l4(");
	uint32_t basis;
	if ((!symmetric && !dptext_literal(text, "l4(")) || !parse_u32(text, &basis) ||
	    !dptext_literal(text, ")"))
		return false;
	struct dpact_hash *a = dpact_add(p->out, DPACT_HASH, sizeof(*a));
	a->algorithm = symmetric;
	a->basis = basis;
	return true;
}

static bool parse_trunc(struct parser *p, const char **text)
{
	uint32_t max_len;
	if (!parse_u32(text, &max_len))
		return false;
	((struct dpact_trunc *)dpact_add(p->out, DPACT_TRUNC, sizeof(struct dpact_trunc)))
		->max_len = max_len;
	return true;
}

static bool parse_meter(struct parser *p, const char **text)
{
	uint32_t id;
	if (!parse_u32(text, &id))
		return false;
	((struct dpact_meter *)dpact_add(p->out, DPACT_METER, sizeof(struct dpact_meter)))->id = id;
	return true;
}

// "sample(sample=9.7%,actions(...))"
static bool parse_sample(struct parser *p, const char **text)
{
	char *end;
	if (!dptext_literal(text, "sample=") || !isdigit((unsigned char)**text))
		return false;
	double percent = strtod(*text, &end);
	*text = end;
	if (!(percent >= 0 && percent <= 100) || !dptext_literal(text, "%,actions("))
		return false;
	size_t start = dpact_nest_begin(p->out, DPACT_SAMPLE, sizeof(struct dpact_sample));
	((struct dpact_sample *)(void *)(p->out->data + start))->probability =
		(uint32_t)(percent / 100 * UINT32_MAX + .5);
	return parse_list(p, text, ")") && dptext_literal(text, "))") &&
	       dpact_nest_end(p->out, start);
}

static bool parse_clone(struct parser *p, const char **text)
{
	size_t start = dpact_nest_begin(p->out, DPACT_CLONE, sizeof(struct dpact_nested));
	return parse_list(p, text, ")") && dptext_literal(text, ")") &&
	       dpact_nest_end(p->out, start);
}

static bool parse_check_pkt_len(struct parser *p, const char **text)
{
	uint64_t size;
	if (!dptext_literal(text, "size=") || !dptext_number(text, UINT16_MAX, &size) ||
	    !dptext_literal(text, ",gt("))
		return false;
	size_t start =
		dpact_nest_begin(p->out, DPACT_CHECK_PKT_LEN, sizeof(struct dpact_check_pkt_len));
	if (!parse_list(p, text, ")") || !dptext_literal(text, "),le("))
		return false;
	size_t greater = p->out->len - start - sizeof(struct dpact_check_pkt_len);
	if (!parse_list(p, text, ")") || !dptext_literal(text, "))") ||
	    !dpact_nest_end(p->out, start))
		return false;
	struct dpact_check_pkt_len *a = (void *)(p->out->data + start);
	a->pkt_len = (uint16_t)size;
	a->greater_len = (uint16_t)greater;
	return true;
}

static bool parse_ct_clear(struct parser *p, const char **text)
{
	dpact_add(p->out, DPACT_CT_CLEAR, sizeof(struct dpact));
	return true;
}

static const struct {
	const char *name;
	bool (*parse)(struct parser *, const char **text);
} actions[] = {
	{"userspace(", parse_userspace},
	{"set(", parse_set},
	{"push_vlan(", parse_push_vlan},
	{"pop_vlan", parse_pop_vlan},
	{"push_mpls(", parse_push_mpls},
	{"pop_mpls(", parse_pop_mpls},
	{"recirc(", parse_recirc},
	{"hash(", parse_hash},
	{"trunc(", parse_trunc},
	{"meter(", parse_meter},
	{"sample(", parse_sample},
	{"clone(", parse_clone},
	{"check_pkt_len(", parse_check_pkt_len},
	{"ct_clear", parse_ct_clear},
	{"add_mpls(", parse_add_mpls},
	{"push_eth(", parse_push_eth},
	{"pop_eth", parse_pop_eth},
	{"push_nsh(", parse_push_nsh},
	{"pop_nsh()", parse_pop_nsh},
};

static bool parse_action(struct parser *p, const char **text)
{
	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
		const char *s = *text;
		if (dptext_literal(&s, actions[i].name)) {
			// Where it failed is told by the start of the action.
			if (!actions[i].parse(p, &s))
				return false;
			*text = s;
			return true;
		}
	}
	return parse_output(p, text);
}

// Actions up to the end of the text or to one of the characters in `ends`, which is not stepped
// over.
static bool parse_list(struct parser *p, const char **text, const char *ends)
{
	if (++p->depth > MAX_DEPTH)
		return false;
	*text += strspn(*text, ", \t\r\n");
	const char *s = *text;
	if (dptext_literal(&s, "drop") && (!*s || strchr(ends, *s)))
		*text = s;
	while (**text && !strchr(ends, **text)) {
		if (!parse_action(p, text))
			return false;
		size_t n = strspn(*text, ", \t\r\n");
		if (!n && **text && !strchr(ends, **text))
			return false;
		*text += n;
	}
	p->depth--;
	return true;
}

struct error *dpact_parse(struct buf *out, const char *text, dp_port_number_cb *port_number,
			  void *arg)
{
	struct parser p = {out, port_number, arg, 0};
	size_t start = out->len;
	if (parse_list(&p, &text, "") && !*text)
		return NULL;
	out->len = start;
	return error_new("syntax error at %s", text);
}
