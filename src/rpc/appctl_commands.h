/* SPDX-License-Identifier: Apache-2.0 */
// The commands that every daemon has; registered by appctl_new().
#pragma once
#include "loop/loop.h"

struct appctl;
struct str;

void appctl_register_common(struct appctl *, struct loop *);
// What list-commands and memory/show print.
void appctl_list_commands(struct appctl *, struct str *);
void appctl_format_memory(struct appctl *, struct str *);
