/* SPDX-License-Identifier: Apache-2.0 */
// How much of the database a command line needs to see. Adding a port is the most frequent thing
// that is asked of ovs-vsctl, often on hosts with hundreds of them, and it needs few of the rows:
// where all commands add ports, or set columns of those that are added here, only ports and
// interfaces of these names are asked for, and fake bridges.
#pragma once
#include <stdbool.h>

#include "cmd/ovs-vsctl/vsctl.h"

// After the commands were prepared. Where they need all rows, nothing happens.
void vsctl_scope_narrow(struct vsctl *, const struct ctl_commands *);
// Call with the rows at hand, before each try. True: one of the names is in use in a place that we
// do not see, so all rows are asked for now; wait until dbclient_conditions_met().
bool vsctl_scope_widen(struct vsctl *);
