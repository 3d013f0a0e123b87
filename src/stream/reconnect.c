/* SPDX-License-Identifier: Apache-2.0 */
#include "stream/reconnect.h"

static void enter(struct reconnect *r, int64_t now, enum reconnect_state state)
{
	r->state = state;
	r->since = now;
}

void reconnect_init(struct reconnect *r, int64_t now)
{
	*r = (struct reconnect){
		.since = now,
		.last_activity = now,
		.min_backoff = 1000,
		.max_backoff = 8000,
		.probe_interval = 5000,
		.connect_timeout = 10000,
		.connected_at = -1,
		.disconnected_at = -1,
	};
}

void reconnect_enable(struct reconnect *r, int64_t now)
{
	if (r->state == RECONNECT_VOID) {
		r->backoff = 0;
		enter(r, now, RECONNECT_BACKOFF);
	}
}

void reconnect_disable(struct reconnect *r, int64_t now)
{
	enter(r, now, RECONNECT_VOID);
}

void reconnect_connecting(struct reconnect *r, int64_t now)
{
	r->n_attempts++;
	enter(r, now, RECONNECT_CONNECTING);
}

void reconnect_connected(struct reconnect *r, int64_t now)
{
	r->n_connected++;
	r->connected_at = now;
	r->last_activity = now;
	enter(r, now, RECONNECT_ACTIVE);
}

static bool is_up(const struct reconnect *r)
{
	return r->state == RECONNECT_ACTIVE || r->state == RECONNECT_IDLE;
}

void reconnect_disconnected(struct reconnect *r, int64_t now)
{
	if (r->state == RECONNECT_VOID)
		return;
	if (is_up(r)) {
		r->disconnected_at = now;
		// A connection that carried something was good: try again soon. One that died young
		// was not.
		if (now - r->since >= r->backoff || r->last_activity > r->connected_at)
			r->backoff = 0;
	}
	if (r->passive)
		r->backoff = r->min_backoff;
	else if (r->backoff < r->min_backoff)
		r->backoff = r->min_backoff;
	else
		r->backoff = r->backoff * 2 < r->max_backoff ? r->backoff * 2 : r->max_backoff;
	enter(r, now, RECONNECT_BACKOFF);
}

void reconnect_heard(struct reconnect *r, int64_t now)
{
	r->last_activity = now;
	if (r->state == RECONNECT_IDLE)
		enter(r, now, RECONNECT_ACTIVE);
}

int64_t reconnect_deadline(const struct reconnect *r)
{
	switch (r->state) {
	case RECONNECT_VOID:
		return INT64_MAX;
	case RECONNECT_BACKOFF:
		return r->since + r->backoff;
	case RECONNECT_CONNECTING:
		return r->since +
		       (r->backoff > r->connect_timeout ? r->backoff : r->connect_timeout);
	case RECONNECT_ACTIVE:
		return r->probe_interval
			       ? (r->last_activity > r->since ? r->last_activity : r->since) +
					 r->probe_interval
			       : INT64_MAX;
	case RECONNECT_IDLE:
		return r->probe_interval ? r->since + r->probe_interval : INT64_MAX;
	}
	return INT64_MAX;
}

enum reconnect_action reconnect_run(struct reconnect *r, int64_t now)
{
	if (now < reconnect_deadline(r))
		return RECONNECT_DO_NOTHING;
	switch (r->state) {
	case RECONNECT_VOID:
		return RECONNECT_DO_NOTHING;
	case RECONNECT_BACKOFF:
		return RECONNECT_DO_CONNECT;
	case RECONNECT_CONNECTING:
	case RECONNECT_IDLE:
		return RECONNECT_DO_DISCONNECT;
	case RECONNECT_ACTIVE:
		enter(r, now, RECONNECT_IDLE);
		return RECONNECT_DO_PROBE;
	}
	return RECONNECT_DO_NOTHING;
}

const char *reconnect_state_name(enum reconnect_state state)
{
	switch (state) {
	case RECONNECT_VOID:
		return "VOID";
	case RECONNECT_BACKOFF:
		return "BACKOFF";
	case RECONNECT_CONNECTING:
		return "CONNECTING";
	case RECONNECT_ACTIVE:
		return "ACTIVE";
	case RECONNECT_IDLE:
		return "IDLE";
	}
	return "?";
}
