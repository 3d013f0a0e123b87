/* SPDX-License-Identifier: Apache-2.0 */
// What the tests of src/openflow share.
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/random.h"
#include "openflow/flow_text.h"
#include "openflow/match_codec.h"
#include "openflow/message.h"
#include "openflow/print.h"

static const enum ofp_protocol all_protocols[] = {OFPROTO_10,	   OFPROTO_10_TID, OFPROTO_NXM,
						  OFPROTO_NXM_TID, OFPROTO_11,	   OFPROTO_12,
						  OFPROTO_13,	   OFPROTO_14,	   OFPROTO_15};
#define FOR_EACH_PROTOCOL(p)                                                                       \
	for (size_t p##_i = 0; p##_i < sizeof(all_protocols) / sizeof(all_protocols[0]); p##_i++)  \
		for (enum ofp_protocol p = all_protocols[p##_i], p##_once = 1; p##_once;           \
		     p##_once = 0)
#define FOR_EACH_VERSION(v) for (uint8_t v = OFP10; v <= OFP15; v++)

static inline struct match parsed_match(const char *text)
{
	struct match m;
	struct error *e = match_parse(&m, text, NULL, NULL);
	if (e)
		fail_msg("%s: %s", text, error_text(e));
	return m;
}

static inline void parse_actions(struct buf *list, const char *text)
{
	uint32_t protocols;
	struct error *e = ofpacts_parse(text, NULL, list, &protocols);
	if (e)
		fail_msg("%s: %s", text, error_text(e));
}

static inline char *actions_text(const void *list, size_t n)
{
	struct str s = STR_INIT;
	ofpacts_format(list, n, NULL, &s);
	return str_take(&s);
}

static inline char *match_text(const struct match *m)
{
	struct str s = STR_INIT;
	match_format(m, &s, -1, NULL, NULL);
	return str_take(&s);
}

// The one message in the buffer, taken apart.
static inline struct ofp_msg decoded(const struct buf *b)
{
	struct ofp_msg m;
	assert_int_equal(ofp_length(b->data), b->len);
	int error = ofp_msg_decode(b->data, b->len, &m);
	if (error)
		fail_msg("%s", ofperr_name(error));
	return m;
}

static inline void assert_match_equal(const struct match *a, const struct match *b)
{
	if (match_equal(a, b))
		return;
	char *ta = match_text(a), *tb = match_text(b);
	fail_msg("%s != %s", ta, tb);
}

// Bytes from hexadecimal digits; blanks are skipped.
static inline struct buf from_hex(const char *hex)
{
	struct buf b = BUF_INIT;
	for (; *hex; hex++) {
		if (*hex == ' ')
			continue;
		char pair[3] = {hex[0], hex[1], '\0'};
		buf_add_u8(&b, (uint8_t)strtoul(pair, NULL, 16));
		hex++;
	}
	return b;
}

static inline void assert_hex(const struct buf *b, const char *hex)
{
	struct buf want = from_hex(hex);
	struct str got = STR_INIT;
	str_add_hex(&got, b->data, b->len);
	if (want.len != b->len || (want.len && memcmp(want.data, b->data, want.len)))
		fail_msg("got %s", got.s);
	str_done(&got);
	buf_done(&want);
}
