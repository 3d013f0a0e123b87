/* SPDX-License-Identifier: Apache-2.0 */
#include "rpc/json_frame.h"

long json_frame_scan(struct json_frame *f, const uint8_t *p, size_t n)
{
	return n > f->seen ? json_frame_feed(f, p + f->seen, n - f->seen) : 0;
}

long json_frame_feed(struct json_frame *f, const uint8_t *p, size_t n)
{
	size_t before = f->seen;
	for (size_t i = 0; i < n; i++) {
		uint8_t c = p[i];
		if (f->in_string) {
			if (f->escaped)
				f->escaped = false;
			else if (c == '\\')
				f->escaped = true;
			else if (c == '"')
				f->in_string = false;
			continue;
		}
		switch (c) {
		case '"':
			if (!f->begun)
				return -1;
			f->in_string = true;
			break;
		case '{':
		case '[':
			f->begun = true;
			if (++f->depth > JSON_FRAME_MAX_DEPTH)
				return -1;
			break;
		case '}':
		case ']':
			if (!f->depth)
				return -1;
			if (!--f->depth) {
				*f = (struct json_frame){0};
				return (long)(before + i) + 1;
			}
			break;
		case ' ':
		case '\t':
		case '\r':
		case '\n':
			break;
		default:
			if (!f->begun)
				return -1;
		}
	}
	f->seen += n;
	return 0;
}
