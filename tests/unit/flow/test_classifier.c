/* SPDX-License-Identifier: Apache-2.0 */
// The classifier against an array that is searched from end to end: same verdict for random rules
// and flows, and every flow that equals the first one under the returned mask gets the same
// verdict.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/random.h"
#include "base/rcu.h"
#include "flow/classifier.h"
#include "flow/cls_trie.h"

enum { MAX_RULES = 400 };

struct test_rule {
	struct cls_rule cls;
	struct match match;
	int id;
};

struct model {
	struct test_rule *v[MAX_RULES];
	unsigned int n;
};

static void free_rule(void *p)
{
	struct test_rule *r = p;
	cls_rule_done(&r->cls);
	free(r);
}

static be32_t prefix_mask(unsigned int n)
{
	return htobe32(n ? UINT32_MAX << (32 - n) : 0);
}

// Few values per field, so that rules overlap and flows match.
static be32_t random_ip(void)
{
	return htobe32(0x0a000000 | random_below(3) << 16 | random_below(4) << 6 | random_below(4));
}

static void random_flow(struct flow *f)
{
	memset(f, 0, sizeof(*f));
	f->in_port = 1 + random_below(3);
	f->regs[0] = random_below(3);
	f->metadata = BE64(random_below(2));
	f->dl_dst[5] = (uint8_t)random_below(4);
	f->dl_type = random_below(4) ? BE16(0x0800) : BE16(0x86dd);
	f->vlan[0].tci = random_below(2) ? htobe16((uint16_t)(0x1000 | random_below(3))) : 0;
	if (f->dl_type == BE16(0x0800)) {
		f->nw_src = random_ip();
		f->nw_dst = random_ip();
	} else {
		f->ipv6_dst.w[0] = random_ip();
		f->ipv6_dst.w[2] = random_ip();
	}
	f->nw_proto = random_below(2) ? 6 : 17;
	f->tp_src = htobe16((uint16_t)(1 << random_below(16)));
	f->tp_dst = htobe16((uint16_t)(80 + random_below(6)));
}

static void random_mask(struct flow *m)
{
	memset(m, 0, sizeof(*m));
	if (!random_below(3))
		m->in_port = UINT32_MAX;
	if (!random_below(4))
		m->regs[0] = UINT32_MAX;
	if (!random_below(6))
		m->metadata = UINT64_MAX;
	if (!random_below(4))
		memset(m->dl_dst, 0xff, 6);
	if (!random_below(4))
		m->vlan[0].tci = BE16(0x1fff);
	if (random_below(4)) {
		m->dl_type = UINT16_MAX;
		if (random_below(2))
			m->nw_dst = prefix_mask(8 * random_below(5));
		if (!random_below(3))
			m->nw_src = prefix_mask(random_below(33));
		if (!random_below(8))
			m->nw_src = BE32(0xff0000ff); // not a prefix
		if (!random_below(4)) {
			m->ipv6_dst.w[0] = UINT32_MAX;
			m->ipv6_dst.w[1] = UINT32_MAX;
			m->ipv6_dst.w[2] = prefix_mask(random_below(33));
		}
		if (random_below(2)) {
			m->nw_proto = 0xff;
			if (random_below(2))
				m->tp_dst = random_below(4) ? UINT16_MAX : BE16(0xfffe);
			if (!random_below(3))
				m->tp_src = UINT16_MAX;
		}
	}
}

static void random_match(struct match *m)
{
	random_flow(&m->flow);
	random_mask(&m->mask);
	for (unsigned int i = 0; i < FLOW_WORDS; i++)
		flow_words(&m->flow)[i] &= flow_words(&m->mask)[i];
}

static struct test_rule *rule_new(const struct match *match, int priority)
{
	struct test_rule *r = XNEW(struct test_rule);
	r->match = *match;
	cls_rule_init(&r->cls, match, priority);
	return r;
}

static bool accepts(const struct match *m, const struct flow *f)
{
	for (unsigned int i = 0; i < FLOW_WORDS; i++)
		if ((flow_words_const(f)[i] ^ flow_words_const(&m->flow)[i]) &
		    flow_words_const(&m->mask)[i])
			return false;
	return true;
}

