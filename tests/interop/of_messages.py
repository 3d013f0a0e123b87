# SPDX-License-Identifier: Apache-2.0
"""Random OpenFlow messages of every type and version, most of them valid: one function per message, one row per message in ROWS."""
import random
import struct

OF10, OF11, OF12, OF13, OF14, OF15 = range(1, 7)
ALL = range(OF10, OF15 + 1)
NX, ONF = 0x2320, 0x4F4E4600


def since(version):
    return range(version, OF15 + 1)


def pad8(b):
    return b + b"\0" * (-len(b) % 8)


def message(version, wire_type, body, xid):
    return struct.pack("!BBHI", version, wire_type, (8 + len(body)) & 0xFFFF, xid) + body


class Gen:
    def __init__(self, seed):
        self.r = random.Random(seed)

    # --- Numbers, of which small, large and special ones are likelier.

    def num(self, bits):
        r = self.r
        return r.choice([0, 1, 2, 3, r.randrange(16), r.randrange(1000) & ((1 << bits) - 1), r.getrandbits(bits), r.getrandbits(bits),
                         (1 << bits) - 1])

    def u8(self):
        return struct.pack("!B", self.num(8))

    def u16(self):
        return struct.pack("!H", self.num(16))

    def u32(self):
        return struct.pack("!I", self.num(32))

    def u64(self):
        return struct.pack("!Q", self.num(64))

    def xid(self):
        """Not one of those that message_text.py tells messages apart by."""
        xid = self.num(32)
        return xid if xid >> 24 != 0x7F else xid ^ 1 << 31

    def bytes(self, n):
        return self.r.getrandbits(8 * n).to_bytes(n, "big") if n else b""

    def enum(self, bits, *values):
        """Mostly one of the values."""
        return self.r.choice(values) if self.r.random() < 0.95 else self.num(bits)

    def flags(self, bits, *values):
        if self.r.random() < 0.04:
            return self.num(bits)
        result = 0
        for v in values:
            if self.r.random() < 0.35:
                result |= v
        return result

    def some(self, most, function):
        return b"".join(function() for _ in range(self.r.randrange(most + 1)))

    def text(self, size, fill=None):
        n = self.r.randrange(min(size, 12))
        s = bytes(self.r.choice(b"abcxyz019-._\"\\ \t\x80\n" if self.r.random() < 0.1 else b"abcxyz019-._") for _ in range(n))
        return s + b"\0" * (size - n)

    def port16(self):
        return self.r.choice([0, 1, 2, 3, 77, 0xFEFF, 0xFFF8, 0xFFF9, 0xFFFA, 0xFFFB, 0xFFFC, 0xFFFD, 0xFFFE, 0xFFFF,
                              self.r.randrange(1, 0xFF00)] + [0xFF00, 0xFFF7] * (self.r.random() < 0.05))

    def port(self, v):
        p = self.port16()
        if v == OF10:
            return struct.pack("!H", p)
        if self.r.random() < 0.02:
            return struct.pack("!I", self.r.getrandbits(32))
        return struct.pack("!I", p | (0xFFFF0000 if p >= 0xFF00 else 0))

    def group(self):
        return self.r.choice([0, 1, 2, 77, 0xFFFFFF00, 0xFFFFFFFC, 0xFFFFFFFF, self.r.getrandbits(32) % 0xFFFFFF00, self.r.getrandbits(32)])

    def prop(self, kind, body, experimenter=None):
        """A property with its padding; sometimes of another kind, sometimes with a wrong length."""
        if self.r.random() < 0.02:
            kind = self.num(16)
        n = 4 + len(body)
        if self.r.random() < 0.02:
            n = self.num(8)
        return pad8(struct.pack("!HH", kind & 0xFFFF, n) + body)

    def vendor_prop(self):
        return self.prop(0xFFFF, struct.pack("!II", self.r.choice([NX, ONF, 0x12345678]), self.num(16)) + self.bytes(self.r.randrange(0, 9)))

    def sized(self, head_len, body):
        """16 bits of length for a thing of head_len bytes and a body; seldom wrong."""
        n = head_len + len(body)
        if self.r.random() < 0.02:
            n += self.r.choice([-8, -1, 1, 8, 16])
        return struct.pack("!H", n & 0xFFFF)

    # --- Matches and actions: few kinds, for they are tested elsewhere.

    def match10(self):
        r = self.r
        w = r.choice([0x3FFFFF, 0x3FFFFE, 0x3820EE, 0x38200E, 0x3820CE, 0x3FFFED])
        dl_type = 0x800 if not w & 0x10 else 0
        return struct.pack("!IH6s6sHBxHBBxxIIHH", w, self.port16(), self.bytes(6), self.bytes(6), r.choice([0xFFFF, 5, 0x1000 & 0]), 0, dl_type, 0,
                           r.choice([6, 17, 1]) if not w & 0x20 else 0, r.getrandbits(32), r.getrandbits(32), r.getrandbits(16), r.getrandbits(16))

    def tlvs(self, v):
        r = self.r
        t = b""
        if r.random() < 0.5:
            t += struct.pack("!HBBH", 0, 0, 2, self.r.randrange(1, 100)) if v == OF10 else struct.pack("!HBBI", 0x8000, 0, 4, r.randrange(1, 100))
        oxm = v != OF10
        if r.random() < 0.3:
            t += (struct.pack("!HBB", 0x8000, 4 << 1, 6) if oxm else struct.pack("!HBB", 0, 2 << 1, 6)) + self.bytes(6)
        if r.random() < 0.5:
            t += struct.pack("!HBBH", 0x8000 if oxm else 0, (5 if oxm else 3) << 1, 2, 0x800)
            if r.random() < 0.5:
                proto = r.choice([6, 17])
                t += struct.pack("!HBBB", 0x8000 if oxm else 0, (10 if oxm else 6) << 1, 1, proto)
                if r.random() < 0.5:
                    t += struct.pack("!HBBH", 0x8000 if oxm else 0, ({6: 14, 17: 16} if oxm else {6: 10, 17: 12})[proto] << 1, 2, r.getrandbits(16))
            if r.random() < 0.5:
                n = r.choice([8, 16, 24, 31])
                t += struct.pack("!HBBII", 0x8000 if oxm else 0, (11 if oxm else 7) << 1 | 1, 8, r.getrandbits(32) & (0xFFFFFFFF << (32 - n)),
                                 0xFFFFFFFF << (32 - n) & 0xFFFFFFFF)
        if r.random() < 0.3:
            t += struct.pack("!HBBI", 1, r.randrange(8) << 1, 4, self.num(32))
        if r.random() < 0.2:
            t += struct.pack("!HBBQ", 1, 16 << 1, 8, self.num(64))
        return t

    def match(self, v):
        """The match of a flow mod of the version: fixed, or a padded list."""
        if v == OF10:
            return self.match10()
        if v == OF11:
            r = self.r
            return struct.pack("!HHII6s6s6s6sHBxHBBIIIIHHIxxxQQ", 0, 88, self.port16() if r.random() < 0.5 else 0, r.choice([0x3FF, 0x3FE]), self.bytes(6),
                               b"\xff" * 6, self.bytes(6), b"\xff" * 6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFFFFFFFFFFFFFFFF)[:88]
        t = self.tlvs(v)
        return pad8(struct.pack("!HH", 1, 4 + len(t)) + t)

    def action(self, v):
        r = self.r
        kind = r.randrange(7)
        if kind == 4 and v == OF15:
            kind = 3
        if kind <= 1:
            return struct.pack("!HHHH", 0, 8, self.port16(), self.num(16)) if v == OF10 else \
                struct.pack("!HH", 0, 16) + self.port(v) + self.u16() + b"\0" * 6
        if kind == 2:
            return struct.pack("!HHIHH4x", 0xFFFF, 16, NX, 1, self.port16())  # resubmit
        if kind == 3:
            return struct.pack("!HHIH6s", 0xFFFF, 16, NX, 8, self.bytes(6))  # note
        if kind == 4:
            return struct.pack("!HHIHHIQ", 0xFFFF, 24, NX, 7, r.choice([31, 15, 7]), 0x00010004 + (r.randrange(8) << 9), self.num(16) % 128)  # load
        if kind == 5:
            return struct.pack("!HHIHHH2x", 0xFFFF, 16, NX, 14, self.port16(), r.randrange(254)) + b"" if False else \
                struct.pack("!HHIHHBxxx", 0xFFFF, 16, NX, 14, self.port16(), r.randrange(255))
        if v == OF10:
            return struct.pack("!HHHxx", 1, 8, r.randrange(4096))
        return struct.pack("!HHI", 22, 8, r.randrange(100)) if r.random() < 0.7 else struct.pack("!HHI", 18, 8, 0)

    def actions(self, v, most=3):
        return self.some(most, lambda: self.action(v))

    def instructions(self, v):
        if v == OF10:
            return self.actions(v)
        r = self.r
        t = b""
        if v >= OF13 and v < OF15 and r.random() < 0.2:
            t += struct.pack("!HHI", 6, 8, r.randrange(1, 100))
        a = self.actions(v)
        if r.random() < 0.8:
            t += struct.pack("!HH4x", 4, 8 + len(a)) + a
        if r.random() < 0.2:
            a = self.actions(v, 1)
            t += struct.pack("!HH4x", 3, 8 + len(a)) + a
        if r.random() < 0.1:
            t += struct.pack("!HH4xQQ", 2, 24, self.num(64), self.num(64))
        if r.random() < 0.2:
            t += struct.pack("!HHB3x", 1, 8, r.randrange(1, 250))
        if r.random() < 0.02:  # clear actions, statistics trigger, an experimenter's, of no length, twice the same
            t += r.choice([struct.pack("!HH4x", 5, 8), struct.pack("!HHIHH4x", 7, 16, 1, 0x8002, 4), struct.pack("!HHI", 0xFFFF, 8, NX),
                           struct.pack("!HH4x", r.randrange(9), 0), t[-8:]])
        return t

    def frame(self):
        r = self.r
        if r.random() < 0.1:
            return self.bytes(r.randrange(0, 20))
        if r.random() < 0.5:
            payload = struct.pack("!BBHHHBBHII", 0x45, 0, 28, 0, 0, 64, 17, 0, r.getrandbits(32), r.getrandbits(32)) + \
                struct.pack("!HHHH", r.getrandbits(16), r.getrandbits(16), 8, 0)
            return self.bytes(6) + self.bytes(6) + b"\x08\x00" + payload + b"\0" * r.choice([0, 18])
        return self.bytes(12) + struct.pack("!HHBBHHIHIxx", 0x0806, 1, 8, 0, 0x0604 & 0, 1, 0, 0, 0)[:28] + self.bytes(18)

    def flow_message(self, v):
        """A whole message that may stand in another."""
        xid = self.xid()
        if self.r.random() < 0.15:  # of any type at all
            row = self.r.choice([r for r in ROWS if v in r[1]])
            m = build(self, row, v)
            return m if len(m) < 2000 else message(v, 2, b"", xid)
        name = self.r.choice(["flow_mod", "port_mod", "group_mod", "meter_mod", "barrier", "packet_out"])
        if name == "group_mod" and v == OF10 or name == "meter_mod" and v < OF13:
            name = "flow_mod"
        return {"flow_mod": lambda: message(v, 14, flow_mod(self, v), xid), "port_mod": lambda: message(v, 15 if v == OF10 else 16, port_mod(self, v), xid),
                "group_mod": lambda: message(v, 15, group_mod(self, v), xid), "meter_mod": lambda: message(v, 29, meter_mod(self, v), xid),
                "barrier": lambda: message(v, 18 if v == OF10 else 20, b"", xid),
                "packet_out": lambda: message(v, 13, packet_out(self, v), xid)}[name]()


