/* SPDX-License-Identifier: Apache-2.0 */
// For tests/system/test_layouts.py: reads the frames of a capture file, and of each, whole and cut
// at every byte, checks that the layout and the key straight from its bytes are those of its flow.
// Prints for each whole frame "regular|odd TAGS L3 L4" in numbers of layout.h.
#include <stdio.h>
#include <stdlib.h>

#include "dp/user/key.h"
#include "packet/pcap.h"

static bool agrees(const uint8_t *frame, size_t n, size_t wire)
{
	uint8_t scratch[KEY_HEADER_BYTES],
		*copy = malloc(n); // so that a sanitizer sees a byte too far
	struct dp_key key = {0}, want, exact;
	struct flow flow = {0}, back, covered;
	const uint8_t *header;
	memcpy(copy, frame, n);
	uint32_t layout =
		key_header(copy, (uint32_t)n, (uint32_t)wire, (uint32_t)n, scratch, &header);
	key.meta.layout = (uint16_t)layout;
	memcpy(key.header, header, KEY_HEADER_BYTES);
	flow_extract(copy, n, wire, &flow);
	layout &= LAYOUT_N - 1;
	mask_exact(&exact, layout);
	key_from_flow(&want, &flow);
	key_to_flow(&key, &exact, layout, &back, &covered);
	free(copy);
	return layout == layout_from_flow(&flow) && layout_is_valid(layout) &&
	       key_equal_masked(&key, &want, &exact) && flow_equal(&back, &flow);
}

static void show(const uint8_t *frame, size_t n)
{
	struct flow flow = {0};
	flow_extract(frame, n, n, &flow);
	uint32_t layout = layout_from_flow(&flow);
	printf("%s %u %u %u\n",
	       layout_classify(frame, (uint32_t)n, (uint32_t)n) == LAYOUT_ODD ? "odd" : "regular",
	       layout_n_tags(layout), (unsigned int)layout_l3(layout),
	       (unsigned int)layout_l4(layout));
}

int main(int argc, char **argv)
{
	struct pcap_file *file;
	struct buf frame = BUF_INIT;
	bool end = false;
	unsigned int wrong = 0;
	struct error *e =
		argc == 2 ? pcap_file_open(argv[1], &file) : error_new("usage: layout_frames FILE");
	while (!e && !end) {
		e = pcap_file_read(file, &frame, NULL, &end);
		if (e || end)
			break;
		show(frame.data, frame.len);
		for (size_t cut = ETH_HDR_BYTES; cut <= frame.len; cut++) {
			bool ok =
				agrees(frame.data, cut, cut) && agrees(frame.data, cut, frame.len);
			if (!ok && !wrong++)
				fprintf(stderr,
					"a frame of %zu bytes, cut at %zu: layout and flow "
					"disagree\n",
					(size_t)frame.len, cut);
		}
	}
	if (e) {
		fprintf(stderr, "%s\n", error_text(e));
		return 1;
	}
	pcap_file_close(file);
	buf_done(&frame);
	return wrong != 0;
}
