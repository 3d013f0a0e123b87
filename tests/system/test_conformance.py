# SPDX-License-Identifier: Apache-2.0
"""OpenFlow 1.0 to 1.5, field by field and action by action, over real ports: a packet that must match or change, and one that must not.
The flows come from ovs-ofctl and, where os-ken has words for them, from os-ken."""
import struct
import subprocess

import pytest
from scapy.all import (ARP, ICMP, IP, SCTP, TCP, UDP, Dot1Q, Ether, ICMPv6DestUnreach, ICMPv6EchoReply, ICMPv6EchoRequest, ICMPv6ND_NA, ICMPv6ND_NS,
                       ICMPv6NDOptDstLLAddr, ICMPv6NDOptSrcLLAddr, IPv6, Raw, SCTPChunkData)
from scapy.contrib.mpls import MPLS

import harness
from osken import WIRE, OsKen, Words
from real import LAST_TYPE, RealSwitch

VERSIONS = ["OpenFlow10", "OpenFlow13", "OpenFlow14"]  # with what os-ken says, too
LATER = VERSIONS[1:]
MORE = ["OpenFlow11", "OpenFlow12", "OpenFlow15"]  # by ovs-ofctl alone
LAST = f"priority=65535,dl_type={LAST_TYPE:#x},actions=output:1,output:2,output:3"  # what real.py needs
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


def na(target="fd00::9", tll=1, option=True, R=1, S=0, O=1, **kw):  # noqa: E741
    message = ICMPv6ND_NA(tgt=target, R=R, S=S, O=O)
    return ip6(message / ICMPv6NDOptDstLLAddr(lladdr=f"00:00:00:00:00:{tll:02x}") if option else message, hlim=255, **kw)


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

# NSH, RFC 8300.
def nsh(spi=5, si=255, ttl=63, flags=0, np=3, c=(1, 2, 3, 4), inner=None, **kw):
    """Metadata of type 1; of type 2 without any, when c is None."""
    words = 6 if c else 2
    head = struct.pack("!HBBI", flags << 12 | ttl << 6 | words, 1 if c else 2, np, spi << 8 | si) + struct.pack(f"!{4 if c else 0}I", *(c or ()))
    return eth(type=0x894f, **kw) / Raw(head + bytes(inner or udp()))


LATER_FIELDS = [
    ("dl_type=0x894f", nsh(), udp()),
    ("dl_type=0x894f,nsh_flags=1", nsh(flags=1), nsh(flags=3)),
    ("dl_type=0x894f,nsh_flags=1/1", nsh(flags=3), nsh(flags=2)),
    ("dl_type=0x894f,nsh_ttl=62", nsh(ttl=62), nsh()),
    ("dl_type=0x894f,nsh_mdtype=2", nsh(c=None), nsh()),
    ("dl_type=0x894f,nsh_np=1", nsh(np=1), nsh()),
    ("dl_type=0x894f,nsh_spi=5", nsh(), nsh(spi=6)),
    ("dl_type=0x894f,nsh_si=254", nsh(si=254), nsh()),
    *[(f"dl_type=0x894f,nsh_c{i + 1}={i + 1}", nsh(), nsh(c=(9, 9, 9, 9))) for i in range(4)],
    ("dl_type=0x894f,nsh_c1=0x10/0xf0", nsh(c=(0x1f, 0, 0, 0)), nsh(c=(0x2f, 0, 0, 0))),
    ("packet_type=(0,0),dl_type=0x88b5", PLAIN, tcp()),
    ("mpls,mpls_ttl=9", mpls(ttl=9), mpls()),
    ("ip,ip_dscp=8", tcp(tos=32), tcp()),
    ("icmp6,icmpv6_type=136,icmpv6_code=0,nd_reserved=0xa0000000", na(R=1, S=0, O=1), na(R=1, S=1, O=1)),
    ("icmp6,icmpv6_type=136,icmpv6_code=0,nd_options_type=2", na(), na(option=False)),
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
    ("set_tunnel:9", "tun_id=9", "tun_id=10"),
    ("set_tunnel64:0x900000000", "tun_id=0x900000000", "tun_id=9"),
    ("set_field:10.0.0.1->tun_src", "tun_src=10.0.0.1", "tun_src=10.0.0.2"),
    ("set_field:10.0.0.1->tun_dst", "tun_dst=10.0.0.0/31", "tun_dst=10.0.0.2"),
    ("set_field:fd00::1->tun_ipv6_src", "tun_ipv6_src=fd00::1", "tun_ipv6_src=fd00::2"),
    ("set_field:fd00::1->tun_ipv6_dst", "tun_ipv6_dst=fd00::/64", "tun_ipv6_dst=fd01::1"),
    ("set_field:5->tun_gbp_id", "tun_gbp_id=5", "tun_gbp_id=6"),
    ("set_field:0x48->tun_gbp_flags", "tun_gbp_flags=0x40/0x40", "tun_gbp_flags=0"),
    ("set_field:0x1234->metadata,move:OXM_OF_METADATA[0..15]->NXM_NX_REG2[16..31]", "reg2=0x12340000", "reg2=0x1234"),
    ("multipath(eth_src,50,modulo_n,1,0,NXM_NX_REG0[0..3])", "reg0=0", "reg0=1"),
    ("bundle_load(eth_src,0,hrw,ofport,NXM_NX_REG1[0..15],members:2)", "reg1=2", "reg1=1"),
    ("check_pkt_larger(10)->NXM_NX_REG0[3]", "reg0=8", "reg0=0"),
    ("set_field:7->reg3,note:01.02", "reg3=7", "reg3=8"),
    ("move:NXM_OF_IP_SRC[]->NXM_NX_REG1[]", "reg1=0x0a000001", "reg1=0x0a000002"),
]