static struct test_rule *model_lookup(const struct model *m, const struct flow *f)
{
	struct test_rule *best = NULL;
	for (unsigned int i = 0; i < m->n; i++)
		if ((!best || m->v[i]->cls.priority > best->cls.priority) &&
		    accepts(&m->v[i]->match, f))
			best = m->v[i];
	return best;
}

static int model_find(const struct model *m, const struct match *match, int priority)
{
	for (unsigned int i = 0; i < m->n; i++)
		if (m->v[i]->cls.priority == priority && match_equal(&m->v[i]->match, match))
			return (int)i;
	return -1;
}

static void add(struct classifier *c, struct model *m, const struct match *match, int priority)
{
	struct test_rule *r = rule_new(match, priority);
	int i = model_find(m, match, priority);
	assert_true((i >= 0) == (classifier_find_exactly(c, match, priority) != NULL));
	const struct cls_rule *replaced = classifier_replace(c, &r->cls);
	assert_ptr_equal(replaced, i >= 0 ? &m->v[i]->cls : NULL);
	if (i >= 0) {
		rcu_free_later(m->v[i], free_rule);
		m->v[i] = r;
	} else {
		m->v[m->n++] = r;
	}
}

static void take_out(struct classifier *c, struct model *m, unsigned int i)
{
	classifier_remove(c, &m->v[i]->cls);
	assert_null(classifier_find_exactly(c, &m->v[i]->match, m->v[i]->cls.priority));
	rcu_free_later(m->v[i], free_rule);
	m->v[i] = m->v[--m->n];
}

static int priority_of(const struct cls_rule *r)
{
	return r ? r->priority : -1;
}

static void check_lookup(const struct classifier *c, const struct model *m)
{
	struct flow flow, mask, other;
	memset(&mask, 0, sizeof(mask));
	random_flow(&flow);
	const struct test_rule *expected = model_lookup(m, &flow);
	int priority = expected ? expected->cls.priority : -1;
	const struct cls_rule *found = classifier_lookup(c, &flow, &mask);
	assert_int_equal(priority_of(found), priority);
	assert_int_equal(priority_of(classifier_lookup(c, &flow, NULL)), priority);
	if (found)
		assert_true(
			accepts(&((const struct test_rule *)(const void *)found)->match, &flow));
	for (unsigned int k = 0; k < 8; k++) {
		random_flow(&other);
		for (unsigned int i = 0; i < FLOW_WORDS; i++) {
			uint64_t keep = flow_words(&mask)[i];
			uint64_t *w = &flow_words(&other)[i];
			if (k & 1) // one bit, or everything
				*w = flow_words(&flow)[i] ^ UINT64_C(1) << random_below(64);
			*w = (flow_words(&flow)[i] & keep) | (*w & ~keep);
		}
		const struct test_rule *r = model_lookup(m, &other);
		assert_int_equal(r ? r->cls.priority : -1, priority);
	}
}

// Some or all at once.
static void purge(struct classifier *c, struct model *m, unsigned int keep)
{
	classifier_begin_purge(c);
	while (m->n > keep) {
		take_out(c, m, random_below(m->n));
		check_lookup(c, m);
	}
	classifier_end_purge(c);
}

static void clear(struct classifier *c, struct model *m)
{
	classifier_clear(c);
	assert_int_equal(classifier_n_masks(c), 0);
	while (m->n)
		rcu_free_later(m->v[--m->n], free_rule);
}

struct collect {
	const struct match *target;
	unsigned int n;
	struct classifier *remove_from;
};

static bool covers(const struct match *rule, const struct match *target)
{
	for (unsigned int i = 0; i < FLOW_WORDS; i++) {
		uint64_t t = flow_words_const(&target->mask)[i];
		if (t & ~flow_words_const(&rule->mask)[i] ||
		    t & (flow_words_const(&rule->flow)[i] ^ flow_words_const(&target->flow)[i]))
			return false;
	}
	return true;
}

