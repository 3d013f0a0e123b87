# SPDX-License-Identifier: Apache-2.0
"""Generated OpenFlow messages, valid ones and nearly valid ones, through both `ovs-ofctl ofp-parse`: what is printed must be the same.

MESSAGES sets how many, MESSAGES_SEED which."""
import os
import re
import struct

import pytest

import of_messages
from harness import ours, run, stock

N = int(os.environ.get("MESSAGES", "5000"))
SEED = int(os.environ.get("MESSAGES_SEED", "1"))
SEPARATOR = re.compile(r"OFPT_ECHO_REQUEST \(xid=0x7f[0-9a-f]{6}\): 0 bytes of payload\n")


def separator(i):
    return struct.pack("!BBHI", 1, 2, 8, 0x7F000000 + i)


def printed(tools, messages, path, *options):
    """What the program prints for each message."""
    path.write_bytes(b"".join(m + separator(i) for i, m in enumerate(messages)))
    out = run(tools("ovs-ofctl"), "ofp-parse", str(path), *options, text=False).stdout.decode("latin1")
    parts = SEPARATOR.split(out)
    assert len(parts) == len(messages) + 1, "a message was lost"
    return parts[:-1]


def eviction_in_table_mod(m):
    return m[1] == 17 and m[0] >= of_messages.OF14 and len(m) > 16


def properties(b):
    """The properties of a list, as far as their lengths make sense: type, and what follows it."""
    while len(b) >= 4:
        kind, n = struct.unpack("!HH", b[:4])
        if n < 4 or n > len(b):
            return
        yield kind, b[4:n]
        b = b[(n + 7) // 8 * 8:]


def vendor_feature_of_table(m):
    """Stock takes a vendor's property of table features for its own of the same number."""
    if m[0] < of_messages.OF13 or m[1] not in (18, 19) or m[8:10] != b"\0\x0c":
        return False
    b = m[16:]
    while len(b) >= 64:
        n, = struct.unpack("!H", b[:2])
        if any(kind == 0xFFFF and len(p) >= 8 and struct.unpack("!I", p[4:8])[0] < 16 for kind, p in properties(b[64:n])):
            return True
        if n < 64:
            return False
        b = b[n:]
    return False


def applied_actions_of_11(m):
    """Of OpenFlow 1.1's table statistics stock shows the written actions twice."""
    if m[:2] != bytes((of_messages.OF11, 19)) or m[8:10] != b"\0\3":
        return m
    b = bytearray(m)
    for at in range(16, len(b) - 87, 88):
        b[at + 56:at + 60] = b[at + 52:at + 56]
    return bytes(b)


def normal(message, text):
    """Where stock is wrong, see docs/differences.md."""
    if "***decode error: <invalid>***" in text:
        return "***decode error***"
    return text.replace("OFPBAC_BAD_SET_TYPE", "OFPBAC_BAD_SET_LEN")  # which of them depends on how stock hashes unknown headers


def same(message, a, b):
    a, b = normal(message, a), normal(message, b)
    return a == b or (a == "***decode error***" and "***decode error" in b)


def differences(messages, tmp_path, *options):
    theirs = printed(stock, messages, tmp_path / "messages", *options)
    mine = printed(ours, messages, tmp_path / "messages", *options)
    return [(m, a, b) for m, a, b in zip(messages, theirs, mine) if not same(m, a, b)]


def show(found, n):
    text = "".join(f"\n--- {m.hex()}\nstock: {a}ours:  {b}" for m, a, b in found[:8])
    return f"{len(found)} of {n} messages differ{text}"


def generate(n, seed, mutations):
    g = of_messages.Gen(seed)
    result = []
    while len(result) < n:
        m = of_messages.build(g, *g.r.choice(of_messages.CASES))
        if len(m) > 60000:
            continue
        if mutations:
            m = of_messages.mutate(g, m)
        if not eviction_in_table_mod(m) and not vendor_feature_of_table(m):
            result.append(applied_actions_of_11(m))
    return result


@pytest.mark.parametrize("verbosity", [0, 1, 2])
def test_valid_messages(tmp_path, verbosity):
    messages = generate(N if not verbosity else N // 10, SEED + verbosity, False)
    found = differences(messages, tmp_path, *["-m"] * verbosity)
    assert not found, show(found, len(messages))


def test_nearly_valid_messages(tmp_path):
    messages = generate(N, SEED + 10, True)
    found = differences(messages, tmp_path)
    assert not found, show(found, len(messages))


@pytest.mark.parametrize("verbosity", ["0", "1"])
def test_little_is_said(verbosity):
    """`ofp-print` with less than `ofp-parse` ever asks for: one message at a time."""
    messages = generate(60, SEED + 20 + int(verbosity), False)
    messages = [m for m in messages if len(m) < 8000]
    theirs, mine = ([run(tools("ovs-ofctl"), "ofp-print", m.hex(), verbosity, text=False).stdout.decode("latin1") for m in messages]
                    for tools in (stock, ours))
    found = [(m, a, b) for m, a, b in zip(messages, theirs, mine) if not same(m, a, b)]
    assert not found, show(found, len(messages))


def test_every_length_of_every_type(tmp_path):
    """Bodies of zeros: which types there are, and how long they may be."""
    messages = []
    for v in of_messages.ALL:
        for n in [0, 1, 2, 4, 7] + list(range(8, 140, 4)):
            messages += [of_messages.message(v, t, b"\0" * n, 1) for t in range(40)]
            for t in range(20):
                for reply in (0, 1):
                    head = struct.pack("!HH", t, 0) + (b"" if v == 1 else b"\0" * 4)
                    messages.append(of_messages.message(v, (16 if v == 1 else 18) + reply, head + b"\0" * n, 1))
            for vendor, subtypes in ((of_messages.NX, [*range(34), 132]), (of_messages.ONF, [1870, 1871, 1872, 1911, 2300, 2301, 2350])):
                messages += [of_messages.message(v, 4, struct.pack("!II", vendor, s) + b"\0" * n, 1) for s in subtypes]

    def kind(text):
        error = re.search(r"decode error: (OFPBRC_BAD_(?:LEN|TYPE|STAT|SUBTYPE|VENDOR))", text)
        return (text.split("(")[0] if not text.startswith("***") else "", error and error.group(1))
    theirs, mine = printed(stock, messages, tmp_path / "messages"), printed(ours, messages, tmp_path / "messages")
    found = [(m, a, b) for m, a, b in zip(messages, theirs, mine) if kind(a) != kind(b) and not same(m, a, b)]
    assert not found, show(found, len(messages))
