# SPDX-License-Identifier: Apache-2.0
"""The learning switch beyond learning: mirrors with their statistics, multicast snooping, port bits. On dummy ports."""
import re

import pytest
from scapy.all import IP, UDP, Dot1Q, Ether, Raw
from scapy.contrib.igmp import IGMP

from dummy import DummySwitch


@pytest.fixture
def switch():
    s = DummySwitch()
    try:
        s.ofctl("add-flow", "br0", "priority=0,actions=NORMAL")
        yield s
    finally:
        s.close()


def frame(src=1, dst=2, size=100, vlan=None):
    head = Ether(src=f"00:00:00:00:00:0{src}", dst="ff:ff:ff:ff:ff:ff" if dst is None else f"00:00:00:00:00:0{dst}")
    return head / (Dot1Q(vlan=vlan) / IP() if vlan else IP()) / UDP() / Raw(b"x" * size)


def mirror(switch, *settings):
    args = []
    for p in range(1, 5):
        args += ["--", f"--id=@p{p}", "get", "port", f"p{p}"]
    switch.vsctl(*args[1:], "--", "--id=@m", "create", "mirror", "name=m", *settings, "--", "set", "bridge", "br0", "mirrors=@m")


def statistics(switch):
    # The next update is due when the clock says so.
    switch.call("time/warp", "10000")
    text = switch.vsctl("--no-wait", "get", "mirror", "m", "statistics")
    return {k: int(v) for k, v in re.findall(r"(\w+)=(\d+)", text)}


def wait_statistics(switch, **want):
    import harness
    harness.wait_until(lambda: statistics(switch) == want, what=f"{want}, not {statistics(switch)}")


def test_span_with_snaplen_and_statistics(switch):
    mirror(switch, "select_src_port=@p1", "output_port=@p3", "snaplen=60")
    sent = bytes(frame(1, 2))
    for _ in range(10):
        switch.send(1, sent)
    out = switch.out()
    assert out[3] == [sent[:60]] * 10
    assert out[2] == [sent] * 10 and out[4] == [sent] * 10
    switch.send(2, frame(2, 1))  # not selected
    assert 3 not in switch.out()
    wait_statistics(switch, tx_packets=10, tx_bytes=10 * len(sent))
    # Nothing comes in through a port that is there for a mirror.
    switch.send(3, frame(3, 1))
    assert not switch.out()


def test_rspan_and_filter(switch):
    switch.vsctl("set", "port", "p4", "tag=99")
    mirror(switch, "select_all=true", "output_vlan=99", 'filter="udp,udp_dst=7"')
    wanted, other = frame(1, 2), frame(1, 2)
    wanted[UDP].dport = 7
    switch.send(1, other)
    assert set(switch.out()) == {2, 3}
    switch.send(1, wanted)
    out = switch.out()
    tagged = bytes(wanted)[:12] + b"\x81\x00\x00\x63" + bytes(wanted)[12:]
    assert out[4] == [bytes(wanted)]  # the access port of the VLAN
    assert tagged in out[2] and tagged in out[3]


def test_bad_filter_says_so(switch):
    mirror(switch, "select_all=true", "output_port=@p3", r'filter="nonsense=1"')
    assert "Mirror m: filter \"nonsense=1\"" in switch.log()
    switch.send(1, frame(1, 2))
    assert set(switch.out()) == {2, 3, 4}  # p3 is an ordinary port


def report(src, group, kind=0x16):
    ip = IP(src=f"10.0.0.{src}", dst=group, ttl=1)
    return Ether(src=f"00:00:00:00:00:0{src}", dst="01:00:5e:00:00:01") / ip / IGMP(type=kind, gaddr="0.0.0.0" if kind == 0x11 else group)


