/* SPDX-License-Identifier: Apache-2.0 */
// Names of modules that Open vSwitch has and we have not: scripts and habits say
// `-vofproto_dpif:dbg`, `vlog/set netdev_linux:info`. Where we log what such a module logs, its
// name stands for ours; the others are no modules.
#pragma once
#include <stdbool.h>

// Does `word`, not the name of a module of this program, stand for the module `name`? Case does not
// matter in `word`.
bool log_alias_stands_for(const char *word, const char *name);
