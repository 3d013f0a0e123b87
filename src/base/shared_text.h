/* SPDX-License-Identifier: Apache-2.0 */
// A text that does not change any more and has several owners, of one thread: what is large and
// goes to many is in memory once.
#pragma once
#include "base/str.h"

struct shared_text {
	size_t refs;
	struct str text;
};

// Takes the contents of `text`; one reference, the caller's.
struct shared_text *shared_text_new(struct str *text);
struct shared_text *shared_text_ref(struct shared_text *);
void shared_text_unref(struct shared_text *); // NULL is allowed
