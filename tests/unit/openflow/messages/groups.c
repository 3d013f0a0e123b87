/* SPDX-License-Identifier: Apache-2.0 */
// Groups and meters.
#include "generator.h"

// 1.5's form, which the extension brings to 1.0.
static bool form15(const struct gen *g)
{
	return g->version == OFP15 || g->version == OFP10;
}

// What there can be of a bucket in a group of this type. Ids are in order, with gaps.
static void any_bucket(struct gen *g, enum ofp_group_type type, uint32_t *id, struct ofp_bucket *b)
{
	struct buf actions = BUF_INIT;
	bool watch = type == OFPGT_FF || (type == OFPGT_SELECT && chance(2));
	any_actions(g, false, &actions);
	*b = (struct ofp_bucket){.bucket_id = *id,
				 .weight = type == OFPGT_SELECT ? any_u16() : 0,
				 .watch_port = watch && chance(2) ? any_port() : OFPP_NONE,
				 .watch_group = OFPG_ANY,
				 .actions = actions.data,
				 .actions_len = actions.len};
	if (watch && b->watch_port == OFPP_NONE)
		b->watch_group = random_below(1000);
	*id += 1 + (chance(3) ? random_below(1000) : 0);
}

static void any_method(struct ofp_group *group)
{
	static const enum field_id fields[] = {FIELD_IPV4_SRC, FIELD_ETH_DST, FIELD_TCP_DST,
					       FIELD_IPV6_SRC, FIELD_IP_PROTO};
	strcpy(group->method, chance(2) ? "hash" : "dp_hash");
	group->method_param = any_u64();
	for (unsigned int i = random_below(6); i && !strcmp(group->method, "hash"); i--) {
		struct ofp_group_field f = {.field = field_get(fields[i - 1])};
		memset(f.mask.b, UINT8_MAX, f.field->n_bytes);
		if (f.field->maskable == FIELD_FULLY_MASKABLE && chance(2))
			random_bytes(f.mask.b, f.field->n_bytes);
		(void)ofp_group_add_field(group, &f);
	}
}

static void any_group(struct gen *g, void *entry)
{
	struct ofp_group *group = entry;
	uint32_t id = 0;
	*group = (struct ofp_group){.group_id = any_u32(),
				    .type = (enum ofp_group_type)random_below(OFPGT_N)};
	unsigned int n = group->type == OFPGT_INDIRECT ? 1 : chance(30) ? 300 : random_below(4);
	while (n--)
		any_bucket(g, group->type, &id, vec_extend(&group->buckets));
	if (group->type == OFPGT_SELECT && chance(2))
		any_method(group);
}

static void same_group(struct gen *g, const void *want, const void *have)
{
	const struct ofp_group *a = want, *got = have;
	bool all = form15(g);
	SAME(g, a->group_id, got->group_id);
	SAME(g, a->type, got->type);
	SAME(g, a->buckets.n, got->buckets.n);
	VEC_FOREACH (&a->buckets, i) {
		const struct ofp_bucket *b = &a->buckets.v[i], *gb = &got->buckets.v[i];
		SAME(g, all ? b->bucket_id : i, gb->bucket_id);
		SAME(g, b->weight, gb->weight);
		SAME(g, b->watch_port, gb->watch_port);
		SAME(g, b->watch_group, gb->watch_group);
		same_actions(g, b->actions, b->actions_len, gb->actions, gb->actions_len);
	}
	same_text(g, "method", all ? a->method : "", got->method);
	SAME(g, all ? a->method_param : 0, got->method_param);
	SAME(g, all ? a->fields.n : 0, got->fields.n);
	VEC_FOREACH (&got->fields, i) {
		SAME(g, a->fields.v[i].field->id, got->fields.v[i].field->id);
		same_bytes(g, "mask", a->fields.v[i].mask.b, got->fields.v[i].mask.b,
			   a->fields.v[i].field->n_bytes);
	}
}

