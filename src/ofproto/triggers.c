/* SPDX-License-Identifier: Apache-2.0 */
#include "ofproto/triggers.h"

#include <string.h>

#include "base/clock.h"
#include "openflow/action.h"

enum stat { DURATION, IDLE, PACKETS, BYTES };
_Static_assert(BYTES + 1 == TRIGGER_N_STATS, "one for each");

static void forget(struct triggers *ts, size_t i)
{
	rule_unref(ts->watched.v[i].rule);
	ts->watched.v[i] = ts->watched.v[--ts->watched.n];
}

void triggers_done(struct triggers *ts)
{
	while (ts->watched.n)
		forget(ts, 0);
	vec_done(&ts->watched);
}

static const struct ofpact_stat_trigger *find(const struct rule_actions *actions)
{
	OFPACT_FOREACH (a, actions->list, actions->len)
		if (a->type == OFPACT_STAT_TRIGGER)
			return (const void *)a;
	return NULL;
}

static uint64_t nanoseconds(uint32_t s, uint32_t ns)
{
	return s * UINT64_C(1000000000) + ns;
}

static void set_thresholds(struct trigger *t, const struct oxs *s)
{
	if (oxs_has(s, OXS_DURATION))
		t->thresholds[DURATION] = nanoseconds(s->duration_s, s->duration_ns);
	if (oxs_has(s, OXS_IDLE_TIME))
		t->thresholds[IDLE] = nanoseconds(s->idle_s, s->idle_ns);
	if (oxs_has(s, OXS_PACKET_COUNT))
		t->thresholds[PACKETS] = s->packets;
	if (oxs_has(s, OXS_BYTE_COUNT))
		t->thresholds[BYTES] = s->bytes;
}

static void measure(const struct trigger *t, int64_t now, uint64_t levels[TRIGGER_N_STATS])
{
	struct rule_counts n = rule_counts(t->rule);
	int64_t age = now - t->rule->created, idle = now - n.used;
	const uint64_t values[TRIGGER_N_STATS] = {
		[DURATION] = age > 0 ? (uint64_t)age * 1000000 : 0,
		[IDLE] = idle > 0 ? (uint64_t)idle * 1000000 : 0,
		[PACKETS] = n.packets,
		[BYTES] = n.bytes,
	};
	for (int i = 0; i < TRIGGER_N_STATS; i++) {
		uint64_t threshold = t->thresholds[i];
		levels[i] = !threshold	  ? 0
			    : t->periodic ? values[i] / threshold
					  : values[i] >= threshold;
	}
}

static uint64_t highest(const uint64_t levels[TRIGGER_N_STATS])
{
	uint64_t top = 0;
	for (int i = 0; i < TRIGGER_N_STATS; i++)
		top = levels[i] > top ? levels[i] : top;
	return top;
}

void triggers_watch(struct triggers *ts, struct rule *r)
{
	const struct ofpact_stat_trigger *a = find(r->actions);
	r->trigger_generation++; // what was watched so far is not any more
	if (!a)
		return;
	struct trigger t = {
		.rule = r,
		.generation = r->trigger_generation,
		.periodic = a->flags & OFPSTF_PERIODIC,
		.only_first = a->flags & OFPSTF_ONLY_FIRST,
	};
	set_thresholds(&t, &a->thresholds);
	measure(&t, clock_ms(), t.levels);
	t.top = highest(t.levels);
	rule_ref(r);
	vec_push(&ts->watched, t);
}

// Takes the levels over. Those of idle time fall with each packet, and those of counters when they
// are reset; what is passed then for another time is told for another time, unless only the first
// counts.
static bool advance(struct trigger *t, const uint64_t levels[TRIGGER_N_STATS])
{
	bool any = false;
	for (int i = 0; i < TRIGGER_N_STATS; i++)
		any |= levels[i] > t->levels[i];
	uint64_t top = highest(levels);
	bool first = top > t->top;
	memcpy(t->levels, levels, sizeof(t->levels));
	if (first)
		t->top = top;
	return t->only_first ? first : any;
}

static bool look(struct trigger *t, int64_t now, void (*refresh)(void *arg), void *arg)
{
	uint64_t levels[TRIGGER_N_STATS];
	measure(t, now, levels);
	if (levels[IDLE] > t->levels[IDLE]) {
		refresh(arg);
		measure(t, now, levels);
	}
	return advance(t, levels);
}

struct rule *triggers_next(struct triggers *ts, int64_t now, unsigned int *budget,
			   void (*refresh)(void *arg), void *arg)
{
	while (ts->next < ts->watched.n && *budget) {
		struct trigger *t = &ts->watched.v[ts->next];
		--*budget;
		if (t->rule->removed || t->generation != t->rule->trigger_generation) {
			forget(ts, ts->next);
			continue;
		}
		ts->next++;
		if (look(t, now, refresh, arg))
			return t->rule;
	}
	return NULL;
}

bool triggers_end_round(struct triggers *ts)
{
	if (ts->next < ts->watched.n)
		return false;
	ts->next = 0;
	return true;
}
