/* SPDX-License-Identifier: Apache-2.0 */
#include "openflow/session.h"

#include <string.h>

#include "openflow/prop.h"

// --- Hello.

enum { HELLO_VERSION_BITMAP = 1 };

int ofp_decode_hello(const struct ofp_msg *m, uint32_t *versions)
{
	struct cursor c = m->body;
	bool ok = true, found = false;
	*versions = 0;
	while (cursor_left(&c)) {
		struct cursor peek = c;
		uint16_t type = cursor_be16(&peek), len = cursor_be16(&peek);
		if (peek.bad || len < 4) {
			ok = false;
			break;
		}
		struct cursor element = cursor_sub(&c, (len + 7u) & ~7u);
		if (element.bad) {
			ok = false;
			break;
		}
		cursor_skip(&element, 4);
		uint32_t bits = type == HELLO_VERSION_BITMAP && len >= 8 && len % 4 == 0
					? cursor_be32(&element) & ~1u
					: 0;
		if (bits) {
			*versions = bits;
			found = true;
		} else {
			ok = false;
		}
	}
	if (!found)
		*versions = m->version < 31 ? (1u << (m->version + 1)) - 2 : ~1u;
	return ok ? 0 : OFPBRC_BAD_LEN;
}

void ofp_encode_hello(struct buf *b, uint32_t versions, uint32_t xid)
{
	uint8_t highest = OFP10;
	for (uint8_t v = OFP10; v <= OFP15; v++)
		if (versions & 1u << v)
			highest = v;
	size_t at = ofp_begin(b, OFPTYPE_HELLO, false, highest, xid);
	uint32_t all_up_to_highest = (1u << (highest + 1)) - 2;
	if (versions != all_up_to_highest) {
		buf_add_be16(b, HELLO_VERSION_BITMAP);
		buf_add_be16(b, 8);
		buf_add_be32(b, versions);
	}
	ofp_end(b, at);
}

// --- Echo.

void ofp_encode_echo_request(struct buf *b, uint8_t version, uint32_t xid, const void *data,
			     size_t n)
{
	size_t at = ofp_begin(b, OFPTYPE_ECHO_REQUEST, false, version, xid);
	buf_add(b, data, n);
	ofp_end(b, at);
}

void ofp_encode_echo_reply(struct buf *b, const struct ofp_msg *request)
{
	// Echoes are understood in versions to come, too, and answered in them.
	uint8_t known = request->version > OFP15 ? OFP15 : request->version;
	size_t at = ofp_begin(b, OFPTYPE_ECHO_REPLY, false, known, request->xid);
	b->data[at] = request->version;
	buf_add(b, request->body.p, cursor_left(&request->body));
	ofp_end(b, at);
}

// --- Features.

enum { ACTIONS_10 = 0xfff, STP_10 = 1 << 3 };

static uint32_t known_capabilities(uint8_t version)
{
	uint32_t common = OFPC_FLOW_STATS | OFPC_TABLE_STATS | OFPC_PORT_STATS | OFPC_IP_REASM |
			  OFPC_QUEUE_STATS;
	if (version == OFP10)
		return common | OFPC_ARP_MATCH_IP | STP_10;
	common |= OFPC_GROUP_STATS;
	if (version == OFP11)
		return common | OFPC_ARP_MATCH_IP;
	common |= OFPC_PORT_BLOCKED;
	return version >= OFP14 ? common | OFPC_BUNDLES | OFPC_FLOW_MONITORING : common;
}

static size_t port_len(uint8_t version)
{
	return version == OFP10 ? 48 : 64;
}

