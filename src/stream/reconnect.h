/* SPDX-License-Identifier: Apache-2.0 */
// When to connect, to probe and to give up: a pure state machine, told of events and the time, that
// says what to do next. It touches no socket and reads no clock.
//
//	VOID -> BACKOFF -> CONNECTING -> ACTIVE <-> IDLE, and back to BACKOFF when the connection
//fails
#pragma once
#include <stdbool.h>
#include <stdint.h>

enum reconnect_state {
	RECONNECT_VOID,	      // not enabled
	RECONNECT_BACKOFF,    // waiting until the next try
	RECONNECT_CONNECTING, // the owner is connecting
	RECONNECT_ACTIVE,     // connected, something heard lately
	RECONNECT_IDLE,	      // connected, silent: a probe was sent
};

enum reconnect_action {
	RECONNECT_DO_NOTHING,
	RECONNECT_DO_CONNECT,	 // start to connect; then call reconnect_connecting()
	RECONNECT_DO_DISCONNECT, // give up the connection (attempt); then call
				 // reconnect_disconnected()
	RECONNECT_DO_PROBE,	 // send an echo request
};

struct reconnect {
	enum reconnect_state state;
	int64_t since;	       // when this state began, ms
	int64_t last_activity; // when the peer was last heard, ms
	int64_t backoff;       // the current delay, ms
	int64_t min_backoff, max_backoff, probe_interval,
		connect_timeout;	       // ms; probe_interval 0: never probe
	int64_t connected_at, disconnected_at; // ms; -1: never
	unsigned int n_attempts, n_connected;
	bool passive; // wait for the peer: no back-off doubling, no DO_CONNECT repetition
};

// Back-off 1 to 8 s, probe 5 s.
void reconnect_init(struct reconnect *, int64_t now);
void reconnect_enable(struct reconnect *, int64_t now);
void reconnect_disable(struct reconnect *, int64_t now);
void reconnect_connecting(struct reconnect *, int64_t now);
void reconnect_connected(struct reconnect *, int64_t now);
// The attempt failed or the connection was lost.
void reconnect_disconnected(struct reconnect *, int64_t now);
// Something was received.
void reconnect_heard(struct reconnect *, int64_t now);
// What to do now. Asking has no effect but that DO_PROBE moves to IDLE.
enum reconnect_action reconnect_run(struct reconnect *, int64_t now);
// When reconnect_run() should be asked again; INT64_MAX: only after an event.
int64_t reconnect_deadline(const struct reconnect *);
const char *reconnect_state_name(enum reconnect_state);
