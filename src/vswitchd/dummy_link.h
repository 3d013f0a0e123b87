/* SPDX-License-Identifier: Apache-2.0 */
// Connects dummy ports of this process with those of others, over byte streams: options:stream and
// options:pstream. Each frame goes as its length, two bytes in network order, and its bytes, as in
// Open vSwitch. Whoever connects tries again for ever; whoever listens sends each frame to all who
// came.
#pragma once
#include "loop/loop.h"

// From now on dummies that are given such options are connected. The loop's thread.
void dummy_links_enable(struct loop *);
