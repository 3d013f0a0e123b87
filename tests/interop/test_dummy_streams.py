# SPDX-License-Identifier: Apache-2.0
"""Dummies of several processes, connected by byte streams: ours with ours, and ours with those of the stock switch, either way round."""
import pytest

import harness
from dummy import Channel

FRAME = "ffffffffffff0000000000%02x1234" + "ab" * 46


@pytest.fixture
def two(request, net):
    """Two switches, each with a dummy p1 that is the end of a wire between them and a dummy p2 for us; patched together by flows."""
    made = []
    try:
        for label, tools in zip("ab", request.param):
            s = harness.Switch(tools=tools, netns=net.namespace(label), vswitchd_args=["--enable-dummy"])
            made.append(s)
        for s, option in zip(made, (f"options:pstream=punix:{made[0].dir}/wire", f"options:stream=unix:{made[0].dir}/wire")):
            s.vsctl("add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=dummy", "fail_mode=secure",
                    "--", "add-port", "br0", "p1", "--", "set", "interface", "p1", "type=dummy", "ofport_request=1", option,
                    "--", "add-port", "br0", "p2", "--", "set", "interface", "p2", "type=dummy", f"options:tx_pcap={s.dir}/p2.pcap")
            for here, there in (("p1", "p2"), ("p2", "p1")):
                s.ofctl("add-flow", "br0", f"in_port={here},actions={there}")
        yield made
    finally:
        for s in made:
            s.close()


def received(s):
    """The frames that came over the wire."""
    with open(f"{s.dir}/p2.pcap", "rb") as f:
        data = f.read()[24:]
    frames = []
    while len(data) >= 16:
        n = int.from_bytes(data[8:12], "little")
        frames.append(data[16:16 + n].hex())
        data = data[16 + n:]
    return frames


@pytest.mark.parametrize("two", [(harness.ours, harness.ours), (harness.ours, harness.stock), (harness.stock, harness.ours)], indirect=True,
                         ids=["ours-ours", "ours-stock", "stock-ours"])
def test_frames_cross(two):
    channels = [Channel(s.dir) for s in two]
    harness.wait_until(lambda: channels[1].call("netdev-dummy/conn-state") == "p1: connected\n", what="connected")
    assert channels[0].call("netdev-dummy/conn-state", "p1") == "p1: unknown\n"  # it listens
    for end in (0, 1):
        sent = [FRAME % i + "cd" * i for i in range(50)]
        for frame in sent:
            channels[end].call("netdev-dummy/receive", "p2", frame)
        harness.wait_until(lambda: len(received(two[1 - end])) == 50, what=f"frames from {end}")
        assert received(two[1 - end]) == sent  # all, whole, in order


@pytest.mark.parametrize("two", [(harness.ours, harness.ours)], indirect=True)
def test_a_wire_that_breaks_is_mended(two):
    channels = [Channel(s.dir) for s in two]
    harness.wait_until(lambda: "connected" in channels[1].call("netdev-dummy/conn-state"), what="connected")
    two[0].vsctl("del-port", "br0", "p1")
    harness.wait_until(lambda: channels[1].call("netdev-dummy/conn-state") == "p1: disconnected\n", what="disconnected")
    channels[1].call("netdev-dummy/receive", "p2", FRAME % 1)  # lost
    two[0].vsctl("add-port", "br0", "p1", "--", "set", "interface", "p1", "type=dummy", "ofport_request=1",
                 f"options:pstream=punix:{two[0].dir}/wire")
    harness.wait_until(lambda: channels[1].call("netdev-dummy/conn-state") == "p1: connected\n", what="connected again")
    channels[1].call("netdev-dummy/receive", "p2", FRAME % 2)
    harness.wait_until(lambda: received(two[0]) == [FRAME % 2], what="the next frame")


@pytest.mark.parametrize("options,error", [
    (["options:stream=foo:bar"], "foo:bar"),
    (["options:stream=unix:a", "options:pstream=punix:b"], "only one is possible"),
    (["options:pstream=punix:/no/such/directory/x"], "No such file or directory"),
])
def test_what_is_no_wire_says_so(net, options, error):
    s = harness.Switch(netns=net.namespace("a"), vswitchd_args=["--enable-dummy"])
    try:
        s.vsctl("add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=dummy", "--", "add-port", "br0", "p1",
                "--", "set", "interface", "p1", "type=dummy", *options, check=False)
        assert error in s.vsctl("get", "interface", "p1", "error")
    finally:
        s.close()
