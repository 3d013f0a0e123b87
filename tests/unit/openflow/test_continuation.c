/* SPDX-License-Identifier: Apache-2.0 */
// All that a continuation says survives each version; what 1.0 has no words for, too.
#include "openflow/continuation.h"
#include "testing.h"

static const struct ofpact_text no_names;

static void random_stack(struct ofp_continuation *c)
{
	c->stack = xcalloc(16, sizeof(*c->stack));
	for (unsigned int n = random_below(4); n; n--) {
		unsigned int words = 1 + random_below(2);
		for (unsigned int w = 0; w < words; w++)
			c->stack[c->n_stack++] = random_below(2) ? random_u64() : 0;
		c->stack[c->n_stack++] = words;
	}
}

static void random_actions(struct ofp_continuation *c)
{
	static const char *const lists[] = {
		"exit",
		"output:1",
		"resubmit(,3),controller(pause),output:NXM_NX_REG1[0..15]",
		"meter:3,load:5->NXM_NX_REG0[],clone(output:2,group:7)",
		"set_field:00:00:00:00:00:09->eth_dst,write_actions(output:2),write_metadata:5,"
		"goto_table:7",
		"push_mpls:0x8847,group:1,dec_mpls_ttl,set_queue:7,note:01.02.03.04.05.06,"
		"multipath(eth_src,50,modulo_n,1,0,NXM_NX_REG0[0..3])"};
	static const char *const sets[] = {"output:2", "output:1",
					   "group:9,pop_vlan,set_field:5->reg0"};
	uint32_t usable;
	for (unsigned int n = random_below(3); n; n--) {
		struct ofpact_unroll *u = ofpact_add(&c->actions, OFPACT_UNROLL_XLATE, sizeof(*u));
		u->table = (uint8_t)random_below(3);
		u->cookie = random_below(2);
		assert_null(ofpacts_parse(lists[random_below(6)], &no_names, &c->actions, &usable));
	}
	assert_null(
		ofpacts_parse_actions(sets[random_below(3)], &no_names, &c->action_set, &usable));
}

// Both lists. Whose the actions are may be said more often than before.
static char *lists_text(const struct ofp_continuation *c)
{
	struct buf plain = BUF_INIT;
	struct str s = STR_INIT;
	OFPACT_FOREACH (a, c->actions.data, c->actions.len)
		if (a->type != OFPACT_UNROLL_XLATE)
			buf_add(&plain, a, ofpact_size(a));
	ofpacts_format(plain.data, plain.len, &no_names, &s);
	str_add(&s, " / ");
	ofpacts_format(c->action_set.data, c->action_set.len, &no_names, &s);
	buf_done(&plain);
	return str_take(&s);
}

static void assert_equal(const struct ofp_continuation *c, const struct ofp_continuation *back)
{
	assert_true(uuid_equal(&c->bridge, &back->bridge));
	assert_true(c->mirrored == back->mirrored && c->conntracked == back->conntracked &&
		    c->in_group == back->in_group && c->in_action_set == back->in_action_set &&
		    c->packet_out == back->packet_out && c->odp_port == back->odp_port);
	assert_int_equal(back->n_stack, c->n_stack);
	assert_true(!c->n_stack || !memcmp(c->stack, back->stack, c->n_stack * sizeof(*c->stack)));
	char *one = lists_text(c), *two = lists_text(back);
	assert_string_equal(one, two);
	free(one);
	free(two);
}

static int decode(const struct buf *b, uint8_t version, bool loose, struct ofp_continuation *c)
{
	return ofp_continuation_decode(cursor_make(b->data, b->len), version, loose, c);
}

static void test_there_and_back(void **state)
{
	FOR_EACH_VERSION(v)
	for (unsigned int i = 0; i < 300; i++) {
		struct ofp_continuation c = {.bridge = uuid_random(),
					     .conntracked = random_below(2),
					     .in_group = random_below(2),
					     .in_action_set = random_below(2),
					     .packet_out = random_below(2),
					     .odp_port = random_below(2)},
					back;
		struct buf b = BUF_INIT;
		c.mirrored = random_below(3) ? random_below(2) : random_u64();
		random_stack(&c);
		random_actions(&c);
		ofp_continuation_encode(&b, &c, v);
		assert_int_equal(decode(&b, v, false, &back), 0);
		assert_equal(&c, &back);
		ofp_continuation_done(&back);
		ofp_continuation_done(&c);
		buf_done(&b);
	}
}

// Who goes on with the packet must understand all of it; who shows it need not.
static void test_strict_and_loose(void **state)
{
	static const char *const hex[] = {
		"9fff0004 00000000", // a property that nobody knows
		"8100000600070000",  // flags of the wrong length
		"80070018 00000000 ffff001000002320 0008010203040506", // a note in an action set
	};
	for (size_t i = 0; i < sizeof(hex) / sizeof(hex[0]); i++) {
		struct ofp_continuation c;
		struct buf b = from_hex(hex[i]);
		assert_int_not_equal(decode(&b, OFP13, false, &c), 0);
		ofp_continuation_done(&c);
		assert_int_equal(decode(&b, OFP13, true, &c), 0);
		ofp_continuation_done(&c);
		buf_done(&b);
	}
}

// The stack is bounded, whatever is claimed to be on it.
static void test_stack_is_bounded(void **state)
{
	struct buf b = BUF_INIT;
	struct ofp_continuation c;
	for (int i = 0; i < OFP_CONTINUATION_MAX_STACK / 2; i++)
		buf_add(&b, (const uint8_t[]){0x80, 1, 0, 5, 7, 0, 0, 0}, 8);
	assert_int_equal(decode(&b, OFP13, false, &c), 0);
	assert_int_equal(c.n_stack, OFP_CONTINUATION_MAX_STACK);
	ofp_continuation_done(&c);
	buf_add(&b, (const uint8_t[]){0x80, 1, 0, 5, 7, 0, 0, 0}, 8);
	assert_int_equal(decode(&b, OFP13, false, &c), OFPBPC_BAD_LEN);
	ofp_continuation_done(&c);
	buf_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_there_and_back),
		cmocka_unit_test(test_strict_and_loose),
		cmocka_unit_test(test_stack_is_bounded),
	};
	random_seed(3);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
