/* SPDX-License-Identifier: Apache-2.0 */
// Whatever the parser takes is cut into the members that the parser sees; whatever it does not
// take, one of its pieces does not parse, or the cutting fails.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ovsdb/json_cut.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

// True when all pieces are JSON; appends them to `out`, an array.
static bool pieces_parse(struct json_cut *cut, json_t *out)
{
	struct json_piece name, value;
	bool good = true;
	while (json_cut_next(cut, &name, &value)) {
		json_t *json = json_piece_parse(value);
		if (name.p) {
			// With its quotes.
			json_t *key = json_loadb(name.p - 1, name.n + 2, JSON_DECODE_ANY, NULL);
			good = good && json_is_string(key);
			json_decref(key);
		}
		good = good && json;
		if (json)
			json_array_append_new(out, json);
	}
	return good && json_cut_is_good(cut);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct json_cut cut;
	json_t *json = json_loadb((const char *)data, n, 0, NULL), *pieces = json_array();
	json_cut_init(&cut, (struct json_piece){(const char *)data, n});
	bool good = pieces_parse(&cut, pieces);
	if (json && !good)
		abort();
	if (json_is_array(json) && !json_equal(json, pieces))
		abort();
	if (json_is_object(json) && json_array_size(pieces) < json_object_size(json))
		abort();
	json_decref(json);
	json_decref(pieces);
	return 0;
}
