/* SPDX-License-Identifier: Apache-2.0 */
// The connection and the switch as a whole; the smaller extensions; errors.
#include "generator.h"

#include <errno.h>

static void hello(struct gen *g)
{
	uint32_t versions = (1u << g->version) | any_bits((1u << g->version) - 2), got;
	ofp_encode_hello(&g->out, versions, any_u32());
	struct ofp_msg m = last_message(g, 0);
	SAME(g, 0, ofp_decode_hello(&m, &got));
	SAME(g, versions, got);
}

static void echo(struct gen *g)
{
	uint8_t payload[80];
	size_t n = random_below(sizeof(payload) + 1);
	struct buf request = BUF_INIT;
	random_bytes(payload, sizeof(payload));
	ofp_encode_echo_request(&request, g->version, any_u32(), payload, n);
	struct ofp_msg m;
	SAME(g, 0, ofp_msg_decode(request.data, request.len, &m));
	ofp_encode_echo_reply(&g->out, &m);
	struct ofp_msg reply = last_message(g, 0);
	SAME(g, OFPTYPE_ECHO_REPLY, reply.type);
	SAME(g, m.xid, reply.xid);
	SAME(g, n, cursor_left(&reply.body));
	same_bytes(g, "payload", payload, reply.body.p, n);
	buf_add(&g->out, request.data, request.len);
	buf_done(&request);
}

static void config(struct gen *g)
{
	enum ofptype type = chance(2) ? OFPTYPE_SET_CONFIG : OFPTYPE_GET_CONFIG_REPLY;
	struct ofp_config c = {.frag = (enum ofp_frag_mode)random_below(4),
			       .invalid_ttl_to_controller = (int)random_below(3) - 1,
			       .miss_send_len = any_u16()},
			  got;
	ofp_encode_config(&g->out, type, &c, g->version, any_u32());
	struct ofp_msg m = last_message(g, 0);
	SAME(g, type, m.type);
	SAME(g, 0, ofp_decode_config(&m, &got));
	SAME(g, c.frag, got.frag);
	SAME(g, c.miss_send_len, got.miss_send_len);
	SAME(g, g->version >= OFP13 ? -1 : c.invalid_ttl_to_controller > 0,
	     got.invalid_ttl_to_controller);
}

// The request without a body, and where its reply begins.
static struct ofp_msg simple_request(struct gen *g, enum ofptype type, struct buf *request)
{
	struct ofp_msg m;
	ofp_encode_simple(request, type, g->version, any_u32());
	SAME(g, 0, ofp_msg_decode(request->data, request->len, &m));
	return m;
}

static void desc(struct gen *g)
{
	struct buf request = BUF_INIT;
	struct ofp_msg m = simple_request(g, OFPTYPE_DESC_STATS_REQUEST, &request);
	struct ofp_desc d, got;
	any_text(d.mfr, sizeof(d.mfr));
	any_text(d.hw, sizeof(d.hw));
	any_text(d.sw, sizeof(d.sw));
	any_text(d.serial, sizeof(d.serial));
	any_text(d.dp, sizeof(d.dp));
	ofp_encode_desc_reply(&g->out, &m, &d);
	m = last_message(g, 0);
	SAME(g, 0, ofp_decode_desc(&m, &got));
	same_bytes(g, "description", &d, &got, sizeof(d));
	buf_done(&request);
}