int ofp_decode_features(const struct ofp_msg *m, struct ofp_features *f)
{
	struct cursor c = m->body;
	*f = (struct ofp_features){.datapath_id = cursor_be64(&c)};
	f->n_buffers = cursor_be32(&c);
	f->n_tables = cursor_u8(&c);
	f->auxiliary_id = cursor_u8(&c);
	cursor_skip(&c, 2);
	f->capabilities = cursor_be32(&c) & known_capabilities(m->version);
	f->actions = cursor_be32(&c) & ACTIONS_10;
	if (m->version < OFP13)
		f->auxiliary_id = 0;
	if (m->version == OFP10 && f->capabilities & STP_10)
		f->capabilities = (f->capabilities & ~(uint32_t)STP_10) | OFPC_STP;
	if (m->version != OFP10)
		f->actions = 0;
	f->ports = c;
	f->has_ports = m->version < OFP13;
	f->all_ports = f->has_ports && m->len + port_len(m->version) <= OFP_MAX_LEN;
	return c.bad ? OFPBRC_BAD_LEN : 0;
}

static uint32_t capabilities_for(uint32_t capabilities, uint8_t version)
{
	uint32_t c = capabilities & known_capabilities(version) & ~(uint32_t)STP_10;
	if (version != OFP10)
		return capabilities & known_capabilities(version);
	return c | (capabilities & OFPC_STP ? STP_10 : 0);
}

void ofp_encode_features(struct buf *b, const struct ofp_features *f, uint8_t version, uint32_t xid,
			 const struct ofp_port_desc *ports, size_t n_ports)
{
	size_t at = ofp_begin(b, OFPTYPE_FEATURES_REPLY, false, version, xid);
	buf_add_be64(b, f->datapath_id);
	buf_add_be32(b, f->n_buffers);
	buf_add_u8(b, f->n_tables);
	buf_add_u8(b, version >= OFP13 ? f->auxiliary_id : 0);
	buf_add_be16(b, 0);
	buf_add_be32(b, capabilities_for(f->capabilities, version));
	buf_add_be32(b, version != OFP10 ? 0 : f->actions ? (uint32_t)f->actions : ACTIONS_10);
	if (version < OFP13)
		for (size_t i = 0; i < n_ports && b->len - at + port_len(version) <= OFP_MAX_LEN;
		     i++)
			ofp_port_desc_put(b, version, &ports[i]);
	ofp_end(b, at);
}

// --- Configuration.

enum { CONFIG_FRAG_MASK = 3, CONFIG_INVALID_TTL = 4 };

int ofp_decode_config(const struct ofp_msg *m, struct ofp_config *config)
{
	struct cursor c = m->body;
	uint16_t flags = cursor_be16(&c);
	config->miss_send_len = cursor_be16(&c);
	config->frag = flags & CONFIG_FRAG_MASK;
	config->invalid_ttl_to_controller =
		m->version < OFP13 ? (flags & CONFIG_INVALID_TTL) != 0 : -1;
	if (m->type == OFPTYPE_SET_CONFIG &&
	    flags & ~(m->version < OFP13 ? CONFIG_FRAG_MASK | CONFIG_INVALID_TTL
					 : CONFIG_FRAG_MASK))
		return OFPSCFC_BAD_FLAGS;
	return c.bad ? OFPBRC_BAD_LEN : 0;
}

void ofp_encode_config(struct buf *b, enum ofptype type, const struct ofp_config *config,
		       uint8_t version, uint32_t xid)
{
	size_t at = ofp_begin(b, type, false, version, xid);
	uint16_t flags = config->frag;
	if (version < OFP13 && config->invalid_ttl_to_controller > 0)
		flags |= CONFIG_INVALID_TTL;
	buf_add_be16(b, flags);
	buf_add_be16(b, config->miss_send_len);
	ofp_end(b, at);
}

const char *ofp_frag_mode_name(enum ofp_frag_mode mode)
{
	switch (mode) {
	case OFP_FRAG_NORMAL:
		return "normal";
	case OFP_FRAG_DROP:
		return "drop";
	case OFP_FRAG_REASM:
		return "reassemble";
	case OFP_FRAG_NX_MATCH:
		return "nx-match";
	}
	return "unknown";
}

// --- Description.

static void copy_text(struct cursor *c, char *out, size_t n)
{
	cursor_copy(c, out, n);
	out[n - 1] = '\0';
}

