# SPDX-License-Identifier: Apache-2.0
"""The same `ovs-ofctl` command with both programs on both switches: four switches, one for each pair, so that their states stay the same."""
import contextlib
import pathlib
import re
import shlex
import subprocess

import harness
from dummy import Channel
from harness import ours, stock

VERSIONS = [f"OpenFlow1{n}" for n in range(6)]
SCRIPTS = pathlib.Path(__file__).parent / "ofctl"
LOG = re.compile(r"^\d{4}-\d\d-\d\dT[\d:.]+Z\|\d+\|", re.M)
TIMES = re.compile(r"\b(duration|idle_age|hard_age)([=:])[\d.]+s?")
# In no order from the stock switch, or each switch has its own.
UNORDERED = re.compile(r"\bdump-(flows|groups|group-stats|meters?)|\bmeter-stats|\bdiff-flows")


def normal(text, directory):
    text = LOG.sub("LOG|", TIMES.sub(r"\1\2T", text)).replace(directory, "DIR")
    text = re.sub(r"\(xid=0x[0-9a-f]+\)", "(xid=X)", text)
    text = re.sub(r"addr:aa:55:aa:55:00:\w\w", "addr:M", text)
    return re.sub(r"^\S*/ovs-ofctl: ", "ovs-ofctl: ", text, flags=re.M)


class Pair:
    """A switch of one side, driven by the program of one side."""

    def __init__(self, tool, switch, netns, n_ports=3):
        self.tool, self.of = tool, switch
        schema = None if switch is ours else "/usr/share/openvswitch/vswitch.ovsschema"
        args = ["--enable-dummy"] + ([] if switch is ours else ["--disable-system"])
        self.switch = harness.Switch(tools=switch, schema=schema, netns=netns, vswitchd_args=args)
        self.dir, self.env = self.switch.dir, self.switch.env
        self.name = f"{tool.name} tool, {switch.name} switch"
        make = ["add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=dummy", "fail_mode=secure", "protocols=" + ",".join(VERSIONS),
                "other-config:datapath-id=0000000000000b0b", "other-config:hwaddr=02:00:00:00:0b:0b"]
        for p in range(1, n_ports + 1):
            make += ["--", "add-port", "br0", f"p{p}", "--", "set", "interface", f"p{p}", "type=dummy", f"ofport_request={p}"]
        self.switch.vsctl(*make)
        self.channel = Channel(self.dir)

    def argv(self, words):
        return [self.tool("ovs-ofctl"), *(str(w).replace("DIR", self.dir) for w in words)]

    def run(self, *words, stdin=None, env=None):
        """(status, stdout, stderr), without what is never the same twice."""
        p = subprocess.run(self.argv(words), input=stdin, capture_output=True, timeout=30, env=dict(self.env, **(env or {})), cwd=self.dir)
        out, err = (b.decode(errors="backslashreplace") for b in (p.stdout, p.stderr))
        assert not any(f in err for f in harness.FINDINGS), err
        out = normal(out, self.dir)
        if UNORDERED.search(" ".join(words)) and not any("sort" in w for w in words):
            out = "\n".join(sorted(out.split("\n")))
        return p.returncode, out, normal(err, self.dir)

    def write(self, name, data):
        pathlib.Path(self.dir, name).write_bytes(data)

    def close(self):
        self.switch.close()


@contextlib.contextmanager
def pairs(n_ports=3):
    """The pairs (tool, switch): both stock, ours on stock, stock on ours, both ours."""
    net = harness.Net()
    made = []
    try:
        for tool, switch in ((stock, stock), (ours, stock), (stock, ours), (ours, ours)):
            made.append(Pair(tool, switch, net.namespace(f"{tool.name[0]}{switch.name[0]}"), n_ports))
        yield made
    finally:
        for p in made:
            p.close()
        net.close()


def unescape(text):
    return text.encode().decode("unicode_escape").encode("latin-1")


def read_script(name):
    """Lines of a script: (versions, words, stdin, differs), and ("!", file name, bytes) for files.

    "@ words" is done in OpenFlow 1.0 and 1.5, "@124 words" in those, other lines without -O. A line with "~" before it differs on
    purpose, as docs/differences.md says; '<<< "text"' is the standard input. "!NAME text" makes a file.
    """
    for line in (SCRIPTS / name).read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        if line.startswith("!"):
            path, text = shlex.split(line[1:])
            yield "!", path, unescape(text)
            continue
        differs = line.startswith("~")
        line = line[differs:]
        versions, stdin = [None], b""
        if line.startswith("@"):
            versions, line = line.split(" ", 1)
            versions = versions[1:] or "05"
        words = shlex.split(line)
        if "<<<" in words:
            at = words.index("<<<")
            words, stdin = words[:at], unescape(words[at + 1])
        for v in versions:
            yield differs, ([] if v is None else ["-O", f"OpenFlow1{v}"]) + words, stdin


def show(name, result):
    status, out, err = result
    return f"--- {name}: exit {status}\n{out}" + (f"--- stderr\n{err}" if err else "")


def unlike(words, a, a_name, b, b_name):
    return f"\n### {' '.join(words)}\n" + show(a_name, a) + show(b_name, b) if a != b else ""
