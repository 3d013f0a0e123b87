# SPDX-License-Identifier: Apache-2.0
"""What a controller is told without asking, by both switches: why each flow went, that tables fill up, that ports change. The stock
`ovs-ofctl monitor` prints it; the texts must be the same."""
import pathlib
import re
import signal
import subprocess

import pytest

import harness
from harness import stock, wait_until
from test_trace_differential import Side

O13 = ["-O", "OpenFlow13"]
SEND = "send_flow_rem"


def ofctl(*args, version="OpenFlow13"):
    return ("ofctl", "-O", version, *args)


def add(flow, **kw):
    return ofctl("add-flow", "br0", flow, **kw)


def warp(seconds):
    return ("warp", seconds)


# Each with what it must bring about, so that two silent switches are not the same by silence.
EVENTS = {
    "idle": ([add(f"{SEND},cookie=1,idle_timeout=10,in_port=1,actions=2"), warp(11)], "reason=idle"),
    "hard": ([add(f"{SEND},cookie=2,idle_timeout=30,hard_timeout=20,in_port=1,actions=2"), warp(21)], "reason=hard"),
    "no timeout": ([add(f"{SEND},cookie=3,in_port=1,actions=2"), warp(40), ofctl("del-flows", "br0", "in_port=1")], "reason=delete"),
    "strictly": ([add(f"{SEND},cookie=4,priority=7,tcp,actions=2"), add(f"{SEND},cookie=5,priority=8,tcp,tcp_dst=9,actions=2"),
                  ofctl("--strict", "del-flows", "br0", "priority=7,tcp")], "priority=7"),
    "by what they do": ([add(f"{SEND},cookie=6,priority=7,tcp,actions=2"), add(f"{SEND},cookie=7,priority=7,udp,actions=3"),
                         ofctl("del-flows", "br0", "out_port=3")], "udp"),
    "by cookie": ([add(f"{SEND},cookie=0x18,tcp,actions=2"), add(f"{SEND},cookie=0x19,udp,actions=3"),
                   ofctl("del-flows", "br0", "cookie=0x19/-1")], "udp"),
    "replaced": ([add(f"{SEND},cookie=8,tcp,actions=2"), add(f"{SEND},cookie=9,tcp,actions=3"), ofctl("del-flows", "br0", "tcp")], "cookie:0x9"),
    "group": ([ofctl("add-group", "br0", "group_id=9,type=all,bucket=output:2"), add(f"{SEND},cookie=10,tcp,actions=group:9"),
               add(f"{SEND},cookie=11,udp,actions=2"), ofctl("del-groups", "br0", "group_id=9")], "tcp"),
    "meter": ([ofctl("add-meter", "br0", "meter=1 kbps bands=type=drop rate=1000"), add(f"{SEND},cookie=12,tcp,actions=meter:1,2"),
               ofctl("del-meter", "br0", "meter=1")], "tcp"),
    "eviction": ([("limit", 5, 2, "evict"), add(f"table=5,{SEND},cookie=13,hard_timeout=100,tcp,actions=2"),
                  add(f"table=5,{SEND},cookie=14,hard_timeout=50,udp,actions=2"), add(f"table=5,{SEND},cookie=15,hard_timeout=90,sctp,actions=2"),
                  add(f"table=5,{SEND},cookie=16,hard_timeout=90,arp,actions=2")], "udp"),
    "importance": ([("limit", 5, 2, "evict"), add(f"table=5,{SEND},importance=9,hard_timeout=5,tcp,actions=2", version="OpenFlow14"),
                    add(f"table=5,{SEND},importance=3,hard_timeout=50,udp,actions=2", version="OpenFlow14"),
                    add(f"table=5,{SEND},importance=5,hard_timeout=50,sctp,actions=2", version="OpenFlow14")], "udp"),
    "refused": ([("limit", 5, 2, "refuse"), *(add(f"table=5,{SEND},tcp,tcp_dst={i},actions=2") for i in range(3)), ofctl("del-flows", "br0", "tcp")],
                "tp_dst=1"),
    "eviction by controller": ([("limit", 5, 2, "refuse"), ofctl("mod-table", "br0", "5", "evict", version="OpenFlow14"),
                                *(add(f"table=5,{SEND},hard_timeout={90 - 10 * i},tcp,tcp_dst={i},actions=2") for i in range(4))], "tp_dst=1"),
    "lower limit": ([*(add(f"table=5,{SEND},hard_timeout={90 - 10 * i},tcp,tcp_dst={i},actions=2") for i in range(4)), ("limit", 5, 2, "evict")],
                    "tp_dst=3"),
    "port": ([ofctl("mod-port", "br0", "p2", "no-flood"), ofctl("mod-port", "br0", "p2", "flood"), ofctl("mod-port", "br0", "p2", "no-packet-in"),
              ofctl("mod-port", "br0", "p2", "packet-in")], "NO_PACKET_IN"),
    "new port": ([("vsctl", "add-port", "br0", "p9", "--", "set", "interface", "p9", "type=dummy", "ofport_request=9"),
                  ("vsctl", "del-port", "p9")], "PORT_STATUS"),
    "bundle": ([add(f"{SEND},cookie=20,tcp,actions=2"), add(f"{SEND},cookie=21,udp,actions=2"),
                ofctl("--bundle", "replace-flows", "br0", "-", version="OpenFlow14")], "cookie:0x14"),
}
BEFORE_14 = ("OpenFlow10", "OpenFlow13")
SILENT = {"group": ("OpenFlow10",), "meter": BEFORE_14, "eviction": BEFORE_14, "importance": BEFORE_14, "lower limit": BEFORE_14,
          "eviction by controller": BEFORE_14}  # which versions have no such reason