static void any_group_mod(struct gen *g, struct ofp_group_mod *gm)
{
	static const enum ofp_group_command commands[] = {OFPGC_ADD,	       OFPGC_MODIFY,
							  OFPGC_ADD_OR_MOD,    OFPGC_DELETE,
							  OFPGC_INSERT_BUCKET, OFPGC_REMOVE_BUCKET};
	gm->command = commands[random_below(form15(g) ? 6 : 4)];
	gm->command_bucket_id = OFPG_BUCKET_ALL;
	any_group(g, &gm->group);
	if (gm->command >= OFPGC_DELETE && gm->command != OFPGC_ADD_OR_MOD) {
		ofp_group_done(&gm->group);
		gm->group = (struct ofp_group){.group_id = any_u32()};
	}
	if (gm->command == OFPGC_INSERT_BUCKET) {
		uint32_t id = 5;
		gm->command_bucket_id = chance(2) ? OFPG_BUCKET_FIRST : random_below(100);
		any_bucket(g, OFPGT_ALL, &id, vec_extend(&gm->group.buckets));
	} else if (gm->command == OFPGC_REMOVE_BUCKET) {
		gm->command_bucket_id = chance(2) ? OFPG_BUCKET_LAST : random_below(100);
	}
}

static void group_mod(struct gen *g)
{
	struct ofp_group_mod gm = {0}, got;
	any_group_mod(g, &gm);
	ofp_encode_group_mod(&g->out, &gm, g->version, any_u32());
	struct ofp_msg m = last_message(g, 0);
	int error = ofp_decode_group_mod(&m, &got);
	if (error)
		differs(g, ofperr_name(error), 0, 1);
	SAME(g, gm.command, got.command);
	SAME(g, gm.command_bucket_id, got.command_bucket_id);
	same_group(g, &gm.group, &got.group);
	ofp_group_done(&gm.group);
	ofp_group_done(&got.group);
}

static void group_request(struct gen *g, enum ofptype type)
{
	uint32_t id = any_u32(), got;
	bool all = type == OFPTYPE_GROUP_DESC_STATS_REQUEST && !form15(g);
	ofp_encode_group_request(&g->out, type, id, g->version, any_u32());
	struct ofp_msg m = last_message(g, 0);
	SAME(g, 0, ofp_decode_group_request(&m, &got));
	SAME(g, all ? OFPG_ALL : id, got);
}

static void group_desc(struct gen *g)
{
	group_request(g, OFPTYPE_GROUP_DESC_STATS_REQUEST);
	check_reply(g, 0, any_group, same_group);
}

// --- Group statistics and features.

enum { MOST_PAIRS = 200 };

static size_t any_n_pairs(void)
{
	return chance(20) ? MOST_PAIRS : random_below(4);
}

static void any_group_stats(struct gen *g, void *entry)
{
	struct ofp_bucket_stats *buckets = xcalloc(MOST_PAIRS, sizeof(*buckets));
	struct ofp_group_stats *s = entry;
	*s = (struct ofp_group_stats){.group_id = any_u32(),
				      .ref_count = any_u32(),
				      .duration_s = any_u32(),
				      .duration_ns = any_ns(),
				      .packets = any_u64(),
				      .bytes = any_u64(),
				      .buckets = buckets,
				      .n_buckets = any_n_pairs()};
	for (size_t i = 0; i < s->n_buckets; i++)
		buckets[i] = (struct ofp_bucket_stats){any_u64(), any_u64()};
}

static void same_group_stats(struct gen *g, const void *want, const void *have)
{
	const struct ofp_group_stats *s = want, *got = have;
	bool duration = g->version != OFP11 && g->version != OFP12;
	SAME(g, s->group_id, got->group_id);
	SAME(g, s->ref_count, got->ref_count);
	SAME(g, duration ? s->duration_s : UINT32_MAX, got->duration_s);
	SAME(g, duration ? s->duration_ns : UINT32_MAX, got->duration_ns);
	SAME(g, s->packets, got->packets);
	SAME(g, s->bytes, got->bytes);
	SAME(g, s->n_buckets, got->n_buckets);
	same_bytes(g, "buckets", s->buckets, got->buckets, s->n_buckets * sizeof(*s->buckets));
}

