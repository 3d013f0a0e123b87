# SPDX-License-Identifier: Apache-2.0
"""Groups with real traffic."""
import re

import pytest

import harness
from harness import run, wait_until


@pytest.fixture
def bench(net):
    s = harness.Switch(netns=net.namespace("sw"))
    s.vsctl("add-br", "br0", "--", "set", "bridge", "br0", "fail-mode=secure")
    hosts = [harness.Host(net, s.netns, f"h{i}", "10.9.0.1" if i == 1 else "10.9.0.2", mac=f"02:00:00:00:00:0{min(i, 2)}")
             for i in (1, 2, 3)]
    for i, host in enumerate(hosts, 1):
        s.vsctl("add-port", "br0", host.port, "--", "set", "interface", host.port, f"ofport_request={i}")
    yield s, hosts
    s.close()


def stats(s, group):
    text = s.ofctl("-O", "OpenFlow13", "dump-group-stats", "br0", f"group_id={group}")
    return [int(n) for n in re.findall(r"packet_count=(\d+)", text)]


def test_fast_failover(bench):
    """Two hosts with one address: the second one takes over when the first one's port goes down, and gives back."""
    s, (client, first, second) = bench
    s.ofctl("-O", "OpenFlow13", "add-group", "br0",
            "group_id=1,type=ff,bucket=watch_port:2,output:2,bucket=watch_port:3,output:3")
    s.ofctl("-O", "OpenFlow13", "add-flow", "br0", "in_port=1,actions=group:1")
    for port in (2, 3):
        s.ofctl("add-flow", "br0", f"in_port={port},actions=output:1")
    for host in (client, first, second):
        other = "10.9.0.2" if host is client else "10.9.0.1"
        run("ip", "-n", host.ns, "neigh", "replace", other, "lladdr", "02:00:00:00:00:02" if host is client else "02:00:00:00:00:01",
            "dev", "eth0", "nud", "permanent")
    assert client.ping("10.9.0.2", count=3)
    assert stats(s, 1) == [3, 3, 0]  # to the packet, through the megaflow
    run("ip", "-n", first.ns, "link", "set", "eth0", "down")
    wait_until(lambda: client.ping("10.9.0.2"), what="the second host answers")
    total, by_first, by_second = stats(s, 1)
    assert by_second >= 1 and total == by_first + by_second
    run("ip", "-n", first.ns, "link", "set", "eth0", "up")

    def back():
        before = stats(s, 1)[1]
        return client.ping("10.9.0.2") and stats(s, 1)[1] > before
    wait_until(back, what="the first host has its address again")
    # The flow goes with its group.
    s.ofctl("-O", "OpenFlow13", "del-groups", "br0", "group_id=1")
    assert "in_port=1 " not in s.ofctl("dump-flows", "br0").replace("in_port=1,", "in_port=1 ") and not client.ping("10.9.0.2")
