/* SPDX-License-Identifier: Apache-2.0 */
// The megaflow table and the flow cache against a naive model, alone and with readers beside the
// writer.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include <stdatomic.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/random.h"
#include "dp/user/cache.h"
#include "dp/user/flow_table.h"
#include "dp/user/program.h"
#include "dp/user/subtable.h"
#include "frames.h"

enum { MAX_MODEL = 2000 };

struct model_flow {		 // cookie of a megaflow
	struct dp_key key, mask; // as asked for
	uint32_t port;
	bool live, gone;
	struct dp_flow_stats final;
};

static struct model_flow model[MAX_MODEL];
static unsigned int n_model;
static atomic_uint n_wakes;

static void wake(void *arg)
{
	n_wakes++;
}

static void gone(void *arg, void *cookie, const struct dp_flow_stats *stats)
{
	struct model_flow *m = cookie;
	assert_false(m->gone);
	m->gone = true;
	m->live = false;
	m->final = *stats;
}

static void settle(struct flow_table *ft)
{
	for (int i = 0; i < 3; i++) {
		flow_table_reap(ft);
		rcu_barrier_all();
	}
	flow_table_reap(ft);
}

static size_t output_list(uint8_t list[16], uint32_t port)
{
	struct dpact_output out = {.h = {.type = DPACT_OUTPUT, .len = sizeof(out)}, .port = port};
	memcpy(list, &out, sizeof(out));
	return sizeof(out);
}

static void random_packet(struct dp_key *key, struct flow *flow)
{
	uint8_t frame[FRAME_MAX], scratch[KEY_HEADER_BYTES];
	const uint8_t *header;
	size_t n = frame_random(frame);
	memset(flow, 0, sizeof(*flow));
	memset(key, 0, sizeof(*key));
	flow_extract(frame, n, n, flow);
	key->meta.layout =
		(uint16_t)key_header(frame, (uint32_t)n, (uint32_t)n, FRAME_MAX, scratch, &header);
	memcpy(key->header, header, KEY_HEADER_BYTES);
	key->meta.in_port = flow->in_port = 1 + random_below(3);
}

static void random_flow_mask(struct flow *mask)
{
	memset(mask, 0, sizeof(*mask));
	mask->in_port = UINT32_MAX;
	mask->dl_type = 0xffff;
	switch (random_below(7)) {
	case 0:
		memset(mask->dl_dst, 0xff, 6);
		break;
	case 1:
		mask->nw_src = BE32(0xffffff00);
		break;
	case 2:
		mask->nw_proto = 0xff;
		mask->tp_dst = 0xffff;
		break;
	case 3:
		memset(&mask->ipv6_dst, 0xff, 16);
		break;
	case 4:
		mask->nw_dst = mask->nw_src = UINT32_MAX;
		mask->nw_proto = 0xff;
		break;
	case 5:
		memset(&mask->nd_target, 0xff, 16);
		mask->ct_label.b[0] = 1;
		break;
	}
}

static struct megaflow *put(struct flow_table *ft, const struct dp_key *key,
			    const struct dp_key *mask, bool bounded)
{
	uint8_t list[16];
	assert_true(n_model < MAX_MODEL);
	struct model_flow *m = &model[n_model++];
	*m = (struct model_flow){.key = *key, .mask = *mask, .port = n_model, .live = true};
	struct flow_new new = {.key = key,
			       .mask = mask,
			       .full_layout = key->meta.layout,
			       .actions = list,
			       .actions_len = output_list(list, m->port),
			       .cookie = m,
			       .bounded = bounded};
	struct megaflow *f = NULL;
	assert_null(flow_table_put(ft, &new, &f));
	assert_non_null(f);
	return f;
}

static bool model_matches(const struct dp_key *key)
{
	for (unsigned int i = 0; i < n_model; i++)
		if (model[i].live && key_equal_masked(key, &model[i].key, &model[i].mask))
			return true;
	return false;
}