static void role(struct gen *g)
{
	bool nx = g->version < OFP12; // whose roles have no "no change"
	struct buf request = BUF_INIT;
	struct ofp_role_request r = {.role = (enum ofp_role)(nx + random_below(4 - nx)),
				     .generation_id = any_u64(),
				     .short_id = any_u16()},
				got;
	uint16_t short_id = g->version >= OFP15 ? r.short_id : OFPCID_UNDEFINED;
	bool ordered = r.role == OFPCR_PRIMARY || r.role == OFPCR_SECONDARY;
	r.have_generation_id = ordered;
	ofp_encode_role_request(&request, &r, g->version, any_u32());
	struct ofp_msg m;
	SAME(g, 0, ofp_msg_decode(request.data, request.len, &m));
	SAME(g, 0, ofp_decode_role(&m, &got));
	SAME(g, r.role, got.role);
	SAME(g, short_id, got.short_id);
	SAME(g, !nx && ordered, got.have_generation_id);
	SAME(g, !nx && ordered ? r.generation_id : 0, got.generation_id);

	// A reply may have one whatever the role; all ones says that there is none.
	r.have_generation_id = chance(2);
	ofp_encode_role_reply(&g->out, &m, &r);
	m = last_message(g, 0);
	SAME(g, 0, ofp_decode_role(&m, &got));
	bool has = !nx && r.have_generation_id && r.generation_id != UINT64_MAX;
	SAME(g, r.role, got.role);
	SAME(g, short_id, got.short_id);
	SAME(g, has, got.have_generation_id);
	SAME(g, has ? r.generation_id : 0, got.generation_id);
	buf_add(&g->out, request.data, request.len);
	buf_done(&request);
}

static void role_status(struct gen *g)
{
	enum ofp_role role = (enum ofp_role)random_below(4);
	enum ofp_role_reason reason = (enum ofp_role_reason)random_below(3);
	uint64_t generation = any_u64();
	ofp_encode_role_status(&g->out, role, reason, generation, g->version);
	if (g->version < OFP13) {
		SAME(g, 0, g->out.len);
		return;
	}
	struct ofp_msg m = last_message(g, 0);
	SAME(g, OFPTYPE_ROLE_STATUS, m.type);
	SAME(g, role, cursor_be32(&m.body));
	SAME(g, reason, cursor_u8(&m.body));
	cursor_skip(&m.body, 3);
	SAME(g, generation, cursor_be64(&m.body));
	SAME(g, 0, cursor_left(&m.body));
}

static void async(struct gen *g)
{
	static const uint32_t reasons[OFPASYNC_N] = {0x3f, 7, 0x3f, 7, 0x18, 3, 3, 0x7f};
	bool v13 = g->version == OFP13;
	struct buf request = BUF_INIT;
	struct ofp_msg m = simple_request(g, OFPTYPE_GET_ASYNC_REQUEST, &request);
	struct ofp_async_config a, got = {0};
	for (int i = 0; i < OFPASYNC_N; i++) {
		a.primary[i] = any_bits(reasons[i]);
		a.secondary[i] = any_bits(reasons[i]);
	}
	ofp_encode_get_async_reply(&g->out, &m, &a);
	m = last_message(g, 0);
	SAME(g, 0, ofp_decode_set_async(&m, &got));
	for (int i = 0; i < OFPASYNC_N; i++) {
		// 1.3 has three of the kinds, and fewer reasons to send a packet.
		uint32_t known = v13 && i > OFPASYNC_FLOW_REMOVED		     ? 0
				 : g->version < OFP15 && i > OFPASYNC_REQUESTFORWARD ? 0
				 : v13 && i == OFPASYNC_PACKET_IN		     ? 7
										     : reasons[i];
		SAME(g, a.primary[i] & known, got.primary[i]);
		SAME(g, a.secondary[i] & known, got.secondary[i]);
	}
	buf_done(&request);
}

