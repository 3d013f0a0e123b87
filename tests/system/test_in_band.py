# SPDX-License-Identifier: Apache-2.0
"""In-band control: a controller behind a port of the bridge that it controls is reached whatever the flows say."""
import re
import subprocess
import sys

import pytest

import harness
from harness import run, wait_until

LISTEN = ("import socket; s = socket.create_server(('192.168.10.100', 6653)); print('ready', flush=True); "
          "c = s.accept()[0]; print(len(c.recv(8)), flush=True); c.recv(1)")


@pytest.fixture
def controller(hosts):
    """Waits for a connection on the first host."""
    process = hosts[0].popen("timeout", "60", sys.executable, "-c", LISTEN, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n"
    yield process
    process.kill()
    process.wait()


def hidden(switch):
    return sorted(re.findall(r"priority=(18\d+),(\S+?),actions=NORMAL \(hidden: in-band\)", switch.appctl("bridge/dump-flows", "br0")))


def address_of_the_bridge(switch):
    run("ip", "-n", switch.netns, "addr", "add", "192.168.10.1/24", "dev", "br0")
    run("ip", "-n", switch.netns, "link", "set", "br0", "up")


def test_controller_is_reached_through_its_bridge(switch, hosts, controller):
    address_of_the_bridge(switch)
    switch.vsctl("set-fail-mode", "br0", "secure", "--", "set-controller", "br0", "tcp:192.168.10.100:6653")
    assert controller.stdout.readline() == "8\n", "the switch says hello"
    assert not hosts[1].ping("192.168.10.1"), "nobody else gets through"
    mac = switch.vsctl("get", "Interface", "br0", "mac_in_use").strip().strip('"')
    peer = "00:00:00:00:01:00"  # the neighbour is the controller itself
    wait_until(lambda: len(hidden(switch)) == 9, what="the neighbour is known")
    assert hidden(switch) == [
        ("180000", f"udp,in_port=LOCAL,dl_src={mac},tp_src=68,tp_dst=67"),
        ("180001", f"arp,dl_dst={mac},arp_op=2"), ("180002", f"arp,dl_src={mac},arp_op=1"),
        ("180003", f"arp,dl_dst={peer},arp_op=2"), ("180004", f"arp,dl_src={peer},arp_op=1"),
        ("180005", "arp,arp_tpa=192.168.10.100,arp_op=2"), ("180006", "arp,arp_spa=192.168.10.100,arp_op=1"),
        ("180007", "tcp,nw_dst=192.168.10.100,tp_dst=6653"), ("180008", "tcp,nw_src=192.168.10.100,tp_src=6653")]
    # Flows of controllers do not touch them, nor does their removal; a controller does not see them.
    switch.ofctl("del-flows", "br0")
    assert len(hidden(switch)) == 9
    assert "priority=18" not in switch.ofctl("dump-flows", "br0")
    done = switch.tool("ovs-ofctl", "dump-flows", "br0")
    assert done.stderr == "", "programs are not told"
    at_terminal = run("script", "-qec", f"{harness.OURS}/ovs-ofctl dump-flows br0", "/dev/null", env=switch.env).stdout
    assert 'br0 has 9 hidden flows, too: see "ovs-appctl bridge/dump-flows br0"' in at_terminal
    switch.vsctl("set", "bridge", "br0", "other-config:disable-in-band=true")
    assert not hidden(switch)


def test_who_is_not_in_band(switch):
    address_of_the_bridge(switch)
    switch.vsctl("set-controller", "br0", "tcp:192.168.10.100:6653", "unix:/none", "tcp:some.host:6653", "ptcp:0:127.0.0.1")
    assert {p for p, _ in hidden(switch)} == {"180000", "180001", "180002", "180005", "180006", "180007", "180008"}
    for uuid in switch.vsctl("get", "bridge", "br0", "controller").strip("[]\n").split(", "):
        switch.vsctl("set", "controller", uuid, "connection_mode=out-of-band")
    assert not hidden(switch)
    switch.vsctl("del-controller", "br0", "--", "set-manager", "tcp:192.168.10.100", "ptcp:0:127.0.0.1")
    assert ("180007", "tcp,nw_dst=192.168.10.100,tp_dst=6640") in hidden(switch)
    switch.vsctl("del-manager")
    assert not hidden(switch)
