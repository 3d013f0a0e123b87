# SPDX-License-Identifier: Apache-2.0
"""OpenFlow 1.0, 1.3 and 1.4, field by field and action by action, over ports: a packet that must match or change, and one that must not."""
import pytest
from scapy.all import (ARP, ICMP, IP, SCTP, TCP, UDP, Dot1Q, Ether, ICMPv6DestUnreach, ICMPv6EchoRequest, ICMPv6ND_NA, ICMPv6ND_NS,
                       ICMPv6NDOptDstLLAddr, ICMPv6NDOptSrcLLAddr, IPv6, Raw, SCTPChunkData)
from scapy.contrib.mpls import MPLS

from dummy import DummySwitch

VERSIONS = ["OpenFlow10", "OpenFlow13", "OpenFlow14"]
DATA = Raw(b"0123456789" * 4)


# --- Packets.

def eth(src=1, dst=2, **kw):
    return Ether(src=f"00:00:00:00:00:{src:02x}", dst=f"00:00:00:00:00:{dst:02x}", **kw)


def ip(payload, e=None, vlans=(), **kw):
    p = e or eth()
    for vlan in vlans:
        p = p / Dot1Q(**vlan)
    return p / IP(**{"src": "10.0.0.1", "dst": "10.0.0.2", "ttl": 64, **kw}) / payload


def tcp(sport=1000, dport=80, flags="A", e=None, vlans=(), **kw):
    return ip(TCP(sport=sport, dport=dport, flags=flags) / DATA, e, vlans, **kw)


def udp(sport=1000, dport=53, **kw):
    return ip(UDP(sport=sport, dport=dport) / DATA, **kw)


def sctp(sport=1000, dport=3868, **kw):
    return ip(SCTP(sport=sport, dport=dport, tag=7) / SCTPChunkData(data="x" * 8), proto=132, **kw)


def icmp(type=8, code=0, **kw):
    return ip(ICMP(type=type, code=code) / DATA, **kw)


def arp(op=1, spa="10.0.0.1", tpa="10.0.0.2", sha=1, tha=0, **kw):
    return eth(**kw) / ARP(op=op, psrc=spa, pdst=tpa, hwsrc=f"00:00:00:00:00:{sha:02x}", hwdst=f"00:00:00:00:00:{tha:02x}") / Raw(b"\0" * 18)


def ip6(payload, e=None, **kw):
    return (e or eth()) / IPv6(**{"src": "fd00::1", "dst": "fd00::2", "hlim": 64, **kw}) / payload


def udp6(sport=1000, dport=53, **kw):
    return ip6(UDP(sport=sport, dport=dport) / DATA, **kw)


def tcp6(sport=1000, dport=80, **kw):
    return ip6(TCP(sport=sport, dport=dport) / DATA, **kw)


def echo6(**kw):
    return ip6(ICMPv6EchoRequest(**kw) / DATA)


def ns(target="fd00::9", sll=1, **kw):
    return ip6(ICMPv6ND_NS(tgt=target) / ICMPv6NDOptSrcLLAddr(lladdr=f"00:00:00:00:00:{sll:02x}"), hlim=255, **kw)


def na(target="fd00::9", tll=1, **kw):
    return ip6(ICMPv6ND_NA(tgt=target) / ICMPv6NDOptDstLLAddr(lladdr=f"00:00:00:00:00:{tll:02x}"), hlim=255, **kw)


def mpls(label=100, tc=3, ttl=64, inner=None, **kw):
    return eth(type=0x8847, **kw) / MPLS(label=label, cos=tc, s=1, ttl=ttl) / (inner or IP(src="10.0.0.1", dst="10.0.0.2") / UDP() / DATA)


def fragment(first):
    return ip(UDP(sport=1000, dport=53) / DATA if first else DATA, proto=17, flags="MF" if first else 0, frag=0 if first else 20)


TAG = {"vlan": 5, "prio": 3}
PLAIN = eth(type=0x88b5) / DATA

# --- Fields: (match, a packet that matches, one that does not).