# --- Bodies of messages.

def empty(g, v):
    return b""


def hello(g, v):
    def element():
        kind = g.enum(16, 1, 1, 1, 2)
        body = b"".join(g.u32() for _ in range(g.r.choice([0, 1, 1, 1, 2, 3]))) if kind == 1 else g.bytes(g.r.randrange(9))
        return pad8(struct.pack("!H", kind) + g.sized(4, body) + body)
    return g.some(2, element)


NX_CODES = [(1, n) for n in (*range(255, 280), *range(510, 540))] + [(2, n) for n in (*range(255, 260), *range(510, 530))] + \
    [(k, n) for k in (3, 4, 5, 16, 17) for n in (256, 257, 258, 512, 520)]


def error(g, v):
    """Types and codes of all versions, and those of Nicira and the ONF, in both ways to say them."""
    kind, code = g.r.choice([(g.r.randrange(20), g.r.randrange(20)), (g.r.randrange(20), g.r.randrange(20)), (0xFFFF, g.r.randrange(64)),
                             (0xFFFF, g.r.randrange(2298, 2320)), (0xB0C2, 0), (g.num(16), g.num(16)), (0, 0), (0, 1)])
    vendor = b""
    if kind == 0xFFFF:
        vendor = struct.pack("!I", g.r.choice([NX, ONF, 5]))
    elif kind == 0xB0C2:
        vendor = struct.pack("!IHH", NX, *g.r.choice(NX_CODES)) if g.r.random() < 0.9 else struct.pack("!IHH", g.r.choice([ONF, 5]), g.num(8), g.num(8))
    payload = g.r.choice([lambda: g.bytes(g.r.randrange(20)), lambda: g.flow_message(v), lambda: b"plain text \\ %d" % g.num(8), lambda: b""])()
    return struct.pack("!HH", kind, code) + vendor + payload


def echo(g, v):
    return g.bytes(g.r.choice([0, 0, 1, 8, 15, 16, 17, 40]))


def phy_port(g, v):
    port = g.port(v)
    feature = lambda: struct.pack("!I", g.flags(32, *[1 << i for i in range(17)]))  # noqa: E731
    if v == OF10:
        return port + g.bytes(6) + g.text(16) + struct.pack("!I", g.flags(32, *[1 << i for i in range(8)])) + \
            struct.pack("!I", g.flags(32, 1, 0x100, 0x200, 0x400)) + b"".join(feature() for _ in range(4))
    config = struct.pack("!I", g.flags(32, 1, 4, 32, 64, 2))
    state = struct.pack("!I", g.flags(32, 1, 2, 4, 8))
    if v < OF14:
        return port + b"\0" * 4 + g.bytes(6) + b"\0\0" + g.text(16) + config + state + b"".join(feature() for _ in range(4)) + g.u32() + g.u32()

    def ethernet():
        return g.prop(0, b"\0" * 4 + b"".join(feature() for _ in range(4)) + g.u32() + g.u32())

    def property_():
        return g.r.choice([ethernet, ethernet, ethernet, lambda: g.prop(1, b"\0" * 4 + g.bytes(32)), g.vendor_prop])()
    props = g.some(2, property_)
    return port + g.sized(40, props) + b"\0\0" + g.bytes(6) + b"\0\0" + g.text(16) + config + state + props


