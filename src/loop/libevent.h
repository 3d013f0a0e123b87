/* SPDX-License-Identifier: Apache-2.0 */
// What src/stream needs of the loop's inside to put libevent's buffered streams on it. Nobody else
// includes this.
#pragma once
#include <event2/event.h>

struct loop;

struct event_base *loop_base(struct loop *);
// To be called first in every callback that libevent makes past loop.c.
void loop_enter(struct loop *);
