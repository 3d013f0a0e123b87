/* SPDX-License-Identifier: Apache-2.0 */
// A stream of bytes cut into JSON texts and messages, in two different ways that must agree.
#include <stdint.h>
#include <stdlib.h>

#include "rpc/json_frame.h"
#include "rpc/jsonrpc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t at = 0;
	struct json_frame whole = {0};
	while (at < size) {
		long n = json_frame_scan(&whole, data + at, size - at);
		struct json_frame piecewise = {0};
		long m = 0;
		for (size_t have = 0; have <= size - at && !m; have++)
			m = json_frame_scan(&piecewise, data + at, have);
		if (n != m)
			abort();
		if (n <= 0)
			break;
		json_t *json = json_loadb((const char *)data + at, (size_t)n,
					  JSON_REJECT_DUPLICATES, NULL);
		if (json) {
			char *why = NULL;
			struct jsonrpc_message *message = jsonrpc_message_parse(json, &why);
			if (message) {
				json_t *again = jsonrpc_message_to_json(message);
				json_decref(again);
			} else if (!why) {
				abort();
			}
			free(why);
			jsonrpc_message_free(message);
			json_decref(json);
		}
		at += (size_t)n;
	}
	return 0;
}
