/* SPDX-License-Identifier: Apache-2.0 */
#include "base/shared_text.h"

#include <stdlib.h>

#include "base/alloc.h"

struct shared_text *shared_text_new(struct str *text)
{
	struct shared_text *t = XNEW(struct shared_text);
	t->refs = 1;
	t->text = *text;
	*text = (struct str)STR_INIT;
	return t;
}

struct shared_text *shared_text_ref(struct shared_text *t)
{
	t->refs++;
	return t;
}

void shared_text_unref(struct shared_text *t)
{
	if (!t || --t->refs)
		return;
	str_done(&t->text);
	free(t);
}
