/* SPDX-License-Identifier: Apache-2.0 */
#include "dp/user/flow_table.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/random.h"
#include "dp/user/program.h"
#include "dp/user/subtable.h"

static const size_t chunk_bytes = (size_t)FLOW_CHUNK * sizeof(struct megaflow);
static const size_t counter_chunk_bytes = (size_t)FLOW_CHUNK * sizeof(struct flow_counter);

struct flow_table *
flow_table_new(void (*wake)(void *arg),
	       void (*gone)(void *arg, void *cookie, const struct dp_flow_stats *), void *arg)
{
	struct flow_table *ft = xaligned_alloc(64, (sizeof(*ft) + 63) & ~(size_t)63);
	ft->secret = random_u64() | 1;
	ft->epoch = clock_ms();
	ft->wake = wake;
	ft->gone = gone;
	ft->arg = arg;
	ft->unbuilt = xaligned_alloc(64, (sizeof(*ft->unbuilt) + 63) & ~(size_t)63);
	live_init(&ft->unbuilt->live, &ft->dead.mask, ft->secret, ft->secret);
	for (uint32_t i = 0; i < LAYOUT_N; i++)
		ft->index[i] = ft->unbuilt;
	ft->search = variant_best()->subtable_search;
	pthread_mutex_init(&ft->lock, NULL);
	ft->programs = program_set_new();
	return ft;
}

uint32_t flow_table_time(const struct flow_table *ft, int64_t ms)
{
	uint32_t t = (uint32_t)(ms - ft->epoch + 1);
	return t ? t : 1;
}

uint32_t flow_table_now(const struct flow_table *ft)
{
	return flow_table_time(ft, clock_ms());
}

// --- Numbers, slots and counters.

static void *map(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return p == MAP_FAILED ? NULL : p;
}

// Slots, and behind them, touched only where it is used, the room for the rest of long keys.
static struct megaflow *chunk_new(void)
{
	// Aligned to the slots' size, so that they can be one huge page.
	uint8_t *p = map(3 * chunk_bytes);
	if (!p)
		return NULL;
	uint8_t *start = (uint8_t *)(((uintptr_t)p + chunk_bytes - 1) & ~(chunk_bytes - 1));
	if (start > p)
		munmap(p, (size_t)(start - p));
	if (start < p + chunk_bytes)
		munmap(start + 2 * chunk_bytes, (size_t)(p + chunk_bytes - start));
	madvise(start, chunk_bytes, MADV_HUGEPAGE);
	madvise(start + chunk_bytes, chunk_bytes, MADV_NOHUGEPAGE);
	return (struct megaflow *)(void *)start;
}

// Zeros, memory only where the thread counts.
static struct flow_counter *counter_chunk_new(void)
{
	void *p = map(counter_chunk_bytes);
	if (!p) {
		fprintf(stderr, "out of memory for counters of megaflows\n");
		abort();
	}
	return p;
}

void megaflow_key(const struct megaflow *f, struct dp_key *key)
{
	vec32 *meta = (vec32 *)(void *)&key->meta;
	vec64 *header = (vec64 *)(void *)key->header;
	meta[0] = f->meta_lo;
	header[0] = f->header;
	if (subtable_is_long(f->subtable)) {
		meta[1] = megaflow_more(f)->meta_hi;
		header[1] = megaflow_more(f)->header;
	} else {
		meta[1] = (vec32){0};
		header[1] = (vec64){0};
	}
}

struct uuid megaflow_ufid(const struct flow_table *ft, const struct megaflow *f)
{
	uint64_t a = hash_u64(ft->secret ^ ((uint64_t)f->number << 16 | f->life)),
		 b = hash_u64(a ^ ft->secret);
	return (struct uuid){{(uint32_t)(a >> 32), (uint32_t)a, (uint32_t)b, f->number}};
}

// The number of a slot that no reader can see; UINT32_MAX: the table is full.
static uint32_t take_number(struct flow_table *ft)
{
	if (ft->free_numbers.n)
		return ft->free_numbers.v[--ft->free_numbers.n];
	uint32_t number = ft->n_numbers, chunk = number >> FLOW_CHUNK_BITS;
	if (number == FLOW_MAX_FLOWS)
		return UINT32_MAX;
	if (!ft->chunk[chunk]) {
		struct megaflow *slots = chunk_new();
		if (!slots)
			return UINT32_MAX;
		VEC_FOREACH (&ft->counters, i)
			ft->counters.v[i]->chunk[chunk] = counter_chunk_new();
		rcu_assign(&ft->chunk[chunk], slots);
	}
	ft->n_numbers++;
	struct megaflow *f = flow_table_at(ft, number);
	f->number = number;
	f->subtable = &ft->dead;
	return number;
}

