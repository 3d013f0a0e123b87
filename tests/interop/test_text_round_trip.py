# SPDX-License-Identifier: Apache-2.0
"""What is printed can be read back: generated flows and groups of every version are sent, printed from what was sent, sent again from
what was printed, and printed again. The messages must be the same, and so must the texts.

ROUND_TRIP_CASES sets how many of each, ROUND_TRIP_SEED where they begin."""
import os
import re
import subprocess

import pytest

import harness
from command_generator import Commands
from flow_sink import FlowSink

CASES = int(os.environ.get("ROUND_TRIP_CASES", "250"))
SEED = int(os.environ.get("ROUND_TRIP_SEED", "1"))
VERSIONS = ["OpenFlow10", "OpenFlow11", "OpenFlow12", "OpenFlow13", "OpenFlow14", "OpenFlow15"]


def send(version, verb, texts, where):
    """The messages that lines of a file become."""
    path = where / "texts"
    path.write_text("\n".join(texts) + "\n")
    sink = FlowSink(where / "sink")
    try:
        done = subprocess.run([harness.ours("ovs-ofctl"), "--no-names", "-O", version, verb, f"unix:{sink.path}", str(path)], capture_output=True, text=True, timeout=120)
        assert not done.returncode, done.stderr
        return [m[:4] + m[8:] for m in sink.take()]
    finally:
        sink.close()


def printed(messages, where):
    """The texts of messages, as one who types them would write them."""
    path = where / "messages"
    path.write_bytes(b"".join(m[:4] + b"\0\0\0\1" + m[4:] for m in messages))
    out = subprocess.run([harness.ours("ovs-ofctl"), "--no-names", "ofp-parse", str(path)], capture_output=True, text=True, timeout=120, check=True).stdout
    texts = re.findall(r"^(?:OFPT|NXT|NXST)_(?:FLOW|GROUP)_MOD.*?:\s+(ADD .*)", out, re.M)
    return [typed(t) for t in texts]


def typed(text):
    """Flow mods are printed in short words."""
    for short, word in (("table:", "table="), ("cookie:", "cookie="), ("idle:", "idle_timeout="), ("hard:", "hard_timeout="), ("importance:", "importance=")):
        head, actions, rest = text.partition(" actions=")
        text = re.sub(r"(?<= )" + short, word, head) + actions + rest
    return text.replace("ADD ", "add ", 1)


# What is printed in other words than it was sent in, as stock does: ranges of one; enqueue of OpenFlow 1.1 and later is three actions;
# some bits of a field that has no masks, or all bits of one that has; table 0.
OTHER_WORDS = re.compile(r"(?<!\w)table=0,|load:\w+->(nsh_|tun_flags)|[+-]oam->|10\.0\.0\.1:5-5|10\.0\.0\.1-10\.0\.0\.1|enqueue|set_field:[^,]*/[^,]*->(nsh_|in_port|nd_|nw_|ip_dscp|icmp|mpls_|vlan_pcp)")


def alone(version, verb, texts, where):
    """Those that can be sent in this version, and be read again by who gets them."""
    good = []
    for text in texts:
        done = subprocess.run([harness.ours("ovs-ofctl"), "-O", version, "parse-flow" if verb == "add-flows" else "parse-group", text], capture_output=True, text=True, timeout=60)
        if not done.returncode and "decode error" not in done.stdout and not OTHER_WORDS.search(text + done.stdout):
            good.append(text)
    return good


def together(version, verb, texts, where):
    """A file goes out in one protocol; over OpenFlow 1.0 there are two."""
    if version != "OpenFlow10":
        return texts
    nxm = [t for t in texts if "NXM" in subprocess.run([harness.ours("ovs-ofctl"), "-O", version, "parse-flow", t], capture_output=True, text=True, timeout=60).stdout.split("\n")[0]
           or verb != "add-flows"]
    return nxm


@pytest.mark.parametrize("verb", ["add-flows", "add-groups"])
@pytest.mark.parametrize("version", VERSIONS)
def test_round_trip(version, verb, tmp_path):
    t = Commands(SEED * 100 + VERSIONS.index(version))
    makes = (lambda: ",".join([*t.options(), t.any_flow()])) if verb == "add-flows" else t.group
    made = [makes() for _ in range(CASES if verb == "add-flows" else CASES // 3)]
    texts = together(version, verb, alone(version, verb, made, tmp_path), tmp_path)
    assert len(texts) > len(made) / 20
    first = send(version, verb, texts, tmp_path)
    again = printed(first, tmp_path)
    assert len(first) == len(again) == len(texts)
    second = send(version, verb, again, tmp_path)
    different = [f"{a}\n  is printed as {b}\n  {x.hex()}\n  {y.hex()}" for a, b, x, y in zip(texts, again, first, second) if x != y]
    assert not different, f"{len(different)} of {len(texts)}:\n" + "\n".join(different[:6])
    assert printed(second, tmp_path) == again
