# SPDX-License-Identifier: Apache-2.0
"""Generated texts, whole ones and ones with something wrong in them, through both `ovs-ofctl`: flows, groups and meters, arguments of
commands, files and input. What is printed where, the exit status and what is sent to a switch must be the same.

TEXT_CASES sets how many (the programs are started twice for each), TEXT_SEED where they begin."""
import os
import queue
from concurrent.futures import ThreadPoolExecutor

import pytest

import harness
from command_generator import Commands
from flow_sink import ONF_BUNDLE_CONTROL, FlowSink
from text_differences import NESTS, call, deliberate

CASES = int(os.environ.get("TEXT_CASES", "1500"))
SEED = int(os.environ.get("TEXT_SEED", "1"))
VERSIONS = ["OpenFlow10", "OpenFlow11", "OpenFlow12", "OpenFlow13", "OpenFlow14", "OpenFlow15"]
TOOLS = [lambda: harness.stock("ovs-ofctl"), lambda: harness.ours("ovs-ofctl")]
WORKERS = 2


class Offline:
    """Asks with the last argument as an argument, as a file, or as standard input."""

    def __init__(self, where, how):
        self.where, self.how, self.n = where, how, 0

    def ask(self, side, argv):
        tool = TOOLS[side]()
        if self.how == "argument":
            return call(tool, argv, self.where)
        if self.how == "input":
            status, out, err = call(tool, argv[:-1], self.where, argv[-1].encode("latin1"))
            # Of a match whose Ethernet fields were left out for want of others, the stock program says that it is Ethernet.
            return status, out.replace("OXM_OF_PACKET_TYPE(00000000), ", ""), err
        path = self.where / "file"
        path.write_bytes(argv[-1].encode("latin1"))
        return call(tool, [*argv[:-1], path.name], self.where)

    def close(self):
        pass


def is_close(message):
    """Ours closes a bundle before it commits it, to learn whether all of it is right."""
    return (message[0] >= 5 and message[1] == 33 and message[12:14] == b"\0\2") or (message[1] == 4 and message[8:16] == ONF_BUNDLE_CONTROL and message[20:22] == b"\0\2")


class Connected(Offline):
    """Asks with a switch that keeps what it is sent in the place of SWITCH."""

    def __init__(self, where, how):
        super().__init__(where, how)
        self.sinks = [FlowSink(where / f"sink{side}", keep_all=True) for side in range(2)]

    def ask(self, side, argv):
        sink = self.sinks[side]
        status, out, err = super().ask(side, ["--no-names", *("unix:" + sink.path if a == "SWITCH" else a for a in argv)])
        sent = [m[:4] + m[8:] for m in sink.take() if not is_close(m)]
        if "received bad reply" in err or err.startswith("OFPT_ERROR"):  # what it has not is an error; not the same request is the first
            return status, "", "", sent[:1]
        return status, out.replace(sink.path, "SWITCH"), err.replace(sink.path, "SWITCH"), sent

    def close(self):
        for sink in self.sinks:
            sink.close()


def differences(commands, make, where):
    """What differs without a reason; in the order of the commands."""
    places = queue.Queue()
    for i in range(WORKERS):
        (where / str(i)).mkdir(exist_ok=True)
        places.put(make(where / str(i)))

    def judge(argv):
        place = places.get()
        try:
            asks = [lambda c, side=side: place.ask(side, c) for side in range(2)]
            results = [ask(argv) for ask in asks]
            return None if deliberate(argv, *results, asks) else (argv, *results)
        finally:
            places.put(place)

    try:
        with ThreadPoolExecutor(WORKERS) as pool:
            return [found for found in pool.map(judge, commands) if found]
    finally:
        while not places.empty():
            places.get().close()


def flows(t):
    return ["parse-flow", t.any_flow()]


def groups(t):
    return ["parse-group", t.group()]


def files(t):
    verb, text = t.file()
    # The protocols that are forgotten are those of all lines.
    while NESTS.search(text) or any(line.count("bucket=") > 1 for line in text.split("\n")):
        verb, text = t.file()
    return [*verb, *(["SWITCH"] if verb != ["parse-flows"] else []), text]


def small(t):
    argv = t.small_command()
    while argv[0] == "packet-out" and NESTS.search(" ".join(argv)):  # as above
        argv = t.small_command()
    return argv


def with_input(t):
    verb, text = t.offline_command()
    return [*verb, text]


KINDS = {  # what makes them, how many of all, how they are asked, how many are broken
    "flow": (flows, 0.3, lambda where: Offline(where, "argument"), 0.6),
    "group": (groups, 0.15, lambda where: Offline(where, "argument"), 0.6),
    "flow_command": (Commands.flow_command, 0.2, lambda where: Connected(where, "argument"), 0.3),
    "group_command": (Commands.group_command, 0.07, lambda where: Connected(where, "argument"), 0.4),
    "meter_command": (Commands.meter_command, 0.08, lambda where: Connected(where, "argument"), 0.4),
    "small_command": (small, 0.08, lambda where: Connected(where, "argument"), 0.2),
    "file": (files, 0.06, lambda where: Connected(where, "file"), 0),
    "input": (with_input, 0.06, lambda where: Offline(where, "input"), 0),
}


def commands(kind, n, seed):
    t = Commands(seed * 10 + list(KINDS).index(kind))
    make, _, _, broken = KINDS[kind]
    for _ in range(n):
        argv = make(t)
        if t.r.random() < broken and argv[:1] != ["packet-out"]:
            argv[-1] = t.broken(argv[-1])
        if broken:
            argv[-1] = t.odd_bytes(t.white(argv[-1]))
        version = t.r.choice(VERSIONS[3:] if kind == "meter_command" else VERSIONS)
        if "\0" not in argv[-1] and len(argv[-1]) < 60000:
            yield ["-O", version, *argv]


@pytest.mark.parametrize("kind", KINDS)
def test_texts(kind, tmp_path):
    _, share, make, _ = KINDS[kind]
    all_commands = list(commands(kind, int(CASES * share), SEED))
    found = differences(all_commands, make, tmp_path)
    shown = "".join(f"\n{c}\n  stock {a}\n  ours  {b}" for c, a, b in found[:8])
    assert not found, f"{len(found)} of {len(all_commands)} differ{shown}"
