/* SPDX-License-Identifier: Apache-2.0 */
// A datapath key is arbitrary text. One that is taken prints as text that is taken and prints the
// same.
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "flow/dpact.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char *text = xstrndup((const char *)data, n);
	struct flow key, mask, key2, mask2;
	struct error *error = dpkey_parse(text, &key, &mask, NULL, NULL);
	if (!error) {
		struct str s = STR_INIT, t = STR_INIT;
		dpkey_format(&s, &key, &mask, NULL, NULL, true);
		error = dpkey_parse(str_cstr(&s), &key2, &mask2, NULL, NULL);
		if (error)
			abort();
		dpkey_format(&t, &key2, &mask2, NULL, NULL, true);
		if (strcmp(str_cstr(&s), str_cstr(&t)))
			abort();
		str_clear(&s);
		dpkey_format(&s, &key, NULL, NULL, NULL, false);
		str_done(&s);
		str_done(&t);
	}
	error_free(error);
	free(text);
	return 0;
}
