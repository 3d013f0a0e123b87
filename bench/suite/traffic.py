# SPDX-License-Identifier: Apache-2.0
"""The frames and rules that the forwarding workloads are made of. The same seed gives the same, so that both sides see the same."""
import random
import struct

UDP = 17
PORTS = (53, 80, 123, 443, 4789)
PREFIXES = (8, 12, 16, 20, 24)


def write_pcap(path, frames):
    with open(path, "wb") as f:
        f.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
        for frame in frames:
            f.write(struct.pack("<IIII", 0, 0, len(frame), len(frame)) + frame)
    return path


def mac(kind, i):
    return struct.pack(">BBI", 2, kind, i)


def udp4(src, dst, sport, dport, dl_src=mac(0, 1), dl_dst=mac(0, 2), tag=b""):
    """60 bytes, and 4 more with a tag."""
    return b"".join((dl_dst, dl_src, tag, b"\x08\x00", struct.pack(">BBHHHBBHII", 0x45, 0, 46, 0, 0, 64, UDP, 0, src, dst),
                     struct.pack(">HHHH", sport, dport, 26, 0), bytes(18)))


def udp6(src, dst, sport, dport):
    return b"".join((mac(0, 2), mac(0, 1), b"\x86\xdd", struct.pack(">IHBB", 6 << 28, 8, UDP, 64),
                     b"\xfd\x00" + bytes(10) + struct.pack(">I", src), b"\xfd\x01" + bytes(10) + struct.pack(">I", dst),
                     struct.pack(">HHHH", sport, dport, 8, 0)))


def udp4_options(src, dst, sport, dport):
    """With a router alert."""
    return b"".join((mac(0, 2), mac(0, 1), b"\x08\x00", struct.pack(">BBHHHBBHIII", 0x46, 0, 50, 0, 0, 64, UDP, 0, src, dst, 0x94040000),
                     struct.pack(">HHHH", sport, dport, 26, 0), bytes(18)))


def udp6_extension(src, dst, sport, dport):
    """Behind a header of destination options."""
    frame = udp6(src, dst, sport, dport)
    return frame[:18] + struct.pack(">HBB", 16, 60, 64) + frame[22:54] + struct.pack(">BBBB4x", UDP, 0, 1, 4) + frame[54:]


def mpls(labels, dst):
    stack = b"".join(struct.pack(">I", label << 12 | (i == len(labels) - 1) << 8 | 64) for i, label in enumerate(labels))
    return b"".join((mac(0, 2), mac(0, 1), b"\x88\x47", stack, udp4(1, dst, 3, 4)[14:]))


def random_udp(r):
    return r.getrandbits(32), 10 << 24 | r.getrandbits(24), r.getrandbits(16), 1000 + r.randrange(16)


def simple(n, tag=b""):
    """UDP from anywhere to 10.0.0.0/8, ports 1000 to 1015."""
    r = random.Random(1)
    return [udp4(*random_udp(r), tag=tag) for _ in range(n)]


def tagged(n):
    return simple(n, b"\x81\x00\x00\x05")


def with_options(n):
    r = random.Random(1)
    return [udp4_options(*random_udp(r)) for _ in range(n)]


def with_extension(n):
    r = random.Random(1)
    return [udp6_extension(*random_udp(r)) for _ in range(n)]


def two_tags(n):
    return simple(n, b"\x88\xa8\x00\x05\x81\x00\x00\x07")


def two_labels(n):
    r = random.Random(1)
    return [mpls([r.randrange(16, 1000), 17], r.getrandbits(32)) for _ in range(n)]


def large(n):
    """1,500 bytes of IP each."""
    r = random.Random(1)
    frames = []
    for _ in range(n):
        src, dst, sport, dport = random_udp(r)
        frames.append(b"".join((mac(0, 2), mac(0, 1), b"\x08\x00", struct.pack(">BBHHHBBHII", 0x45, 0, 1500, 0, 0, 64, UDP, 0, src, dst),
                                struct.pack(">HHHH", sport, dport, 1480, 0), bytes(1472))))
    return frames


def ipv6(n):
    r = random.Random(1)
    return [udp6(*random_udp(r)) for _ in range(n)]


def between_macs(n):
    """From n addresses to n others."""
    r = random.Random(1)
    return [udp4(1, 2, 3, 4, dl_src=mac(1, i), dl_dst=mac(2, r.randrange(n))) for i in range(n)]


def from_macs(n):
    """What the others say, so that they are known."""
    return [udp4(1, 2, 3, 4, dl_src=mac(2, i), dl_dst=mac(1, i)) for i in range(n)]


# --- An access list: 500 rules of 125 shapes, 25 pairs of prefix lengths and 5 ways to match ports.

def acl(n=500):
    r = random.Random(2)
    rules = []
    for i in range(n):
        shape = i % 125
        src_len, dst_len, ports = PREFIXES[shape % 5], PREFIXES[shape // 5 % 5], shape // 25
        rules.append({"src": 10 << 24 | r.getrandbits(24), "src_len": src_len, "dst": 10 << 24 | r.getrandbits(24), "dst_len": dst_len,
                      "tp_src": r.choice(PORTS) if ports in (1, 3) else None, "tp_dst": r.choice(PORTS) if ports in (2, 3) else None,
                      "range": r.randrange(1, 250) << 8 if ports == 4 else None, "priority": r.randrange(10, 60000)})
    return rules


def dotted(address):
    return ".".join(str(address >> s & 255) for s in (24, 16, 8, 0))


def acl_flows(n=500, out="output:2"):
    flows = []
    for a in acl(n):
        match = f"udp,nw_src={dotted(a['src'])}/{a['src_len']},nw_dst={dotted(a['dst'])}/{a['dst_len']}"
        match += f",tp_src={a['tp_src']}" if a["tp_src"] else ""
        match += f",tp_dst={a['tp_dst']}" if a["tp_dst"] else ""
        match += f",tp_dst=0x{a['range']:x}/0xff00" if a["range"] else ""
        flows.append(f"priority={a['priority']},{match},actions={out}")
    return [*flows, f"priority=1,actions={out}"]


def within(r):
    """Inside the access list's network."""
    return 10 << 24 | r.getrandbits(24), 10 << 24 | r.getrandbits(24), r.choice(PORTS), r.choice(PORTS)


def acl_traffic(n):
    r = random.Random(3)
    return [udp4(*within(r)) for _ in range(n)]


def crafted(n, seed=4):
    """Each leaves a rule at another bit of each field: what classifies it has to look at just so many bits, which nobody did before."""
    r = random.Random(seed)
    rules = acl()
    frames = []
    for _ in range(n):
        a = r.choice(rules)
        src = a["src"] ^ 1 << r.randrange(8, 32) ^ r.getrandbits(8)
        dst = a["dst"] ^ 1 << r.randrange(8, 32) ^ r.getrandbits(8)
        frames.append(udp4(src, dst, (a["tp_src"] or r.choice(PORTS)) ^ 1 << r.randrange(16),
                           (a["tp_dst"] or a["range"] or r.choice(PORTS)) ^ 1 << r.randrange(16)))
    return frames


def one_percent_crafted(n):
    """A thousand flows of a victim, and one crafted frame in a hundred."""
    victim, bad = acl_traffic(1000), crafted(n // 100)
    frames = [victim[i % 1000] for i in range(n - len(bad))]
    for i, frame in enumerate(bad):
        frames.insert(i * 100, frame)
    return frames


def new_macs(n):
    """Each from an address of its own."""
    return [udp4(1, 2, 3, 4, dl_src=mac(3, i)) for i in range(n)]
