/* SPDX-License-Identifier: Apache-2.0 */
#include "openflow/error.h"

#include <errno.h>
#include <string.h>

#include "openflow/header.h"

enum { OFPERR_STD, OFPERR_NX, OFPERR_ONF };

struct wire_code {
	bool exists;
	uint8_t vendor;
	uint16_t type, code;
};

struct row {
	const char *name;
	struct wire_code codes[OFP15]; // by version, 1.0 first
};

static const struct row rows[OFPERR_N] = {
#define OFPERR_NONE                                                                                \
	{                                                                                          \
		0                                                                                  \
	}
#define OFPERR_CODE(VENDOR, TYPE, CODE)                                                            \
	{                                                                                          \
		true, VENDOR, TYPE, CODE                                                           \
	}
#define OFPERR_ROW(NAME, ...) [NAME] = {#NAME, {__VA_ARGS__}},
#include "openflow/error_ids.h"
#undef OFPERR_ROW
#undef OFPERR_CODE
#undef OFPERR_NONE
};

static const uint32_t vendors[] = {
	[OFPERR_STD] = 0, [OFPERR_NX] = OFP_VENDOR_NX, [OFPERR_ONF] = OFP_VENDOR_ONF};

const char *ofperr_name(int error)
{
	return error > 0 && error < OFPERR_N ? rows[error].name : "";
}

int ofperr_find(const char *name)
{
	for (int i = 1; i < OFPERR_N; i++)
		if (!strcmp(rows[i].name, name))
			return i;
	return 0;
}

int ofperr_get_code(int error, uint8_t version, struct ofperr_code *out)
{
	if (error <= 0 || error >= OFPERR_N || version < OFP10 || version > OFP15)
		return -ENOENT;
	const struct wire_code *c = &rows[error].codes[version - 1];
	if (!c->exists)
		return -ENOENT;
	*out = (struct ofperr_code){.vendor = vendors[c->vendor], .type = c->type, .code = c->code};
	return 0;
}

int ofperr_from_code(uint8_t version, uint32_t vendor, uint16_t type, uint16_t code)
{
	if (version < OFP10 || version > OFP15)
		return 0;
	for (int i = 1; i < OFPERR_N; i++) {
		const struct wire_code *c = &rows[i].codes[version - 1];
		if (c->exists && vendors[c->vendor] == vendor && c->type == type && c->code == code)
			return i;
	}
	return 0;
}

// Vendor errors of 1.0 and 1.1 travel inside a Nicira error (type 0xb0c2, code 0, then vendor, type
// and code); later versions have experimenter errors (type 0xffff, whose code is the type, then the
// experimenter).
enum { NXET_VENDOR = 0xb0c2, OFPET_EXPERIMENTER = 0xffff };

// As much of the payload as fits.
static void encode(struct buf *b, int error, uint8_t version, uint32_t xid, const void *payload,
		   size_t n)
{
	struct ofperr_code c;
	if (version < OFP10 || version > OFP15)
		version = OFP10;
	if (ofperr_get_code(error, version, &c))
		(void)ofperr_get_code(NXBRC_UNENCODABLE_ERROR, version, &c);
	size_t begin = ofp_begin(b, OFPTYPE_ERROR, false, version, xid);
	if (!c.vendor) {
		buf_add_be16(b, c.type);
		buf_add_be16(b, c.code);
	} else if (version <= OFP11) {
		buf_add_be16(b, NXET_VENDOR);
		buf_add_be16(b, 0);
		buf_add_be32(b, c.vendor);
		buf_add_be16(b, c.type);
		buf_add_be16(b, c.code);
	} else {
		buf_add_be16(b, OFPET_EXPERIMENTER);
		buf_add_be16(b, c.type);
		buf_add_be32(b, c.vendor);
	}
	size_t room = OFP_MAX_LEN - (b->len - begin);
	buf_add(b, payload, n < room ? n : room);
	ofp_end(b, begin);
}

void ofp_encode_error(struct buf *b, int error, const void *request, size_t n)
{
	const uint8_t *version = request;
	encode(b, error, *version, ofp_xid(request), request, n);
}

void ofp_encode_hello_error(struct buf *b, uint8_t version, uint32_t xid, const char *text)
{
	encode(b, OFPHFC_INCOMPATIBLE, version, xid, text, strlen(text));
}

int ofp_decode_error(const struct ofp_msg *m, struct cursor *payload)
{
	struct cursor c = m->body;
	uint32_t vendor = 0;
	uint16_t type = cursor_be16(&c), code = cursor_be16(&c);
	if (type == NXET_VENDOR && code == 0) {
		vendor = cursor_be32(&c);
		type = cursor_be16(&c);
		code = cursor_be16(&c);
	} else if (type == OFPET_EXPERIMENTER) {
		type = code;
		code = 0;
		vendor = cursor_be32(&c);
	}
	if (payload)
		*payload = c;
	return c.bad ? 0 : ofperr_from_code(m->version, vendor, type, code);
}