# --- Actions: (actions, a packet, what leaves port 2).

TAGGED = tcp(vlans=[TAG])
ACTIONS = [
    ("output:2", tcp(), tcp()),
    ("push:NXM_OF_ETH_DST[],mod_dl_dst:00:00:00:00:00:07,pop:NXM_OF_ETH_DST[],output:2", tcp(), tcp()),
    ("move:NXM_OF_ETH_SRC[]->NXM_OF_ETH_DST[],output:2", tcp(), tcp(e=eth(dst=1))),
    ("output(port=2,max_len=60)", tcp(), bytes(tcp())[:60]),
    ("note:01.02.03.04.05.06,output:2", tcp(), tcp()),
    ("exit,output:2", tcp(), None),
    ("resubmit(3,8)", tcp(), tcp()),
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
    # NSH and packet types.
    ("set_field:3->nsh_flags,output:2", nsh(), nsh(flags=3)),
    ("set_field:1/1->nsh_flags,output:2", nsh(flags=2), nsh(flags=3)),
    ("set_field:9->nsh_ttl,output:2", nsh(), nsh(ttl=9)),
    ("set_field:0x123456->nsh_spi,output:2", nsh(), nsh(spi=0x123456)),
    ("set_field:7->nsh_si,output:2", nsh(), nsh(si=7)),
    *[(f"set_field:0xaabbccdd->nsh_c{i + 1},output:2", nsh(), nsh(c=tuple(0xaabbccdd if k == i else k + 1 for k in range(4)))) for i in range(4)],
    ("set_field:9->nsh_c1,output:2", nsh(c=None), nsh(c=None)),
    ("move:NXOXM_NSH_C1[0..7]->NXOXM_NSH_SI[],output:2", nsh(), nsh(si=1)),
    ("dec_nsh_ttl,output:2", nsh(), nsh(ttl=62)),
    ("dec_nsh_ttl,output:2", nsh(ttl=1), None),
    ("encap(nsh),set_field:5->nsh_spi,encap(ethernet),set_field:00:00:00:00:00:07->eth_dst,output:2", udp(),
     Ether(src="00:00:00:00:00:00", dst="00:00:00:00:00:07", type=0x894f) / bytes(nsh(c=(0, 0, 0, 0)))[14:]),
    ("encap(nsh(md_type=2,tlv(0x1000,10,0x12345678))),encap(ethernet),output:2", udp(),
     Ether(src="00:00:00:00:00:00", dst="00:00:00:00:00:00", type=0x894f) / bytes.fromhex("0fc40203000000ff10000a0412345678") / udp()),
    ("decap(),decap(),output:2", nsh(), udp()),
    ("decap(),decap(),resubmit(,7)", nsh(), udp(ttl=63)),
    ("decap(),output:2", udp(), None),
    ("decap(),dec_ttl,encap(ethernet),output:2", udp(), Ether(src="00:00:00:00:00:00", dst="00:00:00:00:00:00") / udp(ttl=63)[IP]),
    ("encap(mpls),set_field:100->mpls_label,encap(ethernet),output:2", udp(),
     Ether(src="00:00:00:00:00:00", dst="00:00:00:00:00:00", type=0x8847) / MPLS(label=100, ttl=64, s=1) / bytes(udp())),
    ("encap(mpls_mc),encap(ethernet),output:2", udp(),
     Ether(src="00:00:00:00:00:00", dst="00:00:00:00:00:00", type=0x8848) / MPLS(label=0, ttl=64, s=1) / bytes(udp())),
    ("decap(),decap(packet_type(ns=0,type=0)),output:2", mpls(inner=Raw(bytes(udp()))), udp()),
    ("decap(),decap(packet_type(ns=1,type=0x800)),encap(ethernet),output:2", mpls(inner=udp()[IP]),
     Ether(src="00:00:00:00:00:00", dst="00:00:00:00:00:00") / udp()[IP]),
    ("clone(encap(nsh),encap(ethernet),output:3),output:2", udp(), udp()),
    # Every other field that may be set, in whole or in part.
    ("set_field:00:00:00:00:00:70/00:00:00:00:00:f0->eth_src,output:2", tcp(), tcp(e=eth(src=0x71))),
    ("set_field:0x55/0xff->tcp_dst,output:2", tcp(dport=0x1234), tcp(dport=0x1255)),
    ("set_field:0x5000/0xf000->udp_src,output:2", udp(sport=0x1234), udp(sport=0x5234)),
    ("set_field:4105->vlan_vid,output:2", TAGGED, tcp(vlans=[{"vlan": 9, "prio": 3}])),
    ("set_field:6->vlan_pcp,output:2", TAGGED, tcp(vlans=[{"vlan": 5, "prio": 6}])),
    ("set_field:0x1005->vlan_tci,output:2", tcp(), tcp(vlans=[{"vlan": 5}])),
    ("set_field:9->mpls_ttl,output:2", mpls(), mpls(ttl=9)),
    ("set_field:64->nw_tos,output:2", udp6(tc=33), udp6(tc=65)),
    ("set_field:2->ip_ecn,output:2", udp6(tc=33), udp6(tc=34)),
    ("set_field:9->nw_ttl,output:2", udp6(), udp6(hlim=9)),
    ("set_field:::99/::ff->ipv6_src,output:2", udp6(), udp6(src="fd00::99")),
    ("set_field:0x345/0xfff->ipv6_label,output:2", udp6(fl=0x12000), udp6(fl=0x12345)),
    ("set_field:99->tcp_src,output:2", tcp6(), tcp6(sport=99)),
    ("set_field:99->udp_src,output:2", udp6(), udp6(sport=99)),
    ("set_field:99->udp_dst,output:2", udp6(), udp6(dport=99)),
    ("set_field:129->icmpv6_type,output:2", echo6(id=1), ip6(ICMPv6EchoReply(id=1) / DATA)),
    ("set_field:3->icmpv6_code,output:2", echo6(id=1), echo6(id=1, code=3)),
    ("set_field:0x20000000->nd_reserved,output:2", na(), na(R=0, S=0, O=1)),
    ("set_field:7->reg5,output:reg5[0..1]", tcp(), None),  # port 3
    ("set_field:2->xreg2,output:xreg2[0..15]", tcp(), tcp()),
    ("set_field:2->xxreg3,output:xxreg3[0..15]", tcp(), tcp()),
    ("set_field:7->pkt_mark,set_field:9->tun_id,output:2", tcp(), tcp()),
    # Ports with names.
    ("IN_PORT", tcp(), None),
    ("ALL", tcp(), tcp()),
    ("FLOOD", tcp(), tcp()),
    ("NORMAL", tcp(e=eth(src=0x51, dst=0x52)), tcp(e=eth(src=0x51, dst=0x52))),
    ("LOCAL", tcp(), None),
    ("group:5", tcp(), tcp(e=eth(dst=7), ttl=63)),  # chained: indirect to all
    ("group:6", tcp(), tcp()),			    # fast failover by a watched group
    ("group:7", tcp(), tcp()),			    # select by a hash of fields
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
          "group_id=3,type=ff,bucket=watch_port:77,output:3,bucket=watch_port:2,output:2", "group_id=4,type=select,bucket=output:2",
          "group_id=5,type=indirect,bucket=dec_ttl,group:1",
          "group_id=6,type=ff,bucket=watch_port:77,output:3,bucket=watch_group:2,output:2",
          "group_id=7,type=select,selection_method=hash,fields(ip_src,tcp_dst),bucket=weight:1,output:2,bucket=weight:0,output:3"]