// What the datapath does: cache, then classifier, then insert into the cache.
static struct megaflow *cached_lookup(struct flow_table *ft, struct cache *cache,
				      const struct dp_key *key)
{
	unsigned int probes = 0;
	const struct layout_index *index = rcu_get(&ft->index[key->meta.layout & (LAYOUT_N - 1)]);
	uint64_t hash = live_hash(&index->live, &key->meta, key->header);
	uint32_t number = cache_find(cache_bucket(cache, hash), hash);
	if (number != CACHE_NONE &&
	    megaflow_matches(flow_table_at(ft, number), &key->meta, key->header))
		return flow_table_at(ft, number);
	struct megaflow *f = flow_table_lookup(ft, &key->meta, key->header, &probes);
	if (f)
		cache_insert(cache, hash, f->number);
	return f;
}

static void test_against_model(void **state)
{
	struct cache cache;
	struct flow_table *ft = flow_table_new(wake, gone, NULL);
	unsigned int hits = 0;
	n_model = 0;
	cache_init(&cache);
	for (int i = 0; i < 20000; i++) {
		struct dp_key key, mask;
		struct flow flow, flow_mask;
		random_packet(&key, &flow);
		struct megaflow *f = cached_lookup(ft, &cache, &key);
		bool want = model_matches(&key);
		assert_int_equal(f != NULL, want);
		if (f) {
			struct model_flow *m = f->cookie;
			assert_true(m->live);
			assert_true(key_equal_masked(&key, &m->key, &m->mask));
			assert_int_equal(f->program->port, m->port);
			hits++;
			if (!random_below(20)) {
				m->live = false;
				flow_table_remove(ft, f);
				if (random_below(2))
					settle(ft); // the slot is used again, and the cache still
						    // knows it
			}
		} else if (n_model < MAX_MODEL && random_below(2)) {
			random_flow_mask(&flow_mask);
			mask_from_flow(&mask, key.meta.layout, &flow_mask);
			put(ft, &key, &mask, false);
		}
	}
	assert_in_range(hits, 5000, 20000);
	cache_done(&cache);
	flow_table_free(ft);
	for (unsigned int i = 0; i < n_model; i++)
		assert_true(model[i].gone);
}

static void test_equal_flow_stays(void **state)
{
	struct flow_table *ft = flow_table_new(wake, gone, NULL);
	struct dp_key key, mask;
	struct flow flow, flow_mask;
	uint64_t position = 0;
	n_model = 0;
	random_packet(&key, &flow);
	random_flow_mask(&flow_mask);
	mask_from_flow(&mask, key.meta.layout, &flow_mask);
	struct megaflow *first = put(ft, &key, &mask, true);
	assert_ptr_equal(put(ft, &key, &mask, true), first);
	settle(ft);
	assert_false(model[0].gone);
	assert_true(model[1].gone);
	assert_int_equal(model[1].final.packets, 0);
	assert_int_equal(flow_table_n_flows(ft), 1);
	assert_ptr_equal(flow_table_next(ft, &position), first);
	assert_null(flow_table_next(ft, &position));
	// Replaced: the old one goes, with its counters.
	struct flow_counters *c = flow_counters_new(ft);
	flow_counter_at(c, first->number)->packets = 7;
	flow_counter_at(c, first->number)->bytes = 700;
	flow_counter_at(c, first->number)->used = flow_table_now(ft);
	struct uuid ufid = megaflow_ufid(ft, first);
	uint8_t list[16];
	model[2] = (struct model_flow){.live = true};
	struct flow_new new = {.key = &key,
			       .mask = &mask,
			       .full_layout = key.meta.layout,
			       .actions = list,
			       .actions_len = output_list(list, 9),
			       .cookie = &model[2],
			       .replace = true};
	struct megaflow *second;
	assert_null(flow_table_put(ft, &new, &second));
	assert_ptr_not_equal(second, first);
	assert_null(flow_table_find(ft, &ufid));
	struct uuid second_ufid = megaflow_ufid(ft, second);
	assert_ptr_equal(flow_table_find(ft, &second_ufid), second);
	settle(ft);
	assert_true(model[0].gone);
	assert_int_equal(model[0].final.packets, 7);
	assert_int_equal(model[0].final.bytes, 700);
	assert_in_range(clock_ms() - model[0].final.used, 0, 1000);
	assert_int_equal(flow_counter_at(c, first->number)->packets, 0);
	flow_table_free(ft);
	assert_true(model[2].gone);
}

