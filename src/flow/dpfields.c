/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/dpfields.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "flow/field.h"
#include "packet/address.h"

unsigned int dpfield_size(enum dpfield_kind kind)
{
	switch (kind) {
	case DPFIELD_MAC:
		return 6;
	case DPFIELD_IPV6:
		return 16;
	case DPFIELD_BE64_HEX:
		return 8;
	case DPFIELD_IPV4:
	case DPFIELD_U32_HEX:
	case DPFIELD_BE32_HEX:
	case DPFIELD_BE32_LABEL:
	case DPFIELD_NSH_BE32:
		return 4;
	case DPFIELD_NSH_SPI:
		return 3;
	case DPFIELD_BE16_DEC:
	case DPFIELD_BE16_BYTE:
		return 2;
	case DPFIELD_U8_DEC:
	case DPFIELD_U8_HEX:
	case DPFIELD_FRAG:
	case DPFIELD_NSH_U8:
		return 1;
	}
	__builtin_unreachable();
}

// The largest value, which is also the exact mask.
static uint64_t kind_max(enum dpfield_kind kind)
{
	if (kind == DPFIELD_BE32_LABEL)
		return 0xfffff;
	if (kind == DPFIELD_FRAG)
		return 3;
	if (kind == DPFIELD_BE16_BYTE)
		return 0xff;
	unsigned int size = dpfield_size(kind);
	return size == 8 ? UINT64_MAX : (UINT64_C(1) << 8 * size) - 1;
}

static uint64_t load(enum dpfield_kind kind, const void *p)
{
	uint32_t host;
	if (kind == DPFIELD_U32_HEX) {
		memcpy(&host, p, sizeof(host));
		return host;
	}
	switch (dpfield_size(kind)) {
	case 1:
		return *(const uint8_t *)p;
	case 2:
		return get_be16(p);
	case 3:
		return (uint64_t)get_be16(p) << 8 | ((const uint8_t *)p)[2];
	case 4:
		return get_be32(p);
	default:
		return get_be64(p);
	}
}

static void store(enum dpfield_kind kind, void *p, uint64_t v)
{
	uint32_t host = (uint32_t)v;
	if (kind == DPFIELD_U32_HEX) {
		memcpy(p, &host, sizeof(host));
		return;
	}
	switch (dpfield_size(kind)) {
	case 1:
		*(uint8_t *)p = (uint8_t)v;
		break;
	case 2:
		put_be16(p, (uint16_t)v);
		break;
	case 3:
		put_be16(p, (uint16_t)(v >> 8));
		((uint8_t *)p)[2] = (uint8_t)v;
		break;
	case 4:
		put_be32(p, (uint32_t)v);
		break;
	default:
		put_be64(p, v);
	}
}

static bool is_filled_with(const uint8_t *p, unsigned int n, uint8_t byte)
{
	while (n--)
		if (*p++ != byte)
			return false;
	return true;
}

static bool is_address(enum dpfield_kind kind)
{
	return kind == DPFIELD_MAC || kind == DPFIELD_IPV4 || kind == DPFIELD_IPV6;
}

static void format_address(struct str *s, enum dpfield_kind kind, const void *p)
{
	be32_t v4;
	if (kind == DPFIELD_MAC) {
		mac_format(s, p);
	} else if (kind == DPFIELD_IPV6) {
		ipv6_format(s, p);
	} else {
		memcpy(&v4, p, sizeof(v4));
		ipv4_format(s, v4);
	}
}

static void format_value(struct str *s, const struct dpfield *f, const uint8_t *key,
			 const uint8_t *mask)
{
	if (is_address(f->kind)) {
		format_address(s, f->kind, key);
		if (!is_filled_with(mask, dpfield_size(f->kind), 0xff)) {
			str_addc(s, '/');
			format_address(s, f->kind, mask);
		}
		return;
	}
	uint64_t v = load(f->kind, key), m = load(f->kind, mask), max = kind_max(f->kind);
	bool exact = (m & max) == max;
	if (f->kind == DPFIELD_NSH_U8) {
		str_addf(s, exact ? "%" PRIu64 : "0x%02" PRIx64 "/0x%02" PRIx64, v, m);
		return;
	}
	if (f->kind == DPFIELD_NSH_SPI || f->kind == DPFIELD_NSH_BE32) {
		str_addf(s, exact ? "0x%" PRIx64 : "0x%" PRIx64 "/0x%08" PRIx64, v, m);
		return;
	}
	if (f->kind == DPFIELD_FRAG)
		str_add(s, frag_name((uint8_t)v, 3));
	else if (f->kind == DPFIELD_U8_DEC || f->kind == DPFIELD_BE16_DEC ||
		 f->kind == DPFIELD_BE16_BYTE)
		str_addf(s, "%" PRIu64, v);
	else
		str_addf(s, "%#" PRIx64, v);
	if (!exact)
		str_addf(s, "/%#" PRIx64, m);
}

