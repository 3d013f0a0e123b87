# SPDX-License-Identifier: Apache-2.0
"""Meters with real traffic, through megaflows."""
import re
import subprocess
import sys

import pytest

import harness
from harness import run, wait_until

RECEIVE = """
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("10.9.0.2", 5000))
s.setsockopt(socket.IPPROTO_IP, socket.IP_RECVTOS, 1)
s.settimeout(10)
print("ready", flush=True)
for _ in range(20):
    print(s.recvmsg(10, 100)[1][0][2][0])
"""
SEND = """
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, int(sys.argv[1]))
for _ in range(20):
    s.sendto(b"x", ("10.9.0.2", 5000))
"""


@pytest.fixture
def bench(net):
    s = harness.Switch(netns=net.namespace("sw"))
    s.vsctl("add-br", "br0", "--", "set", "bridge", "br0", "fail-mode=secure")
    hosts = [harness.Host(net, s.netns, f"h{i}", f"10.9.0.{i}", mac=f"02:00:00:00:00:0{i}") for i in (1, 2)]
    for i, host in enumerate(hosts, 1):
        s.vsctl("add-port", "br0", host.port, "--", "set", "interface", host.port, f"ofport_request={i}")
        run("ip", "-n", host.ns, "neigh", "replace", f"10.9.0.{3 - i}", "lladdr", f"02:00:00:00:00:0{3 - i}", "dev", "eth0", "nud", "permanent")
    s.ofctl("add-flow", "br0", "in_port=2,actions=output:1")
    yield s, hosts
    s.close()


def stats(s, meter):
    text = s.ofctl("-O", "OpenFlow13", "meter-stats", "br0", f"meter={meter}")
    return [int(n) for n in re.findall(r"packet(?:_in)?_count:(\d+)", text)]


def test_drop(bench):
    """Of a hundred packets at once, those of the burst come through; the flow and the meter have counted all of them."""
    s, (a, b) = bench
    s.ofctl("-O", "OpenFlow13", "add-meter", "br0", "meter=1 pktps burst bands=type=drop rate=1 burst_size=20")
    s.ofctl("-O", "OpenFlow13", "add-flow", "br0", "in_port=1,actions=meter:1,output:2")
    out = a.run("ping", "-q", "-c", "100", "-i", "0.002", "-W", "1", "10.9.0.2", check=False)
    received = int(re.search(r"(\d+) received", out.stdout).group(1))
    assert 20 <= received <= 23
    total, dropped = stats(s, 1)
    assert total == 100 and dropped == 100 - received
    assert "n_packets=100," in s.ofctl("dump-flows", "br0", "in_port=1")
    # A new rate counts at once, and the flow goes with its meter.
    s.ofctl("-O", "OpenFlow13", "mod-meter", "br0", "meter=1 pktps bands=type=drop rate=100000")
    out = a.run("ping", "-q", "-c", "100", "-i", "0.002", "-W", "1", "10.9.0.2", check=False)
    assert " 100 received" in out.stdout and stats(s, 1) == [100, 0]
    s.ofctl("-O", "OpenFlow13", "del-meter", "br0", "meter=1")
    assert "meter" not in s.ofctl("-O", "OpenFlow13", "dump-flows", "br0") and not a.ping("10.9.0.2")


def test_remark(bench):
    s, (a, b) = bench
    s.ofctl("-O", "OpenFlow13", "add-meter", "br0", "meter=1 pktps burst bands=type=dscp_remark rate=1 burst_size=5 prec_level=1")
    s.ofctl("-O", "OpenFlow13", "add-flow", "br0", "in_port=1,actions=meter:1,output:2")
    af11, af12 = 0x28, 0x30
    receiver = b.popen(sys.executable, "-c", RECEIVE, stdout=subprocess.PIPE, text=True)
    assert receiver.stdout.readline() == "ready\n"
    a.run(sys.executable, "-c", SEND, str(af11))
    seen = [int(line) for line in receiver.communicate(timeout=20)[0].split()]
    assert seen[:5] == [af11] * 5 and set(seen) == {af11, af12} and len(seen) == 20 and seen.count(af12) >= 13


def test_controller(bench):
    """The controller's meter keeps packets from controllers, not from ports."""
    s, (a, b) = bench
    s.ofctl("-O", "OpenFlow13", "add-meter", "br0", "meter=controller pktps burst bands=type=drop rate=1 burst_size=5")
    s.ofctl("add-flow", "br0", "in_port=1,actions=controller,output:2")
    out = a.run("ping", "-q", "-c", "50", "-i", "0.002", "-W", "1", "10.9.0.2", check=False)
    assert " 50 received" in out.stdout
    wait_until(lambda: stats(s, "controller")[0] == 50, what="all packets counted")
    assert 42 <= stats(s, "controller")[1] <= 45
