# SPDX-License-Identifier: Apache-2.0
"""Generated flows through both `ovs-ofctl parse-flows`, bad ones through `parse-flow`, and frames through both `ofproto/trace`: what
is printed must be the same."""
import os
import random
import re
import struct

import pytest

import harness
from harness import run

SEED = int(os.environ.get("FLOW_TEXT_SEED", "1"))
N_FLOWS = int(os.environ.get("FLOW_TEXT_FLOWS", "3000"))
N_FRAMES = int(os.environ.get("FLOW_TEXT_FRAMES", "600"))


class Flows:
    """Random matches in all notations, in an order that may be odd."""

    def __init__(self, seed):
        self.r = random.Random(seed)

    def mac(self):
        return ":".join("%02x" % self.r.randrange(256) for _ in range(6))

    def ip(self):
        return ".".join(str(self.r.randrange(256)) for _ in range(4))

    def ip6(self):
        r = self.r
        return r.choice(["::", "::1", "fe80::%x" % r.randrange(65536), "2001:db8:%x::%x:0:%x" % (r.randrange(65536), r.randrange(9), r.randrange(3)),
                         ":".join("%x" % r.choice([0, 0, r.randrange(65536)]) for _ in range(8)), "::ffff:1.2.3.4"])

    def masked(self, value, *masks):
        return value + ("/" + self.r.choice(masks) if self.r.random() < 0.4 else "")

    def number(self, bits):
        return self.r.choice(["%d", "0x%x"]) % self.r.choice([0, 1, self.r.randrange(1 << bits), (1 << bits) - 1])

    def bits(self, bits):
        return self.masked(self.number(bits), self.number(bits))

    def flags(self, names, bits):
        r = self.r
        kind = r.randrange(3)
        some = r.sample(names, 1 + r.randrange(len(names)))
        if kind == 0:
            return "|".join(some)
        if kind == 1:
            return "".join(r.choice("+-") + name for name in some)
        return "%d" % r.randrange(1 << bits) + r.choice(["", "/0x%x" % r.randrange(1 << bits)])

    def metadata(self):
        r = self.r
        return r.choice([
            lambda: "reg%d=%s" % (r.randrange(16), self.bits(32)), lambda: "xreg%d=%s" % (r.randrange(8), self.bits(64)),
            lambda: "xxreg%d=0x%x/0x%x" % (r.randrange(4), r.getrandbits(128), r.getrandbits(128)),
            lambda: "reg%d[%d..%d]=%d" % (r.randrange(16), 3, 9, r.randrange(128)),
            lambda: "metadata=" + self.bits(64), lambda: "tun_id=" + self.bits(64), lambda: "tunnel_id=" + self.bits(64),
            lambda: "tun_src=" + self.masked(self.ip(), self.ip(), "8", "0"), lambda: "tun_dst=" + self.ip(),
            lambda: "tun_ipv6_src=" + self.masked(self.ip6(), "64", "0"), lambda: "tun_gbp_id=" + self.bits(16),
            lambda: "tun_gbp_flags=" + self.number(8), lambda: "tun_flags=" + r.choice(["+oam", "-oam", "oam", "0", "1"]),
            lambda: "pkt_mark=" + self.bits(32), lambda: "dp_hash=" + self.bits(32), lambda: "recirc_id=" + self.number(32),
            lambda: "conj_id=" + self.number(32), lambda: "actset_output=" + r.choice(["1", "LOCAL", "300"]),
            lambda: "ct_state=" + self.flags(["new", "est", "rel", "rpl", "inv", "trk", "snat", "dnat"], 8),
            lambda: "ct_zone=" + self.number(16), lambda: "ct_mark=" + self.bits(32),
            lambda: "ct_label=0x%x/0x%x" % (r.getrandbits(128), r.getrandbits(128)),
            lambda: "in_port=" + r.choice(["1", "65279", "LOCAL", "local", "in_port", "CONTROLLER", "ANY", "none", "4294967294"]),
        ])()

    def layer2(self):
        r = self.r
        return r.choice([
            lambda: r.choice(["dl_src", "eth_src"]) + "=" + self.masked(self.mac(), self.mac(), "ff:ff:ff:ff:ff:ff"),
            lambda: r.choice(["dl_dst", "eth_dst"]) + "=" + self.masked(self.mac(), "01:00:00:00:00:00"),
            lambda: "dl_vlan=" + self.number(12), lambda: "dl_vlan_pcp=" + self.number(3), lambda: "vlan_tci=" + self.masked(self.number(16), "0x1fff", "0xf000", "0x1003"),
            lambda: "vlan_vid=" + self.masked(self.number(13), "0x1fff", "0x1000", "0xff"), lambda: "vlan_pcp=" + self.number(3),
        ])()

    def ip_any(self):
        r = self.r
        return r.choice([
            lambda: "nw_tos=%d" % (r.randrange(64) * 4), lambda: "ip_dscp=%d" % r.randrange(64),
            lambda: r.choice(["nw_ecn", "ip_ecn"]) + "=%d" % r.randrange(4), lambda: "nw_ttl=" + self.number(8),
            lambda: r.choice(["ip_frag", "nw_frag"]) + "=" + r.choice(["no", "yes", "first", "not_later"]),
        ])()

    def layer3(self, words):
        r = self.r
        kind = r.choice(["", "arp", "rarp", "mpls", "dl_type", "ip", "ip", "ip", "ipv6", "ipv6"])
        if not kind:
            return
        if kind == "dl_type":
            words.append("dl_type=" + self.number(16))
            return
        words.append(kind)
        for _ in range(r.randrange(4)):
            if kind == "arp":
                words.append(r.choice(["arp_op=%d" % r.randrange(256), "arp_spa=" + self.ip(), "arp_tpa=" + self.masked(self.ip(), "12"),
                                       "arp_sha=" + self.mac(), "arp_tha=" + self.masked(self.mac(), self.mac()), "nw_src=" + self.ip()]))
            elif kind == "mpls":
                words.append(r.choice(["mpls_label=" + self.number(20), "mpls_tc=" + self.number(3), "mpls_bos=" + self.number(1),
                                       "mpls_ttl=" + self.number(8)]))
            elif kind == "ip":
                words.append(r.choice([r.choice(["nw_src", "ip_src", "nw_dst", "ip_dst"]) + "=" +
                                       self.masked(self.ip(), self.ip(), "8", "0", "32"), self.ip_any()]))
            elif kind == "ipv6":
                words.append(r.choice([r.choice(["ipv6_src", "ipv6_dst"]) + "=" + self.masked(self.ip6(), "64", "0", "ffff::ffff"),
                                       "ipv6_label=" + self.bits(20), self.ip_any()]))
        if kind in ("ip", "ipv6"):
            self.layer4(words, "" if kind == "ip" else "6")

    def layer4(self, words, six):
        r = self.r
        kind = r.choice(["", "proto", "tcp", "udp", "sctp", "icmp"])
        if kind == "proto":
            words.append("nw_proto=" + self.number(8))
        elif kind:
            words.append(kind + six)
        for _ in range(r.randrange(4)):
            if kind in ("tcp", "udp", "sctp"):
                words.append(r.choice(["tp_src", "tp_dst", kind + "_dst"]) + "=" + self.bits(16))
            if kind == "tcp" and r.random() < 0.5:
                words.append("tcp_flags=" + self.flags(["fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr", "ns", "[200]", "[800]"], 12))
            if kind == "icmp":
                words.append(r.choice(["icmp_type=" + r.choice(["8", "135", "136"]), "icmp_code=%d" % r.choice([0, 0, 1])]))
            if kind + six == "icmp6":
                words.append(r.choice(["nd_target=" + self.masked(self.ip6(), "64"), "nd_sll=" + self.mac(), "nd_tll=" + self.mac()]))

    def flow(self):
        words = [self.metadata() for _ in range(self.r.randrange(4))] + [self.layer2() for _ in range(self.r.randrange(4))]
        self.layer3(words)
        if self.r.random() < 0.1:
            self.r.shuffle(words)
        return ",".join(words)