static void settings(struct gen *g)
{
	bool on = chance(2), got_on;
	uint16_t id = any_u16(), got_id;
	enum ofp_packet_in_format format = (enum ofp_packet_in_format)random_below(3), got_format;
	size_t at = g->out.len;
	if (g->version == OFP10) {
		ofp_encode_set_flow_format(&g->out, on, g->version, any_u32());
		struct ofp_msg m = last_message(g, at);
		SAME(g, 0, ofp_decode_set_flow_format(&m, &got_on));
		SAME(g, on, got_on);
	}
	at = g->out.len;
	ofp_encode_flow_mod_table_id(&g->out, on, g->version, any_u32());
	struct ofp_msg m = last_message(g, at);
	SAME(g, 0, ofp_decode_flow_mod_table_id(&m, &got_on));
	SAME(g, on, got_on);
	at = g->out.len;
	ofp_encode_set_packet_in_format(&g->out, format, g->version, any_u32());
	m = last_message(g, at);
	SAME(g, 0, ofp_decode_set_packet_in_format(&m, &got_format));
	SAME(g, format, got_format);
	at = g->out.len;
	ofp_encode_set_controller_id(&g->out, id, g->version, any_u32());
	m = last_message(g, at);
	SAME(g, 0, ofp_decode_set_controller_id(&m, &got_id));
	SAME(g, id, got_id);
}

// Messages that are a header alone.
static void simple(struct gen *g)
{
	static const enum ofptype types[] = {OFPTYPE_FEATURES_REQUEST,
					     OFPTYPE_GET_CONFIG_REQUEST,
					     OFPTYPE_BARRIER_REQUEST,
					     OFPTYPE_BARRIER_REPLY,
					     OFPTYPE_GET_ASYNC_REQUEST,
					     OFPTYPE_DESC_STATS_REQUEST,
					     OFPTYPE_TABLE_STATS_REQUEST,
					     OFPTYPE_GROUP_FEATURES_STATS_REQUEST,
					     OFPTYPE_METER_FEATURES_STATS_REQUEST,
					     OFPTYPE_TABLE_FEATURES_STATS_REQUEST,
					     OFPTYPE_TABLE_DESC_REQUEST,
					     OFPTYPE_FLOW_AGE,
					     OFPTYPE_TLV_TABLE_REQUEST,
					     OFPTYPE_IPFIX_BRIDGE_STATS_REQUEST,
					     OFPTYPE_IPFIX_FLOW_STATS_REQUEST,
					     OFPTYPE_CONTROLLER_STATUS_REQUEST};
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (!ofptype_exists(types[i], false, g->version) &&
		    !ofptype_exists(types[i], true, g->version))
			continue;
		size_t at = g->out.len;
		uint32_t xid = any_u32();
		ofp_encode_simple(&g->out, types[i], g->version, xid);
		struct ofp_msg m = last_message(g, at);
		SAME(g, types[i], m.type);
		SAME(g, xid, m.xid);
		SAME(g, 0, cursor_left(&m.body));
	}
}

// --- Errors.

// Each error about a request of any length; the version may have no word for it.
static void errors(struct gen *g)
{
	for (int error = 1; error < OFPERR_N; error++) {
		struct ofperr_code code;
		uint8_t request[80];
		size_t n = sizeof(struct ofp_header) + random_below(64), at = g->out.len;
		struct cursor payload;
		random_bytes(request, sizeof(request));
		// A message that nobody knows, so that what is printed of it is its bytes.
		memcpy(request, (uint8_t[]){g->version, 99, 0, (uint8_t)n}, 4);
		ofp_encode_error(&g->out, error, request, n);
		struct ofp_msg m = last_message(g, at);
		int want =
			ofperr_get_code(error, g->version, &code) ? NXBRC_UNENCODABLE_ERROR : error;
		int got = ofp_decode_error(&m, &payload);
		struct ofperr_code want_code, got_code;
		// A version may say several with one code.
		SAME(g, 0, ofperr_get_code(want, g->version, &want_code));
		SAME(g, 0, ofperr_get_code(got, g->version, &got_code));
		same_bytes(g, "code", &want_code, &got_code, sizeof(want_code));
		SAME(g, ofp_xid(request), m.xid);
		SAME(g, n, cursor_left(&payload));
		same_bytes(g, "payload", request, payload.p, n);
	}
	size_t at = g->out.len;
	struct cursor payload;
	ofp_encode_hello_error(&g->out, g->version, any_u32(), "no version in common");
	struct ofp_msg m = last_message(g, at);
	SAME(g, OFPHFC_INCOMPATIBLE, ofp_decode_error(&m, &payload));
	SAME(g, 20, cursor_left(&payload));
}

