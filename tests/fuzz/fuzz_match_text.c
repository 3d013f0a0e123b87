/* SPDX-License-Identifier: Apache-2.0 */
// A match is arbitrary text. What it prints as is read again; that the two agree is for the unit tests, with matches that make sense:
// the oracle, too, takes some that do not ("icmp,tp_src=888") and prints what it would not take.
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
		if (!error)
			match_format(&again, &t, -1, NULL, NULL);
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
