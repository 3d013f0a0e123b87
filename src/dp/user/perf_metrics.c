/* SPDX-License-Identifier: Apache-2.0 */
#include "dp/user/perf_metrics.h"

#include <math.h>
#include <rte_cycles.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "dp/user/user.h"

LOG_MODULE(pmd_perf);

enum { BINS = 32, HISTORY = DP_PERF_HISTORY, RULE = 154 };

struct histogram {
	uint32_t wall[BINS]; // a bin holds what is at most its wall, and more than the one before;
			     // the last: all the rest
	uint64_t bin[BINS];
};

// One turn, or, in sums, those of a millisecond.
struct turn {
	uint64_t at; // its number; of a millisecond: clock_ms() at its end
	uint64_t cycles, packets, batches, qlen, upcalls, upcall_cycles, n;
};

struct history {
	struct turn of[HISTORY];
	uint64_t n; // that ever were; the last HISTORY are kept
};

enum {
	CYCLES_PER_TURN,
	PACKETS_PER_TURN,
	CYCLES_PER_PACKET,
	PACKETS_PER_BATCH,
	QLEN,
	UPCALLS_PER_TURN,
	CYCLES_PER_UPCALL,
	N_HISTOGRAMS
};

static const struct {
	const char *title, *short_title;
	bool logarithmic;
	uint32_t min, max;
} kinds[N_HISTOGRAMS] = {
	[CYCLES_PER_TURN] = {"cycles/it", NULL, true, 500, 24000000},
	[PACKETS_PER_TURN] = {"packets/it", NULL, true, 0, 1000},
	[CYCLES_PER_PACKET] = {"cycles/pkt", NULL, false, 100, 30000},
	[PACKETS_PER_BATCH] = {"pkts/batch", NULL, false, 0, 32},
	[QLEN] = {"max vhost qlen", "vhost qlen", true, 0, 512},
	[UPCALLS_PER_TURN] = {"upcalls/it", NULL, false, 0, 30},
	[CYCLES_PER_UPCALL] = {"cycles/upcall", NULL, true, 1000, 1000000},
};

struct perf_metrics {
	pthread_mutex_t lock;
	// Under the lock.
	struct histogram histogram[N_HISTOGRAMS];
	struct turn sum; // of all turns and of those with packets
	struct history turns, milliseconds;
	struct turn ms; // the millisecond that is under way
	uint64_t ms_end, cycles_per_ms;
	struct dp_perf_log log;
	struct {
		const char *reason;   // NULL: nothing suspicious
		uint64_t turn, until; // of `turns.n`
		uint64_t cycles;
	} suspect;
};

// From 0 they go on with 1; no two are the same.
static uint32_t logarithmic_wall(uint32_t min, uint32_t max, unsigned int i, uint32_t before)
{
	unsigned int first = min ? 0 : 1;
	if (i < first)
		return min;
	double start = log(min ? min : 1), step = (log(max) - start) / (BINS - 2 - first);
	uint32_t wall = i == BINS - 2 ? max : (uint32_t)exp(start + step * (i - first));
	return i && wall <= before ? before + 1 : wall;
}

static void histogram_init(struct histogram *h, unsigned int kind)
{
	uint32_t min = kinds[kind].min, max = kinds[kind].max;
	for (unsigned int i = 0; i < BINS - 1; i++) {
		if (kinds[kind].logarithmic)
			h->wall[i] = logarithmic_wall(min, max, i, i ? h->wall[i - 1] : 0);
		else
			h->wall[i] = min + (max - min) * i / (BINS - 2);
	}
	h->wall[BINS - 1] = UINT32_MAX;
}

static void histogram_add(struct histogram *h, uint64_t value)
{
	unsigned int i = 0;
	while (i < BINS - 1 && value > h->wall[i])
		i++;
	h->bin[i]++;
}

static uint64_t per(uint64_t amount, uint64_t n)
{
	return n ? amount / n : 0;
}

// --- The thread.