static void test_refused_actions_give_the_cookie_back(void **state)
{
	struct flow_table *ft = flow_table_new(wake, gone, NULL);
	struct dp_key key, mask;
	struct flow flow, flow_mask;
	struct dpact_set tunnel = {.h = {.type = DPACT_SET, .len = sizeof(tunnel)},
				   .header = DPH_TUNNEL};
	random_packet(&key, &flow);
	random_flow_mask(&flow_mask);
	mask_from_flow(&mask, key.meta.layout, &flow_mask);
	model[0] = (struct model_flow){.live = true};
	struct flow_new new = {.key = &key,
			       .mask = &mask,
			       .full_layout = key.meta.layout,
			       .actions = &tunnel,
			       .actions_len = sizeof(tunnel),
			       .cookie = &model[0]};
	struct error *e = flow_table_put(ft, &new, NULL);
	assert_non_null(e);
	assert_string_equal(error_text(e),
			    "the userspace datapath has no tunnels yet: Operation not supported");
	error_free(e);
	settle(ft);
	assert_true(model[0].gone);
	assert_int_equal(flow_table_n_masks(ft), 0);
	flow_table_free(ft);
}

// However many masks translation asks for, a packet meets a bounded number, and still only
// megaflows that cover it.
static void test_masks_are_bounded(void **state)
{
	struct flow_table *ft = flow_table_new(wake, gone, NULL);
	uint8_t frame[FRAME_MAX] = {[12] = 8, [14] = 0x45, [17] = 28, [23] = 17};
	n_model = 0;
	for (unsigned int i = 0; i < 1500; i++) {
		struct flow flow = {0}, flow_mask = {0};
		struct dp_key key, mask;
		random_bytes(frame + 26, 8);
		flow_extract(frame, 60, 60, &flow);
		key_from_flow(&key, &flow);
		flow_mask.dl_type = 0xffff;
		// 32 * 32 prefixes, wide ones last so that narrowing has something to choose from
		flow_mask.nw_src = htobe32(~(uint32_t)((1ULL << (i % 32)) - 1));
		flow_mask.nw_dst = htobe32(~(uint32_t)((1ULL << (i / 32 % 32)) - 1));
		mask_from_flow(&mask, key.meta.layout, &flow_mask);
		unsigned int probes = 0;
		if (flow_table_lookup(ft, &key.meta, key.header, &probes))
			continue;
		assert_in_range(probes, 0, FLOW_TABLE_MAX_MASKS + 1);
		struct megaflow *f = put(ft, &key, &mask, true);
		assert_true(megaflow_matches(f, &key.meta, key.header));
		const uint64_t *wide = (const uint64_t *)(const void *)&mask;
		const uint64_t *narrow = (const uint64_t *)(const void *)&f->subtable->mask;
		for (unsigned int w = 0; w < KEY_WORDS; w++)
			assert_int_equal(wide[w] & ~narrow[w], 0);
	}
	assert_true(n_model > 500);
	assert_in_range(flow_table_n_masks(ft), FLOW_TABLE_MAX_MASKS, FLOW_TABLE_MAX_MASKS + 1);
	flow_table_free(ft);
}

