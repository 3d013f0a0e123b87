/* SPDX-License-Identifier: Apache-2.0 */
// A peer that says anything to the switch: the input is a run of OpenFlow messages, framed by their
// length fields, in the version that its first byte picks. Tables and connections are real;
// sockets, ports and the datapath are not.
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/rcu.h"
#include "fake_bridge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void say(struct ofconn *of, const uint8_t *bytes, size_t n)
{
	// As ofconn delivers it: whole, with the right length and version.
	uint8_t *copy = malloc(n);
	memcpy(copy, bytes, n);
	copy[0] = of->version;
	put_be16(copy + 2, (uint16_t)n);
	fake_deliver(of, copy, n);
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static bool once;
	if (!once) {
		rcu_register();
		clock_stop();
		once = true;
	}
	if (!n)
		return 0;
	fake_bridge_init();
	struct ofconn *of = fake_accepted((uint8_t)(OFP10 + data[0] % 6));
	for (size_t at = 1; n - at >= 8;) {
		size_t len = get_be16(data + at + 2);
		len = len < 8 ? 8 : len > n - at ? n - at : len;
		say(of, data + at, len);
		at += len;
	}
	clock_warp(1000);
	loop_clock_changed(fake.system.loop);
	loop_run_once(fake.system.loop, 0);
	fake_bridge_done();
	return 0;
}