void perf_metrics_begin(const struct dp_thread *t, struct perf_mark *m)
{
	*m = (struct perf_mark){
		.received = t->stats.received,
		.batches = t->stats.rx_batches,
		.upcalls = t->stats.misses + t->stats.failed_misses,
		.upcall_cycles = t->stats.upcall_cycles,
	};
}

static struct turn *next_in(struct history *h)
{
	return &h->of[h->n++ % HISTORY];
}

static void record_histograms(struct perf_metrics *p, const struct turn *turn)
{
	histogram_add(&p->histogram[CYCLES_PER_TURN], turn->cycles);
	histogram_add(&p->histogram[PACKETS_PER_TURN], turn->packets);
	if (turn->packets) {
		histogram_add(&p->histogram[CYCLES_PER_PACKET], turn->cycles / turn->packets);
		histogram_add(&p->histogram[PACKETS_PER_BATCH], per(turn->packets, turn->batches));
	}
	histogram_add(&p->histogram[QLEN], turn->qlen);
	histogram_add(&p->histogram[UPCALLS_PER_TURN], turn->upcalls);
	if (turn->upcalls)
		histogram_add(&p->histogram[CYCLES_PER_UPCALL],
			      turn->upcall_cycles / turn->upcalls);
}

static void add_turn(struct turn *sum, const struct turn *turn)
{
	sum->n++;
	sum->cycles += turn->cycles;
	sum->packets += turn->packets;
	sum->batches += turn->batches;
	sum->qlen += turn->qlen;
	sum->upcalls += turn->upcalls;
	sum->upcall_cycles += turn->upcall_cycles;
}

static void end_millisecond(struct perf_metrics *p, uint64_t now)
{
	p->ms.at = (uint64_t)clock_ms();
	*next_in(&p->milliseconds) = p->ms;
	p->ms = (struct turn){0};
	p->ms_end = now + p->cycles_per_ms;
}

// Whether the log is to be told now.
static bool supervise(struct perf_metrics *p, const struct turn *turn)
{
	uint64_t number = p->turns.n;
	const char *reason = NULL;
	if (turn->cycles > (uint64_t)p->log.us * p->cycles_per_ms / 1000)
		reason = "Excessive total cycles";
	else if (turn->qlen >= p->log.qlen)
		reason = "Vhost RX queue full";
	bool pending = p->suspect.reason && number < p->suspect.until;
	if (reason && !p->suspect.reason) {
		p->suspect.reason = reason;
		p->suspect.turn = number;
		p->suspect.until = number + p->log.after;
		p->suspect.cycles = turn->cycles;
	} else if (reason && pending && p->log.extend &&
		   number + p->log.after - p->suspect.turn + p->log.before < HISTORY) {
		p->suspect.until = number + p->log.after;
	}
	return p->suspect.reason && number == p->suspect.until;
}

void perf_metrics_end(struct perf_metrics *p, struct dp_thread *t, const struct perf_mark *m,
		      uint64_t cycles, uint64_t now, uint32_t qlen)
{
	struct turn turn = {
		.cycles = cycles,
		.packets = t->stats.received - m->received,
		.batches = t->stats.rx_batches - m->batches,
		.qlen = qlen,
		.upcalls = t->stats.misses + t->stats.failed_misses - m->upcalls,
		.upcall_cycles = t->stats.upcall_cycles - m->upcall_cycles,
		.n = 1,
	};
	pthread_mutex_lock(&p->lock);
	turn.at = p->turns.n + 1;
	record_histograms(p, &turn);
	add_turn(&p->sum, &turn);
	*next_in(&p->turns) = turn;
	add_turn(&p->ms, &turn);
	if (now >= p->ms_end)
		end_millisecond(p, now);
	bool tell = p->log.on && supervise(p, &turn);
	pthread_mutex_unlock(&p->lock);
	if (tell)
		loop_wake(t->dp->perf_wake);
}

// --- The main thread.

static void clear(struct perf_metrics *p)
{
	for (unsigned int i = 0; i < N_HISTOGRAMS; i++)
		memset(p->histogram[i].bin, 0, sizeof(p->histogram[i].bin));
	p->sum = p->ms = (struct turn){0};
	p->turns.n = p->milliseconds.n = 0;
	p->suspect.reason = NULL;
}