static void test_only_masks_of_the_layout_are_searched(void **state)
{
	struct flow_table *ft = flow_table_new(wake, gone, NULL);
	n_model = 0;
	struct flow udp = {.dl_type = BE16(0x0800), .nw_proto = 17},
		    tcp = {.dl_type = BE16(0x0800), .nw_proto = 6}, arp = {.dl_type = BE16(0x0806)};
	struct flow mask = {
		.dl_type = 0xffff, .nw_proto = 0xff, .tp_src = 0xffff, .tcp_flags = 0xffff};
	const struct flow *flows[] = {&udp, &tcp, &arp};
	struct dp_key key, m;
	for (int i = 0; i < 3; i++) {
		key_from_flow(&key, flows[i]);
		mask_from_flow(&m, key.meta.layout, &mask);
		put(ft, &key, &m, true);
	}
	assert_int_equal(flow_table_n_masks(ft), 3);
	for (int i = 0; i < 3; i++) {
		unsigned int probes = 0;
		key_from_flow(&key, flows[i]);
		assert_non_null(flow_table_lookup(ft, &key.meta, key.header, &probes));
		assert_int_equal(probes, 1);
	}
	flow_table_free(ft);
}

// --- Readers beside a writer: a reader finds only megaflows that match, and stable ones always.

enum { N_STABLE = 64, N_READERS = 2 };

struct shared {
	struct flow_table *ft;
	atomic_bool stop;
	atomic_uint next_reader, found[N_READERS];
	struct dp_key stable[N_STABLE], churned[N_STABLE];
};

static void *reader(void *arg)
{
	struct shared *s = arg;
	struct cache cache;
	atomic_uint *found = &s->found[s->next_reader++];
	rcu_register();
	cache_init(&cache);
	struct flow_counters *c = flow_counters_new(s->ft);
	for (unsigned int i = 0; !s->stop; i++) {
		const struct dp_key *key =
			i % 2 ? &s->stable[i / 2 % N_STABLE] : &s->churned[i / 2 % N_STABLE];
		struct megaflow *f = cached_lookup(s->ft, &cache, key);
		if (i % 2 && !f)
			abort();
		if (f) {
			if (!megaflow_matches(f, &key->meta, key->header) && i % 2)
				abort();
			__atomic_store_n(&flow_counter_at(c, f->number)->packets,
					 flow_counter_at(c, f->number)->packets + 1,
					 __ATOMIC_RELAXED);
			*found += i % 2;
		}
		if (i % 32 == 0)
			rcu_quiescent();
	}
	cache_done(&cache);
	rcu_unregister();
	return NULL;
}

// On a loaded machine the writer could be done before a reader begins.
static bool all_have_read(struct shared *s)
{
	for (int i = 0; i < N_READERS; i++)
		if (s->found[i] <= 100)
			return false;
	return true;
}

static void stable_and_churned(struct shared *s, struct dp_key *mask)
{
	struct flow flow_mask = {.dl_type = 0xffff, .nw_src = UINT32_MAX};
	for (uint32_t i = 0; i < N_STABLE; i++) {
		struct flow f = {.dl_type = BE16(0x0800), .nw_proto = 17, .nw_src = htobe32(i)};
		key_from_flow(&s->stable[i], &f);
		mask_from_flow(mask, s->stable[i].meta.layout, &flow_mask);
		put(s->ft, &s->stable[i], mask, true);
		f.nw_src = htobe32(1000 + i);
		f.nw_dst = htobe32(i);
		key_from_flow(&s->churned[i], &f);
	}
}

static void test_readers_beside_writer(void **state)
{
	static struct shared s;
	pthread_t threads[N_READERS];
	struct dp_key mask, other;
	struct flow other_mask = {.dl_type = 0xffff, .nw_src = UINT32_MAX, .nw_dst = UINT32_MAX};
	s.ft = flow_table_new(wake, gone, NULL);
	s.stop = false;
	n_model = 0;
	stable_and_churned(&s, &mask);
	mask_from_flow(&other, s.churned[0].meta.layout, &other_mask);
	for (int i = 0; i < N_READERS; i++)
		pthread_create(&threads[i], NULL, reader, &s);
	for (int round = 0; round < 900; round++) { // masks come and go with these
		struct megaflow *f[2];
		const struct dp_key *key = &s.churned[random_below(N_STABLE)];
		f[0] = put(s.ft, key, random_below(2) ? &mask : &other, true);
		if (random_below(2))
			flow_table_reap(s.ft);
		flow_table_remove(s.ft, f[0]);
		rcu_quiescent();
	}
	while (!all_have_read(&s)) {
		rcu_quiescent();
		usleep(1000);
	}
	s.stop = true;
	rcu_offline();
	for (int i = 0; i < N_READERS; i++)
		pthread_join(threads[i], NULL);
	rcu_online();
	flow_table_free(s.ft);
	for (unsigned int i = 0; i < n_model; i++)
		assert_true(model[i].gone);
}

