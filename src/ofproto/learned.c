/* SPDX-License-Identifier: Apache-2.0 */
#include "ofproto/learned.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/counter.h"
#include "base/log.h"
#include "base/vec.h"
#include "ofproto/flow_mod.h"
#include "ofproto/internal.h"

LOG_MODULE(ofproto_learn);

COUNTER(learn_applied);
COUNTER(learn_late); // main was busy: the packet went on before its flow was there

enum { PATIENCE_MS = 5, MAX_WAITING = 4096, TCP_FIN_RST = 1 | 4 };
// Packets that learn without end must not hold up those behind them: together they wait a tenth of
// the time, and 20 ms at once.
enum { WAITING_SHARE = 10, WAITING_MOST_NS = 20 * 1000 * 1000 };

struct learned {
	// Immutable.
	uint64_t ofproto_id;
	struct ofp_flow_mod fm; // learn
	uint32_t limit;
	struct rule *rule; // fin_timeout: a reference
	uint16_t idle_timeout, hard_timeout;

	unsigned int refs; // atomic
	bool fresh;	   // of the thread that translates
	bool done, ok;	   // guarded by the inbox's lock
};

struct learned_inbox {
	struct ofproto_system *system;
	pthread_t main;
	struct loop_wake *wake;
	pthread_mutex_t lock;
	pthread_cond_t applied;
	// Guarded by the lock.
	VEC(struct learned *) waiting; // references
	int64_t may_wait_ns, filled_at;
};

// --- What a packet gives.

static void add_load(struct ofp_flow_mod *fm, const struct ofpact_learn_spec *spec,
		     const union field_value *number)
{
	ofpact_add_load(&fm->actions, &spec->dst, number->b, (spec->n_bits + 7u) / 8u);
}

// Numbers of ports that there can be, and the reserved ones that make sense; others are left out.
static void add_output(struct ofp_flow_mod *fm, const struct ofpact_learn_spec *spec,
		       const union field_value *number)
{
	size_t bytes = (spec->n_bits + 7u) / 8u;
	uint32_t port = 0;
	for (size_t i = 0; i < bytes; i++) {
		if (i + 2 < bytes && number->b[i])
			return;
		port = port << 8 | number->b[i];
	}
	port &= 0xffff;
	if (port < OFPP_MAX || port == OFPP_IN_PORT || port == OFPP_FLOOD || port == OFPP_LOCAL ||
	    port == OFPP_ALL)
		((struct ofpact_output *)ofpact_add(&fm->actions, OFPACT_OUTPUT,
						    sizeof(struct ofpact_output)))
			->port = port;
}

static void apply_spec(struct ofp_flow_mod *fm, const struct ofpact_learn_spec *spec,
		       const struct flow *flow)
{
	union field_value number = spec->value;
	if (spec->src.field) {
		union field_value v;
		memset(&v, 0, sizeof(v));
		field_get_value(spec->src.field, flow, &v);
		subfield_take_bits(&spec->src, &v, number.b, (spec->n_bits + 7u) / 8u);
	}
	if (spec->kind == LEARN_MATCH)
		ofpact_learn_set_match(spec, &number, &fm->match);
	else if (spec->kind == LEARN_LOAD)
		add_load(fm, spec, &number);
	else
		add_output(fm, spec, &number);
}

struct learned *learned_new(const struct ofpact_learn *a, const struct flow *flow,
			    uint64_t ofproto_id)
{
	struct learned *l = XNEW(struct learned);
	struct ofp_flow_mod *fm = &l->fm;
	l->refs = 1;
	l->ofproto_id = ofproto_id;
	l->limit = a->limit;
	ofp_flow_mod_init(fm);
	fm->command = OFPFC_MODIFY_STRICT;
	fm->table_id = a->table_id;
	fm->priority = a->priority;
	fm->new_cookie = a->cookie;
	fm->modify_cookie = true;
	fm->idle_timeout = a->idle_timeout;
	fm->hard_timeout = a->hard_timeout;
	fm->flags = a->flags & LEARN_SEND_FLOW_REM ? OFPFF_SEND_FLOW_REM : 0;
	if (a->fin_idle_timeout || a->fin_hard_timeout) {
		struct ofpact_fin_timeout *fin =
			ofpact_add(&fm->actions, OFPACT_FIN_TIMEOUT, sizeof(*fin));
		fin->idle_timeout = a->fin_idle_timeout;
		fin->hard_timeout = a->fin_hard_timeout;
	}
	for (unsigned int i = 0; i < a->n_specs; i++)
		apply_spec(fm, &a->specs[i], flow);
	return l;
}

struct learned *learned_fin_timeout(const struct ofpact_fin_timeout *a, struct rule *rule,
				    uint64_t ofproto_id)
{
	if (!rule_try_ref(rule))
		return NULL;
	struct learned *l = XNEW(struct learned);
	l->refs = 1;
	l->ofproto_id = ofproto_id;
	l->rule = rule;
	l->idle_timeout = a->idle_timeout;
	l->hard_timeout = a->hard_timeout;
	return l;
}

struct learned *learned_ref(struct learned *l)
{
	__atomic_fetch_add(&l->refs, 1, __ATOMIC_RELAXED);
	return l;
}