FIELDS = [
    ("in_port=1", tcp(), None),  # the packet that does not match comes in through another port
    ("dl_dst=00:00:00:00:00:02", tcp(), tcp(e=eth(dst=3))),
    ("dl_dst=01:00:00:00:00:00/01:00:00:00:00:00", tcp(e=Ether(src="00:00:00:00:00:01", dst="01:00:00:00:00:02")), tcp()),
    ("dl_src=00:00:00:00:00:01", tcp(), tcp(e=eth(src=3))),
    ("dl_src=00:00:00:00:00:00/ff:ff:ff:ff:ff:fc", tcp(e=eth(src=3)), tcp(e=eth(src=4))),
    ("dl_type=0x88b5", PLAIN, eth(type=0x88b6) / DATA),
    ("dl_type=0x05ff", Ether(bytes(eth())[:12] + b"\0\x28") / DATA, PLAIN),
    ("dl_vlan=5", tcp(vlans=[TAG]), tcp(vlans=[{"vlan": 6}])),
    ("dl_vlan=5,dl_type=0x0800", tcp(vlans=[TAG]), tcp()),
    ("vlan_tci=0", tcp(), tcp(vlans=[TAG])),
    ("vlan_tci=0x1000/0x1000", tcp(vlans=[TAG]), tcp()),
    ("vlan_tci=0x1004/0x1004", tcp(vlans=[TAG]), tcp(vlans=[{"vlan": 3}])),
    ("dl_vlan=5,dl_vlan_pcp=3", tcp(vlans=[TAG]), tcp(vlans=[{"vlan": 5, "prio": 2}])),
    ("ip,nw_tos=32", tcp(tos=33), tcp(tos=64)),
    ("ip,nw_ecn=1", tcp(tos=33), tcp(tos=32)),
    ("ip,nw_proto=17", udp(), tcp()),
    ("ip,nw_ttl=63", tcp(ttl=63), tcp(ttl=64)),
    ("ip,nw_src=10.0.0.1", tcp(), tcp(src="10.0.0.3")),
    ("ip,nw_src=10.0.0.0/31", tcp(), tcp(src="10.0.0.2")),
    ("ip,nw_src=0.0.0.1/0.0.0.255", tcp(src="99.9.9.1"), tcp(src="10.0.0.2")),
    ("ip,nw_dst=10.0.0.2", tcp(), tcp(dst="10.0.0.3")),
    ("ip,nw_dst=10.0.0.0/24", tcp(dst="10.0.0.99"), tcp(dst="10.0.1.2")),
    ("ip,ip_frag=first", fragment(True), udp()),
    ("ip,ip_frag=later", fragment(False), fragment(True)),
    ("ip,ip_frag=no", udp(), fragment(True)),
    ("udp,tp_dst=53", udp(), fragment(True)),  # fragments have no ports in the tables
    ("tcp,tp_src=1000", tcp(), tcp(sport=1001)),
    ("tcp,tp_dst=80", tcp(), tcp(dport=81)),
    ("tcp,tp_dst=80", tcp(), udp(dport=80)),
    ("tcp,tp_dst=0x50/0xfff0", tcp(dport=95), tcp(dport=96)),
    ("tcp,tcp_flags=+syn-ack", tcp(flags="S"), tcp(flags="SA")),
    ("tcp,tcp_flags=0x012", tcp(flags="SA"), tcp(flags="SAF")),
    ("udp,tp_src=1000", udp(), udp(sport=9)),
    ("udp,tp_dst=53", udp(), udp(dport=54)),
    ("sctp,tp_src=1000", sctp(), sctp(sport=9)),
    ("sctp,tp_dst=3868", sctp(), sctp(dport=9)),
    ("icmp,icmp_type=8", icmp(), icmp(type=0)),
    ("icmp,icmp_type=3,icmp_code=4", icmp(type=3, code=4), icmp(type=3, code=3)),
    ("arp,arp_op=2", arp(op=2), arp(op=1)),
    ("arp,arp_spa=10.0.0.1", arp(), arp(spa="10.0.0.9")),
    ("arp,arp_tpa=10.0.0.0/30", arp(), arp(tpa="10.0.0.9")),
    ("arp,arp_sha=00:00:00:00:00:01", arp(), arp(sha=2)),
    ("arp,arp_tha=00:00:00:00:00:07", arp(tha=7), arp(tha=8)),
    ("ipv6,ipv6_src=fd00::1", udp6(), udp6(src="fd00::3")),
    ("ipv6,ipv6_src=fd00::/64", udp6(), udp6(src="fd00:0:0:1::1")),
    ("ipv6,ipv6_dst=fd00::2", udp6(), udp6(dst="fd00::3")),
    ("ipv6,ipv6_dst=::2/::ff", udp6(), udp6(dst="fd00::3")),
    ("ipv6,ipv6_label=0x12345", udp6(fl=0x12345), udp6(fl=0x12346)),
    ("ipv6,nw_tos=32", udp6(tc=33), udp6(tc=64)),
    ("ipv6,nw_ecn=1", udp6(tc=33), udp6(tc=32)),
    ("ipv6,nw_ttl=63", udp6(hlim=63), udp6()),
    ("udp6,tp_dst=53", udp6(), udp6(dport=54)),
    ("tcp6,tp_src=1000", tcp6(), tcp6(sport=9)),
    ("icmp6,icmpv6_type=128", echo6(), ns()),
    ("icmp6,icmpv6_type=1,icmpv6_code=3", ip6(ICMPv6DestUnreach(code=3) / DATA), ip6(ICMPv6DestUnreach(code=4) / DATA)),
    ("icmp6,icmpv6_type=135,icmpv6_code=0,nd_target=fd00::9", ns(), ns(target="fd00::8")),
    ("icmp6,icmpv6_type=135,icmpv6_code=0,nd_sll=00:00:00:00:00:01", ns(), ns(sll=2)),
    ("icmp6,icmpv6_type=136,icmpv6_code=0,nd_tll=00:00:00:00:00:01", na(), na(tll=2)),
    ("mpls,mpls_label=100", mpls(), mpls(label=101)),
    ("mpls,mpls_tc=3", mpls(), mpls(tc=2)),
    ("mpls,mpls_bos=1", mpls(), eth(type=0x8847) / MPLS(label=100, s=0) / MPLS(label=5, s=1) / IP() / UDP()),
]