struct flow_counters *flow_counters_new(struct flow_table *ft)
{
	struct flow_counters *c = XNEW(struct flow_counters);
	pthread_mutex_lock(&ft->lock);
	for (unsigned int i = 0; i < FLOW_MAX_CHUNKS && ft->chunk[i]; i++)
		c->chunk[i] = counter_chunk_new();
	vec_push(&ft->counters, c);
	pthread_mutex_unlock(&ft->lock);
	return c;
}

void flow_table_get_stats(struct flow_table *ft, const struct megaflow *f,
			  struct dp_flow_stats *stats)
{
	*stats = (struct dp_flow_stats){0};
	uint32_t now = flow_table_now(ft), idle = UINT32_MAX;
	VEC_FOREACH (&ft->counters, i) {
		const struct flow_counter *c = flow_counter_at(ft->counters.v[i], f->number);
		stats->packets += __atomic_load_n(&c->packets, __ATOMIC_RELAXED);
		stats->bytes += __atomic_load_n(&c->bytes, __ATOMIC_RELAXED);
		stats->tcp_flags |= __atomic_load_n(&c->tcp_flags, __ATOMIC_RELAXED);
		uint32_t used = __atomic_load_n(&c->used, __ATOMIC_RELAXED);
		if (used && now - used < idle)
			idle = now - used;
	}
	if (idle != UINT32_MAX)
		stats->used = clock_ms() - idle;
}

// --- Lookup.

// Counts a hit, and now and then ranks the masks anew when one has overtaken another.
static void note_hit(struct flow_table *ft, const struct layout_index *index, uint32_t i,
		     uint32_t layout)
{
	enum { RANK_AFTER = 1 << 16 };
	struct subtable *st = index->subtables[i];
	uint64_t hits = __atomic_load_n(&st->hits, __ATOMIC_RELAXED) + 1;
	__atomic_store_n(&st->hits, hits, __ATOMIC_RELAXED);
	if (i && hits > __atomic_load_n(&index->subtables[i - 1]->hits, __ATOMIC_RELAXED) + 64 &&
	    hits % RANK_AFTER < 64 && !pthread_mutex_trylock(&ft->lock)) {
		layout_index_rank(ft, layout);
		pthread_mutex_unlock(&ft->lock);
	}
}

// The most used subtable, then groups of them: the slots of a group are fetched together.
struct megaflow *flow_table_lookup(struct flow_table *ft, const struct dp_meta *meta,
				   const uint8_t *header, unsigned int *n_probes)
{
	enum { GROUP = 8 };
	uint32_t layout = meta->layout & (LAYOUT_N - 1);
	variant_search *search = __atomic_load_n(&ft->search, __ATOMIC_RELAXED);
	const struct layout_index *index = rcu_get(&ft->index[layout]);
	if (!index->built) {
		pthread_mutex_lock(&ft->lock);
		index = ft->index[layout]->built ? ft->index[layout]
						 : layout_index_build(ft, layout);
		pthread_mutex_unlock(&ft->lock);
	}
	for (uint32_t first = 0, n = 1; first < index->n; first += n, n = GROUP) {
		uint64_t hash[GROUP];
		const uint64_t *slot[GROUP];
		n = n < index->n - first ? n : index->n - first;
		for (uint32_t k = 0; k < n; k++) {
			const struct subtable *st = index->subtables[first + k];
			const struct flow_hash *h = rcu_get(&st->hash);
			hash[k] = live_hash(&st->live, meta, header);
			slot[k] = &h->slot[flow_hash_start(h, hash[k])];
			__builtin_prefetch(slot[k]);
		}
		for (uint32_t k = 0; k < n; k++) {
			++*n_probes;
			if (!rcu_get(slot[k]))
				continue;
			struct megaflow *f =
				search(ft, index->subtables[first + k], hash[k], meta, header);
			if (!f)
				continue;
			note_hit(ft, index, first + k, layout);
			return f;
		}
	}
	return NULL;
}

// --- Changes.

static void retire(struct flow_table *ft, struct megaflow *f, void *cookie)
{
	vec_push(&ft->retired.of, ((struct retired){.flow = f, .cookie = cookie}));
}

static void unlink_flow(struct flow_table *ft, struct megaflow *f)
{
	struct subtable *st = f->subtable;
	subtable_unlink(ft, st, f);
	__atomic_store_n(&f->subtable, &ft->dead, __ATOMIC_RELEASE);
	ft->n_flows--;
	retire(ft, f, f->cookie);
	subtable_release_if_empty(ft, st);
}