void learned_unref(struct learned *l)
{
	if (!l || __atomic_fetch_sub(&l->refs, 1, __ATOMIC_ACQ_REL) != 1)
		return;
	ofp_flow_mod_done(&l->fm);
	rule_unref(l->rule);
	free(l);
}

const struct ofp_flow_mod *learned_flow_mod(const struct learned *l)
{
	return &l->fm;
}

void learned_set_fresh(struct learned *l)
{
	l->fresh = true;
}

// --- In the main thread.

static struct ofproto *find_bridge(const struct ofproto_system *system, uint64_t id)
{
	VEC_FOREACH (&system->bridges, i)
		if (system->bridges.v[i]->id == id)
			return system->bridges.v[i];
	return NULL;
}

static bool apply_now(struct ofproto_system *system, struct learned *l)
{
	struct ofproto *p = find_bridge(system, l->ofproto_id);
	if (!p)
		return true;
	counter_inc(learn_applied);
	if (l->rule) {
		flows_shorten_timeouts(p, l->rule, l->idle_timeout, l->hard_timeout);
		return true;
	}
	return flows_learn(p, &l->fm, l->limit);
}

static void apply_waiting(struct learned_inbox *in, struct learned *l)
{
	bool ok = apply_now(in->system, l);
	pthread_mutex_lock(&in->lock);
	l->ok = ok;
	l->done = true;
	pthread_cond_broadcast(&in->applied);
	pthread_mutex_unlock(&in->lock);
	learned_unref(l);
}

// What waits now, and not what comes meanwhile: controllers and commands have their turn first,
// however much packets learn.
static void on_wake(void *in_)
{
	struct learned_inbox *in = in_;
	VEC(struct learned *) now = {0};
	pthread_mutex_lock(&in->lock);
	VEC_FOREACH (&in->waiting, i)
		vec_push(&now, in->waiting.v[i]);
	vec_clear(&in->waiting);
	pthread_mutex_unlock(&in->lock);
	VEC_FOREACH (&now, i)
		apply_waiting(in, now.v[i]);
	vec_done(&now);
}

struct learned_inbox *learned_inbox_new(struct ofproto_system *system)
{
	struct learned_inbox *in = XNEW(struct learned_inbox);
	pthread_condattr_t monotonic;
	in->system = system;
	in->main = pthread_self();
	pthread_mutex_init(&in->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&in->applied, &monotonic);
	pthread_condattr_destroy(&monotonic);
	in->wake = loop_wake_new(system->loop, on_wake, in);
	return in;
}

void learned_inbox_free(struct learned_inbox *in)
{
	loop_wake_free(in->wake);
	VEC_FOREACH (&in->waiting, i)
		learned_unref(in->waiting.v[i]);
	vec_done(&in->waiting);
	pthread_cond_destroy(&in->applied);
	pthread_mutex_destroy(&in->lock);
	free(in);
}

// --- In any thread.

static struct timespec deadline(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_nsec += PATIENCE_MS * 1000000L;
	if (t.tv_nsec >= 1000000000L) {
		t.tv_sec++;
		t.tv_nsec -= 1000000000L;
	}
	return t;
}

static int64_t now_ns(void)
{
	return (int64_t)clock_real_ns();
}

// Under the lock.
static bool may_wait(struct learned_inbox *in)
{
	int64_t now = now_ns();
	in->may_wait_ns += (now - in->filled_at) / WAITING_SHARE;
	if (in->may_wait_ns > WAITING_MOST_NS)
		in->may_wait_ns = WAITING_MOST_NS;
	in->filled_at = now;
	return in->may_wait_ns > 0;
}

// Main may itself be waiting for this thread (a grace period): hence the bound. Under the lock.
static void wait_for(struct learned_inbox *in, const struct learned *l)
{
	struct timespec until = deadline();
	int64_t begin = now_ns();
	while (!l->done)
		if (pthread_cond_timedwait(&in->applied, &in->lock, &until) == ETIMEDOUT)
			break;
	in->may_wait_ns -= now_ns() - begin;
}

static bool hand_over(struct learned_inbox *in, struct learned *l)
{
	bool waits = !l->rule, ok = true;
	pthread_mutex_lock(&in->lock);
	if (in->waiting.n < MAX_WAITING) {
		vec_push(&in->waiting, learned_ref(l));
		loop_wake(in->wake);
		if (waits && may_wait(in))
			wait_for(in, l);
		if (waits && !l->done)
			counter_inc(learn_late);
		ok = !l->done || l->ok;
	} else {
		counter_inc(learn_late);
	}
	pthread_mutex_unlock(&in->lock);
	return ok;
}

bool learned_apply(struct ofproto_system *system, struct learned *l)
{
	if (pthread_equal(pthread_self(), system->learned->main))
		return apply_now(system, l);
	return hand_over(system->learned, l);
}

void learned_credit(struct ofproto_system *system, struct learned *l, uint16_t tcp_flags)
{
	if (l->fresh) {
		l->fresh = false;
		return;
	}
	if (!l->rule || tcp_flags & TCP_FIN_RST)
		(void)learned_apply(system, l);
}