# Fields that packets do not bring along: (actions of table 0 in front of resubmit(,1), a match of table 1, one that must not match).
METADATA = [
    ("set_field:0x1234->metadata", "metadata=0x1234", "metadata=0x1235"),
    ("set_field:0x1234->metadata", "metadata=0x1200/0xff00", "metadata=0x1300/0xff00"),
    *[(f"set_field:{n + 1}->reg{n}", f"reg{n}={n + 1}", f"reg{n}={n + 2}") for n in range(16)],
    ("set_field:0x12->reg0", "reg0=0x10/0xf0", "reg0=0x20/0xf0"),
    ("set_field:0x123456789abcdef->xreg1", "reg2=0x1234567,reg3=0x89abcdef", "xreg1=1"),
    ("set_field:0x11223344556677889900aabbccddeeff->xxreg1", "reg4=0x11223344,reg7=0xccddeeff", "xxreg1=1"),
    ("set_field:7->pkt_mark", "pkt_mark=7", "pkt_mark=8"),
    ("set_field:9->tun_id", "tun_id=9", "tun_id=10"),
    ("push:NXM_OF_IN_PORT[],pop:NXM_NX_REG5[0..15]", "reg5=1", "reg5=2"),
    ("move:NXM_OF_IP_SRC[]->NXM_NX_REG1[]", "reg1=0x0a000001", "reg1=0x0a000002"),
]

# --- Actions: (actions, a packet, what leaves port 2).

