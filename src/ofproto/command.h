/* SPDX-License-Identifier: Apache-2.0 */
// The switch's commands for ovs-appctl as tables of rows. This layer knows no JSON-RPC: ovs-vswitchd registers each row with its
// command channel.
#pragma once
#include "base/error.h"
#include "base/str.h"

struct ofproto_system;

struct ofproto_command {
	const char *name, *usage; // usage as list-commands shows it, without the name
	int min, max;		  // arguments after the name; max -1: any number
	// argv[0] is the name. Main thread. Success appends the reply to `reply`; an error's text is the command's error.
	struct error *(*run)(struct ofproto_system *, int argc, const char *argv[], struct str *reply);
};

// fdb/*, dpif/*, dpctl/*, dpif-netdev/*, ofproto/trace, upcall/*, revalidator/*. Ends with a row without name.
extern const struct ofproto_command backer_commands[];