void perf_metrics_clear(struct dp_thread *t)
{
	struct perf_metrics *p = t->perf;
	if (!p)
		return;
	pthread_mutex_lock(&p->lock);
	clear(p);
	pthread_mutex_unlock(&p->lock);
}

void perf_metrics_enable(struct dp_thread *t, bool on)
{
	if (on && !t->perf) {
		struct perf_metrics *p = XNEW(struct perf_metrics);
		pthread_mutex_init(&p->lock, NULL);
		p->cycles_per_ms = t->cycles_per_ms;
		p->log = t->dp->perf_log;
		for (unsigned int i = 0; i < N_HISTOGRAMS; i++)
			histogram_init(&p->histogram[i], i);
		t->perf = p;
	}
	if (on && !t->perf_on)
		perf_metrics_clear(t);
	rcu_assign(&t->perf_on, on ? t->perf : NULL);
}

void perf_metrics_done(struct dp_thread *t)
{
	if (t->perf)
		pthread_mutex_destroy(&t->perf->lock);
	free(t->perf);
}

void perf_metrics_supervise(struct dp_thread *t, const struct dp_perf_log *log)
{
	struct perf_metrics *p = t->perf;
	if (!p)
		return;
	pthread_mutex_lock(&p->lock);
	p->log = *log;
	p->suspect.reason = NULL;
	pthread_mutex_unlock(&p->lock);
}

// --- Text.

static void format_titles(bool of_sums, struct str *s)
{
	for (unsigned int k = 0; k < N_HISTOGRAMS; k++)
		str_addf(s, "%s%-21s", k ? "  " : "   ",
			 of_sums && kinds[k].short_title ? kinds[k].short_title : kinds[k].title);
	str_addc(s, '\n');
}

static void format_histograms(const struct perf_metrics *p, struct str *s)
{
	str_add(s, "Histograms\n");
	format_titles(false, s);
	for (unsigned int i = 0; i < BINS; i++) {
		str_add(s, "  ");
		for (unsigned int k = 0; k < N_HISTOGRAMS; k++) {
			const struct histogram *h = &p->histogram[k];
			str_add(s, k ? "  " : " ");
			if (i < BINS - 1)
				str_addf(s, "%-9u ", h->wall[i]);
			else
				str_addf(s, "%-9s ", ">");
			str_addf(s, "%-11ju", (uintmax_t)h->bin[i]);
		}
		str_addc(s, '\n');
	}
	const struct turn *sum = &p->sum;
	if (!sum->n)
		return;
	for (unsigned int i = 0; i < RULE; i++)
		str_addc(s, '-');
	str_addc(s, '\n');
	format_titles(true, s);
	str_addf(s, "   %-21ju  %-21.5f  %-21ju  %-21.5f  %-21.5f  %-21.5f  %-21ju\n",
		 (uintmax_t)per(sum->cycles, sum->n), (double)sum->packets / (double)sum->n,
		 (uintmax_t)per(sum->cycles, sum->packets),
		 sum->batches ? (double)sum->packets / (double)sum->batches : 0,
		 (double)sum->qlen / (double)sum->n, (double)sum->upcalls / (double)sum->n,
		 (uintmax_t)per(sum->upcall_cycles, sum->upcalls));
}

// Turns [from, to) of the history, the newest first.
static void format_turns(const struct history *h, uint64_t from, uint64_t to, struct str *s)
{
	str_addf(s, "   %-17s   %-10s   %-10s   %-10s   %-10s   %-10s   %-10s   %-10s\n", "iter",
		 "cycles", "packets", "cycles/pkt", "pkts/batch", "vhost qlen", "upcalls",
		 "cycles/upcall");
	for (uint64_t i = to; i-- > from;) {
		const struct turn *t = &h->of[i % HISTORY];
		str_addf(s, "   %-17ju   %-11ju  %-11ju  %-11ju  %-11ju  %-11ju  %-11ju  %-11ju\n",
			 (uintmax_t)t->at, (uintmax_t)t->cycles, (uintmax_t)t->packets,
			 (uintmax_t)per(t->cycles, t->packets),
			 (uintmax_t)per(t->packets, t->batches), (uintmax_t)t->qlen,
			 (uintmax_t)t->upcalls, (uintmax_t)per(t->upcall_cycles, t->upcalls));
	}
}

