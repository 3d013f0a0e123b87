# SPDX-License-Identifier: Apache-2.0
"""Messages that are nearly valid, of every type and version, sent to both switches: the errors that they answer must be the same, with
type, code and data. ERRORS sets how many, ERRORS_SEED which."""
import os
import random
import socket
import struct

import pytest

import harness
from harness import ours, stock
from of_messages import CASES, Gen, build, mutate
from test_trace_differential import Side

N = int(os.environ.get("ERRORS", "4000"))
SEED = int(os.environ.get("ERRORS_SEED", "1"))
ECHO = 0x7E000000
HELLO, ERROR, ECHO_REQUEST, ECHO_REPLY = range(4)

# What is answered differently, and why (kind and number of the message as in of_messages.ROWS).
KNOWN = {
    ("std", 9): "modes of fragment handling and flags that there are not: stock takes some",
    ("nxreq", 2): "stock's errors of flow monitors are messages of version 1.0 without data", ("req", 16): "the same", ("onfreq", 1870): "the same",
    ("req", 12): "a request with several faults: which is found first", ("nx", 28): "the same, of continuations, which each switch writes its own way",
    ("std", 33): "unknown flags and types of bundles: stock takes some", ("onf", 2300): "the same",
    ("std", 29): "how many meters, of what rates, there may be", ("req", 9): "which meters are there then", ("req", 10): "the same",
    ("req", 5): "which queues there are", ("req", 15): "the same", ("nxreq", 3): "whether there is IPFIX", ("nxreq", 4): "the same",
    ("nxreq", 7): "stock's errors have no data", ("nxreq", 8): "the same",
    ("std", 17): "properties of experimenters in table mods",
    ("std", 34): "stock looks for buffers when a message comes into a bundle", ("onf", 2301): "the same",
}
MORE, FLOW_MOD, PACKET_OUT, GROUP_MOD = 1, 14, 13, 15
OF10_EXTENSION = 0xB0C2
# Which of several faults is found first; packets of less than a header's bytes, which stock takes; loops of groups, which it takes, too.
FAULTS = {
    FLOW_MOD: {(2, 9), (12, 2), (1, 8)}, PACKET_OUT: {(2, 9), (12, 2), (2, 10), (1, 12), (OF10_EXTENSION, 0)}, GROUP_MOD: {(6, 1), (6, 7), (6, 8), (0xFFFF, 10)},
}


def known(row, message, answers):
    if (row[0], row[3]) in KNOWN:
        return True
    codes = {struct.unpack("!HH", e[8:12]) for answer in answers for e in answer}
    if row[0].endswith("req") and message[11] & MORE:  # stock waits for the rest
        return not answers[0]
    return row[0] == "std" and codes <= FAULTS.get(row[3], set())


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


def test_errors():
    if not harness.is_root():
        pytest.skip("needs root: network namespaces")
    g, r = Gen(SEED), random.Random(SEED)
    rows = [(row, v) for row, v in CASES if row[0] not in ("rep", "nxrep", "onfrep") and not (row[0] == "std" and row[3] <= ECHO_REPLY)]
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
            if [e[8:] for e in got[0]] == [e[8:] for e in got[1]]:
                continue
            if known(row, message, got):
                n_known += 1
                continue
            different.append(f"{row[0]} {row[3]} of version {version}: {message.hex()}\n  stock {describe(got[0])}\n  ours  {describe(got[1])}")
    finally:
        for side in sides:
            side.switch.close()
        net.close()
    assert not different, f"{len(different)} of {N}:\n" + "\n".join(different[:10])
    assert n_errors > N / 2 and n_known < N / 20
