/* SPDX-License-Identifier: Apache-2.0 */
#include "ofconn/hello.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/str.h"
#include "openflow/message.h"
#include "openflow/print.h"

void hello_format_versions(uint32_t versions, struct str *s)
{
	unsigned int first = (unsigned int)__builtin_ctz(versions | 1u << 31);
	if (!versions) {
		str_add(s, "no versions");
		return;
	}
	if (!(versions & (versions - 1))) {
		str_addf(s, "version 0x%02x", first);
		return;
	}
	uint32_t shifted = (versions >> 1) + 1;
	if (!(shifted & (shifted - 1))) {
		str_addf(s, "version 0x%02x and earlier",
			 31 - (unsigned int)__builtin_clz(versions));
		return;
	}
	const char *separator = "versions ";
	for (unsigned int v = 0; v < 32; v++)
		if (versions & 1u << v) {
			str_addf(s, "%s0x%02x", separator, v);
			separator = ", ";
		}
}

static uint8_t refuse(uint32_t ours, uint32_t theirs, uint32_t xid, struct buf *answer, char **why)
{
	struct str us = STR_INIT, them = STR_INIT;
	hello_format_versions(ours, &us);
	hello_format_versions(theirs, &them);
	uint8_t version = theirs ? (uint8_t)(31 - __builtin_clz(theirs)) : OFP10;
	char *text = xasprintf("We support %s, you support %s, no common versions.", str_cstr(&us),
			       str_cstr(&them));
	ofp_encode_hello_error(answer, version, xid, text); // 1.0 where we cannot speak it
	free(text);
	*why = xasprintf("version negotiation failed (we support %s, peer supports %s)",
			 str_cstr(&us), str_cstr(&them));
	str_done(&us);
	str_done(&them);
	return 0;
}

uint8_t hello_negotiate(uint32_t versions, const void *bytes, size_t n, struct buf *answer,
			char **why)
{
	struct ofp_msg m;
	uint32_t theirs;
	int error = ofp_msg_decode(bytes, n, &m);
	if (error || m.type != OFPTYPE_HELLO) {
		struct str text = STR_INIT;
		struct ofp_print_options options = {.verbosity = 1};
		ofp_print(&text, bytes, n, &options);
		str_chomp(&text, '\n');
		*why = xasprintf("received message while expecting hello: %s", str_cstr(&text));
		str_done(&text);
		return 0;
	}
	// Elements that are malformed say nothing; the version number still does.
	(void)ofp_decode_hello(&m, &theirs);
	uint32_t common = versions & theirs & OFP_VERSIONS_ALL;
	if (!common)
		return refuse(versions, theirs, m.xid, answer, why);
	return (uint8_t)(31 - __builtin_clz(common));
}
