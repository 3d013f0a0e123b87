/* SPDX-License-Identifier: Apache-2.0 */
// A frame is arbitrary bytes, of which only the first part may be at hand. What is found must
// print, and be found again in the frame composed of it.
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "flow/compose.h"
#include "flow/match.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	if (!n)
		return 0;
	size_t extra = data[0] & 0x80 ? 1000 : 0;
	unsigned int vlans = data[0] % 3;
	struct flow f = {0}, again = {0};
	if (data[0] & 0x40 &&
	    n > 2) // without an Ethernet header: of the type that its first two bytes say
		f.packet_type = again.packet_type =
			flow_bare_type(htobe16((uint16_t)(data[1] << 8 | data[2])));
	flow_extract_vlans(data + 1, n - 1, n - 1 + extra, vlans, &f);
	struct str s = STR_INIT;
	flow_format(&f, NULL, &s, NULL, NULL);
	str_done(&s);
	// A type that is a tag's says that the tag was cut off, or one too many.
	if ((n < 15 && !flow_is_bare(&f)) || f.dl_type == BE16(0x8100) || f.dl_type == BE16(0x88a8))
		return 0;
	struct buf b = BUF_INIT;
	flow_compose(&f, NULL, 8, &b);
	flow_extract(b.data, b.len, b.len, &again);
	if (memcmp(f.dl_dst, again.dl_dst, 6) || memcmp(f.vlan, again.vlan, sizeof(f.vlan)) ||
	    f.dl_type != again.dl_type)
		abort();
	buf_done(&b);
	return 0;
}
