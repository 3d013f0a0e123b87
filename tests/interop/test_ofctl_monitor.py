# SPDX-License-Identifier: Apache-2.0
"""`ovs-ofctl monitor` with all its arguments, and the commands that it takes while it runs: the same from both programs."""
import contextlib
import difflib
import os
import re
import socket
import struct
import subprocess

import pytest

import harness
import ofctl_sides
from dummy import Channel
from harness import wait_until
from ofctl_sides import unlike


def frame(ttl):
    def checksum(header):
        total = sum(struct.unpack("!10H", header))
        total = (total & 0xffff) + (total >> 16)
        return ~((total & 0xffff) + (total >> 16)) & 0xffff
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 28, 0, 0, ttl, 17, 0, bytes([10, 0, 0, 1]), bytes([10, 0, 0, 2]))
    ip = ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:]
    return (bytes.fromhex("0000000000020000000000010800") + ip + struct.pack("!HHHH", 1, 2, 8, 0)).hex()


class Control(Channel):
    """The commands of a monitor."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)


class Monitor:
    def __init__(self, side, *words):
        self.side, self.path, self.ctl = side, f"{side.dir}/monitor.out", f"{side.dir}/monitor.ctl"
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.ctl)
        self.control = None
        self.out = open(self.path, "w")
        self.process = subprocess.Popen(side.argv(["--unixctl", self.ctl, *words]), env=side.env, cwd=side.dir, stdout=self.out, stderr=self.out)

    def ready(self):
        def listens_or_ended():
            with contextlib.suppress(OSError):
                self.control = Control(self.ctl)
            return self.control or self.process.poll() is not None
        wait_until(listens_or_ended, what=f"{self.side.name}: {self.process.args}")

    def text(self):
        with open(self.path) as f:
            return f.read()

    def call(self, *argv):
        return self.control.request(*argv) if self.control else None

    def sees(self, more):
        """Waits until the text has grown by a message of that name."""
        before = self.text().count(more)
        return lambda: wait_until(lambda: not self.control or self.text().count(more) > before, what=f"{self.side.name}: {more} in\n{self.text()}")

    def end(self):
        if self.process.poll() is None and self.control:
            self.call("exit")
        try:
            status = self.process.wait(10)
        finally:
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait()
            self.out.close()
        text = re.sub(r"\S+\|ofp_msgs\|WARN\|.*\n", "", self.text())  # ours says it in the message's place only
        text = ofctl_sides.normal(text, self.side.dir)
        text = re.sub(r"duration[\d.]+s", "durationT", re.sub(r"bridge=[-0-9a-f]{36}", "bridge=U", text))
        return status, re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}: ", "TIME: ", text)


@pytest.fixture(scope="module")
def sides():
    if not harness.is_root():
        pytest.skip("needs root: network namespaces")
    with ofctl_sides.pairs() as made:
        yield made


FLOWS = [("ofctl", "-O", "OpenFlow13", "add-flow", "br0", "priority=9,arp,actions=1"),
         ("ofctl", "-O", "OpenFlow13", "mod-flows", "br0", "arp,actions=2"),
         ("ofctl", "-O", "OpenFlow13", "del-flows", "br0", "arp"),
         ("ofctl", "-O", "OpenFlow13", "add-flow", "br0", "table=3,cookie=5,priority=8,ip,actions=2"), ("call", "ofctl/barrier")]
CHANGES = [("packet", 64), ("ofctl", "add-flow", "br0", "priority=9,arp,send_flow_rem,actions=drop"), ("sees", "FLOW_REMOVED", "del-flows", "br0", "arp"),
           ("call", "ofctl/barrier")]
TO_US = ["add-flow", "br0", "actions=controller(max_len=20)"]
EXPIRES = ["add-flow", "br0", "ip,actions=dec_ttl,2"]
PAUSED = ["add-flow", "br0", "ip,actions=controller(pause),2"]
WATCHES = ["", "!initial", "!add,!delete", "!modify,!own", "!actions", "table=3", "out_port=2", "arp", "table=3,!initial,ip", "foo", "in_port=p1"]
OUT = "in_port=1 packet=505400000007505400000008080045000028 actions=2"


def commands(version):
    """What ofctl/send and its like say to right and wrong arguments, in a connection of this version (two digits)."""
    return [("call", "ofctl/send", version + "02000800000005"), ("call", "ofctl/send", version + "02000800000005", version + "0200080000 0006"),
            ("call", "ofctl/send", "zz"), ("call", "ofctl/send", ""), ("call", "ofctl/send", version + "02"), ("call", "ofctl/send"),
            ("call", "ofctl/send", version + "ff000800000007"), ("call", "ofctl/send", version + "02fff800000009"), ("call", "ofctl/barrier"),
            ("call", "ofctl/barrier", "x"), ("call", "ofctl/block"), ("call", "ofctl/block"), ("call", "ofctl/unblock"),
            ("call", "ofctl/unblock"), ("call", "ofctl/packet-out", OUT), ("call", "ofctl/packet-out"), ("call", "ofctl/set-output-file"),
            ("call", "ofctl/set-output-file", "/nope/x"), ("call", "foo"), ("call", "ofctl/barrier")]


SCENARIOS = []
for v in ("OpenFlow10", "OpenFlow13", "OpenFlow15"):
    SCENARIOS += [(v, ["monitor", "br0", "100"], CHANGES, TO_US), (v, ["-m", "--timestamp", "monitor", "br0", "65534"], CHANGES, TO_US),
                  (v, ["--names", "monitor", "br0", "65534"], CHANGES, TO_US), (v, ["monitor", "br0", "65534", "resume"], [("packet", 64)], PAUSED),
                  (v, ["monitor", "br0", "65534", "invalid_ttl"], [("packet", 1)], EXPIRES),
                  (v, ["monitor", "br0", "65534"], commands({"OpenFlow10": "01", "OpenFlow13": "04", "OpenFlow15": "06"}[v]), TO_US)]
    SCENARIOS += [(v, ["-P", p, "monitor", "br0", "65534"], [("packet", 64)], TO_US) for p in ("standard", "nxt_packet_in", "nxm")]
    SCENARIOS += [(v, ["monitor", "br0", "watch:" + w], FLOWS, TO_US) for w in (WATCHES if v == "OpenFlow10" else WATCHES[::3])]


def play(sides, version, words, steps, flow):
    """The results of each side: answers, and what the monitor printed."""
    monitors = []
    results = [[] for _ in sides]
    try:
        for side in sides:
            assert side.run(*flow)[0] == 0
            monitors.append(Monitor(side, "-O", version, *words))
        for m in monitors:
            m.ready()
        for kind, *args in steps:
            for side, m, result in zip(sides, monitors, results):
                if kind == "packet":
                    seen = m.sees("PACKET_IN")
                    side.channel.call("netdev-dummy/receive", "p1", frame(*args))
                    seen()
                elif kind == "sees":
                    seen = m.sees(args[0])
                    assert side.run(*args[1:])[0] == 0
                    seen()
                elif kind == "ofctl":
                    assert side.run(*args)[0] == 0
                else:
                    result.append(m.call(*args))
    finally:
        for side, m, result in zip(sides, monitors, results):
            result.append(m.end())
            side.run("-O", "OpenFlow13", "del-flows", "br0")
    return results


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda s: " ".join([s[0], *s[1]]))
def test_monitor(sides, scenario):
    got = play(sides, *scenario)
    for at in (0, 2):
        # What the switch sends by itself comes before or after its answers, as it happens.
        theirs, mine = (sorted("\n".join(str(part) for answer in got[i] for part in (answer or ())).split("\n")) for i in (at, at + 1))
        assert mine == theirs, "\n".join(difflib.unified_diff(theirs, mine, sides[at].name, sides[at + 1].name, lineterm="", n=1))


def test_detached(sides):
    """In the background: who called goes on at once, a pidfile tells who it is, and the output goes where it is told to."""
    for side in sides[:2]:
        words = ["--detach", f"--pidfile={side.dir}/mon.pid", f"--unixctl={side.dir}/mon.ctl", f"--log-file={side.dir}/mon.log", "monitor", "br0"]
        with open(f"{side.dir}/null", "w") as null:
            done = subprocess.run(side.argv(words), env=side.env, cwd=side.dir, timeout=30, stdin=subprocess.DEVNULL, stdout=null, stderr=null)
        assert done.returncode == 0
        with open(f"{side.dir}/mon.pid") as f:
            pid = int(f.read())
        try:
            again = side.run(*words)
            assert again[0] == 1 and "already running as pid" in again[2], again
            control = Control(f"{side.dir}/mon.ctl")  # whoever called came back when it listened
            assert control.request("ofctl/set-output-file", f"{side.dir}/told")[0]
            assert control.request("ofctl/send", "0102000800000005") == (True, "sent\n")
            assert control.request("ofctl/barrier")[0]
            with open(f"{side.dir}/told") as f:
                text = f.read()
            assert "OFPT_ECHO_REPLY (xid=0x5)" in text and "OFPT_BARRIER_REPLY" in text, text
            assert control.request("exit")[0]
            wait_until(lambda: not os.path.exists(f"/proc/{pid}"), what="the end")
            assert not os.path.exists(f"{side.dir}/mon.pid") and not os.path.exists(f"{side.dir}/mon.ctl")
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, 9)