static void format_milliseconds(const struct perf_metrics *p, unsigned int n, struct str *s)
{
	const struct history *h = &p->milliseconds;
	str_addf(s, "   %-12s   %-10s   %-10s   %-10s   %-10s   %-10s   %-10s   %-10s   %-10s\n",
		 "ms", "iterations", "cycles/it", "Kpps", "cycles/pkt", "pkts/batch", "vhost qlen",
		 "upcalls", "cycles/upcall");
	for (uint64_t i = h->n; i-- > h->n - n;) {
		const struct turn *t = &h->of[i % HISTORY];
		str_addf(s,
			 "   %-12ju   %-11ju  %-11ju  %-11ju  %-11ju  %-11ju  %-11ju  %-11ju  "
			 "%-11ju\n",
			 (uintmax_t)t->at, (uintmax_t)t->n, (uintmax_t)per(t->cycles, t->n),
			 (uintmax_t)t->packets, (uintmax_t)per(t->cycles, t->packets),
			 (uintmax_t)per(t->packets, t->batches), (uintmax_t)per(t->qlen, t->n),
			 (uintmax_t)t->upcalls, (uintmax_t)per(t->upcall_cycles, t->upcalls));
	}
}

static unsigned int kept(const struct history *h, unsigned int wanted)
{
	uint64_t n = h->n < HISTORY ? h->n : HISTORY;
	return wanted < n ? wanted : (unsigned int)n;
}

void perf_metrics_format(const struct dp_thread *t, bool histograms, unsigned int n_turns,
			 unsigned int n_ms, struct str *s)
{
	struct perf_metrics *p = t->perf;
	if (!p || !t->perf_on)
		return;
	pthread_mutex_lock(&p->lock);
	struct perf_metrics *copy = xmemdup(p, sizeof(*p)); // the thread need not wait for text
	pthread_mutex_unlock(&p->lock);
	if (histograms) {
		str_addc(s, '\n');
		format_histograms(copy, s);
	}
	if (n_turns) {
		str_addc(s, '\n');
		format_turns(&copy->turns, copy->turns.n - kept(&copy->turns, n_turns),
			     copy->turns.n, s);
	}
	if (n_ms) {
		str_addc(s, '\n');
		format_milliseconds(copy, kept(&copy->milliseconds, n_ms), s);
	}
	free(copy);
}

static void report(struct dp_thread *t)
{
	struct perf_metrics *p = t->perf;
	struct str text = STR_INIT;
	pthread_mutex_lock(&p->lock);
	uint64_t turn = p->suspect.turn, until = p->suspect.until;
	const char *reason = p->suspect.reason;
	uint64_t us = p->suspect.cycles * 1000 / p->cycles_per_ms,
		 at = p->turns.of[(turn - 1) % HISTORY].at;
	bool ready = reason && p->turns.n >= until;
	if (ready) {
		uint64_t oldest = p->turns.n > HISTORY ? p->turns.n - HISTORY : 0;
		uint64_t from = turn > p->log.before + 1 ? turn - 1 - p->log.before : 0;
		format_turns(&p->turns, from > oldest ? from : oldest, until, &text);
		p->suspect.reason = NULL;
	}
	pthread_mutex_unlock(&p->lock);
	if (ready) {
		log_warn_rl("core %u: Suspicious iteration (%s): iter=%ju duration=%ju us", t->core,
			    reason, (uintmax_t)at, (uintmax_t)us);
		log_warn_rl("core %u: Neighborhood of suspicious iteration:\n%s", t->core,
			    str_cstr(&text));
	}
	str_done(&text);
}

void perf_metrics_report(struct dp_user *dp)
{
	for (unsigned int i = 0; i < dp->n_threads; i++)
		if (dp->threads[i]->perf)
			report(dp->threads[i]);
}