class Versioned:
    def __init__(self, version, net):
        self.version = version
        self.switch = RealSwitch(net, version, n_ports=3, bridge=["protocols=" + ",".join(f"OpenFlow1{i}" for i in range(6))])
        self.osken = OsKen(f"{self.switch.dir}/br0.mgmt", version) if version in WIRE else None
        for group in GROUPS if version != "OpenFlow10" else []:
            self.ofctl("add-group", "br0", group)

    def ofctl(self, *args, **kw):
        return self.switch.tool("ovs-ofctl", "-O", self.version, *args, **kw)

    def flows(self, *flows):
        """These, and the one that real.py needs, instead of all there were."""
        self.ofctl("replace-flows", "br0", "-", stdin="\n".join([LAST, *flows]))

    def spoken(self, *flows, proto="tcp"):
        """The same from os-ken."""
        self.osken.replace([LAST, *flows], proto)

    def sent(self, port, packet):
        """What leaves port 2 when the packet comes in."""
        self.switch.send(port, packet)
        return self.switch.out().get(2, [])

    def close(self):
        if self.osken:
            self.osken.close()
        self.switch.close()


@pytest.fixture(scope="module")
def switches():
    """Made when they are wanted first, by version."""
    if not harness.is_root():
        pytest.skip("needs root: network namespaces")
    made, net = {}, harness.Net()
    try:
        yield lambda version: made.get(version) or made.setdefault(version, Versioned(version, net))
    finally:
        try:
            for v in made.values():
                v.close()
        finally:
            net.close()