static bool collect_cb(void *arg, struct cls_rule *rule)
{
	struct collect *collect = arg;
	const struct test_rule *r = (const struct test_rule *)(const void *)rule;
	assert_true(covers(&r->match, collect->target));
	collect->n++;
	return true;
}

static void check_sets(struct classifier *c, const struct model *m)
{
	struct match target;
	random_match(&target);
	unsigned int n = 0;
	bool overlap = false;
	int priority = 1 + (int)random_below(50);
	for (unsigned int i = 0; i < m->n; i++) {
		const struct match *r = &m->v[i]->match;
		n += covers(r, &target);
		bool apart = false;
		for (unsigned int w = 0; w < FLOW_WORDS; w++)
			if ((flow_words_const(&r->flow)[w] ^ flow_words_const(&target.flow)[w]) &
			    flow_words_const(&r->mask)[w] & flow_words_const(&target.mask)[w])
				apart = true;
		overlap |= m->v[i]->cls.priority == priority && !apart;
	}
	struct collect collect = {.target = &target};
	classifier_for_each(c, &target, collect_cb, &collect);
	assert_int_equal(collect.n, n);
	assert_int_equal(classifier_overlaps(c, &target, priority), overlap);
}

static void run_model(unsigned int n_priorities, unsigned int max_rules, unsigned int n_steps)
{
	struct classifier *c = classifier_new();
	struct model m = {.n = 0};
	for (unsigned int i = 0; i < n_steps; i++) {
		struct match match;
		if (m.n < max_rules && random_below(5) < 3) {
			random_match(&match);
			add(c, &m, &match, 1 + (int)random_below(n_priorities));
		} else if (m.n) {
			take_out(c, &m, random_below(m.n));
		}
		if (m.n >= max_rules / 2 && !random_below(100))
			purge(c, &m, random_below(m.n / 2 + 1));
		if (m.n >= max_rules / 2 && !random_below(200))
			clear(c, &m);
		assert_int_equal(classifier_count(c), m.n);
		for (unsigned int k = 0; k < 4; k++)
			check_lookup(c, &m);
		if (i % 20 == 0)
			check_sets(c, &m);
		if (i == n_steps / 2) {
			const enum field_id fields[] = {FIELD_METADATA, FIELD_IPV6_DST,
							FIELD_IPV4_SRC};
			classifier_set_prefixes(c, fields, 3);
		}
		rcu_quiescent();
	}
	purge(c, &m, m.n / 3);
	while (m.n > 2)
		take_out(c, &m, m.n - 1);
	clear(c, &m);
	assert_int_equal(classifier_n_masks(c), 0);
	classifier_free(c);
}

static void test_random(void **state)
{
	random_seed(11);
	run_model(50, 10, 1500);
	run_model(5, 40, 1500);
	run_model(100000, MAX_RULES, 2000);
}

static bool remove_cb(void *arg, struct cls_rule *rule)
{
	classifier_remove(arg, rule);
	rcu_free_later(rule, free_rule);
	return true;
}

static void test_remove_while_iterating(void **state)
{
	struct classifier *c = classifier_new();
	struct match match;
	unsigned int n = 0;
	for (unsigned int i = 0; i < 300; i++) {
		random_match(&match);
		if (!classifier_find_exactly(c, &match, 5)) {
			classifier_replace(c, &rule_new(&match, 5)->cls);
			n++;
		}
	}
	assert_int_equal(classifier_count(c), n);
	classifier_for_each(c, NULL, remove_cb, c);
	assert_int_equal(classifier_count(c), 0);
	classifier_free(c);
}

static void ip_match(struct match *m, uint32_t ip, unsigned int plen)
{
	memset(m, 0, sizeof(*m));
	m->flow.dl_type = BE16(0x0800);
	m->mask.dl_type = UINT16_MAX;
	m->mask.nw_dst = prefix_mask(plen);
	m->flow.nw_dst = htobe32(ip) & m->mask.nw_dst;
}

