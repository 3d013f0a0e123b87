/* SPDX-License-Identifier: Apache-2.0 */
// Finds where one JSON text ends in a stream that has no other framing. It only counts brackets and
// quotes; the parser decides whether what lies between is JSON. Each byte is looked at once,
// however the stream is cut up.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_frame {
	size_t seen; // bytes already looked at, of the text that begins at the start of the buffer
	unsigned int depth;
	bool in_string, escaped, begun;
};

enum { JSON_FRAME_MAX_DEPTH = 1000 };

// How many bytes the first text in [p, p + n) takes, leading white space included: 0 when its end
// has not arrived, -1 when it cannot be a message (neither object nor array, or too deep). After a
// result > 0 the state is ready for the next text.
long json_frame_scan(struct json_frame *, const uint8_t *p, size_t n);
// The same for who has the bytes in pieces: [p, p + n) follows what was seen. The result still
// counts from the start of the text.
long json_frame_feed(struct json_frame *, const uint8_t *p, size_t n);
