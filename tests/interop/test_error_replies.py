# SPDX-License-Identifier: Apache-2.0
"""Messages that are nearly valid, of every type and version, sent to both switches: the errors that they answer must be the same, with
type, code and data. ERRORS sets how many, ERRORS_SEED which."""
import os
import random
import re
import socket
import struct
import subprocess

import pytest

import harness
from harness import ours, stock, wait_until
from message_text import flow_counters, stat_trigger, unknown_to_stock
from of_messages import CASES, NX, ONF, Gen, build, mutate
from test_trace_differential import Side

N = int(os.environ.get("ERRORS", "4000"))
SEED = int(os.environ.get("ERRORS_SEED", "1"))
ECHO = 0x7E000000
HELLO, ERROR, ECHO_REQUEST, ECHO_REPLY = range(4)

# --- What is answered differently, each as docs/differences.md has it.

MULTIPART = {1: 16}
cache = {}


def name(e):
    """An error message's error, as stock's ovs-ofctl calls it."""
    wide = 16 if e[8:10] == b"\xff\xff" else 20 if e[8:10] == b"\xb0\xc2" else 12
    key = e[0], e[8:wide]
    if key not in cache:
        text = subprocess.run([stock("ovs-ofctl"), "ofp-print", (e[:2] + struct.pack("!H", wide) + e[4:wide]).hex()], capture_output=True, text=True).stdout
        found = re.search(r"\): (OFP\w+|NX\w+)\n", text)
        cache[key] = found.group(1) if found else None
    return cache[key]


def multipart(message):
    """(type, experimenter, its type) of a multipart request, or None."""
    if message[1] != MULTIPART.get(message[0], 18) or len(message) < 12:
        return None
    kind, at = struct.unpack("!H", message[8:10])[0], 12 if message[0] == 1 else 16
    return (kind, *(struct.unpack("!II", message[at:at + 8]) if kind == 0xFFFF and len(message) >= at + 8 else (0, 0)))


def monitors_flows(message):
    return multipart(message) in {(16, 0, 0), (0xFFFF, NX, 2), (0xFFFF, ONF, 1870)}


def stray_error(message, theirs):
    """Stock's errors of flow monitor requests: of OpenFlow 1.0, with what lies around for transaction and data, or no error at all."""
    return theirs[0][0] == 1 or theirs[0][4:8] != message[4:8] or message not in theirs[0]


def bands(message):
    at = 16
    while at + 4 <= len(message):
        kind, n = struct.unpack("!HH", message[at:at + 4])
        yield kind
        at += max(n, 4)


