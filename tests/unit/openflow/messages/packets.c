/* SPDX-License-Identifier: Apache-2.0 */
// Packets to controllers and from them.
#include "generator.h"

#include "openflow/continuation.h"
#include "openflow/match_codec.h"

enum { LARGEST = 70000 };

// What a packet brings with it: a port at least.
// `n`: of the first 2 every form can say all, the first 5 are the pipeline's own.
enum { PORTS = 2, PIPELINE = 5, ALL = 7 };
static struct match any_metadata(const struct gen *g, unsigned int n)
{
	static const char *const texts[] = {
		"in_port=3",
		"in_port=LOCAL",
		"in_port=65279,metadata=7",
		"in_port=1,tun_id=9",
		"in_port=2,xreg3=77,tun_src=1.2.3.4,tun_dst=4.3.2.1,tun_flags=0",
		"in_port=2,reg0=5,reg7=0xffffffff,pkt_mark=1",
		"in_port=9,ct_state=+trk+new,ct_zone=5,ct_mark=7,ct_label=0x1234",
	};
	struct match m;
	struct error *e = match_parse(&m, texts[random_below(n)], NULL, NULL);
	if (e)
		differs(g, error_text(e), 0, 0);
	return m;
}

static void any_continuation(struct ofp_continuation *c)
{
	uint32_t usable;
	*c = (struct ofp_continuation){.bridge = uuid_random(),
				       .mirrored = any_bits(255),
				       .conntracked = chance(2),
				       .in_group = chance(2)};
	c->odp_port = chance(2) ? 0 : any_u32();
	c->stack = xcalloc(2, sizeof(*c->stack));
	if (chance(2)) {
		c->stack[0] = any_u64();
		c->stack[1] = 1;
		c->n_stack = 2;
	}
	struct error *e = ofpacts_parse("output:5,resubmit(,7)", &(struct ofpact_text){0},
					&c->actions, &usable);
	error_free(e);
}

static void same_continuation(struct gen *g, const struct ofp_continuation *c,
			      const struct ofp_packet_in *got)
{
	struct ofp_continuation back;
	SAME(g, true, got->has_continuation);
	SAME(g, 0, ofp_continuation_decode(got->continuation, g->version, false, &back));
	SAME(g, true, uuid_equal(&c->bridge, &back.bridge));
	SAME(g, c->mirrored, back.mirrored);
	SAME(g, c->conntracked, back.conntracked);
	SAME(g, c->in_group, back.in_group);
	SAME(g, c->odp_port, back.odp_port);
	SAME(g, c->n_stack, back.n_stack);
	for (size_t i = 0; i < c->n_stack; i++)
		SAME(g, c->stack[i], back.stack[i]);
	struct buf plain = BUF_INIT; // whose the actions are may be said more often than before
	OFPACT_FOREACH (a, back.actions.data, back.actions.len)
		if (a->type != OFPACT_UNROLL_XLATE)
			buf_add(&plain, a, ofpact_size(a));
	same_actions(g, c->actions.data, c->actions.len, plain.data, plain.len);
	buf_done(&plain);
	ofp_continuation_done(&back);
}

// What each form has of a packet-in.
struct form {
	enum ofp_packet_in_format format;
	bool metadata, table, cookie;
};

static struct form form_of(const struct gen *g, enum ofp_packet_in_format format)
{
	bool standard = format == OFP_PIN_STANDARD;
	return (struct form){.format = format,
			     .metadata = !standard || g->version >= OFP12,
			     .table = !standard || g->version >= OFP11,
			     .cookie = !standard || g->version >= OFP13};
}

static void same_packet_in(struct gen *g, struct form form, const struct ofp_packet_in *pin,
			   const struct ofp_packet_in *got)
{
	bool nx2 = form.format == OFP_PIN_NXT2;
	SAME(g, pin->packet_len, got->packet_len);
	same_bytes(g, "packet", pin->packet, got->packet, pin->packet_len);
	SAME(g, pin->total_len, got->total_len);
	SAME(g, pin->buffer_id, got->buffer_id);
	SAME(g, ofp_packet_in_reason_encode(pin->reason, nx2 ? OFP14 : g->version), got->reason);
	SAME(g, form.table ? pin->table_id : 0, got->table_id);
	SAME(g, form.cookie ? pin->cookie : UINT64_MAX, got->cookie);
	SAME(g, pin->metadata.flow.in_port, got->metadata.flow.in_port);
	if (form.metadata)
		same_match(g, &pin->metadata, &got->metadata);
	SAME(g, nx2 ? pin->userdata_len : 0, got->userdata_len);
	if (nx2)
		same_bytes(g, "userdata", pin->userdata, got->userdata, pin->userdata_len);
}