static void test_cache(void **state)
{
	struct cache c;
	cache_init(&c);
	enum { N = 3000 };
	static uint64_t hash[N];
	unsigned int found = 0;
	for (uint32_t i = 0; i < N; i++) {
		hash[i] = random_u64();
		assert_int_equal(cache_find(cache_bucket(&c, hash[i]), hash[i]), CACHE_NONE);
		cache_insert(&c, hash[i], i);
		assert_int_equal(cache_find(cache_bucket(&c, hash[i]), hash[i]), i);
	}
	for (uint32_t i = 0; i < N; i++)
		found += cache_find(cache_bucket(&c, hash[i]), hash[i]) == i;
	assert_in_range(found, N - 3, N);
	// A full bucket gives up one of its entries; equal signatures share one.
	for (uint32_t i = 0; i < 20; i++)
		cache_insert(&c, (uint64_t)(2 * i + 1) << 48 | (uint64_t)i << 40, i);
	unsigned int kept = 0;
	for (uint32_t i = 0; i < 20; i++)
		kept += cache_find(cache_bucket(&c, 0), (uint64_t)(2 * i + 1) << 48) == i;
	assert_in_range(kept, CACHE_WAYS - 1, CACHE_WAYS);
	cache_insert(&c, 77ULL << 48, 1);
	cache_insert(&c, 77ULL << 48, 2);
	assert_int_equal(cache_find(cache_bucket(&c, 0), 77ULL << 48), 2);
	cache_done(&c);
}

static void test_cache_grows_when_it_pays(void **state)
{
	enum { ROOM = CACHE_MIN_BUCKETS * CACHE_WAYS };
	struct cache c;
	cache_init(&c);
	uint64_t packets = 0, probes = 0;
	for (unsigned int i = 0; i < 2 * ROOM; i++) // most packets are found
		cache_note_insert(&c, packets += 20, probes += 30);
	for (unsigned int i = 0; i < 2 * ROOM; i++) // none is, but the classifier is as quick
		cache_note_insert(&c, packets += 1, probes += 2);
	assert_int_equal(c.mask + 1, CACHE_MIN_BUCKETS);
	for (unsigned int i = 0; i < 30 * ROOM; i++)
		cache_note_insert(&c, packets += 3, probes += 30);
	assert_in_range(c.mask + 1, 4 * CACHE_MIN_BUCKETS, CACHE_MAX_BUCKETS);
	for (unsigned int i = 0; i < 300 * ROOM; i++)
		cache_note_insert(&c, packets += 3, probes += 30);
	assert_int_equal(c.mask + 1, CACHE_MAX_BUCKETS);
	for (uint32_t i = 0; i < 1000; i++) {
		uint64_t hash = random_u64();
		cache_insert(&c, hash, i);
		assert_int_equal(cache_find(cache_bucket(&c, hash), hash), i);
	}
	cache_done(&c);
}

int main(void)
{
	random_seed(2);
	rcu_register();
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cache),
		cmocka_unit_test(test_cache_grows_when_it_pays),
		cmocka_unit_test(test_equal_flow_stays),
		cmocka_unit_test(test_refused_actions_give_the_cookie_back),
		cmocka_unit_test(test_only_masks_of_the_layout_are_searched),
		cmocka_unit_test(test_masks_are_bounded),
		cmocka_unit_test(test_against_model),
		cmocka_unit_test(test_readers_beside_writer),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	rcu_barrier_all();
	rcu_unregister();
	return failed;
}
