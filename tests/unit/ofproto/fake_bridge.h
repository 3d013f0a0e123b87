/* SPDX-License-Identifier: Apache-2.0 */
// A bridge with controllers and tables over connections, ports and a datapath that are only memory.
#pragma once
#include "ofproto/conn.h"
#include "ofproto/controllers.h"

struct ofconn {
	const struct ofconn_callbacks *cb;
	void *arg;
	struct ofconn_options options;
	char name[64];
	uint8_t version;	 // 0: not connected
	struct buf sent, unread; // what comes while nothing is read
	size_t backlog;
	bool reading, freed;
	int give_up; // what it was told to give up for
	unsigned int n_reconnects;
	struct reconnect fsm;
};

struct fake_bridge {
	struct ofproto_system system;
	struct ofproto bridge;
	struct ofport port; // number 1
	struct ofconn conns[1100];
	unsigned int n_conns, n_listeners, n_bumps, n_packet_outs, n_invalidated;
	struct {
		char target[128];
		stream_accept_cb *accept;
		void *arg;
	} listeners[4]; // 0: the management socket
};
extern struct fake_bridge fake;

void fake_bridge_init(void);
void fake_bridge_done(void); // everything must have been given back
// One that the management socket accepted, and that says nothing. NULL: refused.
struct ofconn *fake_mute(void);
// A connection that the management socket accepted and that has negotiated.
struct ofconn *fake_accepted(uint8_t version);
// Delivers a message, now or when reading is on again.
void fake_deliver(struct ofconn *, const void *msg, size_t n);
void fake_disconnect(struct ofconn *, int error);
