/* SPDX-License-Identifier: Apache-2.0 */
#include "ofproto/recirc.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/counter.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/rcu.h"

LOG_MODULE(ofproto_dpif_recirc);

COUNTER(recirc_limit_hit);

enum { BUCKETS = 32768, SHARES = 256, PORT_SHARE = 7, DEAD = UINT32_MAX };

struct recirc_table {
	struct recirc *of_id[BUCKETS]; // RCU
	pthread_mutex_t lock;	       // of all below, and of changes above
	struct recirc *of_hash[BUCKETS];
	uint32_t n_of_share[SHARES]; // by bridge and in_port
	unsigned int n;		     // read by any thread (relaxed)
	size_t bytes;
	uint32_t last_id;
	unsigned int users; // the owner and the contexts
};

struct recirc_table *recirc_table_new(void)
{
	struct recirc_table *t = XNEW(struct recirc_table);
	pthread_mutex_init(&t->lock, NULL);
	t->users = 1;
	return t;
}

static void leave(struct recirc_table *t)
{
	if (__atomic_sub_fetch(&t->users, 1, __ATOMIC_ACQ_REL))
		return;
	pthread_mutex_destroy(&t->lock);
	free(t);
}

void recirc_table_free(struct recirc_table *t)
{
	if (t)
		leave(t);
}

unsigned int recirc_n_contexts(const struct recirc_table *t)
{
	return __atomic_load_n(&t->n, __ATOMIC_RELAXED);
}

// --- Equal states.

static uint64_t hash_list(const void *list, size_t n, uint64_t hash)
{
	return n ? hash_bytes(list, n, hash) : hash_u64(hash);
}

static uint64_t frozen_hash(const struct frozen *f)
{
	uint64_t hash = hash_bytes(&f->h, sizeof(f->h), 0);
	hash = hash_list(f->stack, f->n_stack * sizeof(f->stack[0]), hash);
	hash = hash_list(f->actions, f->actions_len, hash);
	hash = hash_list(f->options, f->options_len, hash);
	return hash_list(f->action_set, f->action_set_len, hash);
}

static bool list_equal(const void *a, size_t n_a, const void *b, size_t n_b)
{
	return n_a == n_b && (!n_a || !memcmp(a, b, n_a));
}

static bool frozen_equal(const struct frozen *a, const struct frozen *b)
{
	size_t word = sizeof(a->stack[0]);
	return !memcmp(&a->h, &b->h, sizeof(a->h)) &&
	       list_equal(a->stack, a->n_stack * word, b->stack, b->n_stack * word) &&
	       list_equal(a->actions, a->actions_len, b->actions, b->actions_len) &&
	       list_equal(a->options, a->options_len, b->options, b->options_len) &&
	       list_equal(a->action_set, a->action_set_len, b->action_set, b->action_set_len);
}

// --- References and death.

struct recirc *recirc_try_ref(struct recirc *r)
{
	uint32_t n = __atomic_load_n(&r->refs, __ATOMIC_RELAXED);
	while (n != DEAD)
		if (__atomic_compare_exchange_n(&r->refs, &n, n + 1, true, __ATOMIC_ACQUIRE,
						__ATOMIC_RELAXED))
			return r;
	return NULL;
}

static void recirc_free(void *r_)
{
	struct recirc *r = r_;
	struct recirc_table *t = r->table;
	free(r);
	leave(t);
}

static void unlink_context(struct recirc_table *t, struct recirc *r)
{
	struct recirc **at = &t->of_hash[r->hash % BUCKETS];
	while (*at != r)
		at = &(*at)->next_of_hash;
	*at = r->next_of_hash;
	at = &t->of_id[r->id % BUCKETS];
	while (*at != r)
		at = &(*at)->next_of_id;
	rcu_assign(at, r->next_of_id);
	__atomic_store_n(&t->n, t->n - 1, __ATOMIC_RELAXED);
	t->bytes -= r->size;
	t->n_of_share[r->share]--;
}

// A grace period has passed since nobody referred to it: who had its number then is done with it.
// In RCU's thread.
static void consider(void *r_)
{
	struct recirc *r = r_;
	struct recirc_table *t = r->table;
	uint32_t none = 0;
	bool again, dies = false;
	pthread_mutex_lock(&t->lock);
	again = r->touched;
	r->touched = false;
	if (!again) {
		r->retiring = false;
		dies = __atomic_compare_exchange_n(&r->refs, &none, DEAD, false, __ATOMIC_ACQ_REL,
						   __ATOMIC_RELAXED);
		if (dies)
			unlink_context(t, r);
	}
	pthread_mutex_unlock(&t->lock);
	if (again)
		rcu_free_later(r, consider);
	else if (dies)
		rcu_free_later(r, recirc_free);
}