// Known widths: what the masks are for, beyond being right.
static void test_widths(void **state)
{
	struct classifier *c = classifier_new();
	struct model m = {.n = 0};
	struct match match;
	ip_match(&match, 0x0a010203, 32); // 10.1.2.3
	add(c, &m, &match, 10);
	ip_match(&match, 0x0a010000, 16); // 10.1.0.0/16
	add(c, &m, &match, 9);
	memset(&match, 0, sizeof(match)); // tcp,tp_dst=80
	match.flow.dl_type = BE16(0x0800), match.mask.dl_type = UINT16_MAX;
	match.flow.nw_proto = 6, match.mask.nw_proto = 0xff;
	match.flow.tp_dst = BE16(80), match.mask.tp_dst = UINT16_MAX;
	add(c, &m, &match, 8);

	struct flow f, mask;
	memset(&f, 0, sizeof(f));
	f.dl_type = BE16(0x0806);
	memset(&mask, 0, sizeof(mask));
	assert_null(classifier_lookup(c, &f, &mask)); // ARP: the type is enough
	assert_int_equal(mask.dl_type, UINT16_MAX);
	assert_int_equal(mask.nw_dst, 0);
	assert_int_equal(mask.nw_proto, 0);

	f.dl_type = BE16(0x0800); // 11.0.0.1 differs from 10.* in the eighth bit
	f.nw_dst = BE32(0x0b000001);
	f.nw_proto = 17;
	memset(&mask, 0, sizeof(mask));
	assert_null(classifier_lookup(c, &f, &mask));
	assert_int_equal(be32toh(mask.nw_dst), 0xff000000);
	assert_int_equal(mask.nw_proto, 0xff);
	assert_int_equal(mask.tp_dst, 0);

	f.nw_dst = BE32(0x0a01ff01); // 10.1.255.1: in the /16; the 17th bit rules out the /32
	memset(&mask, 0, sizeof(mask));
	assert_int_equal(priority_of(classifier_lookup(c, &f, &mask)), 9);
	assert_int_equal(be32toh(mask.nw_dst), 0xffff8000);
	assert_int_equal(mask.nw_proto, 0);

	f.nw_dst = BE32(0xc0a80001); // port 8080 is not 80: the first bits of the port show it
	f.nw_proto = 6;
	f.tp_dst = BE16(8080);
	memset(&mask, 0, sizeof(mask));
	assert_null(classifier_lookup(c, &f, &mask));
	assert_int_equal(be16toh(mask.tp_dst), 0xf000);
	while (m.n)
		take_out(c, &m, m.n - 1);
	classifier_free(c);
}

static void test_trie(void **state)
{
	struct prefix {
		be32_t v[4];
		unsigned int len;
	} all[60];
	unsigned int n = 0;
	struct cls_trie trie = {0};
	random_seed(3);
	for (unsigned int step = 0; step < 4000; step++) {
		if (n < 60 && random_below(5) < 3) {
			struct prefix *p = &all[n++];
			p->len = 1 + random_below(128);
			for (unsigned int i = 0; i < 4; i++) {
				unsigned int left = p->len > 32 * i ? p->len - 32 * i : 0;
				p->v[i] = htobe32(random_below(2) ? 0xffff0000 >> random_below(3)
								  : 0x00ff00ff);
				p->v[i] &= prefix_mask(left > 32 ? 32 : left);
			}
			cls_trie_insert(&trie, p->v, p->len);
		} else if (n) {
			unsigned int i = random_below(n);
			cls_trie_remove(&trie, all[i].v, all[i].len);
			all[i] = all[--n];
		}
		be32_t value[4];
		for (unsigned int i = 0; i < 4; i++)
			value[i] = htobe32(random_below(2) ? 0xffff0000 >> random_below(3)
							   : 0x00ff00ff);
		struct cls_plens plens, expected, again;
		unsigned int used = cls_trie_lookup(&trie, value, 128, &plens);
		for (unsigned int round = 0; round < 4; round++) {
			memset(&expected, 0, sizeof(expected));
			for (unsigned int i = 0; i < n; i++) {
				bool same = true;
				for (unsigned int w = 0; w < 4 && same; w++) {
					unsigned int left =
						all[i].len > 32 * w ? all[i].len - 32 * w : 0;
					same = !((value[w] ^ all[i].v[w]) &
						 prefix_mask(left > 32 ? 32 : left));
				}
				if (same)
					expected.bits[(all[i].len - 1) / 64] |=
						UINT64_C(1) << (all[i].len - 1) % 64;
			}
			cls_trie_lookup(&trie, value, 128, &again);
			assert_memory_equal(&plens, &expected, sizeof(plens));
			assert_memory_equal(&plens, &again, sizeof(plens));
			for (unsigned int b = used; b < 128;
			     b++) // bits that were not looked at do not matter
				if (random_below(2))
					value[b / 32] ^= htobe32(1u << (31 - b % 32));
		}
	}
	while (n--)
		cls_trie_remove(&trie, all[n].v, all[n].len);
	static const be32_t zero[4];
	struct cls_plens none;
	assert_int_equal(cls_trie_lookup(&trie, zero, 128, &none), 0);
	cls_trie_done(&trie);
}

