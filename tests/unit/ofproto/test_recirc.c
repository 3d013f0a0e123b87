/* SPDX-License-Identifier: Apache-2.0 */
// Contexts against a naive model: a list of states, compared one by one.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/random.h"
#include "base/rcu.h"
#include "ofproto/recirc.h"

enum { N_STATES = 200, N_STEPS = 200000 };

struct state {
	struct frozen f;
	uint64_t stack[4], actions[6], set[3];
};

// Small numbers, so that equal states come up.
static void random_state(struct state *s)
{
	memset(s, 0, sizeof(*s));
	s->f.h.ofproto_id = 1 + random_below(2);
	s->f.h.in_port = random_below(2);
	s->f.h.table_id = FROZEN_NO_TABLE;
	s->f.h.metadata = random_below(2);
	s->f.h.regs[random_below(FLOW_N_REGS)] = random_below(2);
	s->f.h.hashed = random_below(2);
	s->f.n_stack = random_below(3);
	s->f.actions_len = 8 * random_below(3);
	s->f.action_set_len = 8 * random_below(2);
	s->stack[0] = random_below(2);
	s->actions[0] = random_below(2);
	s->set[0] = random_below(2);
	s->f.stack = s->stack;
	s->f.actions = s->actions;
	s->f.action_set = s->set;
}

static bool same(const struct frozen *a, const struct frozen *b)
{
	return !memcmp(&a->h, &b->h, sizeof(a->h)) && a->n_stack == b->n_stack &&
	       a->actions_len == b->actions_len && a->action_set_len == b->action_set_len &&
	       !memcmp(a->stack, b->stack, a->n_stack * 8) &&
	       !memcmp(a->actions, b->actions, a->actions_len) &&
	       !memcmp(a->action_set, b->action_set, a->action_set_len);
}

struct held { // the model: references, by state
	struct recirc *r;
	struct state s;
	uint32_t id;
	unsigned int refs;
};

static struct held *find_held(struct held *held, const struct frozen *f)
{
	for (unsigned int i = 0; i < N_STATES; i++)
		if (held[i].refs && same(&held[i].s.f, f))
			return &held[i];
	return NULL;
}

static void freeze_one(struct recirc_table *t, struct held *held)
{
	struct state s;
	random_state(&s);
	struct held *h = find_held(held, &s.f), *unused = NULL;
	for (unsigned int i = 0; i < N_STATES && !unused; i++)
		unused = held[i].refs ? NULL : &held[i];
	if (!h && !unused)
		return;
	struct recirc *r = recirc_freeze(t, &s.f);
	assert_non_null(r);
	assert_true(r->id && same(&r->frozen, &s.f));
	if (h) {
		assert_ptr_equal(h->r, r);
		assert_int_equal(h->id, r->id);
		h->refs++;
		return;
	}
	for (unsigned int i = 0; i < N_STATES; i++)
		assert_true(!held[i].refs || held[i].id != r->id);
	*unused = (struct held){.r = r, .s = s, .id = r->id, .refs = 1};
	unused->s.f.stack = unused->s.stack;
	unused->s.f.actions = unused->s.actions;
	unused->s.f.action_set = unused->s.set;
}

static void check_one(struct recirc_table *t, struct held *h)
{
	struct recirc *r = recirc_find(t, h->id);
	if (!h->refs)
		return;
	assert_ptr_equal(r, h->r);
	assert_true(same(&r->frozen, &h->s.f));
	if (random_below(2)) {
		assert_ptr_equal(recirc_try_ref(r), r);
		h->refs++;
	} else {
		recirc_unref(r);
		h->refs--;
		// Whoever had the number before is still served.
		if (!h->refs)
			assert_ptr_equal(recirc_find(t, h->id), r);
	}
}

static void test_model(void **state)
{
	struct recirc_table *t = recirc_table_new();
	struct held *held = xcalloc(N_STATES, sizeof(*held));
	random_seed(3);
	for (unsigned int i = 0; i < N_STEPS; i++) {
		if (random_below(3))
			check_one(t, &held[random_below(N_STATES)]);
		else
			freeze_one(t, held);
		if (!random_below(100))
			rcu_quiescent();
		if (!random_below(20000))
			rcu_barrier_all();
	}
	for (unsigned int i = 0; i < N_STATES; i++)
		while (held[i].refs) {
			recirc_unref(held[i].r);
			held[i].refs--;
		}
	for (int i = 0; i < 3 && recirc_n_contexts(t); i++)
		rcu_barrier_all();
	assert_int_equal(recirc_n_contexts(t), 0);
	for (unsigned int i = 0; i < N_STATES; i++)
		assert_null(recirc_find(t, held[i].id));
	recirc_table_free(t);
	free(held);
	rcu_barrier_all();
}

