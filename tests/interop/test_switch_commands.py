# SPDX-License-Identifier: Apache-2.0
"""fdb/*, dpctl/*, dpif/* and ofproto/trace give the texts of the stock switch, for right and for wrong arguments."""
import re

import pytest

import harness
from test_trace_differential import Side, canonical

BAD_MACS = ["00:0", "00:00:00:00:00", "xx:00:00:00:00:01"]
PACKET = "ffffffffffff000000000001080045000020000000004011000001020304050607080001000200080000" + "00" * 20

BY_HAND = "in_port(3),eth(),eth_type(0x1234)"

# Run in this order on both. The answers are compared as they are but for numbers of datapath ports.
COMMANDS = [
    ("ofproto/trace", "brx", "in_port=1"),
    ("ofproto/trace", "br0", "foo=1"),
    ("ofproto/trace", "br0", "in_port=1,tcp,nw_src=1.2.3.0/24"),
    ("ofproto/trace", "br0", "in_port=1", "0102"),
    ("ofproto/trace", "br0", "in_port=1", "xyz"),
    ("ofproto/trace", "br0", "in_port=1", "a", "b", "c"),
    ("ofproto/trace", "br0"),
    ("ofproto/trace", "br0", ""),
    ("ofproto/trace", "br0", "in_port=1,tcp", "-nonsense"),
    ("ofproto/trace", "br0", "recirc_id=5,tcp"),
    ("ofproto/trace", "br0", "in_port=1,dl_dst=00:00:00:00:00:02,udp,nw_src=10.0.0.1,nw_ttl=9"),
    ("ofproto/trace", "br0", "in_port=p1,tcp", "--names"),
    ("ofproto/trace", "br0", "in_port=LOCAL,ipv6"),
    ("ofproto/trace", "br0", "in_port=77"),
    ("fdb/show", "br0"),  # a trace without a packet has left nothing behind
    ("ofproto/trace", "br0", "in_port=1", PACKET),
    ("fdb/show", "br0"),
    ("ofproto/trace", "br0", "in_port=2,dl_src=00:00:00:00:00:05,dl_dst=00:00:00:00:00:01", "-generate"),
    ("fdb/show", "br0"),
    ("ofproto/trace", "br0", "in_port=1,dl_src=00:00:00:00:00:01,dl_dst=00:00:00:00:00:05"),
    ("ofproto/trace", "br0", "in_port=2,dl_src=00:00:00:00:00:07,dl_dst=00:00:00:00:00:05"),
    ("ofproto/trace-packet-out", "br0", "in_port=1,tcp", "2,3"),
    ("ofproto/trace-packet-out", "br0", "in_port=1,tcp", "mod_dl_src:00:00:00:00:00:09,TABLE"),
    ("ofproto/trace-packet-out", "br0", "in_port=1,tcp", "foo"),
    ("fdb/stats-show", "br0"),
    ("fdb/flush", "br0"),
    ("fdb/show", "br0"),
    ("fdb/flush", "brx"),
    ("fdb/flush",),
    ("fdb/show", "brx"),
    ("fdb/show",),
    ("fdb/stats-clear", "br0"),
    ("fdb/stats-clear",),
    ("fdb/stats-clear", "brx"),
    ("fdb/stats-show", "br0"),
    ("fdb/stats-show", "brx"),
    ("fdb/add", "br0", "p1", "10", "00:00:00:00:00:01"),
    ("fdb/add", "br0", "p2", "0", "00:00:00:00:00:02"),
    ("fdb/show", "br0"),
    ("ofproto/trace", "br0", "in_port=1,dl_dst=00:00:00:00:00:02"),
    ("fdb/stats-show", "br0"),
    ("fdb/del", "br0", "10", "00:00:00:00:00:01"),
    ("fdb/del", "br0", "10", "00:00:00:00:00:01"),
    ("fdb/del", "br0", "0", "00:00:00:00:00:02"),
    *[("fdb/add", "br0", "p1", "1", mac) for mac in BAD_MACS],
    ("fdb/add", "brx", "p1", "1", "00:00:00:00:00:01"),
    ("fdb/show", "br0"),
    ("dpctl/dump-flows",),
    ("dpctl/dump-flows", "xx"),
    ("dpctl/dump-flows", "filter=zz"),
    ("dpctl/dump-flows", "type=zz"),
    ("dpctl/dump-flows", "type=ovs", "filter=tcp"),
    ("dpctl/dump-dps",),
    ("dpif/dump-dps",),
    ("dpif/dump-flows",),
    ("dpif/dump-flows", "brx"),
    ("dpif/dump-flows", "br0"),
    ("dpif/show",),
    ("dpif/show", "br0"),
    ("dpctl/del-flows",),
    ("qos/show", "p1"),
    ("qos/show", "px"),
    ("qos/show-types", "p1"),
    ("qos/show-types", "px"),
    ("dpctl/cache-get-size",),
    ("dpctl/offload-stats-show",),
    ("dpif/show-dp-features", "brx"),
    ("ofproto/list-tunnels",),
    ("ofproto/trace", "br0", "in_port=1,tcp", "--ct-next", "trk,est"),
    ("ofproto/trace", "br0", "in_port=1,tcp", "--ct-next", "foo"),
    ("ofproto/trace", "br0", "in_port=1,tcp", "--ct-next"),
    ("dpctl/normalize-actions", "in_port(1)", "1,2"),
    ("dpctl/normalize-actions", "in_port=1", "1"),
    ("dpctl/parse-actions", "1,2,set(eth(src=00:00:00:00:00:01)),3"),
    ("dpctl/parse-actions", "foo"),
    ("upcall/disable-megaflows",),
    ("upcall/enable-megaflows",),
    ("mdb/show", "br0"),
    ("mdb/show", "brx"),
    ("mdb/flush", "br0"),
    ("mdb/flush",),
    ("upcall/set-flow-limit", "5000"),
    ("upcall/set-flow-limit",),
    ("revalidator/wait",),
    ("revalidator/purge",),
]

