/* SPDX-License-Identifier: Apache-2.0 */
// The Internet checksum (RFC 1071), its incremental update (RFC 1624), and SCTP's CRC32c (RFC
// 9260). Partial sums are 32-bit accumulators of big-endian 16-bit words in *network
// representation*: add parts in any order, then csum_finish() once. The result goes into the header
// as it is, without swapping. Any thread.
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "base/byteorder.h"

// Adds n bytes to a partial sum. All parts but the last must have an even length.
uint32_t csum_add(uint32_t sum, const void *bytes, size_t n);
static inline uint32_t csum_add16(uint32_t sum, be16_t word)
{
	sum += word;
	return sum + (sum < word);
}
static inline uint32_t csum_add32(uint32_t sum, be32_t word)
{
	return csum_add16(csum_add16(sum, (be16_t)word), (be16_t)(word >> 16));
}
// Folds and complements: the value for the checksum field.
static inline be16_t csum_finish(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (be16_t)~sum;
}
// Of one contiguous piece: csum_finish(csum_add(0, ...)). Over a header with its checksum in place
// the result is 0 when right.
be16_t csum(const void *bytes, size_t n);

// Sums of the pseudo headers. `l4_len` is the length of the L4 header and payload.
uint32_t csum_pseudo4(be32_t src, be32_t dst, uint8_t proto, uint16_t l4_len);
uint32_t csum_pseudo6(const void *src16, const void *dst16, uint8_t proto, uint32_t l4_len);

// The checksum after a word that it covers changed from `before` to `after` (RFC 1624, equation 3).
// For UDP the caller leaves a checksum of 0 alone and turns a result of 0 into 0xffff.
static inline be16_t csum_update16(be16_t checksum, be16_t before, be16_t after)
{
	return csum_finish((uint32_t)(be16_t)~checksum + (be16_t)~before + after);
}
static inline be16_t csum_update32(be16_t checksum, be32_t before, be32_t after)
{
	return csum_finish((uint32_t)(be16_t)~checksum + (be16_t)~before + (be16_t)(~before >> 16) +
			   (be16_t)after + (be16_t)(after >> 16));
}
// n even.
be16_t csum_update(be16_t checksum, const void *before, const void *after, size_t n);

// CRC32c of n bytes continuing `crc` (0 to begin). The result for SCTP's field is this value in
// little-endian order.
uint32_t crc32c(uint32_t crc, const void *bytes, size_t n);