def features_reply(g, v):
    b = g.u64() + g.u32() + g.u8() + g.u8() + b"\0\0" + struct.pack("!I", g.flags(32, *[1 << i for i in range(11)])) + g.u32()
    return b + (g.some(3, lambda: phy_port(g, v)) if v < OF13 else b"")


def config(g, v):
    return struct.pack("!H", g.enum(16, 0, 1, 2, 3, 4, 6)) + g.u16()


def packet_in(g, v):
    reason = struct.pack("!B", g.enum(8, 0, 1, 2, 3, 4, 5))
    frame = g.frame()
    total = struct.pack("!H", len(frame) if g.r.random() < 0.6 else g.num(16))
    buffer_id = g.r.choice([b"\xff" * 4, g.u32()])
    if v == OF10:
        return buffer_id + total + struct.pack("!H", g.port16()) + reason + b"\0" + frame
    if v == OF11:
        return buffer_id + g.port(v) + g.port(v) + total + reason + g.u8() + frame
    cookie = g.u64() if v >= OF13 else b""
    return buffer_id + total + reason + g.u8() + cookie + g.match(v) + b"\0\0" + frame


def flow_removed(g, v):
    reason = struct.pack("!B", g.enum(8, 0, 1, 2, 3, 4, 5))
    if v == OF10:
        return g.match10() + g.u64() + g.u16() + reason + b"\0" + g.u32() + struct.pack("!I", g.num(32) % 1000000000) + g.u16() + b"\0\0" + \
            g.u64() + g.u64()
    if v < OF15:
        return g.u64() + g.u16() + reason + g.u8() + g.u32() + struct.pack("!I", g.num(32) % 1000000000) + g.u16() + g.u16() + g.u64() + g.u64() + \
            g.match(v)
    return g.u8() + reason + g.u16() + g.u16() + g.u16() + g.u64() + g.match(v) + oxs(g)


def oxs(g):
    """Statistics of 1.5."""
    fields = []
    for number, value in ((0, 8), (1, 8), (3, 4), (4, 8), (5, 8)):
        if g.r.random() < 0.7:
            fields.append(struct.pack("!HBB", 0x8002, number << 1, value) + (struct.pack("!II", g.num(32), g.num(32) % 1000000000) if number < 2 else
                                                                          g.num(8 * value).to_bytes(value, "big")))
    if g.r.random() < 0.15:
        fields.append(g.r.choice([
            struct.pack("!HBB", 0x8002, 2 << 1, 4) + g.u32(), struct.pack("!HBBI", 0xFFFF, 2, 8, ONF) + g.u32(),
            struct.pack("!HBB", 0x8002, 4 << 1 | 1, 16) + g.u64() + g.u64(), struct.pack("!HBB", 0x8002, g.r.randrange(128) << 1, 4) + g.u32(),
            struct.pack("!HBB", 0x8002, 5 << 1, g.num(8))]))
        g.r.shuffle(fields)
    t = b"".join(fields)
    return pad8(struct.pack("!HH", 0, 4 + len(t)) + t)


def port_status(g, v):
    return struct.pack("!B", g.enum(8, 0, 1, 2)) + b"\0" * 7 + phy_port(g, v)


def packet_out(g, v):
    actions = g.actions(v)
    buffer_id, frame = g.r.choice([(b"\xff" * 4, g.frame()), (b"\xff" * 4, g.frame()), (g.u32(), b"")])
    if v == OF10:
        return buffer_id + struct.pack("!H", g.port16()) + g.sized(0, actions) + actions + frame
    if v < OF15:
        return buffer_id + g.port(v) + g.sized(0, actions) + b"\0" * 6 + actions + frame
    return buffer_id + g.sized(0, actions) + b"\0\0" + g.match(v) + actions + frame


def flow_mod_flags(g, v):
    return struct.pack("!H", g.flags(16, 1, 2, 4, 8, 16) if v > OF10 else g.flags(16, 1, 2, 4))


def flow_mod(g, v):
    if v == OF10:
        return g.match10() + g.u64() + struct.pack("!H", g.enum(16, 0, 1, 2, 3, 4)) + g.u16() + g.u16() + g.u16() + g.r.choice([b"\xff" * 4, g.u32()]) + \
            struct.pack("!H", g.port16()) + flow_mod_flags(g, v) + g.actions(v)
    return g.u64() + g.u64() + g.u8() + struct.pack("!B", g.enum(8, 0, 1, 2, 3, 4)) + g.u16() + g.u16() + g.u16() + g.r.choice([b"\xff" * 4, g.u32()]) + \
        g.port(v) + struct.pack("!I", g.group()) + flow_mod_flags(g, v) + (g.u16() if v >= OF14 else b"\0\0") + g.match(v) + g.instructions(v)


def nx_flow_mod(g, v):
    t = g.tlvs(OF10)
    return g.u64() + struct.pack("!H", g.enum(16, 0, 1, 2, 3, 4, 0x100, 0x1704)) + g.u16() + g.u16() + g.u16() + g.r.choice([b"\xff" * 4, g.u32()]) + \
        struct.pack("!H", g.port16()) + flow_mod_flags(g, OF10) + g.sized(0, t) + b"\0" * 6 + pad8(t) + g.actions(v)


def nx_flow_removed(g, v):
    t = g.tlvs(OF10)
    return g.u64() + g.u16() + struct.pack("!BB", g.enum(8, 0, 1, 2, 3, 4, 5), g.num(8)) + g.u32() + struct.pack("!I", g.num(32) % 1000000000) + \
        g.u16() + g.sized(0, t) + g.u64() + g.u64() + pad8(t)


def bucket(g, v):
    actions = g.actions(v)
    weight = g.r.choice([0, 1, 1, 5, g.num(16)])
    if v < OF15 and v != OF10:
        return g.sized(16, actions) + struct.pack("!H", weight) + g.port(v) + struct.pack("!I", g.group()) + b"\0" * 4 + actions
    props = b""
    if g.r.random() < 0.6:
        props += g.prop(0, struct.pack("!HH", weight, 0))
    if g.r.random() < 0.3:
        props += g.prop(1, g.port(OF11))
    if g.r.random() < 0.3:
        props += g.prop(2, struct.pack("!I", g.group()))
    if g.r.random() < 0.05:
        props += g.vendor_prop()
    return g.sized(8, actions + props) + g.sized(0, actions) + struct.pack("!I", g.r.choice([0, 1, 2, 3, g.num(32)])) + actions + props


