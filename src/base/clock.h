/* SPDX-License-Identifier: Apache-2.0 */
// The one clock. Timers, ageing and time stamps of flows use clock_ms(), which tests can stop and
// warp (`ovs-appctl time/stop`, `time/warp`). Any thread may read it; only the main thread stops
// and warps.
#pragma once
#include <stdbool.h>
#include <stdint.h>

// Milliseconds of CLOCK_MONOTONIC, or of the warped clock.
int64_t clock_ms(void);
// Milliseconds since 1970, moved by warps in the same way.
int64_t clock_wall_ms(void);
// Never warped; for measuring.
int64_t clock_real_ms(void);
uint64_t clock_real_ns(void);
// After this the clock moves only by clock_warp().
void clock_stop(void);
bool clock_stopped(void);
void clock_warp(int64_t ms);
