/* SPDX-License-Identifier: Apache-2.0 */
// Random Ethernet frames of every kind that the datapath tells apart, from well-formed to hostile.
#pragma once
#include <stddef.h>
#include <stdint.h>

enum { FRAME_MAX = 400 };

// A frame with right lengths and checksums; its length.
size_t frame_random(uint8_t frame[FRAME_MAX]);
// Changes some bytes, mostly in headers, or cuts it, or pads it; the new length, at least 14.
size_t frame_mutate(uint8_t frame[FRAME_MAX], size_t n);
// Writes the right IP and L4 checksums into a frame, wherever it has them. Options and extension
// headers included.
void frame_fix_checksums(uint8_t *frame, size_t n);
