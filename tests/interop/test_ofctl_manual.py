# SPDX-License-Identifier: Apache-2.0
"""ovs-ofctl(8), command by command, with right and wrong arguments: our program prints what the stock one does, on both switches, and
both switches answer alike."""
import re

import pytest

import harness
import ofctl_sides
from ofctl_sides import unlike

# What our switch answers in its own way, see docs/differences.md, or has as a switch of its own (its version, its counters).
SWITCH_DIFFERS = re.compile(r"(get|set)-frags|queue-(stats|get-config)|dump-(desc|tables|table-features|group-features|ports)\b|"
                            r"meter-features|\bshow\b|\bmonitor|snoop|cookie=0/|--version|-vvconn|-vconsole")


@pytest.fixture(scope="module")
def sides():
    if not harness.is_root():
        pytest.skip("needs root: network namespaces")
    with ofctl_sides.pairs() as made:
        yield made


@pytest.mark.parametrize("script", ["options.txt", "show.txt", "flows.txt", "groups.txt", "offline.txt"])
def test_commands(sides, script):
    wrong = ""
    for line in ofctl_sides.read_script(script):
        if line[0] == "!":
            for side in sides:
                side.write(*line[1:])
            continue
        differs, words, stdin = line
        got = [side.run(*words, stdin=stdin) for side in sides]
        if differs:
            # Ours is never silent about what it does not do.
            for status, out, err in got[1::2]:
                if status not in (0, 1, 2) or (status == 1 and not re.match(r"(LOG\|.*\n)*(ovs-ofctl|OFPT_ERROR|Error)", err)):
                    wrong += f"\n### {' '.join(words)}\n" + ofctl_sides.show("ours", (status, out, err))
            continue
        for at in (0, 2):
            wrong += unlike(words, got[at], sides[at].name, got[at + 1], sides[at + 1].name)
        if not SWITCH_DIFFERS.search(" ".join(words)):
            wrong += unlike(words, got[0], sides[0].name, got[2], sides[2].name)
    assert not wrong, wrong[:20000]
