/* SPDX-License-Identifier: Apache-2.0 */
// The variants of the code that each packet runs through: the same results, bit for bit, on frames
// from well-formed to hostile.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/hash.h"
#include "base/random.h"
#include "base/rcu.h"
#include "base/str.h"
#include "dp/user/subtable.h"
#include "dp/user/variant.h"
#include "dp_fixture.h"
#include "frames.h"

enum { N_FRAMES = 4000, N_VARIANTS = 8 };

struct outcome {
	uint64_t sent[FIXTURE_PORTS + 1], digest[FIXTURE_PORTS + 1];
	struct dp_stats stats;
	unsigned int n_misses;
};

// Some mask, as a function of the bits under it, and what to do as well.
static void mask_of(const struct flow *key, struct flow *mask)
{
	memset(mask, 0, sizeof(*mask));
	mask->in_port = UINT32_MAX;
	mask->dl_type = 0xffff;
	mask->nw_proto = 0xff;
	if (key->nw_proto == 6)
		mask->nw_src = BE32(0xffffff00);
	else if (key->nw_proto == 17)
		mask->tp_dst = BE16(0xff00);
	else if (key->dl_type == BE16(0x86dd))
		memset(&mask->ipv6_dst, 0xff, 4);
	else
		memset(mask->dl_src, 0xff, 2);
}

static uint64_t hash_masked(const struct flow *key, const struct flow *mask)
{
	uint64_t words[FLOW_WORDS];
	for (unsigned int i = 0; i < FLOW_WORDS; i++)
		words[i] = flow_words_const(key)[i] & flow_words_const(mask)[i];
	return hash_bytes(words, sizeof(words), 7);
}

static void on_upcall(struct fixture *f, const struct dp_upcall *up, struct dp_upcall_result *r)
{
	mask_of(up->key, &r->mask);
	uint64_t h = hash_masked(up->key, &r->mask);
	for (unsigned int i = 0; i < h % 3; i++) { // drop, one port, two ports
		struct dpact_output *out = buf_add_zeros(&r->actions, sizeof(*out));
		out->h.type = DPACT_OUTPUT;
		out->h.len = sizeof(*out);
		out->port = (uint32_t)(2 + (h >> (8 + 8 * i)) % (FIXTURE_PORTS - 1));
	}
	r->install = h % 7 != 0;
	if (r->install)
		r->cookie = (void *)++f->next_cookie;
}

static void choose(struct fixture *f, const char *name)
{
	struct str reply = STR_INIT, full = STR_INIT;
	str_addf(&full, "dpif_%s", name);
	struct dp_variant_choice choice = {.name = str_cstr(&full), .core = -1};
	assert_null(dp_variant_choose(f->dp, DP_VARIANT_IMPL, &choice, &reply));
	str_done(&reply);
	str_done(&full);
}

static void collect(struct fixture *f, struct outcome *o)
{
	struct sent sent;
	for (unsigned int port = 1; port <= FIXTURE_PORTS; port++) {
		while (fake_netdev_pop(f->port[port], &sent)) {
			o->sent[port]++;
			o->digest[port] = hash_bytes(sent.data, sent.len, o->digest[port]);
			sent_done(&sent);
		}
	}
}

static struct outcome traffic(const char *variant)
{
	static struct fixture f;
	static uint8_t kept[64][FRAME_MAX];
	size_t lengths[64] = {0};
	struct outcome o = {0};
	random_seed(5);
	fixture_init(&f, "dummy", "dummy");
	f.on_upcall = on_upcall;
	choose(&f, variant);
	for (unsigned int i = 0; i < N_FRAMES; i++) {
		unsigned int k = random_below(64);
		if (!lengths[k] || !random_below(8)) {
			lengths[k] = frame_random(kept[k]);
			if (!random_below(3))
				lengths[k] = frame_mutate(kept[k], lengths[k]);
		}
		fake_netdev_push_bytes(f.port[1 + random_below(2)], kept[k], lengths[k]);
		if (i % 20 == 19)
			fixture_run(&f);
	}
	fixture_run(&f);
	collect(&f, &o);
	o.stats = fixture_stats(&f);
	o.n_misses = f.n_misses;
	fixture_done(&f);
	return o;
}