def test_multicast_snooping(switch):
    switch.vsctl("set", "bridge", "br0", "mcast_snooping_enable=true")
    data = Ether(src="00:00:00:00:00:01", dst="01:00:5e:01:01:01") / IP(dst="225.1.1.1") / UDP() / Raw(b"x" * 64)
    switch.send(1, data)
    assert set(switch.out()) == {2, 3, 4}  # nobody is known to want it: to all
    switch.send(2, report(2, "225.1.1.1"))
    switch.out()
    switch.send(1, data)
    assert set(switch.out()) == {2}
    switch.send(4, report(4, "224.0.0.1", 0x11))  # a router
    assert set(switch.out()) == {1, 2, 3}
    switch.send(1, data)
    assert set(switch.out()) == {2, 4}
    switch.send(3, report(3, "225.1.1.1"))
    assert set(switch.out()) == {4}  # reports are for routers
    switch.send(1, data)
    assert set(switch.out()) == {2, 3, 4}
    switch.send(2, report(2, "225.1.1.1", 0x17))  # leaves
    switch.out()
    switch.send(1, data)
    assert set(switch.out()) == {3, 4}
    assert re.search(r"^ +3 +0  225\.1\.1\.1 +\d+$", switch.call("mdb/show", "br0"), re.M)
    # Members age.
    switch.call("time/stop")
    switch.call("time/warp", "301000")
    switch.send(1, data)
    assert set(switch.out()) == {2, 3, 4}
    assert "225" not in switch.call("mdb/show", "br0")


def test_unregistered_multicast_need_not_flood(switch):
    switch.vsctl("set", "bridge", "br0", "mcast_snooping_enable=true", "other_config:mcast-snooping-disable-flood-unregistered=true",
                 "--", "set", "port", "p3", "other_config:mcast-snooping-flood=true")
    data = Ether(src="00:00:00:00:00:01", dst="01:00:5e:01:01:01") / IP(dst="225.1.1.1") / UDP() / Raw(b"x" * 64)
    switch.send(1, data)
    assert set(switch.out()) == {3}


def test_protected_ports_and_port_bits(switch):
    switch.vsctl("set", "port", "p1", "protected=true", "--", "set", "port", "p2", "protected=true")
    switch.send(1, frame(1, None))
    assert set(switch.out()) == {3, 4}
    switch.ofctl("add-flow", "br0", "priority=1,in_port=1,actions=output:2,output:3")  # whoever asks
    switch.send(1, frame(1, None))
    assert set(switch.out()) == {3}
    switch.ofctl("del-flows", "br0", "in_port=1")
    switch.ofctl("mod-port", "br0", "p3", "no-flood")
    switch.send(1, frame(1, None))
    assert set(switch.out()) == {4}
    switch.ofctl("mod-port", "br0", "p1", "no-receive")
    switch.send(1, frame(1, None))
    assert not switch.out()
    stp = Ether(src="00:00:00:00:00:01", dst="01:80:c2:00:00:00") / Raw(b"x" * 60)
    switch.ofctl("add-flow", "br0", "priority=1,in_port=1,actions=output:4")
    switch.send(1, stp)
    assert set(switch.out()) == {4}
    switch.ofctl("mod-port", "br0", "p1", "no-receive-stp")
    switch.send(1, stp)
    assert not switch.out()


def port_of(switch, mac):
    found = re.search(rf"^ +(\d+) +0 +{mac}", switch.call("fdb/show", "br0"), re.M)
    return int(found[1]) if found else None


def test_addresses_are_learned_from_megaflows_too(switch):
    """A host that comes back to its old port, whose megaflow is still there, and one that was forgotten while it sends."""
    switch.call("time/stop")
    for port in (1, 2, 1, 2):
        switch.send(port, frame(5, 6))
        switch.send(port, frame(5, 6))
        switch.call("time/warp", "600")
        assert port_of(switch, "00:00:00:00:00:05") == port
    switch.call("fdb/flush", "br0")
    assert port_of(switch, "00:00:00:00:00:05") is None
    switch.send(2, frame(5, 6))
    switch.call("time/warp", "600")
    assert port_of(switch, "00:00:00:00:00:05") == 2
