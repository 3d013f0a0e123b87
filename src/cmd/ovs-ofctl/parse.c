/* SPDX-License-Identifier: Apache-2.0 */
// Commands that read encoded matches, actions and instructions from standard input, a line each,
// and print them: what the codecs make of bytes, and whether the bytes that they make of it again
// are the same.
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "cmd/ovs-ofctl/ofctl.h"
#include "openflow/action.h"
#include "openflow/error.h"
#include "openflow/match_codec.h"
#include "openflow/nx_entry.h"

// The next line without its comment; false at the end of the input. Lines that are empty then are
// shown, as they separate cases. A line that is a comment is printed when `show` says so.
static bool next_line(struct str *line, bool *blank, bool show)
{
	char *text = NULL;
	size_t cap = 0;
	str_clear(line);
	do {
		if (getline(&text, &cap, stdin) < 0) {
			free(text);
			return false;
		}
		text[strcspn(text, "\n")] = '\0';
		if (show && *text == '#')
			puts(text);
	} while (show && *text == '#');
	text[strcspn(text, "#")] = '\0';
	str_add(line, text);
	*blank = !text[strspn(text, " \t\r")];
	free(text);
	return true;
}

// Hexadecimal digits, in pairs, with spaces anywhere between them. Where they end.
static const char *scan_hex(const char *s, struct buf *b)
{
	for (;;) {
		s += strspn(s, " \t\r\n.");
		if (!isxdigit((unsigned char)s[0]) || !isxdigit((unsigned char)s[1]))
			return s;
		char pair[3] = {s[0], s[1], '\0'};
		buf_add_u8(b, (uint8_t)strtoul(pair, NULL, 16));
		s += 2;
	}
}

static void print_differences(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
	size_t n = a_len > b_len ? a_len : b_len;
	for (size_t i = 0; i < n; i++) {
		if (i >= b_len)
			printf("%2zu: %02x -> (none)\n", i, a[i]);
		else if (i >= a_len)
			printf("%2zu: (none) -> %02x\n", i, b[i]);
		else if (a[i] != b[i])
			printf("%2zu: %02x -> %02x\n", i, a[i], b[i]);
	}
}

static void show_match(const struct ofctl *o, const struct match *m)
{
	struct str s = text_to_show(o);
	match_format(m, &s, 32768, NULL, NULL);
	puts(str_cstr(&s));
	str_done(&s);
}

static uint8_t version_or_die(const char *name)
{
	uint8_t version = ofp_version_parse(name);
	if (!version)
		command_die("%s: not a valid OpenFlow version", name);
	return version;
}

// --- Actions and instructions.

static void parse_lists(const struct ofctl *o, const char *version_name, bool instructions)
{
	struct str line = STR_INIT;
	uint8_t version = version_or_die(version_name);
	for (bool blank; next_line(&line, &blank, false);) {
		struct buf bytes = BUF_INIT, list = BUF_INIT, again = BUF_INIT;
		if (blank)
			continue;
		const char *end = scan_hex(str_cstr(&line), &bytes);
		if (*end)
			command_die("Trailing garbage in hex data");
		struct cursor c = cursor_make(bytes.data, bytes.len);
		int error = instructions ? ofpacts_decode_instructions(c, version, &list)
					 : ofpacts_decode_outside_flow(c, version, &list);
		if (error) {
			printf("bad %s %s: %s\n\n", ofp_version_name(version),
			       instructions ? "instructions" : "actions", ofperr_name(error));
			buf_done(&bytes);
			buf_done(&list);
			continue;
		}
		struct str s = text_to_show(o);
		str_add(&s, "actions=");
		ofpacts_format(list.data, list.len, NULL, &s);
		puts(str_cstr(&s));
		str_done(&s);
		if (instructions)
			ofpacts_encode_instructions(&again, version, list.data, list.len);
		else
			ofpacts_encode(&again, version, list.data, list.len);
		print_differences(bytes.data, bytes.len, again.data, again.len);
		putchar('\n');
		buf_done(&bytes);
		buf_done(&list);
		buf_done(&again);
	}
	str_done(&line);
}

static void parse_actions(int argc, char *argv[], void *arg)
{
	parse_lists(arg, argv[1], false);
}

static void parse_instructions(int argc, char *argv[], void *arg)
{
	parse_lists(arg, argv[1], true);
}

