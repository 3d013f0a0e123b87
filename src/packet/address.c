/* SPDX-License-Identifier: Apache-2.0 */
#include "packet/address.h"

#include <arpa/inet.h>
#include <string.h>

static const char hex[] = "0123456789abcdef";

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool mac_scan(const char **text, uint8_t mac[6])
{
	const char *s = *text;
	uint8_t out[6];
	for (int i = 0; i < 6; i++) {
		if (i && *s++ != ':')
			return false;
		int high = hex_value(*s), low = high < 0 ? -1 : hex_value(s[1]);
		if (high < 0)
			return false;
		out[i] = (uint8_t)(low < 0 ? high : high << 4 | low);
		s += low < 0 ? 1 : 2;
		if (hex_value(*s) >= 0)
			return false;
	}
	memcpy(mac, out, sizeof(out));
	*text = s;
	return true;
}

bool ipv4_scan(const char **text, be32_t *address)
{
	const char *s = *text;
	uint32_t out = 0;
	for (int i = 0; i < 4; i++) {
		unsigned int byte = 0, digits = 0;
		if (i && *s++ != '.')
			return false;
		for (; *s >= '0' && *s <= '9' && digits < 4; digits++)
			byte = byte * 10 + (unsigned int)(*s++ - '0');
		if (!digits || digits > 3 || byte > 255)
			return false;
		out = out << 8 | byte;
	}
	*address = htobe32(out);
	*text = s;
	return true;
}

bool ipv6_scan(const char **text, uint8_t address[16])
{
	char copy[INET6_ADDRSTRLEN];
	size_t n = 0;
	for (const char *s = *text; hex_value(*s) >= 0 || *s == ':' || *s == '.'; s++) {
		if (n == sizeof(copy) - 1)
			return false;
		copy[n++] = *s;
	}
	copy[n] = '\0';
	if (inet_pton(AF_INET6, copy, address) != 1)
		return false;
	*text += n;
	return true;
}

void mac_format(struct str *s, const uint8_t mac[6])
{
	char out[18], *p = out;
	for (int i = 0; i < 6; i++) {
		*p++ = hex[mac[i] >> 4];
		*p++ = hex[mac[i] & 15];
		*p++ = ':';
	}
	str_addn(s, out, 17);
}

static char *put_byte(char *p, unsigned int v)
{
	if (v >= 100)
		*p++ = (char)('0' + v / 100);
	if (v >= 10)
		*p++ = (char)('0' + v / 10 % 10);
	*p++ = (char)('0' + v % 10);
	return p;
}

void ipv4_format(struct str *s, be32_t address)
{
	char out[16], *p = out;
	const uint8_t *b = (const uint8_t *)&address;
	for (int i = 0; i < 4; i++) {
		if (i)
			*p++ = '.';
		p = put_byte(p, b[i]);
	}
	str_addn(s, out, (size_t)(p - out));
}

void ipv6_format(struct str *s, const uint8_t address[16])
{
	char out[INET6_ADDRSTRLEN];
	str_add(s, inet_ntop(AF_INET6, address, out, sizeof(out)));
}

static bool all_ones(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] != 0xff)
			return false;
	return true;
}

void mac_format_masked(struct str *s, const uint8_t mac[6], const uint8_t mask[6])
{
	mac_format(s, mac);
	if (!all_ones(mask, 6)) {
		str_addc(s, '/');
		mac_format(s, mask);
	}
}

int ipv4_mask_bits(be32_t mask)
{
	uint32_t m = be32toh(mask);
	int bits = m ? 32 - __builtin_ctz(m) : 0;
	return ipv4_mask_make((unsigned int)bits) == mask ? bits : -1;
}

int ipv6_mask_bits(const uint8_t mask[16])
{
	unsigned int i = 0;
	while (i < 16 && mask[i] == 0xff)
		i++;
	if (i == 16)
		return 128;
	unsigned int bits = 8 * i + (unsigned int)__builtin_clz(~((unsigned int)mask[i] << 24));
	uint8_t check[16];
	ipv6_mask_make(bits, check);
	return memcmp(check, mask, 16) ? -1 : (int)bits;
}

be32_t ipv4_mask_make(unsigned int bits)
{
	return bits ? htobe32(UINT32_MAX << (32 - bits)) : (be32_t)0;
}

void ipv6_mask_make(unsigned int bits, uint8_t mask[16])
{
	for (unsigned int i = 0; i < 16; i++, bits -= bits < 8 ? bits : 8)
		mask[i] = bits >= 8 ? 0xff : (uint8_t)(0xff00u >> bits);
}

static void add_bits(struct str *s, int bits)
{
	char out[4], *p = out;
	*p++ = '/';
	p = put_byte(p, (unsigned int)bits);
	str_addn(s, out, (size_t)(p - out));
}

void ipv4_format_masked(struct str *s, be32_t address, be32_t mask)
{
	ipv4_format(s, address);
	int bits = ipv4_mask_bits(mask);
	if (bits < 0) {
		str_addc(s, '/');
		ipv4_format(s, mask);
	} else if (bits < 32) {
		add_bits(s, bits);
	}
}

void ipv6_format_masked(struct str *s, const uint8_t address[16], const uint8_t mask[16])
{
	ipv6_format(s, address);
	int bits = ipv6_mask_bits(mask);
	if (bits < 0) {
		str_addc(s, '/');
		ipv6_format(s, mask);
	} else if (bits < 128) {
		add_bits(s, bits);
	}
}