static void group_stats(struct gen *g)
{
	group_request(g, OFPTYPE_GROUP_STATS_REQUEST);
	check_reply(g, 0, any_group_stats, same_group_stats);
}

static void group_features(struct gen *g)
{
	struct buf request = BUF_INIT;
	struct ofp_msg m;
	struct ofp_group_features f = {.types = any_bits(15), .capabilities = any_bits(15)}, got;
	for (int i = 0; i < OFPGT_N; i++) {
		f.max_groups[i] = any_u32();
		f.actions[i] = any_u32();
	}
	ofp_encode_simple(&request, OFPTYPE_GROUP_FEATURES_STATS_REQUEST, g->version, any_u32());
	SAME(g, 0, ofp_msg_decode(request.data, request.len, &m));
	ofp_encode_group_features_reply(&g->out, &m, &f);
	m = last_message(g, 0);
	SAME(g, 0, ofp_decode_group_features(&m, &got));
	same_bytes(g, "features", &f, &got, sizeof(f));
	buf_done(&request);
}

// --- Meters.

static void any_meter(struct gen *g, void *entry)
{
	struct ofp_meter *m = entry;
	*m = (struct ofp_meter){
		.meter_id = chance(2) ? any_u32() : 1 + random_below(OFPM_MAX - 1),
		.flags = (uint16_t)(any_bits(OFPMF_BURST | OFPMF_STATS) | (1u << random_below(2)))};
	for (unsigned int n = chance(20) ? 400 : random_below(4); n; n--) {
		struct ofp_meter_band band = {.type = chance(2) ? OFPMBT_DROP : OFPMBT_DSCP_REMARK,
					      .rate = any_u32(),
					      .burst_size = any_u32()};
		band.prec_level = band.type == OFPMBT_DSCP_REMARK ? any_u8() : 0;
		vec_push(&m->bands, band);
	}
}

static void same_meter(struct gen *g, const void *want, const void *have)
{
	const struct ofp_meter *m = want, *got = have;
	SAME(g, m->meter_id, got->meter_id);
	SAME(g, m->flags, got->flags);
	SAME(g, m->bands.n, got->bands.n);
	VEC_FOREACH (&m->bands, i) {
		SAME(g, m->bands.v[i].type, got->bands.v[i].type);
		SAME(g, m->bands.v[i].rate, got->bands.v[i].rate);
		SAME(g, m->bands.v[i].burst_size, got->bands.v[i].burst_size);
		SAME(g, m->bands.v[i].prec_level, got->bands.v[i].prec_level);
	}
}

static void meter_mod(struct gen *g)
{
	struct ofp_meter_mod mm = {.command = (enum ofp_meter_command)random_below(3)}, got;
	any_meter(g, &mm.meter);
	if (mm.command == OFPMC_DELETE) { // of which the number counts
		vec_clear(&mm.meter.bands);
		mm.meter.flags = 0;
	}
	ofp_encode_meter_mod(&g->out, &mm, g->version, any_u32());
	struct ofp_msg m = last_message(g, 0);
	SAME(g, 0, ofp_decode_meter_mod(&m, &got));
	SAME(g, mm.command, got.command);
	same_meter(g, &mm.meter, &got.meter);
	ofp_meter_done(&mm.meter);
	ofp_meter_done(&got.meter);
}

static void meter_request(struct gen *g, enum ofptype type)
{
	uint32_t id = any_u32(), got;
	ofp_encode_meter_request(&g->out, type, id, g->version, any_u32());
	struct ofp_msg m = last_message(g, 0);
	SAME(g, 0, ofp_decode_meter_request(&m, &got));
	SAME(g, id, got);
}

static void meter_config(struct gen *g)
{
	meter_request(g, OFPTYPE_METER_CONFIG_STATS_REQUEST);
	check_reply(g, 0, any_meter, same_meter);
}