def needs(tools, program):
    if not os.access(tools(program), os.X_OK):
        pytest.skip(f"{tools(program)} is not built")


def parsed(tools, path):
    done = run(tools("ovs-ofctl"), "parse-flows", path)
    return [re.sub(r" ?\(xid=0x[0-9a-f]+\)", "", line) for line in done.stdout.split("\n") if "FLOW_MOD" in line]


def test_flows(tmp_path):
    needs(harness.ours, "ovs-ofctl")
    flows = Flows(SEED)
    texts = [flows.flow() for _ in range(N_FLOWS)]
    path = tmp_path / "flows.txt"
    path.write_text("".join(text + ("," if text else "") + "actions=drop\n" for text in texts))
    want, got = parsed(harness.stock, path), parsed(harness.ours, path)
    assert len(want) == len(got) == N_FLOWS
    different = [f"{text}\n  stock {a}\n  ours  {b}" for text, a, b in zip(texts, want, got) if a != b]
    assert not different, f"{len(different)} of {N_FLOWS}:\n" + "\n".join(different[:10])


BAD = """xxx=1
foo
nw_src=1.2.3,ip
ip,nw_src=1.2.3.4/33
ip,nw_src=1.2.3.4/x
ip,nw_src=
ipv6,ipv6_src=::1/129
ipv6,ipv6_src=zzz
dl_src=00:11
dl_src=00:11:22:33:44:55/ff
reg0=0x100000000
reg0=5/0x1ffffffff
reg0=5zz
reg0=5/zz
reg0=-1
metadata=99999999999999999999
xxreg0=0x1112233445566778899aabbccddeeff00
ct_state=+foo
ct_state=trk|foo
ct_state=+trk-trk
ct_state=0x21/0xffffffff
tcp,tcp_flags=+syn-syn
tcp,tcp_flags=syn-ack
tcp,tcp_flags=[1000]
tcp,tcp_flags=0x1000
tun_flags=foo
ip,ip_frag=maybe
in_port=nosuch
in_port=5/5
ct_zone=5/3
dl_vlan=5/3
nw_ttl=256,ip
packet_type=1
packet_type=(70000,0x1f)
reg0[40]=1
reg0[0..7]=256
reg0[7..3]=5
reg0[0]=5/x
foo[0]=1
vlan_tci=0x10000""".split("\n")