static void test_bursts_agree(void **state)
{
	unsigned int n, tried = 0;
	const struct variant *v = variants(&n);
	struct outcome first = traffic(v[0].name);
	assert_true(first.stats.n_hit > N_FRAMES / 2 && first.stats.n_cache_hit > 100 &&
		    first.n_misses > 50);
	for (unsigned int i = 1; i < n; i++) {
		if (!v[i].works())
			continue;
		struct outcome o = traffic(v[i].name);
		assert_memory_equal(&o, &first, sizeof(o));
		tried++;
	}
	assert_true(tried || variant_best() == &v[0]);
}

static void ignore(void *arg)
{
}

static void gone(void *arg, void *cookie, const struct dp_flow_stats *stats)
{
}

static void packet(struct dp_key *key, struct flow *flow)
{
	uint8_t frame[FRAME_MAX], scratch[KEY_HEADER_BYTES];
	const uint8_t *header;
	size_t n = frame_mutate(frame, frame_random(frame));
	memset(flow, 0, sizeof(*flow));
	memset(key, 0, sizeof(*key));
	flow_extract(frame, n, n, flow);
	key->meta.layout =
		(uint16_t)key_header(frame, (uint32_t)n, (uint32_t)n, FRAME_MAX, scratch, &header);
	memcpy(key->header, header, KEY_HEADER_BYTES);
}

static void test_searches_agree(void **state)
{
	struct flow_table *ft = flow_table_new(ignore, gone, NULL);
	struct dp_key key, mask;
	struct flow flow, flow_mask;
	unsigned int n, found = 0;
	const struct variant *v = variants(&n);
	random_seed(6);
	for (unsigned int i = 0; i < 600; i++) {
		packet(&key, &flow);
		mask_of(&flow, &flow_mask);
		mask_from_flow(&mask, key.meta.layout, &flow_mask);
		struct flow_new new = {
			.key = &key, .mask = &mask, .full_layout = key.meta.layout, .actions = ""};
		assert_null(flow_table_put(ft, &new, NULL));
	}
	for (unsigned int i = 0; i < 3000; i++) {
		packet(&key, &flow);
		VEC_FOREACH (&ft->subtables, k) {
			const struct subtable *st = ft->subtables.v[k];
			uint64_t hash = live_hash(&st->live, &key.meta, key.header);
			const struct megaflow *want =
				v[0].subtable_search(ft, st, hash, &key.meta, key.header);
			found += want != NULL;
			for (unsigned int j = 1; j < n; j++)
				if (v[j].works())
					assert_ptr_equal(v[j].subtable_search(ft, st, hash,
									      &key.meta,
									      key.header),
							 want);
		}
	}
	assert_true(found > 500);
	flow_table_free(ft);
}

static const char *choose_search(struct fixture *f, const char *name, uint32_t priority,
				 struct str *reply)
{
	struct dp_variant_choice choice = {.name = name, .core = -1, .priority = priority};
	str_clear(reply);
	struct error *e = dp_variant_choose(f->dp, DP_VARIANT_SEARCH, &choice, reply);
	if (e) {
		str_add(reply, error_text(e));
		error_free(e);
	}
	return str_cstr(reply);
}

static void test_choices(void **state)
{
	static struct fixture f;
	struct str s = STR_INIT;
	fixture_init(&f, "dummy", "dummy");
	assert_null(dp_variant_format(f.dp, DP_VARIANT_SEARCH, &s));
	assert_non_null(strstr(str_cstr(&s), "  autovalidator (Use count: 0, Priority: 0)\n  "
					     "generic (Use count: 0, Priority: 1)\n"));
	assert_string_equal(
		choose_search(&f, "generic", 9, &s),
		variant_best() == variant_find("scalar")
			? "Lookup priority change affected 0 dpcls ports and 0 subtables.\n"
			: "Lookup priority change affected 1 dpcls ports and 0 subtables.\n");
	assert_string_equal(choose_search(&f, "autovalidator", 10, &s),
			    "Lookup priority change affected 1 dpcls ports and 0 subtables.\n");
	assert_string_equal(choose_search(&f, "frob", 1, &s),
			    "error, subtable lookup function not found");
	assert_string_equal(choose_search(&f, "generic", 256, &s),
			    "error converting priority, use integer in range 0-255");
	struct error *e = dp_variant_choose(f.dp, DP_VARIANT_IMPL,
					    &(struct dp_variant_choice){.name = "scalar"}, &s);
	assert_string_equal(
		error_text(e),
		"DPIF implementation not available: Unknown DPIF implementation scalar.");
	error_free(e);
	str_done(&s);
	fixture_done(&f);
}

int main(void)
{
	rcu_register();
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_searches_agree),
		cmocka_unit_test(test_bursts_agree),
		cmocka_unit_test(test_choices),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
