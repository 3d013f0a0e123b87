/* SPDX-License-Identifier: Apache-2.0 */
// Frames into keys: the key of a hostile frame agrees with its flow, and headers are located within
// it. The first byte says how much longer the frame claims to be than what can be read of it.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "dp/user/key.h"
#include "dp/user/locate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_agrees(const struct dp_key *key, const struct flow *flow)
{
	struct dp_key want, exact;
	struct flow back, mask;
	uint32_t layout = key->meta.layout & (LAYOUT_N - 1);
	if (!layout_is_valid(layout) || layout != layout_from_flow(flow))
		abort();
	key_from_flow(&want, flow);
	mask_exact(&exact, layout);
	key_to_flow(key, &exact, layout, &back, &mask);
	if (!key_equal_masked(key, &want, &exact) || !flow_equal(&back, flow))
		abort();
}

static void check_key(const uint8_t *frame, uint32_t n, uint32_t wire_len)
{
	uint8_t scratch[KEY_HEADER_BYTES];
	const uint8_t *header;
	struct dp_key key;
	struct flow flow;
	memset(&flow, 0, sizeof(flow));
	memset(&key, 0, sizeof(key));
	key.meta.layout = (uint16_t)key_header(frame, n, wire_len, n, scratch, &header);
	memcpy(key.header, header, KEY_HEADER_BYTES);
	flow_extract(frame, n, wire_len, &flow);
	check_agrees(&key, &flow);
}

// The same without its Ethernet header.
static void check_bare(uint8_t *frame, uint32_t n, uint32_t wire_len)
{
	struct dp_key key;
	struct flow flow;
	memset(&flow, 0, sizeof(flow));
	memset(&key, 0, sizeof(key));
	memset(frame, 0, 12);
	key.meta.layout = (uint16_t)key_bare_header(frame, n, wire_len, key.header);
	key_extract_bare(frame, n, wire_len, &flow);
	check_agrees(&key, &flow);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1 + ETH_HDR_BYTES || size > 4096)
		return -1;
	uint32_t n = (uint32_t)size - 1, wire_len = n + data[0] * data[0];
	uint8_t *frame = malloc(n); // exactly as long, so that a byte too far is seen
	struct locus at;
	memcpy(frame, data + 1, n);
	check_key(frame, n, wire_len);
	locate(frame, n, wire_len, &at);
	if (at.l3 > n || at.l4 + at.l4_len > n)
		abort();
	check_bare(frame, n, wire_len);
	free(frame);
	return 0;
}