def group_props(g):
    """The selection method, which is Nicira's."""
    if g.r.random() < 0.6:
        return b""
    # Ethernet and IP fields, registers, metadata; what can be masked, in part.
    known = [(0x8000, n, size, m) for n, size, m in ((0, 4, 0), (2, 8, 1), (3, 6, 1), (4, 6, 1), (5, 2, 0), (10, 1, 0), (11, 4, 1), (12, 4, 1), (13, 2, 1),
                                                     (16, 2, 1), (26, 16, 1), (34, 4, 0))] + [(1, n, 4, 1) for n in range(3)] + [(0x8000, 99, 4, 1)] * (g.r.random() < 0.02)
    chosen = g.r.sample(known, g.r.randrange(5)) if g.r.random() < 0.98 else [known[3]] * 2
    fields = b"".join(struct.pack("!HBB", c, n << 1, size) + (g.bytes(size) if m and g.r.random() < 0.4 or g.r.random() < 0.02 else b"\xff" * size)
                      for c, n, size, m in chosen)
    return g.prop(0xFFFF, struct.pack("!III", 0x154D, 1, 0) + g.r.choice([b"hash", b"dp_hash", b"other"]).ljust(16, b"\0") + g.u64() + fields)


def group_mod(g, v):
    command = g.enum(16, 0, 0, 0, 1, 2, 0x8000, 3, 5)
    kind = g.enum(8, 0, 1, 2, 3)
    if v == OF15 or v == OF10:
        buckets = g.some(3, lambda: bucket(g, v))
        return struct.pack("!HBx", command, kind) + struct.pack("!I", g.group()) + g.sized(0, buckets) + b"\0\0" + \
            struct.pack("!I", g.r.choice([0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD, 0, 1, g.num(32)])) + buckets + group_props(g)
    return struct.pack("!HBx", command, kind) + struct.pack("!I", g.group()) + g.some(3, lambda: bucket(g, v))


def port_mod(g, v):
    bits = [1 << i for i in range(7)] if v == OF10 else [1, 4, 32, 64]
    config, mask = struct.pack("!I", g.flags(32, *bits)), struct.pack("!I", g.flags(32, *bits))
    advertise = struct.pack("!I", g.flags(32, *[1 << i for i in range(12 if v == OF10 else 16)]))
    if v == OF10:
        return g.port(v) + g.bytes(6) + config + mask + advertise + b"\0" * 4
    if v < OF14:
        return g.port(v) + b"\0" * 4 + g.bytes(6) + b"\0\0" + config + mask + advertise + b"\0" * 4
    props = g.some(2, lambda: g.r.choice([lambda: g.prop(0, advertise), lambda: g.prop(0, advertise), lambda: g.prop(1, g.bytes(12)), g.vendor_prop])())
    return g.port(v) + b"\0" * 4 + g.bytes(6) + b"\0\0" + config + mask + props


def table_prop(g):
    return g.r.choice([lambda: g.prop(2, struct.pack("!I", g.flags(32, 1, 2, 4))),
                       lambda: g.prop(3, struct.pack("!BBBx", *(g.r.choice([g.num(8), 10, 50, 90]) for _ in range(3)))), g.vendor_prop])()


def table_mod(g, v):
    if v < OF14:
        return g.u8() + b"\0" * 3 + struct.pack("!I", g.enum(32, 0, 1, 2, 3))
    return g.u8() + b"\0" * 3 + struct.pack("!I", g.flags(32, 4, 8, 3)) + g.some(2, lambda: table_prop(g))


def table_desc(g, v):
    def one():
        props = g.some(2, lambda: table_prop(g))
        return g.sized(8, props) + g.u8() + b"\0" + struct.pack("!I", g.flags(32, 4, 8)) + props
    return g.some(3, one)


def table_status(g, v):
    return struct.pack("!B", g.enum(8, 3, 4)) + b"\0" * 7 + (table_desc(g, v) or g.bytes(8))


def queue_get_config_request(g, v):
    if v < OF14:
        return g.port(v) + (b"\0" * 2 if v == OF10 else b"\0" * 4)
    return g.port(v) + g.u32()


def queue(g, v):
    rate = lambda: struct.pack("!H", g.r.choice([0, 500, 1000, 1001, 0xFFFF, g.num(16)]))  # noqa: E731
    if v < OF14:
        props = g.some(2, lambda: struct.pack("!H", g.enum(16, 1, 2)) + g.sized(16, b"") + b"\0" * 4 + rate() + b"\0" * 6)
        if v == OF10:
            return g.u32() + g.sized(8, props) + b"\0\0" + props
        if v == OF11:
            return g.u32() + g.sized(8, props) + b"\0\0" + props
        return g.u32() + g.port(v) + g.sized(16, props) + b"\0" * 6 + props
    props = g.some(2, lambda: g.r.choice([lambda: g.prop(1, rate() + b"\0\0"), lambda: g.prop(2, rate() + b"\0\0"), g.vendor_prop])())
    return g.port(v) + g.u32() + g.sized(16, props) + b"\0" * 6 + props


def queue_get_config_reply(g, v):
    return g.port(v) + (b"\0" * 6 if v == OF10 else b"\0" * 4) + g.some(3, lambda: queue(g, v))


def queue_desc_reply(g, v):
    return g.some(3, lambda: queue(g, v))


def role(g, v):
    return struct.pack("!I", g.enum(32, 0, 1, 2, 3)) + b"\0" * 4 + g.u64()


def nx_role(g, v):
    return struct.pack("!I", g.enum(32, 0, 1, 2))


def role_status(g, v):
    return struct.pack("!IB3x", g.enum(32, 0, 1, 2, 3), g.enum(8, 0, 1, 2)) + g.u64() + g.some(1, g.vendor_prop)


def async13(g, v):
    return b"".join(struct.pack("!I", g.flags(32, *[1 << i for i in range(8)])) for _ in range(6))


def async14(g, v):
    return g.some(5, lambda: g.vendor_prop() if g.r.random() < 0.03 else g.prop(g.enum(16, *range(12)), struct.pack("!I", g.flags(32, *[1 << i for i in range(7)]))))


def band(g):
    kind = g.enum(16, 1, 1, 2, 0xFFFF)
    if kind == 1:
        body = b"\0" * 4
    elif kind == 2:
        body = g.u8() + b"\0" * 3
    else:
        body = struct.pack("!I", NX)
    return struct.pack("!H", kind) + g.sized(12 + 0, body + b"") + g.u32() + g.u32() + body


def meter_id(g):
    return struct.pack("!I", g.r.choice([1, 2, 77, 0xFFFF0000, 0xFFFFFFFD, 0xFFFFFFFE, 0xFFFFFFFF, g.num(32)]))


def meter_flags(g):
    return struct.pack("!H", g.flags(16, 1, 2, 4, 8))


def meter_mod(g, v):
    return struct.pack("!H", g.enum(16, 0, 1, 2)) + meter_flags(g) + meter_id(g) + g.some(3, lambda: band(g))


def meter_request(g, v):
    return meter_id(g) + b"\0" * 4


def meter_config(g, v):
    def one():
        bands = g.some(3, lambda: band(g))
        return g.sized(8, bands) + meter_flags(g) + meter_id(g) + bands
    return g.some(3, one)


def meter_stats(g, v):
    def one():
        bands = g.some(3, lambda: g.u64() + g.u64())
        return meter_id(g) + g.sized(40, bands) + b"\0" * 6 + g.u32() + g.u64() + g.u64() + g.u32() + struct.pack("!I", g.num(32) % 1000000000) + bands
    return g.some(3, one)


