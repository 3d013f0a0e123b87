# SPDX-License-Identifier: Apache-2.0
"""A switch of two hundred lines: random frames, random rules, and what a frame becomes by them, byte for byte. It shares nothing with the
switch that it judges: fields are read and written at the places that the RFCs give them, checksums are adjusted as RFC 1624 says.

Each frame ends in its number, which no action touches, so that it is known again behind the switch."""
import ipaddress
import random
import struct

OUT_PORTS = (2, 3, 4)
GROUP = 1  # of type all
ETH_IP, ETH_ARP, ETH_IPV6, ETH_VLAN = 0x0800, 0x0806, 0x86DD, 0x8100
ICMP, TCP, UDP, SCTP, ICMPV6 = 1, 6, 17, 132, 58
# Few of each, so that rules and frames meet.
MACS = [bytes.fromhex(f"02000000000{i}") for i in range(6)]
IPS = [ipaddress.ip_address(f"10.{i % 3}.{i % 2}.{i}").packed for i in range(1, 9)]
IP6S = [ipaddress.ip_address(f"fd00:{i % 3}::{i}").packed for i in range(1, 7)]
PORTS = [53, 80, 443, 1000, 1001, 4789]
VIDS = [1, 10, 20]


def mac_text(mac):
    return ":".join(f"{b:02x}" for b in mac)


def ip_text(address):
    return str(ipaddress.ip_address(address))


def ones_sum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def checksum(data):
    return ~ones_sum(data) & 0xFFFF


class Frame:
    """Where the fields are."""

    def __init__(self, data):
        self.data = bytearray(data)
        self.locate()

    def locate(self):
        d, at = self.data, 12
        self.vlan = None
        if self.u16(at) == ETH_VLAN:
            self.vlan = self.u16(14)
            at += 4
        self.type, self.l3 = self.u16(at), at + 2
        self.l4 = self.proto = None
        self.fragment = self.later_fragment = False  # fragments have no ports to match, the first neither
        if self.type == ETH_IP:
            self.proto = d[self.l3 + 9]
            fragment = self.u16(self.l3 + 6)
            self.later_fragment = bool(fragment & 0x1FFF)
            self.fragment = bool(fragment & 0x3FFF)
            self.l4 = self.l3 + 4 * (d[self.l3] & 15)
        elif self.type == ETH_IPV6:
            self.proto, self.l4 = d[self.l3 + 6], self.l3 + 40

    def u16(self, at):
        return struct.unpack_from("!H", self.data, at)[0]

    def get(self, at, n):
        return bytes(self.data[at:at + n])

    def l4_checksum_at(self):
        place = {TCP: 16, UDP: 6, ICMPV6: 2}.get(self.proto)
        return None if place is None or self.later_fragment else self.l4 + place

    def adjust(self, at, old, new, udp=False):
        """RFC 1624, equation 3."""
        before = self.u16(at)
        if udp and not before:
            return  # UDP without one
        value = ~ones_sum(struct.pack("!H", ~before & 0xFFFF) + bytes(~b & 0xFF for b in old) + new) & 0xFFFF
        struct.pack_into("!H", self.data, at, 0xFFFF if udp and not value else value)

    def put(self, at, new, ip=False, l4=False):
        """Writes bytes at an even place, which the checksum of the IP header, or the one behind it, covers."""
        old = self.get(at, len(new))
        self.data[at:at + len(new)] = new
        if ip:
            self.adjust(self.l3 + 10, old, new)
        if l4 and self.l4_checksum_at() is not None:
            self.adjust(self.l4_checksum_at(), old, new, self.proto == UDP)


# --- Frames.

def l4_part(r, proto, payload):
    src, dst = r.choice(PORTS), r.choice(PORTS)
    if proto == TCP:
        return struct.pack("!HHIIBBHHH", src, dst, r.getrandbits(32), r.getrandbits(32), 0x50, r.choice([2, 16, 24, 1]), 1000, 0, 0) + payload
    if proto == UDP:
        return struct.pack("!HHHH", src, dst, 8 + len(payload), 0) + payload
    if proto in (ICMP, ICMPV6):
        kind = r.choice([8, 0, 3] if proto == ICMP else [128, 129, 1])
        return struct.pack("!BBHI", kind, r.choice([0, 1]), 0, r.getrandbits(32)) + payload
    return struct.pack("!HHII", src, dst, 1, 0) + payload  # SCTP; its checksum is nobody's business here


