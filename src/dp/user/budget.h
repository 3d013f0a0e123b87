/* SPDX-License-Identifier: Apache-2.0 */
// What a receive queue may cost beyond the flow cache, so that packets from one port that no
// megaflow matches, an attacker's or those of a broken host, do not starve the other ports, and so
// that megaflows are made only while they serve.
//
// Time: each of the n queues that had packets lately in a thread may spend an n-th of the thread's
// time on searches in subtables and on upcalls. A queue in debt gets no upcalls: what misses is
// dropped (DP_DROP_BUDGET); deep in debt not even searches, but what the flow cache knows goes on.
// A queue that is alone has no limit.
//
// Queues of event-driven threads have the same share, but nothing of theirs is dropped: one in debt
// rests, and its packets wait in the socket.
//
// Megaflows: of some that the queue's packets made, it is remembered whether they had a second
// packet within a second. When nearly none had, as in a scan, only one in up to 16 misses installs
// one; the others are forwarded by their translation alone.
//
// All functions are for the queue's thread.
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct dp_thread;
struct flow_counters;

enum { BUDGET_SAMPLES = 64 };

struct budget {		// zeros: a new one
	int64_t credit; // cycles
	uint64_t paid;	// until when
	uint32_t epoch; // when the queue last had packets
	bool deep;	// in debt, at the last question
	uint8_t rests;	// turns since the queue was looked at
	// Megaflows being watched.
	struct {
		uint32_t number, installed; // flow_table_now(); 0: free
	} sample[BUDGET_SAMPLES];
	uint32_t next, judged, reused; // reused: of those judged since the last verdict
	uint32_t skip_bits, turn;      // one miss in 1 << skip_bits installs
};

// A thread's view of its queues.
struct budget_epoch {
	uint64_t start;			// cycles
	uint32_t number;		// not 0
	uint32_t n_busy, n_busy_before; // queues with packets in this epoch, and in the one before
};

// The queue has packets.
static inline void budget_busy(struct budget *b, struct budget_epoch *e)
{
	if (b->epoch != e->number) {
		b->epoch = e->number;
		e->n_busy++;
	}
}

// A queue deep in debt is looked at only now and then: even dropping costs.
static inline bool budget_rests(struct budget *b)
{
	return b->deep && ++b->rests % 8;
}

static inline bool budget_in_debt(const struct budget *b)
{
	return b->credit <= 0 && b->paid;
}

enum budget_verdict { BUDGET_ALL, BUDGET_NO_UPCALL, BUDGET_NO_SEARCH };
// At the time `now`, in cycles of which `ms` are a millisecond.
enum budget_verdict budget_ask(struct budget *, struct budget_epoch *, uint64_t now, uint64_t ms);
static inline void budget_spend(struct budget *b, uint64_t cycles)
{
	b->credit -= (int64_t)cycles;
}

// Should this miss make a megaflow?
bool budget_wants_megaflow(struct budget *);
// It did. `now`: flow_table_now(); `counters`: the thread's.
void budget_watch(struct budget *, const struct flow_counters *, uint32_t number, uint32_t now);
