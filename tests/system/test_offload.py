# SPDX-License-Identifier: Apache-2.0
"""Hosts leave checksums and segmentation to their devices. Whatever pair of ports a connection crosses, and whatever the flows change on the
way, what arrives is right, and what a device that does nothing by itself gets are frames that are right."""
import contextlib

import pytest
from scapy.all import IP, TCP, UDP, Dot1Q, Ether, IPv6, raw, rdpcap

from harness import Host, Net, Switch, run, wait_until
from test_vhost import RECEIVER, SENDER, transfer


class Inside:
    """The host of the switch itself, behind an internal port or a tap of DPDK."""

    def __init__(self, ns, address):
        self.ns, self.address = ns, address

    run = Host.run
    popen = Host.popen
    ping = Host.ping


@pytest.fixture
def world():
    with contextlib.ExitStack() as stack:
        net = Net()
        stack.callback(net.close)
        s = Switch(netns=net.namespace("sw"))
        stack.callback(s.close)
        s.vsctl("add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=netdev")
        yield s, net, stack


def veth(world, number):
    s, net, _ = world
    h = Host(net, s.netns, f"p{number}", f"10.0.0.{number}")
    h.run("sysctl", "-qw", "net.ipv6.conf.eth0.disable_ipv6=0")
    h.run("ip", "addr", "replace", f"fd00::{number}/64", "dev", "eth0", "nodad")
    s.vsctl("add-port", "br0", h.port, "--", "set", "interface", h.port, f"ofport_request={number}")
    return h


def internal(world, number):
    s = world[0]
    s.vsctl("add-port", "br0", f"i{number}", "--", "set", "interface", f"i{number}", "type=internal", f"ofport_request={number}")
    run("ip", "-n", s.netns, "addr", "add", f"10.0.0.{number}/24", "dev", f"i{number}")
    run("ip", "-n", s.netns, "link", "set", f"i{number}", "up")
    return Inside(s.netns, f"10.0.0.{number}")


def dpdk_tap(world, number):
    """A tap whose other end, for the host, is an ordinary device; for the switch it is one of DPDK's."""
    s = world[0]
    s.vsctl("add-port", "br0", f"t{number}", "--", "set", "interface", f"t{number}", "type=dpdk", f"ofport_request={number}",
            f'options:dpdk-devargs="net_tap{number},iface=dt{number}"')
    assert s.vsctl("get", "interface", f"t{number}", "error").strip() == "[]"
    run("ip", "-n", s.netns, "addr", "add", f"10.0.0.{number}/24", "dev", f"dt{number}")
    run("ip", "-n", s.netns, "link", "set", f"dt{number}", "up")
    return Inside(s.netns, f"10.0.0.{number}")


def guest(world, number):
    """A guest's network card over vhost-user, and behind it, in the guest, a host on a veth."""
    s, net, stack = world
    s.vsctl("add-port", "br0", f"v{number}", "--", "set", "interface", f"v{number}", "type=dpdkvhostuser", f"ofport_request={number}")
    g = Switch(netns=net.namespace(f"g{number}"))
    stack.callback(g.close)
    g.vsctl("add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=netdev")
    h = Host(net, g.netns, f"gp{number}", f"10.0.0.{number}")
    g.vsctl("add-port", "br0", h.port)
    g.vsctl("add-port", "br0", "vu0", "--", "set", "interface", "vu0", "type=dpdk",
            f'options:dpdk-devargs="virtio_user0,path={s.dir}/v{number},queue_size=1024"')
    return h


KINDS = {"veth": veth, "internal": internal, "tap": dpdk_tap, "guest": guest}


@pytest.mark.parametrize("kind", ["internal", "tap", "guest"])
def test_pairs(world, kind):
    """A veth and each other kind, TCP both ways."""
    here, there = veth(world, 1), KINDS[kind](world, 2)
    wait_until(lambda: here.ping("10.0.0.2"), what="they reach each other")
    assert transfer(here, there, 2000) == (2048000, True)
    assert transfer(there, here, 2000) == (2048000, True)


def test_guest_to_guest(world):
    a, b = guest(world, 1), guest(world, 2)
    wait_until(lambda: a.ping("10.0.0.2"), what="they reach each other")
    assert transfer(a, b, 2000) == (2048000, True)


def with_capture(world):
    s = world[0]
    s.vsctl("add-port", "br0", "out", "--", "set", "interface", "out", "type=dpdk", "ofport_request=9",
            f'options:dpdk-devargs="net_pcap0,tx_pcap={s.dir}/out.pcap"')


def captured(world):
    s = world[0]
    s.vsctl("del-port", "out")
    return list(rdpcap(f"{s.dir}/out.pcap"))


