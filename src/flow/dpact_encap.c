/* SPDX-License-Identifier: Apache-2.0 */
// The text of datapath actions that put a header in front of the packet.
#include <ctype.h>
#include <string.h>

#include "base/str.h"
#include "flow/dpact_headers.h"

void dpact_push_nsh_format(struct str *s, const struct dpact_push_nsh *a)
{
	struct dpk_nsh key = {.path_hdr = a->path_hdr,
			      .flags = a->flags,
			      .ttl = a->ttl,
			      .mdtype = a->mdtype,
			      .np = a->np};
	struct dpk_nsh mask;
	bool context = a->mdtype == 1 && a->md_len == sizeof(key.context);
	memset(&mask, 0xff, sizeof(mask));
	memset(mask.context, context ? 0xff : 0, sizeof(mask.context));
	if (context)
		memcpy(key.context, a->md, sizeof(key.context));
	str_add(s, "push_nsh(");
	dpfields_format(s, dpact_nsh_fields, &key, &mask, false);
	if (!context) {
		str_add(s, a->md_len ? ",md2=0x" : ",md2=0");
		str_add_hex(s, a->md, a->md_len);
	}
	str_addc(s, ')');
}

static int hex_digit(char c)
{
	return isdigit((unsigned char)c)    ? c - '0'
	       : isxdigit((unsigned char)c) ? (c | 0x20) - 'a' + 10
					    : -1;
}

// Bytes in hexadecimal, as many as are written: whole words.
static bool parse_md2(const char **text, uint8_t md[DP_NSH_MAX_MD], uint16_t *len)
{
	uint16_t n = 0;
	if (!dptext_literal(text, "0x"))
		return dptext_literal(text, "0");
	for (; hex_digit((*text)[0]) >= 0 && hex_digit((*text)[1]) >= 0 && n < DP_NSH_MAX_MD;
	     *text += 2)
		md[n++] = (uint8_t)(hex_digit((*text)[0]) << 4 | hex_digit((*text)[1]));
	*len = n;
	return n && n % 4 == 0;
}

bool dpact_push_nsh_parse(struct buf *out, const char **text)
{
	struct dpk_nsh key, mask;
	uint8_t md[DP_NSH_MAX_MD];
	uint16_t md_len = 0;
	char head[256];
	const char *md2 = strstr(*text, "md2="), *end = strchr(*text, ')'), *s = head;
	memset(&key, 0, sizeof(key));
	memset(&mask, 0, sizeof(mask));
	// The rows' parser wants the closing parenthesis; TLVs are no row.
	const char *stop = md2 && end && md2 < end ? md2 : end;
	if (!end || stop - *text > (long)sizeof(head) - 2)
		return false;
	memcpy(head, *text, (size_t)(stop - *text));
	memcpy(head + (stop - *text), ")", 2);
	if (!dpfields_parse(&s, dpact_nsh_fields, &key, &mask) || *s)
		return false;
	if (stop == md2) {
		const char *bytes = md2 + 4;
		if (key.mdtype == 1 || !parse_md2(&bytes, md, &md_len) || bytes != end)
			return false;
	} else if (key.mdtype == 1) {
		md_len = sizeof(key.context);
		memcpy(md, key.context, md_len);
	}
	struct dpact_push_nsh *a = dpact_add(out, DPACT_PUSH_NSH, sizeof(*a) + md_len);
	a->path_hdr = key.path_hdr;
	a->flags = key.flags;
	a->ttl = key.ttl;
	a->mdtype = key.mdtype;
	a->np = key.np;
	a->md_len = md_len;
	memcpy(a->md, md, md_len);
	*text = end + 1;
	return key.ttl < 64 && key.flags < 4 && key.mdtype < 16;
}

void dpact_push_eth_format(struct str *s, const struct dpact_push_eth *a)
{
	struct dpk_ethernet key;
	memcpy(key.src, a->src, 6);
	memcpy(key.dst, a->dst, 6);
	str_add(s, "push_eth(");
	dpfields_format(s, dpact_header_rows[DPH_ETHERNET].fields, &key, NULL, false);
	str_addc(s, ')');
}

bool dpact_push_eth_parse(struct buf *out, const char **text)
{
	struct dpk_ethernet key, mask;
	memset(&key, 0, sizeof(key));
	memset(&mask, 0, sizeof(mask));
	if (!dpfields_parse(text, dpact_header_rows[DPH_ETHERNET].fields, &key, &mask))
		return false;
	struct dpact_push_eth *a = dpact_add(out, DPACT_PUSH_ETH, sizeof(*a));
	memcpy(a->src, key.src, 6);
	memcpy(a->dst, key.dst, 6);
	static const uint8_t ones[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
	return !memcmp(mask.src, ones, 6) && !memcmp(mask.dst, ones, 6);
}
