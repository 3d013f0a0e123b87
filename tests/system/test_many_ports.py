# SPDX-License-Identifier: Apache-2.0
"""A thousand ports on a bridge: a broadcast reaches all, and one more port does not look at each of the others."""
import re

import pytest

from dummy import DummySwitch

N = 1000


@pytest.fixture(scope="module")
def switch():
    s = DummySwitch(n_ports=1)
    try:
        args = []
        for i in range(N):
            args += ["--", "add-port", "br0", f"q{i}", "--", "set", "interface", f"q{i}", "type=dummy"]
        s.vsctl(*args)
        yield s
    finally:
        s.close()


def transmitted(switch):
    text = switch.ofctl("dump-ports", "br0")
    return [int(n) for n in re.findall(r"tx pkts=(\d+)", text)]


@pytest.mark.parametrize("actions", ["NORMAL", "FLOOD", "ALL"])
def test_a_broadcast_reaches_all(switch, actions):
    switch.ofctl("del-flows", "br0")
    switch.ofctl("add-flow", "br0", f"actions={actions}")
    before = transmitted(switch)
    switch.send(1, bytes.fromhex("ffffffffffff0000000001010806" + "00" * 46))
    switch.call("version")
    after = transmitted(switch)
    # All but the one that it came in through: the others, and LOCAL.
    assert sum(after) - sum(before) == N + 1
    assert sum(a != b for a, b in zip(after, before)) == N + 1


def cpu(switch):
    fields = open(f"/proc/{switch.switch.pid}/stat").read().split()
    return int(fields[13]) + int(fields[14])


def test_one_more_port_is_cheap(switch):
    before = cpu(switch)
    for i in range(20):
        switch.vsctl("add-port", "br0", f"z{i}", "--", "set", "interface", f"z{i}", "type=dummy")
    # In ticks of 10 ms: a thousand ports that look at a thousand others take ten times as long. Sanitizers take their part.
    assert cpu(switch) - before < 20 * 6