def meter_features(g, v):
    return g.u32() + struct.pack("!II", g.flags(32, 2, 4), g.flags(32, 1, 2, 4, 8)) + g.u8() + g.u8() + b"\0\0"


def requestforward(g, v):
    kind = g.enum(16, 15, 29) if v >= OF13 else 15
    if v == OF10:
        kind = 14
    body = {15: group_mod, 29: meter_mod, 14: flow_mod}.get(kind, flow_mod)(g, v)
    m = message(v, kind & 0xFF, body, g.num(32))
    return m + (b"x" * 8 if g.r.random() < 0.03 else b"")


def bundle_prop(g):
    return g.r.choice([g.vendor_prop, lambda: g.prop(1, g.bytes(28))])() if g.r.random() < 0.3 else b""


def bundle_control(g, v):
    return g.u32() + struct.pack("!HH", g.enum(16, 0, 1, 2, 3, 4, 5, 6, 7), g.flags(16, 1, 2)) + bundle_prop(g)


def bundle_add(g, v):
    inner = g.flow_message(v)
    if g.r.random() < 0.95:
        inner = inner[:4] + b"XID!" + inner[8:]  # the outer one's: see build()
    if g.r.random() < 0.03:
        inner = message(v + 1 if v < OF15 else 1, inner[1], inner[8:], 1)
    return g.u32() + b"\0\0" + struct.pack("!H", g.flags(16, 1, 2)) + pad8(inner) if g.r.random() < 0.1 else g.u32() + b"\0\0" + \
        struct.pack("!H", g.flags(16, 1, 2)) + inner


def desc(g, v):
    return g.text(256) + g.text(256) + g.text(256) + g.text(32) + g.text(256)


def flow_stats_request(g, v):
    if v == OF10:
        return g.match10() + g.u8() + b"\0" + struct.pack("!H", g.port16())
    return g.u8() + b"\0" * 3 + g.port(v) + struct.pack("!I", g.group()) + b"\0" * 4 + g.u64() + g.u64() + g.match(v)


def nx_flow_stats_request(g, v):
    t = g.tlvs(OF10)
    return struct.pack("!H", g.port16()) + g.sized(0, t) + g.u8() + b"\0" * 3 + pad8(t)


def flow_stats_reply(g, v):
    def one():
        nsec = struct.pack("!I", g.num(32) % 1000000000)
        if v == OF10:
            actions = g.actions(v)
            return g.sized(88, actions) + g.u8() + b"\0" + g.match10() + g.u32() + nsec + g.u16() + g.u16() + g.u16() + b"\0" * 6 + g.u64() + \
                g.u64() + g.u64() + actions
        rest = g.match(v) + (oxs(g) if v == OF15 else b"") + g.instructions(v)
        if v == OF15:
            return g.sized(24, rest) + b"\0\0" + g.u8() + b"\0" + g.u16() + g.u16() + g.u16() + flow_mod_flags(g, v) + g.u16() + g.u64() + rest
        return g.sized(48, rest) + g.u8() + b"\0" + g.u32() + nsec + g.u16() + g.u16() + g.u16() + flow_mod_flags(g, v) + \
            (g.u16() if v >= OF14 else b"\0\0") + b"\0\0" + g.u64() + g.u64() + g.u64() + rest
    return g.some(3, one)


def flow_counters_reply(g, v):
    def one():
        rest = g.match(v) + oxs(g)
        return g.sized(8, rest) + b"\0\0" + g.u8() + g.u8() + g.u16() + rest
    return g.some(3, one)


def nx_flow_stats_reply(g, v):
    def one():
        t, actions = g.tlvs(OF10), g.actions(v)
        rest = pad8(t) + actions
        return g.sized(48, rest) + g.u8() + b"\0" + g.u32() + struct.pack("!I", g.num(32) % 1000000000) + g.u16() + g.u16() + g.u16() + \
            struct.pack("!H", len(t)) + g.u16() + g.u16() + g.u64() + g.u64() + g.u64() + rest
    return g.some(3, one)


def aggregate_reply(g, v):
    if v == OF15:
        return oxs(g)
    return g.u64() + g.u64() + g.u32() + b"\0" * 4


def table_stats(g, v):
    last = []

    def one():
        if last and g.r.random() < 0.6:
            i, rest = last[-1]
            last.append((i + 1, rest))
            return struct.pack("!B", (i + 1) & 255) + rest
        name = g.r.choice([b"\0" * 32, g.text(32)])
        counts = g.u32() + g.u64() + g.u64()
        if v == OF10:
            rest = b"\0" * 3 + name + g.r.choice([struct.pack("!I", 0x3FFFFF), g.u32()]) + g.u32() + counts
        elif v == OF11:
            can = g.num(32)
            rest = b"\0" * 7 + name + struct.pack("!IIIII", g.num(32), g.num(32), g.num(32), can, can) + struct.pack("!I", g.enum(32, 0, 1, 2)) + g.u32() + counts
        elif v == OF12:
            rest = b"\0" * 7 + name + g.bytes(16) + g.bytes(8) + g.bytes(16) + g.u64() + g.u64() + g.bytes(4) + struct.pack("!I", g.enum(32, 0, 1, 2)) + \
                g.u32() + counts
        else:
            rest = b"\0" * 3 + counts
        last.append((g.num(8), rest))
        return struct.pack("!B", last[-1][0]) + rest
    n = g.r.randrange(6)
    return b"".join(one() for _ in range(n))


def table_features(g, v):
    """Runs of tables that are alike, for what is alike is folded."""
    r = g.r

    def props():
        # Class, number, size, whether it can have any mask.
        oxm_ids = [(0x8000, n, size, m) for n, size, m in ((0, 4, 0), (2, 8, 1), (3, 6, 1), (4, 6, 1), (5, 2, 0), (6, 2, 1), (7, 1, 0), (10, 1, 0),
                                                           (11, 4, 1), (13, 2, 1), (14, 2, 1))] + [(1, n, 4, 1) for n in range(4)] + [(0x8001, 0, 8, 1)]

        def fields(masked, of=oxm_ids):
            return b"".join(struct.pack("!HBB", c, n << 1 | m, s * (1 + m)) for c, n, s, can in of if r.random() < 0.5
                            for m in [masked and (can if r.random() < 0.99 else 1) and r.random() < 0.5])

        ids = lambda *choices: b"".join(struct.pack("!HH", c, 4) for c in choices if r.random() < 0.7)  # noqa: E731
        result = b""
        tables = bytes(sorted(r.sample(range(255), r.randrange(6)))) if r.random() < 0.5 else bytes(range(r.randrange(1, 200), 254))
        actions = (0, 11, 12, 17, 18, 19, 20, 21, 22, 23, 24, 25)
        for miss in (0, 1):
            if miss and r.random() < 0.4:
                continue
            result += g.prop(0 + miss, ids(1, 2, 3, 4, 5, 6)) if r.random() < 0.97 else b""
            result += g.prop(2 + miss, tables) if r.random() < 0.9 else b""
            result += g.prop(4 + miss, ids(*actions)) if r.random() < 0.95 else b""
            result += g.prop(6 + miss, ids(*actions)) if r.random() < 0.95 else b""
            f = fields(False)
            result += g.prop(12 + miss, f) + g.prop(14 + miss, f if r.random() < 0.5 else fields(False))
        f = fields(True)
        result += g.prop(8, f)
        have = [i for i in oxm_ids if struct.pack("!HB", i[0], i[1] << 1) in f or struct.pack("!HB", i[0], i[1] << 1 | 1) in f]
        result += g.prop(10, fields(False, have if r.random() < 0.9 else oxm_ids))
        if r.random() < 0.05:
            result += g.vendor_prop()
        return result

    result, i, p, head = b"", g.num(8) % 100, props(), None
    for _ in range(r.randrange(5)):
        if head is None or r.random() < 0.4:
            p = props() if r.random() < 0.7 else p
            head = g.r.choice([b"\0" * 32, g.text(32)]) + g.u64() + g.u64() + struct.pack("!I", g.flags(32, 4, 8) if v >= OF14 else g.enum(32, 0, 3)) + g.u32()
        result += g.sized(64, p) + struct.pack("!BB4x", i & 255, g.enum(8, 0, 0, 0, 1)) + head + p
        i += 1
    return result