def fill_checksum(frame, r):
    at = frame.l4_checksum_at()
    if frame.proto == ICMP and not frame.later_fragment:
        at = frame.l4 + 2
    if at is None or (frame.proto == UDP and frame.type == ETH_IP and r.random() < 0.1):
        return
    end = frame.l3 + (frame.u16(frame.l3 + 2) if frame.type == ETH_IP else 40 + frame.u16(frame.l3 + 4))
    segment = frame.get(frame.l4, end - frame.l4)
    addresses = b"" if frame.proto == ICMP else frame.get(frame.l3 + 12, 8) if frame.type == ETH_IP else frame.get(frame.l3 + 8, 32)
    pseudo = addresses + struct.pack("!HH", frame.proto, len(segment)) if addresses else b""
    value = checksum(pseudo + segment)
    struct.pack_into("!H", frame.data, at, value or 0xFFFF if frame.proto == UDP else value)


def make_frame(r, number):
    kind = r.choices(["ip", "ipv6", "arp", "other"], [12, 6, 2, 1])[0]
    tail = struct.pack("!I", number)
    payload = r.randbytes(r.choice([18, 20, 33, 100, 700, 1300])) + tail
    proto = r.choice([TCP, UDP, UDP, ICMP if kind == "ip" else ICMPV6, SCTP])
    if kind == "ip":
        fragment = r.choices([0, 0x4000, 0x2000, 0x2010, 0x0010], [8, 8, 1, 1, 1])[0]
        options = bytes([1] * 4 * r.choices([0, 2], [19, 1])[0])
        part = payload if fragment & 0x1FFF else l4_part(r, proto, payload)
        header = struct.pack("!BBHHHBBH", 0x45 + len(options) // 4, r.choice([0, 0, 0xB8, 0x01, 0x2A]), 20 + len(options) + len(part),
                             r.getrandbits(16), fragment, r.choice([64, 64, 2, 1, 255]), proto, 0) + r.choice(IPS) + r.choice(IPS) + options
        l3 = header[:10] + struct.pack("!H", checksum(header)) + header[12:] + part
    elif kind == "ipv6":
        part = l4_part(r, proto, payload)
        l3 = struct.pack("!IHBB", 6 << 28 | r.choice([0, 0xB8]) << 20 | r.choice([0, 0x12345]), len(part), proto,
                         r.choice([64, 64, 2, 1])) + r.choice(IP6S) + r.choice(IP6S) + part
    elif kind == "arp":
        l3 = struct.pack("!HHBBH", 1, ETH_IP, 6, 4, r.choice([1, 2])) + r.choice(MACS) + r.choice(IPS) + bytes(6) + r.choice(IPS) + \
            bytes(18) + tail
    else:
        l3 = bytes(46) + tail
    type_ = {"ip": ETH_IP, "ipv6": ETH_IPV6, "arp": ETH_ARP, "other": 0x88B5}[kind]
    tag = struct.pack("!HH", ETH_VLAN, r.choice([0, 3]) << 13 | r.choice(VIDS)) if r.random() < 0.25 else b""
    frame = Frame(r.choice(MACS) + r.choice(MACS) + tag + struct.pack("!H", type_) + l3)
    if frame.proto is not None:
        fill_checksum(frame, r)
    return bytes(frame.data)


# --- Matches: the text, and the same as a function of a frame.

def match_mac(r, name, at):
    mac = r.choice(MACS)
    return f"{name}={mac_text(mac)}", lambda f: f.get(at, 6) == mac


