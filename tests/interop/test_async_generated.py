# SPDX-License-Identifier: Apache-2.0
"""Generated sequences of events with two or three connections of each version, role, and wish for asynchronous messages: who of them is
sent what, by both switches. ASYNC sets how many sequences, ASYNC_SEED which."""
import os
import random
import socket
import struct
import subprocess

import pytest

import harness
from harness import ours, stock
from of_messages import NX, ONF, pad8
from test_trace_differential import Side

N = int(os.environ.get("ASYNC", "200"))
SEED = int(os.environ.get("ASYNC_SEED", "1"))
OF10, OF11, OF12, OF13, OF14, OF15 = range(1, 7)
VERSIONS = ["OpenFlow1%d" % i for i in range(6)]
ERROR, ECHO_REQUEST, ECHO_REPLY, FLOW_REMOVED = 1, 2, 3, 11
NONE32, MARK, MARKER_ID = 0xFFFFFFFF, 0xFE, 999
CONTROLLER = 0xFFFFFFFD

# What packets bring about is set up once: by the source address, all that sends a packet to a controller, for all reasons.
STATIC = [
    "controller", "controller(max_len=20)", "controller(max_len=0)", "controller(id=1)", "controller(id=2,max_len=30)", "controller(reason=no_match)",
    "controller(reason=invalid_ttl)", "controller(reason=invalid_ttl,id=1)", "controller(userdata=01.02.03.04.05)", "controller(userdata=01,id=1,reason=no_match)",
    "dec_ttl", "dec_ttl(1,2)", "dec_ttl,controller", "group:50", "group:51", "write_actions(controller)", "write_actions(controller(max_len=30))",
    "set_field:7->reg0,set_field:9->metadata,controller", "resubmit(,2),controller(id=1)", "goto_table:2", "goto_table:3", "write_actions(group:50)",
    "controller,controller(id=1),controller(id=2)", "set_field:5->pkt_mark,set_field:10.0.0.9->tun_src,controller", "mod_vlan_vid:5,controller",
    "resubmit(,4)", "goto_table:9", "resubmit(,9)", "clone(controller)", "set_field:10.0.0.8->tun_dst,set_field:6->tun_id,controller", "controller(meter_id=1)",
]
SETUP = [f"table=0,priority=100,cookie=0x{0x100 + i:x}{',ip' * ('dec_ttl' in a)},dl_src=00:00:00:00:01:{i:02x},actions={a}" for i, a in enumerate(STATIC)] + [
    f"table=0,priority=65535,dl_type=0x9999,actions=controller(id={MARKER_ID})", "table=2,priority=0,actions=controller",
    "table=3,priority=0,actions=controller:40",
]
GROUPS = ["group_id=50,type=all,bucket=controller,bucket=controller(id=1,max_len=18)", "group_id=51,type=indirect,bucket=dec_ttl,output:controller"]


def msg(v, kind, body=b"", xid=0):
    return struct.pack("!BBHI", v, kind, 8 + len(body), xid) + body


def nx(v, subtype, body=b"", vendor=NX):
    return msg(v, 4, struct.pack("!II", vendor, subtype) + body, 0x77)


# --- Connections.

class Connection:
    """One that a listener accepts, or that the switch makes to us."""

    def __init__(self, s, version):
        self.version, self.data, self.socket, self.got, self.serial, self.gone = version, b"", s, [], 0, False
        s.settimeout(20)
        s.sendall(msg(version, 0))
        while not self.got:
            self.read()
        assert self.got.pop(0)[1] == 0

    def send(self, message):
        try:
            self.socket.sendall(message)
        except OSError:
            self.gone = True

    def read(self):
        more = self.socket.recv(1 << 16)
        if not more:
            raise ConnectionResetError
        self.data += more
        while len(self.data) >= 8:
            n = struct.unpack("!H", self.data[2:4])[0]
            if len(self.data) < n:
                break
            m, self.data = self.data[:n], self.data[n:]
            if m[1] == ECHO_REPLY:
                self.serial = struct.unpack("!I", m[4:8])[0]
            elif m[1] != ECHO_REQUEST:
                self.got.append(m)

    def ask(self, serial):
        self.send(msg(self.version, ECHO_REQUEST, b"", serial))

    def answered(self, serial):
        try:
            while self.serial != serial:
                self.read()
        except ConnectionResetError:
            self.gone = True

    def taken(self):
        """What it was sent, with nothing at the end where it was hung up."""
        got, self.got = self.got, []
        return got + [b"\0\0 hung up"] * self.gone


