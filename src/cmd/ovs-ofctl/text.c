/* SPDX-License-Identifier: Apache-2.0 */
// Commands that need no switch: messages and flows to text and back.
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "cmd/ovs-ofctl/ofctl.h"
#include "flow/match.h"
#include "openflow/group.h"
#include "openflow/header_fault.h"

LOG_MODULE_AS(errors_log, "ofp_errors");
LOG_MODULE_AS(messages_log, "ofp_msgs");

static void log_unknown(const void *msg, size_t n)
{
	struct ofp_msg m;
	struct str why = STR_INIT;
	if (n >= sizeof(struct ofp_header) && ofp_length(msg) == n &&
	    ofp_msg_explain_unknown(msg, n, ofp_msg_decode(msg, n, &m), &why))
		log_write(&messages_log, LVL_WARN, "%s", str_cstr(&why));
	str_done(&why);
}

void print_message(const struct ofctl *o, const void *msg, size_t n, int verbosity)
{
	struct ofp_print_options options = {.verbosity = verbosity, .no_stats = o->no_stats};
	struct str text = text_to_show(o);
	log_unknown(msg, n);
	ofp_print(&text, msg, n, &options);
	fputs(str_cstr(&text), stdout);
	str_done(&text);
}

// --- ofp-print, ofp-parse

// Pairs of digits, with blanks between them. Where they end.
static const char *skip_hex(const char *s, struct buf *b)
{
	for (;;) {
		s += strspn(s, " \t\r\n");
		if (!isxdigit((unsigned char)s[0]) || !isxdigit((unsigned char)s[1]))
			return s;
		char pair[3] = {s[0], s[1], '\0'};
		buf_add_u8(b, (uint8_t)strtoul(pair, NULL, 16));
		s += 2;
	}
}

static void ofp_print_hex(int argc, char *argv[], void *arg)
{
	struct buf b = BUF_INIT;
	if (*skip_hex(argv[1], &b))
		command_die("trailing garbage following hex bytes");
	print_message(arg, b.data, b.len, argc > 2 ? atoi(argv[2]) : 2);
	buf_done(&b);
}

static void ofp_parse(int argc, char *argv[], void *arg)
{
	struct ofctl *o = arg;
	const char *name = argv[1];
	FILE *f = strcmp(name, "-") ? fopen(name, "r") : stdin;
	uint8_t msg[OFP_MAX_LEN];
	size_t n;
	if (!f)
		command_die("%s: open (%s)", name, strerror(errno));
	while ((n = fread(msg, 1, sizeof(struct ofp_header), f))) {
		if (n < sizeof(struct ofp_header))
			command_die("%s: unexpected end of file mid-message", name);
		size_t len = ofp_length(msg);
		if (len < sizeof(struct ofp_header))
			command_die("%s: %zu-byte message is too short for OpenFlow", name, len);
		n = fread(msg + sizeof(struct ofp_header), 1, len - sizeof(struct ofp_header), f);
		if (n != len - sizeof(struct ofp_header))
			command_die("%s: unexpected end of file mid-message", name);
		print_message(o, msg, len, o->verbosity + 2);
	}
	if (f != stdin)
		fclose(f);
}

// --- parse-flow, parse-flows

static enum ofp_protocol usable_protocol(const struct ofctl *o, uint32_t usable)
{
	char *text = ofp_protocols_format(usable);
	printf("usable protocols: %s\n", text);
	free(text);
	uint32_t both = usable & o->protocols;
	if (!both) {
		fflush(stdout);
		command_die("no usable protocol");
	}
	return (enum ofp_protocol)(both & -both);
}

static enum ofp_protocol choose_protocol(const struct ofctl *o, uint32_t usable)
{
	enum ofp_protocol protocol = usable_protocol(o, usable);
	printf("chosen protocol: %s\n", ofp_protocol_name(protocol));
	return protocol;
}

static void parse_flow(int argc, char *argv[], void *arg)
{
	struct ofctl *o = arg;
	struct ofp_flow_mod fm = {0};
	struct port_names names;
	struct buf b = BUF_INIT;
	uint32_t usable;
	port_names_init(&names, o, NULL);
	flow_parse_or_die(o, &names, argv[1], OFPFC_ADD, NULL, &fm, &usable);
	ofp_encode_flow_mod(&b, &fm, choose_protocol(o, usable), o->next_xid++);
	print_message(o, b.data, b.len, o->verbosity);
	ofp_flow_mod_done(&fm);
	buf_done(&b);
}

