/* SPDX-License-Identifier: Apache-2.0 */
// A match is arbitrary text. One that is taken prints as text that is taken and prints the same.
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "flow/match.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char *text = xstrndup((const char *)data, n);
	struct match m, again;
	struct error *error = match_parse(&m, text, NULL, NULL);
	if (!error) {
		struct str s = STR_INIT, t = STR_INIT;
		match_normalize(&m);
		match_format(&m, &s, -1, NULL, NULL);
		error = match_parse(&again, str_cstr(&s), NULL, NULL);
		if (error)
			abort();
		match_format(&again, &t, -1, NULL, NULL);
		if (strcmp(str_cstr(&s), str_cstr(&t)))
			abort();
		str_done(&s);
		str_done(&t);
	}
	error_free(error);
	const char *s = text;
	struct subfield sf;
	error_free(subfield_parse(&s, &sf));
	free(text);
	return 0;
}
