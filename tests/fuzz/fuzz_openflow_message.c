/* SPDX-License-Identifier: Apache-2.0 */
// OpenFlow messages of all families: printing decodes all of one. What decodes must encode (see
// message_again.h); that is a message in its turn, and encoded again it is the same to the byte. Of
// flow mods and continuations, what they say is compared.
//
// An input is a message, whose first byte is a version. Or its first byte is 0x80 and a type, its
// second one a version, which of the type's forms and a transaction, and the rest is the body: so
// that each family is as near as any other, and no header is in the way.
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "message_again.h"
#include "openflow/continuation.h"
#include "openflow/message.h"
#include "openflow/print.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void print(const uint8_t *msg, size_t n)
{
	struct ofp_print_options options = {.verbosity = 3};
	struct str s = STR_INIT;
	ofp_print(&s, msg, n, &options);
	assert(s.len && s.s[s.len - 1] == '\n');
	str_done(&s);
}

// Text says all of a flow that the messages say.
static char *flow_text(const struct ofp_flow_mod *fm)
{
	struct str s = STR_INIT;
	match_format(&fm->match, &s, fm->priority, NULL, NULL);
	str_addc(&s, ' ');
	ofpacts_format(fm->actions.data, fm->actions.len, NULL, &s);
	str_addf(&s, " %d %d %d %d %x", fm->command, fm->idle_timeout, fm->hard_timeout,
		 fm->importance, fm->flags);
	return str_take(&s);
}

// What was encoded once is in the version's own words (set_field instead of mod_dl_src): from then
// on nothing changes.
static void decode_again(const struct ofp_flow_mod *fm, enum ofp_protocol protocol)
{
	struct buf b = BUF_INIT;
	struct ofp_flow_mod again = {0};
	struct ofp_msg m;
	ofp_encode_flow_mod(&b, fm, protocol, 1);
	if (b.len) {
		assert(!ofp_msg_decode(b.data, b.len, &m));
		int error = ofp_decode_flow_mod(&m, protocol, &again);
		assert(!error);
		char *one = flow_text(fm), *two = flow_text(&again);
		assert(!strcmp(one, two));
		free(one);
		free(two);
	}
	ofp_flow_mod_done(&again);
	buf_done(&b);
}

static void flow_mod(const struct ofp_msg *m)
{
	struct ofp_flow_mod fm = {0}, again = {0};
	enum ofp_protocol protocol = ofp_protocol_of_version(m->version);
	if (m->nx && m->version != OFP10)
		return;
	if (m->nx)
		protocol = OFPROTO_NXM;
	protocol = ofp_protocol_set_tid(protocol, m->xid & 1);
	if (!ofp_decode_flow_mod(m, protocol, &fm)) {
		struct buf b = BUF_INIT;
		char *why = NULL;
		(void)ofpacts_check(fm.actions.data, fm.actions.len, &fm.match, OFPP_MAX,
				    fm.table_id, 255, m->version, &why);
		free(why);
		ofp_encode_flow_mod(&b, &fm, protocol, m->xid);
		struct ofp_msg m2;
		// Lists may become too long for one message.
		if (b.len) {
			assert(!ofp_msg_decode(b.data, b.len, &m2));
			int error = ofp_decode_flow_mod(&m2, protocol, &again);
			assert(!error || error == OFPBAC_TOO_MANY);
			if (!error)
				decode_again(&again, protocol);
		}
		for (uint32_t p = 1; p <= OFPROTO_15; p <<= 1) {
			buf_clear(&b);
			ofp_encode_flow_mod(&b, &fm, (enum ofp_protocol)p, 1);
		}
		buf_done(&b);
	}
	ofp_flow_mod_done(&fm);
	ofp_flow_mod_done(&again);
}

// A continuation that is taken says the same when it is written and read again.
static void continuation(const struct ofp_msg *m)
{
	struct ofp_packet_in pin;
	struct ofp_continuation c = {.stack = NULL}, again = {.stack = NULL};
	struct str one = STR_INIT, two = STR_INIT;
	struct buf b = BUF_INIT;
	struct ofpact_text text = {.arg = NULL};
	if (ofp_decode_packet_in(m, &pin) || !pin.has_continuation)
		return;
	if (!ofp_continuation_decode(pin.continuation, m->version, false, &c)) {
		ofp_continuation_encode(&b, &c, m->version);
		assert(!ofp_continuation_decode(cursor_make(b.data, b.len), m->version, false,
						&again));
		assert(c.n_stack == again.n_stack &&
		       (!c.n_stack ||
			!memcmp(c.stack, again.stack, c.n_stack * sizeof(c.stack[0]))));
		ofp_continuation_print(&one, &c, &text);
		ofp_continuation_print(&two, &again, &text);
	}
	str_done(&one);
	str_done(&two);
	buf_done(&b);
	ofp_continuation_done(&c);
	ofp_continuation_done(&again);
}