def known(message, theirs, ours):
    """Is this difference one of those that are meant?"""
    s, o, kind = [name(e) for e in theirs], [name(e) for e in ours], message[1]
    nothing = not theirs
    if flow_counters(message):
        return s == ["OFPBRC_BAD_STAT"]
    if stat_trigger(message) and s == ["OFPBIC_UNKNOWN_INST"]:
        return True
    if unknown_to_stock(message):
        return s in (["OFPBRC_BAD_STAT"], ["OFPBRC_BAD_TYPE"], ["OFPACFC_UNSUPPORTED"])
    if kind == ERROR:
        return s == ["OFPBRC_BAD_TYPE"] and not o
    if monitors_flows(message) and len(theirs) == len(ours) == 1:
        return stray_error(message, theirs) and ours[0][0] == message[0] and s[0] in (o[0], None, "NXBRC_UNENCODABLE_ERROR")
    if monitors_flows(message):
        return nothing and o == ["OFPMOFC_BAD_COMMAND"]
    if multipart(message) in {(0xFFFF, NX, 7), (0xFFFF, NX, 8)}:
        return s == o and message not in theirs[0] and message in ours[0]
    if kind == 33 or kind == 4 and message[8:16] == struct.pack("!II", ONF, 2300):
        return nothing and o[0] in ("OFPBFC_BAD_FLAGS", "OFPBFC_BAD_TYPE")
    if multipart(message) and multipart(message)[0] in (5, 15) or kind in (20, 22):  # stock's dummy ports have queue 0
        return (nothing or s == ["OFPQOFC_BAD_QUEUE"]) and o in (["OFPQOFC_BAD_QUEUE"], ["NXQOFC_QUEUE_ERROR"])
    if multipart(message) == (12, 0, 0):
        return o == ["OFPBPC_BAD_EXP_TYPE"]
    if kind == 29:
        return s == ["OFPMMFC_BAD_BAND"] and not o and 2 in bands(message)
    if kind == 17:
        return o == ["OFPBPC_BAD_VALUE"] or nothing and o == ["OFPTMFC_BAD_CONFIG"] and message[8] == 253
    if kind == 15 or kind == 4 and message[8:16] == struct.pack("!II", NX, 31):
        return nothing and o == ["OFPGMFC_LOOP"]
    if kind == 4 and message[8:16] == struct.pack("!II", NX, 28) and o == ["OFPBAC_BAD_TYPE"]:  # of an action set
        return s != o
    if nothing and (kind in (13, 34) or kind == 4 and message[8:16] == struct.pack("!II", ONF, 2301)):
        return o == ["OFPBRC_BAD_LEN" if message[0] < 3 else "OFPBRC_BAD_PACKET"]
    # An option that no field stands for: stock finds that before all other faults.
    return s == ["NXFMFC_INVALID_TLV_FIELD"] and len(o) == 1


class Connection:
    def __init__(self, path, version):
        self.version, self.data = version, b""
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(10)
        self.socket.connect(path)
        self.socket.sendall(struct.pack("!BBHI", version, HELLO, 8, 1))
        assert self.read()[1] == HELLO

    def read(self):
        while True:
            n = struct.unpack("!H", self.data[2:4])[0] if len(self.data) >= 8 else 8
            if len(self.data) >= max(n, 8):
                message, self.data = self.data[:n], self.data[n:]
                return message
            more = self.socket.recv(65536)
            if not more:
                raise ConnectionResetError
            self.data += more

    def errors(self, message, serial):
        """The errors that come before the answer to a question that follows."""
        found = []
        self.socket.sendall(message + struct.pack("!BBHI", self.version, ECHO_REQUEST, 8, ECHO + serial))
        while True:
            m = self.read()
            if m[1] == ECHO_REPLY and struct.unpack("!I", m[4:8])[0] == ECHO + serial:
                return found
            if m[1] == ERROR:
                found.append(m)


def answer(side, version, message, serial):
    """None: the switch is gone."""
    try:
        connection = Connection(f"{side.switch.dir}/br0.mgmt", version)
    except OSError:
        return None
    try:
        return connection.errors(message, serial)
    except OSError:
        return None
    finally:
        connection.socket.close()


def make_sides(net):
    made = [Side(tools, net) for tools in (stock, ours)]
    for side in made:
        side.switch.vsctl("set", "bridge", "br0", "protocols=" + ",".join(f"OpenFlow1{i}" for i in range(6)))
    return made


def describe(answer):
    return [f"type {struct.unpack('!H', e[8:10])[0]:#x} code {struct.unpack('!H', e[10:12])[0]} {e[12:].hex()}" for e in answer]


def forget(side):
    """What the two did not do alike must not show later."""
    flows = struct.pack("!QQBBHHHIIIH2xHHI", 0, 0, 255, 3, 0, 0, 0, 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0, 1, 4, 0)
    for kind, body in ((14, flows), (15, struct.pack("!HxxI", 2, 0xFFFFFFFC)), (29, struct.pack("!HHI", 2, 0, 0xFFFFFFFF)),
                       (4, struct.pack("!IIH6x", NX, 24, 2))):
        assert answer(side, 4, struct.pack("!BBHI", 4, kind, 8 + len(body), 1) + body, 0) == []


