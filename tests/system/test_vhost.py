# SPDX-License-Identifier: Apache-2.0
"""Ports of types dpdkvhostuser and dpdkvhostuserclient. The guest is a second switch, whose port is DPDK's virtio_user driver: the same
protocol and rings as QEMU's, without hugepages. And what is larger than a frame is cut where nobody else does it."""
import contextlib
import os
import socket

import pytest
from scapy.all import IP, TCP, Ether, raw, rdpcap

from harness import Host, Net, Switch, wait_until

SENDER = """
import socket, sys
s = socket.create_connection((sys.argv[1], 5001), timeout=20)
s.sendall(bytes(range(256)) * 4 * int(sys.argv[2]))
s.shutdown(socket.SHUT_WR)
s.recv(1)
"""
RECEIVER = """
import hashlib, socket
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("", 5001))
s.listen()
print("ready", flush=True)
c = s.accept()[0]
c.settimeout(20)
h, n = hashlib.sha256(), 0
while data := c.recv(65536):
    h.update(data)
    n += len(data)
c.send(b"x")
print(n, h.hexdigest(), flush=True)
"""


@pytest.fixture
def pair():
    """Two switches, each with a host behind a veth; what joins them is the test's."""
    with contextlib.ExitStack() as stack:
        net = Net()
        stack.callback(net.close)
        switches, hosts = [], []
        for i, label in enumerate(("a", "b"), 1):
            s = Switch(netns=net.namespace(label))
            stack.callback(s.close)
            s.vsctl("add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=netdev")
            hosts.append(Host(net, s.netns, f"p{i}", f"10.0.0.{i}"))
            s.vsctl("add-port", "br0", f"p{i}")
            switches.append(s)
        yield *switches, *hosts


def add_guest_port(s, path, extra=""):
    s.vsctl("add-port", "br0", "vu0", "--", "set", "interface", "vu0", "type=dpdk",
            f'options:dpdk-devargs="virtio_user0,path={path}{extra}"')
    assert s.vsctl("get", "interface", "vu0", "error").strip() == "[]"


def status(s, port="vh0"):
    return s.vsctl("get", "interface", port, "status")


def wait_connected(s, connected=True):
    wanted = "status=connected" if connected else "status=disconnected"
    wait_until(lambda: wanted in status(s), what=wanted)


def transfer(sender, receiver, kilobytes):
    """Sends over TCP and says what arrived: its size and whether it is what was sent."""
    import hashlib
    import subprocess
    end = receiver.popen("python3", "-c", RECEIVER, stdout=subprocess.PIPE, text=True)
    try:
        assert end.stdout.readline() == "ready\n"
        sender.run("python3", "-c", SENDER, receiver.address, kilobytes)
        n, digest = end.stdout.readline().split()
    finally:
        end.kill()
        end.wait()
    return int(n), digest == hashlib.sha256(bytes(range(256)) * 4 * kilobytes).hexdigest()


def test_guest_comes_and_goes(pair):
    a, b, host_a, host_b = pair
    a.vsctl("add-port", "br0", "vh0", "--", "set", "interface", "vh0", "type=dpdkvhostuser")
    assert a.vsctl("get", "interface", "vh0", "error").strip() == "[]"
    assert f'socket="{a.dir}/vh0"' in status(a) and "mode=server" in status(a)
    wait_connected(a, False)
    assert a.vsctl("get", "interface", "vh0", "link_state").strip() == "down"
    for _ in range(2):
        add_guest_port(b, f"{a.dir}/vh0")
        wait_connected(a)
        assert "num_of_vrings=\"2\"" in status(a) and "vring_0_size=\"256\"" in status(a)
        wait_until(lambda: host_a.ping("10.0.0.2"), what="the guest answers")
        b.vsctl("del-port", "vu0")
        wait_connected(a, False)
    a.vsctl("del-port", "vh0")
    assert not os.path.exists(f"{a.dir}/vh0")


def test_tcp_both_ways(pair):
    """Hosts send segments larger than a frame. One way they arrive whole, as the guest's driver takes them; the other
    way they are cut, as it does not."""
    a, b, host_a, host_b = pair
    a.vsctl("set", "open", ".", "other_config:stats-update-interval=5000")
    a.vsctl("add-port", "br0", "vh0", "--", "set", "interface", "vh0", "type=dpdkvhostuser")
    add_guest_port(b, f"{a.dir}/vh0", ",queue_size=1024")
    wait_until(lambda: host_a.ping("10.0.0.2"), what="the guest answers")
    assert transfer(host_a, host_b, 4000) == (4096000, True)
    assert transfer(host_b, host_a, 4000) == (4096000, True)
    wait_until(lambda: "tx_software_segmented=0" not in a.vsctl("get", "interface", "vh0", "statistics"), what="statistics")
    assert "tx_software_offload_drops=0" in a.vsctl("get", "interface", "vh0", "statistics")


