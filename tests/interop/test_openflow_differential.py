# SPDX-License-Identifier: Apache-2.0
"""Generated flows of every action and field, in every version of OpenFlow, through both `ovs-ofctl`: what is printed, what is refused and
the bytes that are sent must be the same; and bytes, whole and changed, through both `parse-actions`.

OPENFLOW_CASES sets how many (5000 or so is what `make check` has time for), OPENFLOW_SEED where they begin."""
import os
import random
import re
import subprocess

import pytest

import harness
from flow_sink import FlowSink
from openflow_generator import Generator

CASES = int(os.environ.get("OPENFLOW_CASES", "5000"))
SEED = int(os.environ.get("OPENFLOW_SEED", "1"))
VERSIONS = ["OpenFlow10", "OpenFlow11", "OpenFlow12", "OpenFlow13", "OpenFlow14", "OpenFlow15"]
SHARE = CASES // (3 * len(VERSIONS))
SHOW = 8


def run(tool, *args, **kw):
    return subprocess.run([tool, *args], capture_output=True, text=True, timeout=600, **kw)


def parse(tool, version, path):
    """Lines that one `parse-flows` prints for the flows of a file, which all are right."""
    done = run(tool, "-O", version, "parse-flows", str(path))
    assert not done.returncode, done.stderr
    return [line for line in re.split(r"\n(?=OFPT_FLOW_MOD|NXT_FLOW_MOD)", re.sub(r" ?\(xid=0x[0-9a-f]+\)", "", done.stdout)) if "FLOW_MOD" in line]


# What stock parses and cannot carry (differences.md says why ours refuses, or sends it in another form).
def is_known(flow, version):
    return (re.search(r"decap|dec_nsh_ttl|nsh_ttl|resubmit\(,9,ct\)", flow)
            or (version in ("OpenFlow10", "OpenFlow11") and re.search(r"set_field:[^-]*/[^-]*->", flow))
            or (re.search(r"zone=[a-zN]", flow) and "nat" in flow)  # stock does not look at what is in such a ct
            or re.search(r"tcp_flags=\S+?/0xfff,", flow)
            or re.search(r"load:[^,]*->(nsh_spi|nsh_ttl|tun_erspan)", flow)
            or re.search(r"set_field:.*/.*->nsh|nat\((src|dst),", flow))


def usable(tool, version, flows, path):
    """Those of the flows that the tool takes, in one process per flow at first refusal only."""
    good = []
    rest = list(flows)
    while rest:
        path.write_text("\n".join(rest) + "\n")
        done = run(tool, "-O", version, "parse-flows", str(path))
        bad = re.search(re.escape(str(path)) + r":(\d+): ", done.stderr)
        if not bad:
            return good + (rest if not done.returncode else [])
        n = int(bad.group(1)) - 1
        good += rest[:n]
        rest = rest[n + 1:]
    return good


@pytest.mark.parametrize("version", VERSIONS)
def test_flows(version, tmp_path):
    generator = Generator(SEED * 100 + VERSIONS.index(version))
    flows = [flow for flow in (generator.any_flow() for _ in range(2 * SHARE)) if not is_known(flow, version)][:2 * SHARE]
    path = tmp_path / "flows.txt"
    stock, ours = harness.stock("ovs-ofctl"), harness.ours("ovs-ofctl")
    # Every one alone must have a protocol in common with the version: parse-flows takes them together.
    singles = [flow for flow in flows if run(ours, "-O", version, "parse-flow", flow).returncode == 0]
    accepted = {tool: usable(tool, version, singles, path) for tool in (ours, stock)}
    both = [flow for flow in accepted[stock] if flow in set(accepted[ours])]
    refused = [flow for flow in accepted[stock] if flow not in set(accepted[ours])]
    path.write_text("\n".join(both) + "\n")
    want, got = parse(stock, version, path), parse(ours, version, path)
    chosen = [re.search("chosen protocol: .*", run(tool, "-O", version, "parse-flows", str(path)).stdout).group(0) for tool in (stock, ours)]
    assert chosen[0] == chosen[1]
    assert len(want) == len(got) == len(both) > SHARE / 2
    different = [f"{flow}\n  stock {a}\n  ours  {b}" for flow, a, b in zip(both, want, got) if a != b and "decode error" not in a]
    refused = [flow for flow in refused if "decode error" not in run(stock, "-O", version, "parse-flow", flow).stdout]
    assert not different, f"{len(different)} of {len(both)}:\n" + "\n".join(different[:SHOW])
    assert not refused, f"only stock takes {len(refused)}:\n" + "\n".join(refused[:SHOW])
    sent_bytes(version, [flow for flow, a in zip(both, want) if "decode error" not in a], path)


