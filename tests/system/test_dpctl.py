# SPDX-License-Identifier: Apache-2.0
"""ovs-dpctl changes megaflows by hand: one by one, from files, and what it dumps can be put back."""
import os

import pytest
from scapy.all import Ether, Raw

from dummy import DummySwitch

FLOW = "recirc_id(0),in_port({0}),packet_type(ns=0,id=0),eth(),eth_type(0x88b5)"


@pytest.fixture
def switch():
    s = DummySwitch()
    try:
        yield s
    finally:
        s.close()


def dpctl(switch, *args, check=True):
    return switch.tool("ovs-dpctl", *args, check=check)


def flows(switch):
    return [line for line in dpctl(switch, "dump-flows").stdout.splitlines() if "0x88b5" in line]


def test_one_by_one(switch):
    frame = Ether(src="00:00:00:00:00:01", dst="00:00:00:00:00:02", type=0x88b5) / Raw(b"x" * 60)
    dpctl(switch, "add-flow", FLOW.format(1), "2,3")
    switch.send(1, frame)
    assert set(switch.out()) == {2, 3}
    assert "packets:1, bytes:74" in flows(switch)[0]
    dpctl(switch, "mod-flow", FLOW.format(1), "push_vlan(vid=7,pcp=1),4")
    switch.send(1, frame)
    out = switch.out()
    assert set(out) == {4} and out[4][0][12:16] == b"\x81\x00\x20\x07"
    assert "packets:2, bytes:148" in flows(switch)[0]  # they stay
    switch.call("revalidator/wait")
    assert len(flows(switch)) == 1  # put there by hand: nothing to revalidate
    assert dpctl(switch, "mod-flow", FLOW.format(2), "1", check=False).returncode == 1
    dpctl(switch, "--may-create", "mod-flow", FLOW.format(2), "1")
    assert len(flows(switch)) == 2
    refused = dpctl(switch, "--read-only", "del-flow", FLOW.format(2), check=False)
    assert refused.returncode and "read only" in refused.stderr
    assert dpctl(switch, "-s", "del-flow", FLOW.format(1)).stdout.startswith("packets:2, bytes:148, used:")
    assert len(flows(switch)) == 1
    dpctl(switch, "del-flows")
    assert not flows(switch)


def test_files_and_dumps_go_round(switch):
    path = os.path.join(switch.dir, "flows")
    with open(path, "w") as f:
        f.write("# by hand\n")
        for port in (1, 2, 3):
            f.write(f"{FLOW.format(port)} 4\n")
    dpctl(switch, "add-flows", path)
    assert len(flows(switch)) == 3
    dump = dpctl(switch, "dump-flows").stdout
    dpctl(switch, "del-flows", path)
    assert not flows(switch)
    with open(path, "w") as f:
        f.write(dump)
    dpctl(switch, "add-flows", path)
    assert len(flows(switch)) == 3
    with open(path, "w") as f:
        f.write(f"add {FLOW.format(4)} 1\nmodify {FLOW.format(1)} 2\ndelete {FLOW.format(2)}\n")
    dpctl(switch, "add-flows", path)
    text = "\n".join(flows(switch))
    assert text.count("actions:4") == 1 and "in_port(1)" in text and text.count("actions:2") == 1 and "in_port(4)" in text
    with open(path, "w") as f:
        f.write(f"{FLOW.format(1)} 3\nnonsense 3\n")
    failed = dpctl(switch, "mod-flows", path, check=False)
    assert failed.returncode == 1 and "in line 2 of" in failed.stderr