bool dpfields_format(struct str *s, const struct dpfield *f, const void *key, const void *mask,
		     bool verbose)
{
	static const uint8_t ones[16] = {255, 255, 255, 255, 255, 255, 255, 255,
					 255, 255, 255, 255, 255, 255, 255, 255};
	size_t start = s->len;
	for (; f->name; f++) {
		const uint8_t *m = mask ? (const uint8_t *)mask + f->offset : ones;
		if (!verbose && is_filled_with(m, dpfield_size(f->kind), 0))
			continue;
		str_add(s, f->name);
		str_addc(s, '=');
		format_value(s, f, (const uint8_t *)key + f->offset, m);
		str_addc(s, ',');
	}
	return s->len > start && str_chomp(s, ',');
}

bool dptext_literal(const char **text, const char *literal)
{
	size_t n = strlen(literal);
	if (strncmp(*text, literal, n))
		return false;
	*text += n;
	return true;
}

bool dptext_number(const char **text, uint64_t max, uint64_t *out)
{
	const char *s = *text;
	bool hex = s[0] == '0' && (s[1] | 0x20) == 'x';
	if (!isdigit((unsigned char)*s) || (hex && !isxdigit((unsigned char)s[2])))
		return false;
	char *end;
	errno = 0;
	unsigned long long v = strtoull(s, &end, hex ? 16 : 10);
	if (errno || v > max)
		return false;
	*out = v;
	*text = end;
	return true;
}

bool dptext_masked(const char **text, uint64_t max, uint64_t *value, uint64_t *mask)
{
	*mask = max;
	return dptext_number(text, max, value) &&
	       (!dptext_literal(text, "/") || dptext_number(text, max, mask));
}

static bool parse_address(const char **text, enum dpfield_kind kind, void *out)
{
	be32_t v4;
	if (kind == DPFIELD_MAC)
		return mac_scan(text, out);
	if (kind == DPFIELD_IPV6)
		return ipv6_scan(text, out);
	if (!ipv4_scan(text, &v4))
		return false;
	memcpy(out, &v4, sizeof(v4));
	return true;
}

static bool parse_frag(const char **text, uint8_t *out)
{
	static const uint8_t values[] = {0, FLOW_FRAG_ANY, FLOW_FRAG_ANY | FLOW_FRAG_LATER};
	for (size_t i = 0; i < sizeof(values); i++)
		if (dptext_literal(text, frag_name(values[i], 3))) {
			*out = values[i];
			return true;
		}
	return false;
}

static bool parse_value(const char **text, const struct dpfield *f, uint8_t *key, uint8_t *mask)
{
	if (is_address(f->kind)) {
		memset(mask, 0xff, dpfield_size(f->kind));
		return parse_address(text, f->kind, key) &&
		       (!dptext_literal(text, "/") || parse_address(text, f->kind, mask));
	}
	if (f->kind == DPFIELD_FRAG) {
		uint64_t bits = 3;
		bool ok = parse_frag(text, key) &&
			  (!dptext_literal(text, "/") || dptext_number(text, 3, &bits));
		*mask = (uint8_t)bits;
		return ok && (bits == 3 || !bits);
	}
	uint64_t v, m, max = kind_max(f->kind);
	if (!dptext_masked(text, max, &v, &m))
		return false;
	if (f->kind == DPFIELD_BE16_BYTE && m == max)
		m = 0xffff;
	store(f->kind, key, v);
	store(f->kind, mask, m);
	return true;
}

bool dpfields_parse(const char **text, const struct dpfield *rows, void *key, void *mask)
{
	for (;;) {
		*text += strspn(*text, ", ");
		if (dptext_literal(text, ")"))
			return true;
		size_t n = strcspn(*text, "=(),");
		const struct dpfield *f = rows;
		while (f->name && (strncmp(f->name, *text, n) || f->name[n]))
			f++;
		if (!f->name || (*text)[n] != '=')
			return false;
		*text += n + 1;
		uint8_t unused[16];
		if (!parse_value(text, f, (uint8_t *)key + f->offset,
				 mask ? (uint8_t *)mask + f->offset : unused))
			return false;
	}
}
