/* SPDX-License-Identifier: Apache-2.0 */
// The controllers of one bridge: connections that the configuration asks for, listeners and what
// they accepted, roles, fail mode, and asynchronous messages to all of them. Main thread.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "ofproto/ofproto.h"
#include "openflow/flow_mod.h"
#include "openflow/port.h"
#include "openflow/session.h"
#include "openflow/table_mod.h"

struct conn;
struct controllers;
struct packet_in;

// Listens on RUNDIR/BRIDGE.mgmt; that it cannot is logged.
struct controllers *controllers_new(struct ofproto *);
void controllers_free(struct controllers *); // NULL is allowed
// True: the bridge had primary controllers and has none now, or the other way round.
bool controllers_configure(struct controllers *, const struct ofproto_controller *, unsigned int n);
void controllers_set_versions(struct controllers *, uint32_t versions);
void controllers_set_fail_mode(struct controllers *, enum ofproto_fail_mode);
enum ofproto_fail_mode controllers_fail_mode(const struct controllers *);
bool controllers_has_primary(const struct controllers *);
// Is the fail-open flow in force (controllers away for too long)?
bool controllers_in_fail_open(const struct controllers *);
// Does a packet that no rule matches go to a controller? Before OpenFlow 1.3 that is what a
// controller may expect.
bool controllers_want_misses(const struct controllers *);
// What a connection wants has changed: sees to it that translation knows.
void controllers_wishes_changed(struct controllers *);
// Drops all connections; configured ones come back.
void controllers_reconnect(struct controllers *);
void controllers_for_each(const struct controllers *,
			  void (*cb)(void *arg, const struct ofproto_controller_status *),
			  void *arg);

void controllers_for_each_conn(struct controllers *, void (*cb)(struct conn *, const void *arg),
			       const void *arg); // connected ones
// Also those that are not connected at the moment.
void controllers_for_each_peer(const struct controllers *,
			       void (*cb)(const struct conn *, void *arg), void *arg);
// A role request: 0 or an enum ofperr; *reply is what to answer.
int controllers_set_role(struct controllers *, struct conn *, const struct ofp_role_request *,
			 struct ofp_role_request *reply);

// Called by connections.
void controllers_connected(struct controllers *, struct conn *);
void controllers_disconnected(struct controllers *, struct conn *, int error); // may free it

// --- controller_news.c: what goes to all who want it.
// `by`: who asked for the change; NULL: nobody did.
void controllers_port_status(struct controllers *, const struct ofp_port_status *,
			     const struct conn *by);
void controllers_table_status(struct controllers *, const struct ofp_table_status *);
void controllers_flow_removed(struct controllers *, const struct ofp_flow_removed *);
// To those of OpenFlow 1.5.
void controllers_flow_trigger(struct controllers *, const struct ofp_flow_stats *);
void controllers_packet_in(struct controllers *, const struct packet_in *);