def match_prefix(r, name, pool, at, bits):
    address, n = r.choice(pool), r.choice([bits, bits, bits * 3 // 4, bits // 2])
    net = ipaddress.ip_network((address, n), strict=False)
    return f"{name}={net}", lambda f: ipaddress.ip_address(f.get(f.l3 + at, bits // 8)) in net


def match_port(r, name, at):
    port = r.choice(PORTS)
    if r.random() < 0.8:
        return f"{name}={port}", lambda f: not f.fragment and f.u16(f.l4 + at) == port
    return f"{name}={port}/0xfff0", lambda f: not f.fragment and f.u16(f.l4 + at) & 0xFFF0 == port & 0xFFF0


def make_match(r):
    """Its text, its test, what may be relied upon: family, L4 protocol with ports, tag."""
    words, tests, tag = [], [], None
    family = r.choices([ETH_IP, ETH_IPV6, ETH_ARP, None], [12, 6, 2, 2])[0]
    proto = r.choice([TCP, UDP, SCTP, None, None, None]) if family in (ETH_IP, ETH_IPV6) else None

    def add(pair):
        words.append(pair[0])
        tests.append(pair[1])
    if family:
        name = {ETH_IP: "ip", ETH_IPV6: "ipv6", ETH_ARP: "arp"}[family]
        if proto:
            name = {TCP: "tcp", UDP: "udp", SCTP: "sctp"}[proto] + ("6" if family == ETH_IPV6 else "")
        add((name, lambda f: f.type == family and (proto is None or f.proto == proto)))
    if r.random() < 0.3:
        vid = r.choice([*VIDS, None])
        tag = vid is not None
        add((f"dl_vlan={vid}", lambda f: f.vlan is not None and f.vlan & 0xFFF == vid) if tag else ("vlan_tci=0x0000", lambda f: f.vlan is None))
    for name, at in (("dl_dst", 0), ("dl_src", 6)):
        if r.random() < 0.2:
            add(match_mac(r, name, at))
    if family == ETH_IP:
        for name, at in (("nw_src", 12), ("nw_dst", 16)):
            if r.random() < 0.5:
                add(match_prefix(r, name, IPS, at, 32))
        if r.random() < 0.1:
            ttl = r.choice([64, 2])
            add((f"nw_ttl={ttl}", lambda f: f.data[f.l3 + 8] == ttl))
        if r.random() < 0.1:
            add(("nw_tos=184", lambda f: f.data[f.l3 + 1] & 0xFC == 184))
    if family == ETH_IPV6:
        for name, at in (("ipv6_src", 8), ("ipv6_dst", 24)):
            if r.random() < 0.5:
                add(match_prefix(r, name, IP6S, at, 128))
    if family == ETH_ARP and r.random() < 0.5:
        add(("arp_op=1", lambda f: f.u16(f.l3 + 6) == 1))
    for name, at in (("tp_src", 0), ("tp_dst", 2)):
        if proto and r.random() < 0.5:
            add(match_port(r, name, at))
    ports = proto if any("tp_" in w for w in words) else None
    return ",".join(words), lambda f: all(t(f) for t in tests), family, ports, tag


# --- Actions: the text, and what they do. A function returns False when the packet ends there.

def set_mac(r):
    name, at = r.choice([("mod_dl_dst", 0), ("mod_dl_src", 6)])
    mac = r.randbytes(6)
    mac = bytes([mac[0] & 0xFE]) + mac[1:]
    return f"{name}:{mac_text(mac)}", lambda f: f.put(at, mac)


def move_mac(r):
    return "move:NXM_OF_ETH_SRC[]->NXM_OF_ETH_DST[]", lambda f: f.put(0, f.get(6, 6))


def set_nw(r):
    name, at = r.choice([("mod_nw_src", 12), ("mod_nw_dst", 16)])
    address = r.randbytes(4)
    return f"{name}:{ip_text(address)}", lambda f: f.put(f.l3 + at, address, ip=True, l4=True)


def set_tos(r):
    tos = r.choice([0, 32, 184])
    return f"mod_nw_tos:{tos}", lambda f: f.put(f.l3, bytes([f.data[f.l3], f.data[f.l3 + 1] & 3 | tos]), ip=True)


def dec_ttl(r):
    def run(f):
        at = f.l3 + (8 if f.type == ETH_IP else 7)
        if f.data[at] <= 1:
            return False  # nobody hears of it: there is no controller
        if f.type == ETH_IP:
            f.put(at, bytes([f.data[at] - 1, f.data[at + 1]]), ip=True)
        else:
            f.data[at] -= 1
        return True
    return "dec_ttl", run


def set_ipv6(r):
    name, at = r.choice([("ipv6_src", 8), ("ipv6_dst", 24)])
    address = r.randbytes(16)
    return f"set_field:{ip_text(address)}->{name}", lambda f: f.put(f.l3 + at, address, l4=True)


def set_label(r):
    label = r.getrandbits(20)

    def run(f):
        word = struct.unpack_from("!I", f.data, f.l3)[0]
        struct.pack_into("!I", f.data, f.l3, word & ~0xFFFFF | label)
    return f"set_field:{label}->ipv6_label", run


def set_port(r):
    name, at = r.choice([("mod_tp_src", 0), ("mod_tp_dst", 2)])
    port = r.randint(1, 65535)
    return f"{name}:{port}", lambda f: f.put(f.l4 + at, struct.pack("!H", port), l4=True)


def set_arp(r):
    address = r.randbytes(4)
    return f"set_field:{ip_text(address)}->arp_tpa", lambda f: f.put(f.l3 + 24, address)


def push_vlan(r):
    vid = r.randint(1, 4094)

    def run(f):
        f.data[12:12] = struct.pack("!HH", ETH_VLAN, vid)
        f.locate()
    return f"push_vlan:0x8100,set_field:{4096 + vid}->vlan_vid", run


def set_vid(r):
    vid = r.randint(1, 4094)
    return f"mod_vlan_vid:{vid}", lambda f: f.put(14, struct.pack("!H", f.u16(14) & 0xF000 | vid))


def strip_vlan(r):
    def run(f):
        del f.data[12:16]
        f.locate()
    return "strip_vlan", run


GROUP_BUCKETS = [(bytes.fromhex("02aaaaaaaaaa"), 2), (bytes.fromhex("02bbbbbbbbbb"), 4)]
GROUP_TEXT = f"group_id={GROUP},type=all," + ",".join(f"bucket=actions=mod_dl_dst:{mac_text(mac)},output:{port}" for mac, port in GROUP_BUCKETS)


def make_actions(r, family, ports, tag):
    """Text and a function that gives what leaves: (port, bytes)."""
    choices = [set_mac, set_mac, move_mac]
    if family == ETH_IP:
        choices += [set_nw, set_nw, set_tos, dec_ttl, dec_ttl]
    elif family == ETH_IPV6:
        choices += [set_ipv6, set_ipv6, set_label, dec_ttl]
    elif family == ETH_ARP:
        choices += [set_arp]
    if ports in (TCP, UDP):
        choices += [set_port, set_port]
    steps = [r.choice(choices)(r) for _ in range(r.choice([0, 0, 1, 1, 2, 3]))]
    if tag is not None and r.random() < 0.6:
        steps.append(r.choice([strip_vlan, set_vid])(r) if tag else push_vlan(r))
    for _ in range(r.choices([0, 1, 2, 3], [1, 12, 3, 1])[0]):
        what = r.choice([*OUT_PORTS, *OUT_PORTS, "group", "resubmit"])
        where = r.randrange(len(steps) + 1) if r.random() < 0.2 else len(steps)
        if what == "group":
            steps.insert(where, (f"group:{GROUP}", "group"))
        elif what == "resubmit":
            port = r.choice(OUT_PORTS)
            steps.insert(where, (f"set_field:{port}->reg1,resubmit(,1)", port))
        else:
            steps.insert(where, (f"output:{what}", what))
    # A group's changes are its own, and an output in the middle sends what there is by then.

    def run(data):
        f, out = Frame(data), []
        for _, step in steps:
            if step == "group":
                for mac, port in GROUP_BUCKETS:
                    out.append((port, mac + bytes(f.data[6:])))
            elif isinstance(step, int):
                out.append((step, bytes(f.data)))
            elif step(f) is False:
                break
        return out
    return ",".join(text for text, _ in steps) or "drop", run


class Corpus:
    """Rules of distinct priorities, frames, and what leaves each port for each frame."""

    def __init__(self, seed, n_rules, n_frames):
        r = random.Random(seed)
        self.frames = [make_frame(r, i) for i in range(n_frames)]
        self.rules = []
        self.flows = ["table=1,priority=0,actions=drop"] + [f"table=1,reg1={p},actions=output:{p}" for p in OUT_PORTS]
        for priority in r.sample(range(1, 65000), n_rules):
            text, test, *known = make_match(r)
            while text.count(",") < 2 and priority > 2000:  # it would hide too many of those below
                text, test, *known = make_match(r)
            actions, run = make_actions(r, *known)
            self.rules.append((priority, test, run))
            self.flows.append(f"priority={priority}," + (f"in_port=1,{text}" if text else "in_port=1") + f",actions={actions}")
        self.rules.sort(key=lambda rule: -rule[0])

    def expected(self):
        result, self.hit = [], set()
        for data in self.frames:
            frame = Frame(data)
            hit = next((i for i, (_, test, _) in enumerate(self.rules) if test(frame)), None)
            self.hit.add(hit)
            result.append([] if hit is None else sorted(self.rules[hit][2](data)))
        return result

    def flow_of(self, number):
        """What must keep its order: frames whose headers are the same. (Rules may look at TTL and TOS too.)"""
        f = Frame(self.frames[number])
        start = f.get(0, 14), f.vlan
        if f.type == ETH_ARP:
            return start, f.get(f.l3, 28)
        if f.proto is None:
            return start
        other = (f.data[f.l3 + 1] & 0xFC, f.data[f.l3 + 8], f.fragment, f.later_fragment) if f.type == ETH_IP else f.get(f.l3 + 7, 1)
        addresses = f.get(f.l3 + 12, 8) if f.type == ETH_IP else f.get(f.l3 + 8, 32)
        return start, f.proto, other, addresses, b"" if f.later_fragment else f.get(f.l4, 4 if f.proto in (TCP, UDP, SCTP) else 2)