// --- NXM and OXM: "NXM_OF_ETH_TYPE(0800), NXM_OF_IP_SRC_W(c0a80000/ffff0000)".

// Exactly n hexadecimal digits.
static bool scan_digits(const char *s, size_t n, uint32_t *v)
{
	char digits[9];
	if (n != 8 || strspn(s, "0123456789abcdefABCDEF") < n)
		return false;
	memcpy(digits, s, n);
	digits[n] = '\0';
	*v = (uint32_t)strtoul(digits, NULL, 16);
	return true;
}

// Which header the name asks for: a version that has it.
static uint8_t version_of_name(const struct field *f, const char *name)
{
	if (!strncmp(name, "ONFOXM", 6))
		return OFP13;
	return !strncmp(name, "OXM", 3) ? OFP15 : 0;
}

// Appends the header that a name, with "_W" when there is a mask, or 8 or 16 digits stand for.
static bool put_header(const char *name, size_t n, struct buf *b)
{
	uint32_t header, experimenter;
	if ((n == 8 || n == 16) && scan_digits(name, 8, &header)) {
		if (n == 16 && !scan_digits(name + 8, 8, &experimenter))
			return false;
		buf_add_be32(b, header);
		if (n == 16)
			buf_add_be32(b, experimenter);
		return true;
	}
	bool masked = n > 2 && !strncmp(name + n - 2, "_W", 2);
	size_t base = masked ? n - 2 : n;
	if (base == strlen("NXM_NX_COOKIE") && !strncmp(name, "NXM_NX_COOKIE", base)) {
		buf_add_be32(b, masked ? NXM_NX_COOKIE_W : NXM_NX_COOKIE);
		return true;
	}
	const struct field *f = field_find_any_name(name, base);
	if (!f || field_find_n(name, base) || (masked && f->maskable == FIELD_NOT_MASKABLE))
		return false;
	nx_header_encode(b, version_of_name(f, name), f, masked);
	return true;
}

// The header at the end of the buffer: how many bytes its value has; those of options may be fewer.
static size_t value_width(const struct buf *b, size_t at, bool *masked, bool *fewer)
{
	struct cursor c = cursor_make(b->data + at, b->len - at);
	uint32_t header = cursor_be32(&c), experimenter = b->len - at > 4 ? cursor_be32(&c) : 0;
	const struct field *f = nx_field_find(header, experimenter);
	size_t payload = header & 0xff, of_header = b->len - at - 4;
	*masked = header & 0x100;
	*fewer = f && f->variable_len;
	payload = payload > of_header ? payload - of_header : 0;
	return *masked ? payload / 2 : payload;
}

// Bytes that must be n, or with `fewer` n at most. Steps over them and returns their number.
static size_t scan_bytes(const char **s, size_t n, bool fewer, struct buf *out)
{
	size_t before = out->len;
	*s = scan_hex(*s, out);
	size_t got = out->len - before;
	if (fewer ? got > n : got != n)
		command_die("expected to read %s%zu bytes but got %zu", fewer ? "at most " : "", n,
			    got);
	*s += strspn(*s, " ");
	return got;
}

static void scan_nx_match(const char *text, struct buf *b)
{
	const char *s = text;
	if (!strcmp(text, "<any>"))
		return;
	for (s += strspn(s, ", "); *s; s += strspn(s, ", ")) {
		const char *name = s;
		size_t n = strcspn(s, "("), at = b->len;
		bool masked, fewer;
		if (s[n] != '(')
			command_die("%s: missing ( at end of nx_match", text);
		if (!put_header(name, n, b))
			command_die("%s: unknown field `%.*s'", text, (int)n, name);
		size_t width = value_width(b, at, &masked, &fewer);
		s += n + 1;
		size_t got = scan_bytes(&s, width, fewer, b);
		if (masked && *s != '/')
			command_die("%s: missing / in masked field %.*s", text, (int)n, name);
		if (masked) {
			size_t before = b->len;
			s = scan_hex(s + 1, b);
			if (b->len - before != got)
				command_die("%.2s: hex digits expected", s);
			s += strspn(s, " ");
		}
		if (*s != ')')
			command_die("%s: missing ) following field %.*s", text, (int)n, name);
		s++;
		if (fewer) // the header's last byte
			b->data[at + 3] = (uint8_t)(masked ? 2 * got : got);
	}
}