static void any_meter_stats(struct gen *g, void *entry)
{
	struct ofp_band_stats *bands = xcalloc(MOST_PAIRS, sizeof(*bands));
	struct ofp_meter_stats *s = entry;
	*s = (struct ofp_meter_stats){.meter_id = any_u32(),
				      .flow_count = any_u32(),
				      .packets = any_u64(),
				      .bytes = any_u64(),
				      .duration_s = any_u32(),
				      .duration_ns = any_ns(),
				      .bands = bands,
				      .n_bands = any_n_pairs()};
	for (size_t i = 0; i < s->n_bands; i++)
		bands[i] = (struct ofp_band_stats){any_u64(), any_u64()};
}

static void same_meter_stats(struct gen *g, const void *want, const void *have)
{
	const struct ofp_meter_stats *s = want, *got = have;
	SAME(g, s->meter_id, got->meter_id);
	SAME(g, s->flow_count, got->flow_count);
	SAME(g, s->packets, got->packets);
	SAME(g, s->bytes, got->bytes);
	SAME(g, s->duration_s, got->duration_s);
	SAME(g, s->duration_ns, got->duration_ns);
	SAME(g, s->n_bands, got->n_bands);
	same_bytes(g, "bands", s->bands, got->bands, s->n_bands * sizeof(*s->bands));
}

static void meter_stats(struct gen *g)
{
	meter_request(g, OFPTYPE_METER_STATS_REQUEST);
	check_reply(g, 0, any_meter_stats, same_meter_stats);
}

static void meter_features(struct gen *g)
{
	struct buf request = BUF_INIT;
	struct ofp_msg m;
	struct ofp_meter_features f = {.max_meters = any_u32(),
				       .band_types = any_bits(6),
				       .capabilities = any_bits(15),
				       .max_bands = any_u8(),
				       .max_color = any_u8()},
				  got;
	ofp_encode_meter_request(&request, OFPTYPE_METER_FEATURES_STATS_REQUEST, 0, g->version,
				 any_u32());
	SAME(g, 0, ofp_msg_decode(request.data, request.len, &m));
	ofp_encode_meter_features_reply(&g->out, &m, &f);
	m = last_message(g, 0);
	SAME(g, 0, ofp_decode_meter_features(&m, &got));
	SAME(g, f.max_meters, got.max_meters);
	SAME(g, f.band_types, got.band_types);
	SAME(g, f.capabilities, got.capabilities);
	SAME(g, f.max_bands, got.max_bands);
	SAME(g, f.max_color, got.max_color);
	buf_done(&request);
}

// --- Changes that others are told of, and those that wait in a bundle.

static void requestforward(struct gen *g)
{
	struct buf request = BUF_INIT;
	struct ofp_group_mod gm = {0};
	struct ofp_meter_mod mm = {.command = OFPMC_ADD};
	struct ofp_requestforward got;
	bool meter = g->version >= OFP13 && chance(2);
	if (meter) {
		any_meter(g, &mm.meter);
		ofp_encode_meter_mod(&request, &mm, g->version, any_u32());
	} else {
		any_group_mod(g, &gm);
		ofp_encode_group_mod(&request, &gm, g->version, any_u32());
	}
	ofp_encode_requestforward(&g->out, g->version, request.data, request.len);
	struct ofp_msg m = last_message(g, 0);
	SAME(g, 0, ofp_decode_requestforward(&m, &got));
	SAME(g, meter ? OFPRFR_METER_MOD : OFPRFR_GROUP_MOD, got.reason);
	SAME(g, request.len, got.request.len);
	same_bytes(g, "request", request.data, got.request.data, request.len);
	ofp_group_done(&gm.group);
	ofp_meter_done(&mm.meter);
	buf_done(&request);
}