# The stock switch's revalidators take such flows out again after a while: compared in one go, and once more when they came between.
BY_HAND_COMMANDS = [
    ("dpctl/del-flows",),
    ("dpctl/add-flow", BY_HAND, "2"),
    ("dpctl/add-flow", BY_HAND, "2"),
    ("dpctl/dump-flows",),
    ("dpctl/add-flow", "foo", "2"),
    ("dpctl/add-flow", "in_port(3),eth(),eth_type(0x1235)", "xx"),
    ("dpctl/add-flow", "xx", BY_HAND, "2"),
    ("dpctl/add-flow",),
    ("dpctl/mod-flow", BY_HAND, "1,2"),
    ("dpctl/mod-flow", "in_port(3),eth(),eth_type(0x1239)", "1,2"),
    ("dpctl/mod-flow", "--clear", BY_HAND, "1,2"),
    ("dpctl/mod-flow", "--may-create", "in_port(3),eth(),eth_type(0x1244)", "1,2"),
    ("dpctl/dump-flows",),
    ("dpctl/del-flow", BY_HAND),
    ("dpctl/del-flow", BY_HAND),
    ("dpctl/del-flow", "ufid:12345678-1234-1234-1234-123456789abc"),
    ("dpctl/get-flow", "ufid:12345678-1234-1234-1234-123456789abc"),
    ("dpctl/del-flow", "-s", "in_port(3),eth(),eth_type(0x1244)"),
    ("dpctl/dump-flows",),
]


def normal(side, text):
    def actions(m):
        named = re.sub(r"(?<![\w.:/=(\-])(\d+)(?=,|$)", lambda n: side.names.get(n.group(1), n.group(1)), m.group(1))
        return "Datapath actions: " + canonical(named)
    text = re.sub(r"^Datapath actions: (.*)$", actions, text, flags=re.M)
    text = text.replace("packet_type(ns=0,id=0),eth_type", "eth(),eth_type")  # of flows put there by hand
    return re.sub(r"/\d+: \(dummy", "/N: (dummy", text).rstrip("\n")


@pytest.fixture(scope="module")
def sides():
    if not harness.is_root():
        pytest.skip("needs root: network namespaces")
    net = harness.Net()
    made = []
    try:
        for tools in (harness.ours, harness.stock):
            side = Side(tools, net)
            made.append(side)
            side.load_acceptable(["priority=0,actions=NORMAL"])
        yield made
    finally:
        for side in made:
            side.switch.close()
        net.close()


def differences(sides, commands):
    ours, theirs = sides
    different = []
    for command in commands:
        mine, stock = normal(ours, ours.channel.call(*command)), normal(theirs, theirs.channel.call(*command))
        if mine != stock:
            different.append(f"{' '.join(command)}\n--- ours\n{mine}\n--- stock\n{stock}\n")
    return "\n".join(different)


def test_same_texts(sides):
    different = differences(sides, COMMANDS)
    assert not different, different


def test_flows_by_hand(sides):
    different = [differences(sides, BY_HAND_COMMANDS)]
    while different[-1] and len(different) < 5:
        different.append(differences(sides, BY_HAND_COMMANDS))
    assert not different[-1], different[-1]


# What a packet leaves behind, seen through both.
def test_same_megaflows(sides):
    packets = [
        "in_port(1),eth(src=50:54:00:00:00:01,dst=50:54:00:00:00:02),eth_type(0x0800),ipv4(src=1.1.1.1,dst=2.2.2.2,proto=6,ttl=3),"
        "tcp(src=1,dst=3)",
        "in_port(1),eth(src=50:54:00:00:00:01,dst=ff:ff:ff:ff:ff:ff),eth_type(0x0806),arp(sip=1.1.1.1,tip=1.1.1.2,op=1,"
        "sha=50:54:00:00:00:01,tha=00:00:00:00:00:00)",
        "in_port(1),eth(src=50:54:00:00:00:01,dst=50:54:00:00:00:02),eth_type(0x8100),vlan(vid=9,pcp=3),encap(eth_type(0x86dd),"
        "ipv6(src=fe80::1,dst=fe80::2,proto=17,hlimit=64),udp(src=5,dst=6))",
    ]
    flows = ["priority=9,ip,nw_dst=2.2.0.0/16,actions=dec_ttl,output:2", "priority=9,ipv6,dl_vlan=9,actions=strip_vlan,output:3",
             "priority=8,arp,arp_op=1,actions=output:4", "priority=1,actions=drop"]
    for side in sides:
        side.load_acceptable(flows)
        for packet in packets:
            for _ in range(3):
                side.channel.call("netdev-dummy/receive", "p1", packet)

    def dump(side):
        text = side.channel.call("dpctl/dump-flows", "--names")
        text = re.sub(r"used:[\d.]+s", "used:T", text)
        # Bits outside of the mask: stock shows the first packet's, we show none.
        text = re.sub(r"dst=2\.2\.\d\.\d/255\.255\.0\.0", "dst=2.2.0.0/16", text)
        return sorted(text.splitlines())

    # The stock switch takes dummy packets in when it comes to it.
    harness.wait_until(lambda: sum("packets:2," in line for line in dump(sides[1])) == len(packets), what="stock to have seen all")
    assert dump(sides[0]) == dump(sides[1])
