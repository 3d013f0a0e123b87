# SPDX-License-Identifier: Apache-2.0
"""Internal ports that are moved to other network namespaces and renamed, as DHCP agents and container scripts do."""
import json

import pytest

import harness
from harness import run, wait_until


@pytest.fixture
def moved():
    net = harness.Net()
    switch = harness.Switch(netns=net.namespace("sw"))
    try:
        switch.vsctl("add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=netdev")
        host = harness.Host(net, switch.netns, "p1", "192.168.20.1")
        switch.vsctl("add-port", "br0", "p1", "--", "add-port", "br0", "tap0", "--", "set", "interface", "tap0", "type=internal")
        yield net, switch, host
    finally:
        switch.close()
        net.close()


def move(switch, to, name):
    run("ip", "-n", switch.netns, "link", "set", "tap0", "name", name, "netns", to)
    run("ip", "-n", to, "addr", "add", "192.168.20.2/24", "dev", name)
    run("ip", "-n", to, "link", "set", name, "up")


def interface(switch, column):
    return switch.vsctl("get", "interface", "tap0", column).strip()


def device(ns, name):
    return json.loads(run("ip", "-n", ns, "-j", "link", "show", name).stdout)[0]


def test_a_moved_port_goes_on(moved):
    net, switch, host = moved
    other, number = net.namespace("dhcp"), interface(switch, "ofport")
    move(switch, other, "ns-eth0")
    wait_until(lambda: host.ping("192.168.20.2"), what="ping")
    assert interface(switch, "ofport") == number
    assert "tap0" not in run("ip", "-n", switch.netns, "link").stdout  # nothing was made in its place
    # Status and statistics are those of the device where it is, and changes reach it there.
    wait_until(lambda: interface(switch, "link_state") == "up" and "rx_packets=0," not in interface(switch, "statistics"), what="status")
    assert interface(switch, "mac_in_use").strip('"') == device(other, "ns-eth0")["address"]
    switch.vsctl("set", "interface", "tap0", "mtu_request=1400")
    wait_until(lambda: device(other, "ns-eth0")["mtu"] == 1400, what="MTU")
    # A device of the same name here is somebody else's, and stays as it is.
    run("ip", "-n", switch.netns, "link", "add", "tap0", "type", "veth", "peer", "name", "peer0")
    switch.vsctl("set", "interface", "tap0", "mtu_request=1300")
    wait_until(lambda: device(other, "ns-eth0")["mtu"] == 1300, what="MTU")
    assert device(switch.netns, "tap0")["mtu"] == 1500
    assert host.ping("192.168.20.2")
    switch.vsctl("del-port", "br0", "tap0")
    wait_until(lambda: "ns-eth0" not in run("ip", "-n", other, "link").stdout, what="the device goes with its port")
    assert device(switch.netns, "tap0")["link_type"] == "ether"


def test_it_comes_back(moved):
    net, switch, host = moved
    other = net.namespace("dhcp")
    move(switch, other, "ns-eth0")
    wait_until(lambda: host.ping("192.168.20.2"), what="ping")
    run("ip", "-n", other, "link", "set", "ns-eth0", "name", "tap0", "netns", run("ip", "netns", "pids", switch.netns).stdout.split()[0])
    run("ip", "-n", switch.netns, "addr", "add", "192.168.20.3/24", "dev", "tap0")
    run("ip", "-n", switch.netns, "link", "set", "tap0", "up")
    wait_until(lambda: host.ping("192.168.20.3"), what="ping")
    wait_until(lambda: int(interface(switch, "ifindex")) == device(switch.netns, "tap0")["ifindex"], what="ifindex")


def test_its_namespace_goes(moved):
    net, switch, host = moved
    other = net.namespace("dhcp")
    move(switch, other, "tap0")
    wait_until(lambda: host.ping("192.168.20.2"), what="ping")
    run("ip", "netns", "del", other)
    net.names.remove(other)
    # The port gets a new device, here.
    wait_until(lambda: "tap0" in run("ip", "-n", switch.netns, "link").stdout, timeout=20, what="a new device")
    run("ip", "-n", switch.netns, "addr", "add", "192.168.20.4/24", "dev", "tap0")
    run("ip", "-n", switch.netns, "link", "set", "tap0", "up")
    wait_until(lambda: host.ping("192.168.20.4"), what="ping")
