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
    *[(f"{command}", *args) for command in ("stp/show", "stp/tcn", "rstp/show", "rstp/tcn") for args in ((), ("br0",), ("brx",), ("a", "b"))],
    ("dpif/set-dp-features", "brx"),
    *[("dpif/set-dp-features", "br0", *args) for args in (("nope",), ("nope", "true"), ("recirc", "maybe"), ("recirc", "true"), ("trunc", "1"),
                                                          ("max_mpls_depth", "x"), ("max_mpls_depth", "-1"), ("max_mpls_depth", "9"),
                                                          ("recirc", "false", "x"), ("clone", "true"), ("trunc",), ("max_mpls_depth",))],
    ("upcall/disable-ufid",),
    ("upcall/disable-ufid", "x"),
    ("upcall/enable-ufid",),
    ("dpctl/cache-set-size", "ovs-dummy", "masks"),
    ("dpctl/cache-set-size", "dummy@ovs-dummy", "masks", "5"),
    ("netdev-dummy/conn-state",),
    ("netdev-dummy/conn-state", "p1"),
    ("netdev-dummy/conn-state", "px"),
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

# Datapaths and ports that no bridge has. (Stock says "No such file or directory" of datapaths without a type, as its kernel has none.)
PORTS_BY_HAND = [
    ("dpctl/add-dp", "dummy@d1"),
    ("dpctl/add-dp", "dummy@d1"),
    ("dpctl/add-dp", "foo@d2"),
    ("dpctl/dump-dps",),
    ("dpctl/add-if", "dummy@d1", "y1,type=dummy"),
    ("dpctl/add-if", "dummy@d1", "y1,type=dummy"),
    ("dpctl/add-if", "dummy@d1", "y2"),
    ("dpctl/add-if", "dummy@d1", "y3,type=nope"),
    ("dpctl/add-if", "dummy@d1", "y4,type=dummy,port_no=1"),
    ("dpctl/add-if", "dummy@d1", "y5,type=dummy,port_no=9,ifindex=7"),
    ("dpctl/add-if", "dummy@d1", "y7,type=dummy", "y7,type=dummy", "y8,type=dummy"),
    ("dpctl/add-if", "dummy@d1"),
    ("dpctl/add-if", "dummy@nope", "y9"),
    ("dpctl/set-if", "dummy@d1", "y1,ifindex=3"),
    ("dpctl/set-if", "dummy@d1", "y1,ifindex="),
    ("dpctl/set-if", "dummy@d1", "nope,a=b"),
    ("dpctl/set-if", "dummy@d1", "y1,type=system"),
    ("dpctl/set-if", "dummy@d1", "y1,type=dummy"),
    ("dpctl/set-if", "dummy@d1", "y1,port_no=9", "y5,port_no=9"),
    ("dpctl/set-if", "dummy@d1", "y1"),
    ("dpctl/del-if", "dummy@d1", "y1"),
    ("dpctl/del-if", "dummy@d1", "y1", "y5"),
    ("dpctl/del-if", "dummy@d1", "99"),
    ("dpctl/del-if", "dummy@d1", "7"),
    ("dpctl/del-if", "dummy@d1", "d1"),
    ("dpctl/del-if", "dummy@d1", "0"),
    ("dpctl/show", "dummy@d1"),
    ("dpctl/del-dp", "dummy@d1"),
    ("dpctl/del-dp", "dummy@d1"),
    ("dpctl/dump-dps",),
    ("dpif-dummy/change-port-number", "ovs-dummy", "p1"),
    ("dpif-dummy/change-port-number", "br0", "p1", "77"),
    ("dpif-dummy/change-port-number", "ovs-dummy", "px", "77"),
    *[("dpif-dummy/change-port-number", "ovs-dummy", "p1", number) for number in ("x", "0", "-1", "4294967295", "2", "77")],
    ("dpctl/show",),
    ("ofproto/trace", "ovs-dummy", "in_port(77),eth(src=00:00:00:00:00:01,dst=00:00:00:00:00:02),eth_type(0x1234)"),
    ("dpif-dummy/change-port-number", "ovs-dummy", "p1", "1"),
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
    with harness.both_sides(Side) as made:
        for side in made:
            side.load_acceptable(["priority=0,actions=NORMAL"])
        yield made


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


def test_datapaths_and_ports_by_hand(sides):
    def shown(side, *command):
        return re.sub(r"^  port 0: ovs-dummy.*\n", "", normal(side, side.channel.call(*command)), flags=re.M)  # ours has none
    for command in PORTS_BY_HAND:
        assert shown(sides[0], *command) == shown(sides[1], *command), command


def test_ports_of_bridges_are_not_for_hands(sides):
    channel = sides[0].channel
    assert "p1 from dummy@ovs-dummy failed: it belongs to bridge br0" in channel.call("dpctl/del-if", "ovs-dummy", "p1")
    assert "it belongs to bridge br0" in channel.call("dpctl/set-if", "ovs-dummy", "p1,ifindex=4")
    assert "bridges use it" in channel.call("dpctl/del-dp", "ovs-dummy")
    assert "KEY=VALUE is wanted" in channel.call("dpctl/add-if", "ovs-dummy", "y1,type")
    assert "a port number is wanted" in channel.call("dpctl/add-if", "ovs-dummy", "y1,port_no=x")


def test_a_port_with_another_number(sides):
    """The bridge goes on with it: packets, megaflows and names are right under the new number."""
    for side in sides:
        side.load_acceptable(["in_port=1,actions=2", "in_port=2,actions=1"])
        side.channel.call("dpif-dummy/change-port-number", "ovs-dummy", "p1", "78")

    def seen(side):
        for port in ("p1", "p2"):  # the change may still take away what the last ones left
            side.channel.call("netdev-dummy/receive", port, PACKET)
        text = side.channel.call("dpctl/dump-flows", "--names")
        return sorted(re.findall(r"in_port\((p\d)\).*actions:(p\d)", text))
    for side in sides:
        harness.wait_until(lambda: seen(side) == [("p1", "p2"), ("p2", "p1")], what="both megaflows")
        side.channel.call("dpif-dummy/change-port-number", "ovs-dummy", "p1", "1")


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


def test_features_that_are_switched_off(sides):
    """Both refuse to recirculate, and go on when they may again."""
    for side in sides:
        side.load_acceptable(["mpls,actions=pop_mpls:0x0800,dec_ttl,2", "arp,actions=drop"])
        flow = "in_port=1,dl_type=0x8847,mpls_label=5,mpls_bos=1"
        assert "recirc(" in side.channel.call("ofproto/trace", "br0", flow)
        side.channel.call("dpif/set-dp-features", "br0", "recirc", "false")
        assert "Recirc: Yes" in side.channel.call("dpif/show-dp-features", "br0")  # what the datapath can do
        assert "[run time]:false, [boot time]:true" in side.channel.call("dpif/set-dp-features", "br0", "recirc")
        if side is sides[0]:  # the stock switch looks at it for conntrack only
            assert "Recirculation not supported" in side.channel.call("ofproto/trace", "br0", flow)
        side.channel.call("dpif/set-dp-features", "br0", "recirc", "true")
        assert "recirc(" in side.channel.call("ofproto/trace", "br0", flow)
    ours = sides[0].channel
    assert "nothing in this switch depends on it" in ours.call("dpif/set-dp-features", "br0", "clone", "false")
    # An explicit drop says why; without, what is dropped is the pipeline's will.
    sides[0].load_acceptable(["arp,actions=resubmit(,1)", "table=1,arp,actions=resubmit(,0)"])

    def drops():
        return [int(ours.call("coverage/read-counter", f"drop_action_{why}")) for why in ("translation", "of_pipeline")]

    before = drops()
    for n, explicit in enumerate(("true", "false")):
        ours.call("dpif/set-dp-features", "br0", "explicit_drop_action", explicit)
        ours.call("revalidator/purge")
        for _ in range(3):
            ours.call("netdev-dummy/receive", "p1", "ffffffffffff0000000000010806" + "00" * 46)
        harness.wait_until(lambda: drops() == [before[0] + 3, before[1] + 3 * n], what=f"{drops()} after {before}")
    ours.call("dpif/set-dp-features", "br0", "explicit_drop_action", "true")