def test_errors():
    if not harness.is_root():
        pytest.skip("needs root: network namespaces")
    g, r = Gen(SEED), random.Random(SEED)
    rows = [(row, v) for row, v in CASES if row[0] not in ("rep", "nxrep", "onfrep")]
    net = harness.Net()
    sides, different, n_errors, n_known = make_sides(net), [], 0, 0
    try:
        for serial in range(N):
            row, version = r.choice(rows)
            message = build(g, row, version)
            if r.random() < 0.85:
                message = mutate(g, message)
            got = [answer(side, version, message, serial) for side in sides]
            assert got[1] is not None, f"our switch is gone after {message.hex()}"
            if got[0] is None:  # stock's is; from the beginning
                for side in sides:
                    side.switch.close()
                net.close()
                net = harness.Net()
                sides = make_sides(net)
                continue
            n_errors += bool(got[1])
            if got[0] == got[1]:
                continue
            if known(message, *got):
                n_known += 1
                for side in sides:
                    forget(side)
                continue
            different.append(f"{row[0]} {row[3]} of version {version}: {message.hex()}\n  stock {describe(got[0])}\n  ours  {describe(got[1])}")
    finally:
        for side in sides:
            side.switch.close()
        net.close()
    assert not different, f"{len(different)} of {N}:\n" + "\n".join(different[:10])
    assert n_errors > N / 2 and n_known < N / 20


# --- The beginning of a connection, and what is no message at all.

def header(version, kind=HELLO, body=b"", n=None):
    return struct.pack("!BBHI", version, kind, 8 + len(body) if n is None else n, 7) + body


def bitmap(*versions):
    return struct.pack("!HHI", 1, 8, sum(1 << v for v in versions))


def ask(version):
    return header(version, ECHO_REQUEST)


HELLO4, ERROR_BODY = header(4), struct.pack("!HH", 0, 1)
GREETINGS = {
    **{f"version {v}": [header(v), ask(min(v, 6))] for v in (0, 1, 2, 3, 4, 5, 6, 7, 255)},
    **{f"version {v}, bitmap {vs}": [header(v, body=bitmap(*vs)), ask(min([*vs, v]))]
       for v, vs in [(4, (4,)), (6, (1, 4)), (6, (1,)), (6, (7,)), (6, (8, 9)), (6, ()), (6, (31,)), (7, (7,)), (7, (7, 4)), (1, (4,)), (4, (0,))]},
    **{f"elements {body.hex()}": [header(4, body=body), ask(1), ask(4)]
       for body in (bitmap(1) + bitmap(4), struct.pack("!HHI", 2, 8, 5), struct.pack("!HHI", 1, 3, 5), b"\0\1", struct.pack("!HHI", 1, 80, 5),
                    struct.pack("!HHI", 1, 4, 5), struct.pack("!HHII4x", 1, 12, 0x10, 0), b"junk!")},
    **{f"type {kind} first": [header(4, kind)] for kind in (ERROR, ECHO_REQUEST, ECHO_REPLY, 5, 20, 200)},
    **{f"version {v} first": [header(v, 5)] for v in (0, 9)},
    **{f"length {n}": [header(4, n=n)] for n in (0, 7)},
    **{f"hello, length {n}": [HELLO4, header(4, 20, n=n), ask(4)] for n in (0, 7)},
    "part of a header": [b"\4\0\0"], "part of another header": [HELLO4, b"\4\2\0"], "huge hello": [header(4, n=65535) + bytes(65527), ask(4)],
    "huge echo": [HELLO4, header(4, ECHO_REQUEST, n=65535) + bytes(65527)], "huge barrier": [HELLO4, header(4, 20, n=65535) + bytes(65527), ask(4)],
    **{f"version {v}, unknown type {kind}": [header(v), header(v, kind), ask(v)] for v, kind in ((1, 30), (1, 22), (4, 30), (4, 36), (4, 255), (6, 36))},
    **{f"then version {v}, type {kind}": [HELLO4, header(v, kind, ERROR_BODY if kind == ERROR else b""), ask(4)]
       for v in (0, 1, 5, 9) for kind in (HELLO, ERROR, ECHO_REQUEST, ECHO_REPLY, 5, 18)},
    **{f"then type {kind}": [HELLO4, header(4, kind), ask(4)] for kind in (HELLO, ERROR, ECHO_REPLY, 6, 8, 10, 19, 21, 25)},
    "then a bad hello": [HELLO4, header(4, body=b"\0"), ask(4)], "then an error": [HELLO4, header(4, ERROR, ERROR_BODY), ask(4)],
    **{f"vendor {body.hex()}": [HELLO4, header(4, 4, body), ask(4)]
       for body in (b"\0\0\x23\x20", struct.pack("!II", 77, 1), struct.pack("!II", NX, 0x10001), struct.pack("!II", ONF, 9), struct.pack("!II", 0, 9))},
    **{f"multipart {body.hex()}": [HELLO4, header(4, 18, body), ask(4)]
       for body in (b"\0\0", struct.pack("!HH4x", 99, 0), struct.pack("!HH4xII", 0xFFFF, 0, 9, 9))},
}