def test_client_connects_again_and_again(pair):
    a, b, host_a, host_b = pair
    path = f"{b.dir}/guest.sock"
    a.vsctl("add-port", "br0", "vh0", "--", "set", "interface", "vh0", "type=dpdkvhostuserclient",
            f"options:vhost-server-path={path}")
    assert a.vsctl("get", "interface", "vh0", "error").strip() == "[]"
    assert "mode=client" in status(a)
    for _ in range(2):
        add_guest_port(b, path, ",server=1")
        wait_connected(a)
        wait_until(lambda: host_a.ping("10.0.0.2"), what="the guest answers")
        b.vsctl("del-port", "vu0")
        wait_connected(a, False)


def test_several_queues(pair):
    a, b, host_a, host_b = pair
    a.vsctl("add-port", "br0", "vh0", "--", "set", "interface", "vh0", "type=dpdkvhostuser")
    add_guest_port(b, f"{a.dir}/vh0", ",queues=2")
    b.vsctl("set", "interface", "vu0", "options:n_rxq=2")
    wait_until(lambda: 'num_of_vrings="4"' in status(a), what="four rings")
    wait_until(lambda: "queue-id:  1" in a.appctl("dpif-netdev/pmd-rxq-show"), what="two queues are served")
    wait_until(lambda: host_a.ping("10.0.0.2"), what="the guest answers")
    assert transfer(host_b, host_a, 500) == (512000, True)


def test_errors_say_why(pair):
    a = pair[0]

    def error(name, kind, *options):
        a.vsctl("add-port", "br0", name, "--", "set", "interface", name, f"type={kind}", *options, check=False)
        text = a.vsctl("get", "interface", name, "error")
        a.vsctl("del-port", name)
        return text
    assert "options:vhost-server-path is missing" in error("c0", "dpdkvhostuserclient")
    assert "must not include '/'" in error("a/b", "dpdkvhostuser")
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(f"{a.dir}/taken")
        other.listen()
        assert "belongs to another process" in error("taken", "dpdkvhostuser")
    # Nobody listens on it any more: it is taken over.
    assert error("taken", "dpdkvhostuser").strip() == "[]"
    a.vsctl("set", "open", ".", "other_config:vhost-sock-dir=nowhere")
    assert f"{a.dir}/nowhere does not exist" in a.log()
    assert "No such file or directory" in error("v0", "dpdkvhostuser")
    os.mkdir(f"{a.dir}/nowhere")
    assert error("v0", "dpdkvhostuser").strip() == "[]"
    a.vsctl("set", "open", ".", "other_config:vhost-sock-dir=../up")
    assert "should be a directory below" in a.log()
    a.vsctl("add-port", "br0", "r0", "--", "set", "interface", "r0", "type=dpdkvhostuser", "options:tx-retries-max=99")
    assert 'Interface r0: options:tx-retries-max is "99": a number from 0 to 32 is wanted' in a.log()


def test_segments_for_a_device_that_cuts_none(pair):
    """What the kernel sends in one piece is in the capture file as frames, each right in itself."""
    a, b, host_a, host_b = pair
    a.vsctl("add-port", "br0", "out", "--", "set", "interface", "out", "type=dpdk", "ofport_request=9",
            f'options:dpdk-devargs="net_pcap0,tx_pcap={a.dir}/out.pcap"')
    a.vsctl("add-port", "br0", "vh0", "--", "set", "interface", "vh0", "type=dpdkvhostuser", "ofport_request=8")
    a.vsctl("set", "interface", "p1", "ofport_request=1")
    add_guest_port(b, f"{a.dir}/vh0")
    wait_until(lambda: host_a.ping("10.0.0.2"), what="the guest answers")
    a.ofctl("add-flow", "br0", "priority=9,tcp,in_port=1,tcp_dst=5001,actions=output:9,output:8")
    assert transfer(host_a, host_b, 300) == (307200, True)
    a.vsctl("del-port", "out")
    stream = {}
    frames = [p for p in rdpcap(f"{a.dir}/out.pcap") if TCP in p and p[TCP].dport == 5001]
    assert len(frames) > 200
    for p in frames:
        assert len(p) <= 1514
        again = Ether(raw(p))
        del again[IP].chksum, again[TCP].chksum
        again = Ether(raw(again))
        assert again[IP].chksum == p[IP].chksum and again[TCP].chksum == p[TCP].chksum
        data = raw(p[TCP].payload)[:p[IP].len - 20 - p[TCP].dataofs * 4]
        if data:
            stream[p[TCP].seq] = data
    at = min(stream)
    got = b""
    while at in stream:
        data = stream[at]
        got += data
        at = (at + len(data)) % 2**32
    assert got == bytes(range(256)) * 4 * 300