TAGGED = tcp(vlans=[TAG])
ACTIONS = [
    ("output:2", tcp(), tcp()),
    ("mod_dl_src:00:00:00:00:00:07,output:2", tcp(), tcp(e=eth(src=7))),
    ("mod_dl_dst:00:00:00:00:00:07,output:2", tcp(), tcp(e=eth(dst=7))),
    ("mod_vlan_vid:9,output:2", tcp(), tcp(vlans=[{"vlan": 9}])),
    ("mod_vlan_vid:9,output:2", TAGGED, tcp(vlans=[{"vlan": 9, "prio": 3}])),
    ("mod_vlan_pcp:6,output:2", TAGGED, tcp(vlans=[{"vlan": 5, "prio": 6}])),
    ("mod_vlan_pcp:6,output:2", tcp(), tcp(vlans=[{"vlan": 0, "prio": 6}])),
    ("strip_vlan,output:2", TAGGED, tcp()),
    ("mod_nw_src:10.9.9.9,output:2", tcp(), tcp(src="10.9.9.9")),
    ("mod_nw_dst:10.9.9.9,output:2", udp(), udp(dst="10.9.9.9")),
    ("mod_nw_tos:64,output:2", tcp(tos=33), tcp(tos=65)),
    ("mod_nw_ecn:2,output:2", tcp(tos=33), tcp(tos=34)),
    ("mod_nw_ttl:9,output:2", tcp(), tcp(ttl=9)),
    ("dec_ttl,output:2", tcp(), tcp(ttl=63)),
    ("dec_ttl,output:2", udp6(), udp6(hlim=63)),
    ("dec_ttl,output:2", tcp(ttl=1), None),
    ("mod_tp_src:99,output:2", tcp(), tcp(sport=99)),
    ("mod_tp_dst:99,output:2", tcp(), tcp(dport=99)),
    ("mod_tp_src:99,output:2", udp(), udp(sport=99)),
    ("mod_tp_dst:99,output:2", udp6(), udp6(dport=99)),
    ("mod_tp_dst:99,output:2", sctp(), sctp(dport=99)),
    ("load:0xa->NXM_OF_IP_DST[0..7],output:2", tcp(), tcp(dst="10.0.0.10")),
    ("move:NXM_OF_ETH_SRC[]->NXM_OF_ETH_DST[],output:2", tcp(), tcp(e=eth(dst=1))),
    ("move:NXM_OF_TCP_SRC[]->NXM_OF_TCP_DST[],output:2", tcp(), tcp(dport=1000)),
    ("push:NXM_OF_IP_SRC[],push:NXM_OF_IP_DST[],pop:NXM_OF_IP_SRC[],pop:NXM_OF_IP_DST[],output:2", tcp(),
     tcp(src="10.0.0.2", dst="10.0.0.1")),
    ("load:2->NXM_NX_REG3[],output:NXM_NX_REG3[]", tcp(), tcp()),
    ("output(port=2,max_len=60)", tcp(), bytes(tcp())[:60]),
    ("resubmit(,7)", tcp(), tcp(ttl=63)),  # table 7: dec_ttl,output:2
    ("resubmit(3,8)", tcp(), tcp()),  # table 8: in_port=3: output:2
    ("clone(mod_dl_src:00:00:00:00:00:07),output:2", tcp(), tcp()),
    ("note:01.02.03,output:2", tcp(), tcp()),
    ("output:2,exit,output:2", tcp(), tcp()),
    ("set_queue:1,output:2", tcp(), tcp()),
    ("enqueue:2:1", tcp(), tcp()),
    ("drop", tcp(), None),
]