// A request that is as long as a message can be is cut so that the error fits.
static void long_errors(struct gen *g)
{
	uint8_t *request = xcalloc(1, OFP_MAX_LEN);
	struct cursor payload;
	memcpy(request, (uint8_t[]){g->version, 99, 0xff, 0xff}, 4);
	ofp_encode_error(&g->out, OFPBRC_BAD_TYPE, request, OFP_MAX_LEN);
	struct ofp_msg m = last_message(g, 0);
	SAME(g, OFPBRC_BAD_TYPE, ofp_decode_error(&m, &payload));
	SAME(g, true, cursor_left(&payload) > OFP_MAX_LEN - 64);
	free(request);
	buf_clear(&g->out);
}

// --- Extensions.

static void any_map(struct option_map *map)
{
	*map = (struct option_map){.option_class = any_u16(),
				   .option_type = any_u8(),
				   .option_len = (uint8_t)(4 * random_below(32)),
				   .index = (uint16_t)random_below(FLOW_N_OPTIONS)};
}

static void same_map(struct gen *g, const struct option_map *want, const struct option_map *got)
{
	SAME(g, want->option_class, got->option_class);
	SAME(g, want->option_type, got->option_type);
	SAME(g, want->option_len, got->option_len);
	SAME(g, want->index, got->index);
}

static void tlv_table(struct gen *g)
{
	struct buf request = BUF_INIT;
	struct ofp_tlv_table_mod tm = {.command = (enum ofp_tlv_command)random_below(3)}, got_mod;
	struct ofp_tlv_table t = {.max_space = any_u32(), .max_fields = FLOW_N_OPTIONS}, got;
	for (unsigned int n = chance(4) ? FLOW_N_OPTIONS : random_below(5); n; n--) {
		struct option_map map;
		any_map(&map);
		vec_push(&tm.maps, map);
		vec_push(&t.maps, map);
	}
	ofp_encode_tlv_table_mod(&g->out, &tm, g->version, any_u32());
	struct ofp_msg m = last_message(g, 0);
	SAME(g, 0, ofp_decode_tlv_table_mod(&m, &got_mod));
	SAME(g, tm.command, got_mod.command);
	SAME(g, tm.maps.n, got_mod.maps.n);
	VEC_FOREACH (&tm.maps, i)
		same_map(g, &tm.maps.v[i], &got_mod.maps.v[i]);

	size_t at = g->out.len;
	m = simple_request(g, OFPTYPE_TLV_TABLE_REQUEST, &request);
	ofp_encode_tlv_table_reply(&g->out, &m, &t);
	m = last_message(g, at);
	SAME(g, 0, ofp_decode_tlv_table_reply(&m, &got));
	SAME(g, t.max_space, got.max_space);
	SAME(g, t.max_fields, got.max_fields);
	SAME(g, t.maps.n, got.maps.n);
	VEC_FOREACH (&t.maps, i)
		same_map(g, &t.maps.v[i], &got.maps.v[i]);
	ofp_tlv_table_mod_done(&tm);
	ofp_tlv_table_mod_done(&got_mod);
	ofp_tlv_table_done(&t);
	ofp_tlv_table_done(&got);
	buf_done(&request);
}

