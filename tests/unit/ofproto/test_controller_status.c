/* SPDX-License-Identifier: Apache-2.0 */
// What controllers of OpenFlow 1.5 hear of each other, and ask about bundles.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "fake_peer.h"

static int setup(void **state)
{
	fake_bridge_init();
	return 0;
}

static int teardown(void **state)
{
	fake_bridge_done();
	return 0;
}

enum { N_PEERS = 3 };

static void set_peers(struct ofconn *peers[N_PEERS], unsigned int n)
{
	static const char *const targets[N_PEERS] = {"tcp:192.0.2.1", "ssl:192.0.2.2:6633",
						     "tcp:[2001:db8::1]"};
	struct ofproto_controller c[N_PEERS];
	unsigned int before = fake.n_conns;
	for (unsigned int i = 0; i < n; i++)
		c[i] = (struct ofproto_controller){.target = targets[i], .async_msgs = true};
	controllers_configure(fake.bridge.controllers, c, n);
	for (unsigned int i = 0; before + i < fake.n_conns && before + i < N_PEERS; i++)
		peers[before + i] = &fake.conns[before + i];
}

static void come(struct ofconn *of, uint8_t version)
{
	of->version = version;
	of->cb->connected(of->arg);
}

static void want_news(struct ofconn *of, uint32_t reasons)
{
	struct buf b = BUF_INIT;
	size_t at = ofp_begin(&b, OFPTYPE_SET_ASYNC_CONFIG, false, OFP15, 3);
	for (uint16_t type = 14; type < 16; type++) { // of secondaries, and of all others
		buf_add_be16(&b, type);
		buf_add_be16(&b, 8);
		buf_add_be32(&b, reasons);
	}
	ofp_end(&b, at);
	say(of, &b);
}

static void same_status(struct cursor *body, const char *uri, unsigned int short_id,
			enum ofp_role role, enum ofp_controller_reason reason,
			enum ofp_channel_status channel)
{
	struct ofp_controller_status cs;
	assert_int_equal(ofp_controller_status_pull(body, &cs), 0);
	assert_int_equal(cs.uri_len, strlen(uri));
	assert_memory_equal(cs.uri, uri, strlen(uri));
	assert_int_equal(cs.short_id, short_id);
	assert_int_equal(cs.role, role);
	assert_int_equal(cs.reason, reason);
	assert_int_equal(cs.channel, channel);
}

static void hear_status(struct ofconn *of, const char *uri, unsigned int short_id,
			enum ofp_role role, enum ofp_controller_reason reason,
			enum ofp_channel_status channel)
{
	struct ofp_msg msg = hear(of);
	assert_int_equal(msg.type, OFPTYPE_CONTROLLER_STATUS);
	assert_int_equal(msg.xid, 0);
	same_status(&msg.body, uri, short_id, role, reason, channel);
}

static void want_id(struct ofconn *of, uint16_t id)
{
	ask_role(of, &(struct ofp_role_request){.role = OFPCR_NOCHANGE, .short_id = id});
}

static void hear_id(struct ofconn *of, unsigned int id)
{
	assert_int_equal(hear_role_reply(of).short_id, id);
}