def actions_of(message):
    """The bytes of the actions that a flow mod applies; None when it has instructions besides."""
    version, kind = message[0], message[1]
    if version == 1:
        match_len = 0 if kind == 14 else int.from_bytes(message[40:42], "big")
        return message[72:] if kind == 14 else message[48 + (match_len + 7) // 8 * 8:]
    instructions = message[48 + (int.from_bytes(message[50:52], "big") + 7) // 8 * 8:]
    if version == 2:
        instructions = message[136:]
    if len(instructions) > 8 and instructions[1] == 4 and int.from_bytes(instructions[2:4], "big") == len(instructions):
        return instructions[8:]
    return None


def changed(r, actions):
    """A few bits or bytes of an action list are not what they were."""
    out = bytearray(actions)
    for _ in range(r.choice([1, 1, 2])):
        at = r.randrange(len(out))
        what = r.random()
        if what < 0.5:
            out[at] ^= 1 << r.randrange(8)
        elif what < 0.85:
            out[at] = r.choice([0, 1, 8, 16, 0xff])
        elif len(out) > 8:
            del out[at // 8 * 8:at // 8 * 8 + 8]
            return bytes(out)
    return bytes(out)


def verdict(text):
    """What one of the tools made of a line of bytes, without what docs/differences.md says of it."""
    text = text.replace("OFPBAC_BAD_SET_TYPE", "OFPBAC_BAD_SET_LEN")
    text = re.sub(r"(tlv\(0x[0-9a-f]{4},\d+,0x)0+(?=[0-9a-f])", r"\1", text)
    return re.sub(r"nat\((src|dst)(,(persistent|hash|random))+\)", r"nat(\1)", text)


def stock_takes_more(text):
    """Constants of learn that are wider than any field; what a field has no bits for."""
    return (any(int(last) >= 992 for last in re.findall(r"\[\d+\.\.(\d+)\]", text)) or "nsh_ttl" in text
            or re.search(r"set_field:0x[0-9a-f]{7,}(/\w+)?->nsh_spi", text))


@pytest.mark.parametrize("version", VERSIONS)
def test_changed_bytes(version, tmp_path):
    """The bytes of good lists, and of lists with something changed: printed the same, encoded again the same, or refused by both."""
    generator = Generator(SEED * 1000 + VERSIONS.index(version))
    r = random.Random(SEED)
    flows = [flow for flow in (generator.with_actions() for _ in range(SHARE)) if not is_known(flow, version)]
    ours = harness.ours("ovs-ofctl")
    path = tmp_path / "flows.txt"
    singles = [flow for flow in flows if run(ours, "-O", version, "parse-flow", flow).returncode == 0]
    path.write_text("\n".join(usable(ours, version, singles, path)) + "\n")
    sink = FlowSink(tmp_path / "sink")
    try:
        done = run(ours, "--no-names", "-O", version, "add-flows", f"unix:{sink.path}", str(path))
        assert not done.returncode, done.stderr
        lists = [actions_of(m) for m in sink.take() if len(m) > 24]
    finally:
        sink.close()
    lines = [line for a in lists if a for line in [a] + [changed(r, a) for _ in range(4)]]
    text = "\n".join(line.hex() for line in lines) + "\n"
    got = [run(tools("ovs-ofctl"), "parse-actions", version, input=text).stdout.split("\n\n") for tools in (harness.stock, harness.ours)]
    assert len(got[0]) == len(got[1]) == len(lines) + 1
    different = []
    for line, a, b in zip(lines, *got):
        if verdict(a) != verdict(b) and not stock_takes_more(a):
            different.append(f"{line.hex()}\n  stock {a}\n  ours  {b}")
    assert not different, f"{len(different)} of {len(lines)}:\n" + "\n".join(different[:SHOW])


def sent_bytes(version, flows, path):
    """Both send the flows to a switch that keeps them."""
    sink = FlowSink(path.parent / "sink")
    sent = []
    try:
        path.write_text("\n".join(flows) + "\n")
        for tools in (harness.stock, harness.ours):
            done = run(tools("ovs-ofctl"), "--no-names", "-O", version, "add-flows", f"unix:{sink.path}", str(path))
            assert not done.returncode, done.stderr
            sent.append([m[:4] + m[8:] for m in sink.take() if len(m) > 24])
    finally:
        sink.close()
    assert len(sent[0]) == len(sent[1]) == len(flows)
    different = [f"{flow}\n  stock {a.hex()}\n  ours  {b.hex()}" for flow, a, b in zip(flows, *sent) if a != b]
    assert not different, f"bytes of {len(different)} of {len(flows)}:\n" + "\n".join(different[:SHOW])