static void packet_in(struct gen *g)
{
	uint8_t frame[200], userdata[40];
	struct form form = form_of(g, (enum ofp_packet_in_format)random_below(3));
	struct ofp_continuation c = {.stack = NULL};
	bool paused = form.format == OFP_PIN_NXT2 && chance(2);
	struct ofp_packet_in pin = {.packet = frame,
				    .packet_len = any_frame(frame, sizeof(frame)),
				    .buffer_id = chance(2) ? OFP_NO_BUFFER : any_u32(),
				    .reason = (uint8_t)random_below(OFPR_N_REASONS),
				    .table_id = any_u8(),
				    .cookie = any_u64(),
				    .metadata = any_metadata(g, form.metadata ? ALL : PORTS),
				    .userdata = userdata,
				    .userdata_len = random_below(sizeof(userdata))},
			     got;
	random_bytes(userdata, sizeof(userdata));
	pin.total_len = pin.packet_len + (paused || chance(2) ? 0 : random_below(2000));
	if (paused) {
		any_continuation(&c);
		pin.paused = &c;
	}
	SAME(g, true, ofp_encode_packet_in(&g->out, &pin, g->protocol, form.format));
	struct ofp_msg m = last_message(g, 0);
	SAME(g, OFPTYPE_PACKET_IN, m.type);
	SAME(g, 0, ofp_decode_packet_in(&m, &got));
	same_packet_in(g, form, &pin, &got);
	SAME(g, paused, got.has_continuation);
	if (paused)
		same_continuation(g, &c, &got);

	// It goes back as it came, but for what only the controller wanted to know.
	struct buf resume = BUF_INIT;
	SAME(g, paused, ofp_encode_resume(&resume, &m, 9));
	size_t at = g->out.len;
	buf_add(&g->out, resume.data, resume.len);
	if (paused) {
		m = last_message(g, at);
		SAME(g, OFPTYPE_RESUME, m.type);
		SAME(g, 0, ofp_decode_packet_in(&m, &got));
		SAME(g, pin.packet_len, got.packet_len);
		SAME(g, 0, got.userdata_len);
		same_match(g, &pin.metadata, &got.metadata);
		same_continuation(g, &c, &got);
	}
	buf_done(&resume);
	ofp_continuation_done(&c);
}

// Packets that are longer than a message are cut, and the receiver can tell; those that wait are
// not sent.
static void large_packet_in(struct gen *g)
{
	uint8_t *packet = xcalloc(1, LARGEST);
	struct form form = form_of(g, (enum ofp_packet_in_format)random_below(3));
	size_t n = 60000 + random_below(LARGEST - 60000);
	struct ofp_packet_in pin = {.packet = packet,
				    .packet_len = n,
				    .total_len = n,
				    .buffer_id = OFP_NO_BUFFER,
				    .cookie = UINT64_MAX,
				    .metadata = any_metadata(g, form.metadata ? ALL : PORTS)},
			     got;
	any_frame(packet, 60);
	SAME(g, true, ofp_encode_packet_in(&g->out, &pin, g->protocol, form.format));
	struct ofp_msg m = last_message(g, 0);
	SAME(g, 0, ofp_decode_packet_in(&m, &got));
	SAME(g, true, got.packet_len >= 60000 && got.packet_len <= n);
	SAME(g, n > UINT16_MAX && form.format != OFP_PIN_NXT2 ? UINT16_MAX : n, got.total_len);
	if (form.format == OFP_PIN_NXT2) {
		struct ofp_continuation c;
		any_continuation(&c);
		pin.paused = &c;
		size_t at = g->out.len;
		bool sent = ofp_encode_packet_in(&g->out, &pin, g->protocol, form.format);
		SAME(g, sent, g->out.len > at);
		SAME(g, n <= OFP_MAX_LEN - 2048, sent);
		ofp_continuation_done(&c);
	}
	free(packet);
	buf_clear(&g->out); // long and dull
}

static void packet_out(struct gen *g)
{
	static const uint32_t special[] = {OFPP_LOCAL, OFPP_NONE, OFPP_CONTROLLER};
	uint8_t frame[200];
	struct ofp_packet_out po = {.buffer_id = chance(2) ? OFP_NO_BUFFER : any_u32(),
				    .metadata = any_metadata(g, g->version >= OFP15 ? PIPELINE
										    : PORTS)},
			      got = {.packet = NULL};
	if (chance(3))
		po.metadata.flow.in_port = special[random_below(3)];
	if (po.buffer_id == OFP_NO_BUFFER) {
		po.packet = frame;
		po.packet_len = any_frame(frame, sizeof(frame));
	}
	any_actions(g, false, &po.actions);
	ofp_encode_packet_out(&g->out, &po, g->protocol, any_u32());
	struct ofp_msg m = last_message(g, 0);
	SAME(g, 0, ofp_decode_packet_out(&m, &got));
	SAME(g, po.buffer_id, got.buffer_id);
	SAME(g, po.metadata.flow.in_port, got.metadata.flow.in_port);
	if (g->version >= OFP15)
		same_match(g, &po.metadata, &got.metadata);
	same_actions(g, po.actions.data, po.actions.len, got.actions.data, got.actions.len);
	SAME(g, po.packet_len, got.packet_len);
	same_bytes(g, "packet", po.packet, got.packet, po.packet_len);
	ofp_packet_out_done(&po);
	ofp_packet_out_done(&got);
}

const struct family packet_families[] = {
	{"packet_in", BY_VERSION, packet_in},
	{"large_packet_in", BY_VERSION, large_packet_in},
	{"packet_out", BY_VERSION, packet_out},
	{NULL, 0, NULL},
};
