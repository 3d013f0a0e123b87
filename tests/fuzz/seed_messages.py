#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Inputs for fuzz_openflow_message: messages of every type and version from tests/interop/of_messages.py, as they are and in the form
that leaves out the header (see the target); and those of a file that tests/unit/openflow/message_generator wrote. Merge them into the
kept corpus with the target's own -merge=1.

Usage: seed_messages.py DIRECTORY [SEED [OF_EACH [FILE]]]"""
import pathlib
import re
import struct
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests/interop")]
import of_messages  # noqa: E402
from message_text import split  # noqa: E402

ROW = re.compile(r'\{"(\w+)",\s*T\((\w+)\),\s*(\w+),\s*([01]),\s*(V1\d),\s*(V1\d),\s*(\d+),\s*(\d+),\s*(\w+),')
VENDORS = {"0": None, "OFP_VENDOR_NX": of_messages.NX, "OFP_VENDOR_ONF": of_messages.ONF}


def types():
    text = (ROOT / "src/openflow/header.h").read_text()
    return re.findall(r"^\tOFPTYPE_(\w+),", text[text.index("enum ofptype"):], re.M)


def rows():
    """(kind, vendor, number, version) to (type, form)."""
    number, result = {name: i for i, name in enumerate(types())}, {}
    for name, kind_of, kind, nx, first, last, wire10, wire, vendor in ROW.findall((ROOT / "src/openflow/header.c").read_text()):
        form = 2 if name == "NXT_PACKET_IN2" else int(nx)
        for v in range(int(first[2]) + 1, int(last[2]) + 2):
            n = int(wire10) if kind == "STD" and v == of_messages.OF10 else int(wire)
            result[kind, VENDORS[vendor], n, v] = (number[kind_of], form)
    return result


def identify(m):
    """Kind, vendor, number and where the body begins."""
    v, t = m[0], m[1]
    stats = 16 if v == of_messages.OF10 else 18
    if t == 4:
        vendor, n = struct.unpack("!II", m[8:16])
        return "VEN", vendor, n, 16
    if t not in (stats, stats + 1):
        return "STD", None, t, 8
    kind, at = "REQ" if t == stats else "REP", 12 if v == of_messages.OF10 else 16
    n, = struct.unpack("!H", m[8:10])
    if n != 0xFFFF:
        return kind, None, n, at
    vendor, n = struct.unpack("!II", m[at:at + 8])
    return "V" + kind, vendor, n, at + (12 if v == of_messages.OF10 else 8)


def messages(seed, of_each):
    g = of_messages.Gen(seed)
    for row, v in of_messages.CASES * of_each:
        yield of_messages.build(g, row, v)
    if len(sys.argv) > 4:
        yield from split(pathlib.Path(sys.argv[4]).read_bytes())


def main():
    directory, seed, of_each = pathlib.Path(sys.argv[1]), int((sys.argv[2:] or [1])[0]), int((sys.argv[3:] or [4])[0])
    directory.mkdir(parents=True, exist_ok=True)
    known, n = rows(), 0
    for m in messages(seed, of_each):
        if len(m) > 4000:
            continue
        kind, vendor, number, at = identify(m)
        v = m[0]
        inputs = [m]
        if (kind, vendor, number, v) in known:
            type_, form = known[kind, vendor, number, v]
            inputs.append(bytes([0x80 | type_, v | form << 3]) + m[at:])
        for i in inputs:
            (directory / f"{seed}-{n}").write_bytes(i)
            n += 1
    print(n, "inputs")


if __name__ == "__main__":
    main()