int ofp_decode_desc(const struct ofp_msg *m, struct ofp_desc *d)
{
	struct cursor c = m->body;
	copy_text(&c, d->mfr, sizeof(d->mfr));
	copy_text(&c, d->hw, sizeof(d->hw));
	copy_text(&c, d->sw, sizeof(d->sw));
	copy_text(&c, d->serial, sizeof(d->serial));
	copy_text(&c, d->dp, sizeof(d->dp));
	return c.bad ? OFPBRC_BAD_LEN : 0;
}

static void put_text(struct buf *b, const char *s, size_t size)
{
	size_t n = strnlen(s, size - 1);
	memcpy(buf_add_zeros(b, size), s, n);
}

void ofp_encode_desc_reply(struct buf *b, const struct ofp_msg *request, const struct ofp_desc *d)
{
	size_t at = ofp_begin_reply(b, request);
	put_text(b, d->mfr, sizeof(d->mfr));
	put_text(b, d->hw, sizeof(d->hw));
	put_text(b, d->sw, sizeof(d->sw));
	put_text(b, d->serial, sizeof(d->serial));
	put_text(b, d->dp, sizeof(d->dp));
	ofp_end(b, at);
}

// --- Roles.

int ofp_decode_role(const struct ofp_msg *m, struct ofp_role_request *r)
{
	struct cursor c = m->body;
	uint32_t role = cursor_be32(&c);
	*r = (struct ofp_role_request){0};
	if (m->nx) {
		if (role > OFPCR_SECONDARY - 1)
			return OFPRRFC_BAD_ROLE;
		r->role = (enum ofp_role)(role + 1); // Nicira's have no "no change"
		return 0;
	}
	uint16_t short_id = cursor_be16(&c);
	cursor_skip(&c, 2);
	uint64_t generation = cursor_be64(&c);
	r->short_id = m->version >= OFP15 ? short_id : OFPCID_UNDEFINED;
	if (role > OFPCR_SECONDARY)
		return OFPRRFC_BAD_ROLE;
	r->role = (enum ofp_role)role;
	bool reply = m->type == OFPTYPE_ROLE_REPLY;
	if (reply ? generation != UINT64_MAX : role == OFPCR_PRIMARY || role == OFPCR_SECONDARY) {
		r->have_generation_id = true;
		r->generation_id = generation;
	}
	return c.bad ? OFPBRC_BAD_LEN : 0;
}

static void put_role(struct buf *b, const struct ofp_role_request *r, uint8_t version, bool nx,
		     bool reply)
{
	if (nx) {
		buf_add_be32(b, r->role == OFPCR_NOCHANGE ? 0 : r->role - 1u);
		return;
	}
	buf_add_be32(b, r->role);
	buf_add_be16(b, version >= OFP15 ? r->short_id : OFPCID_UNDEFINED);
	buf_add_be16(b, 0);
	buf_add_be64(b, r->have_generation_id ? r->generation_id : reply ? UINT64_MAX : 0);
}

void ofp_encode_role_reply(struct buf *b, const struct ofp_msg *request,
			   const struct ofp_role_request *r)
{
	size_t at = ofp_begin_reply(b, request);
	put_role(b, r, request->version, request->nx, true);
	ofp_end(b, at);
}

void ofp_encode_role_request(struct buf *b, const struct ofp_role_request *r, uint8_t version,
			     uint32_t xid)
{
	bool nx = version < OFP12;
	size_t at = ofp_begin(b, OFPTYPE_ROLE_REQUEST, nx, version, xid);
	put_role(b, r, version, nx, false);
	ofp_end(b, at);
}

const char *ofp_role_name(enum ofp_role role)
{
	switch (role) {
	case OFPCR_NOCHANGE:
		return "nochange";
	case OFPCR_EQUAL:
		return "equal";
	case OFPCR_PRIMARY:
		return "primary";
	case OFPCR_SECONDARY:
		return "secondary";
	}
	return "unknown";
}

