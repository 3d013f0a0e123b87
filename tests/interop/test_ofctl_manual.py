# SPDX-License-Identifier: Apache-2.0
"""ovs-ofctl(8), command by command, with right and wrong arguments: our program prints what the stock one does, on both switches, and
both switches answer alike."""
import os
import re
import signal
import subprocess

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
        # An instruction of OpenFlow 1.5 that only ours knows.
        got = [(status, re.sub(r"(      instructions: .*) stat_trigger\b", r"\1", out), err) for status, out, err in got]
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


def test_output_that_cannot_be_written(sides):
    ours = sides[3]
    assert ours.run("add-flow", "br0", "priority=77,actions=drop")[0] == 0
    for words in (["show", "br0"], ["dump-flows", "br0"], ["--sort", "dump-flows", "br0"], ["parse-flow", "actions=1"], ["--help"], ["list-commands"]):
        with open("/dev/full", "w") as full:
            done = subprocess.run(ours.argv(words), env=ours.env, stdout=full, stderr=subprocess.PIPE, timeout=30, text=True)
        assert (done.returncode, done.stderr) == (1, "ovs-ofctl: write to stdout failed\n"), words
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(ours.argv(["dump-flows", "br0"]), env=ours.env, stdout=writer, stderr=subprocess.PIPE, timeout=30, text=True)
    os.close(writer)
    assert done.returncode == 1 and "write to stdout failed" in done.stderr  # as with `| head`, not a silent end by SIGPIPE


def test_interrupted(sides):
    for side in sides[2:]:
        p = subprocess.Popen(side.argv(["monitor", "br0"]), env=side.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        ctl = f"{side.dir}/ovs-ofctl.{p.pid}.ctl"
        harness.wait_until(lambda: os.path.exists(ctl), what="the monitor's socket, with its usual name")
        p.send_signal(signal.SIGINT)
        assert p.wait(10) == -signal.SIGINT
        assert not os.path.exists(ctl)


COMPLETION = "/usr/share/bash-completion/completions/ovs-appctl-bashcomp.bash"


@pytest.mark.skipif(not os.path.exists(COMPLETION), reason="no completion for bash here")
def test_completion(sides):
    """The script of the distribution finds commands and options of ours as it does those of the stock program."""
    ask = f"""source {COMPLETION}; for line in 'ovs-ofctl ' 'ovs-ofctl dump-f' 'ovs-ofctl --s' 'ovs-ofctl add-' 'ovs-ofctl show '; do
        COMP_LINE="$line"; read -ra COMP_WORDS <<< "$line"; case "$line" in *' ') COMP_WORDS+=('');; esac
        COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); COMPREPLY=(); _ovs_command_complete 2>/dev/null
        echo "$line: $(printf '%s\\n' "${{COMPREPLY[@]}}" | sort | tr '\\n' ' ')"; done"""
    found = []
    for side in sides[2:]:
        path = os.path.dirname(side.tool("ovs-ofctl")) + ":" + os.environ["PATH"]
        done = subprocess.run(["bash", "-c", ask], env=dict(side.env, PATH=path), capture_output=True, timeout=60, text=True)
        found.append(re.sub(r" --(bootstrap-ca-cert|peer-ca-cert|ssl-ciphersuites)\b", "", done.stdout))  # ours has these, too
    assert "dump-flows" in found[1] and "add-meter" in found[1], found[1]
    assert found[0] == found[1]
