/* SPDX-License-Identifier: Apache-2.0 */
// Properties: the lists of type, length, value, padded to 8 bytes, that OpenFlow 1.3 and later put
// at the end of many messages. Private to this folder.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/cursor.h"

enum { OFPPROP_EXPERIMENTER = 0xffff };
// The type of an experimenter's property as prop_pull() gives it.
#define OFPPROP_EXP(VENDOR, TYPE) ((uint64_t)(VENDOR) << 32 | (TYPE))

// The next property, which *c steps over. *value: what follows type and length, and of an
// experimenter's property the two numbers that identify it. 0, OFPBPC_BAD_LEN or
// OFPBPC_BAD_EXPERIMENTER.
int prop_pull(struct cursor *c, uint64_t *type, struct cursor *value);
// The error for a property that nobody knows.
int prop_unknown(uint64_t type);
// A value of one number (as stock has it: behind one of 16 bits there may be more). 0 or
// OFPBPC_BAD_LEN.
int prop_u16(struct cursor value, uint16_t *);
int prop_u32(struct cursor value, uint32_t *);

size_t prop_begin(struct buf *, uint16_t type);
// Fills in the length and pads.
void prop_end(struct buf *, size_t at);
void prop_put_u16(struct buf *, uint16_t type, uint16_t value);
void prop_put_u32(struct buf *, uint16_t type, uint32_t value);
