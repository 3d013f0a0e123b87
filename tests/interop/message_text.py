# SPDX-License-Identifier: Apache-2.0
"""What both `ovs-ofctl ofp-parse` print of the same messages, and where stock is known to be wrong."""
import re
import struct

import of_messages
from harness import ours, run, stock

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


def flow_counters(m):
    """Multipart type 17 of OpenFlow 1.5: stock does not know it."""
    return m[0] == of_messages.OF15 and m[1] in (18, 19) and m[8:10] == b"\0\x11"


def stat_trigger(m):
    """OpenFlow 1.5's instruction 7, of flows or of what tables can do, which stock does not know."""
    def of_flow(at):
        kind, n = struct.unpack("!HH", m[at:at + 4])
        return kind == 7 and n >= 8 and n % 8 == 0 and at + n <= len(m)
    if m[0] != of_messages.OF15:
        return False
    if m[1] in (18, 19) and m[8:10] == b"\0\x0c":
        return b"\0\7\0\4" in m
    return any(of_flow(at) for at in range(8, len(m) - 7, 8))


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


def unknown_to_stock(m):
    """Of OpenFlow 1.5: controller status, bundle features, short IDs, and the properties for two kinds of asynchronous messages."""
    if m[0] != of_messages.OF15:
        return False
    if m[1] in (18, 19):
        return m[8:10] in (b"\0\x12", b"\0\x13")
    if m[1] in (24, 25):
        return m[12:14] != b"\0\0"
    return m[1] == 35 or m[1] in (27, 28) and any(12 <= kind <= 15 for kind, _ in properties(m[8:]))


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


# "ct_{nw_{src,dst},mark}": stock takes what the first two share to be what all share.
NESTED_FIRST = re.compile(r"\w_\{\w+_\{")


def same(message, a, b):
    if unknown_to_stock(message) or "OFPST_TABLE_FEATURES" in b[:30] and NESTED_FIRST.search(b):
        return True
    if stat_trigger(message):
        if "OFPBIC_UNKNOWN_INST" in a:
            return True
        a, b = (re.sub(r"^ +(instructions: [a-z_ ]+|\(same instructions\))\n", "", text, flags=re.M) for text in (a, b))
    a, b = normal(message, a), normal(message, b)
    return a == b or (a == "***decode error***" and "***decode error" in b)


def differences(messages, tmp_path, *options):
    theirs = printed(stock, messages, tmp_path / "messages", *options)
    mine = printed(ours, messages, tmp_path / "messages", *options)
    return [(m, a, b) for m, a, b in zip(messages, theirs, mine) if not same(m, a, b)]


def show(found, n):
    text = "".join(f"\n--- {m.hex()}\nstock: {a}ours:  {b}" for m, a, b in found[:8])
    return f"{len(found)} of {n} messages differ{text}"


def comparable(messages):
    """Those that stock does not get wrong for a reason that docs/differences.md has."""
    return [applied_actions_of_11(m) for m in messages if not eviction_in_table_mod(m) and not vendor_feature_of_table(m) and
            not flow_counters(m)]


def split(stream):
    """The messages of a stream of bytes."""
    result, at = [], 0
    while at < len(stream):
        n, = struct.unpack("!H", stream[at + 2:at + 4])
        assert n >= 8 and at + n <= len(stream)
        result.append(stream[at:at + n])
        at += n
    return result