static void test_controller_news(void **state)
{
	static const char first[] = "tcp:192.0.2.1:6653", second[] = "tls:192.0.2.2:6633",
			  third[] = "tcp:[2001:db8::1]:6653";
	struct ofconn *p[N_PEERS];
	set_peers(p, 2);
	come(p[0], OFP15);
	want_news(p[0], 0x7e);
	// It comes, takes a role and an ID, which it alone may have, and goes.
	come(p[1], OFP15);
	hear_status(p[0], second, 0, OFPCR_EQUAL, OFPCSR_CHANNEL_STATUS, OFPCT_STATUS_UP);
	want_role(p[1], OFPCR_PRIMARY, 1);
	hear_role(p[1], OFPCR_PRIMARY);
	hear_status(p[0], second, 0, OFPCR_PRIMARY, OFPCSR_ROLE, OFPCT_STATUS_UP);
	want_role(p[1], OFPCR_PRIMARY, 1); // no news
	hear_role(p[1], OFPCR_PRIMARY);
	want_id(p[1], 7);
	hear_id(p[1], 7);
	hear_status(p[0], second, 7, OFPCR_PRIMARY, OFPCSR_SHORT_ID, OFPCT_STATUS_UP);
	want_id(p[1], OFPCID_UNDEFINED); // says nothing about it
	hear_id(p[1], 7);
	want_id(p[0], 7);
	hear_error(p[0], OFPRRFC_ID_IN_USE);
	assert_int_equal(p[1]->sent.len, 0); // who did not ask hears nothing
	want_news(p[1], 1 << OFPCSR_ROLE);
	want_role(p[0], OFPCR_PRIMARY, 2);
	hear_status(p[0], second, 7, OFPCR_SECONDARY, OFPCSR_ROLE, OFPCT_STATUS_UP);
	hear_role(p[0], OFPCR_PRIMARY);
	assert_int_equal(hear(p[1]).type, OFPTYPE_ROLE_STATUS); // its own
	hear_status(p[1], first, 0, OFPCR_PRIMARY, OFPCSR_ROLE, OFPCT_STATUS_UP);
	fake_disconnect(p[1], -1);
	hear_status(p[0], second, 7, OFPCR_SECONDARY, OFPCSR_CHANNEL_STATUS, OFPCT_STATUS_DOWN);
	// The configuration names one more, then one only.
	set_peers(p, 3);
	hear_status(p[0], third, 0, OFPCR_EQUAL, OFPCSR_CONTROLLER_ADDED, OFPCT_STATUS_DOWN);
	set_peers(p, 1);
	hear_status(p[0], third, 0, OFPCR_EQUAL, OFPCSR_CONTROLLER_REMOVED, OFPCT_STATUS_DOWN);
	hear_status(p[0], second, 0, OFPCR_EQUAL, OFPCSR_CONTROLLER_REMOVED, OFPCT_STATUS_DOWN);
	// A connection that is made anew goes first, once.
	set_peers(p, 2);
	hear_status(p[0], second, 0, OFPCR_EQUAL, OFPCSR_CONTROLLER_ADDED, OFPCT_STATUS_DOWN);
	p[1] = &fake.conns[fake.n_conns - 1];
	come(p[1], OFP15);
	hear_status(p[0], second, 0, OFPCR_EQUAL, OFPCSR_CHANNEL_STATUS, OFPCT_STATUS_UP);
	want_id(p[1], 8);
	hear_status(p[0], second, 8, OFPCR_EQUAL, OFPCSR_SHORT_ID, OFPCT_STATUS_UP);
	controllers_reconnect(fake.bridge.controllers);
	hear_status(p[0], second, 8, OFPCR_EQUAL, OFPCSR_CHANNEL_STATUS, OFPCT_STATUS_DOWN);
	fake_disconnect(p[1], ECONNREFUSED);
	want_id(p[0], 8); // which is free again
	hear_id(p[0], 8);
	// Visitors of the management socket are no controllers.
	fake_disconnect(fake_accepted(OFP15), -1);
	assert_int_equal(p[0]->sent.len, 0);
}

static void test_controller_status(void **state)
{
	struct ofconn *p[N_PEERS];
	set_peers(p, 3);
	come(p[0], OFP15);
	come(p[1], OFP13); // which has no short IDs
	want_id(p[1], 9);
	hear_id(p[1], OFPCID_UNDEFINED);
	want_id(p[0], 9);
	hear_id(p[0], 9);
	struct ofconn *visitor = fake_accepted(OFP15);
	ask(visitor, OFPTYPE_CONTROLLER_STATUS_REQUEST, 4);
	struct ofp_msg msg = hear(visitor);
	assert_int_equal(msg.type, OFPTYPE_CONTROLLER_STATUS_REPLY);
	assert_int_equal(msg.xid, 4);
	same_status(&msg.body, "tcp:192.0.2.1:6653", 9, OFPCR_EQUAL, OFPCSR_REQUEST,
		    OFPCT_STATUS_UP);
	same_status(&msg.body, "tls:192.0.2.2:6633", 0, OFPCR_EQUAL, OFPCSR_REQUEST,
		    OFPCT_STATUS_UP);
	same_status(&msg.body, "tcp:[2001:db8::1]:6653", 0, OFPCR_EQUAL, OFPCSR_REQUEST,
		    OFPCT_STATUS_DOWN);
	assert_int_equal(cursor_left(&msg.body), 0);
}

static void ask_bundle_features(struct ofconn *of, const struct ofp_bundle_features *f)
{
	struct buf b = BUF_INIT;
	ofp_encode_bundle_features_request(&b, f, 6);
	say(of, &b);
}

static void test_bundle_features(void **state)
{
	struct ofconn *of = fake_accepted(OFP15);
	struct ofp_bundle_features f = {.flags = 0};
	ask_bundle_features(of, &f);
	struct ofp_msg msg = hear(of);
	assert_int_equal(msg.type, OFPTYPE_BUNDLE_FEATURES_REPLY);
	assert_int_equal(ofp_decode_bundle_features(&msg, &f), 0);
	assert_int_equal(f.flags, OFPBF_ATOMIC | OFPBF_ORDERED);
	assert_false(f.has_time);
	f = (struct ofp_bundle_features){.flags = OFPBF_TIMESTAMP, .has_time = true};
	ask_bundle_features(of, &f); // what time it is changes nothing
	assert_int_equal(hear(of).type, OFPTYPE_BUNDLE_FEATURES_REPLY);
	f.flags = OFPBF_TIME_SET_SCHED;
	ask_bundle_features(of, &f);
	hear_error(of, OFPBRC_MULTIPART_BAD_SCHED);
	f.has_time = false; // says nothing to be set
	ask_bundle_features(of, &f);
	hear_error(of, OFPBFC_BAD_FLAGS);
	f = (struct ofp_bundle_features){.flags = 1 << 5};
	ask_bundle_features(of, &f);
	hear_error(of, OFPBFC_BAD_FLAGS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_controller_news, setup, teardown),
		cmocka_unit_test_setup_teardown(test_controller_status, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bundle_features, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
