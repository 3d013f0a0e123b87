# SPDX-License-Identifier: Apache-2.0
"""Switches that answer nonsense, late, in pieces, or not at all: `ovs-ofctl` says what the stock one says, and never hangs or crashes."""
import concurrent.futures
import contextlib
import os
import re
import socket
import struct
import subprocess
import threading

import harness
import ofctl_sides
from harness import ours, stock

HELLO, ERROR, ECHO, FEATURES, SET_CONFIG, GET_CONFIG, PACKET_IN, BARRIER = 0, 1, 2, 5, 9, 7, 10, 18
STATS, STATS_REPLY, VENDOR = 16, 17, 4


def message(kind, xid, body=b"", version=1, length=None):
    return struct.pack("!BBHI", version, kind, 8 + len(body) if length is None else length, xid) + body


def features(xid):
    port = struct.pack("!H6s16sIIIIII", 1, b"\2\0\0\0\0\1", b"eth0", 0, 0, 0, 0, 0, 0)
    return message(6, xid, struct.pack("!QIB3xII", 0xb0b, 0, 254, 0xc7, 0xfff) + port)


def flow_stats(xid, n=1, more=False):
    match = struct.pack("!IH6s6sHBxHBBxxIIHH", 0x3fffff, 0, b"", b"", 0, 0, 0, 0, 0, 0, 0, 0, 0)
    entry = struct.pack("!HBx", 96, 0) + match + struct.pack("!IIHHH6xQQQ", 1, 0, 5, 0, 0, 7, 1, 2) + struct.pack("!HHHH", 0, 8, 2, 0)
    return message(STATS_REPLY, xid, struct.pack("!HH", 1, more) + entry * n)


def answer(kind, xid, body):
    """What a sane switch of OpenFlow 1.0 says."""
    if kind == FEATURES:
        return features(xid)
    if kind == GET_CONFIG:
        return message(8, xid, struct.pack("!HH", 0, 128))
    if kind == BARRIER:
        return message(19, xid)
    if kind == ECHO:
        return message(3, xid, body)
    if kind == STATS and body[:2] == b"\0\1":
        return flow_stats(xid)
    if kind == STATS and body[:2] == b"\0\3":
        return message(STATS_REPLY, xid, struct.pack("!HHB3x32sIIIQQ", 3, 0, 0, b"classifier", 0x3fffff, 10, 1, 2, 3))
    if kind in (STATS, VENDOR):
        return message(ERROR, xid, struct.pack("!HH", 1, 2 if kind == STATS else 3) + message(kind, xid, body)[:64])
    return b""


ASYNC = message(ECHO, 77, b"x") + message(PACKET_IN, 0, struct.pack("!IHHBx", 0xffffffff, 4, 1, 0) + b"abcd")


class Fake:
    """Says hello, then lets `reply(kind, xid, body)` give bytes: sent as they are; a tuple is sent piece by piece; None closes."""

    hello = message(HELLO, 1)

    def __init__(self, path, reply=answer, hello=None, close_after_hello=False):
        self.reply, self.close_after_hello = reply, close_after_hello
        self.first = self.hello if hello is None else hello
        self.listener = socket.socket(socket.AF_UNIX)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        self.listener.bind(path)
        self.listener.listen(10)
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=self.serve_one, args=self.listener.accept()[:1], daemon=True).start()

    def serve_one(self, peer):
        with peer, contextlib.suppress(OSError):
            self.talk(peer)

    def talk(self, peer):
        peer.settimeout(10)
        peer.sendall(self.first)
        if self.close_after_hello:
            return
        data = b""
        while True:
            more = peer.recv(65536)
            if not more:
                return
            data += more
            while len(data) >= 8 and len(data) >= struct.unpack_from("!H", data, 2)[0]:
                n = struct.unpack_from("!H", data, 2)[0]
                one, data = data[:n], data[n:]
                kind, xid = one[1], struct.unpack_from("!I", one, 4)[0]
                if kind == HELLO:
                    continue
                out = self.reply(kind, xid, one[8:])
                if out is None:
                    return
                for piece in out if isinstance(out, tuple) else (out,):
                    if piece is None:
                        return
                    peer.sendall(piece)

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(5)


