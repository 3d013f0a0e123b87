/* SPDX-License-Identifier: Apache-2.0 */
// A datapath with fake ports, and an upcall that does what the test says.
#pragma once
#include "base/vec.h"
#include "dp/dp.h"
#include "dp/user/user.h"
#include "fake_netdev.h"

enum { FIXTURE_PORTS = 8 };

struct fixture_gone {
	void *cookie;
	struct dp_flow_stats stats;
};

struct fixture { // what upcalls may touch is under the lock
	struct loop *loop;
	struct dp *dp;
	struct netdev *port[FIXTURE_PORTS + 1]; // by port number
	pthread_mutex_t lock;
	// What an upcall does next.
	struct buf actions;
	struct flow mask;
	bool install;
	int result;
	void (*on_upcall)(struct fixture *, const struct dp_upcall *,
			  struct dp_upcall_result *); // instead of the above
	// What it saw.
	unsigned int n_misses, n_actions;
	struct flow key; // of the last
	struct buf frame, userdata;
	VEC(struct fixture_gone) gone;
	uintptr_t next_cookie;
};

// `type`: of the datapath. Ports 1 to FIXTURE_PORTS are devices of `port_type`.
void fixture_init(struct fixture *, const char *type, const char *port_type);
void fixture_done(struct fixture *);
// Runs the loop until nothing is left to do that this thread does; graces included.
void fixture_settle(struct fixture *);
// Runs the loop for what is there now.
void fixture_run(struct fixture *);
struct dp_stats fixture_stats(const struct fixture *);
