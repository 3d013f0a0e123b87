/* SPDX-License-Identifier: Apache-2.0 */
// How many rules of a table have a cookie, for the cookies that somebody asked about: a limit of
// learned flows is looked at for each new one of them, and counting anew each time would let a
// flood of packets keep the main thread busy. Main thread.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/byteorder.h"

struct cookie_count;
struct cookie_counts {
	struct cookie_count *all; // uthash
};

void cookie_counts_done(struct cookie_counts *);
// False: nobody has asked about this one yet, so count, and say so with cookie_counts_set().
bool cookie_counts_get(const struct cookie_counts *, uint8_t table_id, be64_t cookie,
		       unsigned int *n);
void cookie_counts_set(struct cookie_counts *, uint8_t table_id, be64_t cookie, unsigned int n);
// `n` more (or less: -1U) have it. Nothing for those that nobody has asked about.
void cookie_counts_add(struct cookie_counts *, uint8_t table_id, be64_t cookie, unsigned int n);