def port_stats_request(g, v):
    return g.port(v) + (b"\0" * 6 if v == OF10 else b"\0" * 4)


def named_counters(g):
    """Intel's property: counters that say what they are."""
    names = [g.r.choice([b"rx_q0_good", b"x", b"ovs_tx_failure_drops", b"n" * g.r.randrange(1, 60)]) + b"\0" for _ in range(g.r.randrange(4))]
    return g.prop(0xFFFF, struct.pack("!IIHH", 0xAA01, 2, 0, len(names) if g.r.random() < 0.9 else g.num(8)) +
                  b"".join(bytes([len(n)]) + n + g.u64() for n in names))


def port_stats_reply(g, v):
    def one():
        counters = b"".join(g.u64() for _ in range(12))
        if v == OF10:
            return g.port(v) + b"\0" * 6 + counters
        duration = g.u32() + struct.pack("!I", g.num(32) % 1000000000)
        if v < OF14:
            return g.port(v) + b"\0" * 4 + counters + (duration if v == OF13 else b"")
        props = g.some(2, lambda: g.r.choice([
            lambda: g.prop(0, b"\0" * 4 + g.u64() + g.u64() + g.u64() + g.u64()),
            lambda: g.prop(1, b"\0" * 4 + g.bytes(40)),
            lambda: g.prop(0xFFFF, struct.pack("!III", 0xAA01, 1, 0) + b"".join(g.u64() for _ in range(21))),
            g.vendor_prop])())
        if g.r.random() < 0.3:
            props += named_counters(g)
        return g.sized(80, props) + b"\0\0" + g.port(v) + duration + counters[:64] + props
    return g.some(3, one)


def queue_stats_request(g, v):
    return g.port(v) + (b"\0\0" if v == OF10 else b"") + g.u32()


def queue_stats_reply(g, v):
    def one():
        counters = g.u64() + g.u64() + g.u64()
        duration = g.u32() + struct.pack("!I", g.num(32) % 1000000000)
        if v == OF10:
            return g.port(v) + b"\0\0" + g.u32() + counters
        if v < OF14:
            return g.port(v) + g.u32() + counters + (duration if v == OF13 else b"")
        props = g.some(1, g.vendor_prop)
        return g.sized(48, props) + b"\0" * 6 + g.port(v) + g.u32() + counters + duration + props
    return g.some(3, one)


def group_request(g, v):
    return struct.pack("!I", g.group()) + b"\0" * 4


def group_stats_reply(g, v):
    def one():
        buckets = g.some(3, lambda: g.u64() + g.u64())
        head = 40 if v >= OF13 or v == OF10 else 32
        return g.sized(head, buckets) + b"\0\0" + struct.pack("!I", g.group()) + g.u32() + b"\0" * 4 + g.u64() + g.u64() + \
            (g.u32() + struct.pack("!I", g.num(32) % 1000000000) if head == 40 else b"") + buckets
    return g.some(3, one)


def group_desc_reply(g, v):
    def one():
        buckets = g.some(3, lambda: bucket(g, v))
        if v == OF15 or v == OF10:
            props = group_props(g)
            return g.sized(16, buckets + props) + struct.pack("!Bx", g.enum(8, 0, 1, 2, 3)) + struct.pack("!I", g.group()) + g.sized(0, buckets) + \
                b"\0" * 6 + buckets + props
        return g.sized(8, buckets) + struct.pack("!Bx", g.enum(8, 0, 1, 2, 3)) + struct.pack("!I", g.group()) + buckets
    return g.some(3, one)


def group_features(g, v):
    return struct.pack("!II", g.flags(32, 1, 2, 4, 8), g.flags(32, 1, 2, 4, 8)) + b"".join(g.u32() for _ in range(4)) + \
        b"".join(struct.pack("!I", g.flags(32, *[1 << i for i in range(28)])) for _ in range(4))


def port_desc_request(g, v):
    return g.port(v) + b"\0" * 4 if v == OF15 else b""


def port_desc_reply(g, v):
    return g.some(4, lambda: phy_port(g, v))


def nx_flow_monitor_request(g, v):
    def one():
        t = g.tlvs(OF10)
        return g.u32() + struct.pack("!H", g.flags(16, 1, 2, 4, 8, 16, 32)) + struct.pack("!H", g.port16()) + g.sized(0, t) + g.u8() + b"\0" * 5 + pad8(t)
    return g.some(2, one)


def flow_monitor_request(g, v):
    def one():
        return g.u32() + g.port(v) + struct.pack("!I", g.group()) + struct.pack("!H", g.flags(16, 1, 2, 4, 8, 16, 32)) + g.u8() + \
            struct.pack("!B", g.enum(8, 0, 1, 2)) + g.match(v)
    return g.some(2, one)


def onf_flow_monitor_request(g, v):
    def one():
        m = g.match(v)
        return g.u32() + struct.pack("!H", g.flags(16, 1, 2, 4, 8, 16, 32)) + g.sized(0, m) + g.port(v) + g.u8() + b"\0" * 3 + m
    return g.some(2, one)


def nx_flow_updates(g, v):
    def one():
        event = g.enum(16, 0, 1, 2, 3)
        if event == 3:
            return struct.pack("!HH", 8, 3) + g.u32()
        t, actions = g.tlvs(OF10), g.actions(v)
        rest = pad8(t) + actions
        return g.sized(24, rest) + struct.pack("!H", event) + struct.pack("!H", g.enum(16, 0, 1, 2, 3, 4, 5)) + g.u16() + g.u16() + g.u16() + \
            struct.pack("!H", len(t)) + g.u8() + b"\0" + g.u64() + rest
    return g.some(3, one)


def flow_updates(g, v):
    def one():
        event = g.enum(16, 0, 1, 2, 3, 4, 5, 6)
        if event == 4:
            return struct.pack("!HH", 8, 4) + g.u32()
        if event in (5, 6):
            return struct.pack("!HH4x", 8, event)
        rest = g.match(v) + g.instructions(v)
        return g.sized(24, rest) + struct.pack("!H", event) + g.u8() + struct.pack("!B", g.enum(8, 0, 1, 2, 3, 4, 5)) + g.u16() + g.u16() + g.u16() + \
            b"\0" * 4 + g.u64() + rest
    return g.some(3, one)