@pytest.fixture(params=VERSIONS)
def of(request, switches):
    return switches(request.param)


def check_field(of, good, bad):
    assert of.sent(1, good) == [bytes(good)]
    assert of.sent(1 if bad is not None else 3, bad if bad is not None else good) == []
    assert of.sent(1, good) == [bytes(good)]  # through the megaflow that is there now
    # The same the other way round: what the field must not match is first.
    of.switch.call("revalidator/purge")
    assert of.sent(1 if bad is not None else 3, bad if bad is not None else good) == []
    assert of.sent(1, good) == [bytes(good)]


# Each row in the versions that have it; from os-ken, where it has words for it.
WORDS = {version: Words(version) for version in VERSIONS}


def in_1_1(table, row):
    """Can OpenFlow 1.1 say it? Stock's word decides, but for ECN, which it loses."""
    if "nw_ecn=" in row[0]:
        return False
    flow = f"{row[0]},actions=output:2" if table in (FIELDS, LATER_FIELDS) else f"{kind(row[1])},actions={row[0]}"
    return subprocess.run([harness.stock("ovs-ofctl"), "-O", "OpenFlow11", "parse-flow", flow], capture_output=True).returncode == 0


def rows(table, versions=VERSIONS, said_by_osken=None):
    """A decorator: the test runs with the fixture `of` of each version, and each row of the table."""
    what = "of,match,good,bad" if table in (FIELDS, LATER_FIELDS) else "of,actions,packet,want"
    cases = [(v, *row) for v in versions for row in table if (not said_by_osken or said_by_osken(WORDS[v], row)) and (v != "OpenFlow11" or in_1_1(table, row))]
    assert cases
    return pytest.mark.parametrize(what, cases, indirect=["of"], ids=[f"{c[0]}-{c[1]}" for c in cases])


@rows(FIELDS, VERSIONS + MORE)
def test_field(of, match, good, bad):
    of.flows(f"{match},actions=output:2")
    check_field(of, good, bad)


