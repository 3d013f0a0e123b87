# SPDX-License-Identifier: Apache-2.0
"""`ovs-ofctl --color`: generated messages and flows of every action and field through both programs, which must put the same colours around
the same words, and without the colours print what they print without `--color`; OVS_COLORS, well and badly formed; what a terminal gets.

COLOR_CASES sets how many flows, COLOR_SEED which."""
import os
import pty
import re
import subprocess

import pytest

import harness
from flow_sink import FlowSink
from openflow_generator import Generator
from test_message_differential import generate, printed, same, show
from test_openflow_differential import VERSIONS, is_known, run, usable

CASES = int(os.environ.get("COLOR_CASES", "1800"))
SEED = int(os.environ.get("COLOR_SEED", "1"))
ESCAPE = re.compile(r"\033\[[0-9;]*m\033\[K")
COLORS = ["ac", "dr", "le", "pm", "pr", "sp", "vl"]


def normal(text):
    """Where stock, with colours, prints what it does not print without (see docs/differences.md)."""
    text = text.replace("),\033[m\033[K\033[35m", ")\033[m\033[K\033[35m").replace("),\033[m\033[K", ")\033[m\033[K,")
    return re.sub(r"^([-+]) actions=", r"\1actions=", text, flags=re.M)


def compare(messages, path, *options):
    theirs = [normal(text) for text in printed(harness.stock, messages, path, "--color=always", *options)]
    mine = printed(harness.ours, messages, path, "--color=always", *options)
    plain = printed(harness.ours, messages, path, *options)
    found = [(m, a, b) for m, a, b in zip(messages, theirs, mine) if not same(m, a, b)]
    assert not found, show(found, len(messages))
    found = [(m, a, ESCAPE.sub("", b)) for m, a, b in zip(messages, plain, mine) if a != ESCAPE.sub("", b)]
    assert not found, show(found, len(messages))
    return sum("\033" in text for text in mine)


@pytest.mark.parametrize("options", [[], ["-m"]])
def test_messages(tmp_path, options):
    messages = generate(2 * CASES, SEED, False)
    assert compare(messages, tmp_path / "messages", *options) > CASES / 8


