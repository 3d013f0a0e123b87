# SPDX-License-Identifier: Apache-2.0
"""Tables that loop or dig too deep, addresses that jump about: bounded, counted, explained in the log, and the rest does not notice."""
import re

import pytest
from scapy.all import IP, UDP, Ether, Raw

import harness
from dummy import DummySwitch


@pytest.fixture
def switch():
    s = DummySwitch()
    try:
        yield s
    finally:
        s.close()


def frame(src=1, dst=2, port=1):
    return Ether(src=f"00:00:00:00:00:0{src}", dst=f"00:00:00:00:00:0{dst}") / IP() / UDP(dport=port) / Raw(b"x" * 30)


def warnings(switch, text):
    return [line for line in switch.log().splitlines() if text in line]


def counter(switch, name):
    return int(switch.call("coverage/read-counter", name))


def test_loop_is_named_in_the_log(switch):
    for flow in ("priority=5,udp,udp_dst=1,cookie=0x11,actions=resubmit(,1)", "table=1,priority=7,actions=resubmit(,0)",
                 "priority=5,udp,udp_dst=2,actions=output:2"):
        switch.ofctl("add-flow", "br0", flow)
    before = counter(switch, "xlate_too_deep")
    for _ in range(50):
        switch.send(1, frame(port=1), frame(port=2))
    out = switch.out()
    assert set(out) == {2} and len(out[2]) == 50  # the others go on
    assert counter(switch, "xlate_too_deep") == before + 1  # one megaflow drops the rest
    lines = harness.wait_until(lambda: warnings(switch, "translation failed"), what="the log")
    assert len(lines) == 1
    assert "Recursion too deep" in lines[0]
    assert re.search(r"a loop of 2 rules: br0 table . priority . cookie 0x11 -> br0 table . priority .|"
                     r"a loop of 2 rules: br0 table . priority . -> br0 table . priority . cookie 0x11", lines[0]), lines[0]
    assert "drop:translation" in switch.call("dpctl/dump-flows") or "actions:drop" in switch.call("dpctl/dump-flows")


def chain(switch, n):
    switch.ofctl("del-flows", "br0")
    for t in range(n):
        switch.ofctl("add-flow", "br0", f"table={t},actions={f'resubmit(,{t + 1})' if t + 1 < n else 'output:2'}")


def test_depth_can_be_configured(switch):
    chain(switch, 20)
    switch.send(1, frame())
    assert len(switch.out()[2]) == 1
    switch.vsctl("set", "bridge", "br0", "other_config:max-depth=10")
    switch.send(1, frame())
    assert not switch.out()
    assert harness.wait_until(lambda: warnings(switch, "the last of 10 rules: br0 table 2 priority 32768"), what="the log")
    chain(switch, 100)
    switch.vsctl("set", "bridge", "br0", "other_config:max-depth=200")
    switch.send(1, frame())
    assert len(switch.out()[2]) == 1


def test_breadth_can_be_configured(switch):
    """A flood by rules: each port is a resubmit, as on hosts with many ports."""
    switch.ofctl("add-flow", "br0", "table=1,actions=resubmit(,2)")
    switch.ofctl("add-flow", "br0", "table=2,actions=set_field:1->reg0")
    switch.ofctl("add-flow", "br0", "priority=9,udp,actions=" + ",".join(["resubmit(,1)"] * 500) + ",output:2")
    switch.send(1, frame())
    assert len(switch.out()[2]) == 1
    switch.vsctl("set", "bridge", "br0", "other_config:max-resubmits=500")
    switch.send(1, frame())
    assert not switch.out()
    harness.wait_until(lambda: warnings(switch, "Too many resubmits"), what="the log")
    assert counter(switch, "xlate_too_many_resubmits") >= 1


def test_jumping_addresses_are_damped(switch):
    switch.ofctl("add-flow", "br0", "actions=NORMAL")
    switch.call("time/stop")
    for i in range(100):  # by different packets, which need upcalls
        switch.send(1 + i % 2, Ether(src="00:00:00:00:00:09", dst=f"00:00:00:00:01:{i:02x}") / IP() / UDP())
    moved = int(re.search(r"port moved MAC entries +: (\d+)", switch.call("fdb/stats-show", "br0"))[1])
    assert moved == 10
    assert counter(switch, "mac_moves_damped") > 10
    lines = harness.wait_until(lambda: warnings(switch, "moves between ports too often"), what="the log")
    assert len(lines) < 10 and "00:00:00:00:00:09 in VLAN 0" in lines[0]
    switch.call("time/warp", "1500")
    switch.send(3, frame(src=9, dst=8))
    assert re.search(r"^ +3 +0 +00:00:00:00:00:09", switch.call("fdb/show", "br0"), re.M)


def test_a_vanished_port_under_a_group(switch):
    switch.ofctl("-O", "OpenFlow13", "add-group", "br0", "group_id=1,type=all,bucket=output:2,bucket=output:3")
    switch.ofctl("-O", "OpenFlow13", "add-flow", "br0", "actions=group:1")
    switch.send(1, frame())
    assert set(switch.out()) == {2, 3}
    switch.vsctl("del-port", "p3")
    switch.send(1, frame())
    assert set(switch.out()) == {2}
