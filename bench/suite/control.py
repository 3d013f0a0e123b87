# SPDX-License-Identifier: Apache-2.0
"""The control plane: flows by the hundred thousand, and the database's commands."""
import random
import subprocess
import time

from .client import mixed_flows
from .sides import Side, ours, stock
from .workload import Workload


def random_flows(path, n=100_000):
    r = random.Random(1)
    with open(path, "w") as f:
        for _ in range(n):
            f.write(f"table={r.randrange(4)},priority={r.randrange(1, 65535)},ip,nw_src={r.randrange(1, 224)}.{r.randrange(256)}."
                    f"{r.randrange(256)}.{r.randrange(256)},nw_dst=10.{r.randrange(256)}.{r.randrange(256)}.0/24,"
                    f"actions=mod_dl_dst:00:00:00:00:00:01,output:{r.randrange(1, 9)}\n")


def timed(do, *args, **kw):
    begin = time.monotonic()
    result = do(*args, **kw)
    return time.monotonic() - begin, result


class Control(Workload):
    """`measure` gets a fresh switch."""

    def __init__(self, name, unit, measure):
        super().__init__(name, unit)
        self.what = measure

    def sides(self, stack):
        return [ours, stock]

    def measure(self, tools):
        with Side(tools) as side:
            return self.what(side)


def add(side, *options):
    path = f"{side.switch.dir}/flows"
    random_flows(path)
    return timed(side.switch.ofctl, *options, "add-flows", "br0", path, timeout=300)[0]


def parse(side):
    """Only ovs-ofctl: 100,000 flows of several kinds, read, encoded, decoded and printed."""
    path = f"{side.switch.dir}/flows"
    mixed_flows(path)
    program = side.switch.tools("ovs-ofctl")  # what it prints is read by nobody, whose time would be measured too
    return timed(subprocess.run, [program, "-O", "OpenFlow13", "parse-flows", path], stdout=subprocess.DEVNULL, check=True)[0]


def add_bundle(side):
    return add(side, "-O", "OpenFlow14", "--bundle")


def dump(side):
    add(side)
    seconds, out = timed(side.switch.ofctl, "dump-flows", "br0", timeout=300)
    assert out.count("\n") > 90_000
    return seconds


def delete(side):
    add(side)
    return timed(side.switch.ofctl, "del-flows", "br0", timeout=300)[0]


def memory(side):
    before = side.rss()
    add(side)
    return (side.rss() - before) / 1e6


def vsctl_no_wait(side):
    def work():
        for i in range(50):
            side.switch.vsctl("--no-wait", "set", "bridge", "br0", f"external_ids:i={i}")
    return timed(work)[0] / 50 * 1000


def add_port(side):
    def work():
        for i in range(30):
            side.switch.vsctl("add-port", "br0", f"i{i}", "--", "set", "interface", f"i{i}", "type=internal")
    return timed(work)[0] / 30 * 1000


def two_hundred(side):
    adding, deleting = [], []
    for i in range(200):
        adding += ["--", "add-port", "br0", f"i{i}", "--", "set", "interface", f"i{i}", "type=internal"]
        deleting += ["--", "del-port", "br0", f"i{i}"]
    added = timed(side.switch.vsctl, *adding)[0]
    return added, timed(side.switch.vsctl, *deleting)[0]


class ThousandPorts(Control):
    """Bridges with a thousand dummy ports: it is the switch that is measured, not the kernel's devices."""

    def measure(self, tools):
        with Side(tools, datapath="dummy") as side:
            return self.what(side)


def dummies(side, names):
    args = []
    for name in names:
        args += ["--", "add-port", "br0", name, "--", "set", "interface", name, "type=dummy"]
    return timed(side.switch.vsctl, *args)[0]


def thousand_ports(side):
    return dummies(side, [f"q{i}" for i in range(1000)])


def last_of_thousand_ports(side):
    thousand_ports(side)
    return min(dummies(side, [f"z{i}"]) for i in range(10)) * 1000


def flood_to_thousand_ports(side):
    """Broadcasts, each of another sender, so that each is translated: from the command to the last port's counter."""
    thousand_ports(side)
    side.switch.ofctl("add-flow", "br0", "actions=NORMAL")

    def work():
        for i in range(100):
            side.switch.appctl("netdev-dummy/receive", "q0", f"ffffffffffff0000000001{i:02x}0806" + "00" * 46)
    return timed(work)[0] * 10


def with_aim(workload, aim):
    workload.aim = aim
    return workload


WORKLOADS = [
    with_aim(Control("add-flows-100k", "s", add), 1.5),
    with_aim(Control("add-flows-100k-bundle", "s", add_bundle), 0.7),
    with_aim(Control("dump-flows-100k", "s", dump), 0.4),
    Control("parse-flows-100k", "s", parse),
    Control("del-flows-100k", "s", delete),
    with_aim(Control("memory-of-100k-flows", "MB", memory), 40),
    with_aim(Control("vsctl-no-wait-set", "ms", vsctl_no_wait), 5),
    with_aim(Control("vsctl-add-port", "ms", add_port), 10),
    ThousandPorts("add-1000-ports", "s", thousand_ports),
    ThousandPorts("add-port-1001", "ms", last_of_thousand_ports),
    ThousandPorts("flood-1000-ports", "ms", flood_to_thousand_ports),
    with_aim(Control("vsctl-add-200-ports", "s", lambda side: two_hundred(side)[0]), 0.15),
    with_aim(Control("vsctl-del-200-ports", "s", lambda side: two_hundred(side)[1]), 0.3),
]