def change(**by_kind):
    """`answer`, but for some requests: change(FEATURES=lambda xid, body: ...); STATS: for flows."""
    kinds = {globals()[name]: f for name, f in by_kind.items()}

    def reply(kind, xid, body):
        changed = kind in kinds and (kind != STATS or body[:2] == b"\0\1")
        return kinds[kind](xid, body) if changed else answer(kind, xid, body)

    return reply


def around(before=b"", after=b""):
    return lambda kind, xid, body: before + answer(kind, xid, body) + after


def pieces(kind, xid, body):
    whole = answer(kind, xid, body)
    return tuple(whole[i:i + 1] for i in range(len(whole)))


SWITCHES = {
    "sane": dict(),
    "closes after hello": dict(close_after_hello=True),
    "says nothing and closes": dict(hello=b"", close_after_hello=True),
    "half a hello": dict(hello=message(HELLO, 1)[:5], close_after_hello=True),
    "no common version": dict(hello=message(HELLO, 1, struct.pack("!HHI", 1, 8, 1 << 6), version=6)),
    "an error for a hello": dict(hello=message(ERROR, 1, struct.pack("!HH", 0, 0) + b"no version for you")),
    "a request for a hello": dict(hello=message(FEATURES, 9)),
    "a hello that is too short": dict(hello=message(HELLO, 1, length=7)),
    "nonsense for a hello": dict(hello=bytes(range(200, 255))),
    "a hello with a long body": dict(hello=message(HELLO, 1, b"x" * 100)),
    "a hello with a version from the future": dict(hello=message(HELLO, 1, version=0x99)),
    "asynchronous messages in between": dict(reply=around(ASYNC)),
    "asynchronous messages behind": dict(reply=around(b"", ASYNC)),
    "errors about other requests": dict(reply=around(message(ERROR, 0x7777, struct.pack("!HH", 1, 1) + b"\0" * 8))),
    "answers to other requests": dict(reply=around(features(0x7777) + flow_stats(0x7778) + message(19, 0x7779))),
    "in pieces of one byte": dict(reply=pieces),
    "an error for each request": dict(reply=lambda kind, xid, body: message(ERROR, xid, struct.pack("!HH", 1, 1) + message(kind, xid, body))),
    "an error without a message": dict(reply=lambda kind, xid, body: message(ERROR, xid, struct.pack("!HH", 1, 1))),
    "an error that is none": dict(reply=lambda kind, xid, body: message(ERROR, xid, struct.pack("!HH", 99, 99) + message(kind, xid, body))),
    "an error that is too short": dict(reply=lambda kind, xid, body: message(ERROR, xid, b"\0")),
    "answers of another type": dict(reply=lambda kind, xid, body: message(3, xid, b"abc")),
    "answers of a type that is none": dict(reply=lambda kind, xid, body: message(99, xid)),
    "answers of another version": dict(reply=lambda kind, xid, body: message(19, xid, version=4)),
    "a length below that of a header": dict(reply=lambda kind, xid, body: message(19, xid, length=4)),
    "closes at the first request": dict(reply=lambda kind, xid, body: None),
    "features that are too short": dict(reply=change(FEATURES=lambda xid, body: message(6, xid, b"\0" * 10))),
    "features with half a port": dict(reply=change(FEATURES=lambda xid, body: message(6, xid, features(xid)[8:] + b"\0" * 20))),
    "a configuration that is too short": dict(reply=change(GET_CONFIG=lambda xid, body: message(8, xid, b"\0"))),
    "flows with an entry that is wrong": dict(reply=change(STATS=lambda xid, body: flow_stats(xid) [:-8] + struct.pack("!HHHH", 99, 8, 0, 0))),
    "flows with an entry of length 0": dict(reply=change(STATS=lambda xid, body: message(STATS_REPLY, xid, struct.pack("!HH", 1, 0) + bytes(88)))),
    "flows in many messages": dict(reply=change(STATS=lambda xid, body: flow_stats(xid, 3, True) * 50 + flow_stats(xid))),
    "flows, then statistics of another type": dict(reply=change(STATS=lambda xid, body: flow_stats(xid, 1, True) +
                                                                message(STATS_REPLY, xid, struct.pack("!HH", 3, 0)))),
    "flows, then an error": dict(reply=change(STATS=lambda xid, body: flow_stats(xid, 1, True) + message(ERROR, xid, struct.pack("!HH", 1, 1)))),
    "half an answer": dict(reply=lambda kind, xid, body: (answer(kind, xid, body)[:10], None)),
    "an empty answer for flows": dict(reply=change(STATS=lambda xid, body: message(STATS_REPLY, xid))),
}
# Here the texts are the same to the letter; elsewhere the stock program and ours fail in words of their own.
ALIKE = ("sane", "asynchronous messages behind", "errors about other requests", "answers to other requests", "in pieces of one byte",
         "flows in many messages", "a hello with a version from the future")
