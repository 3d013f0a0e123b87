/* SPDX-License-Identifier: Apache-2.0 */
#include "packet/checksum.h"

#include <string.h>

uint32_t csum_add(uint32_t sum, const void *bytes, size_t n)
{
	const uint8_t *p = bytes;
	uint64_t acc = sum;
	for (; n >= 4; n -= 4, p += 4) {
		uint32_t w;
		memcpy(&w, p, sizeof(w));
		acc += w;
	}
	if (n >= 2) {
		uint16_t w;
		memcpy(&w, p, sizeof(w));
		acc += w;
		p += 2;
		n -= 2;
	}
	if (n)
		acc += *p; // the odd byte is the high half of a big-endian word, so the low half in
			   // memory order
	acc = (acc & 0xffffffff) + (acc >> 32);
	acc = (acc & 0xffffffff) + (acc >> 32);
	return (uint32_t)acc;
}

be16_t csum(const void *bytes, size_t n)
{
	return csum_finish(csum_add(0, bytes, n));
}

uint32_t csum_pseudo4(be32_t src, be32_t dst, uint8_t proto, uint16_t l4_len)
{
	uint32_t sum = csum_add32(csum_add32(0, src), dst);
	return csum_add16(csum_add16(sum, htobe16(proto)), htobe16(l4_len));
}

uint32_t csum_pseudo6(const void *src16, const void *dst16, uint8_t proto, uint32_t l4_len)
{
	uint32_t sum = csum_add(csum_add(0, src16, 16), dst16, 16);
	return csum_add32(csum_add32(sum, htobe32(proto)), htobe32(l4_len));
}

be16_t csum_update(be16_t checksum, const void *before, const void *after, size_t n)
{
	uint32_t removed = csum_add(0, before, n);
	return csum_finish(
		csum_add32(csum_add(csum_add16(0, (be16_t)~checksum), after, n), ~removed));
}

// Four bits at a time, from a table of the reflected Castagnoli polynomial: SCTP checksums are
// computed only for composed frames.
#define CRC1(c) (((c) >> 1) ^ (0x82f63b78u & -((c)&1)))
#define CRC2(c) CRC1(CRC1(c))
#define CRC4(c) CRC2(CRC2(c))
static const uint32_t crc_nibble[16] = {
	CRC4(0u), CRC4(1u), CRC4(2u),  CRC4(3u),  CRC4(4u),  CRC4(5u),	CRC4(6u),  CRC4(7u),
	CRC4(8u), CRC4(9u), CRC4(10u), CRC4(11u), CRC4(12u), CRC4(13u), CRC4(14u), CRC4(15u),
};

uint32_t crc32c(uint32_t crc, const void *bytes, size_t n)
{
	const uint8_t *p = bytes;
	crc = ~crc;
	for (; n; n--) {
		crc ^= *p++;
		crc = crc >> 4 ^ crc_nibble[crc & 15];
		crc = crc >> 4 ^ crc_nibble[crc & 15];
	}
	return ~crc;
}