static struct megaflow *publish(struct flow_table *ft, struct subtable *st,
				const struct flow_new *new, const struct dp_key *key, uint64_t hash,
				struct program *program, uint32_t number)
{
	struct megaflow *f = flow_table_at(ft, number);
	const vec32 *meta = (const vec32 *)(const void *)&key->meta;
	f->program = program;
	f->full_layout = (uint16_t)(new->full_layout &(LAYOUT_N - 1));
	const vec64 *header = (const vec64 *)(const void *)key->header;
	f->meta_lo = meta[0];
	f->header = header[0];
	if (subtable_is_long(st)) {
		megaflow_more(f)->meta_hi = meta[1];
		megaflow_more(f)->header = header[1];
	}
	f->cookie = new->cookie;
	f->life++;
	__atomic_store_n(&f->subtable, st, __ATOMIC_RELEASE);
	subtable_insert(st, f, hash);
	ft->n_flows++;
	return f;
}

static void apply_mask(struct dp_key *out, const struct dp_key *key, const struct dp_key *mask)
{
	const uint64_t *k = (const uint64_t *)(const void *)key,
		       *m = (const uint64_t *)(const void *)mask;
	uint64_t *o = (uint64_t *)(void *)out;
	for (unsigned int i = 0; i < KEY_WORDS; i++)
		o[i] = k[i] & m[i];
}

static struct error *put_locked(struct flow_table *ft, const struct flow_new *new,
				struct megaflow **out)
{
	struct dp_key key, mask = *new->mask;
	uint64_t mask_hash = new->mask_hash ? new->mask_hash : flow_mask_hash(&mask);
	if (new->bounded)
		layout_index_bound(ft, new->full_layout &(LAYOUT_N - 1), &mask, &mask_hash);
	apply_mask(&key, new->key, &mask);
	struct subtable *st = subtable_get(ft, &mask, mask_hash, new->full_layout);
	uint64_t hash = subtable_hash(st, &key);
	struct megaflow *old = subtable_find(ft, st, hash, &key.meta, key.header);
	if (old && !new->replace) {
		retire(ft, NULL, new->cookie);
		*out = old;
		return NULL;
	}
	struct program *program;
	struct error *err = program_set_get(ft->programs, new->actions, new->actions_len, &program);
	uint32_t number = err ? UINT32_MAX : take_number(ft);
	if (!err && number == UINT32_MAX) {
		program_set_put(ft->programs, program);
		err = error_errno(ENOSPC, "no room for another megaflow");
	}
	if (err) {
		retire(ft, NULL, new->cookie);
		subtable_release_if_empty(ft, st);
		return err;
	}
	*out = publish(ft, st, new, &key, hash, program, number);
	if (old)
		unlink_flow(ft, old);
	return NULL;
}

struct error *flow_table_put(struct flow_table *ft, const struct flow_new *new,
			     struct megaflow **flow)
{
	struct megaflow *got = NULL;
	pthread_mutex_lock(&ft->lock);
	struct error *err = put_locked(ft, new, &got);
	bool work = ft->retired.of.n;
	pthread_mutex_unlock(&ft->lock);
	if (work)
		ft->wake(ft->arg);
	if (flow)
		*flow = got;
	return err;
}

struct error *flow_table_modify(struct flow_table *ft, struct megaflow *f, const void *actions,
				size_t n)
{
	struct program *program, *old;
	pthread_mutex_lock(&ft->lock);
	struct error *err = program_set_get(ft->programs, actions, n, &program);
	if (!err) {
		old = f->program;
		rcu_assign(&f->program, program);
		program_set_put(ft->programs, old);
	}
	pthread_mutex_unlock(&ft->lock);
	return err;
}

void flow_table_remove(struct flow_table *ft, struct megaflow *f)
{
	pthread_mutex_lock(&ft->lock);
	if (f->subtable != &ft->dead)
		unlink_flow(ft, f);
	pthread_mutex_unlock(&ft->lock);
	ft->wake(ft->arg);
}

void flow_table_flush(struct flow_table *ft)
{
	pthread_mutex_lock(&ft->lock);
	for (uint32_t i = 0; i < ft->n_numbers; i++) {
		struct megaflow *f = flow_table_at(ft, i);
		if (f->subtable != &ft->dead)
			unlink_flow(ft, f);
	}
	pthread_mutex_unlock(&ft->lock);
	ft->wake(ft->arg);
}