COMMANDS = [("show",), ("dump-flows",), ("get-frags",), ("add-flow", "actions=drop"), ("probe",), ("ping", "4"), ("add-flows", "-"),
            ("--sort", "dump-flows"), ("dump-ports-desc",), ("mod-port", "1", "up"), ("--names", "dump-flows"), ("diff-flows", "none"),
            ("set-frags", "drop"), ("packet-out", "1", "2", "00" * 14)]
# The stock program waits for ever.
ENDLESS = ("nonsense for a hello", "answers of another version")
# Ours asks for the names of tables and ports only when a text has some: it may succeed where the stock program gets a wrong answer.
LAZY = ("add-flow", "add-flows", "packet-out", "probe", "mod-port")


def call(tools, directory, words, seconds=1):
    at = [i for i, w in enumerate(words) if not w.startswith("-")][0] + 1
    argv = [tools("ovs-ofctl"), "-t", str(seconds), *words[:at], "fake", *words[at:]]
    p = subprocess.run(argv, input=b"actions=drop\n", capture_output=True, timeout=30, cwd=directory, env=dict(os.environ, OVS_RUNDIR=directory))
    out, err = (ofctl_sides.normal(b.decode(errors="backslashreplace"), directory) for b in (p.stdout, p.stderr))
    assert not any(f in err for f in harness.FINDINGS), err
    return p.returncode, re.sub(r"time=[\d.]+ ms", "time", out), err


def compare(name, directory):
    os.mkdir(directory)
    with open(f"{directory}/none", "w"):
        pass
    fake = Fake(f"{directory}/fake.mgmt", **SWITCHES[name])
    wrong = ""
    try:
        for words in COMMANDS[:3] if name in ENDLESS else COMMANDS:
            theirs, mine = (call(tools, directory, words, 1 if name in ENDLESS else 15) for tools in (stock, ours))
            if name in ALIKE:
                ok = theirs == mine
            else:
                lazy = any(w in LAZY for w in words)
                ok = mine[0] in (0, 1, 2, -14) and (mine[0] == theirs[0] if theirs[0] >= 0 and not lazy else True) and (mine[0] in (0, 2) or mine[2])
            if not ok:
                wrong += ofctl_sides.unlike([name, *words], theirs, "stock", mine, "ours") or f"\n### {name} {words}: both {mine}"
    finally:
        fake.close()
    return wrong


def test_answers(tmp_path):
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        wrong = "".join(pool.map(lambda i: compare(i[1], str(tmp_path / str(i[0]))), enumerate(SWITCHES)))
    assert not wrong, wrong[:20000]