def marker_flow(serial, command):
    match = pad8(struct.pack("!HH", 1, 4))
    return msg(OF14, 14, struct.pack("!QQBBHHHIIIHH", serial, 0, MARK - 1, command, 0, 0, 1, NONE32, NONE32, NONE32, 1, 0) + match)


def marker_of(m):
    """The serial number in the removal of a marker flow, of whatever version; None: it is another message."""
    if m[1] == FLOW_REMOVED:
        at, table = {1: (48, 8 + 40 + 8 + 2 + 1), 6: (16, 8)}.get(m[0], (8, 19))
        if m[0] == OF10 or m[table] == MARK - 1:
            serial = struct.unpack("!Q", m[at:at + 8])[0]
            return serial if serial >> 32 == 0xFFFF else None
    if m[1] == 4 and m[8:16] == struct.pack("!II", NX, 14):  # NXT_FLOW_REMOVED
        serial = struct.unpack("!Q", m[16:24])[0]
        return serial if serial >> 32 == 0xFFFF else None
    return None


class Bench:
    """A switch with an observer: its own connection tells when all that is to come has come."""

    def __init__(self, tools, net):
        self.side = Side(tools, net)
        self.dir = self.side.switch.dir
        s = self.side.switch
        s.vsctl("set", "bridge", "br0", "protocols=" + ",".join(VERSIONS))
        # Whoever gets his first controller loses his flows: before they are there.
        s.vsctl("set-controller", "br0", f"unix:{self.dir}/controller", "--", "set", "controller", "br0", "max_backoff=1000", "inactivity_probe=0")
        s.ofctl("-O", "OpenFlow13", "del-groups", "br0")
        for g in GROUPS:
            s.ofctl("-O", "OpenFlow13", "add-group", "br0", g)
        for f in SETUP:
            s.ofctl("-O", "OpenFlow13", "add-flow", "br0", f)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(f"{self.dir}/controller")
        self.listener.listen(1)
        self.side.channel.call("time/stop")
        self.observer = self.connect(OF14)
        self.observer.send(nx(OF14, 20, struct.pack("!6xH", MARKER_ID)))
        self.observer.send(msg(OF14, 9, struct.pack("!HH", 0, 128)))
        self.observer.send(msg(OF14, 18, struct.pack("!HH4x", 13, 0), 5))
        self.observer.ask(1)
        self.observer.answered(1)
        self.macs, desc = {}, self.observer.taken()[0][16:]
        while desc:
            port, n = struct.unpack("!IH", desc[:6])
            self.macs[port] = desc[8:14]
            desc = desc[n:]

    def connect(self, version):
        s = socket.socket(socket.AF_UNIX)
        s.connect(f"{self.dir}/br0.mgmt")
        return Connection(s, version)

    def be_called(self, version):
        """The switch connects, if time passes."""
        self.listener.settimeout(0.05)
        for _ in range(200):
            try:
                s, _ = self.listener.accept()
                return Connection(s, version)
            except socket.timeout:
                self.side.channel.call("time/warp", "1000")
            except OSError:  # it has given up on that one meanwhile
                pass
        raise AssertionError("the switch does not connect")

    def begin_fence(self, serial):
        self.observer.send(msg(OF14, 20))
        self.observer.send(marker_flow(0xFFFF << 32 | serial, 0))
        self.observer.send(marker_flow(0xFFFF << 32 | serial, 3))
        self.side.channel.call("netdev-dummy/receive", "p4", (b"\0" * 10 + struct.pack("!HH", serial & 0xFFFF, 0x9999) + bytes(50)).hex())

    def end_fence(self, serial, connections):
        flow = packet = False
        while not (flow and packet):
            if not self.observer.got:
                self.observer.read()
            for m in self.observer.taken():
                flow |= marker_of(m) == 0xFFFF << 32 | serial
                packet |= m[1] == 10 and struct.pack("!HH", serial & 0xFFFF, 0x9999) in m
        for c in connections:
            c.ask(serial)
        for c in connections:
            c.answered(serial)


# --- What is compared.

def is_nx_flow_removed(m):
    return m[1] == 4 and m[8:16] == b"\0\0\x23\x20\0\0\0\x0e"