@rows(FIELDS, said_by_osken=lambda words, row: words.can_say(f"{row[0]},actions=output:2"))
def test_field_of_osken(of, match, good, bad):
    of.spoken(f"{match},actions=output:2")
    check_field(of, good, bad)


@rows(LATER_FIELDS, LATER + MORE[1:])
def test_field_of_later_versions(of, match, good, bad):
    of.flows(f"{match},actions=output:2")
    check_field(of, good, bad)


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
                        (ICMP, "icmp"), (ICMPv6EchoRequest, "icmp6")):
        if packet.haslayer(layer):
            return name + (",vlan_tci=0x1000/0x1000" if packet.haslayer(Dot1Q) else "")
    assert packet[Ether].type == 0x894f, packet.summary()
    return "dl_type=0x894f"


TABLES = ["table=7,ip,actions=dec_ttl,output:2", "table=8,in_port=3,actions=output:2"]
LATER_TABLES = ["table=9,actions=drop", "table=10,metadata=0x55,actions=output:2", "table=11,actions=clear_actions"]


def expect(of, packet, want):
    expected = [] if want is None else [bytes(want)]
    assert of.sent(1, packet) == expected
    assert of.sent(1, packet) == expected  # and by the megaflow


def check_action(of, actions, packet, want):
    tables = TABLES + (LATER_TABLES if of.version != "OpenFlow10" else [])
    of.flows(*tables, f"priority=9,{kind(packet)},actions={actions}")
    expect(of, packet, want)
    of.flows(*tables)
    assert of.sent(1, packet) == []


def osken_flow(of_version, actions, packet):
    """The flow, and the transport protocol that its packet has."""
    match = kind(packet)
    if of_version == "OpenFlow10":  # where os-ken matches no bits of a tag
        match = match.replace(",vlan_tci=0x1000/0x1000", "")
    return f"priority=9,{match},actions={actions}", match.split(",")[0].rstrip("6")


def osken_can(words, row):
    version = next(v for v, w in WORDS.items() if w is words)
    flow, proto = osken_flow(version, row[0], row[1])
    return words.can_say(flow, proto) and not (version == "OpenFlow10" and "resubmit" in row[0])  # it fills no other tables


@rows(ACTIONS, VERSIONS + MORE)
def test_action(of, actions, packet, want):
    check_action(of, actions, packet, want)


@rows(LATER_ACTIONS, LATER + MORE[2:])  # some need 1.3
def test_action_of_later_versions(of, actions, packet, want):
    check_action(of, actions, packet, want)


@rows(ACTIONS, said_by_osken=osken_can)
def test_action_of_osken(of, actions, packet, want):
    check_action_of_osken(of, actions, packet, want)


@rows(LATER_ACTIONS, LATER, said_by_osken=osken_can)
def test_later_action_of_osken(of, actions, packet, want):
    check_action_of_osken(of, actions, packet, want)


def check_action_of_osken(of, actions, packet, want):
    tables = TABLES + LATER_TABLES if of.version != "OpenFlow10" else []
    flow, proto = osken_flow(of.version, actions, packet)
    of.spoken(*tables, flow, proto=proto)
    expect(of, packet, want)
    of.spoken(*tables)
    assert of.sent(1, packet) == []


# --- Groups and meters from os-ken.

@pytest.mark.parametrize("of", LATER, indirect=True)
def test_groups_of_osken(of):
    p, ofp, proto = of.osken.parser, of.osken.ofp, of.osken.proto
    seven = p.OFPActionSetField(eth_dst="00:00:00:00:00:07")

    def bucket(*actions, weight=0, port=ofp.OFPP_ANY):
        return p.OFPBucket(weight, port, ofp.OFPG_ANY, list(actions))

    groups = [(11, ofp.OFPGT_ALL, [bucket(seven, p.OFPActionOutput(2)), bucket(p.OFPActionOutput(3))], tcp(e=eth(dst=7)), 1),
              (12, ofp.OFPGT_INDIRECT, [bucket(p.OFPActionDecNwTtl(), p.OFPActionOutput(2))], tcp(ttl=63), 0),
              (13, ofp.OFPGT_FF, [bucket(p.OFPActionOutput(3), port=77), bucket(p.OFPActionOutput(2), port=2)], tcp(), 0),
              (14, ofp.OFPGT_SELECT, [bucket(p.OFPActionOutput(2), weight=3)], tcp(), 0)]
    for group, kind_of_group, buckets, want, n_others in groups:
        of.osken.send(p.OFPGroupMod(proto, ofp.OFPGC_ADD, kind_of_group, group, buckets))
        of.osken.barrier()
        of.spoken(f"priority=9,tcp,actions=group:{group}")
        of.switch.send(1, tcp())
        out = of.switch.out()
        assert out.pop(2) == [bytes(want)]
        assert sum(map(len, out.values())) == n_others
        assert of.sent(1, udp()) == []
        of.osken.send(p.OFPGroupMod(proto, ofp.OFPGC_DELETE, kind_of_group, group))
        of.osken.barrier()
        assert of.sent(1, tcp()) == []  # its flows went with it