void ofp_encode_role_status(struct buf *b, enum ofp_role role, enum ofp_role_reason reason,
			    uint64_t generation_id, uint8_t version)
{
	bool nx = version == OFP13;
	if (!ofptype_exists(OFPTYPE_ROLE_STATUS, nx, version))
		return;
	size_t at = ofp_begin(b, OFPTYPE_ROLE_STATUS, nx, version, 0);
	buf_add_be32(b, role);
	buf_add_u8(b, (uint8_t)reason);
	buf_add_zeros(b, 3);
	buf_add_be64(b, generation_id);
	ofp_end(b, at);
}

// --- Asynchronous messages.

void ofp_async_default(struct ofp_async_config *a, uint8_t version)
{
	*a = (struct ofp_async_config){0};
	a->primary[OFPASYNC_PACKET_IN] = 0x3f & ~(1u << 2); // all but invalid TTL
	a->primary[OFPASYNC_PORT_STATUS] = a->secondary[OFPASYNC_PORT_STATUS] = 7;
	a->primary[OFPASYNC_FLOW_REMOVED] = version >= OFP14 ? 0x3f
					    : version == OFP13
						    ? 0xf
						    : 7; // 1.3: and that their group went
	if (version >= OFP15)
		a->primary[OFPASYNC_FLOW_STATS] = 1u << 1; // who asks for a trigger wants to know
}

// The reasons that there are, of a version.
static uint32_t known_reasons(enum ofp_async type, uint8_t version)
{
	switch (type) {
	case OFPASYNC_PACKET_IN:
		return version < OFP14 ? 7 : 0x3f;
	case OFPASYNC_FLOW_REMOVED:
		return 0x3f;
	case OFPASYNC_PORT_STATUS:
	case OFPASYNC_ROLE_STATUS:
		return 7;
	case OFPASYNC_TABLE_STATUS:
		return 3 << 3;
	case OFPASYNC_REQUESTFORWARD:
	case OFPASYNC_FLOW_STATS:
		return 3;
	case OFPASYNC_CONT_STATUS:
		return 0x7f;
	case OFPASYNC_N:
		break;
	}
	return 0;
}

static unsigned int n_kinds(uint8_t version)
{
	return version >= OFP15 ? OFPASYNC_N : OFPASYNC_REQUESTFORWARD + 1;
}

// The reasons of a property, whichever the version is that it came in.
static int decode_async_property(uint64_t type, struct cursor value, bool loose, uint8_t version,
				 struct ofp_async_config *a)
{
	uint32_t mask;
	if (type >= 2 * n_kinds(version))
		return loose ? 0 : type >> 32 ? OFPBPC_BAD_EXP_TYPE : OFPACFC_UNSUPPORTED;
	int error = prop_u32(value, &mask);
	if (error)
		return error;
	uint32_t known = known_reasons((enum ofp_async)(type / 2), version);
	if (mask & ~known && !loose)
		return OFPACFC_INVALID;
	*(type % 2 ? &a->primary[type / 2] : &a->secondary[type / 2]) = mask & known;
	return 0;
}

int ofp_decode_set_async(const struct ofp_msg *m, struct ofp_async_config *a)
{
	struct cursor c = m->body;
	bool loose = m->type == OFPTYPE_GET_ASYNC_REPLY;
	bool properties =
		m->nx ? !strcmp(ofp_msg_name(m), "NXT_SET_ASYNC_CONFIG2") : m->version >= OFP14;
	if (!properties) {
		*a = (struct ofp_async_config){0};
		for (int i = 0; i <= OFPASYNC_FLOW_REMOVED; i++) {
			uint32_t known = known_reasons((enum ofp_async)i, m->version);
			a->primary[i] = cursor_be32(&c) & known;
			a->secondary[i] = cursor_be32(&c) & known;
		}
		return 0;
	}
	while (cursor_left(&c)) {
		uint64_t type;
		struct cursor value;
		int error = prop_pull(&c, &type, &value);
		if (!error)
			error = decode_async_property(type, value, loose, m->version, a);
		if (error)
			return error;
	}
	return 0;
}

