# SPDX-License-Identifier: Apache-2.0
"""Generated OpenFlow messages, valid ones and nearly valid ones, through both `ovs-ofctl ofp-parse`: what is printed must be the same.

MESSAGES sets how many, MESSAGES_SEED which."""
import os
import re
import struct

import pytest

import of_messages
from harness import ROOT, ours, run, stock
from message_text import comparable, differences, flow_counters, printed, same, show

N = int(os.environ.get("MESSAGES", "5000"))
SEED = int(os.environ.get("MESSAGES_SEED", "1"))


def generate(n, seed, mutations):
    g = of_messages.Gen(seed)
    result = []
    while len(result) < n:
        m = of_messages.build(g, *g.r.choice(of_messages.CASES))
        if len(m) > 60000:
            continue
        if mutations:
            m = of_messages.mutate(g, m)
        result += comparable([m])
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
    messages = [m for m in messages if not flow_counters(m)]
    theirs, mine = printed(stock, messages, tmp_path / "messages"), printed(ours, messages, tmp_path / "messages")
    found = [(m, a, b) for m, a, b in zip(messages, theirs, mine) if kind(a) != kind(b) and not same(m, a, b)]
    assert not found, show(found, len(messages))


def test_every_error(tmp_path):
    """Which types and codes each version has, said in its own way or as an experimenter's."""
    messages = []
    for v in of_messages.ALL:
        codes = [struct.pack("!HH", t, c) for t in range(24) for c in range(24)]
        codes += [struct.pack("!HHI", 0xFFFF, t, vendor) for vendor in (of_messages.NX, of_messages.ONF, 5) for t in [*range(64), *range(2298, 2320)]]
        codes += [struct.pack("!HHIHH", 0xB0C2, 0, of_messages.NX, t, c) for t in range(20) for c in [*range(8), *range(255, 280), *range(510, 540)]]
        messages += [of_messages.message(v, 1, c, 1) for c in codes]
    found = differences(messages, tmp_path)
    assert not found, show(found, len(messages))


def test_print_error():
    names = set(re.findall(r"OFPERR_ROW\(([A-Z]+_[A-Z0-9_]+)", (ROOT / "src/openflow/error_ids.h").read_text()))
    assert len(names) > 190
    for name in sorted(names) + ["OFPBRC", "ofpbrc_bad_len"]:
        theirs, mine = (run(tools("ovs-ofctl"), "print-error", name, check=False) for tools in (stock, ours))
        assert (theirs.returncode, theirs.stdout, theirs.stderr) == (mine.returncode, mine.stdout, mine.stderr)
