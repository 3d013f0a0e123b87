/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

void say(struct ofconn *of, struct buf *b)
{
	fake_deliver(of, b->data, b->len);
	buf_done(b);
}

struct ofp_msg hear(struct ofconn *of)
{
	static uint8_t copy[OFP_MAX_LEN];
	struct ofp_msg msg;
	assert_true(of->sent.len >= 8);
	size_t n = ofp_length(of->sent.data);
	assert_true(of->sent.len >= n);
	memcpy(copy, of->sent.data, n);
	buf_consume(&of->sent, n);
	assert_int_equal(ofp_msg_decode(copy, n, &msg), 0);
	return msg;
}

void hear_error(struct ofconn *of, int expected)
{
	struct cursor payload;
	struct ofp_msg msg = hear(of);
	assert_int_equal(msg.type, OFPTYPE_ERROR);
	assert_string_equal(ofperr_name(ofp_decode_error(&msg, &payload)), ofperr_name(expected));
}

void ask(struct ofconn *of, enum ofptype type, uint32_t xid)
{
	struct buf b = BUF_INIT;
	ofp_encode_simple(&b, type, of->version, xid);
	say(of, &b);
}

void ask_role(struct ofconn *of, const struct ofp_role_request *r)
{
	struct buf b = BUF_INIT;
	ofp_encode_role_request(&b, r, of->version, 5);
	say(of, &b);
}

struct ofp_role_request hear_role_reply(struct ofconn *of)
{
	struct ofp_msg msg = hear(of);
	struct ofp_role_request r;
	assert_int_equal(msg.type, OFPTYPE_ROLE_REPLY);
	assert_int_equal(ofp_decode_role(&msg, &r), 0);
	return r;
}

void want_role(struct ofconn *of, enum ofp_role role, uint64_t generation)
{
	ask_role(of, &(struct ofp_role_request){.role = role,
						.have_generation_id = true,
						.generation_id = generation});
}

void hear_role(struct ofconn *of, enum ofp_role role)
{
	assert_int_equal(hear_role_reply(of).role, role);
}
