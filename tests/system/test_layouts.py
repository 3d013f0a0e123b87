# SPDX-License-Identifier: Apache-2.0
"""Layouts of frames that scapy builds, of every kind that the datapath tells apart, whole and cut at every byte."""
import itertools
import os

from scapy.all import (ARP, GRE, ICMP, IP, LLC, SCTP, SNAP, TCP, UDP, Dot1AD, Dot1Q, Ether, ICMPv6EchoRequest, ICMPv6ND_NA, ICMPv6ND_NS,
                       ICMPv6NDOptDstLLAddr, ICMPv6NDOptSrcLLAddr, IPOption_NOP, IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment,
                       IPv6ExtHdrHopByHop, Raw, raw, wrpcap)
from scapy.contrib.igmp import IGMP
from scapy.contrib.mpls import MPLS
from scapy.contrib.nsh import NSH

from harness import ROOT, run

OBJ = os.environ.get("SLUICE_OBJ", ROOT / "build/obj")
# Numbers of src/dp/user/layout.h.
OTHER, IP4, IP6, ARP_, MPLS1, MPLS2, MPLS3 = 0, 1, 2, 3, 5, 6, 7
NONE, NSH_, PORTS, TCP_, ICMP_, ND, IGMP_ = range(7)
E = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")
TAGS = [(0, lambda p: E / p), (1, lambda p: E / Dot1Q(vlan=5, prio=3) / p), (1, lambda p: E / Dot1AD(vlan=6) / p),
        (2, lambda p: E / Dot1AD(vlan=6) / Dot1Q(vlan=7) / p), (2, lambda p: E / Dot1Q(vlan=6) / Dot1Q(vlan=7) / p)]


def payloads(echo):
    data = Raw(bytes(range(40)))
    return [(UDP(sport=1000, dport=53) / data, PORTS), (TCP(sport=1, dport=80, flags="SA") / data, TCP_),
            (TCP(options=[("MSS", 1460), ("NOP", None), ("WScale", 7)]) / data, TCP_), (SCTP(sport=5, dport=6) / data, PORTS),
            (echo / data, ICMP_)]


def kinds():
    """regular?, what follows the Ethernet header and its tags, L3, L4"""
    v4, v6 = IP(src="10.0.0.1", dst="10.1.2.3", ttl=9, tos=4), IPv6(src="fd00::1", dst="fd00::2", hlim=3, tc=8, fl=99)
    for payload, l4 in payloads(ICMP()):
        yield True, v4 / payload, IP4, l4
        yield False, IP(src="1.2.3.4", options=[IPOption_NOP()]) / payload, IP4, l4
    for payload, l4 in payloads(ICMPv6EchoRequest()):
        yield True, v6 / payload, IP6, l4
        yield False, v6 / IPv6ExtHdrHopByHop() / payload, IP6, l4
        yield False, v6 / IPv6ExtHdrDestOpt() / payload, IP6, l4
        yield False, v6 / IPv6ExtHdrFragment(offset=0, m=1, id=7) / payload, IP6, l4
        yield False, v6 / IPv6ExtHdrFragment(offset=9, m=0, id=7) / payload, IP6, NONE
    first, later = IP(flags="MF"), IP(frag=10)
    yield True, first / UDP(sport=1, dport=2) / Raw(b"x" * 30), IP4, PORTS
    yield True, later / Raw(b"x" * 30), IP4, NONE
    yield True, v4 / GRE() / Raw(b"x" * 30), IP4, NONE
    yield False, v4 / IGMP(), IP4, IGMP_
    yield False, v6 / ICMPv6ND_NS(tgt="fd00::9") / ICMPv6NDOptSrcLLAddr(lladdr="02:00:00:00:00:09"), IP6, ND
    yield False, v6 / ICMPv6ND_NA(tgt="fd00::9") / ICMPv6NDOptDstLLAddr(lladdr="02:00:00:00:00:09"), IP6, ND
    yield True, ARP(psrc="10.0.0.1", pdst="10.0.0.2"), ARP_, NONE
    yield True, MPLS(label=16, s=1) / v4 / UDP(), MPLS1, NONE
    yield True, MPLS(label=16, s=0) / MPLS(label=17, s=1) / v4, MPLS2, NONE
    yield True, MPLS(label=16, s=0) / MPLS(label=17, s=0) / MPLS(label=18, s=1) / v4, MPLS3, NONE


def test_frames_of_scapy(tmp_path):
    expected, frames = [], []
    for (n_tags, wrap), (regular, packet, l3, l4) in itertools.product(TAGS, kinds()):
        frames.append(raw(wrap(packet)))
        expected.append(f"{'regular' if regular else 'odd'} {n_tags} {l3} {l4}")
    frames.append(raw(E / NSH() / Ether() / IP()))
    expected.append(f"odd 0 {OTHER} {NSH_}")
    frames.append(raw(Ether(type=0x88cc) / Raw(b"l" * 50)))
    expected.append(f"regular 0 {OTHER} {NONE}")
    frames.append(raw(E.__class__(src=E.src, dst=E.dst, type=38) / LLC() / SNAP() / Raw(b"l" * 30)))
    expected.append(f"odd 0 {OTHER} {NONE}")
    path = tmp_path / "frames.pcap"
    wrpcap(str(path), [Ether(f) for f in frames], linktype=1)
    out = run(f"{OBJ}/tests/unit/dp/layout_frames", path).stdout.splitlines()
    assert len(out) == len(expected)
    for frame, got, want in zip(frames, out, expected):
        assert got == want, Ether(frame).summary()
    assert len(frames) > 200