def canonical(m, macs):
    """Without what is each switch's own: addresses; the state of links, which stock tells of in a second message."""
    if m[1] == ERROR and (b"\0\0\0\x88" in m or m[8:10] == b"\0\x10" or m[8:16] == b"\xff\xff\0\1\0\0\x23\x20" or m[:1] == b"\1" and b"\0\0\x23\x20\0\1\2" in m):
        return b"\0\0 flow monitor refused"  # see docs/differences.md
    if m[:2] == b"\6\x1b":  # what else 1.5 has is not stock's
        return m[:2] + b"\0\x68" + m[4:104]
    if m[1] == FLOW_REMOVED:  # seconds that pass one after the other, too fast for each to be seen
        if m[0] == OF15:
            at = m.index(b"\x80\x02\0\x08") + 4
        else:
            at = 60 if m[0] == OF10 else 20
        m = m[:at] + bytes(8) + m[at + 8:]
    if is_nx_flow_removed(m):
        m = m[:28] + bytes(8) + m[36:]
    if m[1] in (ERROR, 12, 19):
        for port, mac in macs.items():
            m = m.replace(mac, b"MAC%03d" % (port & 0xFF))
    if m[1] == 12:
        at = 44 if m[0] == OF10 else 52
        name = m[24:40] if m[0] == OF10 else m[32:48]
        if name.startswith(b"p9"):
            m = m.replace(m[18:24] if m[0] == OF10 else m[24:30], b"MAC009")
        m = m[:at] + b"\0\0\0\0" + m[at + 4:]
    return m


def updates(m):
    """The entries of a flow monitor's news, in whatever messages they come and in no order; None: it is another message."""
    if m[1] == 17 and m[0] == OF10 and m[8:10] == b"\xff\xff" and m[16:20] == b"\0\0\0\2":
        at = 24
    elif m[1] == 19 and m[8:10] == b"\0\x10":
        at = 16
    elif m[1] == 19 and m[8:10] == b"\xff\xff" and m[20:24] == b"\0\0\0\2":
        at = 24
    else:
        return None
    found, rest = [m[:2] + m[4:8]], m[at:]
    while rest:
        n = struct.unpack("!H", rest[:2])[0]
        found.append(b"\0\0" + rest[:n])
        rest = rest[n:]
    return found


def canonical_all(messages, macs):
    ordered, removed, told = [], [], set()
    for m in messages:
        # Of new ports stock says in a second message that they are live.
        if marker_of(m) is not None or m[1] == 12 and m[8] == 2 and b"p9\0" in m:
            continue
        if updates(m):
            told.update(updates(m))
            continue
        m = canonical(m, macs)
        if m[1] == FLOW_REMOVED or is_nx_flow_removed(m):
            removed.append(m)
        elif not (m[1] == 12 and ordered and ordered[-1][1] == 12 and m[16:] == ordered[-1][16:] and m[8] == 2):
            ordered.append(m)
    return ordered + sorted(removed) + sorted(told)


# --- The generator: each function gives a list of (connection number, message) or what else to do.