static void any_address(bool ipv6, uint8_t a[16])
{
	if (chance(3))
		return;
	random_bytes(a, 16);
	if (!ipv6)
		memcpy(a, (uint8_t[]){0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 12);
}

static void ct_flush(struct gen *g)
{
	static const uint8_t protocols[] = {0, 1, 6, 17, 58, 132};
	struct ofp_ct_match c = {.ip_proto = protocols[random_below(6)],
				 .has_orig = chance(2),
				 .has_reply = chance(2),
				 .has_zone = chance(2)},
			    got;
	bool ipv6 = chance(2);
	if (c.has_zone)
		c.zone = any_u16();
	struct ofp_ct_tuple *tuples[] = {c.has_orig ? &c.orig : NULL,
					 c.has_reply ? &c.reply : NULL};
	for (int i = 0; i < 2; i++) {
		if (!tuples[i])
			continue;
		any_address(ipv6, tuples[i]->src);
		any_address(ipv6, tuples[i]->dst);
		tuples[i]->src_port = any_u16();
		tuples[i]->dst_port = any_u16();
	}
	ofp_encode_ct_flush(&g->out, &c, g->version, any_u32());
	struct ofp_msg m = last_message(g, 0);
	SAME(g, 0, ofp_decode_ct_flush(&m, &got));
	SAME(g, c.ip_proto, got.ip_proto);
	SAME(g, c.has_orig, got.has_orig);
	SAME(g, c.has_reply, got.has_reply);
	SAME(g, c.has_zone, got.has_zone);
	SAME(g, c.zone, got.zone);
	same_bytes(g, "orig", &c.orig, &got.orig, sizeof(c.orig));
	same_bytes(g, "reply", &c.reply, &got.reply, sizeof(c.reply));

	size_t at = g->out.len;
	uint16_t zone;
	ofp_encode_ct_flush_zone(&g->out, c.zone, g->version, any_u32());
	m = last_message(g, at);
	SAME(g, 0, ofp_decode_ct_flush_zone(&m, &zone));
	SAME(g, c.zone, zone);
}

static void any_ipfix(struct gen *g, void *entry)
{
	struct ofp_ipfix_stats *s = entry;
	uint64_t *counters = &s->total_flows;
	for (int i = 0; i < 10; i++)
		counters[i] = any_u64();
	s->collector_set_id = any_u32();
}

static void same_ipfix(struct gen *g, const void *want, const void *have)
{
	const struct ofp_ipfix_stats *s = want, *got = have;
	same_bytes(g, "counters", &s->total_flows, &got->total_flows, 10 * sizeof(uint64_t));
	SAME(g, s->collector_set_id, got->collector_set_id);
}

static void ipfix(struct gen *g)
{
	ofp_encode_simple(&g->out, OFPTYPE_IPFIX_FLOW_STATS_REQUEST, g->version, any_u32());
	check_reply(g, 0, any_ipfix, same_ipfix);
	struct buf request = BUF_INIT;
	struct ofp_ipfix_stats s, got;
	size_t start = g->out.len;
	struct ofp_msg m = simple_request(g, OFPTYPE_IPFIX_BRIDGE_STATS_REQUEST, &request);
	size_t at = ofp_begin_reply(&g->out, &m);
	any_ipfix(g, &s);
	ofp_ipfix_stats_put(&g->out, &s);
	SAME(g, true, ofp_end(&g->out, at));
	m = last_message(g, start);
	ofp_ipfix_stats_pull(&m.body, &got);
	same_ipfix(g, &s, &got);
	buf_done(&request);
}

// --- Controllers and bundles of 1.5.

static void any_controller(struct gen *g, void *entry)
{
	static const char uris[] =
		"tls:[2001:db8::1]:6653 tcp:192.0.2.1:6653 \\\001unix:/controller";
	struct ofp_controller_status *cs = entry;
	*cs = (struct ofp_controller_status){
		.short_id = any_u16(),
		.role = (enum ofp_role)random_below(4),
		.reason = (uint8_t)random_below(OFPCSR_N + 1),
		.channel = (uint8_t)random_below(3),
		.uri = chance(4) ? NULL : uris + random_below(20),
	};
	cs->uri_len = cs->uri ? random_below(30) : 0;
}

static void same_controller(struct gen *g, const void *want, const void *have)
{
	const struct ofp_controller_status *cs = want, *got = have;
	SAME(g, cs->short_id, got->short_id);
	SAME(g, cs->role, got->role);
	SAME(g, cs->reason, got->reason);
	SAME(g, cs->channel, got->channel);
	SAME(g, cs->uri != NULL, got->uri != NULL);
	SAME(g, cs->uri_len, got->uri_len);
	same_bytes(g, "uri", cs->uri, got->uri, cs->uri_len);
}

static void controllers(struct gen *g)
{
	struct ofp_controller_status cs, got;
	ofp_encode_simple(&g->out, OFPTYPE_CONTROLLER_STATUS_REQUEST, g->version, any_u32());
	check_reply(g, 0, any_controller, same_controller);
	size_t at = g->out.len;
	any_controller(g, &cs);
	ofp_encode_controller_status(&g->out, &cs);
	struct ofp_msg m = last_message(g, at);
	SAME(g, OFPTYPE_CONTROLLER_STATUS, m.type);
	SAME(g, 0, m.xid);
	SAME(g, 0, ofp_controller_status_pull(&m.body, &got));
	SAME(g, 0, cursor_left(&m.body));
	same_controller(g, &cs, &got);
}

static void any_time(struct ofp_time *t)
{
	*t = (struct ofp_time){.s = any_u64(), .ns = any_ns()};
}

static void same_time(struct gen *g, const struct ofp_time *want, const struct ofp_time *got)
{
	SAME(g, want->s, got->s);
	SAME(g, want->ns, got->ns);
}

static void same_bundle_features(struct gen *g, size_t at, const struct ofp_bundle_features *want)
{
	struct ofp_bundle_features got;
	struct ofp_msg m = last_message(g, at);
	SAME(g, 0, ofp_decode_bundle_features(&m, &got));
	SAME(g, want->flags, got.flags);
	SAME(g, want->has_time, got.has_time);
	same_time(g, &want->time.accuracy, &got.time.accuracy);
	same_time(g, &want->time.max_future, &got.time.max_future);
	same_time(g, &want->time.max_past, &got.time.max_past);
	same_time(g, &want->time.timestamp, &got.time.timestamp);
}

static void bundle_features(struct gen *g)
{
	struct ofp_bundle_features f = {.has_time = chance(2)};
	if (f.has_time) {
		any_time(&f.time.accuracy);
		any_time(&f.time.max_future);
		any_time(&f.time.max_past);
		any_time(&f.time.timestamp);
		f.flags = any_bits(OFPBF_TIMESTAMP | OFPBF_TIME_SET_SCHED);
	}
	ofp_encode_bundle_features_request(&g->out, &f, any_u32());
	same_bundle_features(g, 0, &f);
	struct buf request = BUF_INIT;
	buf_add(&request, g->out.data, g->out.len);
	struct ofp_msg m;
	SAME(g, 0, ofp_msg_decode(request.data, request.len, &m));
	size_t at = g->out.len;
	f.flags = any_bits(OFPBF_ATOMIC | OFPBF_ORDERED | OFPBF_TIME);
	ofp_encode_bundle_features_reply(&g->out, &m, &f);
	same_bundle_features(g, at, &f);
	buf_done(&request);
}

const struct family session_families[] = {
	{"hello", BY_VERSION, hello},
	{"echo", BY_VERSION, echo},
	{"config", BY_VERSION, config},
	{"desc", BY_VERSION, desc},
	{"role", BY_VERSION, role},
	{"role_status", BY_VERSION, role_status},
	{"async", SINCE_13, async},
	{"settings", BY_VERSION, settings},
	{"simple", BY_VERSION, simple},
	{"errors", BY_VERSION, errors},
	{"long_errors", BY_VERSION, long_errors},
	{"tlv_table", BY_VERSION, tlv_table},
	{"ct_flush", BY_VERSION, ct_flush},
	{"ipfix", BY_VERSION, ipfix},
	{"controllers", OFPROTO_15, controllers},
	{"bundle_features", OFPROTO_15, bundle_features},
	{NULL, 0, NULL},
};
