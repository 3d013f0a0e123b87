/* SPDX-License-Identifier: Apache-2.0 */
#include "openflow/continuation.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "openflow/action_row.h"
#include "openflow/prop.h"

enum {
	NXCPT_BRIDGE = 0x8000,
	NXCPT_STACK,
	NXCPT_MIRRORS,
	NXCPT_CONNTRACKED,
	NXCPT_TABLE_ID,
	NXCPT_COOKIE,
	NXCPT_ACTIONS,
	NXCPT_ACTION_SET,
	NXCPT_ODP_PORT,
	// Ours. Lists that the message's version has no words for are in those of 1.3.
	NXCPT_FLAGS = 0x8100,
	NXCPT_MIRRORS_64,
	NXCPT_ACTIONS_13,
	NXCPT_ACTION_SET_13,
	NXCPT_INSTRUCTION_13,
};
enum { FLAG_IN_ACTION_SET = 1, FLAG_IN_GROUP = 2, FLAG_PACKET_OUT = 4 };

void ofp_continuation_done(struct ofp_continuation *c)
{
	free(c->stack);
	buf_done(&c->actions);
	buf_done(&c->action_set);
	memset(c, 0, sizeof(*c));
}

// --- Writing.

static void put_u64(struct buf *b, uint16_t type, uint64_t value)
{
	size_t at = prop_begin(b, type);
	buf_add_be32(b, 0);
	buf_add_be64(b, value);
	prop_end(b, at);
}

static void put_u8(struct buf *b, uint16_t type, uint8_t value)
{
	size_t at = prop_begin(b, type);
	buf_add_u8(b, value);
	prop_end(b, at);
}

static void put_stack(struct buf *b, const struct ofp_continuation *c)
{
	for (size_t top = c->n_stack; top;) {
		size_t n = (size_t)c->stack[--top];
		size_t at = prop_begin(b, NXCPT_STACK);
		for (size_t i = 0; i < n && i < top; i++) // the highest first
			buf_add_be64(b, c->stack[top - n + i]);
		prop_end(b, at);
		top -= n < top ? n : top;
	}
}

// Does the list come back as it is through the messages of this version?
static bool survives(const void *list, size_t n, uint8_t version)
{
	struct buf wire = BUF_INIT, back = BUF_INIT;
	ofpacts_encode(&wire, version, list, n);
	bool same = !ofpacts_decode(cursor_make(wire.data, wire.len), version, &back) &&
		    back.len == n && !memcmp(back.data, list, n);
	buf_done(&wire);
	buf_done(&back);
	return same;
}

static void put_list(struct buf *b, uint16_t type, uint16_t type_13, const void *list, size_t n,
		     uint8_t version)
{
	bool ok = survives(list, n, version);
	size_t at = prop_begin(b, ok ? type : type_13);
	buf_add_be32(b, 0);
	ofpacts_encode(b, ok ? version : OFP13, list, n);
	prop_end(b, at);
}

static bool is_plain(const struct ofpact *a)
{
	return ofpact_row((enum ofpact_type)a->type)->instruction == INST_APPLY &&
	       a->type != OFPACT_UNROLL_XLATE;
}

// Actions in runs, as long as they are of the same rule; instructions one by one, as they may stand
// anywhere here.
static void put_actions(struct buf *b, const struct ofp_continuation *c, uint8_t version)
{
	const uint8_t *at = c->actions.data, *end = buf_from(&c->actions, c->actions.len);
	uint8_t table_id = 0;
	be64_t cookie = 0;
	while (at < end) {
		const struct ofpact *a = (const void *)at;
		const uint8_t *start = at;
		while (at < end && is_plain((const void *)at))
			at += ofpact_size((const void *)at);
		if (at > start) {
			put_list(b, NXCPT_ACTIONS, NXCPT_ACTIONS_13, start, (size_t)(at - start),
				 version);
			continue;
		}
		at += ofpact_size(a);
		if (a->type == OFPACT_UNROLL_XLATE) {
			const struct ofpact_unroll *unroll = (const void *)a;
			if (unroll->table != table_id)
				put_u8(b, NXCPT_TABLE_ID, table_id = unroll->table);
			if (unroll->cookie != cookie)
				put_u64(b, NXCPT_COOKIE, be64toh(cookie = unroll->cookie));
			continue;
		}
		size_t prop = prop_begin(b, NXCPT_INSTRUCTION_13);
		buf_add_be32(b, 0);
		ofpacts_encode_instructions(b, OFP13, a, ofpact_size(a));
		prop_end(b, prop);
	}
}