static void parse_flows(int argc, char *argv[], void *arg)
{
	struct ofctl *o = arg;
	struct ofp_print_options options = {.verbosity = o->verbosity, .no_stats = o->no_stats};
	struct str text = text_to_show(o);
	struct flow_file file;
	struct flow_messages m = {0};
	struct port_names names;
	port_names_init(&names, o, NULL);
	flow_file_read(&file, argv[1]);
	flow_file_encode(&file, o, &names, OFPFC_ADD, OFPROTO_ALL, &m);
	choose_protocol(o, m.usable);
	flow_messages_check(&m);
	for (size_t at = 0; at < m.bytes.len;) {
		uint8_t *message = m.bytes.data + at;
		size_t n = ofp_length(message);
		ofp_set_xid(message, o->next_xid++);
		str_clear(&text);
		ofp_print(&text, message, n, &options);
		fwrite(text.s, 1, text.len, stdout);
		at += n;
	}
	buf_done(&m.bytes);
	str_done(&text);
	flow_file_done(&file);
}

static void parse_group(int argc, char *argv[], void *arg)
{
	struct ofctl *o = arg;
	struct ofp_group_mod gm;
	struct port_names names;
	struct buf b = BUF_INIT;
	uint32_t usable;
	port_names_init(&names, o, NULL);
	struct ofpact_text t = port_names_to_parse(&names);
	end_on_error(NULL, ofp_group_mod_parse(argv[1], OFPGC_ADD, &t, &gm, &usable));
	uint8_t version = ofp_protocol_version(usable_protocol(o, usable));
	printf("chosen version: %s\n", ofp_version_name(version));
	ofp_encode_group_mod(&b, &gm, version, o->next_xid++);
	print_message(o, b.data, b.len, o->verbosity);
	ofp_group_done(&gm.group);
	buf_done(&b);
	port_names_done(&names);
}

static void parse_key_value(int argc, char *argv[], void *arg)
{
	for (int i = 1; i < argc; i++) {
		char *at = argv[i], *key, *value;
		for (bool first = true; key_value_scan(&at, &key, &value); first = false)
			printf("%s%s%s%s", first ? "" : ", ", key, value && *value ? "=" : "",
			       value ? value : "");
		putchar('\n');
	}
}

// --- Errors and hellos.

static void print_error(int argc, char *argv[], void *arg)
{
	int error = ofperr_find(argv[1]);
	if (!error)
		command_die("unknown error \"%s\"", argv[1]);
	for (uint8_t v = OFP10; v <= OFP15; v++) {
		struct ofperr_code c;
		if (!ofperr_get_code(error, v, &c))
			printf("OpenFlow 1.%d: vendor %#x, type %u, code %u\n", v - OFP10, c.vendor,
			       c.type, c.code);
	}
}

static void encode_error_reply(int argc, char *argv[], void *arg)
{
	struct buf request = BUF_INIT, b = BUF_INIT;
	int error = ofperr_find(argv[1]);
	if (!error)
		command_die("unknown error \"%s\"", argv[1]);
	if (*skip_hex(argv[2], &request))
		command_die("Trailing garbage in hex data");
	if (request.len < sizeof(struct ofp_header))
		command_die("Request too short");
	struct ofperr_code code;
	if (ofperr_get_code(error, request.data[0], &code))
		log_write(&errors_log, LVL_ERR, "cannot encode %s for OpenFlow %s", argv[1],
			  ofp_version_short_name(request.data[0]) + 2);
	ofp_encode_error(&b, error, request.data, request.len);
	print_bytes(&b);
	buf_done(&request);
	buf_done(&b);
}

static void encode_hello(int argc, char *argv[], void *arg)
{
	struct ofctl *o = arg;
	struct buf b = BUF_INIT;
	uint32_t versions = (uint32_t)strtoul(argv[1], NULL, 0) & OFP_VERSIONS_ALL;
	if (!versions)
		command_die("%s: no version that can be offered", argv[1]);
	ofp_encode_hello(&b, versions, o->next_xid++);
	print_bytes(&b);
	print_message(o, b.data, b.len, 0);
	buf_done(&b);
}

const struct command text_commands[] = {
	{"ofp-print", "", 1, 2, ofp_print_hex},
	{"ofp-parse", "file", 1, 1, ofp_parse},
	{"parse-flow", "", 1, 1, parse_flow},
	{"parse-flows", "", 1, 1, parse_flows},
	{"parse-group", "", 1, 1, parse_group},
	{"parse-key-value", "", 1, INT_MAX, parse_key_value},
	{"print-error", "", 1, 1, print_error},
	{"encode-error-reply", "", 2, 2, encode_error_reply},
	{"encode-hello", "", 1, 1, encode_hello},
	{0},
};