// A table that is closed while somebody holds a context.
static void test_outlives_its_table(void **state)
{
	struct recirc_table *t = recirc_table_new();
	struct state s;
	random_state(&s);
	struct recirc *r = recirc_freeze(t, &s.f);
	recirc_table_free(t);
	assert_true(same(&r->frozen, &s.f));
	recirc_unref(r);
	rcu_barrier_all();
	rcu_barrier_all();
}

static void test_limit(void **state)
{
	struct recirc_table *t = recirc_table_new();
	struct recirc **v = xcalloc(RECIRC_MAX + 1, sizeof(struct recirc *));
	struct frozen f;
	unsigned int n = 0, n_first;
	memset(&f, 0, sizeof(f));
	f.h.in_port = 1;
	for (;; n++) { // one port that freezes another state with each packet
		f.h.metadata = n;
		v[n] = recirc_freeze(t, &f);
		if (!v[n])
			break;
		assert_true(n < RECIRC_MAX);
	}
	n_first = n;
	assert_in_range(n_first, RECIRC_MAX * 7 / 8, RECIRC_MAX * 7 / 8 + 1);
	f.h.metadata = 5; // what is there can be had
	struct recirc *again = recirc_freeze(t, &f);
	assert_ptr_equal(again, v[5]);
	recirc_unref(again);
	f.h.in_port = 2; // another port
	for (unsigned int i = 0; i < 1000; i++, n++) {
		f.h.metadata = i;
		v[n] = recirc_freeze(t, &f);
		assert_non_null(v[n]);
	}
	while (n--)
		recirc_unref(v[n]);
	for (int i = 0; i < 3 && recirc_n_contexts(t); i++)
		rcu_barrier_all();
	assert_int_equal(recirc_n_contexts(t), 0);
	f.h.in_port = 1;
	v[0] = recirc_freeze(t, &f);
	assert_non_null(v[0]);
	recirc_unref(v[0]);
	// Bytes.
	f.actions_len = 1 << 20;
	f.actions = xcalloc(1, f.actions_len);
	for (n = 0;; n++) {
		f.h.metadata = n;
		v[n] = recirc_freeze(t, &f);
		if (!v[n])
			break;
	}
	assert_in_range(n, (RECIRC_MAX_BYTES >> 20) * 7 / 8, RECIRC_MAX_BYTES >> 20);
	while (n--)
		recirc_unref(v[n]);
	free((void *)(uintptr_t)f.actions);
	free(v);
	recirc_table_free(t);
	for (int i = 0; i < 3; i++)
		rcu_barrier_all();
}

// Packets: each thread freezes, lets go, and finds the context by its number before its burst ends.
static void *run_packets(void *t_)
{
	struct recirc_table *t = t_;
	struct frozen f;
	rcu_register();
	memset(&f, 0, sizeof(f));
	for (unsigned int i = 0; i < 30000; i++) {
		f.h.metadata = i % 7;
		f.h.in_port = 3;
		struct recirc *r = recirc_freeze(t, &f);
		assert_non_null(r);
		uint32_t id = r->id;
		recirc_unref(r);
		r = recirc_find(t, id);
		assert_non_null(r);
		assert_non_null(recirc_try_ref(r));
		assert_int_equal(r->frozen.h.metadata, i % 7);
		recirc_unref(r);
		if (!(i % 3))
			rcu_quiescent();
	}
	rcu_unregister();
	return NULL;
}

static void test_threads(void **state)
{
	enum { N_THREADS = 4 };
	struct recirc_table *t = recirc_table_new();
	pthread_t thread[N_THREADS];
	for (int i = 0; i < N_THREADS; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, run_packets, t), 0);
	rcu_offline();
	for (int i = 0; i < N_THREADS; i++)
		pthread_join(thread[i], NULL);
	rcu_online();
	for (int i = 0; i < 3; i++)
		rcu_barrier_all();
	assert_int_equal(recirc_n_contexts(t), 0);
	recirc_table_free(t);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_model),
		cmocka_unit_test(test_outlives_its_table),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_threads),
	};
	rcu_register();
	int result = cmocka_run_group_tests(tests, NULL, NULL);
	rcu_barrier_all();
	rcu_unregister();
	return result;
}