void ofp_continuation_encode(struct buf *b, const struct ofp_continuation *c, uint8_t version)
{
	uint32_t flags = (c->in_action_set ? FLAG_IN_ACTION_SET : 0u) |
			 (c->in_group ? FLAG_IN_GROUP : 0u) |
			 (c->packet_out ? FLAG_PACKET_OUT : 0u);
	size_t bridge = prop_begin(b, NXCPT_BRIDGE);
	buf_add(b, c->bridge.part, 16); // as it lies in memory, which is how stock sends it
	prop_end(b, bridge);
	put_stack(b, c);
	if (c->mirrored > UINT32_MAX)
		put_u64(b, NXCPT_MIRRORS_64, c->mirrored);
	else if (c->mirrored)
		prop_put_u32(b, NXCPT_MIRRORS, (uint32_t)c->mirrored);
	if (c->conntracked)
		prop_end(b, prop_begin(b, NXCPT_CONNTRACKED));
	if (flags)
		prop_put_u32(b, NXCPT_FLAGS, flags);
	put_actions(b, c, version);
	if (c->action_set.len)
		put_list(b, NXCPT_ACTION_SET, NXCPT_ACTION_SET_13, c->action_set.data,
			 c->action_set.len, version);
	if (c->odp_port)
		prop_put_u32(b, NXCPT_ODP_PORT, c->odp_port);
}

// --- Reading.

// Fields come from the top of the stack down: they are kept in that order, and turned over at the
// end.
static int pull_stack(struct cursor v, struct ofp_continuation *c)
{
	size_t n_bytes = cursor_left(&v), n = (n_bytes + 7) / 8;
	if (n > sizeof(union field_value) / 8 || c->n_stack + n + 1 > OFP_CONTINUATION_MAX_STACK)
		return OFPBPC_BAD_LEN;
	if (!c->stack)
		c->stack = xcalloc(OFP_CONTINUATION_MAX_STACK, sizeof(*c->stack));
	uint64_t *at = c->stack + c->n_stack;
	at[0] = n;
	for (size_t i = 0; i < n; i++) { // the lowest word first
		uint64_t word = 0;
		size_t high = n_bytes > 8 * (i + 1) ? n_bytes - 8 * (i + 1) : 0;
		for (size_t j = high; j < n_bytes - 8 * i; j++)
			word = word << 8 | v.p[j];
		at[1 + i] = word;
	}
	c->n_stack += n + 1;
	return 0;
}

static void turn_over(struct ofp_continuation *c)
{
	for (size_t i = 0, j = c->n_stack; i + 1 < j; i++, j--) {
		uint64_t word = c->stack[i];
		c->stack[i] = c->stack[j - 1];
		c->stack[j - 1] = word;
	}
}

static int pull_u64(struct cursor v, uint64_t *value)
{
	if (cursor_left(&v) != 12)
		return OFPBPC_BAD_LEN;
	cursor_skip(&v, 4);
	*value = cursor_be64(&v);
	return 0;
}

static int pull_list(struct cursor v, uint8_t version, struct buf *list)
{
	cursor_skip(&v, 4);
	return v.bad ? OFPBPC_BAD_LEN : ofpacts_decode(v, version, list);
}

struct whose {
	uint8_t table_id;
	be64_t cookie;
};

static void say_whose(struct ofp_continuation *c, const struct whose *whose)
{
	struct ofpact_unroll *unroll =
		ofpact_add(&c->actions, OFPACT_UNROLL_XLATE, sizeof(*unroll));
	unroll->table = whose->table_id;
	unroll->cookie = whose->cookie;
}

static int pull_instruction(struct cursor v, struct ofp_continuation *c)
{
	cursor_skip(&v, 4);
	return v.bad ? OFPBPC_BAD_LEN : ofpacts_decode_instructions(v, OFP13, &c->actions);
}