static void print_nx_match(const struct buf *b)
{
	struct str s = STR_INIT;
	nx_match_format(cursor_make(b->data, b->len), &s);
	fputs(str_cstr(&s), stdout);
	str_done(&s);
}

// The frame of 1.2 and later around the entries.
static struct buf frame_oxm(const struct buf *b)
{
	struct buf framed = BUF_INIT;
	buf_add_be16(&framed, 1);
	buf_add_be16(&framed, (uint16_t)(4 + b->len));
	buf_add(&framed, b->data, b->len);
	buf_pad(&framed, 0, 8);
	return framed;
}

static int decode_oxm(const struct buf *b, bool strict, struct match *m)
{
	struct buf framed = frame_oxm(b);
	struct cursor c = cursor_make(framed.data, framed.len);
	int error = ofp11_match_decode(&c, strict, m, NULL);
	buf_done(&framed);
	return error;
}

// As they are in a message.
static void print_entry_bytes(struct buf *b, uint8_t version)
{
	if (version) {
		struct buf framed = frame_oxm(b);
		print_bytes(&framed);
		buf_done(&framed);
	} else {
		buf_pad(b, 0, 8);
		print_bytes(b);
	}
}

// `version` 0: NXM, with cookies.
static void parse_entries(const struct ofctl *o, uint8_t version)
{
	struct str line = STR_INIT;
	for (bool blank; next_line(&line, &blank, true);) {
		struct buf bytes = BUF_INIT, again = BUF_INIT;
		struct match m;
		be64_t cookie = 0, cookie_mask = 0;
		if (blank) {
			putchar('\n');
			continue;
		}
		scan_nx_match(str_cstr(&line), &bytes);
		int error = version ? decode_oxm(&bytes, o->strict, &m)
				    : nx_match_decode(cursor_make(bytes.data, bytes.len), o->strict,
						      &m, &cookie, &cookie_mask);
		if (error) {
			printf("nx_pull_match() returned error %s\n", ofperr_name(error));
		} else {
			nx_match_encode(&again, version ? version : OFP10, &m, cookie, cookie_mask);
			print_nx_match(&again);
			putchar('\n');
			if (o->verbosity)
				print_entry_bytes(&again, version);
		}
		buf_done(&bytes);
		buf_done(&again);
	}
	str_done(&line);
}

static void parse_nx_match(int argc, char *argv[], void *arg)
{
	parse_entries(arg, 0);
}

static void parse_oxm(int argc, char *argv[], void *arg)
{
	uint8_t version = ofp_version_parse(argv[1]);
	if (version < OFP12)
		command_die("%s: not a valid version for OXM", argv[1]);
	parse_entries(arg, version);
}

// --- The fixed matches of 1.0 and 1.1.

static void parse_fixed_match(const struct ofctl *o, uint8_t version)
{
	struct str line = STR_INIT;
	size_t want = version == OFP10 ? (size_t)OFP10_MATCH_LEN : OFP11_MATCH_LEN;
	for (bool blank; next_line(&line, &blank, false);) {
		struct buf bytes = BUF_INIT, again = BUF_INIT;
		struct match m;
		if (blank)
			continue;
		if (*scan_hex(str_cstr(&line), &bytes))
			command_die("Trailing garbage in hex data");
		if (bytes.len != want)
			command_die("Input is %zu bytes, expected %zu", bytes.len, want);
		struct cursor c = cursor_make(bytes.data, bytes.len);
		int error = version == OFP10 ? ofp10_match_decode(&c, &m)
					     : ofp11_match_decode(&c, true, &m, NULL);
		if (error) {
			printf("bad ofp11_match: %s\n\n", ofperr_name(error));
		} else {
			show_match(o, &m);
			if (version == OFP10)
				ofp10_match_encode(&again, &m);
			else
				ofp11_match_encode(&again, version, &m);
			print_differences(bytes.data, bytes.len, again.data, again.len);
			putchar('\n');
		}
		buf_done(&bytes);
		buf_done(&again);
	}
	str_done(&line);
}

static void parse_ofp10_match(int argc, char *argv[], void *arg)
{
	parse_fixed_match(arg, OFP10);
}

