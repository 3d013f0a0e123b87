/* SPDX-License-Identifier: Apache-2.0 */
// Automatic load balance (pmd-auto-lb): when a polling thread was busy for a minute, and another
// assignment of its queues would make the loads more equal by enough, queues move. Main thread.
#pragma once
#include "dp/dp.h"

struct dp_user;

void balance_init(struct dp_user *);
// After the settings changed.
void balance_update(struct dp_user *);
// How much less the variance of the loads gets, in percent of what it is; 0: not at all.
unsigned int balance_improvement(const uint64_t *now, const uint64_t *planned, unsigned int n);