static int pull_own(uint64_t type, struct cursor v, struct ofp_continuation *c,
		    const struct whose *whose)
{
	uint32_t n32 = 0;
	int error;
	switch (type) {
	case NXCPT_FLAGS:
		error = prop_u32(v, &n32);
		c->in_action_set = n32 & FLAG_IN_ACTION_SET;
		c->in_group = n32 & FLAG_IN_GROUP;
		c->packet_out = n32 & FLAG_PACKET_OUT;
		return error;
	case NXCPT_MIRRORS_64:
		return pull_u64(v, &c->mirrored);
	case NXCPT_ACTIONS_13:
		say_whose(c, whose);
		return pull_list(v, OFP13, &c->actions);
	case NXCPT_ACTION_SET_13:
		error = pull_list(v, OFP13, &c->action_set);
		return error ? error : ofpacts_check_set(c->action_set.data, c->action_set.len);
	}
	return pull_instruction(v, c);
}

static int pull_one(uint64_t type, struct cursor v, uint8_t version, bool loose,
		    struct ofp_continuation *c, struct whose *whose)
{
	uint32_t n32 = 0;
	uint64_t n64 = 0;
	int error;
	switch (type) {
	case NXCPT_BRIDGE:
		if (cursor_left(&v) != 16)
			return OFPBPC_BAD_LEN;
		cursor_copy(&v, c->bridge.part, 16);
		return 0;
	case NXCPT_STACK:
		return pull_stack(v, c);
	case NXCPT_MIRRORS:
		error = prop_u32(v, &n32);
		c->mirrored = n32;
		return error;
	case NXCPT_CONNTRACKED:
		c->conntracked = true;
		return 0;
	case NXCPT_TABLE_ID:
		whose->table_id = cursor_u8(&v);
		return v.bad ? OFPBPC_BAD_LEN : 0;
	case NXCPT_COOKIE:
		error = pull_u64(v, &n64);
		whose->cookie = htobe64(n64);
		return error;
	case NXCPT_ACTIONS:
		say_whose(c, whose);
		return pull_list(v, version, &c->actions);
	case NXCPT_ACTION_SET:
		error = pull_list(v, version, &c->action_set);
		return error || loose ? error
				      : ofpacts_check_set(c->action_set.data, c->action_set.len);
	case NXCPT_ODP_PORT:
		return prop_u32(v, &c->odp_port);
	}
	if (type < NXCPT_FLAGS || type > NXCPT_INSTRUCTION_13)
		return loose ? 0 : prop_unknown(type);
	// Another's property of the same number is no error for who only looks.
	error = pull_own(type, v, c, whose);
	return loose ? 0 : error;
}

int ofp_continuation_decode(struct cursor p, uint8_t version, bool loose,
			    struct ofp_continuation *c)
{
	struct whose whose = {0};
	int error = 0;
	memset(c, 0, sizeof(*c));
	while (!error && cursor_left(&p)) {
		uint64_t type;
		struct cursor v;
		error = prop_pull(&p, &type, &v);
		if (!error)
			error = pull_one(type, v, version, loose, c, &whose);
	}
	turn_over(c);
	return error;
}

// --- Text.

static void print_stack(struct str *s, const struct ofp_continuation *c)
{
	str_add(s, " continuation.stack=(top)");
	for (size_t top = c->n_stack; top;) {
		size_t n = (size_t)c->stack[--top], i = 0;
		const uint64_t *words = c->stack + top - n;
		while (i + 1 < n && !words[i])
			i++;
		str_addf(s, " %#llx", n ? (unsigned long long)words[i] : 0);
		for (i++; i < n; i++)
			str_addf(s, "%016llx", (unsigned long long)words[i]);
		top -= n;
	}
	str_add(s, " (bottom)\n");
}

static void print_list(struct str *s, const char *name, const struct buf *list,
		       const struct ofpact_text *text)
{
	if (!list->len)
		return;
	str_addf(s, " continuation.%s=", name);
	ofpacts_format(list->data, list->len, text, s);
	str_addc(s, '\n');
}

void ofp_continuation_print(struct str *s, const struct ofp_continuation *c,
			    const struct ofpact_text *text)
{
	if (!uuid_is_zero(&c->bridge))
		str_addf(s, " continuation.bridge=" UUID_FORMAT "\n", UUID_ARGS(&c->bridge));
	if (c->n_stack)
		print_stack(s, c);
	if (c->mirrored)
		str_addf(s, " continuation.mirrors=0x%llx\n", (unsigned long long)c->mirrored);
	if (c->conntracked)
		str_add(s, " continuation.conntracked=true\n");
	print_list(s, "actions", &c->actions, text);
	print_list(s, "action_set", &c->action_set, text);
	if (c->odp_port)
		str_addf(s, " continuation.odp_port=%u\n", c->odp_port);
}