// Readers look for rules that always stay, while the writer puts others in and out around them.
struct shared {
	struct classifier *c, *emptied; // the second loses all its rules now and then
	bool stop;
	unsigned long n_lookups;
};

static void *reader(void *arg)
{
	struct shared *s = arg;
	rcu_register();
	unsigned long n = 0;
	while (!__atomic_load_n(&s->stop, __ATOMIC_RELAXED)) {
		struct flow f, mask;
		memset(&mask, 0, sizeof(mask));
		random_flow(&f);
		f.regs[5] = random_below(50);
		const struct cls_rule *r = classifier_lookup(s->c, &f, &mask);
		if (!r || r->priority < 1000 + (int)f.regs[5]) // at least the one that stays
			abort();
		r = classifier_lookup(s->emptied, &f, &mask);
		if (r && (r->priority < 1 || r->priority > 100))
			abort();
		n++;
		rcu_quiescent();
	}
	rcu_unregister();
	__atomic_fetch_add(&s->n_lookups, n, __ATOMIC_RELAXED);
	return NULL;
}

static void test_concurrent(void **state)
{
	struct shared s = {.c = classifier_new(), .emptied = classifier_new()};
	struct model stay = {.n = 0}, m = {.n = 0}, emptied = {.n = 0};
	struct match match;
	for (unsigned int i = 0; i < 50; i++) {
		memset(&match, 0, sizeof(match));
		match.flow.regs[5] = i;
		match.mask.regs[5] = UINT32_MAX;
		add(s.c, &stay, &match, 1000 + (int)i);
	}
	pthread_t threads[2];
	for (unsigned int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, reader, &s);
	for (unsigned int i = 0; i < 20000; i++) {
		random_match(&match);
		if (m.n < 150 && random_below(2))
			add(s.c, &m, &match, 900 + (int)random_below(400));
		else if (m.n)
			take_out(s.c, &m, random_below(m.n));
		random_match(&match);
		add(s.emptied, &emptied, &match, 1 + (int)random_below(100));
		if (emptied.n == 100)
			clear(s.emptied, &emptied);
		if (i == 10000) {
			const enum field_id fields[] = {FIELD_IPV4_SRC};
			classifier_set_prefixes(s.c, fields, 1);
		}
		rcu_quiescent();
	}
	__atomic_store_n(&s.stop, true, __ATOMIC_RELAXED);
	rcu_offline();
	for (unsigned int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	rcu_online();
	assert_true(s.n_lookups > 0);
	while (m.n)
		take_out(s.c, &m, m.n - 1);
	while (stay.n)
		take_out(s.c, &stay, stay.n - 1);
	clear(s.emptied, &emptied);
	classifier_free(s.emptied);
	classifier_free(s.c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_trie),	   cmocka_unit_test(test_random),
		cmocka_unit_test(test_widths),	   cmocka_unit_test(test_remove_while_iterating),
		cmocka_unit_test(test_concurrent),
	};
	rcu_register();
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	rcu_barrier_all();
	rcu_unregister();
	return failed;
}
