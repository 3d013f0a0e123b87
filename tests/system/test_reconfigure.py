# SPDX-License-Identifier: Apache-2.0
"""Ports, threads, queues and flows change while packets pass: none is reordered within its flow, and none lost beyond what a change implies."""
import os
import threading
import time

import pytest
from scapy.utils import RawPcapReader

from harness import Net, Switch, run, wait_until

N, FLOWS = 24000, 8
# Frames with a number each, some hundred at a time.
SEND = f"""
import socket, struct, time
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind(("v1", 0))
head = bytes.fromhex("020000000002020000000001" "0800" "4500003c00004000401166ab" "0a0000010a000002")
for i in range({N}):
    s.send(head + struct.pack("!HHHHQ", 1000 + i % {FLOWS}, 53, 40, 0, i) + bytes(24))
    if not i % 200:
        time.sleep(0.01)
"""


@pytest.fixture
def switch():
    net = Net()
    s = Switch(netns=net.namespace("sw"))
    try:
        run("ip", "-n", s.netns, "link", "add", "v0", "type", "veth", "peer", "name", "v1")
        for name in ("v0", "v1"):
            run("ip", "netns", "exec", s.netns, "sysctl", "-qw", f"net.ipv6.conf.{name}.disable_ipv6=1")
            run("ip", "-n", s.netns, "link", "set", name, "up")
        s.vsctl("add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=netdev")
        s.ofctl("del-flows", "br0")
        s.ofctl("add-flow", "br0", "in_port=1,udp,actions=output:2")
        add_port(s, "out", 2, f"net_pcap0,tx_pcap={s.dir}/out.pcap")
        add_port(s, "in", 1, "net_af_packet0,iface=v0,blocksz=65536,framecnt=16384")
        yield s
    finally:
        s.close()
        net.close()


def add_port(s, name, number, devargs, *options):
    s.vsctl("add-port", "br0", name, "--", "set", "interface", name, "type=dpdk", f"ofport_request={number}",
            f'options:dpdk-devargs="{devargs}"', *options)
    assert s.vsctl("get", "interface", name, "error").strip() == "[]"


def sent_while(s, change):
    """Calls change(0), change(1)... while the frames are sent; the numbers of those that came out, by flow, and how many changes there were."""
    n = 0
    sender = threading.Thread(target=run, args=("ip", "netns", "exec", s.netns, "python3", "-c", SEND))
    sender.start()
    while sender.is_alive():
        change(n)
        n += 1
    sender.join()
    wait_until(lambda: settled(s), what="all have passed")
    s.vsctl("del-port", "out")
    flows = {}
    for frame, _ in RawPcapReader(f"{s.dir}/out.pcap"):
        flows.setdefault(int.from_bytes(frame[34:36], "big"), []).append(int.from_bytes(frame[42:50], "big"))
    return flows, n


def settled(s):
    def received():
        return [line for line in s.appctl("dpif-netdev/pmd-stats-show").splitlines() if "received" in line]
    before = received()
    time.sleep(0.1)
    return received() == before


def assert_ordered(flows):
    assert len(flows) == FLOWS
    for sport, numbers in flows.items():
        assert numbers == sorted(numbers), sport
        assert len(set(numbers)) == len(numbers), sport


def test_threads_and_queues_move(switch):
    def change(i):
        masks = [1, 1 << (os.cpu_count() - 1), (1 << os.cpu_count()) - 1]
        steps = (
            lambda: switch.vsctl("set", "open", ".", f"other_config:pmd-cpu-mask={masks[i // 5 % 3]:x}"),
            lambda: switch.appctl("dpif-netdev/pmd-rxq-rebalance"),
            lambda: switch.vsctl("set", "interface", "in", f'other_config:pmd-rxq-affinity="0:{i // 5 % os.cpu_count()}"'),
            lambda: switch.vsctl("set", "open", ".", f"other_config:pmd-rxq-assign={('cycles', 'group', 'roundrobin')[i // 5 % 3]}"),
            lambda: switch.vsctl("set", "open", ".", f"other_config:pmd-sleep-max={(0, 50, 200)[i // 5 % 3]}"),
        )
        steps[i % 5]()
    flows, n = sent_while(switch, change)
    assert_ordered(flows)
    assert sum(map(len, flows.values())) == N  # moving a queue loses nothing
    assert n > 5


def test_other_ports_and_flows_come_and_go(switch):
    def change(i):
        if i % 2:
            switch.vsctl("--if-exists", "del-port", "other")
            switch.ofctl("add-flow", "br0", f"priority={100 + i},in_port=1,udp,tp_src={1000 + i % FLOWS},actions=output:2")
        else:
            add_port(switch, "other", 5, "net_null5,no-rx=1", f"options:n_rxq={1 + i % 3}")
            switch.ofctl("--strict", "del-flows", "br0", f"priority={100 + i - 1},in_port=1,udp,tp_src={1000 + (i - 1) % FLOWS}")
    flows, n = sent_while(switch, change)
    assert_ordered(flows)
    assert sum(map(len, flows.values())) == N
    assert n > 1


def test_the_port_itself_restarts(switch):
    """Whoever takes a port away loses what was in it, and no more: what passes stays in order, and passes again afterwards. Over AF_XDP, as
    af_packet's driver receives from all devices for a moment when it is opened."""
    def add(kind):
        switch.vsctl("--if-exists", "del-port", kind, "--", "add-port", "br0", "v0", "--", "set", "interface", "v0", "type=afxdp",
                     "ofport_request=1")
        assert switch.vsctl("get", "interface", "v0", "error").strip() == "[]"

    def change(i):
        if i % 3:
            switch.vsctl("set", "interface", "v0", f"options:{('n_rxq_desc', 'n_txq_desc')[i % 2]}={(1024, 2048)[i // 3 % 2]}")
        else:
            switch.vsctl("del-port", "v0")
            add("v0")
    add("in")
    flows, n = sent_while(switch, change)
    assert_ordered(flows)
    assert sum(map(len, flows.values())) > N / 200
    assert n > 1
