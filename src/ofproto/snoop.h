/* SPDX-License-Identifier: Apache-2.0 */
// Who connects to RUNDIR/BRIDGE.snoop gets a copy of all messages to and from one controller. Main
// thread.
#pragma once

struct conn;
struct ofproto;
struct snoopers;

// `choose`: the connection that a new one is to watch; NULL: there is none. That the socket cannot
// be made is logged.
struct snoopers *snoopers_new(struct ofproto *, struct conn *(*choose)(void *arg), void *arg);
void snoopers_free(struct snoopers *);
// The connection is about to go: so do those who watch it.
void snoopers_forget(struct snoopers *, struct conn *);
