# SPDX-License-Identifier: Apache-2.0
"""Commands of `ovs-ofctl` that need no switch: the same text from both programs."""
import re
import socket
import struct
import subprocess

import pytest

from harness import ours, stock

TCIS = ["0000/0000", "1123/1fff", "f000/f000", "0000/1000", "01ab/0fff", "1000/1000", "3123/ffff", "ffff/ffff", "0000/ffff", "1001/1001",
        "2000/e000", "3000/f000", "1123/3fff"]
TEXTS = ["a=b,c(d),e,f:g", "x y=z", "a(b(c)d)=e", "a=b=c", "a[1]=3,b", "", ",,,", "a=,b", "a(1"]
GROUPS = ["group_id=1,type=all,bucket=output:1", "foo", "group_id=1,type=select,selection_method=hash,bucket=weight:1,output:2",
          "group_id=3,type=ff,bucket=watch_port:1,output:1"]
FLOWS = ["tcp,nw_src=1.2.3.4,tp_dst=80", "udp6,ipv6_src=::1,ipv6_dst=fe80::1", "arp,arp_spa=1.2.3.4,arp_op=1", "icmp,icmp_type=8",
         "dl_vlan=5,dl_vlan_pcp=3,tcp", "dl_type=0x1234", "mpls,mpls_label=5", "igmp", "ip,nw_proto=99,nw_ttl=64,nw_tos=8",
         "tcp,tcp_flags=syn", "foo", "ip,nw_src=1.1.1.0/24", "udp,dl_dst=1:2:3:4:5:6", "icmp6,icmpv6_type=128", "tcp,nw_frag=later",
         "icmp6,icmpv6_type=135,nd_target=::1,nd_sll=1:1:1:1:1:1", "reg0=1,tcp", "dl_vlan=5"]
COMMANDS = [["check-vlan", *t.split("/")] for t in TCIS] + [["parse-key-value", t] for t in TEXTS]
COMMANDS += [[*v, "parse-group", g] for v in ([], ["-O", "OpenFlow11"], ["-O", "OpenFlow15"]) for g in GROUPS]
COMMANDS += [["compose-packet", f] for f in FLOWS] + [["compose-packet", "udp", p] for p in ("aabb", "8", "")]
COMMANDS += [["parse-pcap", "CAPTURE"], ["parse-pcap", "CAPTURE", "CAPTURE"]]
COMMANDS += [[*o, "ofp-parse-pcap", "CAPTURE", *p] for o in ([], ["-m"], ["--timestamp"]) for p in ([], ["80"], ["6653", "80"])]


def frame(source, destination, sport, dport, seq, flags, data, vlan=False):
    tcp = struct.pack("!HHIIBBHHH", sport, dport, seq, 0, 5 << 4, flags, 1000, 0, 0) + data
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp), 0, 0, 64, 6, 0, socket.inet_aton(source), socket.inet_aton(destination))
    total = sum(struct.unpack("!10H", ip))
    total = (total & 0xffff) + (total >> 16)
    ip = ip[:10] + struct.pack("!H", ~total & 0xffff) + ip[12:]
    whole = b"\2\0\0\0\0\1\2\0\0\0\0\2" + (b"\x81\0\0\5" if vlan else b"") + b"\x08\0" + ip + tcp
    return whole + bytes(max(0, 60 - len(whole)))


@pytest.fixture
def capture(tmp_path):
    """A connection with messages in pieces, segments sent again and lost ones, another one that is joined in the middle."""
    hello, echo, features = (bytes.fromhex(h) for h in ("0400001000000001000100080000003e", "0402000800000002", "0405000800000003"))
    a, b = "10.0.0.1", "10.0.0.2"
    frames = [frame(a, b, 5000, 6653, 100, 2, b""), frame(b, a, 6653, 5000, 900, 0x12, b""),
              frame(a, b, 5000, 6653, 101, 0x10, hello + echo[:5]), frame(a, b, 5000, 6653, 101, 0x10, hello + echo[:5]),
              frame(a, b, 5000, 6653, 122, 0x18, echo[5:] + features), frame(b, a, 6653, 5000, 901, 0x18, hello, True),
              frame(b, a, 80, 5000, 7, 0x18, hello), frame(a, b, 5000, 6653, 500, 0x18, echo), frame(a, b, 5000, 6653, 133, 0x11, b""),
              frame(a, b, 5001, 6633, 77, 0x18, echo + features)]
    path = tmp_path / "capture"
    with open(path, "wb") as f:
        f.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
        for i, one in enumerate(frames):
            f.write(struct.pack("<IIII", 1000000 + i, i * 1000, len(one), len(one)) + one)
    return str(path)


def call(tools, argv, data=b""):
    p = subprocess.run([tools("ovs-ofctl"), *argv], input=data, capture_output=True, timeout=30)
    return p.returncode, p.stdout.decode(), re.sub(r"^\d{4}-\d\d-.*\n", "", p.stderr.decode(), flags=re.M).rstrip("\n")


def test_commands(capture):
    for c in COMMANDS:
        argv = [capture if a == "CAPTURE" else a for a in c]
        assert call(stock, argv) == call(ours, argv), " ".join(c)


def test_packets_both_ways(tmp_path):
    for data in (b"", b"abc", bytes(60), b"\xff" * 14 + b"abc"):
        assert call(stock, ["parse-packet"], data) == call(ours, ["parse-packet"], data)
    for flow in ("tcp,nw_src=1.2.3.4", "udp6", "dl_vlan=7,arp"):
        for writer, reader in ((stock, ours), (ours, stock)):
            path = tmp_path / "p"
            path.write_bytes(subprocess.run([writer("ovs-ofctl"), "--pcap", "compose-packet", flow], capture_output=True, check=True).stdout)
            assert call(reader, ["parse-pcap", str(path)]) == call(writer, ["parse-pcap", str(path)])


def test_bad_captures(tmp_path, capture):
    whole = open(capture, "rb").read()
    path = tmp_path / "bad"
    for bad in (b"", whole[:10], whole[:30], whole[:-3], b"x" * 100, whole[:24] + b"\xff" * 40):
        path.write_bytes(bad)
        for c in ("parse-pcap", "ofp-parse-pcap"):
            status, _, err = call(ours, [c, str(path)])
            assert status == 1 and err.startswith("ovs-ofctl: "), (bad[:30], c)
