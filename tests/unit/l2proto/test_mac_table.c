/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <string.h>

#include "base/alloc.h"
#include "base/random.h"
#include "l2proto/mac_table.h"

// A naive model: an array in the order of use.
struct model {
	struct mac_entry v[256];
	unsigned int n, max;
	int64_t age;
};

static struct mac_entry *model_find(struct model *m, const uint8_t mac[6], uint16_t vlan)
{
	for (unsigned int i = 0; i < m->n; i++)
		if (!memcmp(m->v[i].mac, mac, 6) && m->v[i].vlan == vlan)
			return &m->v[i];
	return NULL;
}

static void model_drop(struct model *m, struct mac_entry *e)
{
	memmove(e, e + 1, (size_t)(&m->v[--m->n] - e) * sizeof(*e));
}

static void model_evict(struct model *m)
{
	unsigned int most = 0, count[8] = {0};
	for (unsigned int i = 0; i < m->n; i++)
		if (!m->v[i].is_static && ++count[m->v[i].port] > most)
			most = count[m->v[i].port];
	struct mac_entry *victim = NULL; // the oldest of one of the ports with the most
	for (unsigned int i = 0; i < m->n && !victim; i++)
		if (!m->v[i].is_static && count[m->v[i].port] == most)
			victim = &m->v[i];
	if (victim)
		model_drop(m, victim);
}

static bool model_learn(struct model *m, const uint8_t mac[6], uint16_t vlan, uint32_t port,
			int64_t now)
{
	struct mac_entry *e = model_find(m, mac, vlan);
	if (e && e->is_static)
		return false;
	struct mac_entry new = {.vlan = vlan, .port = port, .used = now};
	memcpy(new.mac, mac, 6);
	bool changed = !e || e->port != port;
	if (e)
		model_drop(m, e);
	else if (m->n == m->max)
		model_evict(m);
	m->v[m->n++] = new;
	return changed;
}

struct seen {
	struct model *model;
	unsigned int n;
};

static void check_entry(void *arg, const struct mac_entry *e)
{
	struct seen *seen = arg;
	struct mac_entry *m = model_find(seen->model, e->mac, e->vlan);
	assert_non_null(m);
	assert_int_equal(m->port, e->port);
	assert_int_equal(m->is_static, e->is_static);
	if (!e->is_static)
		assert_int_equal(m->used, e->used);
	seen->n++;
}

static void compare(const struct mac_table *t, struct model *m)
{
	struct seen seen = {.model = m};
	assert_int_equal(mac_table_count(t), m->n);
	mac_table_for_each(t, check_entry, &seen);
	assert_int_equal(seen.n, m->n);
}

static void make_mac(uint8_t mac[6], unsigned int i)
{
	memset(mac, 0, 6);
	mac[0] = 0x50;
	mac[4] = (uint8_t)(i >> 8);
	mac[5] = (uint8_t)i;
}

// One random operation on both. Evictions are compared only where the model has one answer: there
// the ports' counts decide, so the table is kept below its bound here, and eviction has its own
// test.
static void random_step(struct mac_table *t, struct model *m, int64_t *now)
{
	uint8_t mac[6];
	make_mac(mac, random_below(40));
	uint16_t vlan = (uint16_t)random_below(2);
	uint32_t port = random_below(8);
	*now += 600 + random_below(300); // beyond the coarseness of the order
	struct mac_entry e, *expected = model_find(m, mac, vlan);
	switch (random_below(12)) {
	case 0:
		assert_int_equal(mac_table_remove(t, mac, vlan), expected != NULL);
		if (expected)
			model_drop(m, expected);
		break;
	case 1:
		if (!expected || !expected->is_static) {
			if (expected)
				model_drop(m, expected);
			m->v[m->n] =
				(struct mac_entry){.vlan = vlan, .port = port, .is_static = true};
			memcpy(m->v[m->n++].mac, mac, 6);
			assert_true(mac_table_add_static(t, mac, vlan, port));
			assert_false(mac_table_add_static(t, mac, vlan, port));
		}
		break;
	case 2: {
		bool any = false;
		for (unsigned int i = m->n; i-- > 0;) {
			if (!m->v[i].is_static && m->v[i].used + m->age <= *now) {
				model_drop(m, &m->v[i]);
				any = true;
			}
		}
		assert_int_equal(mac_table_age(t, *now), any);
		break;
	}
	case 3:
		if (!random_below(10)) {
			bool any = false;
			for (unsigned int i = m->n; i-- > 0;) {
				if (!m->v[i].is_static && m->v[i].port == port) {
					model_drop(m, &m->v[i]);
					any = true;
				}
			}
			assert_int_equal(mac_table_flush_port(t, port), any);
		}
		break;
	case 4:
	case 5:
		assert_int_equal(mac_table_lookup(t, mac, vlan, &e), expected != NULL);
		if (expected)
			assert_int_equal(e.port, expected->port);
		break;
	case 6:
		mac_table_touch(t, mac, vlan, port, *now);
		if (expected && !expected->is_static && expected->port == port) {
			struct mac_entry copy = *expected;
			copy.used = *now;
			model_drop(m, expected);
			m->v[m->n++] = copy;
		}
		break;
	default:
		assert_int_equal(mac_table_learn(t, mac, vlan, port, *now),
				 model_learn(m, mac, vlan, port, *now));
		break;
	}
}