def converse(side, messages):
    """What the switch says, and whether it hangs up. The last message is a question, or nothing is answered."""
    s = socket.socket(socket.AF_UNIX)
    s.connect(f"{side.switch.dir}/br0.mgmt")
    s.settimeout(0.3)
    data, closed = b"", False
    try:
        for m in messages:
            s.sendall(m)
    except OSError:  # it has hung up already
        pass
    try:
        while not (data.endswith(messages[-1][:1] + b"\3" + messages[-1][2:]) and messages[-1][1:2] == b"\2"):
            try:
                more = s.recv(1 << 16)
            except ConnectionResetError:  # because of what we sent after it hung up
                closed = True
                continue
            if not more:
                closed = True
                break
            data += more
    except socket.timeout:
        pass
    s.close()
    said = []
    while len(data) >= 8:
        m, data = data[:struct.unpack("!H", data[2:4])[0]], data[struct.unpack("!H", data[2:4])[0]:]
        # Transaction IDs of hellos are the switch's own, and that of the error for one is 0 in stock.
        own = m[1] == HELLO or m[1] == ERROR and m[8:10] == b"\0\0"
        said.append(m[:4] + b"...." + m[8:] if own else m)
    return said, closed


@pytest.mark.parametrize("protocols", ["", "OpenFlow10,OpenFlow13", "OpenFlow14"])
def test_greetings(protocols):
    if not harness.is_root():
        pytest.skip("needs root: network namespaces")
    net = harness.Net()
    sides = make_sides(net)
    different = []
    try:
        if protocols:
            for side in sides:
                side.switch.vsctl("set", "bridge", "br0", f"protocols={protocols}")
                wait_until(lambda: converse(side, [header(0)])[0][0][8:] == bitmap(*(int(p[-1]) + 1 for p in protocols.split(","))), what="the versions")
        for case, messages in GREETINGS.items():
            theirs, mine = (converse(side, messages) for side in sides)
            # Errors that the peer sends are not answered: see docs/differences.md.
            if case == "then an error" or re.fullmatch(r"then version [1-9], type 1", case):
                theirs = [m for m in theirs[0] if m[1] != ERROR or m[8:10] == b"\0\0"], theirs[1]
            if theirs != mine:
                different.append(f"{case}:\n  stock {[m[:60].hex() for m in theirs[0]]} {theirs[1]}\n  ours  {[m[:60].hex() for m in mine[0]]} {mine[1]}")
    finally:
        for side in sides:
            side.switch.close()
        net.close()
    assert not different, f"{len(different)} of {len(GREETINGS)}:\n" + "\n".join(different)
