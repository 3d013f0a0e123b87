/* SPDX-License-Identifier: Apache-2.0 */
// What a list of actions does to a frame, the simple way: bytes are moved and checksums made from
// scratch.
#pragma once
#include <stdbool.h>

#include "frames.h"
#include "flow/dpact.h"

enum { NAIVE_MAX_OUT = 64, NAIVE_MAX = FRAME_MAX + 64 };

struct naive_out {
	uint32_t port;
	size_t n;
	uint8_t frame[NAIVE_MAX];
};
struct naive {
	struct naive_out out[NAIVE_MAX_OUT];
	unsigned int n_out;
};

void naive_run(struct naive *, const uint8_t *frame, size_t n, const void *actions,
	       size_t actions_len);
// Can all its checksums be made from scratch? (No fragment, routing header, or options before them
// that hide the rest.)
bool naive_can(const uint8_t *frame, size_t n);