// What comes back for a packet that waits is a message that has its continuation.
static void resume(const struct ofp_msg *m)
{
	struct buf b = BUF_INIT;
	struct ofp_msg back;
	struct ofp_packet_in pin;
	if (m->type == OFPTYPE_RESUME) {
		(void)ofp_decode_resume(m, &pin);
	} else if (!ofp_decode_packet_in(m, &pin) && ofp_encode_resume(&b, m, 1)) {
		assert(!ofp_msg_decode(b.data, b.len, &back) && back.type == OFPTYPE_RESUME);
		print(b.data, b.len);
		assert(!ofp_decode_packet_in(&back, &pin) && pin.has_continuation);
	}
	buf_done(&b);
}

// What was encoded: one message after the other.
static void each_message(const struct buf *b, void (*function)(const struct ofp_msg *, void *),
			 void *arg)
{
	for (size_t at = 0; at < b->len; at += ofp_length(b->data + at)) {
		struct ofp_msg m;
		assert(b->len - at >= 8 && ofp_length(b->data + at) <= b->len - at);
		assert(!ofp_msg_decode(b->data + at, ofp_length(b->data + at), &m));
		function(&m, arg);
	}
}

static void print_again(const struct ofp_msg *m, void *arg)
{
	struct buf *two = arg;
	print(m->data, m->len);
	bool same = message_again(m, two);
	assert(same);
}

static void encode_again(const struct ofp_msg *m)
{
	struct buf one = BUF_INIT, two = BUF_INIT;
	bool whole = message_again(m, &one);
	if (whole && one.len) { // lists may become too long for one message
		each_message(&one, print_again, &two);
		assert(one.len == two.len && !memcmp(one.data, two.data, one.len));
	}
	buf_done(&one);
	buf_done(&two);
}

static void one(const uint8_t *data, size_t n)
{
	struct ofp_msg m;
	struct str s = STR_INIT;
	print(data, n);
	if (ofp_msg_decode(data, n, &m))
		return;
	if (m.type == OFPTYPE_FLOW_MOD)
		flow_mod(&m);
	else
		encode_again(&m);
	if (m.type == OFPTYPE_PACKET_IN || m.type == OFPTYPE_RESUME) {
		continuation(&m);
		resume(&m);
	}
	if (m.type == OFPTYPE_TABLE_FEATURES_STATS_REPLY)
		ofp_print_table_features(&s, data, n);
	str_done(&s);
}

enum { STRUCTURED = 0x80, NXT_PACKET_IN2 = 30 };

// False: there is no such message.
static bool with_header(const uint8_t *data, size_t n, struct buf *b)
{
	unsigned int type = data[0] & 0x7f, version = data[1] & 7, form = data[1] >> 3 & 3;
	if (version < OFP10 || version > OFP15 || type >= OFPTYPE_N)
		return false;
	uint32_t xid = data[1] >> 5;
	size_t at;
	if (type == OFPTYPE_PACKET_IN && form == 2)
		at = ofp_begin_subtype(b, NXT_PACKET_IN2, (uint8_t)version, xid);
	else if (ofptype_exists((enum ofptype)type, form, (uint8_t)version))
		at = ofp_begin(b, (enum ofptype)type, form, (uint8_t)version, xid);
	else
		return false;
	buf_add(b, data + 2, n - 2);
	return ofp_end(b, at);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	if (n >= 2 && data[0] & STRUCTURED) {
		struct buf b = BUF_INIT;
		bool exists = with_header(data, n, &b);
		if (exists) {
			uint8_t *copy = malloc(b.len); // with nothing behind it
			memcpy(copy, b.data, b.len);
			one(copy, b.len);
			free(copy);
		}
		buf_done(&b);
		return exists ? 0 : -1;
	}
	one(data, n);
	if (n >= 8 && n <= OFP_MAX_LEN) { // with the length that it has
		uint8_t *copy = malloc(n);
		memcpy(copy, data, n);
		put_be16(copy + 2, (uint16_t)n);
		one(copy, n);
		free(copy);
	}
	return 0;
}