# Those that only the later versions have.
LATER_ACTIONS = [
    ("set_field:00:00:00:00:00:07->eth_src,output:2", tcp(), tcp(e=eth(src=7))),
    ("set_field:00:00:00:00:00:07->eth_dst,output:2", tcp(), tcp(e=eth(dst=7))),
    ("push_vlan:0x8100,set_field:4105->vlan_vid,output:2", tcp(), tcp(vlans=[{"vlan": 9}])),
    ("push_vlan:0x8100,set_field:4105->vlan_vid,set_field:5->vlan_pcp,output:2", tcp(), tcp(vlans=[{"vlan": 9, "prio": 5}])),
    ("push_vlan:0x88a8,set_field:4105->vlan_vid,output:2", TAGGED, tcp(e=eth(type=0x88a8), vlans=[{"vlan": 9}, TAG])),
    ("pop_vlan,output:2", TAGGED, tcp()),
    ("set_field:10.9.9.9->ip_src,output:2", tcp(), tcp(src="10.9.9.9")),
    ("set_field:10.9.9.9->ip_dst,output:2", udp(), udp(dst="10.9.9.9")),
    ("set_field:10.9.0.0/255.255.0.0->ip_dst,output:2", udp(), udp(dst="10.9.0.2")),
    ("set_field:16->ip_dscp,output:2", tcp(tos=33), tcp(tos=65)),
    ("set_field:2->ip_ecn,output:2", tcp(tos=33), tcp(tos=34)),
    ("set_field:9->nw_ttl,output:2", tcp(), tcp(ttl=9)),
    ("set_field:99->tcp_src,output:2", tcp(), tcp(sport=99)),
    ("set_field:99->tcp_dst,output:2", tcp6(), tcp6(dport=99)),
    ("set_field:99->udp_src,output:2", udp(), udp(sport=99)),
    ("set_field:99->udp_dst,output:2", udp(), udp(dport=99)),
    ("set_field:99->sctp_src,output:2", sctp(), sctp(sport=99)),
    ("set_field:99->sctp_dst,output:2", sctp(), sctp(dport=99)),
    ("set_field:3->icmp_type,set_field:4->icmp_code,output:2", icmp(), icmp(type=3, code=4)),
    ("set_field:2->arp_op,output:2", arp(), arp(op=2)),
    ("set_field:10.9.9.9->arp_spa,output:2", arp(), arp(spa="10.9.9.9")),
    ("set_field:10.9.9.9->arp_tpa,output:2", arp(), arp(tpa="10.9.9.9")),
    ("set_field:00:00:00:00:00:07->arp_sha,output:2", arp(), arp(sha=7)),
    ("set_field:00:00:00:00:00:07->arp_tha,output:2", arp(), arp(tha=7)),
    ("set_field:fd00::9->ipv6_src,output:2", udp6(), udp6(src="fd00::9")),
    ("set_field:fd00::9->ipv6_dst,output:2", tcp6(), tcp6(dst="fd00::9")),
    ("set_field:0x12345->ipv6_label,output:2", udp6(), udp6(fl=0x12345)),
    ("set_field:16->ip_dscp,output:2", udp6(tc=33), udp6(tc=65)),
    ("set_field:fd00::8->nd_target,output:2", ns(), ns(target="fd00::8")),
    ("set_field:00:00:00:00:00:07->nd_sll,output:2", ns(), ns(sll=7)),
    ("set_field:00:00:00:00:00:07->nd_tll,output:2", na(), na(tll=7)),
    ("push_mpls:0x8847,set_field:100->mpls_label,set_field:3->mpls_tc,output:2", udp(), mpls(inner=udp()[IP])),
    ("pop_mpls:0x0800,output:2", mpls(inner=udp()[IP]), udp()),
    ("set_field:7->mpls_label,output:2", mpls(), mpls(label=7)),
    ("set_field:7->mpls_tc,output:2", mpls(), mpls(tc=7)),
    ("set_mpls_ttl:9,output:2", mpls(), mpls(ttl=9)),
    ("dec_mpls_ttl,output:2", mpls(), mpls(ttl=63)),
    ("goto_table:7", tcp(), tcp(ttl=63)),
    ("write_actions(output:2)", tcp(), tcp()),
    ("write_actions(output:2),goto_table:11", tcp(), None),  # table 11: clear_actions
    ("write_actions(set_field:00:00:00:00:00:07->eth_src,output:2),goto_table:9", tcp(), tcp(e=eth(src=7))),
    ("write_metadata:0x55,goto_table:10", tcp(), tcp()),  # table 10: metadata=0x55: output:2
    ("group:1", tcp(), tcp(e=eth(dst=7))),  # all: buckets to ports 2 (changed) and 3 (not)
    ("group:2", tcp(), tcp(ttl=63)),	    # indirect: dec_ttl,output:2
    ("group:3", tcp(), tcp()),		    # fast failover: the first bucket's port is not there
    ("group:4", tcp(), tcp()),		    # select with one bucket
]
GROUPS = ["group_id=1,type=all,bucket=set_field:00:00:00:00:00:07->eth_dst,output:2,bucket=output:3",
          "group_id=2,type=indirect,bucket=dec_ttl,output:2",
          "group_id=3,type=ff,bucket=watch_port:77,output:3,bucket=watch_port:2,output:2", "group_id=4,type=select,bucket=output:2"]