void ofp_encode_get_async_reply(struct buf *b, const struct ofp_msg *request,
				const struct ofp_async_config *a)
{
	size_t at = ofp_begin_reply(b, request);
	for (uint16_t i = 0; i < (request->version >= OFP14 ? n_kinds(request->version)
							    : OFPASYNC_FLOW_REMOVED + 1);
	     i++) {
		if (request->version < OFP14) {
			uint32_t known = known_reasons((enum ofp_async)i, request->version);
			buf_add_be32(b, a->primary[i] & known);
			buf_add_be32(b, a->secondary[i] & known);
			continue;
		}
		buf_add_be16(b, 2 * i);
		buf_add_be16(b, 8);
		buf_add_be32(b, a->secondary[i]);
		buf_add_be16(b, 2 * i + 1);
		buf_add_be16(b, 8);
		buf_add_be32(b, a->primary[i]);
	}
	ofp_end(b, at);
}

// --- Nicira's settings.

enum { NXFF_OPENFLOW10 = 0, NXFF_NXM = 2 };

int ofp_decode_set_flow_format(const struct ofp_msg *m, bool *nxm)
{
	struct cursor c = m->body;
	uint32_t format = cursor_be32(&c);
	*nxm = format == NXFF_NXM;
	return format == NXFF_OPENFLOW10 || format == NXFF_NXM ? 0 : OFPBRC_EPERM;
}

static size_t begin_nx(struct buf *b, enum ofptype type, uint8_t version, uint32_t xid)
{
	return ofp_begin(b, type, true, version, xid);
}

void ofp_encode_set_flow_format(struct buf *b, bool nxm, uint8_t version, uint32_t xid)
{
	size_t at = begin_nx(b, OFPTYPE_SET_FLOW_FORMAT, version, xid);
	buf_add_be32(b, nxm ? NXFF_NXM : NXFF_OPENFLOW10);
	ofp_end(b, at);
}

int ofp_decode_flow_mod_table_id(const struct ofp_msg *m, bool *on)
{
	struct cursor c = m->body;
	*on = cursor_u8(&c) != 0;
	return 0;
}

void ofp_encode_flow_mod_table_id(struct buf *b, bool on, uint8_t version, uint32_t xid)
{
	size_t at = begin_nx(b, OFPTYPE_FLOW_MOD_TABLE_ID, version, xid);
	buf_add_u8(b, on);
	buf_add_zeros(b, 7);
	ofp_end(b, at);
}

int ofp_decode_set_packet_in_format(const struct ofp_msg *m, enum ofp_packet_in_format *format)
{
	struct cursor c = m->body;
	uint32_t wire = cursor_be32(&c);
	if (wire > OFP_PIN_NXT2)
		return OFPBRC_EPERM;
	*format = (enum ofp_packet_in_format)wire;
	return 0;
}

void ofp_encode_set_packet_in_format(struct buf *b, enum ofp_packet_in_format format,
				     uint8_t version, uint32_t xid)
{
	size_t at = begin_nx(b, OFPTYPE_SET_PACKET_IN_FORMAT, version, xid);
	buf_add_be32(b, format);
	ofp_end(b, at);
}

int ofp_decode_set_controller_id(const struct ofp_msg *m, uint16_t *id)
{
	struct cursor c = m->body;
	uint8_t bits = 0;
	for (int i = 0; i < 6; i++)
		bits |= cursor_u8(&c);
	*id = cursor_be16(&c);
	return bits ? NXBRC_MUST_BE_ZERO : 0;
}

void ofp_encode_set_controller_id(struct buf *b, uint16_t id, uint8_t version, uint32_t xid)
{
	size_t at = begin_nx(b, OFPTYPE_SET_CONTROLLER_ID, version, xid);
	buf_add_zeros(b, 6);
	buf_add_be16(b, id);
	ofp_end(b, at);
}