void recirc_unref(struct recirc *r)
{
	if (!r)
		return;
	// The lock is taken before the last reference goes, or another thread could let it die
	// meanwhile.
	uint32_t n = __atomic_load_n(&r->refs, __ATOMIC_RELAXED);
	while (n > 1)
		if (__atomic_compare_exchange_n(&r->refs, &n, n - 1, true, __ATOMIC_RELEASE,
						__ATOMIC_RELAXED))
			return;
	pthread_mutex_t *lock = &r->table->lock;
	bool first = false;
	pthread_mutex_lock(lock);
	if (!__atomic_sub_fetch(&r->refs, 1, __ATOMIC_ACQ_REL)) {
		first = !r->retiring;
		r->touched = !first;
		r->retiring = true;
	}
	pthread_mutex_unlock(lock);
	if (first)
		rcu_free_later(r, consider);
}

// --- Making and finding.

struct recirc *recirc_find(const struct recirc_table *t, uint32_t id)
{
	struct recirc *r = rcu_get((struct recirc **)(uintptr_t)&t->of_id[id % BUCKETS]);
	while (r && r->id != id)
		r = rcu_get(&r->next_of_id);
	return r;
}

static uint32_t new_id(struct recirc_table *t)
{
	do
		t->last_id++;
	while (!t->last_id || recirc_find(t, t->last_id));
	return t->last_id;
}

static const void *put_list(uint64_t **at, const void *list, size_t n)
{
	void *start = *at;
	if (n)
		memcpy(start, list, n);
	*at += (n + 7) / 8;
	return start;
}

static struct recirc *new_context(struct recirc_table *t, const struct frozen *f, uint64_t hash,
				  uint32_t share, size_t size)
{
	struct recirc *r = xcalloc(1, size), **chain;
	uint64_t *at = r->lists;
	r->frozen = *f;
	r->frozen.stack = put_list(&at, f->stack, f->n_stack * sizeof(f->stack[0]));
	r->frozen.actions = put_list(&at, f->actions, f->actions_len);
	r->frozen.action_set = put_list(&at, f->action_set, f->action_set_len);
	r->frozen.options = put_list(&at, f->options, f->options_len);
	r->hash = hash;
	r->share = share;
	r->size = size;
	r->table = t;
	r->refs = 1;
	r->id = new_id(t);
	chain = &t->of_hash[hash % BUCKETS];
	r->next_of_hash = *chain;
	*chain = r;
	chain = &t->of_id[r->id % BUCKETS];
	r->next_of_id = *chain;
	rcu_assign(chain, r);
	__atomic_store_n(&t->n, t->n + 1, __ATOMIC_RELAXED);
	t->bytes += size;
	t->n_of_share[share]++;
	__atomic_fetch_add(&t->users, 1, __ATOMIC_RELAXED);
	return r;
}

struct recirc *recirc_freeze(struct recirc_table *t, const struct frozen *f)
{
	uint64_t hash = frozen_hash(f);
	uint32_t share = (uint32_t)(hash_combine(f->h.ofproto_id, f->h.in_port) % SHARES);
	size_t size = sizeof(struct recirc) + f->n_stack * sizeof(f->stack[0]) +
		      ((f->actions_len + 7) & ~(size_t)7) + ((f->action_set_len + 7) & ~(size_t)7) +
		      f->options_len;
	pthread_mutex_lock(&t->lock);
	struct recirc *r = t->of_hash[hash % BUCKETS];
	while (r && (r->hash != hash || !frozen_equal(&r->frozen, f) || !recirc_try_ref(r)))
		r = r->next_of_hash;
	bool room = t->n_of_share[share] < (uint64_t)PORT_SHARE * (RECIRC_MAX - t->n) &&
		    t->bytes + size <= RECIRC_MAX_BYTES;
	if (!r && room)
		r = new_context(t, f, hash, share, size);
	pthread_mutex_unlock(&t->lock);
	if (!r) {
		counter_inc(recirc_limit_hit);
		log_warn_rl("%u recirculation contexts, and no room for one more: what is frozen "
			    "differs from packet to packet",
			    recirc_n_contexts(t));
	}
	return r;
}