class Versioned:
    def __init__(self, version):
        self.version = version
        self.switch = DummySwitch(n_ports=3, bridge=["protocols=OpenFlow10,OpenFlow13,OpenFlow14"])

    def ofctl(self, *args, check=True):
        return self.switch.tool("ovs-ofctl", "-O", self.version, *args, check=check)

    def flows(self, *flows):
        self.ofctl("del-flows", "br0")
        for flow in flows:
            self.ofctl("add-flow", "br0", flow)

    def sent(self, port, packet):
        """What leaves port 2 when the packet comes in."""
        self.switch.send(port, packet)
        return self.switch.out().get(2, [])


@pytest.fixture(scope="module", params=VERSIONS)
def of(request):
    v = Versioned(request.param)
    try:
        if v.version != "OpenFlow10":
            for group in GROUPS:
                v.ofctl("add-group", "br0", group)
        yield v
    finally:
        v.switch.close()


@pytest.mark.parametrize("match,good,bad", FIELDS, ids=lambda x: x if isinstance(x, str) else "")
def test_field(of, match, good, bad):
    of.flows(f"{match},actions=output:2")
    assert of.sent(1, good) == [bytes(good)]
    assert of.sent(1 if bad is not None else 3, bad if bad is not None else good) == []
    assert of.sent(1, good) == [bytes(good)]  # through the megaflow that is there now
    # The same the other way round: what the field must not match is first.
    of.switch.call("revalidator/purge")
    assert of.sent(1 if bad is not None else 3, bad if bad is not None else good) == []
    assert of.sent(1, good) == [bytes(good)]


@pytest.mark.parametrize("actions,good,bad", METADATA)
def test_metadata_field(of, actions, good, bad):
    start = f"ip,actions={actions},resubmit(,1)"
    of.flows(start, f"table=1,{good},actions=output:2")
    assert of.sent(1, tcp()) == [bytes(tcp())]
    of.flows(start, f"table=1,{bad},actions=output:2")
    assert of.sent(1, tcp()) == []


def kind(packet):
    """What the packet is, as a match that gives the prerequisites of all that one may do to it."""
    v6 = "6" if packet.haslayer(IPv6) else ""
    for layer, name in ((MPLS, "mpls"), (ARP, "arp"), (ICMPv6ND_NS, "icmp6,icmpv6_type=135,icmpv6_code=0"),
                        (ICMPv6ND_NA, "icmp6,icmpv6_type=136,icmpv6_code=0"), (TCP, "tcp" + v6), (UDP, "udp" + v6), (SCTP, "sctp" + v6),
                        (ICMP, "icmp")):
        if packet.haslayer(layer):
            return name + (",vlan_tci=0x1000/0x1000" if packet.haslayer(Dot1Q) else "")
    raise AssertionError(packet.summary())


def check_action(of, actions, packet, want):
    of.flows("table=7,ip,actions=dec_ttl,output:2", "table=8,in_port=3,actions=output:2")
    if of.version != "OpenFlow10":
        of.ofctl("add-flow", "br0", "table=9,actions=drop")
        of.ofctl("add-flow", "br0", "table=10,metadata=0x55,actions=output:2")
        of.ofctl("add-flow", "br0", "table=11,actions=clear_actions")
    of.ofctl("add-flow", "br0", f"priority=9,{kind(packet)},actions={actions}")
    expected = [] if want is None else [bytes(want)]
    assert of.sent(1, packet) == expected
    assert of.sent(1, packet) == expected  # and by the megaflow
    of.ofctl("del-flows", "br0", "table=0")
    assert of.sent(1, packet) == []


