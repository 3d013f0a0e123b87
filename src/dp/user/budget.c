/* SPDX-License-Identifier: Apache-2.0 */
#include "dp/user/budget.h"

#include "dp/user/flow_table.h"

enum {
	EPOCH_MS = 2,
	SAVINGS_MS = 2, // of credit that may pile up: a burst of new flows is nothing bad
	DEBT_MS = 1,	// from where on a queue gets no searches
	JUDGE_MS = 1000,
	MAX_SKIP_BITS = 4,
	FEW = 16, // one in so many reused: fewer megaflows
	SOME = 4, // one in so many: all
};

static void turn_epoch(struct budget_epoch *e, uint64_t now)
{
	e->start = now;
	e->number = e->number + 1 ? e->number + 1 : 1;
	e->n_busy_before = e->n_busy;
	e->n_busy = 0;
}

enum budget_verdict budget_ask(struct budget *b, struct budget_epoch *e, uint64_t now, uint64_t ms)
{
	int64_t savings = (int64_t)(SAVINGS_MS * ms);
	if (now - e->start >= EPOCH_MS * ms)
		turn_epoch(e, now);
	uint32_t n = e->n_busy_before > e->n_busy ? e->n_busy_before : e->n_busy;
	if (n <= 1) {
		b->credit = savings;
		b->paid = now;
		b->deep = false;
		return BUDGET_ALL;
	}
	uint64_t since = now - b->paid, most = 100 * ms;
	b->credit += (int64_t)((since < most ? since : most) / n);
	b->paid = now;
	if (b->credit > savings)
		b->credit = savings;
	b->deep = b->credit <= -(int64_t)(DEBT_MS * ms);
	if (b->credit > 0)
		return BUDGET_ALL;
	return b->deep ? BUDGET_NO_SEARCH : BUDGET_NO_UPCALL;
}

bool budget_wants_megaflow(struct budget *b)
{
	return !(++b->turn & ((1u << b->skip_bits) - 1));
}

static void judge(struct budget *b)
{
	if (b->judged < BUDGET_SAMPLES)
		return;
	if (b->reused * FEW < b->judged && b->skip_bits < MAX_SKIP_BITS)
		b->skip_bits++;
	else if (b->reused * SOME >= b->judged)
		b->skip_bits = 0;
	b->judged = b->reused = 0;
}

void budget_watch(struct budget *b, const struct flow_counters *counters, uint32_t number,
		  uint32_t now)
{
	uint32_t at = b->next % BUDGET_SAMPLES;
	if (b->sample[at].installed) {
		if (now - b->sample[at].installed < JUDGE_MS)
			return;
		// Its first packet was counted by the upcall. The number may be another megaflow's
		// by now: a small error.
		const struct flow_counter *c = flow_counter_at(counters, b->sample[at].number);
		b->reused += __atomic_load_n(&c->packets, __ATOMIC_RELAXED) > 0;
		b->judged++;
		judge(b);
	}
	b->sample[at].number = number;
	b->sample[at].installed = now;
	b->next++;
}