class Gen:
    def __init__(self, seed):
        self.r = random.Random(seed)

    def mask(self, bits=8):
        r = self.r
        return r.choice([0, (1 << 3) - 1, (1 << 6) - 1, r.getrandbits(3), r.getrandbits(6), r.getrandbits(6)] + [r.getrandbits(bits)] * (r.random() < 0.1))

    def set_async(self, v):
        r = self.r
        form = r.choice(["nx", "nx2", "std"])
        if form == "nx" or form == "std" and v < OF13:
            return nx(v, 19, struct.pack("!6I", *(self.mask() for _ in range(6))))
        if form == "std" and v == OF13:
            return msg(v, 28, struct.pack("!6I", *(self.mask() for _ in range(6))), 0x78)
        kinds = r.sample(range(12), r.randrange(1, 12)) + [r.randrange(12, 14)] * (v < OF15 and r.random() < 0.03)
        # Stock knows table status by the bits 3 and 4, and requestforward by 0 and 1.
        known = {0: 63, 1: 63, 2: 7, 3: 7, 4: 63, 5: 63, 6: 7, 7: 7, 8: 24, 9: 24, 10: 3, 11: 3}
        props = b"".join(struct.pack("!HHI", k, 8, self.mask(32) if r.random() < 0.03 else r.choice([r.getrandbits(32), NONE32]) & known.get(k, 0)
                                     & (7 if v < OF14 and k < 2 else NONE32)) for k in kinds)
        return nx(v, 27, props) if v < OF14 else msg(v, 28, props, 0x79)

    def role(self, v):
        r = self.r
        role = r.choice([0, 1, 2, 2, 3, 3])
        generation = r.choice([0, 1, 2, 5, (1 << 63) - 1, 1 << 63, (1 << 63) + 1, (1 << 64) - 1, (1 << 64) - 2, r.getrandbits(64)])
        if v < OF12 or r.random() < 0.25:
            return nx(v, 10, struct.pack("!I", r.choice([0, 1, 1, 2, 2, 3])))
        return msg(v, 24, struct.pack("!I4xQ", role if r.random() > 0.02 else 4, generation), 0x7A)

    def set_config(self, v):
        r = self.r
        return msg(v, 9, struct.pack("!HH", r.choice([0, 4] if v < OF13 else [0]), r.choice([0, 20, 64, 128, 0xFFE5, 0xFFFF])))

    def packet_in_format(self, v):
        return nx(v, 16, struct.pack("!I", self.r.choice([0, 1, 2, 3] if self.r.random() < 0.1 else [0, 1, 2])))

    def controller_id(self, v):
        return nx(v, 20, struct.pack("!6xH", self.r.choice([0, 1, 1, 2])))

    def flow_format(self, v):
        return nx(v, 12, struct.pack("!I", self.r.choice([0, 2]))) if v == OF10 else b""

    def get_config(self, v):
        return msg(v, 7, b"", 0x7B)

    def get_async(self, v):
        return msg(v, 26, b"", 0x7C) if v >= OF13 else b""

    def wishes(self, v):
        r = self.r
        steps = [self.set_config] * 6 + [self.set_async] * 8 + [self.role] * 6 + [self.packet_in_format] * 3 + [self.controller_id] * 2 + \
            [self.flow_format, self.get_config, self.get_async]
        return [m for m in (r.choice(steps)(v) for _ in range(r.randrange(1, 6))) if m]

    # --- What connections do to the switch.

    def flow_mod(self, v, command=None):
        r = self.r
        command = r.choice([0, 0, 0, 0, 1, 3, 3, 4]) if command is None else command
        cookie, kind, priority = r.randrange(1, 9), r.choice([0x800, 0x806, 0x86DD]), r.choice([1, 2])
        flags, idle, hard = r.choice([1, 1, 1, 0]), r.choice([0, 0, 5]), r.choice([0, 0, 3])
        out = r.choice([1, 2, 3]) if command >= 3 and r.random() < 0.3 else NONE32
        if v == OF10:
            # Of table 0 alone: with a VLAN that no packet has.
            match = struct.pack("!IH6s6sHBxHBB2xIIHH", 0x3FFFFF & ~0x12, 0, b"", b"", 77, 0, kind, 0, 0, 0, 0, 0, 0)
            action = struct.pack("!HHHH", 0, 8, r.randrange(1, 4), 0) if command < 3 else b""
            return msg(v, 14, match + struct.pack("!QHHHHIHH", cookie, command, idle, hard, priority, NONE32, out & 0xFFFF, flags) + action, 0x80)
        if v == OF11:
            return b""
        match = pad8(struct.pack("!HHHBBH", 1, 10, 0x8000, 5 << 1, 2, kind))
        if command == 3 and r.random() < 0.5:
            match = pad8(struct.pack("!HH", 1, 4))
        action = struct.pack("!HHIH6x", 0, 16, r.randrange(1, 4), 0)
        if r.random() < 0.15:
            action = struct.pack("!HHI", 22, 8, r.choice([60, 61]))
        instructions = struct.pack("!HH4x", 4, 8 + len(action)) + action if command < 3 else b""
        if v >= OF13 and v < OF15 and command < 3 and r.random() < 0.1:
            instructions = struct.pack("!HHI", 6, 8, 5) + instructions
        group = 60 if command >= 3 and r.random() < 0.1 else NONE32
        return msg(v, 14, struct.pack("!QQBBHHHIIIHH", cookie, 0, r.choice([5, 5, 6]), command, idle, hard, priority, NONE32, out, group, flags,
                                      r.randrange(3) if v >= OF14 else 0) + match + instructions, 0x81)

    def group_mod(self, v, command=None):
        r = self.r
        command = r.choice([0, 0, 1, 2]) if command is None else command
        group, kind, port = r.choice([60, 61]), r.choice([0, 2]), r.randrange(1, 4)
        if v == OF10:
            return b""
        action = struct.pack("!HHIH6x", 0, 16, port, 0)
        if v == OF15:
            bucket = struct.pack("!HHI", 8 + len(action), len(action), 1) + action if command < 2 else b""
            return msg(v, 15, struct.pack("!HBxIHxxI", command, kind, group, len(bucket), NONE32) + bucket, 0x82)
        bucket = struct.pack("!HHII4x", 16 + len(action), 0, NONE32, NONE32) + action if command < 2 else b""
        return msg(v, 15, struct.pack("!HBxI", command, kind, group) + bucket, 0x82)

    def meter_mod(self, v, command=None):
        r = self.r
        if v < OF13:
            return b""
        command = r.choice([0, 0, 1, 2])
        rate = r.randrange(100, 200)
        # Without a burst size stock puts the rate there, also in what it forwards.
        bands = struct.pack("!HHII4x", 1, 16, rate, rate) if command < 2 else b""
        return msg(v, 29, struct.pack("!HHI", command, 1, 5) + bands, 0x83)

    def table_mod(self, v):
        r = self.r
        if v < OF14:
            return msg(v, 17, struct.pack("!B3xI", 7, r.choice([0, 1, 2])), 0x84) if v > OF10 else b""
        flags = r.choice([0, 4, 8, 12])
        props = struct.pack("!HHBBBx", 3, 8, r.choice([10, 20]), r.choice([30, 80]), 0) if flags & 8 else b""
        return msg(v, 17, struct.pack("!B3xI", 5, flags) + props, 0x84)

    def port_mod(self, v):
        """The address is the switch's: it comes later."""
        r = self.r
        port = r.choice([1, 2, 3])
        config, mask = r.choice([(1, 1), (0, 1), (0, 1), (64, 64), (0, 64), (4, 4), (0, 4), (0x25, 0x25), (0, 0x65)])
        if port != 3:  # no packets come in there: stock's dummy ports receive also while they are down, and tell
            # controllers of what no flow matches also with NO_PACKET_IN
            config, mask = config & ~0x41, mask & ~0x41
        if v == OF10:
            body = lambda mac: struct.pack("!H6sIII4x", port, mac, config, mask, 0)  # noqa: E731
        elif v < OF14:
            body = lambda mac: struct.pack("!I4x6s2xIII4x", port, mac, config, mask, 0)  # noqa: E731
        else:
            body = lambda mac: struct.pack("!I4x6s2xIIHHI", port, mac, config, mask, 0, 8, 0)  # noqa: E731
        message = lambda bench: msg(v, 15 if v == OF10 else 16, body(bench.macs[port]), 0x85)  # noqa: E731
        message.text = f"port mod of {port}: {config:#x}/{mask:#x}"
        return message

    def frame(self):
        r = self.r
        kind = r.randrange(3)
        source = bytes([0, 0, 0, 0, 1, r.randrange(len(STATIC) + 1)])
        ttl = r.choice([1, 1, 64])
        ip = struct.pack("!BBHHHBBHII", 0x45, 0, 46, 0, 0, ttl, 17, 0, 0x0A000001, 0x0A000002) + struct.pack("!HHHH", 5, 6, 26, 0) + bytes(18)
        body = b"\x08\x00" + ip if kind else b"\x08\x06" + struct.pack("!HHBBH", 1, 0x800, 6, 4, 1) + bytes(38)
        return bytes([0, 0, 0, 0, 2, 1]) + source + body + b"\0" * r.choice([0, 0, 100])

    def packet_out(self, v):
        r = self.r
        target = r.choice([CONTROLLER, CONTROLLER, 0xFFFFFFF9])
        max_len = r.choice([0, 20, 0xFFFF])
        if v == OF10:
            action = struct.pack("!HHHH", 0, 8, target & 0xFFFF, max_len)
            head = struct.pack("!IHH", NONE32, 1, len(action))
        else:
            action = struct.pack("!HHIH6x", 0, 16, target, max_len)
            head = struct.pack("!IIH6x", NONE32, 1, len(action))
            if v == OF15:
                match = pad8(struct.pack("!HHHBBI", 1, 12, 0x8000, 0, 4, 1))
                head = struct.pack("!IHxx", NONE32, len(action)) + match
        return msg(v, 13, head + action + self.frame(), 0x86)

    def bundle(self, v):
        r = self.r
        if v < OF13:
            return []
        one = (lambda t, body: nx(v, {33: 2300, 34: 2301}[t], body, ONF)) if v == OF13 else (lambda t, body: msg(v, t, body, 0x87))
        number = r.choice([1, 2])
        control = lambda kind: one(33, struct.pack("!IHH", number, kind, 2))  # noqa: E731
        out = [control(0)] if r.random() < 0.9 else []
        for _ in range(r.randrange(3)):
            inner = r.choice([self.flow_mod, self.flow_mod, self.group_mod])(v)
            if inner:
                inner = inner[:4] + struct.pack("!I", 0x87 if v != OF13 else 0x77) + inner[8:]
                out.append(one(34, struct.pack("!IHH", number, 0, 2) + inner))
        return out + [control(k) for k in r.choice([[4], [4], [2, 4], [6], []])]

    def monitor(self, v):
        r = self.r
        flags = r.choice([1, 0, 8, 16, 25 if v < OF14 else 9]) | r.randrange(1, 8) << 1 & (15 if v < OF14 else 7)
        if v == OF10 or v < OF13:
            body = struct.pack("!IHHHB5x", r.choice([1, 2]), flags & 63, 0xFFFF, 0, 5)
            head = struct.pack("!HHII", 0xFFFF, 0, NX, 2) if v == OF10 else struct.pack("!HH4xII", 0xFFFF, 0, NX, 2)
            return msg(v, 16 if v == OF10 else 18, head + (b"\0" * 4 if v == OF10 else b"") + body, 0x88)
        if v == OF13:
            return b""
        return msg(v, 18, struct.pack("!HH4x", 16, 0) + struct.pack("!IIIHBB", r.choice([1, 2]), NONE32, NONE32, flags, 5, 0) +
                   pad8(struct.pack("!HH", 1, 4)), 0x88)

    def event(self, versions):
        """(kind, ...): what happens, and by whom."""
        r = self.r
        who = r.randrange(len(versions))
        v = versions[who]
        x = r.random()
        if x < 0.35:
            # One: a switch takes one at a time from each port, in an order of its own.
            return [("packet", r.choice(["p1", "p2"]), self.frame().hex())]
        if x < 0.45:
            return [("send", who, [m for m in (self.flow_mod(v) for _ in range(r.randrange(1, 4))) if m])]
        if x < 0.52:
            return [("send", who, [self.port_mod(v)])]
        if x < 0.60:
            return [("send", who, [m for m in [self.group_mod(v)] if m])]
        if x < 0.64:
            return [("send", who, [m for m in [self.meter_mod(v)] if m])]
        if x < 0.67:
            return [("send", who, [m for m in [self.table_mod(v)] if m])]
        if x < 0.72:
            return [("send", who, [self.packet_out(v)])]
        if x < 0.82:
            return [("send", who, [self.role(v)])]
        if x < 0.88:
            return [("send", who, self.wishes(v))]
        if x < 0.91:
            return [("send", who, self.bundle(v))]
        if x < 0.94:
            return [("send", who, [m for m in [self.monitor(v)] if m])]
        if x < 0.97:
            return [("warp", 8)]  # more than any timeout of flows
        if x < 0.98:
            return [("close", who)]
        if x < 0.99:
            return [("port", r.random() < 0.5)]
        return [("send", who, [m for m in (self.get_async(v), self.get_config(v)) if m])]

    def sequence(self):
        r = self.r
        versions = [r.choice([OF10, OF12, OF13, OF14, OF15]) for _ in range(r.choice([2, 2, 3]))]
        called = r.random() < 0.2
        wishes = [(i, self.wishes(v)) for i, v in enumerate(versions)]
        return versions, called, wishes, [self.event(versions) for _ in range(r.randrange(3, 12))]