static void parse_ofp11_match(int argc, char *argv[], void *arg)
{
	parse_fixed_match(arg, OFP11);
}

// --- check-vlan: what becomes of a match on the VLAN tag in each form.

static void print_tci(const struct match *m)
{
	printf("%04x/%04x", be16toh(m->flow.vlan[0].tci), be16toh(m->mask.vlan[0].tci));
}

static void check_entries(const char *name, uint8_t version, const struct match *m)
{
	enum { VID_BITS = 0x1fff, PCP_SHIFT = 13 };
	struct buf b = BUF_INIT;
	struct match got;
	nx_match_encode(&b, version, m, 0, 0);
	printf("%s: ", name);
	print_nx_match(&b);
	printf(" -> ");
	int error = version ? decode_oxm(&b, false, &got)
			    : nx_match_decode(cursor_make(b.data, b.len), false, &got, NULL, NULL);
	uint16_t tci = be16toh(got.flow.vlan[0].tci), mask = be16toh(got.mask.vlan[0].tci);
	if (error)
		printf("%s\n", ofperr_name(error));
	else if (!version)
		printf("%04x/%04x\n", tci, mask);
	else if (tci & VID_BITS && mask >> PCP_SHIFT)
		printf("%04x/%04x,%02x\n", tci & VID_BITS, mask & VID_BITS, tci >> PCP_SHIFT);
	else
		printf("%04x/%04x,--\n", tci & VID_BITS, mask & VID_BITS);
	buf_done(&b);
}

static void check_fixed(uint8_t version, const struct match *m)
{
	enum {
		WILDCARD_VLAN = 1 << 1,
		WILDCARD_PCP_10 = 1 << 20,
		WILDCARD_PCP_11 = 1 << 2,
		VLAN_10 = 18,
		WILDCARDS_11 = 8,
		VLAN_11 = 36
	};
	struct buf b = BUF_INIT;
	struct match got;
	if (version == OFP10)
		ofp10_match_encode(&b, m);
	else
		ofp11_match_encode(&b, version, m);
	uint32_t wildcards = get_be32(b.data + (version == OFP10 ? 0 : WILDCARDS_11));
	const uint8_t *vlan = b.data + (version == OFP10 ? VLAN_10 : VLAN_11);
	printf("OF1.%d: %04x/%d,%02x/%d -> ", version - OFP10, get_be16(vlan),
	       !!(wildcards & WILDCARD_VLAN), vlan[2],
	       !!(wildcards & (version == OFP10 ? WILDCARD_PCP_10 : WILDCARD_PCP_11)));
	struct cursor c = cursor_make(b.data, b.len);
	match_init_any(&got);
	if (version == OFP10)
		(void)ofp10_match_decode(&c, &got);
	else
		(void)ofp11_match_decode(&c, false, &got, NULL);
	print_tci(&got);
	putchar('\n');
	buf_done(&b);
}

static void check_vlan(int argc, char *argv[], void *arg)
{
	struct match m, again;
	struct str text = STR_INIT;
	match_init_any(&m);
	m.mask.vlan[0].tci = htobe16((uint16_t)strtoul(argv[2], NULL, 16));
	m.flow.vlan[0].tci = htobe16((uint16_t)strtoul(argv[1], NULL, 16));
	match_format(&m, &text, -1, NULL, NULL);
	printf("%s -> ", str_cstr(&text));
	fflush(stdout);
	struct error *e = match_parse(&again, str_cstr(&text), NULL, NULL);
	end_on_error(NULL, e);
	print_tci(&again);
	putchar('\n');
	check_entries("NXM", 0, &m);
	check_entries("OXM", OFP12, &m);
	check_fixed(OFP10, &m);
	check_fixed(OFP11, &m);
	str_done(&text);
}

const struct command parse_commands[] = {
	{"parse-actions", "", 1, 1, parse_actions},
	{"parse-instructions", "", 1, 1, parse_instructions},
	{"parse-nx-match", "", 0, 0, parse_nx_match},
	{"parse-nxm", "", 0, 0, parse_nx_match},
	{"parse-oxm", "", 1, 1, parse_oxm},
	{"parse-ofp10-match", "", 0, 0, parse_ofp10_match},
	{"parse-ofp11-match", "", 0, 0, parse_ofp11_match},
	{"check-vlan", "", 2, 2, check_vlan},
	{0},
};