@pytest.mark.parametrize("actions,packet,want", ACTIONS, ids=lambda x: x if isinstance(x, str) else "")
def test_action(of, actions, packet, want):
    check_action(of, actions, packet, want)


@pytest.mark.parametrize("actions,packet,want", LATER_ACTIONS, ids=lambda x: x if isinstance(x, str) else "")
def test_action_of_later_versions(of, actions, packet, want):
    if of.version == "OpenFlow10":
        pytest.skip("not of OpenFlow 1.0")
    check_action(of, actions, packet, want)


# --- Extensions, in all versions.

def test_learn(of):
    of.flows("priority=9,ip,actions=learn(table=12,NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],output:NXM_OF_IN_PORT[]),resubmit(,12)")
    assert of.sent(2, tcp(e=eth(src=7))) == []  # nobody is known to be where it goes
    assert of.sent(1, tcp(e=eth(dst=8))) == []
    assert of.sent(1, tcp(e=eth(dst=7))) == [bytes(tcp(e=eth(dst=7)))]
    assert "dl_dst=00:00:00:00:00:07 actions=output:2" in of.ofctl("dump-flows", "br0", "table=12").stdout


def test_conjunction(of):
    of.flows("conj_id=7,ip,actions=output:2", "priority=9,ip,nw_src=10.0.0.1,actions=conjunction(7,1/2)",
             "priority=9,ip,nw_src=10.0.0.3,actions=conjunction(7,1/2)", "priority=9,tcp,tp_dst=80,actions=conjunction(7,2/2)",
             "priority=9,tcp,tp_dst=81,actions=conjunction(7,2/2)")
    for src in ("10.0.0.1", "10.0.0.3", "10.0.0.5"):
        for port in (80, 81, 82):
            packet = tcp(src=src, dport=port)
            assert of.sent(1, packet) == ([bytes(packet)] if src != "10.0.0.5" and port != 82 else [])


def test_check_pkt_larger(of):
    of.flows("priority=9,ip,actions=check_pkt_larger(100)->NXM_NX_REG0[0],resubmit(,13)", "table=13,reg0=1,actions=output:2")
    small, large = udp(), ip(UDP(sport=1000, dport=53) / Raw(b"x" * 200))
    assert of.sent(1, small) == []
    assert of.sent(1, large) == [bytes(large)]


@pytest.mark.parametrize("actions", ["bundle(eth_src,0,active_backup,ofport,members:77,2)", "bundle(eth_src,0,hrw,ofport,members:2)",
                                     "multipath(eth_src,50,modulo_n,1,0,NXM_NX_REG0[0..3]),load:2->NXM_NX_REG1[],output:NXM_NX_REG1[]",
                                     "fin_timeout(idle_timeout=10),output:2"])
def test_choice(of, actions):
    of.flows(f"priority=9,tcp,actions={actions}")
    assert of.sent(1, tcp()) == [bytes(tcp())]
    assert of.sent(1, udp()) == []


def test_meter_drops(of):
    if of.version == "OpenFlow10":
        pytest.skip("not of OpenFlow 1.0")
    of.flows("priority=0,actions=drop")
    of.switch.call("time/stop")
    of.ofctl("add-meter", "br0", "meter=1,pktps,burst,bands=type=drop,rate=10,burst_size=5")
    of.ofctl("add-flow", "br0", "priority=9,udp,actions=meter:1,output:2")
    passed = sum(len(of.sent(1, udp())) for _ in range(40))
    assert 1 <= passed <= 16  # the burst, and no more while time stands still
    of.switch.call("time/warp", "5000")
    assert of.sent(1, udp()) == [bytes(udp())]
    assert of.sent(1, tcp()) == []
    of.ofctl("del-meters", "br0")
