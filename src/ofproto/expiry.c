/* SPDX-License-Identifier: Apache-2.0 */
#include "ofproto/expiry.h"

static int64_t idle_deadline(const struct rule *r)
{
	if (!r->idle_timeout)
		return INT64_MAX;
	int64_t used = __atomic_load_n(&r->used, __ATOMIC_RELAXED);
	return (used > r->modified ? used : r->modified) + r->idle_timeout * INT64_C(1000);
}

static int64_t hard_deadline(const struct rule *r)
{
	return r->hard_timeout ? r->modified + r->hard_timeout * INT64_C(1000) : INT64_MAX;
}

static int64_t rule_deadline(const struct rule *r)
{
	int64_t idle = idle_deadline(r), hard = hard_deadline(r);
	return idle < hard ? idle : hard;
}

static void place(struct expiry *e, size_t i, struct expiry_entry entry)
{
	e->heap.v[i] = entry;
	entry.rule->timer_at = (uint32_t)i + 1;
}

static void sift(struct expiry *e, size_t i, struct expiry_entry entry)
{
	while (i && e->heap.v[(i - 1) / 2].deadline > entry.deadline) {
		place(e, i, e->heap.v[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
	for (size_t child; (child = 2 * i + 1) < e->heap.n; i = child) {
		if (child + 1 < e->heap.n &&
		    e->heap.v[child + 1].deadline < e->heap.v[child].deadline)
			child++;
		if (e->heap.v[child].deadline >= entry.deadline)
			break;
		place(e, i, e->heap.v[child]);
	}
	place(e, i, entry);
}

void expiry_done(struct expiry *e)
{
	vec_done(&e->heap);
}

void expiry_update(struct expiry *e, struct rule *r)
{
	struct expiry_entry entry = {.deadline = rule_deadline(r), .rule = r};
	if (entry.deadline == INT64_MAX) {
		expiry_remove(e, r);
		return;
	}
	if (!r->timer_at) {
		*vec_extend(&e->heap) = entry;
		r->timer_at = (uint32_t)e->heap.n;
	}
	sift(e, r->timer_at - 1, entry);
}

void expiry_remove(struct expiry *e, struct rule *r)
{
	if (!r->timer_at)
		return;
	size_t i = r->timer_at - 1;
	r->timer_at = 0;
	struct expiry_entry last = vec_last(&e->heap);
	e->heap.n--;
	if (i < e->heap.n)
		sift(e, i, last);
}

int64_t expiry_deadline(const struct expiry *e)
{
	return e->heap.n ? e->heap.v[0].deadline : INT64_MAX;
}

struct rule *expiry_next(struct expiry *e, int64_t now, enum expiry_kind *kind)
{
	while (e->heap.n && e->heap.v[0].deadline <= now) {
		struct rule *r = e->heap.v[0].rule;
		if (hard_deadline(r) <= now) {
			*kind = EXPIRED_HARD;
			return r;
		}
		if (idle_deadline(r) <= now) {
			*kind = EXPIRED_IDLE;
			return r;
		}
		expiry_update(e, r); // traffic kept it alive
	}
	return NULL;
}