static void test_model(void **state)
{
	random_seed(7);
	struct model m = {.max = 200, .age = 20000};
	struct mac_table *t = mac_table_new(m.max, m.age);
	int64_t now = 1000;
	for (unsigned int i = 0; i < 20000; i++) {
		random_step(t, &m, &now);
		if (i % 16 == 0)
			compare(t, &m);
	}
	mac_table_flush(t);
	struct mac_table_stats stats;
	mac_table_get_stats(t, &stats);
	assert_int_equal(mac_table_count(t), stats.n_static);
	mac_table_free(t);
}

static void test_eviction(void **state)
{
	struct mac_table *t = mac_table_new(100, 300000);
	uint8_t mac[6];
	struct mac_entry e;
	for (unsigned int i = 0; i < 10; i++) { // a modest port
		make_mac(mac, i);
		assert_true(mac_table_learn(t, mac, 0, 1, i));
	}
	make_mac(mac, 5000);
	mac_table_add_static(t, mac, 0, 3);
	for (unsigned int i = 100; i < 1100; i++) { // and one that floods
		make_mac(mac, i);
		assert_true(mac_table_learn(t, mac, 0, 2, 1000 + i));
	}
	assert_int_equal(mac_table_count(t), 100);
	for (unsigned int i = 0; i < 10; i++) {
		make_mac(mac, i);
		assert_true(mac_table_lookup(t, mac, 0, &e));
	}
	make_mac(mac, 5000);
	assert_true(mac_table_lookup(t, mac, 0, &e) && e.is_static && e.port == 3);
	make_mac(mac, 1099);
	assert_true(mac_table_lookup(t, mac, 0, &e));
	make_mac(mac, 100);
	assert_false(mac_table_lookup(t, mac, 0, &e));
	struct mac_table_stats stats;
	mac_table_get_stats(t, &stats);
	assert_int_equal(stats.n_evicted, 911);
	assert_int_equal(stats.n_learned, 1010);
	mac_table_configure(t, 20, 300000);
	assert_int_equal(mac_table_count(t), 20);
	mac_table_free(t);
}

static void test_age(void **state)
{
	struct mac_table *t = mac_table_new(100, 1000);
	uint8_t a[6], b[6];
	make_mac(a, 1);
	make_mac(b, 2);
	assert_int_equal(mac_table_next_age(t), INT64_MAX);
	mac_table_learn(t, a, 0, 1, 0);
	mac_table_learn(t, b, 0, 1, 100);
	mac_table_learn(t, a, 0, 1, 450); // used, but not reordered: it stays first in the list
	assert_true(mac_table_next_age(t) > 0 && mac_table_next_age(t) <= 1500);
	assert_true(mac_table_age(t, 1100)); // b is old, a is not
	struct mac_entry e;
	assert_true(mac_table_lookup(t, a, 0, &e) && e.used == 450);
	assert_false(mac_table_lookup(t, b, 0, &e));
	assert_false(mac_table_age(t, 1449));
	assert_true(mac_table_age(t, 1450));
	mac_table_free(t);
}

static void *hammer(void *arg)
{
	struct mac_table *t = arg;
	uint8_t mac[6];
	for (unsigned int i = 0; i < 30000; i++) {
		make_mac(mac, random_below(300));
		struct mac_entry e;
		if (mac_table_lookup(t, mac, 0, &e))
			assert_in_range(e.port, 1, 4);
		mac_table_learn(t, mac, 0, 1 + random_below(4), i);
	}
	return NULL;
}

static void test_threads(void **state)
{
	struct mac_table *t = mac_table_new(200, 1000000);
	pthread_t threads[3];
	for (unsigned int i = 0; i < 3; i++)
		pthread_create(&threads[i], NULL, hammer, t);
	for (unsigned int i = 0; i < 100; i++)
		mac_table_flush_port(t, 1 + i % 4);
	for (unsigned int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	assert_true(mac_table_count(t) <= 200);
	mac_table_free(t);
}

// An address that jumps to and fro stays put for a second, and can move again after it.
static void test_moves_are_damped(void **state)
{
	struct mac_table *t = mac_table_new(100, 300000);
	const uint8_t mac[6] = {2, 0, 0, 0, 0, 1};
	struct mac_entry e;
	int64_t now = 1000;
	assert_int_equal(mac_table_learn(t, mac, 0, 1, now), MAC_CHANGED);
	for (unsigned int i = 0; i < MAC_MAX_MOVES; i++)
		assert_int_equal(mac_table_learn(t, mac, 0, 2 + i % 2, now + i), MAC_CHANGED);
	for (unsigned int i = 0; i < 100; i++)
		assert_int_equal(mac_table_learn(t, mac, 0, 7, now + 20 + i), MAC_DAMPED);
	assert_true(mac_table_lookup(t, mac, 0, &e));
	assert_int_equal(e.port, 3);
	assert_int_equal(mac_table_learn(t, mac, 0, 3, now + 500), MAC_KNOWN);
	assert_int_equal(mac_table_learn(t, mac, 0, 7, now + 1000), MAC_CHANGED);
	struct mac_table_stats stats;
	mac_table_get_stats(t, &stats);
	assert_int_equal(stats.n_moved, MAC_MAX_MOVES + 1);
	assert_int_equal(stats.n_damped, 100);
	mac_table_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_moves_are_damped), cmocka_unit_test(test_model),
		cmocka_unit_test(test_eviction),	 cmocka_unit_test(test_age),
		cmocka_unit_test(test_threads),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