def assert_right(frame):
    """Lengths and checksums are what scapy makes them."""
    again = Ether(raw(frame))
    for layer in (IP, TCP, UDP):
        if layer in again:
            del again[layer].chksum
    if IP in again:
        del again[IP].len
    if IPv6 in again:
        del again[IPv6].plen
    again = Ether(raw(again))
    for layer, fields in ((IP, ("chksum", "len")), (IPv6, ("plen",)), (TCP, ("chksum",)), (UDP, ("chksum",))):
        if layer in frame:
            for f in fields:
                assert getattr(again[layer], f) == getattr(frame[layer], f), (layer, f, frame.summary())


REWRITES = {
    "nothing": "",
    "ports": "mod_tp_dst:7,mod_tp_src:9,",
    "addresses": "mod_nw_dst:192.168.3.4,mod_nw_src:192.168.5.6,",
    "ttl_tos": "dec_ttl,mod_nw_tos:32,",
    "tag": "push_vlan:0x8100,set_field:4100->vlan_vid,",
    "all": "mod_dl_dst:02:00:00:00:00:07,dec_ttl,mod_nw_dst:192.168.3.4,mod_tp_dst:7,push_vlan:0x8100,set_field:4100->vlan_vid,",
}


@pytest.mark.parametrize("rewrite", REWRITES)
def test_rewritten_segments(world, rewrite):
    """A device that does nothing by itself gets a changed copy of a connection; the connection itself goes on unchanged."""
    here, there = veth(world, 1), veth(world, 2)
    with_capture(world)
    s = world[0]
    wait_until(lambda: here.ping("10.0.0.2"), what="they reach each other")
    s.ofctl("-O", "OpenFlow13", "add-flow", "br0",
            f"priority=9,tcp,in_port=1,actions=output:2,{REWRITES[rewrite]}output:9")
    assert transfer(here, there, 300) == (307200, True)
    frames = [f for f in captured(world) if TCP in f]
    assert len(frames) > 200
    for f in frames:
        assert len(f) <= 1518
        assert_right(f)
        assert (Dot1Q in f and f[Dot1Q].vlan == 4) == (rewrite in ("tag", "all"))
        assert f[IP].dst == ("192.168.3.4" if rewrite in ("addresses", "all") else "10.0.0.2")
        assert f[TCP].dport == (7 if rewrite in ("ports", "all") else 5001)
        assert f[IP].ttl == (63 if rewrite in ("ttl_tos", "all") else 64)


def test_ipv6_and_udp(world):
    """TCP over IPv6, and UDP that the kernel was told to cut (UDP_SEGMENT)."""
    here, there = veth(world, 1), veth(world, 2)
    with_capture(world)
    s = world[0]
    wait_until(lambda: here.run("ping", "-6", "-c", 1, "-W", 1, "fd00::2", check=False).returncode == 0, what="they reach each other")
    s.ofctl("add-flow", "br0", "priority=9,tcp6,in_port=1,actions=output:2,output:9")
    s.ofctl("add-flow", "br0", "priority=9,udp6,in_port=1,actions=output:2,output:9")
    s.ofctl("add-flow", "br0", "priority=9,udp,in_port=1,actions=output:2,output:9")
    there.address = "fd00::2"
    import subprocess
    end = there.popen("python3", "-c", RECEIVER.replace("socket.socket()", "socket.socket(socket.AF_INET6)"), stdout=subprocess.PIPE,
                      text=True)
    try:
        assert end.stdout.readline() == "ready\n"
        here.run("python3", "-c", SENDER, "fd00::2", 200)
        assert end.stdout.readline().split()[0] == "204800"
    finally:
        end.kill()
        end.wait()
    send = ("import socket, sys\n"
            "for family, address in ((socket.AF_INET6, 'fd00::2'), (socket.AF_INET, '10.0.0.2')):\n"
            "    s = socket.socket(family, socket.SOCK_DGRAM)\n"
            "    s.setsockopt(socket.IPPROTO_UDP, 103, 1000)\n"
            "    for i in range(20):\n"
            "        s.sendto(bytes([i]) * 9500, (address, 5002))\n")
    # Hosts that do not know their neighbour yet may send what waited for it behind what comes next.
    wait_until(lambda: here.run("ping", "-c", 1, "-W", 1, "10.0.0.2", check=False).returncode == 0, what="the neighbour is known")
    here.run("python3", "-c", send)
    frames = captured(world)
    tcp = [f for f in frames if TCP in f]
    udp = [f for f in frames if UDP in f and f[UDP].dport == 5002]
    assert len(tcp) > 130 and len(udp) == 400
    for f in tcp + udp:
        assert len(f) <= 1514
        assert_right(f)
    for family in (IPv6, IP):
        payload = [raw(f[UDP].payload) for f in udp if family in f]
        assert b"".join(payload) == b"".join(bytes([i]) * 9500 for i in range(20))