def onf_flow_updates(g, v):
    def one():
        event = g.enum(16, 0, 1, 2, 3)
        if event == 3:
            return struct.pack("!HH", 8, 3) + g.u32()
        m = g.match(v)
        rest = m + g.instructions(v)
        return g.sized(24, rest) + struct.pack("!H", event) + struct.pack("!H", g.enum(16, 0, 1, 2, 3, 4, 5)) + g.u16() + g.u16() + g.u16() + \
            struct.pack("!H", len(m)) + g.u8() + b"\0" + g.u64() + rest
    return g.some(3, one)


def tlv_map(g):
    return struct.pack("!HBBH2x", g.num(16), g.num(8), g.enum(8, 4, 8, 16, 124), g.enum(16, 0, 1, 63))


def tlv_table_mod(g, v):
    return struct.pack("!H6x", g.enum(16, 0, 1, 2)) + g.some(3, lambda: tlv_map(g))


def tlv_table_reply(g, v):
    return g.u32() + g.u16() + b"\0" * 10 + g.some(3, lambda: tlv_map(g))


def packet_in2(g, v):
    frame = g.frame()
    props = [g.prop(0, frame)] if g.r.random() < 0.9 else []
    for kind, body in ((1, g.u32()), (2, g.u32()), (3, g.u8()), (4, b"\0" * 4 + g.u64()), (5, struct.pack("!B", g.enum(8, 0, 1, 2, 3, 4, 5))), (6, g.tlvs(OF13)),
                       (7, g.bytes(g.r.randrange(12)))):
        if g.r.random() < 0.5:
            props.append(g.prop(kind, body))
    if g.r.random() < 0.03:
        props.append(g.prop(g.r.choice([8, 0x8000, 0x7FFF, 0xFFFF]), g.bytes(8)))
    if g.r.random() < 0.1:
        props.append(continuation(g, v))
    return b"".join(props)


def nx_packet_in(g, v):
    t, frame = g.tlvs(OF10), g.frame()
    return g.r.choice([b"\xff" * 4, g.u32()]) + g.r.choice([struct.pack("!H", len(frame)), g.u16()]) + \
        struct.pack("!BB", g.enum(8, 0, 1, 2), g.num(8)) + g.u64() + g.sized(0, t) + b"\0" * 6 + pad8(t) + b"\0\0" + frame


def continuation(g, v):
    def part():
        return g.r.choice([
            lambda: g.prop(0x8000, g.bytes(16)), lambda: g.prop(0x8001, g.bytes(g.r.choice([0, 1, 2, 4, 8, 12, 16, 20, 124]))),
            lambda: g.prop(0x8001, b"\0" * g.r.randrange(1, 16)), lambda: g.prop(0x8002, g.u32()), lambda: g.prop(0x8003, b""),
            lambda: g.prop(0x8004, g.u8()), lambda: g.prop(0x8005, b"\0" * 4 + g.u64()), lambda: g.prop(0x8006, b"\0" * 4 + g.actions(v)),
            lambda: g.prop(0x8007, b"\0" * 4 + g.actions(v, 1)), lambda: g.prop(0x8008, g.u32())])()
    return g.prop(8, b"\0" * 4 + g.some(6, part))


def resume(g, v):
    return packet_in2(g, v) + (continuation(g, v) if g.r.random() < 0.7 else b"")


def ct_tuple(g):
    r = g.r
    t = b""
    if r.random() < 0.7:
        t += g.prop(0, (b"\0" * 10 + b"\xff\xff" + g.bytes(4)) if r.random() < 0.7 else g.bytes(16))
    if r.random() < 0.7:
        t += g.prop(1, (b"\0" * 10 + b"\xff\xff" + g.bytes(4)) if r.random() < 0.7 else g.bytes(16))
    icmp = r.random() < 0.3
    if icmp:
        for k, size in ((4, 2), (5, 1), (6, 1)):
            t += g.prop(k, g.bytes(size)) if r.random() < 0.7 else b""
    else:
        for k in (2, 3):
            t += g.prop(k, g.u16()) if r.random() < 0.7 else b""
    return t


def ct_flush(g, v):
    props = b""
    for k in (0, 1):
        if g.r.random() < 0.6:
            props += g.prop(k, b"\0" * 4 + ct_tuple(g))
    if g.r.random() < 0.5:
        props += g.prop(2, g.u16())
    return struct.pack("!B7x", g.enum(8, 1, 6, 17, 58, 132, 0)) + props


def ct_flush_zone(g, v):
    return g.bytes(6) * 0 + b"\0" * 6 + g.u16() if g.r.random() < 0.95 else g.bytes(8)


def ipfix_bridge(g, v):
    return b"".join(g.u64() for _ in range(9)) + b"".join(g.u32() for _ in range(4))


def ipfix_flow(g, v):
    return g.some(3, lambda: ipfix_bridge(g, v))