@pytest.mark.parametrize("of", LATER, indirect=True)
def test_meter_of_osken(of):
    p, ofp, proto = of.osken.parser, of.osken.ofp, of.osken.proto
    of.switch.call("time/stop")
    of.osken.send(p.OFPMeterMod(proto, ofp.OFPMC_ADD, ofp.OFPMF_PKTPS | ofp.OFPMF_BURST, 2, [p.OFPMeterBandDrop(10, 5)]))
    of.osken.barrier()
    of.spoken("priority=9,udp,actions=meter:2,output:2")
    passed = sum(len(of.sent(1, udp())) for _ in range(40))
    assert 1 <= passed <= 16
    of.switch.call("time/warp", "5000")
    assert of.sent(1, udp()) == [bytes(udp())]
    of.osken.send(p.OFPMeterMod(proto, ofp.OFPMC_DELETE, 0, 2))
    of.osken.barrier()


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


@pytest.mark.parametrize("of", LATER, indirect=True)
def test_meter_drops(of):
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


@pytest.mark.parametrize("of", LATER, indirect=True)
def test_meter_remarks(of):
    of.switch.call("time/stop")
    of.ofctl("add-meter", "br0", "meter=3,pktps,burst,bands=type=dscp_remark,rate=10,burst_size=5,prec_level=1")
    of.flows("priority=9,udp,actions=meter:3,output:2")
    af11, af12 = udp(tos=0x28), udp(tos=0x30)
    sent = [of.sent(1, af11) for _ in range(30)]
    assert sent[0] == [bytes(af11)] and sent[-1] == [bytes(af12)] and all(len(frames) == 1 for frames in sent)
    of.flows("priority=9,tcp,actions=meter:3,output:2")
    assert of.sent(1, af11) == []
    of.ofctl("del-meters", "br0")


def test_packet_in(of):
    ofp, parser, proto = of.osken.ofp, of.osken.parser, of.osken.proto
    of.osken.send(parser.OFPSetConfig(proto, 0, 0xffff))  # or this socket gets no packets
    of.spoken("priority=0,actions=drop")
    output = parser.OFPActionOutput(ofp.OFPP_CONTROLLER, 0xffff)
    if of.version == "OpenFlow10":
        flow = parser.OFPFlowMod(proto, parser.OFPMatch(dl_type=0x800, nw_proto=6), 0, ofp.OFPFC_ADD, priority=9, actions=[output])
    else:
        flow = parser.OFPFlowMod(proto, priority=9, match=parser.OFPMatch(eth_type=0x800, ip_proto=6),
                                 instructions=[parser.OFPInstructionActions(ofp.OFPIT_APPLY_ACTIONS, [output])])
    of.osken.send(flow)
    of.osken.barrier()
    assert of.sent(1, udp()) == [] and of.sent(1, tcp()) == []
    kind_of_message, _, data = of.osken.receive()
    assert kind_of_message == ofp.OFPT_PACKET_IN
    message = parser.OFPPacketIn.parser(proto, of.osken.wire, kind_of_message, len(data), 0, data)
    assert message.data == bytes(tcp()) and message.reason == 1  # an action
    assert (message.in_port if of.version == "OpenFlow10" else message.match["in_port"]) == 1
    of.osken.send(parser.OFPSetConfig(proto, 0, 0))
    of.osken.barrier()