@pytest.mark.parametrize("flow", BAD)
def test_bad_flow(flow):
    needs(harness.ours, "ovs-ofctl")
    results = []
    for tools in (harness.stock, harness.ours):
        done = run(tools("ovs-ofctl"), "parse-flow", flow + ",actions=drop", check=False)
        results.append((done.returncode, [line for line in done.stderr.split("\n") if line.startswith("ovs-ofctl:")]))
    assert results[0] == results[1]


class Frames:
    """Frames of many kinds, some of which lie about their lengths, are cut off, or have bytes changed."""

    def __init__(self, seed):
        self.r = random.Random(seed)

    def layer4(self, proto):
        r = self.r
        ports = struct.pack(">HH", r.randrange(65536), r.randrange(65536))
        if proto == 6:
            return ports + struct.pack(">IIHHHH", 1, 2, r.choice([5, 5, 5, 4, 6, 15]) << 12 | r.randrange(4096), 0, 0, 0) + bytes(r.randrange(9))
        if proto == 17:
            return ports + struct.pack(">HH", r.choice([8, 3, 2000]), 0)
        if proto == 58 and r.random() < 0.7:
            body = bytes([r.choice([135, 136]), r.choice([0, 0, 0, 1])]) + bytes(6) + r.randbytes(16)
            for _ in range(r.randrange(3)):
                body += bytes([r.choice([1, 2, 5]), r.choice([1, 1, 1, 0, 2])]) + r.randbytes(6)
            return body
        return r.randbytes(r.choice([4, 8, 12, 20]))

    def ipv4(self):
        r = self.r
        proto = r.choice([1, 2, 6, 6, 17, 17, 132, 89])
        body = self.layer4(proto)
        ihl = r.choice([5] * 6 + [4, 6, 15])
        options = bytes(4 * (ihl - 5)) if ihl > 5 and r.random() < 0.7 else b""
        total = 20 + len(options) + len(body) + r.choice([0] * 6 + [-9, 1, 3000])
        return struct.pack(">BBHHHBBH4s4s", 4 << 4 | ihl, r.randrange(256), max(total, 0), 1, r.choice([0, 0, 0x4000, 0x2000, 5, 0x2005]),
                           r.randrange(256), proto, 0, r.randbytes(4), r.randbytes(4)) + options + body

    def ipv6(self):
        r = self.r
        first = proto = r.choice([6, 17, 58, 58, 132, 59, 1])
        body = self.layer4(proto)
        for _ in range(r.choice([0, 0, 1, 2])):
            kind = r.choice([0, 43, 44, 51, 60])
            if kind == 44:
                body = bytes([first, 0]) + struct.pack(">HI", r.choice([0, 1, 0x21, 0x20]), 7) + body
            else:
                body = bytes([first, r.choice([0, 0, 0, 1, 9])]) + bytes(6) + body
            first = kind
        length = len(body) + r.choice([0] * 6 + [-5, 1, 3000])
        return struct.pack(">IHBB16s16s", 6 << 28 | r.getrandbits(28), max(length, 0), first, r.randrange(256), r.randbytes(16), r.randbytes(16)) + body

    def frame(self):
        r = self.r
        kind = r.choice(["ip", "ip", "ip6", "ip6", "arp", "mpls", "llc", "other"])
        if kind == "ip":
            out = b"\x08\x00" + self.ipv4()
        elif kind == "ip6":
            out = b"\x86\xdd" + self.ipv6()
        elif kind == "arp":
            out = r.choice([b"\x08\x06", b"\x80\x35"]) + struct.pack(">HHBBH", r.choice([1, 1, 1, 6]), 0x800, 6, 4, r.choice([1, 2, 300])) + r.randbytes(20)
        elif kind == "mpls":
            out = b"\x88\x47" + b"".join(r.randbytes(2) + bytes([r.randrange(2), 64]) for _ in range(r.randrange(1, 5)))
        elif kind == "llc":
            out = struct.pack(">H", r.randrange(0x600)) + r.choice([b"\xaa\xaa\x03\0\0\0", b"\xaa\xaa\x03\0\0\1", b"BB\3\0\0\0"]) + b"\x08\x00" + self.ipv4()
        else:
            out = r.choice([b"\x12\x34", b"\x88\xcc", b"\x06\x00"]) + r.randbytes(10)
        if r.random() < 0.3:
            out = b"\x81\x00" + r.randbytes(2) + out
        out = r.randbytes(12) + out
        what = r.random()
        if what < 0.15:
            out = out[:r.randrange(14, len(out) + 1)]
        elif what < 0.3:
            out += bytes(r.randrange(60))
        elif what < 0.4:
            changed = bytearray(out)
            changed[r.randrange(12, len(out))] = r.randrange(256)
            out = bytes(changed)
        return out


@pytest.mark.skipif(not harness.is_root(), reason="needs network namespaces")
def test_frames(net):
    from test_trace_differential import Side
    needs(harness.ours, "ovs-vswitchd")
    frames = Frames(SEED)
    sides = []
    try:
        for tools in (harness.stock, harness.ours):
            sides.append(Side(tools, net))
        different = []
        for _ in range(N_FRAMES):
            frame = frames.frame().hex()
            flows = [re.search(r"^Flow: (.*)$", side.channel.call("ofproto/trace", "br0", "in_port=1", frame), re.M) for side in sides]
            flows = [flow and flow.group(1) for flow in flows]
            if flows[0] != flows[1] or not flows[0]:
                different.append(f"{frame}\n  stock {flows[0]}\n  ours  {flows[1]}")
        assert not different, f"{len(different)} of {N_FRAMES}:\n" + "\n".join(different[:10])
    finally:
        for side in sides:
            side.switch.close()