class Run:
    """The connections of one sequence, on both sides."""

    def __init__(self, benches, serial):
        self.benches, self.serial, self.log = benches, serial, []

    def fence(self):
        self.serial += 1
        for b, cs in zip(self.benches, self.connections):
            b.begin_fence(self.serial)
        for b, cs in zip(self.benches, self.connections):
            b.end_fence(self.serial, [c for c in cs if c])

    def compare(self, what):
        self.fence()
        difference = []
        for i in range(len(self.connections[0])):
            if not self.connections[0][i]:
                continue
            theirs, mine = (canonical_all(cs[i].taken(), b.macs) for b, cs in zip(self.benches, self.connections))
            if theirs != mine:
                difference.append((i, what, theirs, mine))
        return difference

    def do(self, event):
        for b, cs in zip(self.benches, self.connections):
            for what, *args in event:
                if what == "packet":
                    b.side.channel.call("revalidator/purge")  # both look at changes when they have time to
                    b.side.channel.call("netdev-dummy/receive", *args)
                elif what == "send":
                    who, messages = args
                    if cs[who]:
                        for m in messages:
                            cs[who].send(m(b) if callable(m) else m)
                elif what == "warp":
                    for _ in range(args[0]):
                        b.side.channel.call("time/warp", "1000")
                elif what == "close":
                    if cs[args[0]]:
                        cs[args[0]].socket.close()
                        cs[args[0]] = None
                elif what == "port":
                    b.side.switch.vsctl(*(("--may-exist", "add-port", "br0", "p9", "--", "set", "interface", "p9", "type=dummy", "ofport_request=9")
                                          if args[0] else ("--if-exists", "del-port", "p9")))

    def clean(self):
        for cs in self.connections:
            for c in cs:
                if c:
                    c.socket.close()
        match = pad8(struct.pack("!HH", 1, 4))
        for b in self.benches:
            o = b.observer
            for table in (5, 6):
                o.send(msg(OF14, 14, struct.pack("!QQBBHHHIIIHH", 0, 0, table, 3, 0, 0, 0, NONE32, NONE32, NONE32, 0, 0) + match))
            vlan = pad8(struct.pack("!HHHBBH", 1, 10, 0x8000, 6 << 1, 2, 0x1000 | 77))
            o.send(msg(OF14, 14, struct.pack("!QQBBHHHIIIHH", 0, 0, 0, 3, 0, 0, 0, NONE32, NONE32, NONE32, 0, 0) + vlan))
            for group in (60, 61):
                o.send(msg(OF14, 15, struct.pack("!HBxI", 2, 0, group)))
            o.send(msg(OF14, 29, struct.pack("!HHI", 2, 0, 5)))
            o.send(msg(OF14, 17, struct.pack("!B3xI", 5, 0)))
            o.send(msg(OF14, 17, struct.pack("!B3xI", 7, 0)))
            for port in range(1, 5):
                o.send(msg(OF14, 16, struct.pack("!I4x6s2xII", port, b.macs[port], 0, 0x65)))

    def run(self, sequence):
        versions, called, wishes, events = sequence
        self.connections = []
        for b in self.benches:
            cs = [b.be_called(versions[0]) if called else b.connect(versions[0])]
            self.connections.append(cs + [b.connect(v) for v in versions[1:]])
        try:
            self.fence()
            for cs in self.connections:
                for c in cs:
                    c.taken()
            for who, messages in wishes:
                self.do([("send", who, messages)])
                found = self.compare(("wishes", who, messages))
                if found:
                    return found
            for event in events:
                self.do(event)
                found = self.compare(event)
                if found:
                    return found
            return []
        finally:
            self.clean()


