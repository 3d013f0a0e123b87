/* SPDX-License-Identifier: Apache-2.0 */
// Drops by reason as events of coverage/show: threads count for themselves, and this adds up when
// somebody looks.
#pragma once

struct dp_user;

// Main thread.
void drops_watch(struct dp_user *);
void drops_unwatch(struct dp_user *);
