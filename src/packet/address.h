/* SPDX-License-Identifier: Apache-2.0 */
// Ethernet, IPv4 and IPv6 addresses as text. A scanner reads one at *text and steps over it; it
// fails, leaving *text, when there is none. What follows the address is not looked at. Nothing
// allocates but the growing output string.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/byteorder.h"
#include "base/str.h"

bool mac_scan(const char **text, uint8_t mac[6]); // one or two hexadecimal digits per byte
bool ipv4_scan(const char **text, be32_t *address);
bool ipv6_scan(const char **text, uint8_t address[16]);

void mac_format(struct str *, const uint8_t mac[6]);
void ipv4_format(struct str *, be32_t address);
void ipv6_format(struct str *, const uint8_t address[16]);

// "address/mask": the mask is left out when it is all ones, and written as a prefix length where it
// is a prefix.
void mac_format_masked(struct str *, const uint8_t mac[6], const uint8_t mask[6]);
void ipv4_format_masked(struct str *, be32_t address, be32_t mask);
void ipv6_format_masked(struct str *, const uint8_t address[16], const uint8_t mask[16]);

// The prefix length of a mask, or -1 when it is no prefix.
int ipv4_mask_bits(be32_t mask);
int ipv6_mask_bits(const uint8_t mask[16]);
// 0 to 32, 0 to 128.
be32_t ipv4_mask_make(unsigned int bits);
void ipv6_mask_make(unsigned int bits, uint8_t mask[16]);