@pytest.mark.parametrize("version", VERSIONS)
def test_flows(version, tmp_path):
    generator = Generator(SEED * 100 + VERSIONS.index(version))
    flows = [generator.any_flow() for _ in range(CASES // len(VERSIONS))]
    ours, path = harness.ours("ovs-ofctl"), tmp_path / "flows.txt"
    flows = [flow for flow in flows if not is_known(flow, version) and not run(ours, "-O", version, "parse-flow", flow).returncode]
    path.write_text("\n".join(usable(ours, version, flows, path)) + "\n")
    sink = FlowSink(tmp_path / "sink")
    try:
        done = run(ours, "--no-names", "-O", version, "add-flows", f"unix:{sink.path}", str(path))
        assert not done.returncode, done.stderr
        messages = [m for m in sink.take() if len(m) > 24]
    finally:
        sink.close()
    assert compare(messages, tmp_path / "messages") > len(flows) / 2


def test_commands(tmp_path):
    """What else prints flows, actions and groups."""
    one, other = tmp_path / "one", tmp_path / "other"
    one.write_text("table=1,priority=5,cookie=7,idle_timeout=9,tcp,actions=output:2\nip,actions=drop\n")
    other.write_text("ip,actions=learn(table=2,reg0=5),resubmit(,3)\nactions=drop\n")
    group = "group_id=1,type=select,bucket=weight:1,watch_port=3,actions=output:2,load:5->reg0"
    for argv, text in [(["parse-flow", "ip,reg1=5/7,actions=ct(commit,exec(load:1->ct_mark)),2"], None), (["parse-flows", str(one)], None),
                       (["-O", "OpenFlow13", "parse-group", group], None), (["diff-flows", str(one), str(other)], None),
                       (["parse-actions", "OpenFlow10"], "0000 0008 0001 0000\n"), (["parse-instructions", "OpenFlow13"], "0001 0008 05 000000\n"),
                       (["parse-ofp10-match"], "003820ef" + "00" * 18 + "0806" + "00" * 16 + "\n"),
                       (["parse-nx-match"], "NXM_OF_ETH_TYPE(0800)\n"), (["parse-oxm", "OpenFlow13"], "OXM_OF_ETH_TYPE(0800)\n")]:
        got = [run(tools("ovs-ofctl"), "--color=always", *argv, input=text) for tools in (harness.stock, harness.ours)]
        lines = [sorted(normal(done.stdout).split("\n")) for done in got]
        assert lines[0] == lines[1], argv
        assert got[0].returncode == got[1].returncode, argv


FLOW = "table=1,priority=5,ip,reg0=1,actions=drop"
FULL = "ip,actions=learn(table=1),ct(commit),output:2,mod_nw_tos:4"


@pytest.mark.parametrize("colors", [None, "", ":", "=", "sp=1", "sp=", "sp=31:vl=", "sp=foo", "xx=5:sp=31", "sp=31:xx=5", ":::sp=31", "sp=31:sp=32", "sp =31", " sp=31",
                                    "SP=31", "sp=31;1", "sp=31,1", "sp=31m", "sp=0031", "sp=-1", "sp=31=5:vl=35", "sp=;31;", "sp=" + "1" * 300, "vl=38;5;196", "pm=7:vl=",
                                    ":".join("%s=%d" % (name, i) for i, name in enumerate(COLORS))])
def test_environment(colors):
    env = {k: v for k, v in os.environ.items() if k != "OVS_COLORS"} | ({"OVS_COLORS": colors} if colors is not None else {})
    for flow in FLOW, FULL:
        got = [run(tools("ovs-ofctl"), "--color=always", "parse-flow", flow, env=env).stdout for tools in (harness.stock, harness.ours)]
        assert got[0] == got[1]
        assert "\033" in got[1]


def test_capability_without_value():
    """Stock prints "(null)" in its escape sequences."""
    got = [run(harness.ours("ovs-ofctl"), "--color=always", "parse-flow", FULL, env=os.environ | {"OVS_COLORS": colors}).stdout for colors in ("sp:vl=5", "vl=5")]
    assert got[0] == got[1]


def on_terminal(tool, *argv, **env):
    master, slave = pty.openpty()
    try:
        program = subprocess.Popen([tool, *argv], stdin=slave, stdout=slave, stderr=slave, env={"PATH": os.environ["PATH"], **env})
        os.close(slave)
        text = b""
        try:
            while True:
                text += os.read(master, 65536)
        except OSError:  # nobody has the terminal open any more
            program.wait(60)
            return text.decode()
    finally:
        os.close(master)


@pytest.mark.parametrize("when", ["--color", "--color=auto", "--color=tty", "--color=If-TTY", "--color=always", "--color=YES", "--color=force", "--color=never",
                                  "--color=no", "--color=none", "--color=ye", "--color=", "--color=always1", None])
def test_when(when):
    argv = [w for w in [when] if w] + ["parse-flow", FLOW]
    got = [run(tools("ovs-ofctl"), *argv) for tools in (harness.stock, harness.ours)]
    assert (got[0].returncode, got[0].stdout) == (got[1].returncode, got[1].stdout)
    assert got[0].stderr.split(": ", 1)[1:] == got[1].stderr.split(": ", 1)[1:]
    for env in {}, {"TERM": "dumb"}, {"TERM": "xterm"}:
        theirs, mine = (on_terminal(tools("ovs-ofctl"), *argv, **env).replace(str(tools("ovs-ofctl")), "") for tools in (harness.stock, harness.ours))
        assert theirs == mine


def test_dumps(tmp_path):
    """Of a running switch, by both programs; only the ages of the flows differ."""
    flows = tmp_path / "flows.txt"
    flows.write_text("table=1,priority=5,cookie=7,tcp,in_port=1,actions=ct(commit,nat(src=1.2.3.4)),output:2\n"
                     "idle_timeout=5000,hard_timeout=7000,importance=3,send_flow_rem,ip,actions=learn(table=2,reg0=5),resubmit(,3)\nactions=drop\n")
    s = harness.Switch(vswitchd_args=["--enable-dummy=override", "--disable-system"])
    try:
        s.vsctl("add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=dummy", "protocols=[OpenFlow10,OpenFlow13,OpenFlow14]")
        run(harness.ours("ovs-ofctl"), "-O", "OpenFlow14", "add-flows", "br0", str(flows), env=s.env)
        run(harness.ours("ovs-ofctl"), "-O", "OpenFlow13", "add-group", "br0", "group_id=1,type=all,bucket=output:1,bucket=exit", env=s.env)
        for argv in [["dump-flows", "br0"], ["dump-flows", "br0", "--names", "--sort"], ["-O", "OpenFlow14", "dump-flows", "br0", "--no-stats"],
                     ["-O", "OpenFlow14", "--no-names", "dump-flows", "br0"], ["-O", "OpenFlow13", "dump-groups", "br0"], ["dump-tables", "br0"]]:
            got = [re.sub(r"duration=(\033\[m\033\[K)[0-9.]+s|xid=0x\w+|idle_age=(\033\[m\033\[K)\d+", "", normal(run(tools("ovs-ofctl"), "--color=always", *argv, env=s.env).stdout))
                   for tools in (harness.stock, harness.ours)]
            assert got[0] == got[1], argv
            assert ("\033" in got[1]) == (argv[-2] != "dump-tables"), argv
    finally:
        s.close()