def shown(m):
    return m.hex() + "\n" + subprocess.run([stock("ovs-ofctl"), "ofp-print", m.hex()], capture_output=True, text=True).stdout


def show(sequence, difference):
    versions, called, wishes, events = sequence
    lines = [f"versions {versions} called {called}"]
    for who, messages in wishes:
        lines += [f" {who}: " + shown(m) for m in messages]
    for e in events:
        for what, *args in e:
            if what == "send":
                lines += [f" event {args[0]}: " + (m.text if callable(m) else shown(m)) for m in args[1]]
            else:
                lines.append(f" event {what} {args}")
        if e is difference[0][1]:
            break
    for i, _, theirs, mine in difference:
        lines += [f"connection {i}", "--- stock"] + [shown(m) for m in theirs] + ["--- ours"] + [shown(m) for m in mine]
    return "\n".join(lines)


@pytest.fixture(scope="module")
def benches():
    if not harness.is_root():
        pytest.skip("needs root: network namespaces")
    net, made = harness.Net(), []
    try:
        for tools in (stock, ours):
            made.append(Bench(tools, net))
        yield made
    finally:
        for b in made:
            b.side.switch.close()
        net.close()


def test_generated(benches):
    g, run, different = Gen(SEED), Run(benches, 1), []
    for number in range(N):
        sequence = g.sequence()
        found = run.run(sequence)
        if found:
            different.append(f"=== {number}: " + show(sequence, found))
    assert not different, f"{len(different)} of {N}:\n" + "\n".join(different[:8])