# Only OpenFlow 1.4 and later have table status messages. Percentages are of what is free.
VACANCY = [("limit", 5, 10, "refuse"), ofctl("mod-table", "br0", "5", "vacancy:20,80", version="OpenFlow14"),
           *(add(f"table=5,tcp,tcp_dst={i},actions=2") for i in range(10)), ofctl("--strict", "del-flows", "br0", "table=5,tcp,tcp_dst=1,priority=32768"),
           add("table=5,tcp,tcp_dst=1,actions=2"), ofctl("del-flows", "br0", "table=5"), *(add(f"table=5,udp,udp_dst={i},actions=2") for i in range(9))]


@pytest.fixture(scope="module")
def sides():
    if not harness.is_root():
        pytest.skip("needs root: network namespaces")
    net = harness.Net()
    made = []
    try:
        for tools in (harness.ours, stock):
            made.append(Side(tools, net))
            made[-1].channel.call("time/stop")
        yield made
    finally:
        for side in made:
            side.switch.close()
        net.close()


def do(side, step):
    what, *args = step
    if what == "warp":
        for _ in range(args[0]):
            side.channel.call("time/warp", "1000")
    elif what == "limit":
        table, limit, policy = args
        side.switch.vsctl("--", "--id=@t", "create", "Flow_Table", f"flow_limit={limit}", f"overflow_policy={policy}",
                          "--", "set", "bridge", "br0", f"flow_tables:{table}=@t")
    elif what == "vsctl":
        side.switch.vsctl(*args)
    else:
        # What is refused is refused by both, or what follows shows it.
        side.switch.tool("ovs-ofctl", *args, tools=stock, check=False, stdin="sctp,actions=2\n" if "-" in args else None)


def told(side, version, steps, send=None):
    """What `monitor` prints while the steps are taken, in the order in which it came. It may send a message of its own first."""
    path, control = pathlib.Path(side.switch.dir, "told"), f"{side.switch.dir}/told.ctl"
    run = lambda *args: side.switch.tool("ovs-ofctl", "-O", "OpenFlow14", *args, tools=stock)  # noqa: E731
    with open(path, "w") as out:
        p = subprocess.Popen([stock("ovs-ofctl"), "-O", version, "monitor", "br0", "65534", f"--unixctl={control}"], env=side.switch.env, stdout=out, stderr=out)
        try:
            def mark(number):
                run("add-flow", "br0", f"table=99,send_flow_rem,cookie={number},actions=drop")
                run("del-flows", "br0", "table=99")
                return f"cookie:0x{number:x}" in path.read_text()
            wait_until(lambda: mark(0xaaaa), what="the monitor to be there")
            if send:
                side.switch.tool("ovs-appctl", "-t", control, "ofctl/send", send, tools=stock)
                side.switch.tool("ovs-appctl", "-t", control, "ofctl/barrier", tools=stock)
            for step in steps:
                do(side, step)
            wait_until(lambda: mark(0xbbbb), what="all to be told")
        finally:
            p.send_signal(signal.SIGTERM)
            p.wait(10)
            side.switch.vsctl("clear", "bridge", "br0", "flow_tables")
            for args in (("del-flows", "br0"), ("del-groups", "br0"), ("del-meters", "br0"), ("mod-table", "br0", "5", "noevict"),
                         ("mod-table", "br0", "5", "novacancy")):
                run(*args)
    text = path.read_text()
    text = text[text.rindex("cookie:0xaaaa"):]
    text = text[text.index("\n") + 1:text.index("cookie:0xbbbb")]
    text = re.sub(r"xid=0x[0-9a-f]+", "xid=X", re.sub(r"addr:[0-9a-f:]+", "addr:X", text))
    return re.sub(r".*ECHO_REQUEST.*\n", "", re.sub(r"duration[0-9.]+s", "durationX", text))


@pytest.mark.parametrize("version", ["OpenFlow10", "OpenFlow13", "OpenFlow15"])
@pytest.mark.parametrize("event", EVENTS)
def test_same_news(sides, event, version):
    steps, wanted = EVENTS[event]
    if event == "new port" and version != "OpenFlow10":
        pytest.skip("stock says of new ports that they are live in a second message")
    mine, theirs = (told(side, version, steps) for side in sides)
    # Flows that go with one command go in no order.
    assert sorted(mine.splitlines()) == sorted(theirs.splitlines()), f"--- ours\n{mine}\n--- stock\n{theirs}"
    assert wanted in mine or version in SILENT.get(event, ()), mine


@pytest.mark.parametrize("version", ["OpenFlow14", "OpenFlow15"])
def test_vacancy(sides, version):
    wants = {"OpenFlow14": "05", "OpenFlow15": "06"}[version] + "1c0010000000080009000800000018"  # set-async
    mine, theirs = (told(side, version, VACANCY, wants) for side in sides)
    mine, theirs = ("".join(re.findall(r".*(?:TABLE_STATUS|table_id=99).*\n(?: .*\n)*", text)) for text in (mine, theirs))
    assert mine == theirs, f"--- ours\n{mine}\n--- stock\n{theirs}"
    assert mine.count("reason=VACANCY_DOWN") == 2 and mine.count("reason=VACANCY_UP") == 1, mine