# Name, versions, wire kind ("std", or which multipart or vendor message), wire number in 1.0, later, body.
ROWS = [
    ("std", ALL, 0, 0, hello), ("std", ALL, 1, 1, error), ("std", ALL, 2, 2, echo), ("std", ALL, 3, 3, echo), ("std", ALL, 5, 5, empty),
    ("std", ALL, 6, 6, features_reply), ("std", ALL, 7, 7, empty), ("std", ALL, 8, 8, config), ("std", ALL, 9, 9, config),
    ("std", ALL, 10, 10, packet_in), ("std", ALL, 11, 11, flow_removed), ("std", ALL, 12, 12, port_status), ("std", ALL, 13, 13, packet_out),
    ("std", ALL, 14, 14, flow_mod), ("std", since(OF11), 0, 15, group_mod), ("std", ALL, 15, 16, port_mod), ("std", since(OF11), 0, 17, table_mod),
    ("std", ALL, 18, 20, empty), ("std", ALL, 19, 21, empty), ("std", range(OF10, OF14), 20, 22, queue_get_config_request),
    ("std", range(OF10, OF14), 21, 23, queue_get_config_reply), ("std", since(OF12), 0, 24, role), ("std", since(OF12), 0, 25, role),
    ("std", since(OF13), 0, 26, empty), ("std", range(OF13, OF14), 0, 27, async13), ("std", range(OF13, OF14), 0, 28, async13),
    ("std", since(OF14), 0, 27, async14), ("std", since(OF14), 0, 28, async14), ("std", since(OF13), 0, 29, meter_mod),
    ("std", since(OF14), 0, 30, role_status), ("std", since(OF14), 0, 31, table_status), ("std", since(OF14), 0, 32, requestforward),
    ("std", since(OF14), 0, 33, bundle_control), ("std", since(OF14), 0, 34, bundle_add),

    ("req", ALL, 0, 0, empty), ("rep", ALL, 0, 0, desc), ("req", ALL, 1, 1, flow_stats_request), ("rep", ALL, 1, 1, flow_stats_reply),
    ("req", ALL, 2, 2, flow_stats_request), ("rep", ALL, 2, 2, aggregate_reply), ("req", ALL, 3, 3, empty), ("rep", ALL, 3, 3, table_stats),
    ("req", ALL, 4, 4, port_stats_request), ("rep", ALL, 4, 4, port_stats_reply), ("req", ALL, 5, 5, queue_stats_request),
    ("rep", ALL, 5, 5, queue_stats_reply), ("req", since(OF11), 0, 6, group_request), ("rep", since(OF11), 0, 6, group_stats_reply),
    ("req", range(OF11, OF15), 0, 7, empty), ("req", since(OF15), 0, 7, group_request), ("rep", since(OF11), 0, 7, group_desc_reply),
    ("req", since(OF12), 0, 8, empty), ("rep", since(OF12), 0, 8, group_features), ("req", since(OF13), 0, 9, meter_request),
    ("rep", since(OF13), 0, 9, meter_stats), ("req", since(OF13), 0, 10, meter_request), ("rep", since(OF13), 0, 10, meter_config),
    ("req", since(OF13), 0, 11, empty), ("rep", since(OF13), 0, 11, meter_features), ("req", since(OF13), 0, 12, table_features),
    ("rep", since(OF13), 0, 12, table_features), ("req", ALL, 13, 13, port_desc_request), ("rep", ALL, 13, 13, port_desc_reply),
    ("req", since(OF14), 0, 14, empty), ("rep", since(OF14), 0, 14, table_desc), ("req", since(OF14), 0, 15, queue_get_config_request),
    ("rep", since(OF14), 0, 15, queue_desc_reply), ("req", since(OF14), 0, 16, flow_monitor_request), ("rep", since(OF14), 0, 16, flow_updates),
    ("req", since(OF15), 0, 17, flow_stats_request), ("rep", since(OF15), 0, 17, flow_counters_reply),

    ("nxreq", range(OF10, OF11), 0, 0, nx_flow_stats_request), ("nxrep", range(OF10, OF11), 0, 0, nx_flow_stats_reply),
    ("nxreq", range(OF10, OF11), 1, 1, nx_flow_stats_request), ("nxrep", range(OF10, OF11), 1, 1, aggregate_reply),
    ("nxreq", range(OF10, OF13), 2, 2, nx_flow_monitor_request), ("nxrep", range(OF10, OF13), 2, 2, nx_flow_updates),
    ("nxreq", ALL, 3, 3, empty), ("nxrep", ALL, 3, 3, ipfix_bridge), ("nxreq", ALL, 4, 4, empty), ("nxrep", ALL, 4, 4, ipfix_flow),
    ("nxreq", range(OF10, OF11), 7, 7, group_request), ("nxrep", range(OF10, OF11), 7, 7, group_stats_reply),
    ("nxreq", range(OF10, OF11), 8, 8, group_request), ("nxrep", range(OF10, OF11), 8, 8, group_desc_reply),
    ("nxreq", range(OF10, OF12), 9, 9, empty), ("nxrep", range(OF10, OF12), 9, 9, group_features),
    ("onfreq", range(OF13, OF14), 1870, 1870, onf_flow_monitor_request), ("onfrep", range(OF13, OF14), 1870, 1870, onf_flow_updates),

    ("nx", ALL, 10, 10, nx_role), ("nx", ALL, 11, 11, nx_role), ("nx", ALL, 12, 12, lambda g, v: struct.pack("!I", g.enum(32, 0, 2))),
    ("nx", ALL, 13, 13, nx_flow_mod), ("nx", ALL, 14, 14, nx_flow_removed), ("nx", ALL, 15, 15, lambda g, v: g.u8() + b"\0" * 7),
    ("nx", ALL, 16, 16, lambda g, v: struct.pack("!I", g.enum(32, 0, 1, 2))), ("nx", ALL, 17, 17, nx_packet_in), ("nx", ALL, 18, 18, empty),
    ("nx", ALL, 19, 19, async13), ("nx", ALL, 20, 20, lambda g, v: g.r.choice([b"\0" * 6 + g.u16(), g.bytes(8)])),
    ("nx", range(OF10, OF13), 21, 21, lambda g, v: g.u32()), ("nx", range(OF10, OF13), 22, 22, empty), ("nx", range(OF10, OF13), 23, 23, empty),
    ("nx", ALL, 24, 24, tlv_table_mod), ("nx", ALL, 25, 25, empty), ("nx", ALL, 26, 26, tlv_table_reply), ("nx", range(OF10, OF14), 27, 27, async14),
    ("nx", ALL, 28, 28, resume), ("nx", ALL, 29, 29, ct_flush_zone), ("nx", ALL, 30, 30, packet_in2), ("nx", range(OF10, OF11), 31, 31, group_mod),
    ("nx", ALL, 32, 32, ct_flush), ("nx", range(OF10, OF13), 132, 132, requestforward),
    ("onf", range(OF13, OF14), 1911, 1911, role_status), ("onf", range(OF13, OF14), 2350, 2350, requestforward),
    ("onf", range(OF13, OF14), 2300, 2300, bundle_control), ("onf", range(OF13, OF14), 2301, 2301, bundle_add),
    ("onf", range(OF13, OF14), 1870, 1870, lambda g, v: g.u32()), ("onf", range(OF13, OF14), 1871, 1871, empty),
    ("onf", range(OF13, OF14), 1872, 1872, empty),
]
CASES = [(row, v) for row in ROWS for v in row[1]]


def build(g, row, v):
    kind, _, wire10, wire, body = row
    number = wire10 if v == OF10 else wire
    xid = g.xid()
    b = body(g, v).replace(b"XID!", struct.pack("!I", xid))
    if kind == "std":
        return message(v, number, b, xid)
    vendor = ONF if kind.startswith("onf") else NX
    if kind in ("nx", "onf"):
        return message(v, 4, struct.pack("!II", vendor, number) + b, xid)
    reply = kind.endswith("rep")
    flags = g.flags(16, 1) if g.r.random() < 0.1 else 0
    if kind in ("req", "rep"):
        head = struct.pack("!HH", number, flags)
        if v != OF10:
            head += b"\0" * 4
    else:
        head = struct.pack("!HH", 0xFFFF, flags)
        head += struct.pack("!II4x", vendor, number) if v == OF10 else struct.pack("!4xII", vendor, number)
    return message(v, (16 if v == OF10 else 18) + reply, head + b, xid)


def mutate(g, m):
    """Nearly the message: a byte or a number changed, cut or grown, with the length in the header right."""
    r = g.r
    b = bytearray(m)
    for _ in range(r.choice([1, 1, 2, 3])):
        kind = r.randrange(5)
        at = r.randrange(8, len(b)) if len(b) > 8 else 8
        if kind == 0 and len(b) > 8:
            b[at] = r.choice([0, 1, 0xFF, b[at] ^ (1 << r.randrange(8)), r.randrange(256)])
        elif kind == 1 and len(b) >= at + 2:
            b[at:at + 2] = struct.pack("!H", g.num(16))
        elif kind == 2 and len(b) > 8:
            del b[len(b) - r.choice([1, 4, 8]):]
        elif kind == 3:
            b += bytes(r.choice([1, 4, 8, 8, 8]))
        elif kind == 4 and len(b) > 16:
            at &= ~7
            b[at:at] = b[at:at + 8]
    if len(b) < 8:
        b = bytearray(m[:8])
    b[2:4] = struct.pack("!H", len(b))
    return bytes(b)
