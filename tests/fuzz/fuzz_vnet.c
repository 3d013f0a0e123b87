/* SPDX-License-Identifier: Apache-2.0 */
// A vnet header and the frame behind it, which is the sender's: what is decoded must encode again,
// and checksums stay in bounds.
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "netdev/vnet.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct virtio_net_hdr h, again;
	if (n < sizeof(h) + 2 || n > 60000)
		return 0;
	memcpy(&h, data, sizeof(h));
	unsigned int cut = data[sizeof(h)];
	data += sizeof(h) + 1;
	n -= sizeof(h) + 1;
	// Two segments in memory of exactly their sizes, so that a byte too far is seen.
	size_t first = n < cut ? n : n - cut;
	uint8_t *a = malloc(first + 1), *b = malloc(n - first + 1);
	memcpy(a, data, first);
	memcpy(b, data + first, n - first);
	struct rte_mbuf tail = {.buf_addr = b, .data_len = (uint16_t)(n - first), .nb_segs = 1};
	struct rte_mbuf m = {
		.buf_addr = a,
		.data_len = (uint16_t)first,
		.pkt_len = (uint32_t)n,
		.nb_segs = n > first ? 2 : 1,
		.next = n > first ? &tail : NULL,
	};
	if (vnet_decode(&m, &h, cut & 4)) {
		vnet_encode(&m, &again);
		if (again.flags && again.csum_start + again.csum_offset + 2u > first)
			abort();
		vnet_finish_checksum(&m);
	}
	free(a);
	free(b);
	return 0;
}