// A message that may be part of a bundle.
static enum ofptype any_part(struct gen *g, struct buf *b)
{
	uint32_t xid = any_u32();
	switch (random_below(4)) {
	case 0: {
		struct ofp_flow_mod fm = {0};
		ofp_flow_mod_init(&fm);
		fm.match = any_match(g);
		fm.table_id = 3;
		any_actions(g, true, &fm.actions);
		ofp_encode_flow_mod(b, &fm, g->protocol, xid);
		ofp_flow_mod_done(&fm);
		return OFPTYPE_FLOW_MOD;
	}
	case 1: {
		struct ofp_group_mod gm = {0};
		any_group_mod(g, &gm);
		ofp_encode_group_mod(b, &gm, g->version, xid);
		ofp_group_done(&gm.group);
		return OFPTYPE_GROUP_MOD;
	}
	case 2: {
		struct ofp_port_mod pm = {.port_no = any_port(), .config = 1, .mask = 1};
		ofp_encode_port_mod(b, &pm, g->version, xid);
		return OFPTYPE_PORT_MOD;
	}
	}
	struct ofp_packet_out po = {.buffer_id = any_u32()};
	match_init_any(&po.metadata);
	po.metadata.flow.in_port = 1 + random_below(99);
	po.metadata.mask.in_port = UINT32_MAX;
	any_actions(g, false, &po.actions);
	po.packet = "\1\2\3\4\5\6\7\10\11\12\13\14\15\16";
	po.packet_len = po.buffer_id == OFP_NO_BUFFER ? 14 : 0;
	ofp_encode_packet_out(b, &po, g->protocol, xid);
	ofp_packet_out_done(&po);
	return OFPTYPE_PACKET_OUT;
}

static void bundle(struct gen *g)
{
	struct ofp_bundle_control bc = {.bundle_id = any_u32(),
					.type = (uint16_t)random_below(8),
					.flags = (uint16_t)any_bits(3)},
				  got_control;
	struct ofp_bundle_add got;
	struct buf inner = BUF_INIT;
	ofp_encode_bundle_control(&g->out, &bc, g->version, any_u32());
	struct ofp_msg m = last_message(g, 0);
	SAME(g, 0, ofp_decode_bundle_control(&m, &got_control));
	SAME(g, bc.bundle_id, got_control.bundle_id);
	SAME(g, bc.type, got_control.type);
	SAME(g, bc.flags, got_control.flags);

	size_t at = g->out.len;
	enum ofptype type = any_part(g, &inner);
	SAME(g, true,
	     ofp_encode_bundle_add(&g->out, bc.bundle_id, bc.flags, inner.data, inner.len));
	m = last_message(g, at);
	int error = ofp_decode_bundle_add(&m, &got);
	if (error)
		differs(g, ofperr_name(error), 0, 1);
	SAME(g, bc.bundle_id, got.bundle_id);
	SAME(g, bc.flags, got.flags);
	SAME(g, type, got.type);
	SAME(g, inner.len, got.len);
	same_bytes(g, "message", inner.data, got.msg, inner.len);
	buf_done(&inner);

	// One that leaves no room for what is around it is refused whole.
	uint8_t *large = xcalloc(1, OFP_MAX_LEN);
	size_t before = g->out.len;
	memcpy(large, (uint8_t[]){g->version, 14, 0xff, 0xff}, 4);
	SAME(g, false, ofp_encode_bundle_add(&g->out, 1, 0, large, OFP_MAX_LEN));
	SAME(g, before, g->out.len);
	free(large);
}

const struct family group_families[] = {
	{"group_mod", BY_VERSION, group_mod},
	{"group_desc", BY_VERSION, group_desc},
	{"group_stats", BY_VERSION, group_stats},
	{"group_features", BY_VERSION, group_features},
	{"meter_mod", SINCE_13, meter_mod},
	{"meter_config", SINCE_13, meter_config},
	{"meter_stats", SINCE_13, meter_stats},
	{"meter_features", SINCE_13, meter_features},
	{"requestforward", SINCE_11, requestforward},
	{"bundle", SINCE_13, bundle},
	{NULL, 0, NULL},
};
