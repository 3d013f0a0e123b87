# SPDX-License-Identifier: Apache-2.0
"""dpif-netdev/dpif-impl-*, subtable-lookup-*, miniflow-parser-*: what they list and force, with traffic; bad input is refused as stock does."""
import re

import pytest

from harness import Net, Switch, wait_until


@pytest.fixture
def switch():
    net = Net()
    s = Switch(netns=net.namespace("sw"))
    try:
        s.vsctl("add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=netdev")
        s.ofctl("add-flow", "br0", "in_port=1,actions=output:2")
        for number, devargs in ((2, "eth_null2,no-rx=1"), (1, "eth_null1,size=64,no-rx=0")):
            s.vsctl("add-port", "br0", f"p{number}", "--", "set", "interface", f"p{number}", "type=dpdk",
                    f"options:dpdk-devargs=\"{devargs}\"", f"ofport_request={number}")
        yield s
    finally:
        s.close()
        net.close()


def refused(s, *command):
    done = s.tool("ovs-appctl", f"dpif-netdev/{command[0]}", *command[1:], check=False)
    assert done.returncode == 2
    return done.stderr.splitlines()[0]


def implementations(s):
    """Names, and the cores that use them."""
    lines = s.appctl("dpif-netdev/dpif-impl-get").splitlines()
    assert lines[0] == "Available DPIF implementations:"
    return dict(re.fullmatch(r"  (\S+) \(pmds: (\S+)\)", line).groups() for line in lines[1:])


def n_packets(s):
    return int(re.search(r"n_packets=(\d+)", s.ofctl("dump-flows", "br0", "in_port=1"))[1])


def test_implementations(switch):
    s = switch
    names = implementations(s)
    core = next(c for c in names.values() if c != "none")
    assert list(names)[0] == "dpif_scalar" and names[list(names)[-1]] == core  # the best is chosen
    for name in names:
        assert s.appctl("dpif-netdev/dpif-impl-set", name) == f"DPIF implementation set to {name}.\n"
        assert [n for n, c in implementations(s).items() if c == core] == [name]
        before = n_packets(s)
        wait_until(lambda: n_packets(s) > before + 1000, what=f"packets by {name}")
    assert refused(s, "dpif-impl-set", "dpif_frob") == "DPIF implementation not available: Unknown DPIF implementation dpif_frob."


def test_searches(switch):
    s = switch

    def listed():
        lines = s.appctl("dpif-netdev/subtable-lookup-info-get").splitlines()
        assert lines[0] == "Available dpcls implementations:"
        return {m[1]: (int(m[2]), int(m[3])) for m in
                (re.fullmatch(r"  (\S+) \(Use count: (\d+), Priority: (\d+)\)", line) for line in lines[1:])}
    wait_until(lambda: n_packets(s) > 0, what="packets")
    best = list(listed())[-1]
    assert listed()["autovalidator"] == (0, 0) and listed()[best][0] > 0
    assert re.fullmatch(r"Lookup priority change affected 1 dpcls ports and \d+ subtables\.\n",
                        s.appctl("dpif-netdev/subtable-lookup-prio-set", "autovalidator", "200"))
    assert listed()["autovalidator"][0] > 0 and listed()[best][0] == 0
    before = n_packets(s)
    wait_until(lambda: n_packets(s) > before + 1000, what="packets by all")
    assert "disagree" not in s.log()
    assert refused(s, "subtable-lookup-prio-set", "frob", "1") == "error, subtable lookup function not found"
    assert refused(s, "subtable-lookup-prio-set", "generic", "256") == "error converting priority, use integer in range 0-255"


def test_parsers(switch):
    s = switch
    core = next(c for c in implementations(s).values() if c != "none")
    assert s.appctl("dpif-netdev/miniflow-parser-get") == f"Available MFEX implementations:\n  scalar (available: True pmds: {core})\n"
    assert s.appctl("dpif-netdev/miniflow-parser-set", "-pmd", core, "scalar") == \
        f"Miniflow extract implementation set to scalar, on pmd thread {core}.\n"
    assert refused(s, "miniflow-parser-set", "frob") == "Error: unknown miniflow extract implementation frob."
    assert refused(s, "miniflow-parser-set", "-pmd", "900", "scalar") == \
        "Error: miniflow extract parser not changed, PMD thread 900 not in use, pass a valid pmd thread ID."
