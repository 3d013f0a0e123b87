/* SPDX-License-Identifier: Apache-2.0 */
// Options of Geneve in datapath keys: "geneve({class=0x1234,type=0,len=4,0xa/0xff})".
#include <ctype.h>
#include <string.h>

#include "base/str.h"
#include "flow/dpact_headers.h"
#include "flow/flow.h"

enum { HEADER = 4, UNIT = 4, LEN_BITS = 0x1f };

static void add_masked(struct str *s, const char *name, unsigned int v, unsigned int mask,
		       unsigned int all)
{
	if (v)
		str_addf(s, "%s=%#x", name, v);
	else
		str_addf(s, "%s=0", name);
	if (mask != all)
		str_addf(s, "/%#x", mask);
}

static bool is_exact(const uint8_t *p, size_t n)
{
	while (n && *p == 0xff)
		p++, n--;
	return !n;
}

void dpoptions_format(struct str *s, const uint8_t *options, const uint8_t *mask, size_t n)
{
	str_add(s, "geneve(");
	for (size_t at = 0; at + HEADER <= n;) {
		const uint8_t *p = options + at, *m = mask + at;
		size_t len = (p[3] & LEN_BITS) * UNIT;
		if (at + HEADER + len > n)
			break;
		str_addc(s, '{');
		add_masked(s, "class", get_be16(p), get_be16(m), UINT16_MAX);
		str_addc(s, ',');
		add_masked(s, "type", p[2], m[2], UINT8_MAX);
		str_addf(s, ",len=%zu", len);
		if (len) {
			str_addc(s, ',');
			str_add_be_number(s, p + HEADER, len);
			if (!is_exact(m + HEADER, len)) {
				str_addc(s, '/');
				str_add_be_number(s, m + HEADER, len);
			}
		}
		str_addc(s, '}');
		at += HEADER + len;
	}
	str_addc(s, ')');
}

// A hexadecimal or zero number into n bytes.
static bool scan_body(const char **text, uint8_t *out, size_t n)
{
	const char *s = *text, *end;
	memset(out, 0, n);
	if (s[0] == '0' && (s[1] == 'x' || s[1] == 'X'))
		s += 2;
	while (*s == '0' && isxdigit((unsigned char)s[1]))
		s++;
	for (end = s; isxdigit((unsigned char)*end);)
		end++;
	if (end == s || (size_t)(end - s) > 2 * n)
		return false;
	*text = end;
	for (size_t i = 0; end-- > s; i++) {
		unsigned int digit =
			(unsigned int)(*end <= '9' ? *end - '0' : (*end | 0x20) - 'a' + 10);
		out[n - 1 - i / 2] |= (uint8_t)(i & 1 ? digit << 4 : digit);
	}
	return true;
}

static bool parse_one(const char **text, uint8_t *p, uint8_t *m, size_t room, size_t *used)
{
	uint64_t option_class, class_mask, type, type_mask, len;
	if (!dptext_literal(text, "{class=") ||
	    !dptext_masked(text, UINT16_MAX, &option_class, &class_mask) ||
	    !dptext_literal(text, ",type=") || !dptext_masked(text, UINT8_MAX, &type, &type_mask) ||
	    !dptext_literal(text, ",len=") || !dptext_number(text, FLOW_OPTION_MAX, &len) ||
	    len % UNIT || HEADER + len > room)
		return false;
	put_be16(p, (uint16_t)option_class);
	put_be16(m, (uint16_t)class_mask);
	p[2] = (uint8_t)type;
	m[2] = (uint8_t)type_mask;
	p[3] = (uint8_t)(len / UNIT);
	m[3] = 0xff;
	memset(m + HEADER, 0xff, len);
	*used = HEADER + len;
	if (len && (!dptext_literal(text, ",") || !scan_body(text, p + HEADER, len)))
		return false;
	if (len && dptext_literal(text, "/") && !scan_body(text, m + HEADER, len))
		return false;
	return dptext_literal(text, "}");
}

bool dpoptions_parse(const char **text, uint8_t options[FLOW_OPTIONS_BYTES],
		     uint8_t mask[FLOW_OPTIONS_BYTES], size_t *n)
{
	memset(options, 0, FLOW_OPTIONS_BYTES);
	memset(mask, 0, FLOW_OPTIONS_BYTES);
	for (*n = 0; !dptext_literal(text, ")");) {
		size_t used;
		*text += strspn(*text, ", ");
		if (!parse_one(text, options + *n, mask + *n, FLOW_OPTIONS_BYTES - *n, &used))
			return false;
		*n += used;
	}
	for (size_t i = 0; i < *n; i++)
		options[i] &= mask[i];
	return true;
}
