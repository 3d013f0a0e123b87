/* SPDX-License-Identifier: Apache-2.0 */
// A list of servers as users write it: "tcp:a:1,tcp:b:2". What follows a comma belongs to the name
// before it unless it begins another method, so that names of files may have commas.
#pragma once
#include <stddef.h>

struct targets {
	char **v;
	size_t n;
};

void targets_init(struct targets *, const char *text);
void targets_done(struct targets *);
// Puts them in random order.
void targets_shuffle(struct targets *);
