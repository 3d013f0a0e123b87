/* SPDX-License-Identifier: Apache-2.0 */
// Datapath actions are arbitrary text. Those that are taken print as text that gives the same
// actions.
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "flow/dpact.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char *text = xstrndup((const char *)data, n);
	struct buf b = BUF_INIT, again = BUF_INIT;
	struct error *error = dpact_parse(&b, text, NULL, NULL);
	if (!error) {
		struct str s = STR_INIT, t = STR_INIT;
		dpact_format(&s, b.data, b.len, NULL, NULL);
		error = dpact_parse(&again, str_cstr(&s), NULL, NULL);
		if (error)
			abort();
		dpact_format(&t, again.data, again.len, NULL, NULL);
		if (strcmp(str_cstr(&s), str_cstr(&t)))
			abort();
		str_done(&s);
		str_done(&t);
	}
	error_free(error);
	buf_done(&b);
	buf_done(&again);
	free(text);
	return 0;
}