struct megaflow *flow_table_find(struct flow_table *ft, const struct uuid *ufid)
{
	pthread_mutex_lock(&ft->lock);
	struct megaflow *f =
		ufid->part[3] < ft->n_numbers ? flow_table_at(ft, ufid->part[3]) : NULL;
	if (f) {
		struct uuid own = megaflow_ufid(ft, f);
		f = f->subtable == &ft->dead || !uuid_equal(&own, ufid) ? NULL : f;
	}
	pthread_mutex_unlock(&ft->lock);
	return f;
}

struct megaflow *flow_table_next(struct flow_table *ft, uint64_t *position)
{
	struct megaflow *found = NULL;
	pthread_mutex_lock(&ft->lock);
	while (!found && *position < ft->n_numbers) {
		struct megaflow *f = flow_table_at(ft, (uint32_t)(*position)++);
		if (f->subtable != &ft->dead)
			found = f;
	}
	pthread_mutex_unlock(&ft->lock);
	return found;
}

// --- The end of a megaflow.

struct graced {
	struct flow_table *ft;
	struct retired_list list;
};

static void grace_passed(void *p) // in the reclaimer thread
{
	struct graced *g = p;
	struct flow_table *ft = g->ft;
	pthread_mutex_lock(&ft->lock);
	VEC_FOREACH (&g->list.of, i)
		vec_push(&ft->graced.of, g->list.of.v[i]);
	ft->in_grace = false;
	// Under the lock, so that the table cannot go in between.
	ft->wake(ft->arg);
	pthread_mutex_unlock(&ft->lock);
	vec_done(&g->list.of);
	free(g);
}

// Without touching memory of a thread that never counted there.
static void clear(struct flow_counter *c)
{
	if (c->packets | c->bytes | c->used)
		*c = (struct flow_counter){0};
}

static void finish(struct flow_table *ft, const struct retired *r)
{
	struct dp_flow_stats stats = {0};
	if (r->flow) {
		uint32_t number = r->flow->number;
		flow_table_get_stats(ft, r->flow, &stats);
		pthread_mutex_lock(&ft->lock);
		VEC_FOREACH (&ft->counters, i)
			clear(flow_counter_at(ft->counters.v[i], number));
		program_set_put(ft->programs, r->flow->program);
		vec_push(&ft->free_numbers, number);
		pthread_mutex_unlock(&ft->lock);
	}
	ft->gone(ft->arg, r->cookie, &stats);
}

void flow_table_reap(struct flow_table *ft)
{
	pthread_mutex_lock(&ft->lock);
	struct retired_list graced = ft->graced;
	memset(&ft->graced, 0, sizeof(ft->graced));
	struct graced *batch = NULL;
	if (ft->retired.of.n && !ft->in_grace) {
		batch = XNEW(struct graced);
		batch->ft = ft;
		batch->list = ft->retired;
		memset(&ft->retired, 0, sizeof(ft->retired));
		ft->in_grace = true;
	}
	pthread_mutex_unlock(&ft->lock);
	if (batch)
		rcu_free_later(batch, grace_passed);
	VEC_FOREACH (&graced.of, i)
		finish(ft, &graced.of.v[i]);
	vec_done(&graced.of);
}

void flow_table_free(struct flow_table *ft)
{
	if (!ft)
		return;
	flow_table_flush(ft);
	while (ft->retired.of.n || ft->in_grace || ft->graced.of.n) {
		flow_table_reap(ft);
		rcu_barrier_all();
	}
	for (unsigned int i = 0; i < FLOW_MAX_CHUNKS; i++) {
		if (ft->chunk[i])
			munmap(ft->chunk[i], 2 * chunk_bytes);
		VEC_FOREACH (&ft->counters, c)
			if (ft->counters.v[c]->chunk[i])
				munmap(ft->counters.v[c]->chunk[i], counter_chunk_bytes);
	}
	VEC_FOREACH (&ft->counters, c)
		free(ft->counters.v[c]);
	vec_done(&ft->counters);
	layout_index_free_all(ft);
	free(ft->unbuilt);
	rcu_barrier_all(); // masks, programs and hash tables that went
	program_set_free(ft->programs);
	vec_done(&ft->subtables);
	vec_done(&ft->free_numbers);
	vec_done(&ft->retired.of);
	vec_done(&ft->graced.of);
	pthread_mutex_destroy(&ft->lock);
	free(ft);
}

uint32_t flow_table_n_masks(struct flow_table *ft)
{
	pthread_mutex_lock(&ft->lock);
	uint32_t n = (uint32_t)ft->subtables.n;
	pthread_mutex_unlock(&ft->lock);
	return n;
}

uint32_t flow_table_n_flows(struct flow_table *ft)
{
	pthread_mutex_lock(&ft->lock);
	uint32_t n = ft->n_flows;
	pthread_mutex_unlock(&ft->lock);
	return n;
}
