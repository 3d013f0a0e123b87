/* SPDX-License-Identifier: Apache-2.0 */
// The neighbour through which the host reaches an address: asked of the kernel per destination, so
// that a large or flapping routing table costs nothing.
#pragma once
#include <stdint.h>

#include "base/byteorder.h"

// The Ethernet address of the neighbour that packets to `dst` (IPv4) go to. 0, or negative errno:
// -EXDEV when they leave through another device than `ifindex`, -EAGAIN when the neighbour's
// address is not known yet, or what the kernel said. Any thread.
int next_hop_mac(int ifindex, be32_t dst, uint8_t mac[6]);
