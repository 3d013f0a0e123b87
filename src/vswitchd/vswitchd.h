/* SPDX-License-Identifier: Apache-2.0 */
// From the database to the switch, and back: what rows of Bridge, Port, Interface, Controller and
// so on ask for is compared with what is there, the difference is applied, and status, statistics
// and reasons are written to the database. Main thread.
#pragma once
#include "base/error.h"
#include "loop/loop.h"

struct appctl;
struct vswitchd;

enum vswitchd_dummy {	      // which bridges get the dummy datapath, and dummy devices with it
	VSWITCHD_DUMMY_ASKED, // those with datapath_type=dummy
	VSWITCHD_DUMMY_FOR_SYSTEM, // also those that would be on the kernel's
	VSWITCHD_DUMMY_FOR_ALL,
};

// Starts to follow the database at `target` ("unix:..."). Registers the switch's commands. Nothing
// is removed from the network until the database was read once. `on_ready` is called once from the
// loop, when the switch is as the database asks for, or waits because another process has the lock.
// Table SSL of the database sets the loop's TLS settings (stream/tls.h), if it has any.
struct error *vswitchd_new(struct loop *, struct appctl *, const char *target, enum vswitchd_dummy,
			   loop_cb *on_ready, void *arg, struct vswitchd **) MUST_CHECK;
// Frees all bridges. Internal devices stay for the process that comes after this one, unless
// `cleanup` is set.
void vswitchd_free(struct vswitchd *, bool cleanup);
