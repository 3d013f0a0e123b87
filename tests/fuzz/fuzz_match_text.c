/* SPDX-License-Identifier: Apache-2.0 */
// A match is arbitrary text. One that is taken prints as text that is taken and prints the same.
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "flow/match.h"
#include "packet/headers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

// "icmp,tp_src=888" is taken, as the oracle does, and prints as icmp_type=888, which is not.
static bool has_wide_icmp(const struct match *m)
{
	return ((m->flow.nw_proto == IP_PROTO_ICMP && m->flow.dl_type == BE16(ETHERTYPE_IPV4)) ||
		(m->flow.nw_proto == IP_PROTO_ICMPV6 && m->flow.dl_type == BE16(ETHERTYPE_IPV6))) &&
	       (be16toh(m->flow.tp_src) > 255 || be16toh(m->flow.tp_dst) > 255);
}

// "packet_type=(1,0x800),tcp6" is two things at once; the oracle takes it and prints only one of
// them.
static bool has_two_types(const struct match *m)
{
	uint32_t type = be32toh(m->flow.packet_type);
	return type >> 16 == 1 && m->mask.dl_type && be16toh(m->flow.dl_type) != (type & 0xffff);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char *text = xstrndup((const char *)data, n);
	struct match m, again;
	struct error *error = match_parse(&m, text, NULL, NULL);
	if (!error) {
		struct str s = STR_INIT, t = STR_INIT;
		match_normalize(&m);
		match_format(&m, &s, -1, NULL, NULL);
		error = match_parse(&again, str_cstr(&s), NULL, NULL);
		if (error && !has_wide_icmp(&m) && !has_two_types(&m))
			abort();
		if (!error) {
			match_format(&again, &t, -1, NULL, NULL);
			if (strcmp(str_cstr(&s), str_cstr(&t)) && !has_two_types(&m))
				abort();
		}
		str_done(&s);
		str_done(&t);
	}
	error_free(error);
	const char *s = text;
	struct subfield sf;
	error_free(subfield_parse(&s, &sf));
	free(text);
	return 0;
}
